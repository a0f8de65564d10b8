/* The functions of a model by their names, so that each of many nodes finds its own among many. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_OPSETS = 256 };

static int by_text(cnn__onnx_text a, cnn__onnx_text b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.at, b.at, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int by_name(const void *a, const void *b)
{
    const cnn__onnx_function *f = *(const cnn__onnx_function *const *)a, *g = *(const cnn__onnx_function *const *)b;
    int order = by_text(f->name, g->name);
    order = order ? order : by_text(f->domain, g->domain);
    return order ? order : by_text(f->overload, g->overload);
}

/* Each node looks through those that it is written for. */
static bool check_opsets(cnn__onnx_reading *reading, const cnn__onnx_model *model)
{
    int most = model->opset_count;
    for (int i = 0; i < model->function_count; i++) {
        most = model->functions[i].opset_count > most ? model->functions[i].opset_count : most;
    }
    return most <= MOST_OPSETS || cnn__onnx_wire_fail(reading->file, CNN_ERROR_UNSUPPORTED, NULL,
                                                      "%d opset_imports, expected at most %d", most, MOST_OPSETS);
}

const cnn__onnx_function **cnn__onnx_functions_sort(cnn__onnx_reading *reading, const cnn__onnx_model *model)
{
    const cnn__onnx_function **sorted =
        check_opsets(reading, model)
            ? cnn__onnx_reading_get(reading, (size_t)model->function_count, sizeof(const cnn__onnx_function *))
            : NULL;
    for (int i = 0; sorted && i < model->function_count; i++) {
        sorted[i] = &model->functions[i];
    }
    if (sorted) {
        qsort(sorted, (size_t)model->function_count, sizeof *sorted, by_name);
    }
    return sorted;
}

const cnn__onnx_function *cnn__onnx_function_find(const cnn__onnx_function *const *sorted, int count,
                                                  const cnn__onnx_node *node)
{
    const cnn__onnx_function wanted = { .name = node->op_type, .domain = node->domain, .overload = node->overload };
    const cnn__onnx_function *key = &wanted;
    const cnn__onnx_function *const *found = bsearch(&key, sorted, (size_t)count, sizeof *sorted, by_name);
    return found ? *found : NULL;
}
