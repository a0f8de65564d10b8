/* The inside of loaders: what is written, by whom, and into which of the rotating buffers.
 *
 * Three slots rotate: the batch that the caller got last, the one before it, and the one that the thread writes now.
 * The caller's thread alone decides what is written: it leaves one job at a time to the background thread, and a job
 * names its seed, epoch, batch and floating-point mode, so what is in a batch does not depend on who wrote it, or
 * when. */
#ifndef CNN_DATA_LOADER_H
#define CNN_DATA_LOADER_H

#include "base/float_mode.h"
#include "data/dataset.h"

#include <cnn/loader.h>

enum { CNN__LOADER_SLOTS = 3 };

/* One of the rotating buffers: the same elements seen as a full batch and as the short last one. */
typedef struct cnn__slot_tensors {
    cnn_tensor *images[2], *labels[2]; /* [1]: of the short batch; NULL if there is none */
} cnn__slot_tensors;

typedef struct cnn__job {
    uint64_t seed;
    int64_t epoch;
    int64_t batch;
    int slot;
    cnn__float_mode mode; /* of the caller */
} cnn__job;

typedef enum cnn__work { CNN__WORK_NONE, CNN__WORK_WAITING, CNN__WORK_RUNNING, CNN__WORK_DONE } cnn__work;

struct cnn_loader {
    cnn_context *ctx; /* held */
    cnn_dataset *dataset;
    cnn_loader_options options;
    int64_t batch_size; /* never above the dataset's size */
    int64_t batch_count;
    int64_t short_size; /* of the last batch; 0: it is full or left out */
    cnn__slot_tensors slots[CNN__LOADER_SLOTS];
    /* Of whoever writes batches: */
    int64_t *order; /* of the epoch below; NULL when not shuffled */
    uint64_t order_seed;
    int64_t order_epoch; /* −1: none yet */
    /* Of the caller's thread: */
    uint64_t seed; /* of the epoch under way */
    int64_t epoch, index;
    int next_slot;
    cnn_status status;
    /* Shared with the background thread, under the lock: */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    cnn__work work;
    cnn__job job;
    cnn_status job_status;
    char job_message[CNN__MESSAGE_SIZE];
    atomic_bool stop; /* also read between samples */
    bool threaded, synchronised;
    pthread_t thread;
    uint64_t process; /* whose thread it is: none survives fork() */
};

int64_t cnn__loader_batch_size(const cnn_loader *loader, int64_t batch);
/* Starts the background thread, and ends it; the latter is fine when there is none. */
cnn_status cnn__loader_start(cnn_loader *loader);
void cnn__loader_stop(cnn_loader *loader);
/* Has a batch written, here or by the thread, which may have done it already. */
cnn_status cnn__loader_obtain(cnn_loader *loader, const cnn__job *job);
/* Leaves a batch to the thread, to be obtained later. */
void cnn__loader_post(cnn_loader *loader, const cnn__job *job);

#endif
