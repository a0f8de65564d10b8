/* Runs of a model by a predictor, or by a tape where its forward reads elements, draws numbers or the like. */
#include "frozen.h"

#include "common/say.h"

#include <stdio.h>
#include <stdlib.h>

/* It does not see that the array of outputs holds the memory of each. */
#if defined(CNN__LINT) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

static bool make_predictor(frozen *f)
{
    const model *m = f->m;
    cnn_trace_input *like = calloc((size_t)m->input_count + 1, sizeof *like);
    if (!like) {
        return false;
    }
    for (int i = 0; i < m->input_count; i++) {
        const cnn_tensor *x = m->inputs[i];
        like[i] =
            (cnn_trace_input){ .shape = cnn_tensor_shape(x), .ndim = cnn_tensor_ndim(x), .dtype = cnn_tensor_dtype(x) };
        f->elements[i] = cnn_tensor_data(m->inputs[i]);
    }
    const cnn_predictor_options how = { .struct_size = sizeof how, .output_count = m->output_count };
    f->predictor = cnn_predictor_create(m->module, like, m->input_count, &how);
    snprintf(f->why, sizeof f->why, "%s", f->predictor ? "" : cnn_last_error(m->ctx));
    free(like);
    for (int i = 0; f->predictor && i < m->output_count; i++) {
        cnn_predictor_value v = { .struct_size = sizeof v };
        cnn_predictor_output(f->predictor, i, &v);
        f->outputs[i] = malloc(v.bytes ? v.bytes : 1);
        if (!f->outputs[i]) {
            return false;
        }
    }
    return true;
}

bool frozen_make(frozen *f, const model *m)
{
    *f = (frozen){ .m = m };
    f->outputs = calloc((size_t)m->output_count + 1, sizeof *f->outputs);
    f->elements = calloc((size_t)m->input_count + 1, sizeof *f->elements);
    if (!f->outputs || !f->elements || !make_predictor(f) || (!f->predictor && !(f->tape = cnn_tape_new(m->ctx)))) {
        say("cnn %s: no memory", m->command);
        return false;
    }
    return true;
}

void frozen_free(frozen *f)
{
    for (int i = 0; f->predictor && f->outputs && i < f->m->output_count; i++) {
        free(f->outputs[i]);
    }
    free(f->outputs);
    free(f->elements);
    cnn_predictor_free(f->predictor);
    cnn_tape_free(f->tape);
    *f = (frozen){ 0 };
}

cnn_status frozen_run(frozen *f)
{
    if (f->predictor) {
        return cnn_predictor_run(f->predictor, f->elements, f->outputs);
    }
    cnn_tensor **outputs = (cnn_tensor **)(void *)f->outputs; /* which the tape owns */
    cnn_status status = cnn_tape_begin(f->tape, CNN_EVAL);
    return status == CNN_OK
               ? cnn_forward_many(f->tape, f->m->module, f->m->inputs, f->m->input_count, outputs, f->m->output_count)
               : status;
}

cnn_tensor *frozen_output(const frozen *f, int i)
{
    cnn_tensor *y;
    if (f->predictor) {
        cnn_predictor_value v = { .struct_size = sizeof v };
        cnn_predictor_output(f->predictor, i, &v);
        y = cnn_tensor_from_borrowed(f->m->ctx, v.dtype, v.ndim, v.shape, NULL, f->outputs[i], NULL, NULL);
    } else {
        y = cnn_tensor_detach(f->outputs[i]);
    }
    if (!y) {
        say("cnn %s: %s", f->m->command, cnn_last_error(f->m->ctx));
    }
    return y;
}

size_t frozen_memory(const frozen *f)
{
    return f->predictor ? cnn_predictor_memory(f->predictor) : cnn_tape_memory(f->tape);
}
