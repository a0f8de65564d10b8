/* The accuracy of convolutions: with CNN_MATH_STRICT every result has the error bound of a plain sum, relative to
 * the sum's own terms; with CNN_MATH_FAST the error is relative to the largest element of a tile. Also checks that
 * the option reaches the kernels. */
#include "support/conv_values.h"
#include "support/elements.h"
#include "support/suite.h"

#include <float.h>

/* Those that Winograd's minimal filtering takes in fast mode. */
static const cnn__conv shapes[] = {
    CONV(2, 17, 12, 12, 18, 3, 3, 1, 1, 1, 1),
    CONV(1, 64, 14, 14, 32, 3, 3, 1, 1, 1, 1),
    CONV(1, 16, 12, 12, 16, 5, 5, 1, 1, 2, 1),
    CONV(2, 32, 14, 14, 48, 5, 5, 1, 1, 2, 1),
    CONV(2, 32, 13, 9, 34, 3, 3, 1, 1, 0, 2),
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Whether a table has an algorithm for these shapes that is not a plain sum: where products and sums round once (lanes.h). */
static bool transforms(const char *table)
{
    return strcmp(table, "avx2") == 0 || strcmp(table, "avx512") == 0 || strcmp(table, "neon") == 0;
}

/* The largest error in units of 2√n·ε·Σ|products|, where ε is half a unit in the last place and n the number of terms: roundings of
 * random signs stay below it. The bound for any signs, n·ε·Σ|products|, is larger. */
static double worst_error(const float *given, const double *sums, const double *sizes, int64_t count, double terms)
{
    double worst = 0;
    for (int64_t k = 0; k < count; k++) {
        double bound = sqrt(terms) * (double)FLT_EPSILON * sizes[k] + (double)FLT_MIN;
        double error = fabs((double)given[k] - sums[k]) / bound;
        worst = error > worst || isnan(error) ? error : worst;
    }
    return worst;
}

/* One element of 1e8 in the middle of the first plane of what the pass reads: a tile's transform carries it into all of the tile. */
static void plant(conv_operands *o, int to)
{
    const cnn__conv *g = &o->g;
    int operand = to == X ? Y : X;
    int64_t at = to == X ? g->out_h / 2 * g->out_w + g->out_w / 2 : g->in_h / 2 * g->in_w + g->in_w / 2;
    o->of[operand][at] = 1e8f;
}

static double pass_error(const cnn__real_kernels *table, const conv_operands *o, int to)
{
    const cnn__conv *g = &o->g;
    double *sums = block((size_t)o->count[to] * sizeof *sums), *sizes = block((size_t)o->count[to] * sizeof *sizes);
    double taps = (double)(g->kernel_h * g->kernel_w), positions = (double)(g->batch * g->out_h * g->out_w);
    double terms = to == WEIGHT ? positions : taps * (double)((to == Y ? g->in_channels : g->out_channels) / g->groups);
    direct_sums(o, to, sums, sizes);
    float *given = run_pass(table, o, to, contexts[0]->pool);
    double worst = worst_error(given, sums, sizes, o->count[to], terms);
    free(given);
    free(sums);
    free(sizes);
    return worst;
}

START_TEST(strict_sums_have_a_plain_sums_error)
{
    cnn__conv g = conv_sized(shapes[_i]);
    g.strict = true;
    for (int to = 0; to < 3; to++) {
        for (int planted = 0; planted < 2; planted++) {
            conv_operands o = operands_make(&g);
            if (planted) {
                plant(&o, to);
            }
            FOR_TABLES(k)
            {
                double worst = pass_error(k->f32, &o, to);
                ck_assert_msg(worst <= 1, "%s %s, shape %d%s: %g times the bound", k->name, passes[to], _i,
                              planted ? ", one element of 1e8" : "", worst);
            }
            operands_free(&o);
        }
    }
}
END_TEST

/* Without this the test above shows nothing: in fast mode the element of 1e8 is seen where it is in no sum. */
START_TEST(fast_sums_are_not_plain)
{
    cnn__conv g = conv_sized(shapes[_i]);
    conv_operands o = operands_make(&g);
    plant(&o, Y);
    FOR_TABLES(k)
    {
        double worst = pass_error(k->f32, &o, Y);
        ck_assert_msg((worst > 1) == transforms(k->name), "%s, shape %d: %g times a plain sum's bound", k->name, _i, worst);
    }
    operands_free(&o);
}
END_TEST

/* The largest element of x, times the largest sum of an output channel's weights' sizes. */
static double largest_product(const conv_operands *o)
{
    double element = 0, weights = 0;
    int64_t per_channel = o->count[WEIGHT] / o->g.out_channels;
    for (int64_t k = 0; k < o->count[X]; k++) {
        element = fmax(element, fabs((double)o->of[X][k]));
    }
    for (int64_t channel = 0; channel < o->g.out_channels; channel++) {
        double sum = 0;
        for (int64_t k = 0; k < per_channel; k++) {
            sum += fabs((double)o->of[WEIGHT][channel * per_channel + k]);
        }
        weights = fmax(weights, sum);
    }
    return element * weights;
}

/* What ops.h says of fast mode, here with the largest element of the whole input in place of each tile's. */
START_TEST(fast_sums_are_off_by_a_part_of_the_largest_element)
{
    cnn__conv g = conv_sized(shapes[_i]);
    for (int planted = 0; planted < 2; planted++) {
        conv_operands o = operands_make(&g);
        if (planted) {
            plant(&o, Y);
        }
        double *sums = block((size_t)o.count[Y] * sizeof *sums), bound = 0x1p-22 * largest_product(&o);
        direct_sums(&o, Y, sums, NULL);
        FOR_TABLES(k)
        {
            float *y = run_pass(k->f32, &o, Y, contexts[0]->pool);
            same_values(planted ? "fast sums, one element of 1e8" : "fast sums", k->name, y, sums, o.count[Y], bound);
            free(y);
        }
        free(sums);
        operands_free(&o);
    }
}
END_TEST

/* Pooled, too. */
START_TEST(strict_windows_have_a_plain_sums_error)
{
    cnn__conv g = conv_sized((cnn__conv)CONV(1, 16, 12, 12, 16, 5, 5, 1, 1, 2, 1));
    g.strict = true;
    conv_operands o = operands_make(&g);
    plant(&o, Y);
    int64_t width = g.out_w / 2, windows = g.out_h / 2 * width;
    double *sums = block((size_t)o.count[Y] * sizeof *sums), *sizes = block((size_t)o.count[Y] * sizeof *sizes);
    direct_sums(&o, Y, sums, sizes);
    FOR_TABLES(k)
    {
        float *y = block((size_t)(g.out_channels * windows) * sizeof *y);
        void *memory = workspace_new(k->f32->conv_relu_pool_forward_workspace(&g, 1));
        k->f32->conv_relu_pool_forward(&g, o.of[X], o.of[WEIGHT], NULL, y, NULL, memory, NULL);
        for (int64_t i = 0; i < g.out_channels * windows; i++) {
            int64_t corner = (i / windows * g.out_h + i % windows / width * 2) * g.out_w + i % width * 2;
            double best = 0, bound = 0;
            for (int p = 0; p < 4; p++) {
                int64_t at = corner + p / 2 * g.out_w + p % 2;
                best = sums[at] > best ? sums[at] : best;
                bound = fmax(bound, 20 * (double)FLT_EPSILON * sizes[at]); /* 400 terms */
            }
            ck_assert_msg(fabs((double)y[i] - best) <= bound, "%s: window %lld is %g, expected %g", k->name, (long long)i,
                          (double)y[i], best);
        }
        free(memory);
        free(y);
    }
    free(sums);
    free(sizes);
    operands_free(&o);
}
END_TEST

/* ---- the option ---- */

/* Forward and all gradients of one convolution, or of one with ReLU and pooling, in a context of its own: x, weight, output. */
static void operation(const char *kernels, cnn_math math, bool fused, float *results[3])
{
    cnn_context *ctx = cnn_context_new(.seed = 3, .threads = 1, .kernels = kernels, .math = math);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(1, 16, 12, 12));
    cnn_tensor *w = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(16, 16, 5, 5));
    ck_assert_int_eq(cnn_context_math(ctx), math);
    float *pixels = writable_elements(x);
    pixels[5 * 12 + 5] = 1e8f;
    elements_written(x, pixels);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor_set_requires_grad(w, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_conv2d_options conv = { .struct_size = sizeof conv, .padding = 2 };
    cnn_maxpool2d_options pool = { .struct_size = sizeof pool, .kernel = 2 };
    cnn_tensor *y = fused ? cnn_conv2d_relu_maxpool2d(cnn_input(tape, x), w, NULL, &conv, &pool)
                          : cnn_conv2d(cnn_input(tape, x), w, NULL, &conv);
    ck_assert_int_eq(cnn_tensor_status(y), CNN_OK);
    cnn_tensor_read(y, results[2], (size_t)cnn_tensor_numel(y) * sizeof(float));
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(y, y), 0, NULL, false)), CNN_OK);
    cnn_tensor_read(cnn_tensor_grad(x), results[0], 16 * 144 * sizeof(float));
    cnn_tensor_read(cnn_tensor_grad(w), results[1], 16 * 400 * sizeof(float));
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_tensor_free(w);
    cnn_context_free(ctx);
}

/* Among the outputs whose window does not hold the large element. */
static double far_error(const float *given, const float *right)
{
    double worst = 0;
    for (int i = 0; i < 16 * 144; i++) {
        int row = i / 12 % 12, column = i % 12;
        if (abs(row - 5) > 2 || abs(column - 5) > 2) {
            worst = fmax(worst, fabs((double)given[i] - (double)right[i]));
        }
    }
    return worst;
}

START_TEST(the_option_reaches_every_pass)
{
    static float right[3][16 * 400], fast[3][16 * 400], strict[3][16 * 400];
    if (on_device()) {
        printf("skipped: tables of kernels by name, which are the CPU's\n");
        return;
    }
    FOR_TABLES(k)
    {
        for (int fused = 0; fused < 2; fused++) {
            operation("reference", CNN_MATH_FAST, fused, (float *[]){ right[0], right[1], right[2] });
            operation(k->name, CNN_MATH_FAST, fused, (float *[]){ fast[0], fast[1], fast[2] });
            operation(k->name, CNN_MATH_STRICT, fused, (float *[]){ strict[0], strict[1], strict[2] });
            if (!fused) {
                ck_assert_msg(far_error(strict[2], right[2]) < 1e-3, "%s: strict, off by %g", k->name,
                              far_error(strict[2], right[2]));
            }
            bool differ = memcmp(fast[2], strict[2], (size_t)(fused ? 16 * 36 : 16 * 144) * sizeof(float)) != 0;
            ck_assert_msg(differ == (fused || transforms(k->name)), "%s: strict %s nothing in forward%s", k->name,
                          differ ? "should change" : "changes", fused ? ", fused" : "");
            for (int i = 0; i < 2 && !fused && transforms(k->name); i++) {
                ck_assert_msg(memcmp(fast[i], strict[i], sizeof fast[i]) != 0, "%s: strict changes nothing in gradient %d",
                              k->name, i);
            }
        }
    }
}
END_TEST

START_TEST(the_option_is_checked)
{
    ck_assert_ptr_null(cnn_context_new(.math = (cnn_math)3));
    ck_assert_str_eq(cnn_last_error(NULL), "context_create: math is 3, expected CNN_MATH_FAST, CNN_MATH_STRICT or CNN_MATH_TF32");
    ck_assert_int_eq(cnn_context_math(contexts[0]), CNN_MATH_FAST);
    ck_assert_int_eq(cnn_context_math(NULL), CNN_MATH_FAST); /* it leaves the message of the context that is not there */
    ck_assert_str_eq(cnn_last_error(NULL), "context_create: math is 3, expected CNN_MATH_FAST, CNN_MATH_STRICT or CNN_MATH_TF32");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("math_mode");
    TCase *tests = suite_case(suite, "math_mode", pools_make, pools_free);
    tcase_add_loop_test(tests, strict_sums_have_a_plain_sums_error, 0, SHAPES);
    tcase_add_loop_test(tests, fast_sums_are_not_plain, 0, SHAPES);
    tcase_add_loop_test(tests, fast_sums_are_off_by_a_part_of_the_largest_element, 0, SHAPES);
    tcase_add_test(tests, strict_windows_have_a_plain_sums_error);
    tcase_add_test(tests, the_option_reaches_every_pass);
    tcase_add_test(tests, the_option_is_checked);
    return suite_run(suite);
}
