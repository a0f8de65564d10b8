/* Compiled kernels of the CUDA back end, which are kept in files. */
#include "setting.h"

static int train_right(void)
{
    return !train_all("cuda", &now);
}

static char cache[] = "/tmp/libcnn-cuda-cache-XXXXXX";

static void cached_file(char *path, size_t size)
{
    char command[100];
    snprintf(command, sizeof command, "ls %s/cnn/*", cache);
    FILE *listing = popen(command, "r");
    ck_assert(fgets(path, (int)size, listing) != NULL);
    path[strcspn(path, "\n")] = '\0';
    ck_assert_int_eq(fgetc(listing), EOF); /* one file, and none of another name */
    pclose(listing);
}

START_TEST(compiled_kernels_are_kept_and_a_damaged_file_is_made_anew)
{
    char path[200];
    struct stat first, second;
    ck_assert_ptr_nonnull(mkdtemp(cache));
    setenv("XDG_CACHE_HOME", cache, 1);
    ck_assert_int_eq(in_child(train_right), 0);
    cached_file(path, sizeof path);
    ck_assert_int_eq(stat(path, &first), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert_int_eq(first.st_ino, second.st_ino); /* taken from there */
    ck_assert_int_eq(truncate(path, first.st_size - 1), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert_int_eq(second.st_size, first.st_size);
    setenv("XDG_CACHE_HOME", "/proc/none", 1); /* no cache can be written */
    ck_assert_int_eq(in_child(train_right), 0);
    unlink(path);
}
END_TEST

/* A file that others can write is not trusted, a pipe not waited for: both are replaced. */
START_TEST(a_cache_of_somebody_else_is_not_taken)
{
    char path[200];
    struct stat first, second;
    char folder[] = "/tmp/libcnn-cuda-cache-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    strcpy(cache, folder);
    setenv("XDG_CACHE_HOME", cache, 1);
    ck_assert_int_eq(in_child(train_right), 0);
    cached_file(path, sizeof path);
    ck_assert_int_eq(chmod(path, 0666), 0);
    ck_assert_int_eq(stat(path, &first), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert_int_eq(second.st_mode & 0777, 0600);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(in_child(train_right), 0);
    ck_assert_int_eq(stat(path, &second), 0);
    ck_assert(S_ISREG(second.st_mode));
    unlink(path);
}
END_TEST

int main(void)
{
    use_standin();
    Suite *suite = suite_create("compiled kernels on CUDA without a GPU");
    TCase *kernels = suite_case(suite, "kernels", NULL, NULL);
    tcase_add_test(kernels, compiled_kernels_are_kept_and_a_damaged_file_is_made_anew);
    tcase_add_test(kernels, a_cache_of_somebody_else_is_not_taken);
    return suite_run(suite);
}
