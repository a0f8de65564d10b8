/* Modules that are put together by name, chains of layers, and first values. */
#include "blocks.h"

#include <string.h>

cnn_module *zoo_part(const cnn_module *self, int i)
{
    return cnn_module_child(self, i, NULL);
}

cnn_module *zoo_whole(cnn_module *module, bool whole)
{
    if (whole) {
        return module;
    }
    cnn_module_free(module);
    return NULL;
}

cnn_tensor *zoo_run(const cnn_module *self, int first, int count, cnn_tensor *x)
{
    enum { AT_ONCE = 64 };
    cnn_module *parts[AT_ONCE];
    while (count > 0) {
        int some = count < AT_ONCE ? count : AT_ONCE;
        for (int i = 0; i < some; i++) {
            parts[i] = zoo_part(self, first + i);
        }
        x = cnn_forward_chain(parts, some, x);
        first += some;
        count -= some;
    }
    return x;
}

static cnn_tensor *sequence_forward(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return zoo_run(self, 0, cnn_module_child_count(self), x);
}

cnn_module *zoo_sequence(cnn_context *ctx, const char *type)
{
    return cnn_module_new(ctx, sequence_forward, .type = type);
}

cnn_module *zoo_relu(cnn_context *ctx)
{
    return cnn_relu_new(ctx);
}

cnn_module *zoo_conv_norm_new(cnn_context *ctx, int64_t in, int64_t out, const zoo_conv_norm *options)
{
    int64_t kernel = options->kernel ? options->kernel : 1;
    cnn_module *layers[] = {
        cnn_conv2d_new(ctx, in, out, kernel, .stride = options->stride, .padding = (kernel - 1) / 2,
                       .groups = options->groups, .no_bias = true),
        cnn_batch_norm2d_new(ctx, out, .eps = options->eps, .momentum = options->momentum),
        options->activation ? options->activation(ctx) : NULL,
    };
    return cnn_sequential_create(ctx, layers, options->activation ? 3 : 2);
}

bool zoo_each(cnn_module *root, bool (*visit)(cnn_module *module, void *user), void *user)
{
    bool all = root && visit(root, user);
    for (int i = 0; all && i < cnn_module_child_count(root); i++) {
        all = zoo_each(zoo_part(root, i), visit, user);
    }
    return all;
}

bool zoo_is(const cnn_module *module, const char *type)
{
    return strcmp(cnn_module_type(module), type) == 0;
}

typedef struct wanted {
    const char *name;
    cnn_tensor *found;
} wanted;

static bool look(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    wanted *w = user;
    if (is_parameter && strcmp(name, w->name) == 0) {
        w->found = tensor;
    }
    return !w->found;
}

cnn_tensor *zoo_parameter(const cnn_module *module, const char *name)
{
    wanted w = { .name = name };
    cnn_module_visit(module, look, &w);
    return w.found;
}

static bool zero_bias(const cnn_module *module)
{
    cnn_tensor *bias = zoo_parameter(module, "bias");
    return !bias || cnn_init_zeros(bias) == CNN_OK;
}

static bool init_conv(cnn_module *module, void *user)
{
    const cnn_kaiming_options options = { .struct_size = sizeof options,
                                          .mode = *(const cnn_fan_mode *)user,
                                          .nonlinearity = CNN_NONLINEARITY_RELU };
    return !zoo_is(module, "Conv2d") ||
           (cnn_init_kaiming_normal(zoo_parameter(module, "weight"), &options) == CNN_OK && zero_bias(module));
}

bool zoo_init_convs(cnn_module *root, cnn_fan_mode mode)
{
    return zoo_each(root, init_conv, &mode);
}

static bool init_linear(cnn_module *module, void *user)
{
    const double *std = user;
    return !zoo_is(module, "Linear") ||
           (cnn_init_normal(zoo_parameter(module, "weight"), 0, *std) == CNN_OK && zero_bias(module));
}

bool zoo_init_linears(cnn_module *root, double std)
{
    return zoo_each(root, init_linear, &std);
}
