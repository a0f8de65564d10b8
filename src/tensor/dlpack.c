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

/* The dtype of a view; CNN__DTYPES, reported, if it cannot be taken at all. */
static int check_view(cnn_context *ctx, const char *call, const cnn_dlpack_view *v)
{
    int dtype = 0;
    if (v->device_type != DEVICE_CPU) {
        cnn__fail(ctx, CNN_ERROR_DEVICE, "%s: elements on a device of type %d, expected 1, the host's memory", call,
                  v->device_type);
        return CNN__DTYPES;
    }
    while (dtype < CNN__DTYPES && !(dlpack_types[dtype].code == v->code && dlpack_types[dtype].bits == v->bits)) {
        dtype++;
    }
    if (dtype == CNN__DTYPES || v->lanes != 1) {
        cnn__fail(ctx, CNN_ERROR_UNSUPPORTED,
                  "%s: a dtype of code %d, %d bits and %d lanes, expected f32, f64, i64, i32, u8, bool or bf16", call,
                  v->code, v->bits, v->lanes);
        return CNN__DTYPES;
    }
    if (v->ndim > 0 && !v->shape) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: shape is NULL", call);
        return CNN__DTYPES;
    }
    return dtype;
}

/* A copy of elements of any strides. */
static cnn_tensor *copy_view(cnn_context *ctx, const char *call, cnn_dtype dtype, const cnn_dlpack_view *v,
                             const char *data)
{
    int64_t rows[CNN_MAX_DIMS];
    cnn_tensor *t = cnn__tensor_new_on_host(ctx, call, dtype, v->ndim, v->shape);
    if (t && t->numel > 0) {
        cnn__strides(v->ndim, v->shape, rows);
        cnn__gather(cnn__data(t), data, cnn_dtype_size(dtype), v->ndim, v->shape, v->strides ? v->strides : rows);
    }
    return cnn__tensor_off_host(t, call);
}

static cnn_tensor *dlpack_import(cnn_context *ctx, const char *call, const cnn_dlpack_view *v, cnn_deleter_fn deleter,
                                 void *managed, bool read_only)
{
    int64_t numel;
    int dtype = check_view(ctx, call, v);
    char *data = v->data ? (char *)v->data + v->byte_offset : NULL;
    if (dtype == CNN__DTYPES || cnn__shape_check(ctx, call, (cnn_dtype)dtype, v->ndim, v->shape, &numel) != CNN_OK) {
        deleter(NULL, managed);
        return NULL;
    }
    size_t size = cnn_dtype_size((cnn_dtype)dtype);
    bool strided = v->strides && numel > 0;
    bool copied = data && (ctx->device || (uintptr_t)data % size ||
                           (strided && !cnn__strides_extent(v->ndim, v->shape, v->strides, size)));
    if (copied) {
        cnn_tensor *copy = copy_view(ctx, call, (cnn_dtype)dtype, v, data);
        deleter(NULL, managed);
        return copy;
    }
    cnn_tensor *t =
        cnn__tensor_borrow(ctx, call, (cnn_dtype)dtype, v->ndim, v->shape, v->strides, data, deleter, managed);
    if (t) {
        t->storage->read_only = read_only;
    }
    return t;
}

/* Whether nothing is NULL; if not, what there is is given back. */
static bool dlpack_present(cnn_context *ctx, const char *call, void *managed, cnn_deleter_fn deleter)
{
    if (ctx && managed) {
        return true;
    }
    cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "managed" : "ctx");
    if (managed) {
        deleter(NULL, managed);
    }
    return false;
}

cnn_tensor *cnn_tensor_from_dlpack(cnn_context *ctx, cnn_dlpack *managed)
{
    const char *call = "tensor_from_dlpack";
    if (!dlpack_present(ctx, call, managed, give_back)) {
        return NULL;
    }
    if (managed->major != MAJOR) {
        cnn__fail(ctx, CNN_ERROR_UNSUPPORTED, "%s: DLPack %u.%u, expected 1.x", call, managed->major, managed->minor);
        give_back(NULL, managed);
        return NULL;
    }
    return dlpack_import(ctx, call, &managed->view, give_back, managed, managed->flags & CNN_DLPACK_READ_ONLY);
}

cnn_tensor *cnn_tensor_from_dlpack_legacy(cnn_context *ctx, cnn_dlpack_legacy *managed)
{
    const char *call = "tensor_from_dlpack_legacy";
    return dlpack_present(ctx, call, managed, give_back_legacy)
               ? dlpack_import(ctx, call, &managed->view, give_back_legacy, managed, false)
               : NULL;
}
