/* Reads numbers from a checkpoint's metadata. If one is missing, malformed or out of its range, the message names
 * the file, the byte, the key and what was expected. */
#include "io/checkpoint.h"

#include "base/random.h"

#include <inttypes.h>
#include <stdio.h>

static cnn_status checkpoint_metadata_get(const cnn__safetensors *st, const char *key, const char **value)
{
    *value = cnn__safetensors_metadata(st, key);
    if (*value) {
        return CNN_OK;
    }
    char quoted[CNN__QUOTE];
    return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, CNN__PREFIX, "the checkpoint's metadata has no \"%s\"",
                          cnn__quote(quoted, key, false));
}

static cnn_status fail_value(const cnn__safetensors *st, const char *key, const char *value, const char *expected)
{
    char quoted_key[CNN__QUOTE], quoted[CNN__QUOTE];
    return cnn__file_fail(&st->file, CNN_ERROR_FORMAT, cnn__safetensors_value_byte(st, value),
                          "\"%s\" is \"%s\", expected %s", cnn__quote(quoted_key, key, false),
                          cnn__quote(quoted, value, false), expected);
}

static cnn_status get_u64(const cnn__safetensors *st, const char *key, uint64_t largest, const char *range,
                          uint64_t *number)
{
    const char *value;
    cnn_status status = checkpoint_metadata_get(st, key, &value);
    if (status == CNN_OK && !(cnn__parse_u64(value, number) && *number <= largest)) {
        status = fail_value(st, key, value, range);
    }
    return status;
}

cnn_status cnn__metadata_count(const cnn__safetensors *st, const char *key, int64_t largest, int64_t *count)
{
    char range[64] = "an integer from 0 to 2^53";
    uint64_t number = 0;
    if (largest < CNN__LARGEST_COUNT) {
        snprintf(range, sizeof range, "an integer from 0 to %" PRId64, largest);
    }
    cnn_status status = get_u64(st, key, (uint64_t)largest, range, &number);
    *count = (int64_t)number;
    return status;
}

cnn_status cnn__metadata_random(const cnn__safetensors *st, cnn_random_state *random)
{
    cnn_status status = get_u64(st, "random.seed", UINT64_MAX, "an integer from 0 to 2^64 - 1", &random->seed);
    if (status == CNN_OK) {
        status = get_u64(st, "random.stream", CNN__STREAMS - 1, "an integer from 0 to 2^40 - 1", &random->stream);
    }
    return status;
}

cnn_status cnn__metadata_double(const cnn__safetensors *st, const char *key, double *number)
{
    const char *value;
    cnn_status status = checkpoint_metadata_get(st, key, &value);
    if (status == CNN_OK && !cnn__parse_hex_float(value, number)) {
        status = fail_value(st, key, value, "a hexadecimal float such as 0x1.0000000000000p+0");
    }
    return status;
}

cnn_status cnn__metadata_fail_fit(const cnn__safetensors *st, const char *key, const char *ours)
{
    char quoted_key[CNN__QUOTE], quoted[CNN__QUOTE];
    const char *value = cnn__safetensors_metadata(st, key);
    return cnn__file_fail(&st->file, CNN_ERROR_MISMATCH, cnn__safetensors_value_byte(st, value),
                          "\"%s\" is %s, expected %s", cnn__quote(quoted_key, key, false),
                          cnn__quote(quoted, value, false), ours);
}
