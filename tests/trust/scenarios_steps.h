/* Scenarios of what happens within a step beyond a forward and a backward: gradients of chosen tensors, hooks, forwards that run again,
 * looking for anomalies, layers of sequences, and statistics that a failed step must put back. What the arena of a tape holds is small,
 * so these ask for more than its first block has. */
#ifndef CNN_TESTS_TRUST_SCENARIOS_STEPS_H
#define CNN_TESTS_TRUST_SCENARIOS_STEPS_H

#include "trust/world.h"

enum { MANY_INPUTS = 300, MANY_HOOKS = 700, MANY_FORWARDS = 60 };

static cnn_tensor *wanted_input(world *w)
{
    cnn_tensor *x = keep(w, cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(4, 4)));
    return x && cnn_tensor_set_requires_grad(x, true) == CNN_OK ? x : NULL;
}

/* Some of the inputs are parameters; all the others are one tensor, which each gets a gradient for. */
static cnn_status take_gradients(world *w)
{
    cnn_tensor *inputs[MANY_INPUTS], *grads[MANY_INPUTS];
    TRY(make_tape(w));
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(w->model, cnn_input(w->tape, w->images)), w->labels);
    for (int i = 0; i < MANY_INPUTS; i++) {
        inputs[i] = cnn_module_parameter(w->model, i < cnn_module_parameter_count(w->model) ? i : 0);
    }
    cnn_status status = cnn_grad(&loss, 1, inputs, MANY_INPUTS, grads, NULL);
    for (int i = 0; i < MANY_INPUTS; i++) {
        ck_assert_msg(!grads[i] == (status != CNN_OK), "gradient %d is%s there", i, grads[i] ? "" : " not");
        ck_assert_ptr_null(cnn_tensor_grad(inputs[i]));
    }
    return status;
}

static cnn_tensor *halve(cnn_tensor *grad, void *user)
{
    ++*(int *)user;
    return cnn_mul_scalar(grad, 0.5);
}

/* The hooks of a result make its gradient anew, one after the other. */
static cnn_status hook_gradients(world *w)
{
    int calls = 0;
    cnn_tensor *x = wanted_input(w);
    TRY(got(w, x));
    TRY(make_tape(w));
    cnn_tensor *y = cnn_exp(cnn_input(w->tape, x));
    TRY(cnn_tape_status(w->tape));
    for (int i = 0; i < MANY_HOOKS; i++) {
        TRY(cnn_register_hook(y, halve, &calls));
    }
    TRY(cnn_backward_with(cnn_mul_scalar(y, 3), NULL, false));
    ck_assert_int_eq(calls, MANY_HOOKS);
    return CNN_OK;
}

/* Many parts, each of which runs again on the way back. */
static cnn_status recompute_parts(world *w)
{
    w->made[0] = cnn_sequential_new(w->ctx, cnn_linear_new(w->ctx, 4, 4), cnn_tanh_new(w->ctx), cnn_dropout_new(w->ctx, 0.5));
    TRY(got(w, w->made[0]));
    cnn_tensor *x = wanted_input(w);
    TRY(got(w, x));
    TRY(make_tape(w));
    cnn_tensor *y = cnn_input(w->tape, x);
    for (int i = 0; i < MANY_FORWARDS; i++) {
        y = cnn_forward_recomputed(w->made[0], y);
    }
    TRY(cnn_tape_status(w->tape));
    return cnn_backward_with(y, NULL, false);
}

/* Each operation notes the module it was called in, whose path lies in the arena. */
static cnn_status look_for_anomalies(world *w)
{
    cnn_module *inner = cnn_sequential_new(w->ctx, cnn_linear_new(w->ctx, 4, 4), cnn_tanh_new(w->ctx));
    w->made[0] = cnn_module_new(w->ctx, forward_first, .type = "Outer");
    if (!w->made[0]) {
        cnn_module_free(inner);
        return cnn_context_status(w->ctx);
    }
    TRY(got(w, cnn_module_add(w->made[0], "a_part_with_a_long_name_which_is_a_sequence_of_two_layers", inner)));
    TRY(got(w, cnn_module_add_parameter(w->made[0], "scale", cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(4)))));
    cnn_tensor *x = wanted_input(w);
    TRY(got(w, x));
    TRY(make_tape(w));
    TRY(cnn_tape_set_anomaly(w->tape, CNN_ANOMALY_NONFINITE));
    cnn_tensor *y = cnn_input(w->tape, x);
    for (int i = 0; i < MANY_FORWARDS; i++) {
        y = cnn_forward(w->made[0], y);
    }
    TRY(cnn_tape_status(w->tape));
    return cnn_backward_with(y, NULL, false);
}

/* ---- layers of sequences ---- */

/* Forward and backward of made[0] on three sequences of four steps, each of eight numbers. */
static cnn_status run_sequences(world *w)
{
    TRY(got(w, w->made[0]));
    cnn_tensor *x = keep(w, cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(4, 3, 8)));
    TRY(got(w, x));
    TRY(cnn_tensor_set_requires_grad(x, true));
    TRY(make_tape(w));
    cnn_tensor *y = cnn_forward(w->made[0], cnn_input(w->tape, x));
    TRY(cnn_tape_status(w->tape));
    return cnn_backward_with(y, NULL, false);
}

#define SEQUENCE_LAYER(name, expression)     \
    static cnn_status run_##name(world *w)   \
    {                                        \
        cnn_context *ctx = w->ctx;           \
        w->made[0] = expression;             \
        return run_sequences(w);             \
    }
SEQUENCE_LAYER(lstm, cnn_lstm_new(ctx, 8, 5, .num_layers = 2, .bidirectional = true, .dropout = 0.5))
SEQUENCE_LAYER(gru, cnn_gru_new(ctx, 8, 5, .num_layers = 2, .batch_first = true))
SEQUENCE_LAYER(rnn, cnn_rnn_new(ctx, 8, 5, .bidirectional = true))
SEQUENCE_LAYER(attention, cnn_multihead_attention_new(ctx, 8, 2, .dropout = 0.5, .add_bias_kv = true, .add_zero_attn = true))
SEQUENCE_LAYER(encoder_layer, cnn_transformer_encoder_layer_new(ctx, 8, 2, .dim_feedforward = 6, .gelu = true))

/* A normalisation that could not be made would be none. */
static cnn_status run_encoder(world *w)
{
    cnn_module *norm = cnn_layer_norm_new(w->ctx, 8);
    TRY(got(w, norm));
    w->made[0] = cnn_transformer_encoder_create(
        w->ctx, cnn_transformer_encoder_layer_new(w->ctx, 8, 2, .dim_feedforward = 6), 2, norm);
    return run_sequences(w);
}

/* ---- statistics ---- */

enum { STATISTICS = 64 };

/* The elements of all buffers of m. */
static void read_statistics(const cnn_module *m, unsigned char *bytes, size_t *size)
{
    *size = 0;
    for (int i = 0; i < cnn_module_state_count(m); i++) {
        const cnn_tensor *t = cnn_module_state(m, i);
        if (!cnn_tensor_requires_grad(t)) {
            size_t part = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
            ck_assert_uint_le(*size + part, 4 * STATISTICS);
            ck_assert_int_eq(cnn_tensor_read(t, bytes + *size, part), CNN_OK);
            *size += part;
        }
    }
}

/* A step that fails leaves the statistics of the step before, wherever it fails; a step that does not fail moves them. */
static cnn_status keep_statistics(world *w)
{
    unsigned char before[4 * STATISTICS], after[4 * STATISTICS];
    size_t size, same;
    w->made[0] = cnn_sequential_new(w->ctx, cnn_conv2d_new(w->ctx, 1, 4, 3), cnn_batch_norm2d_new(w->ctx, 4), cnn_relu_new(w->ctx),
                                    cnn_instance_norm2d_new(w->ctx, 4, .track_running_stats = true), cnn_flatten_new(w->ctx),
                                    cnn_linear_new(w->ctx, 144, 8), cnn_batch_norm1d_new(w->ctx, 8, .cumulative = true));
    TRY(got(w, w->made[0]));
    w->tape = cnn_tape_new(w->ctx);
    TRY(got(w, w->tape));
    for (int step = 0; step < 2; step++) {
        read_statistics(w->made[0], before, &size);
        TRY(cnn_tape_begin(w->tape, CNN_TRAIN));
        cnn_tensor *y = cnn_forward(w->made[0], cnn_input(w->tape, w->images));
        cnn_status status = cnn_backward_with(y, NULL, false);
        read_statistics(w->made[0], after, &same);
        ck_assert_uint_gt(size, 100);
        ck_assert_msg(size == same && (memcmp(before, after, size) == 0) == (status != CNN_OK),
                      "step %d: %s, and the statistics %s", step, cnn_status_name(status), status == CNN_OK ? "stay" : "moved");
        TRY(status);
    }
    return CNN_OK;
}

#endif
