/* NumPy's files: every malformed header and archive is refused with the byte and the reason. */
#include "support/elements.h"
#include "support/io.h"
#include "support/numpy.h"
#include "support/zips.h"

/* ---- headers that are refused ---- */

#define REST ", 'fortran_order': False, 'shape': (2,), }\n"
static const char other[] = "not a dictionary of descr, fortran_order and shape in .npy's form";

/* '@' is taken out: there is the byte that the message names. */
static const struct {
    const char *header, *text;
    size_t data;
    cnn_status status;
} headers[] = {
    { "{'descr': '<f4'" REST, NULL, 8, CNN_OK },
    { "{\"descr\":\"<f4\",\"fortran_order\":True,\"shape\":(2,)}   \n", NULL, 8, CNN_OK },
    { "{'shape': (1L, 2L), 'fortran_order': False, 'descr': '<f4'}\n", NULL, 8, CNN_OK },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", NULL, 4, CNN_OK },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1), }\n", NULL, 4, CNN_OK },
    { "{'descr': 'bfloat16'" REST, NULL, 4, CNN_OK },
    { "  @\n", other, 0, CNN_ERROR_FORMAT },
    { "@('descr', 2)\n", other, 0, CNN_ERROR_FORMAT },
    { "{'descr': '<f4'" REST "@ ", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }  @", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), @", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, }@\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'descr':@ '<f4'" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'more':@ 1" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': @1, 'shape': (2,), }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': @7" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '@<f4}\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '@<f4\\'" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f444444444444444444444'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr' @'<f4'" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4' @'fortran_order': False, 'shape': (2,), }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': @2, }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (@-2,), }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1 @2), }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (@02,), }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (@9223372036854775808,), }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (@10000000000000000000000000,), }\n", other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '%f4'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<q4'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4x'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4[s]'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': ''@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '<U4444444444'@" REST, other, 8, CNN_ERROR_FORMAT },
    { "{'descr': '|O'@" REST, "objects, which are pickled and never read", 16, CNN_ERROR_UNSUPPORTED },
    { "{'descr': [@('x', '<f4')]" REST, "a structured dtype, which is not read", 8, CNN_ERROR_UNSUPPORTED },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,@1), }\n", "more than 8 dimensions", 4,
      CNN_ERROR_UNSUPPORTED },
    { "{'descr': '<f4'" REST "@", "dtype and shape do not need as many bytes as follow", 7, CNN_ERROR_FORMAT },
    { "{'descr': '<f4'" REST "@", "dtype and shape do not need as many bytes as follow", 9, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296), }\n@",
      "dtype and shape do not need as many bytes as follow", 8, CNN_ERROR_FORMAT },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387906,), }\n@",
      "dtype and shape do not need as many bytes as follow", 8, CNN_ERROR_FORMAT },
    { "{'descr': '<c8'" REST, "tensor \"arr_0\" is <c8, expected", 16, CNN_ERROR_UNSUPPORTED },
    { "{'descr': '|V2'" REST, "tensor \"arr_0\" is |V2, expected", 4, CNN_ERROR_UNSUPPORTED },
    { "{'descr': '<M8[ns]'" REST, "tensor \"arr_0\" is <M8[ns], expected", 16, CNN_ERROR_UNSUPPORTED },
};

START_TEST(headers_are_understood_or_refused_at_their_byte)
{
    unsigned char file[512];
    char header[256], place[32];
    const char *mark = strchr(headers[_i].header, '@');
    size_t at = mark ? (size_t)(mark - headers[_i].header) : strlen(headers[_i].header);
    snprintf(header, sizeof header, "%.*s%s", (int)at, headers[_i].header, mark ? mark + 1 : "");
    file_put(in_folder("h.npy"), file, npy_make(file, header, headers[_i].data));
    cnn_tensor *t = cnn_npy_load(ctx, in_folder("h.npy"));
    ck_assert_msg((t != NULL) == (headers[_i].status == CNN_OK), "%s: %s", headers[_i].header, cnn_last_error(ctx));
    cnn_tensor_free(t);
    if (headers[_i].status != CNN_OK) {
        snprintf(place, sizeof place, ": byte %zu: ", mark ? 10 + at : (size_t)0);
        assert_error(cnn_context_status(ctx), headers[_i].status, headers[_i].text);
        ck_assert_msg(strstr(cnn_last_error(ctx), place), "%s: %s", headers[_i].header, cnn_last_error(ctx));
    }
}
END_TEST

START_TEST(integers_of_64_bits_without_a_sign_are_read_by_their_bits)
{
    static const unsigned char big[] = { 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2 };
    static const int64_t expected[] = { INT64_MIN, 258 };
    unsigned char file[512];
    size_t size = npy_make(file, "{'descr': '>u8'" REST, sizeof big);
    memcpy(file + size - sizeof big, big, sizeof big);
    file_put(in_folder("u8.npy"), file, size);
    cnn_tensor *t = cnn_npy_load(ctx, in_folder("u8.npy"));
    ck_assert_msg(t && cnn_tensor_dtype(t) == CNN_I64, "%s", cnn_last_error(ctx));
    ck_assert_mem_eq(host_elements(t), expected, sizeof expected);
    cnn_tensor_free(t);
}
END_TEST

START_TEST(versions_and_lengths_are_checked)
{
    static const struct {
        const char *bytes, *text;
        size_t size;
        cnn_status status;
    } starts[] = {
        { "\x93NUMPY\4\0\x04\0{}  ", "byte 6: .npy 4.0, expected 1.0, 2.0 or 3.0", 14, CNN_ERROR_UNSUPPORTED },
        { "\x93NUMPY\0\0\x04\0{}  ", "byte 6: .npy 0.0, expected 1.0, 2.0 or 3.0", 14, CNN_ERROR_UNSUPPORTED },
        { "\x93NUMPY\1\1\x04\0{}  ", "byte 6: .npy 1.1, expected 1.0, 2.0 or 3.0", 14, CNN_ERROR_UNSUPPORTED },
        { "\x93NUMPY\1\0\x05\0{}  ", "byte 8: a header of 5 bytes, expected at most 4096", 14, CNN_ERROR_FORMAT },
        { "\x93NUMPY\2\0\xff\xff\xff\xff  ", "byte 8: a header of 4294967295 bytes", 14, CNN_ERROR_FORMAT },
        { "\x93NUMPY\1\0\x04\0", "byte 0: not an array in .npy's form", 10, CNN_ERROR_FORMAT },
    };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        file_put(in_folder("s.npy"), starts[i].bytes, starts[i].size);
        ck_assert_ptr_null(cnn_npy_load(ctx, in_folder("s.npy")));
        failed_with(starts[i].status, starts[i].text);
    }
    unsigned char file[256];
    size_t size = npy_make(file, "{'descr': '|b1'" REST, 2);
    file[size - 1] = 2;
    file_put(in_folder("b.npy"), file, size);
    ck_assert_ptr_null(cnn_npy_load(ctx, in_folder("b.npy")));
    failed_with(CNN_ERROR_FORMAT, "a BOOL element is 2, expected 0 or 1");
}
END_TEST

/* ---- archives that are refused ---- */

static const char broken[] = "a broken record of the zip archive's directory", end[] = "broken end records of a zip archive",
                  local[] = "the local header is not as the zip archive's directory has it",
                  holes[] = "the members of the zip archive overlap or leave a hole";

/* One number of an archive with the members a.npy and b.npy is another one. */
static const struct {
    char part; /* l: the second local header; r: its record; e: the end */
    size_t at, bytes;
    uint64_t value;
    const char *text;
    cnn_status status;
} archives[] = {
    { 'e', 0, 1, 'p', end, CNN_ERROR_FORMAT },
    { 'e', 4, 2, 1, end, CNN_ERROR_FORMAT },
    { 'e', 8, 2, 1, end, CNN_ERROR_FORMAT },
    { 'e', 10, 2, 3, end, CNN_ERROR_FORMAT },
    { 'e', 8, 4, 0x00010001, broken, CNN_ERROR_FORMAT },
    { 'e', 8, 4, 0x00030003, end, CNN_ERROR_FORMAT },
    { 'e', 12, 4, 1, end, CNN_ERROR_FORMAT },
    { 'e', 16, 4, 0xfffffff0, end, CNN_ERROR_FORMAT },
    { 'e', 20, 2, 1, end, CNN_ERROR_FORMAT },
    { 'r', 0, 1, 'p', broken, CNN_ERROR_FORMAT },
    { 'r', 8, 2, 1, "a member with flags 0x1 and method 0, expected stored or deflated ones", CNN_ERROR_UNSUPPORTED },
    { 'r', 10, 2, 12, "a member with flags 0x0 and method 12, expected stored or deflated ones", CNN_ERROR_UNSUPPORTED },
    { 'r', 10, 2, 8, local, CNN_ERROR_FORMAT },
    { 'r', 12, 2, 7, local, CNN_ERROR_FORMAT },
    { 'r', 16, 4, 7, local, CNN_ERROR_FORMAT },
    { 'r', 20, 4, 7, "a member that the file has no room for", CNN_ERROR_FORMAT },
    { 'r', 24, 4, 7, "a member that the file has no room for", CNN_ERROR_FORMAT },
    { 'r', 20, 8, UINT64_MAX, "a member that the file has no room for", CNN_ERROR_FORMAT },
    { 'r', 28, 2, 6, broken, CNN_ERROR_FORMAT },
    { 'r', 28, 2, 4, local, CNN_ERROR_FORMAT },
    { 'r', 30, 2, 1, broken, CNN_ERROR_FORMAT },
    { 'r', 32, 2, 1, broken, CNN_ERROR_FORMAT },
    { 'r', 34, 2, 1, broken, CNN_ERROR_FORMAT },
    { 'r', 42, 4, 0xfffffff0, "a member that the file has no room for", CNN_ERROR_FORMAT },
    { 'r', 42, 4, 1, local, CNN_ERROR_FORMAT },
    { 'l', 0, 1, 'p', local, CNN_ERROR_FORMAT },
    { 'l', 6, 2, 8, local, CNN_ERROR_FORMAT },
    { 'l', 14, 4, 7, local, CNN_ERROR_FORMAT },
    { 'l', 26, 2, 4, local, CNN_ERROR_FORMAT },
    { 'l', 28, 2, 4, holes, CNN_ERROR_FORMAT },
    { 'l', 30, 1, 'c', local, CNN_ERROR_FORMAT },
    { 'l', 40, 1, 'X', "not an array in .npy's form", CNN_ERROR_FORMAT },
};

static size_t make_archive(unsigned char *file, const char *second, zip_places *p)
{
    unsigned char npy[128];
    size_t size = npy_make(npy, "{'descr': '<f4'" REST, 8);
    *p = zip_make(file, (const char *const[]){ "a.npy", second }, 2, npy, size);
    return p->size;
}

START_TEST(archives_are_understood_or_refused)
{
    unsigned char file[512];
    zip_places p;
    size_t size = make_archive(file, "b.npy", &p);
    file_put(in_folder("a.npz"), file, size);
    cnn_file *open = cnn_file_open(ctx, in_folder("a.npz"));
    ck_assert_msg(open && cnn_file_count(open) == 2, "%s", cnn_last_error(ctx));
    cnn_file_free(open);
    size_t part = archives[_i].part == 'l' ? p.local[1] : archives[_i].part == 'r' ? p.record[1] : p.end;
    zip_number(file + part + archives[_i].at, archives[_i].value, archives[_i].bytes);
    file_put(in_folder("a.npz"), file, size);
    ck_assert_msg(!cnn_file_open(ctx, in_folder("a.npz")), "number %d", _i);
    failed_with(archives[_i].status, archives[_i].text);
}
END_TEST

START_TEST(names_and_check_sums_are_checked)
{
    static const struct {
        const char *name, *text;
        cnn_status status;
    } names[] = { { "a.npy", "a second member \"a\"", CNN_ERROR_FORMAT },
                  { "b.txt", "a member that is no .npy file (cnn convert reads what torch.save() writes)", CNN_ERROR_UNSUPPORTED },
                  { "npy", "a member that is no .npy file", CNN_ERROR_UNSUPPORTED },
                  { "\xff.npy", "a member's name is not UTF-8", CNN_ERROR_FORMAT } };
    unsigned char file[512];
    zip_places p;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        file_put(in_folder("n.npz"), file, make_archive(file, names[i].name, &p));
        ck_assert_ptr_null(cnn_file_open(ctx, in_folder("n.npz")));
        failed_with(names[i].status, names[i].text);
    }
    size_t size = make_archive(file, "b.npy", &p);
    file[p.record[0] - 1] = 1; /* the last element */
    file_put(in_folder("n.npz"), file, size);
    cnn_tensor *good = cnn_tensor_load(ctx, in_folder("n.npz"), "a");
    ck_assert_ptr_nonnull(good);
    cnn_tensor_free(good);
    ck_assert_ptr_null(cnn_tensor_load(ctx, in_folder("n.npz"), "b"));
    failed_with(CNN_ERROR_FORMAT, "the bytes of \"b\" do not have their check sum or go on");
    /* Bytes in front of the members. */
    memmove(file + 4, file, size);
    memcpy(file, "PK\3\4", 4);
    file_put(in_folder("n.npz"), file, size + 4);
    ck_assert_ptr_null(cnn_file_open(ctx, in_folder("n.npz")));
    failed_with(CNN_ERROR_FORMAT, end);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numpy_refused");
    TCase *tests = io_case(suite, "refused files");
    tcase_add_loop_test(tests, headers_are_understood_or_refused_at_their_byte, 0, sizeof headers / sizeof *headers);
    tcase_add_test(tests, integers_of_64_bits_without_a_sign_are_read_by_their_bits);
    tcase_add_test(tests, versions_and_lengths_are_checked);
    tcase_add_loop_test(tests, archives_are_understood_or_refused, 0, sizeof archives / sizeof *archives);
    tcase_add_test(tests, names_and_check_sums_are_checked);
    return suite_run(suite);
}
