/* A run of the program: its parts, how they are made from the command line, and how they are freed. */
#ifndef MNIST_CNN_RUN_H
#define MNIST_CNN_RUN_H

#include "common/best.h"
#include "common/page/page.h"
#include "common/ranks/ranks.h"
#include "common/records.h"
#include "common/resident.h"
#include "options.h"

#include <stdio.h>

typedef struct run {
    options o;
    cnn_context *ctx;
    cnn_module *model;
    cnn_optimizer *adam;
    cnn_loader *train, *validation, *test; /* validation: NULL without --best and --patience */
    resident train_held, validation_held, test_held; /* on a device: what the loaders' batches are numbers of */
    cnn_dataset *test_images; /* those of `test`, for the report; NULL without one */
    cnn_tape *tape;
    ranks *ranks; /* NULL: this process alone */
    int64_t train_count, test_count;
    page *page; /* with --report; else NULL */
    FILE *log;
    records records;
    best best;     /* what --best and --patience need */
    int64_t epoch; /* number of finished epochs */
    score tested;  /* test score after the last epoch; no images if none ran */
} run;

/* Makes everything of `o`, with the weights of --resume. Returns false after one line on stderr; run_free() is due in
 * each case. */
bool run_prepare(run *r);
void run_free(run *r, int status); /* the exit status of the program */

/* Prints the library's last error, or errno about the file of --log, which could not be opened or written; false. */
bool run_fail(void);
bool run_fail_log(const run *r, const char *what);

#endif
