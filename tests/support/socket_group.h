/* Processes of one machine that reach each other by sockets: a transport of libcnn-mpi's groups without MPI. */
#ifndef CNN_TESTS_SUPPORT_SOCKET_GROUP_H
#define CNN_TESTS_SUPPORT_SOCKET_GROUP_H

#include <cnn/group.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOCKET_MOST = 8 };

typedef struct socket_mesh {
    int fd[SOCKET_MOST][SOCKET_MOST]; /* fd[i][j]: what process i has to reach process j */
    int side[SOCKET_MOST][SOCKET_MOST]; /* the same for what tell() tells */
    int life[SOCKET_MOST][SOCKET_MOST]; /* the same for signs of life */
    int size;
} socket_mesh;

typedef struct socket_peer {
    int fd, side; /* for messages, and for what tell() tells, which may overtake them */
    int life;     /* for signs of life, each a character: alive, last or parting */
    bool parted;
    unsigned long begun[2], done[2]; /* messages to it, and from it */
} socket_peer;

typedef struct socket_request {
    socket_peer *peer; /* NULL: waits for all to part */
    char *at;
    size_t left;
    double from; /* the time before which it is not done */
    unsigned long number;
    bool out;
} socket_request;

typedef struct socket_transport {
    socket_peer peers[SOCKET_MOST];
    int size, rank;
    cnn_pulse sign; /* the newest of process rank - 1 that nobody has asked for */
} socket_transport;

static inline void mesh_open(socket_mesh *mesh, int size)
{
    mesh->size = size;
    for (int i = 0; i < size; i++) {
        for (int j = i + 1; j < size; j++) {
            int pair[2], side[2], life[2];
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0 ||
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, side) != 0 ||
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, life) != 0) {
                abort();
            }
            mesh->fd[i][j] = pair[0];
            mesh->fd[j][i] = pair[1];
            mesh->side[i][j] = side[0];
            mesh->side[j][i] = side[1];
            mesh->life[i][j] = life[0];
            mesh->life[j][i] = life[1];
        }
    }
}

/* Closes what is of other processes; −1: everything. */
static inline void mesh_keep(const socket_mesh *mesh, int rank)
{
    for (int i = 0; i < mesh->size; i++) {
        for (int j = 0; j < mesh->size && i != rank; j++) {
            if (i != j) {
                close(mesh->fd[i][j]);
                close(mesh->side[i][j]);
                close(mesh->life[i][j]);
            }
        }
    }
}

static double socket_delay; /* seconds that each message takes at least */

static inline double socket_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t socket_largest; /* bytes of the largest message since somebody set it to 0 */

static inline cnn_status socket_begin(socket_transport *t, int other, void *data, size_t bytes, void **request, bool out)
{
    socket_request *r = malloc(sizeof *r);
    if (!r) {
        return CNN_ERROR_NO_MEMORY;
    }
    socket_largest = bytes > socket_largest ? bytes : socket_largest;
    *r = (socket_request){ .peer = &t->peers[other], .at = data, .left = bytes, .out = out, .from = socket_now() + socket_delay,
                           .number = t->peers[other].begun[out]++ };
    *request = r;
    return CNN_OK;
}

static inline cnn_status socket_send(int to, const void *data, size_t bytes, void **request, void *user)
{
    return socket_begin(user, to, (void *)(uintptr_t)data, bytes, request, true);
}

static inline cnn_status socket_receive(int from, void *data, size_t bytes, void **request, void *user)
{
    return socket_begin(user, from, data, bytes, request, false);
}

/* Reads what has come of signs of life. */
static inline void socket_read_life(socket_transport *t)
{
    for (int i = 0; i < t->size; i++) {
        char sign;
        while (i != t->rank && recv(t->peers[i].life, &sign, 1, 0) == 1) {
            t->peers[i].parted = t->peers[i].parted || sign == 'p';
            if (sign != 'p' && i == (t->rank + t->size - 1) % t->size) {
                t->sign = sign == 'l' ? CNN_PULSE_LAST : CNN_PULSE_ALIVE;
            }
        }
    }
}

static inline void socket_beat(bool leaves, void *user)
{
    const socket_transport *t = user;
    send(t->peers[(t->rank + 1) % t->size].life, leaves ? "l" : "a", 1, MSG_NOSIGNAL);
}

static inline cnn_pulse socket_pulse(void *user)
{
    socket_transport *t = user;
    socket_read_life(t);
    cnn_pulse sign = t->sign;
    t->sign = CNN_PULSE_NONE;
    return sign;
}

static inline cnn_status socket_part(void **request, void *user)
{
    socket_transport *t = user;
    for (int i = 0; i < t->size; i++) {
        if (i != t->rank) {
            send(t->peers[i].life, "p", 1, MSG_NOSIGNAL);
        }
    }
    *request = calloc(1, sizeof(socket_request));
    return *request ? CNN_OK : CNN_ERROR_NO_MEMORY;
}

static inline bool socket_all_part(socket_transport *t)
{
    bool all = true;
    socket_read_life(t);
    for (int i = 0; i < t->size; i++) {
        all = all && (i == t->rank || t->peers[i].parted);
    }
    return all;
}

static volatile bool socket_hangs; /* calls do not return */

static inline cnn_status socket_test(void **request, bool *done, void *user)
{
    socket_request *r = *request;
    while (socket_hangs) {
        pause();
    }
    if (!r->peer) {
        *done = socket_all_part(user);
        free(*done ? r : NULL);
        return CNN_OK;
    }
    *done = false;
    if (socket_now() < r->from) {
        return CNN_OK;
    }
    while (r->number == r->peer->done[r->out] && r->left) {
        ssize_t n = r->out ? send(r->peer->fd, r->at, r->left, MSG_NOSIGNAL) : read(r->peer->fd, r->at, r->left);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return CNN_OK;
        }
        if (n <= 0) {
            free(r);
            return CNN_ERROR_IO;
        }
        r->at += n;
        r->left -= (size_t)n;
    }
    if (r->left == 0) {
        r->peer->done[r->out]++;
        *done = true;
        free(r);
    }
    return CNN_OK;
}

static inline void socket_cancel(void *request, void *user)
{
    (void)user;
    free(request);
}

static inline void socket_tell(const char *why, void *user)
{
    socket_transport *t = user;
    for (int i = 0; i < t->size; i++) {
        if (t->peers[i].side >= 0) {
            send(t->peers[i].side, why, strlen(why) + 1, MSG_NOSIGNAL);
        }
    }
}

static inline int socket_hear(char *why, size_t size, void *user)
{
    socket_transport *t = user;
    for (int i = 0; i < t->size; i++) {
        ssize_t n = t->peers[i].side >= 0 ? recv(t->peers[i].side, why, size - 1, 0) : 0;
        if (n > 0) {
            why[n] = '\0';
            return i;
        }
    }
    return -1;
}

static inline void socket_abort(int status, void *user)
{
    (void)user;
    _exit(status);
}

static inline void socket_free(void *user)
{
    socket_transport *t = user;
    for (int i = 0; i < t->size; i++) {
        if (t->peers[i].fd >= 0) {
            close(t->peers[i].fd);
            close(t->peers[i].side);
            close(t->peers[i].life);
        }
    }
    free(t);
}

static bool socket_one_thread; /* what the next groups are */

static inline cnn_group *socket_group(cnn_context *ctx, const socket_mesh *mesh, int rank)
{
    socket_transport *t = calloc(1, sizeof *t);
    if (!t) {
        return NULL;
    }
    t->size = mesh->size;
    t->rank = rank;
    for (int i = 0; i < mesh->size; i++) {
        t->peers[i].fd = i == rank ? -1 : mesh->fd[rank][i];
        t->peers[i].side = i == rank ? -1 : mesh->side[rank][i];
        t->peers[i].life = i == rank ? -1 : mesh->life[rank][i];
    }
    const cnn_transport transport = { .struct_size = sizeof transport, .rank = rank, .size = mesh->size, .send = socket_send,
                                      .receive = socket_receive, .test = socket_test, .cancel = socket_cancel, .abort = socket_abort,
                                      .tell = socket_tell, .hear = socket_hear, .beat = socket_beat, .pulse = socket_pulse, .part = socket_part,
                                      .free_user = socket_free, .user = t,
                                      .one_thread = socket_one_thread };
    return cnn_group_create(ctx, &transport);
}

#endif
