/* Ratings are grouped by user, which keeps the order of the file, and each user's are then sorted by time and by their place in the
 * file. */
#include "eval/sequence.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { STREAM_ASKED = 0x4e47 };

struct moment {
    int64_t time;
    uint32_t rating;
};

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : (x->rating > y->rating) - (x->rating < y->rating);
}

static struct moment moment_of(const mrq_dataset *data, uint32_t rating)
{
    return (struct moment){data->time ? data->time[rating] : 0, rating};
}

/* Groups the ratings `list` (n) by user, each user's in order: `offset` (users + 1), zero on entry, and `out` (n). */
static mrq_status put_in_order(const mrq_dataset *data, const uint32_t *list, uint64_t n, uint64_t *offset, uint32_t *out,
                               mrq_error *err)
{
    const uint32_t users = data->users->rows;
    if (mrq_list_group(list, n, data->user, users, offset, out))
        return mrq_fail_memory(err, "ordering likes");
    uint64_t longest = 0;
    for (uint32_t u = 0; u < users; u++)
        longest = offset[u + 1] - offset[u] > longest ? offset[u + 1] - offset[u] : longest;
    MRQ_AUTOFREE struct moment *moment = mrq_array(longest, sizeof *moment);
    if (!moment)
        return mrq_fail_memory(err, "ordering likes");
    for (uint32_t u = 0; u < users && data->time; u++) {
        uint32_t *of = out + offset[u];
        const uint64_t size = offset[u + 1] - offset[u];
        for (uint64_t i = 0; i < size; i++)
            moment[i] = moment_of(data, of[i]);
        qsort(moment, size, sizeof *moment, by_moment);
        for (uint64_t i = 0; i < size; i++)
            of[i] = moment[i].rating;
    }
    return MRQ_OK;
}

mrq_status mrq_sequence_divide(const mrq_dataset *data, unsigned char *part, mrq_error *err)
{
    const uint32_t users = data->users->rows;
    MRQ_AUTOFREE uint32_t *like = mrq_array(data->n, sizeof *like), *order = mrq_array(data->n, sizeof *order);
    MRQ_AUTOFREE uint64_t *offset = mrq_array((size_t)users + 1, sizeof *offset);
    MRQ_AUTOFREE struct moment *valid = mrq_array(users, sizeof *valid);
    if (!like || !order || !offset || !valid)
        return mrq_fail_memory(err, "ordering likes");
    uint64_t n = 0;
    for (uint64_t i = 0; i < data->n; i++)
        if ((double)data->rating[i] >= data->like)
            like[n++] = (uint32_t)i;
    MRQ_TRY(put_in_order(data, like, n, offset, order, err));
    memset(part, MRQ_PART_TRAIN, data->n);
    for (uint32_t u = 0; u < users; u++) {
        if (offset[u + 1] - offset[u] < 3)
            continue;
        valid[u] = moment_of(data, order[offset[u + 1] - 2]);
        part[valid[u].rating] = MRQ_PART_VALID;
        part[order[offset[u + 1] - 1]] = MRQ_PART_TEST;
    }
    for (uint64_t i = 0; i < data->n; i++) {
        const uint32_t u = data->user[i];
        const struct moment now = moment_of(data, (uint32_t)i);
        if (part[i] == MRQ_PART_TRAIN && offset[u + 1] - offset[u] >= 3 && by_moment(&now, &valid[u]) > 0)
            part[i] = MRQ_PART_NOWHERE;
    }
    return MRQ_OK;
}

/* The relevant items of each user in the order of their ratings in the test part. */
static mrq_status order_relevant(const mrq_dataset *data, const mrq_parts *parts, uint32_t *item, mrq_error *err)
{
    const mrq_split *split = &parts->split;
    const uint32_t users = data->users->rows;
    MRQ_AUTOFREE uint32_t *order = mrq_array(split->n_test, sizeof *order);
    MRQ_AUTOFREE uint64_t *offset = mrq_array((size_t)users + 1, sizeof *offset);
    MRQ_AUTOFREE unsigned char *taken = mrq_array(parts->relevant.offset[users], 1);
    if (!order || !offset || !taken)
        return mrq_fail_memory(err, "ordering likes");
    MRQ_TRY(put_in_order(data, split->test, split->n_test, offset, order, err));
    uint64_t n = 0;
    for (uint64_t i = 0; i < split->n_test; i++) {
        const uint32_t rated = data->item[order[i]];
        const uint64_t place = mrq_lists_find(&parts->relevant, data->user[order[i]], rated);
        if (place == UINT64_MAX || taken[place])
            continue;
        taken[place] = 1;
        item[n++] = rated;
    }
    return MRQ_OK;
}

mrq_status mrq_sequence_ask(const mrq_dataset *data, uint64_t seed, mrq_parts *parts, mrq_error *err)
{
    const uint32_t users = data->users->rows;
    const uint64_t *of = parts->relevant.offset, all = of[users];
    uint64_t wanted = all < MRQ_ASKED_MAX ? all : MRQ_ASKED_MAX, left = all;
    uint32_t *item = mrq_arena_array(parts->arena, all, sizeof *item);
    uint32_t *user = mrq_arena_array(parts->arena, wanted, sizeof *user);
    uint32_t *place = mrq_arena_array(parts->arena, wanted, sizeof *place);
    if (!item || !user || !place)
        return mrq_fail_memory(err, "ordering likes");
    MRQ_TRY(order_relevant(data, parts, item, err));
    mrq_random rng;
    mrq_random_init(&rng, seed, STREAM_ASKED);
    parts->n_users = 0;
    for (uint32_t u = 0; u < users; u++)
        for (uint64_t i = of[u]; i < of[u + 1]; i++, left--)
            if (mrq_random_below(&rng, left) < wanted) {
                user[parts->n_users] = u;
                place[parts->n_users++] = (uint32_t)(i - of[u]);
                wanted--;
            }
    parts->n_all = all;
    parts->user = user;
    parts->place = place;
    parts->known = (mrq_lists){of, item};
    return MRQ_OK;
}
