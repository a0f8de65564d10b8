/* Rotations and other affine maps, as torchvision computes them for tensors: each pixel of the result is looked up
 * where the inverse map says. Outside of the image there are zeros, and the fill takes the part of a pixel that lies
 * there. */
#include "data/augment.h"

#include "base/math.h"

#define LARGEST_ANGLE 1e6 /* in degrees: fractions of a turn stay exact to 1e-12 */

static double sine(double turns)
{
    double from = turns + 0.75;
    return cnn__cos_turns(from - floor(from));
}

static double cosine(double turns)
{
    return cnn__cos_turns(turns - floor(turns));
}

/* With RSS = R(a) · S(s) · SHy · SHx, whose determinant without the scale is 1, this is RSS^-1 · T^-1. */
void cnn__affine_matrix(double degrees, const double translate[2], double scale, const double shear[2],
                        double matrix[6])
{
    double rotation = degrees / 360, sx = shear[0] / 360, sy = shear[1] / 360;
    double tangent = sine(sx) / cosine(sx), cy = cosine(sy);
    double sine_a = sine(rotation - sy) / cy, cosine_a = cosine(rotation - sy) / cy;
    double a = cosine_a, b = -cosine_a * tangent - sine(rotation);
    double c = sine_a, d = -sine_a * tangent + cosine(rotation);
    const double inverse[4] = { d / scale, -b / scale, -c / scale, a / scale };
    for (int row = 0; row < 2; row++) {
        const double *m = inverse + 2 * row;
        matrix[3 * row] = m[0];
        matrix[3 * row + 1] = m[1];
        matrix[3 * row + 2] = -m[0] * translate[0] - m[1] * translate[1];
    }
}

/* The pixels around a place, of which some may lie outside: their offsets and weights. */
typedef struct corners {
    int count;
    int64_t at[4];
    float weight[4], inside; /* `inside` is the sum of the weights */
} corners;

/* The nearest integer, of two that are as near the even one. */
static double rounded(double x)
{
    const double shift = 0x1.8p52;
    return (x + shift) - shift;
}

/* The integer at most x, which is above −1. */
static double whole(double x)
{
    return (double)((int64_t)(x + 1) - 1);
}

static void corners_find(corners *found, double x, double y, int64_t w, int64_t h, bool bilinear)
{
    found->count = 0;
    found->inside = 0;
    if (!(x > -1 && x < (double)w && y > -1 && y < (double)h)) {
        return;
    }
    double x0 = bilinear ? whole(x) : rounded(x), y0 = bilinear ? whole(y) : rounded(y);
    float fx = (float)(x - x0), fy = (float)(y - y0);
    const float across[2] = { bilinear ? 1 - fx : 1, fx }, down[2] = { bilinear ? 1 - fy : 1, fy };
    int64_t first = (int64_t)y0 * w + (int64_t)x0;
    int count = 0;
    for (int k = 0; k < (bilinear ? 4 : 1); k++) {
        double i = x0 + (k & 1), j = y0 + (k >> 1);
        if (i >= 0 && i < (double)w && j >= 0 && j < (double)h) {
            found->at[count] = first + (k >> 1) * w + (k & 1);
            found->weight[count] = across[k & 1] * down[k >> 1];
            found->inside += found->weight[count++];
        }
    }
    found->count = count;
}

static float corners_sum(const corners *found, const float *from, float fill)
{
    const float *weight = found->weight;
    const int64_t *at = found->at;
    float sum = 0;
    if (found->count == 4) {
        sum = weight[0] * from[at[0]] + weight[1] * from[at[1]] + weight[2] * from[at[2]] + weight[3] * from[at[3]];
    } else {
        for (int k = 0; k < found->count; k++) {
            sum += weight[k] * from[at[k]];
        }
    }
    return sum * found->inside + (1 - found->inside) * fill;
}

void cnn__affine(cnn__frame *f, const double matrix[6], bool bilinear, const cnn__transform *fill)
{
    int64_t h = f->e.h, w = f->e.w, plane = h * w;
    double half_w = (double)w / 2 - 0.5, half_h = (double)h / 2 - 0.5;
    float *to = f->spare;
    corners found;
    for (int64_t row = 0; row < h; row++) {
        double y = (double)row - half_h;
        for (int64_t column = 0; column < w; column++, to++) {
            double x = (double)column - half_w;
            corners_find(&found, matrix[0] * x + matrix[1] * y + matrix[2] + half_w,
                         matrix[3] * x + matrix[4] * y + matrix[5] + half_h, w, h, bilinear);
            for (int64_t c = 0; c < f->e.c; c++) {
                to[c * plane] = corners_sum(&found, f->x + c * plane, cnn__fill_of(fill, c));
            }
        }
    }
    cnn__frame_swap(f, h, w);
}

/* ---- transforms ---- */

static double range_draw(cnn__frame *f, const double range[2])
{
    return range[0] < range[1] ? cnn__draw_between(f->random, range[0], range[1]) : range[0];
}

/* Where a centre lies beside the middle of n pixels. */
static double offset(double center, int64_t n)
{
    return isnan(center) ? 0 : center - (double)n / 2;
}

static cnn_status affine_apply(const cnn__transform *t, cnn__frame *f)
{
    double degrees = range_draw(f, t->u.affine.degrees), translate[2], matrix[6];
    for (int i = 0; i < 2; i++) {
        double most = t->u.affine.translate[i] * (double)(i ? f->e.h : f->e.w);
        translate[i] = rint(range_draw(f, (const double[]){ -most, most }));
    }
    double scale = range_draw(f, t->u.affine.scale);
    double shear[2] = { range_draw(f, t->u.affine.shear_x), range_draw(f, t->u.affine.shear_y) };
    cnn__affine_matrix(degrees, translate, scale, shear, matrix);
    double x = offset(t->u.affine.center[0], f->e.w), y = offset(t->u.affine.center[1], f->e.h);
    for (int row = 0; row < 2; row++) { /* moved there and back */
        matrix[3 * row + 2] += (row ? y : x) - matrix[3 * row] * x - matrix[3 * row + 1] * y;
    }
    cnn__affine(f, matrix, t->u.affine.bilinear, t);
    return CNN_OK;
}

static const cnn__transform_kind affine_kind = { .apply = affine_apply };

static bool check_degrees(cnn_augmentation *a, const char *call, double least, double most)
{
    if (least >= -LARGEST_ANGLE && least <= most && most <= LARGEST_ANGLE) {
        return true;
    }
    cnn__augment_fail(a, CNN_ERROR_INVALID_ARGUMENT,
                      "%s: min_degrees is %s and max_degrees is %s, expected a range within -1e+06 to 1e+06", call,
                      CNN__G(least), CNN__G(most));
    return false;
}

/* Takes the place about which an image is mapped; NaN: the middle. */
static bool center_take(cnn_augmentation *a, cnn__transform *t, double x, double y)
{
    t->u.affine.center[0] = cnn__option(x, (double)NAN);
    t->u.affine.center[1] = cnn__option(y, (double)NAN);
    return cnn__augment_check(a, t->call, "center_x", cnn__option(x, 0), -CNN__LARGEST_SIDE, CNN__LARGEST_SIDE) &&
           cnn__augment_check(a, t->call, "center_y", cnn__option(y, 0), -CNN__LARGEST_SIDE, CNN__LARGEST_SIDE);
}

/* torchvision's rotate() goes the other way round than its affine(). */
cnn_status cnn_augment_random_rotation_with(cnn_augmentation *augmentation, double min_degrees, double max_degrees,
                                            const cnn_random_rotation_options *options)
{
    cnn_augmentation *a = augmentation;
    cnn_random_rotation_options o;
    cnn__transform t = { .kind = &affine_kind, .call = "augment_random_rotation" };
    if (!CNN__AUGMENT_OPTIONS(a, t.call, &o, options) || !check_degrees(a, t.call, min_degrees, max_degrees) ||
        !center_take(a, &t, o.center_x, o.center_y)) {
        return cnn__failure_status();
    }
    t.u.affine.degrees[0] = -max_degrees;
    t.u.affine.degrees[1] = -min_degrees;
    t.u.affine.scale[0] = t.u.affine.scale[1] = 1;
    t.u.affine.bilinear = o.bilinear;
    return cnn__augment_add_filled(a, &t, "fill", o.fill, o.fill_count, o.fills);
}

static void affine_options_take(cnn__transform *t, const cnn_random_affine_options *o)
{
    t->u.affine.translate[0] = cnn__option(o->translate_x, 0);
    t->u.affine.translate[1] = cnn__option(o->translate_y, 0);
    t->u.affine.scale[0] = cnn__option(o->scale_min, 1);
    t->u.affine.scale[1] = cnn__option(o->scale_max, 1);
    t->u.affine.shear_x[0] = cnn__option(o->shear_x_min, 0);
    t->u.affine.shear_x[1] = cnn__option(o->shear_x_max, 0);
    t->u.affine.shear_y[0] = cnn__option(o->shear_y_min, 0);
    t->u.affine.shear_y[1] = cnn__option(o->shear_y_max, 0);
    t->u.affine.bilinear = o->bilinear;
}

cnn_status cnn_augment_random_affine_with(cnn_augmentation *augmentation, double min_degrees, double max_degrees,
                                          const cnn_random_affine_options *options)
{
    const double steep = 89.999;
    cnn_augmentation *a = augmentation;
    cnn_random_affine_options o;
    cnn__transform t = { .kind = &affine_kind, .call = "augment_random_affine" };
    if (!CNN__AUGMENT_OPTIONS(a, t.call, &o, options)) {
        return cnn__failure_status();
    }
    t.u.affine.degrees[0] = min_degrees;
    t.u.affine.degrees[1] = max_degrees;
    affine_options_take(&t, &o);
    bool good = check_degrees(a, t.call, min_degrees, max_degrees) && center_take(a, &t, o.center_x, o.center_y) &&
                cnn__augment_check(a, t.call, "translate_x", t.u.affine.translate[0], 0, 1) &&
                cnn__augment_check(a, t.call, "translate_y", t.u.affine.translate[1], 0, 1) &&
                cnn__augment_check_range(a, t.call, "scale", t.u.affine.scale, CNN__LEAST, 1 / CNN__LEAST) &&
                cnn__augment_check_range(a, t.call, "shear_x", t.u.affine.shear_x, -steep, steep) &&
                cnn__augment_check_range(a, t.call, "shear_y", t.u.affine.shear_y, -steep, steep);
    return good ? cnn__augment_add_filled(a, &t, "fill", o.fill, o.fill_count, o.fills) : cnn__failure_status();
}
