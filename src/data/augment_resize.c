/* Resizing, and crops that are resized.
 *
 * Each pixel of a result is a sum of pixels of the source under a triangle, one direction after the other: first rows,
 * which are whole vectors, then the pixels of the row that comes out. A triangle of the width of two pixels is bilinear
 * interpolation; where the result is smaller, antialiasing stretches it by the factor. */
#include "data/augment.h"

#include "base/math.h"

#include <inttypes.h>

/* For each pixel of a direction of the result, the first pixel of the source, and the weights of it and of those that
 * follow. */
typedef struct resize_axis {
    int64_t size, taps;
    float *first;  /* whole numbers, at most CNN__LARGEST_SIDE */
    float *weight; /* [size][taps] */
} resize_axis;

/* How many numbers an axis has at most, of n pixels that become m. */
static int64_t axis_room(int64_t n, int64_t m)
{
    return 2 * n + 6 * m;
}

/* The weights of pixel i, whose `taps` pixels begin at `first`; they sum to 1. */
static void axis_weights(float *weight, int64_t taps, int64_t first, int64_t low, int64_t high, double center,
                         double support)
{
    double total = 0;
    for (int64_t k = 0; k < taps; k++) {
        double at = (double)(first + k) + 0.5 - center, value = support - fabs(at);
        value = first + k >= low && first + k < high && value > 0 ? value : 0;
        total += value;
        weight[k] = (float)value;
    }
    for (int64_t k = 0; k < taps; k++) {
        weight[k] = (float)((double)weight[k] / total);
    }
}

static resize_axis axis_make(const cnn__transform *t, int64_t n, int64_t m, float *memory)
{
    double scale = (double)n / (double)m, support = t->u.resize.antialias && scale > 1 ? scale : 1;
    int64_t taps = t->u.resize.nearest ? 1 : (int64_t)ceil(2 * support) + 1;
    resize_axis a = { m, taps < n ? taps : n, memory, memory + m };
    for (int64_t i = 0; i < m; i++) {
        double center = scale * ((double)i + 0.5);
        int64_t low = (int64_t)(center - support + 0.5), high = (int64_t)(center + support + 0.5);
        if (t->u.resize.nearest) {
            low = (int64_t)(scale * (double)i);
        }
        low = low < 0 ? 0 : low < n - 1 ? low : n - 1;
        int64_t first = low < n - a.taps ? low : n - a.taps;
        a.first[i] = (float)first;
        if (t->u.resize.nearest) {
            a.weight[i] = 1;
        } else {
            axis_weights(a.weight + i * a.taps, a.taps, first, low, high < n ? high : n, center, support);
        }
    }
    return a;
}

/* One row of the source for one of the result: w pixels, `step` numbers from row to row. */
static void sum_rows(const float *x, int64_t step, const float *weight, int64_t taps, int64_t w, float *line)
{
    for (int64_t k = 0; k < taps; k++, x += step) {
        float c = weight[k];
        for (int64_t i = 0; i < w; i++) {
            line[i] = k ? line[i] + c * x[i] : c * x[i];
        }
    }
}

static void sum_pixels(const float *line, const resize_axis *a, float *y)
{
    for (int64_t i = 0; i < a->size; i++) {
        const float *x = line + (int64_t)a->first[i], *weight = a->weight + i * a->taps;
        float sum = weight[0] * x[0];
        for (int64_t k = 1; k < a->taps; k++) {
            sum += weight[k] * x[k];
        }
        y[i] = sum;
    }
}

/* The size of the result of an image; as torchvision rounds, where the shorter side is given: down. */
static __attribute__((noinline)) CNN__SELDOM cnn__extent size_of(const cnn__transform *t, cnn__extent e)
{
    int64_t most = t->u.resize.max_size, shorter = t->u.resize.h, longer;
    bool upright = e.w <= e.h;
    if (t->u.resize.w) {
        return (cnn__extent){ e.c, t->u.resize.h, t->u.resize.w };
    }
    longer = upright ? shorter * e.h / e.w : shorter * e.w / e.h;
    if (most && longer > most) {
        shorter = most * shorter / longer;
        shorter = shorter > 1 ? shorter : 1;
        longer = most;
    }
    return upright ? (cnn__extent){ e.c, longer, shorter } : (cnn__extent){ e.c, shorter, longer };
}

void cnn__resized_crop(cnn__frame *f, const cnn__transform *t, int64_t top, int64_t left, int64_t h, int64_t w)
{
    cnn__extent out = size_of(t, f->e);
    int64_t step = f->e.w, out_h = out.h, out_w = out.w;
    float *line = f->work, *y = f->spare;
    resize_axis rows = axis_make(t, h, out_h, line + w),
                columns = axis_make(t, w, out_w, line + w + axis_room(h, out_h));
    for (int64_t c = 0; c < f->e.c; c++) {
        const float *part = f->x + (c * f->e.h + top) * step + left;
        for (int64_t i = 0; i < out_h; i++, y += out_w) {
            sum_rows(part + (int64_t)rows.first[i] * step, step, rows.weight + i * rows.taps, rows.taps, w, line);
            sum_pixels(line, &columns, y);
        }
    }
    cnn__frame_swap(f, out_h, out_w);
}

static CNN__SELDOM cnn_status resize_infer(const cnn__transform *t, const cnn_context *ctx, cnn__extent *e,
                                           int64_t *work)
{
    cnn__extent out = *e;
    if (e->h <= CNN__LARGEST_SIDE && e->w <= CNN__LARGEST_SIDE) {
        out = size_of(t, *e);
    }
    if (out.h > CNN__LARGEST_SIDE || out.w > CNN__LARGEST_SIDE) {
        return cnn__fail(ctx, CNN_ERROR_SHAPE, "%s: images of %" PRId64 " x %" PRId64 ", expected sides of up to %d",
                         t->call, out.h, out.w, CNN__LARGEST_SIDE);
    }
    *work = e->w + axis_room(e->h, out.h) + axis_room(e->w, out.w);
    *e = out;
    return CNN_OK;
}

/* ---- the whole image ---- */

static cnn_status resize_apply(const cnn__transform *t, cnn__frame *f)
{
    cnn__extent out = size_of(t, f->e);
    if (f->e.h != out.h || f->e.w != out.w) {
        cnn__resized_crop(f, t, 0, 0, f->e.h, f->e.w);
    }
    return CNN_OK;
}

CNN__SELDOM cnn_status cnn_augment_resize_with(cnn_augmentation *augmentation, int64_t height, int64_t width,
                                               const cnn_resize_options *options)
{
    static const cnn__transform_kind kind = { .infer = resize_infer, .apply = resize_apply };
    cnn_augmentation *a = augmentation;
    cnn_resize_options o;
    cnn__transform t = { .kind = &kind, .call = "augment_resize" };
    if (!CNN__AUGMENT_OPTIONS(a, t.call, &o, options) ||
        !cnn__augment_check_size(a, t.call, height, width ? width : height)) {
        return cnn__failure_status();
    }
    if (o.max_size && (width || o.max_size <= height || o.max_size > CNN__LARGEST_SIDE)) {
        return cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT,
                                 "%s: max_size is %" PRId64 ", expected more than the height %" PRId64
                                 ", up to %d, and a width of 0",
                                 t.call, o.max_size, height, CNN__LARGEST_SIDE);
    }
    t.u.resize.h = height;
    t.u.resize.w = width;
    t.u.resize.max_size = o.max_size;
    t.u.resize.nearest = o.nearest;
    t.u.resize.antialias = !o.no_antialias;
    return cnn__augment_add(a, &t, 0) ? CNN_OK : CNN_ERROR_NO_MEMORY;
}

/* ---- a part that is drawn ---- */

/* The whole image, but for what makes its sides' ratio larger or smaller than allowed. */
static void middle_part(const cnn__transform *t, cnn__frame *f)
{
    double ih = (double)f->e.h, iw = (double)f->e.w, ratio = iw / ih;
    const double *allowed = t->u.resize.ratio;
    double h = ratio < allowed[0] ? rint(iw / allowed[0]) : ih;
    double w = ratio > allowed[1] ? rint(ih * allowed[1]) : iw;
    int64_t rows = h < 1 ? 1 : h < ih ? (int64_t)h : f->e.h, columns = w < 1 ? 1 : w < iw ? (int64_t)w : f->e.w;
    cnn__resized_crop(f, t, (f->e.h - rows) / 2, (f->e.w - columns) / 2, rows, columns);
}

static cnn_status part_apply(const cnn__transform *t, cnn__frame *f)
{
    const double *scale = t->u.resize.scale, *ratio = t->u.resize.ratio;
    for (int i = 0; i < CNN__DRAW_TRIES; i++) {
        double area = (double)(f->e.h * f->e.w) * cnn__draw_between(f->random, scale[0], scale[1]);
        double aspect = cnn__draw_ratio(f->random, ratio[0], ratio[1]);
        double w = rint(sqrt(area * aspect)), h = rint(sqrt(area / aspect));
        if (w > 0 && w <= (double)f->e.w && h > 0 && h <= (double)f->e.h) {
            int64_t top = cnn__draw_below(f->random, f->e.h - (int64_t)h + 1);
            int64_t left = cnn__draw_below(f->random, f->e.w - (int64_t)w + 1);
            cnn__resized_crop(f, t, top, left, (int64_t)h, (int64_t)w);
            return CNN_OK;
        }
    }
    middle_part(t, f);
    return CNN_OK;
}

CNN__SELDOM cnn_status cnn_augment_random_resized_crop_with(cnn_augmentation *augmentation, int64_t height,
                                                            int64_t width,
                                                            const cnn_random_resized_crop_options *options)
{
    static const cnn__transform_kind kind = { .infer = resize_infer, .apply = part_apply };
    cnn_augmentation *a = augmentation;
    cnn_random_resized_crop_options o;
    cnn__transform t = { .kind = &kind, .call = "augment_random_resized_crop" };
    if (!CNN__AUGMENT_OPTIONS(a, t.call, &o, options) || !cnn__augment_check_size(a, t.call, height, width)) {
        return cnn__failure_status();
    }
    t.u.resize.h = height;
    t.u.resize.w = width;
    t.u.resize.scale[0] = cnn__option(o.scale_min, 0.08);
    t.u.resize.scale[1] = cnn__option(o.scale_max, 1);
    t.u.resize.ratio[0] = cnn__option(o.ratio_min, 3.0 / 4);
    t.u.resize.ratio[1] = cnn__option(o.ratio_max, 4.0 / 3);
    t.u.resize.nearest = o.nearest;
    t.u.resize.antialias = !o.no_antialias;
    bool good = cnn__augment_check_range(a, t.call, "scale", t.u.resize.scale, CNN__LEAST, 1) &&
                cnn__augment_check_range(a, t.call, "ratio", t.u.resize.ratio, CNN__LEAST, 1 / CNN__LEAST) &&
                cnn__augment_add(a, &t, 0);
    return good ? CNN_OK : cnn__failure_status();
}
