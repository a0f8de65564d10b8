/* Modules: names, shapes and first values of parameters, the tree, ownership, text equal to PyTorch's, values against a whole
 * net of PyTorch's, and chains that run as one operation. */
#include "support/files.h"
#include "support/fixtures.h"
#include "support/suite.h"

#include <pthread.h>

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = metered_context(1);
    tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
}

/* Every test gives back all memory. */
static void teardown(void)
{
    meter_reset();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

static void failed_with(cnn_status status, const char *text)
{
    ck_assert_int_eq(cnn_context_status(NULL), status);
    ck_assert_msg(strstr(cnn_last_error(NULL), text), "\"%s\" does not say \"%s\"", cnn_last_error(NULL), text);
    cnn_context_clear_error(NULL);
    cnn_context_clear_error(ctx);
}

/* The state as text: "0.weight[2,1,3,3] 0.bias[2]". */
static const char *state_text(const cnn_module *m)
{
    static char text[2048];
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < cnn_module_state_count(m); i++) {
        char name[200];
        cnn_tensor *t = cnn_module_state(m, i, name, sizeof name);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s[", i ? " " : "", name);
        for (int d = 0; d < cnn_tensor_ndim(t); d++) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld", d ? "," : "", (long long)cnn_tensor_size(t, d));
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "]");
        ck_assert_ptr_eq(cnn_module_find(m, name), t);
    }
    ck_assert_ptr_null(cnn_module_state(m, cnn_module_state_count(m), NULL, 0));
    ck_assert_ptr_null(cnn_module_state(m, -1, NULL, 0));
    return text;
}

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
    X(conv2d, cnn_conv2d_new(ctx, 1, 2, 3), "weight[2,1,3,3] bias[2]", 1 / 3.0)                                      \
    X(conv2d_padding, cnn_conv2d_new(ctx, 1, 2, 3, .padding = 1), "weight[2,1,3,3] bias[2]", 1 / 3.0)                \
    X(conv2d_padding_width, cnn_conv2d_new(ctx, 1, 2, 3, .padding_w = 2), "weight[2,1,3,3] bias[2]", 1 / 3.0)        \
    X(conv2d_same, cnn_conv2d_new(ctx, 1, 2, 3, .kernel_w = 5, .padding_mode = CNN_PADDING_SAME),                    \
      "weight[2,1,3,5] bias[2]", 1 / sqrt(15))                                                                       \
    X(conv2d_everything, cnn_conv2d_new(ctx, 4, 6, 3, CONV_EVERYTHING), "weight[6,2,3,2]", 1 / sqrt(12))             \
    X(conv2d_dilation, cnn_conv2d_new(ctx, 1, 2, 3, .dilation = 2), "weight[2,1,3,3] bias[2]", 1 / 3.0)              \
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
    check_uniform(cnn_module_find(linear, "weight"), 1 / sqrt(784));
    check_uniform(cnn_module_find(linear, "bias"), 1 / sqrt(784));
    check_uniform(cnn_module_find(conv, "weight"), 1 / sqrt(16 * 3));
    check_uniform(cnn_module_find(conv, "bias"), 1 / sqrt(16 * 3));
    ck_assert_int_eq(cnn_tensor_dtype(cnn_module_find(conv, "bias")), dtype);
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
    const void *a = cnn_tensor_data(cnn_module_find(m[0], "0.weight"));
    ck_assert_int_eq(memcmp(a, cnn_tensor_data(cnn_module_find(m[1], "0.weight")), bytes), 0);
    ck_assert_int_ne(memcmp(a, cnn_tensor_data(cnn_module_find(m[2], "0.weight")), bytes), 0);
    ck_assert_int_ne(memcmp(a, cnn_tensor_data(cnn_module_find(m[0], "1.weight")), bytes), 0);
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
    failed_with(CNN_ERROR_DTYPE, "conv2d_create: dtype is int64, expected float32 or float64");
    ck_assert_ptr_null(cnn_conv2d_create(NULL, 1, 2, CNN_OPTIONS(cnn_conv2d_options, .kernel = 3)));
    ck_assert_ptr_null(cnn_maxpool2d_new(ctx, 0));
    ck_assert_ptr_null(cnn_maxpool2d_new(ctx, 2, .padding = 2));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "maxpool2d_create: ");
    ck_assert_ptr_null(cnn_dropout_new(ctx, 1.5));
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "dropout_new: p is 1.5, expected 0 to 1");
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
    cnn_module_state(m, 4, name, sizeof name);
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
        cnn_tensor *x = cnn_module_state(a, i, NULL, 0), *y = cnn_module_state(b, i, NULL, 0);
        ck_assert_ptr_ne(cnn_tensor_data(x), cnn_tensor_data(y));
        ck_assert_int_eq(memcmp(cnn_tensor_data(x), cnn_tensor_data(y), (size_t)cnn_tensor_numel(x) * 4), 0);
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
    ck_assert_ptr_null(cnn_module_state(NULL, 0, NULL, 0));
    ck_assert_ptr_null(cnn_module_parameter(NULL, 0));
    ck_assert_ptr_null(cnn_module_find(NULL, "x"));
    ck_assert_int_eq(cnn_module_parameter_numel(NULL), 0);
    ck_assert_int_eq(cnn_module_zero_grad(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_uint_eq(cnn_module_format(NULL, NULL, 0), 0);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "module_format: module is NULL");
}
END_TEST

/* ---- forward ---- */

typedef struct residual {
    cnn_module *inner;
    int calls;
} residual;

static cnn_tensor *residual_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    residual *r = user;
    r->calls++;
    ck_assert_str_eq(cnn_module_type(self), "Residual");
    return cnn_add(x, cnn_forward(r->inner, x));
}

START_TEST(modules_of_the_users_own_run_and_train)
{
    residual r = { 0 };
    cnn_module *m = cnn_module_new(ctx, residual_forward, .type = "Residual", .user = &r);
    r.inner = cnn_module_add(m, "inner", cnn_linear_new(ctx, 3, 3));
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *y = cnn_forward(m, cnn_input(tape, x));
    double *before = as_doubles(cnn_module_find(m, "inner.weight")), *bias = as_doubles(cnn_module_find(m, "inner.bias"));
    double *out = as_doubles(y);
    ck_assert_double_eq_tol(out[0], 1 + before[0] + before[1] + before[2] + bias[0], 1e-6);
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    const float *grad = cnn_tensor_data(cnn_tensor_grad(cnn_module_find(m, "inner.bias")));
    ck_assert(grad[0] == 2 && grad[2] == 2);
    ck_assert_int_eq(cnn_module_zero_grad(m), CNN_OK);
    ck_assert_ptr_eq(cnn_tensor_data(cnn_tensor_grad(cnn_module_find(m, "inner.bias"))), grad);
    ck_assert(grad[0] == 0 && grad[2] == 0);
    ck_assert_int_eq(r.calls, 1);
    free(before);
    free(bias);
    free(out);
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

static cnn_tensor *bad_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    switch (*(int *)user) {
    case 0: return NULL;
    case 1: return cnn_reshape(x, CNN_SHAPE(99));
    case 2: cnn_tape_begin(tape, CNN_TRAIN); return x;
    default: return *(cnn_tensor **)(void *)((char *)user + sizeof(void *));
    }
}

START_TEST(what_a_forward_may_not_return_is_an_error)
{
    struct {
        int which;
        _Alignas(void *) cnn_tensor *tensor;
    } user = { 0, NULL };
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2));
    user.tensor = x;
    cnn_module *m = cnn_module_new(ctx, bad_forward, .type = "Bad", .user = &user);
    static const char *const messages[] = { "forward: Bad returned NULL", "reshape: ", "forward: Bad began another step",
                                            "forward: Bad returned a tensor on no tape" };
    for (user.which = 0; user.which < 4; user.which++) {
        cnn_tape_begin(tape, CNN_TRAIN);
        ck_assert_int_ne(cnn_tensor_status(cnn_forward(m, cnn_input(tape, x))), CNN_OK);
        ck_assert_msg(strstr(cnn_tape_error(tape), messages[user.which]), "%s", cnn_tape_error(tape));
    }
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *nil = cnn_forward(m, x);
    failed_with(CNN_ERROR_STATE, "forward: the input of Bad is on no tape");
    ck_assert_int_ne(cnn_tensor_status(nil), CNN_OK);
    ck_assert_int_ne(cnn_tensor_status(cnn_forward(NULL, cnn_input(tape, x))), CNN_OK);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

static cnn_module *small_net(void)
{
    const cnn_dtype wide = CNN_F64;
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 2, 6, 3, .padding = 1, .dtype = wide), cnn_relu_new(ctx),
        cnn_maxpool2d_new(ctx, 2),
        cnn_conv2d_new(ctx, 6, 6, 3, .kernel_w = 2, .padding_mode = CNN_PADDING_SAME, .groups = 3, .no_bias = true, .dtype = wide),
        cnn_relu_new(ctx), cnn_conv2d_new(ctx, 6, 4, 3, .stride = 2, .padding_h = 1, .padding_w = 2, .dilation_w = 2, .dtype = wide),
        cnn_maxpool2d_new(ctx, 2, .stride = 1), cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0),
        cnn_linear_new(ctx, 24, 7, .dtype = wide), cnn_relu_new(ctx), cnn_linear_new(ctx, 7, 5, .no_bias = true, .dtype = wide));
}

START_TEST(a_whole_net_agrees_with_pytorch)
{
    cnn_module *net = small_net();
    cnn_tensor *x = fixture(ctx, "nn.safetensors", "net", "in"), *target = fixture(ctx, "nn.safetensors", "net", "target");
    char name[100], part[120];
    for (int i = 0; i < cnn_module_state_count(net); i++) {
        cnn_tensor *t = cnn_module_state(net, i, name, sizeof name), *value = fixture(ctx, "nn.safetensors", "net", name);
        ck_assert_msg(value != NULL, "PyTorch's net has no %s", name);
        ck_assert_int_eq(cnn_tensor_copy_from(t, value), CNN_OK);
        cnn_tensor_free(value);
    }
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *y = cnn_forward(net, cnn_input(tape, x)), *loss = cnn_cross_entropy(y, target);
    ck_assert_msg(cnn_backward(loss) == CNN_OK, "%s", cnn_tape_error(tape));
    cnn_tensor *out = fixture(ctx, "nn.safetensors", "net", "out"), *expected = fixture(ctx, "nn.safetensors", "net", "loss");
    tensors_agree("net", "result", y, out, 1e-12);
    tensors_agree("net", "loss", loss, expected, 1e-12);
    for (int i = -1; i < cnn_module_state_count(net); i++) {
        cnn_tensor *t = i < 0 ? x : cnn_module_state(net, i, name, sizeof name);
        snprintf(part, sizeof part, "grad_%s", i < 0 ? "in" : name);
        cnn_tensor *grad = fixture(ctx, "nn.safetensors", "net", part);
        tensors_agree("net", part, cnn_tensor_grad(t), grad, 1e-12);
        cnn_tensor_free(grad);
    }
    cnn_tensor *all[] = { x, target, out, expected };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
    cnn_module_free(net);
}
END_TEST

/* ---- chains that run as one operation ---- */

typedef struct chain {
    int64_t in, out, size, kernel;
    cnn_conv2d_options conv;
    cnn_maxpool2d_options pool;
} chain;

#define CHAIN(in, out, size, kernel_, pool_, ...)                                                                    \
    { in, out, size, kernel_, { .struct_size = sizeof(cnn_conv2d_options), .kernel = kernel_, __VA_ARGS__ },         \
      { .struct_size = sizeof(cnn_maxpool2d_options), .kernel = pool_ } }

static const chain chains[] = {
    CHAIN(1, 32, 28, 5, 2, .padding = 2),  CHAIN(32, 64, 14, 5, 2, .padding = 2), CHAIN(3, 5, 9, 3, 2, .padding = 1),
    CHAIN(2, 3, 8, 3, 2, .no_bias = true), CHAIN(4, 6, 11, 3, 2, .stride = 2),    CHAIN(4, 8, 12, 3, 3, .padding = 1),
    CHAIN(4, 8, 10, 3, 2, .groups = 2),    CHAIN(2, 3, 10, 3, 2, .dilation = 2),  CHAIN(2, 4, 7, 1, 2, .padding_left = 1),
};

static cnn_tensor *separate(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < cnn_module_child_count(self); i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    return x;
}

static void add_chain(cnn_module *m, const chain *c)
{
    cnn_module_add(m, "0", cnn_conv2d_create(ctx, c->in, c->out, &c->conv));
    cnn_module_add(m, "1", cnn_relu_new(ctx));
    cnn_module_add(m, "2", cnn_maxpool2d_create(ctx, &c->pool));
}

/* A parameter's gradients of the two modules, or the inputs' (name NULL). */
static void grads_agree(const char *what, cnn_tensor *a, cnn_tensor *b)
{
    tensors_agree("chain", what, cnn_tensor_grad(a), cnn_tensor_grad(b), 2e-5);
}

START_TEST(a_chain_agrees_with_its_modules_to_rounding)
{
    const chain *c = &chains[_i];
    cnn_module *parts[] = { cnn_conv2d_create(ctx, c->in, c->out, &c->conv), cnn_relu_new(ctx), cnn_maxpool2d_create(ctx, &c->pool) };
    cnn_module *fused = cnn_sequential_create(ctx, parts, 3), *plain = cnn_module_new(ctx, separate);
    add_chain(plain, c);
    ck_assert_int_eq(cnn_module_copy_from(plain, fused), CNN_OK);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, c->in, c->size, c->size)), *z = cnn_tensor_detach(x);
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor_set_requires_grad(z, true);
    cnn_tensor *a = cnn_forward(fused, cnn_input(tape, x)), *b = cnn_forward(plain, cnn_input(tape, z));
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    tensors_agree("chain", "result", a, b, 2e-6);
    cnn_tensor *seed = cnn_tensor_randn(ctx, CNN_F32, cnn_tensor_ndim(a), cnn_tensor_shape(a));
    ck_assert_int_eq(cnn_backward_with(a, seed, false), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(b, seed, false), CNN_OK);
    grads_agree("input", x, z);
    for (int i = 0; i < cnn_module_parameter_count(fused); i++) {
        grads_agree(i ? "bias" : "weight", cnn_module_parameter(fused, i), cnn_module_parameter(plain, i));
    }
    /* and in evaluation */
    cnn_tape_begin(tape, CNN_EVAL);
    tensors_agree("chain", "evaluation", cnn_forward(fused, cnn_input(tape, x)), cnn_forward(plain, cnn_input(tape, z)), 2e-6);
    cnn_tensor_free(x);
    cnn_tensor_free(z);
    cnn_tensor_free(seed);
    cnn_module_free(fused);
    cnn_module_free(plain);
}
END_TEST

/* ---- many tapes ---- */

enum { THREADS = 4, ROUNDS = 20 };

typedef struct server {
    cnn_module *model;
    cnn_tensor *x;
    float out[10];
    bool ok;
} server;

static void *serve(void *arg)
{
    server *s = arg;
    cnn_tape *own = cnn_tape_new(cnn_module_context(s->model));
    s->ok = own != NULL;
    for (int i = 0; i < ROUNDS && s->ok; i++) {
        cnn_tape_begin(own, CNN_EVAL);
        float out[10];
        s->ok = cnn_tensor_read(cnn_forward(s->model, cnn_input(own, s->x)), out, sizeof out) == CNN_OK &&
                (i == 0 || memcmp(out, s->out, sizeof out) == 0);
        memcpy(s->out, out, sizeof out);
    }
    cnn_tape_free(own);
    return NULL;
}

START_TEST(one_model_serves_many_threads)
{
    cnn_context *many = cnn_context_new(.seed = 2, .threads = 2);
    cnn_module *model = cnn_sequential_new(many, cnn_conv2d_new(many, 1, 8, 3, .padding = 1), cnn_relu_new(many),
        cnn_maxpool2d_new(many, 2), cnn_flatten_new(many), cnn_dropout_new(many, 0.5), cnn_linear_new(many, 8 * 49, 10));
    server servers[THREADS];
    pthread_t threads[THREADS];
    cnn_tensor *x = cnn_tensor_randn(many, CNN_F32, CNN_SHAPE(1, 1, 14, 14));
    for (int i = 0; i < THREADS; i++) {
        servers[i] = (server){ .model = model, .x = x };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, serve, &servers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(servers[i].ok);
        ck_assert_int_eq(memcmp(servers[i].out, servers[0].out, sizeof servers[0].out), 0);
    }
    cnn_tensor_free(x);
    cnn_module_free(model);
    cnn_context_free(many);
}
END_TEST

START_TEST(parameters_outlive_their_module_where_they_are_used)
{
    cnn_module *m = cnn_linear_new(ctx, 3, 2);
    cnn_optimizer *sgd = cnn_sgd_new(m, .lr = 0.1);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 3));
    cnn_tensor *loss = cnn_sum(cnn_forward(m, cnn_input(tape, x)), CNN_ALL_DIMS, false);
    cnn_module_free(m);
    ck_assert_int_eq(cnn_backward(loss), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    cnn_optimizer_free(sgd);
    cnn_tensor_free(x);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nn");
    TCase *layers = suite_case(suite, "layers", setup, teardown);
    tcase_add_loop_test(layers, text_equals_pytorchs_repr, 0, MODULE_COUNT);
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
    TCase *forward = suite_case(suite, "forward", setup, teardown);
    tcase_add_test(forward, modules_of_the_users_own_run_and_train);
    tcase_add_test(forward, what_a_forward_may_not_return_is_an_error);
    tcase_add_test(forward, a_whole_net_agrees_with_pytorch);
    tcase_add_loop_test(forward, a_chain_agrees_with_its_modules_to_rounding, 0, (int)(sizeof chains / sizeof *chains));
    tcase_add_test(forward, one_model_serves_many_threads);
    tcase_add_test(forward, parameters_outlive_their_module_where_they_are_used);
    return suite_run(suite);
}
