/* What the losses over classes share: operands, checks, reductions and gradients of an operation over
 * CNN_KERNEL_CROSS_ENTROPY. A loss is a descriptor and a public function that fills in the attributes
 * (cross_entropy.c). */
#ifndef CNN_OPS_CLASS_LOSS_H
#define CNN_OPS_CLASS_LOSS_H

#include "ops/element_loss.h"

enum { CNN__CLASS_X, CNN__CLASS_TARGET, CNN__CLASS_WEIGHT, CNN__CLASS_INPUTS };
/* Extras: of each sample; of all. */
enum { CNN__CLASS_STATISTICS = 1, CNN__CLASS_TOTALS };

/* The attributes. */
typedef struct cnn__class_loss {
    cnn_cross_entropy_parameters g; /* what is not a size is filled in */
    /* For infer: */
    cnn_status status; /* how reading the options went */
    bool has_ignore_index;
    bool probabilities; /* the target may hold them */
    int most_dims;      /* the highest rank of x */
    const char *noun;   /* what messages call x: "logits" */
    bool plural;        /* whether the noun is a plural */
} cnn__class_loss;

bool cnn__class_loss_infer(cnn__call *call, void *attributes);
bool cnn__class_loss_forward(cnn__call *call, void *attributes);
void cnn__class_loss_backward(cnn__node *node, cnn_tensor *dy);

#define CNN__CLASS_LOSS_OP(function, gradient, check, ...) \
    { \
        .name = #function, .extras = 2, .optional = 1u << CNN__CLASS_WEIGHT, .dense = 7, \
        .saves = 7 | CNN__OUTPUT(CNN__CLASS_STATISTICS) | CNN__OUTPUT(CNN__CLASS_TOTALS), \
        .size = sizeof(cnn__class_loss), .infer = (check), .forward = cnn__class_loss_forward, .backward = (gradient), \
        .reads = __VA_ARGS__ \
    }

#endif
