/* Failures of the CUDA back end on the stand-in: of the program, of memory, of the device, and of every call. What has
 * failed is told, nothing is carried out behind it, and nothing is left. */
#include "setting.h"

START_TEST(a_bad_index_stops_the_queue_until_it_is_told)
{
    setting s;
    ck_assert(setting_make(&s, "cuda"));
    ck_assert_int_eq(train(&s, 0), CNN_OK);
    ck_assert(read_state(&s, &right));
    cnn_tensor *x = cnn_tensor_zeros(s.ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tensor *labels = cnn_tensor_from_data(s.ctx, CNN_I64, CNN_SHAPE(2), ((int64_t[]){ 1, 7 }));
    cnn_tape_begin(s.tape, CNN_EVAL);
    cnn_tensor *loss = cnn_cross_entropy(cnn_input(s.tape, x), labels);
    cnn_tensor *weight = cnn_module_parameter(s.net, 0);
    float zeros[6 * 2 * 9] = { 0 };
    ck_assert_int_eq(cnn_tensor_write(weight, zeros, sizeof zeros), CNN_OK); /* behind the failure: not carried out */
    ck_assert(isnan(cnn_tensor_item(loss)));
    ck_assert_str_eq(cnn_last_error(s.ctx), "tensor_item: on the device cuda:0 index_check failed: the index at 1 is 7");
    ck_assert(read_state(&s, &now));
    same_bits("weights behind a failure");
    ck_assert_int_eq(train(&s, 1), CNN_OK);
    cnn_tensor_free(x);
    cnn_tensor_free(labels);
    setting_free(&s);
}
END_TEST

typedef cnn_optimizer *make_optimizer(cnn_module *net);
#define MAKER(name, ...) \
    static cnn_optimizer *make_##name(cnn_module *net) \
    { \
        return cnn_##name##_new(net, __VA_ARGS__); \
    }
MAKER(adam, .lr = 0.01)
MAKER(sgd, .lr = 0.01, .momentum = 0.9)
MAKER(nadam, .lr = 0.01)
MAKER(lamb, .lr = 0.01)
MAKER(lars, .lr = 0.01, .momentum = 0.9)
MAKER(rmsprop, .lr = 0.01, .momentum = 0.9)
static make_optimizer *const optimizers[] = { make_adam, make_sgd, make_nadam, make_lamb, make_lars, make_rmsprop };
enum { OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

/* Trains with the libraries' products and convolutions, which do not look at the record of failures; `bad`: a step with
 * a class that there is not stands before the last two, and nobody looks until it has been handed over to its end. */
static void train_with(make_optimizer *make, bool bad, state *to)
{
    setting s;
    ck_assert(setting_make(&s, "cuda"));
    cnn_optimizer_free(s.optimizer);
    s.optimizer = make(s.net);
    ck_assert_ptr_nonnull(s.optimizer);
    for (int i = 0; i < STEPS; i++) {
        if (bad && i == STEPS - 2) {
            static state before;
            ck_assert(read_state(&s, &before));
            int64_t count = cnn_optimizer_step_count(s.optimizer);
            wrong_class = true;
            ck_assert_int_ne(train(&s, i), CNN_OK);
            wrong_class = false;
            ck_assert_msg(strstr(cnn_last_error(s.ctx), "the index at 3 is 99") != NULL, "%s", cnn_last_error(s.ctx));
            ck_assert(read_state(&s, &now));
            ck_assert_int_eq(memcmp(now.data, before.data, now.bytes), 0);
            ck_assert_int_eq(cnn_optimizer_step_count(s.optimizer), count);
        }
        ck_assert_msg(train(&s, i) == CNN_OK, "%s", cnn_last_error(s.ctx));
    }
    ck_assert(read_state(&s, to));
    setting_free(&s);
}

/* Weights are what they were, and so are moments and counters: the steps that follow have the bits of a run without it. */
START_TEST(nothing_of_an_optimizer_moves_behind_a_bad_index)
{
    for (int graphs = 0; graphs < 2; graphs++) {
        setenv("CNN_CUDA_GRAPHS", graphs ? "1" : "0", 1);
        train_with(optimizers[_i], false, &right);
        train_with(optimizers[_i], true, &now);
        same_bits("steps after a bad index");
    }
}
END_TEST

START_TEST(full_memory_is_an_error_that_passes)
{
    setenv("CNN_STANDIN_MEMORY", "60000000", 1);
    cnn_context *ctx = cnn_context_new(.device = "cuda");
    cnn_tensor *a = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(6000000));
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_null(cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(12000000)));
    ck_assert_int_eq(cnn_context_status(ctx), CNN_ERROR_NO_MEMORY);
    ck_assert_str_eq(cnn_last_error(ctx),
                     "tensor_zeros: no memory for 48000000 bytes: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY: out of memory");
    cnn_tensor_free(a);
    cnn_tensor *b = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(12000000)); /* what is kept is given back for it */
    ck_assert_msg(b != NULL, "%s", cnn_last_error(ctx));
    cnn_tensor_free(b);
    cnn_context_free(ctx);
}
END_TEST

static bool says_lost(cnn_context *ctx, const char *what)
{
    bool says = strstr(cnn_last_error(ctx), ": CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure") != NULL;
    if (!says) {
        fprintf(stderr, "%s says \"%s\"\n", what, cnn_last_error(ctx));
    }
    cnn_context_clear_error(ctx);
    return says;
}

/* Whatever is called first finds it, and all that is called behind it says the same; what the host has stays. */
static int first_call;
static int is_lost(void)
{
    setting s;
    float host[4] = { 1, 2, 3, 4 };
    int wrong = 0;
    if (!setting_make(&s, "cuda") || train(&s, 0) != CNN_OK) {
        return 1;
    }
    cnn_tensor *t = cnn_tensor_from_data(s.ctx, CNN_F32, CNN_SHAPE(4), host);
    cnn_context_synchronize(s.ctx);
    setenv("CNN_STANDIN_LOST", "1", 1);
    for (int i = 0; i < 12; i++) {
        switch ((first_call + i) % 6) {
        case 0: wrong += cnn_tensor_read(t, host, sizeof host) == CNN_OK || !says_lost(s.ctx, "a read"); break;
        case 1: wrong += train(&s, 1) == CNN_OK || !says_lost(s.ctx, "a step"); break;
        case 2: wrong += !isnan(cnn_tensor_item(cnn_sum(cnn_input(s.tape, t), 0, NULL, false))) || !says_lost(s.ctx, "an item"); break;
        case 3: wrong += cnn_tensor_zeros(s.ctx, CNN_F32, CNN_SHAPE(50000000)) != NULL || !says_lost(s.ctx, "an allocation"); break;
        case 4: wrong += (cnn_tensor_write(t, host, sizeof host) | cnn_context_synchronize(s.ctx)) == CNN_OK || !says_lost(s.ctx, "a write"); break;
        default: wrong += (cnn_tensor_fill(t, 2) | cnn_context_synchronize(s.ctx)) == CNN_OK || !says_lost(s.ctx, "a launch"); break;
        }
        cnn_tape_begin(s.tape, CNN_TRAIN);
    }
    wrong += host[0] != 1 || host[3] != 4;
    cnn_tensor_free(t);
    setting_free(&s);
    return wrong;
}

START_TEST(on_a_lost_device_every_call_says_so)
{
    first_call = _i;
    ck_assert_int_eq(in_child(is_lost), 0);
}
END_TEST

/* Trains while one call fails. 0: the end has the bits of a run without failures; 2: a failure that was reported, and the
 * device stays unusable; else wrong. */
static int survives(void)
{
    setting s;
    static state before;
    if (!setting_make(&s, "cuda")) {
        bool told = *cnn_last_error(s.ctx) != '\0';
        setting_free(&s);
        return told ? 2 : 3;
    }
    int result = 0;
    for (int i = 0; i < STEPS && result == 0; i++) {
        if (!read_state(&s, &before) && !read_state(&s, &before)) {
            result = 2;
            break;
        }
        int64_t count = cnn_optimizer_step_count(s.optimizer);
        if (train(&s, i) == CNN_OK) {
            continue;
        }
        bool told = *cnn_last_error(s.ctx) != '\0', moved = cnn_optimizer_step_count(s.optimizer) != count;
        bool adam = strstr(cnn_last_error(s.ctx), " adam failed") != NULL;
        if (!told || !read_state(&s, &now)) {
            result = told ? 2 : 4;
        } else if (memcmp(now.data, before.data, now.bytes) != 0) {
            result = adam ? 2 : 5; /* the optimizer's launches before it have been done */
        } else if (moved) {
            result = 6;
        } else if (train(&s, i) != CNN_OK) {
            result = 7;
        }
        if (result > 2) {
            fprintf(stderr, "result %d: %s\n", result, cnn_last_error(s.ctx));
        }
    }
    if (result == 0 && (!read_state(&s, &now) || memcmp(now.data, right.data, now.bytes) != 0)) {
        result = 8;
    }
    setting_free(&s);
    return result;
}

/* The same for steps that nobody waits for: where all of them seem to be done, they have the bits of a run without
 * failures, and where not, the failure is told. */
static int survives_unwatched(void)
{
    setting s;
    bool done = setting_make(&s, "cuda");
    for (int i = 0; i < STEPS && done; i++) {
        done = train(&s, i) == CNN_OK;
    }
    done = done && cnn_context_synchronize(s.ctx) == CNN_OK;
    int result = done ? 0 : *cnn_last_error(s.ctx) != '\0' ? 2 : 3;
    if (done && !read_state(&s, &now)) {
        result = *cnn_last_error(s.ctx) != '\0' ? 2 : 4;
    } else if (done && (now.bytes != right.bytes || memcmp(now.data, right.data, now.bytes) != 0)) {
        result = 8;
    }
    setting_free(&s);
    return result;
}

/* ---- every call fails once ---- */

enum { MOST_CALLS = 1 << 16, FUNCTIONS = 128, NAME = 64 };

/* The functions that a run calls, in their order, the first of which is call 1: this process has not opened them. */
static int called[MOST_CALLS], calls;
static char functions[FUNCTIONS][NAME];
static char right_file[] = "/tmp/libcnn-cuda-right-XXXXXX";

static int train_and_keep(void)
{
    FILE *file = train_all("cuda", &now) ? fopen(right_file, "wb") : NULL;
    bool kept = file && fwrite(&now, sizeof now, 1, file) == 1;
    return !(file && fclose(file) == 0 && kept);
}

static int number_of_function(const char *name)
{
    int i = 0;
    while (i < FUNCTIONS && *functions[i] && strcmp(functions[i], name) != 0) {
        i++;
    }
    ck_assert_int_lt(i, FUNCTIONS);
    snprintf(functions[i], NAME, "%s", name);
    return i;
}

static void list_calls_of_a_run(void)
{
    char path[] = "/tmp/libcnn-cuda-XXXXXX", name[NAME];
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    setenv("CNN_STANDIN_LOG", path, 1);
    ck_assert_int_eq(in_child(train_and_keep), 0);
    unsetenv("CNN_STANDIN_LOG");
    FILE *file = fdopen(descriptor, "r");
    for (int number; fscanf(file, "%d %63s", &number, name) == 2; calls++) {
        ck_assert_int_eq(number, calls + 1);
        ck_assert_int_lt(calls, MOST_CALLS);
        called[calls] = number_of_function(name);
    }
    fclose(file);
    unlink(path);
    file = fopen(right_file, "rb");
    ck_assert_uint_eq(fread(&right, sizeof right, 1, file), 1);
    fclose(file);
    unlink(right_file);
}

typedef struct run {
    pid_t child;
    int number;
} run;

/* A child ends: 0 as if nothing had failed, 2 with a failure. */
static void take_result(run *r, const char *variable, int counts[3])
{
    int status = 0;
    ck_assert_int_eq(waitpid(r->child, &status, 0), r->child);
    int result = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    ck_assert_msg(result == 0 || result == 2, "%s=%d (%s): %d", variable, r->number, functions[called[r->number - 1]], result);
    counts[result]++;
    r->child = 0;
}

/* Lets every `step`th call of the run fail, in a run of its own. */
static void let_fail(const char *variable, int step, int counts[3])
{
    enum { AT_ONCE = 4 };
    run running[AT_ONCE] = { { 0 } };
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int next = 0;
    fflush(NULL);
    for (int number = 1; number <= calls; number += step) {
        run *r = &running[next++ % (cpus < AT_ONCE ? cpus : AT_ONCE)];
        if (r->child) {
            take_result(r, variable, counts);
        }
        *r = (run){ fork(), number };
        ck_assert_int_ge(r->child, 0);
        if (r->child == 0) {
            char text[16];
            snprintf(text, sizeof text, "%d", number);
            setenv(variable, text, 1);
            exit(unwatched ? survives_unwatched() : survives());
        }
    }
    for (int i = 0; i < AT_ONCE; i++) {
        if (running[i].child) {
            take_result(&running[i], variable, counts);
        }
    }
}

START_TEST(every_call_may_fail)
{
    const char *which = getenv("CNN_TEST_CUDA");
    int failed[3] = { 0 }, lost[3] = { 0 }, step = which && strcmp(which, "all") == 0 ? 1 : 61;
    setenv("CNN_CUDA_GRAPHS", _i ? "1" : "0", 1);
    unwatched = _i == 2;
    close(mkstemp(right_file));
    list_calls_of_a_run();
    ck_assert_int_gt(calls, 200);
    let_fail("CNN_STANDIN_FAIL", step, failed);
    printf("%d calls, of which %d failed: %d runs went on, %d ended with a failure\n", calls, failed[0] + failed[2], failed[0],
           failed[2]);
    ck_assert(unwatched || failed[0] > failed[2]);
    let_fail("CNN_STANDIN_LOST", 5 * step, lost);
    ck_assert_int_gt(lost[2], 0);
}
END_TEST

static int leaves_alone(void)
{
    return 0;
}

START_TEST(a_child_leaves_the_queue_to_its_parent)
{
    setting s;
    ck_assert(setting_make(&s, "cuda"));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cnn_tensor *t = cnn_tensor_zeros(s.ctx, CNN_F32, CNN_SHAPE(2));
        bool refused = !t || isnan(cnn_tensor_item(t));
        _exit(refused ? leaves_alone() : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(train(&s, 0), CNN_OK);
    setting_free(&s);
}
END_TEST

int main(void)
{
    use_standin();
    Suite *suite = suite_create("failures on CUDA without a GPU");
    TCase *failures = suite_case(suite, "failures", NULL, NULL);
    tcase_set_timeout(failures, 1800);
    tcase_add_test(failures, a_bad_index_stops_the_queue_until_it_is_told);
    tcase_add_test(failures, full_memory_is_an_error_that_passes);
    tcase_add_loop_test(failures, on_a_lost_device_every_call_says_so, 0, 6);
    tcase_add_loop_test(failures, every_call_may_fail, 0, 3);
    tcase_add_loop_test(failures, nothing_of_an_optimizer_moves_behind_a_bad_index, 0, OPTIMIZERS);
    tcase_add_test(failures, a_child_leaves_the_queue_to_its_parent);
    return suite_run(suite);
}
