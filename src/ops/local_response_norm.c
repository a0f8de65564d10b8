/* Local response normalisation over neighbouring channels: torch.nn.functional.local_response_norm. */
#include "ops/operation.h"

typedef struct response {
    cnn_local_response_norm_parameters p;
    const cnn_local_response_norm_options *given; /* for infer */
} response;

#define RESPONSE_ATTRIBUTE(attribute_name, attribute_type) \
    { \
        .name = #attribute_name, .type = (attribute_type), .offset = offsetof(response, p.attribute_name) \
    }

static const cnn__attribute response_attributes[] = { RESPONSE_ATTRIBUTE(size, CNN__INT64),
                                                      RESPONSE_ATTRIBUTE(alpha, CNN__FLOAT),
                                                      RESPONSE_ATTRIBUTE(beta, CNN__FLOAT),
                                                      RESPONSE_ATTRIBUTE(k, CNN__FLOAT),
                                                      { .name = NULL } };

static bool response_infer(cnn__call *call, void *attributes)
{
    response *r = attributes;
    const cnn_tensor *x = call->in[0];
    cnn_local_response_norm_options o;
    char given[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, 0)) {
        return false;
    }
    if (CNN__OPTIONS_READ(call->ctx, "local_response_norm", &o, r->given) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    if (x->ndim < 3) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C,...]",
                       cnn__shape_text(given, x->ndim, x->shape));
        return false;
    }
    if (r->p.size < 1) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "size is %lld, expected at least 1", (long long)r->p.size);
        return false;
    }
    r->p = (cnn_local_response_norm_parameters){ .batch = x->shape[0],
                                                 .channels = x->shape[1],
                                                 .inner = 1,
                                                 .size = r->p.size,
                                                 .alpha = cnn__option(o.alpha, 1e-4),
                                                 .beta = cnn__option(o.beta, 0.75),
                                                 .k = cnn__option(o.k, 1) };
    for (int d = 2; d < x->ndim; d++) {
        r->p.inner *= x->shape[d];
    }
    cnn__out_like(call, 0, 0);
    return true;
}

static bool response_forward(cnn__call *call, void *attributes)
{
    const response *r = attributes;
    cnn_launch l = CNN__LAUNCH(LOCAL_RESPONSE_NORM, call->x[0]->dtype, CNN__PARAMETERS(r->p),
                               .in = { cnn__data(call->x[0]) }, .out = { cnn__data(call->out[0]) });
    return call->out[0]->numel == 0 || cnn__run(call->tape, call->op->name, &l);
}

static void response_backward(cnn__node *node, cnn_tensor *dy)
{
    const response *r = node->attributes;
    cnn_tensor *dx = cnn__grad_empty(node, 0);
    if (!dx) {
        return;
    }
    cnn_launch l = CNN__LAUNCH(LOCAL_RESPONSE_NORM_BACKWARD, dy->dtype, CNN__PARAMETERS(r->p),
                               .in = { cnn__data(node->saved[0]), cnn__data(dy) }, .out = { cnn__data(dx) });
    if (dx->numel == 0 || cnn__run(node->tape, node->op->name, &l)) {
        cnn__grad_add(node, 0, dx);
    }
}

static const cnn__op response_op = { .name = "local_response_norm",
                                     .dense = 1,
                                     .saves = 1,
                                     .size = sizeof(response),
                                     .attributes = response_attributes,
                                     .infer = response_infer,
                                     .forward = response_forward,
                                     .backward = response_backward };

cnn_tensor *cnn_local_response_norm(cnn_tensor *x, int64_t size, const cnn_local_response_norm_options *options)
{
    response r = { .p.size = size, .given = options };
    return cnn__apply(&response_op, &x, 1, &r);
}
