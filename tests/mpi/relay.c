/* A wire between two network namespaces that delays and loses frames: relay NAMESPACE NAMESPACE DEVICE DELAY_MS LOSS SECONDS
 *
 * It makes a tap device of this name in each namespace, and carries every frame from one to the other after DELAY_MS, but for a
 * share LOSS of them, which a fixed seed chooses. It prints "ready" once both are there, and ends after SECONDS, or when it is
 * killed. It needs CAP_NET_ADMIN and CAP_SYS_ADMIN. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 2048, QUEUE = 4096 };

/* Frames on their way in one direction, in the order in which they are due. */
typedef struct way {
    int from, to;
    struct frame {
        double due;
        ssize_t size;
        unsigned char bytes[FRAME];
    } frames[QUEUE];
    unsigned first, count;
} way;

static way ways[2];
static uint64_t random_state = 1;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double draw(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1;
    return (double)(random_state >> 11) * 0x1p-53;
}

static int fail(const char *what, const char *name)
{
    fprintf(stderr, "relay: %s %s: %s\n", what, name, strerror(errno));
    return -1;
}

/* A tap device stays where it was made, whatever namespace this process is in afterwards. */
static int tap_in(const char *namespace, const char *device)
{
    char path[256];
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    snprintf(path, sizeof path, "/run/netns/%s", namespace);
    int folder = open(path, O_RDONLY | O_CLOEXEC);
    if (folder < 0 || setns(folder, CLONE_NEWNET) != 0) {
        return fail("cannot enter the namespace", namespace);
    }
    close(folder);
    int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    return tap >= 0 && ioctl(tap, TUNSETIFF, &request) == 0 ? tap : fail("cannot make the device", device);
}

static void take(way *w, double delay, double loss)
{
    while (w->count < QUEUE) {
        struct frame *f = &w->frames[(w->first + w->count) % QUEUE];
        f->size = read(w->from, f->bytes, sizeof f->bytes);
        if (f->size <= 0) {
            return;
        }
        if (draw() >= loss) {
            f->due = now() + delay;
            w->count++;
        }
    }
}

/* Hands over what is due; returns when the next is, in seconds from now, at most `most`. */
static double give(way *w, double most)
{
    double time = now();
    while (w->count && w->frames[w->first].due <= time) {
        struct frame *f = &w->frames[w->first];
        if (write(w->to, f->bytes, (size_t)f->size) < 0 && errno == EAGAIN) {
            return most;
        }
        w->first = (w->first + 1) % QUEUE;
        w->count--;
    }
    double next = w->count ? w->frames[w->first].due - time : most;
    return next < most ? next : most;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: relay NAMESPACE NAMESPACE DEVICE DELAY_MS LOSS SECONDS\n");
        return 2;
    }
    double delay = atof(argv[4]) / 1000, loss = atof(argv[5]), end = now() + atof(argv[6]);
    int a = tap_in(argv[1], argv[3]), b = a < 0 ? -1 : tap_in(argv[2], argv[3]);
    if (b < 0) {
        return 1;
    }
    ways[0] = (way){ .from = a, .to = b };
    ways[1] = (way){ .from = b, .to = a };
    puts("ready");
    fflush(stdout);
    while (now() < end) {
        double wait = 0.1;
        for (int i = 0; i < 2; i++) {
            take(&ways[i], delay, loss);
            wait = give(&ways[i], wait);
        }
        struct pollfd files[2] = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN } };
        struct timespec t = { .tv_nsec = (long)(wait > 0 ? wait * 1e9 : 0) };
        ppoll(files, 2, &t, NULL);
    }
    return 0;
}
