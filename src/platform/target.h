/* Checks the target and the compiler's flags. Every file includes this, most of them through base/pool.h or
 * kernels/simd/vector/lanes.h. Programs that use the library may be compiled with any flags. */
#ifndef CNN_PLATFORM_TARGET_H
#define CNN_PLATFORM_TARGET_H

/* WebAssembly is let through: its memory ends at 4 GiB, and tensor/shape.c refuses tensors of more than 1 GiB there. */
#if (__SIZEOF_POINTER__ < 8 || __SIZEOF_SIZE_T__ < 8) && !defined __wasm32__
#error "libcnn needs a 64-bit target: sizes of tensors and files go beyond 32 bits. Compile without -m32 and -mx32."
#endif

/* These flags let the compiler assume that NaN and infinities do not occur, and reorder sums. NaN would no longer be
 * found in losses, results would depend on the compiler and the number of threads, and the comparisons with PyTorch
 * would fail. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
/* clang-format off */
#error "libcnn is not compiled with -ffast-math, -Ofast or their parts (-ffinite-math-only, \
-funsafe-math-optimizations, -fassociative-math, -freciprocal-math, -fno-signed-zeros): it handles NaN and \
infinities, and the same seed gives the same bits. Its kernels are vectorised without them. Programs that use it \
may be compiled with these flags."
/* clang-format on */
#endif

#if defined(__x86_64__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
#error "libcnn is not compiled with -mfpmath=387: each operation must round to its own type."
#endif

/* Which folder of platform/ is compiled in: exactly one of these is 1. The compiler knows the system;
 * CNN__WITHOUT_SYSTEM may be defined on any, for a library without threads and files. */
#if defined CNN__WITHOUT_SYSTEM || defined __wasm__
#define CNN__NONE 1
#else
#define CNN__NONE 0
#endif
#if defined _WIN32 && !CNN__NONE
#define CNN__WIN32 1
#else
#define CNN__WIN32 0
#endif
#define CNN__POSIX (!CNN__NONE && !CNN__WIN32)

#endif
