/* DLPack in both directions. An exported struct holds a tensor over the same elements, which its deleter frees; an
 * imported one is held by the storage of the tensor that is made of it, or copied and given back. */
#include "tensor/tensor.h"

#include <cnn/dlpack.h>

#include <stdio.h>
#include <string.h>

enum { DEVICE_CPU = 1, MAJOR = 1, MINOR = 3 };

/* The ABI of DLPack on 64-bit systems. */
_Static_assert(sizeof(void *) != 8 || (sizeof(cnn_dlpack_view) == 48 && sizeof(cnn_dlpack_legacy) == 64 &&
                                       sizeof(cnn_dlpack) == 80 && offsetof(cnn_dlpack, view) == 32),
               "DLPack's structs");

/* By dtype: DLPack's code and bits. */
static const struct {
    uint8_t code, bits;
} dlpack_types[CNN__DTYPES] = { { 2, 32 }, { 2, 64 }, { 0, 64 }, { 0, 32 }, { 1, 8 }, { 6, 8 }, { 4, 16 } };

/* ---- out ---- */

typedef struct exported {
    union {
        cnn_dlpack current;
        cnn_dlpack_legacy legacy;
    };
    cnn_tensor *tensor;
} exported;

static void exported_free(void *manager)
{
    cnn_tensor *t = ((exported *)manager)->tensor;
    cnn__free(t->ctx, manager);
    cnn__tensor_release(t);
}

static void free_current(cnn_dlpack *managed)
{
    exported_free(managed->manager);
}

static void free_legacy(cnn_dlpack_legacy *managed)
{
    exported_free(managed->manager);
}

/* What both structs share; the shape and the strides are the shared tensor's own. */
static exported *dlpack_export(cnn_tensor *tensor, const char *call, cnn_dlpack_view *view)
{
    cnn_tensor *t = cnn__tensor_share(tensor, call);
    exported *e = NULL;
    if (t && t->ctx->device) {
        cnn__fail(t->ctx, CNN_ERROR_DEVICE, "%s: the elements are on the device %s, expected the host's memory", call,
                  cnn_context_device(t->ctx));
    } else if (t && !(e = cnn__calloc(t->ctx, 1, sizeof *e))) {
        cnn__fail_memory(t->ctx, call, sizeof *e);
    }
    if (!e) {
        cnn__tensor_release(t);
        return NULL;
    }
    e->tensor = t;
    *view = (cnn_dlpack_view){ .data = cnn_tensor_data(t),
                               .device_type = DEVICE_CPU,
                               .ndim = t->ndim,
                               .code = dlpack_types[t->dtype].code,
                               .bits = dlpack_types[t->dtype].bits,
                               .lanes = 1,
                               .shape = t->shape,
                               .strides = t->stride };
    return e;
}

cnn_dlpack *cnn_tensor_to_dlpack(cnn_tensor *tensor)
{
    cnn_dlpack_view view;
    exported *e = dlpack_export(tensor, "tensor_to_dlpack", &view);
    if (!e) {
        return NULL;
    }
    e->current = (cnn_dlpack){ MAJOR, MINOR, e, free_current, 0, view };
    e->current.flags = e->tensor->storage->read_only ? CNN_DLPACK_READ_ONLY : 0;
    return &e->current;
}

cnn_dlpack_legacy *cnn_tensor_to_dlpack_legacy(cnn_tensor *tensor)
{
    const char *call = "tensor_to_dlpack_legacy";
    cnn_dlpack_view view;
    exported *e = dlpack_export(tensor, call, &view);
    if (e && e->tensor->storage->read_only) {
        cnn__fail(tensor->ctx, CNN_ERROR_STATE, "%s: the elements are read-only, which the older struct cannot say",
                  call);
        exported_free(e);
        e = NULL;
    }
    if (!e) {
        return NULL;
    }
    e->legacy = (cnn_dlpack_legacy){ view, e, free_legacy };
    return &e->legacy;
}

/* ---- in ---- */

static void give_back(void *data, void *user)
{
    cnn_dlpack *managed = user;
    (void)data;
    if (managed->deleter) {
        managed->deleter(managed);
    }
}

static void give_back_legacy(void *data, void *user)
{
    cnn_dlpack_legacy *managed = user;
    (void)data;
    if (managed->deleter) {
        managed->deleter(managed);
    }
}

/* The dtype of a view; −1, reported, if it cannot be taken at all. */
static int check_view(cnn_context *ctx, const char *call, const cnn_dlpack_view *v)
{
    int dtype = 0;
    if (v->device_type != DEVICE_CPU) {
        cnn__fail(ctx, CNN_ERROR_DEVICE, "%s: elements on a device of type %d, expected 1, the host's memory", call,
                  v->device_type);
        return -1;
    }
    while (dtype < CNN__DTYPES && !(dlpack_types[dtype].code == v->code && dlpack_types[dtype].bits == v->bits)) {
        dtype++;
    }
    if (dtype == CNN__DTYPES || v->lanes != 1) {
        cnn__fail(ctx, CNN_ERROR_UNSUPPORTED,
                  "%s: a dtype of code %d, %d bits and %d lanes, which libcnn does not have", call, v->code, v->bits,
                  v->lanes);
        return -1;
    }
    return dtype;
}

/* Shares the elements, which the deleter then belongs to, or copies them. */
static cnn_tensor *take_view(cnn_context *ctx, const char *call, const cnn_dlpack_view *v, cnn_deleter_fn deleter,
                             void *managed, bool *shared)
{
    int64_t numel, rows[CNN_MAX_DIMS];
    int dtype = check_view(ctx, call, v);
    if (dtype < 0 || cnn__shape_check(ctx, call, (cnn_dtype)dtype, v->ndim, v->shape, &numel) != CNN_OK) {
        return NULL;
    }
    size_t size = cnn_dtype_size((cnn_dtype)dtype);
    char *data = v->data ? (char *)v->data + v->byte_offset : NULL;
    const int64_t *strides = v->strides;
    if (numel > 0 && !data) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: data is NULL", call);
        return NULL;
    }
    *shared = !ctx->device && (numel == 0 || ((uintptr_t)data % size == 0 &&
                                              (!strides || cnn__strides_extent(v->ndim, v->shape, strides, size))));
    if (*shared) {
        return cnn__tensor_borrow(ctx, call, (cnn_dtype)dtype, v->ndim, v->shape, strides, data, deleter, managed);
    }
    cnn_tensor *t = cnn__tensor_new_on_host(ctx, call, (cnn_dtype)dtype, v->ndim, v->shape);
    if (t && numel > 0) {
        cnn__strides(v->ndim, v->shape, rows);
        cnn__gather(cnn__data(t), data, size, v->ndim, v->shape, strides ? strides : rows);
    }
    return cnn__tensor_off_host(t, call);
}

static cnn_tensor *dlpack_import(cnn_context *ctx, const char *call, const cnn_dlpack_view *v, cnn_deleter_fn deleter,
                                 void *managed, bool read_only)
{
    bool shared = false;
    cnn_tensor *t = take_view(ctx, call, v, deleter, managed, &shared);
    if (!shared) {
        deleter(NULL, managed);
    } else if (t) {
        t->storage->read_only = read_only;
    }
    return t;
}

cnn_tensor *cnn_tensor_from_dlpack(cnn_context *ctx, cnn_dlpack *managed)
{
    const char *call = "tensor_from_dlpack";
    if (ctx && managed && managed->major == MAJOR) {
        return dlpack_import(ctx, call, &managed->view, give_back, managed, managed->flags & CNN_DLPACK_READ_ONLY);
    }
    if (ctx && managed) {
        cnn__fail(ctx, CNN_ERROR_UNSUPPORTED, "%s: DLPack %u.%u, expected 1.x", call, managed->major, managed->minor);
    } else {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "managed" : "ctx");
    }
    if (managed) {
        give_back(NULL, managed);
    }
    return NULL;
}

cnn_tensor *cnn_tensor_from_dlpack_legacy(cnn_context *ctx, cnn_dlpack_legacy *managed)
{
    const char *call = "tensor_from_dlpack_legacy";
    if (ctx && managed) {
        return dlpack_import(ctx, call, &managed->view, give_back_legacy, managed, false);
    }
    cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "managed" : "ctx");
    if (managed) {
        give_back_legacy(NULL, managed);
    }
    return NULL;
}
