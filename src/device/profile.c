/* Recording: events in an array that grows, under a lock, and the frames that each thread is in. */
#include "device/profile.h"

#include "device/device.h"
#include "platform/clock.h"

#include <stdio.h>
#include <string.h>

enum { FIRST_EVENTS = 1 << 10, DEFAULT_LIMIT = 1 << 20 };

static _Thread_local cnn__profile_frame *innermost_frame;
/* A thread by a number that no other one has had; 0: it has none yet. */
static atomic_uint_fast64_t newest_thread;
static _Thread_local uint64_t this_thread;

/* ---- life ---- */

cnn_profile *cnn_profile_begin(cnn_context *ctx, const cnn_profile_options *options)
{
    const char *call = "profile_begin";
    cnn_profile_options o;
    if (!ctx) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "%s: ctx is NULL", call);
        return NULL;
    }
    if (CNN__OPTIONS_READ(ctx, call, &o, options) != CNN_OK) {
        return NULL;
    }
    if (o.limit < 0) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: limit is %lld, expected at least 1", call, (long long)o.limit);
        return NULL;
    }
    if (ctx->profile) {
        cnn__fail(ctx, CNN_ERROR_STATE, "%s: the context has a profile that has not ended", call);
        return NULL;
    }
    cnn_profile *p = cnn__calloc(ctx, 1, sizeof *p);
    if (!p) {
        cnn__fail_memory(ctx, call, sizeof *p);
        return NULL;
    }
    p->ctx = cnn__context_retain(ctx);
    cnn__mutex_init(&p->lock);
    p->limit = o.limit ? o.limit : DEFAULT_LIMIT;
    p->synchronize = o.synchronize;
    p->began = cnn__clock();
    ctx->profile = p;
    atomic_fetch_add(&ctx->observers, 1);
    return p;
}

cnn_status cnn_profile_end(cnn_profile *profile)
{
    if (!profile) {
        return cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "profile_end: profile is NULL");
    }
    if (profile->ctx->profile == profile) {
        profile->ended = cnn__clock();
        profile->ctx->profile = NULL;
        atomic_fetch_sub(&profile->ctx->observers, 1);
    }
    return CNN_OK;
}

void cnn_profile_free(cnn_profile *profile)
{
    if (!profile) {
        return;
    }
    cnn_profile_end(profile);
    cnn_context *ctx = profile->ctx;
    for (cnn__profile_frame *frame = innermost_frame; frame; frame = frame->outer) {
        if (frame->profile == profile) { /* freed in a callback of a forward that it records */
            frame->profile = NULL;
            frame->module = NULL;
        }
    }
    for (cnn__profiled_module *m = profile->modules, *next; m; m = next) {
        next = m->next;
        cnn__free(ctx, m);
    }
    for (cnn__profiled_thread *t = profile->threads, *next; t; t = next) {
        next = t->next;
        cnn__free(ctx, t);
    }
    cnn__free(ctx, profile->events);
    cnn__mutex_destroy(&profile->lock);
    cnn__free(ctx, profile);
    cnn__context_release(ctx);
}

bool cnn__profile_ended(const cnn_profile *profile, const char *call)
{
    bool recording = profile && profile->ctx->profile == profile;
    if (!profile || recording) {
        cnn__fail(profile ? profile->ctx : NULL, profile ? CNN_ERROR_STATE : CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                  profile ? "the profile has not ended, expected cnn_profile_end() first" : "profile is NULL");
    }
    return profile && !recording;
}

const cnn_profile_event *cnn_profile_get_event(const cnn_profile *profile, int64_t i)
{
    const char *call = "profile_get_event";
    if (!cnn__profile_ended(profile, call)) {
        return NULL;
    }
    if (i < 0) {
        cnn__fail(profile->ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: number %lld, expected 0 or more", call, (long long)i);
    }
    return i >= 0 && i < profile->count ? &profile->events[i] : NULL;
}

int64_t cnn_profile_dropped(const cnn_profile *profile)
{
    return cnn__profile_ended(profile, "profile_dropped") ? profile->dropped : 0;
}

/* ---- events ---- */

static bool has_room(cnn_profile *p)
{
    if (p->count < p->capacity || p->count == p->limit) {
        return p->count < p->limit;
    }
    int64_t wanted = p->capacity ? 2 * p->capacity : FIRST_EVENTS;
    wanted = wanted < p->limit ? wanted : p->limit;
    cnn_profile_event *more = cnn__alloc(p->ctx, (size_t)wanted * sizeof *more);
    if (!more) {
        return false;
    }
    if (p->count) {
        memcpy(more, p->events, (size_t)p->count * sizeof *more);
    }
    cnn__free(p->ctx, p->events);
    p->events = more;
    p->capacity = wanted;
    return true;
}

/* The thread that calls, which may be in several profiles by turns. The one that was asked for last is the first. */
static int number_of_thread(cnn_profile *p)
{
    if (!this_thread) {
        this_thread = 1 + atomic_fetch_add(&newest_thread, 1);
    }
    cnn__profiled_thread **link = &p->threads, *t;
    while ((t = *link) != NULL && t->thread != this_thread) {
        link = &t->next;
    }
    if (t) {
        *link = t->next;
    } else if ((t = cnn__alloc(p->ctx, sizeof *t)) != NULL) {
        t->thread = this_thread;
        t->number = p->thread_count++;
    } else {
        return p->thread_count;
    }
    t->next = p->threads;
    p->threads = t;
    return t->number;
}

static void add_event(cnn_profile *p, cnn_profile_event *event)
{
    int cancel = cnn__cancel_defer();
    cnn__mutex_lock(&p->lock);
    event->thread = number_of_thread(p);
    event->start -= p->began;
    if (has_room(p)) {
        p->events[p->count++] = *event;
    } else {
        p->dropped++;
    }
    cnn__mutex_unlock(&p->lock);
    cnn__cancel_restore(cancel);
}

void cnn__profile_launch(const cnn_context *ctx, const char *call, const cnn_launch *launch, double start)
{
    double seconds = cnn__clock() - start;
    const cnn__profile_frame *frame = innermost_frame;
    while (frame && frame->profile != ctx->profile) {
        frame = frame->outer;
    }
    const cnn__counts work = cnn__launch_counts(launch);
    add_event(ctx->profile, &(cnn_profile_event){ .kind = CNN_PROFILE_LAUNCH,
                                                  .name = call,
                                                  .kernel = cnn__kernel_name((int)launch->kernel),
                                                  .path = frame && frame->module ? frame->module->path : "",
                                                  .backward = frame && frame->backward,
                                                  .queued = ctx->device && !ctx->profile->synchronize,
                                                  .start = start,
                                                  .seconds = seconds,
                                                  .self_seconds = seconds,
                                                  .flops = work.flops,
                                                  .bytes = work.bytes });
}

/* ---- modules ---- */

/* Forwards run their modules in about the same order each time. */
const cnn__profiled_module *cnn__profile_find(cnn_profile *p, const void *module)
{
    cnn__mutex_lock(&p->lock);
    cnn__profiled_module *m = p->found;
    for (int pass = 0; pass < 2 && (!m || m->module != module); pass++) {
        m = m ? m : p->modules;
        while (m && m->module != module) {
            m = m->next;
        }
    }
    p->found = m ? m : p->found;
    cnn__mutex_unlock(&p->lock);
    return m;
}

const cnn__profiled_module *cnn__profile_add(cnn_profile *p, const void *module, const cnn__profiled_module *parent,
                                             const char *name, const char *type)
{
    const char *above = parent ? parent->path : "";
    size_t size = strlen(above) + strlen(name) + 2, type_size = strlen(type) + 1;
    int cancel = cnn__cancel_defer();
    cnn__profiled_module *m = cnn__alloc(p->ctx, sizeof *m + size + type_size);
    if (m) {
        *m = (cnn__profiled_module){ .parent = parent, .module = module, .type = m->path + size };
        snprintf(m->path, size, *above ? "%s.%s" : "%s%s", above, name);
        memcpy(m->path + size, type, type_size);
        cnn__mutex_lock(&p->lock);
        cnn__profiled_module *known = p->modules;
        while (known && known->module != module) {
            known = known->next;
        }
        if (known) { /* another thread was faster */
            cnn__free(p->ctx, m);
            m = known;
        } else {
            *(p->last ? &p->last->next : &p->modules) = m;
            p->last = m;
        }
        cnn__mutex_unlock(&p->lock);
    }
    cnn__cancel_restore(cancel);
    return m;
}

void cnn__profile_enter(cnn__profile_frame *frame, cnn_profile *profile, const cnn__profiled_module *module,
                        bool backward)
{
    *frame = (cnn__profile_frame){ .outer = innermost_frame,
                                   .profile = profile,
                                   .module = module,
                                   .backward = backward || (innermost_frame && innermost_frame->backward),
                                   .start = cnn__clock() };
    innermost_frame = frame;
}

void cnn__profile_leave(const cnn__profile_frame *frame, bool forward)
{
    double seconds = cnn__clock() - frame->start;
    innermost_frame = frame->outer;
    if (frame->outer) {
        frame->outer->inside += seconds;
    }
    if (forward && frame->module && frame->profile == frame->profile->ctx->profile) {
        add_event(frame->profile, &(cnn_profile_event){ .kind = CNN_PROFILE_MODULE,
                                                        .name = frame->module->type,
                                                        .kernel = "",
                                                        .path = frame->module->path,
                                                        .backward = frame->backward,
                                                        .start = frame->start,
                                                        .seconds = seconds,
                                                        .self_seconds = seconds - frame->inside });
    }
}
