/* Compares every operation with PyTorch: values and gradients from tests/fixtures/ops (tools/make_fixtures.py), in
 * f64 and, within the precision of f32, in f32. A case has the same name here and there. */
#include "support/fixtures.h"

static cnn_context *ctx;
static cnn_tape *tape;

typedef struct op_case {
    const char *name;
    cnn_tensor *(*call)(cnn_tensor **in);
} op_case;

#define CONV(...) CNN_OPTIONS(cnn_conv2d_options, __VA_ARGS__)
#define POOL(...) CNN_OPTIONS(cnn_maxpool2d_options, __VA_ARGS__)
#define EMBEDDING(row) CNN_OPTIONS(cnn_embedding_options, .padding_idx = row, .has_padding_idx = true)
#define LOSS(...) CNN_OPTIONS(cnn_cross_entropy_options, __VA_ARGS__)

/* Where the extrema along dimension 1 are. */
static cnn_tensor *indices_of(cnn_tensor *(*extremum)(cnn_tensor *, int, bool, cnn_tensor **), cnn_tensor *x)
{
    cnn_tensor *indices;
    extremum(x, 1, false, &indices);
    return indices;
}

/* Where the maxima of windows are. */
static cnn_tensor *indices_of_maxpool(cnn_tensor *x, const cnn_maxpool2d_options *options)
{
    cnn_tensor *indices;
    cnn_maxpool2d_with_indices(x, options, &indices);
    return indices;
}

static cnn_tensor *indices_of_adaptive(cnn_tensor *x, int64_t h, int64_t w)
{
    cnn_tensor *indices;
    cnn_adaptive_maxpool2d(x, h, w, &indices);
    return indices;
}

/* Where the first five in order along dimension 1 are. */
static cnn_tensor *topk_indices(cnn_tensor *x, bool largest)
{
    cnn_tensor *indices;
    cnn_topk(x, 5, 1, largest, &indices);
    return indices;
}

/* One of the parts, of which there are no more than eight. */
static cnn_tensor *split_part(cnn_tensor *x, int64_t size, int dim, int i)
{
    cnn_tensor *parts[8];
    cnn_split(x, size, dim, parts, 8);
    return parts[i];
}

static cnn_tensor *chunk_part(cnn_tensor *x, int chunks, int dim, int i)
{
    cnn_tensor *parts[8];
    cnn_chunk(x, chunks, dim, parts);
    return parts[i];
}

static cnn_tensor *unbind_part(cnn_tensor *x, int dim, int i)
{
    cnn_tensor *parts[8];
    cnn_unbind(x, dim, parts, 8);
    return parts[i];
}

/* A zero of the dtype of in[0]. */
#define ZERO cnn_mul_scalar(cnn_sum(cnn_slice(in[0], 0, 0, 0, 1), CNN_ALL_DIMS, false), 1)

#define CASES(X)                                                                                                      \
    X(neg, cnn_neg(in[0]))                                                                                            \
    X(exp, cnn_exp(in[0]))                                                                                            \
    X(abs, cnn_abs(in[0]))                                                                                            \
    X(tanh, cnn_tanh(in[0]))                                                                                          \
    X(sigmoid, cnn_sigmoid(in[0]))                                                                                    \
    X(relu, cnn_relu(in[0]))                                                                                          \
    X(log, cnn_log(in[0]))                                                                                            \
    X(sqrt, cnn_sqrt(in[0]))                                                                                          \
    X(clamp, cnn_clamp(in[0], -0.5, 0.7))                                                                             \
    X(clamp_low, cnn_clamp(in[0], -0.2, INFINITY))                                                                    \
    X(pow_scalar, cnn_pow_scalar(in[0], 2.5))                                                                         \
    X(pow_scalar_negative_base, cnn_pow_scalar(in[0], 3))                                                             \
    X(pow_scalar_zero_exponent, cnn_pow_scalar(in[0], 0))                                                             \
    X(add_scalar, cnn_add_scalar(in[0], 3.25))                                                                        \
    X(mul_scalar, cnn_mul_scalar(in[0], -1.75))                                                                       \
    X(add, cnn_add(in[0], in[1]))                                                                                     \
    X(sub, cnn_sub(in[0], in[1]))                                                                                     \
    X(mul, cnn_mul(in[0], in[1]))                                                                                     \
    X(div, cnn_div(in[0], in[1]))                                                                                     \
    X(pow, cnn_pow(in[0], in[1]))                                                                                     \
    X(add_scalar_tensor, cnn_add(in[0], in[1]))                                                                       \
    X(mul_outer, cnn_mul(in[0], in[1]))                                                                               \
    X(mul_eight_dimensions, cnn_mul(in[0], in[1]))                                                                    \
    X(eq, cnn_eq(in[0], in[1]))                                                                                       \
    X(ne, cnn_ne(in[0], in[1]))                                                                                       \
    X(lt, cnn_lt(in[0], in[1]))                                                                                       \
    X(le, cnn_le(in[0], in[1]))                                                                                       \
    X(gt, cnn_gt(in[0], in[1]))                                                                                       \
    X(ge, cnn_ge(in[0], in[1]))                                                                                       \
    X(where, cnn_where(in[0], in[1], in[2]))                                                                          \
    X(sum_all, cnn_sum(in[0], CNN_ALL_DIMS, false))                                                                   \
    X(sum_dims, cnn_sum(in[0], CNN_DIMS(0, 2), false))                                                                \
    X(sum_keepdim, cnn_sum(in[0], CNN_DIMS(1), true))                                                                 \
    X(mean_all, cnn_mean(in[0], CNN_ALL_DIMS, false))                                                                 \
    X(mean_dims, cnn_mean(in[0], CNN_DIMS(1, 2), true))                                                               \
    X(max_all, cnn_max(in[0], CNN_ALL_DIMS, false))                                                                   \
    X(max_dim, cnn_max(in[0], CNN_DIMS(1), false))                                                                    \
    X(min_dims, cnn_min(in[0], CNN_DIMS(0, 2), true))                                                                 \
    X(max_ties, cnn_max(in[0], CNN_DIMS(1), false))                                                                   \
    X(argmax_dim, cnn_argmax(in[0], CNN_DIMS(1), false))                                                              \
    X(argmax_all, cnn_argmax(in[0], CNN_ALL_DIMS, false))                                                             \
    X(argmax_keepdim, cnn_argmax(in[0], CNN_DIMS(2), true))                                                           \
    X(matmul, cnn_matmul(in[0], in[1]))                                                                               \
    X(matmul_batched, cnn_matmul(in[0], in[1]))                                                                       \
    X(matmul_broadcast, cnn_matmul(in[0], in[1]))                                                                     \
    X(matmul_shared_right, cnn_matmul(in[0], in[1]))                                                                  \
    X(matmul_row, cnn_matmul(in[0], in[1]))                                                                           \
    X(matmul_column, cnn_matmul(in[0], in[1]))                                                                        \
    X(matmul_dot, cnn_matmul(in[0], in[1]))                                                                           \
    X(matmul_empty_sum, cnn_matmul(in[0], in[1]))                                                                     \
    X(linear, cnn_linear(in[0], in[1], in[2]))                                                                        \
    X(linear_no_bias, cnn_linear(in[0], in[1], NULL))                                                                 \
    X(linear_leading, cnn_linear(in[0], in[1], in[2]))                                                                \
    X(linear_vector, cnn_linear(in[0], in[1], in[2]))                                                                 \
    X(reshape, cnn_reshape(in[0], CNN_SHAPE(4, -1)))                                                                  \
    X(reshape_of_transposed, cnn_reshape(cnn_transpose(in[0], 0, 2), CNN_SHAPE(6, 4)))                                \
    X(view, cnn_view(in[0], CNN_SHAPE(2, 1, -1, 4)))                                                                  \
    X(flatten, cnn_flatten(in[0], 1, -1))                                                                             \
    X(transpose, cnn_transpose(in[0], 0, -1))                                                                         \
    X(permute, cnn_permute(in[0], CNN_DIMS(2, 0, 1)))                                                                 \
    X(slice, cnn_slice(in[0], 2, 1, INT64_MAX, 2))                                                                    \
    X(slice_negative, cnn_slice(in[0], 1, -2, -1, 1))                                                                 \
    X(slice_past_the_end, cnn_slice(in[0], 0, 0, 99, 1))                                                              \
    X(expand, cnn_expand(in[0], CNN_SHAPE(2, -1, 3, 4)))                                                              \
    X(squeeze, cnn_squeeze(in[0], 1))                                                                                 \
    X(unsqueeze, cnn_unsqueeze(in[0], -1))                                                                            \
    X(contiguous, cnn_contiguous(cnn_transpose(in[0], 0, 1)))                                                         \
    X(clone, cnn_clone(in[0]))                                                                                        \
    X(cast, cnn_cast(in[0], CNN_F64))                                                                                 \
    X(cast_to_integer, cnn_cast(cnn_mul_scalar(in[0], 3), CNN_I64))                                                   \
    X(concat, cnn_concat((cnn_tensor *const[]){ in[0], in[1] }, 2, 1))                                                \
    X(stack, cnn_stack((cnn_tensor *const[]){ in[0], in[1] }, 2, 1))                                                  \
    X(detach, cnn_detach(in[0]))                                                                                      \
    X(conv2d, cnn_conv2d(in[0], in[1], in[2], NULL))                                                                  \
    X(conv2d_no_bias, cnn_conv2d(in[0], in[1], NULL, NULL))                                                           \
    X(conv2d_stride, cnn_conv2d(in[0], in[1], in[2], CONV(.stride = 2, .padding = 1)))                                \
    X(conv2d_stride_per_side, cnn_conv2d(in[0], in[1], in[2], CONV(.stride_h = 3, .stride_w = 2)))                    \
    X(conv2d_padding_per_side,                                                                                        \
      cnn_conv2d(in[0], in[1], in[2], CONV(.padding_left = 1, .padding_right = 2, .padding_top = 3)))                 \
    X(conv2d_same, cnn_conv2d(in[0], in[1], in[2], CONV(.padding_mode = CNN_PADDING_SAME)))                           \
    X(conv2d_same_dilated,                                                                                            \
      cnn_conv2d(in[0], in[1], in[2], CONV(.padding_mode = CNN_PADDING_SAME, .dilation_h = 2, .dilation_w = 3)))      \
    X(conv2d_dilation, cnn_conv2d(in[0], in[1], in[2], CONV(.dilation = 2, .padding = 2)))                            \
    X(conv2d_groups, cnn_conv2d(in[0], in[1], in[2], CONV(.groups = 2, .padding = 1)))                                \
    X(conv2d_depthwise, cnn_conv2d(in[0], in[1], in[2], CONV(.groups = 4, .padding = 1, .stride = 2)))                \
    X(conv2d_one_image, cnn_conv2d(in[0], in[1], in[2], NULL))                                                        \
    X(conv2d_stride_and_dilation, cnn_conv2d(in[0], in[1], NULL, CONV(.stride = 2, .dilation = 2, .padding = 3)))     \
    X(maxpool2d, cnn_maxpool2d(in[0], POOL(.kernel = 2)))                                                             \
    X(maxpool2d_stride_padding, cnn_maxpool2d(in[0], POOL(.kernel = 3, .stride = 2, .padding = 1)))                   \
    X(maxpool2d_ceil, cnn_maxpool2d(in[0], POOL(.kernel = 2, .ceil_mode = true)))                                     \
    X(maxpool2d_dilation,                                                                                             \
      cnn_maxpool2d(in[0], POOL(.kernel_h = 3, .kernel_w = 2, .stride_h = 1, .stride_w = 2, .padding_h = 1,           \
                                .padding_w = 0, .dilation_h = 2, .dilation_w = 1)))                                   \
    X(maxpool2d_ties, cnn_maxpool2d(in[0], POOL(.kernel = 2)))                                                        \
    X(conv2d_relu_maxpool2d, cnn_conv2d_relu_maxpool2d(in[0], in[1], in[2], CONV(.padding = 1), POOL(.kernel = 2)))   \
    X(conv2d_relu_maxpool2d_as_chain,                                                                                 \
      cnn_conv2d_relu_maxpool2d(in[0], in[1], in[2], CONV(.stride = 2), POOL(.kernel = 3, .stride = 1)))              \
    X(dropout_of_nothing, cnn_dropout(in[0], 0))                                                                      \
    X(dropout_of_all, cnn_dropout(in[0], 1))                                                                          \
    X(softmax, cnn_softmax(in[0], 1))                                                                                 \
    X(softmax_large, cnn_softmax(in[0], -1))                                                                          \
    X(log_softmax, cnn_log_softmax(in[0], -1))                                                                        \
    X(cross_entropy, cnn_cross_entropy(in[0], in[1]))                                                                 \
    X(cross_entropy_sum, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_SUM)))                     \
    X(cross_entropy_none, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE)))                   \
    X(cross_entropy_weight_mean, cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1))) \
    X(cross_entropy_weight_sum,                                                                                       \
      cnn_cross_entropy_with(in[0], in[1],                                                                            \
                             LOSS(.weight = in[2], .label_smoothing = 0.1, .reduction = CNN_REDUCE_SUM)))             \
    X(cross_entropy_weight_none,                                                                                      \
      cnn_cross_entropy_with(in[0], in[1],                                                                            \
                             LOSS(.weight = in[2], .label_smoothing = 0.1, .reduction = CNN_REDUCE_NONE)))            \
    X(cross_entropy_ignored_mean, cnn_cross_entropy(in[0], in[1]))                                                    \
    X(cross_entropy_ignored_sum, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_SUM)))             \
    X(cross_entropy_ignored_none, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE)))           \
    X(cross_entropy_ignore_index, cnn_cross_entropy_with(in[0], in[1], LOSS(.has_ignore_index = true,                 \
                                                                            .ignore_index = 2)))                      \
    X(cross_entropy_smoothing, cnn_cross_entropy_with(in[0], in[1], LOSS(.label_smoothing = 0.3)))                    \
    X(cross_entropy_images, cnn_cross_entropy(in[0], in[1]))                                                          \
    X(cross_entropy_images_none,                                                                                      \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE, .label_smoothing = 0.2)))               \
    X(cross_entropy_probabilities, cnn_cross_entropy(in[0], in[1]))                                                   \
    X(cross_entropy_probabilities_weight,                                                                             \
      cnn_cross_entropy_with(in[0], in[1],                                                                            \
                             LOSS(.weight = in[2], .label_smoothing = 0.1, .reduction = CNN_REDUCE_SUM)))             \
    X(cross_entropy_one, cnn_cross_entropy(in[0], in[1]))                                                             \
    X(cross_entropy_large, cnn_cross_entropy(in[0], in[1]))

/* Borders, integers, and the options that the cases above leave out. */
#define MORE_CASES(X)                                                                                                 \
    X(neg_odd, cnn_neg(in[0]))                                                                                        \
    X(exp_odd, cnn_exp(in[0]))                                                                                        \
    X(log_odd, cnn_log(in[0]))                                                                                        \
    X(sqrt_odd, cnn_sqrt(in[0]))                                                                                      \
    X(abs_odd, cnn_abs(in[0]))                                                                                        \
    X(tanh_odd, cnn_tanh(in[0]))                                                                                      \
    X(sigmoid_odd, cnn_sigmoid(in[0]))                                                                                \
    X(relu_odd, cnn_relu(in[0]))                                                                                      \
    X(clamp_odd, cnn_clamp(in[0], -0.5, 0.7))                                                                         \
    X(pow_scalar_odd, cnn_pow_scalar(in[0], 0.5))                                                                     \
    X(pow_scalar_odd_two, cnn_pow_scalar(in[0], 2))                                                                   \
    X(pow_scalar_odd_inverse, cnn_pow_scalar(in[0], -1))                                                              \
    X(add_odd, cnn_add(in[0], in[1]))                                                                                 \
    X(sub_odd, cnn_sub(in[0], in[1]))                                                                                 \
    X(mul_odd, cnn_mul(in[0], in[1]))                                                                                 \
    X(div_odd, cnn_div(in[0], in[1]))                                                                                 \
    X(pow_odd, cnn_pow(in[0], in[1]))                                                                                 \
    X(eq_odd, cnn_eq(in[0], in[1]))                                                                                   \
    X(ne_odd, cnn_ne(in[0], in[1]))                                                                                   \
    X(lt_odd, cnn_lt(in[0], in[1]))                                                                                   \
    X(le_odd, cnn_le(in[0], in[1]))                                                                                   \
    X(gt_odd, cnn_gt(in[0], in[1]))                                                                                   \
    X(ge_odd, cnn_ge(in[0], in[1]))                                                                                   \
    X(where_odd, cnn_where(cnn_gt(in[0], ZERO), in[0], ZERO))                                                         \
    X(max_odd, cnn_max(in[0], CNN_DIMS(1), false))                                                                    \
    X(min_odd, cnn_min(in[0], CNN_DIMS(1), false))                                                                    \
    X(argmax_odd, cnn_argmax(in[0], CNN_DIMS(1), false))                                                              \
    X(sum_odd, cnn_sum(in[0], CNN_DIMS(1), false))                                                                    \
    X(softmax_odd, cnn_softmax(in[0], 1))                                                                             \
    X(maxpool2d_odd, cnn_maxpool2d(in[0], POOL(.kernel = 2, .stride = 1)))                                            \
    X(abs_edges, cnn_abs(in[0]))                                                                                      \
    X(relu_edges, cnn_relu(in[0]))                                                                                    \
    X(clamp_edges, cnn_clamp(in[0], -0.5, 0.7))                                                                       \
    X(sqrt_edges, cnn_sqrt(in[0]))                                                                                    \
    X(pow_edges, cnn_pow(in[0], in[1]))                                                                               \
    X(min_ties, cnn_min(in[0], CNN_DIMS(0, 1), false))                                                                \
    X(argmax_ties, cnn_argmax(in[0], CNN_DIMS(1), false))                                                             \
    X(add_i64, cnn_add(in[0], in[1]))                                                                                 \
    X(sub_i64, cnn_sub(in[0], in[1]))                                                                                 \
    X(mul_i64, cnn_mul(in[0], in[1]))                                                                                 \
    X(div_i64, cnn_div(in[0], in[1]))                                                                                 \
    X(lt_i64, cnn_lt(in[0], in[1]))                                                                                   \
    X(eq_i64, cnn_eq(in[0], in[1]))                                                                                   \
    X(neg_i64, cnn_neg(in[0]))                                                                                        \
    X(abs_i64, cnn_abs(in[0]))                                                                                        \
    X(clamp_i64, cnn_clamp(in[0], 1, 100))                                                                            \
    X(sum_i64, cnn_sum(in[0], CNN_DIMS(0), false))                                                                    \
    X(max_i64, cnn_max(in[0], CNN_DIMS(1), false))                                                                    \
    X(min_i64, cnn_min(in[0], CNN_DIMS(0, 1), false))                                                                 \
    X(argmax_i64, cnn_argmax(in[0], CNN_DIMS(1), false))                                                              \
    X(concat_i64, cnn_concat((cnn_tensor *const[]){ in[0], in[0] }, 2, 1))                                            \
    X(where_i64, cnn_where(cnn_gt(in[0], in[1]), in[0], in[1]))                                                       \
    X(add_i32, cnn_add(in[0], in[1]))                                                                                 \
    X(sub_i32, cnn_sub(in[0], in[1]))                                                                                 \
    X(mul_i32, cnn_mul(in[0], in[1]))                                                                                 \
    X(div_i32, cnn_div(in[0], in[1]))                                                                                 \
    X(lt_i32, cnn_lt(in[0], in[1]))                                                                                   \
    X(eq_i32, cnn_eq(in[0], in[1]))                                                                                   \
    X(neg_i32, cnn_neg(in[0]))                                                                                        \
    X(abs_i32, cnn_abs(in[0]))                                                                                        \
    X(clamp_i32, cnn_clamp(in[0], 1, 100))                                                                            \
    X(sum_i32, cnn_sum(in[0], CNN_DIMS(0), false))                                                                    \
    X(max_i32, cnn_max(in[0], CNN_DIMS(1), false))                                                                    \
    X(min_i32, cnn_min(in[0], CNN_DIMS(0, 1), false))                                                                 \
    X(argmax_i32, cnn_argmax(in[0], CNN_DIMS(1), false))                                                              \
    X(concat_i32, cnn_concat((cnn_tensor *const[]){ in[0], in[0] }, 2, 1))                                            \
    X(where_i32, cnn_where(cnn_gt(in[0], in[1]), in[0], in[1]))                                                       \
    X(add_u8, cnn_add(in[0], in[1]))                                                                                  \
    X(sub_u8, cnn_sub(in[0], in[1]))                                                                                  \
    X(mul_u8, cnn_mul(in[0], in[1]))                                                                                  \
    X(div_u8, cnn_div(in[0], in[1]))                                                                                  \
    X(lt_u8, cnn_lt(in[0], in[1]))                                                                                    \
    X(eq_u8, cnn_eq(in[0], in[1]))                                                                                    \
    X(neg_u8, cnn_neg(in[0]))                                                                                         \
    X(abs_u8, cnn_abs(in[0]))                                                                                         \
    X(clamp_u8, cnn_clamp(in[0], 1, 100))                                                                             \
    X(sum_u8, cnn_sum(in[0], CNN_DIMS(0), false))                                                                     \
    X(max_u8, cnn_max(in[0], CNN_DIMS(1), false))                                                                     \
    X(min_u8, cnn_min(in[0], CNN_DIMS(0, 1), false))                                                                  \
    X(argmax_u8, cnn_argmax(in[0], CNN_DIMS(1), false))                                                               \
    X(concat_u8, cnn_concat((cnn_tensor *const[]){ in[0], in[0] }, 2, 1))                                             \
    X(where_u8, cnn_where(cnn_gt(in[0], in[1]), in[0], in[1]))                                                        \
    X(sum_bool, cnn_sum(in[0], CNN_DIMS(1), false))                                                                   \
    X(eq_bool, cnn_eq(in[0], cnn_slice(in[0], 0, 0, 1, 1)))                                                           \
    X(stack_bool, cnn_stack((cnn_tensor *const[]){ in[0], cnn_eq(in[0], cnn_slice(in[0], 0, 0, 1, 1)) }, 2, 0))       \
    X(add_both_ways, cnn_add(in[0], in[1]))                                                                           \
    X(div_both_ways, cnn_div(in[0], in[1]))                                                                           \
    X(pow_both_ways, cnn_pow(in[0], in[1]))                                                                           \
    X(where_all_ways, cnn_where(in[0], in[1], in[2]))                                                                 \
    X(add_empty, cnn_add(in[0], in[1]))                                                                               \
    X(sum_negative_dims, cnn_sum(in[0], CNN_DIMS(-1, -3), true))                                                      \
    X(sum_empty, cnn_sum(in[0], CNN_DIMS(1), false))                                                                  \
    X(mean_keepdim_all, cnn_mean(in[0], CNN_ALL_DIMS, true))                                                          \
    X(mean_empty, cnn_mean(in[0], CNN_DIMS(1), false))                                                                \
    X(sum_of_scalar, cnn_sum(in[0], CNN_ALL_DIMS, false))                                                             \
    X(sum_of_transposed, cnn_sum(cnn_transpose(in[0], 0, 2), CNN_DIMS(1), false))                                     \
    X(max_of_transposed, cnn_max(cnn_transpose(in[0], 0, 2), CNN_DIMS(0, 2), false))                                  \
    X(argmax_of_transposed, cnn_argmax(cnn_transpose(in[0], 0, 1), CNN_DIMS(0), false))                               \
    X(matmul_vector_of_batches, cnn_matmul(in[0], in[1]))                                                             \
    X(matmul_shared_left, cnn_matmul(in[0], in[1]))                                                                   \
    X(matmul_both_broadcast, cnn_matmul(in[0], in[1]))                                                                \
    X(matmul_no_batches, cnn_matmul(in[0], in[1]))                                                                    \
    X(matmul_transposed, cnn_matmul(cnn_transpose(in[0], 0, 1), cnn_transpose(in[1], 1, 2)))                          \
    X(linear_no_rows, cnn_linear(in[0], in[1], in[2]))                                                                \
    X(linear_transposed, cnn_linear(cnn_transpose(in[0], 0, 1), cnn_transpose(in[1], 0, 1), in[2]))                   \
    X(permute_negative, cnn_permute(in[0], CNN_DIMS(-1, 0, 1)))                                                       \
    X(squeeze_of_another_size, cnn_squeeze(in[0], 1))                                                                 \
    X(slice_step_past_the_end, cnn_slice(in[0], 1, 0, INT64_MAX, 9))                                                  \
    X(slice_of_nothing, cnn_slice(in[0], 1, 2, 1, 1))                                                                 \
    X(slice_of_slice, cnn_slice(cnn_slice(in[0], 1, 1, INT64_MAX, 1), 2, 0, INT64_MAX, 3))                            \
    X(expand_scalar, cnn_expand(in[0], CNN_SHAPE(2, 3)))                                                              \
    X(flatten_middle, cnn_flatten(in[0], 0, 1))                                                                       \
    X(stack_last, cnn_stack((cnn_tensor *const[]){ in[0], in[1] }, 2, -1))                                            \
    X(concat_with_nothing, cnn_concat((cnn_tensor *const[]){ in[0], in[1] }, 2, 1))                                   \
    X(softmax_first, cnn_softmax(in[0], 0))                                                                           \
    X(log_softmax_large, cnn_log_softmax(in[0], 0))                                                                   \
    X(conv2d_padding_directions, cnn_conv2d(in[0], in[1], in[2], CONV(.padding_h = 2, .padding_w = 1)))               \
    X(conv2d_everything,                                                                                              \
      cnn_conv2d(in[0], in[1], NULL, CONV(.stride_h = 2, .padding_h = 1, .padding_w = 3, .dilation_h = 2,             \
        .groups = 2)))                                                                                                \
    X(conv2d_sides_stride_dilation,                                                                                   \
      cnn_conv2d(in[0], in[1], in[2], CONV(.padding_right = 3, .padding_top = 2, .padding_bottom = 1,                 \
        .stride_w = 2, .dilation_h = 2)))                                                                             \
    X(conv2d_same_groups,                                                                                             \
      cnn_conv2d(in[0], in[1], in[2], CONV(.padding_mode = CNN_PADDING_SAME, .dilation = 2, .groups = 2)))            \
    X(conv2d_pointwise, cnn_conv2d(in[0], in[1], in[2], NULL))                                                        \
    X(conv2d_pointwise_stride, cnn_conv2d(in[0], in[1], in[2], CONV(.stride = 2, .padding = 1)))                      \
    X(conv2d_whole_image, cnn_conv2d(in[0], in[1], in[2], NULL))                                                      \
    X(conv2d_row, cnn_conv2d(in[0], in[1], in[2], CONV(.padding_w = 2)))                                              \
    X(conv2d_depthwise_double, cnn_conv2d(in[0], in[1], NULL, CONV(.padding = 1, .groups = 4)))                       \
    X(conv2d_one_image_groups, cnn_conv2d(in[0], in[1], in[2], CONV(.groups = 2)))                                    \
    X(conv2d_no_images, cnn_conv2d(in[0], in[1], in[2], NULL))                                                        \
    X(conv2d_of_transposed, cnn_conv2d(cnn_transpose(in[0], 2, 3), in[1], in[2], NULL))                               \
    X(maxpool2d_ceil_padding, cnn_maxpool2d(in[0], POOL(.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true)))  \
    X(maxpool2d_ceil_in_padding,                                                                                      \
      cnn_maxpool2d(in[0], POOL(.kernel = 2, .stride = 3, .padding = 1, .ceil_mode = true)))                          \
    X(maxpool2d_ceil_dilation,                                                                                        \
      cnn_maxpool2d(in[0], POOL(.kernel = 2, .stride = 3, .padding = 1, .dilation = 2, .ceil_mode = true)))           \
    X(maxpool2d_overlap, cnn_maxpool2d(in[0], POOL(.kernel = 3, .stride = 1)))                                        \
    X(maxpool2d_gaps, cnn_maxpool2d(in[0], POOL(.kernel = 2, .stride = 3)))                                           \
    X(maxpool2d_directions,                                                                                           \
      cnn_maxpool2d(in[0], POOL(.kernel_h = 1, .kernel_w = 3, .stride_h = 2, .stride_w = 1, .padding_w = 1)))         \
    X(maxpool2d_one_image, cnn_maxpool2d(in[0], POOL(.kernel = 2)))                                                   \
    X(maxpool2d_no_images, cnn_maxpool2d(in[0], POOL(.kernel = 2)))                                                   \
    X(conv2d_relu_maxpool2d_no_bias, cnn_conv2d_relu_maxpool2d(in[0], in[1], NULL, NULL, POOL(.kernel = 2)))          \
    X(conv2d_relu_maxpool2d_sides,                                                                                    \
      cnn_conv2d_relu_maxpool2d(in[0], in[1], in[2], CONV(.padding_left = 2, .padding_top = 1,                        \
        .padding_bottom = 3), POOL(.kernel = 2)))                                                                     \
    X(conv2d_relu_maxpool2d_one_image, cnn_conv2d_relu_maxpool2d(in[0], in[1], in[2], NULL, POOL(.kernel = 2)))       \
    X(conv2d_relu_maxpool2d_groups,                                                                                   \
      cnn_conv2d_relu_maxpool2d(in[0], in[1], in[2], CONV(.groups = 2, .dilation = 2), POOL(.kernel = 2)))            \
    X(cross_entropy_all_options_mean,                                                                                 \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1)))                            \
    X(cross_entropy_images_all_options_mean,                                                                          \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1)))                            \
    X(cross_entropy_images_probabilities_mean,                                                                        \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1)))                            \
    X(cross_entropy_weight_only_mean, cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2])))                    \
    X(cross_entropy_all_ignored_mean, cnn_cross_entropy_with(in[0], in[1], NULL))                                     \
    X(cross_entropy_all_options_sum,                                                                                  \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1,                              \
        .reduction = CNN_REDUCE_SUM)))                                                                                \
    X(cross_entropy_images_all_options_sum,                                                                           \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1,                              \
        .reduction = CNN_REDUCE_SUM)))                                                                                \
    X(cross_entropy_images_probabilities_sum,                                                                         \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1,                              \
        .reduction = CNN_REDUCE_SUM)))                                                                                \
    X(cross_entropy_weight_only_sum,                                                                                  \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .reduction = CNN_REDUCE_SUM)))                       \
    X(cross_entropy_all_ignored_sum, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_SUM)))         \
    X(cross_entropy_all_options_none,                                                                                 \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1,                              \
        .reduction = CNN_REDUCE_NONE)))                                                                               \
    X(cross_entropy_images_all_options_none,                                                                          \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1,                              \
        .reduction = CNN_REDUCE_NONE)))                                                                               \
    X(cross_entropy_images_probabilities_none,                                                                        \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .label_smoothing = 0.1,                              \
        .reduction = CNN_REDUCE_NONE)))                                                                               \
    X(cross_entropy_weight_only_none,                                                                                 \
      cnn_cross_entropy_with(in[0], in[1], LOSS(.weight = in[2], .reduction = CNN_REDUCE_NONE)))                      \
    X(cross_entropy_all_ignored_none, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE)))       \
    X(cross_entropy_one_probabilities, cnn_cross_entropy(in[0], in[1]))                                               \
    X(cross_entropy_one_none, cnn_cross_entropy_with(in[0], in[1], LOSS(.reduction = CNN_REDUCE_NONE)))               \
    X(cross_entropy_smoothing_of_all, cnn_cross_entropy_with(in[0], in[1], LOSS(.label_smoothing = 1)))               \
    X(cross_entropy_of_transposed, cnn_cross_entropy(cnn_transpose(in[0], 0, 1), in[1]))                              \
    X(cross_entropy_one_class, cnn_cross_entropy(in[0], in[1]))                                                       \
    X(max_along_0, cnn_max_along(in[0], 0, false, NULL))                                                              \
    X(max_along_1, cnn_max_along(in[0], 1, false, NULL))                                                              \
    X(max_along_2, cnn_max_along(in[0], 2, false, NULL))                                                              \
    X(max_along_keepdim, cnn_max_along(in[0], -2, true, NULL))                                                        \
    X(max_along_ties, cnn_max_along(in[0], 1, false, NULL))                                                           \
    X(max_along_of_transposed, cnn_max_along(cnn_transpose(in[0], 0, 2), 1, false, NULL))                             \
    X(max_along_odd, cnn_max_along(in[0], 1, false, NULL))                                                            \
    X(max_along_indices, indices_of(cnn_max_along, in[0]))                                                            \
    X(max_along_indices_odd, indices_of(cnn_max_along, in[0]))                                                        \
    X(max_along_indices_i64, indices_of(cnn_max_along, in[0]))                                                        \
    X(max_along_indices_i32, indices_of(cnn_max_along, in[0]))                                                        \
    X(max_along_indices_u8, indices_of(cnn_max_along, in[0]))                                                         \
    X(max_along_indices_of_ties, indices_of(cnn_max_along, in[0]))                                                    \
    X(max_along_i64, cnn_max_along(in[0], 1, false, NULL))                                                            \
    X(min_along_0, cnn_min_along(in[0], 0, false, NULL))                                                              \
    X(min_along_1, cnn_min_along(in[0], 1, false, NULL))                                                              \
    X(min_along_2, cnn_min_along(in[0], 2, false, NULL))                                                              \
    X(min_along_keepdim, cnn_min_along(in[0], -2, true, NULL))                                                        \
    X(min_along_ties, cnn_min_along(in[0], 1, false, NULL))                                                           \
    X(min_along_of_transposed, cnn_min_along(cnn_transpose(in[0], 0, 2), 1, false, NULL))                             \
    X(min_along_odd, cnn_min_along(in[0], 1, false, NULL))                                                            \
    X(min_along_indices, indices_of(cnn_min_along, in[0]))                                                            \
    X(min_along_indices_odd, indices_of(cnn_min_along, in[0]))                                                        \
    X(min_along_indices_i64, indices_of(cnn_min_along, in[0]))                                                        \
    X(min_along_indices_i32, indices_of(cnn_min_along, in[0]))                                                        \
    X(min_along_indices_u8, indices_of(cnn_min_along, in[0]))                                                         \
    X(min_along_indices_of_ties, indices_of(cnn_min_along, in[0]))                                                    \
    X(min_along_i64, cnn_min_along(in[0], 1, false, NULL))                                                            \
    X(embedding, cnn_embedding(in[0], in[1], NULL))                                                                   \
    X(embedding_grid, cnn_embedding(in[0], in[1], NULL))                                                              \
    X(embedding_i32, cnn_embedding(in[0], in[1], NULL))                                                               \
    X(embedding_scalar, cnn_embedding(in[0], in[1], NULL))                                                            \
    X(embedding_padding, cnn_embedding(in[0], in[1], EMBEDDING(1)))                                                   \
    X(embedding_padding_from_the_end, cnn_embedding(in[0], in[1], EMBEDDING(-5)))                                     \
    X(embedding_of_matrices, cnn_embedding(in[0], in[1], NULL))                                                       \
    X(embedding_of_numbers, cnn_embedding(in[0], in[1], NULL))                                                        \
    X(embedding_of_nothing, cnn_embedding(in[0], in[1], NULL))                                                        \
    X(embedding_of_transposed, cnn_embedding(cnn_transpose(in[0], 0, 1), cnn_transpose(in[1], 0, 1), NULL))

#define X(name, expression)                                                                                           \
    static cnn_tensor *call_##name(cnn_tensor **in)                                                                   \
    {                                                                                                                 \
        return expression;                                                                                            \
    }
CASES(X)
MORE_CASES(X)
#define CNN_OP_CASE(name, expression, ...) X(name, expression)
#include "ops/ops.def"
#undef X

static const op_case cases[] = {
#define X(name, expression) { #name, call_##name },
    CASES(X)
    MORE_CASES(X)
#define CNN_OP_CASE(name, expression, ...) X(name, expression)
#include "ops/ops.def"
#undef X
};

enum { CASE_COUNT = sizeof cases / sizeof *cases, MAX_OPERANDS = 4 };

static void setup(void)
{
    ctx = cnn_context_new(.threads = 1);
    tape = cnn_tape_new(ctx);
    ck_assert_ptr_nonnull(tape);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static cnn_tensor *part(const char *name, const char *what, int i)
{
    char text[32], file[64]; /* the file is that of the name's first word */
    snprintf(text, sizeof text, i < 0 ? "%s" : "%s%d", what, i);
    snprintf(file, sizeof file, "ops/%.*s.safetensors", (int)strcspn(name, "_"), name);
    return fixture(ctx, file, name, text);
}

/* A real tensor of the fixture in the dtype that is being tested. */
static cnn_tensor *as(cnn_tensor *t, cnn_dtype dtype)
{
    if (!t || cnn_tensor_dtype(t) != CNN_F64 || dtype == CNN_F64) {
        return t;
    }
    cnn_tensor *narrow = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(t), cnn_tensor_shape(t));
    ck_assert_int_eq(cnn_tensor_copy_from(narrow, t), CNN_OK);
    cnn_tensor_free(t);
    return narrow;
}

static void check_gradients(const op_case *c, cnn_tensor *const *in, cnn_tensor *const *grads, cnn_tensor *y,
                            cnn_dtype dtype, double tolerance)
{
    cnn_tensor *seed = as(part(c->name, "seed", -1), cnn_tensor_dtype(y));
    (void)dtype;
    if (!seed) {
        ck_assert_msg(!cnn_tensor_requires_grad(y), "%s wants a gradient, PyTorch's does not", c->name);
        return;
    }
    ck_assert_msg(cnn_backward_with(y, seed, false) == CNN_OK, "%s: %s", c->name, cnn_tape_error(tape));
    for (int i = 0; i < MAX_OPERANDS; i++) {
        if (grads[i]) {
            char what[16];
            snprintf(what, sizeof what, "gradient %d", i);
            tensors_agree(c->name, what, cnn_tensor_grad(in[i]), grads[i], tolerance);
        }
    }
    cnn_tensor_free(seed);
}

static void check_case(const op_case *c, cnn_dtype dtype, double tolerance)
{
    cnn_tensor *in[MAX_OPERANDS] = { NULL }, *x[MAX_OPERANDS] = { NULL }, *grads[MAX_OPERANDS] = { NULL };
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    for (int i = 0; i < MAX_OPERANDS; i++) {
        in[i] = as(part(c->name, "in", i), dtype);
        grads[i] = part(c->name, "grad", i);
        if (grads[i]) {
            cnn_tensor_set_requires_grad(in[i], true);
        }
        x[i] = in[i] ? cnn_input(tape, in[i]) : NULL;
    }
    ck_assert_msg(in[0] != NULL, "there is no fixture named %s", c->name);
    cnn_tensor *y = c->call(x), *expected = part(c->name, "out", -1);
    ck_assert_msg(cnn_tape_status(tape) == CNN_OK, "%s: %s", c->name, cnn_tape_error(tape));
    tensors_agree(c->name, "result", y, expected, tolerance);
    check_gradients(c, in, grads, y, dtype, tolerance);
    cnn_tensor_free(expected);
    for (int i = 0; i < MAX_OPERANDS; i++) {
        cnn_tensor_free(in[i]);
        cnn_tensor_free(grads[i]);
    }
}

START_TEST(f64_agrees_with_pytorch)
{
    check_case(&cases[_i], CNN_F64, 1e-12);
}
END_TEST

START_TEST(f32_agrees_with_pytorch)
{
    check_case(&cases[_i], CNN_F32, 1e-5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops");
    TCase *tests = tcase_create("PyTorch");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, f64_agrees_with_pytorch, 0, CASE_COUNT);
    tcase_add_loop_test(tests, f32_agrees_with_pytorch, 0, CASE_COUNT);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
