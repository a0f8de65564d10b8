/* A progress bar like tqdm's on stderr: epoch, batches, elapsed and remaining time, images a second, loss. It is drawn at most
 * ten times a second. Where stderr is not a terminal, a line at each quarter of the epoch says the same. */
#include "progress.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CELLS = 20 };

double progress_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void progress_begin(progress *p, bool shown, int64_t epoch, int64_t epochs, int64_t batches)
{
    *p = (progress){ .shown = shown, .terminal = isatty(STDERR_FILENO), .epoch = epoch, .epochs = epochs,
                     .batches = batches, .start = progress_now() };
    p->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void draw_bar(const progress *p, char bar[4 * CELLS])
{
    static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    int64_t filled = p->done * CELLS * 8 / p->batches;
    char *to = bar;
    for (int cell = 0; cell < CELLS; cell++) {
        int64_t part = filled - 8 * cell;
        const char *text = !p->unicode ? (part >= 4 ? "#" : " ") : part >= 8 ? "█" : eighths[part > 0 ? part : 0];
        to = stpcpy(to, text);
    }
}

static void clock_text(char text[16], double seconds)
{
    int whole = (int)(seconds + 0.5);
    snprintf(text, 16, "%02d:%02d", whole / 60 % 1000, whole % 60);
}

static void draw(progress *p, double now, double loss)
{
    char bar[4 * CELLS], elapsed[16], left[16];
    double passed = now - p->start, speed = passed > 0 ? (double)p->images / passed : 0;
    draw_bar(p, bar);
    clock_text(elapsed, passed);
    clock_text(left, passed / (double)p->done * (double)(p->batches - p->done));
    fprintf(stderr, "%sepoch %lld/%lld: %3d%%|%s| %lld/%lld [%s<%s, %.0f images/s, loss %.4f]%s",
            p->terminal ? "\r" : "", (long long)p->epoch, (long long)p->epochs, (int)(100 * p->done / p->batches), bar,
            (long long)p->done, (long long)p->batches, elapsed, left, speed, loss, p->terminal ? "\033[K" : "\n");
    fflush(stderr);
    p->drawn = now;
}

void progress_step(progress *p, int64_t images, double loss)
{
    double now = progress_now();
    int quarter = (int)(4 * ++p->done / p->batches);
    p->images += images;
    if (p->shown && (p->terminal ? now - p->drawn > 0.1 : quarter > p->quarter && quarter < 4)) {
        draw(p, now, loss);
    }
    p->quarter = quarter;
}

void progress_end(progress *p)
{
    if (p->shown && p->terminal) {
        fputs("\r\033[K", stderr);
    }
}
