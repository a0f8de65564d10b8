/* The operation behind the losses over classes (class_loss.h): x is [C], [N,C] or [N,C,d1,…], the target holds class
 * indices or class probabilities. The formulas are in kernels/array/softmax_nll.h, the shapes and launches here.
 *
 * Gradients go to x and to a target of probabilities. A class weight gets none: one that asks for it is an error. */
#include "ops/class_loss.h"

/* ---- checks ---- */

static bool check_class_options(cnn__call *call, const cnn__class_loss *l, bool indices)
{
    const cnn_cross_entropy_parameters *g = &l->g;
    if (!cnn__loss_check_options(call, l->status, g->reduction, false)) {
        return false;
    }
    if (!(g->smoothing >= 0 && g->smoothing <= 1)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "label_smoothing is %s, expected 0 to 1",
                       CNN__G(g->smoothing));
        return false;
    }
    if (!indices && l->has_ignore_index && g->ignore_index >= 0) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "ignore_index is %lld, but a target of probabilities has no indices",
                       (long long)g->ignore_index);
        return false;
    }
    return true;
}

/* The shape of x, for indices without C; returns how many dimensions it has. */
static int target_shape(const cnn_tensor *x, bool indices, int64_t shape[CNN_MAX_DIMS])
{
    int class_dim = x->ndim == 1 ? 0 : 1, ndim = 0;
    for (int i = 0; i < x->ndim; i++) {
        if (!indices || i != class_dim) {
            shape[ndim++] = x->shape[i];
        }
    }
    return ndim;
}

/* Says what the target is and everything that it may be, since a wrong shape is often that of the other kind. */
static bool refuse_target(cnn__call *call, const cnn__class_loss *l, cnn_status status)
{
    const cnn_tensor *x = call->in[CNN__CLASS_X], *target = call->in[CNN__CLASS_TARGET];
    int64_t shape[CNN_MAX_DIMS];
    char text[3][CNN__SHAPE_TEXT], other[CNN__SHAPE_TEXT + 48] = "";
    int ndim = target_shape(x, true, shape);
    cnn__shape_text(text[0], x->ndim, x->shape);
    if (l->probabilities) {
        cnn__message(other, sizeof other, " or probabilities %s (%s)", text[0], cnn_dtype_name(x->dtype));
    }
    cnn__call_fail(call, status, "target is %s (%s), expected class indices %s (int64, int32, uint8)%s for %s %s",
                   cnn__shape_text(text[1], target->ndim, target->shape), cnn_dtype_name(target->dtype),
                   cnn__shape_text(text[2], ndim, shape), other, l->noun, text[0]);
    return false;
}

/* Whether the sizes of the target fit. */
static bool check_target(cnn__call *call, const cnn__class_loss *l, bool indices)
{
    const cnn_tensor *target = call->in[CNN__CLASS_TARGET];
    int64_t shape[CNN_MAX_DIMS];
    int ndim = target_shape(call->in[CNN__CLASS_X], indices, shape);
    bool same = ndim == target->ndim;
    for (int i = 0; same && i < ndim; i++) {
        same = shape[i] == target->shape[i];
    }
    return same || refuse_target(call, l, CNN_ERROR_SHAPE);
}

static bool check_class_weight(cnn__call *call, const cnn__class_loss *l)
{
    const cnn_tensor *weight = call->in[CNN__CLASS_WEIGHT];
    char text[CNN__SHAPE_TEXT];
    if (!weight) {
        return true;
    }
    if (weight->dtype != call->in[CNN__CLASS_X]->dtype) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "weight is %s, %s %s %s", cnn_dtype_name(weight->dtype), l->noun,
                       l->plural ? "are" : "is", cnn_dtype_name(call->in[CNN__CLASS_X]->dtype));
        return false;
    }
    if (weight->ndim != 1 || weight->shape[0] != l->g.classes) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight is %s, expected [%lld]",
                       cnn__shape_text(text, weight->ndim, weight->shape), (long long)l->g.classes);
        return false;
    }
    return !cnn__loss_refuses_gradient(call, CNN__CLASS_WEIGHT, "weight");
}

static bool check_class_dtypes(cnn__call *call, const cnn__class_loss *l, bool *indices)
{
    cnn_dtype dtype = call->in[CNN__CLASS_X]->dtype, target = call->in[CNN__CLASS_TARGET]->dtype;
    if (!cnn__call_real(call, CNN__CLASS_X)) {
        return false;
    }
    *indices = target == CNN_I64 || target == CNN_I32 || target == CNN_U8;
    return *indices || (l->probabilities && target == dtype) || refuse_target(call, l, CNN_ERROR_DTYPE);
}

static bool check_class_rank(cnn__call *call, const cnn__class_loss *l)
{
    const cnn_tensor *x = call->in[CNN__CLASS_X];
    char text[CNN__SHAPE_TEXT];
    bool good = x->ndim >= 1 && x->ndim <= l->most_dims;
    if (!good) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%s %s %s, expected %s", l->noun, l->plural ? "are" : "is",
                       cnn__shape_text(text, x->ndim, x->shape),
                       l->most_dims == 2 ? "[C] or [N,C]" : "[C], [N,C] or [N,C,...]");
    }
    return good;
}

static bool class_loss_describe(cnn__call *call, cnn__class_loss *l)
{
    const cnn_tensor *x = call->in[CNN__CLASS_X];
    bool indices;
    if (!check_class_dtypes(call, l, &indices) || !check_class_options(call, l, indices) ||
        !check_class_rank(call, l)) {
        return false;
    }
    int class_dim = x->ndim == 1 ? 0 : 1;
    l->g.batch = class_dim ? x->shape[0] : 1;
    l->g.classes = x->shape[class_dim];
    l->g.inner = 1;
    l->g.target_dtype = call->in[CNN__CLASS_TARGET]->dtype;
    for (int i = 2; i < x->ndim; i++) {
        l->g.inner *= x->shape[i];
    }
    return check_target(call, l, indices) && check_class_weight(call, l);
}

static bool check_class_indices(cnn__call *call, const cnn__class_loss *l)
{
    const cnn_tensor *target = call->x[CNN__CLASS_TARGET];
    bool skips = l->g.function != (int)CNN_LOSS_MULTI_MARGIN;
    if (cnn__dtype_is_real(l->g.target_dtype) || !target->numel) {
        return true;
    }
    const cnn_lookup_parameters p = { .index_dtype = target->dtype,
                                      .n = l->g.classes,
                                      .count = target->numel,
                                      .skips = skips,
                                      .skip = l->g.ignore_index };
    char text[CNN__SHAPE_TEXT], ignored[64] = "";
    cnn_backend_failure failure;
    cnn_launch check = CNN__LAUNCH(INDEX_CHECK, target->dtype, CNN__PARAMETERS(p), .in = { cnn__data(target) });
    bool good = cnn__run_checked(call->tape, call->op->name, &check, &failure);
    if (!good && failure.status != CNN_OK) {
        if (skips) {
            cnn__message(ignored, sizeof ignored, " or ignore_index %lld", (long long)l->g.ignore_index);
        }
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "target at %s is %lld, expected 0 to %lld%s",
                       cnn__position_text(text, call->in[CNN__CLASS_TARGET], failure.position),
                       (long long)failure.value, (long long)l->g.classes - 1, ignored);
    }
    return good;
}

/* ---- forward ---- */

bool cnn__class_loss_infer(cnn__call *call, void *attributes)
{
    cnn__class_loss *l = attributes;
    const cnn_tensor *x = call->in[CNN__CLASS_X];
    if (!class_loss_describe(call, l)) {
        return false;
    }
    /* The losses of the samples have the shape of x without C. */
    int64_t shape[CNN_MAX_DIMS];
    int ndim = 0, class_dim = x->ndim == 1 ? 0 : 1;
    for (int i = 0; l->g.reduction == (int)CNN_REDUCE_NONE && i < x->ndim; i++) {
        if (i != class_dim) {
            shape[ndim++] = x->shape[i];
        }
    }
    cnn__out(call, 0, x->dtype, ndim, shape);
    if (l->g.function == (int)CNN_LOSS_CROSS_ENTROPY) {
        cnn__out(call, CNN__CLASS_STATISTICS, cnn__dtypes[x->dtype].compute, 2,
                 (const int64_t[]){ 2, l->g.batch * l->g.inner });
    } else {
        cnn__out_none(call, CNN__CLASS_STATISTICS);
    }
    cnn__out(call, CNN__CLASS_TOTALS, CNN_F64, 1, (const int64_t[]){ 2 });
    return true;
}

bool cnn__class_loss_forward(cnn__call *call, void *attributes)
{
    const cnn__class_loss *l = attributes;
    cnn_tensor *const *x = call->x, *const *out = call->out;
    cnn_launch launch = CNN__LAUNCH(
        CROSS_ENTROPY, x[CNN__CLASS_X]->dtype, CNN__PARAMETERS(l->g),
        .in = { cnn__data(x[CNN__CLASS_X]), cnn__data(x[CNN__CLASS_TARGET]), cnn__data_or_null(x[CNN__CLASS_WEIGHT]) },
        .out = { cnn__data(out[0]), cnn__data_or_null(out[CNN__CLASS_STATISTICS]), cnn__data(out[CNN__CLASS_TOTALS]) });
    return check_class_indices(call, l) && cnn__run(call->tape, call->op->name, &launch);
}

/* ---- backward ---- */

void cnn__class_loss_backward(cnn__node *node, cnn_tensor *dy)
{
    const cnn__class_loss *l = node->attributes;
    cnn_tensor *const *saved = node->saved;
    bool wants_logits = cnn__wants(node, CNN__CLASS_X), wants_target = cnn__wants(node, CNN__CLASS_TARGET);
    cnn_tensor *dlogits = wants_logits ? cnn__grad_empty(node, CNN__CLASS_X) : NULL;
    cnn_tensor *dtarget = wants_target ? cnn__grad_empty(node, CNN__CLASS_TARGET) : NULL;
    if ((wants_logits && !dlogits) || (wants_target && !dtarget)) {
        return;
    }
    cnn_launch launch = CNN__LAUNCH(CROSS_ENTROPY_BACKWARD, dy->dtype, CNN__PARAMETERS(l->g),
                                    .in = { cnn__data(saved[CNN__CLASS_X]), cnn__data(saved[CNN__CLASS_TARGET]),
                                            cnn__data_or_null(saved[CNN__CLASS_WEIGHT]),
                                            cnn__data_or_null(cnn__saved_output(node, CNN__CLASS_STATISTICS)),
                                            cnn__data(cnn__saved_output(node, CNN__CLASS_TOTALS)), cnn__data(dy) },
                                    .out = { cnn__data_or_null(dlogits), cnn__data_or_null(dtarget) });
    if (!cnn__run(node->tape, node->op->name, &launch)) {
        return;
    }
    cnn__grad_add(node, CNN__CLASS_X, dlogits);
    cnn__grad_add(node, CNN__CLASS_TARGET, dtarget);
}
