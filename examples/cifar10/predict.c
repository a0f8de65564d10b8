/* A picture of any size is brought to 32 x 32 pixels as those of folders are: its shorter side is resized, and the middle is kept. */
#include "predict.h"

#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"

#ifdef WITH_IMAGES
#include <cnn/image.h>
#endif

#include <stdio.h>
#include <stdlib.h>

#ifdef WITH_IMAGES

enum { SIDE = 32, GUESSES = 3, MOST_PIXELS = 64000000, NAME_SIZE = 4096 };

bool predict_available(void)
{
    return true;
}

static bool fail(void)
{
    say_error();
    cnn_context_clear_error(NULL);
    return false;
}

/* A picture as a batch of one, of bytes; NULL on failure. */
static cnn_tensor *batch_of(cnn_context *ctx, const cnn_tensor *picture)
{
    size_t size = (size_t)cnn_tensor_numel(picture);
    void *bytes = malloc(size);
    cnn_tensor *batch = NULL;
    if (!bytes) {
        cnn_context_set_error(ctx, CNN_ERROR_NO_MEMORY, "no memory for a picture");
    } else if (cnn_tensor_read(picture, bytes, size) == CNN_OK) {
        batch = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(1, 3, cnn_tensor_size(picture, 1), cnn_tensor_size(picture, 2)), bytes);
    }
    free(bytes);
    return batch;
}

/* A picture as the net was given those of the training, [3, 32, 32]; NULL on failure. */
static cnn_tensor *read_picture(cnn_context *ctx, const char *file)
{
    const cnn_image_options how = { .struct_size = sizeof how, .max_pixels = MOST_PIXELS, .mode = CNN_IMAGE_RGB, .apply_exif_orientation = true };
    cnn_tensor *picture = cnn_image_read(ctx, file, &how), *batch = picture ? batch_of(ctx, picture) : NULL, *made = NULL;
    cnn_tensor_free(picture);
    if (!batch) {
        return NULL;
    }
    cnn_augmentation *chain = cnn_augmentation_new(ctx);
    cnn_augment_resize(chain, SIDE, 0);
    cnn_augment_center_crop(chain, SIDE, SIDE);
    cnn_augment_normalize(chain, 3, data_means, data_deviations);
    cnn_dataset *one = cnn_dataset_augment(cnn_dataset_from_tensors(batch, NULL), chain);
    if (!one || cnn_dataset_get(one, 0, &made, NULL) != CNN_OK) {
        made = NULL;
    }
    cnn_dataset_free(one);
    cnn_augmentation_free(chain);
    cnn_tensor_free(batch);
    return made;
}

static bool ask(cnn_module *model, cnn_tape *tape, const char *file, float *probabilities, int64_t classes)
{
    cnn_tensor *picture = read_picture(cnn_module_context(model), file);
    if (!picture) {
        return fail();
    }
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *out = cnn_softmax(cnn_forward(model, cnn_unsqueeze(cnn_input(tape, picture), 0)), 1);
    bool read = cnn_tape_status(tape) == CNN_OK && cnn_tensor_read(out, probabilities, (size_t)classes * sizeof(float)) == CNN_OK;
    cnn_tensor_free(picture);
    return read || fail();
}

static int64_t most_likely(const float *probabilities, int64_t classes)
{
    int64_t likeliest = 0;
    for (int64_t c = 1; c < classes; c++) {
        likeliest = probabilities[c] > probabilities[likeliest] ? c : likeliest;
    }
    return likeliest;
}

/* Takes the probabilities of what it has printed away. */
static bool print_guesses(const char *file, const data *names, float *probabilities)
{
    char name[NAME_SIZE];
    cnn_name_escape(file, name, sizeof name);
    printf("%s:", name);
    for (int64_t g = 0; g < GUESSES && g < names->classes; g++) {
        int64_t c = most_likely(probabilities, names->classes);
        const char *class_name = data_class_name(names, c);
        char number[32];
        snprintf(number, sizeof number, "class %lld", (long long)c);
        cnn_name_escape(class_name ? class_name : number, name, sizeof name);
        printf("%s %s (%.2f %%)", g ? "," : "", name, 100 * (double)probabilities[c]);
        probabilities[c] = -1;
    }
    printf("\n");
    return streams_flush();
}

bool predict_files(cnn_module *model, cnn_tape *tape, const data *names, char *const *files, int count)
{
    float *probabilities = malloc((size_t)names->classes * sizeof *probabilities);
    bool good = probabilities != NULL;
    if (!good) {
        say("cifar10: no memory for %lld classes", (long long)names->classes);
    }
    for (int i = 0; probabilities && i < count && !interrupted; i++) {
        good = ask(model, tape, files[i], probabilities, names->classes) && print_guesses(files[i], names, probabilities) && good;
    }
    free(probabilities);
    return good && !interrupted;
}

#else

bool predict_available(void)
{
    say("cifar10: --predict reads pictures by libcnn-image, without which this program was built: it needs libpng and libjpeg (Debian: "
        "libpng-dev libjpeg-dev)");
    return false;
}

bool predict_files(cnn_module *model, cnn_tape *tape, const data *names, char *const *files, int count)
{
    (void)model, (void)tape, (void)names, (void)files, (void)count;
    return predict_available();
}

#endif
