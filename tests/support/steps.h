/* Steps of many kinds and sizes, for the tests of a tape's memory. */
#ifndef CNN_TESTS_SUPPORT_STEPS_H
#define CNN_TESTS_SUPPORT_STEPS_H

#include "support/files.h"

typedef enum step_kind {
    TRAIN_CONV,     /* convolutions, pooling, a linear layer for each position */
    TRAIN_PRODUCTS, /* products whose sizes do not follow those of the batch */
    TRAIN_PARTLY,   /* a part without recording */
    TRAIN_TWICE,    /* two walks over one graph */
    TRAIN_FAILED,   /* an operation fails half way */
    TRAIN_KINDS,
    EVAL_CONV = TRAIN_KINDS,
    EVAL_GROWING,   /* activations that grow from layer to layer */
    EVAL_KEEPING,   /* operations outside modules, whose results stay */
    EVAL_PRODUCTS,
    STEP_KINDS
} step_kind;

typedef struct step {
    step_kind kind;
    int64_t images, height, width;
    cnn_tensor *x; /* its input; NULL: made and freed by the step */
} step;

static cnn_context *steps_context;
static cnn_module *conv_net, *growing_net;

static inline cnn_module *conv3(int64_t in, int64_t out)
{
    return cnn_conv2d_new(steps_context, in, out, 3, .padding = 1);
}

static inline void steps_make(cnn_context *ctx)
{
    steps_context = ctx;
    conv_net = cnn_sequential_new(ctx, conv3(2, 8), cnn_relu_new(ctx), conv3(8, 8), cnn_relu_new(ctx),
                                  cnn_maxpool2d_new(ctx, 2), conv3(8, 4));
    growing_net = cnn_sequential_new(ctx, conv3(2, 3), cnn_relu_new(ctx), conv3(3, 4), cnn_relu_new(ctx), conv3(4, 5),
                                     cnn_relu_new(ctx), conv3(5, 7), cnn_relu_new(ctx), conv3(7, 9), cnn_relu_new(ctx));
    ck_assert(conv_net && growing_net);
}

static inline void steps_free(void)
{
    cnn_module_free(conv_net);
    cnn_module_free(growing_net);
}

static inline cnn_mode step_mode(const step *s)
{
    return s->kind < TRAIN_KINDS ? CNN_TRAIN : CNN_EVAL;
}

static inline cnn_tensor *step_mean(cnn_tensor *x)
{
    return cnn_mean(x, CNN_ALL_DIMS, false);
}

/* [rows, width] · [width, height] and on from there. */
static inline cnn_tensor *step_products(const step *s, cnn_tensor *x)
{
    cnn_tensor *a = cnn_reshape(x, CNN_SHAPE(-1, s->width));
    cnn_tensor *b = cnn_matmul(cnn_transpose(a, 0, 1), a); /* width × width */
    return cnn_sum(cnn_tanh(cnn_matmul(a, cnn_relu(b))), CNN_DIMS(0), false);
}

static inline cnn_tensor *step_result(cnn_tape *tape, const step *s, cnn_tensor *x)
{
    switch (s->kind) {
    case TRAIN_PRODUCTS:
    case EVAL_PRODUCTS: return step_products(s, x);
    case EVAL_GROWING: return cnn_forward(growing_net, x);
    case EVAL_KEEPING:
        for (int i = 0; i < 12; i++) {
            x = i % 3 ? cnn_tanh(x) : cnn_concat((cnn_tensor *[]){ x, cnn_slice(x, 0, 0, 1, 1) }, 2, 0);
        }
        return x;
    case TRAIN_PARTLY: {
        bool before = cnn_tape_set_recording(tape, false);
        cnn_tensor *still = cnn_forward(growing_net, x);
        cnn_tape_set_recording(tape, before);
        return cnn_mul(cnn_forward(growing_net, x), still);
    }
    case TRAIN_FAILED: return cnn_add(cnn_forward(conv_net, x), cnn_forward(growing_net, x));
    default: return cnn_forward(conv_net, x);
    }
}

static inline cnn_tensor *step_input(const step *s)
{
    cnn_tensor *x = cnn_tensor_ones(steps_context, CNN_F32, CNN_SHAPE(s->images, 2, s->height, s->width));
    ck_assert_int_eq(cnn_tensor_set_requires_grad(x, step_mode(s) == CNN_TRAIN), CNN_OK);
    return x;
}

/* Adding to a gradient would need more than writing it. */
static inline void step_zero(cnn_tensor *x)
{
    cnn_module_zero_grad(conv_net);
    cnn_module_zero_grad(growing_net);
    cnn_tensor_zero_grad(x);
}

/* Runs one step on a tape; it fails if it is of the kind that fails or has no memory. */
static inline cnn_status step_run(cnn_tape *tape, const step *s)
{
    cnn_tensor *x = s->x ? s->x : step_input(s);
    cnn_tape_begin(tape, step_mode(s));
    cnn_tensor *y = step_result(tape, s, cnn_input(tape, x));
    if (step_mode(s) == CNN_TRAIN) {
        step_zero(x);
        cnn_tensor *loss = step_mean(y);
        cnn_backward_with(loss, NULL, s->kind == TRAIN_TWICE);
        if (s->kind == TRAIN_TWICE) {
            cnn_backward(loss);
        }
        step_zero(x); /* nothing remembers that the step failed */
    }
    cnn_status status = cnn_tape_status(tape);
    cnn_tensor_free(s->x ? NULL : x);
    return status;
}

static inline void step_must_run(cnn_tape *tape, const step *s)
{
    cnn_status status = step_run(tape, s);
    if (status != (s->kind == TRAIN_FAILED ? CNN_ERROR_SHAPE : CNN_OK)) {
        ck_abort_msg("step of kind %d, %d images of %d by %d: %s", s->kind, (int)s->images, (int)s->height, (int)s->width,
                     cnn_tape_error(tape));
    }
}

/* What a tape of its own holds after this one step. */
static inline size_t step_need(const step *s)
{
    cnn_tape *fresh = cnn_tape_new(steps_context);
    ck_assert_ptr_nonnull(fresh);
    step_must_run(fresh, s);
    size_t bytes = cnn_tape_memory(fresh);
    cnn_tape_free(fresh);
    return bytes;
}

static inline unsigned step_random(unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

static inline step step_draw(unsigned *state, step_kind first, step_kind end)
{
    step s = { .kind = first + (step_kind)step_random(state, (unsigned)(end - first)) };
    s.images = 1 + step_random(state, 4);
    s.height = 8 + step_random(state, 40);
    s.width = 8 + step_random(state, 40);
    return s;
}

/* Draws steps of kinds first … end − 1 for one tape and checks after each that it holds at most 1.5 times what the largest so far
 * needs. */
static inline void steps_keep_to_the_bound(unsigned seed, int steps, step_kind first, step_kind end)
{
    cnn_tape *tape = cnn_tape_new(steps_context);
    size_t largest = 0;
    for (int i = 0; i < steps; i++) {
        step s = step_draw(&seed, first, end);
        step_must_run(tape, &s);
        size_t need = step_need(&s), held = cnn_tape_memory(tape);
        largest = need > largest ? need : largest;
        if (held > largest + largest / 2) {
            ck_abort_msg("step %d: %zu bytes, the largest step so far needs %zu", i, held, largest);
        }
    }
    cnn_tape_free(tape);
}

#endif
