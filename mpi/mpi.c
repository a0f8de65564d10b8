/* The transport over MPI, which is all that differs from one MPI to the other. */
#include <cnn/mpi.h>

#include "internal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(sizeof(MPI_Request) <= sizeof(void *), "a request of MPI's fits into a pointer");

static bool begun, ended, misled; /* misled: another MPI's launcher started the program */

/* The variable by which each launcher tells how many processes it started. */
static const struct {
    const char *name, *mpi, *size;
} launchers[] = { { "openmpi", "Open MPI", "OMPI_COMM_WORLD_SIZE" }, { "mpich", "MPICH", "PMI_SIZE" } };

const char *cnn_mpi_name(void)
{
#if defined(OPEN_MPI)
    return "openmpi";
#elif defined(MPICH_VERSION)
    return "mpich";
#else
    return "mpi";
#endif
}

/* Seconds that calls in which all processes meet may take: one may have much to do before it comes. */
static const double most = 600;

static bool is_running(void)
{
    int initialised = 0, finalised = 0;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    return initialised && !finalised;
}

/* Under the launcher of another MPI every process would be the only one of a world of its own, and train alone. A
 * launcher that both know of, such as Slurm's, makes a world of all. */
static cnn_status check_launcher(void)
{
    const int own = strcmp(cnn_mpi_name(), launchers[1].name) == 0;
    const char *others = getenv(launchers[!own].size);
    int size = 1;
    if (!misled) {
        MPI_Comm_size(MPI_COMM_WORLD, &size);
    }
    if (strcmp(cnn_mpi_name(), launchers[own].name) != 0 || size > 1 || getenv(launchers[own].size) || !others ||
        atoi(others) < 2) {
        return CNN_OK;
    }
    misled = true;
    return cnn__mpi_fail(
        NULL, CNN_ERROR_STATE,
        "mpi_begin: %s started %d processes (%s), but this is libcnn-mpi for %s, in which each of them "
        "is alone: start the program by %s's mpirun, or use libcnn-mpi-%s",
        launchers[!own].mpi, atoi(others), launchers[!own].size, launchers[own].mpi, launchers[own].mpi,
        launchers[!own].name);
}

cnn_status cnn_mpi_begin(void)
{
    int finalised = 0, provided;
    MPI_Finalized(&finalised);
    if (misled) {
        return check_launcher();
    }
    if (finalised || ended) {
        return cnn__mpi_fail(NULL, CNN_ERROR_STATE, "mpi_begin: MPI was finalised before");
    }
    if (is_running()) {
        return check_launcher();
    }
    cnn__watch w;
    cnn__watch_begin(&w, most, 1);
    int started = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided);
    cnn__watch_end(&w);
    if (started != MPI_SUCCESS) {
        return cnn__mpi_fail(NULL, CNN_ERROR_IO, "mpi_begin: MPI does not start");
    }
    begun = true;
    cnn_status status = check_launcher();
    if (status != CNN_OK) {
        cnn_mpi_end();
    }
    return status;
}

/* MPICH's abort may wait for a launcher that it cannot reach. A launcher that sees one process end with a failure ends
 * the others. */
static _Noreturn void abort_all(MPI_Comm comm, int status)
{
    cnn__watch w;
    if (cnn__watch_begin(&w, 2, status)) {
        MPI_Abort(comm, status);
    }
    _Exit(status);
}

/* MPICH 4.0 over UCX may wait for ever where one process finalises long before another: they meet first. */
static void meet(void)
{
    const double first = cnn__mpi_now();
    MPI_Request all = MPI_REQUEST_NULL;
    cnn__watch w;
    cnn__watch_begin(&w, most + 2, 1);
    int done = MPI_Ibarrier(MPI_COMM_WORLD, &all) != MPI_SUCCESS; /* then nobody waits */
    while (!done) {
        MPI_Test(&all, &done, MPI_STATUS_IGNORE);
        if (!done && cnn__mpi_now() - first > most) {
            abort_all(MPI_COMM_WORLD, 1);
        }
        if (!done) {
            nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
        }
    }
    cnn__watch_end(&w);
}

void cnn_mpi_end(void)
{
    cnn__watch w;
    if (begun && is_running()) {
        meet();
        cnn__watch_begin(&w, most, 1);
        MPI_Finalize();
        cnn__watch_end(&w);
        ended = true;
    }
}

void cnn_mpi_end_within(double seconds, int status)
{
    cnn__watch w;
    status = status >= 0 && status <= 255 ? status : 1;
    if (!begun || !is_running()) {
        return;
    }
    meet();
    bool printed = fflush(NULL) == 0 && !ferror(stdout);
    cnn__watch_begin_halting(&w, seconds, !printed && status == 0 ? 1 : status);
    MPI_Finalize();
    ended = true;
    cnn__watch_end(&w);
}

/* Sums over the processes of this machine. */
static bool sum_on_machine(int *numbers, int count)
{
    MPI_Comm local;
    cnn__watch w;
    cnn__watch_begin(&w, most, 1);
    bool ok = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local) == MPI_SUCCESS;
    if (ok) {
        MPI_Allreduce(MPI_IN_PLACE, numbers, count, MPI_INT, MPI_SUM, local);
        MPI_Comm_free(&local);
    }
    cnn__watch_end(&w);
    return ok;
}

/* Each CPU is shared by as many processes of this machine as are bound to it. */
int cnn_mpi_threads(void)
{
    static int users[CPU_SETSIZE];
    cpu_set_t own;
    double share = 0;
    if (!is_running()) {
        cnn__mpi_fail(NULL, CNN_ERROR_STATE, "mpi_threads: MPI is not running: call cnn_mpi_begin()");
        return 1;
    }
    CPU_ZERO(&own);
    sched_getaffinity(0, sizeof own, &own);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        users[i] = CPU_ISSET(i, &own) ? 1 : 0;
    }
    if (!sum_on_machine(users, CPU_SETSIZE)) {
        return 1;
    }
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        share += CPU_ISSET(i, &own) && users[i] ? 1.0 / users[i] : 0;
    }
    share += 1e-9;
    return share < 1 ? 1 : (int)share;
}

/* ---- the transport ---- */

enum { DATA, BROKEN, ALIVE }; /* tags */

typedef struct world {
    MPI_Comm comm;
    MPI_Request sum;   /* the newest of allreduce() and part() */
    MPI_Request *told; /* what tell() has begun to send, one per process; NULL: nothing */
    char why[REASON];
    /* Signs of life to the next process, from the one before, and the last one to the next. */
    MPI_Request beats, pulse, farewell;
    bool parts, parted;       /* the last one was sent, and received */
    char alive, sign, leaves; /* what they carry, a cnn_pulse */
} world;

static cnn_status keep(int result, MPI_Request of, void **request)
{
    *request = NULL;
    memcpy(request, &of, sizeof of);
    return result == MPI_SUCCESS ? CNN_OK : CNN_ERROR_IO;
}

static cnn_status send(int to, const void *data, size_t bytes, void **request, void *user)
{
    MPI_Request r = MPI_REQUEST_NULL;
    int result = MPI_Isend(data, (int)bytes, MPI_BYTE, to, DATA, ((const world *)user)->comm, &r);
    return keep(result, r, request);
}

static cnn_status receive(int from, void *data, size_t bytes, void **request, void *user)
{
    MPI_Request r = MPI_REQUEST_NULL;
    int result = MPI_Irecv(data, (int)bytes, MPI_BYTE, from, DATA, ((const world *)user)->comm, &r);
    return keep(result, r, request);
}

static cnn_status allreduce(void *data, int64_t count, cnn_dtype dtype, void **request, void *user)
{
    world *w = user;
    w->sum = MPI_REQUEST_NULL;
    int result = count > INT32_MAX
                     ? MPI_ERR_COUNT
                     : MPI_Iallreduce(MPI_IN_PLACE, data, (int)count, dtype == CNN_F32 ? MPI_FLOAT : MPI_DOUBLE,
                                      MPI_SUM, w->comm, &w->sum);
    return keep(result, w->sum, request);
}

static cnn_status test(void **request, bool *done, void *user)
{
    MPI_Request r;
    int is_done = 0;
    (void)user;
    memcpy(&r, request, sizeof r);
    int result = MPI_Test(&r, &is_done, MPI_STATUS_IGNORE);
    *done = is_done;
    return keep(result, r, request);
}

/* MPI lets no one cancel or free a collective request (MPI-4.0, 6.12): that one is left. */
static void cancel(void *request, void *user)
{
    MPI_Request r;
    memcpy(&r, &request, sizeof r);
    if (r != MPI_REQUEST_NULL && r != ((const world *)user)->sum) {
        MPI_Cancel(&r);
        MPI_Request_free(&r);
    }
}

/* A message of a few bytes is on its way at once, whether or not the other process receives anything. */
static void tell(const char *why, void *user)
{
    world *w = user;
    int rank = 0, size = 0;
    MPI_Comm_rank(w->comm, &rank);
    MPI_Comm_size(w->comm, &size);
    w->told = malloc((size_t)size * sizeof *w->told);
    snprintf(w->why, sizeof w->why, "%s", why);
    for (int i = 0; i < size && w->told; i++) {
        w->told[i] = MPI_REQUEST_NULL;
        if (i != rank) {
            MPI_Isend(w->why, sizeof w->why, MPI_BYTE, i, BROKEN, w->comm, &w->told[i]);
        }
    }
}

static int hear(char *why, size_t size, void *user)
{
    const world *w = user;
    char told[REASON + 1] = "";
    MPI_Status status;
    int there = 0;
    if (MPI_Iprobe(MPI_ANY_SOURCE, BROKEN, w->comm, &there, &status) != MPI_SUCCESS || !there ||
        MPI_Recv(told, REASON, MPI_BYTE, status.MPI_SOURCE, BROKEN, w->comm, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
        return -1;
    }
    snprintf(why, size, "%s", told);
    return status.MPI_SOURCE;
}

static void beat(bool leaves, void *user)
{
    world *w = user;
    int rank = 0, size = 1, done = 1;
    MPI_Comm_rank(w->comm, &rank);
    MPI_Comm_size(w->comm, &size);
    w->alive = CNN_PULSE_ALIVE;
    w->leaves = CNN_PULSE_LAST;
    MPI_Test(&w->beats, &done, MPI_STATUS_IGNORE);
    w->parts = leaves;
    if (leaves) {
        MPI_Isend(&w->leaves, 1, MPI_BYTE, (rank + 1) % size, ALIVE, w->comm, &w->farewell);
    } else if (done) {
        MPI_Isend(&w->alive, 1, MPI_BYTE, (rank + 1) % size, ALIVE, w->comm, &w->beats);
    }
}

static cnn_pulse pulse(void *user)
{
    world *w = user;
    cnn_pulse newest = CNN_PULSE_NONE;
    int rank = 0, size = 1, done = 1;
    MPI_Comm_rank(w->comm, &rank);
    MPI_Comm_size(w->comm, &size);
    while (done && !w->parted) { /* nothing comes after the last */
        if (w->pulse == MPI_REQUEST_NULL &&
            MPI_Irecv(&w->sign, 1, MPI_BYTE, (rank + size - 1) % size, ALIVE, w->comm, &w->pulse) != MPI_SUCCESS) {
            break;
        }
        done = MPI_Test(&w->pulse, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && done;
        newest = done ? (cnn_pulse)w->sign : newest;
        w->parted = newest == CNN_PULSE_LAST;
    }
    return newest;
}

static cnn_status part(void **request, void *user)
{
    MPI_Request r = MPI_REQUEST_NULL;
    world *w = user;
    int result = MPI_Ibarrier(w->comm, &r);
    w->sum = r; /* not to be cancelled either */
    return keep(result, r, request);
}

static void end_all(int status, void *user)
{
    abort_all(((const world *)user)->comm, status);
}

static bool has_told(world *w)
{
    int size = 0, left = 0, own = 1;
    MPI_Request *const signs[] = { &w->beats, &w->farewell, &w->pulse };
    MPI_Comm_size(w->comm, &size);
    for (int i = 0; i < (w->parts ? 2 : 3); i++) { /* with `parts` the last one was cancelled */
        MPI_Test(signs[i], &own, MPI_STATUS_IGNORE);
        left += !own;
    }
    for (int i = 0; i < size && w->told; i++) {
        int done = 1;
        MPI_Test(&w->told[i], &done, MPI_STATUS_IGNORE);
        left += !done;
    }
    return left == 0;
}

/* Receives what others told in vain and the last sign of life, and gives what was told here a second to leave. Returns
 * whether all that was begun is over. */
static bool finish_telling(world *w)
{
    char why[REASON];
    const double first = cnn__mpi_now();
    bool done;
    do {
        while (hear(why, sizeof why, w) >= 0) {
        }
        if (w->parts) {
            pulse(w);
        }
        done = has_told(w) && (w->parted || !w->parts);
    } while (!done && cnn__mpi_now() - first < 1);
    return done;
}

static void free_comm(void *user)
{
    world *w = user;
    if (is_running()) {
        if (w->pulse != MPI_REQUEST_NULL && !w->parts) {
            MPI_Cancel(&w->pulse);
        }
        bool told = finish_telling(w);
        MPI_Comm_free(&w->comm);
        if (!told) { /* MPI may still read it */
            return;
        }
    }
    free(w->told);
    free(w);
}

cnn_group *cnn_mpi_group(cnn_context *ctx, MPI_Comm comm)
{
    static const char call[] = "mpi_group";
    int level = MPI_THREAD_SINGLE;
    if (!ctx || (is_running() && comm == MPI_COMM_NULL)) {
        cnn__mpi_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call, ctx ? "comm is MPI_COMM_NULL" : "ctx is NULL");
        return NULL;
    }
    if (!is_running()) {
        cnn__mpi_fail(ctx, CNN_ERROR_STATE, "%s: MPI is not running: call cnn_mpi_begin()", call);
        return NULL;
    }
    world *own = malloc(sizeof *own);
    if (!own) {
        cnn__mpi_fail(ctx, CNN_ERROR_NO_MEMORY, "%s: no memory", call);
        return NULL;
    }
    *own = (world){
        .sum = MPI_REQUEST_NULL, .beats = MPI_REQUEST_NULL, .pulse = MPI_REQUEST_NULL, .farewell = MPI_REQUEST_NULL
    };
    cnn__watch w;
    cnn__watch_begin(&w, most, 1);
    int copied = MPI_Comm_dup(comm, &own->comm);
    cnn__watch_end(&w);
    if (copied != MPI_SUCCESS) {
        cnn__mpi_fail(ctx, CNN_ERROR_IO, "%s: the communicator cannot be duplicated", call);
        free(own);
        return NULL;
    }
    MPI_Comm_set_errhandler(own->comm, MPI_ERRORS_RETURN);
    MPI_Query_thread(&level);
    cnn_transport transport = { .struct_size = sizeof transport,
                                .send = send,
                                .receive = receive,
                                .test = test,
                                .cancel = cancel,
                                .allreduce = allreduce,
                                .abort = end_all,
                                .tell = tell,
                                .hear = hear,
                                .beat = level == MPI_THREAD_MULTIPLE ? beat : NULL,
                                .pulse = level == MPI_THREAD_MULTIPLE ? pulse : NULL,
                                .part = level == MPI_THREAD_MULTIPLE ? part : NULL,
                                .free_user = free_comm,
                                .user = own,
                                .one_thread = level < MPI_THREAD_SERIALIZED };
    MPI_Comm_rank(own->comm, &transport.rank);
    MPI_Comm_size(own->comm, &transport.size);
    return cnn_group_create(ctx, &transport);
}

cnn_group *cnn_mpi_world(cnn_context *ctx)
{
    return cnn_mpi_group(ctx, MPI_COMM_WORLD);
}
