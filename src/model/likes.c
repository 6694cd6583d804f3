/* Likes: for each user the items with a high rating. Ratings are sorted by item and then by user, both times stably: so every
 * user's list is ascending, and ratings of the same item stay in the order of the file.
 *
 * The strength of a like varies little on purpose: on ml-1m's validation part 0.1 was better than 0 and than larger values. */
#include "model/likes.h"

#include <math.h>
#include <stdlib.h>

#define TENTH 0.1
#define MOST  2.0 /* standard deviations: limits the strength, so that one weak like among a thousand strong ones still counts */

/* Keeps, for each user and item, the last rating if it is a like; `offset` is updated. */
static void keep_likes(const mrq_model_source *source, uint64_t *offset, uint32_t *rating)
{
    uint64_t kept = 0, first = 0;
    for (uint32_t u = 0; u < source->users->rows; u++) {
        const uint64_t end = offset[u + 1];
        for (uint64_t i = first; i < end; i++) {
            const bool last = i + 1 == end || source->rating_item[rating[i + 1]] != source->rating_item[rating[i]];
            if (last && (double)source->rating[rating[i]] >= source->like)
                rating[kept++] = rating[i];
        }
        first = end;
        offset[u + 1] = kept;
    }
}

static double value(const mrq_model_source *source, uint32_t rating)
{
    return (double)source->rating[rating];
}

/* The strengths of `n` likes. */
static void measure(const mrq_model_source *source, uint64_t n, const uint32_t *rating, float *strength)
{
    double mean = 0, variance = 0;
    for (uint64_t i = 0; i < n; i++)
        mean += value(source, rating[i]) / (double)n;
    for (uint64_t i = 0; i < n; i++)
        variance += (value(source, rating[i]) - mean) * (value(source, rating[i]) - mean) / (double)n;
    const double deviation = sqrt(variance);
    for (uint64_t i = 0; i < n; i++) {
        const double z = deviation > 1e-6 ? (value(source, rating[i]) - mean) / deviation : 0;
        strength[i] = (float)(1 + TENTH * fmax(-MOST, fmin(MOST, z)));
    }
}

static void copy_values(const mrq_model_source *source, uint64_t n, const uint32_t *rating, float *out)
{
    for (uint64_t i = 0; i < n; i++)
        out[i] = source->rating[rating[i]];
}

/* Lists the likes, each with a number made by `number`. */
static mrq_status make(const mrq_model_source *source,
                       void (*number)(const mrq_model_source *source, uint64_t n, const uint32_t *rating, float *out),
                       mrq_arena *arena, mrq_links *out, mrq_error *err)
{
    const uint32_t users = source->users->rows, items = source->items->rows;
    uint64_t *offset = mrq_arena_array(arena, (size_t)users + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(arena, source->n_train, sizeof *item);
    MRQ_AUTOFREE uint64_t *of_items = mrq_array((size_t)items + 1, sizeof *of_items);
    MRQ_AUTOFREE uint32_t *by_item = mrq_array(source->n_train, sizeof *by_item);
    if (!offset || !item || !of_items || !by_item ||
        mrq_list_group(source->train, source->n_train, source->rating_item, items, of_items, by_item) ||
        mrq_list_group(by_item, source->n_train, source->rating_user, users, offset, item))
        return mrq_fail_memory(err, "gathering likes");
    keep_likes(source, offset, item);
    float *strength = mrq_arena_array(arena, offset[users], sizeof *strength);
    if (!strength)
        return mrq_fail_memory(err, "gathering likes");
    number(source, offset[users], item, strength);
    for (uint64_t i = 0; i < offset[users]; i++)
        item[i] = source->rating_item[item[i]];
    *out = (mrq_links){{offset, item}, strength};
    return MRQ_OK;
}

mrq_status mrq_likes_make(const mrq_model_source *source, mrq_arena *arena, mrq_links *out, mrq_error *err)
{
    return make(source, measure, arena, out, err);
}

mrq_status mrq_likes_values(const mrq_model_source *source, mrq_arena *arena, mrq_links *out, mrq_error *err)
{
    return make(source, copy_values, arena, out, err);
}

struct moment {
    int64_t time;
    uint32_t rating;
    uint64_t like;
};

static int by_newest(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    return x->time != y->time ? (x->time < y->time) - (x->time > y->time) : (x->rating < y->rating) - (x->rating > y->rating);
}

uint32_t *mrq_likes_ages(const mrq_model_source *source, const mrq_links *likes, mrq_arena *arena)
{
    const uint32_t users = source->users->rows;
    const uint64_t *offset = likes->list.offset, n = offset[users];
    uint32_t *age = mrq_arena_array(arena, n, sizeof *age);
    MRQ_AUTOFREE struct moment *moment = mrq_array(n, sizeof *moment);
    if (!age || !moment)
        return NULL;
    for (uint64_t i = 0; i < source->n_train; i++) { /* of an item rated twice the last rating is written last */
        const uint32_t rating = source->train[i];
        const uint64_t like = mrq_lists_find(&likes->list, source->rating_user[rating], source->rating_item[rating]);
        if (like != UINT64_MAX)
            moment[like] = (struct moment){source->rating_time ? source->rating_time[rating] : 0, rating, like};
    }
    for (uint32_t u = 0; u < users; u++) {
        struct moment *of = moment + offset[u];
        const uint64_t likes_of = offset[u + 1] - offset[u];
        qsort(of, likes_of, sizeof *of, by_newest);
        for (uint64_t i = 0; i < likes_of; i++)
            age[of[i].like] = (uint32_t)i;
    }
    return age;
}

mrq_status mrq_ages_load(const mrq_container *container, const char *name, const mrq_lists *likes, uint32_t users,
                         const uint32_t **out, mrq_error *err)
{
    size_t count = likes->offset[users];
    const void *data;
    MRQ_TRY(mrq_container_get(container, sizeof **out, &count, &data, err, "%s", name));
    const uint32_t *age = data;
    for (uint32_t u = 0; u < users; u++)
        for (uint64_t i = likes->offset[u]; i < likes->offset[u + 1]; i++)
            if (age[i] >= likes->offset[u + 1] - likes->offset[u])
                return mrq_container_bad(container, err, "%s: a like of user %u has age %u, want less than %llu", name, u, age[i],
                                         (unsigned long long)(likes->offset[u + 1] - likes->offset[u]));
    *out = age;
    return MRQ_OK;
}
