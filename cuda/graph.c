/* Sequences of work that come again are launched as one CUDA graph. Between two waits a program that trains hands over
 * the same kernels on the same addresses; what changes (the step's learning rate, the key of random numbers, where a
 * batch was put) is in the arguments of our own kernels. The first time a sequence is handed over as it is; the second
 * time it is captured, too; from then on its graph is launched, after the arguments that have changed were set in it.
 *
 * The calls of libraries are part of the graph as they were captured, so they must be the very same. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST_ENTRIES = 8 };

/* ---- what is the same ---- */

static bool same_shape(const cuda_entry *a, const cuda_entry *b)
{
    return a->kind == b->kind && a->function == b->function && a->product == b->product &&
           a->convolution == b->convolution && a->shared == b->shared && a->argument_size == b->argument_size &&
           a->scratch == b->scratch && memcmp(a->grid, b->grid, sizeof a->grid) == 0 &&
           memcmp(a->block, b->block, sizeof a->block) == 0 && memcmp(a->operand, b->operand, sizeof a->operand) == 0;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

static uint64_t hash_of(const cuda_list *list)
{
    uint64_t hash = list->count;
    for (size_t i = 0; i < list->count; i++) {
        const cuda_entry *e = &list->entries[i];
        hash = mix(mix(hash, (uint64_t)(uintptr_t)e->function), e->grid[0]);
        hash = mix(mix(hash, (uint64_t)(uintptr_t)e->product), (uint64_t)(uintptr_t)e->convolution);
        hash = mix(hash, (uint64_t)(uintptr_t)e->operand[2]);
    }
    return hash;
}

static bool same_list(const cuda_sequence *s, const cuda_list *list, uint64_t hash, size_t scratch)
{
    if (s->hash != hash || s->list.count != list->count || s->scratch != scratch) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (!same_shape(&s->list.entries[i], &list->entries[i])) {
            return false;
        }
    }
    return true;
}

/* ---- sequences ---- */

static void forget(cuda_queue *q, cuda_sequence *s)
{
    if (s->exec) {
        q->library->cuGraphExecDestroy(s->exec);
    }
    if (s->graph) {
        q->library->cuGraphDestroy(s->graph);
    }
    free(s->nodes);
    cuda_list_free(&s->list);
    *s = (cuda_sequence){ 0 };
}

void cuda_graphs_forget(cuda_queue *q)
{
    for (int i = 0; i < CUDA_SEQUENCES; i++) {
        forget(q, &q->sequences[i]);
    }
}

/* The sequence that is like the list; a new one in the place of the least recently used one. NULL: no memory. */
static cuda_sequence *sequence_of(cuda_queue *q)
{
    uint64_t hash = hash_of(&q->list);
    cuda_sequence *oldest = &q->sequences[0];
    for (int i = 0; i < CUDA_SEQUENCES; i++) {
        cuda_sequence *s = &q->sequences[i];
        if (s->list.count > 0 && same_list(s, &q->list, hash, (size_t)q->scratch)) {
            return s;
        }
        oldest = s->last_use < oldest->last_use ? s : oldest;
    }
    forget(q, oldest);
    for (size_t i = 0; i < q->list.count; i++) {
        const cuda_entry *e = &q->list.entries[i];
        if (!cuda_list_add(&oldest->list, e, q->list.bytes + e->argument)) {
            forget(q, oldest);
            return NULL;
        }
    }
    oldest->hash = hash;
    oldest->scratch = (size_t)q->scratch;
    return oldest;
}

/* ---- capture ---- */

/* The node that a kernel has become: what the next one would wait for. */
static CUgraphNode newest_node(cuda_queue *q)
{
    int status = 0;
    uint64_t id = 0;
    CUgraph graph = NULL;
    const CUgraphNode *nodes = NULL;
    size_t count = 0;
    CUresult result = q->library->cuStreamGetCaptureInfo(q->stream, &status, &id, &graph, &nodes, &count);
    return result == CUDA_SUCCESS && status == CU_STREAM_CAPTURE_STATUS_ACTIVE && count == 1 ? nodes[0] : NULL;
}

static bool capture_entries(cuda_queue *q, cuda_sequence *s)
{
    for (size_t i = 0; i < s->list.count; i++) {
        const cuda_entry *e = &s->list.entries[i];
        if (!cuda_issue(q, e, s->list.bytes)) {
            return false;
        }
        if (e->kind == CUDA_KERNEL && !(s->nodes[i] = newest_node(q))) {
            return false;
        }
    }
    return true;
}

/* Makes the graph. What cannot be captured is no failure: it is handed over as it is from then on. */
static bool capture(cuda_queue *q, cuda_sequence *s)
{
    const cuda_library *l = q->library;
    s->nodes = calloc(s->list.count, sizeof *s->nodes);
    if (!s->nodes || l->cuStreamBeginCapture(q->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL) != CUDA_SUCCESS) {
        return false;
    }
    bool captured = capture_entries(q, s);
    captured = l->cuStreamEndCapture(q->stream, &s->graph) == CUDA_SUCCESS && s->graph && captured;
    captured = captured && l->cuGraphInstantiate(&s->exec, s->graph, 0) == CUDA_SUCCESS;
    q->failed = false; /* it was nothing but the capture's */
    return captured;
}

static bool set_argument(cuda_queue *q, cuda_sequence *s, size_t i)
{
    const cuda_entry *e = &s->list.entries[i];
    void *arguments[] = { s->list.bytes + e->argument };
    CUDA_KERNEL_NODE_PARAMS p = { .func = e->function, .sharedMemBytes = e->shared, .kernelParams = arguments };
    p.gridDimX = e->grid[0], p.gridDimY = e->grid[1], p.gridDimZ = e->grid[2];
    p.blockDimX = e->block[0], p.blockDimY = e->block[1], p.blockDimZ = e->block[2];
    return q->library->cuGraphExecKernelNodeSetParams(s->exec, s->nodes[i], &p) == CUDA_SUCCESS;
}

/* Brings the arguments up to date. */
static bool set_arguments(cuda_queue *q, cuda_sequence *s)
{
    for (size_t i = 0; i < s->list.count; i++) {
        cuda_entry *e = &s->list.entries[i];
        unsigned char *known = s->list.bytes + e->argument;
        const unsigned char *now = q->list.bytes + q->list.entries[i].argument;
        if (e->argument_size > 0 && memcmp(known, now, e->argument_size) != 0) {
            memcpy(known, now, e->argument_size);
            if (!set_argument(q, s, i)) {
                return false;
            }
        }
    }
    return true;
}

static void copy_arguments(cuda_queue *q, cuda_sequence *s)
{
    for (size_t i = 0; i < s->list.count; i++) {
        memcpy(s->list.bytes + s->list.entries[i].argument, q->list.bytes + q->list.entries[i].argument,
               s->list.entries[i].argument_size);
        s->list.entries[i].number = q->list.entries[i].number;
    }
}

int cuda_graph_run(cuda_queue *q)
{
    if (q->list.count < FEWEST_ENTRIES) {
        return 0;
    }
    cuda_sequence *s = sequence_of(q);
    if (!s) {
        return 0;
    }
    s->last_use = ++q->uses;
    if (s->seen++ == 0 || s->refused) {
        return 0;
    }
    if (!s->exec) {
        copy_arguments(q, s);
        s->refused = !capture(q, s);
    } else {
        s->refused = !set_arguments(q, s);
    }
    if (s->refused) {
        return 0;
    }
    uint64_t number = q->list.entries[0].number;
    return cuda_ok(q, number, -1, "cuGraphLaunch", q->library->cuGraphLaunch(s->exec, q->stream)) ? 1 : -1;
}
