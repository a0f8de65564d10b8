/* torch.nn.LocalResponseNorm: a row over its operation. */
#include "nn/layer.h"
#include "nn/plain.h"

#include <stdio.h>

typedef struct response_layer {
    int64_t size;
    cnn_local_response_norm_options options;
} response_layer;

static cnn_tensor *forward_response_norm(cnn_module *self, cnn_tensor *x)
{
    const response_layer *l = self->attributes;
    return cnn_local_response_norm(x, l->size, &l->options);
}

static cnn_status read_response(const cnn_context *ctx, const char *call, const void *options, void *attributes)
{
    response_layer *l = attributes;
    cnn_status status = CNN__OPTIONS_READ(ctx, call, &l->options, options);
    if (status == CNN_OK && l->size < 1) {
        status = cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: size is %lld, expected at least 1", call,
                           (long long)l->size);
    }
    return status;
}

static int response_describe(const cnn_module *self, char *buffer, size_t size)
{
    const response_layer *l = self->attributes;
    char alpha[CNN__FLOAT_TEXT], beta[CNN__FLOAT_TEXT], k[CNN__FLOAT_TEXT];
    return snprintf(buffer, size, "%lld, alpha=%s, beta=%s, k=%s", (long long)l->size,
                    cnn__float_text(alpha, cnn__option(l->options.alpha, 1e-4)),
                    cnn__float_text(beta, cnn__option(l->options.beta, 0.75)),
                    cnn__float_text(k, cnn__option(l->options.k, 1)));
}

static const cnn__plain_layer response_norm_layer = { .class = { .type = "LocalResponseNorm",
                                                                 .forward = forward_response_norm,
                                                                 .describe = response_describe,
                                                                 .clone = cnn__clone_bytes },
                                                      .call = "local_response_norm_create",
                                                      .size = sizeof(response_layer),
                                                      .read = read_response };

cnn_module *cnn_local_response_norm_create(cnn_context *ctx, int64_t size,
                                           const cnn_local_response_norm_options *options)
{
    response_layer l = { .size = size };
    return cnn__plain_new(ctx, &response_norm_layer, options, &l);
}
