/* The heads of attention, for MultiheadAttention alone. */
#ifndef CNN_OPS_ATTENTION_HEADS_H
#define CNN_OPS_ATTENTION_HEADS_H

#include "ops/operation.h"

enum { CNN__ATTENTION_PARTS = 3 };

/* x is [L,N,parts·heads·D], or [N,L,…] with batch_first, whose last size the caller has checked. Writes a view
 * [N,heads,L,D] for each part; nil and false on failure. */
bool cnn__attention_heads(cnn_tensor *x, int64_t heads, int parts, bool batch_first, cnn_tensor **results);

#endif
