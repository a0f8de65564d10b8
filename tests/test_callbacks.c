/* User callbacks: what they may do with the step that they run in, what they can query, and how their failures are
 * reported. */
#include "support/elements.h"
#include "support/nn.h"

/* ---- ending the step that one works in ---- */

typedef enum deed { BEGIN, BEGIN_AND_USE, FREE, BACKWARD, DEEDS } deed;
typedef enum part { IN_INFER, IN_FORWARD, IN_BACKWARD, IN_MODULE, IN_FUNCTION } part;

static struct {
    deed deed;
    part part;
    bool armed;
    cnn_status status; /* what the call returned */
} act;

static cnn_tensor *leaf;

/* Does the deed on the tape of `x`. */
static void misbehave(part part, const cnn_tensor *x)
{
    cnn_tape *own = cnn_tensor_tape(x);
    if (!act.armed || act.part != part) {
        return;
    }
    switch (act.deed) {
    case BEGIN:
        act.status = cnn_tape_begin(own, CNN_TRAIN);
        break;
    case BEGIN_AND_USE:
        act.status = cnn_tape_begin(own, CNN_EVAL);
        for (int i = 0; i < 1000; i++) {
            cnn_exp(cnn_input(own, leaf));
        }
        break;
    case FREE:
        cnn_tape_free(own);
        act.status = cnn_tape_status(own);
        break;
    default:
        act.status = cnn_backward(cnn_sum(cnn_input(own, leaf), CNN_ALL_DIMS, false));
        break;
    }
}

static cnn_status double_infer(const cnn_tensor *const *in, int count, cnn_dtype *dtype, int *ndim, int64_t *shape, void *user)
{
    (void)count, (void)user;
    misbehave(IN_INFER, in[0]);
    *dtype = cnn_tensor_dtype(in[0]);
    *ndim = 1;
    shape[0] = cnn_tensor_numel(in[0]);
    return CNN_OK;
}

static cnn_status double_forward(const cnn_tensor *const *in, int count, cnn_tensor *out, void *user)
{
    (void)count, (void)user;
    misbehave(IN_FORWARD, in[0]);
    const double *x = host_elements(in[0]);
    double *y = writable_elements(out);
    for (int64_t i = 0; i < cnn_tensor_numel(out); i++) {
        y[i] = 2 * x[i];
    }
    elements_written(out, y);
    return CNN_OK;
}

static cnn_status double_backward(const cnn_tensor *const *in, int count, const cnn_tensor *out, const cnn_tensor *grad_out,
                                  cnn_tensor *const *grad_in, void *user)
{
    (void)count, (void)out, (void)grad_out, (void)user;
    misbehave(IN_BACKWARD, in[0]);
    return cnn_tensor_fill(grad_in[0], 2);
}

static const cnn_custom_op double_op = { .struct_size = sizeof double_op, .name = "double", .infer = double_infer,
                                         .forward = double_forward, .backward = double_backward };

static cnn_tensor *doubling(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    misbehave(IN_MODULE, x);
    return cnn_custom(&double_op, &x, 1, NULL);
}

static cnn_tensor *function(cnn_tensor *const *in, int count, void *user)
{
    (void)count, (void)user;
    misbehave(IN_FUNCTION, in[0]);
    return cnn_sum(in[0], CNN_ALL_DIMS, false);
}

static void setup_leaf(void)
{
    setup();
    leaf = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(3));
    cnn_tensor_set_requires_grad(leaf, true);
}

static void teardown_leaf(void)
{
    cnn_tensor_free(leaf);
    teardown();
}

static const char *const calls[DEEDS] = { "tape_begin", "tape_begin", "tape_free", "backward" };
static const char *const parts[] = { "the infer of double", "the forward of double", "the backward of double",
                                     "the forward of Doubling", "the function of gradcheck" };

/* A backward inside a module's forward is not refused: it is a backward of what was computed so far. */
static bool is_refused(void)
{
    return act.deed != BACKWARD || act.part != IN_MODULE;
}

static void expect_refusal(const char *path, const char *message)
{
    char expected[200];
    snprintf(expected, sizeof expected, "%s%s: called inside %s, which works on this tape", path, calls[act.deed],
             parts[act.part]);
    ck_assert_int_eq(act.status, CNN_ERROR_STATE);
    ck_assert_str_eq(message, expected);
}

START_TEST(a_callback_cannot_end_its_step)
{
    cnn_module *net = cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_module_new(ctx, doubling, .type = "Doubling"));
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(3, 1));
    cnn_tensor_set_requires_grad(x, true);
    static const cnn_mode modes[] = { CNN_TRAIN, CNN_EVAL, CNN_TRAIN_NO_GRAD, CNN_EVAL_GRAD };
    act.deed = (deed)(_i % DEEDS);
    act.part = (part)(_i / DEEDS);
    for (int m = 0; m < 4; m++) {
        bool grad = modes[m] == CNN_TRAIN || modes[m] == CNN_EVAL_GRAD;
        for (int armed = 1; armed >= 0; armed--) { /* the step after it is a good one */
            act.armed = armed;
            act.status = CNN_OK;
            cnn_tape_begin(tape, modes[m]);
            cnn_tensor *y = cnn_sum(cnn_forward(net, cnn_input(tape, x)), CNN_ALL_DIMS, false);
            cnn_status status = grad ? cnn_backward(y) : cnn_tape_status(tape);
            bool reached = armed && (act.part != IN_BACKWARD || grad);
            if (reached && is_refused()) {
                ck_assert_int_eq(status, CNN_ERROR_STATE);
                expect_refusal(act.part == IN_BACKWARD ? "" : "1: ", cnn_tape_error(tape));
            } else if (!reached) {
                ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(ctx));
            }
        }
    }
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

START_TEST(a_checked_function_cannot_end_its_step)
{
    for (act.deed = BEGIN; act.deed < DEEDS; act.deed++) {
        act.part = IN_FUNCTION;
        act.armed = true;
        ck_assert_int_eq(cnn_gradcheck(ctx, function, NULL, &leaf, 1, NULL), CNN_ERROR_STATE);
        expect_refusal("", cnn_last_error(ctx));
        act.armed = false;
        ck_assert_int_eq(cnn_gradcheck(ctx, function, NULL, &leaf, 1, NULL), CNN_OK);
    }
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_gradcheck(ctx, function, NULL, &leaf, 1, NULL), CNN_OK);
    cnn_exp(leaf); /* counts for the step that was begun before the check */
    ck_assert_int_eq(cnn_tape_status(tape), CNN_ERROR_STATE);
}
END_TEST

static cnn_tensor *on_another_tape(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    cnn_tape *other = *(cnn_tape **)user;
    cnn_tape_begin(other, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_exp(cnn_input(other, leaf)), CNN_ALL_DIMS, false)), CNN_OK);
    return cnn_exp(x);
}

START_TEST(a_callback_may_use_another_tape)
{
    cnn_tape *other = cnn_tape_new(ctx);
    cnn_module *m = cnn_module_new(ctx, on_another_tape, .user = &other);
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_forward(m, cnn_input(tape, leaf)), CNN_ALL_DIMS, false)), CNN_OK);
    cnn_tape_free(other);
    cnn_module_free(m);
}
END_TEST

/* ---- what a forward can ask and use ---- */

typedef struct asked {
    cnn_tape *tape;
    cnn_mode mode;
} asked;

static cnn_tensor *ask(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    *(asked *)user = (asked){ cnn_tensor_tape(x), cnn_tape_mode(cnn_tensor_tape(x)) };
    return x;
}

START_TEST(a_forward_knows_its_tape_and_mode)
{
    static const cnn_mode modes[] = { CNN_TRAIN, CNN_EVAL, CNN_TRAIN_NO_GRAD, CNN_EVAL_GRAD };
    asked answer;
    cnn_module *m = cnn_module_new(ctx, ask, .user = &answer);
    for (int i = 0; i < 4; i++) {
        cnn_tape_begin(tape, modes[i]);
        ck_assert_int_eq(cnn_tensor_status(cnn_forward(m, cnn_input(tape, leaf))), CNN_OK);
        ck_assert_ptr_eq(answer.tape, tape);
        ck_assert_int_eq(answer.mode, modes[i]);
    }
    cnn_tape *fresh = cnn_tape_new(ctx);
    ck_assert_int_eq(cnn_tape_mode(fresh), CNN_EVAL);
    ck_assert_ptr_null(cnn_tensor_tape(leaf));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_OK);
    ck_assert_int_eq(cnn_tape_mode(NULL), CNN_EVAL);
    failed_with(CNN_ERROR_INVALID_ARGUMENT, "tape_mode: tape is NULL");
    cnn_tensor *past = cnn_exp(cnn_input(tape, leaf));
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_ptr_null(cnn_tensor_tape(past));
    failed_with(CNN_ERROR_STATE, "tensor_tape: the tensor is a result of step");
    cnn_tape_free(fresh);
    cnn_module_free(m);
}
END_TEST

/* x · reshape(g), with g used alone in every way that needs a tape. */
static cnn_tensor *scale(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    cnn_tensor *g = cnn_module_find(self, "g");
    cnn_tensor *twice = cnn_concat((cnn_tensor *const[]){ g, g }, 2, 0);
    cnn_tensor *one = cnn_forward(cnn_module_child(self, 0, NULL), g);
    return cnn_mul(x, cnn_add(cnn_reshape(cnn_slice(twice, 0, 0, 3, 1), CNN_SHAPE(3)), cnn_mul_scalar(one, 0)));
}

static cnn_module *new_scale(double value)
{
    cnn_module *m = cnn_module_new(ctx, scale, .type = "Scale");
    cnn_module_add(m, "rest", cnn_relu_new(ctx));
    cnn_module_add_parameter(m, "g", cnn_tensor_full(ctx, CNN_F64, value, CNN_SHAPE(3)));
    return m;
}

START_TEST(a_forward_uses_its_parameters_in_any_operation)
{
    cnn_module *net = cnn_sequential_new(ctx, new_scale(3), new_scale(5));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *y = cnn_forward(net, cnn_input(tape, leaf));
    ck_assert_int_eq(cnn_backward(cnn_sum(y, CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_double_eq(((const double *)host_elements(y))[1], 15);
    ck_assert_double_eq(((const double *)host_elements(cnn_tensor_grad(cnn_module_find(net, "0.g"))))[1], 5);
    ck_assert_double_eq(((const double *)host_elements(cnn_tensor_grad(cnn_module_find(net, "1.g"))))[1], 3);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_reshape(cnn_module_find(net, "0.g"), CNN_SHAPE(1, 3)); /* outside of a forward it is a mistake */
    ck_assert_str_eq(cnn_tape_error(tape), "reshape: no operand is on a tape, expected one from cnn_input()");
    cnn_module_free(net);
}
END_TEST

/* ---- where it failed ---- */

static cnn_tensor *both(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    for (int i = 0; i < cnn_module_child_count(self); i++) {
        x = cnn_forward(cnn_module_child(self, i, NULL), x);
    }
    return x;
}

/* A grandchild, past its parent. */
static cnn_tensor *deep(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_forward(cnn_module_child(cnn_module_child(self, 0, NULL), 0, NULL), x);
}

static cnn_tensor *stray(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    return cnn_forward(user, x);
}

static void fails_with(cnn_module *net, int64_t channels, int64_t size, const char *message)
{
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, channels, size, size));
    cnn_tape_begin(tape, CNN_TRAIN);
    ck_assert_int_ne(cnn_tensor_status(cnn_forward(net, cnn_input(tape, x))), CNN_OK);
    ck_assert_str_eq(cnn_tape_error(tape), message);
    ck_assert_str_eq(cnn_last_error(ctx), message);
    cnn_tensor_free(x);
}

static cnn_module *convolutions(void)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3), cnn_relu_new(ctx), cnn_maxpool2d_new(ctx, 4),
                              cnn_conv2d_new(ctx, 9, 2, 1), cnn_flatten_new(ctx));
}

START_TEST(messages_name_the_path_of_the_module)
{
    cnn_module *net = cnn_module_new(ctx, both, .type = "Net");
    cnn_module_add(net, "l1", cnn_sequential_new(ctx, cnn_relu_new(ctx)));
    cnn_module_add(net, "l2", convolutions());
    fails_with(net, 3, 8, "l2.0: conv2d: input has 3 channels, weight [2,1,3,3] expects 1");
    fails_with(net, 1, 5, "l2.2: maxpool2d: kernel_h reaches over 4 pixels, the padded input has only 3");
    fails_with(net, 1, 9, "l2.3: conv2d: input has 2 channels, weight [2,9,1,1] expects 9");
    fails_with(cnn_module_child(net, 1, NULL), 3, 8, "0: conv2d: input has 3 channels, weight [2,1,3,3] expects 1");
    cnn_module *layer = cnn_module_child(cnn_module_child(net, 1, NULL), 0, NULL);
    fails_with(layer, 3, 8, "conv2d: input has 3 channels, weight [2,1,3,3] expects 1"); /* it is the root itself */
    cnn_module *outer = cnn_module_new(ctx, deep);
    cnn_module_add(outer, "body", convolutions());
    fails_with(outer, 3, 8, "body.0: conv2d: input has 3 channels, weight [2,1,3,3] expects 1");
    cnn_module *caller = cnn_sequential_new(ctx, cnn_module_new(ctx, stray, .user = net));
    fails_with(caller, 3, 8, "l2.0: conv2d: input has 3 channels, weight [2,1,3,3] expects 1");
    cnn_module_free(caller);
    cnn_module_free(outer);
    cnn_module_free(net);
}
END_TEST

/* As deep as trees go, with names that fill the message: the end of the path is there, and the reason. */
START_TEST(long_paths_leave_room_for_the_reason)
{
    char name[100];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    cnn_module *net = cnn_conv2d_new(ctx, 1, 2, 3);
    for (int i = 0; i < 900; i++) {
        cnn_module *outer = cnn_module_new(ctx, both);
        cnn_module_add(outer, i == 0 ? "last" : name, net);
        net = outer;
    }
    char expected[400];
    snprintf(expected, sizeof expected, "%s.%s.last: conv2d: input has 3 channels, weight [2,1,3,3] expects 1", name, name);
    fails_with(net, 3, 8, expected);
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callbacks");
    TCase *ends = suite_case(suite, "ending a step", setup_leaf, teardown_leaf);
    tcase_add_loop_test(ends, a_callback_cannot_end_its_step, 0, DEEDS * IN_FUNCTION);
    tcase_add_test(ends, a_checked_function_cannot_end_its_step);
    tcase_add_test(ends, a_callback_may_use_another_tape);
    TCase *asks = suite_case(suite, "forward", setup_leaf, teardown_leaf);
    tcase_add_test(asks, a_forward_knows_its_tape_and_mode);
    tcase_add_test(asks, a_forward_uses_its_parameters_in_any_operation);
    TCase *paths = suite_case(suite, "paths", setup, teardown);
    tcase_add_test(paths, messages_name_the_path_of_the_module);
    tcase_add_test(paths, long_paths_leave_room_for_the_reason);
    return suite_run(suite);
}
