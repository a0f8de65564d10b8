/* CIFAR-10 and CIFAR-100 in their binary form (https://www.cs.toronto.edu/~kriz/cifar.html): files of records, each of
 * one or two bytes of labels and of three planes of 32 x 32 bytes: red, green and blue.
 *
 * Each file is read twice, the first time only to count its records, so that nothing is allocated for a file that is
 * malformed or that inflates to more than such a file may hold. */
#include "base/file.h"
#include "data/bytes.h"
#include "data/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PIXELS = 3 * 32 * 32, MAX_LABELS = 2, MAX_RECORDS = 50000, MAX_NAME = 63, MAX_NAMES_FILE = 1 << 14 };
enum { CIFAR_PATH = 64 }; /* bytes for the name of a file after its folder */

typedef struct cifar {
    const char *call;
    const char *folder;              /* within the archive */
    const char *const *files[2];     /* by split; each list ends in NULL */
    const char *names[MAX_LABELS];   /* the file of class names, by label of a record */
    int labels;                      /* how many bytes of labels a record has */
    unsigned char limit[MAX_LABELS]; /* how many classes each of them has */
    double mean[3], std[3];          /* the mean and std of the training images, per channel */
} cifar;

static const char *const train10[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                       "data_batch_4.bin", "data_batch_5.bin", NULL };
static const char *const test10[] = { "test_batch.bin", NULL };
static const char *const train100[] = { "train.bin", NULL };
static const char *const test100[] = { "test.bin", NULL };

static const cifar cifar10 = { .call = "cifar10_open",
                               .folder = "cifar-10-batches-bin",
                               .files = { train10, test10 },
                               .names = { "batches.meta.txt" },
                               .labels = 1,
                               .limit = { 10 },
                               .mean = { 0.4914, 0.4822, 0.4465 },
                               .std = { 0.2470, 0.2435, 0.2616 } };
static const cifar cifar100 = { .call = "cifar100_open",
                                .folder = "cifar-100-binary",
                                .files = { train100, test100 },
                                .names = { "coarse_label_names.txt", "fine_label_names.txt" },
                                .labels = 2,
                                .limit = { 20, 100 },
                                .mean = { 0.5071, 0.4865, 0.4409 },
                                .std = { 0.2673, 0.2564, 0.2762 } };

/* What one call of cnn_cifar…_open() works on. */
typedef struct cifar_reader {
    const cifar *kind;
    cnn_context *ctx;
    const char *directory;
    char *path;
    int label; /* the number of the label that is used, of those in a record */
    cnn_tensor *images, *labels;
    int64_t count; /* records that were counted, and then records that were read */
} cifar_reader;

/* ---- files ---- */

/* Writes the first path to `path` under which `name` exists. CNN_ERROR_NOT_FOUND is not reported. */
static cnn_status cifar_look(const cifar_reader *r, const char *name)
{
    static const char *const endings[] = { "", ".gz" };
    for (int i = 0; i < 4; i++) {
        snprintf(r->path, strlen(r->directory) + CIFAR_PATH, "%s/%s%s%s%s", r->directory, i < 2 ? "" : r->kind->folder,
                 i < 2 ? "" : "/", name, endings[i % 2]);
        cnn_status found = cnn__file_look(r->ctx, r->kind->call, r->path);
        if (found != CNN_ERROR_NOT_FOUND) {
            return found;
        }
    }
    return CNN_ERROR_NOT_FOUND;
}

typedef cnn_status (*cifar_read_fn)(cifar_reader *r, cnn__bytes *bytes);

static cnn_status cifar_with_path(cifar_reader *r, cifar_read_fn read)
{
    cnn__bytes bytes;
    cnn_status status = cnn__bytes_open(&bytes, r->ctx, r->kind->call, r->path);
    if (status == CNN_OK) {
        status = read(r, &bytes);
        cnn__bytes_close(&bytes);
    }
    return status;
}

static cnn_status cifar_each_file(cifar_reader *r, const char *const *files, cifar_read_fn read)
{
    cnn_status status = CNN_OK;
    for (; *files && status == CNN_OK; files++) {
        status = cifar_look(r, *files);
        if (status == CNN_ERROR_NOT_FOUND) {
            char folder[CNN__QUOTE];
            return cnn__fail(r->ctx, status, "%s: no %s or %s.gz in \"%s\" or its folder %s", r->kind->call, *files,
                             *files, cnn__quote(folder, r->directory, true), r->kind->folder);
        }
        if (status == CNN_OK) {
            status = cifar_with_path(r, read);
        }
    }
    return status;
}

/* ---- records ---- */

static cnn_status cifar_count(cifar_reader *r, cnn__bytes *bytes)
{
    unsigned char record[MAX_LABELS + PIXELS];
    size_t size = (size_t)(r->kind->labels + PIXELS), got = size;
    int64_t count = 0;
    for (; got == size && count <= MAX_RECORDS; count += got == size) {
        cnn_status status = cnn__bytes_read_some(bytes, record, size, &got);
        if (status != CNN_OK) {
            return status;
        }
    }
    if (count == 0 || (got > 0 && got < size)) {
        return cnn__bytes_fail(bytes, bytes->at, "the data ends after %zu bytes of a record of %zu", got, size);
    }
    if (count > MAX_RECORDS) {
        return cnn__bytes_fail(bytes, bytes->at, "more than %d records of %zu bytes", MAX_RECORDS, size);
    }
    r->count += count;
    return CNN_OK;
}

static cnn_status cifar_read(cifar_reader *r, cnn__bytes *bytes)
{
    unsigned char record[MAX_LABELS + PIXELS], *image = cnn__data(r->images), *label = cnn__data(r->labels);
    size_t labels = (size_t)r->kind->labels, got = labels + PIXELS;
    for (;; r->count++) {
        cnn_status status = cnn__bytes_read_some(bytes, record, labels + PIXELS, &got);
        if (status != CNN_OK || got == 0) {
            return status;
        }
        if (got < labels + PIXELS || r->count == r->images->shape[0]) {
            return cnn__bytes_fail(bytes, bytes->at, "the file has changed while it was read");
        }
        for (size_t k = 0; k < labels; k++) {
            if (record[k] >= r->kind->limit[k]) {
                return cnn__bytes_fail(bytes, bytes->at - got + k, "label %d, expected 0 to %d", record[k],
                                       r->kind->limit[k] - 1);
            }
        }
        label[r->count] = record[r->label];
        memcpy(image + r->count * PIXELS, record + labels, PIXELS);
    }
}

/* ---- class names ---- */

/* One name per line: `names` is a tensor of bytes whose rows are strings. Empty lines may follow the last. */
static cnn_status cifar_split_names(const cifar_reader *r, const cnn__bytes *bytes, const char *text, size_t size,
                                    cnn_tensor *names)
{
    char *row = cnn__data(names);
    int classes = r->kind->limit[r->label], found = 0;
    memset(row, 0, (size_t)names->numel);
    for (size_t at = 0, end; at < size; at = end + 1) {
        for (end = at; end < size && text[end] != '\n'; end++) {
            if ((unsigned char)text[end] < ' ' && text[end] != '\r') {
                return cnn__bytes_fail(bytes, end, "0x%02x in a class name", (unsigned char)text[end]);
            }
        }
        size_t length = end - at - (end > at && text[end - 1] == '\r');
        if (length > MAX_NAME) {
            return cnn__bytes_fail(bytes, at, "a class name of %zu bytes, expected at most %d", length, MAX_NAME);
        }
        if (length > 0 && found == classes) {
            return cnn__bytes_fail(bytes, at, "more than %d class names", classes);
        }
        if (length > 0) {
            memcpy(row + found++ * (MAX_NAME + 1), text + at, length);
        }
    }
    return found == classes
               ? CNN_OK
               : cnn__bytes_fail(bytes, size, "the data ends after %d class names, expected %d", found, classes);
}

/* Reads the names to `images`, which are not needed any more. */
static cnn_status cifar_read_names(cifar_reader *r, cnn__bytes *bytes)
{
    const int64_t shape[] = { r->kind->limit[r->label], MAX_NAME + 1 };
    char *text = cnn__alloc(r->ctx, MAX_NAMES_FILE);
    size_t got;
    if (!text) {
        return cnn__fail_memory(r->ctx, r->kind->call, MAX_NAMES_FILE);
    }
    cnn_status status = cnn__bytes_read_some(bytes, text, MAX_NAMES_FILE, &got);
    if (status == CNN_OK && got == MAX_NAMES_FILE) {
        status = cnn__bytes_fail(bytes, got, "a file of class names that is this long");
    }
    cnn__tensor_release(r->images);
    r->images = status == CNN_OK ? cnn__tensor_new_on_host(r->ctx, r->kind->call, CNN_U8, 2, shape) : NULL;
    if (status == CNN_OK) {
        status = r->images ? cifar_split_names(r, bytes, text, got, r->images) : cnn__failure_status();
    }
    cnn__free(r->ctx, text);
    return status;
}

/* The names are no part of the samples: a folder may lack them. */
static cnn_status cifar_add_names(cifar_reader *r, cnn_dataset *dataset)
{
    cnn_status found = cifar_look(r, r->kind->names[r->label]);
    if (found == CNN_ERROR_NOT_FOUND) {
        return CNN_OK;
    }
    if (found == CNN_OK) {
        found = cifar_with_path(r, cifar_read_names);
    }
    dataset->class_names = found == CNN_OK ? cnn__tensor_retain(r->images) : NULL;
    return found;
}

/* ---- opening ---- */

static cnn_dataset *cifar_make(cifar_reader *r)
{
    cnn_dataset *dataset = cnn__dataset_new(r->ctx, r->kind->call);
    if (!dataset) {
        return NULL;
    }
    cnn__dataset_set_images(dataset, r->images);
    cnn__dataset_set_labels(dataset, r->labels);
    if (cnn__dataset_normalize(dataset, r->kind->call, 3, r->kind->mean, r->kind->std) != CNN_OK ||
        cifar_add_names(r, dataset) != CNN_OK) {
        cnn_dataset_free(dataset);
        return NULL;
    }
    return dataset;
}

static cnn_dataset *cifar_read_all(cifar_reader *r, const char *const *files)
{
    if (cifar_each_file(r, files, cifar_count) != CNN_OK) {
        return NULL;
    }
    const int64_t shape[] = { r->count, 3, 32, 32 };
    r->images = cnn__tensor_new_on_host(r->ctx, r->kind->call, CNN_U8, 4, shape);
    r->labels = r->images ? cnn__tensor_new_on_host(r->ctx, r->kind->call, CNN_U8, 1, shape) : NULL;
    r->count = 0;
    if (!r->labels || cifar_each_file(r, files, cifar_read) != CNN_OK) {
        return NULL;
    }
    if (r->count < shape[0]) {
        cnn__fail(r->ctx, CNN_ERROR_FORMAT, "%s: %s: byte 0: the file has changed while it was read", r->kind->call,
                  r->path);
        return NULL;
    }
    return cifar_make(r);
}

static cnn_dataset *cifar_open(const cifar *kind, cnn_context *ctx, const char *directory, cnn_cifar_split split,
                               int label)
{
    cifar_reader r = { .kind = kind, .ctx = ctx, .directory = directory, .label = label };
    if (!ctx || !directory) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", kind->call, ctx ? "directory" : "ctx");
        return NULL;
    }
    if ((int)split < CNN_CIFAR_TRAIN || (int)split > CNN_CIFAR_TEST) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: split is %d, expected CNN_CIFAR_TRAIN or CNN_CIFAR_TEST",
                  kind->call, (int)split);
        return NULL;
    }
    size_t size = strlen(directory) + CIFAR_PATH;
    r.path = cnn__alloc(ctx, size);
    cnn_dataset *dataset = NULL;
    if (r.path) {
        dataset = cifar_read_all(&r, kind->files[split]);
    } else {
        cnn__fail_memory(ctx, kind->call, size);
    }
    cnn__tensor_release(r.images);
    cnn__tensor_release(r.labels);
    cnn__free(ctx, r.path);
    return dataset;
}

cnn_dataset *cnn_cifar10_open(cnn_context *ctx, const char *directory, cnn_cifar_split split)
{
    return cifar_open(&cifar10, ctx, directory, split, 0);
}

cnn_dataset *cnn_cifar100_open(cnn_context *ctx, const char *directory, cnn_cifar_split split, bool coarse)
{
    return cifar_open(&cifar100, ctx, directory, split, coarse ? 0 : 1);
}

/* ---- class names of a dataset ---- */

int64_t cnn_dataset_class_count(const cnn_dataset *dataset)
{
    if (!dataset) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "dataset_class_count: dataset is NULL");
        return 0;
    }
    return dataset->class_names ? dataset->class_names->shape[0] : 0;
}

const char *cnn_dataset_class_name(const cnn_dataset *dataset, int64_t i)
{
    const char *call = "dataset_class_name";
    if (!dataset) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: dataset is NULL", call);
        return NULL;
    }
    int64_t count = cnn_dataset_class_count(dataset);
    if (count == 0) {
        cnn__fail(dataset->ctx, CNN_ERROR_NOT_FOUND, "%s: the dataset has no class names", call);
        return NULL;
    }
    if (i < 0 || i >= count) {
        cnn__fail(dataset->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: class %" PRId64 ", expected 0 to %" PRId64, call, i,
                  count - 1);
        return NULL;
    }
    return (const char *)cnn__data(dataset->class_names) + i * dataset->class_names->shape[1];
}
