/* The effect of NaN, infinities and numbers near the limits of f32 on a convolution, its gradients and their fused
 * forms, on every table: exactly those sums that contain such a value are affected. The values are planted one at a
 * time, at the edges and inside, and results are compared with direct sums in f64. CNN_TEST_SHAPES sets the number
 * of positions. */
#include "support/conv_relu_pool_values.h"
#include "support/suite.h"

/* At least one for each way that a table may go. */
static const cnn__conv shapes[] = {
    CONV(2, 17, 9, 10, 18, 3, 3, 1, 1, 1, 1),  /* Winograd's tiles, cut by both edges */
    CONV(1, 16, 12, 12, 33, 3, 3, 1, 1, 1, 1),
    CONV(2, 32, 8, 9, 34, 3, 3, 1, 1, 0, 2),   /* groups */
    CONV(1, 16, 8, 11, 16, 3, 3, 1, 1, 2, 1),  /* more padding than "same" */
    CONV(1, 16, 9, 8, 17, 5, 5, 1, 1, 2, 1),
    CONV(2, 16, 6, 7, 16, 5, 5, 1, 1, 4, 1),   /* tiles of padding alone */
    CONV(2, 5, 7, 9, 6, 3, 3, 1, 1, 1, 1),     /* slabs */
    CONV(1, 20, 5, 5, 18, 3, 3, 1, 1, 1, 1),   /* few positions */
    CONV(2, 9, 11, 12, 17, 3, 3, 2, 1, 1, 1),  /* strided */
    CONV(1, 7, 13, 13, 8, 3, 3, 2, 2, 2, 1),
    CONV(2, 12, 10, 10, 9, 3, 3, 1, 2, 2, 3),  /* dilated */
    CONV(1, 100, 7, 9, 30, 3, 3, 2, 1, 1, 1),  /* the gradient of the data by a scatter */
    CONV(3, 3, 12, 14, 9, 3, 3, 1, 1, 1, 1),   /* few input channels */
    CONV(2, 1, 14, 14, 17, 5, 5, 1, 1, 2, 1),
    CONV(1, 3, 20, 20, 8, 7, 7, 2, 1, 3, 1),
    CONV(2, 2, 13, 17, 1, 5, 6, 1, 2, 4, 1),
    CONV(2, 20, 6, 6, 17, 1, 1, 1, 1, 0, 1),   /* one tap */
    CONV(3, 33, 7, 7, 21, 1, 1, 1, 1, 0, 1),
    CONV(2, 33, 14, 15, 20, 1, 1, 3, 1, 0, 1),
    CONV(2, 20, 5, 5, 18, 1, 1, 1, 1, 3, 1),
    CONV(2, 12, 7, 7, 12, 3, 3, 1, 1, 1, 12),  /* depthwise */
    CONV(1, 18, 6, 21, 18, 3, 3, 1, 1, 1, 18),
    CONV(2, 9, 5, 40, 9, 3, 3, 1, 1, 1, 9),
    CONV(2, 12, 9, 9, 12, 3, 3, 2, 1, 1, 12),
    CONV(1, 5, 8, 37, 5, 3, 3, 2, 1, 1, 5),
    CONV(2, 18, 9, 9, 18, 5, 5, 2, 2, 3, 18),
    CONV(2, 17, 8, 8, 17, 5, 5, 1, 1, 2, 17),
    CONV(2, 6, 8, 8, 12, 3, 3, 1, 1, 1, 6),    /* two outputs a channel */
    CONV(2, 3, 1, 30, 3, 1, 7, 1, 1, 3, 1),    /* one line */
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* The first element, the last, or any. */
static int64_t place_of(uint64_t *place, int round, int64_t count)
{
    return round == 0 ? 0 : round == 1 ? count - 1 : draw(place, 0, count - 1);
}

START_TEST(an_odd_value_reaches_the_sums_that_hold_it_and_no_others)
{
    cnn__conv g = conv_sized(shapes[_i]);
    conv_operands o = operands_make(&g);
    uint64_t place = (uint64_t)_i * 1000;
    for (int round = 0; round < shapes_wanted(4); round++) {
        for (int operand = 0; operand < 3; operand++) {
            int64_t at = place_of(&place, round, o.count[operand]);
            float value = odd[round < 2 ? draw(&place, 0, ODD - 1) : round % ODD], kept = o.of[operand][at];
            o.of[operand][at] = value;
            for (int to = 0; to < 3; to++) {
                char what[128];
                snprintf(what, sizeof what, "shape %d, %g in place %lld of operand %d, %s", _i, (double)value, (long long)at,
                         operand, passes[to]);
                if (to != operand) {
                    compare_pass(&o, to, what);
                }
            }
            o.of[operand][at] = kept;
        }
    }
    operands_free(&o);
}
END_TEST

/* Makes an operand so large that the sums of a pass just stay in f32's range, in whatever order they are made. */
static void enlarge(conv_operands *o, int operand, int to)
{
    double *sums = block((size_t)o->count[to] * sizeof *sums), *sizes = block((size_t)o->count[to] * sizeof *sizes);
    direct_sums(o, to, sums, sizes);
    float factor = (float)(3e38 / largest(sizes, o->count[to]));
    for (int64_t k = 0; k < o->count[operand]; k++) {
        o->of[operand][k] *= factor;
    }
    free(sums);
    free(sizes);
}

/* Transforms would leave the range. */
START_TEST(finite_sums_come_out_finite)
{
    cnn__conv g = conv_sized(shapes[_i]);
    for (int operand = 0; operand < 3; operand++) {
        for (int to = 0; to < 3; to++) {
            if (to != operand) {
                conv_operands o = operands_make(&g);
                enlarge(&o, operand, to);
                compare_pass(&o, to, "sums near the end of the range");
                operands_free(&o);
            }
        }
    }
}
END_TEST

/* A convolution that has diverged. */
START_TEST(nan_everywhere_stays_everywhere)
{
    cnn__conv g = conv_sized(shapes[_i]);
    for (int operand = 0; operand < 3; operand++) {
        conv_operands o = operands_make(&g);
        for (int64_t k = 0; k < o.count[operand]; k++) {
            o.of[operand][k] = NAN;
        }
        for (int to = 0; to < 3; to++) {
            if (to != operand) {
                compare_pass(&o, to, "NaN everywhere");
            }
        }
        operands_free(&o);
    }
}
END_TEST

/* ReLU must not hide that a sum is to be made again. */
START_TEST(relu_hides_nothing)
{
    cnn__conv g = conv_sized(shapes[_i]);
    g.relu = true;
    conv_operands o = operands_make(&g);
    uint64_t place = (uint64_t)_i;
    double *expected = block((size_t)o.count[Y] * sizeof *expected);
    for (int round = 0; round < shapes_wanted(4) + ODD; round++) {
        int operand = round % 2;
        int64_t at = place_of(&place, round / 2, o.count[operand]);
        float kept = o.of[operand][at];
        o.of[operand][at] = odd[round / 2 % ODD];
        direct_sums(&o, Y, expected, NULL);
        for (int64_t k = 0; k < o.count[Y]; k++) {
            expected[k] = expected[k] < 0 ? 0 : expected[k];
        }
        FOR_TABLES(k)
        {
            float *y = run_pass(k->f32, &o, Y, contexts[0]->pool);
            same_values("ReLU behind the convolution", k->name, y, expected, o.count[Y],
                        1e-5 * magnitude(&o, expected, o.count[Y]));
            free(y);
        }
        o.of[operand][at] = kept;
    }
    free(expected);
    operands_free(&o);
}
END_TEST

/* ---- convolution, ReLU and pooling in one ---- */

static const cnn__conv fused_shapes[] = {
    CONV(2, 1, 10, 12, 18, 5, 5, 1, 1, 2, 1),  CONV(9, 3, 7, 9, 5, 3, 3, 1, 1, 1, 1),
    CONV(2, 16, 9, 8, 17, 5, 5, 1, 1, 2, 1),   CONV(1, 17, 6, 10, 33, 5, 5, 1, 1, 2, 1),
    CONV(2, 16, 7, 7, 16, 5, 5, 1, 1, 4, 1),   CONV(3, 9, 8, 11, 12, 3, 3, 1, 1, 0, 1),
    CONV(1, 12, 5, 35, 20, 4, 2, 1, 1, 1, 1),
};
enum { FUSED = sizeof fused_shapes / sizeof *fused_shapes };

START_TEST(the_fused_kernels_keep_odd_values_where_the_chain_does)
{
    cnn__conv g = conv_sized(fused_shapes[_i]);
    int64_t pooled = pooled_count(&g);
    conv_operands o = operands_make(&g);
    uint64_t place = (uint64_t)_i * 1000;
    const int64_t counts[3] = { o.count[X], o.count[WEIGHT], pooled };
    for (int round = 0; round < 2 * shapes_wanted(4); round++) {
        for (int operand = 0; operand < 3; operand++) {
            char what[128];
            int64_t at = place_of(&place, round, counts[operand]);
            float value = odd[round % ODD], kept = o.of[operand][at];
            o.of[operand][at] = value;
            snprintf(what, sizeof what, "shape %d, %g in place %lld of operand %d", _i, (double)value, (long long)at, operand);
            compare_fused(&o, pooled, what);
            o.of[operand][at] = kept;
        }
    }
    for (int operand = 0; operand < 3; operand++) {
        for (int64_t k = 0; k < counts[operand]; k++) {
            o.of[operand][k] = NAN;
        }
        compare_fused(&o, pooled, "NaN everywhere");
    }
    operands_free(&o);
}
END_TEST

START_TEST(fused_windows_whose_sums_are_finite_come_out_finite)
{
    cnn__conv g = conv_sized(fused_shapes[_i]);
    int64_t pooled = pooled_count(&g);
    for (int operand = 0; operand < 2; operand++) {
        conv_operands o = operands_make(&g);
        enlarge(&o, operand, Y);
        for (int64_t k = 0; k < o.count[Y]; k++) { /* the gradients stay in range, too */
            o.of[Y][k] *= 1e-6f;
        }
        compare_fused(&o, pooled, "sums near the end of the range");
        operands_free(&o);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conv_values");
    TCase *tests = suite_case(suite, "conv_values", pools_make, pools_free);
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, an_odd_value_reaches_the_sums_that_hold_it_and_no_others, 0, SHAPES);
    tcase_add_loop_test(tests, finite_sums_come_out_finite, 0, SHAPES);
    tcase_add_loop_test(tests, nan_everywhere_stays_everywhere, 0, SHAPES);
    tcase_add_loop_test(tests, relu_hides_nothing, 0, SHAPES);
    tcase_add_loop_test(tests, the_fused_kernels_keep_odd_values_where_the_chain_does, 0, FUSED);
    tcase_add_loop_test(tests, fused_windows_whose_sums_are_finite_come_out_finite, 0, FUSED);
    return suite_run(suite);
}
