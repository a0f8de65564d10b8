/* Writing a sample. Elements of u8 images are looked up in a table, so that scaling and normalising cost one load
 * per element; others are computed. The arithmetic is that of torchvision's ToTensor and Normalize in the precision
 * of the image: first x / 255 for u8, then (x − mean) / std. */
#include "data/dataset.h"

#include "data/callback.h"
#include "platform/process.h"
#include "platform/thread.h"

#include <math.h>
#include <string.h>

enum { LEVELS = 256 };

/* ---- normalisation ---- */

static cnn_status check_normalize(const cnn_dataset *dataset, const char *call, int channels, const double *mean,
                                  const double *std)
{
    const cnn_context *ctx = dataset->ctx;
    int64_t first = dataset->image.ndim > 0 ? dataset->image.shape[0] : 1;
    if (dataset->augmented || (dataset->source && dataset->source->augmented)) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "%s: an augmented dataset, expected one before cnn_dataset_augment()",
                         call);
    }
    if (!dataset->images) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "%s: a dataset of callbacks, whose images are used as they are", call);
    }
    if (atomic_load(&((cnn_dataset *)(uintptr_t)dataset)->loaders) > 0) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "%s: a loader is using the dataset", call);
    }
    if (dataset->image.dtype == CNN_I64) {
        return cnn__fail(ctx, CNN_ERROR_DTYPE, "%s: images of integers, which are used as they are", call);
    }
    if (channels < 1 || (channels != 1 && channels != first)) {
        return cnn__fail(ctx, CNN_ERROR_SHAPE, "%s: channels is %d, expected 1 or the images' first size %" PRId64,
                         call, channels, first);
    }
    if (!mean || !std) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, mean ? "std" : "mean");
    }
    for (int c = 0; c < channels; c++) {
        if (!isfinite(mean[c]) || !isfinite(std[c]) || !((float)std[c] > 0)) {
            return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "%s: channel %d has mean %s and std %s, expected a finite mean and a std above 0", call, c,
                             CNN__G(mean[c]), CNN__G(std[c]));
        }
    }
    return CNN_OK;
}

/* With 0 channels the table only scales. */
static void fill_table(float *table, int channels, const double *mean, const double *std)
{
    for (int c = 0; c < (channels ? channels : 1); c++) {
        for (int v = 0; v < LEVELS; v++) {
            float x = (float)v / 255.0f;
            table[c * LEVELS + v] = channels ? (x - (float)mean[c]) / (float)std[c] : x;
        }
    }
}

cnn_status cnn__dataset_normalize(cnn_dataset *dataset, const char *call, int channels, const double *mean,
                                  const double *std)
{
    cnn_context *ctx = dataset->ctx;
    size_t n = (size_t)channels, bytes = 2 * n * sizeof(double);
    size_t table_bytes = (n ? n : 1) * LEVELS * sizeof(float);
    double *both = cnn__alloc(ctx, bytes);
    float *table = both && dataset->images->dtype == CNN_U8 ? cnn__alloc(ctx, table_bytes) : NULL;
    if (!both || (dataset->images->dtype == CNN_U8 && !table)) {
        cnn__free(ctx, both);
        return cnn__fail_memory(ctx, call, both ? table_bytes : bytes);
    }
    if (table) {
        fill_table(table, channels, mean, std);
    }
    for (size_t c = 0; c < n; c++) {
        both[c] = mean[c];
        both[n + c] = std[c];
    }
    cnn__free(ctx, dataset->mean);
    cnn__free(ctx, dataset->table);
    dataset->mean = both;
    dataset->std = both + n;
    dataset->table = table;
    dataset->channels = channels;
    return CNN_OK;
}

cnn_status cnn_dataset_normalize(cnn_dataset *dataset, int channels, const double *mean, const double *std)
{
    const char *call = "dataset_normalize";
    if (!dataset) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: dataset is NULL", call);
    }
    cnn_status status = check_normalize(dataset, call, channels, mean, std);
    return status == CNN_OK ? cnn__dataset_normalize(dataset, call, channels, mean, std) : status;
}

/* ---- images ---- */

/* Each of these functions writes `n` elements of channel c. */
static void write_u8(const cnn_dataset *dataset, int c, const void *from, void *to, int64_t n)
{
    const float *table = dataset->table + c * LEVELS;
    const unsigned char *x = from;
    float *y = to;
    for (int64_t i = 0; i < n; i++) {
        y[i] = table[x[i]];
    }
}

static void write_f32(const cnn_dataset *dataset, int c, const void *from, void *to, int64_t n)
{
    const float *x = from, mean = (float)dataset->mean[c], std = (float)dataset->std[c];
    float *y = to;
    for (int64_t i = 0; i < n; i++) {
        y[i] = (x[i] - mean) / std;
    }
}

static void write_f64(const cnn_dataset *dataset, int c, const void *from, void *to, int64_t n)
{
    const double *x = from, mean = dataset->mean[c], std = dataset->std[c];
    double *y = to;
    for (int64_t i = 0; i < n; i++) {
        y[i] = (x[i] - mean) / std;
    }
}

/* Samples as they are, or integers and bytes that become i64. */
static void write_same(const cnn_tensor *all, const cnn__sample_shape *sample, int64_t index, void *to)
{
    const char *from = (const char *)cnn__data(all) + (size_t)(index * sample->numel) * cnn_dtype_size(all->dtype);
    if (sample->numel == 0) {
        return;
    }
    if (all->dtype == sample->dtype) {
        memcpy(to, from, sample->bytes);
        return;
    }
    int64_t *y = to;
    for (int64_t i = 0; i < sample->numel; i++) {
        y[i] = all->dtype == CNN_U8 ? ((const unsigned char *)from)[i] : ((const int32_t *)(const void *)from)[i];
    }
}

static void write_image(const cnn_dataset *dataset, int64_t index, char *to)
{
    cnn_dtype dtype = dataset->images->dtype;
    if (dtype != CNN_U8 && dataset->channels == 0) {
        write_same(dataset->images, &dataset->image, index, to);
        return;
    }
    size_t from_size = cnn_dtype_size(dtype), to_size = cnn_dtype_size(dataset->image.dtype);
    int64_t n = dataset->image.numel;
    const char *from = (const char *)cnn__data(dataset->images) + (size_t)(index * n) * from_size;
    if (n == 0) {
        return;
    }
    int channels = dataset->channels > 1 ? dataset->channels : 1;
    int64_t plane = n / channels;
    for (int c = 0; c < channels; c++) {
        if (dtype == CNN_U8) {
            write_u8(dataset, c, from, to, plane);
        } else if (dtype == CNN_F32) {
            write_f32(dataset, c, from, to, plane);
        } else {
            write_f64(dataset, c, from, to, plane);
        }
        from += (size_t)plane * from_size;
        to += (size_t)plane * to_size;
    }
}

/* ---- samples ---- */

cnn_status cnn__dataset_call(cnn_dataset *dataset, const char *call, int64_t index, void *image, void *label)
{
    dataset = dataset->source ? dataset->source : dataset;
    if (cnn__process() != dataset->process) {
        return cnn__fail(dataset->ctx, CNN_ERROR_STATE,
                         "%s: a dataset of callbacks that was made before fork(), expected one made in this process",
                         call);
    }
    unsigned long failures = cnn__failure_number();
    int cancel = cnn__cancel_defer();
    if (!dataset->concurrent) {
        cnn__recursive_mutex_lock(&dataset->lock);
    }
    cnn_status status = dataset->make ? dataset->make(index, image, label, dataset->user)
                                      : dataset->get(index, image, label, dataset->user);
    if (!dataset->concurrent) {
        cnn__recursive_mutex_unlock(&dataset->lock);
    }
    cnn__cancel_restore(cancel);
    return status == CNN_OK
               ? CNN_OK
               : cnn__callback_fail(dataset->ctx, call, dataset->make ? "the dataset's make" : "the dataset's get",
                                    status, failures, "sample", index);
}

cnn_status cnn__dataset_write(cnn_dataset *dataset, const char *call, cnn__sample_seed seed, int64_t index, void *image,
                              void *label)
{
    if (dataset->augmented) {
        return cnn__augmented_write(dataset, call, seed, index, image, label);
    }
    index = cnn__dataset_index(dataset, index);
    if (dataset->source) {
        return cnn__dataset_write(dataset->source, call, seed, index, image, label);
    }
    if (!dataset->images) {
        return cnn__dataset_call(dataset, call, index, image, label);
    }
    write_image(dataset, index, image);
    if (dataset->labels && label) {
        write_same(dataset->labels, &dataset->label, index, label);
    }
    return CNN_OK;
}
