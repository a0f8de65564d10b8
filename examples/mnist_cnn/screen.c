/* Escape sequences go to terminals alone, and colours are of the 256 that nearly all of them know. */
#include "screen.h"

#include <langinfo.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 20, FIRST_LINE = 3 };

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value;
}

/* Number 232 to 255 of the terminal's colours are greys from nearly black to nearly white. */
static int shade(float pixel)
{
    return 232 + (int)lrintf(fminf(1, fmaxf(0, pixel)) * 23);
}

static void draw_guess(int line, bool utf8, const int *guesses, const float *probabilities, int count)
{
    int g = line / 2;
    if (line < 0 || line % 2 || g >= count) {
        return;
    }
    float probability = probabilities[guesses[g]];
    int cells = (int)lrintf(probability * BAR);
    printf("   %d  %6.2f %%  ", guesses[g], 100 * (double)probability);
    for (int i = 0; i < cells; i++) {
        fputs(utf8 ? "█" : "#", stdout);
    }
}

static void draw_half_blocks(const float *pixels, const int *guesses, const float *probabilities, int count)
{
    for (int y = 0; y < INK_SIDE; y += 2) {
        for (int x = 0; x < INK_SIDE; x++) {
            printf("\033[38;5;%d;48;5;%dm▀", shade(pixels[y * INK_SIDE + x]), shade(pixels[(y + 1) * INK_SIDE + x]));
        }
        fputs("\033[0m", stdout);
        draw_guess(y / 2 - FIRST_LINE, true, guesses, probabilities, count);
        fputs("\n", stdout);
    }
}

static void draw_letters(const float *pixels, const int *guesses, const float *probabilities, int count, bool utf8)
{
    static const char *const blocks[] = { "  ", "░░", "▒▒", "▓▓", "██" }, *const ascii[] = { "  ", "..", "++", "%%",
                                                                                             "@@" };
    for (int y = 0; y < INK_SIDE; y++) {
        for (int x = 0; x < INK_SIDE; x++) {
            int level = (int)lrintf(fminf(1, fmaxf(0, pixels[y * INK_SIDE + x])) * 4);
            fputs(utf8 ? blocks[level] : ascii[level], stdout);
        }
        fputs("|", stdout);
        draw_guess(y - 2 * FIRST_LINE, utf8, guesses, probabilities, count);
        fputs("\n", stdout);
    }
}

void screen_draw(const float pixels[INK_PIXELS], const int *guesses, const float *probabilities, int count)
{
    const char *term = getenv("TERM");
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    bool colors = isatty(STDOUT_FILENO) && utf8 && !is_set("NO_COLOR") && term && strcmp(term, "dumb") != 0;
    if (colors) {
        draw_half_blocks(pixels, guesses, probabilities, count);
    } else {
        draw_letters(pixels, guesses, probabilities, count, utf8);
    }
}
