/* torch.nn.functional.pad. With a constant the result is filled and x copied into it, for any dtype and rank; the other
 * modes read an element of x for each of the result, along up to three dimensions. */
#include "ops/resample.h"

enum { PAD_MODES = 4 };
#define PAD_LARGEST (INT64_C(1) << 61) /* sums of two and a size do not overflow */

typedef struct padding {
    cnn_resample_parameters g; /* first; of the modes that read x beyond its edges */
    int count, mode;
    int64_t pads[2 * CNN_MAX_DIMS]; /* as given: before and after the last dimension, then the one before it */
    double value;
    const int64_t *given; /* for infer */
    const cnn_pad_options *options;
} padding;

static const cnn__attribute pad_attributes[] = { { .name = "pads",
                                                   .type = CNN__INT64,
                                                   .offset = offsetof(padding, pads),
                                                   .count = 2 * CNN_MAX_DIMS,
                                                   .counted = true,
                                                   .count_at = offsetof(padding, count) },
                                                 CNN__ATTRIBUTE(CNN__INT, padding, mode),
                                                 CNN__ATTRIBUTE(CNN__FLOAT, padding, value),
                                                 { .name = NULL } };

/* How much dimension d of x grows before its first element (side 0) or behind its last one (side 1). */
static int64_t pad_of(const padding *p, int ndim, int d, int side)
{
    int at = 2 * (ndim - 1 - d) + side;
    return at < p->count ? p->pads[at] : 0;
}

/* ---- a constant ---- */

/* The part of t that x and the result share, where t is one of them: the elements of t from `first` on. */
static cnn_tensor shared_part(const padding *p, const cnn_tensor *t, const int64_t *size, bool result)
{
    cnn_tensor part = *t;
    part.numel = 1;
    for (int d = 0; d < t->ndim; d++) {
        int64_t before = pad_of(p, t->ndim, d, 0), after = pad_of(p, t->ndim, d, 1);
        int64_t kept = size[d] + (before < 0 ? before : 0) + (after < 0 ? after : 0);
        int64_t first = result ? before : -before;
        part.shape[d] = kept > 0 ? kept : 0;
        part.offset += first > 0 && kept > 0 ? first * t->stride[d] : 0;
        part.numel *= part.shape[d];
    }
    return part;
}

/* Copies what both share from one to the other, and fills the rest where there is one. */
static bool copy_shared(cnn_tape *tape, const padding *p, cnn_tensor *to, const cnn_tensor *from, const int64_t *size,
                        bool forward, double value)
{
    cnn_tensor to_part = shared_part(p, to, size, forward), from_part = shared_part(p, from, size, !forward);
    bool all = to_part.numel == to->numel;
    return (all || cnn__run_fill(tape, "pad", to, value)) && cnn__run_copy(tape, "pad", &to_part, &from_part);
}

static bool pad_forward(cnn__call *call, void *attributes)
{
    const padding *p = attributes;
    return copy_shared(call->tape, p, call->out[0], call->x[0], call->x[0]->shape, true, p->value);
}

static void pad_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (dx && copy_shared(node->tape, node->attributes, dx, dy, dx->shape, false, 0)) {
        cnn__grad_add(node, 0, dx);
    }
}

/* ---- the other modes ---- */

static const cnn__op pad_beyond_op = { .name = "pad",
                                       .dense = 1,
                                       .size = sizeof(padding),
                                       .attributes = pad_attributes,
                                       .forward = cnn__resample_forward,
                                       .backward = cnn__resample_backward };

static bool pad_fail(cnn__call *call, int d, int64_t before, int64_t after, const char *expected)
{
    cnn__call_fail(call, CNN_ERROR_SHAPE, "padding of %lld and %lld for dimension %d of size %lld, expected %s",
                   (long long)before, (long long)after, d, (long long)call->in[0]->shape[d], expected);
    return false;
}

/* Whether an axis has the elements that its mode reads. */
static bool axis_reaches(cnn__call *call, int d, int mode, int64_t before, int64_t after)
{
    int64_t size = call->in[0]->shape[d], larger = before > after ? before : after;
    if (mode == CNN_PAD_REFLECT && larger >= size) {
        return pad_fail(call, d, before, after, "less than the size with CNN_PAD_REFLECT");
    }
    if (mode == CNN_PAD_CIRCULAR && (larger > size || before < 0 || after < 0)) {
        return pad_fail(call, d, before, after, "0 to the size with CNN_PAD_CIRCULAR");
    }
    return true;
}

static bool pad_beyond(cnn__call *call, padding *p, const int64_t *shape)
{
    static const cnn_resample function[PAD_MODES] = { [CNN_PAD_REFLECT] = CNN_RESAMPLE_REFLECT,
                                                      [CNN_PAD_REPLICATE] = CNN_RESAMPLE_REPLICATE,
                                                      [CNN_PAD_CIRCULAR] = CNN_RESAMPLE_CIRCULAR };
    const cnn_tensor *x = call->in[0];
    int axes = p->count / 2;
    if (axes > CNN__RESAMPLE_AXES) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%d numbers, expected at most %d but with CNN_PAD_CONSTANT",
                       p->count, 2 * CNN__RESAMPLE_AXES);
        return false;
    }
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    cnn_resample_axis *axis = cnn__resample_axes(x, axes, &p->g);
    for (int i = 0; i < axes; i++) {
        int d = x->ndim - axes + i;
        int64_t before = pad_of(p, x->ndim, d, 0), after = pad_of(p, x->ndim, d, 1);
        if (!x->shape[d] || !shape[d]) {
            return pad_fail(call, d, before, after, "elements before and after it");
        }
        if (!axis_reaches(call, d, p->mode, before, after)) {
            return false;
        }
        axis[i].function = (int)function[p->mode];
        axis[i].before = before;
        axis[i].out = shape[d];
    }
    call->op = &pad_beyond_op;
    return true;
}

/* ---- both ---- */

static bool pad_check_count(cnn__call *call, const padding *p)
{
    int ndim = call->in[0]->ndim;
    bool good = p->count >= 0 && p->count % 2 == 0 && p->count <= 2 * ndim && (!p->count || p->given);
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "%d numbers%s for a tensor of rank %d, expected 2 per dimension", p->count,
                       p->count > 0 && !p->given ? " at NULL" : "", ndim);
    }
    return good;
}

static bool pad_shape(cnn__call *call, padding *p, int64_t *shape)
{
    const cnn_tensor *x = call->in[0];
    for (int i = 0; i < p->count; i++) {
        p->pads[i] = p->given[i];
    }
    for (int d = 0; d < x->ndim; d++) {
        int64_t before = pad_of(p, x->ndim, d, 0), after = pad_of(p, x->ndim, d, 1);
        bool wide = before < -PAD_LARGEST || before > PAD_LARGEST || after < -PAD_LARGEST || after > PAD_LARGEST;
        if (wide || __builtin_add_overflow(x->shape[d], before + after, &shape[d]) || shape[d] < 0) {
            return pad_fail(call, d, before, after, "a size of at least 0 and at most 2^62 more");
        }
    }
    return true;
}

static bool pad_infer(cnn__call *call, void *attributes)
{
    padding *p = attributes;
    cnn_pad_options o;
    int64_t shape[CNN_MAX_DIMS];
    if (!CNN__CALL_OPTIONS(call, &o, p->options) || !pad_check_count(call, p)) {
        return false;
    }
    if ((int)o.mode < 0 || (int)o.mode >= PAD_MODES) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "mode is %d, expected 0 to %d", (int)o.mode, PAD_MODES - 1);
        return false;
    }
    p->mode = (int)o.mode;
    p->value = cnn__option(o.value, 0);
    if (!pad_shape(call, p, shape) || (p->mode != CNN_PAD_CONSTANT && !pad_beyond(call, p, shape))) {
        return false;
    }
    cnn__out(call, 0, call->in[0]->dtype, call->in[0]->ndim, shape);
    return true;
}

static const cnn__op pad_op = { .name = "pad",
                                .size = sizeof(padding),
                                .attributes = pad_attributes,
                                .infer = pad_infer,
                                .forward = pad_forward,
                                .backward = pad_backward };

cnn_tensor *cnn_pad(cnn_tensor *x, int count, const int64_t *pads, const cnn_pad_options *options)
{
    padding p = { .count = count, .given = pads, .options = options };
    return cnn__apply(&pad_op, &x, 1, &p);
}
