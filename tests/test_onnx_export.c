/* What docs/onnx-export.md shows, run: the page quotes these lines. */
#include "support/nn.h"

#include <cnn/onnx.h>

static int save_pictures(cnn_module *model, const char *path)
{
    const int64_t shape[] = { -1, 3, 32, 32 };
    const cnn_trace_input pictures = { .shape = shape, .ndim = 4 }; /* .dtype = CNN_F32 is the default */
    cnn_status saved = cnn_onnx_save(model, path, CNN_OPTIONS(cnn_onnx_save_options, .inputs = &pictures));
    if (saved != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(ctx));
        return 1;
    }
    return 0;
}

static void print_trace(cnn_module *model)
{
    cnn_trace *trace = cnn_trace_new(model, CNN_F32, CNN_SHAPE(1, 3, 32, 32));
    for (int i = 0; cnn_trace_get_node(trace, i); i++) {
        const cnn_trace_node *node = cnn_trace_get_node(trace, i);
        const cnn_trace_value *result = cnn_trace_get_value(trace, node->outputs[0]);
        printf("%-8s %-12s %d dimensions\n", node->path, node->op, result->ndim);
    }
    cnn_trace_free(trace);
}

START_TEST(a_file)
{
    cnn_module *model = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3), cnn_relu_new(ctx), cnn_flatten_new(ctx),
                                           cnn_linear_new(ctx, 4 * 30 * 30, 10));
    folder_make();
    ck_assert_int_eq(save_pictures(model, in_folder("net.onnx")), 0);
    ck_assert_int_eq(folder_count(false), 1);
    print_trace(model);
    folder_remove();
    cnn_module_free(model);
}
END_TEST

/* y and h_n of an RNN over embedded tokens. */
static cnn_status run_tokens(cnn_module *self, cnn_tensor *const *in, int in_count, cnn_tensor **out, int out_count, void *user)
{
    (void)user;
    if (in_count != 2 || out_count != 2) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    cnn_tensor *x = cnn_forward(cnn_module_child(self, 0, NULL), in[0]);
    out[0] = cnn_rnn_forward(cnn_module_child(self, 1, NULL), x, in[1], NULL, &out[1]);
    return CNN_OK;
}

START_TEST(several_inputs_and_outputs)
{
    const int64_t tokens[] = { 16, -1 }, state[] = { 1, -1, 8 };
    const cnn_trace_input in[] = { { .shape = tokens, .ndim = 2, .dtype = CNN_I64 }, { .shape = state, .ndim = 3 } };
    const char *const in_names[] = { "tokens", "h0" }, *const out_names[] = { "y", "h_n" };
    cnn_onnx_save_options options = { .struct_size = sizeof options,
                                      .inputs = in,
                                      .input_count = 2,
                                      .input_names = in_names,
                                      .output_count = 2,
                                      .output_names = out_names };
    cnn_module *model = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .forward_many = run_tokens));
    cnn_module_add(model, "table", cnn_embedding_new(ctx, 11, 6));
    cnn_module_add(model, "rnn", cnn_rnn_new(ctx, 6, 8));
    folder_make();
    ck_assert_msg(cnn_onnx_save(model, in_folder("rnn.onnx"), &options) == CNN_OK, "%s", cnn_last_error(ctx));
    size_t size;
    unsigned char *bytes = file_get(in_folder("rnn.onnx"), &size);
    ck_assert(memmem(bytes, size, "tokens", 6) && memmem(bytes, size, "h_n", 3) && memmem(bytes, size, "batch", 5));
    free(bytes);
    folder_remove();
    cnn_module_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_export");
    TCase *tests = suite_case(suite, "page", setup, teardown);
    tcase_add_test(tests, a_file);
    tcase_add_test(tests, several_inputs_and_outputs);
    return suite_run(suite);
}
