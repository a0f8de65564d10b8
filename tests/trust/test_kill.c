/* Saving survives a kill at any moment: a child that saves is stopped by ptrace at each of its system calls and
 * killed there, once before and once after the call. Afterwards the old file or the new one is there as a whole, and
 * a temporary file that is left behind never prevents the next save. */
#include "trust/trust.h"
#include "trust/world.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static long saves, kills, old_found, new_found, leftovers;

typedef struct file_bytes {
    unsigned char *data;
    size_t size;
} file_bytes;

static bool is_there(const char *name)
{
    return access(in_folder(name), F_OK) == 0;
}

static bool holds(const char *name, const file_bytes *expected)
{
    size_t size;
    unsigned char *data = file_get(in_folder(name), &size);
    bool same = size == expected->size && memcmp(data, expected->data, size) == 0;
    free(data);
    return same;
}

static cnn_status save_module(world *w)
{
    return cnn_module_save(w->model, in_folder("target"));
}

static cnn_status save_checkpoint(world *w)
{
    const cnn_checkpoint c = { .struct_size = sizeof c, .module = w->model, .optimizer = w->adam, .epoch = 7 };
    return cnn_checkpoint_save(&c, in_folder("target"));
}

/* The child: from the first stop on, every system call is the save's. */
static void save_traced(world *w, cnn_status (*save)(world *w))
{
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(3);
    }
    raise(SIGSTOP);
    cnn_status status = save(w);
    _exit(status == CNN_OK ? 0 : 1);
}

/* Lets the child pass `stops` stops (each call has two, before and after it), then kills it. Returns false when the child
 * ended before. */
static bool kill_at(world *w, cnn_status (*save)(world *w), long stops)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        save_traced(w, save);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSTOPPED(status), "ptrace is not allowed here");
    ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(intptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)), 0);
    for (long n = 0; n <= stops; n++) {
        ck_assert_int_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) {
            ck_assert_int_eq(WEXITSTATUS(status), 0);
            return false;
        }
        ck_assert(WIFSTOPPED(status));
    }
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return true;
}

/* Old or new, whole. Then another save succeeds, and a temporary file of the killed one is all that may be there besides. */
static void check_after(world *w, cnn_status (*save)(world *w), const file_bytes *old, const file_bytes *new)
{
    bool there = is_there("target");
    if (there && holds("target", new)) {
        new_found++;
    } else {
        ck_assert_msg(old ? there && holds("target", old) : !there, "the target is neither the old file nor the new one");
        old_found++;
    }
    int rest = folder_count(false) - there;
    ck_assert_int_le(rest, 1);
    leftovers += rest;
    ck_assert_msg(save(w) == CNN_OK, "%s", cnn_last_error(NULL));
    ck_assert(holds("target", new));
    ck_assert_int_eq(folder_count(false), 1 + rest);
}

static void kill_everywhere(cnn_status (*save)(world *w), bool over_existing)
{
    world w;
    file_bytes old = { (unsigned char *)"the old file", 12 }, new;
    world_make(&w, 4);
    ck_assert_int_eq(save(&w), CNN_OK);
    new.data = file_get(in_folder("target"), &new.size);
    long found_old = old_found, found_new = new_found, left = leftovers, stops = 0;
    for (;; stops++) {
        folder_count(true);
        if (over_existing) {
            file_put(in_folder("target"), old.data, old.size);
        }
        if (!kill_at(&w, save, stops)) {
            break;
        }
        kills++;
        check_after(&w, save, over_existing ? &old : NULL, &new);
    }
    ck_assert_int_gt(stops, 20); /* at least lstat, open, open, write, write, fsync, close, rename, fsync, close, twice */
    ck_assert(old_found > found_old && new_found > found_new && leftovers > left);
    saves++;
    free(new.data);
    world_free(&w);
}

START_TEST(module_save_survives_a_kill)
{
    kill_everywhere(save_module, _i);
}
END_TEST

START_TEST(checkpoint_save_survives_a_kill)
{
    kill_everywhere(save_checkpoint, _i);
}
END_TEST

int main(void)
{
    trust_begin("kill");
    TCase *tests = trust_case("kill", 600);
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_loop_test(tests, module_save_survives_a_kill, 0, 2);
    tcase_add_loop_test(tests, checkpoint_save_survives_a_kill, 0, 2);
    int failed = trust_run();
    return trust_end(failed, "kill: %ld saves killed at %ld points, %ld times the old file found, %ld times the new one; "
                             "%ld temporary files left behind", saves, kills, old_found, new_found, leftovers);
}
