/* Kernels of layers: pooling, normalisation, recurrent steps, resampling, columns of windows. */
#ifndef WITHOUT_F32
#define WITHOUT_F64 /* they have a module of their own */
#endif
#include "arguments.h"
#include "enumerations.h"
#include "numbers.h"

/* The sizes of pooling kernels, in plain_arguments::size: those of cnn_maxpool in their order. */
enum {
    PLANES,
    IN_H,
    IN_W,
    OUT_H,
    OUT_W,
    KERNEL_H,
    KERNEL_W,
    STRIDE_H,
    STRIDE_W,
    DILATION_H,
    DILATION_W,
    PAD_TOP,
    PAD_LEFT
};

/* The sizes of normalisation: x is [batch, sets, channels, inner]; sets whose numbers are congruent modulo `groups`
 * share weights [groups, channels]. In statistics the scale stands in row SCALE_ROW. */
enum { NORM_BATCH, SETS, CHANNELS, INNER, NORM_GROUPS, OWN_STATISTICS, UNCENTRED, SCALE_ROW };

/* ---- resampling: an axis is a sparse matrix, whose rows are made of taps ---- */

typedef struct resample_tap {
    int64_t from;
    double weight;
} resample_tap;

/* An axis, in plain_arguments::size from 8 · axis on; its scale is value[axis]. */
enum { AXIS_FUNCTION, AXIS_IN, AXIS_OUT, AXIS_BEFORE, AXIS_ALIGNS, AXIS_TAPS_AT, AXIS_STARTS_AT, AXIS_SIZES = 8 };
enum { RESAMPLE_PLANES = 24, RESAMPLE_F64, RESAMPLE_TRANSPOSED };

typedef struct resample_reach {
    int64_t first, count;
    double weight[4];
} resample_reach;

/* scale · position − shift, computed in the dtype. */
DEVICE double source_of(double scale, bool f64, double position, double shift)
{
    return f64 ? scale * position - shift : (double)((float)scale * (float)position - (float)shift);
}

/* Keys's kernel with a = −0.75, up to a distance of 1 and up to 2. */
DEVICE double cubic_near(double x)
{
    return (1.25 * x - 2.25) * x * x + 1;
}

DEVICE double cubic_far(double x)
{
    return ((-0.75 * x + 3.75) * x - 6) * x + 3;
}

DEVICE void reach_between(const int64_t *axis, double scale, bool f64, int64_t o, resample_reach *r)
{
    const bool cubic = axis[AXIS_FUNCTION] == CNN_RESAMPLE_CUBIC;
    double at = axis[AXIS_ALIGNS] ? source_of(scale, f64, (double)o, 0) : source_of(scale, f64, (double)o + 0.5, 0.5);
    at = !cubic && at < 0 ? 0 : at;
    const double first = fmin(floor(at), (double)(axis[AXIS_IN] - 1)), t = fmin(fmax(at - first, 0.0), 1.0);
    r->first = (int64_t)first;
    r->count = 2;
    r->weight[0] = 1 - t;
    r->weight[1] = t;
    if (cubic) {
        r->first -= 1;
        r->count = 4;
        r->weight[0] = cubic_far(1 + t);
        r->weight[1] = cubic_near(t);
        r->weight[2] = cubic_near(1 - t);
        r->weight[3] = cubic_far(2 - t);
    } else if (axis[AXIS_IN] == axis[AXIS_OUT]) {
        r->first = o;
        r->count = 1;
        r->weight[0] = 1;
    }
}

/* What element o is made of; of a mean the first weight is that of all. */
DEVICE void reach_of(const int64_t *axis, double scale, bool f64, int64_t o, resample_reach *r)
{
    const int64_t in = axis[AXIS_IN], out = axis[AXIS_OUT];
    int64_t at = o - axis[AXIS_BEFORE];
    r->count = 1;
    r->weight[0] = 1;
    switch (axis[AXIS_FUNCTION]) {
    case CNN_RESAMPLE_NEAREST: at = (int64_t)floor(source_of(scale, f64, (double)o, 0)); break;
    case CNN_RESAMPLE_NEAREST_EXACT: at = (int64_t)floor(source_of(scale, f64, (double)o + 0.5, 0)); break;
    case CNN_RESAMPLE_LINEAR:
    case CNN_RESAMPLE_CUBIC: reach_between(axis, scale, f64, o, r); return;
    case CNN_RESAMPLE_MEAN:
        at = o * in / out;
        r->count = ((o + 1) * in + out - 1) / out - at;
        r->weight[0] = 1 / (double)r->count;
        break;
    case CNN_RESAMPLE_REFLECT: at = at < 0 ? -at : at < in ? at : 2 * (in - 1) - at; break;
    case CNN_RESAMPLE_CIRCULAR: at = at < 0 ? at + in : at < in ? at : at - in; break;
    default: break;
    }
    r->first = at;
}

DEVICE int64_t clamped(int64_t i, int64_t size)
{
    return i < 0 ? 0 : i < size ? i : size - 1;
}

#ifndef WITHOUT_F32
/* One thread makes the matrix of an axis, or its transpose. */
KERNEL(resample_matrices, plain_arguments)
{
    EACH (number, 3) {
        const int64_t *axis = a->size + AXIS_SIZES * number;
        const bool transposed = a->size[RESAMPLE_TRANSPOSED] != 0;
        const int64_t rows = transposed ? axis[AXIS_IN] : axis[AXIS_OUT];
        int64_t *start = (int64_t *)((char *)a->workspace + axis[AXIS_STARTS_AT]);
        resample_tap *taps = (resample_tap *)((char *)a->workspace + axis[AXIS_TAPS_AT]);
        for (int64_t i = 0; i <= rows; i++) {
            start[i] = 0;
        }
        for (int pass = 0; pass < 2; pass++) { /* counts the taps of each row, then puts them there */
            for (int64_t o = 0; o < axis[AXIS_OUT]; o++) {
                resample_reach r;
                reach_of(axis, a->value[number], a->size[RESAMPLE_F64] != 0, o, &r);
                for (int64_t k = 0; k < r.count; k++) {
                    const int64_t i = clamped(r.first + k, axis[AXIS_IN]);
                    int64_t *at = &start[transposed ? i : o];
                    if (pass) {
                        taps[*at].from = transposed ? o : i;
                        taps[*at].weight = r.weight[axis[AXIS_FUNCTION] == CNN_RESAMPLE_MEAN ? 0 : k];
                    }
                    ++*at;
                }
            }
            int64_t begin = 0;
            for (int64_t i = 0; i <= rows && !pass; i++) {
                const int64_t count = start[i];
                start[i] = begin;
                begin += count;
            }
        }
        for (int64_t i = rows; i > 0; i--) { /* each row's start has become its end */
            start[i] = start[i - 1];
        }
        start[0] = 0;
    }
}

#endif

#ifndef WITHOUT_F32
#define X float
#define FN(name) name##_f32
#define OWN(name) cnn__##name##_f32
#include "pooling.h"
#include "normalisation.h"
#include "recurrent.h"
#undef X
#undef FN
#undef OWN
#endif

#ifndef WITHOUT_F64
#define X double
#define FN(name) name##_f64
#define OWN(name) cnn__##name##_f64
#include "pooling.h"
#include "normalisation.h"
#include "recurrent.h"
#undef X
#undef FN
#undef OWN
#endif
