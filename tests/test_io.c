/* Files: the I/O layer, JSON, safetensors, weights and checkpoints, with everything failing once. */
#include "io/json.h"
#include "io/safetensors.h"
#include "io/text.h"
#include "support/files.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <sys/stat.h>

static cnn_context *ctx;

static void setup(void)
{
    folder_make();
    ctx = metered_context(7);
}

/* Every test gives back all memory and leaves the library's own calls in place. */
static void teardown(void)
{
    faults_end();
    meter_reset();
    cnn_context_free(ctx);
    ck_assert_uint_eq(atomic_load(&meter.now), 0);
    folder_remove();
}

/* ---- JSON ---- */

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

/* ---- numbers and sorting ---- */

START_TEST(doubles_survive_as_text_in_any_locale)
{
    const double values[] = { 0,       -0.0,    1,        -1,       0.1,     1e-3,       0.9999,     1e300, DBL_MIN,
                              DBL_MAX, DBL_EPSILON, 4.9e-324, -2.2e-308, INFINITY, -INFINITY, 1.0 / 3, 3e-310 };
    setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is none, nothing changes */
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[CNN__HEX_FLOAT];
        double back = 42;
        ck_assert_msg(cnn__parse_hex_float(cnn__hex_float(text, values[i]), &back), "%s", text);
        ck_assert_msg(memcmp(&back, &values[i], sizeof back) == 0, "%s", text);
        ck_assert_ptr_null(strchr(text, ','));
    }
    setlocale(LC_ALL, "C");
    char text[CNN__HEX_FLOAT];
    double back;
    ck_assert_str_eq(cnn__hex_float(text, 1e-3), "0x1.0624dd2f1a9fcp-10"); /* as Python's float.hex() has it */
    ck_assert(cnn__parse_hex_float(cnn__hex_float(text, NAN), &back) && isnan(back));
    static const char *const bad[] = { "", "1", "0x1p0", "0x1.8p+1", "0x1.0624dd2f1a9fcp-10 ", "0X1.0624dd2f1a9fcp-10",
                                       "0x1.0624DD2f1a9fcp-10", "0x1.0624dd2f1a9fcp10", "0x2.0624dd2f1a9fcp-10",
                                       "0x1.0000000000000p+1024", "0x0.0000000000001p+5", "inf ", "-", "--inf",
                                       "0x1.0000000000000p+00001", "0x1.0000000000000p+99999999999" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!cnn__parse_hex_float(bad[i], &back), "%s", bad[i]);
    }
}
END_TEST

START_TEST(integers_are_read_strictly)
{
    uint64_t u;
    int64_t i;
    ck_assert(cnn__parse_u64("0", &u) && u == 0);
    ck_assert(cnn__parse_u64("18446744073709551615", &u) && u == UINT64_MAX);
    ck_assert(cnn__parse_i64("9223372036854775807", &i) && i == INT64_MAX);
    ck_assert(!cnn__parse_i64("9223372036854775808", &i));
    static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "01", "00", "1.", "0x1", "18446744073709551616", "a" };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_msg(!cnn__parse_u64(bad[k], &u), "%s", bad[k]);
    }
}
END_TEST

static int by_value(const void *a, const void *b, const void *user)
{
    (void)user;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(heap_sort_sorts)
{
    uint32_t random = 1;
    for (size_t n = 0; n < 200; n++) {
        uint32_t values[200], sum = 0;
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223;
            sum += values[i] = random >> 8 & (n % 3 ? 0xffff : 3);
        }
        cnn__sort(values, n, sizeof *values, by_value, NULL);
        for (size_t i = 0; i < n; i++) {
            sum -= values[i];
            ck_assert(i == 0 || values[i - 1] <= values[i]);
        }
        ck_assert_uint_eq(sum, 0);
    }
}
END_TEST

/* ---- the I/O layer ---- */

START_TEST(quoted_text_fits_a_line)
{
    char out[CNN__QUOTE], text[400];
    ck_assert_str_eq(cnn__quote(out, "a\nb\x7f", false), "a?b?");
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text + sizeof text - 5, "tail", 5);
    ck_assert_uint_eq(strlen(cnn__quote(out, text, true)), CNN__QUOTE - 1);
    ck_assert_str_eq(out + CNN__QUOTE - 5, "tail");
    ck_assert_int_eq(strncmp(out, "...", 3), 0);
    ck_assert_str_eq(cnn__quote(out, text, false) + CNN__QUOTE - 4, "...");
    for (size_t shift = 0; shift < 4; shift++) { /* cut at each byte of a sequence */
        text[0] = '\0';
        memset(text, 'x', shift);
        for (size_t i = 0; i < 90; i++) {
            memcpy(text + shift + 3 * i, "\xe2\x82\xac", 4);
        }
        ck_assert(cnn__utf8_valid(cnn__quote(out, text, false)));
        ck_assert(cnn__utf8_valid(cnn__quote(out, text, true)));
    }
}
END_TEST

START_TEST(only_regular_files_are_opened)
{
    cnn__file file;
    assert_error(cnn__file_open(&file, ctx, "test", in_folder("none")), CNN_ERROR_NOT_FOUND, "No such file");
    assert_error(cnn__file_open(&file, ctx, "test", test_folder), CNN_ERROR_IO, "not a regular file");
    assert_error(cnn__file_open(&file, ctx, "test", "/dev/zero"), CNN_ERROR_IO, "not a regular file");
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    assert_error(cnn__file_open(&file, ctx, "test", in_folder("pipe")), CNN_ERROR_IO, "not a regular file");
    file_put(in_folder("f"), "abc", 3);
    char buffer[4];
    ck_assert_int_eq(cnn__file_open(&file, ctx, "test", in_folder("f")), CNN_OK);
    ck_assert_int_eq(cnn__file_read(&file, buffer, 2), CNN_OK);
    assert_error(cnn__file_read(&file, buffer, 2), CNN_ERROR_FORMAT, "byte 3: the file ends here");
    cnn__file_close(&file);
}
END_TEST

static cnn_status save_text(const char *path, const char *text)
{
    cnn__save save;
    cnn_status status = cnn__save_begin(&save, ctx, "test", path);
    return status == CNN_OK ? cnn__save_end(&save, cnn__save_write(&save, text, strlen(text))) : status;
}

static void assert_text(const char *path, const char *text)
{
    size_t size;
    unsigned char *data = file_get(path, &size);
    ck_assert_str_eq((const char *)data, text);
    free(data);
}

START_TEST(saving_replaces_the_file_and_keeps_what_it_is)
{
    struct stat info;
    const char *path = in_folder("f"), *link = in_folder("link");
    mode_t before = umask(022);
    ck_assert_int_eq(save_text(path, "one"), CNN_OK);
    umask(before);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0644);
    ck_assert_int_eq(chmod(path, 0600), 0);
    ck_assert_int_eq(symlink("f", link), 0);
    ck_assert_int_eq(save_text(link, "two"), CNN_OK);
    assert_text(path, "two");
    ck_assert_int_eq(lstat(link, &info), 0);
    ck_assert(S_ISLNK(info.st_mode));
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(folder_count(false), 2);
}
END_TEST

START_TEST(saving_refuses_what_is_no_file)
{
    char longest[300];
    assert_error(save_text("/dev/null", "x"), CNN_ERROR_IO, "not a regular file");
    assert_error(save_text(test_folder, "x"), CNN_ERROR_IO, "not a regular file");
    assert_error(save_text(in_folder("none/f"), "x"), CNN_ERROR_IO, "open its folder: No such file");
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_error(save_text(in_folder(longest), "x"), CNN_ERROR_IO, "File name too long");
    longest[255] = '\0';
    ck_assert_int_eq(save_text(in_folder(longest), "x"), CNN_OK);
    assert_text(in_folder(longest), "x");
    assert_error(save_text("", "x"), CNN_ERROR_IO, "test: : ");
    ck_assert_int_eq(folder_count(false), 1);
}
END_TEST

START_TEST(a_name_in_the_folder_needs_no_slash)
{
    char here[1024];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(test_folder), 0);
    ck_assert_int_eq(save_text("plain", "x"), CNN_OK);
    ck_assert_int_eq(chdir(here), 0);
    assert_text(in_folder("plain"), "x");
}
END_TEST

/* ---- safetensors: golden bytes and round trips ---- */

/* As written by hand from the format's description. */
static const char golden_header[] =
    "{\"x\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
    "\"a \\\"b\\\"\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[16,24]},"
    "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[24,28]},"
    "\"m\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[28,31]}}    ";
static const unsigned char golden_data[] = { 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f, 1, 0, 1 };

static size_t golden(unsigned char *file)
{
    size_t size = sizeof golden_header - 1;
    memset(file, 0, 8);
    file[0] = (unsigned char)size;
    file[1] = (unsigned char)(size >> 8);
    memcpy(file + 8, golden_header, size);
    memcpy(file + 8 + size, golden_data, sizeof golden_data);
    return 8 + size + sizeof golden_data;
}

START_TEST(saved_bytes_are_these)
{
    const int64_t x[] = { 1, -2 };
    const float a[] = { 1, -2 }, s = 0.5f;
    const unsigned char m[] = { 1, 0, 1 };
    cnn_tensor *tensors[] = { cnn_tensor_from_data(ctx, CNN_BOOL, CNN_SHAPE(3), m),
                              cnn_tensor_from_data(ctx, CNN_F32, CNN_SCALAR, &s),
                              cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 2), a),
                              cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(2), x) };
    const char *const names[] = { "m", "s", "a \"b\"", "x" };
    ck_assert_int_eq(cnn_tensors_save(in_folder("g"), names, tensors, 4), CNN_OK);
    size_t size;
    unsigned char expected[1024], *data = file_get(in_folder("g"), &size);
    ck_assert_uint_eq(golden(expected) % 8, 7);
    ck_assert_uint_eq(size, golden(expected));
    ck_assert_mem_eq(data, expected, size);
    free(data);
    cnn_tensor *back = cnn_tensor_load(ctx, in_folder("g"), "a \"b\"");
    ck_assert_ptr_nonnull(back);
    ck_assert_mem_eq(cnn_tensor_data(back), a, sizeof a);
    cnn_tensor_free(back);
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(tensors[i]);
    }
}
END_TEST

static void assert_same(const cnn_tensor *a, const cnn_tensor *b)
{
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(cnn_tensor_dtype(a), cnn_tensor_dtype(b));
    ck_assert_int_eq(cnn_tensor_ndim(a), cnn_tensor_ndim(b));
    ck_assert(cnn_tensor_numel(a) == cnn_tensor_numel(b));
    for (int i = 0; i < cnn_tensor_ndim(a); i++) {
        ck_assert(cnn_tensor_size(a, i) == cnn_tensor_size(b, i));
    }
    size_t bytes = (size_t)cnn_tensor_numel(a) * cnn_dtype_size(cnn_tensor_dtype(a));
    ck_assert(bytes == 0 || memcmp(cnn_tensor_data(a), cnn_tensor_data(b), bytes) == 0);
}

START_TEST(every_dtype_and_shape_comes_back)
{
    static const int64_t shapes[][8] = { { 0 }, { 3 }, { 2, 3 }, { 0 }, { 4, 0, 2 }, { 1, 2, 1, 2, 1, 2, 1, 2 }, { 1000, 7 } };
    static const int ranks[] = { 0, 1, 2, 1, 3, 8, 2 };
    for (int dtype = CNN_F32; dtype <= CNN_BOOL; dtype++) {
        for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
            cnn_tensor *t = cnn_tensor_zeros(ctx, (cnn_dtype)dtype, ranks[k], shapes[k]);
            unsigned char *bytes = cnn_tensor_data(t);
            for (size_t i = 0; i < (size_t)cnn_tensor_numel(t) * cnn_dtype_size((cnn_dtype)dtype); i++) {
                bytes[i] = (unsigned char)(dtype == CNN_BOOL ? i % 3 == 0 : i * 37 + 11);
            }
            const char *name = "tensor \t\xc3\xa9";
            ck_assert_int_eq(cnn_tensors_save(in_folder("t"), &name, &t, 1), CNN_OK);
            cnn_tensor *back = cnn_tensor_load(ctx, in_folder("t"), name);
            assert_same(back, t);
            cnn_tensor_free(back);
            cnn_tensor_free(t);
        }
    }
    ck_assert_int_eq(cnn_tensors_save(in_folder("empty"), NULL, NULL, 0), CNN_OK);
    ck_assert_ptr_null(cnn_tensor_load(ctx, in_folder("empty"), "x"));
    assert_error(cnn_context_status(ctx), CNN_ERROR_NOT_FOUND, "no tensor \"x\"");
}
END_TEST

START_TEST(results_of_operations_are_saved_row_by_row)
{
    cnn_tensor *t = cnn_tensor_arange(ctx, CNN_F32, 0, 6, 1);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *turned = cnn_transpose(cnn_reshape(cnn_input(tape, t), CNN_SHAPE(2, 3)), 0, 1);
    ck_assert(!cnn_tensor_is_contiguous(turned));
    const char *name = "t";
    ck_assert_int_eq(cnn_tensors_save(in_folder("t"), &name, &turned, 1), CNN_OK);
    cnn_tensor *back = cnn_tensor_load(ctx, in_folder("t"), "t");
    const float expected[] = { 0, 3, 1, 4, 2, 5 };
    ck_assert_int_eq((int)cnn_tensor_size(back, 0), 3);
    ck_assert_mem_eq(cnn_tensor_data(back), expected, sizeof expected);
    cnn_tensor_free(back);
    cnn_tape_free(tape);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(saving_refuses_names_that_could_not_be_read)
{
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR), *both[] = { t, t };
    const char *const twice[] = { "a", "a" }, *const metadata[] = { "__metadata__", "a" }, *const bytes[] = { "\xff", "a" },
                      *const none[] = { "a", NULL };
    const char *path = in_folder("f");
    assert_error(cnn_tensors_save(path, twice, both, 2), CNN_ERROR_INVALID_ARGUMENT, "\"a\" is given twice");
    assert_error(cnn_tensors_save(path, metadata, both, 2), CNN_ERROR_INVALID_ARGUMENT, "reserved");
    assert_error(cnn_tensors_save(path, bytes, both, 2), CNN_ERROR_INVALID_ARGUMENT, "UTF-8");
    assert_error(cnn_tensors_save(path, none, both, 2), CNN_ERROR_INVALID_ARGUMENT, "names[1] is NULL");
    both[1] = NULL;
    assert_error(cnn_tensors_save(path, none, both, 1), CNN_OK, "");
    assert_error(cnn_tensors_save(path, twice, both, 2), CNN_ERROR_INVALID_ARGUMENT, "NULL");
    assert_error(cnn_tensors_save(NULL, twice, both, 2), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    assert_error(cnn_tensors_save(path, NULL, both, 2), CNN_ERROR_INVALID_ARGUMENT, "names or tensors is NULL");
    assert_error(cnn_tensors_save(path, twice, both, -1), CNN_ERROR_INVALID_ARGUMENT, "negative");
    ck_assert_ptr_null(cnn_tensor_load(NULL, path, "a"));
    ck_assert_ptr_null(cnn_tensor_load(ctx, NULL, "a"));
    ck_assert_ptr_null(cnn_tensor_load(ctx, path, NULL));
    cnn_tensor_free(t);
}
END_TEST

/* ---- safetensors: hostile files ---- */

static size_t make_file(unsigned char *file, uint64_t header_size, const char *header, size_t text_size, size_t data)
{
    for (int i = 0; i < 8; i++) {
        file[i] = (unsigned char)(header_size >> 8 * i);
    }
    memcpy(file + 8, header, text_size);
    memset(file + 8 + text_size, 0, data);
    return 8 + text_size + data;
}

/* Loads any tensor and checks the bound on memory. */
static cnn_status try_load(const char *path, size_t size, const char *name)
{
    meter_reset();
    size_t before = atomic_load(&meter.now);
    cnn_tensor *t = cnn_tensor_load(ctx, path, name);
    ck_assert_uint_lt(atomic_load(&meter.peak) - before, 4 * size + (1 << 20));
    cnn_status status = t ? CNN_OK : cnn_context_status(ctx);
    cnn_tensor_free(t);
    ck_assert_uint_eq(atomic_load(&meter.now), before);
    return status;
}

typedef struct hostile {
    const char *header;
    size_t data;
    const char *reason; /* NULL: a valid file, whose tensor "a" can be loaded */
} hostile;

#define A(shape, begin, end) "\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
#define B(shape, begin, end) "\"b\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static const hostile hostiles[] = {
    { "{" A("[2]", 0, 8) "}", 8, NULL },
    { "{" A("[2]", 0, 8) "}      ", 8, NULL },
    { "{ " A("[2]", 0, 8) "\n\t\r }", 8, NULL },
    { "{" A("[]", 0, 4) "," B("[1]", 4, 8) "}", 8, NULL },
    { "{" B("[1]", 4, 8) "," A("[]", 0, 4) "}", 8, NULL },
    { "{" A("[0]", 4, 4) "," B("[1]", 0, 4) "}", 4, NULL },
    { "{" A("[0,9223372036854775807]", 0, 0) "}", 0, "overflows" },
    { "{" A("[1,1,1,1,1,1,1,1]", 0, 4) "}", 4, NULL },
    { "{\"__metadata__\":{}," A("[1]", 0, 4) "}", 4, NULL },
    { "{\"__metadata__\":{\"k\":\"v\",\"l\":\"\"}," A("[1]", 0, 4) "}", 4, NULL },
    { "{\"\\u0061\":{\"data_offsets\":[0,4],\"shape\":[1],\"d\\u0074ype\":\"F32\"}}", 4, NULL },
    { "{}", 0, "no tensor \"a\"" },
    { "{}", 1, "byte 10: the tensors end here, but the file goes on for 1 bytes" },
    { " {}", 0, "byte 8: the header does not begin with '{'" },
    { "[]", 0, "byte 8: the header does not begin with '{'" },
    { "{", 0, "expected 2 to" },
    { "{ ", 0, "byte 10: expected a string" },
    { "{}x", 0, "byte 10: expected spaces" },
    { "{}\n", 0, "byte 10: expected spaces" },
    { "{}{}", 0, "byte 10: expected spaces" },
    { "{" A("[2]", 0, 8) ",}", 8, "expected a string" },
    { "{" A("[2]", 0, 8) "", 8, "expected ',' or '}'" },
    { "{," A("[2]", 0, 8) "}", 8, "byte 9: expected a string" },
    { "{" A("[2]", 0, 8) " " B("[2]", 8, 16) "}", 16, "expected ',' or '}'" },
    { "{a:1}", 0, "byte 9: expected a string" },
    { "{\"a\":1}", 0, "byte 13: expected an object" },
    { "{\"a\":null}", 0, "byte 13: expected an object" },
    { "{\"a\":[[[[[[[[[[[[[[[[", 0, "byte 13: expected an object" },
    { "{\"a\":{\"a\":{\"a\":{", 0, "byte 14: expected dtype, shape or data_offsets" },
    { "{" A("[[[[[[[[", 0, 4) "}", 4, "expected a non-negative integer" },
    { "{\"a\":{}}", 0, "missing" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, "missing" },
    { "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 28: a duplicate key" },
    { "{\"a\":{\"dtype\":\"F31\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":\"f32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":\"F32F32F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":\"\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":32,\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: expected a string" },
    { "{\"a\":{\"dtype\":\"U16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "is U16, expected F32" },
    { "{" A("{}", 0, 4) "}", 4, "expected an array" },
    { "{" A("[-1]", 0, 4) "}", 4, "expected a non-negative integer" },
    { "{" A("[-0]", 0, 4) "}", 4, "expected a non-negative integer" },
    { "{" A("[1e0]", 0, 4) "}", 4, "not written as an integer" },
    { "{" A("[1.0]", 0, 4) "}", 4, "not written as an integer" },
    { "{" A("[01]", 0, 4) "}", 4, "leading zero" },
    { "{" A("[\"1\"]", 0, 4) "}", 4, "expected a non-negative integer" },
    { "{" A("[99999999999999999999]", 0, 4) "}", 4, "an integer past 2^63 - 1" },
    { "{" A("[18446744073709551617]", 0, 4) "}", 4, "an integer past 2^63 - 1" },
    { "{" A("[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "more than 8 dimensions" },
    { "{" A("[4294967296,4294967296]", 0, 0) "}", 0, "overflows" },
    { "{" A("[4611686018427387905]", 0, 4) "}", 4, "overflows" },
    { "{" A("[2305843009213693953,2]", 0, 8) "}", 8, "overflows" },
    { "{" A("[1]", 0, 8) "}", 8, "do not need as many bytes" },
    { "{" A("[3]", 0, 8) "}", 8, "do not need as many bytes" },
    { "{" A("[0]", 0, 4) "}", 4, "do not need as many bytes" },
    { "{" A("[2]", 8, 0) "}", 8, "run backwards" },
    { "{" A("[2]", 4, 12) "}", 12, "begins at byte 4 of the data, expected 0: tensors leave a hole" },
    { "{" A("[2]", 4, 12) "}", 8, "past the end of the file" },
    { "{" A("[2]", 0, 8) "}", 7, "past the end of the file" },
    { "{" A("[1]", 0, 9223372036854775807) "}", 4, "past the end of the file" },
    { "{" A("[2]", 0, 8) "}", 9, "the tensors end here, but the file goes on for 1 bytes" },
    { "{" A("[1]", 0, 4) "," B("[1]", 8, 12) "}", 12, "tensor \"b\" begins at byte 8 of the data, expected 4" },
    { "{" A("[2]", 0, 8) "," B("[1]", 4, 8) "}", 8, "tensors overlap" },
    { "{" A("[2]", 0, 8) "," B("[2]", 0, 8) "}", 8, "tensors overlap" },
    { "{" A("[0]", 2, 2) "," B("[1]", 0, 4) "}", 4, "tensors overlap" },
    { "{" A("[1]", 0, 4) "," A("[1]", 4, 8) "}", 8, "a second tensor \"a\"" },
    { "{" A("[1]", 0, 4) ",\"\\u0061\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "a second tensor" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}", 4, "fewer than two" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[]}}", 4, "fewer than two" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4,4]}}", 4, "more than two" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":1}}", 4, "expected dtype, shape or data_offsets" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "byte 27: a duplicate key" },
    { "{\"__metadata__\":{\"k\":\"v\",\"k\":\"w\"}}", 0, "a second key \"k\" in __metadata__" },
    { "{\"__metadata__\":{\"k\":1}}", 0, "byte 29: expected a string" },
    { "{\"__metadata__\":{\"k\":{\"k\":\"v\"}}}", 0, "expected a string" },
    { "{\"__metadata__\":[]}", 0, "expected an object" },
    { "{\"__metadata__\":null}", 0, "expected an object" },
    { "{\"\\ud800\":{}}", 0, "half of a surrogate pair" },
    { "{\"\xff\":{}}", 0, "byte 10: invalid UTF-8" },
    { "{\"\x01\":{}}", 0, "byte 10: a control character" },
};

START_TEST(hostile_headers_are_refused)
{
    const char *path = in_folder("h");
    for (size_t i = 0; i < sizeof hostiles / sizeof *hostiles; i++) {
        const hostile *h = &hostiles[i];
        unsigned char file[1024];
        size_t length = strlen(h->header);
        size_t size = make_file(file, length, h->header, length, h->data);
        file_put(path, file, size);
        cnn_context_clear_error(ctx);
        cnn_status status = try_load(path, size, "a");
        if (!h->reason) {
            ck_assert_msg(status == CNN_OK, "%s: %s", h->header, cnn_last_error(ctx));
            continue;
        }
        ck_assert_msg(status != CNN_OK, "%s", h->header);
        ck_assert_msg(strstr(cnn_last_error(ctx), h->reason), "%s: \"%s\" does not say \"%s\"", h->header,
                      cnn_last_error(ctx), h->reason);
        ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), "/h: "));
    }
}
END_TEST

START_TEST(hostile_header_lengths_are_refused)
{
    const char *path = in_folder("h"), *header = hostiles[0].header;
    size_t length = strlen(header);
    const uint64_t lengths[] = { 0, 1, 2, length - 1, length + 1, length + 7, length + 8, length + 9, 100000001,
                                 (uint64_t)1 << 32 | length, (uint64_t)1 << 63, UINT64_MAX };
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char file[256];
        size_t size = make_file(file, lengths[i], header, length, 8);
        file_put(path, file, size);
        assert_error(try_load(path, size, "a"), CNN_ERROR_FORMAT, ": byte ");
    }
    file_put(path, "{}padded", 8);
    assert_error(try_load(path, 8, "a"), CNN_ERROR_FORMAT, "byte 0: a header of");
    unsigned char nul[64]; /* padding of NULs instead of spaces, and a NUL in a name */
    size_t size = make_file(nul, 4, "{}\0\0", 4, 0);
    file_put(path, nul, size);
    assert_error(try_load(path, size, "a"), CNN_ERROR_FORMAT, "byte 10: expected spaces");
    size = make_file(nul, 8, "{\"\0\":{}}", 8, 0);
    file_put(path, nul, size);
    assert_error(try_load(path, size, "a"), CNN_ERROR_FORMAT, "byte 10: a control character");
}
END_TEST

START_TEST(files_cut_anywhere_are_refused)
{
    unsigned char file[1024];
    size_t size = golden(file);
    for (size_t cut = 0; cut < size; cut++) {
        file_put(in_folder("cut"), file, cut);
        assert_error(try_load(in_folder("cut"), cut, "x"), CNN_ERROR_FORMAT, ": byte ");
    }
}
END_TEST

/* A changed header is refused, or it is another valid file, and then the tensor is the same or goes by another name. */
START_TEST(headers_with_a_flipped_byte_never_give_wrong_elements)
{
    unsigned char file[1024];
    size_t size = golden(file), refused = 0, tried = 0;
    const int64_t x[] = { 1, -2 };
    for (size_t at = 0; at < size - sizeof golden_data; at++) {
        for (int bit = 0; bit <= 8; bit++) {
            unsigned char kept = file[at];
            file[at] ^= (unsigned char)(bit < 8 ? 1 << bit : 0xff);
            file_put(in_folder("flip"), file, size);
            file[at] = kept;
            meter_reset();
            cnn_tensor *t = cnn_tensor_load(ctx, in_folder("flip"), "x");
            ck_assert_uint_lt(atomic_load(&meter.peak), 4 * size + (1 << 20));
            tried++;
            refused += !t;
            if (t) {
                ck_assert_int_eq(cnn_tensor_dtype(t) == CNN_I64 || cnn_tensor_dtype(t) == CNN_F64, 1);
                ck_assert_mem_eq(cnn_tensor_data(t), x, sizeof x);
            }
            cnn_tensor_free(t);
        }
    }
    ck_assert_uint_gt(refused, tried * 8 / 10);
}
END_TEST

/* As many entries as fit: the case in which the tables of the reader are largest compared with the file. */
START_TEST(crowded_headers_stay_within_the_memory_bound)
{
    enum { ENTRIES = 60000 };
    size_t capacity = 8 + ENTRIES * 64, size = 8;
    unsigned char *file = malloc(capacity);
    ck_assert_ptr_nonnull(file);
    file[size++] = '{';
    for (int i = 0; i < ENTRIES; i++) {
        size += (size_t)snprintf((char *)file + size, capacity - size,
                                 "%s\"%x\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[%d,%d]}", i ? "," : "", i, i,
                                 i + 1);
    }
    file[size++] = '}';
    for (int i = 0; i < 8; i++) {
        file[i] = (unsigned char)((size - 8) >> 8 * i);
    }
    file = realloc(file, size + ENTRIES);
    ck_assert_ptr_nonnull(file);
    memset(file + size, 1, ENTRIES);
    size += ENTRIES;
    file_put(in_folder("many"), file, size);
    ck_assert_int_eq(try_load(in_folder("many"), size, "ea5f"), CNN_OK);
    ck_assert_int_eq(try_load(in_folder("many"), size, "zz"), CNN_ERROR_NOT_FOUND);

    size = 8 + (size_t)sprintf((char *)file + 8, "{\"__metadata__\":{");
    for (int i = 0; i < ENTRIES; i++) {
        size += (size_t)sprintf((char *)file + size, "%s\"%x\":\"\"", i ? "," : "", i);
    }
    size += (size_t)sprintf((char *)file + size, "}}");
    for (int i = 0; i < 8; i++) {
        file[i] = (unsigned char)((size - 8) >> 8 * i);
    }
    file_put(in_folder("many"), file, size);
    ck_assert_int_eq(try_load(in_folder("many"), size, "zz"), CNN_ERROR_NOT_FOUND);
    free(file);
}
END_TEST

START_TEST(half_precision_is_read_as_f32)
{
    static const struct {
        uint16_t half;
        float value;
    } f16[] = { { 0x0000, 0 },        { 0x3c00, 1 },           { 0xc000, -2 },         { 0x7bff, 65504 },
                { 0x0400, 0x1p-14f }, { 0x0001, 0x1p-24f },    { 0x83ff, -0x1.ff8p-15f }, { 0x3555, 0x1.554p-2f },
                { 0x7c00, INFINITY }, { 0xfc00, -INFINITY } },
      bf16[] = { { 0x0000, 0 }, { 0x3f80, 1 }, { 0xc000, -2 }, { 0x7f7f, 0x1.fep127f }, { 0x0001, 0x1p-133f },
                 { 0x7f80, INFINITY }, { 0xff80, -INFINITY }, { 0x3eab, 0x1.56p-2f }, { 0x8000, -0.0f }, { 0x4049, 3.140625f } };
    unsigned char file[256];
    const char *header = "{\"f\":{\"dtype\":\"F16\",\"shape\":[10],\"data_offsets\":[0,20]},"
                         "\"b\":{\"dtype\":\"BF16\",\"shape\":[10],\"data_offsets\":[20,40]}}";
    size_t length = strlen(header), size = make_file(file, length, header, length, 40);
    for (size_t i = 0; i < 10; i++) {
        unsigned char *f = file + 8 + length + 2 * i, *b = f + 20;
        f[0] = (unsigned char)f16[i].half;
        f[1] = (unsigned char)(f16[i].half >> 8);
        b[0] = (unsigned char)bf16[i].half;
        b[1] = (unsigned char)(bf16[i].half >> 8);
    }
    file_put(in_folder("h"), file, size);
    cnn_tensor *f = cnn_tensor_load(ctx, in_folder("h"), "f"), *b = cnn_tensor_load(ctx, in_folder("h"), "b");
    ck_assert_int_eq(cnn_tensor_dtype(f), CNN_F32);
    for (int i = 0; i < 10; i++) {
        ck_assert_mem_eq((const float *)cnn_tensor_data(f) + i, &f16[i].value, sizeof(float));
        ck_assert_mem_eq((const float *)cnn_tensor_data(b) + i, &bf16[i].value, sizeof(float));
    }
    cnn_tensor_free(f);
    cnn_tensor_free(b);
    file[8 + length] = 0x01; /* 0x7e01: a NaN */
    file[8 + length + 1] = 0x7e;
    file_put(in_folder("h"), file, size);
    f = cnn_tensor_load(ctx, in_folder("h"), "f");
    ck_assert(isnan(*(const float *)cnn_tensor_data(f)));
    cnn_tensor_free(f);
}
END_TEST

START_TEST(bools_other_than_0_and_1_are_refused)
{
    unsigned char file[1024];
    size_t size = golden(file);
    file[size - 2] = 2;
    file_put(in_folder("b"), file, size);
    char byte[64];
    snprintf(byte, sizeof byte, "byte %zu: a BOOL element is 2", size - 2);
    assert_error(try_load(in_folder("b"), size, "m"), CNN_ERROR_FORMAT, byte);
    ck_assert_int_eq(try_load(in_folder("b"), size, "x"), CNN_OK);
}
END_TEST

/* ---- modules ---- */

static cnn_module *make_model(int hidden)
{
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3, .padding = 1), cnn_relu_new(ctx), cnn_flatten_new(ctx),
                              cnn_linear_new(ctx, 32, hidden), cnn_linear_new(ctx, hidden, 3));
}

/* All elements of all parameters, to be freed. */
static unsigned char *state_of(const cnn_module *module, size_t *size)
{
    *size = 0;
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        cnn_tensor *t = cnn_module_state(module, i, NULL, 0);
        *size += (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
    }
    unsigned char *all = malloc(*size + 1), *to = all;
    ck_assert_ptr_nonnull(all);
    for (int i = 0; i < cnn_module_state_count(module); i++) {
        cnn_tensor *t = cnn_module_state(module, i, NULL, 0);
        size_t bytes = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        ck_assert_int_eq(cnn_tensor_read(t, to, bytes), CNN_OK);
        to += bytes;
    }
    return all;
}

static void assert_state(const cnn_module *module, const unsigned char *expected, size_t size)
{
    size_t now_size;
    unsigned char *now = state_of(module, &now_size);
    ck_assert_uint_eq(now_size, size);
    ck_assert_mem_eq(now, expected, size);
    free(now);
}

START_TEST(a_modules_state_comes_back)
{
    cnn_module *a = make_model(4), *b = make_model(4);
    size_t size;
    unsigned char *state = state_of(a, &size);
    ck_assert_int_eq(cnn_module_save(a, in_folder("m")), CNN_OK);
    ck_assert_int_eq(cnn_module_load(b, in_folder("m")), CNN_OK);
    assert_state(b, state, size);
    cnn_tensor *w = cnn_tensor_load(ctx, in_folder("m"), "0.weight");
    assert_same(w, cnn_module_find(a, "0.weight"));
    cnn_tensor_free(w);
    ck_assert_int_eq(folder_count(false), 1);
    free(state);
    cnn_module_free(a);
    cnn_module_free(b);
}
END_TEST

START_TEST(a_load_that_does_not_fit_changes_nothing)
{
    cnn_module *small = make_model(4), *large = make_model(5), *layer = cnn_linear_new(ctx, 32, 4),
               *longer = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 2, 3), cnn_relu_new(ctx), cnn_flatten_new(ctx),
                                            cnn_linear_new(ctx, 32, 4)),
               *wide = cnn_linear_new(ctx, 32, 4, .dtype = CNN_F64);
    cnn_module *all[] = { small, large, layer, longer, wide };
    size_t size[5];
    unsigned char *state[5];
    for (int i = 0; i < 5; i++) {
        state[i] = state_of(all[i], &size[i]);
    }
    ck_assert_int_eq(cnn_module_save(small, in_folder("small")), CNN_OK);
    ck_assert_int_eq(cnn_module_save(layer, in_folder("layer")), CNN_OK);
    assert_error(cnn_module_load(large, in_folder("small")), CNN_ERROR_MISMATCH,
                 "tensor \"3.weight\" has shape [4,32], expected [5,32]");
    assert_error(cnn_module_load(layer, in_folder("small")), CNN_ERROR_MISMATCH, "no tensor \"weight\" in the file");
    assert_error(cnn_module_load(small, in_folder("layer")), CNN_ERROR_MISMATCH, "no tensor \"0.weight\" in the file");
    assert_error(cnn_module_load(longer, in_folder("small")), CNN_ERROR_MISMATCH, "tensor \"4.bias\" is not expected");
    assert_error(cnn_module_load(wide, in_folder("layer")), CNN_ERROR_MISMATCH, "\"weight\" is F32, expected float64");
    assert_error(cnn_module_load(small, in_folder("none")), CNN_ERROR_NOT_FOUND, "No such file");
    assert_error(cnn_module_load(NULL, in_folder("small")), CNN_ERROR_INVALID_ARGUMENT, "module is NULL");
    assert_error(cnn_module_load(small, NULL), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    assert_error(cnn_module_save(NULL, in_folder("small")), CNN_ERROR_INVALID_ARGUMENT, "module is NULL");
    assert_error(cnn_module_save(small, NULL), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    for (int i = 0; i < 5; i++) {
        assert_state(all[i], state[i], size[i]);
        free(state[i]);
        cnn_module_free(all[i]);
    }
}
END_TEST

START_TEST(a_cut_weights_file_changes_nothing)
{
    cnn_module *model = make_model(2), *other = make_model(2);
    size_t size, file_size;
    unsigned char *state = state_of(other, &size);
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    unsigned char *file = file_get(in_folder("m"), &file_size);
    for (size_t cut = 0; cut < file_size; cut++) {
        file_put(in_folder("cut"), file, cut);
        assert_error(cnn_module_load(other, in_folder("cut")), CNN_ERROR_FORMAT, ": byte ");
    }
    assert_state(other, state, size);
    free(file);
    free(state);
    cnn_module_free(model);
    cnn_module_free(other);
}
END_TEST

/* ---- checkpoints ---- */

typedef enum kind { ADAM, ADAMW, SGD, KINDS } kind;

static cnn_optimizer *make_optimizer(kind kind, cnn_module *model)
{
    return kind == ADAM    ? cnn_adam_new(model, .lr = 1e-2, .amsgrad = true)
           : kind == ADAMW ? cnn_adamw_new(model, .lr = 1e-2)
                           : cnn_sgd_new(model, .lr = 1e-2, .momentum = 0.9);
}

/* Steps on data that the context's random stream decides. */
static void train(cnn_module *model, cnn_optimizer *optimizer, int steps)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    for (int i = 0; i < steps; i++) {
        cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(5, 1, 4, 4));
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *y = cnn_dropout(cnn_forward(model, cnn_input(tape, x)), 0.3);
        cnn_optimizer_zero_grad(optimizer);
        cnn_backward(cnn_mean(cnn_mul(y, y), CNN_ALL_DIMS, false));
        ck_assert_msg(cnn_optimizer_step(optimizer) == CNN_OK, "%s", cnn_last_error(ctx));
        cnn_tensor_free(x);
    }
    cnn_tape_free(tape);
}

static cnn_status save_checkpoint(cnn_module *model, cnn_optimizer *optimizer, int64_t epoch, const char *path)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = optimizer, .epoch = epoch };
    return cnn_checkpoint_save(&c, path);
}

static cnn_status load_checkpoint(cnn_module *model, cnn_optimizer *optimizer, int64_t *epoch, const char *path)
{
    cnn_checkpoint c = { .struct_size = sizeof c, .module = model, .optimizer = optimizer, .epoch = -5 };
    cnn_status status = cnn_checkpoint_load(&c, path);
    ck_assert(status == CNN_OK || c.epoch == -5);
    if (epoch) {
        *epoch = c.epoch;
    }
    return status;
}

/* Training on from a checkpoint in a new context equals training without a break, to the last bit. */
START_TEST(a_resumed_run_continues_to_the_bit)
{
    for (int k = 0; k < KINDS; k++) {
        cnn_module *model = make_model(4);
        cnn_optimizer *optimizer = make_optimizer((kind)k, model);
        train(model, optimizer, 3);
        ck_assert_int_eq(cnn_optimizer_set_lr(optimizer, 0, 0.0123456789), CNN_OK);
        ck_assert_int_eq(save_checkpoint(model, optimizer, 3, in_folder("c")), CNN_OK);
        train(model, optimizer, 3);
        size_t size;
        unsigned char *state = state_of(model, &size);
        cnn_optimizer_free(optimizer);
        cnn_module_free(model);

        cnn_context *first = ctx;
        ctx = cnn_context_new(.seed = 99, .threads = 1);
        model = make_model(4);
        optimizer = make_optimizer((kind)k, model);
        train(model, optimizer, 1);
        int64_t epoch;
        ck_assert_msg(load_checkpoint(model, optimizer, &epoch, in_folder("c")) == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert_int_eq((int)epoch, 3);
        ck_assert_int_eq((int)cnn_optimizer_step_count(optimizer), 3);
        ck_assert_double_eq(cnn_optimizer_lr(optimizer, 0), 0.0123456789);
        train(model, optimizer, 3);
        assert_state(model, state, size);
        free(state);
        cnn_optimizer_free(optimizer);
        cnn_module_free(model);
        cnn_context_free(ctx);
        ctx = first;
    }
}
END_TEST

START_TEST(a_checkpoint_is_a_weights_file_too)
{
    cnn_module *model = make_model(4), *other = make_model(4);
    cnn_optimizer *adam = make_optimizer(ADAMW, model), *fresh = make_optimizer(ADAMW, other);
    train(model, adam, 2);
    size_t size;
    unsigned char *state = state_of(model, &size);
    ck_assert_int_eq(save_checkpoint(model, adam, 1, in_folder("c")), CNN_OK);
    ck_assert_int_eq(cnn_module_load(other, in_folder("c")), CNN_OK);
    assert_state(other, state, size);
    ck_assert_int_eq((int)cnn_optimizer_step_count(fresh), 0);
    ck_assert_int_eq(load_checkpoint(other, NULL, NULL, in_folder("c")), CNN_OK);
    cnn_tensor *moment = cnn_tensor_load(ctx, in_folder("c"), "optimizer.3.weight.exp_avg_sq");
    ck_assert_ptr_nonnull(moment);
    ck_assert(cnn_tensor_numel(moment) == 4 * 32);
    cnn_tensor_free(moment);
    /* A plain file with such names is not one. */
    cnn_tensor *zero = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR);
    const char *name = "optimizer.x";
    cnn_module *empty = cnn_relu_new(ctx);
    ck_assert_int_eq(cnn_tensors_save(in_folder("p"), &name, &zero, 1), CNN_OK);
    assert_error(cnn_module_load(empty, in_folder("p")), CNN_ERROR_MISMATCH, "\"optimizer.x\" is not expected");
    cnn_module_free(empty);
    cnn_tensor_free(zero);
    free(state);
    cnn_optimizer_free(adam);
    cnn_optimizer_free(fresh);
    cnn_module_free(model);
    cnn_module_free(other);
}
END_TEST

START_TEST(a_checkpoint_that_does_not_fit_changes_nothing)
{
    cnn_module *model = make_model(4), *larger = make_model(6), *other = make_model(4);
    cnn_optimizer *adam = make_optimizer(ADAM, model), *larger_adam = make_optimizer(ADAM, larger),
                  *adamw = make_optimizer(ADAMW, other), *sgd = make_optimizer(SGD, other),
                  *plain = cnn_adam_new(other, .lr = 1e-2), *groups = make_optimizer(ADAM, other);
    train(model, adam, 1);
    train(other, sgd, 1);
    size_t size;
    unsigned char *state = state_of(other, &size);
    cnn_random_state before, after;
    cnn_context_random_state(ctx, &before);
    ck_assert_int_eq(save_checkpoint(model, adam, 1, in_folder("c")), CNN_OK);
    ck_assert_int_eq(save_checkpoint(model, NULL, 1, in_folder("weights")), CNN_OK);
    ck_assert_int_eq(cnn_module_save(model, in_folder("m")), CNN_OK);
    ck_assert_int_eq(cnn_optimizer_add_group(groups, (cnn_tensor *[]){ cnn_module_parameter(larger, 0) }, 1, NULL), CNN_OK);
    cnn_context_random_state(ctx, &before);
    assert_error(load_checkpoint(larger, larger_adam, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "expected [6,32]");
    assert_error(load_checkpoint(other, adamw, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "is Adam, expected AdamW");
    assert_error(load_checkpoint(other, sgd, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "is Adam, expected SGD");
    assert_error(load_checkpoint(other, plain, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "max_exp_avg_sq");
    assert_error(load_checkpoint(other, groups, NULL, in_folder("c")), CNN_ERROR_MISMATCH, "is 1, expected 2");
    assert_error(load_checkpoint(other, adam, NULL, in_folder("c")), CNN_ERROR_INVALID_ARGUMENT, "not one of the module's");
    assert_error(load_checkpoint(other, plain, NULL, in_folder("weights")), CNN_ERROR_MISMATCH, "without an optimizer");
    assert_error(load_checkpoint(other, plain, NULL, in_folder("m")), CNN_ERROR_MISMATCH, "not a checkpoint");
    assert_error(save_checkpoint(other, groups, 0, in_folder("x")), CNN_ERROR_INVALID_ARGUMENT, "not one of the module's");
    assert_error(save_checkpoint(other, plain, -1, in_folder("x")), CNN_ERROR_INVALID_ARGUMENT, "epoch is -1");
    assert_error(cnn_checkpoint_save(NULL, "x"), CNN_ERROR_INVALID_ARGUMENT, "checkpoint is NULL");
    assert_error(save_checkpoint(NULL, plain, 0, "x"), CNN_ERROR_INVALID_ARGUMENT, "module is NULL");
    assert_error(load_checkpoint(other, plain, NULL, NULL), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    cnn_context_random_state(ctx, &after);
    ck_assert_uint_eq(before.stream, after.stream);
    ck_assert_int_eq((int)cnn_optimizer_step_count(plain), 0);
    assert_state(other, state, size);
    free(state);
    cnn_optimizer *optimizers[] = { adam, larger_adam, adamw, sgd, plain, groups };
    for (int i = 0; i < 6; i++) {
        cnn_optimizer_free(optimizers[i]);
    }
    cnn_module_free(model);
    cnn_module_free(larger);
    cnn_module_free(other);
}
END_TEST

/* Replaces a piece of text within a file by one of the same length. */
static void patch(const char *path, const char *from, const char *to)
{
    size_t size;
    unsigned char *data = file_get(path, &size);
    ck_assert_uint_eq(strlen(from), strlen(to));
    unsigned char *at = memmem(data, size, from, strlen(from));
    ck_assert_msg(at, "%s", from);
    memcpy(at, to, strlen(to));
    file_put(path, data, size);
    free(data);
}

START_TEST(numbers_of_a_checkpoint_are_checked)
{
    static const struct {
        const char *from, *to;
        cnn_status status;
        const char *message;
    } cases[] = {
        { "\"epoch\":\"1\"", "\"epoch\":\"x\"", CNN_ERROR_FORMAT, "\"epoch\" is \"x\"" },
        { "\"epoch\":\"1\"", "\"epocH\":\"1\"", CNN_ERROR_FORMAT, "no \"epoch\"" },
        { "\"version\":\"1\"", "\"version\":\"2\"", CNN_ERROR_UNSUPPORTED, "version 2, expected 1" },
        { "\"libcnn.checkpoint\"", "\"libcnn.checkpoinT\"", CNN_ERROR_MISMATCH, "not a checkpoint" },
        { "\"random.stream\":\"", "\"random.streaM\":\"", CNN_ERROR_FORMAT, "no \"random.stream\"" },
        { "group.0.lr\":\"0x1", "group.0.lr\":\"0x2", CNN_ERROR_FORMAT, "expected a hexadecimal float" },
        { "group.0.lr\":\"0x1.", "group.0.lr\":\"-0x1", CNN_ERROR_FORMAT, "optimizer.group.0.lr" },
        { "group.0.beta1\":\"0x1", "group.0.betaX\":\"0x1", CNN_ERROR_FORMAT, "no \"optimizer.group.0.beta1\"" },
        { ".beta1\":\"0x1.ccccccccccccdp-1", ".beta1\":\"0x1.ccccccccccccdp+1", CNN_ERROR_FORMAT, "optimizer.group.0: " },
        { "0.weight.step\":\"1", "0.weight.step\":\" ", CNN_ERROR_FORMAT, "\"optimizer.0.weight.step\" is \" \"" },
        { "0.weight.group\":\"0", "0.weight.group\":\"1", CNN_ERROR_MISMATCH, "is 1, expected 0" },
        { "optimizer.0.weight.exp_avg\"", "optimizer.0.weight.exp_avG\"", CNN_ERROR_MISMATCH, "no tensor" },
        { "optimizer.steps\":\"1", "optimizer.steps\":\"-", CNN_ERROR_FORMAT, "\"optimizer.steps\" is \"-\"" },
    };
    cnn_module *model = make_model(4);
    cnn_optimizer *adam = make_optimizer(ADAM, model);
    train(model, adam, 1);
    size_t size;
    unsigned char *state = state_of(model, &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(save_checkpoint(model, adam, 1, in_folder("c")), CNN_OK);
        patch(in_folder("c"), cases[i].from, cases[i].to);
        assert_error(load_checkpoint(model, adam, NULL, in_folder("c")), cases[i].status, cases[i].message);
        assert_state(model, state, size);
    }
    free(state);
    cnn_optimizer_free(adam);
    cnn_module_free(model);
}
END_TEST

/* ---- everything fails once ---- */

typedef struct scene {
    cnn_module *model;
    cnn_optimizer *optimizer;
} scene;

static cnn_status act_module_save(scene *s)
{
    return cnn_module_save(s->model, in_folder("target"));
}
static cnn_status act_checkpoint_save(scene *s)
{
    return save_checkpoint(s->model, s->optimizer, 9, in_folder("target"));
}
static cnn_status act_module_load(scene *s)
{
    return cnn_module_load(s->model, in_folder("source"));
}
static cnn_status act_checkpoint_load(scene *s)
{
    return load_checkpoint(s->model, s->optimizer, NULL, in_folder("source"));
}
static cnn_status act_tensor_load(scene *s)
{
    (void)s;
    cnn_tensor *t = cnn_tensor_load(ctx, in_folder("source"), "0.weight");
    cnn_tensor_free(t);
    return t ? CNN_OK : cnn_context_status(ctx);
}

typedef struct act {
    cnn_status (*run)(scene *s);
    bool saves, loads;
} act;

static const act acts[] = { { act_module_save, true, false },
                            { act_checkpoint_save, true, false },
                            { act_module_load, false, true },
                            { act_checkpoint_load, false, true },
                            { act_tensor_load, false, false } };
enum { ACTS = sizeof acts / sizeof *acts };

static void scene_make(scene *s)
{
    s->model = make_model(3);
    s->optimizer = make_optimizer(ADAM, s->model);
    train(s->model, s->optimizer, 1);
    ck_assert_int_eq(save_checkpoint(s->model, s->optimizer, 1, in_folder("source")), CNN_OK);
    train(s->model, s->optimizer, 1);
    file_put(in_folder("target"), "old", 3);
}

static void scene_free(scene *s)
{
    cnn_optimizer_free(s->optimizer);
    cnn_module_free(s->model);
}

/* After a failure: the old file or (once it was renamed) the whole new one, no other file, and the weights of before. */
static void assert_untouched(const scene *s, const unsigned char *state, size_t size, bool renamed)
{
    ck_assert_int_eq(folder_count(false), 2);
    assert_state(s->model, state, size);
    if (!renamed) {
        assert_text(in_folder("target"), "old");
    } else {
        size_t length;
        unsigned char *data = file_get(in_folder("target"), &length);
        ck_assert_uint_gt(length, 100);
        free(data);
        file_put(in_folder("target"), "old", 3);
    }
}

START_TEST(every_allocation_may_fail)
{
    for (int on = 0; on < 2; on++) {
        const act *a = &acts[_i];
        scene s;
        scene_make(&s);
        size_t size;
        unsigned char *state = state_of(s.model, &size);
        size_t before = atomic_load(&meter.now);
        cnn_status status = CNN_ERROR_NO_MEMORY;
        long n = 0;
        for (; status != CNN_OK; n++) {
            meter_reset();
            atomic_store(&meter.fail_on, on);
            atomic_store(&meter.fail_at, n);
            status = a->run(&s);
            meter_reset();
            ck_assert_uint_eq(atomic_load(&meter.now), before);
            if (status != CNN_OK) {
                assert_error(status, CNN_ERROR_NO_MEMORY, "no memory");
                assert_untouched(&s, state, size, false);
            }
            ck_assert_int_lt(n, 1000);
        }
        ck_assert_int_gt(n, 3);
        free(state);
        scene_free(&s);
        folder_count(true);
    }
}
END_TEST

START_TEST(every_system_call_may_fail)
{
    static const int errors[] = { EIO, ENOSPC };
    const act *a = &acts[_i];
    for (int e = 0; e < 2; e++) {
        scene s;
        scene_make(&s);
        size_t size;
        unsigned char *state = state_of(s.model, &size);
        cnn_status status = CNN_ERROR_IO;
        int failures = 0;
        for (long n = 0; status != CNN_OK || faults.failed; n++) {
            faults_begin(n, errors[e], false);
            status = a->run(&s);
            faults_end();
            ck_assert_int_lt(n, 1000);
            if (status == CNN_OK) {
                /* Closing a file that was only read, and the folder, may fail without harm. */
                ck_assert(!faults.failed || strcmp(faults.failed, "close") == 0);
                file_put(in_folder("target"), "old", 3);
                if (a->loads) {
                    free(state);
                    state = state_of(s.model, &size);
                }
                continue;
            }
            failures++;
            assert_error(status, CNN_ERROR_IO, strerror(errors[e]));
            ck_assert_ptr_nonnull(strstr(cnn_last_error(ctx), a->saves ? "/target: " : "/source: "));
            bool renamed = strcmp(faults.failed, "sync") == 0 && strstr(cnn_last_error(ctx), "folder");
            assert_untouched(&s, state, size, renamed);
        }
        ck_assert_int_gt(failures, 3);
        free(state);
        scene_free(&s);
        folder_count(true);
    }
}
END_TEST

START_TEST(short_and_interrupted_calls_are_repeated)
{
    scene s;
    scene_make(&s);
    for (int i = 0; i < ACTS; i++) {
        faults_begin(-1, 0, true);
        cnn_status status = acts[i].run(&s);
        faults_end();
        ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(ctx));
    }
    ck_assert_int_eq(cnn_module_load(s.model, in_folder("target")), CNN_OK);
    scene_free(&s);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_file)
{
    static const char *const full = "/dev/full";
    if (access(full, W_OK) != 0) {
        return;
    }
    /* /dev/full itself is refused, being no regular file; the write that it would fail is injected above. */
    cnn_module *model = make_model(2);
    assert_error(cnn_module_save(model, full), CNN_ERROR_IO, "not a regular file");
    cnn_module_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io");
    TCase *tests = tcase_create("io");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, json_strings_are_decoded);
    tcase_add_test(tests, json_strings_that_are_broken_are_refused);
    tcase_add_test(tests, json_integers_are_plain);
    tcase_add_test(tests, doubles_survive_as_text_in_any_locale);
    tcase_add_test(tests, integers_are_read_strictly);
    tcase_add_test(tests, heap_sort_sorts);
    tcase_add_test(tests, quoted_text_fits_a_line);
    tcase_add_test(tests, only_regular_files_are_opened);
    tcase_add_test(tests, saving_replaces_the_file_and_keeps_what_it_is);
    tcase_add_test(tests, saving_refuses_what_is_no_file);
    tcase_add_test(tests, a_name_in_the_folder_needs_no_slash);
    tcase_add_test(tests, saved_bytes_are_these);
    tcase_add_test(tests, every_dtype_and_shape_comes_back);
    tcase_add_test(tests, results_of_operations_are_saved_row_by_row);
    tcase_add_test(tests, saving_refuses_names_that_could_not_be_read);
    tcase_add_test(tests, hostile_headers_are_refused);
    tcase_add_test(tests, hostile_header_lengths_are_refused);
    tcase_add_test(tests, files_cut_anywhere_are_refused);
    tcase_add_test(tests, headers_with_a_flipped_byte_never_give_wrong_elements);
    tcase_add_test(tests, crowded_headers_stay_within_the_memory_bound);
    tcase_add_test(tests, half_precision_is_read_as_f32);
    tcase_add_test(tests, bools_other_than_0_and_1_are_refused);
    tcase_add_test(tests, a_modules_state_comes_back);
    tcase_add_test(tests, a_load_that_does_not_fit_changes_nothing);
    tcase_add_test(tests, a_cut_weights_file_changes_nothing);
    tcase_add_test(tests, a_resumed_run_continues_to_the_bit);
    tcase_add_test(tests, a_checkpoint_is_a_weights_file_too);
    tcase_add_test(tests, a_checkpoint_that_does_not_fit_changes_nothing);
    tcase_add_test(tests, numbers_of_a_checkpoint_are_checked);
    tcase_add_loop_test(tests, every_allocation_may_fail, 0, ACTS);
    tcase_add_loop_test(tests, every_system_call_may_fail, 0, ACTS);
    tcase_add_test(tests, short_and_interrupted_calls_are_repeated);
    tcase_add_test(tests, a_full_disk_leaves_the_old_file);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
