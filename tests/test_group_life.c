/* Signs of life: a process that is stopped or hangs is found within seconds, and one that only takes its time is not. */
#include "support/group_case.h"

#include "../mpi/internal.h"

#include <signal.h>

/* Seconds without a sign of life: more than a busy machine keeps a process that is well from running. */
enum { SILENCE = 2 };

/* Stops this process; another one lets it go on after some seconds. */
static void stop_for(unsigned seconds)
{
    pid_t own = getpid();
    if (fork() == 0) {
        sleep(seconds);
        kill(own, SIGCONT);
        _exit(0);
    }
    raise(SIGSTOP);
}

static void note(cnn_context *ctx, cnn_status status, double begun, outcome *out)
{
    out->status = status;
    out->loss = cnn__mpi_now() - begun;
    snprintf(out->error, sizeof out->error, "%s", status == CNN_OK ? "" : cnn_last_error(ctx));
}

typedef struct life_case {
    void (*rank_1)(cnn_context *ctx, cnn_group *group, outcome *out); /* what it does before it comes, or in its place */
    double silence;
    const char *expected[3]; /* what the barrier of each rank says; NULL: it passes */
} life_case;

static void meet(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    const life_case *c = with;
    cnn_group_set_silence(group, c->silence);
    if (cnn_group_barrier(group) != CNN_OK) {
        abort();
    }
    double begun = cnn__mpi_now();
    if (cnn_group_rank(group) == 1) {
        c->rank_1(ctx, group, out);
    } else {
        note(ctx, cnn_group_barrier(group), begun, out);
    }
}

static void stops(cnn_context *ctx, cnn_group *group, outcome *out)
{
    stop_for(3 * SILENCE);
    note(ctx, cnn_group_barrier(group), cnn__mpi_now(), out);
}

static void takes_its_time(cnn_context *ctx, cnn_group *group, outcome *out)
{
    sleep(2 * SILENCE);
    note(ctx, cnn_group_barrier(group), cnn__mpi_now(), out);
}

static void leaves(cnn_context *ctx, cnn_group *group, outcome *out)
{
    (void)ctx;
    (void)group;
    out->status = CNN_OK; /* run_process() frees the group */
}

static void hangs(cnn_context *ctx, cnn_group *group, outcome *out)
{
    socket_hangs = true;
    double begun = cnn__mpi_now();
    note(ctx, cnn_group_barrier(group), begun, out);
    if (cnn_group_barrier(group) != out->status) {
        out->status = CNN_OK;
    }
    sleep(2 * SILENCE);    /* until the others have missed the signs: what it closes, they would see first */
    cnn_group_free(group); /* which leaves what the thread that hangs may still use: nothing that a checker of memory should see */
    cnn_context_free(ctx);
    execl("/bin/true", "true", (char *)NULL);
    _exit(1);
}

static void expect(const life_case *c, double longest)
{
    run_all(3, 1, meet, c);
    for (int rank = 0; rank < 3; rank++) {
        const outcome *o = &outcomes[rank];
        const char *expected = c->expected[rank] ? c->expected[rank] : "";
        ck_assert_msg(o->status == (c->expected[rank] ? CNN_ERROR_IO : CNN_OK) && strcmp(o->error, expected) == 0 && o->loss < longest,
                      "rank %d: status %d, \"%s\" after %g s, expected \"%s\"", rank, o->status, o->error, o->loss, expected);
    }
}

START_TEST(a_stopped_process_is_found)
{
    static const char said[] = "group_allreduce: process 2 has given up: process 1 has given no sign of life for 2 seconds";
    expect(&(life_case){ .rank_1 = stops, .silence = SILENCE,
                         .expected = { said, said, "group_allreduce: process 1 has given no sign of life for 2 seconds" } }, 3 * SILENCE);
}
END_TEST

START_TEST(a_slow_process_is_waited_for)
{
    expect(&(life_case){ .rank_1 = takes_its_time, .silence = SILENCE }, 20);
}
END_TEST

START_TEST(a_stopped_process_is_waited_for_without_a_limit)
{
    expect(&(life_case){ .rank_1 = stops, .silence = 0 }, 20);
}
END_TEST

START_TEST(a_process_that_has_left_is_not_waited_for)
{
    static const char why[] = "process 1 has freed its group, and this one waits for it since 2 seconds";
    char heard[200], own[200];
    snprintf(own, sizeof own, "group_allreduce: %s", why);
    snprintf(heard, sizeof heard, "group_allreduce: process 2 has given up: %s", why);
    expect(&(life_case){ .rank_1 = leaves, .silence = SILENCE, .expected = { heard, NULL, own } }, 20);
}
END_TEST

/* The call that hangs has this process's own limit; the next process misses its signs. */
START_TEST(a_transport_that_hangs_is_given_up)
{
    expect(&(life_case){ .rank_1 = hangs, .silence = SILENCE,
                         .expected = { "group_allreduce: process 2 has given up: process 1 has given no sign of life for 2 seconds",
                                       "group_allreduce: a call of the transport has not returned for 2 seconds",
                                       "group_allreduce: process 1 has given no sign of life for 2 seconds" } }, 20);
}
END_TEST

static void stop_together(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    (void)with;
    cnn_group_set_silence(group, SILENCE);
    cnn_status status = cnn_group_barrier(group);
    stop_for(5);
    note(ctx, status == CNN_OK ? cnn_group_barrier(group) : status, cnn__mpi_now(), out);
}

START_TEST(processes_that_are_stopped_together_go_on)
{
    run_all(3, 1, stop_together, NULL);
    for (int rank = 0; rank < 3; rank++) {
        ck_assert_msg(outcomes[rank].status == CNN_OK, "rank %d: %s", rank, outcomes[rank].error);
    }
}
END_TEST

/* A group that some free long before the others do is not broken by that. */
static void free_late(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    (void)with;
    cnn_group_set_silence(group, SILENCE);
    out->status = cnn_group_barrier(group);
    if (cnn_group_rank(group) == 0) {
        sleep(2 * SILENCE);
        pthread_mutex_lock(&group->lock);
        out->status = group->broken;
        pthread_mutex_unlock(&group->lock);
        snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    }
}

START_TEST(a_group_may_be_freed_late)
{
    run_all(3, 1, free_late, NULL);
    ck_assert_msg(outcomes[0].status == CNN_OK, "%s", outcomes[0].error);
}
END_TEST

START_TEST(a_transport_has_all_signs_or_none)
{
    cnn_context *ctx = cnn_context_new(.seed = 1);
    const cnn_transport some = { .struct_size = sizeof some, .size = 2, .send = socket_send, .receive = socket_receive,
                                 .test = socket_test, .abort = socket_abort, .beat = socket_beat, .pulse = socket_pulse };
    ck_assert_ptr_null(cnn_group_create(ctx, &some));
    ck_assert_str_eq(cnn_last_error(ctx), "group: the transport has some of beat, pulse and part, expected all or none");
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group_life");
    TCase *life = suite_case(suite, "life", setup, teardown);
    tcase_add_test(life, a_stopped_process_is_found);
    tcase_add_test(life, a_slow_process_is_waited_for);
    tcase_add_test(life, a_stopped_process_is_waited_for_without_a_limit);
    tcase_add_test(life, a_process_that_has_left_is_not_waited_for);
    tcase_add_test(life, a_transport_that_hangs_is_given_up);
    tcase_add_test(life, processes_that_are_stopped_together_go_on);
    tcase_add_test(life, a_group_may_be_freed_late);
    tcase_add_test(life, a_transport_has_all_signs_or_none);
    return suite_run(suite);
}
