/* The steps of the optimizers: kernels/optimizers.cu. The numbers are those of src/kernels/optimizers_*_impl.h, made in
 * double and rounded by the kernel. */
#include "planner.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* A step of one parameter: its operands, a flag and its numbers. The rest of the table is not cleared. */
static void step(planner *p, const char *kernel, size_t element, table_row row, bool flag, const double *value,
                 size_t values)
{
    table_arguments a;
    memset(&a, 0, offsetof(table_arguments, row));
    a.element = (int64_t)element;
    a.flag = flag;
    memcpy(a.value, value, values);
    a.row[0] = row;
    plan_table(p, kernel, &a);
}

#define VALUES(...) (const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ })
#define STEP(p, name, flag, ...) \
    step(p, REAL_OF((p)->l->dtype, name), plan_size((p)->l->dtype), \
         (table_row){ .in = { (p)->l->in[0], (p)->l->in[1] }, \
                      .out = { (p)->l->out[0], (p)->l->out[1], (p)->l->out[2], (p)->l->out[3] }, \
                      .n = (p)->l->count }, \
         flag, VALUES(__VA_ARGS__))

static double sign_of(bool maximize)
{
    return maximize ? -1 : 1;
}

/* Returns the factor that the mean of gradients moves with: from 0.5 on it is reached from the other side. */
static double toward_of(const planner *p, double beta1)
{
    const double take = 1 - beta1;
    const bool far = p->l->dtype == CNN_F64 ? take >= 0.5 : (float)take >= 0.5f;
    return far ? -beta1 : take;
}

void plan_adam(planner *p)
{
    const cnn_adam_parameters *g = p->l->parameters;
    STEP(p, "adam", false, sign_of(g->maximize), g->decoupled ? 1 - g->lr * g->weight_decay : 1,
         g->decoupled ? 0 : g->weight_decay, 1 - g->beta1, toward_of(p, g->beta1), g->beta2, 1 - g->beta2,
         g->lr / g->bias1, sqrt(g->bias2), g->eps);
}

void plan_nadam(planner *p)
{
    const cnn_nadam_parameters *g = p->l->parameters;
    const double keep = g->decoupled ? 1 - g->lr * g->weight_decay : 1, l2 = g->decoupled ? 0 : g->weight_decay;
    const table_row row = { .in = { p->l->in[0], p->l->out[3] },
                            .out = { p->l->out[0], p->l->out[1], p->l->out[2] },
                            .n = p->l->count };
    step(p, REAL_OF(p->l->dtype, "nadam_product"), sizeof(double), (table_row){ .out = { p->l->out[3] }, .n = 1 },
         false, VALUES(g->mu));
    step(p, REAL_OF(p->l->dtype, "moments"), plan_size(p->l->dtype), row, false,
         VALUES(sign_of(g->maximize), keep, l2, 1 - g->beta1, toward_of(p, g->beta1), g->beta2, 1 - g->beta2,
                1 / sqrt(g->bias2), g->eps, g->lr, g->mu, g->mu_next));
}

void plan_radam(planner *p)
{
    const cnn_radam_parameters *g = p->l->parameters;
    const bool rectified = g->rectification != 0;
    STEP(p, "moments", false, sign_of(g->maximize), g->decoupled ? 1 - g->lr * g->weight_decay : 1,
         g->decoupled ? 0 : g->weight_decay, 1 - g->beta1, toward_of(p, g->beta1), g->beta2, 1 - g->beta2, rectified,
         g->eps, g->lr / g->bias1 * (rectified ? g->rectification * sqrt(g->bias2) : 1));
}

void plan_lamb(planner *p)
{
    const cnn_lamb_parameters *g = p->l->parameters;
    STEP(p, "moments", true, sign_of(g->maximize), 1, g->weight_decay, 1 - g->beta1, toward_of(p, g->beta1), g->beta2,
         1 - g->beta2, 1 / sqrt(g->bias2), g->eps, 1 / g->bias1);
}

void plan_adamax(planner *p)
{
    const cnn_adamax_parameters *g = p->l->parameters;
    STEP(p, "adamax", false, sign_of(g->maximize), g->weight_decay, 1 - g->beta1, toward_of(p, g->beta1), g->beta2,
         g->eps, g->lr / g->bias1);
}

void plan_sgd(planner *p)
{
    const cnn_sgd_parameters *g = p->l->parameters;
    STEP(p, "sgd", g->first, sign_of(g->maximize), g->weight_decay, g->momentum, 1 - g->dampening, g->lr,
         g->nesterov ? g->momentum : 1, g->nesterov);
}

void plan_lion(planner *p)
{
    const cnn_lion_parameters *g = p->l->parameters;
    STEP(p, "lion", false, sign_of(g->maximize), 1 - g->lr * g->weight_decay, g->beta1, 1 - g->beta1, g->beta2,
         1 - g->beta2, g->lr);
}

void plan_lars(planner *p)
{
    const cnn_lars_parameters *g = p->l->parameters;
    STEP(p, "lars", g->maximize, g->lr, g->trust_coefficient, g->weight_decay, g->momentum);
}

void plan_muon(planner *p)
{
    const cnn_muon_parameters *g = p->l->parameters;
    STEP(p, "muon", g->nesterov, g->momentum, 1 - g->momentum);
}

void plan_combine(planner *p)
{
    const cnn_combine_parameters *g = p->l->parameters;
    STEP(p, "combine", false, g->alpha, g->beta, g->eps);
}

void plan_rmsprop(planner *p)
{
    const cnn_rmsprop_parameters *g = p->l->parameters;
    STEP(p, "rmsprop", false, sign_of(g->maximize), g->weight_decay, g->alpha, 1 - g->alpha, g->eps, g->momentum,
         g->lr);
}

void plan_adagrad(planner *p)
{
    const cnn_adagrad_parameters *g = p->l->parameters;
    STEP(p, "adagrad", false, sign_of(g->maximize), g->weight_decay, g->eps, g->lr);
}

void plan_adadelta(planner *p)
{
    const cnn_adadelta_parameters *g = p->l->parameters;
    STEP(p, "adadelta", false, sign_of(g->maximize), g->weight_decay, g->rho, 1 - g->rho, g->eps, g->lr);
}
