/* The operators that can be run: a row of operators.def for each. */
#include "ops.h"

#include <string.h>

#define ANY (-1)
#define OPERATOR(text, first, last, least, most, outputs, of_parameters, of_buffers, function, ...) \
    { .name = text, \
      .since = first, \
      .until = last, \
      .min_in = least, \
      .max_in = most, \
      .max_out = outputs, \
      .parameters = of_parameters, \
      .buffers = of_buffers, \
      .run = function, \
      .fold = __VA_ARGS__ },
/* In the order of strcmp(). */
const cnn__onnx_operator cnn__onnx_operators[] = {
#include "operators.def"
};
const int cnn__onnx_operator_count = (int)(sizeof cnn__onnx_operators / sizeof *cnn__onnx_operators);

static int compare(cnn__onnx_text text, const char *name)
{
    size_t length = strlen(name), shorter = text.size < length ? text.size : length;
    int order = shorter ? memcmp(text.at, name, shorter) : 0;
    return order ? order : (text.size > length) - (text.size < length);
}

const cnn__onnx_operator *cnn__onnx_operator_find(cnn__onnx_text domain, cnn__onnx_text name, int64_t version,
                                                  bool *known)
{
    int low = 0, high = cnn__onnx_operator_count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        int order = compare(name, cnn__onnx_operators[middle].name);
        if (order == 0) {
            const cnn__onnx_operator *op = &cnn__onnx_operators[middle];
            if (!cnn__onnx_text_is(domain, op->domain ? op->domain : "")) {
                return NULL;
            }
            *known = true;
            return version >= op->since && (op->until == 0 || version <= op->until) ? op : NULL;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

const char *cnn_onnx_operator(int i)
{
    return i >= 0 && i < cnn__onnx_operator_count ? cnn__onnx_operators[i].name : NULL;
}
