/* torch.nn.Embedding: a table of vectors, first standard normal, whose padding row is zero and stays so. */
#include "nn/layer.h"
#include "ops/operation.h"

#include <stdio.h>
#include <string.h>

typedef struct embedding_layer {
    cnn_embedding_options options; /* padding_idx from 0 on */
    int64_t n, width;
    cnn_tensor *weight;
} embedding_layer;

static cnn_tensor *embedding_layer_forward(cnn_module *self, cnn_tensor *x)
{
    const embedding_layer *l = self->attributes;
    return cnn_embedding(l->weight, x, &l->options);
}

static int embedding_layer_describe(const cnn_module *self, char *buffer, size_t size)
{
    const embedding_layer *l = self->attributes;
    int length = snprintf(buffer, size, "%lld, %lld", (long long)l->n, (long long)l->width);
    if (l->options.has_padding_idx && (size_t)length < size) {
        length +=
            snprintf(buffer + length, size - (size_t)length, ", padding_idx=%lld", (long long)l->options.padding_idx);
    }
    return length;
}

/* The tensor is the clone's own. */
static cnn_status embedding_clone(cnn_module *to, const cnn_module *self)
{
    embedding_layer *l = to->attributes;
    *l = *(const embedding_layer *)self->attributes;
    l->weight = to->parameters.items[0].tensor;
    return CNN_OK;
}

static const cnn__module_class embedding_class = { .type = "Embedding",
                                                   .forward = embedding_layer_forward,
                                                   .describe = embedding_layer_describe,
                                                   .clone = embedding_clone };

static cnn_status embedding_layer_check(const cnn_context *ctx, const char *call, embedding_layer *l)
{
    cnn_embedding_options *o = &l->options;
    const long long n = l->n;
    if (l->n < 1 || l->width < 1) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %lld, expected at least 1", call,
                         l->n < 1 ? "num_embeddings" : "embedding_dim", (long long)(l->n < 1 ? l->n : l->width));
    }
    if (!cnn__dtype_is_real(o->dtype)) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: dtype is %s, expected " CNN__REAL_DTYPES, call,
                         cnn_dtype_name(o->dtype));
    }
    if (o->has_padding_idx && cnn__row_number(o->padding_idx, l->n) < 0) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: padding_idx is %lld, expected %lld to %lld", call,
                         (long long)o->padding_idx, -n, n - 1);
    }
    o->padding_idx = o->has_padding_idx ? cnn__row_number(o->padding_idx, l->n) : 0;
    return CNN_OK;
}

static cnn_status init(const embedding_layer *l, const char *call)
{
    uint64_t key[2];
    cnn__context_next_stream(l->weight->ctx, key);
    cnn_status status = cnn__draw(l->weight, call, key, CNN_DRAW_NORMAL, 0);
    if (status == CNN_OK && l->options.has_padding_idx) {
        cnn_tensor row = *l->weight;
        row.offset = l->options.padding_idx * l->width;
        row.numel = l->width;
        status = cnn__fill(&row, call, 0);
    }
    return status;
}

cnn_module *cnn_embedding_create(cnn_context *ctx, int64_t num_embeddings, int64_t embedding_dim,
                                 const cnn_embedding_options *options)
{
    const char *call = "embedding_create";
    embedding_layer l = { .n = num_embeddings, .width = embedding_dim };
    if (CNN__OPTIONS_READ(ctx, call, &l.options, options) != CNN_OK || embedding_layer_check(ctx, call, &l) != CNN_OK) {
        return NULL;
    }
    cnn_module *module = cnn__module_new(ctx, call, &embedding_class, sizeof l);
    if (!module) {
        return NULL;
    }
    l.weight = cnn__layer_parameter(module, call, "weight", l.options.dtype, 2, (const int64_t[]){ l.n, l.width });
    if (!l.weight) {
        cnn_module_free(module);
        return NULL;
    }
    if (init(&l, call) != CNN_OK) {
        cnn_module_free(module);
        return NULL;
    }
    *(embedding_layer *)module->attributes = l;
    return module;
}
