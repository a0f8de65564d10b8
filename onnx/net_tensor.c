/* The tensors of a model: their elements are used where they lie in the file's pages, or read and converted straight
 * into the tensor, and pages whose elements have been converted are given back. So loading takes no more than the file
 * and the tensors that cannot use its pages, and while one is converted less than that. */
#include "net.h"

#include <stdlib.h>
#include <string.h>

static bool little_endian(void)
{
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 1;
}

/* Whether libcnn holds the elements as they are stored. */
static bool is_as_stored(const cnn__onnx_tensor_def *def)
{
    return little_endian() &&
           (def->type == CNN__ONNX_FLOAT || def->type == CNN__ONNX_INT64 || def->type == CNN__ONNX_DOUBLE ||
            def->type == CNN__ONNX_BFLOAT16 || def->type == CNN__ONNX_INT32 || def->type == CNN__ONNX_UINT8);
}

static bool is_on_cpu(const cnn_context *ctx)
{
    return strcmp(cnn_context_device(ctx), "cpu") == 0;
}

/* The file's memory is the `user` of a tensor that borrows from it. */
static void take_back(void *data, void *user)
{
    (void)data;
    cnn__onnx_memory_release(user);
}

/* Moves the elements, which are raw in the file, to an address that the dtype asks for, over the tag and the length
 * before them, which have been read. NULL: that is not far enough, or the elements are stored otherwise. */
static unsigned char *aligned(const cnn__onnx_program *program, cnn__onnx_tensor_def *def, size_t size)
{
    if (!def->has_raw || def->is_external || def->lent || (int64_t)def->raw.size != cnn__onnx_tensor_def_bytes(def) ||
        !is_as_stored(def)) {
        return NULL;
    }
    unsigned char *at = program->file->at + ((const unsigned char *)def->raw.at - program->file->at);
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
    unsigned char *at = is_on_cpu(file->ctx) ? aligned(program, def, cnn_dtype_size(dtype)) : NULL;
    if (!at) {
        return NULL;
    }
    def->lent =
        true; /* another parameter of the same elements, such as a function's that is called twice, copies them */
    atomic_fetch_add(&program->file->users, 1);
    return cnn_tensor_from_borrowed(file->ctx, dtype, def->ndim, def->shape, NULL, at, take_back, program->file);
}

/* The same for elements in a file beside it, which is mapped. */
static cnn_tensor *borrow_beside(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *def, cnn_dtype dtype,
                                 const cnn__onnx_beside *part)
{
    bool good = is_on_cpu(file->ctx) && is_as_stored(def) && def->numel > 0 &&
                part->offset % (int64_t)cnn_dtype_size(dtype) == 0;
    cnn__onnx_memory *memory = good ? cnn__onnx_beside_map(part) : NULL;
    return memory
               ? cnn_tensor_from_borrowed(file->ctx, dtype, def->ndim, def->shape, NULL, memory->at, take_back, memory)
               : NULL;
}

/* Reads elements from another file into the tensor's memory, by way of a small buffer where they are converted. */
static bool read_beside(const cnn__onnx_tensor_def *def, const cnn__onnx_beside *part, void *to)
{
    enum { BUFFER = 1 << 14 }; /* a multiple of every element */
    unsigned char buffer[BUFFER];
    if (is_as_stored(def)) {
        return cnn__onnx_beside_read(part, 0, part->size, to);
    }
    for (int64_t at = 0; at < part->size; at += BUFFER) {
        int64_t size = part->size - at < BUFFER ? part->size - at : BUFFER;
        if (!cnn__onnx_beside_read(part, at, size, buffer)) {
            return false;
        }
        cnn__onnx_tensor_def_put(def, at, size, buffer, to);
    }
    return true;
}

/* A tensor of its own with the elements, which are those of `part` unless that is NULL. A device has them by way of
 * memory of the host. */
static cnn_tensor *copied(cnn__onnx_file_bytes *file, const cnn__onnx_tensor_def *def, cnn_dtype dtype,
                          const cnn__onnx_beside *part)
{
    size_t wide = cnn_dtype_size(dtype) * (size_t)def->numel;
    bool cpu = is_on_cpu(file->ctx);
    cnn_tensor *tensor = cpu ? cnn_tensor_empty(file->ctx, dtype, def->ndim, def->shape) : NULL;
    void *memory = cpu ? NULL : malloc(wide ? wide : 1);
    unsigned char none = 0; /* where no elements are written */
    if (!tensor && !memory) {
        cnn__onnx_wire_fail(file, CNN_ERROR_NO_MEMORY, NULL, "no memory for %zu bytes", wide);
        return NULL;
    }
    void *to = memory ? memory : def->numel ? cnn_tensor_data(tensor) : &none;
    bool good = part ? read_beside(def, part, to) : cnn__onnx_tensor_def_elements(file, def, to, def->uses < 2);
    if (!good) {
        cnn_tensor_free(tensor);
        tensor = NULL;
    } else if (memory) {
        tensor = cnn_tensor_from_data(file->ctx, dtype, def->ndim, def->shape, memory);
    }
    free(memory);
    return tensor;
}

/* Opens the file that has the elements: a hostile shape asks for no more memory than that file is large. */
static cnn_tensor *from_beside(cnn__onnx_file_bytes *file, const cnn__onnx_program *program,
                               const cnn__onnx_tensor_def *def, cnn_dtype dtype)
{
    cnn__onnx_beside part;
    int64_t size = cnn__onnx_tensor_def_bytes(def);
    if (def->length >= 0 && def->length != size) {
        cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, def->at,
                            "tensor \"%.*s\" has %lld bytes of external data, expected %lld", CNN__TEXT(def->name),
                            (long long)def->length, (long long)size);
        return NULL;
    }
    if (!cnn__onnx_beside_open(file, def->location, def->offset, size, &part)) {
        return NULL;
    }
    cnn_tensor *tensor = program->map ? borrow_beside(file, def, dtype, &part) : NULL;
    tensor = tensor ? tensor : copied(file, def, dtype, &part);
    cnn__onnx_beside_close(&part);
    return tensor;
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
    /* A hostile shape asks for no more memory than the file has elements. */
    if (!def->is_external &&
        cnn__onnx_tensor_def_bytes(def) > (int64_t)(def->has_raw ? def->raw.size : 8 * def->message.size)) {
        cnn__onnx_wire_fail(file, CNN_ERROR_FORMAT, def->at,
                            "tensor \"%.*s\" has fewer elements in the file than its shape", CNN__TEXT(def->name));
        return NULL;
    }
    tensor = def->is_external ? from_beside(file, program, def, dtype) : copied(file, def, dtype, NULL);
    if (!tensor && file->status == CNN_OK) {
        file->status = cnn_context_status(file->ctx);
    }
    return tensor;
}
