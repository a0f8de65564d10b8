/* Decoded pictures: the choice of the decoder, the limit of pixels, orientations and channels. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

void cnn__picture_free(cnn__picture *picture)
{
    free(picture->pixels);
    picture->pixels = NULL;
}

size_t cnn__picture_bytes(const cnn__picture *picture)
{
    return (size_t)picture->height * (size_t)picture->width * (size_t)picture->channels;
}

bool cnn__picture_check_limit(const cnn__decoding *how, int64_t height, int64_t width, cnn__image_failure *failure)
{
    int64_t most = how->max_pixels ? how->max_pixels : CNN_IMAGE_MAX_PIXELS;
    return height <= most / width ||
           cnn__image_note(failure, CNN_ERROR_UNSUPPORTED,
                           "the picture has %lld x %lld pixels, more than max_pixels, which is %lld", (long long)width,
                           (long long)height, (long long)most);
}

bool cnn__picture_allocate(cnn__picture *picture, cnn__image_failure *failure)
{
    size_t bytes;
    bool too_many = __builtin_mul_overflow((size_t)picture->height, (size_t)picture->width, &bytes) ||
                    __builtin_mul_overflow(bytes, (size_t)picture->channels, &bytes) || bytes > INT64_MAX;
    picture->pixels = too_many ? NULL : malloc(bytes);
    if (!picture->pixels) {
        cnn__image_note(failure, CNN_ERROR_NO_MEMORY, "no memory for %lld x %lld pixels", (long long)picture->width,
                        (long long)picture->height);
    }
    return picture->pixels != NULL;
}

/* ---- orientation and channels ---- */

/* By EXIF orientation: where the first pixel of the turned picture is, and whether its rows run along columns. */
static const struct {
    bool bottom, right, transposed;
} turns[] = { [2] = { false, true, false }, [3] = { true, true, false }, [4] = { true, false, false },
              [5] = { false, false, true }, [6] = { true, false, true }, [7] = { true, true, true },
              [8] = { false, true, true } };

bool cnn__picture_turn(cnn__picture *picture, int orientation, cnn__image_failure *failure)
{
    if (orientation == 1) {
        return true;
    }
    bool transposed = turns[orientation].transposed;
    int64_t c = picture->channels, height = picture->height, width = picture->width;
    cnn__picture turned = { .height = transposed ? width : height,
                            .width = transposed ? height : width,
                            .channels = picture->channels };
    if (!cnn__picture_allocate(&turned, failure)) {
        return false;
    }
    int64_t down = turns[orientation].bottom ? -width : width, across = turns[orientation].right ? -1 : 1;
    const unsigned char *first = picture->pixels + c * ((turns[orientation].bottom ? (height - 1) * width : 0) +
                                                        (turns[orientation].right ? width - 1 : 0));
    unsigned char *to = turned.pixels;
    for (int64_t y = 0; y < turned.height; y++) {
        for (int64_t x = 0; x < turned.width; x++, to += c) {
            int64_t step = transposed ? x * down + y * across : y * down + x * across;
            memcpy(to, first + c * step, (size_t)c);
        }
    }
    cnn__picture_free(picture);
    *picture = turned;
    return true;
}

static unsigned char luma(const unsigned char *rgb)
{
    return (unsigned char)((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

bool cnn__picture_convert(cnn__picture *picture, int channels, cnn__image_failure *failure)
{
    if (channels == picture->channels) {
        return true;
    }
    cnn__picture other = { .height = picture->height, .width = picture->width, .channels = channels };
    if (!cnn__picture_allocate(&other, failure)) {
        return false;
    }
    int from_colours = picture->channels < 3 ? 1 : 3, colours = channels < 3 ? 1 : 3;
    const unsigned char *x = picture->pixels, *end = x + cnn__picture_bytes(picture);
    for (unsigned char *y = other.pixels; x < end; x += picture->channels, y += channels) {
        for (int c = 0; c < colours; c++) {
            y[c] = from_colours == colours ? x[c] : colours == 1 ? luma(x) : x[0];
        }
        if (channels > colours) {
            y[colours] = picture->channels > from_colours ? x[from_colours] : 255;
        }
    }
    cnn__picture_free(picture);
    *picture = other;
    return true;
}

void cnn__picture_planes(const cnn__picture *picture, unsigned char *planes)
{
    size_t pixels = (size_t)picture->height * (size_t)picture->width, channels = (size_t)picture->channels;
    for (size_t c = 0; c < channels; c++, planes += pixels) {
        const unsigned char *x = picture->pixels + c;
        for (size_t i = 0; i < pixels; i++) {
            planes[i] = x[i * channels];
        }
    }
}

/* ---- decoding ---- */

static const unsigned char png_signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
static const unsigned char jpeg_signature[3] = { 0xff, 0xd8, 0xff };

static int decode(cnn__source *source, const cnn__decoding *how, cnn__picture *picture)
{
    if (source->left >= sizeof png_signature && memcmp(source->next, png_signature, sizeof png_signature) == 0) {
        return cnn__png_decode(source, how, picture);
    }
    if (source->left >= sizeof jpeg_signature && memcmp(source->next, jpeg_signature, sizeof jpeg_signature) == 0) {
        return cnn__jpeg_decode(source, how, picture);
    }
    cnn__image_note(&source->failure, CNN_ERROR_FORMAT, source->left ? "is neither a PNG nor a JPEG file" : "is empty");
    return 0;
}

bool cnn__picture_decode(cnn__source *source, const cnn__decoding *how, cnn__picture *picture)
{
    *picture = (cnn__picture){ .pixels = NULL };
    int orientation = decode(source, how, picture);
    int channels = how->mode == CNN_IMAGE_UNCHANGED ? picture->channels : (int)how->mode;
    if (orientation && how->header_only) {
        int64_t height = picture->height;
        bool transposed = turns[orientation].transposed;
        picture->height = transposed ? picture->width : height;
        picture->width = transposed ? height : picture->width;
        picture->channels = channels;
        return true;
    }
    if (orientation && cnn__picture_turn(picture, orientation, &source->failure) &&
        cnn__picture_convert(picture, channels, &source->failure)) {
        return true;
    }
    cnn__picture_free(picture);
    return false;
}
