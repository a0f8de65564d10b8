/* The paper is what the edge of the picture shows, and ink is what has another colour, whichever of the two is
 * darker: no picture needs to be inverted. The threshold is Otsu's (N. Otsu, "A threshold selection method from
 * gray-level histograms", 1979). */
#include "paper.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 256 };

/* Ink that differs less than that from the paper is noise: about a tenth of the way from black to white. */
static const double least_ink = 40, largest_ink = 442; /* √(3 · 255²) */

/* ---- colours ---- */

static void composite(const digit_picture *p, double behind, int64_t x, int64_t y, double color[3])
{
    int64_t plane = p->height * p->width, at = y * p->width + x;
    double alpha = p->planes[3 * plane + at] / 255.0;
    for (int c = 0; c < 3; c++) {
        color[c] = alpha * p->planes[c * plane + at] + (1 - alpha) * behind;
    }
}

/* What is behind transparent pixels is not in the file. Where what is opaque has one colour, that is the ink, and
 * the paper is white or black, whichever differs more; else the ink is drawn on something, which then goes on
 * behind. */
static double find_behind(const digit_picture *p)
{
    int64_t plane = p->height * p->width;
    double weight = 0, sum = 0, squares = 0, side[2] = { 0 }, weights[2] = { 0 };
    for (int64_t i = 0; i < plane; i++) {
        double alpha = p->planes[3 * plane + i];
        double gray = 0.299 * p->planes[i] + 0.587 * p->planes[plane + i] + 0.114 * p->planes[2 * plane + i];
        weight += alpha;
        sum += alpha * gray;
        squares += alpha * gray * gray;
    }
    double mean = weight > 0 ? sum / weight : 0,
           spread = weight > 0 ? sqrt(fmax(0, squares / weight - mean * mean)) : 0;
    if (spread < 48) {
        return mean < 128 ? 255 : 0;
    }
    for (int64_t i = 0; i < plane; i++) {
        double alpha = p->planes[3 * plane + i];
        double gray = 0.299 * p->planes[i] + 0.587 * p->planes[plane + i] + 0.114 * p->planes[2 * plane + i];
        side[gray > mean] += alpha * gray;
        weights[gray > mean] += alpha;
    }
    int more = weights[1] > weights[0];
    return side[more] / weights[more];
}

static void fill_colors(paper *p)
{
    for (int64_t row = 0; row < p->height; row++) {
        for (int64_t column = 0; column < p->width; column++) {
            double sum[3] = { 0 }, color[3];
            int64_t count = 0;
            for (int64_t y = row * p->block; y < (row + 1) * p->block && y < p->picture->height; y++) {
                for (int64_t x = column * p->block; x < (column + 1) * p->block && x < p->picture->width;
                     x++, count++) {
                    composite(p->picture, p->behind, x, y, color);
                    for (int c = 0; c < 3; c++) {
                        sum[c] += color[c];
                    }
                }
            }
            for (int c = 0; c < 3; c++) {
                p->colors[row * p->width + column][c] = (float)(sum[c] / (double)count);
            }
        }
    }
}

/* ---- the paper ---- */

static double distance(const paper *p, const double color[3], double x, double y)
{
    double sum = 0;
    for (int c = 0; c < 3; c++) {
        double difference = color[c] - (p->plane[c][0] + p->plane[c][1] * x + p->plane[c][2] * y);
        sum += difference * difference;
    }
    return sqrt(sum);
}

/* The middle of a cell, in pixels. */
static double middle(const paper *p, int64_t cell)
{
    return ((double)cell + 0.5) * (double)p->block - 0.5;
}

static int compare(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return a < b ? -1 : a > b;
}

/* Begins with the median of the cells at the edge, which a digit that touches it does not change; `edge` has room
 * for them. */
static void start_with_edge(paper *p, float *edge)
{
    for (int c = 0; c < 3; c++) {
        size_t count = 0;
        for (int i = 0; i < p->height * p->width; i++) {
            int row = i / p->width, column = i % p->width;
            if (row == 0 || column == 0 || row == p->height - 1 || column == p->width - 1) {
                edge[count++] = p->colors[i][c];
            }
        }
        qsort(edge, count, sizeof *edge, compare);
        p->plane[c][0] = (double)edge[count / 2];
        p->plane[c][1] = p->plane[c][2] = 0;
    }
}

static void fill_ink(paper *p)
{
    for (int i = 0; i < p->height * p->width; i++) {
        const double color[3] = { (double)p->colors[i][0], (double)p->colors[i][1], (double)p->colors[i][2] };
        p->ink[i] = (float)distance(p, color, middle(p, i % p->width), middle(p, i / p->width));
    }
}

/* Otsu's threshold: the one with the largest variance between what is below and what is above. */
static double split(const paper *p)
{
    double histogram[BINS] = { 0 }, total = 0, sum = 0, below = 0, sum_below = 0, best = -1, at = 0;
    for (int i = 0; i < p->height * p->width; i++) {
        int bin = (int)((double)p->ink[i] / largest_ink * (BINS - 1));
        histogram[bin < BINS ? bin : BINS - 1]++;
    }
    for (int i = 0; i < BINS; i++) {
        total += histogram[i];
        sum += i * histogram[i];
    }
    for (int i = 0; i < BINS - 1; i++) {
        below += histogram[i];
        sum_below += i * histogram[i];
        if (below > 0 && below < total) {
            double gap = sum_below / below - (sum - sum_below) / (total - below),
                   between = below * (total - below) * gap * gap;
            if (between > best) {
                best = between;
                at = i + 1;
            }
        }
    }
    return fmax(at / (BINS - 1) * largest_ink, least_ink / 2);
}

/* Fits a plane through the paper's cells by least squares; leaves it as it is where they are too few. */
static void fit_planes(paper *p)
{
    double n = 0, sx = 0, sy = 0, xx = 0, xy = 0, yy = 0, z[3] = { 0 }, xz[3] = { 0 }, yz[3] = { 0 };
    for (int i = 0; i < p->height * p->width; i++) {
        double x = middle(p, i % p->width), y = middle(p, i / p->width);
        if ((double)p->ink[i] <= p->threshold) {
            n++, sx += x, sy += y, xx += x * x, xy += x * y, yy += y * y;
            for (int c = 0; c < 3; c++) {
                double value = (double)p->colors[i][c];
                z[c] += value, xz[c] += x * value, yz[c] += y * value;
            }
        }
    }
    if (n < 16 || n < 0.3 * p->height * p->width) {
        return;
    }
    double a = xx - sx * sx / n, b = xy - sx * sy / n, d = yy - sy * sy / n, determinant = a * d - b * b;
    for (int c = 0; c < 3 && determinant > 1e-6 * a * d; c++) {
        double e = xz[c] - sx * z[c] / n, f = yz[c] - sy * z[c] / n;
        p->plane[c][1] = (e * d - b * f) / determinant;
        p->plane[c][2] = (a * f - e * b) / determinant;
        p->plane[c][0] = (z[c] - p->plane[c][1] * sx - p->plane[c][2] * sy) / n;
    }
}

/* ---- the digit ---- */

/* Adds up the ink of the piece around a cell and marks its cells with `mark`; `stack` has room for all cells. */
static double fill_piece(paper *p, int start, unsigned char mark, int *stack)
{
    double sum = 0;
    int count = 0;
    unsigned char old = p->kept[start];
    stack[count++] = start;
    p->kept[start] = mark;
    while (count > 0) {
        int i = stack[--count], row = i / p->width, column = i % p->width;
        sum += (double)p->ink[i];
        for (int y = row > 0 ? row - 1 : 0; y <= row + 1 && y < p->height; y++) {
            for (int x = column > 0 ? column - 1 : 0; x <= column + 1 && x < p->width; x++) {
                int next = y * p->width + x;
                if (p->kept[next] == old) {
                    p->kept[next] = mark;
                    stack[count++] = next;
                }
            }
        }
    }
    return sum;
}

/* Keeps the largest piece of ink and those that have more than a thirtieth of its ink: a digit may be broken, a
 * speck is not one. */
static void keep_digit(paper *p, int *stack)
{
    enum { INK = 1, SEEN = 2, DIGIT = 3, DROPPED = 4 };
    double largest = 0;
    int cells = p->height * p->width;
    for (int i = 0; i < cells; i++) {
        p->kept[i] = (double)p->ink[i] > p->threshold ? INK : 0;
    }
    for (int i = 0; i < cells; i++) {
        largest = p->kept[i] == INK ? fmax(largest, fill_piece(p, i, SEEN, stack)) : largest;
    }
    for (int i = 0; i < cells; i++) {
        if (p->kept[i] == SEEN && fill_piece(p, i, DIGIT, stack) < largest / 30) {
            fill_piece(p, i, DROPPED, stack);
        }
    }
    for (int i = 0; i < cells; i++) {
        p->kept[i] = p->kept[i] == DIGIT;
    }
    for (int i = 0; i < cells; i++) {
        int row = i / p->width, column = i % p->width;
        p->near[i] = 0;
        for (int y = row > 0 ? row - 1 : 0; y <= row + 1 && y < p->height; y++) {
            for (int x = column > 0 ? column - 1 : 0; x <= column + 1 && x < p->width; x++) {
                p->near[i] |= p->kept[y * p->width + x];
            }
        }
    }
}

static bool has_ink(const paper *p)
{
    float most = 0;
    for (int i = 0; i < p->height * p->width; i++) {
        most = p->ink[i] > most ? p->ink[i] : most;
    }
    return (double)most >= least_ink;
}

static digit_result find_paper(paper *p, int *stack, float *edge)
{
    p->behind = find_behind(p->picture);
    fill_colors(p);
    start_with_edge(p, edge);
    fill_ink(p);
    for (int round = 0; round < 2; round++) {
        p->threshold = split(p);
        fit_planes(p);
        fill_ink(p);
    }
    p->threshold = split(p);
    if (!has_ink(p)) {
        return DIGIT_NONE;
    }
    keep_digit(p, stack);
    return DIGIT_FOUND;
}

digit_result paper_find(paper *p, const digit_picture *picture)
{
    int64_t side = picture->height > picture->width ? picture->height : picture->width;
    *p = (paper){ .picture = picture, .block = (side + MAP_SIDE - 1) / MAP_SIDE };
    p->height = (int)((picture->height + p->block - 1) / p->block);
    p->width = (int)((picture->width + p->block - 1) / p->block);
    size_t cells = (size_t)p->height * (size_t)p->width;
    int *stack = malloc(cells * sizeof *stack);
    float *edge = malloc(cells * sizeof *edge);
    p->colors = calloc(cells, sizeof *p->colors);
    p->ink = malloc(cells * sizeof *p->ink);
    p->kept = malloc(cells);
    p->near = malloc(cells);
    bool memory = stack && edge && p->colors && p->ink && p->kept && p->near;
    digit_result result = memory ? find_paper(p, stack, edge) : DIGIT_NO_MEMORY;
    free(stack);
    free(edge);
    return result;
}

void paper_free(paper *p)
{
    free(p->colors);
    free(p->ink);
    free(p->kept);
    free(p->near);
}

double paper_ink(const paper *p, int64_t x, int64_t y)
{
    double color[3];
    if (!p->near[y / p->block * p->width + x / p->block]) {
        return 0;
    }
    composite(p->picture, p->behind, x, y, color);
    return distance(p, color, (double)x, (double)y);
}
