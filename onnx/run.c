/* Running a program on the tensors of a step. */
#include "net.h"
#include "run.h"

#include <cnn/ops.h>

#include <stdarg.h>
#include <stdio.h>

/* An input may have a slot and yet no value: one that a call of a function leaves out, or an output that its operator
 * does not have. */
static bool has_inputs(cnn__onnx_run *run)
{
    for (int i = 0; i < run->step->op->min_in; i++) {
        if (!cnn__onnx_has(run, i)) {
            return cnn__onnx_step_fail(run, CNN_ERROR_FORMAT, "input %d has no value", i);
        }
    }
    return true;
}

bool cnn__onnx_block_run(cnn__onnx_run *run, const cnn__onnx_block *block)
{
    const cnn__onnx_step *outer = run->step;
    for (const cnn__onnx_step *step = block->first; step; step = step->next) {
        run->step = step;
        if (!has_inputs(run)) {
            return false;
        }
        if (!cnn__onnx_fold(run) && (run->status != CNN_OK || !step->op->run(run))) {
            if (run->status == CNN_OK) {
                run->status = cnn_tape_status(run->tape);
                cnn__onnx_step_fail(run, CNN_ERROR_UNSUPPORTED, "it could not be run");
            }
            return false;
        }
    }
    run->step = outer;
    return true;
}

static bool same_shape(const cnn__onnx_value_info *info, const cnn_tensor *t)
{
    bool same = info->ndim < 0 || info->ndim == cnn_tensor_ndim(t);
    for (int d = 0; same && d < info->ndim; d++) {
        same = info->shape[d] < 0 || info->shape[d] == cnn_tensor_shape(t)[d];
    }
    return same;
}

/* Appends to a text of `size` bytes, of which `used` are written; what does not fit is left out. */
static size_t append(char *text, size_t size, size_t used, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = used < size ? vsnprintf(text + used, size - used, format, arguments) : 0;
    va_end(arguments);
    return more > 0 ? used + (size_t)more : used;
}

static cnn_status fail_shape(const cnn__onnx_run *run, const cnn__onnx_value_info *info, const cnn_tensor *x)
{
    char is[160] = "", expected[240] = "";
    size_t used = 0;
    for (int d = 0; d < cnn_tensor_ndim(x); d++) {
        used = append(is, sizeof is, used, "%s%lld", d ? "," : "", (long long)cnn_tensor_shape(x)[d]);
    }
    used = 0;
    for (int d = 0; d < info->ndim; d++) {
        if (info->shape[d] >= 0) {
            used = append(expected, sizeof expected, used, "%s%lld", d ? "," : "", (long long)info->shape[d]);
        } else if (info->symbols[d].size) {
            used = append(expected, sizeof expected, used, "%s%.*s", d ? "," : "", CNN__TEXT(info->symbols[d]));
        } else {
            used = append(expected, sizeof expected, used, "%s?", d ? "," : "");
        }
    }
    return cnn__onnx_fail(run->ctx, CNN_ERROR_SHAPE, "onnx: input \"%.*s\" is [%s], expected [%s]",
                          CNN__TEXT(info->name), is, expected);
}

static cnn_status take_inputs(cnn__onnx_run *run, cnn_tensor *const *inputs, int count)
{
    const cnn__onnx_program *p = run->program;
    if (count != p->input_count) {
        return cnn__onnx_fail(run->ctx, CNN_ERROR_INVALID_ARGUMENT, "onnx: %d inputs, expected %d", count,
                              p->input_count);
    }
    for (int i = 0; i < count; i++) {
        const cnn__onnx_value_info *info = p->inputs[i];
        cnn_dtype dtype;
        cnn__onnx_dtype(info->type, &dtype);
        if (!inputs[i]) {
            return cnn__onnx_fail(run->ctx, CNN_ERROR_INVALID_ARGUMENT, "onnx: input \"%.*s\" is NULL",
                                  CNN__TEXT(info->name));
        }
        if (cnn_tensor_dtype(inputs[i]) != dtype) {
            return cnn__onnx_fail(run->ctx, CNN_ERROR_DTYPE, "onnx: input \"%.*s\" is %s, expected %s",
                                  CNN__TEXT(info->name), cnn_dtype_name(cnn_tensor_dtype(inputs[i])),
                                  cnn_dtype_name(dtype));
        }
        if (!same_shape(info, inputs[i])) {
            return fail_shape(run, info, inputs[i]);
        }
        run->values[p->block.in[i]] = (cnn__onnx_value){ .tensor = inputs[i], .type = info->type };
    }
    return CNN_OK;
}

static void take_constants(cnn__onnx_run *run, const cnn__onnx_net *net)
{
    int k = 0;
    for (const cnn__onnx_constant *c = run->program->constants; c; c = c->next, k++) {
        run->values[c->slot] = (cnn__onnx_value){ .tensor = net->tensors[k],
                                                  .host = c->is_parameter || c->is_buffer ? NULL : c->host,
                                                  .type = c->type };
    }
}

/* An output that is an input or a constant is a tensor of the step, too. */
static cnn_status give_outputs(cnn__onnx_run *run, cnn_tensor **outputs, int count)
{
    for (int i = 0; i < count; i++) {
        cnn__onnx_value *value = &run->values[run->program->block.out[i]];
        outputs[i] = cnn__onnx_tensor_of(run, value);
        if (!outputs[i]) {
            return run->status != CNN_OK
                       ? run->status
                       : cnn__onnx_fail(run->ctx, CNN_ERROR_UNSUPPORTED, "onnx: output %d is no tensor", i);
        }
        if (!cnn_tensor_tape(outputs[i])) {
            outputs[i] = cnn_input(run->tape, outputs[i]);
        }
    }
    return CNN_OK;
}

static cnn_status run_all(cnn__onnx_run *run, const cnn__onnx_net *net, cnn_tensor *const *inputs, int input_count,
                          cnn_tensor **outputs, int output_count)
{
    if (output_count > run->program->block.out_count) {
        return cnn__onnx_fail(run->ctx, CNN_ERROR_INVALID_ARGUMENT, "onnx: asked for %d outputs, expected at most %d",
                              output_count, run->program->block.out_count);
    }
    take_constants(run, net);
    cnn_status status = take_inputs(run, inputs, input_count);
    if (status != CNN_OK) {
        return status;
    }
    if (!cnn__onnx_block_run(run, &run->program->block)) {
        return run->status;
    }
    return give_outputs(run, outputs, output_count);
}

/* The tape of the step; without inputs, that of an operation, which libcnn finds by the forward that is running. */
static cnn_tape *tape_of(cnn_context *ctx, cnn_tensor *const *inputs, int count)
{
    for (int i = 0; i < count; i++) {
        if (inputs[i]) {
            return cnn_tensor_tape(inputs[i]);
        }
    }
    cnn_tensor *number = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR), *result = number ? cnn_clone(number) : NULL;
    cnn_tape *tape = result ? cnn_tensor_tape(result) : NULL;
    cnn_tensor_free(number);
    return tape;
}

cnn_status cnn__onnx_net_forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                                 int output_count, void *user)
{
    cnn__onnx_net *net = user;
    cnn_context *ctx = cnn_module_context(self);
    cnn__onnx_workspace *space = cnn__onnx_net_workspace(net);
    if (!space) {
        return cnn__onnx_fail(ctx, CNN_ERROR_NO_MEMORY, "onnx: no memory for the values of %d nodes",
                              net->program->slot_count);
    }
    cnn__onnx_run run = { .ctx = ctx,
                          .tape = tape_of(ctx, inputs, input_count),
                          .program = net->program,
                          .values = space->values,
                          .arena = &space->arena };
    cnn_status status =
        run.tape ? run_all(&run, net, inputs, input_count, outputs, output_count) : cnn_context_status(ctx);
    cnn__onnx_net_give_back(net, space);
    return status;
}
