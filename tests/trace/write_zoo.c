/* Saves a net of examples/zoo as ONNX files with a symbolic batch, and what libcnn computes of batches of 1 and 3: NET.onnx,
 * NET.folded.onnx with its batch normalisations folded, NET.again.onnx, which is NET.onnx loaded and saved, and NET.sizes.onnx for
 * pictures of any size where the net takes them. Usage: write_zoo NET FOLDER; without arguments it lists the nets. */
#include "zoo.h"

#include "trace/write.h"

#include <string.h>

/* Both files are run with the batch of 3. */
static void write_three(cnn_tape *tape, const char *folder, const char *net, cnn_module *model, cnn_tensor *x)
{
    for (int i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, i ? "%s.folded.more" : "%s.more", net);
        write_values(tape, folder, name, model, x, 1);
    }
}

static bool note_name(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    (void)tensor, (void)is_parameter;
    /* Evaluation reads no counts and no auxiliary heads. */
    if (!strstr(name, "num_batches_tracked") && !strstr(name, "aux")) {
        fprintf(user, "%s\n", name);
    }
    return true;
}

static void write_names(const char *folder, const char *net, const cnn_module *model)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.names", folder, net);
    FILE *file = fopen(path, "w");
    if (!file || cnn_module_visit(model, note_name, file) != CNN_OK || fclose(file) != 0) {
        give_up(path, "cannot be written");
    }
}

/* Numbers in place of zeros, from which a new net computes too little: biases, and heads that begin with zeros. */
static bool fill_zeros(const char *name, cnn_tensor *tensor, bool is_parameter, void *user)
{
    (void)name, (void)user;
    const float *values = is_parameter ? cnn_tensor_data(tensor) : NULL;
    bool zero = values != NULL;
    for (int64_t i = 0; zero && i < cnn_tensor_numel(tensor); i++) {
        zero = values[i] == 0;
    }
    return !zero || cnn_init_uniform(tensor, -0.1, 0.1) == CNN_OK;
}

/* Running statistics that are not those of a new net. */
static void warm_up(cnn_context *ctx, cnn_tape *tape, const zoo_net *net, cnn_module *model)
{
    cnn_tensor *x, *target;
    if (!zoo_draw(ctx, net, net->input, net->classes, 2, &x, &target)) {
        give_up(net->name, cnn_last_error(ctx));
    }
    cnn_tape_begin(tape, CNN_TRAIN_NO_GRAD);
    cnn_forward(model, cnn_input(tape, x));
    if (cnn_tape_status(tape) != CNN_OK) {
        give_up(net->name, cnn_tape_error(tape));
    }
    cnn_tensor_free(x);
    cnn_tensor_free(target);
}

/* Loads NET.onnx and saves it again: by default under the names that it has. */
static void write_again(cnn_context *ctx, cnn_tape *tape, const char *folder, const char *net, cnn_tensor *x)
{
    char path[512], name[64];
    snprintf(path, sizeof path, "%s/%s.onnx", folder, net);
    snprintf(name, sizeof name, "%s.again", net);
    cnn_module *model = cnn_onnx_load(ctx, path, NULL);
    if (!model) {
        give_up(path, cnn_last_error(ctx));
    }
    if (!try_file(tape, folder, name, model, x, 1, CNN_OPTIONS(cnn_onnx_save_options, .fixed_batch = true))) {
        give_up(name, cnn_last_error(ctx));
    }
    cnn_module_free(model);
}

/* A file for pictures of any size, and what becomes of a larger one. Nets that need theirs say so. */
static void write_sizes(cnn_context *ctx, cnn_tape *tape, const char *folder, const zoo_net *net, cnn_module *model, cnn_tensor *x,
                        const cnn_trace_input *in)
{
    char name[64];
    const int64_t larger[3] = { net->input[0], net->input[1] + 32, net->input[2] + 64 };
    cnn_tensor *more, *target;
    snprintf(name, sizeof name, "%s.sizes", net->name);
    if (!try_file(tape, folder, name, model, x, 1, CNN_OPTIONS(cnn_onnx_save_options, .inputs = in, .symbolic_sizes = true))) {
        printf("%s: %s\n", net->name, cnn_last_error(ctx));
        return;
    }
    snprintf(name, sizeof name, "%s.sizes.more", net->name);
    if (!zoo_draw(ctx, net, larger, net->classes, 2, &more, &target)) {
        give_up(net->name, cnn_last_error(ctx));
    }
    write_values(tape, folder, name, model, more, 1);
    cnn_tensor_free(more);
    cnn_tensor_free(target);
}

static void write_net(cnn_context *ctx, const zoo_net *net, const char *folder)
{
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_module *model = net->make(ctx, net, net->input, net->classes);
    if (!model) {
        give_up(net->name, cnn_last_error(ctx));
    }
    cnn_module_visit(model, fill_zeros, NULL);
    warm_up(ctx, tape, net, model);
    write_names(folder, net->name, model);
    for (int64_t batch = 1; batch <= 3; batch += 2) {
        cnn_tensor *x, *target;
        char name[64];
        if (!zoo_draw(ctx, net, net->input, net->classes, batch, &x, &target)) {
            give_up(net->name, cnn_last_error(ctx));
        }
        if (batch == 1) {
            int64_t shape[CNN_MAX_DIMS];
            memcpy(shape, cnn_tensor_shape(x), (size_t)cnn_tensor_ndim(x) * sizeof *shape);
            shape[0] = -1;
            const cnn_trace_input in = { .shape = shape, .ndim = cnn_tensor_ndim(x), .dtype = cnn_tensor_dtype(x) };
            write_file(tape, folder, net->name, model, x, 1, CNN_OPTIONS(cnn_onnx_save_options, .inputs = &in));
            snprintf(name, sizeof name, "%s.folded", net->name);
            write_file(tape, folder, name, model, x, 1,
                       CNN_OPTIONS(cnn_onnx_save_options, .inputs = &in, .fold_batch_norm = true, .external_data = true));
            write_again(ctx, tape, folder, net->name, x);
            if (!net->tokens) {
                write_sizes(ctx, tape, folder, net, model, x, &in);
            }
        } else {
            write_three(tape, folder, net->name, model, x);
        }
        cnn_tensor_free(x);
        cnn_tensor_free(target);
    }
    cnn_module_free(model);
    cnn_tape_free(tape);
}

int main(int count, char **arguments)
{
    if (count < 3) {
        for (int i = 0; i < zoo_net_count; i++) {
            puts(zoo_nets[i].name);
        }
        return 0;
    }
    cnn_context *ctx = cnn_context_new(.seed = 5);
    const zoo_net *net = zoo_find(arguments[1]);
    if (!net) {
        give_up(arguments[1], "no net of that name");
    }
    write_net(ctx, net, arguments[2]);
    cnn_context_free(ctx);
    return 0;
}
