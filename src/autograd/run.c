/* The launches of small operations, written member by member: most of such an operation's time would go into clearing
 * operands and loop nests that it does not have. */
#include "autograd/tape.h"

/* Everything but the parameters of a launch on operands[0], the result, and the `count` − 1 inputs behind it. */
static void run_prepare(cnn_launch *l, cnn_kernel kernel, int count, const cnn_tensor *const *operands)
{
    l->struct_size = sizeof *l;
    l->kernel = kernel;
    l->dtype = operands[count - 1]->dtype;
    l->count = operands[0]->numel;
    for (int i = 0; i < (int)(sizeof l->in / sizeof l->in[0]); i++) {
        l->in[i] = NULL;
    }
    for (int i = 1; i < count; i++) {
        l->in[i - 1] = cnn__data(operands[i]);
    }
    l->out[0] = cnn__data(operands[0]);
    for (int i = 1; i < (int)(sizeof l->out / sizeof l->out[0]); i++) {
        l->out[i] = NULL;
    }
    l->workspace = NULL;
    l->number = 0;
}

bool cnn__run_on(cnn_tape *tape, const char *call, cnn_kernel kernel, const void *parameters, size_t size, int count,
                 const cnn_tensor *const *operands)
{
    cnn_launch l;
    run_prepare(&l, kernel, count, operands);
    l.parameters = parameters;
    l.parameters_size = size;
    return cnn__run(tape, call, &l);
}

bool cnn__run_elementwise(cnn_tape *tape, const char *call, cnn_kernel kernel, int function, const double *value,
                          int count, const cnn_tensor *const *operands)
{
    const cnn_tensor *y = operands[0];
    if (y->numel == 0) {
        return true;
    }
    cnn_elementwise_parameters p;
    p.function = function;
    for (int i = 0; i < 2; i++) {
        p.value[i] = value ? value[i] : 0;
    }
    cnn__nest_make(&p.nest, y->ndim, y->shape, count, operands);
    return cnn__run_on(tape, call, kernel, &p, sizeof p, count, operands);
}
