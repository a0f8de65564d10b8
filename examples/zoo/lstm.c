/* A language model of characters: an embedding, two layers of LSTM and a linear layer (Karpathy 2015, "The unreasonable
 * effectiveness of recurrent neural networks"). */
#include "blocks.h"
#include "zoo.h"

enum { EMBEDDING = 128, HIDDEN = 256, LAYERS = 2 };

cnn_module *zoo_make_lstm(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *self = zoo_sequence(ctx, "CharLSTM");
    (void)net, (void)input;
    bool whole =
        cnn_module_add(self, "embedding", cnn_embedding_new(ctx, classes, EMBEDDING)) &&
        cnn_module_add(self, "lstm", cnn_lstm_new(ctx, EMBEDDING, HIDDEN, .num_layers = LAYERS, .batch_first = true)) &&
        cnn_module_add(self, "linear", cnn_linear_new(ctx, HIDDEN, classes));
    return zoo_whole(self, whole);
}
