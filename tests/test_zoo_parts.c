/* What PyTorch's fixtures cannot show of the nets of examples/zoo: stochastic depth, copies, and texts as tokens.
 * CNN_TEST_SHAPES, which says that the program runs under a slow instrument, shortens the training on texts. */
#include "support/fixtures.h"
#include "support/suite.h"

#include "mobile.h"
#include "text.h"
#include "zoo.h"

#include <string.h>
#include <unistd.h>

/* ---- FLOPs ---- */

/* What PyTorch 2's FlopCounterMode counts for torchvision's nets and one picture: convolutions and products. */
static const struct {
    const char *name;
    double flops;
} flop_counts[] = { { "resnet18", 3628146688 },      { "mobilenet_v2", 601548544 },        { "densenet121", 5668323328 },
                    { "squeezenet1_1", 698303872 }, { "shufflenet_v2_x1_0", 289815984 }, { "googlenet", 2996752384 } };

START_TEST(products_are_those_that_pytorch_counts)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    const zoo_net *net = zoo_find(flop_counts[_i].name);
    ck_assert_ptr_nonnull(net);
    cnn_module *module = net->make(ctx, net, net->input, net->classes);
    cnn_trace *trace = cnn_trace_new(module, CNN_F32, CNN_SHAPE(1, 3, 224, 224));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(NULL));
    const cnn_trace_node *node;
    double flops = 0;
    for (int i = 0; (node = cnn_trace_get_node(trace, i)) != NULL; i++) {
        bool multiplies = strcmp(node->op, "conv2d") == 0 || strcmp(node->op, "linear") == 0;
        flops += multiplies ? node->flops : 0;
    }
    ck_assert_double_eq(flops, flop_counts[_i].flops);
    cnn_trace_free(trace);
    cnn_module_free(module);
    cnn_context_free(ctx);
}
END_TEST

/* ---- stochastic depth ---- */

enum { SAMPLES = 64, PER_SAMPLE = 3 * 2 * 2 };

/* Runs stochastic depth of 0.5 on ones and returns y and its gradient, which is that of its sum. */
static void drop(uint64_t seed, cnn_mode mode, double **y, double **gradient)
{
    cnn_context *ctx = cnn_context_new(.seed = seed);
    cnn_module *depth = mobile_stochastic_depth(ctx, 0.5);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(SAMPLES, 3, 2, 2));
    cnn_tape *tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, mode), CNN_OK);
    cnn_tensor *out = cnn_forward(depth, cnn_input(tape, x));
    ck_assert_msg(cnn_tensor_status(out) == CNN_OK, "%s", cnn_tape_error(tape));
    *y = as_doubles(out);
    if (gradient) {
        ck_assert_int_eq(cnn_backward(cnn_sum(out, CNN_ALL_DIMS, false)), CNN_OK);
        *gradient = as_doubles(cnn_tensor_grad(x));
    }
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_module_free(depth);
    cnn_context_free(ctx);
}

START_TEST(stochastic_depth_drops_whole_samples)
{
    double *y, *gradient, *again, *again_gradient;
    int dropped = 0;
    drop(1, CNN_TRAIN, &y, &gradient);
    for (int i = 0; i < SAMPLES; i++) {
        dropped += y[i * PER_SAMPLE] == 0;
        for (int j = 0; j < PER_SAMPLE; j++) {
            ck_assert_double_eq(y[i * PER_SAMPLE + j], y[i * PER_SAMPLE]);
            ck_assert_double_eq(gradient[i * PER_SAMPLE + j], y[i * PER_SAMPLE]); /* the input is 1 */
        }
        ck_assert(y[i * PER_SAMPLE] == 0 || y[i * PER_SAMPLE] == 2);
    }
    ck_assert_int_gt(dropped, SAMPLES / 4);
    ck_assert_int_lt(dropped, SAMPLES * 3 / 4);
    drop(1, CNN_TRAIN, &again, &again_gradient);
    ck_assert_mem_eq(again, y, SAMPLES * PER_SAMPLE * sizeof *y);
    free(again);
    free(again_gradient);
    drop(2, CNN_TRAIN, &again, &again_gradient);
    ck_assert_mem_ne(again, y, SAMPLES * PER_SAMPLE * sizeof *y);
    free(again);
    free(again_gradient);
    free(y);
    free(gradient);
}
END_TEST

START_TEST(stochastic_depth_keeps_all_in_evaluation)
{
    double *y;
    drop(1, CNN_EVAL, &y, NULL);
    for (int i = 0; i < SAMPLES * PER_SAMPLE; i++) {
        ck_assert_double_eq(y[i], 1);
    }
    free(y);
}
END_TEST

/* Block i of 16 is dropped with probability 0.2 · i / 16 if it adds its input; the last one that does is number 14. */
START_TEST(efficientnet_drops_deep_blocks_more_often)
{
    enum { SIZE = 1 << 16, RESIDUAL = 9 };
    const zoo_net *net = zoo_find("efficientnet_b0");
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_module *model = net->make(ctx, net, net->input, 10);
    char *text = malloc(SIZE);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_lt(cnn_module_format(model, text, SIZE), SIZE);
    double last = 0;
    int count = 0;
    for (const char *at = text; (at = strstr(at, "Dropout1d(p=")) != NULL; count++) {
        at += strlen("Dropout1d(p=");
        ck_assert_double_gt(strtod(at, NULL), last);
        last = strtod(at, NULL);
    }
    ck_assert_int_eq(count, RESIDUAL);
    ck_assert_double_eq_tol(last, 0.2 * 14 / 16, 1e-12);
    free(text);
    cnn_module_free(model);
    cnn_context_free(ctx);
}
END_TEST

/* ---- copies ---- */

static const char *const copied[] = { "mobilenet_v2",
                                      "mobilenet_v3_small",
                                      "shufflenet_v2_x1_0",
                                      "efficientnet_b0",
                                      "unet_small",
                                      "unet_small_bilinear",
                                      "vit",
                                      "lstm",
                                      "gpt" };

/* The output of evaluation on drawn inputs, and how many numbers that is. */
static double *output_of(cnn_module *model, cnn_tensor *input, int64_t *count)
{
    cnn_tape *tape = cnn_tape_new(cnn_module_context(model));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *y = cnn_forward(model, cnn_input(tape, input));
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tape));
    double *values = as_doubles(y);
    *count = cnn_tensor_numel(y);
    cnn_tape_free(tape);
    return values;
}

/* No module keeps anything that a copy would share or lack. */
START_TEST(copies_compute_the_same)
{
    const zoo_net *net = zoo_find(copied[_i]);
    const int64_t input[3] = { net->tokens ? 16 : 3, 32, 32 };
    cnn_context *ctx = cnn_context_new(.threads = 2, .seed = 1);
    cnn_tensor *inputs, *targets;
    ck_assert(zoo_draw(ctx, net, input, 10, 2, &inputs, &targets));
    cnn_module *model = net->make(ctx, net, input, 10), *copy = cnn_module_clone(model);
    ck_assert_msg(copy != NULL, "%s: %s", net->name, cnn_last_error(NULL));
    int64_t count, copied_count;
    double *expected = output_of(model, inputs, &count);
    cnn_module_free(model);
    double *given = output_of(copy, inputs, &copied_count);
    ck_assert_int_eq(copied_count, count);
    ck_assert_mem_eq(given, expected, (size_t)count * sizeof *given);
    free(given);
    free(expected);
    cnn_tensor_free(inputs);
    cnn_tensor_free(targets);
    cnn_module_free(copy);
    cnn_context_free(ctx);
}
END_TEST

/* ---- texts ---- */

enum { PATH_SIZE = 256 };

static void write_text(char *path, const char *bytes)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, PATH_SIZE, "%.200s/zoo-text-XXXXXX", folder && *folder ? folder : "/tmp");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    close(file);
}

static const char *read_back(text *t, const char *bytes)
{
    char path[PATH_SIZE];
    write_text(path, bytes);
    const char *wrong = text_read(t, path);
    unlink(path);
    return wrong;
}

START_TEST(texts_are_read_whole)
{
    enum { LENGTH = 200000 };
    text t = { 0 };
    ck_assert_ptr_nonnull(text_read(&t, "/no/such/text"));
    ck_assert_ptr_nonnull(text_read(&t, "/"));
    ck_assert_ptr_nonnull(read_back(&t, "x"));
    char *bytes = malloc(LENGTH + 1);
    ck_assert_ptr_nonnull(bytes);
    for (int i = 0; i < LENGTH; i++) {
        bytes[i] = (char)('a' + i % 23);
    }
    bytes[LENGTH] = '\0';
    ck_assert_ptr_null(read_back(&t, bytes));
    ck_assert_int_eq(t.length, LENGTH);
    ck_assert_mem_eq(t.bytes, bytes, LENGTH);
    free(bytes);
    text_free(&t);
}
END_TEST

/* Every window is a part of the alphabet that goes round, and the targets are one letter ahead. */
static void check_windows(const char *alphabet, int64_t length)
{
    enum { N = 200 };
    int64_t letters = (int64_t)strlen(alphabet), count = N * length, seen = 0;
    text t = { .state = 7 };
    ck_assert_ptr_null(read_back(&t, alphabet));
    cnn_context *ctx = cnn_context_new(.threads = 1);
    cnn_tensor *inputs = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(N, length));
    cnn_tensor *targets = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(N, length));
    ck_assert_int_eq(text_next(&t, inputs, targets), CNN_OK);
    double *in = as_doubles(inputs), *out = as_doubles(targets);
    for (int64_t i = 0; i < count; i++) {
        int64_t letter = strchr(alphabet, (int)in[i]) - alphabet;
        ck_assert_int_eq((int)out[i], alphabet[(letter + 1) % letters]);
        ck_assert(i % length == 0 || in[i] == out[i - 1]);
        ck_assert(length >= letters || letter + 1 < letters);
        seen |= i % length ? 0 : (int64_t)1 << letter;
    }
    int64_t starts = letters > length ? letters - length : letters;
    ck_assert_int_eq(seen, ((int64_t)1 << starts) - 1); /* a window begins at each letter where one can */
    free(in);
    free(out);
    cnn_tensor_free(inputs);
    cnn_tensor_free(targets);
    cnn_context_free(ctx);
    text_free(&t);
}

START_TEST(windows_are_parts_of_the_text)
{
    check_windows("abcdefghijklm", 4);
    check_windows("abcdefghijklm", 12);
    check_windows("abcde", 5);
    check_windows("abc", 16);
}
END_TEST

/* Trains the net on a line that repeats, until it writes that line itself. */
START_TEST(models_learn_to_write)
{
    static const char *const names[] = { "lstm", "gpt" };
    const zoo_net *net = zoo_find(names[_i]);
    enum { BATCH = 8, LENGTH = 12, STEPS = 60, FEW_STEPS = 2, WRITTEN = 30 };
    const bool few = getenv("CNN_TEST_SHAPES");
    const int64_t input[3] = { LENGTH, 0, 0 };
    text t = { .state = 3 };
    ck_assert_ptr_null(read_back(&t, "0123456789\n0123456789\n0123456789\n"));
    cnn_context *ctx = cnn_context_new(.threads = 2, .seed = 1);
    cnn_module *model = net->make(ctx, net, input, net->classes);
    cnn_tensor *inputs = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(BATCH, LENGTH));
    cnn_tensor *targets = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(BATCH, LENGTH));
    cnn_optimizer *adam = cnn_adamw_new(model, .lr = 3e-3);
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < (few ? FEW_STEPS : STEPS); i++) {
        ck_assert_int_eq(text_next(&t, inputs, targets), CNN_OK);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *loss = zoo_loss(net, model, cnn_input(tape, inputs), cnn_input(tape, targets));
        ck_assert_int_eq(cnn_optimizer_zero_grad(adam), CNN_OK);
        ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s", cnn_tape_error(tape));
        ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
    }
    char *written = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&written, &size);
    ck_assert_int_eq(text_sample(model, LENGTH, WRITTEN, 0.1, 1, out), CNN_OK);
    fclose(out);
    ck_assert_uint_eq(size, WRITTEN);
    if (!few) { /* else it has learnt nothing yet */
        ck_assert_str_eq(written, "0123456789\n0123456789\n01234567");
    }
    free(written);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_tensor_free(inputs);
    cnn_tensor_free(targets);
    cnn_module_free(model);
    cnn_context_free(ctx);
    text_free(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zoo_parts");
    TCase *flops = suite_case(suite, "FLOPs", NULL, NULL);
    tcase_add_loop_test(flops, products_are_those_that_pytorch_counts, 0, sizeof flop_counts / sizeof *flop_counts);
    TCase *depth = suite_case(suite, "depth", NULL, NULL);
    tcase_add_test(depth, stochastic_depth_drops_whole_samples);
    tcase_add_test(depth, stochastic_depth_keeps_all_in_evaluation);
    tcase_add_test(depth, efficientnet_drops_deep_blocks_more_often);
    TCase *copies = suite_case(suite, "copies", NULL, NULL);
    tcase_add_loop_test(copies, copies_compute_the_same, 0, sizeof copied / sizeof *copied);
    TCase *texts = suite_case(suite, "text", NULL, NULL);
    tcase_add_test(texts, texts_are_read_whole);
    tcase_add_test(texts, windows_are_parts_of_the_text);
    tcase_add_loop_test(texts, models_learn_to_write, 0, 2);
    return suite_run(suite);
}
