/* Every system call of loading and saving fails once, in every way that matters: an error, an early end of the file,
 * a disk that is full after any number of bytes. The creation of every thread fails as well. Each time the call must
 * return the right status with a message and leave nothing half done: model and files are unchanged, and no
 * temporary file and no thread is left. */
#include "trust/scenarios.h"
#include "trust/trust.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static long calls_failed, ends_met, disks_full, threads_refused;
static long unreadable_folders; /* counted over one scenario */

/* The scenarios of memory.c that touch files. */
static const scenario *file_scenario(int i)
{
    static const char *const names[] = { "MNIST",           "IDX",
                                         "MNIST, gzipped",  "IDX, gzipped",
                                         "module_save",     "module_save, new file",
                                         "module_load",     "module_load_with",
                                         "checkpoint_save", "checkpoint_load",
                                         "tensors_save",    "tensor_load",
                                         "npz_save",        "npz_save_compressed",
                                         "npz_load" };
    for (int k = 0; k < SCENARIOS && i < (int)(sizeof names / sizeof *names); k++) {
        if (strcmp(scenarios[k].name, names[i]) == 0) {
            return &scenarios[k];
        }
    }
    return NULL;
}

enum { FILE_SCENARIOS = 15 };

static bool is_save(const scenario *s)
{
    return strstr(s->name, "save") != NULL;
}

/* Ends a run of a scenario: everything is as it was, except what success changes. */
static void finish(const scenario *s, world *w, cnn_status status, bool new_file_may_be_there)
{
    if (status != CNN_OK || !s->loads) {
        ck_assert_msg(unchanged(w), "%s: the model changed", s->name);
    }
    world_free_made(w);
    world_free(w);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    if (status != CNN_OK && !new_file_may_be_there) {
        ck_assert_msg(files_unchanged(), "%s: files changed", s->name);
    }
    ck_assert_int_le(folder_count(false), world_file_count + 1); /* a new file, never a temporary one besides */
    files_restore();
}

static void check_message(const scenario *s, const char *part)
{
    const char *message = cnn_last_error(NULL);
    ck_assert_msg(strstr(message, part) && strstr(message, ": ") && !strchr(message, '\n'), "%s: \"%s\" does not say \"%s\"",
                  s->name, message, part);
}

START_TEST(every_system_call_may_fail)
{
    static const int errors[] = { EIO, ENOSPC, EMFILE, EACCES };
    const scenario *s = file_scenario(_i);
    unreadable_folders = 0;
    for (size_t e = 0; s && e < sizeof errors / sizeof *errors; e++) {
        bool fired = true;
        for (long n = 0; fired; n++) {
            ck_assert_int_lt(n, 1000);
            world w;
            world_make(&w, 1);
            cnn_context_clear_error(NULL);
            faults_begin(n, errors[e], false);
            cnn_status status = s->run(&w);
            faults_end();
            fired = faults.failed != NULL;
            calls_failed += fired;
            if (status != CNN_OK) {
                ck_assert_msg(fired && status == CNN_ERROR_IO, "%s, call %ld (%s): %s", s->name, n,
                              faults.failed ? faults.failed : "none", cnn_last_error(NULL));
                check_message(s, strerror(errors[e]));
            } else { /* closing what was only read may fail without harm, and a folder may be unreadable */
                bool unreadable = fired && is_save(s) && errors[e] == EACCES && strcmp(faults.failed, "open") == 0;
                ck_assert_msg(!fired || unreadable || strcmp(faults.failed, "close") == 0,
                              "%s: nobody noticed that %s failed", s->name, faults.failed);
                unreadable_folders += unreadable;
            }
            bool renamed = fired && strcmp(faults.failed, "sync") == 0 && strstr(cnn_last_error(NULL), "folder");
            finish(s, &w, status, renamed);
        }
    }
    ck_assert_int_eq(unreadable_folders, s && is_save(s)); /* the folder may be unreadable, but not the file in it */
}
END_TEST

START_TEST(interrupted_and_short_calls_are_repeated)
{
    const scenario *s = file_scenario(_i);
    if (s) {
        world w;
        world_make(&w, 1);
        faults_begin(-1, 0, true);
        cnn_status status = s->run(&w);
        faults_end();
        ck_assert_msg(status == CNN_OK, "%s: %s", s->name, cnn_last_error(NULL));
        finish(s, &w, status, false);
    }
}
END_TEST

/* ---- files that end while they are read ---- */

static long reads, end_at;

static ssize_t ending_read(int fd, void *buffer, size_t size)
{
    return reads++ == end_at ? 0 : cnn__file_system.read(fd, buffer, size);
}

START_TEST(a_file_may_end_while_it_is_read)
{
    const scenario *s = file_scenario(_i);
    cnn__file_calls calls = cnn__file_system;
    calls.read = ending_read;
    bool ended = s && !is_save(s);
    for (end_at = 0; ended; end_at++) {
        world w;
        world_make(&w, 1);
        reads = 0;
        cnn__file_inject(&calls);
        cnn_status status = s->run(&w);
        cnn__file_inject(NULL);
        ended = reads > end_at;
        if (ended) {
            ends_met++;
            ck_assert_msg(status == CNN_ERROR_FORMAT, "%s, read %ld: %s", s->name, end_at, cnn_status_name(status));
            check_message(s, "byte ");
        } else {
            ck_assert_int_eq(status, CNN_OK);
        }
        finish(s, &w, status, false);
    }
}
END_TEST

/* ---- disks that are full ---- */

static size_t disk_left;

static ssize_t full_write(int fd, const void *data, size_t size)
{
    if (disk_left == 0) {
        errno = ENOSPC;
        return -1;
    }
    ssize_t put = cnn__file_system.write(fd, data, size < disk_left ? size : disk_left);
    disk_left -= put > 0 ? (size_t)put : 0;
    return put;
}

START_TEST(a_disk_may_be_full_after_any_byte)
{
    const scenario *s = file_scenario(_i);
    cnn__file_calls calls = cnn__file_system;
    calls.write = full_write;
    cnn_status status = CNN_ERROR_IO;
    for (size_t room = 0; s && is_save(s) && status != CNN_OK; room += room < 1024 ? 1 : 7) { /* the header, then some */
        world w;
        world_make(&w, 1);
        disk_left = room;
        cnn__file_inject(&calls);
        status = s->run(&w);
        cnn__file_inject(NULL);
        if (status != CNN_OK) {
            disks_full++;
            ck_assert_int_eq(status, CNN_ERROR_IO);
            check_message(s, strerror(ENOSPC));
        }
        finish(s, &w, status, false);
    }
}
END_TEST

/* The kernel's own refusal, without injection. */
START_TEST(a_limit_on_file_sizes_is_reported)
{
    const scenario *s = file_scenario(_i);
    struct rlimit before, limit;
    if (s && is_save(s)) {
        getrlimit(RLIMIT_FSIZE, &before);
        limit = before;
        signal(SIGXFSZ, SIG_IGN);
        for (rlim_t size = 0; size < 2048; size += 512) {
            world w;
            world_make(&w, 1);
            limit.rlim_cur = size;
            ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
            cnn_status status = s->run(&w);
            ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
            ck_assert_int_eq(status, CNN_ERROR_IO);
            check_message(s, strerror(EFBIG));
            finish(s, &w, status, false);
            disks_full++;
        }
        signal(SIGXFSZ, SIG_DFL);
    }
}
END_TEST

/* ---- threads that cannot be created ---- */

static int threads_left = -1; /* how many more may be created; −1: any number */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *arg)
{
    if (threads_left == 0) {
        return EAGAIN;
    }
    threads_left -= threads_left > 0;
    return __real_pthread_create(thread, attributes, start, arg);
}

static int threads_now(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        count += e->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

/* A thread that has been joined may stay in the list for a moment. */
static void assert_threads(int expected)
{
    for (int i = 0; i < 1000 && threads_now() != expected; i++) {
        usleep(1000);
    }
    ck_assert_int_eq(threads_now(), expected);
}

START_TEST(a_pool_without_threads_is_reported)
{
    enum { THREADS = 5 };
    const int before = threads_now();
    for (int some = 0; some < THREADS - 1; some++) {
        meter_reset();
        cnn_context_clear_error(NULL);
        threads_left = some;
        cnn_context *ctx = cnn_context_new(.threads = THREADS, .allocate = meter_allocate, .deallocate = meter_deallocate);
        threads_left = -1;
        ck_assert_ptr_null(ctx);
        ck_assert_int_eq(cnn_context_status(NULL), CNN_ERROR_THREAD);
        ck_assert_ptr_nonnull(strstr(cnn_last_error(NULL), "context_create: thread "));
        ck_assert_uint_eq(atomic_load(&meter.now), 0);
        assert_threads(before);
        threads_refused++;
    }
}
END_TEST

START_TEST(a_loader_without_its_thread_is_reported)
{
    world w;
    world_make(&w, 1);
    const int before = threads_now();
    size_t used = atomic_load(&meter.now);
    threads_left = 0;
    cnn_loader *loader = cnn_loader_new(world_dataset(&w), 4, .shuffle = true);
    threads_left = -1;
    ck_assert_ptr_null(loader);
    ck_assert_int_eq(cnn_context_status(w.ctx), CNN_ERROR_THREAD);
    ck_assert_ptr_nonnull(strstr(cnn_last_error(w.ctx), "loader_create: the background thread: "));
    ck_assert_uint_eq(atomic_load(&meter.now), used); /* the dataset went with it */
    assert_threads(before);
    threads_refused++;
    /* The same dataset is served without a thread. */
    cnn_batch batch;
    threads_left = 0;
    w.loader = cnn_loader_new(world_dataset(&w), 4, .no_background = true);
    ck_assert(cnn_loader_next(w.loader, &batch));
    threads_left = -1;
    world_free_made(&w);
    world_free(&w);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
}
END_TEST

static void setup(void)
{
    folder_make();
    world_files_make();
}

static void teardown(void)
{
    folder_remove();
    files_forget();
}

int main(void)
{
    trust_begin("faults");
    TCase *tests = trust_case("faults", 600);
    tcase_add_unchecked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, every_system_call_may_fail, 0, FILE_SCENARIOS);
    tcase_add_loop_test(tests, interrupted_and_short_calls_are_repeated, 0, FILE_SCENARIOS);
    tcase_add_loop_test(tests, a_file_may_end_while_it_is_read, 0, FILE_SCENARIOS);
    tcase_add_loop_test(tests, a_disk_may_be_full_after_any_byte, 0, FILE_SCENARIOS);
    tcase_add_loop_test(tests, a_limit_on_file_sizes_is_reported, 0, FILE_SCENARIOS);
    tcase_add_test(tests, a_pool_without_threads_is_reported);
    tcase_add_test(tests, a_loader_without_its_thread_is_reported);
    int failed = trust_run();
    return trust_end(failed, "faults: %ld system calls failed, %ld files ended early, %ld disks full, %ld threads refused",
                     calls_failed, ends_met, disks_full, threads_refused);
}
