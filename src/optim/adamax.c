/* Adamax (Kingma & Ba 2015, section 7.1) with the formula of torch.optim.Adamax. */
#include "optim/optimizer.h"

#include "base/math.h"

enum { ADAMAX_LR, ADAMAX_BETA1, ADAMAX_BETA2, ADAMAX_EPS, ADAMAX_WEIGHT_DECAY, ADAMAX_MAXIMIZE };

static const cnn__hyper adamax_hypers[] = {
    CNN__HYPER(cnn_adamax_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 2e-3),
    CNN__HYPER(cnn_adamax_options, beta1, CNN_OPTION_BETA1, BELOW_ONE, 0.9),
    CNN__HYPER(cnn_adamax_options, beta2, CNN_OPTION_BETA2, BELOW_ONE, 0.999),
    CNN__HYPER(cnn_adamax_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-8),
    CNN__HYPER(cnn_adamax_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_adamax_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static cnn_status adamax_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_adamax_parameters s = { .lr = hyper[ADAMAX_LR],
                                .beta1 = hyper[ADAMAX_BETA1],
                                .beta2 = hyper[ADAMAX_BETA2],
                                .eps = hyper[ADAMAX_EPS],
                                .weight_decay = hyper[ADAMAX_WEIGHT_DECAY],
                                .maximize = hyper[ADAMAX_MAXIMIZE] != 0 };
    s.bias1 = 1 - cnn__pow_f64(s.beta1, (double)slot->steps);
    cnn_launch l = CNN__LAUNCH(ADAMAX, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data(slot->moment[0]), cnn__data(slot->moment[1]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class adamax_class = {
    .name = "Adamax",
    CNN__OPTIMIZER_OPTIONS(cnn_adamax_options, adamax_hypers),
    .moment_count = 2,
    .moment_names = { "exp_avg", "exp_inf" },
    .update = adamax_update,
};

#define NAME adamax
#define OPTIONS cnn_adamax_options
#define CLASS adamax_class
#include "optim/calls_impl.h"
