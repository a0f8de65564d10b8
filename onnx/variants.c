/* What of an operator there is not, as far as the attributes of a node say it. A model with such a node is refused when
 * it is read, by name, and not when it is run. */
#include "findings.h"
#include "ops.h"

#include <stdio.h>
#include <string.h>

/* Whether `text` is one of the words, which '|' separates. */
static bool is_among(cnn__onnx_text text, const char *words, size_t length)
{
    for (const char *word = words, *end = words + length; word < end;) {
        const char *bar = memchr(word, '|', (size_t)(end - word));
        size_t size = (size_t)((bar ? bar : end) - word);
        if (text.size == size && memcmp(text.at, word, size) == 0) {
            return true;
        }
        word += size + 1;
    }
    return false;
}

/* The attributes that are words: "name=word|word name=word|word". */
static bool check_words(const cnn__onnx_step *step, const char *words, char *why, size_t size)
{
    for (const char *at = words; at && *at;) {
        char name[40];
        const char *list = strchr(at, '=') + 1;
        size_t length = strcspn(list, " ");
        snprintf(name, sizeof name, "%.*s", (int)(list - 1 - at), at);
        const cnn__onnx_attribute *a = cnn__onnx_attribute_of(step, name);
        if (a && !is_among(a->s, list, length)) {
            snprintf(why, size, " with %s \"%.*s\"", name, a->s.size < 40 ? (int)a->s.size : 40,
                     a->s.at ? a->s.at : "");
            return false;
        }
        at = list + length + (list[length] == ' ');
    }
    return true;
}

/* The attribute that is the type of the result. */
static bool check_type(const cnn__onnx_step *step, const char *name, char *why, size_t size)
{
    const cnn__onnx_attribute *a = name ? cnn__onnx_attribute_of(step, name) : NULL;
    cnn_dtype dtype;
    int type = a && a->i >= 0 && a->i < 1000 ? (int)a->i : a ? 1000 : 0;
    if (!a || cnn__onnx_dtype(type, &dtype) || (type == CNN__ONNX_UNDEFINED && strcmp(name, "to") != 0)) {
        return true;
    }
    snprintf(why, size, " to %s", cnn__onnx_type_name(type));
    return false;
}

bool cnn__onnx_variant_check(const cnn__onnx_step *step, char *why, size_t size)
{
    const cnn__onnx_operator *op = step->op;
    return check_words(step, op->words, why, size) && check_type(step, op->type, why, size) &&
           (!op->check || op->check(step, why, size));
}

/* ---- operators of their own kind ---- */

static int64_t number_of(const cnn__onnx_step *step, const char *name)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(step, name);
    return a ? a->i : 0;
}

bool cnn__onnx_check_max_pool(const cnn__onnx_step *step, char *why, size_t size)
{
    const cnn__onnx_attribute *kernel = cnn__onnx_attribute_of(step, "kernel_shape");
    bool good = !kernel || kernel->int_count < 3 || step->out_count < 2 || step->out[1] < 0;
    snprintf(why, size, "%s", good ? "" : " with positions in three dimensions");
    return good;
}

bool cnn__onnx_check_unique(const cnn__onnx_step *step, char *why, size_t size)
{
    bool good = !cnn__onnx_attribute_of(step, "axis");
    snprintf(why, size, "%s", good ? "" : " along an axis");
    return good;
}

bool cnn__onnx_check_dft(const cnn__onnx_step *step, char *why, size_t size)
{
    bool good = !number_of(step, "inverse") || !number_of(step, "onesided");
    snprintf(why, size, "%s", good ? "" : " of half a spectrum back");
    return good;
}

bool cnn__onnx_check_random(const cnn__onnx_step *step, char *why, size_t size)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(step, "dtype");
    bool good = !a || a->i == 0 || (a->i > 0 && a->i < 1000 && cnn__onnx_is_float((int)a->i));
    snprintf(why, size, "%s%s", good ? "" : " of type ",
             good ? "" : cnn__onnx_type_name(a->i < 1000 ? (int)a->i : 1000));
    return good;
}

/* With more than two operands the equation has to say what they give, and no dimensions stand for others. */
bool cnn__onnx_check_einsum(const cnn__onnx_step *step, char *why, size_t size)
{
    const cnn__onnx_attribute *a = cnn__onnx_attribute_of(step, "equation");
    bool good = step->in_count <= 2 || !a || (memchr(a->s.at, '>', a->s.size) && !memchr(a->s.at, '.', a->s.size));
    snprintf(why, size, "%s%.*s", good ? "" : " of ",
             good             ? 0
             : a->s.size < 60 ? (int)a->s.size
                              : 60,
             good ? "" : a->s.at);
    return good;
}
