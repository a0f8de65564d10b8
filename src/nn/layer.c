/* Parameters of layers and their first values. A value is a pure function of its place and the stream, so tasks may
 * draw them in any order. */
#include "nn/layer.h"

#include "base/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASK = 1 << 13 }; /* values that a task draws: whole groups of Philox */

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

static void uniform_f64(const uniform *u, int64_t begin, int64_t end)
{
    double *x = cnn__data(u->t);
    for (int64_t i = begin; i < end; i++) {
        x[i] = u->bound * (2 * cnn__random_f64(u->key, (uint64_t)i) - 1);
    }
}

static void uniform_f32(const uniform *u, int64_t begin, int64_t end)
{
    uint32_t draws[CNN__DRAWS];
    for (int64_t i = begin; i < end; i += CNN__DRAWS) {
        float *x = (float *)cnn__data(u->t) + i;
        cnn__philox_group(u->key, (uint64_t)i / 4, draws);
        for (int k = 0; k < CNN__DRAWS && k < end - i; k++) {
            x[k] = (float)(u->bound * (2 * (double)cnn__uniform_f32(draws[k]) - 1));
        }
    }
}

static void uniform_task(void *arg, int64_t task, int worker)
{
    const uniform *u = arg;
    int64_t begin = task * TASK, end = begin + TASK < u->t->numel ? begin + TASK : u->t->numel;
    (void)worker;
    (u->t->dtype == CNN_F64 ? uniform_f64 : uniform_f32)(u, begin, end);
}

void cnn__layer_uniform(cnn_tensor *t, double bound)
{
    uniform u = { .t = t, .bound = bound };
    cnn__context_next_stream(t->ctx, u.key);
    cnn__pool_run(t->ctx->pool, (t->numel + TASK - 1) / TASK, (double)t->numel * 10, uniform_task, &u);
}

void cnn__layer_init(cnn_tensor *weight, cnn_tensor *bias, double fan_in)
{
    cnn__layer_uniform(weight, 1 / sqrt(fan_in));
    if (bias) {
        cnn__layer_uniform(bias, 1 / sqrt(fan_in));
    }
}

/* The shortest digits that read back as the same number, which printf and strtod write and read with the decimal
 * mark of the program's locale; cnn__number() then writes them with a point. */
const char *cnn__float_text(char text[CNN__FLOAT_TEXT], double value)
{
    char conversion[16];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(conversion, sizeof conversion, "%%.%dg", digits);
        snprintf(text, CNN__FLOAT_TEXT, conversion, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    cnn__number(text, CNN__FLOAT_TEXT, conversion, value);
    if (isfinite(value) && !strpbrk(text, ".e")) {
        memcpy(text + strlen(text), ".0", 3);
    }
    return text;
}
