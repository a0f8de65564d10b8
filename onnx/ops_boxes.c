/* Suppression of boxes that overlap better ones, by the host: the size of the result follows from the elements. */
#include "ops.h"

#include <math.h>
#include <stdlib.h>

typedef struct box {
    double y1, x1, y2, x2, score;
    int64_t number;
} box;

static box box_of(const double *b, bool centred, double score, int64_t number)
{
    box made = { .score = score, .number = number };
    if (centred) { /* x, y, width, height */
        made = (box){ b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2, score, number };
    } else {
        made = (box){ fmin(b[0], b[2]), fmin(b[1], b[3]), fmax(b[0], b[2]), fmax(b[1], b[3]), score, number };
    }
    return made;
}

static double overlap(const box *a, const box *b)
{
    double h = fmin(a->y2, b->y2) - fmax(a->y1, b->y1), w = fmin(a->x2, b->x2) - fmax(a->x1, b->x1);
    double both = h > 0 && w > 0 ? h * w : 0;
    double all = (a->y2 - a->y1) * (a->x2 - a->x1) + (b->y2 - b->y1) * (b->x2 - b->x1) - both;
    return all > 0 ? both / all : 0;
}

static int by_score(const void *a, const void *b)
{
    const box *x = a, *y = b;
    return x->score > y->score ? -1 : x->score < y->score ? 1 : x->number < y->number ? -1 : x->number > y->number;
}

/* Sorts the candidates and keeps the first `most` that overlap none before them by more than `limit`. */
static int64_t keep(box *boxes, int64_t count, int64_t most, double limit)
{
    int64_t kept = 0;
    qsort(boxes, (size_t)count, sizeof *boxes, by_score);
    for (int64_t i = 0; i < count && kept < most; i++) {
        bool good = true;
        for (int64_t j = 0; good && j < kept; j++) {
            good = overlap(&boxes[j], &boxes[i]) <= limit;
        }
        if (good) {
            boxes[kept++] = boxes[i];
        }
    }
    return kept;
}

/* Boxes [B,N,4] and scores [B,C,N] give [selected,3]: batch, class and box. */
bool cnn__onnx_op_suppression(cnn__onnx_run *run)
{
    const cnn__onnx_host *boxes = cnn__onnx_in_host(run, 0), *scores = cnn__onnx_in_host(run, 1);
    double most = cnn__onnx_in_number(run, 2, 0), limit = cnn__onnx_in_number(run, 3, 0),
           least = cnn__onnx_in_number(run, 4, -INFINITY);
    bool centred = cnn__onnx_int(run, "center_point_box", 0) != 0;
    if (!boxes || !scores || !boxes->f || !scores->f || boxes->ndim != 3 || scores->ndim != 3 || boxes->shape[2] != 4 ||
        boxes->shape[0] != scores->shape[0] || boxes->shape[1] != scores->shape[2]) {
        return cnn__onnx_step_fail(run, CNN_ERROR_SHAPE, "boxes and scores that do not fit each other");
    }
    int64_t n = boxes->shape[1], classes = scores->shape[1], all = boxes->shape[0] * classes, count = 0;
    int64_t each = !(most > 0) ? 0 : most > (double)n ? n : (int64_t)most;
    box *candidates = cnn__onnx_arena_get(run->arena, (size_t)n, sizeof *candidates);
    int64_t *chosen = cnn__onnx_arena_get(run->arena, (size_t)(all * each), 3 * sizeof *chosen);
    if (!candidates || !chosen) {
        return cnn__onnx_step_fail(run, CNN_ERROR_NO_MEMORY, "no memory");
    }
    for (int64_t k = 0; k < all; k++) {
        int64_t many = 0;
        for (int64_t i = 0; i < n; i++) {
            double score = scores->f[k * n + i];
            if (score > least) {
                candidates[many++] = box_of(boxes->f + (k / classes * n + i) * 4, centred, score, i);
            }
        }
        many = keep(candidates, many, each, limit);
        for (int64_t i = 0; i < many; i++, count++) {
            chosen[3 * count] = k / classes;
            chosen[3 * count + 1] = k % classes;
            chosen[3 * count + 2] = candidates[i].number;
        }
    }
    cnn__onnx_host *y = cnn__onnx_run_host(run, CNN__ONNX_INT64, 2, (int64_t[]){ count, 3 });
    for (int64_t i = 0; y && i < 3 * count; i++) {
        y->i[i] = chosen[i];
    }
    return cnn__onnx_out_host(run, 0, y);
}
