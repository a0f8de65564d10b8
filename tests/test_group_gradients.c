/* Groups of processes and the caller's own function for gradients (cnn_tape_on_gradient()). */
#include "support/group_case.h"

typedef struct heard {
    int calls;
    cnn_tensor *doubled; /* the parameter whose gradient hear() doubles */
    bool failed;
} heard;

static void hear(cnn_tensor *parameter, void *user)
{
    heard *h = user;
    h->calls++;
    if (parameter == h->doubled) {
        float grad[NET_CLASSES];
        cnn_tensor *of = cnn_tensor_grad(parameter);
        bool read = cnn_tensor_read(of, grad, sizeof grad) == CNN_OK; /* it may be on a device */
        for (int i = 0; i < NET_CLASSES && read; i++) {
            grad[i] *= 2;
        }
        h->failed = h->failed || !read || cnn_tensor_write(of, grad, sizeof grad) != CNN_OK;
    }
}

/* One step with the caller's function and one without: what it does to a gradient is in the sum, it is called for each parameter of each
 * part, and it is still there afterwards. */
static void hears_gradients(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    cnn_module *module = cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, NET_SIDE * NET_SIDE, NET_CLASSES));
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, net_data(ctx, 16), .batch_size = 16, .shards = 4);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *bias = cnn_module_find(module, "1.bias");
    heard h = { .doubled = bias };
    float grads[2][NET_CLASSES];
    cnn_batch batch;
    int parts = 0;
    bool ok = true, differs = false;
    (void)with;
    for (int i = 0; i < 2; i++) {
        cnn_gradient_fn call = NULL;
        void *user = NULL;
        cnn_tape_on_gradient(tape, i ? NULL : hear, i ? NULL : &h);
        ok = ok && cnn_data_parallel_set_epoch(p, 0) == CNN_OK && cnn_data_parallel_begin(p);
        while (ok && cnn_data_parallel_next(p, &batch)) {
            net_part(p, tape, module, &batch);
            parts += !i;
        }
        ok = ok && cnn_data_parallel_end(p, CNN_OK) == CNN_OK && cnn_tape_gradient_call(tape, &call, &user) == CNN_OK;
        ok = ok && call == (i ? NULL : hear) && user == (i ? NULL : &h) && h.calls == 2 * parts && !h.failed;
        ok = ok && cnn_tensor_read(cnn_tensor_grad(bias), grads[i], sizeof grads[i]) == CNN_OK;
    }
    for (int i = 0; i < NET_CLASSES; i++) {
        ok = ok && grads[0][i] == 2 * grads[1][i];
        differs = differs || grads[0][i] != 0;
    }
    out->status = ok && differs && parts > 0 ? CNN_OK : CNN_ERROR_STATE;
    snprintf(out->error, sizeof out->error, "%d calls, %d parts, %g and %g: %s", h.calls, parts, (double)grads[0][0],
             (double)grads[1][0], cnn_last_error(ctx));
    cnn_tape_free(tape);
    cnn_data_parallel_free(p);
    cnn_module_free(module);
}

START_TEST(the_callers_function_is_called_and_kept)
{
    for (int size = 1; size <= 2; size++) {
        run_all(size, 1, hears_gradients, NULL);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_msg(outcomes[rank].status == CNN_OK, "%d of %d: %s", rank, size, outcomes[rank].error);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group_gradients");
    TCase *tests = suite_case(suite, "gradients", setup, teardown);
    tcase_add_test(tests, the_callers_function_is_called_and_kept);
    return suite_run(suite);
}
