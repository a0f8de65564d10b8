/* What the tests of augmentation share: datasets of f32 images, chains, and samples as arrays. */
#ifndef CNN_TESTS_SUPPORT_AUGMENT_H
#define CNN_TESTS_SUPPORT_AUGMENT_H

#include "support/data.h"
#include "support/fixtures.h"

#include <cnn/cnn.h>

#include <string.h>

/* n images of [c, h, w] whose pixels are all different, from 1 on, and labels 0, 1, …. */
static inline cnn_dataset *counted_dataset(int64_t n, int64_t c, int64_t h, int64_t w)
{
    cnn_tensor *x = cnn_tensor_empty(ctx, CNN_F32, CNN_SHAPE(n, c, h, w)), *y = cnn_tensor_arange(ctx, CNN_I64, 0, (double)n, 1);
    float *values = malloc((size_t)(n * c * h * w) * sizeof *values);
    ck_assert(x && y && values);
    for (int64_t i = 0; i < n * c * h * w; i++) {
        values[i] = (float)(i + 1);
    }
    set_elements(x, values);
    free(values);
    cnn_dataset *d = cnn_dataset_from_tensors(x, y);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return d;
}

/* n equal images of [c, h, w]. */
static inline cnn_dataset *plain_dataset(int64_t n, int64_t c, int64_t h, int64_t w, double value)
{
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, value, CNN_SHAPE(n, c, h, w));
    cnn_dataset *d = cnn_dataset_from_tensors(x, NULL);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x);
    return d;
}

/* Gives a chain to a dataset, which takes both. */
static inline cnn_dataset *augmented(cnn_dataset *d, cnn_augmentation *a)
{
    cnn_dataset *made = cnn_dataset_augment(d, a);
    ck_assert_msg(made, "%s", cnn_last_error(ctx));
    cnn_augmentation_free(a);
    return made;
}

/* Sample i, which is of `numel` numbers. */
static inline void sample_of(cnn_dataset *d, int64_t i, int64_t numel, float *values)
{
    cnn_tensor *image;
    ck_assert_msg(cnn_dataset_get(d, i, &image, NULL) == CNN_OK, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_tensor_numel(image), numel);
    memcpy(values, host_elements(image), (size_t)numel * sizeof *values);
    cnn_tensor_free(image);
}

#endif
