/* Optimizers that look at a parameter as a whole: LARS and LAMB, whose rate follows from norms, and Muon, which takes
 * matrices. That their steps follow the formulas is in test_optimizers.c. */
#include "support/elements.h"
#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

#include <math.h>

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = metered_context(1);
    tape = cnn_tape_new(ctx);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(ctx), status);
    ck_assert_str_eq(cnn_last_error(ctx), text);
    cnn_context_clear_error(ctx);
}

/* The values of a parameter after two steps with the same gradient. */
static void run(cnn_optimizer *o, cnn_tensor *p, cnn_tensor *grad, double *result)
{
    ck_assert_msg(o != NULL, "%s", cnn_last_error(ctx));
    for (int step = 0; step < 2; step++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        ck_assert_int_eq(cnn_tensor_zero_grad(p), CNN_OK);
        ck_assert_int_eq(cnn_backward_with(cnn_input(tape, p), cnn_input(tape, grad), false), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(o), CNN_OK);
    }
    double *values = as_doubles(p);
    memcpy(result, values, (size_t)cnn_tensor_numel(p) * sizeof *values);
    free(values);
    cnn_optimizer_free(o);
}

static cnn_tensor *parameter(int ndim, const int64_t *shape, const double *values)
{
    cnn_tensor *p = cnn_tensor_from_data(ctx, CNN_F64, ndim, shape, values);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(p, true), CNN_OK);
    return p;
}

/* A norm of 0 has no ratio: the rate is lr itself. */
START_TEST(norms_of_zero_leave_the_rate)
{
    const double zeros[3] = { 0 }, ones[3] = { 1, 1, 1 };
    double moved[3];
    for (int lamb = 0; lamb < 2; lamb++) {
        for (int zero_grad = 0; zero_grad < 2; zero_grad++) {
            cnn_tensor *p = parameter(CNN_SHAPE(3), zero_grad ? ones : zeros);
            cnn_tensor *grad = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(3), zero_grad ? zeros : ones);
            cnn_optimizer *o =
                lamb ? cnn_lamb_create_for(ctx, &p, 1,
                                           CNN_OPTIONS(cnn_lamb_options, .lr = 0.5, .weight_decay = CNN_ZERO))
                     : cnn_lars_create_for(
                           ctx, &p, 1,
                           CNN_OPTIONS(cnn_lars_options, .lr = 0.5, .momentum = CNN_ZERO, .trust_coefficient = 1));
            ck_assert_msg(o != NULL, "%s", cnn_last_error(ctx));
            run(o, p, grad, moved);
            for (int i = 0; i < 3; i++) {
                /* The first step is -0.5 from 0; the second one has norms, and a ratio of 0.5. */
                ck_assert_double_eq_tol(moved[i], zero_grad ? 1 : -0.75, 1e-5);
            }
            cnn_tensor_free(p);
            cnn_tensor_free(grad);
        }
    }
}
END_TEST

START_TEST(muon_takes_matrices)
{
    const double values[12] = { 1, -2, 3, 0.5, -1, 0.25, 2, 1, -0.5, 1.5, -1.5, 1 };
    double as_matrix[12], as_filters[12];
    cnn_tensor *matrix = parameter(CNN_SHAPE(3, 4), values), *filters = parameter(CNN_SHAPE(3, 1, 2, 2), values);
    cnn_tensor *vector = parameter(CNN_SHAPE(12), values);
    cnn_tensor *grads[] = { cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(3, 4), values),
                            cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(3, 1, 2, 2), values) };
    run(cnn_muon_create_for(ctx, &matrix, 1, NULL), matrix, grads[0], as_matrix);
    run(cnn_muon_create_for(ctx, &filters, 1, NULL), filters, grads[1], as_filters);
    ck_assert_mem_eq(as_matrix, as_filters, sizeof as_matrix);
    ck_assert_ptr_null(cnn_muon_create_for(ctx, &vector, 1, NULL));
    failed_with(CNN_ERROR_SHAPE,
                "muon_create_for: a parameter is of shape [12], Muon takes those of 2 dimensions or more");
    cnn_tensor_free(matrix);
    cnn_tensor_free(filters);
    cnn_tensor_free(vector);
    cnn_tensor_free(grads[0]);
    cnn_tensor_free(grads[1]);
}
END_TEST

/* With a rate of 1 the parameter moves by the orthogonal update: its rows have a length near 1 and are nearly at right angles. */
START_TEST(muons_update_is_nearly_orthogonal)
{
    enum { ROWS = 5, COLUMNS = 40 };
    double grad[ROWS * COLUMNS], moved[ROWS * COLUMNS];
    const double zeros[ROWS * COLUMNS] = { 0 };
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        grad[i] = sin(i * i) * (i < COLUMNS ? 100 : 1);
    }
    for (int tall = 0; tall < 2; tall++) {
        const int64_t shape[] = { tall ? COLUMNS : ROWS, tall ? ROWS : COLUMNS };
        cnn_tensor *p = parameter(2, shape, zeros), *g = cnn_tensor_from_data(ctx, CNN_F64, 2, shape, grad);
        cnn_optimizer *o =
            cnn_muon_create_for(ctx, &p, 1,
                                CNN_OPTIONS(cnn_muon_options, .lr = 0.5, .weight_decay = CNN_ZERO, .ns_steps = 10,
                                            .ns_a = 1.875, .ns_b = -1.25, .ns_c = 0.375));
        run(o, p, g, moved); /* two equal steps */
        double scale = tall ? sqrt(8) : 1;
        for (int a = 0; a < ROWS; a++) {
            for (int b = 0; b < ROWS; b++) {
                double sum = 0;
                for (int i = 0; i < COLUMNS; i++) {
                    sum += tall ? moved[i * ROWS + a] * moved[i * ROWS + b]
                                : moved[a * COLUMNS + i] * moved[b * COLUMNS + i];
                }
                ck_assert_double_eq_tol(sum / (scale * scale), a == b, 0.05);
            }
        }
        cnn_tensor_free(p);
        cnn_tensor_free(g);
    }
}
END_TEST

START_TEST(muons_options_agree)
{
    ck_assert_ptr_null(cnn_muon_create_for(ctx, NULL, 0, CNN_OPTIONS(cnn_muon_options, .ns_steps = 2.5)));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "muon_create_for: ns_steps is 2.5, expected a whole number from 0 to 99");
    ck_assert_ptr_null(cnn_muon_create_for(ctx, NULL, 0, CNN_OPTIONS(cnn_muon_options, .ns_steps = 100)));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "muon_create_for: ns_steps is 100, expected a whole number from 0 to 99");
    ck_assert_ptr_null(cnn_muon_create_for(
        ctx, NULL, 0, CNN_OPTIONS(cnn_muon_options, .match_rms_adamw = true, .spectral_unclamped = true)));
    failed_with(CNN_ERROR_INVALID_ARGUMENT,
                "muon_create_for: match_rms_adamw is 1 and spectral_unclamped is 1, expected one of them");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layerwise");
    TCase *tests = suite_case(suite, "layerwise", setup, teardown);
    tcase_add_test(tests, norms_of_zero_leave_the_rate);
    tcase_add_test(tests, muon_takes_matrices);
    tcase_add_test(tests, muons_update_is_nearly_orthogonal);
    tcase_add_test(tests, muons_options_agree);
    return suite_run(suite);
}
