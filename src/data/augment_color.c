/* Transforms of colours, with the formulas that torchvision has for tensors of floating-point numbers, and
 * normalisation. */
#include "data/augment.h"

#include "base/math.h"

#include <inttypes.h>

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE, ADJUSTMENTS };

static float clamped(float x)
{
    return x > 1 ? 1 : x > 0 ? x : 0;
}

static float gray(float r, float g, float b)
{
    return 0.2989f * r + 0.587f * g + 0.114f * b;
}

/* ---- adjustments ---- */

static void brighten(float *x, int64_t n, float factor, float other)
{
    for (int64_t i = 0; i < n; i++) {
        x[i] = clamped(factor * x[i] + other);
    }
}

/* The mean of the image in shades of grey, summed in double. */
static float mean_of(const cnn__frame *f)
{
    const float *r = f->x;
    int64_t plane = f->e.h * f->e.w;
    double sum = 0;
    for (int64_t i = 0; i < plane; i++) {
        sum += (double)(f->e.c == 3 ? gray(r[i], r[i + plane], r[i + 2 * plane]) : r[i]);
    }
    return (float)(sum / (double)plane);
}

static void saturate(float *restrict r, float *restrict g, float *restrict b, int64_t n, float factor)
{
    for (int64_t i = 0; i < n; i++) {
        float other = (1 - factor) * gray(r[i], g[i], b[i]);
        r[i] = clamped(factor * r[i] + other);
        g[i] = clamped(factor * g[i] + other);
        b[i] = clamped(factor * b[i] + other);
    }
}

/* One channel of the colour of hue h / 6, which is `high` less up to `span`; `at` is 5 for red, 3 for green and 1 for
 * blue. */
static float channel_of(float h, float at, float high, float span)
{
    float k = at + h;
    k = k >= 6 ? k - 6 : k;
    k = k < 4 - k ? k : 4 - k;
    return clamped(high - span * clamped(k));
}

/* By hue, saturation and value (Smith 1978); the largest and the smallest channel stay. */
static void turn_hue(float *restrict r, float *restrict g, float *restrict b, int64_t n, float shift)
{
    for (int64_t i = 0; i < n; i++) {
        float x = r[i], y = g[i], z = b[i];
        float high = x > y ? x : y, low = x < y ? x : y;
        high = z > high ? z : high;
        low = z < low ? z : low;
        float span = high - low, difference = x == high ? y - z : y == high ? z - x : x - y;
        float h = (x == high ? 6.0f : y == high ? 8.0f : 10.0f) + difference / (span > 0 ? span : 1) + 6 * shift;
        h -= h >= 12 ? 12.0f : h >= 6 ? 6.0f : 0.0f; /* h was 2 to 14 */
        r[i] = channel_of(h, 5, high, span);
        g[i] = channel_of(h, 3, high, span);
        b[i] = channel_of(h, 1, high, span);
    }
}

void cnn__adjust_color(cnn__frame *f, int number, double factor)
{
    int64_t plane = f->e.h * f->e.w, numel = cnn__extent_numel(f->e);
    float *r = f->x, *g = r + plane, *b = g + plane;
    if (number == BRIGHTNESS || number == CONTRAST) {
        brighten(r, numel, (float)factor, number == CONTRAST ? (float)(1 - factor) * mean_of(f) : 0);
    } else if (f->e.c == 3 && number == SATURATION) {
        saturate(r, g, b, plane, (float)factor);
    } else if (f->e.c == 3) {
        turn_hue(r, g, b, plane, (float)factor);
    }
}

cnn_status cnn__augment_infer_colors(const cnn__transform *t, const cnn_context *ctx, cnn__extent *e, int64_t *work)
{
    (void)work;
    if (e->c == 1 || e->c == 3) {
        return CNN_OK;
    }
    return cnn__fail(ctx, CNN_ERROR_SHAPE, "%s: images have %" PRId64 " channels, expected 1 or 3", t->call, e->c);
}

/* The order first (Fisher and Yates), then the factors of the four, whether they are wanted or not. */
static cnn_status jitter_apply(const cnn__transform *t, cnn__frame *f)
{
    int order[ADJUSTMENTS] = { BRIGHTNESS, CONTRAST, SATURATION, HUE };
    double factor[ADJUSTMENTS];
    for (int i = ADJUSTMENTS - 1; i > 0; i--) {
        int j = (int)cnn__draw_below(f->random, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (int i = 0; i < ADJUSTMENTS; i++) {
        factor[i] = cnn__draw_between(f->random, t->u.jitter.factor[i][0], t->u.jitter.factor[i][1]);
    }
    for (int i = 0; i < ADJUSTMENTS; i++) {
        const double *range = t->u.jitter.factor[order[i]], same = order[i] == HUE ? 0 : 1;
        if (range[0] < same || range[1] > same) {
            cnn__adjust_color(f, order[i], factor[order[i]]);
        }
    }
    return CNN_OK;
}

CNN__SELDOM cnn_status cnn_augment_color_jitter_with(cnn_augmentation *augmentation,
                                                     const cnn_color_jitter_options *options)
{
    static const cnn__transform_kind kind = { .infer = cnn__augment_infer_colors, .apply = jitter_apply };
    static const char *const names[ADJUSTMENTS] = { "brightness", "contrast", "saturation", "hue" };
    cnn_augmentation *a = augmentation;
    cnn_color_jitter_options o;
    cnn__transform t = { .kind = &kind, .call = "augment_color_jitter" };
    bool good = CNN__AUGMENT_OPTIONS(a, t.call, &o, options);
    if (!good) {
        return cnn__failure_status();
    }
    const double given[ADJUSTMENTS][3] = { { o.brightness, o.brightness_min, o.brightness_max },
                                           { o.contrast, o.contrast_min, o.contrast_max },
                                           { o.saturation, o.saturation_min, o.saturation_max },
                                           { o.hue, o.hue_min, o.hue_max } };
    for (int i = 0; good && i < ADJUSTMENTS; i++) {
        double most = i == HUE ? 0.5 : 1 / CNN__LEAST, span = cnn__option(given[i][0], 0),
               *range = t.u.jitter.factor[i];
        if (given[i][1] != 0 || given[i][2] != 0) {
            range[0] = cnn__option(given[i][1], 0);
            range[1] = cnn__option(given[i][2], 0);
            good = cnn__augment_check_range(a, t.call, names[i], range, i == HUE ? -most : 0, most);
        } else {
            range[0] = i == HUE ? -span : span < 1 ? 1 - span : 0;
            range[1] = i == HUE ? span : 1 + span;
            good = cnn__augment_check(a, t.call, names[i], span, 0, most);
        }
    }
    return good && cnn__augment_add(a, &t, 0) ? CNN_OK : cnn__failure_status();
}

/* ---- shades of grey ---- */

static cnn_status gray_apply(const cnn__transform *t, cnn__frame *f)
{
    if (cnn__draw_uniform(f->random) < t->p) {
        cnn__adjust_color(f, SATURATION, 0);
    }
    return CNN_OK;
}

CNN__SELDOM cnn_status cnn_augment_random_grayscale(cnn_augmentation *augmentation, double p)
{
    static const cnn__transform_kind kind = { .infer = cnn__augment_infer_colors, .apply = gray_apply };
    cnn__transform t = { .kind = &kind, .call = "augment_random_grayscale", .p = cnn__option(p, 0) };
    bool good = cnn__augment_begin(augmentation, t.call) && cnn__augment_check(augmentation, t.call, "p", p, 0, 1) &&
                cnn__augment_add(augmentation, &t, 0);
    return good ? CNN_OK : cnn__failure_status();
}

/* ---- normalisation ---- */

static CNN__SELDOM cnn_status normalize_infer(const cnn__transform *t, const cnn_context *ctx, cnn__extent *e,
                                              int64_t *work)
{
    (void)work;
    if (t->u.normalize.channels == 1 || t->u.normalize.channels == e->c) {
        return CNN_OK;
    }
    return cnn__fail(ctx, CNN_ERROR_SHAPE, "%s: channels is %d, expected 1 or the images' %" PRId64, t->call,
                     t->u.normalize.channels, e->c);
}

static cnn_status normalize_apply(const cnn__transform *t, cnn__frame *f)
{
    int channels = t->u.normalize.channels;
    int64_t plane = cnn__extent_numel(f->e) / channels;
    float *x = f->x;
    for (int c = 0; c < channels; c++, x += plane) {
        float mean = t->u.normalize.mean[c], std = t->u.normalize.std[c];
        for (int64_t i = 0; i < plane; i++) {
            x[i] = (x[i] - mean) / std;
        }
    }
    return CNN_OK;
}

static const cnn__transform_kind normalize_kind = { .infer = normalize_infer, .apply = normalize_apply };

static void normalize_set(cnn__transform *t, int channels, const double *mean, const double *std)
{
    t->u.normalize.channels = channels;
    t->u.normalize.mean = (float *)(void *)(t + 1);
    t->u.normalize.std = t->u.normalize.mean + channels;
    for (int c = 0; c < channels; c++) {
        t->u.normalize.mean[c] = (float)mean[c];
        t->u.normalize.std[c] = (float)std[c];
    }
}

cnn__transform *cnn__normalize_new(cnn_context *ctx, int channels, const double *mean, const double *std)
{
    cnn__transform *t = cnn__calloc(ctx, 1, sizeof *t + 2 * (size_t)channels * sizeof(float));
    if (t) {
        t->kind = &normalize_kind;
        normalize_set(t, channels, mean, std);
    }
    return t;
}

CNN__SELDOM cnn_status cnn_augment_normalize(cnn_augmentation *augmentation, int channels, const double *mean,
                                             const double *std)
{
    cnn_augmentation *a = augmentation;
    const cnn__transform t = { .kind = &normalize_kind, .call = "augment_normalize" };
    if (!cnn__augment_begin(a, t.call)) {
        return cnn__failure_status();
    }
    if (channels < 1 || !mean || !std) {
        return cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", t.call,
                                 channels < 1 ? "channels is below 1, expected 1 or the images' channels"
                                 : mean       ? "std is NULL"
                                              : "mean is NULL");
    }
    for (int c = 0; c < channels; c++) {
        if (!isfinite(mean[c]) || !isfinite(std[c]) || !((float)std[c] > 0)) {
            return cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT,
                                     "%s: channel %d has mean %s and std %s, expected a finite mean and a std above 0",
                                     t.call, c, CNN__G(mean[c]), CNN__G(std[c]));
        }
    }
    cnn__transform *added = cnn__augment_add(a, &t, 2 * (size_t)channels * sizeof(float));
    if (!added) {
        return CNN_ERROR_NO_MEMORY;
    }
    normalize_set(added, channels, mean, std);
    a->normalizes = true;
    return CNN_OK;
}
