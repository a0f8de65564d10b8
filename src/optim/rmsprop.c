/* RMSprop (Hinton 2012; centered: Graves 2013) with torch.optim's options and defaults. */
#include "optim/optimizer.h"

enum { RMSPROP_LR, ALPHA, RMSPROP_EPS, RMSPROP_WEIGHT_DECAY, RMSPROP_MOMENTUM, CENTERED, RMSPROP_MAXIMIZE };
enum { SQUARE_AVG, MOMENTUM_BUFFER, GRAD_AVG };

static const cnn__hyper rmsprop_hypers[] = {
    CNN__HYPER(cnn_rmsprop_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1e-2),
    CNN__HYPER(cnn_rmsprop_options, alpha, CNN_OPTION_ALPHA, BELOW_ONE, 0.99),
    CNN__HYPER(cnn_rmsprop_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-8),
    CNN__HYPER(cnn_rmsprop_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_rmsprop_options, momentum, CNN_OPTION_MOMENTUM, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_rmsprop_options, centered, CNN_OPTION_CENTERED, SWITCH, 0),
    CNN__HYPER(cnn_rmsprop_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static bool rmsprop_needs(const double *hyper, int k)
{
    return k == SQUARE_AVG || hyper[k == GRAD_AVG ? CENTERED : RMSPROP_MOMENTUM] != 0;
}

static cnn_status rmsprop_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_tensor *const *m = slot->moment;
    cnn_rmsprop_parameters s = { .lr = hyper[RMSPROP_LR],
                                 .alpha = hyper[ALPHA],
                                 .eps = hyper[RMSPROP_EPS],
                                 .weight_decay = hyper[RMSPROP_WEIGHT_DECAY],
                                 .momentum = hyper[RMSPROP_MOMENTUM],
                                 .maximize = hyper[RMSPROP_MAXIMIZE] != 0 };
    cnn_launch l = CNN__LAUNCH(RMSPROP, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data(m[SQUARE_AVG]), cnn__data_or_null(m[MOMENTUM_BUFFER]),
                                        cnn__data_or_null(m[GRAD_AVG]) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class rmsprop_class = {
    .name = "RMSprop",
    CNN__OPTIMIZER_OPTIONS(cnn_rmsprop_options, rmsprop_hypers),
    .moment_count = 3,
    .moment_names = { "square_avg", "momentum_buffer", "grad_avg" },
    .needs = rmsprop_needs,
    .update = rmsprop_update,
};

#define NAME rmsprop
#define OPTIONS cnn_rmsprop_options
#define CLASS rmsprop_class
#include "optim/calls_impl.h"
