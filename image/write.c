/* Writing PNG and JPEG files. As in the decoders, errors of the two libraries jump back to the frame that called them,
 * and all that lives longer is in the job. */
#include "picture.h"
#include "png_memory.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <png.h>

#include <jerror.h>

typedef struct write_job {
    cnn__output output;
    int64_t channels, height, width;
    unsigned char *planes; /* [channels, height, width] */
    unsigned char *row;    /* [width, channels] */
    int level;             /* PNG's compression level or JPEG's quality */
    png_structp png;
    png_infop info;
    bool no_memory;
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr writer;
    jmp_buf failed;
    unsigned char buffer[1 << 12];
} write_job;

static unsigned char *interleaved_row(const write_job *job, int64_t y)
{
    for (int64_t c = 0; c < job->channels; c++) {
        const unsigned char *x = job->planes + (c * job->height + y) * job->width;
        for (int64_t i = 0; i < job->width; i++) {
            job->row[i * job->channels + c] = x[i];
        }
    }
    return job->row;
}

/* ---- PNG ---- */

static void png_on_error(png_structp png, png_const_charp message)
{
    write_job *job = png_get_error_ptr(png);
    cnn__image_note(&job->output.failure, job->no_memory ? CNN_ERROR_NO_MEMORY : CNN_ERROR_IO, "libpng: %s", message);
    png_longjmp(png, 1);
}

static void png_on_write(png_structp png, png_bytep bytes, size_t size)
{
    write_job *job = png_get_io_ptr(png);
    if (!cnn__output_write(&job->output, bytes, size)) {
        png_error(png, "write error");
    }
}

static void png_on_flush(png_structp png)
{
    (void)png;
}

static bool png_run(write_job *job)
{
    static const int types[] = { 0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA };
    png_structp png = job->png;
    if (setjmp(png_jmpbuf(png))) {
        return false;
    }
    png_set_write_fn(png, job, png_on_write, png_on_flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_compression_level(png, job->level);
    png_set_IHDR(png, job->info, (png_uint_32)job->width, (png_uint_32)job->height, 8, types[job->channels],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, job->info);
    for (int64_t y = 0; y < job->height; y++) {
        png_write_row(png, interleaved_row(job, y));
    }
    png_write_end(png, job->info);
    return true;
}

static bool png_write(write_job *job)
{
    job->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, job, png_on_error, cnn__png_on_warning, &job->no_memory,
                                         cnn__png_on_allocate, cnn__png_on_free);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    bool good =
        job->info ? png_run(job) : cnn__image_note(&job->output.failure, CNN_ERROR_NO_MEMORY, "no memory for libpng");
    png_destroy_write_struct(&job->png, &job->info);
    return good;
}

/* ---- JPEG ---- */

static void jpeg_on_error(j_common_ptr jpeg)
{
    write_job *job = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    cnn__image_note(&job->output.failure,
                    jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? CNN_ERROR_NO_MEMORY : CNN_ERROR_IO, "libjpeg: %.150s",
                    text);
    longjmp(job->failed, 1);
}

static void jpeg_on_message(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void jpeg_on_warning(j_common_ptr jpeg, int level)
{
    (void)jpeg;
    (void)level;
}

static void jpeg_on_begin(j_compress_ptr jpeg)
{
    jpeg->dest->next_output_byte = ((write_job *)jpeg->client_data)->buffer;
    jpeg->dest->free_in_buffer = sizeof((write_job *)jpeg->client_data)->buffer;
}

/* libjpeg's buffer is full, whatever the destination says of it. */
static boolean jpeg_on_full(j_compress_ptr jpeg)
{
    write_job *job = jpeg->client_data;
    if (!cnn__output_write(&job->output, job->buffer, sizeof job->buffer)) {
        longjmp(job->failed, 1);
    }
    jpeg_on_begin(jpeg);
    return TRUE;
}

static void jpeg_on_end(j_compress_ptr jpeg)
{
    write_job *job = jpeg->client_data;
    if (!cnn__output_write(&job->output, job->buffer, sizeof job->buffer - job->writer.free_in_buffer)) {
        longjmp(job->failed, 1);
    }
}

static bool jpeg_run(write_job *job)
{
    struct jpeg_compress_struct *jpeg = &job->jpeg;
    if (setjmp(job->failed)) {
        return false;
    }
    jpeg_create_compress(jpeg);
    job->writer = (struct jpeg_destination_mgr){ .init_destination = jpeg_on_begin,
                                                 .empty_output_buffer = jpeg_on_full,
                                                 .term_destination = jpeg_on_end };
    jpeg->dest = &job->writer;
    jpeg->image_width = (JDIMENSION)job->width;
    jpeg->image_height = (JDIMENSION)job->height;
    jpeg->input_components = (int)job->channels;
    jpeg->in_color_space = job->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, job->level, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = interleaved_row(job, jpeg->next_scanline);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return true;
}

static bool jpeg_write(write_job *job)
{
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->jpeg.client_data = job;
    job->errors.error_exit = jpeg_on_error;
    job->errors.output_message = jpeg_on_message;
    job->errors.emit_message = jpeg_on_warning;
    bool good = jpeg_run(job);
    jpeg_destroy_compress(&job->jpeg);
    return good;
}

/* ---- both ---- */

typedef struct form {
    const char *call, *level_name, *channels;
    unsigned channel_counts; /* bit n: n channels */
    int64_t longest;
    int least_level, most_level;
    bool (*write)(write_job *job);
} form;

static const form png_form = { .call = "image_write_png",
                               .level_name = "compression_level",
                               .channels = "1 to 4",
                               .channel_counts = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4,
                               .longest = INT32_MAX,
                               .most_level = 9,
                               .write = png_write };
static const form jpeg_form = { .call = "image_write_jpeg",
                                .level_name = "quality",
                                .channels = "1 or 3",
                                .channel_counts = 1u << 1 | 1u << 3,
                                .longest = JPEG_MAX_DIMENSION,
                                .least_level = 1,
                                .most_level = 100,
                                .write = jpeg_write };

static cnn_status check(const form *f, const cnn_tensor *image, const char *path, int level)
{
    cnn_context *ctx = cnn_tensor_context(image);
    if (!path) {
        return cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: path is NULL", f->call);
    }
    if (cnn_tensor_dtype(image) != CNN_U8) {
        return cnn__image_fail(ctx, CNN_ERROR_DTYPE, "%s: image is %s, expected uint8", f->call,
                               cnn_dtype_name(cnn_tensor_dtype(image)));
    }
    if (cnn_tensor_ndim(image) != 3) {
        return cnn__image_fail(ctx, CNN_ERROR_SHAPE, "%s: image has %d dimensions, expected [channels, height, width]",
                               f->call, cnn_tensor_ndim(image));
    }
    const int64_t *shape = cnn_tensor_shape(image);
    if (shape[0] < 1 || shape[0] > 4 || !(f->channel_counts & 1u << shape[0]) || shape[1] < 1 || shape[2] < 1 ||
        shape[1] > f->longest || shape[2] > f->longest) {
        return cnn__image_fail(
            ctx, CNN_ERROR_SHAPE, "%s: image is [%lld,%lld,%lld], expected %s channels and sides of 1 to %lld", f->call,
            (long long)shape[0], (long long)shape[1], (long long)shape[2], f->channels, (long long)f->longest);
    }
    if (level < f->least_level || level > f->most_level) {
        return cnn__image_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is %d, expected %d to %d", f->call,
                               f->level_name, level, f->least_level, f->most_level);
    }
    return CNN_OK;
}

static cnn_status write_file(const form *f, write_job *job, const char *path, cnn_context *ctx)
{
    bool good = cnn__output_open(&job->output, path);
    if (good) {
        good = cnn__output_close(&job->output, f->write(job));
    }
    return good ? CNN_OK : cnn__image_report(ctx, f->call, path, &job->output.failure);
}

static cnn_status write_image(const form *f, const cnn_tensor *image, const char *path, int level)
{
    cnn_context *ctx = image ? cnn_tensor_context(image) : NULL;
    if (!image) {
        return cnn__image_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: image is NULL", f->call);
    }
    cnn_status status = cnn_tensor_status(image);
    status = status == CNN_OK ? check(f, image, path, level)
                              : cnn__image_fail(ctx, status, "%s: image is no usable tensor", f->call);
    if (status != CNN_OK) {
        return status;
    }
    const int64_t *shape = cnn_tensor_shape(image);
    size_t row = (size_t)(shape[0] * shape[2]), bytes = row * (size_t)shape[1];
    write_job *job = calloc(1, sizeof *job);
    unsigned char *elements = job ? malloc(bytes + row) : NULL;
    if (!elements) {
        free(job);
        return cnn__image_fail(ctx, CNN_ERROR_NO_MEMORY, "%s: no memory for %zu bytes", f->call, bytes + row);
    }
    status = cnn_tensor_read(image, elements, bytes);
    if (status == CNN_OK) {
        job->channels = shape[0];
        job->height = shape[1];
        job->width = shape[2];
        job->planes = elements;
        job->row = elements + bytes;
        job->level = level;
        status = write_file(f, job, path, ctx);
    }
    free(elements);
    free(job);
    return status;
}

cnn_status cnn_image_write_png(const cnn_tensor *image, const char *path, int compression_level)
{
    return write_image(&png_form, image, path, compression_level);
}

cnn_status cnn_image_write_jpeg(const cnn_tensor *image, const char *path, int quality)
{
    return write_image(&jpeg_form, image, path, quality);
}
