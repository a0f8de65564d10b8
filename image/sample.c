/* Sample i of a folder: decode its picture, or take it from the cache; resize, crop, scale and normalise it. The
 * arithmetic is that of torchvision's transforms in f32. Called by several threads at once. */
#include "folder.h"

#include <stdlib.h>
#include <string.h>

/* ---- the size: sides of pictures are below 2^31, those of samples below 2^16 ---- */

/* Where a crop of `wanted` pixels begins: round((n - wanted) / 2) as Python rounds, halves to even. */
static cnn__axis cropped(int64_t from, int64_t to, int64_t wanted)
{
    int64_t spare = to - wanted, half = spare / 2;
    return (cnn__axis){ .from = from, .to = to, .first = spare % 2 ? half + half % 2 : half, .count = wanted };
}

void cnn__folder_axes(const cnn_image_folder_options *options, int64_t height, int64_t width, cnn__axis *rows,
                      cnn__axis *columns)
{
    int64_t to_height = options->height, to_width = options->width, side = options->shorter_side;
    if (options->fit == CNN_IMAGE_CROP) {
        /* Which side decides: the shorter one, or the one that leaves the other with too much. */
        bool by_height = side ? height <= width : width * to_height >= height * to_width;
        if (by_height) {
            to_height = side ? side : to_height;
            to_width = to_height * width / height;
        } else {
            to_width = side ? side : to_width;
            to_height = to_width * height / width;
        }
    }
    *rows = cropped(height, to_height, options->height);
    *columns = cropped(width, to_width, options->width);
}

/* ---- the picture ---- */

static bool read_picture(const cnn_image_folder *f, int64_t i, cnn__picture *picture, cnn__image_failure *failure)
{
    cnn__source source;
    bool good = cnn__source_open(&source, f->samples[i].path);
    if (good) {
        good = cnn__picture_decode(&source, &f->how, picture);
        cnn__source_close(&source);
    }
    if (!good) {
        *failure = source.failure;
    }
    return good;
}

/* Whether the cache took the picture: not if it is full, or another thread was first. */
static bool cache_put(cnn_image_folder *f, int64_t i, const cnn__picture *picture)
{
    size_t bytes = cnn__picture_bytes(picture), most = (size_t)f->options.cache_bytes;
    pthread_mutex_lock(&f->lock);
    bool taken = !f->samples[i].cached.pixels && bytes <= most - f->cached_bytes;
    if (taken) {
        f->samples[i].cached = *picture;
        f->cached_bytes += bytes;
    }
    pthread_mutex_unlock(&f->lock);
    return taken;
}

bool cnn__folder_picture(cnn_image_folder *f, int64_t i, cnn__picture *picture, bool *owned,
                         cnn__image_failure *failure)
{
    if (f->options.cache_bytes > 0) {
        pthread_mutex_lock(&f->lock);
        *picture = f->samples[i].cached;
        pthread_mutex_unlock(&f->lock);
        if (picture->pixels) {
            *owned = false;
            return true;
        }
    }
    bool good = read_picture(f, i, picture, failure);
    *owned = good && !(f->options.cache_bytes > 0 && cache_put(f, i, picture));
    return good;
}

/* ---- the sample ---- */

/* Planes of n pixels. */
static void scale(const cnn_image_folder *f, float *planes, int64_t n)
{
    for (int c = 0; c < f->options.channels; c++, planes += n) {
        for (int64_t k = 0; k < n; k++) {
            planes[k] /= 255.0f;
        }
        for (int64_t k = 0; f->normalised && k < n; k++) {
            planes[k] = (planes[k] - f->mean[c]) / f->std[c];
        }
    }
}

cnn_status cnn__folder_get(int64_t i, void *image, void *label, void *user)
{
    cnn_image_folder *f = user;
    cnn__picture picture;
    cnn__axis rows, columns;
    cnn__image_failure failure = { .status = CNN_OK };
    bool owned = false, good = cnn__folder_picture(f, i, &picture, &owned, &failure);
    if (good) {
        cnn__folder_axes(&f->options, picture.height, picture.width, &rows, &columns);
        good = cnn__resize(&picture, &rows, &columns, image) ||
               cnn__image_note(&failure, CNN_ERROR_NO_MEMORY, "no memory to resize %lld x %lld pixels",
                               (long long)picture.width, (long long)picture.height);
    }
    if (owned) {
        cnn__picture_free(&picture);
    }
    if (!good) {
        return cnn__image_report(f->ctx, "image_folder", f->samples[i].path, &failure);
    }
    scale(f, image, f->options.height * f->options.width);
    *(int64_t *)label = f->samples[i].label;
    return CNN_OK;
}

/* ---- a sample of its own size ---- */

/* The whole picture as a tensor; a device is given it in one copy. NULL: no memory, which is reported. */
static cnn_tensor *whole_picture(const cnn_image_folder *f, const cnn__picture *picture)
{
    const cnn__axis rows = { picture->height, picture->height, 0, picture->height };
    const cnn__axis columns = { picture->width, picture->width, 0, picture->width };
    cnn_tensor *image = cnn_tensor_empty(f->ctx, CNN_F32, CNN_SHAPE(f->options.channels, rows.from, columns.from));
    bool here = image && strcmp(cnn_tensor_device(image), "cpu") == 0;
    size_t bytes = image ? (size_t)cnn_tensor_numel(image) * sizeof(float) : 0;
    float *copy = image && !here ? malloc(bytes) : NULL, *planes = here ? cnn_tensor_data(image) : copy;
    bool good = planes != NULL;
    if (good) {
        cnn__resize(picture, &rows, &columns, planes); /* as it is */
        scale(f, planes, rows.from * columns.from);
        good = here || cnn_tensor_write(image, copy, bytes) == CNN_OK;
    } else if (image) {
        cnn__image_fail(f->ctx, CNN_ERROR_NO_MEMORY, "image_folder: no memory for %zu bytes", bytes);
    }
    free(copy);
    if (!good) {
        cnn_tensor_free(image);
        return NULL;
    }
    return image;
}

cnn_status cnn__folder_make(int64_t i, cnn_tensor **image, cnn_tensor **label, void *user)
{
    cnn_image_folder *f = user;
    cnn__picture picture;
    cnn__image_failure failure = { .status = CNN_OK };
    bool owned = false;
    if (!cnn__folder_picture(f, i, &picture, &owned, &failure)) {
        return cnn__image_report(f->ctx, "image_folder", f->samples[i].path, &failure);
    }
    cnn_tensor *x = whole_picture(f, &picture);
    cnn_tensor *y = x ? cnn_tensor_from_data(f->ctx, CNN_I64, 0, NULL, &f->samples[i].label) : NULL;
    cnn_status status = y ? CNN_OK : cnn_context_status(NULL);
    if (owned) {
        cnn__picture_free(&picture);
    }
    if (!y) {
        cnn_tensor_free(x);
        return status;
    }
    *image = x;
    *label = y;
    return CNN_OK;
}
