/* The names within one module: its parameters, buffers and children. A few are compared one by one; from MANY on there
 * is a hash table of them, so that a module of a hundred thousand parameters is built, saved and loaded in linear
 * time.
 *
 * The table has open addresses and is at most half full. A slot is 0 or 1 + the number of the name, which counts
 * through the lists: 3 · index + list. Names are never removed. */
#include "nn/module.h"

#include "base/random.h"

#include <string.h>

enum { MANY = 16 };

static cnn__named_list *list_of(cnn_module *module, cnn__list list)
{
    cnn__named_list *const lists[] = { &module->parameters, &module->buffers, &module->children };
    return lists[list];
}

static const cnn__named *item_of(const cnn_module *module, uint32_t slot)
{
    const cnn__named_list *const lists[] = { &module->parameters, &module->buffers, &module->children };
    return &lists[(slot - 1) % CNN__LISTS]->items[(slot - 1) / CNN__LISTS];
}

/* Under a key that whoever writes a file does not know, the module's address, so that no file has names that
 * collide. */
static uint32_t hash(const cnn_module *module, const char *name, size_t length)
{
    uint64_t key[2] = { (uintptr_t)module, length }, word;
    uint32_t mixed[4];
    for (size_t i = 0; i < length; i += sizeof word) {
        word = 0;
        memcpy(&word, name + i, length - i < sizeof word ? length - i : sizeof word);
        cnn__philox(key, word, mixed);
        memcpy(&key[1], mixed, sizeof word);
    }
    return (uint32_t)key[1];
}

static bool is_named(const cnn__named *item, const char *name, size_t length)
{
    return strncmp(item->name, name, length) == 0 && item->name[length] == '\0';
}

/* The slot of that name, or the empty one where it belongs. */
static uint32_t *slot_of(const cnn_module *module, const char *name, size_t length)
{
    uint32_t mask = module->name_capacity - 1, at = hash(module, name, length) & mask;
    while (module->name_slots[at] && !is_named(item_of(module, module->name_slots[at]), name, length)) {
        at = (at + 1) & mask;
    }
    return &module->name_slots[at];
}

const cnn__named *cnn__names_find(const cnn_module *module, cnn__list list, const char *name, size_t length)
{
    if (module->name_slots) {
        uint32_t slot = *slot_of(module, name, length);
        return slot && (slot - 1) % CNN__LISTS == (uint32_t)list ? item_of(module, slot) : NULL;
    }
    const cnn__named_list *const lists[] = { &module->parameters, &module->buffers, &module->children };
    for (int i = 0; i < lists[list]->count; i++) {
        if (is_named(&lists[list]->items[i], name, length)) {
            return &lists[list]->items[i];
        }
    }
    return NULL;
}

static void names_enter(cnn_module *module, cnn__list list, int index)
{
    const char *name = list_of(module, list)->items[index].name;
    *slot_of(module, name, strlen(name)) = 1 + CNN__LISTS * (uint32_t)index + (uint32_t)list;
}

/* Makes room in the table for one more name. */
static bool reserve_slot(cnn_module *module)
{
    uint32_t count =
        (uint32_t)module->parameters.count + (uint32_t)module->buffers.count + (uint32_t)module->children.count;
    if (count < MANY || 2 * (count + 1) <= module->name_capacity) {
        return true;
    }
    uint32_t capacity = module->name_capacity ? 2 * module->name_capacity : 4 * MANY;
    uint32_t *slots = cnn__calloc(module->ctx, capacity, sizeof *slots);
    if (!slots) {
        return false;
    }
    cnn__free(module->ctx, module->name_slots);
    module->name_slots = slots;
    module->name_capacity = capacity;
    for (int list = 0; list < CNN__LISTS; list++) {
        for (int i = 0; i < list_of(module, (cnn__list)list)->count; i++) {
            names_enter(module, (cnn__list)list, i);
        }
    }
    return true;
}

static bool reserve_item(cnn_context *ctx, cnn__named_list *list)
{
    if (list->count < list->capacity) {
        return true;
    }
    int capacity = list->capacity ? 2 * list->capacity : 4;
    cnn__named *items = cnn__calloc(ctx, (size_t)capacity, sizeof *items);
    if (!items) {
        return false;
    }
    if (list->count) {
        memcpy(items, list->items, (size_t)list->count * sizeof *items);
    }
    cnn__free(ctx, list->items);
    list->items = items;
    list->capacity = capacity;
    return true;
}

cnn_status cnn__names_add(cnn_module *module, const char *call, cnn__list list, cnn__named item)
{
    cnn__named_list *to = list_of(module, list);
    if (!reserve_item(module->ctx, to) || !reserve_slot(module) || !(item.name = cnn__strdup(module->ctx, item.name))) {
        return cnn__fail_memory(module->ctx, call, sizeof item);
    }
    to->items[to->count++] = item;
    if (module->name_slots) {
        names_enter(module, list, to->count - 1);
    }
    return CNN_OK;
}

static void list_free(cnn_context *ctx, cnn__named_list *list)
{
    for (int i = 0; i < list->count; i++) {
        if (list->items[i].tensor) {
            list->items[i].tensor->owned = false;
            cnn__tensor_release(list->items[i].tensor);
        }
        cnn__free(ctx, list->items[i].name);
    }
    cnn__free(ctx, list->items);
}

void cnn__names_free(cnn_module *module)
{
    for (int list = 0; list < CNN__LISTS; list++) {
        list_free(module->ctx, list_of(module, (cnn__list)list));
    }
    cnn__free(module->ctx, module->name_slots);
}
