/* Steps of training on the CUDA back end without a GPU: the plug-in itself with its kernels compiled for the host, on the
 * stand-in for NVIDIA's libraries. What a step of an optimizer costs in launches, what a step that comes again costs in
 * calls of the driver, and that nothing of it shows in the bits. */
#include "support/suite.h"

#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether calls are counted: not on a GPU, with CNN_TEST_GPU=1. */
static bool counts;

/* ---- the calls of the driver, by the stand-in's log ---- */

static char log_path[] = "/tmp/libcnn-cuda-steps-XXXXXX";

static void log_begins(void)
{
    ck_assert_int_eq(truncate(log_path, 0), 0);
    setenv("CNN_STANDIN_LOG", log_path, 1);
}

static void log_ends(void)
{
    unsetenv("CNN_STANDIN_LOG");
}

static int calls_of(const char *function)
{
    char name[64];
    int count = 0;
    FILE *file = fopen(log_path, "r");
    ck_assert_ptr_nonnull(file);
    while (fscanf(file, "%*d %63s%*[^\n]", name) == 1 || !feof(file)) {
        count += strcmp(name, function) == 0;
        *name = '\0';
    }
    fclose(file);
    return count;
}

/* ---- optimizers ---- */

enum { MOST_PARAMETERS = 70 };

typedef cnn_optimizer *make_optimizer(cnn_context *ctx, cnn_tensor *const *parameters, int count);
#define MAKER(name, maker, type, ...) \
    static cnn_optimizer *make_##name(cnn_context *ctx, cnn_tensor *const *parameters, int count) \
    { \
        return cnn_##maker##_create_for( \
            ctx, parameters, count, &(cnn_##type##_options){ .struct_size = sizeof(cnn_##type##_options), __VA_ARGS__ }); \
    }
MAKER(adam, adam, adam, .lr = 0.01)
MAKER(amsgrad, adam, adam, .lr = 0.01, .amsgrad = true, .weight_decay = 0.1)
MAKER(adamw, adamw, adam, .lr = 0.01)
MAKER(sgd, sgd, sgd, .lr = 0.01)
MAKER(nesterov, sgd, sgd, .lr = 0.01, .momentum = 0.9, .nesterov = true, .weight_decay = 0.1)
MAKER(rmsprop, rmsprop, rmsprop, .lr = 0.01)
MAKER(centered, rmsprop, rmsprop, .lr = 0.01, .momentum = 0.9, .centered = true)
MAKER(adagrad, adagrad, adagrad, .lr = 0.01)
MAKER(adadelta, adadelta, adadelta, .lr = 0.5)
MAKER(nadam, nadam, nadam, .lr = 0.01)
MAKER(radam, radam, radam, .lr = 0.01)
MAKER(adamax, adamax, adamax, .lr = 0.01)
MAKER(lion, lion, lion, .lr = 0.01)
MAKER(lamb, lamb, lamb, .lr = 0.01)
MAKER(lars, lars, lars, .lr = 0.01, .momentum = 0.9)
MAKER(muon, muon, muon, .lr = 0.01)

/* How many launches a step of at most 60 parameters is, and how many more one of at most 30, which have two norms each.
 * Muon's products come on top of them. */
static const struct {
    const char *name;
    make_optimizer *make;
    int calls, calls_of_norms;
} makers[] = {
    { "Adam", make_adam, 1, 0 },         { "AMSGrad", make_amsgrad, 1, 0 },   { "AdamW", make_adamw, 1, 0 },
    { "SGD", make_sgd, 1, 0 },           { "Nesterov", make_nesterov, 1, 0 }, { "RMSprop", make_rmsprop, 1, 0 },
    { "centered", make_centered, 1, 0 }, { "Adagrad", make_adagrad, 1, 0 },   { "Adadelta", make_adadelta, 1, 0 },
    { "NAdam", make_nadam, 2, 0 },       { "RAdam", make_radam, 1, 0 },       { "Adamax", make_adamax, 1, 0 },
    { "Lion", make_lion, 1, 0 },         { "LAMB", make_lamb, 1, 3 },         { "LARS", make_lars, 0, 3 },
    { "Muon", make_muon, 15, 0 },
};
enum { MAKERS = sizeof makers / sizeof *makers };

typedef struct parameters {
    cnn_context *ctx;
    cnn_tape *tape;
    cnn_tensor *at[MOST_PARAMETERS];
    int count;
} parameters;

static parameters parameters_new(int count, cnn_dtype dtype)
{
    parameters p = { .ctx = cnn_context_new(.device = "cuda", .seed = 3), .count = count };
    ck_assert_msg(p.ctx != NULL, "%s", cnn_last_error(NULL));
    p.tape = cnn_tape_new(p.ctx);
    for (int i = 0; i < count; i++) {
        p.at[i] = cnn_tensor_randn(p.ctx, dtype, CNN_SHAPE(1 + i % 5, 1 + i * 37 % 300));
        cnn_tensor_set_requires_grad(p.at[i], true);
    }
    return p;
}

static void parameters_free(parameters *p)
{
    for (int i = 0; i < p->count; i++) {
        cnn_tensor_free(p->at[i]);
    }
    cnn_tape_free(p->tape);
    cnn_context_free(p->ctx);
}

/* Gradients 2 · p, and all that was handed over is done. */
static void make_gradients(parameters *p)
{
    cnn_tape_begin(p->tape, CNN_TRAIN);
    cnn_tensor *loss = NULL;
    for (int i = 0; i < p->count; i++) {
        cnn_tensor *x = cnn_input(p->tape, p->at[i]), *sum = cnn_sum(cnn_mul(x, x), 0, NULL, false);
        cnn_tensor_zero_grad(p->at[i]);
        loss = loss ? cnn_add(loss, sum) : sum;
    }
    ck_assert_int_eq(cnn_backward(loss), CNN_OK);
    ck_assert_int_eq(cnn_context_synchronize(p->ctx), CNN_OK);
}

static double *elements_of(const parameters *p, size_t *count)
{
    double *all = NULL;
    *count = 0;
    for (int i = 0; i < p->count; i++) {
        size_t bytes = (size_t)cnn_tensor_numel(p->at[i]) * cnn_dtype_size(cnn_tensor_dtype(p->at[i]));
        all = realloc(all, *count + bytes + sizeof *all);
        ck_assert_int_eq(cnn_tensor_read(p->at[i], (char *)all + *count, bytes), CNN_OK);
        *count += bytes;
    }
    return all;
}

static void must(cnn_status status)
{
    ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(NULL));
}

/* Several steps of all parameters by one optimizer, or each by one of its own, which nothing is joined to. */
static double *stepped(int maker, int count, cnn_dtype dtype, bool one_by_one, size_t *bytes)
{
    parameters p = parameters_new(count, dtype);
    cnn_optimizer *optimizers[MOST_PARAMETERS] = { NULL };
    const int wanted = one_by_one ? count : 1;
    for (int i = 0; i < wanted; i++) {
        optimizers[i] = makers[maker].make(p.ctx, p.at + i, one_by_one ? 1 : count);
        ck_assert_msg(optimizers[i] != NULL, "%s", cnn_last_error(p.ctx));
    }
    for (int step = 0; step < 4; step++) {
        make_gradients(&p);
        log_begins();
        for (int i = 0; i < wanted; i++) {
            must(cnn_optimizer_step(optimizers[i]));
            must(cnn_context_synchronize(p.ctx));
        }
        log_ends();
        if (counts && !one_by_one) {
            const int expected = makers[maker].calls * ((count + 59) / 60) + makers[maker].calls_of_norms * ((count + 29) / 30);
            ck_assert_msg(calls_of("cuLaunchKernel") == expected, "%s: %d parameters, %d launches, expected %d", makers[maker].name,
                          count, calls_of("cuLaunchKernel"), expected);
        }
    }
    for (int i = 0; i < wanted; i++) {
        cnn_optimizer_free(optimizers[i]);
    }
    double *all = elements_of(&p, bytes);
    parameters_free(&p);
    return all;
}

START_TEST(a_step_of_many_parameters_has_the_bits_of_each_by_itself)
{
    static const int counts[] = { 5, 70 };
    setenv("CNN_CUDA_GRAPHS", "0", 1);
    for (int k = 0; k < 4; k++) {
        size_t bytes, again;
        const cnn_dtype dtype = k < 2 ? CNN_F32 : CNN_F64;
        double *joined = stepped(_i, counts[k % 2], dtype, false, &bytes), *single = stepped(_i, counts[k % 2], dtype, true, &again);
        ck_assert_uint_eq(bytes, again);
        ck_assert_msg(memcmp(joined, single, bytes) == 0, "%s: other bits than one by one", makers[_i].name);
        free(joined);
        free(single);
    }
}
END_TEST

/* Two optimizers of the same parameters: the second reads what the first writes, so they are not one call. */
START_TEST(a_step_does_not_overtake_one_that_it_reads_from)
{
    double *results[2];
    size_t bytes[2];
    setenv("CNN_CUDA_GRAPHS", "0", 1);
    for (int waits = 0; waits < 2; waits++) {
        parameters p = parameters_new(3, CNN_F32);
        cnn_optimizer *first = make_nesterov(p.ctx, p.at, 3), *second = make_nesterov(p.ctx, p.at, 3);
        make_gradients(&p);
        log_begins();
        must(cnn_optimizer_step(first));
        if (waits) {
            must(cnn_context_synchronize(p.ctx));
        }
        must(cnn_optimizer_step(second));
        must(cnn_context_synchronize(p.ctx));
        log_ends();
        ck_assert(!counts || calls_of("cuLaunchKernel") == 2);
        results[waits] = elements_of(&p, &bytes[waits]);
        cnn_optimizer_free(first);
        cnn_optimizer_free(second);
        parameters_free(&p);
    }
    ck_assert_uint_eq(bytes[0], bytes[1]);
    ck_assert_int_eq(memcmp(results[0], results[1], bytes[0]), 0);
    free(results[0]);
    free(results[1]);
}
END_TEST

/* ---- steps that come again ---- */

enum { IMAGES = 50, PIXELS = 3 * 32 * 32, STEPS = 24, SETTLED = 8 };

static float pixels[IMAGES * PIXELS];

typedef enum reading { EACH_STEP, NEVER } reading;

/* Trains a net with dropout, whose key is another one in each step, by batches of 600 kB, of which one half of the pinned
 * memory holds six. From a few steps on a step is one graph. */
static void trained(const char *graphs, bool moves, reading reads, float *weights, size_t size)
{
    setenv("CNN_CUDA_GRAPHS", graphs, 1);
    setenv("CNN_CUDA_MOVED", moves ? "1" : "0", 1);
    cnn_context *ctx = cnn_context_new(.device = "cuda", .seed = 3);
    ck_assert_msg(ctx != NULL, "%s", cnn_last_error(NULL));
    cnn_module *net = cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, PIXELS, 8), cnn_relu_new(ctx),
                                         cnn_dropout_new(ctx, 0.3), cnn_linear_new(ctx, 8, 5));
    cnn_optimizer *adam = cnn_adam_new(net, .lr = 0.01);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(IMAGES, 3, 32, 32)), *labels = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(IMAGES));
    for (int step = 0; step < STEPS; step++) {
        int64_t classes[IMAGES];
        for (int i = 0; i < IMAGES * PIXELS; i++) {
            pixels[i] = (float)((i * 31 + step * 17) % 101) / 50 - 1;
        }
        for (int i = 0; i < IMAGES; i++) {
            classes[i] = (i + step) % 5;
        }
        log_begins();
        must(cnn_tensor_write(x, pixels, sizeof pixels));
        must(cnn_tensor_write(labels, classes, sizeof classes));
        must(cnn_tape_begin(tape, CNN_TRAIN));
        cnn_optimizer_zero_grad(adam);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(net, cnn_input(tape, x)), labels);
        must(cnn_backward(loss));
        must(cnn_optimizer_step(adam));
        if (reads == EACH_STEP) {
            ck_assert(isfinite(cnn_tensor_item(loss)));
        }
        log_ends();
        if (counts && step >= SETTLED && strcmp(graphs, "1") == 0) {
            ck_assert_msg(calls_of("cuGraphLaunch") == 1 && calls_of("cuLaunchKernel") == 0, "step %d: %d graphs, %d launches", step,
                          calls_of("cuGraphLaunch"), calls_of("cuLaunchKernel"));
            /* Two copies, dropout's key forward and backward, and the optimizer's numbers. */
            ck_assert_int_eq(calls_of("cuGraphExecKernelNodeSetParams_v2"), moves ? 0 : 5);
            ck_assert_int_eq(calls_of("cuMemcpyHtoDAsync_v2"), moves);
            ck_assert_int_eq(calls_of("cuGraphInstantiateWithFlags"), 0);
            ck_assert_int_le(calls_of("cuCtxPushCurrent_v2"), 16);
            ck_assert_int_eq(calls_of("cuStreamSynchronize"), reads == EACH_STEP);
        }
    }
    ck_assert_int_eq(cnn_tensor_read(cnn_module_parameter(net, 0), weights, size), CNN_OK);
    cnn_tensor_free(x);
    cnn_tensor_free(labels);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(net);
    cnn_context_free(ctx);
}

START_TEST(a_step_that_comes_again_is_one_graph)
{
    static float with[8 * PIXELS], set[8 * PIXELS], without[8 * PIXELS];
    trained("1", true, (reading)_i, with, sizeof with);
    trained("1", false, (reading)_i, set, sizeof set);
    trained("0", true, (reading)_i, without, sizeof without);
    unsetenv("CNN_CUDA_MOVED");
    ck_assert_int_eq(memcmp(with, without, sizeof with), 0);
    ck_assert_int_eq(memcmp(with, set, sizeof with), 0);
}
END_TEST

/* ---- what cuDNN is asked for ---- */

/* A convolution of three dimensions with a bias, and its gradients; `executes`: how many of them cuDNN has carried out;
 * `launches`: of our own kernels. */
static double convolved(const char *device, int *executes, int *launches)
{
    cnn_context *ctx = cnn_context_new(.device = device, .seed = 3);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(2, 4, 5, 6, 7)), *w = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(6, 2, 2, 3, 2));
    cnn_tensor *b = cnn_tensor_randn(ctx, CNN_F64, CNN_SHAPE(6));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor_set_requires_grad(w, true);
    log_begins();
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_conv3d(cnn_input(tape, x), cnn_input(tape, w), cnn_input(tape, b),
                               CNN_OPTIONS(cnn_conv3d_options, .stride = 2, .padding = 1, .dilation_d = 2, .groups = 2));
    must(cnn_backward(cnn_sum(cnn_mul(y, y), 0, NULL, false)));
    cnn_tensor *dx = cnn_input(tape, cnn_tensor_grad(x)), *dw = cnn_input(tape, cnn_tensor_grad(w));
    const double result = cnn_tensor_item(cnn_add(cnn_sum(cnn_mul(dx, dx), 0, NULL, false), cnn_sum(cnn_mul(dw, dw), 0, NULL, false)));
    log_ends();
    *executes = calls_of("cudnnBackendExecute");
    *launches = calls_of("cuLaunchKernel");
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_tensor_free(w);
    cnn_tensor_free(b);
    cnn_context_free(ctx);
    return result;
}

START_TEST(convolutions_of_three_dimensions_are_made_by_cudnn)
{
    int executes, launches, separate;
    setenv("CNN_CUDA_GRAPHS", "0", 1);
    const double expected = convolved("cpu", &executes, &launches), found = convolved("cuda", &executes, &launches);
    ck_assert(!counts || executes == 3);
    ck_assert_msg(fabs(found - expected) <= 1e-12 * expected, "%g, expected %g", found, expected);
    setenv("CNN_STANDIN_FUSION", "0", 1); /* the bias by a kernel of our own, where cuDNN has no engine for both */
    const double apart = convolved("cuda", &executes, &separate);
    unsetenv("CNN_STANDIN_FUSION");
    ck_assert(!counts || (executes == 3 && separate == launches + 1));
    ck_assert_msg(fabs(apart - expected) <= 1e-12 * expected, "%g, expected %g", apart, expected);
    setenv("CNN_STANDIN_ENGINES", "0", 1); /* our own kernels, where cuDNN has no engine */
    const double own = convolved("cuda", &executes, &launches);
    unsetenv("CNN_STANDIN_ENGINES");
    ck_assert(!counts || executes == 0);
    ck_assert_msg(fabs(own - expected) <= 1e-12 * expected, "%g, expected %g", own, expected);
}
END_TEST

/* ---- sequences that are the same for a while ---- */

enum { TENSORS = 12, ELEMENTS = 40, SCRIPTS = 4, LINES = 14, ROUNDS = 600 };

typedef struct line {
    enum { FILL, COPY, WRITE } kind;
    int to, from;
} line;

static unsigned draw(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

static void carry_out(const line *l, float value, cnn_tensor *const *tensors, float (*expected)[ELEMENTS])
{
    float data[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
        data[i] = value + (float)i;
    }
    if (l->kind == FILL) {
        must(cnn_tensor_fill(tensors[l->to], value));
        for (int i = 0; i < ELEMENTS; i++) {
            expected[l->to][i] = value;
        }
    } else if (l->kind == COPY) {
        must(cnn_tensor_copy_from(tensors[l->to], tensors[l->from]));
        memcpy(expected[l->to], expected[l->from], sizeof *expected);
    } else {
        must(cnn_tensor_write(tensors[l->to], data, sizeof data));
        memcpy(expected[l->to], data, sizeof data);
    }
}

/* A few scripts in changing order, with values that come back, and now and then another line in the middle: what is
 * followed, left and followed again must be what was handed over. */
START_TEST(what_is_followed_is_what_is_handed_over)
{
    static float expected[TENSORS][ELEMENTS], found[ELEMENTS];
    setenv("CNN_CUDA_GRAPHS", "1", 1);
    cnn_context *ctx = cnn_context_new(.device = "cuda");
    cnn_tensor *tensors[TENSORS];
    line scripts[SCRIPTS][LINES];
    unsigned state = 77 + (unsigned)_i;
    for (int i = 0; i < TENSORS; i++) {
        tensors[i] = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(ELEMENTS));
        memset(expected[i], 0, sizeof expected[i]);
    }
    for (int i = 0; i < SCRIPTS * LINES; i++) {
        line *l = &scripts[i / LINES][i % LINES];
        const unsigned kind = draw(&state, 8);
        *l = (line){ i % LINES == 0 && draw(&state, 2) ? WRITE : kind < 5 ? FILL : COPY, (int)draw(&state, TENSORS), 0 };
        l->from = (l->to + 1 + (int)draw(&state, TENSORS - 1)) % TENSORS;
    }
    log_begins();
    for (int round = 0; round < ROUNDS; round++) {
        const line *script = scripts[draw(&state, 4) ? round / 40 % SCRIPTS : (int)draw(&state, SCRIPTS)];
        const int other = draw(&state, 6) ? -1 : (int)draw(&state, LINES);
        const int lines = draw(&state, 12) ? LINES : 1 + (int)draw(&state, LINES);
        for (int i = 0; i < lines; i++) {
            const float value = i % 3 ? 1 + (float)i : (float)draw(&state, 3); /* mostly the same */
            if (i == other) {
                carry_out(&(line){ FILL, (int)draw(&state, TENSORS), 0 }, 99, tensors, expected);
            }
            carry_out(&script[i], value, tensors, expected);
        }
        const int which = (int)draw(&state, TENSORS);
        must(cnn_tensor_read(tensors[which], found, sizeof found));
        ck_assert_msg(memcmp(found, expected[which], sizeof found) == 0, "round %d: tensor %d", round, which);
    }
    log_ends();
    ck_assert(!counts || calls_of("cuGraphLaunch") > ROUNDS / 4);
    for (int i = 0; i < TENSORS; i++) {
        must(cnn_tensor_read(tensors[i], found, sizeof found));
        ck_assert_int_eq(memcmp(found, expected[i], sizeof found), 0);
        cnn_tensor_free(tensors[i]);
    }
    cnn_context_free(ctx);
}
END_TEST

/* Steps that nobody waits for, each with other arguments, until both halves of the pinned memory that arguments go through
 * have been filled several times: what each step has written and kept is what it was handed. */
START_TEST(arguments_of_many_steps_wait_for_their_turn)
{
    enum { STEPS_UNDER_WAY = 300, WRITES = 10 };
    static float found[ELEMENTS];
    setenv("CNN_CUDA_GRAPHS", "1", 1);
    cnn_context *ctx = cnn_context_new(.device = "cuda");
    cnn_tensor *tensors[WRITES], *kept[STEPS_UNDER_WAY], *mark = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(ELEMENTS));
    for (int i = 0; i < WRITES; i++) {
        tensors[i] = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(ELEMENTS));
    }
    for (int i = 0; i < STEPS_UNDER_WAY; i++) {
        kept[i] = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(ELEMENTS));
    }
    must(cnn_context_synchronize(ctx));
    log_begins();
    for (int step = 0; step < STEPS_UNDER_WAY; step++) {
        for (int i = 0; i < WRITES; i++) {
            float data[ELEMENTS];
            for (int k = 0; k < ELEMENTS; k++) {
                data[k] = (float)(1000 * step + 100 * i + k);
            }
            must(cnn_tensor_write(tensors[i], data, sizeof data));
        }
        must(cnn_tensor_copy_from(kept[step], tensors[step % WRITES]));
        must(cnn_tensor_fill(mark, 1));
    }
    log_ends();
    if (counts) {
        ck_assert_int_gt(calls_of("cuGraphLaunch"), STEPS_UNDER_WAY - 10);
        ck_assert_int_ge(calls_of("cuEventSynchronize"), 3); /* a half is full */
        ck_assert_int_le(calls_of("cuGraphExecKernelNodeSetParams_v2"), 20);
    }
    for (int step = 0; step < STEPS_UNDER_WAY; step++) {
        must(cnn_tensor_read(kept[step], found, sizeof found));
        for (int k = 0; k < ELEMENTS; k++) {
            ck_assert_msg(found[k] == (float)(1000 * step + 100 * (step % WRITES) + k), "step %d, element %d: %g", step, k,
                          (double)found[k]);
        }
        cnn_tensor_free(kept[step]);
    }
    for (int i = 0; i < WRITES; i++) {
        cnn_tensor_free(tensors[i]);
    }
    cnn_tensor_free(mark);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    counts = !getenv("CNN_TEST_GPU");
    setenv("CNN_BACKEND_PATH", CUDA_FOLDER, 1);
    if (counts) {
        setenv("CNN_CUDA_LIBRARIES", CUDA_STANDIN_FOLDER, 1);
        setenv("XDG_CACHE_HOME", CUDA_STANDIN_FOLDER, 0);
    }
    unsetenv("CNN_DEVICE");
    close(mkstemp(log_path));
    Suite *suite = suite_create("steps on CUDA without a GPU");
    TCase *optimizers = suite_case(suite, "optimizers", NULL, NULL);
    tcase_add_loop_test(optimizers, a_step_of_many_parameters_has_the_bits_of_each_by_itself, 0, MAKERS);
    tcase_add_test(optimizers, a_step_does_not_overtake_one_that_it_reads_from);
    TCase *steps = suite_case(suite, "steps", NULL, NULL);
    tcase_add_loop_test(steps, a_step_that_comes_again_is_one_graph, 0, 2);
    tcase_add_loop_test(steps, what_is_followed_is_what_is_handed_over, 0, 3);
    tcase_add_test(steps, convolutions_of_three_dimensions_are_made_by_cudnn);
    tcase_add_test(steps, arguments_of_many_steps_wait_for_their_turn);
    int status = suite_run(suite);
    unlink(log_path);
    return status;
}
