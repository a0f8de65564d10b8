/* Sorting along a dimension, stable: torch.sort, argsort and topk. Elements of every dtype become keys, unsigned
 * numbers in their order, which are sorted with their positions: byte by byte, or by insertion where few are wanted.
 * Each line is sorted by one task. */
#include "kernels/array/nest.h"
#include "kernels/array/sort_scan.h"
#include "kernels/launch.h"

#include <string.h>

enum { SORT_FEW = 48, SORT_BLOCK = 64, SORT_TASK = 4096, SORT_BYTES = 256 };

typedef struct sort_item {
    uint64_t key;
    int64_t position;
} sort_item;

/* Returns the key of a real number's bits, whose top bit is `sign`: negative ones are reversed and come first, NaN
 * last, and −0 is 0. */
static inline uint64_t sort_real_key(uint64_t bits, uint64_t sign, uint64_t infinity)
{
    const uint64_t size = bits & (sign - 1);
    if (size > infinity) {
        return UINT64_MAX;
    }
    return bits & sign ? sign - size : sign + size;
}

#define X cnn__bits_4
#define NAME sort_keys_f32
#define KEY(bits) sort_real_key(bits, UINT64_C(1) << 31, UINT64_C(0xff) << 23)
#include "kernels/array/sort_impl.h"

#define X cnn__bits_8
#define NAME sort_keys_f64
#define KEY(bits) sort_real_key(bits, UINT64_C(1) << 63, UINT64_C(0x7ff) << 52)
#include "kernels/array/sort_impl.h"

#define X cnn__bits_2
#define NAME sort_keys_bf16
#define KEY(bits) sort_real_key(bits, UINT64_C(1) << 15, UINT64_C(0xff) << 7)
#include "kernels/array/sort_impl.h"

/* The sign bit of the other types is the reverse of an unsigned number's. */
#define X cnn__bits_8
#define NAME sort_keys_i64
#define KEY(bits) ((bits) ^ UINT64_C(1) << 63)
#include "kernels/array/sort_impl.h"

#define X cnn__bits_4
#define NAME sort_keys_i32
#define KEY(bits) ((bits) ^ UINT32_C(1) << 31)
#include "kernels/array/sort_impl.h"

#define X cnn__bits_1
#define NAME sort_keys_u8
#define KEY(bits) (bits)
#include "kernels/array/sort_impl.h"

typedef void (*sort_keys_fn)(int64_t n, const void *from, int64_t stride, uint64_t *key);

static const sort_keys_fn sort_keys[] = {
    [CNN_F32] = sort_keys_f32, [CNN_F64] = sort_keys_f64, [CNN_I64] = sort_keys_i64,   [CNN_I32] = sort_keys_i32,
    [CNN_U8] = sort_keys_u8,   [CNN_BOOL] = sort_keys_u8, [CNN_BF16] = sort_keys_bf16,
};

typedef struct sort_job {
    const cnn_sort_parameters *p;
    sort_keys_fn keys;
    size_t size;
    int64_t group; /* lines of a task */
    const char *x;
    char *y; /* NULL: not wanted */
    int64_t *index;
    sort_item *room; /* two lines per worker, where more than a few are wanted */
} sort_job;

/* Puts one more item behind the `count` that are in order, of which at most k are kept; returns how many there are. */
static int64_t sort_insert(sort_item *items, int64_t count, int64_t k, sort_item item)
{
    int64_t at = count < k ? count : k;
    if (at == k && items[k - 1].key <= item.key) {
        return k;
    }
    int64_t kept = count < k ? count + 1 : k;
    for (at = kept - 1; at > 0 && items[at - 1].key > item.key; at--) {
        items[at] = items[at - 1];
    }
    items[at] = item;
    return kept;
}

/* Copies n items in the order of one byte of their keys, those with the same byte in the order in which they are;
 * false: all have the same, and nothing is copied. */
static bool sort_by_byte(const sort_item *from, int64_t n, int shift, sort_item *to)
{
    int64_t place[SORT_BYTES] = { 0 }, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        place[(uint8_t)(from[i].key >> shift)]++;
    }
    if (place[(uint8_t)(from->key >> shift)] == n) {
        return false;
    }
    for (int byte = 0; byte < SORT_BYTES; byte++) {
        const int64_t count = place[byte];
        place[byte] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < n; i++) {
        to[place[(uint8_t)(from[i].key >> shift)]++] = from[i];
    }
    return true;
}

/* Sorts by the last `size` bytes of the keys, the lowest first, to and fro; returns where the result is. */
static const sort_item *sort_items(sort_item *items, sort_item *other, int64_t n, size_t size)
{
    for (int shift = 0; shift < 8 * (int)size; shift += 8) {
        if (sort_by_byte(items, n, shift, other)) {
            sort_item *sorted = other;
            other = items;
            items = sorted;
        }
    }
    return items;
}

/* The first k of a line in order, in `few` or in `room`. */
static const sort_item *sort_line(const sort_job *j, const char *x, sort_item *few, sort_item *room)
{
    const cnn_sort_parameters *p = j->p;
    const int64_t n = p->along.n, stride = p->along.after;
    const uint64_t flip = p->descending ? UINT64_MAX : 0;
    uint64_t key[SORT_BLOCK];
    const bool scans = !room && stride == 1 && j->keys == sort_keys_f32; /* only elements that matter get keys */
    const float *real = (const float *)(const void *)x;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (scans && count == p->k) {
            i += cnn__sort_scan(real + i, n - i, real[few[count - 1].position], p->descending ? 1 : -1);
            if (i == n) {
                break;
            }
        }
        const int64_t k = scans ? 0 : i % SORT_BLOCK;
        if (k == 0) {
            j->keys(scans ? 1 : cnn__min(SORT_BLOCK, n - i), x + i * stride * (int64_t)j->size, stride, key);
        }
        const sort_item item = { key[k] ^ flip, i };
        if (room) {
            room[i] = item;
        } else {
            count = sort_insert(few, count, p->k, item);
        }
    }
    return room ? sort_items(room, room + n, n, j->size) : few;
}

static void sort_copy(size_t size, const char *from, char *to)
{
    switch (size) {
    case 8: memcpy(to, from, 8); break;
    case 4: memcpy(to, from, 4); break;
    case 2: memcpy(to, from, 2); break;
    default: *to = *from;
    }
}

static void sort_task(void *arg, int64_t task, int worker)
{
    const sort_job *j = arg;
    const cnn_along *g = &j->p->along;
    const int64_t k = j->p->k, end = cnn__min(g->before * g->after, (task + 1) * j->group);
    sort_item few[SORT_FEW];
    sort_item *room = j->room ? j->room + 2 * g->n * worker : NULL;
    for (int64_t line = task * j->group; line < end; line++) {
        const int64_t matrix = line / g->after, column = line % g->after;
        const char *x = j->x + (matrix * g->n * g->after + column) * (int64_t)j->size;
        const sort_item *sorted = sort_line(j, x, few, room);
        for (int64_t i = 0; i < k; i++) {
            const int64_t at = (matrix * k + i) * g->after + column;
            j->index[at] = sorted[i].position;
            if (j->y) {
                sort_copy(j->size, x + sorted[i].position * g->after * (int64_t)j->size, j->y + at * (int64_t)j->size);
            }
        }
    }
}

static bool run_sort(cnn__cpu_call *c)
{
    const cnn_sort_parameters *p = c->l->parameters;
    const cnn_along *g = &p->along;
    sort_job j = { .p = p,
                   .keys = sort_keys[c->l->dtype],
                   .size = cnn__array_size(c->l->dtype),
                   .group = cnn__max(1, SORT_TASK / cnn__max(1, g->n)),
                   .x = c->l->in[0],
                   .y = c->l->out[0],
                   .index = c->l->out[1],
                   .room = p->k > SORT_FEW ? c->l->workspace : NULL };
    if (p->k) {
        cnn__pool_run(c->pool, cnn__ceil_div(g->before * g->after, j.group),
                      (double)g->before * (double)g->after * (double)g->n * 16, sort_task, &j);
    }
    return true;
}

static size_t sort_workspace(cnn__cpu_call *c)
{
    const cnn_sort_parameters *p = c->l->parameters;
    return p->k > SORT_FEW ? (size_t)c->workers * 2 * (size_t)p->along.n * sizeof(sort_item) : 0;
}

const cnn__cpu_kernel cnn__cpu_sort = {
    .run = run_sort, .flops = CNN__NO_FLOPS, .workspace = sort_workspace, .moves = true
};
