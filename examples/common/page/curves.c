/* The curves of loss and accuracy over the epochs. */
#include "figure.h"

#include <math.h>

enum { LEFT = 62, RIGHT = 342, TOP = 34, BOTTOM = 206, MARKED = 40 };

typedef struct scale {
    double low, high, first, last; /* the range of the values, and that of the epochs */
} scale;

static double value_of(const page_point *p, bool accuracy, int curve)
{
    return accuracy ? p->accuracy[curve] : p->loss[curve];
}

static scale scale_of(const page_point *points, int count, bool accuracy)
{
    scale s = { .low = accuracy ? 100 : 0,
                .high = accuracy ? 100 : 0,
                .first = (double)points[0].epoch,
                .last = (double)points[count - 1].epoch };
    for (int i = 0; i < count; i++) {
        for (int curve = 0; curve < 2; curve++) {
            double value = value_of(&points[i], accuracy, curve);
            s.low = isfinite(value) ? fmin(s.low, value) : s.low;
            s.high = isfinite(value) ? fmax(s.high, value) : s.high;
        }
    }
    if (s.high <= s.low) {
        *(accuracy ? &s.low : &s.high) = accuracy ? 99 : 1;
    }
    double step = figure_step(s.high - s.low, 6);
    s.low = floor(s.low / step + 1e-9) * step;
    s.high = ceil(s.high / step - 1e-9) * step;
    return s;
}

static double x_of(const scale *s, int64_t epoch)
{
    return s->last > s->first ? LEFT + ((double)epoch - s->first) / (s->last - s->first) * (RIGHT - LEFT)
                              : (LEFT + RIGHT) / 2.0;
}

static double y_of(const scale *s, double value)
{
    return BOTTOM - (value - s->low) / (s->high - s->low) * (BOTTOM - TOP);
}

/* A value that is no number leaves a gap. */
static void add_curve(text *t, const page_point *points, int count, bool accuracy, int curve, const scale *s)
{
    const char *kind = curve ? "second" : "first";
    bool pen = false;
    text_add(t, "<path class=\"%s-line\" d=\"", kind);
    for (int i = 0; i < count; i++) {
        double value = value_of(&points[i], accuracy, curve);
        if (isfinite(value)) {
            text_add(t, "%s%.1f %.1f", pen ? "L" : "M", x_of(s, points[i].epoch), y_of(s, value));
        }
        pen = isfinite(value);
    }
    text_add(t, "\"/>\n");
    for (int i = 0; i < count && count <= MARKED; i++) {
        double value = value_of(&points[i], accuracy, curve);
        if (isfinite(value)) {
            text_add(t,
                     curve ? "<circle class=\"second-line hollow\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>"
                           : "<circle class=\"first\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>",
                     x_of(s, points[i].epoch), y_of(s, value));
        }
    }
    text_add(t, "\n");
}

static void add_legend(text *t)
{
    text_add(t,
             "<path class=\"first-line\" d=\"M%d 14h26\"/><circle class=\"first\" cx=\"%d\" cy=\"14\" r=\"3.5\"/>"
             "<text x=\"%d\" y=\"18\">while training</text>\n",
             LEFT, LEFT + 13, LEFT + 32);
    text_add(t,
             "<path class=\"second-line\" d=\"M%d 14h26\"/><circle class=\"second-line hollow\" cx=\"%d\" cy=\"14\" "
             "r=\"3.5\"/>"
             "<text x=\"%d\" y=\"18\">on the test images</text>\n",
             LEFT + 132, LEFT + 145, LEFT + 164);
}

static void add_table(text *t, const page_point *points, int count, bool accuracy)
{
    text_add(t, "<table><thead><tr><th scope=\"col\">epoch</th><th scope=\"col\">while training</th>"
                "<th scope=\"col\">on the test images</th></tr></thead><tbody>\n");
    for (int i = 0; i < count; i++) {
        text_add(t, "<tr><th scope=\"row\">%lld</th>", (long long)points[i].epoch);
        for (int curve = 0; curve < 2; curve++) {
            text_add(t, accuracy ? "<td>%.2f %%</td>" : "<td>%.4f</td>", value_of(&points[i], accuracy, curve));
        }
        text_add(t, "</tr>\n");
    }
    text_add(t, "</tbody></table>\n");
}

void curves_draw(figure *f, const page_point *points, int count, bool accuracy)
{
    if (count == 0) {
        text_add(&f->caption, "No epoch was trained in this run, so there is no curve.");
        return;
    }
    const scale s = scale_of(points, count, accuracy);
    double epochs = fmax(1, ceil(figure_step(s.last - s.first, 9)));
    f->height = BOTTOM + 42;
    figure_y_axis(&f->drawing, s.low, s.high, figure_step(s.high - s.low, 6), LEFT, RIGHT, TOP, BOTTOM,
                  accuracy ? "accuracy, % of the images" : "cross entropy, nats per image");
    figure_x_axis(&f->drawing, s.first, s.last, epochs, LEFT, RIGHT, TOP, BOTTOM, "epoch, counted from 1");
    add_curve(&f->drawing, points, count, accuracy, 0, &s);
    add_curve(&f->drawing, points, count, accuracy, 1, &s);
    add_legend(&f->drawing);
    text_add(&f->caption, accuracy ? "The part of the images that were recognised, per epoch. "
                                   : "The mean loss per epoch: lower is better. ");
    text_add(&f->caption,
             "While training it is the mean over the epoch, during which the weights change and dropout, if there is "
             "any, is on; on the test images it is measured after the epoch, in evaluation mode.");
    add_table(&f->table, points, count, accuracy);
}
