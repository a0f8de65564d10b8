/* A ResNet-18 that was imported is trained beside the one that is built in C (examples/zoo), on the same weights and pictures: their
 * losses are the same for 20 steps, and so are their weights and running statistics afterwards. CNN_TEST_SHAPES, which says that the
 * program runs under a slow instrument, makes it three steps. */
#include "support/nn.h"

#include <cnn/onnx.h>

#include "zoo.h"

enum { STEPS = 20, FEW_STEPS = 3, PICTURES = 4, SIDE = 64, CLASSES = 10 };

static void setup_folder(void)
{
    setup();
    folder_make();
}

static void teardown_folder(void)
{
    folder_remove();
    teardown();
}

static double train_step(cnn_module *net, cnn_optimizer *sgd, cnn_tensor *x, cnn_tensor *target)
{
    ck_assert_int_eq(cnn_tape_begin(tape, CNN_TRAIN), CNN_OK);
    cnn_tensor *loss = cnn_cross_entropy(cnn_forward(net, cnn_input(tape, x)), cnn_input(tape, target));
    double value = cnn_tensor_item(loss);
    cnn_optimizer_zero_grad(sgd);
    ck_assert_msg(cnn_backward(loss) == CNN_OK && cnn_optimizer_step(sgd) == CNN_OK, "%s", cnn_last_error(ctx));
    return value;
}

/* The largest difference of a tensor of both, as a part of its largest number. */
static double difference(const cnn_tensor *a, const cnn_tensor *b)
{
    const size_t size = (size_t)cnn_tensor_numel(a) * sizeof(float);
    float *x = malloc(size), *y = malloc(size);
    double far = 0, largest = 1e-6;
    ck_assert_int_eq(cnn_tensor_numel(a), cnn_tensor_numel(b));
    ck_assert_ptr_nonnull(x);
    ck_assert_ptr_nonnull(y);
    ck_assert_int_eq(cnn_tensor_read(a, x, size), CNN_OK);
    ck_assert_int_eq(cnn_tensor_read(b, y, size), CNN_OK);
    for (int64_t i = 0; i < cnn_tensor_numel(a); i++) {
        far = fmax(far, fabs((double)x[i] - (double)y[i]));
        largest = fmax(largest, fabs((double)x[i]));
    }
    free(x);
    free(y);
    return far / largest;
}

START_TEST(an_imported_resnet18_follows_the_one_in_c)
{
    const int64_t input[3] = { 3, SIDE, SIDE }, shape[4] = { -1, 3, SIDE, SIDE };
    const cnn_trace_input pictures = { .shape = shape, .ndim = 4 };
    const zoo_net *net = zoo_find("resnet18");
    cnn_tensor *x, *target;
    ck_assert_ptr_nonnull(net);
    cnn_module *own = net->make(ctx, net, input, CLASSES);
    ck_assert_msg(own && zoo_draw(ctx, net, input, CLASSES, PICTURES, &x, &target), "%s", cnn_last_error(ctx));
    ck_assert_msg(cnn_onnx_save(own, in_folder("resnet18.onnx"), CNN_OPTIONS(cnn_onnx_save_options, .inputs = &pictures)) == CNN_OK, "%s",
                  cnn_last_error(ctx));
    cnn_module *imported = cnn_onnx_load(ctx, in_folder("resnet18.onnx"), NULL);
    ck_assert_msg(imported != NULL, "%s", cnn_last_error(ctx));
    cnn_optimizer *sgd[2] = { cnn_sgd_new(own, .lr = 0.01, .momentum = 0.9), cnn_sgd_new(imported, .lr = 0.01, .momentum = 0.9) };
    double first = 0, last = 0;
    const int steps = getenv("CNN_TEST_SHAPES") ? FEW_STEPS : STEPS;
    for (int i = 0; i < steps; i++) {
        last = train_step(own, sgd[0], x, target);
        double other = train_step(imported, sgd[1], x, target);
        first = i ? first : last;
        ck_assert_msg(fabs(last - other) <= 1e-5 * fmax(last, 1), "step %d: %.8f, imported %.8f", i, last, other);
    }
    ck_assert_msg(last < (steps < STEPS ? 1 : 0.5) * first, "from %g to %g", first, last); /* they have learnt something */
    for (int i = 0; i < cnn_module_state_count(own); i++) {
        char name[100];
        cnn_module_state_name(own, i, name, sizeof name);
        if (!strstr(name, "num_batches_tracked")) {
            cnn_tensor *other = cnn_module_find(imported, name);
            ck_assert_msg(other != NULL, "%s", name);
            double far = difference(cnn_module_find(own, name), other);
            ck_assert_msg(far <= 1e-4, "%s differs by %g", name, far);
        }
    }
    cnn_tensor_free(x);
    cnn_tensor_free(target);
    cnn_optimizer_free(sgd[0]);
    cnn_optimizer_free(sgd[1]);
    cnn_module_free(imported);
    cnn_module_free(own);
}
END_TEST

/* An attribute of the first operation `op` of a module, which sees `input`. */
static double attribute_of(cnn_module *net, const cnn_trace_input *input, const char *op, const char *name)
{
    cnn_trace *trace = cnn_trace_create(net, input, 1, NULL);
    const cnn_trace_node *node;
    const double *found = NULL;
    double value;
    ck_assert_msg(trace != NULL, "%s", cnn_last_error(ctx));
    for (int i = 0; !found && (node = cnn_trace_get_node(trace, i)) != NULL; i++) {
        for (int k = 0; k < node->attribute_count && strcmp(node->op, op) == 0; k++) {
            found = strcmp(node->attributes[k].name, name) == 0 ? node->attributes[k].reals : found;
        }
    }
    ck_assert_msg(found != NULL, "no %s of %s", name, op);
    value = *found;
    cnn_trace_free(trace);
    return value;
}

/* `own` is saved, loaded and freed: both have the same attributes `names`, NULL behind them, in double. */
static void same_attributes(cnn_module *own, const char *op, const char *const *names)
{
    const int64_t shape[4] = { -1, 6, 4, 4 };
    const cnn_trace_input input = { .shape = shape, .ndim = 4 }, two = { .shape = (int64_t[]){ 2, 6, 4, 4 }, .ndim = 4 };
    cnn_onnx_save_options options = { .struct_size = sizeof options, .inputs = &input, .opset = 21 };
    ck_assert_msg(own && cnn_onnx_save(own, in_folder("one.onnx"), &options) == CNN_OK, "%s", cnn_last_error(ctx));
    cnn_module *imported = cnn_onnx_load(ctx, in_folder("one.onnx"), NULL);
    ck_assert_msg(imported != NULL, "%s", cnn_last_error(ctx));
    for (; *names; names++) {
        double expected = attribute_of(own, &two, op, *names), got = attribute_of(imported, &two, op, *names);
        ck_assert_msg(expected <= got && got <= expected, "%s of %s: %.17g, imported %.17g", *names, op, expected, got);
    }
    cnn_module_free(imported);
    cnn_module_free(own);
}

/* A file has them in f32. What has at most 6 digits comes back, and so does what f32 holds exactly. */
START_TEST(numbers_of_norms_come_back_in_double)
{
    static const double eps[] = { 1e-5, 1e-3, 1e-12, 1e-20, 0x1p-17, 0.123456, 2.5 }, momentum[] = { 0.1, 0.01, 0.3, 0.99, 1, CNN_ZERO, 0.25 };
    for (int i = 0; i < 7; i++) {
        same_attributes(cnn_batch_norm2d_new(ctx, 6, .eps = eps[i], .momentum = momentum[i]), "batch_norm",
                        (const char *const[]){ "eps", "momentum", NULL });
        same_attributes(cnn_group_norm_new(ctx, 3, 6, .eps = eps[i]), "group_norm", (const char *const[]){ "eps", NULL });
        same_attributes(cnn_layer_norm_new(ctx, 4, .eps = eps[i]), "layer_norm", (const char *const[]){ "eps", NULL });
    }
    same_attributes(cnn_local_response_norm_new(ctx, 5, .alpha = 1e-4, .beta = 0.7, .k = 1.1), "local_response_norm",
                    (const char *const[]){ "alpha", "beta", "k", NULL });
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_training");
    TCase *tests = suite_case(suite, "training", setup_folder, teardown_folder);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, numbers_of_norms_come_back_in_double);
    tcase_add_test(tests, an_imported_resnet18_follows_the_one_in_c);
    return suite_run(suite);
}
