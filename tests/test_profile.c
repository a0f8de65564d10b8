/* Profiles and summaries: FLOPs and bytes by the formulas of docs/profiling.md, times that nest, tables, traces for viewers, and that
 * nothing is recorded or changed where nobody looks. */
#include "support/metered_tape.h"

#include <math.h>
#include <pthread.h>
#ifdef CNN_HAVE_JANSSON
#include <jansson.h>
#endif

/* Else a device may carry an operation out by other launches. */
static bool is_cpu(void)
{
    return strcmp(cnn_context_device(ctx), "cpu") == 0;
}

/* ---- FLOPs and bytes of traces ---- */

typedef struct formula {
    const char *name;
    cnn_module *(*make)(void);
    int ndim;
    int64_t shape[4];
    double flops, bytes; /* of all operations */
} formula;

#define MAKE(name, layer) \
    static cnn_module *make_##name(void) \
    { \
        return layer; \
    }
MAKE(conv2d, cnn_conv2d_new(ctx, 4, 6, 3, .stride = 2, .groups = 2))
MAKE(conv1d, cnn_conv1d_new(ctx, 4, 6, 5))
MAKE(conv3d_of_4d, cnn_conv3d_new(ctx, 2, 3, 2, .no_bias = true))
MAKE(conv_transpose2d, cnn_conv_transpose2d_new(ctx, 4, 6, 3, .stride = 2, .no_bias = true))
MAKE(linear, cnn_linear_new(ctx, 7, 5))
MAKE(batch_norm2d, cnn_batch_norm2d_new(ctx, 3))
MAKE(layer_norm, cnn_layer_norm_new(ctx, 6))
MAKE(relu, cnn_relu_new(ctx))
MAKE(gelu, cnn_gelu_new(ctx))
MAKE(softmax, cnn_softmax_new(ctx, 1))
MAKE(maxpool2d, cnn_maxpool2d_new(ctx, 2))
MAKE(avg_pool2d, cnn_avg_pool2d_new(ctx, 3, .stride = 1))
MAKE(flatten, cnn_flatten_new(ctx))
MAKE(lstm, cnn_lstm_new(ctx, 3, 2))
MAKE(attention, cnn_multihead_attention_new(ctx, 8, 2, .batch_first = true))

/* An operand is read or written once, of 4 bytes an element. */
static const formula formulas[] = {
    /* y [2,6,4,4]: each element is a sum of 2 · 9 products */
    { "conv2d", make_conv2d, 4, { 2, 4, 9, 9 }, 2.0 * 192 * 18, 4.0 * (648 + 108 + 6 + 192) },
    { "conv1d", make_conv1d, 3, { 2, 4, 9 }, 2.0 * 60 * 20, 4.0 * (72 + 120 + 6 + 60) },
    { "conv3d", make_conv3d_of_4d, 4, { 2, 3, 4, 5 }, 2.0 * (3 * 2 * 3 * 4) * 16, 4.0 * (120 + 48 + 72) },
    /* each element of x [1,4,5,5] is multiplied by 6 · 9 weights */
    { "conv_transpose2d", make_conv_transpose2d, 4, { 1, 4, 5, 5 }, 2.0 * 100 * 54, 4.0 * (100 + 216 + 726) },
    { "linear", make_linear, 2, { 4, 7 }, 2.0 * 4 * 7 * 5, 4.0 * (28 + 35 + 5 + 20) },
    /* evaluation: a factor and an offset per channel, from 3 operations each; the running statistics are read */
    { "batch_norm2d", make_batch_norm2d, 4, { 2, 3, 4, 4 }, 2.0 * 96 + 3 * 3, 4.0 * (96 + 3 + 3 + 96 + 3 + 3) },
    { "layer_norm", make_layer_norm, 2, { 5, 6 }, 5.0 * 30, 4.0 * (30 + 6 + 6 + 30) },
    { "relu", make_relu, 2, { 5, 6 }, 30, 4.0 * 60 },
    { "gelu", make_gelu, 2, { 5, 6 }, 30, 4.0 * 60 },
    { "softmax", make_softmax, 2, { 5, 6 }, 5.0 * 30, 4.0 * 60 },
    { "maxpool2d", make_maxpool2d, 4, { 1, 2, 4, 6 }, 12.0 * 4, 4.0 * (48 + 12) },
    { "avg_pool2d", make_avg_pool2d, 4, { 1, 2, 4, 6 }, 16.0 * 9, 4.0 * (48 + 16) },
    { "flatten", make_flatten, 4, { 1, 2, 4, 6 }, 0, 0 },
};

static cnn_trace *trace_of(cnn_module *module, int ndim, const int64_t *shape)
{
    const cnn_trace_input input = { .shape = shape, .ndim = ndim };
    cnn_trace *trace = cnn_trace_create(module, &input, 1, NULL);
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    return trace;
}

static double total_flops(const cnn_trace *trace, double *bytes)
{
    double flops = 0;
    const cnn_trace_node *node;
    *bytes = 0;
    for (int i = 0; (node = cnn_trace_get_node(trace, i)) != NULL; i++) {
        flops += node->flops;
        *bytes += node->bytes;
    }
    return flops;
}

START_TEST(a_layer_has_the_work_of_its_formula)
{
    const formula *f = &formulas[_i];
    cnn_module *module = f->make();
    ck_assert_msg(module != NULL, "%s", cnn_last_error(ctx));
    cnn_trace *trace = trace_of(module, f->ndim, f->shape);
    double bytes, flops = total_flops(trace, &bytes);
    ck_assert_msg(flops == f->flops, "%s: %g FLOPs, expected %g", f->name, flops, f->flops);
    ck_assert_msg(bytes == f->bytes, "%s: %g bytes, expected %g", f->name, bytes, f->bytes);
    cnn_trace_free(trace);
    cnn_module_free(module);
}
END_TEST

/* An LSTM multiplies x and h by weights of 4 gates in each step, h from the second on where none is given; what follows the products is
 * counted per gate. */
START_TEST(products_inside_of_operations_count)
{
    cnn_module *lstm = make_lstm(), *attention = make_attention();
    cnn_trace *trace = trace_of(lstm, 3, (const int64_t[]){ 5, 2, 3 });
    double bytes, steps = 5 * 2, flops = total_flops(trace, &bytes);
    ck_assert_double_eq(flops, 2 * steps * 8 * 3 + 2 * (steps - 2) * 8 * 2 + 4 * steps * 8);
    cnn_trace_free(trace);
    const int64_t shape[] = { 3, 7, 8 };
    const cnn_trace_input inputs[3] = { { .shape = shape, .ndim = 3 }, { .shape = shape, .ndim = 3 }, { .shape = shape, .ndim = 3 } };
    trace = cnn_trace_create(attention, inputs, 3, NULL);
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    flops = total_flops(trace, &bytes);
    double tokens = 3 * 7;
    ck_assert_double_eq(flops, 4 * 2 * tokens * 8 * 8 + 2 * (3 * 2 * 7 * 7) * (4 + 4));
    cnn_trace_free(trace);
    cnn_module_free(lstm);
    cnn_module_free(attention);
}
END_TEST

static cnn_module *make_net(void)
{
    cnn_module *block = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 2, 4, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 4),
                                           cnn_relu_new(ctx), cnn_dropout_new(ctx, 0.5));
    cnn_module *net = cnn_sequential_new(ctx, block, cnn_flatten_new(ctx), cnn_linear_new(ctx, 4 * 5 * 5, 3));
    ck_assert_msg(net != NULL, "%s", cnn_last_error(ctx));
    return net;
}

static cnn_status same_infer(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape,
                             void *user)
{
    (void)count, (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = cnn_tensor_ndim(inputs[0]);
    memcpy(shape, cnn_tensor_shape(inputs[0]), (size_t)*ndim * sizeof *shape);
    return CNN_OK;
}

static cnn_status same_forward(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)inputs, (void)count, (void)user;
    return cnn_tensor_fill(output, 1);
}

static cnn_status custom_behind_relu(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                                     int output_count, void *user)
{
    static const cnn_custom_op op = { .struct_size = sizeof op, .name = "own", .infer = same_infer, .forward = same_forward };
    (void)self, (void)input_count, (void)output_count, (void)user;
    cnn_tensor *x = cnn_relu(inputs[0]);
    outputs[0] = cnn_custom(&op, &x, 1, NULL);
    return CNN_OK;
}

/* Nobody knows its work; it is not that of the operation before. */
START_TEST(a_custom_operation_counts_as_nothing)
{
    const cnn_module_options options = { .struct_size = sizeof options, .type = "Custom", .forward_many = custom_behind_relu };
    cnn_module *module = cnn_module_create(ctx, &options);
    cnn_trace *trace = trace_of(module, 1, (int64_t[]){ 4 });
    const cnn_trace_node *relu = cnn_trace_get_node(trace, 0), *own = cnn_trace_get_node(trace, 1);
    ck_assert(relu && own);
    ck_assert_double_eq(relu->flops, 4);
    ck_assert_double_eq(relu->bytes, 32);
    ck_assert_str_eq(own->op, "own");
    ck_assert_double_eq(own->flops, 0);
    ck_assert_double_eq(own->bytes, 0);
    cnn_trace_free(trace);
    cnn_module_free(module);
}
END_TEST

/* A trace computes nothing: neither random numbers nor running statistics move, also where layers train. */
START_TEST(counting_leaves_everything_as_it_is)
{
    cnn_module *net = make_net();
    cnn_random_state before, after;
    const cnn_trace_input input = { .shape = (const int64_t[]){ 2, 2, 5, 5 }, .ndim = 4 };
    cnn_context_random_state(ctx, &before);
    cnn_trace *trace = cnn_trace_create(net, &input, 1, CNN_OPTIONS(cnn_trace_options, .training = true));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    cnn_context_random_state(ctx, &after);
    ck_assert_uint_eq(before.stream, after.stream);
    float running[4];
    ck_assert_int_eq(cnn_tensor_read(cnn_module_find(net, "0.1.running_mean"), running, sizeof running), CNN_OK);
    for (int i = 0; i < 4; i++) {
        ck_assert_float_eq(running[i], 0);
    }
    double bytes;
    ck_assert_double_eq(total_flops(trace, &bytes), 2.0 * 200 * 18 + 5 * 200 + (is_cpu() ? 0 : 3 * 4) + 200 + 200 + 2 * 2 * 100 * 3);
    cnn_trace_free(trace);
    cnn_module_free(net);
}
END_TEST

/* ---- summaries ---- */

START_TEST(a_summary_lists_the_tree)
{
    static const char expected[] =
        "layer               output shape   parameters        MFLOP         MB\n"
        "---------------------------------------------------------------------\n"
        "Sequential                 [2,3]            0        0.000      0.000\n"
        "  Sequential: 0        [2,4,5,5]            0        0.000      0.000\n"
        "    Conv2d: 0          [2,4,5,5]           76        0.007      0.001\n"
        "    BatchNorm2d: 1     [2,4,5,5]            8        0.000      0.001\n"
        "    ReLU: 2            [2,4,5,5]            0        0.000      0.001\n"
        "    Dropout: 3         [2,4,5,5]            0        0.000      0.000\n"
        "  Flatten: 1             [2,100]            0        0.000      0.000\n"
        "  Linear: 2                [2,3]          303        0.001      0.000\n"
        "---------------------------------------------------------------------\n"
        "387 parameters, 387 of them trained; 0.009 MFLOP per forward\n"
        "0.002 MB of results, 0.002 MB of parameters and buffers, 0.004 MB in all\n";
    cnn_module *net = make_net();
    const cnn_trace_input input = { .shape = (const int64_t[]){ 2, 2, 5, 5 }, .ndim = 4 };
    char text[sizeof expected + 8], cut[12];
    ck_assert_uint_eq(cnn_module_summary(net, &input, 1, NULL, NULL, 0), sizeof expected - 1);
    ck_assert_uint_eq(cnn_module_summary(net, &input, 1, NULL, text, sizeof text), sizeof expected - 1);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(cnn_module_summary(net, &input, 1, NULL, cut, sizeof cut), sizeof expected - 1);
    ck_assert_str_eq(cut, "layer      ");
    const cnn_trace_input wrong = { .shape = (const int64_t[]){ 2, 3, 5, 5 }, .ndim = 4 };
    ck_assert_uint_eq(cnn_module_summary(net, &wrong, 1, NULL, text, sizeof text), 0);
    ck_assert_str_eq(text, "");
    ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "conv2d"));
    cnn_module_free(net);
}
END_TEST

/* ---- profiles ---- */

typedef struct training {
    cnn_module *net;
    cnn_optimizer *sgd;
    cnn_tensor *x, *labels;
} training;

static training training_new(void)
{
    training t = { .net = make_net() };
    t.sgd = cnn_sgd_new(t.net, .lr = 0.1);
    t.x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 2, 5, 5));
    t.labels = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2));
    ck_assert(t.sgd && t.x && t.labels);
    return t;
}

static void training_step(const training *t)
{
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(t->net, cnn_input(tape, t->x)), t->labels);
    cnn_optimizer_zero_grad(t->sgd);
    cnn_backward(loss);
    ck_assert_msg(cnn_optimizer_step(t->sgd) == CNN_OK, "%s", cnn_last_error(ctx));
}

static void training_free(training *t)
{
    cnn_optimizer_free(t->sgd);
    cnn_module_free(t->net);
    cnn_tensor_free(t->x);
    cnn_tensor_free(t->labels);
}

static cnn_profile *profile_begin(const cnn_profile_options *options)
{
    cnn_profile *p = cnn_profile_begin(ctx, options);
    ck_assert_msg(p != NULL, "%s", cnn_last_error(ctx));
    return p;
}

typedef struct sums {
    int64_t launches, modules;
    double flops, seconds;
} sums;

/* Of an operation forward or backward; NULL: of all launches. */
static sums sum_events(const cnn_profile *p, const char *name, bool backward)
{
    const cnn_profile_event *e;
    sums s = { 0 };
    for (int64_t i = 0; (e = cnn_profile_get_event(p, i)) != NULL; i++) {
        bool launch = e->kind == CNN_PROFILE_LAUNCH;
        if (launch && (!name || (strcmp(e->name, name) == 0 && e->backward == backward))) {
            s.launches++;
            s.flops += e->flops;
            s.seconds += e->seconds;
        }
        s.modules += !launch;
    }
    return s;
}

START_TEST(a_step_is_recorded_by_operations)
{
    training t = training_new();
    training_step(&t);
    cnn_profile *p = profile_begin(NULL);
    training_step(&t);
    ck_assert_int_eq(cnn_profile_end(p), CNN_OK);
    training_step(&t); /* which nobody sees */
    double conv = 2.0 * 200 * 18, linear = 2.0 * 2 * 100 * 3;
    ck_assert_double_eq(sum_events(p, "conv2d", false).flops, conv);
    ck_assert_double_eq(sum_events(p, "conv2d", true).flops, conv); /* x wants no gradient */
    ck_assert_double_eq(sum_events(p, "linear", false).flops, linear);
    ck_assert_double_eq(sum_events(p, "linear", true).flops, 2 * linear + 6); /* the bias's is a sum of 2 · 3 */
    ck_assert_double_eq(sum_events(p, "dropout", false).flops, 200);
    ck_assert_int_eq(sum_events(p, "optimizer_step", false).launches, 6);
    ck_assert_double_eq(sum_events(p, "optimizer_step", false).flops, 7 * 387);
    ck_assert_int_ge(sum_events(p, "cross_entropy", true).launches, 1);
    ck_assert_int_eq(cnn_profile_dropped(p), 0);
    const cnn_profile_event *e;
    for (int64_t i = 0; (e = cnn_profile_get_event(p, i)) != NULL; i++) {
        ck_assert_int_eq(e->thread, 0);
        ck_assert_double_ge(e->start, 0);
        ck_assert_double_ge(e->seconds, 0);
        ck_assert_int_eq(e->queued, e->kind == CNN_PROFILE_LAUNCH && !is_cpu());
    }
    cnn_profile_free(p);
    training_free(&t);
}
END_TEST

static const cnn_profile_event *module_event(const cnn_profile *p, const char *path)
{
    const cnn_profile_event *e;
    for (int64_t i = 0; (e = cnn_profile_get_event(p, i)) != NULL; i++) {
        if (e->kind == CNN_PROFILE_MODULE && strcmp(e->path, path) == 0) {
            return e;
        }
    }
    ck_abort_msg("no forward of \"%s\"", path);
    return NULL;
}

/* Whether `inner` happened within `outer`; times are sums of several roundings. */
static bool is_within(const cnn_profile_event *inner, const cnn_profile_event *outer)
{
    return inner->start >= outer->start - 1e-9 && inner->start + inner->seconds <= outer->start + outer->seconds + 1e-9;
}

START_TEST(modules_nest)
{
    training t = training_new();
    cnn_profile *p = profile_begin(NULL);
    training_step(&t);
    cnn_profile_end(p);
    const cnn_profile_event *root = module_event(p, ""), *block = module_event(p, "0"), *last = module_event(p, "2"), *e;
    ck_assert_str_eq(root->name, "Sequential");
    ck_assert_str_eq(last->name, "Linear");
    ck_assert(is_within(block, root) && is_within(last, root) && is_within(module_event(p, "0.0"), block));
    ck_assert_double_le(fabs(last->self_seconds - last->seconds), 1e-9);
    double children = 0;
    for (int64_t i = 0; (e = cnn_profile_get_event(p, i)) != NULL; i++) {
        bool child = e->kind == CNN_PROFILE_MODULE && strlen(e->path) == 1;
        children += child ? e->seconds : 0;
        if (e->kind == CNN_PROFILE_LAUNCH && !e->backward && strcmp(e->path, "2") == 0) {
            ck_assert_str_eq(e->name, "linear");
            ck_assert(is_within(e, last));
        }
        if (e->kind == CNN_PROFILE_LAUNCH && e->backward && strcmp(e->name, "linear") == 0) {
            ck_assert_str_eq(e->path, "2");
        }
    }
    ck_assert_double_le(fabs(root->self_seconds - (root->seconds - children)), 1e-7);
    cnn_profile_free(p);
    training_free(&t);
}
END_TEST

/* The loss of the third step, with or without a profile of the second. */
static double loss_after(bool profiled)
{
    cnn_random_state state = { .seed = 9 };
    cnn_context_set_random_state(ctx, &state);
    training t = training_new();
    cnn_profile *p = NULL;
    for (int i = 0; i < 3; i++) {
        p = profiled && i == 1 ? profile_begin(NULL) : p;
        training_step(&t);
        if (profiled && i == 1) {
            cnn_profile_end(p);
        }
    }
    cnn_tape_begin(tape, CNN_EVAL);
    double loss = cnn_tensor_item(cnn_cross_entropy(cnn_forward(t.net, cnn_input(tape, t.x)), t.labels));
    cnn_profile_free(p);
    training_free(&t);
    return loss;
}

START_TEST(a_profile_changes_no_bits)
{
    double without = loss_after(false), with = loss_after(true);
    ck_assert_msg(memcmp(&without, &with, sizeof with) == 0, "%a, with a profile %a", without, with);
}
END_TEST

START_TEST(a_predictor_is_recorded)
{
    if (!is_cpu()) {
        return; /* which predictors are for */
    }
    cnn_module *net = make_net();
    cnn_predictor *predictor = cnn_predictor_new(net, CNN_F32, CNN_SHAPE(2, 2, 5, 5));
    ck_assert_msg(predictor != NULL, "%s", cnn_last_error(ctx));
    float x[100] = { 0 }, y[6];
    const void *inputs[] = { x };
    void *outputs[] = { y };
    cnn_profile *p = profile_begin(NULL);
    ck_assert_int_eq(cnn_predictor_run(predictor, inputs, outputs), CNN_OK);
    cnn_profile_end(p);
    ck_assert_double_eq(sum_events(p, "conv2d", false).flops, 2.0 * 200 * 18);
    ck_assert_double_eq(sum_events(p, "linear", false).flops, 2.0 * 2 * 100 * 3);
    ck_assert_int_eq(sum_events(p, NULL, false).modules, 0);
    cnn_profile_free(p);
    cnn_predictor_free(predictor);
    cnn_module_free(net);
}
END_TEST

START_TEST(events_past_the_limit_are_counted)
{
    training t = training_new();
    cnn_profile *p = profile_begin(CNN_OPTIONS(cnn_profile_options, .limit = 3));
    training_step(&t);
    cnn_profile_end(p);
    ck_assert_ptr_nonnull(cnn_profile_get_event(p, 2));
    ck_assert_ptr_null(cnn_profile_get_event(p, 3));
    ck_assert_int_ge(cnn_profile_dropped(p), 10);
    cnn_profile_free(p);
    training_free(&t);
}
END_TEST

START_TEST(mistakes_are_told)
{
    cnn_profile *p = profile_begin(NULL);
    ck_assert_ptr_null(cnn_profile_begin(ctx, NULL));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_STATE);
    ck_assert_ptr_null(cnn_profile_get_event(p, 0));
    ck_assert_str_eq(cnn_last_error(ctx), "profile_get_event: the profile has not ended, expected cnn_profile_end() first");
    ck_assert_int_eq(cnn_profile_save(p, "nowhere"), CNN_ERROR_STATE);
    cnn_profile_end(p);
    ck_assert_int_eq(cnn_profile_end(p), CNN_OK);
    ck_assert_ptr_null(cnn_profile_get_event(p, -1));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_uint_eq(cnn_profile_format(p, (cnn_profile_table)7, NULL, 0), 0);
    ck_assert_str_eq(cnn_last_error(ctx), "profile_format: table 7, expected one of cnn_profile_table");
    ck_assert_int_eq(cnn_profile_save(p, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_profile_save(p, "/no/such/folder/trace.json"), CNN_ERROR_IO);
    ck_assert_ptr_null(cnn_profile_begin(ctx, CNN_OPTIONS(cnn_profile_options, .limit = -1)));
    cnn_profile *next = profile_begin(NULL); /* one after the other */
    cnn_profile_free(p);
    cnn_profile_free(next); /* which has not ended */
    cnn_profile_free(NULL);
    ck_assert_int_eq(cnn_profile_end(NULL), CNN_ERROR_INVALID_ARGUMENT);
    p = profile_begin(NULL);
    cnn_profile_free(p);
}
END_TEST

START_TEST(no_memory_drops_events)
{
    training t = training_new();
    training_step(&t);
    cnn_profile *p = profile_begin(NULL);
    atomic_store(&meter.fail_on, true);
    atomic_store(&meter.fail_at, atomic_load(&meter.calls));
    training_step(&t); /* which itself needs no memory any more */
    meter_reset();
    cnn_profile_end(p);
    ck_assert_ptr_null(cnn_profile_get_event(p, 0));
    ck_assert_int_ge(cnn_profile_dropped(p), 10);
    cnn_profile_free(p);
    training_free(&t);
}
END_TEST

/* ---- what is written ---- */

START_TEST(tables_have_their_rows)
{
    training t = training_new();
    cnn_profile *p = profile_begin(NULL);
    training_step(&t);
    training_step(&t);
    cnn_profile_end(p);
    char text[8192];
    size_t length = cnn_profile_format(p, CNN_PROFILE_OPERATIONS, text, sizeof text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_ptr_nonnull(strstr(text, "\nconv2d (backward) "));
    ck_assert_ptr_nonnull(strstr(text, "\nall launches "));
    ck_assert_uint_eq(cnn_profile_format(p, CNN_PROFILE_OPERATIONS, NULL, 0), length);
    length = cnn_profile_format(p, CNN_PROFILE_MODULES, text, sizeof text);
    ck_assert_uint_eq(length, strlen(text));
    const char *row = strstr(text, "\nLinear: 2 ");
    ck_assert_ptr_nonnull(row);
    int calls = 0;
    ck_assert_int_eq(sscanf(row, " Linear: 2 %d", &calls), 1);
    ck_assert_int_eq(calls, 2);
    cnn_profile_free(p);
    training_free(&t);
}
END_TEST

#ifdef CNN_HAVE_JANSSON
START_TEST(viewers_can_read_a_trace)
{
    folder_make();
    training t = training_new();
    cnn_profile *p = profile_begin(NULL);
    training_step(&t);
    cnn_profile_end(p);
    char path[300];
    snprintf(path, sizeof path, "%s/trace.json", test_folder);
    ck_assert_msg(cnn_profile_save(p, path) == CNN_OK, "%s", cnn_last_error(ctx));
    json_error_t error;
    json_t *whole = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *event;
    ck_assert_msg(whole != NULL, "line %d: %s", error.line, error.text);
    size_t i;
    double flops = 0;
    json_array_foreach(json_object_get(whole, "traceEvents"), i, event)
    {
        const cnn_profile_event *e = cnn_profile_get_event(p, (int64_t)i);
        ck_assert_str_eq(json_string_value(json_object_get(event, "ph")), "X");
        ck_assert_str_eq(json_string_value(json_object_get(event, "name")), e->name);
        ck_assert_double_le(fabs(json_number_value(json_object_get(event, "ts")) - 1e6 * e->start), 0.001);
        ck_assert_double_le(fabs(json_number_value(json_object_get(event, "dur")) - 1e6 * e->seconds), 0.001);
        const json_t *arguments = json_object_get(event, "args");
        ck_assert_str_eq(json_string_value(json_object_get(arguments, "module")), e->path);
        flops += json_number_value(json_object_get(arguments, "flops"));
    }
    ck_assert_double_eq(flops, sum_events(p, NULL, false).flops);
    ck_assert_ptr_null(cnn_profile_get_event(p, (int64_t)i));
    json_decref(whole);
    cnn_profile_free(p);
    training_free(&t);
    remove(path);
    folder_remove();
}
END_TEST
#endif

/* ---- threads ---- */

static void *evaluate(void *user)
{
    const training *t = user;
    cnn_tape *own = cnn_tape_new(ctx);
    for (int i = 0; i < 20; i++) {
        cnn_tape_begin(own, CNN_EVAL);
        cnn_forward(t->net, cnn_input(own, t->x));
    }
    cnn_status status = cnn_tape_status(own);
    cnn_tape_free(own);
    return status == CNN_OK ? NULL : user;
}

START_TEST(threads_are_told_apart)
{
    training t = training_new();
    cnn_profile *p = profile_begin(NULL);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, evaluate, &t), 0);
    }
    for (int i = 0; i < 2; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    cnn_profile_end(p);
    const cnn_profile_event *e;
    int forwards[2] = { 0 };
    for (int64_t i = 0; (e = cnn_profile_get_event(p, i)) != NULL; i++) {
        ck_assert(e->thread == 0 || e->thread == 1);
        forwards[e->thread] += e->kind == CNN_PROFILE_MODULE && !*e->path;
    }
    ck_assert_int_eq(forwards[0], 20);
    ck_assert_int_eq(forwards[1], 20);
    char table[4096];
    int rows = 0;
    ck_assert_uint_lt(cnn_profile_format(p, CNN_PROFILE_MODULES, table, sizeof table), sizeof table);
    for (const char *c = table; (c = strstr(c, "Conv2d:")) != NULL; c++) {
        rows++;
    }
    ck_assert_int_eq(rows, 1); /* whichever thread came first */
    cnn_profile_free(p);
    training_free(&t);
}
END_TEST

/* By turns in two contexts, a thread stays the same one in the profiles of both. */
START_TEST(a_thread_keeps_its_number)
{
    cnn_context *contexts[2] = { ctx, cnn_context_new(.threads = 1) };
    cnn_profile *profiles[2];
    cnn_tape *tapes[2];
    cnn_tensor *x[2];
    for (int k = 0; k < 2; k++) {
        ck_assert_ptr_nonnull(profiles[k] = cnn_profile_begin(contexts[k], NULL));
        ck_assert_ptr_nonnull(tapes[k] = cnn_tape_new(contexts[k]));
        ck_assert_ptr_nonnull(x[k] = cnn_tensor_zeros(contexts[k], CNN_F32, 1, (int64_t[]){ 4 }));
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(cnn_tape_begin(tapes[i % 2], CNN_EVAL), CNN_OK);
        cnn_relu(cnn_input(tapes[i % 2], x[i % 2]));
    }
    for (int k = 0; k < 2; k++) {
        cnn_profile_end(profiles[k]);
        for (int64_t i = 0; i < 3; i++) {
            ck_assert_ptr_nonnull(cnn_profile_get_event(profiles[k], i));
            ck_assert_int_eq(cnn_profile_get_event(profiles[k], i)->thread, 0);
        }
        cnn_profile_free(profiles[k]);
        cnn_tape_free(tapes[k]);
        cnn_tensor_free(x[k]);
    }
    cnn_context_free(contexts[1]);
}
END_TEST

static cnn_profile *freed_in_forward;

static cnn_status free_in_forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                                  int output_count, void *user)
{
    (void)self, (void)input_count, (void)output_count, (void)user;
    cnn_profile_free(freed_in_forward);
    outputs[0] = cnn_relu(inputs[0]);
    return CNN_OK;
}

START_TEST(a_forward_may_free_its_profile)
{
    const cnn_module_options options = { .struct_size = sizeof options, .type = "Frees", .forward_many = free_in_forward };
    cnn_module *module = cnn_module_create(ctx, &options);
    cnn_tape *own = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, 1, (int64_t[]){ 4 });
    freed_in_forward = profile_begin(NULL);
    ck_assert_int_eq(cnn_tape_begin(own, CNN_EVAL), CNN_OK);
    cnn_forward(module, cnn_input(own, x));
    ck_assert_msg(cnn_tape_status(own) == CNN_OK, "%s", cnn_last_error(ctx));
    cnn_tensor_free(x);
    cnn_tape_free(own);
    cnn_module_free(module);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("profiles");
    TCase *work = suite_case(suite, "work", setup, teardown);
    tcase_add_loop_test(work, a_layer_has_the_work_of_its_formula, 0, sizeof formulas / sizeof *formulas);
    tcase_add_test(work, products_inside_of_operations_count);
    tcase_add_test(work, a_custom_operation_counts_as_nothing);
    tcase_add_test(work, counting_leaves_everything_as_it_is);
    tcase_add_test(work, a_summary_lists_the_tree);
    TCase *times = suite_case(suite, "times", setup, teardown);
    tcase_add_test(times, a_step_is_recorded_by_operations);
    tcase_add_test(times, modules_nest);
    tcase_add_test(times, a_profile_changes_no_bits);
    tcase_add_test(times, a_predictor_is_recorded);
    tcase_add_test(times, events_past_the_limit_are_counted);
    tcase_add_test(times, mistakes_are_told);
    tcase_add_test(times, no_memory_drops_events);
    tcase_add_test(times, tables_have_their_rows);
#ifdef CNN_HAVE_JANSSON
    tcase_add_test(times, viewers_can_read_a_trace);
#endif
    tcase_add_test(times, threads_are_told_apart);
    tcase_add_test(times, a_thread_keeps_its_number);
    tcase_add_test(times, a_forward_may_free_its_profile);
    return suite_run(suite);
}
