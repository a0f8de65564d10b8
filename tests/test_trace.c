/* cnn_trace_create(): a module as a list of operations with shapes and names, without elements. */
#include "support/elements.h"
#include "support/metered_tape.h"

#include <string.h>

static const cnn_trace_value *value(const cnn_trace *trace, int i)
{
    const cnn_trace_value *v = cnn_trace_get_value(trace, i);
    ck_assert_msg(v != NULL, "value %d: %s", i, cnn_last_error(ctx));
    return v;
}

static const cnn_trace_node *node(const cnn_trace *trace, int i)
{
    const cnn_trace_node *n = cnn_trace_get_node(trace, i);
    ck_assert_msg(n != NULL, "node %d: %s", i, cnn_last_error(ctx));
    return n;
}

static const cnn_trace_attribute *attribute(const cnn_trace_node *n, const char *name)
{
    for (int i = 0; i < n->attribute_count; i++) {
        if (strcmp(n->attributes[i].name, name) == 0) {
            return &n->attributes[i];
        }
    }
    ck_abort_msg("%s has no attribute %s", n->op, name);
    return NULL;
}

static void check_shape(const cnn_trace_value *v, int ndim, const int64_t *shape)
{
    ck_assert_int_eq(v->ndim, ndim);
    for (int d = 0; d < ndim; d++) {
        ck_assert_int_eq(v->shape[d], shape[d]);
    }
}

static cnn_module *make_net(void)
{
    cnn_module *block = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 8, 3, .padding = 1, .stride_w = 2), cnn_batch_norm2d_new(ctx, 8),
                                           cnn_relu_new(ctx), cnn_dropout_new(ctx, 0.25));
    cnn_module *net = cnn_sequential_new(ctx, block, cnn_flatten_new(ctx), cnn_linear_new(ctx, 8 * 6 * 3, 5));
    ck_assert_msg(net != NULL, "%s", cnn_last_error(ctx));
    return net;
}

START_TEST(names_and_shapes_of_a_sequential)
{
    cnn_module *net = make_net();
    cnn_trace *trace = cnn_trace_new(net, CNN_F32, CNN_SHAPE(2, 3, 6, 6));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    static const char *const ops[] = { "conv2d", "batch_norm", "relu", "flatten", "linear" };
    static const char *const paths[] = { "0.0", "0.1", "0.2", "1", "2" };
    for (int i = 0; i < 5; i++) {
        ck_assert_str_eq(node(trace, i)->op, ops[i]);
        ck_assert_str_eq(node(trace, i)->path, paths[i]);
        ck_assert_int_eq(value(trace, node(trace, i)->outputs[0])->node, i);
    }
    ck_assert_ptr_null(cnn_trace_get_node(trace, 5));
    ck_assert_str_eq(cnn_module_type(node(trace, 1)->module), "BatchNorm2d");

    ck_assert_int_eq(value(trace, 0)->kind, CNN_VALUE_INPUT);
    check_shape(value(trace, 0), CNN_SHAPE(2, 3, 6, 6));
    const cnn_trace_node *conv = node(trace, 0), *norm = node(trace, 1);
    ck_assert_int_eq(conv->inputs[0], 0);
    ck_assert_str_eq(value(trace, conv->inputs[1])->name, "0.0.weight");
    ck_assert_int_eq(value(trace, conv->inputs[1])->kind, CNN_VALUE_PARAMETER);
    ck_assert_ptr_eq(value(trace, conv->inputs[1])->tensor, cnn_module_find(net, "0.0.weight"));
    check_shape(value(trace, conv->outputs[0]), CNN_SHAPE(2, 8, 6, 3));
    ck_assert_int_eq(norm->input_count, 5);
    ck_assert_int_eq(norm->inputs[0], conv->outputs[0]);
    ck_assert_str_eq(value(trace, norm->inputs[3])->name, "0.1.running_mean");
    ck_assert_int_eq(value(trace, norm->inputs[3])->kind, CNN_VALUE_BUFFER);

    const cnn_trace_attribute *stride = attribute(conv, "stride"), *eps = attribute(norm, "eps");
    ck_assert(stride->type == CNN_ATTRIBUTE_INT && stride->list && stride->count == 2);
    ck_assert_int_eq(stride->ints[0], 1);
    ck_assert_int_eq(stride->ints[1], 2);
    ck_assert(eps->type == CNN_ATTRIBUTE_REAL && !eps->list && eps->count == 1 && eps->reals[0] == 1e-5);
    ck_assert(attribute(norm, "training")->type == CNN_ATTRIBUTE_BOOL && attribute(norm, "training")->ints[0] == 0);

    ck_assert_int_eq(cnn_trace_get_output(trace, 0), node(trace, 4)->outputs[0]);
    ck_assert_int_eq(cnn_trace_get_output(trace, 1), -1);
    check_shape(value(trace, cnn_trace_get_output(trace, 0)), CNN_SHAPE(2, 5));
    cnn_trace_free(trace);
    cnn_module_free(net);
}
END_TEST

/* What evaluation leaves out and what it lists, without writing a buffer or drawing a number. */
START_TEST(training_changes_nothing)
{
    cnn_module *net = make_net();
    cnn_random_state before, after;
    cnn_context_random_state(ctx, &before);
    cnn_trace *trace = cnn_trace_create(net, &(cnn_trace_input){ .shape = (int64_t[]){ 2, 3, 6, 6 }, .ndim = 4 }, 1,
                                        CNN_OPTIONS(cnn_trace_options, .training = true));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    ck_assert_str_eq(node(trace, 3)->op, "dropout");
    ck_assert(attribute(node(trace, 1), "training")->ints[0] == 1);
    ck_assert(attribute(node(trace, 3), "p")->reals[0] == 0.25);
    cnn_context_random_state(ctx, &after);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_int_eq(cnn_tensor_item_i64(cnn_module_find(net, "0.1.num_batches_tracked")), 0);
    cnn_trace_free(trace);
    cnn_module_free(net);
}
END_TEST

/* x · w + x · w + c, and y as bfloat16; y may be left out. The constant c is freed before the forward returns. */
static cnn_status many(cnn_module *self, cnn_tensor *const *in, int in_count, cnn_tensor **out, int out_count, void *user)
{
    (void)user, (void)in_count;
    cnn_tensor *w = cnn_module_find(self, "part.w"), *c = cnn_tensor_full(cnn_module_context(self), CNN_F32, 7, CNN_SHAPE(3));
    cnn_tensor *once = cnn_mul(in[0], w), *again = cnn_mul(in[0], w);
    out[0] = cnn_add(cnn_add(once, again), c);
    cnn_tensor_free(c);
    if (out_count > 1) {
        out[1] = in[1] ? cnn_cast(in[1], CNN_BF16) : out[0];
    }
    return CNN_OK;
}

static cnn_module *make_many(void)
{
    cnn_module *net = cnn_module_create(ctx, CNN_OPTIONS(cnn_module_options, .type = "Many", .forward_many = many));
    cnn_module *part = cnn_module_add(net, "part", cnn_sequential_create(ctx, NULL, 0));
    ck_assert_ptr_nonnull(cnn_module_add_parameter(part, "w", cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(3))));
    return net;
}

START_TEST(a_forward_of_the_users_own)
{
    cnn_module *net = make_many();
    const cnn_trace_input in[2] = { { .shape = (int64_t[]){ 4, 3 }, .ndim = 2 }, { .shape = (int64_t[]){ 2 }, .ndim = 1, .dtype = CNN_F64 } };
    cnn_trace *trace = cnn_trace_create(net, in, 2, CNN_OPTIONS(cnn_trace_options, .output_count = 2));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(value(trace, 1)->kind, CNN_VALUE_INPUT);
    ck_assert_int_eq(value(trace, 1)->dtype, CNN_F64);
    const cnn_trace_node *first = node(trace, 0), *second = node(trace, 1), *last = node(trace, 3), *cast = node(trace, 4);
    ck_assert_int_eq(first->inputs[1], second->inputs[1]); /* one value for one tensor */
    ck_assert_str_eq(value(trace, first->inputs[1])->name, "part.w");
    ck_assert_str_eq(first->path, "");
    ck_assert_int_eq(node(trace, 2)->inputs[1], second->outputs[0]);
    const cnn_trace_value *c = value(trace, last->inputs[1]);
    ck_assert_int_eq(c->kind, CNN_VALUE_CONSTANT);
    ck_assert_str_eq(c->name, "");
    ck_assert_float_eq(*(const float *)host_elements(c->tensor), 7);
    ck_assert_str_eq(attribute(cast, "dtype")->text, "bfloat16");
    ck_assert_int_eq(attribute(cast, "dtype")->type, CNN_ATTRIBUTE_TEXT);
    ck_assert_int_eq(attribute(cast, "dtype")->ints[0], CNN_BF16);
    ck_assert_int_eq(value(trace, cnn_trace_get_output(trace, 1))->dtype, CNN_BF16);
    cnn_trace_free(trace);

    const cnn_trace_input without[2] = { in[0], { .left_out = true } };
    trace = cnn_trace_create(net, without, 2, CNN_OPTIONS(cnn_trace_options, .output_count = 2));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(value(trace, 1)->kind, CNN_VALUE_INPUT); /* so that numbers stay what they are */
    ck_assert_int_eq(value(trace, 1)->ndim, 0);
    ck_assert_int_eq(cnn_trace_get_output(trace, 0), cnn_trace_get_output(trace, 1));
    cnn_trace_free(trace);
    cnn_module_free(net);
}
END_TEST

static cnn_tensor *reads_elements(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    *(double *)user = cnn_tensor_item(cnn_sum(x, CNN_ALL_DIMS, false));
    return x;
}

START_TEST(elements_cannot_be_read)
{
    double read = 1;
    cnn_module *net = cnn_module_new(ctx, reads_elements, .user = &read);
    cnn_trace *trace = cnn_trace_new(net, CNN_F32, CNN_SHAPE(2));
    ck_assert(isnan(read));
    ck_assert_msg(strstr(cnn_last_error(ctx), "tensor_item: the tensor is a result of a traced step") != NULL, "%s", cnn_last_error(ctx));
    cnn_trace_free(trace);
    cnn_module_free(net);
}
END_TEST

/* A trace that fails says where, and leaves the step that goes on, the optimizer and the module as they were. */
START_TEST(a_failure_touches_no_other_step)
{
    cnn_module *net = make_net();
    cnn_optimizer *adam = cnn_adam_new(net, .lr = 0.1);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3, 6, 6));
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *y = cnn_forward(net, cnn_input(tape, x));
    ck_assert_ptr_null(cnn_trace_new(net, CNN_F32, CNN_SHAPE(2, 4, 6, 6)));
    ck_assert_msg(strncmp(cnn_last_error(ctx), "0.0: conv2d: ", 13) == 0, "%s", cnn_last_error(ctx));
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_step(adam), CNN_OK);
    cnn_relu(NULL); /* counts for the step that this thread began last, which is still the tape's */
    ck_assert_int_ne(cnn_tape_status(tape), CNN_OK);
    cnn_tensor_free(x);
    cnn_optimizer_free(adam);
    cnn_module_free(net);
}
END_TEST

static void check_failed(const void *result, const char *message)
{
    ck_assert_ptr_null(result);
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(ctx), message);
}

START_TEST(bad_arguments)
{
    cnn_module *net = make_net();
    const cnn_trace_input in = { .shape = (int64_t[]){ 2, 3, 6, 6 }, .ndim = 4 };
    ck_assert_ptr_null(cnn_trace_create(NULL, &in, 1, NULL));
    check_failed(cnn_trace_create(net, &in, -1, NULL), "trace_create: count is negative");
    check_failed(cnn_trace_create(net, NULL, 1, NULL), "trace_create: inputs is NULL");
    check_failed(cnn_trace_create(net, &in, 1, CNN_OPTIONS(cnn_trace_options, .output_count = -2)),
                 "trace_create: output_count is -2, expected at least 1");
    ck_assert_ptr_null(cnn_trace_create(net, &(cnn_trace_input){ .shape = (int64_t[]){ -2 }, .ndim = 1 }, 1, NULL));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_SHAPE);
    ck_assert_ptr_null(cnn_trace_create(net, &(cnn_trace_input){ .dtype = (cnn_dtype)99 }, 1, NULL));
    cnn_trace *trace = cnn_trace_create(net, &in, 1, NULL);
    ck_assert_ptr_nonnull(trace);
    check_failed(cnn_trace_get_node(trace, -1), "trace_get_node: number -1, expected 0 or more");
    check_failed(cnn_trace_get_value(trace, -1), "trace_get_value: number -1, expected 0 or more");
    ck_assert_int_eq(cnn_trace_get_output(trace, -1), -1);
    ck_assert_ptr_null(cnn_trace_get_node(NULL, 0));
    cnn_trace_free(trace);
    cnn_trace_free(NULL);
    cnn_module_free(net);
}
END_TEST

/* Each allocation fails once; teardown sees that nothing is left. */
START_TEST(no_memory)
{
    cnn_module *net = make_net();
    const cnn_trace_input in = { .shape = (int64_t[]){ 2, 3, 6, 6 }, .ndim = 4 };
    cnn_trace *trace = NULL;
    int failures = 0;
    while (!trace) {
        meter_reset();
        atomic_store(&meter.fail_at, failures);
        trace = cnn_trace_create(net, &in, 1, NULL);
        ck_assert(trace || cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY);
        failures += !trace;
    }
    ck_assert_int_gt(failures, 3);
    cnn_trace_free(trace);
    cnn_module_free(net);
}
END_TEST

/* A module that the forward makes and frees is no part of the trace. */
static cnn_tensor *makes_a_module(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_module *relu = cnn_sequential_new(cnn_module_context(self), cnn_relu_new(cnn_module_context(self)));
    cnn_tensor *y = cnn_forward(relu, x);
    cnn_module_free(relu);
    return cnn_neg(y);
}

START_TEST(modules_that_are_gone_are_not_told)
{
    cnn_module *m = cnn_module_new(ctx, makes_a_module);
    cnn_trace *trace = cnn_trace_new(m, CNN_F32, CNN_SHAPE(2, 3));
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    const cnn_trace_node *relu = cnn_trace_get_node(trace, 0), *neg = cnn_trace_get_node(trace, 1);
    ck_assert_str_eq(relu->op, "relu");
    ck_assert(!relu->module && *relu->path == 0 && neg->module == m);
    cnn_trace_free(trace);
    cnn_module_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("traces");
    TCase *tests = suite_case(suite, "trace", setup, teardown);
    tcase_add_test(tests, names_and_shapes_of_a_sequential);
    tcase_add_test(tests, modules_that_are_gone_are_not_told);
    tcase_add_test(tests, training_changes_nothing);
    tcase_add_test(tests, a_forward_of_the_users_own);
    tcase_add_test(tests, elements_cannot_be_read);
    tcase_add_test(tests, a_failure_touches_no_other_step);
    tcase_add_test(tests, bad_arguments);
    tcase_add_test(tests, no_memory);
    return suite_run(suite);
}
