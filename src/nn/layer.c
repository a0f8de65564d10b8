/* Parameters of layers and their first values. A value is a pure function of its place and the stream, so tasks may draw
 * them in any order. */
#include "nn/layer.h"

#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASK_BLOCKS = 2048 }; /* Philox blocks: 4 values of f32 or 2 of f64 each */

cnn_tensor *cnn__layer_parameter(cnn_module *module, const char *call, const char *name, cnn_dtype dtype, int ndim,
                                 const int64_t *shape)
{
    cnn_tensor *t = cnn__tensor_new(module->ctx, call, dtype, ndim, shape);
    return t ? cnn_module_add_parameter(module, name, t) : NULL;
}

typedef struct uniform {
    const cnn_tensor *t;
    uint64_t key[2];
    double bound;
} uniform;

static void uniform_block(const uniform *u, int64_t block)
{
    if (u->t->dtype == CNN_F64) {
        double *x = cnn__data(u->t);
        for (int64_t i = 2 * block; i < 2 * block + 2 && i < u->t->numel; i++) {
            x[i] = u->bound * (2 * cnn__random_f64(u->key, (uint64_t)i) - 1);
        }
        return;
    }
    float *x = cnn__data(u->t);
    uint32_t words[4];
    cnn__philox(u->key, (uint64_t)block, words);
    for (int i = 0; i < 4 && 4 * block + i < u->t->numel; i++) {
        x[4 * block + i] = (float)(u->bound * (2 * ((words[i] >> 8) * 0x1p-24) - 1));
    }
}

static void uniform_task(void *arg, int64_t task, int worker)
{
    const uniform *u = arg;
    int per_block = u->t->dtype == CNN_F64 ? 2 : 4;
    (void)worker;
    for (int64_t b = task * TASK_BLOCKS; b < (task + 1) * TASK_BLOCKS && b * per_block < u->t->numel; b++) {
        uniform_block(u, b);
    }
}

void cnn__layer_uniform(cnn_tensor *t, double bound)
{
    uniform u = { .t = t, .bound = bound };
    int64_t per_task = TASK_BLOCKS * (t->dtype == CNN_F64 ? 2 : 4);
    cnn__context_next_stream(t->ctx, u.key);
    cnn__pool_run(t->ctx->pool, (t->numel + per_task - 1) / per_task, (double)t->numel * 10, uniform_task, &u);
}

void cnn__layer_init(cnn_tensor *weight, cnn_tensor *bias, double fan_in)
{
    cnn__layer_uniform(weight, 1 / sqrt(fan_in));
    if (bias) {
        cnn__layer_uniform(bias, 1 / sqrt(fan_in));
    }
}

/* The shortest digits that read back as the same number. The program's locale may write another decimal point. */
const char *cnn__float_text(char text[CNN__FLOAT_TEXT], double value)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, CNN__FLOAT_TEXT, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    size_t point = strspn(text, "-0123456789e");
    if (text[point]) {
        text[point] = '.';
    } else if (!strchr(text, 'e')) {
        memcpy(text + point, ".0", sizeof ".0");
    }
    return text;
}
