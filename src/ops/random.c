/* Random tensors of a step: operations without inputs. Their numbers are a pure function of the step's random key and
 * the order of its draws. */
#include "ops/operation.h"

#include "base/math.h"

typedef struct random_draw {
    double p; /* the probability of a Bernoulli draw */
    int dtype, ndim;
    int64_t shape[CNN_MAX_DIMS];
} random_draw;

static const cnn__attribute random_draw_attributes[] = { CNN__ATTRIBUTE(CNN__DTYPE, random_draw, dtype),
                                                         { .name = "shape",
                                                           .type = CNN__INT64,
                                                           .offset = offsetof(random_draw, shape),
                                                           .count = CNN_MAX_DIMS,
                                                           .counted = true,
                                                           .count_at = offsetof(random_draw, ndim) },
                                                         CNN__ATTRIBUTE(CNN__FLOAT, random_draw, p),
                                                         { .name = NULL } };

static const cnn__op rand_op = { .name = "tape_rand",
                                 .size = sizeof(random_draw),
                                 .attributes = random_draw_attributes };
static const cnn__op randn_op = { .name = "tape_randn",
                                  .size = sizeof(random_draw),
                                  .attributes = random_draw_attributes };
static const cnn__op bernoulli_op = { .name = "tape_bernoulli",
                                      .size = sizeof(random_draw),
                                      .attributes = random_draw_attributes };

/* False where the step cannot go on: `call->nil` is then what to return. */
static bool draw_begin(cnn__call *call, const cnn__op *op, cnn_tape *tape)
{
    const cnn__step *step = cnn__step_of(tape);
    *call =
        (cnn__call){ .op = op, .results = 1, .tape = tape, .ctx = tape ? step->ctx : NULL, .nil = cnn__tape_nil(tape) };
    if (!tape) {
        call->nil = cnn__current_fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: tape is NULL", op->name);
        return false;
    }
    if (step->generation == 0) {
        cnn__call_fail(call, CNN_ERROR_STATE, "the tape has no step yet, expected cnn_tape_begin() first");
    }
    return step->status == CNN_OK;
}

/* In a trace the draw is on the list, and there are no elements. */
static cnn_tensor *trace_draw(cnn__call *call, cnn_tensor *y, double p)
{
    random_draw d = { .p = p, .dtype = (int)y->dtype, .ndim = y->ndim };
    cnn__spec spec = { .kind = CNN__OUT_NEW };
    for (int i = 0; i < y->ndim; i++) {
        d.shape[i] = y->shape[i];
    }
    call->spec = &spec;
    call->out[0] = y;
    cnn__step_of(call->tape)->work = (cnn__counts){ .bytes = (double)y->numel * (double)cnn_dtype_size(y->dtype) };
    return cnn__call_record(call, &d, sizeof d, 0) ? y : call->nil;
}

static cnn_tensor *make_draw(cnn__call *call, cnn_distribution distribution, double p, cnn_dtype dtype, int ndim,
                             const int64_t *shape)
{
    bool flags = distribution == CNN_DRAW_BERNOULLI;
    if (cnn__dtype_valid(dtype) && !cnn__dtype_is_full(dtype) && !(flags && dtype == CNN_BOOL)) {
        return cnn__call_fail(call, CNN_ERROR_DTYPE, "dtype is %s, expected float32%s", cnn_dtype_name(dtype),
                              flags ? ", float64 or bool" : " or float64");
    }
    cnn_tensor *y = cnn__result(call, dtype, ndim, shape);
    if (!y) {
        return call->nil;
    }
    if (cnn__tape_tracing(call->tape)) {
        return trace_draw(call, y, p);
    }
    cnn_draw_parameters drawn = { .distribution = distribution, .p = p };
    cnn__tape_random_key(call->tape, drawn.key);
    cnn_launch l = CNN__LAUNCH(DRAW, dtype, CNN__PARAMETERS(drawn), .count = y->numel, .out = { cnn__data(y) });
    return cnn__run(call->tape, call->op->name, &l) ? y : call->nil;
}

cnn_tensor *cnn_tape_rand(cnn_tape *tape, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    cnn__call call;
    return draw_begin(&call, &rand_op, tape) ? make_draw(&call, CNN_DRAW_UNIFORM, 0, dtype, ndim, shape) : call.nil;
}

cnn_tensor *cnn_tape_randn(cnn_tape *tape, cnn_dtype dtype, int ndim, const int64_t *shape)
{
    cnn__call call;
    return draw_begin(&call, &randn_op, tape) ? make_draw(&call, CNN_DRAW_NORMAL, 0, dtype, ndim, shape) : call.nil;
}

cnn_tensor *cnn_tape_bernoulli(cnn_tape *tape, cnn_dtype dtype, double p, int ndim, const int64_t *shape)
{
    cnn__call call;
    if (!draw_begin(&call, &bernoulli_op, tape)) {
        return call.nil;
    }
    if (!(p >= 0 && p <= 1)) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "p is %s, expected 0 to 1", CNN__G(p));
    }
    return make_draw(&call, CNN_DRAW_BERNOULLI, cnn__option(p, 0), dtype, ndim, shape);
}
