/* A module says of what children it is made, but not what its forward does with them: whether it runs them one after
 * the other is found by doing that and comparing the results. */
#include "layers.h"

#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is(const cnn_module *module, const char *type)
{
    return strcmp(cnn_module_type(module), type) == 0;
}

cnn_tensor *layer_run(const layer *l, cnn_tensor *x)
{
    return cnn_forward(l->module, is(l->module, "Linear") && cnn_tensor_ndim(x) == 4 ? cnn_flatten(x, 1, -1) : x);
}

/* The result of a module for the input, or of its children one after the other, as floats that the caller frees.
 * NULL where that cannot be computed. */
static float *result_of(cnn_tape *tape, cnn_module *module, bool apart, cnn_tensor *input, int64_t *count)
{
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(tape, input);
    if (apart) {
        for (int i = 0; i < cnn_module_child_count(module); i++) {
            const layer child = { .module = cnn_module_child(module, i, NULL) };
            x = layer_run(&child, x);
        }
    } else {
        x = cnn_forward(module, x);
    }
    *count = cnn_tensor_numel(x);
    return cnn_tape_status(tape) == CNN_OK ? measure_floats(x) : NULL;
}

/* Whether two results are the same but for rounding: fused layers may round in another order. */
static bool same(const float *a, const float *b, int64_t count)
{
    double largest = 0, difference = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs((double)a[i]));
        difference = fmax(difference, fabs((double)a[i] - (double)b[i]));
    }
    return difference <= 1e-3 * largest;
}

static bool runs_in_order(const page_subject *s, cnn_module *module, cnn_tensor *input)
{
    int64_t whole_count, apart_count;
    if (cnn_module_child_count(module) == 0) {
        return false;
    }
    float *whole = result_of(s->tape, module, false, input, &whole_count);
    float *apart = whole ? result_of(s->tape, module, true, input, &apart_count) : NULL;
    bool equal = apart && whole_count == apart_count && same(whole, apart, whole_count);
    if (whole && !apart) {
        cnn_context_clear_error(cnn_module_context(module)); /* the children do not even fit each other */
    }
    free(whole);
    free(apart);
    return equal;
}

/* A plain tensor with the result of a layer, for the next one; NULL on failure. */
static cnn_tensor *next_input(const page_subject *s, const layer *l, cnn_tensor *input)
{
    cnn_tape_begin(s->tape, CNN_EVAL);
    cnn_tensor *x = layer_run(l, cnn_input(s->tape, input));
    return cnn_tape_status(s->tape) == CNN_OK ? cnn_tensor_detach(x) : NULL;
}

/* Adds the layers of a module, and replaces *input, which it owns, by its result. */
static bool add_layers(layers *all, const page_subject *s, const char *name, cnn_module *module, cnn_tensor **input)
{
    if (runs_in_order(s, module, *input)) {
        bool good = true;
        for (int i = 0; i < cnn_module_child_count(module) && good; i++) {
            char path[2 * LAYER_NAME];
            const char *child_name;
            cnn_module *child = cnn_module_child(module, i, &child_name);
            snprintf(path, sizeof path, "%s%s%s", name, *name ? "." : "", child_name);
            path[LAYER_NAME - 1] = '\0';
            good = add_layers(all, s, path, child, input);
        }
        return good;
    }
    if (all->count == LAYERS) {
        return true; /* the last ones are left out */
    }
    layer *l = &all->at[all->count++];
    *l = (layer){ .module = module };
    snprintf(l->name, sizeof l->name, "%s", name);
    cnn_tensor *result = next_input(s, l, *input);
    cnn_tensor_free(*input);
    *input = result;
    return result;
}

bool layers_find(layers *all, const page_subject *s, cnn_tensor *images)
{
    *all = (layers){ .count = 0 };
    cnn_tensor *input = cnn_tensor_share(images);
    bool found = input && add_layers(all, s, "", s->model, &input);
    cnn_tensor_free(input);
    return found;
}
