/* Which samples of an epoch a process reads: its parts of each batch of the order that a loader with `.shuffle` has. */
#include "internal.h"

#include <stdlib.h>

typedef struct shares {
    cnn_sampler *whole; /* the order of all processes together */
    cnn__parts parts;
    int rank;
    int64_t size, batch, part;
    bool drop_last;
} shares;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Calls for each batch with the positions [begin, end) of this process; returns how many they are together. */
static int64_t each(const shares *s, const int64_t *whole, int64_t *order)
{
    int64_t count = 0;
    int64_t first = cnn__parts_first(&s->parts, s->rank) * s->part,
            last = cnn__parts_first(&s->parts, s->rank + 1) * s->part;
    for (int64_t at = 0; at < s->size; at += s->batch) {
        int64_t filled = least(s->batch, s->size - at), begin = least(first, filled), end = least(last, filled);
        if (s->drop_last && filled < s->batch) {
            break;
        }
        for (int64_t i = begin; order && i < end; i++) {
            order[count + i - begin] = whole[at + i];
        }
        count += end - begin;
    }
    return count;
}

static cnn_status order_of(uint64_t seed, int64_t epoch, int64_t *order, void *user)
{
    const shares *s = user;
    int64_t *whole = malloc(s->size ? (size_t)s->size * sizeof *whole : 1);
    if (!whole) {
        return CNN_ERROR_NO_MEMORY;
    }
    cnn_status status = cnn_sampler_order(s->whole, seed, epoch, whole);
    if (status == CNN_OK) {
        each(s, whole, order);
    }
    free(whole);
    return status;
}

static void free_shares(void *user)
{
    shares *s = user;
    cnn_sampler_free(s->whole);
    free(s);
}

static cnn_status check(cnn_context *ctx, int64_t size, const cnn_group_sampler_options *o)
{
    static const char call[] = "group_sampler";
    if (size < 0) {
        return cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: size is %lld, expected at least 0", call,
                             (long long)size);
    }
    if (o->shards < 0 || o->batch_size < 1 || o->batch_size % o->shards) {
        return cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: batch_size is %lld, expected a multiple of shards, which is %d", call,
                             (long long)o->batch_size, o->shards);
    }
    return CNN_OK;
}

cnn_sampler *cnn_group_sampler_create(cnn_group *group, int64_t size, const cnn_group_sampler_options *options)
{
    cnn_group_sampler_options o;
    if (!group) {
        cnn__mpi_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "group_sampler: group is NULL");
        return NULL;
    }
    cnn_context *ctx = group->ctx;
    if (cnn__mpi_options_read(ctx, "group_sampler", &o, sizeof o, offsetof(cnn_group_sampler_options, reserved),
                              options) != CNN_OK) {
        return NULL;
    }
    o.shards = o.shards ? o.shards : group->transport.size;
    if (check(ctx, size, &o) != CNN_OK) {
        return NULL;
    }
    shares *s = malloc(sizeof *s);
    cnn_sampler *whole = s ? cnn_distributed_sampler_create(ctx, size, 1, 0, o.shuffle, false) : NULL;
    if (!whole) {
        if (!s) {
            cnn__mpi_fail(ctx, CNN_ERROR_NO_MEMORY, "group_sampler: no memory");
        }
        free(s);
        return NULL;
    }
    *s = (shares){ .whole = whole,
                   .parts = { .shards = o.shards, .ranks = group->transport.size },
                   .rank = group->transport.rank,
                   .size = size,
                   .batch = o.batch_size,
                   .part = o.batch_size / o.shards,
                   .drop_last = o.drop_last };
    const cnn_sampler_callbacks callbacks = { .struct_size = sizeof callbacks,
                                              .count = each(s, NULL, NULL),
                                              .order = order_of,
                                              .free_user = free_shares,
                                              .user = s };
    return cnn_sampler_from_callbacks(ctx, &callbacks);
}
