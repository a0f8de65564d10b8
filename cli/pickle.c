/* A stack machine for pickles of protocols 2 to 5. Each step reads at least one byte and makes at most one value, so
 * that time and memory are bounded by the size of the pickle. */
#include "pickle.h"

#include "common/say.h"

#include <stdlib.h>
#include <string.h>

/* ---- the globals ---- */

typedef enum rule {
    RULE_DICT,    /* called: a new dictionary */
    RULE_TENSOR,  /* called: a tensor of its storage, offset, shape and strides */
    RULE_FIRST,   /* called: its first argument, such as the tensor of a parameter */
    RULE_STORAGE, /* not called: the dtype of a storage */
    RULE_NOTHING  /* called or not, it is of no interest */
} rule;

static const struct {
    const char *module, *name;
    rule rule;
} globals[] = {
    { "collections", "OrderedDict", RULE_DICT },
    { "torch._utils", "_rebuild_tensor_v2", RULE_TENSOR },
    { "torch._utils", "_rebuild_parameter", RULE_FIRST },
    { "torch", "Size", RULE_FIRST },
    { "torch", "device", RULE_NOTHING },
    { "torch.serialization", "_get_layout", RULE_NOTHING },
    { "torch", "FloatStorage", RULE_STORAGE },
    { "torch", "DoubleStorage", RULE_STORAGE },
    { "torch", "HalfStorage", RULE_STORAGE },
    { "torch", "BFloat16Storage", RULE_STORAGE },
    { "torch", "LongStorage", RULE_STORAGE },
    { "torch", "IntStorage", RULE_STORAGE },
    { "torch", "ShortStorage", RULE_STORAGE },
    { "torch", "CharStorage", RULE_STORAGE },
    { "torch", "ByteStorage", RULE_STORAGE },
    { "torch", "BoolStorage", RULE_STORAGE },
    { "torch", "ComplexFloatStorage", RULE_STORAGE },
    { "torch", "ComplexDoubleStorage", RULE_STORAGE },
};
enum { GLOBALS = sizeof globals / sizeof *globals };

const pickle_storage *pickle_storage_of(const value *storage)
{
    static const pickle_storage known[] = {
        { "FloatStorage", "float32", 4 },
        { "DoubleStorage", "float64", 8 },
        { "HalfStorage", "float16", 2 },
        { "BFloat16Storage", "bfloat16", 2 },
        { "LongStorage", "int64", 8 },
        { "IntStorage", "int32", 4 },
        { "ShortStorage", "int16", 2 },
        { "CharStorage", "int8", 1 },
        { "ByteStorage", "uint8", 1 },
        { "BoolStorage", "bool", 1 },
        { "ComplexFloatStorage", "complex64", 8 },
        { "ComplexDoubleStorage", "complex128", 16 },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].global, globals[storage->elements[0]->number].name) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

/* ---- values ---- */

static bool bad(const pickle *p, const char *what)
{
    say("cnn: %s: byte %zu of data.pkl: %s", p->path, p->at, what);
    return false;
}

/* Doubles an array that is full. */
static bool grow(const pickle *p, value ***array, size_t count, size_t *room)
{
    if (count < *room) {
        return true;
    }
    size_t more = *room ? 2 * *room : 8;
    value **moved = realloc(*array, more * sizeof **array);
    if (!moved) {
        return bad(p, "no memory");
    }
    *array = moved;
    *room = more;
    return true;
}

/* Values never move, because others point to them. */
enum { CHUNK = 128, MOST_VALUES = 1 << 23, MOST_RANK = 64 };
struct pickle_chunk {
    struct pickle_chunk *next;
    size_t count;
    value values[CHUNK];
};

static value *make(pickle *p, value_kind kind)
{
    if (p->made == MOST_VALUES) {
        bad(p, "more values than are read");
        return NULL;
    }
    p->made++;
    if (!p->chunks || p->chunks->count == CHUNK) {
        struct pickle_chunk *chunk = calloc(1, sizeof *chunk);
        if (!chunk) {
            bad(p, "no memory");
            return NULL;
        }
        chunk->next = p->chunks;
        p->chunks = chunk;
    }
    value *v = &p->chunks->values[p->chunks->count++];
    v->kind = kind;
    return v;
}

static bool append(const pickle *p, value *to, value *v)
{
    return grow(p, &to->elements, to->count, &to->room) && (to->elements[to->count++] = v, true);
}

static bool push(pickle *p, value *v)
{
    return v && grow(p, &p->stack, p->depth, &p->stack_room) && (p->stack[p->depth++] = v, true);
}

static bool push_new(pickle *p, value_kind kind, int64_t number)
{
    value *v = make(p, kind);
    if (v) {
        v->number = number;
    }
    return push(p, v);
}

/* One that nothing is added to: None, booleans and marks are one byte each of a pickle. */
static bool push_same(pickle *p, value_kind kind, int64_t number)
{
    static value same[] = {
        { .kind = VALUE_NONE }, { .kind = VALUE_BOOL }, { .kind = VALUE_BOOL, .number = 1 }, { .kind = VALUE_MARK }
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (same[i].kind == kind && same[i].number == number) {
            return push(p, &same[i]);
        }
    }
    return push_new(p, kind, number);
}

/* The value on top, which is no mark; NULL, said, if there is none. */
static value *top(pickle *p)
{
    if (p->depth == 0 || p->stack[p->depth - 1]->kind == VALUE_MARK) {
        bad(p, "a value is missing on the stack");
        return NULL;
    }
    return p->stack[p->depth - 1];
}

static value *pop(pickle *p)
{
    value *v = top(p);
    p->depth -= v != NULL;
    return v;
}

/* How many values lie above the newest mark, which is then below them; -1, said, if there is none. */
static int64_t above_mark(pickle *p)
{
    for (size_t i = p->depth; i-- > 0;) {
        if (p->stack[i]->kind == VALUE_MARK) {
            return (int64_t)(p->depth - i - 1);
        }
    }
    bad(p, "a mark is missing on the stack");
    return -1;
}

/* Puts the last values of the stack into a sequence; `marked`: also takes the mark below them. */
static bool collect(pickle *p, value *to, int64_t count, bool marked)
{
    if (!to || count < 0 || (uint64_t)count + marked > p->depth) {
        return to && count >= 0 ? bad(p, "values are missing on the stack") : false;
    }
    for (int64_t i = count; i > 0; i--) {
        value *v = p->stack[p->depth - (size_t)i];
        if (v->kind == VALUE_MARK) {
            return bad(p, "values are missing on the stack");
        }
        if (!append(p, to, v)) {
            return false;
        }
    }
    p->depth -= (size_t)count + marked;
    return true;
}

static bool push_tuple(pickle *p, int64_t count, bool marked)
{
    value *tuple = count < 0 ? NULL : make(p, VALUE_SEQUENCE);
    return collect(p, tuple, count, marked) && push(p, tuple);
}

/* Adds what lies above the mark to the sequence or dictionary below it. */
static bool add_marked(pickle *p, value_kind kind)
{
    int64_t count = above_mark(p);
    if (count < 0 || (size_t)count + 2 > p->depth) {
        return count >= 0 && bad(p, "a container is missing on the stack");
    }
    value *to = p->stack[p->depth - (size_t)count - 2];
    if (to->kind != kind || (kind == VALUE_DICT && count % 2)) {
        return bad(p, "expected a container, and pairs for a dictionary");
    }
    return collect(p, to, count, true);
}

/* Adds the last `count` values to the container below them. */
static bool add(pickle *p, value_kind kind, size_t count)
{
    if (p->depth <= count || p->stack[p->depth - count - 1]->kind != kind) {
        return bad(p, "a container is missing on the stack");
    }
    return collect(p, p->stack[p->depth - count - 1], (int64_t)count, false);
}

/* ---- what the bytes say ---- */

static bool need(const pickle *p, uint64_t count)
{
    return count <= p->size - p->at || bad(p, "the pickle ends early");
}

/* A little-endian number of up to 8 bytes. */
static bool take(pickle *p, int bytes, uint64_t *n)
{
    if (!need(p, (uint64_t)bytes)) {
        return false;
    }
    *n = 0;
    for (int i = bytes; i-- > 0;) {
        *n = *n << 8 | p->bytes[p->at + (size_t)i];
    }
    p->at += (size_t)bytes;
    return true;
}

static bool push_int(pickle *p, int bytes)
{
    uint64_t n;
    if (!take(p, bytes, &n)) {
        return false;
    }
    return push_new(p, VALUE_INT, bytes == 4 ? (int64_t)(int32_t)(uint32_t)n : (int64_t)n);
}

/* A signed number of any length, of which 8 bytes are understood. */
static bool push_long(pickle *p)
{
    uint64_t length, n = 0;
    if (!take(p, 1, &length) || length > 8) {
        return bad(p, "an integer of more than 64 bits");
    }
    if (!take(p, (int)length, &n)) {
        return false;
    }
    if (length > 0 && length < 8 && n >> (8 * length - 1)) {
        n |= UINT64_MAX << 8 * length;
    }
    return push_new(p, VALUE_INT, (int64_t)n);
}

static bool push_string(pickle *p, int length_bytes)
{
    uint64_t length;
    if (!take(p, length_bytes, &length) || !need(p, length)) {
        return false;
    }
    value *v = make(p, VALUE_STRING);
    if (v) {
        v->text = (const char *)p->bytes + p->at;
        v->count = (size_t)length;
        p->at += (size_t)length;
    }
    return push(p, v);
}

static bool is_text(const value *v, const char *text)
{
    return v->kind == VALUE_STRING && v->count == strlen(text) && memcmp(v->text, text, v->count) == 0;
}

static bool push_global(pickle *p, const char *module, size_t module_length, const char *name, size_t length)
{
    for (int i = 0; i < GLOBALS; i++) {
        if (strlen(globals[i].module) == module_length && memcmp(globals[i].module, module, module_length) == 0 &&
            strlen(globals[i].name) == length && memcmp(globals[i].name, name, length) == 0) {
            return push_new(p, VALUE_GLOBAL, i);
        }
    }
    say("cnn: %s: byte %zu of data.pkl: it names %.*s.%.*s, which is not executed; save a state_dict() of tensors",
        p->path, p->at, module_length < 80 ? (int)module_length : 80, module, length < 80 ? (int)length : 80, name);
    return false;
}

/* Two lines: a module and a name in it. */
static bool take_global(pickle *p)
{
    const char *module = (const char *)p->bytes + p->at;
    const char *end = memchr(module, '\n', p->size - p->at);
    const char *name = end ? end + 1 : NULL;
    const char *last = name ? memchr(name, '\n', p->size - p->at - (size_t)(name - module)) : NULL;
    if (!last) {
        return bad(p, "the pickle ends early");
    }
    bool known = push_global(p, module, (size_t)(end - module), name, (size_t)(last - name));
    p->at += (size_t)(last + 1 - module);
    return known;
}

static bool stack_global(pickle *p)
{
    value *name = pop(p), *module = name ? pop(p) : NULL;
    if (!module || name->kind != VALUE_STRING || module->kind != VALUE_STRING) {
        return module && bad(p, "expected two strings for a global");
    }
    return push_global(p, module->text, module->count, name->text, name->count);
}

static bool put(pickle *p, uint64_t index)
{
    value *v = top(p);
    if (!v || index > p->size) { /* a pickle makes fewer values than it has bytes */
        return v && bad(p, "an entry of the memo is too far away");
    }
    if (index >= p->memo_size) {
        size_t more = index < 64 ? 128 : 2 * (size_t)index;
        value **moved = realloc(p->memo, more * sizeof *moved);
        if (!moved) {
            return bad(p, "no memory");
        }
        memset(moved + p->memo_size, 0, (more - p->memo_size) * sizeof *moved);
        p->memo = moved;
        p->memo_size = more;
    }
    p->memo[index] = v;
    p->memo_end = index >= p->memo_end ? (size_t)index + 1 : p->memo_end;
    return true;
}

static bool get(pickle *p, uint64_t index)
{
    return index < p->memo_size && p->memo[index] ? push(p, p->memo[index])
                                                  : bad(p, "nothing of that number in the memo");
}

/* ---- rules ---- */

static bool is_int(const value *v)
{
    return v->kind == VALUE_INT;
}

static bool all_ints(const value *v)
{
    for (size_t i = 0; v->kind == VALUE_SEQUENCE && i < v->count; i++) {
        if (!is_int(v->elements[i])) {
            return false;
        }
    }
    return v->kind == VALUE_SEQUENCE;
}

/* ("storage", global of the dtype, key, device, number of elements) */
static bool persistent(pickle *p)
{
    value *id = pop(p), *storage = id ? make(p, VALUE_STORAGE) : NULL;
    if (!storage) {
        return false;
    }
    if (id->kind != VALUE_SEQUENCE || id->count != 5 || !is_text(id->elements[0], "storage") ||
        id->elements[1]->kind != VALUE_GLOBAL || globals[id->elements[1]->number].rule != RULE_STORAGE ||
        id->elements[2]->kind != VALUE_STRING || !is_int(id->elements[4])) {
        return bad(p, "a storage that is not understood");
    }
    return append(p, storage, id->elements[1]) && append(p, storage, id->elements[2]) &&
           append(p, storage, id->elements[4]) && push(p, storage);
}

static bool call_tensor(pickle *p, const value *a)
{
    value *tensor = make(p, VALUE_TENSOR);
    if (!tensor) {
        return false;
    }
    if (a->count < 4 || a->elements[0]->kind != VALUE_STORAGE || !is_int(a->elements[1]) ||
        a->elements[2]->count > MOST_RANK || a->elements[2]->count != a->elements[3]->count ||
        !all_ints(a->elements[2]) || !all_ints(a->elements[3])) {
        return bad(p, "a tensor that is not understood");
    }
    for (int i = 0; i < 4; i++) {
        if (!append(p, tensor, a->elements[i])) {
            return false;
        }
    }
    return push(p, tensor);
}

static bool reduce(pickle *p)
{
    value *a = pop(p), *f = a ? pop(p) : NULL;
    if (!f || a->kind != VALUE_SEQUENCE || f->kind != VALUE_GLOBAL) {
        return f && bad(p, "a call that is not understood");
    }
    switch (globals[f->number].rule) {
    case RULE_DICT: return a->count == 0 ? push_new(p, VALUE_DICT, 0) : bad(p, "a dictionary that is not understood");
    case RULE_TENSOR: return call_tensor(p, a);
    case RULE_FIRST: return a->count > 0 ? push(p, a->elements[0]) : bad(p, "a call without arguments");
    case RULE_NOTHING: return push_new(p, VALUE_NONE, 0);
    default: return bad(p, "a call of what is no function");
    }
}

/* Attributes of a dictionary, such as _metadata, are of no interest. */
static bool build(pickle *p)
{
    value *state = pop(p), *to = state ? top(p) : NULL;
    return to && (to->kind == VALUE_DICT || bad(p, "attributes of what is no dictionary"));
}

/* ---- the machine ---- */

static bool step_number(pickle *p, unsigned char op, bool *known)
{
    uint64_t n;
    switch (op) {
    case 'K': return push_int(p, 1);
    case 'M': return push_int(p, 2);
    case 'J': return push_int(p, 4);
    case 0x8a: return push_long(p);
    case 'G': return take(p, 8, &n) && push_new(p, VALUE_FLOAT, 0);
    case 'X': return push_string(p, 4);
    case 'T': return push_string(p, 4);
    case 'B': return push_string(p, 4);
    case 0x8c: return push_string(p, 1);
    case 'U': return push_string(p, 1);
    case 'C': return push_string(p, 1);
    case 'q': return take(p, 1, &n) && put(p, n);
    case 'r': return take(p, 4, &n) && put(p, n);
    case 0x94: return put(p, p->memo_end); /* behind the last one */
    case 'h': return take(p, 1, &n) && get(p, n);
    case 'j': return take(p, 4, &n) && get(p, n);
    default: *known = false; return false;
    }
}

static bool step(pickle *p, unsigned char op)
{
    bool known = true, done = step_number(p, op, &known);
    uint64_t n;
    if (known) {
        return done;
    }
    switch (op) {
    case 0x80: return take(p, 1, &n) && (n <= 5 || bad(p, "a protocol past 5"));
    case 0x95: return take(p, 8, &n);
    case '(': return push_same(p, VALUE_MARK, 0);
    case 'N': return push_same(p, VALUE_NONE, 0);
    case 0x88: return push_same(p, VALUE_BOOL, 1);
    case 0x89: return push_same(p, VALUE_BOOL, 0);
    case '}': return push_new(p, VALUE_DICT, 0);
    case ']':
    case ')': return push_new(p, VALUE_SEQUENCE, 0);
    case 't': return push_tuple(p, above_mark(p), true);
    case 0x85: return push_tuple(p, 1, false);
    case 0x86: return push_tuple(p, 2, false);
    case 0x87: return push_tuple(p, 3, false);
    case 'a': return add(p, VALUE_SEQUENCE, 1);
    case 'e': return add_marked(p, VALUE_SEQUENCE);
    case 's': return add(p, VALUE_DICT, 2);
    case 'u': return add_marked(p, VALUE_DICT);
    case 'c': return take_global(p);
    case 0x93: return stack_global(p);
    case 'Q': return persistent(p);
    case 'R': return reduce(p);
    case 'b': return build(p);
    case '0': return pop(p) != NULL;
    default: break;
    }
    say("cnn: %s: byte %zu of data.pkl: operation 0x%02x of the pickle is not read", p->path, p->at - 1, op);
    return false;
}

value *pickle_load(pickle *p, const char *path, const unsigned char *bytes, size_t size)
{
    *p = (pickle){ .path = path, .bytes = bytes, .size = size };
    while (p->at < p->size) {
        unsigned char op = p->bytes[p->at++];
        if (op == '.') {
            return p->depth == 1 ? top(p) : (bad(p, "the pickle ends with a stack of another size than 1"), NULL);
        }
        if (!step(p, op)) {
            return NULL;
        }
    }
    bad(p, "the pickle does not end");
    return NULL;
}

void pickle_free(pickle *p)
{
    while (p->chunks) {
        struct pickle_chunk *chunk = p->chunks;
        for (size_t i = 0; i < chunk->count; i++) {
            free(chunk->values[i].elements);
        }
        p->chunks = chunk->next;
        free(chunk);
    }
    free(p->stack);
    free(p->memo);
    *p = (pickle){ 0 };
}
