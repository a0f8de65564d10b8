/* NAdam (Dozat 2016) with the formula of torch.optim.NAdam. */
#include "optim/optimizer.h"

#include "base/math.h"

enum {
    NADAM_LR,
    NADAM_BETA1,
    NADAM_BETA2,
    NADAM_EPS,
    NADAM_WEIGHT_DECAY,
    NADAM_MOMENTUM_DECAY,
    NADAM_DECOUPLED_WEIGHT_DECAY,
    NADAM_MAXIMIZE
};

static const cnn__hyper nadam_hypers[] = {
    CNN__HYPER(cnn_nadam_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 2e-3),
    CNN__HYPER(cnn_nadam_options, beta1, CNN_OPTION_BETA1, BELOW_ONE, 0.9),
    CNN__HYPER(cnn_nadam_options, beta2, CNN_OPTION_BETA2, BELOW_ONE, 0.999),
    CNN__HYPER(cnn_nadam_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-8),
    CNN__HYPER(cnn_nadam_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_nadam_options, momentum_decay, CNN_OPTION_MOMENTUM_DECAY, NOT_NEGATIVE, 4e-3),
    CNN__HYPER(cnn_nadam_options, decoupled_weight_decay, CNN_OPTION_DECOUPLED_WEIGHT_DECAY, SWITCH, 0),
    CNN__HYPER(cnn_nadam_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

enum { NADAM_MU_PRODUCT = 2 };

/* The product of all mu begins as 1. */
static double nadam_first(const double *hyper, int k)
{
    (void)hyper;
    return k == NADAM_MU_PRODUCT ? 1 : 0;
}

static double nadam_mu(const double *hyper, int64_t step)
{
    return hyper[NADAM_BETA1] * (1 - 0.5 * cnn__pow_f64(0.96, (double)step * hyper[NADAM_MOMENTUM_DECAY]));
}

static cnn_status nadam_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_nadam_parameters s = { .lr = hyper[NADAM_LR],
                               .beta1 = hyper[NADAM_BETA1],
                               .beta2 = hyper[NADAM_BETA2],
                               .eps = hyper[NADAM_EPS],
                               .weight_decay = hyper[NADAM_WEIGHT_DECAY],
                               .mu = nadam_mu(hyper, slot->steps),
                               .mu_next = nadam_mu(hyper, slot->steps + 1),
                               .decoupled = hyper[NADAM_DECOUPLED_WEIGHT_DECAY] != 0,
                               .maximize = hyper[NADAM_MAXIMIZE] != 0 };
    s.bias2 = 1 - cnn__pow_f64(s.beta2, (double)slot->steps);
    cnn_launch l = CNN__LAUNCH(
        NADAM, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
        .out = { cnn__data(p), cnn__data(slot->moment[0]), cnn__data(slot->moment[1]), cnn__data(slot->moment[2]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class nadam_class = {
    .name = "NAdam",
    CNN__OPTIMIZER_OPTIONS(cnn_nadam_options, nadam_hypers),
    .moment_count = 3,
    .moment_names = { "exp_avg", "exp_avg_sq", "mu_product" },
    .first = nadam_first,
    .numbers = 1u << NADAM_MU_PRODUCT,
    .update = nadam_update,
};

#define NAME nadam
#define OPTIONS cnn_nadam_options
#define CLASS nadam_class
#include "optim/calls_impl.h"
