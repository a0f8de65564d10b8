/* cnn convert: all tensors of a file, or some, in another format. The target is replaced as a whole or not at all. */
#include "command.h"
#include "onnx.h"
#include "tensors.h"

#include "common/say.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct convert_options {
    const char *prefix, *tensor, *into;
    bool compress, json;
} convert_options;

static bool take(void *options, int letter, const char *value)
{
    convert_options *o = options;
    switch (letter) {
    case 'p': o->prefix = value; break;
    case 't': o->tensor = value; break;
    case 'i': o->into = value; break;
    case 'c': o->compress = true; break;
    default: o->json = true; break;
    }
    return true;
}

typedef struct chosen {
    const char **names;
    cnn_tensor **all;
    int count;
    int64_t bytes;
} chosen;

/* The name that a tensor gets; NULL if it is not wanted. */
static const char *wanted(const convert_options *o, const char *name)
{
    size_t length = o->prefix ? strlen(o->prefix) : 0;
    if (o->tensor && strcmp(name, o->tensor) != 0) {
        return NULL;
    }
    return strncmp(name, o->prefix ? o->prefix : "", length) == 0 ? name + length : NULL;
}

static bool choose(const convert_options *o, tensors *t, chosen *c)
{
    c->names = calloc((size_t)t->count + 1, sizeof *c->names);
    c->all = calloc((size_t)t->count + 1, sizeof *c->all);
    if (!c->names || !c->all) {
        say("cnn convert: no memory for %d tensors", t->count);
        return false;
    }
    for (int i = 0; i < t->count; i++) {
        const char *name = wanted(o, t->info[i].name);
        if (!name) {
            continue;
        }
        c->names[c->count] = name;
        c->all[c->count] = tensors_read(t, i);
        if (!c->all[c->count]) {
            return false;
        }
        c->bytes += cnn_tensor_numel(c->all[c->count]) * (int64_t)cnn_dtype_size(cnn_tensor_dtype(c->all[c->count]));
        c->count++;
    }
    if (c->count > 0 && o->prefix && c->names[0][0] == '.') { /* names that no module has */
        say("cnn convert: %s: \"%s\" is followed by a dot, expected --prefix %s.", t->path, o->prefix, o->prefix);
        return false;
    }
    if (c->count == 0 && (o->tensor || o->prefix)) {
        say(o->tensor ? "cnn convert: %s: no tensor is named \"%s\""
                      : "cnn convert: %s: no tensor has a name that begins with \"%s\"",
            t->path, o->tensor ? o->tensor : o->prefix);
        return false;
    }
    return true;
}

static bool write_chosen(const convert_options *o, const tensors *t, const chosen *c, const format *to,
                         const char *path)
{
    if (strcmp(to->name, "npy") == 0 && c->count != 1) {
        say("cnn convert: %s: %d tensors, expected one for a .npy file; choose it with --tensor", t->path, c->count);
        return false;
    }
    if (o->into) {
        if (!onnx_write_copy(o->into, path, c->names, c->all, c->count)) {
            return false;
        }
    } else if (to->save(c->names, c->all, c->count, path, o->compress) != CNN_OK) {
        say("cnn: %s", cnn_last_error(NULL));
        return false;
    }
    if (o->json) {
        fputs("{\"from\": ", stdout);
        json_string(t->path);
        fputs(", \"to\": ", stdout);
        json_string(path);
        printf(", \"format\": \"%s\", \"tensors\": %d, \"bytes\": %" PRId64 "}\n", to->name, c->count, c->bytes);
    }
    return true;
}

int run_convert(const command *self, int argc, char **argv)
{
    static const struct option table[] = { { "prefix", required_argument, NULL, 'p' },
                                           { "tensor", required_argument, NULL, 't' },
                                           { "into", required_argument, NULL, 'i' },
                                           { "compress", no_argument, NULL, 'c' },
                                           { "json", no_argument, NULL, 'j' },
                                           { "help", no_argument, NULL, 'h' },
                                           { NULL, 0, NULL, 0 } };
    convert_options o = { 0 };
    char *paths[2];
    tensors t;
    chosen c = { 0 };
    int status = command_read(self, argc, argv, "+:p:t:i:cjh", table, take, &o, paths, 2);
    if (status >= 0) {
        return status;
    }
    const format *to = format_of_path(paths[1]);
    if (!to) {
        return STATUS_USAGE;
    }
    if (to->save && o.into) {
        say("cnn convert: --into is %s, but %s does not end with .onnx", o.into, paths[1]);
        return STATUS_USAGE;
    }
    if (!to->save && !o.into) {
        say("cnn convert: %s is written as a copy of a model, expected --into MODEL", paths[1]);
        return STATUS_USAGE;
    }
    cnn_context *ctx = cnn_context_new(.threads = 1, .device = "cpu");
    if (!ctx) {
        say("cnn: %s", cnn_last_error(NULL));
        return STATUS_FAILED;
    }
    bool good = tensors_open(&t, ctx, paths[0]);
    if (good) {
        good = choose(&o, &t, &c) && write_chosen(&o, &t, &c, to, paths[1]);
        for (int i = 0; i < c.count; i++) {
            cnn_tensor_free(c.all[i]);
        }
        free(c.names);
        free(c.all);
        tensors_close(&t);
    }
    cnn_context_free(ctx);
    return good ? command_flush() : STATUS_FAILED;
}
