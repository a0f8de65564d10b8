/* Losses beyond PyTorch's values (tests/fixtures/ops/loss.safetensors): gradients against finite differences with every option, the
 * same bits for any number of threads, long sums, far logits, one tensor as both operands, and what is refused with which message. */
#include "support/fixtures.h"
#include "support/metered_tape.h"

#define OPTIONS(type, ...) CNN_OPTIONS(type, __VA_ARGS__)
#define LOSS(...) OPTIONS(cnn_loss_options, __VA_ARGS__)

/* ---- gradients ---- */

typedef cnn_tensor *(*loss_fn)(cnn_tensor *const *in);
typedef enum operands { ANY, SIGNS, FRACTIONS, POSITIVE } operands;

/* in[0] and in[1] are [5,4]; in[2] is [4] or, of a loss of rows, [5]; in[3] are class indices [5]. */
typedef struct loss_case {
    const char *name;
    loss_fn call;
    operands kind[3]; /* the kinds of in[0], in[1] and in[2] */
    int wanted;       /* how many operands get gradients */
    bool rows;
} loss_case;

#define CASES(X)                                                                                                              \
    X(mse, cnn_mse_loss(in[0], in[1], NULL), ANY, ANY, ANY, 2, false)                                                         \
    X(mse_broadcast, cnn_mse_loss(in[0], in[2], LOSS(.reduction = CNN_REDUCE_SUM)), ANY, ANY, ANY, 3, false)                  \
    X(mse_narrow_input, cnn_mse_loss(in[2], in[0], LOSS(.reduction = CNN_REDUCE_NONE)), ANY, ANY, ANY, 3, false)              \
    X(mse_itself, cnn_mse_loss(in[0], cnn_mul(in[0], in[0]), NULL), ANY, ANY, ANY, 1, false)                                  \
    X(l1, cnn_l1_loss(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE)), ANY, ANY, ANY, 2, false)                             \
    X(smooth_l1, cnn_smooth_l1_loss(in[0], in[1], OPTIONS(cnn_smooth_l1_loss_options, .beta = 0.7)), ANY, ANY, ANY, 2, false) \
    X(huber, cnn_huber_loss(in[0], in[1], OPTIONS(cnn_huber_loss_options, .delta = 0.7)), ANY, ANY, ANY, 2, false)            \
    X(bce, cnn_binary_cross_entropy(in[0], in[1], OPTIONS(cnn_bce_options, .weight = cnn_detach(in[2]))), FRACTIONS,          \
      FRACTIONS, POSITIVE, 2, false)                                                                                          \
    X(logits, cnn_binary_cross_entropy_with_logits(in[0], in[1], OPTIONS(cnn_bce_with_logits_options,                         \
        .weight = cnn_detach(in[1]), .pos_weight = cnn_detach(in[2]))), ANY, FRACTIONS, POSITIVE, 1, false)                   \
    X(logits_of_both, cnn_binary_cross_entropy_with_logits(in[0], in[1], OPTIONS(cnn_bce_with_logits_options,                 \
        .pos_weight = cnn_detach(in[2]), .reduction = CNN_REDUCE_NONE)), ANY, FRACTIONS, POSITIVE, 2, false)                  \
    X(kl, cnn_kl_div(in[0], in[1], OPTIONS(cnn_kl_div_options, .reduction = CNN_REDUCE_BATCH_MEAN)), ANY, FRACTIONS, ANY, 2,  \
      false)                                                                                                                  \
    X(kl_log, cnn_kl_div(in[0], in[1], OPTIONS(cnn_kl_div_options, .log_target = true)), ANY, ANY, ANY, 2, false)             \
    X(soft_margin, cnn_soft_margin_loss(in[0], in[1], NULL), ANY, SIGNS, ANY, 2, false)                                       \
    X(poisson, cnn_poisson_nll_loss(in[0], in[1], OPTIONS(cnn_poisson_nll_loss_options, .full = true)), ANY, POSITIVE, ANY,   \
      2, false)                                                                                                               \
    X(poisson_rate, cnn_poisson_nll_loss(in[0], in[1], OPTIONS(cnn_poisson_nll_loss_options, .full = true,                    \
        .no_log_input = true)), POSITIVE, POSITIVE, ANY, 2, false)                                                            \
    X(gaussian, cnn_gaussian_nll_loss(in[0], in[1], in[2], OPTIONS(cnn_gaussian_nll_loss_options, .full = true)), ANY, ANY,   \
      POSITIVE, 3, true)                                                                                                      \
    X(ranking, cnn_margin_ranking_loss(in[0], in[1], in[1], OPTIONS(cnn_margin_loss_options, .margin = 0.3)), ANY, ANY, ANY,  \
      2, false)                                                                                                               \
    X(hinge, cnn_hinge_embedding_loss(in[0], in[1], NULL), ANY, SIGNS, ANY, 1, false)                                         \
    X(cosine, cnn_cosine_embedding_loss(in[0], in[1], cnn_detach(in[2]), OPTIONS(cnn_margin_loss_options, .margin = -0.5)),   \
      ANY, ANY, SIGNS, 2, true)                                                                                               \
    X(triplet, cnn_triplet_margin_loss(in[0], in[1], cnn_mul(in[0], in[1]), OPTIONS(cnn_triplet_margin_loss_options,          \
        .margin = 9)), ANY, ANY, ANY, 2, false)                                                                               \
    X(triplet_swap, cnn_triplet_margin_loss(in[0], in[1], cnn_mul(in[0], in[1]), OPTIONS(cnn_triplet_margin_loss_options,     \
        .margin = 9, .p = 3, .swap = true, .reduction = CNN_REDUCE_NONE)), ANY, ANY, ANY, 2, false)                           \
    X(nll, cnn_nll_loss(in[0], in[3], OPTIONS(cnn_nll_loss_options, .weight = cnn_detach(in[2]))), ANY, ANY, POSITIVE, 1,     \
      false)                                                                                                                  \
    X(multi_margin, cnn_multi_margin_loss(in[0], in[3], OPTIONS(cnn_multi_margin_loss_options, .p = 2,                        \
        .weight = cnn_detach(in[2]))), ANY, ANY, POSITIVE, 1, false)                                                          \
    X(multi_margin_line, cnn_multi_margin_loss(in[0], in[3], OPTIONS(cnn_multi_margin_loss_options,                           \
        .reduction = CNN_REDUCE_NONE)), ANY, ANY, ANY, 1, false)

#define X(name, expression, ...)                                 \
    static cnn_tensor *call_##name(cnn_tensor *const *in)        \
    {                                                            \
        return expression;                                       \
    }
CASES(X)
#undef X
static const loss_case cases[] = {
#define X(name, expression, a, b, c, ...) { #name, call_##name, { a, b, c }, __VA_ARGS__ },
    CASES(X)
#undef X
};
enum { CASE_COUNT = sizeof cases / sizeof *cases, OPERANDS = 4 };

/* Numbers of the kind, none of them twice: sines of whole numbers. */
static double value_of(operands kind, int64_t i)
{
    double v = sin((double)(i * i + 3 * i + 1));
    switch (kind) {
    case SIGNS: return v < 0 ? -1 : 1;
    case FRACTIONS: return 0.5 + 0.45 * v;
    case POSITIVE: return 1.6 + 1.4 * v;
    default: return 1.5 * v;
    }
}

static cnn_tensor *made(cnn_context *of, cnn_dtype dtype, operands kind, int64_t first, int ndim, const int64_t *shape)
{
    cnn_tensor *t = cnn_tensor_empty(of, dtype, ndim, shape);
    int64_t n = cnn_tensor_numel(t);
    double *values = calloc((size_t)n + 1, sizeof *values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = value_of(kind, first + i);
    }
    cnn_tensor *wide = cnn_tensor_from_data(of, CNN_F64, ndim, shape, values);
    ck_assert_int_eq(cnn_tensor_copy_from(t, wide), CNN_OK);
    cnn_tensor_free(wide);
    free(values);
    return t;
}

static void make_operands(const loss_case *c, cnn_context *of, cnn_dtype dtype, int64_t n, int64_t d, cnn_tensor **in)
{
    in[0] = made(of, dtype, c->kind[0], 0, CNN_SHAPE(n, d));
    in[1] = made(of, dtype, c->kind[1], 1000, CNN_SHAPE(n, d));
    in[2] = made(of, dtype, c->kind[2], 5000, CNN_SHAPE(c->rows ? n : d));
    cnn_tensor *range = cnn_tensor_arange(of, CNN_I64, 0, (double)n, 1);
    int64_t *indices = calloc((size_t)n, sizeof *indices);
    for (int64_t i = 0; i < n; i++) {
        indices[i] = i * 7 % d;
    }
    in[3] = cnn_tensor_from_data(of, CNN_I64, CNN_SHAPE(n), indices);
    free(indices);
    cnn_tensor_free(range);
    for (int i = 0; i < c->wanted; i++) {
        ck_assert_int_eq(cnn_tensor_set_requires_grad(in[i], true), CNN_OK);
    }
}

static void free_operands(cnn_tensor **in)
{
    for (int i = 0; i < OPERANDS; i++) {
        cnn_tensor_free(in[i]);
    }
}

static cnn_tensor *checked(cnn_tensor *const *inputs, int count, void *user)
{
    (void)count;
    return ((const loss_case *)user)->call(inputs);
}

START_TEST(gradients_agree_with_finite_differences)
{
    const loss_case *c = &cases[_i];
    cnn_tensor *in[OPERANDS];
    make_operands(c, ctx, CNN_F64, 5, 4, in);
    cnn_status status = cnn_gradcheck(ctx, checked, (void *)(uintptr_t)c, in, OPERANDS, NULL);
    ck_assert_msg(status == CNN_OK, "%s: %s", c->name, cnn_last_error(ctx));
    free_operands(in);
}
END_TEST

/* ---- threads ---- */

/* The loss and the gradients, one behind the other. */
static unsigned char *bits_of(const loss_case *c, int threads, size_t *size)
{
    cnn_context *own = cnn_context_new(.threads = threads);
    cnn_tape *t = cnn_tape_new(own);
    cnn_tensor *in[OPERANDS], *x[OPERANDS];
    unsigned char *bits = NULL;
    *size = 0;
    make_operands(c, own, CNN_F32, 700, 120, in);
    cnn_tape_begin(t, CNN_TRAIN);
    for (int i = 0; i < OPERANDS; i++) {
        x[i] = cnn_input(t, in[i]);
    }
    cnn_tensor *y = c->call(x);
    ck_assert_msg(cnn_backward_with(y, NULL, false) == CNN_OK, "%s: %s", c->name, cnn_tape_error(t));
    for (int i = -1; i < c->wanted; i++) {
        cnn_tensor *part = i < 0 ? y : cnn_tensor_grad(in[i]);
        size_t bytes = part ? (size_t)cnn_tensor_numel(part) * sizeof(float) : 0;
        bits = realloc(bits, *size + bytes + 1);
        ck_assert(!part || cnn_tensor_read(part, bits + *size, bytes) == CNN_OK);
        *size += bytes;
    }
    free_operands(in);
    cnn_tape_free(t);
    cnn_context_free(own);
    return bits;
}

START_TEST(threads_change_no_bit)
{
    const loss_case *c = &cases[_i];
    size_t size, more;
    unsigned char *one = bits_of(c, 1, &size);
    for (int threads = 2; threads <= 3; threads++) {
        unsigned char *other = bits_of(c, threads, &more);
        ck_assert_msg(size == more && memcmp(one, other, size) == 0, "%s: %d threads change bits", c->name, threads);
        free(other);
    }
    free(one);
}
END_TEST

/* ---- numbers ---- */

/* In f32 a sum of 3 million equal terms, added one after the other, is off by percents. */
START_TEST(long_sums_are_exact)
{
    enum { N = 3000000 };
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, 0.1, CNN_SHAPE(N)), *zero = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(N));
    cnn_tape_begin(tape, CNN_EVAL);
    double sum = cnn_tensor_item(cnn_l1_loss(cnn_input(tape, x), zero, LOSS(.reduction = CNN_REDUCE_SUM)));
    double mean = cnn_tensor_item(cnn_l1_loss(cnn_input(tape, x), zero, NULL));
    ck_assert_double_eq_tol(sum, (double)0.1f * N, 0.02);
    ck_assert_double_eq_tol(mean, (double)0.1f, 1e-9);
    cnn_tensor_free(x);
    cnn_tensor_free(zero);
}
END_TEST

typedef struct point {
    float x, t;
    double loss, slope;
} point;

static void check_points(const char *name, cnn_tensor *(*loss)(cnn_tensor *x, cnn_tensor *t), const point *points, int n)
{
    for (int i = 0; i < n; i++) {
        cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, (double)points[i].x, CNN_SHAPE(1));
        cnn_tensor *t = cnn_tensor_full(ctx, CNN_F32, (double)points[i].t, CNN_SHAPE(1));
        cnn_tensor_set_requires_grad(x, true);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = loss(cnn_input(tape, x), cnn_input(tape, t));
        ck_assert_int_eq(cnn_backward(y), CNN_OK);
        double value = cnn_tensor_item(y), slope = cnn_tensor_item(cnn_tensor_grad(x));
        ck_assert_msg(fabs(value - points[i].loss) <= 1e-6 * fabs(points[i].loss), "%s of %g, %g is %.9g", name,
                      (double)points[i].x, (double)points[i].t, value);
        ck_assert_msg(fabs(slope - points[i].slope) <= 1e-6 * fabs(points[i].slope), "%s of %g, %g has the slope %.9g", name,
                      (double)points[i].x, (double)points[i].t, slope);
        cnn_tensor_free(x);
        cnn_tensor_free(t);
    }
}

static cnn_tensor *logistic(cnn_tensor *x, cnn_tensor *t) { return cnn_binary_cross_entropy_with_logits(x, t, NULL); }
static cnn_tensor *soft_margin(cnn_tensor *x, cnn_tensor *t) { return cnn_soft_margin_loss(x, t, NULL); }
static cnn_tensor *binary(cnn_tensor *x, cnn_tensor *t) { return cnn_binary_cross_entropy(x, t, NULL); }

/* Where exp() would overflow, and where 1 + exp(−x) is 1. */
START_TEST(far_logits_lose_nothing)
{
    check_points("the logistic loss", logistic,
                 (point[]){ { 200, 0, 200, 1 }, { -200, 1, 200, -1 }, { 50, 1, exp(-50), 0 }, { -50, 0, exp(-50), exp(-50) },
                            { -20, 0, exp(-20), exp(-20) } }, 5);
    check_points("the soft margin loss", soft_margin,
                 (point[]){ { 200, -1, 200, 1 }, { -200, 1, 200, -1 }, { 50, 1, exp(-50), -exp(-50) } }, 3);
    check_points("binary cross-entropy", binary, (point[]){ { 1e-10f, 0, 1e-10, 1 } }, 1);
}
END_TEST

/* Both gradients go to one tensor: 2·d − 2·d, and those of x² − x. */
START_TEST(one_tensor_may_be_both_operands)
{
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, 0.5, CNN_SHAPE(3));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *on = cnn_input(tape, x);
    ck_assert_int_eq(cnn_backward(cnn_mse_loss(on, on, NULL)), CNN_OK);
    double *slopes = as_doubles(cnn_tensor_grad(x));
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq(slopes[i], 0);
    }
    free(slopes);
    cnn_tensor_zero_grad(x);
    cnn_tape_begin(tape, CNN_TRAIN);
    on = cnn_input(tape, x);
    ck_assert_int_eq(cnn_backward(cnn_kl_div(on, on, OPTIONS(cnn_kl_div_options, .reduction = CNN_REDUCE_SUM))), CNN_OK);
    slopes = as_doubles(cnn_tensor_grad(x)); /* x·log x − x²: log x + 1 − 2x */
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq_tol(slopes[i], log(0.5), 1e-6);
    }
    free(slopes);
    cnn_tensor_free(x);
}
END_TEST

/* An input outside of [0, 1] is no probability. */
START_TEST(no_probability_makes_the_loss_nan)
{
    cnn_tensor *t = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1));
    for (int i = 0; i < 3; i++) {
        cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, (const double[]){ -0.1, 1.1, NAN }[i], CNN_SHAPE(1));
        cnn_tape_begin(tape, CNN_EVAL);
        ck_assert(isnan(cnn_tensor_item(cnn_binary_cross_entropy(cnn_input(tape, x), t, NULL))));
        cnn_tensor_free(x);
    }
    cnn_tensor_free(t);
}
END_TEST

/* ---- what is refused ---- */

typedef struct refusal {
    cnn_tensor *(*call)(void);
    cnn_status status;
    const char *message;
} refusal;

static cnn_tensor *plain(cnn_dtype dtype, int ndim, const int64_t *shape, bool wants)
{
    cnn_tensor *t = cnn_tensor_ones(ctx, dtype, ndim, shape);
    if (wants) {
        ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
    }
    cnn_tensor *x = cnn_input(tape, t);
    cnn_tensor_free(t);
    return x;
}

#define F(...) plain(CNN_F32, CNN_SHAPE(__VA_ARGS__), false)
#define SCALAR plain(CNN_F32, 0, NULL, false)
#define INDICES(n) plain(CNN_I64, CNN_SHAPE(n), false)
#define REFUSED(X)                                                                                                             \
    X(mse, cnn_mse_loss(F(2, 3), F(2), NULL), SHAPE, "mse_loss: shapes [2,3] and [2] do not broadcast")                        \
    X(dtype, cnn_l1_loss(F(2), plain(CNN_F64, CNN_SHAPE(2), false), NULL), DTYPE,                                              \
      "l1_loss: operand 1 is float64, expected float32 like operand 0")                                                        \
    X(bce, cnn_binary_cross_entropy(F(2, 3), F(3), NULL), SHAPE,                                                               \
      "binary_cross_entropy: the target is [3], expected [2,3] like the input")                                                \
    X(logits, cnn_binary_cross_entropy_with_logits(F(2, 3), F(2, 1), NULL), SHAPE,                                             \
      "binary_cross_entropy_with_logits: the target is [2,1], expected [2,3] like the input")                                  \
    X(weight, cnn_binary_cross_entropy(F(2, 3), F(2, 3), OPTIONS(cnn_bce_options, .weight = F(2))), SHAPE,                     \
      "binary_cross_entropy: weight [2] does not broadcast to [2,3]")                                                          \
    X(wide, cnn_binary_cross_entropy_with_logits(F(3), F(3), OPTIONS(cnn_bce_with_logits_options, .pos_weight = F(2, 3))),     \
      SHAPE, "binary_cross_entropy_with_logits: pos_weight [2,3] does not broadcast to [3]")                                   \
    X(grad, cnn_binary_cross_entropy(F(2), F(2), OPTIONS(cnn_bce_options,                                                      \
        .weight = plain(CNN_F32, CNN_SHAPE(2), true))), INVALID_ARGUMENT,                                                      \
      "binary_cross_entropy: weight requires a gradient, which this loss does not give; detach it")                            \
    X(batch, cnn_kl_div(SCALAR, SCALAR, OPTIONS(cnn_kl_div_options, .reduction = CNN_REDUCE_BATCH_MEAN)), SHAPE,               \
      "kl_div: the input is [], expected a batch to take the mean over")                                                       \
    X(variance, cnn_gaussian_nll_loss(F(2, 3), F(2, 3), F(3), NULL), SHAPE,                                                    \
      "gaussian_nll_loss: the variance is [3], expected [2,3] like the input, or 1 or nothing for its last size")              \
    X(rank, cnn_margin_ranking_loss(F(2, 3), F(2, 3), F(3), NULL), SHAPE,                                                      \
      "margin_ranking_loss: the operands have 2, 2 and 1 dimensions, expected one rank")                                       \
    X(cosine, cnn_cosine_embedding_loss(F(2, 3), F(2, 3), F(3), NULL), SHAPE,                                                  \
      "cosine_embedding_loss: the inputs are [2,3] and [2,3], the target is [3], expected [N,D], [N,D] and [N], or [D], [D] "  \
      "and []")                                                                                                                \
    X(triplet, cnn_triplet_margin_loss(F(2, 3), F(2, 3), F(3), NULL), SHAPE,                                                   \
      "triplet_margin_loss: the operands are [2,3], [2,3] and [3], expected one shape, [N,D] or [D]")                          \
    X(scalars, cnn_triplet_margin_loss(SCALAR, SCALAR, SCALAR, NULL), SHAPE,                                                   \
      "triplet_margin_loss: the operands are [], [] and [], expected one shape, [N,D] or [D]")                                 \
    X(third, cnn_margin_ranking_loss(F(2), F(2), NULL, NULL), INVALID_ARGUMENT, "margin_ranking_loss: operand 2 is NULL")      \
    X(anchor, cnn_triplet_margin_loss(F(2), F(2), NULL, NULL), INVALID_ARGUMENT, "triplet_margin_loss: operand 2 is NULL")     \
    X(nll, cnn_nll_loss(F(2, 3), F(2, 3), NULL), DTYPE,                                                                        \
      "nll_loss: target is [2,3] (float32), expected class indices [2] (int64, int32, uint8) for input [2,3]")                 \
    X(nll_shape, cnn_nll_loss(F(2, 3), INDICES(3), NULL), SHAPE,                                                               \
      "nll_loss: target is [3] (int64), expected class indices [2] (int64, int32, uint8) for input [2,3]")                     \
    X(entropy_shape, cnn_cross_entropy(F(2, 3), INDICES(3)), SHAPE,                                                            \
      "cross_entropy: target is [3] (int64), expected class indices [2] (int64, int32, uint8) or probabilities [2,3] "         \
      "(float32) for logits [2,3]")                                                                                            \
    X(entropy_floats, cnn_cross_entropy(F(2, 3), F(2)), SHAPE,                                                                 \
      "cross_entropy: target is [2] (float32), expected class indices [2] (int64, int32, uint8) or probabilities [2,3] "       \
      "(float32) for logits [2,3]")                                                                                            \
    X(entropy_dtype, cnn_cross_entropy(F(3), plain(CNN_F64, CNN_SHAPE(3), false)), DTYPE,                                      \
      "cross_entropy: target is [3] (float64), expected class indices [] (int64, int32, uint8) or probabilities [3] "          \
      "(float32) for logits [3]")                                                                                              \
    X(nll_rank, cnn_nll_loss(SCALAR, INDICES(1), NULL), SHAPE, "nll_loss: input is [], expected [C], [N,C] or [N,C,...]")         \
    X(nll_index, cnn_nll_loss(F(2, 1), INDICES(2), NULL), INVALID_ARGUMENT,                                                    \
      "nll_loss: target at [0] is 1, expected 0 to 0 or ignore_index -100")                                                    \
    X(margin_index, cnn_multi_margin_loss(F(2, 1), INDICES(2), NULL), INVALID_ARGUMENT,                                        \
      "multi_margin_loss: target at [0] is 1, expected 0 to 0")                                                                \
    X(margin_rank, cnn_multi_margin_loss(F(2, 3, 4), INDICES(2), NULL), SHAPE,                                                 \
      "multi_margin_loss: input is [2,3,4], expected [C] or [N,C]")                                                               \
    X(margin_weight, cnn_multi_margin_loss(F(2, 3), INDICES(2), OPTIONS(cnn_multi_margin_loss_options, .weight = F(2))),       \
      SHAPE, "multi_margin_loss: weight is [2], expected [3]")

#define X(name, expression, ...)                \
    static cnn_tensor *refused_##name(void)     \
    {                                           \
        return expression;                      \
    }
REFUSED(X)
#undef X
static const refusal refusals[] = {
#define X(name, expression, status, message) { refused_##name, CNN_ERROR_##status, message },
    REFUSED(X)
#undef X
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

START_TEST(mistakes_are_named)
{
    const refusal *r = &refusals[_i];
    bool late = strstr(r->message, "target at") && strcmp(cnn_context_device(ctx), "cpu") != 0;
    cnn_tape_begin(tape, CNN_TRAIN);
    r->call();
    cnn_context_synchronize(ctx); /* a device looks at indices while it computes */
    ck_assert_int_eq(cnn_tape_status(tape), r->status);
    if (!late) {
        ck_assert_str_eq(cnn_tape_error(tape), r->message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("losses");
    TCase *tests = suite_case(suite, "losses", setup, teardown);
    tcase_add_loop_test(tests, gradients_agree_with_finite_differences, 0, CASE_COUNT);
    tcase_add_loop_test(tests, threads_change_no_bit, 0, CASE_COUNT);
    tcase_add_test(tests, long_sums_are_exact);
    tcase_add_test(tests, far_logits_lose_nothing);
    tcase_add_test(tests, one_tensor_may_be_both_operands);
    tcase_add_test(tests, no_probability_makes_the_loss_nan);
    tcase_add_loop_test(tests, mistakes_are_named, 0, REFUSALS);
    return suite_run(suite);
}
