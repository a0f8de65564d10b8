/* Colours are names that the two themes fill in, in the page and in each SVG file. Training and blue, testing and
 * orange belong together, which people who see no red and green tell apart; marks differ in their form, too. */
#include "figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char figure_colors[] =
    ":root{color-scheme:light "
    "dark;--paper:#fff;--ink:#1b1f24;--soft:#57606a;--line:#8c959f;--grid:#e3e7eb;--first:#0860ca;"
    "--second:#b14a00;--card:#f6f8fa}\n"
    "@media "
    "(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--soft:#9da7b3;--line:#6e7681;--grid:#262c33;"
    "--first:#6cb0ff;--second:#ff9a52;--card:#161b22}}\n";

const char figure_style[] =
    "svg text{font:12px system-ui,'DejaVu Sans',sans-serif;fill:var(--ink)}\n"
    "svg .soft{fill:var(--soft)}svg .small{font-size:10.5px}svg .end{text-anchor:end}svg .mid{text-anchor:middle}\n"
    "svg .strong{font-weight:600}svg .grid{stroke:var(--grid);stroke-width:1}svg "
    ".axis{stroke:var(--line);stroke-width:1}\n"
    "svg .first{fill:var(--first)}svg .second{fill:var(--second)}\n"
    "svg .first-line{stroke:var(--first);fill:none;stroke-width:2}\n"
    "svg .second-line{stroke:var(--second);fill:none;stroke-width:2;stroke-dasharray:6 3}\n"
    "svg .hollow{fill:var(--paper);stroke-dasharray:none}svg .over{fill:var(--paper)}svg "
    ".frame{fill:none;stroke:var(--line)}\n"
    "svg .paper{fill:var(--paper)}svg "
    ".px{image-rendering:pixelated;image-rendering:crisp-edges;image-rendering:pixelated}\n";

/* Adds the first `most` characters of UTF-8 text, escaped. */
static void add_cut(text *t, const char *name, int most)
{
    char kept[256];
    size_t size = 0;
    int characters = 0;
    bool cut = false;
    for (const char *c = name; *c && !cut; c++) {
        bool begins = ((unsigned char)*c & 0xc0) != 0x80;
        cut = (begins && characters == most) || size + 8 > sizeof kept;
        if (!cut) {
            characters += begins;
            kept[size++] = *c;
        }
    }
    while (cut && size > 0 && ((unsigned char)kept[size - 1] & 0xc0) == 0x80) {
        size--; /* the last character makes room for … */
    }
    size -= cut && size > 0;
    kept[size] = '\0';
    text_add_escaped(t, kept);
    if (cut) {
        text_add(t, "…");
    }
}

static const char *class_name(const page_subject *s, int64_t i)
{
    return s->class_name ? s->class_name(s->user, i) : NULL;
}

void figure_class(text *t, const page_subject *s, int64_t i, int most)
{
    const char *name = class_name(s, i);
    if (name) {
        add_cut(t, name, most);
    } else {
        text_add(t, "%lld", (long long)i);
    }
}

int figure_class_length(const page_subject *s, int most)
{
    int longest = 1;
    for (int64_t i = 0; i < s->classes; i++) {
        const char *name = class_name(s, i);
        char number[24];
        int length = 0;
        snprintf(number, sizeof number, "%lld", (long long)i);
        for (const char *c = name ? name : number; *c; c++) {
            length += ((unsigned char)*c & 0xc0) != 0x80;
        }
        longest = length > longest ? length : longest;
    }
    return longest < most ? longest : most;
}

double figure_step(double range, int most)
{
    if (!(range > 0) || !isfinite(range)) {
        return 1;
    }
    double power = pow(10, floor(log10(range / most)));
    double few = range / most / power * (1 - 1e-9);
    return power * (few <= 1 ? 1 : few <= 2 ? 2 : few <= 5 ? 5 : 10);
}

/* Writes a number with as many decimals as the step has. */
static void number(char out[32], double value, double step)
{
    int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    snprintf(out, 32, "%.*f", decimals < 9 ? decimals : 9, fabs(value) < step / 2 ? 0.0 : value);
}

void figure_x_axis(text *t, double low, double high, double step, double left, double right, double top, double bottom,
                   const char *name)
{
    const int64_t last = llround(floor(high / step + 1e-9));
    for (int64_t i = llround(ceil(low / step - 1e-9)); i <= last; i++) {
        char digits[32];
        double at = (double)i * step;
        double x = high > low ? left + (at - low) / (high - low) * (right - left) : (left + right) / 2;
        number(digits, at, step);
        text_add(t,
                 "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                 "<text class=\"soft mid\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                 x, x, top, bottom, x, bottom + 16, digits);
    }
    text_add(t,
             "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
             "<text class=\"mid\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
             left, right, bottom, bottom, (left + right) / 2, bottom + 34, name);
}

void figure_y_axis(text *t, double low, double high, double step, double left, double right, double top, double bottom,
                   const char *name)
{
    const int64_t last = llround(floor(high / step + 1e-9));
    for (int64_t i = llround(ceil(low / step - 1e-9)); i <= last; i++) {
        char digits[32];
        double at = (double)i * step;
        double y = high > low ? bottom - (at - low) / (high - low) * (bottom - top) : (bottom + top) / 2;
        number(digits, at, step);
        text_add(t,
                 "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                 "<text class=\"soft end\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                 left, right, y, y, left - 6, y + 4, digits);
    }
    text_add(t,
             "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
             "<text class=\"mid\" transform=\"translate(13 %.1f) rotate(-90)\">%s</text>\n",
             left, left, top, bottom, (top + bottom) / 2, name);
}
