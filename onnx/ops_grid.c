/* Sampling at places that a grid says, grids of affine maps, and columns of patches as images. */
#include "ops.h"

#include <math.h>
#include <string.h>

enum { NEAREST, LINEAR, CUBIC, ZEROS, BORDER, REFLECTION, MOST_SPACE = 3, MOST_TAPS = 4 };

typedef struct sampling {
    int mode, padding, ndim;
    bool align;
    int64_t size[MOST_SPACE];
    cnn_tensor *index[MOST_SPACE][MOST_TAPS], *weight[MOST_SPACE][MOST_TAPS]; /* [N,P]; i64 and as x */
} sampling;

/* Places beyond the edges, mirrored there as often as it takes. */
static cnn_tensor *reflected(cnn_tensor *x, const sampling *s, int64_t size)
{
    double low = s->align ? 0 : -0.5, range = s->align ? (double)(size - 1) : (double)size;
    if (range <= 0) {
        return cnn_mul_scalar(x, 0);
    }
    cnn_tensor *d = cnn_abs(cnn_add_scalar(x, -low)),
               *period = cnn_mul_scalar(cnn_floor(cnn_mul_scalar(d, 0.5 / range)), 2 * range);
    cnn_tensor *r = cnn_sub(d, period); /* in [0, 2 · range) */
    return cnn_add_scalar(cnn_add_scalar(cnn_neg(cnn_abs(cnn_add_scalar(r, -range))), range), low);
}

static cnn_tensor *within(cnn_tensor *x, const sampling *s, int64_t size)
{
    x = s->padding == REFLECTION ? reflected(x, s, size) : x;
    return s->padding == ZEROS ? x : cnn_clamp(x, 0, (double)(size - 1));
}

static cnn_tensor *cubic(cnn_tensor *distance, bool inner)
{
    double a = -0.75;
    cnn_tensor *t = distance;
    return inner ? cnn_add_scalar(cnn_mul(cnn_square(t), cnn_add_scalar(cnn_mul_scalar(t, a + 2), -(a + 3))), 1)
                 : cnn_add_scalar(
                       cnn_mul(t, cnn_add_scalar(cnn_mul(t, cnn_add_scalar(cnn_mul_scalar(t, a), -5 * a)), 8 * a)),
                       -4 * a);
}

/* The elements along dimension d that are read, each with its weight, which is 0 where there is none. */
static int find_taps(sampling *s, int d, cnn_tensor *x)
{
    int64_t size = s->size[d];
    int count = s->mode == NEAREST ? 1 : s->mode == LINEAR ? 2 : 4;
    x = s->align ? cnn_mul_scalar(cnn_add_scalar(x, 1), (double)(size - 1) / 2)
                 : cnn_mul_scalar(cnn_add_scalar(cnn_mul_scalar(cnn_add_scalar(x, 1), (double)size), -1), 0.5);
    x = s->mode == CUBIC ? x : within(x, s, size);
    cnn_tensor *first = s->mode == NEAREST ? cnn_round(x) : cnn_floor(x), *t = cnn_sub(x, first);
    for (int k = 0; k < count; k++) {
        int offset = s->mode == CUBIC ? k - 1 : k;
        cnn_tensor *at = cnn_add_scalar(first, offset), *weight = NULL;
        if (s->mode == LINEAR) {
            weight = k ? t : cnn_add_scalar(cnn_neg(t), 1);
        } else if (s->mode == CUBIC) {
            weight = cubic(cnn_abs(cnn_add_scalar(t, -offset)), k == 1 || k == 2);
            at = within(at, s, size);
            at = s->padding == REFLECTION ? cnn_round(at) : at;
        }
        cnn_tensor *inside = cnn_clamp(at, 0, (double)(size - 1));
        if (s->padding == ZEROS) {
            cnn_tensor *there = cnn_cast(cnn_eq(at, inside), cnn_tensor_dtype(x));
            weight = weight ? cnn_mul(weight, there) : there;
        }
        s->index[d][k] = cnn_cast(inside, CNN_I64);
        s->weight[d][k] = weight;
    }
    return count;
}

/* The weighted sum over all combinations of taps, of x as [N,C,…] in rows. */
static cnn_tensor *sum_taps(cnn__onnx_run *run, const sampling *s, cnn_tensor *rows, int count)
{
    cnn_tensor *sum = NULL;
    int64_t all = 1,
            shape[3] = { cnn_tensor_size(rows, 0), cnn_tensor_size(rows, 1), cnn_tensor_size(s->index[0][0], 1) };
    for (int d = 0; d < s->ndim; d++) {
        all *= count;
    }
    for (int64_t k = 0; k < all; k++) {
        int64_t rest = k;
        cnn_tensor *index = NULL, *weight = NULL;
        for (int d = 0; d < s->ndim; d++) {
            cnn_tensor *at = s->index[d][rest % count], *w = s->weight[d][rest % count];
            rest /= count;
            index = index ? cnn_add(cnn_mul(index, cnn__onnx_scalar(run, at, (double)s->size[d])), at) : at;
            weight = weight && w ? cnn_mul(weight, w) : w ? w : weight;
        }
        cnn_tensor *part = cnn_gather(rows, 2, cnn_contiguous(cnn_expand(cnn_unsqueeze(index, 1), 3, shape)));
        part = weight ? cnn_mul(part, cnn_unsqueeze(weight, 1)) : part;
        sum = sum ? cnn_add(sum, part) : part;
    }
    return sum;
}

bool cnn__onnx_op_grid_sample(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS], to[CNN_MAX_DIMS], all = 1;
    cnn_tensor *x = cnn__onnx_in(run, 0), *grid = cnn__onnx_in(run, 1);
    cnn__onnx_text mode = cnn__onnx_string(run, "mode", "linear"),
                   padding = cnn__onnx_string(run, "padding_mode", "zeros");
    int rank = x ? cnn__onnx_shape_of(x, shape) : 0, count = 0;
    sampling s = { .ndim = rank - 2, .align = cnn__onnx_int(run, "align_corners", 0) != 0 };
    if (rank < 3 || rank > 5 || !grid || cnn__onnx_shape_of(grid, to) != rank || to[rank - 1] != rank - 2) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "an input of rank %d, expected 3 to 5 and such a grid", rank);
    }
    s.mode = cnn__onnx_text_is(mode, "nearest")                                       ? NEAREST
             : cnn__onnx_text_is(mode, "cubic") || cnn__onnx_text_is(mode, "bicubic") ? CUBIC
                                                                                      : LINEAR;
    s.padding = cnn__onnx_text_is(padding, "border")       ? BORDER
                : cnn__onnx_text_is(padding, "reflection") ? REFLECTION
                                                           : ZEROS;
    for (int d = 1; d < rank - 1; d++) {
        all *= to[d];
    }
    grid = cnn__onnx_to(cnn_reshape(grid, 3, (int64_t[]){ to[0], all, rank - 2 }), cnn_tensor_dtype(x));
    for (int d = 0; d < s.ndim; d++) { /* the grid has the last dimension first */
        s.size[d] = shape[d + 2];
        count = find_taps(&s, d, cnn_squeeze(cnn_slice(grid, 2, s.ndim - 1 - d, s.ndim - d, 1), 2));
    }
    cnn_tensor *y = sum_taps(run, &s, cnn_reshape(x, 3, (int64_t[]){ shape[0], shape[1], -1 }), count);
    memmove(to + 2, to + 1, (size_t)(rank - 2) * sizeof *to);
    to[1] = shape[1];
    return cnn__onnx_out(run, 0, cnn_reshape(y, rank, to), cnn__onnx_type(run, 0));
}

/* theta [N,2,3] or [N,3,4]: where each pixel of an image comes from. */
bool cnn__onnx_op_affine_grid(cnn__onnx_run *run)
{
    int64_t size[CNN_MAX_DIMS], to[CNN_MAX_DIMS], count = 1;
    int rank = cnn__onnx_in_sizes(run, 1, size), space = rank - 2;
    bool align = cnn__onnx_int(run, "align_corners", 0) != 0;
    cnn_tensor *theta = cnn__onnx_in(run, 0);
    if (rank < 4 || rank > 5 || !theta) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "%d sizes, expected 4 or 5", rank);
    }
    to[0] = size[0];
    for (int d = 0; d < space; d++) {
        to[d + 1] = size[d + 2];
        if (size[d + 2] < 0 || __builtin_mul_overflow(count, size[d + 2], &count) || count > 1 << 26) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "size %lld", (long long)size[d + 2]);
        }
    }
    to[space + 1] = space;
    double *places = cnn__onnx_table(run, count * (space + 1), sizeof *places);
    for (int64_t k = 0; places && k < count; k++) {
        int64_t rest = k;
        for (int d = space - 1; d >= 0; d--) {
            double n = (double)size[d + 2], i = (double)(rest % size[d + 2]);
            rest /= size[d + 2];
            places[k * (space + 1) + space - 1 - d] = align ? (n > 1 ? 2 * i / (n - 1) - 1 : 0) : (2 * i + 1) / n - 1;
        }
        places[k * (space + 1) + space] = 1;
    }
    if (!places) {
        return false;
    }
    cnn_tensor *base =
        cnn__onnx_to(cnn__onnx_made(run, CNN_F64, 2, (int64_t[]){ count, space + 1 }, places), cnn_tensor_dtype(theta));
    return cnn__onnx_out(run, 0, cnn_reshape(cnn_matmul(base, cnn_transpose(theta, 1, 2)), space + 2, to),
                         cnn__onnx_type(run, 0));
}

/* Number d of an attribute's list. */
static int64_t of(const cnn__onnx_run *run, const char *name, int d, int64_t otherwise)
{
    int count;
    const int64_t *values = cnn__onnx_ints(run, name, &count);
    return values && d < count ? values[d] : otherwise;
}

/* Sums columns into images: two dimensions of space alone. */
bool cnn__onnx_op_col2im(cnn__onnx_run *run)
{
    int64_t image[CNN_MAX_DIMS], block[CNN_MAX_DIMS], top = of(run, "pads", 0, 0), left = of(run, "pads", 1, 0);
    int rank = cnn__onnx_in_sizes(run, 1, image), same = cnn__onnx_in_sizes(run, 2, block);
    if (rank != 2 || same != 2 || top != of(run, "pads", 2, 0) || left != of(run, "pads", 3, 0)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED,
                                   "%d dimensions of space, or padding that differs between sides", rank);
    }
    cnn_unfold_options o = { .struct_size = sizeof o,
                             .kernel_h = block[0],
                             .kernel_w = block[1],
                             .stride_h = of(run, "strides", 0, 1),
                             .stride_w = of(run, "strides", 1, 1),
                             .dilation_h = of(run, "dilations", 0, 1),
                             .dilation_w = of(run, "dilations", 1, 1),
                             .padding_h = top,
                             .padding_w = left };
    return cnn__onnx_out(run, 0, cnn_fold(cnn__onnx_in(run, 0), image[0], image[1], &o), cnn__onnx_type(run, 0));
}

/* HannWindow, HammingWindow and, with code 2, BlackmanWindow: sums of cosines. */
bool cnn__onnx_op_window(cnn__onnx_run *run)
{
    static const double parts[3][3] = { { 0.5, 0.5, 0 }, { 25.0 / 46, 21.0 / 46, 0 }, { 0.42, 0.5, 0.08 } };
    const double *a = parts[run->step->op->code];
    int type = (int)cnn__onnx_int(run, "output_datatype", CNN__ONNX_FLOAT);
    double size = cnn__onnx_in_number(run, 0, 0), period = cnn__onnx_int(run, "periodic", 1) ? size : size - 1;
    cnn_dtype dtype;
    if (!(size >= 0 && size < 1e8) || !cnn__onnx_dtype(type, &dtype)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a window of %g elements", size);
    }
    cnn_tensor *n = cnn_cast(cnn__onnx_numbers(run, (int64_t)ceil(size)), CNN_F64);
    n = cnn_mul_scalar(n, 6.283185307179586476925 / (period > 0 ? period : 1));
    cnn_tensor *y = cnn_add_scalar(cnn_mul_scalar(cnn_cos(n), -a[1]), a[0]);
    y = a[2] > 0 ? cnn_add(y, cnn_mul_scalar(cnn_cos(cnn_mul_scalar(n, 2)), a[2])) : y;
    return cnn__onnx_out(run, 0, cnn__onnx_to(y, dtype), type);
}
