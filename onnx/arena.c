/* Memory that is freed at once. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 13, ALIGN = 16 };

typedef struct cnn__onnx_arena_block {
    struct cnn__onnx_arena_block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
} arena_block;

void *cnn__onnx_arena_get(cnn__onnx_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX / 2) {
        return NULL;
    }
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    bytes = bytes ? bytes : ALIGN;
    arena_block *block = arena->blocks;
    if (!block || block->size - block->used < bytes) {
        size_t capacity = bytes > BLOCK ? bytes : BLOCK;
        block = malloc(sizeof *block + capacity);
        if (!block) {
            return NULL;
        }
        *block = (arena_block){ .next = arena->blocks, .size = capacity };
        arena->blocks = block;
    }
    void *memory = block->bytes + block->used;
    block->used += bytes;
    return memset(memory, 0, bytes);
}

void cnn__onnx_arena_free(cnn__onnx_arena *arena)
{
    for (arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    arena->blocks = NULL;
}

void cnn__onnx_arena_reset(cnn__onnx_arena *arena)
{
    arena_block *largest = NULL;
    for (arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        if (!largest || block->size > largest->size) {
            free(largest);
            largest = block;
        } else {
            free(block);
        }
    }
    arena->blocks = largest;
    if (largest) {
        largest->next = NULL;
        largest->used = 0;
    }
}
