/* One pass over the test images; everything else in a report about them is made of its results. */
#include "measure.h"

#include "common/signals.h"

#include <math.h>
#include <stdlib.h>

float *measure_floats(const cnn_tensor *tensor)
{
    size_t size = (size_t)cnn_tensor_numel(tensor) * sizeof(float);
    float *elements = malloc(size ? size : 1);
    if (elements && cnn_tensor_read(tensor, elements, size) != CNN_OK) {
        free(elements);
        return NULL;
    }
    return elements;
}

static int64_t *labels_of(const cnn_tensor *labels)
{
    size_t size = (size_t)cnn_tensor_numel(labels) * sizeof(int64_t);
    int64_t *elements = malloc(size ? size : 1);
    if (elements && cnn_tensor_read(labels, elements, size) != CNN_OK) {
        free(elements);
        return NULL;
    }
    return elements;
}

/* The best guesses, found by insertion: equal ones in the order of the classes. */
static void rank(answer *a, const float *probabilities, int64_t classes)
{
    int found = 0;
    for (int64_t c = 0; c < classes; c++) {
        int at = found < GUESSES ? found++ : GUESSES;
        for (; at > 0 && probabilities[c] > a->probability[at - 1]; at--) {
            if (at < GUESSES) {
                a->guess[at] = a->guess[at - 1];
                a->probability[at] = a->probability[at - 1];
            }
        }
        if (at < GUESSES) {
            a->guess[at] = c;
            a->probability[at] = (double)probabilities[c];
        }
    }
    for (; found < GUESSES; found++) {
        a->guess[found] = -1;
        a->probability[found] = 0;
    }
}

static void note(results *r, const page_subject *s, const float *probabilities, const int64_t *labels, int64_t size)
{
    for (int64_t i = 0; i < size; i++) {
        answer *a = &r->answers[r->count];
        *a = (answer){ .image = r->count,
                       .label = labels[i],
                       .truth = (double)probabilities[i * s->classes + labels[i]] };
        rank(a, probabilities + i * s->classes, s->classes);
        r->right += a->guess[0] == a->label;
        r->count++;
    }
}

static outcome add_batch(results *r, const page_subject *s, const cnn_batch *batch)
{
    cnn_tape_begin(s->tape, CNN_EVAL);
    cnn_tensor *logits = cnn_forward(s->model, cnn_input(s->tape, batch->images));
    cnn_tensor *probabilities = cnn_softmax(logits, -1);
    r->loss += cnn_tensor_item(cnn_cross_entropy(logits, batch->labels)) * (double)batch->size;
    if (cnn_tape_status(s->tape) != CNN_OK ||
        cnn_confusion_matrix(logits, batch->labels, s->classes, r->counts) != CNN_OK) {
        return FAILED;
    }
    float *elements = measure_floats(probabilities);
    int64_t *labels = labels_of(batch->labels);
    bool read = elements && labels;
    if (read) {
        note(r, s, elements, labels, batch->size);
    }
    free(elements);
    free(labels);
    return read ? DONE : FAILED;
}

static outcome run_through(results *r, const page_subject *s)
{
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(s->test), s->batch_size);
    cnn_batch batch;
    outcome result = DONE;
    while (result == DONE && !interrupted && cnn_loader_next(loader, &batch)) {
        result = add_batch(r, s, &batch);
    }
    if (cnn_loader_status(loader) != CNN_OK) {
        result = FAILED;
    }
    cnn_loader_free(loader);
    return interrupted ? INTERRUPTED : result;
}

static int64_t mistakes_with(const results *r, int64_t classes, int64_t class)
{
    int64_t sum = 0;
    for (int64_t other = 0; other < classes; other++) {
        sum += other == class ? 0 : r->counts[class * classes + other] + r->counts[other * classes + class];
    }
    return sum;
}

/* All classes, or those with the most mistakes, in the order of their numbers. */
static void choose_shown(results *r, int64_t classes)
{
    for (int64_t class = 0; class < classes; class ++) {
        int64_t more = 0, mine = mistakes_with(r, classes, class);
        for (int64_t other = 0; classes > SHOWN_CLASSES && other < classes; other++) {
            int64_t its = mistakes_with(r, classes, other);
            more += its > mine || (its == mine && other < class);
        }
        if (more < SHOWN_CLASSES) {
            r->shown[r->shown_count++] = class;
        }
    }
}

outcome results_make(results *r, const page_subject *s)
{
    size_t classes = (size_t)s->classes, count = (size_t)cnn_dataset_size(s->test);
    *r = (results){ .answers = malloc(count * sizeof *r->answers),
                    .counts = calloc(classes * classes, sizeof *r->counts),
                    .scores = calloc(classes, sizeof *r->scores) };
    outcome result = r->answers && r->counts && r->scores ? run_through(r, s) : FAILED;
    if (result == DONE && cnn_scores_of_classes(r->counts, s->classes, r->scores) != CNN_OK) {
        result = FAILED;
    }
    if (result == DONE) {
        r->loss /= r->count ? (double)r->count : 1;
        choose_shown(r, s->classes);
    }
    return result;
}

void results_free(results *r)
{
    free(r->answers);
    free(r->counts);
    free(r->scores);
    *r = (results){ .count = 0 };
}
