/* The tensors, and the arrays of tensors and modules, that calls are tried with (bad_values.h). */
#ifndef CNN_TESTS_TRUST_BAD_TENSORS_H
#define CNN_TESTS_TRUST_BAD_TENSORS_H

#include "bad_kinds.h"

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

/* On a thread that has begun no step a failure counts for none. */
static void *fail_outside_of_steps(void *unused)
{
    (void)unused;
    return cnn_relu(NULL);
}

static value tensor_nil_of_no_tape(world *w, const kind *k)
{
    (void)w;
    (void)k;
    pthread_t thread;
    void *nil = NULL;
    if (pthread_create(&thread, NULL, fail_outside_of_steps, NULL) == 0) {
        pthread_join(thread, &nil);
    }
    return pointer(nil);
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
OPERAND(line, CNN_F32, false, 1, 1, 8);
OPERAND(columns, CNN_F32, false, 1, 4, 1);
OPERAND(filter, CNN_F32, false, 2, 1, 3, 3);
OPERAND(filter_bias, CNN_F32, false, 2);
OPERAND(line_filter, CNN_F32, false, 2, 1, 3);
OPERAND(line_spread, CNN_F32, false, 1, 2, 3);
OPERAND(image_spread, CNN_F32, false, 1, 2, 3, 3);
OPERAND(volume, CNN_F32, false, 1, 1, 4, 4, 4);
OPERAND(volume_filter, CNN_F32, false, 2, 1, 3, 3, 3);
OPERAND(volume_spread, CNN_F32, false, 1, 2, 3, 3, 3);
OPERAND(channel_values, CNN_F32, false, 1);
OPERAND(condition, CNN_BOOL, false, 2, 3);
OPERAND(target, CNN_I64, true, 2);
OPERAND(index_grid, CNN_I64, true, 2, 2);
OPERAND(bits, CNN_I64, false, 2, 3);
OPERAND(row_values, CNN_F32, false, 2);
OPERAND(sequence, CNN_F32, false, 2, 2, 3);
OPERAND(lstm_state, CNN_F32, false, 2, 3);
OPERAND(lstm_states, CNN_F32, false, 1, 2, 3);
OPERAND(lstm_weight, CNN_F32, false, 12, 3);
OPERAND(lstm_bias, CNN_F32, false, 12);
OPERAND(gru_weight, CNN_F32, false, 9, 3);
OPERAND(gru_bias, CNN_F32, false, 9);
OPERAND(lengths_of, CNN_I64, true, 2);
OPERAND(one_element, CNN_F32, false, 1);
OPERAND(one_label, CNN_I64, true, 1);
static const kind kind_plain = { "plain", CANDIDATES(plains), CNN_F32, 2, { 2, 3 }, false, true, NULL, 0 };

static const kind kind_kernel_values = { "plain", CANDIDATES(plains), CNN_F32, 3, { 2, 3, 3 }, false, true, NULL, 0 };

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
/* What a hook can be on. */
static const candidate hooked_results[] = { MADE("good", GOOD, loss, 1), WRONG_TENSORS, MADE("scalar", MAY, loss, 0),
                                            MADE("requires no gradient", BAD, not_differentiable, 0),
                                            MADE("on no tape", BAD, tensor_plain, 0) };
static const kind kind_hooked = { "hooked", CANDIDATES(hooked_results), CNN_F32, 2, { 2, 3 }, false, false, NULL, 0 };
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
#define WRONG_PARAMETERS                                                                     \
    WRONG_ARRAYS, MADE("[x, other context]", BAD, one_wrong, 9), MADE("[x, on a tape]", BAD, one_wrong, 13), \
        MADE("int64", BAD, two_dtypes, 1), MADE("one twice", BAD, same_twice, 0)
static const candidate parameter_arrays[] = { MADE("good", GOOD, two_tensors, 0), WRONG_PARAMETERS,
                                              MADE("[x, in a group already]", BAD, one_wrong, 15) };
static const candidate first_parameters[] = { MADE("good", GOOD, two_tensors, 0), WRONG_PARAMETERS,
                                              MADE("[x, in a group of another]", MAY, one_wrong, 15) };
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
/* The function is handed the first one alone. */
static const candidate image_arrays[] = { MADE("good", GOOD, two_tensors, 0), NO_POINTER, MADE("[NULL]", BAD, one_wrong, 0),
                                          MADE("[nil]", NIL, one_wrong, 2), MADE("[past]", BAD, one_wrong, 4),
                                          MADE("[other tape]", BAD, one_wrong, 6), MADE("[other context]", BAD, one_wrong, 8),
                                          MADE("int64", MAY, two_dtypes, 1) };
static const kind kind_image_list = { "images", CANDIDATES(image_arrays), CNN_F32, 4, { 1, 1, 8, 8 }, false, false, NULL, 0 };
/* A loss of the module's first parameter, and that parameter: one output and one input of cnn_grad(). */
static value grad_outputs(world *w, const kind *k)
{
    (void)k;
    void *loss = cnn_sum(cnn_input(tape_of(w), cnn_module_parameter(module_of(w), 0)), CNN_ALL_DIMS, false);
    return array_of(w, loss, loss);
}
static value grad_inputs(world *w, const kind *k)
{
    (void)k;
    void *parameter = cnn_module_parameter(module_of(w), 0);
    return array_of(w, parameter, parameter);
}
static const candidate grad_output_arrays[] = { MADE("good", GOOD, grad_outputs, 0), NO_POINTER, MADE("[NULL]", BAD, one_wrong, 0),
                                                MADE("[nil]", NIL, one_wrong, 2), MADE("[past]", BAD, one_wrong, 4) };
static const candidate grad_input_arrays[] = { MADE("good", GOOD, grad_inputs, 0), NO_POINTER, MADE("[NULL]", BAD, one_wrong, 0),
                                               MADE("[nil]", NIL, one_wrong, 2), MADE("[past]", BAD, one_wrong, 4),
                                               MADE("[other tape]", BAD, one_wrong, 6), MADE("[other context]", BAD, one_wrong, 8),
                                               MADE("[unused]", BAD, two_tensors, 0) };
static const kind kind_grad_outputs = { "outputs", CANDIDATES(grad_output_arrays), CNN_F32, 2, { 2, 3 }, false, false, NULL, 0 };
static const kind kind_grad_inputs = { "inputs", CANDIDATES(grad_input_arrays), CNN_F32, 2, { 2, 3 }, false, false, NULL, 0 };
PLAIN(parameters, parameter_arrays);

/* ---- what metrics read: from any tape, and from none ---- */

static const candidate metric_scores[] = { MADE("good", GOOD, tensor_plain, 0), WRONG_TENSORS,
                                           MADE("on a tape", GOOD, tensor_on_tape, 0),
                                           MADE("int64", BAD, tensor_of_dtype, CNN_I64), MADE("rank 0", BAD, tensor_of_rank, 0),
                                           MADE("rank 3", BAD, tensor_of_rank, 3),
                                           MADE("of another context", BAD, tensor_of_other_context, 0) };
static value two_classes(world *w, const kind *k)
{
    const int64_t classes[2] = { 0, 1 };
    cnn_tensor *t = plain_of(w, context_of(w), CNN_I64, k->ndim, k->shape, true);
    cnn_tensor_write(t, classes, sizeof classes);
    return pointer(t);
}
static const candidate metric_labels[] = { MADE("good", GOOD, two_classes, 0), WRONG_TENSORS,
                                           MADE("float64", BAD, tensor_of_dtype, CNN_F64), MADE("rank 0", BAD, tensor_of_rank, 0),
                                           MADE("rank 3", BAD, tensor_of_rank, 3),
                                           MADE("of another context", BAD, tensor_of_other_context, 0) };
static const kind kind_metric_scores = { "scores", CANDIDATES(metric_scores), CNN_F32, 2, { 2, 2 }, false, true, NULL, 0 };
static const kind kind_metric_labels = { "labels", CANDIDATES(metric_labels), CNN_I64, 1, { 2 }, true, true, NULL, 0 };
PLAIN(first_parameters, first_parameters);
static const candidate clipped_arrays[] = { MADE("good", GOOD, two_tensors, 0), WRONG_ARRAYS,
                                            MADE("[x, other context]", BAD, one_wrong, 9),
                                            MADE("[x, on a tape]", BAD, one_wrong, 13), MADE("int64", MAY, two_dtypes, 1),
                                            MADE("one twice", MAY, same_twice, 0) };
PLAIN(clipped, clipped_arrays);
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

/* Modules that are run, whoever owns them. */
static value two_run_modules(world *w, const kind *k)
{
    (void)k;
    cnn_module *a = fresh_module(w);
    switch (making->variant) {
    case 0: return array_of(w, a, fresh_module(w));
    case 1: return array_of(w, NULL, a);
    case 2: return array_of(w, a, NULL);
    case 3: return array_of(w, a, a);
    default: return array_of(w, a, keep(w, cnn_relu_new(other_context_of(w)), release_module));
    }
}

static const candidate chains[] = { MADE("good", GOOD, two_run_modules, 0), NO_POINTER,
                                    MADE("[NULL, m]", BAD, two_run_modules, 1), MADE("[m, NULL]", BAD, two_run_modules, 2),
                                    MADE("one twice", MAY, two_run_modules, 3),
                                    MADE("[m, of another context]", BAD, two_run_modules, 4) };
static const kind kind_chain = { "chain", CANDIDATES(chains), 0, 0, { 0 }, false, false, NULL, 0 };

#endif
