/* libcnn-image reads the files, where the program was built with it: PNG and JPEG, told apart by their first bytes.
 * A picture that is too large is refused by its header, before memory is taken for it. */
#include "predict.h"

#include "common/say.h"
#include "common/signals.h"
#include "common/streams.h"
#include "digit.h"
#include "screen.h"

#ifdef WITH_IMAGES
#include <cnn/image.h>
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, GUESSES = 3, MOST_PIXELS = 64000000 };

#ifdef WITH_IMAGES

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

static bool find_digit(const char *file, const digit_picture *picture, float pixels[INK_PIXELS])
{
    digit_result result = digit_find(picture, pixels);
    if (result == DIGIT_NONE) {
        say("mnist_cnn: no digit in %s: expected ink on paper of another colour", file);
    } else if (result == DIGIT_NO_MEMORY) {
        say("mnist_cnn: no memory to look for the digit in %s", file);
    }
    return result == DIGIT_FOUND;
}

/* Looks at the elements of a picture where they are; those that a device keeps to itself are copied. */
static bool find_in_tensor(const char *file, const cnn_tensor *image, float pixels[INK_PIXELS])
{
    size_t size = (size_t)cnn_tensor_numel(image);
    bool here = strcmp(cnn_tensor_device(image), "cpu") == 0;
    unsigned char *copy = here ? NULL : malloc(size);
    if (!here && !copy) {
        say("mnist_cnn: no memory for the %zu bytes of %s", size, file);
        return false;
    }
    const digit_picture picture = { .planes = here ? cnn_tensor_data(image) : copy,
                                  .height = cnn_tensor_size(image, 1),
                                  .width = cnn_tensor_size(image, 2) };
    bool read = here || cnn_tensor_read(image, copy, size) == CNN_OK || fail();
    bool found = read && find_digit(file, &picture, pixels);
    free(copy);
    return found;
}

static bool read_digit(cnn_context *ctx, const char *file, float pixels[INK_PIXELS])
{
    const cnn_image_options options = { .struct_size = sizeof options,
                                        .max_pixels = MOST_PIXELS,
                                        .mode = CNN_IMAGE_RGB_ALPHA,
                                        .apply_exif_orientation = true };
    cnn_tensor *image = cnn_image_read(ctx, file, &options);
    if (!image) {
        return fail();
    }
    bool found = find_in_tensor(file, image, pixels);
    cnn_tensor_free(image);
    return found;
}

/* The probabilities of the classes, by the network on one image, normalised as its training images were. */
static bool ask(cnn_module *model, cnn_tape *tape, const float pixels[INK_PIXELS], float probabilities[CLASSES])
{
    cnn_context *ctx = cnn_module_context(model);
    cnn_tensor *image = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 1, INK_SIDE, INK_SIDE), pixels);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x = cnn_mul_scalar(cnn_add_scalar(cnn_input(tape, image), -0.1307), 1 / 0.3081);
    cnn_tensor *out = cnn_softmax(cnn_forward(model, x), 1);
    bool read = image && cnn_tape_status(tape) == CNN_OK &&
                cnn_tensor_read(out, probabilities, CLASSES * sizeof(float)) == CNN_OK;
    cnn_tensor_free(image);
    return read || fail();
}

static void rank(const float probabilities[CLASSES], int guesses[GUESSES])
{
    for (int g = 0; g < GUESSES; g++) {
        guesses[g] = -1;
        for (int c = 0; c < CLASSES; c++) {
            bool taken = false;
            for (int before = 0; before < g; before++) {
                taken = taken || guesses[before] == c;
            }
            if (!taken && (guesses[g] < 0 || probabilities[c] > probabilities[guesses[g]])) {
                guesses[g] = c;
            }
        }
    }
}

static bool predict_file(cnn_module *model, cnn_tape *tape, const char *file, bool quiet)
{
    float pixels[INK_PIXELS], probabilities[CLASSES];
    char name[4096];
    int guesses[GUESSES];
    if (!read_digit(cnn_module_context(model), file, pixels) || !ask(model, tape, pixels, probabilities)) {
        return false;
    }
    rank(probabilities, guesses);
    cnn_name_escape(file, name, sizeof name);
    printf("%s:", name);
    for (int g = 0; g < GUESSES; g++) {
        printf("%s %d (%.2f %%)", g ? "," : "", guesses[g], 100 * (double)probabilities[guesses[g]]);
    }
    printf("\n");
    if (!quiet) {
        screen_draw(pixels, guesses, probabilities, GUESSES);
    }
    return streams_flush();
}

bool predict_files(cnn_module *model, cnn_tape *tape, char *const *files, int count, bool quiet)
{
    bool good = true;
    for (int i = 0; i < count && !interrupted; i++) {
        good = predict_file(model, tape, files[i], quiet) && good;
    }
    return good && !interrupted;
}

#else

bool predict_available(void)
{
    say("mnist_cnn: --predict reads pictures by libcnn-image, without which this program was built: it needs libpng "
        "and libjpeg "
        "(Debian: libpng-dev libjpeg-dev)");
    return false;
}

bool predict_files(cnn_module *model, cnn_tape *tape, char *const *files, int count, bool quiet)
{
    (void)model, (void)tape, (void)files, (void)count, (void)quiet;
    return predict_available();
}

#endif
