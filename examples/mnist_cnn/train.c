/* The tutorial's two loops. A batch's tensors live on the tape until the next cnn_tape_begin(), so there is nothing to free
 * here; an error anywhere in a step is reported by the step's last call. */
#include "train.h"

#include "signals.h"

/* Adds a batch to the score: its loss is a mean, and the largest logit is the prediction. */
static void count(score *s, cnn_tensor *outputs, cnn_tensor *loss, const cnn_batch *batch)
{
    cnn_tensor *predicted = cnn_argmax(outputs, CNN_DIMS(1), false);
    s->right += cnn_tensor_item_i64(cnn_sum(cnn_eq(predicted, batch->labels), CNN_ALL_DIMS, false));
    s->images += batch->size;
    s->loss += cnn_tensor_item(loss) * (double)batch->size;
}

static outcome finish(score *s, double start, outcome result)
{
    double images = s->images ? (double)s->images : 1;
    s->loss /= images;
    s->accuracy = 100 * (double)s->right / images;
    s->seconds = progress_now() - start;
    return result;
}

outcome train_epoch(cnn_module *model, cnn_optimizer *adam, cnn_loader *loader, cnn_tape *tape, progress *bar, score *s)
{
    cnn_batch batch;
    *s = (score){ 0 };
    while (!interrupted && cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, CNN_TRAIN);
        cnn_tensor *outputs = cnn_forward(model, cnn_input(tape, batch.images));
        cnn_tensor *loss = cnn_cross_entropy(outputs, batch.labels);
        cnn_optimizer_zero_grad(adam);
        cnn_backward(loss);
        if (cnn_optimizer_step(adam) != CNN_OK) {
            return FAILED;
        }
        count(s, outputs, loss, &batch);
        progress_step(bar, batch.size, s->loss / (double)s->images);
    }
    outcome result = interrupted ? INTERRUPTED : cnn_loader_status(loader) == CNN_OK ? DONE : FAILED;
    return finish(s, bar->start, result);
}

outcome test(cnn_module *model, cnn_loader *loader, cnn_tape *tape, cnn_mode mode, score *s)
{
    cnn_batch batch;
    double start = progress_now();
    *s = (score){ 0 };
    while (!interrupted && cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, mode);
        cnn_tensor *outputs = cnn_forward(model, cnn_input(tape, batch.images));
        cnn_tensor *loss = cnn_cross_entropy(outputs, batch.labels);
        count(s, outputs, loss, &batch);
        if (cnn_tape_status(tape) != CNN_OK) {
            return FAILED;
        }
    }
    outcome result = interrupted ? INTERRUPTED : cnn_loader_status(loader) == CNN_OK ? DONE : FAILED;
    return finish(s, start, result);
}
