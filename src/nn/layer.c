/* Parameters of layers and their first values. */
#include "nn/layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

cnn_tensor *cnn__layer_parameter(cnn_module *module, const char *call, const char *name, cnn_dtype dtype, int ndim,
                                 const int64_t *shape)
{
    cnn_tensor *t = cnn__tensor_new(module->ctx, call, dtype, ndim, shape);
    return t ? cnn_module_add_parameter(module, name, t) : NULL;
}

cnn_status cnn__layer_uniform(cnn_tensor *t, const char *call, double bound)
{
    uint64_t key[2];
    cnn__context_next_stream(t->ctx, key);
    return cnn__draw(t, call, key, CNN_DRAW_SYMMETRIC, bound);
}

cnn_status cnn__layer_init(cnn_tensor *weight, cnn_tensor *bias, const char *call, double fan_in)
{
    cnn_status status = cnn__layer_uniform(weight, call, 1 / sqrt(fan_in));
    return bias && status == CNN_OK ? cnn__layer_uniform(bias, call, 1 / sqrt(fan_in)) : status;
}

/* The shortest digits that read back as the same number, as Python without an exponent from 1 to 10^16. printf and
 * strtod write and read them with the decimal mark of the program's locale; cnn__number() then writes them with a
 * point. */
const char *cnn__float_text(char text[CNN__FLOAT_TEXT], double value)
{
    char conversion[16];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(conversion, sizeof conversion, "%%.%dg", digits);
        snprintf(text, CNN__FLOAT_TEXT, conversion, value);
        bool exponent = strchr(text, 'e') && fabs(value) >= 1 && fabs(value) < 1e16;
        if (strtod(text, NULL) == value && !exponent) {
            break;
        }
    }
    cnn__number(text, CNN__FLOAT_TEXT, conversion, value);
    if (isfinite(value) && !strpbrk(text, ".e")) {
        memcpy(text + strlen(text), ".0", 3);
    }
    return text;
}
