/* LARS (You, Gitman & Ginsburg 2017, algorithm 1). */
#include "optim/scratch.h"

#include <math.h>

enum { LARS_LR, LARS_MOMENTUM, LARS_WEIGHT_DECAY, LARS_TRUST_COEFFICIENT, LARS_MAXIMIZE };

static const cnn__hyper lars_hypers[] = {
    CNN__HYPER(cnn_lars_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, NAN),
    CNN__HYPER(cnn_lars_options, momentum, CNN_OPTION_MOMENTUM, NOT_NEGATIVE, 0.9),
    CNN__HYPER(cnn_lars_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0),
    CNN__HYPER(cnn_lars_options, trust_coefficient, CNN_OPTION_TRUST_COEFFICIENT, NOT_NEGATIVE, 1e-3),
    CNN__HYPER(cnn_lars_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static bool lars_needs(const double *hyper, int k)
{
    (void)k;
    return hyper[LARS_MOMENTUM] != 0;
}

static size_t lars_scratch(const cnn_tensor *p)
{
    return cnn__optim_part(2 * sizeof(double)) + 2 * cnn__optim_part(cnn__optim_squares_workspace(p));
}

/* The two norms stay on the device. */
static cnn_status lars_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_lars_parameters s = { .lr = hyper[LARS_LR],
                              .momentum = hyper[LARS_MOMENTUM],
                              .weight_decay = hyper[LARS_WEIGHT_DECAY],
                              .trust_coefficient = hyper[LARS_TRUST_COEFFICIENT],
                              .maximize = hyper[LARS_MAXIMIZE] != 0 };
    char *next = cnn__optim_scratch(slot);
    double *total = cnn__optim_take(&next, 2 * sizeof *total);
    cnn_launch l = CNN__LAUNCH(LARS, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad), total },
                               .out = { cnn__data(p), cnn__data_or_null(slot->moment[0]) });
    cnn_status status = cnn__optim_two_squares(p, cnn__data(p), cnn__data(grad), total, next);
    return status == CNN_OK ? cnn__optim_launch(p, &l, NULL) : status;
}

static const cnn__optimizer_class lars_class = {
    .name = "LARS",
    CNN__OPTIMIZER_OPTIONS(cnn_lars_options, lars_hypers),
    .moment_count = 1,
    .moment_names = { "momentum_buffer" },
    .needs = lars_needs,
    .scratch = lars_scratch,
    .update = lars_update,
};

#define NAME lars
#define OPTIONS cnn_lars_options
#define CLASS lars_class
#include "optim/calls_impl.h"
