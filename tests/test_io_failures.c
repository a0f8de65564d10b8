/* Saving and loading while every allocation and every system call fails once. */
#include "support/io.h"

/* ---- everything fails once ---- */

typedef struct scene {
    cnn_module *model;
    cnn_optimizer *optimizer;
} scene;

static cnn_status act_module_save(scene *s)
{
    return cnn_module_save(s->model, in_folder("target"));
}
static cnn_status act_checkpoint_save(scene *s)
{
    return save_checkpoint(s->model, s->optimizer, 9, in_folder("target"));
}
static cnn_status act_module_load(scene *s)
{
    return cnn_module_load(s->model, in_folder("source"));
}
static cnn_status act_checkpoint_load(scene *s)
{
    return load_checkpoint(s->model, s->optimizer, NULL, in_folder("source"));
}
static cnn_status act_tensor_load(scene *s)
{
    (void)s;
    cnn_tensor *t = cnn_tensor_load(ctx, in_folder("source"), "0.weight");
    cnn_tensor_free(t);
    return t ? CNN_OK : cnn_context_status(ctx);
}

typedef struct act {
    cnn_status (*run)(scene *s);
    bool saves, loads;
} act;

static const act acts[] = { { act_module_save, true, false },
                            { act_checkpoint_save, true, false },
                            { act_module_load, false, true },
                            { act_checkpoint_load, false, true },
                            { act_tensor_load, false, false } };
enum { ACTS = sizeof acts / sizeof *acts };

static void scene_make(scene *s)
{
    s->model = make_model(3);
    s->optimizer = make_optimizer(ADAM, s->model);
    train(s->model, s->optimizer, 1);
    ck_assert_int_eq(save_checkpoint(s->model, s->optimizer, 1, in_folder("source")), CNN_OK);
    train(s->model, s->optimizer, 1);
    file_put(in_folder("target"), "old", 3);
}

static void scene_free(scene *s)
{
    cnn_optimizer_free(s->optimizer);
    cnn_module_free(s->model);
}

/* After a failure: the old file or (once it was renamed) the whole new one, no other file, and the weights of before. */
static void assert_untouched(const scene *s, const unsigned char *state, size_t size, bool renamed)
{
    ck_assert_int_eq(folder_count(false), 2);
    assert_state(s->model, state, size);
    if (!renamed) {
        assert_text(in_folder("target"), "old");
    } else {
        size_t length;
        unsigned char *data = file_get(in_folder("target"), &length);
        ck_assert_uint_gt(length, 100);
        free(data);
        file_put(in_folder("target"), "old", 3);
    }
}

START_TEST(every_allocation_may_fail)
{
    for (int on = 0; on < 2; on++) {
        const act *a = &acts[_i];
        scene s;
        scene_make(&s);
        size_t size;
        unsigned char *state = state_of(s.model, &size);
        size_t before = atomic_load(&meter.now);
        cnn_status status = CNN_ERROR_NO_MEMORY;
        long n = 0;
        for (; status != CNN_OK; n++) {
            meter_reset();
            atomic_store(&meter.fail_on, on);
            atomic_store(&meter.fail_at, n);
            status = a->run(&s);
            meter_reset();
            ck_assert_uint_eq(atomic_load(&meter.now), before);
            if (status != CNN_OK) {
                assert_error(status, CNN_ERROR_NO_MEMORY, "no memory");
                assert_untouched(&s, state, size, false);
            }
            ck_assert_int_lt(n, 1000);
        }
        ck_assert_int_gt(n, 3);
        free(state);
        scene_free(&s);
        folder_count(true);
    }
}
END_TEST

#if CNN__POSIX
START_TEST(every_system_call_may_fail)
{
    static const int errors[] = { EIO, ENOSPC };
    const act *a = &acts[_i];
    for (int e = 0; e < 2; e++) {
        scene s;
        scene_make(&s);
        size_t size;
        unsigned char *state = state_of(s.model, &size);
        cnn_status status = CNN_ERROR_IO;
        int failures = 0;
        for (long n = 0; status != CNN_OK || faults.failed; n++) {
            faults_begin(n, errors[e], false);
            status = a->run(&s);
            faults_end();
            ck_assert_int_lt(n, 1000);
            if (status == CNN_OK) {
                /* Closing a file that was only read, and the folder, may fail without harm. */
                ck_assert(!faults.failed || strcmp(faults.failed, "close") == 0);
                file_put(in_folder("target"), "old", 3);
                if (a->loads) {
                    free(state);
                    state = state_of(s.model, &size);
                }
                continue;
            }
            failures++;
            assert_error(status, CNN_ERROR_IO, strerror(errors[e]));
            ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), a->saves ? "/target: " : "/source: "));
            bool renamed = strcmp(faults.failed, "sync") == 0 && strstr(cnn_last_error(ctx), "folder");
            assert_untouched(&s, state, size, renamed);
        }
        ck_assert_int_gt(failures, 3);
        free(state);
        scene_free(&s);
        folder_count(true);
    }
}
END_TEST

START_TEST(short_and_interrupted_calls_are_repeated)
{
    scene s;
    scene_make(&s);
    for (int i = 0; i < ACTS; i++) {
        faults_begin(-1, 0, true);
        cnn_status status = acts[i].run(&s);
        faults_end();
        ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(ctx));
    }
    ck_assert_int_eq(cnn_module_load(s.model, in_folder("target")), CNN_OK);
    scene_free(&s);
}
END_TEST
#endif

START_TEST(a_full_disk_leaves_the_old_file)
{
    static const char *const full = "/dev/full";
    if (access(full, W_OK) != 0) {
        return;
    }
    /* /dev/full itself is refused, being no regular file; the write that it would fail is injected above. */
    cnn_module *model = make_model(2);
    assert_error(cnn_module_save(model, full), CNN_ERROR_IO, "not a regular file");
    cnn_module_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io failures");
    TCase *tests = io_case(suite, "io failures");
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, ACTS);
#if CNN__POSIX
    tcase_add_loop_test(tests, every_system_call_may_fail, 0, ACTS);
    tcase_add_test(tests, short_and_interrupted_calls_are_repeated);
#endif
    tcase_add_test(tests, a_full_disk_leaves_the_old_file);
    return suite_run(suite);
}
