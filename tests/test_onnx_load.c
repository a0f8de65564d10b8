/* Modules of ONNX files: names, gradients, training, clones, predictors, several inputs and outputs, shape arithmetic, functions,
 * and what is said of files that cannot be loaded; test_onnx_hostile.c has those that cannot be trusted. */
#include "support/onnx_case.h"

static cnn_module *load_linear(void)
{
    buffer graph = linear_graph(), model = model_message(&graph, 17);
    cnn_module *module = cnn_onnx_load(ctx, model_file("linear.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    return module;
}

/* weight · (x, x + 1/4, x + 2/4) + bias */
static float expected(int row, int column)
{
    float sum = column ? -1 : 1;
    for (int k = 0; k < 3; k++) {
        sum += (float)(3 * row + k) / 4 * (float)(3 * column + k) / 8;
    }
    return sum;
}

static void check_rows(const float *y, int64_t count)
{
    for (int i = 0; i < 2 * count; i++) {
        ck_assert_float_eq_tol(y[i], expected(i / 2, i % 2), 1e-6f);
    }
}

START_TEST(weights_are_parameters_by_name)
{
    cnn_module *module = load_linear();
    ck_assert_int_eq(cnn_module_state_count(module), 2);
    ck_assert_ptr_nonnull(cnn_module_find(module, "fc.weight"));
    ck_assert_ptr_nonnull(cnn_module_find(module, "fc.bias"));
    ck_assert(cnn_tensor_requires_grad(cnn_module_find(module, "fc.weight")));
    cnn_module_free(module);
}
END_TEST

/* "a" and "a.b" cannot both be in a tree of modules, nor can a name with an empty part. */
START_TEST(names_that_clash_are_changed)
{
    static const char *const names[][2] = { { "a", "a" }, { "a.b", "a_b" }, { ".c", "_c" }, { "d.e", "d.e" }, { "d", "d_" } };
    buffer g = { 0 }, part;
    const float one = 1;
    const char *last = "x";
    char sums[5][8];
    for (int i = 0; i < 5; i++) {
        char inputs[64];
        snprintf(inputs, sizeof inputs, "%s %s", last, names[i][0]);
        snprintf(sums[i], sizeof sums[i], "sum%d", i & 7);
        part = node_message("Add", inputs, sums[i]);
        put_message(&g, 1, &part);
        put_tensor(&g, names[i][0], FLOAT, 1, (int64_t[]){ 1 }, &one, sizeof one);
        last = sums[i];
    }
    put_value(&g, 11, "x", FLOAT, 1, (int64_t[]){ 1 });
    put_value(&g, 12, last, FLOAT, 1, (int64_t[]){ 1 });
    buffer model = model_message(&g, 17);
    cnn_module *module = cnn_onnx_load(ctx, model_file("names.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    for (int i = 0; i < 5; i++) {
        ck_assert_msg(cnn_module_find(module, names[i][1]) != NULL, "%s", names[i][1]);
    }
    cnn_module_free(module);
}
END_TEST

/* A module with such names is saved to a file that has again what stood in the first. */
START_TEST(names_that_clash_come_back)
{
    static const char *const names[] = { "a.b", ".c", "a", "fixed" };
    buffer g = { 0 }, part;
    const float one = 1;
    const char *last = "in.x";
    char sums[4][8];
    for (int i = 0; i < 4; i++) {
        char inputs[64];
        snprintf(inputs, sizeof inputs, "%s %s", last, names[i]);
        snprintf(sums[i], sizeof sums[i], "sum%d", i & 7);
        part = node_message(i == 3 ? "Max" : "Add", inputs, sums[i]); /* an operand of Max is no parameter */
        put_message(&g, 1, &part);
        const float many[100] = { one };
        put_tensor(&g, names[i], FLOAT, 1, (int64_t[]){ i == 3 ? 100 : 1 }, i == 3 ? many : &one, (i == 3 ? 100 : 1) * sizeof one);
        last = sums[i];
    }
    put_value(&g, 11, "in.x", FLOAT, 1, (int64_t[]){ 1 });
    put_value(&g, 12, last, FLOAT, 1, (int64_t[]){ 100 });
    buffer model = model_message(&g, 17);
    cnn_module *module = cnn_onnx_load(ctx, model_file("names.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    ck_assert_ptr_nonnull(cnn_module_find(module, "_c"));
    ck_assert_ptr_null(cnn_module_find(module, ".c"));
    const cnn_trace_input in = { .shape = (const int64_t[]){ 1 }, .ndim = 1 };
    cnn_status saved = cnn_onnx_save(module, in_folder("again.onnx"), CNN_OPTIONS(cnn_onnx_save_options, .inputs = &in, .fixed_batch = true));
    ck_assert_msg(saved == CNN_OK, "%s", cnn_last_error(ctx));
    size_t size;
    unsigned char *bytes = file_get(in_folder("again.onnx"), &size);
    static const char *const kept[] = { "a.b", ".c", "fixed", "in.x", "sum3" };
    for (int i = 0; i < 5; i++) {
        ck_assert_msg(memmem(bytes, size, kept[i], strlen(kept[i])) != NULL, "%s", kept[i]);
    }
    ck_assert(!memmem(bytes, size, "_c", 2) && !memmem(bytes, size, "a_", 2));
    free(bytes);
    cnn_module_free(module);
}
END_TEST

/* A normalisation that the file wants by the batch: with its running statistics where the caller says so. */
START_TEST(running_statistics_are_used_as_they_are)
{
    const float weight[2] = { 1, 2 }, bias[2] = { 0.5f, -1 }, mean[2] = { 1, 2 }, var[2] = { 4, 0.25f };
    const float *values[4] = { weight, bias, mean, var };
    static const char *const names[4] = { "w", "b", "m", "v" };
    buffer g = { 0 }, part = node_message("BatchNormalization", "x w b m v", "y m2 v2");
    put_int_attribute(&part, "training_mode", 1);
    put_message(&g, 1, &part);
    for (int i = 0; i < 4; i++) {
        put_tensor(&g, names[i], FLOAT, 1, (int64_t[]){ 2 }, values[i], sizeof weight);
    }
    put_value(&g, 11, "x", FLOAT, 2, (int64_t[]){ -1, 2 });
    put_value(&g, 12, "y", FLOAT, 2, (int64_t[]){ -1, 2 });
    buffer model = model_message(&g, 17);
    const char *path = model_file("norm.onnx", &model);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, 2, (int64_t[]){ 2, 2 }, (const float[]){ 3, 2, 1, 3 });
    for (int running = 0; running < 2; running++) {
        cnn_onnx_options options = { .struct_size = sizeof options, .running_statistics = running };
        cnn_module *module = cnn_onnx_load(ctx, path, &options);
        ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
        float y[4];
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        ck_assert_int_eq(cnn_tensor_read(cnn_forward(module, cnn_input(tape, x)), y, sizeof y), CNN_OK);
        const float expected[2][4] = { { 1.5f, -3, -0.5f, 1 }, { 1.5f, -1, 0.5f, 3 } };
        for (int i = 0; i < 4; i++) {
            ck_assert_float_eq_tol(y[i], expected[running][i], 2e-4f);
        }
        ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "m"), y, sizeof mean), CNN_OK);
        ck_assert(y[0] == 1 && y[1] == 2);
        cnn_module_free(module);
    }
    cnn_tensor_free(x);
}
END_TEST

START_TEST(any_batch_is_run)
{
    cnn_module *module = load_linear();
    for (int64_t n = 1; n < 10; n += 4) {
        float y[20];
        cnn_tensor *x = rows(n);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        cnn_tensor *out = cnn_forward(module, cnn_input(tape, x));
        ck_assert_int_eq(cnn_tensor_read(out, y, 2 * (size_t)n * sizeof *y), CNN_OK);
        check_rows(y, n);
        cnn_tensor_free(x);
    }
    cnn_module_free(module);
}
END_TEST

/* Plain gradient descent, by hand: the loss Σ y has the gradient Σ x of each row of the weight. */
START_TEST(it_trains_on)
{
    cnn_module *module = load_linear();
    cnn_optimizer *sgd = cnn_sgd_new(module, .lr = 0.5);
    cnn_tensor *x = rows(2);
    ck_assert_ptr_nonnull(sgd);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(module, cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    float weight[6];
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(module, "fc.weight"), weight, sizeof weight), CNN_OK);
    for (int i = 0; i < 6; i++) {
        float gradient = (float)(2 * (i % 3) + 3) / 4;
        ck_assert_float_eq_tol(weight[i], (float)i / 8 - 0.5f * gradient, 1e-6f);
    }
    cnn_optimizer_free(sgd);
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

START_TEST(clones_have_their_own_parameters)
{
    cnn_module *module = load_linear(), *clone = cnn_module_clone(module);
    ck_assert_msg(clone != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_tensor_fill(cnn_module_find(module, "fc.weight"), 0), CNN_OK);
    cnn_module_free(module);
    float y[4];
    cnn_tensor *x = rows(2);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(cnn_forward(clone, cnn_input(tape, x)), y, sizeof y), CNN_OK);
    check_rows(y, 2);
    cnn_tensor_free(x);
    cnn_module_free(clone);
}
END_TEST

START_TEST(a_predictor_is_made_of_it)
{
    cnn_module *module = load_linear();
    cnn_tensor *x = rows(2);
    float y[4];
    cnn_predictor *p = strcmp(cnn_context_device(ctx), "cpu") == 0 ? cnn_predictor_new(module, cnn_tensor_dtype(x), cnn_tensor_ndim(x), cnn_tensor_shape(x)) : NULL;
    if (p) {
        ck_assert_int_eq(cnn_predictor_run(p, (const void *[]){ cnn_tensor_data(x) }, (void *[]){ y }), CNN_OK);
        check_rows(y, 2);
        cnn_predictor_free(p);
    } else {
        ck_assert_msg(strcmp(cnn_context_device(ctx), "cpu") != 0, "%s", cnn_last_error(ctx));
    }
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

/* Equal steps use the memory of the first ones. */
START_TEST(equal_steps_allocate_nothing)
{
    cnn_module *module = load_linear();
    cnn_tensor *x = rows(3);
    size_t calls = 0;
    for (int i = 0; i < 6; i++) {
        if (i == 3) {
            calls = atomic_load(&meter.calls);
        }
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        ck_assert_int_eq(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
    }
    ck_assert_uint_eq(atomic_load(&meter.calls), calls);
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

/* a + b and a − b, of which the second is asked for or not. */
START_TEST(several_inputs_and_outputs)
{
    buffer g = { 0 };
    put_node(&g, 1, "Add", NULL, "a b", "sum");
    put_node(&g, 1, "Sub", NULL, "a b", "difference");
    for (int i = 0; i < 2; i++) {
        put_value(&g, 11, i ? "b" : "a", FLOAT, 1, (int64_t[]){ -1 });
        put_value(&g, 12, i ? "difference" : "sum", FLOAT, 1, (int64_t[]){ -1 });
    }
    buffer model = model_message(&g, 13);
    cnn_module *module = cnn_onnx_load(ctx, model_file("two.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor *in[2], *out[3];
    for (int i = 0; i < 2; i++) {
        in[i] = cnn_tensor_full(ctx, CNN_F32, 3 - i, 1, (int64_t[]){ 4 });
    }
    for (int count = 1; count <= 2; count++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        ck_assert_int_eq(cnn_forward_many(tape, module, in, 2, out, count), CNN_OK);
        for (int i = 0; i < count; i++) {
            float y[4];
            ck_assert_int_eq(cnn_tensor_read(out[i], y, sizeof y), CNN_OK);
            ck_assert_float_eq_tol(y[3], (i ? 1.0f : 5.0f), 1e-9f);
        }
    }
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    assert_error(cnn_forward_many(tape, module, in, 2, out, 3), CNN_ERROR_INVALID_ARGUMENT, "asked for 3 outputs, expected at most 2");
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    assert_error(cnn_forward_many(tape, module, in, 1, out, 1), CNN_ERROR_INVALID_ARGUMENT, "1 inputs, expected 2");
    for (int i = 0; i < 2; i++) {
        cnn_tensor_free(in[i]);
    }
    cnn_module_free(module);
}
END_TEST

/* Reshape to [shape[0], −1] of what Shape, Gather, Unsqueeze and Concat make, as exporters write flatten(). */
START_TEST(arithmetic_on_shapes_is_the_hosts)
{
    const int64_t zero = 0, minus_one = -1;
    buffer g = { 0 }, part;
    const char *const nodes[][3] = { { "Shape", "x", "s" }, { "Gather", "s zero", "n" }, { "Unsqueeze", "n axes", "n1" },
                                     { "Concat", "n1 rest", "to" }, { "Reshape", "x to", "y" } };
    for (int i = 0; i < 5; i++) {
        part = node_message(nodes[i][0], nodes[i][1], nodes[i][2]);
        if (i == 3) {
            put_int_attribute(&part, "axis", 0);
        }
        put_message(&g, 1, &part);
    }
    put_tensor(&g, "zero", INT64, 0, NULL, &zero, 8);
    put_tensor(&g, "axes", INT64, 1, (int64_t[]){ 1 }, &zero, 8);
    put_tensor(&g, "rest", INT64, 1, (int64_t[]){ 1 }, &minus_one, 8);
    put_value(&g, 11, "x", FLOAT, 3, (int64_t[]){ -1, -1, -1 });
    put_value(&g, 12, "y", FLOAT, 2, (int64_t[]){ -1, -1 });
    buffer model = model_message(&g, 13);
    cnn_module *module = cnn_onnx_load(ctx, model_file("shape.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, 3, (int64_t[]){ 5, 2, 3 });
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_tensor *y = cnn_forward(module, cnn_input(tape, x));
    ck_assert_int_eq(cnn_tensor_ndim(y), 2);
    ck_assert_int_eq(cnn_tensor_size(y, 0), 5);
    ck_assert_int_eq(cnn_tensor_size(y, 1), 6);
    cnn_predictor *p = cnn_predictor_new(module, cnn_tensor_dtype(x), cnn_tensor_ndim(x), cnn_tensor_shape(x)); /* runs the forward on shapes alone */
    ck_assert_msg(p != NULL || strcmp(cnn_context_device(ctx), "cpu") != 0, "%s", cnn_last_error(ctx));
    cnn_predictor_free(p);
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

/* A function that multiplies by a constant of 100 numbers, called twice; whatever its address in the file is. */
START_TEST(functions_share_their_constants)
{
    for (int shift = 0; shift < 5; shift++) {
        float numbers[100], got[100];
        for (int i = 0; i < 100; i++) {
            numbers[i] = (float)(i + 1);
        }
        buffer g = { 0 }, f = { 0 }, set = { 0 }, value = { 0 }, part = node_message("Scale", "x", "h");
        put_text(&part, 7, "own");
        put_message(&g, 1, &part);
        part = node_message("Scale", "h", "y");
        put_text(&part, 7, "own");
        put_message(&g, 1, &part);
        put_x_and_y(&g, 100, 100);
        put_text(&f, 1, "Scale");
        put_text(&f, 4, "a");
        put_text(&f, 5, "b");
        put_text(&f, 8, &"aaaa"[4 - shift % 5]); /* documentation that moves what follows */
        part = node_message("Constant", "", "k");
        put_text(&value, 1, "value");
        put_tensor(&value, "k", FLOAT, 1, (int64_t[]){ 100 }, numbers, sizeof numbers);
        put_message(&part, 5, &value);
        put_message(&f, 7, &part);
        part = node_message("Mul", "a k", "b");
        put_message(&f, 7, &part);
        put_text(&f, 10, "own");
        put_int(&set, 2, 17);
        put_message(&f, 9, &set);
        buffer model = model_message(&g, 17);
        put_message(&model, 25, &f);
        cnn_module *module = cnn_onnx_load(ctx, model_file("function.onnx", &model), NULL);
        ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
        cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, 1, (int64_t[]){ 100 });
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        ck_assert_int_eq(cnn_tensor_read(cnn_forward(module, cnn_input(tape, x)), got, sizeof got), CNN_OK);
        for (int i = 0; i < 100; i++) {
            ck_assert_float_eq_tol(got[i], (float)((i + 1) * (i + 1)), 1e-9f);
        }
        cnn_tensor_free(x);
        cnn_module_free(module);
    }
}
END_TEST

START_TEST(all_that_is_not_supported_is_named)
{
    buffer g = linear_graph();
    put_node(&g, 1, "Hocus", NULL, "y", "z");
    put_node(&g, 1, "Pocus", NULL, "z", "w");
    buffer model = model_message(&g, 17);
    ck_assert_ptr_null(cnn_onnx_load(ctx, model_file("odd.onnx", &model), NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED,
                 "/odd.onnx: 2 nodes that are not supported: Hocus (node 1 \"\"), Pocus (node 2 \"\")");
    g = linear_graph();
    put_node(&g, 1, "Hocus", NULL, "y", "z");
    model = model_message(&g, 17);
    ck_assert_ptr_null(cnn_onnx_load(ctx, model_file("odd.onnx", &model), NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, "/odd.onnx: 1 node that is not supported: Hocus (node 1 \"\")");
}
END_TEST

START_TEST(the_node_is_named)
{
    buffer g = linear_graph();
    put_node(&g, 1, "Add", NULL, "y nothing", "z");
    buffer model = model_message(&g, 17);
    ck_assert_ptr_null(cnn_onnx_load(ctx, model_file("odd.onnx", &model), NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "node 1 \"\" (Add): nothing before it makes its input \"nothing\"");
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "onnx_load: ");
    assert_error(cnn_context_status(ctx), CNN_ERROR_FORMAT, "byte ");
    cnn_module *module = load_linear();
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, 2, (int64_t[]){ 2, 4 });
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    ck_assert_int_ne(cnn_tensor_status(cnn_forward(module, cnn_input(tape, x))), CNN_OK);
    assert_error(cnn_tape_status(tape), CNN_ERROR_SHAPE, "input \"x\" is [2,4], expected [batch,3]");
    cnn_tensor_free(x);
    cnn_module_free(module);
}
END_TEST

START_TEST(bad_arguments)
{
    ck_assert_ptr_null(cnn_onnx_load(NULL, "x", NULL));
    ck_assert_ptr_null(cnn_onnx_load(ctx, NULL, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "onnx_load: path is NULL");
    ck_assert_ptr_null(cnn_onnx_load(ctx, in_folder("none"), NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "/none: ");
    ck_assert_ptr_null(cnn_onnx_load(ctx, test_folder, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_IO, "no regular file");
    cnn_onnx_options odd = { .struct_size = 3 };
    ck_assert_ptr_null(cnn_onnx_load(ctx, "x", &odd));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "struct_size is 3");
}
END_TEST

START_TEST(operators_are_listed_in_order)
{
    int count = 0;
    for (const char *name, *last = ""; (name = cnn_onnx_operator(count)); count++) {
        ck_assert_int_lt(strcmp(last, name), 0);
        last = name;
    }
    ck_assert_int_gt(count, 150);
    ck_assert_ptr_null(cnn_onnx_operator(-1));
    ck_assert_ptr_null(cnn_onnx_operator(count + 5));
}
END_TEST

START_TEST(inputs_and_outputs_are_described)
{
    cnn_module *module = load_linear(), *clone = cnn_module_clone(module), *other = cnn_relu_new(ctx);
    cnn_onnx_value v = { .struct_size = sizeof v };
    ck_assert(cnn_onnx_input_count(module) == 1 && cnn_onnx_output_count(clone) == 1);
    ck_assert_int_eq(cnn_onnx_input(clone, 0, &v), CNN_OK);
    ck_assert(v.dtype == CNN_F32 && v.ndim == 2 && v.shape[0] == -1 && v.shape[1] == 3 && *v.symbols[1] == 0);
    ck_assert_str_eq(v.name, "x");
    ck_assert_int_eq(cnn_onnx_output(module, 0, &v), CNN_OK);
    ck_assert_str_eq(v.name, "y");
    ck_assert_uint_eq(v.struct_size, sizeof v);
    assert_error(cnn_onnx_input(module, 1, &v), CNN_ERROR_INVALID_ARGUMENT, "onnx_input: there is no number 1, expected 0 to 0");
    assert_error(cnn_onnx_output(module, 0, NULL), CNN_ERROR_INVALID_ARGUMENT, "onnx_output: value is NULL");
    assert_error(cnn_onnx_input(other, 0, &v), CNN_ERROR_INVALID_ARGUMENT, "onnx_input: the module is no model");
    v.struct_size = 8;
    assert_error(cnn_onnx_input(module, 0, &v), CNN_ERROR_INVALID_ARGUMENT, "onnx_input: struct_size is 8, expected at least");
    ck_assert(cnn_onnx_input_count(other) == 0 && cnn_onnx_output_count(NULL) == 0);
    cnn_module_free(module);
    cnn_module_free(clone);
    cnn_module_free(other);
}
END_TEST

/* Lengths of keys that the file says wrong: as numbers, and out of their range. */
START_TEST(lengths_of_attention_are_checked)
{
    static const int64_t far[] = { INT64_MIN, 4 };
    static const float number = 2;
    buffer g = { 0 }, part = node_message("Attention", "q k v", "y");
    for (int i = 0; i < 4; i++) {
        put_text(&part, 1, i < 3 ? "" : "lengths");
    }
    put_int_attribute(&part, "is_causal", 1);
    put_message(&g, 1, &part);
    part = _i < 2 ? tensor_message("lengths", INT64, 1, (int64_t[]){ 1 }, &far[_i], sizeof *far)
                  : tensor_message("lengths", FLOAT, 1, (int64_t[]){ 1 }, &number, sizeof number);
    put_message(&g, 5, &part);
    static const char *const names[] = { "q", "k", "v", "y" };
    cnn_trace_input inputs[3];
    static const int64_t shape[] = { 1, 1, 3, 4 };
    for (int i = 0; i < 4; i++) {
        part = value_message(names[i], FLOAT, 4, shape);
        put_message(&g, i < 3 ? 11 : 12, &part);
        inputs[i % 3] = (cnn_trace_input){ .shape = shape, .ndim = 4 };
    }
    buffer model = model_message(&g, 24);
    cnn_module *module = cnn_onnx_load(ctx, model_file("lengths.onnx", &model), NULL);
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    ck_assert_ptr_null(cnn_trace_create(module, inputs, 3, NULL));
    assert_error(cnn_context_status(ctx), CNN_ERROR_SHAPE,
                 _i == 2   ? "nonpad_kv_seqlen has no integer per sample"
                 : _i == 1 ? "nonpad_kv_seqlen of 4, expected 0 to 3"
                           : "nonpad_kv_seqlen of -9223372036854775808, expected 0 to 3");
    cnn_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_load");
    TCase *modules = suite_case(suite, "modules", setup, teardown);
    tcase_add_test(modules, weights_are_parameters_by_name);
    tcase_add_test(modules, names_that_clash_are_changed);
    tcase_add_test(modules, inputs_and_outputs_are_described);
    tcase_add_test(modules, names_that_clash_come_back);
    tcase_add_test(modules, running_statistics_are_used_as_they_are);
    tcase_add_test(modules, any_batch_is_run);
    tcase_add_test(modules, it_trains_on);
    tcase_add_test(modules, clones_have_their_own_parameters);
    tcase_add_test(modules, a_predictor_is_made_of_it);
    tcase_add_test(modules, equal_steps_allocate_nothing);
    tcase_add_test(modules, several_inputs_and_outputs);
    tcase_add_test(modules, arithmetic_on_shapes_is_the_hosts);
    tcase_add_test(modules, functions_share_their_constants);
    TCase *failures = suite_case(suite, "failures", setup, teardown);
    tcase_add_test(failures, all_that_is_not_supported_is_named);
    tcase_add_test(failures, the_node_is_named);
    tcase_add_test(failures, bad_arguments);
    tcase_add_loop_test(failures, lengths_of_attention_are_checked, 0, 3);
    tcase_add_test(failures, operators_are_listed_in_order);
    return suite_run(suite);
}
