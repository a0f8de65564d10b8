/* Statistics of batch normalisation as they are kept, turned into scales, and folded into a convolution. */
#include "kernels/array/batch_norm.h"

#include <math.h>

static double norm_read(cnn_dtype dtype, const void *x, int64_t i)
{
    return dtype == CNN_F64 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static void norm_write(cnn_dtype dtype, void *x, int64_t i, double value)
{
    if (dtype == CNN_F64) {
        ((double *)x)[i] = value;
    } else {
        ((float *)x)[i] = (float)value;
    }
}

static void norm_move(cnn_dtype dtype, void *running, int64_t i, double momentum, double value)
{
    norm_write(dtype, running, i, (1 - momentum) * norm_read(dtype, running, i) + value);
}

/* The mean of a channel's statistics over the instances. */
static double norm_mean(const cnn_batch_norm_parameters *g, const double *statistics, int64_t c)
{
    double sum = 0;
    for (int64_t i = 0; i < g->instances; i++) {
        sum += statistics[i * g->channels + c];
    }
    return sum / (double)g->instances;
}

void cnn__batch_norm_move(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const double *statistics, void *mean,
                          void *var)
{
    const double *batch_var = statistics + g->instances * g->channels;
    double count = (double)g->batch * (double)g->inner, unbiased = count / (count - 1);
    for (int64_t c = 0; c < g->channels; c++) {
        norm_move(dtype, mean, c, g->momentum, g->momentum * norm_mean(g, statistics, c));
        norm_move(dtype, var, c, g->momentum, g->momentum * norm_mean(g, batch_var, c) * unbiased);
    }
}

void cnn__batch_norm_scale(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const void *mean, const void *var,
                           double *statistics)
{
    double *scale = statistics + g->channels;
    for (int64_t c = 0; c < g->channels; c++) {
        statistics[c] = mean ? norm_read(dtype, mean, c) : statistics[c];
        scale[c] = 1 / sqrt((var ? norm_read(dtype, var, c) : scale[c]) + g->eps);
    }
}

static double norm_read_or(cnn_dtype dtype, const void *x, int64_t i, double missing)
{
    return x ? norm_read(dtype, x, i) : missing;
}

void cnn__batch_norm_fold(const cnn_batch_norm_parameters *g, cnn_dtype dtype, const void *const in[5], void *scale,
                          void *bias)
{
    for (int64_t c = 0; c < g->channels; c++) {
        double slope = norm_read_or(dtype, in[1], c, 1) / sqrt(norm_read(dtype, in[4], c) + g->eps);
        double centred = norm_read_or(dtype, in[0], c, 0) - norm_read(dtype, in[3], c);
        norm_write(dtype, scale, c, slope);
        norm_write(dtype, bias, c, centred * slope + norm_read_or(dtype, in[2], c, 0));
    }
}
