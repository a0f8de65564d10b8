/* A small network with dropout and batch normalisation, its data, and an epoch of it on a group of processes. */
#ifndef CNN_TESTS_SUPPORT_PARALLEL_NET_H
#define CNN_TESTS_SUPPORT_PARALLEL_NET_H

#include <cnn/cnn.h>
#include <cnn/group.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NET_SIDE = 8, NET_CLASSES = 5 };

static inline cnn_module *net_new(cnn_context *ctx, cnn_module *norm)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 4, 3, .padding = 1),
                              norm ? norm : cnn_batch_norm2d_new(ctx, 4), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2),
                              cnn_flatten_new(ctx), cnn_dropout_new(ctx, 0.5),
                              cnn_linear_new(ctx, 4 * NET_SIDE * NET_SIDE / 4, NET_CLASSES));
}

static inline cnn_dataset *net_data(cnn_context *ctx, int samples)
{
    size_t pixels = (size_t)samples * NET_SIDE * NET_SIDE;
    float *images = malloc(pixels * sizeof *images + 1);
    int64_t *labels = malloc((size_t)samples * sizeof *labels + 1);
    uint32_t random = 1;
    for (size_t i = 0; i < pixels; i++) {
        random = random * 1664525u + 1013904223u;
        images[i] = (float)(random >> 8) / 16777216.0f - 0.5f;
    }
    for (int i = 0; i < samples; i++) {
        labels[i] = (i * 7 + 3) % NET_CLASSES;
    }
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, 4, (const int64_t[]){ samples, 1, NET_SIDE, NET_SIDE }, images);
    cnn_tensor *y = cnn_tensor_from_data(ctx, CNN_I64, 1, (const int64_t[]){ samples }, labels);
    free(images);
    free(labels);
    cnn_dataset *data = cnn_dataset_from_tensors(x, y);
    cnn_tensor_free(x);
    cnn_tensor_free(y);
    return data;
}

/* One number for all bits of the parameters and buffers (FNV-1a). */
static inline uint64_t net_digest(const cnn_module *module)
{
    uint64_t digest = UINT64_C(14695981039346656037);
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        const cnn_tensor *t = cnn_module_state(module, i);
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        unsigned char *elements = malloc(bytes + 1);
        if (cnn_tensor_read(t, elements, bytes) != CNN_OK) {
            abort();
        }
        for (size_t k = 0; k < bytes; k++) {
            digest = (digest ^ elements[k]) * UINT64_C(1099511628211);
        }
        free(elements);
    }
    return digest;
}

/* A part of the batch; returns its loss. */
static inline double net_part(cnn_data_parallel *p, cnn_tape *tape, cnn_module *module, const cnn_batch *batch)
{
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(module, cnn_input(tape, batch->images)), batch->labels);
    return cnn_data_parallel_backward(p, loss) == CNN_OK ? cnn_tensor_item(loss) : 0;
}

/* Trains for an epoch; returns the first error. `loss` becomes the mean over all samples of all processes. */
static inline cnn_status net_epoch(cnn_group *group, cnn_data_parallel *p, cnn_module *module, cnn_optimizer *optimizer, double *loss)
{
    cnn_tape *tape = cnn_tape_new(cnn_module_context(module));
    cnn_batch batch;
    double sums[2] = { 0, 0 };
    cnn_status status = CNN_OK;
    while (status == CNN_OK && cnn_data_parallel_begin(p)) {
        while (cnn_data_parallel_next(p, &batch)) {
            sums[0] += net_part(p, tape, module, &batch) * (double)batch.size;
            sums[1] += (double)batch.size;
        }
        status = cnn_data_parallel_end(p, CNN_OK);
        status = status == CNN_OK ? cnn_optimizer_step(optimizer) : status;
    }
    cnn_tape_free(tape);
    status = status == CNN_OK ? cnn_group_allreduce(group, sums, 2, CNN_F64) : status;
    *loss = sums[0] / sums[1];
    return status;
}

#endif
