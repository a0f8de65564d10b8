/* The cross-entropy loss of torch.nn.functional.cross_entropy over logits [C], [N,C] or [N,C,d1,…], with class indices
 * or class probabilities. The formulas are in kernels/array/softmax_nll.h; here are the shapes and the options.
 *
 * Gradients go to the logits and to a target of probabilities. A class weight gets none: one that asks for it is an
 * error. */
#include "ops/operation.h"

#include <math.h>

enum { LOGITS, TARGET, CROSS_ENTROPY_WEIGHT, CROSS_ENTROPY_INPUTS };
enum { STATS = 1, TOTALS, SAVED_STATS = CROSS_ENTROPY_INPUTS + STATS, SAVED_TOTALS }; /* extras: of each row; of all */

typedef struct loss {
    cnn_cross_entropy_parameters g;
    /* For infer: the caller's options, and how reading them went. */
    cnn_cross_entropy_options options;
    cnn_status status;
} loss;

static const cnn__attribute loss_attributes[] = {
    { .name = "reduction", .type = CNN__INT, .offset = offsetof(loss, g.reduction) },
    { .name = "ignore_index", .type = CNN__INT64, .offset = offsetof(loss, g.ignore_index) },
    { .name = "label_smoothing", .type = CNN__FLOAT, .offset = offsetof(loss, g.smoothing) },
    { .name = NULL }
};

/* ---- checks ---- */

static bool cross_entropy_check_options(cnn__call *call, const cnn_cross_entropy_options *o, bool indices)
{
    if (o->reduction != CNN_REDUCE_MEAN && o->reduction != CNN_REDUCE_SUM && o->reduction != CNN_REDUCE_NONE) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "reduction is %d, expected %d to %d", (int)o->reduction,
                       (int)CNN_REDUCE_MEAN, (int)CNN_REDUCE_NONE);
        return false;
    }
    if (!(o->label_smoothing >= 0 && o->label_smoothing <= 1)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "label_smoothing is %s, expected 0 to 1",
                       CNN__G(o->label_smoothing));
        return false;
    }
    if (!indices && o->has_ignore_index && o->ignore_index >= 0) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "ignore_index is %lld, but a target of probabilities has no indices",
                       (long long)o->ignore_index);
        return false;
    }
    return true;
}

/* Do the sizes of the target fit: the logits' without C for indices, the logits' for probabilities? */
static bool check_target(cnn__call *call, bool indices)
{
    const cnn_tensor *x = call->in[LOGITS], *target = call->in[TARGET];
    int class_dim = x->ndim == 1 ? 0 : 1, ndim = 0;
    int64_t shape[CNN_MAX_DIMS];
    bool same = true;
    for (int i = 0; i < x->ndim; i++) {
        if (!indices || i != class_dim) {
            shape[ndim++] = x->shape[i];
        }
    }
    same = ndim == target->ndim;
    for (int i = 0; same && i < ndim; i++) {
        same = shape[i] == target->shape[i];
    }
    if (!same) {
        char text[3][CNN__SHAPE_TEXT];
        cnn__call_fail(call, CNN_ERROR_SHAPE, "logits %s expect %s %s, target is %s",
                       cnn__shape_text(text[0], x->ndim, x->shape), indices ? "class indices" : "class probabilities",
                       cnn__shape_text(text[1], ndim, shape), cnn__shape_text(text[2], target->ndim, target->shape));
    }
    return same;
}

static bool check_weight(cnn__call *call, int64_t classes)
{
    const cnn_tensor *weight = call->in[CROSS_ENTROPY_WEIGHT];
    char text[CNN__SHAPE_TEXT];
    if (!weight) {
        return true;
    }
    if (weight->dtype != call->in[LOGITS]->dtype) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "weight is %s, logits are %s", cnn_dtype_name(weight->dtype),
                       cnn_dtype_name(call->in[LOGITS]->dtype));
        return false;
    }
    if (weight->ndim != 1 || weight->shape[0] != classes) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight is %s, expected [%lld]",
                       cnn__shape_text(text, weight->ndim, weight->shape), (long long)classes);
        return false;
    }
    if (weight->requires_grad && cnn__tape_recording(call->tape)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "weight requires a gradient, which this loss does not give; detach it");
        return false;
    }
    return true;
}

static bool check_dtypes(cnn__call *call, bool *indices)
{
    cnn_dtype dtype = call->in[LOGITS]->dtype, target = call->in[TARGET]->dtype;
    if (!cnn__call_real(call, LOGITS)) {
        return false;
    }
    *indices = target == CNN_I64 || target == CNN_I32 || target == CNN_U8;
    if (!*indices && target != dtype) {
        cnn__call_fail(call, CNN_ERROR_DTYPE,
                       "target is %s, expected class indices (int64, int32, uint8) or probabilities (%s)",
                       cnn_dtype_name(target), cnn_dtype_name(dtype));
        return false;
    }
    return true;
}

static bool cross_entropy_describe(cnn__call *call, const cnn_cross_entropy_options *o, loss *l)
{
    const cnn_tensor *x = call->in[LOGITS];
    bool indices;
    if (!check_dtypes(call, &indices) || !cross_entropy_check_options(call, o, indices)) {
        return false;
    }
    if (x->ndim < 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "logits are [], expected [C], [N,C] or [N,C,...]");
        return false;
    }
    int class_dim = x->ndim == 1 ? 0 : 1;
    l->g = (cnn_cross_entropy_parameters){ .batch = class_dim ? x->shape[0] : 1,
                                           .classes = x->shape[class_dim],
                                           .inner = 1,
                                           .target_dtype = call->in[TARGET]->dtype,
                                           .ignore_index = o->has_ignore_index ? o->ignore_index : -100,
                                           .smoothing = cnn__option(o->label_smoothing, 0),
                                           .reduction = (int)o->reduction };
    if (!check_target(call, indices) || !check_weight(call, l->g.classes)) {
        return false;
    }
    for (int i = 2; i < x->ndim; i++) {
        l->g.inner *= x->shape[i];
    }
    return true;
}

static bool cross_entropy_check_indices(cnn__call *call, const loss *l)
{
    const cnn_tensor *target = call->x[TARGET];
    if (cnn__dtype_is_real(l->g.target_dtype) || !target->numel) {
        return true;
    }
    const cnn_lookup_parameters p = { .index_dtype = target->dtype,
                                      .n = l->g.classes,
                                      .count = target->numel,
                                      .skips = true,
                                      .skip = l->g.ignore_index };
    cnn_backend_failure failure;
    cnn_launch check = CNN__LAUNCH(INDEX_CHECK, target->dtype, CNN__PARAMETERS(p), .in = { cnn__data(target) });
    bool good = cnn__run_checked(call->tape, call->op->name, &check, &failure);
    if (!good && failure.status != CNN_OK) {
        char text[CNN__SHAPE_TEXT];
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "target at %s is %lld, expected 0 to %lld or ignore_index %lld",
                       cnn__position_text(text, call->in[TARGET], failure.position), (long long)failure.value,
                       (long long)l->g.classes - 1, (long long)l->g.ignore_index);
    }
    return good;
}

/* ---- forward ---- */

static bool cross_entropy_compute(cnn__call *call, const loss *l)
{
    cnn_tensor *const *x = call->x, *const *out = call->out;
    cnn_launch launch =
        CNN__LAUNCH(CROSS_ENTROPY, x[LOGITS]->dtype, CNN__PARAMETERS(l->g),
                    .in = { cnn__data(x[LOGITS]), cnn__data(x[TARGET]), cnn__data_or_null(x[CROSS_ENTROPY_WEIGHT]) },
                    .out = { cnn__data(out[0]), cnn__data(out[STATS]), cnn__data(out[TOTALS]) });
    return cnn__run(call->tape, call->op->name, &launch);
}

static bool cross_entropy_infer(cnn__call *call, void *attributes)
{
    loss *l = attributes;
    const cnn_tensor *x = call->in[LOGITS];
    if (l->status != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    l->options.label_smoothing = cnn__option(l->options.label_smoothing, 0);
    if (!cross_entropy_describe(call, &l->options, l)) {
        return false;
    }
    /* The losses of the samples have the logits' shape without C. */
    int64_t shape[CNN_MAX_DIMS];
    int ndim = 0, class_dim = x->ndim == 1 ? 0 : 1;
    for (int i = 0; l->g.reduction == (int)CNN_REDUCE_NONE && i < x->ndim; i++) {
        if (i != class_dim) {
            shape[ndim++] = x->shape[i];
        }
    }
    cnn__out(call, 0, x->dtype, ndim, shape);
    cnn__out(call, STATS, cnn__dtypes[x->dtype].compute, 2, (const int64_t[]){ 2, l->g.batch * l->g.inner });
    cnn__out(call, TOTALS, CNN_F64, 1, (const int64_t[]){ 2 });
    return true;
}

static bool cross_entropy_forward(cnn__call *call, void *attributes)
{
    const loss *l = attributes;
    return cross_entropy_check_indices(call, l) && cross_entropy_compute(call, l);
}

/* ---- backward ---- */

static void cross_entropy_backward(cnn__node *node, cnn_tensor *dy)
{
    const loss *l = node->attributes;
    cnn_tensor *const *saved = node->saved;
    bool wants_logits = cnn__wants(node, LOGITS), wants_target = cnn__wants(node, TARGET);
    cnn_tensor *dlogits = wants_logits ? cnn__grad_empty(node, LOGITS) : NULL;
    cnn_tensor *dtarget = wants_target ? cnn__grad_empty(node, TARGET) : NULL;
    if ((wants_logits && !dlogits) || (wants_target && !dtarget)) {
        return;
    }
    cnn_launch launch = CNN__LAUNCH(
        CROSS_ENTROPY_BACKWARD, dy->dtype, CNN__PARAMETERS(l->g),
        .in = { cnn__data(saved[LOGITS]), cnn__data(saved[TARGET]), cnn__data_or_null(saved[CROSS_ENTROPY_WEIGHT]),
                cnn__data(saved[SAVED_STATS]), cnn__data(saved[SAVED_TOTALS]), cnn__data(dy) },
        .out = { cnn__data_or_null(dlogits), cnn__data_or_null(dtarget) });
    if (!cnn__run(node->tape, node->op->name, &launch)) {
        return;
    }
    cnn__grad_add(node, LOGITS, dlogits);
    cnn__grad_add(node, TARGET, dtarget);
}

static const cnn__reads cross_entropy_reads[] = { [LOGITS] = { "logits", 1u << LOGITS | 1u << TARGET },
                                                  [TARGET] = { "target", 1u << LOGITS },
                                                  [CROSS_ENTROPY_WEIGHT] = { "weight", 1u << LOGITS | 1u << TARGET },
                                                  [SAVED_STATS] = { "statistics", 1u << LOGITS | 1u << TARGET },
                                                  [SAVED_TOTALS] = { "totals", 1u << LOGITS | 1u << TARGET } };
static const cnn__op cross_entropy_op = {
    .name = "cross_entropy",
    .extras = 2,
    .optional = 1u << CROSS_ENTROPY_WEIGHT,
    .dense = 7,
    .saves = 7 | CNN__OUTPUT(STATS) | CNN__OUTPUT(TOTALS),
    .size = sizeof(loss),
    .attributes = loss_attributes,
    .infer = cross_entropy_infer,
    .forward = cross_entropy_forward,
    .backward = cross_entropy_backward,
    .reads = cross_entropy_reads,
};

cnn_tensor *cnn_cross_entropy_with(cnn_tensor *logits, cnn_tensor *target, const cnn_cross_entropy_options *options)
{
    loss l = { .status = CNN_OK };
    l.status = CNN__OPTIONS_READ(NULL, "cross_entropy", &l.options, options);
    cnn_tensor *weight = l.status == CNN_OK ? l.options.weight : NULL;
    return cnn__apply(&cross_entropy_op, (cnn_tensor *const[]){ logits, target, weight }, CROSS_ENTROPY_INPUTS, &l);
}

cnn_tensor *cnn_cross_entropy(cnn_tensor *logits, cnn_tensor *target)
{
    return cnn_cross_entropy_with(logits, target, NULL);
}
