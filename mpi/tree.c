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

/* Returns the room for what comes from others: at most `shards` sums, each of one slice. */
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
    size_t slice = (bytes / (size_t)parts->ranks / sizeof(double) + 2) * sizeof(double);
    return (nodes ? nodes : 1) * slice;
}

/* One piece on its way. */
typedef struct piece {
    const cnn__range_sum *sum;
    int rank;        /* this one */
    size_t width;    /* bytes of an element */
    size_t offset;   /* where the piece is in each sum, bytes */
    int64_t count;   /* elements */
    char *received;  /* where the sums of other ranks come to */
    int64_t arrived; /* the messages before this number are those that the join needs */
} piece;

static piece piece_of(const cnn__range_sum *s, int rank, int64_t index)
{
    size_t width = cnn_dtype_size(s->dtype);
    int64_t first = index * s->piece, left = s->count - first;
    return (piece){ .sum = s,
                    .rank = rank,
                    .width = width,
                    .offset = s->offset + (size_t)first * width,
                    .count = left < s->piece ? left : s->piece,
                    .received = s->received + (size_t)(index % PIECES_AT_ONCE) * s->room };
}

/* Where the slice of a rank begins in the piece, in elements. */
static int64_t slice_begin(const piece *p, int rank)
{
    return slice_of(p->count, p->sum->parts->ranks, rank);
}

static size_t slice_bytes(const piece *p, int rank)
{
    return (size_t)(slice_begin(p, rank + 1) - slice_begin(p, rank)) * p->width;
}

static char *slice_at(const piece *p, int node, int rank)
{
    return p->sum->stack[node] + p->offset + (size_t)slice_begin(p, rank) * p->width;
}

/* Joins the sums of this rank's slice, which lie in the order of ranks and of subtrees within a rank. */
typedef struct joiner {
    const piece *of;
    const cnn__parts *parts;
    char *received; /* the next that came from another rank */
    int own;        /* the next of this rank's */
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
    const piece *p = j->of;
    if (low >= j->parts->filled) {
        return NULL;
    }
    int owner = owner_of(j->parts, low, high);
    if (owner == p->rank) {
        return slice_at(p, j->own++, p->rank);
    }
    if (owner >= 0) {
        char *at = j->received;
        j->received += slice_bytes(p, p->rank);
        return at;
    }
    int middle = low + (high - low) / 2;
    char *left = join(j, low, middle), *right = join(j, middle, high);
    if (right) {
        cnn__add(p->sum->dtype, left, right, slice_begin(p, p->rank + 1) - slice_begin(p, p->rank));
    }
    return left;
}

/* Begins to send slice r of each of this rank's sums to rank r, and to receive this rank's slice of the sums of all
 * others. */
static cnn_status scatter(cnn_group *group, cnn__range_sum *s, piece *p)
{
    int rank = p->rank, ranks = s->parts->ranks, nodes = cnn__parts_nodes(s->parts, rank);
    char *to = p->received;
    cnn_status status = CNN_OK;
    for (int r = 0; r < ranks; r++) {
        for (int i = 0; r != rank && i < cnn__parts_nodes(s->parts, r) && status == CNN_OK; i++) {
            status = cnn__group_receive(group, r, to, slice_bytes(p, rank));
            to += slice_bytes(p, rank);
        }
    }
    for (int step = 1; step < ranks; step++) { /* not all to rank 0 at first */
        int r = (rank + step) % ranks;
        for (int i = 0; i < nodes && status == CNN_OK; i++) {
            status = cnn__group_send(group, r, slice_at(p, i, r), slice_bytes(p, r));
            s->sent += (int64_t)slice_bytes(p, r);
        }
    }
    p->arrived = group->next_number;
    return status;
}

/* Begins to send the result of this rank's slice to all, and to receive those of theirs. */
static cnn_status gather(cnn_group *group, cnn__range_sum *s, const piece *p)
{
    int rank = p->rank, ranks = s->parts->ranks;
    cnn_status status = CNN_OK;
    for (int step = 1; step < ranks && status == CNN_OK; step++) {
        int to = (rank + step) % ranks, from = (rank - step + ranks) % ranks;
        status = cnn__group_receive(group, from, slice_at(p, 0, from), slice_bytes(p, from));
        if (status == CNN_OK) {
            status = cnn__group_send(group, to, slice_at(p, 0, rank), slice_bytes(p, rank));
            s->sent += (int64_t)slice_bytes(p, rank);
        }
    }
    return status;
}

static cnn_status join_piece(cnn_group *group, cnn__range_sum *s, const piece *p)
{
    joiner j = { .of = p, .parts = s->parts, .received = p->received };
    cnn_status status = cnn__group_finish_until(group, p->arrived);
    if (status == CNN_OK) {
        char *joined = join(&j, 0, s->parts->shards), *result = slice_at(p, 0, p->rank);
        if (joined != result) {
            memcpy(result, joined, slice_bytes(p, p->rank));
        }
        status = gather(group, s, p);
    }
    return status;
}

/* While one piece is joined and its result is sent, the next one is on its way, so that the link does not idle. The
 * order of all messages follows from the number of pieces alone, and is the same on every rank. */
cnn_status cnn__range_sum_now(cnn_group *group, cnn__range_sum *s)
{
    piece pieces[PIECES_AT_ONCE];
    int64_t count = (s->count + s->piece - 1) / s->piece;
    cnn_status status = CNN_OK;
    for (int64_t i = 0; i < count + PIECES_AT_ONCE - 1 && status == CNN_OK; i++) {
        int64_t joined = i - (PIECES_AT_ONCE - 1);
        if (i < count) {
            pieces[i % PIECES_AT_ONCE] = piece_of(s, group->transport.rank, i);
            status = scatter(group, s, &pieces[i % PIECES_AT_ONCE]);
        }
        if (joined >= 0 && status == CNN_OK) {
            status = join_piece(group, s, &pieces[joined % PIECES_AT_ONCE]);
        }
    }
    return status == CNN_OK ? cnn__group_finish(group) : status;
}
