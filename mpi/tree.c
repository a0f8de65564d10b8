/* The fixed tree over the parts of a batch. Parts [0, shards) are halved until one is left; parts that the batch does
 * not fill are absent, and a sum of which one half is absent is the other half. Each rank adds up the subtrees that lie
 * wholly in its own range, so that it ends with the sums of a few of them. To join those, each rank is given a slice of
 * the elements: it receives that slice of all sums, joins them in the tree's order, and sends the result to all. So
 * every element is added up in one order, whichever rank does it, and each rank sends and receives twice the size of
 * the gradients, as a ring does, if the ranges are subtrees. */
#include "internal.h"

#include <string.h>

int cnn__parts_first(const cnn__parts *parts, int rank)
{
    return (int)(((int64_t)rank * parts->shards + parts->ranks - 1) /
                 parts->ranks); /* rank 0 has the first in any case */
}

/* A walk over the subtrees of one rank. */
typedef struct walk {
    const cnn__parts *parts;
    int first, end; /* the rank's range */
    int nodes, held, depth;
    int *joins; /* may be NULL */
} walk;

static bool is_owned(const walk *w, int low, int high)
{
    int end = high < w->parts->filled ? high : w->parts->filled;
    return low >= w->first && end <= w->end;
}

static void add_subtree(walk *w, int low, int high)
{
    if (high - low == 1) {
        w->held++;
        w->depth = w->held > w->depth ? w->held : w->depth;
        if (w->joins) {
            w->joins[low - w->first] = 0;
        }
        return;
    }
    int middle = low + (high - low) / 2;
    add_subtree(w, low, middle);
    if (middle < w->parts->filled) {
        add_subtree(w, middle, high);
        w->held--;
        if (w->joins) {
            int last = (high < w->parts->filled ? high : w->parts->filled) - 1;
            w->joins[last - w->first]++;
        }
    }
}

static void visit(walk *w, int low, int high)
{
    if (low >= w->parts->filled || high <= w->first || low >= w->end) {
        return;
    }
    if (is_owned(w, low, high)) {
        add_subtree(w, low, high);
        w->nodes++;
        return;
    }
    int middle = low + (high - low) / 2;
    visit(w, low, middle);
    visit(w, middle, high);
}

static walk walk_of(const cnn__parts *parts, int rank, int *joins)
{
    walk w = {
        .parts = parts, .first = cnn__parts_first(parts, rank), .end = cnn__parts_first(parts, rank + 1), .joins = joins
    };
    if (w.first < w.end) {
        visit(&w, 0, parts->shards);
    }
    return w;
}

int cnn__parts_nodes(const cnn__parts *parts, int rank)
{
    return walk_of(parts, rank, NULL).nodes;
}

int cnn__parts_depth(const cnn__parts *parts, int rank)
{
    int most = 1;
    cnn__parts some = *parts;
    for (some.filled = 1; some.filled <= parts->shards; some.filled++) {
        int depth = walk_of(&some, rank, NULL).depth;
        most = depth > most ? depth : most;
    }
    return most;
}

void cnn__parts_joins(const cnn__parts *parts, int rank, int *joins)
{
    walk_of(parts, rank, joins);
}

void cnn__add(cnn_dtype dtype, void *to, const void *from, int64_t count)
{
    if (dtype == CNN_F32) {
        float *a = to;
        const float *b = from;
        for (int64_t i = 0; i < count; i++) {
            a[i] += b[i];
        }
    } else {
        double *a = to;
        const double *b = from;
        for (int64_t i = 0; i < count; i++) {
            a[i] += b[i];
        }
    }
}

/* ---- the sum of a range over all ranks ---- */

static int64_t slice_of(int64_t count, int ranks, int rank)
{
    return count / ranks * rank + (count % ranks < rank ? count % ranks : rank);
}

/* At most `shards` sums come from others, each of one slice. */
size_t cnn__range_sum_room(const cnn__parts *parts, int rank, size_t bytes)
{
    size_t nodes = 0;
    cnn__parts some = *parts;
    for (some.filled = 1; some.filled <= parts->shards; some.filled++) {
        size_t others = 0;
        for (int r = 0; r < parts->ranks; r++) {
            others += r == rank ? 0 : (size_t)cnn__parts_nodes(&some, r);
        }
        nodes = others > nodes ? others : nodes;
    }
    return nodes * (bytes / (size_t)parts->ranks + sizeof(double)) + 1;
}

/* Joins the sums that lie in the order of ranks and of subtrees within a rank. */
typedef struct joiner {
    const cnn__range_sum *sum;
    int rank;            /* this one */
    int64_t begin, size; /* of its slice, in elements */
    size_t width;        /* bytes of an element */
    char *received;      /* the next that came from another rank */
    int own;             /* the next of this rank's */
} joiner;

static int owner_of(const cnn__parts *parts, int low, int high)
{
    int end = high < parts->filled ? high : parts->filled;
    for (int r = 0; r < parts->ranks; r++) {
        if (cnn__parts_first(parts, r) <= low && end <= cnn__parts_first(parts, r + 1)) {
            return r;
        }
    }
    return -1;
}

static char *join(joiner *j, int low, int high)
{
    if (low >= j->sum->parts->filled) {
        return NULL;
    }
    int owner = owner_of(j->sum->parts, low, high);
    if (owner == j->rank) {
        return j->sum->stack[j->own++] + j->sum->offset + (size_t)j->begin * j->width;
    }
    if (owner >= 0) {
        char *at = j->received;
        j->received += (size_t)j->size * j->width;
        return at;
    }
    int middle = low + (high - low) / 2;
    char *left = join(j, low, middle), *right = join(j, middle, high);
    if (right) {
        cnn__add(j->sum->dtype, left, right, j->size);
    }
    return left;
}

/* Sends slice r of each of this rank's sums to rank r, and receives this rank's slice of the sums of all others. */
static cnn_status scatter(cnn_group *group, cnn__range_sum *s, size_t width)
{
    int rank = group->transport.rank, ranks = s->parts->ranks, nodes = cnn__parts_nodes(s->parts, rank);
    size_t own = (size_t)(slice_of(s->count, ranks, rank + 1) - slice_of(s->count, ranks, rank)) * width;
    char *to = s->received;
    cnn_status status = CNN_OK;
    for (int r = 0; r < ranks; r++) {
        for (int i = 0; r != rank && i < cnn__parts_nodes(s->parts, r) && status == CNN_OK; i++, to += own) {
            status = cnn__group_receive(group, r, to, own);
        }
    }
    for (int step = 1; step < ranks; step++) { /* not all to rank 0 at first */
        int r = (rank + step) % ranks;
        int64_t begin = slice_of(s->count, ranks, r), end = slice_of(s->count, ranks, r + 1);
        for (int i = 0; i < nodes && status == CNN_OK; i++) {
            status = cnn__group_send(group, r, s->stack[i] + s->offset + (size_t)begin * width,
                                     (size_t)(end - begin) * width);
            s->sent += (end - begin) * (int64_t)width;
        }
    }
    return status == CNN_OK ? cnn__group_finish(group) : status;
}

static cnn_status gather(cnn_group *group, cnn__range_sum *s, size_t width)
{
    int rank = group->transport.rank, ranks = s->parts->ranks;
    char *result = s->stack[0] + s->offset;
    int64_t own = slice_of(s->count, ranks, rank), own_end = slice_of(s->count, ranks, rank + 1);
    cnn_status status = CNN_OK;
    for (int step = 1; step < ranks && status == CNN_OK; step++) {
        int to = (rank + step) % ranks, from = (rank - step + ranks) % ranks;
        int64_t begin = slice_of(s->count, ranks, from), end = slice_of(s->count, ranks, from + 1);
        status = cnn__group_receive(group, from, result + (size_t)begin * width, (size_t)(end - begin) * width);
        if (status == CNN_OK) {
            status = cnn__group_send(group, to, result + (size_t)own * width, (size_t)(own_end - own) * width);
            s->sent += (own_end - own) * (int64_t)width;
        }
    }
    return status == CNN_OK ? cnn__group_finish(group) : status;
}

cnn_status cnn__range_sum_now(cnn_group *group, cnn__range_sum *s)
{
    int rank = group->transport.rank, ranks = s->parts->ranks;
    size_t width = cnn_dtype_size(s->dtype);
    joiner j = {
        .sum = s, .rank = rank, .begin = slice_of(s->count, ranks, rank), .width = width, .received = s->received
    };
    j.size = slice_of(s->count, ranks, rank + 1) - j.begin;
    cnn_status status = scatter(group, s, width);
    if (status != CNN_OK) {
        return status;
    }
    char *joined = join(&j, 0, s->parts->shards), *result = s->stack[0] + s->offset + (size_t)j.begin * width;
    if (joined != result) {
        memcpy(result, joined, (size_t)j.size * width);
    }
    return gather(group, s, width);
}
