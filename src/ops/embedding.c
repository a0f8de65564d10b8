/* Rows of a table by their indices: torch.nn.functional.embedding. The gradient of a row is the sum over its uses; that
 * of the padding row is 0. */
#include "ops/operation.h"

enum { EMBEDDING_WEIGHT, EMBEDDING_INDICES };

typedef struct lookup {
    int64_t padding_idx;                /* −1: none */
    const cnn_embedding_options *given; /* for infer */
} lookup;

static const cnn__attribute lookup_attributes[] = { CNN__ATTRIBUTE(CNN__INT64, lookup, padding_idx), { .name = NULL } };

static bool embedding_check(cnn__call *call)
{
    const cnn_tensor *weight = call->in[EMBEDDING_WEIGHT], *indices = call->in[EMBEDDING_INDICES];
    if (!cnn__call_real(call, EMBEDDING_WEIGHT)) {
        return false;
    }
    if (indices->dtype != CNN_I64 && indices->dtype != CNN_I32) {
        cnn__call_fail(call, CNN_ERROR_DTYPE, "the indices are %s, expected int64 or int32",
                       cnn_dtype_name(indices->dtype));
        return false;
    }
    if (weight->ndim < 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "weight is [], expected [n,...]");
    }
    return weight->ndim >= 1;
}

static bool embedding_read_options(cnn__call *call, lookup *l)
{
    cnn_embedding_options o;
    if (!CNN__CALL_OPTIONS(call, &o, l->given)) {
        return false;
    }
    const long long n = call->in[EMBEDDING_WEIGHT]->shape[0];
    l->padding_idx = o.has_padding_idx ? cnn__row_number(o.padding_idx, n) : -1;
    if (o.has_padding_idx && l->padding_idx < 0) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "padding_idx is %lld, expected %lld to %lld",
                       (long long)o.padding_idx, -n, n - 1);
        return false;
    }
    return true;
}

static bool embedding_infer(cnn__call *call, void *attributes)
{
    const cnn_tensor *weight = call->in[EMBEDDING_WEIGHT], *indices = call->in[EMBEDDING_INDICES];
    if (!embedding_check(call) || !embedding_read_options(call, attributes)) {
        return false;
    }
    int64_t shape[2 * CNN_MAX_DIMS];
    int ndim = 0;
    for (int d = 0; d < indices->ndim; d++) {
        shape[ndim++] = indices->shape[d];
    }
    for (int d = 1; d < weight->ndim; d++) {
        shape[ndim++] = weight->shape[d];
    }
    cnn__out(call, 0, weight->dtype, ndim, shape);
    return true;
}

static cnn_lookup_parameters rows_of(const cnn_tensor *weight, const cnn_tensor *indices, int64_t skip)
{
    cnn_lookup_parameters p = { .index_dtype = indices->dtype,
                                .n = weight->shape[0],
                                .width = 1,
                                .count = indices->numel,
                                .skips = skip >= 0,
                                .skip = skip };
    for (int d = 1; d < weight->ndim; d++) {
        p.width *= weight->shape[d];
    }
    return p;
}

static bool embedding_check_indices(cnn__call *call)
{
    const cnn_tensor *weight = call->x[EMBEDDING_WEIGHT], *indices = call->x[EMBEDDING_INDICES];
    const cnn_lookup_parameters p = rows_of(weight, indices, -1);
    cnn_backend_failure failure;
    cnn_launch embedding_check =
        CNN__LAUNCH(INDEX_CHECK, indices->dtype, CNN__PARAMETERS(p), .in = { cnn__data(indices) });
    bool good = cnn__run_checked(call->tape, call->op->name, &embedding_check, &failure);
    if (!good && failure.status != CNN_OK) {
        char text[CNN__SHAPE_TEXT];
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "the index at %s is %lld, weight has %lld rows",
                       cnn__position_text(text, indices, failure.position), (long long)failure.value, (long long)p.n);
    }
    return good;
}

static bool embedding_forward(cnn__call *call, void *attributes)
{
    const cnn_tensor *weight = call->x[EMBEDDING_WEIGHT], *indices = call->x[EMBEDDING_INDICES];
    const cnn_lookup_parameters p = rows_of(weight, indices, -1);
    (void)attributes;
    cnn_launch l = CNN__LAUNCH(LOOKUP, weight->dtype, CNN__PARAMETERS(p),
                               .in = { cnn__data(weight), cnn__data(indices) }, .out = { cnn__data(call->out[0]) });
    return !indices->numel || (embedding_check_indices(call) && cnn__run(call->tape, call->op->name, &l));
}

static void embedding_backward(cnn__node *node, cnn_tensor *dy)
{
    const lookup *l = node->attributes;
    const cnn_tensor *indices = node->saved[EMBEDDING_INDICES];
    const cnn_lookup_parameters p = rows_of(node->in[EMBEDDING_WEIGHT], indices, l->padding_idx);
    cnn_tensor *dweight = cnn__grad_empty(node, EMBEDDING_WEIGHT);
    if (dweight) {
        cnn_launch sum = CNN__LAUNCH(LOOKUP_BACKWARD, dy->dtype, CNN__PARAMETERS(p),
                                     .in = { cnn__data(dy), cnn__data(indices) }, .out = { cnn__data(dweight) });
        cnn__grad_add(node, EMBEDDING_WEIGHT, cnn__run(node->tape, node->op->name, &sum) ? dweight : NULL);
    }
}

static const cnn__reads embedding_reads[] = { [EMBEDDING_INDICES] = { "the index tensor", 1u << EMBEDDING_WEIGHT },
                                              [EMBEDDING_INDICES + 1] = { NULL, 0 } };
static const cnn__op embedding_op = {
    .name = "embedding",
    .dense = 3,
    .saves = 1u << EMBEDDING_INDICES,
    .size = sizeof(lookup),
    .attributes = lookup_attributes,
    .infer = embedding_infer,
    .forward = embedding_forward,
    .backward = embedding_backward,
    .reads = embedding_reads,
};

cnn_tensor *cnn_embedding(cnn_tensor *weight, cnn_tensor *indices, const cnn_embedding_options *options)
{
    lookup l = { .given = options };
    return cnn__apply(&embedding_op, (cnn_tensor *const[]){ weight, indices }, 2, &l);
}
