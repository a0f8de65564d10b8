/* The names of a module's tree while it is made: which are taken, and which module each part of a name leads to. A hash
 * table with open addressing, at most half full, in the program's arena. */
#include "names.h"

#include <string.h>

enum { LEAST = 64 };

size_t cnn__onnx_hash(cnn__onnx_text name)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < name.size; i++) {
        h = (h ^ (unsigned char)name.at[i]) * 1099511628211u;
    }
    return (size_t)(h ^ h >> 32);
}

static cnn__onnx_name *place_of(const cnn__onnx_names *names, cnn__onnx_text name)
{
    size_t at = cnn__onnx_hash(name) & (names->capacity - 1);
    while (names->all[at].name.at && !cnn__onnx_text_equal(names->all[at].name, name)) {
        at = (at + 1) & (names->capacity - 1);
    }
    return &names->all[at];
}

cnn__onnx_name *cnn__onnx_names_find(const cnn__onnx_names *names, cnn__onnx_text name)
{
    cnn__onnx_name *place = names->capacity ? place_of(names, name) : NULL;
    return place && place->name.at ? place : NULL;
}

static bool grow(cnn__onnx_reading *reading, cnn__onnx_names *names)
{
    cnn__onnx_names larger = { .capacity = names->capacity ? 4 * names->capacity : LEAST, .count = names->count };
    larger.all = cnn__onnx_reading_get(reading, larger.capacity, sizeof *larger.all);
    for (size_t i = 0; larger.all && i < names->capacity; i++) {
        if (names->all[i].name.at) {
            *place_of(&larger, names->all[i].name) = names->all[i];
        }
    }
    if (larger.all) {
        *names = larger;
    }
    return larger.all != NULL;
}

cnn__onnx_name *cnn__onnx_names_add(cnn__onnx_reading *reading, cnn__onnx_names *names, cnn__onnx_text name)
{
    if (2 * names->count >= names->capacity && !grow(reading, names)) {
        return NULL;
    }
    cnn__onnx_name *place = place_of(names, name);
    if (!place->name.at) {
        place->name = name;
        names->count++;
    }
    return place;
}

bool cnn__onnx_names_clash(const cnn__onnx_names *names, const char *name)
{
    if (cnn__onnx_names_find(names, (cnn__onnx_text){ name, strlen(name) })) {
        return true;
    }
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
        const cnn__onnx_name *part = cnn__onnx_names_find(names, (cnn__onnx_text){ name, (size_t)(dot - name) });
        if (part && !part->module) {
            return true;
        }
    }
    return false;
}
