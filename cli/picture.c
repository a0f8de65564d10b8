/* Pictures as inputs, as torchvision's preprocessing for classification: Resize, CenterCrop, scaling to [0, 1],
 * Normalize. They are read by libcnn-image; a build without it says so. */
#include "inputs.h"

#include "common/say.h"

#ifdef WITH_IMAGES
#include <cnn/image.h>
#endif

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool picture_is(const char *path)
{
    unsigned char head[8] = { 0 };
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(head, 1, sizeof head, file) : 0;
    if (file) {
        fclose(file);
    }
    return (size == sizeof head && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0) ||
           (size >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0);
}

#ifdef WITH_IMAGES

enum { LONGEST_SIDE = 65535 }; /* as for --resize and --crop: a line of pixels would become gigabytes */

/* What an input takes. */
typedef struct target {
    cnn_onnx_value value;
    int rank, channel_dim; /* in [N,C,H,W] or [N,H,W,C]; without N where the rank is 3 */
    int64_t channels, height, width;
    double mean[MOST_CHANNELS], std[MOST_CHANNELS];
} target;

static bool can_be_channels(int64_t size)
{
    return size == 1 || size == MOST_CHANNELS;
}

/* Finds the dimensions of an input. */
static bool find_layout(const model *m, const picture_options *o, target *t)
{
    const cnn_onnx_value *v = &t->value;
    char shape[256];
    model_shape_text(v, shape, sizeof shape);
    t->rank = v->ndim < 0 ? 4 : v->ndim;
    if ((v->dtype != CNN_F32 && v->dtype != CNN_U8) || (t->rank != 3 && t->rank != 4)) {
        say("cnn %s: input %s is %s %s, but a picture becomes float32 or uint8 of [N,C,H,W] or [N,H,W,C]", m->command,
            v->name, cnn_dtype_name(v->dtype), shape);
        return false;
    }
    int first = t->rank - 3, last = t->rank - 1;
    int64_t sizes[4] = { -1, -1, -1, -1 };
    memcpy(sizes, v->shape, v->ndim < 0 ? 0 : (size_t)v->ndim * sizeof *sizes);
    bool by_last = !o->layout && !can_be_channels(sizes[first]) && can_be_channels(sizes[last]);
    t->channel_dim = o->layout == 'h' || by_last ? last : first;
    t->channels = sizes[t->channel_dim] < 0 ? MOST_CHANNELS : sizes[t->channel_dim];
    t->height = sizes[t->channel_dim == first ? last - 1 : first];
    t->width = sizes[t->channel_dim == first ? last : last - 1];
    if (!can_be_channels(t->channels)) {
        say("cnn %s: input %s is %s, of which %" PRId64 " is taken for the channels, but a picture has 1 or %d; see "
            "--layout",
            m->command, v->name, shape, t->channels, MOST_CHANNELS);
        return false;
    }
    if (t->height > LONGEST_SIDE || t->width > LONGEST_SIDE) {
        say("cnn %s: input %s is %s, but a picture has sides of at most %d", m->command, v->name, shape, LONGEST_SIDE);
        return false;
    }
    t->height = t->height < 0 && o->height ? o->height : t->height;
    t->width = t->width < 0 && o->width ? o->width : t->width;
    return true;
}

/* The numbers of ImageNet's pictures by default, which torchvision's weights were trained with. */
static bool find_numbers(const model *m, const picture_options *o, target *t)
{
    static const double mean[] = { 0.485, 0.456, 0.406 }, std[] = { 0.229, 0.224, 0.225 };
    bool plain = t->value.dtype == CNN_U8 || t->channels == 1;
    if (t->value.dtype == CNN_U8 && (o->mean_count || o->std_count)) {
        say("cnn %s: input %s is uint8, which is not normalised: leave out --mean and --std", m->command,
            t->value.name);
        return false;
    }
    if (o->mean_count > t->channels || o->std_count > t->channels) {
        say("cnn %s: --%s has %d numbers, but input %s has 1 channel", m->command,
            o->mean_count > t->channels ? "mean" : "std", MOST_CHANNELS, t->value.name);
        return false;
    }
    for (int c = 0; c < MOST_CHANNELS; c++) {
        t->mean[c] = o->mean_count ? o->mean[o->mean_count == 1 ? 0 : c] : plain ? 0 : mean[c];
        t->std[c] = o->std_count ? o->std[o->std_count == 1 ? 0 : c] : plain ? 1 : std[c];
    }
    return true;
}

/* The size that a picture is resized to before the crop: its shorter side is by 256 / 224 longer than the crop, as for
 * torchvision's nets, and the longer side's length is rounded down, as torchvision does it. */
static bool resized(const model *m, const picture_options *o, const target *t, int64_t height, int64_t width,
                    int64_t *to_height, int64_t *to_width)
{
    int64_t longest = t->height > t->width ? t->height : t->width;
    int64_t side = o->resize ? o->resize : (longest * 256 + 112) / 224;
    *to_height = t->height;
    *to_width = t->width;
    if (o->stretch || (height == t->height && width == t->width && !o->resize)) {
        return true;
    }
    if (side < longest) {
        say("cnn %s: --resize is %" PRId64 ", expected at least %" PRId64 ", the longest side of input %s", m->command,
            side, longest, t->value.name);
        return false;
    }
    *to_height = height <= width ? side : side * height / width;
    *to_width = height <= width ? side * width / height : side;
    if (*to_height > LONGEST_SIDE || *to_width > LONGEST_SIDE) {
        say("cnn %s: a picture of %" PRId64 " x %" PRId64 " would be resized to %" PRId64 " x %" PRId64
            " for input %s, expected sides of at most %d; see --fit stretch",
            m->command, height, width, *to_height, *to_width, t->value.name, LONGEST_SIDE);
        return false;
    }
    return true;
}

/* The picture [C,H,W] as f32, by the library's own transforms; NULL, said, on failure. */
static cnn_tensor *transformed(const model *m, const picture_options *o, const target *t, cnn_tensor *picture)
{
    const int64_t *size = cnn_tensor_shape(picture), shape[4] = { 1, size[0], size[1], size[2] };
    int64_t height, width;
    if (!resized(m, o, t, size[1], size[2], &height, &width)) {
        return NULL;
    }
    cnn_tensor *images = cnn_tensor_from_data(m->ctx, CNN_U8, 4, shape, cnn_tensor_data(picture)), *made = NULL;
    cnn_dataset *plain = cnn_dataset_from_tensors(images, NULL), *all = NULL;
    cnn_augmentation *chain = cnn_augmentation_new(m->ctx);
    bool same = size[1] == height && size[2] == width, cropped = height != t->height || width != t->width;
    bool good = plain && chain && (same || cnn_augment_resize(chain, height, width) == CNN_OK) &&
                (!cropped || cnn_augment_center_crop(chain, t->height, t->width) == CNN_OK) &&
                cnn_augment_normalize(chain, (int)t->channels, t->mean, t->std) == CNN_OK;
    if (good) {
        all = cnn_dataset_augment(plain, chain);
        plain = NULL; /* it was taken, also on failure */
        good = all && cnn_dataset_get(all, 0, &made, NULL) == CNN_OK;
    }
    if (!good) {
        say("cnn %s: %s", m->command, cnn_last_error(m->ctx));
        made = NULL;
    }
    cnn_augmentation_free(chain);
    cnn_dataset_free(plain);
    cnn_dataset_free(all);
    cnn_tensor_free(images);
    return made;
}

/* Writes a picture's elements where the batch has them, in its layout and dtype. */
static void put(const target *t, const float *from, void *batch, int64_t k)
{
    int64_t plane = t->height * t->width;
    bool last = t->channel_dim == t->rank - 1;
    for (int64_t c = 0; c < t->channels; c++) {
        for (int64_t p = 0; p < plane; p++) {
            int64_t to = k * t->channels * plane + (last ? p * t->channels + c : c * plane + p);
            float x = from[c * plane + p];
            if (t->value.dtype == CNN_U8) {
                ((unsigned char *)batch)[to] = (unsigned char)lrintf(fminf(fmaxf(x * 255, 0), 255));
            } else {
                ((float *)batch)[to] = x;
            }
        }
    }
}

static bool add_picture(model *m, const picture_options *o, target *t, const char *path, void **batch, int count,
                        int64_t k)
{
    cnn_tensor *picture =
        cnn_image_read(m->ctx, path,
                       &(cnn_image_options){ .struct_size = sizeof(cnn_image_options),
                                             .mode = t->channels == 1 ? CNN_IMAGE_GRAY : CNN_IMAGE_RGB });
    if (!picture) {
        say("cnn %s: %s", m->command, cnn_last_error(m->ctx));
        return false;
    }
    const int64_t *size = cnn_tensor_shape(picture);
    t->height = t->height < 0 ? size[1] : t->height; /* the first picture decides for those behind it */
    t->width = t->width < 0 ? size[2] : t->width;
    size_t bytes = (size_t)(t->channels * t->height * t->width) * cnn_dtype_size(t->value.dtype);
    cnn_tensor *made = transformed(m, o, t, picture);
    if (made && !*batch && !(*batch = malloc(bytes * (size_t)count))) {
        say("cnn %s: no memory for %d pictures of %zu bytes", m->command, count, bytes);
    }
    bool good = made && *batch;
    if (good) {
        put(t, cnn_tensor_data(made), *batch, k);
    }
    cnn_tensor_free(made);
    cnn_tensor_free(picture);
    return good;
}

bool picture_input(model *m, int i, const char *const *paths, int count, const picture_options *o)
{
    target t = { .value = model_input(m, i) };
    if (!find_layout(m, o, &t) || !find_numbers(m, o, &t)) {
        return false;
    }
    int64_t expected = t.rank == 3 ? 1 : t.value.ndim < 0 ? -1 : t.value.shape[0];
    if (expected >= 0 && expected != count) {
        say("cnn %s: %d pictures are given for input %s, which takes %" PRId64, m->command, count, t.value.name,
            expected);
        return false;
    }
    void *batch = NULL;
    bool good = true;
    for (int k = 0; k < count && good; k++) {
        good = add_picture(m, o, &t, paths[k], &batch, count, k);
    }
    if (good) {
        int64_t shape[4] = { count, t.channels, t.height, t.width };
        if (t.channel_dim == t.rank - 1) {
            memcpy(shape + 1, (const int64_t[]){ t.height, t.width, t.channels }, 3 * sizeof *shape);
        }
        m->inputs[i] = cnn_tensor_from_data(m->ctx, t.value.dtype, t.rank, shape + 4 - t.rank, batch);
        good = m->inputs[i] != NULL;
        if (!good) {
            say("cnn %s: %s", m->command, cnn_last_error(m->ctx));
        }
    }
    free(batch);
    return good;
}

#else

bool picture_input(model *m, int i, const char *const *paths, int count, const picture_options *o)
{
    (void)count, (void)o;
    say("cnn %s: %s is a picture for input %s, but this cnn was built without libcnn-image, which needs libpng and "
        "libjpeg; give a .npy file",
        m->command, paths[0], model_input(m, i).name);
    return false;
}

#endif
