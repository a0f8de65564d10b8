/* A context whose memory is counted for each test of predictors, and the comparison of a predictor's results with a step's. */
#ifndef CNN_TESTS_SUPPORT_PREDICTOR_CASE_H
#define CNN_TESTS_SUPPORT_PREDICTOR_CASE_H

#include "support/elements.h"
#include "support/files.h"
#include "support/suite.h"

static cnn_context *ctx;

static void setup(void)
{
    ctx = metered_context(2);
}

static void teardown(void)
{
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}

/* Calls the predictor with the elements of the inputs and compares the outputs with those of a step, bit by bit. */
static inline void check_outputs(cnn_predictor *p, cnn_module *module, cnn_tensor *const *inputs, int input_count, int output_count)
{
    const void *in[8];
    void *out[8];
    cnn_tensor *outputs[8];
    for (int i = 0; i < input_count; i++) {
        in[i] = inputs[i] ? host_elements(inputs[i]) : NULL;
    }
    cnn_tape *tape = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_EVAL), CNN_OK);
    cnn_status status = cnn_forward_many(tape, module, inputs, input_count, outputs, output_count);
    ck_assert_msg(status == CNN_OK, "%s", cnn_tape_error(tape));
    for (int i = 0; i < output_count; i++) {
        cnn_predictor_value value = { .struct_size = sizeof value };
        ck_assert_int_eq(cnn_predictor_output(p, i, &value), CNN_OK);
        ck_assert_uint_eq(value.bytes, elements_size(outputs[i]));
        ck_assert_int_eq(value.ndim, cnn_tensor_ndim(outputs[i]));
        out[i] = malloc(value.bytes + 8);
        memset(out[i], 0x5a, value.bytes + 8);
    }
    ck_assert_msg(cnn_predictor_run(p, in, out) == CNN_OK, "%s", cnn_last_error(ctx));
    for (int i = 0; i < output_count; i++) {
        size_t bytes = elements_size(outputs[i]);
        unsigned char *expected = malloc(bytes + 1);
        ck_assert_int_eq(cnn_tensor_read(outputs[i], expected, bytes), CNN_OK);
        ck_assert_msg(memcmp(out[i], expected, bytes) == 0, "output %d differs", i);
        for (int k = 0; k < 8; k++) {
            ck_assert_int_eq(((unsigned char *)out[i])[bytes + (size_t)k], 0x5a);
        }
        free(expected);
        free(out[i]);
    }
    cnn_tape_free(tape);
}

/* A predictor of a module for inputs like these. */
static inline cnn_predictor *frozen(cnn_module *module, cnn_tensor *const *inputs, int input_count, int output_count)
{
    cnn_trace_input like[8];
    for (int i = 0; i < input_count; i++) {
        like[i] = (cnn_trace_input){ .shape = cnn_tensor_shape(inputs[i]),
                                     .ndim = cnn_tensor_ndim(inputs[i]),
                                     .dtype = cnn_tensor_dtype(inputs[i]) };
    }
    return cnn_predictor_create(module, like, input_count,
                                &(cnn_predictor_options){ .struct_size = sizeof(cnn_predictor_options), .output_count = output_count });
}

static inline void check_module(cnn_module *module, cnn_tensor *x)
{
    cnn_predictor *p = frozen(module, &x, 1, 1);
    ck_assert_msg(p != NULL, "%s", cnn_last_error(ctx));
    check_outputs(p, module, &x, 1, 1);
    check_outputs(p, module, &x, 1, 1); /* the memory of a call has been used now */
    cnn_predictor_free(p);
}

#endif
