/* A row is the sum of the likes of the users who like the item, in an array of all places; the places that were touched are sorted
 * and copied. Blocks of rows are made by any thread, each into memory of its own, and joined at the end, so the result does not
 * depend on the threads. */
#include "train/sparse_gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/parallel.h"
#include "train/largest.h"

enum { BLOCK = 256 };

static mrq_status no_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "relating items");
}

/* Items with a like, the most liked first, equal ones by row; `place` (items) is the inverse, MRQ_NONE without likes. */
static mrq_status order_items(const mrq_links *likes, uint32_t users, uint32_t items, mrq_arena *arena, mrq_sparse_gram *g,
                              uint32_t *place, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *count = mrq_array(items, sizeof *count);
    MRQ_AUTOFREE uint64_t *first = mrq_array((size_t)users + 2, sizeof *first);
    if (!count || !first)
        return no_memory(err);
    for (uint64_t i = 0; i < likes->list.offset[users]; i++)
        count[likes->list.item[i]]++;
    for (uint32_t m = 0; m < items; m++) {
        first[users - count[m] + 1]++; /* those with more likes come first */
        g->n += count[m] > 0;
    }
    for (uint32_t c = 0; c < users; c++)
        first[c + 1] += first[c];
    uint32_t *item = mrq_arena_array(arena, g->n, sizeof *item);
    if (!item)
        return no_memory(err);
    for (uint32_t m = 0; m < items; m++) {
        place[m] = MRQ_NONE;
        if (!count[m])
            continue;
        place[m] = (uint32_t)first[users - count[m]]++;
        item[place[m]] = m;
    }
    g->item = item;
    return MRQ_OK;
}

struct entry {
    uint32_t place;
    float value;
    uint32_t age;
};

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Which of a user's `n` likes are used, spread evenly: the number of those before place `i` of the list. */
static uint64_t used(uint64_t i, uint64_t n)
{
    return n <= MRQ_GRAM_LIKES ? i : i * MRQ_GRAM_LIKES / n;
}

/* A user's likes in places, ascending, weighted. Returns how many are used; they are first in `list`. */
static uint32_t list_likes(const mrq_links *likes, const uint32_t *like_age, uint32_t user, double root, const uint32_t *place,
                           struct entry *list)
{
    const uint64_t first = likes->list.offset[user], n = likes->list.offset[user + 1] - first;
    uint32_t kept = 0;
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t age = like_age ? like_age[first + i] : 0;
        const float weight = like_age ? (float)mrq_recency(age) : (float)root;
        list[i] = (struct entry){place[likes->list.item[first + i]], weight * likes->strength[first + i], age};
    }
    qsort(list, n, sizeof *list, by_place);
    for (uint64_t i = 0; i < n; i++)
        if (like_age ? list[i].age < MRQ_GRAM_LIKES : used(i + 1, n) > used(i, n))
            list[kept++] = list[i];
    return kept;
}

/* The users' lists in places, weighted. */
static mrq_status list_by_user(const mrq_links *likes, const uint32_t *like_age, uint32_t users, double damping,
                               const uint32_t *place, mrq_arena *arena, mrq_sparse_gram *g, mrq_error *err)
{
    const uint64_t *offset = likes->list.offset;
    uint64_t *to = mrq_arena_array(arena, (size_t)users + 1, sizeof *to), longest = 0;
    double weighted = 0;
    if (!to)
        return no_memory(err);
    for (uint32_t u = 0; u < users; u++) {
        const uint64_t n = offset[u + 1] - offset[u];
        to[u + 1] = to[u] + used(n, n);
        longest = n > longest ? n : longest;
        weighted += n ? pow((double)n, 1 - damping) : 0;
    }
    uint32_t *item = mrq_arena_array(arena, to[users], sizeof *item);
    float *strength = mrq_arena_array(arena, to[users], sizeof *strength);
    uint32_t *age = like_age ? mrq_arena_array(arena, to[users], sizeof *age) : NULL;
    MRQ_AUTOFREE struct entry *list = mrq_array(longest, sizeof *list);
    if (!item || !strength || !list || (like_age && !age))
        return no_memory(err);
    const double norm = weighted > 0 ? (double)offset[users] / weighted : 1;
    for (uint32_t u = 0; u < users; u++) {
        const uint64_t n = offset[u + 1] - offset[u];
        const uint32_t kept = list_likes(likes, like_age, u, n ? sqrt(norm * pow((double)n, -damping)) : 0, place, list);
        for (uint32_t i = 0; i < kept; i++) {
            item[to[u] + i] = list[i].place;
            strength[to[u] + i] = list[i].value;
            if (age)
                age[to[u] + i] = list[i].age;
        }
    }
    g->by_user = (mrq_links){{to, item}, strength};
    g->age = age;
    const uint32_t ages = longest < MRQ_GRAM_LIKES ? (uint32_t)longest : MRQ_GRAM_LIKES;
    return age && mrq_succession_make(ages, arena, &g->succession) ? no_memory(err) : MRQ_OK;
}

int mrq_links_transpose(const mrq_links *links, uint32_t from, uint32_t to, mrq_arena *arena, mrq_links *out)
{
    const uint64_t n = links->list.offset[from];
    uint64_t *offset = mrq_arena_array(arena, (size_t)to + 1, sizeof *offset);
    MRQ_AUTOFREE uint64_t *next = mrq_array((size_t)to + 1, sizeof *next);
    uint32_t *item = mrq_arena_array(arena, n, sizeof *item);
    float *strength = mrq_arena_array(arena, n, sizeof *strength);
    if (!offset || !next || !item || !strength)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        offset[links->list.item[i] + 1]++;
    for (uint32_t i = 0; i < to; i++)
        next[i + 1] = offset[i + 1] += offset[i];
    for (uint32_t row = 0; row < from; row++)
        for (uint64_t i = links->list.offset[row]; i < links->list.offset[row + 1]; i++) {
            const uint64_t at = next[links->list.item[i]]++;
            item[at] = row;
            strength[at] = links->strength[i];
        }
    *out = (mrq_links){{offset, item}, strength};
    return 0;
}

static mrq_status list_by_item(uint32_t users, mrq_arena *arena, mrq_sparse_gram *g, mrq_error *err)
{
    float *diagonal = mrq_arena_array(arena, g->n, sizeof *diagonal);
    if (!diagonal || mrq_links_transpose(&g->by_user, users, g->n, arena, &g->by_item))
        return no_memory(err);
    for (uint64_t i = 0; i < g->by_user.list.offset[users]; i++)
        diagonal[g->by_user.list.item[i]] +=
            g->age ? mrq_together(&g->succession, g->age[i], g->age[i]) : g->by_user.strength[i] * g->by_user.strength[i];
    g->diagonal = diagonal;
    return MRQ_OK;
}

int mrq_gram_scratch_make(mrq_gram_scratch *scratch, uint32_t n)
{
    *scratch = (mrq_gram_scratch){mrq_array(n, sizeof(float)), mrq_array((size_t)n / 4096 + 1, sizeof(uint64_t)),
                                  mrq_array(n, sizeof(uint32_t)), mrq_array(n, sizeof(float))};
    return scratch->sum && scratch->mark && scratch->place && scratch->value ? 0 : -1;
}

void mrq_gram_scratch_clear(mrq_gram_scratch *scratch)
{
    mrq_free(scratch->sum);
    mrq_free(scratch->mark);
    mrq_free(scratch->place);
    mrq_free(scratch->value);
}

/* Moves the sums of 64 places from `first` on into the row. */
static uint32_t collect(mrq_gram_scratch *scratch, uint32_t first, uint32_t end, uint32_t n)
{
    for (uint32_t to = first; to < first + 64 && to < end; to++)
        if (scratch->sum[to] != 0) {
            scratch->place[n] = to;
            scratch->value[n++] = scratch->sum[to];
            scratch->sum[to] = 0;
        }
    return n;
}

enum product { PLAIN, TOGETHER, FOLLOWED };

/* Adds the products of a user's like, number `at` in by_user, with his likes of places below `end`. */
static inline __attribute__((always_inline)) void add_products(const mrq_sparse_gram *g, uint32_t user, uint64_t at, float weight,
                                                               uint32_t end, enum product product, mrq_gram_scratch *scratch)
{
    const mrq_links *users = &g->by_user;
    for (uint64_t j = users->list.offset[user]; j < users->list.offset[user + 1] && users->list.item[j] < end; j++) {
        const uint32_t to = users->list.item[j];
        scratch->sum[to] += product == PLAIN      ? weight * users->strength[j]
                            : product == TOGETHER ? mrq_together(&g->succession, g->age[at], g->age[j])
                                                  : mrq_followed(&g->succession, g->age[j], g->age[at]);
        scratch->mark[to / 4096] |= UINT64_C(1) << (to / 64 % 64);
    }
}

/* The sums that are not zero, which are zero then. */
static mrq_gram_row take_row(mrq_gram_scratch *scratch, uint32_t end)
{
    uint32_t n = 0;
    for (uint32_t word = 0; word <= (end - 1) / 4096; word++)
        for (; scratch->mark[word]; scratch->mark[word] &= scratch->mark[word] - 1)
            n = collect(scratch, (word * 64 + (uint32_t)__builtin_ctzll(scratch->mark[word])) * 64, end, n);
    return (mrq_gram_row){n, scratch->place, scratch->value};
}

mrq_gram_row mrq_sparse_gram_row(const mrq_sparse_gram *gram, uint32_t i, uint32_t end, mrq_gram_scratch *scratch)
{
    for (uint64_t f = gram->by_item.list.offset[i]; f < gram->by_item.list.offset[i + 1]; f++) {
        const uint32_t user = gram->by_item.list.item[f];
        if (gram->age)
            add_products(gram, user, mrq_lists_find(&gram->by_user.list, user, i), 1, end, TOGETHER, scratch);
        else
            add_products(gram, user, 0, gram->by_item.strength[f], end, PLAIN, scratch);
    }
    return take_row(scratch, end);
}

mrq_gram_row mrq_sparse_gram_targets(const mrq_sparse_gram *gram, uint32_t i, mrq_gram_scratch *scratch)
{
    if (!gram->age)
        return mrq_sparse_gram_row(gram, i, gram->n, scratch);
    for (uint64_t f = gram->by_item.list.offset[i]; f < gram->by_item.list.offset[i + 1]; f++) {
        const uint32_t user = gram->by_item.list.item[f];
        add_products(gram, user, mrq_lists_find(&gram->by_user.list, user, i), 1, gram->n, FOLLOWED, scratch);
    }
    return take_row(scratch, gram->n);
}

/* Some rows of the triangle, made by one thread. */
struct block {
    uint32_t *place; /* (n) of all rows, one after the other */
    float *value;    /* (n) */
    size_t n, capacity, value_capacity;
    uint64_t left_out;
    uint32_t count[BLOCK];
    bool failed; /* out of memory */
};

struct rows {
    const mrq_sparse_gram *gram;
    uint32_t row_max;
    struct block *block;
};

/* Keeps the `most` entries with the largest cosines; the last one, the diagonal, is always kept. */
static int shorten(const mrq_sparse_gram *g, mrq_gram_scratch *scratch, uint32_t *n, uint32_t most)
{
    if (*n <= most)
        return 0;
    MRQ_AUTOFREE uint32_t *kept = mrq_array(most, sizeof *kept);
    MRQ_AUTOFREE float *cosine = mrq_array(most, sizeof *cosine);
    if (!kept || !cosine)
        return -1;
    mrq_largest largest = {most, 0, kept, cosine};
    for (uint32_t i = 0; i < *n; i++) {
        const float value = scratch->value[i];
        mrq_largest_offer(&largest, i, i + 1 == *n ? INFINITY : value * value / g->diagonal[scratch->place[i]]);
    }
    mrq_list_sort(kept, most);
    for (uint32_t i = 0; i < most; i++) {
        scratch->place[i] = scratch->place[kept[i]];
        scratch->value[i] = scratch->value[kept[i]];
    }
    *n = most;
    return 0;
}

static int add_to_block(const struct rows *r, struct block *b, uint32_t i, uint32_t in_block, mrq_gram_scratch *scratch)
{
    const mrq_gram_row row = mrq_sparse_gram_row(r->gram, i, i + 1, scratch);
    uint32_t n = row.n;
    if (shorten(r->gram, scratch, &n, r->row_max) || mrq_grow_lazily(&b->place, &b->capacity, b->n + n, sizeof *b->place) ||
        mrq_grow_lazily(&b->value, &b->value_capacity, b->n + n, sizeof *b->value))
        return -1;
    if (!n)
        return 0; /* none of its likes is used; nothing may be allocated yet */
    memcpy(b->place + b->n, row.place, n * sizeof *row.place);
    memcpy(b->value + b->n, row.value, n * sizeof *row.value);
    b->left_out += row.n - n;
    b->count[in_block] = n;
    b->n += n;
    return 0;
}

static void make_block(void *context, uint64_t number)
{
    const struct rows *r = context;
    struct block *b = &r->block[number];
    const uint32_t first = (uint32_t)number * BLOCK, end = first + BLOCK < r->gram->n ? first + BLOCK : r->gram->n;
    mrq_gram_scratch scratch;
    b->failed = mrq_gram_scratch_make(&scratch, end) != 0;
    for (uint32_t i = first; i < end && !b->failed; i++)
        b->failed = add_to_block(r, b, i, i - first, &scratch) != 0;
    mrq_gram_scratch_clear(&scratch);
    mrq_shrink(&b->place, b->n, sizeof *b->place);
    mrq_shrink(&b->value, b->n, sizeof *b->value);
}

/* The rows of the triangle. The arena takes over the blocks' memory. */
static mrq_status make_lower(mrq_sparse_gram *g, uint32_t row_max, uint32_t threads, mrq_arena *arena, mrq_error *err)
{
    const uint32_t blocks = (g->n + BLOCK - 1) / BLOCK;
    mrq_gram_row *lower = mrq_arena_array(arena, g->n, sizeof *lower);
    MRQ_AUTOFREE struct block *block = mrq_array(blocks, sizeof *block);
    if (!lower || !block)
        return no_memory(err);
    mrq_parallel(threads, blocks, make_block, &(struct rows){g, row_max, block});
    bool failed = false;
    for (uint32_t b = 0; b < blocks; b++) {
        const bool owned = mrq_arena_own(arena, block[b].place) == 0;
        if (!owned)
            mrq_free(block[b].place);
        const bool both = mrq_arena_own(arena, block[b].value) == 0;
        if (!both)
            mrq_free(block[b].value);
        failed |= block[b].failed || !owned || !both;
        g->left_out += block[b].left_out;
        uint64_t at = 0;
        for (uint32_t i = b * BLOCK; i < g->n && i < (b + 1) * BLOCK; at += block[b].count[i++ % BLOCK])
            lower[i] = (mrq_gram_row){block[b].count[i % BLOCK], block[b].place + at, block[b].value + at};
    }
    g->lower = lower;
    return failed ? no_memory(err) : MRQ_OK;
}

mrq_status mrq_sparse_gram_make(const mrq_links *likes, const uint32_t *age, uint32_t users, uint32_t items, double damping,
                                uint32_t row_max, uint32_t threads, mrq_arena *arena, mrq_sparse_gram *out, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *place = mrq_array(items, sizeof *place);
    *out = (mrq_sparse_gram){0};
    if (!place)
        return no_memory(err);
    MRQ_TRY(order_items(likes, users, items, arena, out, place, err));
    MRQ_TRY(list_by_user(likes, age, users, damping, place, arena, out, err));
    MRQ_TRY(list_by_item(users, arena, out, err));
    return make_lower(out, row_max, threads, arena, err);
}
