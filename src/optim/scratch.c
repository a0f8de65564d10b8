/* Launches that several optimizers have in common. */
#include "optim/scratch.h"

static const cnn_norm_parameters squares = { .p = 2, .first = true };

cnn_status cnn__optim_launch(const cnn_tensor *p, cnn_launch *l, void *workspace)
{
    l->workspace = workspace;
    return cnn__launch(p->ctx, "optimizer_step", l);
}

size_t cnn__optim_squares_workspace(const cnn_tensor *p)
{
    cnn_launch l = CNN__LAUNCH(NORM, p->dtype, CNN__PARAMETERS(squares), .count = p->numel);
    return cnn__launch_workspace(p->ctx, &l);
}

cnn_status cnn__optim_squares(const cnn_tensor *p, const void *x, double *total, void *workspace)
{
    cnn_launch l =
        CNN__LAUNCH(NORM, p->dtype, CNN__PARAMETERS(squares), .count = p->numel, .in = { x }, .out = { total });
    return cnn__optim_launch(p, &l, workspace);
}

cnn_status cnn__optim_two_squares(const cnn_tensor *p, const void *x, const void *y, double *total, char *next)
{
    const cnn_status status = cnn__optim_squares(p, x, &total[0], next);
    next += cnn__optim_part(cnn__optim_squares_workspace(p));
    return status == CNN_OK ? cnn__optim_squares(p, y, &total[1], next) : status;
}
