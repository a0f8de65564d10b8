/* The elements of a tensor on the host, wherever the tensor is: on the CPU they are where they are, on another device
 * (CNN_DEVICE) they are copied. A test that uses these runs on every device. */
#ifndef CNN_TESTS_SUPPORT_ELEMENTS_H
#define CNN_TESTS_SUPPORT_ELEMENTS_H

#include <cnn/cnn.h>

#include <check.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Whether the contexts of this run are on a device whose memory the host cannot see. */
static inline bool on_device(void)
{
    const char *device = getenv("CNN_DEVICE");
    return device && *device && strcmp(device, "cpu") != 0;
}

static inline size_t elements_size(const cnn_tensor *t)
{
    return (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
}

/* A copy, which lives until the test's process ends: the list keeps it from being a leak. */
static inline const void *elements_copy(const cnn_tensor *t)
{
    typedef struct copy {
        struct copy *next;
        max_align_t elements[];
    } copy;
    static _Atomic(copy *) copies;
    copy *c = malloc(sizeof *c + elements_size(t));
    if (!c || cnn_tensor_read(t, c->elements, elements_size(t)) != CNN_OK) {
        ck_abort_msg("no copy of elements: %s", cnn_last_error(NULL));
    }
    c->next = atomic_load(&copies);
    while (!atomic_compare_exchange_weak(&copies, &c->next, c)) {
    }
    return c->elements;
}

/* The elements of a contiguous tensor, to be read; NULL for an empty or invalid tensor. On the CPU the address is that
 * of the tensor's own elements, on a device they are as they were when this was called. */
static inline const void *host_elements(const cnn_tensor *t)
{
    cnn_context *ctx = cnn_tensor_context(t);
    if (!ctx || strcmp(cnn_context_device(ctx), "cpu") == 0) {
        return cnn_tensor_data(t);
    }
    return cnn_tensor_status(t) == CNN_OK && cnn_tensor_numel(t) ? elements_copy(t) : NULL;
}

/* The elements to be written, followed by elements_written(): on the CPU at the tensor's own address, as programs write
 * them there, on a device in a copy. */
static inline void *writable_elements(cnn_tensor *t)
{
    return (void *)(uintptr_t)host_elements(t);
}

/* Sets all elements from contiguous ones of the tensor's dtype. */
static inline void set_elements(cnn_tensor *t, const void *values)
{
    cnn_status status = cnn_tensor_write(t, values, elements_size(t));
    if (status != CNN_OK) { /* an assertion that holds allocates */
        ck_abort_msg("%s", cnn_last_error(NULL));
    }
}

static inline void elements_written(cnn_tensor *t, const void *values)
{
    if (values != NULL && strcmp(cnn_tensor_device(t), "cpu") != 0) {
        set_elements(t, values);
    }
}

/* The elements of a tensor of any floating dtype as f64, to be freed. */
static inline double *elements_as_f64(const cnn_tensor *t)
{
    size_t n = (size_t)cnn_tensor_numel(t);
    cnn_tensor *wide = cnn_tensor_empty(cnn_tensor_context(t), CNN_F64, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    double *values = malloc((n + 1) * sizeof *values);
    ck_assert_int_eq(cnn_tensor_copy_from(wide, t), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(wide, values, n * sizeof *values), CNN_OK);
    cnn_tensor_free(wide);
    return values;
}

/* A tensor of any floating dtype with these elements, rounded. */
static inline cnn_tensor *tensor_of_f64(cnn_context *ctx, cnn_dtype dtype, int ndim, const int64_t *shape, const double *values)
{
    cnn_tensor *wide = cnn_tensor_from_data(ctx, CNN_F64, ndim, shape, values), *t = cnn_tensor_empty(ctx, dtype, ndim, shape);
    ck_assert_int_eq(cnn_tensor_copy_from(t, wide), CNN_OK);
    cnn_tensor_free(wide);
    return t;
}

/* Whether two tensors of as many bytes have the same bits. */
static inline bool same_elements(const cnn_tensor *a, const cnn_tensor *b)
{
    size_t bytes = elements_size(a);
    return elements_size(b) == bytes && (!bytes || memcmp(host_elements(a), host_elements(b), bytes) == 0);
}

#endif
