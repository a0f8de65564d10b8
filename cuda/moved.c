/* The numbers of a step in the device's memory. What changes from one launch of a graph to the next one (where a batch
 * is, the keys of random numbers, an optimizer's learning rate and corrections) is in the arguments of our own kernels.
 * An argument that has changed is moved: the graph has the variant of its kernel that reads the argument from memory
 * (cuda_plan_distant), from a block that belongs to the sequence. In each step the host writes all that was moved next
 * to each other into pinned memory, and one copy brings it into the block, in front of the graph. So nothing of the
 * graph is set, however many arguments change.
 *
 * The pinned memory has two halves, each for many steps, so a step is written while the copies of those before it are
 * under way, and only where a half is full does anybody wait. */
#include "kernels/arguments.h"
#include "queue.h"

#include <string.h>

enum { ALIGN = 16 };

_Static_assert(sizeof(distant_arguments) <= CUDA_ARGUMENT_BYTES, "an argument");

static CUdeviceptr block_of(const cuda_queue *q, const cuda_sequence *s)
{
    return q->record + CUDA_RECORD_BYTES + (CUdeviceptr)(s - q->sequences) * CUDA_MOVED_BYTES;
}

bool cuda_may_move(const cuda_queue *q, const cuda_entry *e)
{
    return q->moves && e->kind == CUDA_KERNEL && cuda_plan_distant(e->name) != NULL;
}

void cuda_move(cuda_queue *q, cuda_sequence *s)
{
    s->moved_bytes = 0;
    for (size_t i = 0; i < s->list.count; i++) {
        const cuda_entry *e = &s->list.entries[i];
        const size_t bytes = (e->argument_size + ALIGN - 1) / ALIGN * ALIGN;
        const bool moves = s->changes[i] > 0 && s->moved_bytes + bytes <= CUDA_MOVED_BYTES && cuda_may_move(q, e);
        s->place[i] = moves ? s->moved_bytes : SIZE_MAX;
        s->moved_bytes += moves ? bytes : 0;
    }
}

bool cuda_issue_moved(cuda_queue *q, cuda_sequence *s, size_t i)
{
    cuda_entry e = s->list.entries[i];
    struct {
        distant_arguments argument;
        unsigned char rest[CUDA_ARGUMENT_BYTES]; /* a driver reads as much as a kernel declares */
    } own;
    memset(&own, 0, sizeof own);
    own.argument.status = (queue_status *)(uintptr_t)q->record;
    own.argument.argument = (const void *)(uintptr_t)(block_of(q, s) + s->place[i]);
    e.function = cuda_function_find(q, cuda_plan_distant(e.name), e.module, e.number, e.kernel);
    e.argument = 0;
    return e.function && cuda_issue(q, &e, (unsigned char *)&own);
}

/* Goes on to the other half of the pinned memory, when the device has read what was in it. */
static bool next_half(cuda_queue *q, uint64_t number)
{
    const cuda_library *l = q->library;
    if (!cuda_ok(q, number, -1, "cuEventRecord", l->cuEventRecord(q->moved_done[q->moved_half], q->stream))) {
        return false;
    }
    q->moved_used[q->moved_half] = true;
    q->moved_half = 1 - q->moved_half;
    q->moved_filled = 0;
    return !q->moved_used[q->moved_half] ||
           cuda_ok(q, number, -1, "cuEventSynchronize", l->cuEventSynchronize(q->moved_done[q->moved_half]));
}

bool cuda_send_moved(cuda_queue *q, cuda_sequence *s, uint64_t number)
{
    if (q->moved_filled + s->moved_bytes > CUDA_MOVED_HALF && !next_half(q, number)) {
        return false;
    }
    unsigned char *to = (unsigned char *)q->moved + (size_t)q->moved_half * CUDA_MOVED_HALF + q->moved_filled;
    for (size_t i = 0; i < s->list.count; i++) {
        const cuda_entry *e = &s->list.entries[i];
        if (s->place[i] != SIZE_MAX) {
            memcpy(to + s->place[i], s->list.bytes + e->argument, e->argument_size);
        }
    }
    q->moved_filled += s->moved_bytes;
    return cuda_ok(q, number, -1, "cuMemcpyHtoDAsync",
                   q->library->cuMemcpyHtoDAsync(block_of(q, s), to, s->moved_bytes, q->stream));
}
