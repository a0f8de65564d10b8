/* Maps of transposed operands: where the results lie along the last dimension and an operand along another one, tiles
 * of it are transposed into a room that stays in the first cache, and the map goes over the tile's rows. Where rows are
 * short and an operand is broadcast, its tiles are spread into a room, too, and the map goes over all rows of a tile at
 * once. */
#include "kernels/array/map_tiles.h"

enum {
    MAP_TILE_ROWS = 16,
    TILE_ROOM = 24 << 10, /* bytes for all inputs */
    MOST_COLUMNS = 256,
    LEAST_TILED = 8,
    SHORT_ROW = 64,  /* a call of a map for a row would take as long as the row */
    MAP_JOINED = 512 /* elements of a tile of short rows, about */
};

/* The strides of the two dimensions of a tile, for the result and each input, and the dimensions that are left. */
typedef struct map_tiling {
    const cnn__map *map;
    cnn__nest rest;
    char *base[CNN__NEST_OPERANDS];
    int64_t rows, columns, row_step[CNN__NEST_OPERANDS], column_step[CNN__NEST_OPERANDS];
    int64_t height, width, room; /* rows and columns of a tile; bytes of the room of an input */
    int64_t down, across, tiles, group;
    bool joined; /* are the rows of a tile one row? */
} map_tiling;

static bool find_tiled(const cnn__nest *nest, int inputs, int *row)
{
    int last = nest->ndim - 1;
    if (last < 1 || nest->stride[0][last] != 1 || nest->shape[last] < LEAST_TILED) {
        return false;
    }
    for (int k = 1; k <= inputs; k++) {
        for (int d = 0; d < last && nest->stride[k][last] > 1; d++) {
            if (nest->stride[k][d] == 1 && nest->shape[d] >= LEAST_TILED) {
                *row = d;
                return true;
            }
        }
    }
    return false;
}

/* Whether results lie in short rows, one after the other, and some input does not. */
static bool find_short(const cnn__nest *nest, int inputs)
{
    const int last = nest->ndim - 1;
    bool found = false;
    if (last < 1 || nest->shape[last] < 1 || nest->shape[last] >= SHORT_ROW || nest->shape[last - 1] < LEAST_TILED ||
        nest->stride[0][last] != 1 || nest->stride[0][last - 1] != nest->shape[last]) {
        return false;
    }
    for (int k = 1; k <= inputs; k++) {
        found |= nest->stride[k][last] != 1 || nest->stride[k][last - 1] != nest->shape[last];
    }
    return found;
}

#define X cnn__bits_4
#define FN(name) name##_4
#include "kernels/array/map_tiles_impl.h"

#define X cnn__bits_8
#define FN(name) name##_8
#include "kernels/array/map_tiles_impl.h"

/* Input k of a tile at `from` into a room with `width` elements a row. */
static void tile_gather(const map_tiling *t, int k, int64_t rows, int64_t columns, const void *from, void *room)
{
    const int64_t row_step = t->row_step[k], column_step = t->column_step[k];
    if (t->map->transpose && rows % MAP_TILE_ROWS == 0 && row_step == 1 && column_step != 1) {
        t->map->transpose(from, column_step, rows, columns, room, t->width);
    } else if (t->map->size == sizeof(cnn__bits_4)) {
        gather_tile_4(rows, columns, from, row_step, column_step, room, t->width);
    } else {
        gather_tile_8(rows, columns, from, row_step, column_step, room, t->width);
    }
}

static void map_tile(const map_tiling *t, const cnn__cursor *cursor, int64_t row, int64_t column)
{
    _Alignas(64) char rooms[TILE_ROOM];
    const cnn__map *map = t->map;
    const int64_t rows = cnn__min(t->height, t->rows - row), columns = cnn__min(t->width, t->columns - column);
    const int64_t size = (int64_t)map->size;
    const char *at[CNN__NEST_OPERANDS];
    int64_t step[CNN__NEST_OPERANDS]; /* bytes from one row to the next */
    for (int k = 0; k <= map->inputs; k++) {
        at[k] = t->base[k] + (cursor->offset[k] + row * t->row_step[k] + column * t->column_step[k]) *
                                 (k ? size : (int64_t)map->y_size);
        step[k] = t->row_step[k] * (k ? size : (int64_t)map->y_size);
        if (k && (t->column_step[k] != 1 || (t->joined && t->row_step[k] != columns))) {
            char *room = rooms + (k - 1) * t->room;
            tile_gather(t, k, rows, columns, at[k], room);
            at[k] = room;
            step[k] = t->width * size;
        }
    }
    for (int64_t i = 0; i < (t->joined ? 1 : rows); i++) {
        const void *from[CNN__MAP_INPUTS] = { NULL };
        for (int k = 0; k < map->inputs; k++) {
            from[k] = at[k + 1] + i * step[k + 1];
        }
        cnn__map_rows(map, t->joined ? rows * columns : columns, (char *)(uintptr_t)at[0] + i * step[0], from);
    }
}

static void map_tile_task(void *arg, int64_t task, int worker)
{
    const map_tiling *t = arg;
    const int64_t end = cnn__min(t->tiles, (task + 1) * t->group);
    (void)worker;
    for (int64_t i = task * t->group; i < end; i++) {
        cnn__cursor cursor;
        cnn__cursor_seek(&cursor, &t->rest, i / (t->down * t->across));
        /* Down first: the operand's next lines are in pages that the tile before has touched. */
        map_tile(t, &cursor, i % t->down * t->height, i / t->down % t->across * t->width);
    }
}

bool cnn__map_tiles(const cnn__map *map, const cnn__nest *nest, void *y, const void *const *x, double cost,
                    cnn__pool *pool)
{
    int row, last = nest->ndim - 1;
    const bool tiled = find_tiled(nest, map->inputs, &row);
    if (!tiled && !find_short(nest, map->inputs)) {
        return false;
    }
    row = tiled ? row : last - 1;
    map_tiling t = { .map = map, .rows = nest->shape[row], .columns = nest->shape[last], .joined = !tiled };
    for (int k = 0; k <= map->inputs; k++) {
        t.base[k] = k ? (char *)(uintptr_t)x[k - 1] : y;
        t.row_step[k] = nest->stride[k][row];
        t.column_step[k] = nest->stride[k][last];
    }
    for (int d = 0; d < last; d++) {
        if (d != row) {
            t.rest.shape[t.rest.ndim] = nest->shape[d];
            for (int k = 0; k <= map->inputs; k++) {
                t.rest.stride[k][t.rest.ndim] = nest->stride[k][d];
            }
            t.rest.ndim++;
        }
    }
    t.room = TILE_ROOM / map->inputs / 64 * 64;
    t.width = cnn__min(MOST_COLUMNS, t.room / (MAP_TILE_ROWS * (int64_t)map->size) / MAP_TILE_ROWS * MAP_TILE_ROWS);
    t.height = MAP_TILE_ROWS;
    if (t.joined) {
        t.width = t.columns;
        t.height = (MAP_JOINED / t.columns + MAP_TILE_ROWS - 1) & -MAP_TILE_ROWS;
    }
    t.group = CNN__NEST_TASK / (t.height * t.width);
    t.down = cnn__ceil_div(t.rows, t.height);
    t.across = cnn__ceil_div(t.columns, t.width);
    t.tiles = cnn__nest_count(&t.rest) * t.down * t.across;
    cnn__pool_run(pool, cnn__ceil_div(t.tiles, t.group), (double)cnn__nest_count(nest) * (1 + cost), map_tile_task, &t);
    return true;
}
