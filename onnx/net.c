/* What a module of an ONNX file holds, shared and given back. */
#include "net.h"

#include <stdlib.h>
#include <string.h>

cnn__onnx_workspace *cnn__onnx_net_workspace(cnn__onnx_net *net)
{
    size_t size = (size_t)net->program->slot_count * sizeof(cnn__onnx_value);
    cnn__onnx_workspace *space = atomic_exchange(&net->idle, NULL);
    if (!space) {
        space = malloc(sizeof *space + size);
        if (!space) {
            return NULL;
        }
        space->arena = (cnn__onnx_arena){ 0 };
    }
    memset(space->values, 0, size);
    return space;
}

static void workspace_free(cnn__onnx_workspace *space)
{
    if (space) {
        cnn__onnx_arena_free(&space->arena);
        free(space);
    }
}

void cnn__onnx_net_give_back(cnn__onnx_net *net, cnn__onnx_workspace *space)
{
    cnn__onnx_arena_reset(&space->arena);
    workspace_free(atomic_exchange(&net->idle, space));
}

void cnn__onnx_program_release(cnn__onnx_program *program)
{
    if (atomic_fetch_sub(&program->users, 1) == 1) {
        cnn__onnx_arena_free(&program->arena);
        cnn__onnx_memory_release(program->file);
        free(program);
    }
}

void cnn__onnx_net_free(void *user)
{
    cnn__onnx_net *net = user;
    int k = 0;
    if (!net) {
        return;
    }
    for (const cnn__onnx_constant *c = net->program->constants; net->tensors && c; c = c->next, k++) {
        if (!c->is_parameter && !c->is_buffer) {
            cnn_tensor_free(net->tensors[k]);
        }
    }
    workspace_free(atomic_load(&net->idle));
    free(net->tensors);
    cnn__onnx_program_release(net->program);
    free(net);
}

cnn__onnx_net *cnn__onnx_net_new(cnn__onnx_program *program)
{
    cnn__onnx_net *net = calloc(1, sizeof *net);
    cnn_tensor **tensors = calloc((size_t)program->constant_count + 1, sizeof *tensors);
    if (!net || !tensors) {
        free(net);
        free(tensors);
        return NULL;
    }
    atomic_fetch_add(&program->users, 1);
    net->program = program;
    net->tensors = tensors;
    return net;
}

cnn_status cnn__onnx_net_clone(cnn_module *clone, void *user, void **copy)
{
    const cnn__onnx_net *net = user;
    cnn__onnx_net *made = cnn__onnx_net_new(net->program);
    int k = 0;
    if (!made) {
        return CNN_ERROR_NO_MEMORY;
    }
    for (const cnn__onnx_constant *c = net->program->constants; c; c = c->next, k++) {
        if (net->tensors[k]) {
            made->tensors[k] =
                c->is_parameter || c->is_buffer ? cnn_module_find(clone, c->name) : cnn_tensor_share(net->tensors[k]);
            if (!made->tensors[k]) {
                cnn__onnx_net_free(made);
                return CNN_ERROR_NO_MEMORY;
            }
        }
    }
    *copy = made;
    return CNN_OK;
}
