/* What the tests of files share: a temporary folder, reading and writing of whole files, an allocator that counts
 * and fails, and, on POSIX, system calls that fail on demand. */
#ifndef CNN_TESTS_SUPPORT_FILES_H
#define CNN_TESTS_SUPPORT_FILES_H

#include "base/file.h"
#include "platform/memory.h"
#include "support/shims.h"

#include <cnn/cnn.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if CNN__POSIX
#include "support/faults.h"
#else
static inline void faults_end(void)
{
}
#endif

/* ---- a folder ---- */

static char test_folder[256];

static inline void folder_make(void)
{
    const char *base = getenv(CNN__WIN32 ? "TEMP" : "TMPDIR");
    snprintf(test_folder, sizeof test_folder, "%.200s/cnn-test-XXXXXX", base && *base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(test_folder));
}

/* How many entries the folder has; removes them when asked to. */
static inline int folder_count(bool remove_them)
{
    int count = 0;
    DIR *dir = opendir(test_folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            count++;
            if (remove_them) {
                char path[sizeof test_folder + sizeof e->d_name];
                snprintf(path, sizeof path, "%s/%s", test_folder, e->d_name);
                ck_assert_int_eq(remove(path), 0);
            }
        }
    }
    closedir(dir);
    return count;
}

static inline void folder_remove(void)
{
    folder_count(true);
    ck_assert_int_eq(rmdir(test_folder), 0);
}

/* One of a few static buffers: the path of a file in the folder. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][640];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    return path;
}

static inline void file_put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, size, f), size);
    ck_assert_int_eq(fclose(f), 0);
}

/* The whole file, to be freed, with a NUL after it. */
static inline unsigned char *file_get(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    long length = ftell(f);
    ck_assert_int_ge(length, 0);
    rewind(f);
    unsigned char *data = malloc((size_t)length + 1);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(fread(data, 1, (size_t)length, f), (size_t)length);
    data[length] = 0;
    fclose(f);
    *size = (size_t)length;
    return data;
}

/* ---- an allocator that counts and fails ---- */

typedef struct memory_meter {
    atomic_size_t now, peak;
    atomic_long calls;
    atomic_long fail_at; /* the number of the call that fails; −1: none */
    atomic_bool fail_on; /* the calls after it fail too */
} memory_meter;

static memory_meter meter;

static inline void *meter_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    long call = atomic_fetch_add(&meter.calls, 1);
    long fail_at = atomic_load(&meter.fail_at);
    if (fail_at >= 0 && (call == fail_at || (call > fail_at && atomic_load(&meter.fail_on)))) {
        return NULL;
    }
    void *memory = cnn__system_alloc(size, alignment);
    if (!memory) {
        return NULL;
    }
    size_t now = atomic_fetch_add(&meter.now, size) + size;
    if (now > atomic_load(&meter.peak)) {
        atomic_store(&meter.peak, now);
    }
    return memory;
}

static inline void meter_deallocate(void *memory, size_t size, void *user)
{
    (void)user;
    atomic_fetch_sub(&meter.now, size);
    cnn__system_free(memory);
}

/* No failures; the peak begins at what is in use now. */
static inline void meter_reset(void)
{
    atomic_store(&meter.calls, 0);
    atomic_store(&meter.fail_at, -1);
    atomic_store(&meter.fail_on, false);
    atomic_store(&meter.peak, atomic_load(&meter.now));
}

static inline cnn_context *metered_context(uint64_t seed)
{
    meter_reset();
    cnn_context *ctx = cnn_context_new(.seed = seed, .threads = 1, .allocate = meter_allocate,
                                       .deallocate = meter_deallocate);
    ck_assert_ptr_nonnull(ctx);
    return ctx;
}

/* ---- messages ---- */

static inline void assert_error(cnn_status status, cnn_status expected, const char *part)
{
    const char *message = cnn_last_error(NULL);
    ck_assert_ptr_nonnull(message);
    ck_assert_msg(status == expected, "%s, expected %s: %s", cnn_status_name(status), cnn_status_name(expected), message);
    ck_assert_msg(strstr(message, part), "\"%s\" does not say \"%s\"", message, part);
    ck_assert_ptr_null(strchr(message, '\n'));
}

#endif
