/* Every allocation fails once: each scenario runs with allocation 0, 1, 2, … failing until it passes, and then with
 * all from the Nth on. Each time the call must return CNN_ERROR_NO_MEMORY with a message, give back every block, and
 * leave weights, operands and files unchanged. If only one allocation fails, a tape may give back idle blocks and go
 * on; then the results are the same as without the failure. */
#include "trust/scenarios.h"
#include "trust/trust.h"

static long scenarios_run, failed_once, failed_from, overcome;

static void operands_make(world *w, const op_entry *op, cnn_dtype dtype)
{
    w->op = op;
    w->dtype = dtype;
    for (int i = 0; i < operand_count(op); i++) {
        w->in[i] = sample(w->ctx, op, i, dtype);
        ck_assert_ptr_nonnull(w->in[i]);
        if (differentiable(op, i) && is_real(dtype)) {
            ck_assert_int_eq(cnn_tensor_set_requires_grad(w->in[i], true), CNN_OK);
        }
    }
    remember(w);
}

static void check_failure(const char *name, long n, cnn_status status, const world *w)
{
    const char *message = cnn_last_error(NULL);
    ck_assert_msg(status == CNN_ERROR_NO_MEMORY, "%s, allocation %ld: %s (%s)", name, n, cnn_status_name(status), message);
    ck_assert_msg(cnn_context_status(NULL) == CNN_ERROR_NO_MEMORY, "%s, allocation %ld: the newest failure is %s", name, n,
                  cnn_status_name(cnn_context_status(NULL)));
    ck_assert_msg(strstr(message, ": ") && !strchr(message, '\n'), "%s, allocation %ld: no message: \"%s\"", name, n, message);
    ck_assert_msg(unchanged(w), "%s, allocation %ld: weights or operands changed", name, n);
}

/* Returns false when the scenario has passed. */
static bool attempt(const scenario *s, const op_entry *op, cnn_dtype dtype, long n, bool on)
{
    world w;
    world_make(&w, 1);
    if (op) {
        operands_make(&w, op, dtype);
    }
    cnn_context_clear_error(NULL);
    atomic_store(&meter.calls, 0);
    atomic_store(&meter.fail_on, on);
    atomic_store(&meter.fail_at, n);
    cnn_status status = s->run(&w);
    bool failed = atomic_load(&meter.calls) > n;
    bool gave_back = failed && !on && status == CNN_OK;
    overcome += gave_back;
    if (failed && !gave_back) {
        check_failure(s->name, n, status, &w);
    } else {
        ck_assert_msg(status == CNN_OK, "%s, no failure: %s (%s)", s->name, cnn_status_name(status), cnn_last_error(NULL));
        ck_assert_msg(s->loads || unchanged(&w), "%s: weights or operands changed", s->name);
    }
    world_free_made(&w); /* still without memory */
    meter_reset();
    world_free(&w);
    ck_assert_msg(atomic_load(&meter.now) == 0, "%s, allocation %ld: %zu bytes leaked", s->name, n, atomic_load(&meter.now));
    if (failed && !gave_back) {
        ck_assert_msg(files_unchanged(), "%s, allocation %ld: files changed", s->name, n);
    } else {
        files_restore();
    }
    return failed;
}

static void torture(const scenario *s, const op_entry *op, cnn_dtype dtype)
{
    for (int on = 0; on < 2; on++) {
        long n = 0;
        while (attempt(s, op, dtype, n, on)) {
            n++;
            ck_assert_msg(n < 5000, "%s never passes", s->name);
        }
        ck_assert_msg(n > 0, "%s allocates nothing", s->name);
        *(on ? &failed_from : &failed_once) += n;
    }
    scenarios_run++;
}

static void setup(void)
{
    folder_make();
    world_files_make();
}

static void teardown(void)
{
    folder_remove();
    files_forget();
}

START_TEST(scenarios_report_no_memory)
{
    torture(&scenarios[_i], NULL, CNN_F32);
}
END_TEST

START_TEST(operations_report_no_memory)
{
    const op_entry *op = &op_table[_i];
    const scenario s = { op->name, operation, false };
    for (cnn_dtype dtype = CNN_F32; dtype <= CNN_BF16; dtype++) {
        if (dtype_allowed(op, dtype)) {
            torture(&s, op, dtype);
        }
    }
}
END_TEST

int main(void)
{
    trust_begin("memory");
    TCase *tests = trust_case("memory", 600);
    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, scenarios_report_no_memory, 0, SCENARIOS);
    tcase_add_loop_test(tests, operations_report_no_memory, 0, OP_COUNT);
    int failed = trust_run();
    return trust_end(failed, "memory: %ld scenarios, %ld allocations failed once, %ld of them overcome, %ld times all from one on",
                     scenarios_run, failed_once, overcome, failed_from);
}
