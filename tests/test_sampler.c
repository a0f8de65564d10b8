/* Samplers: the orders that they make, and loaders that go by them. */
#include "base/random.h"
#include "support/data.h"

#include <math.h>

/* The order of a shuffling loader of n samples. */
static void shuffled(uint64_t seed, int64_t epoch, int64_t n, int64_t *order)
{
    const uint64_t key[2] = { seed, (uint64_t)1 << 63 | (uint64_t)epoch };
    cnn__random_permutation(key, n, order);
}

/* ---- weighted ---- */

/* The frequency of each sample is within four standard deviations of what its weight says. */
START_TEST(weights_are_frequencies)
{
    enum { N = 5, DRAWS = 40000 };
    static const double weights[N] = { 1, 0, 3, 0.5, 5.5 };
    int64_t *order = malloc(DRAWS * sizeof *order), counts[N] = { 0 };
    ck_assert_ptr_nonnull(order);
    cnn_sampler *s = cnn_weighted_random_sampler_create(ctx, weights, N, DRAWS, true);
    ck_assert_msg(s, "%s", cnn_last_error(ctx));
    ck_assert_int_eq((int)cnn_sampler_count(s), DRAWS);
    ck_assert_int_eq(cnn_sampler_order(s, 11, 0, order), CNN_OK);
    for (int i = 0; i < DRAWS; i++) {
        ck_assert(order[i] >= 0 && order[i] < N);
        counts[order[i]]++;
    }
    for (int k = 0; k < N; k++) {
        double p = weights[k] / 10, sigma = sqrt(DRAWS * p * (1 - p));
        ck_assert_double_le(fabs((double)counts[k] - DRAWS * p), 4 * sigma);
    }
    cnn_sampler_free(s);
    free(order);
}
END_TEST

/* Without replacement the first of three draws is i with probability w[i] / sum, and the second of two that are left is
 * j with w[j] / (sum − w[i]); nothing is drawn twice, and nothing of weight 0 at all. */
START_TEST(draws_without_replacement_follow_the_weights_that_are_left)
{
    enum { N = 4, EPOCHS = 20000 };
    static const double weights[N] = { 1, 0, 2, 5 };
    int64_t order[3];
    int first[N] = { 0 }, second[N][N] = { { 0 } };
    cnn_sampler *s = cnn_weighted_random_sampler_create(ctx, weights, N, 3, false);
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
        ck_assert_int_eq(cnn_sampler_order(s, 5, epoch, order), CNN_OK);
        ck_assert(order[0] != order[1] && order[1] != order[2] && order[0] != order[2]);
        ck_assert(order[0] != 1 && order[1] != 1 && order[2] != 1);
        first[order[0]]++;
        second[order[0]][order[1]]++;
    }
    for (int i = 0; i < N; i++) {
        double p = weights[i] / 8;
        ck_assert_double_le(fabs(first[i] - EPOCHS * p), 4 * sqrt(EPOCHS * p * (1 - p)));
        for (int k = 0; k < N && weights[i] > 0; k++) {
            double q = i == k ? 0 : weights[k] / (8 - weights[i]);
            ck_assert_double_le(fabs(second[i][k] - first[i] * q), 4 * sqrt(first[i] * q * (1 - q)));
        }
    }
    cnn_sampler_free(s);
}
END_TEST

/* Weights of very different sizes leave no rounding errors behind: all samples are drawn, each once. */
START_TEST(all_of_a_thousand_weights_are_drawn_once)
{
    enum { N = 1000 };
    double weights[N];
    int64_t order[N];
    bool seen[N] = { false };
    for (int i = 0; i < N; i++) {
        weights[i] = pow(10, i % 300 - 150);
    }
    cnn_sampler *s = cnn_weighted_random_sampler_create(ctx, weights, N, N, false);
    ck_assert_int_eq(cnn_sampler_order(s, 0, 3, order), CNN_OK);
    for (int i = 0; i < N; i++) {
        ck_assert(order[i] >= 0 && order[i] < N && !seen[order[i]]);
        seen[order[i]] = true;
    }
    cnn_sampler_free(s);
}
END_TEST

START_TEST(bad_weights_are_refused)
{
    const double good[] = { 1, 0, 2 }, zeros[] = { 0, 0, 0 }, below[] = { 1, -1, 1 }, nothing[] = { 1, 1, NAN },
                 huge[] = { 1e308, 1e308, 1e308 };
    const struct {
        const double *weights;
        int64_t size, count;
        bool replacement;
        const char *reason;
    } cases[] = {
        { good, 3, -1, true, "weighted_random_sampler_create: count is -1, expected 0 or more" },
        { good, -1, 1, true, "size is -1, expected 0 to 2^56" },
        { NULL, 3, 1, true, "weights is NULL" },
        { zeros, 3, 1, true, "the weights sum to 0, expected a finite number above 0" },
        { NULL, 0, 1, true, "the weights sum to 0" },
        { below, 3, 1, true, "weights[1] is -1, expected a finite number, 0 or more" },
        { nothing, 3, 1, true, "weights[2] is nan" },
        { huge, 3, 1, true, "the weights sum to inf" },
        { good, 3, 3, false, "count is 3 without replacement, but only 2 weights are above 0" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_ptr_null(cnn_weighted_random_sampler_create(ctx, cases[i].weights, cases[i].size, cases[i].count, cases[i].replacement));
        assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, cases[i].reason);
    }
    ck_assert_ptr_null(cnn_weighted_random_sampler_create(NULL, good, 3, 1, true));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "weighted_random_sampler_create: ctx is NULL");
    cnn_sampler *s = cnn_weighted_random_sampler_create(ctx, NULL, 0, 0, true);
    ck_assert_ptr_nonnull(s);
    cnn_sampler_free(s);
}
END_TEST

/* ---- subset ---- */

START_TEST(a_subset_is_permuted_as_a_shuffle_would)
{
    static const int64_t indices[] = { 4, 9, 9, 0, 7 };
    cnn_sampler *s = cnn_subset_random_sampler_create(ctx, indices, 5);
    for (int64_t epoch = 0; epoch < 4; epoch++) {
        int64_t order[5], expected[5];
        shuffled(3, epoch, 5, expected);
        ck_assert_int_eq(cnn_sampler_order(s, 3, epoch, order), CNN_OK);
        for (int i = 0; i < 5; i++) {
            ck_assert(order[i] == indices[expected[i]]);
        }
    }
    cnn_sampler_free(s);
    const int64_t bad[] = { 1, -3 };
    ck_assert_ptr_null(cnn_subset_random_sampler_create(ctx, bad, 2));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "subset_random_sampler_create: indices[1] is -3, expected");
    ck_assert_ptr_null(cnn_subset_random_sampler_create(ctx, NULL, 2));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "indices is NULL");
    ck_assert_ptr_null(cnn_subset_random_sampler_create(ctx, bad, -2));
}
END_TEST

/* ---- distributed ---- */

/* PyTorch's DistributedSampler, step by step: the list of all samples is cut or repeated to a multiple of the ranks, and
 * every ranks-th of it is taken. */
START_TEST(ranks_share_an_epoch_as_in_pytorch)
{
    static const int sizes[] = { 0, 1, 2, 3, 10, 11, 12, 31 };
    for (int k = 0; k < 8; k++) {
        for (int ranks = 1; ranks <= 7; ranks++) {
            for (int variant = 0; variant < 4; variant++) {
                bool shuffle = variant & 1, drop = variant & 2;
                int size = sizes[k], each = drop ? size / ranks : (size + ranks - 1) / ranks;
                int64_t list[31 + 7 * 7] = { 0 }, order[31];
                shuffled(9, 2, size, list);
                for (int i = 0; i < size && !shuffle; i++) {
                    list[i] = i;
                }
                for (int i = size; i < each * ranks; i++) {
                    list[i] = list[i - size];
                }
                for (int rank = 0; rank < ranks; rank++) {
                    cnn_sampler *s = cnn_distributed_sampler_create(ctx, size, ranks, rank, shuffle, drop);
                    ck_assert_msg(s, "%s", cnn_last_error(ctx));
                    ck_assert_int_eq((int)cnn_sampler_count(s), each);
                    ck_assert_int_eq(cnn_sampler_order(s, 9, 2, order), CNN_OK);
                    for (int i = 0; i < each; i++) {
                        ck_assert(order[i] == list[rank + i * ranks]);
                    }
                    cnn_sampler_free(s);
                }
            }
        }
    }
}
END_TEST

START_TEST(bad_ranks_are_refused)
{
    static const struct {
        int64_t size;
        int ranks, rank;
        const char *reason;
    } cases[] = { { -1, 1, 0, "distributed_sampler_create: size is -1, expected 0 to 2^62" },
                  { INT64_MAX, 1, 0, "size is 9223372036854775807, expected 0 to 2^62" },
                  { 4, 0, 0, "rank 0 of 0, expected 0 <= rank < ranks" },
                  { 4, 2, 2, "rank 2 of 2, expected" },
                  { 4, 2, -1, "rank -1 of 2, expected" } };
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_null(cnn_distributed_sampler_create(ctx, cases[i].size, cases[i].ranks, cases[i].rank, true, true));
        assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, cases[i].reason);
    }
    ck_assert_ptr_null(cnn_distributed_sampler_create(NULL, 3, 1, 0, true, true));
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "ctx is NULL");
}
END_TEST

/* ---- callbacks ---- */

typedef struct teller {
    int64_t seed, epoch, gives;
    int freed;
    cnn_status status;
} teller;

/* The samples from number epoch on. */
static cnn_status tell(uint64_t seed, int64_t epoch, int64_t *order, void *user)
{
    teller *t = user;
    t->seed = (int64_t)seed;
    t->epoch = epoch;
    for (int i = 0; i < 4; i++) {
        order[i] = epoch + i;
    }
    order[3] = t->gives ? t->gives : order[3];
    return t->status;
}

static void teller_free(void *user)
{
    ((teller *)user)->freed++;
}

static cnn_sampler *telling(teller *t)
{
    const cnn_sampler_callbacks c = { .struct_size = sizeof c, .count = 4, .order = tell, .free_user = teller_free, .user = t };
    return cnn_sampler_from_callbacks(ctx, &c);
}

START_TEST(callbacks_tell_the_order_of_every_epoch)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        teller t = { .seed = 0 };
        cnn_loader *l = cnn_loader_new(memory_dataset(9, CNN_F32, CNN_I64), 3, .sampler = telling(&t), .seed = 21,
                                       .no_background = foreground);
        ck_assert_msg(l, "%s", cnn_last_error(ctx));
        cnn_batch b;
        ck_assert_int_eq((int)cnn_loader_batch_count(l), 2);
        ck_assert_int_eq((int)cnn_loader_sample_count(l), 4);
        for (int64_t epoch = 0; epoch < 3; epoch++) {
            for (int i = 0; i < 2; i++) {
                ck_assert(cnn_loader_next(l, &b));
                ck_assert_int_eq((int)b.size, i ? 1 : 3);
                for (int64_t k = 0; k < b.size; k++) {
                    ck_assert(((const int64_t *)host_elements(b.labels))[k] == 3 * (epoch + 3 * i + k));
                }
            }
            ck_assert(!cnn_loader_next(l, &b));
            ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        }
        cnn_loader_free(l);
        ck_assert_int_eq((int)t.seed, 21);
        ck_assert_int_eq(t.freed, 1);
    }
}
END_TEST

START_TEST(a_failing_order_ends_the_epoch)
{
    for (int foreground = 0; foreground < 2; foreground++) {
        teller t = { .status = CNN_ERROR_IO };
        cnn_loader *l = cnn_loader_new(memory_dataset(9, CNN_F32, CNN_I64), 2, .sampler = telling(&t), .no_background = foreground);
        cnn_batch b;
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_ERROR_CALLBACK);
        ck_assert_str_eq(cnn_last_error(ctx), "loader_next: the sampler's order returned CNN_ERROR_IO for epoch 0");
        t = (teller){ .gives = 9 };
        ck_assert(!cnn_loader_next(l, &b));
        ck_assert_str_eq(cnn_last_error(ctx),
                         "loader_next: the sampler's order gave sample 9 at 3 of epoch 1, but the dataset has 9 samples");
        t.gives = INT64_MIN;
        ck_assert(!cnn_loader_next(l, &b));
        t.gives = 0;
        ck_assert_int_eq(cnn_loader_set_epoch(l, 1), CNN_OK);
        ck_assert(cnn_loader_next(l, &b) && cnn_loader_next(l, &b) && !cnn_loader_next(l, &b));
        ck_assert_int_eq(cnn_loader_status(l), CNN_OK);
        cnn_loader_free(l);
    }
    teller t = { .status = CNN_ERROR_IO };
    cnn_sampler *s = telling(&t);
    int64_t order[4];
    assert_error(cnn_sampler_order(s, 1, 2, order), CNN_ERROR_CALLBACK, "sampler_order: the sampler's order returned CNN_ERROR_IO for epoch 2");
    assert_error(cnn_sampler_order(s, 1, -1, order), CNN_ERROR_INVALID_ARGUMENT, "sampler_order: epoch is -1, expected 0 to 2^62");
    assert_error(cnn_sampler_order(s, 1, 0, NULL), CNN_ERROR_INVALID_ARGUMENT, "order is NULL");
    assert_error(cnn_sampler_order(NULL, 1, 0, order), CNN_ERROR_INVALID_ARGUMENT, "sampler is NULL");
    cnn_sampler_free(s);
    cnn_sampler_free(NULL);
    ck_assert_int_eq((int)cnn_sampler_count(NULL), 0);
}
END_TEST

START_TEST(bad_sampler_callbacks_are_refused_and_freed)
{
    teller t = { .seed = 0 };
    cnn_sampler_callbacks c = { .struct_size = sizeof c, .count = 4, .free_user = teller_free, .user = &t };
    ck_assert_ptr_null(cnn_sampler_from_callbacks(ctx, &c));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "sampler_from_callbacks: order is NULL");
    c.order = tell;
    c.count = -1;
    ck_assert_ptr_null(cnn_sampler_from_callbacks(ctx, &c));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "count is -1, expected 0 or more");
    c.count = 1;
    ck_assert_ptr_null(cnn_sampler_from_callbacks(NULL, &c));
    ck_assert_int_eq(t.freed, 3);
    ck_assert_ptr_null(cnn_sampler_from_callbacks(ctx, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "callbacks is NULL");
}
END_TEST

/* ---- in loaders ---- */

/* A loader goes by its sampler's order, also with threads, a short last batch, and from an epoch that is set. */
START_TEST(loaders_go_by_their_samplers)
{
    enum { N = 23, COUNT = 17 };
    double weights[N];
    int64_t indices[COUNT];
    for (int i = 0; i < N; i++) {
        weights[i] = i % 5;
    }
    for (int i = 0; i < COUNT; i++) {
        indices[i] = i * 7 % N;
    }
    for (int variant = 0; variant < 12; variant++) {
        bool drop = variant & 1, foreground = variant & 2;
        cnn_sampler *pair[2];
        for (int k = 0; k < 2; k++) {
            pair[k] = variant / 4 == 0   ? cnn_weighted_random_sampler_create(ctx, weights, N, COUNT, true)
                      : variant / 4 == 1 ? cnn_subset_random_sampler_create(ctx, indices, COUNT)
                                         : cnn_distributed_sampler_create(ctx, COUNT, 1, 0, true, false);
        }
        int64_t count = cnn_sampler_count(pair[1]);
        ck_assert_int_le((int)count, 22);
        int64_t expected[22];
        cnn_loader *l = cnn_loader_new(memory_dataset(N, CNN_F32, CNN_I64), 5, .sampler = pair[0], .drop_last = drop, .seed = 6,
                                       .no_background = foreground, .threads = foreground ? 0 : 3);
        ck_assert_msg(l, "%s", cnn_last_error(ctx));
        int64_t batches = drop ? count / 5 : (count + 4) / 5;
        ck_assert_int_eq((int)cnn_loader_batch_count(l), (int)batches);
        ck_assert_int_eq((int)cnn_loader_sample_count(l), (int)count);
        static const int64_t epochs[] = { 0, 1, 7, 8, 3 };
        for (int e = 0; e < 5; e++) {
            cnn_batch b;
            ck_assert_int_eq(cnn_loader_set_epoch(l, epochs[e]), CNN_OK);
            ck_assert_int_eq(cnn_sampler_order(pair[1], 6, epochs[e], expected), CNN_OK);
            for (int64_t i = 0; i < batches; i++) {
                ck_assert(cnn_loader_next(l, &b));
                const int64_t *y = host_elements(b.labels);
                for (int64_t k = 0; k < b.size; k++) {
                    ck_assert(y[k] == 3 * expected[5 * i + k]);
                }
            }
            ck_assert(!cnn_loader_next(l, &b));
        }
        cnn_loader_free(l);
        cnn_sampler_free(pair[1]);
    }
}
END_TEST

START_TEST(next_never_allocates_with_a_sampler)
{
    double weights[57];
    for (int i = 0; i < 57; i++) {
        weights[i] = 1;
    }
    cnn_loader *l = cnn_loader_new(memory_dataset(57, CNN_U8, CNN_U8), 10,
                                   .sampler = cnn_weighted_random_sampler_create(ctx, weights, 57, 40, false));
    meter_reset();
    cnn_batch b;
    int given = 0;
    for (int i = 0; i < 40; i++) {
        given += cnn_loader_next(l, &b);
    }
    ck_assert_int_eq(given, 32);
    ck_assert_int_eq((int)atomic_load(&meter.calls), 0);
    cnn_loader_free(l);
}
END_TEST

START_TEST(loaders_take_samplers_also_on_failure)
{
    teller t = { .seed = 0 };
    const int64_t far[] = { 3 };
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 0, .sampler = telling(&t)));
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 1, .sampler = telling(&t), .shuffle = true));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT,
                 "loader_create: both sampler and shuffle are set, expected one of them");
    ck_assert_ptr_null(cnn_loader_new(cnn_mnist_open(ctx, "/nowhere", CNN_MNIST_TRAIN), 1, .sampler = telling(&t)));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "mnist_open: ");
    ck_assert_int_eq(t.freed, 3);
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(3, CNN_U8, CNN_U8), 1, .sampler = cnn_subset_random_sampler_create(ctx, far, 1)));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT,
                 "loader_create: the sampler chooses among 4 samples, but the dataset has 3");
    cnn_context *other = cnn_context_new(.threads = 1);
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(4, CNN_U8, CNN_U8), 1, .sampler = cnn_subset_random_sampler_create(other, far, 1)));
    assert_error(cnn_context_status(ctx), CNN_ERROR_STATE, "loader_create: the sampler is of another context than the dataset");
    cnn_context_free(other);
    for (long n = 0;; n++) { /* whichever allocation fails, the sampler is freed */
        cnn_dataset *d = memory_dataset(3, CNN_U8, CNN_U8);
        cnn_sampler *s = telling(&t);
        int before = t.freed;
        meter_reset();
        atomic_store(&meter.fail_at, n);
        cnn_loader *l = cnn_loader_new(d, 2, .sampler = s, .threads = 2);
        meter_reset();
        cnn_loader_free(l);
        ck_assert_int_eq(t.freed, before + 1);
        if (l) {
            break;
        }
        assert_error(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY, "loader_create: no memory");
        ck_assert_int_lt(n, 100);
    }
}
END_TEST

START_TEST(a_loaders_sampler_is_its_own)
{
    teller t = { .seed = 0 };
    int64_t order[4];
    cnn_sampler *s = telling(&t);
    cnn_loader *l = cnn_loader_new(memory_dataset(9, CNN_U8, CNN_U8), 2, .sampler = s);
    ck_assert_ptr_null(cnn_loader_new(memory_dataset(9, CNN_U8, CNN_U8), 2, .sampler = s));
    assert_error(cnn_context_status(ctx), CNN_ERROR_STATE, "loader_create: the sampler belongs to another loader");
    assert_error(cnn_sampler_order(s, 1, 0, order), CNN_ERROR_STATE, "sampler_order: the sampler belongs to a loader");
    cnn_context_clear_error(ctx);
    cnn_sampler_free(s);
    assert_error(cnn_context_status(ctx), CNN_ERROR_STATE, "sampler_free: the sampler belongs to a loader");
    cnn_batch b;
    ck_assert(cnn_loader_next(l, &b));
    cnn_loader_free(l);
    ck_assert_int_eq(t.freed, 1);
}
END_TEST

START_TEST(making_samplers_survives_failing_allocations)
{
    const double weights[] = { 1, 2 };
    const int64_t indices[] = { 1, 2 };
    for (int kind = 0; kind < 3; kind++) {
        cnn_sampler *s = NULL;
        for (long n = 0; !s; n++) {
            meter_reset();
            size_t before = atomic_load(&meter.now);
            atomic_store(&meter.fail_at, n);
            s = kind == 0   ? cnn_weighted_random_sampler_create(ctx, weights, 2, 2, true)
                : kind == 1 ? cnn_subset_random_sampler_create(ctx, indices, 2)
                            : cnn_distributed_sampler_create(ctx, 5, 2, 1, true, false);
            meter_reset();
            if (!s) {
                assert_error(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY, "_create: no memory");
                ck_assert_uint_eq(atomic_load(&meter.now), before);
            }
            ck_assert_int_lt(n, 10);
        }
        cnn_sampler_free(s);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sampler");
    TCase *tests = suite_case(suite, "sampler", setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, weights_are_frequencies);
    tcase_add_test(tests, draws_without_replacement_follow_the_weights_that_are_left);
    tcase_add_test(tests, all_of_a_thousand_weights_are_drawn_once);
    tcase_add_test(tests, bad_weights_are_refused);
    tcase_add_test(tests, a_subset_is_permuted_as_a_shuffle_would);
    tcase_add_test(tests, ranks_share_an_epoch_as_in_pytorch);
    tcase_add_test(tests, bad_ranks_are_refused);
    tcase_add_test(tests, callbacks_tell_the_order_of_every_epoch);
    tcase_add_test(tests, a_failing_order_ends_the_epoch);
    tcase_add_test(tests, bad_sampler_callbacks_are_refused_and_freed);
    tcase_add_test(tests, loaders_go_by_their_samplers);
    tcase_add_test(tests, next_never_allocates_with_a_sampler);
    tcase_add_test(tests, loaders_take_samplers_also_on_failure);
    tcase_add_test(tests, a_loaders_sampler_is_its_own);
    tcase_add_test(tests, making_samplers_survives_failing_allocations);
    return suite_run(suite);
}
