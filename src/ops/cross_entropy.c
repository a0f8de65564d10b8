/* Losses over classes of torch.nn.functional: cross_entropy, nll_loss, multi_margin_loss. What they share is in
 * class_loss.c. */
#include "ops/class_loss.h"

#include <math.h>

enum {
    SAVED_STATISTICS = CNN__CLASS_INPUTS + CNN__CLASS_STATISTICS,
    SAVED_TOTALS = CNN__CLASS_INPUTS + CNN__CLASS_TOTALS
};
enum { BY_X = 1u << CNN__CLASS_X, BY_BOTH = 1u << CNN__CLASS_X | 1u << CNN__CLASS_TARGET };

static cnn_tensor *class_loss_apply(const cnn__op *op, cnn__class_loss *l, cnn_tensor *x, cnn_tensor *target,
                                    cnn_tensor *weight)
{
    return cnn__apply(op, (cnn_tensor *const[]){ x, target, l->status == CNN_OK ? weight : NULL }, CNN__CLASS_INPUTS,
                      l);
}

/* ---- cross_entropy ---- */

static const cnn__attribute cross_entropy_attributes[] = {
    { .name = "reduction", .type = CNN__INT, .offset = offsetof(cnn__class_loss, g.reduction) },
    { .name = "ignore_index", .type = CNN__INT64, .offset = offsetof(cnn__class_loss, g.ignore_index) },
    { .name = "label_smoothing", .type = CNN__FLOAT, .offset = offsetof(cnn__class_loss, g.smoothing) },
    { .name = NULL }
};
static const cnn__reads cross_entropy_reads[] = { [CNN__CLASS_X] = { "logits", BY_BOTH },
                                                  [CNN__CLASS_TARGET] = { "target", BY_X },
                                                  [CNN__CLASS_WEIGHT] = { "weight", BY_BOTH },
                                                  [SAVED_STATISTICS] = { "statistics", BY_BOTH },
                                                  [SAVED_TOTALS] = { "totals", BY_BOTH } };
static const cnn__op cross_entropy_op =
    CNN__CLASS_LOSS_OP(cross_entropy, cnn__class_loss_backward, cnn__class_loss_infer, cross_entropy_reads,
                       .attributes = cross_entropy_attributes);

cnn_tensor *cnn_cross_entropy_with(cnn_tensor *logits, cnn_tensor *target, const cnn_cross_entropy_options *options)
{
    cnn_cross_entropy_options o;
    cnn__class_loss l = { .probabilities = true, .most_dims = CNN_MAX_DIMS, .noun = "logits", .plural = true };
    l.status = CNN__OPTIONS_READ(NULL, "cross_entropy", &o, options);
    l.g.function = (int)CNN_LOSS_CROSS_ENTROPY;
    l.g.reduction = (int)o.reduction;
    l.g.smoothing = cnn__option(o.label_smoothing, 0);
    l.g.ignore_index = o.has_ignore_index ? o.ignore_index : -100;
    l.has_ignore_index = o.has_ignore_index;
    return class_loss_apply(&cross_entropy_op, &l, logits, target, o.weight);
}

cnn_tensor *cnn_cross_entropy(cnn_tensor *logits, cnn_tensor *target)
{
    return cnn_cross_entropy_with(logits, target, NULL);
}

/* ---- nll_loss ---- */

static const cnn__attribute nll_loss_attributes[] = {
    { .name = "reduction", .type = CNN__INT, .offset = offsetof(cnn__class_loss, g.reduction) },
    { .name = "ignore_index", .type = CNN__INT64, .offset = offsetof(cnn__class_loss, g.ignore_index) },
    { .name = NULL }
};
static const cnn__reads class_loss_reads[] = { [CNN__CLASS_X] = { "input", BY_X },
                                               [CNN__CLASS_TARGET] = { "target", BY_X },
                                               [CNN__CLASS_WEIGHT] = { "weight", BY_X },
                                               [SAVED_STATISTICS] = { "statistics", 0 },
                                               [SAVED_TOTALS] = { "totals", BY_X } };
static const cnn__op nll_loss_op = CNN__CLASS_LOSS_OP(nll_loss, cnn__class_loss_backward, cnn__class_loss_infer,
                                                      class_loss_reads, .attributes = nll_loss_attributes);

cnn_tensor *cnn_nll_loss(cnn_tensor *input, cnn_tensor *target, const cnn_nll_loss_options *options)
{
    cnn_nll_loss_options o;
    cnn__class_loss l = { .most_dims = CNN_MAX_DIMS, .noun = "input" };
    l.status = CNN__OPTIONS_READ(NULL, "nll_loss", &o, options);
    l.g.function = (int)CNN_LOSS_NLL;
    l.g.reduction = (int)o.reduction;
    l.g.ignore_index = o.has_ignore_index ? o.ignore_index : -100;
    l.has_ignore_index = o.has_ignore_index;
    return class_loss_apply(&nll_loss_op, &l, input, target, o.weight);
}

/* ---- multi_margin_loss ---- */

static const cnn__attribute multi_margin_loss_attributes[] = {
    { .name = "reduction", .type = CNN__INT, .offset = offsetof(cnn__class_loss, g.reduction) },
    { .name = "p", .type = CNN__INT, .offset = offsetof(cnn__class_loss, g.power) },
    { .name = "margin", .type = CNN__FLOAT, .offset = offsetof(cnn__class_loss, g.margin) },
    { .name = NULL }
};

static bool multi_margin_infer(cnn__call *call, void *attributes)
{
    const cnn__class_loss *l = attributes;
    const cnn_cross_entropy_parameters *g = &l->g;
    if (!cnn__loss_check_options(call, l->status, g->reduction, false)) {
        return false;
    }
    if (g->power != 1 && g->power != 2) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "p is %d, expected 1 or 2", g->power);
        return false;
    }
    if (!isfinite(g->margin)) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "margin is %s, expected a finite number", CNN__G(g->margin));
        return false;
    }
    return cnn__class_loss_infer(call, attributes);
}

static const cnn__op multi_margin_loss_op =
    CNN__CLASS_LOSS_OP(multi_margin_loss, cnn__class_loss_backward, multi_margin_infer, class_loss_reads,
                       .attributes = multi_margin_loss_attributes);

cnn_tensor *cnn_multi_margin_loss(cnn_tensor *input, cnn_tensor *target, const cnn_multi_margin_loss_options *options)
{
    cnn_multi_margin_loss_options o;
    cnn__class_loss l = { .most_dims = 2, .noun = "input" };
    l.status = CNN__OPTIONS_READ(NULL, "multi_margin_loss", &o, options);
    l.g.function = (int)CNN_LOSS_MULTI_MARGIN;
    l.g.reduction = (int)o.reduction;
    l.g.power = o.p ? o.p : 1;
    l.g.margin = cnn__option(o.margin, 1);
    return class_loss_apply(&multi_margin_loss_op, &l, input, target, o.weight);
}
