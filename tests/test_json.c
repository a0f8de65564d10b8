/* The JSON reader: strings, integers and errors one by one; then a comparison with jansson: both accept or refuse
 * the same random documents, many of which are broken, and read the same contents. Without jansson
 * (CNN_HAVE_JANSSON) the comparison is skipped with a message. */
#include "io/json.h"

#include "support/suite.h"

#include <stdio.h>
#include <string.h>

/* ---- one by one ---- */

static bool accepts(const char *text, size_t size, char *decoded)
{
    char copy[256];
    memcpy(copy, text, size);
    cnn__json json = { .text = copy, .size = size };
    char *string = cnn__json_string_in_place(&json);
    if (string && decoded) {
        strcpy(decoded, string);
    }
    return string && json.at == size;
}

START_TEST(json_strings_are_decoded)
{
    static const struct {
        const char *text, *decoded;
    } good[] = {
        { "\"\"", "" },
        { "\"abc\"", "abc" },
        { "\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d" },
        { "\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t" },
        { "\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac" },
        { "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
        { "\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf" },
        { "\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80\"", "\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80" },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char decoded[64];
        ck_assert_msg(accepts(good[i].text, strlen(good[i].text), decoded), "%s", good[i].text);
        ck_assert_str_eq(decoded, good[i].decoded);
    }
}
END_TEST

START_TEST(json_strings_that_are_broken_are_refused)
{
    static const char *const bad[] = {
        "", "\"", "\"abc", "abc", "\"\\\"", "\"\\", "\"\\x\"", "\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u0000\"",
        "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"\\ud800\\ud800\"", "\"\\ud83d\\u\"", "\"\n\"", "\"\x1f\"",
        "\"\x80\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xe0\x9f\xbf\"", "\"\xed\xa0\x80\"", "\"\xf0\x8f\xbf\xbf\"",
        "\"\xf4\x90\x80\x80\"", "\"\xf8\x88\x80\x80\x80\"", "\"\xff\"", "\"\xe2\x82\"", "\"\xc3(\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!accepts(bad[i], strlen(bad[i]), NULL), "%zu: %s", i, bad[i]);
    }
    ck_assert(!accepts("\"a\0b\"", 5, NULL));
    ck_assert(cnn__utf8_valid("\xf0\x9f\x98\x80 caf\xc3\xa9"));
    ck_assert(!cnn__utf8_valid("caf\xe9"));
}
END_TEST

START_TEST(json_integers_are_plain)
{
    static const struct {
        char text[24];
        int64_t value; /* −1: refused */
    } cases[] = { { "0 ", 0 },
                  { "7]", 7 },
                  { "9223372036854775807,", INT64_MAX },
                  { "9223372036854775808,", -1 },
                  { "99999999999999999999", -1 },
                  { "00", -1 },
                  { "01", -1 },
                  { "-0", -1 },
                  { "-1", -1 },
                  { "+1", -1 },
                  { "1e3", -1 },
                  { "1.0", -1 },
                  { "1E3", -1 },
                  { "", -1 },
                  { "x", -1 },
                  { "\"1\"", -1 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[24];
        strcpy(text, cases[i].text);
        int64_t value = -2;
        cnn__json json = { .text = text, .size = strlen(text) };
        bool taken = cnn__json_integer(&json, &value);
        ck_assert_msg(taken == (cases[i].value >= 0), "%s", text);
        ck_assert(!taken || value == cases[i].value);
    }
}
END_TEST

/* Whatever is asked for after it. */
START_TEST(the_first_json_error_stays)
{
    char text[] = "?{[:1\"a\"";
    bool first = true;
    int64_t number;
    cnn__json json = { .text = text, .size = sizeof text - 1 };
    ck_assert(!cnn__json_enter(&json, '{'));
    json.at = 1; /* where what is asked for does stand */
    ck_assert(!cnn__json_enter(&json, '{'));
    ck_assert(!cnn__json_more(&json, '}', &first));
    json.at = 3;
    ck_assert(!cnn__json_colon(&json));
    json.at = 4;
    ck_assert(!cnn__json_integer(&json, &number));
    json.at = 5;
    ck_assert(cnn__json_string(&json, NULL, 0) < 0);
    ck_assert_ptr_null(cnn__json_string_in_place(&json));
    ck_assert_str_eq(json.error, "expected an object");
    ck_assert_uint_eq(json.error_at, 0);
    ck_assert_str_eq(text, "?{[:1\"a\"");
}
END_TEST

/* Found by fuzzing: the place once ran past the end of a text that ends with a backslash. */
START_TEST(places_stay_within_the_text)
{
    static const char *const cut[] = { "\"a\\", "\"\\", "\"\\u", "\"\\u1", "\"\\ud800\\" };
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        char copy[16];
        strcpy(copy, cut[i]);
        cnn__json json = { .text = copy, .size = strlen(copy) };
        ck_assert(cnn__json_string(&json, NULL, 0) < 0);
        ck_assert_uint_le(json.at, json.size);
        ck_assert_uint_le(json.error_at, json.size);
    }
}
END_TEST

#ifdef CNN_HAVE_JANSSON
#include <jansson.h>

/* ---- random documents ---- */

static uint64_t seed = 1;

static unsigned pick(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

typedef struct document {
    char text[4096];
    size_t size;
} document;

static void put(document *d, const char *text)
{
    size_t size = strlen(text);
    if (d->size + size < sizeof d->text) {
        memcpy(d->text + d->size, text, size);
        d->size += size;
    }
}

static void put_string(document *d)
{
    static const char *const pieces[] = { "a", "key", "\\n", "\\\"", "\\\\", "\\u00e9", "\\ud83d\\ude00", "\xc3\xa9",
                                          "\xe2\x82\xac", "\xf0\x9f\x98\x80", " ", "\\/", "{", "]", "\\u0041", "1e3" };
    static const char *const broken[] = { "\\ud800", "\\udc00x", "\xff", "\xc3", "\xed\xa0\x80", "\\q", "\\u12",
                                          "\x01", "\\u0000", "\xe0\x80\x80", "\n", "\xf5\x80\x80\x80" };
    put(d, "\"");
    for (unsigned n = pick(5); n > 0; n--) {
        put(d, pick(60) ? pieces[pick(sizeof pieces / sizeof *pieces)] : broken[pick(sizeof broken / sizeof *broken)]);
    }
    put(d, "\"");
}

static void put_value(document *d, int depth)
{
    static const char *const numbers[] = { "0", "7", "42", "9223372036854775807", "1234567890" };
    static const char *const broken[] = { "00", "01", "-1", "-0", "1.5", "1e3", "9223372036854775808", "+1", "true", "null",
                                          ".5", "1.", "tru", "", "NaN", "'a'" };
    unsigned what = pick(depth > 5 ? 2 : 5);
    if (what == 0) {
        put(d, pick(25) ? numbers[pick(5)] : broken[pick(sizeof broken / sizeof *broken)]);
    } else if (what == 1) {
        put_string(d);
    } else {
        bool object = what == 2;
        put(d, object ? "{" : "[");
        for (unsigned n = pick(4); n > 0; n--) {
            if (object) {
                put_string(d);
                put(d, pick(80) ? ":" : "");
            }
            put(d, pick(10) ? "" : " \t\r\n");
            put_value(d, depth + 1);
            put(d, n > 1 ? (pick(80) ? "," : ",,") : (pick(80) ? "" : ","));
        }
        put(d, pick(100) ? (object ? "}" : "]") : "");
    }
}

/* Sometimes with bytes changed or lost. No NUL: jansson skips one, which no other reader does. */
static void make(document *d)
{
    d->size = 0;
    put_value(d, 0);
    for (unsigned n = pick(4); n > 1 && d->size > 0; n--) {
        size_t at = pick((unsigned)d->size);
        if (pick(2)) {
            d->text[at] = (char)(1 + pick(255));
        } else {
            memmove(d->text + at, d->text + at + 1, --d->size - at);
        }
    }
}

/* ---- a walk over both ---- */

/* Is the value made of what our reader knows? */
static bool plain(const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item) {
            if (!plain(item)) {
                return false;
            }
        }
        return true;
    }
    if (json_is_array(value)) {
        json_array_foreach(value, i, item) {
            if (!plain(item)) {
                return false;
            }
        }
        return true;
    }
    return json_is_string(value) || (json_is_integer(value) && json_integer_value(value) >= 0);
}

/* Reads any value; where `theirs` is given, compares with it. */
static bool walk(cnn__json *ours, const json_t *theirs, int depth)
{
    char c = cnn__json_peek(ours);
    bool first = true;
    size_t count = 0;
    if (depth > 64) {
        return false;
    }
    if (c == '"') {
        const char *text = cnn__json_string_in_place(ours);
        ck_assert(!text || !theirs || strcmp(text, json_string_value(theirs)) == 0);
        return text != NULL;
    }
    if (c == '{') {
        cnn__json_enter(ours, '{');
        while (cnn__json_more(ours, '}', &first)) {
            const char *key = cnn__json_string_in_place(ours);
            if (!key || !cnn__json_colon(ours) || !walk(ours, theirs ? json_object_get(theirs, key) : NULL, depth + 1)) {
                return false;
            }
            count++;
        }
        ck_assert(ours->error || !theirs || count == json_object_size(theirs));
        return !ours->error;
    }
    if (c == '[') {
        cnn__json_enter(ours, '[');
        while (cnn__json_more(ours, ']', &first)) {
            if (!walk(ours, theirs ? json_array_get(theirs, count) : NULL, depth + 1)) {
                return false;
            }
            count++;
        }
        ck_assert(ours->error || !theirs || count == json_array_size(theirs));
        return !ours->error;
    }
    int64_t number;
    bool read = cnn__json_integer(ours, &number);
    ck_assert(!read || !theirs || number == json_integer_value(theirs));
    return read;
}

/* A minus sign outside strings: jansson takes "-0" for 0, which is no integer of ours. */
static bool has_minus(const document *d)
{
    bool inside = false;
    for (size_t i = 0; i < d->size; i++) {
        if (inside && d->text[i] == '\\') {
            i++;
        } else if (d->text[i] == '"') {
            inside = !inside;
        } else if (!inside && d->text[i] == '-') {
            return true;
        }
    }
    return false;
}

START_TEST(documents_mean_the_same_to_jansson)
{
    const int documents = getenv("CNN_TEST_SHAPES") ? 30000 : 300000; /* fewer where an instrument makes them slow */
    static document d, copy;
    int taken = 0, refused = 0;
    for (int i = 0; i < documents; i++) {
        make(&d);
        /* Duplicate keys are the caller's matter here: the comparison leaves them out. */
        json_error_t error;
        json_t *theirs = json_loadb(d.text, d.size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
        if (!theirs && json_error_code(&error) == json_error_duplicate_key) {
            continue;
        }
        bool expected = theirs && plain(theirs) && !has_minus(&d);
        copy = d;
        cnn__json ours = { .text = copy.text, .size = copy.size };
        bool read = walk(&ours, expected ? theirs : NULL, 0) && cnn__json_peek(&ours) == '\0' && ours.at == ours.size;
        if (read != expected) { /* an assertion is a system call */
            ck_abort_msg("document %d, ours %d (%s at %zu), jansson's %d (%s): %.*s", i, read, ours.error ? ours.error : "",
                         ours.error_at, expected, theirs ? "" : error.text, (int)d.size, d.text);
        }
        taken += read;
        refused += !read;
        json_decref(theirs);
    }
    ck_assert_int_gt(taken, documents / 4);
    ck_assert_int_gt(refused, documents / 10);
}
END_TEST

#endif

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = suite_case(suite, "json", NULL, NULL);
    tcase_add_test(tests, json_strings_are_decoded);
    tcase_add_test(tests, json_strings_that_are_broken_are_refused);
    tcase_add_test(tests, json_integers_are_plain);
    tcase_add_test(tests, the_first_json_error_stays);
    tcase_add_test(tests, places_stay_within_the_text);
#ifdef CNN_HAVE_JANSSON
    tcase_add_test(tests, documents_mean_the_same_to_jansson);
#else
    printf("skipped: the comparison with jansson; its development files are missing\n");
#endif
    return suite_run(suite);
}
