/* Groups of processes that reach each other by sockets: collective calls, the tree over parts, and training whose bits do
 * not depend on how many processes there are. tests/mpi has the same over MPI. */
#include "support/group_case.h"

#include "../mpi/internal.h"

#include <math.h>

typedef struct job {
    const char *name;
    int samples, threads, shards, epochs, batch, bad; /* bad: the rank whose data fail */
    bool fast, sync;
    int64_t bucket_bytes;
} job;

/* ---- collective calls ---- */

static void collect(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    int rank = cnn_group_rank(group), size = cnn_group_size(group);
    int64_t whole[3] = { rank, 1, INT64_C(1) << 40 };
    double numbers[2] = { 1.0 / (rank + 1), rank };
    char text[40] = "";
    (void)with;
    bool ok = cnn_group_allreduce(group, whole, 3, CNN_I64) == CNN_OK && whole[0] == size * (size - 1) / 2 && whole[1] == size &&
              whole[2] == (int64_t)size << 40;
    ok = ok && cnn_group_allreduce(group, numbers, 2, CNN_F64) == CNN_OK && numbers[1] == size * (size - 1) / 2;
    memcpy(&out->digest, numbers, sizeof out->digest);
    for (int root = 0; root < size; root++) {
        snprintf(text, sizeof text, "from %d", rank);
        ok = ok && cnn_group_broadcast(group, text, sizeof text, root) == CNN_OK && atoi(text + 5) == root;
    }
    ok = ok && cnn_group_barrier(group) == CNN_OK && cnn_group_agree(group, CNN_OK) == CNN_OK;
    if (rank >= size / 2) { /* the first of those that fail speaks */
        char message[40];
        snprintf(message, sizeof message, "no %d", rank);
        cnn_context_set_error(ctx, CNN_ERROR_FORMAT, message);
    }
    ok = ok && cnn_group_agree(group, rank >= size / 2 ? CNN_ERROR_FORMAT : CNN_OK) == CNN_ERROR_FORMAT;
    snprintf(text, sizeof text, "rank %d: no %d", size / 2, size / 2);
    ok = ok && strcmp(cnn_last_error(ctx), text) == 0;
    ok = ok && cnn_group_allreduce(group, numbers, 1, CNN_I32) == CNN_ERROR_DTYPE;
    ok = ok && cnn_group_broadcast(group, text, 1, size) == CNN_ERROR_INVALID_ARGUMENT;
    out->status = ok ? CNN_OK : CNN_ERROR_STATE;
}

START_TEST(collective_calls)
{
    for (int size = 1; size <= SOCKET_MOST; size++) {
        run_all(size, 1, collect, NULL);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_msg(outcomes[rank].status == CNN_OK, "rank %d of %d", rank, size);
            ck_assert_uint_eq(outcomes[rank].digest, outcomes[0].digest);
        }
    }
}
END_TEST

/* Counts of metrics over each process's samples, summed, are those over all samples. */
static void count_classes(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    enum { CLASSES = 3, ALL = 24 };
    float scores[ALL][CLASSES];
    int64_t labels[ALL], own[CLASSES * CLASSES + 1] = { 0 }, all[CLASSES * CLASSES + 1] = { 0 };
    int rank = cnn_group_rank(group), size = cnn_group_size(group), first = rank * ALL / size, end = (rank + 1) * ALL / size;
    (void)with;
    for (int i = 0; i < ALL; i++) {
        labels[i] = i * 5 % CLASSES;
        for (int c = 0; c < CLASSES; c++) {
            scores[i][c] = sinf((float)(7 * i + 3 * c));
        }
    }
    const struct { int first, count; int64_t *counts; } runs[] = { { first, end - first, own }, { 0, ALL, all } };
    for (int i = 0; i < 2 && out->status == CNN_OK; i++) {
        cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(runs[i].count, CLASSES), scores[runs[i].first]);
        cnn_tensor *y = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(runs[i].count), labels + runs[i].first);
        out->status = cnn_confusion_matrix(x, y, CLASSES, runs[i].counts);
        out->status = out->status == CNN_OK ? cnn_top_k_correct(x, y, 2, &runs[i].counts[CLASSES * CLASSES]) : out->status;
        cnn_tensor_free(x);
        cnn_tensor_free(y);
    }
    out->status = out->status == CNN_OK ? cnn_group_allreduce(group, own, CLASSES * CLASSES + 1, CNN_I64) : out->status;
    out->status = out->status == CNN_OK && memcmp(own, all, sizeof own) != 0 ? CNN_ERROR_MISMATCH : out->status;
    out->loss = (double)all[CLASSES * CLASSES];
}

START_TEST(counts_of_metrics_add_up)
{
    for (int size = 1; size <= 5; size++) {
        run_all(size, 1, count_classes, NULL);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_int_eq(outcomes[rank].status, CNN_OK);
            ck_assert(outcomes[rank].loss > 0 && outcomes[rank].loss < 24);
        }
    }
}
END_TEST

static void vanish(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    int64_t one = 1;
    (void)with;
    if (cnn_group_rank(group) == 1) {
        execl("/bin/true", "true", (char *)NULL); /* without a word, and with nothing that a checker of memory could ask for */
        _exit(1);
    }
    out->status = cnn_group_allreduce(group, &one, 1, CNN_I64);
    snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    if (cnn_group_barrier(group) != out->status) {
        out->status = CNN_OK;
    }
}

static void stall(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    int64_t one = 1;
    (void)with;
    if (cnn_group_rank(group) == 1) {
        usleep(600000);
        return;
    }
    cnn_group_set_timeout(group, 0.1);
    out->status = cnn_group_allreduce(group, &one, 1, CNN_I64);
    snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
}

START_TEST(a_process_that_is_gone_breaks_the_group)
{
    run_all(2, 1, vanish, NULL);
    ck_assert_int_eq(outcomes[0].status, CNN_ERROR_IO);
    ck_assert_str_eq(outcomes[0].error, "group_allreduce: a process of the group is gone");
    run_all(2, 1, stall, NULL);
    ck_assert_int_eq(outcomes[0].status, CNN_ERROR_IO);
    ck_assert_str_eq(outcomes[0].error, "group_allreduce: no process of the group has answered for 0.1 seconds");
}
END_TEST

/* ---- the tree ---- */

/* The sum of parts [low, high) as a text, which says its order. */
static void expected_tree(int low, int high, int filled, char *text)
{
    if (high - low == 1) {
        sprintf(text + strlen(text), "%d", low);
        return;
    }
    int middle = low + (high - low) / 2;
    bool both = middle < filled;
    strcat(text, both ? "(" : "");
    expected_tree(low, middle, filled, text);
    if (both) {
        strcat(text, "+");
        expected_tree(middle, high, filled, text);
        strcat(text, ")");
    }
}

/* What the ranks' stacks hold in the end, one after the other; the tree must have them as its parts, in order. */
static void check_tree(const cnn__parts *parts)
{
    char whole[4096] = "";
    const char *at = whole;
    expected_tree(0, parts->shards, parts->filled, whole);
    for (int rank = 0; rank < parts->ranks; rank++) {
        char stack[16][1024];
        int joins[64], top = 0, most = 0, first = cnn__parts_first(parts, rank), end = cnn__parts_first(parts, rank + 1);
        end = end < parts->filled ? end : parts->filled;
        cnn__parts_joins(parts, rank, joins);
        for (int part = first; part < end; part++) {
            sprintf(stack[top++], "%d", part);
            most = top > most ? top : most;
            for (int i = 0; i < joins[part - first]; i++, top--) {
                char joined[1024];
                ck_assert_int_ge(top, 2);
                snprintf(joined, sizeof joined, "(%.480s+%.480s)", stack[top - 2], stack[top - 1]);
                strcpy(stack[top - 2], joined);
            }
        }
        ck_assert_int_eq(top, first < end ? cnn__parts_nodes(parts, rank) : 0);
        ck_assert_int_le(most, cnn__parts_depth(parts, rank));
        for (int i = 0; i < top; i++) {
            at = strstr(at, stack[i]);
            ck_assert_msg(at, "%d parts, %d filled, rank %d of %d: %s is not in %s", parts->shards, parts->filled, rank, parts->ranks,
                          stack[i], whole);
            at += strlen(stack[i]);
        }
    }
}

START_TEST(the_tree_is_the_same_for_any_number_of_ranks)
{
    for (int shards = 1; shards <= 13; shards++) {
        for (int filled = 1; filled <= shards; filled++) {
            for (int ranks = 1; ranks <= 9; ranks++) {
                check_tree(&(cnn__parts){ .shards = shards, .ranks = ranks, .filled = filled });
            }
        }
    }
}
END_TEST

/* ---- training ---- */

static cnn_status bad_sample(int64_t index, void *image, void *label, void *user)
{
    (void)user;
    memset(image, 0, NET_SIDE * NET_SIDE * sizeof(float));
    *(int64_t *)label = index % NET_CLASSES;
    return index == 41 ? CNN_ERROR_FORMAT : CNN_OK;
}

static cnn_dataset *data_of(cnn_context *ctx, const job *j, int rank)
{
    const int64_t shape[] = { 1, NET_SIDE, NET_SIDE };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = j->samples, .image_ndim = 3, .image_shape = shape,
                                              .image_dtype = CNN_F32, .label_dtype = CNN_I64, .get = bad_sample };
    (void)rank;
    return j->bad ? cnn_dataset_from_callbacks(ctx, &callbacks) : net_data(ctx, j->samples);
}

static void train(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    const job *j = with;
    cnn_module *norm = j->sync ? cnn_sync_batch_norm2d_create(group, 4, NULL) : NULL;
    cnn_module *module = net_new(ctx, norm); /* each rank has a seed of its own: rank 0's values count */
    cnn_optimizer *optimizer = cnn_adam_new(module, .lr = 0.01);
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, data_of(ctx, j, cnn_group_rank(group)), .batch_size = j->batch,
                                                 .shards = j->shards, .fast = j->fast, .bucket_bytes = j->bucket_bytes, .drop_last = j->sync);
    cnn_data_parallel_times times = { .struct_size = sizeof times };
    out->status = p && optimizer ? CNN_OK : cnn_context_status(ctx);
    socket_largest = 0;
    for (int epoch = 0; epoch < j->epochs && out->status == CNN_OK; epoch++) {
        out->status = net_epoch(group, p, module, optimizer, &out->loss);
    }
    snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    out->digest = net_digest(module);
    out->largest = socket_largest;
    out->sent = p && cnn_data_parallel_take_times(p, &times) == CNN_OK ? times.bytes_sent : -1;
    cnn_data_parallel_free(p);
    cnn_optimizer_free(optimizer);
    cnn_module_free(module);
}

static uint64_t digest_on(int size, int threads, const job *j)
{
    run_all(size, threads, train, j);
    for (int rank = 0; rank < size; rank++) {
        ck_assert_msg(outcomes[rank].status == CNN_OK, "rank %d of %d: %s", rank, size, outcomes[rank].error);
        ck_assert_uint_eq(outcomes[rank].digest, outcomes[0].digest);
        ck_assert(outcomes[rank].loss == outcomes[0].loss && isfinite(outcomes[0].loss));
    }
    return outcomes[0].digest;
}

START_TEST(any_number_of_processes_gives_the_same_bits)
{
    /* 83 = 5 · 16 + 3: the last batch fills one part and half of another. */
    const job jobs[] = { { .samples = 83, .shards = 8, .batch = 16, .epochs = 2, .bucket_bytes = 600 },
                         { .samples = 83, .shards = 6, .batch = 18, .epochs = 1 } };
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        uint64_t one = digest_on(1, 1, &jobs[i]);
        double loss = outcomes[0].loss;
        static const struct { int size, threads; } others[] = { { 1, 3 }, { 2, 1 }, { 3, 2 }, { 4, 1 }, { 5, 1 }, { 8, 1 } };
        for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
            ck_assert_msg(digest_on(others[k].size, others[k].threads, &jobs[i]) == one, "%d processes, %d shards", others[k].size,
                          jobs[i].shards);
            ck_assert(fabs(outcomes[0].loss - loss) < 1e-12);
        }
    }
}
END_TEST

/* A parameter is larger than some of these buckets, and is then summed in pieces: the bits stay, and no message is larger
 * than a bucket. 400 bytes end within a parameter, 4 are one element. */
START_TEST(pieces_of_parameters_give_the_same_bits)
{
    static const int64_t bytes[] = { 0, 4, 400, 1280, 1284 };
    for (int size = 1; size <= 4; size++) {
        uint64_t digest = 0;
        for (int i = 0; i < 5; i++) {
            const job j = { .samples = 83, .shards = 8, .batch = 16, .epochs = 1, .bucket_bytes = bytes[i] };
            uint64_t found = digest_on(size, 1, &j);
            for (int rank = 0; rank < size; rank++) {
                ck_assert_msg((size > 1) == (outcomes[rank].sent > 0), "%lld bytes are sent", (long long)outcomes[rank].sent);
                ck_assert_msg(size == 1 || bytes[i] == 0 || outcomes[rank].largest <= (size_t)(bytes[i] > 16 ? bytes[i] : 16),
                              "a message of %zu bytes, buckets of %lld", outcomes[rank].largest, (long long)bytes[i]);
            }
            ck_assert_uint_eq(found, i ? digest : found);
            digest = found;
        }
    }
}
END_TEST

START_TEST(another_number_of_parts_is_another_sum)
{
    const job eight = { .samples = 83, .shards = 8, .batch = 16, .epochs = 1 }, four = { .samples = 83, .shards = 4, .batch = 16, .epochs = 1 };
    ck_assert_uint_ne(digest_on(1, 1, &eight), digest_on(1, 1, &four));
}
END_TEST

/* One part on one process is what a program without a group computes. */
START_TEST(one_part_is_a_plain_loop)
{
    const job j = { .samples = 83, .shards = 1, .batch = 16, .epochs = 2 };
    uint64_t grouped = digest_on(1, 2, &j);
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = 2);
    cnn_module *module = net_new(ctx, NULL);
    cnn_optimizer *optimizer = cnn_adam_new(module, .lr = 0.01);
    cnn_loader *loader = cnn_loader_new(net_data(ctx, j.samples), j.batch, .shuffle = true);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_batch batch;
    for (int epoch = 0; epoch < j.epochs; epoch++) {
        while (cnn_loader_next(loader, &batch)) {
            cnn_tape_begin(tape, CNN_TRAIN);
            cnn_optimizer_zero_grad(optimizer);
            cnn_backward(cnn_cross_entropy(cnn_forward(module, cnn_input(tape, batch.images)), batch.labels));
            ck_assert_int_eq(cnn_optimizer_step(optimizer), CNN_OK);
        }
    }
    ck_assert_uint_eq(net_digest(module), grouped);
    cnn_tape_free(tape);
    cnn_loader_free(loader);
    cnn_optimizer_free(optimizer);
    cnn_module_free(module);
    cnn_context_free(ctx);
}
END_TEST

/* Without an allreduce of the transport's, a fast sum is that of one part per process. The normalisation over all processes is another
 * one than that of each process (test_group_norm has its values). */
START_TEST(fast_sums_and_a_normalisation_over_all_processes)
{
    for (int size = 1; size <= 4; size++) {
        const job fast = { .samples = 83, .batch = 12, .epochs = 1, .fast = true };
        const job parts = { .samples = 83, .batch = 12, .epochs = 1, .shards = size };
        const job sync = { .samples = 84, .batch = 12, .epochs = 1, .fast = true, .sync = true };
        const job sync_parts = { .samples = 84, .batch = 12, .epochs = 1, .shards = size, .sync = true };
        const job local = { .samples = 84, .batch = 12, .epochs = 1, .shards = size };
        ck_assert_uint_eq(digest_on(size, 1, &fast), digest_on(size, 1, &parts));
        uint64_t synchronised = digest_on(size, 1, &sync);
        ck_assert_uint_eq(digest_on(size, 1, &sync_parts), synchronised);
        ck_assert_uint_ne(digest_on(size, 1, &local), synchronised);
    }
}
END_TEST

/* ---- what is hidden ---- */

static cnn_status infer_same(const cnn_tensor *const *inputs, int count, cnn_dtype *dtype, int *ndim, int64_t *shape, void *user)
{
    (void)count, (void)user;
    *dtype = cnn_tensor_dtype(inputs[0]);
    *ndim = cnn_tensor_ndim(inputs[0]);
    memcpy(shape, cnn_tensor_shape(inputs[0]), (size_t)*ndim * sizeof *shape);
    return CNN_OK;
}

static cnn_status copy_elements(const cnn_tensor *from, cnn_tensor *to)
{
    float elements[64];
    size_t bytes = (size_t)cnn_tensor_numel(from) * sizeof *elements;
    cnn_status status = bytes <= sizeof elements ? cnn_tensor_read(from, elements, bytes) : CNN_ERROR_SHAPE;
    return status == CNN_OK ? cnn_tensor_write(to, elements, bytes) : status;
}

static cnn_status forward_same(const cnn_tensor *const *inputs, int count, cnn_tensor *output, void *user)
{
    (void)count, (void)user;
    return copy_elements(inputs[0], output);
}

static cnn_status backward_slowly(const cnn_tensor *const *inputs, int count, const cnn_tensor *output, const cnn_tensor *grad_output,
                                  cnn_tensor *const *grad_inputs, void *user)
{
    (void)inputs, (void)count, (void)output, (void)user;
    usleep(250000);
    return grad_inputs[0] ? copy_elements(grad_output, grad_inputs[0]) : CNN_OK;
}

enum { DELAY_MS = 30 };

/* Two layers, each a bucket of one message in each of two rounds, and a backward of 250 ms between them, or before both. */
static void time_step(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    static const cnn_custom_op slow = { .struct_size = sizeof slow, .name = "slow", .infer = infer_same, .forward = forward_same,
                                        .backward = backward_slowly };
    const bool between = *(const bool *)with;
    cnn_module *module = cnn_sequential_new(ctx, cnn_linear_new(ctx, NET_SIDE * NET_SIDE, 1), cnn_linear_new(ctx, 1, 65));
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, net_data(ctx, 4), .batch_size = 4, .shards = 2, .bucket_bytes = 520);
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_data_parallel_times times = { .struct_size = sizeof times };
    cnn_batch batch;
    socket_delay = DELAY_MS * 1e-3;
    out->status = cnn_data_parallel_begin(p) && cnn_data_parallel_next(p, &batch) ? CNN_OK : CNN_ERROR_STATE;
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *x = cnn_reshape(cnn_input(tape, batch.images), CNN_SHAPE(batch.size, NET_SIDE * NET_SIDE));
    cnn_tensor *y = cnn_forward(cnn_module_child(module, 0, NULL), x);
    y = cnn_forward(cnn_module_child(module, 1, NULL), between ? cnn_custom(&slow, &y, 1, NULL) : y);
    cnn_tensor *loss = cnn_mean(cnn_square(y), CNN_ALL_DIMS, false);
    cnn_data_parallel_backward(p, between ? loss : cnn_custom(&slow, &loss, 1, NULL));
    cnn_status ended = cnn_data_parallel_end(p, CNN_OK);
    socket_delay = 0;
    out->status = out->status == CNN_OK ? ended : out->status;
    snprintf(out->error, sizeof out->error, "%s", cnn_last_error(ctx));
    bool told = cnn_data_parallel_take_times(p, &times) == CNN_OK && times.steps == 1;
    out->sent = times.bytes_sent;
    out->communication = times.communication;
    out->waiting = times.waiting;
    out->loss = times.seconds;
    told = told && cnn_data_parallel_take_times(p, &times) == CNN_OK && times.steps == 0 && times.communication == 0;
    out->status = told ? out->status : CNN_ERROR_STATE;
    cnn_tape_free(tape);
    cnn_data_parallel_free(p);
    cnn_module_free(module);
}

/* What the last layer's bucket takes is hidden behind the backward after it; that of the first layer never is. */
START_TEST(times_say_what_is_hidden)
{
    const double round = 2 * DELAY_MS * 1e-3; /* there and back */
    for (int between = 0; between < 2; between++) {
        const bool with = between;
        run_all(2, 1, time_step, &with);
        for (int rank = 0; rank < 2; rank++) {
            const outcome *o = &outcomes[rank];
            ck_assert_msg(o->status == CNN_OK, "%s", o->error);
            ck_assert_int_eq(o->sent, 4 * (2 * 65 + NET_SIDE * NET_SIDE + 1)); /* twice the half of all gradients */
            ck_assert_msg(o->communication >= 2 * round && o->communication < o->loss, "%g s of %g", o->communication, o->loss);
            ck_assert_msg(o->waiting >= round - 0.005, "waited for %g s", o->waiting);
            double hidden = 1 - o->waiting / o->communication;
            ck_assert_msg(between ? hidden > 0.25 && hidden < 0.75 : hidden < 0.2, "%g of %g s are hidden", hidden, o->communication);
        }
    }
}
END_TEST

START_TEST(bad_data_of_one_process_end_all)
{
    const job j = { .samples = 83, .shards = 8, .batch = 16, .epochs = 1, .bad = 1 };
    for (int size = 1; size <= 4; size++) {
        run_all(size, 1, train, &j);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_int_eq(outcomes[rank].status, CNN_ERROR_CALLBACK);
            ck_assert_str_eq(outcomes[rank].error, outcomes[0].error);
            ck_assert_ptr_nonnull(strstr(outcomes[rank].error, "sample 41"));
        }
    }
}
END_TEST

START_TEST(processes_that_differ_are_told)
{
    const job j = { .samples = 83, .shards = 3, .batch = 16, .epochs = 1 };
    run_all(2, 1, train, &j);
    ck_assert_int_eq(outcomes[1].status, CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_str_eq(outcomes[1].error, "rank 0: data_parallel: batch_size is 16, expected a multiple of the 3 shards");
}
END_TEST

/* Gradients of the synchronised normalisation are those of the plain one over the whole batch. */
static void sync_gradient(cnn_context *ctx, cnn_group *group, const void *with, outcome *out)
{
    int rank = cnn_group_rank(group), size = cnn_group_size(group);
    enum { PER = 2, C = 3, PLANE = 4 };
    double values[SOCKET_MOST * PER * C * PLANE], factors[SOCKET_MOST * PER * C * PLANE], own[PER * C * PLANE], all[SOCKET_MOST * PER * C * PLANE];
    (void)with;
    for (int i = 0; i < size * PER * C * PLANE; i++) {
        values[i] = sin(3 * i) + i % 5;
        factors[i] = cos(7 * i);
    }
    cnn_module *sync = cnn_sync_batch_norm2d_create(group, C, CNN_OPTIONS(cnn_batch_norm_options, .dtype = CNN_F64));
    cnn_module *plain = cnn_batch_norm2d_new(ctx, C, .dtype = CNN_F64);
    cnn_tape *tape = cnn_tape_new(ctx);
    const struct { cnn_module *module; double *gradient; int first, samples; } runs[] = { { sync, own, rank * PER, PER }, { plain, all, 0, size * PER } };
    for (int i = 0; i < 2; i++) {
        int64_t count = (int64_t)runs[i].samples * C * PLANE;
        cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(runs[i].samples, C, 2, 2), values + runs[i].first * C * PLANE);
        cnn_tensor *f = cnn_tensor_from_data(ctx, CNN_F64, CNN_SHAPE(runs[i].samples, C, 2, 2), factors + runs[i].first * C * PLANE);
        cnn_tensor_set_requires_grad(x, true);
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_status status = cnn_backward(cnn_sum(cnn_mul(cnn_forward(runs[i].module, cnn_input(tape, x)), f), CNN_ALL_DIMS, false));
        out->status = out->status == CNN_OK ? status : out->status;
        cnn_tensor_read(cnn_tensor_grad(x), runs[i].gradient, (size_t)count * sizeof(double));
        cnn_tensor_free(x);
        cnn_tensor_free(f);
    }
    for (int i = 0; i < PER * C * PLANE; i++) {
        out->loss = fmax(out->loss, fabs(own[i] - all[rank * PER * C * PLANE + i]));
    }
    for (int s = 2; s < 4; s++) { /* running statistics */
        double a[C], b[C];
        cnn_tensor_read(cnn_module_state(sync, s), a, sizeof a);
        cnn_tensor_read(cnn_module_state(plain, s), b, sizeof b);
        for (int c = 0; c < C; c++) {
            out->loss = fmax(out->loss, fabs(a[c] - b[c]));
        }
    }
    cnn_tape_free(tape);
    cnn_module_free(sync);
    cnn_module_free(plain);
}

START_TEST(synchronised_normalisation_is_that_of_the_whole_batch)
{
    for (int size = 1; size <= 3; size++) {
        run_all(size, 1, sync_gradient, NULL);
        for (int rank = 0; rank < size; rank++) {
            ck_assert_int_eq(outcomes[rank].status, CNN_OK);
            ck_assert_double_lt(outcomes[rank].loss, 1e-12);
        }
    }
}
END_TEST

static void count_free(void *user)
{
    ++*(int *)user;
}

START_TEST(bad_arguments)
{
    int freed = 0;
    cnn_context *ctx = cnn_context_new(.threads = 1);
    socket_mesh mesh = { .size = 1 };
    cnn_group *group = socket_group(ctx, &mesh, 0);
    cnn_data_parallel_times times = { .struct_size = 8 };
    cnn_batch batch;
    ck_assert_ptr_nonnull(group);
    ck_assert_ptr_null(cnn_group_create(ctx, NULL));
    ck_assert_ptr_null(cnn_group_create(ctx, &(cnn_transport){ .struct_size = sizeof(cnn_transport), .size = 0 }));
    ck_assert_str_eq(cnn_last_error(ctx), "group: process 0 of 0, expected 0 to size - 1");
    ck_assert_ptr_null(cnn_group_create(ctx, &(cnn_transport){ .struct_size = sizeof(cnn_transport), .size = 1 }));
    ck_assert_ptr_null(cnn_group_create(ctx, &(cnn_transport){ .struct_size = sizeof(cnn_transport), .size = 1, .free_user = count_free,
                                                               .user = &freed, .reserved = { 1 } }));
    ck_assert_int_eq(freed, 1);
    ck_assert_int_eq(cnn_group_rank(NULL), 0);
    ck_assert_int_eq(cnn_group_size(NULL), 1);
    ck_assert_int_eq(cnn_group_barrier(NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_group_agree(NULL, CNN_OK), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_group_broadcast_module(group, NULL), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_group_set_timeout(group, -1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_group_set_silence(group, -1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_int_eq(cnn_group_set_silence(NULL, 1), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert_ptr_null(cnn_group_sampler_create(group, 10, CNN_OPTIONS(cnn_group_sampler_options, .batch_size = 5, .shards = 2)));
    ck_assert_str_eq(cnn_last_error(ctx), "group_sampler: batch_size is 5, expected a multiple of shards, which is 2");
    ck_assert_ptr_null(cnn_data_parallel_new(group, NULL, NULL, .batch_size = 1));
    cnn_module *module = net_new(ctx, NULL);
    ck_assert_ptr_null(cnn_data_parallel_new(group, module, net_data(ctx, 4), .batch_size = 0));
    cnn_data_parallel *p = cnn_data_parallel_new(group, module, net_data(ctx, 20), .batch_size = 8);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(cnn_data_parallel_step_count(p), 3);
    ck_assert_int_eq(cnn_data_parallel_take_times(p, &times), CNN_ERROR_INVALID_ARGUMENT);
    ck_assert(!cnn_data_parallel_next(p, &batch));
    ck_assert_int_eq(cnn_data_parallel_end(p, CNN_OK), CNN_ERROR_STATE);
    ck_assert(cnn_data_parallel_begin(p));
    ck_assert(!cnn_data_parallel_begin(p));
    ck_assert_int_eq(cnn_data_parallel_batch_size(p), 8);
    ck_assert_int_eq(cnn_data_parallel_set_epoch(p, 0), CNN_ERROR_STATE);
    ck_assert_int_eq(cnn_data_parallel_end(p, CNN_OK), CNN_ERROR_STATE);
    ck_assert_str_eq(cnn_last_error(ctx), "rank 0: data_parallel_end: not all parts of this process were computed");
    cnn_data_parallel_free(p);
    cnn_module_free(module);
    cnn_group_free(group);
    cnn_context_free(ctx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group");
    TCase *calls = suite_case(suite, "calls", setup, teardown);
    tcase_add_test(calls, collective_calls);
    tcase_add_test(calls, counts_of_metrics_add_up);
    tcase_add_test(calls, a_process_that_is_gone_breaks_the_group);
    tcase_add_test(calls, the_tree_is_the_same_for_any_number_of_ranks);
    tcase_add_test(calls, bad_arguments);
    TCase *training = suite_case(suite, "training", setup, teardown);
    tcase_add_test(training, any_number_of_processes_gives_the_same_bits);
    tcase_add_test(training, pieces_of_parameters_give_the_same_bits);
    tcase_add_test(training, another_number_of_parts_is_another_sum);
    tcase_add_test(training, one_part_is_a_plain_loop);
    tcase_add_test(training, fast_sums_and_a_normalisation_over_all_processes);
    tcase_add_test(training, times_say_what_is_hidden);
    tcase_add_test(training, bad_data_of_one_process_end_all);
    tcase_add_test(training, processes_that_differ_are_told);
    tcase_add_test(training, synchronised_normalisation_is_that_of_the_whole_batch);
    return suite_run(suite);
}
