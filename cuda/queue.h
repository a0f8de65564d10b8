/* A queue of the CUDA back end: one context of the library on one device. All its work goes to one stream.
 *
 * Work is noted as a list of entries and handed to the stream by cuda_flush(): at once, or, where CUDA graphs are on,
 * when somebody waits or the next batch is written, so that a sequence that comes again can be launched as one graph.
 * The first failure on the host's side (a launch that CUDA refuses) stops the queue until it is reported; one on the
 * device (a bad index) is in the queue's record there, which every kernel of ours looks at before it does anything. */
#ifndef CNN_CUDA_QUEUE_H
#define CNN_CUDA_QUEUE_H

#include "library.h"
#include "plan.h"

#include <cnn/backend.h>

#include <sys/types.h>

/* ---- memory (memory.c) ---- */

/* A piece of a segment, which is what cuMemAlloc() gave. Neighbours in the array are neighbours in memory. */
typedef struct cuda_block {
    CUdeviceptr address, segment;
    size_t bytes;
    bool used, small;
} cuda_block;

typedef struct cuda_memory {
    cuda_block *blocks; /* by rising addresses */
    size_t count, room;
    size_t segments; /* bytes in all */
} cuda_memory;

/* ---- work (flush.c, graph.c) ---- */

typedef enum cuda_kind { CUDA_KERNEL, CUDA_PRODUCT, CUDA_CONVOLUTION } cuda_kind;

typedef struct cuda_product cuda_product;
typedef struct cuda_convolution cuda_convolution;

/* One piece of work. Everything but the argument and the number is compared when a sequence is looked up. */
typedef struct cuda_entry {
    cuda_kind kind;
    unsigned grid[3], block[3], shared;
    CUfunction function;
    const char *name; /* the kernel's; `module` is where it is */
    int module;
    const cuda_product *product;
    const cuda_convolution *convolution;
    void *operand[4];     /* those of a product or convolution */
    size_t scratch;       /* bytes of the queue's scratch memory that it uses */
    size_t argument_size; /* bytes of a kernel's argument */
    size_t argument;      /* where it begins in the list's bytes */
    int kernel;           /* a cnn_kernel; −1: a copy */
    uint64_t number;      /* the number of its launch or copy */
} cuda_entry;

typedef struct cuda_list {
    cuda_entry *entries;
    size_t count, room;
    unsigned char *bytes; /* the arguments, each aligned to 16 */
    size_t used, bytes_room;
} cuda_list;

/* Steps of an optimizer that are carried out by one call (group.c). */
typedef struct cuda_group {
    cuda_call call;
    CUfunction function;
    uint64_t number; /* the number of its first launch */
    int kernel;
} cuda_group;

enum {
    CUDA_SEQUENCES = 16,
    CUDA_GROUPS = 12,
    CUDA_MOVED_BYTES = 1 << 16, /* for those arguments of a sequence that are in the device's memory (moved.c) */
    CUDA_MOVED_HALF = 1 << 18,  /* one half of the pinned memory that they are copied from */
    CUDA_RECORD_BYTES = 256     /* for the record, which the blocks of all sequences stand behind */
};

/* A launch and the entries that it has become. */
typedef struct cuda_note {
    cnn_launch launch; /* its parameters are in the notes' bytes */
    size_t parameters;
    size_t first, entries;
    bool whole; /* its entries are all of it, and nothing else: none of them is a group */
} cuda_note;

typedef struct cuda_notes {
    cuda_note *notes;
    size_t count, room;
    unsigned char *bytes;
    size_t used, bytes_room;
    bool incomplete; /* there was no memory for some */
} cuda_notes;

/* A sequence that has come before, and its graph once it has come twice. */
typedef struct cuda_sequence {
    cuda_list list;
    cuda_notes notes;
    int next; /* the sequence that came behind it; −1: none */
    uint64_t hash, last_use;
    size_t scratch; /* where the scratch memory was */
    CUgraphExec exec;
    CUgraph graph;
    CUgraphNode *nodes; /* one per entry; NULL for libraries' */
    bool *changed;      /* per entry: the graph has another argument than the list */
    bool *loose;        /* per entry: its argument is no longer that of its note */
    uint8_t *changes;   /* per entry: how often its argument has been another one, up to 255 */
    size_t *place;      /* per entry: where its argument is in the sequence's block; SIZE_MAX: in the graph */
    size_t moved_bytes; /* the size of the block */
    int captures;
    int seen;
    bool refused; /* no graph can be made of it */
} cuda_sequence;

/* ---- the queue (queue.c) ---- */

enum { CUDA_MODULES = 32, CUDA_HALF = 4 << 20 };

typedef struct cuda_function {
    const char *name;
    CUfunction function;
} cuda_function;

typedef struct cuda_queue {
    const cuda_library *library;
    CUdevice device;
    CUcontext context;
    CUstream stream;
    pid_t owner;      /* the process that opened it */
    int architecture; /* 90: sm_90 */

    cuda_memory memory;
    CUdeviceptr scratch; /* for products and convolutions, one after the other */
    size_t scratch_bytes;

    CUdeviceptr record; /* a cuda_status on the device */
    char *pinned;       /* the host's: two halves that are written from in turn, then what `read` needs */
    CUevent half_done[2];
    bool half_used[2];
    int half;
    size_t half_filled;
    size_t staged, staged_before; /* bytes written since the last flush, and about as many as a step writes */
    CUevent marked;               /* behind what was handed over at the last mark, and behind a copy of the record */
    uint64_t mark;                /* everything up to this number is before it; 0: there is none */

    CUmodule modules[CUDA_MODULES];
    cuda_function *functions; /* a table by name, with open addressing */
    size_t function_count, function_room;

    cublasLtHandle_t blas;
    cudnnHandle_t dnn;
    cuda_product **products;
    size_t product_count, product_room;
    cuda_convolution **convolutions;
    size_t convolution_count, convolution_room;
    bool tf32;

    bool graphs;
    bool moves;  /* arguments that change are read from the device's memory */
    char *moved; /* in the pinned memory: two halves that they are written to in turn */
    CUevent moved_done[2];
    bool moved_used[2];
    int moved_half;
    size_t moved_filled;
    cuda_list list;
    cuda_group groups[CUDA_GROUPS]; /* behind the list, in their order */
    int group_count;
    bool has_launch; /* the list or a group has more than copies */
    cuda_sequence sequences[CUDA_SEQUENCES];
    uint64_t uses;
    cuda_notes notes;        /* those of the list */
    cuda_sequence *followed; /* what is handed over is this so far (replay.c); the list is empty meanwhile */
    size_t entry_at, note_at;
    uint64_t flushes; /* how often something was handed over */
    int last;         /* the sequence that was carried out last; −1: none */

    uint64_t newest, verified; /* the newest number that was handed over, and the newest that is known to be done */
    uint64_t current;          /* the launch or copy that is being handed over; 0: none */
    int current_kernel;        /* its kernel; −1: a copy */
    bool failed, lost;         /* something has failed on the host's side; the device's context is unusable for good */
    char denied[256];          /* why the newest cuda_allocate() that failed did */
    cnn_backend_failure failure;
    char last_words[200]; /* what CUDA said when the device was lost */
} cuda_queue;

/* Makes the device's context current in this thread until cuda_leave(). False: the queue is another process's, or CUDA
 * refuses, which is recorded. */
bool cuda_enter(cuda_queue *q);
void cuda_leave(cuda_queue *q);
/* The same for a call that hands over launch or copy `number`; false also where something has failed before. */
bool cuda_begin(cuda_queue *q, uint64_t number, int kernel);
bool cuda_end(cuda_queue *q, bool done); /* returns `done` */

/* Records a failure, of which the first one counts. `kernel` is −1 for a copy or the device itself. */
void cuda_fail(cuda_queue *q, uint64_t number, int kernel, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether a result is success; else the failure is recorded with CUDA's words. */
/* Notes that the device is lost, where a result says so; `text` is what is said of it from then on. */
void cuda_note_lost(cuda_queue *q, CUresult result, const char *text);
bool cuda_ok(cuda_queue *q, uint64_t number, int kernel, const char *function, CUresult result);

void *cuda_allocate(void *queue, size_t bytes);
void cuda_deallocate(void *queue, void *address, size_t bytes);
/* Why the newest allocation that failed did. */
void cuda_problem(void *queue, char *message, size_t size);
void cuda_memory_release(cuda_queue *q); /* gives back all of it */

/* Finds a kernel, whose module is compiled and loaded by its first use. NULL: recorded. */
CUfunction cuda_function_find(cuda_queue *q, const char *name, int module, uint64_t number, int kernel);

/* Compiles a module for an architecture, or takes it from the cache. The caller frees the cubin. NULL: `why`. */
void *cuda_compile(const cuda_library *library, const cuda_module *module, int architecture, char *why, size_t size);

/* Adds an entry behind all that was added before, with its argument's bytes. False: recorded. */
bool cuda_add(cuda_queue *q, const cuda_entry *entry, const void *argument);
/* Adds a kernel's call; the cuda_emit of plans whose `to` is a cuda_target. */
typedef struct cuda_target {
    cuda_queue *queue;
    uint64_t number;
    int kernel;
} cuda_target;
bool cuda_add_call(void *target, const cuda_call *call);
/* Joins a table to an open group, or opens one for it. False: recorded. */
bool cuda_group_add(cuda_queue *q, const cuda_call *call, uint64_t number, int kernel);
/* Lists the open groups whose number is less than `before`, and drops the others. False: recorded. */
bool cuda_groups_close(cuda_queue *q, uint64_t before);
/* Hands what is listed to the stream. False: something has failed. */
bool cuda_flush(cuda_queue *q);
/* Hands over what stands before a failure of something that is not in the list. */
void cuda_flush_before_failure(cuda_queue *q);
/* Drops what has not been handed over. */
void cuda_drop(cuda_queue *q);
/* Hands one entry to the stream. */
bool cuda_issue(cuda_queue *q, const cuda_entry *entry, unsigned char *bytes);
/* Carries the list out as a graph if it has come before. 1: done; 0: hand it over entry by entry; −1: it has failed. */
int cuda_graph_run(cuda_queue *q);
/* Brings the arguments of a sequence's graph up to date and launches it, with the same results. */
int cuda_graph_launch(cuda_queue *q, cuda_sequence *s, uint64_t number);
void cuda_graphs_forget(cuda_queue *q);

/* ---- arguments in the device's memory (moved.c) ---- */

/* Whether there is a variant of an entry's kernel that reads its argument from there. */
bool cuda_may_move(const cuda_queue *q, const cuda_entry *e);
/* Gives the arguments that have changed their places in the sequence's block. */
void cuda_move(cuda_queue *q, cuda_sequence *s);
/* Hands entry i to the stream, with its argument in the block. */
bool cuda_issue_moved(cuda_queue *q, cuda_sequence *s, size_t i);
/* Brings all that was moved into the block. False: recorded. */
bool cuda_send_moved(cuda_queue *q, cuda_sequence *s, uint64_t number);

bool cuda_list_add(cuda_list *list, const cuda_entry *entry, const void *argument);
void cuda_list_free(cuda_list *list);
/* Everything but argument and number. */
bool cuda_same_shape(const cuda_entry *a, const cuda_entry *b);
/* Takes over an argument; whether it is another one. */
bool cuda_sequence_update(cuda_sequence *s, size_t i, const cuda_entry *entry, const void *argument);

/* ---- sequences that come again (replay.c) ---- */

/* Whether a launch is the next one of the sequence that is followed: there is nothing more to do for it. Otherwise its
 * entries are to be added, and cuda_replay_note() comes behind them. */
bool cuda_replay_launch(cuda_queue *q, const cnn_launch *launch);
/* Notes a launch whose entries begin at `first`; `whole`: no group was open, and nothing has been flushed. */
void cuda_replay_note(cuda_queue *q, const cnn_launch *launch, size_t first, bool whole);
/* How many entries have been handed over since the last flush. */
size_t cuda_replay_position(const cuda_queue *q);
/* Whether an entry is the next one of the sequence that is followed. Where it is not, what was followed so far is in
 * the list. False with q->failed: no memory. */
bool cuda_replay_entry(cuda_queue *q, const cuda_entry *entry, const void *argument);
/* Carries out what was followed, with the results of cuda_graph_run(); 0: it is in the list. */
int cuda_replay_run(cuda_queue *q);
/* Puts what was followed into the list. */
void cuda_replay_leave(cuda_queue *q);
void cuda_notes_free(cuda_notes *notes);

/* Makes the scratch memory at least that large; what is listed is handed over before it moves. */
bool cuda_scratch(cuda_queue *q, size_t bytes);

bool cuda_launch(void *queue, const cnn_launch *launch);
bool cuda_supports(void *queue, cnn_kernel kernel, cnn_dtype dtype);
size_t cuda_workspace(void *queue, const cnn_launch *launch);

/* ---- products by cuBLASLt (product.c) ---- */

/* Whether a launch is a product that cuBLASLt makes. */
bool cuda_product_fits(const cnn_launch *launch);
/* Adds the entries of a product. 1: done; 0: cuBLASLt cannot; −1: it has failed. */
int cuda_product_add(cuda_queue *q, const cnn_launch *launch);
bool cuda_product_issue(cuda_queue *q, const cuda_entry *entry);
void cuda_products_free(cuda_queue *q);

/* ---- convolutions by cuDNN (convolution.c) ---- */

/* Whether a launch is a convolution that cuDNN is asked for. `unset`: its operands are not known yet. */
bool cuda_convolution_fits(const cnn_launch *launch, bool unset);
/* A plan for a launch that fits, which may be one that was made before; `bias`: one that adds the bias, too. NULL:
 * cuDNN has none that is as exact and as repeatable as is asked for, or something has failed, which is recorded. */
const cuda_convolution *cuda_convolution_find(cuda_queue *q, const cnn_launch *launch, bool bias);
/* Whether ReLU and pooling are part of a launch: it needs a workspace for what is before them. */
bool cuda_is_pooled(const cnn_launch *launch);
/* Adds ReLU and pooling (in: the convolution's result; out: y, index or NULL) or the way back (in: dy, index; out: the
 * gradient of the convolution's result). */
bool cuda_pooling_add(cuda_queue *q, const cnn_launch *launch, const cnn_conv *g, bool forward, const void *const in[2],
                      void *const out[2]);
/* Adds the entries of a convolution. 1: done; 0: cuDNN cannot; −1: it has failed. */
int cuda_convolution_add(cuda_queue *q, const cnn_launch *launch);
bool cuda_convolution_issue(cuda_queue *q, const cuda_entry *entry);
void cuda_convolutions_free(cuda_queue *q);

#endif
