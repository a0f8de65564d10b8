/* Adadelta (Zeiler 2012) with the formula of torch.optim.Adadelta. */
#include "optim/optimizer.h"

enum { ADADELTA_LR, ADADELTA_RHO, ADADELTA_EPS, ADADELTA_WEIGHT_DECAY, ADADELTA_MAXIMIZE };

static const cnn__hyper adadelta_hypers[] = {
    CNN__HYPER(cnn_adadelta_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1),
    CNN__HYPER(cnn_adadelta_options, rho, CNN_OPTION_RHO, BELOW_ONE, 0.9),
    CNN__HYPER(cnn_adadelta_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-6),
    CNN__HYPER(cnn_adadelta_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_adadelta_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static cnn_status adadelta_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_adadelta_parameters s = { .lr = hyper[ADADELTA_LR],
                                  .rho = hyper[ADADELTA_RHO],
                                  .eps = hyper[ADADELTA_EPS],
                                  .weight_decay = hyper[ADADELTA_WEIGHT_DECAY],
                                  .maximize = hyper[ADADELTA_MAXIMIZE] != 0 };
    cnn_launch l = CNN__LAUNCH(ADADELTA, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data(slot->moment[0]), cnn__data(slot->moment[1]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class adadelta_class = {
    .name = "Adadelta",
    CNN__OPTIMIZER_OPTIONS(cnn_adadelta_options, adadelta_hypers),
    .moment_count = 2,
    .moment_names = { "square_avg", "acc_delta" },
    .update = adadelta_update,
};

#define NAME adadelta
#define OPTIONS cnn_adadelta_options
#define CLASS adadelta_class
#include "optim/calls_impl.h"
