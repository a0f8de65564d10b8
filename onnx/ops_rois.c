/* RoiAlign: regions of pictures at one size. The places and weights that a region is sampled at are the host's; the
 * elements are selected and summed by operations, so that gradients reach the picture. */
#include "ops.h"

#include <math.h>
#include <stdlib.h>

enum { CORNERS = 4, MOST_SAMPLES = 1 << 22 };

typedef struct region {
    int64_t height, width, rows, columns; /* the sizes of the picture, and of the result */
    int64_t down, across;                 /* samples in each of the result's cells */
    double top, left, cell_height, cell_width;
    int64_t first; /* the picture's first position */
} region;

/* The four positions around a sample, and their bilinear weights; zeros outside of the picture. */
static void sample(const region *r, double y, double x, int64_t *positions, float *weights)
{
    for (int i = 0; i < CORNERS; i++) {
        positions[i] = r->first;
        weights[i] = 0;
    }
    if (!(y >= -1 && y <= (double)r->height && x >= -1 && x <= (double)r->width)) {
        return;
    }
    y = fmin(fmax(y, 0), (double)(r->height - 1));
    x = fmin(fmax(x, 0), (double)(r->width - 1));
    int64_t top = (int64_t)y, left = (int64_t)x, bottom = top + (top < r->height - 1),
            right = left + (left < r->width - 1);
    double down = y - (double)top, across = x - (double)left;
    const int64_t rows[2] = { top, bottom }, columns[2] = { left, right };
    const double vertical[2] = { 1 - down, down }, horizontal[2] = { 1 - across, across };
    for (int i = 0; i < CORNERS; i++) {
        positions[i] = r->first + rows[i / 2] * r->width + columns[i % 2];
        weights[i] = (float)(vertical[i / 2] * horizontal[i % 2]);
    }
}

static void sample_all(const region *r, int64_t *positions, float *weights)
{
    for (int64_t cell = 0; cell < r->rows * r->columns; cell++) {
        for (int64_t k = 0; k < r->down * r->across; k++, positions += CORNERS, weights += CORNERS) {
            double y = (double)(cell / r->columns) + ((double)(k / r->across) + 0.5) / (double)r->down,
                   x = (double)(cell % r->columns) + ((double)(k % r->across) + 0.5) / (double)r->across;
            sample(r, r->top + y * r->cell_height, r->left + x * r->cell_width, positions, weights);
        }
    }
}

/* The cells of a region, [rows · columns,C], of the picture's positions [N·H·W,C]; NULL: reported. */
static cnn_tensor *cells(cnn__onnx_run *run, const region *r, cnn_tensor *picture, bool max)
{
    int64_t each = r->down * r->across * CORNERS, count = r->rows * r->columns * each,
            channels = cnn_tensor_size(picture, 1);
    const int middle = 1;
    if (count == 0) {
        return cnn__onnx_full(run, cnn_tensor_dtype(picture), 2, (int64_t[]){ r->rows * r->columns, channels }, 0);
    }
    if (!cnn__onnx_count_made(run, count / CORNERS)) {
        return NULL;
    }
    int64_t *positions = malloc((size_t)count * sizeof *positions);
    float *weights = malloc((size_t)count * sizeof *weights);
    cnn_tensor *y = NULL;
    if (!positions || !weights) {
        cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory for %lld samples", (long long)count);
    } else {
        sample_all(r, positions, weights);
        y = cnn_index_select(picture, 0, cnn__onnx_made(run, CNN_I64, 1, &count, positions));
        cnn_tensor *w = cnn__onnx_made(run, CNN_F32, 2, (int64_t[]){ count, 1 }, weights);
        y = cnn_mul(y, cnn__onnx_to(w, cnn_tensor_dtype(picture)));
        y = cnn_reshape(y, 3, (int64_t[]){ r->rows * r->columns, each, channels });
        y = max ? cnn_max(y, 1, &middle, false)
                : cnn_mul_scalar(cnn_sum(y, 1, &middle, false), (double)CORNERS / (double)each);
    }
    free(positions);
    free(weights);
    return y;
}

/* Where region i lies; false, reported, where that is not in the picture's batch, or takes too many samples. */
static bool place(cnn__onnx_run *run, const cnn__onnx_host *boxes, const cnn__onnx_host *batch, int64_t i, int64_t n,
                  region *r)
{
    double scale = cnn__onnx_float(run, "spatial_scale", 1);
    cnn__onnx_text mode = cnn__onnx_string(run, "coordinate_transformation_mode",
                                           run->step->version < 16 ? "output_half_pixel" : "half_pixel");
    bool halves = cnn__onnx_text_is(mode, "half_pixel");
    const double *box = boxes->f + 4 * i, offset = halves ? 0.5 : 0;
    int64_t ratio = cnn__onnx_int(run, "sampling_ratio", 0);
    r->left = box[0] * scale - offset;
    r->top = box[1] * scale - offset;
    double width = box[2] * scale - offset - r->left, height = box[3] * scale - offset - r->top;
    width = halves ? width : fmax(width, 1); /* a malformed region is one of a pixel */
    height = halves ? height : fmax(height, 1);
    r->cell_height = height / (double)r->rows;
    r->cell_width = width / (double)r->columns;
    double down = ratio > 0 ? (double)ratio : ceil(r->cell_height),
           across = ratio > 0 ? (double)ratio : ceil(r->cell_width);
    if (batch->i[i] < 0 || batch->i[i] >= n || !(fabs(r->top) < 1e9) || !(fabs(r->left) < 1e9)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_INVALID_ARGUMENT, "region %lld is none of picture %lld of %lld",
                                   (long long)i, (long long)batch->i[i], (long long)n);
    }
    if (!(fmax(down, 0) * fmax(across, 0) * (double)(r->rows * r->columns) <= MOST_SAMPLES)) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "region %lld takes more than %d samples", (long long)i,
                                   MOST_SAMPLES);
    }
    r->down = down > 0 ? (int64_t)down : 0;
    r->across = across > 0 ? (int64_t)across : 0;
    r->first = batch->i[i] * r->height * r->width;
    return true;
}

static bool align(cnn__onnx_run *run, cnn_tensor *x, const cnn__onnx_host *boxes, const cnn__onnx_host *batch,
                  cnn_tensor **all)
{
    int64_t shape[CNN_MAX_DIMS], count = batch->numel;
    cnn__onnx_shape_of(x, shape);
    region r = { .height = shape[2],
                 .width = shape[3],
                 .rows = cnn__onnx_int(run, "output_height", 1),
                 .columns = cnn__onnx_int(run, "output_width", 1) };
    if (r.rows < 1 || r.columns < 1 || r.rows > MOST_SAMPLES || r.columns > MOST_SAMPLES) {
        return cnn__onnx_step_fail(run, CNN_ERROR_INVALID_ARGUMENT, "an output of %lld × %lld", (long long)r.rows,
                                   (long long)r.columns);
    }
    bool max = cnn__onnx_text_is(cnn__onnx_string(run, "mode", "avg"), "max");
    cnn_tensor *picture = cnn_reshape(cnn_permute(x, 4, (const int[]){ 0, 2, 3, 1 }), 2,
                                      (int64_t[]){ shape[0] * shape[2] * shape[3], shape[1] });
    for (int64_t i = 0; i < count; i++) {
        all[i] = place(run, boxes, batch, i, shape[0], &r) ? cells(run, &r, picture, max) : NULL;
        if (!all[i]) {
            return false;
        }
    }
    const int64_t none[4] = { 0, shape[1], r.rows, r.columns };
    cnn_tensor *y = count ? cnn_concat(all, (int)count, 0) : cnn__onnx_full(run, cnn_tensor_dtype(x), 4, none, 0);
    if (count) {
        y = cnn_permute(cnn_reshape(y, 4, (int64_t[]){ count, r.rows, r.columns, shape[1] }), 4,
                        (const int[]){ 0, 3, 1, 2 });
    }
    return cnn__onnx_out(run, 0, y, cnn__onnx_type(run, 0));
}

bool cnn__onnx_op_roi_align(cnn__onnx_run *run)
{
    cnn_tensor *x = cnn__onnx_in(run, 0);
    const cnn__onnx_host *boxes = cnn__onnx_in_host(run, 1), *batch = cnn__onnx_in_host(run, 2);
    if (!x || !boxes || !batch) {
        return false;
    }
    if (cnn_tensor_ndim(x) != 4 || cnn_tensor_numel(x) == 0 || boxes->ndim != 2 || boxes->shape[1] != 4 || !boxes->f ||
        !batch->i || batch->numel != boxes->shape[0]) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE,
                                   "expected pictures [N,C,H,W], regions [R,4] of numbers and [R] of integers");
    }
    cnn_tensor **all = calloc((size_t)batch->numel + 1, sizeof(cnn_tensor *));
    bool good = all ? align(run, x, boxes, batch, all) : cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory");
    free(all);
    return good;
}
