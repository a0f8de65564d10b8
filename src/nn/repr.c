/* A tree of modules as text, as PyTorch's repr: a child a line, indented by two spaces, its braces closed after its
 * own. */
#include "nn/module.h"

#include <stdio.h>
#include <string.h>

/* Text that is measured whole and written as far as it fits. */
typedef struct text {
    char *buffer;
    size_t size, length;
} text;

static void repr_put(text *t, const char *string)
{
    for (; *string; string++) {
        if (t->length + 1 < t->size) {
            t->buffer[t->length] = *string;
        }
        t->length++;
    }
}

/* A name that was given, which may hold anything. */
static void put_name(text *t, const char *name)
{
    char unit[CNN__ESCAPE];
    while (*name) {
        cnn__escape_next(&name, unit);
        repr_put(t, unit);
    }
}

static void indent(text *t, int levels)
{
    repr_put(t, "\n");
    for (int i = 0; i < levels; i++) {
        repr_put(t, "  ");
    }
}

/* "Conv2d(1, 32, …", still open. */
static void open(text *t, const cnn_module *module)
{
    char extra[512] = "";
    put_name(t, cnn_module_type(module));
    repr_put(t, "(");
    if (module->class->describe) {
        module->class->describe(module, extra, sizeof extra);
        repr_put(t, extra);
    }
}

static void write_tree(text *t, const cnn_module *root)
{
    int level = 0;
    const cnn_module *module = root;
    open(t, module);
    for (;;) {
        const cnn_module *next = cnn__module_next(root, module);
        const cnn_module *up = next ? next->parent : NULL;
        if (module->children.count == 0) {
            repr_put(t, ")");
            /* Close every ancestor whose last child this was. */
            for (const cnn_module *m = module; m != root && m->parent != up; m = m->parent) {
                indent(t, --level);
                repr_put(t, ")");
            }
        } else {
            level++;
        }
        if (!next) {
            return;
        }
        indent(t, level);
        repr_put(t, "(");
        put_name(t, up->children.items[next->index].name);
        repr_put(t, "): ");
        open(t, next);
        module = next;
    }
}

size_t cnn_module_format(const cnn_module *module, char *buffer, size_t size)
{
    text t = { buffer, buffer ? size : 0, 0 };
    if (!module) {
        cnn__fail(NULL, CNN_ERROR_INVALID_ARGUMENT, "module_format: module is NULL");
    } else {
        write_tree(&t, module);
    }
    if (t.size) {
        CNN__KNOWN(buffer != NULL);
        buffer[t.length < t.size ? t.length : t.size - 1] = '\0';
    }
    return t.length;
}
