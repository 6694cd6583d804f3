/* Open addressing with linear probing, at most half full. Strings are in one growing block with 32-bit offsets, so a dictionary
 * holds up to 4 GiB of text. A slot holds a key and index + 1. The key of a text of up to seven bytes is made of these bytes and
 * their number, so most ids and words are found without reading the block. The key of a longer text is a hash, and the texts are
 * compared. */
#include "base/dict.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/c_locale.h"
#include "base/random.h"

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

typedef struct slot {
    uint64_t key;
    uint32_t index; /* index + 1; 0: free slot */
    uint32_t start; /* of the text in the block, so that a look-up does not read the offsets */
} slot;

struct mrq_dict {
    uint32_t n;
    uint32_t *offset; /* (n + 1) */
    char *bytes;      /* (offset[n]) */
    size_t offset_capacity, bytes_capacity;
    slot *slot;
    size_t slots; /* a power of two, or 0 */
    int shift;    /* 64 - log2(slots) */
};

enum { SHORT = 7 }; /* bytes; longer texts have a hash as key */
#define SALT_A 0xa0761d6478bd642fu
#define SALT_B 0xe7037ed1a0b428dbu

static uint64_t load(const char *text, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, text, size);
    return word;
}

/* The upper half of a product depends on the upper bits of both factors, the lower half on the lower ones. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    const wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* 16 bytes a multiplication, as wyhash (Wang Yi 2019) does. The last bytes may be taken twice. */
static uint64_t hash_of(const char *text, size_t size)
{
    uint64_t hash = size ^ SALT_A;
    const char *last = text + size - 8;
    for (; last - text > 8; text += 16)
        hash = fold(load(text, 8) ^ hash, load(text + 8, 8) ^ SALT_B);
    return fold(load(text <= last ? text : last, 8) ^ hash, load(last, 8) ^ SALT_B);
}

/* Unique for texts of up to SHORT bytes, with the length in the top byte; a longer text has 255 there. */
static uint64_t key_of(const char *text, size_t size)
{
    if (size > SHORT)
        return hash_of(text, size) | (uint64_t)255 << 56;
    uint64_t word = (uint64_t)size << 56;
    if (size >= 4)
        word |= load(text, 4) | load(text + size - 4, 4) << 8 * (size - 4);
    else if (size)
        word |= load(text, 1) | load(text + size / 2, 1) << 8 * (size / 2) | load(text + size - 1, 1) << 8 * (size - 1);
    return word;
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

/* The top bits of the product: only they depend on all bytes of a short key. */
static slot *first_slot(const mrq_dict *dict, uint64_t key)
{
    return &dict->slot[key * 0x9e3779b97f4a7c15u >> dict->shift];
}

static slot *next_slot(const mrq_dict *dict, slot *at)
{
    return at + 1 < dict->slot + dict->slots ? at + 1 : dict->slot;
}

/* Whether two texts of more than SHORT bytes are the same; the last bytes may be compared twice. */
static bool are_equal(const char *a, const char *b, size_t size)
{
    for (size_t at = 0; at + 8 < size; at += 8)
        if (load(a + at, 8) != load(b + at, 8))
            return false;
    return load(a + size - 8, 8) == load(b + size - 8, 8);
}

/* Whether the text of a slot, which has the same key, is this one. Every text ends with a NUL. */
static bool is_text(const mrq_dict *dict, const slot *at, const char *text, size_t size)
{
    const mrq_strings all = mrq_dict_strings(dict);
    const char *its = all.bytes + at->start;
    return size <= SHORT || (size < all.offset[all.n] - at->start && are_equal(its, text, size) && its[size] == '\0');
}

/* The slot that holds the text, or the free slot for it. */
static slot *find_slot(const mrq_dict *dict, uint64_t key, const char *text, size_t size)
{
    slot *at = first_slot(dict, key);
    while (at->index && !(at->key == key && is_text(dict, at, text, size)))
        at = next_slot(dict, at);
    return at;
}

static int rehash(mrq_dict *dict)
{
    const mrq_dict old = *dict;
    const size_t slots = old.slots ? old.slots * 2 : 64;
    slot *bigger = mrq_array(slots, sizeof *bigger);
    if (!bigger)
        return -1;
    dict->slot = bigger;
    dict->slots = slots;
    dict->shift = old.slots ? old.shift - 1 : 64 - 6;
    for (size_t i = 0; i < old.slots; i++) {
        if (!old.slot[i].index)
            continue;
        slot *at = first_slot(dict, old.slot[i].key);
        while (at->index)
            at = next_slot(dict, at);
        *at = old.slot[i];
    }
    mrq_free(old.slot);
    return 0;
}

uint32_t mrq_dict_push(mrq_dict *dict, const char *text, size_t size)
{
    const size_t start = dict->n ? dict->offset[dict->n] : 0;
    if (size >= UINT32_MAX - start || dict->n >= MRQ_NONE - 1 ||
        mrq_grow(&dict->offset, &dict->offset_capacity, (size_t)dict->n + 2, sizeof *dict->offset) ||
        mrq_grow(&dict->bytes, &dict->bytes_capacity, start + size + 1, 1))
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
    const uint64_t key = key_of(text, size);
    slot *at = find_slot(dict, key, text, size);
    if (at->index)
        return at->index - 1;
    const uint32_t index = mrq_dict_push(dict, text, size);
    if (index != MRQ_NONE)
        *at = (slot){key, index + 1, dict->offset[index]};
    return index;
}

void mrq_dict_expect(const mrq_dict *dict, const char *text, size_t size)
{
    if (dict->slots)
        __builtin_prefetch(first_slot(dict, key_of(text, size)));
}

uint32_t mrq_dict_find(const mrq_dict *dict, const char *text, size_t size)
{
    return dict->slots ? find_slot(dict, key_of(text, size), text, size)->index - 1 : MRQ_NONE; /* 0 - 1 is MRQ_NONE */
}

struct order {
    mrq_strings strings;
    mrq_text_order *compare;
};

static int compare_texts(const void *a, const void *b, void *context)
{
    const struct order *order = context;
    uint32_t i, j;
    memcpy(&i, a, sizeof i);
    memcpy(&j, b, sizeof j);
    return order->compare(mrq_strings_at(&order->strings, i), mrq_strings_size(&order->strings, i),
                          mrq_strings_at(&order->strings, j), mrq_strings_size(&order->strings, j));
}

int mrq_dict_sort(mrq_dict *dict, mrq_text_order *compare, uint32_t *rank)
{
    struct order context = {mrq_dict_strings(dict), compare};
    const mrq_strings *strings = &context.strings;
    MRQ_AUTOFREE uint32_t *order = mrq_array(dict->n, sizeof *order);
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *sorted = mrq_dict_new();
    if (!order || !sorted)
        return -1;
    for (uint32_t i = 0; i < dict->n; i++)
        order[i] = i;
    qsort_r(order, dict->n, sizeof *order, compare_texts, &context);
    for (uint32_t i = 0; i < dict->n; i++) {
        if (mrq_dict_add(sorted, mrq_strings_at(strings, order[i]), mrq_strings_size(strings, order[i])) == MRQ_NONE)
            return -1;
        rank[order[i]] = i;
    }
    const mrq_dict old = *dict;
    *dict = *sorted;
    *sorted = old;
    return 0;
}

int mrq_compare_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
    const int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}
