/* Maps over elements with any strides, and the array kernels that choose a map by its number. */
#include "kernels/array/map.h"
#include "kernels/array/map_tiles.h"

#include <string.h>

enum { MAP_ROOM = 256, SLOPE_BLOCK = 1024, MAP_OPERANDS = CNN__MAP_INPUTS + 1 };

typedef unsigned char map_step[CNN__MAP_STEP * sizeof(double)];

/* ---- rows ---- */

static inline bool map_same_in(const cnn__map *map, int k)
{
    return map->same == (k ? CNN__MAP_SECOND : CNN__MAP_FIRST);
}

/* What is left behind the last whole step is computed beside zeros. */
static __attribute__((noinline)) void map_rest(const cnn__map *map, int64_t n, void *y, const void *const *x,
                                               int64_t done)
{
    _Alignas(64) map_step rooms[MAP_OPERANDS];
    const void *from[CNN__MAP_INPUTS] = { NULL };
    const size_t bytes = (size_t)(n - done) * map->size, step = CNN__MAP_STEP * map->size;
    for (int k = 0; k < map->inputs; k++) {
        if (map_same_in(map, k)) {
            from[k] = x[k];
            continue;
        }
        memcpy(rooms[k], (const char *)x[k] + (size_t)done * map->size, bytes);
        memset(rooms[k] + bytes, 0, step - bytes);
        from[k] = rooms[k];
    }
    map->fn(CNN__MAP_STEP, rooms[CNN__MAP_INPUTS], from, map);
    memcpy((char *)y + (size_t)done * map->y_size, rooms[CNN__MAP_INPUTS], (size_t)(n - done) * map->y_size);
}

void cnn__map_rows(const cnn__map *map, int64_t n, void *y, const void *const *x)
{
    int64_t done = n & -(int64_t)CNN__MAP_STEP;
    if (done) {
        map->fn(done, y, x, map);
    }
    if (done < n) {
        map_rest(map, n, y, x, done);
    }
}

/* ---- other strides ---- */

static void map_gather(size_t size, int64_t n, void *to, const void *from, int64_t stride)
{
    if (size == sizeof(cnn__bits_4) && stride == 0) {
        for (int64_t i = 0; i < n; i++) {
            ((cnn__bits_4 *)to)[i] = *(const cnn__bits_4 *)from;
        }
    } else if (size == sizeof(cnn__bits_4)) {
        for (int64_t i = 0; i < n; i++) {
            ((cnn__bits_4 *)to)[i] = ((const cnn__bits_4 *)from)[i * stride];
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            ((cnn__bits_8 *)to)[i] = ((const cnn__bits_8 *)from)[i * stride];
        }
    }
}

static void map_scatter(size_t size, int64_t n, void *to, const void *from, int64_t stride)
{
    for (int64_t i = 0; i < n; i++) {
        memcpy((char *)to + i * stride * (int64_t)size, (const char *)from + i * (int64_t)size, size);
    }
}

/* Through rooms for the operands that are no rows. One that is broadcast fills its room once. */
static __attribute__((noinline)) void map_gathered(const cnn__nest_run *run)
{
    const cnn__map *map = run->map;
    _Alignas(64) unsigned char rooms[MAP_OPERANDS][MAP_ROOM * sizeof(double)];
    const void *from[CNN__MAP_INPUTS] = { NULL };
    for (int64_t first = 0; first < run->n; first += MAP_ROOM) {
        int64_t n = cnn__min(run->n - first, MAP_ROOM);
        for (int k = 0; k < map->inputs; k++) {
            int64_t stride = run->stride[k + 1];
            const char *x = (const char *)run->at[k + 1] + first * stride * (int64_t)map->size;
            if (stride != 1 && (stride != 0 || first == 0)) {
                map_gather(map->size, n, rooms[k], x, stride);
            }
            from[k] = stride == 1 ? (const void *)x : rooms[k];
        }
        char *y = (char *)run->at[0] + first * run->stride[0] * (int64_t)map->y_size;
        void *to = run->stride[0] == 1 ? (void *)y : rooms[CNN__MAP_INPUTS];
        cnn__map_rows(map, n, to, from);
        if (to != y) {
            map_scatter(map->y_size, n, y, to, run->stride[0]);
        }
    }
}

static void map_run(const cnn__nest_run *run)
{
    const cnn__map *map = run->map;
    const void *const *from = (const void *const *)&run->at[1];
    int rows = run->stride[0] == 1;
    for (int k = 1; k <= map->inputs; k++) {
        rows += run->stride[k] == 1;
    }
    bool first = run->stride[1] == 0, second = map->takes_same && run->stride[2] == 0;
    if (rows == map->inputs + 1) {
        cnn__map_rows(map, run->n, run->at[0], from);
    } else if (map->takes_same && rows == 2 && run->stride[0] == 1 && (first || second)) {
        cnn__map broadcast = *map;
        broadcast.same = first ? CNN__MAP_FIRST : CNN__MAP_SECOND;
        cnn__map_rows(&broadcast, run->n, run->at[0], from);
    } else {
        map_gathered(run);
    }
}

void cnn__map_walk(const cnn__map *map, const cnn__nest *nest, void *y, const void *const *x, double cost,
                   cnn__pool *pool)
{
    if (cnn__map_tiles(map, nest, y, x, cost, pool)) {
        return;
    }
    cnn__walk walk;
    walk.nest = nest;
    walk.count = 1 + map->inputs;
    walk.base[0] = y;
    walk.size[0] = map->y_size;
    for (int k = 0; k < map->inputs; k++) {
        walk.base[k + 1] = (void *)(uintptr_t)x[k];
        walk.size[k + 1] = map->size;
    }
    walk.fn = map_run;
    walk.takes_rows = false;
    walk.map = map;
    walk.parameters = NULL;
    walk.cost = cost;
    cnn__nest_walk(&walk, pool);
}

bool cnn__map_copy(const cnn__map_tables *tables, const cnn__nest *nest, cnn_dtype to, void *y, cnn_dtype from,
                   const void *x, cnn__pool *pool)
{
    cnn__map map = { .fn = tables->f32->power[CNN__POWER_1],
                     .transpose = tables->transpose,
                     .inputs = 1,
                     .size = sizeof(cnn__bits_4),
                     .y_size = cnn__array_size(to) };
    if (from == CNN_F32 && to == CNN_BF16 && tables->bf16) {
        map.fn = tables->bf16;
        cnn__map_walk(&map, nest, y, &x, 1, pool);
        return true;
    }
    return from == to && map.y_size == map.size && cnn__last_stride(nest, 1) != 1 &&
           cnn__map_tiles(&map, nest, y, &x, 0, pool);
}

/* ---- by number ---- */

enum {
    UNARY_ROWS = 0
#define CNN__UNARY(...) +1
#define CNN__UNARY_MAP(...) +1
#define CNN__UNARY_BLOCK(...) +1
#define CNN__UNARY_BOTH(...) +1
#include "kernels/array/unary.def"
};
_Static_assert(UNARY_ROWS == (int)CNN_UNARY_COUNT, "each value of cnn_unary has a row in unary.def");

static const unsigned char unary_costs[CNN_UNARY_COUNT] = {
#define CNN__UNARY(NAME, name, cost, formula) [CNN_UNARY_##NAME] = cost,
#define CNN__UNARY_MAP(NAME, name, cost) [CNN_UNARY_##NAME] = cost,
#define CNN__UNARY_BLOCK(NAME, name, cost) [CNN_UNARY_##NAME] = cost,
#define CNN__UNARY_BOTH(NAME, name, cost) [CNN_UNARY_##NAME] = cost,
#include "kernels/array/unary.def"
};

static const cnn__maps *maps_of(const cnn__map_tables *tables, cnn_dtype dtype)
{
    return dtype == CNN_F32 ? tables->f32 : tables->f64;
}

/* The common exponents need no pow(). For 0.5 and −0.5 they are PyTorch's, which differs from pow() for −inf and −0.
 * Cubes of f64 would be rounded twice, so they are not among them. */
static cnn__map_fn map_power(const cnn__maps *maps, double exponent)
{
    static const double exponents[CNN__POWERS] = {
        [CNN__POWER_0] = 0, [CNN__POWER_1] = 1,     [CNN__POWER_2] = 2,
        [CNN__POWER_3] = 3, [CNN__POWER_OF_1] = -1, [CNN__POWER_OF_HALF] = -0.5,
    };
    for (int i = 0; i < CNN__POWERS; i++) {
        if (exponent == exponents[i] && maps->power[i]) {
            return maps->power[i];
        }
    }
    return maps->unary[exponent == 0.5 ? CNN_UNARY_SQRT : CNN_UNARY_POW];
}

/* The map of a function of one operand; returns the cost of an element. */
static double map_of_unary(const cnn__map_tables *tables, cnn__unary op, cnn_dtype dtype, const double values[2],
                           cnn__map *made)
{
    const cnn__maps *maps = maps_of(tables, dtype);
    cnn__map map;
    for (int i = 0; i < 2; i++) {
        map.values[i] = !values ? 0 : dtype == CNN_F32 ? (double)(float)values[i] : values[i];
    }
    map.fn = op == CNN_UNARY_POW ? map_power(maps, map.values[0]) : maps->unary[op];
    map.block = tables->blocks[op];
    map.inputs = 1;
    map.takes_same = false;
    map.same = CNN__MAP_NONE;
    map.transpose = dtype == CNN_F32 ? tables->transpose : NULL;
    map.size = map.y_size = cnn__array_size(dtype);
    *made = map;
    return op == CNN_UNARY_POW && map.fn != maps->unary[op] ? 1 : unary_costs[op];
}

void cnn__map_unary(const cnn__map_tables *tables, cnn__unary op, const cnn__nest *nest, cnn_dtype dtype,
                    const double values[2], void *y, const void *x, cnn__pool *pool)
{
    if (!cnn__dtype_is_real(dtype)) {
        cnn__array_unary_of_integers(op, nest, dtype, values, y, x, pool);
        return;
    }
    cnn__map map;
    double cost = map_of_unary(tables, op, dtype, values, &map);
    cnn__map_walk(&map, nest, y, &x, cost, pool);
}

/* A stretch of dx holds the slopes and then, still in the cache, the products. */
static void map_slope(int64_t n, void *to, const void *const *from, const cnn__map *map)
{
    for (int64_t first = 0; first < n; first += SLOPE_BLOCK) {
        const int64_t count = cnn__min(n - first, SLOPE_BLOCK);
        const size_t at = (size_t)first * map->size;
        char *dx = (char *)to + at;
        const void *x = (const char *)from[0] + at;
        map->slope(count, dx, &x, map);
        map->times(count, dx, (const void *const[]){ dx, (const char *)from[1] + at }, map);
    }
}

static double map_of_slope(const cnn__map_tables *tables, cnn__unary op, cnn_dtype dtype, const double values[2],
                           cnn__map *map)
{
    double cost = 1 + map_of_unary(tables, op, dtype, values, map);
    map->slope = map->fn;
    map->times = maps_of(tables, dtype)->binary[CNN_BINARY_MUL];
    map->fn = map_slope;
    map->inputs = 2;
    return cost;
}

void cnn__map_slope(const cnn__map_tables *tables, cnn__unary op, const cnn__nest *nest, cnn_dtype dtype,
                    const double values[2], void *dx, const void *x, const void *dy, cnn__pool *pool)
{
    cnn__map map;
    double cost = map_of_slope(tables, op, dtype, values, &map);
    cnn__map_walk(&map, nest, dx, (const void *const[]){ x, dy }, cost, pool);
}

static void map_of_binary(const cnn__map_tables *tables, cnn__binary op, cnn_dtype dtype, cnn__map *map)
{
    map->fn = maps_of(tables, dtype)->binary[op];
    map->block = NULL;
    map->inputs = 2;
    map->takes_same = true;
    map->same = CNN__MAP_NONE;
    map->transpose = dtype == CNN_F32 ? tables->transpose : NULL;
    map->size = map->y_size = cnn__array_size(dtype);
}

void cnn__map_of(const cnn__map_tables *tables, cnn_kernel kernel, int function, cnn_dtype dtype,
                 const double values[2], cnn__map *map)
{
    if (kernel == CNN_KERNEL_BINARY) {
        map_of_binary(tables, (cnn__binary)function, dtype, map);
    } else if (kernel == CNN_KERNEL_SLOPE) {
        map_of_slope(tables, (cnn__unary)function, dtype, values, map);
    } else {
        map_of_unary(tables, (cnn__unary)function, dtype, values, map);
    }
}

void cnn__map_binary(const cnn__map_tables *tables, cnn__binary op, const cnn__nest *nest, cnn_dtype dtype, void *y,
                     const void *a, const void *b, cnn__pool *pool)
{
    if (!cnn__dtype_is_real(dtype)) {
        cnn__array_binary_of_integers(tables, op, nest, dtype, y, a, b, pool);
        return;
    }
    cnn__map map;
    map_of_binary(tables, op, dtype, &map);
    cnn__map_walk(&map, nest, y, (const void *const[]){ a, b }, op == CNN_BINARY_POW ? 20 : 1, pool);
}

void cnn__map_compare(const cnn__map_tables *tables, cnn__compare op, const cnn__nest *nest, cnn_dtype dtype, void *y,
                      const void *a, const void *b, cnn__pool *pool)
{
    if (!cnn__dtype_is_real(dtype)) {
        cnn__array_compare_integers(op, nest, dtype, y, a, b, pool);
        return;
    }
    cnn__map map;
    map.fn = maps_of(tables, dtype)->compare[op];
    map.block = NULL;
    map.inputs = 2;
    map.takes_same = false;
    map.same = CNN__MAP_NONE;
    map.transpose = dtype == CNN_F32 ? tables->transpose : NULL;
    map.size = cnn__array_size(dtype);
    map.y_size = 1;
    cnn__map_walk(&map, nest, y, (const void *const[]){ a, b }, 1, pool);
}
