/* Which convolutions the fused kernels can do (conv_relu_pool.h), the same for every table. */
#include "kernels/conv_relu_pool.h"

/* Kernels find patches, and the weights of a row of the kernel, by places of 31 bits: in bytes, within an image that
 * is padded, channels-last and of whole vectors, or has a whole patch at each pixel. */
static bool places_fit(const cnn__conv *g)
{
    enum { MOST_LANES = 16 };
    double pixels = (double)(g->out_h + g->kernel_h) * (double)(g->out_w + g->kernel_w),
           channels = (double)g->in_channels;
    double taps =
        g->in_channels < CNN__CONV_RELU_POOL_EXPANDED ? (double)(g->kernel_h * g->kernel_w) * channels : channels;
    double weights = (double)(g->out_channels + MOST_LANES) * (double)g->kernel_w * (channels + MOST_LANES);
    return (pixels * (taps + MOST_LANES) + weights) * sizeof(float) < INT32_MAX;
}

/* Kernels add up so many terms one after the other at most: of an output in parts, of a gradient of the data one of
 * each window that a patch touches. More of them would cost precision (kernels/simd/vector/long_sum.h). */
static bool sums_fit(const cnn__conv *g)
{
    enum { MOST_TERMS = 3072, MOST_PARTS = 256 };
    int64_t taps = g->kernel_h * g->kernel_w, windows = (g->kernel_h / 2 + 1) * (g->kernel_w / 2 + 1);
    return taps <= MOST_TERMS && g->in_channels <= MOST_PARTS * (MOST_TERMS / taps) &&
           g->out_channels <= MOST_TERMS / windows;
}

bool cnn__conv_relu_pool_fits(const cnn__conv *g)
{
    return g->groups == 1 && g->stride_h == 1 && g->stride_w == 1 && g->dilation_h == 1 && g->dilation_w == 1 &&
           g->pad_top >= 0 && g->pad_left >= 0 && sums_fit(g) && places_fit(g);
}
