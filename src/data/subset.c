/* Datasets of selected samples of another dataset: subsets, slices and random splits.
 *
 * A subset never copies a sample. A subset of tensors holds references to the same tensors and reads them itself, as
 * fast as the original dataset; a subset of callbacks holds a reference to the original dataset and calls it. A
 * subset of a subset refers to the original samples directly, so that there is never more than one indirection. */
#include "base/random.h"
#include "data/dataset.h"

#include <inttypes.h>
#include <math.h>

/* The stream number of splits is above those of the loaders' shuffles. */
static const uint64_t split_stream = UINT64_MAX;

/* ---- making one ---- */

/* Makes a dataset of `size` samples that are selected later; the caller keeps its own reference to `dataset`. */
static cnn_dataset *new_subset(cnn_dataset *dataset, const char *call, int64_t size)
{
    cnn_dataset *subset = cnn__dataset_new(dataset->ctx, call);
    if (!subset) {
        return NULL;
    }
    subset->size = size;
    subset->image = dataset->image;
    subset->label = dataset->label;
    subset->has_labels = dataset->has_labels;
    subset->class_names = dataset->class_names ? cnn__tensor_retain(dataset->class_names) : NULL;
    if (!dataset->images) {
        bool own = dataset->augmented || !dataset->source;
        subset->source = cnn_dataset_share(own ? dataset : dataset->source);
        return subset;
    }
    subset->images = cnn__tensor_retain(dataset->images);
    subset->labels = dataset->labels ? cnn__tensor_retain(dataset->labels) : NULL;
    if ((dataset->channels || dataset->table) &&
        cnn__dataset_normalize(subset, call, dataset->channels, dataset->mean, dataset->std) != CNN_OK) {
        cnn_dataset_free(subset);
        return NULL;
    }
    return subset;
}

/* Selects `count` samples of a dataset, which are known to be in range: those that `indices` lists, or those from
 * `start` on if it is NULL. */
static cnn_dataset *subset_choose(cnn_dataset *dataset, const char *call, const int64_t *indices, int64_t start,
                                  int64_t count)
{
    cnn_dataset *subset = new_subset(dataset, call, count);
    if (!subset) {
        return NULL;
    }
    if (!indices && !dataset->indices) {
        subset->first = dataset->first + start;
        return subset;
    }
    size_t bytes = (size_t)count * sizeof *indices;
    subset->indices = cnn__alloc(dataset->ctx, bytes);
    if (!subset->indices) {
        cnn__fail_memory(dataset->ctx, call, bytes);
        cnn_dataset_free(subset);
        return NULL;
    }
    for (int64_t i = 0; i < count; i++) {
        subset->indices[i] = cnn__dataset_index(dataset, indices ? indices[i] : start + i);
    }
    return subset;
}

cnn_dataset *cnn__dataset_slice(cnn_dataset *dataset, const char *call, int64_t start, int64_t end)
{
    return subset_choose(dataset, call, NULL, start, end - start);
}

/* ---- subsets and slices ---- */

/* If a failed call returned NULL, its message is kept, so that calls can be nested. */
static bool subset_present(const cnn_dataset *dataset, const char *call)
{
    if (!dataset && cnn__failure_status() == CNN_OK) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: dataset is NULL", call);
    }
    return dataset != NULL;
}

static cnn_status subset_check_indices(const cnn_dataset *dataset, const int64_t *indices, int64_t count)
{
    const char *call = "dataset_subset";
    if (count < 0 || (uint64_t)count > SIZE_MAX / sizeof *indices) {
        return cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %" PRId64 ", expected 0 to 2^60 - 1",
                         call, count);
    }
    if (count > 0 && !indices) {
        return cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: indices is NULL", call);
    }
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] < 0 || indices[i] >= dataset->size) {
            return cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: indices[%" PRId64 "] is %" PRId64 ", but the dataset has %" PRId64 " samples", call,
                             i, indices[i], dataset->size);
        }
    }
    return CNN_OK;
}

cnn_dataset *cnn_dataset_subset(cnn_dataset *dataset, const int64_t *indices, int64_t count)
{
    const char *call = "dataset_subset";
    if (!subset_present(dataset, call)) {
        return NULL;
    }
    cnn_dataset *subset = NULL;
    if (subset_check_indices(dataset, indices, count) == CNN_OK) {
        subset = subset_choose(dataset, call, indices, 0, count);
    }
    cnn_dataset_free(dataset);
    return subset;
}

cnn_dataset *cnn_dataset_slice(cnn_dataset *dataset, int64_t start, int64_t end)
{
    const char *call = "dataset_slice";
    if (!subset_present(dataset, call)) {
        return NULL;
    }
    cnn_dataset *slice = NULL;
    if (start < 0 || end < start || end > dataset->size) {
        cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT,
                  "%s: start is %" PRId64 " and end is %" PRId64 ", expected 0 <= start <= end <= %" PRId64, call,
                  start, end, dataset->size);
    } else {
        slice = subset_choose(dataset, call, NULL, start, end - start);
    }
    cnn_dataset_free(dataset);
    return slice;
}

/* ---- random splits ---- */

/* Whether the lengths sum to 1 and therefore are fractions, as in torch.utils.data.random_split. */
static bool are_fractions(const double *lengths, int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++) {
        sum += lengths[k];
    }
    return fabs(sum - 1) < 1e-9;
}

/* Each piece gets its fraction of the samples, rounded down; the remaining samples go to the pieces in turn, one
 * sample each. */
static void sizes_of_fractions(const double *fractions, int count, int64_t size, int64_t *sizes)
{
    int64_t left = size;
    for (int k = 0; k < count; k++) {
        double share = floor((double)size * fractions[k]);
        sizes[k] = share < (double)left ? (int64_t)share : left;
        left -= sizes[k];
    }
    for (int k = 0; left > 0; k = (k + 1) % count, left--) {
        sizes[k]++;
    }
}

static cnn_status sizes_of_lengths(const cnn_dataset *dataset, const double *lengths, int count, int64_t *sizes)
{
    int64_t left = dataset->size;
    for (int k = 0; k < count && left >= 0; k++) {
        bool fits = lengths[k] <= (double)left && lengths[k] == floor(lengths[k]);
        sizes[k] = fits ? (int64_t)lengths[k] : 0;
        left = fits ? left - sizes[k] : -1;
    }
    return left == 0
               ? CNN_OK
               : cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT,
                           "dataset_random_split: the lengths sum neither to 1 nor, as whole numbers, to the dataset's "
                           "%" PRId64 " samples",
                           dataset->size);
}

static cnn_status find_sizes(const cnn_dataset *dataset, const double *lengths, int count, int64_t *sizes)
{
    for (int k = 0; k < count; k++) {
        if (!isfinite(lengths[k]) || lengths[k] < 0) {
            return cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "dataset_random_split: lengths[%d] is %s, expected a finite number, 0 or more", k,
                             CNN__G(lengths[k]));
        }
    }
    if (!are_fractions(lengths, count)) {
        return sizes_of_lengths(dataset, lengths, count, sizes);
    }
    sizes_of_fractions(lengths, count, dataset->size, sizes);
    return CNN_OK;
}

/* `sizes` and `order` are scratch memory for `count` pieces and for all samples. */
static cnn_status split(cnn_dataset *dataset, const double *lengths, int count, uint64_t seed, int64_t *sizes,
                        int64_t *order, cnn_dataset **pieces)
{
    cnn_random_state state = { .seed = seed };
    cnn_status status = find_sizes(dataset, lengths, count, sizes);
    if (status != CNN_OK) {
        return status;
    }
    if (!seed) {
        cnn_context_random_state(dataset->ctx, &state);
    }
    const uint64_t key[2] = { state.seed, split_stream };
    cnn__random_permutation(key, dataset->size, order);
    for (int k = 0; k < count; k++) {
        pieces[k] = subset_choose(dataset, "dataset_random_split", order, 0, sizes[k]);
        if (!pieces[k]) {
            return cnn__failure_status();
        }
        order += sizes[k];
    }
    return CNN_OK;
}

static cnn_status split_with_memory(cnn_dataset *dataset, const double *lengths, int count, uint64_t seed,
                                    cnn_dataset **pieces)
{
    cnn_context *ctx = dataset->ctx;
    int64_t *sizes = cnn__calloc(ctx, (size_t)count, sizeof *sizes);
    int64_t *order = sizes ? cnn__calloc(ctx, (size_t)dataset->size, sizeof *order) : NULL;
    cnn_status status =
        order ? split(dataset, lengths, count, seed, sizes, order, pieces)
              : cnn__fail_memory(ctx, "dataset_random_split", (size_t)(sizes ? dataset->size : count) * sizeof *sizes);
    cnn__free(ctx, sizes);
    cnn__free(ctx, order);
    return status;
}

cnn_status cnn_dataset_random_split(cnn_dataset *dataset, const double *lengths, int count, uint64_t seed,
                                    cnn_dataset **pieces)
{
    const char *call = "dataset_random_split";
    for (int k = 0; pieces && k < count; k++) {
        pieces[k] = NULL;
    }
    if (!subset_present(dataset, call)) {
        return cnn__failure_status();
    }
    cnn_status status;
    if (!lengths || !pieces) {
        status =
            cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, lengths ? "pieces" : "lengths");
    } else if (count < 1) {
        status =
            cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: count is %d, expected at least 1", call, count);
    } else {
        status = split_with_memory(dataset, lengths, count, seed, pieces);
    }
    for (int k = 0; status != CNN_OK && pieces && k < count; k++) {
        cnn_dataset_free(pieces[k]);
        pieces[k] = NULL;
    }
    cnn_dataset_free(dataset);
    return status;
}
