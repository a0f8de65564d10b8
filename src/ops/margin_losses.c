/* Losses with a margin: margin_ranking_loss, hinge_embedding_loss, cosine_embedding_loss, triplet_margin_loss. The last
 * two are compositions: similarities or distances of rows from other operations on the tape, then a loss of each. */
#include "ops/element_loss.h"

#include <float.h>
#include <math.h>

static cnn__element_loss margin_loss(cnn_element_loss function, const char *call, const cnn_margin_loss_options *given,
                                     double otherwise)
{
    cnn_margin_loss_options o;
    cnn__element_loss l = { .function = (int)function, .name = "margin" };
    l.status = CNN__OPTIONS_READ(NULL, call, &o, given);
    l.reduction = (int)o.reduction;
    l.value[0] = cnn__option(o.margin, otherwise);
    return l;
}

static const cnn__op margin_ranking_loss_op =
    CNN__ELEMENT_LOSS_OP(margin_ranking_loss, cnn__element_loss_backward, CNN__LOSS_THIRD);

cnn_tensor *cnn_margin_ranking_loss(cnn_tensor *input1, cnn_tensor *input2, cnn_tensor *target,
                                    const cnn_margin_loss_options *options)
{
    cnn__element_loss l = margin_loss(CNN_LOSS_RANKING, "margin_ranking_loss", options, 0);
    l.same_rank = true;
    return cnn__element_loss_apply(&margin_ranking_loss_op, &l, input1, input2, target, NULL);
}

static const cnn__op hinge_embedding_loss_op =
    CNN__ELEMENT_LOSS_OP(hinge_embedding_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

cnn_tensor *cnn_hinge_embedding_loss(cnn_tensor *input, cnn_tensor *target, const cnn_margin_loss_options *options)
{
    cnn__element_loss l = margin_loss(CNN_LOSS_HINGE_EMBEDDING, "hinge_embedding_loss", options, 1);
    return cnn__element_loss_apply(&hinge_embedding_loss_op, &l, input, target, NULL, NULL);
}

/* ---- cosine_embedding_loss ---- */

/* bfloat16 is widened, so that a composition rounds its result once. */
static cnn_tensor *widened(cnn_tensor *x)
{
    return x->dtype == CNN_BF16 ? cnn_cast(x, CNN_F32) : x;
}

static cnn_tensor *narrowed(cnn_tensor *loss, cnn_dtype dtype)
{
    return dtype == CNN_BF16 ? cnn_cast(loss, dtype) : loss;
}

/* Σ a·b of each row. */
static cnn_tensor *row_products(cnn_tensor *a, cnn_tensor *b)
{
    return cnn_sum(cnn_mul(a, b), CNN_DIMS(-1), false);
}

static const cnn__op cosine_embedding_loss_op =
    CNN__ELEMENT_LOSS_OP(cosine_embedding_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

static bool check_cosine_operands(cnn__call *call)
{
    const cnn_tensor *a = call->in[0], *b = call->in[1], *t = call->in[2];
    char text[3][CNN__SHAPE_TEXT];
    bool good = cnn__same_shape(a, b) && (a->ndim == 1 || a->ndim == 2) && t->ndim == a->ndim - 1 &&
                (t->ndim == 0 || t->shape[0] == a->shape[0]);
    if (!cnn__call_real(call, 0) || !cnn__call_same_dtype(call, 3)) {
        return false;
    }
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       "the inputs are %s and %s, the target is %s, expected [N,D], [N,D] and [N], or [D], [D] and []",
                       cnn__shape_text(text[0], a->ndim, a->shape), cnn__shape_text(text[1], b->ndim, b->shape),
                       cnn__shape_text(text[2], t->ndim, t->shape));
    }
    return good;
}

/* Operands of a composition, of which all three are needed. */
static bool begin_composition(cnn__call *call, cnn__op *entry, const cnn__op *op, cnn_tensor *const *inputs)
{
    *entry = (cnn__op){ .name = op->name };
    return cnn__call_begin(call, entry, 3, inputs);
}

cnn_tensor *cnn_cosine_embedding_loss(cnn_tensor *input1, cnn_tensor *input2, cnn_tensor *target,
                                      const cnn_margin_loss_options *options)
{
    const double eps = (double)1e-12f; /* PyTorch's, a float */
    cnn__element_loss l = margin_loss(CNN_LOSS_COSINE_EMBEDDING, cosine_embedding_loss_op.name, options, 0);
    cnn__call call;
    cnn__op entry;
    if (!begin_composition(&call, &entry, &cosine_embedding_loss_op, (cnn_tensor *const[]){ input1, input2, target }) ||
        !cnn__loss_check_options(&call, l.status, l.reduction, false) || !check_cosine_operands(&call)) {
        return call.nil;
    }
    cnn_dtype dtype = call.in[0]->dtype;
    cnn_tensor *a = widened(call.in[0]), *b = widened(call.in[1]), *t = widened(call.in[2]);
    cnn_tensor *squares = cnn_mul(cnn_add_scalar(row_products(a, a), eps), cnn_add_scalar(row_products(b, b), eps));
    cnn_tensor *cosine = cnn_div(row_products(a, b), cnn_sqrt(squares));
    return narrowed(cnn__element_loss_apply(&cosine_embedding_loss_op, &l, cosine, t, NULL, NULL), dtype);
}

/* ---- triplet_margin_loss ---- */

static const cnn__op triplet_margin_loss_op =
    CNN__ELEMENT_LOSS_OP(triplet_margin_loss, cnn__element_loss_backward, CNN__LOSS_NO_THIRD);

static bool check_triplet(cnn__call *call, const cnn_triplet_margin_loss_options *o)
{
    const cnn_tensor *a = call->in[0], *p = call->in[1], *n = call->in[2];
    char text[3][CNN__SHAPE_TEXT];
    int ndim;
    int64_t shape[CNN_MAX_DIMS];
    if (!(o->p > 0)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "p is %s, expected a number above 0", CNN__G(o->p));
        return false;
    }
    if (!(o->eps >= 0 && o->eps < INFINITY)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "eps is %s, expected a finite number of at least 0",
                       CNN__G(o->eps));
        return false;
    }
    if (!cnn__call_real(call, 0) || !cnn__call_same_dtype(call, 3)) {
        return false;
    }
    bool good = a->ndim > 0 && p->ndim == a->ndim && n->ndim == a->ndim &&
                cnn__broadcast(a->ndim, a->shape, p->ndim, p->shape, &ndim, shape) &&
                cnn__broadcast(ndim, shape, n->ndim, n->shape, &ndim, shape);
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the operands are %s, %s and %s, expected one shape, [N,D] or [D]",
                       cnn__shape_text(text[0], a->ndim, a->shape), cnn__shape_text(text[1], p->ndim, p->shape),
                       cnn__shape_text(text[2], n->ndim, n->shape));
    }
    return good;
}

/* The p-norm of each row of a − b + eps. Where it is 0, its gradient is 0 and not NaN: the bound lets none through. */
static cnn_tensor *row_distances(cnn_tensor *a, cnn_tensor *b, const cnn_triplet_margin_loss_options *o)
{
    cnn_tensor *d = cnn_add_scalar(cnn_sub(a, b), o->eps);
    double least = a->dtype == CNN_F64 ? DBL_MIN : (double)FLT_MIN;
    if (o->p == 1) {
        return cnn_sum(cnn_abs(d), CNN_DIMS(-1), false);
    }
    if (o->p == INFINITY) {
        return cnn_max(cnn_abs(d), CNN_DIMS(-1), false);
    }
    if (o->p == 2) {
        return cnn_sqrt(cnn_clamp(row_products(d, d), least, INFINITY));
    }
    cnn_tensor *sum = cnn_sum(cnn_pow_scalar(cnn_abs(d), o->p), CNN_DIMS(-1), false);
    return cnn_pow_scalar(cnn_clamp(sum, least, INFINITY), 1 / o->p);
}

/* The smaller of each pair; equal ones share the gradient, and a NaN stays. */
static cnn_tensor *smaller_of(cnn_tensor *a, cnn_tensor *b)
{
    cnn_tensor *middle = cnn_mul_scalar(cnn_add(a, b), 0.5);
    return cnn_where(cnn_lt(a, b), a, cnn_where(cnn_lt(b, a), b, middle));
}

cnn_tensor *cnn_triplet_margin_loss(cnn_tensor *anchor, cnn_tensor *positive, cnn_tensor *negative,
                                    const cnn_triplet_margin_loss_options *options)
{
    cnn_triplet_margin_loss_options o;
    cnn__element_loss l = { .function = CNN_LOSS_RANKING, .name = "margin" };
    cnn__call call;
    cnn__op entry;
    l.status = CNN__OPTIONS_READ(NULL, triplet_margin_loss_op.name, &o, options);
    l.reduction = (int)o.reduction;
    l.value[0] = cnn__option(o.margin, 1);
    o.p = cnn__option(o.p, 2);
    o.eps = cnn__option(o.eps, 1e-6);
    if (!begin_composition(&call, &entry, &triplet_margin_loss_op,
                           (cnn_tensor *const[]){ anchor, positive, negative })) {
        return call.nil;
    }
    if (!cnn__loss_check_options(&call, l.status, l.reduction, false) || !check_triplet(&call, &o)) {
        return call.nil;
    }
    cnn_dtype dtype = call.in[0]->dtype;
    cnn_tensor *a = widened(call.in[0]), *p = widened(call.in[1]), *n = widened(call.in[2]);
    cnn_tensor *near = row_distances(a, p, &o), *far = row_distances(a, n, &o);
    far = o.swap ? smaller_of(far, row_distances(p, n, &o)) : far;
    return narrowed(cnn__element_loss_apply(&triplet_margin_loss_op, &l, far, near, NULL, NULL), dtype);
}
