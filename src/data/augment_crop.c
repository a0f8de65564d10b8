/* Transforms that move whole pixels: crops, shifts, flips, and erasing. */
#include "data/augment.h"

#include "base/math.h"

#include <inttypes.h>
#include <string.h>

/* ---- crops ---- */

/* The pixel that stands at place i of a line of n pixels; −1: the fill. */
static int64_t beyond(int64_t i, int64_t n, int mode)
{
    if (i >= 0 && i < n) {
        return i;
    }
    if (mode == CNN_PAD_REFLECT || mode == CNN__PAD_SYMMETRIC) { /* without and with the pixel at the edge */
        int64_t edge = mode == CNN__PAD_SYMMETRIC;
        return i < 0 ? -i - edge : 2 * (n - 1) - i + edge;
    }
    return mode == CNN_PAD_CONSTANT ? -1 : i < 0 ? 0 : n - 1;
}

/* What stands beyond the edges of one channel. */
typedef struct border {
    int mode;
    float fill;
} border;

static border border_of(const cnn__frame *f, const cnn__transform *t, int64_t c)
{
    border b = { t->u.crop.mode, cnn__fill_of(t, c) };
    if (f->mean) {
        int64_t k = f->channels > 1 ? c : 0;
        b.fill = (b.fill - (float)f->mean[k]) / (float)f->std[k];
    }
    return b;
}

/* Fills places of a result, of which number i is place first + i of the line. */
static void fill_outside(const float *x, int64_t n, int64_t first, const border *b, float *y, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        y[i] = b->mode == CNN_PAD_CONSTANT ? b->fill : x[beyond(first + i, n, b->mode)];
    }
}

/* Writes w pixels from place `first` on of a line of n pixels. */
static void crop_line(const float *x, int64_t n, int64_t first, int64_t w, const border *b, float *y)
{
    int64_t begin = first < 0 ? -first : 0, end = n - first;
    begin = begin < w ? begin : w;
    end = end < begin ? begin : end < w ? end : w;
    if (end > begin) {
        memcpy(y + begin, x + first + begin, (size_t)(end - begin) * sizeof *y);
    }
    fill_outside(x, n, first, b, y, 0, begin);
    fill_outside(x, n, first, b, y, end, w);
}

void cnn__crop(cnn__frame *f, const cnn__transform *t, int64_t top, int64_t left, int64_t h, int64_t w)
{
    float *y = f->spare;
    for (int64_t c = 0; c < f->e.c; c++) {
        const float *plane = f->x + c * f->e.h * f->e.w;
        const border b = border_of(f, t, c);
        for (int64_t i = 0; i < h; i++, y += w) {
            int64_t row = beyond(top + i, f->e.h, b.mode);
            if (row < 0) {
                fill_outside(plane, f->e.w, left, &b, y, 0, w);
            } else {
                crop_line(plane + row * f->e.w, f->e.w, left, w, &b, y);
            }
        }
    }
    cnn__frame_swap(f, h, w);
}

/* How many pixels stand before and behind n in a direction of which `size` are cut out; returns n with them. */
static CNN__SELDOM int64_t crop_padding(const cnn__transform *t, int direction, int64_t n, int64_t size, int64_t pad[2])
{
    const int64_t *given = t->u.crop.padding[direction];
    int64_t missing = size - n - given[0] - given[1], more = t->u.crop.pad_if_needed && missing > 0 ? missing : 0;
    pad[0] = given[0] + more;
    pad[1] = given[1] + more;
    return n + pad[0] + pad[1];
}

/* Whether a line of n pixels has what stands before and behind it. */
static CNN__SELDOM bool reflects(const cnn__transform *t, int64_t n, const int64_t pad[2])
{
    int64_t most = t->u.crop.mode == CNN_PAD_REFLECT ? n - 1 : n;
    return t->u.crop.mode < CNN_PAD_REFLECT || t->u.crop.mode == CNN_PAD_REPLICATE ||
           (pad[0] <= most && pad[1] <= most);
}

static CNN__SELDOM cnn_status crop_infer(const cnn__transform *t, const cnn_context *ctx, cnn__extent *e, int64_t *work)
{
    (void)work;
    int64_t h = t->u.crop.h ? t->u.crop.h : e->h, w = t->u.crop.w ? t->u.crop.w : e->w, y[2], x[2];
    if (h > crop_padding(t, 0, e->h, h, y) || w > crop_padding(t, 1, e->w, w, x)) {
        return cnn__fail(ctx, CNN_ERROR_SHAPE,
                         "%s: a crop of %" PRId64 " x %" PRId64 " from images of %" PRId64 " x %" PRId64
                         " with a padding of %" PRId64 ", expected a smaller crop or pad_if_needed",
                         t->call, h, w, e->h, e->w, t->u.crop.padding[0][0]);
    }
    if (!reflects(t, e->h, y) || !reflects(t, e->w, x)) {
        return cnn__fail(ctx, CNN_ERROR_SHAPE,
                         "%s: a padding of %" PRId64 " x %" PRId64 " reflects images of %" PRId64 " x %" PRId64
                         ", expected less than the image with CNN_PAD_REFLECT",
                         t->call, y[0] > y[1] ? y[0] : y[1], x[0] > x[1] ? x[0] : x[1], e->h, e->w);
    }
    e->h = h;
    e->w = w;
    return CNN_OK;
}

static cnn_status crop_apply(const cnn__transform *t, cnn__frame *f)
{
    int64_t h = t->u.crop.h ? t->u.crop.h : f->e.h, w = t->u.crop.w ? t->u.crop.w : f->e.w, y[2], x[2];
    int64_t rows = crop_padding(t, 0, f->e.h, h, y), columns = crop_padding(t, 1, f->e.w, w, x);
    int64_t top = cnn__draw_below(f->random, rows - h + 1) - y[0];
    int64_t left = cnn__draw_below(f->random, columns - w + 1) - x[0];
    if (top || left || h != f->e.h || w != f->e.w) {
        cnn__crop(f, t, top, left, h, w);
    }
    return CNN_OK;
}

static const cnn__transform_kind crop_kind = { .infer = crop_infer, .apply = crop_apply, .moves = true };

/* Checks the padding of all sides, to which `more` is added side by side, and the mode. */
static CNN__SELDOM cnn_status crop_check(cnn_augmentation *a, cnn__transform *t, int64_t padding, const int64_t more[4])
{
    int mode = t->u.crop.mode;
    for (int i = 0; i < 4; i++) {
        int64_t one = padding < 0 || padding > CNN__LARGEST_SIDE ? padding : more[i];
        if (one < 0 || one > CNN__LARGEST_SIDE) {
            return cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT, "%s: padding is %" PRId64 ", expected 0 to %d",
                                     t->call, one, CNN__LARGEST_SIDE);
        }
        t->u.crop.padding[i / 2][i % 2] = padding + more[i];
    }
    if (mode < CNN_PAD_CONSTANT || mode > CNN_PAD_REPLICATE) {
        return cnn__augment_fail(
            a, CNN_ERROR_INVALID_ARGUMENT,
            "%s: padding_mode is %d, expected CNN_PAD_CONSTANT, CNN_PAD_REFLECT or CNN_PAD_REPLICATE", t->call, mode);
    }
    return CNN_OK;
}

CNN__SELDOM cnn_status cnn_augment_random_crop_with(cnn_augmentation *augmentation, int64_t height, int64_t width,
                                                    const cnn_random_crop_options *options)
{
    cnn_augmentation *a = augmentation;
    cnn_random_crop_options o;
    cnn__transform t = { .kind = &crop_kind, .call = "augment_random_crop" };
    if (!CNN__AUGMENT_OPTIONS(a, t.call, &o, options) || !cnn__augment_check_size(a, t.call, height, width)) {
        return cnn__failure_status();
    }
    const int64_t more[4] = { o.padding_top, o.padding_bottom, o.padding_left, o.padding_right };
    t.u.crop.h = height;
    t.u.crop.w = width;
    t.u.crop.mode = (int)o.padding_mode;
    t.u.crop.pad_if_needed = o.pad_if_needed;
    cnn_status status = crop_check(a, &t, o.padding, more);
    if (o.symmetric) {
        t.u.crop.mode = CNN__PAD_SYMMETRIC;
    }
    return status == CNN_OK ? cnn__augment_add_filled(a, &t, "fill", o.fill, o.fill_count, o.fills) : status;
}

CNN__SELDOM cnn_status cnn_augment_random_shift(cnn_augmentation *augmentation, int64_t pixels,
                                                cnn_pad_mode padding_mode)
{
    cnn_augmentation *a = augmentation;
    cnn__transform t = { .kind = &crop_kind, .call = "augment_random_shift" };
    t.u.crop.mode = (int)padding_mode;
    bool good = cnn__augment_begin(a, t.call) && crop_check(a, &t, pixels, (const int64_t[4]){ 0 }) == CNN_OK &&
                cnn__augment_add(a, &t, 0);
    return good ? CNN_OK : cnn__failure_status();
}

/* ---- the middle ---- */

static CNN__SELDOM cnn_status center_infer(const cnn__transform *t, const cnn_context *ctx, cnn__extent *e,
                                           int64_t *work)
{
    (void)ctx, (void)work;
    e->h = t->u.crop.h;
    e->w = t->u.crop.w;
    return CNN_OK;
}

/* Python's rounding: a half goes to the even number. A line that is too short is padded, more behind it. */
static int64_t center(int64_t n, int64_t size)
{
    int64_t rest = n - size, half = rest / 2;
    return rest < 0 ? half : half + (rest % 2 && half % 2);
}

static cnn_status center_apply(const cnn__transform *t, cnn__frame *f)
{
    int64_t h = t->u.crop.h, w = t->u.crop.w;
    cnn__crop(f, t, center(f->e.h, h), center(f->e.w, w), h, w);
    return CNN_OK;
}

CNN__SELDOM cnn_status cnn_augment_center_crop(cnn_augmentation *augmentation, int64_t height, int64_t width)
{
    static const cnn__transform_kind kind = { .infer = center_infer, .apply = center_apply, .moves = true };
    cnn__transform t = { .kind = &kind, .call = "augment_center_crop" };
    t.u.crop.h = height;
    t.u.crop.w = width;
    bool good = cnn__augment_begin(augmentation, t.call) &&
                cnn__augment_check_size(augmentation, t.call, height, width) && cnn__augment_add(augmentation, &t, 0);
    return good ? CNN_OK : cnn__failure_status();
}

/* ---- flips ---- */

static cnn_status horizontal_apply(const cnn__transform *t, cnn__frame *f)
{
    if (cnn__draw_uniform(f->random) >= t->p) {
        return CNN_OK;
    }
    const float *restrict x = f->x;
    float *restrict y = f->spare;
    int64_t w = f->e.w;
    for (int64_t row = f->e.c * f->e.h; row > 0; row--, x += w, y += w) {
        for (int64_t i = 0; i < w; i++) {
            y[i] = x[w - 1 - i];
        }
    }
    cnn__frame_swap(f, f->e.h, w);
    return CNN_OK;
}

static cnn_status vertical_apply(const cnn__transform *t, cnn__frame *f)
{
    if (cnn__draw_uniform(f->random) >= t->p) {
        return CNN_OK;
    }
    int64_t h = f->e.h, w = f->e.w;
    for (int64_t row = 0; row < f->e.c * h; row++) {
        int64_t from = row - row % h + (h - 1 - row % h);
        memcpy(f->spare + row * w, f->x + from * w, (size_t)w * sizeof *f->x);
    }
    cnn__frame_swap(f, h, w);
    return CNN_OK;
}

static CNN__SELDOM cnn_status flip_add(cnn_augmentation *a, const char *call, const cnn__transform_kind *kind, double p)
{
    cnn__transform t = { .kind = kind, .call = call, .p = cnn__option(p, 0) };
    bool good = cnn__augment_begin(a, call) && cnn__augment_check(a, call, "p", p, 0, 1) && cnn__augment_add(a, &t, 0);
    return good ? CNN_OK : cnn__failure_status();
}

CNN__SELDOM cnn_status cnn_augment_horizontal_flip(cnn_augmentation *augmentation, double p)
{
    static const cnn__transform_kind kind = { .apply = horizontal_apply, .moves = true };
    return flip_add(augmentation, "augment_horizontal_flip", &kind, p);
}

CNN__SELDOM cnn_status cnn_augment_vertical_flip(cnn_augmentation *augmentation, double p)
{
    static const cnn__transform_kind kind = { .apply = vertical_apply, .moves = true };
    return flip_add(augmentation, "augment_vertical_flip", &kind, p);
}

/* ---- erasing ---- */

static void erase(cnn__frame *f, const cnn__transform *t, int64_t top, int64_t left, int64_t h, int64_t w)
{
    for (int64_t c = 0; c < f->e.c; c++) {
        for (int64_t i = 0; i < h; i++) {
            float *y = f->x + (c * f->e.h + top + i) * f->e.w + left;
            for (int64_t j = 0; j < w; j++) {
                y[j] = t->u.erase.random ? (float)cnn__draw_normal(f->random) : cnn__fill_of(t, c);
            }
        }
    }
}

static cnn_status erase_apply(const cnn__transform *t, cnn__frame *f)
{
    const double *scale = t->u.erase.scale, *ratio = t->u.erase.ratio;
    bool wanted = cnn__draw_uniform(f->random) < t->p;
    for (int i = 0; wanted && i < CNN__DRAW_TRIES; i++) {
        double area = (double)(f->e.h * f->e.w) * cnn__draw_between(f->random, scale[0], scale[1]);
        double aspect = cnn__draw_ratio(f->random, ratio[0], ratio[1]);
        double h = rint(sqrt(area * aspect)), w = rint(sqrt(area / aspect));
        if (h < (double)f->e.h && w < (double)f->e.w) {
            int64_t top = cnn__draw_below(f->random, f->e.h - (int64_t)h + 1);
            int64_t left = cnn__draw_below(f->random, f->e.w - (int64_t)w + 1);
            erase(f, t, top, left, (int64_t)h, (int64_t)w);
            break;
        }
    }
    return CNN_OK;
}

CNN__SELDOM cnn_status cnn_augment_random_erasing_with(cnn_augmentation *augmentation,
                                                       const cnn_random_erasing_options *options)
{
    static const cnn__transform_kind kind = { .apply = erase_apply };
    cnn_augmentation *a = augmentation;
    cnn_random_erasing_options o;
    cnn__transform t = { .kind = &kind, .call = "augment_random_erasing" };
    if (!CNN__AUGMENT_OPTIONS(a, t.call, &o, options)) {
        return cnn__failure_status();
    }
    t.p = cnn__option(o.p, 0.5);
    t.u.erase.scale[0] = cnn__option(o.scale_min, 0.02);
    t.u.erase.scale[1] = cnn__option(o.scale_max, 0.33);
    t.u.erase.ratio[0] = cnn__option(o.ratio_min, 0.3);
    t.u.erase.ratio[1] = cnn__option(o.ratio_max, 3.3);
    t.u.erase.random = o.random;
    bool good = cnn__augment_check(a, t.call, "p", t.p, 0, 1) &&
                cnn__augment_check_range(a, t.call, "scale", t.u.erase.scale, CNN__LEAST, 1) &&
                cnn__augment_check_range(a, t.call, "ratio", t.u.erase.ratio, CNN__LEAST, 1 / CNN__LEAST);
    return good ? cnn__augment_add_filled(a, &t, "value", o.value, o.value_count, o.values) : cnn__failure_status();
}
