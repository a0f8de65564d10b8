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

static void bytes_release(unsigned char *bytes, atomic_int *users)
{
    if (atomic_fetch_sub(users, 1) == 1) {
        free(bytes);
        free(users);
    }
}

void cnn__onnx_program_release(cnn__onnx_program *program)
{
    if (atomic_fetch_sub(&program->users, 1) == 1) {
        cnn__onnx_arena_free(&program->arena);
        bytes_release(program->bytes, program->bytes_users);
        free(program);
    }
}

/* The file's memory is the `user` of a tensor that borrows from it. */
typedef struct lent {
    unsigned char *bytes;
    atomic_int *users;
} lent;

static void take_back(void *data, void *user)
{
    lent *part = user;
    (void)data;
    bytes_release(part->bytes, part->users);
    free(part);
}

/* Moves the elements, which are raw in the file, to an address that the dtype asks for, over the tag and the length
 * before them, which have been read. NULL: that is not far enough, or the elements are stored otherwise. */
static unsigned char *aligned(const cnn__onnx_program *program, cnn__onnx_tensor_def *def, size_t size)
{
    if (!def->has_raw || def->is_external || def->lent || (int64_t)def->raw.size != cnn__onnx_tensor_def_bytes(def) ||
        (def->type != CNN__ONNX_FLOAT && def->type != CNN__ONNX_INT64 && def->type != CNN__ONNX_DOUBLE &&
         def->type != CNN__ONNX_BFLOAT16)) {
        return NULL;
    }
    unsigned char *at = program->bytes + ((const unsigned char *)def->raw.at - program->bytes);
    size_t off = (uintptr_t)at % size, header = def->raw.size < 128 ? 2 : 3;
    if (off > header || def->raw.size == 0) {
        return NULL;
    }
    if (off) {
        memmove(at - off, at, def->raw.size);
        def->raw.at -= off; /* several calls of a function share its constants */
    }
    return at - off;
}

/* The elements where they are, if libcnn can use them there; else NULL, with nothing reported. */
static cnn_tensor *borrow(cnn__onnx_file_bytes *file, const cnn__onnx_program *program, cnn__onnx_tensor_def *def,
                          cnn_dtype dtype)
{
    const uint16_t one = 1;
    bool little_endian = *(const unsigned char *)&one == 1;
    unsigned char *at = little_endian && strcmp(cnn_context_device(file->ctx), "cpu") == 0
                            ? aligned(program, def, cnn_dtype_size(dtype))
                            : NULL;
    lent *part = at ? malloc(sizeof *part) : NULL;
    if (!part) {
        return NULL;
    }
    *part = (lent){ program->bytes, program->bytes_users };
    def->lent =
        true; /* another parameter of the same elements, such as a function's that is called twice, copies them */
    atomic_fetch_add(program->bytes_users, 1);
    return cnn_tensor_from_borrowed(file->ctx, dtype, def->ndim, def->shape, NULL, at, take_back, part);
}

/* Whether another file has the elements: a hostile shape asks for no more memory than that file is large. */
static bool is_beside(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *def, int64_t size)
{
    if (def->length >= 0 && def->length != size) {
        return cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, def->at,
                                   "tensor \"%.*s\" has %lld bytes of external data, expected %lld",
                                   CNN__TEXT(def->name), (long long)def->length, (long long)size);
    }
    return cnn__onnx_source_read_beside(file, def->location, def->offset, size, NULL);
}

/* Elements that are converted or come from another file, by way of `memory`. */
static cnn_tensor *copied(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *def, cnn_dtype dtype, void *memory,
                          void *raw)
{
    if (def->is_external &&
        !cnn__onnx_source_read_beside(file, def->location, def->offset, cnn__onnx_tensor_def_bytes(def), raw)) {
        return NULL;
    }
    if (!cnn__onnx_tensor_def_elements(file, def, def->is_external ? raw : NULL, memory)) {
        return NULL;
    }
    return cnn_tensor_from_data(file->ctx, dtype, def->ndim, def->shape, memory);
}

cnn_tensor *cnn__onnx_net_tensor(cnn__onnx_file_bytes *file, const cnn__onnx_program *program,
                                 cnn__onnx_tensor_def *def)
{
    cnn_dtype dtype;
    cnn__onnx_dtype(def->type, &dtype);
    cnn_tensor *tensor = borrow(file, program, def, dtype);
    if (tensor) {
        return tensor;
    }
    int64_t size = cnn__onnx_tensor_def_bytes(def);
    size_t wide = cnn_dtype_size(dtype) * (size_t)def->numel;
    /* A hostile shape asks for no more memory than the file has elements. */
    if (!def->is_external && size > (int64_t)(def->has_raw ? def->raw.size : 8 * def->message.size)) {
        cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, def->at,
                            "tensor \"%.*s\" has fewer elements in the file than its shape", CNN__TEXT(def->name));
        return NULL;
    }
    if (def->is_external && !is_beside(file, def, size)) {
        return NULL;
    }
    void *memory = malloc(wide ? wide : 1), *raw = def->is_external ? malloc(size ? (size_t)size : 1) : NULL;
    if (!memory || (def->is_external && !raw)) {
        cnn__onnx_wire_fail(file, CNN_ERROR_NO_MEMORY, NULL, "no memory for %zu bytes", wide);
    } else {
        tensor = copied(file, def, dtype, memory, raw);
    }
    free(memory);
    free(raw);
    if (!tensor && file->status == CNN_OK) {
        file->status = cnn_context_status(file->ctx);
    }
    return tensor;
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
