/* Random draws: their moments, and that they depend on the seed alone. */
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
    tcase_add_loop_test(random, draws_depend_on_the_seed_alone, 0, 2);
    tcase_add_test(random, draws_go_on_from_a_random_state);
    return suite_run(suite);
}
