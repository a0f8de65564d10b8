/* Progress on stderr: epoch, batches, elapsed and remaining time, images per second, loss. On a terminal the bar is
 * redrawn at most ten times per second, at the current width of the terminal. Elsewhere, and with TERM=dumb, a line
 * per quarter of the epoch shows the same. With NO_COLOR no escape sequences are sent: spaces erase the rest of a
 * bar. */
#include "progress.h"

#include <langinfo.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

double progress_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_set(const char *variable, const char *value)
{
    const char *is = getenv(variable);
    return is && (value ? strcmp(is, value) == 0 : *is != '\0');
}

void progress_begin(progress *p, bool shown, int64_t epoch, int64_t epochs, int64_t batches)
{
    *p = (progress){ .bar = { .epoch = epoch, .epochs = epochs, .batches = batches }, .shown = shown,
                     .terminal = isatty(STDERR_FILENO), .start = progress_now() };
    p->bar.unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    p->redrawn = p->terminal && !is_set("TERM", "dumb");
    p->escapes = p->redrawn && !is_set("NO_COLOR", NULL);
}

/* The number of columns that a line may use, according to the terminal or COLUMNS. Terminals treat their last column
 * in different ways, so it is left free. */
static int line_width(const progress *p)
{
    struct winsize size = { 0 };
    const char *columns = getenv("COLUMNS");
    long width = INT_MAX, limit = columns ? strtol(columns, NULL, 10) : 0;
    if (p->terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        width = size.ws_col;
    }
    if (p->terminal && limit > 0 && limit < width) {
        width = limit;
    }
    return (int)(width - 1);
}

static void draw(progress *p, double now)
{
    char text[BAR_TEXT];
    int width = line_width(p), columns = bar_write(text, &p->bar, width);
    int left = (p->columns < width ? p->columns : width) - columns; /* what is left of the previous bar */
    if (!p->redrawn) {
        fprintf(stderr, "%s\n", text);
    } else if (p->escapes) {
        fprintf(stderr, "\r%s\033[K", text);
    } else {
        fprintf(stderr, "\r%s%*s", text, left > 0 ? left : 0, "");
    }
    fflush(stderr);
    p->columns = columns;
    p->drawn = now;
}

/* How many quarters of the epoch are over once `done` batches are. */
static int quarter_of(const progress *p, int64_t done)
{
    return (int)(4 * done / p->bar.batches);
}

static bool is_due(const progress *p, double now, int quarter)
{
    return p->shown && (p->redrawn ? now - p->drawn > 0.1 : quarter > p->quarter && quarter < 4);
}

bool progress_due(const progress *p)
{
    return is_due(p, progress_now(), quarter_of(p, p->bar.done + 1));
}

void progress_step(progress *p, int64_t images, double loss)
{
    double now = progress_now();
    int quarter = quarter_of(p, ++p->bar.done);
    p->images += images;
    p->bar.seconds = now - p->start;
    p->bar.images_per_second = p->bar.seconds > 0 ? (double)p->images / p->bar.seconds : 0;
    p->bar.loss = loss;
    if (is_due(p, now, quarter)) {
        draw(p, now);
    }
    p->quarter = quarter;
}

void progress_end(progress *p)
{
    if (p->shown && p->redrawn && p->columns > 0) {
        int width = line_width(p);
        fprintf(stderr, p->escapes ? "\r\033[K" : "\r%*s\r", p->columns < width ? p->columns : width, "");
        fflush(stderr);
        p->columns = 0;
    }
}
