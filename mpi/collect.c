/* Sums, copies and agreement over a group by messages along a binomial tree: in ⌈log₂ size⌉ rounds, with sums whose
 * order the number of processes alone decides. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 512 };

cnn_status cnn__group_broadcast_now(cnn_group *group, void *data, size_t bytes, int root)
{
    int size = group->transport.size, distance = (group->transport.rank - root + size) % size, mask = 1;
    cnn_status status = CNN_OK;
    while (mask < size && !(distance & mask)) {
        mask <<= 1;
    }
    if (distance) {
        status = cnn__group_receive(group, (distance - mask + root) % size, data, bytes);
        status = status == CNN_OK ? cnn__group_finish(group) : status;
    }
    for (mask >>= 1; mask && status == CNN_OK; mask >>= 1) {
        if (distance + mask < size) {
            status = cnn__group_send(group, (distance + mask + root) % size, data, bytes);
        }
    }
    return status == CNN_OK ? cnn__group_finish(group) : status;
}

typedef struct reduction {
    void *data, *other; /* `other` has room for as much */
    int64_t count;
    cnn_dtype dtype;
    bool least; /* the minimum of CNN_I64 in place of the sum */
} reduction;

static void join(const reduction *r)
{
    if (r->dtype != CNN_I64) {
        cnn__add(r->dtype, r->data, r->other, r->count);
        return;
    }
    int64_t *to = r->data;
    const int64_t *from = r->other;
    for (int64_t i = 0; i < r->count; i++) {
        to[i] = !r->least ? (int64_t)((uint64_t)to[i] + (uint64_t)from[i]) : from[i] < to[i] ? from[i] : to[i];
    }
}

static cnn_status reduce_now(cnn_group *group, void *argument)
{
    const reduction *r = argument;
    int rank = group->transport.rank, size = group->transport.size;
    size_t bytes = (size_t)r->count * cnn_dtype_size(r->dtype);
    cnn_status status = CNN_OK;
    for (int mask = 1; mask < size && status == CNN_OK; mask <<= 1) {
        bool sends = rank & mask;
        if (!sends && rank + mask >= size) {
            continue;
        }
        status = sends ? cnn__group_send(group, rank - mask, r->data, bytes)
                       : cnn__group_receive(group, rank + mask, r->other, bytes);
        status = status == CNN_OK ? cnn__group_finish(group) : status;
        if (sends) {
            break;
        }
        if (status == CNN_OK) {
            join(r);
        }
    }
    return status == CNN_OK ? cnn__group_broadcast_now(group, r->data, bytes, 0) : status;
}

cnn_status cnn_group_allreduce(cnn_group *group, void *data, int64_t count, cnn_dtype dtype)
{
    static const char call[] = "group_allreduce";
    if (!group || (!data && count) || count < 0) {
        return cnn__mpi_fail(group ? group->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                             !group      ? "group is NULL"
                             : count < 0 ? "count is below 0"
                                         : "data is NULL");
    }
    if (dtype != CNN_F32 && dtype != CNN_F64 && dtype != CNN_I64) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_DTYPE, "%s: dtype %s, expected float32, float64 or int64", call,
                             cnn_dtype_name(dtype));
    }
    if (group->transport.size == 1 || count == 0) {
        return CNN_OK;
    }
    void *other = malloc((size_t)count * cnn_dtype_size(dtype));
    if (!other) { /* the others wait for this process's part */
        cnn__group_break(group, CNN_ERROR_NO_MEMORY, "no memory for %lld elements", (long long)count);
    }
    const bool late = group->abandoned; /* nothing is begun any more */
    reduction r = { .data = data, .other = other, .count = count, .dtype = dtype };
    cnn_status status = cnn__group_run(group, call, reduce_now, &r);
    if (group->abandoned && !late) {
        group->held = other;
    } else {
        free(other);
    }
    return status;
}

typedef struct copy {
    void *data;
    size_t bytes;
    int root;
} copy;

static cnn_status copy_now(cnn_group *group, void *argument)
{
    const copy *c = argument;
    return cnn__group_broadcast_now(group, c->data, c->bytes, c->root);
}

cnn_status cnn_group_broadcast(cnn_group *group, void *data, size_t bytes, int root)
{
    static const char call[] = "group_broadcast";
    if (!group || (!data && bytes)) {
        return cnn__mpi_fail(group ? group->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                             group ? "data" : "group");
    }
    if (root < 0 || root >= group->transport.size) {
        return cnn__mpi_fail(group->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: root is %d, expected 0 to %d", call, root,
                             group->transport.size - 1);
    }
    copy c = { .data = data, .bytes = bytes, .root = root };
    return group->transport.size == 1 || bytes == 0 ? CNN_OK : cnn__group_run(group, call, copy_now, &c);
}

cnn_status cnn_group_barrier(cnn_group *group)
{
    int64_t one = 1;
    return cnn_group_allreduce(group, &one, 1, CNN_I64);
}

/* The first process that failed says how. */
typedef struct agreement {
    int64_t first; /* its rank; the group's size: none failed */
    struct {
        int64_t status;
        char text[TEXT];
    } failure;
} agreement;

static cnn_status agree_now(cnn_group *group, void *argument)
{
    agreement *a = argument;
    int64_t other;
    reduction r = { .data = &a->first, .other = &other, .count = 1, .dtype = CNN_I64, .least = true };
    cnn_status status = reduce_now(group, &r);
    if (status == CNN_OK && a->first < group->transport.size) {
        status = cnn__group_broadcast_now(group, &a->failure, sizeof a->failure, (int)a->first);
    }
    return status;
}

cnn_status cnn_group_agree(cnn_group *group, cnn_status status)
{
    static const char call[] = "group_agree";
    if (!group) {
        return cnn__mpi_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: group is NULL", call);
    }
    agreement a = { .first = status == CNN_OK ? group->transport.size : group->transport.rank };
    a.failure.status = status;
    if (status != CNN_OK) {
        snprintf(a.failure.text, sizeof a.failure.text, "%s", cnn_last_error(group->ctx));
    }
    cnn_status sent = cnn__group_run(group, call, agree_now, &a);
    if (sent != CNN_OK || a.first == group->transport.size) {
        return sent;
    }
    a.failure.text[TEXT - 1] = '\0';
    return cnn__mpi_fail(group->ctx, (cnn_status)a.failure.status, "rank %d: %s", (int)a.first, a.failure.text);
}

/* ---- a module's state ---- */

/* Names, shapes and dtypes as one number (FNV-1a), which differs where they do. */
static uint64_t digest_of(const cnn_module *module)
{
    uint64_t digest = UINT64_C(14695981039346656037);
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        char text[256];
        const cnn_tensor *t = cnn_module_state(module, i);
        size_t length = cnn_module_state_name(module, i, text, sizeof text);
        length = length < sizeof text ? length : sizeof text - 1;
        length += (size_t)snprintf(text + length, sizeof text - length, " %d", (int)cnn_tensor_dtype(t));
        for (int d = 0; d < cnn_tensor_ndim(t) && length < sizeof text; d++) {
            length += (size_t)snprintf(text + length, sizeof text - length, ",%lld", (long long)cnn_tensor_size(t, d));
        }
        for (const char *c = text; *c; c++) {
            digest = (digest ^ (unsigned char)*c) * UINT64_C(1099511628211);
        }
    }
    return digest;
}

static cnn_status copy_tensor(cnn_group *group, cnn_tensor *t, void *elements, size_t bytes)
{
    bool here = group->transport.rank == 0;
    cnn_status own = here ? cnn_tensor_read(t, elements, bytes) : CNN_OK;
    cnn_status status = cnn_group_broadcast(group, elements, bytes, 0);
    if (status == CNN_OK && !here) {
        own = cnn_tensor_write(t, elements, bytes);
    }
    return status != CNN_OK ? status : own;
}

cnn_status cnn_group_broadcast_module(cnn_group *group, cnn_module *module)
{
    static const char call[] = "group_broadcast_module";
    if (!group) {
        return cnn__mpi_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: group is NULL", call);
    }
    uint64_t digest = digest_of(module), first = digest; /* a NULL has no state; the others are told */
    cnn_status status = cnn_group_broadcast(group, &first, sizeof first, 0);
    if (status != CNN_OK) {
        return status;
    }
    size_t most = 1;
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        const cnn_tensor *t = cnn_module_state(module, i);
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        most = bytes > most ? bytes : most;
    }
    void *elements = malloc(most);
    if (!module) {
        status = cnn__mpi_fail(group->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: module is NULL", call);
    } else if (first != digest) {
        status = cnn__mpi_fail(group->ctx, CNN_ERROR_MISMATCH,
                               "%s: the names, shapes or dtypes of the module are not those of rank 0's", call);
    } else if (!elements) {
        status = cnn__mpi_fail(group->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %zu bytes", call, most);
    }
    status = cnn_group_agree(group, status);
    cnn_status own = CNN_OK;
    for (int i = 0; i < cnn_module_state_count(module) && status == CNN_OK; i++) {
        cnn_tensor *t = cnn_module_state(module, i);
        cnn_status copied =
            copy_tensor(group, t, elements, (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t)));
        own = own == CNN_OK ? copied : own;
        status = group->broken;
    }
    free(elements);
    return status == CNN_OK ? cnn_group_agree(group, own) : status;
}
