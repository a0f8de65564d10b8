/* The operations of a network, without computing any. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_module *model = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 8, 3, .stride = 2), cnn_relu_new(ctx));
    cnn_trace *trace = cnn_trace_new(model, CNN_F32, CNN_SHAPE(1, 3, 33, 33));
    const cnn_trace_node *node;
    for (int i = 0; trace && (node = cnn_trace_get_node(trace, i)); i++) {
        const cnn_trace_value *result = cnn_trace_get_value(trace, node->outputs[0]);
        printf("layer %s: %s, [%d,%d,%d,%d]\n", node->path, node->op, (int)result->shape[0], (int)result->shape[1],
               (int)result->shape[2], (int)result->shape[3]);
    }
    cnn_trace_free(trace);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return trace ? 0 : 1;
}
/* It prints:
layer 0: conv2d, [1,8,16,16]
layer 1: relu, [1,8,16,16]
*/
