/* Normalisation of rows and of groups of channels: layer, RMS and group normalisation. Each is one form of
 * cnn_group_norm_parameters; the statistics, an extra, are all that backward needs besides x and the weight. */
#include "ops/norms.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct group_norm {
    cnn_group_norm_parameters p; /* first: what the kernels are told */
    int dims;                    /* the dimensions of a row: the last ones of x */
    /* For infer: */
    const int64_t *shape; /* the shape of a row */
    int64_t groups;
    const cnn_norm_options *given;
} group_norm;

static const cnn__attribute row_attributes[] = { CNN__ATTRIBUTE(CNN__INT, group_norm, dims),
                                                 { "eps", CNN__FLOAT, .offset = offsetof(group_norm, p.eps) },
                                                 { .name = NULL } };
static const cnn__attribute group_attributes[] = { { "groups", CNN__INT64, .offset = offsetof(group_norm, p.groups) },
                                                   { "eps", CNN__FLOAT, .offset = offsetof(group_norm, p.eps) },
                                                   { .name = NULL } };

/* ---- checks ---- */

bool cnn__norm_check_eps(cnn__call *call, double given, double missing, double *eps)
{
    *eps = cnn__option(given, missing);
    bool fits = *eps >= 0 && !isinf(*eps);
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "eps is %s, expected at least 0", CNN__G(*eps));
    }
    return fits;
}

static bool read_group_options(cnn__call *call, group_norm *n, double eps)
{
    cnn_norm_options o;
    if (CNN__OPTIONS_READ(call->ctx, call->op->name, &o, n->given) != CNN_OK) {
        cnn__call_fail_newest(call);
        return false;
    }
    return cnn__norm_check_eps(call, o.eps, eps, &n->p.eps);
}

static bool has_shape(const int64_t *given, int ndim, const int64_t *shape)
{
    return ndim == 0 || memcmp(given, shape, (size_t)ndim * sizeof *shape) == 0;
}

static bool check_affine(cnn__call *call, int i, const char *name, int ndim, const int64_t *shape)
{
    const cnn_tensor *t = i < call->count ? call->in[i] : NULL;
    char given[CNN__SHAPE_TEXT], expected[CNN__SHAPE_TEXT];
    bool fits = !t || (t->ndim == ndim && has_shape(t->shape, ndim, shape));
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "%s is %s, expected %s", name, cnn__shape_text(given, t->ndim, t->shape),
                       cnn__shape_text(expected, ndim, shape));
    }
    return fits;
}

void cnn__group_norm_outputs(cnn__call *call, const cnn_group_norm_parameters *p)
{
    cnn__out_like(call, 0, CNN__NORM_INPUT);
    cnn__out(call, CNN__NORM_STATISTICS, CNN_F64, 2, (const int64_t[]){ 3, p->batch * p->groups });
}

/* Whether x ends with the dimensions of a row. */
static bool check_rows(cnn__call *call, const group_norm *n)
{
    const cnn_tensor *x = call->in[CNN__NORM_INPUT];
    char given[CNN__SHAPE_TEXT], expected[CNN__SHAPE_TEXT];
    if (n->dims < 1 || n->dims > CNN_MAX_DIMS || !n->shape) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "normalized_shape has %d dimensions, expected 1 to %d",
                       n->shape ? n->dims : 0, CNN_MAX_DIMS);
        return false;
    }
    bool fits = x->ndim >= n->dims && has_shape(x->shape + (x->ndim - n->dims), n->dims, n->shape);
    if (!fits) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected its last dimensions to be %s",
                       cnn__shape_text(given, x->ndim, x->shape), cnn__shape_text(expected, n->dims, n->shape));
    }
    return fits;
}

static bool row_norm_infer(cnn__call *call, group_norm *n, bool uncentred)
{
    const cnn_tensor *x = call->in[CNN__NORM_INPUT];
    if (!cnn__call_real(call, CNN__NORM_INPUT) || !cnn__call_same_dtype(call, call->count) || !check_rows(call, n) ||
        !check_affine(call, CNN__NORM_WEIGHT, "weight", n->dims, n->shape) ||
        !check_affine(call, CNN__NORM_BIAS, "bias", n->dims, n->shape)) {
        return false;
    }
    double epsilon = x->dtype == CNN_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    if (!read_group_options(call, n, uncentred ? epsilon : 1e-5)) {
        return false;
    }
    n->p = (cnn_group_norm_parameters){
        .batch = 1, .groups = 1, .channels = 1, .inner = 1, .eps = n->p.eps, .uncentred = uncentred
    };
    for (int d = 0; d < x->ndim; d++) {
        *(d < x->ndim - n->dims ? &n->p.batch : &n->p.channels) *= x->shape[d];
    }
    cnn__group_norm_outputs(call, &n->p);
    return true;
}

static bool layer_norm_infer(cnn__call *call, void *attributes)
{
    return row_norm_infer(call, attributes, false);
}

static bool rms_norm_infer(cnn__call *call, void *attributes)
{
    return row_norm_infer(call, attributes, true);
}

static bool group_norm_infer(cnn__call *call, void *attributes)
{
    group_norm *n = attributes;
    const cnn_tensor *x = call->in[CNN__NORM_INPUT];
    char given[CNN__SHAPE_TEXT];
    if (!cnn__call_real(call, CNN__NORM_INPUT) || !cnn__call_same_dtype(call, call->count) ||
        !read_group_options(call, n, 1e-5)) {
        return false;
    }
    if (x->ndim < 2) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "input is %s, expected [N,C] or [N,C,...]",
                       cnn__shape_text(given, x->ndim, x->shape));
        return false;
    }
    if (n->groups < 1 || x->shape[1] % n->groups) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "num_groups is %lld, expected a divisor of the %lld channels",
                       (long long)n->groups, (long long)x->shape[1]);
        return false;
    }
    n->p = (cnn_group_norm_parameters){
        .batch = x->shape[0], .groups = n->groups, .channels = x->shape[1] / n->groups, .inner = 1, .eps = n->p.eps
    };
    for (int d = 2; d < x->ndim; d++) {
        n->p.inner *= x->shape[d];
    }
    if (n->p.batch * n->p.channels * n->p.inner == 1) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "there is one value per group, expected two or more");
        return false;
    }
    if (!check_affine(call, CNN__NORM_WEIGHT, "weight", 1, x->shape + 1) ||
        !check_affine(call, CNN__NORM_BIAS, "bias", 1, x->shape + 1)) {
        return false;
    }
    cnn__group_norm_outputs(call, &n->p);
    return true;
}

/* ---- both directions ---- */

bool cnn__group_norm_forward(cnn__call *call, void *attributes)
{
    const cnn_group_norm_parameters *p = attributes;
    cnn_tensor *const *x = call->x;
    cnn_launch l = CNN__LAUNCH(GROUP_NORM_FORWARD, x[CNN__NORM_INPUT]->dtype, CNN__PARAMETERS(*p),
                               .in = { cnn__data(x[CNN__NORM_INPUT]), cnn__data_or_null(x[CNN__NORM_WEIGHT]),
                                       cnn__data_or_null(call->count > CNN__NORM_BIAS ? x[CNN__NORM_BIAS] : NULL) },
                               .out = { cnn__data(call->out[0]), cnn__data(call->out[CNN__NORM_STATISTICS]) });
    return call->out[0]->numel == 0 || cnn__run(call->tape, call->op->name, &l);
}

void cnn__group_norm_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__norm_backward(node, dy, CNN_KERNEL_GROUP_NORM_BACKWARD, node->attributes, sizeof(cnn_group_norm_parameters),
                       NULL);
}

enum { ROW_INPUTS = CNN__NORM_WEIGHT + 1, GROUP_INPUTS = CNN__NORM_BIAS + 1 };

static const cnn__reads row_reads[ROW_INPUTS + 2] = {
    [CNN__NORM_INPUT] = { "the input", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
    [CNN__NORM_WEIGHT] = { "weight", 1u << CNN__NORM_INPUT },
    [ROW_INPUTS + CNN__NORM_STATISTICS] = { "statistics", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
};
static const cnn__reads group_reads[GROUP_INPUTS + 2] = {
    [CNN__NORM_INPUT] = { "the input", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
    [CNN__NORM_WEIGHT] = { "weight", 1u << CNN__NORM_INPUT },
    [GROUP_INPUTS + CNN__NORM_STATISTICS] = { "statistics", 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT },
};

static const cnn__op layer_norm_op = {
    .name = "layer_norm",
    .extras = 1,
    .optional = 1u << CNN__NORM_WEIGHT | 1u << CNN__NORM_BIAS,
    .dense = (1u << GROUP_INPUTS) - 1,
    .saves = 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT | CNN__OUTPUT(CNN__NORM_STATISTICS),
    .size = sizeof(group_norm),
    .attributes = row_attributes,
    .infer = layer_norm_infer,
    .forward = cnn__group_norm_forward,
    .backward = cnn__group_norm_backward,
    .reads = group_reads,
};

static const cnn__op rms_norm_op = {
    .name = "rms_norm",
    .extras = 1,
    .optional = 1u << CNN__NORM_WEIGHT,
    .dense = (1u << ROW_INPUTS) - 1,
    .saves = 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT | CNN__OUTPUT(CNN__NORM_STATISTICS),
    .size = sizeof(group_norm),
    .attributes = row_attributes,
    .infer = rms_norm_infer,
    .forward = cnn__group_norm_forward,
    .backward = cnn__group_norm_backward,
    .reads = row_reads,
};

static const cnn__op group_norm_op = {
    .name = "group_norm",
    .extras = 1,
    .optional = 1u << CNN__NORM_WEIGHT | 1u << CNN__NORM_BIAS,
    .dense = (1u << GROUP_INPUTS) - 1,
    .saves = 1u << CNN__NORM_INPUT | 1u << CNN__NORM_WEIGHT | CNN__OUTPUT(CNN__NORM_STATISTICS),
    .size = sizeof(group_norm),
    .attributes = group_attributes,
    .infer = group_norm_infer,
    .forward = cnn__group_norm_forward,
    .backward = cnn__group_norm_backward,
    .reads = group_reads,
};

cnn_tensor *cnn_layer_norm(cnn_tensor *x, int ndim, const int64_t *shape, cnn_tensor *weight, cnn_tensor *bias,
                           const cnn_norm_options *options)
{
    group_norm n = { .dims = ndim, .shape = shape, .given = options };
    return cnn__apply(&layer_norm_op, (cnn_tensor *const[]){ x, weight, bias }, GROUP_INPUTS, &n);
}

cnn_tensor *cnn_rms_norm(cnn_tensor *x, int ndim, const int64_t *shape, cnn_tensor *weight,
                         const cnn_norm_options *options)
{
    group_norm n = { .dims = ndim, .shape = shape, .given = options };
    return cnn__apply(&rms_norm_op, (cnn_tensor *const[]){ x, weight }, ROW_INPUTS, &n);
}

cnn_tensor *cnn_group_norm(cnn_tensor *x, int64_t groups, cnn_tensor *weight, cnn_tensor *bias,
                           const cnn_norm_options *options)
{
    group_norm n = { .groups = groups, .given = options };
    return cnn__apply(&group_norm_op, (cnn_tensor *const[]){ x, weight, bias }, GROUP_INPUTS, &n);
}
