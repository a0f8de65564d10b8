/* Modules: names, shapes and initial values of parameters, the tree, ownership, and the text, which equals
 * PyTorch's. */
#include "support/elements.h"
#include "support/nn.h"

/* ---- layers ---- */

static cnn_tensor *pass_on(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return x;
}

static cnn_module *user_module(const char *type)
{
    return cnn_module_new(ctx, pass_on, .type = type);
}

static cnn_module *convnet(void)
{
    cnn_module *m = user_module("ConvNet");
    cnn_module_add(m, "l1", cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 32, 5, .stride = 1, .padding = 2),
                                               cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2, .stride = 2)));
    cnn_module_add(m, "drop_out", cnn_dropout_new(ctx, 0.5));
    cnn_module_add(m, "fc", cnn_linear_new(ctx, 10, 3));
    return m;
}

static cnn_module *nested(void)
{
    cnn_module *m = user_module("Nested");
    cnn_module_add(m, "a", cnn_sequential_new(ctx, cnn_sequential_new(ctx, cnn_relu_new(ctx)), cnn_sequential_create(ctx, NULL, 0)));
    cnn_module_add(m, "b", convnet());
    cnn_module_add(m, "c", cnn_flatten_new(ctx));
    return m;
}

#define CONV_EVERYTHING                                                                                              \
    .kernel_w = 2, .stride_h = 2, .padding_h = 1, .padding_w = 2, .dilation_h = 2, .dilation_w = 3, .groups = 2, .no_bias = true
#define POOL_EVERYTHING                                                                                              \
    .kernel_w = 2, .stride_h = 1, .stride_w = 2, .padding_h = 1, .dilation_h = 2, .ceil_mode = true

/* Name as in nn.txt, the module, its state, the bound of its first values (0: it has none). */
#define MODULES(X)                                                                                                   \
    X(relu, cnn_relu_new(ctx), "", 0)                                                                                \
    X(flatten, cnn_flatten_new(ctx), "", 0)                                                                          \
    X(dropout_0, cnn_dropout_new(ctx, 0.5), "", 0)                                                                   \
    X(dropout_1, cnn_dropout_new(ctx, 0), "", 0)                                                                     \
    X(dropout_2, cnn_dropout_new(ctx, 1), "", 0)                                                                     \
    X(dropout_3, cnn_dropout_new(ctx, 0.1), "", 0)                                                                   \
    X(dropout_4, cnn_dropout_new(ctx, 1e-5), "", 0)                                                                  \
    X(dropout_5, cnn_dropout_new(ctx, 0.123456789), "", 0)                                                           \
    X(dropout_6, cnn_dropout_new(ctx, 1.0 / 3), "", 0)                                                               \
    X(linear, cnn_linear_new(ctx, 3, 4), "weight[4,3] bias[4]", 1 / sqrt(3))                                         \
    X(linear_no_bias, cnn_linear_new(ctx, 3, 4, .no_bias = true), "weight[4,3]", 1 / sqrt(3))                        \
    X(embedding, cnn_embedding_new(ctx, 10, 3), "weight[10,3]", 6)                                                   \
    X(embedding_padding, cnn_embedding_new(ctx, 10, 3, .has_padding_idx = true), "weight[10,3]", 6)                  \
    X(embedding_padding_from_the_end, cnn_embedding_new(ctx, 10, 3, .has_padding_idx = true, .padding_idx = -1),     \
      "weight[10,3]", 6)                                                                                             \
    X(lstm, cnn_lstm_new(ctx, 5, 9), "weight_ih_l0[36,5] weight_hh_l0[36,9] bias_ih_l0[36] bias_hh_l0[36]", 1 / 3.0)  \
    X(lstm_everything, cnn_lstm_new(ctx, 5, 9, .num_layers = 2, .no_bias = true, .batch_first = true, .dropout = 0.25, \
                                    .bidirectional = true),                                                          \
      "weight_ih_l0[36,5] weight_hh_l0[36,9] weight_ih_l0_reverse[36,5] weight_hh_l0_reverse[36,9] "                  \
      "weight_ih_l1[36,18] weight_hh_l1[36,9] weight_ih_l1_reverse[36,18] weight_hh_l1_reverse[36,9]", 1 / 3.0)       \
    X(conv2d, cnn_conv2d_new(ctx, 1, 2, 3), "weight[2,1,3,3] bias[2]", 1 / 3.0)                                      \
    X(conv2d_padding, cnn_conv2d_new(ctx, 1, 2, 3, .padding = 1), "weight[2,1,3,3] bias[2]", 1 / 3.0)                \
    X(conv2d_padding_width, cnn_conv2d_new(ctx, 1, 2, 3, .padding_w = 2), "weight[2,1,3,3] bias[2]", 1 / 3.0)        \
    X(conv2d_same, cnn_conv2d_new(ctx, 1, 2, 3, .kernel_w = 5, .padding_mode = CNN_PADDING_SAME),                    \
      "weight[2,1,3,5] bias[2]", 1 / sqrt(15))                                                                       \
    X(conv2d_everything, cnn_conv2d_new(ctx, 4, 6, 3, CONV_EVERYTHING), "weight[6,2,3,2]", 1 / sqrt(12))             \
    X(conv2d_dilation, cnn_conv2d_new(ctx, 1, 2, 3, .dilation = 2), "weight[2,1,3,3] bias[2]", 1 / 3.0)              \
    X(conv1d, cnn_conv1d_new(ctx, 4, 6, 3), "weight[6,4,3] bias[6]", 1 / sqrt(12))                                   \
    X(conv1d_everything, cnn_conv1d_new(ctx, 4, 6, 3, .stride = 2, .padding = 4, .dilation = 2, .groups = 2, .no_bias = true), \
      "weight[6,2,3]", 1 / sqrt(6))                                                                                  \
    X(conv3d, cnn_conv3d_new(ctx, 4, 6, 3, .kernel_d = 2, .kernel_w = 1, .padding_h = 1, .padding_w = 2, .groups = 2), \
      "weight[6,2,2,3,1] bias[6]", 1 / sqrt(12))                                                                     \
    X(conv_transpose1d, cnn_conv_transpose1d_new(ctx, 4, 6, 3, .stride = 2, .output_padding = 1),                    \
      "weight[4,6,3] bias[6]", 1 / sqrt(18))                                                                         \
    X(conv_transpose2d, cnn_conv_transpose2d_new(ctx, 4, 6, 3, .kernel_w = 2, .stride = 2, .padding = 1, .groups = 2), \
      "weight[4,3,3,2] bias[6]", 1 / sqrt(18))                                                                       \
    X(conv_transpose3d, cnn_conv_transpose3d_new(ctx, 4, 6, 2, .stride = 2, .no_bias = true), "weight[4,6,2,2,2]",   \
      1 / sqrt(48))                                                                                                  \
    X(maxpool2d, cnn_maxpool2d_new(ctx, 2), "", 0)                                                                   \
    X(maxpool2d_everything, cnn_maxpool2d_new(ctx, 3, POOL_EVERYTHING), "", 0)                                       \
    X(maxpool2d_stride, cnn_maxpool2d_new(ctx, 3, .stride = 1, .padding = 1), "", 0)                                 \
    X(sequential_empty, cnn_sequential_create(ctx, NULL, 0), "", 0)                                                  \
    X(sequential, cnn_sequential_new(ctx, cnn_linear_new(ctx, 2, 3), cnn_relu_new(ctx)),                             \
      "0.weight[3,2] 0.bias[3]", 1 / sqrt(2))                                                                        \
    X(convnet, convnet(), "l1.0.weight[32,1,5,5] l1.0.bias[32] fc.weight[3,10] fc.bias[3]", 1 / sqrt(10))            \
    X(nested, nested(), "b.l1.0.weight[32,1,5,5] b.l1.0.bias[32] b.fc.weight[3,10] b.fc.bias[3]", 1 / sqrt(10))

#define X(name, make, state, bound)                                                                                  \
    static cnn_module *make_##name(void)                                                                             \
    {                                                                                                                \
        return make;                                                                                                 \
    }
MODULES(X)
#undef X

static const struct {
    const char *name;
    cnn_module *(*make)(void);
    const char *state;
} modules[] = {
#define X(name, make, state, bound) { #name, make_##name, state },
    MODULES(X)
#undef X
};
enum { MODULE_COUNT = sizeof modules / sizeof *modules };

static double bound_of(int i)
{
    const double bounds[] = {
#define X(name, make, state, bound) bound,
        MODULES(X)
#undef X
    };
    return bounds[i];
}

START_TEST(text_equals_pytorchs_repr)
{
    cnn_module *m = modules[_i].make();
    ck_assert_msg(m != NULL, "%s", cnn_last_error(NULL));
    char *expected = fixture_text("nn.txt", modules[_i].name);
    size_t length = strlen(expected);
    char *text = malloc(length + 2);
    ck_assert_uint_eq(cnn_module_format(m, NULL, 0), length);
    ck_assert_uint_eq(cnn_module_format(m, text, length + 2), length);
    ck_assert_str_eq(text, expected);
    memset(text, '#', length + 2); /* cut to half */
    ck_assert_uint_eq(cnn_module_format(m, text, length / 2), length);
    ck_assert_uint_eq(strlen(text), length / 2 - 1);
    ck_assert(strncmp(text, expected, length / 2 - 1) == 0 && text[length / 2] == '#');
    free(text);
    free(expected);
    cnn_module_free(m);
}
END_TEST

/* The texts of src/ops/ops.def, which tools/make_fixtures.py compares with PyTorch's. */
START_TEST(text_of_the_list_equals_pytorchs_repr)
{
    char text[256];
    cnn_module *m;
#define CNN_LAYER_TEXT(name, make, torch, expected)             \
    m = make;                                                   \
    ck_assert_msg(m != NULL, "%s", cnn_last_error(NULL));       \
    cnn_module_format(m, text, sizeof text);                    \
    ck_assert_str_eq(text, expected);                           \
    cnn_module_free(m);
#include "ops/ops.def"
}
END_TEST

START_TEST(state_has_pytorchs_names_and_shapes)
{
    cnn_module *m = modules[_i].make();
    ck_assert_str_eq(state_text(m), modules[_i].state);
    int64_t numel = 0;
    for (int i = 0; i < cnn_module_parameter_count(m); i++) {
        cnn_tensor *p = cnn_module_parameter(m, i);
        numel += cnn_tensor_numel(p);
        ck_assert(cnn_tensor_requires_grad(p) && cnn_tensor_dtype(p) == CNN_F32);
        double *x = as_doubles(p), bound = bound_of(_i), largest = 0;
        for (int64_t k = 0; k < cnn_tensor_numel(p) && i + 2 >= cnn_module_parameter_count(m); k++) {
            largest = fabs(x[k]) > largest ? fabs(x[k]) : largest;
        }
        ck_assert_double_le(largest, bound * (1 + 1e-7));
        free(x);
    }
    ck_assert_int_eq(cnn_module_parameter_numel(m), numel);
    ck_assert_ptr_null(cnn_module_parameter(m, cnn_module_parameter_count(m)));
    ck_assert_ptr_null(cnn_module_parameter(m, -1));
    cnn_module_free(m);
}
END_TEST

/* Uniform in ±1/√fan_in, as kaiming_uniform_ with a = √5 comes to: range, mean, variance, and the tails are there. */
static void check_uniform(const cnn_tensor *t, double bound)
{
    double *x = as_doubles(t), mean = 0, square = 0, low = 0, high = 0;
    int64_t n = cnn_tensor_numel(t);
    for (int64_t i = 0; i < n; i++) {
        if (!(fabs(x[i]) <= bound * (1 + 1e-7))) { /* an assertion is a system call */
            ck_abort_msg("element %lld is %.9g, expected at most %.9g", (long long)i, x[i], bound);
        }
        mean += x[i] / (double)n;
        square += x[i] * x[i] / (double)n;
        low += x[i] < -0.9 * bound;
        high += x[i] > 0.9 * bound;
    }
    double variance = bound * bound / 3;
    ck_assert_double_lt(fabs(mean), 5 * sqrt(variance / (double)n));
    ck_assert_double_lt(fabs(square / variance - 1), 5 * sqrt(0.8 / (double)n));
    ck_assert_double_lt(fabs(low / (double)n - 0.05) + fabs(high / (double)n - 0.05), 10 * sqrt(0.05 / (double)n));
    free(x);
}

START_TEST(first_values_follow_pytorchs_distribution)
{
    cnn_dtype dtype = _i ? CNN_F64 : CNN_F32;
    cnn_module *linear = cnn_linear_new(ctx, 784, 1000, .dtype = dtype);
    cnn_module *conv = cnn_conv2d_new(ctx, 64, 4000, 3, .groups = 4, .kernel_w = 1, .dtype = dtype);
    cnn_module *spread = cnn_conv_transpose2d_new(ctx, 64, 4000, 3, .groups = 4, .kernel_w = 1, .dtype = dtype);
    check_uniform(cnn_module_find(linear, "weight"), 1 / sqrt(784));
    check_uniform(cnn_module_find(linear, "bias"), 1 / sqrt(784));
    check_uniform(cnn_module_find(conv, "weight"), 1 / sqrt(16 * 3));
    check_uniform(cnn_module_find(conv, "bias"), 1 / sqrt(16 * 3));
    ck_assert_int_eq(cnn_tensor_dtype(cnn_module_find(conv, "bias")), dtype);
    check_uniform(cnn_module_find(spread, "weight"), 1 / sqrt(1000 * 3));
    check_uniform(cnn_module_find(spread, "bias"), 1 / sqrt(1000 * 3));
    cnn_module_free(spread);
    cnn_module_free(linear);
    cnn_module_free(conv);
}
END_TEST

START_TEST(first_values_follow_the_seed_not_the_threads)
{
    cnn_context *contexts[3] = { cnn_context_new(.seed = 4, .threads = 1), cnn_context_new(.seed = 4, .threads = 3),
                                 cnn_context_new(.seed = 5, .threads = 1) };
    cnn_module *m[3];
    for (int i = 0; i < 3; i++) {
        m[i] = cnn_sequential_new(contexts[i], cnn_linear_new(contexts[i], 700, 300), cnn_linear_new(contexts[i], 300, 700));
    }
    size_t bytes = 700 * 300 * sizeof(float);
    const void *a = host_elements(cnn_module_find(m[0], "0.weight"));
    ck_assert_int_eq(memcmp(a, host_elements(cnn_module_find(m[1], "0.weight")), bytes), 0);
    ck_assert_int_ne(memcmp(a, host_elements(cnn_module_find(m[2], "0.weight")), bytes), 0);
    ck_assert_int_ne(memcmp(a, host_elements(cnn_module_find(m[0], "1.weight")), bytes), 0);
    for (int i = 0; i < 3; i++) {
        cnn_module_free(m[i]);
        cnn_context_free(contexts[i]);
    }
}
END_TEST

START_TEST(bad_options_are_refused)
{
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 0, 2, 3));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "conv2d_create: in_channels is 0, expected at least 1");
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, -2, 3));
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 2, 0));
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 2, -3));
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 2, 3, .stride = -1));
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 2, 3, .padding = -1));
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 2, 3, .dilation = -1));
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 3, 4, 3, .groups = 2));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "conv2d_create: 2 groups do not divide 3 input and 4 output channels");
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 2, 3, .stride = 2, .padding_mode = CNN_PADDING_SAME));
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 2, 3, .dtype = CNN_I64));
    failed_with(CNN_ERROR_DTYPE, "conv2d_create: dtype is int64, expected float32, float64 or bfloat16");
    ck_assert_ptr_null(cnn_conv2d_create(NULL, 1, 2, CNN_OPTIONS(cnn_conv2d_options, .kernel = 3)));
    ck_assert_ptr_null(cnn_maxpool2d_new(ctx, 0));
    ck_assert_ptr_null(cnn_maxpool2d_new(ctx, 2, .padding = 2));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "maxpool2d_create: ");
    ck_assert_ptr_null(cnn_dropout_new(ctx, 1.5));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "dropout_create: p is 1.5, expected 0 to 1");
    ck_assert_ptr_null(cnn_dropout_new(ctx, -0.1));
    ck_assert_ptr_null(cnn_dropout_new(ctx, NAN));
    ck_assert_ptr_null(cnn_linear_new(ctx, 0, 1));
    ck_assert_ptr_null(cnn_linear_new(ctx, 1, 0));
    ck_assert_ptr_null(cnn_linear_new(ctx, 1, 1, .dtype = CNN_BOOL));
    ck_assert_ptr_null(cnn_linear_new(ctx, INT64_MAX, INT64_MAX));
    failed_with(CNN_ERROR_SHAPE, "linear_create: ");
    ck_assert_ptr_null(cnn_module_create(ctx, NULL));
    ck_assert_ptr_null(cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .type = "x")));
    ck_assert_ptr_null(cnn_relu_new(NULL));
    ck_assert_ptr_null(cnn_sequential_create(ctx, NULL, 2));
    ck_assert_ptr_null(cnn_sequential_create(ctx, NULL, -1));
}
END_TEST

START_TEST(a_failed_layer_draws_no_random_numbers)
{
    cnn_random_state before, after;
    cnn_context_random_state(ctx, &before);
    for (long n = 0; n < 8; n++) {
        meter_reset();
        atomic_store(&meter.fail_at, n);
        cnn_module *m = cnn_linear_new(ctx, 3, 4);
        meter_reset();
        if (m) {
            cnn_module_free(m);
            ck_assert_int_gt(n, 3);
            return;
        }
        failed_with(CNN_ERROR_NO_MEMORY, "no memory for ");
        cnn_context_random_state(ctx, &after);
        ck_assert_uint_eq(after.stream, before.stream);
    }
}
END_TEST

/* ---- the tree ---- */

static int freed;

static void count_free(void *user)
{
    freed += *(int *)user;
}

static int one = 1;

static cnn_module *counted(void)
{
    return cnn_module_new(ctx, pass_on, .user = &one, .free_user = count_free);
}

START_TEST(state_goes_parameters_buffers_children)
{
    cnn_module *m = user_module("M"), *child = cnn_module_add(m, "child", cnn_linear_new(ctx, 2, 1, .no_bias = true));
    cnn_tensor *buffer = cnn_module_add_buffer(m, "running", cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(4)));
    cnn_tensor *scale = cnn_module_add_parameter(m, "scale", cnn_tensor_ones(ctx, CNN_F64, CNN_SCALAR));
    cnn_module_add(child, "deep", cnn_linear_new(ctx, 1, 1));
    cnn_module_add_parameter(m, "shift", cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2)));
    ck_assert_str_eq(state_text(m), "scale[] shift[2] running[4] child.weight[1,2] child.deep.weight[1,1] child.deep.bias[1]");
    ck_assert_int_eq(cnn_module_parameter_count(m), 5);
    ck_assert_int_eq(cnn_module_parameter_numel(m), 7);
    ck_assert(cnn_tensor_requires_grad(scale) && !cnn_tensor_requires_grad(buffer));
    ck_assert_ptr_eq(cnn_module_find(m, "running"), buffer);
    static const char *const absent[] = { "", ".", "child", "child.", ".scale", "scale.", "child.deep", "child.deep.weights",
                                          "child.deep.weigh", "runnin" };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        ck_assert_ptr_null(cnn_module_find(m, absent[i]));
        failed_with(CNN_ERROR_NOT_FOUND, "module_find: this M has no parameter or buffer \"");
    }
    char name[6];
    ck_assert_uint_eq(cnn_module_state_name(m, 4, name, sizeof name), strlen("child.deep.weight"));
    ck_assert_str_eq(name, "child");
    const char *child_name;
    ck_assert_ptr_eq(cnn_module_child(m, 0, &child_name), child);
    ck_assert_str_eq(child_name, "child");
    ck_assert_ptr_null(cnn_module_child(m, 1, &child_name));
    ck_assert_ptr_null(child_name);
    ck_assert_int_eq(cnn_module_child_count(m), 1);
    ck_assert_str_eq(cnn_module_type(child), "Linear");
    ck_assert_ptr_eq(cnn_module_context(child), ctx);
    cnn_module_free(child);
    failed_with(CNN_ERROR_STATE, "module_free: the module belongs to a parent of type M");
    cnn_tensor_free(scale);
    failed_with(CNN_ERROR_STATE, "tensor_free: the tensor belongs to a module");
    cnn_module_free(m);
}
END_TEST

START_TEST(names_are_checked)
{
    cnn_module *m = user_module(NULL);
    ck_assert_str_eq(cnn_module_type(m), "module");
    ck_assert_ptr_nonnull(cnn_module_add(m, "a", counted()));
    freed = 0;
    ck_assert_ptr_null(cnn_module_add(m, "a", counted()));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_add: name \"a\" is already used in this module");
    ck_assert_ptr_null(cnn_module_add(m, "", counted()));
    ck_assert_ptr_null(cnn_module_add(m, NULL, counted()));
    ck_assert_ptr_null(cnn_module_add(m, "a.b", counted()));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_add: name \"a.b\" contains '.'");
    ck_assert_int_eq(freed, 4); /* taken on failure too */
    ck_assert_ptr_null(cnn_module_add_parameter(m, "a", cnn_tensor_ones(ctx, CNN_F32, CNN_SCALAR)));
    ck_assert_ptr_null(cnn_module_add_buffer(m, "x.y", cnn_tensor_ones(ctx, CNN_F32, CNN_SCALAR)));
    ck_assert_ptr_null(cnn_module_add_parameter(m, "i", cnn_tensor_ones(ctx, CNN_I64, CNN_SCALAR)));
    failed_with(CNN_ERROR_DTYPE, "module_add_parameter: the tensor is int64");
    ck_assert_ptr_null(cnn_module_add_parameter(NULL, "i", cnn_tensor_ones(ctx, CNN_F32, CNN_SCALAR)));
    ck_assert_ptr_null(cnn_module_add_parameter(m, "i", NULL));
    ck_assert_int_eq(cnn_module_state_count(m), 0);
    cnn_module_free(m);
    ck_assert_int_eq(freed, 5);
}
END_TEST

START_TEST(failure_frees_what_was_handed_over)
{
    freed = 0;
    ck_assert_ptr_null(cnn_sequential_new(ctx, counted(), cnn_linear_new(ctx, 0, 1), counted()));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "linear_create: "); /* the first message stays */
    ck_assert_int_eq(freed, 2);
    ck_assert_ptr_null(cnn_sequential_new(ctx, counted(), NULL));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "sequential_create: child 1 is NULL");
    ck_assert_int_eq(freed, 3);
    ck_assert_ptr_null(cnn_module_add(NULL, "a", counted()));
    ck_assert_int_eq(freed, 4);
    cnn_module *twice = counted();
    ck_assert_ptr_null(cnn_sequential_new(ctx, twice, twice));
    ck_assert_int_eq(freed, 5);
    ck_assert_ptr_null(cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .user = &one, .free_user = count_free)));
    ck_assert_int_eq(freed, 6);
    cnn_context *other = cnn_context_new(.threads = 1);
    ck_assert_ptr_null(cnn_sequential_new(other, counted()));
    failed_with(CNN_ERROR_STATE, "is of another context than its parent");
    ck_assert_int_eq(freed, 7);
    cnn_context_free(other);
}
END_TEST

START_TEST(a_module_has_one_parent_and_no_circle)
{
    cnn_module *a = user_module("A"), *b = cnn_module_add(a, "b", user_module("B"));
    ck_assert_ptr_null(cnn_module_add(a, "again", b));
    failed_with(CNN_ERROR_STATE, "module_add: the B already belongs to a parent of type A");
    ck_assert_ptr_null(cnn_module_add(b, "up", a));
    failed_with(CNN_ERROR_STATE, "would become its own descendant");
    ck_assert_ptr_null(cnn_module_add(a, "self", a));
    ck_assert_int_eq(cnn_module_child_count(a), 1);
    cnn_module_free(a);
    cnn_module_free(NULL);
}
END_TEST

START_TEST(copy_from_wants_the_same_state)
{
    cnn_module *a = convnet(), *b = convnet(), *c = cnn_linear_new(ctx, 10, 3);
    ck_assert_int_eq(cnn_module_copy_from(a, b), CNN_OK);
    for (int i = 0; i < cnn_module_state_count(a); i++) {
        cnn_tensor *x = cnn_module_state(a, i), *y = cnn_module_state(b, i);
        ck_assert(on_device() || cnn_tensor_data(x) != cnn_tensor_data(y));
        ck_assert(same_elements(x, y));
    }
    ck_assert_int_eq(cnn_module_copy_from(a, a), CNN_OK);
    ck_assert_int_eq(cnn_module_copy_from(a, c), CNN_ERROR_MISMATCH);
    failed_with(CNN_ERROR_MISMATCH, "module_copy_from: the source has no \"l1.0.weight\"");
    cnn_module *wide = cnn_linear_new(ctx, 10, 3, .dtype = CNN_F64), *large = cnn_linear_new(ctx, 11, 3);
    ck_assert_int_eq(cnn_module_copy_from(c, wide), CNN_ERROR_MISMATCH);
    failed_with(CNN_ERROR_MISMATCH, "\"weight\" is float32 [3,10], the source's is float64 [3,10]");
    ck_assert_int_eq(cnn_module_copy_from(c, large), CNN_ERROR_MISMATCH);
    cnn_module *less = cnn_linear_new(ctx, 10, 3, .no_bias = true);
    ck_assert_int_eq(cnn_module_copy_from(less, c), CNN_ERROR_MISMATCH);
    failed_with(CNN_ERROR_MISMATCH, "1 parameters and buffers, the source has 2");
    ck_assert_int_eq(cnn_module_copy_from(a, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_module_copy_from(NULL, a), CNN_ERROR_INVALID_ARGUMENT);
    cnn_module *all[] = { a, b, c, wide, large, less };
    for (int i = 0; i < 6; i++) {
        cnn_module_free(all[i]);
    }
}
END_TEST

START_TEST(null_modules_are_reported)
{
    ck_assert_str_eq(cnn_module_type(NULL), "");
    ck_assert_ptr_null(cnn_module_context(NULL));
    ck_assert_int_eq(cnn_module_child_count(NULL) + cnn_module_state_count(NULL) + cnn_module_parameter_count(NULL), 0);
    ck_assert_ptr_null(cnn_module_child(NULL, 0, NULL));
    ck_assert_ptr_null(cnn_module_state(NULL, 0));
    ck_assert_ptr_null(cnn_module_parameter(NULL, 0));
    ck_assert_ptr_null(cnn_module_find(NULL, "x"));
    ck_assert_int_eq(cnn_module_parameter_numel(NULL), 0);
    ck_assert_int_eq(cnn_module_zero_grad(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_uint_eq(cnn_module_format(NULL, NULL, 0), 0);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_format: module is NULL");
}
END_TEST

static void assert_flattened(cnn_module *flatten, const char *text, int ndim, const int64_t *shape)
{
    char buffer[100];
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3, 4, 5));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_module_format(flatten, buffer, sizeof buffer);
    ck_assert_str_eq(buffer, text);
    cnn_tensor *y = cnn_forward(flatten, cnn_input(tape, x));
    ck_assert_int_eq(cnn_tensor_ndim(y), ndim);
    for (int d = 0; d < ndim; d++) {
        ck_assert_int_eq(cnn_tensor_size(y, d), shape[d]);
    }
    cnn_tensor_free(x);
    cnn_module_free(flatten);
}

START_TEST(flatten_joins_the_dimensions_that_it_is_given)
{
    assert_flattened(cnn_flatten_create(ctx, NULL), "Flatten(start_dim=1, end_dim=-1)", CNN_SHAPE(2, 60));
    assert_flattened(cnn_flatten_new(ctx, .start_dim = 2), "Flatten(start_dim=2, end_dim=-1)", CNN_SHAPE(2, 3, 20));
    assert_flattened(cnn_flatten_new(ctx, .start_dim = -3, .end_dim = -2), "Flatten(start_dim=-3, end_dim=-2)",
                     CNN_SHAPE(2, 12, 5));
    assert_flattened(cnn_flatten_new(ctx, .has_start_dim = true), "Flatten(start_dim=0, end_dim=-1)", CNN_SHAPE(120));
    ck_assert_ptr_null(cnn_flatten_new(ctx, .start_dim = 3, .end_dim = 2));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "flatten_create: start_dim 3 and end_dim 2 are of no tensor");
    ck_assert_ptr_null(cnn_flatten_new(ctx, .start_dim = 8));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "flatten_create: start_dim 8 and end_dim -1 are of no tensor");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nn");
    TCase *layers = suite_case(suite, "layers", setup, teardown);
    tcase_add_loop_test(layers, text_equals_pytorchs_repr, 0, MODULE_COUNT);
    tcase_add_test(layers, text_of_the_list_equals_pytorchs_repr);
    tcase_add_loop_test(layers, state_has_pytorchs_names_and_shapes, 0, MODULE_COUNT);
    tcase_add_loop_test(layers, first_values_follow_pytorchs_distribution, 0, 2);
    tcase_add_test(layers, first_values_follow_the_seed_not_the_threads);
    tcase_add_test(layers, bad_options_are_refused);
    tcase_add_test(layers, a_failed_layer_draws_no_random_numbers);
    TCase *tree = suite_case(suite, "tree", setup, teardown);
    tcase_add_test(tree, state_goes_parameters_buffers_children);
    tcase_add_test(tree, names_are_checked);
    tcase_add_test(tree, failure_frees_what_was_handed_over);
    tcase_add_test(tree, a_module_has_one_parent_and_no_circle);
    tcase_add_test(tree, copy_from_wants_the_same_state);
    tcase_add_test(tree, null_modules_are_reported);
    tcase_add_test(layers, flatten_joins_the_dimensions_that_it_is_given);
    return suite_run(suite);
}
