/* What the losses of ops/losses.c and ops/margin_losses.c share: operands, checks, reductions and gradients of an
 * operation over CNN_KERNEL_ELEMENT_LOSS. A loss is a descriptor and a public function that fills in the attributes. */
#ifndef CNN_OPS_ELEMENT_LOSS_H
#define CNN_OPS_ELEMENT_LOSS_H

#include "ops/operation.h"

enum { CNN__LOSS_X, CNN__LOSS_T, CNN__LOSS_C, CNN__LOSS_WEIGHT, CNN__LOSS_INPUTS };

/* What a number among the options may be. */
typedef enum cnn__loss_range { CNN__LOSS_NUMBER, CNN__LOSS_NOT_NEGATIVE, CNN__LOSS_POSITIVE } cnn__loss_range;

/* The attributes. */
typedef struct cnn__element_loss {
    int function;  /* a cnn_element_loss */
    int reduction; /* a cnn_reduction */
    double value[2];
    /* For infer: */
    cnn_status status;        /* how reading the options went */
    const char *name;         /* the option that value[0] is; NULL: it is none of them */
    cnn__loss_range range;    /* the range of value[0] */
    bool batch_mean;          /* CNN_REDUCE_BATCH_MEAN is a reduction, too */
    bool same_shape;          /* the target does not broadcast */
    bool same_rank;           /* all three operands have one rank */
    const char *constants[2]; /* names of c and weight where they have no gradient and do not widen the shape */
    /* What infer found: */
    int ndim; /* the rank of the losses of all elements */
    int64_t shape[CNN_MAX_DIMS];
    double divisor;
} cnn__element_loss;

extern const cnn__attribute cnn__element_loss_attributes[];
bool cnn__element_loss_infer(cnn__call *call, void *attributes);
bool cnn__element_loss_forward(cnn__call *call, void *attributes);
void cnn__element_loss_backward(cnn__node *node, cnn_tensor *dy);

/* Applies a loss to x, t, c (or NULL) and weight (or NULL). */
cnn_tensor *cnn__element_loss_apply(const cnn__op *op, cnn__element_loss *loss, cnn_tensor *x, cnn_tensor *t,
                                    cnn_tensor *c, cnn_tensor *weight);
/* Whether the options were read and their reduction is one that the loss has; false: reported. */
bool cnn__loss_check_options(cnn__call *call, cnn_status status, int reduction, bool batch_mean);
/* Whether an operand asks for a gradient that the loss does not give; true: reported. */
bool cnn__loss_refuses_gradient(cnn__call *call, int i, const char *name);

#define CNN__ELEMENT_LOSS_OP(function, gradient, ...) \
    { \
        .name = #function, .size = sizeof(cnn__element_loss), .attributes = cnn__element_loss_attributes, \
        .infer = cnn__element_loss_infer, .forward = cnn__element_loss_forward, .backward = (gradient), .saves = 15, \
        .optional = __VA_ARGS__ \
    }
enum { CNN__LOSS_NO_THIRD = 1 << CNN__LOSS_C | 1 << CNN__LOSS_WEIGHT, CNN__LOSS_THIRD = 1 << CNN__LOSS_WEIGHT };

#endif
