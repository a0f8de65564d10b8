/* Losses of torch.nn.functional that are a function of each element: mse_loss, l1_loss, smooth_l1_loss, huber_loss,
 * binary_cross_entropy, binary_cross_entropy_with_logits, kl_div, soft_margin_loss, poisson_nll_loss,
 * gaussian_nll_loss. Formulas and slopes are in kernels/array/element_loss_impl.h; each loss here is a descriptor and
 * its function, which says what its options mean. */
#include "ops/element_loss.h"

#include <math.h>

/* ---- differences ---- */

static const cnn__op mse_loss_op = CNN__ELEMENT_LOSS_OP(mse_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_mse_loss(cnn_tensor *input, cnn_tensor *target, const cnn_loss_options *options)
{
    cnn_loss_options o;
    cnn__element_loss l = { .function = CNN_LOSS_SQUARED };
    l.status = CNN__OPTIONS_READ(NULL, "mse_loss", &o, options);
    l.reduction = (int)o.reduction;
    return cnn__element_loss_apply(&mse_loss_op, &l, input, target, NULL, NULL);
}

static const cnn__op l1_loss_op = CNN__ELEMENT_LOSS_OP(l1_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_l1_loss(cnn_tensor *input, cnn_tensor *target, const cnn_loss_options *options)
{
    cnn_loss_options o;
    cnn__element_loss l = { .function = CNN_LOSS_ABSOLUTE };
    l.status = CNN__OPTIONS_READ(NULL, "l1_loss", &o, options);
    l.reduction = (int)o.reduction;
    return cnn__element_loss_apply(&l1_loss_op, &l, input, target, NULL, NULL);
}

static const cnn__op smooth_l1_loss_op =
    CNN__ELEMENT_LOSS_OP(smooth_l1_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_smooth_l1_loss(cnn_tensor *input, cnn_tensor *target, const cnn_smooth_l1_loss_options *options)
{
    cnn_smooth_l1_loss_options o;
    cnn__element_loss l = { .name = "beta", .range = CNN__LOSS_NOT_NEGATIVE };
    l.status = CNN__OPTIONS_READ(NULL, "smooth_l1_loss", &o, options);
    l.reduction = (int)o.reduction;
    l.value[0] = cnn__option(o.beta, 1);
    l.function = (int)(l.value[0] == 0 ? CNN_LOSS_ABSOLUTE : CNN_LOSS_SMOOTH_L1);
    return cnn__element_loss_apply(&smooth_l1_loss_op, &l, input, target, NULL, NULL);
}

static const cnn__op huber_loss_op = CNN__ELEMENT_LOSS_OP(huber_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_huber_loss(cnn_tensor *input, cnn_tensor *target, const cnn_huber_loss_options *options)
{
    cnn_huber_loss_options o;
    cnn__element_loss l = { .function = CNN_LOSS_HUBER, .name = "delta", .range = CNN__LOSS_POSITIVE };
    l.status = CNN__OPTIONS_READ(NULL, "huber_loss", &o, options);
    l.reduction = (int)o.reduction;
    l.value[0] = cnn__option(o.delta, 1);
    return cnn__element_loss_apply(&huber_loss_op, &l, input, target, NULL, NULL);
}

/* ---- probabilities ---- */

static const cnn__op binary_cross_entropy_op =
    CNN__ELEMENT_LOSS_OP(binary_cross_entropy, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_binary_cross_entropy(cnn_tensor *input, cnn_tensor *target, const cnn_bce_options *options)
{
    cnn_bce_options o;
    cnn__element_loss l = { .function = CNN_LOSS_BINARY, .same_shape = true, .constants = { NULL, "weight" } };
    l.status = CNN__OPTIONS_READ(NULL, "binary_cross_entropy", &o, options);
    l.reduction = (int)o.reduction;
    return cnn__element_loss_apply(&binary_cross_entropy_op, &l, input, target, NULL,
                                   l.status == CNN_OK ? o.weight : NULL);
}

static const cnn__op binary_cross_entropy_with_logits_op =
    CNN__ELEMENT_LOSS_OP(binary_cross_entropy_with_logits, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_binary_cross_entropy_with_logits(cnn_tensor *input, cnn_tensor *target,
                                                 const cnn_bce_with_logits_options *options)
{
    cnn_bce_with_logits_options o;
    cnn__element_loss l = { .function = CNN_LOSS_LOGISTIC,
                            .same_shape = true,
                            .constants = { "pos_weight", "weight" } };
    l.status = CNN__OPTIONS_READ(NULL, "binary_cross_entropy_with_logits", &o, options);
    l.reduction = (int)o.reduction;
    bool read = l.status == CNN_OK;
    return cnn__element_loss_apply(&binary_cross_entropy_with_logits_op, &l, input, target, read ? o.pos_weight : NULL,
                                   read ? o.weight : NULL);
}

static const cnn__op kl_div_op = CNN__ELEMENT_LOSS_OP(kl_div, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_kl_div(cnn_tensor *input, cnn_tensor *target, const cnn_kl_div_options *options)
{
    cnn_kl_div_options o;
    cnn__element_loss l = { .batch_mean = true };
    l.status = CNN__OPTIONS_READ(NULL, "kl_div", &o, options);
    l.reduction = (int)o.reduction;
    l.function = (int)(o.log_target ? CNN_LOSS_KL_OF_LOGS : CNN_LOSS_KL);
    return cnn__element_loss_apply(&kl_div_op, &l, input, target, NULL, NULL);
}

static const cnn__op soft_margin_loss_op =
    CNN__ELEMENT_LOSS_OP(soft_margin_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_soft_margin_loss(cnn_tensor *input, cnn_tensor *target, const cnn_loss_options *options)
{
    cnn_loss_options o;
    cnn__element_loss l = { .function = CNN_LOSS_SOFT_MARGIN };
    l.status = CNN__OPTIONS_READ(NULL, "soft_margin_loss", &o, options);
    l.reduction = (int)o.reduction;
    return cnn__element_loss_apply(&soft_margin_loss_op, &l, input, target, NULL, NULL);
}

/* ---- negative log-likelihoods ---- */

static const cnn__op poisson_nll_loss_op =
    CNN__ELEMENT_LOSS_OP(poisson_nll_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_poisson_nll_loss(cnn_tensor *input, cnn_tensor *target, const cnn_poisson_nll_loss_options *options)
{
    cnn_poisson_nll_loss_options o;
    cnn__element_loss l = { .name = "eps", .range = CNN__LOSS_NOT_NEGATIVE };
    l.status = CNN__OPTIONS_READ(NULL, "poisson_nll_loss", &o, options);
    l.reduction = (int)o.reduction;
    l.function = (int)(o.no_log_input ? CNN_LOSS_POISSON : CNN_LOSS_POISSON_OF_LOGS);
    l.value[0] = cnn__option(o.eps, 1e-8);
    l.value[1] = o.full;
    return cnn__element_loss_apply(&poisson_nll_loss_op, &l, input, target, NULL, NULL);
}

static const cnn__op gaussian_nll_loss_op =
    CNN__ELEMENT_LOSS_OP(gaussian_nll_loss, cnn__element_loss_backward, CNN__LOSS_THIRD);

/* Returns the variance with the rank of the input x. Its shape is that of x, or has 1 for the last size, or lacks it.
 * NULL: it has another shape, reported. */
static cnn_tensor *variance_of(cnn__call *call)
{
    const cnn_tensor *x = call->in[CNN__LOSS_X];
    cnn_tensor *v = call->in[CNN__LOSS_C];
    char text[2][CNN__SHAPE_TEXT];
    bool short_of_one = v->ndim == x->ndim - 1, fits = short_of_one || v->ndim == x->ndim;
    for (int d = 0; fits && d < v->ndim; d++) {
        fits = v->shape[d] == x->shape[d] || (d == x->ndim - 1 && v->shape[d] == 1);
    }
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       "the variance is %s, expected %s like the input, or 1 or nothing for its last size",
                       cnn__shape_text(text[0], v->ndim, v->shape), cnn__shape_text(text[1], x->ndim, x->shape));
        return NULL;
    }
    return short_of_one ? cnn_unsqueeze(v, -1) : v;
}

cnn_tensor *cnn_gaussian_nll_loss(cnn_tensor *input, cnn_tensor *target, cnn_tensor *variance,
                                  const cnn_gaussian_nll_loss_options *options)
{
    const double half_log_two_pi = 0.91893853320467274178;
    cnn_gaussian_nll_loss_options o;
    cnn__element_loss l = { .function = CNN_LOSS_GAUSSIAN, .name = "eps", .range = CNN__LOSS_POSITIVE };
    l.status = CNN__OPTIONS_READ(NULL, "gaussian_nll_loss", &o, options);
    l.reduction = (int)o.reduction;
    l.value[0] = cnn__option(o.eps, 1e-6);
    l.value[1] = o.full ? half_log_two_pi : 0;
    cnn_tensor *const inputs[] = { input, target, variance, NULL };
    cnn__call call;
    cnn_tensor *c = cnn__call_begin(&call, &gaussian_nll_loss_op, CNN__LOSS_INPUTS, inputs) ? variance_of(&call) : NULL;
    return c ? cnn__element_loss_apply(&gaussian_nll_loss_op, &l, call.in[0], call.in[1], c, NULL) : call.nil;
}
