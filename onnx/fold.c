/* Folding: what follows from shapes and constants the host computes, so that a step neither waits for it nor has it on
 * its tape. Shape and its like give host values; the operators here keep them so. */
#include "ops.h"

#include <math.h>
#include <string.h>

enum { MOST = 4096 };

bool cnn__onnx_fold(cnn__onnx_run *run)
{
    const cnn__onnx_step *step = run->step;
    bool any = false;
    if (!step->op->fold || run->made >= CNN__ONNX_MOST_MADE) {
        return false;
    }
    for (int i = 0; i < step->in_count; i++) {
        const cnn__onnx_host *host = cnn__onnx_known(run, i);
        if (cnn__onnx_has(run, i) && (!host || host->numel > MOST)) {
            return false;
        }
        any = any || host;
    }
    return any && step->op->fold(run);
}

/* ---- elements ---- */

/* The shape of a and b, broadcast. Returns the rank; -1: they do not fit. */
static int broadcast(const cnn__onnx_host *a, const cnn__onnx_host *b, int64_t *shape)
{
    int rank = a->ndim > b->ndim ? a->ndim : b->ndim;
    int64_t numel = 1;
    for (int d = 0; d < rank; d++) {
        int i = d - (rank - a->ndim), j = d - (rank - b->ndim);
        int64_t m = i < 0 ? 1 : a->shape[i], n = j < 0 ? 1 : b->shape[j];
        if (m != n && m != 1 && n != 1) {
            return -1;
        }
        shape[d] = m == 1 ? n : m;
        numel *= shape[d];
        if (numel > MOST) {
            return -1;
        }
    }
    return rank;
}

/* The element of x that is broadcast to element k of a shape. */
static int64_t place(const cnn__onnx_host *x, int rank, const int64_t *shape, int64_t k)
{
    int64_t at = 0, stride = 1;
    for (int d = rank - 1; d >= 0; d--) {
        int64_t i = k % shape[d];
        int own = d - (rank - x->ndim);
        k /= shape[d];
        if (own >= 0) {
            at += x->shape[own] == 1 ? 0 : i * stride;
            stride *= x->shape[own];
        }
    }
    return at;
}

static int64_t of_integers(int code, int64_t a, int64_t b)
{
    switch (code) {
    case CNN__FOLD_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
    case CNN__FOLD_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
    case CNN__FOLD_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case CNN__FOLD_DIV: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case CNN__FOLD_MIN: return a < b ? a : b;
    case CNN__FOLD_MAX: return a > b ? a : b;
    case CNN__FOLD_EQ: return a == b;
    case CNN__FOLD_LT: return a < b;
    case CNN__FOLD_LE: return a <= b;
    case CNN__FOLD_GT: return a > b;
    case CNN__FOLD_GE: return a >= b;
    case CNN__FOLD_AND: return a && b;
    default: return a || b;
    }
}

/* In the precision of the type. */
static double of_numbers(int code, double a, double b)
{
    switch (code) {
    case CNN__FOLD_ADD: return a + b;
    case CNN__FOLD_SUB: return a - b;
    case CNN__FOLD_MUL: return a * b;
    case CNN__FOLD_DIV: return a / b;
    case CNN__FOLD_MIN: return a < b ? a : b;
    case CNN__FOLD_MAX: return a > b ? a : b;
    case CNN__FOLD_EQ: return !(a < b) && !(a > b) && a == a && b == b;
    case CNN__FOLD_LT: return a < b;
    case CNN__FOLD_LE: return a <= b;
    case CNN__FOLD_GT: return a > b;
    default: return a >= b;
    }
}

/* The types whose arithmetic the host does: 64 bits and, where nothing is lost, f32 and f64. */
static bool folds(int type)
{
    return type == CNN__ONNX_INT64 || type == CNN__ONNX_FLOAT || type == CNN__ONNX_DOUBLE || type == CNN__ONNX_BOOL;
}

bool cnn__onnx_fold_arithmetic(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS];
    const cnn__onnx_host *a = cnn__onnx_known(run, 0), *b = cnn__onnx_known(run, 1);
    int code = run->step->op->code,
        rank = run->step->in_count == 2 && a->type == b->type && folds(a->type) ? broadcast(a, b, shape) : -1;
    if (rank < 0) {
        return false;
    }
    bool compares = code >= CNN__FOLD_EQ;
    cnn__onnx_host *y = cnn__onnx_run_host(run, compares ? CNN__ONNX_BOOL : a->type, rank, shape);
    for (int64_t k = 0; y && k < y->numel; k++) {
        int64_t i = place(a, rank, shape, k), j = place(b, rank, shape, k);
        double number = a->f ? of_numbers(code, a->f[i], b->f[j]) : 0;
        number = a->f && a->type == CNN__ONNX_FLOAT ? (double)(float)number : number;
        if (y->f) {
            y->f[k] = number;
        } else {
            y->i[k] = a->f ? number > 0 : of_integers(code, a->i[i], b->i[j]);
        }
    }
    return cnn__onnx_out_host(run, 0, y);
}

/* Floor, Ceil, Neg, Not, Sqrt of each element. */
bool cnn__onnx_fold_numbers(cnn__onnx_run *run)
{
    const cnn__onnx_host *x = cnn__onnx_known(run, 0);
    int code = run->step->op->code;
    if (!folds(x->type) || (x->i && code != CNN__FOLD_NEG && code != CNN__FOLD_NOT)) {
        return false;
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, x->type, x->ndim, x->shape);
    for (int64_t k = 0; y && k < x->numel; k++) {
        if (x->f) {
            double v = x->f[k];
            v = code == CNN__FOLD_FLOOR  ? floor(v)
                : code == CNN__FOLD_CEIL ? ceil(v)
                : code == CNN__FOLD_NEG  ? -v
                                         : sqrt(v);
            y->f[k] = x->type == CNN__ONNX_FLOAT ? (double)(float)v : v;
        } else {
            y->i[k] = code == CNN__FOLD_NOT ? !x->i[k] : (int64_t)(0 - (uint64_t)x->i[k]);
        }
    }
    return cnn__onnx_out_host(run, 0, y);
}

/* Casts to a type of 64 bits, f32 or bool; saturates, as cnn_cast() does. */
bool cnn__onnx_fold_cast(cnn__onnx_run *run)
{
    const cnn__onnx_host *x = cnn__onnx_known(run, 0);
    int to = (int)cnn__onnx_int(run, "to", 0);
    if (to == CNN__ONNX_INT32 && x->type == CNN__ONNX_INT64) {
        for (int64_t k = 0; k < x->numel; k++) {
            if (x->i[k] != (int32_t)x->i[k]) {
                return false;
            }
        }
    } else if (!folds(to) || !(folds(x->type) || x->type == CNN__ONNX_INT32)) {
        return false;
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, to, x->ndim, x->shape);
    for (int64_t k = 0; y && k < x->numel; k++) {
        if (y->f) {
            double v = x->f ? x->f[k] : (double)x->i[k];
            y->f[k] = to == CNN__ONNX_FLOAT ? (double)(float)v : v;
        } else if (to == CNN__ONNX_BOOL) {
            y->i[k] = x->f ? x->f[k] < 0 || x->f[k] > 0 || x->f[k] != x->f[k] : x->i[k] != 0;
        } else if (x->f) {
            double v = x->f[k];
            y->i[k] = v != v ? 0 : v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
        } else {
            y->i[k] = x->i[k];
        }
    }
    return cnn__onnx_out_host(run, 0, y);
}

bool cnn__onnx_fold_where(cnn__onnx_run *run)
{
    int64_t first[CNN_MAX_DIMS], shape[CNN_MAX_DIMS];
    const cnn__onnx_host *c = cnn__onnx_known(run, 0), *a = cnn__onnx_known(run, 1), *b = cnn__onnx_known(run, 2);
    cnn__onnx_host both = { 0 };
    both.ndim = a->type == b->type && c->i ? broadcast(a, b, first) : -1;
    if (both.ndim < 0) {
        return false;
    }
    memcpy(both.shape, first, sizeof first);
    int rank = broadcast(c, &both, shape);
    cnn__onnx_host *y = rank < 0 ? NULL : cnn__onnx_run_host(run, a->type, rank, shape);
    for (int64_t k = 0; y && k < y->numel; k++) {
        const cnn__onnx_host *from = c->i[place(c, rank, shape, k)] ? a : b;
        int64_t at = place(from, rank, shape, k);
        if (y->f) {
            y->f[k] = from->f[at];
        } else {
            y->i[k] = from->i[at];
        }
    }
    return y && cnn__onnx_out_host(run, 0, y);
}

/* ---- parts ---- */

static void copy(cnn__onnx_host *to, int64_t at, const cnn__onnx_host *from, int64_t k)
{
    if (to->f) {
        to->f[at] = from->f[k];
    } else {
        to->i[at] = from->i[k];
    }
}

/* Gathers from a list or from a matrix's rows, by indices of any shape. */
bool cnn__onnx_fold_gather(cnn__onnx_run *run)
{
    const cnn__onnx_host *x = cnn__onnx_known(run, 0), *index = cnn__onnx_known(run, 1);
    int64_t axis = cnn__onnx_int(run, "axis", 0);
    if (x->ndim != 1 || (axis != 0 && axis != -1) || !index->i) {
        return false;
    }
    for (int64_t k = 0; k < index->numel; k++) {
        if (index->i[k] < -x->numel || index->i[k] >= x->numel) {
            return cnn__onnx_step_fail(run, CNN_ERROR_INVALID_ARGUMENT, "index %lld of %lld elements",
                                       (long long)index->i[k], (long long)x->numel);
        }
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, x->type, index->ndim, index->shape);
    for (int64_t k = 0; y && k < index->numel; k++) {
        copy(y, k, x, index->i[k] < 0 ? index->i[k] + x->numel : index->i[k]);
    }
    return cnn__onnx_out_host(run, 0, y);
}

/* Joins lists. */
bool cnn__onnx_fold_concat(cnn__onnx_run *run)
{
    int64_t count = 0, at = 0;
    int type = cnn__onnx_type(run, 0);
    for (int i = 0; i < run->step->in_count; i++) {
        const cnn__onnx_host *x = cnn__onnx_known(run, i);
        if (!x || x->ndim != 1 || x->type != type) {
            return false;
        }
        count += x->numel;
        if (count > MOST) {
            return false;
        }
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, type, 1, &count);
    for (int i = 0; y && i < run->step->in_count; i++) {
        const cnn__onnx_host *x = cnn__onnx_known(run, i);
        for (int64_t k = 0; k < x->numel; k++) {
            copy(y, at++, x, k);
        }
    }
    return cnn__onnx_out_host(run, 0, y);
}

/* Takes a part of a list. */
bool cnn__onnx_fold_slice(cnn__onnx_run *run)
{
    cnn__onnx_slice slices[CNN_MAX_DIMS] = { { 0 } };
    const cnn__onnx_host *x = cnn__onnx_known(run, 0);
    if (x->ndim != 1 || !cnn__onnx_slice_of(run, 1, slices)) {
        return false;
    }
    cnn__onnx_slice s = slices[0].is_there ? slices[0] : (cnn__onnx_slice){ true, 0, x->numel, 1 };
    if (!cnn__onnx_slice_bounds(x->numel, s.step, &s.start, &s.end) || s.step < -MOST || s.step > INT32_MAX) {
        return false;
    }
    int64_t way = s.end - s.start, count = s.step > 0 ? (way + s.step - 1) / s.step : (-way - s.step - 1) / -s.step;
    count = count < 0 ? 0 : count;
    cnn__onnx_host *y = cnn__onnx_run_host(run, x->type, 1, &count);
    for (int64_t k = 0; y && k < count; k++) {
        copy(y, k, x, s.start + k * s.step);
    }
    return cnn__onnx_out_host(run, 0, y);
}

/* Reshape, Squeeze and Unsqueeze to a list or a number; Identity. */
bool cnn__onnx_fold_shape(cnn__onnx_run *run)
{
    const cnn__onnx_host *x = cnn__onnx_known(run, 0);
    int64_t shape[CNN_MAX_DIMS], rank = 0;
    int code = run->step->op->code;
    if (code == CNN__FOLD_UNSQUEEZE) {
        rank = cnn__onnx_unsqueezed(run, shape);
    } else if (code == CNN__FOLD_SQUEEZE) { /* a list of one becomes a number */
        rank = x->ndim == 1 && x->numel == 1 ? 0 : -1;
    } else {
        const cnn__onnx_host *to = cnn__onnx_known(run, 1);
        bool list = to && to->i && to->numel == 1 && (to->i[0] == -1 || to->i[0] == x->numel);
        rank = list ? 1 : to && to->i && to->numel == 0 && x->numel == 1 ? 0 : -1;
        shape[0] = x->numel;
    }
    cnn__onnx_host *y = rank < 0 ? NULL : cnn__onnx_run_host(run, x->type, (int)rank, shape);
    for (int64_t k = 0; y && k < x->numel; k++) {
        copy(y, k, x, k);
    }
    return y && cnn__onnx_out_host(run, 0, y);
}

/* The product of a list's integers; with another code their sum, maximum or minimum. */
bool cnn__onnx_fold_product(cnn__onnx_run *run)
{
    const cnn__onnx_host *x = cnn__onnx_known(run, 0);
    int code = run->step->op->code, fold = code == 7   ? CNN__FOLD_MUL
                                           : code == 8 ? CNN__FOLD_ADD
                                           : code == 4 ? CNN__FOLD_MAX
                                                       : CNN__FOLD_MIN;
    if (x->ndim != 1 || x->type != CNN__ONNX_INT64 || x->numel == 0 || (code != 4 && code < 6) || code == 9) {
        return false;
    }
    int64_t one = 1, value = x->i[0];
    for (int64_t k = 1; k < x->numel; k++) {
        value = of_integers(fold, value, x->i[k]);
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, x->type, cnn__onnx_int(run, "keepdims", 1) != 0, &one);
    if (y) {
        y->i[0] = value;
    }
    return cnn__onnx_out_host(run, 0, y);
}
