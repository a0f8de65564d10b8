/* A model of an ONNX file and its inputs, for the subcommands that run one. Functions that fail have said why on
 * stderr. */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include <cnn/cnn.h>
#include <cnn/onnx.h>

enum { MOST_GIVEN = 64 };

typedef struct model {
    const char *command; /* "run", for messages */
    const char *path;
    cnn_context *ctx;
    cnn_module *module;
    int input_count, output_count;
    cnn_tensor **inputs; /* NULL where there is none yet */
} model;

/* Opens a file for a command that computes with `threads` threads, 0: all CPUs. */
bool model_open(model *m, const char *command, const char *path, int threads);
/* Likewise, but where the model fails with `status` it is open without a module, and the context has the reason. */
bool model_open_unless(model *m, const char *command, const char *path, int threads, cnn_status status);
void model_close(model *m);

/* What the file says of input or output `i`. */
cnn_onnx_value model_input(const model *m, int i);
cnn_onnx_value model_output(const model *m, int i);
/* The number of the input that `text` gives, NAME=REST, or REST alone where there is one input; −1, said. `rest` is
 * what comes behind the name. */
int model_given(const model *m, const char *text, const char **rest);

/* Shapes as the file has them: "[batch,3,224,224]". */
void model_shape_text(const cnn_onnx_value *v, char *text, size_t size);

/* cnn info of a model, which is known by its name: ONNX files have no first bytes of their own. An exit status. */
bool is_model(const char *path);
int info_model(const char *path, bool json, bool nodes);

#endif
