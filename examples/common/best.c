/* A run that was interrupted and goes on stops where a whole one stops: it measures the best epoch again, whose
 * checkpoint it has, in place of remembering a number. */
#include "best.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

static cnn_checkpoint checkpoint_of(const best *b)
{
    return (cnn_checkpoint){ .struct_size = sizeof(cnn_checkpoint), .module = b->module, .optimizer = b->optimizer, .scheduler = b->scheduler };
}

/* Measures the checkpoint in the file, and then reads that of the run once more. One of a later epoch than `epoch` is of another run,
 * or will come again. */
static outcome measure_file(best *b, int64_t epoch)
{
    score s;
    cnn_random_state state; /* as it is now, which loading changes */
    cnn_checkpoint kept = { .struct_size = sizeof kept, .module = b->module }, run = checkpoint_of(b);
    cnn_context *ctx = cnn_module_context(b->module);
    if (cnn_context_random_state(ctx, &state) != CNN_OK || cnn_checkpoint_load(&kept, b->file) != CNN_OK) {
        return FAILED;
    }
    outcome result = score_test(b->module, b->validation, b->held, b->tape, CNN_EVAL, &s);
    if (result == DONE && kept.epoch <= epoch) {
        b->epoch = kept.epoch;
        b->loss = s.loss;
    }
    bool back = cnn_checkpoint_load(&run, b->resumed) == CNN_OK && cnn_context_set_random_state(ctx, &state) == CNN_OK;
    return back ? result : FAILED;
}

outcome best_begin(best *b, int64_t epoch)
{
    score s;
    b->epoch = epoch;
    b->loss = INFINITY;
    if (!b->validation || epoch == 0) {
        return DONE;
    }
    if (b->file && b->resumed && access(b->file, F_OK) == 0) {
        outcome result = measure_file(b, epoch);
        if (result != DONE || isfinite(b->loss)) {
            return result;
        }
    }
    outcome result = score_test(b->module, b->validation, b->held, b->tape, CNN_EVAL, &s);
    b->loss = result == DONE ? s.loss : b->loss;
    return result;
}

outcome best_epoch(best *b, int64_t epoch)
{
    score s;
    cnn_checkpoint checkpoint = checkpoint_of(b);
    outcome result = b->validation ? score_test(b->module, b->validation, b->held, b->tape, CNN_EVAL, &s) : DONE;
    if (!b->validation || result != DONE || !(s.loss < b->loss)) {
        return result;
    }
    b->epoch = checkpoint.epoch = epoch;
    b->loss = s.loss;
    return !b->file || cnn_checkpoint_save(&checkpoint, b->file) == CNN_OK ? DONE : FAILED;
}

bool best_goes_on(const best *b, int64_t epoch, bool quiet)
{
    if (!b->patience || epoch - b->epoch < b->patience) {
        return true;
    }
    if (!quiet) {
        printf("no better validation loss than %.4f of epoch %" PRId64 "\n", b->loss, b->epoch);
    }
    return false;
}
