/* Traces models, writes each as an ONNX file, and beside it what libcnn computes: NAME.onnx, NAME.input, NAME.output0, ….
 * Usage: write_models FOLDER. tests/trace/check_models.py runs the files with onnxruntime. */
#include "trace/onnx.h"
#include "trace/operations.h"

#include <cnn/cnn.h>

static cnn_context *ctx;
static cnn_tape *tape;
static const char *folder;

typedef void (*forward_fn)(cnn_module *model, cnn_tensor *x, cnn_tensor **outputs);

static void save(const char *name, const char *part, int i, const cnn_tensor *t)
{
    char path[512];
    snprintf(path, sizeof path, i < 0 ? "%s/%s.%s" : "%s/%s.%s%d", folder, name, part, i);
    size_t size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    void *bytes = malloc(size + 1);
    FILE *file = fopen(path, "wb");
    if (!bytes || !file || cnn_tensor_read(t, bytes, size) != CNN_OK || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        fprintf(stderr, "%s: %s\n", path, cnn_last_error(ctx));
        exit(1);
    }
    free(bytes);
}

static void check(const char *name, const char *what)
{
    if (cnn_tape_status(tape) != CNN_OK) {
        fprintf(stderr, "%s: %s: %s\n", name, what, cnn_tape_error(tape));
        exit(1);
    }
}

static void write_model(const char *name, cnn_module *model, cnn_tensor *x, forward_fn forward, int count)
{
    char path[512];
    cnn_tensor *outputs[4];
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    cnn__tape_begin_trace(tape, CNN_EVAL);
    forward(model, cnn_input(tape, x), outputs);
    check(name, "trace");
    if (cnn_tensor_data(outputs[0])) {
        fprintf(stderr, "%s: a traced result has elements\n", name);
        exit(1);
    }
    const char *refused = write_onnx(path, tape, x, outputs, count);
    if (refused) {
        fprintf(stderr, "%s: there is no writer of %s\n", name, refused);
        exit(1);
    }
    cnn_tape_begin(tape, CNN_EVAL);
    forward(model, cnn_input(tape, x), outputs);
    check(name, "evaluation");
    save(name, "input", -1, x);
    for (int i = 0; i < count; i++) {
        save(name, "output", i, outputs[i]);
    }
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
    write_model("image", model, x, forward_image, 1);
    cnn_tensor_free(x);
    cnn_module_free(model);
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
    write_model("text", model, ids, forward_text, 2);
    cnn_tensor_free(ids);
    cnn_module_free(model);
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
    write_model("bfloat16", model, x, forward_narrow, 1);
    cnn_tensor_free(x);
    cnn_module_free(model);
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
    write_model("activations", model, x, forward_activations, 3);
    cnn_tensor_free(x);
    cnn_module_free(model);
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
    write_model("norms", model, x, forward_image, 1);
    cnn_tensor_free(x);
    cnn_module_free(model);
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
    write_model("convolutions", model, x, forward_convolutions, 3);
    cnn_tensor_free(x);
    cnn_module_free(model);
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
    write_model("order", model, x, forward_order, 4);
    cnn_tensor_free(x);
    cnn_module_free(model);
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
    write_model("encoder", model, x, forward_encoder, 3);
    cnn_tensor_free(x);
    cnn_module_free(model);
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
    write_model("recurrent", model, x, forward_recurrent, 3);
    cnn_tensor_free(x);
    cnn_module_free(model);
}

static void group_model(void)
{
    cnn_module *model = cnn_sequential_new(ctx, cnn_group_norm_new(ctx, 3, 6), cnn_group_norm_new(ctx, 2, 6, .no_affine = true),
                                           cnn_rms_norm_new(ctx, 5), cnn_instance_norm2d_new(ctx, 6), cnn_layer_norm_new(ctx, 5, .no_affine = true));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(4, 6, 3, 5));
    for (int i = 0; i < cnn_module_parameter_count(model); i++) {
        cnn_init_uniform(cnn_module_parameter(model, i), 0.5, 1.5);
    }
    write_model("groups", model, x, forward_image, 1);
    cnn_tensor_free(x);
    cnn_module_free(model);
}

/* ---- every operation ---- */

/* Whether the operation is written if and only if it is not listed. */
static bool write_operation(const op_entry *op)
{
    cnn_tensor *in[MAX_OPERANDS] = { NULL };
    char path[512], name[64];
    for (int i = 0; i < operand_count(op); i++) {
        in[i] = sample(ctx, op, i, CNN_F32);
    }
    snprintf(name, sizeof name, "op_%s", op->name);
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    cnn__tape_begin_trace(tape, CNN_EVAL);
    cnn_tensor *y = run_operation(tape, op, in);
    check(name, "trace");
    const char *refused = write_onnx(path, tape, in[0], &y, 1);
    if (!refused) {
        cnn_tape_begin(tape, CNN_EVAL);
        y = run_operation(tape, op, in);
        check(name, "evaluation");
        save(name, "input", -1, in[0]);
        save(name, "output", 0, y);
    }
    for (int i = 0; i < operand_count(op); i++) {
        cnn_tensor_free(in[i]);
    }
    if (!refused == is_unwritten(op->name)) {
        fprintf(stderr, "%s: %s, expected %s\n", op->name, refused ? refused : "written", refused ? "a writer" : "none");
    }
    return !refused != is_unwritten(op->name);
}

static bool write_operations(void)
{
    bool good = true;
    FOR_OPS(op)
    {
        good &= write_operation(op);
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
    bool good = write_operations();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return !good;
}
