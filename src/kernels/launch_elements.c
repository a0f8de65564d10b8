/* Runners of the kernels of every dtype: elements, copies, reductions, softmax, random numbers. */
#include "kernels/array/array.h"
#include "kernels/array/draw.h"
#include "kernels/array/nest.h"
#include "kernels/launch.h"

typedef const cnn_elementwise_parameters elementwise_parameters;
typedef const cnn_reduce_parameters reduce_parameters;

static bool run_fill(cnn__cpu_call *j)
{
    const cnn_fill_parameters *p = j->l->parameters;
    j->kernels->array->fill(j->l->dtype, j->l->count, p->value, j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_fill = { .run = run_fill, .flops = CNN__NO_FLOPS, .moves = true };

static bool run_copy(cnn__cpu_call *j)
{
    const cnn_copy_parameters *p = j->l->parameters;
    if (cnn__map_copy(j->kernels->array->maps, &p->nest, j->l->dtype, j->l->out[0], p->from, j->l->in[0], j->pool)) {
        return true;
    }
    j->kernels->array->copy(&p->nest, j->l->dtype, j->l->out[0], p->from, j->l->in[0], j->pool);
    return true;
}

/* In elements of the result's dtype. */
static int64_t copy_measure(const cnn_launch *l, char letter, bool *updates)
{
    const cnn_copy_parameters *p = l->parameters;
    size_t size = cnn_dtype_size(letter == '1' ? p->from : l->dtype);
    (void)updates;
    return cnn__nest_count(&p->nest) * (int64_t)size / (int64_t)cnn_dtype_size(l->dtype);
}

const cnn__cpu_kernel cnn__cpu_copy = {
    .run = run_copy, .flops = CNN__NO_FLOPS, .moves = true, .measure = copy_measure, .in = "1", .out = "0"
};

static bool run_unary(cnn__cpu_call *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->unary((cnn_unary)p->function, &p->nest, j->l->dtype, p->value, j->l->out[0], j->l->in[0],
                             j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_unary = {
    .run = run_unary, .unit = '*', .measure = cnn__measure_elementwise, .in = "1", .out = "0"
};

static bool run_slope(cnn__cpu_call *j)
{
    elementwise_parameters *p = j->l->parameters;
    cnn__map_slope(j->kernels->array->maps, (cnn_unary)p->function, &p->nest, j->l->dtype, p->value, j->l->out[0],
                   j->l->in[0], j->l->in[1], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_slope = {
    .run = run_slope, .unit = '*', .measure = cnn__measure_elementwise, .in = "12", .out = "0"
};

static bool run_binary(cnn__cpu_call *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->binary((cnn_binary)p->function, &p->nest, j->l->dtype, j->l->out[0], j->l->in[0], j->l->in[1],
                              j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_binary = {
    .run = run_binary, .unit = '*', .measure = cnn__measure_elementwise, .in = "12", .out = "0"
};

static bool run_compare(cnn__cpu_call *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->compare((cnn_compare)p->function, &p->nest, j->l->dtype, j->l->out[0], j->l->in[0], j->l->in[1],
                               j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_compare = {
    .run = run_compare, .unit = '*', .measure = cnn__measure_elementwise, .in = "12", .out = ""
};

static bool run_where(cnn__cpu_call *j)
{
    elementwise_parameters *p = j->l->parameters;
    j->kernels->array->where(j->kernels->array->maps, &p->nest, j->l->dtype, j->l->out[0], j->l->in[0], j->l->in[1],
                             j->l->in[2], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_where = {
    .run = run_where, .flops = CNN__NO_FLOPS, .measure = cnn__measure_elementwise, .in = "-23", .out = "0"
};

static bool run_reduce(cnn__cpu_call *j)
{
    reduce_parameters *p = j->l->parameters;
    j->kernels->array->reduce((cnn_reduce)p->function, &p->outer, &p->inner, j->l->dtype, j->l->out[0], j->l->in[0],
                              j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_reduce = {
    .run = run_reduce, .unit = '*', .measure = cnn__measure_reduced, .in = "1", .out = "0"
};

static bool run_argmax(cnn__cpu_call *j)
{
    reduce_parameters *p = j->l->parameters;
    j->kernels->array->argmax(p->function != 0, &p->outer, &p->inner, j->l->dtype, j->l->out[0], j->l->in[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_argmax = {
    .run = run_argmax, .unit = '*', .measure = cnn__measure_reduced, .in = "1", .out = ""
};

static bool run_pick(cnn__cpu_call *j)
{
    j->kernels->array->pick(j->l->parameters, j->l->dtype, j->l->in[0], j->l->in[1], j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_pick = {
    .run = run_pick, .flops = CNN__NO_FLOPS, .measure = cnn__measure_along, .in = "x", .out = "y"
};

static bool run_place(cnn__cpu_call *j)
{
    j->kernels->array->place(j->l->parameters, j->l->dtype, j->l->out[0], j->l->in[1], j->l->in[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_place = {
    .run = run_place, .flops = CNN__NO_FLOPS, .measure = cnn__measure_along, .in = "y", .out = "x"
};

static bool run_softmax(cnn__cpu_call *j)
{
    const cnn_matrix *p = j->l->parameters;
    const cnn__array_kernels *k = j->kernels->array;
    (j->l->kernel == CNN_KERNEL_SOFTMAX ? k->softmax : k->log_softmax)(j->l->dtype, p->rows, p->columns, j->l->in[0],
                                                                       j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_softmax = {
    .run = run_softmax, .flops = 5, .measure = cnn__measure_matrix, .in = "x", .out = "x"
};
const cnn__cpu_kernel cnn__cpu_log_softmax = {
    .run = run_softmax, .flops = 5, .measure = cnn__measure_matrix, .in = "x", .out = "x"
};

static bool run_draw(cnn__cpu_call *j)
{
    const cnn_draw_parameters *p = j->l->parameters;
    cnn__array_draw(j->kernels->array->maps, p, j->l->dtype, j->l->count, j->l->out[0], j->pool);
    return true;
}

const cnn__cpu_kernel cnn__cpu_draw = { .run = run_draw, .flops = CNN__NO_FLOPS };
