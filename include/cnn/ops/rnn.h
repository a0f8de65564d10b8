/** @file
 * Recurrent networks. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_RNN_H
#define CNN_OPS_RNN_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Recurrent networks
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 * @since 0.2
 * @{ */
/** Options of an LSTM; zero means the default. */
typedef struct cnn_lstm_options {
    size_t struct_size;        /**< sizeof(cnn_lstm_options) */
    int64_t num_layers;        /**< layers only: how many are stacked, at most 1000; default 1 */
    double dropout;            /**< layers only: in [0, 1], of each layer's output but the last one's; default 0 */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool reverse;              /**< cnn_lstm() only: the last step first */
    bool bidirectional;        /**< layers only: each layer runs in both directions and joins what they give */
    bool batch_first;          /**< layers only: x and y are [N,T,…] instead of [T,N,…]; the states are not */
    bool no_bias;              /**< layers only: no bias parameters */
    unsigned char reserved[8]; /**< zero: room for later options */
} cnn_lstm_options;

/**
 * One layer of an LSTM in one direction (torch.nn.LSTM). For each step t, with h and c of the step before it:
 *
 *     i, f, g, o = the four parts of weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh
 *     c = sigmoid(f) · c + sigmoid(i) · tanh(g)
 *     h = sigmoid(o) · tanh(c)
 *
 * Of torch.nn.LSTM's options proj_size is missing.
 *
 * @param x          [T,N,I], f32, f64 or bf16: T steps, at least one, of N samples.
 * @param h0, c0     [N,H], what comes before the first step; NULL: zeros.
 * @param weight_ih  [4·H,I].
 * @param weight_hh  [4·H,H].
 * @param bias_ih, bias_hh  [4·H], or NULL.
 * @param h_n, c_n   receive h and c of the step that was computed last, [N,H]: tensors of the same tape, nil on
 * failure.
 *                   May be NULL.
 * @return [T,N,H]: h of all steps, in the order of x.
 * @since 0.2
 */
CNN_API cnn_tensor *cnn_lstm(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *c0, cnn_tensor *weight_ih,
                             cnn_tensor *weight_hh, cnn_tensor *bias_ih, cnn_tensor *bias_hh,
                             const cnn_lstm_options *options, cnn_tensor **h_n, cnn_tensor **c_n);
/** @} */

CNN_END_DECLS

#endif
