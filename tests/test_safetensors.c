/* Safetensors files: the exact bytes, round trips, and everything that must be refused. */
#include "io/safetensors.h"
#include "support/elements.h"
#include "support/io.h"

#include <math.h>

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
    ck_assert_int_eq(cnn_tensors_save(names, tensors, 4, in_folder("g")), CNN_OK);
    size_t size;
    unsigned char expected[1024], *data = file_get(in_folder("g"), &size);
    ck_assert_uint_eq(golden(expected) % 8, 7);
    ck_assert_uint_eq(size, golden(expected));
    ck_assert_mem_eq(data, expected, size);
    free(data);
    cnn_tensor *back = cnn_tensor_load(ctx, in_folder("g"), "a \"b\"");
    ck_assert_ptr_nonnull(back);
    ck_assert_mem_eq(host_elements(back), a, sizeof a);
    cnn_tensor_free(back);
    for (int i = 0; i < 4; i++) {
        cnn_tensor_free(tensors[i]);
    }
}
END_TEST

START_TEST(every_dtype_and_shape_comes_back)
{
    static const int64_t shapes[][8] = { { 0 }, { 3 }, { 2, 3 }, { 0 }, { 4, 0, 2 }, { 1, 2, 1, 2, 1, 2, 1, 2 }, { 1000, 7 } };
    static const int ranks[] = { 0, 1, 2, 1, 3, 8, 2 };
    for (int dtype = CNN_F32; dtype <= CNN_BF16; dtype++) {
        for (size_t k = 0; k < sizeof ranks / sizeof *ranks; k++) {
            cnn_tensor *t = cnn_tensor_zeros(ctx, (cnn_dtype)dtype, ranks[k], shapes[k]);
            static unsigned char bytes[7000 * sizeof(double)];
            ck_assert_uint_le(elements_size(t), sizeof bytes);
            for (size_t i = 0; i < elements_size(t); i++) {
                bytes[i] = (unsigned char)(dtype == CNN_BOOL ? i % 3 == 0 : i * 37 + 11);
            }
            set_elements(t, bytes);
            const char *name = "tensor \t\xc3\xa9";
            ck_assert_int_eq(cnn_tensors_save(&name, &t, 1, in_folder("t")), CNN_OK);
            cnn_tensor *back = cnn_tensor_load(ctx, in_folder("t"), name);
            assert_same(back, t);
            cnn_tensor_free(back);
            cnn_tensor_free(t);
        }
    }
    ck_assert_int_eq(cnn_tensors_save(NULL, NULL, 0, in_folder("empty")), CNN_OK);
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
    ck_assert_int_eq(cnn_tensors_save(&name, &turned, 1, in_folder("t")), CNN_OK);
    cnn_tensor *back = cnn_tensor_load(ctx, in_folder("t"), "t");
    const float expected[] = { 0, 3, 1, 4, 2, 5 };
    ck_assert_int_eq((int)cnn_tensor_size(back, 0), 3);
    ck_assert_mem_eq(host_elements(back), expected, sizeof expected);
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
    assert_error(cnn_tensors_save(twice, both, 2, path), CNN_ERROR_INVALID_ARGUMENT, "\"a\" is given twice");
    assert_error(cnn_tensors_save(metadata, both, 2, path), CNN_ERROR_INVALID_ARGUMENT, "reserved");
    assert_error(cnn_tensors_save(bytes, both, 2, path), CNN_ERROR_INVALID_ARGUMENT, "UTF-8");
    assert_error(cnn_tensors_save(none, both, 2, path), CNN_ERROR_INVALID_ARGUMENT, "names[1] is NULL");
    both[1] = NULL;
    assert_error(cnn_tensors_save(none, both, 1, path), CNN_OK, "");
    assert_error(cnn_tensors_save(twice, both, 2, path), CNN_ERROR_INVALID_ARGUMENT, "NULL");
    assert_error(cnn_tensors_save(twice, both, 2, NULL), CNN_ERROR_INVALID_ARGUMENT, "path is NULL");
    assert_error(cnn_tensors_save(NULL, both, 2, path), CNN_ERROR_INVALID_ARGUMENT, "names or tensors is NULL");
    assert_error(cnn_tensors_save(twice, NULL, 2, path), CNN_ERROR_INVALID_ARGUMENT, "names or tensors is NULL");
    assert_error(cnn_tensors_save(twice, both, -1, path), CNN_ERROR_INVALID_ARGUMENT, "negative");
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

/* The same file opened: what a load refuses for the file's sake is refused with the same words. */
static cnn_status try_open(const char *path, char reason[512])
{
    cnn_context_clear_error(ctx);
    cnn_file *file = cnn_file_open(ctx, path);
    snprintf(reason, 512, "%s", cnn_last_error(ctx));
    cnn_status status = file ? CNN_OK : cnn_context_status(ctx);
    cnn_file_free(file);
    cnn_context_clear_error(ctx);
    return status;
}

/* Loads any tensor and checks the bound on memory. */
static cnn_status load_any(const char *path, size_t size, const char *name)
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

/* Both: of a file that can be opened a tensor may still be missing, of an unknown dtype, or have elements that are no
 * bools. */
static cnn_status try_load(const char *path, size_t size, const char *name)
{
    char reason[512];
    cnn_status opened = try_open(path, reason), status = load_any(path, size, name);
    if (opened == CNN_OK) {
        ck_assert_msg(status == CNN_OK || status == CNN_ERROR_NOT_FOUND || status == CNN_ERROR_UNSUPPORTED ||
                          strstr(cnn_last_error(ctx), "BOOL element"),
                      "%s", cnn_last_error(ctx));
    } else {
        ck_assert_int_eq(opened, status);
        ck_assert_str_eq(strstr(reason, ": ") + 2, strstr(cnn_last_error(ctx), ": ") + 2);
    }
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
    { "{" A("[0]", 0, 0) "," B("[1]", 0, 4) "}", 4, NULL },
    { "{" B("[1]", 0, 4) "," A("[0]", 0, 0) "}", 4, NULL },
    { "{" B("[0]", 0, 0) "," A("[0]", 0, 0) "}", 0, NULL },
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
    { "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
      "byte 28: a duplicate key" },
    { "{\"a\":{\"dtype\":\"F31\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
      "byte 10: tensor \"a\" is F31, expected F32," },
    { "{\"a\":{\"dtype\":\"Q8_K\",\"shape\":[2],\"data_offsets\":[4,7]}," B("[1]", 0, 4) "}", 7,
      "tensor \"a\" is Q8_K, expected" },
    { "{\"b\":{\"dtype\":\"Q8_K\",\"shape\":[2],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 7, NULL },
    { "{\"b\":{\"dtype\":\"Q8_K\",\"shape\":[2],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 8,
      "goes on for 1 bytes" },
    { "{\"b\":{\"dtype\":\"Q8_K\",\"shape\":[0],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 7,
      "do not need as many bytes" },
    { "{\"b\":{\"dtype\":\"C64\",\"shape\":[2],\"data_offsets\":[4,20]}," A("[1]", 0, 4) "}", 20, NULL },
    { "{\"b\":{\"dtype\":\"C64\",\"shape\":[2],\"data_offsets\":[4,12]}," A("[1]", 0, 4) "}", 12,
      "do not need as many bytes" },
    { "{\"b\":{\"dtype\":\"F8_E8M0\",\"shape\":[3],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 7, NULL },
    { "{\"b\":{\"dtype\":\"F8_E4M3FNUZ\",\"shape\":[3],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 7, NULL },
    { "{\"b\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 7, NULL },
    { "{\"b\":{\"dtype\":\"F4\",\"shape\":[6],\"data_offsets\":[4,10]}," A("[1]", 0, 4) "}", 10,
      "do not need as many bytes" },
    { "{\"b\":{\"dtype\":\"F4\",\"shape\":[5],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 7,
      "do not need whole bytes" },
    { "{\"b\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[4,7]}," A("[1]", 0, 4) "}", 7, NULL },
    { "{\"a\":{\"dtype\":\"U16\",\"shape\":[4611686018427387904],\"data_offsets\":[0,4]}}", 4, "overflows" },
    { "{\"a\":{\"dtype\":\"F32 \",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":\"8F\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":\"ABCDEFGHIJABCDEFGHIJABCDEFGHIJAB\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
      "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":\"f32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "byte 22: an unknown dtype" },
    { "{\"a\":{\"dtype\":\"F32F32F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4,
      "tensor \"a\" is F32F32F32, expected" },
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
    { "{" A("[2305843009213693953]", 0, 4) "}", 4, "overflows" },
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
    { "{" A("[1]", 0, 4) "," A("[1]", 4, 8) "}", 8, "byte 63: a second tensor \"a\"" },
    { "{" A("[1]", 4, 8) "," A("[1]", 0, 4) "}", 8, "byte 63: a second tensor \"a\"" },
    { "{" A("[1]", 4, 8) "," B("[1]", 8, 12) "," A("[1]", 0, 4) "}", 12, "a second tensor \"a\"" },
    { "{" A("[1]", 0, 4) ",\"\\u0061\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8,
      "a second tensor" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]}}", 4, "fewer than two" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[]}}", 4, "fewer than two" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4,4]}}", 4, "more than two" },
    { "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":1}}", 4,
      "expected dtype, shape or data_offsets" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "byte 27: a duplicate key" },
    { "{\"__metadata__\":{\"k\":\"v\",\"k\":\"w\"}}", 0, "a second key \"k\" in __metadata__" },
    { "{\"__metadata__\":{\"k\":1}}", 0, "byte 29: expected a string" },
    { "{\"__metadata__\":{\"k\":{\"k\":\"v\"}}}", 0, "expected a string" },
    { "{\"__metadata__\":{1:\"v\"}}", 0, "byte 25: expected a string" },
    { "{\"__metadata__\":{\"k\"}}", 0, "byte 28: expected ':'" },
    { "{\"__metadata__\":{\"k\":\"\\x\"}}", 0, "byte 30: an unknown escape" },
    { "{\"__metadatas__\":{}}", 0, "missing" },
    { "{\"__metadata_a\":{}}", 0, "missing" },
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
                ck_assert_mem_eq(host_elements(t), x, sizeof x);
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

START_TEST(half_precision_keeps_its_values)
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
    ck_assert_int_eq(cnn_tensor_dtype(b), CNN_BF16);
    cnn_tensor *wide = cnn_tensor_empty(ctx, CNN_F32, CNN_SHAPE(10));
    ck_assert_int_eq(cnn_tensor_copy_from(wide, b), CNN_OK);
    for (int i = 0; i < 10; i++) {
        ck_assert_mem_eq((const float *)host_elements(f) + i, &f16[i].value, sizeof(float));
        ck_assert_mem_eq((const float *)host_elements(wide) + i, &bf16[i].value, sizeof(float));
    }
    cnn_tensor_free(f);
    cnn_tensor_free(b);
    cnn_tensor_free(wide);
    file[8 + length] = 0x01; /* 0x7e01: a NaN */
    file[8 + length + 1] = 0x7e;
    file_put(in_folder("h"), file, size);
    f = cnn_tensor_load(ctx, in_folder("h"), "f");
    ck_assert(isnan(*(const float *)host_elements(f)));
    cnn_tensor_free(f);
}
END_TEST

#if CNN__POSIX
/* Half precision is converted while it is read, so its reads are other ones. */
START_TEST(reading_half_precision_may_fail)
{
    unsigned char file[256];
    const char *header = "{\"f\":{\"dtype\":\"F16\",\"shape\":[10],\"data_offsets\":[0,20]}}";
    size_t length = strlen(header), size = make_file(file, length, header, length, 20);
    file_put(in_folder("h"), file, size);
    cnn_status status = CNN_ERROR_IO;
    int failures = 0;
    for (long n = 0; status != CNN_OK || faults.failed; n++) {
        faults_begin(n, EIO, false);
        status = load_any(in_folder("h"), size, "f");
        faults_end();
        failures += status != CNN_OK;
        ck_assert(status == CNN_OK || strstr(cnn_last_error(ctx), strerror(EIO)));
        ck_assert_int_lt(n, 100);
    }
    ck_assert_int_eq(failures, 7); /* stat, open, fstat, the header's length, the header, seek, the elements */
}
END_TEST
#endif

/* A header of a longer text than the format allows is not written. */
START_TEST(names_of_too_many_bytes_are_refused)
{
    size_t size = CNN__LONGEST_HEADER;
    char *name = malloc(size + 1);
    ck_assert_ptr_nonnull(name);
    memset(name, 'n', size);
    name[size] = '\0';
    cnn_tensor *t = cnn_tensor_zeros(ctx, CNN_F32, CNN_SCALAR);
    const char *const names[] = { name };
    assert_error(cnn_tensors_save(names, &t, 1, in_folder("f")), CNN_ERROR_INVALID_ARGUMENT, "expected at most 100000000");
    ck_assert_int_eq(folder_count(false), 0);
    cnn_tensor_free(t);
    free(name);
}
END_TEST

START_TEST(saving_tensors_survives_failing_allocations)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *turned = cnn_transpose(cnn_input(tape, x), 0, 1);
    const char *const names[] = { "x" };
    cnn_status status = CNN_ERROR_NO_MEMORY;
    size_t before = atomic_load(&meter.now);
    long n = 0;
    for (; status != CNN_OK; n++) {
        meter_reset();
        atomic_store(&meter.fail_at, n);
        status = cnn_tensors_save(names, &turned, 1, in_folder("f"));
        meter_reset();
        ck_assert_uint_eq(atomic_load(&meter.now), before);
        if (status != CNN_OK) {
            assert_error(status, CNN_ERROR_NO_MEMORY, "no memory");
            ck_assert_int_eq(folder_count(false), 0);
        }
        ck_assert_int_lt(n, 100);
    }
    ck_assert_int_gt(n, 4);
    cnn_tape_free(tape);
    cnn_tensor_free(x);
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

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *tests = io_case(suite, "safetensors");
    tcase_add_test(tests, saved_bytes_are_these);
    tcase_add_test(tests, every_dtype_and_shape_comes_back);
    tcase_add_test(tests, results_of_operations_are_saved_row_by_row);
    tcase_add_test(tests, saving_refuses_names_that_could_not_be_read);
    tcase_add_test(tests, hostile_headers_are_refused);
    tcase_add_test(tests, hostile_header_lengths_are_refused);
    tcase_add_test(tests, files_cut_anywhere_are_refused);
    tcase_add_test(tests, headers_with_a_flipped_byte_never_give_wrong_elements);
    tcase_add_test(tests, crowded_headers_stay_within_the_memory_bound);
    tcase_add_test(tests, half_precision_keeps_its_values);
    tcase_add_test(tests, bools_other_than_0_and_1_are_refused);
#if CNN__POSIX
    tcase_add_test(tests, reading_half_precision_may_fail);
#endif
    tcase_add_test(tests, names_of_too_many_bytes_are_refused);
    tcase_add_test(tests, saving_tensors_survives_failing_allocations);
    return suite_run(suite);
}
