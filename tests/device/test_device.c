/* Devices as a program uses them, on a device whose memory the host cannot see and whose queue runs late
 * (tests/device/late.c): results with the CPU's bits, moving tensors and modules, and failures that come late. */
#include "support/device_net.h"
#include "support/suite.h"

#include <cnn/cnn.h>
#include <cnn/backend.h>

#include <dlfcn.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- a net with everything that matters here: convolution, buffers, dropout, two optimizers' worth of moments ---- */

static cnn_module *make_net(cnn_context *ctx, double dropout)
{
    cnn_module *net = device_net_new(ctx, dropout);
    ck_assert_msg(net != NULL, "%s", cnn_last_error(NULL));
    return net;
}

static cnn_context *make_context(const char *device)
{
    cnn_context *ctx = cnn_context_new(.device = device, .seed = 5, .threads = 2);
    ck_assert_msg(ctx != NULL, "%s", cnn_last_error(NULL));
    return ctx;
}

/* One step of training; the first failure, or CNN_OK. The loss is read only where it is asked for. */
static cnn_status train(cnn_context *ctx, cnn_tape *tape, cnn_module *net, cnn_optimizer *optimizer, int number,
                        double *loss)
{
    cnn_tensor *x, *labels;
    ck_assert_msg(device_batch(ctx, number, false, &x, &labels), "%s", cnn_last_error(NULL));
    cnn_status status = cnn_tape_begin(tape, CNN_TRAIN);
    cnn_optimizer_zero_grad(optimizer);
    cnn_tensor *l = cnn_cross_entropy(cnn_forward(net, cnn_input(tape, x)), labels);
    if (status == CNN_OK) {
        status = cnn_backward(l);
    }
    if (status == CNN_OK) {
        status = cnn_optimizer_step(optimizer);
    }
    if (status == CNN_OK && loss) {
        cnn_context_clear_error(ctx);
        *loss = cnn_tensor_item(l);
        status = cnn_context_status(ctx);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(labels);
    return status;
}

typedef device_state state;

static void read_state(const cnn_module *net, state *s)
{
    ck_assert_msg(device_state_read(net, s), "%s", cnn_last_error(NULL));
}

static void same_state(const state *a, const state *b, const char *what)
{
    ck_assert_uint_eq(a->bytes, b->bytes);
    ck_assert_msg(memcmp(a->data, b->data, a->bytes) == 0, "%s: the bits differ", what);
}

/* ---- what there is ---- */

START_TEST(devices_are_listed)
{
    cnn_device_properties p = { .struct_size = sizeof p };
    ck_assert_str_eq(cnn_device_problem(), "");
    ck_assert_int_eq(cnn_device_count(), 3);
    ck_assert_int_eq(cnn_device_describe(0, &p), CNN_OK);
    ck_assert_str_eq(p.name, "cpu");
    ck_assert(p.host_memory);
    ck_assert_int_eq(cnn_device_describe(2, &p), CNN_OK);
    ck_assert_str_eq(p.name, "late:1");
    ck_assert(!p.host_memory && p.memory > 0);
    ck_assert_int_eq(cnn_device_describe(3, &p), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert(cnn_device_available("cpu") && cnn_device_available("late") && cnn_device_available("late:1"));
    ck_assert(!cnn_device_available("late:2") && !cnn_device_available("late:x") && !cnn_device_available("cuda"));
}
END_TEST

START_TEST(an_unknown_device_names_those_there_are)
{
    ck_assert_ptr_null(cnn_context_new(.device = "cuda:1"));
    ck_assert_str_eq(cnn_last_error(NULL),
                     "context_create: there is no device \"cuda:1\", expected one of: cpu, late:0, late:1");
}
END_TEST

START_TEST(a_context_says_where_it_is)
{
    cnn_context *late = make_context("late:1"), *cpu = make_context("cpu"), *best = make_context("auto");
    cnn_tensor *t = cnn_tensor_ones(late, CNN_F32, CNN_SHAPE(2));
    ck_assert_str_eq(cnn_context_device(late), "late:1");
    ck_assert_str_eq(cnn_context_device(cpu), "cpu");
    ck_assert_str_eq(cnn_context_device(best), "late:0");
    ck_assert_str_eq(cnn_tensor_device(t), "late:1");
    cnn_tensor_free(t);
    cnn_context_free(late);
    cnn_context_free(cpu);
    cnn_context_free(best);
}
END_TEST

/* ---- the CPU's bits ---- */

static void train_on(const char *device, bool adam, int steps, state *s, double *losses)
{
    cnn_context *ctx = make_context(device);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *net = make_net(ctx, 0.25);
    cnn_optimizer *optimizer = adam ? cnn_adam_new(net, .lr = 0.01, .amsgrad = true, .weight_decay = 0.01)
                                    : cnn_sgd_new(net, .lr = 0.05, .momentum = 0.9, .nesterov = true);
    for (int i = 0; i < steps; i++) {
        ck_assert_msg(train(ctx, tape, net, optimizer, i, &losses[i]) == CNN_OK, "%s", cnn_last_error(ctx));
    }
    read_state(net, s);
    cnn_optimizer_free(optimizer);
    cnn_module_free(net);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static cnn_math told = (cnn_math)-1;

static void take_math(void *queue, cnn_math math)
{
    (void)queue;
    told = math;
}

/* A back end is told how exact sums are to be; one that was made before it could be told is not asked. */
START_TEST(a_back_end_is_told_the_mode)
{
    static const cnn_backend_host host = { sizeof host, cnn_cpu_launch, cnn_cpu_workspace };
    static cnn_backend tells, older, shorter;
    void *object = dlopen(LATE_FOLDER "/libcnn-late.so", RTLD_NOW);
    ck_assert_msg(object != NULL, "%s", dlerror());
    cnn_backend_query_fn query;
    *(void **)(void *)&query = dlsym(object, "cnn_backend_query");
    tells = older = shorter = *query(CNN_BACKEND_VERSION, &host);
    tells.name = "tells";
    tells.math = take_math;
    older.name = "older";
    older.math = take_math; /* it is not there */
    older.struct_size = offsetof(cnn_backend, math);
    shorter.name = "shorter";
    shorter.struct_size = offsetof(cnn_backend, math) - 1;
    ck_assert_int_eq(cnn_backend_add(&tells), CNN_OK);
    ck_assert_int_eq(cnn_backend_add(&older), CNN_OK);
    ck_assert_int_eq(cnn_backend_add(&shorter), CNN_ERROR_INVALID_ARGUMENT);
    static const cnn_math modes[] = { CNN_MATH_FAST, CNN_MATH_STRICT, CNN_MATH_TF32 };
    for (int i = 0; i < 3; i++) {
        cnn_context *ctx = cnn_context_new(.device = "tells", .math = modes[i]);
        ck_assert_msg(ctx != NULL, "%s", cnn_last_error(NULL));
        ck_assert_int_eq(told, modes[i]);
        ck_assert_int_eq(cnn_context_math(ctx), modes[i]);
        cnn_context_free(ctx);
    }
    told = (cnn_math)-1;
    cnn_context *ctx = cnn_context_new(.device = "older", .math = CNN_MATH_STRICT);
    ck_assert_msg(ctx != NULL, "%s", cnn_last_error(NULL));
    ck_assert_int_eq(told, (cnn_math)-1);
    cnn_context_free(ctx);
}
END_TEST

START_TEST(training_has_the_bits_of_the_cpu)
{
    enum { STEPS = 6 };
    static state cpu, late;
    double losses[2][STEPS];
    train_on("cpu", _i, STEPS, &cpu, losses[0]);
    train_on("late", _i, STEPS, &late, losses[1]);
    ck_assert_mem_eq(losses[0], losses[1], sizeof losses[0]);
    same_state(&cpu, &late, "weights and buffers");
}
END_TEST

/* ---- moving ---- */

START_TEST(tensors_and_modules_move)
{
    static state before, there, back;
    cnn_context *cpu = make_context("cpu"), *late = make_context("late");
    cnn_module *net = make_net(cpu, 0), *moved = cnn_module_to(net, late);
    ck_assert_msg(moved != NULL, "%s", cnn_last_error(NULL));
    cnn_module *returned = cnn_module_to(moved, cpu);
    ck_assert_msg(returned != NULL, "%s", cnn_last_error(NULL));
    read_state(net, &before);
    read_state(moved, &there);
    read_state(returned, &back);
    same_state(&before, &there, "moved");
    same_state(&before, &back, "moved back");
    ck_assert_ptr_eq(cnn_module_context(moved), late);
    cnn_tensor *t = cnn_tensor_arange(cpu, CNN_I64, 0, 6, 1), *u = cnn_tensor_to(t, late), *v = cnn_tensor_to(u, cpu);
    ck_assert(u && v);
    ck_assert_str_eq(cnn_tensor_device(u), "late:0");
    ck_assert_mem_eq(cnn_tensor_data(t), cnn_tensor_data(v), 6 * sizeof(int64_t));
    cnn_tensor_free(t);
    cnn_tensor_free(u);
    cnn_tensor_free(v);
    cnn_module_free(net);
    cnn_module_free(moved);
    cnn_module_free(returned);
    cnn_context_free(cpu);
    cnn_context_free(late);
}
END_TEST

START_TEST(files_know_no_device)
{
    static state saved, loaded;
    char path[] = "/tmp/cnn-device-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    cnn_context *cpu = make_context("cpu"), *late = make_context("late");
    cnn_module *from = make_net(late, 0), *to = make_net(cpu, 0), *again = make_net(late, 0);
    ck_assert_msg(cnn_module_save(from, path) == CNN_OK, "%s", cnn_last_error(NULL));
    ck_assert_msg(cnn_module_load(to, path) == CNN_OK, "%s", cnn_last_error(NULL));
    read_state(from, &saved);
    read_state(to, &loaded);
    same_state(&saved, &loaded, "from the device to the CPU");
    ck_assert_int_eq(cnn_module_save(to, path), CNN_OK);
    ck_assert_int_eq(cnn_module_load(again, path), CNN_OK);
    read_state(again, &loaded);
    same_state(&saved, &loaded, "from the CPU to the device");
    unlink(path);
    cnn_module_free(from);
    cnn_module_free(to);
    cnn_module_free(again);
    cnn_context_free(cpu);
    cnn_context_free(late);
}
END_TEST

/* ---- what the host cannot do ---- */

START_TEST(the_host_cannot_see_elements)
{
    cnn_context *late = make_context("late"), *cpu = make_context("cpu");
    cnn_tensor *t = cnn_tensor_ones(late, CNN_F32, CNN_SHAPE(2)), *u = cnn_tensor_ones(cpu, CNN_F32, CNN_SHAPE(2));
    float mine[2] = { 0, 0 };
    ck_assert_ptr_null(cnn_tensor_data(t));
    ck_assert_str_eq(cnn_last_error(late), "tensor_data: the elements are on the device late:0, which the host cannot "
                                           "see; copy them with cnn_tensor_read() or cnn_tensor_to()");
    ck_assert_ptr_null(cnn_tensor_from_borrowed(late, CNN_F32, CNN_SHAPE(2), NULL, mine, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(cnn_last_error(late), "does not see memory of the host"));
    cnn_tape *tape = cnn_tape_new(late);
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_int_ne(cnn_tensor_status(cnn_add(cnn_input(tape, t), u)), CNN_OK);
    ck_assert_str_eq(cnn_last_error(late),
                     "add: operand 1 is of another context, on the device cpu, expected late:0");
    cnn_tape_free(tape);
    cnn_tensor_free(t);
    cnn_tensor_free(u);
    cnn_context_free(late);
    cnn_context_free(cpu);
}
END_TEST

START_TEST(a_missing_kernel_is_named)
{
    char number[16];
    snprintf(number, sizeof number, "%d", CNN_KERNEL_SOFTMAX);
    setenv("CNN_LATE_LACKS", number, 1);
    cnn_context *late = make_context("late");
    cnn_tensor *t = cnn_tensor_ones(late, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tape *tape = cnn_tape_new(late);
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_int_eq(cnn_tensor_status(cnn_softmax(cnn_input(tape, t), 1)), CNN_ERROR_UNSUPPORTED);
    ck_assert_str_eq(cnn_last_error(late), "softmax: the device late:0 has no kernel softmax for float32");
    cnn_tape_free(tape);
    cnn_tensor_free(t);
    cnn_context_free(late);
    unsetenv("CNN_LATE_LACKS");
}
END_TEST

START_TEST(full_memory_is_an_error)
{
    setenv("CNN_LATE_MEMORY", "4096", 1);
    cnn_context *late = make_context("late");
    ck_assert_ptr_null(cnn_tensor_zeros(late, CNN_F32, CNN_SHAPE(2048)));
    ck_assert_int_eq(cnn_context_status(late), CNN_ERROR_NO_MEMORY);
    cnn_tensor *t = cnn_tensor_zeros(late, CNN_F32, CNN_SHAPE(16));
    ck_assert_ptr_nonnull(t);
    cnn_tensor_free(t);
    cnn_context_free(late);
    unsetenv("CNN_LATE_MEMORY");
}
END_TEST

/* Trains for two steps, of which the second one is profiled where `options` is not NULL. */
static cnn_profile *train_profiled(const cnn_profile_options *options, state *s)
{
    cnn_context *late = make_context("late");
    cnn_module *net = make_net(late, 0.5);
    cnn_optimizer *adam = cnn_adam_new(net, .lr = 1e-2);
    cnn_tape *tape = cnn_tape_new(late);
    ck_assert_int_eq(train(late, tape, net, adam, 0, NULL), CNN_OK);
    cnn_profile *profile = options ? cnn_profile_begin(late, options) : NULL;
    ck_assert_msg(profile || !options, "%s", cnn_last_error(late));
    ck_assert_int_eq(train(late, tape, net, adam, 1, NULL), CNN_OK);
    if (profile) {
        cnn_profile_end(profile);
    }
    read_state(net, s);
    cnn_tape_free(tape);
    cnn_optimizer_free(adam);
    cnn_module_free(net);
    cnn_context_free(late);
    return profile;
}

START_TEST(a_profile_says_whether_launches_are_waited_for)
{
    static state without, with;
    cnn_profile_options options = { .struct_size = sizeof options, .synchronize = _i == 1 };
    train_profiled(NULL, &without);
    cnn_profile *profile = train_profiled(&options, &with);
    same_state(&without, &with, "with a profile");
    const cnn_profile_event *e;
    double flops = 0;
    int64_t count = 0;
    for (; (e = cnn_profile_get_event(profile, count)) != NULL; count++) {
        ck_assert_int_eq(e->queued, e->kind == CNN_PROFILE_LAUNCH && !options.synchronize);
        flops += strncmp(e->kernel, "conv", 4) == 0 && !e->backward ? e->flops : 0;
    }
    ck_assert_int_gt(count, 20);
    /* The second has ReLU and pooling of four in its kernel. */
    ck_assert_double_eq(flops, 2.0 * SAMPLES * (6 * 8 * 8 * 2 * 9 + 8 * 4 * 4 * 6 * 9) + SAMPLES * (8 * 4 * 4 + 4 * 8 * 2 * 2));
    cnn_profile_free(profile);
}
END_TEST

/* ---- failures that come late ---- */

START_TEST(a_bad_index_is_noticed_by_who_waits)
{
    cnn_context *late = make_context("late");
    cnn_tape *tape = cnn_tape_new(late);
    const int64_t classes[2] = { 1, 7 };
    cnn_tensor *x = cnn_tensor_zeros(late, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *labels = cnn_tensor_from_data(late, CNN_I64, CNN_SHAPE(2), classes);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *loss = cnn_cross_entropy(cnn_input(tape, x), labels);
    ck_assert(isnan(cnn_tensor_item(loss)));
    ck_assert_str_eq(cnn_last_error(late),
                     "tensor_item: on the device late:0 index_check failed: the index at 1 is 7");
    ck_assert_int_ne(cnn_tape_status(tape), CNN_OK);
    ck_assert_int_eq(cnn_context_synchronize(late), CNN_OK);
    cnn_tape_begin(tape, CNN_EVAL);
    ck_assert_int_eq(cnn_tape_status(tape), CNN_OK);
    cnn_tensor_free(x);
    cnn_tensor_free(labels);
    cnn_tape_free(tape);
    cnn_context_free(late);
}
END_TEST

enum { STEPS = 4, MOST_LAUNCHES = 2000 };

/* The states of weights and buffers after each step on a device that does not fail. */
static state right[STEPS + 1];

static int launches_of_a_run(void)
{
    cnn_context *ctx = make_context("late");
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *net = make_net(ctx, 0);
    cnn_optimizer *optimizer = cnn_adam_new(net, .lr = 0.01);
    read_state(net, &right[0]);
    for (int i = 0; i < STEPS; i++) {
        ck_assert_int_eq(train(ctx, tape, net, optimizer, i, NULL), CNN_OK);
        read_state(net, &right[i + 1]);
    }
    cnn_optimizer_free(optimizer);
    cnn_module_free(net);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return MOST_LAUNCHES;
}

/* Does launch number `fails` of a run fail so that training, which repeats what it was told had failed, ends with the
 * bits of a run without failures? Failures are noticed when somebody waits: at the end of each step. Returns whether
 * that launch was reached. */
static bool survives(int fails)
{
    char number[16];
    snprintf(number, sizeof number, "%d", fails);
    setenv("CNN_LATE_FAIL", number, 1);
    cnn_context *ctx = make_context("late");
    unsetenv("CNN_LATE_FAIL");
    static state now;
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *net = make_net(ctx, 0);
    cnn_optimizer *optimizer = net ? cnn_adam_new(net, .lr = 0.01) : NULL;
    bool failed = cnn_context_synchronize(ctx) != CNN_OK; /* while the net was made: nothing to repeat here */
    for (int i = 0; i < STEPS && !failed; i++) {
        int64_t count = cnn_optimizer_step_count(optimizer);
        cnn_status status = train(ctx, tape, net, optimizer, i, NULL);
        cnn_status waited = cnn_context_synchronize(ctx);
        if (status == CNN_OK && waited == CNN_OK) {
            continue;
        }
        failed = true;
        int64_t done = cnn_optimizer_step_count(optimizer);
        ck_assert_int_eq(done, count);
        read_state(net, &now);
        bool before_update = memcmp(now.data, right[i].data, now.bytes) == 0;
        if (before_update) {
            ck_assert_msg(train(ctx, tape, net, optimizer, i, NULL) == CNN_OK, "%s", cnn_last_error(ctx));
            read_state(net, &now);
            same_state(&now, &right[i + 1], "the step repeated");
        } else { /* it was one of the optimizer's own launches: those before it have been done */
            ck_assert_msg(strstr(cnn_last_error(ctx), " adam failed") != NULL, "launch %d, step %d: %s, but weights or buffers moved", fails, i, cnn_last_error(ctx));
        }
    }
    cnn_optimizer_free(optimizer);
    cnn_module_free(net);
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return failed;
}

START_TEST(a_late_failure_moves_nothing)
{
    int most = launches_of_a_run(), fails = 1;
    while (fails < most && survives(fails)) {
        fails++;
    }
    ck_assert_int_gt(fails, 100);
    ck_assert_int_lt(fails, most);
}
END_TEST

int main(void)
{
    setenv("CNN_BACKEND_PATH", LATE_FOLDER, 1);
    unsetenv("CNN_DEVICE");
    Suite *suite = suite_create("devices");
    TCase *devices = suite_case(suite, "devices", NULL, NULL);
    tcase_add_test(devices, devices_are_listed);
    tcase_add_test(devices, an_unknown_device_names_those_there_are);
    tcase_add_test(devices, a_context_says_where_it_is);
    tcase_add_test(devices, a_back_end_is_told_the_mode);
    tcase_add_loop_test(devices, training_has_the_bits_of_the_cpu, 0, 2);
    tcase_add_test(devices, tensors_and_modules_move);
    tcase_add_test(devices, files_know_no_device);
    tcase_add_test(devices, the_host_cannot_see_elements);
    tcase_add_test(devices, a_missing_kernel_is_named);
    tcase_add_test(devices, full_memory_is_an_error);
    tcase_add_loop_test(devices, a_profile_says_whether_launches_are_waited_for, 0, 2);
    TCase *late = suite_case(suite, "late failures", NULL, NULL);
    tcase_add_test(late, a_bad_index_is_noticed_by_who_waits);
    tcase_add_test(late, a_late_failure_moves_nothing);
    return suite_run(suite);
}
