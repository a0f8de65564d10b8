/* Queues: opening, copies, waiting, and the rule of failure.
 *
 * A copy to or within the device is a kernel of ours, so that it, too, does nothing behind a failure; what is written
 * goes through memory of the host that the device reads, in two halves by turns. `read` and `wait` look at the queue's
 * record on the device, which says whether a kernel has failed. */
#include "device.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What lies in the pinned memory: two halves, a piece that is read to, the record as read, as new, and as it
 * was at the last mark, and two halves of moved arguments. */
enum {
    AT_READ = 2 * CUDA_HALF,
    READ_BYTES = CUDA_HALF,
    AT_RECORD = AT_READ + READ_BYTES,
    AT_NONE = AT_RECORD + 64,
    AT_MARK = AT_NONE + 64,
    AT_MOVED = AT_MARK + 64,
    PINNED_BYTES = AT_MOVED + 2 * CUDA_MOVED_HALF
};

/* What lies in the device's memory from the beginning. */
enum { RECORD_AND_BLOCKS = CUDA_RECORD_BYTES + CUDA_SEQUENCES * CUDA_MOVED_BYTES };
_Static_assert(sizeof(cuda_status) <= CUDA_RECORD_BYTES, "the record");

/* ---- failures ---- */

void cuda_fail(cuda_queue *q, uint64_t number, int kernel, const char *format, ...)
{
    va_list arguments;
    if (q->failed) {
        return;
    }
    q->failed = true;
    q->failure = (cnn_backend_failure){
        .struct_size = sizeof q->failure, .number = number, .status = CNN_ERROR_DEVICE, .kernel = kernel
    };
    va_start(arguments, format);
    vsnprintf(q->failure.message, sizeof q->failure.message, format, arguments);
    va_end(arguments);
    for (char *p = q->failure.message; *p; p++) {
        *p = *p == '\n' ? ' ' : *p;
    }
}

/* After these the driver lets the process use the device no more: each later call returns the same. */
static bool is_sticky(CUresult result)
{
    return result == CUDA_ERROR_ECC_UNCORRECTABLE || result == CUDA_ERROR_ILLEGAL_ADDRESS ||
           result == CUDA_ERROR_LAUNCH_TIMEOUT || result == CUDA_ERROR_CONTEXT_IS_DESTROYED ||
           result == CUDA_ERROR_ASSERT ||
           (result >= CUDA_ERROR_HARDWARE_STACK_ERROR && result <= CUDA_ERROR_LAUNCH_FAILED);
}

void cuda_note_lost(cuda_queue *q, CUresult result, const char *text)
{
    if (!q->lost && is_sticky(result)) {
        q->lost = true;
        snprintf(q->last_words, sizeof q->last_words, "%s", text);
    }
}

bool cuda_ok(cuda_queue *q, uint64_t number, int kernel, const char *function, CUresult result)
{
    char text[200];
    if (result == CUDA_SUCCESS) {
        return true;
    }
    cuda_describe(q->library, function, result, text, sizeof text);
    cuda_fail(q, number, kernel, "%s", text);
    cuda_note_lost(q, result, text);
    if (result == CUDA_ERROR_OUT_OF_MEMORY) {
        q->failure.status = CNN_ERROR_NO_MEMORY;
    }
    return false;
}

/* What a failure outside of any launch comes before: all that was handed over is taken as done. */
static uint64_t number_now(const cuda_queue *q)
{
    return q->current ? q->current : q->newest + 1;
}

static int kernel_now(const cuda_queue *q)
{
    return q->current ? q->current_kernel : -1;
}

bool cuda_enter(cuda_queue *q)
{
    if (q->owner != getpid()) {
        cuda_fail(q, number_now(q), kernel_now(q), "the queue belongs to process %ld, which opened it", (long)q->owner);
        return false;
    }
    if (q->lost) {
        cuda_fail(q, number_now(q), kernel_now(q), "%s", q->last_words);
        return false;
    }
    return cuda_ok(q, number_now(q), kernel_now(q), "cuCtxPushCurrent", q->library->cuCtxPushCurrent(q->context));
}

void cuda_leave(cuda_queue *q)
{
    CUcontext left;
    q->library->cuCtxPopCurrent(&left);
}

bool cuda_begin(cuda_queue *q, uint64_t number, int kernel)
{
    q->newest = q->current = number;
    q->current_kernel = kernel;
    if (!q->failed && cuda_enter(q)) {
        return true;
    }
    q->current = 0;
    return false;
}

bool cuda_end(cuda_queue *q, bool done)
{
    cuda_leave(q);
    q->current = 0;
    return done;
}

/* ---- opening and closing ---- */

static void release(cuda_queue *q)
{
    const cuda_library *l = q->library;
    cuda_graphs_forget(q);
    cuda_list_free(&q->list);
    cuda_notes_free(&q->notes);
    if (q->stream) {
        l->cuStreamSynchronize(q->stream);
    }
    cuda_products_free(q);
    cuda_convolutions_free(q);
    if (q->blas) {
        l->cublasLtDestroy(q->blas);
    }
    if (q->dnn) {
        l->cudnnDestroy(q->dnn);
    }
    for (int i = 0; i < CUDA_MODULES; i++) {
        if (q->modules[i]) {
            l->cuModuleUnload(q->modules[i]);
        }
    }
    free(q->functions);
    cuda_memory_release(q);
    for (int i = 0; i < 2; i++) {
        if (q->half_done[i]) {
            l->cuEventDestroy(q->half_done[i]);
        }
        if (q->moved_done[i]) {
            l->cuEventDestroy(q->moved_done[i]);
        }
    }
    if (q->marked) {
        l->cuEventDestroy(q->marked);
    }
    if (q->record) {
        l->cuMemFree(q->record); /* before what it is copied from */
    }
    if (q->pinned) {
        l->cuMemFreeHost(q->pinned);
    }
    if (q->stream) {
        l->cuStreamDestroy(q->stream);
    }
}

static bool make_record(cuda_queue *q)
{
    static const cuda_status none = CUDA_STATUS_NONE;
    const cuda_library *l = q->library;
    memcpy(q->pinned + AT_NONE, &none, sizeof none);
    memset(q->pinned + AT_RECORD, 0, sizeof none);
    return cuda_ok(q, 0, -1, "cuMemcpyHtoDAsync",
                   l->cuMemcpyHtoDAsync(q->record, q->pinned + AT_NONE, sizeof none, q->stream));
}

static bool open_libraries(cuda_queue *q)
{
    const cuda_library *l = q->library;
    int status = l->cublasLtCreate(&q->blas);
    if (status != CUBLAS_STATUS_SUCCESS) {
        q->blas = NULL;
        cuda_fail(q, 0, -1, "cublasLtCreate: %s", l->cublasLtGetStatusString(status));
        return false;
    }
    status = l->cudnnCreate(&q->dnn);
    if (status != CUDNN_STATUS_SUCCESS) {
        q->dnn = NULL;
        cuda_fail(q, 0, -1, "cudnnCreate: %s", l->cudnnGetErrorString(status));
        return false;
    }
    status = l->cudnnSetStream(q->dnn, q->stream);
    if (status != CUDNN_STATUS_SUCCESS) {
        cuda_fail(q, 0, -1, "cudnnSetStream: %s", l->cudnnGetErrorString(status));
    }
    return status == CUDNN_STATUS_SUCCESS;
}

/* The device's context is current. */
static bool set_up(cuda_queue *q)
{
    const cuda_library *l = q->library;
    void *pinned = NULL;
    int major = 0, minor = 0;
    bool done = cuda_ok(q, 0, -1, "cuDeviceGetAttribute",
                        l->cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, q->device)) &&
                cuda_ok(q, 0, -1, "cuDeviceGetAttribute",
                        l->cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, q->device)) &&
                cuda_ok(q, 0, -1, "cuStreamCreate", l->cuStreamCreate(&q->stream, CU_STREAM_NON_BLOCKING)) &&
                cuda_ok(q, 0, -1, "cuMemHostAlloc",
                        l->cuMemHostAlloc(&pinned, PINNED_BYTES, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP));
    q->pinned = pinned;
    q->moved = done ? q->pinned + AT_MOVED : NULL;
    q->architecture = 10 * major + minor;
    for (int i = 0; i < 2 && done; i++) {
        done = cuda_ok(q, 0, -1, "cuEventCreate", l->cuEventCreate(&q->half_done[i], CU_EVENT_DISABLE_TIMING)) &&
               cuda_ok(q, 0, -1, "cuEventCreate", l->cuEventCreate(&q->moved_done[i], CU_EVENT_DISABLE_TIMING));
    }
    done = done && cuda_ok(q, 0, -1, "cuEventCreate", l->cuEventCreate(&q->marked, CU_EVENT_DISABLE_TIMING));
    return done && cuda_ok(q, 0, -1, "cuMemAlloc", l->cuMemAlloc(&q->record, RECORD_AND_BLOCKS)) && make_record(q) &&
           open_libraries(q);
}

static bool add_copy(cuda_queue *q, void *to, const void *from, size_t bytes, uint64_t number)
{
    cuda_target target = { q, number, -1 };
    if (!cuda_plan_copy(to, from, bytes, (void *)(uintptr_t)q->record, cuda_add_call, &target)) {
        cuda_fail(q, number, -1, "there is no kernel for a copy");
        return false;
    }
    return true;
}

/* Compiles a kernel and lets it run, so that a device that cannot is not opened: it writes the record as it is. */
static bool try_kernel(cuda_queue *q)
{
    return add_copy(q, (void *)(uintptr_t)q->record, q->pinned + AT_NONE, sizeof(cuda_status), 0) && cuda_flush(q) &&
           cuda_ok(q, 0, -1, "cuStreamSynchronize", q->library->cuStreamSynchronize(q->stream));
}

static bool is_on(const char *variable, bool otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strcmp(text, "0") != 0 : otherwise;
}

static bool enter_device(cuda_queue *q, int index)
{
    const cuda_library *l = q->library;
    if (!cuda_ok(q, 0, -1, "cuDeviceGet", l->cuDeviceGet(&q->device, index)) ||
        !cuda_ok(q, 0, -1, "cuDevicePrimaryCtxRetain", l->cuDevicePrimaryCtxRetain(&q->context, q->device))) {
        return false;
    }
    if (!cuda_enter(q)) {
        l->cuDevicePrimaryCtxRelease(q->device);
        return false;
    }
    return true;
}

void *cuda_open(int index, char *message, size_t size)
{
    const cuda_library *l = cuda_library_open();
    cuda_queue *q = l && index < l->devices ? calloc(1, sizeof *q) : NULL;
    if (!q) {
        snprintf(message, size, "%s", l ? "no memory for a queue" : cuda_library_problem());
        return NULL;
    }
    q->library = l;
    q->owner = getpid();
    q->last = -1;
    q->tf32 = is_on("CNN_CUDA_TF32", false);
    q->graphs = is_on("CNN_CUDA_GRAPHS", true);
    q->moves = is_on("CNN_CUDA_MOVED", true);
    bool entered = enter_device(q, index), done = entered && set_up(q) && try_kernel(q);
    if (entered && !done) {
        release(q);
    }
    if (entered) {
        cuda_leave(q);
    }
    if (done) {
        return q;
    }
    if (entered) {
        l->cuDevicePrimaryCtxRelease(q->device);
    }
    snprintf(message, size, "%s", q->failure.message);
    free(q);
    return NULL;
}

/* Takes the mode of the context. Where the program has asked for none, CNN_CUDA_TF32 decides. */
void cuda_math(void *queue, cnn_math math)
{
    cuda_queue *q = queue;
    q->tf32 = math == CNN_MATH_TF32 || (math == CNN_MATH_FAST && q->tf32);
}

/* A child that fork() has made leaves all as it is: the driver's state is not its own. */
void cuda_close(void *queue)
{
    cuda_queue *q = queue;
    if (q->owner == getpid()) {
        bool entered = q->library->cuCtxPushCurrent(q->context) == CUDA_SUCCESS;
        if (!q->failed) {
            cuda_flush(q);
        }
        release(q);
        if (entered) {
            cuda_leave(q);
        }
        q->library->cuDevicePrimaryCtxRelease(q->device);
    }
    free(q);
}

/* ---- copies ---- */

/* Goes on to the other half, when the device has read what was in it. */
static bool next_half(cuda_queue *q, uint64_t number)
{
    const cuda_library *l = q->library;
    if (!cuda_flush(q) ||
        !cuda_ok(q, number, -1, "cuEventRecord", l->cuEventRecord(q->half_done[q->half], q->stream))) {
        return false;
    }
    q->half_used[q->half] = true;
    q->half = 1 - q->half;
    q->half_filled = 0;
    return !q->half_used[q->half] ||
           cuda_ok(q, number, -1, "cuEventSynchronize", l->cuEventSynchronize(q->half_done[q->half]));
}

static bool write_pieces(cuda_queue *q, char *to, const char *from, size_t bytes, uint64_t number)
{
    while (bytes > 0) {
        size_t room = CUDA_HALF - q->half_filled;
        if (room < (bytes < CUDA_HALF ? bytes : CUDA_HALF)) {
            if (!next_half(q, number)) {
                return false;
            }
            room = CUDA_HALF;
        }
        size_t piece = bytes < room ? bytes : room;
        char *place = q->pinned + (size_t)q->half * CUDA_HALF + q->half_filled;
        memcpy(place, from, piece);
        if (!add_copy(q, to, place, piece, number)) {
            return false;
        }
        q->half_filled += (piece + 63) / 64 * 64;
        q->staged += (piece + 63) / 64 * 64;
        to += piece;
        from += piece;
        bytes -= piece;
    }
    return true;
}

/* What was handed over to the stream can be waited for from now on without handing over what comes behind it. Where
 * that cannot be ordered, the wait is for everything. */
static void set_mark(cuda_queue *q, uint64_t number)
{
    const cuda_library *l = q->library;
    const bool marked =
        l->cuMemcpyDtoHAsync(q->pinned + AT_MARK, q->record, sizeof(cuda_status), q->stream) == CUDA_SUCCESS &&
        l->cuEventRecord(q->marked, q->stream) == CUDA_SUCCESS;
    q->mark = marked ? number : 0;
}

/* A write behind launches begins a new step, as a rule: what came before is handed over. Its own writes are to come
 * from one half of the pinned memory, so that the list is as it was in the step before. */
static bool begin_step(cuda_queue *q, uint64_t number)
{
    if (q->has_launch) {
        if (!cuda_flush(q)) {
            return false;
        }
        set_mark(q, number - 1);
    }
    const bool begins = q->staged == 0 && q->half_filled > 0 && q->half_filled + q->staged_before > CUDA_HALF;
    return !begins || next_half(q, number);
}

bool cuda_write(void *queue, void *to, const void *from, size_t bytes, uint64_t number)
{
    cuda_queue *q = queue;
    if (!cuda_begin(q, number, -1)) {
        return false;
    }
    return cuda_end(q, begin_step(q, number) && write_pieces(q, to, from, bytes, number));
}

bool cuda_copy(void *queue, void *to, const void *from, size_t bytes, uint64_t number)
{
    cuda_queue *q = queue;
    if (!cuda_begin(q, number, -1)) {
        return false;
    }
    return cuda_end(q, add_copy(q, to, from, bytes, number));
}

/* ---- waiting ---- */

/* Waits for the stream. A failure here is one of the device itself: which launch it was is unknown, so all that is not
 * known to be done has failed, and the device's context stays unusable. */
static bool wait_for_stream(cuda_queue *q)
{
    CUresult result = q->library->cuStreamSynchronize(q->stream);
    if (result != CUDA_SUCCESS) {
        cuda_ok(q, q->verified + 1, -1, "cuStreamSynchronize", result);
        q->failure.number = q->failure.number > q->verified + 1 ? q->verified + 1 : q->failure.number;
        if (!q->lost && result != CUDA_ERROR_OUT_OF_MEMORY) {
            q->lost = true;
            cuda_describe(q->library, "cuStreamSynchronize", result, q->last_words, sizeof q->last_words);
        }
    }
    return result == CUDA_SUCCESS;
}

static cuda_status *record_read(const cuda_queue *q)
{
    return (cuda_status *)(void *)(q->pinned + AT_RECORD);
}

/* Orders a copy of the record to the host. That it cannot be ordered says nothing of the work: it is tried twice. */
static bool order_record(cuda_queue *q)
{
    const bool failed = q->failed;
    bool ordered = false;
    for (int i = 0; i < 2 && !ordered; i++) {
        q->failed = failed;
        ordered =
            cuda_ok(q, number_now(q), -1, "cuMemcpyDtoHAsync",
                    q->library->cuMemcpyDtoHAsync(q->pinned + AT_RECORD, q->record, sizeof(cuda_status), q->stream));
    }
    return ordered;
}

/* Waits for all that was handed over. False: something has failed. */
static bool settle(cuda_queue *q)
{
    if (q->failed) {
        cuda_flush_before_failure(q);
    }
    bool done = (q->failed || cuda_flush(q)) && order_record(q);
    done = wait_for_stream(q) && done;
    if (done && !q->failed && record_read(q)->failed == 0) {
        q->verified = q->newest;
        return true;
    }
    return false;
}

/* Elements on their way to the host go through pinned memory, so that `to` stays as it is when something has failed. */
static bool read_pieces(cuda_queue *q, char *to, CUdeviceptr from, size_t bytes)
{
    while (bytes > 0) {
        size_t piece = bytes < READ_BYTES ? bytes : READ_BYTES;
        if (!cuda_ok(q, number_now(q), -1, "cuMemcpyDtoHAsync",
                     q->library->cuMemcpyDtoHAsync(q->pinned + AT_READ, from, piece, q->stream)) ||
            !settle(q)) {
            return false;
        }
        memcpy(to, q->pinned + AT_READ, piece);
        to += piece;
        from += piece;
        bytes -= piece;
    }
    return true;
}

bool cuda_read(void *queue, void *to, const void *from, size_t bytes, uint64_t number)
{
    cuda_queue *q = queue;
    if (!cuda_begin(q, number, -1)) {
        return false;
    }
    return cuda_end(q, cuda_flush(q) && read_pieces(q, to, (CUdeviceptr)(uintptr_t)from, bytes));
}

/* ---- the report ---- */

static void tell_bad_index(const cuda_status *record, cnn_backend_failure *failure)
{
    failure->number = record->failed;
    failure->status = CNN_ERROR_INVALID_ARGUMENT;
    failure->kernel = (int)record->kernel;
    failure->position = (int64_t)record->position;
    failure->value = record->value;
    snprintf(failure->message, sizeof failure->message, "the index at %lld is %lld", (long long)failure->position,
             (long long)failure->value);
}

/* Makes the queue as new, as far as the device lets it. What is listed has not been handed over and is dropped. */
static void start_again(cuda_queue *q)
{
    cuda_drop(q);
    q->mark = 0;
    q->verified = q->newest;
    q->failed = false;
    if (!q->lost) {
        make_record(q);
    }
}

/* Whether all up to a number is done and nothing has failed, as far as the mark says so. Nothing is handed over. */
static bool wait_for_mark(cuda_queue *q, uint64_t number)
{
    bool done = false;
    if (!q->failed && q->mark && number <= q->mark && q->library->cuCtxPushCurrent(q->context) == CUDA_SUCCESS) {
        const cuda_status *record = (const cuda_status *)(const void *)(q->pinned + AT_MARK);
        done = q->library->cuEventSynchronize(q->marked) == CUDA_SUCCESS && record->failed == 0;
        cuda_leave(q);
    }
    q->verified = done && q->mark > q->verified ? q->mark : q->verified;
    return done;
}

bool cuda_wait(void *queue, uint64_t number, cnn_backend_failure *failure)
{
    cuda_queue *q = queue;
    if (!q->failed && number <= q->verified) {
        return true;
    }
    if (!q->lost && q->owner == getpid() && wait_for_mark(q, number)) {
        return true;
    }
    /* A context that cannot be made current says nothing of the work, which may all be done: it is tried twice. */
    const bool failed = q->failed;
    bool entered = cuda_enter(q);
    if (!entered && !failed) {
        q->failed = false;
        entered = cuda_enter(q);
    }
    if (!entered) {
        *failure = q->failure;
        q->failed = false;
        if (q->lost) { /* what is not known to be done never will be */
            failure->number = failure->number > q->verified + 1 ? q->verified + 1 : failure->number;
            start_again(q);
        }
        return false;
    }
    bool done = settle(q);
    if (!done) {
        if (record_read(q)->failed != 0 && !q->lost) {
            tell_bad_index(record_read(q), failure);
        } else {
            *failure = q->failure;
        }
        start_again(q);
    }
    cuda_leave(q);
    return done;
}
