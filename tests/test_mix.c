/* mixup and CutMix: their results follow from the weight that the labels show, whose distribution is Beta's. */
#include "support/tensor.h"

#include <cnn/cnn.h>

enum { N = 5, C = 2, H = 6, W = 7, CLASSES = 4, PLANE = H * W, NUMEL = N * C * PLANE };

static const int64_t classes[N] = { 2, 0, 3, 3, 1 };

static cnn_tensor *images_of(cnn_dtype dtype)
{
    cnn_tensor *plain = cnn_tensor_arange(ctx, dtype, 0, NUMEL, 1), *x = cnn_reshape(cnn_input(tape, plain), CNN_SHAPE(N, C, H, W));
    cnn_tensor_free(plain);
    return x;
}

static cnn_tensor *labels_of(void)
{
    cnn_tensor *labels = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(N));
    ck_assert_int_eq(cnn_tensor_write(labels, classes, sizeof classes), CNN_OK);
    return labels;
}

/* The weight of sample 1, whose class is 0 and that before it 2; every other label must have the same. */
static double weight_of(const cnn_tensor *soft)
{
    double *y = as_doubles(soft), weight = y[CLASSES];
    for (int i = 0; i < N; i++) {
        for (int c = 0; c < CLASSES; c++) {
            double expected = (classes[i] == c ? weight : 0) + (classes[(i + N - 1) % N] == c ? 1 - weight : 0);
            ck_assert_double_eq_tol(y[i * CLASSES + c], expected, 1e-6);
        }
    }
    free(y);
    return weight;
}

START_TEST(mixup_weighs_images_and_labels_alike)
{
    const cnn_dtype dtypes_of[] = { CNN_F32, CNN_F64 };
    cnn_tensor *labels = labels_of();
    for (int k = 0; k < 2; k++) {
        cnn_tensor *x = images_of(dtypes_of[k]), *mixed, *soft;
        ck_assert_msg(cnn_mixup(x, labels, CLASSES, 1, &mixed, &soft) == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert(cnn_tensor_dtype(mixed) == dtypes_of[k] && cnn_tensor_dtype(soft) == dtypes_of[k]);
        double weight = weight_of(soft), *a = as_doubles(x), *b = as_doubles(mixed);
        ck_assert(weight > 0 && weight < 1);
        for (int i = 0; i < NUMEL; i++) {
            double other = a[(i + NUMEL - C * PLANE) % NUMEL];
            ck_assert_double_eq_tol(b[i], weight * a[i] + (1 - weight) * other, 1e-4);
        }
        free(a);
        free(b);
    }
    cnn_tensor *x = cnn_cast(images_of(CNN_F32), CNN_BF16), *mixed, *soft;
    ck_assert_int_eq(cnn_cutmix(x, labels, CLASSES, 1, &mixed, &soft), CNN_OK);
    ck_assert_int_eq(cnn_mixup(x, labels, CLASSES, 1, &mixed, &soft), CNN_OK);
    ck_assert(cnn_tensor_dtype(mixed) == CNN_BF16 && cnn_tensor_dtype(soft) == CNN_BF16);
    cnn_tensor_free(labels);
}
END_TEST

/* What comes from the other image is one rectangle, the same in all images and channels. */
START_TEST(cutmix_takes_a_rectangle)
{
    cnn_tensor *labels = labels_of();
    int cut = 0;
    bool good = true;
    for (int round = 0; round < 100; round++) {
        cnn_tensor *x = images_of(CNN_F32), *mixed, *soft;
        ck_assert_msg(cnn_cutmix(x, labels, CLASSES, 1, &mixed, &soft) == CNN_OK, "%s", cnn_last_error(ctx));
        double weight = weight_of(soft), *a = as_doubles(x), *b = as_doubles(mixed);
        int area = 0, top = H, bottom = -1, left = W, right = -1;
        for (int i = 0; i < NUMEL; i++) {
            int place = i % PLANE;
            bool moved = b[i] != a[i];
            good = good && (!moved || b[i] == a[(i + NUMEL - C * PLANE) % NUMEL]) && moved == (b[place] != a[place]);
            if (moved && i < PLANE) {
                area++;
                top = i / W < top ? i / W : top;
                bottom = i / W;
                left = i % W < left ? i % W : left;
                right = i % W > right ? i % W : right;
            }
        }
        ck_assert(good);
        ck_assert(!area || area == (bottom - top + 1) * (right - left + 1));
        ck_assert_double_eq_tol(weight, 1 - (double)area / PLANE, 1e-6);
        cut += area > 0;
        free(a);
        free(b);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    }
    ck_assert_int_gt(cut, 50);
    cnn_tensor_free(labels);
}
END_TEST

/* The gradient of an element goes to the image that it came from: within the rectangle to the one before, to no other. */
START_TEST(gradients_of_cutmix_go_where_elements_came_from)
{
    cnn_tensor *labels = labels_of(), *plain = cnn_tensor_arange(ctx, CNN_F64, 0, NUMEL, 1), *mixed, *soft;
    cnn_tensor *seed = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(N, C, H, W));
    double *g = as_doubles(seed), *x = as_doubles(plain);
    int cut = 0;
    ck_assert_int_eq(cnn_tensor_set_requires_grad(plain, true), CNN_OK);
    for (int round = 0; round < 20; round++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor_zero_grad(plain);
        cnn_tensor *images = cnn_reshape(cnn_input(tape, plain), CNN_SHAPE(N, C, H, W));
        ck_assert_int_eq(cnn_cutmix(images, labels, CLASSES, 1, &mixed, &soft), CNN_OK);
        double *y = as_doubles(mixed);
        ck_assert_msg(cnn_backward_with(mixed, seed, false) == CNN_OK, "%s", cnn_last_error(ctx));
        double *grad = as_doubles(cnn_tensor_grad(plain));
        bool good = true;
        for (int i = 0; i < NUMEL; i++) {
            bool moved = y[i] != x[i];
            good = good && grad[i] == (moved ? g[(i + C * PLANE) % NUMEL] : g[i]);
            cut += moved;
        }
        ck_assert(good);
        free(y);
        free(grad);
    }
    ck_assert_int_gt(cut, NUMEL);
    free(g);
    free(x);
    cnn_tensor_free(labels);
    cnn_tensor_free(plain);
    cnn_tensor_free(seed);
}
END_TEST

/* Beta(a, a) has mean 1/2 and variance 1 / (8 a + 4). */
START_TEST(weights_are_betas)
{
    static const double alphas[] = { 0.2, 1, 4 };
    enum { ROUNDS = 4000 };
    const int64_t two[] = { 0, 1 };
    cnn_tensor *labels = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(2)), *plain = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(2, 1));
    ck_assert_int_eq(cnn_tensor_write(labels, two, sizeof two), CNN_OK);
    for (int k = 0; k < 3; k++) {
        double sum = 0, square = 0;
        for (int i = 0; i < ROUNDS; i++) {
            cnn_tensor *mixed, *soft;
            ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
            ck_assert_int_eq(cnn_mixup(cnn_input(tape, plain), labels, 2, alphas[k], &mixed, &soft), CNN_OK);
            double *y = as_doubles(soft);
            sum += y[0];
            square += (y[0] - 0.5) * (y[0] - 0.5);
            free(y);
        }
        double variance = 1 / (8 * alphas[k] + 4);
        ck_assert_double_eq_tol(sum / ROUNDS, 0.5, 4 * sqrt(variance / ROUNDS));
        ck_assert_double_eq_tol(square / ROUNDS, variance, 0.08 * variance);
    }
    cnn_tensor_free(labels);
    cnn_tensor_free(plain);
}
END_TEST

/* The soft labels are a target of the cross entropy, whose gradient g = (softmax - target) / N passes to the image with the
 * weight and to the one before it with the rest. */
START_TEST(results_train)
{
    cnn_tensor *labels = labels_of(), *logits = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(N, CLASSES)), *mixed, *soft;
    ck_assert_int_eq(cnn_tensor_set_requires_grad(logits, true), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_mixup(cnn_input(tape, logits), labels, CLASSES, 0.5, &mixed, &soft), CNN_OK);
    double weight = weight_of(soft), *p = as_doubles(cnn_softmax(mixed, 1)), *y = as_doubles(soft);
    ck_assert_msg(cnn_backward(cnn_cross_entropy(mixed, soft)) == CNN_OK, "%s", cnn_last_error(ctx));
    double *grad = as_doubles(cnn_tensor_grad(logits));
    for (int i = 0; i < N * CLASSES; i++) {
        int next = (i + CLASSES) % (N * CLASSES);
        ck_assert_double_eq_tol(grad[i], (weight * (p[i] - y[i]) + (1 - weight) * (p[next] - y[next])) / N, 1e-6);
    }
    free(p);
    free(y);
    free(grad);
    cnn_tensor_free(labels);
    cnn_tensor_free(logits);
}
END_TEST

START_TEST(the_seed_repeats_a_run)
{
    double first = 0;
    for (int run = 0; run < 2; run++) {
        cnn_context *own = cnn_context_new(.seed = 17, .threads = 1);
        cnn_tape *t = cnn_tape_new(own);
        cnn_tensor *x = cnn_tensor_zeros(own, CNN_F32, CNN_SHAPE(2, 3)), *y = cnn_tensor_arange(own, CNN_I64, 0, 2, 1), *mixed, *soft;
        ck_assert_int_eq(cnn_tape_begin(t, CNN_EVAL), CNN_OK);
        ck_assert_int_eq(cnn_mixup(cnn_input(t, x), y, 2, 1, &mixed, &soft), CNN_OK);
        double *values = as_doubles(soft);
        ck_assert(run == 0 || values[0] == first);
        first = values[0];
        free(values);
        cnn_tensor_free(x);
        cnn_tensor_free(y);
        cnn_tape_free(t);
        cnn_context_free(own);
    }
}
END_TEST

/* A failed call makes nil results, and the step fails. */
START_TEST(bad_arguments_are_reported)
{
    cnn_tensor *labels = labels_of(), *few = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2)), *mixed, *soft;
    const struct {
        cnn_tensor *y;
        int64_t classes;
        double alpha;
        cnn_status status;
        const char *text;
    } cases[] = { { labels, CLASSES, 0, CNN_ERROR_INVALID_ARGUMENT, "alpha is 0, expected a number above 0" },
                  { labels, 0, 1, CNN_ERROR_INVALID_ARGUMENT, "classes is 0, expected 1 or more" },
                  { few, CLASSES, 1, CNN_ERROR_SHAPE, "images are [5,2,6,7] and labels [2], expected" },
                  { labels, 2, 1, CNN_ERROR_INVALID_ARGUMENT, " is 2" } };
    for (int k = 0; k < 8; k++) {
        bool cutmix = k >= 4;
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        cnn_status status = (cutmix ? cnn_cutmix : cnn_mixup)(images_of(CNN_F32), cases[k % 4].y, cases[k % 4].classes,
                                                              cases[k % 4].alpha, &mixed, &soft);
        cnn_context_synchronize(ctx); /* a device finds a bad label later */
        ck_assert(status == cases[k % 4].status || (k % 4 == 3 && status == CNN_OK));
        ck_assert_int_eq(cnn_tape_status(tape), cases[k % 4].status);
        ck_assert(status == CNN_OK || (cnn_tensor_status(mixed) == status && cnn_tensor_status(soft) == status));
        failed_with(cases[k % 4].status, cases[k % 4].text);
    }
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(cnn_cutmix(images_of(CNN_F32), labels, CLASSES, 1, &mixed, NULL), CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "cutmix: soft_labels is NULL");
    cnn_tensor_free(labels);
    cnn_tensor_free(few);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mix");
    TCase *tests = suite_case(suite, "mix", setup, teardown);
    tcase_add_test(tests, mixup_weighs_images_and_labels_alike);
    tcase_add_test(tests, cutmix_takes_a_rectangle);
    tcase_add_test(tests, gradients_of_cutmix_go_where_elements_came_from);
    tcase_add_test(tests, weights_are_betas);
    tcase_add_test(tests, results_train);
    tcase_add_test(tests, the_seed_repeats_a_run);
    tcase_add_test(tests, bad_arguments_are_reported);
    return suite_run(suite);
}
