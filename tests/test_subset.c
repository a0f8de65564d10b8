/* Subsets, slices and random splits of every kind of dataset. */
#include "support/data.h"
#include "support/elements.h"

/* The label of a sample of memory_dataset() is 3 times its number; that of a callback minus its number. */
static int64_t label_of(const cnn_dataset *d, int64_t i)
{
    cnn_tensor *image, *label;
    ck_assert_int_eq(cnn_dataset_get(d, i, &image, &label), CNN_OK);
    int64_t value = cnn_tensor_item_i64(label);
    cnn_tensor_free(image);
    cnn_tensor_free(label);
    return value;
}

static bool same_tensor(const cnn_tensor *a, const cnn_tensor *b)
{
    return cnn_tensor_dtype(a) == cnn_tensor_dtype(b) && same_elements(a, b);
}

/* Is sample i of `part` sample j of `whole`, bit for bit? */
static void assert_same_sample(const cnn_dataset *part, int64_t i, const cnn_dataset *whole, int64_t j)
{
    cnn_tensor *x, *y, *u, *v;
    ck_assert_int_eq(cnn_dataset_get(part, i, &x, &y), CNN_OK);
    ck_assert_int_eq(cnn_dataset_get(whole, j, &u, &v), CNN_OK);
    ck_assert(same_tensor(x, u) && same_tensor(y, v));
    cnn_tensor *all[] = { x, y, u, v };
    for (int k = 0; k < 4; k++) {
        cnn_tensor_free(all[k]);
    }
}

START_TEST(a_subset_has_the_samples_of_its_indices)
{
    static const cnn_dtype dtypes[] = { CNN_U8, CNN_F32, CNN_F64 };
    static const int64_t indices[] = { 8, 0, 3, 3, 9 };
    const double mean[] = { 0.5, 0.25 }, std[] = { 0.5, 2 };
    for (int a = 0; a < 3; a++) {
        for (int channels = 0; channels <= 2; channels++) {
            cnn_dataset *d = memory_dataset(10, dtypes[a], CNN_U8);
            ck_assert(channels == 0 || cnn_dataset_normalize(d, channels, mean, std) == CNN_OK);
            cnn_dataset *s = cnn_dataset_subset(cnn_dataset_share(d), indices, 5);
            ck_assert_msg(s, "%s", cnn_last_error(ctx));
            ck_assert_int_eq((int)cnn_dataset_size(s), 5);
            for (int i = 0; i < 5; i++) {
                assert_same_sample(s, i, d, indices[i]);
            }
            cnn_dataset_free(s);
            cnn_dataset_free(d);
        }
    }
}
END_TEST

/* Whichever of the two is made of the other, the number of the sample is found in one step. */
START_TEST(parts_of_parts_compose)
{
    static const int64_t indices[] = { 5, 1, 4, 0 }, again[] = { 3, 0, 3 };
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 20);
    cnn_dataset *wholes[] = { memory_dataset(20, CNN_U8, CNN_I32), cnn_dataset_from_callbacks(ctx, &c) };
    for (int k = 0; k < 2; k++) {
        cnn_dataset *slice = cnn_dataset_slice(cnn_dataset_share(wholes[k]), 7, 17);
        cnn_dataset *subset = cnn_dataset_subset(cnn_dataset_share(slice), indices, 4); /* 12, 8, 11, 7 */
        cnn_dataset *inner = cnn_dataset_subset(cnn_dataset_share(subset), again, 3);   /* 7, 12, 7 */
        cnn_dataset *cut = cnn_dataset_slice(subset, 1, 3);                             /* 8, 11 */
        cnn_dataset *cut_again = cnn_dataset_slice(cnn_dataset_share(slice), 9, 10);    /* 16 */
        const int64_t of_inner[] = { 7, 12, 7 };
        for (int i = 0; i < 3; i++) {
            assert_same_sample(inner, i, wholes[k], of_inner[i]);
        }
        assert_same_sample(cut, 0, wholes[k], 8);
        assert_same_sample(cut, 1, wholes[k], 11);
        assert_same_sample(cut_again, 0, wholes[k], 16);
        ck_assert(cnn_dataset_size(cut) == 2 && cnn_dataset_size(cut_again) == 1);
        cnn_dataset *all[] = { slice, inner, cut, cut_again, wholes[k] };
        for (int i = 0; i < 5; i++) {
            cnn_dataset_free(all[i]);
        }
    }
    ck_assert_int_eq(atomic_load(&s.freed), 1);
}
END_TEST

START_TEST(a_part_may_be_empty_and_without_labels)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3, 2));
    cnn_dataset *d = cnn_dataset_from_tensors(x, NULL);
    cnn_dataset *none = cnn_dataset_subset(cnn_dataset_share(d), NULL, 0), *nothing = cnn_dataset_slice(d, 3, 3);
    cnn_batch batch;
    cnn_loader *l = cnn_loader_new(none, 2);
    ck_assert(l && !cnn_loader_next(l, &batch) && cnn_loader_status(l) == CNN_OK);
    ck_assert_int_eq((int)cnn_dataset_size(nothing), 0);
    cnn_dataset *two = cnn_dataset_slice(cnn_dataset_from_tensors(x, NULL), 1, 3);
    cnn_tensor *image, *label;
    ck_assert_int_eq(cnn_dataset_get(two, 1, &image, &label), CNN_OK);
    ck_assert_ptr_null(label);
    cnn_tensor_free(image);
    cnn_dataset_free(two);
    cnn_dataset_free(nothing);
    cnn_loader_free(l);
    cnn_tensor_free(x);
}
END_TEST

/* Pixels are never copied, and a slice needs no indices either. */
START_TEST(a_part_costs_no_copy)
{
    cnn_dataset *d = memory_dataset(1000, CNN_F32, CNN_I64);
    size_t before = atomic_load(&meter.now);
    cnn_dataset *slice = cnn_dataset_slice(cnn_dataset_share(d), 0, 999);
    size_t of_slice = atomic_load(&meter.now) - before;
    ck_assert_msg(of_slice < 2048, "a slice takes %zu bytes", of_slice);
    int64_t indices[1000];
    for (int i = 0; i < 1000; i++) {
        indices[i] = 999 - i;
    }
    before = atomic_load(&meter.now);
    cnn_dataset *subset = cnn_dataset_subset(cnn_dataset_share(d), indices, 1000);
    size_t of_subset = atomic_load(&meter.now) - before;
    ck_assert_msg(of_subset < 1000 * sizeof *indices + 2048, "a subset takes %zu bytes", of_subset);
    cnn_dataset_free(slice);
    cnn_dataset_free(subset);
    cnn_dataset_free(d);
}
END_TEST

START_TEST(a_part_has_a_normalisation_of_its_own)
{
    const double zero = 0, one = 1, two = 2;
    cnn_dataset *d = memory_dataset(6, CNN_F32, CNN_I64);
    ck_assert_int_eq(cnn_dataset_normalize(d, 1, &one, &two), CNN_OK);
    cnn_dataset *s = cnn_dataset_slice(cnn_dataset_share(d), 2, 5);
    assert_same_sample(s, 0, d, 2);
    ck_assert_int_eq(cnn_dataset_normalize(d, 1, &zero, &one), CNN_OK);
    cnn_tensor *a, *b;
    ck_assert(cnn_dataset_get(s, 1, &a, NULL) == CNN_OK && cnn_dataset_get(d, 3, &b, NULL) == CNN_OK);
    float part = ((const float *)host_elements(a))[5], whole = ((const float *)host_elements(b))[5];
    ck_assert_float_eq(whole, (float)((3 * IMAGE + 5) % 200));
    ck_assert_float_eq(part, (whole - 1) / 2);
    cnn_tensor_free(a);
    cnn_tensor_free(b);
    cnn_loader *l = cnn_loader_new(cnn_dataset_share(s), 2);
    assert_error(cnn_dataset_normalize(s, 1, &zero, &one), CNN_ERROR_STATE, "a loader is using");
    ck_assert_int_eq(cnn_dataset_normalize(d, 1, &one, &one), CNN_OK); /* the loader reads the part, not the whole */
    cnn_loader_free(l);
    cnn_dataset_free(s);
    cnn_dataset_free(d);
}
END_TEST

/* A loader over a part gives the same batches as one over tensors that hold just those samples, in every epoch's order. */
START_TEST(loaders_read_parts)
{
    cnn_dataset *few = memory_dataset(11, CNN_U8, CNN_U8);
    cnn_dataset *part = cnn_dataset_slice(memory_dataset(40, CNN_U8, CNN_U8), 0, 11);
    cnn_loader *a = cnn_loader_new(few, 4, .shuffle = true, .seed = 3);
    cnn_loader *b = cnn_loader_new(part, 4, .shuffle = true, .seed = 3);
    cnn_batch x, y;
    for (int epoch = 0; epoch < 3; epoch++) {
        int batches = 0;
        while (cnn_loader_next(a, &x)) {
            ck_assert(cnn_loader_next(b, &y));
            ck_assert(same_tensor(x.images, y.images) && same_tensor(x.labels, y.labels));
            batches++;
        }
        ck_assert(!cnn_loader_next(b, &y) && cnn_loader_status(b) == CNN_OK);
        ck_assert_int_eq(batches, 3);
    }
    cnn_loader_free(a);
    cnn_loader_free(b);
}
END_TEST

/* Callbacks are asked for the numbers of the original, one call at a time, also by loaders of several parts at once. */
START_TEST(parts_of_callbacks_share_their_lock)
{
    source s = { .fails = 31 };
    cnn_dataset_callbacks c = source_callbacks(&s, 40);
    const double halves[] = { 20, 20 };
    cnn_dataset *d = cnn_dataset_from_callbacks(ctx, &c), *failing = cnn_dataset_slice(cnn_dataset_share(d), 30, 32), *pieces[2];
    cnn_tensor *x;
    assert_error(cnn_dataset_get(failing, 1, &x, NULL), CNN_ERROR_CALLBACK, "get returned CNN_ERROR_NOT_FOUND for sample 31");
    cnn_dataset_free(failing);
    s.fails = -1;
    ck_assert_int_eq(cnn_dataset_random_split(d, halves, 2, 5, pieces), CNN_OK);
    cnn_loader *loaders[] = { cnn_loader_new(pieces[0], 3), cnn_loader_new(pieces[1], 3) };
    bool seen[40] = { false };
    for (int round = 0; round < 7; round++) {
        for (int k = 0; k < 2; k++) {
            cnn_batch batch;
            ck_assert(cnn_loader_next(loaders[k], &batch));
            const int64_t *labels = host_elements(batch.labels);
            const double *images = host_elements(batch.images);
            for (int64_t i = 0; i < batch.size; i++) {
                int64_t number = -labels[i];
                ck_assert(number >= 0 && number < 40 && !seen[number]);
                ck_assert_double_eq(images[6 * i], (double)(10 * number));
                seen[number] = true;
            }
        }
    }
    cnn_loader_free(loaders[0]);
    cnn_loader_free(loaders[1]);
    ck_assert(!s.overlapped);
    ck_assert_int_eq(atomic_load(&s.freed), 1);
}
END_TEST

/* ---- random splits ---- */

/* Splits 0 to n - 1 and checks the sizes, and that every sample is in one piece; the order goes to `order`. */
static void check_split(int64_t n, const double *lengths, int count, uint64_t seed, const int64_t *sizes, int64_t *order)
{
    cnn_dataset *d = memory_dataset(n, CNN_U8, CNN_I32), *pieces[4] = { d, d, d, d };
    bool seen[64] = { false };
    int64_t at = 0;
    ck_assert_int_eq(cnn_dataset_random_split(d, lengths, count, seed, pieces), CNN_OK);
    for (int k = 0; k < count; k++) {
        ck_assert_int_eq((int)cnn_dataset_size(pieces[k]), (int)sizes[k]);
        for (int64_t i = 0; i < sizes[k]; i++) {
            int64_t number = label_of(pieces[k], i) / 3;
            ck_assert(!seen[number]);
            seen[number] = true;
            order[at++] = number;
        }
        cnn_dataset_free(pieces[k]);
    }
    ck_assert_int_eq((int)at, (int)n);
}

START_TEST(splits_are_disjoint_and_complete)
{
    int64_t order[64];
    static const struct {
        int64_t n;
        int count;
        double lengths[4];
        int64_t sizes[4];
    } splits[] = {
        { 10, 2, { 7, 3 }, { 7, 3 } },
        { 10, 3, { 0, 10, 0 }, { 0, 10, 0 } },
        { 10, 1, { 10 }, { 10 } },
        { 10, 1, { 1 }, { 10 } },
        { 10, 2, { 0.8, 0.2 }, { 8, 2 } },
        /* As torch.utils.data.random_split has it, 11 x 0.25 and 11 x 0.5 are rounded down, and two are left over. */
        { 11, 3, { 0.25, 0.5, 0.25 }, { 3, 6, 2 } },
        { 3, 4, { 0.25, 0.25, 0.25, 0.25 }, { 1, 1, 1, 0 } },
        { 10, 3, { 0.1, 0.2, 0.7 }, { 1, 2, 7 } },
        { 1, 2, { 1, 0 }, { 1, 0 } },
    };
    for (size_t k = 0; k < sizeof splits / sizeof *splits; k++) {
        check_split(splits[k].n, splits[k].lengths, splits[k].count, 9, splits[k].sizes, order);
    }
}
END_TEST

START_TEST(splits_follow_from_the_seed_alone)
{
    static const double lengths[] = { 30, 20 };
    static const int64_t sizes[] = { 30, 20 };
    int64_t first[64], again[64], other[64], of_context[64];
    check_split(50, lengths, 2, 7, sizes, first);
    cnn_tensor_free(cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(5))); /* moves the context's stream */
    check_split(50, lengths, 2, 7, sizes, again);
    check_split(50, lengths, 2, 8, sizes, other);
    check_split(50, lengths, 2, 0, sizes, of_context); /* the context's seed is 7 */
    ck_assert(memcmp(first, again, 50 * sizeof *first) == 0);
    ck_assert(memcmp(first, of_context, 50 * sizeof *first) == 0);
    ck_assert(memcmp(first, other, 50 * sizeof *first) != 0);
    bool sorted = true;
    for (int i = 1; i < 50; i++) {
        sorted &= first[i - 1] < first[i];
    }
    ck_assert(!sorted);
}
END_TEST

START_TEST(bad_parts_are_refused)
{
    static const int64_t indices[] = { 0, 5 };
    cnn_dataset *d = memory_dataset(5, CNN_U8, CNN_U8), *pieces[3] = { d, d, d };
#define SHARED cnn_dataset_share(d)
    ck_assert_ptr_null(cnn_dataset_subset(SHARED, indices, 2));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT,
                 "dataset_subset: indices[1] is 5, but the dataset has 5 samples");
    ck_assert_ptr_null(cnn_dataset_subset(SHARED, indices, -1));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "count is -1");
    ck_assert_ptr_null(cnn_dataset_subset(SHARED, NULL, 1));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "indices is NULL");
    ck_assert_ptr_null(cnn_dataset_slice(SHARED, 2, 6));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT,
                 "dataset_slice: start is 2 and end is 6, expected 0 <= start <= end <= 5");
    ck_assert_ptr_null(cnn_dataset_slice(SHARED, 3, 2));
    ck_assert_ptr_null(cnn_dataset_slice(SHARED, -1, 2));
    static const struct {
        double lengths[3];
        const char *message;
    } bad[] = { { { 2, 2, 2 }, "sum neither to 1" },          { { 1, 1, 1 }, "the dataset's 5 samples" },
                { { 2.5, 2.5, 0 }, "sum neither to 1" },      { { -1, 3, 3 }, "lengths[0] is -1" },
                { { 2, 3, NAN }, "lengths[2] is" },           { { INFINITY, 0, 0 }, "lengths[0] is inf" },
                { { 1e300, 1e300, 1 }, "sum neither to 1" }, { { 0.3, 0.3, 0.3 }, "sum neither to 1" } };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        pieces[0] = pieces[1] = pieces[2] = d;
        assert_error(cnn_dataset_random_split(SHARED, bad[k].lengths, 3, 1, pieces), CNN_ERROR_INVALID_ARGUMENT,
                     bad[k].message);
        ck_assert(!pieces[0] && !pieces[1] && !pieces[2]);
    }
    assert_error(cnn_dataset_random_split(SHARED, bad[0].lengths, 0, 1, pieces), CNN_ERROR_INVALID_ARGUMENT, "count is 0");
    assert_error(cnn_dataset_random_split(SHARED, NULL, 3, 1, pieces), CNN_ERROR_INVALID_ARGUMENT, "lengths is NULL");
    assert_error(cnn_dataset_random_split(SHARED, bad[0].lengths, 3, 1, NULL), CNN_ERROR_INVALID_ARGUMENT, "pieces is NULL");
    /* NULL keeps the message of the call that failed, so that calls nest. */
    ck_assert_ptr_null(cnn_dataset_slice(cnn_mnist_open(ctx, "/nonexistent", CNN_MNIST_TEST), 0, 1));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "mnist_open: no t10k-images");
    cnn_context_clear_error(ctx);
    ck_assert_ptr_null(cnn_dataset_subset(NULL, indices, 2));
    ck_assert_str_eq(cnn_last_error(NULL), "dataset_subset: dataset is NULL");
    cnn_dataset_free(d);
}
END_TEST

static cnn_status use_parts(cnn_dataset *d)
{
    static const int64_t indices[] = { 4, 1, 1, 0 };
    static const double halves[] = { 0.5, 0.5 };
    cnn_dataset *pieces[2];
    cnn_dataset *part = cnn_dataset_slice(cnn_dataset_subset(cnn_dataset_share(d), indices, 4), 1, 4);
    if (!part) {
        return cnn_context_status(ctx);
    }
    cnn_status status = cnn_dataset_random_split(part, halves, 2, 0, pieces);
    cnn_dataset_free(pieces[0]);
    cnn_dataset_free(pieces[1]);
    return status;
}

START_TEST(every_allocation_of_a_part_may_fail)
{
    source s = { .fails = -1 };
    cnn_dataset_callbacks c = source_callbacks(&s, 5);
    cnn_dataset *wholes[] = { memory_dataset(5, CNN_U8, CNN_U8), cnn_dataset_from_callbacks(ctx, &c) };
    for (int k = 0; k < 2; k++) {
        cnn_status status = CNN_ERROR_NO_MEMORY;
        long n = 0;
        for (; status != CNN_OK; n++) {
            meter_reset();
            size_t before = atomic_load(&meter.now);
            atomic_store(&meter.fail_on, 0);
            atomic_store(&meter.fail_at, n);
            status = use_parts(wholes[k]);
            meter_reset();
            ck_assert_uint_eq(atomic_load(&meter.now), before);
            ck_assert(status == CNN_OK || status == CNN_ERROR_NO_MEMORY);
        }
        ck_assert_int_gt(n, 6);
        cnn_dataset_free(wholes[k]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("subset");
    TCase *tests = suite_case(suite, "subset", setup, teardown);
    tcase_add_test(tests, a_subset_has_the_samples_of_its_indices);
    tcase_add_test(tests, parts_of_parts_compose);
    tcase_add_test(tests, a_part_may_be_empty_and_without_labels);
    tcase_add_test(tests, a_part_costs_no_copy);
    tcase_add_test(tests, a_part_has_a_normalisation_of_its_own);
    tcase_add_test(tests, loaders_read_parts);
    tcase_add_test(tests, parts_of_callbacks_share_their_lock);
    tcase_add_test(tests, splits_are_disjoint_and_complete);
    tcase_add_test(tests, splits_follow_from_the_seed_alone);
    tcase_add_test(tests, bad_parts_are_refused);
    tcase_add_test(tests, every_allocation_of_a_part_may_fail);
    return suite_run(suite);
}
