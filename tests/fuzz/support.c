/* The file in memory, the counting allocator, the promises and the model of the harnesses; see fuzz.h. */
#include "fuzz.h"

#include "platform/posix/file_calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_require(bool kept, const char *promise)
{
    if (!kept) {
        fprintf(stderr, "broken promise: %s\nnewest message: %s\n", promise, cnn_last_error(NULL));
        abort();
    }
}

/* ---- memory ---- */

static struct {
    size_t now, peak, before, most; /* most: 0 is no limit */
} memory;

static void *allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    void *block = NULL;
    if (memory.most && size > memory.most - memory.now) {
        return NULL;
    }
    if (posix_memalign(&block, alignment, size) != 0) {
        return NULL;
    }
    memory.now += size;
    memory.peak = memory.now > memory.peak ? memory.now : memory.peak;
    return block;
}

static void deallocate(void *block, size_t size, void *user)
{
    (void)user;
    memory.now -= size;
    free(block);
}

void fuzz_limit_memory(size_t more)
{
    memory.most = more ? memory.now + more : 0;
}

cnn_context *fuzz_context(void)
{
    static cnn_context *ctx;
    if (!ctx) {
        ctx = cnn_context_new(.threads = 1, .allocate = allocate, .deallocate = deallocate);
        fuzz_require(ctx != NULL, "a context can be made");
    }
    return ctx;
}

/* ---- the file ---- */

enum { DESCRIPTOR = 1000 };
static const char name[] = "/fuzz/input";

static struct {
    const uint8_t *data;
    size_t size, at;
    int open;
} file;

static int file_open(const char *path, int flags, mode_t mode)
{
    (void)flags;
    (void)mode;
    if (strcmp(path, name) != 0 || file.open > 0) {
        errno = ENOENT;
        return -1;
    }
    file.open++;
    file.at = 0;
    return DESCRIPTOR;
}

static int file_stat(int fd, struct stat *info)
{
    (void)fd;
    *info = (struct stat){ .st_mode = S_IFREG | 0600, .st_size = (off_t)file.size };
    return 0;
}

static int path_stat(const char *path, struct stat *info)
{
    if (strcmp(path, name) != 0) {
        errno = ENOENT;
        return -1;
    }
    return file_stat(DESCRIPTOR, info);
}

static off_t file_seek(int fd, off_t at, int whence)
{
    (void)fd;
    (void)whence;
    fuzz_require(at >= 0 && (uint64_t)at <= file.size, "no seek past the end of the file");
    file.at = (size_t)at;
    return at;
}

static ssize_t file_read(int fd, void *buffer, size_t size)
{
    (void)fd;
    size_t left = file.size - file.at, count = size < left ? size : left;
    if (count > 0) {
        memcpy(buffer, file.data + file.at, count);
    }
    file.at += count;
    return (ssize_t)count;
}

static int file_close(int fd)
{
    (void)fd;
    file.open--;
    return 0;
}

/* Reading needs no more than these: a write would be a call of NULL. */
static const cnn__file_calls calls = {
    .open = file_open,
    .fstat = file_stat,
    .stat = path_stat,
    .lstat = path_stat,
    .seek = file_seek,
    .read = file_read,
    .close = file_close,
};

const char *fuzz_file(const uint8_t *data, size_t size)
{
    cnn_context_clear_error(fuzz_context());
    file.data = data;
    file.size = size;
    file.open = 0;
    memory.before = memory.peak = memory.now;
    cnn__file_inject(&calls);
    return name;
}

/* ---- promises ---- */

void fuzz_check(cnn_status status, size_t promised)
{
    fuzz_require(memory.peak - memory.before < 4 * promised + ((size_t)1 << 20), "memory is bounded");
    fuzz_require(memory.now == memory.before, "all memory is given back");
    fuzz_require(file.open == 0, "the file is closed");
    if (status == CNN_OK) {
        return;
    }
    const char *message = cnn_last_error(fuzz_context());
    fuzz_require(status == cnn_context_status(fuzz_context()), "the status is the message's");
    fuzz_require(status == CNN_ERROR_FORMAT || status == CNN_ERROR_MISMATCH || status == CNN_ERROR_UNSUPPORTED ||
                     status == CNN_ERROR_NOT_FOUND,
                 "the status is one of a file's");
    fuzz_require(strstr(message, "/fuzz/input: ") != NULL, "the message names the file");
    fuzz_require(status != CNN_ERROR_FORMAT || strstr(message, "/fuzz/input: byte ") != NULL, "the message names the byte");
    fuzz_require(message[strlen(message) - 1] != ' ', "the message gives a reason");
}

void fuzz_read_elements(const cnn_tensor *tensor)
{
    cnn_dtype dtype = cnn_tensor_dtype(tensor);
    const unsigned char *bytes = cnn_tensor_data(tensor);
    size_t size = (size_t)cnn_tensor_numel(tensor) * cnn_dtype_size(dtype);
    volatile unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        fuzz_require(dtype != CNN_BOOL || bytes[i] <= 1, "a bool is 0 or 1");
        sum = sum + bytes[i];
    }
}

/* ---- the model: what a network has, and state of the dtypes and shapes that need care ---- */

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_forward(cnn_module_child(self, 0, NULL), x);
}

cnn_module *fuzz_model(void)
{
    cnn_context *ctx = fuzz_context();
    cnn_module *model = cnn_module_new(ctx, forward);
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 2), cnn_flatten_new(ctx), cnn_linear_new(ctx, 2, 3));
    bool made = cnn_module_add(model, "net", net) &&
                cnn_module_add_buffer(model, "count", cnn_tensor_ones(ctx, CNN_I64, CNN_SCALAR)) &&
                cnn_module_add_buffer(model, "mask", cnn_tensor_ones(ctx, CNN_BOOL, CNN_SHAPE(3))) &&
                cnn_module_add_buffer(model, "none", cnn_tensor_ones(ctx, CNN_F64, CNN_SHAPE(2, 0)));
    fuzz_require(made, "a model can be made");
    return model;
}

cnn_optimizer *fuzz_optimizer(cnn_module *model)
{
    cnn_optimizer *optimizer = cnn_adam_new(model, .lr = 1e-2, .amsgrad = true);
    fuzz_require(optimizer != NULL, "an optimizer can be made");
    return optimizer;
}

size_t fuzz_state_get(const cnn_module *module, unsigned char *bytes, size_t room)
{
    size_t used = 0;
    int count = cnn_module_state_count(module);
    for (int i = 0; i < count; i++) {
        const cnn_tensor *t = cnn_module_state(module, i);
        size_t size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        fuzz_require(size <= room - used, "the state has room");
        if (size > 0) {
            memcpy(bytes + used, cnn_tensor_data(t), size);
        }
        used += size;
    }
    return used;
}

void fuzz_state_set(cnn_module *module, const unsigned char *bytes)
{
    int count = cnn_module_state_count(module);
    for (int i = 0; i < count; i++) {
        cnn_tensor *t = cnn_module_state(module, i);
        size_t size = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        if (size > 0) {
            memcpy(cnn_tensor_data(t), bytes, size);
        }
        bytes += size;
    }
}
