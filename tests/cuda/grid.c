/* Operations on a device beside the CPU: forward and gradients, by operation, shape and dtype. Prints a line for each
 * that is further from the CPU than its dtype allows, and a last line that counts.
 *
 *     grid [DEVICE]          "cuda" without one
 *
 * The measure is the error's energy by the result's, Σ (a − b)² / Σ b²: 1e-9 of float32, 1e-24 of float64, and 1e-5 of bfloat16,
 * where results that are rounded the other way differ by 2^-8. Of some results docs/cuda-kernels.md has a bound for each element, which
 * is proved as well; a draw of the same key has the same bits. */
#include <cnn/cnn.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef cnn_tensor *expression(cnn_tensor *a, cnn_tensor *b);

static cnn_tensor *positive(cnn_tensor *x)
{
    return cnn_exp(x);
}

static cnn_tensor *as(cnn_tensor *x, cnn_tensor *like)
{
    return cnn_cast(x, cnn_tensor_dtype(like));
}

/* Indices that are a permutation of those along the last dimension, and half of them, so that each comes twice. */
static cnn_tensor *order_of(cnn_tensor *x)
{
    return cnn_argsort(cnn_detach(x), -1, false);
}

static cnn_tensor *halved(cnn_tensor *index)
{
    return cnn_cast(cnn_mul_scalar(cnn_cast(index, CNN_F32), 0.5), CNN_I64);
}

static cnn_tensor *part(cnn_tensor *x, int64_t i)
{
    return cnn_squeeze(cnn_slice(x, 0, i, i + 1, 1), 0);
}

static cnn_tensor *columns(cnn_tensor *x, int64_t from, int64_t to)
{
    return cnn_contiguous(cnn_slice(x, 1, from, to, 1));
}

/* Classes from 1 on, each twice, and the same length for each row of x. */
static cnn_tensor *classes_of(cnn_tensor *x)
{
    return cnn_cast(cnn_add_scalar(cnn_cast(halved(order_of(x)), CNN_F32), 1), CNN_I64);
}

static cnn_tensor *lengths(cnn_tensor *x, int length)
{
    cnn_tensor *rows = cnn_cast(cnn_squeeze(cnn_slice(cnn_detach(x), 1, 0, 1, 1), 1), CNN_F32);
    return cnn_cast(cnn_add_scalar(cnn_mul_scalar(rows, 0), length), CNN_I64);
}

/* Draws of the step: uniform, Bernoulli, normal. */
static cnn_tensor *drawn(cnn_tensor *x, char kind)
{
    cnn_tape *tape = cnn_tensor_tape(x);
    const cnn_dtype dtype = cnn_tensor_dtype(x) == CNN_F64 ? CNN_F64 : CNN_F32;
    const int ndim = cnn_tensor_ndim(x);
    const int64_t *shape = cnn_tensor_shape(x);
    return as(kind == 'u' ? cnn_tape_rand(tape, dtype, ndim, shape) : kind == 'n' ? cnn_tape_randn(tape, dtype, ndim, shape)
                                                                    : cnn_tape_bernoulli(tape, dtype, 0.4, ndim, shape), x);
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
    X(batch_norm, cnn_batch_norm(a, NULL, NULL, NULL, NULL, NULL), CNN_SHAPE(6, 5, 9, 7), CNN_SHAPE(1)) \
    X(batch_norm_affine, cnn_batch_norm(a, part(b, 0), part(b, 1), NULL, NULL, NULL), CNN_SHAPE(6, 5, 9, 7), CNN_SHAPE(2, 5)) \
    X(layer_norm, cnn_layer_norm(a, CNN_SHAPE(40), part(b, 0), part(b, 1), NULL), CNN_SHAPE(17, 40), CNN_SHAPE(2, 40)) \
    X(rms_norm, cnn_rms_norm(a, CNN_SHAPE(300), b, NULL), CNN_SHAPE(5, 300), CNN_SHAPE(300)) \
    X(instance_norm, cnn_instance_norm(a, NULL, NULL, NULL, NULL, NULL), CNN_SHAPE(3, 4, 8, 9), CNN_SHAPE(1)) \
    X(local_response_norm, cnn_local_response_norm(a, 5, NULL), CNN_SHAPE(2, 9, 5, 5), CNN_SHAPE(1)) \
    X(dropout, cnn_dropout(a, 0.3), CNN_SHAPE(1001), CNN_SHAPE(1)) \
    X(dropout2d, cnn_dropout2d(a, 0.5), CNN_SHAPE(7, 9, 5, 5), CNN_SHAPE(1)) \
    X(uniform, cnn_add(cnn_mul_scalar(a, 0), drawn(a, 'u')), CNN_SHAPE(3001), CNN_SHAPE(1)) \
    X(bernoulli, cnn_add(cnn_mul_scalar(a, 0), drawn(a, 'b')), CNN_SHAPE(3001), CNN_SHAPE(1)) \
    X(normal, cnn_add(cnn_mul_scalar(a, 0), drawn(a, 'n')), CNN_SHAPE(3001), CNN_SHAPE(1)) \
    X(cross_entropy, cnn_cross_entropy(a, cnn_argmax(b, CNN_DIMS(1), false)), CNN_SHAPE(50, 30), CNN_SHAPE(50, 30)) \
    X(nll, cnn_nll_loss(cnn_log_softmax(a, 1), cnn_argmax(b, CNN_DIMS(1), false), NULL), CNN_SHAPE(50, 30), CNN_SHAPE(50, 30)) \
    X(bce_logits, cnn_binary_cross_entropy_with_logits(a, cnn_sigmoid(cnn_detach(b)), NULL), CNN_SHAPE(60, 7), CNN_SHAPE(60, 7)) \
    X(huber, cnn_huber_loss(a, b, NULL), CNN_SHAPE(60, 7), CNN_SHAPE(60, 7)) \
    X(l1, cnn_l1_loss(a, b, NULL), CNN_SHAPE(60, 7), CNN_SHAPE(60, 7)) \
    X(kl_div, cnn_kl_div(cnn_log_softmax(a, 1), cnn_softmax(cnn_detach(b), 1), NULL), CNN_SHAPE(20, 9), CNN_SHAPE(20, 9)) \
    X(gather, cnn_gather(a, 1, order_of(b)), CNN_SHAPE(20, 33), CNN_SHAPE(20, 33)) \
    X(index_select, cnn_index_select(a, 1, order_of(b)), CNN_SHAPE(20, 33, 3), CNN_SHAPE(33)) \
    X(scatter_add, cnn_scatter_add(a, 1, halved(order_of(b)), b), CNN_SHAPE(20, 33), CNN_SHAPE(20, 33)) \
    X(embedding, cnn_embedding(a, halved(order_of(b)), NULL), CNN_SHAPE(33, 11), CNN_SHAPE(4, 33)) \
    X(masked_fill, cnn_masked_fill(a, cnn_gt(cnn_detach(b), cnn_detach(a)), 0.5), CNN_SHAPE(40, 30), CNN_SHAPE(40, 30)) \
    X(where, cnn_where(cnn_lt(cnn_detach(a), cnn_detach(b)), a, b), CNN_SHAPE(40, 30), CNN_SHAPE(30)) \
    X(argmax, cnn_add(cnn_mul_scalar(a, 0), as(cnn_argmax(cnn_detach(a), CNN_DIMS(1), true), a)), CNN_SHAPE(40, 130), CNN_SHAPE(1)) \
    X(compare, cnn_mul(a, as(cnn_ge(cnn_detach(a), cnn_detach(b)), a)), CNN_SHAPE(40, 30), CNN_SHAPE(30)) \
    X(sort, cnn_sort(a, 1, true, NULL), CNN_SHAPE(7, 300), CNN_SHAPE(1)) \
    X(topk, cnn_topk(a, 5, 1, true, NULL), CNN_SHAPE(30, 50), CNN_SHAPE(1)) \
    X(clamp, cnn_clamp(a, -0.5, 0.7), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(nan_to_num, cnn_nan_to_num(cnn_div(a, cnn_relu(b)), NULL), CNN_SHAPE(1000), CNN_SHAPE(1000)) \
    X(flip, cnn_flip(a, CNN_DIMS(0, 1)), CNN_SHAPE(30, 40), CNN_SHAPE(1)) \
    X(prod, cnn_prod(a, CNN_DIMS(1), false), CNN_SHAPE(50, 7), CNN_SHAPE(1)) \
    X(cumprod, cnn_cumprod(a, 1), CNN_SHAPE(9, 12), CNN_SHAPE(1)) \
    X(var, cnn_var(a, 1, CNN_DIMS(0, 2), false), CNN_SHAPE(7, 50, 11), CNN_SHAPE(1)) \
    X(norm, cnn_norm(a, 2, CNN_DIMS(1), false), CNN_SHAPE(40, 300), CNN_SHAPE(1)) \
    X(logsumexp, cnn_logsumexp(a, CNN_DIMS(1), false), CNN_SHAPE(40, 300), CNN_SHAPE(1)) \
    X(mish, cnn_mish(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(silu, cnn_silu(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(softplus, cnn_softplus(a, 1, 20), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(erf, cnn_erf(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(erfc, cnn_erfc(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(sin, cnn_sin(a), CNN_SHAPE(1000), CNN_SHAPE(1)) \
    X(lstm, cnn_lstm(a, NULL, NULL, columns(b, 0, 6), columns(b, 6, 13), NULL, NULL, NULL, NULL, NULL, NULL), CNN_SHAPE(9, 4, 6), CNN_SHAPE(28, 13)) \
    X(gru, cnn_gru(a, NULL, columns(b, 0, 6), columns(b, 6, 13), NULL, NULL, NULL, NULL, NULL), CNN_SHAPE(9, 4, 6), CNN_SHAPE(21, 13)) \
    X(ctc, cnn_ctc_loss(cnn_log_softmax(a, 2), classes_of(b), lengths(b, 12), lengths(b, 6), NULL), CNN_SHAPE(12, 4, 8), CNN_SHAPE(4, 6)) \
    X(conv_bias, cnn_conv2d(a, b, cnn_sum(b, CNN_DIMS(1, 2, 3), false), CNN_OPTIONS(cnn_conv2d_options, .padding = 1)), CNN_SHAPE(2, 4, 8, 7), CNN_SHAPE(6, 4, 3, 3)) \
    X(conv3d, cnn_conv3d(a, b, NULL, NULL), CNN_SHAPE(2, 3, 5, 8, 8), CNN_SHAPE(4, 3, 2, 3, 3)) \
    X(conv3d_bias, cnn_conv3d(a, b, cnn_sum(b, CNN_DIMS(1, 2, 3, 4), false), CNN_OPTIONS(cnn_conv3d_options, .stride = 2, .padding = 1, .dilation_d = 2, .groups = 2)), CNN_SHAPE(2, 4, 5, 8, 7), CNN_SHAPE(6, 2, 2, 3, 3)) \
    X(conv_transpose3d, cnn_conv_transpose3d(a, b, cnn_sum(b, CNN_DIMS(0, 2, 3, 4), false), CNN_OPTIONS(cnn_conv_transpose3d_options, .stride = 2, .padding = 1, .output_padding = 1)), CNN_SHAPE(2, 4, 3, 4, 5), CNN_SHAPE(4, 3, 2, 3, 3)) \
    X(nearest, cnn_interpolate(a, CNN_OPTIONS(cnn_interpolate_options, .size_h = 13, .size_w = 9)), CNN_SHAPE(2, 3, 8, 7), CNN_SHAPE(1)) \
    X(bilinear, cnn_interpolate(a, CNN_OPTIONS(cnn_interpolate_options, .size_h = 13, .size_w = 9, .mode = CNN_INTERPOLATE_BILINEAR)), CNN_SHAPE(2, 3, 8, 7), CNN_SHAPE(1)) \
    X(bicubic, cnn_interpolate(a, CNN_OPTIONS(cnn_interpolate_options, .size_h = 13, .size_w = 9, .mode = CNN_INTERPOLATE_BICUBIC)), CNN_SHAPE(2, 3, 8, 7), CNN_SHAPE(1)) \
    X(pad_reflect, cnn_pad(a, CNN_SHAPE(2, 3, 1, 2), CNN_OPTIONS(cnn_pad_options, .mode = CNN_PAD_REFLECT)), CNN_SHAPE(2, 3, 8, 7), CNN_SHAPE(1)) \
    X(unfold, cnn_unfold(a, CNN_OPTIONS(cnn_unfold_options, .kernel = 3)), CNN_SHAPE(2, 3, 8, 7), CNN_SHAPE(1)) \
    X(adaptive_avg_pool, cnn_adaptive_avg_pool2d(a, 3, 4), CNN_SHAPE(3, 4, 11, 9), CNN_SHAPE(1)) \
    X(adaptive_maxpool, cnn_adaptive_maxpool2d(a, 3, 4, NULL), CNN_SHAPE(3, 4, 11, 9), CNN_SHAPE(1)) \
    X(maxpool_overlap, cnn_maxpool2d(a, CNN_OPTIONS(cnn_maxpool2d_options, .kernel = 3, .stride = 2, .padding = 1)), CNN_SHAPE(4, 5, 13, 12), CNN_SHAPE(1)) \
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
               { "dropout", 0, 0 }, { "dropout2d", 0, 0 }, { "uniform", 0, 0 }, { "bernoulli", 0, 0 }, { "gather", 0, 0 },
               { "index_select", 0, 0 }, { "embedding", 0, 0 }, { "masked_fill", 0, 0 }, { "where", 0, 0 }, { "argmax", 0, 0 },
               { "compare", 0, 0 }, { "sort", 0, 0 }, { "topk", 0, 0 }, { "clamp", 0, 0 }, { "flip", 0, 0 }, { "nearest", 0, 0 },
               { "pad_reflect", 0, 0 }, { "unfold", 0, 0 }, { "maxpool_overlap", 0, 0 }, { "adaptive_maxpool", 0, 0 },
               { "pow", 7, 5 } };

/* How many elements are further from what is expected than the bound. */
static size_t beyond_bound(const char *name, cnn_dtype dtype, const numbers *got, const numbers *expected)
{
    size_t beyond = 0;
    for (size_t k = 0; k < sizeof bounds / sizeof *bounds; k++) {
        for (size_t i = 0; strcmp(name, bounds[k].name) == 0 && i < expected->results; i++) {
            const double right = expected->at[i], off = fabs(got->at[i] - right);
            const double unit = right == 0 ? 0 : ldexp(1, ilogb(right) - (dtype == CNN_F32 ? 23 : dtype == CNN_F64 ? 52 : 7));
            beyond += !(off <= (dtype == CNN_F32 ? bounds[k].f32 : dtype == CNN_F64 ? bounds[k].f64 : bounds[k].f32 > 0) * unit);
        }
    }
    return beyond;
}

/* The element at `i` of those that were read. */
static double element(const void *read, cnn_dtype dtype, size_t i)
{
    if (dtype == CNN_F64) {
        return ((const double *)read)[i];
    }
    const uint32_t bits = dtype == CNN_BF16 ? (uint32_t)((const uint16_t *)read)[i] << 16 : ((const uint32_t *)read)[i];
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool append(numbers *n, const cnn_tensor *t)
{
    const size_t count = t ? (size_t)cnn_tensor_numel(t) : 0;
    const cnn_dtype dtype = t ? cnn_tensor_dtype(t) : CNN_F32;
    void *read = malloc(count * sizeof(double) + 1);
    n->at = realloc(n->at, (n->count + count + 1) * sizeof *n->at);
    const bool done = t && cnn_tensor_read(t, read, count * cnn_dtype_size(dtype)) == CNN_OK;
    for (size_t i = 0; done && i < count; i++) {
        n->at[n->count++] = element(read, dtype, i);
    }
    free(read);
    return done;
}

static cnn_tensor *random_of(cnn_context *cpu, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    cnn_tensor *drawn = cnn_tensor_randn(cpu, dtype == CNN_F64 ? CNN_F64 : CNN_F32, ndim, shape);
    if (dtype != CNN_BF16 || !drawn) {
        return drawn;
    }
    cnn_tensor *narrow = cnn_tensor_zeros(cpu, dtype, ndim, shape);
    cnn_tensor_copy_from(narrow, drawn);
    cnn_tensor_free(drawn);
    return narrow;
}

static bool run(const char *device, expression *fn, cnn_dtype dtype, int a_ndim, const int64_t *a_shape, int b_ndim,
                const int64_t *b_shape, numbers *n)
{
    cnn_context *ctx = cnn_context_new(.device = device, .seed = 7);
    cnn_tape *tape = ctx ? cnn_tape_new(ctx) : NULL;
    cnn_context *cpu = cnn_context_new(.device = "cpu", .seed = 7);
    cnn_tensor *first = random_of(cpu, dtype, a_ndim, a_shape), *second = random_of(cpu, dtype, b_ndim, b_shape);
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
    double most = dtype == CNN_F32 ? 1e-9 : dtype == CNN_F64 ? 1e-24 : 1e-5, error = 0, energy = 0;
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
    compare(#name, device, case_##name, CNN_F64, shape_a, shape_b); \
    compare(#name, device, case_##name, CNN_BF16, shape_a, shape_b);
    CASES(COMPARE)
    printf("%d cases on %s, %d failed\n", cases, device, failures);
    return failures != 0;
}
