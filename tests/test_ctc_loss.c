/* The CTC loss beyond PyTorch's values (tests/fixtures/ops/loss.safetensors): its definition, closed forms of long sequences, gradients
 * against finite differences, the same bits for any number of threads, and what is refused with which message. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

#define CTC(...) CNN_OPTIONS(cnn_ctc_loss_options, __VA_ARGS__)
#define NONE CTC(.reduction = CNN_REDUCE_NONE)

static cnn_tensor *whole(cnn_context *of, int ndim, const int64_t *shape, const int64_t *values)
{
    cnn_tensor *t = cnn_tensor_from_data(of, CNN_I64, ndim, shape, values);
    ck_assert_ptr_nonnull(t);
    return t;
}

/* A tensor of this step alone. */
static cnn_tensor *passing(cnn_tensor *t)
{
    cnn_tensor *x = cnn_input(tape, t);
    cnn_tensor_free(t);
    return x;
}

#define I64(...) passing(whole(ctx, CNN_SHAPE(sizeof((int64_t[]){ __VA_ARGS__ }) / 8), (int64_t[]){ __VA_ARGS__ }))

/* [steps, batch, classes] of numbers between −2 and 2, none of them twice. */
static cnn_tensor *logits(cnn_context *of, cnn_dtype dtype, int64_t steps, int64_t batch, int64_t classes)
{
    cnn_tensor *t = cnn_tensor_empty(of, dtype, CNN_SHAPE(steps, batch, classes));
    int64_t n = cnn_tensor_numel(t);
    double *values = calloc((size_t)n + 1, sizeof *values);
    for (int64_t i = 0; i < n; i++) {
        values[i] = 2 * sin((double)(i * i + 3 * i + 1));
    }
    cnn_tensor *wide = cnn_tensor_from_data(of, CNN_F64, CNN_SHAPE(steps, batch, classes), values);
    ck_assert_int_eq(cnn_tensor_copy_from(t, wide), CNN_OK);
    cnn_tensor_free(wide);
    free(values);
    return t;
}

/* ---- values ---- */

enum { STEPS = 5, CLASSES = 3, MOST = 8 };

/* What is left of a path, a digit of base CLASSES for each step, of whose classes 0 is the blank. */
static int collapsed(int path, int64_t label[STEPS])
{
    int count = 0, before = 0;
    for (int t = 0; t < STEPS; t++, path /= CLASSES) {
        int class = path % CLASSES;
        if (class && class != before) {
            label[count++] = class;
        }
        before = class;
    }
    return count;
}

static double sum_of_paths(const double *log_probs, int count, const int64_t *label)
{
    double sum = 0;
    for (int path = 0; path < 243; path++) {
        int64_t left[STEPS];
        double log_probability = 0;
        for (int t = 0, rest = path; t < STEPS; t++, rest /= CLASSES) {
            log_probability += log_probs[t * CLASSES + rest % CLASSES];
        }
        if (collapsed(path, left) == count && memcmp(left, label, (size_t)count * sizeof *label) == 0) {
            sum += exp(log_probability);
        }
    }
    return sum;
}

/* This is tried for every sequence of labels that five steps can make, and for two that they cannot. */
START_TEST(the_loss_is_the_sum_over_all_paths)
{
    cnn_tensor *x = logits(ctx, CNN_F64, STEPS, 1, CLASSES);
    for (int path = 0; path < 243; path++) {
        int64_t label[MOST] = { 1, 1, 1, 1 };
        int count = path > 1 ? collapsed(path, label) : path + 4; /* 1, 1, 1, 1 takes seven steps */
        label[4] = path > 1 ? label[4] : 2;
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *log_probs = cnn_log_softmax(cnn_reshape(cnn_input(tape, x), CNN_SHAPE(STEPS, CLASSES)), -1);
        double *values = as_doubles(log_probs);
        cnn_tensor *targets = passing(whole(ctx, CNN_SHAPE(count), label));
        double loss = cnn_tensor_item(cnn_ctc_loss(log_probs, targets, I64(STEPS), I64(count), NONE));
        double expected = -log(sum_of_paths(values, count, label));
        ck_assert_msg(loss == expected || fabs(loss - expected) <= 1e-12, "path %d: %.17g, expected %.17g", path, loss, expected);
        free(values);
    }
    cnn_tensor_free(x);
}
END_TEST

/* Where all probabilities are alike, the loss counts paths: there are (steps + labels over 2 · labels) of labels of which no two
 * neighbours are equal. */
START_TEST(long_sequences_lose_nothing)
{
    enum { LONG = 3000, LABELS = 200 };
    int64_t labels[LABELS];
    for (int i = 0; i < LABELS; i++) {
        labels[i] = 1 + i % 2;
    }
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(LONG, 4));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *targets = passing(whole(ctx, CNN_SHAPE(LABELS), labels));
    cnn_tensor *loss = cnn_ctc_loss(cnn_log_softmax(cnn_input(tape, x), -1), targets, I64(LONG), I64(LABELS), NONE);
    double paths = lgamma(LONG + LABELS + 1) - lgamma(2 * LABELS + 1) - lgamma(LONG - LABELS + 1);
    double expected = LONG * log(4) - paths;
    ck_assert_double_eq_tol(cnn_tensor_item(loss), expected, 1e-6 * expected);
    ck_assert_int_eq(cnn_backward(loss), CNN_OK);
    double *slopes = as_doubles(cnn_tensor_grad(x)), sum = 0;
    for (int i = 0; i < LONG * 4; i++) {
        ck_assert(isfinite(slopes[i]));
        sum += i % 4 == 3 ? slopes[i] : 0; /* the class that is no label has no path */
    }
    ck_assert_double_eq_tol(sum, LONG * 0.25, 1e-2);
    free(slopes);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(a_sequence_of_no_steps_has_no_path_but_the_empty_one)
{
    cnn_tensor *x = logits(ctx, CNN_F32, 4, 3, 3);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_ctc_loss(cnn_input(tape, x), I64(1, 2), I64(0, 0, 2), I64(0, 1, 1), NONE);
    double *values = as_doubles(loss);
    ck_assert(values[0] == 0 && !signbit(values[0]) && values[1] == INFINITY && isfinite(values[2]));
    ck_assert_int_eq(cnn_backward_with(loss, NULL, false), CNN_OK);
    double *slopes = as_doubles(cnn_tensor_grad(x));
    for (int i = 0; i < 4 * 3 * 3; i++) {
        bool counts = i / 3 % 3 == 2 && i / 9 < 2;
        ck_assert_msg(counts ? slopes[i] != 0 : slopes[i] == 0, "slope %d is %g", i, slopes[i]);
    }
    free(values);
    free(slopes);
    cnn_tensor_free(x);
}
END_TEST

/* PyTorch's gradient of the class is NaN. */
START_TEST(an_impossible_class_has_no_gradient)
{
    const double values[] = { log(0.5), log(0.5), -INFINITY, log(0.25), log(0.75), -INFINITY };
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(2, 3), values);
    for (int64_t label = 1; label <= 2; label++) {
        cnn_tensor_set_requires_grad(x, true);
        cnn_tensor_zero_grad(x);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_ctc_loss(cnn_input(tape, x), I64(label), I64(2), I64(1), CTC(.zero_infinity = true));
        ck_assert_double_eq_tol(cnn_tensor_item(loss), label == 1 ? -log(0.875) : 0, 1e-12);
        ck_assert_int_eq(cnn_backward(loss), CNN_OK);
        double *slopes = as_doubles(cnn_tensor_grad(x));
        /* The paths are 11, 01 and 10. */
        const double first[3] = { 0.5 - 0.375 / 0.875, 0.5 - 0.5 / 0.875, 0 }, second[3] = { 0.25 - 0.125 / 0.875, 0.75 - 0.75 / 0.875, 0 };
        for (int c = 0; c < 3; c++) {
            ck_assert_double_eq_tol(slopes[c], label == 1 ? first[c] : 0, 1e-12);
            ck_assert_double_eq_tol(slopes[3 + c], label == 1 ? second[c] : 0, 1e-12);
        }
        free(slopes);
    }
    cnn_tensor_free(x);
}
END_TEST

START_TEST(a_nan_stays_one)
{
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, NAN, CNN_SHAPE(3, 4));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *loss = cnn_ctc_loss(cnn_input(tape, x), I64(1), I64(3), I64(1), CTC(.zero_infinity = true));
    ck_assert(isnan(cnn_tensor_item(loss)));
    cnn_tensor_free(x);
}
END_TEST

START_TEST(nothing_has_the_mean_nan_and_the_sum_0)
{
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3, 0, 2)), *targets = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(0, 2));
    cnn_tensor *lengths = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(0));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *in = cnn_input(tape, x);
    ck_assert(isnan(cnn_tensor_item(cnn_ctc_loss(in, targets, lengths, lengths, NULL))));
    ck_assert_double_eq(cnn_tensor_item(cnn_ctc_loss(in, targets, lengths, lengths, CTC(.reduction = CNN_REDUCE_SUM))), 0);
    ck_assert_int_eq(cnn_tensor_numel(cnn_ctc_loss(in, targets, lengths, lengths, NONE)), 0);
    cnn_tensor_free(x);
    cnn_tensor_free(targets);
    cnn_tensor_free(lengths);
}
END_TEST

/* ---- gradients and threads ---- */

static const int64_t four_steps[] = { 9, 0, 8, 5 }, four_lengths[] = { 3, 0, 4, 3 };
static const int64_t padded[] = { 2, 2, 0, 9, -1, -1, -1, -1, 0, 0, 3, 0, 3, 3, 2, 7 };
static const int64_t joined[] = { 2, 2, 0, 0, 0, 3, 0, 3, 3, 2 };

static cnn_tensor *of_logits(cnn_tensor *const *in, int count, void *user)
{
    (void)count;
    cnn_ctc_loss_options o = { .struct_size = sizeof o, .blank = 1, .zero_infinity = true };
    o.reduction = (cnn_reduction)(*(const int *)user % 3);
    return cnn_ctc_loss(cnn_log_softmax(in[0], -1), in[1], in[2], in[3], &o);
}

/* The operands are tried with all reductions, padded or joined. The last sequence has no path where it has a label twice in three steps. */
static void make_operands(cnn_context *of, cnn_dtype dtype, bool is_joined, cnn_tensor *in[4])
{
    in[0] = logits(of, dtype, 9, 4, 4);
    in[1] = is_joined ? whole(of, CNN_SHAPE(10), joined) : whole(of, CNN_SHAPE(4, 4), padded);
    in[2] = whole(of, CNN_SHAPE(4), four_steps);
    in[3] = whole(of, CNN_SHAPE(4), four_lengths);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(in[0], true), CNN_OK);
}

static void free_operands(cnn_tensor *in[4])
{
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(in[i]);
    }
}

START_TEST(gradients_agree_with_finite_differences)
{
    cnn_tensor *in[4];
    int kind = _i;
    make_operands(ctx, CNN_F64, kind / 3, in);
    ck_assert_msg(cnn_gradcheck(ctx, of_logits, &kind, in, 4, NULL) == CNN_OK, "%s", cnn_last_error(ctx));
    free_operands(in);
}
END_TEST

START_TEST(threads_and_a_graph_change_no_bit)
{
    float loss[3][4], slopes[3][9 * 4 * 4];
    for (int run = 0; run < 3; run++) {
        cnn_context *own = cnn_context_new(.threads = 1 + run);
        cnn_tape *t = cnn_tape_new(own);
        cnn_tensor *in[4], *x[4], *y;
        int kind = CNN_REDUCE_NONE;
        make_operands(own, CNN_F32, run % 2, in);
        for (int graph = 0; graph < 2; graph++) {
            cnn_tape_begin(t, graph ? CNN_TRAIN : CNN_EVAL);
            for (int i = 0; i < 4; i++) {
                x[i] = cnn_input(t, in[i]);
            }
            y = of_logits(x, 4, &kind);
            float values[4];
            ck_assert_int_eq(cnn_tensor_read(y, values, sizeof values), CNN_OK);
            ck_assert(!graph || memcmp(values, loss[run], sizeof values) == 0);
            memcpy(loss[run], values, sizeof values);
        }
        ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_OK);
        ck_assert_int_eq(cnn_tensor_read(cnn_tensor_grad(in[0]), slopes[run], sizeof slopes[run]), CNN_OK);
        ck_assert(memcmp(loss[0], loss[run], sizeof *loss) == 0 && memcmp(slopes[0], slopes[run], sizeof *slopes) == 0);
        free_operands(in);
        cnn_tape_free(t);
        cnn_context_free(own);
    }
}
END_TEST

/* ---- what is refused ---- */

typedef struct refusal {
    cnn_tensor *(*call)(void);
    cnn_status status;
    bool late; /* found where the lengths and the labels are */
    const char *message;
} refusal;

#define X(...) passing(cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(__VA_ARGS__)))
#define GRID passing(whole(ctx, CNN_SHAPE(2, 2), (int64_t[]){ 1, 5, 2, 1 }))
#define REFUSED(C)                                                                                                                 \
    C(rank, cnn_ctc_loss(X(4), I64(1), I64(4), I64(1), NULL), SHAPE, false,                                                        \
      "log_probs are [4], targets [1], input_lengths [1] and target_lengths [1], expected [T,N,C], [N,S] or one dimension, [N] "   \
      "and [N]; or [T,C], one dimension, [] and []")                                                                               \
    C(batch, cnn_ctc_loss(X(4, 3, 3), GRID, I64(4, 4, 4), I64(1, 1, 1), NULL), SHAPE, false,                                       \
      "log_probs are [4,3,3], targets [2,2], input_lengths [3] and target_lengths [3], expected [T,N,C], [N,S] or one dimension, " \
      "[N] and [N]; or [T,C], one dimension, [] and []")                                                                           \
    C(lengths, cnn_ctc_loss(X(4, 2, 3), GRID, I64(4), I64(1, 1), NULL), SHAPE, false,                                              \
      "log_probs are [4,2,3], targets [2,2], input_lengths [1] and target_lengths [2], expected [T,N,C], [N,S] or one dimension, " \
      "[N] and [N]; or [T,C], one dimension, [] and []")                                                                           \
    C(targets, cnn_ctc_loss(X(4, 2), X(1), I64(4), I64(1), NULL), DTYPE, false, "targets are float32, expected int64, int32 or uint8") \
    C(steps, cnn_ctc_loss(X(4, 2), I64(1), X(1), I64(1), NULL), DTYPE, false, "input_lengths are float32, expected int64")         \
    C(counts, cnn_ctc_loss(X(4, 2), I64(1), I64(1), X(1), NULL), DTYPE, false, "target_lengths are float32, expected int64")       \
    C(log_probs, cnn_ctc_loss(I64(4), I64(1), I64(1), I64(1), NULL), DTYPE, false,                                                 \
      "operand 0 is int64, expected float32, float64 or bfloat16")                                                                 \
    C(blank, cnn_ctc_loss(X(4, 2), I64(1), I64(1), I64(1), CTC(.blank = 2)), INVALID_ARGUMENT, false,                              \
      "blank is 2, expected a class of 0 to 1")                                                                                    \
    C(negative, cnn_ctc_loss(X(4, 2), I64(1), I64(1), I64(1), CTC(.blank = -1)), INVALID_ARGUMENT, false,                          \
      "blank is -1, expected a class of 0 to 1")                                                                                   \
    C(no_class, cnn_ctc_loss(X(4, 0), I64(1), I64(1), I64(1), NULL), INVALID_ARGUMENT, false,                                      \
      "blank is 0, expected a class of 0 to -1")                                                                                   \
    C(reduction, cnn_ctc_loss(X(4, 2), I64(1), I64(1), I64(1), CTC(.reduction = CNN_REDUCE_BATCH_MEAN)), INVALID_ARGUMENT, false,  \
      "reduction is 3, expected 0 to 2")                                                                                           \
    C(long_input, cnn_ctc_loss(X(4, 2, 3), GRID, I64(4, 5), I64(1, 1), NULL), INVALID_ARGUMENT, true,                              \
      "input length 1 is 5, expected 0 to 4")                                                                                      \
    C(short_input, cnn_ctc_loss(X(4, 2, 3), GRID, I64(-1, 4), I64(1, 1), NULL), INVALID_ARGUMENT, true,                            \
      "input length 0 is -1, expected 0 to 4")                                                                                     \
    C(long_target, cnn_ctc_loss(X(4, 2, 3), GRID, I64(4, 4), I64(1, 3), NULL), INVALID_ARGUMENT, true,                             \
      "target length 1 is 3, expected 0 to 2")                                                                                     \
    C(short_target, cnn_ctc_loss(X(4, 2, 3), GRID, I64(4, 4), I64(-3, 3), NULL), INVALID_ARGUMENT, true,                           \
      "target length 0 is -3, expected 0 to 2")                                                                                    \
    C(label, cnn_ctc_loss(X(4, 2, 3), GRID, I64(4, 4), I64(2, 1), NULL), INVALID_ARGUMENT, true,                                   \
      "target at [0,1] is 5, expected 0 to 2")                                                                                     \
    C(joined_label, cnn_ctc_loss(X(4, 2, 3), I64(1, 2, -1), I64(4, 4), I64(1, 2), NULL), INVALID_ARGUMENT, true,                   \
      "target at [2] is -1, expected 0 to 2")                                                                                      \
    C(few, cnn_ctc_loss(X(4, 2, 3), I64(1, 2, 1), I64(4, 4), I64(1, 1), NULL), INVALID_ARGUMENT, true,                             \
      "target_lengths are 2 in all, but there are 3 targets")                                                                      \
    C(many, cnn_ctc_loss(X(4, 2, 3), I64(1, 2, 1), I64(4, 4), I64(2, 2), NULL), INVALID_ARGUMENT, true,                            \
      "target_lengths are 4 in all, but there are 3 targets")

#define C(name, expression, ...)            \
    static cnn_tensor *refused_##name(void) \
    {                                       \
        return expression;                  \
    }
REFUSED(C)
#undef C
static const refusal refusals[] = {
#define C(name, expression, status, late, message) { refused_##name, CNN_ERROR_##status, late, "ctc_loss: " message },
    REFUSED(C)
#undef C
};
enum { REFUSALS = sizeof refusals / sizeof *refusals };

START_TEST(mistakes_are_named)
{
    const refusal *r = &refusals[_i];
    cnn_tape_begin(tape, CNN_TRAIN);
    r->call();
    cnn_context_synchronize(ctx); /* a device looks at lengths and labels while it computes */
    ck_assert_int_eq(cnn_tape_status(tape), r->status);
    if (!r->late || !on_device()) {
        ck_assert_str_eq(cnn_tape_error(tape), r->message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("CTC loss");
    TCase *tests = suite_case(suite, "ctc_loss", setup, teardown);
    tcase_add_test(tests, the_loss_is_the_sum_over_all_paths);
    tcase_add_test(tests, long_sequences_lose_nothing);
    tcase_add_test(tests, a_sequence_of_no_steps_has_no_path_but_the_empty_one);
    tcase_add_test(tests, an_impossible_class_has_no_gradient);
    tcase_add_test(tests, a_nan_stays_one);
    tcase_add_test(tests, nothing_has_the_mean_nan_and_the_sum_0);
    tcase_add_loop_test(tests, gradients_agree_with_finite_differences, 0, 6);
    tcase_add_test(tests, threads_and_a_graph_change_no_bit);
    tcase_add_loop_test(tests, mistakes_are_named, 0, REFUSALS);
    return suite_run(suite);
}
