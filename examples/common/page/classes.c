/* The confusion matrix, and precision and recall per class. */
#include "figure.h"

#include <math.h>

enum { RIGHT = 350, ROW = 24, NAME = 12 };

/* Only some of many classes are shown; the tables of scores have all. */
static void add_selection(text *caption, const page_subject *s, const results *r)
{
    if (r->shown_count < s->classes) {
        text_add(caption, " Of %lld classes the %d with the most mistakes are shown.", (long long)s->classes,
                 r->shown_count);
    }
}

typedef struct grid {
    double left, top, cell;
    int n;
} grid;

/* How dark a cell is: the part of its row, of which small parts are raised, because mistakes are rare. */
static double shade(int64_t count, int64_t row, bool right)
{
    double part = row > 0 ? (double)count / (double)row : 0;
    return count == 0 ? 0 : right ? 0.12 + 0.78 * part : 0.12 + 0.78 * sqrt(part);
}

static void add_cell(text *t, const grid *g, int i, int j, int64_t count, int64_t row, const char *title)
{
    double opacity = shade(count, row, i == j), x = g->left + j * g->cell, y = g->top + i * g->cell;
    text_add(t,
             "<g><title>%s: %lld</title><rect class=\"frame\" style=\"stroke:var(--grid)\" x=\"%.1f\" y=\"%.1f\" "
             "width=\"%.1f\" "
             "height=\"%.1f\"/>",
             title, (long long)count, x, y, g->cell, g->cell);
    if (count > 0) {
        double digits = floor(log10((double)count)) + 1, size = fmin(11, g->cell / (0.62 * digits + 0.5));
        text_add(t,
                 "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill-opacity=\"%.2f\"/>"
                 "<text class=\"mid%s\" style=\"font-size:%.1fpx\" x=\"%.1f\" y=\"%.1f\">%lld</text>",
                 i == j ? "first" : "second", x, y, g->cell, g->cell, opacity, opacity > 0.5 ? " over" : "", size,
                 x + g->cell / 2, y + g->cell / 2 + size * 0.36, (long long)count);
    }
    text_add(t, "</g>\n");
}

static void add_names(text *t, const page_subject *s, const results *r, const grid *g, bool upright)
{
    for (int i = 0; i < g->n; i++) {
        double middle = (i + 0.5) * g->cell;
        text_add(t, "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">", g->left - 5, g->top + middle + 4);
        figure_class(t, s, r->shown[i], NAME);
        if (upright) {
            text_add(t, "</text><text class=\"mid\" x=\"%.1f\" y=\"%.1f\">", g->left + middle, g->top - 6);
        } else {
            text_add(t, "</text><text transform=\"translate(%.1f %.1f) rotate(-90)\">", g->left + middle + 4,
                     g->top - 5);
        }
        figure_class(t, s, r->shown[i], NAME);
        text_add(t, "</text>\n");
    }
}

static int64_t row_sum(const results *r, int64_t classes, int64_t row)
{
    int64_t sum = 0;
    for (int64_t c = 0; c < classes; c++) {
        sum += r->counts[row * classes + c];
    }
    return sum;
}

static void add_matrix(text *t, const page_subject *s, const results *r, const grid *g)
{
    for (int i = 0; i < g->n; i++) {
        int64_t row = row_sum(r, s->classes, r->shown[i]);
        for (int j = 0; j < g->n; j++) {
            text title = { .bytes = NULL };
            figure_class(&title, s, r->shown[i], NAME);
            text_add(&title, " taken for ");
            figure_class(&title, s, r->shown[j], NAME);
            add_cell(t, g, i, j, r->counts[r->shown[i] * s->classes + r->shown[j]], row,
                     title.failed ? "" : title.bytes);
            text_free(&title);
        }
    }
}

static void add_matrix_table(text *t, const page_subject *s, const results *r)
{
    text_add(t, "<table><thead><tr><th scope=\"col\">is \\ taken for</th>");
    for (int j = 0; j < r->shown_count; j++) {
        text_add(t, "<th scope=\"col\">");
        figure_class(t, s, r->shown[j], 100);
        text_add(t, "</th>");
    }
    text_add(t, "</tr></thead><tbody>\n");
    for (int i = 0; i < r->shown_count; i++) {
        text_add(t, "<tr><th scope=\"row\">");
        figure_class(t, s, r->shown[i], 100);
        text_add(t, "</th>");
        for (int j = 0; j < r->shown_count; j++) {
            text_add(t, "<td>%lld</td>", (long long)r->counts[r->shown[i] * s->classes + r->shown[j]]);
        }
        text_add(t, "</tr>\n");
    }
    text_add(t, "</tbody></table>\n");
}

void confusion_draw(figure *f, const page_subject *s, const results *r)
{
    int length = figure_class_length(s, NAME);
    grid g = { .left = 30 + 6.8 * length, .top = length > 2 ? 30 + 6.8 * length : 40, .n = r->shown_count };
    g.cell = (RIGHT - g.left) / g.n;
    f->height = g.top + g.n * g.cell + 10;
    text_add(&f->drawing,
             "<text class=\"mid\" x=\"%.1f\" y=\"16\">what it was taken for</text>"
             "<text class=\"mid\" transform=\"translate(14 %.1f) rotate(-90)\">what the %s is</text>\n",
             g.left + g.n * g.cell / 2, g.top + g.n * g.cell / 2, s->noun);
    add_names(&f->drawing, s, r, &g, length <= 2);
    add_matrix(&f->drawing, s, r, &g);
    text_add(&f->caption,
             "Each number counts test images: the row is their class, the column the network's first guess. Blue cells "
             "are right answers, orange ones mistakes, darker where more of the row is in them (for mistakes by the "
             "square root of that "
             "part, because they are rare). An empty cell is 0.");
    add_selection(&f->caption, s, r);
    add_matrix_table(&f->table, s, r);
}

static void add_score_table(text *t, const page_subject *s, const results *r)
{
    text_add(
        t, "<table><thead><tr><th scope=\"col\">class</th><th scope=\"col\">images</th><th scope=\"col\">precision</th>"
           "<th scope=\"col\">recall</th><th scope=\"col\">F1</th></tr></thead><tbody>\n");
    for (int64_t c = 0; c < s->classes; c++) {
        const cnn_class_scores *its = &r->scores[c];
        text_add(t, "<tr><th scope=\"row\">");
        figure_class(t, s, c, 100);
        text_add(t, "</th><td>%lld</td><td>%.2f %%</td><td>%.2f %%</td><td>%.2f %%</td></tr>\n",
                 (long long)its->support, 100 * its->precision, 100 * its->recall, 100 * its->f1);
    }
    text_add(t, "</tbody></table>\n");
}

static double least_score(const results *r)
{
    double least = 1;
    for (int i = 0; i < r->shown_count; i++) {
        least = fmin(least, fmin(r->scores[r->shown[i]].precision, r->scores[r->shown[i]].recall));
    }
    return 100 * least;
}

void scores_draw(figure *f, const page_subject *s, const results *r)
{
    double left = 30 + 6.8 * figure_class_length(s, NAME), top = 34, bottom = top + r->shown_count * ROW;
    double least = fmin(least_score(r), 99), step = figure_step(100 - least, 6),
           low = floor(least / step + 1e-9) * step;
    text_add(&f->drawing,
             "<circle class=\"first\" cx=\"%.1f\" cy=\"14\" r=\"4.5\"/><text x=\"%.1f\" y=\"18\">precision</text>"
             "<path class=\"second\" d=\"M%.1f 8l6 6l-6 6l-6 -6z\"/><text x=\"%.1f\" y=\"18\">recall</text>\n",
             left + 6, left + 16, left + 106, left + 118);
    figure_x_axis(&f->drawing, low, 100, step, left, RIGHT - 10, top, bottom, "precision and recall, %");
    text_add(&f->drawing, "<text class=\"mid\" transform=\"translate(14 %.1f) rotate(-90)\">class</text>\n",
             (top + bottom) / 2);
    for (int i = 0; i < r->shown_count; i++) {
        const cnn_class_scores *its = &r->scores[r->shown[i]];
        double y = top + (i + 0.5) * ROW, part = (RIGHT - 10 - left) / (100 - low);
        double p = left + (100 * its->precision - low) * part, q = left + (100 * its->recall - low) * part;
        text_add(&f->drawing, "<text class=\"end\" x=\"%.1f\" y=\"%.1f\">", left - 6, y + 4);
        figure_class(&f->drawing, s, r->shown[i], NAME);
        /* The marks stand above each other, so that neither hides the other where the two are equal. */
        text_add(
            &f->drawing,
            "</text><path class=\"axis\" d=\"M%.1f %.1fL%.1f %.1f\"/><circle class=\"first\" cx=\"%.1f\" cy=\"%.1f\" "
            "r=\"4.5\"/><path class=\"second\" d=\"M%.1f %.1fl6 6l-6 6l-6 -6z\"/>\n",
            p, y - 5.5, q, y + 5.5, p, y - 5.5, q, y - 0.5);
    }
    f->height = bottom + 42;
    text_add(
        &f->caption,
        "Precision: of the test images that were taken for the class, the part that are of it. Recall: of the test "
        "images of the class, the part that were recognised.");
    add_selection(&f->caption, s, r);
    add_score_table(&f->table, s, r);
}
