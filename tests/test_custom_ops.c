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
    TCase *check = suite_case(suite, "gradcheck", setup, teardown);
    tcase_add_test(check, gradcheck_finds_a_wrong_gradient);
    tcase_add_test(check, gradcheck_reports_what_it_cannot_check);
    return suite_run(suite);
}
