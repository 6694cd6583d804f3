/* Protocols, baselines and what an experiment measures: on small worlds, against slow references. */
#include "unit/small_world.h"

#include "base/clock.h"
#include "base/log.h"
#include "eval/experiment.h"
#include "model/network.h"

static mrq_error err;

enum { PEOPLE = 60, FILMS = 40, RATINGS = 1500 };

/* A small world with times; some of its ratings are of an item that the user has rated before. */
struct world {
    small_data *small;
    mrq_dataset *data;
    int64_t time[RATINGS];
};

static struct world *make_world(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->small = small_data_new(PEOPLE, FILMS, RATINGS);
    w->data = &w->small->data;
    for (uint32_t i = 0; i < RATINGS; i++) {
        w->time[i] = 1000 + i * 7919 % RATINGS / 3; /* thrice each */
        if (i % 3 == 0)                             /* not the rule, or every rating of an item by a user would be the same */
            w->small->rating[i] = (float)(1 + i / 3 % 5);
    }
    w->data->time = w->time;
    return w;
}

static void free_world(struct world *w)
{
    small_data_free(w->small);
    free(w);
}

static bool listed(const mrq_lists *lists, uint32_t user, uint32_t item)
{
    for (uint64_t i = lists->offset[user]; i < lists->offset[user + 1]; i++)
        if (lists->item[i] == item)
            return true;
    return false;
}

static uint64_t length(const mrq_lists *lists, uint32_t user)
{
    return lists->offset[user + 1] - lists->offset[user];
}

/* Whether the last rating of an item by a user, of those in a part (NULL: of all), is a like. */
static bool likes(const mrq_dataset *data, const uint32_t *part, uint64_t n, uint32_t user, uint32_t item)
{
    bool like = false;
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t r = part ? part[i] : i;
        if (data->user[r] == user && data->item[r] == item)
            like = data->rating[r] >= 3;
    }
    return like;
}

/* What holds for the parts of every protocol. */
static void check_parts(const mrq_dataset *data, const mrq_parts *p)
{
    static int part[RATINGS];
    memset(part, 0, sizeof part);
    const uint32_t *const list[] = {p->split.train, p->split.valid, p->split.test};
    const uint64_t n[] = {p->split.n_train, p->split.n_valid, p->split.n_test};
    for (int k = 0; k < 3; k++)
        for (uint64_t i = 0; i < n[k]; i++) {
            assert_true(i == 0 || list[k][i] > list[k][i - 1]);
            assert_int_equal(part[list[k][i]], 0); /* no rating is in two */
            part[list[k][i]] = k + 1;
        }
    assert_true(p->least == 3);
    for (uint32_t u = 0, asked = 0; u < PEOPLE && p->n_users; u++) {
        for (uint32_t m = 0; m < FILMS; m++) {
            const bool relevant = listed(&p->relevant, u, m), hidden = listed(&p->hidden, u, m);
            assert_false(relevant && hidden);
            assert_int_equal(listed(&p->likes.list, u, m), likes(data, p->split.train, p->split.n_train, u, m));
            assert_true(!relevant || likes(data, p->split.test, p->split.n_test, u, m));
            assert_true(!relevant || !p->candidate || p->candidate[m]);
            assert_true(!listed(&p->likes.list, u, m) || hidden);
        }
        for (uint64_t i = 0; i < (p->place ? length(&p->relevant, u) : length(&p->relevant, u) > 0); i++)
            assert_int_equal(p->user[asked++], u);
        assert_true(u + 1 < PEOPLE || asked == p->n_users);
    }
    for (uint64_t i = 0; p->n_users && i < p->likes.list.offset[PEOPLE]; i++)
        assert_true(p->likes.strength[i] == 1);
}

static bool same(const mrq_split *a, const mrq_split *b)
{
    return a->n_train == b->n_train && a->n_test == b->n_test && !memcmp(a->train, b->train, a->n_train * sizeof *a->train) &&
           !memcmp(a->test, b->test, a->n_test * sizeof *a->test);
}

static void test_protocols(void **state)
{
    (void)state;
    struct world *w = make_world();
    for (int protocol = 0; protocol < MRQ_PROTOCOLS; protocol++) {
        mrq_parts p, again, other;
        assert_ok(mrq_parts_make(w->data, (mrq_protocol)protocol, false, 1, &p, &err));
        assert_ok(mrq_parts_make(w->data, (mrq_protocol)protocol, false, 1, &again, &err));
        assert_ok(mrq_parts_make(w->data, (mrq_protocol)protocol, false, 2, &other, &err));
        check_parts(w->data, &p);
        assert_true(same(&p.split, &again.split));
        const bool ordered = protocol == MRQ_PROTOCOL_TIME || protocol == MRQ_PROTOCOL_LAST || protocol == MRQ_PROTOCOL_NEXT;
        assert_true(same(&p.split, &other.split) == ordered);
        const uint64_t n = p.split.n_train + p.split.n_valid + p.split.n_test;
        assert_true(protocol == MRQ_PROTOCOL_LAST ? n < RATINGS : n == RATINGS);
        mrq_parts_clear(&p);
        mrq_parts_clear(&again);
        mrq_parts_clear(&other);
    }
    free_world(w);
}

static void test_topn_shares(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p, valid;
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_TOPN, false, 5, &p, &err));
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_TOPN, true, 5, &valid, &err));
    check_parts(w->data, &valid);
    for (uint32_t u = 0; u < PEOPLE; u++) {
        uint64_t n = 0;
        for (uint32_t m = 0; m < FILMS; m++) {
            const bool like = likes(w->data, NULL, RATINGS, u, m);
            n += like;
            assert_int_equal(like, listed(&p.relevant, u, m) + listed(&p.hidden, u, m)); /* every like is in one of the two */
            /* what is found in the validation is what the test hides without having been trained on */
            assert_int_equal(listed(&valid.relevant, u, m), listed(&p.hidden, u, m) && !listed(&p.likes.list, u, m));
            assert_int_equal(listed(&valid.hidden, u, m), listed(&p.likes.list, u, m));
        }
        assert_int_equal(length(&p.likes.list, u), n * 8 / 10);
        assert_int_equal(length(&p.hidden, u), n * 9 / 10);
    }
    assert_int_equal(valid.split.n_valid, 0);
    assert_int_equal(valid.split.n_train, p.split.n_train);
    assert_true(valid.split.n_train + valid.split.n_test < RATINGS); /* the test part is nowhere */
    for (uint64_t i = 0; i < p.split.n_test; i++)                    /* ratings below a like are learned from */
        assert_true(likes(w->data, NULL, RATINGS, w->data->user[p.split.test[i]], w->data->item[p.split.test[i]]));
    mrq_parts_clear(&p);
    mrq_parts_clear(&valid);
    free_world(w);
}

static void test_time_order(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err));
    assert_int_equal(p.split.n_test, RATINGS / 5);
    int64_t last = 0;
    for (uint64_t i = 0; i < p.split.n_train; i++)
        last = w->time[p.split.train[i]] > last ? w->time[p.split.train[i]] : last;
    for (uint64_t i = 0; i < p.split.n_test; i++)
        assert_true(w->time[p.split.test[i]] >= last);
    mrq_parts_clear(&p);
    free_world(w);
}

static void test_held_out(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_COLD_USERS, false, 1, &p, &err));
    assert_true(p.n_users <= PEOPLE / 10 && p.n_users > 0 && !p.candidate);
    for (uint32_t i = 0; i < p.n_users; i++) {
        assert_int_equal(length(&p.hidden, p.user[i]), 0);
        for (uint64_t j = 0; j < p.split.n_train; j++)
            assert_true(w->data->user[p.split.train[j]] != p.user[i]);
        for (uint32_t m = 0; m < FILMS; m++) /* all likes are asked for */
            assert_int_equal(listed(&p.relevant, p.user[i], m), likes(w->data, NULL, RATINGS, p.user[i], m));
    }
    mrq_parts_clear(&p);

    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_COLD_ITEMS, false, 1, &p, &err));
    uint32_t held = 0;
    for (uint32_t m = 0; m < FILMS; m++)
        held += p.candidate[m];
    assert_int_equal(held, FILMS / 10);
    for (uint64_t i = 0; i < p.split.n_train; i++)
        assert_false(p.candidate[w->data->item[p.split.train[i]]]);
    for (uint64_t i = 0; i < p.split.n_test; i++)
        assert_true(p.candidate[w->data->item[p.split.test[i]]]);
    mrq_parts_clear(&p);
    free_world(w);
}

static void test_what_data_cannot_support(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    w->data->time = NULL;
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err), MRQ_USAGE, "no timestamps");
    w->data->time = w->time;
    for (uint32_t i = 0; i < RATINGS; i++)
        w->time[i] = 42;
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err), MRQ_USAGE, "the same timestamp, 42");
    const uint32_t columns = w->data->users->n_columns;
    w->data->users->n_columns = 0;
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_COLD_USERS, false, 1, &p, &err), MRQ_USAGE, "no categories");
    w->data->users->n_columns = columns;

    for (uint32_t i = 0; i < RATINGS; i++) {
        w->small->user[i] %= 9;
        w->small->item[i] %= 9;
    }
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_COLD_USERS, false, 1, &p, &err), MRQ_USAGE,
                 "cold-users: users with ratings: 9, want at least 10");
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_COLD_ITEMS, false, 1, &p, &err), MRQ_USAGE,
                 "cold-items: items with likes: 9");
    w->data->n = 3;
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_RATING, false, 1, &p, &err), MRQ_USAGE, "3 ratings are too few");
    w->data->n = RATINGS;
    for (uint32_t i = 0; i < RATINGS; i++) {
        w->small->rating[i] = 2;
        w->time[i] = i;
    }
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_TOPN, false, 1, &p, &err), MRQ_USAGE, "topn: too few likes");
    assert_fails(mrq_parts_make(w->data, MRQ_PROTOCOL_TIME, false, 1, &p, &err), MRQ_USAGE, "too few");
    free_world(w);
}

/* Baselines against the same in double precision and by the book. */

static double like_of(const mrq_parts *p, uint32_t user, uint32_t item)
{
    return listed(&p->likes.list, user, item) ? 1 : 0;
}

/* Replaces the first half of each row of A | B, (n, n + m), by the identity, which leaves the inverse of A times B. */
static void eliminate(double *a, uint32_t n, uint32_t m)
{
    const uint32_t width = n + m;
    for (uint32_t i = 0; i < n; i++) {
        const double pivot = a[i * width + i];
        for (uint32_t j = 0; j < width; j++)
            a[i * width + j] /= pivot;
        for (uint32_t k = 0; k < n; k++) {
            const double factor = a[k * width + i];
            for (uint32_t j = 0; j < width && k != i; j++)
                a[k * width + j] -= factor * a[i * width + j];
        }
    }
}

static void reference_ease(const mrq_parts *p, double *out)
{
    double *a = calloc(FILMS * 2 * FILMS, sizeof *a);
    for (uint32_t i = 0; i < FILMS; i++) {
        for (uint32_t j = 0; j < FILMS; j++)
            for (uint32_t u = 0; u < PEOPLE; u++)
                a[i * 2 * FILMS + j] += like_of(p, u, i) * like_of(p, u, j);
        a[i * 2 * FILMS + i] += 500;
        a[i * 2 * FILMS + FILMS + i] = 1;
    }
    eliminate(a, FILMS, FILMS);
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint32_t j = 0; j < FILMS; j++)
            for (uint32_t i = 0; i < FILMS; i++)
                if (i != j)
                    out[u * FILMS + j] -= like_of(p, u, i) * a[i * 2 * FILMS + FILMS + j] / a[j * 2 * FILMS + FILMS + j];
    free(a);
}

/* There are fewer items than neighbours, so all are near. */
static void reference_itemknn(const mrq_parts *p, double *out)
{
    for (uint32_t i = 0; i < FILMS; i++)
        for (uint32_t j = 0; j < FILMS; j++) {
            double both = 0, of_i = 0, of_j = 0;
            for (uint32_t u = 0; u < PEOPLE; u++) {
                both += like_of(p, u, i) * like_of(p, u, j);
                of_i += like_of(p, u, i);
                of_j += like_of(p, u, j);
            }
            for (uint32_t u = 0; u < PEOPLE && i != j; u++)
                out[u * FILMS + i] += like_of(p, u, j) * both / (sqrt(of_i * of_j) + 20);
        }
}

static void reference_popular(const mrq_parts *p, double *out)
{
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint32_t m = 0; m < FILMS; m++)
            for (uint32_t v = 0; v < PEOPLE; v++)
                out[u * FILMS + m] += like_of(p, v, m);
}

static bool has_genre(const mrq_dataset *data, uint32_t item, uint32_t genre)
{
    return listed(&mrq_table_column(data->items, "genres")->list, item, genre);
}

static void reference_genres(const mrq_dataset *data, const mrq_parts *p, double *out)
{
    double mean[7] = {0};
    for (uint32_t g = 0; g < 7; g++) {
        double n = 0;
        for (uint32_t m = 0; m < FILMS; m++)
            if ((g == 6 || has_genre(data, m, g)) && !(p->candidate && p->candidate[m])) {
                n++;
                for (uint32_t u = 0; u < PEOPLE; u++)
                    mean[g] += like_of(p, u, m);
            }
        mean[g] /= n > 0 ? n : 1;
    }
    for (uint32_t m = 0; m < FILMS; m++) {
        double sum = 0, n = 0;
        for (uint32_t g = 0; g < 6; g++)
            if (has_genre(data, m, g)) {
                sum += mean[g];
                n++;
            }
        for (uint32_t u = 0; u < PEOPLE; u++)
            out[u * FILMS + m] = n > 0 ? sum / n : mean[6];
    }
}

static void reference_demographic(const mrq_dataset *data, const mrq_parts *p, double *out)
{
    enum { VALUES = 2 + 7 + 11, WIDTH = VALUES + FILMS };
    const uint32_t first[] = {0, 2, 9};
    double *a = calloc(VALUES * WIDTH, sizeof *a), share[FILMS] = {0}, people = 0;
    for (uint32_t u = 0; u < PEOPLE; u++)
        people += length(&p->likes.list, u) > 0;
    for (uint32_t m = 0; m < FILMS; m++)
        for (uint32_t u = 0; u < PEOPLE; u++)
            share[m] += like_of(p, u, m) / people;
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint32_t c = 0; c < 3 && length(&p->likes.list, u); c++) {
            double *row = a + (first[c] + data->users->column[c].code[u]) * WIDTH;
            for (uint32_t d = 0; d < 3; d++)
                row[first[d] + data->users->column[d].code[u]]++;
            for (uint32_t m = 0; m < FILMS; m++)
                row[VALUES + m] += like_of(p, u, m) - share[m];
        }
    for (uint32_t v = 0; v < VALUES; v++)
        a[v * WIDTH + v] += 100;
    eliminate(a, VALUES, FILMS);
    for (uint32_t u = 0; u < PEOPLE; u++)
        for (uint32_t m = 0; m < FILMS; m++) {
            out[u * FILMS + m] = share[m];
            for (uint32_t c = 0; c < 3; c++)
                out[u * FILMS + m] += a[(first[c] + data->users->column[c].code[u]) * WIDTH + VALUES + m];
        }
    free(a);
}

static void check_baseline(const struct world *w, mrq_protocol protocol, mrq_baseline_kind kind)
{
    mrq_parts p;
    mrq_ranker ranker;
    uint32_t user[PEOPLE];
    static float got[PEOPLE * FILMS];
    static double want[PEOPLE * FILMS];
    memset(want, 0, sizeof want);
    memset(got, 0, sizeof got);
    for (uint32_t u = 0; u < PEOPLE; u++)
        user[u] = u;
    assert_null(mrq_baseline_unfit(kind, protocol, w->data));
    assert_ok(mrq_parts_make(w->data, protocol, false, 3, &p, &err));
    assert_ok(mrq_ranker_make(kind, w->data, &p, 1, 2, &ranker, &err));
    assert_ok(mrq_ranker_score(&ranker, user, PEOPLE, got, &err));
    if (kind == MRQ_BASELINE_EASE)
        reference_ease(&p, want);
    else if (kind == MRQ_BASELINE_ITEMKNN)
        reference_itemknn(&p, want);
    else if (kind == MRQ_BASELINE_DEMOGRAPHIC)
        reference_demographic(w->data, &p, want);
    else if (kind == MRQ_BASELINE_GENRES)
        reference_genres(w->data, &p, want);
    else
        reference_popular(&p, want);
    for (uint32_t i = 0; i < PEOPLE * FILMS; i++)
        if (!(fabs((double)got[i] - want[i]) < 1e-4 * (1 + fabs(want[i]))))
            fail_msg("%s: user %u, item %u: %g, want %g", mrq_baseline_names[kind], i / FILMS, i % FILMS, (double)got[i], want[i]);
    mrq_ranker_clear(&ranker);
    mrq_parts_clear(&p);
}

static void test_baselines(void **state)
{
    (void)state;
    struct world *w = make_world();
    check_baseline(w, MRQ_PROTOCOL_TOPN, MRQ_BASELINE_POPULAR);
    check_baseline(w, MRQ_PROTOCOL_TOPN, MRQ_BASELINE_EASE);
    check_baseline(w, MRQ_PROTOCOL_TOPN, MRQ_BASELINE_ITEMKNN);
    check_baseline(w, MRQ_PROTOCOL_TOPN, MRQ_BASELINE_DEMOGRAPHIC);
    check_baseline(w, MRQ_PROTOCOL_COLD_USERS, MRQ_BASELINE_DEMOGRAPHIC);
    check_baseline(w, MRQ_PROTOCOL_COLD_ITEMS, MRQ_BASELINE_GENRES);
    check_baseline(w, MRQ_PROTOCOL_TOPN, MRQ_BASELINE_GENRES);
    free_world(w);
}

/* Who likes nothing is told what most like. */
static void test_strangers_get_the_popular(void **state)
{
    (void)state;
    struct world *w = make_world();
    mrq_parts p;
    mrq_ranker popular, ease;
    static float want[FILMS], got[FILMS], known[FILMS];
    assert_ok(mrq_parts_make(w->data, MRQ_PROTOCOL_COLD_USERS, false, 3, &p, &err));
    assert_ok(mrq_ranker_make(MRQ_BASELINE_POPULAR, w->data, &p, 1, 1, &popular, &err));
    assert_ok(mrq_ranker_make(MRQ_BASELINE_EASE, w->data, &p, 1, 1, &ease, &err));
    assert_ok(mrq_ranker_score(&popular, p.user, 1, want, &err));
    assert_ok(mrq_ranker_score(&ease, p.user, 1, got, &err));
    assert_memory_equal(got, want, sizeof want);
    const uint32_t other = p.user[0] ? p.user[0] - 1 : 1;
    assert_true(length(&p.likes.list, other) > 0);
    assert_ok(mrq_ranker_score(&ease, &other, 1, known, &err));
    assert_memory_not_equal(known, want, sizeof want);
    mrq_ranker_clear(&popular);
    mrq_ranker_clear(&ease);
    mrq_parts_clear(&p);
    free_world(w);
}

static void test_unfit_baselines(void **state)
{
    (void)state;
    struct world *w = make_world();
    const mrq_dataset *data = w->data;
    assert_string_equal(mrq_baseline_unfit(MRQ_BASELINE_EASE, MRQ_PROTOCOL_COLD_ITEMS, data), "cannot score a new item");
    assert_non_null(mrq_baseline_unfit(MRQ_BASELINE_EASE, MRQ_PROTOCOL_COLD_USERS, data));
    assert_non_null(mrq_baseline_unfit(MRQ_BASELINE_EASE, MRQ_PROTOCOL_RATING, data));
    assert_non_null(mrq_baseline_unfit(MRQ_BASELINE_BIAS, MRQ_PROTOCOL_TOPN, data));
    assert_null(mrq_baseline_unfit(MRQ_BASELINE_RANDOM, MRQ_PROTOCOL_COLD_ITEMS, data));
    assert_true(mrq_baseline_usual(MRQ_BASELINE_GENRES, MRQ_PROTOCOL_COLD_ITEMS, data));
    assert_false(mrq_baseline_usual(MRQ_BASELINE_GENRES, MRQ_PROTOCOL_TOPN, data));
    assert_true(mrq_baseline_usual(MRQ_BASELINE_BIAS, MRQ_PROTOCOL_RATING, data));
    w->data->users->n_columns = 0;
    assert_non_null(mrq_baseline_unfit(MRQ_BASELINE_DEMOGRAPHIC, MRQ_PROTOCOL_TOPN, data));
    w->data->users->n_columns = 3;
    free_world(w);
}

/* The bootstrap of a mean is as wide as the textbook's interval of a mean, shrinks with the root of n, and counts a user who
 * was asked four times as one. */
static mrq_estimate interval_of(uint32_t n, double times, uint64_t seed)
{
    double *sum = calloc(n, sizeof *sum), *weight = calloc(n, sizeof *weight);
    uint32_t *list = calloc(n, sizeof *list);
    mrq_random rng;
    mrq_random_init(&rng, 17 + seed, n);
    for (uint32_t i = 0; i < n; i++) {
        sum[i] = times * mrq_random_unit(&rng);
        weight[i] = times;
        list[i] = i;
    }
    mrq_estimate e;
    assert_ok(mrq_bootstrap(sum, weight, list, n, 1, MRQ_RESAMPLES, seed, &e, &err));
    free(sum);
    free(weight);
    free(list);
    return e;
}

static void test_bootstrap(void **state)
{
    (void)state;
    const double deviation = sqrt(1.0 / 12);
    for (uint32_t n = 100; n <= 6400; n *= 4) {
        const mrq_estimate once = interval_of(n, 1, 1), often = interval_of(n, 4, 1);
        const double width = 2 * 1.96 * deviation / sqrt(n);
        assert_true(fabs((once.high - once.low) / width - 1) < 0.2);
        assert_true(once.low < once.mean && once.mean < once.high);
        assert_true(fabs(often.high - once.high) < 1e-9 && fabs(often.mean - once.mean) < 1e-9);
    }
    int covered = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        const mrq_estimate e = interval_of(80, 1, seed);
        covered += e.low <= 0.5 && 0.5 <= e.high;
    }
    if (covered < 180 || covered > 199)
        fail_msg("the interval covers the mean %d times of 200, want 190 or so", covered);

    const double sum[] = {3, 0, 5}, weight[] = {2, 0, 2}, nothing[] = {0, 0, 0};
    const uint32_t list[] = {0, 1, 2};
    mrq_estimate e;
    assert_ok(mrq_bootstrap(sum, weight, list, 3, 1, MRQ_RESAMPLES, 1, &e, &err));
    assert_true(e.mean == 2 && e.low == 1.5 && e.high == 2.5);
    assert_ok(mrq_bootstrap(sum, nothing, list, 3, 1, MRQ_RESAMPLES, 1, &e, &err));
    assert_true(isnan(e.mean) && isnan(e.low) && isnan(e.high));
}

/* Each end stands where the normal distribution has 2.5 %: 1.96 deviations of the mean away from it. */
static void test_the_interval_is_of_95_percent_on_either_side(void **state)
{
    (void)state;
    enum { HOW_MANY = 400, SEEDS = 40 };
    double below = 0, above = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const mrq_estimate e = interval_of(HOW_MANY, 1, seed);
        below += (e.mean - e.low) / SEEDS;
        above += (e.high - e.mean) / SEEDS;
    }
    const double deviation = sqrt(1.0 / 12 / HOW_MANY);
    if (fabs(below / deviation - 1.96) > 0.1 || fabs(above / deviation - 1.96) > 0.1) /* 90 % would be 1.64 */
        fail_msg("the ends are %.3f and %.3f deviations from the mean, want 1.96", below / deviation, above / deviation);
}

/* Two users and six items, worked by hand. */
static void test_report_by_hand(void **state)
{
    (void)state;
    mrq_table *users = small_users(3, 1), *items = small_items(6, 1);
    const uint64_t of_genres[] = {0, 1, 2, 4, 4, 4, 4}, of_relevant[] = {0, 1, 3, 3}, of_likes[] = {0, 2, 3, 3};
    const uint32_t genres[] = {0, 0, 0, 1}, relevant[] = {3, 0, 4}, liked[] = {0, 1, 0}, asked[] = {0, 1}, gender[] = {0, 1, 1};
    const float one[] = {1, 1, 1};
    items->column[0].list = (mrq_lists){of_genres, genres};
    users->column[0].code = gender;
    const mrq_dataset data = {.users = users, .items = items};
    const mrq_parts p = {.likes = {{of_likes, liked}, one}, .n_users = 2, .user = asked, .relevant = {of_relevant, relevant}};
    uint32_t top[2 * MRQ_TOP];
    for (int i = 0; i < 2 * MRQ_TOP; i++)
        top[i] = MRQ_NONE;
    memcpy(top, (const uint32_t[]){0, 1, 2, 5, 4}, 5 * sizeof *top);  /* finds nothing */
    memcpy(top + MRQ_TOP, (const uint32_t[]){0, 2}, 2 * sizeof *top); /* finds one of two at the first place */
    const mrq_cuts cuts = {3, {5, 10, 20}};
    enum { AT_10 = 1, COLUMNS = 3 * MRQ_MEASURES + 1 };
    double measured[2 * COLUMNS] = {0}, *second = measured + COLUMNS;
    const double found = 1 / (1 + 1 / log2(3));
    for (uint32_t c = 0; c < cuts.n; c++)
        memcpy(second + c * MRQ_MEASURES, (const double[]){0.5, found, 1, 1, 1.0 / cuts.k[c], 0.5}, MRQ_MEASURES * sizeof *second);
    second[COLUMNS - 1] = 0.75;
    mrq_arena *arena = mrq_arena_new();
    mrq_report report;
    mrq_summary s;
    assert_ok(mrq_report_make(&data, &cuts, 2, arena, &report, &err));
    assert_ok(mrq_report_rankings(&report, &p, measured, top, &err));
    assert_ok(mrq_report_rankings(&report, &p, measured, top, &err));
    mrq_report_stars(&report, 0, 3, 5);
    mrq_report_stars(&report, 1, 3, 3);
    mrq_report_stars(&report, 1, 4, 3);
    assert_ok(mrq_report_sum_up(&report, 1, &s, &err));
    assert_int_equal(s.seeds, 2);
    assert_int_equal(s.ranked_users, 2);
    assert_int_equal(s.asked, 4);
    assert_true(s.auc.mean == 0.375 && s.auc.high == 0.75);
    const double ndcg = 1 / (1 + 1 / log2(3));
    assert_true(fabs(s.measure[AT_10][MRQ_RECALL].mean - 0.25) < 1e-12);
    assert_true(fabs(s.measure[AT_10][MRQ_NDCG].mean - ndcg / 2) < 1e-12);
    assert_true(fabs(s.ndcg[1] - ndcg / 2) < 1e-12 && fabs(s.recall[0] - 0.25) < 1e-12);
    assert_true(fabs(s.measure[0][4].mean - 0.1) < 1e-12); /* precision@5: 1 of 10 places */
    assert_true(s.measure[2][3].low == 0 && s.measure[2][3].high == 1);
    assert_true(fabs(s.coverage - 5.0 / 6) < 1e-12);                             /* 5 of 6 items */
    assert_true(fabs(s.popularity - (1 + 0.5 + 0 + 0 + 0 + 1 + 0) / 7) < 1e-12); /* likes by 2, 1 and 0 of 2 people */
    const double first = 1 - (1 + 0.5 + 0.5 + 1) / 10;                           /* {0} {0} {0,1} {} {} */
    assert_true(fabs(s.diversity - (first + 0.5) / 2) < 1e-12);
    assert_int_equal(s.rated, 3);
    assert_true(fabs(s.rmse.mean - sqrt(5.0 / 3)) < 1e-12 && fabs(s.mae.mean - 1) < 1e-12);
    assert_int_equal(s.group[0].users, 1); /* gender 0 */
    assert_true(s.group[0].ndcg.mean == 0 && s.group[0].ndcg.high == 0);
    assert_true(fabs(s.group[1].ndcg.mean - ndcg) < 1e-12 && s.group[1].users == 1);
    mrq_arena_free(arena);
    mrq_table_free(users);
    mrq_table_free(items);
}

/* Studies of a model and baselines, from beginning to end. */

#define TINY                                                                                                                       \
    SMALL(SMALL_DOT, SMALL_SUM, "{\"feature\":\"id\",\"kind\":\"id\"}", "{\"feature\":\"id\",\"kind\":\"id\"}",                    \
          "\"epochs\":3,\"validation\":0.1")

static void check_estimate(const mrq_estimate *e, double most)
{
    if (!(e->low >= 0 && e->low <= e->mean + 1e-12 && e->mean <= e->high + 1e-12 && e->high <= most + 1e-12))
        fail_msg("%g (%g-%g), want an interval around its mean within 0 and %g", e->mean, e->low, e->high, most);
}

/* What an experiment comes to, to the digit: a change of how anything is divided, learned, ranked, measured or resampled shows
 * here. */
#define NONE ((double)NAN)
static const struct {
    const char *name;
    double recall, low, high, coverage, popularity, diversity, rmse, mae, all; /* recall@10; `all`: sum_of() */
} experiments[MRQ_PROTOCOLS][8] = {
    {
        {"tiny", NONE, NONE, NONE, NONE, NONE, NONE, 1.414382153, 1.21472622, 962.6229135},
        {"bias", NONE, NONE, NONE, NONE, NONE, NONE, 1.355615516, 1.092563532, 957.8273036},
    },
    {
        {"tiny", 0.3833333333, 0.3208333333, 0.4501041667, 1, 0.2117361111, 0.8097716049, NONE, NONE, 50821.38544},
        {"random", 0.4208333333, 0.3582291667, 0.4916666667, 1, 0.2083611111, 0.8010030864, NONE, NONE, 51148.12653},
        {"popular", 0.5197916667, 0.443046875, 0.5916840278, 0.525, 0.3321944444, 0.8303549383, NONE, NONE, 53585.93829},
        {"genre-popular", 0.4165865385, 0.3405876068, 0.4919871795, 0.4375, 0.2438611111, 0.7299660494, NONE, NONE, 50996.03258},
        {"demographic-popular", 0.55, 0.475, 0.6251041667, 0.6375, 0.3297083333, 0.822154321, NONE, NONE, 53960.29944},
        {"itemknn", 0.5083333333, 0.4291666667, 0.5916666667, 0.65, 0.3271111111, 0.8204012346, NONE, NONE, 52903.45862},
        {"ease", 0.5125, 0.4333333333, 0.5958333333, 0.6375, 0.3278611111, 0.823117284, NONE, NONE, 53148.6923},
    },
    {
        {"tiny", 0.2775157233, 0.2254716981, 0.3253498428, 1, 0.2327201258, 0.8104472397, NONE, NONE, 46051.67288},
        {"random", 0.3281446541, 0.2671226415, 0.3866548742, 1, 0.2311006289, 0.7994514326, NONE, NONE, 46235.99245},
        {"popular", 0.5131551363, 0.4214347484, 0.6018068658, 0.5, 0.3573899371, 0.8223200559, NONE, NONE, 50304.89959},
        {"genre-popular", 0.458936975, 0.3544453974, 0.5725226503, 0.45, 0.281163522, 0.7712089448, NONE, NONE, 49416.30867},
        {"demographic-popular", 0.5059748428, 0.4109591195, 0.6028537736, 0.625, 0.3542767296, 0.8148078267, NONE, NONE,
         50030.44417},
        {"itemknn", 0.5408805031, 0.4424449686, 0.6403144654, 0.65, 0.3523584906, 0.8239762404, NONE, NONE, 50153.04271},
        {"ease", 0.5352201258, 0.4358490566, 0.6346226415, 0.65, 0.353081761, 0.8223689727, NONE, NONE, 50308.50189},
    },
    {
        {"tiny", 0.25, 0.25, 0.25, 0.25, 0.2842592593, 0.8703703704, NONE, NONE, 18961.73141},
        {"random", 0.217493155, 0.1759550056, 0.2524358165, 0.875, 0.2822530864, 0.8153395062, NONE, NONE, 18574.58649},
        {"popular", 0.3776872819, 0.2897467733, 0.4718226835, 0.25, 0.4555555556, 0.8212962963, NONE, NONE, 21019.90813},
        {"genre-popular", 0.3177054427, 0.2730309043, 0.3736059658, 0.25, 0.3361111111, 0.7074074074, NONE, NONE, 19664.2418},
        {"demographic-popular", 0.3751179376, 0.2941443973, 0.4635040307, 0.325, 0.4541666667, 0.8097530864, NONE, NONE,
         21010.67813},
    },
    {
        {"tiny", 1, 1, 1, 1, NONE, 0.7777777778, NONE, NONE, 61255.68621},
        {"random", 1, 1, 1, 1, NONE, 0.7777777778, NONE, NONE, 61171.77983},
        {"genre-popular", 1, 1, 1, 1, NONE, 0.7777777778, NONE, NONE, 61097.77909},
    },
    {
        {"tiny", 0.3095238095, 0.2261904762, 0.4047619048, 1, 0.242718254, 0.8051322751, NONE, NONE, 41036.30458},
        {"random", 0.4761904762, 0.380952381, 0.5714285714, 1, 0.2370436508, 0.8061816578, NONE, NONE, 43508.26689},
        {"popular", 0.3988095238, 0.2619047619, 0.5476190476, 0.575, 0.3782936508, 0.822707231, NONE, NONE, 42054.82617},
        {"genre-popular", 0.5476190476, 0.4047619048, 0.6904761905, 0.45, 0.2921428571, 0.7706790123, NONE, NONE, 44744.63141},
        {"demographic-popular", 0.380952381, 0.2380952381, 0.5238095238, 0.65, 0.3757936508, 0.822372134, NONE, NONE, 41891.23567},
        {"itemknn", 0.380952381, 0.2380952381, 0.5476190476, 0.65, 0.3753174603, 0.817654321, NONE, NONE, 41682.0234},
        {"ease", 0.380952381, 0.2380952381, 0.5476190476, 0.65, 0.3754761905, 0.8192416226, NONE, NONE, 41702.67242},
    },
    {
        {"tiny", 0.2886178862, 0.2372826563, 0.3434850543, 1, 0.2267615176, 0.805084312, NONE, NONE, 45698.08151},
        {"random", 0.3495934959, 0.2874706197, 0.4094995959, 1, 0.2263482385, 0.7996221018, NONE, NONE, 45932.58047},
        {"popular", 0.5555555556, 0.4752350235, 0.6331076389, 0.55, 0.3533875339, 0.8189792231, NONE, NONE, 49842.98646},
        {"genre-popular", 0.4410471191, 0.3486978857, 0.5414334816, 0.5, 0.2769105691, 0.7714694369, NONE, NONE, 48620.16286},
        {"demographic-popular", 0.5609756098, 0.4789733285, 0.6371529614, 0.675, 0.3505420054, 0.8122704005, NONE, NONE,
         49810.84926},
        {"itemknn", 0.5447154472, 0.4642639373, 0.6287939883, 0.7, 0.3490108401, 0.8209515206, NONE, NONE, 49465.11092},
        {"ease", 0.5447154472, 0.4615217391, 0.6272805643, 0.7, 0.3495799458, 0.8191809696, NONE, NONE, 49446.86888},
    },
};
#undef NONE

/* Every number of a summary in one, each with a weight of its own. */
static double sum_of(const mrq_summary *s)
{
    double sum = s->seeds + 2.0 * s->ranked_users + 3.0 * (double)s->rated + 5.0 * s->n_groups, n = 0;
    if (s->rated)
        sum += 7 * s->rmse.low + 11 * s->rmse.high + 13 * s->mae.low + 17 * s->mae.high;
    for (uint32_t c = 0; c < s->cuts.n && s->seeds; c++)
        for (int k = 0; k < MRQ_MEASURES; k++, n += 3)
            sum += n * s->measure[c][k].low + (n + 1) * s->measure[c][k].mean + (n + 2) * s->measure[c][k].high;
    sum += s->seeds ? n * s->auc.low + (n + 1) * s->auc.mean + (n + 2) * s->auc.high : 0;
    for (uint32_t i = 0; i < s->seeds; i++, n += 2)
        sum += n * s->recall[i] + (n + 1) * s->ndcg[i];
    for (uint32_t g = 0; g < s->n_groups; g++, n += 8) {
        const mrq_group *of = &s->group[g];
        sum += n * of->value + (n + 1) * of->users + (n + 2) * of->recall.low + (n + 3) * of->recall.mean +
               (n + 4) * of->recall.high + (n + 5) * of->ndcg.low + (n + 6) * of->ndcg.mean + (n + 7) * of->ndcg.high;
    }
    return sum;
}

static void check_numbers(int protocol, uint32_t i, const char *name, const mrq_summary *s)
{
    const mrq_estimate *recall = &s->measure[mrq_cuts_main(&s->cuts)][MRQ_RECALL];
    const double got[] = {recall->mean, recall->low,  recall->high, s->coverage, s->popularity,
                          s->diversity, s->rmse.mean, s->mae.mean,  sum_of(s)};
    const double *const want = &experiments[protocol][i].recall;
    assert_string_equal(name, experiments[protocol][i].name);
    for (size_t k = 0; k < sizeof got / sizeof *got; k++)
        if (isnan(want[k]) ? !isnan(got[k]) : !(fabs(got[k] - want[k]) <= (s->rated ? 1e-5 : 1e-8) * (1 + fabs(want[k]))))
            fail_msg("%s by %s, number %zu: %.10g, want %.10g", name, mrq_protocol_names[protocol], k, got[k], want[k]);
}

static void test_experiment(void **state)
{
    (void)state;
    struct world *w = make_world();
    const mrq_description d = describe(TINY);
    for (int protocol = 0; protocol < MRQ_PROTOCOLS; protocol++) {
        mrq_candidate candidate[8] = {{.name = "tiny", .description = &d}};
        mrq_experiment_result one[8], two[8];
        mrq_experiment experiment = {.data = w->data,
                                     .protocol = (mrq_protocol)protocol,
                                     .seed = 1,
                                     .seeds = 2,
                                     .threads = 2,
                                     .n = 1,
                                     .candidate = candidate};
        for (int b = 0; b < MRQ_BASELINES; b++)
            if (!mrq_baseline_unfit((mrq_baseline_kind)b, experiment.protocol, w->data))
                candidate[experiment.n++] = (mrq_candidate){.name = mrq_baseline_names[b], .baseline = (mrq_baseline_kind)b};
        assert_true(experiment.n >= 2);
        mrq_arena *arena = mrq_arena_new();
        assert_ok(mrq_experiment_run(&experiment, arena, one, &err));
        assert_ok(mrq_experiment_run(&experiment, arena, two, &err));
        for (uint32_t i = 0; i < experiment.n; i++) {
            const mrq_summary *s = &one[i].summary, *again = &two[i].summary;
            check_numbers(protocol, i, candidate[i].name, s);
            if (protocol == MRQ_PROTOCOL_RATING) {
                assert_int_equal(s->rated, 2 * RATINGS / 10);
                assert_int_equal(s->seeds, 0);
                check_estimate(&s->rmse, 4);
                check_estimate(&s->mae, 4);
                assert_memory_equal(&s->rmse, &again->rmse, sizeof s->rmse);
                continue;
            }
            assert_int_equal(s->seeds, 2);
            for (uint32_t c = 0; c < s->cuts.n; c++)
                for (int k = 0; k < MRQ_MEASURES; k++)
                    check_estimate(&s->measure[c][k], 1);
            check_estimate(&s->auc, 1);
            assert_int_equal(s->cuts.n, 5);
            assert_memory_equal(s->measure, again->measure, sizeof s->measure);
            assert_true(s->coverage > 0 && s->coverage <= 1 && s->diversity >= 0 && s->diversity <= 1);
            assert_true(s->n_groups > 2);
        }
        mrq_arena_free(arena);
    }
    free_world(w);
}

/* Every turn is told to the log, its seconds as they are: within what the experiment took. */
static void test_turns_are_told(void **state)
{
    (void)state;
    struct world *w = make_world();
    const mrq_description d = describe(TINY);
    const mrq_candidate candidate[] = {{.name = "tiny", .description = &d},
                                       {.name = "popular", .baseline = MRQ_BASELINE_POPULAR},
                                       {.name = "bias", .baseline = MRQ_BASELINE_BIAS}};
    for (int ranks = 0; ranks < 2; ranks++) {
        const mrq_experiment experiment = {.data = w->data,
                                           .protocol = ranks ? MRQ_PROTOCOL_TOPN : MRQ_PROTOCOL_RATING,
                                           .seed = 1,
                                           .seeds = 2,
                                           .threads = 1,
                                           .n = 2,
                                           .candidate = ranks ? candidate : (const mrq_candidate[]){candidate[0], candidate[2]}};
        mrq_experiment_result result[2];
        char text[2000] = "", tale[500] = "";
        FILE *sink = tmpfile();
        assert_non_null(sink);
        MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
        mrq_log_open(sink, MRQ_LOG_INFO);
        const double start = mrq_clock();
        assert_ok(mrq_experiment_run(&experiment, arena, result, &err));
        const double took = mrq_clock() - start;
        mrq_log_open(NULL, MRQ_LOG_INFO);
        rewind(sink);
        text[fread(text, 1, sizeof text - 1, sink)] = '\0';
        fclose(sink);
        for (const char *line = text; (line = strstr(line, "INFO eval ")); line++) {
            char words[200];
            double train, rank;
            assert_int_equal(sscanf(line, "INFO eval %199[^\n]", words), 1);
            char *seconds = strstr(words, " train_seconds=");
            assert_non_null(seconds);
            assert_int_equal(sscanf(seconds, " train_seconds=%lf rank_seconds=%lf", &train, &rank), 2);
            assert_true(train >= 0 && rank >= 0 && train + rank <= took + 0.02);
            *seconds = '\0';
            snprintf(tale + strlen(tale), sizeof tale - strlen(tale), "%s\n", words);
        }
        assert_string_equal(tale, ranks ? "protocol=topn seed=1 candidate=tiny ndcg@10=0.1987\n"
                                          "protocol=topn seed=1 candidate=popular ndcg@10=0.3110\n"
                                          "protocol=topn seed=2 candidate=tiny ndcg@10=0.2014\n"
                                          "protocol=topn seed=2 candidate=popular ndcg@10=0.2705\n"
                                        : "protocol=rating seed=1 candidate=tiny\nprotocol=rating seed=1 candidate=bias\n"
                                          "protocol=rating seed=2 candidate=tiny\nprotocol=rating seed=2 candidate=bias\n");
        assert_true(result[0].train_seconds > 0 && result[0].rank_seconds > 0 && result[1].train_seconds > 0);
        assert_true(ranks ? result[1].rank_seconds > 0 : isnan(result[1].rank_seconds));
        double sum = 0;
        for (int i = 0; i < 2; i++)
            sum += result[i].train_seconds + (isnan(result[i].rank_seconds) ? 0 : result[i].rank_seconds);
        assert_true(2 * sum <= took); /* means of two seeds */
    }
    free_world(w);
}

/* How many ratings each training is of. */
static void note_total(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    uint64_t *seen = context;
    (void)epoch;
    (void)done;
    (void)rmse;
    (void)samples_per_second;
    *seen = total;
}

static void test_models_learn_the_training_part(void **state)
{
    (void)state;
    struct world *w = make_world();
    const mrq_description d = describe(TINY);
    const mrq_candidate candidate = {.name = "tiny", .description = &d};
    for (int protocol = 0; protocol < MRQ_PROTOCOLS; protocol++) {
        uint64_t total = 0;
        const mrq_train_watch watch = {.context = &total, .batch = note_total};
        const mrq_experiment experiment = {.data = w->data,
                                           .protocol = (mrq_protocol)protocol,
                                           .seed = 4,
                                           .seeds = 1,
                                           .threads = 1,
                                           .watch = &watch,
                                           .n = 1,
                                           .candidate = &candidate};
        mrq_experiment_result result;
        mrq_parts p;
        mrq_arena *arena = mrq_arena_new();
        assert_ok(mrq_experiment_run(&experiment, arena, &result, &err));
        assert_ok(mrq_parts_make(w->data, experiment.protocol, false, 4, &p, &err));
        assert_int_equal(total, p.split.n_train - p.split.n_train / 10); /* a tenth, as the description says, chooses the pass */
        mrq_parts_clear(&p);
        mrq_arena_free(arena);
    }
    free_world(w);
}

static void test_experiment_stops(void **state)
{
    (void)state;
    struct world *w = make_world();
    const mrq_description d = describe(TINY);
    const volatile sig_atomic_t stop = 1;
    const mrq_train_watch watch = {.stop = &stop};
    const mrq_candidate candidate = {.name = "tiny", .description = &d};
    const mrq_experiment experiment = {.data = w->data,
                                       .protocol = MRQ_PROTOCOL_TOPN,
                                       .seed = 1,
                                       .seeds = 1,
                                       .threads = 1,
                                       .watch = &watch,
                                       .n = 1,
                                       .candidate = &candidate};
    mrq_experiment_result result;
    mrq_arena *arena = mrq_arena_new();
    assert_fails(mrq_experiment_run(&experiment, arena, &result, &err), MRQ_FAILED, "stopped in protocol topn, seed 1, at tiny");
    mrq_arena_free(arena);
    free_world(w);
}

static void test_trained_model(void **state)
{
    (void)state;
    struct world *w = make_world();
    const mrq_description d = describe(TINY);
    mrq_train_options options = {.split = MRQ_SPLIT_USER, .test = 0.2, .seed = 9, .threads = 1};
    mrq_train_result trained;
    assert_ok(mrq_train(w->data, &d, &options, NULL, &trained, &err));
    mrq_parts p;
    mrq_split split;
    assert_ok(mrq_parts_of_model(w->data, trained.model, &p, &err));
    assert_ok(mrq_split_make(w->data, MRQ_SPLIT_USER, 0.2, 0.1, 9, &split, &err));
    assert_true(same(&p.split, &split));
    check_parts(w->data, &p);
    mrq_split_clear(&split);
    mrq_parts_clear(&p);

    /* its RMSE is the one that the training told, of a rating for a rating */
    const mrq_candidate candidate[] = {{.name = "m.mrq", .model = trained.model}, {.name = "bias", .baseline = MRQ_BASELINE_BIAS}};
    const mrq_experiment experiment = {.data = w->data,
                                       .protocol = MRQ_PROTOCOL_OWN,
                                       .own = trained.model,
                                       .seed = 1,
                                       .seeds = 1,
                                       .threads = 1,
                                       .n = 2,
                                       .candidate = candidate};
    mrq_experiment_result result[2];
    mrq_arena *arena = mrq_arena_new();
    assert_ok(mrq_experiment_run(&experiment, arena, result, &err));
    assert_true(fabs(result[0].summary.rmse.mean - trained.model->results.test_rmse) < 1e-9);
    assert_int_equal(result[0].summary.seeds, 1);
    assert_int_equal(result[1].summary.seeds, 0); /* the bias ranks nothing */
    mrq_arena_free(arena);

    w->data->fingerprint++;
    assert_fails(mrq_parts_of_model(w->data, trained.model, &p, &err), MRQ_BAD_FILE, "trained on other data");
    w->data->fingerprint--;
    trained.model->results.seed++;
    trained.model->results.valid_ratings++;
    assert_fails(mrq_parts_of_model(w->data, trained.model, &p, &err), MRQ_BAD_FILE, "cannot be made again");
    mrq_model_free(trained.model);
    options.test = 0;
    assert_ok(mrq_train(w->data, &d, &options, NULL, &trained, &err));
    assert_fails(mrq_parts_of_model(w->data, trained.model, &p, &err), MRQ_USAGE, "without a test part");
    mrq_model_free(trained.model);
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_topn_shares),
        cmocka_unit_test(test_time_order),
        cmocka_unit_test(test_held_out),
        cmocka_unit_test(test_what_data_cannot_support),
        cmocka_unit_test(test_baselines),
        cmocka_unit_test(test_strangers_get_the_popular),
        cmocka_unit_test(test_unfit_baselines),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_the_interval_is_of_95_percent_on_either_side),
        cmocka_unit_test(test_report_by_hand),
        cmocka_unit_test(test_experiment),
        cmocka_unit_test(test_turns_are_told),
        cmocka_unit_test(test_models_learn_the_training_part),
        cmocka_unit_test(test_experiment_stops),
        cmocka_unit_test(test_trained_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
