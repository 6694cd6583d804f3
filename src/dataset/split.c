/* Splits: each rating is assigned to a part in the order of the file, so every part is ascending without sorting.
 *
 * Random: selection sampling (Knuth, The Art of Computer Programming 2, algorithm S): a rating is taken with probability (still
 * wanted) / (still to come). This gives exactly the wanted number, and every subset is equally likely. Per user: the same with two
 * counts for each user. By time: a bisection finds the time after which the wanted share lies; sorting millions of ratings would
 * take longer. By hash: each rating is assigned independently of all others and of its place in the file, which changes from day to
 * day. Test and validation use separate random streams, so that one does not depend on the other. */
#include "dataset/split.h"

#include <math.h>

#include "base/random.h"

enum { STREAM_TEST = 0x7e57, STREAM_VALID = 0x7a11 };

const char *const mrq_split_names[] = {"random", "user", "time", "hash", NULL};

/* `n` ratings in ascending order, to be divided in two. */
struct division {
    const mrq_dataset *data;
    const uint32_t *from; /* (n) */
    uint64_t n;
    double share;           /* share to take */
    uint32_t *taken, *left; /* (n) memory for the two parts */
    uint64_t n_taken, n_left;
};

static void put(struct division *d, uint32_t rating, bool take)
{
    if (take)
        d->taken[d->n_taken++] = rating;
    else
        d->left[d->n_left++] = rating;
}

/* For one group, the ratings still to come, and how many of them are still wanted. */
struct count {
    uint32_t ahead, wanted;
};

static mrq_status divide_random(struct division *d, bool by_user, mrq_random *rng, mrq_error *err)
{
    const uint32_t groups = by_user ? d->data->users->rows : 1;
    MRQ_AUTOFREE struct count *count = mrq_array(groups, sizeof *count);
    if (!count)
        return mrq_fail_memory(err, "splitting ratings");
    for (uint64_t i = 0; i < d->n; i++)
        count[by_user ? d->data->user[d->from[i]] : 0].ahead++;
    for (uint32_t g = 0; g < groups; g++) {
        const double exact = d->share * count[g].ahead;
        count[g].wanted = (uint32_t)(by_user ? floor(exact + 1e-9) : round(exact)); /* 0.29 * 100 is 28.999... */
    }
    for (uint64_t i = 0; i < d->n; i++) {
        struct count *c = &count[by_user ? d->data->user[d->from[i]] : 0];
        const bool take = c->wanted && mrq_random_below(rng, c->ahead) < c->wanted;
        c->ahead--;
        c->wanted -= take;
        put(d, d->from[i], take);
    }
    return MRQ_OK;
}

static uint64_t count_later(const int64_t *time, uint64_t n, int64_t moment)
{
    uint64_t later = 0;
    for (uint64_t i = 0; i < n; i++)
        later += time[i] > moment;
    return later;
}

static mrq_status divide_time(struct division *d, mrq_error *err)
{
    MRQ_AUTOFREE int64_t *time = mrq_array((size_t)d->n, sizeof *time);
    if (!time)
        return mrq_fail_memory(err, "splitting ratings");
    int64_t low = INT64_MAX, high = INT64_MIN;
    for (uint64_t i = 0; i < d->n; i++) {
        time[i] = d->data->time[d->from[i]];
        low = time[i] < low ? time[i] : low;
        high = time[i] > high ? time[i] : high;
    }
    /* Find the earliest time with at most the wanted number of ratings after it. */
    const uint64_t wanted = (uint64_t)round(d->share * (double)d->n);
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (count_later(time, d->n, middle) <= wanted)
            high = middle;
        else
            low = middle + 1;
    }
    /* Ratings of exactly that time fill up the number, the last ones in the file. */
    uint64_t same = 0, fill = wanted - count_later(time, d->n, low);
    for (uint64_t i = 0; i < d->n; i++)
        same += time[i] == low;
    for (uint64_t i = 0; i < d->n; i++) {
        const bool at = time[i] == low;
        put(d, d->from[i], time[i] > low || (at && same <= fill));
        same -= at;
    }
    return MRQ_OK;
}

/* One step of splitmix64, with the state advanced by `value` steps. */
static uint64_t mix(uint64_t state, uint64_t value)
{
    return mrq_random_mix(state + value * MRQ_RANDOM_STEP);
}

/* The mrq_id_number() of each row's id. NULL: out of memory. */
static uint64_t *number_ids(const mrq_table *table)
{
    uint64_t *number = mrq_array(table->rows, sizeof *number);
    for (uint32_t row = 0; number && row < table->rows; row++)
        number[row] = mrq_id_number(mrq_table_id(table, row), mrq_strings_size(&table->id, row));
    return number;
}

static mrq_status divide_hash(struct division *d, uint64_t seed, uint64_t stream, mrq_error *err)
{
    const uint64_t start = mrq_random_mix(mix(seed, 1) + stream);
    MRQ_AUTOFREE uint64_t *user = number_ids(d->data->users);
    MRQ_AUTOFREE uint64_t *item = number_ids(d->data->items);
    if (!user || !item)
        return mrq_fail_memory(err, "splitting ratings");
    for (uint64_t i = 0; i < d->n; i++) {
        const uint32_t rating = d->from[i];
        const uint64_t place = mix(mix(start, user[d->data->user[rating]]), item[d->data->item[rating]]);
        put(d, rating, mrq_random_share(place) < d->share);
    }
    return MRQ_OK;
}

/* On success the caller frees `taken` and `left`. */
static mrq_status divide(struct division *d, mrq_split_kind kind, uint64_t seed, uint64_t stream, mrq_error *err)
{
    mrq_random rng;
    mrq_random_init(&rng, seed, stream);
    d->taken = mrq_array((size_t)d->n, sizeof *d->taken);
    d->left = mrq_array((size_t)d->n, sizeof *d->left);
    mrq_status status = MRQ_OK;
    if (!d->taken || !d->left)
        status = mrq_fail_memory(err, "splitting ratings");
    else if (kind == MRQ_SPLIT_HASH)
        status = divide_hash(d, seed, stream, err);
    else
        status = kind == MRQ_SPLIT_TIME ? divide_time(d, err) : divide_random(d, kind == MRQ_SPLIT_USER, &rng, err);
    if (status != MRQ_OK) {
        mrq_free(d->taken);
        mrq_free(d->left);
    }
    return status;
}

static mrq_status check_share(const char *name, double share, mrq_error *err)
{
    if (!(share >= 0 && share < 1))
        return mrq_fail(err, MRQ_USAGE, "%s share %g, want 0 or more and less than 1", name, share);
    return MRQ_OK;
}

mrq_status mrq_split_make(const mrq_dataset *data, mrq_split_kind kind, double test, double valid, uint64_t seed, mrq_split *out,
                          mrq_error *err)
{
    MRQ_TRY(check_share("test", test, err));
    MRQ_TRY(check_share("validation", valid, err));
    if (kind == MRQ_SPLIT_TIME && !data->time)
        return mrq_fail(err, MRQ_USAGE, "these ratings have no timestamps, so they cannot be split by time");
    MRQ_AUTOFREE uint32_t *all = mrq_array((size_t)data->n, sizeof *all);
    if (!all)
        return mrq_fail_memory(err, "splitting ratings");
    for (uint64_t i = 0; i < data->n; i++)
        all[i] = (uint32_t)i;
    struct division first = {.data = data, .from = all, .n = data->n, .share = test};
    MRQ_TRY(divide(&first, kind, seed, STREAM_TEST, err));
    struct division second = {.data = data, .from = first.left, .n = first.n_left, .share = valid};
    mrq_status status = divide(&second, kind, seed, STREAM_VALID, err);
    mrq_free(first.left);
    if (status != MRQ_OK) {
        mrq_free(first.taken);
        return status;
    }
    mrq_split split = {second.n_left, second.n_taken, first.n_taken, second.left, second.taken, first.taken};
    if (!split.n_train) {
        mrq_split_clear(&split);
        return mrq_fail(err, MRQ_USAGE, "%g for test and %g for validation leave none of %llu ratings for training", test, valid,
                        (unsigned long long)data->n);
    }
    *out = split;
    return MRQ_OK;
}

void mrq_split_clear(mrq_split *split)
{
    mrq_free(split->train);
    mrq_free(split->valid);
    mrq_free(split->test);
    *split = (mrq_split){0};
}
