/* The course of a program that trains a network: from its command line through the epochs to the last line. What is a program's own is
 * behind the functions of a training_program; the parts themselves are public, so that those functions use them as they are. */
#ifndef COMMON_TRAINING_H
#define COMMON_TRAINING_H

#include "common/best.h"
#include "common/page/page.h"
#include "common/ranks/ranks.h"
#include "common/records.h"
#include "common/resident.h"

#include <stdio.h>

/* The options that all such programs have. */
typedef struct training_options {
    const char *save, *best, *resume, *log, *report, *tensorboard, *csv, *profile; /* NULL if not given */
    const char *device; /* "cpu", "cuda:0", "auto" */
    char *const *pictures; /* the files of --predict, of argv */
    int picture_count;
    int64_t epochs, batch_size;
    int64_t limit;    /* number of training and of test samples; 0: all */
    int64_t patience; /* epochs without a better validation loss before training ends; 0: never */
    int64_t shards;   /* with --mpi: parts of a batch; 0: the MPI's own sum */
    uint64_t seed;
    int threads; /* 0: one per CPU */
    bool eval_only, quiet, synthetic, digest, predict, mpi;
} training_options;

/* Whether the weights of --resume only look at pictures: nothing is trained or tested. */
bool training_predicts_only(const training_options *o);

typedef struct training training;

/* What is a program's own. A function that returns false has said why in one line on stderr. */
typedef struct training_program {
    /* Whether this build can do what the options ask for; before anything is opened. */
    bool (*possible)(const training *t);
    /* Makes `model`, `optimizer` and, if there is one, `scheduler`, and sets what the other members say that it sets. */
    bool (*make)(training *t);
    /* After training goes on from a checkpoint: compares it with the command line. */
    bool (*resumed)(const training *t);
    /* Opens train_data, test_data and, with --best or --patience, validation_data, after the checkpoint was loaded. With several processes
     * all of them return the same. */
    bool (*open_data)(training *t);
    /* One epoch of training in this process alone. FAILED: cnn_last_error() says why. */
    outcome (*train_epoch)(training *t, progress *bar, score *trained);
    /* What else is measured, after the last test; NULL: nothing. */
    bool (*measure)(training *t);
    /* Prints how many samples there are, in a few words: "60000 training and 10000 test images". */
    void (*print_data)(const training *t);
    /* Adds to the report's summary how training was done. */
    void (*add_facts)(const training *t);
    /* Says what is in the pictures of --predict. */
    bool (*predict)(const training *t);
    /* Frees what `make` and `open_data` made besides; NULL: nothing. */
    void (*close)(training *t);
} training_program;

/* A program sets the first three members and leaves the others zero. */
struct training {
    const training_program *program;
    training_options o;
    void *user; /* the program's */

    /* Set by `make`. */
    const char *network;  /* its name, printed and reported; NULL: the program has only one */
    page_subject subject; /* nouns, classes, channels and normalisation; training_run() adds the rest */
    cnn_math math;        /* this one is set before, by the program: of the context */
    int loader_threads;   /* 0: one */
    ranks_pace pace;      /* how the learning rate moves with --mpi */
    bool sync_norm;       /* as in ranks_plan */

    /* Set by `open_data`, and taken from there. */
    cnn_dataset *train_data, *validation_data, *test_data;
    const char *drawn;             /* "digits that this program drew": said beside the accuracy; NULL: the samples are data */
    bool on_device;                /* the samples stay on the context's device */
    const resident_change *change; /* how those of training change there; NULL: not at all */

    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *optimizer;
    cnn_scheduler *scheduler;              /* NULL: none */
    cnn_loader *train, *validation, *test; /* validation: NULL without --best and --patience */
    resident train_held, validation_held, test_held; /* on a device: what the loaders' batches are numbers of */
    cnn_dataset *test_samples; /* those of `test`, for the report; NULL without one */
    cnn_tape *tape;
    ranks *ranks; /* the processes with --mpi; NULL: this process alone */
    int64_t train_count, test_count;
    page *page; /* with --report; else NULL */
    FILE *log;
    records records;
    best best;     /* what --best and --patience need */
    int64_t epoch; /* number of finished epochs */
    score tested;  /* after the last epoch; no samples if none ran */
};

/* The whole run: trains, tests, predicts, frees all parts, and returns the exit status of the program. */
int training_run(training *t);

/* ---- between the files of this room ---- */

/* Makes all parts, with the weights of --resume. False after one line on stderr; training_free() is due in each case. */
bool training_prepare(training *t);
void training_free(training *t, int status); /* the exit status of the program */
bool training_fail_log(const training *t, const char *what); /* says errno about the file of --log; false */

#endif
