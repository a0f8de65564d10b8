/* Running a module. What its forward made on the tape is dropped when it returns, except the result, so that only
 * what backward needs stays alive; a module is not changed by it. While it runs its thread knows it: a failure is
 * told with the module's path, and operations on the module's own parameters find the tape. */
#include "nn/forward.h"

#include <string.h>

/* ---- where a failure happened ---- */

static bool is_below(const cnn_module *module, const cnn_module *root)
{
    while (module && module != root) {
        module = module->parent;
    }
    return module != NULL;
}

static const char *name_of(const cnn_module *module)
{
    return module->parent->children.items[module->index].name;
}

/* The names between the outermost running module that this one is below, and this one; of a path that would fill
 * more than half of the text, only its end. Written from the back, because the way up is what a module knows. */
static void write_path(const cnn__running *running, char *text, size_t size)
{
    const cnn_module *root = running->module;
    for (const cnn__running *r = running; r; r = r->outer) {
        root = r->module && is_below(running->module, r->module) ? r->module : root;
    }
    size_t length = 0; /* with a '.' or ':' behind each name */
    const cnn_module *top = running->module;
    while (top != root && length + strlen(name_of(top)) + 1 <= size / 2) {
        length += strlen(name_of(top)) + 1;
        top = top->parent;
    }
    char *end = text + length;
    memcpy(end, length ? " " : "", length ? 2 : 1);
    for (const cnn_module *m = running->module; m != top; m = m->parent) {
        *--end = m == running->module ? ':' : '.';
        end -= strlen(name_of(m));
        memcpy(end, name_of(m), strlen(name_of(m)));
    }
}

/* The mode is that of the nearest module upwards which has one of its own, or else what runs it. */
bool cnn__module_training(const cnn_module *module, const cnn_tape *tape)
{
    while (module && module->mode == CNN_MODULE_FOLLOWS_STEP) {
        module = module->parent;
    }
    return module ? module->mode == CNN_MODULE_TRAINS : cnn_tape_training(tape);
}

/* The module as the profile knows it, and all above it, by their names. */
static const cnn__profiled_module *known_to(cnn_profile *profile, const cnn_module *module)
{
    const cnn__profiled_module *known = cnn__profile_find(profile, module);
    if (known) {
        return known;
    }
    const cnn__profiled_module *parent = module->parent ? known_to(profile, module->parent) : NULL;
    return cnn__profile_add(profile, module, parent, parent ? name_of(module) : "", cnn_module_type(module));
}

/* In the arena, because almost no forward is recorded. NULL: it is not, because nothing is computed, or there is no
 * memory. */
static __attribute__((noinline)) cnn__profile_frame *frame_of_forward(const cnn_module *module, cnn_tape *tape)
{
    cnn__profile_frame *frame = cnn__tape_tracing(tape) ? NULL : cnn__tape_arena(tape, sizeof *frame);
    if (frame) {
        cnn__profile_enter(frame, module->ctx->profile, known_to(module->ctx->profile, module), false);
    }
    return frame;
}

void cnn__forward_enter(cnn__running *running, const cnn_module *module, cnn_tape *tape)
{
    *running = (cnn__running){ .tape = tape,
                               .part = "the forward of",
                               .name = cnn_module_type(module),
                               .module = module,
                               .training = cnn__module_training(module, tape),
                               .frame = module->ctx->profile ? frame_of_forward(module, tape) : NULL,
                               .path = write_path };
    cnn__running_enter(running);
}

/* The parameters of a module whose forward was not carried out, or not to its end, belong to the failed step. A
 * module that runs it as a part of itself is about to fail too, with all its parts. */
static void forward_blame(cnn_tape *tape, const cnn_module *module)
{
    const cnn__running *outer = cnn__running_now();
    if (!module || !tape || (outer && outer->tape == tape && outer->module && is_below(module, outer->module))) {
        return;
    }
    for (cnn__state s = cnn__state_begin(module); cnn__state_next(&s);) {
        if (s.is_parameter) {
            cnn__tape_blame(tape, s.tensor);
        }
    }
}

/* ---- how it behaves ---- */

cnn_status cnn_module_set_mode(cnn_module *module, cnn_module_mode mode)
{
    if (!module || (int)mode < CNN_MODULE_FOLLOWS_STEP || mode > CNN_MODULE_TRAINS) {
        return cnn__fail(module ? module->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "module_set_mode: %s",
                         module ? "the mode is none of cnn_module_mode" : "module is NULL");
    }
    module->mode = mode;
    return CNN_OK;
}

cnn_module_mode cnn_module_get_mode(const cnn_module *module)
{
    if (!module) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "module_get_mode: module is NULL");
        return CNN_MODULE_FOLLOWS_STEP;
    }
    return module->mode;
}

/* ---- running ---- */

/* What a forward of the user's may hand back by mistake. */
static cnn_status check_result(const cnn_module *module, const cnn_tape *tape, uint64_t generation, const cnn_tensor *y)
{
    const char *type = cnn_module_type(module);
    cnn_context *ctx = module->ctx;
    if (cnn__step_of(tape)->generation != generation) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "forward: %s began another step on the tape of its input", type);
    }
    if (!y) {
        return cnn__fail(ctx, CNN_ERROR_CALLBACK, "forward: %s returned NULL, expected a tensor", type);
    }
    if (y->kind == CNN__TENSOR_PLAIN || (y->kind == CNN__TENSOR_TAPE && y->tape != tape)) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "forward: %s returned a tensor on %s, expected a result of this step",
                         type, y->kind == CNN__TENSOR_PLAIN ? "no tape" : "another tape");
    }
    return cnn__tensor_check_current(y, "forward");
}

/* Calls the class: the form that it has serves calls of the other form, if they pass one tensor and want one. */
static cnn_status call_forward(cnn_module *module, cnn_tensor *const *inputs, int input_count, cnn_tensor **outputs,
                               int output_count)
{
    const cnn__module_class *class = module->class;
    bool one = input_count == 1 && output_count == 1;
    if (class->forward && (one || !class->forward_many)) {
        if (!one || !inputs[0]) {
            return cnn__fail(module->ctx, CNN_ERROR_INVALID_ARGUMENT,
                             "forward: %s takes one tensor and returns one, given %d%s and asked for %d",
                             cnn_module_type(module), input_count, one ? " that is NULL" : "", output_count);
        }
        outputs[0] = class->forward(module, inputs[0]);
        return CNN_OK;
    }
    return class->forward_many(module, inputs, input_count, outputs, output_count);
}

/* Drops what the forward made, except its results. */
static void keep_results(cnn_tape *tape, cnn__mark mark, cnn_tensor *const *outputs, int count)
{
    for (int i = 0; i < count - 1; i++) {
        outputs[i]->kept_by_forward++;
    }
    cnn__tape_drop_since(tape, mark, count ? outputs[count - 1] : NULL);
    for (int i = 0; i < count - 1; i++) {
        outputs[i]->kept_by_forward--;
    }
}

/* A class that failed without failing the step is told of by the status that it returned. */
static void check_forward(const cnn_module *module, cnn_tape *tape, uint64_t generation, cnn_status status,
                          unsigned long failures, cnn_tensor *const *outputs, int count)
{
    for (int i = 0; status == CNN_OK && i < count; i++) {
        status = check_result(module, tape, generation, outputs[i]);
    }
    if (status != CNN_OK && cnn__step_of(tape)->status == CNN_OK) {
        bool told = cnn__failure_number() != failures && cnn__failure_status() == status;
        cnn__tape_fail(tape, told ? status : CNN_ERROR_CALLBACK, told ? "%s" : "forward: %s returned %s",
                       told ? cnn__failure_message() : cnn_module_type(module), cnn_status_name(status));
    }
}

/* Notes in a step that traces that the module has run. false: no memory, the tape has failed. */
static bool note_forward(const cnn_module *module, cnn_tape *tape, cnn_tensor *const *outputs, int count)
{
    cnn__ran *ran = cnn__tape_arena(tape, sizeof *ran);
    if (ran) {
        *ran = (cnn__ran){ cnn__step_of(tape)->ran, module, count ? outputs[0] : NULL };
        cnn__step_of(tape)->ran = ran;
    }
    return ran != NULL;
}

static bool forward_run(cnn_module *module, cnn_tape *tape, cnn_tensor *const *inputs, int input_count,
                        cnn_tensor **outputs, int output_count)
{
    uint64_t generation = cnn__step_of(tape)->generation;
    unsigned long failures = cnn__failure_number();
    cnn__mark mark = cnn__tape_mark(tape);
    cnn__running running;
    cnn__forward_enter(&running, module, tape);
    cnn_status status = call_forward(module, inputs, input_count, outputs, output_count);
    if (cnn__step_of(tape)->status == CNN_OK) {
        check_forward(module, tape, generation, status, failures, outputs, output_count);
    }
    cnn__running_leave(&running);
    if (cnn__step_of(tape)->status != CNN_OK) {
        return false;
    }
    keep_results(tape, mark, outputs, output_count);
    return !cnn__tape_tracing(tape) || note_forward(module, tape, outputs, output_count);
}

static bool forward_check_input(cnn_tape *tape, const cnn_module *module, const cnn_tensor *x)
{
    if (x->kind == CNN__TENSOR_NIL) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "forward: the input of %s is the result of a failed operation",
                       cnn_module_type(module));
    } else if (cnn__tensor_check_current(x, "forward") != CNN_OK) {
        cnn__tape_fail(tape, cnn__failure_status(), "%s", cnn__failure_message());
    } else if (x->ctx != module->ctx) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "forward: the input is of another context than %s",
                       cnn_module_type(module));
    }
    return cnn__step_of(tape)->status == CNN_OK;
}

static bool forward_on(cnn_tape *tape, cnn_module *module, cnn_tensor *const *inputs, int input_count,
                       cnn_tensor **outputs, int output_count)
{
    bool ready = cnn__step_of(tape)->status == CNN_OK;
    if (ready && !module) {
        cnn__tape_fail(tape, CNN_ERROR_INVALID_ARGUMENT, "forward: module is NULL");
        ready = false;
    }
    for (int i = 0; ready && i < input_count; i++) {
        ready = !inputs[i] || forward_check_input(tape, module, inputs[i]);
    }
    bool done = ready && forward_run(module, tape, inputs, input_count, outputs, output_count);
    for (int i = 0; !done && i < output_count; i++) {
        outputs[i] = cnn__tape_nil(tape);
    }
    if (!done) {
        forward_blame(tape, module);
    }
    return done;
}

/* The input is on no tape: the step fails that this call counts for. */
static cnn_tensor *forward_refuse(const cnn_module *module, const cnn_tensor *x)
{
    bool plain = x && x->kind == CNN__TENSOR_PLAIN;
    cnn_tape *tape = cnn__current_tape(plain ? x->ctx : module ? module->ctx : NULL);
    cnn_tensor *nil = cnn__tape_nil(tape);
    if (!module) {
        cnn__found_fail(tape, plain ? x->ctx : NULL, CNN_ERROR_INVALID_ARGUMENT, "forward: module is NULL");
    } else if (plain) {
        cnn__found_fail(tape, x->ctx, CNN_ERROR_STATE,
                        "forward: the input of %s is on no tape, expected one from cnn_input()",
                        cnn_module_type(module));
    } else if (x && x->kind == CNN__TENSOR_NIL && tape) {
        cnn__tape_fail(tape, CNN_ERROR_STATE, "forward: the input of %s is the result of a failed operation",
                       cnn_module_type(module));
    } else if (!x || x->kind != CNN__TENSOR_NIL) {
        cnn__tensor_check(x, "forward");
        cnn__found_fail(tape, NULL, cnn__failure_status(), "%s", cnn__failure_message());
    }
    forward_blame(tape, module);
    return nil;
}

cnn_tensor *cnn_forward(cnn_module *module, cnn_tensor *x)
{
    cnn_tape *running = cnn__running_tape();
    if (running && x && x->kind == CNN__TENSOR_PLAIN && x->ctx == cnn__step_of(running)->ctx) {
        x = cnn_input(running, x);
    }
    bool on_tape = x && (x->kind == CNN__TENSOR_TAPE || x->kind == CNN__TENSOR_NIL) && x->tape;
    cnn_tensor *y = NULL;
    if (!on_tape) {
        return forward_refuse(module, x);
    }
    forward_on(x->tape, module, &x, 1, &y, 1);
    return y;
}

/* Plain tensors become inputs of the step. NULL: no memory, the tape has failed. */
static cnn_tensor **forward_enter(cnn_tape *tape, cnn_tensor *const *inputs, int count)
{
    cnn_tensor **entered = cnn__tape_arena(tape, ((size_t)count + 1) * sizeof *entered);
    for (int i = 0; entered && i < count; i++) {
        bool plain = inputs[i] && inputs[i]->kind == CNN__TENSOR_PLAIN;
        entered[i] = plain ? cnn_input(tape, inputs[i]) : inputs[i];
    }
    return entered;
}

cnn_status cnn_forward_many(cnn_tape *tape, cnn_module *module, cnn_tensor *const *inputs, int input_count,
                            cnn_tensor **outputs, int output_count)
{
    for (int i = 0; outputs && i < output_count; i++) {
        outputs[i] = cnn__tape_nil(tape);
    }
    const cnn_context *ctx = tape ? cnn__step_of(tape)->ctx : module ? module->ctx : NULL;
    if (!tape || input_count < 0 || output_count < 0 || (input_count && !inputs) || (output_count && !outputs)) {
        cnn__found_fail(tape, ctx, CNN_ERROR_INVALID_ARGUMENT, "forward: %s",
                        !tape                      ? "tape is NULL"
                        : input_count && !inputs   ? "inputs is NULL"
                        : output_count && !outputs ? "outputs is NULL"
                                                   : "a count is negative");
        return tape ? cnn__step_report(tape) : CNN_ERROR_INVALID_ARGUMENT;
    }
    if (cnn__step_of(tape)->generation == 0) {
        return cnn__fail(ctx, CNN_ERROR_STATE, "forward: the tape has no step yet, expected cnn_tape_begin() first");
    }
    cnn_tensor **entered = cnn__step_of(tape)->status == CNN_OK ? forward_enter(tape, inputs, input_count) : NULL;
    bool done = forward_on(tape, module, entered, entered ? input_count : 0, outputs, output_count);
    return done ? CNN_OK : cnn__step_report(tape);
}
