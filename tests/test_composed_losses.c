/* The losses that docs/losses.md composes of operations, focal loss and Dice loss: values against their papers' formulas in f64,
 * and gradients against finite differences. The page quotes the two functions. */
#include "support/fixtures.h"
#include "support/metered_tape.h"

/* Lin et al. 2017, "Focal Loss for Dense Object Detection": −α · (1 − p)^γ · log p, where p is the probability that the logits give
 * to the target's class. As torchvision.ops.sigmoid_focal_loss computes it. */
static cnn_tensor *focal_loss(cnn_tensor *logits, cnn_tensor *target, double alpha, double gamma)
{
    cnn_tensor *cross = cnn_binary_cross_entropy_with_logits(
        logits, target, CNN_OPTIONS(cnn_bce_with_logits_options, .reduction = CNN_REDUCE_NONE));
    cnn_tensor *p = cnn_sigmoid(logits), *not_target = cnn_add_scalar(cnn_neg(target), 1);
    cnn_tensor *miss = cnn_add(cnn_mul(p, not_target), cnn_mul(cnn_add_scalar(cnn_neg(p), 1), target)); /* 1 − p of the class */
    cnn_tensor *factor = cnn_add_scalar(cnn_mul_scalar(target, 2 * alpha - 1), 1 - alpha);
    return cnn_mean(cnn_mul(factor, cnn_mul(cnn_pow_scalar(miss, gamma), cross)), CNN_ALL_DIMS, false);
}

/* Milletari et al. 2016, "V-Net": 1 − (2 · Σ p·t + s) / (Σ p² + Σ t² + s) of each image, and the mean over the batch; the smoothing
 * s makes an empty mask that is found empty the loss 0. */
static cnn_tensor *dice_loss(cnn_tensor *logits, cnn_tensor *mask, double smooth)
{
    cnn_tensor *p = cnn_flatten(cnn_sigmoid(logits), 1, -1), *t = cnn_flatten(mask, 1, -1);
    cnn_tensor *both = cnn_sum(cnn_mul(p, t), CNN_DIMS(1), false);
    cnn_tensor *sizes = cnn_sum(cnn_add(cnn_mul(p, p), cnn_mul(t, t)), CNN_DIMS(1), false);
    cnn_tensor *dice = cnn_div(cnn_add_scalar(cnn_mul_scalar(both, 2), smooth), cnn_add_scalar(sizes, smooth));
    return cnn_add_scalar(cnn_neg(cnn_mean(dice, CNN_ALL_DIMS, false)), 1);
}

/* ---- the formulas ---- */

enum { IMAGES = 3, PIXELS = 20, N = IMAGES * PIXELS };

static double focal_of(const double *x, const double *t, double alpha, double gamma)
{
    double sum = 0;
    for (int i = 0; i < N; i++) {
        double yes = 1 / (1 + exp(-x[i])), p = t[i] != 0 ? yes : 1 - yes;
        sum -= (t[i] != 0 ? alpha : 1 - alpha) * pow(1 - p, gamma) * log(p);
    }
    return sum / N;
}

static double dice_of(const double *x, const double *t, double smooth)
{
    double loss = 0;
    for (int n = 0; n < IMAGES; n++) {
        double both = 0, sizes = 0;
        for (int i = n * PIXELS; i < (n + 1) * PIXELS; i++) {
            double p = 1 / (1 + exp(-x[i]));
            both += p * t[i];
            sizes += p * p + t[i] * t[i];
        }
        loss += 1 - (2 * both + smooth) / (sizes + smooth);
    }
    return loss / IMAGES;
}

static void fill(double *x, double *t)
{
    for (int i = 0; i < N; i++) {
        x[i] = 4 * sin(i * i + 1);
        t[i] = i % 3 == 0;
    }
}

/* ---- the compositions ---- */

static cnn_tensor *focal(cnn_tensor *const *in, int count, void *user)
{
    (void)count, (void)user;
    return focal_loss(in[0], in[1], 0.25, 2);
}

static cnn_tensor *dice(cnn_tensor *const *in, int count, void *user)
{
    (void)count, (void)user;
    return dice_loss(in[0], in[1], 1);
}

static const struct {
    const char *name;
    cnn_function_fn call;
} losses[] = { { "focal", focal }, { "dice", dice } };

START_TEST(values_are_the_formulas)
{
    double x[N], t[N];
    fill(x, t);
    const double expected[] = { focal_of(x, t, 0.25, 2), dice_of(x, t, 1) };
    cnn_tensor *logits = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(IMAGES, 4, 5), x);
    cnn_tensor *target = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(IMAGES, 4, 5), t);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *in[] = { cnn_input(tape, logits), cnn_input(tape, target) };
    ck_assert_double_eq_tol(cnn_tensor_item(losses[_i].call(in, 2, NULL)), expected[_i], 1e-12);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    cnn_tensor_free(logits);
    cnn_tensor_free(target);
}
END_TEST

START_TEST(gradients_agree_with_finite_differences)
{
    double x[N], t[N];
    fill(x, t);
    cnn_tensor *in[] = { cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(IMAGES, 4, 5), x),
                         cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(IMAGES, 4, 5), t) };
    cnn_tensor_set_requires_grad(in[0], true);
    ck_assert_msg(cnn_gradcheck(ctx, losses[_i].call, NULL, in, 2, NULL) == CNN_OK, "%s: %s", losses[_i].name,
                  cnn_last_error(ctx));
    cnn_tensor_free(in[0]);
    cnn_tensor_free(in[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("composed losses");
    TCase *tests = suite_case(suite, "composed losses", setup, teardown);
    tcase_add_loop_test(tests, values_are_the_formulas, 0, 2);
    tcase_add_loop_test(tests, gradients_agree_with_finite_differences, 0, 2);
    return suite_run(suite);
}
