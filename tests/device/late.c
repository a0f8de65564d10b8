/* A device for tests: what a GPU does to a program, without a GPU.
 *
 * Addresses that it gives out are pages without any access, so the host that follows one dies at once; the elements are
 * elsewhere. New memory holds nonsense. Work is carried out on another thread, as late as possible: when somebody
 * waits, or when very much of it has come together. The kernels are those of the library's CPU, so results have the
 * CPU's bits. Memory that is left when a queue ends ends the program.
 *
 * CNN_LATE_FAIL=N       the launch or copy with that number fails
 * CNN_LATE_LACKS=K      there is no kernel number K
 * CNN_LATE_MEMORY=B     allocations of more than B bytes in all fail
 *
 * It uses the public headers alone, as any back end does. */
#include <cnn/backend.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(_WIN32)
#include <windows.h>
#define EXPORTED __declspec(dllexport)
#else
#include <sys/mman.h>
#define EXPORTED __attribute__((visibility("default")))
#endif

enum { PAGE = 4096, MOST_WAITING = 4096, POISON = 0xa5 };

typedef enum kind { LAUNCH, WRITE, COPY, READ, FREE } kind;

typedef struct command {
    struct command *next;
    kind kind;
    uint64_t number;
    cnn_launch launch;
    void *to;
    const void *from;
    size_t bytes;
    char *data; /* the parameters, or what is written */
} command;

typedef struct block {
    char *handle, *elements;
    size_t bytes;
} block;

typedef struct queue {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    command *first, *last; /* waiting */
    int waiting;
    bool run, end, busy;
    block *blocks; /* in the falling order of their handles: the newest, at the end, mostly has the lowest */
    size_t block_count, block_room, bytes, most_bytes;
    uint64_t fails;
    int lacks;
    bool failed;
    cnn_backend_failure failure;
} queue;

static const cnn_backend_host *host;

/* ---- memory ---- */

static size_t pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Pages without any access. NULL: none are left. */
static void *handle_new(size_t bytes)
{
#if defined(_WIN32)
    return VirtualAlloc(NULL, bytes, MEM_RESERVE, PAGE_NOACCESS);
#else
    void *handle = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return handle == MAP_FAILED ? NULL : handle;
#endif
}

static void handle_free(void *handle, size_t bytes)
{
#if defined(_WIN32)
    (void)bytes;
    VirtualFree(handle, 0, MEM_RELEASE);
#else
    munmap(handle, bytes);
#endif
}

/* Aligned as the back end's interface asks for. */
static char *elements_new(size_t bytes)
{
#if defined(_WIN32)
    return _aligned_malloc(bytes, 64);
#else
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
#endif
}

static void elements_free(char *elements)
{
#if defined(_WIN32)
    _aligned_free(elements);
#else
    free(elements);
#endif
}

/* How many blocks have handles above `address`. */
static size_t above(const queue *q, const char *address)
{
    size_t low = 0, high = q->block_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (q->blocks[middle].handle > address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Where the elements at an address of the device are. */
static void *elements_at(const queue *q, const void *address)
{
    if (!address) {
        return NULL;
    }
    size_t i = above(q, address);
    if (i == q->block_count || (const char *)address > q->blocks[i].handle + q->blocks[i].bytes) {
        fprintf(stderr, "late device: %p is no address of this device\n", address);
        abort();
    }
    return q->blocks[i].elements + ((const char *)address - q->blocks[i].handle);
}

static bool make_room(queue *q)
{
    if (q->block_count < q->block_room) {
        return true;
    }
    size_t room = q->block_room ? 2 * q->block_room : 64;
    block *more = realloc(q->blocks, room * sizeof *more);
    if (more) {
        q->blocks = more;
        q->block_room = room;
    }
    return more != NULL;
}

static void *allocate(void *queue_of, size_t bytes)
{
    queue *q = queue_of;
    char *elements = elements_new(bytes);
    void *handle = handle_new(pages(bytes) + PAGE);
    pthread_mutex_lock(&q->lock);
    bool fits = elements && handle && make_room(q) && q->bytes + bytes <= q->most_bytes;
    if (fits) {
        memset(elements, POISON, bytes);
        size_t at = above(q, handle);
        memmove(q->blocks + at + 1, q->blocks + at, (q->block_count++ - at) * sizeof *q->blocks);
        q->blocks[at] = (block){ handle, elements, bytes };
        q->bytes += bytes;
    }
    pthread_mutex_unlock(&q->lock);
    if (!fits) {
        elements_free(elements);
        if (handle) {
            handle_free(handle, pages(bytes) + PAGE);
        }
    }
    return fits ? handle : NULL;
}

static void free_block(queue *q, const char *handle)
{
    size_t at = above(q, handle);
    block b = q->blocks[at];
    memmove(q->blocks + at, q->blocks + at + 1, (--q->block_count - at) * sizeof *q->blocks);
    q->bytes -= b.bytes;
    memset(b.elements, POISON, b.bytes);
    elements_free(b.elements);
    handle_free(b.handle, pages(b.bytes) + PAGE);
}

/* ---- the thread ---- */

static void fail(queue *q, const command *c, const char *message)
{
    q->failed = true;
    q->failure = (cnn_backend_failure){ .struct_size = sizeof q->failure, .number = c->number, .status = CNN_ERROR_DEVICE };
    q->failure.kernel = c->kind == LAUNCH ? (int)c->launch.kernel : -1;
    snprintf(q->failure.message, sizeof q->failure.message, "%s", message);
}

static void run_launch(queue *q, const command *c, const cnn_launch *translated)
{
    cnn_backend_failure failure = { .struct_size = sizeof failure };
    pthread_mutex_unlock(&q->lock);
    bool done = host->cpu_launch(translated, &failure);
    pthread_mutex_lock(&q->lock);
    if (!done) {
        fail(q, c, failure.message);
        q->failure.status = failure.status;
        q->failure.position = failure.position;
        q->failure.value = failure.value;
    }
}

static void run(queue *q, command *c)
{
    if (c->kind == FREE) {
        free_block(q, c->to);
        return;
    }
    if (q->failed) {
        return;
    }
    if (c->number == q->fails) {
        fail(q, c, "asked to fail");
        return;
    }
    if (c->kind == LAUNCH) {
        cnn_launch l = c->launch;
        l.parameters = c->data;
        for (size_t i = 0; i < sizeof l.in / sizeof *l.in; i++) {
            l.in[i] = elements_at(q, l.in[i]);
        }
        for (size_t i = 0; i < sizeof l.out / sizeof *l.out; i++) {
            l.out[i] = elements_at(q, l.out[i]);
        }
        l.workspace = elements_at(q, l.workspace);
        run_launch(q, c, &l);
    } else if (c->kind == WRITE) {
        memcpy(elements_at(q, c->to), c->data, c->bytes);
    } else if (c->kind == COPY) {
        memcpy(elements_at(q, c->to), elements_at(q, c->from), c->bytes);
    } else {
        memcpy(c->to, elements_at(q, c->from), c->bytes);
    }
}

static void *work(void *queue_of)
{
    queue *q = queue_of;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        while (!(q->run && q->first) && !q->end) {
            pthread_cond_wait(&q->wake, &q->lock);
        }
        if (!q->first) {
            break;
        }
        command *c = q->first;
        q->first = c->next;
        q->last = q->first ? q->last : NULL;
        q->waiting--;
        run(q, c);
        free(c->data);
        free(c);
        if (!q->first) {
            q->run = false;
            pthread_cond_broadcast(&q->done);
        }
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* Runs all that waits; the lock is held. */
static void drain(queue *q)
{
    while (q->first || q->run) {
        q->run = q->first != NULL;
        if (q->run) {
            pthread_cond_signal(&q->wake);
            pthread_cond_wait(&q->done, &q->lock);
        }
    }
}

static bool hand_over(queue *q, const command *given, const void *data, size_t bytes)
{
    command *c = malloc(sizeof *c);
    char *copy = data ? malloc(bytes ? bytes : 1) : NULL;
    if (!c || (data && !copy)) {
        free(c);
        free(copy);
        return false;
    }
    *c = *given;
    if (data) {
        memcpy(copy, data, bytes);
    }
    c->data = copy;
    c->next = NULL;
    pthread_mutex_lock(&q->lock);
    *(q->last ? &q->last->next : &q->first) = c;
    q->last = c;
    if (++q->waiting >= MOST_WAITING) {
        drain(q);
    }
    pthread_mutex_unlock(&q->lock);
    return true;
}

/* ---- the interface ---- */

static int count(void)
{
    return 2;
}

static bool properties(int index, cnn_device_properties *p)
{
    snprintf(p->name, sizeof p->name, "late:%d", index);
    snprintf(p->description, sizeof p->description, "a test device that works late");
    p->memory = (uint64_t)1 << 40;
    return index >= 0 && index < 2;
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void *open_queue(int index, char *message, size_t message_size)
{
    (void)index;
    queue *q = calloc(1, sizeof *q);
    if (!q) {
        snprintf(message, message_size, "no memory");
        return NULL;
    }
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
    pthread_cond_init(&q->done, NULL);
    q->fails = number_from("CNN_LATE_FAIL", 0);
    q->lacks = (int)number_from("CNN_LATE_LACKS", CNN_KERNEL_LIMIT);
    q->most_bytes = (size_t)number_from("CNN_LATE_MEMORY", SIZE_MAX / 2);
    if (pthread_create(&q->thread, NULL, work, q) != 0) {
        snprintf(message, message_size, "no thread");
        free(q);
        return NULL;
    }
    return q;
}

static void close_queue(void *queue_of)
{
    queue *q = queue_of;
    pthread_mutex_lock(&q->lock);
    drain(q);
    q->end = true;
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
    pthread_join(q->thread, NULL);
    if (q->block_count) {
        fprintf(stderr, "late device: %zu blocks are left\n", q->block_count);
        abort();
    }
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->wake);
    pthread_cond_destroy(&q->done);
    free(q->blocks);
    free(q);
}

static void deallocate(void *queue_of, void *address, size_t bytes)
{
    (void)bytes;
    hand_over(queue_of, &(command){ .kind = FREE, .to = address }, NULL, 0);
}

#define EXISTS(NAME, name) [CNN_KERNEL_##NAME] = true,
static const bool exists[CNN_KERNEL_LIMIT] = { CNN_KERNELS(EXISTS) };

static bool supports(void *queue_of, cnn_kernel kernel, cnn_dtype dtype)
{
    const queue *q = queue_of;
    (void)dtype;
    return (int)kernel >= 0 && kernel < CNN_KERNEL_LIMIT && exists[kernel] && (int)kernel != q->lacks;
}

static size_t workspace(void *queue_of, const cnn_launch *launch)
{
    (void)queue_of;
    return host->cpu_workspace(launch);
}

static bool launch_kernel(void *queue_of, const cnn_launch *launch)
{
    return hand_over(queue_of, &(command){ .kind = LAUNCH, .number = launch->number, .launch = *launch },
                     launch->parameters, launch->parameters_size);
}

static bool write_to(void *queue_of, void *to, const void *from, size_t bytes, uint64_t number)
{
    return hand_over(queue_of, &(command){ .kind = WRITE, .number = number, .to = to, .bytes = bytes }, from, bytes);
}

static bool copy_within(void *queue_of, void *to, const void *from, size_t bytes, uint64_t number)
{
    return hand_over(queue_of, &(command){ .kind = COPY, .number = number, .to = to, .from = from, .bytes = bytes },
                     NULL, 0);
}

static bool read_from(void *queue_of, void *to, const void *from, size_t bytes, uint64_t number)
{
    queue *q = queue_of;
    if (!hand_over(q, &(command){ .kind = READ, .number = number, .to = to, .from = from, .bytes = bytes }, NULL, 0)) {
        return false;
    }
    pthread_mutex_lock(&q->lock);
    drain(q);
    bool done = !q->failed;
    pthread_mutex_unlock(&q->lock);
    return done;
}

static bool wait_for(void *queue_of, uint64_t number, cnn_backend_failure *failure)
{
    queue *q = queue_of;
    (void)number;
    pthread_mutex_lock(&q->lock);
    drain(q);
    bool failed = q->failed;
    if (failed) {
        *failure = q->failure;
        q->failed = false;
    }
    pthread_mutex_unlock(&q->lock);
    return !failed;
}

static const cnn_backend backend = { .struct_size = sizeof backend,
                                     .api_version = CNN_BACKEND_VERSION,
                                     .name = "late",
                                     .count = count,
                                     .properties = properties,
                                     .open = open_queue,
                                     .close = close_queue,
                                     .allocate = allocate,
                                     .deallocate = deallocate,
                                     .supports = supports,
                                     .workspace = workspace,
                                     .launch = launch_kernel,
                                     .write = write_to,
                                     .copy = copy_within,
                                     .read = read_from,
                                     .wait = wait_for };

EXPORTED const cnn_backend *cnn_backend_query(uint32_t api_version, const cnn_backend_host *given)
{
    host = given;
    return api_version == CNN_BACKEND_VERSION ? &backend : NULL;
}
