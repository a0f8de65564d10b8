/* Options of convolutions that are made of other operations: what their padding is made of, and the size of a transposed convolution's
 * result. The operations themselves are compared with PyTorch's in tests/fixtures/ops. */
#include "support/elements.h"
#include "support/metered_tape.h"

#define PADDED(mode) CNN_OPTIONS(cnn_pad_options, .mode = (mode))

static const cnn_pad_mode modes[] = { CNN_PAD_REFLECT, CNN_PAD_REPLICATE, CNN_PAD_CIRCULAR };
enum { MODES = 3 };

static cnn_tensor *input_of(int ndim, const int64_t *shape)
{
    cnn_tensor *t = cnn_tensor_randn(ctx, CNN_F32, ndim, shape), *x = cnn_input(tape, t);
    cnn_tensor_free(t);
    return x;
}

static cnn_tensor *part(const cnn_module *layer, const char *name)
{
    return cnn_module_find(layer, name);
}

static void same(const cnn_tensor *a, const cnn_tensor *b)
{
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
    ck_assert_int_eq(cnn_tensor_ndim(a), cnn_tensor_ndim(b));
    ck_assert(same_elements(a, b));
}

/* ---- what the padding is made of ---- */

START_TEST(a_layer_pads_its_input_before_it_convolves)
{
    const cnn_pad_mode mode = modes[_i];
    cnn_module *line = cnn_conv1d_new(ctx, 3, 4, 3, .padding_left = 1, .padding_right = 2, .pad_mode = mode);
    cnn_module *plane = cnn_conv2d_new(ctx, 3, 4, 3, .stride = 2, .padding_top = 1, .padding_left = 2, .padding_right = 3, .pad_mode = mode);
    cnn_module *equal = cnn_conv2d_new(ctx, 3, 4, 4, .kernel_w = 3, .padding_mode = CNN_PADDING_SAME, .pad_mode = mode);
    cnn_module *volume = cnn_conv3d_new(ctx, 3, 4, 2, .padding_d = 2, .padding_h = 1, .padding_w = 3, .no_bias = true, .pad_mode = mode);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *x1 = input_of(CNN_SHAPE(2, 3, 5)), *x2 = input_of(CNN_SHAPE(2, 3, 5, 6)), *x3 = input_of(CNN_SHAPE(3, 4, 5, 6));
    same(cnn_forward(line, x1),
         cnn_conv1d(cnn_pad(x1, CNN_SHAPE(1, 2), PADDED(mode)), part(line, "weight"), part(line, "bias"), NULL));
    same(cnn_forward(plane, x2), cnn_conv2d(cnn_pad(x2, CNN_SHAPE(2, 3, 1, 0), PADDED(mode)), part(plane, "weight"), part(plane, "bias"),
                                            CNN_OPTIONS(cnn_conv2d_options, .stride = 2)));
    same(cnn_forward(equal, x2),
         cnn_conv2d(cnn_pad(x2, CNN_SHAPE(1, 1, 1, 2), PADDED(mode)), part(equal, "weight"), part(equal, "bias"), NULL));
    same(cnn_forward(volume, x3), cnn_conv3d(cnn_pad(x3, CNN_SHAPE(3, 3, 1, 1, 2, 2), PADDED(mode)), part(volume, "weight"), NULL, NULL));
    cnn_module_free(line);
    cnn_module_free(plane);
    cnn_module_free(equal);
    cnn_module_free(volume);
}
END_TEST

/* Behind the convolution stand layers that a Sequential joins with it where its padding is of zeros. */
START_TEST(layers_that_join_others_pad_too)
{
    for (int kind = 0; kind < 4; kind++) {
        cnn_module *all = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3, .padding = 1, .pad_mode = modes[_i]),
                                             kind & 1 ? cnn_batch_norm2d_new(ctx, 4) : cnn_relu_new(ctx), cnn_relu_new(ctx),
                                             cnn_maxpool2d_new(ctx, 2));
        cnn_module *clone = cnn_module_clone(all);
        ck_assert_ptr_nonnull(clone);
        cnn_tape_begin(tape, kind & 2 ? CNN_TRAIN : CNN_EVAL);
        cnn_tensor *x = input_of(CNN_SHAPE(2, 3, 8, 6)), *y = x;
        for (int i = 0; i < 4; i++) {
            y = cnn_forward(cnn_module_child(all, i, NULL), y);
        }
        same(cnn_forward(clone, x), y);
        cnn_module_free(all);
        cnn_module_free(clone);
    }
}
END_TEST

START_TEST(gradients_go_through_the_padding)
{
    cnn_module *layer = cnn_conv2d_new(ctx, 1, 1, 3, .padding = 1, .pad_mode = CNN_PAD_CIRCULAR, .no_bias = true);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(1, 1, 4, 4));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(layer, cnn_input(tape, x)), CNN_ALL_DIMS, false)), CNN_OK);
    double total = 0;
    for (int i = 0; i < 9; i++) {
        total += (double)((const float *)host_elements(part(layer, "weight")))[i];
    }
    for (int i = 0; i < 16; i++) { /* each element is seen once by each weight */
        ck_assert_double_eq_tol((double)((const float *)host_elements(cnn_tensor_grad(x)))[i], total, 1e-5);
    }
    cnn_tensor_free(x);
    cnn_module_free(layer);
}
END_TEST

START_TEST(too_much_padding_is_named)
{
    cnn_module *layer = cnn_conv1d_new(ctx, 1, 1, 3, .padding = 4, .pad_mode = CNN_PAD_REFLECT);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_forward(layer, input_of(CNN_SHAPE(1, 1, 4)));
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_SHAPE);
    ck_assert_ptr_nonnull(strstr(cnn_tape_error(tape), "pad: "));
    ck_assert_ptr_null(cnn_conv1d_new(ctx, 1, 1, 3, .pad_mode = (cnn_pad_mode)4));
    ck_assert_str_eq(cnn_last_error(ctx), "conv1d_create: pad_mode is 4, expected 0 to 3");
    ck_assert_ptr_null(cnn_conv2d_new(ctx, 1, 1, 3, .pad_mode = (cnn_pad_mode)-1));
    ck_assert_str_eq(cnn_last_error(ctx), "conv2d_create: pad_mode is -1, expected 0 to 3");
    cnn_module_free(layer);
}
END_TEST

/* ---- the size of a result ---- */

START_TEST(a_layer_makes_results_of_the_size_asked_for)
{
    for (int64_t size = 9; size <= 11; size++) {
        cnn_module *layer = cnn_conv_transpose2d_new(ctx, 2, 3, 3, .stride = 3, .output_size = size, .output_size_w = 14);
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_tensor *x = input_of(CNN_SHAPE(1, 2, 3, 4)), *y = cnn_forward(layer, x);
        ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s", cnn_tape_error(tape));
        ck_assert_int_eq(cnn_tensor_size(y, 2), size);
        ck_assert_int_eq(cnn_tensor_size(y, 3), 14);
        same(y, cnn_conv_transpose2d(x, part(layer, "weight"), part(layer, "bias"),
                                     CNN_OPTIONS(cnn_conv_transpose2d_options, .stride = 3, .output_padding_h = size - 9,
                                                 .output_padding_w = 2)));
        cnn_module_free(layer);
    }
}
END_TEST

START_TEST(sizes_that_no_padding_makes_are_refused)
{
    for (int64_t size = 8; size <= 12; size += 4) {
        cnn_tape_begin(tape, CNN_EVAL);
        cnn_conv_transpose1d(input_of(CNN_SHAPE(1, 2, 3)), input_of(CNN_SHAPE(2, 2, 3)), NULL,
                             CNN_OPTIONS(cnn_conv_transpose1d_options, .stride = 3, .output_size = size));
        ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_INVALID_ARGUMENT);
        ck_assert_str_eq(cnn_tape_error(tape), size == 8
                                                   ? "conv_transpose1d: output_size is 8, expected 9 or more by less than stride 3"
                                                   : "conv_transpose1d: output_size is 12, expected 9 or more by less than stride 3");
    }
    ck_assert_ptr_null(cnn_conv_transpose3d_new(ctx, 1, 1, 3, .output_size_h = -1));
    ck_assert_str_eq(cnn_last_error(ctx), "conv_transpose3d_create: output_size_h is -1, expected at least 0");
}
END_TEST

/* ---- attention whose heads share keys ---- */

START_TEST(heads_that_share_keys_are_counted)
{
    cnn_tensor *weights;
    const cnn_scaled_dot_product_attention_options o = { .struct_size = sizeof o, .enable_gqa = true };
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *q = input_of(CNN_SHAPE(2, 6, 3, 4)), *k = input_of(CNN_SHAPE(2, 2, 5, 4));
    cnn_tensor *y = cnn_scaled_dot_product_attention(q, k, k, NULL, &o, &weights);
    cnn_tensor *third = cnn_slice(k, 1, 1, 2, 1); /* heads 3, 4 and 5 share it */
    same(cnn_contiguous(cnn_slice(y, 1, 4, 5, 1)), cnn_scaled_dot_product_attention(cnn_slice(q, 1, 4, 5, 1), third, third, NULL, NULL, NULL));
    ck_assert_int_eq(cnn_tensor_ndim(weights), 4);
    ck_assert_int_eq(cnn_tensor_size(weights, 1), 6);
    cnn_scaled_dot_product_attention(input_of(CNN_SHAPE(2, 5, 3, 4)), k, k, NULL, &o, &weights);
    ck_assert_str_eq(cnn_tape_error(tape), "scaled_dot_product_attention: query, key and value are [2,5,3,4], [2,2,5,4] and [2,2,5,4], "
                                           "expected [...,H,L,E], [...,G,S,E] and [...,G,S,F], of which G divides H");
    ck_assert_int_ne(cnn_tensor_status(weights), CNN_OK);
    cnn_tape_begin(tape, CNN_EVAL);
    q = input_of(CNN_SHAPE(6, 3, 4));
    k = input_of(CNN_SHAPE(2, 5, 4));
    cnn_scaled_dot_product_attention(q, k, k, input_of(CNN_SHAPE(2, 3, 5)), &o, NULL);
    ck_assert_str_eq(cnn_tape_error(tape), "scaled_dot_product_attention: attn_mask is [2,3,5], expected 1 or 6 heads");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options of convolutions and attention");
    TCase *tests = suite_case(suite, "options", setup, teardown);
    tcase_add_loop_test(tests, a_layer_pads_its_input_before_it_convolves, 0, MODES);
    tcase_add_loop_test(tests, layers_that_join_others_pad_too, 0, MODES);
    tcase_add_test(tests, gradients_go_through_the_padding);
    tcase_add_test(tests, too_much_padding_is_named);
    tcase_add_test(tests, a_layer_makes_results_of_the_size_asked_for);
    tcase_add_test(tests, sizes_that_no_padding_makes_are_refused);
    tcase_add_test(tests, heads_that_share_keys_are_counted);
    return suite_run(suite);
}
