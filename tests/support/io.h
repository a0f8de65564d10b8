/* What the tests of src/io share: a folder and a metered context for each test, a model with an optimizer, and comparison to
 * the bit. */
#ifndef CNN_TESTS_SUPPORT_IO_H
#define CNN_TESTS_SUPPORT_IO_H

#include "support/elements.h"
#include "support/files.h"
#include "support/suite.h"

static cnn_context *ctx;

static inline void setup(void)
{
    folder_make();
    ctx = metered_context(7);
}

/* Every test gives back all memory and leaves the library's own calls in place. */
static inline void teardown(void)
{
    faults_end();
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

static inline TCase *io_case(Suite *suite, const char *name)
{
    TCase *tests = suite_case(suite, name, setup, teardown);
    tcase_set_timeout(tests, 240);
    return tests;
}

static inline void assert_text(const char *path, const char *text)
{
    size_t size;
    unsigned char *data = file_get(path, &size);
    ck_assert_str_eq((const char *)data, text);
    free(data);
}

static inline void assert_same(const cnn_tensor *a, const cnn_tensor *b)
{
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(cnn_tensor_dtype(a), cnn_tensor_dtype(b));
    ck_assert_int_eq(cnn_tensor_ndim(a), cnn_tensor_ndim(b));
    ck_assert(cnn_tensor_numel(a) == cnn_tensor_numel(b));
    for (int i = 0; i < cnn_tensor_ndim(a); i++) {
        ck_assert(cnn_tensor_size(a, i) == cnn_tensor_size(b, i));
    }
    ck_assert(same_elements(a, b));
}

/* ---- models and optimizers ---- */

static inline cnn_module *make_model(int hidden)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3, .padding = 1), cnn_relu_new(ctx), cnn_flatten_new(ctx),
                              cnn_linear_new(ctx, 32, hidden), cnn_linear_new(ctx, hidden, 3));
}

/* All elements of all parameters, to be freed. */
static inline unsigned char *state_of(const cnn_module *module, size_t *size)
{
    *size = 0;
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        cnn_tensor *t = cnn_module_state(module, i);
        *size += (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    }
    unsigned char *all = malloc(*size + 1), *to = all;
    ck_assert_ptr_nonnull(all);
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        cnn_tensor *t = cnn_module_state(module, i);
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        ck_assert_int_eq(cnn_tensor_read(t, to, bytes), CNN_OK);
        to += bytes;
    }
    return all;
}

static inline void assert_state(const cnn_module *module, const unsigned char *expected, size_t size)
{
    size_t now_size;
    unsigned char *now = state_of(module, &now_size);
    ck_assert_uint_eq(now_size, size);
    ck_assert_mem_eq(now, expected, size);
    free(now);
}

typedef enum kind { ADAM, ADAMW, SGD, KINDS } kind;

static inline cnn_optimizer *make_optimizer(kind kind, cnn_module *model)
{
    return kind == ADAM    ? cnn_adam_new(model, .lr = 1e-2, .amsgrad = true)
           : kind == ADAMW ? cnn_adamw_new(model, .lr = 1e-2)
                           : cnn_sgd_new(model, .lr = 1e-2, .momentum = 0.9);
}

/* Steps on data that the context's random stream decides. */
static inline void train(cnn_module *model, cnn_optimizer *optimizer, int steps)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < steps; i++) {
        cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, 1, 4, 4));
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_dropout(cnn_forward(model, cnn_input(tape, x)), 0.3);
        cnn_optimizer_zero_grad(optimizer);
        cnn_backward(cnn_mean(cnn_mul(y, y), CNN_ALL_DIMS, false));
        ck_assert_msg(cnn_optimizer_step(optimizer) == CNN_OK, "%s", cnn_last_error(ctx));
        cnn_tensor_free(x);
    }
    cnn_tape_free(tape);
}

static inline cnn_status save_checkpoint(cnn_module *model, cnn_optimizer *optimizer, int64_t epoch, const char *path)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = optimizer, .epoch = epoch };
    return cnn_checkpoint_save(&c, path);
}

static inline cnn_status load_checkpoint(cnn_module *model, cnn_optimizer *optimizer, int64_t *epoch, const char *path)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = optimizer, .epoch = -5 };
    cnn_status status = cnn_checkpoint_load(&c, path);
    ck_assert(status == CNN_OK || c.epoch == -5);
    if (epoch) {
        *epoch = c.epoch;
    }
    return status;
}

#endif
