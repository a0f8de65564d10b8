/** @file
 * Recurrent networks as layers. What module.h says about layers holds here: a constructor returns a module owned by the
 * caller, or NULL on failure. `options` may be NULL for the defaults. Thread-safe. */
#ifndef CNN_RECURRENT_H
#define CNN_RECURRENT_H

#include <cnn/module.h>

CNN_BEGIN_DECLS

/** @name Recurrent layers
 * For each layer k they have `weight_ih_lk` [G·H, its input], `weight_hh_lk` [G·H,H], `bias_ih_lk` and `bias_hh_lk`
 * [G·H], the same with `_reverse` behind for the other direction, all uniform in ±1/√H. G is the number of gates: 4 of
 * an LSTM, 3 of a GRU, 1 of an RNN. Of PyTorch's options proj_size is missing.
 *
 * cnn_forward() takes x [T,N,input_size], with `batch_first` [N,T,input_size], begins with zeros and gives y
 * [T,N,directions·H]. A single sequence may be without N: x [T,input_size], states [layers·directions,H] and y
 * [T,directions·H], with `batch_first` too; `lengths`, if given, is [1]. cnn_forward_many() takes x,
 * h0, for an LSTM c0, and lengths, of which the last ones may be missing, and gives y, h_n and for an LSTM c_n, as far
 * as they are asked for. The formulas, and what lengths are, stand in cnn/ops/rnn.h.
 * @since 0.2
 * @{ */
/** torch.nn.LSTM. @since 0.2 */
CNN_API cnn_module *cnn_lstm_create(cnn_context *ctx, int64_t input_size, int64_t hidden_size,
                                    const cnn_lstm_options *options);
/** torch.nn.GRU. @since 0.2 */
CNN_API cnn_module *cnn_gru_create(cnn_context *ctx, int64_t input_size, int64_t hidden_size,
                                   const cnn_gru_options *options);
/** torch.nn.RNN, with tanh or, as an option, ReLU. @since 0.2 */
CNN_API cnn_module *cnn_rnn_create(cnn_context *ctx, int64_t input_size, int64_t hidden_size,
                                   const cnn_rnn_options *options);

/**
 * Runs an LSTM with states: y, (h_n, c_n) = lstm(x, (h0, c0)).
 * @param module    made by cnn_lstm_create(); another type is CNN_ERROR_INVALID_ARGUMENT.
 * @param x         on a tape, as for cnn_forward().
 * @param h0, c0    [layers·directions,N,H], of a sequence without N [layers·directions,H], for each layer the forward
 *                  direction first; NULL: zeros.
 * @param lengths   [N], int64: how many steps of each sequence there are, as of pack_padded_sequence(); NULL: all.
 * @param h_n, c_n  receive the states after the last step in the shape of h0: tensors of that tape, nil on failure. May
 *                  be NULL.
 * @return y, a tensor of that tape; nil on failure, as for cnn_forward(). Threads as for cnn_forward(). @since 0.2
 */
CNN_API cnn_tensor *cnn_lstm_forward(cnn_module *module, cnn_tensor *x, cnn_tensor *h0, cnn_tensor *c0,
                                     cnn_tensor *lengths, cnn_tensor **h_n, cnn_tensor **c_n);

/** Runs a GRU or an RNN with its state, y, h_n = gru(x, h0), as cnn_lstm_forward() runs an LSTM. @since 0.2 */
CNN_API cnn_tensor *cnn_rnn_forward(cnn_module *module, cnn_tensor *x, cnn_tensor *h0, cnn_tensor *lengths,
                                    cnn_tensor **h_n);
/** @} */

#ifndef __cplusplus
/** `cnn_lstm_new(ctx, input_size, hidden_size, .num_layers = 2)` */
#define cnn_lstm_new(...) CNN__LSTM_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_lstm_options))
#define CNN__LSTM_NEW(ctx, input_size, hidden_size, ...) \
    cnn_lstm_create((ctx), (input_size), (hidden_size), &(cnn_lstm_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_gru_new(ctx, input_size, hidden_size, .bidirectional = true)` */
#define cnn_gru_new(...) CNN__GRU_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_gru_options))
#define CNN__GRU_NEW(ctx, input_size, hidden_size, ...) \
    cnn_gru_create((ctx), (input_size), (hidden_size), &(cnn_gru_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
/** `cnn_rnn_new(ctx, input_size, hidden_size, .relu = true)` */
#define cnn_rnn_new(...) CNN__RNN_NEW(__VA_ARGS__, .struct_size = sizeof(cnn_rnn_options))
#define CNN__RNN_NEW(ctx, input_size, hidden_size, ...) \
    cnn_rnn_create((ctx), (input_size), (hidden_size), &(cnn_rnn_options){ CNN__KEYWORDS_ONLY, __VA_ARGS__ })
#endif

CNN_END_DECLS

#endif
