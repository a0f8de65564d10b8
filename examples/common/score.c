/* A batch's tensors live on the tape until the next cnn_tape_begin(), so there is nothing to free here; an error anywhere in a
 * step is reported by the step's last call. */
#include "score.h"

#include "progress.h"
#include "signals.h"

void score_add(score *s, cnn_tensor *outputs, cnn_tensor *loss, const cnn_batch *batch)
{
    cnn_tensor *predicted = cnn_argmax(outputs, CNN_DIMS(1), false);
    s->right += cnn_tensor_item_i64(cnn_sum(cnn_eq(predicted, batch->labels), CNN_ALL_DIMS, false));
    s->images += batch->size;
    s->loss += cnn_tensor_item(loss) * (double)batch->size;
}

outcome score_end(score *s, double start, const cnn_loader *loader)
{
    double images = s->images ? (double)s->images : 1;
    s->loss /= images;
    s->accuracy = 100 * (double)s->right / images;
    s->seconds = progress_now() - start;
    return interrupted ? INTERRUPTED : cnn_loader_status(loader) == CNN_OK ? DONE : FAILED;
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
        score_add(s, outputs, loss, &batch);
        if (cnn_tape_status(tape) != CNN_OK) {
            return FAILED;
        }
    }
    return score_end(s, start, loader);
}
