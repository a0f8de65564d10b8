/* Adagrad (Duchi, Hazan & Singer 2011) with the formula of torch.optim.Adagrad. */
#include "optim/optimizer.h"

enum {
    ADAGRAD_LR,
    ADAGRAD_LR_DECAY,
    ADAGRAD_WEIGHT_DECAY,
    ADAGRAD_INITIAL_ACCUMULATOR_VALUE,
    ADAGRAD_EPS,
    ADAGRAD_MAXIMIZE
};

static const cnn__hyper adagrad_hypers[] = {
    CNN__HYPER(cnn_adagrad_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1e-2),
    CNN__HYPER(cnn_adagrad_options, lr_decay, CNN_OPTION_LR_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_adagrad_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_adagrad_options, initial_accumulator_value, CNN_OPTION_INITIAL_ACCUMULATOR_VALUE, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_adagrad_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-10),
    CNN__HYPER(cnn_adagrad_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static double adagrad_first(const double *hyper, int k)
{
    (void)k;
    return hyper[ADAGRAD_INITIAL_ACCUMULATOR_VALUE];
}

static cnn_status adagrad_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_adagrad_parameters s = { .lr = hyper[ADAGRAD_LR] / (1 + (double)(slot->steps - 1) * hyper[ADAGRAD_LR_DECAY]),
                                 .eps = hyper[ADAGRAD_EPS],
                                 .weight_decay = hyper[ADAGRAD_WEIGHT_DECAY],
                                 .maximize = hyper[ADAGRAD_MAXIMIZE] != 0 };
    cnn_launch l = CNN__LAUNCH(ADAGRAD, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data(slot->moment[0]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class adagrad_class = {
    .name = "Adagrad",
    CNN__OPTIMIZER_OPTIONS(cnn_adagrad_options, adagrad_hypers),
    .moment_count = 1,
    .moment_names = { "sum" },
    .first = adagrad_first,
    .update = adagrad_update,
};

#define NAME adagrad
#define OPTIONS cnn_adagrad_options
#define CLASS adagrad_class
#include "optim/calls_impl.h"
