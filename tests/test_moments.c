/* Adam's first moment when the gradient has more weight than the past: for beta1 below one half it is interpolated
 * from the gradient, as torch.lerp does, so that a gradient far smaller than the moment is not lost. Checked on
 * every kernel table and in both dtypes. */
#include "kernels/launch.h"
#include "support/suite.h"

#include <cnn/cnn.h>

#include <math.h>

enum { MAX_TABLES = 8, N = 37 /* no multiple of a vector */ };

typedef struct step {
    double beta1, grads[2], expected; /* the moment after both */
} step;

/* The variance is (1 − β)·g₂ + β·(1 − β)·g₁. */
static const step steps[] = {
    { 0, { 1e4, 1e-4 }, 1e-4 },
    { 0, { -1e30, 1 }, 1 },
    { 1e-12, { 1e4, 1e-4 }, 1e-4 + 1e-8 },
    { 0.25, { 1024, 1 }, 0.75 + 0.1875 * 1024 },
    { 0.5, { 1024, 1 }, 0.5 + 256 },
    { 0.75, { 1024, 1 }, 0.25 + 0.1875 * 1024 },
    { 0.9, { 1000, 1 }, 0.1 + 90 },
};

static double moment_after(const cnn__kernels *table, cnn_dtype dtype, const step *s, bool amsgrad, int place)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_adam_parameters options = { .lr = 0.01, .beta1 = s->beta1, .beta2 = 0.5, .eps = 1e-8, .bias1 = 1, .bias2 = 1 };
    cnn_tensor *t[5]; /* the parameter, its gradient, the moments */
    for (int i = 0; i < 5; i++) {
        t[i] = cnn_tensor_zeros(ctx, dtype, CNN_SHAPE(N));
    }
    const cnn__real_kernels *k = dtype == CNN_F32 ? table->f32 : table->f64;
    for (int i = 0; i < 2; i++) {
        cnn_tensor_fill(t[1], s->grads[i]);
        cnn_launch l = CNN__LAUNCH(ADAM, dtype, CNN__PARAMETERS(options), .count = N, .in = { cnn_tensor_data(t[1]) },
                                   .out = { cnn_tensor_data(t[0]), cnn_tensor_data(t[2]), cnn_tensor_data(t[3]),
                                            amsgrad ? cnn_tensor_data(t[4]) : NULL });
        k->optimizer(&l, NULL);
    }
    double value =
        dtype == CNN_F32 ? (double)((float *)cnn_tensor_data(t[2]))[place] : ((double *)cnn_tensor_data(t[2]))[place];
    for (int i = 0; i < 5; i++) {
        cnn_tensor_free(t[i]);
    }
    cnn_context_free(ctx);
    return value;
}

START_TEST(small_gradients_are_not_lost)
{
    const step *s = &steps[_i];
    const cnn__kernels *tables[MAX_TABLES];
    int count = cnn__kernels_list(tables, MAX_TABLES);
    for (int i = 0; i < count * 8; i++) {
        cnn_dtype dtype = i % 2 ? CNN_F64 : CNN_F32;
        double m = moment_after(tables[i / 8], dtype, s, i / 2 % 2, i / 4 % 2 ? N - 1 : 0);
        ck_assert_msg(fabs(m - s->expected) <= 2e-7 * s->expected, "%s: beta1 %g: the moment is %.9g, expected %.9g",
                      tables[i / 8]->name, s->beta1, m, s->expected);
    }
}
END_TEST

/* Both betas 0: the step is the gradient over its size and eps, and the weights go where torch 1.13 takes them. */
START_TEST(betas_of_zero)
{
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_module *m = cnn_linear_new(ctx, 1, 1, .no_bias = true);
    cnn_tensor *w = cnn_module_parameter(m, 0);
    cnn_optimizer *adam = cnn_adam_new(m, .lr = 1, .beta1 = CNN_ZERO, .beta2 = CNN_ZERO);
    cnn_tape *tape = cnn_tape_new(ctx);
    const double grads[2] = { 1e4, 1e-4 }, expected[2] = { -1, -1.9999 };
    cnn_tensor_fill(w, 0);
    for (int i = 0; i < 2; i++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *loss = cnn_sum(cnn_mul_scalar(cnn_input(tape, w), grads[i]), CNN_ALL_DIMS, false);
        cnn_optimizer_zero_grad(adam);
        ck_assert_int_eq(cnn_backward(loss), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
        ck_assert_double_eq_tol(cnn_tensor_item(w), expected[i], 1e-6);
    }
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(m);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("moments");
    TCase *tests = suite_case(suite, "Adam", NULL, NULL);
    tcase_add_loop_test(tests, small_gradients_are_not_lost, 0, sizeof steps / sizeof *steps);
    tcase_add_test(tests, betas_of_zero);
    return suite_run(suite);
}
