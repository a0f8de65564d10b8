/* What normalisations share: batch and instance normalisation the checks and the running statistics, instance
 * normalisation and that of rows and groups the kernels. */
#ifndef CNN_OPS_NORMS_H
#define CNN_OPS_NORMS_H

#include "ops/operation.h"

enum { CNN__NORM_INPUT, CNN__NORM_WEIGHT, CNN__NORM_BIAS, CNN__NORM_MEAN, CNN__NORM_VAR, CNN__NORM_INPUTS };
enum { CNN__NORM_STATISTICS = 1 }; /* the extra, in f64, which the kernels describe */

/* ---- batch and instance normalisation ---- */

typedef struct cnn__norm {
    cnn_group_norm_parameters instances; /* first; of instance normalisation */
    double momentum, eps;
    bool training; /* the batch's statistics are used */
    bool moves;    /* whether the running ones are written */
    bool joined;   /* forward makes the statistics set by set, and has them behind means and scales */
    bool relu;     /* y = max(y, 0) */
    float ceiling; /* above 0: y = min(y, ceiling) */
    int64_t batch, channels, inner;
    cnn_batch_norm_options options; /* for infer, with how reading them went */
    cnn_status status;
} cnn__norm;

extern const cnn__op cnn__batch_norm_op, cnn__batch_norm_relu_op, cnn__batch_norm_relu6_op;
extern const cnn__attribute cnn__norm_attributes[];

/* Whether those with ReLU and ReLU6 behind them may be applied to x; and the operation by its descriptor. */
bool cnn__batch_norm_takes_relu(const cnn_tensor *x);
cnn_tensor *cnn__batch_norm(const cnn__op *op, cnn_tensor *const in[CNN__NORM_INPUTS],
                            const cnn_batch_norm_options *options);

/* Checks options and inputs and completes the struct; false: reported. */
bool cnn__norm_check(cnn__call *call, cnn__norm *n);
/* Moves the running statistics towards the mean of that many `instances` for each channel. */
bool cnn__norm_move(cnn__call *call, const cnn__norm *n, int64_t instances);

/* ---- normalisation of rows and groups, whose attributes begin with cnn_group_norm_parameters ---- */

/* eps as the options say, or `missing`; false: out of range, reported. */
bool cnn__norm_check_eps(cnn__call *call, double given, double missing, double *eps);
/* Outputs like input 0, and the statistics. */
void cnn__group_norm_outputs(cnn__call *call, const cnn_group_norm_parameters *p);
bool cnn__group_norm_forward(cnn__call *call, void *attributes);
void cnn__group_norm_backward(cnn__node *node, cnn_tensor *dy);

/* The gradients of input, weight and, if there is one, bias: what the kernel computes, or zeros of no elements. */
void cnn__norm_backward(cnn__node *node, const cnn_tensor *dy, cnn_kernel kernel, const void *parameters, size_t size,
                        const cnn_tensor *bias);

#endif
