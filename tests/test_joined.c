/* What passes over memory once where the graph has several operations: ReLU behind a convolution, ReLU's gradient with that of
 * the data, gradients that meet. Each net is compared with itself kept apart: there its layers run one by one, and
 * cnn_retain_grad() makes every gradient whole and leaves it as it is. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/suite.h"

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = cnn_context_new(.seed = 3, .threads = 2);
    tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static cnn_tensor *drawn(cnn_dtype dtype, int ndim, const int64_t *shape)
{
    cnn_tensor *t = cnn_tensor_randn(ctx, dtype, ndim, shape);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
    return t;
}

/* ---- nets ---- */

static bool apart;

static cnn_tensor *keep(cnn_tensor *t)
{
    if (apart && cnn_tensor_requires_grad(t)) {
        ck_assert_int_eq(cnn_retain_grad(t), CNN_OK);
    }
    return t;
}

/* All children of a module, or those from `first` on. */
static cnn_tensor *run_from(cnn_module *m, int first, cnn_tensor *x)
{
    for (int i = first; i < cnn_module_child_count(m); i++) {
        x = keep(cnn_forward(cnn_module_child(m, i, NULL), x));
    }
    return x;
}

static cnn_tensor *run(cnn_module *sequential, cnn_tensor *x)
{
    return apart ? run_from(sequential, 0, x) : keep(cnn_forward(sequential, x));
}

/* relu(x + inner(x)) */
static cnn_tensor *residual(cnn_module *m, cnn_tensor *x, void *user)
{
    (void)user;
    return keep(cnn_relu(keep(cnn_add(x, run(cnn_module_child(m, 0, NULL), x)))));
}

/* The input is used four times, first by the sum, last by the strided convolution. */
static cnn_tensor *branches(cnn_module *m, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_tensor *one = run(cnn_module_child(m, 0, NULL), x), *two = run(cnn_module_child(m, 1, NULL), x);
    cnn_tensor *sum = keep(cnn_mul(keep(cnn_add(one, x)), keep(cnn_add(x, two))));
    cnn_tensor *small = run(cnn_module_child(m, 2, NULL), x);
    return keep(cnn_add(small, keep(cnn_mean(sum, 2, (const int[]){ 2, 3 }, true))));
}

static cnn_module *with(cnn_module *parent, const char *name, cnn_module *child)
{
    ck_assert_int_eq(cnn_module_add(parent, name, child) != NULL, 1);
    return parent;
}

static cnn_module *convs(int64_t in, int64_t between, int64_t out, cnn_dtype dtype)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, in, between, 1, .dtype = dtype), cnn_relu_new(ctx),
                              cnn_conv2d_new(ctx, between, out, 1, .dtype = dtype));
}

static cnn_module *make_net(cnn_dtype dtype)
{
    cnn_module *joined = cnn_module_new(ctx, branches);
    with(joined, "one", cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 20, 20, 1, .dtype = dtype)));
    with(joined, "two", convs(20, 33, 20, dtype));
    with(joined, "three", cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 20, 20, 3, .stride = 2, .dtype = dtype), cnn_relu_new(ctx)));
    return cnn_sequential_new(ctx,
        cnn_conv2d_new(ctx, 3, 20, 3, .padding = 1, .stride = 2, .dtype = dtype), cnn_relu_new(ctx),
        with(cnn_module_new(ctx, residual), "inner", convs(20, 34, 20, dtype)),
        with(cnn_module_new(ctx, residual), "inner", cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 20, 20, 1, .dtype = dtype))),
        cnn_conv2d_new(ctx, 20, 20, 3, .padding = 1, .no_bias = true, .dtype = dtype), cnn_relu_new(ctx), cnn_relu_new(ctx),
        joined, cnn_conv2d_new(ctx, 20, 20, 3, .padding = 1, .groups = 20, .dtype = dtype), cnn_relu_new(ctx),
        cnn_conv2d_new(ctx, 20, 5, 1, .dtype = dtype));
}

/* What one way makes of the net: its output and all gradients, the last of the input. */
enum { MOST = 64 };

typedef struct results {
    cnn_tensor *y, *grads[MOST];
    int count;
} results;

static results train(cnn_module *net, cnn_tensor *x, const cnn_tensor *seed, bool one_by_one)
{
    results r = { .count = cnn_module_parameter_count(net) };
    apart = one_by_one;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *y = run(net, cnn_input(tape, x));
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    ck_assert_int_eq(cnn_backward_with(y, seed, false), CNN_OK);
    r.y = cnn_tensor_detach(y);
    for (int i = 0; i <= r.count; i++) {
        cnn_tensor *t = i < r.count ? cnn_module_parameter(net, i) : x;
        r.grads[i] = cnn_tensor_detach(cnn_tensor_grad(t));
        cnn_tensor_zero_grad(t);
    }
    return r;
}

static void results_free(results *r)
{
    cnn_tensor_free(r->y);
    for (int i = 0; i <= r->count; i++) {
        cnn_tensor_free(r->grads[i]);
    }
}

START_TEST(a_net_agrees_with_itself_kept_apart)
{
    cnn_dtype dtype = _i ? CNN_F64 : CNN_F32;
    cnn_module *net = make_net(dtype);
    cnn_tensor *x = drawn(dtype, CNN_SHAPE(3, 3, 25, 22)), *seed = cnn_tensor_randn(ctx, dtype, CNN_SHAPE(3, 5, 6, 5));
    results joined = train(net, x, seed, false), again = train(net, x, seed, false), one_by_one = train(net, x, seed, true);
    tensors_agree("net", "result", joined.y, one_by_one.y, 0);
    for (int i = 0; i <= joined.count; i++) {
        char what[32];
        snprintf(what, sizeof what, "gradient %d", i);
        tensors_agree("net", what, joined.grads[i], one_by_one.grads[i], dtype == CNN_F64 ? 1e-13 : 1e-5);
        tensors_agree("net once more", what, again.grads[i], joined.grads[i], 0);
    }
    results_free(&joined);
    results_free(&again);
    results_free(&one_by_one);
    cnn_tensor_free(x);
    cnn_tensor_free(seed);
    cnn_module_free(net);
}
END_TEST

/* ---- what must stay whole ---- */

/* The gradient that a user asks for is not masked by the ReLU that it goes to. */
START_TEST(a_retained_gradient_is_whole)
{
    cnn_tensor *x = drawn(CNN_F32, CNN_SHAPE(2, 6, 5, 5)), *w = drawn(CNN_F32, CNN_SHAPE(4, 6, 1, 1));
    cnn_tensor *r = cnn_relu(cnn_input(tape, x)), *leaf = cnn_tensor_detach(r);
    cnn_tensor_set_requires_grad(leaf, true);
    ck_assert_int_eq(cnn_retain_grad(r), CNN_OK);
    cnn_tensor *seed = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 4, 5, 5));
    ck_assert_int_eq(cnn_backward_with(cnn_conv2d(r, w, NULL, NULL), seed, false), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(cnn_conv2d(cnn_input(tape, leaf), w, NULL, NULL), seed, false), CNN_OK);
    tensors_agree("conv2d of relu", "gradient", cnn_tensor_grad(r), cnn_tensor_grad(leaf), 0);
    cnn_tensor *masked = cnn_where(cnn_gt(r, cnn_mul_scalar(r, 0)), cnn_tensor_grad(r), cnn_mul_scalar(r, 0));
    tensors_agree("relu", "gradient", cnn_tensor_grad(x), masked, 0);
    cnn_tensor *all[] = { x, w, leaf, seed };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

/* Two ReLUs get one gradient, by reference: neither may write into it before the other has read it. */
START_TEST(a_gradient_that_two_share_is_left_as_it_is)
{
    cnn_tensor *a = drawn(CNN_F32, CNN_SHAPE(40)), *b = drawn(CNN_F32, CNN_SHAPE(40)), *seed = drawn(CNN_F32, CNN_SHAPE(40));
    cnn_tensor *sum = cnn_add(cnn_relu(cnn_input(tape, a)), cnn_relu(cnn_input(tape, b)));
    ck_assert_int_eq(cnn_backward_with(sum, seed, true), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(sum, seed, false), CNN_OK);
    const float *xs[] = { host_elements(a), host_elements(b) }, *s = host_elements(seed);
    const float *grads[] = { host_elements(cnn_tensor_grad(a)), host_elements(cnn_tensor_grad(b)) };
    for (int i = 0; i < 80; i++) {
        ck_assert_double_eq((double)grads[i / 40][i % 40], xs[i / 40][i % 40] > 0 ? 2 * (double)s[i % 40] : 0);
    }
    cnn_tensor_free(a);
    cnn_tensor_free(b);
    cnn_tensor_free(seed);
}
END_TEST

/* One of a ReLU's two gradients is masked before it arrives, the other is not. */
START_TEST(a_gradient_that_is_masked_in_part_is_masked)
{
    cnn_tensor *x = drawn(CNN_F32, CNN_SHAPE(2, 6, 5, 5)), *w = drawn(CNN_F32, CNN_SHAPE(6, 6, 3, 3));
    for (int order = 0; order < 2; order++) {
        cnn_tensor *grads[2];
        for (int kept = 0; kept < 2; kept++) {
            apart = kept;
            cnn_tensor *r = keep(cnn_relu(cnn_input(tape, x)));
            cnn_tensor *first = order ? cnn_mul_scalar(r, 3) : NULL;
            cnn_tensor *y = cnn_conv2d(r, w, NULL, CNN_OPTIONS(cnn_conv2d_options, .padding = 1));
            y = cnn_add(y, order ? first : cnn_mul_scalar(r, 3));
            ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
            grads[kept] = cnn_tensor_detach(cnn_tensor_grad(x));
            cnn_tensor_zero_grad(x);
        }
        tensors_agree("relu", "gradient", grads[0], grads[1], 1e-6);
        cnn_tensor_free(grads[0]);
        cnn_tensor_free(grads[1]);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("joined");
    TCase *tests = suite_case(suite, "joined", setup, teardown);
    tcase_add_loop_test(tests, a_net_agrees_with_itself_kept_apart, 0, 2);
    tcase_add_test(tests, a_retained_gradient_is_whole);
    tcase_add_test(tests, a_gradient_that_two_share_is_left_as_it_is);
    tcase_add_test(tests, a_gradient_that_is_masked_in_part_is_masked);
    return suite_run(suite);
}
