/* FLOPs and bytes of traces by the formulas of docs/profiling.md, and summaries, which are made of them without computing anything. */
#include "support/profiled.h"

/* ---- FLOPs and bytes of traces ---- */

typedef struct formula {
    const char *name;
    cnn_module *(*make)(void);
    int ndim;
    int64_t shape[4];
    double flops, bytes; /* the sums over all operations */
} formula;

#define MAKE(name, layer) \
    static cnn_module *make_##name(void) \
    { \
        return layer; \
    }
MAKE(conv2d, cnn_conv2d_new(ctx, 4, 6, 3, .stride = 2, .groups = 2))
MAKE(conv1d, cnn_conv1d_new(ctx, 4, 6, 5))
MAKE(conv3d_of_4d, cnn_conv3d_new(ctx, 2, 3, 2, .no_bias = true))
MAKE(conv_transpose2d, cnn_conv_transpose2d_new(ctx, 4, 6, 3, .stride = 2, .no_bias = true))
MAKE(linear, cnn_linear_new(ctx, 7, 5))
MAKE(batch_norm2d, cnn_batch_norm2d_new(ctx, 3))
MAKE(layer_norm, cnn_layer_norm_new(ctx, 6))
MAKE(relu, cnn_relu_new(ctx))
MAKE(gelu, cnn_gelu_new(ctx))
MAKE(softmax, cnn_softmax_new(ctx, 1))
MAKE(maxpool2d, cnn_maxpool2d_new(ctx, 2))
MAKE(avg_pool2d, cnn_avg_pool2d_new(ctx, 3, .stride = 1))
MAKE(flatten, cnn_flatten_new(ctx))
MAKE(lstm, cnn_lstm_new(ctx, 3, 2))
MAKE(attention, cnn_multihead_attention_new(ctx, 8, 2, .batch_first = true))

/* An operand is read or written once, of 4 bytes an element. */
static const formula formulas[] = {
    /* Each element of y [2,6,4,4] is a sum of 2 · 9 products. */
    { "conv2d", make_conv2d, 4, { 2, 4, 9, 9 }, 2.0 * 192 * 18, 4.0 * (648 + 108 + 6 + 192) },
    { "conv1d", make_conv1d, 3, { 2, 4, 9 }, 2.0 * 60 * 20, 4.0 * (72 + 120 + 6 + 60) },
    { "conv3d", make_conv3d_of_4d, 4, { 2, 3, 4, 5 }, 2.0 * (3 * 2 * 3 * 4) * 16, 4.0 * (120 + 48 + 72) },
    /* Each element of x [1,4,5,5] is multiplied by 6 · 9 weights. */
    { "conv_transpose2d", make_conv_transpose2d, 4, { 1, 4, 5, 5 }, 2.0 * 100 * 54, 4.0 * (100 + 216 + 726) },
    { "linear", make_linear, 2, { 4, 7 }, 2.0 * 4 * 7 * 5, 4.0 * (28 + 35 + 5 + 20) },
    /* In evaluation there are a factor and an offset per channel, from 3 operations each; the running statistics are read. */
    { "batch_norm2d", make_batch_norm2d, 4, { 2, 3, 4, 4 }, 2.0 * 96 + 3 * 3, 4.0 * (96 + 3 + 3 + 96 + 3 + 3) },
    { "layer_norm", make_layer_norm, 2, { 5, 6 }, 5.0 * 30, 4.0 * (30 + 6 + 6 + 30) },
    { "relu", make_relu, 2, { 5, 6 }, 30, 4.0 * 60 },
    { "gelu", make_gelu, 2, { 5, 6 }, 30, 4.0 * 60 },
    { "softmax", make_softmax, 2, { 5, 6 }, 5.0 * 30, 4.0 * 60 },
    { "maxpool2d", make_maxpool2d, 4, { 1, 2, 4, 6 }, 12.0 * 4, 4.0 * (48 + 12) },
    { "avg_pool2d", make_avg_pool2d, 4, { 1, 2, 4, 6 }, 16.0 * 9, 4.0 * (48 + 16) },
    { "flatten", make_flatten, 4, { 1, 2, 4, 6 }, 0, 0 },
};

static cnn_trace *trace_of(cnn_module *module, int ndim, const int64_t *shape)
{
    const cnn_trace_input input = { .shape = shape, .ndim = ndim };
    cnn_trace *trace = cnn_trace_create(module, &input, 1, NULL);
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    return trace;
}

static double total_flops(const cnn_trace *trace, double *bytes)
{
    double flops = 0;
    const cnn_trace_node *node;
    *bytes = 0;
    for (int i = 0; (node = cnn_trace_get_node(trace, i)) != NULL; i++) {
        flops += node->flops;
        *bytes += node->bytes;
    }
    return flops;
}

START_TEST(a_layer_has_the_work_of_its_formula)
{
    const formula *f = &formulas[_i];
    cnn_module *module = f->make();
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_trace *trace = trace_of(module, f->ndim, f->shape);
    double bytes, flops = total_flops(trace, &bytes);
    ck_assert_msg(flops == f->flops, "%s: %g FLOPs, expected %g", f->name, flops, f->flops);
    ck_assert_msg(bytes == f->bytes, "%s: %g bytes, expected %g", f->name, bytes, f->bytes);
    cnn_trace_free(trace);
    cnn_module_free(module);
}
END_TEST

/* An LSTM multiplies x and h by weights of 4 gates in each step, h from the second on where none is given; what follows the products is
 * counted per gate. */
START_TEST(products_inside_of_operations_count)
{
    cnn_module *lstm = make_lstm(), *attention = make_attention();
    cnn_trace *trace = trace_of(lstm, 3, (const int64_t[]){ 5, 2, 3 });
    double bytes, steps = 5 * 2, flops = total_flops(trace, &bytes);
    ck_assert_double_eq(flops, 2 * steps * 8 * 3 + 2 * (steps - 2) * 8 * 2 + 4 * steps * 8);
    cnn_trace_free(trace);
    const int64_t shape[] = { 3, 7, 8 };
    const cnn_trace_input inputs[3] = { { .shape = shape, .ndim = 3 }, { .shape = shape, .ndim = 3 }, { .shape = shape, .ndim = 3 } };
    trace = cnn_trace_create(attention, inputs, 3, NULL);
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    flops = total_flops(trace, &bytes);
    double tokens = 3 * 7;
    ck_assert_double_eq(flops, 4 * 2 * tokens * 8 * 8 + 2 * (3 * 2 * 7 * 7) * (4 + 4));
    cnn_trace_free(trace);
    cnn_module_free(lstm);
    cnn_module_free(attention);
}
END_TEST

static cnn_status same_infer(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                             void *user)
{
    (void)count, (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = cnn_tensor_ndim(inputs[0]);
    memcpy(shape, cnn_tensor_shape(inputs[0]), (size_t)*ndim * sizeof *shape);
    return CNN_OK;
}

static cnn_status same_forward(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)inputs, (void)count, (void)user;
    return cnn_tensor_fill(output, 1);
}

static cnn_status custom_behind_relu(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                                     int output_count, void *user)
{
    static const cnn_custom_op op = { .struct_size = sizeof op, .name = "own", .infer = same_infer, .forward = same_forward };
    (void)self, (void)input_count, (void)output_count, (void)user;
    cnn_tensor *x = cnn_relu(inputs[0]);
    outputs[0] = cnn_custom(&op, &x, 1, NULL);
    return CNN_OK;
}

/* Nobody knows its work; it is not that of the operation before. */
START_TEST(a_custom_operation_counts_as_nothing)
{
    const cnn_module_options options = { .struct_size = sizeof options, .type = "Custom", .forward_many = custom_behind_relu };
    cnn_module *module = cnn_module_create(ctx, &options);
    cnn_trace *trace = trace_of(module, 1, (int64_t[]){ 4 });
    const cnn_trace_node *relu = cnn_trace_get_node(trace, 0), *own = cnn_trace_get_node(trace, 1);
    ck_assert(relu && own);
    ck_assert_double_eq(relu->flops, 4);
    ck_assert_double_eq(relu->bytes, 32);
    ck_assert_str_eq(own->op, "own");
    ck_assert_double_eq(own->flops, 0);
    ck_assert_double_eq(own->bytes, 0);
    cnn_trace_free(trace);
    cnn_module_free(module);
}
END_TEST

/* A trace computes nothing: neither random numbers nor running statistics move, also where layers train. */
START_TEST(counting_leaves_everything_as_it_is)
{
    cnn_module *net = make_net();
    cnn_random_state before, after;
    const cnn_trace_input input = { .shape = (const int64_t[]){ 2, 2, 5, 5 }, .ndim = 4 };
    cnn_context_random_state(ctx, &before);
    cnn_trace *trace = cnn_trace_create(net, &input, 1, CNN_OPTIONS(cnn_trace_options, .training = true));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    cnn_context_random_state(ctx, &after);
    ck_assert_uint_eq(before.stream, after.stream);
    float running[4];
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(net, "0.1.running_mean"), running, sizeof running), CNN_OK);
    for (int i = 0; i < 4; i++) {
        ck_assert_float_eq(running[i], 0);
    }
    double bytes;
    ck_assert_double_eq(total_flops(trace, &bytes), 2.0 * 200 * 18 + 5 * 200 + (is_cpu() ? 0 : 3 * 4) + 200 + 200 + 2 * 2 * 100 * 3);
    cnn_trace_free(trace);
    cnn_module_free(net);
}
END_TEST

/* What a training step of a Sequential launches, its layers one by one or as it likes. */
static double step_flops(cnn_module *net, int64_t size, bool apart, bool *joined)
{
    double flops = 0;
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3, size, size));
    cnn_tensor_set_requires_grad(x, true);
    cnn_module_zero_grad(net); /* which a first gradient is written to, and not added */
    cnn_profile *profile = cnn_profile_begin(ctx, NULL);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *y = cnn_input(tape, x);
    for (int i = 0; i < cnn_module_child_count(net) && apart; i++) {
        y = cnn_forward(cnn_module_child(net, i, NULL), y);
    }
    y = apart ? y : cnn_forward(net, y);
    ck_assert_int_eq(cnn_backward_with(y, NULL, false), CNN_OK);
    ck_assert_int_eq(cnn_profile_end(profile), CNN_OK);
    const cnn_profile_event *event;
    *joined = false;
    for (int64_t i = 0; (event = cnn_profile_get_event(profile, i)) != NULL; i++) {
        flops += event->flops;
        *joined = *joined || strcmp(event->kernel, "conv_relu_pool_forward") == 0;
    }
    cnn_profile_free(profile);
    cnn_tensor_free(x);
    return flops;
}

/* ReLU and pooling count where the convolution's kernel does them, too, forwards and backwards. */
START_TEST(layers_in_one_have_the_work_of_each)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3, .padding = 1), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 2));
    for (int64_t size = 6; size <= 7; size++) {
        bool joined, apart;
        double one = step_flops(net, size, false, &joined), three = step_flops(net, size, true, &apart);
        ck_assert(!apart && (joined || !is_cpu()));
        ck_assert_msg(one == three, "%g FLOPs in one, %g one by one", one, three);
    }
    cnn_module_free(net);
}
END_TEST

/* ---- summaries ---- */

START_TEST(a_summary_lists_the_tree)
{
    static const char expected[] =
        "layer               output shape   parameters        MFLOP         MB\n"
        "---------------------------------------------------------------------\n"
        "Sequential                 [2,3]            0        0.000      0.000\n"
        "  Sequential: 0        [2,4,5,5]            0        0.000      0.000\n"
        "    Conv2d: 0          [2,4,5,5]           76        0.007      0.001\n"
        "    BatchNorm2d: 1     [2,4,5,5]            8        0.000      0.001\n"
        "    ReLU: 2            [2,4,5,5]            0        0.000      0.001\n"
        "    Dropout: 3         [2,4,5,5]            0        0.000      0.000\n"
        "  Flatten: 1             [2,100]            0        0.000      0.000\n"
        "  Linear: 2                [2,3]          303        0.001      0.000\n"
        "---------------------------------------------------------------------\n"
        "387 parameters, 387 of them trained; 0.009 MFLOP per forward\n"
        "0.002 MB of results, 0.002 MB of parameters and buffers, 0.004 MB in all\n";
    cnn_module *net = make_net();
    const cnn_trace_input input = { .shape = (const int64_t[]){ 2, 2, 5, 5 }, .ndim = 4 };
    char text[sizeof expected + 8], cut[12];
    ck_assert_uint_eq(cnn_module_summary(net, &input, 1, NULL, NULL, 0), sizeof expected - 1);
    ck_assert_uint_eq(cnn_module_summary(net, &input, 1, NULL, text, sizeof text), sizeof expected - 1);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(cnn_module_summary(net, &input, 1, NULL, cut, sizeof cut), sizeof expected - 1);
    ck_assert_str_eq(cut, "layer      ");
    const cnn_trace_input wrong = { .shape = (const int64_t[]){ 2, 3, 5, 5 }, .ndim = 4 };
    ck_assert_uint_eq(cnn_module_summary(net, &wrong, 1, NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "conv2d"));
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("work");
    TCase *work = suite_case(suite, "work", setup, teardown);
    tcase_add_loop_test(work, a_layer_has_the_work_of_its_formula, 0, sizeof formulas / sizeof *formulas);
    tcase_add_test(work, products_inside_of_operations_count);
    tcase_add_test(work, a_custom_operation_counts_as_nothing);
    tcase_add_test(work, counting_leaves_everything_as_it_is);
    tcase_add_test(work, layers_in_one_have_the_work_of_each);
    tcase_add_test(work, a_summary_lists_the_tree);
    return suite_run(suite);
}
