/* The discrete Fourier transform, as a product with a matrix, and distinct elements. */
#include "ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_MATRIX = 1 << 24 };

/* cos or sin of 2π·k·n / length as [out,in]. */
static cnn_tensor *waves(cnn__onnx_run *run, int64_t out, int64_t in, int64_t length, bool sine, cnn_dtype dtype)
{
    double *rows = cnn__onnx_table(run, out * in, sizeof *rows);
    for (int64_t k = 0; rows && k < out; k++) {
        for (int64_t n = 0; n < in; n++) {
            double angle = 6.283185307179586476925 * (double)(k * n % length) / (double)length;
            rows[k * in + n] = sine ? sin(angle) : cos(angle);
        }
    }
    return rows ? cnn__onnx_to(cnn__onnx_made(run, CNN_F64, 2, (int64_t[]){ out, in }, rows), dtype) : NULL;
}

/* The axis, an input since opset 20; the last dimension has the real and the imaginary part. */
static int axis_of(cnn__onnx_run *run, int rank)
{
    bool old = run->step->version < 20;
    int64_t axis = old ? cnn__onnx_int(run, "axis", 1) : cnn__onnx_in_int(run, 2, -2);
    return cnn__onnx_axis(run, axis, rank);
}

bool cnn__onnx_op_dft(cnn__onnx_run *run)
{
    int rank = cnn__onnx_rank(run, 0), axis = axis_of(run, rank), type = cnn__onnx_type(run, 0);
    bool inverse = cnn__onnx_int(run, "inverse", 0) != 0, half = cnn__onnx_int(run, "onesided", 0) != 0;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    if (!x || rank < 2 || axis < 0 || axis == rank - 1 || (inverse && half)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "a tensor of rank %d, or half of a spectrum", rank);
    }
    int64_t in = cnn_tensor_size(x, axis), length = cnn__onnx_in_int(run, 1, in);
    int64_t used = in < length ? in : length, out = half ? length / 2 + 1 : length;
    if (length < 1 || length > LARGEST_MATRIX / (used > 0 ? used : 1)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "a transform of length %lld", (long long)length);
    }
    bool complex = cnn_tensor_size(x, rank - 1) == 2;
    cnn_dtype dtype = cnn_tensor_dtype(x);
    cnn_tensor *c = waves(run, out, used, length, false, dtype), *s = waves(run, out, used, length, true, dtype);
    x = cnn_slice(x, axis, 0, used, 1);
    cnn_tensor *re = cnn_transpose(cnn_squeeze(cnn_slice(x, rank - 1, 0, 1, 1), rank - 1), axis, rank - 2);
    cnn_tensor *im =
        complex ? cnn_transpose(cnn_squeeze(cnn_slice(x, rank - 1, 1, 2, 1), rank - 1), axis, rank - 2) : NULL;
    double sign = inverse ? -1 : 1; /* exp(−i·angle), of the inverse exp(i·angle) */
    cnn_tensor *parts[2] = { cnn_linear(re, c, NULL), cnn_mul_scalar(cnn_linear(re, s, NULL), -sign) };
    if (im) {
        parts[0] = cnn_add(parts[0], cnn_mul_scalar(cnn_linear(im, s, NULL), sign));
        parts[1] = cnn_add(parts[1], cnn_linear(im, c, NULL));
    }
    for (int i = 0; i < 2; i++) {
        parts[i] = cnn_transpose(inverse ? cnn_mul_scalar(parts[i], 1.0 / (double)length) : parts[i], axis, rank - 2);
    }
    return cnn__onnx_out(run, 0, cnn_stack(parts, 2, rank - 1), type);
}

/* Frames of a signal [N,L,1 or 2] that begin every `step` elements: [N,frames,length,1 or 2]; NULL: reported. */
static cnn_tensor *frames_of(cnn__onnx_run *run, cnn_tensor *x, int64_t step, int64_t length)
{
    int64_t samples = cnn_tensor_size(x, 1), frames = samples < length ? 0 : (samples - length) / step + 1, count;
    if (frames < 1 || __builtin_mul_overflow(frames, length, &count)) {
        cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "%lld frames of %lld in a signal of %lld", (long long)frames,
                            (long long)length, (long long)samples);
        return NULL;
    }
    const int64_t all = -1;
    cnn_tensor *first = cnn__onnx_numbers(run, frames), *within = cnn__onnx_numbers(run, length);
    first = cnn_unsqueeze(cnn_mul(first, cnn__onnx_scalar(run, first, (double)step)), 1);
    cnn_tensor *parts = cnn_index_select(x, 1, cnn_reshape(cnn_add(first, within), 1, &all));
    return cnn_reshape(parts, 4, (int64_t[]){ cnn_tensor_size(x, 0), frames, length, cnn_tensor_size(x, 2) });
}

bool cnn__onnx_op_stft(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0), *window = cnn__onnx_has(run, 2) ? cnn__onnx_in(run, 2) : NULL;
    if (!x || cnn_tensor_ndim(x) != 3 || cnn_tensor_size(x, 2) < 1 || cnn_tensor_size(x, 2) > 2) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "expected a signal [N,L,1] or [N,L,2]");
    }
    int64_t step = cnn__onnx_in_int(run, 1, 0),
            length = cnn__onnx_in_int(run, 3, window ? cnn_tensor_numel(window) : 0);
    if (step < 1 || length < 1 || length > 4096 || (window && cnn_tensor_numel(window) != length)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "frames of %lld every %lld elements", (long long)length,
                                   (long long)step);
    }
    bool half = cnn__onnx_int(run, "onesided", 1) != 0, complex = cnn_tensor_size(x, 2) == 2;
    cnn_tensor *frames = frames_of(run, x, step, length);
    if (!frames) {
        return false;
    }
    frames = window ? cnn_mul(frames,
                              cnn_reshape(cnn__onnx_to(window, cnn_tensor_dtype(x)), 4, (int64_t[]){ 1, 1, length, 1 }))
                    : frames;
    int64_t out = half ? length / 2 + 1 : length;
    cnn_tensor *c = waves(run, out, length, length, false, cnn_tensor_dtype(x)),
               *s = waves(run, out, length, length, true, cnn_tensor_dtype(x)),
               *re = cnn_squeeze(cnn_slice(frames, 3, 0, 1, 1), 3),
               *im = complex ? cnn_squeeze(cnn_slice(frames, 3, 1, 2, 1), 3) : NULL;
    if (!c || !s) {
        return cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory for a transform of %lld", (long long)length);
    }
    cnn_tensor *parts[2] = { cnn_linear(re, c, NULL), cnn_neg(cnn_linear(re, s, NULL)) };
    if (im) {
        parts[0] = cnn_add(parts[0], cnn_linear(im, s, NULL));
        parts[1] = cnn_add(parts[1], cnn_linear(im, c, NULL));
    }
    return cnn__onnx_out(run, 0, cnn_stack(parts, 2, 3), cnn__onnx_type(run, 0));
}

/* ---- distinct elements ---- */

typedef struct element {
    double f;
    int64_t i, at;
} element;

/* A NaN is the largest number. */
static int by_value(const void *a, const void *b)
{
    const element *x = a, *y = b;
    int odd = (x->f != x->f) - (y->f != y->f);
    int order = odd ? odd : x->f < y->f ? -1 : x->f > y->f ? 1 : (x->i > y->i) - (x->i < y->i);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int by_place(const void *a, const void *b)
{
    const element *x = *(element *const *)a, *y = *(element *const *)b;
    return (x->at > y->at) - (x->at < y->at);
}

/* The distinct ones of all elements, where each is first, which of them each element is, and how often each is
 * there. */
bool cnn__onnx_op_unique(cnn__onnx_run *run)
{
    const cnn__onnx_host *x = cnn__onnx_in_host(run, 0);
    bool sorted = cnn__onnx_int(run, "sorted", 1) != 0;
    int64_t count = 0;
    if (!x || cnn__onnx_attribute_of(run->step, "axis")) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "distinct parts along an axis");
    }
    element *all = cnn__onnx_arena_get(run->arena, (size_t)x->numel, sizeof *all),
            **firsts = cnn__onnx_arena_get(run->arena, (size_t)x->numel, sizeof *firsts);
    cnn__onnx_host *inverse = cnn__onnx_run_host(run, CNN__ONNX_INT64, 1, &x->numel);
    if (!all || !firsts || !inverse) {
        return cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory");
    }
    for (int64_t k = 0; k < x->numel; k++) {
        all[k] = (element){ x->f ? x->f[k] : 0, x->i ? x->i[k] : 0, k };
    }
    qsort(all, (size_t)x->numel, sizeof *all, by_value);
    for (int64_t k = 0; k < x->numel; k++) {
        if (k == 0 || all[k].f < all[k - 1].f || all[k].f > all[k - 1].f || all[k].i != all[k - 1].i) {
            firsts[count++] = &all[k];
        }
    }
    if (!sorted) {
        qsort(firsts, (size_t)count, sizeof *firsts, by_place);
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, x->type, 1, &count),
                   *index = cnn__onnx_run_host(run, CNN__ONNX_INT64, 1, &count);
    cnn__onnx_host *counts = cnn__onnx_run_host(run, CNN__ONNX_INT64, 1, &count);
    for (int64_t i = 0; y && index && counts && i < count; i++) {
        const element *e = firsts[i], *end = all + x->numel;
        index->i[i] = e->at;
        if (y->f) {
            y->f[i] = e->f;
        } else {
            y->i[i] = e->i;
        }
        for (const element *same = e; same < end && !(same->f > e->f) && same->i == e->i; same++) {
            inverse->i[same->at] = i;
            counts->i[i]++;
        }
    }
    return cnn__onnx_out_host(run, 0, y) && cnn__onnx_out_host(run, 1, index) && cnn__onnx_out_host(run, 2, inverse) &&
           cnn__onnx_out_host(run, 3, counts);
}
