/* Samplers. All memory is allocated when a sampler is made; an order allocates nothing.
 *
 * Weighted draws descend a binary tree of sums: node n has the children 2n and 2n + 1, and the leaves are the weights.
 * Without replacement the leaf that was drawn becomes 0 and the sums above it are made anew from their two children, so
 * that no rounding error is left of it: a drawn sample cannot be drawn again. */
#include "data/sampler.h"

#include "base/random.h"
#include "data/callback.h"

#include <math.h>
#include <string.h>

static cnn_sampler *sampler_new(cnn_context *ctx, const char *call, int64_t count)
{
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
        return NULL;
    }
    if (count < 0) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %" PRId64 ", expected 0 or more", call, count);
        return NULL;
    }
    cnn_sampler *s = cnn__calloc(ctx, 1, sizeof *s);
    if (!s) {
        cnn__fail_memory(ctx, call, sizeof *s);
        return NULL;
    }
    s->ctx = cnn__context_retain(ctx);
    s->count = count;
    return s;
}

/* Memory for `count` numbers of eight bytes; NULL, reported, if there is none. */
static void *numbers_new(cnn_context *ctx, const char *call, int64_t count)
{
    bool fits = (uint64_t)count <= SIZE_MAX / sizeof(int64_t);
    void *memory = fits ? cnn__alloc(ctx, (size_t)count * sizeof(int64_t)) : NULL;
    if (!memory) {
        cnn__fail_memory(ctx, call, fits ? (size_t)count * sizeof(int64_t) : SIZE_MAX);
    }
    return memory;
}

uint64_t cnn__order_seed(cnn_context *ctx, uint64_t seed)
{
    cnn_random_state state = { .seed = seed };
    if (!seed) {
        cnn_context_random_state(ctx, &state);
    }
    return state.seed;
}

/* ---- weighted ---- */

static cnn_status order_weighted(cnn_sampler *s, const char *call, uint64_t seed, int64_t epoch, int64_t *order)
{
    (void)call;
    uint64_t key[2];
    int64_t leaves = s->leaves;
    double *tree = s->tree;
    cnn__order_key(seed, epoch, key);
    memcpy(tree + leaves, tree + 2 * leaves, (size_t)leaves * sizeof *tree);
    for (int64_t n = leaves - 1; n > 0; n--) {
        tree[n] = tree[2 * n] + tree[2 * n + 1];
    }
    for (int64_t i = 0; i < s->count; i++) {
        double at = cnn__random_f64(key, (uint64_t)i) * tree[1];
        int64_t n = 1;
        while (n < leaves) {
            n *= 2; /* the left child, unless `at` is past its sum and the right one is not empty */
            if (at >= tree[n] && tree[n + 1] > 0) {
                at -= tree[n++];
            }
        }
        order[i] = n - leaves;
        if (!s->replacement) {
            tree[n] = 0;
            for (n /= 2; n > 0; n /= 2) {
                tree[n] = tree[2 * n] + tree[2 * n + 1];
            }
        }
    }
    return CNN_OK;
}

static cnn_status check_weights(const cnn_sampler *s, const char *call, const double *weights, int64_t size)
{
    double sum = 0;
    int64_t above = 0;
    for (int64_t i = 0; i < size; i++) {
        if (!isfinite(weights[i]) || weights[i] < 0) {
            return cnn__fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: weights[%" PRId64 "] is %s, expected a finite number, 0 or more", call, i,
                             CNN__G(weights[i]));
        }
        sum += weights[i];
        above += weights[i] > 0;
    }
    if (!isfinite(sum) || (above == 0 && s->count > 0)) {
        return cnn__fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: the weights sum to %s, expected a finite number above 0", call, CNN__G(sum));
    }
    if (!s->replacement && above < s->count) {
        return cnn__fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: count is %" PRId64 " without replacement, but only %" PRId64 " weights are above 0", call,
                         s->count, above);
    }
    return CNN_OK;
}

static cnn_status weighted_fill(cnn_sampler *s, const char *call, const double *weights, int64_t size)
{
    if (size < 0 || size > (int64_t)1 << 56) {
        return cnn__fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: size is %" PRId64 ", expected 0 to 2^56", call, size);
    }
    if (!weights && size > 0) {
        return cnn__fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: weights is NULL", call);
    }
    cnn_status status = check_weights(s, call, weights, size);
    if (status != CNN_OK) {
        return status;
    }
    for (s->leaves = 1; s->leaves < size; s->leaves *= 2) {
    }
    s->tree = numbers_new(s->ctx, call, 3 * s->leaves);
    if (!s->tree) {
        return cnn__failure_status();
    }
    for (int64_t i = 0; i < s->leaves; i++) {
        s->tree[2 * s->leaves + i] = i < size ? weights[i] : 0;
    }
    s->limit = size;
    return CNN_OK;
}

static cnn_sampler *keep_if(cnn_sampler *s, cnn_status status)
{
    if (status != CNN_OK) {
        cnn__sampler_release(s);
        s = NULL;
    }
    return s;
}

cnn_sampler *cnn_weighted_random_sampler_create(cnn_context *ctx, const double *weights, int64_t size, int64_t count,
                                                bool replacement)
{
    const char *call = "weighted_random_sampler_create";
    cnn_sampler *s = sampler_new(ctx, call, count);
    if (!s) {
        return NULL;
    }
    s->order = order_weighted;
    s->replacement = replacement;
    return keep_if(s, weighted_fill(s, call, weights, size));
}

/* ---- a random order of a subset ---- */

static cnn_status order_subset(cnn_sampler *s, const char *call, uint64_t seed, int64_t epoch, int64_t *order)
{
    (void)call;
    uint64_t key[2];
    cnn__order_key(seed, epoch, key);
    cnn__random_permutation(key, s->count, order);
    for (int64_t i = 0; i < s->count; i++) {
        order[i] = s->numbers[order[i]];
    }
    return CNN_OK;
}

static cnn_status subset_fill(cnn_sampler *s, const char *call, const int64_t *indices)
{
    if (!indices && s->count > 0) {
        return cnn__fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: indices is NULL", call);
    }
    s->numbers = numbers_new(s->ctx, call, s->count);
    if (!s->numbers) {
        return cnn__failure_status();
    }
    for (int64_t i = 0; i < s->count; i++) {
        if (indices[i] < 0 || indices[i] == INT64_MAX) {
            return cnn__fail(s->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: indices[%" PRId64 "] is %" PRId64 ", expected 0 to 2^63 - 2", call, i, indices[i]);
        }
        s->numbers[i] = indices[i];
        s->limit = indices[i] < s->limit ? s->limit : indices[i] + 1;
    }
    return CNN_OK;
}

cnn_sampler *cnn_subset_random_sampler_create(cnn_context *ctx, const int64_t *indices, int64_t count)
{
    const char *call = "subset_random_sampler_create";
    cnn_sampler *s = sampler_new(ctx, call, count);
    if (!s) {
        return NULL;
    }
    s->order = order_subset;
    return keep_if(s, subset_fill(s, call, indices));
}

/* ---- the share of a rank ---- */

static cnn_status order_distributed(cnn_sampler *s, const char *call, uint64_t seed, int64_t epoch, int64_t *order)
{
    (void)call;
    uint64_t key[2];
    cnn__order_key(seed, epoch, key);
    if (s->shuffle) {
        cnn__random_permutation(key, s->limit, s->numbers);
    }
    for (int64_t i = 0; i < s->count; i++) {
        int64_t at = (s->rank + i * s->ranks) % s->limit;
        order[i] = s->shuffle ? s->numbers[at] : at;
    }
    return CNN_OK;
}

cnn_sampler *cnn_distributed_sampler_create(cnn_context *ctx, int64_t size, int ranks, int rank, bool shuffle,
                                            bool drop_last)
{
    const char *call = "distributed_sampler_create";
    if (ctx && (size < 0 || size > (int64_t)1 << 62)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: size is %" PRId64 ", expected 0 to 2^62", call, size);
        return NULL;
    }
    if (ctx && (ranks < 1 || rank < 0 || rank >= ranks)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: rank %d of %d, expected 0 <= rank < ranks", call, rank, ranks);
        return NULL;
    }
    cnn_sampler *s = sampler_new(ctx, call, ctx ? size / ranks + (!drop_last && size % ranks > 0) : 0);
    if (!s) {
        return NULL;
    }
    s->order = order_distributed;
    s->limit = size;
    s->ranks = ranks;
    s->rank = rank;
    s->shuffle = shuffle;
    s->numbers = shuffle ? numbers_new(ctx, call, size) : NULL;
    return keep_if(s, s->numbers || !shuffle ? CNN_OK : CNN_ERROR_NO_MEMORY);
}

/* ---- callbacks ---- */

static cnn_status order_by_callback(cnn_sampler *s, const char *call, uint64_t seed, int64_t epoch, int64_t *order)
{
    unsigned long failures = cnn__failure_number();
    int cancel = cnn__cancel_defer();
    cnn_status status = s->callbacks.order(seed, epoch, order, s->callbacks.user);
    cnn__cancel_restore(cancel);
    return status == CNN_OK ? CNN_OK
                            : cnn__callback_fail(s->ctx, call, "the sampler's order", status, failures, "epoch", epoch);
}

cnn_sampler *cnn_sampler_from_callbacks(cnn_context *ctx, const cnn_sampler_callbacks *callbacks)
{
    const char *call = "sampler_from_callbacks";
    cnn_sampler_callbacks ours = { .count = 0 };
    cnn_sampler *s = NULL;
    if (!callbacks) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: callbacks is NULL", call);
        return NULL;
    }
    bool read = CNN__OPTIONS_READ(ctx, call, &ours, callbacks) == CNN_OK;
    if (read && !ours.order) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: order is NULL", call);
    } else if (read) {
        s = sampler_new(ctx, call, ours.count);
    }
    if (s) {
        s->order = order_by_callback;
        s->callbacks = ours;
    } else if (ours.free_user) { /* if the struct's size is garbage, nothing is read from it */
        ours.free_user(ours.user);
    }
    return s;
}

/* ---- use ---- */

void cnn__sampler_release(cnn_sampler *sampler)
{
    if (!sampler) {
        return;
    }
    cnn_context *ctx = sampler->ctx;
    if (sampler->callbacks.free_user) {
        sampler->callbacks.free_user(sampler->callbacks.user);
    }
    cnn__free(ctx, sampler->numbers);
    cnn__free(ctx, sampler->tree);
    cnn__free(ctx, sampler);
    cnn__context_release(ctx);
}

/* A loader's thread may be using what the loader owns. */
static cnn_status check_free(const cnn_sampler *s, const char *call)
{
    return s->owned ? cnn__fail(s->ctx, CNN_ERROR_STATE, "%s: the sampler belongs to a loader", call) : CNN_OK;
}

void cnn_sampler_free(cnn_sampler *sampler)
{
    if (sampler && check_free(sampler, "sampler_free") == CNN_OK) {
        cnn__sampler_release(sampler);
    }
}

int64_t cnn_sampler_count(const cnn_sampler *sampler)
{
    if (!sampler) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "sampler_count: sampler is NULL");
        return 0;
    }
    return sampler->count;
}

cnn_status cnn_sampler_order(cnn_sampler *sampler, uint64_t seed, int64_t epoch, int64_t *order)
{
    const char *call = "sampler_order";
    if (!sampler || !order) {
        return cnn__fail(sampler ? sampler->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call,
                         sampler ? "order" : "sampler");
    }
    if (epoch < 0 || epoch > CNN__LAST_EPOCH) {
        return cnn__fail(sampler->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: epoch is %" PRId64 ", expected 0 to 2^62", call,
                         epoch);
    }
    cnn_status status = check_free(sampler, call);
    return status != CNN_OK ? status : sampler->order(sampler, call, cnn__order_seed(sampler->ctx, seed), epoch, order);
}
