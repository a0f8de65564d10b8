/* Data: datasets of every kind, and loaders: their order, their bits, their threads. */
#include "base/random.h"
#include "support/files.h"
#include "support/suite.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static cnn_context *ctx;

static void setup(void)
{
    folder_make();
    ctx = metered_context(7);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

/* ---- datasets in memory ---- */

/* n images of [2, 2, 2] whose element k of image i is (8 i + k) mod 200, and labels 3 i. */
static cnn_dataset *memory_dataset(int64_t n, cnn_dtype image_dtype, cnn_dtype label_dtype)
{
    cnn_tensor *x = cnn_tensor_empty(ctx, image_dtype, CNN_SHAPE(n, 2, 2, 2)),
               *y = cnn_tensor_empty(ctx, label_dtype, CNN_SHAPE(n));
    for (int64_t k = 0; k < 8 * n; k++) {
        void *data = cnn_tensor_data(x);
        int value = (int)(k % 200);
        if (image_dtype == CNN_U8) {
            ((unsigned char *)data)[k] = (unsigned char)value;
        } else if (image_dtype == CNN_F32) {
            ((float *)data)[k] = (float)value;
        } else {
            ((double *)data)[k] = value;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        void *data = cnn_tensor_data(y);
        switch (label_dtype) {
        case CNN_U8: ((unsigned char *)data)[i] = (unsigned char)(3 * i); break;
        case CNN_I32: ((int32_t *)data)[i] = (int32_t)(3 * i); break;
        case CNN_I64: ((int64_t *)data)[i] = 3 * i; break;
        case CNN_F32: ((float *)data)[i] = (float)(3 * i); break;
        default: ((double *)data)[i] = (double)(3 * i);
        }
    }
    cnn_dataset *d = cnn_dataset_from_tensors(x, y);
    ck_assert_msg(d, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x); /* the dataset keeps them alive */
    cnn_tensor_free(y);
    return d;
}

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
                for (int k = 0; k < 8; k++) {
                    int c = channels == 2 ? k / 4 : 0;
                    float f = a == 0 ? (float)(16 + k) / 255.0f : (float)(16 + k);
                    double e = 16 + k;
                    if (channels > 0) {
                        f = (f - (float)mean[c]) / (float)std[c];
                        e = (e - mean[c]) / std[c];
                    }
                    ck_assert(a == 2 ? ((double *)cnn_tensor_data(x))[k] == e : ((float *)cnn_tensor_data(x))[k] == f);
                }
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
    ck_assert_ptr_null(cnn_dataset_from_tensors(wrong, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_DTYPE, "images is int64, expected uint8, float32 or float64");
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

typedef struct source {
    atomic_int inside, freed, calls;
    int64_t fails; /* the sample whose get fails; −1: none */
    bool overlapped;
    pthread_t home;
    atomic_int away; /* calls from other threads */
} source;

static cnn_status source_get(int64_t index, void *image, void *label, void *user)
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

static void source_free(void *user)
{
    atomic_fetch_add(&((source *)user)->freed, 1);
}

static const int64_t source_shape[] = { 2, 3 };

static cnn_dataset_callbacks source_callbacks(source *s, int64_t size)
{
    s->home = pthread_self();
    return (cnn_dataset_callbacks){ .struct_size = sizeof(cnn_dataset_callbacks), .size = size, .image_ndim = 2,
                                    .image_shape = source_shape, .image_dtype = CNN_F64, .label_dtype = CNN_I64,
                                    .get = source_get, .free_user = source_free, .user = s };
}

START_TEST(callbacks_make_samples)
{
    source s = { .fails = 7 };
    cnn_dataset_callbacks c = source_callbacks(&s, 9);
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_tensor *x, *y;
    ck_assert_int_eq(cnn_dataset_get(d, 4, &x, &y), CNN_OK);
    ck_assert(((const double *)cnn_tensor_data(x))[5] == 45 && cnn_tensor_item_i64(y) == -4);
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
        case 2: c.image_dtype = CNN_I64; break;
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

/* ---- loaders ---- */

/* What a loader must give: the order recomputed from the definition. */
static void expected_order(uint64_t seed, int64_t epoch, int64_t n, int64_t *order)
{
    const uint64_t key[2] = { seed, (uint64_t)1 << 63 | (uint64_t)epoch };
    cnn__random_permutation(key, n, order);
}

static void assert_batch(const cnn_batch *b, int64_t index, int64_t size, const int64_t *samples)
{
    ck_assert_int_eq((int)b->index, (int)index);
    ck_assert_int_eq((int)b->size, (int)size);
    ck_assert(cnn_tensor_size(b->images, 0) == size && cnn_tensor_size(b->labels, 0) == size);
    const float *x = cnn_tensor_data(b->images);
    const int64_t *y = cnn_tensor_data(b->labels);
    for (int64_t i = 0; i < size; i++) {
        ck_assert_int_eq((int)y[i], (int)(3 * samples[i]));
        for (int k = 0; k < 8; k++) {
            ck_assert(x[8 * i + k] == (float)((8 * samples[i] + k) % 200));
        }
    }
}

START_TEST(batches_follow_the_epochs_order)
{
    enum { N = 23 };
    for (int variant = 0; variant < 16; variant++) {
        bool shuffle = variant & 1, drop = variant & 2, foreground = variant & 4;
        int64_t batch_size = variant & 8 ? 5 : 40;
        cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), batch_size, .shuffle = shuffle,
                                       .drop_last = drop, .no_background = foreground, .seed = 77);
        int64_t count = drop ? N / batch_size : (N + batch_size - 1) / batch_size;
        ck_assert_int_eq((int)cnn_loader_batch_count(l), (int)count);
        ck_assert_int_eq((int)cnn_loader_sample_count(l), N);
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            int64_t order[N];
            expected_order(77, epoch, N, order);
            for (int64_t i = 0; i < N && !shuffle; i++) {
                order[i] = i;
            }
            cnn_batch b, previous = { .size = 0 };
            for (int64_t i = 0; i < count; i++) {
                ck_assert_int_eq((int)cnn_loader_epoch(l), (int)epoch);
                ck_assert(cnn_loader_next(l, &b));
                int64_t left = N - i * batch_size;
                assert_batch(&b, i, left < batch_size ? left : batch_size, order + i * batch_size);
                if (i > 0) { /* the batch before still has its values */
                    assert_batch(&previous, i - 1, batch_size, order + (i - 1) * batch_size);
                }
                previous = b;
            }
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        }
        cnn_loader_free(l);
    }
}
END_TEST

START_TEST(batches_belong_to_the_loader)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(5, CNN_F32, CNN_I64), 2);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    cnn_context_clear_error(ctx);
    cnn_tensor_free(b.images);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_STATE);
    cnn_loader_free(l);
}
END_TEST

START_TEST(empty_datasets_and_bad_loaders)
{
    cnn_loader *l = cnn_loader_new(memory_dataset(0, CNN_U8, CNN_U8), 4, .shuffle = true);
    cnn_batch b;
    ck_assert_int_eq((int)cnn_loader_batch_count(l), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq((int)cnn_loader_epoch(l), i);
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
    }
    ck_assert(!cnn_loader_next(l, NULL));
    ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert(!cnn_loader_next(NULL, &b));
    assert_error(cnn_loader_set_epoch(l, -1), CNN_ERROR_INVALID_ARGUMENT, "epoch is -1");
    assert_error(cnn_loader_set_epoch(l, INT64_MAX), CNN_ERROR_INVALID_ARGUMENT, "expected 0 to 2^62");
    assert_error(cnn_loader_set_epoch(NULL, 1), CNN_ERROR_INVALID_ARGUMENT, "loader is NULL");
    assert_error(cnn_loader_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "loader is NULL");
    cnn_loader_free(l);
    cnn_loader_free(NULL);
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 0));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "batch_size is 0");
    ck_assert_ptr_null(cnn_loader_new(cnn_mnist_open(ctx, "/nowhere", CNN_MNIST_TRAIN), 10));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "mnist_open");
    cnn_context_clear_error(NULL);
    ck_assert_ptr_null(cnn_loader_create(NULL, 10, NULL));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "dataset is NULL");
    cnn_loader_options garbage = { .struct_size = 3 };
    ck_assert_ptr_null(cnn_loader_create(memory_dataset(3, CNN_U8, CNN_U8), 1, &garbage));
    l = cnn_loader_create(memory_dataset(3, CNN_F32, CNN_I64), INT64_MAX, NULL);
    ck_assert(cnn_loader_next(l, &b));
    ck_assert_int_eq((int)b.size, 3);
    cnn_loader_free(l);
}
END_TEST

START_TEST(an_epoch_can_be_chosen)
{
    enum { N = 23 };
    for (int foreground = 0; foreground < 2; foreground++) {
        cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), 6, .shuffle = true, .seed = 5,
                                       .no_background = foreground);
        static const int64_t epochs[] = { 4, 0, 0, 1000000007, 2 };
        for (int k = 0; k < 5; k++) {
            int64_t order[N];
            cnn_batch b;
            ck_assert_int_eq(cnn_loader_set_epoch(l, epochs[k]), CNN_OK);
            ck_assert(cnn_loader_epoch(l) == epochs[k]);
            expected_order(5, epochs[k], N, order);
            for (int i = 0; i < 1 + k % 3; i++) { /* and left in its middle */
                ck_assert(cnn_loader_next(l, &b));
                assert_batch(&b, i, 6, order + 6 * i);
            }
        }
        cnn_loader_free(l);
    }
}
END_TEST

/* The default seed is the context's, also when a checkpoint changes that between two epochs. */
START_TEST(the_contexts_seed_is_the_default)
{
    enum { N = 12 };
    cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), 4, .shuffle = true);
    int64_t order[N];
    cnn_batch b;
    for (int epoch = 0; epoch < 4; epoch++) {
        cnn_random_state state = { .seed = epoch < 2 ? 7 : 8, .stream = 3 };
        ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
        expected_order(state.seed, epoch, N, order);
        for (int i = 0; i < 3; i++) {
            ck_assert(cnn_loader_next(l, &b));
            assert_batch(&b, i, 4, order + 4 * i);
        }
        ck_assert(!cnn_loader_next(l, &b));
    }
    ck_assert(cnn_loader_next(l, &b)); /* within an epoch the order stays */
    cnn_random_state state = { .seed = 99 };
    ck_assert_int_eq(cnn_context_set_random_state(ctx, &state), CNN_OK);
    expected_order(8, 4, N, order);
    ck_assert(cnn_loader_next(l, &b));
    assert_batch(&b, 1, 4, order + 4);
    cnn_loader_free(l);
}
END_TEST

START_TEST(background_and_foreground_give_the_same_bits)
{
    const double mean[] = { 0.3, 0.4 }, std[] = { 0.7, 0.9 };
    cnn_dataset *d = memory_dataset(57, CNN_U8, CNN_U8);
    ck_assert_int_eq(cnn_dataset_normalize(d, 2, mean, std), CNN_OK);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 10, .shuffle = true),
               *b = cnn_loader_new(d, 10, .shuffle = true, .no_background = true);
    for (int i = 0; i < 30; i++) {
        cnn_batch x = { .size = 0 }, y = { .size = 0 };
        ck_assert(cnn_loader_next(a, &x) == cnn_loader_next(b, &y));
        ck_assert(x.size == y.size);
        if (x.size > 0) {
            ck_assert_mem_eq(cnn_tensor_data(x.images), cnn_tensor_data(y.images), (size_t)x.size * 8 * sizeof(float));
            ck_assert_mem_eq(cnn_tensor_data(x.labels), cnn_tensor_data(y.labels), (size_t)x.size * sizeof(int64_t));
        }
    }
    cnn_loader_free(a);
    cnn_loader_free(b);
}
END_TEST

START_TEST(next_never_allocates)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        cnn_loader *l = cnn_loader_new(memory_dataset(57, CNN_U8, CNN_U8), 10, .shuffle = true, .no_background = foreground);
        meter_reset();
        cnn_batch b;
        int given = 0;
        for (int i = 0; i < 40; i++) {
            given += cnn_loader_next(l, &b);
        }
        ck_assert_int_gt(given, 30);
        ck_assert_int_eq((int)atomic_load(&meter.calls), 0);
        cnn_loader_free(l);
    }
}
END_TEST

START_TEST(a_failing_callback_ends_the_epoch)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        source s = { .fails = 7 };
        cnn_dataset_callbacks c = source_callbacks(&s, 12);
        cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 3, .no_background = foreground);
        cnn_batch b;
        for (int epoch = 0; epoch < 2; epoch++) {
            for (int i = 0; i < 2; i++) {
                ck_assert(cnn_loader_next(l, &b));
                ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
            }
            cnn_context_clear_error(ctx);
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_CALLBACK);
            assert_error(cnn_context_status(ctx), CNN_ERROR_CALLBACK,
                         "loader_next: the dataset's get returned CNN_ERROR_NOT_FOUND for sample 7");
            ck_assert_int_eq((int)cnn_loader_epoch(l), epoch + 1);
        }
        s.fails = -1;
        for (int i = 0; i < 4; i++) {
            ck_assert(cnn_loader_next(l, &b));
        }
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        ck_assert_int_eq(atomic_load(&s.away) == 0, foreground);
        cnn_loader_free(l);
        ck_assert_int_eq(atomic_load(&s.freed), 1);
    }
}
END_TEST

START_TEST(callbacks_are_called_one_at_a_time)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 400);
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 50, .shuffle = true), *b = cnn_loader_new(d, 50);
    for (int i = 0; i < 40; i++) {
        cnn_batch x, y;
        cnn_loader_next(a, &x);
        cnn_loader_next(b, &y);
    }
    cnn_loader_free(a);
    cnn_loader_free(b);
    ck_assert(!s.overlapped);
}
END_TEST

static cnn_status slow_get(int64_t index, void *image, void *label, void *user)
{
    const struct timespec wait = { .tv_nsec = 2000000 };
    nanosleep(&wait, NULL);
    return source_get(index, image, label, user);
}

START_TEST(freeing_does_not_wait_for_the_batch)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 3000);
    c.get = slow_get;
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 1500);
    cnn_loader_options small = { .struct_size = sizeof small };
    cnn_loader_free(l); /* before the first batch */
    c.get = slow_get;
    l = cnn_loader_create(cnn_dataset_from_callbacks(ctx, &c), 10, &small);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    int before = atomic_load(&s.calls);
    cnn_loader_free(l); /* while the next one is written */
    ck_assert_int_lt(atomic_load(&s.calls) - before, 5);
}
END_TEST

START_TEST(the_loaders_thread_takes_no_signals)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 30);
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    cnn_loader *l = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &c), 3);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
    cnn_loader_free(l);
}
END_TEST

/* No stack is as large as this one is asked to be, so no thread begins. */
START_TEST(a_thread_that_cannot_begin_is_reported)
{
    pthread_attr_t usual, huge;
    ck_assert_int_eq(pthread_getattr_default_np(&usual), 0);
    ck_assert_int_eq(pthread_getattr_default_np(&huge), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 50), 0);
    cnn_dataset *d = memory_dataset(5, CNN_F32, CNN_I64);
    ck_assert_int_eq(pthread_setattr_default_np(&huge), 0);
    cnn_loader *l = cnn_loader_new(cnn_dataset_share(d), 2);
    ck_assert_int_eq(pthread_setattr_default_np(&usual), 0);
    ck_assert_ptr_null(l);
    assert_error(cnn_context_status(ctx), CNN_ERROR_THREAD, "loader_create: the background thread: ");
    l = cnn_loader_new(d, 2, .no_background = true);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    cnn_loader_free(l);
    pthread_attr_destroy(&usual);
    pthread_attr_destroy(&huge);
}
END_TEST

/* A child has no background thread: it is told so, and whatever it can do, it does; nothing hangs. It ends by a signal, so
 * that no tool looks for leaks of a thread that it never had. */
START_TEST(forked_children_get_an_error)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 30);
    cnn_loader *threaded = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 3),
               *plain = cnn_loader_new(memory_dataset(30, CNN_F32, CNN_I64), 3, .no_background = true);
    cnn_dataset *callbacks = cnn_dataset_from_callbacks(ctx, &c);
    cnn_batch b;
    cnn_loader_next(threaded, &b);
    int answer[2];
    ck_assert_int_eq(pipe(answer), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        alarm(20);
        cnn_tensor *x;
        bool good = !cnn_loader_next(threaded, &b) && cnn_loader_status(threaded) == CNN_ERROR_STATE &&
                    cnn_loader_next(plain, &b) && cnn_dataset_get(callbacks, 0, &x, NULL) == CNN_ERROR_STATE;
        cnn_loader_free(threaded);
        cnn_loader_free(plain);
        cnn_dataset_free(callbacks);
        if (write(answer[1], good ? "y" : "n", 1) == 1) {
            raise(SIGKILL);
        }
    }
    char said = '?';
    close(answer[1]);
    ck_assert_int_eq((int)read(answer[0], &said, 1), 1);
    close(answer[0]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(said, 'y');
    cnn_loader_free(threaded);
    cnn_loader_free(plain);
    cnn_dataset_free(callbacks);
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
    tcase_add_test(tests, bad_callbacks_are_refused_and_freed);
    tcase_add_test(tests, every_allocation_of_a_dataset_may_fail);
    tcase_add_test(tests, batches_follow_the_epochs_order);
    tcase_add_test(tests, batches_belong_to_the_loader);
    tcase_add_test(tests, empty_datasets_and_bad_loaders);
    tcase_add_test(tests, an_epoch_can_be_chosen);
    tcase_add_test(tests, the_contexts_seed_is_the_default);
    tcase_add_test(tests, background_and_foreground_give_the_same_bits);
    tcase_add_test(tests, next_never_allocates);
    tcase_add_test(tests, a_failing_callback_ends_the_epoch);
    tcase_add_test(tests, callbacks_are_called_one_at_a_time);
    tcase_add_test(tests, freeing_does_not_wait_for_the_batch);
    tcase_add_test(tests, the_loaders_thread_takes_no_signals);
    tcase_add_test(tests, a_thread_that_cannot_begin_is_reported);
    tcase_add_test(tests, forked_children_get_an_error);
    return suite_run(suite);
}
