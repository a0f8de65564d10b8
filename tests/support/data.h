/* What the tests of data share: a folder, and a context whose memory is counted. */
#ifndef CNN_TESTS_SUPPORT_DATA_H
#define CNN_TESTS_SUPPORT_DATA_H

#include "support/elements.h"
#include "support/files.h"
#include "support/suite.h"

#include <pthread.h>

static cnn_context *ctx;

static inline void setup(void)
{
    folder_make();
    ctx = metered_context(7);
}

/* Every test gives back all memory. */
static inline void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

enum { IMAGE = 2 * 32 * 32 }; /* elements: two images are too many for a loader to write them without its thread */

/* n images of [2, 32, 32] whose element k of image i is (IMAGE i + k) mod 200, and labels 3 i. */
static inline cnn_dataset *memory_dataset(int64_t n, cnn_dtype image_dtype, cnn_dtype label_dtype)
{
    cnn_tensor *x = cnn_tensor_empty(ctx, image_dtype, CNN_SHAPE(n, 2, 32, 32)),
               *y = cnn_tensor_empty(ctx, label_dtype, CNN_SHAPE(n));
    void *data = calloc((size_t)(IMAGE * n) + 1, sizeof(double));
    ck_assert_ptr_nonnull(data);
    for (int64_t k = 0; k < IMAGE * n; k++) {
        int value = (int)(k % 200);
        if (image_dtype == CNN_U8) {
            ((unsigned char *)data)[k] = (unsigned char)value;
        } else if (image_dtype == CNN_F32) {
            ((float *)data)[k] = (float)value;
        } else {
            ((double *)data)[k] = value;
        }
    }
    set_elements(x, data);
    for (int64_t i = 0; i < n; i++) {
        switch (label_dtype) {
        case CNN_U8: ((unsigned char *)data)[i] = (unsigned char)(3 * i); break;
        case CNN_I32: ((int32_t *)data)[i] = (int32_t)(3 * i); break;
        case CNN_I64: ((int64_t *)data)[i] = 3 * i; break;
        case CNN_F32: ((float *)data)[i] = (float)(3 * i); break;
        default: ((double *)data)[i] = (double)(3 * i);
        }
    }
    set_elements(y, data);
    free(data);
    cnn_dataset *d = cnn_dataset_from_tensors(x, y);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x); /* the dataset keeps them alive */
    cnn_tensor_free(y);
    return d;
}

typedef struct source {
    atomic_int inside, freed, calls;
    int64_t fails; /* the sample whose get fails; −1: none */
    bool overlapped;
    pthread_t home;
    atomic_int away; /* calls from other threads */
} source;

static inline cnn_status source_get(int64_t index, void *image, void *label, void *user)
{
    source *s = user;
    s->overlapped |= atomic_fetch_add(&s->inside, 1) > 0;
    atomic_fetch_add(&s->calls, 1);
    atomic_fetch_add(&s->away, !pthread_equal(s->home, pthread_self()));
    for (int k = 0; k < 6; k++) {
        ((double *)image)[k] = (double)(index * 10 + k);
    }
    ((int64_t *)label)[0] = -index;
    atomic_fetch_sub(&s->inside, 1);
    return index == s->fails ? CNN_ERROR_NOT_FOUND : CNN_OK;
}

static inline void source_free(void *user)
{
    atomic_fetch_add(&((source *)user)->freed, 1);
}

static const int64_t source_shape[] = { 2, 3 };

static inline cnn_dataset_callbacks source_callbacks(source *s, int64_t size)
{
    s->home = pthread_self();
    return (cnn_dataset_callbacks){ .struct_size = sizeof(cnn_dataset_callbacks), .size = size, .image_ndim = 2,
                                    .image_shape = source_shape, .image_dtype = CNN_F64, .label_dtype = CNN_I64,
                                    .get = source_get, .free_user = source_free, .user = s };
}

/* The next `calls` calls of both loaders give the same; frees them. */
static inline void assert_same_batches(cnn_loader *a, cnn_loader *b, int calls)
{
    for (int i = 0; i < calls; i++) {
        cnn_batch x = { .size = 0 }, y = { .size = 0 };
        ck_assert(cnn_loader_next(a, &x) == cnn_loader_next(b, &y));
        ck_assert(x.size == y.size && x.index == y.index);
        if (x.size > 0) {
            size_t bytes = (size_t)cnn_tensor_numel(x.images) * cnn_dtype_size(cnn_tensor_dtype(x.images));
            ck_assert_mem_eq(host_elements(x.images), host_elements(y.images), bytes);
            ck_assert_mem_eq(host_elements(x.labels), host_elements(y.labels), (size_t)x.size * sizeof(int64_t));
        }
    }
    cnn_loader_free(a);
    cnn_loader_free(b);
}

#endif
