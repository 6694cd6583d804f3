/* Each protocol assigns every rating to a part; the lists of likes follow from the parts in the same way for all. Likes are divided
 * as pairs of user and item: an item that a user rated twice is not in both the training and the test part. */
#include "eval/protocol.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "eval/sequence.h"
#include "model/likes.h"
#include "train/evaluate.h"
#include "train/train.h"

enum { STREAM_LIKES = 0x70b1, STREAM_USERS = 0xc01d, STREAM_ITEMS = 0xc01e };
enum { TRAIN = MRQ_PART_TRAIN, VALID = MRQ_PART_VALID, TEST = MRQ_PART_TEST, NOWHERE = MRQ_PART_NOWHERE };
enum { TESTED_MIN = 2 }; /* users in the test: one user has no confidence interval */
#define HELD_OUT 0.1     /* share of the users or items */
#define LATEST   0.2     /* share of the ratings */

const char *const mrq_protocol_names[] = {"rating", "topn", "time", "cold-users", "cold-items",
                                          "last",   "next", "own",  "given",      NULL};

/* The noun stands between the two, if there are two. */
static const char *const meanings[][2] = {
    {"the test is a random tenth of the ratings; it measures the error of the predicted stars"},
    {"each user's likes in random order: the first 80% for training, up to 90% for validation, the rest to be found among all ",
     " except those; ratings below a like are in the training part"},
    {"the latest 20% of all ratings are the test; the likes among them are to be found among all ",
     " except the user's training likes; users without earlier ratings are new to the model"},
    {"a random tenth of the users is held out and known by categories alone; their likes are to be found among all ", ""},
    {"a random tenth of the liked ", " is held out and known by content alone; only these are ranked, for each user who likes one"},
    {"each user's last like is the test and the one before it validation; training has neither, nor what else the user rated after "
     "them; when a user is asked, all but the last are known; the last is to be found among all ",
     " except those; users with fewer than three likes are not asked"},
    {"the latest 20% of all ratings are replayed in order of time, after training on the others: each like in them is to be found "
     "among all ",
     " except those that the user liked before it, which are known then"},
    {"the trained model's own test part; the likes in it are to be found among all ", " except the user's other likes"},
    {"one file is for training, the likes in the other are to be found among all ",
     " of both files except the user's training likes"},
};

void mrq_protocol_meaning(mrq_protocol protocol, const mrq_noun *noun, char out[MRQ_PROTOCOL_MEANING])
{
    const char *rest = meanings[protocol][1];
    snprintf(out, MRQ_PROTOCOL_MEANING, "%s%s%s", meanings[protocol][0], rest ? noun->many : "", rest ? rest : "");
}

mrq_items mrq_parts_wanted(const mrq_parts *parts, uint32_t i)
{
    const mrq_lists *lists = parts->place ? &parts->known : &parts->relevant;
    const uint64_t *of = lists->offset + parts->user[i];
    return parts->place ? (mrq_items){lists->item + of[0] + parts->place[i], 1}
                        : (mrq_items){lists->item + of[0], (uint32_t)(of[1] - of[0])};
}

mrq_items mrq_parts_known(const mrq_parts *parts, uint32_t i)
{
    if (!parts->known.offset)
        return (mrq_items){NULL, 0};
    const uint64_t *of = parts->known.offset + parts->user[i];
    return (mrq_items){parts->known.item + of[0], parts->place ? parts->place[i] : (uint32_t)(of[1] - of[0])};
}

bool mrq_protocol_has_valid(mrq_protocol protocol)
{
    return protocol == MRQ_PROTOCOL_TOPN || protocol == MRQ_PROTOCOL_LAST;
}

bool mrq_protocol_by_time(mrq_protocol protocol)
{
    return protocol == MRQ_PROTOCOL_TIME || protocol == MRQ_PROTOCOL_LAST || protocol == MRQ_PROTOCOL_NEXT;
}

/* The likes among the ratings `list` (n), by mrq_likes_make(). */
static mrq_status find_likes(const mrq_dataset *data, const uint32_t *list, uint64_t n, mrq_arena *arena, mrq_links *out,
                             mrq_error *err)
{
    const mrq_model_source source = mrq_train_source(data, list, n);
    return mrq_likes_make(&source, arena, out, err);
}

static mrq_status find_all_likes(const mrq_dataset *data, mrq_arena *arena, mrq_lists *out, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *all = mrq_array(data->n, sizeof *all);
    if (!all)
        return mrq_fail_memory(err, "dividing likes");
    for (uint64_t i = 0; i < data->n; i++)
        all[i] = (uint32_t)i;
    mrq_links likes = {0};
    MRQ_TRY(find_likes(data, all, data->n, arena, &likes, err));
    *out = likes.list;
    return MRQ_OK;
}

/* topn: of each user's n likes in random order, 80 % for training, 10 % for validation, 10 % for the test. */
static mrq_status divide_likes(const mrq_dataset *data, uint64_t seed, unsigned char *part, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    if (!arena)
        return mrq_fail_memory(err, "dividing likes");
    mrq_lists likes = {0};
    MRQ_TRY(find_all_likes(data, arena, &likes, err));
    const uint64_t n_likes = likes.offset[data->users->rows];
    unsigned char *part_of = mrq_arena_array(arena, n_likes, 1);
    uint32_t *order = mrq_arena_array(arena, data->items->rows, sizeof *order);
    if (!part_of || !order)
        return mrq_fail_memory(err, "dividing likes");
    mrq_random rng;
    mrq_random_init(&rng, seed, STREAM_LIKES);
    for (uint32_t u = 0; u < data->users->rows; u++) {
        const uint64_t first = likes.offset[u], n = likes.offset[u + 1] - first;
        for (uint64_t i = 0; i < n; i++)
            order[i] = (uint32_t)i;
        mrq_random_shuffle(&rng, order, n);
        for (uint64_t i = 0; i < n; i++)
            part_of[first + order[i]] = i < n * 8 / 10 ? TRAIN : i < n * 9 / 10 ? VALID : TEST;
    }
    for (uint64_t i = 0; i < data->n; i++) {
        const uint64_t place = mrq_lists_find(&likes, data->user[i], data->item[i]);
        part[i] = place == UINT64_MAX ? TRAIN : part_of[place];
    }
    return MRQ_OK;
}

/* Chooses a random tenth of `rows` (n): 1 in `out`. */
static mrq_status hold_out(const uint32_t *rows, uint32_t n, uint64_t seed, uint64_t stream, const char *what, unsigned char *out,
                           mrq_error *err)
{
    const uint32_t wanted = (uint32_t)lround(HELD_OUT * n);
    if (n < 10)
        return mrq_fail(err, MRQ_USAGE, "%s: %u, want at least 10 to hold a tenth of them out", what, n);
    MRQ_AUTOFREE uint32_t *order = mrq_array(n, sizeof *order);
    if (!order)
        return mrq_fail_memory(err, "holding out");
    memcpy(order, rows, n * sizeof *order);
    mrq_random rng;
    mrq_random_init(&rng, seed, stream);
    mrq_random_shuffle(&rng, order, n);
    for (uint32_t i = 0; i < wanted; i++)
        out[order[i]] = 1;
    return MRQ_OK;
}

static mrq_status divide_users(const mrq_dataset *data, uint64_t seed, unsigned char *part, mrq_error *err)
{
    if (!mrq_table_first(data->users, MRQ_CATEGORY))
        return mrq_fail(err, MRQ_USAGE, "cold-users: the users have no categories, such as age, to describe a new user by");
    const uint32_t rows = data->users->rows;
    MRQ_AUTOFREE uint32_t *rater = mrq_array(rows, sizeof *rater);
    MRQ_AUTOFREE unsigned char *rates = mrq_array(rows, 1), *held = mrq_array(rows, 1);
    if (!rater || !rates || !held)
        return mrq_fail_memory(err, "holding out");
    for (uint64_t i = 0; i < data->n; i++)
        rates[data->user[i]] = 1;
    uint32_t n = 0;
    for (uint32_t u = 0; u < rows; u++)
        if (rates[u])
            rater[n++] = u;
    MRQ_TRY(hold_out(rater, n, seed, STREAM_USERS, "cold-users: users with ratings", held, err));
    for (uint64_t i = 0; i < data->n; i++)
        part[i] = held[data->user[i]] ? TEST : TRAIN;
    return MRQ_OK;
}

static mrq_status divide_items(const mrq_dataset *data, double least, uint64_t seed, unsigned char *part, unsigned char *held,
                               mrq_error *err)
{
    const uint32_t rows = data->items->rows;
    MRQ_AUTOFREE uint32_t *liked = mrq_array(rows, sizeof *liked);
    MRQ_AUTOFREE unsigned char *likes = mrq_array(rows, 1);
    if (!liked || !likes)
        return mrq_fail_memory(err, "holding out");
    for (uint64_t i = 0; i < data->n; i++)
        if ((double)data->rating[i] >= least)
            likes[data->item[i]] = 1;
    uint32_t n = 0;
    for (uint32_t m = 0; m < rows; m++)
        if (likes[m])
            liked[n++] = m;
    MRQ_TRY(hold_out(liked, n, seed, STREAM_ITEMS, "cold-items: items with likes", held, err));
    for (uint64_t i = 0; i < data->n; i++)
        part[i] = held[data->item[i]] ? TEST : TRAIN;
    return MRQ_OK;
}

/* Turns the part of each rating into one list of ratings per part. */
static mrq_status gather(const unsigned char *part, uint64_t n, mrq_split *out, mrq_error *err)
{
    mrq_split split = {
        .train = mrq_array(n, sizeof(uint32_t)), .valid = mrq_array(n, sizeof(uint32_t)), .test = mrq_array(n, sizeof(uint32_t))};
    if (!split.train || !split.valid || !split.test) {
        mrq_split_clear(&split);
        return mrq_fail_memory(err, "dividing ratings");
    }
    for (uint64_t i = 0; i < n; i++) {
        if (part[i] == TRAIN)
            split.train[split.n_train++] = (uint32_t)i;
        else if (part[i] == VALID)
            split.valid[split.n_valid++] = (uint32_t)i;
        else if (part[i] == TEST)
            split.test[split.n_test++] = (uint32_t)i;
    }
    *out = split;
    return MRQ_OK;
}

static mrq_status divide(const mrq_dataset *data, mrq_protocol protocol, bool on_valid, uint64_t seed, mrq_parts *parts,
                         mrq_error *err)
{
    MRQ_AUTOFREE unsigned char *part = mrq_array(data->n, 1);
    unsigned char *held = mrq_arena_array(parts->arena, data->items->rows, 1);
    if (!part || !held)
        return mrq_fail_memory(err, "dividing ratings");
    if (protocol == MRQ_PROTOCOL_TOPN)
        MRQ_TRY(divide_likes(data, seed, part, err));
    else if (protocol == MRQ_PROTOCOL_LAST)
        MRQ_TRY(mrq_sequence_divide(data, part, err));
    else if (protocol == MRQ_PROTOCOL_GIVEN)
        memset(part + data->n_train, TEST, data->n - data->n_train);
    else if (protocol == MRQ_PROTOCOL_COLD_USERS)
        MRQ_TRY(divide_users(data, seed, part, err));
    else
        MRQ_TRY(divide_items(data, parts->least, seed, part, held, err));
    for (uint64_t i = 0; on_valid && i < data->n; i++)
        part[i] = part[i] == VALID ? TEST : part[i] == TEST ? NOWHERE : part[i];
    parts->candidate = protocol == MRQ_PROTOCOL_COLD_ITEMS ? held : NULL;
    return gather(part, data->n, &parts->split, err);
}

/* The union of two lists of items for each user. */
static mrq_status join(const mrq_lists *a, const mrq_lists *b, uint32_t users, mrq_arena *arena, mrq_lists *out, mrq_error *err)
{
    uint64_t *offset = mrq_arena_array(arena, (size_t)users + 1, sizeof *offset), n = 0;
    uint32_t *item = mrq_arena_array(arena, a->offset[users] + b->offset[users], sizeof *item);
    if (!offset || !item)
        return mrq_fail_memory(err, "dividing likes");
    for (uint32_t u = 0; u < users; u++) {
        uint64_t i = a->offset[u], j = b->offset[u];
        while (i < a->offset[u + 1] || j < b->offset[u + 1]) {
            const uint32_t x = i < a->offset[u + 1] ? a->item[i] : MRQ_NONE, y = j < b->offset[u + 1] ? b->item[j] : MRQ_NONE;
            item[n++] = x < y ? x : y;
            i += x <= y;
            j += y <= x;
        }
        offset[u + 1] = n;
    }
    *out = (mrq_lists){offset, item};
    return MRQ_OK;
}

/* hidden: likes of the training and validation parts; relevant: likes of the test part that are not hidden. */
static mrq_status list_likes(const mrq_dataset *data, mrq_protocol protocol, mrq_parts *parts, mrq_error *err)
{
    const mrq_split *split = &parts->split;
    const uint32_t users = data->users->rows;
    mrq_links valid = {0}, tested = {0};
    MRQ_TRY(find_likes(data, split->train, split->n_train, parts->arena, &parts->likes, err));
    MRQ_TRY(find_likes(data, split->valid, split->n_valid, parts->arena, &valid, err));
    MRQ_TRY(find_likes(data, split->test, split->n_test, parts->arena, &tested, err));
    MRQ_TRY(join(&parts->likes.list, &valid.list, users, parts->arena, &parts->hidden, err));
    float *one = mrq_arena_array(parts->arena, parts->likes.list.offset[users], sizeof *one);
    uint64_t *offset = mrq_arena_array(parts->arena, (size_t)users + 1, sizeof *offset), n = 0;
    uint32_t *item = mrq_arena_array(parts->arena, tested.list.offset[users], sizeof *item);
    uint32_t *user = mrq_arena_array(parts->arena, users, sizeof *user);
    if (!one || !offset || !item || !user)
        return mrq_fail_memory(err, "dividing likes");
    for (uint64_t i = 0; i < parts->likes.list.offset[users]; i++)
        one[i] = 1;
    for (uint32_t u = 0; u < users; u++) {
        for (uint64_t i = tested.list.offset[u]; i < tested.list.offset[u + 1]; i++)
            if (mrq_lists_find(&parts->hidden, u, tested.list.item[i]) == UINT64_MAX)
                item[n++] = tested.list.item[i];
        offset[u + 1] = n;
        if (offset[u + 1] > offset[u])
            user[parts->n_users++] = u;
    }
    if (protocol == MRQ_PROTOCOL_LAST)
        parts->known = valid.list;
    parts->likes.strength = one;
    parts->relevant = (mrq_lists){offset, item};
    parts->user = user;
    return MRQ_OK;
}

/* `name` starts the message. */
static mrq_status check(const mrq_dataset *data, const mrq_parts *parts, bool ranks, const char *name, mrq_error *err)
{
    const unsigned long long likes = ranks ? (unsigned long long)parts->likes.list.offset[data->users->rows] : 0;
    if (ranks && (parts->n_users < TESTED_MIN || !likes))
        return mrq_fail(err, MRQ_USAGE,
                        "%s: too few likes (ratings of %g or more): %llu for training, want 1; %u users with likes to test, want "
                        "%d",
                        name, parts->least, likes, parts->n_users, TESTED_MIN);
    if (!parts->split.n_train || !parts->split.n_test)
        return mrq_fail(err, MRQ_USAGE, "%s: %llu ratings are too few: %llu for training and %llu for the test", name,
                        (unsigned long long)data->n, (unsigned long long)parts->split.n_train,
                        (unsigned long long)parts->split.n_test);
    return MRQ_OK;
}

/* `name` starts the message. */
static mrq_status check_times(const mrq_dataset *data, const char *name, mrq_error *err)
{
    if (!data->time)
        return mrq_fail(err, MRQ_USAGE, "%s: these ratings have no timestamps", name);
    for (uint64_t i = 1; i < data->n; i++)
        if (data->time[i] != data->time[0])
            return MRQ_OK;
    return mrq_fail(err, MRQ_USAGE, "%s: all %llu ratings have the same timestamp, %lld", name, (unsigned long long)data->n,
                    data->n ? (long long)data->time[0] : 0);
}

static mrq_status make(const mrq_dataset *data, mrq_protocol protocol, bool on_valid, uint64_t seed, mrq_parts *parts,
                       mrq_error *err)
{
    const bool ranks = protocol != MRQ_PROTOCOL_RATING, by_time = protocol == MRQ_PROTOCOL_TIME || protocol == MRQ_PROTOCOL_NEXT;
    if (by_time)
        MRQ_TRY(check_times(data, mrq_protocol_names[protocol], err));
    if (by_time)
        MRQ_TRY(mrq_split_make(data, MRQ_SPLIT_TIME, LATEST, 0, seed, &parts->split, err));
    else if (protocol == MRQ_PROTOCOL_RATING)
        MRQ_TRY(mrq_split_make(data, MRQ_SPLIT_RANDOM, HELD_OUT, 0, seed, &parts->split, err));
    else
        MRQ_TRY(divide(data, protocol, on_valid, seed, parts, err));
    if (ranks)
        MRQ_TRY(list_likes(data, protocol, parts, err));
    if (protocol == MRQ_PROTOCOL_NEXT)
        MRQ_TRY(mrq_sequence_ask(data, seed, parts, err));
    return check(data, parts, ranks, mrq_protocol_names[protocol], err);
}

static mrq_status check_model(const mrq_dataset *data, const mrq_model_results *r, mrq_split_kind *kind, mrq_error *err)
{
    if (r->data_fingerprint != data->fingerprint || strcmp(r->schema, data->schema) != 0)
        return mrq_fail(
            err, MRQ_BAD_FILE,
            "the model was trained on other data: its fingerprint is %016llx with schema %s, this folder's %016llx with %s, "
            "and only its own data has its test part",
            (unsigned long long)r->data_fingerprint, r->schema, (unsigned long long)data->fingerprint, data->schema);
    if (!r->test_ratings)
        return mrq_fail(err, MRQ_USAGE, "the model was trained without a test part, so there is nothing to test it on");
    for (int i = 0; mrq_split_names[i]; i++)
        if (strcmp(mrq_split_names[i], r->split) == 0) {
            *kind = (mrq_split_kind)i;
            return MRQ_OK;
        }
    return mrq_fail(err, MRQ_BAD_FILE, "the model was trained with an unknown split, \"%s\"", r->split);
}

static mrq_status make_of_model(const mrq_dataset *data, const mrq_model *model, mrq_parts *parts, mrq_error *err)
{
    const mrq_model_results *r = mrq_model_results_of(model);
    mrq_split_kind kind = MRQ_SPLIT_RANDOM;
    MRQ_TRY(check_model(data, r, &kind, err));
    MRQ_TRY(mrq_split_make(data, kind, r->test_share, mrq_model_description(model)->train.validation, r->seed, &parts->split, err));
    const mrq_split *split = &parts->split;
    if (split->n_train != r->train_ratings || split->n_valid != r->valid_ratings || split->n_test != r->test_ratings)
        return mrq_fail(
            err, MRQ_BAD_FILE,
            "the model's split cannot be made again: it had %llu, %llu and %llu ratings to train, validate and test, now "
            "%llu, %llu and %llu",
            (unsigned long long)r->train_ratings, (unsigned long long)r->valid_ratings, (unsigned long long)r->test_ratings,
            (unsigned long long)split->n_train, (unsigned long long)split->n_valid, (unsigned long long)split->n_test);
    MRQ_TRY(list_likes(data, MRQ_PROTOCOL_OWN, parts, err));
    return check(data, parts, true, "own", err);
}

/* Moves the parts to the caller, or frees them. */
static mrq_status finish(mrq_status status, mrq_parts *parts, mrq_parts *out)
{
    if (status == MRQ_OK)
        *out = *parts;
    else
        mrq_parts_clear(parts);
    return status;
}

static mrq_parts parts_new(const mrq_dataset *data)
{
    return (mrq_parts){.arena = mrq_arena_new(), .least = mrq_like_least(data)};
}

mrq_status mrq_parts_make(const mrq_dataset *data, mrq_protocol protocol, bool on_valid, uint64_t seed, mrq_parts *out,
                          mrq_error *err)
{
    mrq_parts parts = parts_new(data);
    return finish(parts.arena ? make(data, protocol, on_valid, seed, &parts, err) : mrq_fail_memory(err, "dividing ratings"),
                  &parts, out);
}

mrq_status mrq_parts_of_model(const mrq_dataset *data, const mrq_model *model, mrq_parts *out, mrq_error *err)
{
    mrq_parts parts = parts_new(data);
    return finish(parts.arena ? make_of_model(data, model, &parts, err) : mrq_fail_memory(err, "dividing ratings"), &parts, out);
}

void mrq_parts_clear(mrq_parts *parts)
{
    mrq_split_clear(&parts->split);
    mrq_arena_free(parts->arena);
    *parts = (mrq_parts){0};
}
