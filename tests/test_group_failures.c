/* What goes wrong within a step of several processes, and what comes after it. */
#include "support/group_case.h"

#include "../mpi/internal.h"

#include <math.h>

static cnn_status numbered(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    for (int i = 0; i < NET_SIDE * NET_SIDE; i++) {
        ((float *)image)[i] = (float)index / 83;
    }
    *(int64_t *)label = index;
    return CNN_OK;
}

/* The number of a sample is its label. */
static cnn_dataset *numbered_data(cnn_context *ctx, int samples)
{
    const int64_t shape[] = { 1, NET_SIDE, NET_SIDE };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = samples, .image_ndim = 3, .image_shape = shape,
                                              .image_dtype = CNN_F32, .label_dtype = CNN_I64, .get = numbered };
    return cnn_dataset_from_callbacks(ctx, &callbacks);
}

static cnn_module *small_net(cnn_context *ctx)
{
    return cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, NET_SIDE * NET_SIDE, NET_CLASSES));
}

/* One of this process's parts, its backward included; returns the number of its first sample. */
static int64_t numbered_part(cnn_data_parallel *p, cnn_tape *tape, cnn_module *module)
{
    cnn_batch batch;
    int64_t first = -1;
    if (cnn_data_parallel_next(p, &batch)) {
        int64_t labels[64];
        cnn_tensor_read(batch.labels, labels, (size_t)batch.size * sizeof *labels);
        first = labels[0];
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_data_parallel_backward(p, cnn_mean(cnn_square(cnn_forward(module, cnn_input(tape, batch.images))), CNN_ALL_DIMS, false));
    }
    return first;
}

/* Rank 0 leaves its second step in the middle; the epoch after it has all samples in their places. */
static void leave(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    enum { PART = 2, SHARDS = 8, STEPS = 5 };
    cnn_module *module = small_net(ctx);
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, numbered_data(ctx, STEPS * PART * SHARDS), .batch_size = PART * SHARDS,
                                                 .no_shuffle = true);
    cnn_tape *tape = cnn_tape_new(ctx);
    int rank = cnn_group_rank(group), first = (rank * SHARDS + cnn_group_size(group) - 1) / cnn_group_size(group);
    bool good = cnn_data_parallel_begin(p);
    (void)with;
    while (numbered_part(p, tape, module) >= 0) {
    }
    good = good && cnn_data_parallel_end(p, CNN_OK) == CNN_OK && cnn_data_parallel_begin(p);
    numbered_part(p, tape, module);
    cnn_status why = rank == 0 ? cnn_context_set_error(ctx, CNN_ERROR_CALLBACK, "enough") : CNN_OK;
    while (rank != 0 && numbered_part(p, tape, module) >= 0) {
    }
    good = good && cnn_data_parallel_end(p, why) == CNN_ERROR_CALLBACK;
    for (int epoch = 0; epoch < 2; epoch++) {
        for (int step = 0; step < STEPS; step++) {
            good = good && cnn_data_parallel_begin(p);
            int64_t part = step * SHARDS + first, found;
            for (; good && (found = numbered_part(p, tape, module)) >= 0; part++) {
                good = found == part * PART;
            }
            good = good && cnn_data_parallel_end(p, CNN_OK) == CNN_OK;
        }
        good = good && !cnn_data_parallel_begin(p);
    }
    out->status = good ? CNN_OK : CNN_ERROR_STATE;
    cnn_tape_free(tape);
    cnn_data_parallel_free(p);
    cnn_module_free(module);
}

START_TEST(a_step_that_is_left_ends_the_epoch)
{
    for (int size = 1; size <= 3; size++) {
        run_all(size, 1, leave, NULL);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_msg(outcomes[rank].status == CNN_OK, "rank %d of %d", rank, size);
        }
    }
}
END_TEST

/* A buffer of a mask, as attention has one, that no part moves. */
static void keep_mask(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    static const float mask[] = { 0, -INFINITY, INFINITY, 1e30f, 0.1f };
    float after[5] = { 0 };
    cnn_module *module = small_net(ctx);
    (void)with;
    cnn_module_add_buffer(module, "mask", cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(5), mask));
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, numbered_data(ctx, 32), .batch_size = 16);
    cnn_tape *tape = cnn_tape_new(ctx);
    while (out->status == CNN_OK && cnn_data_parallel_begin(p)) {
        while (numbered_part(p, tape, module) >= 0) {
        }
        out->status = cnn_data_parallel_end(p, CNN_OK);
    }
    cnn_tensor_read(cnn_module_find(module, "mask"), after, sizeof after);
    out->status = p && memcmp(after, mask, sizeof mask) == 0 ? out->status : CNN_ERROR_STATE;
    cnn_tape_free(tape);
    cnn_data_parallel_free(p);
    cnn_module_free(module);
}

START_TEST(infinite_buffers_stay_as_they_are)
{
    for (int size = 1; size <= 2; size++) {
        run_all(size, 1, keep_mask, NULL);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_msg(outcomes[rank].status == CNN_OK, "rank %d of %d", rank, size);
        }
    }
}
END_TEST

/* How rank 1 differs. */
typedef enum difference { SEED, FROZEN, NO_MODULE, NO_MODULE_TO_SHARE } difference;

static void differ(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    const difference how = *(const difference *)with;
    bool other = cnn_group_rank(group) == 1;
    cnn_module *module = small_net(ctx);
    cnn_group_set_timeout(group, 20);
    if (how == FROZEN) { /* the same number of elements on both */
        cnn_module_add_parameter(module, "a", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3)));
        cnn_module_add_parameter(module, "b", cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(3)));
        cnn_tensor_set_requires_grad(cnn_module_find(module, other ? "a" : "b"), false);
    }
    if (how >= NO_MODULE && other) {
        cnn_context_set_error(ctx, CNN_ERROR_NO_MEMORY, "no memory for the module");
    }
    if (how == NO_MODULE_TO_SHARE) {
        out->status = cnn_group_broadcast_module(group, other ? NULL : module);
    } else {
        cnn_data_parallel *p = cnn_data_parallel_new(group, how == NO_MODULE && other ? NULL : module, numbered_data(ctx, 32),
                                                     .batch_size = 16, .seed = how == SEED && other ? 7 : 8);
        out->status = p ? CNN_OK : cnn_context_status(ctx);
        cnn_data_parallel_free(p);
    }
    snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    cnn_module_free(module);
}

START_TEST(whatever_differs_is_told_to_all)
{
    static const struct {
        difference how;
        cnn_status status;
        const char *text;
    } all[] = { { SEED, CNN_ERROR_MISMATCH, "seed" },
                { FROZEN, CNN_ERROR_MISMATCH, "gradient" },
                { NO_MODULE, CNN_ERROR_INVALID_ARGUMENT, "module is NULL" },
                { NO_MODULE_TO_SHARE, CNN_ERROR_INVALID_ARGUMENT, "module is NULL" } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        run_all(3, 1, differ, &all[i].how);
        for (int rank = 0; rank < 3; rank++) {
            ck_assert_msg(outcomes[rank].status == all[i].status && strstr(outcomes[rank].error, all[i].text) &&
                              strncmp(outcomes[rank].error, "rank 1: ", 8) == 0,
                          "case %zu, rank %d: %d, %s", i, rank, outcomes[rank].status, outcomes[rank].error);
        }
    }
}
END_TEST

/* Rank 0 frees everything while its gradients are on their way to a process that does not read them. */
static void drop(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    cnn_module *module = cnn_sequential_new(ctx, cnn_flatten_new(ctx), cnn_linear_new(ctx, NET_SIDE * NET_SIDE, 40000));
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, numbered_data(ctx, 32), .batch_size = 2, .shards = 2, .bucket_bytes = 1000);
    cnn_tape *tape = cnn_tape_new(ctx);
    (void)with;
    out->status = p && cnn_data_parallel_begin(p) ? CNN_OK : CNN_ERROR_STATE;
    if (cnn_group_rank(group) == 0) {
        numbered_part(p, tape, module);
        double begun = cnn__mpi_now();
        cnn_data_parallel_free(p);
        out->loss = cnn__mpi_now() - begun;
        out->status = out->status == CNN_OK ? cnn_group_barrier(group) : CNN_ERROR_STATE;
        snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    } else {
        usleep(1500000);
        cnn_data_parallel_free(p);
    }
    cnn_tape_free(tape);
    cnn_module_free(module);
}

START_TEST(a_step_may_be_freed_while_it_sends)
{
    run_all(2, 1, drop, NULL);
    ck_assert_int_eq(outcomes[0].status, CNN_ERROR_IO);
    ck_assert_str_eq(outcomes[0].error, "group_allreduce: a step was freed before cnn_data_parallel_end()");
    ck_assert_double_lt(outcomes[0].loss, 1);
}
END_TEST

/* How rank 1 leaves the others waiting, while it stays alive for longer than they may take to learn it. */
typedef enum parting { FREED, FREED_ONE_THREAD, LATE, SYNC } parting;

enum { PATIENCE = 3 };

static cnn_status unreadable(int64_t index, void *image, void *label, void *user)
{
    return *(const bool *)user ? CNN_ERROR_FORMAT : numbered(index, image, label, NULL);
}

/* One part on each process, of which rank 1 cannot read its own; the others are within their forward. */
static cnn_status part_in_step(cnn_context *ctx, cnn_group *group)
{
    const int64_t shape[] = { 1, NET_SIDE, NET_SIDE };
    bool bad = cnn_group_rank(group) == 1;
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = 30, .image_ndim = 3, .image_shape = shape,
                                              .image_dtype = CNN_F32, .label_dtype = CNN_I64, .get = unreadable, .user = &bad };
    cnn_module *module = cnn_sequential_new(ctx, cnn_sync_batch_norm2d_create(group, 1, NULL), small_net(ctx));
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, cnn_dataset_from_callbacks(ctx, &callbacks), .batch_size = 6,
                                                 .shards = cnn_group_size(group), .drop_last = true);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_status status = cnn_data_parallel_begin(p) ? CNN_OK : CNN_ERROR_STATE;
    numbered_part(p, tape, module);
    status = status == CNN_OK ? cnn_data_parallel_end(p, CNN_OK) : status;
    cnn_tape_free(tape);
    cnn_data_parallel_free(p);
    cnn_module_free(module);
    return status;
}

static cnn_status free_in_step(cnn_context *ctx, cnn_group *group)
{
    cnn_module *module = small_net(ctx);
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, numbered_data(ctx, 32), .batch_size = 16);
    cnn_status status = cnn_data_parallel_begin(p) ? CNN_OK : CNN_ERROR_STATE;
    if (status == CNN_OK && cnn_group_rank(group) != 1) {
        cnn_tape *tape = cnn_tape_new(ctx);
        while (numbered_part(p, tape, module) >= 0) {
        }
        status = cnn_data_parallel_end(p, CNN_OK);
        cnn_tape_free(tape);
    }
    cnn_data_parallel_free(p);
    cnn_module_free(module);
    return status;
}

/* Rank 2 is patient for a moment only. */
static cnn_status wait_for_the_late(cnn_group *group)
{
    int rank = cnn_group_rank(group);
    if (rank == 2) {
        cnn_group_set_timeout(group, 0.5);
    }
    return rank == 1 ? CNN_OK : cnn_group_barrier(group);
}

static void part(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    const parting how = *(const parting *)with;
    double begun = cnn__mpi_now();
    out->status = how == SYNC ? part_in_step(ctx, group) : how == LATE ? wait_for_the_late(group) : free_in_step(ctx, group);
    out->loss = cnn__mpi_now() - begun;
    snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    if (cnn_group_rank(group) == 1) {
        sleep(PATIENCE);
        begun = cnn__mpi_now();
        out->status = cnn_group_barrier(group);
        out->loss = cnn__mpi_now() - begun;
        snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    }
}

START_TEST(the_others_learn_that_a_group_is_broken)
{
    static const struct {
        parting how;
        const char *own, *others; /* what rank 1 says, and rank 0; the one that is not patient says `own`, too */
    } all[] = {
        { FREED, "group_allreduce: a step was freed before cnn_data_parallel_end()",
          "process 1 has given up: a step was freed before cnn_data_parallel_end()" },
        { FREED_ONE_THREAD, "group_allreduce: a step was freed before cnn_data_parallel_end()",
          "process 1 has given up: a step was freed before cnn_data_parallel_end()" },
        { LATE, "group_allreduce: process 2 has given up: no process of the group has answered for 0.5 seconds",
          "group_allreduce: process 2 has given up: no process of the group has answered for 0.5 seconds" },
        { SYNC, "group_allreduce: loader_next: ", "process 1 has given up: loader_next: " },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        socket_one_thread = all[i].how == FREED_ONE_THREAD;
        run_all(3, 1, part, &all[i].how);
        for (int rank = 0; rank < 3; rank++) {
            bool late = all[i].how == LATE && rank == 2;
            const char *expected = late ? "group_allreduce: no process of the group" : rank == 1 ? all[i].own : all[i].others;
            const outcome *o = &outcomes[rank];
            ck_assert_msg(o->status == (rank == 1 && all[i].how == SYNC ? CNN_ERROR_CALLBACK : CNN_ERROR_IO) &&
                              strstr(o->error, expected) && o->loss < PATIENCE - 1,
                          "case %zu, rank %d: %d, \"%s\" after %g s", i, rank, o->status, o->error, o->loss);
        }
    }
    socket_one_thread = false;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group_failures");
    TCase *within = suite_case(suite, "failures", setup, teardown);
    tcase_add_test(within, a_step_that_is_left_ends_the_epoch);
    tcase_add_test(within, infinite_buffers_stay_as_they_are);
    tcase_add_test(within, whatever_differs_is_told_to_all);
    tcase_add_test(within, a_step_may_be_freed_while_it_sends);
    tcase_add_test(within, the_others_learn_that_a_group_is_broken);
    return suite_run(suite);
}
