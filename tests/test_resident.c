/* Data sets that stay on a device, and what examples change in them there: examples/common/resident.c, examples/mnist_cnn/augment.c,
 * examples/cifar10/moves.c.
 * They consist of public operations, so the CPU carries them out as well as a device that CNN_DEVICE names; what is expected is what a
 * loader makes on the host. */
#include "../examples/cifar10/moves.h"
#include "../examples/mnist_cnn/augment.h"
#include "support/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 150, SIDE = 28, BATCH = 64, EPOCHS = 3 };

static const double means[3] = { 0.4914, 0.4822, 0.4465 }, deviations[3] = { 0.2470, 0.2435, 0.2616 };

static cnn_context *ctx;
static cnn_tape *tape;
static resident held;

static void setup(void)
{
    ctx = cnn_context_new(.seed = 9, .threads = 1);
    tape = cnn_tape_new(ctx);
    held = (resident){ .images = NULL };
}

static void teardown(void)
{
    resident_free(&held);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

/* Blurred strokes of ink on paper: what neighbours a pixel has matters, and half of the picture is empty. */
static cnn_dataset *bytes_new(int channels)
{
    const int each = channels * SIDE * SIDE;
    unsigned char *bytes = calloc((size_t)SAMPLES, (size_t)each), labels[SAMPLES];
    for (int i = 0; i < SAMPLES * each; i++) {
        int x = i % SIDE, y = i / SIDE % SIDE, n = i / each;
        int distance = abs((x * (n % 7 + 1) + y * (n % 5 + 1)) % 17 - 8);
        bytes[i] = (unsigned char)(distance < 4 ? 255 - 60 * distance - i % 3 : 0);
    }
    for (int i = 0; i < SAMPLES; i++) {
        labels[i] = (unsigned char)(i % 10);
    }
    cnn_tensor *images = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(SAMPLES, channels, SIDE, SIDE), bytes);
    cnn_tensor *classes = cnn_tensor_from_data(ctx, CNN_U8, CNN_SHAPE(SAMPLES), labels);
    cnn_dataset *made = cnn_dataset_from_tensors(images, classes);
    ck_assert_int_eq(cnn_dataset_normalize(made, channels, means, deviations), CNN_OK);
    cnn_tensor_free(images);
    cnn_tensor_free(classes);
    free(bytes);
    return made;
}

/* Compares each batch of some epochs with that of the loader of the host; returns the largest difference of a pixel. */
static double largest_difference(cnn_dataset *numbers, cnn_dataset *made_by_host)
{
    cnn_loader *here = cnn_loader_new(numbers, BATCH, .shuffle = true), *host = cnn_loader_new(made_by_host, BATCH, .shuffle = true);
    cnn_batch batch, expected;
    double most = 0;
    ck_assert_ptr_nonnull(here);
    ck_assert_ptr_nonnull(host);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        while (cnn_loader_next(host, &expected)) {
            ck_assert(cnn_loader_next(here, &batch));
            cnn_tape_begin(tape, CNN_TRAIN);
            resident_batch(&held, tape, &batch);
            ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
            ck_assert_int_eq(cnn_tensor_ndim(batch.images), 4);
            ck_assert_int_eq(cnn_tensor_numel(batch.images), cnn_tensor_numel(expected.images));
            cnn_tensor *off = cnn_max(cnn_abs(cnn_sub(batch.images, cnn_input(tape, expected.images))), CNN_ALL_DIMS, false);
            cnn_tensor *wrong = cnn_sum(cnn_ne(batch.labels, cnn_input(tape, expected.labels)), CNN_ALL_DIMS, false);
            most = fmax(most, cnn_tensor_item(off));
            ck_assert_int_eq(cnn_tensor_item_i64(wrong), 0);
        }
        ck_assert(!cnn_loader_next(here, &batch));
        ck_assert_int_eq(cnn_loader_status(here), CNN_OK);
        ck_assert_int_eq(cnn_loader_status(host), CNN_OK);
    }
    cnn_loader_free(here);
    cnn_loader_free(host);
    return most;
}

static cnn_dataset *hold(cnn_dataset *dataset, int channels, const resident_change *change)
{
    const resident_options how = { .channels = channels, .mean = means, .deviation = deviations, .change = change };
    cnn_dataset *numbers = resident_new(&held, ctx, dataset, &how);
    ck_assert_msg(numbers != NULL, "%s", cnn_last_error(ctx));
    return numbers;
}

START_TEST(bytes_stay_bytes_and_batches_have_the_bits_of_the_host)
{
    cnn_dataset *dataset = bytes_new(3);
    cnn_dataset *numbers = hold(cnn_dataset_share(dataset), 3, NULL);
    ck_assert_int_eq(cnn_tensor_dtype(held.images), CNN_U8);
    ck_assert_int_eq(cnn_tensor_numel(held.images), SAMPLES * 3 * SIDE * SIDE);
    ck_assert(largest_difference(numbers, dataset) == 0);
}
END_TEST

/* Numbers that are no bytes stay what they are, also where the first batches could be bytes. */
START_TEST(other_numbers_stay_f32)
{
    float *numbers = calloc(1500 * 4, sizeof *numbers);
    int64_t *labels = calloc(1500, sizeof *labels);
    numbers[1400 * 4] = 0.3f;
    numbers[5] = 1;
    cnn_tensor *images = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1500, 1, 2, 2), numbers);
    cnn_tensor *classes = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(1500), labels);
    cnn_dataset *dataset = cnn_dataset_from_tensors(images, classes);
    ck_assert_int_eq(cnn_dataset_normalize(dataset, 1, means, deviations), CNN_OK);
    cnn_dataset *held_numbers = hold(cnn_dataset_share(dataset), 1, NULL);
    ck_assert_int_eq(cnn_tensor_dtype(held.images), CNN_F32);
    ck_assert(largest_difference(held_numbers, dataset) == 0);
    cnn_tensor_free(images);
    cnn_tensor_free(classes);
    free(numbers);
    free(labels);
}
END_TEST

/* A pixel is wrong by what f32 keeps of a place of 28 pixels (2^-20 of a pixel) times the steepest slope of normalised ink, 4.1, in
 * both directions; a wrong draw is wrong by whole pixels. */
START_TEST(digits_are_augmented_by_the_draws_of_the_host)
{
    cnn_dataset *dataset = bytes_new(1);
    cnn_dataset *numbers = hold(cnn_dataset_share(dataset), 1, &augment_change);
    ck_assert_int_eq(cnn_tensor_dtype(held.images), CNN_U8);
    double most = largest_difference(numbers, augment(ctx, dataset));
    ck_assert_msg(most > 0 && most < 1e-4, "the largest difference is %g", most);
}
END_TEST

START_TEST(pictures_are_mirrored_and_shifted_with_the_bits_of_the_host)
{
    cnn_dataset *dataset = bytes_new(3), *numbers = hold(cnn_dataset_share(dataset), 3, &moves_change);
    cnn_augmentation *chain = cnn_augmentation_new(ctx);
    cnn_augment_horizontal_flip(chain, 0.5);
    cnn_augment_random_shift(chain, MOVES_SHIFT, CNN_PAD_REFLECT);
    dataset = cnn_dataset_augment(dataset, chain);
    cnn_augmentation_free(chain);
    ck_assert(largest_difference(numbers, dataset) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resident");
    TCase *cases = suite_case(suite, "batches", setup, teardown);
    tcase_add_test(cases, bytes_stay_bytes_and_batches_have_the_bits_of_the_host);
    tcase_add_test(cases, other_numbers_stay_f32);
    tcase_add_test(cases, digits_are_augmented_by_the_draws_of_the_host);
    tcase_add_test(cases, pictures_are_mirrored_and_shifted_with_the_bits_of_the_host);
    return suite_run(suite);
}
