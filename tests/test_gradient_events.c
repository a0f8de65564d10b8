/* Final gradients: when they are told of, in which order, and two processes that sum theirs while backward goes on. */
#include "support/elements.h"
#include "support/metered_tape.h"

#include <errno.h>
#include <math.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 16 };

static struct {
    cnn_tensor *parameter[MOST];
    float gradient[MOST]; /* the first element then */
    int count;
} events;

static void note(cnn_tensor *parameter, void *user)
{
    ck_assert_ptr_eq(user, &events);
    ck_assert_int_lt(events.count, MOST);
    events.parameter[events.count] = parameter;
    events.gradient[events.count++] = *(const float *)host_elements(cnn_tensor_grad(parameter));
}

static cnn_tensor *parameter_of(float value)
{
    cnn_tensor *t = cnn_tensor_full(ctx, CNN_F32, value, CNN_SHAPE(2));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(t, true), CNN_OK);
    return t;
}

/* loss = Σ ((a · b + a) · c): a is used twice, and final after its first use only. */
START_TEST(each_is_told_of_once_it_is_complete)
{
    cnn_tensor *a = parameter_of(2), *b = parameter_of(3), *c = parameter_of(5), *unused = parameter_of(7);
    ck_assert_int_eq(cnn_tape_on_gradient(tape, note, &events), CNN_OK);
    for (int round = 1; round <= 2; round++) { /* the gradients add up */
        events.count = 0;
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *sum = cnn_add(cnn_mul(cnn_input(tape, a), b), a);
        cnn_mul(sum, unused);
        ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(sum, c), CNN_ALL_DIMS, false)), CNN_OK);
        ck_assert_int_eq(events.count, 3);
        ck_assert_ptr_eq(events.parameter[0], c);
        ck_assert_ptr_eq(events.parameter[1], a);
        ck_assert_ptr_eq(events.parameter[2], b);
        ck_assert(events.gradient[0] == 8 * (float)round && events.gradient[1] == 20 * (float)round &&
                  events.gradient[2] == 10 * (float)round);
    }
    ck_assert_int_eq(cnn_tape_on_gradient(tape, NULL, NULL), CNN_OK);
    events.count = 0;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(cnn_input(tape, a), b), CNN_ALL_DIMS, false)), CNN_OK);
    ck_assert_int_eq(events.count, 0);
    cnn_tensor *all[] = { a, b, c, unused };
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(all[i]);
    }
}
END_TEST

static void begins_a_step(cnn_tensor *parameter, void *user)
{
    (void)parameter;
    (void)user;
    events.count++;
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_ERROR_STATE);
}

START_TEST(a_leaf_alone_and_a_callback_that_begins_a_step)
{
    events.count = 0;
    cnn_tensor *a = parameter_of(2);
    ck_assert_int_eq(cnn_tape_on_gradient(NULL, note, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_tape_on_gradient(tape, note, &events), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward_with(cnn_input(tape, a), NULL, false), CNN_OK);
    ck_assert_int_eq(events.count, 1);
    ck_assert_int_eq(cnn_tape_on_gradient(tape, begins_a_step, NULL), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    ck_assert_int_eq(cnn_backward(cnn_sum(cnn_mul(cnn_input(tape, a), a), CNN_ALL_DIMS, false)), CNN_ERROR_STATE);
    ck_assert_int_eq(events.count, 2);
    ck_assert_str_eq(cnn_tape_error(tape), "tape_begin: called inside the callback of tape_on_gradient, which works on this tape");
    cnn_tensor_free(a);
}
END_TEST

START_TEST(what_is_called_can_be_asked_for)
{
    cnn_gradient_fn call = note;
    void *user = &events;
    ck_assert_int_eq(cnn_tape_gradient_call(tape, &call, &user), CNN_OK);
    ck_assert(!call && !user);
    ck_assert_int_eq(cnn_tape_on_gradient(tape, note, &events), CNN_OK);
    ck_assert_int_eq(cnn_tape_gradient_call(tape, &call, &user), CNN_OK);
    ck_assert(call == note && user == &events);
    ck_assert_int_eq(cnn_tape_gradient_call(NULL, &call, &user), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(NULL), "tape_gradient_call: tape is NULL");
    ck_assert_int_eq(cnn_tape_gradient_call(tape, NULL, &user), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(NULL), "tape_gradient_call: call is NULL");
    ck_assert_int_eq(cnn_tape_gradient_call(tape, &call, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(cnn_last_error(NULL), "tape_gradient_call: user is NULL");
    ck_assert(call == note && user == &events);
}
END_TEST

START_TEST(after_a_failure_nothing_is_told)
{
    events.count = 0;
    cnn_tensor *a = parameter_of(2), *b = parameter_of(3);
    ck_assert_int_eq(cnn_tape_on_gradient(tape, note, &events), CNN_OK);
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *loss = cnn_sum(cnn_mul(cnn_exp(cnn_mul(cnn_input(tape, a), b)), b), CNN_ALL_DIMS, false);
    ck_assert_int_eq(cnn_tensor_fill(a, 1), CNN_OK); /* stale, when backward comes to the first product */
    ck_assert_int_eq(cnn_backward(loss), CNN_ERROR_STATE);
    ck_assert_int_eq(events.count, 0);
    cnn_tensor_free(a);
    cnn_tensor_free(b);
}
END_TEST

/* ---- two processes, each with half of the batch ---- */

enum { STEPS = 4, BATCH = 8, FEATURES = 6, CLASSES = 3 };

static void move(int socket, void *data, size_t size, bool out)
{
    char *at = data;
    while (size) {
        ssize_t n = out ? write(socket, at, size) : read(socket, at, size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            _exit(9);
        }
        at += n;
        size -= (size_t)n;
    }
}

/* The mean of both gradients; the same two numbers are added in the same order on both sides. */
static void exchange(cnn_tensor *parameter, void *user)
{
    int socket = *(const int *)user;
    cnn_tensor *gradient = cnn_tensor_grad(parameter);
    float *own = writable_elements(gradient), other[512];
    int64_t n = cnn_tensor_numel(gradient);
    move(socket, own, (size_t)n * sizeof *own, true);
    move(socket, other, (size_t)n * sizeof *other, false);
    for (int64_t i = 0; i < n; i++) {
        own[i] = (own[i] + other[i]) / 2;
    }
    elements_written(gradient, own);
}

static cnn_module *make_model(void)
{
    return cnn_sequential_new(ctx, cnn_linear_new(ctx, FEATURES, 16), cnn_relu_new(ctx), cnn_linear_new(ctx, 16, CLASSES));
}

/* Trains on samples first … first + count − 1 of each batch. */
static void train(cnn_module *model, int first, int count)
{
    cnn_optimizer *sgd = cnn_sgd_new(model, .lr = 0.1, .momentum = 0.9);
    for (int step = 0; step < STEPS; step++) {
        float features[BATCH * FEATURES];
        int64_t classes[BATCH];
        for (int i = 0; i < count; i++) {
            int sample = step * BATCH + first + i;
            for (int k = 0; k < FEATURES; k++) {
                features[i * FEATURES + k] = sinf((float)(sample * FEATURES + k));
            }
            classes[i] = sample % CLASSES;
        }
        cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(count, FEATURES), features);
        cnn_tensor *labels = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(count), classes);
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        ck_assert_int_eq(cnn_backward(cnn_cross_entropy(cnn_forward(model, cnn_input(tape, x)), labels)), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(sgd), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_zero_grad(sgd), CNN_OK);
        cnn_tensor_free(x);
        cnn_tensor_free(labels);
    }
    cnn_optimizer_free(sgd);
}

static size_t weights_of(const cnn_module *model, float *weights)
{
    size_t count = 0;
    for (int i = 0; i < cnn_module_parameter_count(model); i++) {
        const cnn_tensor *p = cnn_module_parameter(model, i);
        ck_assert_int_eq(cnn_tensor_read(p, weights + count, (size_t)cnn_tensor_numel(p) * sizeof *weights), CNN_OK);
        count += (size_t)cnn_tensor_numel(p);
    }
    return count;
}

START_TEST(two_processes_train_as_one)
{
    enum { ROOM = 512 };
    cnn_module *model = make_model(), *alone = make_model();
    float together[ROOM], others[ROOM], one[ROOM];
    int sockets[2];
    ck_assert_int_eq(cnn_module_copy_from(alone, model), CNN_OK);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    int *own = &sockets[child == 0];
    close(sockets[child != 0]);
    ck_assert_int_eq(cnn_tape_on_gradient(tape, exchange, own), CNN_OK);
    if (child == 0 && on_device()) { /* a queue stays with the process that opened it */
        ctx = metered_context(1);
        tape = cnn_tape_new(ctx);
        ck_assert_int_eq(cnn_tape_on_gradient(tape, exchange, own), CNN_OK);
        model = make_model();
        alone = make_model();
    }
    train(model, child ? 0 : BATCH / 2, BATCH / 2);
    size_t count = weights_of(model, together);
    if (child == 0) {
        move(*own, together, count * sizeof *together, true);
        cnn_module_free(model);
        cnn_module_free(alone);
        cnn_tape_free(tape);
        cnn_context_free(ctx);
        _exit(0);
    }
    move(*own, others, count * sizeof *others, false);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(memcmp(together, others, count * sizeof *together), 0); /* both have the same bits */
    ck_assert_int_eq(cnn_tape_on_gradient(tape, NULL, NULL), CNN_OK);
    train(alone, 0, BATCH);
    ck_assert_uint_eq(weights_of(alone, one), count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_float_eq_tol(together[i], one[i], 1e-6f);
    }
    close(*own);
    cnn_module_free(model);
    cnn_module_free(alone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gradient_events");
    TCase *events_case = suite_case(suite, "events", setup, teardown);
    tcase_add_test(events_case, each_is_told_of_once_it_is_complete);
    tcase_add_test(events_case, a_leaf_alone_and_a_callback_that_begins_a_step);
    tcase_add_test(events_case, what_is_called_can_be_asked_for);
    tcase_add_test(events_case, after_a_failure_nothing_is_told);
    tcase_add_test(events_case, two_processes_train_as_one);
    return suite_run(suite);
}
