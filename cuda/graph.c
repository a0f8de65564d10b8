/* Sequences of work that come again are launched as one CUDA graph. In each step a program that trains hands over the
 * same kernels on the same addresses; what changes (the step's learning rate, the key of random numbers, where a batch
 * was put) is in the arguments of our own kernels. The first time a sequence is handed over as it is; the second time
 * it is captured, too; from then on its graph is launched, after the arguments that have changed were set in it.
 *
 * The library hands these numbers over by value: it makes them on the host, in double, for every device. What is known
 * to change is read from the device's memory, where one copy brings it in front of the graph (moved.c); what turns out
 * to change later is set in the graph's nodes, and moved the second time.
 *
 * The calls of libraries are part of the graph as they were captured, so they must be the very same. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

enum { FEWEST_ENTRIES = 8, OFTEN = 2, MOST_CAPTURES = 4 };

/* ---- what is the same ---- */

bool cuda_same_shape(const cuda_entry *a, const cuda_entry *b)
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
        if (!cuda_same_shape(&s->list.entries[i], &list->entries[i])) {
            return false;
        }
    }
    return true;
}

/* ---- sequences ---- */

static void drop_graph(cuda_queue *q, cuda_sequence *s)
{
    if (s->exec) {
        q->library->cuGraphExecDestroy(s->exec);
    }
    if (s->graph) {
        q->library->cuGraphDestroy(s->graph);
    }
    s->exec = NULL;
    s->graph = NULL;
}

static void forget(cuda_queue *q, cuda_sequence *s)
{
    drop_graph(q, s);
    free(s->nodes);
    free(s->changed);
    free(s->loose);
    free(s->changes);
    free(s->place);
    cuda_list_free(&s->list);
    cuda_notes_free(&s->notes);
    *s = (cuda_sequence){ .next = -1 };
}

/* What was handed over is in the list, or has been dropped. */
void cuda_graphs_forget(cuda_queue *q)
{
    q->followed = NULL;
    q->last = -1;
    for (int i = 0; i < CUDA_SEQUENCES; i++) {
        forget(q, &q->sequences[i]);
    }
}

static bool room_for_marks(cuda_sequence *s, size_t count)
{
    s->nodes = calloc(count, sizeof *s->nodes);
    s->changed = calloc(count, sizeof *s->changed);
    s->loose = calloc(count, sizeof *s->loose);
    s->changes = calloc(count, sizeof *s->changes);
    s->place = calloc(count, sizeof *s->place);
    return s->nodes && s->changed && s->loose && s->changes && s->place;
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
    if (!room_for_marks(oldest, q->list.count)) {
        forget(q, oldest);
        return NULL;
    }
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
        if (!(s->place[i] != SIZE_MAX ? cuda_issue_moved(q, s, i) : cuda_issue(q, e, s->list.bytes))) {
            return false;
        }
        if (e->kind == CUDA_KERNEL && !(s->nodes[i] = newest_node(q))) {
            return false;
        }
    }
    return true;
}

/* The kernels that a capture needs are there before it begins, for loading one may wait. */
static bool find_variants(cuda_queue *q, const cuda_sequence *s)
{
    bool found = true;
    for (size_t i = 0; i < s->list.count && found; i++) {
        const cuda_entry *e = &s->list.entries[i];
        found = s->place[i] == SIZE_MAX ||
                cuda_function_find(q, cuda_plan_distant(e->name), e->module, e->number, e->kernel);
    }
    return found;
}

/* Makes the graph, in which the arguments that have changed so far are read from memory. What cannot be captured is no
 * failure: it is handed over as it is from then on. */
static bool capture(cuda_queue *q, cuda_sequence *s)
{
    const cuda_library *l = q->library;
    drop_graph(q, s);
    s->captures++;
    cuda_move(q, s);
    if (!find_variants(q, s) ||
        l->cuStreamBeginCapture(q->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL) != CUDA_SUCCESS) {
        q->failed = false;
        return false;
    }
    bool captured = capture_entries(q, s);
    captured = l->cuStreamEndCapture(q->stream, &s->graph) == CUDA_SUCCESS && s->graph && captured;
    captured = captured && l->cuGraphInstantiate(&s->exec, s->graph, 0) == CUDA_SUCCESS;
    q->failed = false; /* it was nothing but the capture's */
    for (size_t i = 0; i < s->list.count; i++) {
        s->changed[i] = s->place[i] != SIZE_MAX;
    }
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

bool cuda_sequence_update(cuda_sequence *s, size_t i, const cuda_entry *entry, const void *argument)
{
    cuda_entry *known = &s->list.entries[i];
    const bool other =
        known->argument_size > 0 && memcmp(s->list.bytes + known->argument, argument, known->argument_size) != 0;
    if (other) {
        memcpy(s->list.bytes + known->argument, argument, known->argument_size);
        s->changed[i] = true;
        s->changes[i] = (uint8_t)(s->changes[i] + (s->changes[i] < UINT8_MAX));
    }
    known->number = entry->number;
    return other;
}

/* Notes that this sequence was used, and that it came behind the last one. */
static void use(cuda_queue *q, cuda_sequence *s)
{
    const int number = (int)(s - q->sequences);
    s->last_use = ++q->uses;
    if (q->last >= 0) {
        q->sequences[q->last].next = number;
    }
    q->last = number;
}

/* Whether an argument keeps changing that could be read from memory. */
static bool is_to_be_moved(const cuda_queue *q, const cuda_sequence *s)
{
    bool found = false;
    for (size_t i = 0; i < s->list.count && s->captures < MOST_CAPTURES && !found; i++) {
        found =
            s->changed[i] && s->place[i] == SIZE_MAX && s->changes[i] >= OFTEN && cuda_may_move(q, &s->list.entries[i]);
    }
    return found;
}

/* Brings the arguments of a graph up to date: those in its nodes, and `sends`: whether one in the block is another. */
static bool set_arguments(cuda_queue *q, cuda_sequence *s, bool *sends)
{
    *sends = false;
    for (size_t i = 0; i < s->list.count; i++) {
        if (s->changed[i] && s->place[i] != SIZE_MAX) {
            *sends = true;
        } else if (s->changed[i] && !set_argument(q, s, i)) {
            return false;
        } else {
            s->changed[i] = false;
        }
    }
    return true;
}

int cuda_graph_launch(cuda_queue *q, cuda_sequence *s, uint64_t number)
{
    bool sends = false;
    s->refused = s->refused || (is_to_be_moved(q, s) && !capture(q, s)) || !set_arguments(q, s, &sends);
    if (s->refused) {
        return 0;
    }
    if (sends && !cuda_send_moved(q, s, number)) {
        return -1;
    }
    for (size_t i = 0; i < s->list.count && sends; i++) {
        s->changed[i] = false;
    }
    use(q, s);
    return cuda_ok(q, number, -1, "cuGraphLaunch", q->library->cuGraphLaunch(s->exec, q->stream)) ? 1 : -1;
}

/* The arguments of the list are the sequence's. */
static void take_notes(cuda_queue *q, cuda_sequence *s)
{
    cuda_notes notes = s->notes;
    s->notes = q->notes;
    q->notes = notes;
    s->notes.count = s->notes.incomplete ? 0 : s->notes.count;
    memset(s->loose, 0, s->list.count * sizeof *s->loose);
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
    for (size_t i = 0; i < q->list.count; i++) {
        cuda_sequence_update(s, i, &q->list.entries[i], q->list.bytes + q->list.entries[i].argument);
    }
    take_notes(q, s);
    if (s->seen++ == 0 || s->refused) {
        use(q, s);
        return 0;
    }
    if (!s->exec) {
        s->refused = !capture(q, s);
    }
    return s->refused ? 0 : cuda_graph_launch(q, s, q->list.entries[0].number);
}
