/* Finds the position of a tensor in a module's state by its address, because an optimizer knows its parameters only
 * by their addresses. Walking the whole state for each of them would take quadratic time. */
#include "io/checkpoint.h"

static int by_tensor(const void *a, const void *b, const void *user)
{
    uintptr_t x = (uintptr_t)((const cnn__state *)a)->tensor, y = (uintptr_t)((const cnn__state *)b)->tensor;
    (void)user;
    return (x > y) - (x < y);
}

cnn_status cnn__state_index_make(cnn__state_index *index, const char *call, const cnn_module *module)
{
    size_t count = (size_t)cnn_module_state_count(module), bytes = count * sizeof *index->states;
    *index = (cnn__state_index){ .ctx = module->ctx, .states = cnn__alloc(module->ctx, bytes) };
    if (!index->states) {
        return cnn__fail_memory(module->ctx, call, bytes);
    }
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        index->states[index->count++] = s;
    }
    cnn__sort(index->states, index->count, sizeof *index->states, by_tensor, NULL);
    return CNN_OK;
}

void cnn__state_index_free(cnn__state_index *index)
{
    cnn__free(index->ctx, index->states);
    index->states = NULL;
}

const cnn__state *cnn__state_index_find(const cnn__state_index *index, const cnn_tensor *tensor)
{
    const cnn__state wanted = { .tensor = (cnn_tensor *)(uintptr_t)tensor };
    for (size_t low = 0, high = index->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = by_tensor(&wanted, &index->states[middle], NULL);
        if (order == 0) {
            return &index->states[middle];
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}
