/* Normalisation of every table that this machine runs against the reference, for each form that a layer gives it, around whole
 * vectors and tiles, and with the same bits for 1 and 3 threads. */
#include "support/kernels.h"
#include "support/suite.h"

typedef struct run {
    float *y, *dx, *dweight, *dbias;
    double *statistics;
    int64_t count, weights, sets;
} run;

/* Batch normalisation gives scales; here they are made of the variances with eps. */
static void make_scales(const cnn__normalise *g, double *statistics)
{
    for (int64_t set = 0; set < g->sets && !g->makes_statistics; set++) {
        statistics[g->sets + set] = 1 / sqrt(statistics[g->sets + set] + g->eps);
    }
}

static run run_table(const cnn__real_kernels *table, const cnn__normalise *g, float shift, bool affine, cnn__pool *pool)
{
    run r = { .count = g->batch * g->sets * g->channels * g->inner, .weights = g->groups * g->channels, .sets = g->sets };
    float *x = numbers(r.count, 1), *dy = numbers(r.count, 2), *weight = numbers(r.weights, 3), *bias = numbers(r.weights, 4);
    for (int64_t i = 0; i < r.count; i++) {
        x[i] += shift;
    }
    r.y = block((size_t)r.count * sizeof(float));
    r.dx = block((size_t)r.count * sizeof(float));
    r.dweight = block((size_t)r.weights * sizeof(float));
    r.dbias = block((size_t)r.weights * sizeof(float));
    r.statistics = block((size_t)r.sets * 3 * sizeof(double));
    if (!g->makes_statistics) {
        table->normalise_statistics(g, x, r.statistics, pool);
        make_scales(g, r.statistics);
    }
    table->normalise_forward(g, x, affine ? weight : NULL, affine ? bias : NULL, r.statistics, r.y, pool);
    table->normalise_backward(g, x, affine ? weight : NULL, affine ? bias : NULL, r.statistics, dy, r.dx, r.dweight, r.dbias, pool);
    free(x);
    free(dy);
    free(weight);
    free(bias);
    return r;
}

static void run_free(run *r)
{
    free(r->y);
    free(r->dx);
    free(r->dweight);
    free(r->dbias);
    free(r->statistics);
}

static void check_tables(const cnn__normalise *g, float shift, bool affine)
{
    char shape[160];
    snprintf(shape, sizeof shape, "batch %lld sets %lld channels %lld inner %lld groups %lld rows %d uncentred %d affine %d shift %g",
             (long long)g->batch, (long long)g->sets, (long long)g->channels, (long long)g->inner, (long long)g->groups,
             g->makes_statistics, g->uncentred, affine, (double)shift);
    run expected = run_table(reference(), g, shift, affine, NULL);
    double terms = sqrt((double)(g->batch * g->inner * (g->sets / g->groups))), room = 4e-6 * (1 + fabs((double)shift));
    FOR_TABLES(k)
    {
        run one = run_table(k->f32, g, shift, affine, contexts[0]->pool), three = run_table(k->f32, g, shift, affine, contexts[1]->pool);
        same_bits("y", k->name, shape, one.y, three.y, (size_t)one.count * sizeof(float));
        same_bits("dx", k->name, shape, one.dx, three.dx, (size_t)one.count * sizeof(float));
        same_bits("dweight", k->name, shape, one.dweight, three.dweight, (size_t)one.weights * sizeof(float));
        same_bits("dbias", k->name, shape, one.dbias, three.dbias, (size_t)one.weights * sizeof(float));
        close_to("y", k->name, shape, one.y, expected.y, one.count, room);
        close_to("dx", k->name, shape, one.dx, expected.dx, one.count, 4 * room);
        close_to("dweight", k->name, shape, one.dweight, expected.dweight, one.weights, room * terms);
        close_to("dbias", k->name, shape, one.dbias, expected.dbias, one.weights, 4e-6 * terms);
        for (int64_t i = 0; i < 2 * one.sets; i++) {
            double given = one.statistics[i], wanted = expected.statistics[i];
            ck_assert_msg(fabs(given - wanted) <= 1e-12 * (1 + fabs(wanted)), "%s, %s: statistic %lld is %.17g, expected %.17g", k->name,
                          shape, (long long)i, given, wanted);
        }
        run_free(&one);
        run_free(&three);
    }
    run_free(&expected);
}

static const int64_t sizes[] = { 1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 129, 300 };
enum { SIZES = sizeof sizes / sizeof *sizes };

START_TEST(rows_agree)
{
    for (int i = 0; i < SIZES; i++) {
        for (int uncentred = 0; uncentred < 2; uncentred++) {
            cnn__normalise g = { .batch = 1, .sets = 1 + i % 3 * 17, .channels = sizes[i], .inner = 1, .groups = 1, .own_statistics = true,
                                 .makes_statistics = true, .uncentred = uncentred, .eps = 0.01 };
            check_tables(&g, 0, i % 2);
            check_tables(&g, 3, true);
        }
    }
}
END_TEST

START_TEST(groups_agree)
{
    for (int i = 0; i < SIZES; i++) {
        for (int64_t channels = 1; channels < 4; channels++) {
            cnn__normalise g = { .batch = 1, .sets = 12, .channels = channels, .inner = sizes[i], .groups = 4, .own_statistics = true,
                                 .makes_statistics = true, .eps = 0.01 };
            check_tables(&g, 0, true);
            g.groups = 12; /* one sample */
            check_tables(&g, 1, channels % 2);
            g.inner = 1;
            g.groups = 3;
            g.channels = sizes[i];
            check_tables(&g, 0, true);
        }
    }
}
END_TEST

START_TEST(batches_agree)
{
    for (int i = 0; i < SIZES; i++) {
        for (int own = 0; own < 2; own++) {
            cnn__normalise g = { .batch = 5 + i, .sets = sizes[SIZES - 1 - i], .channels = 1, .inner = sizes[i], .own_statistics = own,
                                 .eps = 0.01 };
            g.groups = g.sets;
            check_tables(&g, 0, true);
            g.inner = 1; /* tiles of columns */
            check_tables(&g, 2, i % 2);
        }
    }
}
END_TEST

/* Forward that makes the statistics itself, and ReLU within forward and backward, beside the kernels one by one. */
static void check_joined(const cnn__kernels *k, const cnn__normalise *apart, bool affine, cnn__pool *pool)
{
    const int64_t count = apart->batch * apart->sets * apart->inner, sets = apart->sets;
    cnn__normalise joined = *apart;
    joined.joined = joined.relu = true;
    float *x = numbers(count, 1), *dy = numbers(count, 2), *weight = affine ? numbers(sets, 3) : NULL, *bias = affine ? numbers(sets, 4) : NULL;
    float *y[2], *dx[2], *dweight[2], *dbias[2], *dz = block((size_t)count * sizeof(float));
    double *statistics[2];
    for (int i = 0; i < 2; i++) {
        y[i] = block((size_t)count * sizeof(float));
        dx[i] = block((size_t)count * sizeof(float));
        dweight[i] = block((size_t)sets * sizeof(float));
        dbias[i] = block((size_t)sets * sizeof(float));
        statistics[i] = block((size_t)sets * 4 * sizeof(double));
    }
    k->f32->normalise_statistics(apart, x, statistics[0], pool);
    memcpy(statistics[0] + 2 * sets, statistics[0], (size_t)sets * 2 * sizeof(double));
    make_scales(apart, statistics[0]);
    k->f32->normalise_forward(apart, x, weight, bias, statistics[0], y[0], pool);
    k->f32->relu(count, y[0], y[0], pool);
    k->f32->relu_backward(count, y[0], dy, dz, pool);
    k->f32->normalise_backward(apart, x, weight, bias, statistics[0], dz, dx[0], dweight[0], dbias[0], pool);
    k->f32->normalise_forward(&joined, x, weight, bias, statistics[1], y[1], pool);
    k->f32->normalise_backward(&joined, x, weight, bias, statistics[1], dy, dx[1], dweight[1], dbias[1], pool);
    same_bits("y", k->name, "joined", y[0], y[1], (size_t)count * sizeof(float));
    same_bits("dx", k->name, "joined", dx[0], dx[1], (size_t)count * sizeof(float));
    same_bits("dweight", k->name, "joined", dweight[0], dweight[1], (size_t)sets * sizeof(float));
    same_bits("dbias", k->name, "joined", dbias[0], dbias[1], (size_t)sets * sizeof(float));
    same_bits("statistics", k->name, "joined", statistics[0], statistics[1], (size_t)sets * 4 * sizeof(double));
    for (int i = 0; i < 2; i++) {
        free(y[i]);
        free(dx[i]);
        free(dweight[i]);
        free(dbias[i]);
        free(statistics[i]);
    }
    free(x);
    free(dy);
    free(weight);
    free(bias);
    free(dz);
}

START_TEST(joined_kernels_have_the_bits_of_those_one_by_one)
{
    const cnn__kernels *tables[8];
    int count = cnn__kernels_list(tables, 8);
    for (int i = 0; i < SIZES; i++) {
        for (int t = 0; t < count && sizes[i] > 1; t++) {
            cnn__normalise g = { .batch = 1 + i, .sets = 5, .channels = 1, .inner = sizes[i], .groups = 5, .own_statistics = true,
                                 .eps = 0.01 };
            check_joined(tables[t], &g, i % 2, contexts[i % 2]->pool);
        }
    }
}
END_TEST

/* What is not asked for is not written. */
START_TEST(gradients_may_be_left_out)
{
    cnn__normalise forms[] = { { .batch = 1, .sets = 5, .channels = 20, .inner = 1, .groups = 1, .makes_statistics = true },
                               { .batch = 1, .sets = 8, .channels = 2, .inner = 9, .groups = 4, .makes_statistics = true },
                               { .batch = 3, .sets = 5, .channels = 1, .inner = 9, .groups = 5 },
                               { .batch = 3, .sets = 5, .channels = 1, .inner = 1, .groups = 5 } };
    for (int i = 0; i < 4; i++) {
        cnn__normalise *g = forms + i;
        g->own_statistics = true;
        g->eps = 0.01;
        FOR_TABLES(k)
        {
            run all = run_table(k->f32, g, 0, true, contexts[0]->pool);
            float *x = numbers(all.count, 1), *dy = numbers(all.count, 2), *weight = numbers(all.weights, 3);
            for (int wanted = 0; wanted < 8; wanted++) {
                float *dx = wanted & 1 ? block((size_t)all.count * sizeof *dx) : NULL;
                float *dweight = wanted & 2 ? block((size_t)all.weights * sizeof *dweight) : NULL;
                float *dbias = wanted & 4 ? block((size_t)all.weights * sizeof *dbias) : NULL;
                k->f32->normalise_backward(g, x, weight, NULL, all.statistics, dy, dx, dweight, dbias, contexts[1]->pool);
                ck_assert(!dx || memcmp(dx, all.dx, (size_t)all.count * sizeof *dx) == 0);
                ck_assert(!dweight || memcmp(dweight, all.dweight, (size_t)all.weights * sizeof *dweight) == 0);
                ck_assert(!dbias || memcmp(dbias, all.dbias, (size_t)all.weights * sizeof *dbias) == 0);
                free(dx);
                free(dweight);
                free(dbias);
            }
            free(x);
            free(dy);
            free(weight);
            run_free(&all);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("norm_kernels");
    TCase *tests = suite_case(suite, "kernels", pools_make, pools_free);
    tcase_add_test(tests, rows_agree);
    tcase_add_test(tests, groups_agree);
    tcase_add_test(tests, batches_agree);
    tcase_add_test(tests, joined_kernels_have_the_bits_of_those_one_by_one);
    tcase_add_test(tests, gradients_may_be_left_out);
    return suite_run(suite);
}
