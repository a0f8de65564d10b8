# The enumerations of the back-end interface, from include/cnn/kernels/*.h, for the kernels, which include no header of
# the library's interface.
BEGIN { print "/* Made by cuda/enumerations.awk. */\n#ifndef CNN_CUDA_ENUMERATIONS_H\n#define CNN_CUDA_ENUMERATIONS_H" }
/^typedef enum / { inside = 1 }
inside { print }
/^} / { inside = 0 }
END { print "#endif" }
