/* The live database: what is acknowledged is on disk and counts; what comes back from disk is what was folded; what is wrong is
 * refused. */
#include "unit/small_world.h" /* first: it has an err of its own */

#include "unit/forge.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sqlite.h"
#include "live/live.h"

static char folder[PATH];
static mrq_table *items;
static const mrq_meaning ratings = {MRQ_VALUE_RATING, .min = 1, .max = 5, .like_from = 4};

static int set_up(void **state)
{
    (void)state;
    items = small_items(40, 3);
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mrq_table_free(items);
    temporary_remove(folder);
    return 0;
}

/* The path of a new database, not made yet. */
static const char *new_path(void)
{
    static char path[PATH + 40];
    static int n;
    snprintf(path, sizeof path, "%.4000s/live%d.db", folder, n++);
    return path;
}

static mrq_live *open_live(const char *path, uint64_t mark)
{
    mrq_live *live = NULL;
    assert_ok(mrq_live_open(path, 0, mark, &live, &err));
    return live;
}

static mrq_status post(mrq_live *live, const mrq_change *change, uint32_t n, uint32_t *changed)
{
    mrq_post p = {.n = n, .change = change};
    const mrq_status status = mrq_live_post_now(live, &p, &err);
    if (changed)
        *changed = p.changed;
    return status;
}

static uint32_t make(mrq_live *live, mrq_change change)
{
    uint32_t changed = 99;
    assert_ok(post(live, &change, 1, &changed));
    return changed;
}

/* Ids of the items of the small world are 10 + 3 i. */
static const char *item_id(uint32_t row)
{
    static char id[4][16];
    static int n;
    char *out = id[n++ % 4];
    snprintf(out, 16, "%u", 10 + 3 * row);
    return out;
}

static uint32_t add(mrq_live *live, const char *user, uint32_t row, const char *kind, double value, int64_t time)
{
    return make(
        live, (mrq_change){.what = MRQ_ADD_EVENT, .user = user, .item = item_id(row), .kind = kind, .value = value, .time = time});
}

static mrq_live_person look(mrq_live *live, uint64_t mark, const mrq_meaning *meaning, const char *user)
{
    mrq_live_person person = {0};
    assert_ok(mrq_live_look(live, mark, meaning, items, user, &person, &err));
    return person;
}

/* What is known of a user: "3+ 5- ..." by the newest last; then the features. */
static const char *told(mrq_live *live, uint64_t mark, const mrq_meaning *meaning, const char *user)
{
    static char text[2][2000];
    static int n;
    char *out = text[n++ % 2];
    static const char signs[] = {
        [MRQ_HAD] = '.', [MRQ_NEUTRAL] = '0', [MRQ_LIKED] = '+', [MRQ_DISLIKED] = '-', [MRQ_FORGOTTEN] = 'x'};
    mrq_live_person p = look(live, mark, meaning, user);
    size_t used = (size_t)sprintf(out, "%s", p.erased ? "erased " : "");
    for (uint32_t i = 0; i < p.n; i++)
        used += (size_t)sprintf(out + used, "%u%c ", p.said[i].row, signs[p.said[i].opinion]);
    for (uint32_t i = 0; i < p.n_features; i++)
        used += (size_t)sprintf(out + used, "%s ", p.feature[i]);
    assert_true((p.digest != 0) == (used > 0));
    mrq_live_person_clear(&p);
    return out;
}

#define assert_told(live, user, want) assert_string_equal(told(live, 0, &ratings, user), want)

static void an_event_says_what_the_data_s_events_say(void **state)
{
    (void)state;
    static const mrq_meaning none = {MRQ_VALUE_NONE, .like_from = -INFINITY}, count = {MRQ_VALUE_COUNT, .like_from = 10},
                             action = {MRQ_VALUE_ACTION, .like_from = 3, .n_actions = 3,
                                       .action = {{"view", 1}, {"buy", 5}, {"return", -6}}};
    static const struct {
        const mrq_meaning *meaning;
        struct {
            const char *kind;
            double value;
        } event[4];
        uint32_t n;
        const char *want;
    } cases[] = {
        {&ratings, {{NULL, 4}}, 1, "7+ "},
        {&ratings, {{NULL, 3.5}}, 1, "70 "},
        {&ratings, {{NULL, 5}, {NULL, 1}}, 2, "70 "}, /* the newest counts */
        {&ratings, {{NULL, 1}, {NULL, 5}}, 2, "7+ "},
        {&ratings, {{"like", NAN}}, 1, "7+ "},
        {&ratings, {{"dislike", NAN}}, 1, "7- "},
        {&ratings, {{"like", NAN}, {NULL, 2}}, 2, "70 "},
        {&ratings, {{"view", NAN}}, 1, "7. "}, /* a kind of other data */
        {&ratings, {{"like", NAN}, {"view", NAN}}, 2, "7+ "},
        {&none, {{NULL, NAN}}, 1, "7+ "},
        {&none, {{"dislike", NAN}}, 1, "7- "},
        {&count, {{NULL, 9}}, 1, "7. "},
        {&count, {{NULL, 9}, {NULL, 1}}, 2, "7+ "}, /* added */
        {&action, {{"view", NAN}, {"view", NAN}}, 2, "7. "},
        {&action, {{"view", NAN}, {"view", NAN}, {"view", NAN}}, 3, "7+ "},
        {&action, {{"buy", NAN}}, 1, "7+ "},
        {&action, {{"buy", NAN}, {"return", NAN}}, 2, "7- "},
        {&action, {{"buy", NAN}, {"return", NAN}, {"like", NAN}}, 3, "7+ "},
        {&action, {{NULL, NAN}}, 1, "7. "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_live *live = open_live(new_path(), 0);
        for (uint32_t e = 0; e < cases[i].n; e++)
            assert_int_equal(add(live, "u", 7, cases[i].event[e].kind, cases[i].event[e].value, 100 + e), 1);
        assert_string_equal(told(live, 0, cases[i].meaning, "u"), cases[i].want);
        mrq_live_close(live);
    }
}

static void items_stand_in_the_order_of_their_newest_event_that_changed_something(void **state)
{
    (void)state;
    mrq_live *live = open_live(new_path(), 0);
    add(live, "u", 1, "like", NAN, 100);
    add(live, "u", 2, "like", NAN, 90); /* older, though it came later */
    add(live, "u", 3, "dislike", NAN, 95);
    add(live, "u", 2, "view", NAN, 200); /* says nothing more */
    assert_told(live, "u", "2+ 3- 1+ ");
    add(live, "u", 3, "like", NAN, 100); /* of equal times the later one */
    assert_told(live, "u", "2+ 1+ 3+ ");
    assert_int_equal(make(live, (mrq_change){.what = MRQ_ADD_EVENT, .user = "u", .item = "nothing", .kind = "like", .value = NAN}),
                     1);
    assert_told(live, "u", "2+ 1+ 3+ "); /* an item that the generation does not have */
    assert_told(live, "v", "");
    mrq_live_close(live);
}

static void a_repeated_id_changes_nothing(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    mrq_change e = {.what = MRQ_ADD_EVENT, .user = "u", .item = item_id(1), .kind = "like", .value = NAN, .time = 5, .id = "a"};
    assert_int_equal(make(live, e), 1);
    e.kind = "dislike";
    assert_int_equal(make(live, e), 0);
    const mrq_change twice[] = {
        e, e, {.what = MRQ_ADD_EVENT, .user = "u", .item = item_id(2), .kind = "like", .value = NAN, .id = "b"}};
    uint32_t changed;
    assert_ok(post(live, twice, 3, &changed));
    assert_int_equal(changed, 1);
    assert_told(live, "u", "2+ 1+ ");
    mrq_live_stats stats;
    mrq_live_measure(live, &stats);
    assert_int_equal(stats.last, 2);
    assert_int_equal(stats.events, 2);
    mrq_live_close(live);
}

static void dropped_events_pairs_and_users_are_gone(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    make(live, (mrq_change){.what = MRQ_ADD_EVENT, .user = "u", .item = item_id(1), .kind = "like", .value = NAN, .id = "a"});
    add(live, "u", 2, "like", NAN, 1);
    add(live, "u", 3, "like", NAN, 2);
    add(live, "v", 3, "like", NAN, 2);
    assert_int_equal(make(live, (mrq_change){.what = MRQ_DROP_EVENT, .id = "a"}), 1);
    assert_int_equal(make(live, (mrq_change){.what = MRQ_DROP_EVENT, .id = "a"}), 0);
    assert_told(live, "u", "2+ 3+ ");
    assert_int_equal(make(live, (mrq_change){.what = MRQ_DROP_PAIR, .user = "u", .item = item_id(3), .value = NAN, .time = 9}), 1);
    assert_told(live, "u", "3x 2+ ");
    add(live, "u", 3, "dislike", NAN, 1); /* what comes after counts, whenever it happened */
    assert_told(live, "u", "2+ 3- ");
    make(live, (mrq_change){.what = MRQ_PUT_USER, .user = "u", .text = "{\"b\":\"2\",\"a\":\"1\"}"});
    assert_told(live, "u", "2+ 3- a=1 b=2 ");
    assert_int_equal(make(live, (mrq_change){.what = MRQ_ERASE_USER, .user = "u"}), 1);
    assert_told(live, "u", "erased ");
    assert_told(live, "v", "3+ ");
    mrq_live_close(live);
    live = open_live(path, 0);
    assert_told(live, "u", "erased ");
    add(live, "u", 5, "like", NAN, 3); /* who comes back is somebody new */
    assert_told(live, "u", "erased 5+ ");
    mrq_live_close(live);
    char found[200];
    shell(found, sizeof found, "cat '%s'* | grep -c 'a=1\\|\"b\":\"2\"' || true", path);
    assert_string_equal(found, "0\n");
}

static void only_what_is_newer_than_the_mark_counts(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    add(live, "u", 1, "like", NAN, 1);
    make(live, (mrq_change){.what = MRQ_ERASE_USER, .user = "w"});
    add(live, "u", 2, "like", NAN, 2);
    assert_string_equal(told(live, 0, &ratings, "u"), "1+ 2+ ");
    assert_string_equal(told(live, 2, &ratings, "u"), "2+ ");
    assert_string_equal(told(live, 3, &ratings, "u"), "");
    assert_string_equal(told(live, 1, &ratings, "w"), "erased ");
    assert_string_equal(told(live, 2, &ratings, "w"), "");
    assert_ok(mrq_live_settle(live, 2, &err));
    mrq_live_stats stats;
    mrq_live_measure(live, &stats);
    assert_int_equal(stats.events, 1);
    assert_string_equal(told(live, 2, &ratings, "u"), "2+ ");
    assert_ok(mrq_live_settle(live, 0, &err)); /* back to an older generation */
    assert_string_equal(told(live, 0, &ratings, "u"), "1+ 2+ ");
    assert_fails(mrq_live_settle(live, 4, &err), MRQ_BAD_FILE,
                 "its last change is number 3, but the generation knows changes up to 4");
    mrq_live_close(live);
    mrq_live *none = NULL;
    assert_fails(mrq_live_open(path, 0, 4, &none, &err), MRQ_BAD_FILE, "this is another database, or an older copy");
    assert_null(none);
}

/* A number is never given again, even if all rows with the highest are gone: a generation's mark would hide it. */
static void numbers_are_never_given_again(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    add(live, "u", 1, "like", NAN, 1);
    make(live, (mrq_change){.what = MRQ_ADD_EVENT, .user = "u", .item = item_id(2), .kind = "like", .value = NAN, .id = "x"});
    make(live, (mrq_change){.what = MRQ_DROP_EVENT, .id = "x"});
    mrq_live_close(live);
    live = open_live(path, 2);
    add(live, "u", 3, "like", NAN, 1);
    assert_string_equal(told(live, 2, &ratings, "u"), "3+ ");
    mrq_live_close(live);
}

static void hidden_and_expired_items_are_listed(void **state)
{
    (void)state;
    const char *path = new_path();
    const int64_t now = (int64_t)time(NULL);
    mrq_live *live = open_live(path, 0);
    const mrq_live_version before = mrq_live_version_of(live, "u");
    make(live, (mrq_change){.what = MRQ_PUT_ITEM, .item = item_id(9), .hidden = true, .time = MRQ_NO_TIME});
    make(live, (mrq_change){.what = MRQ_PUT_ITEM, .item = item_id(4), .time = now - 1});
    make(live, (mrq_change){.what = MRQ_PUT_ITEM, .item = item_id(5), .time = now + 2});
    make(live, (mrq_change){.what = MRQ_PUT_ITEM, .item = "nothing", .hidden = true, .time = MRQ_NO_TIME});
    const mrq_live_version then = mrq_live_version_of(live, "u");
    assert_true(before.items != then.items && before.user == then.user);
    for (int again = 0; again < 2; again++) {
        MRQ_AUTOFREE uint32_t *row = NULL;
        uint32_t n;
        assert_ok(mrq_live_hidden(live, items, &row, &n, &err));
        assert_int_equal(n, 2);
        assert_int_equal(row[0], 4);
        assert_int_equal(row[1], 9);
        mrq_live_close(live);
        live = open_live(path, 0);
    }
    const mrq_live_version opened = mrq_live_version_of(live, NULL);
    sleep(3);
    assert_true(mrq_live_version_of(live, NULL).items != opened.items); /* by itself */
    MRQ_AUTOFREE uint32_t *row = NULL;
    uint32_t n;
    make(live, (mrq_change){.what = MRQ_DROP_ITEM, .item = item_id(9), .time = MRQ_NO_TIME});
    assert_ok(mrq_live_hidden(live, items, &row, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(row[0], 4);
    assert_int_equal(row[1], 5);
    mrq_live_close(live);
}

static void a_version_changes_with_what_is_known_of_the_user_alone(void **state)
{
    (void)state;
    mrq_live *live = open_live(new_path(), 0);
    add(live, "v", 1, "like", NAN, 1);
    const mrq_live_version u = mrq_live_version_of(live, "u"), v = mrq_live_version_of(live, "v");
    assert_int_equal(u.user, 0);
    add(live, "u", 1, "like", NAN, 1);
    assert_true(mrq_live_version_of(live, "u").user != 0);
    assert_int_equal(mrq_live_version_of(live, "v").user, v.user);
    make(live, (mrq_change){.what = MRQ_ERASE_USER, .user = "v"});
    assert_true(mrq_live_version_of(live, "v").user != v.user);
    mrq_live_close(live);
}

/* Random changes: what was folded as they came is what is folded from disk. */
static void the_fold_is_the_same_from_disk(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_random rng;
    mrq_random_init(&rng, 3, 14);
    mrq_live *live = open_live(path, 0);
    uint64_t digest[9];
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 120; i++) {
            static const char *const kinds[] = {"like", "dislike", "view", NULL};
            char user[8], id[8];
            snprintf(user, sizeof user, "u%u", (unsigned)mrq_random_below(&rng, 9));
            snprintf(id, sizeof id, "i%u", (unsigned)mrq_random_below(&rng, 60));
            const char *kind = kinds[mrq_random_below(&rng, 4)], *item = item_id((uint32_t)mrq_random_below(&rng, 40));
            const double value = kind ? (double)NAN : 1 + (double)mrq_random_below(&rng, 5);
            mrq_change c = {.what = MRQ_ADD_EVENT, .user = user, .item = item, .kind = kind, .value = value, .id = id};
            c.time = (int64_t)mrq_random_below(&rng, 50);
            const uint64_t what = mrq_random_below(&rng, 20);
            if (what == 0)
                c = (mrq_change){.what = MRQ_ERASE_USER, .user = user};
            else if (what < 3)
                c = (mrq_change){.what = MRQ_DROP_PAIR, .user = user, .item = item, .value = NAN};
            else if (what < 5)
                c = (mrq_change){.what = MRQ_DROP_EVENT, .id = id};
            else if (what == 5)
                c = (mrq_change){.what = MRQ_PUT_USER, .user = user, .text = "{\"age\":\"25\"}"};
            make(live, c);
        }
        for (int again = 0; again < 2; again++) {
            for (unsigned u = 0; u < 9; u++) {
                char user[8];
                snprintf(user, sizeof user, "u%u", u);
                mrq_live_person p = look(live, 0, &ratings, user);
                if (again)
                    assert_true(p.digest == digest[u]);
                digest[u] = p.digest;
                mrq_live_person_clear(&p);
            }
            mrq_live_close(live);
            live = open_live(path, 0);
        }
    }
    mrq_live_close(live);
}

enum { POSTERS = 8, POSTS = 60 };
static mrq_live *shared;

static void *post_many(void *argument)
{
    const unsigned me = (unsigned)(uintptr_t)argument;
    char user[8];
    snprintf(user, sizeof user, "u%u", me);
    for (uint32_t i = 0; i < POSTS; i++) {
        const char *at = (const char[][4]){"10", "13", "16", "19"}[i % 4];
        mrq_change c = {.what = MRQ_ADD_EVENT, .user = user, .item = at, .kind = "like", .value = NAN, .time = i};
        mrq_post p = {.n = 1, .change = &c};
        mrq_error problem;
        if (mrq_live_post_now(shared, &p, &problem) != MRQ_OK || p.changed != 1)
            return argument;
    }
    return NULL;
}

static void posts_that_wait_together_are_committed_together(void **state)
{
    (void)state;
    const char *path = new_path();
    pthread_t thread[POSTERS];
    shared = open_live(path, 0);
    for (unsigned i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, post_many, (void *)(uintptr_t)(i + 1)), 0);
    for (unsigned i = 0; i < POSTERS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    mrq_live_stats stats;
    mrq_live_measure(shared, &stats);
    assert_int_equal(stats.posted, POSTERS * POSTS);
    assert_int_equal(stats.events, POSTERS * POSTS);
    assert_true(stats.commits < stats.posted);
    assert_int_equal(stats.failed, 0);
    mrq_live_close(shared);
    mrq_live *again = open_live(path, 0);
    mrq_live_measure(again, &stats);
    assert_int_equal(stats.events, POSTERS * POSTS);
    assert_told(again, "u3", "0+ 1+ 2+ 3+ ");
    mrq_live_close(again);
}

static void a_database_belongs_to_one_process(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0), *other = NULL;
    assert_fails(mrq_live_open(path, 0, 0, &other, &err), MRQ_FAILED, "is open in another process: process ");
    assert_null(other);
    mrq_live_close(live);
    live = open_live(path, 0);
    mrq_live_close(live);
}

static mrq_status try_open(const char *path)
{
    mrq_live *live = NULL;
    const mrq_status status = mrq_live_open(path, 0, 0, &live, &err);
    assert_true((live != NULL) == (status == MRQ_OK));
    mrq_live_close(live);
    return status;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_ok(mrq_sqlite_load(&err));
    assert_int_equal(mrq_sqlite.open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    assert_int_equal(mrq_sqlite.exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(mrq_sqlite.close(db), SQLITE_OK);
}

static void what_is_no_live_database_is_refused(void **state)
{
    (void)state;
    char path[PATH + 100];
    const char *other = new_path();
    run_sql(other, "CREATE TABLE t (x)");
    assert_fails(try_open(other), MRQ_BAD_FILE, "a database of another program");
    const char *newer = new_path();
    mrq_live_close(open_live(newer, 0));
    run_sql(newer, "PRAGMA user_version = 2");
    assert_fails(try_open(newer), MRQ_BAD_FILE, "a live database of version 2, want version 1");
    const char *text = new_path();
    static const char words[] =
        "this is a text and no database, and it is longer than the head of one: 0123456789 0123456789 0123456789";
    write_bytes(text, words, sizeof words - 1);
    assert_fails(try_open(text), MRQ_BAD_FILE, "SQLite: file is not a database");
    assert_fails(try_open(folder), MRQ_USAGE, "want a file that this process may write");
    snprintf(path, sizeof path, "%.4000s/nowhere/live.db", folder);
    assert_fails(try_open(path), MRQ_NOT_FOUND, "nowhere");
}

static void a_full_database_says_no_room_and_keeps_what_it_has(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = NULL;
    assert_ok(mrq_live_open(path, MRQ_LIVE_BYTES_MIN, 0, &live, &err));
    char user[MRQ_ID_BYTES + 1];
    uint32_t kept = 0;
    mrq_status status = MRQ_OK;
    for (; status == MRQ_OK && kept < 20000; kept++) {
        snprintf(user, sizeof user, "%0250u", kept);
        status =
            post(live, &(mrq_change){.what = MRQ_ADD_EVENT, .user = user, .item = user, .id = user, .kind = "like", .value = NAN},
                 1, NULL);
    }
    assert_int_equal(status, MRQ_FAILED);
    assert_true(strncmp(err.msg, "no room", 7) == 0);
    assert_fails(post(live, &(mrq_change){.what = MRQ_ADD_EVENT, .user = user, .item = user, .id = user, .value = NAN}, 1, NULL),
                 MRQ_FAILED, "raise --live-size");
    mrq_live_stats stats;
    mrq_live_measure(live, &stats);
    assert_int_equal(stats.events, kept - 1);
    assert_true(stats.failed >= 2);
    assert_int_equal(make(live, (mrq_change){.what = MRQ_ERASE_USER, .user = "1"}), 1); /* a small change may still fit */
    mrq_live_close(live);
    live = open_live(path, 0);
    mrq_live_measure(live, &stats);
    assert_int_equal(stats.events, kept - 1);
    mrq_live_close(live);
}

static void a_program_that_locks_the_database_is_waited_for_a_while(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    sqlite3 *db;
    assert_int_equal(mrq_sqlite.open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(mrq_sqlite.exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    const mrq_change c = {.what = MRQ_ADD_EVENT, .user = "u", .item = item_id(1), .kind = "like", .value = NAN};
    assert_fails(post(live, &c, 1, NULL), MRQ_UNAVAILABLE, "another program has locked it, try again");
    assert_told(live, "u", "");
    assert_int_equal(mrq_sqlite.exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    mrq_sqlite.close(db);
    assert_ok(post(live, &c, 1, NULL));
    assert_told(live, "u", "1+ ");
    mrq_live_close(live);
}

static void a_database_that_was_removed_or_replaced_takes_nothing_more(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    add(live, "u", 1, "like", NAN, 1);
    char moved[PATH + 60];
    snprintf(moved, sizeof moved, "%s.moved", path);
    assert_int_equal(rename(path, moved), 0);
    const mrq_change c = {.what = MRQ_ADD_EVENT, .user = "u", .item = item_id(2), .kind = "like", .value = NAN};
    assert_fails(post(live, &c, 1, NULL), MRQ_FAILED, "has been removed or replaced; start the service again");
    write_bytes(path, "x", 1);
    assert_fails(post(live, &c, 1, NULL), MRQ_FAILED, "has been removed or replaced; start the service again");
    assert_told(live, "u", "1+ ");
    assert_int_equal(rename(moved, path), 0);
    assert_ok(post(live, &c, 1, NULL));
    mrq_live_close(live);
}

static void rows_of_others_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"INSERT INTO users VALUES ('u', 7, 'no object')", "INSERT INTO users VALUES ('u', 7, '[]')",
                                       "INSERT INTO events VALUES (7, '', 'i', NULL, NULL, 0, NULL)",
                                       "INSERT INTO events VALUES (7, 'u', char(10), NULL, NULL, 0, NULL)",
                                       "INSERT INTO items VALUES ('', 7, 1, NULL)"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = new_path();
        mrq_live_close(open_live(path, 0));
        run_sql(path, rows[i]);
        assert_fails(try_open(path), MRQ_BAD_FILE, "change 7, of ");
        mrq_live_contents contents;
        assert_fails(mrq_live_verify(path, 0, true, &contents, &err), MRQ_BAD_FILE, "nothing that this program has written");
    }
}

/* A byte is changed anywhere: the database is refused, or it opens. */
static void a_flipped_byte_never_crashes(void **state)
{
    (void)state;
    char copy[PATH + 60], command[100];
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    for (uint32_t i = 0; i < 200; i++)
        add(live, "somebody", i % 40, i % 3 ? "like" : NULL, i % 3 ? (double)NAN : 3, i);
    make(live, (mrq_change){.what = MRQ_PUT_USER, .user = "somebody", .text = "{\"age\":\"25\"}"});
    make(live, (mrq_change){.what = MRQ_PUT_ITEM, .item = item_id(3), .hidden = true, .time = MRQ_NO_TIME});
    make(live, (mrq_change){.what = MRQ_ERASE_USER, .user = "another"});
    mrq_live_close(live);
    FILE *file = fopen(path, "rb");
    static unsigned char bytes[1 << 20];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size > 8192 && size < sizeof bytes);
    mrq_random rng;
    mrq_random_init(&rng, 2, 71);
    uint32_t refused = 0;
    for (int i = 0; i < 150; i++) {
        const size_t at = i < 100 ? (size_t)i : (size_t)mrq_random_below(&rng, size); /* all of the head */
        bytes[at] ^= (unsigned char)(1 + mrq_random_below(&rng, 255));
        snprintf(copy, sizeof copy, "%.4000s/flipped.db", folder);
        write_bytes(copy, (const char *)bytes, size);
        const mrq_status status = try_open(copy);
        assert_true(status == MRQ_OK || status == MRQ_BAD_FILE || status == MRQ_FAILED || status == MRQ_UNAVAILABLE);
        refused += status != MRQ_OK;
        shell(command, sizeof command, "rm -f '%s' '%s-wal' '%s-shm'", copy, copy, copy);
        file = fopen(path, "rb");
        assert_int_equal(fread(bytes, 1, sizeof bytes, file), size);
        fclose(file);
    }
    assert_true(refused > 10);
}

static mrq_live *asked_twice;
static atomic_uint changes_made;

static void *post_same(void *argument)
{
    for (uint32_t i = 0; i < POSTS; i++) {
        char id[16];
        snprintf(id, sizeof id, "same-%u", i);
        const mrq_change c = {.what = MRQ_ADD_EVENT, .user = "u", .item = "10", .kind = "like", .value = NAN, .id = id};
        mrq_post p = {.n = 1, .change = &c};
        if (mrq_live_post_now(asked_twice, &p, NULL) != MRQ_OK)
            return argument;
        atomic_fetch_add(&changes_made, p.changed);
    }
    return NULL;
}

/* One user's events cannot hold up the others. */
static void the_newest_events_of_a_user_count(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live *live = open_live(path, 0);
    add(live, "u", 1, "like", NAN, 1);
    add(live, "u", 2, "like", NAN, 2);
    static mrq_change many[MRQ_LIVE_OF_USER - 1];
    for (uint32_t i = 0; i < MRQ_LIVE_OF_USER - 1; i++)
        many[i] = (mrq_change){
            .what = MRQ_ADD_EVENT, .user = "u", .item = i % 2 ? "19" : "22", .kind = "like", .value = NAN, .time = 3 + i};
    assert_ok(post(live, many, MRQ_LIVE_OF_USER - 1, NULL));
    for (int again = 0; again < 2; again++) {
        assert_told(live, "u", "2+ 4+ 3+ ");
        mrq_live_stats stats;
        mrq_live_measure(live, &stats);
        assert_int_equal(stats.events, MRQ_LIVE_OF_USER);
        mrq_live_close(live);
        live = open_live(path, 0);
    }
    make(live, (mrq_change){.what = MRQ_DROP_PAIR, .user = "u", .item = item_id(3), .value = NAN});
    add(live, "u", 1, "like", NAN, 1);
    assert_told(live, "u", "3x 1+ 2+ 4+ ");
    mrq_live_close(live);
}

static void an_id_from_two_clients_at_once_counts_once(void **state)
{
    (void)state;
    pthread_t thread[POSTERS];
    asked_twice = open_live(new_path(), 0);
    for (unsigned i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, post_same, (void *)(uintptr_t)(i + 1)), 0);
    for (unsigned i = 0; i < POSTERS; i++) {
        void *failed;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(changes_made, POSTS);
    mrq_live_stats stats;
    mrq_live_measure(asked_twice, &stats);
    assert_int_equal(stats.events, POSTS);
    mrq_live_close(asked_twice);
}

static mrq_status count(void *context, const mrq_change *change, uint64_t seq, mrq_error *problem)
{
    uint32_t *n = context;
    (void)seq, (void)problem;
    n[change->what]++;
    return MRQ_OK;
}

static mrq_status refuse(void *context, const mrq_change *change, uint64_t seq, mrq_error *problem)
{
    (void)context, (void)change, (void)seq;
    return mrq_fail(problem, MRQ_USAGE, "enough");
}

static void a_snapshot_is_one_state_beside_a_writer(void **state)
{
    (void)state;
    const char *path = new_path();
    mrq_live_snapshot *s = NULL;
    assert_fails(mrq_live_snapshot_open(path, &s, &err), MRQ_NOT_FOUND, "cannot open");
    mrq_live *live = open_live(path, 0);
    add(live, "u", 1, "like", NAN, 1);
    make(live, (mrq_change){.what = MRQ_DROP_PAIR, .user = "u", .item = item_id(2), .value = NAN});
    make(live, (mrq_change){.what = MRQ_ERASE_USER, .user = "gone"});
    assert_ok(mrq_live_snapshot_open(path, &s, &err));
    add(live, "u", 3, "like", NAN, 1);
    uint32_t n[MRQ_DROP_ITEM + 1] = {0};
    assert_int_equal(mrq_live_snapshot_mark(s), 3);
    assert_ok(mrq_live_snapshot_read(s, count, n, &err));
    assert_int_equal(n[MRQ_ADD_EVENT], 1);
    assert_int_equal(n[MRQ_DROP_PAIR], 1);
    assert_int_equal(n[MRQ_ERASE_USER], 1);
    assert_true(mrq_live_snapshot_erased(s, "gone!", 4));
    assert_false(mrq_live_snapshot_erased(s, "gone!", 5));
    assert_fails(mrq_live_snapshot_read(s, refuse, NULL, &err), MRQ_USAGE, "enough");
    mrq_live_snapshot_close(s);
    mrq_live_close(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_says_what_the_data_s_events_say),
        cmocka_unit_test(items_stand_in_the_order_of_their_newest_event_that_changed_something),
        cmocka_unit_test(a_repeated_id_changes_nothing),
        cmocka_unit_test(dropped_events_pairs_and_users_are_gone),
        cmocka_unit_test(only_what_is_newer_than_the_mark_counts),
        cmocka_unit_test(numbers_are_never_given_again),
        cmocka_unit_test(hidden_and_expired_items_are_listed),
        cmocka_unit_test(a_version_changes_with_what_is_known_of_the_user_alone),
        cmocka_unit_test(the_fold_is_the_same_from_disk),
        cmocka_unit_test(posts_that_wait_together_are_committed_together),
        cmocka_unit_test(a_database_belongs_to_one_process),
        cmocka_unit_test(what_is_no_live_database_is_refused),
        cmocka_unit_test(a_full_database_says_no_room_and_keeps_what_it_has),
        cmocka_unit_test(a_program_that_locks_the_database_is_waited_for_a_while),
        cmocka_unit_test(a_database_that_was_removed_or_replaced_takes_nothing_more),
        cmocka_unit_test(rows_of_others_are_refused),
        cmocka_unit_test(a_flipped_byte_never_crashes),
        cmocka_unit_test(the_newest_events_of_a_user_count),
        cmocka_unit_test(an_id_from_two_clients_at_once_counts_once),
        cmocka_unit_test(a_snapshot_is_one_state_beside_a_writer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
