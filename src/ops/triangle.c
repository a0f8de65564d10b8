/* tril and triu: matrices of which one side of a diagonal is kept. So is that side of the gradient. */
#include "ops/operation.h"

typedef struct triangle {
    int64_t diagonal;
} triangle;

static const cnn__attribute triangle_attributes[] = { CNN__ATTRIBUTE(CNN__INT64, triangle, diagonal),
                                                      { .name = NULL } };

static bool triangle_infer(cnn__call *call, void *attributes)
{
    triangle *t = attributes;
    const cnn_tensor *x = call->in[0];
    char text[CNN__SHAPE_TEXT];
    if (x->ndim < 2) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "x is %s, expected rank 2 or more",
                       cnn__shape_text(text, x->ndim, x->shape));
        return false;
    }
    /* Diagonals farther away than these keep the same. */
    const int64_t least = -x->shape[x->ndim - 2], most = x->shape[x->ndim - 1];
    t->diagonal = t->diagonal < least ? least : t->diagonal > most ? most : t->diagonal;
    cnn__out_like(call, 0, 0);
    return true;
}

static bool triangle_run(cnn__call *call, const triangle *t, bool upper)
{
    const cnn_tensor *x = call->x[0], *y = call->out[0];
    cnn_triangle_parameters p = {
        .rows = y->shape[y->ndim - 2], .columns = y->shape[y->ndim - 1], .diagonal = t->diagonal, .upper = upper
    };
    if (!y->numel) {
        return true;
    }
    p.matrices = y->numel / (p.rows * p.columns);
    return cnn__run_on(call->tape, call->op->name, CNN_KERNEL_TRIANGLE, &p, sizeof p, 2,
                       (const cnn_tensor *const[]){ y, x });
}

static bool tril_forward(cnn__call *call, void *attributes)
{
    return triangle_run(call, attributes, false);
}

static bool triu_forward(cnn__call *call, void *attributes)
{
    return triangle_run(call, attributes, true);
}

static void tril_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_tril(dy, ((const triangle *)node->attributes)->diagonal));
}

static void triu_backward(cnn__node *node, cnn_tensor *dy)
{
    cnn__grad_add(node, 0, cnn_triu(dy, ((const triangle *)node->attributes)->diagonal));
}

/* What the descriptors have in common. */
#define TRIANGLE(function, compute, gradient) \
    { \
        .name = #function, .dense = 1, .size = sizeof(triangle), .attributes = triangle_attributes, \
        .infer = triangle_infer, .forward = (compute), .backward = (gradient) \
    }

static const cnn__op tril_op = TRIANGLE(tril, tril_forward, tril_backward);
static const cnn__op triu_op = TRIANGLE(triu, triu_forward, triu_backward);

cnn_tensor *cnn_tril(cnn_tensor *x, int64_t diagonal)
{
    return cnn__apply(&tril_op, &x, 1, &(triangle){ diagonal });
}

cnn_tensor *cnn_triu(cnn_tensor *x, int64_t diagonal)
{
    return cnn__apply(&triu_op, &x, 1, &(triangle){ diagonal });
}
