/* The list of work, and how it gets to the stream. */
#include "queue.h"

#include <stdlib.h>
#include <string.h>

/* A driver reads as much as a kernel declares, which may be more than its argument has. */
enum { MOST_ENTRIES = 4096, MOST_BYTES = 4 << 20, ALIGN = 16, SLACK = CUDA_ARGUMENT_BYTES };

/* ---- lists ---- */

static bool list_room(cuda_list *list, size_t bytes)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 128;
        cuda_entry *more = realloc(list->entries, room * sizeof *more);
        if (!more) {
            return false;
        }
        list->entries = more;
        list->room = room;
    }
    if (list->used + bytes + ALIGN + SLACK > list->bytes_room) {
        size_t room = 2 * (list->used + bytes) + ALIGN + 4 * SLACK;
        unsigned char *more = realloc(list->bytes, room);
        if (!more) {
            return false;
        }
        list->bytes = more;
        list->bytes_room = room;
    }
    return true;
}

bool cuda_list_add(cuda_list *list, const cuda_entry *entry, const void *argument)
{
    if (!list_room(list, entry->argument_size)) {
        return false;
    }
    cuda_entry *added = &list->entries[list->count++];
    *added = *entry;
    added->argument = list->used;
    if (entry->argument_size > 0) {
        memcpy(list->bytes + list->used, argument, entry->argument_size);
        list->used += (entry->argument_size + ALIGN - 1) / ALIGN * ALIGN;
    }
    return true;
}

void cuda_list_free(cuda_list *list)
{
    free(list->entries);
    free(list->bytes);
    *list = (cuda_list){ 0 };
}

/* ---- adding ---- */

static bool add_behind(cuda_queue *q, const cuda_entry *entry, const void *argument)
{
    if (q->failed) {
        return false;
    }
    q->has_launch = q->has_launch || entry->kernel >= 0;
    if (cuda_replay_entry(q, entry, argument)) {
        return true;
    }
    if (q->failed) {
        return false;
    }
    if (!cuda_list_add(&q->list, entry, argument)) {
        cuda_fail(q, entry->number, entry->kernel, "no memory for what is handed over");
        return false;
    }
    return (q->graphs && q->list.count < MOST_ENTRIES && q->list.used < MOST_BYTES) || cuda_flush(q);
}

bool cuda_add(cuda_queue *q, const cuda_entry *entry, const void *argument)
{
    return cuda_groups_close(q, UINT64_MAX) && add_behind(q, entry, argument);
}

static bool add_call(cuda_queue *q, const cuda_call *call, CUfunction function, uint64_t number, int kernel,
                     bool (*add)(cuda_queue *q, const cuda_entry *entry, const void *argument))
{
    cuda_entry entry = { .kind = CUDA_KERNEL,
                         .function = function,
                         .name = call->kernel,
                         .module = call->module,
                         .shared = call->shared,
                         .number = number,
                         .argument_size = call->argument_size,
                         .kernel = kernel };
    memcpy(entry.grid, call->grid, sizeof entry.grid);
    memcpy(entry.block, call->block, sizeof entry.block);
    return add(q, &entry, call->argument);
}

bool cuda_add_call(void *target, const cuda_call *call)
{
    const cuda_target *t = target;
    if (call->table) {
        return cuda_group_add(t->queue, call, t->number, t->kernel);
    }
    CUfunction function = cuda_function_find(t->queue, call->kernel, call->module, t->number, t->kernel);
    return function && add_call(t->queue, call, function, t->number, t->kernel, cuda_add);
}

/* Adding may hand over what is listed, which is to find no open group. */
bool cuda_groups_close(cuda_queue *q, uint64_t before)
{
    const int count = q->group_count;
    bool added = !q->failed;
    q->group_count = 0;
    for (int i = 0; i < count && added; i++) {
        const cuda_group *g = &q->groups[i];
        added = g->number >= before || add_call(q, &g->call, g->function, g->number, g->kernel, add_behind);
    }
    return added;
}

/* ---- handing over ---- */

bool cuda_issue(cuda_queue *q, const cuda_entry *e, unsigned char *bytes)
{
    void *arguments[] = { bytes + e->argument };
    switch (e->kind) {
    case CUDA_PRODUCT: return cuda_product_issue(q, e);
    case CUDA_CONVOLUTION: return cuda_convolution_issue(q, e);
    default:
        return cuda_ok(q, e->number, e->kernel, "cuLaunchKernel",
                       q->library->cuLaunchKernel(e->function, e->grid[0], e->grid[1], e->grid[2], e->block[0],
                                                  e->block[1], e->block[2], e->shared, q->stream, arguments, NULL));
    }
}

static void list_emptied(cuda_queue *q)
{
    q->followed = NULL;
    q->list.count = q->list.used = 0;
    q->notes.count = q->notes.used = 0;
    q->notes.incomplete = false;
    q->has_launch = false;
}

/* Hands over nothing behind the first entry that fails. */
bool cuda_flush(cuda_queue *q)
{
    if (!cuda_groups_close(q, UINT64_MAX)) {
        return false;
    }
    q->flushes += cuda_replay_position(q) > 0;
    int ran = q->followed ? cuda_replay_run(q) : 0;
    if (q->failed && q->list.count > 0) {
        return false; /* what was followed is not all in the list; what is comes before the failure */
    }
    if (ran == 0 && q->graphs) {
        ran = cuda_graph_run(q);
    }
    for (size_t i = 0; ran == 0 && i < q->list.count && !q->failed; i++) {
        cuda_issue(q, &q->list.entries[i], q->list.bytes);
    }
    list_emptied(q);
    if (q->staged > 0) {
        q->staged_before -= q->staged_before / 8;
        q->staged_before = q->staged > q->staged_before ? q->staged : q->staged_before;
        q->staged = 0;
    }
    return !q->failed;
}

void cuda_flush_before_failure(cuda_queue *q)
{
    const cnn_backend_failure later = q->failure;
    q->failed = false;
    cuda_groups_close(q, later.number);
    cuda_replay_leave(q);
    for (size_t i = 0; i < q->list.count && q->list.entries[i].number < later.number && !q->failed; i++) {
        cuda_issue(q, &q->list.entries[i], q->list.bytes);
    }
    list_emptied(q);
    if (!q->failed) {
        q->failed = true;
        q->failure = later;
    }
}

void cuda_drop(cuda_queue *q)
{
    q->group_count = 0;
    list_emptied(q);
}

bool cuda_scratch(cuda_queue *q, size_t bytes)
{
    if (bytes <= q->scratch_bytes) {
        return true;
    }
    if (!cuda_flush(q)) {
        return false;
    }
    cuda_deallocate(q, (void *)(uintptr_t)q->scratch, q->scratch_bytes);
    q->scratch = (CUdeviceptr)(uintptr_t)cuda_allocate(q, bytes);
    q->scratch_bytes = q->scratch ? bytes : 0;
    if (!q->scratch && !q->failed) {
        cuda_fail(q, q->newest, -1, "no memory on the device for %zu bytes of workspace", bytes);
        q->failure.status = CNN_ERROR_NO_MEMORY;
    }
    return q->scratch != 0;
}
