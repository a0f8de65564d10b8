/* The functions of operators.def, by group, and what they share. */
#ifndef CNN_ONNX_OPS_H
#define CNN_ONNX_OPS_H

#include "run.h"

#include <cnn/ops.h>

/* ---- shared.c ---- */

/* x in another dtype, or itself. */
cnn_tensor *cnn__onnx_to(cnn_tensor *x, cnn_dtype dtype);
/* The dimensions that input number `input` or else the attribute "axes" names, each once, of a tensor of a rank, in
 * ascending order. Returns how many; -1, reported, where one is not there. */
int cnn__onnx_axes(cnn__onnx_run *run, int input, int rank, int *dims);
/* The rank and shape of a tensor. */
int cnn__onnx_shape_of(const cnn_tensor *x, int64_t *shape);
/* x with new dimensions of size 1 up to a rank: in front, or behind dimension `at`. */
cnn_tensor *cnn__onnx_with_rank(cnn_tensor *x, int rank, int at);
/* Whether elements of an ONNX type are integers that libcnn computes with in more bits, and must be brought back. */
bool cnn__onnx_is_integer(int type);

/* The one number of a tensor in an attribute. */
bool cnn__onnx_def_number(cnn__onnx_run *run, const cnn__onnx_tensor_def *def, double *number);

/* ops_elements.c */
bool cnn__onnx_op_unary(cnn__onnx_run *run);
bool cnn__onnx_op_binary(cnn__onnx_run *run);
bool cnn__onnx_op_compare(cnn__onnx_run *run);
bool cnn__onnx_op_logic(cnn__onnx_run *run);
bool cnn__onnx_op_bits(cnn__onnx_run *run);
bool cnn__onnx_op_relu(cnn__onnx_run *run);
bool cnn__onnx_op_pow(cnn__onnx_run *run);
bool cnn__onnx_op_mod(cnn__onnx_run *run);
bool cnn__onnx_op_where(cnn__onnx_run *run);
bool cnn__onnx_op_clip(cnn__onnx_run *run);
bool cnn__onnx_op_prelu(cnn__onnx_run *run);
bool cnn__onnx_op_leaky_relu(cnn__onnx_run *run);
bool cnn__onnx_op_elu(cnn__onnx_run *run);
bool cnn__onnx_op_celu(cnn__onnx_run *run);
bool cnn__onnx_op_selu(cnn__onnx_run *run);
bool cnn__onnx_op_gelu(cnn__onnx_run *run);
bool cnn__onnx_op_hard_sigmoid(cnn__onnx_run *run);
bool cnn__onnx_op_thresholded_relu(cnn__onnx_run *run);
bool cnn__onnx_op_shrink(cnn__onnx_run *run);
bool cnn__onnx_op_softplus(cnn__onnx_run *run);
bool cnn__onnx_op_isinf(cnn__onnx_run *run);
bool cnn__onnx_op_variadic(cnn__onnx_run *run);
bool cnn__onnx_op_dropout(cnn__onnx_run *run);
bool cnn__onnx_op_hyperbolic(cnn__onnx_run *run);
bool cnn__onnx_op_bit_shift(cnn__onnx_run *run);
bool cnn__onnx_op_swish(cnn__onnx_run *run);

/* ops_types.c */
/* round(x / scale) + zero in the range of an integer type; `zero` may be NULL. */
cnn_tensor *cnn__onnx_quantized(cnn__onnx_run *run, cnn_tensor *x, cnn_tensor *scale, cnn_tensor *zero, int type);
bool cnn__onnx_op_cast(cnn__onnx_run *run);
bool cnn__onnx_op_cast_like(cnn__onnx_run *run);
bool cnn__onnx_op_identity(cnn__onnx_run *run);
bool cnn__onnx_op_quantize(cnn__onnx_run *run);
bool cnn__onnx_op_dequantize(cnn__onnx_run *run);
bool cnn__onnx_op_dynamic_quantize(cnn__onnx_run *run);

/* ops_shapes.c */
int cnn__onnx_in_sizes(cnn__onnx_run *run, int i, int64_t *shape);
int cnn__onnx_unsqueezed(cnn__onnx_run *run, int64_t *shape);
cnn_tensor *cnn__onnx_as_matrix(cnn_tensor *x, int axis);
bool cnn__onnx_op_shape(cnn__onnx_run *run);
bool cnn__onnx_op_size(cnn__onnx_run *run);
bool cnn__onnx_op_reshape(cnn__onnx_run *run);
bool cnn__onnx_op_flatten(cnn__onnx_run *run);
bool cnn__onnx_op_transpose(cnn__onnx_run *run);
bool cnn__onnx_op_squeeze(cnn__onnx_run *run);
bool cnn__onnx_op_unsqueeze(cnn__onnx_run *run);
bool cnn__onnx_op_expand(cnn__onnx_run *run);
bool cnn__onnx_op_tile(cnn__onnx_run *run);
bool cnn__onnx_op_depth_to_space(cnn__onnx_run *run);
bool cnn__onnx_op_space_to_depth(cnn__onnx_run *run);
bool cnn__onnx_op_constant_of_shape(cnn__onnx_run *run);
bool cnn__onnx_op_range(cnn__onnx_run *run);
bool cnn__onnx_op_eye_like(cnn__onnx_run *run);
bool cnn__onnx_op_trilu(cnn__onnx_run *run);

/* ops_parts.c */
typedef struct cnn__onnx_slice {
    bool is_there;
    int64_t start, end, step;
} cnn__onnx_slice;
/* What Slice takes along each dimension of a tensor of a rank; reports. */
bool cnn__onnx_slice_of(cnn__onnx_run *run, int rank, cnn__onnx_slice slices[CNN_MAX_DIMS]);
/* Brings the ends of a slice to positions: 0 to size, from the end size − 1 to −1. Returns false where step is 0. */
bool cnn__onnx_slice_bounds(int64_t size, int64_t step, int64_t *start, int64_t *end);
/* x with elements before and after along each dimension. */
cnn_tensor *cnn__onnx_padded(cnn__onnx_run *run, cnn_tensor *x, const int64_t *before, const int64_t *after, int mode,
                             double value);
bool cnn__onnx_op_concat(cnn__onnx_run *run);
bool cnn__onnx_op_split(cnn__onnx_run *run);
bool cnn__onnx_op_slice(cnn__onnx_run *run);
bool cnn__onnx_op_pad(cnn__onnx_run *run);
bool cnn__onnx_op_center_crop_pad(cnn__onnx_run *run);
bool cnn__onnx_op_reverse_sequence(cnn__onnx_run *run);
bool cnn__onnx_op_compress(cnn__onnx_run *run);

/* variants.c */
bool cnn__onnx_check_max_pool(const cnn__onnx_step *step, char *why, size_t size);
bool cnn__onnx_check_unique(const cnn__onnx_step *step, char *why, size_t size);
bool cnn__onnx_check_dft(const cnn__onnx_step *step, char *why, size_t size);
bool cnn__onnx_check_random(const cnn__onnx_step *step, char *why, size_t size);
bool cnn__onnx_check_einsum(const cnn__onnx_step *step, char *why, size_t size);

/* ops_reduce.c */
bool cnn__onnx_op_reduce(cnn__onnx_run *run);
bool cnn__onnx_op_arg(cnn__onnx_run *run);
bool cnn__onnx_op_softmax(cnn__onnx_run *run);
bool cnn__onnx_op_hardmax(cnn__onnx_run *run);
bool cnn__onnx_op_cumsum(cnn__onnx_run *run);
bool cnn__onnx_op_norm_lp(cnn__onnx_run *run);

/* ops_convolution.c */
bool cnn__onnx_op_conv(cnn__onnx_run *run);
bool cnn__onnx_op_conv_transpose(cnn__onnx_run *run);
bool cnn__onnx_op_conv_integer(cnn__onnx_run *run);
bool cnn__onnx_op_qlinear_conv(cnn__onnx_run *run);

/* ops_pool.c */
bool cnn__onnx_op_max_pool(cnn__onnx_run *run);
bool cnn__onnx_op_average_pool(cnn__onnx_run *run);
bool cnn__onnx_op_lp_pool(cnn__onnx_run *run);
bool cnn__onnx_op_global_pool(cnn__onnx_run *run);
bool cnn__onnx_op_max_unpool(cnn__onnx_run *run);

/* ops_resize.c */
bool cnn__onnx_op_resize(cnn__onnx_run *run);
bool cnn__onnx_op_upsample(cnn__onnx_run *run);

/* ops_linear.c */
bool cnn__onnx_op_gemm(cnn__onnx_run *run);
bool cnn__onnx_op_matmul(cnn__onnx_run *run);
bool cnn__onnx_op_matmul_integer(cnn__onnx_run *run);
bool cnn__onnx_op_qlinear_matmul(cnn__onnx_run *run);
bool cnn__onnx_op_einsum(cnn__onnx_run *run);
bool cnn__onnx_op_det(cnn__onnx_run *run);

/* ops_norms.c */
bool cnn__onnx_op_batch_norm(cnn__onnx_run *run);
bool cnn__onnx_op_instance_norm(cnn__onnx_run *run);
bool cnn__onnx_op_layer_norm(cnn__onnx_run *run);
bool cnn__onnx_op_group_norm(cnn__onnx_run *run);
bool cnn__onnx_op_lrn(cnn__onnx_run *run);
bool cnn__onnx_op_mean_variance(cnn__onnx_run *run);
bool cnn__onnx_op_rms_norm(cnn__onnx_run *run);

/* ops_index.c */
bool cnn__onnx_op_gather(cnn__onnx_run *run);
bool cnn__onnx_op_gather_elements(cnn__onnx_run *run);
bool cnn__onnx_op_gather_nd(cnn__onnx_run *run);
bool cnn__onnx_op_scatter_elements(cnn__onnx_run *run);
bool cnn__onnx_op_scatter_nd(cnn__onnx_run *run);
bool cnn__onnx_op_topk(cnn__onnx_run *run);
bool cnn__onnx_op_one_hot(cnn__onnx_run *run);
bool cnn__onnx_op_nonzero(cnn__onnx_run *run);

/* ops_activations.c */
enum { CNN__SIGMOID, CNN__TANH, CNN__RELU };
typedef struct cnn__onnx_activation {
    int kind;
    double alpha, beta;
} cnn__onnx_activation;
/* The activations of a recurrent node, `each` per direction, in `to`; `defaults` are the kinds of one direction.
 * Returns false for one that there is not, whose name is `unknown` then. */
bool cnn__onnx_activations_read(const cnn__onnx_step *step, const int *defaults, int each, int directions,
                                cnn__onnx_activation *to, cnn__onnx_text *unknown);
cnn_tensor *cnn__onnx_activated(cnn__onnx_run *run, const cnn__onnx_activation *activation, cnn_tensor *x);

/* ops_sequences.c */
bool cnn__onnx_check_recurrent(const cnn__onnx_step *step, char *why, size_t size);
bool cnn__onnx_op_lstm(cnn__onnx_run *run);
bool cnn__onnx_op_dynamic_quantize_lstm(cnn__onnx_run *run);
bool cnn__onnx_op_gru(cnn__onnx_run *run);
bool cnn__onnx_op_rnn(cnn__onnx_run *run);

/* ops_losses.c */
bool cnn__onnx_op_nll_loss(cnn__onnx_run *run);
bool cnn__onnx_op_cross_entropy(cnn__onnx_run *run);

/* ops_grid.c */
bool cnn__onnx_op_grid_sample(cnn__onnx_run *run);
bool cnn__onnx_op_affine_grid(cnn__onnx_run *run);
bool cnn__onnx_op_col2im(cnn__onnx_run *run);
bool cnn__onnx_op_window(cnn__onnx_run *run);

/* ops_signal.c */
bool cnn__onnx_op_dft(cnn__onnx_run *run);
bool cnn__onnx_op_stft(cnn__onnx_run *run);
bool cnn__onnx_op_unique(cnn__onnx_run *run);

/* ops_attention.c */
bool cnn__onnx_op_attention(cnn__onnx_run *run);
bool cnn__onnx_op_rotary(cnn__onnx_run *run);

/* ops_rois.c */
bool cnn__onnx_op_roi_align(cnn__onnx_run *run);

/* ops_boxes.c */
bool cnn__onnx_op_suppression(cnn__onnx_run *run);

/* ops_control.c */
bool cnn__onnx_op_if(cnn__onnx_run *run);
bool cnn__onnx_op_loop(cnn__onnx_run *run);
bool cnn__onnx_op_scan(cnn__onnx_run *run);

/* ops_random.c */
bool cnn__onnx_op_random(cnn__onnx_run *run);
bool cnn__onnx_op_random_like(cnn__onnx_run *run);
bool cnn__onnx_op_bernoulli(cnn__onnx_run *run);

/* The codes of operators that are folded. */
enum {
    CNN__FOLD_ADD = 100,
    CNN__FOLD_SUB,
    CNN__FOLD_MUL,
    CNN__FOLD_DIV,
    CNN__FOLD_MIN,
    CNN__FOLD_MAX,
    CNN__FOLD_EQ,
    CNN__FOLD_LT,
    CNN__FOLD_LE,
    CNN__FOLD_GT,
    CNN__FOLD_GE,
    CNN__FOLD_AND,
    CNN__FOLD_OR,
    CNN__FOLD_FLOOR,
    CNN__FOLD_CEIL,
    CNN__FOLD_NEG,
    CNN__FOLD_NOT,
    CNN__FOLD_SQRT,
    CNN__FOLD_RESHAPE,
    CNN__FOLD_SQUEEZE,
    CNN__FOLD_UNSQUEEZE
};

/* Folding, fold.c: the same by the host, where it knows all inputs. */
bool cnn__onnx_fold_arithmetic(cnn__onnx_run *run);
bool cnn__onnx_fold_numbers(cnn__onnx_run *run);
bool cnn__onnx_fold_cast(cnn__onnx_run *run);
bool cnn__onnx_fold_where(cnn__onnx_run *run);
bool cnn__onnx_fold_gather(cnn__onnx_run *run);
bool cnn__onnx_fold_concat(cnn__onnx_run *run);
bool cnn__onnx_fold_slice(cnn__onnx_run *run);
bool cnn__onnx_fold_shape(cnn__onnx_run *run);
bool cnn__onnx_fold_product(cnn__onnx_run *run);

#endif
