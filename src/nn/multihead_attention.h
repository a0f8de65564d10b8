/* The inside of MultiheadAttention, and making one as a part of another layer. */
#ifndef CNN_NN_MULTIHEAD_ATTENTION_H
#define CNN_NN_MULTIHEAD_ATTENTION_H

#include "nn/layer.h"

#include <cnn/attention.h>

typedef struct cnn__multihead {
    cnn_multihead_attention_options options; /* kdim and vdim are set */
    int64_t width, heads;
    cnn_tensor *weight[3]; /* in_proj_weight alone, or those of q, k and v */
    cnn_tensor *bias;      /* NULL: none */
    cnn_tensor *bias_k, *bias_v;
} cnn__multihead;

extern const cnn__module_class cnn__multihead_class;

/* Whether a layer can be made of these arguments; reports as `call`, completes the options. */
cnn_status cnn__multihead_attention_check(const cnn_context *ctx, const char *call, int64_t embed_dim,
                                          int64_t num_heads, cnn_multihead_attention_options *o);
/* One without first values yet, of arguments that were checked; NULL: reported as `call`. */
cnn_module *cnn__multihead_attention_make(cnn_context *ctx, const char *call, int64_t embed_dim, int64_t num_heads,
                                          const cnn_multihead_attention_options *o);
cnn_status cnn__multihead_attention_init(cnn_module *module, const char *call);

#endif
