/* Models with very many parameters: building, saving, loading and training takes O(n) or O(n log n) time. Eight
 * times as many parameters may take up to 20 times as long; quadratic time would be 64 times as long. */
#include "support/elements.h"
#include "support/io.h"

#include <math.h>
#include <time.h>

/* As many as tell linear from quadratic; under a slow instrument fewer. */
enum { MOST = 100000, SMALLER = 8, SLOWER = 20 };

static int many_wanted(void)
{
    const char *few = getenv("CNN_TEST_SHAPES");
    return few && atoi(few) < 10 ? MOST / 10 : MOST;
}

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self;
    (void)user;
    return x;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void add_parameters(cnn_module *module, int count, double value)
{
    char name[16];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "p%d", i);
        if (!cnn_module_add_parameter(module, name, cnn_tensor_full(ctx, CNN_F32, value + i, CNN_SHAPE(1)))) {
            ck_abort_msg("%s", cnn_last_error(ctx)); /* an assertion for each would take most of the time */
        }
    }
}

/* `many` parameters, `each` of them in a module; all in the root where that is 0. */
static cnn_module *make_many(int many, int each, double value)
{
    cnn_module *root = cnn_module_new(ctx, forward);
    char name[16];
    if (each == 0) {
        add_parameters(root, many, value);
        return root;
    }
    for (int i = 0; i < many / each; i++) {
        cnn_module *child = cnn_module_new(ctx, forward);
        add_parameters(child, each, value);
        snprintf(name, sizeof name, "m%d", i);
        ck_assert_ptr_nonnull(cnn_module_add(root, name, child));
    }
    return root;
}

static double first_value(const cnn_module *module)
{
    return *(const float *)host_elements(cnn_module_parameter(module, 0));
}

enum { BUILD, OPTIMIZER, SAVE, LOAD, CHECKPOINT_SAVE, CHECKPOINT_LOAD, COPY, FREE, STAGES };
static const char *const stage_names[] = { "building",
                                           "cnn_adam_create",
                                           "cnn_module_save",
                                           "cnn_module_load",
                                           "cnn_checkpoint_save",
                                           "cnn_checkpoint_load",
                                           "cnn_module_copy_from",
                                           "freeing" };

/* Does everything once with that many parameters; the CPU time of each stage. */
static void measure(int many, int each, double seconds[STAGES])
{
    double at[STAGES + 1];
    int stage = 0;
    at[stage++] = cpu_seconds();
    cnn_module *a = make_many(many, each, 1), *b = make_many(many, each, 2);
    at[stage++] = cpu_seconds();
    cnn_optimizer *adam = cnn_adam_new(a, .lr = 1e-3), *other = cnn_adam_new(b, .lr = 1e-3);
    ck_assert(adam && other);
    at[stage++] = cpu_seconds();
    ck_assert_int_eq(cnn_module_save(a, in_folder("m")), CNN_OK);
    at[stage++] = cpu_seconds();
    ck_assert_int_eq(cnn_module_load(b, in_folder("m")), CNN_OK);
    at[stage++] = cpu_seconds();
    ck_assert(first_value(b) == 1);
    ck_assert_int_eq(save_checkpoint(a, adam, 1, in_folder("c")), CNN_OK);
    at[stage++] = cpu_seconds();
    ck_assert_msg(load_checkpoint(b, other, NULL, in_folder("c")) == CNN_OK, "%s", cnn_last_error(ctx));
    at[stage++] = cpu_seconds();
    ck_assert_int_eq(cnn_module_copy_from(b, a), CNN_OK);
    at[stage++] = cpu_seconds();
    cnn_optimizer_free(adam);
    cnn_optimizer_free(other);
    cnn_module_free(a);
    cnn_module_free(b);
    at[stage++] = cpu_seconds();
    for (int i = 0; i < STAGES; i++) {
        seconds[i] = at[i + 1] - at[i];
    }
}

/* The first stage whose time grows faster than the number of parameters; -1: none. A clock that ticks in hundredths of
 * a second sees less than one as one. */
static int steep_stage(const double few[STAGES], const double many[STAGES])
{
    const double tick = 0.01;
    for (int i = 0; i < STAGES; i++) {
        if (many[i] >= SLOWER * (few[i] < tick ? tick : few[i])) {
            return i;
        }
    }
    return -1;
}

static void measure_fastest(int many, int each, double fastest[STAGES])
{
    double seconds[STAGES];
    measure(many, each, seconds);
    for (int i = 0; i < STAGES; i++) {
        fastest[i] = seconds[i] < fastest[i] ? seconds[i] : fastest[i];
    }
}

/* All parameters in one module, 100 in each of many, one in each of very many. The work of a stage is in every
 * measurement, what disturbs one is not: a stage that looks steep is measured again before it counts as such. */
START_TEST(time_is_linear_in_the_parameters)
{
    static const int each[] = { 0, 100, 1 };
    enum { ATTEMPTS = 4 };
    double few[STAGES], many[STAGES];
    int steep = 0;
    for (int i = 0; i < STAGES; i++) {
        few[i] = many[i] = HUGE_VAL;
    }
    for (int attempt = 0; attempt < ATTEMPTS && steep >= 0; attempt++) {
        measure_fastest(many_wanted() / SMALLER, each[_i], few);
        measure_fastest(many_wanted(), each[_i], many);
        steep = steep_stage(few, many);
    }
    ck_assert_msg(steep < 0, "%s: %g s for %d parameters, %g s for %d", stage_names[steep < 0 ? 0 : steep],
                  few[steep < 0 ? 0 : steep], many_wanted() / SMALLER, many[steep < 0 ? 0 : steep], many_wanted());
}
END_TEST

enum { PAIRS = 16, LETTERS = 8 };

/* Two words that lead FNV-1a of 32 bits from a state to one and the same next one. */
static uint32_t find_pair(uint32_t state, char pair[2][LETTERS])
{
    static uint32_t seen[1 << 18];
    memset(seen, 0, sizeof seen);
    for (uint32_t i = 1;; i++) {
        uint32_t h[2] = { state, state }, *place = seen, number = i * 2654435761u;
        for (int k = 0; k < 2; k++) {
            for (int l = 0; l < LETTERS; l++, number /= 16) {
                pair[k][l] = (char)('a' + number % 16);
                h[k] = (h[k] ^ (unsigned char)pair[k][l]) * 16777619u;
            }
            place = k ? place : &seen[h[0] & ((1 << 18) - 1)];
            number = *place * 2654435761u;
        }
        if (*place && h[0] == h[1]) {
            return h[0];
        }
        *place = i;
    }
}

/* Names that collide in a table by FNV-1a, as a file may have them, take about as long as others. */
START_TEST(names_that_collide_are_found)
{
    char pairs[PAIRS][2][LETTERS], name[PAIRS * LETTERS + 1] = "";
    uint32_t state = 2166136261u;
    double seconds[2];
    const int many = many_wanted() * 2 / 5;
    for (int i = 0; i < PAIRS; i++) {
        state = find_pair(state, pairs[i]);
    }
    for (int collide = 0; collide < 2; collide++) {
        cnn_module *module = cnn_module_new(ctx, forward);
        double start = cpu_seconds();
        for (int i = 0; i < many; i++) {
            uint32_t h = 2166136261u;
            for (int k = 0; k < PAIRS; k++) {
                memcpy(name + k * LETTERS, pairs[k][i >> k & 1], LETTERS);
                name[k * LETTERS] = (char)(name[k * LETTERS] - (collide ? 0 : 'a' - 'A'));
            }
            for (const char *c = name; *c; c++) {
                h = (h ^ (unsigned char)*c) * 16777619u;
            }
            if (!cnn_module_add_parameter(module, name, cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1))) || (collide && h != state)) {
                ck_abort_msg("%s", cnn_last_error(ctx));
            }
        }
        ck_assert_ptr_eq(cnn_module_find(module, name), cnn_module_parameter(module, many - 1));
        seconds[collide] = cpu_seconds() - start;
        cnn_module_free(module);
    }
    ck_assert_msg(seconds[1] < 5 * seconds[0] + 0.1, "%.2f s, other names %.2f s", seconds[1], seconds[0]);
}
END_TEST

START_TEST(every_name_is_found)
{
    cnn_module *module = make_many(many_wanted(), 1000, 0);
    char name[32];
    for (int i = 0; i < many_wanted(); i++) {
        snprintf(name, sizeof name, "m%d.p%d", i / 1000, i % 1000);
        const cnn_tensor *t = cnn_module_find(module, name);
        ck_assert_ptr_nonnull(t);
        ck_assert(*(const float *)host_elements(t) == (float)(i % 1000));
    }
    ck_assert_ptr_null(cnn_module_find(module, "m100.p0"));
    ck_assert_ptr_null(cnn_module_find(module, "m99.p1000"));
    ck_assert_ptr_null(cnn_module_find(module, "m99"));
    cnn_module *child = cnn_module_child(module, 7, NULL);
    ck_assert_ptr_null(cnn_module_add_parameter(child, "p999", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1))));
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "name \"p999\" is already used");
    ck_assert_ptr_null(cnn_module_add_buffer(child, "p0", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1))));
    ck_assert_ptr_null(cnn_module_add(child, "p500", cnn_relu_new(ctx)));
    ck_assert_ptr_nonnull(cnn_module_add(child, "p1000", cnn_relu_new(ctx)));
    ck_assert_ptr_null(cnn_module_add_parameter(child, "p1000", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1))));
    cnn_module_free(module);
}
END_TEST

/* The state by number names every entry once, in order, across modules of different sizes. */
START_TEST(parameters_are_listed_in_order)
{
    cnn_module *model = make_model(4);
    cnn_tensor *all[8] = { NULL };
    int count = cnn_module_parameter_count(model);
    ck_assert_int_eq(cnn_module_parameters(model, NULL, 0), count);
    ck_assert_int_eq(cnn_module_parameters(model, all, 2), count);
    ck_assert_ptr_null(all[2]);
    ck_assert_int_eq(cnn_module_parameters(model, all, 8), count);
    for (int i = 0; i < count; i++) {
        char name[32];
        ck_assert_ptr_eq(all[i], cnn_module_parameter(model, i));
        ck_assert_ptr_eq(all[i], cnn_module_state(model, i));
        cnn_module_state_name(model, i, name, sizeof name);
        ck_assert_ptr_eq(all[i], cnn_module_find(model, name));
    }
    ck_assert_ptr_null(all[count]);
    ck_assert_ptr_null(cnn_module_state(model, count));
    ck_assert_int_eq(cnn_module_parameters(NULL, all, 8), 0);
    assert_error(cnn_context_status(NULL), CNN_ERROR_INVALID_ARGUMENT, "module_parameters: module is NULL");
    ck_assert_int_eq(cnn_module_parameters(model, NULL, 8), 0);
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "module_parameters: parameters is NULL");
    ck_assert_int_eq(cnn_module_parameters(model, all, -1), 0);
    assert_error(cnn_context_status(ctx), CNN_ERROR_INVALID_ARGUMENT, "module_parameters: count is negative");
    cnn_module_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("many parameters");
    TCase *tests = io_case(suite, "many parameters");
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, time_is_linear_in_the_parameters, 0, 3);
    tcase_add_test(tests, every_name_is_found);
    tcase_add_test(tests, parameters_are_listed_in_order);
    TCase *names = io_case(suite, "names");
    tcase_add_test(names, names_that_collide_are_found);
    return suite_run(suite);
}
