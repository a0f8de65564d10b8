/* The back ends that this process knows, and where they come from. The CPU is one of them, without a queue. */
#include "device/device.h"
#include "platform/cpu.h"
#include "platform/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BACKENDS = 16, PATH = 4096 };

static cnn__mutex backends_lock = CNN__MUTEX;
static const cnn_backend *backends_known[MAX_BACKENDS];
static atomic_int known_count; /* rises under the lock; an entry below it never changes */
static char problems[1024];    /* written before `searched` is */
static cnn__once searched = CNN__ONCE;

/* ---- adding ---- */

static bool name_is_plain(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    bool plain = length > 0 && length < 16 && strcmp(name, "cpu") != 0 && strcmp(name, "auto") != 0;
    for (size_t i = 0; i < length; i++) {
        plain = plain && ((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9'));
    }
    return plain;
}

/* What is wrong with it; NULL: nothing. */
static const char *flaw(const cnn_backend *b)
{
    if (!b) {
        return "backend is NULL";
    }
    if (b->api_version != CNN_BACKEND_VERSION || b->struct_size < offsetof(cnn_backend, math)) {
        return "the back end is made for another version of the interface";
    }
    if (!name_is_plain(b->name)) {
        return "its name is not of lower-case letters and digits, or it is \"cpu\" or \"auto\"";
    }
    bool whole = b->count && b->properties && b->open && b->close && b->allocate && b->deallocate && b->supports &&
                 b->workspace && b->launch && b->write && b->copy && b->read && b->wait;
    return whole ? NULL : "one of its functions is NULL";
}

/* Enters it under the lock. */
static const char *backends_enter(const cnn_backend *backend)
{
    int count = atomic_load(&known_count);
    for (int i = 0; i < count; i++) {
        if (strcmp(backends_known[i]->name, backend->name) == 0) {
            return backends_known[i] == backend ? NULL : "its name is taken by another back end";
        }
    }
    if (count == MAX_BACKENDS) {
        return "there is no room for more back ends";
    }
    backends_known[count] = backend;
    atomic_store(&known_count, count + 1);
    return NULL;
}

static cnn_status backends_add(const char *call, const cnn_backend *backend)
{
    const char *wrong = flaw(backend);
    if (!wrong) {
        cnn__mutex_lock(&backends_lock);
        wrong = backends_enter(backend);
        cnn__mutex_unlock(&backends_lock);
    }
    return wrong ? cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call, wrong) : CNN_OK;
}

cnn_status cnn_backend_add(const cnn_backend *backend)
{
    return backends_add("backend_add", backend);
}

/* ---- loading ---- */

static const cnn_backend_host host = { sizeof host, cnn_cpu_launch, cnn_cpu_workspace };

static cnn_status backends_load(const char *path)
{
    const char *call = "backend_load";
    char why[256] = "";
    if (!path) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: path is NULL", call);
    }
    void *library = cnn__library_open(path, why, sizeof why);
    if (!library) {
        return cnn__fail(NULL, CNN_ERROR_DEVICE, "%s: \"%s\" could not be loaded: %s", call, CNN__Q(path), why);
    }
    cnn_backend_query_fn query = (cnn_backend_query_fn)cnn__library_function(library, "cnn_backend_query");
    const cnn_backend *backend = query ? query(CNN_BACKEND_VERSION, &host) : NULL;
    if (!backend) {
        return cnn__fail(NULL, CNN_ERROR_DEVICE, "%s: \"%s\" %s", call, CNN__Q(path),
                         query ? "has no back end for version 1 of the interface"
                               : "does not export cnn_backend_query()");
    }
    return backends_add(call, backend);
}

cnn_status cnn_backend_load(const char *path)
{
    return backends_load(path);
}

static void load_found(const char *path, void *user)
{
    (void)user;
    if (backends_load(path) != CNN_OK) {
        size_t length = strlen(problems);
        snprintf(problems + length, sizeof problems - length, "%s%s", length ? "\n" : "", cnn__failure_message());
    }
}

static void search_folder(const char *folder)
{
    cnn__folder_visit(folder, CNN__BACKEND_BEGIN, CNN__BACKEND_END, load_found, NULL);
}

/* An empty entry is no folder: the current one is never searched. */
static void search_list(const char *list)
{
    char folder[PATH];
    while (list && *list) {
        const char *end = strchr(list, CNN__FOLDER_SEPARATOR);
        size_t length = end ? (size_t)(end - list) : strlen(list);
        if (length > 0 && length < sizeof folder) {
            memcpy(folder, list, length);
            folder[length] = '\0';
            search_folder(folder);
        }
        list = end ? end + 1 : NULL;
    }
}

static void search_all(void)
{
    char folder[PATH], installed[PATH + 8];
    search_list(getenv("CNN_BACKEND_PATH"));
    if (cnn__library_folder(folder, sizeof folder)) {
        snprintf(installed, sizeof installed, "%s/cnn-0", folder);
        search_folder(installed);
    }
}

static int backends(void)
{
    int cancel = cnn__cancel_defer(); /* reading folders is a cancellation point */
    cnn__once_run(&searched, search_all);
    cnn__cancel_restore(cancel);
    return atomic_load(&known_count);
}

const char *cnn_device_problem(void)
{
    backends();
    return problems;
}

/* ---- devices ---- */

int cnn_device_count(void)
{
    int count = 1, of = backends();
    for (int i = 0; i < of; i++) {
        count += backends_known[i]->count();
    }
    return count;
}

/* The back end of device `index`, whose number within it is written; NULL: the CPU for 0, else none. */
static const cnn_backend *backend_at(int index, int *within)
{
    int of = backends(), left = index > 0 ? index - 1 : -1; /* any int may come here */
    for (int i = 0; i < of && left >= 0; i++) {
        int count = backends_known[i]->count();
        if (left < count) {
            *within = left;
            return backends_known[i];
        }
        left -= count;
    }
    return NULL;
}

static void describe_cpu(cnn_device_properties *p)
{
    memcpy(p->name, "cpu", sizeof "cpu");
    snprintf(p->description, sizeof p->description, "%d CPUs, %s kernels", cnn__cpu_count(),
             cnn__kernels_select(NULL)->name);
    p->host_memory = true;
}

cnn_status cnn_device_describe(int index, cnn_device_properties *properties)
{
    const char *call = "device_describe";
    cnn_device_properties p = { .struct_size = sizeof p };
    int within = 0;
    if (!properties) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: properties is NULL", call);
    }
    if (!cnn__struct_size_is_sane(properties->struct_size)) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: struct_size is %zu, expected %zu", call,
                         properties->struct_size, sizeof p);
    }
    const cnn_backend *backend = backend_at(index, &within);
    if (index < 0 || (index > 0 && !backend)) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: index is %d, expected 0 to %d", call, index,
                         cnn_device_count() - 1);
    }
    if (!backend) {
        describe_cpu(&p);
    } else if (!backend->properties(within, &p)) {
        return cnn__fail(NULL, CNN_ERROR_DEVICE, "%s: device %s:%d does not answer", call, backend->name, within);
    }
    size_t size = properties->struct_size, ours = size < sizeof p ? size : sizeof p;
    memset(properties, 0, size);
    memcpy(properties, &p, ours);
    properties->struct_size = size;
    return CNN_OK;
}

const cnn_backend *cnn__backend_find(const char *name, int *index)
{
    size_t length = strcspn(name, ":");
    int of = backends();
    char *end = NULL;
    long number = name[length] ? strtol(name + length + 1, &end, 10) : 0;
    bool digits = !name[length] || (name[length + 1] >= '0' && name[length + 1] <= '9' && *end == '\0');
    for (int i = 0; i < of && digits; i++) {
        if (strlen(backends_known[i]->name) == length && memcmp(backends_known[i]->name, name, length) == 0) {
            int count = backends_known[i]->count();
            *index = (int)number;
            return number < count || count == 0 ? backends_known[i] : NULL;
        }
    }
    return NULL;
}

bool cnn_device_available(const char *name)
{
    int index;
    const cnn_backend *found = name ? cnn__backend_find(name, &index) : NULL;
    return name && (strcmp(name, "cpu") == 0 || (found && index < found->count()));
}

void cnn__device_names(char *text, size_t size)
{
    int count = cnn_device_count();
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        cnn_device_properties p = { .struct_size = sizeof p };
        size_t length = strlen(text);
        if (cnn_device_describe(i, &p) == CNN_OK) {
            snprintf(text + length, size - length, "%s%s", i ? ", " : "", p.name);
        }
    }
}
