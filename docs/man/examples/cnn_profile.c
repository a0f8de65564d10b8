/* Which operations a step ran, in which layers. */
#include <cnn/cnn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    cnn_context *ctx = cnn_context_new();
    cnn_module *model = cnn_sequential_new(ctx, cnn_linear_new(ctx, 4, 8), cnn_tanh_new(ctx), cnn_linear_new(ctx, 8, 2));
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F32, 1, CNN_SHAPE(3, 4));
    cnn_profile *profile = cnn_profile_begin(ctx, NULL);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *result = cnn_forward(model, cnn_input(tape, x));
    cnn_profile_end(profile);
    const cnn_profile_event *event;
    for (int64_t i = 0; result && (event = cnn_profile_get_event(profile, i)); i++) {
        if (event->kind == CNN_PROFILE_LAUNCH) {
            printf("%s: %s, %g FLOPs\n", event->path, event->name, event->flops);
        }
    }
    cnn_profile_free(profile);
    cnn_tape_free(tape);
    cnn_tensor_free(x);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return result ? 0 : 1;
}
/* It prints:
0: linear, 192 FLOPs
1: tanh, 24 FLOPs
2: linear, 96 FLOPs
*/
