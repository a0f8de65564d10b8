/* A table of all operations of src/ops/ops.def: each one's call as a function, and samples of its operands. */
#ifndef CNN_TESTS_SUPPORT_OPS_H
#define CNN_TESTS_SUPPORT_OPS_H

#include "base/random.h"
#include "support/elements.h"

#include <cnn/cnn.h>

#include <check.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum sample_values { ANY, POSITIVE, UNIT, FRACTION, DISTINCT } sample_values;

typedef struct op_entry {
    const char *name, *operands, *shapes;
    sample_values values;
    cnn_tensor *(*call)(cnn_tensor *const *in, int count, void *user);
} op_entry;

/* All three results of an LSTM in one. */
typedef cnn_tensor *(*lstm_fn)(cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *,
                               cnn_tensor *, const cnn_lstm_options *, cnn_tensor **, cnn_tensor **);
static inline cnn_tensor *call_with_states(lstm_fn lstm, cnn_tensor *const *in)
{
    cnn_tensor *h_n, *c_n, *y = lstm(in[0], in[1], in[2], in[3], in[4], in[5], in[6], NULL, NULL, &h_n, &c_n);
    return cnn_add(cnn_add(y, cnn_mul_scalar(h_n, 2)), cnn_mul_scalar(c_n, -3));
}

/* The same of a network without cells. */
typedef cnn_tensor *(*rnn_fn)(cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *,
                              const cnn_rnn_options *, cnn_tensor **);
static inline cnn_tensor *call_with_state(rnn_fn rnn, cnn_tensor *const *in)
{
    cnn_tensor *h_n, *y = rnn(in[0], in[1], in[2], in[3], in[4], in[5], NULL, NULL, &h_n);
    return cnn_add(y, cnn_mul_scalar(h_n, 2));
}

/* Both results of attention in one. */
typedef cnn_tensor *(*attention_fn)(cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *,
                                    const cnn_scaled_dot_product_attention_options *, cnn_tensor **);
static inline cnn_tensor *call_with_weights(attention_fn attention, cnn_tensor *const *in)
{
    cnn_tensor *weights, *y = attention(in[0], in[1], in[2], in[3], NULL, &weights);
    cnn_tensor *total = cnn_sum(cnn_mul(weights, weights), CNN_DIMS(-1), true);
    return cnn_add(y, total);
}

static inline bool is_real(cnn_dtype dtype)
{
    return dtype == CNN_F32 || dtype == CNN_F64 || dtype == CNN_BF16;
}

/* The loss of logits: its gradient is right for logarithms of probabilities that a log-softmax makes. */
typedef cnn_tensor *(*ctc_fn)(cnn_tensor *, cnn_tensor *, cnn_tensor *, cnn_tensor *, const cnn_ctc_loss_options *);
static inline cnn_tensor *call_on_logits(ctc_fn ctc_loss, cnn_tensor *const *in)
{
    cnn_tensor *x = is_real(cnn_tensor_dtype(in[0])) ? cnn_log_softmax(in[0], -1) : in[0];
    return ctc_loss(x, in[1], in[2], in[3], CNN_OPTIONS(cnn_ctc_loss_options, .blank = 4, .zero_infinity = true));
}

/* Parts of x in one, the last one first, so that it is not x again; x has none where it is empty and unbound. */
static inline cnn_tensor *join_parts(cnn_tensor *x, cnn_tensor **parts, int count, int dim)
{
    for (int i = 0; i < count / 2; i++) {
        cnn_tensor *part = parts[i];
        parts[i] = parts[count - 1 - i];
        parts[count - 1 - i] = part;
    }
    return count ? cnn_concat(parts, count, dim) : parts[0] ? parts[0] : x;
}

/* The expression may name fewer operands than there are, and write to `parts`. */
#define CNN_OP(name, file, operands, shapes, values, expression)                                                     \
    static cnn_tensor *call_##name(cnn_tensor *const *in, int count, void *user)                                     \
    {                                                                                                                \
        cnn_tensor *parts[4] = { NULL };                                                                             \
        (void)in, (void)count, (void)user, (void)parts;                                                              \
        return expression;                                                                                           \
    }
#include "ops/ops.def"

static const op_entry op_table[] = {
#define CNN_OP(name, file, operands, shapes, values, expression) { #name, operands, shapes, values, call_##name },
#include "ops/ops.def"
};

enum { OP_COUNT = sizeof op_table / sizeof *op_table, MAX_OPERANDS = 7 };

#define FOR_OPS(op) for (const op_entry *op = op_table; op < op_table + OP_COUNT; op++)

static inline int operand_count(const op_entry *op)
{
    return (int)strlen(op->operands);
}

static inline bool differentiable(const op_entry *op, int i)
{
    return isupper((unsigned char)op->operands[i]);
}

/* The dtype of operand i when the operation runs on `dtype`. */
static inline cnn_dtype operand_dtype(const op_entry *op, int i, cnn_dtype dtype)
{
    return op->operands[i] == 'b' ? CNN_BOOL : op->operands[i] == 'c' ? CNN_I64 : dtype;
}

static inline bool dtype_allowed(const op_entry *op, cnn_dtype dtype)
{
    for (int i = 0; i < operand_count(op); i++) {
        int letter = tolower((unsigned char)op->operands[i]);
        if ((letter == 'r' && !is_real(dtype)) || (letter == 'n' && dtype == CNN_BOOL)) {
            return false;
        }
    }
    return true;
}

/* The shape of operand i; returns its rank. */
static inline int operand_shape(const op_entry *op, int i, int64_t *shape)
{
    const char *at = op->shapes;
    for (; i > 0; i--) {
        at = strchr(at, ' ') + 1;
    }
    int ndim = 0;
    while (*at && *at != ' ' && *at != '-') {
        shape[ndim++] = strtoll(at, (char **)(void *)&at, 10);
        at += *at == 'x';
    }
    return ndim;
}

static inline int64_t shape_numel(int ndim, const int64_t *shape)
{
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) {
        n *= shape[i];
    }
    return n;
}

/* Number k of n sample values, before it is converted to the dtype. */
static inline double sample_value(const op_entry *op, int operand, int64_t k, int64_t n, cnn_dtype dtype)
{
    const uint64_t key[2] = { 99, (uint64_t)operand };
    double uniform = cnn__random_f64(key, (uint64_t)k);
    switch (dtype) {
    case CNN_BOOL: return uniform < 0.5;
    case CNN_F32:
    case CNN_F64:
    case CNN_BF16: break;
    default: return op->operands[operand] == 'c' ? floor(4 * uniform) : 1 + floor(6 * uniform);
    }
    if (op->values == POSITIVE) {
        return 0.5 + 1.5 * uniform;
    }
    if (op->values == UNIT) {
        return 1.8 * uniform - 0.9;
    }
    if (op->values == FRACTION) {
        return 0.1 + 0.8 * uniform;
    }
    if (op->values == DISTINCT) { /* far apart, none at 0: 7 shuffles where it shares no divisor with n */
        int64_t place = n % 7 ? k * 7 % n : k * 11 % n;
        return 0.37 * ((double)place - (double)n / 2 + 0.25 + 0.05 * operand);
    }
    return 3 * uniform - 1.5;
}

/* A tensor of the caller's with `shape`, filled with samples. */
static inline cnn_tensor *sample_shaped(cnn_context *ctx, const op_entry *op, int i, cnn_dtype dtype, int ndim,
                                        const int64_t *shape)
{
    cnn_tensor *plan = cnn_tensor_empty(ctx, CNN_F64, ndim, shape);
    cnn_tensor *t = cnn_tensor_empty(ctx, dtype, ndim, shape);
    if (plan && t) {
        int64_t n = shape_numel(ndim, shape);
        double *values = malloc(((size_t)n + 1) * sizeof *values);
        ck_assert_ptr_nonnull(values);
        for (int64_t k = 0; k < n; k++) {
            values[k] = sample_value(op, i, k, n, dtype);
        }
        set_elements(plan, values);
        free(values);
        ck_assert_int_eq(cnn_tensor_copy_from(t, plan), CNN_OK);
    }
    cnn_tensor_free(plan);
    return t;
}

static inline cnn_tensor *sample(cnn_context *ctx, const op_entry *op, int i, cnn_dtype dtype)
{
    int64_t shape[CNN_MAX_DIMS];
    int ndim = operand_shape(op, i, shape);
    return sample_shaped(ctx, op, i, operand_dtype(op, i, dtype), ndim, shape);
}

/* Does a message begin with the operation's name, or with the name that it shares with a sibling ("cross_entropy" for
 * cross_entropy_with, the failing part for a fused operation)? */
static inline bool names_operation(const char *message, const op_entry *op)
{
    size_t length = strcspn(message, ":");
    return message[length] == ':' && (strncmp(message, op->name, length) == 0 ||
                                      (length < 20 && strstr(op->name, "relu_maxpool2d") && strstr(message, "2d: ")));
}

#endif
