/* Convolutions with more taps than may be added one after the other in f32. The kernel is split into parts of some
 * rows, or of some columns of one row; each part is computed as a padded convolution, and the results are added in
 * double. */
#include "kernels/simd/conv/algorithms.h"
#include "kernels/simd/layout/plan.h"
#include "kernels/simd/vector/long_sum.h"

/* The taps of an axis from `tap` on. */
static conv_axis axis_part(const conv_axis *a, int64_t tap, int64_t taps)
{
    conv_axis part = *a;
    part.first += tap * a->step;
    part.weight_first += tap * a->weight_step;
    part.taps = taps;
    return part;
}

/* Part number k; false: there are no more. */
static bool part_at(const conv_plan *p, int64_t k, conv_plan *part)
{
    int64_t columns = min64(p->w.taps, PART_SUM), rows = min64(p->h.taps, PART_SUM / columns);
    int64_t across = divide_up(p->w.taps, columns), row = k / across * rows, column = k % across * columns;
    if (row >= p->h.taps) {
        return false;
    }
    *part = *p;
    part->h = axis_part(&p->h, row, min64(rows, p->h.taps - row));
    part->w = axis_part(&p->w, column, min64(columns, p->w.taps - column));
    part->relu = part->add = false;
    part->finish = NULL;
    part->relu_mask = NULL;
    return true;
}

static int64_t y_floats(const conv_plan *p)
{
    return round_up(p->batch * p->groups * p->out_channels * p->h.out * p->w.out, 16);
}

bool CNN__SIMD(conv_split_taps_fits)(const conv_plan *p)
{
    return long_sum(plan_taps(p));
}

size_t CNN__SIMD(conv_split_taps_workspace)(const conv_plan *p, int workers)
{
    size_t largest = 0;
    conv_plan part;
    for (int64_t k = 0; part_at(p, k, &part); k++) {
        size_t size = CNN__SIMD(conv_padded_workspace)(&part, workers);
        largest = size > largest ? size : largest;
    }
    return (size_t)y_floats(p) * (sizeof(float) + sizeof(double)) + largest;
}

/* The plan's positions of a plane of y. */
static void write_plane(const conv_plan *p, const double *wide, float bias, float *y)
{
    for (int64_t q = 0; q < p->h.grid; q++) {
        int64_t line = (p->h.out_first + q * p->h.out_step) * p->w.out + p->w.out_first;
        for (int64_t k = 0; k < p->w.grid; k++) {
            y[line + k * p->w.out_step] = (float)(wide[line + k * p->w.out_step] + (double)bias);
        }
    }
}

void CNN__SIMD(conv_split_taps)(const conv_plan *p, const float *x, const float *weight, const float *bias, float *y,
                                void *memory, cnn__pool *pool)
{
    double *wide = memory;
    float *sums = (float *)(wide + y_floats(p));
    int64_t plane = p->h.out * p->w.out, channels = p->groups * p->out_channels;
    conv_plan part;
    memset(sums, 0, (size_t)y_floats(p) * sizeof *sums); /* what is not of this plan's positions is added up as well */
    for (int64_t k = 0; part_at(p, k, &part); k++) {
        CNN__SIMD(conv_padded)(&part, x, weight, NULL, sums, sums + y_floats(p), pool);
        wide_add(wide, k == 0, sums, 1, p->batch * channels * plane, 0);
    }
    for (int64_t n = 0; n < p->batch * channels; n++) {
        write_plane(p, wide + n * plane, bias ? bias[n % channels] : 0, y + n * plane);
    }
}
