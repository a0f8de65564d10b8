/* A bar has three parts: "epoch 1/10: 45%", cells between bars, and a tail such as "135/300 [00:05<00:06, loss
 * 0.1703]". The longest tail that leaves room for a few cells is used, and the cells fill the remaining width. */
#include "bar.h"

#include <stdio.h>
#include <string.h>

enum { MOST_CELLS = 20, LEAST_CELLS = 4, TAILS = 4, PART = 128 };

/* Formats a time as "05:07", with hours if there are any. */
static const char *clock_text(char text[32], double seconds)
{
    long long whole = seconds < 1e9 ? (long long)(seconds + 0.5) : 999999999, hours = whole / 3600;
    if (hours > 0) {
        snprintf(text, 32, "%lld:%02lld:%02lld", hours, whole / 60 % 60, whole % 60);
    } else {
        snprintf(text, 32, "%02lld:%02lld", whole / 60, whole % 60);
    }
    return text;
}

/* Writes tail `number`; number 0 is the longest. */
static void write_tail(char text[PART], const bar_state *b, int number)
{
    char passed[32], left[32];
    double rest = b->done > 0 ? b->seconds / (double)b->done * (double)(b->batches - b->done) : 0;
    clock_text(passed, b->seconds);
    clock_text(left, rest);
    switch (number) {
    case 0:
        snprintf(text, PART, " %lld/%lld [%s<%s, %.0f images/s, loss %.4f]", (long long)b->done, (long long)b->batches, passed,
                 left, b->images_per_second, b->loss);
        break;
    case 1: snprintf(text, PART, " [%s<%s, loss %.4f]", passed, left, b->loss); break;
    case 2: snprintf(text, PART, " loss %.4f", b->loss); break;
    default: text[0] = '\0';
    }
}

static char *write_cells(char *to, const bar_state *b, int cells)
{
    static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    int64_t filled = b->done * cells * 8 / b->batches;
    for (int cell = 0; cell < cells; cell++) {
        int64_t part = filled - 8 * cell;
        to = stpcpy(to, !b->unicode ? (part >= 4 ? "#" : " ") : part >= 8 ? "█" : eighths[part > 0 ? part : 0]);
    }
    return to;
}

int bar_write(char text[BAR_TEXT], const bar_state *b, int width)
{
    char head[PART], tail[PART], percent[8];
    snprintf(percent, sizeof percent, "%3d%%", (int)(100 * b->done / b->batches));
    int head_width = snprintf(head, sizeof head, "epoch %lld/%lld: %s", (long long)b->epoch, (long long)b->epochs, percent);
    for (int number = 0; number < TAILS; number++) {
        write_tail(tail, b, number);
        int rest = head_width + 2 + (int)strlen(tail), cells = width - rest;
        if (cells >= LEAST_CELLS) {
            cells = cells < MOST_CELLS ? cells : MOST_CELLS;
            char *to = stpcpy(text, head);
            to = write_cells(stpcpy(to, "|"), b, cells);
            stpcpy(stpcpy(to, "|"), tail);
            return rest + cells;
        }
    }
    const char *only = head_width <= width ? head : percent;
    int columns = (int)strlen(only) <= width ? (int)strlen(only) : width > 0 ? width : 0;
    snprintf(text, BAR_TEXT, "%.*s", columns, only);
    return columns;
}
