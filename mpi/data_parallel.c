/* A network that all processes train: what is made once. Gradients lie one behind the other in each sum, from the last
 * parameter to the first, which is about the order in which backward ends them; a bucket is a range of them. */
#include "internal.h"

#include <cnn/version.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char call[] = "data_parallel";
enum { SHARDS = 8, ALIGNMENT = 64, MOST_SHARDS = 1 << 16 };
static const int64_t default_bucket = INT64_C(1) << 22;
static const int64_t least_slice = INT64_C(1) << 18; /* bytes */

/* ---- entries and buckets ---- */

typedef struct listing {
    cnn_tensor **parameters, **buffers;
    int parameter_count, buffer_count, most;
    bool found_bad; /* an elementwise sum of this dtype is not known */
} listing;

static bool is_listed(cnn_tensor *const *tensors, int count, const cnn_tensor *tensor)
{
    for (int i = 0; i < count; i++) {
        if (tensors[i] == tensor) {
            return true;
        }
    }
    return false;
}

static bool list_tensor(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    listing *l = user;
    (void)name;
    cnn_tensor **to = is_parameter ? l->parameters : l->buffers;
    int *count = is_parameter ? &l->parameter_count : &l->buffer_count;
    if ((!is_parameter || cnn_tensor_requires_grad(tensor)) &&
        !is_listed(to, *count, tensor)) { /* weights may be tied */
        to[(*count)++] = tensor;
    }
    return true;
}

static bool is_float(cnn_dtype dtype)
{
    return dtype == CNN_F32 || dtype == CNN_F64 || dtype == CNN_BF16;
}

static void add_entry(cnn_data_parallel *p, cnn_tensor *tensor, bool is_buffer)
{
    cnn_dtype dtype = cnn_tensor_dtype(tensor);
    if (is_float(dtype) && cnn_tensor_numel(tensor)) {
        p->entries[p->entry_count++] = (cnn__entry){ .tensor = tensor,
                                                     .numel = cnn_tensor_numel(tensor),
                                                     .dtype = dtype,
                                                     .summed = dtype == CNN_F64 ? CNN_F64 : CNN_F32,
                                                     .is_buffer = is_buffer };
        p->gradient_count += !is_buffer;
    }
}

static int compare_entries(const void *a, const void *b)
{
    const cnn__entry *x = *(cnn__entry *const *)a, *y = *(cnn__entry *const *)b;
    return x->tensor < y->tensor ? -1 : x->tensor > y->tensor;
}

/* A bucket ends where it is full, where the dtype changes, and before the buffers. */
static void cut_buckets(cnn_data_parallel *p)
{
    cnn__bucket *b = NULL;
    for (int i = 0; i < p->entry_count; i++) {
        cnn__entry *e = &p->entries[i];
        size_t width = cnn_dtype_size(e->summed);
        if (!b || b->sum.dtype != e->summed || (int64_t)((size_t)b->sum.count * width) >= p->o.bucket_bytes ||
            i == p->gradient_count) {
            b = &p->buckets[p->bucket_count++];
            p->bytes = (p->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            *b = (cnn__bucket){ .parallel = p, .sum = { .parts = &p->parts, .offset = p->bytes, .dtype = e->summed } };
        }
        e->bucket = p->bucket_count - 1;
        e->offset = p->bytes;
        b->sum.count += e->numel;
        b->entries++;
        p->bytes += (size_t)e->numel * width;
    }
}

static cnn_status no_memory(cnn_data_parallel *p)
{
    return cnn__mpi_fail(p->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %d sums of %zu bytes", call, p->depth,
                         p->bytes);
}

/* How many elements of a bucket are summed at once: a parameter may be much larger than a bucket should be. Slices of
 * pieces stay large enough for the link, not for the cost of messages, to decide how long they take. */
static void cut_pieces(cnn_data_parallel *p)
{
    int64_t bytes = least_slice * (int64_t)p->group->transport.size;
    bytes = p->most_piece && p->most_piece < bytes ? p->most_piece : bytes;
    for (int i = 0; i < p->bucket_count; i++) {
        int64_t piece = bytes / (int64_t)cnn_dtype_size(p->buckets[i].sum.dtype);
        p->buckets[i].sum.piece = piece > 0 ? piece : 1;
    }
}

static cnn_status make_sums(cnn_data_parallel *p)
{
    size_t largest = 0;
    p->depth = p->o.fast ? 1 : cnn__parts_depth(&p->parts, p->group->transport.rank);
    p->stack = calloc((size_t)p->depth, sizeof *p->stack);
    for (int i = 0; p->stack && i < p->depth; i++) {
        p->stack[i] = aligned_alloc(ALIGNMENT, (p->bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
        if (!p->stack[i]) {
            return no_memory(p);
        }
        memset(p->stack[i], 0, p->bytes);
    }
    for (int i = 0; i < p->bucket_count; i++) {
        const cnn__range_sum *s = &p->buckets[i].sum;
        size_t bytes = (size_t)(s->piece < s->count ? s->piece : s->count) * cnn_dtype_size(s->dtype);
        largest = bytes > largest ? bytes : largest;
    }
    /* One bucket is summed at a time. */
    size_t room = cnn__range_sum_room(&p->parts, p->group->transport.rank, largest);
    char *received = aligned_alloc(ALIGNMENT, (PIECES_AT_ONCE * room + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
    for (int i = 0; i < p->bucket_count; i++) {
        p->buckets[i].sum.stack = p->stack;
        p->buckets[i].sum.received = received;
        p->buckets[i].sum.room = room;
    }
    if (!p->bucket_count) {
        free(received);
    }
    return p->stack && received ? CNN_OK : no_memory(p);
}

/* Room for the buffers before a step, and for elements that are not float32 or float64 in the host's memory. */
static cnn_status make_copies(cnn_data_parallel *p)
{
    size_t before = 1, largest = 1;
    for (int i = 0; i < p->entry_count; i++) {
        cnn__entry *e = &p->entries[i];
        size_t bytes = (size_t)e->numel * cnn_dtype_size(e->summed);
        e->before = before - 1;
        before += e->is_buffer ? bytes : 0;
        largest = bytes > largest ? bytes : largest;
    }
    p->integers_before = before - 1;
    for (int i = 0; i < p->integer_count; i++) {
        before += (size_t)cnn_tensor_numel(p->integers[i]) * cnn_dtype_size(cnn_tensor_dtype(p->integers[i]));
    }
    p->before = malloc(before);
    p->scratch = malloc(largest);
    return p->before && p->scratch ? CNN_OK : no_memory(p);
}

static cnn_status list_entries(cnn_data_parallel *p)
{
    int most = cnn_module_state_count(p->module);
    size_t room = (size_t)most + 1;
    listing l = { .parameters = calloc(room, sizeof *l.parameters), .buffers = calloc(room, sizeof *l.buffers) };
    p->integers = l.buffers;
    p->entries = calloc(room, sizeof *p->entries);
    p->by_tensor = calloc(room, sizeof *p->by_tensor);
    p->buckets = calloc(room, sizeof *p->buckets);
    p->joins = calloc((size_t)p->parts.shards + 1, sizeof *p->joins);
    cnn_status status = l.parameters && l.buffers && p->entries && p->by_tensor && p->buckets && p->joins
                            ? cnn_module_visit(p->module, list_tensor, &l)
                            : no_memory(p);
    for (int i = l.parameter_count; status == CNN_OK && i-- > 0;) {
        add_entry(p, l.parameters[i], false);
    }
    for (int i = 0; status == CNN_OK && i < l.buffer_count; i++) {
        add_entry(p, l.buffers[i], true);
    }
    for (int i = 0; status == CNN_OK && i < l.buffer_count; i++) { /* those of integers stay in the list */
        if (!is_float(cnn_tensor_dtype(l.buffers[i]))) {
            p->integers[p->integer_count++] = l.buffers[i];
        }
    }
    free(l.parameters);
    status = status == CNN_OK ? make_copies(p) : status;
    if (status == CNN_OK) {
        for (int i = 0; i < p->gradient_count; i++) {
            p->by_tensor[i] = &p->entries[i];
        }
        qsort(p->by_tensor, (size_t)p->gradient_count, sizeof *p->by_tensor, compare_entries);
        cut_buckets(p);
        cut_pieces(p);
        status = make_sums(p);
    }
    return status;
}

/* A rank without a part in the first batch needs gradients too. */
static cnn_status make_gradients(cnn_data_parallel *p)
{
    cnn_tape *tape = cnn_tape_new(p->ctx);
    cnn_status status = tape ? cnn_tape_begin(tape, CNN_EVAL_GRAD) : CNN_ERROR_NO_MEMORY;
    for (int i = 0; i < p->gradient_count && status == CNN_OK; i++) {
        cnn_tensor *parameter = p->entries[i].tensor;
        if (!cnn_tensor_grad(parameter)) {
            status = cnn_backward_with(cnn_input(tape, parameter), NULL, false);
            status = status == CNN_OK ? cnn_tensor_zero_grad(parameter) : status;
        }
    }
    cnn_tape_free(tape);
    return status;
}

/* ---- what must be the same everywhere ---- */

/* Which parameters ask for a gradient, as one number (FNV-1a of their names). */
static bool add_name(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    uint64_t *digest = user;
    for (const char *c = name; is_parameter && cnn_tensor_requires_grad(tensor); c++) {
        *digest = (*digest ^ (unsigned char)*c) * UINT64_C(1099511628211);
        if (!*c) {
            break;
        }
    }
    return true;
}

static cnn_status compare_with_first(cnn_data_parallel *p)
{
    enum { TEXT = 400 };
    char own[TEXT] = "", first[TEXT];
    const cnn_data_parallel_options *o = &p->o;
    uint64_t gradients = UINT64_C(14695981039346656037);
    cnn_status status = cnn_module_visit(p->module, add_name, &gradients);
    snprintf(
        own, sizeof own,
        "libcnn %s, %s kernels, math %d, %lld samples, batch_size %lld, shards %d, bucket_bytes %lld%s, seed %llu, "
        "gradients of parameters %08llx%s%s%s",
        cnn_version(), cnn_context_kernels(p->ctx), (int)cnn_context_math(p->ctx), (long long)p->samples,
        (long long)o->batch_size, o->shards, (long long)o->bucket_bytes, p->most_piece ? "" : " by default",
        (unsigned long long)o->seed, (unsigned long long)(gradients & 0xffffffff), o->fast ? ", fast" : "",
        o->no_shuffle ? ", no_shuffle" : "", o->drop_last ? ", drop_last" : "");
    memcpy(first, own, sizeof first);
    cnn_status sent = cnn_group_broadcast(p->group, first, sizeof first, 0);
    if (sent != CNN_OK) {
        return sent;
    }
    bool same = status != CNN_OK || memcmp(first, own, sizeof first) == 0;
    return cnn_group_agree(p->group, same ? status
                                          : cnn__mpi_fail(p->ctx, CNN_ERROR_MISMATCH,
                                                          "%s: this rank has %s; rank 0 has %s", call, own, first));
}

static cnn_status share_state(cnn_data_parallel *p)
{
    cnn_random_state random;
    cnn_status status = cnn_group_broadcast_module(p->group, p->module);
    if (status == CNN_OK) {
        status = cnn_context_random_state(p->ctx, &random);
    }
    if (status == CNN_OK) {
        status = cnn_group_broadcast(p->group, &random, sizeof random, 0);
    }
    return status == CNN_OK ? cnn_context_set_random_state(p->ctx, &random) : status;
}

/* ---- making and freeing ---- */

static cnn_status check_options(cnn_group *group, cnn_data_parallel_options *o)
{
    int size = group->transport.size;
    if (o->fast && o->shards && o->shards != size) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: shards is %d with fast, expected one per process, which are %d", call, o->shards,
                             size);
    }
    o->shards = o->shards ? o->shards : o->fast ? size : SHARDS;
    o->bucket_bytes = o->bucket_bytes ? o->bucket_bytes : default_bucket;
    if (o->shards < 1 || o->shards > MOST_SHARDS) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: shards is %d, expected 1 to %d", call,
                             o->shards, MOST_SHARDS);
    }
    if (o->batch_size < 1 || o->batch_size % o->shards) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: batch_size is %lld, expected a multiple of the %d shards", call,
                             (long long)o->batch_size, o->shards);
    }
    if (o->bucket_bytes < 1 || o->loader_threads < 0) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: bucket_bytes is %lld, expected at least 1",
                             call, (long long)o->bucket_bytes);
    }
    return CNN_OK;
}

/* Takes the dataset. */
static cnn_status open_loader(cnn_data_parallel *p, cnn_dataset *dataset)
{
    const cnn_data_parallel_options *o = &p->o;
    const cnn_group_sampler_options cut = { .struct_size = sizeof cut,
                                            .batch_size = o->batch_size,
                                            .shards = o->shards,
                                            .shuffle = !o->no_shuffle,
                                            .drop_last = o->drop_last };
    cnn_sampler *sampler = cnn_group_sampler_create(p->group, p->samples, &cut);
    if (!sampler) {
        cnn_dataset_free(dataset);
        return cnn_context_status(p->ctx);
    }
    const cnn_loader_options options = {
        .struct_size = sizeof options, .seed = o->seed, .sampler = sampler, .threads = o->loader_threads
    };
    p->loader = cnn_loader_create(dataset, p->part_size, &options);
    return p->loader ? CNN_OK : cnn_context_status(p->ctx);
}

/* Every rank comes to each agreement, whatever failed before it. */
static cnn_status build(cnn_data_parallel *p, cnn_dataset *dataset, cnn_status status)
{
    p->samples = dataset ? cnn_dataset_size(dataset) : 0;
    if (status == CNN_OK && !dataset) {
        status = cnn_context_status(p->ctx) != CNN_OK ? cnn_context_status(p->ctx) : CNN_ERROR_INVALID_ARGUMENT;
    }
    cnn_status agreed = cnn_group_agree(p->group, status);
    agreed = agreed == CNN_OK ? compare_with_first(p) : agreed;
    if (agreed != CNN_OK) {
        cnn_dataset_free(dataset);
        return agreed;
    }
    p->part_size = p->o.batch_size / p->o.shards;
    p->steps = p->samples / p->o.batch_size + (!p->o.drop_last && p->samples % p->o.batch_size ? 1 : 0);
    p->parts = (cnn__parts){ .shards = p->o.shards, .ranks = p->group->transport.size, .filled = p->o.shards };
    agreed = share_state(p);
    if (agreed != CNN_OK) {
        cnn_dataset_free(dataset);
        return agreed;
    }
    p->sync_norm = cnn__has_sync_norm(p->module);
    status = open_loader(p, dataset);
    status = status == CNN_OK ? list_entries(p) : status;
    status = status == CNN_OK ? make_gradients(p) : status;
    return cnn_group_agree(p->group, status);
}

cnn_data_parallel *cnn_data_parallel_create(cnn_group *group, cnn_module *module, cnn_dataset *dataset,
                                            const cnn_data_parallel_options *options)
{
    cnn_data_parallel_options o;
    if (!group) {
        cnn__mpi_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: group is NULL", call);
        cnn_dataset_free(dataset);
        return NULL;
    }
    cnn_status status =
        cnn__mpi_options_read(group->ctx, call, &o, sizeof o, offsetof(cnn_data_parallel_options, reserved), options);
    const int64_t most_piece = o.bucket_bytes;
    status = status == CNN_OK ? check_options(group, &o) : status;
    if (status == CNN_OK && !module) { /* the others are told: this process alone may have failed to make it */
        status = cnn__mpi_fail(group->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", call);
    }
    if (status == CNN_OK && cnn_module_context(module) != group->ctx) {
        status =
            cnn__mpi_fail(group->ctx, CNN_ERROR_STATE, "%s: the module is of another context than the group", call);
    }
    cnn_data_parallel *p = calloc(1, sizeof *p);
    if (!p) {
        cnn__group_break(group, CNN_ERROR_NO_MEMORY, "no memory"); /* it cannot even tell the others */
        cnn__mpi_fail(group->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory", call);
        cnn_dataset_free(dataset);
        return NULL;
    }
    p->group = group;
    p->module = module;
    p->ctx = group->ctx;
    p->o = o;
    p->most_piece = most_piece;
    if (build(p, dataset, status) != CNN_OK) {
        cnn_data_parallel_free(p);
        return NULL;
    }
    return p;
}

void cnn_data_parallel_free(cnn_data_parallel *p)
{
    if (!p) {
        return;
    }
    if (p->in_step && (p->next_bucket || p->group->transport.size > 1)) {
        /* The group's thread may work on what is freed here, and the others wait for this process's part. */
        cnn__group_break(p->group, CNN_ERROR_IO, "a step was freed before cnn_data_parallel_end()");
        for (int i = 0; i < p->next_bucket; i++) {
            cnn__group_settle(p->group, &p->buckets[i].job);
        }
    }
    cnn_loader_free(p->loader);
    if (p->group->abandoned) { /* messages into the memory may still be on their way */
        return;
    }
    if (p->bucket_count) {
        free(p->buckets[0].sum.received);
    }
    bool is_left = p->o.fast && p->group->broken; /* a sum of the transport's that may still be on its way */
    for (int i = 0; p->stack && i < p->depth && !is_left; i++) {
        free(p->stack[i]);
    }
    free(p->stack);
    free(p->entries);
    free(p->by_tensor);
    free(p->buckets);
    free(p->integers);
    free(p->before);
    free(p->scratch);
    free(p->joins);
    free(p);
}

int64_t cnn_data_parallel_step_count(const cnn_data_parallel *p)
{
    return p ? p->steps : 0;
}

int64_t cnn_data_parallel_sample_count(const cnn_data_parallel *p)
{
    return p ? p->samples : 0;
}

int64_t cnn_data_parallel_batch_size(const cnn_data_parallel *p)
{
    return p && p->in_step ? p->batch : 0;
}

int cnn_data_parallel_shards(const cnn_data_parallel *p)
{
    return p ? p->o.shards : 0;
}
