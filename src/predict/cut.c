/* Which launches are cut into samples, and where. A launch is cut where one number of its parameters counts the
 * samples, and where each sample has the bits that it has in the whole: what a kernel does with a sample may not depend
 * on how many there are. */
#include "predict/program.h"

enum { LARGE_PLANE = 1 << 14 /* floats, of which no kernel takes several at once */ };

/* Operands that are contiguous: x, y and what is added to it. */
static void cut_dense(cnn__cut *cut, int operand, int64_t bytes)
{
    cut->stride[operand] = cut->extent[operand] = bytes;
}

/* ---- convolutions ---- */

/* Whether the kernel keeps the weight in a form of its own for so many samples, as Winograd's does. */
static bool conv_packs(const cnn_launch *l, int64_t batch, const cnn__kernels *kernels)
{
    cnn_conv g = *(const cnn_conv *)l->parameters;
    cnn_launch some = *l;
    g.batch = batch;
    some.parameters = &g;
    return cnn__cpu_form(&some, kernels).bytes != 0;
}

/* Whether the kernel may choose another algorithm, or another order of its sums, for one sample than for many. Those of
 * one tap, the depthwise ones and Winograd's do not; of the others, results may be looked through for what is not
 * finite where they are fewer than weights, and a bias is the first term where an image is a unit of its own. */
static bool conv_depends(const cnn_launch *l, const cnn_conv *g, const cnn__kernels *kernels)
{
    int64_t taps = g->kernel_h * g->kernel_w, terms = g->in_channels / g->groups * taps, plane = g->out_h * g->out_w;
    bool depthwise = g->groups == g->in_channels && g->groups == g->out_channels;
    bool plain = taps == 1 && g->pad_top == 0 && g->pad_left == 0;
    bool packs = !depthwise && conv_packs(l, g->batch, kernels), one = !depthwise && conv_packs(l, 1, kernels);
    bool large = plane * g->stride_h * g->stride_w * (g->in_channels > g->groups ? 2 : 1) > LARGE_PLANE;
    return !plain && !(packs && one) &&
           ((plane < terms && plane * g->batch >= terms) || packs != one || (!depthwise && l->in[2] && !large));
}

/* Where a sample has fewer elements than there are weights, reading these once for all samples is worth more than
 * finding the sample in the cache. */
static bool cut_convolution(cnn_launch *l, int64_t count, const cnn__kernels *kernels, cnn__cut *cut)
{
    cnn_conv *g = (cnn_conv *)(uintptr_t)l->parameters;
    int64_t in = g->in_channels * g->in_h * g->in_w, out = g->out_channels * g->out_h * g->out_w;
    int64_t weights = g->out_channels * (g->in_channels / g->groups) * g->kernel_h * g->kernel_w;
    if (g->batch != count || weights > in + out || conv_depends(l, g, kernels)) {
        return false;
    }
    cut->size = &g->batch;
    cut_dense(cut, 0, in * (int64_t)sizeof(float));
    cut_dense(cut, CNN__IN, out * (int64_t)sizeof(float));
    cut_dense(cut, CNN__IN + 1, out * (int64_t)sizeof(float));
    return true;
}

/* ---- elements ---- */

/* Cuts the outermost loop, which may go through more than samples. Operands of a nest: the result, then the inputs. */
static bool cut_nest(cnn_nest *nest, int operands, int64_t count, const int64_t size[2], cnn__cut *cut)
{
    if (!nest->ndim || nest->shape[0] % count) {
        return false;
    }
    int64_t part = nest->shape[0] / count;
    for (int k = 0; k < operands; k++) {
        int operand = k ? k - 1 : CNN__IN;
        int64_t bytes = size[k > 0], reach = (part - 1) * nest->stride[k][0];
        for (int d = 0; d < nest->ndim; d++) {
            reach += d ? (nest->shape[d] - 1) * nest->stride[k][d] : 0;
            if (nest->stride[k][d] < 0) {
                return false;
            }
        }
        cut->stride[operand] = part * nest->stride[k][0] * bytes;
        cut->extent[operand] = (reach + 1) * bytes;
    }
    cut->size = &nest->shape[0];
    return true;
}

/* ---- the whole ---- */

static bool cut_counted(int64_t *size, int64_t count, int64_t in, int64_t out, cnn__cut *cut)
{
    cut->size = size;
    cut_dense(cut, 0, *size / count * in * (int64_t)sizeof(float));
    cut_dense(cut, CNN__IN, *size / count * out * (int64_t)sizeof(float));
    return *size % count == 0;
}

bool cnn__launch_cut(cnn_launch *launch, int64_t count, const cnn__kernels *kernels, cnn__cut *cut)
{
    void *parameters = (void *)(uintptr_t)launch->parameters;
    int64_t size[2] = { (int64_t)cnn_dtype_size(launch->dtype), (int64_t)cnn_dtype_size(launch->dtype) };
    *cut = (cnn__cut){ .size = NULL };
    if (launch->kernel == CNN_KERNEL_COPY) {
        cnn_copy_parameters *p = parameters;
        size[1] = (int64_t)cnn_dtype_size(p->from);
        return cut_nest(&p->nest, 2, count, size, cut);
    }
    if (launch->dtype != CNN_F32) {
        return false;
    }
    switch (launch->kernel) {
    case CNN_KERNEL_CONV_FORWARD: return cut_convolution(launch, count, kernels, cut);
    case CNN_KERNEL_RELU: return cut_counted(&launch->count, count, 1, 1, cut);
    case CNN_KERNEL_UNARY: return cut_nest(&((cnn_elementwise_parameters *)parameters)->nest, 2, count, size, cut);
    case CNN_KERNEL_BINARY: return cut_nest(&((cnn_elementwise_parameters *)parameters)->nest, 3, count, size, cut);
    case CNN_KERNEL_MAXPOOL_FORWARD: {
        cnn_maxpool *p = parameters;
        return !launch->out[1] && cut_counted(&p->planes, count, p->in_h * p->in_w, p->out_h * p->out_w, cut);
    }
    case CNN_KERNEL_BATCH_NORM_FORWARD: {
        cnn_batch_norm_parameters *p = parameters;
        int64_t sample = p->channels * p->inner;
        return !p->joined && p->batch == count && p->inner > 1 && cut_counted(&p->batch, count, sample, sample, cut);
    }
    default: return false;
    }
}
