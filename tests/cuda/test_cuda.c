/* The CUDA back end on the stand-in for NVIDIA's libraries: results with the CPU's bits, reasons why there is no device,
 * failures of every call, and nothing that is left. The stand-in ends a process that leaves something with status 86. */
#include "support/suite.h"

#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 12, CLASSES = 5, SIDE = 8, STEPS = 5 };

/* ---- a net with cuDNN's convolutions, cuBLASLt's products and everything between ---- */

typedef struct setting {
    cnn_context *ctx;
    cnn_tape *tape;
    cnn_module *net;
    cnn_optimizer *optimizer;
} setting;

typedef struct state {
    size_t bytes;
    char data[1 << 16];
} state;

static bool setting_make(setting *s, const char *device)
{
    *s = (setting){ .ctx = cnn_context_new(.device = device, .seed = 5, .threads = 1) };
    if (!s->ctx) {
        return false;
    }
    s->tape = cnn_tape_new(s->ctx);
    s->net = cnn_sequential_new(
        s->ctx, cnn_conv2d_new(s->ctx, 2, 6, 3, .padding = 1), cnn_batch_norm2d_new(s->ctx, 6), cnn_relu_new(s->ctx),
        cnn_maxpool2d_new(s->ctx, 2), cnn_conv2d_new(s->ctx, 6, 8, 3, .padding = 1), cnn_relu_new(s->ctx),
        cnn_maxpool2d_new(s->ctx, 2), cnn_flatten_new(s->ctx), cnn_dropout_new(s->ctx, 0.2), cnn_linear_new(s->ctx, 32, CLASSES));
    s->optimizer = s->net ? cnn_adam_new(s->net, .lr = 0.01) : NULL;
    return s->tape && s->optimizer && cnn_context_synchronize(s->ctx) == CNN_OK;
}

static void setting_free(setting *s)
{
    cnn_optimizer_free(s->optimizer);
    cnn_module_free(s->net);
    cnn_tape_free(s->tape);
    cnn_context_free(s->ctx);
}

static bool wrong_class; /* the next step has one */
static bool unwatched;   /* steps do not wait, so that only the optimizer waits, for its step before */

static cnn_status train(setting *s, int number)
{
    float pixels[SAMPLES * 2 * SIDE * SIDE];
    int64_t classes[SAMPLES];
    for (int i = 0; i < SAMPLES * 2 * SIDE * SIDE; i++) {
        pixels[i] = (float)((i * 7919 + number * 104729) % 1000) / 500 - 1;
    }
    for (int i = 0; i < SAMPLES; i++) {
        classes[i] = (i * 3 + number) % CLASSES;
    }
    classes[3] = wrong_class ? 99 : classes[3];
    cnn_random_state random = { 0 };
    cnn_context_random_state(s->ctx, &random);
    cnn_tensor *x = cnn_tensor_from_data(s->ctx, CNN_F32, CNN_SHAPE(SAMPLES, 2, SIDE, SIDE), pixels);
    cnn_tensor *labels = x ? cnn_tensor_from_data(s->ctx, CNN_I64, CNN_SHAPE(SAMPLES), classes) : NULL;
    cnn_status status = labels ? cnn_tape_begin(s->tape, CNN_TRAIN) : CNN_ERROR_DEVICE;
    if (status == CNN_OK) {
        cnn_optimizer_zero_grad(s->optimizer);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(s->net, cnn_input(s->tape, x)), labels);
        status = cnn_backward(loss);
    }
    if (status == CNN_OK) {
        status = cnn_optimizer_step(s->optimizer);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(labels);
    cnn_status waited = unwatched ? CNN_OK : cnn_context_synchronize(s->ctx);
    status = status == CNN_OK ? waited : status;
    if (status != CNN_OK) {
        cnn_context_set_random_state(s->ctx, &random); /* a step that is repeated drops the same elements */
    }
    return status;
}

static bool read_state(const setting *s, state *to)
{
    to->bytes = 0;
    for (int i = 0; i < cnn_module_state_count(s->net); i++) {
        const cnn_tensor *t = cnn_module_state(s->net, i);
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        if (cnn_tensor_read(t, to->data + to->bytes, bytes) != CNN_OK) {
            return false;
        }
        to->bytes += bytes;
    }
    return true;
}

static bool train_all(const char *device, state *to)
{
    setting s;
    bool done = setting_make(&s, device);
    for (int i = 0; i < STEPS && done; i++) {
        done = train(&s, i) == CNN_OK;
    }
    done = done && read_state(&s, to);
    setting_free(&s);
    return done;
}

static state right, now;

/* ---- children: a process finds the back end once ---- */

/* What a child that runs `fn` ends with. */
static int in_child(int (*fn)(void))
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        exit(fn());
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- what there is ---- */

START_TEST(the_device_is_listed)
{
    cnn_device_properties p = { .struct_size = sizeof p };
    ck_assert_str_eq(cnn_device_problem(), "");
    ck_assert_int_eq(cnn_device_count(), 2);
    ck_assert_int_eq(cnn_device_describe(1, &p), CNN_OK);
    ck_assert_str_eq(p.name, "cuda:0");
    ck_assert_str_eq(p.description, "a stand-in");
    ck_assert_uint_eq(p.memory, (uint64_t)1 << 36);
    ck_assert(cnn_device_available("cuda") && !cnn_device_available("cuda:1"));
    cnn_context *ctx = cnn_context_new(.device = "auto");
    ck_assert_str_eq(cnn_context_device(ctx), "cuda:0");
    cnn_context_free(ctx);
}
END_TEST

static const char *wanted;

static int refuses(void)
{
    cnn_context *none = cnn_context_new(.device = "cuda"), *best = cnn_context_new(.device = "auto");
    bool right_words = strstr(cnn_last_error(NULL), wanted) != NULL;
    if (!right_words) {
        fprintf(stderr, "\"%s\", expected \"%s\"\n", cnn_last_error(NULL), wanted);
    }
    int wrong = none || !right_words || !best || strcmp(cnn_context_device(best), "cpu") != 0 || cnn_device_available("cuda");
    cnn_context_free(best);
    return wrong;
}

START_TEST(a_machine_without_cuda_says_what_is_missing)
{
    setenv("CNN_STANDIN_DRIVER", "11040", 1);
    wanted = "context_create: the device cuda:0 could not be opened: no CUDA device: the driver is for CUDA 11.4, expected 12.0 or newer";
    ck_assert_int_eq(in_child(refuses), 0);
    unsetenv("CNN_STANDIN_DRIVER");
    setenv("CNN_STANDIN_FAIL", "1", 1);
    wanted = "no CUDA device: cuInit: CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected";
    ck_assert_int_eq(in_child(refuses), 0);
    unsetenv("CNN_STANDIN_FAIL");
    setenv("CNN_CUDA_LIBRARIES", "/nowhere", 1);
    wanted = "no CUDA device: libcuda.so.1: cannot open shared object file";
    if (access("/usr/lib/x86_64-linux-gnu/libcuda.so.1", F_OK) != 0) {
        ck_assert_int_eq(in_child(refuses), 0);
    }
}
END_TEST

static int cannot_compile(void)
{
    setenv("CNN_STANDIN_COMPILES", "0", 1);
    setenv("XDG_CACHE_HOME", "/proc/none", 1); /* nothing that was compiled before */
    cnn_context *none = cnn_context_new(.device = "cuda");
    bool told = strstr(cnn_last_error(NULL), "cuda:0 could not be opened: nvrtcCompileProgram: ") != NULL;
    cnn_context *best = cnn_context_new(.device = "auto");
    int wrong = none || !told || !best || strcmp(cnn_context_device(best), "cpu") != 0 || cnn_context_status(NULL) != CNN_OK;
    cnn_context_free(best);
    return wrong;
}

/* The device is there and answers, so that it can be told by its compiler alone. */
START_TEST(a_device_that_cannot_run_a_kernel_is_not_opened)
{
    ck_assert_int_eq(in_child(cannot_compile), 0);
}
END_TEST

/* ---- the CPU's bits ---- */

static void same_bits(const char *what)
{
    ck_assert_uint_eq(now.bytes, right.bytes);
    ck_assert_msg(memcmp(now.data, right.data, now.bytes) == 0, "%s: the bits differ", what);
}

START_TEST(training_has_the_bits_of_the_cpu)
{
    setenv("CNN_STANDIN_ENGINES", "0", 1); /* convolutions with a bias of their own */
    ck_assert(train_all("cpu", &right));
    ck_assert_msg(train_all("cuda", &now), "%s", cnn_last_error(NULL));
    same_bits("graphs");
    setenv("CNN_CUDA_GRAPHS", "0", 1);
    ck_assert(train_all("cuda", &now));
    same_bits("without graphs");
    ck_assert(train_all("cuda", &now));
    same_bits("once more");
}
END_TEST

START_TEST(libraries_train_as_well)
{
    ck_assert(train_all("cpu", &right));
    ck_assert_msg(train_all("cuda", &now), "%s", cnn_last_error(NULL));
    ck_assert_uint_eq(now.bytes, right.bytes);
    for (size_t i = 0; i < right.bytes; i += sizeof(float)) {
        float a, b;
        memcpy(&a, right.data + i, sizeof a);
        memcpy(&b, now.data + i, sizeof b);
        /* Adam's first steps are as large as the learning rate, however small a gradient is: a rounding may turn it. */
        ck_assert_msg(fabsf(a - b) <= 2.5f * STEPS * 0.01f, "%g and %g", (double)a, (double)b);
    }
    right = now;
    ck_assert(train_all("cuda", &now));
    same_bits("the same again");
    setenv("CNN_CUDA_GRAPHS", "0", 1);
    ck_assert(train_all("cuda", &now));
    same_bits("without graphs");
}
END_TEST

/* One product, convolution and gradient at a time, in each dtype that the libraries take. */
START_TEST(operations_of_the_libraries_are_right)
{
    static const cnn_dtype dtypes[] = { CNN_F32, CNN_F64 };
    for (int k = 0; k < 2; k++) {
        double results[2][3] = { { 0 } };
        for (int i = 0; i < 2; i++) {
            cnn_context *ctx = cnn_context_new(.device = i ? "cuda" : "cpu", .seed = 3);
            cnn_tape *tape = cnn_tape_new(ctx);
            cnn_tensor *x = cnn_tensor_randn(ctx, dtypes[k], CNN_SHAPE(2, 4, 7, 6)), *w = cnn_tensor_randn(ctx, dtypes[k], CNN_SHAPE(6, 2, 3, 2));
            cnn_tensor *b = cnn_tensor_randn(ctx, dtypes[k], CNN_SHAPE(6)), *a = cnn_tensor_randn(ctx, dtypes[k], CNN_SHAPE(3, 1, 5, 4));
            cnn_tensor *c = cnn_tensor_randn(ctx, dtypes[k], CNN_SHAPE(2, 4, 3));
            cnn_tensor_set_requires_grad(x, true);
            cnn_tensor_set_requires_grad(w, true);
            cnn_tape_begin(tape, CNN_TRAIN);
            cnn_tensor *y = cnn_conv2d(cnn_input(tape, x), cnn_input(tape, w), cnn_input(tape, b),
                                       CNN_OPTIONS(cnn_conv2d_options, .stride = 2, .padding = 1, .dilation = 2, .groups = 2));
            cnn_tensor *loss = cnn_sum(cnn_mul(y, y), 0, NULL, false);
            ck_assert_int_eq(cnn_backward(loss), CNN_OK);
            cnn_tensor *p = cnn_matmul(cnn_input(tape, a), cnn_input(tape, c));
            results[i][0] = cnn_tensor_item(loss);
            results[i][1] = cnn_tensor_item(cnn_sum(cnn_mul(cnn_input(tape, cnn_tensor_grad(w)), cnn_input(tape, cnn_tensor_grad(w))), 0, NULL, false));
            results[i][2] = cnn_tensor_item(cnn_sum(cnn_mul(p, p), 0, NULL, false));
            ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_last_error(ctx));
            cnn_tape_free(tape);
            cnn_tensor *all[] = { x, w, b, a, c };
            for (int t = 0; t < 5; t++) {
                cnn_tensor_free(all[t]);
            }
            cnn_context_free(ctx);
        }
        for (int j = 0; j < 3; j++) {
            double scale = dtypes[k] == CNN_F32 ? 1e-5 : 1e-13;
            ck_assert_msg(fabs(results[0][j] - results[1][j]) <= scale * fabs(results[0][j]), "%g, expected %g", results[1][j], results[0][j]);
        }
    }
}
END_TEST

/* The largest differences of a convolution and of a product from the CPU's. */
static void differences(const char *device, cnn_math math, float (*results)[2][600], double *most)
{
    cnn_context *ctx = cnn_context_new(.device = device, .seed = 3, .math = math);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 4, 7, 6)), *w = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(6, 4, 3, 3));
    cnn_tensor *a = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(20, 40)), *b = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(40, 30));
    float found[2][600] = { { 0 } };
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = cnn_conv2d(cnn_input(tape, x), cnn_input(tape, w), NULL, CNN_OPTIONS(cnn_conv2d_options, .padding = 1));
    cnn_tensor *p = cnn_matmul(cnn_input(tape, a), cnn_input(tape, b));
    ck_assert_int_eq(cnn_tensor_read(y, found[0], 504 * sizeof(float)), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(p, found[1], sizeof found[1]), CNN_OK);
    for (int i = 0; i < 2; i++) {
        most[i] = 0;
        for (int k = 0; k < 600; k++) {
            most[i] = fmax(most[i], fabs((double)found[i][k] - (double)(*results)[i][k]));
        }
    }
    if (strcmp(device, "cpu") == 0) {
        memcpy(*results, found, sizeof found);
    }
    cnn_tensor *all[] = { x, w, a, b };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

/* Rounding factors to 10 bits is seen, and stays within its bound; it is the context's to allow, or the variable's for a
 * context that says nothing. */
START_TEST(factors_are_rounded_where_that_is_allowed)
{
    static const struct {
        const char *variable;
        cnn_math math;
        bool rounds;
    } cases[] = { { "0", CNN_MATH_FAST, false }, { "0", CNN_MATH_TF32, true }, { "0", CNN_MATH_STRICT, false },
                  { "1", CNN_MATH_FAST, true },  { "1", CNN_MATH_TF32, true }, { "1", CNN_MATH_STRICT, false } };
    static float results[2][600];
    double most[2];
    differences("cpu", CNN_MATH_FAST, &results, most);
    for (int i = 0; i < 6; i++) {
        setenv("CNN_CUDA_TF32", cases[i].variable, 1);
        differences("cuda", cases[i].math, &results, most);
        for (int k = 0; k < 2; k++) {
            ck_assert_msg(cases[i].rounds ? most[k] > 2e-4 && most[k] < 0.05 : most[k] < 2e-5, "case %d, %s: %g", i,
                          k ? "a product" : "a convolution", most[k]);
        }
    }
    differences("cpu", CNN_MATH_TF32, &results, most);
    ck_assert(most[0] == 0 && most[1] == 0);
}
END_TEST

/* ---- failures ---- */

START_TEST(a_bad_index_stops_the_queue_until_it_is_told)
{
    setting s;
    ck_assert(setting_make(&s, "cuda"));
    ck_assert_int_eq(train(&s, 0), CNN_OK);
    ck_assert(read_state(&s, &right));
    cnn_tensor *x = cnn_tensor_zeros(s.ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *labels = cnn_tensor_from_data(s.ctx, CNN_I64, CNN_SHAPE(2), ((int64_t[]){ 1, 7 }));
    cnn_tape_begin(s.tape, CNN_EVAL);
    cnn_tensor *loss = cnn_cross_entropy(cnn_input(s.tape, x), labels);
    cnn_tensor *weight = cnn_module_parameter(s.net, 0);
    float zeros[6 * 2 * 9] = { 0 };
    ck_assert_int_eq(cnn_tensor_write(weight, zeros, sizeof zeros), CNN_OK); /* behind the failure: not carried out */
    ck_assert(isnan(cnn_tensor_item(loss)));
    ck_assert_str_eq(cnn_last_error(s.ctx), "tensor_item: on the device cuda:0 index_check failed: the index at 1 is 7");
    ck_assert(read_state(&s, &now));
    same_bits("weights behind a failure");
    ck_assert_int_eq(train(&s, 1), CNN_OK);
    cnn_tensor_free(x);
    cnn_tensor_free(labels);
    setting_free(&s);
}
END_TEST

typedef cnn_optimizer *make_optimizer(cnn_module *net);
#define MAKER(name, ...) \
    static cnn_optimizer *make_##name(cnn_module *net) \
    { \
        return cnn_##name##_new(net, __VA_ARGS__); \
    }
MAKER(adam, .lr = 0.01)
MAKER(sgd, .lr = 0.01, .momentum = 0.9)
MAKER(nadam, .lr = 0.01)
MAKER(lamb, .lr = 0.01)
MAKER(lars, .lr = 0.01, .momentum = 0.9)
MAKER(rmsprop, .lr = 0.01, .momentum = 0.9)
static make_optimizer *const optimizers[] = { make_adam, make_sgd, make_nadam, make_lamb, make_lars, make_rmsprop };
enum { OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

/* Trains with the libraries' products and convolutions, which do not look at the record of failures; `bad`: a step with
 * a class that there is not stands before the last two, and nobody looks until it has been handed over to its end. */
static void train_with(make_optimizer *make, bool bad, state *to)
{
    setting s;
    ck_assert(setting_make(&s, "cuda"));
    cnn_optimizer_free(s.optimizer);
    s.optimizer = make(s.net);
    ck_assert_ptr_nonnull(s.optimizer);
    for (int i = 0; i < STEPS; i++) {
        if (bad && i == STEPS - 2) {
            static state before;
            ck_assert(read_state(&s, &before));
            int64_t count = cnn_optimizer_step_count(s.optimizer);
            wrong_class = true;
            ck_assert_int_ne(train(&s, i), CNN_OK);
            wrong_class = false;
            ck_assert_msg(strstr(cnn_last_error(s.ctx), "the index at 3 is 99") != NULL, "%s", cnn_last_error(s.ctx));
            ck_assert(read_state(&s, &now));
            ck_assert_int_eq(memcmp(now.data, before.data, now.bytes), 0);
            ck_assert_int_eq(cnn_optimizer_step_count(s.optimizer), count);
        }
        ck_assert_msg(train(&s, i) == CNN_OK, "%s", cnn_last_error(s.ctx));
    }
    ck_assert(read_state(&s, to));
    setting_free(&s);
}

/* Weights are what they were, and so are moments and counters: the steps that follow have the bits of a run without it. */
START_TEST(nothing_of_an_optimizer_moves_behind_a_bad_index)
{
    for (int graphs = 0; graphs < 2; graphs++) {
        setenv("CNN_CUDA_GRAPHS", graphs ? "1" : "0", 1);
        train_with(optimizers[_i], false, &right);
        train_with(optimizers[_i], true, &now);
        same_bits("steps after a bad index");
    }
}
END_TEST

START_TEST(full_memory_is_an_error_that_passes)
{
    setenv("CNN_STANDIN_MEMORY", "60000000", 1);
    cnn_context *ctx = cnn_context_new(.device = "cuda");
    cnn_tensor *a = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(6000000));
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_null(cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(12000000)));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY);
    ck_assert_str_eq(cnn_last_error(ctx),
                     "tensor_zeros: no memory for 48000000 bytes: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory");
    cnn_tensor_free(a);
    cnn_tensor *b = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(12000000)); /* what is kept is given back for it */
    ck_assert_msg(b != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor_free(b);
    cnn_context_free(ctx);
}
END_TEST

static bool says_lost(cnn_context *ctx, const char *what)
{
    bool says = strstr(cnn_last_error(ctx), ": CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure") != NULL;
    if (!says) {
        fprintf(stderr, "%s says \"%s\"\n", what, cnn_last_error(ctx));
    }
    cnn_context_clear_error(ctx);
    return says;
}

/* Whatever is called first finds it, and all that is called behind it says the same; what the host has stays. */
static int first_call;
static int is_lost(void)
{
    setting s;
    float host[4] = { 1, 2, 3, 4 };
    int wrong = 0;
    if (!setting_make(&s, "cuda") || train(&s, 0) != CNN_OK) {
        return 1;
    }
    cnn_tensor *t = cnn_tensor_from_data(s.ctx, CNN_F32, CNN_SHAPE(4), host);
    cnn_context_synchronize(s.ctx);
    setenv("CNN_STANDIN_LOST", "1", 1);
    for (int i = 0; i < 12; i++) {
        switch ((first_call + i) % 6) {
        case 0: wrong += cnn_tensor_read(t, host, sizeof host) == CNN_OK || !says_lost(s.ctx, "a read"); break;
        case 1: wrong += train(&s, 1) == CNN_OK || !says_lost(s.ctx, "a step"); break;
        case 2: wrong += !isnan(cnn_tensor_item(cnn_sum(cnn_input(s.tape, t), 0, NULL, false))) || !says_lost(s.ctx, "an item"); break;
        case 3: wrong += cnn_tensor_zeros(s.ctx, CNN_F32, CNN_SHAPE(50000000)) != NULL || !says_lost(s.ctx, "an allocation"); break;
        case 4: wrong += (cnn_tensor_write(t, host, sizeof host) | cnn_context_synchronize(s.ctx)) == CNN_OK || !says_lost(s.ctx, "a write"); break;
        default: wrong += (cnn_tensor_fill(t, 2) | cnn_context_synchronize(s.ctx)) == CNN_OK || !says_lost(s.ctx, "a launch"); break;
        }
        cnn_tape_begin(s.tape, CNN_TRAIN);
    }
    wrong += host[0] != 1 || host[3] != 4;
    cnn_tensor_free(t);
    setting_free(&s);
    return wrong;
}

START_TEST(on_a_lost_device_every_call_says_so)
{
    first_call = _i;
    ck_assert_int_eq(in_child(is_lost), 0);
}
END_TEST

/* Trains while one call fails. 0: the end has the bits of a run without failures; 2: a failure that was reported, and the
 * device stays unusable; else wrong. */
static int survives(void)
{
    setting s;
    static state before;
    if (!setting_make(&s, "cuda")) {
        bool told = *cnn_last_error(s.ctx) != '\0';
        setting_free(&s);
        return told ? 2 : 3;
    }
    int result = 0;
    for (int i = 0; i < STEPS && result == 0; i++) {
        if (!read_state(&s, &before) && !read_state(&s, &before)) {
            result = 2;
            break;
        }
        int64_t count = cnn_optimizer_step_count(s.optimizer);
        if (train(&s, i) == CNN_OK) {
            continue;
        }
        bool told = *cnn_last_error(s.ctx) != '\0', moved = cnn_optimizer_step_count(s.optimizer) != count;
        bool adam = strstr(cnn_last_error(s.ctx), " adam failed") != NULL;
        if (!told || !read_state(&s, &now)) {
            result = told ? 2 : 4;
        } else if (memcmp(now.data, before.data, now.bytes) != 0) {
            result = adam ? 2 : 5; /* the optimizer's launches before it have been done */
        } else if (moved) {
            result = 6;
        } else if (train(&s, i) != CNN_OK) {
            result = 7;
        }
        if (result > 2) {
            fprintf(stderr, "result %d: %s\n", result, cnn_last_error(s.ctx));
        }
    }
    if (result == 0 && (!read_state(&s, &now) || memcmp(now.data, right.data, now.bytes) != 0)) {
        result = 8;
    }
    setting_free(&s);
    return result;
}

/* The same for steps that nobody waits for: where all of them seem to be done, they have the bits of a run without
 * failures, and where not, the failure is told. */
static int survives_unwatched(void)
{
    setting s;
    bool done = setting_make(&s, "cuda");
    for (int i = 0; i < STEPS && done; i++) {
        done = train(&s, i) == CNN_OK;
    }
    done = done && cnn_context_synchronize(s.ctx) == CNN_OK;
    int result = done ? 0 : *cnn_last_error(s.ctx) != '\0' ? 2 : 3;
    if (done && !read_state(&s, &now)) {
        result = *cnn_last_error(s.ctx) != '\0' ? 2 : 4;
    } else if (done && (now.bytes != right.bytes || memcmp(now.data, right.data, now.bytes) != 0)) {
        result = 8;
    }
    setting_free(&s);
    return result;
}

static int train_right(void)
{
    return !train_all("cuda", &now);
}

/* ---- every call fails once ---- */

enum { MOST_CALLS = 1 << 16, FUNCTIONS = 128, NAME = 64 };

/* The functions that a run calls, in their order, the first of which is call 1: this process has not opened them. */
static int called[MOST_CALLS], calls;
static char functions[FUNCTIONS][NAME];
static char right_file[] = "/tmp/libcnn-cuda-right-XXXXXX";

static int train_and_keep(void)
{
    FILE *file = train_all("cuda", &now) ? fopen(right_file, "wb") : NULL;
    bool kept = file && fwrite(&now, sizeof now, 1, file) == 1;
    return !(file && fclose(file) == 0 && kept);
}

static int number_of_function(const char *name)
{
    int i = 0;
    while (i < FUNCTIONS && *functions[i] && strcmp(functions[i], name) != 0) {
        i++;
    }
    ck_assert_int_lt(i, FUNCTIONS);
    snprintf(functions[i], NAME, "%s", name);
    return i;
}

static void list_calls_of_a_run(void)
{
    char path[] = "/tmp/libcnn-cuda-XXXXXX", name[NAME];
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    setenv("CNN_STANDIN_LOG", path, 1);
    ck_assert_int_eq(in_child(train_and_keep), 0);
    unsetenv("CNN_STANDIN_LOG");
    FILE *file = fdopen(descriptor, "r");
    for (int number; fscanf(file, "%d %63s", &number, name) == 2; calls++) {
        ck_assert_int_eq(number, calls + 1);
        ck_assert_int_lt(calls, MOST_CALLS);
        called[calls] = number_of_function(name);
    }
    fclose(file);
    unlink(path);
    file = fopen(right_file, "rb");
    ck_assert_uint_eq(fread(&right, sizeof right, 1, file), 1);
    fclose(file);
    unlink(right_file);
}

typedef struct run {
    pid_t child;
    int number;
} run;

/* A child ends: 0 as if nothing had failed, 2 with a failure. */
static void take_result(run *r, const char *variable, int counts[3])
{
    int status = 0;
    ck_assert_int_eq(waitpid(r->child, &status, 0), r->child);
    int result = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    ck_assert_msg(result == 0 || result == 2, "%s=%d (%s): %d", variable, r->number, functions[called[r->number - 1]], result);
    counts[result]++;
    r->child = 0;
}

/* Lets every `step`th call of the run fail, in a run of its own. */
static void let_fail(const char *variable, int step, int counts[3])
{
    enum { AT_ONCE = 4 };
    run running[AT_ONCE] = { { 0 } };
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int next = 0;
    fflush(NULL);
    for (int number = 1; number <= calls; number += step) {
        run *r = &running[next++ % (cpus < AT_ONCE ? cpus : AT_ONCE)];
        if (r->child) {
            take_result(r, variable, counts);
        }
        *r = (run){ fork(), number };
        ck_assert_int_ge(r->child, 0);
        if (r->child == 0) {
            char text[16];
            snprintf(text, sizeof text, "%d", number);
            setenv(variable, text, 1);
            exit(unwatched ? survives_unwatched() : survives());
        }
    }
    for (int i = 0; i < AT_ONCE; i++) {
        if (running[i].child) {
            take_result(&running[i], variable, counts);
        }
    }
}

START_TEST(every_call_may_fail)
{
    const char *which = getenv("CNN_TEST_CUDA");
    int failed[3] = { 0 }, lost[3] = { 0 }, step = which && strcmp(which, "all") == 0 ? 1 : 61;
    setenv("CNN_CUDA_GRAPHS", _i ? "1" : "0", 1);
    unwatched = _i == 2;
    close(mkstemp(right_file));
    list_calls_of_a_run();
    ck_assert_int_gt(calls, 200);
    let_fail("CNN_STANDIN_FAIL", step, failed);
    printf("%d calls, of which %d failed: %d runs went on, %d ended with a failure\n", calls, failed[0] + failed[2], failed[0],
           failed[2]);
    ck_assert(unwatched || failed[0] > failed[2]);
    let_fail("CNN_STANDIN_LOST", 5 * step, lost);
    ck_assert_int_gt(lost[2], 0);
}
END_TEST

/* ---- compiled kernels ---- */

static char cache[] = "/tmp/libcnn-cuda-cache-XXXXXX";

static void cached_file(char *path, size_t size)
{
    char command[100];
    snprintf(command, sizeof command, "ls %s/cnn/*", cache);
    FILE *listing = popen(command, "r");
    ck_assert(fgets(path, (int)size, listing) != NULL);
    path[strcspn(path, "\n")] = '\0';
    ck_assert_int_eq(fgetc(listing), EOF); /* one file, and none of another name */
    pclose(listing);
}

START_TEST(compiled_kernels_are_kept_and_a_damaged_file_is_made_anew)
{
    char path[200];
    struct stat first, second;
    ck_assert_ptr_nonnull(mkdtemp(cache));
    setenv("XDG_CACHE_HOME", cache, 1);
    ck_assert_int_eq(in_child(train_right), 0);
    cached_file(path, sizeof path);
    ck_assert_int_eq(stat(path, &first), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert_int_eq(first.st_ino, second.st_ino); /* taken from there */
    ck_assert_int_eq(truncate(path, first.st_size - 1), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert_int_eq(second.st_size, first.st_size);
    setenv("XDG_CACHE_HOME", "/proc/none", 1); /* no cache can be written */
    ck_assert_int_eq(in_child(train_right), 0);
    unlink(path);
}
END_TEST

/* A file that others can write is not trusted, a pipe not waited for: both are replaced. */
START_TEST(a_cache_of_somebody_else_is_not_taken)
{
    char path[200];
    struct stat first, second;
    char folder[] = "/tmp/libcnn-cuda-cache-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    strcpy(cache, folder);
    setenv("XDG_CACHE_HOME", cache, 1);
    ck_assert_int_eq(in_child(train_right), 0);
    cached_file(path, sizeof path);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(stat(path, &first), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert_int_eq(second.st_mode & 0777, 0600);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert(S_ISREG(second.st_mode));
    unlink(path);
}
END_TEST

static int leaves_alone(void)
{
    return 0;
}

START_TEST(a_child_leaves_the_queue_to_its_parent)
{
    setting s;
    ck_assert(setting_make(&s, "cuda"));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cnn_tensor *t = cnn_tensor_zeros(s.ctx, CNN_F32, CNN_SHAPE(2));
        bool refused = !t || isnan(cnn_tensor_item(t));
        _exit(refused ? leaves_alone() : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(train(&s, 0), CNN_OK);
    setting_free(&s);
}
END_TEST

int main(void)
{
    setenv("CNN_BACKEND_PATH", CUDA_REFERENCE_FOLDER, 1);
    setenv("CNN_CUDA_LIBRARIES", CUDA_STANDIN_FOLDER, 1);
    setenv("XDG_CACHE_HOME", CUDA_STANDIN_FOLDER, 0);
    unsetenv("CNN_DEVICE");
    Suite *suite = suite_create("CUDA without a GPU");
    TCase *devices = suite_case(suite, "devices", NULL, NULL);
    tcase_add_test(devices, the_device_is_listed);
    tcase_add_test(devices, a_machine_without_cuda_says_what_is_missing);
    tcase_add_test(devices, a_device_that_cannot_run_a_kernel_is_not_opened);
    TCase *results = suite_case(suite, "results", NULL, NULL);
    tcase_add_test(results, training_has_the_bits_of_the_cpu);
    tcase_add_test(results, libraries_train_as_well);
    tcase_add_test(results, operations_of_the_libraries_are_right);
    tcase_add_test(results, factors_are_rounded_where_that_is_allowed);
    TCase *failures = suite_case(suite, "failures", NULL, NULL);
    tcase_set_timeout(failures, 1800);
    tcase_add_test(failures, a_bad_index_stops_the_queue_until_it_is_told);
    tcase_add_test(failures, full_memory_is_an_error_that_passes);
    tcase_add_loop_test(failures, on_a_lost_device_every_call_says_so, 0, 6);
    tcase_add_loop_test(failures, every_call_may_fail, 0, 3);
    tcase_add_test(failures, compiled_kernels_are_kept_and_a_damaged_file_is_made_anew);
    tcase_add_test(failures, a_cache_of_somebody_else_is_not_taken);
    tcase_add_loop_test(failures, nothing_of_an_optimizer_moves_behind_a_bad_index, 0, OPTIMIZERS);
    tcase_add_test(failures, a_child_leaves_the_queue_to_its_parent);
    return suite_run(suite);
}
