/* Makes the drawings of the docs: usage: draw FOLDER [MNIST]
 *
 * Every number in them is computed here by libcnn. With MNIST's folder it also trains a small network and draws its feature maps. */
#include "draw.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: draw FOLDER [MNIST]\n");
        return 2;
    }
    /* These kernels give the same bits on every x86-64 CPU, so the drawings are the same wherever they are made. */
    cnn_context *ctx = cnn_context_new(.seed = 1, .kernels = "generic");
    if (!ctx) { /* on another machine */
        ctx = cnn_context_new(.seed = 1);
    }
    bool good = ctx && draw_convolution(ctx, argv[1]) && draw_sliding(ctx, argv[1]) && draw_stride(ctx, argv[1]) &&
                draw_padding(ctx, argv[1]) && draw_pooling(ctx, argv[1]) && draw_dropout(ctx, argv[1]) &&
                draw_backward(ctx, argv[1]) && (argc < 3 || draw_feature_maps(ctx, argv[1], argv[2]));
    if (!good) {
        fprintf(stderr, "draw: %s\n", cnn_last_error(NULL));
    }
    cnn_context_free(ctx);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
