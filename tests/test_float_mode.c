/* Rounding and subnormal numbers: the library computes in the mode of the calling thread at the time of the call,
 * and results do not depend on the number of threads, whenever the mode was set. */
#include "base/pool.h"
#include "platform/float_mode.h"
#include "support/data.h"
#include "support/elements.h"

#include <fenv.h>
#include <math.h>

#if defined(__x86_64__)
static bool traps(void)
{
    return ~__builtin_ia32_stmxcsr() & 0x1f80;
}

enum { FLUSH = 0x8040 }; /* MXCSR's FTZ and DAZ */
static void flush(bool on)
{
    unsigned now = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(on ? now | FLUSH : now & ~(unsigned)FLUSH);
}
#else
static bool traps(void)
{
    return fegetexcept() != 0;
}

#if defined(__aarch64__)
static void flush(bool on)
{
    uint64_t now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now));
    now = on ? now | UINT64_C(1) << 24 : now & ~(UINT64_C(1) << 24);
    __asm__ volatile("msr fpcr, %0" : : "r"(now));
}
#else
static void flush(bool on)
{
    (void)on;
}
#endif
#endif

static const struct {
    const char *name;
    int rounding;
    bool flush;
} modes[] = { { "the default", FE_TONEAREST, false },
              { "flushing", FE_TONEAREST, true },
              { "rounding up", FE_UPWARD, false },
              { "rounding to 0 and flushing", FE_TOWARDZERO, true } };
enum { MODES = sizeof modes / sizeof *modes };

static void set_mode(int i)
{
    ck_assert_int_eq(fesetround(modes[i].rounding), 0);
    flush(modes[i].flush);
}

static uint64_t hash_of(const cnn_tensor *t)
{
    uint64_t hash = 1469598103934665603u; /* FNV-1a */
    const unsigned char *bytes = host_elements(t);
    for (size_t i = 0; i < (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t)); i++) {
        hash = (hash ^ bytes[i]) * 1099511628211u;
    }
    return hash;
}

/* ---- training: Adam's second moments are subnormal here ---- */

static void step(cnn_tape *tape, cnn_module *m, cnn_optimizer *adam, cnn_tensor *x)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_sum(cnn_sigmoid(cnn_forward(m, cnn_input(tape, x))), CNN_ALL_DIMS, false);
    cnn_optimizer_zero_grad(adam);
    cnn_backward(loss);
    ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
}

/* Makes everything in one mode, takes a step in it, and two more in another. */
static uint64_t train(int threads, int mode_before, int mode)
{
    set_mode(mode_before);
    cnn_context *own = cnn_context_new(.seed = 1, .threads = threads);
    cnn_module *m = cnn_linear_new(own, 1000, 300);
    cnn_optimizer *adam = cnn_adam_new(m, .eps = 1e-30);
    cnn_tape *tape = cnn_tape_new(own);
    cnn_tensor *x = cnn_tensor_full(own, CNN_F32, 1e-20, CNN_SHAPE(16, 1000));
    step(tape, m, adam, x);
    set_mode(mode);
    step(tape, m, adam, x);
    step(tape, m, adam, x);
    set_mode(0);
    uint64_t hash = hash_of(cnn_module_parameter(m, 0));
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
    cnn_context_free(own);
    return hash;
}

START_TEST(the_number_of_threads_makes_no_difference_in_any_mode)
{
    uint64_t first[MODES];
    for (int mode = 0; mode < MODES; mode++) {
        first[mode] = train(1, mode, mode);
        for (int before = 0; before < MODES; before++) {
            uint64_t alone = train(1, before, mode);
            for (int threads = 2; threads <= 3; threads++) {
                for (int repeat = 0; repeat < 2; repeat++) {
                    ck_assert_msg(train(threads, before, mode) == alone,
                                  "%s, then %s: %d threads leave other weights than one", modes[before].name,
                                  modes[mode].name, threads);
                }
            }
        }
    }
    ck_assert_msg(first[0] != first[2] && first[0] == train(1, 0, 0), "the mode is taken over from the caller");
#if defined(__x86_64__) || defined(__aarch64__)
    ck_assert_msg(first[0] != first[1], "subnormal numbers are flushed where the caller flushes them");
#endif
}
END_TEST

/* ---- loaders: a batch is that of the mode in which it is asked for, whoever wrote it ---- */

static uint64_t batches(bool no_background, const int mode[4])
{
    static const double mean = 0.1307, std = 0.3081;
    cnn_dataset *d = memory_dataset(12, CNN_F32, CNN_I64);
    ck_assert_int_eq(cnn_dataset_normalize(d, 1, &mean, &std), CNN_OK);
    cnn_loader *loader = cnn_loader_new(d, 3, .no_background = no_background);
    cnn_batch batch;
    uint64_t hash = 0;
    for (int i = 0; i < 4; i++) {
        set_mode(mode[i]);
        ck_assert(cnn_loader_next(loader, &batch));
        hash = hash * 31 + hash_of(batch.images);
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL); /* so that the next one is written already */
    }
    set_mode(0);
    cnn_loader_free(loader);
    return hash;
}

START_TEST(a_batch_is_written_in_the_callers_mode)
{
    static const int same[4] = { 0, 0, 0, 0 }, up[4] = { 2, 2, 2, 2 }, turns[4] = { 0, 2, 3, 0 };
    ck_assert(batches(true, same) == batches(false, same));
    ck_assert(batches(true, up) == batches(false, up));
    ck_assert(batches(true, turns) == batches(false, turns));
    ck_assert(batches(true, up) != batches(true, same));
}
END_TEST

/* ---- traps stay with the caller ---- */

static void count_traps(void *arg, int64_t task, int worker)
{
    (void)task;
    nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL); /* so that every worker gets some */
    atomic_fetch_add((atomic_int *)arg + (worker > 0), traps());
}

START_TEST(no_trap_is_enabled_in_a_worker)
{
    atomic_int trapping[2] = { 0, 0 };
    feenableexcept(FE_DIVBYZERO);
    if (!traps()) {
        printf("skipped: traps of floating point, which this CPU has not\n");
        return;
    }
    cnn__pool *pool = cnn__pool_new(NULL, 3);
    for (int round = 0; round < 3; round++) {
        cnn__pool_run(pool, 60, 1e9, count_traps, trapping);
    }
    ck_assert_int_gt(atomic_load(&trapping[0]), 0);
    ck_assert_int_eq(atomic_load(&trapping[1]), 0);
    ck_assert(traps());
    fedisableexcept(FE_ALL_EXCEPT);
    cnn__pool_free(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("float mode");
    TCase *tests = suite_case(suite, "modes", setup, teardown);
    tcase_add_test(tests, the_number_of_threads_makes_no_difference_in_any_mode);
    tcase_add_test(tests, a_batch_is_written_in_the_callers_mode);
    tcase_add_test(tests, no_trap_is_enabled_in_a_worker);
    return suite_run(suite);
}
