/* cnn_tensor_load: loads any bytes as a safetensors file, and every tensor of a valid one. */
#include "fuzz.h"

#include "io/safetensors.h"

#include <string.h>

enum { NAMES = 4, NAME = 64 };

/* The first names of a file that is known to be valid; longer ones are left out. */
static int some_names(const char *path, char names[NAMES][NAME])
{
    cnn__safetensors st;
    int count = 0;
    fuzz_require(cnn__safetensors_open(&st, fuzz_context(), "fuzz", path) == CNN_OK, "a file stays valid");
    for (size_t i = 0; i < st.count && count < NAMES; i++) {
        const char *entry = cnn__entry_name(&st, &st.entries[i]);
        fuzz_require(cnn__safetensors_find(&st, entry) == &st.entries[i], "every entry is found by its name");
        if (strlen(entry) < NAME) {
            strcpy(names[count++], entry);
        }
    }
    cnn__safetensors_close(&st);
    return count;
}

static cnn_status load(const char *path, size_t size, const char *wanted)
{
    cnn_tensor *t = cnn_tensor_load(fuzz_context(), path, wanted);
    cnn_status status = t ? CNN_OK : cnn_context_status(fuzz_context());
    fuzz_require(t || status != CNN_OK, "a failure has a status");
    if (t) {
        fuzz_read_elements(t);
    }
    cnn_tensor_free(t);
    fuzz_check(status, size);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char names[NAMES][NAME];
    const char *path = fuzz_file(data, size);
    if (load(path, size, "not there") != CNN_ERROR_NOT_FOUND) {
        return 0;
    }
    int count = some_names(path, names);
    for (int i = 0; i < count; i++) {
        cnn_status status = load(path, size, names[i]);
        fuzz_require(status != CNN_ERROR_NOT_FOUND && status != CNN_ERROR_MISMATCH, "a tensor that is there is found");
    }
    return 0;
}
