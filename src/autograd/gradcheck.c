/* Gradients against central finite differences, as torch.autograd.gradcheck does: for every element of the output, the
 * row of the Jacobian by backward and by (f(x + eps) − f(x − eps)) / (2·eps). */
#include "autograd/running.h"
#include "autograd/tape.h"
#include "platform/thread.h"

#include <math.h>
#include <string.h>

enum { MAX_INPUTS = CNN__MAX_INPUTS };

typedef struct checker {
    cnn_context *ctx;
    cnn_function_fn function;
    void *user;
    int count;
    cnn_tensor *inputs[MAX_INPUTS]; /* copies of the user's */
    cnn_tape *tape;
    cnn_gradcheck_options options;
    int64_t outputs;
    double *analytical; /* the Jacobian of one input by backward: [outputs, elements] */
    double *plus, *minus;
} checker;

/* The function must not depend on how often it is called: the rows of the Jacobian are as long as it was at first. */
static cnn_status check_output(const checker *c, const cnn_tensor *y)
{
    cnn_status status = cnn_tensor_status(y);
    if (status != CNN_OK) {
        return status;
    }
    if (y->kind != CNN__TENSOR_TAPE || y->tape != c->tape) {
        return cnn__fail(c->ctx, CNN_ERROR_STATE, "gradcheck: the function returned a tensor on %s, expected a result",
                         y->kind == CNN__TENSOR_TAPE ? "another tape" : "no tape");
    }
    if (y->dtype != CNN_F64) {
        return cnn__fail(c->ctx, CNN_ERROR_DTYPE, "gradcheck: the function returned %s, expected float64",
                         cnn_dtype_name(y->dtype));
    }
    if (c->outputs >= 0 && y->numel != c->outputs) {
        return cnn__fail(c->ctx, CNN_ERROR_SHAPE, "gradcheck: the function returned %lld elements, and %lld before",
                         (long long)y->numel, (long long)c->outputs);
    }
    return CNN_OK;
}

static cnn_tensor *evaluate(checker *c, cnn_mode mode)
{
    cnn_tensor *on_tape[MAX_INPUTS];
    cnn_tape_begin(c->tape, mode);
    for (int i = 0; i < c->count; i++) {
        on_tape[i] = cnn_input(c->tape, c->inputs[i]);
    }
    cnn__running running = { .tape = c->tape, .part = "the function of", .name = "gradcheck" };
    cnn__running_enter(&running);
    cnn_tensor *y = c->function(on_tape, c->count, c->user);
    cnn__running_leave(&running);
    if (!y) {
        return cnn__tape_fail(c->tape, CNN_ERROR_CALLBACK, "gradcheck: the function returned NULL");
    }
    return y;
}

static cnn_status values(checker *c, double *out)
{
    cnn_tensor *y = evaluate(c, CNN_EVAL);
    cnn_status status = check_output(c, y);
    return status == CNN_OK ? cnn_tensor_read(y, out, (size_t)c->outputs * sizeof *out) : status;
}

static cnn_status set_element(const cnn_tensor *t, int64_t place, double value)
{
    return cnn__device_write(t->ctx, "gradcheck", (double *)cnn__data(t) + place, &value, sizeof value);
}

/* Every row of the Jacobian of one input by backward. */
static cnn_status analytical_rows(checker *c, int input)
{
    cnn_tensor *x = c->inputs[input], *y = evaluate(c, CNN_EVAL_GRAD);
    cnn_status status = check_output(c, y);
    if (status != CNN_OK) {
        return status;
    }
    cnn_tensor *seed = cnn__tensor_new(c->ctx, "gradcheck", CNN_F64, y->ndim, y->shape);
    if (!seed) {
        return cnn__failure_status();
    }
    for (int64_t j = 0; j < c->outputs && status == CNN_OK; j++) {
        status = cnn_tensor_fill(seed, 0);
        status = status == CNN_OK ? set_element(seed, j, 1) : status;
        for (int i = 0; i < c->count; i++) {
            cnn__tensor_grad_clear(c->inputs[i]);
        }
        status = status == CNN_OK && y->requires_grad ? cnn_backward_with(y, seed, true) : status;
        double *row = c->analytical + j * x->numel;
        const cnn_tensor *grad = cnn__tensor_grad_read(x);
        memset(row, 0, (size_t)x->numel * sizeof *row);
        if (grad && x->numel) {
            status = status == CNN_OK ? cnn__elements_get(grad, "gradcheck", row) : status;
        }
    }
    cnn__tensor_release(seed);
    return status;
}

static cnn_status gradcheck_compare(checker *c, int input, int64_t element)
{
    int64_t n = c->inputs[input]->numel;
    for (int64_t j = 0; j < c->outputs; j++) {
        double numerical = (c->plus[j] - c->minus[j]) / (2 * c->options.eps);
        double analytical = c->analytical[j * n + element];
        if (!(fabs(analytical - numerical) <= c->options.atol + c->options.rtol * fabs(numerical))) {
            char by_backward[CNN__NUMBER_SIZE], by_differences[CNN__NUMBER_SIZE];
            return cnn__fail(c->ctx, CNN_ERROR_MISMATCH,
                             "gradcheck: d output[%lld] / d input %d[%lld] is %s by backward, %s by differences",
                             (long long)j, input, (long long)element,
                             cnn__number(by_backward, sizeof by_backward, "%.9g", analytical),
                             cnn__number(by_differences, sizeof by_differences, "%.9g", numerical));
        }
    }
    return CNN_OK;
}

/* The place of element i in row-major order. */
static int64_t place_of(const cnn_tensor *t, int64_t i)
{
    int64_t x = 0;
    for (int d = t->ndim - 1; d >= 0; d--) {
        x += i % t->shape[d] * t->stride[d];
        i /= t->shape[d];
    }
    return x;
}

static double element_of(const cnn_tensor *t, int64_t place)
{
    double value = NAN;
    cnn__device_read(t->ctx, "gradcheck", &value, (double *)cnn__data(t) + place, sizeof value);
    return value;
}

/* The outputs with another value in that place. */
static cnn_status values_with(checker *c, const cnn_tensor *x, int64_t place, double value, double *outputs)
{
    cnn_status status = set_element(x, place, value);
    return status == CNN_OK ? values(c, outputs) : status;
}

static cnn_status gradcheck_check_input(checker *c, int input)
{
    cnn_status status = analytical_rows(c, input);
    for (int64_t i = 0; i < c->inputs[input]->numel && status == CNN_OK; i++) {
        const cnn_tensor *x = c->inputs[input];
        int64_t place = place_of(x, i);
        double original = element_of(x, place);
        status = values_with(c, x, place, original + c->options.eps, c->plus);
        status = status == CNN_OK ? values_with(c, x, place, original - c->options.eps, c->minus) : status;
        cnn_status restored = set_element(x, place, original);
        status = status == CNN_OK ? restored : status;
        status = status == CNN_OK ? gradcheck_compare(c, input, i) : status;
    }
    return status;
}

static cnn_status gradcheck_allocate(checker *c)
{
    cnn_tensor *y = evaluate(c, CNN_EVAL);
    cnn_status status = check_output(c, y);
    if (status != CNN_OK) {
        return status;
    }
    c->outputs = y->numel;
    int64_t largest = 1;
    for (int i = 0; i < c->count; i++) {
        largest = c->inputs[i]->numel > largest ? c->inputs[i]->numel : largest;
    }
    size_t outputs = (size_t)(c->outputs ? c->outputs : 1);
    size_t row = (size_t)largest * sizeof(double);
    c->plus = cnn__calloc(c->ctx, outputs, sizeof(double));
    c->minus = cnn__calloc(c->ctx, outputs, sizeof(double));
    c->analytical = cnn__calloc(c->ctx, outputs, row);
    return c->plus && c->minus && c->analytical ? CNN_OK : cnn__fail_memory(c->ctx, "gradcheck", outputs * row);
}

static cnn_status copy_inputs(checker *c, cnn_tensor *const *inputs)
{
    for (int i = 0; i < c->count; i++) {
        if (cnn__tensor_check(inputs[i], "gradcheck") != CNN_OK) {
            return cnn__failure_status();
        }
        if (inputs[i]->requires_grad && inputs[i]->dtype != CNN_F64) {
            return cnn__fail(c->ctx, CNN_ERROR_DTYPE, "gradcheck: input %d is %s, expected float64", i,
                             cnn_dtype_name(inputs[i]->dtype));
        }
        if (!(c->inputs[i] = cnn_tensor_detach(inputs[i]))) {
            return cnn__failure_status();
        }
        c->inputs[i]->requires_grad = inputs[i]->requires_grad;
    }
    return CNN_OK;
}

static cnn_status gradcheck_run(checker *c, cnn_tensor *const *inputs)
{
    cnn_status status = copy_inputs(c, inputs);
    if (status == CNN_OK && !(c->tape = cnn_tape_new(c->ctx))) {
        status = cnn__failure_status();
    }
    status = status == CNN_OK ? gradcheck_allocate(c) : status;
    for (int i = 0; i < c->count && status == CNN_OK; i++) {
        if (c->inputs[i]->requires_grad) {
            status = gradcheck_check_input(c, i);
        }
    }
    return status;
}

static cnn_status gradcheck_check_options(const checker *c)
{
    const struct {
        const char *name;
        double value;
        bool zero;
    } rules[] = { { "eps", c->options.eps, false },
                  { "atol", c->options.atol, true },
                  { "rtol", c->options.rtol, true } };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        double value = rules[i].value;
        if (!isfinite(value) || value < 0 || (value == 0 && !rules[i].zero)) {
            return cnn__fail(c->ctx, CNN_ERROR_INVALID_ARGUMENT, "gradcheck: %s is %s, expected a finite number %s 0",
                             rules[i].name, CNN__G(value), rules[i].zero ? "of at least" : "above");
        }
    }
    return CNN_OK;
}

cnn_status cnn_gradcheck(cnn_context *ctx, cnn_function_fn function, void *user, cnn_tensor *const *inputs, int count,
                         const cnn_gradcheck_options *options)
{
    if (!ctx || !function || !inputs || count < 1 || count > MAX_INPUTS) {
        return cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "gradcheck: %s",
                         !ctx        ? "ctx is NULL"
                         : !function ? "function is NULL"
                                     : "expected 1 to 16 inputs");
    }
    checker c = { .ctx = ctx, .function = function, .user = user, .count = count, .outputs = -1 };
    if (CNN__OPTIONS_READ(ctx, "gradcheck", &c.options, options) != CNN_OK) {
        return cnn__failure_status();
    }
    c.options.eps = cnn__option(c.options.eps, 1e-6);
    c.options.atol = cnn__option(c.options.atol, 1e-5);
    c.options.rtol = cnn__option(c.options.rtol, 1e-3);
    cnn_status status = gradcheck_check_options(&c);
    cnn__begun begun = cnn__begun_get();
    int cancel = cnn__cancel_defer(); /* its own steps begin while it holds memory */
    status = status == CNN_OK ? gradcheck_run(&c, inputs) : status;
    cnn_tape_free(c.tape);
    cnn__begun_set(begun);
    for (int i = 0; i < count; i++) {
        cnn__tensor_release(c.inputs[i]);
    }
    cnn__free(ctx, c.plus);
    cnn__free(ctx, c.minus);
    cnn__free(ctx, c.analytical);
    cnn__cancel_restore(cancel);
    return status;
}
