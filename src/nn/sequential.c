/* torch.nn.Sequential. An intermediate result is dropped as soon as the next child has used it, so that evaluation
 * holds two activations at a time. A child may return its input itself (Dropout in evaluation): then nothing is
 * dropped yet. Children in a row for which the table of fusions has a pattern run as one operation. */
#include "autograd/tape.h"
#include "nn/fusion.h"

#include <stdio.h>

/* Layers in a row: children, or an array of the caller's. */
typedef struct row {
    const cnn__named *children; /* NULL: `modules` */
    cnn_module *const *modules;
    int count;
} row;

static cnn_module *module_at(const row *r, int i)
{
    return r->children ? r->children[i].module : r->modules[i];
}

/* Runs layer *i, or as many from it on as one operation does; *i is then the next. */
static cnn_tensor *run_next(const row *r, int *i, cnn_tensor *x)
{
    cnn__named next[CNN__FUSION_LONGEST];
    cnn_module *first = module_at(r, *i);
    cnn_tensor *y = NULL;
    int count = 0;
    for (; count < CNN__FUSION_LONGEST && *i + count < r->count; count++) {
        next[count].module = module_at(r, *i + count);
    }
    int taken = cnn__fusion_run(next, count, x, &y);
    *i += taken ? taken : 1;
    return taken ? y : cnn_forward(first, x);
}

static cnn_tensor *run_row(const row *r, cnn_tensor *x)
{
    cnn_tape *tape = x->tape;
    cnn__mark made = cnn__tape_mark(tape); /* the place before `now`, unless that is x */
    cnn_tensor *now = x;
    for (int i = 0; i < r->count;) {
        cnn__mark before = cnn__tape_mark(tape);
        cnn_tensor *next = run_next(r, &i, now);
        if (next->kind != CNN__TENSOR_TAPE) {
            return next;
        }
        if (next != now) {
            if (now != x) {
                cnn__tape_drop_since(tape, made, next);
            }
            made = before;
            now = next;
        }
    }
    return now;
}

static cnn_tensor *sequential_forward(cnn_module *self, cnn_tensor *x)
{
    return run_row(&(row){ .children = self->children.items, .count = self->children.count }, x);
}

static const cnn__module_class sequential_class = { .type = "Sequential", .forward = sequential_forward };

static cnn_module *sequential_fail(cnn_module *sequential, cnn_module *const *children, int count)
{
    cnn__modules_free(children, count);
    cnn_module_free(sequential);
    return NULL;
}

cnn_module *cnn_sequential_create(cnn_context *ctx, cnn_module *const *children, int count)
{
    const char *call = "sequential_create";
    if (count < 0 || (count && !children)) {
        cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: %s", call, children ? "count is negative" : "children is NULL");
        return NULL;
    }
    cnn_module *sequential = cnn__module_new(ctx, call, &sequential_class, 0);
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        if (!children[i] && cnn__failure_status() == CNN_OK) {
            cnn__fail(ctx, CNN_ERROR_INVALID_ARGUMENT, "%s: child %d is NULL", call, i);
        }
        if (!sequential || !children[i] || cnn__module_attach(sequential, call, name, children[i]) != CNN_OK) {
            return sequential_fail(sequential, children, count);
        }
    }
    return sequential;
}

/* ---- modules of a forward of the user's ---- */

/* What is wrong with the modules themselves; "": nothing. */
static const char *chain_flaw(cnn_module *const *modules, int count, char text[48])
{
    if (!modules) {
        return "modules is NULL";
    }
    if (count < 1) {
        cnn__message(text, 48, "count is %d, expected at least 1", count);
        return text;
    }
    for (int i = 0; i < count; i++) {
        if (!modules[i]) {
            cnn__message(text, 48, "modules[%d] is NULL", i);
            return text;
        }
    }
    return "";
}

static cnn_tensor *chain_refuse(const cnn_tensor *x, const char *flaw)
{
    bool on_tape = x && (x->kind == CNN__TENSOR_TAPE || x->kind == CNN__TENSOR_NIL) && x->tape;
    const cnn_context *ctx = x && x->kind == CNN__TENSOR_PLAIN ? x->ctx : NULL;
    return cnn__found_fail(on_tape ? x->tape : cnn__current_tape(ctx), ctx, CNN_ERROR_INVALID_ARGUMENT,
                           "forward_chain: %s", flaw);
}

cnn_tensor *cnn_forward_chain(cnn_module *const *modules, int count, cnn_tensor *x)
{
    const row r = { .modules = modules, .count = count };
    char text[48];
    const char *flaw = chain_flaw(modules, count, text);
    if (*flaw) {
        return chain_refuse(x, flaw);
    }
    bool sound = x && x->kind == CNN__TENSOR_TAPE && cnn__tensor_check_current(x, "forward") == CNN_OK;
    for (int i = 0; sound && i < count; i++) {
        sound = modules[i]->ctx == x->ctx;
    }
    if (sound) {
        return run_row(&r, x);
    }
    for (int i = 0; i < count; i++) { /* one of them says what is wrong */
        x = cnn_forward(modules[i], x);
    }
    return x;
}
