/* The JSON reader on any text: it never leaves its buffer, reports where it stopped, and decodes to valid UTF-8 that
 * is no longer than the text; strings that are written again are read back unchanged. */
#include "fuzz.h"

#include "io/json.h"
#include "io/text.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64 };

/* What the writer makes of a string means that string. */
static void check_again(const char *string)
{
    cnn__text text = { .ctx = NULL };
    cnn__text_json(&text, string);
    fuzz_require(!text.failed, "the writer has memory");
    cnn__json json = { .text = text.data, .size = text.size };
    const char *again = cnn__json_string_in_place(&json);
    fuzz_require(again && strcmp(again, string) == 0 && json.at == json.size, "a written string is read back the same");
    cnn__text_free(&text);
}

/* Counts first, as the reader of headers does, and then decodes: both must say the same. */
static bool walk_string(cnn__json *json)
{
    cnn__json dry = *json;
    char few[3];
    int64_t length = cnn__json_string(&dry, few, sizeof few);
    const char *string = cnn__json_string_in_place(json);
    fuzz_require((length >= 0) == (string != NULL), "counting and decoding agree");
    if (!string) {
        fuzz_require(dry.error == json->error && dry.error_at == json->error_at, "counting and decoding fail alike");
        return false;
    }
    fuzz_require((size_t)length == strlen(string), "the length is the string's");
    fuzz_require(memcmp(few, string, length < 3 ? (size_t)length : 3) == 0, "a short buffer gets the beginning");
    fuzz_require(cnn__utf8_valid(string), "decoded text is UTF-8");
    check_again(string);
    return true;
}

static bool walk(cnn__json *json, int depth)
{
    bool first = true;
    char c = cnn__json_peek(json);
    if (depth > DEEPEST) {
        return cnn__json_fail(json, json->at, "too deep");
    }
    if (c == '"') {
        return walk_string(json);
    }
    if (c != '{' && c != '[') {
        int64_t number = -1;
        bool read = cnn__json_integer(json, &number);
        fuzz_require(!read || number >= 0, "an integer is not negative");
        return read;
    }
    cnn__json_enter(json, c);
    while (cnn__json_more(json, c == '{' ? '}' : ']', &first)) {
        if (c == '{' && (!walk_string(json) || !cnn__json_colon(json))) {
            return false;
        }
        if (!walk(json, depth + 1)) {
            return false;
        }
    }
    return !json->error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size ? size : 1);
    fuzz_require(text != NULL, "memory for the input");
    if (size > 0) {
        memcpy(text, data, size);
    }
    cnn__json json = { .text = text, .size = size };
    bool read = walk(&json, 0);
    fuzz_require(read == !json.error, "a failure has a reason");
    fuzz_require(json.at <= size && json.error_at <= size, "places are within the text");
    fuzz_require(read || json.error[0], "the reason is not empty");
    fuzz_require(read || !cnn__json_colon(&json), "the first error stays");
    free(text);
    return 0;
}
