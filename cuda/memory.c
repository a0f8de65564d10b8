/* The device's memory. cuMemAlloc() and cuMemFree() wait for the device, so segments are kept and given out in blocks.
 * All work is in one stream: a block that is freed may be given out at once, since whoever uses it next stands behind
 * all that used it before. Small blocks and large ones come from segments of their own. */
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GRAIN = 512, SMALL = 1 << 20, SMALL_SEGMENT = 2 << 20, LARGE_SEGMENT = 20 << 20, LARGE_GRAIN = 2 << 20 };

static size_t rounded(size_t bytes, size_t grain)
{
    return (bytes + grain - 1) / grain * grain;
}

/* How many blocks have addresses below this one. */
static size_t below(const cuda_memory *m, CUdeviceptr address)
{
    size_t low = 0, high = m->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->blocks[middle].address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool make_room(cuda_memory *m)
{
    if (m->count < m->room) {
        return true;
    }
    size_t room = m->room ? 2 * m->room : 64;
    cuda_block *more = realloc(m->blocks, room * sizeof *more);
    if (more) {
        m->blocks = more;
        m->room = room;
    }
    return more != NULL;
}

/* There is room. */
static void insert(cuda_memory *m, size_t at, const cuda_block *block)
{
    memmove(m->blocks + at + 1, m->blocks + at, (m->count++ - at) * sizeof *m->blocks);
    m->blocks[at] = *block;
}

static void remove_at(cuda_memory *m, size_t at)
{
    memmove(m->blocks + at, m->blocks + at + 1, (--m->count - at) * sizeof *m->blocks);
}

/* The smallest free block that is large enough; the count: none. */
static size_t best(const cuda_memory *m, size_t bytes, bool small)
{
    size_t found = m->count;
    for (size_t i = 0; i < m->count; i++) {
        const cuda_block *b = &m->blocks[i];
        if (!b->used && b->small == small && b->bytes >= bytes &&
            (found == m->count || b->bytes < m->blocks[found].bytes)) {
            found = i;
        }
    }
    return found;
}

/* Whether a block is all of its segment. */
static bool is_whole(const cuda_memory *m, size_t i)
{
    CUdeviceptr segment = m->blocks[i].segment;
    return (i == 0 || m->blocks[i - 1].segment != segment) &&
           (i + 1 == m->count || m->blocks[i + 1].segment != segment);
}

/* Gives segments back of which nothing is used. The device has done all that was handed over. */
static void give_back(cuda_queue *q)
{
    cuda_memory *m = &q->memory;
    for (size_t i = m->count; i-- > 0;) {
        if (!m->blocks[i].used && is_whole(m, i)) {
            m->segments -= m->blocks[i].bytes;
            q->library->cuMemFree(m->blocks[i].address);
            remove_at(m, i);
        }
    }
}

static CUresult take(cuda_queue *q, CUdeviceptr *address, size_t bytes)
{
    CUresult result = q->library->cuMemAlloc(address, bytes);
    if (result == CUDA_ERROR_OUT_OF_MEMORY && cuda_flush(q) &&
        q->library->cuStreamSynchronize(q->stream) == CUDA_SUCCESS) {
        give_back(q);
        result = q->library->cuMemAlloc(address, bytes);
    }
    return result;
}

/* A new segment, as one free block; the count: no memory. */
static size_t grow(cuda_queue *q, size_t bytes, bool small)
{
    cuda_memory *m = &q->memory;
    size_t wanted = small ? SMALL_SEGMENT : bytes < LARGE_SEGMENT / 2 ? LARGE_SEGMENT : rounded(bytes, LARGE_GRAIN);
    CUdeviceptr address = 0;
    if (!make_room(m)) {
        snprintf(q->denied, sizeof q->denied, "no memory on the host for the list of blocks");
        return m->count;
    }
    CUresult result = take(q, &address, wanted);
    if (result == CUDA_ERROR_OUT_OF_MEMORY && wanted > bytes) {
        wanted = bytes;
        result = take(q, &address, wanted);
    }
    if (result != CUDA_SUCCESS) {
        cuda_describe(q->library, "cuMemAlloc", result, q->denied, sizeof q->denied);
        cuda_note_lost(q, result, q->denied);
        return m->count;
    }
    size_t at = below(m, address);
    insert(m, at, &(cuda_block){ address, address, wanted, false, small });
    m->segments += wanted;
    return at;
}

/* Cuts off what is not needed. Without room for another block the whole is given out. */
static void split(cuda_memory *m, size_t at, size_t bytes)
{
    cuda_block *b = &m->blocks[at];
    size_t rest = b->bytes - bytes;
    if (rest > (b->small ? 0 : (size_t)SMALL) && make_room(m)) {
        b = &m->blocks[at];
        b->bytes = bytes;
        cuda_block behind = { b->address + bytes, b->segment, rest, false, b->small };
        insert(m, at + 1, &behind);
    }
}

void *cuda_allocate(void *queue, size_t bytes)
{
    cuda_queue *q = queue;
    cuda_memory *m = &q->memory;
    const bool failed = q->failed;
    if (bytes > SIZE_MAX / 2 || !cuda_enter(q)) {
        const char *why = bytes > SIZE_MAX / 2 ? "" : q->lost ? q->last_words : q->failure.message;
        snprintf(q->denied, sizeof q->denied, "%s", why);
        q->failed = failed; /* no memory is what the caller reports */
        return NULL;
    }
    size_t wanted = rounded(bytes, GRAIN);
    bool small = wanted <= SMALL;
    size_t at = best(m, wanted, small);
    if (at == m->count) {
        at = grow(q, wanted, small);
    }
    void *address = NULL;
    if (at < m->count) {
        split(m, at, wanted);
        m->blocks[at].used = true;
        address = (void *)(uintptr_t)m->blocks[at].address;
    }
    cuda_leave(q);
    return address;
}

static void join(cuda_memory *m, size_t first)
{
    if (first + 1 < m->count && !m->blocks[first].used && !m->blocks[first + 1].used &&
        m->blocks[first].segment == m->blocks[first + 1].segment) {
        m->blocks[first].bytes += m->blocks[first + 1].bytes;
        remove_at(m, first + 1);
    }
}

void cuda_problem(void *queue, char *message, size_t size)
{
    const cuda_queue *q = queue;
    snprintf(message, size, "%s", q->denied);
}

void cuda_deallocate(void *queue, void *address, size_t bytes)
{
    cuda_queue *q = queue;
    cuda_memory *m = &q->memory;
    (void)bytes;
    size_t at = below(m, (CUdeviceptr)(uintptr_t)address);
    if (at < m->count && m->blocks[at].address == (CUdeviceptr)(uintptr_t)address) {
        m->blocks[at].used = false;
        join(m, at);
        if (at > 0) {
            join(m, at - 1);
        }
    }
}

void cuda_memory_release(cuda_queue *q)
{
    cuda_memory *m = &q->memory;
    for (size_t i = 0; i < m->count; i++) {
        m->blocks[i].used = false;
    }
    for (size_t i = m->count; i-- > 1;) {
        join(m, i - 1);
    }
    give_back(q);
    free(m->blocks);
    *m = (cuda_memory){ 0 };
}
