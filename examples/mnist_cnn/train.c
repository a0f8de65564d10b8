/* The tutorial's training loop. A batch's tensors live on the tape until the next cnn_tape_begin(), so there is nothing to free
 * here; an error anywhere in a step is reported by the step's last call. */
#include "train.h"

#include "common/signals.h"

outcome train_epoch(cnn_module *model, cnn_optimizer *adam, cnn_loader *loader, const resident *held, cnn_tape *tape, progress *bar,
                    records *kept, score *s)
{
    cnn_batch batch;
    *s = (score){ 0 };
    while (!interrupted && cnn_loader_next(loader, &batch)) {
        cnn_tape_begin(tape, CNN_TRAIN);
        resident_batch(held, tape, &batch);
        cnn_tensor *outputs = cnn_forward(model, cnn_input(tape, batch.images));
        cnn_tensor *loss = cnn_cross_entropy(outputs, batch.labels);
        cnn_optimizer_zero_grad(adam);
        cnn_backward(loss);
        if (cnn_optimizer_step(adam) != CNN_OK) {
            return score_stop(s);
        }
        if (!score_add(s, outputs, loss, &batch) || (progress_due(bar) && !score_read(s))) {
            return score_stop(s);
        }
        records_step(kept, &batch, loss);
        progress_step(bar, batch.size, score_mean(s));
    }
    return score_end(s, bar->start, loader);
}
