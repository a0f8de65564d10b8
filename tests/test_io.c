/* The tools that src/io is built on: numbers as text, sorting, and the I/O layer that reads and replaces files. */
#include "io/json.h"
#include "io/text.h"
#include "support/io.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <sys/stat.h>

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
                                       "0x1.0000000000000p+00001", "0x1.0000000000000p+99999999999",
                                       "0x1.0000000000000p+1a" };
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
    static const char *const bad[] = { "", " 1", "1 ", "+1", "-1", "01", "00", "1.", "0x1", "18446744073709551616",
                                       "99999999999999999999", "a", "1a" };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        ck_assert_msg(!cnn__parse_u64(bad[k], &u), "%s", bad[k]);
    }
}
END_TEST

START_TEST(text_is_written_as_json_and_stays_failed)
{
    cnn__text text = { .ctx = ctx };
    char long_word[300];
    cnn__text_json(&text, "a\"b\\c\n\x1f/");
    cnn__text_add(&text, "", 1);
    ck_assert_str_eq(text.data, "\"a\\\"b\\\\c\\u000a\\u001f/\"");
    memset(long_word, 'x', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    size_t size = text.size;
    cnn__text_print(&text, "%s", long_word);
    ck_assert(text.failed);
    cnn__text_add(&text, "more", 4);
    ck_assert_uint_eq(text.size, size);
    cnn__text_free(&text);
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
    ck_assert_str_eq(cnn__quote(out, "a\nb\x7f", false), "a\\nb\\x7f");
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
#if CNN__POSIX
    assert_error(cnn__file_open(&file, ctx, "test", "/dev/zero"), CNN_ERROR_IO, "not a regular file");
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0600), 0);
    assert_error(cnn__file_open(&file, ctx, "test", in_folder("pipe")), CNN_ERROR_IO, "not a regular file");
#endif
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

#if CNN__POSIX
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
#endif

/* "größe 模.txt" in UTF-8, which is what a path is on every system. */
START_TEST(saving_under_any_name_replaces_the_file)
{
    cnn__file file;
    char text[3];
    const char *path = in_folder("gr\xc3\xb6\xc3\x9f" "e \xe6\xa8\xa1.txt");
    ck_assert_int_eq(save_text(path, "one"), CNN_OK);
    ck_assert_int_eq(save_text(path, "two"), CNN_OK);
    ck_assert_int_eq(cnn__file_open(&file, ctx, "test", path), CNN_OK);
    ck_assert_uint_eq(file.size, sizeof text);
    ck_assert_int_eq(cnn__file_read(&file, text, sizeof text), CNN_OK);
    ck_assert_mem_eq(text, "two", sizeof text);
    cnn__file_close(&file);
    ck_assert_int_eq(folder_count(false), 1);
    ck_assert_int_eq(remove_file(path), 0);
}
END_TEST

START_TEST(saving_that_fails_leaves_the_old_file)
{
    cnn__save save;
    const char *path = in_folder("f");
    ck_assert_int_eq(save_text(path, "old"), CNN_OK);
    ck_assert_int_eq(cnn__save_begin(&save, ctx, "test", path), CNN_OK);
    ck_assert_int_eq(folder_count(false), 2);
    ck_assert_int_eq(cnn__save_write(&save, "new", 3), CNN_OK);
    ck_assert_int_eq(cnn__save_end(&save, CNN_ERROR_STATE), CNN_ERROR_STATE);
    assert_text(path, "old");
    ck_assert_int_eq(folder_count(false), 1);
}
END_TEST

START_TEST(saving_refuses_what_is_no_file)
{
    assert_error(save_text(CNN__WIN32 ? "NUL" : "/dev/null", "x"), CNN_ERROR_IO, "not a regular file");
    assert_error(save_text(test_folder, "x"), CNN_ERROR_IO, "not a regular file");
    assert_error(save_text(in_folder("none/f"), "x"), CNN_ERROR_IO,
                 CNN__WIN32 ? "create a file beside it: No such file" : "open its folder: No such file");
#if CNN__POSIX
    char longest[300];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_error(save_text(in_folder(longest), "x"), CNN_ERROR_IO, "File name too long");
    longest[255] = '\0';
    ck_assert_int_eq(save_text(in_folder(longest), "x"), CNN_OK);
    assert_text(in_folder(longest), "x");
    ck_assert_int_eq(folder_count(false), 1);
#else
    ck_assert_int_eq(folder_count(false), 0);
#endif
    assert_error(save_text("", "x"), CNN_ERROR_IO, "test: : ");
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

int main(void)
{
    Suite *suite = suite_create("io");
    TCase *tests = io_case(suite, "io");
    tcase_add_test(tests, doubles_survive_as_text_in_any_locale);
    tcase_add_test(tests, integers_are_read_strictly);
    tcase_add_test(tests, text_is_written_as_json_and_stays_failed);
    tcase_add_test(tests, heap_sort_sorts);
    tcase_add_test(tests, quoted_text_fits_a_line);
    tcase_add_test(tests, only_regular_files_are_opened);
#if CNN__POSIX
    tcase_add_test(tests, saving_replaces_the_file_and_keeps_what_it_is);
#endif
    tcase_add_test(tests, saving_under_any_name_replaces_the_file);
    tcase_add_test(tests, saving_that_fails_leaves_the_old_file);
    tcase_add_test(tests, saving_refuses_what_is_no_file);
    tcase_add_test(tests, a_name_in_the_folder_needs_no_slash);
    return suite_run(suite);
}
