#include "svg.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

/* Each colour twice: on white and on black. */
static const char style[] =
    "<style>\n"
    ".back{fill:#ffffff}.text{fill:#1f2328}.muted{fill:#57606a}\n"
    ".plain{fill:#f6f8fa;stroke:#8c959f}.padding{fill:none;stroke:#8c959f;stroke-dasharray:3 3}\n"
    ".window{fill:#ffe9a8;stroke:#9a6700}.kernel{fill:#cfe3ff;stroke:#0550ae}.result{fill:#c8f2d4;stroke:#1a7f37}\n"
    ".dropped{fill:#f1d3d3;stroke:#a40e26}\n"
    ".frame{fill:none;stroke:#9a6700;stroke-width:3}\n"
    ".line{stroke:#1f2328;fill:none;stroke-width:1.5}.head{fill:#1f2328}\n"
    ".line-back{stroke:#a40e26;fill:none;stroke-width:1.5}.head-back{fill:#a40e26}.back-text{fill:#a40e26}\n"
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:15px}\n"
    ".small{font-size:13px}.number{font-size:14px}.strong{font-weight:700}.title{font-size:16px;font-weight:600}\n"
    "@media (prefers-color-scheme: dark){\n"
    ".back{fill:#1d2025}.text{fill:#e6edf3}.muted{fill:#a6b0bb}\n"
    ".plain{fill:#2a2f37;stroke:#7d8590}.padding{stroke:#7d8590}\n"
    ".window{fill:#5c4500;stroke:#e3b341}.kernel{fill:#12386b;stroke:#79b8ff}.result{fill:#124d27;stroke:#56d364}\n"
    ".dropped{fill:#5b1a22;stroke:#ff8b94}\n"
    ".frame{stroke:#e3b341}.line{stroke:#e6edf3}.head{fill:#e6edf3}\n"
    ".line-back{stroke:#ff8b94}.head-back{fill:#ff8b94}.back-text{fill:#ff8b94}\n"
    "}\n"
    "</style>\n";

FILE *svg_begin(const char *folder, const char *name, int height, const char *description)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.svg", folder, name);
    FILE *svg = fopen(path, "w");
    if (!svg) {
        fprintf(stderr, "draw: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    fprintf(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n",
        WIDTH, height, WIDTH, height);
    fprintf(svg, "<!-- Made by docs/drawings (make drawings). -->\n<title>%s</title>\n%s", description, style);
    fprintf(svg, "<rect class=\"back\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height);
    return svg;
}

bool svg_end(FILE *svg)
{
    fprintf(svg, "</svg>\n");
    bool good = !ferror(svg);
    return fclose(svg) == 0 && good;
}

void svg_cell(FILE *svg, double x, double y, double width, double height, tone is)
{
    static const char *const classes[] = { "plain", "padding", "window", "kernel", "result", "dropped" };
    fprintf(svg, "<rect class=\"%s\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n", classes[is], x, y, width,
            height);
}

void svg_frame(FILE *svg, double x, double y, double width, double height)
{
    fprintf(svg, "<rect class=\"frame\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\"/>\n", x, y, width, height);
}

void svg_text(FILE *svg, double x, double y, anchor at, const char *style_of, const char *format, ...)
{
    static const char *const anchors[] = { "start", "middle", "end" };
    fprintf(svg, "<text class=\"%s\" x=\"%g\" y=\"%g\" text-anchor=\"%s\">", style_of, x, y, anchors[at]);
    va_list list;
    va_start(list, format);
    vfprintf(svg, format, list);
    va_end(list);
    fprintf(svg, "</text>\n");
}

void svg_arrow(FILE *svg, double x1, double y1, double x2, double y2, bool backward)
{
    double length = hypot(x2 - x1, y2 - y1), dx = (x2 - x1) / length, dy = (y2 - y1) / length;
    double bx = x2 - 9 * dx, by = y2 - 9 * dy;
    const char *kind = backward ? "-back" : "";
    fprintf(svg, "<path class=\"line%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", kind, x1, y1, bx, by);
    fprintf(svg, "<path class=\"head%s\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>\n", kind, x2, y2, bx - 4.5 * dy,
            by + 4.5 * dx, bx + 4.5 * dy, by - 4.5 * dx);
}

const char *svg_number(double value)
{
    static char text[8][32];
    static int next;
    char *t = text[next++ % 8];
    snprintf(t, sizeof text[0], "%s%g", value < 0 ? "−" : "", fabs(value));
    return t;
}

void svg_grid(FILE *svg, double x, double y, double size, int rows, int columns, const float *numbers,
              const tone *tones)
{
    for (int i = 0; i < rows * columns; i++) {
        double cx = x + size * (i % columns), cy = y + size * (i / columns);
        tone is = tones ? tones[i] : PLAIN;
        svg_cell(svg, cx, cy, size, size, is);
        if (numbers) {
            svg_text(svg, cx + size / 2, cy + size / 2 + 5, MIDDLE, is == PADDING ? "number muted" : "number text",
                     "%s", svg_number(numbers[i]));
        }
    }
}
