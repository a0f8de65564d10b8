/* The work of a launch: its floating-point operations and the bytes of its operands, by its parameters alone.
 *
 * A multiply-add is two operations, and everything else that makes one number of others is one: a sum, a comparison, an
 * exponential. What the definition of the operation says counts, not the algorithm: a convolution by Winograd's has the
 * products of the plain sum, as PyTorch's FlopCounterMode counts them. docs/profiling.md lists the numbers. */
#include "kernels/launch.h"

static double gemm_products(const cnn_gemm *g)
{
    return (double)g->m * (double)g->n * (double)g->k;
}

static double conv_products(const cnn_conv *g)
{
    double results = (double)g->batch * (double)g->out_channels * (double)g->out_h * (double)g->out_w;
    return results * (double)(g->in_channels / g->groups) * (double)g->kernel_h * (double)g->kernel_w;
}

/* Forward multiplies q by k and the weights by v. Backward multiplies q by k again, dy by v, and for three
 * gradients. */
static double attention_products(const cnn_attention_parameters *p, bool backward)
{
    double width = (double)p->width, value_width = (double)p->value_width, pairs = (double)p->queries * (double)p->keys;
    for (int d = 0; d < p->ndim; d++) {
        pairs *= (double)p->batch[d];
    }
    return pairs * (backward ? 3 * width + 2 * value_width : width + value_width);
}

static double matmul_products(const cnn_matmul_parameters *p)
{
    double products = gemm_products(&p->product);
    for (int d = 0; d < p->ndim; d++) {
        products *= (double)p->batch[d];
    }
    return products;
}

static double conv3d_products(const cnn_conv3d_parameters *p)
{
    return conv_products(&p->slice) * (double)p->out_d * (double)p->kernel_d;
}

/* How many products are added up; 0: the kernel is none that multiplies matrices or convolves. */
static double multiplications_of(const cnn_launch *l)
{
    switch ((int)l->kernel) {
    case CNN_KERNEL_GEMM: return gemm_products(l->parameters);
    case CNN_KERNEL_MATMUL: return matmul_products(l->parameters);
    case CNN_KERNEL_CONV_FORWARD:
    case CNN_KERNEL_CONV_BACKWARD_DATA:
    case CNN_KERNEL_CONV_BACKWARD_WEIGHT:
    case CNN_KERNEL_CONV_RELU_POOL_FORWARD:
    case CNN_KERNEL_CONV_RELU_POOL_BACKWARD_DATA:
    case CNN_KERNEL_CONV_RELU_POOL_BACKWARD_WEIGHT: return conv_products(l->parameters);
    case CNN_KERNEL_CONV3D_FORWARD:
    case CNN_KERNEL_CONV3D_BACKWARD_DATA:
    case CNN_KERNEL_CONV3D_BACKWARD_WEIGHT: return conv3d_products(l->parameters);
    case CNN_KERNEL_ATTENTION_FORWARD: return attention_products(l->parameters, false);
    case CNN_KERNEL_ATTENTION_BACKWARD: return attention_products(l->parameters, true);
    default: return 0;
    }
}

cnn__counts cnn__launch_counts(const cnn_launch *l)
{
    const cnn__cpu_kernel *k = cnn__cpu_kernel_of(l);
    cnn__operands operands;
    bool measured = cnn__operands_of(l, &operands), updates = false;
    int64_t largest = 0, elements = 0;
    operands.updates |= l->kernel >= 2 * CNN_KERNEL_FAMILY; /* optimizers read what they write */
    for (int i = 0; i < CNN__IN; i++) {
        int64_t n = measured ? operands.in[i] : l->count;
        elements += l->in[i] ? n : 0;
        largest = n > largest ? n : largest;
    }
    for (int i = 0; i < CNN__OUT; i++) {
        int64_t n = measured ? operands.out[i] : l->count;
        elements += l->out[i] ? n * (1 + operands.updates) : 0;
        largest = n > largest ? n : largest;
    }
    double products = multiplications_of(l), units = (double)(k->unit ? k->measure(l, k->unit, &updates) : largest);
    return (cnn__counts){ .flops = products > 0                ? 2 * products + (k->unit ? units : 0)
                                   : k->flops == CNN__NO_FLOPS ? 0
                                   : k->flops                  ? units * k->flops
                                                               : units,
                          .bytes = (double)elements * (double)cnn_dtype_size(l->dtype) };
}
