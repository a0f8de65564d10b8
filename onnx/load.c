/* cnn_onnx_load(): reads a file, makes its program, and a module around it whose parameters have the names of the
 * file's initializers, as PyTorch's exporters give them: "layer1.0.conv1.weight" is the parameter weight of a module
 * conv1 in modules 0 and layer1. */
#include "names.h"
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char call[] = "onnx_load";

/* ---- which constants are the module's ---- */

static void mark_step(const cnn__onnx_step *step, cnn__onnx_constant *const *of_slot);

static void mark_block(const cnn__onnx_block *block, cnn__onnx_constant *const *of_slot)
{
    for (const cnn__onnx_step *step = block->first; step; step = step->next) {
        mark_step(step, of_slot);
    }
}

static bool has_bit(uint32_t bits, int i)
{
    return bits >> (i < 31 ? i : 31) & 1;
}

static void mark_step(const cnn__onnx_step *step, cnn__onnx_constant *const *of_slot)
{
    for (int i = 0; i < step->in_count; i++) {
        cnn__onnx_constant *c = step->in[i] >= 0 ? of_slot[step->in[i]] : NULL;
        if (c && c->is_initializer && c->def && c->def->ndim > 0 && cnn__onnx_is_float(c->type)) {
            c->is_parameter = c->is_parameter || has_bit(step->op->parameters, i);
            c->is_buffer = c->is_buffer || has_bit(step->op->buffers, i);
        }
    }
    for (int i = 0; i < step->attribute_count; i++) {
        if (step->blocks[i]) {
            mark_block(step->blocks[i], of_slot);
        }
    }
}

static bool mark(cnn__onnx_reading *reading, cnn__onnx_program *program)
{
    cnn__onnx_constant **of_slot = cnn__onnx_reading_get(reading, (size_t)program->slot_count, sizeof *of_slot);
    if (!of_slot) {
        return false;
    }
    for (cnn__onnx_constant *c = program->constants; c; c = c->next) {
        of_slot[c->slot] = c;
    }
    mark_block(&program->block, of_slot);
    for (cnn__onnx_constant *c = program->constants; c; c = c->next) {
        c->is_parameter = c->is_parameter && !c->is_buffer;
    }
    return true;
}

/* ---- the module's tree ---- */

static cnn_status part_forward(cnn_module *self, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                               int output_count, void *user)
{
    (void)inputs, (void)input_count, (void)outputs, (void)output_count, (void)user;
    return cnn__onnx_fail(cnn_module_context(self), CNN_ERROR_UNSUPPORTED,
                          "onnx: a part of a model cannot be run, only the whole");
}

/* The module that the first `length` bytes of a name lead to, which is made if it is not there, in `parent`. */
static cnn_module *child_of(cnn__onnx_reading *reading, cnn__onnx_names *names, cnn_module *parent, const char *name,
                            size_t length, const char *part)
{
    cnn__onnx_name *entry = cnn__onnx_names_add(reading, names, (cnn__onnx_text){ name, length });
    if (entry && !entry->module) {
        cnn_module_options options = { .struct_size = sizeof options, .type = "Part", .forward_many = part_forward };
        cnn_module *child = cnn_module_create(cnn_module_context(parent), &options);
        entry->module = child ? cnn_module_add(parent, part, child) : NULL;
    }
    return entry ? entry->module : NULL;
}

/* Whether the name's parts between dots can be those of modules. */
static bool is_path(const char *name)
{
    size_t length = strlen(name);
    return length && name[0] != '.' && name[length - 1] != '.' && !strstr(name, "..");
}

/* Gives the tensor, which it takes, to the module of the tree that its name says. */
static bool add_state(cnn__onnx_reading *reading, cnn__onnx_names *names, cnn_module *module,
                      const cnn__onnx_constant *c, cnn_tensor *tensor)
{
    char *path = strdup(c->name), *part = path;
    for (char *dot; path && module && (dot = strchr(part, '.')); part = dot + 1) {
        *dot = '\0';
        module = child_of(reading, names, module, c->name, (size_t)(dot - path), part);
    }
    if (!path || !module || !cnn__onnx_names_add(reading, names, cnn__onnx_text_of(c->name))) {
        if (!path) {
            cnn__onnx_wire_fail(reading->file, CNN_ERROR_NO_MEMORY, NULL, "no memory for the name of a parameter");
        }
        cnn_tensor_free(tensor);
        free(path);
        return false;
    }
    bool good = (c->is_buffer ? cnn_module_add_buffer : cnn_module_add_parameter)(module, part, tensor) != NULL;
    free(path);
    return good;
}

/* Gives a constant a name no part of which is empty, and that is not the module's yet: dots become underscores where
 * "a" and "a.b" are both there, and more underscores follow where that does not help. */
static bool choose_name(cnn__onnx_reading *reading, const cnn__onnx_names *names, cnn__onnx_constant *c)
{
    enum { MORE = 8 };
    cnn__onnx_text name = c->def->name;
    char *chosen = cnn__onnx_reading_get(reading, name.size + MORE + 1, 1);
    if (!chosen) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        chosen[i] = name.at[i] ? name.at[i] : '_';
    }
    c->name = chosen;
    for (char *dot; (!is_path(chosen) || cnn__onnx_names_clash(names, chosen)) && (dot = strchr(chosen, '.'));) {
        *dot = '_';
    }
    for (size_t i = 0; i < MORE && cnn__onnx_names_clash(names, chosen); i++) {
        chosen[name.size + i] = '_';
    }
    return true;
}

static bool make_tensors(cnn__onnx_file_bytes *file, cnn__onnx_reading *reading, cnn__onnx_program *program,
                         cnn__onnx_net *net, cnn_module *module)
{
    int k = 0;
    cnn__onnx_names names = { 0 };
    for (cnn__onnx_constant *c = program->constants; c; c = c->next, k++) {
        bool state = c->is_parameter || c->is_buffer;
        if (!state && c->host) {
            continue;
        }
        cnn_tensor *tensor = cnn__onnx_net_tensor(file, program, c->def);
        if (!tensor) {
            return false;
        }
        bool named = !state || choose_name(reading, &names, c);
        if (!named) {
            cnn_tensor_free(tensor);
        }
        if (!named || (state && !add_state(reading, &names, module, c, tensor))) {
            file->status = file->status == CNN_OK ? cnn_context_status(file->ctx) : file->status;
            return false;
        }
        net->tensors[k] = tensor;
    }
    return true;
}

/* ---- the whole ---- */

static cnn__onnx_program *program_read(cnn__onnx_file_bytes *file, const cnn_onnx_options *options)
{
    cnn__onnx_program *program = calloc(1, sizeof *program);
    if (!program) {
        cnn__onnx_wire_fail(file, CNN_ERROR_NO_MEMORY, NULL, "no memory");
        return NULL;
    }
    atomic_init(&program->users, 1);
    program->map = options->map;
    program->running_statistics = options->running_statistics;
    cnn__onnx_reading reading = { .file = file, .arena = &program->arena };
    program->file = cnn__onnx_source_read(file, options->map);
    if (!program->file || !cnn__onnx_model_read(&reading, &program->model) ||
        !cnn__onnx_program_make(&reading, program) || !cnn__onnx_ports_make(&reading, program) ||
        !mark(&reading, program)) {
        cnn__onnx_program_release(program);
        return NULL;
    }
    return program;
}

cnn_module *cnn_onnx_load(cnn_context *ctx, const char *path, const cnn_onnx_options *options)
{
    cnn_onnx_options o;
    if (!ctx || !path) {
        cnn__onnx_fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s is NULL", call, ctx ? "path" : "ctx");
        return NULL;
    }
    if (CNN__ONNX_OPTIONS(ctx, call, &o, options) != CNN_OK) {
        return NULL;
    }
    cnn__onnx_file_bytes file = { .ctx = ctx, .call = call, .path = path, .node_number = -1 };
    cnn__onnx_program *program = program_read(&file, &o);
    cnn__onnx_net *net = program ? cnn__onnx_net_new(program) : NULL;
    if (!net) {
        if (program) {
            cnn__onnx_wire_fail(&file, CNN_ERROR_NO_MEMORY, NULL, "no memory");
            cnn__onnx_program_release(program);
        }
        return NULL;
    }
    cnn_module_options module_options = { .struct_size = sizeof module_options,
                                          .type = "ONNX",
                                          .user = net,
                                          .forward_many = cnn__onnx_net_forward,
                                          .free_user = cnn__onnx_net_free,
                                          .clone_user = cnn__onnx_net_clone };
    cnn_module *module = cnn_module_create(ctx, &module_options);
    cnn__onnx_reading reading = { .file = &file, .arena = &program->arena };
    if (module && !make_tensors(&file, &reading, program, net, module)) {
        cnn_module_free(module);
        module = NULL;
    }
    cnn__onnx_program_release(program);
    return module;
}
