/* Muon (Jordan et al. 2024) with the formula of torch.optim.Muon: the update is the momentum, with its singular values
 * brought near 1 by a Newton–Schulz iteration, X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ. A matrix with more rows than
 * columns is multiplied from the other side, with A = Xᵀ·X, so that A has the smaller of both sizes. */
#include "optim/scratch.h"

#include <math.h>

enum {
    MUON_LR,
    MUON_WEIGHT_DECAY,
    MUON_MOMENTUM,
    MUON_NO_NESTEROV,
    MUON_A,
    MUON_B,
    MUON_C,
    MUON_EPS,
    MUON_NS_STEPS,
    MUON_MATCH_RMS_ADAMW,
    MUON_SPECTRAL_UNCLAMPED
};

static const cnn__hyper muon_hypers[] = {
    CNN__HYPER(cnn_muon_options, lr, CNN_OPTION_LR, NOT_NEGATIVE, 1e-3),
    CNN__HYPER(cnn_muon_options, weight_decay, CNN_OPTION_WEIGHT_DECAY, NOT_NEGATIVE, 0.1),
    CNN__HYPER(cnn_muon_options, momentum, CNN_OPTION_MOMENTUM, NOT_NEGATIVE, 0.95),
    CNN__HYPER(cnn_muon_options, no_nesterov, CNN_OPTION_NO_NESTEROV, SWITCH, 0),
    CNN__HYPER(cnn_muon_options, ns_a, CNN_OPTION_NS_A, ANY_FINITE, 3.4445),
    CNN__HYPER(cnn_muon_options, ns_b, CNN_OPTION_NS_B, ANY_FINITE, -4.775),
    CNN__HYPER(cnn_muon_options, ns_c, CNN_OPTION_NS_C, ANY_FINITE, 2.0315),
    CNN__HYPER(cnn_muon_options, eps, CNN_OPTION_EPS, NOT_NEGATIVE, 1e-7),
    CNN__HYPER(cnn_muon_options, ns_steps, CNN_OPTION_NS_STEPS, NOT_NEGATIVE, 5),
    CNN__HYPER(cnn_muon_options, match_rms_adamw, CNN_OPTION_MATCH_RMS_ADAMW, SWITCH, 0),
    CNN__HYPER(cnn_muon_options, spectral_unclamped, CNN_OPTION_SPECTRAL_UNCLAMPED, SWITCH, 0),
};

static cnn_status muon_check(const cnn_context *ctx, const char *call, const double *hyper)
{
    double steps = hyper[MUON_NS_STEPS];
    if (!(steps <= 99) || steps != floor(steps)) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: ns_steps is %s, expected a whole number from 0 to 99",
                         call, CNN__G(steps));
    }
    return hyper[MUON_MATCH_RMS_ADAMW] != 0 && hyper[MUON_SPECTRAL_UNCLAMPED] != 0
               ? cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT,
                           "%s: match_rms_adamw is 1 and spectral_unclamped is 1, expected one of them", call)
               : CNN_OK;
}

/* ---- scratch memory ---- */

/* The parameter as a matrix, and what is computed on the way. */
typedef struct muon_job {
    const cnn_tensor *p;
    int64_t rows, columns, side; /* the side is the smaller one */
    double *total;               /* the update's squares */
    void *x, *product;           /* [rows, columns] */
    void *a, *b;                 /* [side, side] */
    void *workspace;
} muon_job;

/* Filters of a convolution are rows, as in the paper's own code. */
static muon_job muon_matrix(const cnn_tensor *p)
{
    int64_t rows = p->shape[0], columns = rows ? p->numel / rows : 0;
    return (muon_job){ .p = p, .rows = rows, .columns = columns, .side = rows < columns ? rows : columns };
}

/* Places everything behind `next`. */
static void muon_place(muon_job *j, char *next)
{
    size_t size = cnn_dtype_size(j->p->dtype);
    size_t matrix = (size_t)j->p->numel * size, square = (size_t)(j->side * j->side) * size;
    j->total = cnn__optim_take(&next, sizeof *j->total);
    j->x = cnn__optim_take(&next, matrix);
    j->product = cnn__optim_take(&next, matrix);
    j->a = cnn__optim_take(&next, square);
    j->b = cnn__optim_take(&next, square);
    j->workspace = next;
}

/* ---- products ---- */

/* A = X·Xᵀ or Xᵀ·X. */
static cnn_gemm muon_gram(const muon_job *j)
{
    bool wide = j->rows == j->side;
    return (cnn_gemm){ .trans_a = !wide,
                       .trans_b = wide,
                       .m = j->side,
                       .n = j->side,
                       .k = wide ? j->columns : j->rows,
                       .lda = j->columns,
                       .ldb = j->columns,
                       .ldc = j->side };
}

static cnn_gemm muon_square(const muon_job *j)
{
    int64_t n = j->side;
    return (cnn_gemm){ .m = n, .n = n, .k = n, .lda = n, .ldb = n, .ldc = n };
}

/* B·X or X·B. */
static cnn_gemm muon_apply(const muon_job *j)
{
    bool wide = j->rows == j->side;
    return (cnn_gemm){ .m = j->rows,
                       .n = j->columns,
                       .k = j->side,
                       .lda = wide ? j->side : j->columns,
                       .ldb = j->columns,
                       .ldc = j->columns };
}

static size_t muon_product_workspace(const muon_job *j, cnn_gemm g)
{
    cnn_launch l = CNN__LAUNCH(GEMM, j->p->dtype, CNN__PARAMETERS(g));
    return cnn__launch_workspace(j->p->ctx, &l);
}

static size_t muon_scratch(const cnn_tensor *p)
{
    muon_job j = muon_matrix(p);
    const size_t size = cnn_dtype_size(p->dtype), square = (size_t)(j.side * j.side) * size;
    size_t needed[] = { muon_product_workspace(&j, muon_gram(&j)), muon_product_workspace(&j, muon_square(&j)),
                        muon_product_workspace(&j, muon_apply(&j)), cnn__optim_squares_workspace(p) };
    size_t most = 0;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        most = needed[i] > most ? needed[i] : most;
    }
    return cnn__optim_part(sizeof *j.total) + 2 * cnn__optim_part((size_t)p->numel * size) +
           2 * cnn__optim_part(square) + cnn__optim_part(most);
}

static cnn_status muon_multiply(const muon_job *j, cnn_gemm g, const void *a, const void *b, void *c)
{
    cnn_launch l = CNN__LAUNCH(GEMM, j->p->dtype, CNN__PARAMETERS(g), .in = { a, b }, .out = { c });
    return cnn__optim_launch(j->p, &l, j->workspace);
}

/* y ← alpha·x (/ the norm of the update, at least eps) + beta·y, over n numbers */
static cnn_status muon_combine(const muon_job *j, int64_t n, cnn_combine_parameters s, const void *x,
                               const double *total, void *y)
{
    cnn_launch l = CNN__LAUNCH(COMBINE, j->p->dtype, CNN__PARAMETERS(s), .count = n, .in = { x, total }, .out = { y });
    return cnn__optim_launch(j->p, &l, NULL);
}

/* ---- the step ---- */

/* The products and sums of a step of the iteration. */
enum { MUON_GRAM, MUON_SQUARE, MUON_ADD_A, MUON_APPLY, MUON_ADD_X, MUON_PHASES };

static cnn_status muon_iterate(const muon_job *j, const double *hyper, int phase)
{
    const cnn_combine_parameters add_a = { .alpha = hyper[MUON_B], .beta = hyper[MUON_C] };
    const cnn_combine_parameters add_x = { .alpha = 1, .beta = hyper[MUON_A] };
    const bool wide = j->rows == j->side;
    switch (phase) {
    case MUON_GRAM: return muon_multiply(j, muon_gram(j), j->x, j->x, j->a);
    case MUON_SQUARE: return muon_multiply(j, muon_square(j), j->a, j->a, j->b);
    case MUON_ADD_A: return muon_combine(j, j->side * j->side, add_a, j->a, NULL, j->b);
    case MUON_APPLY: return muon_multiply(j, muon_apply(j), wide ? j->b : j->x, wide ? j->x : j->b, j->product);
    default: return muon_combine(j, j->p->numel, add_x, j->product, NULL, j->x);
    }
}

/* The update, with a norm of 1, in X; the product's memory holds it before. */
static cnn_status muon_begin(const muon_job *j, const double *hyper, const cnn__slot *slot, const cnn_tensor *grad)
{
    const cnn_muon_parameters s = { .momentum = hyper[MUON_MOMENTUM], .nesterov = hyper[MUON_NO_NESTEROV] == 0 };
    const cnn_combine_parameters normalise = { .alpha = 1, .eps = hyper[MUON_EPS] };
    cnn_launch l = CNN__LAUNCH(MUON, j->p->dtype, CNN__PARAMETERS(s), .count = j->p->numel, .in = { cnn__data(grad) },
                               .out = { j->product, cnn__data(slot->moment[0]) });
    cnn_status status = cnn__optim_launch(j->p, &l, NULL);
    if (status == CNN_OK) {
        status = cnn__optim_squares(j->p, j->product, j->total, j->workspace);
    }
    return status == CNN_OK ? muon_combine(j, j->p->numel, normalise, j->product, j->total, j->x) : status;
}

/* What the learning rate is multiplied by. */
static double muon_ratio(const muon_job *j, const double *hyper)
{
    double rows = (double)j->rows, columns = (double)j->columns;
    if (hyper[MUON_MATCH_RMS_ADAMW] != 0) {
        return 0.2 * sqrt(rows > columns ? rows : columns);
    }
    return rows > columns || hyper[MUON_SPECTRAL_UNCLAMPED] != 0 ? sqrt(rows / columns) : 1;
}

/* The beginning, the phases of each step of the iteration, and the move. */
static int muon_phases(const double *hyper)
{
    return 2 + MUON_PHASES * (int)hyper[MUON_NS_STEPS];
}

static cnn_status muon_update(const double *hyper, const cnn__slot *slot, const cnn_tensor *grad, int phase)
{
    muon_job j = muon_matrix(slot->parameter);
    if (j.p->numel == 0) {
        return CNN_OK;
    }
    muon_place(&j, cnn__optim_scratch(slot));
    if (phase == 0) {
        return muon_begin(&j, hyper, slot, grad);
    }
    if (phase < muon_phases(hyper) - 1) {
        return muon_iterate(&j, hyper, (phase - 1) % MUON_PHASES);
    }
    const cnn_combine_parameters move = { .alpha = -hyper[MUON_LR] * muon_ratio(&j, hyper),
                                          .beta = 1 - hyper[MUON_LR] * hyper[MUON_WEIGHT_DECAY] };
    return muon_combine(&j, j.p->numel, move, j.x, NULL, cnn__data(j.p));
}

static const cnn__optimizer_class muon_class = {
    .name = "Muon",
    CNN__OPTIMIZER_OPTIONS(cnn_muon_options, muon_hypers),
    .min_ndim = 2,
    .moment_count = 1,
    .moment_names = { "momentum_buffer" },
    .check = muon_check,
    .scratch = muon_scratch,
    .phases = muon_phases,
    .update = muon_update,
};

#define NAME muon
#define OPTIONS cnn_muon_options
#define CLASS muon_class
#include "optim/calls_impl.h"
