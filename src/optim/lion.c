/* Lion (Chen et al. 2023, algorithm 2). */
#include "optim/optimizer.h"

enum { LION_LR, LION_BETA1, LION_BETA2, LION_WEIGHT_DECAY, LION_MAXIMIZE };

static const cnn__hyper lion_hypers[] = {
    CNN__HYPER(cnn_lion_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1e-4),
    CNN__HYPER(cnn_lion_options, beta1, CNN_OPTION_BETA1, BELOW_ONE, 0.9),
    CNN__HYPER(cnn_lion_options, beta2, CNN_OPTION_BETA2, BELOW_ONE, 0.99),
    CNN__HYPER(cnn_lion_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_lion_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static cnn_status lion_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_lion_parameters s = { .lr = hyper[LION_LR],
                              .beta1 = hyper[LION_BETA1],
                              .beta2 = hyper[LION_BETA2],
                              .weight_decay = hyper[LION_WEIGHT_DECAY],
                              .maximize = hyper[LION_MAXIMIZE] != 0 };
    cnn_launch l = CNN__LAUNCH(LION, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data(slot->moment[0]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class lion_class = {
    .name = "Lion",
    CNN__OPTIMIZER_OPTIONS(cnn_lion_options, lion_hypers),
    .moment_count = 1,
    .moment_names = { "exp_avg" },
    .update = lion_update,
};

#define NAME lion
#define OPTIONS cnn_lion_options
#define CLASS lion_class
#include "optim/calls_impl.h"
