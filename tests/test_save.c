/* The effect of saving on an existing file: which file is meant behind links, its mode, owner and group, who may
 * read the new content in the meantime, and targets that are not regular files. */
#include "support/elements.h"
#include "support/io.h"

#include <limits.h>
#include <sys/wait.h>

static cnn_status save_text(const char *path, const char *text)
{
    cnn__save save;
    cnn_status status = cnn__save_begin(&save, ctx, "test", path);
    return status == CNN_OK ? cnn__save_end(&save, cnn__save_write(&save, text, strlen(text))) : status;
}

static struct stat status_of(const char *path)
{
    struct stat info;
    ck_assert_int_eq(lstat(path, &info), 0);
    return info;
}

static bool is_link(const char *path)
{
    return S_ISLNK(status_of(path).st_mode);
}

/* ---- links ---- */

START_TEST(links_are_followed_to_their_end)
{
    char absolute[700];
    ck_assert_int_eq(mkdir(in_folder("d"), 0700), 0);
    ck_assert_int_eq(symlink("second", in_folder("first")), 0);
    ck_assert_int_eq(symlink("d/third", in_folder("second")), 0);
    snprintf(absolute, sizeof absolute, "%s/./real", test_folder);
    ck_assert_int_eq(symlink(absolute, in_folder("d/third")), 0);
    for (int i = 0; i < 2; i++) { /* the file is not there yet, and then it is */
        ck_assert_int_eq(save_text(in_folder("first"), i ? "two" : "one"), CNN_OK);
        assert_text(in_folder("real"), i ? "two" : "one");
        ck_assert(is_link(in_folder("first")) && is_link(in_folder("second")) && is_link(in_folder("d/third")));
    }
    ck_assert_int_eq(symlink("../real", in_folder("d/up")), 0);
    ck_assert_int_eq(save_text(in_folder("d/up"), "three"), CNN_OK);
    assert_text(in_folder("real"), "three");
    ck_assert_int_eq(unlink(in_folder("d/up")), 0);
    ck_assert_int_eq(unlink(in_folder("d/third")), 0);
    ck_assert_int_eq(rmdir(in_folder("d")), 0);
    ck_assert_int_eq(folder_count(false), 3);
}
END_TEST

START_TEST(links_to_what_is_no_file_are_refused)
{
    int ends[2];
    char fd_link[64];
    ck_assert_int_eq(pipe(ends), 0);
    snprintf(fd_link, sizeof fd_link, "/proc/self/fd/%d", ends[1]);
    ck_assert_int_eq(symlink(fd_link, in_folder("pipe")), 0);
    ck_assert_int_eq(symlink("pipe", in_folder("to-pipe")), 0);
    ck_assert_int_eq(symlink("/dev/null", in_folder("device")), 0);
    ck_assert_int_eq(symlink(".", in_folder("folder")), 0);
    ck_assert_int_eq(symlink("b", in_folder("a")), 0);
    ck_assert_int_eq(symlink("a", in_folder("b")), 0);
    ck_assert_int_eq(symlink("none/file", in_folder("nowhere")), 0);
    if (access("/proc/self/fd", X_OK) == 0) {
        assert_error(save_text(in_folder("pipe"), "x"), CNN_ERROR_IO, "not a regular file");
        assert_error(save_text(in_folder("to-pipe"), "x"), CNN_ERROR_IO, "not a regular file");
    }
    assert_error(save_text(in_folder("device"), "x"), CNN_ERROR_IO, "not a regular file");
    assert_error(save_text(in_folder("folder"), "x"), CNN_ERROR_IO, "not a regular file");
    assert_error(save_text(in_folder("a"), "x"), CNN_ERROR_IO, strerror(ELOOP));
    assert_error(save_text(in_folder("nowhere"), "x"), CNN_ERROR_IO, "open its folder: No such file");
    static const char *const names[] = { "pipe", "to-pipe", "device", "folder", "a", "b", "nowhere" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert(is_link(in_folder(names[i])));
    }
    ck_assert_int_eq(folder_count(false), 7);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* A file that was deleted while it was open has no name to be replaced under, though /proc still leads to it. */
START_TEST(a_file_without_a_name_is_refused)
{
    char path[64];
    file_put(in_folder("f"), "old", 3);
    int fd = open(in_folder("f"), O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (access(path, F_OK) == 0) {
        ck_assert_int_eq(save_text(path, "new"), CNN_OK); /* it has its name still */
        assert_text(in_folder("f"), "new");
        ck_assert_int_eq(unlink(in_folder("f")), 0);
        assert_error(save_text(path, "x"), CNN_ERROR_IO, "stat: No such file");
        ck_assert_int_eq(folder_count(false), 0);
    }
    close(fd);
}
END_TEST

START_TEST(a_name_that_links_make_too_long_is_refused)
{
    char target[PATH_MAX];
    memset(target, 'x', sizeof target);
    for (size_t i = 0; i < sizeof target; i += 200) {
        target[i] = '/';
    }
    target[0] = 'x';
    target[PATH_MAX - 2] = '\0';
    if (symlink(target, in_folder("long")) == 0) {
        assert_error(save_text(in_folder("long"), "x"), CNN_ERROR_IO, "File name too long");
        ck_assert(is_link(in_folder("long")));
    }
}
END_TEST

/* ---- modes ---- */

static mode_t seen_mode; /* all rights that the temporary file had while it was written */
static long seen;

static ssize_t watching_write(int fd, const void *data, size_t size)
{
    struct stat info;
    ck_assert_int_eq(fstat(fd, &info), 0);
    seen_mode |= info.st_mode & 07777;
    seen++;
    return cnn__file_system.write(fd, data, size);
}

static int watching_open(const char *path, int flags, mode_t mode)
{
    int fd = cnn__file_system.open(path, flags, mode);
    struct stat info;
    if (fd >= 0 && flags & O_CREAT) {
        ck_assert_int_eq(flags & (O_EXCL | O_NOFOLLOW), O_EXCL | O_NOFOLLOW);
        ck_assert_int_eq(fstat(fd, &info), 0);
        seen_mode |= info.st_mode & 07777;
        seen++;
    }
    return fd;
}

START_TEST(a_mode_is_kept_and_never_exceeded)
{
    static const struct {
        mode_t before, after;
    } modes[] = { { 0600, 0600 }, { 0644, 0644 },   { 0640, 0640 },  { 0444, 0444 },  { 0400, 0400 }, { 0000, 0000 },
                  { 0066, 0066 }, { 01644, 01644 }, { 04755, 0755 }, { 02755, 0755 }, { 06600, 0600 } };
    cnn__file_calls calls = cnn__file_system;
    calls.write = watching_write;
    calls.open = watching_open;
    const char *path = in_folder("f");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        seen_mode = 0;
        seen = 0;
        file_put(path, "old", 3);
        ck_assert_int_eq(chmod(path, modes[i].before), 0);
        mode_t given = status_of(path).st_mode & 07777; /* the system may refuse bits of its own */
        mode_t umask_before = umask(0);
        cnn__file_inject(&calls);
        cnn_status status = save_text(path, "new");
        cnn__file_inject(NULL);
        umask(umask_before);
        ck_assert_msg(status == CNN_OK, "%s", cnn_last_error(ctx));
        ck_assert_int_eq((int)seen, 2);
        ck_assert_msg((seen_mode & ~(modes[i].after | 0600)) == 0, "%o while %o is written", seen_mode,
                      modes[i].before);
        ck_assert_uint_eq(status_of(path).st_mode & 07777, modes[i].after & (given | 0777));
        ck_assert_int_eq(chmod(path, 0600), 0);
        assert_text(path, "new");
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

START_TEST(a_new_file_follows_the_umask)
{
    static const mode_t masks[] = { 0, 022, 027, 077, 0777 };
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t before = umask(masks[i]);
        ck_assert_int_eq(save_text(in_folder("f"), "x"), CNN_OK);
        umask(before);
        ck_assert_uint_eq(status_of(in_folder("f")).st_mode & 07777, 0666 & ~masks[i]);
        ck_assert_int_eq(unlink(in_folder("f")), 0);
    }
}
END_TEST

/* ---- owner and group ---- */

/* What the system would say to a process that is not the owner: the target belongs to others, and chown answers so. */
static struct {
    uid_t owner;
    gid_t group;
    int both_error, group_error; /* the answers to giving both away, and to giving the group alone; 0: it works */
    int calls;
} stage;

static int staged_lstat(const char *path, struct stat *info)
{
    int result = cnn__file_system.lstat(path, info);
    info->st_uid = stage.owner;
    info->st_gid = stage.group;
    return result;
}

static int staged_chown(int fd, uid_t owner, gid_t group)
{
    struct stat info;
    ck_assert_int_eq(fstat(fd, &info), 0);
    ck_assert_msg((info.st_mode & 077) == 0, "rights before the owner is right");
    ck_assert(owner == stage.owner || owner == (uid_t)-1);
    ck_assert_uint_eq(group, stage.group);
    stage.calls++;
    errno = owner == (uid_t)-1 ? stage.group_error : stage.both_error;
    return errno ? -1 : 0;
}

START_TEST(owner_and_group_are_kept_or_rights_are_dropped)
{
    static const struct {
        int both, group;
        mode_t before, after;
        int calls;
    } cases[] = { { 0, 0, 0664, 0664, 1 },          { EPERM, 0, 0664, 0664, 2 },     { EPERM, EPERM, 0664, 0644, 2 },
                  { EPERM, EPERM, 0660, 0600, 2 },  { EPERM, EPERM, 0604, 0600, 2 }, { EINVAL, EPERM, 0640, 0600, 2 },
                  { EPERM, EINVAL, 0777, 0777, 2 }, { EPERM, EPERM, 0755, 0755, 2 }, { EPERM, EPERM, 0000, 0000, 2 } };
    cnn__file_calls calls = cnn__file_system;
    calls.lstat = staged_lstat;
    calls.chown = staged_chown;
    const char *path = in_folder("f");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file_put(path, "old", 3);
        ck_assert_int_eq(chmod(path, cases[i].before), 0);
        stage.owner = getuid() + 1;
        stage.group = status_of(path).st_gid + 1;
        stage.both_error = cases[i].both;
        stage.group_error = cases[i].group;
        stage.calls = 0;
        cnn__file_inject(&calls);
        ck_assert_int_eq(save_text(path, "new"), CNN_OK);
        cnn__file_inject(NULL);
        ck_assert_int_eq(stage.calls, cases[i].calls);
        ck_assert_uint_eq(status_of(path).st_mode & 07777, cases[i].after);
        ck_assert_int_eq(unlink(path), 0);
    }
    /* A failure of another kind is one of the save. */
    file_put(path, "old", 3);
    stage.both_error = EIO;
    cnn__file_inject(&calls);
    assert_error(save_text(path, "new"), CNN_ERROR_IO, "chown: Input/output error");
    stage.both_error = EPERM;
    stage.group_error = EIO;
    assert_error(save_text(path, "new"), CNN_ERROR_IO, "chown: Input/output error");
    cnn__file_inject(NULL);
    assert_text(path, "old");
    ck_assert_int_eq(folder_count(false), 1);
}
END_TEST

/* Where the group is the saver's own, only the owner is another one, and chown of the group is not asked for. */
START_TEST(the_savers_own_group_needs_no_chown)
{
    cnn__file_calls calls = cnn__file_system;
    calls.lstat = staged_lstat;
    calls.chown = staged_chown;
    const char *path = in_folder("f");
    file_put(path, "old", 3);
    ck_assert_int_eq(chmod(path, 0660), 0);
    stage.owner = getuid() + 1;
    stage.group = status_of(path).st_gid;
    stage.both_error = EPERM;
    stage.group_error = EIO;
    stage.calls = 0;
    cnn__file_inject(&calls);
    ck_assert_int_eq(save_text(path, "new"), CNN_OK);
    cnn__file_inject(NULL);
    ck_assert_int_eq(stage.calls, 1);
    ck_assert_uint_eq(status_of(path).st_mode & 07777, 0660);
}
END_TEST

START_TEST(root_keeps_the_owner)
{
    const char *path = in_folder("f");
    file_put(path, "old", 3);
    if (geteuid() != 0 || chown(path, 54321, 54322) != 0) {
        return;
    }
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(save_text(path, "new"), CNN_OK);
    struct stat info = status_of(path);
    ck_assert_uint_eq(info.st_uid, 54321);
    ck_assert_uint_eq(info.st_gid, 54322);
    ck_assert_uint_eq(info.st_mode & 07777, 0640);
}
END_TEST

START_TEST(another_hard_link_keeps_the_old_file)
{
    file_put(in_folder("f"), "old", 3);
    ck_assert_int_eq(link(in_folder("f"), in_folder("other")), 0);
    ck_assert_int_eq(save_text(in_folder("f"), "new"), CNN_OK);
    assert_text(in_folder("f"), "new");
    assert_text(in_folder("other"), "old");
}
END_TEST

/* ---- folders ---- */

static int unreadable_folder(const char *path, int flags, mode_t mode)
{
    if (flags & O_DIRECTORY) {
        errno = EACCES;
        return -1;
    }
    return cnn__file_system.open(path, flags, mode);
}

START_TEST(a_folder_that_cannot_be_listed_is_written_into)
{
    cnn__file_calls calls = cnn__file_system;
    calls.open = unreadable_folder;
    cnn__file_inject(&calls);
    ck_assert_int_eq(save_text(in_folder("f"), "one"), CNN_OK);
    ck_assert_int_eq(save_text(in_folder("f"), "two"), CNN_OK);
    cnn__file_inject(NULL);
    assert_text(in_folder("f"), "two");
    ck_assert_int_eq(folder_count(false), 1);
}
END_TEST

/* The same without injection, as a user to whom modes apply. */
START_TEST(a_folder_of_mode_0300_is_written_into)
{
    ck_assert_int_eq(mkdir(in_folder("d"), 0700), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(in_folder("d"), 54321, 54321), 0);
        ck_assert_int_eq(chmod(test_folder, 0755), 0);
    }
    ck_assert_int_eq(chmod(in_folder("d"), 0300), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(54321) != 0 || setuid(54321) != 0)) {
            _exit(0);
        }
        if (on_device()) { /* a queue stays with the process that opened it */
            ctx = metered_context(7);
        }
        bool saved = save_text(in_folder("d/f"), "one") == CNN_OK && save_text(in_folder("d/f"), "two") == CNN_OK;
        cnn_context_free(ctx); /* valgrind looks for leaks in the child as well */
        _exit(saved ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(chmod(in_folder("d"), 0700), 0);
    ck_assert(unlink(in_folder("d/f")) == 0 || geteuid() == 0);
    ck_assert_int_eq(rmdir(in_folder("d")), 0);
}
END_TEST

/* ---- what is no file is not even opened ---- */

static long opened;

static int counting_open(const char *path, int flags, mode_t mode)
{
    opened++;
    return cnn__file_system.open(path, flags, mode);
}

START_TEST(a_fifo_is_refused_unopened)
{
    cnn__file file;
    cnn_module *layer = cnn_linear_new(ctx, 2, 2);
    ck_assert_int_eq(mkfifo(in_folder("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("fifo", in_folder("link")), 0);
    cnn__file_calls calls = cnn__file_system;
    calls.open = counting_open;
    opened = 0;
    cnn__file_inject(&calls);
    static const char *const names[] = { "fifo", "link" };
    for (int i = 0; i < 2; i++) {
        assert_error(save_text(in_folder(names[i]), "x"), CNN_ERROR_IO, "not a regular file");
        assert_error(cnn__file_open(&file, ctx, "test", in_folder(names[i])), CNN_ERROR_IO, "not a regular file");
        assert_error(cnn_module_load(layer, in_folder(names[i])), CNN_ERROR_IO, "not a regular file");
    }
    assert_error(cnn_module_load(layer, "/dev/zero"), CNN_ERROR_IO, "not a regular file");
    cnn__file_inject(NULL);
    ck_assert_int_eq((int)opened, 0);
    ck_assert(S_ISFIFO(status_of(in_folder("fifo")).st_mode));
    cnn_module_free(layer);
}
END_TEST

/* One that takes a file's place after its kind was looked at is closed again without waiting for its other end. */
static int late_stat(const char *path, struct stat *info)
{
    int result = cnn__file_system.stat(path, info);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    return result;
}

START_TEST(a_fifo_that_comes_late_is_refused)
{
    cnn__file file;
    cnn__file_calls calls = cnn__file_system;
    calls.stat = late_stat;
    file_put(in_folder("f"), "abc", 3);
    cnn__file_inject(&calls);
    assert_error(cnn__file_open(&file, ctx, "test", in_folder("f")), CNN_ERROR_IO, "not a regular file");
    cnn__file_inject(NULL);
}
END_TEST

/* ---- names ---- */

static char made[3][64];
static int made_count;

static int naming_open(const char *path, int flags, mode_t mode)
{
    if (flags & O_CREAT && made_count < 3) {
        snprintf(made[made_count++], sizeof made[0], "%.60s", strrchr(path, '/') + 1);
        if (made_count == 1) { /* somebody has that name already: another one is tried */
            errno = EEXIST;
            return -1;
        }
    }
    return cnn__file_system.open(path, flags, mode);
}

START_TEST(temporary_names_do_not_follow_from_each_other)
{
    cnn__file_calls calls = cnn__file_system;
    calls.open = naming_open;
    made_count = 0;
    cnn__file_inject(&calls);
    ck_assert_int_eq(save_text(in_folder("f"), "one"), CNN_OK);
    ck_assert_int_eq(save_text(in_folder("f"), "two"), CNN_OK);
    cnn__file_inject(NULL);
    ck_assert_int_eq(made_count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq((int)strlen(made[i]), 25); /* ".cnn-", 64 bits, ".tmp" */
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(made[i], made[k]);
        }
    }
    ck_assert_int_eq(folder_count(false), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("save");
    TCase *tests = io_case(suite, "save");
    tcase_add_test(tests, links_are_followed_to_their_end);
    tcase_add_test(tests, links_to_what_is_no_file_are_refused);
    tcase_add_test(tests, a_file_without_a_name_is_refused);
    tcase_add_test(tests, a_name_that_links_make_too_long_is_refused);
    tcase_add_test(tests, a_mode_is_kept_and_never_exceeded);
    tcase_add_test(tests, a_new_file_follows_the_umask);
    tcase_add_test(tests, owner_and_group_are_kept_or_rights_are_dropped);
    tcase_add_test(tests, the_savers_own_group_needs_no_chown);
    tcase_add_test(tests, root_keeps_the_owner);
    tcase_add_test(tests, another_hard_link_keeps_the_old_file);
    tcase_add_test(tests, a_folder_that_cannot_be_listed_is_written_into);
    tcase_add_test(tests, a_folder_of_mode_0300_is_written_into);
    tcase_add_test(tests, a_fifo_is_refused_unopened);
    tcase_add_test(tests, a_fifo_that_comes_late_is_refused);
    tcase_add_test(tests, temporary_names_do_not_follow_from_each_other);
    return suite_run(suite);
}
