/* The losses that docs/losses.md composes of operations, focal loss and Dice loss: values and gradients against their papers' formulas
 * in NumPy (tools/fixtures/composed_losses.py), and gradients against finite differences. The page quotes the two functions. */
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

/* ---- against NumPy ---- */

enum { FOCAL_CASES = 5, DICE_CASES = 4, CASES = FOCAL_CASES + DICE_CASES };

typedef struct loss_case {
    bool focal;
    double options[2]; /* alpha and gamma, or the smoothing */
    char name[32];
} loss_case;

static cnn_tensor *part(const char *name, const char *what)
{
    cnn_tensor *t = fixture(ctx, "composed_losses.safetensors", name, what);
    ck_assert_msg(t != NULL, "there is no %s/%s", name, what);
    return t;
}

static cnn_tensor *operand(const char *name, cnn_dtype dtype)
{
    cnn_file *file = fixture_open(fixture_path("composed_losses.safetensors"));
    cnn_tensor *wide = cnn_file_read(file, cnn_file_find(file, name));
    cnn_tensor *t = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(wide), cnn_tensor_shape(wide));
    double *values = as_doubles(wide);
    cnn_tensor *mine = cnn_tensor_from_data(ctx, CNN_F64, cnn_tensor_ndim(wide), cnn_tensor_shape(wide), values);
    ck_assert_int_eq(cnn_tensor_copy_from(t, mine), CNN_OK);
    free(values);
    cnn_tensor_free(mine);
    cnn_tensor_free(wide);
    return t;
}

static loss_case case_of(int i)
{
    loss_case c = { .focal = i < FOCAL_CASES };
    snprintf(c.name, sizeof c.name, "%s/%d", c.focal ? "focal" : "dice", c.focal ? i : i - FOCAL_CASES);
    cnn_tensor *options = part(c.name, "options");
    ck_assert_int_eq(cnn_tensor_numel(options), c.focal ? 2 : 1);
    ck_assert_int_eq(cnn_tensor_read(options, c.options, (size_t)cnn_tensor_numel(options) * sizeof(double)), CNN_OK);
    cnn_tensor_free(options);
    return c;
}

static cnn_tensor *loss_of(cnn_tensor *const *in, int count, void *user)
{
    const loss_case *c = user;
    (void)count;
    return c->focal ? focal_loss(in[0], in[1], c->options[0], c->options[1]) : dice_loss(in[0], in[1], c->options[0]);
}

START_TEST(losses_and_gradients_are_the_papers)
{
    const cnn_dtype dtype = _i % 2 ? CNN_F32 : CNN_F64;
    const double tolerance = dtype == CNN_F64 ? 1e-13 : 2e-6;
    loss_case c = case_of(_i / 2);
    cnn_tensor *logits = operand("x", dtype), *target = operand("t", dtype);
    cnn_tensor *loss = part(c.name, "loss"), *grad = part(c.name, "grad");
    cnn_tensor_set_requires_grad(logits, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = loss_of((cnn_tensor *const[]){ cnn_input(tape, logits), cnn_input(tape, target) }, 2, &c);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", c.name, cnn_tape_error(tape));
    tensors_agree(c.name, "loss", y, loss, tolerance);
    ck_assert_msg(cnn_backward(y) == CNN_OK, "%s: %s", c.name, cnn_tape_error(tape));
    tensors_agree(c.name, "grad", cnn_tensor_grad(logits), grad, tolerance);
    cnn_tensor_free(logits);
    cnn_tensor_free(target);
    cnn_tensor_free(loss);
    cnn_tensor_free(grad);
}
END_TEST

START_TEST(gradients_agree_with_finite_differences)
{
    loss_case c = case_of(_i);
    cnn_tensor *in[] = { operand("x", CNN_F64), operand("t", CNN_F64) };
    cnn_tensor_set_requires_grad(in[0], true);
    ck_assert_msg(cnn_gradcheck(ctx, loss_of, &c, in, 2, NULL) == CNN_OK, "%s: %s", c.name, cnn_last_error(ctx));
    cnn_tensor_free(in[0]);
    cnn_tensor_free(in[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("composed losses");
    TCase *tests = suite_case(suite, "composed losses", setup, teardown);
    tcase_add_loop_test(tests, losses_and_gradients_are_the_papers, 0, 2 * CASES);
    tcase_add_loop_test(tests, gradients_agree_with_finite_differences, 0, CASES);
    return suite_run(suite);
}
