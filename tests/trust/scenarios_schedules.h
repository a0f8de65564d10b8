/* Scenarios of schedulers, clipping, initialisers, averages and frozen modules. */
#ifndef CNN_TESTS_TRUST_SCENARIOS_SCHEDULES_H
#define CNN_TESTS_TRUST_SCENARIOS_SCHEDULES_H

#include "trust/world.h"

/* A warm-up and a cycle in sequence, stepped and saved. */
static cnn_status run_schedule(world *w, cnn_scheduler *s)
{
    const cnn_checkpoint c = { .struct_size = sizeof c, .module = w->model, .optimizer = w->optimizer, .scheduler = s };
    for (int i = 0; i < 5; i++) {
        TRY(cnn_scheduler_step(s));
    }
    return cnn_checkpoint_save(&c, in_folder("target"));
}

static cnn_status use_schedules(world *w)
{
    static const int64_t milestones[] = { 3 };
    w->optimizer = cnn_adam_new(w->model);
    TRY(got(w, w->optimizer));
    cnn_scheduler *parts[2] = { cnn_linear_lr_new(w->optimizer) };
    TRY(got(w, parts[0]));
    parts[1] = cnn_one_cycle_lr_new(w->optimizer, .max_lr = 0.1, .total_steps = 4);
    if (!parts[1]) {
        cnn_scheduler_free(parts[0]);
        return cnn_context_status(w->ctx);
    }
    cnn_scheduler *s = cnn_sequential_lr_create(w->optimizer, parts, milestones, 2);
    TRY(got(w, s));
    cnn_status status = run_schedule(w, s);
    cnn_scheduler_free(s);
    return status;
}

static cnn_status initialise(world *w)
{
    cnn_tensor *t = keep(w, cnn_tensor_zeros(w->ctx, CNN_BF16, CNN_SHAPE(3, 4)));
    TRY(got(w, t));
    TRY(cnn_init_kaiming_normal(t, NULL));
    TRY(cnn_init_eye(t));
    TRY(cnn_init_orthogonal(t, 1));
    TRY(cnn_init_sparse(t, 0.5, 1));
    return cnn_init_trunc_normal(t, 0, 1, -2, 2);
}

static cnn_status average(world *w)
{
    cnn_ema *ema = cnn_ema_new(w->model);
    TRY(got(w, ema));
    cnn_status status = cnn_ema_update(ema, w->model);
    status = status == CNN_OK ? cnn_ema_update(ema, w->model) : status;
    cnn_ema_free(ema);
    return status;
}

static cnn_status freeze(world *w)
{
    cnn_tensor *x = keep(w, cnn_tensor_ones(w->ctx, CNN_F32, CNN_SHAPE(2, 1, 8, 8)));
    TRY(got(w, x));
    cnn_predictor *predictor = cnn_predictor_new(w->model, CNN_F32, CNN_SHAPE(2, 1, 8, 8));
    TRY(got(w, predictor));
    cnn_predictor_value y = { .struct_size = sizeof y };
    float results[64];
    cnn_status status = cnn_predictor_output(predictor, 0, &y);
    if (status == CNN_OK && y.bytes <= sizeof results) {
        status = cnn_predictor_run(predictor, (const void *[]){ cnn_tensor_data(x) }, (void *[]){ results });
    }
    cnn_predictor_free(predictor);
    return status;
}

static cnn_status clip(world *w)
{
    double norm;
    cnn_tensor *t = keep(w, cnn_tensor_ones(w->ctx, CNN_BF16, CNN_SHAPE(3, 4)));
    TRY(got(w, t));
    TRY(cnn_tensor_set_requires_grad(t, true));
    TRY(make_tape(w));
    TRY(cnn_backward(cnn_sum(cnn_mul(cnn_input(w->tape, t), t), CNN_ALL_DIMS, false)));
    TRY(cnn_clip_grad_norm_for(&t, 1, 0.5, NULL, &norm));
    return cnn_clip_grad_value_for(&t, 1, 0.1);
}

#endif
