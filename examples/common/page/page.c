/* One file with everything in it: drawings as SVG elements, pictures as data URIs, no script. It follows the theme
 * of the reader and has one column on a telephone and several on a wide screen. */
#include "page.h"

#include "common/part.h"
#include "common/program.h"
#include "common/say.h"
#include "figure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIGURES = 8 };

struct page {
    const char *folder; /* borrowed */
    page_point *points;
    int count, capacity;
    text facts;
    bool failed; /* memory ran out */
};

static const char style[] =
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,'DejaVu Sans',sans-serif}\n"
    "header,main,footer{max-width:82rem;margin:0 auto;padding:1rem}\n"
    "h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.1rem;line-height:1.3;margin:0 0 .5rem}\n"
    "dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.5rem 1rem;margin:1rem 0 0}\n"
    "dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-weight:600;overflow-wrap:anywhere}\n"
    "main{columns:23rem;column-gap:1rem}\n"
    "section{break-inside:avoid;margin:0 0 1rem;padding:1rem;border:1px solid "
    "var(--grid);border-radius:8px;background:var(--paper)}\n"
    "@media (max-width:30rem){header,main,footer{padding:.5rem}main{columns:auto}section{padding:.75rem .5rem}}\n"
    "figure{margin:0}figure>svg{display:block;width:100%;max-width:30rem;height:auto;margin:0 auto}\n"
    "figcaption{margin:.5rem 0 0;color:var(--soft);font-size:.9rem}\n"
    "details{margin:.5rem 0 0;font-size:.9rem}summary{cursor:pointer}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;margin:.5rem 0 0;font-variant-numeric:tabular-nums}\n"
    "td{white-space:nowrap}th,td{padding:.15rem .5rem;border-bottom:1px solid "
    "var(--grid);text-align:right;font-weight:400}\n"
    "thead th{color:var(--soft);vertical-align:bottom}th[scope=row],th:first-child,.left{text-align:left}\n"
    "footer{color:var(--soft);font-size:.85rem}\n";

static bool fail_memory(void)
{
    say("%s: no memory for the report", program_name);
    return false;
}

/* ---- files ---- */

static bool write_file(const page *p, const char *name, const text *t)
{
    part_file part;
    if (t->failed) {
        return fail_memory();
    }
    if (!part_begin(&part, p->folder)) {
        return false;
    }
    if (!write_all(part.fd, t->bytes, t->size)) {
        say("%s: cannot write %s/%s: %s", program_name, p->folder, name, strerror(errno));
        part_drop(&part);
        return false;
    }
    return part_end(&part, name);
}

/* The opening tag of a figure, with what is read to those who do not see it. */
static void add_svg(text *t, const figure *f, const char *attributes)
{
    text_add(t,
             "<svg %sviewBox=\"0 0 %d %.0f\" role=\"img\" aria-labelledby=\"%s-title %s-text\">\n<title "
             "id=\"%s-title\">%s</title>\n"
             "<desc id=\"%s-text\">",
             attributes, FIGURE_WIDTH, f->height, f->name, f->name, f->name, f->title, f->name);
    text_add_bytes(t, f->caption.bytes, f->caption.size);
    text_add(t, "</desc>\n");
}

/* A figure as a file of its own. A figure that could not be drawn has none. */
static bool write_svg(const page *p, const figure *f)
{
    text t = { .bytes = NULL };
    char attributes[128], name[64];
    if (f->drawing.size == 0) {
        return true;
    }
    snprintf(attributes, sizeof attributes, "xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" ",
             FIGURE_WIDTH, f->height);
    snprintf(name, sizeof name, "%s.svg", f->name);
    add_svg(&t, f, attributes);
    text_add(&t, "<style>\n%s%s</style>\n<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n", figure_colors,
             figure_style);
    text_add_bytes(&t, f->drawing.bytes, f->drawing.size);
    text_add(&t, "</svg>\n");
    t.failed = t.failed || f->drawing.failed || f->caption.failed;
    bool written = write_file(p, name, &t);
    text_free(&t);
    return written;
}

/* ---- the page ---- */

static void add_figure(text *t, const figure *f)
{
    text_add(t, "<section id=\"%s\">\n<h2>%s</h2>\n<figure>\n", f->name, f->title);
    if (f->drawing.size > 0) {
        add_svg(t, f, "");
        text_add_bytes(t, f->drawing.bytes, f->drawing.size);
        text_add(t, "</svg>\n");
    }
    text_add(t, "<figcaption>");
    text_add_bytes(t, f->caption.bytes, f->caption.size);
    text_add(t, "</figcaption>\n</figure>\n");
    if (f->table.size > 0) {
        text_add(t,
                 "<details><summary>The numbers</summary>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
                 "aria-label=\"The numbers: %s\">\n",
                 f->title);
        text_add_bytes(t, f->table.bytes, f->table.size);
        text_add(t, "</div></details>\n");
    }
    text_add(t, "</section>\n");
    t->failed = t->failed || f->drawing.failed || f->caption.failed || f->table.failed;
}

static bool write_page(const page *p, const figure *figures, const page_subject *s, const results *r)
{
    text t = { .bytes = NULL };
    text_add(&t,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" "
             "content=\"light dark\">\n"
             "<title>%s: report of a run</title>\n<style>\n%s%s%s</style>\n</head>\n<body>\n",
             program_name, figure_colors, style, figure_style);
    text_add(&t, "<header>\n<h1>%s: %.2f %% of %lld test %s recognised</h1>\n<dl>\n", program_name,
             r->count ? 100 * (double)r->right / (double)r->count : 0, (long long)r->count, s->nouns);
    text_add_bytes(&t, p->facts.bytes, p->facts.size);
    text_add(&t, "</dl>\n</header>\n<main>\n");
    for (int i = 0; i < FIGURES; i++) {
        add_figure(&t, &figures[i]);
    }
    text_add(&t,
             "</main>\n<footer>Made by %s with libcnn %s. Each figure is an SVG file beside this page, too.</footer>\n"
             "</body>\n</html>\n",
             program_name, cnn_version());
    t.failed = t.failed || p->facts.failed;
    bool written = write_file(p, "report.html", &t);
    text_free(&t);
    return written;
}

static outcome draw_all(const page *p, figure figures[FIGURES], const page_subject *s, const results *r)
{
    curves_draw(&figures[0], p->points, p->count, false);
    curves_draw(&figures[1], p->points, p->count, true);
    confusion_draw(&figures[2], s, r);
    scores_draw(&figures[3], s, r);
    outcome result = mistakes_draw(&figures[4], s, r);
    result = result == DONE ? filters_draw(&figures[5], s) : result;
    result = result == DONE ? maps_draw(&figures[6], s, r) : result;
    return result == DONE ? times_draw(&figures[7], s) : result;
}

static outcome write_all_files(page *p, const page_subject *s, const results *r)
{
    figure figures[FIGURES] = {
        { .name = "loss", .title = "Loss" },
        { .name = "accuracy", .title = "Accuracy" },
        { .name = "confusion", .title = "What is taken for what" },
        { .name = "classes", .title = "Precision and recall" },
        { .name = "mistakes", .title = "The worst mistakes" },
        { .name = "filters", .title = "Filters of the first convolution" },
        { .name = "maps", .title = "Feature maps" },
        { .name = "times", .title = "Time per layer" },
    };
    outcome result = draw_all(p, figures, s, r);
    if (result == FAILED) {
        const char *message = cnn_last_error(NULL);
        say("%s: the report could not be made: %s", program_name, *message ? message : "no memory");
    }
    bool written = result == DONE;
    for (int i = 0; i < FIGURES && written; i++) {
        written = write_svg(p, &figures[i]);
    }
    written = written && write_page(p, figures, s, r);
    for (int i = 0; i < FIGURES; i++) {
        text_free(&figures[i].caption);
        text_free(&figures[i].drawing);
        text_free(&figures[i].table);
    }
    return written ? DONE : result == DONE ? FAILED : result;
}

/* ---- what programs call ---- */

page *page_open(const char *folder)
{
    part_file probe;
    page *p = calloc(1, sizeof *p);
    if (!p) {
        fail_memory();
        return NULL;
    }
    p->folder = folder;
    if (!part_begin(&probe, folder)) {
        free(p);
        return NULL;
    }
    part_drop(&probe);
    return p;
}

void page_free(page *p)
{
    if (p) {
        free(p->points);
        text_free(&p->facts);
        free(p);
    }
}

void page_epoch(page *p, int64_t epoch, const score *train, const score *test)
{
    if (!p || p->failed) {
        return;
    }
    if (p->count == p->capacity) {
        int capacity = p->capacity ? 2 * p->capacity : 16;
        page_point *points = realloc(p->points, (size_t)capacity * sizeof *points);
        if (!points) {
            p->failed = true;
            return;
        }
        p->points = points;
        p->capacity = capacity;
    }
    p->points[p->count++] = (page_point){ .epoch = epoch,
                                          .loss = { train->loss, test->loss },
                                          .accuracy = { train->accuracy, test->accuracy } };
}

void page_fact(page *p, const char *name, const char *format, ...)
{
    char value[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    text_add(&p->facts, "<div><dt>%s</dt><dd>", name);
    text_add_escaped(&p->facts, value);
    text_add(&p->facts, "</dd></div>\n");
}

void page_facts(page *p, const page_subject *subject, const score *tested)
{
    const cnn_context *ctx = cnn_module_context(subject->model);
    int threads = cnn_context_threads(ctx);
    page_fact(p, "test accuracy", "%.2f %%", tested->accuracy);
    page_fact(p, "test loss", "%.4f nats", tested->loss);
    page_fact(p, "parameters", "%lld", (long long)cnn_module_parameter_numel(subject->model));
    page_fact(p, "batch size", "%lld", (long long)subject->batch_size);
    page_fact(p, "device", "%s, %d thread%s, %s kernels", cnn_context_device(ctx), threads, threads == 1 ? "" : "s",
              cnn_context_kernels(ctx));
}

outcome page_write(page *p, const page_subject *subject)
{
    results r;
    if (p->failed) {
        fail_memory();
        return FAILED;
    }
    outcome result = results_make(&r, subject);
    if (result == FAILED) {
        const char *message = cnn_last_error(NULL);
        say("%s: the report could not be made: %s", program_name, *message ? message : "no memory");
    } else if (result == DONE) {
        result = write_all_files(p, subject, &r);
    }
    results_free(&r);
    return result;
}
