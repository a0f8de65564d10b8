/* The CUDA back end on the stand-in for NVIDIA's libraries: which device there is, reasons why there is none, and results
 * with the CPU's bits. The stand-in ends a process that leaves something with status 86. */
#include "setting.h"

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

int main(void)
{
    use_standin();
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
    return suite_run(suite);
}
