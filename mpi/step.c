/* A step: parts are computed one after the other, each from zero gradients and from the buffers before the step, and
 * are added up in the tree's order. In the last part a gradient goes into the sum when it is final, and a bucket is
 * sent when its last one has, so that it moves while backward goes on. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t streams = UINT64_C(1) << 40; /* cnn_random_state */

/* ---- failures ---- */

/* Keeps the first failure of the step and its message: later ones of the same thread would take its place. */
static cnn_status note_failure(cnn_data_parallel *p, cnn_status status)
{
    if (status != CNN_OK && p->status == CNN_OK) {
        p->status = status;
        snprintf(p->message, sizeof p->message, "%s", cnn_last_error(p->ctx));
    }
    return status;
}

static cnn_status refuse(cnn_data_parallel *p, const char *call, const char *what)
{
    return cnn__mpi_fail(p ? p->ctx : NULL, p ? CNN_ERROR_STATE : CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                         p ? what : "parallel is NULL");
}

/* ---- sums ---- */

static cnn_status sum_bucket(cnn_group *group, void *argument)
{
    cnn__bucket *b = argument;
    cnn_data_parallel *p = b->parallel;
    double begun = cnn__mpi_now();
    cnn_status status = CNN_OK;
    if (p->o.fast && group->transport.allreduce) {
        void *request = NULL;
        cnn__group_enter(group);
        status = group->transport.allreduce(p->stack[0] + b->sum.offset, b->sum.count, b->sum.dtype, &request,
                                            group->transport.user);
        cnn__group_leave(group);
        status = status == CNN_OK ? cnn__group_note(group, request)
                                  : cnn__group_break(group, CNN_ERROR_IO, "the transport's allreduce does not begin");
        status = status == CNN_OK ? cnn__group_finish(group) : status;
    } else {
        status = cnn__range_sum_now(group, &b->sum);
    }
    b->seconds = cnn__mpi_now() - begun;
    return status;
}

/* All ranks send their buckets in one order. */
static void begin_buckets(cnn_data_parallel *p, bool all)
{
    while (p->next_bucket < p->bucket_count && (all || p->buckets[p->next_bucket].missing == 0)) {
        cnn__bucket *b = &p->buckets[p->next_bucket++];
        b->job = (cnn__job){ .run = sum_bucket, .argument = b };
        cnn__group_begin_job(p->group, &b->job);
    }
}

typedef struct weighting {
    cnn_dtype dtype;
    double weight;
    const void *from, *minus; /* minus may be NULL */
    void *to;
    bool adds;
} weighting;

/* to = weight · (from − minus), or adds it to `to`; each product is rounded before it is added. What did not move is 0,
 * also where it is infinite. */
static cnn_status weigh_range(int64_t begin, int64_t end, void *user)
{
    const weighting *w = user;
    if (w->dtype == CNN_F32) {
        const float *from = w->from, *minus = w->minus, weight = (float)w->weight;
        float *to = w->to;
        for (int64_t i = begin; i < end; i++) {
            float value = weight * (!minus ? from[i] : from[i] == minus[i] ? 0 : from[i] - minus[i]);
            to[i] = w->adds ? to[i] + value : value;
        }
    } else {
        const double *from = w->from, *minus = w->minus;
        double *to = w->to;
        for (int64_t i = begin; i < end; i++) {
            double value = w->weight * (!minus ? from[i] : from[i] == minus[i] ? 0 : from[i] - minus[i]);
            to[i] = w->adds ? to[i] + value : value;
        }
    }
    return CNN_OK;
}

/* The mean of how the parts moved a buffer leaves one that no part moved as it was, to the bit; and where there is one
 * part, the buffer is that part's. */
static bool moves_by_difference(const cnn_data_parallel *p, const cnn__entry *e)
{
    return e->is_buffer && p->parts.filled > 1;
}

/* Puts an entry of the open part on the stack and joins what the tree joins. */
static cnn_status take(cnn_data_parallel *p, cnn__entry *e)
{
    cnn_tensor *tensor = e->is_buffer ? e->tensor : cnn_tensor_grad(e->tensor);
    bool in_place =
        e->dtype == e->summed && strcmp(cnn_context_device(p->ctx), "cpu") == 0 && cnn_tensor_is_contiguous(tensor);
    const void *elements = in_place ? cnn_tensor_data(tensor) : cnn__entry_read(p, e, tensor);
    int joins = p->joins[p->next - p->first], to = joins ? p->top - 1 : p->top;
    if (!elements) {
        return cnn_context_status(p->ctx) != CNN_OK ? cnn_context_status(p->ctx) : CNN_ERROR_STATE;
    }
    weighting w = { .dtype = e->summed,
                    .weight = (double)p->part_samples / (double)p->batch,
                    .from = elements,
                    .minus = moves_by_difference(p, e) ? p->before + e->before : NULL,
                    .to = p->stack[to] + e->offset,
                    .adds = joins > 0 };
    cnn_status status = cnn_parallel_for(p->ctx, e->numel, 2, weigh_range, &w);
    for (int i = 1; i < joins; i++, to--) {
        cnn__add(e->summed, p->stack[to - 1] + e->offset, p->stack[to] + e->offset, e->numel);
    }
    e->final = true;
    if (status == CNN_OK && p->last_part) {
        p->buckets[e->bucket].missing--;
        begin_buckets(p, false);
    }
    return status;
}

/* What the caller's own function writes to the gradient is summed. */
static void ready(cnn_tensor *parameter, void *user)
{
    cnn_data_parallel *p = user;
    if (p->callers_call) {
        p->callers_call(parameter, p->callers_user);
    }
    cnn__entry key = { .tensor = parameter }, *wanted = &key;
    int low = 0, high = p->gradient_count;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (p->by_tensor[middle]->tensor < wanted->tensor) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < p->gradient_count && p->by_tensor[low]->tensor == parameter && !p->by_tensor[low]->final) {
        note_failure(p, take(p, p->by_tensor[low]));
    }
}

/* ---- the calls ---- */

static void begin_batch(cnn_data_parallel *p)
{
    int rank = p->group->transport.rank;
    int64_t at = p->step * p->o.batch_size;
    cnn_random_state random = { 0 };
    p->in_step = true;
    p->epoch = cnn_loader_epoch(p->loader);
    p->status = CNN_OK;
    p->begun = cnn__mpi_now();
    p->batch = p->samples - at < p->o.batch_size ? p->samples - at : p->o.batch_size;
    p->parts.filled = (int)((p->batch + p->part_size - 1) / p->part_size);
    p->first = cnn__parts_first(&p->parts, rank);
    p->end = cnn__parts_first(&p->parts, rank + 1);
    p->end = p->end < p->parts.filled ? p->end : p->parts.filled;
    p->first = p->first < p->end ? p->first : p->end;
    p->next = p->first;
    p->top = 0;
    p->part_open = false;
    p->next_bucket = 0;
    for (int i = 0; i < p->bucket_count; i++) {
        p->buckets[i].missing = p->buckets[i].entries;
    }
    if (p->first < p->end) {
        cnn__parts_joins(&p->parts, rank, p->joins);
    }
    cnn_status status = cnn_context_random_state(p->ctx, &random);
    p->stream = random.stream;
    note_failure(p, status == CNN_OK ? cnn__buffers_read(p) : status);
}

bool cnn_data_parallel_begin(cnn_data_parallel *p)
{
    if (!p || p->in_step) {
        refuse(p, "data_parallel_begin", "the step before was not ended by cnn_data_parallel_end()");
        return false;
    }
    if (p->step == p->steps) {
        cnn_batch none;
        cnn_loader_next(p->loader, &none); /* which says that its epoch is over */
        p->step = 0;
        return false;
    }
    begin_batch(p);
    return true;
}

static cnn_status set_stream(cnn_data_parallel *p, uint64_t stream)
{
    cnn_random_state random;
    cnn_status status = cnn_context_random_state(p->ctx, &random);
    random.stream = stream % streams;
    return status == CNN_OK ? cnn_context_set_random_state(p->ctx, &random) : status;
}

static cnn_status open_part(cnn_data_parallel *p, cnn_batch *batch)
{
    int64_t left = p->batch - p->next * p->part_size, expected = left < p->part_size ? left : p->part_size;
    if (!cnn_loader_next(p->loader, batch)) {
        cnn_status status = cnn_loader_status(p->loader);
        return status != CNN_OK ? status : refuse(p, "data_parallel_next", "the loader's epoch ended too early");
    }
    if (batch->size != expected) {
        return refuse(p, "data_parallel_next", "the loader's batch is not a part of the step's");
    }
    cnn_status status = p->next > p->first ? cnn__buffers_restore(p) : CNN_OK;
    for (int i = 0; i < p->gradient_count && status == CNN_OK; i++) {
        status = cnn_tensor_zero_grad(p->entries[i].tensor);
        p->entries[i].final = false;
    }
    p->part_samples = expected;
    p->last_part = p->next + 1 == p->end;
    return status == CNN_OK ? set_stream(p, p->stream + (uint64_t)p->next) : status;
}

bool cnn_data_parallel_next(cnn_data_parallel *p, cnn_batch *batch)
{
    static const char call[] = "data_parallel_next";
    if (!p || !p->in_step || !batch) {
        refuse(p, call, p && p->in_step ? "batch is NULL" : "there is no step: call cnn_data_parallel_begin()");
        return false;
    }
    if (p->part_open) {
        note_failure(p, refuse(p, call, "the part before did not come to cnn_data_parallel_backward()"));
    }
    if (p->status != CNN_OK || p->next == p->end) {
        return false;
    }
    if (note_failure(p, open_part(p, batch)) != CNN_OK) {
        return false;
    }
    p->part_open = true;
    return true;
}

/* Gradients that backward had nothing to say about are zero. */
static cnn_status close_part(cnn_data_parallel *p)
{
    cnn_status status = CNN_OK;
    for (int i = 0; i < p->entry_count && status == CNN_OK; i++) {
        if (p->entries[i].is_buffer || !p->entries[i].final) {
            status = take(p, &p->entries[i]);
        }
    }
    p->top += 1 - p->joins[p->next - p->first];
    p->next++;
    p->part_open = false;
    return status;
}

cnn_status cnn_data_parallel_backward(cnn_data_parallel *p, cnn_tensor *loss)
{
    static const char call[] = "data_parallel_backward";
    if (!p || !p->part_open) {
        return refuse(p, call, "there is no part: call cnn_data_parallel_next()");
    }
    cnn_tape *tape = loss ? cnn_tensor_tape(loss) : NULL;
    cnn_status status = tape ? cnn_tape_gradient_call(tape, &p->callers_call, &p->callers_user) : CNN_OK;
    if (tape && status == CNN_OK) {
        status = cnn_tape_on_gradient(tape, ready, p);
    }
    if (status == CNN_OK) {
        status = cnn_backward(loss);
    }
    if (tape) {
        cnn_tape_on_gradient(tape, p->callers_call, p->callers_user);
    }
    note_failure(p, status);
    return p->status != CNN_OK ? p->status : note_failure(p, close_part(p));
}

/* Waits for the buckets, those of a step that failed too: the others wait for this rank's. */
static cnn_status finish_buckets(cnn_data_parallel *p)
{
    if (p->first == p->end) {
        memset(p->stack[0], 0, p->bytes);
    }
    begin_buckets(p, true);
    double begun = cnn__mpi_now();
    cnn_status status = CNN_OK;
    for (int i = 0; i < p->bucket_count; i++) {
        cnn_status waited = cnn__group_wait(p->group, &p->buckets[i].job, "data_parallel_end");
        status = status == CNN_OK ? waited : status;
        p->times.communication += p->buckets[i].seconds;
        p->times.bytes_sent += p->buckets[i].sum.sent;
        p->buckets[i].sum.sent = 0;
    }
    p->times.waiting += cnn__mpi_now() - begun;
    return status;
}

/* The counters of rank 0, which has the first part of every batch. */
static cnn_status share_integers(cnn_data_parallel *p)
{
    cnn_status status = CNN_OK;
    char *elements = p->before + p->integers_before;
    for (int i = 0; i < p->integer_count && status == CNN_OK; i++) {
        cnn_tensor *t = p->integers[i];
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        status = p->group->transport.rank == 0 ? cnn_tensor_read(t, elements, bytes) : CNN_OK;
        status = status == CNN_OK ? cnn_group_broadcast(p->group, elements, bytes, 0) : status;
        status = status == CNN_OK ? cnn_tensor_write(t, elements, bytes) : status;
        elements += bytes;
    }
    return status;
}

static cnn_status write_results(cnn_data_parallel *p)
{
    cnn_status status = CNN_OK;
    for (int i = 0; i < p->entry_count && status == CNN_OK; i++) {
        const cnn__entry *e = &p->entries[i];
        char *sum = p->stack[0] + e->offset;
        if (moves_by_difference(p, e)) {
            cnn__add(e->summed, sum, p->before + e->before, e->numel);
        }
        status = cnn__entry_write(p, e, e->is_buffer ? e->tensor : cnn_tensor_grad(e->tensor), sum);
    }
    return status == CNN_OK ? share_integers(p) : status;
}

cnn_status cnn_data_parallel_end(cnn_data_parallel *p, cnn_status status)
{
    static const char call[] = "data_parallel_end";
    if (!p || !p->in_step) {
        return refuse(p, call, "there is no step: call cnn_data_parallel_begin()");
    }
    note_failure(p, status);
    if (p->status == CNN_OK && p->next < p->end) {
        note_failure(p, refuse(p, call, "not all parts of this process were computed"));
    }
    if (p->status != CNN_OK && p->sync_norm && p->next < p->end && p->group->transport.size > 1) {
        /* The others may wait in the forward of the part that failed here, and would take a bucket for their sum. */
        cnn__group_break(p->group, p->status, "%s", *p->message ? p->message : "failed without a message");
    }
    cnn_status sent = finish_buckets(p);
    if (p->status != CNN_OK && sent == CNN_OK) { /* else why the group is broken is what stays */
        cnn_context_set_error(p->ctx, p->status, *p->message ? p->message : "failed without a message");
    }
    cnn_status result = sent == CNN_OK ? cnn_group_agree(p->group, p->status) : sent;
    if (result == CNN_OK) {
        result = write_results(p);
        if (result != CNN_OK) { /* the others go on without this process */
            result = cnn__group_break(p->group, CNN_ERROR_IO, "after the sums: %.200s", cnn_last_error(p->ctx));
            cnn__mpi_fail(p->ctx, result, "%s: %s", call, p->group->reason);
        }
    } else {
        cnn_status restored = cnn__buffers_restore(p);
        (void)restored; /* what went wrong first is what is reported */
        p->step = -1;   /* loaders are at different parts, so that all begin the next epoch */
        cnn_loader_set_epoch(p->loader, p->epoch + 1);
    }
    set_stream(p, p->stream + (uint64_t)p->o.shards);
    p->in_step = false;
    p->step++;
    p->times.steps++;
    p->times.seconds += cnn__mpi_now() - p->begun;
    return result;
}

cnn_status cnn_data_parallel_set_epoch(cnn_data_parallel *p, int64_t epoch)
{
    if (!p || p->in_step) {
        return refuse(p, "data_parallel_set_epoch", "called within a step");
    }
    p->step = 0;
    return cnn_loader_set_epoch(p->loader, epoch);
}

cnn_status cnn_data_parallel_take_times(cnn_data_parallel *p, cnn_data_parallel_times *times)
{
    static const char call[] = "data_parallel_take_times";
    if (!p || !times) {
        return cnn__mpi_fail(p ? p->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                             p ? "times" : "parallel");
    }
    if (times->struct_size < sizeof *times) {
        return cnn__mpi_fail(p->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: struct_size is %zu, expected %zu", call,
                             times->struct_size, sizeof *times);
    }
    size_t size = times->struct_size;
    *times = p->times;
    times->struct_size = size;
    p->times = (cnn_data_parallel_times){ 0 };
    return CNN_OK;
}
