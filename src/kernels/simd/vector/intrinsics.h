/* Instructions for which vector types have no notation. GCC takes half a second to read <immintrin.h>, in every file
 * and for every instruction set, so it gets the builtins that its header is made of; other compilers read their
 * header. */
#ifndef CNN_KERNELS_SIMD_VECTOR_INTRINSICS_H
#define CNN_KERNELS_SIMD_VECTOR_INTRINSICS_H

#if defined __x86_64__ && defined __GNUC__ && !defined __clang__
#define X86(builtin, intrinsic) builtin
#elif defined __x86_64__
#include <immintrin.h>
#define X86(builtin, intrinsic) intrinsic
#elif defined __aarch64__
#include <arm_neon.h>
#endif

enum { X86_ALL = -1, X86_ROUNDING = 4 }; /* a mask of all lanes; the thread's rounding mode */

#endif
