/* What the steps of the optimizers have in common, whatever they compute with. */
#include "kernels/optimizer_loops.h"

#include <string.h>

enum { WIDEST = 64 };

/* What is left behind the whole vectors makes one more, in a place of its own. */
static void step_rest(const cnn__optimizer_step *s, int64_t size, cnn__task_fn loop, int64_t whole, int width)
{
    _Alignas(WIDEST) unsigned char room[1 + sizeof s->out / sizeof *s->out][WIDEST] = { { 0 } };
    const size_t bytes = (size_t)((s->n - whole) * size);
    cnn__optimizer_step rest = *s;
    rest.n = width;
    rest.grad = memcpy(room[4], (const char *)s->grad + whole * size, bytes);
    for (int k = 0; k < 4; k++) {
        if (s->has >> k & 1) {
            rest.out[k] = memcpy(room[k], (char *)s->out[k] + whole * size, bytes);
        }
    }
    loop(&rest, 0, 0);
    for (int k = 0; k < 4; k++) {
        if (s->has >> k & 1) {
            memcpy((char *)s->out[k] + whole * size, room[k], bytes);
        }
    }
}

void cnn__optimizer_run(const cnn_launch *l, const void *numbers, const cnn__optimizer_loops *loops, cnn__task_fn loop,
                        double cost, cnn__pool *pool)
{
    cnn__optimizer_step s = { .numbers = numbers, .n = l->count, .grad = l->in[0] };
    const int64_t whole = s.n & -(int64_t)loops->width;
    for (int k = 0; k < 4; k++) {
        s.out[k] = l->out[k];
        s.has |= (unsigned)(l->out[k] != NULL) << k;
    }
    if (whole < s.n) {
        step_rest(&s, loops->size, loop, whole, loops->width);
    }
    s.n = whole;
    cnn__pool_run(pool, (whole + CNN__OPTIMIZER_CHUNK - 1) / CNN__OPTIMIZER_CHUNK, (double)whole * cost, loop, &s);
}
