/** @file
 * Recurrent networks. What ops.h says about every operation holds here. */
#ifndef CNN_OPS_RNN_H
#define CNN_OPS_RNN_H

#include <cnn/tape.h>
#include <cnn/tensor.h>

CNN_BEGIN_DECLS

/** @name Recurrent networks
 * f32, f64 and bf16; floating operands of one call share the dtype, which is the result's.
 *
 * Each is one layer in one direction. Operands that all have:
 * - `x` [T,N,I]: T steps, at least one, of N samples.
 * - `h0` [N,H], what comes before the first step; NULL: zeros.
 * - `weight_ih` [G·H,I] and `weight_hh` [G·H,H], where G is the number of gates; `bias_ih` and `bias_hh` [G·H], or
 *   NULL.
 * - `lengths` [N], int64, each in [0, T], or NULL: how many steps of each sample there are, as of
 *   pack_padded_sequence(x, lengths, enforce_sorted=False). The result is 0 behind them, the last states are those at
 *   the length, and the reverse direction begins there. What x has behind a length must be finite. With a length of 0,
 *   which PyTorch refuses, the last states are the first ones.
 *
 * The result is [T,N,H]: h of all steps, in the order of x. `h_n` and `c_n` receive the states after the step that was
 * computed last, [N,H]: tensors of the same tape, nil on failure; they may be NULL. Of PyTorch's options proj_size is
 * missing.
 * @since 0.2
 * @{ */
/** Options of recurrent networks; zero means the default. */
typedef struct cnn_rnn_options {
    size_t struct_size;        /**< sizeof(cnn_rnn_options) */
    int64_t num_layers;        /**< layers only: how many are stacked, at most 1000; default 1 */
    double dropout;            /**< layers only: in [0, 1], of each layer's output but the last one's; default 0 */
    cnn_dtype dtype;           /**< layers only: of the parameters; default CNN_F32 */
    bool reverse;              /**< operations only: the last step first */
    bool bidirectional;        /**< layers only: each layer runs in both directions and joins what they give */
    bool batch_first;          /**< layers only: x and y are [N,T,…] instead of [T,N,…]; the states are not */
    bool no_bias;              /**< layers only: no bias parameters */
    bool relu;                 /**< cnn_rnn() and its layer only: the nonlinearity is ReLU instead of tanh */
    unsigned char reserved[7]; /**< zero: room for later options */
} cnn_rnn_options;
typedef cnn_rnn_options cnn_gru_options;  /**< options of cnn_gru() and its layer */
typedef cnn_rnn_options cnn_lstm_options; /**< options of cnn_lstm() and its layer */

/** An LSTM (torch.nn.LSTM). For each step t, with h and c of the step before it:
 *
 *     i, f, g, o = the four parts of weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh
 *     c = sigmoid(f) · c + sigmoid(i) · tanh(g)
 *     h = sigmoid(o) · tanh(c)
 *
 * `c0` is like h0. @since 0.2 */
CNN_API cnn_tensor *cnn_lstm(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *c0, cnn_tensor *weight_ih,
                             cnn_tensor *weight_hh, cnn_tensor *bias_ih, cnn_tensor *bias_hh, cnn_tensor *lengths,
                             const cnn_lstm_options *options, cnn_tensor **h_n, cnn_tensor **c_n);

/** A GRU (torch.nn.GRU). For each step t, with h of the step before it and a and b the three parts of
 * weight_ih · x[t] + bias_ih and of weight_hh · h + bias_hh:
 *
 *     r, z = sigmoid(a + b)
 *     n = tanh(a + r · b)
 *     h = (1 − z) · n + z · h
 *
 * @since 0.2 */
CNN_API cnn_tensor *cnn_gru(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *weight_ih, cnn_tensor *weight_hh,
                            cnn_tensor *bias_ih, cnn_tensor *bias_hh, cnn_tensor *lengths,
                            const cnn_gru_options *options, cnn_tensor **h_n);

/** Elman's network (torch.nn.RNN). For each step t, with h of the step before it:
 *
 *     h = tanh(weight_ih · x[t] + bias_ih + weight_hh · h + bias_hh), or ReLU of that
 *
 * @since 0.2 */
CNN_API cnn_tensor *cnn_rnn(cnn_tensor *x, cnn_tensor *h0, cnn_tensor *weight_ih, cnn_tensor *weight_hh,
                            cnn_tensor *bias_ih, cnn_tensor *bias_hh, cnn_tensor *lengths,
                            const cnn_rnn_options *options, cnn_tensor **h_n);
/** @} */

CNN_END_DECLS

#endif
