/* What the files of libcnn-image share: where bytes come from and go to, a decoded picture, and how a failure deep
 * inside of a decoder becomes the message of a public call.
 *
 * Decoders know neither the context nor the call: they leave a status and a text in the source's failure, and the
 * public function puts its name and that of the file in front. All memory is the C library's. The library uses the
 * public API of libcnn alone. */
#ifndef CNN_IMAGE_PICTURE_H
#define CNN_IMAGE_PICTURE_H

#include <cnn/image.h>

#include <stdarg.h>

/* ---- failures (failure.c) ---- */

enum { CNN__IMAGE_TEXT = 200 };

typedef struct cnn__image_failure {
    cnn_status status; /* CNN_OK: none yet */
    char text[CNN__IMAGE_TEXT];
} cnn__image_failure;

/* Notes a failure, unless there is one already. Returns false. */
bool cnn__image_note(cnn__image_failure *failure, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes errno's text behind what was tried. Returns false. */
bool cnn__image_note_errno(cnn__image_failure *failure, const char *what);
bool cnn__image_note_memory(cnn__image_failure *failure, size_t bytes);

/* Reports a failure of a public call. Returns `status`. */
cnn_status cnn__image_fail(cnn_context *ctx, cnn_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reports "CALL: NAME: TEXT". */
cnn_status cnn__image_report(cnn_context *ctx, const char *call, const char *name, const cnn__image_failure *failure);

/* Copies the options at `given` (NULL: none) to `ours` by the rule of docs/abi.md; `known` bytes of the struct come
 * before its reserved ones. */
cnn_status cnn__image_options_read(cnn_context *ctx, const char *call, void *ours, size_t our_size, size_t known,
                                   const void *given);

#define CNN__IMAGE_OPTIONS(ctx, call, ours, given) \
    cnn__image_options_read((ctx), (call), (ours), sizeof *(ours), offsetof(__typeof__(*(ours)), reserved), (given))

/* ---- bytes (source.c, output.c) ---- */

typedef struct cnn__source {
    int fd;                    /* -1: all bytes are in memory */
    const unsigned char *next; /* the unread bytes that are at hand */
    size_t left;
    uint64_t passed; /* bytes of the file up to the end of those at hand */
    cnn__image_failure failure;
    unsigned char buffer[1 << 14];
} cnn__source;

/* Opens a regular file and reads its first bytes. On failure there is nothing to close. */
bool cnn__source_open(cnn__source *source, const char *path);
void cnn__source_open_memory(cnn__source *source, const void *bytes, size_t size);
void cnn__source_close(cnn__source *source);

/* Replaces the bytes at hand, which have all been used, by the next ones of the file. Fails at the end of the file,
 * with a failure that says so. */
bool cnn__source_fill(cnn__source *source);

typedef struct cnn__output {
    int fd;
    size_t used;
    const char *path;
    char *temporary; /* the file that is renamed to `path` when it is complete */
    cnn__image_failure failure;
    unsigned char buffer[1 << 14];
} cnn__output;

/* On failure there is nothing to close. */
bool cnn__output_open(cnn__output *output, const char *path);
bool cnn__output_write(cnn__output *output, const unsigned char *bytes, size_t size);
/* Renames the file if `complete` and nothing has failed, or else removes it. Returns whether it was renamed. */
bool cnn__output_close(cnn__output *output, bool complete);

/* ---- pictures (picture.c) ---- */

typedef struct cnn__picture {
    int64_t height, width;
    int channels;          /* 1 to 4 */
    unsigned char *pixels; /* [height, width, channels] */
} cnn__picture;

/* What a decoder is asked for. */
typedef struct cnn__decoding {
    int64_t max_pixels;
    cnn_image_mode mode;
    bool apply_orientation;
    bool header_only; /* the picture's sizes without its pixels */
    /* For a picture of the given size, turned as it is handed out, the least size that it may be decoded to. NULL: its
     * own. */
    void (*least_size)(const void *user, int64_t height, int64_t width, int64_t *least_height, int64_t *least_width);
    const void *user;
} cnn__decoding;

/* Sets the size of a picture and takes memory for its pixels; picture->channels is set. The pixel limit was checked
 * before. */
bool cnn__picture_allocate(cnn__picture *picture, cnn__image_failure *failure);
bool cnn__picture_check_limit(const cnn__decoding *how, int64_t height, int64_t width, cnn__image_failure *failure);
void cnn__picture_free(cnn__picture *picture);

/* Decodes a picture and gives it the orientation and channels that were asked for. On failure nothing is left to be
 * freed. */
bool cnn__picture_decode(cnn__source *source, const cnn__decoding *how, cnn__picture *picture);

/* The size in bytes. */
size_t cnn__picture_bytes(const cnn__picture *picture);

/* Turns the picture as an EXIF orientation of 1 to 8 says. */
bool cnn__picture_turn(cnn__picture *picture, int orientation, cnn__image_failure *failure);
bool cnn__picture_convert(cnn__picture *picture, int channels, cnn__image_failure *failure);
/* Writes [channels, height, width]. */
void cnn__picture_planes(const cnn__picture *picture, unsigned char *planes);

/* Decoders: they set the picture's size and channels as the file has them and, unless the header alone is wanted, its
 * pixels, and return its orientation, or 0 on failure. What they allocated for the picture is the caller's to free in
 * any case (png.c, jpeg.c). */
int cnn__png_decode(cnn__source *source, const cnn__decoding *how, cnn__picture *picture);
int cnn__jpeg_decode(cnn__source *source, const cnn__decoding *how, cnn__picture *picture);

/* The orientation in the TIFF structure of an EXIF block, 1 (upright) where there is none (exif.c). */
int cnn__exif_orientation(const unsigned char *tiff, size_t size);

/* ---- resizing (resize.c) ---- */

/* One dimension of a picture: `from` pixels are resized to `to`, of which `count` from `first` on are wanted. */
typedef struct cnn__axis {
    int64_t from, to, first, count;
} cnn__axis;

/* Writes the resized picture of 1 or 3 channels as f32 planes [channels, rows->count, columns->count] of numbers from 0
 * to 255. */
bool cnn__resize(const cnn__picture *picture, const cnn__axis *rows, const cnn__axis *columns, float *planes);

#endif
