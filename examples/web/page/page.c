/* What the page calls: a sheet that is drawn on, the network's answer to it, and training on corrections. Compiled to
 * WebAssembly without JavaScript of a compiler's: numbers go in and out, and addresses in the module's memory.
 *
 * A function that returns int gives 0 on success and −1 on failure, where page_error() says why. */
#include "../net.h"
#include "common/ink.h"
#include "common/strokes.h"

#include <stdlib.h>
#include <string.h>

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name), used))
#else
#define EXPORT(name)
#endif

enum {
    SHEET = 140,        /* pixels of the sheet's side */
    CORRECTIONS = 64,   /* at most */
    PRACTICE = 160,     /* drawn digits that are trained with the corrections, so that the rest is not forgotten */
    PRACTICE_FIRST = 1, /* their numbers; the trainer of the weights draws others */
    HALF = 16,          /* half of a batch: corrections, and as many practice digits */
    STEPS = 60,         /* the most steps of a training run */
    PRACTICE_SCALE = 4
};

static const double learning_rate = 1e-3;
/* Training ends once each correction's digit has at least this probability, and the loss of the last steps, a mean in
 * which each step back counts `fading` times as much, is below `low`: learning a correction first disturbs the other
 * digits. */
static const double sure = 0.8, low = 0.05, fading = 0.8;
static const float mean = 0.1307f, deviation = 0.3081f;

typedef struct correction {
    unsigned char digit[INK_PIXELS], label;
} correction;

static struct {
    cnn_context *ctx;
    cnn_module *net;
    cnn_tape *tape;
    cnn_tensor *input; /* [1, 1, 28, 28] */
    double ink[SHEET * SHEET];
    unsigned char grey[SHEET * SHEET], digit[INK_PIXELS];
    float maps_1[NET_MAPS_1 * NET_SIDE * NET_SIDE], maps_2[NET_MAPS_2 * NET_SIDE * NET_SIDE / 4];
    float probabilities[NET_CLASSES];
} page;

static struct {
    cnn_optimizer *adam;
    cnn_loader *loader;
    cnn_tensor *images, *labels; /* the corrections, normalised: [N, 1, 28, 28] and [N] */
    int step, right;
    bool done;
    double loss, recent_loss;
} training;

static correction corrections[CORRECTIONS];
static int correction_count;
static unsigned char practice[PRACTICE][INK_PIXELS]; /* number i is of class i % 10 */

/* ---- the sheet ---- */

EXPORT(page_sheet_side)
int page_sheet_side(void)
{
    return SHEET;
}

EXPORT(page_clear)
void page_clear(void)
{
    memset(page.ink, 0, sizeof page.ink);
}

/* Draws a line, in pixels of the sheet. `radius` is half the width of the pen. */
EXPORT(page_line)
void page_line(double ax, double ay, double bx, double by, double radius)
{
    strokes_line(page.ink, SHEET, ax - 0.5, ay - 0.5, bx - 0.5, by - 0.5, radius - 0.5);
}

/* ---- the network ---- */

EXPORT(page_error)
const char *page_error(void)
{
    return cnn_last_error(NULL);
}

static void draw_practice(void)
{
    enum { SIDE = STROKES_SIDE * PRACTICE_SCALE };
    static double ink[SIDE * SIDE];
    static unsigned char grey[SIDE * SIDE];
    for (int i = 0; i < PRACTICE; i++) {
        strokes_digit(PRACTICE_FIRST + (uint64_t)i, i % NET_CLASSES, PRACTICE_SCALE, ink);
        for (int p = 0; p < SIDE * SIDE; p++) {
            grey[p] = (unsigned char)(ink[p] * 255 + 0.5);
        }
        ink_fit(grey, SIDE, SIDE, practice[i]);
    }
}

/* Makes the network; its weights are random until page_load(). */
EXPORT(page_start)
int page_start(void)
{
    page.ctx = cnn_context_new(.seed = 1);
    page.net = page.ctx ? net_new(page.ctx) : NULL;
    page.tape = page.net ? cnn_tape_new(page.ctx) : NULL;
    page.input = page.tape ? cnn_tensor_zeros(page.ctx, CNN_F32, CNN_SHAPE(1, 1, INK_SIDE, INK_SIDE)) : NULL;
    draw_practice();
    return page.input ? 0 : -1;
}

EXPORT(page_kernels)
const char *page_kernels(void)
{
    return cnn_context_kernels(page.ctx);
}

EXPORT(page_version)
const char *page_version(void)
{
    return cnn_version();
}

/* Memory for what the page hands over: a name, weights. */
EXPORT(page_allocate)
void *page_allocate(size_t size)
{
    return malloc(size);
}

EXPORT(page_free)
void page_free(void *memory)
{
    free(memory);
}

/* Sets the parameter `name` from `count` numbers. */
EXPORT(page_load)
int page_load(const char *name, const float *values, int count)
{
    cnn_tensor *parameter = cnn_module_find(page.net, name);
    return parameter && cnn_tensor_write(parameter, values, sizeof *values * (size_t)count) == CNN_OK ? 0 : -1;
}

EXPORT(page_parameter_count)
int page_parameter_count(void)
{
    return cnn_module_parameter_count(page.net);
}

static void normalise(const unsigned char *digit, float *to)
{
    for (int i = 0; i < INK_PIXELS; i++) {
        to[i] = ((float)digit[i] / 255 - mean) / deviation;
    }
}

/* What is written on the sheet, as the network reads it. */
static bool read_sheet(void)
{
    for (int i = 0; i < SHEET * SHEET; i++) {
        page.grey[i] = (unsigned char)(page.ink[i] * 255 + 0.5);
    }
    return ink_fit(page.grey, SHEET, SHEET, page.digit);
}

/* Answers to what is on the sheet. Returns the likeliest digit, −1 on failure, −2 where nothing is written: then the
 * network computes the maps of an empty sheet, and no probabilities. */
EXPORT(page_answer)
int page_answer(void)
{
    bool written = read_sheet();
    int best = 0;
    float normal[INK_PIXELS];
    normalise(page.digit, normal);
    if (cnn_tensor_write(page.input, normal, sizeof normal) != CNN_OK) {
        return -1;
    }
    cnn_tape_begin(page.tape, CNN_EVAL);
    net_results r = net_run(page.net, cnn_input(page.tape, page.input));
    cnn_tensor_read(r.maps_1, page.maps_1, sizeof page.maps_1);
    cnn_tensor_read(r.maps_2, page.maps_2, sizeof page.maps_2);
    cnn_tensor_read(cnn_softmax(r.logits, 1), page.probabilities, sizeof page.probabilities);
    if (cnn_tape_status(page.tape) != CNN_OK) {
        return -1;
    }
    if (!written) {
        memset(page.probabilities, 0, sizeof page.probabilities);
        return -2;
    }
    for (int i = 1; i < NET_CLASSES; i++) {
        best = page.probabilities[i] > page.probabilities[best] ? i : best;
    }
    return best;
}

EXPORT(page_probabilities)
const float *page_probabilities(void)
{
    return page.probabilities;
}

/* The bytes that the network reads: 28 × 28, 255 for ink. */
EXPORT(page_digit)
const unsigned char *page_digit(void)
{
    return page.digit;
}

EXPORT(page_maps)
const float *page_maps(int layer)
{
    return layer == 1 ? page.maps_1 : page.maps_2;
}

/* ---- corrections ---- */

/* Where the page writes correction number i, 28 × 28 bytes; NULL for a number out of range. */
EXPORT(page_correction)
unsigned char *page_correction(int i)
{
    return i >= 0 && i < CORRECTIONS ? corrections[i].digit : NULL;
}

/* Says which digit correction number i is. */
EXPORT(page_label)
void page_label(int i, int label)
{
    if (i >= 0 && i < CORRECTIONS && label >= 0 && label < NET_CLASSES) {
        corrections[i].label = (unsigned char)label;
    }
}

static void train_end(void)
{
    cnn_loader_free(training.loader);
    cnn_optimizer_free(training.adam);
    cnn_tensor_free(training.images);
    cnn_tensor_free(training.labels);
    memset(&training, 0, sizeof training);
}

/* The samples of all batches: HALF corrections in turn, then HALF practice digits in turn, and so on; turned, moved,
 * scaled and slanted a little. */
static cnn_dataset *batches(cnn_tensor *images, cnn_tensor *labels)
{
    int64_t indices[STEPS * 2 * HALF];
    const double mean64 = 0.1307, deviation64 = 0.3081;
    const cnn_random_affine_options affine = { .struct_size = sizeof affine, .translate_x = 0.04, .translate_y = 0.04,
                                               .scale_min = 0.9, .scale_max = 1.1, .shear_x_min = -8,
                                               .shear_x_max = 8, .bilinear = true };
    for (int i = 0, corrected = 0, practised = 0; i < STEPS * 2 * HALF; i++) {
        indices[i] = i / HALF % 2 == 0 ? corrected++ % correction_count : correction_count + practised++ % PRACTICE;
    }
    cnn_dataset *all = cnn_dataset_from_tensors(images, labels);
    cnn_augmentation *chain = cnn_augmentation_new(page.ctx);
    cnn_augment_random_affine_with(chain, -8, 8, &affine);
    if (all && cnn_dataset_normalize(all, 1, &mean64, &deviation64) != CNN_OK) {
        cnn_dataset_free(all);
        all = NULL;
    }
    all = all ? cnn_dataset_augment(cnn_dataset_subset(all, indices, STEPS * 2 * HALF), chain) : NULL;
    cnn_augmentation_free(chain);
    return all;
}

static bool make_loader(void)
{
    int64_t count = correction_count + PRACTICE;
    cnn_tensor *images = cnn_tensor_empty(page.ctx, CNN_U8, CNN_SHAPE(count, 1, INK_SIDE, INK_SIDE));
    cnn_tensor *labels = cnn_tensor_empty(page.ctx, CNN_U8, CNN_SHAPE(count));
    unsigned char *pixels = images ? cnn_tensor_data(images) : NULL, *classes = labels ? cnn_tensor_data(labels) : NULL;
    if (pixels && classes) {
        for (int i = 0; i < count; i++) {
            int j = i - correction_count;
            memcpy(pixels + i * INK_PIXELS, j < 0 ? corrections[i].digit : practice[j], INK_PIXELS);
            classes[i] = (unsigned char)(j < 0 ? corrections[i].label : j % NET_CLASSES);
        }
        cnn_dataset *data = batches(images, labels);
        training.loader = data ? cnn_loader_new(data, 2 * HALF) : NULL;
    }
    cnn_tensor_free(images); /* the dataset keeps them */
    cnn_tensor_free(labels);
    return training.loader != NULL;
}

static bool make_targets(void)
{
    int64_t n = correction_count;
    training.images = cnn_tensor_empty(page.ctx, CNN_F32, CNN_SHAPE(n, 1, INK_SIDE, INK_SIDE));
    training.labels = cnn_tensor_empty(page.ctx, CNN_I64, CNN_SHAPE(n));
    float *pixels = training.images ? cnn_tensor_data(training.images) : NULL;
    int64_t *classes = training.labels ? cnn_tensor_data(training.labels) : NULL;
    for (int i = 0; pixels && classes && i < n; i++) {
        normalise(corrections[i].digit, pixels + i * INK_PIXELS);
        classes[i] = corrections[i].label;
    }
    return pixels && classes;
}

/* Begins training on the first `count` corrections. Each page_train_step() then takes one step of Adam. */
EXPORT(page_train_begin)
int page_train_begin(int count)
{
    train_end();
    correction_count = count < 0 ? 0 : count > CORRECTIONS ? CORRECTIONS : count;
    if (correction_count == 0) {
        cnn_context_set_error(page.ctx, CNN_ERROR_INVALID_ARGUMENT, "train_begin: there are no corrections");
        return -1;
    }
    training.adam = cnn_adam_new(page.net, .lr = learning_rate);
    if (!training.adam || !make_loader() || !make_targets()) {
        train_end();
        return -1;
    }
    return 0;
}

/* Counts the corrections that the network gets right; returns whether it is sure of all. */
static bool test_corrections(void)
{
    bool all = true;
    training.right = 0;
    cnn_tape_begin(page.tape, CNN_EVAL);
    cnn_tensor *p = cnn_softmax(cnn_forward(page.net, cnn_input(page.tape, training.images)), 1);
    const float *row = cnn_tape_status(page.tape) == CNN_OK ? cnn_tensor_data(p) : NULL;
    for (int i = 0; row && i < correction_count; i++, row += NET_CLASSES) {
        int best = 0, label = corrections[i].label;
        for (int c = 1; c < NET_CLASSES; c++) {
            best = row[c] > row[best] ? c : best;
        }
        training.right += best == label;
        all = all && row[label] >= sure;
    }
    return all && row;
}

/* Takes one step. Returns how many steps were taken so far, or −1 on failure. */
EXPORT(page_train_step)
int page_train_step(void)
{
    cnn_batch batch;
    if (!cnn_loader_next(training.loader, &batch)) {
        return -1;
    }
    cnn_tape_begin(page.tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(page.net, cnn_input(page.tape, batch.images)), batch.labels);
    cnn_optimizer_zero_grad(training.adam);
    cnn_backward(loss);
    if (cnn_optimizer_step(training.adam) != CNN_OK) {
        return -1;
    }
    training.loss = cnn_tensor_item(loss);
    training.recent_loss =
        training.step ? fading * training.recent_loss + (1 - fading) * training.loss : training.loss;
    training.step++;
    training.done = (test_corrections() && training.recent_loss < low) || training.step == STEPS;
    return cnn_tape_status(page.tape) == CNN_OK ? training.step : -1;
}

/* Whether the last step was the last of the run. */
EXPORT(page_train_done)
int page_train_done(void)
{
    return training.done;
}

EXPORT(page_train_most)
int page_train_most(void)
{
    return STEPS;
}

/* The loss of the last step. */
EXPORT(page_train_loss)
double page_train_loss(void)
{
    return training.loss;
}

/* How many corrections are right after the last step. */
EXPORT(page_train_right)
int page_train_right(void)
{
    return training.right;
}

EXPORT(page_practice_count)
int page_practice_count(void)
{
    return PRACTICE;
}

/* How many of the practice digits, which no random map has touched, the network gets right; −1 on failure. */
EXPORT(page_practice_right)
int page_practice_right(void)
{
    int right = 0;
    float normal[INK_PIXELS];
    for (int i = 0; i < PRACTICE; i++) {
        normalise(practice[i], normal);
        if (cnn_tensor_write(page.input, normal, sizeof normal) != CNN_OK) {
            return -1;
        }
        cnn_tape_begin(page.tape, CNN_EVAL);
        cnn_tensor *best = cnn_argmax(cnn_forward(page.net, cnn_input(page.tape, page.input)), CNN_DIMS(1), false);
        right += cnn_tensor_item_i64(best) == i % NET_CLASSES;
        if (cnn_tape_status(page.tape) != CNN_OK) {
            return -1;
        }
    }
    return right;
}

/* Gives back the memory of training. */
EXPORT(page_train_end)
void page_train_end(void)
{
    train_end();
}
