/* The inside of loaders: what is written, by which thread, and into which of the rotating buffers.
 *
 * Three slots rotate: one holds the batch that the caller received last, one the batch before it, and one the batch
 * that the background thread is writing (drawn in docs/diagrams.md). Only the caller's thread decides what is written:
 * it posts one job at a time to the background thread. A job names its seed, epoch, batch and floating-point mode, so
 * the contents of a batch depend neither on which thread wrote it nor on when. */
#ifndef CNN_DATA_LOADER_H
#define CNN_DATA_LOADER_H

#include "data/dataset.h"
#include "platform/float_mode.h"

#include <cnn/loader.h>

enum { CNN__LOADER_SLOTS = 3 };

/* One of the rotating buffers: the same elements, seen as a full batch and as the short last batch of an epoch. */
typedef struct cnn__slot_tensors {
    cnn_tensor *images[2], *labels[2]; /* [0]: full batch; [1]: short batch, NULL if there is none */
    cnn_tensor *host[2];               /* on a device: where images and labels are written; else NULL */
} cnn__slot_tensors;

typedef struct cnn__job {
    uint64_t seed;
    int64_t epoch;
    int64_t batch;
    int slot;
    cnn__float_mode mode; /* the caller's floating-point mode */
} cnn__job;

typedef enum cnn__work { CNN__WORK_NONE, CNN__WORK_WAITING, CNN__WORK_RUNNING, CNN__WORK_DONE } cnn__work;

struct cnn_loader {
    cnn_context *ctx; /* the loader holds a reference */
    cnn_dataset *dataset;
    cnn_loader_options options;
    int64_t batch_size; /* at most the dataset's size */
    int64_t batch_count;
    int64_t short_size; /* size of the short last batch; 0: the last batch is full or left out */
    cnn__slot_tensors slots[CNN__LOADER_SLOTS];
    /* Used by whichever thread writes batches: */
    int64_t *order; /* the order of epoch order_epoch; NULL when not shuffled */
    uint64_t order_seed;
    int64_t order_epoch; /* −1: no order was made yet */
    /* Used by the caller's thread: */
    uint64_t seed; /* the seed of the current epoch */
    int64_t epoch, index;
    int next_slot;
    cnn_status status;
    /* Shared with the background thread and protected by the lock: */
    cnn__mutex lock;
    cnn__condition changed;
    cnn__work work;
    cnn__job job;
    cnn_status job_status;
    char job_message[CNN__MESSAGE_SIZE];
    atomic_bool stop; /* also read without the lock, between samples */
    bool threaded, synchronised;
    cnn__thread thread;
    uint64_t process; /* the process that the thread belongs to: it does not survive fork() */
};

int64_t cnn__loader_batch_size(const cnn_loader *loader, int64_t batch);
/* Starts the background thread. */
cnn_status cnn__loader_start(cnn_loader *loader);
/* Ends the background thread; does nothing if there is none. */
void cnn__loader_stop(cnn_loader *loader);
/* Returns once a batch is written: by the background thread, which may have finished it already, or by this thread. */
cnn_status cnn__loader_obtain(cnn_loader *loader, const cnn__job *job);
/* Posts a batch to the background thread, to be obtained later. */
void cnn__loader_post(cnn_loader *loader, const cnn__job *job);

#endif
