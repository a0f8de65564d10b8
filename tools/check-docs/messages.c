/* Provokes the usual mistakes and prints the library's message of each, one a line: docs/troubleshooting.md explains them, and
 * tools/check-docs.sh compares the two. */
#include <cnn/cnn.h>

#include <stdio.h>

static cnn_context *ctx;
static cnn_tape *tape;

static void say(void)
{
    printf("%s\n", cnn_last_error(ctx));
    cnn_context_clear_error(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
}

static void shapes_and_dtypes(void)
{
    cnn_module *conv = cnn_conv2d_new(ctx, 1, 32, 5, .padding = 2), *fc = cnn_linear_new(ctx, 3136, 1000);
    cnn_tensor *rgb = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(200, 3, 28, 28));
    cnn_tensor *image = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(200, 784));
    cnn_tensor *wide = cnn_tensor_zeros(ctx, CNN_F64, CNN_SHAPE(200, 1, 28, 28));
    cnn_tensor *a = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3)), *b = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 4));
    cnn_tensor *whole = cnn_tensor_zeros(ctx, CNN_I64, CNN_SHAPE(2, 3));
    cnn_tensor *labels = cnn_tensor_full(ctx, CNN_I64, 10, CNN_SHAPE(2));
    cnn_forward(conv, cnn_input(tape, rgb)), say();
    cnn_forward(fc, cnn_input(tape, image)), say();
    cnn_forward(conv, cnn_input(tape, wide)), say();
    cnn_add(cnn_input(tape, a), b), say();
    cnn_add(cnn_input(tape, a), whole), say();
    cnn_matmul(cnn_input(tape, a), b), say();
    cnn_reshape(cnn_input(tape, a), CNN_SHAPE(5)), say();
    cnn_view(cnn_transpose(cnn_input(tape, a), 0, 1), CNN_SHAPE(6)), say();
    cnn_cross_entropy(cnn_input(tape, a), labels), say();
    cnn_cross_entropy(cnn_input(tape, a), whole), say();
    cnn_tensor *all[] = { rgb, image, wide, a, b, whole, labels };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cnn_tensor_free(all[i]);
    }
    cnn_module_free(conv);
    cnn_module_free(fc);
}

static cnn_tensor *begin_inside(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)self, (void)user;
    cnn_tape_begin(tape, CNN_EVAL);
    return x;
}

/* A net with a part named "l2", as in the tutorial. */
static cnn_tensor *run_l2(cnn_module *self, cnn_tensor *x, void *user)
{
    (void)user;
    return cnn_forward(cnn_module_child(self, 0, NULL), x);
}

static void modules(void)
{
    cnn_module *net = cnn_module_new(ctx, run_l2), *block = cnn_module_new(ctx, begin_inside, .type = "Block");
    cnn_tensor *rgb = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, 3, 8, 8));
    cnn_module_add(net, "l2", cnn_sequential_new(ctx, cnn_conv2d_new(ctx, 1, 32, 5)));
    cnn_forward(net, cnn_input(tape, rgb)), say();
    cnn_forward(block, cnn_input(tape, rgb)), say();
    cnn_tensor_free(rgb);
    cnn_module_free(net);
    cnn_module_free(block);
}

static void steps_and_tapes(void)
{
    cnn_module *relu = cnn_relu_new(ctx);
    cnn_tensor *a = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(2, 3));
    cnn_tape *other = cnn_tape_new(ctx);
    cnn_input(other, a), say();
    cnn_exp(a), say();
    cnn_forward(relu, a), say();
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_tensor *past = cnn_exp(cnn_input(other, a));
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_exp(past), say();
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_add(cnn_input(tape, a), cnn_input(other, a)), say();
    cnn_tape_begin(other, CNN_TRAIN);
    cnn_mul(cnn_input(tape, a), cnn_exp(NULL)), say(); /* the step begun last is the other one's */
    cnn_add(cnn_input(tape, a), NULL), say();
    cnn_backward(cnn_exp(cnn_input(tape, a))), say();
    cnn_backward(cnn_sum(cnn_input(tape, a), CNN_ALL_DIMS, false)), say();
    cnn_tensor_set_requires_grad(a, true);
    cnn_tensor *loss = cnn_sum(cnn_exp(cnn_input(tape, a)), CNN_ALL_DIMS, false);
    cnn_backward(loss);
    cnn_backward(loss), say();
    cnn_tensor_free(cnn_exp(cnn_input(tape, a))), say();
    cnn_tape_free(other);
    cnn_tensor_free(a);
    cnn_module_free(relu);
}

/* A net of one layer whose weight is written between the passes; x asks for a gradient, so that backward reads the weight. */
static void writes(void)
{
    cnn_module *fc = cnn_linear_new(ctx, 2, 1, .no_bias = true);
    cnn_tensor *x = cnn_tensor_zeros(ctx, CNN_F32, CNN_SHAPE(1, 2));
    cnn_tensor_set_requires_grad(x, true);
    cnn_tensor *y = cnn_forward(fc, cnn_input(tape, x));
    cnn_tensor_fill(cnn_module_find(fc, "weight"), 1);
    cnn_backward(y), say();
    cnn_tensor_free(x);
    cnn_module_free(fc);
}

static void options_and_files(void)
{
    cnn_module *two = cnn_sequential_new(ctx, cnn_linear_new(ctx, 4, 3));
    cnn_module *three = cnn_sequential_new(ctx, cnn_linear_new(ctx, 4, 2));
    cnn_optimizer *adam = cnn_adam_new(two);
    cnn_sgd_new(two), say();
    cnn_sgd_add_group(adam, NULL, 0, NULL), say();
    cnn_optimizer_free(adam);
    cnn_loader_free(cnn_loader_new(cnn_mnist_open(ctx, "data/mnist", CNN_MNIST_TRAIN), 200)), say();
    cnn_module_load(two, "model.safetensors"), say();
    cnn_module_save(three, "model.safetensors");
    cnn_module_load(two, "model.safetensors"), say();
    FILE *file = fopen("model.safetensors", "wb");
    /* What torch.save() writes begins so: an archive whose first member is a pickle. */
    static const char archive[] =
        "PK\3\4\24\0\0\0\0\0\0\0!\0\15\322\265}\4\0\0\0\4\0\0\0\16\0\0\0model/"
        "data.pkl\200\2N.PK\1\2\24\3\24\0\0\0\0\0\0\0!\0\15\322\265}\4\0\0\0"
        "\4\0\0\0\16\0\0\0\0\0\0\0\0\0\0\0\200\1\0\0\0\0model/data.pkl"
        "PK\5\6\0\0\0\0\1\0\1\0<\0\0\0\60\0\0\0\0\0";
    fwrite(archive, 1, sizeof archive - 1, file);
    fclose(file);
    cnn_module_load(two, "model.safetensors"), say();
    cnn_module_find(two, "fc1.weight"), say();
    cnn_context_new(.kernels = "cuda");
    printf("%s\n", cnn_last_error(NULL));
    cnn_context_new(.device = "gpu");
    printf("%s\n", cnn_last_error(NULL));
    cnn_context_clear_error(NULL); /* else the call leaves the message of the context in place */
    cnn_tape_new(NULL);
    printf("%s\n", cnn_last_error(NULL));
    cnn_module_free(two);
    cnn_module_free(three);
}

int main(void)
{
    ctx = cnn_context_new(.kernels = "reference");
    tape = cnn_tape_new(ctx);
    cnn_tape_begin(tape, CNN_TRAIN);
    shapes_and_dtypes();
    modules();
    steps_and_tapes();
    writes();
    options_and_files();
    cnn_tape_free(tape);
    cnn_context_free(ctx);
    return 0;
}
