/* cnn_module_load: the weights are the file's, or to the bit what they were. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cnn_module *model;
    static unsigned char before[1024], after[sizeof before];
    static size_t used;
    if (!model) {
        model = fuzz_model();
        used = fuzz_state_get(model, before, sizeof before);
    }
    cnn_status status = cnn_module_load(model, fuzz_file(data, size));
    fuzz_check(status, size);
    fuzz_require(status != CNN_ERROR_NOT_FOUND, "the file was found");
    if (status != CNN_OK) {
        fuzz_require(fuzz_state_get(model, after, sizeof after) == used && memcmp(before, after, used) == 0,
                     "a failed load changes nothing");
    }
    fuzz_state_set(model, before);
    return 0;
}
