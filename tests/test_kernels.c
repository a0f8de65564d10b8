/* Compares the kernels of every table that this machine runs, except convolutions (test_conv_kernels.c), with the
 * reference table, on random and adversarial shapes, and demands the same bits for 1 and 3 threads. CNN_TEST_SHAPES
 * sets the number of random shapes. */
#include "kernels/launch.h"
#include "support/kernels.h"
#include "support/suite.h"

#include "kernels/array/array.h"

/* ---- matrix products ---- */

/* The caller frees the result. A product that is repeated has its B packed. */
static float *gemm_run(const cnn__real_kernels *table, const cnn__gemm *given, const float *a, const float *b, const float *bias,
                       cnn__pool *pool)
{
    cnn__gemm g = *given;
    size_t bytes = g.repeated ? table->gemm_packed(&g) : 0;
    g.packed = bytes ? workspace_new(bytes) : NULL;
    g.packs = g.packed != NULL;
    void *workspace = workspace_new(table->gemm_workspace(&g, cnn__pool_size(pool)));
    float *c = numbers(g.m * g.ldc, 4);
    table->gemm(&g, a, b, bias, c, workspace, pool);
    free(workspace);
    free(g.packed);
    return c;
}

/* Each row alone has the bits that it has among the others. */
static void gemm_check_rows(const char *name, const cnn__real_kernels *table, const char *shape, const cnn__gemm *g,
                            const float *a, const float *b, const float *bias)
{
    float *all = gemm_run(table, g, a, b, bias, contexts[0]->pool), *before = numbers(g->m * g->ldc, 4);
    cnn__gemm alone = *g;
    alone.m = 1;
    for (int64_t row = 0; row < g->m && row < 3; row++) {
        size_t bytes = table->gemm_packed(&alone);
        float *c = before + row * g->ldc;
        alone.packed = bytes ? workspace_new(bytes) : NULL;
        for (int again = 0; again < 2; again++) { /* the second time with what the first one packed */
            float *at = malloc((size_t)g->ldc * sizeof *at);
            void *workspace = workspace_new(table->gemm_workspace(&alone, cnn__pool_size(contexts[1]->pool)));
            ck_assert_ptr_nonnull(at);
            memcpy(at, c, (size_t)g->ldc * sizeof *at);
            alone.packs = alone.packed && !again;
            table->gemm(&alone, a + row * g->lda, b, bias, at, workspace, contexts[1]->pool);
            same_bits("gemm, one row,", name, shape, all + row * g->ldc, at, (size_t)g->ldc * sizeof *at);
            free(workspace);
            free(at);
        }
        free(alone.packed);
    }
    free(before);
    free(all);
}

static void gemm_check(const cnn__gemm *g, bool biased)
{
    char shape[160];
    snprintf(shape, sizeof shape, "m %lld n %lld k %lld trans %d %d accumulate %d bias %d ld %lld %lld %lld",
             (long long)g->m, (long long)g->n, (long long)g->k, g->trans_a, g->trans_b, g->accumulate, biased,
             (long long)g->lda, (long long)g->ldb, (long long)g->ldc);
    int64_t rows_a = g->trans_a ? g->k : g->m, rows_b = g->trans_b ? g->n : g->k, n = g->m * g->ldc;
    float *a = numbers(rows_a * g->lda, 1), *b = numbers(rows_b * g->ldb, 2), *bias = numbers(g->n, 3);
    float *expected = gemm_run(reference(), g, a, b, biased ? bias : NULL, NULL);
    FOR_TABLES(k)
    {
        float *one = gemm_run(k->f32, g, a, b, biased ? bias : NULL, contexts[0]->pool);
        float *three = gemm_run(k->f32, g, a, b, biased ? bias : NULL, contexts[1]->pool);
        cnn__gemm turned = *g;
        turned.reversed = true;
        float *back = gemm_run(k->f32, &turned, a, b, biased ? bias : NULL, contexts[1]->pool);
        same_bits("gemm", k->name, shape, one, three, (size_t)n * sizeof(float));
        same_bits("gemm, turned,", k->name, shape, one, back, (size_t)n * sizeof(float));
        close_to("gemm", k->name, shape, one, expected, n, 2e-6 * (4 + sqrt((double)g->k)));
        cnn__gemm repeated = *g;
        repeated.repeated = true;
        float *packed = gemm_run(k->f32, &repeated, a, b, biased ? bias : NULL, contexts[1]->pool);
        close_to("gemm, repeated,", k->name, shape, packed, expected, n, 2e-6 * (4 + sqrt((double)g->k)));
        if (!g->trans_a) {
            gemm_check_rows(k->name, k->f32, shape, &repeated, a, b, biased ? bias : NULL);
        }
        free(packed);
        free(back);
        free(one);
        free(three);
    }
    free(expected);
    free(a);
    free(b);
    free(bias);
}

static void gemm_random(int64_t m, int64_t n, int64_t depth, uint64_t *place)
{
    cnn__gemm g = { .trans_a = draw(place, 0, 1), .trans_b = draw(place, 0, 1), .accumulate = draw(place, 0, 1),
                    .m = m, .n = n, .k = depth };
    g.lda = (g.trans_a ? m : depth) + draw(place, 0, 1) * 3;
    g.ldb = (g.trans_b ? depth : n) + draw(place, 0, 1) * 5;
    g.ldc = n + draw(place, 0, 1) * 2;
    gemm_check(&g, draw(place, 0, 1));
}

START_TEST(gemm_agrees_with_the_reference)
{
    static const int64_t edges[] = { 1, 2, 3, 4, 5, 7, 13, 14, 15, 16, 17, 31, 32, 33, 64, 65 };
    uint64_t place = 0;
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            gemm_random(edges[i], edges[j], draw(&place, 0, 40), &place);
            gemm_random(edges[i], draw(&place, 1, 40), edges[j], &place);
        }
    }
    for (int i = 0; i < shapes_wanted(20); i++) {
        gemm_random(draw(&place, 1, 300), draw(&place, 1, 300), draw(&place, 1, 600), &place);
    }
    gemm_random(1, 1000, 3136, &place);
    gemm_random(300, 520, 700, &place); /* several blocks and stretches */
    for (int i = 0; i < 4 && i < shapes_wanted(4); i++) {
        gemm_random(2050, 2048, 3, &place); /* past the caches, where it does not accumulate */
    }
    gemm_random(600, 10, 20, &place);
    for (int i = 0; i < 8; i++) { /* B packed once for all rows; an A that is read in place in two stretches; a last panel of one column */
        const int64_t m = i & 4 ? 24 : 500;
        cnn__gemm g = { .trans_a = i & 1, .trans_b = i & 2, .m = m, .n = 65, .k = 300, .lda = i & 1 ? m : 300,
                        .ldb = i & 2 ? 300 : 65, .ldc = 67 };
        gemm_check(&g, true);
    }
}
END_TEST

/* ---- pooling ---- */

static void maxpool_check(const cnn__kernels *k, const cnn__maxpool *g)
{
    int64_t in = g->planes * g->in_h * g->in_w, out = g->planes * g->out_h * g->out_w;
    float *x = numbers(in, 1), *dy = numbers(out, 2), *y[3], *dx[3];
    int32_t *index[3];
    for (int64_t i = 0; i < in / 4; i++) { /* few values, so that many are equal; whole windows of -INFINITY */
        x[i] = i < in / 8 ? -INFINITY : floorf(3 * x[i]);
    }
    if (in > 5) {
        x[in / 2] = NAN;
        x[in / 3] = INFINITY;
        x[in / 5] = -INFINITY;
    }
    for (int i = 0; i < 3; i++) {
        const cnn__real_kernels *table = i == 2 ? reference() : k->f32;
        float *alone = numbers(out, 9);
        y[i] = numbers(out, 9);
        dx[i] = numbers(in, 9);
        index[i] = block((size_t)out * sizeof **index);
        table->maxpool_forward(g, x, alone, NULL, contexts[i % 2]->pool);
        table->maxpool_forward(g, x, y[i], index[i], contexts[i % 2]->pool);
        same_bits("maxpool without an index", k->name, "", alone, y[i], (size_t)out * sizeof *alone);
        free(alone);
        table->maxpool_backward(g, dy, index[i], dx[i], contexts[i % 2]->pool);
    }
    for (int i = 0; i < 2; i++) {
        same_bits("maxpool's index", k->name, "", index[i], index[2], (size_t)out * sizeof **index);
        same_bits("maxpool's dx", k->name, "", dx[i], dx[2], (size_t)in * sizeof(float));
        for (int64_t j = 0; j < out; j++) {
            if (y[i][j] != y[2][j] && !(isnan(y[i][j]) && isnan(y[2][j]))) {
                ck_abort_msg("%s maxpool: element %lld is %g, expected %g", k->name, (long long)j, (double)y[i][j],
                             (double)y[2][j]);
            }
        }
    }
    for (int i = 0; i < 3; i++) {
        free(y[i]);
        free(dx[i]);
        free(index[i]);
    }
    free(x);
    free(dy);
}

START_TEST(maxpool_equals_the_reference)
{
    uint64_t place = 0;
    FOR_TABLES(k)
    {
        for (int i = 0; i < shapes_wanted(200);) {
            int64_t kernel_h = draw(&place, 1, 5), kernel_w = i % 16 ? draw(&place, 1, 5) : draw(&place, 30, 36);
            cnn__maxpool g = { .planes = draw(&place, 1, 40), .in_h = draw(&place, 1, 20), .in_w = draw(&place, 1, 150),
                               .kernel_h = kernel_h, .kernel_w = kernel_w, .stride_h = draw(&place, 1, 3),
                               .stride_w = draw(&place, 1, 3), .dilation_h = draw(&place, 1, 3), .dilation_w = 1,
                               .pad_top = draw(&place, 0, kernel_h / 2), .pad_left = draw(&place, 0, kernel_w / 2) };
            g.dilation_w = i % 4 ? 1 : 2;
            int64_t h = g.in_h + 2 * g.pad_top - (kernel_h - 1) * g.dilation_h - 1,
                    w = g.in_w + 2 * g.pad_left - (kernel_w - 1) * g.dilation_w - 1;
            g.out_h = h / g.stride_h + 1;
            g.out_w = w / g.stride_w + 1;
            if (h >= 0 && w >= 0) {
                maxpool_check(k, &g);
                i++;
            }
        }
    }
}
END_TEST

/* ---- elementwise and optimizers ---- */

static const int64_t lengths[] = { 1, 3, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1000, 16383, 16384, 16385, 50001 };
enum { LENGTHS = sizeof lengths / sizeof *lengths };

START_TEST(elementwise_kernels_equal_the_reference)
{
    const uint64_t key[2] = { 5, 6 };
    FOR_TABLES(k)
    {
        for (int i = 0; i < LENGTHS; i++) {
            int64_t n = lengths[i];
            size_t bytes = (size_t)n * sizeof(float);
            float *x = numbers(n, 1), *dy = numbers(n, 2), *given = block(bytes), *expected = block(bytes);
            for (int t = 0; t < 2; t++) {
                k->f32->relu(n, x, given, contexts[t]->pool);
                reference()->relu(n, x, expected, NULL);
                same_bits("relu", k->name, "", given, expected, bytes);
                k->f32->relu_backward(n, x, dy, given, contexts[t]->pool);
                reference()->relu_backward(n, x, dy, expected, NULL);
                same_bits("relu_backward", k->name, "", given, expected, bytes);
                for (int q = 0; q < 4; q++) {
                    const double p[] = { 0, 0.25, 0.5, 1 };
                    k->f32->dropout(n, p[q], key, x, given, contexts[t]->pool);
                    reference()->dropout(n, p[q], key, x, expected, NULL);
                    for (int64_t j = 0; j < n; j++) {
                        if (given[j] != expected[j]) {
                            ck_abort_msg("%s dropout %g: element %lld", k->name, p[q], (long long)j);
                        }
                    }
                }
            }
            free(x);
            free(dy);
            free(given);
            free(expected);
        }
    }
}
END_TEST

START_TEST(sums_over_rows_agree)
{
    uint64_t place = 0;
    FOR_TABLES(k)
    {
        for (int i = 0; i < 60; i++) {
            int64_t m = draw(&place, 0, 300), n = draw(&place, 1, 200);
            float *x = numbers(m * n, 1), *a = numbers(n, 2), *b = numbers(n, 3), *c = numbers(n, 4);
            k->f32->sum_rows(m, n, x, a, contexts[0]->pool);
            k->f32->sum_rows(m, n, x, b, contexts[1]->pool);
            reference()->sum_rows(m, n, x, c, NULL);
            same_bits("sum_rows", k->name, "", a, b, (size_t)n * sizeof(float));
            close_to("sum_rows", k->name, "", a, c, n, 1e-5);
            free(x);
            free(a);
            free(b);
            free(c);
        }
    }
}
END_TEST

static void adam_check(const cnn__kernels *k, int64_t n, const cnn_adam_parameters *s, bool amsgrad)
{
    float *grad = numbers(n, 1), *state[3][4];
    for (int i = 0; i < 3; i++) {
        const cnn__real_kernels *table = i == 2 ? reference() : k->f32;
        for (int j = 0; j < 4; j++) {
            state[i][j] = numbers(n, (uint64_t)j + 2);
        }
        for (int64_t e = 0; e < n; e++) { /* second moments are not negative */
            state[i][2][e] = fabsf(state[i][2][e]);
            state[i][3][e] = fabsf(state[i][3][e]);
        }
        cnn_launch l = CNN__LAUNCH(ADAM, CNN_F32, CNN__PARAMETERS(*s), .count = n, .in = { grad },
                                   .out = { state[i][0], state[i][1], state[i][2], amsgrad ? state[i][3] : NULL });
        table->optimizer(&l, contexts[i % 2]->pool);
    }
    for (int j = 0; j < 4; j++) {
        same_bits("adam", k->name, "", state[0][j], state[1][j], (size_t)n * sizeof(float));
        close_to("adam", k->name, "", state[0][j], state[2][j], n, 1e-6);
    }
    for (int i = 0; i < 12; i++) {
        free(state[i / 4][i % 4]);
    }
    free(grad);
}

START_TEST(adam_agrees_with_the_reference)
{
    FOR_TABLES(k)
    {
        for (int i = 0; i < LENGTHS; i++) {
            for (int kind = 0; kind < 8; kind++) {
                cnn_adam_parameters s = { .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.05 * (kind & 1),
                                .bias1 = 0.19, .bias2 = 0.002, .decoupled = kind & 1, .maximize = kind & 2 };
                adam_check(k, lengths[i], &s, kind & 4);
            }
        }
    }
}
END_TEST

static void sgd_check(const cnn__kernels *k, int64_t n, const cnn_sgd_parameters *s)
{
    float *grad = numbers(n, 1), *param[3], *buf[3];
    for (int i = 0; i < 3; i++) {
        const cnn__real_kernels *table = i == 2 ? reference() : k->f32;
        param[i] = numbers(n, 2);
        buf[i] = numbers(n, 3);
        cnn_launch l = CNN__LAUNCH(SGD, CNN_F32, CNN__PARAMETERS(*s), .count = n, .in = { grad },
                                   .out = { param[i], s->momentum != 0 ? buf[i] : NULL });
        table->optimizer(&l, contexts[i % 2]->pool);
    }
    same_bits("sgd", k->name, "", param[0], param[1], (size_t)n * sizeof(float));
    close_to("sgd", k->name, "", param[0], param[2], n, 1e-6);
    close_to("sgd's momentum", k->name, "", buf[0], buf[2], n, 1e-6);
    for (int i = 0; i < 3; i++) {
        free(param[i]);
        free(buf[i]);
    }
    free(grad);
}

START_TEST(sgd_agrees_with_the_reference)
{
    FOR_TABLES(k)
    {
        for (int i = 0; i < LENGTHS; i++) {
            for (int kind = 0; kind < 16; kind++) {
                cnn_sgd_parameters s = { .lr = 0.1, .momentum = kind & 1 ? 0.9 : 0, .dampening = kind & 2 ? 0.3 : 0,
                               .weight_decay = 0.01, .nesterov = (kind & 5) == 5, .maximize = kind & 4,
                               .first = kind & 8 };
                sgd_check(k, lengths[i], &s);
            }
        }
    }
}
END_TEST

/* ---- the tables ---- */

/* kernels.def names them all; a table that has none of its own holds the reference's. */
static void check_complete(const cnn__kernels *table, const cnn__real_kernels *reference_f64)
{
#define CNN__KERNEL(source, result, kernel, parameters)                                                                         \
    ck_assert_msg(table->f32->kernel != NULL, "%s has no %s for f32", table->name, #kernel);                                    \
    ck_assert_msg(table->f64->kernel == reference_f64->kernel, "%s has a %s for f64 of its own", table->name, #kernel);
#include "kernels/kernels.def"
#undef CNN__KERNEL
#define CNN__ARRAY_KERNEL(source, kernel, parameters) ck_assert_msg(table->array->kernel != NULL, "%s has no %s", table->name, #kernel);
#include "kernels/array/array.def"
#undef CNN__ARRAY_KERNEL
}

START_TEST(every_table_has_every_kernel)
{
    FOR_TABLES(k)
    {
        check_complete(k, cnn__kernels_select("reference")->f64);
    }
}
END_TEST

START_TEST(tables_are_found_by_name)
{
    const cnn__kernels *tables[8];
    int count = cnn__kernels_list(tables, 8);
    ck_assert_int_ge(count, 2);
    ck_assert_str_eq(tables[0]->name, "reference");
    for (int i = 0; i < count; i++) {
        ck_assert_ptr_eq(cnn__kernels_select(tables[i]->name), tables[i]);
    }
    ck_assert_ptr_eq(cnn__kernels_select(NULL), tables[count - 1]);
    ck_assert_ptr_null(cnn__kernels_select("no such table"));
    ck_assert_int_eq(cnn__kernels_list(tables, 1), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernels");
    TCase *tests = suite_case(suite, "kernels", pools_make, pools_free);
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, tables_are_found_by_name);
    tcase_add_test(tests, every_table_has_every_kernel);
    tcase_add_test(tests, gemm_agrees_with_the_reference);
    tcase_add_test(tests, maxpool_equals_the_reference);
    tcase_add_test(tests, elementwise_kernels_equal_the_reference);
    tcase_add_test(tests, sums_over_rows_agree);
    tcase_add_test(tests, adam_agrees_with_the_reference);
    tcase_add_test(tests, sgd_agrees_with_the_reference);
    return suite_run(suite);
}
