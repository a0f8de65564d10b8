/* The upper halves of vector registers, which some processors keep track of.
 *
 * Once an instruction of AVX has written the upper half of a register, instructions of SSE must preserve it, which
 * makes each of them wait for the last result in its register, or costs a transition, until vzeroupper says that nobody
 * needs the upper halves. Compilers put that where a function returns, but GCC does not at -Os and -Oz, so that a
 * kernel which is compiled for size would leave all code after it slow, the program's own included. */
#ifndef CNN_PLATFORM_VECTORS_H
#define CNN_PLATFORM_VECTORS_H

#include "platform/target.h"

/* Says that nobody needs the upper halves of this thread's vector registers. */
static inline void cnn__vectors_leave(void)
{
#if defined __x86_64__ && defined __AVX__
    __builtin_ia32_vzeroupper();
#elif defined __x86_64__
    /* This file's own code has no upper halves. */
    if (__builtin_cpu_supports("avx")) {
        __asm__ volatile("vzeroupper");
    }
#endif
}

#endif
