/* torch.einsum of one or two operands: a composition. What an ellipsis stands for gets labels of its own, 1, 2, … from
 * its end on. Of labels that stand twice in an operand the diagonal is taken; those that one operand alone has and the
 * result has not are summed. What is left of both is brought into the shapes of a batch of matrix products,
 *   [batch, rows, terms] · [batch, terms, columns] → [batch, rows, columns],
 * where the batch are labels of all three, and terms are labels of both operands alone. */
#include "ops/operation.h"

#include <string.h>

static const cnn__op einsum_op = CNN__COMPOSITION(einsum, .optional = 1u << 1);

enum { EINSUM_A, EINSUM_B, EINSUM_RESULT, EINSUM_TERMS, EINSUM_LABELS = 2 * CNN_MAX_DIMS + 1 };

/* One term of an equation: a label for each dimension, and as long as it is read '.' for an ellipsis. */
typedef struct einsum_term {
    int count;
    char label[EINSUM_LABELS];
} einsum_term;

/* Where a term has a label; −1: it has not. */
static int einsum_find(const einsum_term *term, char label)
{
    const char *at = memchr(term->label, label, (size_t)term->count);
    return at ? (int)(at - term->label) : -1;
}

static bool einsum_is_label(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- the equation ---- */

static bool einsum_refuse(cnn__call *call, const char *equation, const char *what, char label)
{
    const bool ellipsis = label == '.' || (label > 0 && label <= CNN_MAX_DIMS);
    cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "equation \"%.100s\": '%.*s' %s", equation, ellipsis ? 3 : 1,
                   ellipsis ? "..." : &label, what);
    return false;
}

static bool einsum_add_label(cnn__call *call, const char *equation, einsum_term *term, char label, bool twice)
{
    if (!einsum_is_label(label) && label != '.') {
        return einsum_refuse(call, equation, "is no label, expected letters, a comma between operands and \"->\"",
                             label);
    }
    if (!twice && einsum_find(term, label) >= 0) {
        return einsum_refuse(call, equation, label == '.' ? "stands twice in one term" : "stands twice in the result",
                             label);
    }
    if (label != '.' && term->count - (einsum_find(term, '.') >= 0) == CNN_MAX_DIMS) {
        return einsum_refuse(call, equation, "is one label too many, expected 8 or fewer in a term", label);
    }
    term->label[term->count++] = label;
    return true;
}

/* How often an operand has a label. */
static int einsum_uses(const einsum_term *term, char label)
{
    int uses = 0;
    for (int d = 0; d < term->count; d++) {
        uses += term->label[d] == label;
    }
    return uses;
}

/* Without "->" the result has what the ellipses stand for, then the labels that stand once in all operands, in their
 * alphabetical order. */
static bool einsum_infer_result(cnn__call *call, const char *equation, einsum_term *term)
{
    bool good = einsum_add_label(call, equation, &term[EINSUM_RESULT], '.', false);
    for (int c = 'A'; good && c <= 'z'; c++) {
        if (einsum_uses(&term[EINSUM_A], (char)c) + einsum_uses(&term[EINSUM_B], (char)c) == 1) {
            good = einsum_add_label(call, equation, &term[EINSUM_RESULT], (char)c, false);
        }
    }
    return good;
}

/* Reads the terms; false: bad, reported. */
static bool einsum_parse(cnn__call *call, const char *equation, einsum_term *term)
{
    const int operands = call->in[EINSUM_B] ? 2 : 1;
    int at = 0, commas = 0;
    for (const char *c = equation; *c; c++) {
        if (*c == ' ') {
            continue;
        }
        if (*c == ',' && at == 0 && commas < operands - 1) {
            at = EINSUM_B;
            commas++;
        } else if (c[0] == '-' && c[1] == '>' && at != EINSUM_RESULT) {
            at = EINSUM_RESULT;
            c++;
        } else {
            const bool ellipsis = c[0] == '.' && c[1] == '.' && c[2] == '.';
            if (*c == '.' && !ellipsis) {
                cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT, "equation \"%.100s\": '.' is no part of an ellipsis",
                               equation);
                return false;
            }
            if (!einsum_add_label(call, equation, &term[at], *c, at != EINSUM_RESULT && !ellipsis)) {
                return false;
            }
            c += ellipsis ? 2 : 0;
        }
    }
    if (commas != operands - 1) {
        cnn__call_fail(call, CNN_ERROR_INVALID_ARGUMENT,
                       "equation \"%.100s\" has %d terms before its result, expected %d", equation, commas + 1,
                       operands);
        return false;
    }
    return at == EINSUM_RESULT || einsum_infer_result(call, equation, term);
}

/* Puts `covered` labels in the place of an ellipsis. */
static void einsum_expand(einsum_term *term, int covered)
{
    const int at = einsum_find(term, '.');
    if (at >= 0) {
        memmove(term->label + at + covered, term->label + at + 1, (size_t)(term->count - at - 1));
        for (int i = 0; i < covered; i++) {
            term->label[at + i] = (char)(covered - i);
        }
        term->count += covered - 1;
    }
}

/* What the ellipses stand for; false: operands have other ranks, reported. */
static bool einsum_check_ranks(cnn__call *call, const char *equation, einsum_term *term)
{
    char text[CNN__SHAPE_TEXT];
    int most = 0;
    for (int i = 0; i < 2; i++) {
        const cnn_tensor *t = call->in[i];
        const bool ellipsis = einsum_find(&term[i], '.') >= 0;
        const int labels = term[i].count - ellipsis, covered = t ? t->ndim - labels : 0;
        if (covered < 0 || (covered > 0 && !ellipsis)) {
            cnn__call_fail(call, CNN_ERROR_SHAPE, "equation \"%.100s\" has %d labels for operand %d, which is %s",
                           equation, labels, i, cnn__shape_text(text, t->ndim, t->shape));
            return false;
        }
        einsum_expand(&term[i], covered);
        most = covered > most ? covered : most;
    }
    einsum_expand(&term[EINSUM_RESULT], most);
    return term[EINSUM_RESULT].count <= CNN_MAX_DIMS ||
           einsum_refuse(call, equation, "makes a result of more than 8 dimensions", '.');
}

/* Whether labels that stand twice in an operand are of one size there. */
static bool einsum_check_diagonals(cnn__call *call, const char *equation, const einsum_term *term)
{
    for (int i = 0; i < 2; i++) {
        for (int d = 0; d < term[i].count; d++) {
            const cnn_tensor *t = call->in[i];
            const long long size = t->shape[d], first = t->shape[einsum_find(&term[i], term[i].label[d])];
            if (size != first) {
                cnn__call_fail(call, CNN_ERROR_SHAPE, "equation \"%.100s\": '%c' is %lld and %lld in operand %d",
                               equation, term[i].label[d], first, size, i);
                return false;
            }
        }
    }
    return true;
}

static bool einsum_check_sizes(cnn__call *call, const char *equation, const einsum_term *term)
{
    for (int d = 0; d < term[EINSUM_A].count; d++) {
        const char label = term[EINSUM_A].label[d];
        const int other = einsum_find(&term[EINSUM_B], label);
        long long a = call->in[EINSUM_A]->shape[d], b = other < 0 ? a : call->in[EINSUM_B]->shape[other];
        if (a != b && a != 1 && b != 1) {
            const bool ellipsis = !einsum_is_label(label);
            cnn__call_fail(call, CNN_ERROR_SHAPE,
                           "equation \"%.100s\": '%.*s' is %lld in operand 0 and %lld in operand 1", equation,
                           ellipsis ? 3 : 1, ellipsis ? "..." : &label, a, b);
            return false;
        }
    }
    for (int d = 0; d < term[EINSUM_RESULT].count; d++) {
        const char label = term[EINSUM_RESULT].label[d];
        if (einsum_find(&term[EINSUM_A], label) < 0 && einsum_find(&term[EINSUM_B], label) < 0) {
            return einsum_refuse(call, equation, "is in the result and in no operand", label);
        }
    }
    return true;
}

/* ---- operands ---- */

/* Not nil. */
static bool einsum_is_usable(const cnn_tensor *t)
{
    return t->storage || t->traced;
}

static void einsum_remove_label(einsum_term *term, int d)
{
    term->count--;
    memmove(term->label + d, term->label + d + 1, (size_t)(term->count - d));
}

/* The diagonal of dimensions d and e, which become the last one: each n + 1 elements of both in one. */
static cnn_tensor *einsum_diagonal(cnn_tensor *x, einsum_term *term, int d, int e)
{
    int dims[CNN_MAX_DIMS], count = 0;
    int64_t shape[CNN_MAX_DIMS];
    const int64_t n = x->shape[d];
    const char label = term->label[d];
    for (int i = 0; i < x->ndim; i++) {
        if (i != d && i != e) {
            shape[count] = x->shape[i];
            dims[count++] = i;
        }
    }
    shape[count] = n * n;
    dims[count] = d;
    dims[count + 1] = e;
    x = cnn_slice(cnn_reshape(cnn_permute(x, count + 2, dims), count + 1, shape), -1, 0, INT64_MAX, n + 1);
    einsum_remove_label(term, e);
    einsum_remove_label(term, d);
    term->label[term->count++] = label;
    return x;
}

static cnn_tensor *einsum_take_diagonals(cnn_tensor *x, einsum_term *term)
{
    for (int e = term->count - 1; e > 0 && einsum_is_usable(x); e--) {
        const int d = einsum_find(term, term->label[e]);
        if (d < e) {
            x = einsum_diagonal(x, term, d, e);
            e = term->count;
        }
    }
    return x;
}

/* A label of size 1 that is larger in the other operand is left to that one. */
static cnn_tensor *einsum_drop_broadcast(cnn_tensor *x, einsum_term *term, const cnn_tensor *other,
                                         const einsum_term *other_term)
{
    for (int d = term->count - 1; d >= 0 && einsum_is_usable(x) && einsum_is_usable(other); d--) {
        int there = einsum_find(other_term, term->label[d]);
        if (there >= 0 && x->shape[d] == 1 && other->shape[there] != 1) {
            x = cnn_squeeze(x, d);
            einsum_remove_label(term, d);
        }
    }
    return x;
}

/* Sums over the labels that neither the other operand nor the result has. */
static cnn_tensor *einsum_sum_alone(cnn_tensor *x, einsum_term *term, const einsum_term *other,
                                    const einsum_term *result)
{
    int dims[CNN_MAX_DIMS], count = 0;
    for (int d = term->count - 1; d >= 0; d--) {
        if (einsum_find(other, term->label[d]) < 0 && einsum_find(result, term->label[d]) < 0) {
            dims[count++] = d;
            einsum_remove_label(term, d);
        }
    }
    return count ? cnn_sum(x, count, dims, false) : x;
}

/* Labels in the order of matrices, and their sizes. */
typedef struct einsum_group {
    einsum_term term;
    int64_t size[CNN_MAX_DIMS], total;
} einsum_group;

static void einsum_take_label(einsum_group *group, char label, int64_t size)
{
    group->size[group->term.count] = size;
    group->term.label[group->term.count++] = label;
    group->total *= size;
}

/* x with the labels of `first`, `second` and `third`, a dimension for each group. */
static cnn_tensor *einsum_arrange(cnn_tensor *x, const einsum_term *term, const einsum_group *first,
                                  const einsum_group *second, const einsum_group *third)
{
    const einsum_group *const groups[] = { first, second, third };
    int dims[CNN_MAX_DIMS], count = 0;
    for (int g = 0; g < 3; g++) {
        for (int i = 0; i < groups[g]->term.count; i++) {
            dims[count++] = einsum_find(term, groups[g]->term.label[i]);
        }
    }
    const int batched = first->term.count > 0;
    const int64_t shape[] = { first->total, second->total, third->total };
    x = count ? cnn_permute(x, count, dims) : x;
    return cnn_reshape(x, 2 + batched, shape + 1 - batched);
}

/* Dimensions of y, which `term` labels, in the order of the result. */
static cnn_tensor *einsum_order_result(cnn_tensor *y, const einsum_term *term, const einsum_term *result)
{
    int dims[CNN_MAX_DIMS];
    for (int d = 0; d < result->count; d++) {
        dims[d] = einsum_find(term, result->label[d]);
    }
    return result->count > 1 ? cnn_permute(y, result->count, dims) : y;
}

/* ---- two operands ---- */

static cnn_tensor *einsum_multiply(cnn_tensor *a, cnn_tensor *b, const einsum_term *term)
{
    einsum_group batch = { .total = 1 }, rows = { .total = 1 }, terms = { .total = 1 }, columns = { .total = 1 };
    einsum_term order = { .count = 0 };
    int64_t shape[CNN_MAX_DIMS];
    for (int d = 0; d < term[EINSUM_RESULT].count; d++) {
        const char label = term[EINSUM_RESULT].label[d];
        const int in_a = einsum_find(&term[EINSUM_A], label), in_b = einsum_find(&term[EINSUM_B], label);
        einsum_take_label(in_a < 0   ? &columns
                          : in_b < 0 ? &rows
                                     : &batch,
                          label, in_a < 0 ? b->shape[in_b] : a->shape[in_a]);
    }
    for (int d = 0; d < term[EINSUM_A].count; d++) {
        if (einsum_find(&term[EINSUM_RESULT], term[EINSUM_A].label[d]) < 0) {
            einsum_take_label(&terms, term[EINSUM_A].label[d], a->shape[d]);
        }
    }
    cnn_tensor *left = einsum_arrange(a, &term[EINSUM_A], &batch, &rows, &terms);
    cnn_tensor *right = einsum_arrange(b, &term[EINSUM_B], &batch, &terms, &columns);
    cnn_tensor *y = terms.term.count ? cnn_matmul(left, right) : cnn_mul(left, right);
    const einsum_group *const groups[] = { &batch, &rows, &columns };
    for (int g = 0; g < 3; g++) {
        for (int i = 0; i < groups[g]->term.count; i++) {
            shape[order.count] = groups[g]->size[i];
            order.label[order.count++] = groups[g]->term.label[i];
        }
    }
    return einsum_order_result(cnn_reshape(y, order.count, shape), &order, &term[EINSUM_RESULT]);
}

cnn_tensor *cnn_einsum(const char *equation, cnn_tensor *a, cnn_tensor *b)
{
    einsum_term term[EINSUM_TERMS] = { { .count = 0 } };
    cnn__call call;
    if (!cnn__call_begin(&call, &einsum_op, 2, (cnn_tensor *const[]){ a, b })) {
        return call.nil;
    }
    if (!equation) {
        return cnn__call_fail(&call, CNN_ERROR_INVALID_ARGUMENT, "equation is NULL");
    }
    if (!cnn__call_real(&call, 0) || !cnn__call_same_dtype(&call, 2) || !einsum_parse(&call, equation, term) ||
        !einsum_check_ranks(&call, equation, term) || !einsum_check_diagonals(&call, equation, term) ||
        !einsum_check_sizes(&call, equation, term)) {
        return call.nil;
    }
    cnn_tensor *left = einsum_take_diagonals(call.in[EINSUM_A], &term[EINSUM_A]), *right = call.in[EINSUM_B];
    if (right) {
        right = einsum_take_diagonals(right, &term[EINSUM_B]);
        left = einsum_drop_broadcast(left, &term[EINSUM_A], right, &term[EINSUM_B]);
        right = einsum_drop_broadcast(right, &term[EINSUM_B], left, &term[EINSUM_A]);
        right = einsum_sum_alone(right, &term[EINSUM_B], &term[EINSUM_A], &term[EINSUM_RESULT]);
    }
    left = einsum_sum_alone(left, &term[EINSUM_A], &term[EINSUM_B], &term[EINSUM_RESULT]);
    if (!einsum_is_usable(left) || (right && !einsum_is_usable(right))) {
        return call.nil;
    }
    return right ? einsum_multiply(left, right, term)
                 : einsum_order_result(left, &term[EINSUM_A], &term[EINSUM_RESULT]);
}
