/* Operations on a device beside the CPU: forward and gradients, by operation, shape and dtype. Prints a line for each
 * that is further from the CPU than its dtype allows, and a last line that counts.
 *
 *     grid [DEVICE]          "cuda" without one
 *
 * The measure is the error's energy by the result's, Σ (a − b)² / Σ b²: 1e-9 of float32, 1e-24 of float64. Of some
 * results docs/cuda-kernels.md has a bound for each element, which is proved as well. */
#include <cnn/cnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef cnn_tensor *expression(cnn_tensor *a, cnn_tensor *b);

static cnn_tensor *positive(cnn_tensor *x)
{
    return cnn_exp(x);
}

/* X(name, result of a and b, shape of a, shape of b) */
#define CASES(X) \
    X(add, cnn_add(a, b), CNN_SHAPE(5, 1, 7), CNN_SHAPE(3, 7)) \
    X(mul, cnn_mul(a, b), CNN_SHAPE(300, 40), CNN_SHAPE(300, 40)) \
    X(div, cnn_div(a, positive(b)), CNN_SHAPE(300, 40), CNN_SHAPE(40)) \
    X(pow, cnn_pow(positive(a), b), CNN_SHAPE(50, 3), CNN_SHAPE(50, 3)) \
    X(exp, cnn_exp(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(log, cnn_log(positive(a)), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(sqrt, cnn_sqrt(positive(a)), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(tanh, cnn_tanh(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(sigmoid, cnn_sigmoid(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(gelu, cnn_gelu(a, NULL), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(relu, cnn_relu(a), CNN_SHAPE(31, 33), CNN_SHAPE(1)) \
    X(softmax, cnn_softmax(a, -1), CNN_SHAPE(33, 1000), CNN_SHAPE(1)) \
    X(log_softmax, cnn_log_softmax(a, -1), CNN_SHAPE(200, 10), CNN_SHAPE(1)) \
    X(mean, cnn_mean(a, CNN_DIMS(1), false), CNN_SHAPE(7, 500, 11), CNN_SHAPE(1)) \
    X(sum_all, cnn_sum(a, 0, NULL, false), CNN_SHAPE(100000), CNN_SHAPE(1)) \
    X(max, cnn_max(a, CNN_DIMS(-1), false), CNN_SHAPE(64, 129), CNN_SHAPE(1)) \
    X(cumsum, cnn_cumsum(a, 1), CNN_SHAPE(5, 300), CNN_SHAPE(1)) \
    X(transpose, cnn_mul(cnn_transpose(a, 0, 1), b), CNN_SHAPE(40, 30), CNN_SHAPE(30, 40)) \
    X(matmul, cnn_matmul(a, b), CNN_SHAPE(200, 3136), CNN_SHAPE(3136, 100)) \
    X(matmul_odd, cnn_matmul(a, b), CNN_SHAPE(17, 23), CNN_SHAPE(23, 5)) \
    X(matmul_transposed, cnn_matmul(cnn_transpose(a, 0, 1), cnn_transpose(b, 0, 1)), CNN_SHAPE(23, 17), CNN_SHAPE(5, 23)) \
    X(matmul_batch, cnn_matmul(a, b), CNN_SHAPE(3, 1, 8, 16), CNN_SHAPE(4, 16, 9)) \
    X(linear, cnn_linear(a, b, NULL), CNN_SHAPE(200, 1000), CNN_SHAPE(10, 1000)) \
    X(conv, cnn_conv2d(a, b, NULL, CNN_OPTIONS(cnn_conv2d_options, .padding = 2)), CNN_SHAPE(20, 32, 14, 14), CNN_SHAPE(64, 32, 5, 5)) \
    X(conv_first, cnn_conv2d(a, b, NULL, CNN_OPTIONS(cnn_conv2d_options, .padding = 2)), CNN_SHAPE(20, 1, 28, 28), CNN_SHAPE(32, 1, 5, 5)) \
    X(conv_stride, cnn_conv2d(a, b, NULL, CNN_OPTIONS(cnn_conv2d_options, .stride = 2, .padding = 1)), CNN_SHAPE(3, 8, 15, 17), CNN_SHAPE(16, 8, 3, 3)) \
    X(conv_dilated, cnn_conv2d(a, b, NULL, CNN_OPTIONS(cnn_conv2d_options, .dilation = 2)), CNN_SHAPE(3, 8, 15, 17), CNN_SHAPE(16, 8, 3, 3)) \
    X(conv_depthwise, cnn_conv2d(a, b, NULL, CNN_OPTIONS(cnn_conv2d_options, .padding = 1, .groups = 24)), CNN_SHAPE(4, 24, 16, 16), CNN_SHAPE(24, 1, 3, 3)) \
    X(conv_point, cnn_conv2d(a, b, NULL, NULL), CNN_SHAPE(4, 64, 9, 9), CNN_SHAPE(32, 64, 1, 1)) \
    X(conv_transposed, cnn_conv_transpose2d(a, b, NULL, NULL), CNN_SHAPE(2, 6, 7, 7), CNN_SHAPE(6, 5, 3, 3)) \
    X(conv1d, cnn_conv1d(a, b, NULL, NULL), CNN_SHAPE(3, 4, 50), CNN_SHAPE(6, 4, 5)) \
    X(maxpool, cnn_maxpool2d(a, CNN_OPTIONS(cnn_maxpool2d_options, .kernel = 2)), CNN_SHAPE(6, 5, 14, 14), CNN_SHAPE(1)) \
    X(avg_pool, cnn_avg_pool2d(a, CNN_OPTIONS(cnn_avg_pool2d_options, .kernel = 3)), CNN_SHAPE(6, 5, 15, 15), CNN_SHAPE(1)) \
    X(group_norm, cnn_group_norm(a, 4, NULL, NULL, NULL), CNN_SHAPE(3, 8, 5, 6), CNN_SHAPE(1)) \
    X(mse, cnn_mse_loss(a, b, NULL), CNN_SHAPE(100, 7), CNN_SHAPE(100, 7)) \
    X(attention, cnn_scaled_dot_product_attention(a, b, b, NULL, NULL, NULL), CNN_SHAPE(2, 3, 17, 16), CNN_SHAPE(2, 3, 21, 16))

#define FUNCTION(name, result, shape_a, shape_b) \
    static cnn_tensor *case_##name(cnn_tensor *a, cnn_tensor *b) \
    { \
        (void)b; \
        return result; \
    }
CASES(FUNCTION)

/* The result and both gradients, as doubles, one after the other. */
typedef struct numbers {
    double *at;
    size_t count;
    size_t results; /* how many of them are the result's */
} numbers;

/* The bounds of docs/cuda-kernels.md in units in the last place; 0: the CPU's bits. */
static const struct {
    const char *name;
    double f32, f64;
} bounds[] = { { "add", 0, 0 },  { "mul", 0, 0 },  { "div", 0, 0 },     { "sqrt", 0, 0 }, { "exp", 0, 0 },       { "log", 0, 0 },
               { "tanh", 0, 0 }, { "relu", 0, 0 }, { "sigmoid", 0, 0 }, { "max", 0, 0 },  { "transpose", 0, 0 }, { "maxpool", 0, 0 },
               { "pow", 7, 5 } };

/* How many elements are further from what is expected than the bound. */
static size_t beyond_bound(const char *name, cnn_dtype dtype, const numbers *got, const numbers *expected)
{
    size_t beyond = 0;
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        for (size_t i = 0; strcmp(name, bounds[k].name) == 0 && i < expected->results; i++) {
            const double right = expected->at[i], off = fabs(got->at[i] - right);
            const double unit = right == 0 ? 0 : ldexp(1, ilogb(right) - (dtype == CNN_F32 ? 23 : 52));
            beyond += !(off <= (dtype == CNN_F32 ? bounds[k].f32 : bounds[k].f64) * unit);
        }
    }
    return beyond;
}

static bool append(numbers *n, const cnn_tensor *t)
{
    size_t count = t ? (size_t)cnn_tensor_numel(t) : 0;
    bool f64 = t && cnn_tensor_dtype(t) == CNN_F64;
    n->at = realloc(n->at, (n->count + count + 1) * sizeof *n->at);
    double *to = n->at + n->count;
    if (!t || cnn_tensor_read(t, to, count * (f64 ? sizeof(double) : sizeof(float))) != CNN_OK) {
        return false;
    }
    for (size_t i = count; !f64 && i-- > 0;) {
        float narrow;
        memcpy(&narrow, (const char *)to + i * sizeof narrow, sizeof narrow);
        to[i] = narrow;
    }
    n->count += count;
    return true;
}

static bool run(const char *device, expression *fn, cnn_dtype dtype, int a_ndim, const int64_t *a_shape, int b_ndim,
                const int64_t *b_shape, numbers *n)
{
    cnn_context *ctx = cnn_context_new(.device = device, .seed = 7);
    cnn_tape *tape = ctx ? cnn_tape_new(ctx) : NULL;
    cnn_context *cpu = cnn_context_new(.device = "cpu", .seed = 7);
    cnn_tensor *first = cnn_tensor_randn(cpu, dtype, a_ndim, a_shape), *second = cnn_tensor_randn(cpu, dtype, b_ndim, b_shape);
    cnn_tensor *a = tape ? cnn_tensor_to(first, ctx) : NULL, *b = a ? cnn_tensor_to(second, ctx) : NULL;
    bool done = b != NULL;
    if (done) {
        cnn_tensor_set_requires_grad(a, true);
        cnn_tensor_set_requires_grad(b, true);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *x = cnn_input(tape, a), *z = cnn_input(tape, b);
        cnn_tensor *y = cnn_add(fn(x, z), cnn_mul_scalar(cnn_sum(z, 0, NULL, false), 0)); /* b has a gradient always */
        done = cnn_backward(cnn_sum(cnn_mul(y, y), 0, NULL, false)) == CNN_OK && append(n, y);
        n->results = n->count;
        done = done && append(n, cnn_tensor_grad(a)) && append(n, cnn_tensor_grad(b));
    }
    cnn_tensor_free(a);
    cnn_tensor_free(b);
    cnn_tensor_free(first);
    cnn_tensor_free(second);
    cnn_tape_free(tape);
    cnn_context_free(cpu);
    cnn_context_free(ctx);
    return done;
}

static int cases, failures;

static void compare(const char *name, const char *device, expression *fn, cnn_dtype dtype, int a_ndim, const int64_t *a_shape,
                    int b_ndim, const int64_t *b_shape)
{
    numbers expected = { 0 }, got = { 0 };
    double most = dtype == CNN_F32 ? 1e-9 : 1e-24, error = 0, energy = 0;
    cases++;
    if (!run("cpu", fn, dtype, a_ndim, a_shape, b_ndim, b_shape, &expected) ||
        !run(device, fn, dtype, a_ndim, a_shape, b_ndim, b_shape, &got)) {
        printf("FAILED %s %s: %s\n", name, cnn_dtype_name(dtype), cnn_last_error(NULL));
        failures++;
    } else {
        for (size_t i = 0; i < expected.count; i++) {
            error += (got.at[i] - expected.at[i]) * (got.at[i] - expected.at[i]);
            energy += expected.at[i] * expected.at[i];
        }
        const size_t beyond = beyond_bound(name, dtype, &got, &expected);
        if (beyond > 0) {
            printf("FAILED %s %s: %zu of %zu elements are beyond their bound\n", name, cnn_dtype_name(dtype), beyond, expected.results);
        }
        if (!(error <= most * energy)) {
            printf("FAILED %s %s: an error of %g, expected at most %g\n", name, cnn_dtype_name(dtype), error / energy, most);
        }
        failures += beyond > 0 || !(error <= most * energy);
    }
    free(expected.at);
    free(got.at);
}

int main(int argc, char **argv)
{
    const char *device = argc > 1 ? argv[1] : "cuda";
#define COMPARE(name, result, shape_a, shape_b) \
    compare(#name, device, case_##name, CNN_F32, shape_a, shape_b); \
    compare(#name, device, case_##name, CNN_F64, shape_a, shape_b);
    CASES(COMPARE)
    printf("%d cases on %s, %d failed\n", cases, device, failures);
    return failures != 0;
}
