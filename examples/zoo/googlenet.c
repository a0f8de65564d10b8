/* GoogLeNet: Szegedy et al. 2014, "Going deeper with convolutions", as torchvision has it, with batch normalisation and
 * with 3 x 3 convolutions where the paper has 5 x 5. In training two auxiliary heads in the middle classify as well,
 * and their losses count 0.3 each: the module returns one tensor, or three where cnn_forward_many() asks for them.
 *
 * torchvision's pretrained weights come from another framework: they have no auxiliary heads and expect pictures that
 * are scaled to [-1, 1]. googlenet_pretrained is that form, aux_logits=False and transform_input=True. */
#include "blocks.h"
#include "zoo.h"

#include <stdio.h>

enum { CONV, BN };

static cnn_tensor *conv_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_relu(zoo_chain(x, zoo_part(self, CONV), zoo_part(self, BN)));
}

static cnn_module *basic_conv(cnn_context *ctx, int64_t in, int64_t out, int64_t kernel, int64_t stride)
{
    cnn_module *self = cnn_module_new(ctx, conv_forward, .type = "BasicConv2d");
    bool whole = cnn_module_add(
                     self, "conv",
                     cnn_conv2d_new(ctx, in, out, kernel, .stride = stride, .padding = kernel / 2, .no_bias = true)) &&
                 cnn_module_add(self, "bn", cnn_batch_norm2d_new(ctx, out, .eps = 0.001));
    return zoo_whole(self, whole);
}

/* ---- four branches side by side ---- */

typedef struct widths {
    int64_t in, one, three_narrowed, three, five_narrowed, five, pooled;
} widths;

enum { BRANCHES = 4 };

static cnn_tensor *inception_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    cnn_tensor *results[BRANCHES];
    (void)user;
    for (int i = 0; i < BRANCHES; i++) {
        results[i] = cnn_forward(zoo_part(self, i), x);
    }
    return cnn_concat(results, BRANCHES, 1);
}

static cnn_module *inception(cnn_context *ctx, const widths *c)
{
    cnn_module *self = cnn_module_new(ctx, inception_forward, .type = "Inception");
    bool whole =
        cnn_module_add(self, "branch1", basic_conv(ctx, c->in, c->one, 1, 1)) &&
        cnn_module_add(self, "branch2",
                       cnn_sequential_new(ctx, basic_conv(ctx, c->in, c->three_narrowed, 1, 1),
                                          basic_conv(ctx, c->three_narrowed, c->three, 3, 1))) &&
        cnn_module_add(self, "branch3",
                       cnn_sequential_new(ctx, basic_conv(ctx, c->in, c->five_narrowed, 1, 1),
                                          basic_conv(ctx, c->five_narrowed, c->five, 3, 1))) &&
        cnn_module_add(self, "branch4",
                       cnn_sequential_new(ctx, cnn_maxpool2d_new(ctx, 3, .stride = 1, .padding = 1, .ceil_mode = true),
                                          basic_conv(ctx, c->in, c->pooled, 1, 1)));
    return zoo_whole(self, whole);
}

/* ---- an auxiliary head ---- */

enum { AUX_CONV, AUX_FC1, AUX_FC2, AUX_DROPOUT };

static cnn_tensor *aux_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    x = cnn_forward(zoo_part(self, AUX_CONV), cnn_adaptive_avg_pool2d(x, 4, 4));
    x = cnn_relu(cnn_forward(zoo_part(self, AUX_FC1), cnn_flatten(x, 1, -1)));
    return zoo_chain(x, zoo_part(self, AUX_DROPOUT), zoo_part(self, AUX_FC2));
}

static cnn_module *aux(cnn_context *ctx, int64_t in, int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, aux_forward, .type = "InceptionAux");
    bool whole = cnn_module_add(self, "conv", basic_conv(ctx, in, 128, 1, 1)) &&
                 cnn_module_add(self, "fc1", cnn_linear_new(ctx, 2048, 1024)) &&
                 cnn_module_add(self, "fc2", cnn_linear_new(ctx, 1024, classes)) &&
                 cnn_module_add(self, "dropout", cnn_dropout_new(ctx, 0.7));
    return zoo_whole(self, whole);
}

/* ---- the net ---- */

/* The heads are behind what both forms have. */
enum {
    CONV1,
    MAXPOOL1,
    CONV2,
    CONV3,
    MAXPOOL2,
    INCEPTION3A,
    INCEPTION3B,
    MAXPOOL3,
    INCEPTION4A,
    INCEPTION4B,
    INCEPTION4C,
    INCEPTION4D,
    INCEPTION4E,
    MAXPOOL4,
    INCEPTION5A,
    INCEPTION5B,
    AUX1,
    AUX2
};
enum { HEADS = 2 };

static cnn_tensor *run_parts(const cnn_module *self, int first, int last, cnn_tensor *x)
{
    return zoo_run(self, first, last - first + 1, x);
}

/* avgpool, dropout and fc, the first of which is child number `first`. */
static cnn_tensor *classify(const cnn_module *self, int first, cnn_tensor *x)
{
    x = cnn_flatten(cnn_forward(zoo_part(self, first), x), 1, -1);
    return run_parts(self, first + 1, first + 2, x);
}

/* outputs[1] and outputs[2], if they are wanted, are those of the auxiliary heads. */
static cnn_status forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                          int output_count, void *user)
{
    (void)user;
    if (input_count != 1 || (output_count != 1 && output_count != 3)) {
        return CNN_ERROR_INVALID_ARGUMENT;
    }
    cnn_tensor *x = run_parts(self, CONV1, INCEPTION4A, inputs[0]);
    if (output_count == 3) {
        outputs[1] = cnn_forward(zoo_part(self, AUX1), x);
    }
    x = run_parts(self, INCEPTION4B, INCEPTION4D, x);
    if (output_count == 3) {
        outputs[2] = cnn_forward(zoo_part(self, AUX2), x);
    }
    outputs[0] = classify(self, AUX1 + HEADS, run_parts(self, INCEPTION4E, INCEPTION5B, x));
    return CNN_OK;
}

/* From ImageNet's means and deviations, by which pictures are normalised, to the range [-1, 1]. */
static cnn_tensor *transform(cnn_tensor *x)
{
    static const double mean[] = { 0.485, 0.456, 0.406 }, std[] = { 0.229, 0.224, 0.225 };
    cnn_tensor *channels[3];
    for (int c = 0; c < 3; c++) {
        channels[c] = cnn_add_scalar(cnn_mul_scalar(cnn_slice(x, 1, c, c + 1, 1), std[c] / 0.5), (mean[c] - 0.5) / 0.5);
    }
    return cnn_concat(channels, 3, 1);
}

static cnn_tensor *pretrained_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return classify(self, AUX1, run_parts(self, CONV1, INCEPTION5B, transform(x)));
}

cnn_tensor *zoo_loss_googlenet(cnn_module *model, cnn_tensor *input, cnn_tensor *target)
{
    cnn_tensor *outputs[3] = { NULL };
    cnn_forward_many(cnn_tensor_tape(input), model, &input, 1, outputs, 3);
    cnn_tensor *loss = cnn_cross_entropy(outputs[0], target);
    cnn_tensor *of_heads = cnn_add(cnn_cross_entropy(outputs[1], target), cnn_cross_entropy(outputs[2], target));
    return cnn_add(loss, cnn_mul_scalar(of_heads, 0.3));
}

static bool init(cnn_module *module, void *user)
{
    (void)user;
    return (!zoo_is(module, "Conv2d") && !zoo_is(module, "Linear")) ||
           cnn_init_trunc_normal(zoo_parameter(module, "weight"), 0, 0.01, -2, 2) == CNN_OK;
}

static bool add_stem(cnn_module *self, cnn_context *ctx, int64_t channels)
{
    return cnn_module_add(self, "conv1", basic_conv(ctx, channels, 64, 7, 2)) &&
           cnn_module_add(self, "maxpool1", cnn_maxpool2d_new(ctx, 3, .stride = 2, .ceil_mode = true)) &&
           cnn_module_add(self, "conv2", basic_conv(ctx, 64, 64, 1, 1)) &&
           cnn_module_add(self, "conv3", basic_conv(ctx, 64, 192, 3, 1)) &&
           cnn_module_add(self, "maxpool2", cnn_maxpool2d_new(ctx, 3, .stride = 2, .ceil_mode = true));
}

static bool add_inceptions(cnn_module *self, cnn_context *ctx)
{
    static const struct {
        const char *name;
        widths widths;
        const char *pool; /* the pooling that follows; NULL: none */
        int64_t size;     /* its window */
    } rows[] = {
        { "inception3a", { 192, 64, 96, 128, 16, 32, 32 }, NULL, 0 },
        { "inception3b", { 256, 128, 128, 192, 32, 96, 64 }, "maxpool3", 3 },
        { "inception4a", { 480, 192, 96, 208, 16, 48, 64 }, NULL, 0 },
        { "inception4b", { 512, 160, 112, 224, 24, 64, 64 }, NULL, 0 },
        { "inception4c", { 512, 128, 128, 256, 24, 64, 64 }, NULL, 0 },
        { "inception4d", { 512, 112, 144, 288, 32, 64, 64 }, NULL, 0 },
        { "inception4e", { 528, 256, 160, 320, 32, 128, 128 }, "maxpool4", 2 },
        { "inception5a", { 832, 256, 160, 320, 32, 128, 128 }, NULL, 0 },
        { "inception5b", { 832, 384, 192, 384, 48, 128, 128 }, NULL, 0 },
    };
    bool added = true;
    for (size_t i = 0; added && i < sizeof rows / sizeof *rows; i++) {
        added = cnn_module_add(self, rows[i].name, inception(ctx, &rows[i].widths)) &&
                (!rows[i].pool || cnn_module_add(self, rows[i].pool,
                                                 cnn_maxpool2d_new(ctx, rows[i].size, .stride = 2, .ceil_mode = true)));
    }
    return added;
}

static bool add_classifier(cnn_module *self, cnn_context *ctx, int64_t classes)
{
    return cnn_module_add(self, "avgpool", cnn_adaptive_avg_pool2d_new(ctx, 1, 1)) &&
           cnn_module_add(self, "dropout", cnn_dropout_new(ctx, 0.2)) &&
           cnn_module_add(self, "fc", cnn_linear_new(ctx, 1024, classes));
}

cnn_module *zoo_make_googlenet(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    cnn_module *self = cnn_module_new(ctx, NULL, .type = "GoogLeNet", .forward_many = forward);
    (void)net;
    bool whole = add_stem(self, ctx, input[0]) && add_inceptions(self, ctx) &&
                 cnn_module_add(self, "aux1", aux(ctx, 512, classes)) &&
                 cnn_module_add(self, "aux2", aux(ctx, 528, classes)) && add_classifier(self, ctx, classes) &&
                 zoo_each(self, init, NULL);
    return zoo_whole(self, whole);
}

cnn_module *zoo_make_googlenet_pretrained(cnn_context *ctx, const zoo_net *net, const int64_t input[3], int64_t classes)
{
    (void)net;
    if (input[0] != 3) {
        char message[96];
        snprintf(message, sizeof message, "pictures of %lld channels, expected 3, which are transformed", (long long)input[0]);
        cnn_context_set_error(ctx, CNN_ERROR_SHAPE, message);
        return NULL;
    }
    cnn_module *self = cnn_module_new(ctx, pretrained_forward, .type = "GoogLeNet");
    bool whole = add_stem(self, ctx, 3) && add_inceptions(self, ctx) && add_classifier(self, ctx, classes) &&
                 zoo_each(self, init, NULL);
    return zoo_whole(self, whole);
}
