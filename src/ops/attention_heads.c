/* The heads of a projection: views of its last dimension, which holds `parts` (query, key, value) of `heads` heads
 * each. Their gradients are written side by side into one gradient of the projection. */
#include "ops/attention_heads.h"

#include <string.h>

typedef struct attention_heads {
    int64_t heads, parts;
    bool batch_first;
} attention_heads;

static const cnn__attribute attention_heads_attributes[] = { CNN__ATTRIBUTE(CNN__INT64, attention_heads, heads),
                                                             CNN__ATTRIBUTE(CNN__INT64, attention_heads, parts),
                                                             CNN__ATTRIBUTE(CNN__BOOL, attention_heads, batch_first),
                                                             { .name = NULL } };

/* Part j of t, [L,N,parts·heads·D] or [N,L,…], as [N,heads,L,D]: shape, strides and offset. */
static void heads_describe(const attention_heads *a, const cnn_tensor *t, int j, int64_t shape[4], int64_t stride[4],
                           int64_t *offset)
{
    const int n = a->batch_first ? 0 : 1;
    const int64_t width = t->shape[2] / a->parts / a->heads, step = t->stride[2];
    memcpy(shape, (const int64_t[]){ t->shape[n], a->heads, t->shape[1 - n], width }, 4 * sizeof *shape);
    memcpy(stride, (const int64_t[]){ t->stride[n], width * step, t->stride[1 - n], step }, 4 * sizeof *stride);
    *offset = t->offset + j * a->heads * width * step;
}

static bool heads_infer(cnn__call *call, void *attributes)
{
    const attention_heads *a = attributes;
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    for (int j = 0; j < CNN__ATTENTION_PARTS; j++) {
        if (j >= a->parts) {
            cnn__out_none(call, j);
            continue;
        }
        cnn__spec *spec = cnn__out_view(call, j, 0);
        spec->ndim = 4;
        heads_describe(a, call->in[0], j, spec->shape, spec->stride, &spec->offset);
    }
    return true;
}

static void heads_backward(cnn__node *node, cnn_tensor *dy)
{
    const attention_heads *a = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    bool going = dx != NULL;
    (void)dy; /* may be NULL */
    for (int j = 0; going && j < a->parts; j++) {
        const cnn_tensor *gradient = cnn__grad_of(node, j);
        cnn_tensor part = *dx;
        part.ndim = 4;
        part.numel = dx->numel / a->parts;
        heads_describe(a, dx, j, part.shape, part.stride, &part.offset);
        if (gradient) {
            going = cnn__run_copy(node->tape, node->op->name, &part, gradient);
        } else { /* nothing depends on this part */
            cnn_tensor *zero = cnn__constant(node, dx->dtype, 0);
            going = zero->kind != CNN__TENSOR_NIL && cnn__run_copy(node->tape, node->op->name, &part, zero);
        }
    }
    cnn__grad_add(node, 0, going ? dx : NULL);
}

static const cnn__op attention_heads_op = { .name = "attention_heads",
                                            .outputs = CNN__ATTENTION_PARTS,
                                            .size = sizeof(attention_heads),
                                            .attributes = attention_heads_attributes,
                                            .infer = heads_infer,
                                            .backward = heads_backward };

bool cnn__attention_heads(cnn_tensor *x, int64_t heads, int parts, bool batch_first, cnn_tensor **results)
{
    cnn_tensor *made[CNN__ATTENTION_PARTS];
    attention_heads a = { heads, parts, batch_first };
    bool done = cnn__apply_all(&attention_heads_op, &x, 1, &a, made);
    memcpy(results, made, (size_t)parts * sizeof(cnn_tensor *));
    return done;
}
