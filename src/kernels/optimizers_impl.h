/* The steps of all optimizers. Each is one formula, which the reference applies to single numbers, f32 and f64, and
 * each instruction set to vectors of f32. The file that includes this one says how:
 *   REAL    float or double
 *   VALUE   what a formula computes with at once: WIDTH REALs, one or a vector
 *   NAME()  a function's or type's name
 *   NUMBERS()  the type of what a formula is told (optimizers_numbers_impl.h)
 *   LAUNCH_LINKAGE, or LAUNCH_ELSEWHERE, which names the function of another table (optimizer_loops.h)
 *   READ(from), WRITE(to, value)      WIDTH REALs
 *   ROOT(x), CHOOSE(condition, a, b)  element by element
 *
 * A new optimizer is a formula, its numbers, a function that takes them from the launch, a loop, and a line at the end.
 * Formulas stand in the files of their families. */

/* Makes the new VALUEs of `out` from the old ones. */
typedef void NAME(formula)(const void *numbers, unsigned has, VALUE grad, VALUE *out);

enum { NAME(AHEAD) = 512 }; /* elements: enough for the time that memory takes, few enough to stay in the cache */

/* Asks for what will be read soon. A step reads up to five arrays at once between divisions and roots, which leave the
 * processor too few instructions in flight to see that far. */
CNN__INLINE void NAME(ahead)(const REAL *from)
{
    if (WIDTH > 1) {
        __builtin_prefetch(from + NAME(AHEAD), 1);
    }
}

/* Applies the formula to a chunk of whole VALUEs. Where `has` is a constant, the loop has no branches. */
CNN__INLINE void NAME(step_chunk)(const cnn__optimizer_step *step, NAME(formula) * formula, unsigned has, int64_t task)
{
    const cnn__optimizer_step s = *step; /* a copy, which no store changes */
    int64_t begin = task * CNN__OPTIMIZER_CHUNK, left = s.n - begin;
    int64_t end = left < CNN__OPTIMIZER_CHUNK ? s.n : begin + CNN__OPTIMIZER_CHUNK;
    for (int64_t i = begin; i < end; i += WIDTH) {
        VALUE out[4] = { 0 }; /* in registers, once the loops over it are unrolled */
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            if (has >> k & 1) {
                out[k] = READ((REAL *)s.out[k] + i);
                NAME(ahead)((REAL *)s.out[k] + i);
            }
        }
        formula(s.numbers, has, READ((const REAL *)s.grad + i), out);
        NAME(ahead)((const REAL *)s.grad + i);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            if (has >> k & 1) {
                WRITE((REAL *)s.out[k] + i, out[k]);
            }
        }
    }
}

/* Functions that find numbers; those of a file with LAUNCH_ELSEWHERE are not used. */
#define OPTIMIZER static __attribute__((unused))

/* ---- the formulas, by families ---- */

#include "kernels/optimizers_adam_impl.h"
#include "kernels/optimizers_sgd_impl.h"
#include "kernels/optimizers_square_impl.h"

/* ---- the list: kernel, function, and FLOPs per element of the formula, with all that may be left out ---- */

#undef CNN__OPTIMIZERS
#define CNN__OPTIMIZERS(X) \
    X(ADAM, adam, 13) \
    X(SGD, sgd, 7) \
    X(RMSPROP, rmsprop, 14) \
    X(ADAGRAD, adagrad, 8) \
    X(ADADELTA, adadelta, 16) \
    X(NADAM, nadam, 15) \
    X(RADAM, radam, 13) \
    X(ADAMAX, adamax, 10) \
    X(LION, lion, 11) \
    X(LAMB, lamb, 13) \
    X(LARS, lars, 6) \
    X(MUON, muon, 6) \
    X(COMBINE, combine, 3)

static const cnn__optimizer_loops NAME(loops) = {
    .width = WIDTH,
    .size = sizeof(REAL),
    .adam = NAME(adam_chunk),
    .amsgrad = NAME(amsgrad_chunk),
    .moments = NAME(moments_chunk),
    .adamax = NAME(adamax_chunk),
    .sgd = NAME(sgd_chunk),
    .lion = NAME(lion_chunk),
    .lars = NAME(lars_chunk),
    .muon = NAME(muon_chunk),
    .combine = NAME(combine_chunk),
    .rmsprop = NAME(rmsprop_chunk),
    .adagrad = NAME(adagrad_chunk),
    .adadelta = NAME(adadelta_chunk),
};

#ifdef LAUNCH_ELSEWHERE
#define LAUNCH LAUNCH_ELSEWHERE
#else
#define LAUNCH NAME(optimizer_launch)
#define CNN__OPTIMIZER_STEP(NUMBER, name, flops_each) \
    case CNN_KERNEL_##NUMBER: \
        NAME(name)(l, loops, pool); \
        break;

LAUNCH_LINKAGE void LAUNCH(const cnn_launch *l, const cnn__optimizer_loops *loops, cnn__pool *pool)
{
    switch ((int)l->kernel) {
        CNN__OPTIMIZERS(CNN__OPTIMIZER_STEP)
    }
}

#undef CNN__OPTIMIZER_STEP
#endif

void NAME(optimizer)(const cnn_launch *l, cnn__pool *pool)
{
    LAUNCH(l, &NAME(loops), pool);
}

#undef OPTIMIZER
#undef LAUNCH
#undef LAUNCH_LINKAGE
#undef LAUNCH_ELSEWHERE
