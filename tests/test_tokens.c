/* Datasets of token ids: samples of integers, several numbers each, with labels of the same form, through subsets, splits
 * and loaders. Every number of every batch is compared with the formula that made it. */
#include "support/data.h"
#include "support/elements.h"

enum { SAMPLES = 203 };

/* Number k of sequence i; beyond what 32 bits or a double's digits of f32 would hold, unless `narrow`. */
static int64_t token(int64_t i, int64_t k, bool narrow)
{
    return (narrow ? -70000 : ((int64_t)1 << 53) + 1) + 1000 * i + k;
}

/* SAMPLES sequences of `length` ids and, as labels, the ids that follow each. */
static cnn_dataset *token_dataset(cnn_dtype dtype, int64_t length)
{
    int64_t *ids = calloc((size_t)(2 * SAMPLES * length), sizeof *ids), *next = ids + SAMPLES * length;
    ck_assert_ptr_nonnull(ids);
    for (int64_t i = 0; i < SAMPLES; i++) {
        for (int64_t k = 0; k < length; k++) {
            int64_t at = i * length + k;
            if (dtype == CNN_I64) {
                ids[at] = token(i, k, false);
                next[at] = token(i, k + 1, false);
            } else {
                ((int32_t *)ids)[at] = (int32_t)token(i, k, true);
                ((int32_t *)next)[at] = (int32_t)token(i, k + 1, true);
            }
        }
    }
    cnn_tensor *x = cnn_tensor_from_data(ctx, dtype, CNN_SHAPE(SAMPLES, length), ids);
    cnn_tensor *y = cnn_tensor_from_data(ctx, dtype, CNN_SHAPE(SAMPLES, length), next);
    free(ids);
    cnn_dataset *d = cnn_dataset_from_tensors(x, y);
    ck_assert_msg(d != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return d;
}

/* Is row `row` of the two tensors sample i? Loops assert on failures alone. */
static void assert_row(const cnn_tensor *x, const cnn_tensor *y, int64_t row, int64_t i, int64_t length, bool narrow)
{
    const int64_t *ids = (const int64_t *)host_elements(x) + row * length;
    const int64_t *next = (const int64_t *)host_elements(y) + row * length;
    for (int64_t k = 0; k < length; k++) {
        if (ids[k] != token(i, k, narrow) || next[k] != token(i, k + 1, narrow)) {
            ck_abort_msg("row %lld is not sample %lld", (long long)row, (long long)i);
        }
    }
}

/* Which sample begins with that id. */
static int64_t sample_of(int64_t id, bool narrow)
{
    return (id - token(0, 0, narrow)) / 1000;
}

/* One epoch: every sample of `expected` (a mark for each) comes once, whole, in batches of the right shape. */
static void assert_epoch(cnn_loader *loader, const bool *expected, int64_t count, int64_t length, bool narrow)
{
    bool seen[SAMPLES] = { false };
    cnn_batch batch;
    int64_t total = 0;
    while (cnn_loader_next(loader, &batch)) {
        ck_assert(cnn_tensor_dtype(batch.images) == CNN_I64 && cnn_tensor_dtype(batch.labels) == CNN_I64);
        ck_assert(cnn_tensor_ndim(batch.images) == 2 && cnn_tensor_size(batch.images, 0) == batch.size);
        ck_assert(cnn_tensor_size(batch.images, 1) == length && cnn_tensor_size(batch.labels, 1) == length);
        const int64_t *ids = host_elements(batch.images);
        for (int64_t row = 0; row < batch.size; row++) {
            int64_t i = sample_of(ids[row * length], narrow);
            if (i < 0 || i >= SAMPLES || !expected[i] || seen[i]) {
                ck_abort_msg("sample %lld comes twice or should not come", (long long)i);
            }
            seen[i] = true;
            assert_row(batch.images, batch.labels, row, i, length, narrow);
        }
        total += batch.size;
    }
    ck_assert_int_eq(cnn_loader_status(loader), CNN_OK);
    ck_assert_int_eq(total, count);
}

/* Both kinds of integers, short sequences that are written at once and long ones that have a thread, in order and
 * shuffled, whole and in part. */
START_TEST(batches_of_tokens_are_the_samples)
{
    const cnn_dtype dtype = _i % 2 ? CNN_I32 : CNN_I64;
    const int64_t length = _i / 2 % 2 ? 600 : 5;
    const bool narrow = dtype == CNN_I32, shuffle = _i / 4;
    cnn_dataset *d = token_dataset(dtype, length);
    bool all[SAMPLES], some[SAMPLES] = { false };
    memset(all, true, sizeof all);
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(d), 16, .shuffle = shuffle, .seed = 3);
    assert_epoch(loader, all, SAMPLES, length, narrow);
    assert_epoch(loader, all, SAMPLES, length, narrow);
    cnn_loader_free(loader);

    const int64_t indices[] = { 200, 7, 100, 3 };
    for (int k = 0; k < 4; k++) {
        some[indices[k]] = true;
    }
    cnn_dataset *subset = cnn_dataset_slice(cnn_dataset_subset(d, indices, 4), 1, 4);
    some[200] = false;
    loader = cnn_loader_new(subset, 2, .shuffle = shuffle, .seed = 3);
    assert_epoch(loader, some, 3, length, narrow);
    cnn_loader_free(loader);
}
END_TEST

START_TEST(pieces_of_a_split_hold_every_sequence_once)
{
    const double lengths[] = { 0.5, 0.5 };
    cnn_dataset *pieces[2];
    bool seen[SAMPLES] = { false };
    ck_assert_int_eq(cnn_dataset_random_split(token_dataset(CNN_I64, 5), lengths, 2, 9, pieces), CNN_OK);
    for (int p = 0; p < 2; p++) {
        for (int64_t i = 0; i < cnn_dataset_size(pieces[p]); i++) {
            cnn_tensor *x, *y;
            ck_assert_int_eq(cnn_dataset_get(pieces[p], i, &x, &y), CNN_OK);
            int64_t sample = sample_of(*(const int64_t *)host_elements(x), false);
            ck_assert(!seen[sample] && cnn_tensor_ndim(x) == 1 && cnn_tensor_dtype(x) == CNN_I64);
            seen[sample] = true;
            assert_row(x, y, 0, sample, 5, false);
            cnn_tensor_free(x);
            cnn_tensor_free(y);
        }
        cnn_dataset_free(pieces[p]);
    }
    for (int i = 0; i < SAMPLES; i++) {
        ck_assert(seen[i]);
    }
}
END_TEST

static cnn_status give_tokens(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    for (int64_t k = 0; k < 5; k++) {
        ((int64_t *)image)[k] = token(index, k, false);
        ((int64_t *)label)[k] = token(index, k + 1, false);
    }
    return CNN_OK;
}

START_TEST(callbacks_may_give_tokens)
{
    const int64_t shape[] = { 5 };
    bool all[SAMPLES];
    memset(all, true, sizeof all);
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = SAMPLES, .image_ndim = 1,
                                              .image_shape = shape, .label_ndim = 1, .label_shape = shape,
                                              .image_dtype = CNN_I64, .label_dtype = CNN_I64, .get = give_tokens };
    cnn_loader *loader = cnn_loader_new(cnn_dataset_from_callbacks(ctx, &callbacks), 7, .shuffle = true);
    assert_epoch(loader, all, SAMPLES, 5, false);
    cnn_loader_free(loader);
}
END_TEST

START_TEST(tokens_are_not_normalised)
{
    const double mean = 0.5, std = 0.5;
    cnn_dataset *d = token_dataset(CNN_I32, 5);
    assert_error(cnn_dataset_normalize(d, 1, &mean, &std), CNN_ERROR_DTYPE,
                 "dataset_normalize: images of integers, which are used as they are");
    cnn_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tokens");
    TCase *tests = suite_case(suite, "tokens", setup, teardown);
    tcase_add_loop_test(tests, batches_of_tokens_are_the_samples, 0, 8);
    tcase_add_test(tests, pieces_of_a_split_hold_every_sequence_once);
    tcase_add_test(tests, callbacks_may_give_tokens);
    tcase_add_test(tests, tokens_are_not_normalised);
    return suite_run(suite);
}
