/* The names of a module's tree while it is made: which are taken, and which module each part of a name leads to. A hash
 * table with open addressing, at most half full, in the program's arena. */
#include "names.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

enum { LEAST = 64 };

/* ---- SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) ---- */

static uint64_t keys[2];

static void draw_keys(void)
{
    if (getentropy(keys, sizeof keys) != 0) { /* a system without it: what nobody outside of the process sees */
        struct timespec now = { 0 };
        clock_gettime(CLOCK_REALTIME, &now);
        keys[0] = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)&now;
        keys[1] = keys[0] * 6364136223846793005u ^ (uint64_t)(uintptr_t)keys;
    }
}

static uint64_t rotated(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotated(v[1], 13) ^ v[0];
    v[3] = rotated(v[3], 16) ^ v[2];
    v[0] = rotated(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotated(v[1], 17) ^ v[2];
    v[3] = rotated(v[3], 21) ^ v[0];
    v[2] = rotated(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t cnn__onnx_siphash(cnn__onnx_text text, uint64_t key0, uint64_t key1)
{
    uint64_t v[4] = { key0 ^ 0x736f6d6570736575u, key1 ^ 0x646f72616e646f6du, key0 ^ 0x6c7967656e657261u,
                      key1 ^ 0x7465646279746573u };
    uint64_t word = 0;
    for (size_t i = 0; i < text.size; i++) {
        word |= (uint64_t)(unsigned char)text.at[i] << (i % 8 * 8);
        if (i % 8 == 7) {
            sip_word(v, word);
            word = 0;
        }
    }
    sip_word(v, word | (uint64_t)text.size << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

size_t cnn__onnx_hash(cnn__onnx_text name)
{
    static pthread_once_t drawn = PTHREAD_ONCE_INIT;
    pthread_once(&drawn, draw_keys);
    return (size_t)cnn__onnx_siphash(name, keys[0], keys[1]);
}

/* ---- the table ---- */

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
    if (cnn__onnx_names_find(names, cnn__onnx_text_of(name))) {
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
