/* NumPy's files: opens any bytes as a file of tensors and reads every tensor of a valid one. Inflating may take what
 * deflated members promise, as with gzip. */
#include "fuzz.h"

enum { RATIO = 1032, TENSORS = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    cnn_context *ctx = fuzz_context();
    cnn_file *file = cnn_file_open(ctx, path);
    cnn_status status = file ? CNN_OK : cnn_context_status(ctx);
    fuzz_require(file || status != CNN_OK, "a failure has a status");
    for (int i = 0; file && i < cnn_file_count(file) && i < TENSORS; i++) {
        fuzz_require(cnn_file_find(file, cnn_file_name(file, i)) == i, "every tensor is found by its name");
        fuzz_require(cnn_file_bytes(file, i) >= 0 && cnn_file_bytes(file, i) <= (int64_t)size * RATIO, "sizes are bounded");
        cnn_tensor *t = cnn_file_read(file, i);
        if (t) {
            fuzz_read_elements(t);
        } else {
            fuzz_require(cnn_context_status(ctx) == CNN_ERROR_FORMAT || cnn_context_status(ctx) == CNN_ERROR_UNSUPPORTED,
                         "the status is one of a file's");
            cnn_context_clear_error(ctx);
        }
        cnn_tensor_free(t);
    }
    cnn_file_free(file);
    fuzz_check(status, size * RATIO);
    return 0;
}
