/* The time of each layer, by a clock around it. A layer that runs alone cannot be joined with the next one, as a
 * Sequential joins Conv2d, ReLU and MaxPool2d, so the time of the whole network is measured as well. */
#include "figure.h"

#include "common/progress.h"
#include "layers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 7, LEFT = 14, RIGHT = 336, ROW = 34, TOP = 6 };

typedef struct timing {
    double layer[LAYERS][RUNS], whole[RUNS]; /* seconds */
} timing;

/* A device may still be at work when a call returns: reading an element waits for it. */
static void wait_for(const page_subject *s, cnn_tensor *x)
{
    if (strcmp(cnn_context_device(cnn_module_context(s->model)), "cpu") != 0) {
        cnn_tensor_item(cnn_slice(cnn_reshape(x, CNN_SHAPE(-1)), 0, 0, 1, 1));
    }
}

static outcome run_layers(const page_subject *s, const layers *all, cnn_tensor *images, timing *t, int run)
{
    cnn_tape_begin(s->tape, CNN_EVAL);
    cnn_tensor *x = cnn_input(s->tape, images);
    wait_for(s, x);
    for (int i = 0; i < all->count; i++) {
        double start = progress_now();
        x = layer_run(&all->at[i], x);
        wait_for(s, x);
        t->layer[i][run] = progress_now() - start;
    }
    cnn_tape_begin(s->tape, CNN_EVAL);
    x = cnn_input(s->tape, images);
    wait_for(s, x);
    double start = progress_now();
    wait_for(s, cnn_forward(s->model, x));
    t->whole[run] = progress_now() - start;
    return cnn_tape_status(s->tape) == CNN_OK ? DONE : FAILED;
}

static int compare(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return a < b ? -1 : a > b;
}

/* The median in milliseconds. */
static double median(double seconds[RUNS])
{
    qsort(seconds, RUNS, sizeof *seconds, compare);
    return 1e3 * seconds[RUNS / 2];
}

static void draw_times(figure *f, const layers *all, const double *ms, double whole, int64_t images)
{
    double most = 0, sum = 0, bottom = TOP + all->count * ROW + 4;
    for (int i = 0; i < all->count; i++) {
        most = fmax(most, ms[i]);
        sum += ms[i];
    }
    double step = figure_step(most, 6), high = fmax(ceil(most / step - 1e-9) * step, step);
    char axis[96];
    snprintf(axis, sizeof axis, "time for a batch of %lld images, ms", (long long)images);
    figure_x_axis(&f->drawing, 0, high, step, LEFT, RIGHT, TOP, bottom, axis);
    text_add(&f->table, "<table><thead><tr><th scope=\"col\">layer</th><th scope=\"col\" class=\"left\">type</th><th "
                        "scope=\"col\">time, ms</th>"
                        "<th scope=\"col\">part</th></tr></thead><tbody>\n");
    for (int i = 0; i < all->count; i++) {
        double y = TOP + i * ROW, part = sum > 0 ? 100 * ms[i] / sum : 0;
        text_add(&f->drawing,
                 "<rect class=\"first\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"9\"/><text x=\"%d\" y=\"%.1f\">",
                 LEFT, y + 21, ms[i] / high * (RIGHT - LEFT), LEFT + 3, y + 16);
        text_add(&f->table, "<tr><th scope=\"row\">");
        for (int into = 0; into < 2; into++) {
            text *t = into ? &f->table : &f->drawing;
            text_add_escaped(t, *all->at[i].name ? all->at[i].name : "network");
            text_add(t, into ? "</th><td class=\"left\">" : " <tspan class=\"soft\">");
            text_add_escaped(t, cnn_module_type(all->at[i].module));
        }
        text_add(&f->drawing, "</tspan></text><text class=\"end\" x=\"%d\" y=\"%.1f\">%.*f ms</text>\n", RIGHT - 2,
                 y + 16, ms[i] < 1 ? 3 : 2, ms[i]);
        text_add(&f->table, "</td><td>%.3f</td><td>%.1f %%</td></tr>\n", ms[i], part);
    }
    text_add(&f->table, "</tbody></table>\n");
    f->height = bottom + 42;
    text_add(
        &f->caption,
        "The median of %d forward passes in evaluation mode over one batch of %lld test images, each layer run alone "
        "with a clock around it: %.2f ms together. The whole network at once, where neighbouring layers are joined, "
        "takes %.2f ms. "
        "No backward pass is in it. Flattening is counted with the layer behind it.",
        RUNS, (long long)images, sum, whole);
}

static outcome measure_times(figure *f, const page_subject *s, const layers *all, cnn_tensor *images)
{
    timing *t = malloc(sizeof *t);
    double ms[LAYERS];
    outcome result = t ? DONE : FAILED;
    for (int run = -1; run < RUNS && result == DONE;
         run++) { /* the first run, which asks for memory, is measured and forgotten */
        result = run_layers(s, all, images, t, run < 0 ? 0 : run);
    }
    if (result == DONE) {
        for (int i = 0; i < all->count; i++) {
            ms[i] = median(t->layer[i]);
        }
        draw_times(f, all, ms, median(t->whole), cnn_tensor_size(images, 0));
    }
    free(t);
    return result;
}

outcome times_draw(figure *f, const page_subject *s)
{
    cnn_loader *loader = cnn_loader_new(cnn_dataset_share(s->test), s->batch_size);
    layers *all = malloc(sizeof *all);
    cnn_batch batch;
    outcome result = FAILED;
    if (all && cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(s->tape, CNN_EVAL);
        cnn_tensor *two = cnn_slice(cnn_input(s->tape, batch.images), 0, 0, batch.size < 2 ? batch.size : 2, 1);
        cnn_tensor *few = cnn_tensor_detach(two);
        result = few && layers_find(all, s, few) ? measure_times(f, s, all, batch.images) : FAILED;
        cnn_tensor_free(few);
    }
    free(all);
    cnn_loader_free(loader);
    return result;
}
