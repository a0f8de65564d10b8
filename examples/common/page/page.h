/* The report of a run: report.html, which needs nothing beside it, and its figures as SVG files. */
#ifndef COMMON_PAGE_H
#define COMMON_PAGE_H

#include "common/score.h"

#include <cnn/cnn.h>

#include <stdbool.h>

typedef struct page page;

/* What is reported on. Everything is borrowed until page_write() has returned. */
typedef struct page_subject {
    const char *noun, *nouns; /* what a sample is called: "digit", "digits" */
    cnn_module *model;        /* takes images [N, channels, height, width] and gives logits [N, classes] */
    cnn_tape *tape;
    cnn_dataset *test;
    int64_t classes, batch_size;
    int channels; /* 1 or 3 */
    /* Gives the name of a class, borrowed, or NULL where it has none but its number. May be NULL: no class has a
     * name. */
    const char *(*class_name)(const void *user, int64_t i);
    const void *user;
    const double *mean, *std; /* the normalisation of the test images, one number per channel */
} page_subject;

/* Begins a report in a folder, which is made now, with its parents, so that a run does not end with a report that
 * cannot be written. NULL after one line on stderr. */
page *page_open(const char *folder);
void page_free(page *p);

/* Notes an epoch for the curves; does nothing where `p` is NULL. Epochs come in order. */
void page_epoch(page *p, int64_t epoch, const score *train, const score *test);

/* Notes what the summary of every run has: accuracy and loss on the test images, parameters, batch size and device. */
void page_facts(page *p, const page_subject *subject, const score *tested);

/* Notes a line of the summary: a name, and a value that is formatted like printf. */
void page_fact(page *p, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Runs the test images through the network and writes everything. FAILED after one line on stderr. */
outcome page_write(page *p, const page_subject *subject);

#endif
