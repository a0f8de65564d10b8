/* RAdam (Liu et al. 2020) with the formula of torch.optim.RAdam. */
#include "optim/optimizer.h"

#include "base/math.h"

#include <math.h>

enum {
    RADAM_LR,
    RADAM_BETA1,
    RADAM_BETA2,
    RADAM_EPS,
    RADAM_WEIGHT_DECAY,
    RADAM_DECOUPLED_WEIGHT_DECAY,
    RADAM_MAXIMIZE
};

static const cnn__hyper radam_hypers[] = {
    CNN__HYPER(cnn_radam_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1e-3),
    CNN__HYPER(cnn_radam_options, beta1, CNN_OPTION_BETA1, BELOW_ONE, 0.9),
    CNN__HYPER(cnn_radam_options, beta2, CNN_OPTION_BETA2, BELOW_ONE, 0.999),
    CNN__HYPER(cnn_radam_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-8),
    CNN__HYPER(cnn_radam_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_radam_options, decoupled_weight_decay, CNN_OPTION_DECOUPLED_WEIGHT_DECAY, SWITCH, 0),
    CNN__HYPER(cnn_radam_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

/* By how much the adaptive rate is shortened; 0 while its variance is unbounded, and then it is not used. */
static double radam_rectification(double beta2, double bias2, int64_t step)
{
    double most = 2 / (1 - beta2) - 1, rho = most - 2 * (double)step * (1 - bias2) / bias2;
    return rho > 5 ? sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)) : 0;
}

static cnn_status radam_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_radam_parameters s = { .lr = hyper[RADAM_LR],
                               .beta1 = hyper[RADAM_BETA1],
                               .beta2 = hyper[RADAM_BETA2],
                               .eps = hyper[RADAM_EPS],
                               .weight_decay = hyper[RADAM_WEIGHT_DECAY],
                               .decoupled = hyper[RADAM_DECOUPLED_WEIGHT_DECAY] != 0,
                               .maximize = hyper[RADAM_MAXIMIZE] != 0 };
    s.bias1 = 1 - cnn__pow_f64(s.beta1, (double)slot->steps);
    s.bias2 = 1 - cnn__pow_f64(s.beta2, (double)slot->steps);
    s.rectification = radam_rectification(s.beta2, s.bias2, slot->steps);
    cnn_launch l = CNN__LAUNCH(RADAM, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data(slot->moment[0]), cnn__data(slot->moment[1]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class radam_class = {
    .name = "RAdam",
    CNN__OPTIMIZER_OPTIONS(cnn_radam_options, radam_hypers),
    .moment_count = 2,
    .moment_names = { "exp_avg", "exp_avg_sq" },
    .update = radam_update,
};

#define NAME radam
#define OPTIONS cnn_radam_options
#define CLASS radam_class
#include "optim/calls_impl.h"
