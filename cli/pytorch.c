/* Tensors of PyTorch's files: dictionaries are gone through by their keys, which joined with dots are the names, as in
 * "state_dict.conv1.weight"; numbers and strings beside them are of no interest. */
#include "pytorch.h"

#include "common/say.h"
#include "pickle.h"
#include "zip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 32, NAME = 1024, MOST_PICKLE = 1 << 26, MOST_EXPANDED = 64 };

typedef struct torch_file {
    zip archive;
    unsigned char *bytes; /* data.pkl */
    pickle pickle;
    value **tensors; /* in the order in which they were added to the table */
    size_t room;
    char *root; /* the folder of all members */
    /* A pickle can name what it has once as often as it likes, so what is made of it is bounded by its size: how many
     * values may still be looked at, bytes of names be made, tensors be found, and bytes of elements be in them. */
    uint64_t visits, names, rows, elements;
} torch_file;

bool pytorch_is(const unsigned char *head, size_t size)
{
    static const char end[] = "/data.pkl";
    size_t length = size >= 30 ? (size_t)head[26] | (size_t)head[27] << 8 : 0;
    return size >= 30 && memcmp(head, "PK\3\4", 4) == 0 && length >= sizeof end - 1 && 30 + length <= size &&
           memcmp(head + 30 + length - (sizeof end - 1), end, sizeof end - 1) == 0;
}

bool pytorch_is_old(const unsigned char *head, size_t size)
{
    static const unsigned char magic[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    return size >= sizeof magic - 1 && memcmp(head, magic, sizeof magic - 1) == 0;
}

bool pytorch_open_old(tensors *t)
{
    say("cnn: %s was written by PyTorch before 1.6, or in its old form; load it there and save it again", t->path);
    return false;
}

/* ---- the table ---- */

/* Takes `amount` of what there may still be; false, said, if that is not left. */
static bool spend(const tensors *t, uint64_t *left, uint64_t amount)
{
    if (amount > *left) {
        say("cnn: %s: data.pkl is nested too deep, or holds the same values too often", t->path);
        *left = 0;
        return false;
    }
    *left -= amount;
    return true;
}

/* Whether a tensor's shape and strides stay within its storage. Writes its number of elements. */
static bool fits(const tensors *t, const torch_file *f, const char *name, const value *v, int64_t *elements)
{
    const value *shape = v->elements[2], *strides = v->elements[3];
    int64_t last = v->elements[1]->number, room = v->elements[0]->elements[2]->number;
    bool good = last >= 0 && shape->count <= CNN_MAX_DIMS;
    *elements = 1;
    for (size_t d = 0; good && d < shape->count; d++) {
        int64_t size = shape->elements[d]->number, stride = strides->elements[d]->number, reach = 0;
        good = size >= 0 && stride >= 0 && !__builtin_mul_overflow(*elements, size, elements) &&
               !__builtin_mul_overflow(size > 0 ? size - 1 : 0, stride, &reach) &&
               !__builtin_add_overflow(last, reach, &last);
    }
    /* A stride of 0 repeats elements, which is bounded here, so that a small file does not take all memory. */
    good = good && (*elements == 0 || last < room) && (uint64_t)*elements / 64 <= f->archive.size;
    if (!good) {
        say("cnn: %s: tensor \"%s\" does not fit into its storage, or has more than 8 dimensions", t->path, name);
    }
    return good;
}

static bool add_tensor(tensors *t, torch_file *f, const char *name, value *v)
{
    int64_t shape[CNN_MAX_DIMS], elements;
    const pickle_storage *storage = pickle_storage_of(v->elements[0]);
    if (!fits(t, f, name, v, &elements) || !spend(t, &f->rows, 1)) {
        return false;
    }
    if ((uint64_t)elements * (uint64_t)storage->size > f->elements) {
        say("cnn: %s: tensor \"%s\" and those before it take more than %d times the file", t->path, name,
            MOST_EXPANDED);
        return false;
    }
    f->elements -= (uint64_t)elements * (uint64_t)storage->size;
    for (size_t d = 0; d < v->elements[2]->count; d++) {
        shape[d] = v->elements[2]->elements[d]->number;
    }
    if ((size_t)t->count == f->room) {
        size_t more = f->room ? 2 * f->room : 64;
        value **moved = realloc(f->tensors, more * sizeof *moved);
        if (!moved) {
            say("cnn: %s: no memory for %zu tensors", t->path, more);
            return false;
        }
        f->tensors = moved;
        f->room = more;
    }
    f->tensors[t->count] = v;
    return tensors_add(t, name, storage->dtype, (int)v->elements[2]->count, shape, elements * storage->size);
}

/* Appends a key to a name; false, said, if it is none or there is no room. */
static bool join(const tensors *t, char name[NAME], const value *key, int64_t number)
{
    size_t length = strlen(name);
    const char *dot = length ? "." : "";
    int size = -1;
    if (!key || key->kind == VALUE_INT) {
        size = snprintf(name + length, NAME - length, "%s%" PRId64, dot, key ? key->number : number);
    } else if (key->kind == VALUE_STRING && !memchr(key->text, '\0', key->count) && key->count < NAME) {
        size = snprintf(name + length, NAME - length, "%s%.*s", dot, (int)key->count, key->text);
    }
    if (size < 0 || (size_t)size >= NAME - length) {
        say("cnn: %s: a key below \"%.200s\" is neither a string nor a number, or too long", t->path, name);
        return false;
    }
    return true;
}

/* Goes through what a value holds. A pickle may hold a value several times, and itself: depth and visits are
 * bounded. */
static bool walk(tensors *t, torch_file *f, char name[NAME], value *v, int depth)
{
    bool dict = v->kind == VALUE_DICT, good = true;
    uint64_t looks =
        1 + (dict || v->kind == VALUE_SEQUENCE ? v->count : 0); /* each element is looked at, whatever it is */
    if (!spend(t, &f->visits, depth > DEPTH ? UINT64_MAX : looks)) {
        return false;
    }
    if (v->kind == VALUE_TENSOR) {
        return add_tensor(t, f, *name ? name : "tensor", v);
    }
    if (!dict && v->kind != VALUE_SEQUENCE) {
        return true;
    }
    size_t length = strlen(name), step = dict ? 2 : 1;
    for (size_t i = 0; good && i < v->count; i += step) {
        value *element = v->elements[i + step - 1];
        bool holds = element->kind == VALUE_TENSOR || element->kind == VALUE_DICT || element->kind == VALUE_SEQUENCE;
        good = !holds || (join(t, name, dict ? v->elements[i] : NULL, (int64_t)i) &&
                          spend(t, &f->names, strlen(name)) && walk(t, f, name, element, depth + 1));
        name[length] = '\0';
    }
    return good;
}

/* ---- the archive ---- */

static const zip_member *member_of(const torch_file *f, const char *folder, const char *name, size_t length)
{
    char path[NAME];
    int size = snprintf(path, sizeof path, "%s%s%.*s", f->root, folder, length < NAME ? (int)length : NAME, name);
    return size > 0 && size < NAME ? zip_find(&f->archive, path) : NULL;
}

static bool read_pickle(tensors *t, torch_file *f)
{
    const zip_member *m = zip_find_end(&f->archive, "/data.pkl");
    if (!m || m->size > MOST_PICKLE || m->name_length >= NAME) {
        say("cnn: %s: there is no data.pkl in the archive, or it is larger than %d bytes", t->path, MOST_PICKLE);
        return false;
    }
    f->root = strndup(m->name, m->name_length - strlen("data.pkl"));
    f->bytes = malloc((size_t)m->size + 1);
    if (!f->root || !f->bytes) {
        say("cnn: %s: no memory for %" PRIu64 " bytes", t->path, m->size);
        return false;
    }
    const zip_member *order = member_of(f, "", "byteorder", strlen("byteorder"));
    char text[8] = "little";
    if (order &&
        (order->size > 6 || !zip_read(&f->archive, order, 0, text, order->size) || strcmp(text, "little") != 0)) {
        say("cnn: %s: the elements are not little-endian", t->path);
        return false;
    }
    return zip_read(&f->archive, m, 0, f->bytes, m->size);
}

bool pytorch_open(tensors *t)
{
    char name[NAME] = "";
    torch_file *f = calloc(1, sizeof *f);
    if (!f) {
        say("cnn: %s: no memory", t->path);
        return false;
    }
    t->own = f;
    if (!zip_open(&f->archive, t->path) || !read_pickle(t, f)) {
        return false;
    }
    size_t size = (size_t)zip_find_end(&f->archive, "/data.pkl")->size;
    value *all = pickle_load(&f->pickle, t->path, f->bytes, size);
    f->visits = 4 * (uint64_t)size + 1;
    f->names = 8 * (uint64_t)size + (1 << 16);
    f->rows = (uint64_t)size / 8 + 16; /* a key and a tensor take that much, even where both stand there already */
    f->elements = MOST_EXPANDED * f->archive.size + (1 << 24);
    return all && walk(t, f, name, all, 0) && tensors_sort(t);
}

void pytorch_close(tensors *t)
{
    torch_file *f = t->own;
    if (f) {
        pickle_free(&f->pickle);
        zip_close(&f->archive);
        free(f->tensors);
        free(f->bytes);
        free(f->root);
        free(f);
        t->own = NULL;
    }
}

/* ---- elements ---- */

/* binary16 as binary32, by its value. */
static float half(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1f;
    uint32_t sign = (uint32_t)(bits >> 15) << 31, mantissa = bits & 0x3ff, out;
    float number;
    if (exponent == 0) { /* a subnormal number is its mantissa times 2^-24 */
        number = (float)mantissa * 0x1p-24f;
        return sign ? -number : number;
    }
    out = sign | (exponent == 0x1f ? 0xffu << 23 : (uint32_t)(exponent + 112) << 23) | mantissa << 13;
    memcpy(&number, &out, sizeof number);
    return number;
}

/* How an element is stored, and as which dtype it is read. */
static const struct {
    const char *name;
    cnn_dtype dtype;
} readable[] = { { "float32", CNN_F32 }, { "float64", CNN_F64 }, { "bfloat16", CNN_BF16 }, { "int64", CNN_I64 },
                 { "int32", CNN_I32 },   { "uint8", CNN_U8 },    { "bool", CNN_BOOL },     { "float16", CNN_F32 },
                 { "int16", CNN_I32 },   { "int8", CNN_I32 } };

static void convert(char *to, const unsigned char *from, const pickle_storage *storage)
{
    int16_t narrow;
    if (strcmp(storage->dtype, "float16") == 0) {
        float number = half((uint16_t)(from[0] | from[1] << 8));
        memcpy(to, &number, sizeof number);
    } else if (strcmp(storage->dtype, "int16") == 0) {
        memcpy(&narrow, from, sizeof narrow);
        memcpy(to, &(int32_t){ narrow }, sizeof(int32_t));
    } else if (strcmp(storage->dtype, "int8") == 0) {
        memcpy(to, &(int32_t){ (signed char)from[0] }, sizeof(int32_t));
    } else {
        memcpy(to, from, (size_t)storage->size);
    }
}

/* Copies the elements out of the part of the storage that begins at the first one, in row-major order. */
static void gather(char *to, size_t to_size, const unsigned char *from, const value *v, const pickle_storage *storage,
                   int64_t elements)
{
    const value *shape = v->elements[2], *strides = v->elements[3];
    int64_t index[CNN_MAX_DIMS] = { 0 }, at = 0;
    for (int64_t i = 0; i < elements; i++, to += to_size) {
        convert(to, from + at * storage->size, storage);
        for (size_t d = shape->count; d-- > 0;) {
            at += strides->elements[d]->number;
            if (++index[d] < shape->elements[d]->number) {
                break;
            }
            at -= shape->elements[d]->number * strides->elements[d]->number;
            index[d] = 0;
        }
    }
}

/* How many bytes of the storage lie between the first element and the end of the last. */
static uint64_t span_of(const value *v, int size, int64_t elements)
{
    int64_t last = 0;
    for (size_t d = 0; d < v->elements[2]->count; d++) {
        last += (v->elements[2]->elements[d]->number - 1) * v->elements[3]->elements[d]->number;
    }
    return elements ? (uint64_t)(last + 1) * (uint64_t)size : 0;
}

static cnn_tensor *read_elements(tensors *t, int i, const value *v, const pickle_storage *storage, cnn_dtype dtype)
{
    torch_file *f = t->own;
    const tensor_info *info = &t->info[i];
    const value *key = v->elements[0]->elements[1];
    const zip_member *m = member_of(f, "data/", key->text, key->count);
    uint64_t span = span_of(v, storage->size, info->elements);
    cnn_tensor *tensor = NULL;
    if (!m || (uint64_t)v->elements[0]->elements[2]->number > m->size / (uint64_t)storage->size) {
        say("cnn: %s: tensor \"%s\": its storage is missing or too short", t->path, info->name);
        return NULL;
    }
    size_t size = cnn_dtype_size(dtype);
    unsigned char *stored = malloc((size_t)span + 1);
    char *rows = malloc((size_t)info->elements * size + 1);
    uint64_t at = span ? (uint64_t)v->elements[1]->number * (uint64_t)storage->size : 0;
    if (!stored || !rows) {
        say("cnn: %s: tensor \"%s\": no memory for %" PRIu64 " bytes", t->path, info->name, span);
    } else if (zip_read(&f->archive, m, at, stored, span)) {
        gather(rows, size, stored, v, storage, info->elements);
        bool good = true;
        for (int64_t b = 0; dtype == CNN_BOOL && b < info->elements; b++) {
            good = good && (unsigned char)rows[b] <= 1;
        }
        tensor = good ? cnn_tensor_from_data(t->ctx, dtype, info->ndim, info->shape, rows) : NULL;
        if (!tensor) {
            say("cnn: %s: tensor \"%s\": %s", t->path, info->name,
                good ? cnn_last_error(t->ctx) : "a bool is neither 0 nor 1");
        }
    }
    free(stored);
    free(rows);
    return tensor;
}

cnn_tensor *pytorch_read(tensors *t, int i)
{
    const torch_file *f = t->own;
    const value *v = f->tensors[t->info[i].added];
    const pickle_storage *storage = pickle_storage_of(v->elements[0]);
    for (size_t r = 0; r < sizeof readable / sizeof *readable; r++) {
        if (strcmp(readable[r].name, storage->dtype) == 0) {
            return read_elements(t, i, v, storage, readable[r].dtype);
        }
    }
    say("cnn: %s: tensor \"%s\" is %s, which libcnn cannot hold", t->path, t->info[i].name, storage->dtype);
    return NULL;
}
