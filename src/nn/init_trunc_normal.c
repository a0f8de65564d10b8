/* Truncated normal numbers by rejection: of normal numbers near the mean, of uniform ones in short intervals, and of
 * exponential ones in the tails (Robert 1995, "Simulation of truncated normal variables"). At least about a quarter
 * of the proposals are accepted. */
#include "base/math.h"
#include "base/random.h"
#include "nn/init.h"

#include <math.h>

/* Two streams, for the proposals and for what decides on them. */
typedef struct trunc_draws {
    uint64_t proposals[2], decisions[2];
    uint64_t next;
} trunc_draws;

/* Above 0 and at most 1. */
static double trunc_positive(const uint64_t key[2], uint64_t i)
{
    return 1 - cnn__random_f64(key, i);
}

/* A proposal for [low, high] in standard deviations from the mean, low ≥ 0 or low < 0 < high, and whether it is
 * accepted. */
static bool trunc_propose(trunc_draws *d, double low, double high, double *x)
{
    uint64_t i = d->next++;
    double rate = (low + sqrt(low * low + 4)) / 2, nearest = low > 0 ? low : 0;
    if (low <= 0 && high - low > 2) {
        *x = cnn__random_normal(d->proposals, i);
        return *x >= low && *x <= high;
    }
    if (high - low < 2 / rate || low <= 0) {
        *x = low + (high - low) * cnn__random_f64(d->proposals, i);
        return trunc_positive(d->decisions, i) <= cnn__exp_f64((nearest * nearest - *x * *x) / 2);
    }
    *x = low - cnn__log_f64(trunc_positive(d->proposals, i)) / rate;
    return *x <= high && trunc_positive(d->decisions, i) <= cnn__exp_f64(-(*x - rate) * (*x - rate) / 2);
}

static double trunc_draw(trunc_draws *d, double low, double high)
{
    double x;
    bool mirrored = high < 0;
    while (!trunc_propose(d, mirrored ? -high : low, mirrored ? -low : high, &x)) {
    }
    return mirrored ? -x : x;
}

static cnn_status trunc_check(const cnn_tensor *t, const char *call, double mean, double std, double low, double high)
{
    cnn_status status = cnn__init_check(t, call, 0, CNN_MAX_DIMS);
    if (status == CNN_OK) {
        status = cnn__init_number(t, call, "mean", mean, true, "a finite number");
    }
    if (status == CNN_OK) {
        status = cnn__init_number(t, call, "std", std, std > 0, "a finite number above 0");
    }
    if (status == CNN_OK) {
        status = cnn__init_number(t, call, "low", low, low < high, "a finite number below high");
    }
    if (status == CNN_OK) {
        status = cnn__init_number(t, call, "high", high, true, "a finite number");
    }
    double farthest = fmax(fabs(low - mean), fabs(high - mean)) / std;
    return status == CNN_OK ? cnn__init_number(t, call, "std", std, farthest < 0x1p60,
                                               "a number to which low and high are not too far from the mean")
                            : status;
}

cnn_status cnn_init_trunc_normal(cnn_tensor *tensor, double mean, double std, double low, double high)
{
    const char *call = "init_trunc_normal";
    cnn_status status = trunc_check(tensor, call, mean, std, low, high);
    if (status != CNN_OK || !tensor->numel) {
        return status;
    }
    cnn_tensor *drawn = cnn__tensor_new_on_host(tensor->ctx, call, CNN_F64, tensor->ndim, tensor->shape);
    if (!drawn) {
        return cnn__failure_status();
    }
    trunc_draws d = { .next = 0 };
    double *values = cnn__data(drawn);
    cnn__context_next_stream(tensor->ctx, d.proposals);
    cnn__context_next_stream(tensor->ctx, d.decisions);
    for (int64_t i = 0; i < tensor->numel; i++) {
        double x = mean + std * trunc_draw(&d, (low - mean) / std, (high - mean) / std);
        values[i] = fmin(fmax(x, low), high);
    }
    drawn = cnn__tensor_off_host(drawn, call);
    if (!drawn) {
        return cnn__failure_status();
    }
    cnn__tensor_written(tensor);
    status = cnn__tensor_copy(tensor, drawn, call);
    cnn__tensor_release(drawn);
    return status;
}
