/* cnn_onnx_save(): what is in a file, which names and sizes it has, and every message. That onnxruntime computes the same is
 * proved by make check-onnx-save. */
#include "support/elements.h"
#include "support/nn.h"

#include <cnn/onnx.h>

#include <sys/stat.h>

static unsigned char *bytes;
static size_t size;

static void setup_folder(void)
{
    setup();
    folder_make();
}

static void teardown_folder(void)
{
    folder_remove();
    teardown();
}

static cnn_module *make_net(void)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 4), cnn_relu_new(ctx),
                                         cnn_flatten_new(ctx), cnn_linear_new(ctx, 4 * 6 * 6, 5));
    ck_assert_msg(net != NULL, "%s", cnn_last_error(ctx));
    return net;
}

static const cnn_trace_input images = { .shape = (const int64_t[]){ 2, 3, 6, 6 }, .ndim = 4 };

/* Saves to `name` in the folder and reads the file. */
static void save(cnn_module *net, const char *name, cnn_onnx_save_options *options)
{
    options->inputs = options->inputs ? options->inputs : &images;
    ck_assert_msg(cnn_onnx_save(net, in_folder(name), options) == CNN_OK, "%s", cnn_last_error(ctx));
    bytes = file_get(in_folder(name), &size);
}

static bool has(const char *text)
{
    return memmem(bytes, size, text, strlen(text)) != NULL;
}

#define OPTIONS(...) CNN_OPTIONS(cnn_onnx_save_options, __VA_ARGS__)

START_TEST(names_are_those_of_the_state_dict)
{
    cnn_module *net = make_net();
    save(net, "net.onnx", OPTIONS(.input_names = (const char *[]){ "pixels" }, .output_names = (const char *[]){ "scores" }));
    for (int i = 0; i < cnn_module_state_count(net); i++) {
        char name[64];
        cnn_module_state_name(net, i, name, sizeof name);
        ck_assert_msg(has(name) == !strstr(name, "num_batches"), "%s", name);
    }
    ck_assert(has("pixels") && has("scores") && has("batch") && !has("input"));
    ck_assert(has("BatchNormalization") && has("4/Gemm_"));
    ck_assert(bytes[0] == 0x08 && bytes[1] == 8); /* version 8 of the format */
    const size_t first = size;
    unsigned char *kept = bytes;
    save(net, "again.onnx", OPTIONS(.input_names = (const char *[]){ "pixels" }, .output_names = (const char *[]){ "scores" }));
    ck_assert_uint_eq(size, first);
    ck_assert_mem_eq(bytes, kept, size);
    free(kept);
    free(bytes);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_OK);
    cnn_module_free(net);
}
END_TEST

START_TEST(options_are_heeded)
{
    cnn_module *net = make_net();
    save(net, "fixed.onnx", OPTIONS(.fixed_batch = true));
    ck_assert(!has("batch"));
    free(bytes);
    save(net, "folded.onnx", OPTIONS(.fold_batch_norm = true, .opset = 18));
    ck_assert(!has("BatchNormalization") && !has("1.weight") && has("0.weight") && has("0.bias"));
    free(bytes);
    save(net, "new.onnx", OPTIONS(.opset = 21));
    ck_assert(bytes[1] == 10);
    free(bytes);
    save(net, "outside.onnx", OPTIONS(.external_data = true));
    ck_assert(has("outside.onnx.data") && has("location") && has("length"));
    ck_assert_uint_lt(size, 2000);
    free(bytes);
    bytes = file_get(in_folder("outside.onnx.data"), &size);
    const float *weight = host_elements(cnn_module_find(net, "4.weight"));
    ck_assert_ptr_nonnull(memmem(bytes, size, weight, 5 * 4 * 36 * sizeof *weight));
    ck_assert_uint_eq(size % 64, 0);
    free(bytes);
    cnn_module_free(net);
}
END_TEST

/* x · w at the first place, the number of samples at the second. */
static cnn_tensor *by_count(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_mul_scalar(x, 1.0 / (double)cnn_tensor_size(x, 0));
}

/* A sample more than there are. */
static cnn_tensor *one_more(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_concat((cnn_tensor *[]){ x, cnn_slice(x, 0, 0, 1, 1) }, 2, 0);
}

static void refuse(cnn_module *net, const char *name, cnn_onnx_save_options *options, cnn_status status, const char *message)
{
    cnn_context_clear_error(NULL);
    ck_assert_int_eq(cnn_onnx_save(net, name ? in_folder(name) : NULL, options), status);
    assert_error(cnn_context_status(ctx), status, message);
}

/* What depends on the batch keeps the batch that was given, and a batch of -1 is then an error that says where. */
START_TEST(a_batch_that_cannot_be_symbolic)
{
    cnn_module *part = cnn_module_new(ctx, by_count, .type = "ByCount"), *net = cnn_sequential_new(ctx, cnn_relu_new(ctx), part);
    const cnn_trace_input any = { .shape = (const int64_t[]){ -1, 3 }, .ndim = 2 }, two = { .shape = (const int64_t[]){ 2, 3 }, .ndim = 2 };
    save(net, "two.onnx", OPTIONS(.inputs = &two));
    ck_assert(!has("batch"));
    free(bytes);
    ck_assert_int_eq(cnn_onnx_save(net, in_folder("any.onnx"), OPTIONS(.inputs = &any)), CNN_ERROR_UNSUPPORTED);
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED, "onnx_save: 1: mul_scalar depends on the batch, which is -1, expected a size");
    cnn_module_free(net);

    net = cnn_sequential_new(ctx, cnn_relu_new(ctx), cnn_module_new(ctx, one_more));
    refuse(net, "any.onnx", OPTIONS(.inputs = &any), CNN_ERROR_UNSUPPORTED, "onnx_save: 1: concat depends on the batch, which is -1");
    cnn_module_free(net);

    net = cnn_sequential_new(ctx, cnn_unflatten_create(ctx, 1, 2, (const int64_t[]){ 3, 1 }, NULL), cnn_relu_new(ctx));
    save(net, "any.onnx", OPTIONS(.inputs = &any));
    ck_assert(has("batch"));
    free(bytes);
    cnn_module_free(net);
}
END_TEST

static cnn_tensor *multiply_up(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_cumprod(x, 1);
}

/* The first is named, and how many there are besides. */
START_TEST(operations_that_onnx_lacks)
{
    cnn_module *inner = cnn_sequential_new(ctx, cnn_relu_new(ctx), cnn_module_new(ctx, multiply_up));
    cnn_module *net = cnn_sequential_new(ctx, inner, cnn_module_new(ctx, multiply_up), cnn_module_new(ctx, multiply_up));
    ck_assert_int_eq(cnn_onnx_save(net, in_folder("net.onnx"), OPTIONS(.inputs = &images)), CNN_ERROR_UNSUPPORTED);
    assert_error(cnn_context_status(ctx), CNN_ERROR_UNSUPPORTED,
                 "onnx_save: 0.1: cumprod: ONNX has an operator for it since opset 26 only (and 2 more operations)");
    ck_assert_int_eq(folder_count(false), 0);
    cnn_module_free(net);
}
END_TEST

static cnn_tensor *shift(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    cnn_tensor *bits = cnn_cast(x, CNN_I64);
    return cnn_cast(cnn_bitwise_left_shift(bits, bits), CNN_F32);
}

static cnn_tensor *columns(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_unfold(x, CNN_OPTIONS(cnn_unfold_options, .kernel = 2));
}

static cnn_tensor *sum_columns(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_fold(cnn_reshape(x, CNN_SHAPE(2, 12, 9)), 6, 6, CNN_OPTIONS(cnn_unfold_options, .kernel = 2, .stride = 2));
}

static cnn_tensor *smooth_loss(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_cross_entropy_with(x, cnn_argmax(x, 1, (int[]){ 1 }, false), CNN_OPTIONS(cnn_cross_entropy_options, .label_smoothing = 0.1));
}

static cnn_tensor *loss_of_probabilities(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_cross_entropy(x, cnn_softmax(x, 1));
}

static cnn_tensor *largest_windows(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_adaptive_maxpool2d(x, 4, 4, NULL);
}

/* The reason is the true one. */
START_TEST(the_reason_is_said)
{
    static const struct {
        cnn_tensor *(*forward)(cnn_module *self, cnn_tensor *x, void *user);
        const char *message;
    } cases[] = { { shift, "bitwise_left_shift: ONNX shifts unsigned integers only" },
                  { columns, "unfold: ONNX has no operator for it" },
                  { sum_columns, "fold: ONNX has an operator for it since opset 18 only" },
                  { smooth_loss, "cross_entropy: ONNX has it without label smoothing" },
                  { loss_of_probabilities, "cross_entropy: ONNX has it for class numbers, not for probabilities" },
                  { largest_windows, "adaptive_maxpool2d: ONNX has no maxima of windows of several sizes" } };
    cnn_module *net = cnn_module_new(ctx, cases[_i].forward);
    ck_assert_ptr_nonnull(net);
    refuse(net, "net.onnx", OPTIONS(.inputs = &images, .fixed_batch = true), CNN_ERROR_UNSUPPORTED, cases[_i].message);
    cnn_module_free(net);
}
END_TEST

/* ---- recurrent layers ---- */

static cnn_module *recurrent_net(int kind)
{
    return kind == 0   ? cnn_lstm_new(ctx, 3, 4, .num_layers = 2, .bidirectional = true)
           : kind == 1 ? cnn_gru_new(ctx, 3, 4, .bidirectional = true)
           : kind == 2 ? cnn_rnn_new(ctx, 3, 4, .relu = true)
                       : cnn_lstm_new(ctx, 3, 4, .no_bias = true);
}

/* Both modules give the same for x, within 1e-6. */
static void check_same(cnn_module *a, cnn_module *b, cnn_tensor *x)
{
    float y[2][5 * 2 * 8];
    size_t bytes_of_y = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
        cnn_tensor *out = cnn_forward(i ? b : a, cnn_input(tape, x));
        bytes_of_y = (size_t)cnn_tensor_numel(out) * sizeof(float);
        ck_assert_uint_le(bytes_of_y, sizeof y[i]);
        ck_assert_msg(cnn_tensor_read(out, y[i], bytes_of_y) == CNN_OK, "%s", cnn_tape_error(tape));
    }
    for (size_t k = 0; k < bytes_of_y / sizeof(float); k++) {
        ck_assert_float_eq_tol(y[0][k], y[1][k], 1e-6f);
    }
}

/* Weights of recurrent layers are in the file as in the state_dict, names and elements, though ONNX has another order of the gates;
 * what was loaded trains on and can be saved again. */
START_TEST(recurrent_layers_keep_their_names)
{
    const cnn_trace_input steps = { .shape = (const int64_t[]){ 5, 2, 3 }, .ndim = 3 };
    cnn_module *net = recurrent_net(_i), *before = net;
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, 2, 3));
    ck_assert_msg(net && x, "%s", cnn_last_error(ctx));
    for (int round = 0; round < 2; round++) {
        save(before, "steps.onnx", OPTIONS(.inputs = &steps, .fixed_batch = true));
        free(bytes);
        cnn_module *loaded = cnn_onnx_load(ctx, in_folder("steps.onnx"), NULL);
        ck_assert_msg(loaded != NULL, "%s", cnn_last_error(ctx));
        ck_assert_int_eq(cnn_module_parameter_count(loaded), cnn_module_parameter_count(net));
        for (int i = 0; i < cnn_module_state_count(net); i++) {
            char name[64];
            cnn_module_state_name(net, i, name, sizeof name);
            cnn_tensor *own = cnn_module_find(net, name), *other = cnn_module_find(loaded, name);
            ck_assert_msg(other != NULL, "%s", name);
            ck_assert_int_eq(cnn_tensor_numel(own), cnn_tensor_numel(other));
            ck_assert_msg(same_elements(own, other), "%s", name);
        }
        check_same(net, loaded, x);
        if (round) {
            cnn_module_free(before);
        }
        before = loaded;
    }
    cnn_optimizer *sgd = cnn_sgd_new(before, .lr = 0.1);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(before, cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
    cnn_tensor *weight = cnn_module_find(before, "weight_hh_l0"), *old = cnn_module_find(net, "weight_hh_l0");
    ck_assert(!same_elements(weight, old));
    cnn_optimizer_free(sgd);
    cnn_tensor_free(x);
    cnn_module_free(before);
    cnn_module_free(net);
}
END_TEST

static cnn_tensor *pool_without_batch(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    cnn_tensor *y = cnn_avg_pool2d(cnn_maxpool2d(x, CNN_OPTIONS(cnn_maxpool2d_options, .kernel = 2)),
                                   CNN_OPTIONS(cnn_avg_pool2d_options, .kernel = 2, .stride = 2, .ceil_mode = true));
    return cnn_add(y, cnn_adaptive_avg_pool2d(x, 1, 1));
}

/* Windows over one picture, [C,H,W], are those of its height and width. */
START_TEST(a_picture_without_a_batch)
{
    const cnn_trace_input one = { .shape = (const int64_t[]){ 2, 6, 6 }, .ndim = 3 };
    cnn_module *net = cnn_module_new(ctx, pool_without_batch);
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 6, 6));
    save(net, "one.onnx", OPTIONS(.inputs = &one, .fixed_batch = true));
    free(bytes);
    cnn_module *loaded = cnn_onnx_load(ctx, in_folder("one.onnx"), NULL);
    ck_assert_msg(loaded != NULL, "%s", cnn_last_error(ctx));
    check_same(net, loaded, x);
    cnn_tensor_free(x);
    cnn_module_free(loaded);
    cnn_module_free(net);
}
END_TEST

START_TEST(bad_arguments)
{
    cnn_module *net = make_net();
    const enum cnn_status bad = CNN_ERROR_INVALID_ARGUMENT;
    ck_assert_int_eq(cnn_onnx_save(NULL, in_folder("a"), OPTIONS(.inputs = &images)), bad);
    refuse(net, NULL, OPTIONS(.inputs = &images), bad, "onnx_save: path is NULL");
    refuse(net, "a", NULL, bad, "onnx_save: options is NULL");
    refuse(net, "a", OPTIONS(.opset = 0), bad, "onnx_save: inputs is NULL");
    refuse(net, "a", OPTIONS(.inputs = &images, .opset = 16), bad, "onnx_save: opset is 16, expected 17 to 23");
    refuse(net, "a", OPTIONS(.inputs = &images, .opset = 24), bad, "onnx_save: opset is 24, expected 17 to 23");
    refuse(net, "a", OPTIONS(.inputs = &images, .input_count = -1), bad, "onnx_save: input_count is negative");
    refuse(net, "a", OPTIONS(.inputs = &images, .output_count = -1), bad, "onnx_save: output_count is negative");
    refuse(net, "a", OPTIONS(.inputs = &images, .batch_dim = -1), bad, "onnx_save: batch_dim is negative");
    refuse(net, "a", OPTIONS(.inputs = &(cnn_trace_input){ .ndim = 4 }), bad, "onnx_save: an input has no shape");
    refuse(net, "a", OPTIONS(.inputs = &images, .input_names = (const char *[]){ NULL }), bad, "onnx_save: an element of input_names is NULL");
    refuse(net, "a", OPTIONS(.inputs = &images, .output_names = (const char *[]){ NULL }), bad, "onnx_save: an element of output_names is NULL");
    refuse(net, "a", OPTIONS(.inputs = &images, .output_names = (const char *[]){ "input" }), bad,
           "onnx_save: \"input\" names two tensors of the graph");
    refuse(net, "a", OPTIONS(.inputs = &images, .input_names = (const char *[]){ "0.weight" }), bad,
           "onnx_save: \"0.weight\" names two tensors of the graph");
    refuse(net, "a", OPTIONS(.inputs = &images, .input_names = (const char *[]){ "" }), bad, "onnx_save: \"\" names an input or output");
    cnn_onnx_save_options newer = *OPTIONS(.inputs = &images);
    newer.reserved[0] = 1;
    refuse(net, "a", &newer, CNN_ERROR_UNSUPPORTED, "onnx_save: byte ");
    newer.struct_size = 3;
    refuse(net, "a", &newer, bad, "onnx_save: struct_size is 3, expected sizeof the struct");
    refuse(net, "a", OPTIONS(.inputs = &(cnn_trace_input){ .shape = (int64_t[]){ 2, 4, 6, 6 }, .ndim = 4 }), CNN_ERROR_SHAPE, "0: conv2d: ");
    refuse(net, "no/folder", OPTIONS(.inputs = &images), CNN_ERROR_NOT_FOUND, "/no/folder: a file beside it cannot be made: No such file");
    refuse(net, ".", OPTIONS(.inputs = &images), CNN_ERROR_IO, "/.: not a regular file");
    ck_assert_int_eq(folder_count(false), 0);
    cnn_module_free(net);
}
END_TEST

/* A parameter "t0" and an output "t_1" are left alone by names that are made. */
static cnn_tensor *named(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_add_scalar(cnn_mul(x, cnn_module_find(self, "t0")), 2);
}

START_TEST(made_names_are_new)
{
    cnn_module *net = cnn_module_new(ctx, named);
    ck_assert_ptr_nonnull(cnn_module_add_parameter(net, "t0", cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3))));
    const cnn_trace_input in = { .shape = (const int64_t[]){ 2, 3 }, .ndim = 2 };
    save(net, "net.onnx", OPTIONS(.inputs = &in, .output_names = (const char *[]){ "t_1" }));
    ck_assert(has("t__0") && has("t0") && has("t_1") && !has("t_0"));
    free(bytes);
    cnn_module_free(net);
}
END_TEST

START_TEST(links_are_followed)
{
    cnn_module *net = make_net();
    char target[300];
    snprintf(target, sizeof target, "%s", in_folder("target.onnx"));
    file_put(target, (const unsigned char *)"old", 3);
    ck_assert_int_eq(chmod(target, 0640), 0);
    ck_assert_int_eq(symlink(target, in_folder("link.onnx")), 0);
    save(net, "link.onnx", OPTIONS(.opset = 17));
    struct stat info;
    ck_assert(lstat(in_folder("link.onnx"), &info) == 0 && S_ISLNK(info.st_mode));
    ck_assert(stat(target, &info) == 0 && (info.st_mode & 0777) == 0640 && (size_t)info.st_size == size);
    ck_assert_int_eq(folder_count(false), 2);
    free(bytes);
    cnn_module_free(net);
}
END_TEST

/* ---- sizes that are symbolic ---- */

static cnn_module *any_size(cnn_module *pool)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3, .stride = 2, .padding = 1), cnn_relu_new(ctx),
                                         cnn_maxpool2d_new(ctx, 2), pool, cnn_flatten_new(ctx));
    ck_assert_msg(net != NULL, "%s", cnn_last_error(ctx));
    return net;
}

/* What both make of the same drawn picture. */
static void compare_at(cnn_module *a, cnn_module *b, int64_t n, int64_t height, int64_t width)
{
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, 4, (int64_t[]){ n, 3, height, width }), *y[2];
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    y[0] = cnn_forward(a, cnn_input(tape, x));
    y[1] = cnn_forward(b, cnn_input(tape, x));
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    ck_assert_int_eq(cnn_tensor_numel(y[0]), cnn_tensor_numel(y[1]));
    const float *p = host_elements(y[0]), *q = host_elements(y[1]);
    for (int64_t i = 0; i < cnn_tensor_numel(y[0]); i++) {
        ck_assert_float_eq_tol(p[i], q[i], 1e-5f);
    }
    cnn_tensor_free(x);
}

START_TEST(pictures_of_any_size)
{
    cnn_module *net = any_size(cnn_adaptive_avg_pool2d_new(ctx, 1, 1));
    const cnn_trace_input in = { .shape = (const int64_t[]){ 1, 3, 12, 12 }, .ndim = 4 };
    save(net, "net.onnx", OPTIONS(.inputs = &in, .symbolic_sizes = true));
    ck_assert(has("batch") && has("height") && has("width"));
    free(bytes);
    cnn_module *loaded = cnn_onnx_load(ctx, in_folder("net.onnx"), NULL);
    ck_assert_msg(loaded != NULL, "%s", cnn_last_error(ctx));
    cnn_onnx_value v = { .struct_size = sizeof v };
    ck_assert_int_eq(cnn_onnx_input(loaded, 0, &v), CNN_OK);
    ck_assert(v.shape[0] == -1 && v.shape[1] == 3 && v.shape[2] == -1 && v.shape[3] == -1);
    ck_assert(strcmp(v.symbols[0], "batch") == 0 && strcmp(v.symbols[2], "height") == 0 && strcmp(v.symbols[3], "width") == 0);
    compare_at(net, loaded, 1, 12, 12);
    compare_at(net, loaded, 3, 20, 31);
    compare_at(net, loaded, 2, 9, 8);
    cnn_module_free(loaded);
    save(net, "fixed.onnx", OPTIONS(.inputs = &in, .symbolic_sizes = true, .fixed_batch = true));
    ck_assert(!has("batch") && has("height") && has("width"));
    free(bytes);
    cnn_module_free(net);
}
END_TEST

/* Results whose sizes follow from the picture's, and a reshape that leaves one of them to the operator. */
START_TEST(sizes_that_follow_from_the_pictures)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3, .padding = 1), cnn_conv2d_new(ctx, 4, 2, 1));
    const cnn_trace_input in = { .shape = (const int64_t[]){ -1, 3, 8, 8 }, .ndim = 4 };
    save(net, "net.onnx", OPTIONS(.inputs = &in, .symbolic_sizes = true));
    free(bytes);
    cnn_module *loaded = cnn_onnx_load(ctx, in_folder("net.onnx"), NULL);
    cnn_onnx_value v = { .struct_size = sizeof v };
    ck_assert_int_eq(cnn_onnx_output(loaded, 0, &v), CNN_OK);
    ck_assert(v.shape[1] == 2 && strcmp(v.symbols[2], "height") == 0 && strcmp(v.symbols[3], "width") == 0);
    compare_at(net, loaded, 2, 5, 14);
    cnn_module_free(loaded);
    cnn_module_free(net);
    net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3), cnn_flatten_new(ctx));
    save(net, "flat.onnx", OPTIONS(.inputs = &in, .symbolic_sizes = true));
    free(bytes);
    loaded = cnn_onnx_load(ctx, in_folder("flat.onnx"), NULL);
    compare_at(net, loaded, 3, 6, 11);
    cnn_module_free(loaded);
    cnn_module_free(net);
}
END_TEST

START_TEST(sizes_that_cannot_be_symbolic)
{
    const cnn_trace_input in = { .shape = (const int64_t[]){ -1, 3, 16, 16 }, .ndim = 4 };
    cnn_module *net = any_size(cnn_adaptive_avg_pool2d_new(ctx, 2, 2));
    ck_assert_int_eq(cnn_onnx_save(net, in_folder("net.onnx"), OPTIONS(.inputs = &in, .symbolic_sizes = true)), CNN_ERROR_UNSUPPORTED);
    failed_with(CNN_ERROR_UNSUPPORTED, "onnx_save: 3: adaptive_avg_pool2d depends on the sizes of pictures, which are to be symbolic");
    cnn_module_free(net);
    net = cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, 3 * 16 * 16, 2));
    ck_assert_int_eq(cnn_onnx_save(net, in_folder("net.onnx"), OPTIONS(.inputs = &in, .symbolic_sizes = true)), CNN_ERROR_SHAPE);
    failed_with(CNN_ERROR_SHAPE, "onnx_save: with pictures of 512 more rows, for symbolic sizes: ");
    cnn_module_free(net);
    ck_assert_int_eq(folder_count(false), 0);
}
END_TEST

static cnn_tensor *numbers_alone(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    return cnn_nan_to_num(x, CNN_OPTIONS(cnn_nan_to_num_options, .nan = -7));
}

/* ONNX has no such operator: what is written instead replaces NaN and infinities by the same numbers. */
START_TEST(nan_to_num_is_written_by_others)
{
    const float odd[] = { 1.5f, NAN, INFINITY, -INFINITY, -0.0f, -NAN };
    const double expected[] = { 1.5, -7, 0x1.fffffep127, -0x1.fffffep127, -0.0, -7 };
    const cnn_trace_input in = { .shape = (const int64_t[]){ 1, 6 }, .ndim = 2 };
    cnn_module *net = cnn_module_new(ctx, numbers_alone);
    save(net, "net.onnx", OPTIONS(.inputs = &in));
    free(bytes);
    cnn_module *loaded = cnn_onnx_load(ctx, in_folder("net.onnx"), NULL);
    ck_assert_msg(loaded != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 6), odd);
    cnn_tape_begin(tape, CNN_EVAL);
    double *values = elements_as_f64(cnn_forward(loaded, cnn_input(tape, x)));
    ck_assert_mem_eq(values, expected, sizeof expected);
    free(values);
    cnn_tensor_free(x);
    cnn_module_free(loaded);
    cnn_module_free(net);
}
END_TEST

/* ---- a model that was loaded ---- */

START_TEST(a_loaded_model_keeps_its_names)
{
    cnn_module *net = make_net();
    const char *in_names[] = { "pixels" }, *out_names[] = { "scores" };
    save(net, "net.onnx", OPTIONS(.input_names = in_names, .output_names = out_names));
    free(bytes);
    cnn_module *loaded = cnn_onnx_load(ctx, in_folder("net.onnx"), NULL);
    ck_assert_msg(loaded != NULL, "%s", cnn_last_error(ctx));
    save(loaded, "again.onnx", OPTIONS(.fixed_batch = false));
    ck_assert(has("pixels") && has("scores") && has("batch") && !has("input"));
    for (int i = 0; i < cnn_module_state_count(loaded); i++) {
        char name[64];
        cnn_module_state_name(loaded, i, name, sizeof name);
        ck_assert_msg(has(name), "%s", name);
    }
    free(bytes);
    cnn_module *again = cnn_onnx_load(ctx, in_folder("again.onnx"), NULL);
    ck_assert_msg(again != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_module_state_count(again), cnn_module_state_count(loaded));
    compare_at(net, again, 2, 6, 6);
    cnn_module_free(again);
    save(loaded, "named.onnx", OPTIONS(.input_names = (const char *[]){ "x" }, .output_names = (const char *[]){ "y" }));
    ck_assert(!has("pixels") && !has("scores"));
    free(bytes);
    ck_assert_int_eq(cnn_onnx_save(loaded, in_folder("taken.onnx"), OPTIONS(.inputs = &images, .input_names = (const char *[]){ "4.bias" })),
                     CNN_ERROR_INVALID_ARGUMENT);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "\"4.bias\" names two tensors of the graph");
    cnn_module_free(loaded);
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_save");
    TCase *tests = suite_case(suite, "save", setup_folder, teardown_folder);
    tcase_add_test(tests, names_are_those_of_the_state_dict);
    tcase_add_test(tests, options_are_heeded);
    tcase_add_test(tests, a_batch_that_cannot_be_symbolic);
    tcase_add_test(tests, operations_that_onnx_lacks);
    tcase_add_loop_test(tests, the_reason_is_said, 0, 6);
    tcase_add_loop_test(tests, recurrent_layers_keep_their_names, 0, 4);
    tcase_add_test(tests, a_picture_without_a_batch);
    tcase_add_test(tests, bad_arguments);
    tcase_add_test(tests, made_names_are_new);
    tcase_add_test(tests, links_are_followed);
    tcase_add_test(tests, pictures_of_any_size);
    tcase_add_test(tests, sizes_that_follow_from_the_pictures);
    tcase_add_test(tests, sizes_that_cannot_be_symbolic);
    tcase_add_test(tests, nan_to_num_is_written_by_others);
    tcase_add_test(tests, a_loaded_model_keeps_its_names);
    return suite_run(suite);
}
