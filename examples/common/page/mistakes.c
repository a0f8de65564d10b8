/* The worst mistakes: the images whose own class got the lowest probability. */
#include "figure.h"

#include "picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORST = 25, EDGE = 6, LINE = 14, NAME = 12 };

static double rank_of(const answer *a)
{
    return isfinite(a->truth) ? a->truth : -1; /* what is no number is the worst */
}

static int compare(const void *x, const void *y)
{
    const answer *a = x, *b = y;
    double p = rank_of(a), q = rank_of(b);
    return p != q ? (p < q ? -1 : 1) : a->image != b->image ? (a->image < b->image ? -1 : 1) : 0;
}

/* The mistakes, worst first; the caller frees them. NULL without memory. */
static answer *sorted(const results *r, int64_t *count)
{
    answer *mistakes = malloc((size_t)(r->count - r->right + 1) * sizeof *mistakes);
    *count = 0;
    for (int64_t i = 0; mistakes && i < r->count; i++) {
        if (r->answers[i].guess[0] != r->answers[i].label) {
            mistakes[(*count)++] = r->answers[i];
        }
    }
    if (mistakes) {
        qsort(mistakes, (size_t)*count, sizeof *mistakes, compare);
    }
    return mistakes;
}

/* Reads a test image and takes back its normalisation. */
static bool read_image(const page_subject *s, int64_t i, picture *p)
{
    cnn_tensor *image = NULL, *label = NULL;
    if (cnn_dataset_get(s->test, i, &image, &label) != CNN_OK) {
        return false;
    }
    float *elements = measure_floats(image);
    bool read = elements != NULL;
    if (read) {
        picture_set(p, elements, s->channels, cnn_tensor_size(image, 1), cnn_tensor_size(image, 2), s->std, s->mean);
    }
    free(elements);
    cnn_tensor_free(image);
    cnn_tensor_free(label);
    return read;
}

static void add_percent(text *t, double probability)
{
    text_add(t, probability >= 0.9995 || probability < 0.0005 ? "%.0f %%" : "%.1f %%", 100 * probability);
}

static void add_guess(text *t, const page_subject *s, const answer *a, int i, double x, double y, double width)
{
    if (a->guess[i] < 0) {
        return;
    }
    text_add(t,
             "<rect class=\"%s\" fill-opacity=\"0.28\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>"
             "<text class=\"small%s\" x=\"%.1f\" y=\"%.1f\">",
             a->guess[i] == a->label ? "first" : "second", x, y - 10.5,
             isfinite(a->probability[i]) ? width * a->probability[i] : 0, LINE - 2,
             a->guess[i] == a->label ? " strong" : "", x + 2, y);
    figure_class(t, s, a->guess[i], NAME);
    text_add(t, "</text><text class=\"small end\" x=\"%.1f\" y=\"%.1f\">", x + width - 1, y);
    add_percent(t, a->probability[i]);
    text_add(t, "</text>\n");
}

static bool add_tile(text *t, const page_subject *s, const answer *a, double x, double y, double width, double size)
{
    picture *p = malloc(sizeof *p);
    text label = { .bytes = NULL };
    bool read = p && read_image(s, a->image, p);
    if (read) {
        text_add(t, "<text class=\"small\" x=\"%.1f\" y=\"%.1f\">is ", x, y + 10);
        figure_class(t, s, a->label, NAME);
        text_add(t, "</text>\n");
        text_add(&label, "test image %lld, of class ", (long long)a->image);
        figure_class(&label, s, a->label, 100);
        text_add(&label, ", taken for ");
        figure_class(&label, s, a->guess[0], 100);
        picture_add(t, p, x, y + 14, size, label.failed ? "" : label.bytes);
        for (int i = 0; i < GUESSES; i++) {
            add_guess(t, s, a, i, x, y + 14 + size + LINE * (i + 1), width);
        }
    }
    text_free(&label);
    free(p);
    return read;
}

static void add_row(text *t, const page_subject *s, const answer *a)
{
    text_add(t, "<tr><th scope=\"row\">%lld</th><td>", (long long)a->image);
    figure_class(t, s, a->label, 100);
    text_add(t, " (");
    add_percent(t, a->truth);
    text_add(t, ")</td>");
    for (int i = 0; i < GUESSES; i++) {
        text_add(t, "<td>");
        if (a->guess[i] >= 0) {
            figure_class(t, s, a->guess[i], 100);
            text_add(t, " (");
            add_percent(t, a->probability[i]);
            text_add(t, ")");
        }
        text_add(t, "</td>");
    }
    text_add(t, "</tr>\n");
}

outcome mistakes_draw(figure *f, const page_subject *s, const results *r)
{
    int64_t count, columns = figure_class_length(s, NAME) <= 3 ? 5 : 3;
    answer *mistakes = sorted(r, &count);
    if (!mistakes) {
        return FAILED;
    }
    if (count == 0) {
        text_add(&f->caption, "No mistake among %lld test images.", (long long)r->count);
        free(mistakes);
        return DONE;
    }
    double pitch = (double)(FIGURE_WIDTH - EDGE) / (double)columns, width = pitch - 8, size = width,
           high = size + 14 + 3 * LINE + 12;
    bool good = true;
    int64_t shown = count < WORST ? count : WORST, rows = (shown + columns - 1) / columns;
    f->height = 4 + (double)rows * high;
    text_add(&f->caption,
             "%s of %lld mistakes among %lld test images: those whose own class got the lowest probability. Below each "
             "are the three best "
             "guesses and their probabilities; a bar is as long as its probability. Orange guesses are wrong, a blue "
             "one is right.",
             count > WORST ? "The 25 worst" : "All", (long long)count, (long long)r->count);
    text_add(&f->table,
             "<table><thead><tr><th scope=\"col\">image</th><th scope=\"col\">is</th><th scope=\"col\">first guess</th>"
             "<th scope=\"col\">second</th><th scope=\"col\">third</th></tr></thead><tbody>\n");
    for (int64_t i = 0; i < shown && good; i++) {
        int64_t row = i / columns, column = i % columns;
        good =
            add_tile(&f->drawing, s, &mistakes[i], EDGE + (double)column * pitch, 4 + (double)row * high, width, size);
        add_row(&f->table, s, &mistakes[i]);
    }
    text_add(&f->table, "</tbody></table>\n");
    free(mistakes);
    return good ? DONE : FAILED;
}
