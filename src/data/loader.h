/* The inside of loaders: what is written, by which threads, and into which of the rotating buffers.
 *
 * Three slots rotate: one holds the batch that the caller received last, one the batch before it, and one the batch
 * that the background threads are writing (drawn in docs/diagrams.md). Only the caller's thread decides what is
 * written: it posts one job at a time, whose samples the background threads divide among themselves. A job names its
 * seed, epoch, batch and floating-point mode, so the contents of a batch depend neither on which threads wrote it nor
 * on when.
 *
 * A batch is written in three parts: one thread begins it, which makes the epoch's order; any threads write its
 * samples, each to its own place; one thread finishes it, which collates tensors if there is a collate callback. */
#ifndef CNN_DATA_LOADER_H
#define CNN_DATA_LOADER_H

#include "data/dataset.h"
#include "data/sampler.h"
#include "platform/float_mode.h"

#include <cnn/loader.h>

enum { CNN__LOADER_SLOTS = 3 };

/* One of the rotating buffers: the same elements, seen as a full batch and as the short last batch of an epoch. */
typedef struct cnn__slot_tensors {
    cnn_tensor *images[2], *labels[2]; /* [0]: full batch; [1]: short batch, NULL if there is none */
    cnn_tensor *host[2];               /* on a device: where images and labels are written; else NULL */
    cnn_batch collated;                /* with a collate callback: what it made, in place of all these */
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
    cnn_loader_options options; /* the sampler in it is the loader's */
    int64_t size;               /* samples of an epoch */
    int64_t batch_size;         /* at most `size` */
    int64_t batch_count;
    int64_t short_size; /* size of the short last batch; 0: the last batch is full or left out */
    cnn__slot_tensors slots[CNN__LOADER_SLOTS];
    /* Used by whichever threads write batches: */
    int64_t *order; /* the order of epoch order_epoch; NULL when it is that of the dataset */
    uint64_t order_seed;
    int64_t order_epoch;  /* −1: no order was made yet */
    cnn_tensor **samples; /* for a collate callback: the images of the batch, then its labels; else NULL */
    /* Used by the caller's thread: */
    uint64_t seed; /* the seed of the current epoch */
    int64_t epoch, index;
    int next_slot;
    cnn_status status;
    /* Shared with the background threads and protected by the lock: */
    cnn__mutex lock;
    cnn__condition changed;
    cnn__work work;
    cnn__job job;
    int64_t next, end; /* the samples of the job that no thread has taken yet */
    int64_t failed;    /* the first sample of the job that failed */
    int busy;          /* how many threads work on the job now */
    cnn_status job_status;
    char job_message[CNN__MESSAGE_SIZE];
    atomic_bool stop; /* also read without the lock, between samples */
    bool synchronised;
    cnn__thread *threads;
    int thread_count; /* 0: the caller writes its batches itself */
    uint64_t process; /* the process that the threads belong to: they do not survive fork() */
};

/* ---- loader_write.c: the parts of a batch ---- */
int64_t cnn__loader_batch_size(const cnn_loader *loader, int64_t batch);
cnn_status cnn__loader_begin(cnn_loader *loader, const cnn__job *job);
/* Writes the samples from *first on, up to `end`. On failure *first is the sample that failed. */
cnn_status cnn__loader_write(cnn_loader *loader, const cnn__job *job, int64_t *first, int64_t end);
/* Ends a batch whose parts had the given status until now; returns the status of the whole. */
cnn_status cnn__loader_finish(cnn_loader *loader, const cnn__job *job, cnn_status status);
/* Frees what a collate callback made in a slot. */
void cnn__loader_drop_collated(cnn__slot_tensors *slot);

/* ---- loader_worker.c ---- */
/* Starts `count` background threads. */
cnn_status cnn__loader_start(cnn_loader *loader, int count);
/* Ends the background threads; does nothing if there are none. */
void cnn__loader_stop(cnn_loader *loader);
/* Returns once a batch is written: by the background threads, which may have finished it already, or by this thread. */
cnn_status cnn__loader_obtain(cnn_loader *loader, const cnn__job *job);
/* Posts a batch to the background threads, to be obtained later. */
void cnn__loader_post(cnn_loader *loader, const cnn__job *job);

/* ---- loader_make.c ---- */
/* Makes the memory of a loader and starts its threads. */
cnn_status cnn__loader_make(cnn_loader *loader, int64_t batch_size);
void cnn__loader_unmake(cnn_loader *loader);

#endif
