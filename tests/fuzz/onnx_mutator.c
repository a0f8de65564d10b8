/* Changes an ONNX model field by field, so that the lengths of the messages around stay right: other names of operators
 * and attributes, other numbers, fields that are left out, doubled, or replaced by others of their kind. A mutator that
 * changes bytes alone seldom comes past the reading of messages.
 *
 * For libFuzzer it is linked to the harness; for AFL++ it is a shared object (AFL_CUSTOM_MUTATOR_LIBRARY). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What the messages are; a number or text is PLAIN. */
enum { PLAIN, MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, VALUE, TYPE, TENSOR_TYPE, SHAPE, DIM, OPSET, FUNCTION, ENTRY };
enum { VARINT = 0, EIGHT = 1, LENGTH = 2, FOUR = 5 };
enum { MOST_FIELDS = 4096, MOST_DEPTH = 40, ROUNDS = 4, ROOM = 1 << 12 };

static const struct {
    unsigned char in, field, is;
} messages[] = {
    { MODEL, 7, GRAPH },     { MODEL, 8, OPSET },         { MODEL, 25, FUNCTION }, { GRAPH, 1, NODE },
    { GRAPH, 5, TENSOR },    { GRAPH, 11, VALUE },        { GRAPH, 12, VALUE },    { GRAPH, 13, VALUE },
    { NODE, 5, ATTRIBUTE },  { ATTRIBUTE, 5, TENSOR },    { ATTRIBUTE, 6, GRAPH }, { VALUE, 2, TYPE },
    { TYPE, 1, TENSOR_TYPE }, { TENSOR_TYPE, 2, SHAPE },  { SHAPE, 1, DIM },       { FUNCTION, 7, NODE },
    { FUNCTION, 9, OPSET },  { FUNCTION, 11, ATTRIBUTE }, { TENSOR, 13, ENTRY },
};

static const char *const operators[] = {
#define OPERATOR(text, ...) text,
#include "../../onnx/operators.def"
#undef OPERATOR
    "Constant",
};
static const char *const attributes[] = {
#define ATTRIBUTE(text) text,
#define TEXT(text)
#include "onnx_words.def"
#undef ATTRIBUTE
#undef TEXT
};
static const char *const texts[] = {
#define ATTRIBUTE(text)
#define TEXT(text) text,
#include "onnx_words.def"
#undef ATTRIBUTE
#undef TEXT
};
#define ONE_OF(words) ((words)[below((int)(sizeof(words) / sizeof *(words)))])

/* ---- random numbers ---- */

static uint64_t state = 1;

static uint32_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static int below(int count)
{
    return (int)(draw() % (uint32_t)count);
}

static uint64_t number(uint64_t was)
{
    static const uint64_t odd[] = { 0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 100, 255, 4096, 65536, 1u << 20, INT32_MAX, 1u << 31, UINT32_MAX,
                                    1ull << 40, INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 2, (uint64_t)INT32_MIN };
    switch (below(4)) {
    case 0: return was + 1;
    case 1: return was - 1;
    case 2: return (uint64_t)below(20);
    default: return ONE_OF(odd);
    }
}

/* ---- a model as a tree ---- */

typedef struct field {
    struct field *next, *first; /* its fields, where it is a message */
    const unsigned char *at;    /* its content, where it is none */
    size_t size;                /* the content's size */
    uint64_t value;
    uint32_t number;
    unsigned char type, is, in;
} field;

static field fields[MOST_FIELDS];
static int field_count;

static int kind_of(int in, uint32_t number)
{
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        if (messages[i].in == in && messages[i].field == number) {
            return messages[i].is;
        }
    }
    return PLAIN;
}

static bool read_number(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        unsigned char byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

/* False: the bytes are no message, or one of too many fields. */
static bool parse(int kind, const unsigned char *at, const unsigned char *end, field **first, int depth)
{
    field **link = first;
    *first = NULL;
    while (at < end) {
        uint64_t tag, length;
        if (field_count == MOST_FIELDS || depth == MOST_DEPTH || !read_number(&at, end, &tag)) {
            return false;
        }
        field *f = &fields[field_count++];
        *f = (field){ .number = (uint32_t)(tag >> 3), .type = tag & 7, .in = (unsigned char)kind };
        f->is = f->type == LENGTH ? (unsigned char)kind_of(kind, f->number) : PLAIN;
        f->size = f->type == EIGHT ? 8 : f->type == FOUR ? 4 : 0;
        if (f->type == VARINT ? !read_number(&at, end, &f->value)
                              : f->type == LENGTH ? !read_number(&at, end, &length) : f->size == 0) {
            return false;
        }
        f->size = f->type == LENGTH ? (size_t)length : f->size;
        if (f->size > (size_t)(end - at)) {
            return false;
        }
        f->at = at;
        at += f->size;
        *link = f;
        link = &f->next;
        if (f->is != PLAIN && !parse(f->is, f->at, at, &f->first, depth + 1)) {
            return false;
        }
    }
    return true;
}

static size_t number_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7) {
        size++;
    }
    return size;
}

static size_t size_of(field *first)
{
    size_t size = 0;
    for (field *f = first; f; f = f->next) {
        f->size = f->is != PLAIN ? size_of(f->first) : f->size;
        size += number_size((uint64_t)f->number << 3 | f->type) + (f->type == VARINT ? number_size(f->value) : f->size) +
                (f->type == LENGTH ? number_size(f->size) : 0);
    }
    return size;
}

static unsigned char *put_number(unsigned char *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        *to++ = (unsigned char)(value | 0x80);
    }
    *to++ = (unsigned char)value;
    return to;
}

/* Behind size_of(). */
static unsigned char *put(unsigned char *to, const field *first)
{
    for (const field *f = first; f; f = f->next) {
        to = put_number(to, (uint64_t)f->number << 3 | f->type);
        if (f->type == VARINT) {
            to = put_number(to, f->value);
            continue;
        }
        to = f->type == LENGTH ? put_number(to, f->size) : to;
        if (f->is != PLAIN) {
            to = put(to, f->first);
        } else if (f->size) {
            memcpy(to, f->at, f->size);
            to += f->size;
        }
    }
    return to;
}

/* ---- changes ---- */

/* Another field of the same place in the same kind of message, or itself; a name may come from inputs and outputs. */
static const field *alike(const field *f)
{
    int start = below(field_count);
    bool name = f->in == NODE && f->number <= 2;
    for (int i = 0; i < field_count; i++) {
        const field *other = &fields[(start + i) % field_count];
        if (other != f && other->in == f->in && other->type == f->type &&
            (other->number == f->number || (name && other->number <= 2))) {
            return other;
        }
    }
    return f;
}

/* Bytes that are changed where they lie: a copy, in room that the next call takes again. */
static unsigned char *scratch(const field *f)
{
    static unsigned char room[ROUNDS][ROOM];
    static int used;
    unsigned char *copy = room[used++ % ROUNDS];
    memcpy(copy, f->at, f->size);
    return copy;
}

static void change_content(field *f)
{
    const char *word = f->in == NODE && f->number == 4                ? ONE_OF(operators)
                       : f->in == ATTRIBUTE && f->number == 1         ? ONE_OF(attributes)
                       : f->in == ATTRIBUTE || f->in == ENTRY ? ONE_OF(texts)
                                                                      : NULL;
    if (word && below(4)) {
        f->at = (const unsigned char *)word;
        f->size = strlen(word);
    } else if (f->size && f->size <= ROOM) {
        unsigned char *copy = scratch(f);
        switch (below(3)) {
        case 0: copy[below((int)f->size)] ^= (unsigned char)(1 << below(8)); break;
        case 1: copy[below((int)f->size)] = (unsigned char)number(0); break;
        default:
            if (f->size >= 8) { /* an element of 64 bits */
                uint64_t value = number(0);
                memcpy(copy + (size_t)below((int)(f->size / 8)) * 8, &value, 8);
            } else {
                f->size = (size_t)below((int)f->size);
            }
        }
        f->at = copy;
    }
}

/* Links to fields, so that one can be taken out. */
static field **link_of(field **first, const field *wanted)
{
    for (field **link = first; *link; link = &(*link)->next) {
        field **inner = *link == wanted ? link : (*link)->is != PLAIN ? link_of(&(*link)->first, wanted) : NULL;
        if (inner) {
            return inner;
        }
    }
    return NULL;
}

static void change(field **root)
{
    field *f = &fields[below(field_count)], **link;
    switch (below(8)) {
    case 0: /* left out */
        link = link_of(root, f);
        if (link) {
            *link = f->next;
        }
        break;
    case 1: /* twice */
        if (field_count < MOST_FIELDS) {
            field *twin = &fields[field_count++];
            *twin = *f;
            f->next = twin;
        }
        break;
    case 2: { /* like another one */
        const field *other = alike(f);
        if (!(f->is != PLAIN && link_of(&((field *)(uintptr_t)other)->first, f))) { /* not of what it is in */
            f->at = other->at;
            f->size = other->size;
            f->value = other->value;
            f->first = other->first;
        }
        break;
    }
    default:
        if (f->is != PLAIN && f->first) { /* one of its fields */
            int steps = below(8);
            for (f = f->first; f->next && steps; f = f->next, steps--) {
            }
        }
        if (f->type == VARINT) {
            f->value = number(f->value);
        } else if (f->is == PLAIN) {
            change_content(f);
        }
    }
}

/* Writes a changed model to `to`; returns its size, or 0: the bytes are no model, or it has no room. */
static size_t mutate(const unsigned char *data, size_t size, unsigned char *to, size_t room)
{
    field *root;
    field_count = 0;
    if (!parse(MODEL, data, data + size, &root, 0) || !root) {
        return 0;
    }
    for (int rounds = 1 + below(ROUNDS); rounds; rounds--) {
        change(&root);
    }
    size_t changed = size_of(root);
    if (changed == 0 || changed > room) {
        return 0;
    }
    put(to, root);
    return changed;
}

#ifdef FUZZ_FOR_AFL

/* ---- AFL++ ---- */

typedef struct mutator {
    unsigned char *room;
    size_t size;
} mutator;

void *afl_custom_init(void *afl, unsigned seed);
void *afl_custom_init(void *afl, unsigned seed)
{
    (void)afl;
    state = seed;
    return calloc(1, sizeof(mutator));
}

void afl_custom_deinit(void *data);
void afl_custom_deinit(void *data)
{
    mutator *m = data;
    free(m->room);
    free(m);
}

size_t afl_custom_fuzz(void *data, unsigned char *buffer, size_t size, unsigned char **out, unsigned char *other,
                       size_t other_size, size_t most);
size_t afl_custom_fuzz(void *data, unsigned char *buffer, size_t size, unsigned char **out, unsigned char *other,
                       size_t other_size, size_t most)
{
    mutator *m = data;
    (void)other, (void)other_size;
    if (m->size < most) {
        free(m->room);
        m->room = malloc(most);
        m->size = m->room ? most : 0;
    }
    size_t changed = m->room ? mutate(buffer, size, m->room, most) : 0;
    *out = changed ? m->room : buffer;
    return changed ? changed : size;
}

#else

/* ---- libFuzzer ---- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    static uint8_t changed[1 << 16];
    state = seed;
    size_t count = below(8) ? mutate(data, size, changed, room < sizeof changed ? room : sizeof changed) : 0;
    if (count == 0) {
        return LLVMFuzzerMutate(data, size, room);
    }
    memcpy(data, changed, count);
    return count;
}

#endif
