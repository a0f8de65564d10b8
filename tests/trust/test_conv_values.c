/* NaN, infinities and numbers near the end of f32's range in convolutions of random shapes, and in their fused
 * forms: the long form of tests/test_conv_values.c. Several such values may be in several operands at once. */
#include "support/conv_relu_pool_values.h"
#include "trust.h"

enum { PARTS = 4, ROUNDS = TRUST_SANITIZED ? 150 : 1000, FUSED_ROUNDS = TRUST_SANITIZED ? 50 : 300, MOST_PRODUCTS = 1 << 20 };
static long compared;

static double products(const cnn__conv *g)
{
    double outputs = (double)(g->batch * g->out_channels * g->out_h * g->out_w);
    return outputs * (double)(g->in_channels / g->groups * g->kernel_h * g->kernel_w);
}

/* Fills in the size of the output; false if there is none, or too much to do. */
static bool sized(cnn__conv *g, int64_t pad_bottom, int64_t pad_right)
{
    int64_t h = g->in_h + g->pad_top + pad_bottom - g->dilation_h * (g->kernel_h - 1) - 1;
    int64_t w = g->in_w + g->pad_left + pad_right - g->dilation_w * (g->kernel_w - 1) - 1;
    g->out_h = h / g->stride_h + 1;
    g->out_w = w / g->stride_w + 1;
    return h >= 0 && w >= 0 && products(g) < MOST_PRODUCTS;
}

static cnn__conv draw_conv(uint64_t *place)
{
    for (;;) {
        int kind = (int)draw(place, 0, 5);
        int64_t groups = kind == 0 ? draw(place, 1, 4) : 1, channels = kind == 1 ? 40 : kind == 2 ? 4 : 20;
        cnn__conv g = { .batch = draw(place, 1, 4), .groups = groups, .in_channels = groups * draw(place, 1, channels),
                        .out_channels = groups * draw(place, 1, channels), .in_h = draw(place, 1, 16),
                        .in_w = draw(place, 1, draw(place, 0, 4) ? 16 : 45), .kernel_h = draw(place, 1, 5),
                        .kernel_w = draw(place, 1, 5), .stride_h = draw(place, 1, 3), .stride_w = draw(place, 1, 3),
                        .dilation_h = draw(place, 0, 3) ? 1 : 2, .dilation_w = draw(place, 0, 3) ? 1 : 2,
                        .pad_top = draw(place, 0, 4), .pad_left = draw(place, 0, 4) };
        if (kind == 1) { /* Winograd's */
            g.kernel_h = g.kernel_w = draw(place, 0, 1) ? 3 : 5;
            g.stride_h = g.stride_w = g.dilation_h = g.dilation_w = 1;
            g.in_channels = draw(place, 16, 40);
            g.out_channels = draw(place, 16, 40);
        } else if (kind == 3) { /* depthwise, mostly the usual ones */
            g.groups = g.out_channels = g.in_channels;
            g.kernel_h = g.kernel_w = 3;
            g.stride_h = g.stride_w = draw(place, 1, 2);
            g.dilation_h = g.dilation_w = 1;
            g.pad_top = g.pad_left = draw(place, 0, 3) ? 1 : 2;
        }
        if (sized(&g, draw(place, 0, 1) ? g.pad_top : draw(place, 0, 4), draw(place, 0, 1) ? g.pad_left : draw(place, 0, 4))) {
            return g;
        }
    }
}

/* Up to three of NaN and the infinities in one or two operands, or one large number. */
static void plant(conv_operands *o, const int64_t counts[3], int spared, uint64_t *place)
{
    bool large = draw(place, 0, 3) == 0;
    int64_t count = large ? 1 : draw(place, 1, 3);
    for (int64_t k = 0; k < count; k++) {
        int operand = (int)((spared + draw(place, 1, 2)) % 3);
        int64_t at = draw(place, 0, 3) ? draw(place, 0, counts[operand] - 1) : draw(place, 0, 1) ? 0 : counts[operand] - 1;
        o->of[operand][at] = large ? odd[3] : odd[draw(place, 0, 2)];
    }
}

START_TEST(odd_values_reach_their_own_sums_in_random_shapes)
{
    uint64_t place = (uint64_t)_i << 32;
    for (int round = 0; round < ROUNDS; round++) {
        cnn__conv g = draw_conv(&place);
        int to = round % 3;
        conv_operands o = operands_make(&g);
        char what[256];
        plant(&o, o.count, to, &place);
        snprintf(what, sizeof what, "round %d: [%d,%d,%d,%d] -> %d, kernel %dx%d stride %dx%d dilation %dx%d pad %d,%d groups %d, %s",
                 round, (int)g.batch, (int)g.in_channels, (int)g.in_h, (int)g.in_w, (int)g.out_channels, (int)g.kernel_h,
                 (int)g.kernel_w, (int)g.stride_h, (int)g.stride_w, (int)g.dilation_h, (int)g.dilation_w, (int)g.pad_top,
                 (int)g.pad_left, (int)g.groups, passes[to]);
        compare_pass(&o, to, what);
        operands_free(&o);
        compared++;
    }
}
END_TEST

START_TEST(fused_kernels_keep_odd_values_in_random_shapes)
{
    uint64_t place = (uint64_t)(_i + 100) << 32;
    for (int round = 0; round < FUSED_ROUNDS;) {
        bool many = draw(&place, 0, 1);
        int64_t channels = many ? 34 : 12;
        cnn__conv g = { .batch = draw(&place, 1, many ? 3 : 18), .groups = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1,
                        .dilation_w = 1, .in_channels = draw(&place, many ? 16 : 1, channels),
                        .out_channels = draw(&place, many ? 16 : 1, channels), .in_h = draw(&place, 1, 12),
                        .in_w = draw(&place, 1, 20), .kernel_h = many ? 5 : draw(&place, 1, 5),
                        .kernel_w = many ? 5 : draw(&place, 1, 5), .pad_top = draw(&place, 0, 4), .pad_left = draw(&place, 0, 4) };
        if (!sized(&g, draw(&place, 0, 4), draw(&place, 0, 4)) || g.out_h < 2 || g.out_w < 2) {
            continue;
        }
        conv_operands o = operands_make(&g);
        int64_t pooled = pooled_count(&g);
        char what[256];
        plant(&o, (const int64_t[3]){ o.count[X], o.count[WEIGHT], pooled }, (int)draw(&place, 0, 2), &place);
        snprintf(what, sizeof what, "round %d: [%d,%d,%d,%d] -> [%d,%d,%d], kernel %dx%d pad %d,%d", round, (int)g.batch,
                 (int)g.in_channels, (int)g.in_h, (int)g.in_w, (int)g.out_channels, (int)g.out_h, (int)g.out_w, (int)g.kernel_h,
                 (int)g.kernel_w, (int)g.pad_top, (int)g.pad_left);
        compare_fused(&o, pooled, what);
        operands_free(&o);
        compared++;
        round++;
    }
}
END_TEST

int main(void)
{
    trust_begin("conv values");
    TCase *tests = trust_case("conv values", 1200);
    tcase_add_unchecked_fixture(tests, pools_make, pools_free);
    tcase_add_loop_test(tests, odd_values_reach_their_own_sums_in_random_shapes, 0, PARTS);
    tcase_add_loop_test(tests, fused_kernels_keep_odd_values_in_random_shapes, 0, PARTS);
    int failed = trust_run();
    return trust_end(failed, "conv values: %ld passes with values that are not finite or near the end of the range", compared);
}
