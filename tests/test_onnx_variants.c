/* What is not supported is named all at once, with the nodes, when a model is read: operators, what attributes ask for, and types of
 * inputs, initializers and constants. */
#include "support/onnx_case.h"

#include <math.h>

static void put_text_attribute(buffer *node, const char *name, const char *value)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    put_text(&a, 4, value);
    put_int(&a, 20, 3);
    put_message(node, 5, &a);
}

static void put_ints_attribute(buffer *node, const char *name, int count, const int64_t *values)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    for (int i = 0; i < count; i++) {
        put_int(&a, 8, values[i]);
    }
    put_int(&a, 20, 7);
    put_message(node, 5, &a);
}

/* A node of a variant that there is not, or of one that there is, by which the test knows that the attribute decides. */
typedef struct variant {
    const char *op, *inputs, *outputs;
    const char *word, *text;   /* an attribute of text */
    const char *name;          /* one of a number */
    int64_t value;
    const char *also;          /* another one, of the number 1 */
    const char *what;          /* as the message says it; NULL: it is supported */
    const char *domain;
} variant;

static const variant variants[] = {
    { "Cast", "x", "y", NULL, NULL, "to", 17, NULL, "Cast to float8e4m3fn (node 0 \"\")", NULL },
    { "Cast", "x", "y", NULL, NULL, "to", 8, NULL, "Cast to string (node 0 \"\")", NULL },
    { "Cast", "x", "y", NULL, NULL, "to", 10, NULL, NULL, NULL },
    { "Cast", "x", "y", NULL, NULL, "to", INT64_MAX, NULL, "Cast to unknown (node 0 \"\")", NULL },
    { "Cast", "x", "y", NULL, NULL, "to", 0, NULL, "Cast to undefined (node 0 \"\")", NULL },
    { "QuantizeLinear", "x x", "y", NULL, NULL, "output_dtype", 19, NULL, "QuantizeLinear to float8e5m2 (node 0 \"\")", NULL },
    { "QuantizeLinear", "x x", "y", NULL, NULL, "output_dtype", 3, NULL, NULL, NULL },
    { "Bernoulli", "x", "y", NULL, NULL, "dtype", 14, NULL, "Bernoulli to complex64 (node 0 \"\")", NULL },
    { "RandomUniformLike", "x", "y", NULL, NULL, "dtype", 7, NULL, "RandomUniformLike of type int64 (node 0 \"\")", NULL },
    { "RandomUniformLike", "x", "y", NULL, NULL, "dtype", 11, NULL, NULL, NULL },
    { "HannWindow", "x", "y", NULL, NULL, "output_datatype", 23, NULL, "HannWindow to float4e2m1 (node 0 \"\")", NULL },
    { "Unique", "x", "y", NULL, NULL, "axis", 0, NULL, "Unique along an axis (node 0 \"\")", NULL },
    { "Unique", "x", "y", NULL, NULL, "sorted", 0, NULL, NULL, NULL },
    { "DFT", "x", "y", NULL, NULL, "inverse", 1, "onesided", "DFT of half a spectrum back (node 0 \"\")", NULL },
    { "DFT", "x", "y", NULL, NULL, "onesided", 1, NULL, NULL, NULL },
    { "Resize", "x x x", "y", "mode", "lanczos", NULL, 0, NULL, "Resize with mode \"lanczos\" (node 0 \"\")", NULL },
    { "Resize", "x x x", "y", "mode", "cubic", NULL, 0, NULL, NULL, NULL },
    { "Resize", "x x x", "y", "coordinate_transformation_mode", "tf_half_pixel_for_nn", NULL, 0, NULL, NULL, NULL },
    { "Conv", "x x", "y", "auto_pad", "SAME", NULL, 0, NULL, "Conv with auto_pad \"SAME\" (node 0 \"\")", NULL },
    { "Conv", "x x", "y", "auto_pad", "VALID", NULL, 0, NULL, NULL, NULL },
    { "Conv", "x x", "y", "auto_pad", "VALI", NULL, 0, NULL, "Conv with auto_pad \"VALI\" (node 0 \"\")", NULL },
    { "Pad", "x x", "y", "mode", "mirror", NULL, 0, NULL, "Pad with mode \"mirror\" (node 0 \"\")", NULL },
    { "GridSample", "x x", "y", "padding_mode", "reflect", NULL, 0, NULL, "GridSample with padding_mode \"reflect\" (node 0 \"\")", NULL },
    { "LSTM", "x x x", "y", "direction", "both", NULL, 0, NULL, "LSTM with direction \"both\" (node 0 \"\")", NULL },
    { "Einsum", "x x x", "y", "equation", "...i,...i,...i->...", NULL, 0, NULL, "Einsum of ...i,...i,...i->... (node 0 \"\")", NULL },
    { "Einsum", "x x x", "y", "equation", "i,i,i->", NULL, 0, NULL, NULL, NULL },
    { "DynamicQuantizeLSTM", "x x x", "y", NULL, NULL, NULL, 0, NULL, "DynamicQuantizeLSTM (node 0 \"\")", NULL },
    { "LSTM", "x x x", "y", NULL, NULL, NULL, 0, NULL, "com.microsoft.LSTM (node 0 \"\")", "com.microsoft" },
    { "Relu", "x", "y", NULL, NULL, NULL, 0, NULL, NULL, "ai.onnx" },
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static buffer whole(buffer *g)
{
    put_x_and_y(g, -1, -1);
    return model_message(g, 21);
}

static void check_load(buffer *model, const char *what)
{
    char expected[400];
    cnn_module *module = cnn_onnx_load(ctx, model_file("variant.onnx", model), NULL);
    if (!what) {
        ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
        cnn_module_free(module);
        return;
    }
    snprintf(expected, sizeof expected, "variant.onnx: %s", what);
    ck_assert_ptr_null(module);
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, expected);
}

START_TEST(variants_are_named)
{
    const variant *v = &variants[_i];
    char what[200];
    buffer g = { 0 }, node = node_message(v->op, v->inputs, v->outputs);
    if (v->word) {
        put_text_attribute(&node, v->word, v->text);
    }
    if (v->name) {
        put_int_attribute(&node, v->name, v->value);
    }
    if (v->also) {
        put_int_attribute(&node, v->also, 1);
    }
    if (v->domain) {
        put_text(&node, 7, v->domain);
    }
    put_message(&g, 1, &node);
    buffer model = whole(&g);
    snprintf(what, sizeof what, "1 node that is not supported: %s", v->what ? v->what : "");
    check_load(&model, v->what ? what : NULL);
}
END_TEST

/* Positions of maxima in 3 dimensions are refused, maxima are not; so are activations that there are not. */
START_TEST(windows_and_activations_are_named)
{
    for (int outputs = 1; outputs <= 2; outputs++) {
        buffer g = { 0 }, node = node_message("MaxPool", "x", outputs == 2 ? "y positions" : "y");
        put_ints_attribute(&node, "kernel_shape", 3, (int64_t[]){ 2, 2, 2 });
        put_message(&g, 1, &node);
        buffer model = whole(&g);
        check_load(&model, outputs == 2 ? "1 node that is not supported: MaxPool with positions in three dimensions (node 0 \"\")" : NULL);
    }
    static const char *const names[2] = { "Swish", "scaledtanh" };
    for (int i = 0; i < 2; i++) {
        buffer g = { 0 }, node = node_message("RNN", "x x x", "y");
        put_words_attribute(&node, "activations", names[i]);
        put_message(&g, 1, &node);
        buffer model = whole(&g);
        check_load(&model, i ? NULL : "1 node that is not supported: RNN with the activation Swish (node 0 \"\")");
    }
}
END_TEST

/* All in one model: two nodes of one kind, an initializer, a constant, an input of a type that is not held, one within a branch. */
START_TEST(everything_is_named_at_once)
{
    buffer g = { 0 }, part, branch = { 0 };
    for (int i = 0; i < 2; i++) {
        part = node_message("Cast", "x", i ? "c1" : "c0");
        put_text(&part, 3, i ? "second" : "first");
        put_int_attribute(&part, "to", 17);
        put_message(&g, 1, &part);
    }
    part = node_message("Constant", "", "k");
    put_text_attribute(&part, "value_string", "text");
    put_message(&g, 1, &part);
    put_node(&g, 1, "Hocus", NULL, "odd w", "y");
    part = node_message("Unique", "x", "r");
    put_int_attribute(&part, "axis", 0);
    put_message(&branch, 1, &part);
    put_value(&branch, 12, "r", FLOAT, 1, (int64_t[]){ 2 });
    part = node_message("If", "x", "z");
    put_graph_attribute(&part, "then_branch", &branch);
    put_message(&g, 1, &part);
    const int64_t bits[2] = { 0 };
    put_tensor(&g, "w", 14, 1, (int64_t[]){ 2 }, bits, sizeof bits);
    put_value(&g, 11, "odd", 8, 1, (int64_t[]){ 2 });
    buffer sequence = { 0 };
    put_text(&sequence, 1, "list");
    put_message(&g, 11, &sequence);
    buffer model = whole(&g);
    check_load(&model, "8 parts that are not supported: tensor \"w\" of type complex64, input \"odd\" of type string, "
                       "input \"list\" of type sequence, optional or none, Cast to float8e4m3fn (nodes 0 \"first\", 1 \"second\"), "
                       "Constant with value_string (node 2 \"\"), Hocus (node 3 \"\"), Unique along an axis (node 0 \"\")");
}
END_TEST

/* A message has an end: what does not fit is counted. */
START_TEST(very_many_are_counted)
{
    buffer g = { 0 };
    for (int i = 0; i < 3000; i++) {
        char op[40], out[16];
        snprintf(op, sizeof op, "Operator%dThatNobodyHas", i);
        snprintf(out, sizeof out, "o%d", i);
        buffer node = node_message(op, "x", i ? out : "y");
        put_message(&g, 1, &node);
    }
    buffer model = whole(&g);
    check_load(&model, "3000 nodes that are not supported: Operator0ThatNobodyHas (node 0 \"\"), Operator1ThatNobodyHas (node 1 \"\"), ");
    const char *end = strstr(cnn_last_error(ctx), " and ");
    ck_assert_msg(end && strtol(end + 5, NULL, 10) > 2980 && strstr(end, " more"), "%s", cnn_last_error(ctx));
}
END_TEST

/* ---- activations ---- */

static void put_floats_attribute(buffer *node, const char *name, int count, const float *values)
{
    buffer a = { 0 };
    put_text(&a, 1, name);
    for (int i = 0; i < count; i++) {
        put_float(&a, 7, values[i]);
    }
    put_int(&a, 20, 6);
    put_message(node, 5, &a);
}

/* Steps of one number each, with weights of 1 for the input and 0 for the state: y is the activation of x. */
START_TEST(activations_have_parameters)
{
    static const struct {
        const char *name;
        int alphas, betas;
        float alpha, beta;
    } cases[] = { { "ScaledTanh", 1, 1, 1.5f, 0.5f }, { "Affine", 1, 1, 2, -0.25f }, { "Affine", 0, 0, 1, 0 }, { "ThresholdedRelu", 1, 0, 0.75f, 0 },
                  { "ThresholdedRelu", 0, 0, 1, 0 },  { "HardSigmoid", 1, 1, 0.5f, 0.25f }, { "HardSigmoid", 1, 0, 0.5f, 0.5f } };
    static const float xs[4] = { -2, 0.5f, 1, 3 };
    float alpha = cases[_i].alpha, beta = cases[_i].beta, y[4];
    buffer g = { 0 }, node = node_message("RNN", "x w r", "y");
    put_words_attribute(&node, "activations", cases[_i].name);
    put_int_attribute(&node, "hidden_size", 1);
    put_floats_attribute(&node, "activation_alpha", cases[_i].alphas, &alpha);
    put_floats_attribute(&node, "activation_beta", cases[_i].betas, &beta);
    put_message(&g, 1, &node);
    put_tensor(&g, "w", FLOAT, 3, (int64_t[]){ 1, 1, 1 }, (const float[]){ 1 }, sizeof(float));
    put_tensor(&g, "r", FLOAT, 3, (int64_t[]){ 1, 1, 1 }, (const float[]){ 0 }, sizeof(float));
    put_value(&g, 11, "x", FLOAT, 3, (int64_t[]){ 4, 1, 1 });
    put_value(&g, 12, "y", FLOAT, 4, (int64_t[]){ 4, 1, 1, 1 });
    buffer model = model_message(&g, 14);
    cnn_module *module = cnn_onnx_load(ctx, model_file("activation.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, 3, (int64_t[]){ 4, 1, 1 }, xs);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_msg(cnn_tensor_read(cnn_forward(module, cnn_input(tape, x)), y, sizeof y) == CNN_OK, "%s", cnn_last_error(ctx));
    for (int i = 0; i < 4; i++) {
        float v = xs[i], want = _i == 0  ? alpha * tanhf(beta * v)
                                : _i < 3 ? alpha * v + beta
                                : _i < 5 ? (v > alpha ? v : 0)
                                         : fminf(fmaxf(alpha * v + beta, 0), 1);
        ck_assert_float_eq_tol(y[i], want, 1e-5f);
    }
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_variants");
    TCase *tests = suite_case(suite, "variants", setup, teardown);
    tcase_add_loop_test(tests, variants_are_named, 0, VARIANTS);
    tcase_add_test(tests, windows_and_activations_are_named);
    tcase_add_test(tests, everything_is_named_at_once);
    tcase_add_test(tests, very_many_are_counted);
    tcase_add_loop_test(tests, activations_have_parameters, 0, 7);
    return suite_run(suite);
}
