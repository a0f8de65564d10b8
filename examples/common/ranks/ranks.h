/* The processes that mpirun started, for --mpi. libcnn-mpi is opened at run time, so that one program works without any MPI and
 * with whichever starts it. Rank 0 alone prints and writes files. */
#ifndef COMMON_RANKS_H
#define COMMON_RANKS_H

#include "common/progress.h"
#include "common/records.h"
#include "common/score.h"

typedef struct ranks ranks;

/* How all ranks together train. */
typedef struct ranks_plan {
    int64_t batch_size; /* the batch of all processes */
    int64_t shards;     /* parts of a batch; 0: the MPI's own sum */
    int loader_threads;
    bool losses;    /* on rank 0: its records are told of each step's loss */
    bool sync_norm; /* batch normalisation over all ranks: one part per rank, and the last batch is left out if it is not full */
} ranks_plan;

/* What moves the learning rate: nothing, if all are NULL. */
typedef struct ranks_pace {
    cnn_status (*before_step)(void *user, double step, double steps); /* the number of the step, and how many an epoch has */
    void *user;
    cnn_scheduler *schedule; /* moves after each step */
} ranks_pace;

/* Is this one of several processes, and not the first? As the launchers' variables say it, before MPI is started. */
bool ranks_is_other(void);

/* Keeps the lines of such a process (say_keep()) from the start, if the command line has --mpi or its letter, "-M": all processes
 * have the same command line, and what is wrong with it is said once. */
void ranks_hush(int argc, char **argv, const char *letter);

/* Opens the library of the MPI that started this process, and starts MPI; NULL after one line. From here on lines of other
 * ranks than 0 are kept for ranks_agree(). */
ranks *ranks_open(void);
int ranks_threads(const ranks *r); /* how many threads this rank should compute with */
bool ranks_join(ranks *r, cnn_context *ctx); /* collective */
int ranks_count(const ranks *r);   /* 1 for NULL */

/* Whether all ranks may go on; collective. If another one may not, rank 0 says why. A signal to one rank interrupts all. true for
 * NULL if `ok` is. */
bool ranks_agree(ranks *r, bool ok);

/* Makes a loader of this rank's part of the test images. Takes the dataset. */
cnn_loader *ranks_test_loader(ranks *r, cnn_dataset *test, int64_t batch_size);
/* Prepares training; collective. Takes the dataset. */
bool ranks_train_on(ranks *r, const ranks_plan *plan, cnn_module *model, cnn_dataset *train, int64_t epoch);
int64_t ranks_step_count(const ranks *r);

/* One epoch of training, and the score of all ranks together. */
outcome ranks_train_epoch(ranks *r, const ranks_pace *pace, cnn_module *model, cnn_optimizer *optimizer, cnn_tape *tape, int64_t epoch,
                          progress *bar, records *kept, score *s);
/* What was sent in all epochs so far. */
const traffic *ranks_traffic(const ranks *r);
/* Makes the score of a rank's own part that of all; collective. */
outcome ranks_share(ranks *r, outcome own, score *s);

/* NULL is fine; after everything else was freed but the context. Where MPI does not end, the process does, with this exit status. */
void ranks_close(ranks *r, int status);

#endif
