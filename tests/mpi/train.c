/* Trains the small network of tests/support/parallel_net.h by MPI, and prints the digest of the weights:
 * train [fast] [threads N] [epochs N] [save FILE] [resume FILE] [die RANK] [stall RANK] [leave RANK] [bad SAMPLE] [limit SECONDS]
 *       [stop RANK] [stuck RANK] [hang STATUS] [tell]
 * train threads prints how many threads each process should have, and trains nothing. */
#include "support/parallel_net.h"

#include <cnn/mpi.h>

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { SAMPLES = 83, BATCH = 16 };

typedef struct arguments {
    bool fast, tells;
    int threads, epochs, die, stall, leave, bad, limit, hang, stop, stuck;
    const char *save, *resume;
} arguments;

static bool read_arguments(arguments *a, int argc, char **argv)
{
    *a = (arguments){ .threads = 1, .epochs = 1, .die = -1, .stall = -1, .leave = -1, .bad = -1, .hang = -1, .stop = -1, .stuck = -1 };
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "fast") == 0) {
            a->fast = true;
            continue;
        } else if (strcmp(argv[i], "tell") == 0) {
            a->tells = true;
            continue;
        } else if (strcmp(argv[i], "threads") == 0) {
            a->threads = atoi(value);
        } else if (strcmp(argv[i], "epochs") == 0) {
            a->epochs = atoi(value);
        } else if (strcmp(argv[i], "die") == 0) {
            a->die = atoi(value);
        } else if (strcmp(argv[i], "stall") == 0) {
            a->stall = atoi(value);
        } else if (strcmp(argv[i], "leave") == 0) {
            a->leave = atoi(value);
        } else if (strcmp(argv[i], "stop") == 0) {
            a->stop = atoi(value);
        } else if (strcmp(argv[i], "stuck") == 0) {
            a->stuck = atoi(value);
        } else if (strcmp(argv[i], "bad") == 0) {
            a->bad = atoi(value);
        } else if (strcmp(argv[i], "hang") == 0) {
            a->hang = atoi(value);
        } else if (strcmp(argv[i], "limit") == 0) {
            a->limit = atoi(value);
        } else if (strcmp(argv[i], "save") == 0) {
            a->save = value;
        } else if (strcmp(argv[i], "resume") == 0) {
            a->resume = value;
        } else {
            return false;
        }
        i++;
    }
    return true;
}

static cnn_status read_sample(int64_t index, void *image, void *label, void *user)
{
    memset(image, 0, NET_SIDE * NET_SIDE * sizeof(float));
    *(int64_t *)label = index % NET_CLASSES;
    return index == *(const int *)user ? CNN_ERROR_FORMAT : CNN_OK;
}

/* Data of which one sample cannot be read. */
static cnn_dataset *bad_data(cnn_context *ctx, int *bad)
{
    static const int64_t shape[] = { 1, NET_SIDE, NET_SIDE };
    const cnn_dataset_callbacks callbacks = { .struct_size = sizeof callbacks, .size = SAMPLES, .image_ndim = 3, .image_shape = shape,
                                              .image_dtype = CNN_F32, .label_dtype = CNN_I64, .get = read_sample, .user = bad };
    return cnn_dataset_from_callbacks(ctx, &callbacks);
}

/* Two functions in place of MPI's own, which they call: one does not return for a long time, and one never does. */
static bool hangs;
static atomic_bool is_stuck;

int MPI_Finalize(void)
{
    sleep(hangs ? 40 : 0);
    return PMPI_Finalize();
}

int MPI_Test(MPI_Request *request, int *flag, MPI_Status *status)
{
    while (is_stuck) {
        pause();
    }
    return PMPI_Test(request, flag, status);
}

static cnn_status train(cnn_context *ctx, cnn_group *group, arguments *a)
{
    int size = cnn_group_size(group);
    cnn_module *module = net_new(ctx, NULL);
    cnn_optimizer *adam = cnn_adam_new(module, .lr = 0.01);
    cnn_checkpoint checkpoint = { .struct_size = sizeof checkpoint, .module = module, .optimizer = adam };
    cnn_status status = a->resume ? cnn_checkpoint_load(&checkpoint, a->resume) : CNN_OK;
    cnn_data_parallel *p = status == CNN_OK
                               ? cnn_data_parallel_new(group, module, a->bad < 0 ? net_data(ctx, SAMPLES) : bad_data(ctx, &a->bad),
                                                       .batch_size = a->fast ? 4 * size : BATCH, .fast = a->fast, .bucket_bytes = 1000)
                               : NULL;
    double loss = 0;
    status = p ? cnn_data_parallel_set_epoch(p, checkpoint.epoch) : cnn_context_status(ctx);
    if (status == CNN_OK && a->die == cnn_group_rank(group)) {
        cnn_data_parallel_begin(p);
        fprintf(stderr, "train: rank %d dies\n", a->die);
        raise(SIGKILL);
    }
    if (status == CNN_OK && a->stop == cnn_group_rank(group)) {
        cnn_data_parallel_begin(p);
        fprintf(stderr, "train: rank %d stops\n", a->stop);
        raise(SIGSTOP);
    }
    is_stuck = a->stuck == cnn_group_rank(group) || a->stuck >= size; /* all of them */
    if (status == CNN_OK && a->leave == cnn_group_rank(group)) { /* it stays alive, and calls nothing of MPI's */
        cnn_data_parallel_begin(p);
        cnn_data_parallel_free(p);
        sleep(20);
        return CNN_OK;
    }
    if (a->stall >= 0) {
        cnn_group_set_timeout(group, 1);
        sleep(a->stall == cnn_group_rank(group) ? 20 : 0);
    }
    if (a->limit > 0) {
        cnn_group_set_timeout(group, a->limit);
        fprintf(stderr, "train: rank %d trains\n", cnn_group_rank(group));
    }
    while (status == CNN_OK && checkpoint.epoch < a->epochs) {
        status = net_epoch(group, p, module, adam, &loss);
        checkpoint.epoch++;
    }
    if (status == CNN_OK && a->save && cnn_group_rank(group) == 0) {
        status = cnn_checkpoint_save(&checkpoint, a->save);
    }
    uint64_t digest = net_digest(module), first = digest;
    status = status == CNN_OK ? cnn_group_broadcast(group, &first, sizeof first, 0) : status;
    if (status == CNN_OK && first != digest) {
        status = cnn_context_set_error(ctx, CNN_ERROR_MISMATCH, "the weights are not those of rank 0");
    }
    status = cnn_group_agree(group, status);
    if (status == CNN_OK && cnn_group_rank(group) == 0) {
        printf("%s %d %016llx %.12f\n", cnn_mpi_name(), size, (unsigned long long)digest, loss);
    }
    cnn_data_parallel_free(p);
    cnn_optimizer_free(adam);
    cnn_module_free(module);
    return status;
}

int main(int argc, char **argv)
{
    arguments a;
    if (!read_arguments(&a, argc, argv) || cnn_mpi_begin() != CNN_OK) {
        fprintf(stderr, "train: %s\n", cnn_last_error(NULL));
        return 2;
    }
    int own = cnn_mpi_threads();
    if (argc == 2 && strcmp(argv[1], "threads") == 0) {
        printf("%d\n", own);
        fflush(stdout);
        cnn_mpi_end();
        return 0;
    }
    cnn_context *ctx = cnn_context_new(.seed = 1, .threads = a.threads);
    cnn_group *group = cnn_mpi_group(ctx, MPI_COMM_WORLD);
    cnn_status status = group && own >= 1 ? train(ctx, group, &a) : CNN_ERROR_STATE;
    if (status != CNN_OK) {
        fprintf(stderr, "train: %s\n", cnn_last_error(NULL));
    }
    if (status != CNN_OK && strncmp(cnn_last_error(NULL), "rank ", 5) != 0) { /* not all come to cnn_mpi_end() */
        cnn_group_abort(group, 3);
    }
    cnn_group_free(group);
    cnn_context_free(ctx);
    if (a.tells) { /* nothing but the end of MPI is left */
        MPI_Barrier(MPI_COMM_WORLD);
        fprintf(stderr, "train: all have come to the end\n");
        cnn_mpi_end_within(5, status == CNN_OK ? 0 : 1);
    } else if (a.hang >= 0) {
        hangs = true;
        cnn_mpi_end_within(1, a.hang);
    } else {
        cnn_mpi_end();
    }
    return status == CNN_OK ? 0 : 1;
}
