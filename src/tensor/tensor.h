/* The inside of tensors: handles (dtype, shape, strides) over reference-counted storages.
 *
 * A plain tensor belongs to a user, a module or a loader and is reference-counted too, so that a tape or an optimizer
 * can outlast its owner. A tape's handle is a slot in that tape's ring: it is never freed before the tape, and its
 * generation says whether it still is the tensor that it was. */
#ifndef CNN_TENSOR_TENSOR_H
#define CNN_TENSOR_TENSOR_H

#include "base/dtype.h"
#include "base/error.h"
#include "base/references.h"
#include "device/device.h"
#include "kernels/array/array.h"

#include <cnn/tensor.h>

/* Memory for elements. Storages of a tape come from its cache and return to it; others come from the context's
 * allocator. */
typedef struct cnn__storage {
    atomic_int references;
    atomic_uint version; /* counts the writes other than those of operations; see cnn__tensor_written() */
    cnn_context *ctx;
    bool on_device; /* else in the host's memory */
    size_t bytes;   /* capacity */
    void *data;
    cnn_deleter_fn deleter; /* frees borrowed data */
    void *deleter_user;
    struct cnn__cache *cache; /* the cache that it returns to; NULL: it is freed */
    union {
        struct {
            uint64_t serial;        /* unique among those of no cache */
            struct cnn__kept *kept; /* weights in the forms that kernels read (tensor/kept.h) */
            atomic_uint handed_out; /* counts how often the caller was given the address */
            bool borrowed;          /* the elements are the caller's */
        };
        /* The cache's bookkeeping (tensor/cache.c): */
        struct {
            struct cnn__storage *previous, *next; /* links of a list in its bin */
            struct cnn__storage *older, *newer;   /* links of the idle blocks, ordered by last use */
        };
    };
    size_t slot_bytes; /* size of the slot that it serves in this step; 0: idle */
    int slot;          /* the number of that slot, in steps whose slots may grow */
    bool read_only;    /* the elements, which are the caller's, must not be written */
    size_t planned;    /* what that slot is expected to grow to */
    uint32_t born;     /* the step in which it was made */
} cnn__storage;

typedef enum cnn__tensor_kind {
    CNN__TENSOR_PLAIN = 0x7a51, /* so that a freed or foreign pointer is likely to be recognised */
    CNN__TENSOR_TAPE = 0x7a52,
    CNN__TENSOR_NIL = 0x7a53
} cnn__tensor_kind;

/* What a tensor must know of its tape; a cnn_tape begins with it. */
typedef struct cnn__step {
    cnn_context *ctx;
    _Atomic uint64_t generation; /* number of the step; other threads may read it to see whether a step still runs */
    cnn_status status;           /* the first error of the step */
    char message[CNN__MESSAGE_SIZE];
    int anomaly;              /* a cnn_anomaly */
    bool walking;             /* a backward is on its way */
    struct cnn__chain *chain; /* the chain of the walk that is running (autograd/chain.h); NULL: it makes none */
    bool recomputing;         /* a forward runs a second time, for its backward (nn/recompute.c): buffers stay */
    const struct cnn__capture *capture; /* what the cnn_grad() that is running takes (autograd/grad.c); NULL: none is */
    struct cnn__undo *undo;             /* writes that are undone if the step fails (autograd/undo.c) */
    struct cnn__failed_step
        *failed;              /* the record that parameters are marked with if the step fails (tensor/failed_step.h) */
    uint64_t serial;          /* number of the tape, unique within the process */
    uint64_t device_failures; /* the device's failures when the step began, or when it learnt of the newest */
    uint64_t launched;        /* the number of the step's newest launch on a device */
    cnn__counts work;         /* in a step that traces: of the operation that is being traced */
    struct cnn__ran *ran;     /* in a step that traces: the forwards of modules, the newest first (nn/forward.h) */
    struct cnn__step *next, *previous; /* links of the list of all tapes (autograd/step.c) */
} cnn__step;

static inline cnn__step *cnn__step_of(const cnn_tape *tape)
{
    return (cnn__step *)(uintptr_t)tape;
}

struct cnn_tensor {
    int kind;
    cnn_dtype dtype;
    int ndim;
    bool requires_grad;
    bool grad_is_zero;     /* plain: the gradient's elements count as 0 and are not written yet */
    bool grad_pending;     /* plain: a backward is writing the gradient, and cnn__grad_add() has not received it yet */
    bool retain_grad;      /* tape: keep the gradient after backward */
    bool writable;         /* tape: a user's callback is writing it now */
    bool kept;             /* tape: a gradient that is handed on and outlives the backward that made it */
    int kept_by_forward;   /* tape: how many forwards of several results are about to return it */
    bool masked;           /* tape: a ReLU's gradient that already is 0 where the ReLU is */
    bool deferred;         /* tape: a gradient that is still to be computed (autograd/chain.h) */
    bool traced;           /* tape: the result of a traced operation, which has no elements */
    bool reached;          /* tape: the backward that is running may have a gradient for it (autograd/final.c) */
    bool owned;            /* plain: a module owns it, cnn_tensor_free() refuses */
    atomic_int references; /* plain */
    int64_t numel;
    int64_t offset;        /* position of the first element in the storage, in elements */
    cnn__storage *storage; /* NULL: a tape's result that was dropped */
    cnn_context *ctx;
    cnn_tensor *grad;
    _Atomic(struct cnn__failed_step *)
        failed_step; /* plain: the failed step that it took part in (tensor/failed_step.h) */
    /* Only for tensors of a tape: */
    cnn_tape *tape;
    uint64_t generation;
    struct cnn__node *node;  /* the node whose result it is; NULL for a leaf */
    cnn_tensor *leaf;        /* the plain tensor that it stands for in its step (reference held) */
    cnn_tensor *retained;    /* the gradient kept for the user */
    struct cnn__hook *hooks; /* callbacks that its gradient passes (autograd/hook.c) */
    int uses;                /* plain: how many operations the backward that is running has yet to pass that use it;
                              * tape: its number in a trace, from 1 on (nn/trace.c) */
    unsigned version;        /* saved for backward: the version of its storage at that time */
    /* Last, because a new handle is cleared up to here: from `ndim` on they are undefined. */
    int64_t shape[CNN_MAX_DIMS];
    int64_t stride[CNN_MAX_DIMS];
};

/* ---- storages ---- */
cnn__storage *cnn__storage_new(cnn_context *ctx, size_t bytes);
/* The same without a reference to the context: the caller frees it with cnn__storage_unmake(). */
cnn__storage *cnn__storage_make(cnn_context *ctx, size_t bytes);
void cnn__storage_unmake(cnn__storage *storage);
/* In the host's memory, also where the context is on a device. */
cnn__storage *cnn__storage_new_on_host(cnn_context *ctx, size_t bytes);
cnn__storage *cnn__storage_borrow(cnn_context *ctx, void *data, size_t bytes, cnn_deleter_fn deleter, void *user);
/* A tape's storages are counted by the thread that works on the tape alone, which an atomic sum would make wait. */
static inline cnn__storage *cnn__storage_retain(cnn__storage *storage)
{
    if (storage->cache) {
        int references = atomic_load_explicit(&storage->references, memory_order_relaxed);
        atomic_store_explicit(&storage->references, references + 1, memory_order_relaxed);
    } else {
        cnn__references_add(&storage->references);
    }
    return storage;
}
void cnn__storage_release(cnn__storage *storage);

/* ---- shapes ---- */
enum { CNN__SHAPE_TEXT = 184 };
/* Writes a shape as "[32,1,5,5]". */
const char *cnn__shape_text(char text[CNN__SHAPE_TEXT], int ndim, const int64_t *shape);
/* Checks rank and sizes, and writes the number of elements. If `call` is NULL, nothing is reported. */
cnn_status cnn__shape_check(const cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape,
                            int64_t *numel);
/* Computes row-major strides. */
void cnn__strides(int ndim, const int64_t *shape, int64_t *stride);
/* How many elements of `size` bytes lie between the first and the end of the last, if no two share an address and
 * memory can hold all; else 0. The tensor is not empty. */
int64_t cnn__strides_extent(int ndim, const int64_t *shape, const int64_t *stride, size_t size);
/* Maps −ndim ≤ dim < ndim to 0 ≤ dim; returns −1 if it is out of range. */
int cnn__dim(int dim, int ndim);
/* Broadcasts two shapes by NumPy's rules; returns false if they do not fit. */
bool cnn__broadcast(int ndim_a, const int64_t *a, int ndim_b, const int64_t *b, int *ndim, int64_t *shape);
bool cnn__same_shape(const cnn_tensor *a, const cnn_tensor *b);
bool cnn__contiguous(const cnn_tensor *t);
/* The strides of t when it is read with the given shape: 0 where it is broadcast. The shape must be a broadcast of
 * t's shape. */
void cnn__broadcast_strides(const cnn_tensor *t, int ndim, const int64_t *shape, int64_t *stride);
/* Makes the loop nest over `shape` for up to four operands and joins dimensions where possible. */
void cnn__nest_make(cnn__nest *nest, int ndim, const int64_t *shape, int count, const cnn_tensor *const *operands);

/* ---- tensors ---- */
/* Where the elements begin, on the context's device: the host follows it on the CPU alone. */
static inline void *cnn__data(const cnn_tensor *t)
{
    CNN__KNOWN(t != NULL);
    char *data = t->storage->data;
    return t->offset ? data + (size_t)t->offset * cnn_dtype_size(t->dtype) : data;
}
static inline void *cnn__data_or_null(const cnn_tensor *t)
{
    return t ? cnn__data(t) : NULL;
}
const cnn__real_kernels *cnn__real(const cnn_tensor *t); /* the kernels for its dtype, f32 or f64 */
/* Makes a plain tensor with undefined elements; reports errors as `call`. */
cnn_tensor *cnn__tensor_new(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape);
/* The same without a storage. */
cnn_tensor *cnn__tensor_header(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape);
/* cnn_tensor_from_borrowed() and cnn_tensor_share(), which report as `call`. */
cnn_tensor *cnn__tensor_borrow(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim, const int64_t *shape,
                               const int64_t *strides, void *data, cnn_deleter_fn deleter, void *user);
cnn_tensor *cnn__tensor_share(cnn_tensor *tensor, const char *call);
/* Whether a plain tensor can be one that the library writes in place: contiguous and not read-only. */
cnn_status cnn__tensor_check_in_place(const cnn_tensor *t, const char *call);
cnn_tensor *cnn__tensor_retain(cnn_tensor *t);
void cnn__tensor_release(cnn_tensor *t);
/* Checks that a tensor is usable: not NULL, not nil, not of a past step and not dropped. Otherwise reports as
 * `call`. */
cnn_status cnn__tensor_check(const cnn_tensor *t, const char *call);
/* The same, but accepts a tensor of a traced step, which has no elements: for callers that read only its shape. */
cnn_status cnn__tensor_check_current(const cnn_tensor *t, const char *call);
/* Sets dtype, shape, row-major strides and numel. */
void cnn__tensor_shape_set(cnn_tensor *t, cnn_dtype dtype, int ndim, const int64_t *shape);
/* Notes that the elements are being or have been written, so that a backward that has saved them refuses to use
 * them. All code that writes to a tensor that users may have calls this, except operations that write their results.
 * May be called in any thread. */
static inline void cnn__tensor_written(const cnn_tensor *t)
{
    atomic_fetch_add_explicit(&t->storage->version, 1, memory_order_relaxed);
}
static inline unsigned cnn__tensor_version(const cnn_tensor *t)
{
    return atomic_load_explicit(&t->storage->version, memory_order_relaxed);
}
/* Fills a contiguous tensor with draws from the stream `key`: uniform in [0, 1) or standard normal, f32 or
 * f64; or 1 with probability `p` in [0, 1] and else 0, f32, f64 or bool. */
cnn_status cnn__draw(cnn_tensor *t, const char *call, const uint64_t key[2], cnn_distribution distribution, double p);
/* ---- elements that the host works on ----
 * On the CPU these are the tensors themselves; on a device, copies in the host's memory, which no operation sees. */
cnn_tensor *cnn__tensor_new_on_host(cnn_context *ctx, const char *call, cnn_dtype dtype, int ndim,
                                    const int64_t *shape);
/* The tensor itself, retained, or a contiguous copy. NULL: reported. */
cnn_tensor *cnn__tensor_on_host(const cnn_tensor *t, const char *call);
/* Turns a tensor of the host's into one that operations see; NULL, and the tensor is gone, on failure. */
cnn_tensor *cnn__tensor_off_host(cnn_tensor *t, const char *call);

/* Copies at least one element of `item` bytes from any strides, in elements, to row-major order; on the host. */
void cnn__gather(void *to, const void *from, size_t item, int ndim, const int64_t *shape, const int64_t *stride);

/* ---- elements, wherever they are: each reports as `call` ---- */
/* Copies elements within a context, converting the dtype and broadcasting the shape. The shapes are known to fit. */
cnn_status cnn__tensor_copy(cnn_tensor *to, const cnn_tensor *from, const char *call);
/* One number in every element of a contiguous tensor. */
cnn_status cnn__fill(const cnn_tensor *t, const char *call, double value);
/* Contiguous elements from the host's memory, and to it: as many bytes as the tensor has. */
cnn_status cnn__elements_put(const cnn_tensor *t, const char *call, const void *from);
/* Between two contexts, of equal dtype and shape; `to` is contiguous. */
cnn_status cnn__elements_move(const cnn_tensor *to, const cnn_tensor *from, const char *call);
cnn_status cnn__elements_get(const cnn_tensor *t, const char *call, void *to);
/* The contiguous gradient buffer of a plain tensor, which is allocated by the first call. Its elements are valid
 * only if grad_is_zero is false. Returns NULL if there is no memory. */
cnn_tensor *cnn__tensor_grad_buffer(cnn_tensor *t);
/* The gradient with valid elements, zeros if necessary; NULL if there is none. */
cnn_tensor *cnn__tensor_grad_read(const cnn_tensor *t);
/* Sets the gradient of a plain tensor to zero without writing its memory, and removes the mark of a failed step if
 * that is possible. */
void cnn__tensor_grad_clear(cnn_tensor *t);

#endif
