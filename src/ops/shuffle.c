/* PixelShuffle, its inverse and ChannelShuffle: the elements under a longer shape, with its dimensions in another
 * order, in one copy. */
#include "ops/operation.h"

enum { SHUFFLE_DIMS = 6 };

/* Element [i, j, …] of the longer shape of x goes where dimension k of the result's is its dimension order[k]. */
typedef struct shuffle {
    int64_t factor;
    int ndim;
    int64_t shape[SHUFFLE_DIMS]; /* the shape of x */
    int order[SHUFFLE_DIMS];
} shuffle;

static const cnn__attribute shuffle_attributes[] = { CNN__ATTRIBUTE(CNN__INT64, shuffle, factor), { .name = NULL } };

/* The elements of a tensor like x, in the order of the result. */
static cnn_tensor permuted(const shuffle *s, const cnn_tensor *x)
{
    cnn_tensor longer = *x, t;
    cnn__tensor_shape_set(&longer, x->dtype, s->ndim, s->shape);
    t = longer;
    for (int d = 0; d < s->ndim; d++) {
        t.shape[d] = longer.shape[s->order[d]];
        t.stride[d] = longer.stride[s->order[d]];
    }
    return t;
}

/* A tensor like the result under its longer shape. */
static cnn_tensor lengthened(const shuffle *s, const cnn_tensor *y)
{
    cnn_tensor t = *y;
    int64_t shape[SHUFFLE_DIMS];
    for (int d = 0; d < s->ndim; d++) {
        shape[d] = s->shape[s->order[d]];
    }
    cnn__tensor_shape_set(&t, y->dtype, s->ndim, shape);
    return t;
}

static bool shuffle_forward(cnn__call *call, void *attributes)
{
    cnn_tensor to = lengthened(attributes, call->out[0]), from = permuted(attributes, call->x[0]);
    return cnn__run_copy(call->tape, call->op->name, &to, &from);
}

static void shuffle_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn_tensor to = permuted(node->attributes, dx), from = lengthened(node->attributes, dy);
    if (cnn__run_copy(node->tape, node->op->name, &to, &from)) {
        cnn__grad_add(node, 0, dx);
    }
}

/* ---- infer ---- */

/* The rank is at least 3 and the factor, whose square must be an int64, at least 1. */
static bool shuffle_check(cnn__call *call, const shuffle *s, const char *name)
{
    const cnn_tensor *x = call->in[0];
    char text[CNN__SHAPE_TEXT];
    if (x->ndim < 3) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected rank 3 or more",
                       cnn__shape_text(text, x->ndim, x->shape));
        return false;
    }
    if (s->factor < 1 || s->factor > INT32_MAX) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%s is %lld, expected 1 to %d", name, (long long)s->factor,
                       INT32_MAX);
        return false;
    }
    return true;
}

static bool shuffle_fail(cnn__call *call, int64_t size, const char *what, int64_t divisor)
{
    cnn__call_fail(call, CNN_ERROR_SHAPE, "%s %lld is no multiple of %lld", what, (long long)size, (long long)divisor);
    return false;
}

static void shuffle_describe(cnn__call *call, shuffle *s, int ndim, const int64_t *shape, const int *order)
{
    s->ndim = ndim;
    for (int d = 0; d < ndim; d++) {
        s->shape[d] = shape[d];
        s->order[d] = order[d];
    }
    cnn__out_like(call, 0, 0);
}

/* The product of the sizes before the last three. */
static int64_t shuffle_batch(const cnn_tensor *x)
{
    int64_t batch = 1;
    for (int d = 0; d < x->ndim - 3; d++) {
        batch *= x->shape[d];
    }
    return batch;
}

static bool pixel_shuffle_infer(cnn__call *call, void *attributes)
{
    shuffle *s = attributes;
    const cnn_tensor *x = call->in[0];
    if (!shuffle_check(call, s, "upscale_factor")) {
        return false;
    }
    const int64_t *image = x->shape + x->ndim - 3, r = s->factor;
    if (image[0] % (r * r)) {
        return shuffle_fail(call, image[0], "the number of channels", r * r);
    }
    const int64_t channels = image[0] / (r * r), shape[] = { shuffle_batch(x), channels, r, r, image[1], image[2] };
    shuffle_describe(call, s, 6, shape, (const int[]){ 0, 1, 4, 2, 5, 3 });
    int64_t *to = call->spec[0].shape + x->ndim - 3;
    to[0] = channels;
    if (__builtin_mul_overflow(image[1], r, &to[1]) || __builtin_mul_overflow(image[2], r, &to[2])) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "an image of %lld x %lld overflows with upscale_factor %lld",
                       (long long)image[1], (long long)image[2], (long long)r);
        return false;
    }
    return true;
}

static bool pixel_unshuffle_infer(cnn__call *call, void *attributes)
{
    shuffle *s = attributes;
    const cnn_tensor *x = call->in[0];
    if (!shuffle_check(call, s, "downscale_factor")) {
        return false;
    }
    const int64_t *image = x->shape + x->ndim - 3, r = s->factor;
    for (int i = 1; i < 3; i++) {
        if (image[i] % r) {
            return shuffle_fail(call, image[i], i == 1 ? "height" : "width", r);
        }
    }
    const int64_t h = image[1] / r, w = image[2] / r, shape[] = { shuffle_batch(x), image[0], h, r, w, r };
    shuffle_describe(call, s, 6, shape, (const int[]){ 0, 1, 3, 5, 2, 4 });
    int64_t *to = call->spec[0].shape + x->ndim - 3;
    to[1] = h;
    to[2] = w;
    if (__builtin_mul_overflow(image[0], r * r, &to[0])) {
        return shuffle_fail(call, image[0], "the largest number of channels over", r * r);
    }
    return true;
}

static bool channel_shuffle_infer(cnn__call *call, void *attributes)
{
    shuffle *s = attributes;
    const cnn_tensor *x = call->in[0];
    if (!shuffle_check(call, s, "groups")) {
        return false;
    }
    if (x->shape[1] % s->factor) {
        return shuffle_fail(call, x->shape[1], "the number of channels", s->factor);
    }
    int64_t rest = 1;
    for (int d = 2; d < x->ndim; d++) {
        rest *= x->shape[d];
    }
    const int64_t shape[] = { x->shape[0], s->factor, x->shape[1] / s->factor, rest };
    shuffle_describe(call, s, 4, shape, (const int[]){ 0, 2, 1, 3 });
    return true;
}

/* What the descriptors have in common. */
#define SHUFFLE(function, rule, gradient) \
    { \
        .name = #function, .dense = 1, .size = sizeof(shuffle), .attributes = shuffle_attributes, .infer = (rule), \
        .forward = shuffle_forward, .backward = (gradient) \
    }

static const cnn__op pixel_shuffle_op = SHUFFLE(pixel_shuffle, pixel_shuffle_infer, shuffle_backward);
static const cnn__op pixel_unshuffle_op = SHUFFLE(pixel_unshuffle, pixel_unshuffle_infer, shuffle_backward);
static const cnn__op channel_shuffle_op = SHUFFLE(channel_shuffle, channel_shuffle_infer, shuffle_backward);

cnn_tensor *cnn_pixel_shuffle(cnn_tensor *x, int64_t upscale_factor)
{
    return cnn__apply(&pixel_shuffle_op, &x, 1, &(shuffle){ .factor = upscale_factor });
}

cnn_tensor *cnn_pixel_unshuffle(cnn_tensor *x, int64_t downscale_factor)
{
    return cnn__apply(&pixel_unshuffle_op, &x, 1, &(shuffle){ .factor = downscale_factor });
}

cnn_tensor *cnn_channel_shuffle(cnn_tensor *x, int64_t groups)
{
    return cnn__apply(&channel_shuffle_op, &x, 1, &(shuffle){ .factor = groups });
}
