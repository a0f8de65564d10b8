/* PNG files by libpng. libpng reports an error by a function that must not return; ours jumps back to the frame that
 * called libpng, which keeps nothing in variables of its own: all that lives longer is in the job. */
#include "picture.h"
#include "png_memory.h"

#include <png.h>

#include <setjmp.h>
#include <stdlib.h>

/* The most that an ancillary chunk may take when it is decompressed, and how many chunks are kept. */
enum { MAX_CHUNK_BYTES = 8000000, MAX_CHUNKS = 100 };

typedef struct png_job {
    png_structp png;
    png_infop info;
    cnn__source *source;
    const cnn__decoding *how;
    cnn__picture *picture;
    int orientation;
    bool no_memory;
} png_job;

/* ---- what libpng calls ---- */

static void on_error(png_structp png, png_const_charp message)
{
    png_job *job = png_get_error_ptr(png);
    if (job->no_memory) {
        cnn__image_note(&job->source->failure, CNN_ERROR_NO_MEMORY, "no memory to decode the PNG file");
    } else {
        cnn__image_note(&job->source->failure, CNN_ERROR_FORMAT, "the PNG file is malformed before byte %llu: %s",
                        (unsigned long long)(job->source->passed - job->source->left), message);
    }
    png_longjmp(png, 1);
}

static void on_read(png_structp png, png_bytep to, size_t size)
{
    png_job *job = png_get_io_ptr(png);
    cnn__source *source = job->source;
    while (size > 0) {
        if (source->left == 0 && !cnn__source_fill(source)) {
            png_error(png, "read error");
        }
        size_t n = size < source->left ? size : source->left;
        for (size_t i = 0; i < n; i++) {
            to[i] = source->next[i];
        }
        source->next += n;
        source->left -= n;
        to += n;
        size -= n;
    }
}

/* ---- decoding ---- */

static int channels_of(png_job *job)
{
    int type = png_get_color_type(job->png, job->info);
    int colours = type & PNG_COLOR_MASK_COLOR ? 3 : 1; /* a palette is of colours */
    bool transparent = png_get_valid(job->png, job->info, PNG_INFO_tRNS) != 0;
    return colours + (type & PNG_COLOR_MASK_ALPHA || transparent ? 1 : 0);
}

static int png_orientation(png_job *job)
{
    png_uint_32 size = 0;
    png_bytep exif = NULL;
    if (!job->how->apply_orientation || !png_get_eXIf_1(job->png, job->info, &size, &exif)) {
        return 1;
    }
    return cnn__exif_orientation(exif, size);
}

static void read_header(png_job *job)
{
    png_structp png = job->png;
    png_set_read_fn(png, job, on_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* the limit of pixels is ours */
    png_set_chunk_malloc_max(png, MAX_CHUNK_BYTES);
    png_set_chunk_cache_max(png, MAX_CHUNKS);
    png_read_info(png, job->info);
    job->picture->height = png_get_image_height(png, job->info);
    job->picture->width = png_get_image_width(png, job->info);
    job->picture->channels = channels_of(job);
    job->orientation = png_orientation(job);
}

/* Memory for the pixels is taken before libpng takes its own for a row, so that the limit comes first. */
static void read_pixels(png_job *job)
{
    png_structp png = job->png;
    cnn__picture *p = job->picture;
    if (!cnn__picture_check_limit(job->how, p->height, p->width, &job->source->failure) ||
        !cnn__picture_allocate(p, &job->source->failure)) {
        png_error(png, "refused");
    }
    png_set_expand(png);
    png_set_scale_16(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, job->info);
    if (png_get_rowbytes(png, job->info) != (size_t)p->width * (size_t)p->channels) {
        png_error(png, "rows of unexpected length");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (int64_t y = 0; y < p->height; y++) {
            png_read_row(png, p->pixels + (size_t)y * (size_t)p->width * (size_t)p->channels, NULL);
        }
    }
    png_read_end(png, NULL);
}

static bool run(png_job *job)
{
    if (setjmp(png_jmpbuf(job->png))) {
        return false;
    }
    read_header(job);
    if (!job->how->header_only) {
        read_pixels(job);
    }
    return true;
}

int cnn__png_decode(cnn__source *source, const cnn__decoding *how, cnn__picture *picture)
{
    png_job job = { .source = source, .how = how, .picture = picture, .orientation = 1 };
    job.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &job, on_error, cnn__png_on_warning, &job.no_memory,
                                       cnn__png_on_allocate, cnn__png_on_free);
    job.info = job.png ? png_create_info_struct(job.png) : NULL;
    bool good = job.info ? run(&job) : cnn__image_note(&source->failure, CNN_ERROR_NO_MEMORY, "no memory for libpng");
    png_destroy_read_struct(&job.png, &job.info, NULL);
    return good ? job.orientation : 0;
}
