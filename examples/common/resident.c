#include "resident.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 1000, LEVELS = 256 };

/* ---- what is copied, in the host's memory ---- */

typedef struct copy {
    int64_t shape[CNN_MAX_DIMS];
    int ndim;
    int64_t each;         /* elements per sample */
    unsigned char *bytes; /* the images, if they are bytes, */
    float *numbers;       /* otherwise; and one batch of them */
    int64_t *labels;
} copy;

/* The byte whose scaled value is x; LEVELS: there is none. */
static int byte_of(float x)
{
    int level = x >= 0 && x <= 1 ? (int)(x * 255.0f + 0.5f) : LEVELS;
    return level < LEVELS && (float)level / 255.0f == x ? level : LEVELS;
}

static bool make_bytes(const float *from, unsigned char *to, int64_t count)
{
    bool bytes = true;
    for (int64_t i = 0; i < count && bytes; i++) {
        int level = byte_of(from[i]);
        bytes = level < LEVELS;
        to[i] = (unsigned char)level;
    }
    return bytes;
}

static bool make_room(copy *c, const cnn_batch *batch, int64_t size, bool as_bytes)
{
    c->ndim = cnn_tensor_ndim(batch->images);
    memcpy(c->shape, cnn_tensor_shape(batch->images), (size_t)c->ndim * sizeof *c->shape);
    c->shape[0] = size;
    c->each = cnn_tensor_numel(batch->images) / batch->size;
    c->bytes = as_bytes ? malloc((size_t)(size * c->each)) : NULL;
    c->numbers = malloc((size_t)((as_bytes ? batch->size : size) * c->each) * sizeof *c->numbers);
    c->labels = malloc((size_t)size * sizeof *c->labels);
    return c->numbers && c->labels && (c->bytes || !as_bytes);
}

static bool copy_batch(copy *c, const cnn_batch *batch, int64_t done, bool *are_bytes)
{
    const int64_t count = batch->size * c->each;
    float *to = c->numbers + (c->bytes ? 0 : done * c->each);
    if (cnn_tensor_read(batch->images, to, (size_t)count * sizeof *to) != CNN_OK ||
        cnn_tensor_read(batch->labels, c->labels + done, (size_t)batch->size * sizeof *c->labels) != CNN_OK) {
        return false;
    }
    *are_bytes = *are_bytes && make_bytes(to, c->bytes + done * c->each, count);
    return true;
}

static void copy_free(copy *c)
{
    free(c->bytes);
    free(c->numbers);
    free(c->labels);
    *c = (copy){ .ndim = 0 };
}

/* Copies all samples; `are_bytes` says whether as bytes, and becomes false at the first image that has other numbers, where the
 * copy ends. */
static bool copy_all(copy *c, cnn_context *ctx, cnn_dataset *dataset, bool *are_bytes)
{
    const int64_t size = cnn_dataset_size(dataset);
    const bool as_bytes = *are_bytes;
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(dataset), size < AT_ONCE ? size : AT_ONCE);
    cnn_batch batch;
    int64_t done = 0;
    bool room = true, good = true;
    while (room && good && *are_bytes == as_bytes && cnn_loader_next(loader, &batch)) {
        room = done > 0 || make_room(c, &batch, size, as_bytes);
        good = room && copy_batch(c, &batch, done, are_bytes);
        done += batch.size;
    }
    if (!room) {
        cnn_context_set_error(ctx, CNN_ERROR_NO_MEMORY, "no memory for a copy of the images");
    }
    good = room && good && cnn_loader_status(loader) == CNN_OK && (done == size || *are_bytes != as_bytes);
    cnn_loader_free(loader);
    return good;
}

/* A view of the data set that gives its bytes out as they are scaled; NULL: it has a normalisation of its own. */
static cnn_dataset *scaled_of(cnn_dataset *dataset)
{
    cnn_dataset *view = cnn_dataset_slice(cnn_dataset_share(dataset), 0, cnn_dataset_size(dataset));
    if (view && cnn_dataset_normalize(view, 1, (const double[]){ 0 }, (const double[]){ 1 }) != CNN_OK) {
        cnn_dataset_free(view);
        cnn_context_clear_error(NULL);
        view = NULL;
    }
    return view;
}

static bool copy_samples(copy *c, cnn_context *ctx, cnn_dataset *dataset)
{
    cnn_dataset *scaled = scaled_of(dataset);
    bool are_bytes = scaled != NULL, good = !scaled || copy_all(c, ctx, scaled, &are_bytes);
    cnn_dataset_free(scaled);
    if (good && !are_bytes) {
        copy_free(c);
        good = copy_all(c, ctx, dataset, &are_bytes);
    }
    return good;
}

/* ---- numbers of samples, and what is drawn for them ---- */

typedef struct drawing {
    const resident_change *change;
    int64_t height, width;
} drawing;

static cnn_status draw(float *image, int64_t channels, int64_t height, int64_t width, cnn_random_source *random, void *user)
{
    const drawing *d = user;
    (void)channels, (void)height, (void)width;
    d->change->draw(random, d->height, d->width, image);
    return CNN_OK;
}

/* Samples whose images [1,1,count] are what is drawn and whose labels are the samples' numbers. */
static cnn_dataset *drawn_new(const resident *r, cnn_context *ctx, cnn_tensor *numbers, const copy *c)
{
    cnn_tensor *room = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(c->shape[0], 1, 1, r->change->count));
    cnn_augmentation *chain = room ? cnn_augmentation_new(ctx) : NULL;
    drawing *d = chain ? malloc(sizeof *d) : NULL;
    cnn_dataset *made = NULL;
    if (d) {
        *d = (drawing){ r->change, c->shape[c->ndim - 2], c->shape[c->ndim - 1] };
        cnn_augment_custom(chain, draw, free, d);
        made = cnn_dataset_augment(cnn_dataset_from_tensors(room, numbers), chain);
    } else if (chain) {
        cnn_context_set_error(ctx, CNN_ERROR_NO_MEMORY, "no memory for the draws of an augmentation");
    }
    cnn_augmentation_free(chain);
    cnn_tensor_free(room);
    return made;
}

static cnn_dataset *numbers_new(const resident *r, cnn_context *ctx, const copy *c)
{
    for (int64_t i = 0; i < c->shape[0]; i++) {
        c->labels[i] = i;
    }
    cnn_tensor *all = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(c->shape[0]), c->labels);
    cnn_dataset *made = !all ? NULL : r->change ? drawn_new(r, ctx, all, c) : cnn_dataset_from_tensors(all, NULL);
    cnn_tensor_free(all);
    return made;
}

/* ---- on the device ---- */

static bool make_grid(resident *r, cnn_context *ctx, const copy *c)
{
    const int64_t height = c->shape[c->ndim - 2], width = c->shape[c->ndim - 1], pixels = height * width;
    float *grid = malloc((size_t)(2 * pixels) * sizeof *grid);
    for (int64_t i = 0; grid && i < pixels; i++) {
        grid[i] = (float)(i % width);
        grid[pixels + i] = (float)(i / width);
    }
    if (grid) {
        r->grid = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, pixels), grid);
        r->limit = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(2, 1), ((float[]){ (float)(width - 1), (float)(height - 1) }));
    } else {
        cnn_context_set_error(ctx, CNN_ERROR_NO_MEMORY, "no memory for the places of pixels");
    }
    free(grid);
    return r->grid && r->limit;
}

static cnn_tensor *constant(cnn_context *ctx, int channels, const double *values)
{
    cnn_tensor *wide = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(channels, 1, 1), values);
    cnn_tensor *made = wide ? cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(channels, 1, 1)) : NULL;
    if (made && cnn_tensor_copy_from(made, wide) != CNN_OK) {
        cnn_tensor_free(made);
        made = NULL;
    }
    cnn_tensor_free(wide);
    return made;
}

static bool place(resident *r, cnn_context *ctx, const copy *c, const resident_options *o)
{
    r->images = cnn_tensor_from_data(ctx, c->bytes ? CNN_U8 : CNN_F32, c->ndim, c->shape,
                                     c->bytes ? (const void *)c->bytes : (const void *)c->numbers);
    r->labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(c->shape[0]), c->labels);
    if (c->bytes) {
        r->levels = constant(ctx, 1, (const double[]){ 255 });
        r->mean = constant(ctx, o->channels, o->mean);
        r->deviation = constant(ctx, o->channels, o->deviation);
    }
    return r->images && r->labels && (!c->bytes || (r->levels && r->mean && r->deviation)) && (!r->change || make_grid(r, ctx, c));
}

cnn_dataset *resident_new(resident *r, cnn_context *ctx, cnn_dataset *dataset, const resident_options *options)
{
    copy c = { .ndim = 0 };
    cnn_dataset *numbers = NULL;
    *r = (resident){ .change = options->change };
    if (dataset && copy_samples(&c, ctx, dataset) && place(r, ctx, &c, options)) {
        numbers = numbers_new(r, ctx, &c);
    }
    if (!numbers) {
        resident_free(r);
    }
    copy_free(&c);
    cnn_dataset_free(dataset);
    return numbers;
}

void resident_free(resident *r)
{
    cnn_tensor *const all[] = { r->images, r->labels, r->levels, r->mean, r->deviation, r->grid, r->limit };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cnn_tensor_free(all[i]);
    }
    *r = (resident){ .images = NULL };
}

/* ---- a batch ---- */

/* In the order and the precision of a data set of bytes, so with its bits where nothing was changed or pixels were only moved. */
static cnn_tensor *finish(const resident *r, cnn_tape *tape, cnn_tensor *images, cnn_tensor *drawn)
{
    if (r->levels) {
        images = cnn_div(cnn_cast(images, CNN_F32), cnn_input(tape, r->levels));
    }
    if (r->change) {
        images = r->change->make(r, images, cnn_flatten(drawn, 1, -1));
    }
    if (r->levels) {
        images = cnn_div(cnn_sub(images, cnn_input(tape, r->mean)), cnn_input(tape, r->deviation));
    }
    return images;
}

void resident_batch(const resident *r, cnn_tape *tape, cnn_batch *batch)
{
    if (r && r->images) {
        cnn_tensor *drawn = r->change ? cnn_input(tape, batch->images) : NULL;
        cnn_tensor *numbers = cnn_input(tape, r->change ? batch->labels : batch->images);
        batch->images = finish(r, tape, cnn_index_select(cnn_input(tape, r->images), 0, numbers), drawn);
        batch->labels = cnn_index_select(cnn_input(tape, r->labels), 0, numbers);
    }
}
