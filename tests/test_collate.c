/* Samples that are tensors of different shapes, and the collate callbacks that make batches of them. */
#include "support/data.h"

/* ---- sequences ---- */

typedef struct sequences {
    atomic_int inside, most;
    int64_t fails; /* the sample whose make fails; −1: none */
    int mode;      /* how a sample is made wrong; 0: it is not */
    bool label_sequences, no_labels;
    cnn_context *other;
} sequences;

static int64_t length_of(int64_t i)
{
    return 1 + i * 5 % 7;
}

/* Sample i is [length, 2] of 100 i + k; its label is i, or a sequence of length + 1 numbers −i. */
static cnn_status make_sequence(int64_t index, cnn_tensor **image, cnn_tensor **label, void *user)
{
    sequences *s = user;
    int now = atomic_fetch_add(&s->inside, 1) + 1;
    for (int most = atomic_load(&s->most); most < now && !atomic_compare_exchange_weak(&s->most, &most, now);) {
    }
    int64_t length = length_of(index), numbers[9];
    float values[16];
    for (int k = 0; k < 2 * length; k++) {
        values[k] = (float)(100 * index + k);
    }
    for (int k = 0; k < 9; k++) {
        numbers[k] = s->label_sequences ? -index : index;
    }
    cnn_status status = index == s->fails ? CNN_ERROR_NOT_FOUND : CNN_OK;
    if (status == CNN_OK) {
        *image = cnn_tensor_empty(s->mode == 1 ? s->other : ctx, CNN_F32, CNN_SHAPE(length, 2));
        status = *image ? cnn_tensor_write(*image, values, (size_t)length * 2 * sizeof(float)) : CNN_ERROR_NO_MEMORY;
    }
    if (status == CNN_OK && !s->no_labels) {
        *label = s->label_sequences ? cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(length + 1)) : cnn_tensor_empty(ctx, CNN_I64, CNN_SCALAR);
        status = *label ? cnn_tensor_write(*label, numbers, (size_t)cnn_tensor_numel(*label) * sizeof(int64_t)) : CNN_ERROR_NO_MEMORY;
    }
    if (status != CNN_OK) {
        cnn_tensor_free(*image);
        cnn_tensor_free(*label);
    } else if (s->mode == 2) {
        cnn_tensor_free(*image);
        *image = NULL;
    } else if (s->mode == 3) {
        cnn_tensor_free(*label);
        *label = *image;
    }
    atomic_fetch_sub(&s->inside, 1);
    return status;
}

static cnn_dataset *sequence_dataset(sequences *s, int64_t size, bool concurrent)
{
    const cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = size, .make = make_sequence, .user = s, .concurrent = concurrent };
    return cnn_dataset_from_callbacks(ctx, &c);
}

/* The padded batch of samples first, first + 1, …, in either layout. */
static void assert_padded(const cnn_batch *b, int64_t first, bool batch_first, float value)
{
    int64_t longest = 0;
    for (int64_t i = 0; i < b->size; i++) {
        longest = length_of(first + i) > longest ? length_of(first + i) : longest;
    }
    ck_assert_int_eq(cnn_tensor_ndim(b->images), 3);
    ck_assert(cnn_tensor_size(b->images, !batch_first) == b->size && cnn_tensor_size(b->images, batch_first) == longest);
    ck_assert(cnn_tensor_size(b->images, 2) == 2);
    const float *x = host_elements(b->images);
    for (int64_t i = 0; i < b->size; i++) {
        for (int64_t t = 0; t < longest; t++) {
            for (int c = 0; c < 2; c++) {
                float got = x[(batch_first ? i * longest + t : t * b->size + i) * 2 + c];
                ck_assert(got == (t < length_of(first + i) ? (float)(100 * (first + i) + 2 * t + c) : value));
            }
        }
    }
    const int64_t *lengths = host_elements(b->lengths);
    ck_assert(cnn_tensor_ndim(b->lengths) == 1 && cnn_tensor_size(b->lengths, 0) == b->size);
    for (int64_t i = 0; i < b->size; i++) {
        ck_assert(lengths[i] == length_of(first + i));
    }
}

START_TEST(sequences_are_padded_to_the_longest)
{
    static const int counts[] = { 0, 1, 4 };
    for (int variant = 0; variant < 6; variant++) {
        sequences s = { .fails = -1 };
        bool batch_first = variant & 1;
        cnn_pad_collate_options pad = { .struct_size = sizeof pad, .value = batch_first ? -7 : 0, .batch_first = batch_first };
        cnn_loader *l = cnn_loader_new(sequence_dataset(&s, 11, true), 4, .collate = cnn_pad_collate,
                                       .collate_user = batch_first ? &pad : NULL, .threads = counts[variant / 2],
                                       .no_background = !counts[variant / 2]);
        ck_assert_msg(l, "%s", cnn_last_error(ctx));
        for (int epoch = 0; epoch < 2; epoch++) {
            cnn_batch b, previous = { .size = 0 };
            for (int i = 0; i < 3; i++) {
                ck_assert_msg(cnn_loader_next(l, &b), "%s", cnn_last_error(ctx));
                ck_assert_int_eq((int)b.size, i == 2 ? 3 : 4);
                ck_assert_int_eq((int)b.index, i);
                assert_padded(&b, 4 * i, batch_first, batch_first ? -7 : 0);
                ck_assert_int_eq(cnn_tensor_ndim(b.labels), 1);
                ck_assert(((const int64_t *)host_elements(b.labels))[1] == 4 * i + 1);
                ck_assert_ptr_null(b.label_lengths);
                if (i > 0) { /* the batch before still has its values */
                    assert_padded(&previous, 4 * i - 4, batch_first, batch_first ? -7 : 0);
                }
                previous = b;
            }
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        }
        cnn_loader_free(l);
        ck_assert_int_le(atomic_load(&s.most), counts[variant / 2] ? counts[variant / 2] : 1);
    }
}
END_TEST

START_TEST(label_sequences_are_padded_too)
{
    sequences s = { .fails = -1, .label_sequences = true };
    cnn_pad_collate_options pad = { .struct_size = sizeof pad, .label_value = 9 };
    cnn_loader *l = cnn_loader_new(sequence_dataset(&s, 3, false), 3, .collate = cnn_pad_collate, .collate_user = &pad);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b)); /* lengths 1, 6 and 4 */
    ck_assert(cnn_tensor_size(b.labels, 0) == 7 && cnn_tensor_size(b.labels, 1) == 3);
    const int64_t *y = host_elements(b.labels);
    for (int t = 0; t < 7; t++) {
        for (int i = 0; i < 3; i++) {
            ck_assert(y[3 * t + i] == (t < length_of(i) + 1 ? -i : 9));
        }
    }
    const int64_t *lengths = host_elements(b.label_lengths);
    ck_assert(lengths[0] == 2 && lengths[1] == 7 && lengths[2] == 5);
    cnn_loader_free(l);
    s = (sequences){ .fails = -1, .no_labels = true };
    l = cnn_loader_new(sequence_dataset(&s, 3, false), 3, .collate = cnn_pad_collate);
    ck_assert(cnn_loader_next(l, &b));
    ck_assert_ptr_null(b.labels);
    cnn_loader_free(l);
}
END_TEST

/* Samples of one shape, from memory, are tensors too for a collate callback. */
START_TEST(any_dataset_can_be_collated)
{
    cnn_pad_collate_options pad = { .struct_size = sizeof pad, .batch_first = true };
    cnn_dataset *d = memory_dataset(10, CNN_U8, CNN_U8);
    cnn_loader *a = cnn_loader_new(cnn_dataset_share(d), 4, .shuffle = true),
               *b = cnn_loader_new(d, 4, .shuffle = true, .collate = cnn_pad_collate, .collate_user = &pad, .threads = 3);
    assert_same_batches(a, b, 8);
}
END_TEST

START_TEST(single_samples_and_parts_are_tensors)
{
    sequences s = { .fails = -1 };
    const int64_t indices[] = { 5, 2 };
    cnn_dataset *d = cnn_dataset_subset(sequence_dataset(&s, 9, false), indices, 2);
    cnn_tensor *x, *y;
    ck_assert_int_eq(cnn_dataset_get(d, 1, &x, &y), CNN_OK);
    ck_assert(cnn_tensor_size(x, 0) == length_of(2) && cnn_tensor_item_i64(y) == 2);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    ck_assert_int_eq(cnn_dataset_get(d, 0, &x, NULL), CNN_OK);
    ck_assert(cnn_tensor_size(x, 0) == length_of(5));
    cnn_tensor_free(x);
    ck_assert_ptr_null(cnn_loader_new(cnn_dataset_share(d), 2));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "loader_create: collate is NULL, expected a callback for a dataset");
    cnn_loader *l = cnn_loader_new(d, 2, .collate = cnn_pad_collate);
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    ck_assert(((const int64_t *)host_elements(b.labels))[0] == 5);
    cnn_loader_free(l);
}
END_TEST

/* ---- what a dataset makes wrong ---- */

START_TEST(unfit_samples_are_refused_and_freed)
{
    sequences s = { .fails = 3 };
    cnn_loader *l = cnn_loader_new(sequence_dataset(&s, 8, true), 4, .collate = cnn_pad_collate, .threads = 3);
    cnn_batch b;
    ck_assert(!cnn_loader_next(l, &b));
    ck_assert_str_eq(cnn_last_error(ctx), "loader_next: the dataset's make returned CNN_ERROR_NOT_FOUND for sample 3");
    static const char *const reasons[] = { "", "gave an unfit image for sample 0", "gave no image for sample 0",
                                           "gave an unfit label for sample 0" };
    cnn_loader_free(l);
    for (int mode = 1; mode <= 3; mode++) {
        s = (sequences){ .fails = -1, .mode = mode, .other = metered_context(1) };
        cnn_dataset *d = sequence_dataset(&s, 1, false);
        cnn_tensor *x = NULL;
        assert_error(cnn_dataset_get(d, 0, &x, NULL), CNN_ERROR_CALLBACK, reasons[mode]);
        assert_error(cnn_context_status(ctx), CNN_ERROR_CALLBACK, "expected a tensor of its own in the dataset's context");
        cnn_dataset_free(d);
        cnn_context_free(s.other);
    }
}
END_TEST

START_TEST(get_and_make_exclude_each_other)
{
    sequences s = { .fails = -1 };
    cnn_dataset_callbacks c = { .struct_size = sizeof c, .size = 3, .make = make_sequence, .get = source_get, .user = &s };
    ck_assert_ptr_null(cnn_dataset_from_callbacks(ctx, &c));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "both get and make are given, expected one of them");
    c.make = NULL;
    c.get = NULL;
    ck_assert_ptr_null(cnn_dataset_from_callbacks(ctx, &c));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "get is NULL, and so is make");
}
END_TEST

/* ---- callbacks of the user's ---- */

/* The sums of the images as one tensor, and as labels the first image itself. `user` says what is wrong. */
static cnn_status sum_up(cnn_tensor *const *images, cnn_tensor *const *labels, int64_t count, cnn_batch *batch, void *user)
{
    int mode = *(int *)user;
    (void)labels;
    ck_assert(batch->size == count);
    if (mode == 1) {
        return CNN_ERROR_IO;
    }
    if (mode == 2) {
        return CNN_OK;
    }
    if (mode == 3) {
        return cnn_tensor_fill(NULL, 0);
    }
    batch->images = cnn_tensor_full(ctx, CNN_F32, (double)cnn_tensor_numel(images[0]), CNN_SHAPE(1));
    batch->labels = mode == 4 ? images[0] : mode == 5 ? batch->images : cnn_tensor_share(images[0]);
    return CNN_OK;
}

START_TEST(a_collate_callback_makes_any_batch)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        sequences s = { .fails = -1 };
        int mode = 0;
        cnn_loader *l = cnn_loader_new(sequence_dataset(&s, 8, true), 2, .collate = sum_up, .collate_user = &mode,
                                       .no_background = foreground, .threads = foreground ? 0 : 2);
        cnn_batch b;
        for (int i = 0; i < 4; i++) {
            ck_assert_msg(cnn_loader_next(l, &b), "%s", cnn_last_error(ctx));
            ck_assert_double_eq(cnn_tensor_item(b.images), (double)(2 * length_of(2 * i)));
            ck_assert(((const float *)host_elements(b.labels))[0] == (float)(200 * i)); /* shared with the sample */
            cnn_context_clear_error(ctx);
            cnn_tensor_free(b.images);
            ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_STATE);
        }
        cnn_loader_free(l);
    }
}
END_TEST

START_TEST(bad_batches_are_refused)
{
    static const char *const reasons[] = {
        "", "loader_next: collate returned CNN_ERROR_IO for batch 0", "loader_next: collate gave no images for batch 0, expected tensors",
        "loader_next: collate returned CNN_ERROR_INVALID_ARGUMENT for batch 0 (tensor_fill: ",
        "loader_next: collate gave labels for batch 0, expected tensors of its own in the loader's context",
        "loader_next: collate gave labels for batch 0, expected tensors of its own" };
    for (int mode = 1; mode <= 5; mode++) {
        for (int foreground = 0; foreground < 2; foreground++) {
            sequences s = { .fails = -1 };
            int user = mode;
            cnn_loader *l = cnn_loader_new(sequence_dataset(&s, 8, true), 4, .collate = sum_up, .collate_user = &user,
                                           .no_background = foreground, .threads = foreground ? 0 : 2);
            cnn_batch b;
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_CALLBACK);
            assert_error(cnn_context_status(ctx), CNN_ERROR_CALLBACK, reasons[mode]);
            user = 0;
            ck_assert_int_eq((int)cnn_loader_epoch(l), 1);
            ck_assert(cnn_loader_next(l, &b));
            cnn_loader_free(l);
        }
    }
}
END_TEST

/* ---- the padding ---- */

static cnn_tensor *zeros(cnn_dtype dtype, int ndim, const int64_t *shape)
{
    return cnn_tensor_zeros(ctx, dtype, ndim, shape);
}

START_TEST(sequences_that_do_not_fit_are_named)
{
    cnn_tensor *a = zeros(CNN_F32, CNN_SHAPE(2, 3)), *b = zeros(CNN_F32, CNN_SHAPE(4, 2)), *c = zeros(CNN_F64, CNN_SHAPE(4, 3)),
               *d = zeros(CNN_F32, CNN_SHAPE(3)), *scalar = zeros(CNN_I64, CNN_SCALAR), *foreign, *deep = zeros(CNN_F32, CNN_SHAPE(1, 1, 1, 1, 1, 1, 1, 1));
    cnn_context *other = metered_context(1);
    foreign = cnn_tensor_zeros(other, CNN_F32, CNN_SHAPE(2, 3));
    const struct {
        cnn_tensor *images[2], *labels[2];
        cnn_status status;
        const char *reason;
    } cases[] = {
        { { a, b }, { NULL }, CNN_ERROR_SHAPE,
          "pad_collate: the image of sample 1 has shape [4,2] and that of sample 0 has [2,3], expected them to differ in the first size alone" },
        { { a, d }, { NULL }, CNN_ERROR_SHAPE, "the image of sample 1 has shape [3]" },
        { { a, c }, { NULL }, CNN_ERROR_DTYPE, "pad_collate: the image of sample 1 is float64, but that of sample 0 is float32" },
        { { a, foreign }, { NULL }, CNN_ERROR_STATE, "pad_collate: the image of sample 1 is of another context than that of sample 0" },
        { { a, NULL }, { NULL }, CNN_ERROR_INVALID_ARGUMENT, "pad_collate: the image of sample 1 is NULL" },
        { { NULL, a }, { NULL }, CNN_ERROR_INVALID_ARGUMENT, "pad_collate: the image of sample 0 is NULL" },
        { { scalar, scalar }, { NULL }, CNN_ERROR_SHAPE, "pad_collate: images of rank 0, expected [length, ...]" },
        { { deep, deep }, { NULL }, CNN_ERROR_SHAPE, "pad_collate: samples of 8 dimensions, expected at most 7" },
        { { a, a }, { scalar, NULL }, CNN_ERROR_INVALID_ARGUMENT, "pad_collate: the label of sample 1 is NULL" },
        { { a, a }, { scalar, d }, CNN_ERROR_DTYPE, "the label of sample 1 is float32, but that of sample 0 is int64" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnn_batch batch = { .size = 2 };
        assert_error(cnn_pad_collate(cases[i].images, i < 8 ? NULL : cases[i].labels, 2, &batch, NULL), cases[i].status, cases[i].reason);
        ck_assert(!batch.images && !batch.labels && !batch.lengths && !batch.label_lengths);
    }
    cnn_batch batch = { .size = 2 };
    const cnn_pad_collate_options garbage = { .struct_size = 3 };
    assert_error(cnn_pad_collate(NULL, NULL, 2, &batch, NULL), CNN_ERROR_INVALID_ARGUMENT, "pad_collate: images is NULL");
    assert_error(cnn_pad_collate(&a, NULL, 0, &batch, NULL), CNN_ERROR_INVALID_ARGUMENT, "pad_collate: count is below 1");
    assert_error(cnn_pad_collate(&a, NULL, 1, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "pad_collate: batch is NULL");
    assert_error(cnn_pad_collate(&a, NULL, 1, &batch, (void *)(uintptr_t)&garbage), CNN_ERROR_INVALID_ARGUMENT, "pad_collate: struct_size is 3");
    cnn_tensor *const all[] = { a, b, c, d, scalar, deep, foreign };
    for (int i = 0; i < 7; i++) {
        cnn_tensor_free(all[i]);
    }
    cnn_context_free(other);
}
END_TEST

START_TEST(empty_sequences_are_padded)
{
    cnn_tensor *pair[] = { zeros(CNN_F32, CNN_SHAPE(0, 3)), cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 3)) };
    cnn_pad_collate_options pad = { .struct_size = sizeof pad, .value = 5 };
    cnn_batch b = { .size = 2 };
    ck_assert_int_eq(cnn_pad_collate(pair, NULL, 2, &b, &pad), CNN_OK);
    static const float expected[] = { 5, 5, 5, 1, 1, 1 };
    ck_assert_mem_eq(host_elements(b.images), expected, sizeof expected);
    cnn_tensor_free(b.images);
    cnn_tensor_free(b.lengths);
    cnn_tensor_free(pair[1]);
    pair[1] = cnn_tensor_share(pair[0]);
    ck_assert_int_eq(cnn_pad_collate(pair, NULL, 2, &b, &pad), CNN_OK); /* nothing at all */
    ck_assert(cnn_tensor_numel(b.images) == 0 && cnn_tensor_size(b.images, 1) == 2);
    cnn_tensor_free(b.images);
    cnn_tensor_free(b.lengths);
    cnn_tensor_free(pair[0]);
    cnn_tensor_free(pair[1]);
}
END_TEST

/* Whichever allocation fails, the epoch ends with it, everything is freed, and the loader goes on. */
START_TEST(collating_survives_failing_allocations)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        bool done = false;
        for (long n = 0; !done; n++) {
            sequences s = { .fails = -1, .label_sequences = true };
            cnn_loader *l = NULL;
            cnn_batch b;
            cnn_dataset *d = sequence_dataset(&s, 6, true);
            meter_reset();
            atomic_store(&meter.fail_at, n);
            l = cnn_loader_new(d, 3, .collate = cnn_pad_collate, .threads = foreground ? 0 : 2, .no_background = foreground);
            int given = 0;
            while (l && cnn_loader_next(l, &b)) {
                given++;
            }
            done = l && cnn_loader_status(l) == CNN_OK;
            meter_reset();
            if (l && !done) {
                ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_NO_MEMORY);
                ck_assert(cnn_loader_next(l, &b) && cnn_loader_next(l, &b) && !cnn_loader_next(l, &b));
                ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
            }
            ck_assert(!done || given == 2);
            cnn_loader_free(l);
            ck_assert_int_lt(n, 200);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("collate");
    TCase *tests = suite_case(suite, "collate", setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, sequences_are_padded_to_the_longest);
    tcase_add_test(tests, label_sequences_are_padded_too);
    tcase_add_test(tests, any_dataset_can_be_collated);
    tcase_add_test(tests, single_samples_and_parts_are_tensors);
    tcase_add_test(tests, unfit_samples_are_refused_and_freed);
    tcase_add_test(tests, get_and_make_exclude_each_other);
    tcase_add_test(tests, a_collate_callback_makes_any_batch);
    tcase_add_test(tests, bad_batches_are_refused);
    tcase_add_test(tests, sequences_that_do_not_fit_are_named);
    tcase_add_test(tests, empty_sequences_are_padded);
    tcase_add_test(tests, collating_survives_failing_allocations);
    return suite_run(suite);
}
