// A C++ program of someone else's, built like client.c. It uses the functions behind the keyword macros, which C++ has not:
// a layer of its own with a forward function, a training step of it, its gradient, and the file.
#include <cnn/cnn.h>

#include <cstdio>
#include <string>
#include <vector>

static cnn_tensor *forward(cnn_module *self, cnn_tensor *x, void *)
{
    return cnn_relu(cnn_forward(cnn_module_child(self, 0, nullptr), x));
}

static cnn_module *network(cnn_context *ctx)
{
    cnn_module_options options{};
    options.struct_size = sizeof options;
    options.type = "Rectified";
    options.forward = forward;
    cnn_module *module = cnn_module_create(ctx, &options);
    cnn_linear_options linear{};
    linear.struct_size = sizeof linear;
    cnn_module *const layers[] = { cnn_flatten_create(ctx, nullptr), cnn_dropout_create(ctx, 0, nullptr),
                                   cnn_linear_create(ctx, 5, 3, &linear), cnn_relu_create(ctx, nullptr) };
    cnn_module_add(module, "inner", cnn_sequential_create(ctx, layers, 4));
    return module;
}

static int fail(const char *what)
{
    std::fprintf(stderr, "client: %s: %s\n", what, cnn_last_error(nullptr));
    return 1;
}

int main(int argc, char **argv)
{
    cnn_context_options options{};
    options.struct_size = sizeof options;
    options.seed = 5;
    cnn_context *ctx = cnn_context_create(&options);
    cnn_module *model = network(ctx), *copy = network(ctx);
    cnn_sgd_options sgd{};
    sgd.struct_size = sizeof sgd;
    sgd.lr = 0.1;
    cnn_optimizer *optimizer = cnn_sgd_create(model, &sgd);
    cnn_tape *tape = cnn_tape_new(ctx);
    const std::vector<std::int64_t> shape{ 4, 5 };
    cnn_tensor *x = cnn_tensor_ones(ctx, CNN_F32, static_cast<int>(shape.size()), shape.data());
    cnn_tensor *target = cnn_tensor_arange(ctx, CNN_I64, 0, 4, 1);
    cnn_tensor *weight = cnn_module_find(model, "inner.2.weight");
    std::vector<float> before(15), after(15), loaded(15);

    if (argc != 2 || std::string(cnn_module_type(model)) != "Rectified" || !weight) {
        return fail("the module");
    }
    cnn_tensor_write(target, std::vector<std::int64_t>{ 0, 1, 2, 0 }.data(), 4 * sizeof(std::int64_t));
    cnn_tensor_read(weight, before.data(), before.size() * sizeof(float));
    cnn_tape_begin(tape, CNN_TRAIN);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(model, cnn_input(tape, x)), target);
    cnn_optimizer_zero_grad(optimizer);
    cnn_backward(loss);
    if (cnn_optimizer_step(optimizer) != CNN_OK || !(cnn_tensor_item(loss) > 0)) {
        return fail("a step");
    }
    cnn_tensor_read(weight, after.data(), after.size() * sizeof(float));
    if (before == after) {
        return fail("the step changes no weight");
    }
    if (cnn_module_save(model, argv[1]) != CNN_OK || cnn_module_load(copy, argv[1]) != CNN_OK) {
        return fail("saving and loading");
    }
    cnn_tensor_read(cnn_module_find(copy, "inner.2.weight"), loaded.data(), loaded.size() * sizeof(float));
    if (loaded != after) {
        return fail("what was loaded is something else");
    }
    std::printf("client: libcnn %s from C++, loss %.3f\n", cnn_version(), cnn_tensor_item(loss));
    cnn_tensor_free(x);
    cnn_tensor_free(target);
    cnn_tape_free(tape);
    cnn_optimizer_free(optimizer);
    cnn_module_free(copy);
    cnn_module_free(model);
    cnn_context_free(ctx);
    return 0;
}
