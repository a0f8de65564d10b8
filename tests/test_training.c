/* Training as a whole: PyTorch's losses from the same weights and batches, no allocation after the first step, the
 * same bits for any number of threads, a resumed run that continues bit for bit, and the memory that evaluation
 * needs.
 *
 * CNN_TEST_SHAPES, which says that the program runs under a slow instrument, shortens the long tests. */
#include "kernels/kernels.h"
#include "support/elements.h"
#include "support/files.h"
#include "support/fixtures.h"
#include "support/net.h"
#include "support/suite.h"

static bool quick(void)
{
    const char *set = getenv("CNN_TEST_SHAPES");
    return set && *set;
}

/* ---- every allocation of the process, whoever makes it ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define SANITIZED
#endif

#ifndef SANITIZED
static atomic_long mallocs;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    atomic_fetch_add(&mallocs, 1);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}
#endif

/* ---- PyTorch's losses ---- */

enum { STEPS = 20, BATCH = 50, TABLES = 8 };

/* Sums of |gradient| and of its square, which PyTorch's of the first step have too. */
static void check_gradients(const char *path, const cnn_module *model, const double *expected)
{
    for (int p = 0; p < cnn_module_parameter_count(model); p++) {
        const cnn_tensor *grad = cnn_tensor_grad(cnn_module_parameter(model, p));
        double *g = as_doubles(grad), sum = 0, squares = 0;
        for (int64_t i = 0; i < cnn_tensor_numel(grad); i++) {
            sum += fabs(g[i]);
            squares += g[i] * g[i];
        }
        free(g);
        ck_assert_msg(fabs(sum / expected[2 * p] - 1) < 1e-4, "%s: |gradient %d| adds up to %.9g, PyTorch's to %.9g", path, p,
                      sum, expected[2 * p]);
        ck_assert_msg(fabs(sqrt(squares) / expected[2 * p + 1] - 1) < 1e-4, "%s: gradient %d has norm %.9g, PyTorch's %.9g", path,
                      p, sqrt(squares), expected[2 * p + 1]);
    }
}

static void follow(const char *kernels, bool fused, int steps)
{
    cnn_context *ctx = cnn_context_new(.kernels = kernels);
    ck_assert_msg(ctx != NULL, "%s", cnn_last_error(NULL));
    cnn_tensor *losses = fixture(ctx, "training.safetensors", "training", "losses");
    cnn_tensor *gradients = fixture(ctx, "training.safetensors", "training", "gradients");
    const double *expected = host_elements(losses);
    cnn_module *model = net_new(ctx, fused, 0, 1000);
    cnn_optimizer *adam = cnn_adam_new(model, .lr = 1e-3);
    cnn_loader *loader = cnn_loader_new(net_dataset(ctx, 0, STEPS * BATCH), BATCH, .no_background = true);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_batch batch;
    char path[64];
    snprintf(path, sizeof path, "%s, %s", kernels, fused ? "fused" : "one by one");
    net_weights(model);
    for (int step = 0; step < steps; step++) {
        ck_assert(cnn_loader_next(loader, &batch));
        double loss = net_step(model, adam, tape, &batch);
        ck_assert_msg(fabs(loss / expected[step] - 1) < 1e-4, "%s: loss %d is %.9g, PyTorch's %.9g", path, step, loss,
                      expected[step]);
        if (step == 0) {
            check_gradients(path, model, host_elements(gradients));
        }
    }
    cnn_tape_free(tape);
    cnn_loader_free(loader);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
    cnn_tensor_free(losses);
    cnn_tensor_free(gradients);
    cnn_context_free(ctx);
}

/* The reference is a plain loop, two orders of magnitude slower than the fastest: a few steps are enough for it. A device
 * has the same kernels whichever the CPU's are. */
START_TEST(training_follows_pytorch)
{
    const cnn__kernels *tables[TABLES];
    ck_assert_int_lt(_i / 2, cnn__kernels_list(tables, TABLES));
    const char *name = tables[_i / 2]->name;
    bool slow = strcmp(name, "reference") == 0 && !on_device();
    if (on_device() && _i / 2 > 0) {
        return;
    }
    if (slow && quick()) { /* a step of 16 GFLOP, one at a time, would take valgrind many minutes */
        return;
    }
    follow(name, _i % 2 == 0, quick() ? 1 : slow ? 2 : STEPS);
}
END_TEST

/* ---- no allocation ---- */

typedef struct training {
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *adam;
    cnn_loader *loader;
    cnn_tape *tape;
} training;

static cnn_context *context_of(uint64_t seed, int threads)
{
    meter_reset();
    cnn_context *ctx = cnn_context_new(.seed = seed, .threads = threads, .allocate = meter_allocate, .deallocate = meter_deallocate);
    ck_assert_ptr_nonnull(ctx);
    return ctx;
}

static training training_new(uint64_t seed, int threads, bool fused, double dropout, int64_t images, int64_t batch)
{
    training t = { .ctx = context_of(seed, threads) };
    t.model = net_new(t.ctx, fused, dropout, 64);
    t.adam = cnn_adam_new(t.model, .lr = 1e-3, .amsgrad = true);
    t.loader = cnn_loader_new(net_dataset(t.ctx, 0, images), batch, .shuffle = true);
    t.tape = cnn_tape_new(t.ctx);
    ck_assert(t.adam && t.loader && t.tape);
    return t;
}

static void training_free(training *t)
{
    cnn_tape_free(t->tape);
    cnn_loader_free(t->loader);
    cnn_optimizer_free(t->adam);
    cnn_module_free(t->model);
    cnn_context_free(t->ctx);
}

/* Here and below no assertion that holds, because Check allocates for each. */
static void next(training *t, cnn_batch *batch)
{
    if (!cnn_loader_next(t->loader, batch)) {
        ck_abort_msg("no batch: %s", cnn_last_error(NULL));
    }
}

static void epoch_ends(training *t)
{
    cnn_batch batch;
    if (cnn_loader_next(t->loader, &batch) || cnn_loader_status(t->loader) != CNN_OK) {
        ck_abort_msg("the epoch does not end: %s", cnn_last_error(NULL));
    }
}

static void train_epoch(training *t)
{
    cnn_batch batch;
    for (int64_t left = cnn_loader_batch_count(t->loader); left > 0; left--) {
        next(t, &batch);
        net_step(t->model, t->adam, t->tape, &batch);
    }
    epoch_ends(t);
}

static void evaluate(training *t, const cnn_batch *batch)
{
    cnn_tape_begin(t->tape, CNN_EVAL);
    cnn_tensor *y = cnn_forward(t->model, cnn_input(t->tape, batch->images));
    cnn_tensor_item_i64(cnn_sum(cnn_eq(cnn_argmax(y, CNN_DIMS(1), false), batch->labels), CNN_ALL_DIMS, false));
    if (cnn_tape_status(t->tape) != CNN_OK) {
        ck_abort_msg("%s", cnn_tape_error(t->tape));
    }
}

static void counting_begins(void)
{
    atomic_store(&meter.calls, 0);
#ifndef SANITIZED
    atomic_store(&mallocs, 0);
#endif
}

static void nothing_was_allocated(const char *since)
{
#ifndef SANITIZED
    if (atomic_load(&mallocs) && !on_device()) { /* a back end may call malloc for itself */
        ck_abort_msg("%ld calls of malloc since %s", atomic_load(&mallocs), since);
    }
#endif
    if (atomic_load(&meter.calls)) {
        ck_abort_msg("%ld calls of the allocator since %s", atomic_load(&meter.calls), since);
    }
}

static const struct {
    int threads;
    bool fused;
} allocation_cases[] = { { 1, true }, { 1, false }, { 3, true }, { 3, false } };

START_TEST(no_step_allocates_after_the_first)
{
    training t = training_new(1, allocation_cases[_i].threads, allocation_cases[_i].fused, 0.5, 130, 20);
    cnn_batch batch;
    for (int step = 0; step < 6; step++) { /* 130 = 6 · 20 + 10 */
        next(&t, &batch);
        net_step(t.model, t.adam, t.tape, &batch);
        if (step > 0) {
            nothing_was_allocated("the first step");
        }
        counting_begins();
    }
    next(&t, &batch);
    ck_assert_int_eq(batch.size, 10);
    net_step(t.model, t.adam, t.tape, &batch); /* the first of its size: it may */
    epoch_ends(&t);
    counting_begins();
    train_epoch(&t); /* whole epochs, shuffling anew and the background thread included */
    train_epoch(&t);
    nothing_was_allocated("the first epoch");
    training_free(&t);
}
END_TEST

START_TEST(steps_of_training_and_evaluation_may_alternate)
{
    training t = training_new(1, 2, true, 0.5, 60, 20);
    cnn_batch batch;
    for (int round = 0; round < 6; round++) {
        for (int step = 0; step < 3; step++) {
            next(&t, &batch);
            net_step(t.model, t.adam, t.tape, &batch);
            evaluate(&t, &batch);
        }
        epoch_ends(&t);
        if (round > 0) {
            nothing_was_allocated("the first round");
        }
        counting_begins();
    }
    training_free(&t);
}
END_TEST

/* ---- the same bits ---- */

static void *state_bytes(const cnn_module *model, size_t *size)
{
    *size = 0;
    for (int i = 0; i < cnn_module_state_count(model); i++) {
        *size += (size_t)cnn_tensor_numel(cnn_module_state(model, i)) * sizeof(float);
    }
    char *bytes = malloc(*size), *at = bytes;
    for (int i = 0; i < cnn_module_state_count(model); i++) {
        const cnn_tensor *t = cnn_module_state(model, i);
        size_t part = (size_t)cnn_tensor_numel(t) * sizeof(float);
        ck_assert_int_eq(cnn_tensor_read(t, at, part), CNN_OK);
        at += part;
    }
    return bytes;
}

static void *trained_state(int threads, bool fused, uint64_t seed, size_t *size)
{
    training t = training_new(seed, threads, fused, 0.5, 72, 30);
    train_epoch(&t); /* three steps, the last of 12 images */
    void *bytes = state_bytes(t.model, size);
    training_free(&t);
    return bytes;
}

START_TEST(weights_do_not_depend_on_threads)
{
    static const int threads[] = { 2, 3, 8 };
    bool fused = _i;
    size_t size, other_size;
    void *one = trained_state(1, fused, 5, &size);
    for (int i = 0; i < 3; i++) {
        void *other = trained_state(threads[i], fused, 5, &other_size);
        ck_assert_msg(size == other_size && memcmp(one, other, size) == 0, "%d threads, %s: other bits than with 1 thread",
                      threads[i], fused ? "fused" : "one by one");
        free(other);
    }
    void *other_seed = trained_state(1, fused, 6, &other_size);
    ck_assert_int_ne(memcmp(one, other_seed, size), 0);
    free(other_seed);
    free(one);
}
END_TEST

/* ---- resuming ---- */

static void save(const training *t, int64_t epoch, const char *path)
{
    const cnn_checkpoint c = { .struct_size = sizeof c, .module = t->model, .optimizer = t->adam, .epoch = epoch };
    ck_assert_msg(cnn_checkpoint_save(&c, path) == CNN_OK, "%s", cnn_last_error(NULL));
}

/* A run that knows nothing but the file: another seed, other threads. The loader follows the loaded random state. */
static training resumed(const char *path, double dropout)
{
    training t = { .ctx = context_of(999, 3) };
    t.model = net_new(t.ctx, true, dropout, 64);
    t.adam = cnn_adam_new(t.model, .lr = 0.5, .amsgrad = true);
    t.tape = cnn_tape_new(t.ctx);
    cnn_checkpoint c = { .struct_size = sizeof c, .module = t.model, .optimizer = t.adam };
    ck_assert_msg(cnn_checkpoint_load(&c, path) == CNN_OK, "%s", cnn_last_error(NULL));
    ck_assert_int_eq(c.epoch, 2);
    t.loader = cnn_loader_new(net_dataset(t.ctx, 0, 50), 20, .shuffle = true);
    ck_assert_int_eq(cnn_loader_set_epoch(t.loader, c.epoch), CNN_OK);
    return t;
}

START_TEST(two_epochs_and_two_more_equal_four)
{
    double dropout = _i ? 0.5 : 0;
    folder_make();
    training whole = training_new(7, 1, true, dropout, 50, 20);
    for (int epoch = 1; epoch <= 4; epoch++) {
        train_epoch(&whole);
        if (epoch == 2) {
            save(&whole, 2, in_folder("two"));
        }
    }
    save(&whole, 4, in_folder("four"));
    training_free(&whole);
    training rest = resumed(in_folder("two"), dropout);
    train_epoch(&rest);
    train_epoch(&rest);
    save(&rest, 4, in_folder("resumed"));
    training_free(&rest);
    size_t size, resumed_size; /* weights, moments, steps, options, epoch and random state */
    unsigned char *four = file_get(in_folder("four"), &size), *again = file_get(in_folder("resumed"), &resumed_size);
    ck_assert_uint_eq(size, resumed_size);
    ck_assert_int_eq(memcmp(four, again, size), 0);
    free(four);
    free(again);
    folder_remove();
}
END_TEST

/* ---- what evaluation holds ---- */

/* The tape's memory after two evaluations of `model`, which it then frees. The second allocates nothing. */
static size_t memory_of(cnn_context *ctx, cnn_module *model, int ndim, const int64_t *shape)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, ndim, shape);
    for (int i = 0; i < 3; i++) {
        cnn_tape_begin(tape, CNN_EVAL);
        if (cnn_tensor_status(cnn_forward(model, cnn_input(tape, x))) != CNN_OK) {
            ck_abort_msg("%s", cnn_tape_error(tape));
        }
        if (i > 0) {
            nothing_was_allocated("the first evaluation");
        }
        counting_begins();
    }
    size_t memory = cnn_tape_memory(tape);
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    cnn_module_free(model);
    return memory;
}

/* The workspace of a layer: what its evaluation alone holds besides its result. */
static size_t workspace_of(cnn_context *ctx, cnn_module *layer, int ndim, const int64_t *shape, size_t result)
{
    size_t held = memory_of(ctx, layer, ndim, shape);
    return held > result ? held - result : 0;
}

static cnn_module *conv3(cnn_context *ctx, int64_t in, int64_t out)
{
    return cnn_conv2d_new(ctx, in, out, 3, .padding = 1);
}

/* Chains of convolutions over 32 × 32 by their numbers of channels, 0 at the end: all equal, narrow in the middle, growing,
 * shrinking, and back and forth. Blocks for the narrow ones must not stay beside those for the wide ones. */
static const int channels[][16] = {
    { 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16 }, { 16, 40, 24, 8, 40, 40 },           { 8, 16, 24, 32, 40 },
    { 40, 32, 24, 16, 8 },                              { 8, 40, 8, 40, 8, 16, 24, 40, 40 }, { 8, 40, 8, 24, 24, 40 },
};

START_TEST(evaluation_holds_two_activations)
{
    enum { SIDE = 32, IMAGES = 8, CHANNEL = IMAGES * SIDE * SIDE * 4, SLACK = 1 << 16 };
    cnn_context *ctx = context_of(1, 2);
    cnn_module *layers[32];
    size_t largest = 0, workspace = 0;
    int count = 0;
    for (const int *c = channels[_i]; c[1]; c++) {
        size_t result = (size_t)c[1] * CHANNEL;
        size_t own = workspace_of(ctx, conv3(ctx, c[0], c[1]), CNN_SHAPE(IMAGES, c[0], SIDE, SIDE), result);
        workspace = own > workspace ? own : workspace;
        largest = result > largest ? result : largest;
        layers[count++] = conv3(ctx, c[0], c[1]);
        layers[count++] = cnn_relu_new(ctx);
    }
    size_t whole = memory_of(ctx, cnn_sequential_create(ctx, layers, count), CNN_SHAPE(IMAGES, channels[_i][0], SIDE, SIDE));
    ck_assert_msg(whole <= 2 * largest + workspace + SLACK, "%zu bytes, the largest activation is %zu and the workspace %zu", whole,
                  largest, workspace);
    cnn_context_free(ctx);
}
END_TEST

START_TEST(evaluation_of_the_tutorials_model_holds_two_activations)
{
    enum { IMAGES = 100, FIRST = IMAGES * 32 * 14 * 14 * 4, SECOND = IMAGES * 64 * 7 * 7 * 4, SLACK = 3 << 16 };
    cnn_context *ctx = context_of(1, 2);
    size_t workspace[] = {
        workspace_of(ctx, cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2)),
                     CNN_SHAPE(IMAGES, 1, 28, 28), FIRST),
        workspace_of(ctx, cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 32, 64, 5, .padding = 2), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2)),
                     CNN_SHAPE(IMAGES, 32, 14, 14), SECOND),
        workspace_of(ctx, cnn_linear_new(ctx, 3136, 1000), CNN_SHAPE(IMAGES, 3136), IMAGES * 4000),
    };
    size_t largest = 0;
    for (int i = 0; i < 3; i++) {
        largest = workspace[i] > largest ? workspace[i] : largest;
    }
    size_t whole = memory_of(ctx, net_new(ctx, true, 0.5, 1000), CNN_SHAPE(IMAGES, 1, 28, 28));
    ck_assert_msg(whole <= FIRST + SECOND + largest + SLACK, "%zu bytes, the activations are %d and %d and the workspace %zu",
                  whole, FIRST, SECOND, largest);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    const cnn__kernels *tables[TABLES];
    Suite *suite = suite_create("training");
    TCase *pytorch = suite_case(suite, "PyTorch", NULL, NULL);
    tcase_set_timeout(pytorch, 600);
    tcase_add_loop_test(pytorch, training_follows_pytorch, 0, 2 * cnn__kernels_list(tables, TABLES));
    TCase *allocation = suite_case(suite, "allocation", NULL, NULL);
    tcase_add_loop_test(allocation, no_step_allocates_after_the_first, 0, 4);
    tcase_add_test(allocation, steps_of_training_and_evaluation_may_alternate);
    TCase *bits = suite_case(suite, "bits", NULL, NULL);
    tcase_set_timeout(bits, 300);
    tcase_add_loop_test(bits, weights_do_not_depend_on_threads, 0, 2);
    tcase_add_loop_test(bits, two_epochs_and_two_more_equal_four, 0, 2);
    TCase *memory = suite_case(suite, "memory", NULL, NULL);
    tcase_add_loop_test(memory, evaluation_holds_two_activations, 0, (int)(sizeof channels / sizeof *channels));
    tcase_add_test(memory, evaluation_of_the_tutorials_model_holds_two_activations);
    return suite_run(suite);
}
