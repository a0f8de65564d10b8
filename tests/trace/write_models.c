/* Saves models as ONNX files, and beside each what libcnn computes: NAME.onnx, NAME.input, NAME.output0, …; where the batch
 * is symbolic, the same for another batch as NAME.more.input and so on. Usage: write_models FOLDER.
 * tests/trace/check_models.py runs the files with onnxruntime. */
#include "trace/operations.h"
#include "trace/write.h"

#include <cnn/cnn.h>
#include <cnn/onnx.h>

static cnn_context *ctx;
static cnn_tape *tape;
static const char *folder;

typedef void (*forward_fn)(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs);

static void check(const char *name, const char *what)
{
    if (cnn_tape_status(tape) != CNN_OK) {
        fprintf(stderr, "%s: %s: %s\n", name, what, cnn_tape_error(tape));
        exit(1);
    }
}

/* A module around a function of several results. */
typedef struct wrapped {
    cnn_module *model;
    forward_fn forward;
} wrapped;

static cnn_status run_wrapped(cnn_module *self, cnn_tensor *const *in, int in_count, cnn_tensor **out, int out_count, void *user)
{
    (void)self, (void)in_count, (void)out_count;
    const wrapped *w = user;
    w->forward(w->model, in[0], out);
    return CNN_OK;
}

/* Takes the model over. `varying`: one more sample works, and the file takes it too. */
static void write_model(const char *name, cnn_module *model, cnn_tensor *x, forward_fn forward, int count, bool varying)
{
    wrapped w = { model, forward };
    cnn_module *module = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .forward_many = run_wrapped, .user = &w));
    if (!cnn_module_add(module, "model", model)) {
        fprintf(stderr, "%s: %s\n", name, cnn_last_error(ctx));
        exit(1);
    }
    write_file(tape, folder, name, module, x, count, CNN_OPTIONS(cnn_onnx_save_options, .fixed_batch = !varying));
    if (varying) {
        write_more(tape, folder, name, module, x, count);
    }
    cnn_module_free(module);
}

/* ---- convolutions with batch normalisation ---- */

static void forward_image(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    outputs[0] = cnn_forward(model, x);
}

static void image_model(void)
{
    cnn_module *model =
        cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 8, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 8), cnn_relu_new(ctx),
                           cnn_maxpool2d_new(ctx, 2), cnn_conv2d_new(ctx, 8, 6, 5, .padding = 2), cnn_relu_new(ctx),
                           cnn_avg_pool2d_new(ctx, 3, .stride = 1, .padding = 1),
                           cnn_avg_pool2d_new(ctx, 3, .stride = 1, .padding = 1, .exclude_padding = true),
                           cnn_maxpool2d_new(ctx, 3, .stride = 2, .padding = 1), cnn_flatten_new(ctx), cnn_linear_new(ctx, 96, 10));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 3, 16, 16));
    for (int step = 0; step < 3; step++) { /* so that the running statistics are not those of a new layer */
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_forward(model, cnn_input(tape, x));
        check("image", "training");
    }
    write_model("image", model, x, forward_image, 1, true);
    cnn_tensor_free(x);
}

/* ---- token ids through an LSTM: three results, a maximum with indices ---- */

static void forward_text(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    cnn_tensor *h_n, *c_n;
    cnn_tensor *y = cnn_lstm_forward(cnn_module_child(model, 1, NULL), cnn_forward(cnn_module_child(model, 0, NULL), x), NULL, NULL, NULL,
                                     &h_n, &c_n);
    cnn_tensor *largest = cnn_max_along(y, 0, false, &outputs[1]);
    outputs[0] = cnn_forward(cnn_module_child(model, 2, NULL), largest);
}

static void text_model(void)
{
    cnn_module *model = cnn_sequential_new(ctx, cnn_embedding_new(ctx, 11, 6), cnn_lstm_new(ctx, 6, 5), cnn_linear_new(ctx, 5, 4));
    cnn_tensor *ids = cnn_tensor_empty(ctx, CNN_I64, CNN_SHAPE(7, 2));
    for (int64_t i = 0; i < cnn_tensor_numel(ids); i++) {
        ((int64_t *)cnn_tensor_data(ids))[i] = i * 5 % 11;
    }
    write_model("text", model, ids, forward_text, 2, false);
    cnn_tensor_free(ids);
}

/* ---- layers in bfloat16 between casts ---- */

static void forward_narrow(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    outputs[0] = cnn_cast(cnn_forward(model, cnn_cast(x, CNN_BF16)), CNN_F32);
}

static void bfloat16_model(void)
{
    cnn_module *model =
        cnn_sequential_new(ctx, cnn_linear_new(ctx, 12, 24, .dtype = CNN_BF16), cnn_linear_new(ctx, 24, 4, .no_bias = true, .dtype = CNN_BF16));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, 12));
    write_model("bfloat16", model, x, forward_narrow, 1, true);
    cnn_tensor_free(x);
}

/* ---- activations, one after the other, with linear layers where values would become too alike ---- */

static void forward_activations(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    cnn_tensor *y = cnn_forward(model, x);
    outputs[0] = cnn_erf(cnn_atan(cnn_sin(y)));
    outputs[1] = cnn_round(cnn_mul(y, y));
    outputs[2] = cnn_forward(cnn_module_child(model, 0, NULL), x);
}

static void activation_model(void)
{
    cnn_module *model = cnn_sequential_new(
        ctx, cnn_softmax_new(ctx, 1), cnn_linear_new(ctx, 12, 12), cnn_leaky_relu_new(ctx, .negative_slope = 0.3),
        cnn_prelu_new(ctx, .num_parameters = 12), cnn_linear_new(ctx, 12, 12), cnn_elu_new(ctx, .alpha = 1.5),
        cnn_celu_new(ctx, .alpha = 0.7), cnn_selu_new(ctx), cnn_linear_new(ctx, 12, 12), cnn_hardswish_new(ctx),
        cnn_hardsigmoid_new(ctx), cnn_linear_new(ctx, 12, 12), cnn_relu6_new(ctx), cnn_linear_new(ctx, 12, 12),
        cnn_hardtanh_new(ctx, .min_val = -0.25, .max_val = 0.5), cnn_softsign_new(ctx), cnn_identity_new(ctx),
        cnn_linear_new(ctx, 12, 12), cnn_sigmoid_new(ctx), cnn_tanh_new(ctx), cnn_linear_new(ctx, 12, 6),
        cnn_log_softmax_new(ctx, -1));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, 12));
    write_model("activations", model, x, forward_activations, 3, true);
    cnn_tensor_free(x);
}

/* ---- normalisations, with statistics and weights that are not those of new layers ---- */

static void norm_model(void)
{
    cnn_module *model =
        cnn_sequential_new(ctx, cnn_instance_norm2d_new(ctx, 6, .affine = true), cnn_local_response_norm_new(ctx, 3, .alpha = 2),
                           cnn_batch_norm2d_new(ctx, 6), cnn_layer_norm_create(ctx, CNN_SHAPE(6, 3, 5), NULL),
                           cnn_layer_norm_new(ctx, 5, .no_bias = true, .eps = 0.1), cnn_alpha_dropout_new(ctx, 0.5),
                           cnn_dropout2d_new(ctx, 0.5), cnn_instance_norm2d_new(ctx, 6, .affine = true, .track_running_stats = true),
                           cnn_flatten_new(ctx), cnn_batch_norm1d_new(ctx, 90), cnn_linear_new(ctx, 90, 7));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(4, 6, 3, 5));
    for (int i = 0; i < cnn_module_parameter_count(model) - 2; i++) { /* all but those of the linear layer */
        cnn_init_uniform(cnn_module_parameter(model, i), 0.5, 1.5);
    }
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_forward(model, cnn_input(tape, x));
    check("norms", "training");
    write_model("norms", model, x, forward_image, 1, true);
    cnn_tensor_free(x);
}

/* ---- convolutions of other shapes ---- */

/* The samples' elements side by side, from dimension 1. */
static void forward_convolutions(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    cnn_tensor *line = cnn_forward(cnn_module_child(model, 0, NULL), cnn_reshape(x, CNN_SHAPE(2, 4, 48)));
    cnn_tensor *plane = cnn_forward(cnn_module_child(model, 1, NULL), cnn_reshape(x, CNN_SHAPE(2, 4, 6, 8)));
    cnn_tensor *volume = cnn_forward(cnn_module_child(model, 2, NULL), cnn_reshape(x, CNN_SHAPE(2, 4, 3, 4, 4)));
    outputs[0] = cnn_flatten(line, 1, -1);
    outputs[1] = plane;
    outputs[2] = volume;
}

static void convolution_model(void)
{
    cnn_module *model = cnn_sequential_new(
        ctx,
        cnn_sequential_new(ctx, cnn_conv1d_new(ctx, 4, 6, 3, .padding_left = 4, .dilation = 2), cnn_relu_new(ctx),
                           cnn_conv1d_new(ctx, 6, 6, 3, .stride = 2, .groups = 3, .no_bias = true),
                           cnn_conv_transpose1d_new(ctx, 6, 2, 4, .stride = 3, .padding = 1, .output_padding = 2)),
        cnn_conv_transpose2d_new(ctx, 4, 6, 3, .kernel_w = 2, .stride = 2, .padding_h = 1, .output_padding_h = 1, .dilation_w = 2,
                                 .groups = 2),
        cnn_sequential_new(ctx, cnn_conv3d_new(ctx, 4, 6, 2, .kernel_w = 3, .padding = 1, .stride_d = 2), cnn_relu_new(ctx),
                           cnn_conv_transpose3d_new(ctx, 6, 3, 2, .stride = 2, .padding_d = 1)));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 192));
    write_model("convolutions", model, x, forward_convolutions, 3, false);
    cnn_tensor_free(x);
}

/* ---- indices, order, scans and reductions ---- */

static void forward_order(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    cnn_tensor *largest = cnn_topk(x, 3, 1, true, &outputs[1]);
    cnn_tensor *sums = cnn_gather(cnn_cumsum(cnn_forward(model, x), 1), 1, outputs[1]);
    cnn_tensor *mixed = cnn_scatter(cnn_scatter_add(x, 1, outputs[1], sums), 1, outputs[1], cnn_mul(largest, sums));
    outputs[0] = cnn_tril(cnn_triu(mixed, -1), 2);
    outputs[2] = cnn_logsumexp(mixed, CNN_DIMS(1), true);
    outputs[3] = cnn_prod(mixed, CNN_DIMS(0), false);
}

static void order_model(void)
{
    cnn_module *model = cnn_sequential_new(ctx, cnn_linear_new(ctx, 5, 5));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(6, 5));
    write_model("order", model, x, forward_order, 4, false);
    cnn_tensor_free(x);
}

/* ---- sequences ---- */

static void forward_encoder(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    cnn_tensor *padding = cnn_gt(cnn_slice(cnn_slice(x, 2, 0, 1, 1), 0, 0, 3, 1), cnn_slice(cnn_slice(x, 2, 1, 2, 1), 0, 0, 3, 1));
    cnn_tensor *mask = cnn_reshape(cnn_slice(padding, 1, 1, 6, 1), CNN_SHAPE(3, 5));
    cnn_tensor *y = cnn_forward(cnn_module_child(model, 0, NULL), x);
    cnn_tensor *first = cnn_slice(y, 1, 1, 6, 1);
    outputs[0] = cnn_multihead_attention_forward(cnn_module_child(model, 1, NULL), first, NULL, NULL, mask, NULL, &outputs[1], NULL);
    outputs[2] = cnn_scaled_dot_product_attention(y, first, first, NULL, CNN_OPTIONS(cnn_scaled_dot_product_attention_options, .scale = 0.7),
                                                  NULL);
}

/* A Transformer's layer, attention with a mask of padding and its weights, and attention without a module. */
static void encoder_model(void)
{
    cnn_module *model =
        cnn_sequential_new(ctx, cnn_transformer_encoder_layer_new(ctx, 12, 3, .dim_feedforward = 20, .batch_first = true, .gelu = true),
                           cnn_multihead_attention_new(ctx, 12, 2, .batch_first = true));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 7, 12));
    write_model("encoder", model, x, forward_encoder, 3, false);
    cnn_tensor_free(x);
}

static void forward_recurrent(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs)
{
    cnn_tensor *h0 = cnn_reshape(cnn_slice(x, 0, 0, 4, 1), CNN_SHAPE(4, 3, 5)); /* [layers · directions, N, H] */
    cnn_tensor *y = cnn_rnn_forward(cnn_module_child(model, 0, NULL), x, h0, NULL, &outputs[1]);
    outputs[0] = cnn_rnn_forward(cnn_module_child(model, 1, NULL), y, NULL, NULL, &outputs[2]);
}

static void recurrent_model(void)
{
    cnn_module *model = cnn_sequential_new(ctx, cnn_gru_new(ctx, 5, 5, .num_layers = 2, .bidirectional = true),
                                           cnn_rnn_new(ctx, 10, 4, .relu = true, .no_bias = true));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(6, 3, 5));
    write_model("recurrent", model, x, forward_recurrent, 3, false);
    cnn_tensor_free(x);
}

static void group_model(void)
{
    cnn_module *model = cnn_sequential_new(ctx, cnn_group_norm_new(ctx, 3, 6), cnn_group_norm_new(ctx, 2, 6, .no_affine = true),
                                           cnn_rms_norm_new(ctx, 5), cnn_instance_norm2d_new(ctx, 6), cnn_layer_norm_new(ctx, 5, .no_affine = true));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(4, 6, 3, 5));
    for (int i = 0; i < cnn_module_parameter_count(model); i++) {
        cnn_init_uniform(cnn_module_parameter(model, i), 0.5, 1.5);
    }
    write_model("groups", model, x, forward_image, 1, true);
    cnn_tensor_free(x);
}

/* ---- windows: rounded up, divisors, places of maxima, and single pictures without a batch ---- */

static cnn_tensor *means(cnn_tensor *x, int64_t kernel, int64_t padding, int64_t divisor, bool rounds_up, bool exclude)
{
    return cnn_avg_pool2d(x, CNN_OPTIONS(cnn_avg_pool2d_options, .kernel = kernel, .stride = 2, .padding = padding, .divisor_override = divisor,
                                         .ceil_mode = rounds_up, .exclude_padding = exclude));
}

static void forward_windows(cnn_module *model, cnn_tensor *x, cnn_tensor **y)
{
    const cnn_maxpool2d_options three = { .struct_size = sizeof three, .kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true };
    cnn_tensor *one = cnn_squeeze(cnn_slice(x, 0, 1, 2, 1), 0); /* [C,H,W] */
    y[0] = means(x, 3, 1, 0, true, false);
    y[1] = means(x, 3, 1, 0, true, true);
    y[2] = means(x, 3, 1, 5, true, false);
    y[3] = means(x, 2, 1, 7, false, true);
    y[4] = means(one, 3, 0, 0, true, false);
    y[5] = means(one, 3, 1, 0, false, true);
    y[6] = cnn_maxpool2d(one, &three);
    y[7] = cnn_maxpool2d_with_indices(one, &three, &y[8]);
    y[9] = cnn_maxpool2d_with_indices(x, &three, &y[10]);
    y[11] = cnn_avg_pool1d(cnn_reshape(x, CNN_SHAPE(2, 3, 72)), CNN_OPTIONS(cnn_avg_pool1d_options, .kernel = 5, .stride = 3, .ceil_mode = true));
    y[12] = cnn_adaptive_avg_pool2d(one, 1, 1);
    y[13] = cnn_adaptive_avg_pool2d(one, 4, 3);
    y[14] = cnn_maxpool1d(cnn_reshape(x, CNN_SHAPE(6, 72)), CNN_OPTIONS(cnn_maxpool1d_options, .kernel = 4)); /* [C,L] */
    y[15] = cnn_forward(model, cnn_reshape(x, CNN_SHAPE(2, 3, 8, 9))); /* [C,D,H,W] */
}

static void windows_model(void)
{
    cnn_module *model = cnn_conv3d_new(ctx, 2, 3, 3, .stride = 2, .padding = 1);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 3, 8, 9));
    write_model("windows", model, x, forward_windows, 16, false);
    cnn_tensor_free(x);
}

/* ---- losses of class numbers, and shifts of unsigned integers, also by more bits than there are ---- */

static void forward_classes(cnn_module *model, cnn_tensor *x, cnn_tensor **y)
{
    cnn_tensor *target = cnn_argmax(cnn_flip(x, 1, (int[]){ 1 }), 1, (int[]){ 1 }, false), *weight = cnn_module_parameter(model, 0);
    for (int i = 0; i < 3; i++) {
        y[i] = cnn_cross_entropy_with(
            x, target, CNN_OPTIONS(cnn_cross_entropy_options, .reduction = (cnn_reduction)i, .weight = cnn_input(cnn_tensor_tape(x), weight)));
    }
    y[3] = cnn_cross_entropy_with(x, target, CNN_OPTIONS(cnn_cross_entropy_options, .ignore_index = 2, .has_ignore_index = true));
    y[4] = cnn_nll_loss(cnn_log_softmax(x, 1), target, CNN_OPTIONS(cnn_nll_loss_options, .reduction = CNN_REDUCE_NONE));
    cnn_tensor *bits = cnn_cast(cnn_mul_scalar(cnn_abs(x), 30), CNN_U8), *by = cnn_cast(cnn_mul_scalar(cnn_abs(x), 6), CNN_U8);
    y[5] = cnn_cast(cnn_bitwise_left_shift(bits, by), CNN_I64);
    y[6] = cnn_cast(cnn_bitwise_right_shift(bits, by), CNN_I64);
}

static void classes_model(void)
{
    cnn_module *model = cnn_prelu_new(ctx, .num_parameters = 4, .init = 0.4);
    ((float *)cnn_tensor_data(cnn_module_parameter(model, 0)))[1] = 2;
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(3, 4, 5));
    write_model("classes", model, x, forward_classes, 7, false);
    cnn_tensor_free(x);
}

/* ---- every operation ---- */

/* The values of two more samples, where the other operands allow them: the batch of the file may be symbolic. */
static void write_more_samples(const char *name, const operation *o, cnn_module *module)
{
    int64_t shape[CNN_MAX_DIMS];
    char more[80];
    const int ndim = operand_shape(o->op, 0, shape);
    shape[0] += 2;
    cnn_tensor *x = ndim ? sample_shaped(ctx, o->op, 0, operand_dtype(o->op, 0, CNN_F32), ndim, shape) : NULL;
    cnn_tape_begin(tape, CNN_EVAL);
    if (x && cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))) == CNN_OK) {
        snprintf(more, sizeof more, "%s.more", name);
        write_values(tape, folder, more, module, x, 1);
    }
    cnn_tensor_free(x);
}

/* Whether the operation is written if and only if it is not listed. */
static bool write_operation(const op_entry *op, int opset)
{
    operation o = { .op = op };
    char name[64];
    for (int i = 0; i < operand_count(op); i++) {
        o.in[i] = sample(ctx, op, i, CNN_F32);
    }
    snprintf(name, sizeof name, "op_%s_%d", op->name, opset);
    cnn_module *module = cnn_module_new(ctx, run_operation, .user = &o);
    const bool written = try_file(tape, folder, name, module, o.in[0], 1, CNN_OPTIONS(cnn_onnx_save_options, .opset = opset));
    const bool good = written != is_unwritten(op->name, opset);
    if (!good) {
        fprintf(stderr, "%s in opset %d: %s, expected %s\n", op->name, opset, written ? "written" : cnn_last_error(ctx),
                written ? "none" : "a writer");
    }
    if (written) {
        write_more_samples(name, &o, module);
    }
    cnn_module_free(module);
    for (int i = 0; i < operand_count(op); i++) {
        cnn_tensor_free(o.in[i]);
    }
    return good;
}

static bool write_operations(int opset)
{
    bool good = true;
    FOR_OPS(op)
    {
        good &= write_operation(op, opset);
    }
    return good;
}

int main(int count, char **arguments)
{
    folder = count > 1 ? arguments[1] : ".";
    ctx = cnn_context_new(.seed = 5, .threads = 1);
    tape = cnn_tape_new(ctx);
    image_model();
    text_model();
    bfloat16_model();
    activation_model();
    norm_model();
    convolution_model();
    order_model();
    encoder_model();
    recurrent_model();
    group_model();
    windows_model();
    classes_model();
    bool good = write_operations(17);
    good &= write_operations(23);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return !good;
}
