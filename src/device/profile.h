/* What a profile hears of: launches, wherever they are handed over, and the modules and backwards around them. While a
 * context has observers its launches take the way that calls these functions; otherwise nothing here runs. */
#ifndef CNN_DEVICE_PROFILE_H
#define CNN_DEVICE_PROFILE_H

#include "base/context.h"
#include "kernels/launch.h"

#include <cnn/profile.h>

struct cnn_profile {
    cnn_context *ctx; /* held */
    cnn__mutex lock;  /* guards what follows while the profile records */
    double began, ended;
    int64_t limit, count, capacity, dropped;
    cnn_profile_event *events;
    struct cnn__profiled_module *modules, *last; /* in the order in which they became known */
    struct cnn__profiled_module *found;          /* where the search for the next one begins */
    struct cnn__profiled_thread *threads;
    int thread_count;
    bool synchronize;
};

typedef struct cnn__profiled_thread {
    struct cnn__profiled_thread *next;
    uint64_t thread;
    int number; /* in the profile */
} cnn__profiled_thread;

/* A module that a forward has run, or one above it. */
typedef struct cnn__profiled_module {
    struct cnn__profiled_module *next;
    const struct cnn__profiled_module *parent;
    const void *module; /* never followed */
    const char *type;   /* behind the path */
    char path[];        /* what events point at */
} cnn__profiled_module;

/* A forward of a module or a backward of an operation that the thread is in; on the stack of its caller. */
typedef struct cnn__profile_frame {
    struct cnn__profile_frame *outer;
    cnn_profile *profile;
    const cnn__profiled_module *module; /* NULL: none */
    bool backward;
    double start, inside; /* seconds that forwards inside took */
} cnn__profile_frame;

/* Whether launches of the context are watched, by a profile or a trace. */
static inline bool cnn__observed(const cnn_context *ctx)
{
    return __builtin_expect(atomic_load_explicit(&ctx->observers, memory_order_relaxed) != 0, 0);
}

/* Notes a launch that began at `start` (cnn__clock()) and has been handed over. */
void cnn__profile_launch(const cnn_context *ctx, const char *call, const cnn_launch *launch, double start);

/* A module that is known; NULL: it is not. */
const cnn__profiled_module *cnn__profile_find(cnn_profile *profile, const void *module);
/* Makes it known by its name in its parent, which may be NULL; NULL: no memory. */
const cnn__profiled_module *cnn__profile_add(cnn_profile *profile, const void *module,
                                             const cnn__profiled_module *parent, const char *name, const char *type);

void cnn__profile_enter(cnn__profile_frame *frame, cnn_profile *profile, const cnn__profiled_module *module,
                        bool backward);
/* `forward`: of a module, which is an event; a backward is none. */
void cnn__profile_leave(const cnn__profile_frame *frame, bool forward);

/* Whether the profile is there and has ended; else reported as `call`. */
bool cnn__profile_ended(const cnn_profile *profile, const char *call);

#endif
