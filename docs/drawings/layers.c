/* Pooling, dropout, and the chain of operations that backward goes along. */
#include "draw.h"
#include "svg.h"

bool draw_pooling(cnn_context *ctx, const char *folder)
{
    enum { SIDE = 4, CELL = 42, TOP = 52 };
    static const float numbers[SIDE * SIDE] = { 1, 3, 2, 0, 5, 2, 1, 4, 0, 1, 7, 6, 2, 2, 3, 8 };
    static const tone quarters[4] = { WINDOW, KERNEL, DROPPED, RESULT };
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, 1, SIDE, SIDE), numbers), *where;
    float largest[4];
    int64_t at[4];
    cnn_tape_begin(tape, CNN_EVAL);
    cnn_tensor *y =
        cnn_maxpool2d_with_indices(cnn_input(tape, x), CNN_OPTIONS(cnn_maxpool2d_options, .kernel = 2), &where);
    bool good =
        cnn_tensor_read(y, largest, sizeof largest) == CNN_OK && cnn_tensor_read(where, at, sizeof at) == CNN_OK;
    cnn_tensor_free(x);
    cnn_tape_free(tape);
    FILE *svg =
        good ? svg_begin(folder, "pooling", 268, "Of each square of two by two numbers the largest goes on") : NULL;
    if (!svg) {
        return false;
    }
    tone tones[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) {
        tones[i] = quarters[i / SIDE / 2 * 2 + i % SIDE / 2];
    }
    double left = 40, right = left + SIDE * CELL + 110, lower = TOP + CELL;
    svg_text(svg, left, 34, START, "title text", "input 4 × 4");
    svg_grid(svg, left, TOP, CELL, SIDE, SIDE, numbers, tones);
    for (int i = 0; i < 4; i++) {
        svg_frame(svg, left + CELL * (double)(at[i] % SIDE) + 3, TOP + CELL * (double)(at[i] / SIDE) + 3, CELL - 6,
                  CELL - 6);
    }
    svg_arrow(svg, left + SIDE * CELL + 18, TOP + 2 * CELL, right - 18, TOP + 2 * CELL, false);
    svg_text(svg, right - 55, TOP + 2 * CELL - 12, MIDDLE, "small text", "largest");
    svg_text(svg, right, lower - 18, START, "title text", "output 2 × 2");
    svg_grid(svg, right, lower, CELL, 2, 2, largest, quarters);
    svg_text(svg, left, 248, START, "small muted", "kernel 2, stride 2: (4 − 2) / 2 + 1 = 2");
    return svg_end(svg);
}

bool draw_dropout(cnn_context *ctx, const char *folder)
{
    enum { COUNT = 8, CELL = 40, ROWS = 4 };
    static const float numbers[COUNT] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    static const char *const says[ROWS] = { "what comes in", "training: some become 0, the others double",
                                            "training, the next step: others become 0",
                                            "evaluation: all of them, as they are" };
    float rows[ROWS][COUNT];
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *dropout = cnn_dropout_new(ctx, 0.5);
    cnn_tensor *x = cnn_tensor_from_data(ctx, CNN_F32, CNN_SHAPE(1, COUNT), numbers);
    bool good = cnn_tensor_read(x, rows[0], sizeof rows[0]) == CNN_OK;
    for (int i = 1; i < ROWS; i++) {
        cnn_tape_begin(tape, i < ROWS - 1 ? CNN_TRAIN : CNN_EVAL);
        good &= cnn_tensor_read(cnn_forward(dropout, cnn_input(tape, x)), rows[i], sizeof rows[i]) == CNN_OK;
    }
    cnn_tensor_free(x);
    cnn_module_free(dropout);
    cnn_tape_free(tape);
    FILE *svg =
        good
            ? svg_begin(folder, "dropout", 350,
                        "Dropout in two steps of training, where about half of the numbers become 0, and in evaluation")
            : NULL;
    if (!svg) {
        return false;
    }
    for (int i = 0; i < ROWS; i++) {
        tone tones[COUNT];
        double left = (WIDTH - COUNT * CELL) / 2.0, y = 40 + 80 * i;
        for (int k = 0; k < COUNT; k++) {
            tones[k] = i == 0 ? PLAIN : rows[i][k] == 0 ? DROPPED : RESULT;
        }
        svg_text(svg, left, y - 10, START, "text", "%s", says[i]);
        svg_grid(svg, left, y, CELL, 1, COUNT, rows[i], tones);
    }
    return svg_end(svg);
}

/* loss = (relu(w · x + b) − t)², with every number that forward and backward compute. */
bool draw_backward(cnn_context *ctx, const char *folder)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_tensor *x = cnn_tensor_full(ctx, CNN_F64, 2, CNN_SHAPE(1)), *w = cnn_tensor_full(ctx, CNN_F64, 3, CNN_SHAPE(1));
    cnn_tensor *b = cnn_tensor_full(ctx, CNN_F64, 1, CNN_SHAPE(1)), *t = cnn_tensor_full(ctx, CNN_F64, 5, CNN_SHAPE(1));
    cnn_tensor_set_requires_grad(w, true);
    cnn_tensor_set_requires_grad(b, true);
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *product = cnn_mul(cnn_input(tape, w), cnn_input(tape, x)), *sum = cnn_add(product, cnn_input(tape, b));
    cnn_tensor *active = cnn_relu(sum), *off = cnn_sub(active, cnn_input(tape, t)), *loss = cnn_mul(off, off);
    cnn_tensor *results[] = { product, sum, active, off, loss };
    double value[5], gradient[5], of_w, of_b;
    for (int i = 0; i < 5; i++) {
        cnn_retain_grad(results[i]);
    }
    bool good = cnn_backward(loss) == CNN_OK;
    for (int i = 0; i < 5 && good; i++) {
        value[i] = cnn_tensor_item(results[i]);
        gradient[i] = cnn_tensor_item(cnn_tensor_grad(results[i]));
    }
    of_w = good ? cnn_tensor_item(cnn_tensor_grad(w)) : 0;
    of_b = good ? cnn_tensor_item(cnn_tensor_grad(b)) : 0;
    cnn_tensor_free(x);
    cnn_tensor_free(w);
    cnn_tensor_free(b);
    cnn_tensor_free(t);
    cnn_tape_free(tape);
    FILE *svg = good ? svg_begin(folder, "backward", 580,
                                 "Five operations, one below the other: values go down, gradients come back up, and "
                                 "reach the weight and the bias")
                     : NULL;
    if (!svg) {
        return false;
    }
    static const char *const says[5] = { "mul: w · x", "add: + b", "relu", "sub: − t", "square: the loss" };
    svg_text(svg, 20, 30, START, "text", "forward: values");
    svg_text(svg, WIDTH - 20, 30, END, "back-text", "backward: gradients");
    svg_text(svg, 155, 62, MIDDLE, "text", "x = 2");
    svg_arrow(svg, 155, 70, 155, 96, false);
    for (int i = 0; i < 5; i++) {
        double y = 96 + 94 * i;
        svg_cell(svg, 95, y, 200, 40, i == 4 ? WINDOW : PLAIN);
        svg_text(svg, 195, y + 25, MIDDLE, "text", "%s", says[i]);
        svg_text(svg, 145, y + 73, END, "text strong", "%s", svg_number(value[i]));
        svg_text(svg, 245, y + 73, START, "back-text strong", "%s", svg_number(gradient[i]));
        if (i < 4) {
            svg_arrow(svg, 155, y + 40, 155, y + 94, false);
            svg_arrow(svg, 235, y + 94, 235, y + 40, true);
        }
    }
    svg_text(svg, 80, 121, END, "text", "w = 3");
    svg_arrow(svg, 82, 116, 95, 116, false);
    svg_text(svg, 80, 215, END, "text", "b = 1");
    svg_arrow(svg, 82, 210, 95, 210, false);
    svg_text(svg, 80, 403, END, "text", "t = 5");
    svg_arrow(svg, 82, 398, 95, 398, false);
    svg_arrow(svg, 295, 116, 322, 116, true);
    svg_text(svg, 328, 121, START, "back-text", "w.grad = %s", svg_number(of_w));
    svg_arrow(svg, 295, 210, 322, 210, true);
    svg_text(svg, 328, 215, START, "back-text", "b.grad = %s", svg_number(of_b));
    return svg_end(svg);
}
