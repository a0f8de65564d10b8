/* A device that computes nothing: it notes what it is asked for. A module that runs in a context on it leaves behind
 * the list of its launches and copies, whose addresses are numbers that stand for blocks of memory. */
#ifndef CNN_PREDICT_RECORDER_H
#define CNN_PREDICT_RECORDER_H

#include "device/device.h"

enum { CNN__OPERANDS = CNN__IN + CNN__OUT }; /* those of a launch: in[0], …, then out[0], … */

/* What was asked for in one step: a launch, or `bytes` that go from in[0] to out[0], where in[0] is either an address
 * of the device or, in a write, the host's memory `data`. */
typedef struct cnn__recorded {
    cnn_launch launch;             /* its parameters belong to the record */
    size_t bytes;                  /* 0: a launch */
    void *data;                    /* NULL: not a write */
    const char *call;              /* the operation of a launch, as messages say it */
    int slices;                    /* how many it is cut into, of which the launch is the first; 0: it is not cut */
    int64_t stride[CNN__OPERANDS]; /* bytes of each operand from one to the next */
} cnn__recorded;

static inline const void *cnn__operand(const cnn_launch *l, int i)
{
    return i < CNN__IN ? l->in[i] : l->out[i - CNN__IN];
}

static inline void cnn__operand_set(cnn_launch *l, int i, void *address)
{
    if (i < CNN__IN) {
        l->in[i] = address;
    } else {
        l->out[i - CNN__IN] = address;
    }
}

/* Memory that was asked for. No address is given out twice. */
typedef struct cnn__recorded_block {
    uintptr_t address;
    size_t bytes;
} cnn__recorded_block;

typedef struct cnn__recorder {
    cnn_context *ctx; /* whose memory the record is in, and whose kernels it is for */
    const cnn__device *device;
    cnn__recorded *steps;
    cnn__recorded_block *blocks; /* by address */
    int step_count, step_capacity, block_count, block_capacity;
    cnn_status status;  /* the status of the first thing that could not be recorded */
    const char *reason; /* what that was */
} cnn__recorder;

/* A context of the kind of `ctx` whose device notes everything in `recorder`, which outlives it and which
 * cnn__recorder_end() empties. NULL: reported. */
cnn_context *cnn__recorder_begin(cnn__recorder *recorder, cnn_context *ctx);
void cnn__recorder_end(cnn__recorder *recorder);

/* The number of the block that an address lies in, and how far; −1: in none, as NULL. */
int cnn__recorder_block(const cnn__recorder *recorder, const void *address, size_t *offset);

#endif
