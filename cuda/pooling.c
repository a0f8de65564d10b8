/* ReLU and 2 × 2 max pooling behind a convolution that cuDNN makes, and in front of its gradients: the plan's own
 * kernels for them (cuda/kernels/products.cu), which are called here without the convolution. */
#include "kernels/arguments.h"
#include "queue.h"

#include <string.h>

enum { THREADS = 256, MOST_BLOCKS = 4096 };

static int module_of(const char *name)
{
    for (int i = 0; i < cuda_module_count; i++) {
        if (strcmp(cuda_modules[i].name, name) == 0) {
            return i;
        }
    }
    return 0;
}

bool cuda_pooling_add(cuda_queue *q, const cnn_launch *l, const cnn_conv *g, bool forward, const void *const in[2],
                      void *const out[2])
{
    const bool f64 = l->dtype == CNN_F64;
    const int64_t planes = g->batch * g->out_channels;
    const int64_t count = forward ? planes * (g->out_h / 2) * (g->out_w / 2) : planes * g->out_h * g->out_w;
    const int64_t blocks = (count + THREADS - 1) / THREADS;
    plain_arguments a = { .status = (queue_status *)(uintptr_t)q->record,
                          .in = { in[0], in[1] },
                          .out = { out[0], out[1] } };
    cuda_call call = { .kernel = forward ? f64 ? "relu_pool_f64" : "relu_pool_f32"
                                 : f64   ? "relu_unpool_f64"
                                         : "relu_unpool_f32",
                       .module = module_of(f64 ? "products_f64" : "products"),
                       .grid = { (unsigned)(blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS), 1, 1 },
                       .block = { THREADS, 1, 1 },
                       .argument_size = sizeof a };
    a.size[0] = planes;
    a.size[1] = g->out_h;
    a.size[2] = g->out_w;
    memcpy(call.argument, &a, sizeof a);
    cuda_target target = { q, l->number, (int)l->kernel };
    return count == 0 || cuda_add_call(&target, &call);
}
