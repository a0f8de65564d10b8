/* Matrix products. Integers are multiplied as real numbers of 53 bits, in which their products' sums are exact. */
#include "ops.h"

#include <string.h>

static cnn_tensor *real(cnn_tensor *x, int type)
{
    return cnn__onnx_is_integer(type) ? cnn_cast(x, CNN_F64) : x;
}

/* alpha · A · B + beta · C */
bool cnn__onnx_op_gemm(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    double alpha = cnn__onnx_float(run, "alpha", 1), beta = cnn__onnx_float(run, "beta", 1);
    cnn_tensor *a = real(cnn__onnx_in(run, 0), type), *b = real(cnn__onnx_in(run, 1), type);
    cnn_tensor *c = cnn__onnx_has(run, 2) ? real(cnn__onnx_in(run, 2), type) : NULL;
    if (cnn_tensor_ndim(a) != 2 || cnn_tensor_ndim(b) != 2) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "matrices of rank %d and %d, expected 2", cnn_tensor_ndim(a),
                                   cnn_tensor_ndim(b));
    }
    bool transposed = cnn__onnx_int(run, "transB", 0) != 0, plain = alpha > 0.999999999 && alpha < 1.000000001;
    bool row = c && cnn_tensor_ndim(c) == 1 && cnn_tensor_size(c, 0) == cnn_tensor_size(b, transposed ? 0 : 1);
    a = cnn__onnx_int(run, "transA", 0) ? cnn_transpose(a, 0, 1) : a;
    a = plain ? a : cnn_mul_scalar(a, alpha);
    c = c && (beta < 0.999999999 || beta > 1.000000001) ? cnn_mul_scalar(c, beta) : c;
    cnn_tensor *y = transposed ? cnn_linear(a, b, row ? c : NULL) : cnn_matmul(a, b);
    y = c && !(transposed && row) ? cnn_add(y, c) : y;
    cnn_dtype dtype;
    cnn__onnx_dtype(type, &dtype);
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, cnn__onnx_to(y, dtype), type), type);
}

bool cnn__onnx_op_matmul(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 0);
    cnn_tensor *y = cnn_matmul(real(cnn__onnx_in(run, 0), type), real(cnn__onnx_in(run, 1), type));
    cnn_dtype dtype;
    cnn__onnx_dtype(type, &dtype);
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, cnn__onnx_to(y, dtype), type), type);
}

/* Less the zero points, of which there is one, one per row of A, or one per column of B. */
static cnn_tensor *centred(cnn__onnx_run *run, int i, int zero_at, bool rows)
{
    cnn_tensor *x = cnn_cast(cnn__onnx_in(run, i), CNN_F64),
               *zero = cnn__onnx_has(run, zero_at) ? cnn__onnx_in(run, zero_at) : NULL;
    if (zero && rows && cnn_tensor_ndim(zero) == 1 && cnn_tensor_numel(zero) > 1) {
        zero = cnn_unsqueeze(zero, -1);
    }
    return zero ? cnn_sub(x, cnn_cast(zero, CNN_F64)) : x;
}

bool cnn__onnx_op_matmul_integer(cnn__onnx_run *run)
{
    cnn_tensor *y = cnn_matmul(centred(run, 0, 2, true), centred(run, 1, 3, false));
    return cnn__onnx_out(run, 0, cnn_cast(y, CNN_I32), CNN__ONNX_INT32);
}

/* The inputs are a, a_scale, a_zero, b, b_scale, b_zero, y_scale and y_zero. */
bool cnn__onnx_op_qlinear_matmul(cnn__onnx_run *run)
{
    int type = cnn__onnx_type(run, 7);
    cnn_tensor *y = cnn_matmul(centred(run, 0, 2, true), centred(run, 3, 5, false)), *scale = cnn__onnx_in(run, 1);
    scale = cnn_tensor_ndim(scale) == 1 && cnn_tensor_numel(scale) > 1 ? cnn_unsqueeze(scale, -1) : scale;
    y = cnn_mul(cnn_cast(y, CNN_F32),
                cnn_mul(cnn__onnx_to(scale, CNN_F32), cnn__onnx_to(cnn__onnx_in(run, 4), CNN_F32)));
    return cnn__onnx_out(run, 0, cnn__onnx_quantized(run, y, cnn__onnx_in(run, 6), cnn__onnx_in(run, 7), type), type);
}

/* ---- Einsum ---- */

enum { LONGEST = 200 };

/* The term of an equation that ends at a comma, an arrow or the end. */
static const char *term(const char *from, char *to)
{
    size_t length = strcspn(from, ",-");
    memcpy(to, from, length);
    to[length] = '\0';
    return from + length;
}

static bool is_in(const char *labels, char c)
{
    return c && strchr(labels, c) != NULL;
}

/* The labels of the next product: those of both terms that the rest of the equation still has. */
static void joined(const char *a, const char *b, const char *rest, char *to)
{
    size_t n = 0;
    const char *both[2] = { a, b };
    for (int k = 0; k < 2; k++) {
        for (const char *c = both[k]; *c; c++) {
            if (is_in(rest, *c) && !memchr(to, *c, n)) {
                to[n++] = *c;
            }
        }
    }
    to[n] = '\0';
}

bool cnn__onnx_op_einsum(cnn__onnx_run *run)
{
    char equation[LONGEST], first[LONGEST], second[LONGEST], to[LONGEST], step[4 * LONGEST];
    int type = cnn__onnx_type(run, 0), count = run->step->in_count;
    cnn__onnx_text text = cnn__onnx_string(run, "equation", "");
    size_t n = 0;
    int terms = 1;
    for (size_t i = 0; i < text.size && n < LONGEST; i++) {
        terms += text.at[i] == ',';
        if (text.at[i] != ' ') {
            equation[n++] = text.at[i];
        }
    }
    if (n == LONGEST || terms != count) {
        return cnn__onnx_step_fail(
            run, CNN_ERROR_FORMAT,
            "an equation of %d terms for %d operands, expected one for each in less than %d letters", terms, count,
            LONGEST);
    }
    equation[n] = '\0';
    cnn_dtype dtype;
    cnn__onnx_dtype(type, &dtype);
    cnn_tensor *y = real(cnn__onnx_in(run, 0), type);
    if (count <= 2) {
        y = cnn_einsum(equation, y, count == 2 ? real(cnn__onnx_in(run, 1), type) : NULL);
        return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, cnn__onnx_to(y, dtype), type), type);
    }
    const char *rest = term(equation, first);
    if (!strchr(equation, '>') || strchr(equation, '.')) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "\"%s\" of %d operands", equation, count);
    }
    for (int i = 1; i < count && *rest == ','; i++) {
        rest = term(rest + 1, second);
        if (i + 1 < count) {
            joined(first, second, rest, to);
        } else {
            const char *end = strchr(equation, '>') + 1;
            memcpy(to, end, strlen(end) + 1);
        }
        step[0] = '\0';
        strcat(strcat(strcat(strcat(strcat(step, first), ","), second), "->"), to);
        y = cnn_einsum(step, y, real(cnn__onnx_in(run, i), type));
        memcpy(first, to, strlen(to) + 1);
    }
    return cnn__onnx_out(run, 0, cnn__onnx_wrap(run, cnn__onnx_to(y, dtype), type), type);
}

/* ---- determinants ---- */

enum { LARGEST_DET = 8 };

/* The determinants of matrices [n,size,size], along their first rows: the sum of a row's elements times the
 * determinants of what is left, each of which is made once, of the last rows and a set of columns. */
static cnn_tensor *determinant(cnn_tensor *x, int size)
{
    cnn_tensor *minors[1 << LARGEST_DET] = { NULL }, *elements[LARGEST_DET][LARGEST_DET];
    const int64_t all = -1;
    for (int i = 0; i < size; i++) {
        for (int j = 0; j < size; j++) {
            elements[i][j] = cnn_reshape(cnn_slice(cnn_slice(x, 1, i, i + 1, 1), 2, j, j + 1, 1), 1, &all);
        }
    }
    for (int columns = 1; columns < 1 << size; columns++) {
        int row = size - __builtin_popcount((unsigned)columns), place = 0;
        for (int j = 0; j < size; j++) {
            if (columns >> j & 1) {
                cnn_tensor *minor = minors[columns & ~(1 << j)], *sum = minors[columns],
                           *part = minor ? cnn_mul(elements[row][j], minor) : elements[row][j];
                minors[columns] = !sum ? part : place % 2 ? cnn_sub(sum, part) : cnn_add(sum, part);
                place++;
            }
        }
    }
    return minors[(1 << size) - 1];
}

bool cnn__onnx_op_det(cnn__onnx_run *run)
{
    int64_t shape[CNN_MAX_DIMS], batch = 1;
    cnn_tensor *x = cnn__onnx_in(run, 0);
    int rank = x ? cnn__onnx_shape_of(x, shape) : 0;
    if (rank < 2 || shape[rank - 1] != shape[rank - 2] || shape[rank - 1] > LARGEST_DET || shape[rank - 1] < 1) {
        return cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "no square matrices of at most %d rows", LARGEST_DET);
    }
    for (int d = 0; d < rank - 2; d++) {
        batch *= shape[d];
    }
    int64_t n = shape[rank - 1];
    cnn_tensor *y = determinant(cnn_reshape(x, 3, (int64_t[]){ batch, n, n }), (int)n);
    return cnn__onnx_out(run, 0, cnn_reshape(y, rank - 2, shape), cnn__onnx_type(run, 0));
}
