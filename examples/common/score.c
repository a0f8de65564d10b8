/* A batch's tensors live on the tape until the next cnn_tape_begin(), so there is nothing to free here; an error anywhere in a
 * step is reported by the step's last call. */
#include "score.h"

#include "progress.h"
#include "signals.h"

#include <string.h>

static void count(score *s, double loss, int64_t right, int64_t size)
{
    s->right += right;
    s->images += size;
    s->loss += loss * (double)size;
}

/* Shifts what is kept by one batch. The numbers stay as they are, so that their sum is that of reading each. */
static bool keep(score *s, cnn_tensor *loss, cnn_tensor *right, int64_t size)
{
    if (!s->kept) {
        s->kept = cnn_tensor_zeros(cnn_tensor_context(loss), CNN_F32, CNN_SHAPE(SCORE_STEPS, 2));
    }
    if (!s->kept) {
        return false;
    }
    cnn_tensor *earlier = cnn_slice(cnn_flatten(cnn_input(cnn_tensor_tape(loss), s->kept), 0, -1), 0, 2, 2 * SCORE_STEPS, 1);
    cnn_tensor *parts[] = { earlier, cnn_reshape(cnn_detach(loss), CNN_SHAPE(1)), cnn_cast(cnn_reshape(right, CNN_SHAPE(1)), CNN_F32) };
    s->sizes[s->waiting++] = size;
    cnn_tensor *all = cnn_reshape(cnn_concat(parts, 3, 0), CNN_SHAPE(SCORE_STEPS, 2));
    return cnn_tensor_copy_from(s->kept, all) == CNN_OK && (s->waiting < SCORE_STEPS || score_read(s));
}

bool score_add(score *s, cnn_tensor *outputs, cnn_tensor *loss, const cnn_batch *batch)
{
    cnn_tensor *predicted = cnn_argmax(outputs, CNN_DIMS(1), false);
    cnn_tensor *right = cnn_sum(cnn_eq(predicted, batch->labels), CNN_ALL_DIMS, false);
    if (cnn_tensor_status(right) != CNN_OK || cnn_tensor_status(loss) != CNN_OK) {
        return false;
    }
    if (strcmp(cnn_tensor_device(loss), "cpu") != 0) {
        return keep(s, loss, right, batch->size);
    }
    count(s, cnn_tensor_item(loss), cnn_tensor_item_i64(right), batch->size);
    return true;
}

bool score_read(score *s)
{
    float kept[SCORE_STEPS][2];
    const int waiting = s->waiting;
    s->waiting = 0;
    if (waiting > 0 && cnn_tensor_read(s->kept, kept, sizeof kept) != CNN_OK) {
        return false;
    }
    for (int i = 0; i < waiting; i++) {
        const float *batch = kept[SCORE_STEPS - waiting + i];
        count(s, batch[0], (int64_t)batch[1], s->sizes[i]);
    }
    return true;
}

double score_mean(const score *s)
{
    return s->images ? s->loss / (double)s->images : 0;
}

static void score_free(score *s)
{
    cnn_tensor_free(s->kept);
    s->kept = NULL;
    s->waiting = 0;
}

outcome score_end(score *s, double start, const cnn_loader *loader)
{
    const bool read = score_read(s);
    double images = s->images ? (double)s->images : 1;
    score_free(s);
    s->loss /= images;
    s->accuracy = 100 * (double)s->right / images;
    s->seconds = progress_now() - start;
    return interrupted ? INTERRUPTED : read && (!loader || cnn_loader_status(loader) == CNN_OK) ? DONE : FAILED;
}

outcome score_stop(score *s)
{
    score_free(s);
    return FAILED;
}

outcome score_test(cnn_module *model, cnn_loader *loader, const resident *held, cnn_tape *tape, cnn_mode mode, score *s)
{
    cnn_batch batch;
    double start = progress_now();
    *s = (score){ 0 };
    while (!interrupted && cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, mode);
        resident_batch(held, tape, &batch);
        cnn_tensor *outputs = cnn_forward(model, cnn_input(tape, batch.images));
        cnn_tensor *loss = cnn_cross_entropy(outputs, batch.labels);
        if (!score_add(s, outputs, loss, &batch) || cnn_tape_status(tape) != CNN_OK) {
            return score_stop(s);
        }
    }
    return score_end(s, start, loader);
}
