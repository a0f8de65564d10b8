/* Opening a folder of pictures, and the handle for its names. The dataset and the handle hold the same folder. */
#include "folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SIDE = 65535, DECODING_COST = 1000000 };

static const char *const open_call = "image_folder_open";

/* ---- life ---- */

static void release(void *user)
{
    cnn_image_folder *f = user;
    if (atomic_fetch_sub(&f->references, 1) > 1) {
        return;
    }
    for (int64_t i = 0; i < f->count; i++) {
        cnn__picture_free(&f->samples[i].cached);
        free(f->samples[i].path);
    }
    for (int64_t c = 0; c < f->class_count; c++) {
        free(f->classes[c]);
    }
    free(f->samples);
    free(f->classes);
    free(f->class_sizes);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static cnn_image_folder *folder_new(cnn_context *ctx, const cnn_image_folder_options *options)
{
    cnn_image_folder *f = calloc(1, sizeof *f);
    if (!f || pthread_mutex_init(&f->lock, NULL) != 0) {
        free(f);
        cnn__image_fail(ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %zu bytes", open_call, sizeof *f);
        return NULL;
    }
    atomic_init(&f->references, 1);
    f->ctx = ctx;
    f->options = *options;
    f->normalised = options->mean != NULL;
    for (int c = 0; f->normalised && c < options->channels; c++) {
        f->mean[c] = (float)options->mean[c];
        f->std[c] = (float)options->std[c];
    }
    return f;
}

/* ---- options ---- */

static bool in_range(cnn_context *ctx, const char *name, int64_t value, int64_t least, int64_t most)
{
    if (value >= least && value <= most) {
        return true;
    }
    cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %lld, expected %lld to %lld", open_call, name,
                    (long long)value, (long long)least, (long long)most);
    return false;
}

/* Nothing is said about sizes where samples have their own. */
static bool check_own_sizes(cnn_context *ctx, const cnn_image_folder_options *o)
{
    const char *wrong = o->height         ? "height"
                        : o->width        ? "width"
                        : o->shorter_side ? "shorter_side"
                        : o->fit          ? "fit"
                        : o->dct_scaling  ? "dct_scaling"
                                          : NULL;
    if (wrong) {
        cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is given, expected 0 with own_sizes", open_call,
                        wrong);
    }
    return !wrong;
}

static bool check_size(cnn_context *ctx, cnn_image_folder_options *o)
{
    if (o->own_sizes) {
        return check_own_sizes(ctx, o);
    }
    if (!in_range(ctx, "height", o->height, 1, LONGEST_SIDE)) {
        return false;
    }
    o->width = o->width ? o->width : o->height;
    int64_t longer = o->height > o->width ? o->height : o->width;
    if (o->shorter_side && o->fit == CNN_IMAGE_STRETCH) {
        cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: shorter_side is %lld, expected 0 with CNN_IMAGE_STRETCH",
                        open_call, (long long)o->shorter_side);
        return false;
    }
    return in_range(ctx, "width", o->width, 1, LONGEST_SIDE) &&
           (!o->shorter_side || in_range(ctx, "shorter_side", o->shorter_side, longer, LONGEST_SIDE));
}

static bool check_normalisation(cnn_context *ctx, const cnn_image_folder_options *o)
{
    if (!o->mean != !o->std) {
        cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL, expected both mean and std or none",
                        open_call, o->mean ? "std" : "mean");
        return false;
    }
    for (int c = 0; o->mean && c < o->channels; c++) {
        if (!isfinite(o->mean[c]) || !isfinite(o->std[c]) || !(o->std[c] > 0)) {
            cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                            "%s: mean or std of channel %d is out of range, expected finite numbers and a std above 0",
                            open_call, c);
            return false;
        }
    }
    return true;
}

static bool check_options(cnn_context *ctx, cnn_image_folder_options *o)
{
    o->channels = o->channels ? o->channels : 3;
    if (o->channels != 1 && o->channels != 3) {
        cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: channels is %d, expected 1 or 3", open_call, o->channels);
        return false;
    }
    return in_range(ctx, "fit", o->fit, CNN_IMAGE_CROP, CNN_IMAGE_STRETCH) && check_size(ctx, o) &&
           in_range(ctx, "max_pixels", o->max_pixels, 0, INT64_MAX) &&
           in_range(ctx, "cache_bytes", o->cache_bytes, 0, INT64_MAX) && check_normalisation(ctx, o);
}

/* ---- opening ---- */

/* A picture is decoded at no less than twice the size that it is resized to. */
static void least_size(const void *user, int64_t height, int64_t width, int64_t *least_height, int64_t *least_width)
{
    cnn__axis rows, columns;
    cnn__folder_axes(user, height, width, &rows, &columns);
    *least_height = 2 * rows.to;
    *least_width = 2 * columns.to;
}

static void choose_decoding(cnn_image_folder *f)
{
    f->how = (cnn__decoding){ .max_pixels = f->options.max_pixels,
                              .mode = f->options.channels == 1 ? CNN_IMAGE_GRAY : CNN_IMAGE_RGB,
                              .apply_orientation = f->options.apply_exif_orientation,
                              .least_size = f->options.dct_scaling ? least_size : NULL,
                              .user = &f->options };
}

typedef struct verification {
    cnn_image_folder *folder;
    bool *unreadable;
} verification;

static cnn_status verify(int64_t begin, int64_t end, void *user)
{
    const verification *v = user;
    for (int64_t i = begin; i < end; i++) {
        cnn__picture picture;
        cnn__image_failure failure = { .status = CNN_OK };
        bool owned = false;
        v->unreadable[i] = !cnn__folder_picture(v->folder, i, &picture, &owned, &failure);
        if (owned) {
            cnn__picture_free(&picture);
        }
        if (failure.status == CNN_ERROR_NO_MEMORY) {
            return cnn__image_report(v->folder->ctx, open_call, v->folder->samples[i].path, &failure);
        }
    }
    return CNN_OK;
}

/* Leaves out the samples that cannot be decoded. */
static cnn_status skip_unreadable(cnn_image_folder *f, const char *directory)
{
    verification v = { .folder = f, .unreadable = calloc((size_t)f->count + 1, sizeof *v.unreadable) };
    if (!v.unreadable) {
        return cnn__image_fail(f->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %lld bytes", open_call,
                               (long long)f->count + 1);
    }
    cnn_status status = cnn_parallel_for(f->ctx, f->count, DECODING_COST, verify, &v);
    if (status == CNN_OK) {
        int64_t kept = 0;
        for (int64_t i = 0; i < f->count; i++) {
            if (v.unreadable[i]) {
                free(f->samples[i].path);
            } else {
                f->samples[kept++] = f->samples[i];
            }
        }
        f->skipped = f->count - kept;
        f->count = kept;
        status = cnn__folder_check_classes(f, open_call, directory);
    } else {
        status = cnn__image_fail(f->ctx, CNN_ERROR_NO_MEMORY, "%s: no memory to decode the pictures", open_call);
    }
    free(v.unreadable);
    return status;
}

static cnn_dataset *dataset_of(cnn_context *ctx, cnn_image_folder *f)
{
    const int64_t shape[3] = { f->options.channels, f->options.height, f->options.width };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks,
                                              .size = f->count,
                                              .image_shape = shape,
                                              .image_ndim = 3,
                                              .image_dtype = CNN_F32,
                                              .label_dtype = CNN_I64,
                                              .get = f->options.own_sizes ? NULL : cnn__folder_get,
                                              .make = f->options.own_sizes ? cnn__folder_make : NULL,
                                              .concurrent = true,
                                              .free_user = release,
                                              .user = f };
    return cnn_dataset_from_callbacks(ctx, &callbacks);
}

static cnn_dataset *open_folder(cnn_context *ctx, const char *directory, const cnn_image_folder_options *options)
{
    cnn_image_folder *f = folder_new(ctx, options);
    if (!f) {
        return NULL;
    }
    choose_decoding(f);
    cnn_status status = cnn__folder_scan(f, open_call, directory);
    if (status == CNN_OK && options->skip_unreadable) {
        status = skip_unreadable(f, directory);
    }
    if (status != CNN_OK) {
        release(f);
        return NULL;
    }
    if (!options->folder) {
        return dataset_of(ctx, f);
    }
    atomic_store(&f->references, 2);
    cnn_dataset *dataset = dataset_of(ctx, f); /* it gives up its hold on failure, too */
    if (dataset) {
        *options->folder = f;
    } else {
        release(f);
    }
    return dataset;
}

cnn_dataset *cnn_image_folder_open(cnn_context *ctx, const char *directory, const cnn_image_folder_options *options)
{
    cnn_image_folder_options ours;
    if (!ctx || !directory) {
        cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", open_call, ctx ? "directory" : "ctx");
        return NULL;
    }
    if (CNN__IMAGE_OPTIONS(ctx, open_call, &ours, options) != CNN_OK) {
        return NULL;
    }
    if (ours.folder) {
        *ours.folder = NULL;
    }
    return check_options(ctx, &ours) ? open_folder(ctx, directory, &ours) : NULL;
}

/* ---- the handle ---- */

/* Whether `i` is below `count`; if not, or if there is no handle, says so. */
static bool check_handle(const char *call, const cnn_image_folder *f, const char *what, int64_t i, int64_t count)
{
    if (!f) {
        cnn__image_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: folder is NULL", call);
        return false;
    }
    if (i < 0 || i >= count) {
        cnn__image_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s %lld of %lld", call, what, (long long)i,
                        (long long)count);
        return false;
    }
    return true;
}

void cnn_image_folder_free(cnn_image_folder *folder)
{
    if (folder) {
        release(folder);
    }
}

int64_t cnn_image_folder_class_count(const cnn_image_folder *folder)
{
    return check_handle("image_folder_class_count", folder, "", 0, 1) ? folder->class_count : 0;
}

const char *cnn_image_folder_class_name(const cnn_image_folder *folder, int64_t i)
{
    int64_t count = folder ? folder->class_count : 0;
    return check_handle("image_folder_class_name", folder, "class", i, count) ? folder->classes[i] : NULL;
}

int64_t cnn_image_folder_class_size(const cnn_image_folder *folder, int64_t i)
{
    int64_t count = folder ? folder->class_count : 0;
    return check_handle("image_folder_class_size", folder, "class", i, count) ? folder->class_sizes[i] : 0;
}

int64_t cnn_image_folder_size(const cnn_image_folder *folder)
{
    return check_handle("image_folder_size", folder, "", 0, 1) ? folder->count : 0;
}

const char *cnn_image_folder_path(const cnn_image_folder *folder, int64_t i)
{
    int64_t count = folder ? folder->count : 0;
    return check_handle("image_folder_path", folder, "sample", i, count) ? folder->samples[i].path : NULL;
}

int64_t cnn_image_folder_label(const cnn_image_folder *folder, int64_t i)
{
    int64_t count = folder ? folder->count : 0;
    return check_handle("image_folder_label", folder, "sample", i, count) ? folder->samples[i].label : -1;
}

int64_t cnn_image_folder_skipped(const cnn_image_folder *folder)
{
    return check_handle("image_folder_skipped", folder, "", 0, 1) ? folder->skipped : 0;
}
