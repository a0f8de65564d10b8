/* Compares the convolutions of every table that this machine runs, alone and fused with ReLU and pooling, with the
 * reference table, on random and adversarial shapes, and demands the same bits for 1 and 3 threads. CNN_TEST_SHAPES
 * sets the number of random shapes. */
#include "kernels/conv_relu_pool.h"
#include "support/kernels.h"
#include "support/suite.h"

static const char *conv_text(char text[256], const cnn__conv *g)
{
    snprintf(text, 256, "[%lld,%lld,%lld,%lld] -> [%lld,%lld,%lld], kernel %lldx%lld stride %lldx%lld dilation %lldx%lld "
             "pad %lld,%lld groups %lld", (long long)g->batch, (long long)g->in_channels, (long long)g->in_h,
             (long long)g->in_w, (long long)g->out_channels, (long long)g->out_h, (long long)g->out_w,
             (long long)g->kernel_h, (long long)g->kernel_w, (long long)g->stride_h, (long long)g->stride_w,
             (long long)g->dilation_h, (long long)g->dilation_w, (long long)g->pad_top, (long long)g->pad_left,
             (long long)g->groups);
    return text;
}

typedef struct conv_sizes {
    int64_t x, weight, y, bias;
} conv_sizes;

static conv_sizes conv_measure(const cnn__conv *g)
{
    return (conv_sizes){ .x = g->batch * g->in_channels * g->in_h * g->in_w,
                         .weight = g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w,
                         .y = g->batch * g->out_channels * g->out_h * g->out_w,
                         .bias = g->out_channels };
}

/* Each of these is to be freed. */
static float *conv_forward_run(const cnn__real_kernels *table, const cnn__conv *g, const float *x, const float *weight,
                               const float *bias, cnn__pool *pool)
{
    void *workspace = workspace_new(table->conv_forward_workspace(g, cnn__pool_size(pool)));
    float *y = numbers(conv_measure(g).y, 9);
    table->conv_forward(g, x, weight, bias, y, workspace, pool);
    free(workspace);
    return y;
}

static float *conv_data_run(const cnn__real_kernels *table, const cnn__conv *g, const float *dy, const float *weight,
                            cnn__pool *pool)
{
    void *workspace = workspace_new(table->conv_backward_data_workspace(g, cnn__pool_size(pool)));
    float *dx = numbers(conv_measure(g).x, 9);
    table->conv_backward_data(g, dy, weight, dx, workspace, pool);
    free(workspace);
    return dx;
}

/* The gradient of the weights, and behind it that of the bias. */
static float *conv_weight_run(const cnn__real_kernels *table, const cnn__conv *g, const float *x, const float *dy, bool biased,
                              cnn__pool *pool)
{
    conv_sizes n = conv_measure(g);
    void *workspace = workspace_new(table->conv_backward_weight_workspace(g, cnn__pool_size(pool)));
    float *dw = numbers(n.weight, 9), *db = numbers(n.bias, 9), *both = block((size_t)(n.weight + n.bias) * sizeof *both);
    table->conv_backward_weight(g, x, dy, dw, biased ? db : NULL, workspace, pool);
    memcpy(both, dw, (size_t)n.weight * sizeof *both);
    memcpy(both + n.weight, db, (size_t)n.bias * sizeof *both);
    free(workspace);
    free(dw);
    free(db);
    return both;
}

static void conv_forward_check(const cnn__conv *g, bool biased)
{
    char text[256];
    conv_sizes n = conv_measure(g);
    float *x = numbers(n.x, 1), *weight = numbers(n.weight, 2), *bias = numbers(n.bias, 3), *b = biased ? bias : NULL;
    float *expected = conv_forward_run(reference(), g, x, weight, b, NULL);
    FOR_TABLES(k)
    {
        float *one = conv_forward_run(k->f32, g, x, weight, b, contexts[0]->pool);
        float *three = conv_forward_run(k->f32, g, x, weight, b, contexts[1]->pool);
        same_bits("conv_forward", k->name, conv_text(text, g), one, three, (size_t)n.y * sizeof(float));
        close_to("conv_forward", k->name, text, one, expected, n.y, 1e-5);
        free(one);
        free(three);
    }
    free(expected);
    free(x);
    free(weight);
    free(bias);
}

static void conv_data_check(const cnn__conv *g)
{
    char text[256];
    conv_sizes n = conv_measure(g);
    float *dy = numbers(n.y, 1), *weight = numbers(n.weight, 2);
    float *expected = conv_data_run(reference(), g, dy, weight, NULL);
    FOR_TABLES(k)
    {
        float *one = conv_data_run(k->f32, g, dy, weight, contexts[0]->pool);
        float *three = conv_data_run(k->f32, g, dy, weight, contexts[1]->pool);
        same_bits("conv_backward_data", k->name, conv_text(text, g), one, three, (size_t)n.x * sizeof(float));
        close_to("conv_backward_data", k->name, text, one, expected, n.x, 2e-5);
        free(one);
        free(three);
    }
    free(expected);
    free(dy);
    free(weight);
}

static void conv_weight_check(const cnn__conv *g, bool biased)
{
    char text[256];
    conv_sizes n = conv_measure(g);
    float *x = numbers(n.x, 1), *dy = numbers(n.y, 2);
    float *expected = conv_weight_run(reference(), g, x, dy, biased, NULL);
    FOR_TABLES(k)
    {
        float *one = conv_weight_run(k->f32, g, x, dy, biased, contexts[0]->pool);
        float *three = conv_weight_run(k->f32, g, x, dy, biased, contexts[1]->pool);
        same_bits("conv_backward_weight", k->name, conv_text(text, g), one, three, (size_t)(n.weight + n.bias) * sizeof(float));
        close_to("conv_backward_weight", k->name, text, one, expected, n.weight, 3e-5);
        close_to("conv_backward_weight's bias", k->name, text, one + n.weight, expected + n.weight, n.bias, 3e-5);
        free(one);
        free(three);
    }
    free(expected);
    free(x);
    free(dy);
}

/* ReLU behind the convolution, without and with a ceiling, and ReLU's gradient with that of the data, against kernels of their own. */
static void conv_finish_check(const cnn__conv *g, bool biased)
{
    char text[256];
    conv_sizes n = conv_measure(g);
    cnn__conv with = *g;
    float *x = numbers(n.x, 1), *weight = numbers(n.weight, 2), *bias = numbers(n.bias, 3), *b = biased ? bias : NULL;
    float *dy = numbers(n.y, 4), *old = numbers(n.x, 9); /* conv_data_run's */
    with.relu = true;
    cnn__conv clipped = with;
    with.relu_mask = x;
    with.add = cnn__conv_adds(g);
    FOR_TABLES(k)
    {
        float *y = conv_forward_run(k->f32, g, x, weight, b, contexts[0]->pool);
        float *relu_y = conv_forward_run(k->f32, &with, x, weight, b, contexts[1]->pool);
        k->f32->relu(n.y, y, y, NULL);
        same_bits("conv_forward with ReLU", k->name, conv_text(text, g), relu_y, y, (size_t)n.y * sizeof(float));
        clipped.ceiling = 0.4F;
        float *clipped_y = conv_forward_run(k->f32, &clipped, x, weight, b, contexts[1]->pool);
        for (int64_t i = 0; i < n.y; i++) {
            y[i] = y[i] > clipped.ceiling ? clipped.ceiling : y[i];
        }
        same_bits("conv_forward with a ceiling", k->name, text, clipped_y, y, (size_t)n.y * sizeof(float));
        free(clipped_y);
        float *dx = conv_data_run(k->f32, g, dy, weight, contexts[0]->pool);
        float *one = conv_data_run(k->f32, &with, dy, weight, contexts[0]->pool);
        float *three = conv_data_run(k->f32, &with, dy, weight, contexts[1]->pool);
        for (int64_t i = 0; i < n.x && with.add; i++) {
            dx[i] += old[i];
        }
        k->f32->relu_backward(n.x, x, dx, dx, NULL);
        same_bits("conv_backward_data with ReLU", k->name, text, one, three, (size_t)n.x * sizeof(float));
        close_to("conv_backward_data with ReLU", k->name, text, one, dx, n.x, with.add ? 2e-5 : 0);
        float *all[] = { y, relu_y, dx, one, three };
        for (int i = 0; i < 5; i++) {
            free(all[i]);
        }
    }
    float *all[] = { x, weight, bias, dy, old };
    for (int i = 0; i < 5; i++) {
        free(all[i]);
    }
}

static void conv_check(const cnn__conv *g, bool biased)
{
    conv_finish_check(g, biased);
    conv_forward_check(g, biased);
    conv_data_check(g);
    conv_weight_check(g, biased);
}

/* Fills in the size of the output; false if there is none. */
static bool conv_size(cnn__conv *g, int64_t pad_bottom, int64_t pad_right)
{
    int64_t h = g->in_h + g->pad_top + pad_bottom - g->dilation_h * (g->kernel_h - 1) - 1;
    int64_t w = g->in_w + g->pad_left + pad_right - g->dilation_w * (g->kernel_w - 1) - 1;
    g->out_h = h / g->stride_h + 1;
    g->out_w = w / g->stride_w + 1;
    return h >= 0 && w >= 0;
}

/* Sides are drawn apart, so that nothing is square by chance. */
static void conv_random(uint64_t *place, int64_t channels, int64_t side)
{
    for (;;) {
        int64_t groups = draw(place, 0, 3) ? 1 : draw(place, 1, 4);
        cnn__conv g = { .batch = draw(place, 1, 5), .groups = groups,
                        .in_channels = groups * draw(place, 1, channels), .out_channels = groups * draw(place, 1, channels),
                        .in_h = draw(place, 1, side), .in_w = draw(place, 1, side),
                        .kernel_h = draw(place, 1, 5), .kernel_w = draw(place, 1, 5),
                        .stride_h = draw(place, 1, 3), .stride_w = draw(place, 1, 3),
                        .dilation_h = draw(place, 0, 2) ? 1 : draw(place, 1, 3),
                        .dilation_w = draw(place, 0, 2) ? 1 : draw(place, 1, 3),
                        .pad_top = draw(place, 0, 4), .pad_left = draw(place, 0, 4) };
        if (draw(place, 0, 5) == 0) { /* depthwise */
            g.groups = g.out_channels = g.in_channels;
        }
        if (conv_size(&g, draw(place, 0, 4), draw(place, 0, 4))) {
            conv_check(&g, draw(place, 0, 1));
            return;
        }
    }
}

START_TEST(conv_agrees_on_random_shapes)
{
    uint64_t place = 0;
    for (int i = 0; i < shapes_wanted(150); i++) {
        conv_random(&place, 9, 12);
    }
    for (int i = 0; i < shapes_wanted(150) / 15; i++) {
        conv_random(&place, 70, 40);
    }
}
END_TEST

#define CONV(n, c, h, w, o, kh, kw, s, d, p, groups) \
    { n, c, h, w, o, 0, 0, kh, kw, s, s, d, d, p, p, groups, .relu = false }

/* The slowest instruments, which ask for few random shapes, leave what they would take minutes for to the others. */
static bool too_large(const cnn__conv *g)
{
    double products = (double)(g->batch * g->out_channels * g->out_h * g->out_w) * (double)(g->in_channels / g->groups);
    return shapes_wanted(150) < 10 && products * (double)(g->kernel_h * g->kernel_w) > 6e6;
}

START_TEST(conv_agrees_on_adversarial_shapes)
{
    static const cnn__conv shapes[] = {
        CONV(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1),     /* a single product */
        CONV(1, 1, 1, 1, 1, 5, 5, 1, 1, 2, 1),     /* padding all around one pixel */
        CONV(3, 2, 1, 50, 3, 1, 7, 1, 1, 3, 1),    /* one line */
        CONV(3, 2, 50, 1, 3, 7, 1, 1, 1, 3, 1),    /* one column */
        CONV(2, 3, 9, 9, 4, 2, 2, 5, 1, 0, 1),     /* stride past the kernel */
        CONV(2, 3, 9, 9, 4, 1, 1, 3, 1, 0, 1),
        CONV(2, 3, 9, 9, 4, 3, 3, 2, 2, 2, 1),     /* a dilation that shares a divisor with the stride */
        CONV(2, 3, 13, 13, 4, 3, 3, 4, 2, 2, 1),
        CONV(2, 3, 13, 13, 4, 3, 3, 2, 4, 4, 1),
        CONV(1, 17, 3, 3, 19, 3, 3, 1, 1, 1, 1),   /* channels past a tile */
        CONV(5, 20, 1, 1, 35, 3, 3, 1, 1, 1, 1),   /* taps that read nothing but padding: all around, */
        CONV(3, 20, 2, 2, 35, 3, 3, 2, 1, 1, 1),   /* on one side, */
        CONV(3, 20, 2, 1, 36, 5, 5, 1, 1, 2, 2),   /* in groups, */
        CONV(2, 9, 3, 4, 7, 5, 5, 1, 2, 4, 1),     /* with gaps between them, */
        CONV(2, 9, 1, 60, 7, 3, 3, 1, 1, 1, 1),    /* above and below a line, */
        CONV(2, 9, 1, 1, 7, 2, 2, 4, 1, 3, 1),     /* strides past the image */
        CONV(2, 1, 28, 28, 32, 5, 5, 1, 1, 2, 1),  /* the tutorial's first */
        CONV(2, 32, 14, 14, 64, 5, 5, 1, 1, 2, 1), /* the tutorial's second */
        CONV(1, 300, 7, 7, 40, 3, 3, 1, 1, 1, 1),  /* several stretches, one unit */
        CONV(40, 20, 7, 7, 33, 3, 3, 1, 1, 1, 1),  /* several images a unit */
        CONV(1, 3, 20, 300, 8, 3, 3, 1, 1, 1, 1),  /* lines longer than a unit */
        CONV(2, 300, 6, 6, 30, 1, 1, 1, 1, 0, 1),  /* joined lines */
        CONV(2, 24, 28, 28, 30, 1, 1, 1, 1, 0, 1),
        CONV(2, 24, 11, 23, 30, 1, 1, 1, 1, 0, 1),
        CONV(9, 20, 14, 14, 130, 1, 1, 1, 1, 0, 1), /* more panels of rows than one may pack x for */
        CONV(1, 2, 40, 40, 2, 17, 17, 1, 1, 8, 1), /* more taps than a stretch */
        CONV(2, 12, 10, 10, 12, 3, 3, 1, 1, 1, 12), /* depthwise */
        CONV(2, 5, 70, 70, 5, 3, 3, 2, 1, 1, 5),
        CONV(2, 6, 10, 10, 12, 3, 3, 1, 1, 1, 6),  /* two outputs a channel */
        CONV(2, 12, 10, 10, 8, 3, 3, 2, 1, 1, 4),
        CONV(2, 3, 30, 30, 8, 11, 11, 4, 1, 2, 1), /* AlexNet's first, smaller */
        CONV(3, 600, 20, 20, 40, 1, 1, 1, 1, 0, 1), /* one tap: many stretches, units that straddle images */
        CONV(9, 70, 7, 7, 45, 1, 1, 1, 1, 0, 1),
        CONV(1, 50, 7, 7, 40, 1, 1, 1, 1, 0, 1),    /* one place is left at an image's end, */
        CONV(1, 1030, 3, 13, 3, 1, 1, 1, 1, 0, 1),  /* seven and fewer channels than are summed at once */
        CONV(3, 2048, 5, 9, 34, 1, 1, 1, 1, 0, 2),  /* rows that share a set of the cache */
        CONV(2, 40, 15, 15, 30, 1, 1, 2, 1, 0, 1),  /* one tap, strided */
        CONV(3, 33, 14, 15, 20, 1, 1, 3, 1, 0, 1),
        CONV(6, 128, 56, 56, 16, 1, 1, 2, 1, 0, 1), /* images that are gathered together, and one that is left, cut otherwise */
        CONV(2, 20, 9, 9, 30, 1, 1, 1, 1, 3, 1),    /* one tap, padded */
        CONV(3, 60, 14, 14, 300, 3, 3, 1, 1, 1, 1), /* blocks of output channels */
        CONV(5, 5, 20, 20, 5, 3, 3, 5, 1, 1, 5),    /* depthwise, more residues than are gathered */
        CONV(2, 35, 14, 14, 35, 3, 3, 2, 1, 1, 35),
        CONV(2, 18, 9, 9, 18, 5, 5, 2, 2, 3, 18),
        CONV(1, 17, 120, 120, 17, 3, 3, 1, 1, 1, 17), /* several strips */
        CONV(1, 17, 121, 90, 17, 3, 3, 2, 1, 1, 17),
        CONV(2, 4, 256, 256, 32, 1, 1, 1, 1, 0, 1),   /* results that go past the caches */
        CONV(1, 1, 512, 512, 16, 3, 3, 1, 1, 1, 1),
        CONV(1, 300, 7, 7, 12, 3, 3, 1, 1, 1, 1),   /* few output channels: not through Winograd's tiles */
        CONV(40, 12, 7, 7, 33, 3, 3, 1, 1, 1, 1),
        CONV(1, 12, 40, 40, 300, 3, 3, 1, 1, 1, 1),
        CONV(1, 100, 7, 9, 300, 3, 3, 2, 1, 1, 1),  /* the gradient of the data by a scatter, */
        CONV(1, 330, 9, 5, 210, 2, 2, 3, 1, 1, 1),  /* some of whose places no tap reaches, */
        CONV(1, 67, 11, 8, 500, 3, 3, 2, 2, 3, 1),
        CONV(2, 3, 60, 45, 20, 3, 3, 2, 1, 1, 1),   /* few taps: units whose columns are packed together */
        CONV(1, 200, 8, 9, 50, 3, 3, 1, 1, 1, 1),   /* tiles cut by both edges; several stretches of input channels */
        CONV(2, 48, 9, 11, 44, 3, 3, 1, 1, 0, 2),   /* groups, no padding */
        CONV(3, 17, 13, 10, 16, 5, 5, 1, 1, 4, 1),  /* tiles of padding alone */
        CONV(4, 100, 28, 28, 70, 5, 5, 1, 1, 2, 1), /* several chunks, which are joined in the gradient of the weights */
        CONV(1, 64, 256, 256, 64, 3, 3, 1, 1, 1, 64),
        CONV(1, 1495, 52, 54, 1495, 3, 3, 1, 1, 1, 1495), /* the last task is not whole vectors */
        CONV(1, 1495, 52, 54, 1495, 3, 3, 2, 1, 1, 1495),
        CONV(7, 3, 12, 31, 7, 3, 3, 1, 1, 1, 1),    /* few input channels: several images a unit, lines cut short, */
        CONV(2, 4, 61, 63, 16, 3, 3, 2, 1, 1, 2),   /* strided, groups, an output channel left over, */
        CONV(20, 2, 30, 32, 1, 5, 6, 1, 2, 4, 1),   /* one output channel, */
        CONV(3, 4, 40, 100, 50, 4, 4, 1, 1, 1, 1),  /* many chunks, */
        CONV(1, 1, 5, 112, 200, 3, 9, 1, 1, 4, 1),  /* many blocks of output channels */
        CONV(3, 40, 66, 64, 9, 2, 2, 2, 1, 0, 1),   /* windows side by side: several chunks of lines, */
        CONV(2, 7, 6, 38, 33, 2, 2, 2, 1, 0, 1),    /* lines that are not whole vectors */
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        cnn__conv g = shapes[i];
        ck_assert(conv_size(&g, g.pad_top, g.pad_left));
        if (!too_large(&g)) {
            conv_check(&g, i % 2);
        }
    }
}
END_TEST

/* Strips of every width of vectors, and planes that share one. */
START_TEST(conv_agrees_on_depthwise_widths)
{
    uint64_t place = 99;
    for (int64_t w = 1; w <= 50; w++) {
        for (int64_t stride = 1; stride <= 2; stride++) {
            int64_t c = draw(&place, 1, 35), h = draw(&place, 1, 9);
            cnn__conv g = CONV(draw(&place, 1, 15), c, h, w, c, 3, 3, stride, 1, 1, c);
            ck_assert(conv_size(&g, 1, 1));
            conv_check(&g, draw(&place, 0, 1));
            g.pad_top = draw(&place, 0, 2);
            g.pad_left = draw(&place, 0, 2);
            if (conv_size(&g, draw(&place, 0, 2), draw(&place, 0, 2))) {
                conv_check(&g, draw(&place, 0, 1));
            }
        }
    }
}
END_TEST

/* Every third channel of a depthwise convolution's operand becomes NaN. */
static void spoil(float *p, const cnn__conv *g, int64_t plane)
{
    for (int64_t k = 0; k < g->batch * g->groups; k++) {
        for (int64_t i = 0; i < plane && k % g->groups % 3 == 1; i++) {
            p[k * plane + i] = NAN;
        }
    }
}

/* The other channels have the bits of a run in which nothing was spoilt; frees both runs. */
static void unspoilt(const char *what, const char *table, const cnn__conv *g, int64_t images, int64_t plane, float *clean,
                     float *spoilt)
{
    char text[256];
    for (int64_t k = 0; k < images * g->groups; k++) {
        if (k % g->groups % 3 != 1 && memcmp(clean + k * plane, spoilt + k * plane, (size_t)plane * sizeof *clean) != 0) {
            ck_abort_msg("%s %s %s: another channel's NaN is in channel %lld", table, what, conv_text(text, g),
                         (long long)(k % g->groups));
        }
    }
    free(clean);
    free(spoilt);
}

START_TEST(conv_keeps_depthwise_channels_apart)
{
    for (int64_t w = 1; w <= 40; w++) {
        for (int64_t stride = 1; stride <= 2; stride++) {
            cnn__conv g = CONV(2, 11, 1 + w % 5, w, 11, 3, 3, stride, 1, 1, 11);
            ck_assert(conv_size(&g, 1, 1));
            conv_sizes n = conv_measure(&g);
            int64_t in = g.in_h * g.in_w, out = g.out_h * g.out_w;
            float *x = numbers(n.x, 1), *weight = numbers(n.weight, 2), *dy = numbers(n.y, 3);
            float *x_nan = numbers(n.x, 1), *dy_nan = numbers(n.y, 3);
            spoil(x_nan, &g, in);
            spoil(dy_nan, &g, out);
            FOR_TABLES(k)
            {
                cnn__pool *pool = contexts[0]->pool;
                unspoilt("conv_forward", k->name, &g, g.batch, out, conv_forward_run(k->f32, &g, x, weight, NULL, pool),
                         conv_forward_run(k->f32, &g, x_nan, weight, NULL, pool));
                unspoilt("conv_backward_data", k->name, &g, g.batch, in, conv_data_run(k->f32, &g, dy, weight, pool),
                         conv_data_run(k->f32, &g, dy_nan, weight, pool));
                unspoilt("conv_backward_weight", k->name, &g, 1, 9, conv_weight_run(k->f32, &g, x, dy, false, pool),
                         conv_weight_run(k->f32, &g, x_nan, dy_nan, false, pool));
            }
            free(x);
            free(weight);
            free(dy);
            free(x_nan);
            free(dy_nan);
        }
    }
}
END_TEST

/* ---- convolution, ReLU and pooling in one ---- */

/* What one table makes of a convolution, ReLU and pooling. */
typedef struct conv_relu_pool_results {
    float *y, *dx, *dw, *db;
    uint8_t *index;
} conv_relu_pool_results;

typedef struct conv_relu_pool_operands {
    const cnn__conv *g;
    conv_sizes n;
    int64_t pooled;
    float *x, *weight, *bias, *dy;
} conv_relu_pool_operands;

static conv_relu_pool_results conv_relu_pool_run(const cnn__real_kernels *table, const conv_relu_pool_operands *o, bool biased,
                                     const uint8_t *index, cnn__pool *pool)
{
    const float *bias = biased ? o->bias : NULL;
    int workers = cnn__pool_size(pool);
    void *w1 = workspace_new(table->conv_relu_pool_forward_workspace(o->g, workers));
    void *w2 = workspace_new(table->conv_relu_pool_backward_data_workspace(o->g, workers));
    void *w3 = workspace_new(table->conv_relu_pool_backward_weight_workspace(o->g, workers));
    conv_relu_pool_results r = { numbers(o->pooled, 9), numbers(o->n.x, 9), numbers(o->n.weight, 9), numbers(o->n.bias, 9),
                           block((size_t)o->pooled) };
    table->conv_relu_pool_forward(o->g, o->x, o->weight, bias, r.y, r.index, w1, pool);
    table->conv_relu_pool_forward(o->g, o->x, o->weight, bias, r.y, NULL, w1, pool);
    /* Backward with the reference's index, so that a tie broken by rounding is no difference. */
    index = index ? index : r.index;
    table->conv_relu_pool_backward_data(o->g, o->dy, index, o->weight, r.dx, w2, pool);
    table->conv_relu_pool_backward_weight(o->g, o->x, o->dy, index, r.dw, r.db, w3, pool);
    free(w1);
    free(w2);
    free(w3);
    return r;
}

static void conv_relu_pool_free(conv_relu_pool_results *r)
{
    free(r->y);
    free(r->dx);
    free(r->dw);
    free(r->db);
    free(r->index);
}

static void conv_relu_pool_compare(const cnn__kernels *k, const conv_relu_pool_operands *o, const conv_relu_pool_results *one,
                             const conv_relu_pool_results *three, const conv_relu_pool_results *expected)
{
    char text[256];
    same_bits("conv_relu_pool", k->name, conv_text(text, o->g), one->y, three->y, (size_t)o->pooled * sizeof(float));
    same_bits("conv_relu_pool's dx", k->name, text, one->dx, three->dx, (size_t)o->n.x * sizeof(float));
    same_bits("conv_relu_pool's dweight", k->name, text, one->dw, three->dw, (size_t)o->n.weight * sizeof(float));
    same_bits("conv_relu_pool's dbias", k->name, text, one->db, three->db, (size_t)o->n.bias * sizeof(float));
    close_to("conv_relu_pool", k->name, text, one->y, expected->y, o->pooled, 1e-5);
    close_to("conv_relu_pool's dx", k->name, text, one->dx, expected->dx, o->n.x, 2e-5);
    close_to("conv_relu_pool's dweight", k->name, text, one->dw, expected->dw, o->n.weight, 3e-5);
    close_to("conv_relu_pool's dbias", k->name, text, one->db, expected->db, o->n.bias, 3e-5);
}

static void conv_relu_pool_check(const cnn__conv *g, bool biased)
{
    conv_sizes n = conv_measure(g);
    conv_relu_pool_operands o = { .g = g, .n = n, .pooled = g->batch * g->out_channels * (g->out_h / 2) * (g->out_w / 2),
                            .x = numbers(n.x, 1), .weight = numbers(n.weight, 2), .bias = numbers(n.bias, 3) };
    o.dy = numbers(o.pooled, 4);
    conv_relu_pool_results expected = conv_relu_pool_run(reference(), &o, biased, NULL, NULL);
    FOR_TABLES(k)
    {
        conv_relu_pool_results one = conv_relu_pool_run(k->f32, &o, biased, expected.index, contexts[0]->pool);
        conv_relu_pool_results three = conv_relu_pool_run(k->f32, &o, biased, expected.index, contexts[1]->pool);
        conv_relu_pool_compare(k, &o, &one, &three, &expected);
        conv_relu_pool_free(&one);
        conv_relu_pool_free(&three);
    }
    conv_relu_pool_free(&expected);
    free(o.x);
    free(o.weight);
    free(o.bias);
    free(o.dy);
}

START_TEST(conv_relu_pool_agrees_with_the_chain)
{
    uint64_t place = 0;
    for (int i = 0; i < shapes_wanted(60);) {
        int64_t channels = i % 6 ? 12 : 70;
        cnn__conv g = { .batch = draw(&place, 1, 6), .groups = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1,
                        .dilation_w = 1, .in_channels = draw(&place, 1, channels),
                        .out_channels = draw(&place, 1, channels), .in_h = draw(&place, 1, 15),
                        .in_w = draw(&place, 1, 33), .kernel_h = draw(&place, 1, 5), .kernel_w = draw(&place, 1, 5),
                        .pad_top = draw(&place, 0, 3), .pad_left = draw(&place, 0, 3) };
        if (conv_size(&g, draw(&place, 0, 3), draw(&place, 0, 3)) && g.out_h > 1 && g.out_w > 1) {
            ck_assert(cnn__conv_relu_pool_fits(&g));
            conv_relu_pool_check(&g, i % 2);
            i++;
        }
    }
}
END_TEST

/* Places in an image, and in the weights, have 31 bits. */
START_TEST(conv_relu_pool_leaves_out_what_is_too_large)
{
    cnn__conv usual = CONV(1, 1, 2000, 2000, 8, 5, 5, 1, 1, 2, 1), image = CONV(1, 1, 6000, 6000, 8, 5, 5, 1, 1, 2, 1);
    cnn__conv channels = CONV(1, 64, 3000, 3000, 8, 5, 5, 1, 1, 2, 1), weights = CONV(1, 20000, 4, 4, 20000, 5, 5, 1, 1, 2, 1);
    cnn__conv *all[] = { &usual, &image, &channels, &weights };
    for (int i = 0; i < 4; i++) {
        ck_assert(conv_size(all[i], 2, 2));
        ck_assert_int_eq(cnn__conv_relu_pool_fits(all[i]), i == 0);
    }
}
END_TEST

/* 5 × 5 kernels between many channels take another way than the rest. */
START_TEST(conv_relu_pool_by_winograd_agrees_with_the_chain)
{
    uint64_t place = 7;
    for (int i = 0; i < shapes_wanted(24);) {
        cnn__conv g = { .batch = draw(&place, 0, 10), .groups = 1, .stride_h = 1, .stride_w = 1, .dilation_h = 1,
                        .dilation_w = 1, .in_channels = draw(&place, 16, 40), .out_channels = draw(&place, 16, 70),
                        .in_h = draw(&place, 1, 12), .in_w = draw(&place, 1, 20), .kernel_h = 5, .kernel_w = 5,
                        .pad_top = draw(&place, 0, 4), .pad_left = draw(&place, 0, 4) };
        if (conv_size(&g, draw(&place, 0, 4), draw(&place, 0, 4)) && g.out_h > 1 && g.out_w > 1) {
            conv_relu_pool_check(&g, i % 2);
            i++;
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conv_kernels");
    TCase *tests = suite_case(suite, "conv_kernels", pools_make, pools_free);
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, conv_agrees_on_adversarial_shapes);
    tcase_add_test(tests, conv_agrees_on_depthwise_widths);
    tcase_add_test(tests, conv_keeps_depthwise_channels_apart);
    tcase_add_test(tests, conv_agrees_on_random_shapes);
    tcase_add_test(tests, conv_relu_pool_agrees_with_the_chain);
    tcase_add_test(tests, conv_relu_pool_leaves_out_what_is_too_large);
    tcase_add_test(tests, conv_relu_pool_by_winograd_agrees_with_the_chain);
    return suite_run(suite);
}
