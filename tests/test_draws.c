/* Random draws: their moments, that they depend on the seed alone, and that each instruction set gives the same bits. */
#include "base/random.h"
#include "kernels/array/draw.h"
#include "kernels/kernels.h"
#include "support/elements.h"
#include "support/tensor.h"

/* ---- random draws ---- */

enum { DRAWS = 100000 };

START_TEST(draws_have_the_moments_they_should)
{
    cnn_dtype dtype = dtypes[_i];
    const struct {
        cnn_tensor *t;
        double mean, variance, fourth; /* E (x − mean)⁴ */
    } cases[] = { { cnn_tensor_rand(ctx, dtype, CNN_SHAPE(DRAWS)), 0.5, 1.0 / 12, 1.0 / 80 },
                  { cnn_tensor_randn(ctx, dtype, CNN_SHAPE(DRAWS)), 0, 1, 3 } };
    for (int c = 0; c < 2; c++) {
        double *x = as_doubles(cases[c].t), m1 = 0, m2 = 0, m4 = 0, lag = 0;
        for (int i = 0; i < DRAWS; i++) {
            double off = x[i] - cases[c].mean;
            m1 += off;
            m2 += off * off;
            m4 += off * off * off * off;
            lag += i ? off * (x[i - 1] - cases[c].mean) : 0;
            ck_assert(c ? fabs(x[i]) < 7 : x[i] >= 0 && x[i] < 1);
        }
        free(x);
        double v = cases[c].variance; /* five standard errors each */
        ck_assert_double_lt(fabs(m1 / DRAWS), 5 * sqrt(v / DRAWS));
        ck_assert_double_lt(fabs(m2 / DRAWS - v), 5 * sqrt((cases[c].fourth - v * v) / DRAWS));
        ck_assert_double_lt(fabs(m4 / DRAWS / cases[c].fourth - 1), 0.05);
        ck_assert_double_lt(fabs(lag / DRAWS), 5 * v / sqrt(DRAWS));
        cnn_tensor_free(cases[c].t);
    }
}
END_TEST

/* A mean of numbers with that deviation each is within five standard errors. */
static void mean_is(const char *what, double sum, double expected, double deviation, int n)
{
    double off = fabs(sum / n - expected) / (deviation / sqrt(n));
    ck_assert_msg(off < 5, "%s: the mean of %d is %.1f standard errors off", what, n, off);
}

/* Both of a pair are made of the same two uniform numbers: neither they nor their squares are correlated, however the second
 * pairs up with a neighbour, and each alone has the shares beyond 1 to 4 deviations that it should. */
START_TEST(both_of_a_pair_are_normal_and_independent)
{
    const double beyond[] = { 0.31731050786291415, 0.04550026389635842, 0.0026997960632601866, 6.334248366623973e-05 };
    cnn_tensor *t = cnn_tensor_randn(ctx, dtypes[_i], CNN_SHAPE(DRAWS + 1)); /* the last one without its second */
    double *x = as_doubles(t);
    for (int second = 1; second <= 3; second += 2) {
        double products = 0, squares = 0, skewed = 0;
        for (int i = 0; i + second < DRAWS; i += 2) {
            double a = x[i], b = x[i + second];
            products += a * b;
            squares += (a * a - 1) * (b * b - 1);
            skewed += a * a * b;
        }
        const int n = (DRAWS - second + 1) / 2;
        mean_is("products", products, 0, 1, n);
        mean_is("products of squares", squares, 0, 2, n);
        mean_is("squares by neighbours", skewed, 0, sqrt(3), n);
    }
    for (int part = 0; part < 2; part++) {
        for (int k = 0; k < 4; k++) {
            int count = 0;
            for (int i = part; i < DRAWS; i += 2) {
                count += fabs(x[i]) > k + 1;
            }
            mean_is("a tail", count, beyond[k], sqrt(beyond[k] * (1 - beyond[k])), DRAWS / 2);
        }
    }
    free(x);
    cnn_tensor_free(t);
}
END_TEST

/* One by one they are Box and Muller's; and each instruction set gives these, as f32 and f64, for any number of elements. */
START_TEST(normal_numbers_are_those_of_their_places)
{
    enum { MOST = 2 * 4096 + 129 };
    static const int counts[] = { 1, 2, 3, 63, 64, 65, 127, 128, 129, 4095, 4096, 4097, MOST };
    static double expected[MOST], doubles[MOST + 1];
    static float singles[MOST + 1];
    const cnn__kernels *tables[8];
    const int table_count = cnn__kernels_list(tables, 8);
    const cnn_draw_parameters draw = { .key = { 42, UINT64_C(7) << 40 | 3 }, .distribution = CNN_DRAW_NORMAL };
    for (int i = 0; i < MOST; i++) {
        expected[i] = cnn__random_normal(draw.key, (uint64_t)i);
        double u = cnn__random_f64(draw.key, (uint64_t)(i & ~1)), turn = 8 * atan(1) * cnn__random_f64(draw.key, (uint64_t)(i | 1));
        double given = sqrt(-2 * log1p(-u)) * (i % 2 ? sin(turn) : cos(turn));
        ck_assert_msg(fabs(expected[i] - given) < 1e-14, "number %d is %.17g, expected %.17g", i, expected[i], given);
    }
    for (int t = 0; t < table_count; t++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            const int n = counts[c];
            doubles[n] = 7, singles[n] = 7;
            cnn__array_draw(tables[t]->array->maps, &draw, CNN_F64, n, doubles, NULL);
            cnn__array_draw(tables[t]->array->maps, &draw, CNN_F32, n, singles, NULL);
            bool same = memcmp(doubles, expected, (size_t)n * sizeof *doubles) == 0 && doubles[n] == 7 && singles[n] == 7;
            for (int i = 0; i < n; i++) {
                same = same && singles[i] == (float)expected[i];
            }
            ck_assert_msg(same, "%d normal numbers of %s", n, tables[t]->name);
        }
    }
}
END_TEST

static double *draw_three(uint64_t seed, int threads, bool normal)
{
    cnn_context *own = cnn_context_new(.seed = seed, .threads = threads);
    double *x = malloc(3 * DRAWS * sizeof *x);
    for (int k = 0; k < 3; k++) {
        cnn_tensor *t = normal ? cnn_tensor_randn(own, CNN_F64, CNN_SHAPE(DRAWS)) : cnn_tensor_rand(own, CNN_F64, CNN_SHAPE(DRAWS));
        ck_assert_int_eq(cnn_tensor_read(t, x + (size_t)k * DRAWS, DRAWS * sizeof *x), CNN_OK);
        cnn_tensor_free(t);
    }
    cnn_context_free(own);
    return x;
}

START_TEST(draws_depend_on_the_seed_alone)
{
    bool normal = _i;
    double *first = draw_three(5, 1, normal), *again = draw_three(5, 3, normal), *other = draw_three(6, 1, normal);
    ck_assert_int_eq(memcmp(first, again, 3 * DRAWS * sizeof *first), 0);
    ck_assert_int_ne(memcmp(first, other, DRAWS * sizeof *first), 0);
    ck_assert_int_ne(memcmp(first, first + DRAWS, DRAWS * sizeof *first), 0); /* each tensor takes another stream */
    free(first);
    free(again);
    free(other);
}
END_TEST

START_TEST(draws_go_on_from_a_random_state)
{
    cnn_random_state state;
    cnn_tensor_free(cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(3)));
    ck_assert_int_eq(cnn_context_random_state(ctx, &state), CNN_OK);
    ck_assert_uint_eq(state.seed, 3);
    cnn_tensor *a = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(3));
    ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
    cnn_tensor *b = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(3)), *c = cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(3));
    ck_assert_int_eq(memcmp(host_elements(a), host_elements(b), 12), 0);
    ck_assert_int_ne(memcmp(host_elements(a), host_elements(c), 12), 0);
    cnn_tensor_free(a);
    cnn_tensor_free(b);
    cnn_tensor_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("draws");
    TCase *random = suite_case(suite, "random draws", setup, teardown);
    tcase_add_loop_test(random, draws_have_the_moments_they_should, 0, 2);
    tcase_add_loop_test(random, both_of_a_pair_are_normal_and_independent, 0, 2);
    tcase_add_test(random, normal_numbers_are_those_of_their_places);
    tcase_add_loop_test(random, draws_depend_on_the_seed_alone, 0, 2);
    tcase_add_test(random, draws_go_on_from_a_random_state);
    return suite_run(suite);
}
