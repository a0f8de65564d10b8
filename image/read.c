/* cnn_image_read() and its like: the public calls that read one picture. */
#include "picture.h"

#include <stdlib.h>

static cnn_status begin(cnn_context *ctx, const char *call, const cnn_image_options *options, cnn__decoding *how)
{
    cnn_image_options ours;
    if (!ctx) {
        return cnn__image_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
    }
    cnn_status status = CNN__IMAGE_OPTIONS(ctx, call, &ours, options);
    if (status != CNN_OK) {
        return status;
    }
    if (ours.max_pixels < 0) {
        return cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: max_pixels is %lld, expected 0 or more", call,
                               (long long)ours.max_pixels);
    }
    if (ours.mode < CNN_IMAGE_UNCHANGED || ours.mode > CNN_IMAGE_RGB_ALPHA) {
        return cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: mode is %d, expected a cnn_image_mode", call,
                               (int)ours.mode);
    }
    *how = (cnn__decoding){ .max_pixels = ours.max_pixels,
                            .mode = ours.mode,
                            .apply_orientation = ours.apply_exif_orientation };
    return CNN_OK;
}

static cnn_tensor *tensor_of(cnn_context *ctx, const char *call, const cnn__picture *picture)
{
    size_t bytes = cnn__picture_bytes(picture);
    unsigned char *planes = malloc(bytes);
    if (!planes) {
        cnn__image_fail(ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %zu bytes", call, bytes);
        return NULL;
    }
    cnn__picture_planes(picture, planes);
    const int64_t shape[3] = { picture->channels, picture->height, picture->width };
    cnn_tensor *tensor = cnn_tensor_from_data(ctx, CNN_U8, 3, shape, planes);
    free(planes);
    return tensor;
}

/* Reads an open source, and closes it. */
static cnn_tensor *read_source(cnn_context *ctx, const char *call, const char *name, cnn__source *source,
                               const cnn__decoding *how)
{
    cnn__picture picture;
    cnn_tensor *tensor = NULL;
    bool good = cnn__picture_decode(source, how, &picture);
    cnn__source_close(source);
    if (good) {
        tensor = tensor_of(ctx, call, &picture);
        cnn__picture_free(&picture);
    } else {
        cnn__image_report(ctx, call, name, &source->failure);
    }
    return tensor;
}

cnn_tensor *cnn_image_read(cnn_context *ctx, const char *path, const cnn_image_options *options)
{
    const char *call = "image_read";
    cnn__decoding how;
    cnn__source source;
    if (begin(ctx, call, options, &how) != CNN_OK) {
        return NULL;
    }
    if (!path) {
        cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: path is NULL", call);
        return NULL;
    }
    if (!cnn__source_open(&source, path)) {
        cnn__image_report(ctx, call, path, &source.failure);
        return NULL;
    }
    return read_source(ctx, call, path, &source, &how);
}

cnn_tensor *cnn_image_decode(cnn_context *ctx, const void *bytes, size_t size, const cnn_image_options *options)
{
    const char *call = "image_decode";
    cnn__decoding how;
    cnn__source source;
    if (begin(ctx, call, options, &how) != CNN_OK) {
        return NULL;
    }
    if (!bytes) {
        cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: bytes is NULL", call);
        return NULL;
    }
    cnn__source_open_memory(&source, bytes, size);
    return read_source(ctx, call, "the bytes", &source, &how);
}

cnn_status cnn_image_size(cnn_context *ctx, const char *path, const cnn_image_options *options, int64_t shape[3])
{
    const char *call = "image_size";
    cnn__decoding how;
    cnn__source source;
    cnn__picture picture;
    cnn_status status = begin(ctx, call, options, &how);
    if (status != CNN_OK) {
        return status;
    }
    if (!path || !shape) {
        return cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, path ? "shape" : "path");
    }
    how.header_only = true;
    bool good = cnn__source_open(&source, path);
    if (good) {
        good = cnn__picture_decode(&source, &how, &picture);
        cnn__source_close(&source);
    }
    if (!good) {
        return cnn__image_report(ctx, call, path, &source.failure);
    }
    shape[0] = picture.channels;
    shape[1] = picture.height;
    shape[2] = picture.width;
    return CNN_OK;
}
