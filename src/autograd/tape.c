/* The tape's life and memory: a ring of handles, an arena for the graph, and a cache of elements.
 *
 * Handles are reused in the order in which they were made, a whole chunk of them later at the earliest, so a handle
 * kept past its step is recognised by its generation. Handles and graph keep to what the step with the most
 * operations needed; what bounds the elements is in tensor/cache.c. */
#include "autograd/running.h"
#include "autograd/tape.h"

#include "tensor/cache.h"
#include "tensor/failed_step.h"

#include <string.h>

enum { TAPE_CHUNK = 256, ARENA_BLOCK = 1 << 14, ARENA_LARGE = ARENA_BLOCK / 4, TAPE_ALIGNMENT = 16 };

/* Handles; the chunks form a ring. */
struct cnn__chunk {
    struct cnn__chunk *next;
    int used;
    cnn_tensor handles[TAPE_CHUNK];
};

typedef struct arena_block {
    struct arena_block *next;
    size_t used;
    _Alignas(TAPE_ALIGNMENT) char bytes[ARENA_BLOCK];
} arena_block;

/* What is too large for those lies at the beginning of a block of the cache, or, since blocks of a device cannot be
 * seen, of a block of its own. */
typedef struct arena_large {
    struct arena_large *next;
    cnn__storage *block;
    _Alignas(TAPE_ALIGNMENT) char bytes[];
} arena_large;

struct cnn_tape {
    cnn__step step; /* first: tensors see the tape as this */
    cnn_mode mode;
    bool recording, tracing;
    bool observes; /* counts among the context's observers, from the beginning of a trace on */
    bool has_stream;
    uint64_t key[2]; /* the step's random stream, where it has one */
    uint64_t draws;  /* operations that drew from it */
    cnn__listener listener;
    cnn__cache *cache;
    struct cnn__chunk *chunk; /* the one being filled */
    int chunks, touched;      /* in the ring; by this step */
    cnn__mark begin;          /* where this step's handles begin */
    arena_block *arena, *arena_now;
    arena_large *large;
    cnn__node *last;
    cnn_tensor nil;
};

static const cnn_tensor nil_of_no_tape = { .kind = CNN__TENSOR_NIL }; /* nobody writes it */

cnn_tensor *cnn__tape_nil(cnn_tape *tape)
{
    return tape ? &tape->nil : (cnn_tensor *)(uintptr_t)&nil_of_no_tape;
}

bool cnn__tape_odd(const cnn_tape *tape)
{
    return tape->step.generation % 2;
}

cnn__cache *cnn__tape_cache(cnn_tape *tape)
{
    return tape->cache;
}

bool cnn__tape_recording(const cnn_tape *tape)
{
    return tape->recording;
}

const cnn__listener *cnn__tape_listener(const cnn_tape *tape)
{
    return &tape->listener;
}

cnn_status cnn_tape_on_gradient(cnn_tape *tape, cnn_gradient_fn call, void *user)
{
    if (!tape) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_on_gradient: tape is NULL");
    }
    tape->listener = (cnn__listener){ call, user };
    return CNN_OK;
}

cnn_status cnn_tape_gradient_call(const cnn_tape *tape, cnn_gradient_fn *call, void **user)
{
    if (!tape || !call || !user) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_gradient_call: %s is NULL",
                         !tape   ? "tape"
                         : !call ? "call"
                                 : "user");
    }
    *call = tape->listener.call;
    *user = tape->listener.user;
    return CNN_OK;
}

bool cnn__tape_tracing(const cnn_tape *tape)
{
    return tape->tracing;
}

cnn__node *cnn__tape_last_node(const cnn_tape *tape)
{
    return tape->last;
}

void cnn__tape_link(cnn_tape *tape, cnn__node *node)
{
    node->tape = tape;
    node->previous = tape->last;
    tape->last = node;
}

void cnn__tape_unlink(cnn_tape *tape, cnn__node *last)
{
    tape->last = last;
}

uint64_t cnn__tape_draws(const cnn_tape *tape)
{
    return tape->draws;
}

void cnn__tape_set_draws(cnn_tape *tape, uint64_t draws)
{
    tape->draws = draws;
}

static void take_stream(cnn_tape *tape)
{
    cnn__context_next_stream(tape->step.ctx, tape->key);
    tape->has_stream = true;
}

/* Stream numbers stay far below 2^40, so the place of the operation fits above them. */
void cnn__tape_random_key(cnn_tape *tape, uint64_t key[2])
{
    if (tape->tracing) {
        key[0] = key[1] = 0;
        return;
    }
    if (!tape->has_stream) {
        take_stream(tape);
    }
    key[0] = tape->key[0];
    key[1] = tape->key[1] | ++tape->draws << 40;
}

/* ---- the arena ---- */

/* Idle elements are given back before there is no memory for something else. */
static void *tape_allocate(cnn_tape *tape, size_t size)
{
    void *memory = cnn__alloc(tape->step.ctx, size);
    return memory || !cnn__cache_trim(tape->cache) ? memory : cnn__alloc(tape->step.ctx, size);
}

static void *arena_fail(cnn_tape *tape, size_t bytes)
{
    cnn__tape_fail(tape, CNN_ERROR_NO_MEMORY, "tape: no memory for %zu bytes of the graph", bytes);
    return NULL;
}

static arena_block *arena_grow(cnn_tape *tape)
{
    arena_block *block = tape_allocate(tape, sizeof *block);
    if (!block) {
        return arena_fail(tape, ARENA_BLOCK);
    }
    block->next = NULL;
    *(tape->arena_now ? &tape->arena_now->next : &tape->arena) = block;
    return block;
}

static void *arena_take_large(cnn_tape *tape, size_t size)
{
    cnn_context *ctx = tape->step.ctx;
    cnn__storage *block = ctx->device ? cnn__storage_new_on_host(ctx, sizeof(arena_large) + size)
                                      : cnn__cache_get(tape->cache, sizeof(arena_large) + size);
    if (!block) {
        return arena_fail(tape, size);
    }
    arena_large *large = block->data;
    *large = (arena_large){ tape->large, block };
    tape->large = large;
    return large->bytes;
}

static void arena_drop_large(cnn_tape *tape)
{
    while (tape->large) {
        cnn__storage *block = tape->large->block;
        tape->large = tape->large->next;
        cnn__storage_release(block);
    }
}

/* Operations ask for this when they begin and when they are recorded: no kernel runs then. */
void *cnn__tape_arena(cnn_tape *tape, size_t size)
{
    cnn__cache_workspace_done(tape->cache);
    if (size > ARENA_LARGE) {
        return arena_take_large(tape, size);
    }
    size = (size + TAPE_ALIGNMENT - 1) / TAPE_ALIGNMENT * TAPE_ALIGNMENT;
    if (!tape->arena_now || ARENA_BLOCK - tape->arena_now->used < size) {
        arena_block *next = tape->arena_now ? tape->arena_now->next : tape->arena;
        if (!next && !(next = arena_grow(tape))) {
            return NULL;
        }
        next->used = 0;
        tape->arena_now = next;
    }
    void *memory = tape->arena_now->bytes + tape->arena_now->used;
    tape->arena_now->used += size;
    return memory;
}

/* ---- handles ---- */

static struct cnn__chunk *chunk_add(cnn_tape *tape)
{
    struct cnn__chunk *chunk = tape_allocate(tape, sizeof *chunk);
    if (!chunk) {
        return NULL;
    }
    chunk->used = 0;
    if (tape->chunk) {
        chunk->next = tape->chunk->next;
        tape->chunk->next = chunk;
    } else {
        chunk->next = chunk;
        tape->chunk = chunk;
    }
    tape->chunks++;
    return chunk;
}

/* A step that begins in the middle of a chunk touches one more than an equal step that began at its start: the
 * latter, which the first step is, makes that one beforehand. */
static bool chunk_advance(cnn_tape *tape)
{
    tape->touched++;
    while (tape->chunks < tape->touched + (tape->begin.used == 0)) {
        if (!chunk_add(tape)) {
            tape->touched--;
            return false;
        }
    }
    tape->chunk = tape->chunk->next;
    tape->chunk->used = 0;
    return true;
}

/* In two parts, which compilers clear by plain stores: the string instruction that they take for more starts slowly. */
static void tape_clear(cnn_tensor *t)
{
    enum { HEAD = offsetof(cnn_tensor, shape), HALF = HEAD / 2 };
    memset(t, 0, HALF);
    memset((char *)t + HALF, 0, HEAD - HALF);
}

cnn_tensor *cnn__tape_handle(cnn_tape *tape, const cnn_tensor *like)
{
    if (tape->chunk->used == TAPE_CHUNK && !chunk_advance(tape)) {
        cnn__tape_fail(tape, CNN_ERROR_NO_MEMORY, "tape: no memory for %d more results", TAPE_CHUNK);
        return NULL;
    }
    cnn_tensor *t = &tape->chunk->handles[tape->chunk->used++];
    tape_clear(t);
    t->kind = CNN__TENSOR_TAPE;
    t->ctx = tape->step.ctx;
    t->tape = tape;
    t->generation = tape->step.generation;
    if (like) {
        t->dtype = like->dtype;
        t->ndim = like->ndim;
        t->numel = like->numel;
        t->offset = like->offset;
        for (int d = 0; d < like->ndim; d++) {
            t->shape[d] = like->shape[d];
            t->stride[d] = like->stride[d];
        }
        t->storage = like->storage ? cnn__storage_retain(like->storage) : NULL;
        t->traced = like->traced;
    }
    return t;
}

cnn__mark cnn__tape_mark(const cnn_tape *tape)
{
    return (cnn__mark){ tape->chunk, tape->chunk->used };
}

void cnn__tape_drop(cnn_tensor *t)
{
    if (t->kind == CNN__TENSOR_TAPE) {
        cnn__storage_release(t->storage);
        t->storage = NULL;
    }
}

void cnn__tape_drop_since(cnn_tape *tape, cnn__mark mark, const cnn_tensor *keep)
{
    struct cnn__chunk *chunk = mark.chunk;
    for (int i = mark.used;; i++) {
        if (i == chunk->used) {
            if (chunk == tape->chunk) {
                return;
            }
            chunk = chunk->next;
            i = -1;
            continue;
        }
        cnn_tensor *t = &chunk->handles[i];
        if (t != keep && !t->kept && !t->kept_by_forward) {
            cnn__tape_drop(t);
        }
    }
}

static void drop_everything(cnn_tape *tape)
{
    cnn__undo_forget(tape);
    struct cnn__chunk *chunk = tape->begin.chunk;
    for (int i = tape->begin.used; chunk; i++) {
        if (i == chunk->used) {
            chunk = chunk == tape->chunk ? NULL : chunk->next;
            i = -1;
            continue;
        }
        cnn__tape_drop(&chunk->handles[i]);
        cnn__tensor_release(chunk->handles[i].leaf);
        chunk->handles[i].leaf = NULL;
    }
    arena_drop_large(tape);
    tape->last = NULL;
}

void cnn__tape_each_leaf(const cnn_tape *tape, void (*visit)(cnn_tensor *leaf, void *user), void *user)
{
    const struct cnn__chunk *chunk = tape->begin.chunk;
    int i = tape->begin.used;
    for (;;) {
        for (; i < chunk->used; i++) {
            if (chunk->handles[i].leaf) {
                visit(chunk->handles[i].leaf, user);
            }
        }
        if (chunk == tape->chunk) {
            return;
        }
        chunk = chunk->next;
        i = 0;
    }
}

/* ---- results ---- */

/* What results of traced operations have in place of elements: an address that nobody follows. */
static _Alignas(64) char no_elements[64];
static cnn__storage traced_storage = { .references = 1, .data = no_elements };

/* A result whose shape is known to be good. */
static cnn_tensor *make_result(cnn__call *call, cnn_dtype dtype, int ndim, const int64_t *shape, int64_t numel)
{
    size_t bytes = (size_t)numel * cnn_dtype_size(dtype);
    bool traced = call->tape->tracing;
    cnn__storage *storage = traced ? cnn__storage_retain(&traced_storage) : cnn__cache_get(call->tape->cache, bytes);
    if (!storage) {
        cnn__call_fail(call, CNN_ERROR_NO_MEMORY, "no memory for %zu bytes", bytes);
        return NULL;
    }
    cnn_tensor *t = cnn__tape_handle(call->tape, NULL);
    if (!t) {
        cnn__storage_release(storage);
        return NULL;
    }
    cnn__tensor_shape_set(t, dtype, ndim, shape);
    t->storage = storage;
    t->traced = traced;
    return t;
}

cnn_tensor *cnn__result(cnn__call *call, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    int64_t numel;
    if (cnn__shape_check(call->ctx, call->op->name, dtype, ndim, shape, &numel) != CNN_OK) {
        cnn__call_fail_newest(call);
        return NULL;
    }
    return make_result(call, dtype, ndim, shape, numel);
}

cnn_tensor *cnn__result_like(cnn__call *call, cnn_dtype dtype, const cnn_tensor *like)
{
    return make_result(call, dtype, like->ndim, like->shape, like->numel);
}

/* ---- life ---- */

static void free_chunks(cnn_tape *tape)
{
    struct cnn__chunk *chunk = tape->chunk;
    while (tape->chunks > 0) {
        struct cnn__chunk *next = chunk->next;
        cnn__free(tape->step.ctx, chunk);
        chunk = next;
        tape->chunks--;
    }
}

void cnn__tape_trace_made(cnn_tape *tape)
{
    if (tape->observes) {
        atomic_fetch_sub(&tape->step.ctx->observers, 1);
        tape->observes = false;
    }
}

/* The tape may be one that could not be made whole. */
static void release(cnn_tape *tape)
{
    drop_everything(tape);
    cnn__tape_trace_made(tape);
    cnn__step_end(tape);
    free_chunks(tape);
    for (arena_block *block = tape->arena, *next; block; block = next) {
        next = block->next;
        cnn__free(tape->step.ctx, block);
    }
    cnn__cache_free(tape->cache);
    cnn_context *ctx = tape->step.ctx;
    cnn__free(ctx, tape);
    cnn__context_release(ctx);
}

cnn_tape *cnn_tape_new(cnn_context *ctx)
{
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_new: ctx is NULL");
        return NULL;
    }
    cnn_tape *tape = cnn__calloc(ctx, 1, sizeof *tape);
    if (!tape) {
        cnn__fail_memory(ctx, "tape_new", sizeof *tape);
        return NULL;
    }
    tape->step.ctx = cnn__context_retain(ctx);
    tape->nil = (cnn_tensor){ .kind = CNN__TENSOR_NIL, .ctx = ctx, .tape = tape };
    tape->cache = cnn__cache_new(ctx);
    if (!tape->cache || !chunk_add(tape) || !chunk_add(tape) || !cnn__step_init(tape)) {
        release(tape);
        cnn__fail_memory(ctx, "tape_new", sizeof(struct cnn__chunk));
        return NULL;
    }
    tape->begin = cnn__tape_mark(tape);
    return tape;
}

/* A callback that works in this step would be left without its tensors. */
static bool in_use(cnn_tape *tape, const char *call)
{
    const cnn__running *r = cnn__running_on(tape, CNN__RUNNING_ANY);
    if (r) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "%s: called inside %s %s, which works on this tape", call, r->part,
                       r->name);
    }
    return r != NULL;
}

void cnn_tape_free(cnn_tape *tape)
{
    if (tape && !in_use(tape, "tape_free")) {
        release(tape);
    }
}

/* Has the device failed since the step before began? What a late failure takes back is known once that step is done. */
static bool device_failed_before(cnn_tape *tape)
{
    cnn_context *ctx = tape->step.ctx;
    uint64_t failures = cnn__device_failures(ctx);
    bool waited = !tape->step.undo || cnn__device_wait(ctx, "tape_begin", cnn__device_number(ctx)) == CNN_OK;
    cnn__step_check_launches(tape);
    return !waited || cnn__device_failures(ctx) != failures;
}

/* Apart, so that no array is on the stack of a thread that is cancelled in cnn_tape_begin(): nobody would tell a
 * sanitizer that it is gone. */
static __attribute__((noinline)) cnn_status fail_as_device(cnn_tape *tape)
{
    char message[CNN__MESSAGE_SIZE];
    cnn_status status = cnn__device_newest_failure(tape->step.ctx, message, sizeof message);
    cnn__tape_fail(tape, status, "%s", message);
    return status;
}

cnn_status cnn_tape_begin(cnn_tape *tape, cnn_mode mode)
{
    if (!tape || (int)mode < CNN_EVAL || mode > CNN_EVAL_GRAD) {
        return cnn__fail(tape ? tape->step.ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_begin: %s",
                         tape ? "the mode is none of cnn_mode" : "tape is NULL");
    }
    if (in_use(tape, "tape_begin")) {
        return cnn__step_report(tape);
    }
    bool lost = device_failed_before(tape);
    if (!cnn__running_now()) {
        cnn__cancel_point(); /* here nothing is held and no step of this thread is under way */
    }
    cnn_status status = cnn__step_begin(tape);
    if (status == CNN_ERROR_NO_MEMORY && cnn__cache_trim(tape->cache)) {
        status = cnn__step_begin(tape);
    }
    if (status != CNN_OK) {
        return cnn__fail_memory(tape->step.ctx, "tape_begin", sizeof(cnn__failed_step));
    }
    drop_everything(tape);
    cnn__tape_trace_made(tape);
    tape->mode = mode;
    tape->recording = mode == CNN_TRAIN || mode == CNN_EVAL_GRAD;
    tape->tracing = false;
    tape->touched = 1;
    tape->begin = cnn__tape_mark(tape);
    tape->arena_now = NULL;
    tape->draws = 0;
    cnn__cache_begin(tape->cache, !tape->recording);
    tape->has_stream = false;
    if (mode == CNN_TRAIN || mode == CNN_TRAIN_NO_GRAD) {
        take_stream(tape);
    }
    return lost ? fail_as_device(tape) : status; /* so may be what this step is to read */
}

cnn_status cnn__tape_begin_trace(cnn_tape *tape, cnn_mode mode)
{
    cnn_status status = cnn_tape_begin(tape, CNN_EVAL); /* an evaluation step takes no random stream */
    if (status == CNN_OK) {
        tape->mode = mode;
        tape->tracing = true;
        tape->observes = true;
        atomic_fetch_add(&tape->step.ctx->observers, 1);
        tape->step.work = (cnn__counts){ 0 };
        tape->step.ran = NULL;
    }
    return status;
}

cnn_mode cnn_tape_mode(const cnn_tape *tape)
{
    if (!tape) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_mode: tape is NULL");
        return CNN_EVAL;
    }
    return tape->mode;
}

bool cnn_tape_training(const cnn_tape *tape)
{
    if (!tape) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_training: tape is NULL");
        return false;
    }
    const cnn__running *module = cnn__running_on(tape, CNN__RUNNING_MODULE);
    return module ? module->training : tape->mode == CNN_TRAIN || tape->mode == CNN_TRAIN_NO_GRAD;
}

cnn_tape *cnn_tensor_tape(const cnn_tensor *tensor)
{
    return cnn__tensor_check_current(tensor, "tensor_tape") == CNN_OK ? tensor->tape : NULL;
}

bool cnn_tape_set_recording(cnn_tape *tape, bool recording)
{
    if (!tape) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_set_recording: tape is NULL");
        return false;
    }
    bool before = tape->recording;
    tape->recording = recording;
    return before;
}

size_t cnn_tape_memory(const cnn_tape *tape)
{
    if (!tape) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "tape_memory: tape is NULL");
        return 0;
    }
    return cnn__cache_bytes(tape->cache);
}
