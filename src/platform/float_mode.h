/* The floating-point mode of a thread: how it rounds and how it treats subnormal numbers. Results depend on it as
 * they depend on operands.
 *
 * The library computes as the thread that calls it does. Its own threads take over the caller's mode with each piece
 * of work, so that results do not depend on who computes what. Only the modes are handed on, never enabled traps: a
 * signal in a thread that the program does not know would kill it. */
#ifndef CNN_PLATFORM_FLOAT_MODE_H
#define CNN_PLATFORM_FLOAT_MODE_H

#include <stdint.h>

typedef uint64_t cnn__float_mode;

#if defined(__x86_64__) || (defined(__i386__) && defined(__SSE_MATH__))
/* MXCSR: rounding (bits 13 and 14), flush-to-zero (15) and denormals-are-zero (6); bits 7 to 12 mask the traps. */
enum { CNN__MXCSR_MODE = 0xe040, CNN__MXCSR_ROUNDING = 0x6000, CNN__MXCSR_NO_TRAPS = 0x1f80 };

static inline cnn__float_mode cnn__float_mode_get(void)
{
    return __builtin_ia32_stmxcsr() & CNN__MXCSR_MODE;
}

static inline void cnn__float_mode_set(cnn__float_mode mode)
{
    unsigned now = __builtin_ia32_stmxcsr() & (CNN__MXCSR_MODE | CNN__MXCSR_NO_TRAPS);
    unsigned wanted = (unsigned)mode | CNN__MXCSR_NO_TRAPS;
    if (now != wanted) {
        __builtin_ia32_ldmxcsr(wanted);
    }
}
#elif defined(__aarch64__)
/* FPCR without the enabled traps (bits 8 to 12, and 15). */
static inline cnn__float_mode cnn__float_mode_get(void)
{
    uint64_t now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now));
    return now & ~UINT64_C(0x9f00);
}

static inline void cnn__float_mode_set(cnn__float_mode mode)
{
    uint64_t now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now));
    if (now != mode) {
        __asm__ volatile("msr fpcr, %0" : : "r"(mode));
    }
}
#else
/* Elsewhere the direction of rounding is all that standard C can get and set. */
#include <fenv.h>

static inline cnn__float_mode cnn__float_mode_get(void)
{
    return (cnn__float_mode)fegetround();
}

static inline void cnn__float_mode_set(cnn__float_mode mode)
{
    fesetround((int)mode);
}
#endif

#endif
