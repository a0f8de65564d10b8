/* What a module of an ONNX file holds: the program, which clones share, tensors of its own for the constants, and
 * workspaces of forwards that have ended. */
#ifndef CNN_ONNX_NET_H
#define CNN_ONNX_NET_H

#include "run.h"
#include "source.h"

typedef struct cnn__workspace {
    cnn__arena arena;
    cnn__value values[];
} cnn__workspace;

typedef struct cnn__net {
    cnn__program *program;
    cnn_tensor **tensors;           /* one per constant; NULL: the host has all of it */
    _Atomic(cnn__workspace *) idle; /* one that no forward uses */
} cnn__net;

cnn_status cnn__net_forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                            int output_count, void *user);

/* A workspace for one forward, with values that are all empty; NULL: no memory. Equal forwards allocate none. */
cnn__workspace *cnn__net_workspace(cnn__net *net);
void cnn__net_give_back(cnn__net *net, cnn__workspace *space);

/* A net without tensors yet, which holds the program; NULL: no memory. */
cnn__net *cnn__net_new(cnn__program *program);
void cnn__net_free(void *user);
cnn_status cnn__net_clone(cnn_module *clone, void *user, void **copy);
void cnn__program_release(cnn__program *program);

/* A tensor of the caller's with the elements of one in the file, which are used where they are if that can be; NULL on
 * failure, which is reported. */
cnn_tensor *cnn__net_tensor(cnn__file_bytes *file, const cnn__program *program, const cnn__tensor_def *def);

#endif
