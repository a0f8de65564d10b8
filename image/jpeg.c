/* JPEG files by libjpeg-turbo. As in png.c, its errors jump back to the frame that called it, and all that lives longer
 * is in the job. Its warnings are about damage that it can go on from; that the file ends too early, which it would
 * paint over in gray, is an error here. */
#include "picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/* A progressive file may say little in many scans, each of which takes time for the whole picture. */
enum { MAX_SCANS = 500, MARKER_BYTES = 0xffff, EXIF = JPEG_APP0 + 1, EXIF_NAME = 6 };

typedef struct jpeg_job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr reader;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    cnn__source *source;
    const cnn__decoding *how;
    cnn__picture *picture;
    int orientation;
} jpeg_job;

/* ---- what libjpeg calls ---- */

static void fail(jpeg_job *job)
{
    longjmp(job->failed, 1);
}

static void on_error(j_common_ptr jpeg)
{
    jpeg_job *job = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY) {
        cnn__image_note(&job->source->failure, CNN_ERROR_NO_MEMORY, "no memory to decode the JPEG file");
    } else {
        cnn__image_note(&job->source->failure, CNN_ERROR_FORMAT, "the JPEG file is malformed before byte %llu: %.120s",
                        (unsigned long long)(job->source->passed - job->reader.bytes_in_buffer), text);
    }
    fail(job);
}

static void on_message(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void on_warning(j_common_ptr jpeg, int level)
{
    (void)jpeg;
    (void)level;
}

static void on_begin(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

static boolean on_fill(j_decompress_ptr jpeg)
{
    jpeg_job *job = jpeg->client_data;
    if (!cnn__source_fill(job->source)) {
        fail(job);
    }
    job->reader.next_input_byte = job->source->next;
    job->reader.bytes_in_buffer = job->source->left;
    return TRUE;
}

static void on_skip(j_decompress_ptr jpeg, long count)
{
    jpeg_job *job = jpeg->client_data;
    while (count > 0) {
        if (job->reader.bytes_in_buffer == 0) {
            on_fill(jpeg);
        }
        size_t n = (size_t)count < job->reader.bytes_in_buffer ? (size_t)count : job->reader.bytes_in_buffer;
        job->reader.next_input_byte += n;
        job->reader.bytes_in_buffer -= n;
        count -= (long)n;
    }
}

static void on_progress(j_common_ptr jpeg)
{
    jpeg_job *job = jpeg->client_data;
    if (job->jpeg.input_scan_number > MAX_SCANS) {
        cnn__image_note(&job->source->failure, CNN_ERROR_UNSUPPORTED, "the JPEG file has more than %d scans",
                        MAX_SCANS);
        fail(job);
    }
}

/* ---- the header ---- */

static int jpeg_orientation(const struct jpeg_decompress_struct *jpeg)
{
    for (jpeg_saved_marker_ptr m = jpeg->marker_list; m; m = m->next) {
        if (m->marker == EXIF && m->data_length > EXIF_NAME && memcmp(m->data, "Exif\0", EXIF_NAME) == 0) {
            return cnn__exif_orientation(m->data + EXIF_NAME, m->data_length - EXIF_NAME);
        }
    }
    return 1;
}

static void read_header(jpeg_job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    jpeg_create_decompress(jpeg);
    job->reader = (struct jpeg_source_mgr){ .next_input_byte = job->source->next,
                                            .bytes_in_buffer = job->source->left,
                                            .init_source = on_begin,
                                            .fill_input_buffer = on_fill,
                                            .skip_input_data = on_skip,
                                            .resync_to_restart = jpeg_resync_to_restart,
                                            .term_source = on_begin };
    job->progress.progress_monitor = on_progress;
    jpeg->src = &job->reader;
    jpeg->progress = &job->progress;
    if (job->how->apply_orientation) {
        jpeg_save_markers(jpeg, EXIF, MARKER_BYTES);
    }
    jpeg_read_header(jpeg, TRUE);
    job->orientation = job->how->apply_orientation ? jpeg_orientation(jpeg) : 1;
    job->picture->height = jpeg->image_height;
    job->picture->width = jpeg->image_width;
    job->picture->channels = jpeg->jpeg_color_space == JCS_GRAYSCALE ? 1 : 3;
    if (jpeg->jpeg_color_space == JCS_UNKNOWN) {
        cnn__image_note(&job->source->failure, CNN_ERROR_FORMAT,
                        "the JPEG file has %d components, expected gray, colour or CMYK", jpeg->num_components);
        fail(job);
    }
}

/* ---- the pixels ---- */

/* The largest of 1, 2, 4 and 8 by which both sides may be divided. */
static unsigned scale_of(const jpeg_job *job)
{
    const cnn__decoding *how = job->how;
    bool transposed = job->orientation >= 5;
    int64_t height = transposed ? job->picture->width : job->picture->height;
    int64_t width = transposed ? job->picture->height : job->picture->width;
    int64_t least_height = 0, least_width = 0;
    unsigned scale = 1;
    if (!how->least_size) {
        return scale;
    }
    how->least_size(how->user, height, width, &least_height, &least_width);
    while (scale < 8 && height / (2 * scale) >= least_height && width / (2 * scale) >= least_width) {
        scale *= 2;
    }
    return scale;
}

static void choose_output(jpeg_job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    bool gray = job->how->mode == CNN_IMAGE_GRAY || job->how->mode == CNN_IMAGE_GRAY_ALPHA;
    if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK) {
        jpeg->out_color_space = JCS_CMYK;
    } else if (jpeg->jpeg_color_space == JCS_GRAYSCALE || (gray && jpeg->jpeg_color_space == JCS_YCbCr)) {
        jpeg->out_color_space = JCS_GRAYSCALE;
    } else {
        jpeg->out_color_space = JCS_RGB;
    }
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->scale_num = 1;
    jpeg->scale_denom = scale_of(job);
    jpeg_calc_output_dimensions(jpeg);
    job->picture->height = jpeg->output_height;
    job->picture->width = jpeg->output_width;
    job->picture->channels = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3;
}

static unsigned char times(unsigned a, unsigned b)
{
    unsigned product = a * b + 128;
    return (unsigned char)((product + (product >> 8)) >> 8); /* a b / 255, rounded */
}

/* Inverted CMYK, as Adobe's programs write it, by PIL's formula: K − K (255 − C) / 255, where both are inverted. */
static void rgb_of_cmyk(const unsigned char *cmyk, unsigned char *rgb, int64_t width)
{
    for (int64_t x = 0; x < width; x++, cmyk += 4, rgb += 3) {
        for (int c = 0; c < 3; c++) {
            rgb[c] = (unsigned char)(cmyk[3] - times(255u - cmyk[c], cmyk[3]));
        }
    }
}

static void read_pixels(jpeg_job *job)
{
    struct jpeg_decompress_struct *jpeg = &job->jpeg;
    cnn__picture *p = job->picture;
    if (!cnn__picture_check_limit(job->how, p->height, p->width, &job->source->failure)) {
        fail(job);
    }
    choose_output(job);
    if (!cnn__picture_allocate(p, &job->source->failure)) {
        fail(job);
    }
    jpeg_start_decompress(jpeg);
    bool cmyk = jpeg->out_color_space == JCS_CMYK;
    JSAMPARRAY row = NULL;
    if (cmyk) {
        row = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW to = p->pixels + (size_t)jpeg->output_scanline * (size_t)p->width * (size_t)p->channels;
        jpeg_read_scanlines(jpeg, cmyk ? row : &to, 1);
        if (cmyk) {
            rgb_of_cmyk(row[0], to, p->width);
        }
    }
    jpeg_finish_decompress(jpeg);
}

static bool run(jpeg_job *job)
{
    if (setjmp(job->failed)) {
        return false;
    }
    read_header(job);
    if (!job->how->header_only) {
        read_pixels(job);
    }
    return true;
}

int cnn__jpeg_decode(cnn__source *source, const cnn__decoding *how, cnn__picture *picture)
{
    jpeg_job job = { .source = source, .how = how, .picture = picture, .orientation = 1 };
    job.jpeg.err = jpeg_std_error(&job.errors);
    job.jpeg.client_data = &job;
    job.errors.error_exit = on_error;
    job.errors.output_message = on_message;
    job.errors.emit_message = on_warning;
    bool good = run(&job);
    jpeg_destroy_decompress(&job.jpeg);
    return good ? job.orientation : 0;
}
