/* Functions that run one kind of layer with more than one tensor: cnn_lstm_forward() and the like. */
#include "nn/forward.h"

void cnn__forward_own(const char *call, const cnn__module_class *const *classes, const char *expected,
                      cnn_module *module, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                      int output_count)
{
    const cnn_tensor *x = inputs[0];
    cnn_tape *tape = x && x->kind != CNN__TENSOR_PLAIN ? x->tape : cnn__running_tape();
    while (module && *classes && module->class != *classes) {
        classes++;
    }
    if (module && !*classes) {
        tape = tape ? tape : cnn__current_tape(module->ctx);
        outputs[0] =
            cnn__found_fail(tape, module->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: the module is of type %s, expected %s",
                            call, CNN__Q(cnn_module_type(module)), expected);
    } else if (!tape || !x) {
        outputs[0] = cnn_forward(module, inputs[0]); /* cnn_forward says that x is on no tape */
    } else {
        cnn_forward_many(tape, module, inputs, input_count, outputs, output_count);
        return;
    }
    for (int i = 1; i < output_count; i++) {
        outputs[i] = outputs[0];
    }
}
