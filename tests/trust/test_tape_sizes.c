/* Long runs of steps of random kinds and sizes: checks the bound on the memory of tapes after every step. */
#include "support/fixtures.h"
#include "support/steps.h"
#include "trust/trust.h"

enum { RUNS = 24, STEPS = 400 };

static long steps_run;

START_TEST(long_runs_keep_to_the_bound)
{
    cnn_context *ctx = metered_context(1);
    steps_make(ctx);
    step_kind first = _i % 3 == 1 ? EVAL_CONV : TRAIN_CONV, end = _i % 3 == 0 ? TRAIN_KINDS : STEP_KINDS;
    steps_keep_to_the_bound(1000 + (unsigned)_i, STEPS, first, end);
    steps_run += STEPS;
    steps_free();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}
END_TEST

int main(void)
{
    trust_begin("tape sizes");
    TCase *tests = trust_case("sizes", 600);
    tcase_add_loop_test(tests, long_runs_keep_to_the_bound, 0, RUNS);
    int failed = trust_run();
    return trust_end(failed, "tape sizes: %ld steps of drawn sizes, none over the bound", steps_run);
}
