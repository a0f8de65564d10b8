/* Elements picked along one dimension by their numbers, and put back: torch.gather and scatter_ with one number for
 * each position of the other dimensions. No two numbers name the same element, so tasks may write in any order. */
#include "kernels/array/array.h"
#include "kernels/array/nest.h"

#include <string.h>

typedef struct picking {
    const cnn__along *g;
    const int64_t *index;
    size_t size;
    bool back; /* from the results to the elements */
    char *to;
    const char *from;
} picking;

static void pick_task(void *arg, int64_t task, int worker)
{
    (void)worker;
    const picking *p = arg;
    const int64_t n = p->g->n, after = p->g->after;
    int64_t end = cnn__min(p->g->before * after, (task + 1) * CNN__NEST_TASK);
    for (int64_t i = task * CNN__NEST_TASK; i < end; i++) {
        int64_t element = (i / after * n + p->index[i]) * after + i % after;
        char *to = p->to + (size_t)(p->back ? element : i) * p->size;
        const char *from = p->from + (size_t)(p->back ? i : element) * p->size;
        switch (p->size) {
        case 8: memcpy(to, from, 8); break;
        case 4: memcpy(to, from, 4); break;
        default: *to = *from;
        }
    }
}

static void pick_run(const picking *p, cnn__pool *pool)
{
    int64_t count = p->g->before * p->g->after;
    cnn__pool_run(pool, cnn__ceil_div(count, CNN__NEST_TASK), (double)count * 4, pick_task, (void *)(uintptr_t)p);
}

void cnn__array_pick(const cnn__along *g, cnn_dtype dtype, const void *x, const int64_t *index, void *y,
                     cnn__pool *pool)
{
    pick_run(&(picking){ g, index, cnn__array_size(dtype), false, y, x }, pool);
}

void cnn__array_place(const cnn__along *g, cnn_dtype dtype, void *x, const int64_t *index, const void *y,
                      cnn__pool *pool)
{
    pick_run(&(picking){ g, index, cnn__array_size(dtype), true, x, y }, pool);
}
