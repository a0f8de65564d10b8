/* The battery that every operation of src/ops/ops.def passes: gradients against finite differences, dtypes, views, empty
 * tensors, misuse, failing allocations, thread counts. A new line in ops.def is a new case of each. */
#include "support/elements.h"
#include "support/metered_tape.h"
#include "support/ops.h"

/* ---- gradients ---- */

START_TEST(gradients_agree_with_finite_differences)
{
    FOR_OPS(op)
    {
        cnn_tensor *in[MAX_OPERANDS] = { NULL };
        bool any = false;
        for (int i = 0; i < operand_count(op); i++) {
            in[i] = sample(ctx, op, i, CNN_F64);
            if (differentiable(op, i)) {
                ck_assert_int_eq(cnn_tensor_set_requires_grad(in[i], true), CNN_OK);
                any = true;
            }
        }
        if (any) {
            cnn_status status = cnn_gradcheck(ctx, op->call, NULL, in, operand_count(op), NULL);
            ck_assert_msg(status == CNN_OK, "%s: %s", op->name, cnn_last_error(ctx));
        }
        for (int i = 0; i < operand_count(op); i++) {
            cnn_tensor_free(in[i]);
        }
    }
}
END_TEST

/* ---- one run, forward and backward, with what comes of it ---- */

typedef struct outcome {
    cnn_status status;
    cnn_dtype dtype;
    size_t size;
    unsigned char *value;
    unsigned char *grad[MAX_OPERANDS];
    size_t grad_size[MAX_OPERANDS];
} outcome;

static void outcome_free(outcome *o)
{
    free(o->value);
    for (int i = 0; i < MAX_OPERANDS; i++) {
        free(o->grad[i]);
    }
}

static unsigned char *elements(const cnn_tensor *t, size_t *size)
{
    *size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    unsigned char *copy = calloc(1, *size + 1);
    ck_assert_ptr_nonnull(copy);
    ck_assert_msg(cnn_tensor_read(t, copy, *size) == CNN_OK, "%s", cnn_last_error(NULL));
    return copy;
}

/* `in` are tensors of the caller's, brought onto the tape as they are or through `wrap`. Real operands that are
 * differentiable want gradients. */
static outcome run(const op_entry *op, cnn_tensor *const *in, cnn_tensor *(*wrap)(cnn_tensor *x))
{
    outcome o = { 0 };
    cnn_tensor *on_tape[MAX_OPERANDS] = { NULL };
    bool wanted = false;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    for (int i = 0; i < operand_count(op); i++) {
        bool wants = differentiable(op, i) && is_real(cnn_tensor_dtype(in[i]));
        if (wants) {
            cnn_tensor_set_requires_grad(in[i], true);
            cnn_tensor_zero_grad(in[i]);
            wanted = true;
        }
        on_tape[i] = cnn_input(tape, in[i]);
        on_tape[i] = wrap ? wrap(on_tape[i]) : on_tape[i];
    }
    cnn_tensor *y = op->call(on_tape, operand_count(op), NULL);
    cnn_context_synchronize(ctx); /* a device looks at indices while it computes */
    o.status = cnn_tape_status(tape);
    if (o.status == CNN_OK) {
        o.dtype = cnn_tensor_dtype(y);
        o.value = elements(y, &o.size);
        if (wanted && cnn_tensor_requires_grad(y)) {
            o.status = cnn_backward_with(y, NULL, false);
        }
    }
    for (int i = 0; i < operand_count(op) && o.status == CNN_OK; i++) {
        if (differentiable(op, i) && is_real(cnn_tensor_dtype(in[i])) && cnn_tensor_grad(in[i])) {
            o.grad[i] = elements(cnn_tensor_grad(in[i]), &o.grad_size[i]);
        }
    }
    return o;
}

static void same_outcome(const op_entry *op, const char *what, const outcome *a, const outcome *b)
{
    ck_assert_msg(a->status == b->status && a->dtype == b->dtype && a->size == b->size &&
                  (a->size == 0 || memcmp(a->value, b->value, a->size) == 0), "%s: %s changes the result", op->name, what);
    for (int i = 0; i < MAX_OPERANDS; i++) {
        ck_assert_msg(!a->grad[i] == !b->grad[i] && a->grad_size[i] == b->grad_size[i] &&
                      (a->grad_size[i] == 0 || memcmp(a->grad[i], b->grad[i], a->grad_size[i]) == 0),
                      "%s: %s changes gradient %d", op->name, what, i);
    }
}

static void free_all(cnn_tensor **in)
{
    for (int i = 0; i < MAX_OPERANDS; i++) {
        cnn_tensor_free(in[i]);
        in[i] = NULL;
    }
}

/* ---- dtypes ---- */

static void check_finite(const op_entry *op, const outcome *o)
{
    for (size_t i = 0; o->dtype == CNN_F32 && i < o->size / sizeof(float); i++) {
        ck_assert_msg(isfinite(((float *)(void *)o->value)[i]), "%s: element %zu is not finite", op->name, i);
    }
    for (size_t i = 0; o->dtype == CNN_F64 && i < o->size / sizeof(double); i++) {
        ck_assert_msg(isfinite(((double *)(void *)o->value)[i]), "%s: element %zu is not finite", op->name, i);
    }
    for (size_t i = 0; o->dtype == CNN_BF16 && i < o->size / 2; i++) {
        ck_assert_msg((((uint16_t *)(void *)o->value)[i] & 0x7f80) != 0x7f80, "%s: element %zu is not finite", op->name, i);
    }
}

START_TEST(dtypes_are_taken_or_refused)
{
    FOR_OPS(op)
    {
        for (int dtype = CNN_F32; dtype <= CNN_BF16; dtype++) {
            cnn_tensor *in[MAX_OPERANDS] = { NULL };
            for (int i = 0; i < operand_count(op); i++) {
                in[i] = sample(ctx, op, i, (cnn_dtype)dtype);
            }
            outcome o = run(op, in, NULL);
            if (dtype_allowed(op, (cnn_dtype)dtype)) {
                ck_assert_msg(o.status == CNN_OK, "%s of %s: %s", op->name, cnn_dtype_name((cnn_dtype)dtype),
                              cnn_tape_error(tape));
                check_finite(op, &o);
            } else {
                ck_assert_msg(o.status == CNN_ERROR_DTYPE, "%s of %s: %s", op->name, cnn_dtype_name((cnn_dtype)dtype),
                              cnn_status_name(o.status));
                ck_assert_msg(names_operation(cnn_tape_error(tape), op), "%s says \"%s\"", op->name, cnn_tape_error(tape));
            }
            outcome_free(&o);
            free_all(in);
        }
    }
}
END_TEST

/* Two operands of one kind have one dtype. */
START_TEST(mixed_dtypes_are_refused)
{
    FOR_OPS(op)
    {
        if (operand_count(op) < 2 || strchr("bc", op->operands[0]) || strchr("bc", op->operands[1])) {
            continue;
        }
        cnn_tensor *in[MAX_OPERANDS] = { NULL };
        for (int i = 0; i < operand_count(op); i++) {
            in[i] = sample(ctx, op, i, i == 1 ? CNN_F64 : CNN_F32);
        }
        outcome o = run(op, in, NULL);
        ck_assert_msg(o.status == CNN_ERROR_DTYPE, "%s: %s", op->name, cnn_status_name(o.status));
        ck_assert_msg(names_operation(cnn_tape_error(tape), op), "%s says \"%s\"", op->name, cnn_tape_error(tape));
        outcome_free(&o);
        free_all(in);
    }
}
END_TEST

/* ---- views ---- */

static cnn_tensor *turn_back(cnn_tensor *x)
{
    return cnn_tensor_ndim(x) > 1 ? cnn_transpose(x, 0, -1) : x;
}

static cnn_tensor *every_other(cnn_tensor *x)
{
    return cnn_tensor_ndim(x) > 0 ? cnn_slice(x, -1, 1, INT64_MAX, 2) : x;
}

/* The same elements in another place: stored with the first and last dimension swapped, or between others. */
static cnn_tensor *stored_turned(cnn_tensor *t)
{
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *other = cnn_tensor_detach(cnn_contiguous(turn_back(cnn_input(tape, t))));
    ck_assert_ptr_nonnull(other);
    return other;
}

static cnn_tensor *stored_apart(cnn_tensor *t)
{
    if (cnn_tensor_ndim(t) == 0) {
        return cnn_tensor_detach(t);
    }
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, t), *pair = cnn_stack((cnn_tensor *const[]){ x, x }, 2, cnn_tensor_ndim(t));
    cnn_tensor *other = cnn_tensor_detach(cnn_flatten(pair, -2, -1));
    ck_assert_ptr_nonnull(other);
    return other;
}

/* Gradients come in the layout that they were stored in, so they are brought back first. */
static void bring_back(outcome *o, cnn_tensor *const *in, const op_entry *op, cnn_tensor *(*wrap)(cnn_tensor *x))
{
    for (int i = 0; i < operand_count(op); i++) {
        if (o->grad[i]) {
            free(o->grad[i]);
            cnn_tape_begin(tape, CNN_EVAL);
            o->grad[i] = elements(wrap(cnn_input(tape, cnn_tensor_grad(in[i]))), &o->grad_size[i]);
        }
    }
}

START_TEST(views_give_the_same_bits)
{
    static cnn_tensor *(*const wraps[])(cnn_tensor *) = { turn_back, every_other };
    static cnn_tensor *(*const stores[])(cnn_tensor *) = { stored_turned, stored_apart };
    FOR_OPS(op)
    {
        if (strcmp(op->name, "view") == 0 || strstr(op->name, "dropout")) {
            continue; /* the one refuses some views, the other draws anew */
        }
        for (int kind = 0; kind < 2; kind++) {
            cnn_tensor *plain[MAX_OPERANDS] = { NULL }, *stored[MAX_OPERANDS] = { NULL };
            for (int i = 0; i < operand_count(op); i++) {
                plain[i] = sample(ctx, op, i, CNN_F32);
                stored[i] = stores[kind](plain[i]);
            }
            outcome a = run(op, plain, NULL), b = run(op, stored, wraps[kind]);
            ck_assert_msg(b.status == CNN_OK, "%s: %s", op->name, cnn_tape_error(tape));
            bring_back(&b, stored, op, wraps[kind]);
            same_outcome(op, kind ? "a slice" : "a transposed view", &a, &b);
            outcome_free(&a);
            outcome_free(&b);
            free_all(plain);
            free_all(stored);
        }
    }
}
END_TEST

START_TEST(view_refuses_what_needs_a_copy)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F32, 0, 24, 1);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_transpose(cnn_view(cnn_input(tape, t), CNN_SHAPE(4, 6)), 0, 1);
    cnn_view(x, CNN_SHAPE(24));
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_SHAPE);
    ck_assert_msg(strncmp(cnn_tape_error(tape), "view: ", 6) == 0, "%s", cnn_tape_error(tape));
    cnn_tensor_free(t);
}
END_TEST

/* ---- empty tensors ---- */

START_TEST(empty_tensors_are_no_trouble)
{
    FOR_OPS(op)
    {
        for (int at = 0; at < 2; at++) {
            cnn_tensor *in[MAX_OPERANDS] = { NULL };
            for (int i = 0; i < operand_count(op); i++) {
                int64_t shape[CNN_MAX_DIMS];
                int ndim = operand_shape(op, i, shape);
                if (ndim > at && (i == 0 || shape[at] != 1)) {
                    shape[at] = 0;
                }
                in[i] = sample_shaped(ctx, op, i, operand_dtype(op, i, CNN_F32), ndim, shape);
                ck_assert_ptr_nonnull(in[i]);
            }
            outcome o = run(op, in, NULL);
            if (o.status != CNN_OK && !strstr(cnn_tape_error(tape), "index_check failed")) {
                ck_assert_msg(names_operation(cnn_tape_error(tape), op), "%s says \"%s\"", op->name,
                              cnn_tape_error(tape));
            }
            outcome_free(&o);
            free_all(in);
        }
    }
}
END_TEST

/* ---- misuse ---- */

static void check_refused(const op_entry *op, const char *what, cnn_tensor *result, cnn_status expected)
{
    ck_assert_msg(result != NULL, "%s of %s returned NULL", op->name, what);
    ck_assert_msg(cnn_context_status(NULL) == expected, "%s of %s: %s (%s)", op->name, what,
                  cnn_status_name(cnn_context_status(NULL)), cnn_last_error(NULL));
    ck_assert_msg(cnn_tensor_data(result) == NULL, "%s of %s has elements", op->name, what);
    cnn_context_clear_error(ctx);
}

START_TEST(misuse_is_reported)
{
    cnn_tape *other = cnn_tape_new(ctx);
    FOR_OPS(op)
    {
        cnn_tensor *in[MAX_OPERANDS] = { NULL }, *x[MAX_OPERANDS] = { NULL }, *none[MAX_OPERANDS] = { NULL };
        int count = operand_count(op);
        cnn_context_clear_error(ctx);
        cnn_tape_begin(tape, CNN_TRAIN);
        check_refused(op, "NULL", op->call(none, count, NULL), CNN_ERROR_INVALID_ARGUMENT);
        for (int i = 0; i < count; i++) {
            in[i] = sample(ctx, op, i, CNN_F32);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        check_refused(op, "tensors on no tape", op->call(in, count, NULL), CNN_ERROR_STATE);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tape_begin(other, CNN_TRAIN);
        for (int i = 0; i < count; i++) {
            x[i] = cnn_input(i == 1 ? other : tape, in[i]);
        }
        if (count > 1) {
            check_refused(op, "two tapes", op->call(x, count, NULL), CNN_ERROR_STATE);
        }
        cnn_tape_begin(tape, CNN_TRAIN);
        x[count > 1 ? 1 : 0] = cnn_input(tape, in[count > 1 ? 1 : 0]);
        if (count > 1) {
            check_refused(op, "a past step", op->call(x, count, NULL), CNN_ERROR_STATE);
        }
        free_all(in);
    }
    cnn_tape_free(other);
}
END_TEST

/* A nil operand gives nil, and the first error stays. */
START_TEST(errors_stick)
{
    FOR_OPS(op)
    {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *bad = cnn_input(tape, NULL), *x[MAX_OPERANDS] = { bad, bad, bad, bad, bad, bad, bad };
        char first[512];
        snprintf(first, sizeof first, "%s", cnn_tape_error(tape));
        cnn_tensor *y = op->call(x, operand_count(op), NULL);
        ck_assert_msg(cnn_tensor_status(y) == CNN_ERROR_INVALID_ARGUMENT, "%s of nil", op->name);
        ck_assert_str_eq(cnn_tape_error(tape), first);
    }
}
END_TEST

/* ---- failing allocations ---- */

/* A step from nothing: the tape's caches are empty, so every block is asked for. */
static cnn_status step_from_nothing(const op_entry *op)
{
    cnn_tensor *in[MAX_OPERANDS] = { NULL };
    cnn_status status = CNN_OK;
    cnn_tape *fresh = cnn_tape_new(ctx);
    for (int i = 0; fresh && i < operand_count(op); i++) {
        int64_t shape[CNN_MAX_DIMS];
        int ndim = operand_shape(op, i, shape);
        in[i] = cnn_tensor_ones(ctx, operand_dtype(op, i, CNN_F32), ndim, shape);
        if (in[i] && differentiable(op, i)) {
            cnn_tensor_set_requires_grad(in[i], true);
        }
        fresh = in[i] ? fresh : (cnn_tape_free(fresh), NULL);
    }
    if (!fresh) {
        status = cnn_context_status(ctx);
    } else {
        cnn_tensor *x[MAX_OPERANDS] = { NULL };
        cnn_tape_begin(fresh, CNN_TRAIN);
        for (int i = 0; i < operand_count(op); i++) {
            x[i] = cnn_input(fresh, in[i]);
        }
        cnn_tensor *y = op->call(x, operand_count(op), NULL);
        if (cnn_tape_status(fresh) == CNN_OK && cnn_tensor_requires_grad(y)) {
            cnn_backward_with(y, NULL, false);
        }
        status = cnn_tape_status(fresh);
    }
    for (int i = 0; i < operand_count(op) && status == CNN_OK; i++) { /* data is as it was */
        const float *x = cnn_tensor_dtype(in[i]) == CNN_F32 ? host_elements(in[i]) : NULL;
        for (int64_t k = 0; x && k < cnn_tensor_numel(in[i]); k++) {
            ck_assert(x[k] == 1);
        }
    }
    cnn_tape_free(fresh);
    free_all(in);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    FOR_OPS(op)
    {
        for (int on = 0; on < 2; on++) {
            cnn_status status = CNN_ERROR_NO_MEMORY;
            size_t before = atomic_load(&meter.now);
            for (long n = 0; status != CNN_OK; n++) {
                ck_assert_msg(n < 1000, "%s never passes", op->name);
                cnn_context_clear_error(ctx);
                atomic_store(&meter.calls, 0);
                atomic_store(&meter.fail_on, on);
                atomic_store(&meter.fail_at, n);
                status = step_from_nothing(op);
                bool failed = atomic_load(&meter.calls) > n;
                meter_reset();
                ck_assert_msg(status == (failed ? CNN_ERROR_NO_MEMORY : CNN_OK), "%s, allocation %ld: %s (%s)", op->name, n,
                              cnn_status_name(status), cnn_last_error(ctx));
                ck_assert_msg(atomic_load(&meter.now) == before, "%s, allocation %ld: %zu bytes leaked", op->name, n,
                              atomic_load(&meter.now) - before);
            }
        }
    }
}
END_TEST

/* ---- recording ---- */

START_TEST(evaluation_records_nothing)
{
    FOR_OPS(op)
    {
        for (int mode = 0; mode < 2; mode++) {
            cnn_tensor *in[MAX_OPERANDS] = { NULL }, *x[MAX_OPERANDS] = { NULL };
            cnn_tape_begin(tape, mode ? CNN_TRAIN_NO_GRAD : CNN_EVAL);
            for (int i = 0; i < operand_count(op); i++) {
                in[i] = sample(ctx, op, i, CNN_F32);
                if (differentiable(op, i)) {
                    cnn_tensor_set_requires_grad(in[i], true);
                }
                x[i] = cnn_input(tape, in[i]);
            }
            cnn_tensor *y = op->call(x, operand_count(op), NULL);
            ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
            bool itself = y == x[0];
            ck_assert_msg(itself || !cnn_tensor_requires_grad(y), "%s records in evaluation", op->name);
            free_all(in);
        }
    }
}
END_TEST

/* ---- thread counts ---- */

typedef cnn_tensor *(*big_fn)(cnn_tensor *a, cnn_tensor *b);

static cnn_tensor *big_add(cnn_tensor *a, cnn_tensor *b) { return cnn_add(a, b); }
static cnn_tensor *big_exp(cnn_tensor *a, cnn_tensor *b) { return cnn_mul(cnn_exp(a), cnn_sigmoid(b)); }
static cnn_tensor *big_turn(cnn_tensor *a, cnn_tensor *b) { return cnn_add(cnn_transpose(a, 0, 1), cnn_transpose(b, 0, 1)); }
static cnn_tensor *big_sum(cnn_tensor *a, cnn_tensor *b) { return cnn_add(cnn_sum(a, CNN_ALL_DIMS, false), cnn_mean(b, CNN_DIMS(0), false)); }
static cnn_tensor *big_rows(cnn_tensor *a, cnn_tensor *b) { return cnn_add(cnn_sum(a, CNN_DIMS(1), true), cnn_max(b, CNN_DIMS(1), true)); }
static cnn_tensor *big_softmax(cnn_tensor *a, cnn_tensor *b) { return cnn_mul(cnn_softmax(a, 1), cnn_log_softmax(b, 0)); }
static cnn_tensor *big_product(cnn_tensor *a, cnn_tensor *b) { return cnn_matmul(a, cnn_transpose(b, 0, 1)); }
static cnn_tensor *big_concat(cnn_tensor *a, cnn_tensor *b) { return cnn_concat((cnn_tensor *const[]){ a, b }, 2, 1); }
static cnn_tensor *big_along(cnn_tensor *a, cnn_tensor *b) { return cnn_add(cnn_max_along(a, 0, false, NULL), cnn_min_along(b, 1, true, NULL)); }
static cnn_tensor *big_where(cnn_tensor *a, cnn_tensor *b) { return cnn_where(cnn_lt(a, b), a, cnn_dropout(b, 0.3)); }
static cnn_tensor *big_image(cnn_tensor *a, cnn_tensor *b)
{
    cnn_tensor *x = cnn_reshape(a, CNN_SHAPE(6, 5, 100, 100)), *w = cnn_reshape(cnn_slice(cnn_flatten(b, 0, -1), 0, 0, 360, 1), CNN_SHAPE(8, 5, 3, 3));
    return cnn_maxpool2d(cnn_relu(cnn_conv2d(x, w, NULL, NULL)), CNN_OPTIONS(cnn_maxpool2d_options, .kernel = 3, .stride = 2));
}

/* Every row of the table is used several times. */
static cnn_tensor *big_embedding(cnn_tensor *a, cnn_tensor *b)
{
    cnn_tensor *at = cnn_cast(cnn_mul_scalar(cnn_sigmoid(cnn_slice(b, 1, 0, 8, 1)), 300), CNN_I64);
    return cnn_add(cnn_embedding(a, at, NULL), cnn_slice(b, 0, 0, 1, 1));
}

static cnn_tensor *big_lstm(cnn_tensor *a, cnn_tensor *b)
{
    enum { T = 7, N = 300, I = 60, H = 40 };
    cnn_tensor *x = cnn_reshape(cnn_slice(cnn_flatten(a, 0, -1), 0, 0, T * N * I, 1), CNN_SHAPE(T, N, I));
    cnn_tensor *w = cnn_mul_scalar(cnn_flatten(b, 0, -1), 0.2), *h_n, *c_n;
    cnn_tensor *w_ih = cnn_reshape(cnn_slice(w, 0, 0, 4 * H * I, 1), CNN_SHAPE(4 * H, I));
    cnn_tensor *w_hh = cnn_reshape(cnn_slice(w, 0, 20000, 20000 + 4 * H * H, 1), CNN_SHAPE(4 * H, H));
    cnn_tensor *bias = cnn_slice(w, 0, 0, 4 * H, 1);
    cnn_tensor *y = cnn_lstm(x, NULL, NULL, w_ih, w_hh, bias, bias, NULL, NULL, &h_n, &c_n);
    return cnn_add(cnn_add(y, h_n), c_n);
}

static const big_fn big[] = { big_add, big_exp, big_turn, big_sum, big_rows, big_softmax, big_product, big_concat, big_where, big_along, big_embedding, big_lstm, big_image };
enum { BIG = sizeof big / sizeof *big };

static outcome run_big(big_fn fn, int threads)
{
    outcome o = { 0 };
    cnn_context *own = cnn_context_new(.seed = 5, .threads = threads);
    cnn_tape *t = cnn_tape_new(own);
    cnn_tensor *in[2];
    for (int i = 0; i < 2; i++) {
        in[i] = cnn_tensor_randn(own, CNN_F32, CNN_SHAPE(300, 1000));
        cnn_tensor_set_requires_grad(in[i], true);
    }
    cnn_tape_begin(t, CNN_TRAIN);
    cnn_tensor *y = fn(cnn_input(t, in[0]), cnn_input(t, in[1]));
    ck_assert_msg(cnn_backward_with(y, NULL, false) == CNN_OK, "%s", cnn_tape_error(t));
    o.value = elements(y, &o.size);
    for (int i = 0; i < 2; i++) {
        o.grad[i] = elements(cnn_tensor_grad(in[i]), &o.grad_size[i]);
        cnn_tensor_free(in[i]);
    }
    cnn_tape_free(t);
    cnn_context_free(own);
    return o;
}

START_TEST(thread_counts_give_the_same_bits)
{
    for (int i = 0; i < BIG; i++) {
        op_entry op = { .name = "a large operation" };
        outcome one = run_big(big[i], 1);
        for (int threads = 2; threads <= 3; threads++) {
            outcome more = run_big(big[i], threads);
            same_outcome(&op, "the number of threads", &one, &more);
            outcome_free(&more);
        }
        outcome_free(&one);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops battery");
    TCase *tests = tcase_create("battery");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, gradients_agree_with_finite_differences);
    tcase_add_test(tests, dtypes_are_taken_or_refused);
    tcase_add_test(tests, mixed_dtypes_are_refused);
    tcase_add_test(tests, views_give_the_same_bits);
    tcase_add_test(tests, view_refuses_what_needs_a_copy);
    tcase_add_test(tests, empty_tensors_are_no_trouble);
    tcase_add_test(tests, misuse_is_reported);
    tcase_add_test(tests, errors_stick);
    tcase_add_test(tests, every_allocation_may_fail);
    tcase_add_test(tests, evaluation_records_nothing);
    tcase_add_test(tests, thread_counts_give_the_same_bits);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
