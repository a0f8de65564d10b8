/* Adam and AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) with torch.optim's options and defaults. */
#include "optim/optimizer.h"

#include "base/math.h"

enum { ADAM_LR, BETA1, BETA2, ADAM_EPS, ADAM_WEIGHT_DECAY, AMSGRAD, ADAM_MAXIMIZE };
enum { EXP_AVG, EXP_AVG_SQ, MAX_EXP_AVG_SQ };

static bool adam_needs(const double *hyper, int k)
{
    return k != MAX_EXP_AVG_SQ || hyper[AMSGRAD] != 0;
}

#define HYPERS(decay) \
    { \
        CNN__HYPER(cnn_adam_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1e-3), \
            CNN__HYPER(cnn_adam_options, beta1, CNN_OPTION_BETA1, BELOW_ONE, 0.9), \
            CNN__HYPER(cnn_adam_options, beta2, CNN_OPTION_BETA2, BELOW_ONE, 0.999), \
            CNN__HYPER(cnn_adam_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-8), \
            CNN__HYPER(cnn_adam_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, decay), \
            CNN__HYPER(cnn_adam_options, amsgrad, CNN_OPTION_AMSGRAD, SWITCH, 0), \
            CNN__HYPER(cnn_adam_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0) \
    }
static const cnn__hyper adam_hypers[] = HYPERS(0);
static const cnn__hyper adamw_hypers[] = HYPERS(1e-2);

static cnn_status optim_adam_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, bool decoupled)
{
    const cnn_tensor *p = slot->parameter;
    cnn_tensor *const *m = slot->moment;
    cnn_adam_parameters s = { .lr = hyper[ADAM_LR],
                              .beta1 = hyper[BETA1],
                              .beta2 = hyper[BETA2],
                              .eps = hyper[ADAM_EPS],
                              .weight_decay = hyper[ADAM_WEIGHT_DECAY],
                              .decoupled = decoupled,
                              .maximize = hyper[ADAM_MAXIMIZE] != 0 };
    s.bias1 = 1 - cnn__pow_f64(s.beta1, (double)slot->steps);
    s.bias2 = 1 - cnn__pow_f64(s.beta2, (double)slot->steps);
    cnn_launch l = CNN__LAUNCH(
        ADAM, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
        .out = { cnn__data(p), cnn__data(m[EXP_AVG]), cnn__data(m[EXP_AVG_SQ]), cnn__data_or_null(m[MAX_EXP_AVG_SQ]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static cnn_status adam_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    return optim_adam_update(hyper, slot, grad, false);
}

static cnn_status adamw_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    return optim_adam_update(hyper, slot, grad, true);
}

static const cnn__optimizer_class adam_class = {
    .name = "Adam",
    CNN__OPTIMIZER_OPTIONS(cnn_adam_options, adam_hypers),
    .moment_count = 3,
    .moment_names = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
    .needs = adam_needs,
    .update = adam_update,
};

static const cnn__optimizer_class adamw_class = {
    .name = "AdamW",
    CNN__OPTIMIZER_OPTIONS(cnn_adam_options, adamw_hypers),
    .moment_count = 3,
    .moment_names = { "exp_avg", "exp_avg_sq", "max_exp_avg_sq" },
    .needs = adam_needs,
    .update = adamw_update,
};

#define NAME adam
#define OPTIONS cnn_adam_options
#define CLASS adam_class
#include "optim/calls_impl.h"

#define NAME adamw
#define OPTIONS cnn_adam_options
#define CLASS adamw_class
#include "optim/calls_impl.h"
