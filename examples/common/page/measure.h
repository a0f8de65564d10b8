/* What the network says about the test images. */
#ifndef COMMON_PAGE_MEASURE_H
#define COMMON_PAGE_MEASURE_H

#include "common/score.h"
#include "page.h"

enum { GUESSES = 3, SHOWN_CLASSES = 12 };

/* The answer about one image: its class, the best guesses with their probabilities, and the probability of its
 * class. */
typedef struct answer {
    int64_t image, label, guess[GUESSES]; /* a guess is -1 where there are fewer classes */
    double probability[GUESSES], truth;
} answer;

typedef struct results {
    answer *answers;
    int64_t count, right;
    int64_t *counts; /* the confusion matrix, classes · classes: row: its class, column: what it was taken for */
    cnn_class_scores *scores;     /* per class */
    int64_t shown[SHOWN_CLASSES]; /* the classes that figures of classes show, in order: those with the most mistakes */
    int shown_count;
    double loss; /* mean cross entropy */
} results;

/* Runs all test images through the network in evaluation mode. FAILED: the context's error says why, or memory ran
 * out. */
outcome results_make(results *r, const page_subject *s);
void results_free(results *r);

/* Copies the elements of an f32 tensor, which the caller frees; NULL on failure. */
float *measure_floats(const cnn_tensor *tensor);

#endif
