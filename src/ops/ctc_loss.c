/* The connectionist temporal classification loss (torch.nn.functional.ctc_loss). What a path is and how they are summed
 * is in kernels/ctc.c; the shapes and the launches are here. Lengths and labels are looked at where they are. */
#include "ops/element_loss.h"

enum { CTC_X, CTC_TARGETS, CTC_STEPS, CTC_LENGTHS, CTC_INPUTS };
enum { CTC_ALPHA = 1, CTC_BY_X = 1u << CTC_X };

typedef struct ctc_loss {
    cnn_ctc_parameters g;
    cnn_status status; /* for infer: how reading the options went */
} ctc_loss;

static const cnn__attribute ctc_loss_attributes[] = {
    { .name = "blank", .type = CNN__INT64, .offset = offsetof(ctc_loss, g.blank) },
    { .name = "reduction", .type = CNN__INT, .offset = offsetof(ctc_loss, g.reduction) },
    { .name = "zero_infinity", .type = CNN__BOOL, .offset = offsetof(ctc_loss, g.zero_infinity) },
    { .name = NULL }
};

/* ---- checks ---- */

static bool ctc_check_dtypes(cnn__call *call)
{
    static const char *const names[] = { [CTC_STEPS] = "input_lengths", [CTC_LENGTHS] = "target_lengths" };
    cnn_dtype targets = call->in[CTC_TARGETS]->dtype;
    if (!cnn__call_real(call, CTC_X)) {
        return false;
    }
    if (targets != CNN_I64 && targets != CNN_I32 && targets != CNN_U8) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "targets are %s, expected int64, int32 or uint8",
                       cnn_dtype_name(targets));
        return false;
    }
    for (int i = CTC_STEPS; i <= CTC_LENGTHS; i++) {
        if (call->in[i]->dtype != CNN_I64) {
            cnn__call_fail(call, CNN_ERROR_DTYPE, "%s are %s, expected int64", names[i],
                           cnn_dtype_name(call->in[i]->dtype));
            return false;
        }
    }
    return true;
}

/* Whether the lengths of a batch are [batch]; those of one sequence may be []. */
static bool ctc_lengths_fit(const cnn_tensor *lengths, bool one, int64_t batch)
{
    return (lengths->ndim == 1 && lengths->shape[0] == batch) || (one && lengths->ndim == 0);
}

static bool ctc_describe(cnn__call *call, cnn_ctc_parameters *g)
{
    cnn_tensor *const *in = call->in;
    const cnn_tensor *x = in[CTC_X], *targets = in[CTC_TARGETS];
    const bool one = x->ndim == 2;
    char text[4][CNN__SHAPE_TEXT];
    bool good = one || x->ndim == 3;
    if (good) {
        g->steps = x->shape[0];
        g->batch = one ? 1 : x->shape[1];
        g->classes = x->shape[x->ndim - 1];
        g->concatenated = targets->ndim == 1;
        good = (g->concatenated || (targets->ndim == 2 && targets->shape[0] == g->batch)) &&
               ctc_lengths_fit(in[CTC_STEPS], one, g->batch) && ctc_lengths_fit(in[CTC_LENGTHS], one, g->batch);
    }
    if (!good) {
        for (int i = 0; i < CTC_INPUTS; i++) {
            cnn__shape_text(text[i], in[i]->ndim, in[i]->shape);
        }
        cnn__call_fail(call, CNN_ERROR_SHAPE,
                       "log_probs are %s, targets %s, input_lengths %s and target_lengths %s, expected [T,N,C], [N,S] "
                       "or one dimension, [N] and [N]; or [T,C], one dimension, [] and []",
                       text[0], text[1], text[2], text[3]);
        return false;
    }
    g->targets = targets->numel;
    g->width = targets->shape[targets->ndim - 1];
    g->target_dtype = targets->dtype;
    return true;
}

static bool ctc_loss_infer(cnn__call *call, void *attributes)
{
    ctc_loss *l = attributes;
    cnn_ctc_parameters *g = &l->g;
    const cnn_tensor *x = call->in[CTC_X];
    if (!cnn__loss_check_options(call, l->status, g->reduction, false) || !ctc_check_dtypes(call) ||
        !ctc_describe(call, g)) {
        return false;
    }
    if (g->blank < 0 || g->blank >= g->classes) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "blank is %lld, expected a class of 0 to %lld",
                       (long long)g->blank, (long long)g->classes - 1);
        return false;
    }
    bool each = g->reduction == (int)CNN_REDUCE_NONE && x->ndim == 3;
    cnn__out(call, 0, x->dtype, each ? 1 : 0, &g->batch);
    cnn__out(call, CTC_ALPHA, CNN_F64, 2, (const int64_t[]){ g->steps, 2 * g->targets + g->batch });
    if (!call->record) {
        cnn__out_none(call, CTC_ALPHA);
    }
    return true;
}

/* What forward says of what it found out of its bounds. */
static void ctc_report(cnn__call *call, const cnn_ctc_parameters *g, const cnn_backend_failure *failure)
{
    const long long value = (long long)failure->value;
    int64_t at = failure->position;
    char text[CNN__SHAPE_TEXT];
    if (at < 2 * g->batch) {
        bool input = at < g->batch;
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "%s length %lld is %lld, expected 0 to %lld",
                       input ? "input" : "target", (long long)(input ? at : at - g->batch), value,
                       (long long)(input ? g->steps : g->width));
    } else if ((at -= 2 * g->batch) < g->targets) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "target at %s is %lld, expected 0 to %lld",
                       cnn__position_text(text, call->in[CTC_TARGETS], at), value, (long long)g->classes - 1);
    } else {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "target_lengths are %lld in all, but there are %lld targets",
                       value, (long long)g->targets);
    }
}

/* ---- launches ---- */

static bool ctc_loss_forward(cnn__call *call, void *attributes)
{
    const ctc_loss *l = attributes;
    cnn_tensor *const *x = call->x;
    cnn_backend_failure failure;
    cnn_launch launch = CNN__LAUNCH(
        CTC_FORWARD, x[CTC_X]->dtype, CNN__PARAMETERS(l->g),
        .in = { cnn__data(x[CTC_X]), cnn__data(x[CTC_TARGETS]), cnn__data(x[CTC_STEPS]), cnn__data(x[CTC_LENGTHS]) },
        .out = { cnn__data(call->out[0]), cnn__data_or_null(call->out[CTC_ALPHA]) });
    bool good = cnn__run_checked(call->tape, call->op->name, &launch, &failure);
    if (!good && failure.status != CNN_OK) {
        ctc_report(call, &l->g, &failure);
    }
    return good;
}

static void ctc_loss_backward(cnn__node *node, cnn_tensor *dy)
{
    const ctc_loss *l = node->attributes;
    cnn_tensor *const *saved = node->saved, *dx = cnn__grad_empty(node, CTC_X);
    if (dx) {
        cnn_launch launch = CNN__LAUNCH(CTC_BACKWARD, dy->dtype, CNN__PARAMETERS(l->g),
                                        .in = { cnn__data(saved[CTC_X]), cnn__data(saved[CTC_TARGETS]),
                                                cnn__data(saved[CTC_STEPS]), cnn__data(saved[CTC_LENGTHS]),
                                                cnn__data(cnn__saved_output(node, CTC_ALPHA)), cnn__data(dy) },
                                        .out = { cnn__data(dx) });
        cnn__grad_add(node, CTC_X, cnn__run(node->tape, node->op->name, &launch) ? dx : NULL);
    }
}

static const cnn__reads ctc_loss_reads[] = { [CTC_X] = { "log_probs", CTC_BY_X },
                                             [CTC_TARGETS] = { "targets", CTC_BY_X },
                                             [CTC_STEPS] = { "input_lengths", CTC_BY_X },
                                             [CTC_LENGTHS] = { "target_lengths", CTC_BY_X },
                                             [CTC_INPUTS + CTC_ALPHA] = { "alpha", CTC_BY_X } };
static const cnn__op ctc_loss_op = {
    .name = "ctc_loss",
    .extras = 1,
    .dense = 15,
    .saves = 15 | CNN__OUTPUT(CTC_ALPHA),
    .size = sizeof(ctc_loss),
    .attributes = ctc_loss_attributes,
    .infer = ctc_loss_infer,
    .forward = ctc_loss_forward,
    .backward = ctc_loss_backward,
    .reads = ctc_loss_reads,
};

cnn_tensor *cnn_ctc_loss(cnn_tensor *log_probs, cnn_tensor *targets, cnn_tensor *input_lengths,
                         cnn_tensor *target_lengths, const cnn_ctc_loss_options *options)
{
    cnn_ctc_loss_options o;
    ctc_loss l = { .status = CNN__OPTIONS_READ(NULL, "ctc_loss", &o, options) };
    l.g.blank = o.blank;
    l.g.reduction = (int)o.reduction;
    l.g.zero_infinity = o.zero_infinity;
    return cnn__apply(&ctc_loss_op, (cnn_tensor *const[]){ log_probs, targets, input_lengths, target_lengths },
                      CTC_INPUTS, &l);
}
