/* The values that each kind of parameter is tried with: first the good one, then NULL and everything else that a caller may get
 * wrong. A value says what must come of it when all other arguments are good. */
#ifndef CNN_TESTS_TRUST_BAD_VALUES_H
#define CNN_TESTS_TRUST_BAD_VALUES_H

#include "bad_world.h"

#include <limits.h>

typedef union value {
    void *p;
    int64_t i;
    double d;
    void (*f)(void);
} value;

typedef enum expectation {
    GOOD,
    MAY,  /* a success without a message, or a failure with one */
    BAD,  /* fails, with a message that begins with the call's name */
    NIL,  /* fails; the message is that of the failure that made the operand nil */
    MIXED /* BAD where another operand is on a tape too */
} expectation;

typedef struct kind kind;
typedef struct candidate {
    const char *label;
    expectation expected;
    value (*make)(world *w, const kind *k);
    value fixed;  /* where there is no `make` */
    int variant;  /* for `make` functions that serve several */
} candidate;

struct kind {
    const char *name;
    const candidate *candidates;
    int count;
    /* Of tensors: */
    cnn_dtype dtype;
    int ndim;
    int64_t shape[4];
    bool zero, plain;
    /* Of options: */
    void (*init)(world *w, void *options);
    size_t size;
};

static const candidate *making; /* the one whose `make` runs */

static value pointer(const void *p)
{
    return (value){ .p = (void *)(uintptr_t)p };
}

#define CANDIDATES(list) list, (int)(sizeof(list) / sizeof((list)[0]))
#define NUMBER(label, expected, number) { label, expected, NULL, { .i = number }, 0 }
#define REAL(label, expected, number) { label, expected, NULL, { .d = number }, 0 }
#define ADDRESS(label, expected, address) { label, expected, NULL, { .p = (void *)(uintptr_t)(address) }, 0 }
#define MADE(label, expected, make, variant) { label, expected, make, { .p = NULL }, variant }
#define NO_POINTER ADDRESS("NULL", BAD, 0)

/* ---- tensors ---- */

static value base_tensor(world *w, const kind *k)
{
    cnn_tensor *t = plain_of(w, context_of(w), k->dtype, k->ndim, k->shape, k->zero);
    if (k->dtype == CNN_F32 && k->ndim > 1) {
        cnn_tensor_set_requires_grad(t, true);
    }
    return pointer(k->plain ? t : cnn_input(tape_of(w), t));
}

static value tensor_of_dtype(world *w, const kind *k)
{
    cnn_tensor *t = plain_of(w, context_of(w), (cnn_dtype)making->variant, k->ndim, k->shape, k->zero);
    return pointer(k->plain ? t : cnn_input(tape_of(w), t));
}

static value tensor_of_rank(world *w, const kind *k)
{
    static const int64_t shape[CNN_MAX_DIMS] = { 2, 1, 2, 1, 2, 1, 2, 1 };
    cnn_tensor *t = plain_of(w, context_of(w), k->dtype, making->variant, shape, k->zero);
    return pointer(k->plain ? t : cnn_input(tape_of(w), t));
}

static value tensor_empty(world *w, const kind *k)
{
    cnn_tensor *t = plain_of(w, context_of(w), k->dtype, 2, (const int64_t[]){ 0, 3 }, k->zero);
    return pointer(k->plain ? t : cnn_input(tape_of(w), t));
}

/* 16 MiB of elements that share one: more than the allocator gives. */
static value tensor_expanded(world *w, const kind *k)
{
    (void)k;
    cnn_tensor *one = cnn_input(tape_of(w), plain_of(w, context_of(w), k->dtype, 2, (const int64_t[]){ 1, 1 }, k->zero));
    return pointer(cnn_expand(one, CNN_SHAPE(1 << 11, 1 << 11)));
}

static value tensor_plain(world *w, const kind *k)
{
    return pointer(plain_of(w, context_of(w), k->dtype, k->ndim, k->shape, k->zero));
}

static value tensor_on_tape(world *w, const kind *k)
{
    return pointer(cnn_input(tape_of(w), plain_of(w, context_of(w), k->dtype, k->ndim, k->shape, k->zero)));
}

static value tensor_past(world *w, const kind *k)
{
    (void)k;
    tape_of(w);
    return pointer(w->past);
}

static value tensor_nil(world *w, const kind *k)
{
    (void)k;
    failed_tape_of(w);
    return pointer(w->nil);
}

static value tensor_nil_of_no_tape(world *w, const kind *k)
{
    (void)w;
    (void)k;
    return pointer(cnn_relu(NULL));
}

static value tensor_on_other_tape(world *w, const kind *k)
{
    return pointer(cnn_input(other_tape_of(w), plain_of(w, context_of(w), k->dtype, k->ndim, k->shape, k->zero)));
}

static value tensor_of_other_context(world *w, const kind *k)
{
    return pointer(plain_of(w, other_context_of(w), k->dtype, k->ndim, k->shape, k->zero));
}

/* What a module's forward made on the way is dropped when it returns. */
static cnn_tensor *between;
static cnn_tensor *forward_between(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    (void)user;
    between = cnn_relu(x);
    return cnn_neg(between);
}

static value tensor_dropped(world *w, const kind *k)
{
    (void)k;
    cnn_module *m = keep(w, cnn_module_new(context_of(w), forward_between), release_module);
    cnn_forward(m, cnn_input(tape_of(w), matrix_of(w)));
    return pointer(between);
}

#define WRONG_TENSORS                                                                                         \
    NO_POINTER, MADE("nil", NIL, tensor_nil, 0), MADE("nil of no tape", NIL, tensor_nil_of_no_tape, 0),       \
        MADE("of a past step", BAD, tensor_past, 0), MADE("dropped by a forward", BAD, tensor_dropped, 0)
#define OTHER_TENSORS                                                                                              \
    MADE("float64", MAY, tensor_of_dtype, CNN_F64), MADE("int64", MAY, tensor_of_dtype, CNN_I64),                 \
        MADE("int32", MAY, tensor_of_dtype, CNN_I32), MADE("uint8", MAY, tensor_of_dtype, CNN_U8),                \
        MADE("bool", MAY, tensor_of_dtype, CNN_BOOL), MADE("rank 0", MAY, tensor_of_rank, 0),                     \
        MADE("rank 1", MAY, tensor_of_rank, 1), MADE("rank 3", MAY, tensor_of_rank, 3),                           \
        MADE("rank 5", MAY, tensor_of_rank, 5), MADE("rank 8", MAY, tensor_of_rank, 8),                           \
        MADE("empty", MAY, tensor_empty, 0)

static const candidate operands[] = { MADE("good", GOOD, base_tensor, 0), WRONG_TENSORS, OTHER_TENSORS,
                                      MADE("on another tape", MIXED, tensor_on_other_tape, 0),
                                      MADE("of another context", MIXED, tensor_of_other_context, 0),
                                      MADE("on no tape", MAY, tensor_plain, 0),
                                      MADE("expanded", MAY, tensor_expanded, 0) };
static const candidate plains[] = { MADE("good", GOOD, base_tensor, 0), WRONG_TENSORS, OTHER_TENSORS,
                                    MADE("of another context", MAY, tensor_of_other_context, 0),
                                    MADE("on a tape", BAD, tensor_on_tape, 0) };

#define OPERAND(name, dtype, zero, ...)                                                                \
    static const kind kind_##name = { #name, CANDIDATES(operands), dtype,                              \
                                      (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), { __VA_ARGS__ }, \
                                      zero, false, NULL, 0 }
OPERAND(tensor, CNN_F32, false, 2, 3);
OPERAND(square, CNN_F32, false, 3, 3);
OPERAND(bias, CNN_F32, false, 3);
OPERAND(image, CNN_F32, false, 1, 1, 8, 8);
OPERAND(filter, CNN_F32, false, 2, 1, 3, 3);
OPERAND(filter_bias, CNN_F32, false, 2);
OPERAND(condition, CNN_BOOL, false, 2, 3);
OPERAND(target, CNN_I64, true, 2);
OPERAND(one_element, CNN_F32, false, 1);
static const kind kind_plain = { "plain", CANDIDATES(plains), CNN_F32, 2, { 2, 3 }, false, true, NULL, 0 };

static value loss(world *w, const kind *k)
{
    cnn_tensor *x = base_tensor(w, k).p;
    return pointer(making->variant ? cnn_mul_scalar(x, 2) : cnn_sum(x, CNN_ALL_DIMS, false));
}

/* The graph behind it is gone. */
static value loss_passed(world *w, const kind *k)
{
    cnn_tensor *t = cnn_sum(cnn_exp(base_tensor(w, k).p), CNN_ALL_DIMS, false);
    cnn_backward(t);
    return pointer(t);
}

static value not_differentiable(world *w, const kind *k)
{
    return pointer(cnn_cast(tensor_on_tape(w, k).p, CNN_I64));
}

static const candidate losses[] = { MADE("good", GOOD, loss, 0), WRONG_TENSORS, MADE("[2,3]", BAD, loss, 1),
                                    MADE("on no tape", BAD, tensor_plain, 0),
                                    MADE("requires no gradient", BAD, not_differentiable, 0),
                                    MADE("passed already", BAD, loss_passed, 0) };
static const candidate results[] = { MADE("good", GOOD, loss, 1), WRONG_TENSORS, MADE("scalar", MAY, loss, 0),
                                     MADE("requires no gradient", BAD, not_differentiable, 0),
                                     MADE("on no tape", MAY, tensor_plain, 0) };
static const kind kind_loss = { "loss", CANDIDATES(losses), CNN_F32, 2, { 2, 3 }, false, false, NULL, 0 };
static const kind kind_result = { "result", CANDIDATES(results), CNN_F32, 2, { 2, 3 }, false, false, NULL, 0 };

/* ---- tensors with an owner ---- */

static value owned_parameter(world *w, const kind *k)
{
    (void)k;
    return pointer(cnn_module_parameter(module_of(w), 0));
}

static value owned_gradient(world *w, const kind *k)
{
    cnn_tensor *t = plain_of(w, context_of(w), CNN_F32, k->ndim, k->shape, false);
    cnn_tensor_set_requires_grad(t, true);
    cnn_backward(cnn_sum(cnn_input(tape_of(w), t), CNN_ALL_DIMS, false));
    return pointer(cnn_tensor_grad(t));
}

static value owned_batch(world *w, const kind *k)
{
    (void)k;
    cnn_batch batch;
    if (!cnn_loader_next(loader_of(w), &batch)) {
        abort();
    }
    return pointer(batch.images);
}

#define OWNED_TENSORS                                                                               \
    MADE("a module's parameter", BAD, owned_parameter, 0), MADE("a gradient", BAD, owned_gradient, 0), \
        MADE("a loader's batch", BAD, owned_batch, 0), MADE("on a tape", BAD, tensor_on_tape, 0)

static const candidate free_tensors[] = { MADE("good", GOOD, base_tensor, 0), NO_POINTER,
                                          MADE("nil", BAD, tensor_nil, 0),
                                          MADE("nil of no tape", BAD, tensor_nil_of_no_tape, 0),
                                          MADE("of a past step", BAD, tensor_past, 0), OWNED_TENSORS };
static const candidate new_parameters[] = { MADE("good", GOOD, base_tensor, 0), WRONG_TENSORS, OWNED_TENSORS,
                                            MADE("int64", BAD, tensor_of_dtype, CNN_I64),
                                            MADE("bool", BAD, tensor_of_dtype, CNN_BOOL),
                                            MADE("empty", MAY, tensor_empty, 0),
                                            MADE("of another context", BAD, tensor_of_other_context, 0) };
static const candidate new_buffers[] = { MADE("good", GOOD, base_tensor, 0), WRONG_TENSORS, OWNED_TENSORS,
                                         MADE("int64", MAY, tensor_of_dtype, CNN_I64),
                                         MADE("of another context", BAD, tensor_of_other_context, 0) };
#define PLAIN(name, list) \
    static const kind kind_##name = { #name, CANDIDATES(list), CNN_F32, 2, { 2, 3 }, false, true, NULL, 0 }
PLAIN(free_tensor, free_tensors);
PLAIN(new_parameter, new_parameters);
PLAIN(new_buffer, new_buffers);

static const candidate image_sets[] = { MADE("good", GOOD, base_tensor, 0), WRONG_TENSORS, OTHER_TENSORS,
                                        MADE("on a tape", BAD, tensor_on_tape, 0) };
static const candidate label_sets[] = { MADE("good", GOOD, base_tensor, 0), WRONG_TENSORS, OTHER_TENSORS,
                                        MADE("on a tape", BAD, tensor_on_tape, 0),
                                        MADE("of another context", BAD, tensor_of_other_context, 0) };
static const kind kind_images = { "images", CANDIDATES(image_sets), CNN_F32, 4, { 2, 1, 4, 4 }, false, true, NULL, 0 };
static const kind kind_labels = { "labels", CANDIDATES(label_sets), CNN_I64, 1, { 2 }, true, true, NULL, 0 };

/* ---- arrays of tensors and modules ---- */

static value array_of(world *w, const void *a, const void *b)
{
    void **array = w->arrays[w->array_count++];
    array[0] = (void *)(uintptr_t)a;
    array[1] = (void *)(uintptr_t)b;
    return pointer(array);
}

static value two_tensors(world *w, const kind *k)
{
    return array_of(w, base_tensor(w, k).p, base_tensor(w, k).p);
}

/* Good but for one, whose place and maker are the variant's. */
static value one_wrong(world *w, const kind *k)
{
    static value (*const makers[])(world *, const kind *) = {
        NULL, tensor_nil, tensor_past, tensor_on_other_tape, tensor_of_other_context, tensor_dropped, tensor_on_tape,
        owned_parameter
    };
    value (*make)(world *, const kind *) = makers[making->variant / 2];
    void *wrong = make ? make(w, k).p : NULL, *good = base_tensor(w, k).p;
    return making->variant % 2 ? array_of(w, good, wrong) : array_of(w, wrong, good);
}

static value two_dtypes(world *w, const kind *k)
{
    cnn_tensor *f64 = plain_of(w, context_of(w), CNN_F64, k->ndim, k->shape, false);
    cnn_tensor *i64 = plain_of(w, context_of(w), CNN_I64, k->ndim, k->shape, false);
    void *base = base_tensor(w, k).p;
    return array_of(w, making->variant ? i64 : f64, base);
}

static value two_shapes(world *w, const kind *k)
{
    cnn_tensor *t = plain_of(w, context_of(w), k->dtype, 1, (const int64_t[]){ 7 }, false);
    return array_of(w, base_tensor(w, k).p, k->plain ? t : cnn_input(tape_of(w), t));
}

static value same_twice(world *w, const kind *k)
{
    void *t = base_tensor(w, k).p;
    return array_of(w, t, t);
}

#define WRONG_ARRAYS                                                                                            \
    NO_POINTER, MADE("[NULL, x]", BAD, one_wrong, 0), MADE("[x, NULL]", BAD, one_wrong, 1),                     \
        MADE("[nil, x]", NIL, one_wrong, 2), MADE("[x, nil]", NIL, one_wrong, 3),                               \
        MADE("[past, x]", BAD, one_wrong, 4), MADE("[x, past]", BAD, one_wrong, 5),                             \
        MADE("[x, dropped]", BAD, one_wrong, 11)
static const candidate tensor_arrays[] = { MADE("good", GOOD, two_tensors, 0), WRONG_ARRAYS,
                                           MADE("[other tape, x]", MAY, one_wrong, 6),
                                           MADE("[x, other tape]", MAY, one_wrong, 7),
                                           MADE("[other context, x]", MAY, one_wrong, 8),
                                           MADE("[x, other context]", MAY, one_wrong, 9),
                                           MADE("two dtypes", MAY, two_dtypes, 0), MADE("two shapes", MAY, two_shapes, 0),
                                           MADE("one twice", MAY, same_twice, 0) };
static const candidate parameter_arrays[] = { MADE("good", GOOD, two_tensors, 0), WRONG_ARRAYS,
                                              MADE("[x, other context]", BAD, one_wrong, 9),
                                              MADE("[x, on a tape]", BAD, one_wrong, 13),
                                              MADE("[x, in a group already]", BAD, one_wrong, 15),
                                              MADE("int64", BAD, two_dtypes, 1), MADE("one twice", BAD, same_twice, 0) };
static value check_inputs(world *w, const kind *k)
{
    value array = two_tensors(w, k);
    cnn_tensor_set_requires_grad(((void **)array.p)[0], true);
    return array;
}
static value check_inputs_f32(world *w, const kind *k)
{
    (void)k;
    cnn_tensor *t = matrix_of(w);
    cnn_tensor_set_requires_grad(t, true);
    return array_of(w, t, t);
}
static const candidate check_arrays[] = { MADE("good", GOOD, check_inputs, 0), WRONG_ARRAYS,
                                          MADE("[x, other context]", BAD, one_wrong, 9),
                                          MADE("float32", BAD, check_inputs_f32, 0) };
static const kind kind_tensors = { "tensors", CANDIDATES(tensor_arrays), CNN_F32, 2, { 2, 3 }, false, false, NULL, 0 };
PLAIN(parameters, parameter_arrays);
static const kind kind_check_inputs = { "inputs", CANDIDATES(check_arrays), CNN_F64, 2, { 2, 3 }, false, true, NULL, 0 };

static cnn_module *fresh_module(world *w)
{
    return keep(w, cnn_relu_new(context_of(w)), release_module);
}

static value two_modules(world *w, const kind *k)
{
    (void)k;
    cnn_module *a = fresh_module(w);
    switch (making->variant) {
    case 0: return array_of(w, a, fresh_module(w));
    case 1: return array_of(w, NULL, a);
    case 2: return array_of(w, a, NULL);
    case 3: return array_of(w, a, a);
    case 4: return array_of(w, a, parent_of(w));
    default: return array_of(w, a, keep(w, cnn_relu_new(other_context_of(w)), release_module));
    }
}

static const candidate child_arrays[] = { MADE("good", GOOD, two_modules, 0), NO_POINTER,
                                          MADE("[NULL, m]", BAD, two_modules, 1), MADE("[m, NULL]", BAD, two_modules, 2),
                                          MADE("one twice", BAD, two_modules, 3),
                                          MADE("[m, another's child]", BAD, two_modules, 4),
                                          MADE("[m, of another context]", BAD, two_modules, 5) };
static const kind kind_children = { "children", CANDIDATES(child_arrays), 0, 0, { 0 }, false, false, NULL, 0 };

/* ---- objects ---- */

#define OBJECT(name, list) static const kind kind_##name = { #name, CANDIDATES(list), 0, 0, { 0 }, false, false, NULL, 0 }
#define MAKER(name, expression)                         \
    static value make_##name(world *w, const kind *k)   \
    {                                                   \
        (void)w;                                        \
        (void)k;                                        \
        return pointer(expression);                     \
    }

MAKER(context, context_of(w))
static const candidate contexts[] = { MADE("good", GOOD, make_context, 0), NO_POINTER };
OBJECT(context, contexts);

MAKER(tape, tape_of(w))
MAKER(failed_tape, failed_tape_of(w))
MAKER(fresh_tape, keep(w, cnn_tape_new(context_of(w)), release_tape))
MAKER(foreign_tape, keep(w, cnn_tape_new(other_context_of(w)), release_tape))
static const candidate tapes[] = { MADE("good", GOOD, make_tape, 0), NO_POINTER,
                                   MADE("of a failed step", MAY, make_failed_tape, 0),
                                   MADE("without a step", MAY, make_fresh_tape, 0),
                                   MADE("of another context", MAY, make_foreign_tape, 0) };
OBJECT(tape, tapes);

MAKER(module, module_of(w))
MAKER(foreign_module, keep(w, new_model(other_context_of(w)), release_module))
static const candidate modules[] = { MADE("good", GOOD, make_module, 0), NO_POINTER,
                                     MADE("of another context", MAY, make_foreign_module, 0) };
OBJECT(module, modules);

MAKER(second_module, keep(w, new_model(context_of(w)), release_module))
MAKER(fresh_module, fresh_module(w))
static const candidate sources[] = { MADE("good", GOOD, make_second_module, 0), NO_POINTER,
                                     MADE("of another structure", BAD, make_fresh_module, 0),
                                     MADE("itself", MAY, make_module, 0),
                                     MADE("of another context", MAY, make_foreign_module, 0) };
OBJECT(source, sources);

MAKER(parent, parent_of(w))
static const candidate parents[] = { MADE("good", GOOD, make_parent, 0), NO_POINTER,
                                     MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(parent, parents);

MAKER(grandchild, (parent_of(w), cnn_module_child(w->parent, 0, NULL)))
MAKER(grandparent, (parent_of(w), w->grandparent))
static const candidate children[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                      MADE("a child already", BAD, make_grandchild, 0),
                                      MADE("its own parent", BAD, make_parent, 0),
                                      MADE("an ancestor", BAD, make_grandparent, 0),
                                      MADE("of another context", BAD, make_foreign_module, 0) };
OBJECT(child, children);
static const candidate free_modules[] = { MADE("good", GOOD, make_fresh_module, 0), NO_POINTER,
                                          MADE("a parent's", BAD, make_parent, 0) };
OBJECT(free_module, free_modules);

MAKER(optimizer, optimizer_of(w))
static const candidate optimizers[] = { MADE("good", GOOD, make_optimizer, 0), NO_POINTER };
OBJECT(optimizer, optimizers);

MAKER(dataset, keep(w, new_dataset(w), release_dataset))
static const candidate datasets[] = { MADE("good", GOOD, make_dataset, 0), NO_POINTER };
OBJECT(dataset, datasets);

static value used_dataset(world *w, const kind *k)
{
    (void)k;
    cnn_dataset *dataset = keep(w, new_dataset(w), release_dataset);
    keep(w, cnn_loader_new(cnn_dataset_share(dataset), 2, .no_background = true), release_loader);
    return pointer(dataset);
}

static value dataset_of_callbacks(world *w, const kind *k)
{
    (void)k;
    const int64_t shape[] = { 1, 4, 4 };
    cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 4, .image_ndim = 3,
                                        .image_shape = shape, .label_dtype = CNN_I64, .get = get_sample };
    return pointer(keep(w, cnn_dataset_from_callbacks(context_of(w), &callbacks), release_dataset));
}
static const candidate normal_datasets[] = { MADE("good", GOOD, make_dataset, 0), NO_POINTER,
                                             MADE("used by a loader", BAD, used_dataset, 0),
                                             MADE("of callbacks", BAD, dataset_of_callbacks, 0) };
OBJECT(normal_dataset, normal_datasets);

MAKER(loader, loader_of(w))
static const candidate loaders[] = { MADE("good", GOOD, make_loader, 0), NO_POINTER };
OBJECT(loader, loaders);

/* ---- numbers ---- */

#define NUMBERS(name, ...)                                              \
    static const candidate numbers_##name[] = { __VA_ARGS__ };          \
    OBJECT(name, numbers_##name)
#define LEAST64 NUMBER("INT64_MIN", BAD, INT64_MIN)
#define LARGEST64 NUMBER("INT64_MAX", BAD, INT64_MAX)
#define LEAST NUMBER("INT_MIN", BAD, INT_MIN)
#define LARGEST NUMBER("INT_MAX", BAD, INT_MAX)
#define MINUS_ONE NUMBER("-1", BAD, -1)

NUMBERS(positive, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, LARGEST64,
        NUMBER("2^62", BAD, (int64_t)1 << 62), NUMBER("2^33", BAD, (int64_t)1 << 33));
NUMBERS(batch_size, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(epoch, NUMBER("good", GOOD, 2), NUMBER("0", MAY, 0), MINUS_ONE, LEAST64, LARGEST64,
        NUMBER("2^40", MAY, (int64_t)1 << 40));
NUMBERS(sample, NUMBER("good", GOOD, 1), MINUS_ONE, NUMBER("4", BAD, 4), LEAST64, LARGEST64);
NUMBERS(index, NUMBER("good", GOOD, 0), MINUS_ONE, LEAST, NUMBER("past the end", MAY, 100), NUMBER("INT_MAX", MAY, INT_MAX));
NUMBERS(group, NUMBER("good", GOOD, 0), MINUS_ONE, NUMBER("1", BAD, 1), LEAST, LARGEST);
NUMBERS(group_or_all, NUMBER("good", GOOD, 0), NUMBER("-1", GOOD, -1), NUMBER("-2", BAD, -2), NUMBER("1", BAD, 1), LEAST,
        LARGEST);
NUMBERS(channels, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, NUMBER("7", BAD, 7), LEAST, LARGEST);
NUMBERS(any_size, NUMBER("good", GOOD, 1), NUMBER("0", MAY, 0), NUMBER("-1", MAY, -1),
        NUMBER("INT64_MIN", MAY, INT64_MIN), NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(step, NUMBER("good", GOOD, 1), NUMBER("0", BAD, 0), MINUS_ONE, LEAST64, NUMBER("INT64_MAX", MAY, INT64_MAX));
NUMBERS(ndim, NUMBER("good", GOOD, 2), MINUS_ONE, NUMBER("9", BAD, 9), LEAST, LARGEST, NUMBER("0", MAY, 0),
        NUMBER("1", MAY, 1));
NUMBERS(dim, NUMBER("good", GOOD, 0), NUMBER("-1", MAY, -1), NUMBER("8", BAD, 8), NUMBER("-9", BAD, -9), LEAST, LARGEST);
NUMBERS(end_dim, NUMBER("good", GOOD, 1), NUMBER("-1", MAY, -1), NUMBER("8", BAD, 8), NUMBER("-9", BAD, -9), LEAST, LARGEST);
NUMBERS(count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("0", MAY, 0), NUMBER("1", MAY, 1));
NUMBERS(bounded_count, NUMBER("good", GOOD, 2), NUMBER("0", BAD, 0), MINUS_ONE, LEAST, NUMBER("17", BAD, 17), LARGEST,
        NUMBER("1", MAY, 1));
NUMBERS(child_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("0", MAY, 0));
NUMBERS(reduce_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("3", BAD, 3), NUMBER("9", BAD, 9), LARGEST,
        NUMBER("0", MAY, 0), NUMBER("1", MAY, 1));
NUMBERS(rank_count, NUMBER("good", GOOD, 2), MINUS_ONE, LEAST, NUMBER("3", BAD, 3), NUMBER("9", BAD, 9), LARGEST,
        NUMBER("0", BAD, 0), NUMBER("1", BAD, 1));
NUMBERS(boolean, NUMBER("good", GOOD, 1), NUMBER("false", MAY, 0));
NUMBERS(any_int, NUMBER("good", GOOD, 0), NUMBER("-99", MAY, -99), NUMBER("INT_MIN", MAY, INT_MIN),
        NUMBER("INT_MAX", MAY, INT_MAX));
#define NO_ENUM NUMBER("99", BAD, 99), MINUS_ONE, LEAST, LARGEST
NUMBERS(dtype, NUMBER("good", GOOD, CNN_F32), NUMBER("6", BAD, 6), NO_ENUM, NUMBER("float64", MAY, CNN_F64),
        NUMBER("int64", MAY, CNN_I64), NUMBER("uint8", MAY, CNN_U8), NUMBER("bool", MAY, CNN_BOOL));
NUMBERS(real, NUMBER("good", GOOD, CNN_F32), NUMBER("6", BAD, 6), NO_ENUM, NUMBER("float64", MAY, CNN_F64),
        NUMBER("int64", BAD, CNN_I64), NUMBER("bool", BAD, CNN_BOOL));
NUMBERS(mode, NUMBER("good", GOOD, CNN_TRAIN), NUMBER("4", BAD, 4), NO_ENUM);
NUMBERS(split, NUMBER("good", GOOD, CNN_MNIST_TEST), NUMBER("2", BAD, 2), NO_ENUM);
NUMBERS(bytes, NUMBER("good", GOOD, 24), NUMBER("0", BAD, 0), NUMBER("23", BAD, 23), NUMBER("25", BAD, 25),
        NUMBER("SIZE_MAX", BAD, -1));
NUMBERS(text_size, NUMBER("good", GOOD, 64), NUMBER("1", MAY, 1), NUMBER("0", MAY, 0));

#define NOT_FINITE REAL("NaN", BAD, NAN), REAL("inf", BAD, INFINITY), REAL("-inf", BAD, -INFINITY)
#define ANY_REAL REAL("NaN", MAY, NAN), REAL("inf", MAY, INFINITY), REAL("-inf", MAY, -INFINITY), REAL("1e308", MAY, 1e308)
NUMBERS(any_double, REAL("good", GOOD, 1), ANY_REAL, REAL("-1", MAY, -1));
NUMBERS(any_low, REAL("good", GOOD, 0), ANY_REAL);
NUMBERS(any_high, REAL("good", GOOD, 1), ANY_REAL);
NUMBERS(finite, REAL("good", GOOD, 0), NOT_FINITE, REAL("-1e308", BAD, -1e308));
NUMBERS(finite_end, REAL("good", GOOD, 3), NOT_FINITE, REAL("1e308", BAD, 1e308), REAL("-1", MAY, -1),
        REAL("1000", MAY, 1000));
NUMBERS(finite_step, REAL("good", GOOD, 1), NOT_FINITE, REAL("0", BAD, 0), REAL("1e-300", BAD, 1e-300), REAL("-1", MAY, -1));
NUMBERS(probability, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("-0.1", BAD, -0.1), REAL("1.1", BAD, 1.1));
NUMBERS(rate, REAL("good", GOOD, 0.5), NOT_FINITE, REAL("-0.1", BAD, -0.1));

/* ---- arrays of numbers ---- */

static const int64_t good_shape[8] = { 2, 3, 1, 1, 1, 1, 1, 1 };
static const int64_t shape_negative[8] = { 2, -5 }, shape_least[8] = { INT64_MIN, 3 };
static const int64_t shape_product[8] = { INT64_MAX, 2 }, shape_wraps[8] = { (int64_t)1 << 62, 8 };
static const int64_t shape_square[8] = { (int64_t)1 << 32, (int64_t)1 << 32 }, shape_inferred[8] = { -1, 3 };
static const int64_t shape_empty[8] = { 0, INT64_MAX }, shape_empty_wraps[8] = { 0, -1 };
NUMBERS(shape, ADDRESS("good", GOOD, good_shape), NO_POINTER, ADDRESS("[2,-5]", BAD, shape_negative),
        ADDRESS("[INT64_MIN,3]", BAD, shape_least), ADDRESS("[INT64_MAX,2]", BAD, shape_product),
        ADDRESS("[2^62,8]", BAD, shape_wraps), ADDRESS("[2^32,2^32]", BAD, shape_square),
        ADDRESS("[-1,3]", MAY, shape_inferred), ADDRESS("[0,INT64_MAX]", MAY, shape_empty),
        ADDRESS("[0,-1]", BAD, shape_empty_wraps));

static const int good_dims[8] = { 1, 0 }, dims_twice[8] = { 0, 0 }, dims_again[8] = { 1, -1 }, dims_past[8] = { 2, 0 };
static const int dims_far[8] = { INT_MIN, INT_MAX }, dims_negative[8] = { -1, -2 }, dims_below[8] = { 0, -3 };
NUMBERS(dims, ADDRESS("good", GOOD, good_dims), NO_POINTER, ADDRESS("[0,0]", BAD, dims_twice),
        ADDRESS("[1,-1]", BAD, dims_again), ADDRESS("[2,0]", BAD, dims_past), ADDRESS("[0,-3]", BAD, dims_below),
        ADDRESS("[INT_MIN,INT_MAX]", BAD, dims_far), ADDRESS("[-1,-2]", MAY, dims_negative));

static const double good_mean[1] = { 0.1 }, good_std[1] = { 0.3 }, no_number[1] = { NAN }, infinite[1] = { INFINITY };
static const double nothing[1] = { 0 }, below[1] = { -1 };
NUMBERS(mean, ADDRESS("good", GOOD, good_mean), NO_POINTER, ADDRESS("NaN", BAD, no_number), ADDRESS("inf", BAD, infinite));
NUMBERS(std, ADDRESS("good", GOOD, good_std), NO_POINTER, ADDRESS("NaN", BAD, no_number), ADDRESS("inf", BAD, infinite),
        ADDRESS("0", BAD, nothing), ADDRESS("-1", BAD, below));

static _Alignas(64) unsigned char element_data[4096];
NUMBERS(data, ADDRESS("good", GOOD, element_data), NO_POINTER);

MAKER(scratch, w->scratch[w->outs++ % 4])
static const candidate outs[] = { MADE("good", GOOD, make_scratch, 0), NO_POINTER };
OBJECT(out, outs);
OBJECT(buffer, outs);
OBJECT(text, outs);
OBJECT(random, outs);

static const candidate users[] = { ADDRESS("good", GOOD, 0) };
OBJECT(user, users);

static const candidate deleters[] = { { "good", GOOD, NULL, { .f = (void (*)(void))delete_data }, 0 }, NO_POINTER };
OBJECT(deleter, deleters);
static const candidate functions[] = { { "good", GOOD, NULL, { .f = (void (*)(void))checked_function }, 0 }, NO_POINTER };
OBJECT(function, functions);

/* ---- names and paths ---- */

static char long_text[5001];
static value make_long(world *w, const kind *k)
{
    (void)w;
    (void)k;
    memset(long_text, 'x', sizeof long_text - 1);
    return pointer(long_text);
}

NUMBERS(new_name, ADDRESS("good", GOOD, "fresh"), NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("a.b", BAD, "a.b"),
        ADDRESS("used already", BAD, "0"), MADE("5000 letters", MAY, make_long, 0), ADDRESS("newline", MAY, "a\nb"));
NUMBERS(known_name, ADDRESS("good", GOOD, "0.weight"), NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("no name", BAD, "nope"),
        ADDRESS(".", BAD, "."), ADDRESS("0.", BAD, "0."), ADDRESS(".weight", BAD, ".weight"), ADDRESS("format", BAD, "%s%n"),
        MADE("5000 letters", BAD, make_long, 0));

MAKER(file, (making->variant == 0   ? world_file("module")
             : making->variant == 1 ? world_file("checkpoint")
             : making->variant == 2 ? world_file("train-images-idx3-ubyte")
             : making->variant == 3 ? world_file("garbage")
             : making->variant == 4 ? world_file("out")
                                    : world_file(".")))
#define WRONG_FILES                                                                                      \
    NO_POINTER, ADDRESS("empty", BAD, ""), ADDRESS("in no folder", BAD, "/nonexistent/folder/file"),     \
        MADE("a folder", BAD, make_file, 5), MADE("5000 letters", BAD, make_long, 0)
#define WRONG_INPUTS WRONG_FILES, MADE("garbage", BAD, make_file, 3), ADDRESS("no file", BAD, "/nonexistent")
NUMBERS(save_path, MADE("good", GOOD, make_file, 4), WRONG_FILES);
NUMBERS(module_path, MADE("good", GOOD, make_file, 0), WRONG_INPUTS);
NUMBERS(checkpoint_path, MADE("good", GOOD, make_file, 1), WRONG_INPUTS, MADE("not a checkpoint", BAD, make_file, 0));
NUMBERS(idx_path, MADE("good", GOOD, make_file, 2), WRONG_INPUTS);
NUMBERS(directory, MADE("good", GOOD, make_file, 5), NO_POINTER, ADDRESS("empty", BAD, ""),
        ADDRESS("no folder", BAD, "/nonexistent"), MADE("a file", BAD, make_file, 3), MADE("5000 letters", BAD, make_long, 0));

static const char *const good_names[] = { "a", "b" }, *const names_null[] = { "a", NULL }, *const names_twice[] = { "a", "a" };
static const char *const names_reserved[] = { "__metadata__", "b" }, *const names_utf8[] = { "\xff\xfe", "b" };
NUMBERS(names, ADDRESS("good", GOOD, good_names), NO_POINTER, ADDRESS("[a, NULL]", BAD, names_null),
        ADDRESS("[a, a]", BAD, names_twice), ADDRESS("[__metadata__, b]", BAD, names_reserved),
        ADDRESS("no UTF-8", BAD, names_utf8));

/* ---- options ---- */

static void *new_options(world *w, const kind *k)
{
    void *options = w->options[w->option_count++ % 4];
    memset(options, 0, 2 * SCRATCH);
    memcpy(options, &k->size, sizeof k->size);
    k->init(w, options);
    return options;
}

static value good_options(world *w, const kind *k)
{
    return pointer(new_options(w, k));
}

static value sized_options(world *w, const kind *k)
{
    unsigned char *options = new_options(w, k);
    const size_t sizes[] = { 0, 1, sizeof(size_t), k->size - 1, SIZE_MAX, SIZE_MAX / 2, 1 << 20 };
    memcpy(options, &sizes[making->variant], sizeof(size_t));
    return pointer(options);
}

static value tailed_options(world *w, const kind *k)
{
    unsigned char *options = new_options(w, k);
    size_t size = k->size + 16;
    memcpy(options, &size, sizeof size);
    options[k->size + 9] = (unsigned char)making->variant;
    return pointer(options);
}

static const candidate option_candidates[] = {
    MADE("good", GOOD, good_options, 0), NO_POINTER, MADE("struct_size 0", BAD, sized_options, 0),
    MADE("struct_size 1", BAD, sized_options, 1), MADE("struct_size covers no field", BAD, sized_options, 2),
    MADE("struct_size cuts a field", BAD, sized_options, 3), MADE("struct_size SIZE_MAX", BAD, sized_options, 4),
    MADE("struct_size SIZE_MAX / 2", BAD, sized_options, 5), MADE("struct_size 2^20", BAD, sized_options, 6),
    MADE("newer, tail zero", GOOD, tailed_options, 0), MADE("newer, tail set", BAD, tailed_options, 1)
};

#define OPTIONS(name, type, ...)                                                                              \
    static void init_##name(world *w, void *options)                                                          \
    {                                                                                                         \
        (void)w;                                                                                              \
        *(type *)options = (type){ .struct_size = sizeof(type), __VA_ARGS__ };                                \
    }                                                                                                         \
    static const kind kind_##name = { #name, CANDIDATES(option_candidates), 0, 0, { 0 }, false, false,        \
                                      init_##name, sizeof(type) }
OPTIONS(context_options, cnn_context_options, .threads = 1);
OPTIONS(conv2d_options, cnn_conv2d_options, .kernel = 3);
OPTIONS(maxpool2d_options, cnn_maxpool2d_options, .kernel = 2);
OPTIONS(linear_options, cnn_linear_options, .no_bias = true);
OPTIONS(module_options, cnn_module_options, .forward = forward_user, .user = w, .free_user = free_user);
OPTIONS(adam_options, cnn_adam_options, .lr = 0.1);
OPTIONS(sgd_options, cnn_sgd_options, .lr = 0.1);
OPTIONS(loader_options, cnn_loader_options, .no_background = true);
OPTIONS(cross_entropy_options, cnn_cross_entropy_options, .label_smoothing = 0.1);
OPTIONS(gradcheck_options, cnn_gradcheck_options, .eps = 1e-6);
OPTIONS(custom_op, cnn_custom_op, .name = "copy", .infer = infer_like_first, .forward = forward_copy);
OPTIONS(checkpoint, cnn_checkpoint, .module = module_of(w), .optimizer = optimizer_of(w), .epoch = 3);
static const int64_t callback_shape[] = { 1, 4, 4 };
OPTIONS(dataset_callbacks, cnn_dataset_callbacks, .size = 4, .image_ndim = 3, .image_shape = callback_shape,
        .label_dtype = CNN_I64, .get = get_sample, .free_user = free_user, .user = w);

#endif
