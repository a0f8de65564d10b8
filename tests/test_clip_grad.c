/* Clipping of gradients: norms and results are PyTorch's (tools/fixtures/clip_grad.py), the number of threads changes nothing,
 * and nothing is allocated. */
#include "support/elements.h"
#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

enum { TENSORS = 3 };

static cnn_context *ctx;
static cnn_tensor *parameters[TENSORS];

static void setup(void)
{
    ctx = metered_context(1);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    meter_reset();
    for (int i = 0; i < TENSORS; i++) {
        cnn_tensor_free(parameters[i]);
        parameters[i] = NULL;
    }
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static void set_grad(cnn_context *c, cnn_tensor *parameter, cnn_tensor *grad)
{
    cnn_tape *tape = cnn_tape_new(c);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor_zero_grad(parameter);
    cnn_tensor *seed = cnn_cast(cnn_input(tape, grad), cnn_tensor_dtype(parameter));
    ck_assert_int_eq(cnn_backward_with(cnn_input(tape, parameter), seed, false), CNN_OK);
    cnn_tape_free(tape);
}

static cnn_tensor *trained(cnn_context *c, cnn_dtype dtype, cnn_tensor *grad)
{
    cnn_tensor *p = cnn_tensor_zeros(c, dtype, cnn_tensor_ndim(grad), cnn_tensor_shape(grad));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(p, true), CNN_OK);
    set_grad(c, p, grad);
    return p;
}

/* The parameters with the gradients of the fixtures. */
static void begin(cnn_dtype dtype)
{
    for (int i = 0; i < TENSORS; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", i);
        cnn_tensor *grad = fixture(ctx, "clip_grad.safetensors", "grad", number);
        ck_assert_ptr_nonnull(grad);
        cnn_tensor_free(parameters[i]);
        parameters[i] = trained(ctx, dtype, grad);
        cnn_tensor_free(grad);
    }
}

static double number_of(const char *name, const char *part)
{
    cnn_tensor *t = fixture(ctx, "clip_grad.safetensors", name, part);
    double value = t ? cnn_tensor_item(t) : (double)NAN;
    cnn_tensor_free(t);
    return value;
}

static void agree(const char *name, double tolerance)
{
    for (int i = 0; i < TENSORS; i++) {
        char part[8];
        snprintf(part, sizeof part, "%d", i);
        cnn_tensor *expected = fixture(ctx, "clip_grad.safetensors", name, part);
        tensors_agree(name, part, cnn_tensor_grad(parameters[i]), expected, tolerance);
        cnn_tensor_free(expected);
    }
}

START_TEST(norms_are_pytorchs)
{
    static const struct {
        cnn_dtype dtype;
        double tolerance;
    } kinds[] = { { CNN_F64, 1e-14 }, { CNN_F32, 1e-6 }, { CNN_BF16, 1e-2 } };
    int cases = 0;
    for (; cases < 12; cases++) {
        char name[8];
        snprintf(name, sizeof name, "%d", cases);
        double p = number_of(name, "type"), limit = number_of(name, "limit"), norm = number_of(name, "norm");
        ck_assert(p > 0 && limit >= 0);
        for (int k = 0; k < 3; k++) {
            double found = -1;
            begin(kinds[k].dtype);
            ck_assert_int_eq(cnn_clip_grad_norm_for(parameters, TENSORS, limit,
                                                    CNN_OPTIONS(cnn_clip_grad_norm_options, .norm_type = p), &found),
                             CNN_OK);
            ck_assert_msg(fabs(found - norm) <= kinds[k].tolerance * norm, "norm %d: %.17g, expected %.17g", cases, found, norm);
            agree(name, kinds[k].tolerance);
        }
    }
}
END_TEST

START_TEST(values_are_pytorchs)
{
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "value/%d", i);
        begin(CNN_F64);
        ck_assert_int_eq(cnn_clip_grad_value_for(parameters, TENSORS, number_of(name, "limit")), CNN_OK);
        agree(name, 0);
    }
}
END_TEST

/* ---- modules, and which gradients take part ---- */

START_TEST(a_modules_gradients_are_one_vector)
{
    cnn_module *m = cnn_linear_new(ctx, 3, 2);
    double found = -1;
    ck_assert_int_eq(cnn_clip_grad_norm(m, 1, NULL, &found), CNN_OK); /* no gradient yet */
    ck_assert(found == 0);
    cnn_tensor *weight = cnn_module_find(m, "weight"), *bias = cnn_module_find(m, "bias");
    cnn_tensor *w = cnn_tensor_full(ctx, CNN_F32, 4, CNN_SHAPE(2, 3)), *b = cnn_tensor_full(ctx, CNN_F32, -1, CNN_SHAPE(2));
    set_grad(ctx, weight, w);
    set_grad(ctx, bias, b);
    ck_assert_int_eq(cnn_clip_grad_norm(m, INFINITY, NULL, &found), CNN_OK);
    ck_assert(fabs(found - sqrt(98)) < 1e-12);
    ck_assert(((const float *)host_elements(cnn_tensor_grad(weight)))[5] == 4);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(bias, false), CNN_OK); /* its gradient is still there */
    ck_assert_int_eq(cnn_clip_grad_norm(m, sqrt(98) / 2, NULL, NULL), CNN_OK);
    ck_assert(fabs(((const float *)host_elements(cnn_tensor_grad(weight)))[0] - 2) < 1e-6);
    ck_assert(fabs(((const float *)host_elements(cnn_tensor_grad(bias)))[0] + 0.5) < 1e-6);
    ck_assert_int_eq(cnn_clip_grad_value(m, 0.75), CNN_OK);
    ck_assert(((const float *)host_elements(cnn_tensor_grad(weight)))[0] == 0.75f);
    ck_assert_int_eq(cnn_module_zero_grad(m), CNN_OK);
    ck_assert_int_eq(cnn_clip_grad_norm(m, 1, NULL, &found), CNN_OK); /* gradients that count as zero */
    ck_assert(found == 0);
    cnn_tensor_free(w);
    cnn_tensor_free(b);
    cnn_module_free(m);
}
END_TEST

START_TEST(what_is_not_finite)
{
    static const double bad[] = { NAN, INFINITY, -INFINITY };
    static const double types[] = { 1, 2, 3, INFINITY };
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 4; k++) {
            cnn_tensor *grad = cnn_tensor_full(ctx, CNN_F64, bad[i], CNN_SHAPE(3));
            double found = 7;
            begin(CNN_F64);
            set_grad(ctx, parameters[1], grad);
            ck_assert_int_eq(cnn_clip_grad_norm_for(parameters, TENSORS, 1,
                                                    CNN_OPTIONS(cnn_clip_grad_norm_options, .norm_type = types[k],
                                                                .error_if_nonfinite = true), &found),
                             CNN_ERROR_STATE);
            ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), i ? "the norm of the gradients is inf" : "the norm of the gradients is nan"));
            ck_assert(found == 7 && fabs(((const double *)host_elements(cnn_tensor_grad(parameters[0])))[0]) > 1e-3);
            ck_assert_int_eq(cnn_clip_grad_norm_for(parameters, TENSORS, 1,
                                                    CNN_OPTIONS(cnn_clip_grad_norm_options, .norm_type = types[k]), &found),
                             CNN_OK);
            double first = ((const double *)host_elements(cnn_tensor_grad(parameters[0])))[0];
            ck_assert(i ? isinf(found) && first == 0 : isnan(found) && isnan(first));
            cnn_tensor_free(grad);
        }
    }
}
END_TEST

/* ---- threads and memory ---- */

static double clipped(int threads, double p, int64_t n, float **elements)
{
    cnn_context *c = cnn_context_new(.threads = threads, .seed = 3);
    cnn_tensor *grad = cnn_tensor_randn(c, CNN_F32, CNN_SHAPE(n)), *t = trained(c, CNN_F32, grad);
    double found = -1;
    ck_assert_int_eq(cnn_clip_grad_norm_for(&t, 1, 0.5, CNN_OPTIONS(cnn_clip_grad_norm_options, .norm_type = p), &found), CNN_OK);
    *elements = malloc((size_t)n * sizeof(float));
    ck_assert_int_eq(cnn_tensor_read(cnn_tensor_grad(t), *elements, (size_t)n * sizeof(float)), CNN_OK);
    cnn_tensor_free(grad);
    cnn_tensor_free(t);
    cnn_context_free(c);
    return found;
}

START_TEST(threads_change_nothing)
{
    static const int64_t lengths[] = { 1, 7, 8, 16383, 16384, 16385, 100003, 5000001 };
    static const double types[] = { 1, 2, INFINITY };
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k < 3; k++) {
            float *one, *three;
            double a = clipped(1, types[k], lengths[i], &one), b = clipped(3, types[k], lengths[i], &three);
            ck_assert(a == b && a > 0);
            ck_assert_mem_eq(one, three, (size_t)lengths[i] * sizeof *one);
            double squares = 0;
            for (int64_t e = 0; e < lengths[i]; e++) {
                squares += isinf(types[k]) ? 0 : types[k] == 1 ? fabs(one[e]) : (double)one[e] * one[e];
            }
            double after = isinf(types[k]) ? 0.5 : types[k] == 1 ? squares : sqrt(squares);
            ck_assert_msg(fabs(after - (a < 0.5 ? a : 0.5)) < 2e-5, "%.17g after clipping %.17g", after, a);
            free(one), free(three);
        }
    }
}
END_TEST

START_TEST(clipping_allocates_nothing)
{
    double norm;
    begin(CNN_F32);
    long before = atomic_load(&meter.calls);
    ck_assert_int_eq(cnn_clip_grad_norm_for(parameters, TENSORS, 0.5, NULL, &norm), CNN_OK);
    ck_assert_int_eq(cnn_clip_grad_value_for(parameters, TENSORS, 0.5), CNN_OK);
    ck_assert(atomic_load(&meter.calls) == before || strcmp(cnn_context_device(ctx), "cpu") != 0);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(bad_calls_are_refused)
{
    double found = 7;
    begin(CNN_F64);
    assert_error(cnn_clip_grad_norm(NULL, 1, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "clip_grad_norm: module is NULL");
    assert_error(cnn_clip_grad_norm_for(NULL, 2, 1, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "clip_grad_norm_for: parameters is NULL");
    assert_error(cnn_clip_grad_norm_for(parameters, -1, 1, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "count is -1, expected at least 0");
    assert_error(cnn_clip_grad_norm_for(parameters, 1, -1, NULL, &found), CNN_ERROR_INVALID_ARGUMENT, "max_norm is -1, expected at least 0");
    assert_error(cnn_clip_grad_norm_for(parameters, 1, NAN, NULL, &found), CNN_ERROR_INVALID_ARGUMENT, "max_norm is nan");
    assert_error(cnn_clip_grad_norm_for(parameters, 1, 1, CNN_OPTIONS(cnn_clip_grad_norm_options, .norm_type = -2), &found),
                 CNN_ERROR_INVALID_ARGUMENT, "norm_type is -2, expected a number above 0");
    assert_error(cnn_clip_grad_norm_for(parameters, 1, 1, CNN_OPTIONS(cnn_clip_grad_norm_options, .norm_type = CNN_ZERO), &found),
                 CNN_ERROR_INVALID_ARGUMENT, "norm_type is 0");
    assert_error(cnn_clip_grad_value_for(parameters, 1, -0.5), CNN_ERROR_INVALID_ARGUMENT, "clip_value is -0.5, expected at least 0");
    assert_error(cnn_clip_grad_value(NULL, 1), CNN_ERROR_INVALID_ARGUMENT, "clip_grad_value: module is NULL");
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *mixed[] = { parameters[0], cnn_input(tape, parameters[1]) }, *missing[] = { parameters[0], NULL };
    assert_error(cnn_clip_grad_norm_for(mixed, 2, 1, NULL, &found), CNN_ERROR_STATE, "parameters[1] belongs to a tape");
    assert_error(cnn_clip_grad_value_for(missing, 2, 1), CNN_ERROR_INVALID_ARGUMENT, "clip_grad_value_for: ");
    cnn_tape_free(tape);
    cnn_context *other = cnn_context_new(.threads = 1);
    mixed[1] = cnn_tensor_zeros(other, CNN_F32, CNN_SHAPE(1));
    assert_error(cnn_clip_grad_value_for(mixed, 2, 1), CNN_ERROR_STATE, "parameters[1] is of another context");
    cnn_tensor_free(mixed[1]);
    cnn_context_free(other);
    ck_assert(found == 7);
    ck_assert_int_eq(cnn_clip_grad_norm_for(NULL, 0, 1, NULL, &found), CNN_OK);
    ck_assert(found == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clip_grad");
    TCase *clips = suite_case(suite, "clips", setup, teardown);
    tcase_add_test(clips, norms_are_pytorchs);
    tcase_add_test(clips, values_are_pytorchs);
    tcase_add_test(clips, a_modules_gradients_are_one_vector);
    tcase_add_test(clips, what_is_not_finite);
    tcase_add_test(clips, threads_change_nothing);
    tcase_add_test(clips, clipping_allocates_nothing);
    tcase_add_test(clips, bad_calls_are_refused);
    return suite_run(suite);
}
