/* What a convolution does: one window, the windows one after the other, strides, padding. */
#include "draw.h"
#include "svg.h"

#include <string.h>

enum { SIDE = 4, PAD = 1, PADDED = SIDE + 2 * PAD, K = 3 };

static const float picture[SIDE * SIDE] = { 0, 0, 3, 3, 0, 1, 3, 2, 0, 0, 2, 3, 1, 0, 3, 3 };
/* Dark at the left and light at the right give a large number. */
static const float kernel[K * K] = { -1, 0, 1, -1, 0, 1, -1, 0, 1 };

typedef struct example {
    float padded[PADDED * PADDED], result[SIDE * SIDE];
} example;

static bool compute(cnn_context *ctx, example *e)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 1, SIDE, SIDE), picture);
    cnn_tensor *w = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 1, K, K), kernel);
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = cnn_conv2d(cnn_input(tape, x), w, NULL, CNN_OPTIONS(cnn_conv2d_options, .padding = PAD));
    bool good = cnn_tensor_read(y, e->result, sizeof e->result) == CNN_OK;
    memset(e->padded, 0, sizeof e->padded);
    for (int r = 0; r < SIDE; r++) {
        memcpy(e->padded + (r + PAD) * PADDED + PAD, picture + r * SIDE, SIDE * sizeof *picture);
    }
    cnn_tensor_free(x);
    cnn_tensor_free(w);
    cnn_tape_free(tape);
    return good;
}

/* The padded picture with the window of output (row, column) marked. */
static void mark(tone *tones, int row, int column)
{
    for (int i = 0; i < PADDED * PADDED; i++) {
        int r = i / PADDED, c = i % PADDED;
        bool inside = r >= row && r < row + K && c >= column && c < column + K;
        bool border = r < PAD || r >= PADDED - PAD || c < PAD || c >= PADDED - PAD;
        tones[i] = inside ? WINDOW : border ? PADDING : PLAIN;
    }
}

bool draw_convolution(cnn_context *ctx, const char *folder)
{
    enum { CELL = 28, GAP = 46, TOP = 56, ROW = 1, COLUMN = 1 };
    example e;
    FILE *svg = compute(ctx, &e) ? svg_begin(folder, "convolution", 320,
                                             "A padded picture of numbers, a kernel of three by three, and the output: "
                                             "one number of it is the sum of nine products")
                                 : NULL;
    if (!svg) {
        return false;
    }
    tone tones[PADDED * PADDED], blue[K * K], green[SIDE * SIDE];
    double at_kernel = 10 + PADDED * CELL + GAP, at_result = at_kernel + K * CELL + GAP,
           middle = TOP + PADDED * CELL / 2.0;
    mark(tones, ROW, COLUMN);
    for (int i = 0; i < K * K; i++) {
        blue[i] = KERNEL;
    }
    for (int i = 0; i < SIDE * SIDE; i++) {
        green[i] = i == ROW * SIDE + COLUMN ? RESULT : PLAIN;
    }
    svg_text(svg, 10, 26, START, "title text", "input 4 × 4");
    svg_text(svg, 10, 45, START, "small muted", "a border of zeros: padding 1");
    svg_grid(svg, 10, TOP, CELL, PADDED, PADDED, e.padded, tones);
    svg_text(svg, at_kernel, middle - K * CELL / 2.0 - 12, START, "title text", "kernel 3 × 3");
    svg_grid(svg, at_kernel, middle - K * CELL / 2.0, CELL, K, K, kernel, blue);
    svg_text(svg, at_result, middle - SIDE * CELL / 2.0 - 12, START, "title text", "output 4 × 4");
    svg_grid(svg, at_result, middle - SIDE * CELL / 2.0, CELL, SIDE, SIDE, e.result, green);
    svg_text(svg, at_kernel - GAP / 2.0, middle + 7, MIDDLE, "title text", "∗");
    svg_text(svg, at_result - GAP / 2.0, middle + 7, MIDDLE, "title text", "=");
    svg_text(svg, 10, 256, START, "small muted", "The window times the kernel, added up, is the green number:");
    double sum = 0;
    char line[512];
    int n = 0;
    for (int i = 0; i < K * K; i++) {
        double x = e.padded[(ROW + i / K) * PADDED + COLUMN + i % K], w = kernel[i];
        sum += x * w;
        n += snprintf(line + n, sizeof line - (size_t)n, "%s%s·%s%s%s", i ? " + " : "", svg_number(x), w < 0 ? "(" : "",
                      svg_number(w), w < 0 ? ")" : "");
    }
    svg_text(svg, 10, 280, START, "small text", "%s", line);
    svg_text(svg, 10, 304, START, "text strong", "= %s", svg_number(sum));
    return svg_end(svg) && sum == e.result[ROW * SIDE + COLUMN];
}

bool draw_sliding(cnn_context *ctx, const char *folder)
{
    enum { CELL = 20, HIGH = 176 };
    static const int steps[4] = { 0, 1, 4, 15 };
    static const char *const says[4] = { "the first window", "one to the right", "the next row", "the last one" };
    example e;
    FILE *svg = compute(ctx, &e)
                    ? svg_begin(folder, "sliding", 2 * HIGH + 12,
                                "The window slides over the padded picture; each place gives one number of the output")
                    : NULL;
    if (!svg) {
        return false;
    }
    for (int p = 0; p < 4; p++) {
        int row = steps[p] / SIDE, column = steps[p] % SIDE;
        double x = 12 + 238 * (p % 2), y = 34 + HIGH * (p / 2), right = x + PADDED * CELL + 14, lower = y + CELL;
        tone tones[PADDED * PADDED];
        mark(tones, row, column);
        svg_text(svg, x, y - 10, START, "small text", "%s", says[p]);
        svg_grid(svg, x, y, CELL, PADDED, PADDED, e.padded, tones);
        svg_frame(svg, x + column * CELL, y + row * CELL, K * CELL, K * CELL);
        for (int i = 0; i < SIDE * SIDE; i++) {
            double cx = right + CELL * (i % SIDE), cy = lower + CELL * (i / SIDE);
            svg_cell(svg, cx, cy, CELL, CELL, i == steps[p] ? RESULT : PLAIN);
            if (i <= steps[p]) { /* what has been computed so far */
                svg_text(svg, cx + CELL / 2.0, cy + 15, MIDDLE, "small text", "%s", svg_number(e.result[i]));
            }
        }
    }
    return svg_end(svg);
}

/* How wide the library's output is. */
static int64_t width_of(cnn_context *ctx, int64_t width, int64_t k, int64_t stride, int64_t padding)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, 1, 1, width));
    cnn_tensor *w = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, 1, 1, k));
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y = cnn_conv2d(cnn_input(tape, x), w, NULL,
                               CNN_OPTIONS(cnn_conv2d_options, .stride = stride, .padding_w = padding));
    int64_t is = cnn_tensor_size(y, 3);
    cnn_tensor_free(x);
    cnn_tensor_free(w);
    cnn_tape_free(tape);
    return is;
}

/* A row of cells and below it the windows of a kernel, each over what it sees, with the number that it gives. Returns the height. */
static double row_of_windows(FILE *svg, double y, double cell, int width, int k, int stride, int padding, int outputs)
{
    double left = (WIDTH - (width + 2 * padding) * cell) / 2;
    for (int i = 0; i < width + 2 * padding; i++) {
        svg_cell(svg, left + i * cell, y, cell, cell, i < padding || i >= width + padding ? PADDING : PLAIN);
    }
    int lanes = (k + stride - 1) / stride; /* windows that overlap lie below each other */
    for (int o = 0; o < outputs; o++) {
        double x = left + o * stride * cell, below = y + cell + 8 + 24 * (o % lanes);
        svg_cell(svg, x + 2, below, k * cell - 4, 19, RESULT);
        svg_text(svg, x + k * cell / 2, below + 14, MIDDLE, "small text", "%d", o);
    }
    return cell + 8 + 24 * (outputs < lanes ? outputs : lanes);
}

static bool draw_rows(cnn_context *ctx, const char *folder, const char *name, const char *description, int width, int k,
                      const int (*rows)[2], int count, int height)
{
    double y = 28;
    bool good = true;
    FILE *svg = svg_begin(folder, name, height, description);
    if (!svg) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        int stride = rows[i][0], padding = rows[i][1], n = (width - k + 2 * padding) / stride + 1;
        good &= width_of(ctx, width, k, stride, padding) == n;
        svg_text(svg, WIDTH / 2.0, y, MIDDLE, "text", "stride %d, padding %d: (%d − %d + 2 · %d) / %d + 1 %s %d",
                 stride, padding, width, k, padding, stride, (width - k + 2 * padding) % stride ? "→" : "=", n);
        y += 14;
        y += row_of_windows(svg, y, 30, width, k, stride, padding, n) + 38;
    }
    return svg_end(svg) && good;
}

bool draw_stride(cnn_context *ctx, const char *folder)
{
    static const int rows[][2] = { { 1, 0 }, { 2, 0 }, { 3, 0 } };
    return draw_rows(ctx, folder, "stride",
                     "A kernel of width 3 over 7 numbers: stride 1 gives 5 windows, stride 2 gives 3, stride 3 gives 2 "
                     "and leaves one number over",
                     7, 3, rows, 3, 420);
}

bool draw_padding(cnn_context *ctx, const char *folder)
{
    static const int rows[][2] = { { 1, 0 }, { 1, 1 }, { 1, 2 } };
    return draw_rows(ctx, folder, "padding",
                     "A kernel of width 5 over 7 numbers: without padding 3 windows, with padding 1 there are 5, with "
                     "padding 2 there are 7",
                     7, 5, rows, 3, 588);
}
