/* Tastes: liked and disliked items in a query, against sums by hand. */
#include "engine/redis_answers.h"
#include "engine/snapshot.h"
#include "unit/asked.h"
#include "unit/redis_server.h"

#include "unit/engine_world.h"
#include "unit/ids.h"
#include "unit/text_ids.h"

enum { ITEMS = 40, NOBODYS = ITEMS - 1 /* the item that nobody has rated */ };

static engine_world *world, *plain; /* with a history, and without one */
static const char *folder;
static redis_server redis;

static int64_t id_of(uint32_t item)
{
    return id_number(world->g.items, item);
}

/* The answer has the scores of this sum, the best first, and is without the `n` items in `out`. */
static void assert_scores(const engine_world *w, const question *query, const world_sum *sum, const uint32_t *out, uint32_t n)
{
    mrq_content answer = world_answer(w, query);
    bool given[ITEMS] = {false}, left_out[ITEMS] = {false};
    uint32_t left = ITEMS;
    for (uint32_t i = 0; i < n; i++) {
        left -= !left_out[out[i]];
        left_out[out[i]] = true;
    }
    assert_int_equal(answer.n, query->k < left ? query->k : left);
    double last = (double)INFINITY;
    for (uint32_t i = 0; i < answer.n; i++) {
        const uint32_t item = answer.hit[i].item;
        assert_false(left_out[item] || given[item]);
        if (!(fabs(answer.hit[i].score - world_score(w, sum, item)) < 1e-5))
            fail_msg("item %u: %.7f, want %.7f", item, answer.hit[i].score, world_score(w, sum, item));
        given[item] = true;
        last = answer.hit[i].score;
    }
    for (uint32_t m = 0; m < ITEMS; m++)
        assert_true(given[m] || left_out[m] || world_score(w, sum, m) < last + 1e-5);
    mrq_content_clear(&answer);
}

static void a_strangers_feedback_is_added(void **state)
{
    (void)state;
    const uint32_t items[] = {3, 7, 20, 31, 5};
    const int64_t liked[] = {id_of(20), id_of(3), id_of(7), id_of(3)}, disliked[] = {id_of(31), id_of(5)};
    world_sum sum = world_start(world);
    world_add(world, &sum, world_row(world, "age", 2), 1);
    world_add(world, &sum, world_row(world, "gender", 1), 1);
    world_add(world, &sum, world_row(world, "job", 9), 1);
    for (int i = 0; i < 3; i++)
        world_add(world, &sum, world_liked(world, items[i]), 1);
    for (int i = 3; i < 5; i++)
        world_add(world, &sum, world_liked(world, items[i]), (double)MRQ_DISLIKES);
    question query = {.age = "2",
                      .gender = "1",
                      .job = "job009",
                      .user = -1,
                      .liked = liked,
                      .n_liked = 4,
                      .disliked = disliked,
                      .n_disliked = 2};
    for (query.k = 1; query.k <= ITEMS; query.k++)
        assert_scores(world, &query, &sum, items, 5);
    query.filters.include_seen = true;
    assert_scores(world, &query, &sum, NULL, 0);
}

static void what_is_not_given_is_the_average(void **state)
{
    (void)state;
    const uint32_t item = 12;
    const int64_t liked[] = {id_of(item)};
    world_sum sum = world_start(world);
    world_add(world, &sum, world_liked(world, item), 1);
    world_add_average(world, &sum, "age");
    world_add_average(world, &sum, "job");
    world_sum female = sum;
    world_add(world, &female, world_row(world, "gender", 0), 1);
    world_add_average(world, &sum, "gender");
    assert_scores(world, &(question){.user = -1, .k = 9, .liked = liked, .n_liked = 1}, &sum, &item, 1);
    assert_scores(world, &(question){.gender = "0", .user = -1, .k = 9, .liked = liked, .n_liked = 1}, &female, &item, 1);
}

/* Nor are likes needed for it: of whom nothing is known is the average person. */
static void who_says_nothing_is_the_average(void **state)
{
    (void)state;
    const uint32_t disliked = 5;
    const int64_t ids[] = {id_of(disliked)};
    world_sum sum = world_start(world);
    world_add_average(world, &sum, "age");
    world_add_average(world, &sum, "job");
    world_sum male = sum;
    world_add(world, &male, world_row(world, "gender", 1), 1);
    world_add_average(world, &sum, "gender");
    assert_scores(world, &(question){.user = -1, .k = ITEMS}, &sum, NULL, 0);
    assert_scores(world, &(question){.gender = "1", .user = -1, .k = ITEMS}, &male, NULL, 0);
    world_add(world, &sum, world_liked(world, disliked), (double)MRQ_DISLIKES);
    assert_scores(world, &(question){.user = -1, .k = ITEMS, .disliked = ids, .n_disliked = 1}, &sum, &disliked, 1);
}

/* Nobody liked the item, so nothing is known of who does: the average person. */
static void a_item_that_says_nothing_gives_the_average(void **state)
{
    (void)state;
    const uint32_t nobodys = NOBODYS;
    const int64_t liked[] = {id_of(NOBODYS)};
    const mrq_folded *tower = world->g.tower;
    const float *before = tower->liked;
    float *rows = mrq_array((size_t)ITEMS * tower->width, sizeof *rows);
    memcpy(rows, tower->liked, (size_t)ITEMS * tower->width * sizeof *rows);
    memset(rows + (size_t)NOBODYS * tower->width, 0, tower->width * sizeof *rows);
    world->g.tower->liked = rows;
    world_sum sum = world_start(world);
    world_add_average(world, &sum, "age");
    world_add_average(world, &sum, "gender");
    world_add_average(world, &sum, "job");
    assert_scores(world, &(question){.user = -1, .k = 9, .liked = liked, .n_liked = 1}, &sum, &nobodys, 1);
    world->g.tower->liked = before;
    mrq_free(rows);
}

/* What is told of an item counts instead of the rating that the user's own row holds of it. */
static void a_users_feedback_corrects_the_history(void **state)
{
    (void)state;
    const mrq_links *history = &world->g.tower->history;
    uint32_t tried = 0;
    for (uint32_t u = 0; u < WORLD_USERS; u++) {
        const uint64_t first = history->list.offset[u], n = history->list.offset[u + 1] - first;
        const uint32_t *own = history->list.item + first;
        const bool rated = u < WORLD_USERS - 2;
        assert_true(rated ? n > 2 : n == 0);
        const uint32_t again = rated ? own[0] : 1, turned = rated ? own[1] : 2;
        const int64_t liked[] = {id_of(again), id_of(NOBODYS)}, disliked[] = {id_of(turned)};
        world_sum sum = world_start(world);
        for (uint64_t i = 2; i < n; i++)
            world_add(world, &sum, world_liked(world, own[i]), (double)history->strength[first + i]);
        world_add(world, &sum, world_liked(world, again), 1);
        world_add(world, &sum, world_liked(world, turned), (double)MRQ_DISLIKES);
        world_add(world, &sum, world_liked(world, NOBODYS), 1);
        static const char *const features[] = {"age", "gender", "job"};
        for (int i = 0; i < 3; i++)
            world_add(world, &sum, world_row(world, features[i], mrq_table_column(world->g.users, features[i])->code[u]), 1);
        uint32_t out[WORLD_RATINGS], n_out = 0;
        for (uint64_t i = world->g.seen.offset[u]; i < world->g.seen.offset[u + 1]; i++)
            out[n_out++] = world->g.seen.item[i];
        out[n_out++] = again;
        out[n_out++] = turned;
        out[n_out++] = NOBODYS;
        question query = {.user = u + 1, .k = 15, .liked = liked, .n_liked = 2, .disliked = disliked, .n_disliked = 1};
        assert_scores(world, &query, &sum, out, n_out);
        query.filters.include_seen = true;
        query.k = ITEMS;
        assert_scores(world, &query, &sum, NULL, 0);
        tried += rated;
    }
    assert_int_equal(tried, WORLD_USERS - 2);
}

static void averages_survive_the_file(void **state)
{
    (void)state;
    char path[200];
    snprintf(path, sizeof path, "%s/users.mrq", folder);
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("users", 1);
    MRQ_CLEANUP(mrq_container_close) mrq_container *container = NULL;
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *loaded = NULL;
    const mrq_folded *tower = world->g.tower;
    mrq_table_save(world->g.users, writer, "users");
    mrq_folded_save(tower, world->g.users, writer);
    assert_ok(mrq_container_write(writer, path, &err));
    assert_ok(mrq_container_open(path, "users", 1, &container, &err));
    assert_ok(mrq_folded_load(container, world->g.users, &loaded, &err));
    for (uint32_t b = 0; b < tower->n_branches; b++)
        assert_memory_equal(loaded->branch[b].mean, tower->branch[b].mean, tower->width * sizeof(float));
}

/* Identity */

static char *text_of(const question *query)
{
    mrq_resolved resolved = {0};
    assert_ok(asked_resolve(&world->g, query, &resolved, &err));
    char *text = strdup(resolved.text);
    mrq_resolved_clear(&resolved);
    return text;
}

static void assert_text(const question *query, const char *want)
{
    char *text = text_of(query);
    assert_string_equal(text, want);
    free(text);
}

static void the_text_holds_the_feedback(void **state)
{
    (void)state;
    const int64_t a[] = {16, 10, 13, 10}, b[] = {13, 16, 10}, c[] = {22, 19};
    assert_text(&(question){.user = -1, .k = 5, .liked = a, .n_liked = 4, .disliked = c, .n_disliked = 2},
                "{\"user\":null,\"liked\":[\"10\",\"13\",\"16\"],\"disliked\":[\"19\",\"22\"],\"k\":5}");
    assert_text(&(question){.user = -1, .k = 5, .liked = b, .n_liked = 3},
                "{\"user\":null,\"liked\":[\"10\",\"13\",\"16\"],\"k\":5}");
    assert_text(&(question){.user = -1, .k = 5, .liked = a, .n_liked = 4, .explain = MRQ_EXPLAIN_ALL},
                "{\"user\":null,\"liked\":[\"10\",\"13\",\"16\"],\"k\":5}");
    assert_text(&(question){.user = -1, .k = 5, .liked = c, .n_liked = 1, .filters = {.include_seen = true}},
                "{\"user\":null,\"liked\":[\"22\"],\"k\":5,\"include_seen\":true}");
    const question same = {.age = "1", .gender = "1", .job = "1", .user = -1, .k = 5};
    question other = same;
    char *text = text_of(&same);
    assert_null(strstr(text, "liked"));
    other.disliked = c;
    other.n_disliked = 2;
    char *another = text_of(&other);
    assert_string_not_equal(text, another);
    free(text);
    free(another);
}

static void assert_same(const mrq_content *a, const mrq_content *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        assert_int_equal(a->hit[i].item, b->hit[i].item);
        assert_true(a->hit[i].score == b->hit[i].score);
    }
    assert_string_equal(a->query.text, b->query.text);
}

/* The answer through the cache, which comes to `want`; equal to the one without. */
static void assert_through(const mrq_generation *g, mrq_cache *cache, const question *query, mrq_cache_state want)
{
    mrq_content bare = world_answer(world, query), answer = {0};
    for (int tries = 0; tries < 10; tries++) { /* a busy machine can make Redis look down */
        mrq_content_clear(&answer);
        assert_ok(asked_recommend(g, cache, query, &answer, &err));
        if (answer.cache == want || !strstr(mrq_cache_problem(cache), "timed out"))
            break;
        usleep(300000);
    }
    assert_int_equal(answer.cache, want);
    assert_same(&answer, &bare);
    mrq_content_clear(&answer);
    mrq_content_clear(&bare);
}

static void a_hit_equals_a_search_and_is_warmed(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    const int64_t a[] = {10, 16, 52}, b[] = {25, 43};
    const question queries[] = {
        {.user = -1, .k = 5, .liked = a, .n_liked = 3},
        {.user = -1, .k = 5, .liked = a, .n_liked = 3, .disliked = b, .n_disliked = 2},
        {.user = -1, .k = 5, .liked = a, .n_liked = 3, .filters = {.include_seen = true}},
        {.user = 7, .k = 5, .disliked = b, .n_disliked = 1},
        {.user = 7, .k = 5, .liked = b, .n_liked = 1},
        {.age = "1", .gender = "1", .job = "1", .user = -1, .k = 50, .disliked = a, .n_disliked = 3},
    };
    const size_t n = sizeof queries / sizeof *queries;
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < n; i++)
            assert_through(&world->g, cache, &queries[i], turn ? MRQ_CACHE_HIT : MRQ_CACHE_MISS);
    mrq_generation newer = world->g;
    strcpy(newer.name, "20260201T020000Z-0123456789ab");
    uint32_t warmed = 0;
    assert_ok(mrq_warm(&newer, cache, 100, &warmed, &err));
    assert_int_equal(warmed, n);
    for (size_t i = 0; i < n; i++)
        assert_through(&newer, cache, &queries[i], MRQ_CACHE_HIT);
    static const char *const hostile[] = {
        "{\"user\":1,\"k\":3,\"liked\":1}",           "{\"user\":1,\"k\":3,\"liked\":[\"\"]}",
        "{\"user\":1,\"k\":3,\"liked\":[\"010\"]}",   "{\"user\":1,\"k\":3,\"liked\":[\"10\",\"\\n\"]}",
        "{\"user\":1,\"k\":3,\"liked\":[\"10,13\"]}", "{\"user\":1,\"k\":3,\"liked\":[true]}",
        "{\"user\":1,\"k\":3,\"disliked\":[-1]}",     "{\"user\":1,\"k\":3,\"disliked\":[1e300]}",
        "{\"user\":1,\"k\":3,\"liked\":[11]}",        "{\"user\":1,\"k\":3,\"liked\":[10],\"disliked\":[10]}"};
    freeReplyObject(redis_raw(&redis, NULL, "FLUSHALL"));
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++)
        freeReplyObject(redis_raw(&redis, NULL, "ZADD " MRQ_HOT_KEY " 100 %s", hostile[i]));
    assert_ok(mrq_warm(&newer, cache, 100, &warmed, &err));
    assert_int_equal(warmed, 0);
}

/* Wrong feedback */

static void assert_refused(const engine_world *w, const question *query, mrq_status status, const char *sentence)
{
    mrq_content answer = {0};
    assert_fails(asked_recommend(&w->g, NULL, query, &answer, &err), status, sentence);
    assert_true(strstr(err.msg, sentence) == err.msg); /* it begins with the member's name */
    assert_null(answer.hit);
}

static void refuses_wrong_feedback(void **state)
{
    (void)state;
    static int64_t many[MRQ_FEEDBACK_MAX + 1];
    for (uint32_t i = 0; i < MRQ_FEEDBACK_MAX + 1; i++)
        many[i] = id_of(i % ITEMS);
    const int64_t known[] = {10, 13}, unknown[] = {10, 11}, negative[] = {-1}, both[] = {16, 13};
    assert_refused(world, &(question){.user = -1, .k = 5, .liked = unknown, .n_liked = 2}, MRQ_NOT_FOUND,
                   "liked 11: not among the 40 items of the data; want the id of one");
    assert_refused(world, &(question){.user = 1, .k = 5, .disliked = negative, .n_disliked = 1}, MRQ_NOT_FOUND,
                   "disliked -1: not among the 40 items of the data; want the id of one");
    assert_refused(world, &(question){.user = 1, .k = 5, .liked = known, .n_liked = 2, .disliked = both, .n_disliked = 2},
                   MRQ_USAGE, "liked 13: disliked as well, want one or the other");
    assert_refused(world, &(question){.user = -1, .k = 5, .liked = many, .n_liked = MRQ_FEEDBACK_MAX + 1}, MRQ_USAGE,
                   "liked: more than 10000 values");
    assert_refused(world, &(question){.user = 1, .k = 5, .disliked = many, .n_disliked = MRQ_FEEDBACK_MAX + 1}, MRQ_USAGE,
                   "disliked: more than 10000 values");
    assert_refused(plain, &(question){.user = 1, .k = 5, .liked = known, .n_liked = 1}, MRQ_USAGE,
                   "liked: model \"toy\" does not learn from what a person likes; train with --model retrieval");
    assert_refused(plain, &(question){.user = 1, .k = 5, .disliked = known, .n_disliked = 1}, MRQ_USAGE,
                   "disliked: model \"toy\" does not learn from what a person likes; train with --model retrieval");
    assert_refused(world, &(question){.age = "x", .user = -1, .k = 5, .liked = known, .n_liked = 1}, MRQ_USAGE, "age \"x\"");
}

static void refuses_wrong_ids(void **state)
{
    (void)state;
    static const mrq_field_index fields[] = {MRQ_Q_LIKED, MRQ_Q_DISLIKED};
    for (int f = 0; f < 2; f++)
        for (int i = 0; i < WRONG_IDS + TEXT_IDS; i++) {
            const char *name = mrq_query_fields[fields[f]].name, *id = i < WRONG_IDS ? wrong_ids[i] : text_ids[i - WRONG_IDS];
            char says[120];
            mrq_content answer = {0};
            ASKED_QUERY query = {0};
            if (i < WRONG_IDS) {
                assert_fails(mrq_query_put(&query, fields[f], id, &err), MRQ_USAGE,
                             "want an id, 1 to 255 bytes of UTF-8 without control characters");
                continue;
            }
            assert_ok(mrq_query_put(&query, fields[f], "10", &err));
            assert_ok(mrq_query_put(&query, fields[f], id, &err));
            snprintf(says, sizeof says, "%s %.40s: not among the 40 items of the data; want the id of one", name, id);
            assert_fails(mrq_recommend(&world->g, NULL, &query, NULL, &answer, &err), MRQ_NOT_FOUND, says);
            assert_true(strstr(err.msg, says) == err.msg);
            assert_null(answer.hit);
        }
}

/* Items whose ids are texts count as those that are numbers do, each of them for itself. */
static void ids_can_be_texts(void **state)
{
    (void)state;
    static const char *const liked[] = {"tt0111161", "7", "a,b", "7", "é"}, *const disliked[] = {"007", "a\"b"};
    const mrq_strings before = take_text_ids(world->g.items);
    uint32_t out[6], n = 0;
    ASKED_QUERY query = {0};
    world_sum sum = world_start(world);
    static const char *const features[] = {"age", "gender", "job"};
    for (int i = 0; i < 3; i++)
        world_add_average(world, &sum, features[i]);
    for (int i = 0; i < 7; i++) {
        const char *id = i < 5 ? liked[i] : disliked[i - 5];
        assert_ok(mrq_query_put(&query, i < 5 ? MRQ_Q_LIKED : MRQ_Q_DISLIKED, id, &err));
        if (i == 3)
            continue; /* again */
        out[n] = row_of(world->g.items, id);
        world_add(world, &sum, world_liked(world, out[n++]), i < 5 ? 1 : (double)MRQ_DISLIKES);
    }
    assert_ok(mrq_query_put(&query, MRQ_Q_K, "40", &err));
    mrq_content answer = {0};
    assert_ok(mrq_recommend(&world->g, NULL, &query, NULL, &answer, &err));
    assert_int_equal(answer.n, ITEMS - n);
    for (uint32_t i = 0; i < answer.n; i++) {
        const uint32_t item = answer.hit[i].item;
        for (uint32_t j = 0; j < n; j++)
            assert_int_not_equal(item, out[j]);
        assert_true(fabs(answer.hit[i].score - world_score(world, &sum, item)) < 1e-5);
    }
    assert_string_equal(answer.query.text, "{\"user\":null,\"liked\":[\"7\",\"a,b\",\"tt0111161\",\"é\"],"
                                           "\"disliked\":[\"007\",\"a\\\"b\"],\"k\":40}");
    mrq_content_clear(&answer);
    assert_ok(mrq_query_put(&query, MRQ_Q_DISLIKED, "a,b", &err));
    assert_fails(mrq_recommend(&world->g, NULL, &query, NULL, &answer, &err), MRQ_USAGE,
                 "liked a,b: disliked as well, want one or the other");
    world->g.items->id = before;
}

static void people_known_by_their_history_alone(void **state)
{
    (void)state;
    engine_world *w = engine_world_new(WORLD_HISTORY_ALONE, ITEMS);
    world_sum nobody = world_start(w);
    assert_scores(w, &(question){.user = -1, .k = ITEMS}, &nobody, NULL, 0);
    const uint32_t items[] = {4, 9};
    const int64_t liked[] = {id_of(4)}, disliked[] = {id_of(9)};
    world_sum sum = world_start(w);
    world_add(w, &sum, world_liked(w, 4), 1);
    world_add(w, &sum, world_liked(w, 9), (double)MRQ_DISLIKES);
    assert_scores(w, &(question){.user = -1, .k = 5, .liked = liked, .n_liked = 1, .disliked = disliked, .n_disliked = 1}, &sum,
                  items, 2);
    engine_world_free(w);
}

/* As many as may be, all different, out of more: those are left out, and the vector is their sum. */
static void ten_thousand_items(void **state)
{
    (void)state;
    enum { MANY = 10050 };
    engine_world *w = engine_world_new(WORLD_RETRIEVAL, MANY);
    int64_t liked[MRQ_FEEDBACK_MAX];
    world_sum sum = world_start(w);
    world_add_average(w, &sum, "age");
    world_add_average(w, &sum, "gender");
    world_add_average(w, &sum, "job");
    for (uint32_t i = 0; i < MRQ_FEEDBACK_MAX; i++) {
        liked[i] = id_number(w->g.items, MANY - 1 - i);
        world_add(w, &sum, world_liked(w, MANY - 1 - i), 1);
    }
    mrq_content answer = world_answer(w, &(question){.user = -1, .k = 1000, .liked = liked, .n_liked = MRQ_FEEDBACK_MAX});
    assert_int_equal(answer.n, MANY - MRQ_FEEDBACK_MAX);
    for (uint32_t i = 0; i < answer.n; i++) {
        assert_true(answer.hit[i].item < MANY - MRQ_FEEDBACK_MAX);
        assert_true(fabs(answer.hit[i].score - world_score(w, &sum, answer.hit[i].item)) < 1e-3);
    }
    mrq_content_clear(&answer);
    engine_world_free(w);
}

static int set_up(void **state)
{
    (void)state;
    world = engine_world_new(WORLD_RETRIEVAL, ITEMS);
    plain = engine_world_new(WORLD_COSINE, ITEMS);
    return 0;
}

/* What needs the history says so when it is not there; a plain query does not need it. */
static void without_its_history(void **state)
{
    (void)state;
    const float *liked = world->g.tower->liked;
    const int64_t item[] = {id_of(3)};
    mrq_content answer = {0};
    question query = {.user = 3, .k = 5};
    mrq_content whole = world_answer(world, &query);
    world->g.tower->liked = NULL;
    assert_ok(asked_recommend(&world->g, NULL, &query, &answer, &err));
    assert_int_equal(answer.n, whole.n);
    for (uint32_t i = 0; i < whole.n; i++)
        assert_true(answer.hit[i].item == whole.hit[i].item && fabs(answer.hit[i].score - whole.hit[i].score) <= 0);
    mrq_content_clear(&answer);
    mrq_content_clear(&whole);
    query.explain = MRQ_EXPLAIN_ALL;
    assert_fails(asked_recommend(&world->g, NULL, &query, &answer, &err), MRQ_FAILED, "opened without its history");
    query = (question){.user = 3, .k = 5, .disliked = item, .n_disliked = 1};
    assert_fails(asked_recommend(&world->g, NULL, &query, &answer, &err), MRQ_FAILED, "opened without its history");
    assert_fails(asked_similar(&world->g, "10", 3, &query.filters, &answer, &err), MRQ_FAILED, "opened without its history");
    world->g.tower->liked = liked;
}

/* Similar items are those whose score it raises most that the item is liked. */
static void similar_is_what_liking_adds(void **state)
{
    (void)state;
    const uint32_t item = 4;
    world_sum sum = {{0}};
    world_add(world, &sum, world_liked(world, item), 1);
    mrq_content answer = {0};
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)id_of(item));
    assert_ok(asked_similar(&world->g, id, 7, &(question_filters){.genre = NULL}, &answer, &err));
    assert_int_equal(answer.n, 7);
    bool given[ITEMS] = {[4] = true};
    for (uint32_t i = 0; i < answer.n; i++) {
        assert_false(given[answer.hit[i].item]);
        given[answer.hit[i].item] = true;
        assert_true(fabs(answer.hit[i].score - world_score(world, &sum, answer.hit[i].item)) < 1e-5);
    }
    for (uint32_t m = 0; m < ITEMS; m++)
        assert_true(given[m] || world_score(world, &sum, m) < answer.hit[6].score + 1e-5);
    mrq_content_clear(&answer);
}

static bool user_likes(uint32_t user, uint32_t item)
{
    return mrq_lists_find(&world->g.tower->history.list, user, item) != UINT64_MAX;
}

/* What a user likes comes first, however few have rated it. */
static void a_users_likes_come_first(void **state)
{
    (void)state;
    uint32_t ratings[ITEMS] = {0}, mixed = 0;
    for (uint64_t i = 0; i < world->g.seen.offset[WORLD_USERS]; i++)
        ratings[world->g.seen.item[i]]++;
    mrq_snapshot serving = {.references = 1, .generation = &world->g, .ratings = ratings};
    for (uint32_t u = 0; u < WORLD_USERS; u++) {
        mrq_cached_answer *finished = NULL;
        ASKED_QUERY query = {0};
        assert_ok(asked_number(&query, MRQ_Q_USER, u + 1, &err));
        assert_ok(asked_number(&query, MRQ_Q_K, ITEMS, &err));
        assert_ok(mrq_find_user(&serving, &query, NULL, &finished, &err));
        const mrq_content *answer = &finished->content;
        assert_int_equal(answer->n, world->g.seen.offset[u + 1] - world->g.seen.offset[u]);
        for (uint32_t i = 1; i < answer->n; i++) {
            const uint32_t before = answer->hit[i - 1].item, item = answer->hit[i].item;
            const bool likes_before = user_likes(u, before), likes = user_likes(u, item);
            assert_true(likes_before || !likes);
            assert_true(likes_before != likes || ratings[before] >= ratings[item]);
            mixed += likes_before != likes && ratings[before] < ratings[item];
        }
        mrq_cached_answer_release(finished);
    }
    assert_true(mixed > 0);
}

static int tear_down(void **state)
{
    (void)state;
    engine_world_free(world);
    engine_world_free(plain);
    return 0;
}

int main(void)
{
    folder = temporary_folder();
    redis = redis_try(folder);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strangers_feedback_is_added),
        cmocka_unit_test(what_is_not_given_is_the_average),
        cmocka_unit_test(who_says_nothing_is_the_average),
        cmocka_unit_test(a_item_that_says_nothing_gives_the_average),
        cmocka_unit_test(a_users_feedback_corrects_the_history),
        cmocka_unit_test(averages_survive_the_file),
        cmocka_unit_test(the_text_holds_the_feedback),
        cmocka_unit_test(a_hit_equals_a_search_and_is_warmed),
        cmocka_unit_test(refuses_wrong_feedback),
        cmocka_unit_test(refuses_wrong_ids),
        cmocka_unit_test(ids_can_be_texts),
        cmocka_unit_test(people_known_by_their_history_alone),
        cmocka_unit_test(ten_thousand_items),
        cmocka_unit_test(similar_is_what_liking_adds),
        cmocka_unit_test(without_its_history),
        cmocka_unit_test(a_users_likes_come_first),
    };
    const int failed = cmocka_run_group_tests(tests, set_up, tear_down);
    redis_stop(&redis);
    temporary_remove(folder);
    return failed;
}
