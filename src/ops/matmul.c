/* torch.matmul: matrices in the last two dimensions, batches in front of them, broadcast; a rank-1 operand is a row
 * on the left and a column on the right. Transposed views are read as they lie, without a copy. */
#include "ops/operation.h"

/* The product as one of matrices a[…,m,k] · b[…,k,n], with the rank-1 operands' missing dimension put in. */
typedef struct matmul_sizes {
    int64_t m, n, k;
    int ndim;                    /* the rank of the batch */
    int64_t batch[CNN_MAX_DIMS]; /* its shape */
} matmul_sizes;

/* An operand as gemm reads it. */
typedef struct operand {
    const cnn_tensor *t;
    bool transposed;
    int64_t ld;
    int64_t stride[CNN_MAX_DIMS]; /* along the batch, in elements */
} operand;

/* ---- shapes ---- */

/* t as matrices, without a handle of its own. */
static cnn_tensor as_matrix(const cnn_tensor *t, bool left)
{
    cnn_tensor view = *t;
    if (t->ndim == 1) {
        view.ndim = 2;
        view.shape[left] = t->shape[0];
        view.stride[left] = t->stride[0];
        view.shape[!left] = 1;
        view.stride[!left] = left ? t->shape[0] * t->stride[0] : 1;
    }
    return view;
}

static bool matmul_plan(cnn__call *call, matmul_sizes *s)
{
    const cnn_tensor *a = call->in[0], *b = call->in[1];
    char text_a[CNN__SHAPE_TEXT], text_b[CNN__SHAPE_TEXT];
    cnn__shape_text(text_a, a->ndim, a->shape);
    cnn__shape_text(text_b, b->ndim, b->shape);
    if (a->ndim == 0 || b->ndim == 0) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shapes are %s and %s, expected rank 1 or more", text_a, text_b);
        return false;
    }
    cnn_tensor ma = as_matrix(a, true), mb = as_matrix(b, false);
    *s = (matmul_sizes){ .m = ma.shape[ma.ndim - 2], .n = mb.shape[mb.ndim - 1], .k = ma.shape[ma.ndim - 1] };
    if (mb.shape[mb.ndim - 2] != s->k) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "shapes %s and %s have inner sizes %lld and %lld, expected the same",
                       text_a, text_b, (long long)s->k, (long long)mb.shape[mb.ndim - 2]);
        return false;
    }
    if (!cnn__broadcast(ma.ndim - 2, ma.shape, mb.ndim - 2, mb.shape, &s->ndim, s->batch)) {
        cnn__call_fail(call, CNN_ERROR_SHAPE, "the batches of shapes %s and %s do not broadcast", text_a, text_b);
        return false;
    }
    return true;
}

/* The batch and then `rows` and `columns`, of which a negative one is left out. */
static int shape_of(const matmul_sizes *s, int64_t rows, int64_t columns, int64_t *shape)
{
    int ndim = 0;
    for (; ndim < s->ndim; ndim++) {
        shape[ndim] = s->batch[ndim];
    }
    if (rows >= 0) {
        shape[ndim++] = rows;
    }
    if (columns >= 0) {
        shape[ndim++] = columns;
    }
    return ndim;
}

/* ---- forward ---- */

/* Can gemm read the matrices of t as they lie? A stride along a dimension of size 1 does not matter. */
static bool readable(const cnn_tensor *t, operand *o)
{
    int64_t rows = t->shape[t->ndim - 2], columns = t->shape[t->ndim - 1];
    int64_t down = t->stride[t->ndim - 2], across = t->stride[t->ndim - 1];
    if ((across == 1 || columns <= 1) && (down >= columns || rows <= 1)) {
        o->ld = rows <= 1 ? columns : down;
        o->transposed = false;
    } else if ((down == 1 || rows <= 1) && (across >= rows || columns <= 1)) {
        o->ld = columns <= 1 ? rows : across;
        o->transposed = true;
    } else {
        return false;
    }
    o->ld = o->ld > 1 ? o->ld : 1;
    return true;
}

static bool read_operand(cnn__call *call, int i, const matmul_sizes *s, operand *o)
{
    const cnn_tensor *t = call->in[i];
    cnn_tensor view = as_matrix(t, i == 0);
    if (!readable(&view, o)) {
        t = cnn__call_contiguous(call, i);
        if (!t) {
            return false;
        }
        view = as_matrix(t, i == 0);
        readable(&view, o);
    }
    o->t = t;
    view.ndim -= 2;
    cnn__broadcast_strides(&view, s->ndim, s->batch, o->stride);
    return true;
}

/* One right matrix for a dense batch of left ones is one product with more rows. */
static void join_batch(matmul_sizes *s, operand *o, const cnn_tensor *a, const cnn_tensor *b)
{
    if (b->ndim <= 2 && a->ndim > 2 && cnn__contiguous(a)) {
        for (int d = 0; d < s->ndim; d++) {
            s->m *= s->batch[d];
        }
        s->ndim = 0;
        o->transposed = false;
        o->ld = s->k;
    }
}

static bool matmul_multiply(cnn__call *call, matmul_sizes s, cnn_tensor *y)
{
    operand a, b;
    if (!read_operand(call, 0, &s, &a) || !read_operand(call, 1, &s, &b)) {
        return false;
    }
    join_batch(&s, &a, call->in[0], call->in[1]);
    cnn_matmul_parameters p = { .ndim = s.ndim };
    p.product = (cnn__gemm){ .trans_a = a.transposed,
                             .trans_b = b.transposed,
                             .m = s.m,
                             .n = s.n,
                             .k = s.k,
                             .lda = a.ld,
                             .ldb = b.ld,
                             .ldc = s.n };
    for (int d = 0; d < s.ndim; d++) {
        p.batch[d] = s.batch[d];
        p.a_stride[d] = a.stride[d];
        p.b_stride[d] = b.stride[d];
    }
    cnn_launch l = CNN__LAUNCH(MATMUL, y->dtype, CNN__PARAMETERS(p), .in = { cnn__data(a.t), cnn__data(b.t) },
                               .out = { cnn__data(y) });
    return cnn__run(call->tape, call->op->name, &l);
}

static bool matmul_infer(cnn__call *call, void *attributes)
{
    matmul_sizes *s = attributes;
    const cnn_tensor *a = call->in[0], *b = call->in[1];
    int64_t shape[CNN_MAX_DIMS + 2];
    if (!cnn__call_real(call, 0) || !cnn__call_same_dtype(call, 2) || !matmul_plan(call, s)) {
        return false;
    }
    int ndim = shape_of(s, a->ndim == 1 ? -1 : s->m, b->ndim == 1 ? -1 : s->n, shape);
    cnn__out(call, 0, a->dtype, ndim, shape);
    return true;
}

static bool matmul_forward(cnn__call *call, void *attributes)
{
    const matmul_sizes *s = attributes;
    cnn_tensor *y = call->out[0];
    if (s->k == 0) {
        return cnn__run_fill(call->tape, call->op->name, y, 0);
    }
    return !y->numel || matmul_multiply(call, *s, y);
}

/* ---- backward: da = dy · bᵀ, db = aᵀ · dy, as matrices; cnn__grad_add() sums over broadcast batches ---- */

static int64_t batch_count(const matmul_sizes *s)
{
    int64_t count = 1;
    for (int d = 0; d < s->ndim; d++) {
        count *= s->batch[d];
    }
    return count;
}

static cnn_tensor *matrix(cnn_tensor *t, bool left)
{
    return t->ndim > 1 ? t : cnn_unsqueeze(t, left ? 0 : 1);
}

static cnn_tensor *flipped(cnn_tensor *t)
{
    return cnn_transpose(t, -2, -1);
}

/* da[…,m,k]; a rank-1 operand has no m. */
static cnn_tensor *left_gradient(const matmul_sizes *s, const cnn_tensor *a, cnn_tensor *b, cnn_tensor *dy)
{
    int64_t shape[CNN_MAX_DIMS + 2];
    int ndim = shape_of(s, -1, s->k, shape);
    cnn_tensor *da = cnn_matmul(dy, flipped(matrix(b, false)));
    return a->ndim > 1 ? da : cnn_reshape(da, ndim, shape);
}

/* db[…,k,n]; a rank-1 operand has no n. One right matrix for a batch of left ones gathers over all their rows at
 * once. */
static cnn_tensor *right_gradient(const matmul_sizes *s, cnn_tensor *a, const cnn_tensor *b, cnn_tensor *dy)
{
    int64_t shape[CNN_MAX_DIMS + 2], rows = batch_count(s) * s->m;
    int ndim = shape_of(s, s->k, -1, shape);
    if (b->ndim <= 2 && s->ndim > 0) {
        a = cnn_reshape(a, 2, (const int64_t[]){ rows, s->k });
        dy = cnn_reshape(dy, 2, (const int64_t[]){ rows, s->n });
        ndim = 1;
        shape[0] = s->k;
    }
    cnn_tensor *db = cnn_matmul(flipped(matrix(a, true)), dy);
    return b->ndim > 1 ? db : cnn_reshape(db, ndim, shape);
}

static void matmul_backward(cnn__node *node, cnn_tensor *dy)
{
    const matmul_sizes *s = node->attributes;
    cnn_tensor *a = node->saved[0], *b = node->saved[1];
    int64_t shape[CNN_MAX_DIMS + 2];
    dy = cnn_reshape(dy, shape_of(s, s->m, s->n, shape), shape);
    if (cnn__wants(node, 0)) {
        cnn__grad_add(node, 0, left_gradient(s, a, b, dy));
    }
    if (cnn__wants(node, 1)) {
        cnn__grad_add(node, 1, right_gradient(s, a, b, dy));
    }
}

static const cnn__reads matmul_reads[] = { { NULL, 1u << 1 }, { NULL, 1u << 0 } };
static const cnn__op matmul_op = { .name = "matmul",
                                   .saves = 3,
                                   .size = sizeof(matmul_sizes),
                                   .infer = matmul_infer,
                                   .forward = matmul_forward,
                                   .backward = matmul_backward,
                                   .reads = matmul_reads };

cnn_tensor *cnn_matmul(cnn_tensor *a, cnn_tensor *b)
{
    matmul_sizes s;
    return cnn__apply(&matmul_op, (cnn_tensor *const[]){ a, b }, 2, &s);
}
