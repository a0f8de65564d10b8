/* Launches: products by cuBLASLt, convolutions by cuDNN, and everything else, or what these cannot, by our own
 * kernels. */
#include "queue.h"

static bool is_convolution(const cnn_launch *launch)
{
    return launch->kernel == CNN_KERNEL_CONV_FORWARD || launch->kernel == CNN_KERNEL_CONV_BACKWARD_DATA ||
           launch->kernel == CNN_KERNEL_CONV_BACKWARD_WEIGHT || launch->kernel == CNN_KERNEL_CONV3D_FORWARD ||
           launch->kernel == CNN_KERNEL_CONV3D_BACKWARD_DATA || launch->kernel == CNN_KERNEL_CONV3D_BACKWARD_WEIGHT ||
           cuda_is_pooled(launch);
}

bool cuda_supports(void *queue, cnn_kernel kernel, cnn_dtype dtype)
{
    (void)queue;
    return cuda_plan_supports(kernel, dtype);
}

/* Libraries have a workspace of the queue. What one of them is asked for at the launch it has been asked for here, so a
 * convolution that cuDNN makes does not get the workspace of our own kernels. A failure here is the launch's to report,
 * which asks again. */
size_t cuda_workspace(void *queue, const cnn_launch *launch)
{
    cuda_queue *q = queue;
    bool fits = is_convolution(launch) && cuda_convolution_fits(launch, true), found = false;
    const size_t own = cuda_plan_workspace(launch);
    const uint64_t flushes = q->flushes;
    if (fits && !q->failed) {
        if (cuda_enter(q)) {
            found = cuda_convolution_find(q, launch, false) != NULL;
            cuda_leave(q);
        }
        /* What is in the list may have been handed over on the way: that it has failed is not forgotten. */
        q->failed = q->failed && q->flushes != flushes;
    }
    /* Whether cuDNN has it may be known at the launch alone. */
    if (fits && cuda_is_pooled(launch)) {
        const cnn_conv *g = launch->parameters;
        const size_t dense =
            (size_t)(g->batch * g->out_channels * g->out_h * g->out_w) * (launch->dtype == CNN_F64 ? 8 : 4);
        return own > dense ? own : dense;
    }
    return found ? 0 : own;
}

static bool add_planned(cuda_queue *q, const cnn_launch *launch)
{
    cuda_target target = { q, launch->number, (int)launch->kernel };
    if (cuda_plan(launch, (void *)(uintptr_t)q->record, cuda_add_call, &target)) {
        return true;
    }
    cuda_fail(q, launch->number, (int)launch->kernel, "there is no kernel for this launch");
    return false;
}

static bool add(cuda_queue *q, const cnn_launch *launch)
{
    int added = 0;
    if (cuda_product_fits(launch)) {
        added = cuda_product_add(q, launch);
    } else if (is_convolution(launch) && cuda_convolution_fits(launch, false)) {
        added = cuda_convolution_add(q, launch);
    }
    return added > 0 || (added == 0 && add_planned(q, launch));
}

bool cuda_launch(void *queue, const cnn_launch *launch)
{
    cuda_queue *q = queue;
    if (!q->failed && !q->lost && cuda_replay_launch(q, launch)) {
        q->newest = launch->number;
        return true;
    }
    if (!cuda_begin(q, launch->number, (int)launch->kernel)) {
        return false;
    }
    const size_t first = cuda_replay_position(q);
    const bool alone = q->group_count == 0;
    const uint64_t flushes = q->flushes;
    const bool added = add(q, launch);
    cuda_replay_note(q, launch, first, added && alone && q->group_count == 0 && q->flushes == flushes);
    return cuda_end(q, added);
}
