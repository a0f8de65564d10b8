/* Traces: the list of a step that traces, with a number for each tensor. The step lasts as long as the trace, which
 * therefore points at its handles and lives, all of it, in the arena of the tape.
 *
 * The number of a handle is kept in the handle (`uses`), that of a parameter or buffer by its place in the module's
 * state. A place is looked for from the one that was found last, because forwards use them in about that order. */
#include "nn/forward.h"

#include <cnn/trace.h>

#include <string.h>

struct cnn_trace {
    cnn_tape *tape; /* its memory, this struct included */
    cnn_trace_node *nodes;
    cnn_trace_value *values;
    int *outputs;
    int node_count, value_count, output_count;
    /* while it is made: */
    const cnn_module *root;
    cnn__state state; /* the place of the parameter or buffer that was found last */
    int place, state_count;
    int *state_numbers; /* by place: the number of the value + 1; 0: none yet */
};

static void *trace_take(cnn_trace *t, int count, size_t size)
{
    void *memory = cnn__tape_arena(t->tape, (size_t)count * size);
    return memory ? memset(memory, 0, (size_t)count * size) : NULL;
}

/* ---- values ---- */

/* Goes on to the place of a tensor among the state. false: it is not of the module. */
static bool trace_find_state(cnn_trace *t, const cnn_tensor *plain)
{
    for (int tried = 0; tried < t->state_count && t->state.tensor != plain; tried++) {
        t->place++;
        if (!cnn__state_next(&t->state)) {
            t->state = cnn__state_begin(t->root);
            cnn__state_next(&t->state);
            t->place = 0;
        }
    }
    return t->state_count && t->state.tensor == plain;
}

static int add_value(cnn_trace *t, const cnn_tensor *handle, cnn_value_kind kind, const char *name)
{
    t->values[t->value_count] = (cnn_trace_value){ .kind = kind,
                                                   .dtype = handle->dtype,
                                                   .ndim = handle->ndim,
                                                   .node = -1,
                                                   .shape = handle->shape,
                                                   .name = name,
                                                   .tensor = handle->leaf };
    return t->value_count++;
}

/* The number of a plain tensor's value; −1: no memory. */
static int number_plain(cnn_trace *t, const cnn_tensor *handle)
{
    if (!trace_find_state(t, handle->leaf)) {
        for (int i = 0; i < t->value_count; i++) {
            if (t->values[i].tensor == handle->leaf) {
                return i;
            }
        }
        return add_value(t, handle, CNN_VALUE_CONSTANT, "");
    }
    if (!t->state_numbers[t->place]) {
        size_t size = cnn__state_name(&t->state, NULL, 0) + 1;
        char *name = trace_take(t, 1, size);
        if (!name) {
            return -1;
        }
        cnn__state_name(&t->state, name, size);
        t->state_numbers[t->place] =
            add_value(t, handle, t->state.is_parameter ? CNN_VALUE_PARAMETER : CNN_VALUE_BUFFER, name) + 1;
    }
    return t->state_numbers[t->place] - 1;
}

static int number(cnn_trace *t, cnn_tensor *handle)
{
    if (handle && !handle->uses) {
        handle->uses = (handle->leaf ? number_plain(t, handle) : add_value(t, handle, CNN_VALUE_RESULT, "")) + 1;
    }
    return handle ? handle->uses - 1 : -1;
}

static const int *number_all(cnn_trace *t, cnn_tensor *const *handles, int count)
{
    int *numbers = trace_take(t, count, sizeof *numbers);
    for (int i = 0; numbers && i < count; i++) {
        numbers[i] = number(t, handles[i]);
    }
    return numbers;
}

/* ---- attributes ---- */

static bool copy_attribute(cnn_trace *t, cnn_trace_attribute *to, const cnn__attribute *a, const char *from)
{
    bool real = a->type == CNN__FLOAT;
    const void *at = from + a->offset;
    to->name = a->name;
    to->type = real                    ? CNN_ATTRIBUTE_REAL
               : a->type == CNN__BOOL  ? CNN_ATTRIBUTE_BOOL
               : a->type == CNN__DTYPE ? CNN_ATTRIBUTE_TEXT
                                       : CNN_ATTRIBUTE_INT;
    to->list = a->count || a->counted;
    to->count = a->counted ? *(const int *)(const void *)(from + a->count_at) : a->count ? a->count : 1;
    if (real) {
        to->reals = at;
        return true;
    }
    int64_t *ints = trace_take(t, to->count, sizeof *ints);
    for (int i = 0; ints && i < to->count; i++) {
        ints[i] = a->type == CNN__INT64  ? ((const int64_t *)at)[i]
                  : a->type == CNN__BOOL ? ((const bool *)at)[i]
                                         : ((const int *)at)[i];
    }
    to->text = ints && a->type == CNN__DTYPE ? cnn_dtype_name((cnn_dtype)*ints) : NULL;
    to->ints = ints;
    return ints != NULL;
}

static bool copy_attributes(cnn_trace *t, cnn_trace_node *to, const cnn__node *node)
{
    const cnn__attribute *a = node->op->attributes;
    while (a && a[to->attribute_count].name) {
        to->attribute_count++;
    }
    cnn_trace_attribute *copies = trace_take(t, to->attribute_count, sizeof *copies);
    bool done = copies != NULL;
    for (int i = 0; done && i < to->attribute_count; i++) {
        done = copy_attribute(t, &copies[i], &a[i], node->attributes);
    }
    to->attributes = copies;
    return done;
}

/* ---- nodes ---- */

/* Whether the module is still a part of the traced one: a forward may make modules, run them and free them. */
static bool is_part(const cnn_trace *t, const cnn_module *module)
{
    const cnn_module *at = t->root;
    while (at && at != module) {
        at = cnn__module_next(t->root, at);
    }
    return at != NULL;
}

/* The path of a part of the traced module; NULL: no memory. */
static const char *path_of(cnn_trace *t, const cnn_module *module)
{
    if (!module || module == t->root) {
        return "";
    }
    const cnn_module *parent = module->parent;
    const cnn__state state = { .root = t->root, .owner = parent, .leaf = parent->children.items[module->index].name };
    size_t size = cnn__state_name(&state, NULL, 0) + 1;
    char *path = trace_take(t, 1, size);
    if (path) {
        cnn__state_name(&state, path, size);
    }
    return path;
}

static bool copy_node(cnn_trace *t, int i, const cnn__node *node)
{
    cnn_trace_node *to = &t->nodes[i];
    bool again = i && to[-1].module && to[-1].module == node->module;
    to->op = node->op->name;
    to->module = again || is_part(t, node->module) ? (cnn_module *)(uintptr_t)node->module : NULL;
    to->path = again ? to[-1].path : path_of(t, to->module);
    to->flops = node->work.flops;
    to->bytes = node->work.bytes;
    to->input_count = node->count;
    to->output_count = node->outputs;
    to->inputs = number_all(t, node->in, node->count);
    to->outputs = number_all(t, node->out, node->outputs);
    if (!to->path || !to->inputs || !to->outputs || !copy_attributes(t, to, node)) {
        return false;
    }
    for (int j = 0; j < node->outputs; j++) {
        cnn_trace_value *y = &t->values[to->outputs[j] < 0 ? 0 : to->outputs[j]];
        if (to->outputs[j] >= 0 && y->kind == CNN_VALUE_RESULT && y->node < 0) {
            y->node = i;
        }
    }
    return true;
}

/* ---- the whole ---- */

/* The inputs as results of no operation. */
static bool make_trace_inputs(cnn_tape *tape, const cnn_trace_input *inputs, int count, cnn_tensor **handles)
{
    static const cnn__op op = { .name = "trace_create" };
    cnn__call call = { .op = &op, .tape = tape, .ctx = cnn__step_of(tape)->ctx };
    for (int i = 0; i < count; i++) {
        const cnn_trace_input *x = &inputs[i];
        if (!x->left_out && !(handles[i] = cnn__result(&call, x->dtype, x->ndim, x->shape))) {
            return false;
        }
    }
    return true;
}

/* Makes the list of the step that has run. */
static bool trace_read(cnn_trace *t, cnn_tensor **inputs, int count, cnn_tensor **outputs)
{
    int most = count + t->output_count;
    for (const cnn__node *node = cnn__tape_last_node(t->tape); node; node = node->previous) {
        t->node_count++;
        most += node->count + node->outputs;
    }
    const cnn__node **list = trace_take(t, t->node_count, sizeof *list);
    t->nodes = trace_take(t, t->node_count, sizeof *t->nodes);
    t->values = trace_take(t, most, sizeof *t->values);
    t->outputs = trace_take(t, t->output_count, sizeof *t->outputs);
    t->state_count = cnn_module_state_count(t->root);
    t->state_numbers = trace_take(t, t->state_count, sizeof *t->state_numbers);
    t->state = cnn__state_begin(t->root);
    cnn__state_next(&t->state);
    if (!list || !t->nodes || !t->values || !t->outputs || !t->state_numbers) {
        return false;
    }
    int at = t->node_count;
    for (const cnn__node *node = cnn__tape_last_node(t->tape); node; node = node->previous) {
        list[--at] = node;
    }
    for (int i = 0; i < count; i++) {
        static const cnn_tensor none;
        int added = add_value(t, inputs[i] ? inputs[i] : &none, CNN_VALUE_INPUT, "");
        if (inputs[i]) {
            inputs[i]->uses = added + 1;
        }
    }
    bool done = true;
    for (int i = 0; done && i < t->node_count; i++) {
        done = copy_node(t, i, list[i]);
    }
    for (int j = 0; done && j < t->output_count; j++) {
        t->outputs[j] = number(t, outputs[j]);
    }
    return done && cnn__step_of(t->tape)->status == CNN_OK; /* a name may have found no memory */
}

static cnn_trace *trace_run(cnn_tape *tape, cnn_module *module, const cnn_trace_input *inputs, int count,
                            const cnn_trace_options *options)
{
    if (cnn__tape_begin_trace(tape, options->training ? CNN_TRAIN_NO_GRAD : CNN_EVAL) != CNN_OK) {
        return NULL;
    }
    cnn_trace *t = cnn__tape_arena(tape, sizeof *t);
    if (!t) {
        return NULL;
    }
    *t = (cnn_trace){ .tape = tape, .root = module, .output_count = options->output_count };
    cnn_tensor **handles = trace_take(t, count + t->output_count, sizeof *handles);
    bool done = handles && make_trace_inputs(tape, inputs, count, handles) &&
                cnn_forward_many(tape, module, handles, count, handles + count, t->output_count) == CNN_OK &&
                trace_read(t, handles, count, handles + count);
    return done ? t : NULL;
}

cnn_trace *cnn_trace_create(cnn_module *module, const cnn_trace_input *inputs, int count,
                            const cnn_trace_options *options)
{
    const char *call = "trace_create";
    cnn_context *ctx = module ? module->ctx : NULL;
    cnn_trace_options given;
    if (!module || count < 0 || (count && !inputs)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call,
                  !module     ? "module is NULL"
                  : count < 0 ? "count is negative"
                              : "inputs is NULL");
        return NULL;
    }
    if (CNN__OPTIONS_READ(ctx, call, &given, options) != CNN_OK) {
        return NULL;
    }
    given.output_count = given.output_count ? given.output_count : 1;
    if (given.output_count < 0) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: output_count is %d, expected at least 1", call,
                  given.output_count);
        return NULL;
    }
    cnn__begun begun = cnn__begun_get();
    int cancel = cnn__cancel_defer(); /* a step begins while the tape is held */
    cnn_tape *tape = cnn_tape_new(ctx);
    cnn_trace *trace = tape ? trace_run(tape, module, inputs, count, &given) : NULL;
    cnn__begun_set(begun);
    if (trace) {
        cnn__tape_trace_made(tape);
    } else if (tape) {
        cnn_tape_free(tape);
    }
    cnn__cancel_restore(cancel);
    return trace;
}

void cnn_trace_free(cnn_trace *trace)
{
    if (trace) {
        cnn_tape_free(trace->tape);
    }
}

/* ---- asking ---- */

const cnn__ran *cnn__trace_ran(const cnn_trace *trace)
{
    return cnn__step_of(trace->tape)->ran;
}

/* Whether there is a thing of that number; what is wrong with the question is reported. */
static bool is_there(const cnn_trace *trace, const char *call, int i, size_t count_at)
{
    if (!trace || i < 0) {
        cnn__fail(trace ? cnn__step_of(trace->tape)->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT,
                  trace ? "%s: number %d, expected 0 or more" : "%s: trace is NULL", call, i);
        return false;
    }
    return i < *(const int *)(const void *)((const char *)trace + count_at);
}

const cnn_trace_node *cnn_trace_get_node(const cnn_trace *trace, int i)
{
    return is_there(trace, "trace_get_node", i, offsetof(cnn_trace, node_count)) ? &trace->nodes[i] : NULL;
}

const cnn_trace_value *cnn_trace_get_value(const cnn_trace *trace, int i)
{
    return is_there(trace, "trace_get_value", i, offsetof(cnn_trace, value_count)) ? &trace->values[i] : NULL;
}

int cnn_trace_get_output(const cnn_trace *trace, int i)
{
    return is_there(trace, "trace_get_output", i, offsetof(cnn_trace, output_count)) ? trace->outputs[i] : -1;
}
