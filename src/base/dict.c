/* Open addressing with linear probing, at most half full. Strings are kept in one growing block with 32-bit offsets, so a
 * dictionary holds up to 4 GiB of text; slots hold index + 1. */
#include "base/dict.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/c_locale.h"

uint32_t mrq_strings_find(const mrq_strings *strings, const char *text)
{
    const locale_t locale = mrq_c_locale();
    uint32_t alike = MRQ_NONE;
    for (uint32_t i = 0; i < strings->n; i++) {
        const char *at = mrq_strings_at(strings, i);
        if (strcasecmp_l(at, text, locale) != 0)
            continue;
        if (strcmp(at, text) == 0)
            return i;
        alike = alike == MRQ_NONE ? i : alike;
    }
    return alike;
}

int mrq_strings_copy(mrq_arena *arena, const mrq_strings *from, mrq_strings *to)
{
    const size_t bytes = from->n ? from->offset[from->n] : 0;
    uint32_t *offset = mrq_arena_array(arena, (size_t)from->n + 1, sizeof *offset);
    char *copy = mrq_arena_array(arena, bytes, 1);
    if (!offset || !copy)
        return -1;
    if (from->n)
        memcpy(offset, from->offset, ((size_t)from->n + 1) * sizeof *offset);
    if (bytes)
        memcpy(copy, from->bytes, bytes);
    *to = (mrq_strings){from->n, offset, copy};
    return 0;
}

struct mrq_dict {
    uint32_t n;
    uint32_t *offset; /* (n + 1) */
    char *bytes;      /* (offset[n]) */
    size_t offset_room, bytes_room;
    uint32_t *slot; /* (slots) index + 1, or 0 */
    size_t slots;   /* a power of two, or 0 */
};

static uint64_t hash_text(const char *text, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

mrq_dict *mrq_dict_new(void)
{
    return calloc(1, sizeof(mrq_dict));
}

void mrq_dict_free(mrq_dict *dict)
{
    if (!dict)
        return;
    mrq_free(dict->offset);
    mrq_free(dict->bytes);
    mrq_free(dict->slot);
    free(dict);
}

mrq_strings mrq_dict_strings(const mrq_dict *dict)
{
    static const uint32_t empty[1];
    return (mrq_strings){dict->n, dict->n ? dict->offset : empty, dict->n ? dict->bytes : ""};
}

/* The slot that holds the text, or the free one where it belongs. */
static uint32_t *find_slot(const mrq_dict *dict, const char *text, size_t size)
{
    const mrq_strings strings = mrq_dict_strings(dict);
    for (size_t i = hash_text(text, size);; i++) {
        uint32_t *slot = &dict->slot[i & (dict->slots - 1)];
        if (!*slot ||
            (mrq_strings_size(&strings, *slot - 1) == size && memcmp(mrq_strings_at(&strings, *slot - 1), text, size) == 0))
            return slot;
    }
}

static int rehash(mrq_dict *dict)
{
    const size_t slots = dict->slots ? dict->slots * 2 : 64;
    uint32_t *slot = mrq_array(slots, sizeof *slot);
    if (!slot)
        return -1;
    mrq_free(dict->slot);
    dict->slot = slot;
    dict->slots = slots;
    const mrq_strings strings = mrq_dict_strings(dict);
    for (uint32_t i = 0; i < dict->n; i++)
        *find_slot(dict, mrq_strings_at(&strings, i), mrq_strings_size(&strings, i)) = i + 1;
    return 0;
}

uint32_t mrq_dict_push(mrq_dict *dict, const char *text, size_t size)
{
    const size_t start = dict->n ? dict->offset[dict->n] : 0;
    if (size >= UINT32_MAX - start || dict->n >= MRQ_NONE - 1 ||
        mrq_grow(&dict->offset, &dict->offset_room, (size_t)dict->n + 2, sizeof *dict->offset) ||
        mrq_grow(&dict->bytes, &dict->bytes_room, start + size + 1, 1))
        return MRQ_NONE;
    if (size)
        memcpy(dict->bytes + start, text, size);
    dict->bytes[start + size] = '\0';
    dict->offset[dict->n + 1] = (uint32_t)(start + size + 1);
    return dict->n++;
}

uint32_t mrq_dict_add(mrq_dict *dict, const char *text, size_t size)
{
    if (dict->slots < 2 * ((size_t)dict->n + 1) && rehash(dict))
        return MRQ_NONE;
    uint32_t *slot = find_slot(dict, text, size);
    if (*slot)
        return *slot - 1;
    const uint32_t index = mrq_dict_push(dict, text, size);
    if (index != MRQ_NONE)
        *slot = index + 1;
    return index;
}

uint32_t mrq_dict_find(const mrq_dict *dict, const char *text, size_t size)
{
    return dict->slots ? *find_slot(dict, text, size) - 1 : MRQ_NONE; /* 0 - 1 is MRQ_NONE */
}

static int compare_texts(const void *a, const void *b, void *strings)
{
    uint32_t i, j;
    memcpy(&i, a, sizeof i);
    memcpy(&j, b, sizeof j);
    return strcmp(mrq_strings_at(strings, i), mrq_strings_at(strings, j));
}

int mrq_dict_sort(mrq_dict *dict, uint32_t *rank)
{
    mrq_strings strings = mrq_dict_strings(dict);
    MRQ_AUTOFREE uint32_t *order = mrq_array(dict->n, sizeof *order);
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *sorted = mrq_dict_new();
    if (!order || !sorted)
        return -1;
    for (uint32_t i = 0; i < dict->n; i++)
        order[i] = i;
    qsort_r(order, dict->n, sizeof *order, compare_texts, &strings);
    for (uint32_t i = 0; i < dict->n; i++) {
        if (mrq_dict_add(sorted, mrq_strings_at(&strings, order[i]), mrq_strings_size(&strings, order[i])) == MRQ_NONE)
            return -1;
        rank[order[i]] = i;
    }
    const mrq_dict old = *dict;
    *dict = *sorted;
    *sorted = old;
    return 0;
}

struct mrq_idmap {
    size_t n, slots; /* `slots` a power of two, or 0 */
    int64_t *id;     /* (slots), -1 where free */
    uint32_t *index; /* (slots) */
};

mrq_idmap *mrq_idmap_new(void)
{
    return calloc(1, sizeof(mrq_idmap));
}

void mrq_idmap_free(mrq_idmap *map)
{
    if (!map)
        return;
    mrq_free(map->id);
    mrq_free(map->index);
    free(map);
}

static size_t id_slot(const mrq_idmap *map, int64_t id)
{
    size_t i = (size_t)(((uint64_t)id * 0x9e3779b97f4a7c15u) >> 20);
    for (;; i++) {
        const size_t slot = i & (map->slots - 1);
        if (map->id[slot] == id || map->id[slot] < 0)
            return slot;
    }
}

static int grow_idmap(mrq_idmap *map)
{
    mrq_idmap bigger = {.n = map->n, .slots = map->slots ? map->slots * 2 : 64};
    bigger.id = mrq_array(bigger.slots, sizeof *bigger.id);
    bigger.index = mrq_array(bigger.slots, sizeof *bigger.index);
    if (!bigger.id || !bigger.index) {
        mrq_free(bigger.id);
        mrq_free(bigger.index);
        return -1;
    }
    memset(bigger.id, 0xff, bigger.slots * sizeof *bigger.id);
    for (size_t i = 0; i < map->slots; i++) {
        if (map->id[i] < 0)
            continue;
        const size_t slot = id_slot(&bigger, map->id[i]);
        bigger.id[slot] = map->id[i];
        bigger.index[slot] = map->index[i];
    }
    mrq_free(map->id);
    mrq_free(map->index);
    *map = bigger;
    return 0;
}

uint32_t mrq_idmap_add(mrq_idmap *map, int64_t id, uint32_t index)
{
    if (map->slots < 2 * (map->n + 1) && grow_idmap(map))
        return MRQ_NONE;
    const size_t slot = id_slot(map, id);
    if (map->id[slot] < 0) {
        map->id[slot] = id;
        map->index[slot] = index;
        map->n++;
    }
    return map->index[slot];
}

uint32_t mrq_idmap_find(const mrq_idmap *map, int64_t id)
{
    if (!map->slots || id < 0)
        return MRQ_NONE;
    const size_t slot = id_slot(map, id);
    return map->id[slot] < 0 ? MRQ_NONE : map->index[slot];
}
