/* LAMB (You et al. 2020, algorithm 2): Adam's direction, and a step of LARS without momentum along it. */
#include "optim/scratch.h"

#include "base/math.h"

enum { LAMB_LR, LAMB_BETA1, LAMB_BETA2, LAMB_EPS, LAMB_WEIGHT_DECAY, LAMB_MAXIMIZE };

static const cnn__hyper lamb_hypers[] = {
    CNN__HYPER(cnn_lamb_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1e-3),
    CNN__HYPER(cnn_lamb_options, beta1, CNN_OPTION_BETA1, BELOW_ONE, 0.9),
    CNN__HYPER(cnn_lamb_options, beta2, CNN_OPTION_BETA2, BELOW_ONE, 0.999),
    CNN__HYPER(cnn_lamb_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-6),
    CNN__HYPER(cnn_lamb_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 1e-2),
    CNN__HYPER(cnn_lamb_options, maximize, CNN_OPTION_MAXIMIZE, SWITCH, 0),
};

static size_t lamb_direction_bytes(const cnn_tensor *p)
{
    return (size_t)p->numel * cnn_dtype_size(p->dtype);
}

static size_t lamb_scratch(const cnn_tensor *p)
{
    return cnn__optim_part(2 * sizeof(double)) + cnn__optim_part(lamb_direction_bytes(p)) +
           2 * cnn__optim_part(cnn__optim_squares_workspace(p));
}

/* p ← p − lr · ‖p‖ / ‖u‖ · u */
static cnn_status lamb_move(const double *hyper, const cnn__slot *slot, void *u, double *total, char *next)
{
    const cnn_tensor *p = slot->parameter;
    const cnn_lars_parameters s = { .lr = hyper[LAMB_LR], .trust_coefficient = 1 };
    cnn_launch l =
        CNN__LAUNCH(LARS, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { u, total }, .out = { cnn__data(p) });
    cnn_status status = cnn__optim_two_squares(p, cnn__data(p), u, total, next);
    return status == CNN_OK ? cnn__optim_launch(p, &l, NULL) : status;
}

static cnn_status lamb_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    (void)phase;
    const cnn_tensor *p = slot->parameter;
    cnn_lamb_parameters s = { .beta1 = hyper[LAMB_BETA1],
                              .beta2 = hyper[LAMB_BETA2],
                              .eps = hyper[LAMB_EPS],
                              .weight_decay = hyper[LAMB_WEIGHT_DECAY],
                              .maximize = hyper[LAMB_MAXIMIZE] != 0 };
    s.bias1 = 1 - cnn__pow_f64(s.beta1, (double)slot->steps);
    s.bias2 = 1 - cnn__pow_f64(s.beta2, (double)slot->steps);
    char *next = cnn__optim_scratch(slot);
    double *total = cnn__optim_take(&next, 2 * sizeof *total);
    void *u = cnn__optim_take(&next, lamb_direction_bytes(p));
    cnn_launch l = CNN__LAUNCH(LAMB, p->dtype, CNN__PARAMETERS(s), .count = p->numel, .in = { cnn__data(grad) },
                               .out = { cnn__data(p), cnn__data(slot->moment[0]), cnn__data(slot->moment[1]), u });
    cnn_status status = cnn__optim_launch(p, &l, NULL);
    return status == CNN_OK ? lamb_move(hyper, slot, u, total, next) : status;
}

static const cnn__optimizer_class lamb_class = {
    .name = "LAMB",
    CNN__OPTIMIZER_OPTIONS(cnn_lamb_options, lamb_hypers),
    .moment_count = 2,
    .moment_names = { "exp_avg", "exp_avg_sq" },
    .scratch = lamb_scratch,
    .update = lamb_update,
};

#define NAME lamb
#define OPTIONS cnn_lamb_options
#define CLASS lamb_class
#include "optim/calls_impl.h"
