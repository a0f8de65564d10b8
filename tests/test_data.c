/* Datasets of all kinds. */
#include "support/data.h"
#include "support/elements.h"

#include <math.h>

/* ---- datasets in memory ---- */

START_TEST(tensors_of_every_dtype_make_datasets)
{
    static const cnn_dtype images[] = { CNN_U8, CNN_F32, CNN_F64 }, labels[] = { CNN_U8, CNN_I32, CNN_I64, CNN_F32, CNN_F64 };
    const double mean[] = { 0.5, 0.25 }, std[] = { 0.5, 2 };
    for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 5; b++) {
            for (int channels = 0; channels <= 2; channels++) {
                cnn_dataset *d = memory_dataset(4, images[a], labels[b]);
                ck_assert(channels == 0 || cnn_dataset_normalize(d, channels, mean, std) == CNN_OK);
                cnn_tensor *x, *y;
                ck_assert_int_eq(cnn_dataset_get(d, 2, &x, &y), CNN_OK);
                ck_assert_int_eq(cnn_tensor_dtype(x), a == 2 ? CNN_F64 : CNN_F32);
                ck_assert_int_eq(cnn_tensor_dtype(y), b < 3 ? CNN_I64 : labels[b]);
                ck_assert_double_eq(b < 3 ? (double)cnn_tensor_item_i64(y) : cnn_tensor_item(y), 6);
                bool same = true;
                const void *given = host_elements(x);
                for (int k = 0; k < IMAGE; k++) {
                    int c = channels == 2 ? k / (IMAGE / 2) : 0, value = (2 * IMAGE + k) % 200;
                    float f = a == 0 ? (float)value / 255.0f : (float)value;
                    double e = value;
                    if (channels > 0) {
                        f = (f - (float)mean[c]) / (float)std[c];
                        e = (e - mean[c]) / std[c];
                    }
                    same &= a == 2 ? ((const double *)given)[k] == e : ((const float *)given)[k] == f;
                }
                ck_assert(same);
                cnn_tensor_free(x);
                cnn_tensor_free(y);
                cnn_dataset_free(d);
            }
        }
    }
}
END_TEST

START_TEST(a_dataset_may_have_no_labels)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3, 2));
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_tensors(x, NULL), 2);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    ck_assert_ptr_null(b.labels);
    ck_assert_int_eq(cnn_tensor_ndim(b.images), 2);
    cnn_loader_free(l);
    cnn_dataset *d = cnn_dataset_from_tensors(x, NULL);
    cnn_tensor *image, *label = x;
    ck_assert_int_eq(cnn_dataset_get(d, 0, &image, &label), CNN_OK);
    ck_assert_ptr_null(label);
    cnn_tensor_free(image);
    cnn_dataset_free(d);
    cnn_tensor_free(x);
}
END_TEST

START_TEST(bad_datasets_are_refused)
{
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3, 2)), *wrong = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(4)),
               *scalar = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR), *flag = cnn_tensor_zeros(ctx, CNN_BOOL, CNN_SHAPE(3));
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_ptr_null(cnn_dataset_from_tensors(NULL, NULL));
    ck_assert_ptr_null(cnn_dataset_from_tensors(x, wrong));
    assert_error(cnn_context_status(ctx), CNN_ERROR_SHAPE, "3 images and 4 labels");
    ck_assert_ptr_null(cnn_dataset_from_tensors(flag, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_DTYPE,
                 "images is bool, expected int64, int32, uint8, float32 or float64");
    ck_assert_ptr_null(cnn_dataset_from_tensors(x, flag));
    assert_error(cnn_context_status(ctx), CNN_ERROR_DTYPE, "labels is bool, expected int64");
    ck_assert_ptr_null(cnn_dataset_from_tensors(scalar, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_SHAPE, "images has no dimension");
    ck_assert_ptr_null(cnn_dataset_from_tensors(cnn_input(tape, x), NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "cnn_tensor_detach");
    cnn_dataset *d = cnn_dataset_from_tensors(x, NULL);
    const double zero[] = { 0, 0, 0 }, one[] = { 1, 1, 1 }, nan[] = { NAN, 0, 0 };
    assert_error(cnn_dataset_normalize(d, 3, zero, one), CNN_ERROR_SHAPE, "channels is 3, expected 1 or the images' first");
    assert_error(cnn_dataset_normalize(d, 0, zero, one), CNN_ERROR_SHAPE, "channels is 0");
    assert_error(cnn_dataset_normalize(d, 1, zero, zero), CNN_ERROR_INVALID_ARGUMENT, "std 0");
    assert_error(cnn_dataset_normalize(d, 1, nan, one), CNN_ERROR_INVALID_ARGUMENT, "finite");
    assert_error(cnn_dataset_normalize(d, 1, NULL, one), CNN_ERROR_INVALID_ARGUMENT, "mean is NULL");
    assert_error(cnn_dataset_normalize(NULL, 1, zero, one), CNN_ERROR_INVALID_ARGUMENT, "dataset is NULL");
    cnn_tensor *image = NULL;
    assert_error(cnn_dataset_get(d, 3, &image, NULL), CNN_ERROR_INVALID_ARGUMENT, "sample 3 of 3, expected 0 to 2");
    assert_error(cnn_dataset_get(d, -1, &image, NULL), CNN_ERROR_INVALID_ARGUMENT, "sample -1");
    assert_error(cnn_dataset_get(d, 0, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "image is NULL");
    assert_error(cnn_dataset_get(NULL, 0, &image, NULL), CNN_ERROR_INVALID_ARGUMENT, "dataset is NULL");
    cnn_loader *l = cnn_loader_new(cnn_dataset_share(d), 2);
    assert_error(cnn_dataset_normalize(d, 1, zero, one), CNN_ERROR_STATE, "a loader is using");
    cnn_loader_free(l);
    ck_assert_int_eq(cnn_dataset_normalize(d, 1, zero, one), CNN_OK);
    ck_assert_ptr_null(cnn_dataset_share(NULL));
    ck_assert_int_eq((int)cnn_dataset_size(NULL), 0);
    cnn_dataset_free(NULL);
    cnn_dataset_free(d);
    cnn_tape_free(tape);
    cnn_tensor *all[] = { x, wrong, scalar, flag };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

/* ---- callbacks ---- */

/* Fails with a message of its own for sample 0, with that of a call for sample 1, and without any for the others. */
static cnn_status get_with_messages(int64_t index, void *image, void *label, void *user)
{
    (void)image;
    (void)label;
    if (index == 0) {
        return cnn_context_set_error(user, CNN_ERROR_FORMAT, "mine: sample.png is\nmalformed");
    }
    if (index == 1) {
        ck_assert_ptr_null(cnn_tensor_zeros(user, (cnn_dtype)99, CNN_SCALAR));
    }
    return CNN_ERROR_IO;
}

START_TEST(the_message_of_a_callback_has_its_cause)
{
    const cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = 3, .image_dtype = CNN_F32, .label_dtype = CNN_I64,
                                      .get = get_with_messages, .user = ctx };
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_tensor *x;
    ck_assert_ptr_nonnull(d);
    assert_error(cnn_dataset_get(d, 0, &x, NULL), CNN_ERROR_CALLBACK,
                 "get returned CNN_ERROR_FORMAT for sample 0 (mine: sample.png is\\nmalformed)");
    assert_error(cnn_dataset_get(d, 1, &x, NULL), CNN_ERROR_CALLBACK,
                 "get returned CNN_ERROR_IO for sample 1 (tensor_zeros: 99 is no dtype");
    assert_error(cnn_dataset_get(d, 2, &x, NULL), CNN_ERROR_CALLBACK, "get returned CNN_ERROR_IO for sample 2");
    ck_assert_ptr_null(strchr(cnn_last_error(ctx), '('));
    cnn_dataset_free(d);
}
END_TEST

START_TEST(callbacks_make_samples)
{
    source s = { .fails = 7 };
    cnn_dataset_callbacks c = source_callbacks(&s, 9);
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_tensor *x, *y;
    ck_assert_int_eq(cnn_dataset_get(d, 4, &x, &y), CNN_OK);
    ck_assert(((const double *)host_elements(x))[5] == 45 && cnn_tensor_item_i64(y) == -4);
    ck_assert(cnn_tensor_ndim(x) == 2 && cnn_tensor_ndim(y) == 0);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    assert_error(cnn_dataset_get(d, 7, &x, &y), CNN_ERROR_CALLBACK, "get returned CNN_ERROR_NOT_FOUND for sample 7");
    const double zero = 0, one = 1;
    assert_error(cnn_dataset_normalize(d, 1, &zero, &one), CNN_ERROR_STATE, "callbacks");
    cnn_dataset *again = cnn_dataset_share(d);
    cnn_dataset_free(d);
    ck_assert_int_eq(atomic_load(&s.freed), 0);
    cnn_dataset_free(again);
    ck_assert_int_eq(atomic_load(&s.freed), 1);
}
END_TEST

START_TEST(bad_callbacks_are_refused_and_freed)
{
    static const int64_t negative[] = { -1 }, huge[] = { INT64_MAX, INT64_MAX };
    for (int k = 0; k < 9; k++) {
        source s = { .fails = -1 };
        cnn_dataset_callbacks c = source_callbacks(&s, 9);
        switch (k) {
        case 0: c.get = NULL; break;
        case 1: c.size = -1; break;
        case 2: c.image_dtype = CNN_I32; break;
        case 3: c.label_dtype = CNN_U8; break;
        case 4: c.image_ndim = 8; break;
        case 5: c.image_ndim = 1; c.image_shape = negative; break;
        case 6: c.label_ndim = 2; c.label_shape = huge; break;
        case 7: c.image_shape = NULL; break;
        case 8: c.label_dtype = (cnn_dtype)77; break;
        }
        ck_assert_ptr_null(cnn_dataset_from_callbacks(ctx, &c));
        ck_assert_int_ne(cnn_context_status(ctx), CNN_OK);
        ck_assert_int_eq(atomic_load(&s.freed), 1);
    }
    ck_assert_ptr_null(cnn_dataset_from_callbacks(ctx, NULL));
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 9);
    ck_assert_ptr_null(cnn_dataset_from_callbacks(NULL, &c));
    ck_assert_int_eq(atomic_load(&s.freed), 1);
}
END_TEST

static cnn_status use_memory(source *s)
{
    (void)s;
    const double mean = 0.5, std = 0.5;
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(5, 2)), *y = x ? cnn_tensor_zeros(ctx, CNN_U8, CNN_SHAPE(5)) : NULL;
    cnn_dataset *d = y ? cnn_dataset_from_tensors(x, y) : NULL;
    cnn_status status = d ? cnn_dataset_normalize(d, 1, &mean, &std) : cnn_context_status(ctx);
    cnn_tensor *image, *label;
    if (status == CNN_OK && (status = cnn_dataset_get(d, 1, &image, &label)) == CNN_OK) {
        cnn_tensor_free(image);
        cnn_tensor_free(label);
    }
    cnn_dataset_free(d);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return status;
}

static cnn_status use_callbacks(source *s)
{
    cnn_dataset_callbacks c = source_callbacks(s, 9);
    cnn_tensor *image;
    cnn_batch batch;
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_status status = d ? cnn_dataset_get(d, 0, &image, NULL) : cnn_context_status(ctx);
    if (status == CNN_OK) {
        cnn_tensor_free(image);
    }
    cnn_loader *l = cnn_loader_new(d, 4, .shuffle = true);
    if (l && !cnn_loader_next(l, &batch)) {
        status = cnn_loader_status(l);
    } else if (!l) {
        status = cnn_context_status(ctx);
    }
    cnn_loader_free(l);
    return status;
}

START_TEST(every_allocation_of_a_dataset_may_fail)
{
    cnn_status (*const uses[])(source *) = { use_memory, use_callbacks };
    for (int k = 0; k < 2; k++) {
        for (int on = 0; on < 2; on++) {
            cnn_status status = CNN_ERROR_NO_MEMORY;
            for (long n = 0; status != CNN_OK; n++) {
                source s = { .fails = -1 };
                meter_reset();
                size_t before = atomic_load(&meter.now);
                atomic_store(&meter.fail_on, on);
                atomic_store(&meter.fail_at, n);
                status = uses[k](&s);
                meter_reset();
                ck_assert_uint_eq(atomic_load(&meter.now), before);
                ck_assert_int_eq(atomic_load(&s.freed), k);
                ck_assert(status == CNN_OK || status == CNN_ERROR_NO_MEMORY);
                ck_assert_int_lt(n, 200);
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data");
    TCase *tests = suite_case(suite, "data", setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, tensors_of_every_dtype_make_datasets);
    tcase_add_test(tests, a_dataset_may_have_no_labels);
    tcase_add_test(tests, bad_datasets_are_refused);
    tcase_add_test(tests, callbacks_make_samples);
    tcase_add_test(tests, the_message_of_a_callback_has_its_cause);
    tcase_add_test(tests, bad_callbacks_are_refused_and_freed);
    tcase_add_test(tests, every_allocation_of_a_dataset_may_fail);
    return suite_run(suite);
}
