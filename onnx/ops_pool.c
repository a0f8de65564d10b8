/* Pooling. libcnn pads both sides alike, by at most half a window; other padding, and what rounding up adds, is put
 * around the input first. */
#include "window.h"

#include <math.h>

/* The size of the result; the last window begins within the input or the padding before it. */
static int64_t output_size(cnn__onnx_run *run, const cnn__onnx_window *w, int64_t size, int d)
{
    int64_t reach = (w->kernel[d] - 1) * w->dilation[d] + 1, all = size + w->before[d] + w->after[d] - reach;
    if (all < 0) {
        return 0;
    }
    int64_t out = all / w->stride[d] + 1;
    if (cnn__onnx_int(run, "ceil_mode", 0) && all % w->stride[d] && out * w->stride[d] < size + w->before[d]) {
        out++;
    }
    return out;
}

/* What rounding up adds behind the padding; whether libcnn pads so itself. */
static bool overhang(cnn__onnx_run *run, const cnn_tensor *x, const cnn__onnx_window *w, int64_t *more)
{
    bool plain = true;
    for (int d = 0; d < w->ndim; d++) {
        int64_t size = cnn_tensor_size(x, d + 2), out = output_size(run, w, size, d);
        int64_t end = (out - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d] + 1;
        more[d] = end - size - w->before[d] - w->after[d];
        more[d] = more[d] < 0 ? 0 : more[d];
        plain = plain && more[d] == 0 && w->before[d] == w->after[d] && w->before[d] >= 0 &&
                2 * w->before[d] <= w->kernel[d];
    }
    return plain;
}

/* A space of one dimension becomes rows; of three, the inner two are pooled, then the outer one. */
typedef cnn_tensor *(*pool_fn)(cnn_tensor *x, const int64_t *kernel, const int64_t *stride, const int64_t *padding,
                               const int64_t *dilation, bool exclude);

static cnn_tensor *max_of(cnn_tensor *x, const int64_t *k, const int64_t *s, const int64_t *p, const int64_t *l,
                          bool exclude)
{
    (void)exclude;
    return cnn_maxpool2d(x, &(cnn_maxpool2d_options){ .struct_size = sizeof(cnn_maxpool2d_options),
                                                      .kernel_h = k[0],
                                                      .kernel_w = k[1],
                                                      .stride_h = s[0],
                                                      .stride_w = s[1],
                                                      .padding_h = p[0],
                                                      .padding_w = p[1],
                                                      .dilation_h = l[0],
                                                      .dilation_w = l[1] });
}

/* Without dilation. */
static cnn_tensor *mean_of(cnn_tensor *x, const int64_t *k, const int64_t *s, const int64_t *p, const int64_t *l,
                           bool exclude)
{
    (void)l;
    return cnn_avg_pool2d(x, &(cnn_avg_pool2d_options){ .struct_size = sizeof(cnn_avg_pool2d_options),
                                                        .kernel_h = k[0],
                                                        .kernel_w = k[1],
                                                        .stride_h = s[0],
                                                        .stride_w = s[1],
                                                        .padding_h = p[0],
                                                        .padding_w = p[1],
                                                        .exclude_padding = exclude });
}

/* Takes every window of a dilated mean apart: its elements are slices of x, whose sum is divided. */
static cnn_tensor *dilated_mean(cnn__onnx_run *run, cnn_tensor *x, const cnn__onnx_window *w)
{
    int64_t count = 1, at[CNN__MOST_SPACE];
    cnn_tensor *sum = NULL;
    for (int d = 0; d < w->ndim; d++) {
        count = count > CNN__ONNX_MOST_ROUNDS ? count : count * w->kernel[d];
    }
    if (!cnn__onnx_count_rounds(run, count)) {
        return NULL;
    }
    for (int64_t k = 0; k < count; k++) {
        int64_t rest = k;
        cnn_tensor *part = x;
        for (int d = w->ndim - 1; d >= 0; d--) {
            at[d] = rest % w->kernel[d] * w->dilation[d];
            rest /= w->kernel[d];
            int64_t reach = (w->kernel[d] - 1) * w->dilation[d];
            int64_t out = (cnn_tensor_size(x, d + 2) - reach - 1) / w->stride[d] + 1;
            part = cnn_slice(part, d + 2, at[d], at[d] + (out - 1) * w->stride[d] + 1, w->stride[d]);
        }
        sum = sum ? cnn_add(sum, part) : part;
    }
    return cnn_mul_scalar(sum, 1.0 / (double)count);
}

static cnn_tensor *pooled(pool_fn pool, cnn_tensor *x, const cnn__onnx_window *w, const int64_t *padding, bool exclude)
{
    int64_t k[3] = { 1, 1, 1 }, s[3] = { 1, 1, 1 }, p[3] = { 0 }, l[3] = { 1, 1, 1 }, shape[CNN_MAX_DIMS],
            inner[CNN_MAX_DIMS];
    int first = 3 - w->ndim;
    for (int d = 0; d < w->ndim; d++) {
        k[first + d] = w->kernel[d];
        s[first + d] = w->stride[d];
        p[first + d] = padding[d];
        l[first + d] = w->dilation[d];
    }
    if (w->ndim == 1) {
        return cnn_squeeze(pool(cnn_unsqueeze(x, 2), k + 1, s + 1, p + 1, l + 1, exclude), 2);
    }
    if (w->ndim == 2) {
        return pool(x, k + 1, s + 1, p + 1, l + 1, exclude);
    }
    cnn__onnx_shape_of(x, shape);
    cnn_tensor *y = pool(cnn_reshape(x, 4, (int64_t[]){ shape[0] * shape[1], shape[2], shape[3], shape[4] }), k + 1,
                         s + 1, p + 1, l + 1, exclude);
    cnn__onnx_shape_of(y, inner);
    y = cnn_reshape(y, 4, (int64_t[]){ shape[0], shape[1], shape[2], inner[2] * inner[3] });
    y = pool(y, (int64_t[]){ k[0], 1 }, (int64_t[]){ s[0], 1 }, (int64_t[]){ p[0], 0 }, (int64_t[]){ l[0], 1 },
             exclude);
    return cnn_reshape(y, 5, (int64_t[]){ shape[0], shape[1], cnn_tensor_size(y, 2), inner[2], inner[3] });
}

/* ---- the largest ---- */

/* Positions in padded planes as positions in the whole input. */
static cnn_tensor *positions(cnn__onnx_run *run, cnn_tensor *index, const int64_t *shape, const int64_t *before,
                             int64_t width, bool by_columns)
{
    int64_t planes = shape[0] * shape[1], h = shape[2], w = shape[3];
    cnn_tensor *row = cnn_div(index, cnn__onnx_scalar(run, index, (double)width));
    cnn_tensor *column = cnn_sub(index, cnn_mul(row, cnn__onnx_scalar(run, index, (double)width)));
    row = cnn_sub(row, cnn__onnx_scalar(run, index, (double)before[0]));
    column = cnn_sub(column, cnn__onnx_scalar(run, index, (double)before[1]));
    cnn_tensor *place = by_columns ? cnn_add(cnn_mul(column, cnn__onnx_scalar(run, index, (double)h)), row)
                                   : cnn_add(cnn_mul(row, cnn__onnx_scalar(run, index, (double)w)), column);
    cnn_tensor *start = cnn__onnx_numbers(run, planes);
    start = cnn_mul(start, cnn__onnx_scalar(run, start, (double)(h * w)));
    return cnn_add(place, cnn_reshape(start, 4, (int64_t[]){ shape[0], shape[1], 1, 1 }));
}

static bool max_with_indices(cnn__onnx_run *run, cnn_tensor *x, const cnn__onnx_window *w, const int64_t *after,
                             int type, cnn_dtype dtype)
{
    int64_t shape[CNN_MAX_DIMS], before[2] = { 0, w->before[0] };
    bool line = w->ndim == 1;
    int i = line ? 0 : 1;
    cnn_tensor *index;
    if (w->ndim == 3) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "the positions of maxima in three dimensions");
    }
    before[0] = line ? 0 : w->before[0];
    before[1] = w->before[i];
    cnn_tensor *wide = cnn__onnx_window_padded(run, x, w, w->before, after, -INFINITY);
    x = line ? cnn_unsqueeze(x, 2) : x;
    wide = line ? cnn_unsqueeze(wide, 2) : wide;
    cnn__onnx_shape_of(x, shape);
    cnn_tensor *y = cnn_maxpool2d_with_indices(wide,
                                               &(cnn_maxpool2d_options){ .struct_size = sizeof(cnn_maxpool2d_options),
                                                                         .kernel_h = line ? 1 : w->kernel[0],
                                                                         .kernel_w = w->kernel[i],
                                                                         .stride_h = line ? 1 : w->stride[0],
                                                                         .stride_w = w->stride[i],
                                                                         .dilation_h = line ? 1 : w->dilation[0],
                                                                         .dilation_w = w->dilation[i] },
                                               &index);
    index = positions(run, index, shape, before, cnn_tensor_size(wide, 3), cnn__onnx_int(run, "storage_order", 0) != 0);
    y = line ? cnn_squeeze(y, 2) : y;
    index = line ? cnn_squeeze(index, 2) : index;
    return cnn__onnx_out(run, 0, cnn__onnx_to(y, dtype), type) && cnn__onnx_out(run, 1, index, CNN__ONNX_INT64);
}

bool cnn__onnx_op_max_pool(cnn__onnx_run *run)
{
    cnn__onnx_window w;
    int type = cnn__onnx_type(run, 0);
    int64_t after[CNN__MOST_SPACE];
    static const int64_t none[CNN__MOST_SPACE];
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (!cnn__onnx_window_read(run, x, NULL, &w)) {
        return false;
    }
    cnn_dtype dtype = cnn_tensor_dtype(x);
    x = cnn__onnx_is_integer(type) ? cnn_cast(x, CNN_F64) : x;
    bool plain = overhang(run, x, &w, after);
    for (int d = 0; d < w.ndim; d++) {
        after[d] += w.after[d];
    }
    if (run->step->out_count > 1 && run->step->out[1] >= 0) {
        return max_with_indices(run, x, &w, after, type, dtype);
    }
    x = plain ? x : cnn__onnx_window_padded(run, x, &w, w.before, after, -INFINITY);
    return cnn__onnx_out(run, 0, cnn__onnx_to(pooled(max_of, x, &w, plain ? w.before : none, false), dtype), type);
}

/* ---- means ---- */

static cnn_tensor *mean(cnn__onnx_run *run, cnn_tensor *x, const cnn__onnx_window *w)
{
    static const int64_t none[CNN__MOST_SPACE];
    bool dilated = false;
    for (int d = 0; d < w->ndim; d++) {
        dilated = dilated || w->dilation[d] > 1;
    }
    return dilated ? dilated_mean(run, x, w) : pooled(mean_of, x, w, none, false);
}

/* The mean of padded elements over that of a mask which tells those that count. */
bool cnn__onnx_op_average_pool(cnn__onnx_run *run)
{
    cnn__onnx_window w;
    int type = cnn__onnx_type(run, 0);
    int64_t more[CNN__MOST_SPACE], shape[CNN_MAX_DIMS], after[CNN__MOST_SPACE];
    static const int64_t none[CNN__MOST_SPACE];
    bool include = cnn__onnx_int(run, "count_include_pad", 0) != 0, dilated = false, padded = false;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (!cnn__onnx_window_read(run, x, NULL, &w)) {
        return false;
    }
    bool plain = overhang(run, x, &w, more);
    for (int d = 0; d < w.ndim; d++) {
        dilated = dilated || w.dilation[d] > 1;
        padded = padded || w.before[d] || w.after[d] || more[d];
        after[d] = w.after[d] + more[d];
    }
    for (int d = 0; d < w.ndim; d++) {
        int64_t reach;
        if (__builtin_mul_overflow(w.kernel[d] - 1, w.dilation[d], &reach) ||
            reach >= cnn_tensor_size(x, d + 2) + w.before[d] + after[d]) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "a window of %lld with dilation %lld over %lld elements",
                                       (long long)w.kernel[d], (long long)w.dilation[d],
                                       (long long)cnn_tensor_size(x, d + 2));
        }
    }
    if (plain && !dilated && (w.ndim < 3 || !padded || include)) {
        return cnn__onnx_out(run, 0, pooled(mean_of, x, &w, w.before, !include), type);
    }
    cnn__onnx_shape_of(x, shape);
    shape[0] = shape[1] = 1;
    cnn_tensor *mask = cnn__onnx_full(run, cnn_tensor_dtype(x), w.ndim + 2, shape, 1);
    mask = cnn__onnx_window_padded(run, mask, &w, w.before, w.after, include);
    mask = cnn__onnx_window_padded(run, mask, &w, none, more, 0);
    x = cnn__onnx_window_padded(run, x, &w, w.before, after, 0);
    return cnn__onnx_out(run, 0, cnn_div(mean(run, x, &w), mean(run, mask, &w)), type);
}

/* (Σ |x|^p)^(1/p) */
bool cnn__onnx_op_lp_pool(cnn__onnx_run *run)
{
    cnn__onnx_window w;
    int64_t more[CNN__MOST_SPACE], count = 1;
    double p = (double)cnn__onnx_int(run, "p", 2);
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (!cnn__onnx_window_read(run, x, NULL, &w)) {
        return false;
    }
    overhang(run, x, &w, more);
    for (int d = 0; d < w.ndim; d++) {
        more[d] += w.after[d];
        count *= w.kernel[d];
    }
    x = cnn_pow_scalar(cnn_abs(cnn__onnx_window_padded(run, x, &w, w.before, more, 0)), p);
    return cnn__onnx_out(run, 0, cnn_pow_scalar(cnn_mul_scalar(mean(run, x, &w), (double)count), 1 / p),
                         cnn__onnx_type(run, 0));
}

/* Over all of space: the mean; with code 1 the largest, with code 2 the p-norm. */
bool cnn__onnx_op_global_pool(cnn__onnx_run *run)
{
    int dims[CNN_MAX_DIMS], rank = cnn__onnx_rank(run, 0), code = run->step->op->code;
    cnn_tensor *x = cnn__onnx_in(run, 0), *y;
    for (int d = 2; d < rank; d++) {
        dims[d - 2] = d;
    }
    if (rank < 3) {
        return cnn__onnx_out(run, 0, x, cnn__onnx_type(run, 0));
    }
    y = code == 1   ? cnn_max(x, rank - 2, dims, true)
        : code == 2 ? cnn_norm(x, (double)cnn__onnx_int(run, "p", 2), rank - 2, dims, true)
        : rank == 4 ? cnn_adaptive_avg_pool2d(x, 1, 1)
                    : cnn_mean(x, rank - 2, dims, true);
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}

/* Puts the maxima back to the positions that MaxPool gave, in the smallest input that it can have had. */
bool cnn__onnx_op_max_unpool(cnn__onnx_run *run)
{
    cnn__onnx_window w;
    int64_t shape[CNN_MAX_DIMS], to[CNN_MAX_DIMS], none[CNN_MAX_DIMS] = { 0 }, numel = 1, all = -1;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (!cnn__onnx_window_read(run, x, NULL, &w)) {
        return false;
    }
    int rank = cnn__onnx_shape_of(x, shape);
    for (int d = 0; d < w.ndim; d++) {
        shape[d + 2] = (shape[d + 2] - 1) * w.stride[d] + w.kernel[d] - w.before[d] - w.after[d];
    }
    bool larger = cnn__onnx_has(run, 2);
    if (larger && cnn__onnx_in_sizes(run, 2, to) != rank) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "output_shape is of another rank than %d", rank);
    }
    for (int d = 0; d < rank; d++) {
        if (shape[d] < 0 || __builtin_mul_overflow(numel, shape[d], &numel)) {
            return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "size %d of the output is %lld", d, (long long)shape[d]);
        }
    }
    cnn_tensor *zeros = cnn__onnx_full(run, cnn_tensor_dtype(x), 1, &numel, 0);
    cnn_tensor *y = cnn_scatter(zeros, 0, cnn_reshape(cnn__onnx_in(run, 1), 1, &all), cnn_reshape(x, 1, &all));
    y = cnn_reshape(y, rank, shape);
    for (int d = 0; larger && d < rank; d++) {
        to[d] -= shape[d];
    }
    y = larger ? cnn__onnx_padded(run, y, none, to, CNN_PAD_CONSTANT, 0) : y;
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}
