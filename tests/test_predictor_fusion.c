/* Frozen modules: what follows a convolution is computed with it, samples run one after the other, and the bits are a step's. */
#include "support/predictor_case.h"

/* The running statistics and the weights of the normalisation behind convolution number i. */
static cnn_tensor *normed_by(cnn_module *self, int i, cnn_tensor *x)
{
    char name[4][16];
    static const char *const parts[] = { "w", "b", "m", "v" };
    for (int k = 0; k < 4; k++) {
        snprintf(name[k], sizeof name[k], "%s%d", parts[k], i);
    }
    return cnn_batch_norm(x, cnn_module_find(self, name[0]), cnn_module_find(self, name[1]),
                          cnn_module_find(self, name[2]), cnn_module_find(self, name[3]), NULL);
}

/* Convolutions of every algorithm that has an epilogue, and of those that have none, with what may follow them. */
static cnn_tensor *block_of_convolutions(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    const cnn_maxpool2d_options pool = { .struct_size = sizeof pool, .kernel = 2 };
#define CONVOLVED(i, x) cnn_forward(cnn_module_child(self, i, NULL), x)
    cnn_tensor *a = cnn_clamp(normed_by(self, 0, CONVOLVED(0, x)), 0, 6);      /* strided, padded */
    cnn_tensor *b = cnn_relu(normed_by(self, 1, CONVOLVED(1, a)));             /* depthwise */
    cnn_tensor *c = normed_by(self, 2, CONVOLVED(2, b));                       /* one tap */
    cnn_tensor *d = cnn_relu(cnn_add(normed_by(self, 3, CONVOLVED(3, c)), c)); /* Winograd's */
    cnn_tensor *e = cnn_add(c, CONVOLVED(4, d));                               /* one tap, without normalisation */
    cnn_tensor *f = cnn_maxpool2d(cnn_concat((cnn_tensor *const[]){ d, cnn_clamp(e, 0, 1) }, 2, 1), &pool);
    cnn_tensor *g =
        cnn_add(normed_by(self, 5, CONVOLVED(5, f)), normed_by(self, 6, CONVOLVED(6, f))); /* strided, both */
    return cnn_relu(cnn_add(g, CONVOLVED(7, g))); /* depthwise of another size */
}

static cnn_module *convolutions(void)
{
    cnn_module *m = cnn_module_new(ctx, block_of_convolutions);
    cnn_module *all[] = {
        cnn_conv2d_new(ctx, 3, 16, 3, .stride = 2, .padding = 1, .no_bias = true),
        cnn_conv2d_new(ctx, 16, 16, 3, .padding = 1, .groups = 16),
        cnn_conv2d_new(ctx, 16, 24, 1),
        cnn_conv2d_new(ctx, 24, 24, 3, .padding = 1),
        cnn_conv2d_new(ctx, 24, 24, 1),
        cnn_conv2d_new(ctx, 48, 48, 3, .stride = 2, .padding = 1, .groups = 48),
        cnn_conv2d_new(ctx, 48, 48, 1, .stride = 2),
        cnn_conv2d_new(ctx, 48, 48, 5, .padding = 2, .groups = 48),
    };
    const int channels[] = { 16, 16, 24, 24, 24, 48, 48, 48 };
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof name, "conv%d", i);
        cnn_module_add(m, name, all[i]);
        for (int k = 0; k < 4; k++) {
            snprintf(name, sizeof name, "%c%d", "wbmv"[k], i);
            cnn_tensor *t = k == 3 ? cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(channels[i]))
                                   : cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(channels[i]));
            (k < 2 ? cnn_module_add_parameter : cnn_module_add_buffer)(m, name, t);
        }
    }
    return m;
}

START_TEST(what_follows_a_convolution_has_its_own_bits)
{
    static const int64_t batches[] = { 1, 2, 5 };
    cnn_module *m = convolutions();
    for (int i = 0; i < 3; i++) {
        cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(batches[i], 3, 39, 45));
        check_module(m, x);
        cnn_tensor_free(x);
    }
    /* With weights that are not finite a kernel's results are looked at before anything else is done to them. */
    for (int i = 0; i < 8; i++) {
        float *w = cnn_tensor_data(
            cnn_module_find(m, (const char *[]){ "conv0.weight", "conv1.weight", "conv2.weight", "conv3.weight",
                                                 "conv4.weight", "conv5.weight", "conv6.weight", "conv7.weight" }[i]));
        w[3 + i] = INFINITY;
    }
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(2, 3, 39, 45));
    cnn_predictor *p = frozen(m, &x, 1, 1);
    ck_assert_msg(p != NULL, "%s", cnn_last_error(ctx));
    check_outputs(p, m, &x, 1, 1);
    cnn_predictor_free(p);
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

/* A result that somebody else sees as well is made, and one that only the next kernel would read is not. */
static cnn_status seen(cnn_module *self, cnn_tensor *const *in, int inputs, cnn_tensor **out, int outputs, void *user)
{
    (void)user, (void)inputs;
    cnn_tensor *y = cnn_forward(cnn_module_child(self, 0, NULL), in[0]), *z = normed_by(self, 0, y);
    out[0] = cnn_relu(cnn_add(z, in[0]));
    if (outputs > 1) {
        out[1] = y;
        out[2] = z;
    }
    return CNN_OK;
}

START_TEST(results_that_others_see_are_made)
{
    enum { CHANNELS = 8, SIDE = 64, BYTES = CHANNELS * SIDE * SIDE * (int)sizeof(float) };
    cnn_module *m = cnn_module_create(
        ctx, &(cnn_module_options){ .struct_size = sizeof(cnn_module_options), .forward_many = seen });
    cnn_module_add(m, "conv", cnn_conv2d_new(ctx, CHANNELS, CHANNELS, 1));
    cnn_module_add_parameter(m, "w0", cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(CHANNELS)));
    cnn_module_add_parameter(m, "b0", cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(CHANNELS)));
    cnn_module_add_buffer(m, "m0", cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(CHANNELS)));
    cnn_module_add_buffer(m, "v0", cnn_tensor_rand(ctx, CNN_F32, CNN_SHAPE(CHANNELS)));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(1, CHANNELS, SIDE, SIDE));
    cnn_predictor *one = frozen(m, &x, 1, 1), *all = frozen(m, &x, 1, 3);
    ck_assert_msg(one && all, "%s", cnn_last_error(ctx));
    check_outputs(one, m, &x, 1, 1);
    check_outputs(all, m, &x, 1, 3);
    if (strcmp(cnn_context_kernels(ctx), "reference") != 0) {
        ck_assert_uint_lt(cnn_predictor_memory(one), BYTES); /* neither y nor z has memory */
    }
    cnn_predictor_free(one);
    cnn_predictor_free(all);
    cnn_tensor_free(x);
    cnn_module_free(m);
}
END_TEST

/* What lies between two convolutions is held for as many samples as there are threads. */
START_TEST(samples_run_one_after_the_other)
{
    enum { CHANNELS = 16, SIDE = 64, BATCH = 16, BYTES = CHANNELS * SIDE * SIDE * (int)sizeof(float) };
    cnn_module *net = cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 3, CHANNELS, 1), cnn_relu_new(ctx),
                                         cnn_conv2d_new(ctx, CHANNELS, CHANNELS, 3, .padding = 1, .no_bias = true), cnn_relu_new(ctx),
                                         cnn_conv2d_new(ctx, CHANNELS, 2, 1));
    cnn_tensor *x = cnn_tensor_randn(ctx, CNN_F32, CNN_SHAPE(BATCH, 3, SIDE, SIDE));
    cnn_predictor *p = frozen(net, &x, 1, 1);
    ck_assert_msg(p != NULL, "%s", cnn_last_error(ctx));
    check_outputs(p, net, &x, 1, 1);
    ck_assert_uint_lt(cnn_predictor_memory(p), BATCH / 2 * BYTES);
    cnn_predictor_free(p);
    cnn_tensor_free(x);
    cnn_module_free(net);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("predictor_fusion");
    TCase *fusion = suite_case(suite, "fusion", setup, teardown);
    tcase_add_test(fusion, what_follows_a_convolution_has_its_own_bits);
    tcase_add_test(fusion, results_that_others_see_are_made);
    tcase_add_test(fusion, samples_run_one_after_the_other);
    return suite_run(suite);
}
