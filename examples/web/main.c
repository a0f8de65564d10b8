/* web: trains the network of the page that `make web` builds, and saves its weights as safetensors. It learns from
 * MNIST and from digits that the program draws with strokes, as hands on a page do (common/strokes.h), fitted into
 * MNIST's form by the page's own code (common/ink.h). Without MNIST it learns from the drawn digits alone.
 *
 * The kernels are the generic ones, which leave the same bits on all x86-64 CPUs: the same files give the same
 * weights. */
#include "common/ink.h"
#include "common/part.h"
#include "common/progress.h"
#include "common/say.h"
#include "common/score.h"
#include "common/signals.h"
#include "common/streams.h"
#include "common/strokes.h"
#include "net.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char program_name[] = "web";

enum { BATCH = 100, TEST_BATCH = 500, DRAWN_SCALE = 4, DRAWN_TEST = 5000, SEED = 1 };
enum { DRAWN_FIRST = 1 << 24, DRAWN_TEST_FIRST = 1 << 25 }; /* their numbers */

static const double peak = 0.002; /* learning rate, which falls to 0 along a line */

static const char help[] =
    "Usage: web [OPTION]...\n"
    "Trains the network of the page that `make web` builds.\n"
    "\n"
    "  -d, --data DIR      where MNIST's four files are, plain or gzipped (data/mnist)\n"
    "  -n, --drawn N       digits that the program draws, besides MNIST's (20000)\n"
    "  -e, --epochs N      (5)\n"
    "  -o, --output FILE   (weights.safetensors)\n"
    "  -h, --help          print this and end\n";

typedef struct options {
    const char *data, *output;
    int64_t epochs, drawn;
} options;

typedef struct run {
    cnn_context *ctx;
    cnn_loader *train, *test, *drawn;
    cnn_module *net;
    cnn_optimizer *adam;
    cnn_tape *tape;
} run;

/* ---- the data ---- */

/* Draws `count` digits from number `first` on into images [count, 28, 28] and labels, both u8. */
static bool draw(int64_t first, int64_t count, unsigned char *images, unsigned char *labels)
{
    enum { SIDE = STROKES_SIDE * DRAWN_SCALE };
    double *ink = calloc(SIDE * SIDE, sizeof *ink);
    unsigned char *page = calloc(SIDE * SIDE, 1);
    for (int64_t i = 0; ink && page && i < count; i++) {
        labels[i] = (unsigned char)(i % NET_CLASSES);
        strokes_digit((uint64_t)(first + i), labels[i], DRAWN_SCALE, ink);
        for (int p = 0; p < SIDE * SIDE; p++) {
            page[p] = (unsigned char)(ink[p] * 255 + 0.5);
        }
        ink_fit(page, SIDE, SIDE, images + i * INK_PIXELS);
    }
    bool good = ink && page;
    free(ink);
    free(page);
    return good;
}

/* Reads an IDX file under the names that cnn_mnist_open() takes. */
static cnn_tensor *read_idx(cnn_context *ctx, const char *folder, const char *name)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    cnn_tensor *all = length < (int)sizeof path - 4 ? cnn_idx_read(ctx, path) : NULL;
    if (!all && length < (int)sizeof path - 4 && cnn_context_status(ctx) == CNN_ERROR_NOT_FOUND) {
        memcpy(path + length, ".gz", 4);
        all = cnn_idx_read(ctx, path);
    }
    return all;
}

/* A dataset of bytes, normalised as MNIST is. */
static cnn_dataset *dataset_of(cnn_tensor *images, cnn_tensor *labels)
{
    const double mean = 0.1307, std = 0.3081;
    cnn_dataset *data = images && labels ? cnn_dataset_from_tensors(images, labels) : NULL;
    if (data && cnn_dataset_normalize(data, 1, &mean, &std) != CNN_OK) {
        cnn_dataset_free(data);
        data = NULL;
    }
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    return data;
}

/* `images` and `labels` (NULL: none), followed by `count` drawn digits from number `first` on. */
static cnn_dataset *with_drawn(cnn_context *ctx, const cnn_tensor *images, const cnn_tensor *labels, int64_t first,
                               int64_t count)
{
    int64_t given = images ? cnn_tensor_size(images, 0) : 0, all = given + count;
    cnn_tensor *x = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(all, 1, INK_SIDE, INK_SIDE));
    cnn_tensor *y = cnn_tensor_empty(ctx, CNN_U8, CNN_SHAPE(all));
    unsigned char *pixels = x ? cnn_tensor_data(x) : NULL, *classes = y ? cnn_tensor_data(y) : NULL;
    bool good = pixels && classes && draw(first, count, pixels + given * INK_PIXELS, classes + given);
    if (good && images) {
        good = cnn_tensor_read(images, pixels, (size_t)given * INK_PIXELS) == CNN_OK &&
               cnn_tensor_read(labels, classes, (size_t)given) == CNN_OK;
    }
    if (!good) {
        cnn_tensor_free(x);
        cnn_tensor_free(y);
        return NULL;
    }
    return dataset_of(x, y);
}

/* What hands do to digits: turned, moved, larger and smaller, slanted. */
static cnn_dataset *augmented(cnn_context *ctx, cnn_dataset *data)
{
    cnn_augmentation *chain = cnn_augmentation_new(ctx);
    const cnn_random_affine_options affine = { .struct_size = sizeof affine, .translate_x = 0.04, .translate_y = 0.04,
                                               .scale_min = 0.88, .scale_max = 1.1, .shear_x_min = -10,
                                               .shear_x_max = 10, .bilinear = true };
    cnn_augment_random_affine_with(chain, -12, 12, &affine);
    cnn_dataset *result = cnn_dataset_augment(data, chain);
    cnn_augmentation_free(chain);
    return result;
}

static bool open_data(run *r, const options *o)
{
    bool mnist = cnn_mnist_find(r->ctx, o->data, CNN_MNIST_TRAIN, CNN_MNIST_IMAGES) == CNN_OK;
    cnn_tensor *images = mnist ? read_idx(r->ctx, o->data, "train-images-idx3-ubyte") : NULL;
    cnn_tensor *labels = images ? read_idx(r->ctx, o->data, "train-labels-idx1-ubyte") : NULL;
    bool good = !mnist || (images && labels && cnn_tensor_ndim(images) == 3 && cnn_tensor_size(images, 1) == INK_SIDE &&
                           cnn_tensor_size(images, 2) == INK_SIDE && cnn_tensor_dtype(images) == CNN_U8 &&
                           cnn_tensor_numel(labels) == cnn_tensor_size(images, 0));
    if (!mnist) {
        say("no MNIST in %s: training on drawn digits alone", o->data);
    } else if (images && labels && !good) {
        say("web: %s is not MNIST: expected images of 28 x 28 bytes and one label for each", o->data);
    }
    if (good) {
        cnn_dataset *drawn = with_drawn(r->ctx, images, labels, DRAWN_FIRST, o->drawn);
        r->train = drawn ? cnn_loader_new(augmented(r->ctx, drawn), BATCH, .shuffle = true) : NULL;
        drawn = with_drawn(r->ctx, NULL, NULL, DRAWN_TEST_FIRST, DRAWN_TEST);
        r->drawn = drawn ? cnn_loader_new(drawn, TEST_BATCH) : NULL;
        r->test = mnist ? cnn_loader_new(cnn_mnist_open(r->ctx, o->data, CNN_MNIST_TEST), TEST_BATCH) : NULL;
    }
    cnn_tensor_free(images);
    cnn_tensor_free(labels);
    return good && r->train && r->drawn && (!mnist || r->test);
}

/* ---- training ---- */

static bool train_step(run *r, const cnn_batch *batch, double rate, double *loss_sum)
{
    cnn_tape_begin(r->tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(r->net, cnn_input(r->tape, batch->images)), batch->labels);
    cnn_optimizer_zero_grad(r->adam);
    cnn_backward(loss);
    cnn_optimizer_set_lr(r->adam, -1, rate);
    if (cnn_optimizer_step(r->adam) != CNN_OK) {
        return false;
    }
    *loss_sum += cnn_tensor_item(loss) * (double)batch->size;
    return true;
}

static bool report(run *r, const char *name, cnn_loader *loader)
{
    score s;
    if (!loader) {
        return true;
    }
    if (score_test(r->net, loader, NULL, r->tape, CNN_EVAL, &s) != DONE) {
        return false;
    }
    printf("%s: %.2f %% (%lld of %lld)\n", name, s.accuracy, (long long)s.right, (long long)s.images);
    return streams_flush();
}

static bool train(run *r, const options *o)
{
    int64_t batches = cnn_loader_batch_count(r->train), steps = batches * o->epochs, step = 0;
    printf("%lld parameters, %lld training images, %lld epochs\n", (long long)cnn_module_parameter_numel(r->net),
           (long long)cnn_loader_sample_count(r->train), (long long)o->epochs);
    for (int64_t epoch = 0; epoch < o->epochs; epoch++) {
        double loss = 0, start = progress_now();
        cnn_batch batch;
        while (!interrupted && cnn_loader_next(r->train, &batch)) {
            if (!train_step(r, &batch, peak * (1 - (double)step++ / (double)steps), &loss)) {
                return false;
            }
        }
        if (interrupted || cnn_loader_status(r->train) != CNN_OK) {
            return false;
        }
        printf("epoch %lld/%lld: loss %.4f, %.1f s\n", (long long)epoch + 1, (long long)o->epochs,
               loss / (double)cnn_loader_sample_count(r->train), progress_now() - start);
        if (!streams_flush()) {
            return false;
        }
    }
    return report(r, "MNIST's test images", r->test) && report(r, "drawn digits", r->drawn);
}

static int run_program(const options *o)
{
    run r = { .ctx = cnn_context_new(.seed = SEED, .kernels = "generic") };
    bool good = r.ctx && open_data(&r, o) && (r.net = net_new(r.ctx)) != NULL &&
                (r.adam = cnn_adam_new(r.net)) != NULL && (r.tape = cnn_tape_new(r.ctx)) != NULL && train(&r, o) &&
                cnn_module_save(r.net, o->output) == CNN_OK;
    if (!good && !interrupted) {
        say_error();
    } else if (good) {
        printf("saved %s\n", o->output);
    }
    cnn_tape_free(r.tape);
    cnn_optimizer_free(r.adam);
    cnn_module_free(r.net);
    cnn_loader_free(r.train);
    cnn_loader_free(r.test);
    cnn_loader_free(r.drawn);
    cnn_context_free(r.ctx);
    return interrupted ? signals_status() : good ? 0 : 1;
}

/* ---- the command line ---- */

static bool read_count(const char *name, int64_t low, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(optarg, &end, 10);
    if (*optarg >= '0' && *optarg <= '9' && *end == '\0' && errno == 0 && *value >= low && *value <= 1000000) {
        return true;
    }
    say("web: --%s is \"%s\", expected %lld to 1000000", name, optarg, (long long)low);
    return false;
}

/* Returns the exit status, or -1: the program is to be run. */
static int read_options(options *o, int argc, char **argv)
{
    static const struct option table[] = {
        { "data", required_argument, NULL, 'd' },   { "drawn", required_argument, NULL, 'n' },
        { "epochs", required_argument, NULL, 'e' }, { "output", required_argument, NULL, 'o' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    bool good = true;
    int c;
    opterr = 0;
    while (good && (c = getopt_long(argc, argv, "d:n:e:o:h", table, NULL)) != -1) {
        switch (c) {
        case 'd': o->data = optarg; break;
        case 'o': o->output = optarg; break;
        case 'n': good = read_count("drawn", 10, &o->drawn); break;
        case 'e': good = read_count("epochs", 0, &o->epochs); break;
        case 'h': fputs(help, stdout); return 0;
        default:
            say("web: \"%s\" is no option, or lacks its value; see --help", argv[optind - 1]);
            good = false;
        }
    }
    if (good && optind < argc) {
        say("web: \"%s\" is no option; see --help", argv[optind]);
        good = false;
    }
    return good ? -1 : 2;
}

int main(int argc, char **argv)
{
    options o = { .data = "data/mnist", .output = "weights.safetensors", .epochs = 5, .drawn = 20000 };
    if (!streams_open()) {
        return 1;
    }
    int status = read_options(&o, argc, argv);
    if (status < 0) {
        signals_catch();
        status = part_check(o.output) ? run_program(&o) : 1;
    }
    return streams_close() || status ? status : 1;
}
