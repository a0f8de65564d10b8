/* What operations with one operand share that are computed element by element (CNN_KERNEL_UNARY). */
#ifndef CNN_OPS_UNARY_H
#define CNN_OPS_UNARY_H

#include "ops/operation.h"

typedef struct cnn__unary_op {
    cnn__op op; /* first: a call's descriptor is its cnn__unary_op */
    cnn__unary kernel;
    bool integers; /* is it defined for them? */
} cnn__unary_op;

/* The attributes: what the kernel is told. */
typedef struct cnn__unary_values {
    double value[2];
} cnn__unary_values;

bool cnn__unary_infer(cnn__call *call, void *attributes);
bool cnn__unary_forward(cnn__call *call, void *attributes);
/* Adds dy · function(x) to the gradient of operand 0. */
void cnn__unary_add_slope(cnn__node *node, const cnn_tensor *dy, cnn_unary function, const double value[2],
                          const cnn_tensor *x);
/* Adds function(dy) with a value, or function(dy, other). */
void cnn__unary_add_of(cnn__node *node, const cnn_tensor *dy, cnn_unary function, double value);
void cnn__unary_add_with(cnn__node *node, const cnn_tensor *dy, cnn_binary function, const cnn_tensor *other);
cnn_tensor *cnn__unary_apply(const cnn__unary_op *u, cnn_tensor *x, double first, double second);

enum { CNN__SAVES_NOTHING = 0, CNN__SAVES_INPUT = 1, CNN__SAVES_OUTPUT = CNN__OUTPUT(0) };

/* What the descriptors have in common; `...` are further members. */
#define CNN__UNARY_OP(function, gradient, ...) \
    { \
        .name = #function, .size = sizeof(cnn__unary_values), .infer = cnn__unary_infer, \
        .forward = cnn__unary_forward, .backward = (gradient), .saves = __VA_ARGS__ \
    }

#endif
