/* The least that a back end is: a device of one queue that does everything at once, in memory of the C library, with the kernels of the
 * CPU. One for a real device copies to and from its own memory, and starts kernels of its own. */
#include <cnn/backend.h>
#include <cnn/cnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cnn_backend_failure first; /* what has failed since the last report */
static char the_queue;

static int count(void)
{
    return 1;
}

static bool properties(int index, cnn_device_properties *p)
{
    (void)index;
    strcpy(p->name, "plain:0");
    return true;
}

static void *open_queue(int index, char *message, size_t size)
{
    (void)index, (void)message, (void)size;
    return &the_queue;
}

static void close_queue(void *q)
{
    (void)q;
}

static void *allocate(void *q, size_t bytes)
{
    (void)q;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void deallocate(void *q, void *address, size_t bytes)
{
    (void)q, (void)bytes;
    free(address);
}

static bool supports(void *q, cnn_kernel kernel, cnn_dtype dtype)
{
    (void)q, (void)kernel, (void)dtype;
    return true;
}

static size_t workspace(void *q, const cnn_launch *launch)
{
    (void)q;
    return cnn_cpu_workspace(launch);
}

static bool launch(void *q, const cnn_launch *l)
{
    (void)q;
    first.struct_size = sizeof first;
    return first.status == CNN_OK && cnn_cpu_launch(l, &first); /* after a failure nothing is carried out */
}

static bool move(void *q, void *to, const void *from, size_t bytes, uint64_t number)
{
    (void)q, (void)number;
    if (first.status == CNN_OK) {
        memcpy(to, from, bytes);
    }
    return first.status == CNN_OK;
}

static bool wait_for(void *q, uint64_t number, cnn_backend_failure *failure)
{
    bool fine = first.status == CNN_OK;
    (void)q, (void)number;
    if (!fine) {
        *failure = first;
        memset(&first, 0, sizeof first);
    }
    return fine;
}

int main(void)
{
    static const cnn_backend plain = { .struct_size = sizeof plain,
                                       .api_version = CNN_BACKEND_VERSION,
                                       .name = "plain",
                                       .count = count,
                                       .properties = properties,
                                       .open = open_queue,
                                       .close = close_queue,
                                       .allocate = allocate,
                                       .deallocate = deallocate,
                                       .supports = supports,
                                       .workspace = workspace,
                                       .launch = launch,
                                       .write = move,
                                       .copy = move,
                                       .read = move,
                                       .wait = wait_for };
    cnn_context *ctx = cnn_backend_add(&plain) == CNN_OK ? cnn_context_new(.device = "plain:0") : NULL;
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *ones = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3));
    if (!ones || cnn_tape_begin(tape, CNN_EVAL) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    printf("on %s: %g\n", cnn_tensor_device(ones),
           cnn_tensor_item(cnn_sum(cnn_input(tape, ones), CNN_ALL_DIMS, false)));
    cnn_tensor_free(ones);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return 0;
}
/* It prints:
on plain:0: 6
*/
