/* Likes: for each user the items with a high rating. Ratings are sorted by item and then by user, both times stably: so every
 * user's list is ascending, and ratings of the same item stay in the order of the file.
 *
 * The strength of a like varies little on purpose: on ml-1m's validation part 0.1 was better than 0 and than larger values. */
#include "model/likes.h"

#include <math.h>

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
