/* cnn_onnx_load of any bytes; what is loaded has readable state and can be cloned. */
#include "fuzz.h"

#include <cnn/onnx.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file in memory, which holds the bytes. */
static const char *real_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("fuzz-onnx", MFD_CLOEXEC);
        fuzz_require(fd >= 0, "a file in memory can be made");
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "a file in memory can be written");
    return path;
}

static void check_failure(void)
{
    cnn_status status = cnn_context_status(fuzz_context());
    fuzz_require(status == CNN_ERROR_FORMAT || status == CNN_ERROR_UNSUPPORTED || status == CNN_ERROR_NOT_FOUND || status == CNN_ERROR_IO ||
                     status == CNN_ERROR_NO_MEMORY || status == CNN_ERROR_INVALID_ARGUMENT || status == CNN_ERROR_SHAPE,
                 "the status is one of a model's");
    fuzz_require(strchr(cnn_last_error(fuzz_context()), '\n') == NULL, "a message is one line");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cnn_context_clear_error(NULL);
    cnn_module *module = cnn_onnx_load(fuzz_context(), real_file(data, size), NULL);
    if (!module) {
        check_failure();
        return 0;
    }
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        cnn_tensor *tensor = cnn_module_state(module, i);
        fuzz_require(tensor != NULL, "state is there");
        fuzz_read_elements(tensor);
    }
    cnn_module *clone = cnn_module_clone(module);
    fuzz_require(clone != NULL || cnn_context_status(fuzz_context()) == CNN_ERROR_NO_MEMORY, "a module can be cloned");
    cnn_module_free(clone);
    cnn_module_free(module);
    return 0;
}
