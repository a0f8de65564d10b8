/* The functions of operators.def, by group, and what they share. */
#ifndef CNN_ONNX_OPS_H
#define CNN_ONNX_OPS_H

#include "run.h"

#include <cnn/ops.h>

/* ---- shared.c ---- */

/* x in another dtype, or itself. */
cnn_tensor *cnn__to(cnn_tensor *x, cnn_dtype dtype);
/* The dimensions that input number `input` or else the attribute "axes" names, each once, of a tensor of a rank, in
 * ascending order. Returns how many; -1, reported, where one is not there. */
int cnn__axes(cnn__run *run, int input, int rank, int *dims);
/* The rank and shape of a tensor. */
int cnn__shape_of(const cnn_tensor *x, int64_t *shape);
/* x with new dimensions of size 1 up to a rank: in front, or behind dimension `at`. */
cnn_tensor *cnn__with_rank(cnn_tensor *x, int rank, int at);
/* Whether elements of an ONNX type are integers that libcnn computes with in more bits, and must be brought back. */
bool cnn__is_integer(int type);

/* The one number of a tensor in an attribute. */
bool cnn__def_number(cnn__run *run, const cnn__tensor_def *def, double *number);

/* ops_elements.c */
bool cnn__op_unary(cnn__run *run);
bool cnn__op_binary(cnn__run *run);
bool cnn__op_compare(cnn__run *run);
bool cnn__op_logic(cnn__run *run);
bool cnn__op_bits(cnn__run *run);
bool cnn__op_relu(cnn__run *run);
bool cnn__op_pow(cnn__run *run);
bool cnn__op_mod(cnn__run *run);
bool cnn__op_where(cnn__run *run);
bool cnn__op_clip(cnn__run *run);
bool cnn__op_prelu(cnn__run *run);
bool cnn__op_leaky_relu(cnn__run *run);
bool cnn__op_elu(cnn__run *run);
bool cnn__op_celu(cnn__run *run);
bool cnn__op_selu(cnn__run *run);
bool cnn__op_gelu(cnn__run *run);
bool cnn__op_hard_sigmoid(cnn__run *run);
bool cnn__op_thresholded_relu(cnn__run *run);
bool cnn__op_shrink(cnn__run *run);
bool cnn__op_softplus(cnn__run *run);
bool cnn__op_isinf(cnn__run *run);
bool cnn__op_variadic(cnn__run *run);
bool cnn__op_dropout(cnn__run *run);
bool cnn__op_hyperbolic(cnn__run *run);
bool cnn__op_bit_shift(cnn__run *run);
bool cnn__op_swish(cnn__run *run);

/* ops_types.c */
/* round(x / scale) + zero in the range of an integer type; `zero` may be NULL. */
cnn_tensor *cnn__quantized(cnn__run *run, cnn_tensor *x, cnn_tensor *scale, cnn_tensor *zero, int type);
bool cnn__op_cast(cnn__run *run);
bool cnn__op_cast_like(cnn__run *run);
bool cnn__op_identity(cnn__run *run);
bool cnn__op_quantize(cnn__run *run);
bool cnn__op_dequantize(cnn__run *run);
bool cnn__op_dynamic_quantize(cnn__run *run);

/* ops_shapes.c */
int cnn__in_sizes(cnn__run *run, int i, int64_t *shape);
int cnn__unsqueezed(cnn__run *run, int64_t *shape);
cnn_tensor *cnn__as_matrix(cnn_tensor *x, int axis);
bool cnn__op_shape(cnn__run *run);
bool cnn__op_size(cnn__run *run);
bool cnn__op_reshape(cnn__run *run);
bool cnn__op_flatten(cnn__run *run);
bool cnn__op_transpose(cnn__run *run);
bool cnn__op_squeeze(cnn__run *run);
bool cnn__op_unsqueeze(cnn__run *run);
bool cnn__op_expand(cnn__run *run);
bool cnn__op_tile(cnn__run *run);
bool cnn__op_depth_to_space(cnn__run *run);
bool cnn__op_space_to_depth(cnn__run *run);
bool cnn__op_constant_of_shape(cnn__run *run);
bool cnn__op_range(cnn__run *run);
bool cnn__op_eye_like(cnn__run *run);
bool cnn__op_trilu(cnn__run *run);

/* ops_parts.c */
typedef struct cnn__slice {
    bool is_there;
    int64_t start, end, step;
} cnn__slice;
/* What Slice takes along each dimension of a tensor of a rank; reports. */
bool cnn__slice_of(cnn__run *run, int rank, cnn__slice slices[CNN_MAX_DIMS]);
/* Brings the ends of a slice to positions: 0 to size, from the end size − 1 to −1. Returns false where step is 0. */
bool cnn__slice_bounds(int64_t size, int64_t step, int64_t *start, int64_t *end);
/* x with elements before and after along each dimension. */
cnn_tensor *cnn__padded(cnn__run *run, cnn_tensor *x, const int64_t *before, const int64_t *after, int mode, double value);
bool cnn__op_concat(cnn__run *run);
bool cnn__op_split(cnn__run *run);
bool cnn__op_slice(cnn__run *run);
bool cnn__op_pad(cnn__run *run);
bool cnn__op_center_crop_pad(cnn__run *run);
bool cnn__op_reverse_sequence(cnn__run *run);
bool cnn__op_compress(cnn__run *run);

/* ops_reduce.c */
bool cnn__op_reduce(cnn__run *run);
bool cnn__op_arg(cnn__run *run);
bool cnn__op_softmax(cnn__run *run);
bool cnn__op_hardmax(cnn__run *run);
bool cnn__op_cumsum(cnn__run *run);
bool cnn__op_norm_lp(cnn__run *run);

/* ops_convolution.c */
bool cnn__op_conv(cnn__run *run);
bool cnn__op_conv_transpose(cnn__run *run);
bool cnn__op_conv_integer(cnn__run *run);
bool cnn__op_qlinear_conv(cnn__run *run);

/* ops_pool.c */
bool cnn__op_max_pool(cnn__run *run);
bool cnn__op_average_pool(cnn__run *run);
bool cnn__op_lp_pool(cnn__run *run);
bool cnn__op_global_pool(cnn__run *run);
bool cnn__op_max_unpool(cnn__run *run);

/* ops_resize.c */
bool cnn__op_resize(cnn__run *run);
bool cnn__op_upsample(cnn__run *run);

/* ops_linear.c */
bool cnn__op_gemm(cnn__run *run);
bool cnn__op_matmul(cnn__run *run);
bool cnn__op_matmul_integer(cnn__run *run);
bool cnn__op_qlinear_matmul(cnn__run *run);
bool cnn__op_einsum(cnn__run *run);
bool cnn__op_det(cnn__run *run);

/* ops_norms.c */
bool cnn__op_batch_norm(cnn__run *run);
bool cnn__op_instance_norm(cnn__run *run);
bool cnn__op_layer_norm(cnn__run *run);
bool cnn__op_group_norm(cnn__run *run);
bool cnn__op_lrn(cnn__run *run);
bool cnn__op_mean_variance(cnn__run *run);
bool cnn__op_rms_norm(cnn__run *run);

/* ops_index.c */
bool cnn__op_gather(cnn__run *run);
bool cnn__op_gather_elements(cnn__run *run);
bool cnn__op_gather_nd(cnn__run *run);
bool cnn__op_scatter_elements(cnn__run *run);
bool cnn__op_scatter_nd(cnn__run *run);
bool cnn__op_topk(cnn__run *run);
bool cnn__op_one_hot(cnn__run *run);
bool cnn__op_nonzero(cnn__run *run);

/* ops_sequences.c */
bool cnn__op_lstm(cnn__run *run);
bool cnn__op_gru(cnn__run *run);
bool cnn__op_rnn(cnn__run *run);

/* ops_control.c */
bool cnn__op_if(cnn__run *run);
bool cnn__op_loop(cnn__run *run);
bool cnn__op_scan(cnn__run *run);

/* ops_random.c */
bool cnn__op_random(cnn__run *run);
bool cnn__op_random_like(cnn__run *run);
bool cnn__op_bernoulli(cnn__run *run);

/* The codes of operators that are folded. */
enum {
    CNN__FOLD_ADD = 100, CNN__FOLD_SUB, CNN__FOLD_MUL, CNN__FOLD_DIV, CNN__FOLD_MIN, CNN__FOLD_MAX,
    CNN__FOLD_EQ, CNN__FOLD_LT, CNN__FOLD_LE, CNN__FOLD_GT, CNN__FOLD_GE, CNN__FOLD_AND, CNN__FOLD_OR,
    CNN__FOLD_FLOOR, CNN__FOLD_CEIL, CNN__FOLD_NEG, CNN__FOLD_NOT, CNN__FOLD_SQRT,
    CNN__FOLD_RESHAPE, CNN__FOLD_SQUEEZE, CNN__FOLD_UNSQUEEZE
};

/* Folding, fold.c: the same by the host, where it knows all inputs. */
bool cnn__fold_arithmetic(cnn__run *run);
bool cnn__fold_numbers(cnn__run *run);
bool cnn__fold_cast(cnn__run *run);
bool cnn__fold_where(cnn__run *run);
bool cnn__fold_gather(cnn__run *run);
bool cnn__fold_concat(cnn__run *run);
bool cnn__fold_slice(cnn__run *run);
bool cnn__fold_shape(cnn__run *run);
bool cnn__fold_product(cnn__run *run);

#endif
