/* cnn_image_decode of any bytes, and cnn_image_read of the same bytes in a file. */
#include "fuzz.h"

#include <cnn/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of this process's, which holds the bytes. */
static const char *real_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        strcpy(path, "/tmp/fuzz-image-XXXXXX");
        fd = mkstemp(path);
        fuzz_require(fd >= 0 && unlink(path) == 0, "a temporary file can be made");
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size, "a temporary file can be written");
    return path;
}

static void check_failure(const char *name)
{
    cnn_status status = cnn_context_status(fuzz_context());
    const char *message = cnn_last_error(fuzz_context());
    fuzz_require(status == CNN_ERROR_FORMAT || status == CNN_ERROR_UNSUPPORTED, "the status is one of a picture's");
    fuzz_require(strstr(message, name) != NULL, "the message names the file");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = real_file(data, size);
    for (int mode = CNN_IMAGE_UNCHANGED; mode <= CNN_IMAGE_RGB_ALPHA; mode += 2) {
        const cnn_image_options options = { .struct_size = sizeof options, .max_pixels = 1 << 16, .mode = (cnn_image_mode)mode,
                                            .apply_exif_orientation = true };
        int64_t shape[3] = { 0 };
        cnn_context_clear_error(NULL);
        cnn_tensor *one = cnn_image_decode(fuzz_context(), data, size, &options);
        if (!one) {
            check_failure("image_decode: the bytes: ");
        }
        cnn_tensor *other = cnn_image_read(fuzz_context(), path, &options);
        if (!other) {
            check_failure("image_read: /proc/self/fd/");
        }
        fuzz_require(!one == !other, "a file and its bytes are read alike");
        if (one && other) {
            size_t bytes = (size_t)cnn_tensor_numel(one);
            fuzz_require(cnn_image_size(fuzz_context(), path, &options, shape) == CNN_OK, "a picture has a size");
            fuzz_require(memcmp(shape, cnn_tensor_shape(one), sizeof shape) == 0, "the header's size is the picture's");
            fuzz_require(bytes > 0 && bytes <= 4u << 16 && memcmp(cnn_tensor_data(one), cnn_tensor_data(other), bytes) == 0,
                         "a file and its bytes are the same picture");
            fuzz_read_elements(one);
        }
        cnn_tensor_free(one);
        cnn_tensor_free(other);
    }
    return 0;
}
