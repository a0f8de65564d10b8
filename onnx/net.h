/* What a module of an ONNX file holds: the program, which clones share, tensors of its own for the constants, and
 * workspaces of forwards that have ended. */
#ifndef CNN_ONNX_NET_H
#define CNN_ONNX_NET_H

#include "run.h"
#include "source.h"

typedef struct cnn__onnx_workspace {
    cnn__onnx_arena arena;
    cnn__onnx_value values[];
} cnn__onnx_workspace;

typedef struct cnn__onnx_net {
    cnn__onnx_program *program;
    cnn_tensor **tensors;                /* one per constant; NULL: the host has all of it */
    _Atomic(cnn__onnx_workspace *) idle; /* one that no forward uses */
} cnn__onnx_net;

cnn_status cnn__onnx_net_forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                                 int output_count, void *user);

/* A workspace for one forward, with values that are all empty; NULL: no memory. Equal forwards allocate none. */
cnn__onnx_workspace *cnn__onnx_net_workspace(cnn__onnx_net *net);
void cnn__onnx_net_give_back(cnn__onnx_net *net, cnn__onnx_workspace *space);

/* A net without tensors yet, which holds the program; NULL: no memory. */
cnn__onnx_net *cnn__onnx_net_new(cnn__onnx_program *program);
void cnn__onnx_net_free(void *user);
cnn_status cnn__onnx_net_clone(cnn_module *clone, void *user, void **copy);
void cnn__onnx_program_release(cnn__onnx_program *program);

/* A tensor of the caller's with the elements of one in the file, which are used where they are if that can be; NULL on
 * failure, which is reported. */
cnn_tensor *cnn__onnx_net_tensor(cnn__onnx_file_bytes *file, const cnn__onnx_program *program,
                                 cnn__onnx_tensor_def *def);

#endif
