/* Layers of normalisation against fixtures of PyTorch: a case has the layer's weight and bias, and NAME/0, NAME/1, … are steps with
 * x, y, the buffers behind the step and, where gradients are compared, a seed and the gradients of x, weight and bias. Steps train, and
 * the last one evaluates. A layer with running statistics trains ten steps at least.
 *
 * The file that includes this defines NORM_FIXTURE(name), the file of a case. */
#ifndef CNN_TESTS_SUPPORT_NORM_FIXTURE_H
#define CNN_TESTS_SUPPORT_NORM_FIXTURE_H

#include "support/elements.h"
#include "support/fixtures.h"
#include "support/metered_tape.h"

enum { NORM_STATE_STEPS = 10 };

static inline cnn_tensor *norm_part(const char *name, const char *part)
{
    return fixture(ctx, NORM_FIXTURE(name), name, part);
}

/* Sets a parameter from the case's tensor of that name; both have it or neither. */
static inline void norm_take(cnn_module *module, const char *name, const char *parameter)
{
    cnn_tensor *value = norm_part(name, parameter), *own = cnn_module_find(module, parameter);
    ck_assert_msg(!value == !own, "%s: %s is there on one side alone", name, parameter);
    if (value) {
        ck_assert_int_eq(cnn_tensor_copy_from(own, value), CNN_OK);
        cnn_tensor_free(value);
    }
}

static inline void norm_compare(const char *name, const char *part, const cnn_tensor *given, double tolerance)
{
    cnn_tensor *expected = norm_part(name, part);
    ck_assert_msg(!given == !expected, "%s: %s is there on one side alone", name, part);
    if (expected) {
        tensors_agree(name, part, given, expected, tolerance);
        cnn_tensor_free(expected);
    }
}

static inline cnn_tensor *norm_operand(cnn_dtype dtype, const char *step, const char *part)
{
    cnn_tensor *wide = norm_part(step, part);
    if (!wide) {
        return NULL;
    }
    cnn_tensor *t = cnn_tensor_empty(ctx, dtype, cnn_tensor_ndim(wide), cnn_tensor_shape(wide));
    ck_assert_int_eq(cnn_tensor_copy_from(t, wide), CNN_OK);
    cnn_tensor_free(wide);
    return t;
}

/* Compares the gradients of x, weight and bias; false: the step has none. */
static inline bool norm_backward(cnn_module *module, cnn_dtype dtype, const char *step, cnn_tensor *x, cnn_tensor *y,
                                 double tolerance)
{
    cnn_tensor *wanted[3] = { x, cnn_module_find(module, "weight"), cnn_module_find(module, "bias") };
    cnn_tensor *seed = norm_operand(dtype, step, "seed");
    if (!seed) {
        return false;
    }
    ck_assert_int_eq(cnn_backward_with(y, seed, false), CNN_OK);
    for (int i = 0; i < 3; i++) {
        char part[16];
        snprintf(part, sizeof part, "grad%d", i);
        norm_compare(step, part, wanted[i] ? cnn_tensor_grad(wanted[i]) : NULL, tolerance);
    }
    cnn_tensor_free(seed);
    return true;
}

/* Whether the step compared gradients. */
static inline bool norm_step(cnn_module *module, cnn_dtype dtype, const char *step, cnn_mode mode, double tolerance)
{
    static const char *const buffers[] = { "running_mean", "running_var", "num_batches_tracked" };
    cnn_tensor *x = norm_operand(dtype, step, "x");
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, true), CNN_OK);
    ck_assert_int_eq(cnn_module_zero_grad(module), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, mode), CNN_OK);
    cnn_tensor *y = cnn_forward(module, cnn_input(tape, x));
    ck_assert_msg(cnn_tensor_status(y) == CNN_OK, "%s", cnn_tape_error(tape));
    norm_compare(step, "y", y, tolerance);
    bool compared = norm_backward(module, dtype, step, x, y, tolerance);
    for (int i = 0; i < 3; i++) {
        norm_compare(step, buffers[i], cnn_module_find(module, buffers[i]), tolerance);
    }
    cnn_tensor_free(x);
    return compared;
}

/* How many steps a case has. */
static inline int norm_steps(const char *case_name)
{
    for (int step = 0;; step++) {
        char part[16];
        snprintf(part, sizeof part, "%d/x", step);
        cnn_tensor *x = norm_part(case_name, part);
        if (!x) {
            return step;
        }
        cnn_tensor_free(x);
    }
}

/* All steps of a case; frees the module. */
static inline void norm_agrees(cnn_module *module, const char *case_name, cnn_dtype dtype)
{
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    norm_take(module, case_name, "weight");
    norm_take(module, case_name, "bias");
    const int steps = norm_steps(case_name);
    int compared = 0;
    ck_assert_int_gt(steps, cnn_module_find(module, "running_mean") ? NORM_STATE_STEPS : 2);
    for (int step = 0; step < steps; step++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%d", case_name, step);
        compared += norm_step(module, dtype, name, step + 1 < steps ? CNN_TRAIN : CNN_EVAL_GRAD, dtype == CNN_F64 ? 1e-11 : 2e-5);
    }
    ck_assert_int_ge(compared, 3);
    cnn_module_free(module);
}

#endif
