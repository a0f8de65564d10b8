/* Operations of the user's own, and the gradient check. */
#include "support/autograd.h"
#include "support/elements.h"

/* ---- operations of the user's own: y = a · b, elementwise ---- */

typedef struct product {
    int infers, forwards, backwards;
    cnn_status fail_infer, fail_forward, fail_backward;
    double wrong; /* added to the gradient of input 0 */
    int rank;     /* 0: that of the operands */
} product;

static cnn_status product_infer(const cnn_tensor *const *in, int count, cnn_dtype *dtype, int *ndim, int64_t *shape, void *user)
{
    product *p = user;
    p->infers++;
    (void)count;
    *dtype = cnn_tensor_dtype(in[0]);
    *ndim = p->rank ? p->rank : cnn_tensor_ndim(in[0]);
    for (int d = 0; d < *ndim && d < CNN_MAX_DIMS; d++) {
        shape[d] = p->rank ? 1 : cnn_tensor_size(in[0], d);
    }
    return p->fail_infer;
}

static cnn_status product_forward(const cnn_tensor *const *in, int count, cnn_tensor *out, void *user)
{
    product *p = user;
    const double *a = host_elements(in[0]), *b = host_elements(in[count - 1]);
    double *y = writable_elements(out);
    p->forwards++;
    for (int64_t i = 0; i < cnn_tensor_numel(out); i++) {
        y[i] = a[i] * b[i];
    }
    elements_written(out, y);
    return p->fail_forward;
}

static cnn_status product_backward(const cnn_tensor *const *in, int count, const cnn_tensor *out, const cnn_tensor *dy,
                                   cnn_tensor *const *grads, void *user)
{
    product *p = user;
    p->backwards++;
    if (p->fail_backward) {
        return p->fail_backward;
    }
    const double *seed = host_elements(dy);
    ck_assert(cnn_tensor_is_contiguous(dy) && cnn_tensor_is_contiguous(in[0]) && cnn_tensor_numel(out) == cnn_tensor_numel(dy));
    for (int k = 0; k < 2; k++) {
        const double *other = host_elements(in[count - 1 - k]);
        double *gradient = grads[k] ? writable_elements(grads[k]) : NULL;
        for (int64_t i = 0; gradient && i < cnn_tensor_numel(dy); i++) {
            gradient[i] = seed[i] * other[i] + (k ? 0 : p->wrong);
        }
        elements_written(grads[k], gradient);
    }
    return CNN_OK;
}

static const cnn_custom_op product_op = { .struct_size = sizeof product_op, .name = "product", .infer = product_infer,
                                          .forward = product_forward, .backward = product_backward };

static cnn_tensor *product_of(cnn_tensor *a, cnn_tensor *b, product *p)
{
    return cnn_custom(&product_op, (cnn_tensor *const[]){ a, b }, 2, p);
}

static cnn_tensor *product_function(cnn_tensor *const *in, int count, void *user)
{
    return cnn_custom(&product_op, in, count, user);
}

static cnn_tensor *square_function(cnn_tensor *const *in, int count, void *user)
{
    (void)count;
    return product_of(in[0], in[0], user);
}

START_TEST(custom_operations_compute_and_differentiate)
{
    product p = { 0 };
    cnn_tensor *other = cnn_tensor_full(ctx, CNN_F64, 5, CNN_SHAPE(3)), *x = cnn_input(tape, leaf);
    cnn_tensor *y = product_of(cnn_exp(product_of(x, other, &p)), x, &p);
    ELEMENTS_ARE(y, exp(5), exp(10) * 2, exp(15) * 3);
    ck_assert_int_eq(cnn_backward(all(y)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), exp(5) * 6, exp(10) * 11, exp(15) * 16);
    ck_assert_ptr_null(cnn_tensor_grad(other));
    ck_assert(p.infers == 2 && p.forwards == 2 && p.backwards == 2);
    cnn_tensor_free(other);
}
END_TEST

START_TEST(custom_operations_see_contiguous_tensors)
{
    product p = { 0 };
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F64, 0, 6, 1);
    cnn_tensor_set_requires_grad(t, true);
    cnn_tensor *x = cnn_transpose(cnn_view(cnn_input(tape, t), CNN_SHAPE(2, 3)), 0, 1);
    ck_assert_int_eq(cnn_backward(all(cnn_transpose(product_of(x, x, &p), 0, 1))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(t), 0, 2, 4, 6, 8, 10);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(custom_operations_pass_gradcheck)
{
    product p = { 0 };
    cnn_tensor *b = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(3));
    cnn_tensor_set_requires_grad(b, true);
    cnn_status status = cnn_gradcheck(ctx, product_function, &p, (cnn_tensor *const[]){ leaf, b }, 2, NULL);
    ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_gradcheck(ctx, square_function, &p, &leaf, 1, NULL), CNN_OK);
    cnn_tensor_free(b);
}
END_TEST

START_TEST(failing_callbacks_fail_the_step)
{
    product infer = { .fail_infer = CNN_ERROR_SHAPE }, forward = { .fail_forward = CNN_ERROR_IO }, rank = { .rank = 9 };
    product backward = { .fail_backward = CNN_ERROR_DTYPE };
    cnn_tensor *x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_tensor_status(product_of(x, x, &infer)), CNN_ERROR_CALLBACK);
    tape_failed_with(CNN_ERROR_CALLBACK, "product: infer returned CNN_ERROR_SHAPE");
    ck_assert_int_eq(infer.forwards, 0);
    cnn_tape_begin(tape, CNN_TRAIN);
    x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_tensor_status(product_of(x, x, &forward)), CNN_ERROR_CALLBACK);
    tape_failed_with(CNN_ERROR_CALLBACK, "product: forward returned CNN_ERROR_IO");
    cnn_tape_begin(tape, CNN_TRAIN);
    x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_tensor_status(product_of(x, x, &rank)), CNN_ERROR_SHAPE);
    tape_failed_with(CNN_ERROR_SHAPE, "product: 9 dimensions");
    cnn_tape_begin(tape, CNN_TRAIN);
    x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_backward(all(product_of(x, x, &backward))), CNN_ERROR_CALLBACK);
    tape_failed_with(CNN_ERROR_CALLBACK, "product: backward returned CNN_ERROR_DTYPE");
}
END_TEST

/* A callback that fails has not written the gradient: what it leaves in memory must not count. */
START_TEST(a_failed_backward_leaves_gradients_as_they_were)
{
    product backward = { .fail_backward = CNN_ERROR_DTYPE };
    cnn_tensor *x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_backward(all(cnn_mul_scalar(x, 7))), CNN_OK);
    cnn_tensor_zero_grad(leaf);
    cnn_tape_begin(tape, CNN_TRAIN);
    x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_backward(all(product_of(x, x, &backward))), CNN_ERROR_CALLBACK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 0, 0, 0);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(all(cnn_input(tape, leaf))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 1, 1, 1);
}
END_TEST

static cnn_status filling_infer(const cnn_tensor *const *in, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                                void *user)
{
    (void)count, (void)user;
    *dtype = cnn_tensor_dtype(in[0]);
    *ndim = cnn_tensor_ndim(in[0]);
    memcpy(shape, cnn_tensor_shape(in[0]), (size_t)*ndim * sizeof *shape);
    return CNN_OK;
}

/* What a callback is to write, it may write by the library's own calls; what it is not, it may not. */
static cnn_status filling_forward(const cnn_tensor *const *in, int count, cnn_tensor *out, void *user)
{
    (void)count, (void)user;
    return cnn_tensor_copy_from(out, in[0]);
}

static cnn_status filling_backward(const cnn_tensor *const *in, int count, const cnn_tensor *out, const cnn_tensor *grad_out,
                                   cnn_tensor *const *grad_in, void *user)
{
    (void)in, (void)out, (void)grad_out;
    for (int i = 0; i < count; i++) {
        cnn_status status = cnn_tensor_fill(grad_in[i], *(double *)user);
        if (status != CNN_OK) {
            return status;
        }
    }
    return cnn_tensor_set_requires_grad(grad_in[0], true) == CNN_ERROR_STATE ? CNN_OK : CNN_ERROR_CALLBACK;
}

static cnn_status refused_forward(const cnn_tensor *const *in, int count, cnn_tensor *out, void *user)
{
    (void)count, (void)out, (void)user;
    return cnn_tensor_fill((cnn_tensor *)(uintptr_t)in[0], 1);
}

START_TEST(custom_operations_write_by_the_librarys_calls)
{
    double seven = 7;
    cnn_custom_op op = product_op;
    op.name = "filling";
    op.forward = filling_forward;
    op.backward = filling_backward;
    op.infer = filling_infer;
    cnn_tensor *x = cnn_input(tape, leaf);
    cnn_tensor *y = cnn_custom(&op, &x, 1, &seven);
    ck_assert_int_eq(cnn_backward(all(y)), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 7, 7, 7);
    ck_assert_int_eq(cnn_tensor_fill(y, 0), CNN_ERROR_STATE); /* only while the callback ran */
    op.forward = refused_forward;
    cnn_custom(&op, &x, 1, &seven);
    tape_failed_with(CNN_ERROR_CALLBACK, "filling: forward returned CNN_ERROR_STATE (tensor_fill: the tensor is a result");
}
END_TEST

START_TEST(custom_operations_without_backward_are_constants)
{
    product p = { 0 };
    cnn_custom_op op = product_op;
    op.backward = NULL;
    cnn_tensor *x = cnn_input(tape, leaf);
    ck_assert(!cnn_tensor_requires_grad(cnn_custom(&op, (cnn_tensor *const[]){ x, x }, 2, &p)));
}
END_TEST

START_TEST(incomplete_custom_operations_are_refused)
{
    const cnn_custom_op bad[] = { { .struct_size = sizeof(cnn_custom_op), .infer = product_infer, .forward = product_forward },
                                  { .struct_size = sizeof(cnn_custom_op), .name = "x", .forward = product_forward },
                                  { .struct_size = sizeof(cnn_custom_op), .name = "x", .infer = product_infer },
                                  { .name = "x", .infer = product_infer, .forward = product_forward } };
    for (int i = 0; i < 4; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *x = cnn_input(tape, leaf);
        ck_assert_int_eq(cnn_tensor_status(cnn_custom(&bad[i], &x, 1, NULL)), CNN_ERROR_INVALID_ARGUMENT);
    }
    cnn_tensor *many[17];
    for (int i = 0; i < 17; i++) {
        many[i] = leaf;
    }
    ck_assert_int_ne(cnn_tensor_status(cnn_custom(&product_op, many, 17, NULL)), CNN_OK);
    ck_assert_int_ne(cnn_tensor_status(cnn_custom(&product_op, many, 0, NULL)), CNN_OK);
    ck_assert_int_ne(cnn_tensor_status(cnn_custom(&product_op, NULL, 1, NULL)), CNN_OK);
    cnn_tape_begin(tape, CNN_TRAIN);
    many[0] = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_tensor_status(cnn_custom(NULL, many, 1, NULL)), CNN_ERROR_INVALID_ARGUMENT);
}
END_TEST

/* ---- operations with several results: a · b, a + b, and of each element of a whether it is positive ---- */

enum { RESULTS = 3 };

typedef struct several {
    int backwards, absent;                                 /* calls, and in how many a gradient was NULL */
    bool seen[RESULTS];                                    /* which gradients the last backward was given */
    cnn_status fail_infer, fail_forward, fail_backward;
    double wrong;                                          /* added to what result 1 gives input 0 */
    int rank;                                              /* result 1 has this rank; 0: that of the operands */
    cnn_dtype dtype;                                       /* result 1 has this dtype; 0: that of the operands */
} several;

static cnn_status several_infer(const cnn_tensor *const *in, int count, cnn_custom_output *out, int n, void *user)
{
    several *s = user;
    ck_assert_int_eq(count, 2);
    for (int j = 0; j < n; j++) {
        ck_assert(out[j].dtype == CNN_F64 && out[j].ndim == 0);
        out[j].ndim = cnn_tensor_ndim(in[0]);
        memcpy(out[j].shape, cnn_tensor_shape(in[0]), (size_t)out[j].ndim * sizeof *out[j].shape);
    }
    if (n > 1) {
        out[1].ndim = s->rank ? s->rank : out[1].ndim;
        out[1].dtype = s->dtype ? s->dtype : out[1].dtype;
    }
    if (n > 2) {
        out[2].dtype = CNN_I64;
    }
    return s->fail_infer;
}

static cnn_status several_forward(const cnn_tensor *const *in, int count, cnn_tensor *const *out, int n, void *user)
{
    several *s = user;
    const double *a = host_elements(in[0]), *b = host_elements(in[count - 1]);
    for (int j = 0; j < n && j < 2; j++) {
        double *y = writable_elements(out[j]);
        for (int64_t i = 0; i < cnn_tensor_numel(out[j]); i++) {
            y[i] = j ? a[i] + b[i] : a[i] * b[i];
        }
        elements_written(out[j], y);
    }
    cnn_status status = n > 2 ? cnn_tensor_fill(out[2], 1) : CNN_OK;
    return status == CNN_OK ? s->fail_forward : status;
}

static cnn_status several_backward(const cnn_tensor *const *in, int count, const cnn_tensor *const *out,
                                   const cnn_tensor *const *dy, int n, cnn_tensor *const *grads, void *user)
{
    several *s = user;
    s->backwards++;
    for (int j = 0; j < n; j++) {
        s->seen[j] = dy[j] != NULL;
        s->absent += !dy[j];
        ck_assert(!dy[j] || (cnn_tensor_is_contiguous(dy[j]) && cnn_tensor_numel(dy[j]) == cnn_tensor_numel(out[j])));
    }
    for (int k = 0; k < count; k++) {
        const double *other = host_elements(in[count - 1 - k]), *product = dy[0] ? host_elements(dy[0]) : NULL;
        const double *sum = n > 1 && dy[1] ? host_elements(dy[1]) : NULL;
        double *gradient = grads[k] ? writable_elements(grads[k]) : NULL;
        for (int64_t i = 0; gradient && i < cnn_tensor_numel(in[k]); i++) {
            gradient[i] = (product ? product[i] * other[i] : 0) + (sum ? sum[i] + (k ? 0 : s->wrong) : 0);
        }
        elements_written(grads[k], gradient);
    }
    return s->fail_backward;
}

static const cnn_custom_op several_op = { .struct_size = sizeof several_op, .name = "several", .infer_many = several_infer,
                                          .forward_many = several_forward, .backward_many = several_backward };

static cnn_status several_of(cnn_tensor *a, cnn_tensor *b, cnn_tensor **results, int n, several *s)
{
    return cnn_custom_many(&several_op, (cnn_tensor *const[]){ a, b }, 2, results, n, s);
}

START_TEST(several_results_share_one_backward)
{
    several s = { 0 };
    cnn_tensor *other = cnn_tensor_full(ctx, CNN_F64, 5, CNN_SHAPE(3)), *y[RESULTS], *x = cnn_input(tape, leaf);
    ck_assert_int_eq(several_of(x, other, y, RESULTS, &s), CNN_OK);
    ELEMENTS_ARE(y[0], 5, 10, 15);
    ELEMENTS_ARE(y[1], 6, 7, 8);
    ck_assert_int_eq(cnn_tensor_dtype(y[2]), CNN_I64);
    ck_assert(cnn_tensor_requires_grad(y[0]) && cnn_tensor_requires_grad(y[1]) && !cnn_tensor_requires_grad(y[2]));
    ck_assert_int_eq(cnn_backward(all(cnn_mul(y[0], cnn_exp(y[1])))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 10 * exp(6), 15 * exp(7), 20 * exp(8));
    ck_assert(s.backwards == 1 && s.seen[0] && s.seen[1] && !s.seen[2]);
    cnn_tensor_free(other);
}
END_TEST

START_TEST(a_result_that_nothing_depends_on_has_no_gradient)
{
    several s = { 0 };
    cnn_tensor *y[RESULTS], *x = cnn_input(tape, leaf);
    ck_assert_int_eq(several_of(x, x, y, RESULTS, &s), CNN_OK);
    ck_assert_int_eq(cnn_backward(all(y[1])), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 2, 2, 2);
    ck_assert(s.backwards == 1 && !s.seen[0] && s.seen[1] && !s.seen[2]);
    cnn_tape_begin(tape, CNN_TRAIN);
    x = cnn_input(tape, leaf);
    ck_assert_int_eq(several_of(x, x, y, RESULTS, &s), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(y[0], NULL, true), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(y[0], NULL, false), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 6, 10, 14);
    ck_assert(s.backwards == 3 && s.seen[0] && !s.seen[1]);
}
END_TEST

/* Each result alone, and all of them together, whose gradients the operation has to add. */
typedef struct checked {
    several s;
    int which;
} checked;

static cnn_tensor *checked_function(cnn_tensor *const *in, int count, void *user)
{
    checked *c = user;
    cnn_tensor *y[RESULTS];
    cnn_custom_many(&several_op, in, count, y, RESULTS, &c->s);
    return c->which < 2 ? y[c->which] : cnn_mul(y[0], y[1]);
}

START_TEST(several_results_pass_gradcheck)
{
    cnn_tensor *b = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(3));
    cnn_tensor_set_requires_grad(b, true);
    for (int which = 0; which < 3; which++) {
        checked c = { .which = which };
        cnn_status status = cnn_gradcheck(ctx, checked_function, &c, (cnn_tensor *const[]){ leaf, b }, 2, NULL);
        ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert_int_gt(c.s.backwards, 0);
        ck_assert_int_eq(c.s.absent, c.s.backwards * (which < 2 ? 2 : 1));
        c.s.wrong = 0.01; /* the gradient of the sum is wrong, which the product alone does not read */
        status = cnn_gradcheck(ctx, checked_function, &c, (cnn_tensor *const[]){ leaf, b }, 2, NULL);
        ck_assert_int_eq(status, which ? CNN_ERROR_MISMATCH : CNN_OK);
    }
    cnn_tensor_free(b);
}
END_TEST

static void several_fails(several s, cnn_status status, const char *text)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y[2] = { NULL }, *x = cnn_input(tape, leaf);
    ck_assert_int_eq(several_of(x, x, y, 2, &s), status);
    tape_failed_with(status, text);
    for (int j = 0; j < 2; j++) {
        ck_assert_int_eq(cnn_tensor_status(y[j]), status);
    }
}

START_TEST(several_results_fail_together)
{
    several_fails((several){ .fail_infer = CNN_ERROR_SHAPE }, CNN_ERROR_CALLBACK, "several: infer returned CNN_ERROR_SHAPE");
    several_fails((several){ .fail_forward = CNN_ERROR_IO }, CNN_ERROR_CALLBACK, "several: forward returned CNN_ERROR_IO");
    several_fails((several){ .rank = 9 }, CNN_ERROR_SHAPE, "several: 9 dimensions");
    several_fails((several){ .dtype = (cnn_dtype)99 }, CNN_ERROR_DTYPE, "several: ");
    several backward = { .fail_backward = CNN_ERROR_DTYPE };
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y[RESULTS], *x = cnn_input(tape, leaf);
    ck_assert_int_eq(several_of(x, x, y, RESULTS, &backward), CNN_OK);
    ck_assert_int_eq(cnn_backward(all(y[0])), CNN_ERROR_CALLBACK);
    tape_failed_with(CNN_ERROR_CALLBACK, "several: backward returned CNN_ERROR_DTYPE");
}
END_TEST

/* Either form of an operation is applied by either function where it has one result. */
START_TEST(one_result_goes_either_way)
{
    several s = { 0 };
    product p = { 0 };
    cnn_tensor *x = cnn_input(tape, leaf), *both[2] = { x, x }, *y = cnn_custom(&several_op, both, 2, &s), *z;
    ELEMENTS_ARE(y, 1, 4, 9);
    ck_assert_int_eq(cnn_custom_many(&product_op, both, 2, &z, 1, &p), CNN_OK);
    ck_assert_int_eq(cnn_backward(all(cnn_mul(y, z))), CNN_OK);
    ELEMENTS_ARE(cnn_tensor_grad(leaf), 4, 32, 108);
    ck_assert(s.backwards == 1 && p.backwards == 1);
}
END_TEST

START_TEST(several_results_are_refused_where_they_cannot_be)
{
    several s = { 0 };
    product p = { 0 };
    cnn_tensor *y[7];
    cnn_custom_op without = several_op, lonely = several_op;
    without.infer_many = NULL;
    lonely.backward_many = NULL;
    const struct {
        const cnn_custom_op *op;
        void *user;
        cnn_tensor **results;
        int n;
        const char *text;
    } bad[] = { { &several_op, &s, y, 0, "custom: 0 outputs, expected 1 to 6" },
                { &several_op, &s, y, 7, "custom: 7 outputs, expected 1 to 6" },
                { &several_op, &s, y, -1, "custom: -1 outputs, expected 1 to 6" },
                { &several_op, &s, NULL, 2, "custom: 0 outputs, expected 1 to 6" },
                { &product_op, &p, y, 2, "custom: 2 outputs of an op without forward_many, expected 1" },
                { &without, &s, y, 2, "custom: the op lacks its name, infer or forward" },
                { NULL, &s, y, 2, "custom: op is NULL" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *x = cnn_input(tape, leaf), *both[2] = { x, x };
        cnn_status status = cnn_custom_many(bad[i].op, both, 2, bad[i].results, bad[i].n, bad[i].user);
        ck_assert_int_eq(status, CNN_ERROR_INVALID_ARGUMENT);
        tape_failed_with(CNN_ERROR_INVALID_ARGUMENT, bad[i].text);
        for (int j = 0; bad[i].results && j < bad[i].n; j++) {
            ck_assert_int_eq(cnn_tensor_status(y[j]), CNN_ERROR_INVALID_ARGUMENT);
        }
    }
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *x = cnn_input(tape, leaf);
    ck_assert_int_eq(cnn_custom_many(&lonely, (cnn_tensor *const[]){ x, x }, 2, y, 2, &s), CNN_OK);
    ck_assert(!cnn_tensor_requires_grad(y[0]) && !cnn_tensor_requires_grad(y[1]));
    ck_assert_int_eq(cnn_custom_many(&several_op, NULL, 1, y, 2, &s), CNN_ERROR_INVALID_ARGUMENT);
}
END_TEST

/* In a trace nothing is computed: infer_many alone runs, and the node has all results. */
static cnn_tensor *traced_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    cnn_tensor *y[RESULTS];
    return several_of(x, x, y, RESULTS, user) == CNN_OK ? cnn_mul(y[0], y[1]) : y[0];
}

START_TEST(several_results_are_traced)
{
    several s = { .fail_forward = CNN_ERROR_IO };
    cnn_module *module = cnn_module_new(ctx, traced_forward, .user = &s);
    cnn_trace *trace = cnn_trace_new(module, CNN_F64, CNN_SHAPE(4, 3));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    const cnn_trace_node *node = cnn_trace_get_node(trace, 0);
    ck_assert_str_eq(node->op, "several");
    ck_assert_int_eq(node->output_count, RESULTS);
    for (int j = 0; j < RESULTS; j++) {
        const cnn_trace_value *value = cnn_trace_get_value(trace, node->outputs[j]);
        ck_assert(value->ndim == 2 && value->shape[0] == 4 && value->shape[1] == 3);
        ck_assert_int_eq(value->dtype, j < 2 ? CNN_F64 : CNN_I64);
    }
    ck_assert_str_eq(cnn_trace_get_node(trace, 1)->op, "mul");
    cnn_trace_free(trace);
    cnn_module_free(module);
}
END_TEST

/* ---- the gradient check ---- */

START_TEST(gradcheck_finds_a_wrong_gradient)
{
    product p = { .wrong = 0.01 };
    ck_assert_int_eq(cnn_gradcheck(ctx, product_function, &p, (cnn_tensor *const[]){ leaf, leaf }, 2, NULL), CNN_ERROR_MISMATCH);
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "gradcheck: d output[0] / d input 0[0] is "));
    p.wrong = NAN;
    ck_assert_int_eq(cnn_gradcheck(ctx, product_function, &p, (cnn_tensor *const[]){ leaf, leaf }, 2, NULL), CNN_ERROR_MISMATCH);
    p.wrong = 1e-7; /* within the tolerances */
    ck_assert_int_eq(cnn_gradcheck(ctx, product_function, &p, (cnn_tensor *const[]){ leaf, leaf }, 2, NULL), CNN_OK);
    ck_assert_int_eq(cnn_gradcheck(ctx, product_function, &p, (cnn_tensor *const[]){ leaf, leaf }, 2,
                                   CNN_OPTIONS(cnn_gradcheck_options, .atol = 1e-9, .rtol = 1e-9)), CNN_ERROR_MISMATCH);
}
END_TEST

static cnn_tensor *jump(cnn_tensor *const *in, int count, void *user)
{
    (void)count;
    return user ? cnn_reshape(in[0], CNN_SHAPE(7)) : cnn_mul(in[0], cnn_detach(in[0])); /* half the gradient is missing */
}

static cnn_tensor *nothing(cnn_tensor *const *in, int count, void *user)
{
    (void)in, (void)count, (void)user;
    return NULL;
}

START_TEST(gradcheck_reports_what_it_cannot_check)
{
    cnn_tensor *narrow = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3));
    cnn_tensor_set_requires_grad(narrow, true);
    ck_assert_int_eq(cnn_gradcheck(ctx, jump, NULL, &leaf, 1, NULL), CNN_ERROR_MISMATCH);
    ck_assert_int_eq(cnn_gradcheck(ctx, jump, ctx, &leaf, 1, NULL), CNN_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "reshape: "));
    ck_assert_int_eq(cnn_gradcheck(ctx, nothing, NULL, &leaf, 1, NULL), CNN_ERROR_CALLBACK);
    ck_assert_int_eq(cnn_gradcheck(ctx, jump, NULL, &narrow, 1, NULL), CNN_ERROR_DTYPE);
    ck_assert_int_eq(cnn_gradcheck(ctx, NULL, NULL, &leaf, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_gradcheck(ctx, jump, NULL, NULL, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_gradcheck(ctx, jump, NULL, &leaf, 0, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_gradcheck(ctx, jump, NULL, &leaf, 17, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_gradcheck(NULL, jump, NULL, &leaf, 1, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ELEMENTS_ARE(leaf, 1, 2, 3); /* left as it was */
    cnn_tensor_free(narrow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("custom_ops");
    TCase *custom = suite_case(suite, "custom operations", setup, teardown);
    tcase_add_test(custom, custom_operations_compute_and_differentiate);
    tcase_add_test(custom, custom_operations_see_contiguous_tensors);
    tcase_add_test(custom, custom_operations_pass_gradcheck);
    tcase_add_test(custom, failing_callbacks_fail_the_step);
    tcase_add_test(custom, a_failed_backward_leaves_gradients_as_they_were);
    tcase_add_test(custom, custom_operations_write_by_the_librarys_calls);
    tcase_add_test(custom, custom_operations_without_backward_are_constants);
    tcase_add_test(custom, incomplete_custom_operations_are_refused);
    TCase *many = suite_case(suite, "several results", setup, teardown);
    tcase_add_test(many, several_results_share_one_backward);
    tcase_add_test(many, a_result_that_nothing_depends_on_has_no_gradient);
    tcase_add_test(many, several_results_pass_gradcheck);
    tcase_add_test(many, several_results_fail_together);
    tcase_add_test(many, one_result_goes_either_way);
    tcase_add_test(many, several_results_are_refused_where_they_cannot_be);
    tcase_add_test(many, several_results_are_traced);
    TCase *check = suite_case(suite, "gradcheck", setup, teardown);
    tcase_add_test(check, gradcheck_finds_a_wrong_gradient);
    tcase_add_test(check, gradcheck_reports_what_it_cannot_check);
    return suite_run(suite);
}
