/* A model of each line of src/ops/ops.def on f32: its first operand is the input, the others are constants. What ONNX lacks, or has
 * with other rules, is listed by name; a name that is listed and can be written is an error, too. */
#ifndef CNN_TESTS_TRACE_OPERATIONS_H
#define CNN_TESTS_TRACE_OPERATIONS_H

#include "support/ops.h"

static const char *const unwritten[] = {
    /* Windows that ONNX has not: maxima of several sizes, as columns. */
    "adaptive_maxpool2d", "unfold",
    /* It has no running statistics. */
    "batch_norm",
    /* A Sequential runs it for three layers, which a trace lists one by one. */
    "conv2d_relu_maxpool2d",
    /* ONNX has no operator for it. */
    "cumprod",
    /* ONNX shifts unsigned integers alone. */
    "bitwise_left_shift", "bitwise_right_shift",
    /* Losses belong to training. */
    "cross_entropy_with", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "kl_div", "soft_margin_loss", "poisson_nll_loss", "gaussian_nll_loss", "margin_ranking_loss",
    "hinge_embedding_loss", "cosine_embedding_loss", "triplet_margin_loss", "multi_margin_loss", "ctc_loss",
    /* Others say so in their own lines of ops.def. */
#define CNN_OP_WITHOUT_ONNX(name) #name,
#include "ops/ops.def"
    NULL
};

/* What opset 17 does not have yet. */
static const char *const unwritten_in_17[] = { "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "fold", NULL };

static bool is_listed(const char *const *list, const char *name)
{
    bool found = false;
    for (; *list; list++) {
        found |= strcmp(*list, name) == 0;
    }
    return found;
}

static bool is_unwritten(const char *name, int opset)
{
    return is_listed(unwritten, name) || (opset == 17 && is_listed(unwritten_in_17, name));
}

typedef struct operation {
    const op_entry *op;
    cnn_tensor *in[MAX_OPERANDS]; /* all but the first, which is the module's input, are constants */
} operation;

/* The operation as a module. */
static cnn_tensor *run_operation(cnn_module *self, cnn_tensor *first, void *user)
{
    (void)self;
    const operation *o = user;
    cnn_tensor *x[MAX_OPERANDS] = { first };
    for (int i = 1; i < operand_count(o->op); i++) {
        x[i] = cnn_input(cnn_tensor_tape(first), o->in[i]);
    }
    return o->op->call(x, operand_count(o->op), NULL);
}

#endif
