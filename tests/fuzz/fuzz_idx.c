/* cnn_idx_read of plain files. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) {
        return 0; /* fuzz_gzip's */
    }
    const char *path = fuzz_file(data, size);
    cnn_tensor *t = cnn_idx_read(fuzz_context(), path);
    cnn_status status = t ? CNN_OK : cnn_context_status(fuzz_context());
    fuzz_require(t ? true : status == CNN_ERROR_FORMAT, "a plain file is read or malformed");
    if (t) {
        fuzz_require(size >= 4 && cnn_tensor_ndim(t) == data[3], "the rank is the file's");
        fuzz_read_elements(t);
    }
    cnn_tensor_free(t);
    fuzz_check(status, size);
    return 0;
}
