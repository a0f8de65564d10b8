/* Resizing, axis by axis: an element of the result is a weighted sum of elements of x along the axis, which the node's
 * modes say. What libcnn interpolates itself, it does. */
#include "ops.h"

#include <math.h>
#include <string.h>

enum { HALF_PIXEL, PYTORCH_HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC, TF_CROP, HALF_PIXEL_SYMMETRIC, TF_HALF_PIXEL_FOR_NN };
enum { NEAREST, LINEAR, CUBIC };
enum { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL };

typedef struct resize {
    int mode, where, nearest;
    double a, extrapolation; /* the cubic's coefficient */
    bool exclude_outside, antialias;
    int64_t out[CNN_MAX_DIMS];
    double scale[CNN_MAX_DIMS], roi[2 * CNN_MAX_DIMS];
} resize;

/* The position in a text's list of names, or 0. */
static int choice(cnn__onnx_text text, const char *const *names)
{
    for (int i = 0; names[i]; i++) {
        if (cnn__onnx_text_is(text, names[i])) {
            return i;
        }
    }
    return 0;
}

static double place_of(const resize *r, int d, int64_t in, int64_t o)
{
    double scale = r->scale[d], x = (double)o, size = (double)in, out = scale * size;
    switch (r->where) {
    case PYTORCH_HALF_PIXEL: return r->out[d] > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case ALIGN_CORNERS: return r->out[d] > 1 ? x * (size - 1) / (out - 1) : 0;
    case ASYMMETRIC: return x / scale;
    case TF_CROP: {
        double start = r->roi[2 * d], end = r->roi[2 * d + 1];
        return r->out[d] > 1 ? start * (size - 1) + x * (end - start) * (size - 1) / (out - 1)
                             : (start + end) * (size - 1) / 2;
    }
    case TF_HALF_PIXEL_FOR_NN: return (x + 0.5) / scale;
    case HALF_PIXEL_SYMMETRIC: return size / 2 * (1 - (double)r->out[d] / out) + (x + 0.5) / scale - 0.5;
    default: return (x + 0.5) / scale - 0.5;
    }
}

/* Where the result's element o lies in x; hostile scales and regions lead at most this far. */
static double position(const resize *r, int d, int64_t in, int64_t o)
{
    const double far = 1e15;
    double x = place_of(r, d, in, o);
    return x > far ? far : x > -far ? x : -far;
}

static int64_t nearest(const resize *r, double x)
{
    switch (r->nearest) {
    case FLOOR: return (int64_t)floor(x);
    case CEIL: return (int64_t)ceil(x);
    case PREFER_CEIL: return (int64_t)floor(x + 0.5);
    default: return (int64_t)ceil(x - 0.5);
    }
}

static double weight(const resize *r, double distance)
{
    double t = fabs(distance), a = r->a;
    if (r->mode == LINEAR) {
        return t < 1 ? 1 - t : 0;
    }
    return t <= 1 ? ((a + 2) * t - (a + 3)) * t * t + 1 : t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/* Writes the weights of the result's element to `row`, of `in` numbers. */
static void weigh(const resize *r, double x, double scale, int64_t in, double *row)
{
    double stretch = r->antialias && scale < 1 ? scale : 1, reach = (r->mode == LINEAR ? 1 : 2) / stretch, sum = 0;
    for (int64_t j = (int64_t)floor(x - reach); j <= (int64_t)ceil(x + reach); j++) {
        int64_t at = j < 0 ? 0 : j >= in ? in - 1 : j;
        double w = weight(r, ((double)j - x) * stretch);
        w = r->exclude_outside && at != j ? 0 : w;
        row[at] += w;
        sum += w;
    }
    for (int64_t j = 0; j < in; j++) {
        row[j] = fabs(sum) > 0 ? row[j] / sum : row[j];
    }
}

static cnn_tensor *resize_nearest(cnn__onnx_run *run, cnn_tensor *x, const resize *r, int d)
{
    int64_t in = cnn_tensor_size(x, d), out = r->out[d], *index = cnn__onnx_table(run, out, sizeof *index);
    for (int64_t o = 0; index && o < out; o++) {
        int64_t at = nearest(r, position(r, d, in, o));
        index[o] = at < 0 ? 0 : at >= in ? in - 1 : at;
    }
    return index ? cnn_index_select(x, d, cnn__onnx_made(run, CNN_I64, 1, &out, index)) : NULL;
}

/* By a matrix [out,in]; positions that the node extrapolates give a number of their own. */
static cnn_tensor *resize_linear(cnn__onnx_run *run, cnn_tensor *x, const resize *r, int d)
{
    int rank = cnn_tensor_ndim(x);
    int64_t in = cnn_tensor_size(x, d), out = r->out[d], weights;
    cnn_dtype dtype = cnn_tensor_dtype(x);
    double *rows = __builtin_mul_overflow(in, out, &weights) ? cnn__onnx_table(run, INT64_MAX, sizeof *rows)
                                                             : cnn__onnx_table(run, weights, sizeof *rows);
    double *outside = rows ? cnn__onnx_table(run, out, sizeof *outside) : NULL;
    bool any = false;
    if (!rows || !outside || in == 0) {
        return NULL;
    }
    for (int64_t o = 0; o < out; o++) {
        double at = position(r, d, in, o);
        if (r->where == TF_CROP && (at < 0 || at > (double)(in - 1))) {
            outside[o] = 1;
            any = true;
        } else {
            weigh(r, at, r->scale[d], in, rows + o * in);
        }
    }
    cnn_tensor *matrix = cnn__onnx_to(cnn__onnx_made(run, CNN_F64, 2, (int64_t[]){ out, in }, rows), dtype);
    cnn_tensor *y = cnn_linear(cnn_transpose(x, d, rank - 1), matrix, NULL);
    if (any) {
        cnn_tensor *mask = cnn_cast(cnn__onnx_made(run, CNN_F64, 1, &out, outside), CNN_BOOL);
        y = cnn_where(mask, cnn__onnx_scalar(run, y, r->extrapolation), y);
    }
    return cnn_transpose(y, d, rank - 1);
}

/* What cnn_interpolate() does in the same way; NULL: it does not. */
static cnn_tensor *interpolate(cnn_tensor *x, const resize *r)
{
    int rank = cnn_tensor_ndim(x);
    cnn_interpolate_options o = { .struct_size = sizeof o };
    if (rank != 4 || r->out[0] != cnn_tensor_size(x, 0) || r->out[1] != cnn_tensor_size(x, 1) || r->exclude_outside ||
        r->antialias) {
        return NULL;
    }
    for (int d = 2; d < 4; d++) {
        if (fabs(r->scale[d] * (double)cnn_tensor_size(x, d) - (double)r->out[d]) > 1e-6 || r->out[d] < 1) {
            return NULL;
        }
    }
    o.size_h = r->out[2];
    o.size_w = r->out[3];
    bool half = r->where == HALF_PIXEL || (r->where == PYTORCH_HALF_PIXEL && r->out[2] > 1 && r->out[3] > 1);
    o.align_corners = r->where == ALIGN_CORNERS;
    o.mode = r->mode == LINEAR ? CNN_INTERPOLATE_BILINEAR : CNN_INTERPOLATE_BICUBIC;
    if (r->mode == NEAREST) {
        o.mode = CNN_INTERPOLATE_NEAREST;
        half = r->where == ASYMMETRIC && r->nearest == FLOOR;
        o.align_corners = false;
    }
    return half || (o.align_corners && r->mode != NEAREST)
               ? r->mode == CUBIC && fabs(r->a + 0.75) > 1e-6 ? NULL : cnn_interpolate(x, &o)
               : NULL;
}

static bool resized(cnn__onnx_run *run, cnn_tensor *x, const resize *r)
{
    int type = cnn__onnx_type(run, 0), rank = cnn_tensor_ndim(x);
    cnn_dtype dtype = cnn_tensor_dtype(x);
    x = cnn__onnx_is_integer(type) && r->mode != NEAREST ? cnn_cast(x, CNN_F32) : x;
    cnn_tensor *y = cnn__onnx_is_integer(type) ? NULL : interpolate(x, r);
    if (!y) {
        y = x;
        for (int d = 0; y && d < rank; d++) {
            if (r->out[d] != cnn_tensor_size(x, d) || r->where == TF_CROP) {
                y = r->mode == NEAREST ? resize_nearest(run, y, r, d) : resize_linear(run, y, r, d);
            }
        }
    }
    return y ? cnn__onnx_out(run, 0, cnn__onnx_to(cnn_contiguous(y), dtype), type)
             : cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a dimension of no elements");
}

static bool set_scale(cnn__onnx_run *run, resize *r, const cnn_tensor *x, int d, double scale)
{
    double out = floor((double)cnn_tensor_size(x, d) * scale + 1e-9);
    if (!(out >= 0 && out < 1e9) || !(scale > 0)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "scale %g of dimension %d", scale, d);
    }
    r->scale[d] = scale;
    r->out[d] = (int64_t)out;
    return true;
}

/* Sizes, with the ratio of the sides kept where the node says so. */
static bool set_sizes(cnn__onnx_run *run, resize *r, const cnn_tensor *x, const cnn__onnx_host *sizes, const int *axes)
{
    static const char *const names[] = { "stretch", "not_larger", "not_smaller", NULL };
    int policy = choice(cnn__onnx_string(run, "keep_aspect_ratio_policy", "stretch"), names);
    double common = 0;
    for (int64_t i = 0; i < sizes->numel; i++) {
        int64_t in = cnn_tensor_size(x, axes[i]);
        double scale = (double)sizes->i[i] / (double)(in ? in : 1);
        if (sizes->i[i] < 0 || sizes->i[i] > 1 << 30 || in == 0) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "size %lld of dimension %d", (long long)sizes->i[i],
                                       axes[i]);
        }
        common = i == 0 ? scale : policy == 1 ? fmin(common, scale) : fmax(common, scale);
        r->scale[axes[i]] = scale;
        r->out[axes[i]] = sizes->i[i];
    }
    for (int64_t i = 0; policy && i < sizes->numel; i++) {
        r->scale[axes[i]] = common;
        r->out[axes[i]] = (int64_t)floor(common * (double)cnn_tensor_size(x, axes[i]) + 0.5);
    }
    return true;
}

/* The dimensions that sizes, scales and the region are given for. */
static int read_axes(cnn__onnx_run *run, int rank, int *axes)
{
    int count;
    const int64_t *named = cnn__onnx_ints(run, "axes", &count);
    count = named && count <= rank ? count : rank;
    for (int i = 0; i < count; i++) {
        axes[i] = named ? cnn__onnx_axis(run, named[i], rank) : i;
        if (axes[i] < 0) {
            return -1;
        }
    }
    return count;
}

static bool read_modes(cnn__onnx_run *run, resize *r)
{
    static const char *const modes[] = { "nearest", "linear", "cubic", NULL };
    static const char *const wheres[] = { "half_pixel",           "pytorch_half_pixel",
                                          "align_corners",        "asymmetric",
                                          "tf_crop_and_resize",   "half_pixel_symmetric",
                                          "tf_half_pixel_for_nn", NULL };
    static const char *const nearests[] = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL };
    bool old = run->step->version < 11;
    r->mode = choice(cnn__onnx_string(run, "mode", "nearest"), modes);
    r->where =
        choice(cnn__onnx_string(run, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"), wheres);
    r->nearest = choice(cnn__onnx_string(run, "nearest_mode", old ? "floor" : "round_prefer_floor"), nearests);
    r->a = cnn__onnx_float(run, "cubic_coeff_a", -0.75);
    r->extrapolation = cnn__onnx_float(run, "extrapolation_value", 0);
    r->exclude_outside = cnn__onnx_int(run, "exclude_outside", 0) != 0;
    r->antialias = cnn__onnx_int(run, "antialias", 0) != 0;
    return true;
}

bool cnn__onnx_op_resize(cnn__onnx_run *run)
{
    resize r = { 0 };
    int axes[CNN_MAX_DIMS], rank = cnn__onnx_rank(run, 0), count = read_axes(run, rank, axes);
    bool old = run->step->version < 11;
    int scales_at = old ? 1 : 2;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (!x || count < 0 || !read_modes(run, &r)) {
        return false;
    }
    for (int d = 0; d < rank; d++) {
        r.out[d] = cnn_tensor_size(x, d);
        r.scale[d] = r.roi[2 * d + 1] = 1;
    }
    const cnn__onnx_host *scales = cnn__onnx_has(run, scales_at) ? cnn__onnx_in_host(run, scales_at) : NULL;
    const cnn__onnx_host *sizes = !old && cnn__onnx_has(run, 3) ? cnn__onnx_in_host(run, 3) : NULL;
    const cnn__onnx_host *roi = r.where == TF_CROP && cnn__onnx_has(run, 1) ? cnn__onnx_in_host(run, 1) : NULL;
    for (int i = 0; roi && roi->f && roi->numel == 2 * count && i < count; i++) {
        r.roi[2 * axes[i]] = roi->f[i];
        r.roi[2 * axes[i] + 1] = roi->f[count + i];
    }
    if (sizes && sizes->i && sizes->numel == count) {
        return set_sizes(run, &r, x, sizes, axes) && resized(run, x, &r);
    }
    if (!scales || !scales->f || scales->numel != count) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "neither %d scales nor %d sizes", count, count);
    }
    for (int i = 0; i < count; i++) {
        if (!set_scale(run, &r, x, axes[i], scales->f[i])) {
            return false;
        }
    }
    return resized(run, x, &r);
}

/* Before opset 9 the scales are an attribute. */
bool cnn__onnx_op_upsample(cnn__onnx_run *run)
{
    resize r = { .where = ASYMMETRIC, .nearest = FLOOR, .a = -0.75 };
    const cnn__onnx_attribute *attribute = cnn__onnx_attribute_of(run->step, "scales");
    int rank = cnn__onnx_rank(run, 0);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    const cnn__onnx_host *scales = cnn__onnx_has(run, 1) ? cnn__onnx_in_host(run, 1) : NULL;
    int64_t count = attribute ? attribute->float_count : scales && scales->f ? scales->numel : 0;
    r.mode = cnn__onnx_text_is(cnn__onnx_string(run, "mode", "nearest"), "nearest") ? NEAREST : LINEAR;
    if (!x || count != rank) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%lld scales for a tensor of rank %d", (long long)count, rank);
    }
    for (int d = 0; d < rank; d++) {
        if (!set_scale(run, &r, x, d, attribute ? (double)attribute->floats[d] : scales->f[d])) {
            return false;
        }
    }
    return resized(run, x, &r);
}
