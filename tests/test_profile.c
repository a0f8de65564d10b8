/* Profiles: times that nest, tables, traces for viewers, and that nothing is recorded or changed where nobody looks. */
#include "support/profiled.h"

#include <math.h>
#include <pthread.h>
#ifdef CNN_HAVE_JANSSON
#include <jansson.h>
#endif

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

/* Adds up the launches of an operation, forward or backward; NULL: all launches. */
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
