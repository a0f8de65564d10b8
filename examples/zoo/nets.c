/* The table of nets, and what holds for all of them: their loss and drawn batches. */
#include "zoo.h"

#include <stdlib.h>
#include <string.h>

const zoo_net zoo_nets[] = {
#define ZOO_NET(id, ...) { .name = #id, .make = zoo_make_##id, __VA_ARGS__ },
#include "zoo.def"
#undef ZOO_NET
};
const int zoo_net_count = sizeof zoo_nets / sizeof *zoo_nets;

const zoo_net *zoo_find(const char *name)
{
    for (int i = 0; i < zoo_net_count; i++) {
        if (strcmp(zoo_nets[i].name, name) == 0) {
            return &zoo_nets[i];
        }
    }
    return NULL;
}

/* Logits [N, T, V] and targets [N, T] are N · T rows of a classification. */
static cnn_tensor *token_loss(cnn_tensor *logits, cnn_tensor *target)
{
    return cnn_cross_entropy(cnn_flatten(logits, 0, -2), cnn_flatten(target, 0, -1));
}

cnn_tensor *zoo_loss(const zoo_net *net, cnn_module *model, cnn_tensor *input, cnn_tensor *target)
{
    if (net->loss) {
        return net->loss(model, input, target);
    }
    cnn_tensor *output = cnn_forward(model, input);
    return net->tokens ? token_loss(output, target) : cnn_cross_entropy(output, target);
}

/* `count` whole numbers from 0 to `classes` - 1, to be freed; NULL on failure. */
static int64_t *draw_classes(cnn_context *ctx, int64_t classes, int64_t count)
{
    size_t bytes = (size_t)count * sizeof(double);
    cnn_tensor *uniform = cnn_tensor_rand(ctx, CNN_F64, CNN_SHAPE(count));
    double *values = malloc(bytes);
    int64_t *drawn = malloc((size_t)count * sizeof *drawn);
    bool ok = uniform && values && drawn && cnn_tensor_read(uniform, values, bytes) == CNN_OK;
    for (int64_t i = 0; ok && i < count; i++) {
        drawn[i] = (int64_t)(values[i] * (double)classes);
    }
    cnn_tensor_free(uniform);
    free(values);
    if (!ok) {
        free(drawn);
    }
    return ok ? drawn : NULL;
}

/* Sequences of one token more than are read: the last `T` of them are the targets of the first. */
static bool draw_tokens(cnn_context *ctx, int64_t length, int64_t classes, int64_t batch, cnn_tensor **inputs,
                        cnn_tensor **targets)
{
    int64_t *drawn = draw_classes(ctx, classes, batch * (length + 1));
    int64_t *rows = drawn ? malloc((size_t)(batch * length) * sizeof *rows) : NULL;
    for (int next = 0; rows && next < 2; next++) {
        for (int64_t n = 0; n < batch; n++) {
            memcpy(rows + n * length, drawn + n * (length + 1) + next, (size_t)length * sizeof *rows);
        }
        *(next ? targets : inputs) = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(batch, length), rows);
    }
    free(rows);
    free(drawn);
    return *inputs && *targets;
}

bool zoo_draw(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes, int64_t batch,
              cnn_tensor **inputs, cnn_tensor **targets)
{
    *inputs = *targets = NULL;
    if (net->tokens) {
        return draw_tokens(ctx, input[0], classes, batch, inputs, targets);
    }
    int64_t h = net->pixels ? input[1] : 1, w = net->pixels ? input[2] : 1;
    int64_t *labels = draw_classes(ctx, classes, batch * h * w);
    *inputs = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(batch, input[0], input[1], input[2]));
    if (labels) {
        *targets = cnn_tensor_from_data(ctx, CNN_I64, net->pixels ? 3 : 1, (const int64_t[]){ batch, h, w }, labels);
    }
    free(labels);
    return *inputs && *targets;
}
