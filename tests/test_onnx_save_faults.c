/* Every allocation and every system call of cnn_onnx_save() fails once: the call fails with a message, the file that was there
 * stays as it was, nothing is left beside it, and all memory is given back. malloc() and the calls of the system are taken the
 * place of here; a sanitizer takes malloc's itself, and then the context's allocations alone fail. */
#include "support/elements.h"
#include "support/malloc_faults.h"
#include "support/nn.h"

#include <cnn/onnx.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#if !defined(SANITIZED) && defined(__linux__)
#define KERNEL_FAULTS
static refusal kernel;

ssize_t write(int fd, const void *from, size_t count)
{
    return refused(&kernel) ? errno = ENOSPC, -1 : (ssize_t)syscall(SYS_write, fd, from, count);
}

int fsync(int fd)
{
    return refused(&kernel) ? errno = EIO, -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return refused(&kernel) ? errno = EACCES, -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int fchmod(int fd, mode_t mode)
{
    return refused(&kernel) ? errno = EPERM, -1 : (int)syscall(SYS_fchmod, fd, mode);
}
#endif

/* ---- what is tried ---- */

static cnn_module *net;
static char path[300], data_path[310];
static bool outside;

static cnn_module *make_net(void)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, 4, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 4), cnn_relu_new(ctx),
                              cnn_group_norm_new(ctx, 2, 4), cnn_flatten_new(ctx), cnn_linear_new(ctx, 4 * 6 * 6, 5));
}

static bool save_it(void)
{
    const cnn_trace_input images = { .shape = (const int64_t[]){ -1, 3, 6, 6 }, .ndim = 4 };
    return cnn_onnx_save(net, path,
                         CNN_OPTIONS(cnn_onnx_save_options, .inputs = &images, .fold_batch_norm = true, .external_data = outside)) == CNN_OK;
}

static void setup_net(void)
{
    setup();
    folder_make();
    net = make_net();
    ck_assert_msg(net != NULL, "%s", cnn_last_error(ctx));
    snprintf(path, sizeof path, "%s", in_folder("net.onnx"));
    snprintf(data_path, sizeof data_path, "%s.data", path);
    outside = false;
}

static void teardown_net(void)
{
    cnn_module_free(net);
    folder_remove();
    teardown();
}

static void write_old(const char *at)
{
    file_put(at, (const unsigned char *)"old", 3);
}

static bool is_old(const char *at)
{
    size_t size;
    unsigned char *bytes = file_get(at, &size);
    bool old = size == 3 && memcmp(bytes, "old", 3) == 0;
    free(bytes);
    return old;
}

/* ---- failing ---- */

/* One attempt with a fault armed; false: there was no such call any more, and all went well. */
static __attribute__((unused)) bool attempt(refusal *f, long at, cnn_status expected)
{
    write_old(path);
    cnn_context_clear_error(NULL);
    f->calls = heap.live = 0;
    f->fail_at = at;
    f->armed = true;
    bool good = save_it();
    f->armed = false;
    ck_assert_msg(good || cnn_context_status(ctx) == expected, "call %ld: %s", at, cnn_last_error(ctx));
    ck_assert_msg(good != is_old(path), "call %ld: the file is %s", at, good ? "as it was" : "another one");
    ck_assert_int_le(folder_count(false), outside ? 2 : 1);
    return f->calls > at;
}

START_TEST(no_memory)
{
#ifndef SANITIZED
    outside = _i;
    long at = 0;
    while (attempt(&heap, at, CNN_ERROR_NO_MEMORY)) {
        ck_assert_msg(heap.live == 0, "allocation %ld: %ld blocks are lost", at, heap.live);
        at++;
    }
    ck_assert_int_gt(at, 100);
#endif
}
END_TEST

START_TEST(no_memory_of_the_context)
{
    size_t before = atomic_load(&meter.now);
    bool good = false;
    long at = 0;
    for (; !good; at++) {
        write_old(path);
        meter_reset();
        atomic_store(&meter.fail_at, at);
        good = save_it();
        ck_assert(good || cnn_context_status(ctx) == CNN_ERROR_NO_MEMORY);
        ck_assert(good != is_old(path));
        ck_assert_uint_eq(atomic_load(&meter.now), before);
    }
    meter_reset();
    ck_assert_int_gt(at, 4);
}
END_TEST

START_TEST(system_calls_fail)
{
#ifdef KERNEL_FAULTS
    outside = _i;
    long at = 0;
    while (attempt(&kernel, at, CNN_ERROR_IO)) {
        at++;
    }
    ck_assert_int_ge(at, outside ? 6 : 4);
#endif
}
END_TEST

/* The disk is full after any number of bytes. */
START_TEST(no_room)
{
    struct rlimit unlimited, limit;
    struct stat info;
    ck_assert(save_it() && stat(path, &info) == 0);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    for (off_t room = 0; room < info.st_size; room += 97) {
        write_old(path);
        limit = unlimited;
        limit.rlim_cur = (rlim_t)room;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        bool good = save_it();
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
        ck_assert(!good);
        assert_error(cnn_context_status(ctx), CNN_ERROR_IO, "net.onnx: cannot be written: ");
        ck_assert(is_old(path));
        ck_assert_int_eq(folder_count(false), 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_save_faults");
    TCase *tests = suite_case(suite, "faults", setup_net, teardown_net);
    tcase_add_loop_test(tests, no_memory, 0, 2);
    tcase_add_test(tests, no_memory_of_the_context);
    tcase_add_loop_test(tests, system_calls_fail, 0, 2);
    tcase_add_test(tests, no_room);
    return suite_run(suite);
}
