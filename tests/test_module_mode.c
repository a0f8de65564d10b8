/* Fine-tuning: a frozen backbone evaluates, as PyTorch's backbone.eval(), while the head that follows it trains. */
#include "support/elements.h"
#include "support/fixtures.h"
#include "support/suite.h"

enum { STEPS = 5, BATCH = 6, CLASSES = 3, MOST = 4096 };

static cnn_context *ctx;
static cnn_tape *tape;

static void setup(void)
{
    ctx = cnn_context_new(.seed = 3);
    tape = cnn_tape_new(ctx);
}

static void teardown(void)
{
    cnn_tape_free(tape);
    cnn_context_free(ctx);
}

static cnn_module *backbone_new(void)
{
    cnn_module *block = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 4, 4, 3, .padding = 1),
                                           cnn_batch_norm2d_new(ctx, 4), cnn_relu_new(ctx), cnn_dropout_new(ctx, 0.5));
    return cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 4, 3, .padding = 1), cnn_batch_norm2d_new(ctx, 4),
                              cnn_relu_new(ctx), block, cnn_maxpool2d_new(ctx, 2), cnn_flatten_new(ctx));
}

/* The bytes of parameters and buffers, one after the other; returns how many. */
static size_t state_of(const cnn_module *m, unsigned char *bytes)
{
    size_t size = 0;
    for (int i = 0; i < cnn_module_state_count(m); i++) {
        cnn_tensor *t = cnn_module_state(m, i);
        size_t more = (size_t)cnn_tensor_numel(t) * cnn_dtype_size(cnn_tensor_dtype(t));
        ck_assert_uint_le(size + more, MOST);
        ck_assert_int_eq(cnn_tensor_read(t, bytes + size, more), CNN_OK);
        size += more;
    }
    return size;
}

static double *features_of(cnn_module *backbone, cnn_tensor *images, cnn_mode mode)
{
    ck_assert_int_eq(cnn_tape_begin(tape, mode), CNN_OK);
    return as_doubles(cnn_forward(backbone, cnn_input(tape, images)));
}

START_TEST(a_frozen_backbone_evaluates_while_the_head_trains)
{
    unsigned char before[MOST], after[MOST], head_before[MOST], head_after[MOST];
    const int64_t labels[BATCH] = { 0, 1, 2, 0, 1, 2 };
    cnn_module *backbone = backbone_new(),
               *head = cnn_sequential_new(ctx, cnn_dropout_new(ctx, 0.2), cnn_linear_new(ctx, 64, CLASSES));
    cnn_module *model = cnn_sequential_new(ctx, backbone, head);
    cnn_tensor *images = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(BATCH, 1, 8, 8));
    cnn_tensor *target = cnn_tensor_from_data(ctx, CNN_I64, CNN_SHAPE(BATCH), labels);
    free(features_of(backbone, images, CNN_TRAIN)); /* its statistics are not those of a new one */
    for (int i = 0; i < cnn_module_parameter_count(backbone); i++) {
        ck_assert_int_eq(cnn_tensor_set_requires_grad(cnn_module_parameter(backbone, i), false), CNN_OK);
    }
    ck_assert_int_eq(cnn_module_set_mode(backbone, CNN_MODULE_EVALUATES), CNN_OK);
    cnn_optimizer *o = cnn_sgd_new(model, .lr = 0.1);
    double *evaluated = features_of(backbone, images, CNN_EVAL), *trained = features_of(backbone, images, CNN_TRAIN);
    size_t size = state_of(backbone, before), head_size = state_of(head, head_before);
    ck_assert_mem_eq(evaluated, trained, BATCH * 64 * sizeof *trained);
    for (int step = 0; step < STEPS; step++) {
        ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
        cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, images)), target);
        ck_assert_int_eq(cnn_optimizer_zero_grad(o), CNN_OK);
        ck_assert_int_eq(cnn_backward(loss), CNN_OK);
        ck_assert_int_eq(cnn_optimizer_step(o), CNN_OK);
    }
    ck_assert_uint_eq(state_of(backbone, after), size);
    ck_assert_mem_eq(before, after, size); /* neither weights nor statistics */
    state_of(head, head_after);
    ck_assert(memcmp(head_before, head_after, head_size) != 0);
    /* Following the step again, it drops out and its statistics move. */
    ck_assert_int_eq(cnn_module_set_mode(backbone, CNN_MODULE_FOLLOWS_STEP), CNN_OK);
    free(trained);
    trained = features_of(backbone, images, CNN_TRAIN);
    ck_assert(memcmp(evaluated, trained, BATCH * 64 * sizeof *trained) != 0);
    state_of(backbone, after);
    ck_assert(memcmp(before, after, size) != 0);
    free(evaluated), free(trained);
    cnn_optimizer_free(o);
    cnn_module_free(model);
    cnn_tensor_free(images);
    cnn_tensor_free(target);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("module mode");
    TCase *tests = suite_case(suite, "mode", setup, teardown);
    tcase_add_test(tests, a_frozen_backbone_evaluates_while_the_head_trains);
    return suite_run(suite);
}
