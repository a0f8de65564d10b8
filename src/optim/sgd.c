/* Stochastic gradient descent with momentum (Sutskever et al. 2013), with the formula of torch.optim.SGD. */
#include "optim/optimizer.h"

#include <math.h>

enum { SGD_LR, SGD_MOMENTUM, DAMPENING, SGD_WEIGHT_DECAY, NESTEROV, SGD_MAXIMIZE };

static bool sgd_needs(const double *hyper, int k)
{
    (void)k;
    return hyper[SGD_MOMENTUM] != 0;
}

static const cnn__hyper sgd_hypers[] = {
    CNN__HYPER(cnn_sgd_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, NAN),
    CNN__HYPER(cnn_sgd_options, momentum, CNN_OPTION_MOMENTUM, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_sgd_options, dampening, CNN_OPTION_DAMPENING, ANY_FINITE, 0),
    CNN__HYPER(cnn_sgd_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_sgd_options, nesterov, CNN_OPTION_NESTEROV, SWITCH, 0),
    CNN__HYPER(cnn_sgd_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static cnn_status sgd_check(const cnn_context *ctx, const char *call, const double *hyper)
{
    if (hyper[NESTEROV] != 0 && (!(hyper[SGD_MOMENTUM] > 0) || hyper[DAMPENING] != 0)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                         "%s: nesterov needs momentum > 0 and dampening 0, momentum is %s and dampening %s", call,
                         CNN__G(hyper[SGD_MOMENTUM]), CNN__G(hyper[DAMPENING]));
    }
    return CNN_OK;
}

static cnn_status sgd_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter, *buffer = slot->moment[0];
    cnn_sgd_parameters s = { .lr = hyper[SGD_LR],
                             .momentum = hyper[SGD_MOMENTUM],
                             .dampening = hyper[DAMPENING],
                             .weight_decay = hyper[SGD_WEIGHT_DECAY],
                             .nesterov = hyper[NESTEROV] != 0,
                             .maximize = hyper[SGD_MAXIMIZE] != 0,
                             .first = slot->steps == 1 };
    cnn_launch l = CNN__LAUNCH(SGD, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data_or_null(buffer) });
    return cnn__launch(p->ctx, "optimizer_step", &l);
}

static const cnn__optimizer_class sgd_class = {
    .name = "SGD",
    CNN__OPTIMIZER_OPTIONS(cnn_sgd_options, sgd_hypers),
    .moment_count = 1,
    .moment_names = { "momentum_buffer" },
    .needs = sgd_needs,
    .check = sgd_check,
    .update = sgd_update,
};

#define NAME sgd
#define OPTIONS cnn_sgd_options
#define CLASS sgd_class
#include "optim/calls_impl.h"
