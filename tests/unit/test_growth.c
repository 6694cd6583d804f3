/* The nights of a small site: sixty users who become a tenth more a night, each of whom does more from night to night. No night may
 * be lost to chance, and none on which the data is nonsense may be published. */
#include <math.h>
#include <sys/stat.h>

#include "job/job.h"
#include "unit/taste.h"

static mrq_error err;
static char folder[160], model[200];

enum { NIGHTS = 20, SEEDS = 3, FIRST = 60, ITEMS = 120, MORE_ITEMS = 240 };

enum mischief { NONE, ITEMS_MIXED, VALUES_TURNED };

/* Writes what is known after `night` nights. A user who came that night has half of his events, and a sixth more with each. */
static void put_site(const char *path, const small_data *site, int night, enum mischief mischief)
{
    char name[300];
    static const char schema[] =
        "{\"name\":\"site\",\"events\":{\"file\":\"events.csv\",\"delimiter\":\",\",\"fields\":[{\"name\":\"user\",\"kind\":\"id\"}"
        ","
        "{\"name\":\"item\",\"kind\":\"id\"},{\"name\":\"rating\",\"kind\":\"rating\",\"min\":1,\"max\":5}]}}";
    snprintf(name, sizeof name, "%s/schema.json", path);
    write_bytes(name, schema, sizeof schema - 1);
    snprintf(name, sizeof name, "%s/events.csv", path);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    mrq_random rng;
    mrq_random_init(&rng, 1, 0);
    for (uint64_t i = 0; i < site->data.n; i++) {
        const uint32_t user = (uint32_t)i / TASTE_EVENTS, event = (uint32_t)i % TASTE_EVENTS;
        int came = 0;
        for (double users = FIRST; users <= user; users *= 1.1)
            came++;
        if (came > night || event >= TASTE_EVENTS / 2 + (uint32_t)(night - came) * TASTE_EVENTS / 6)
            continue;
        const uint64_t taken = mischief == ITEMS_MIXED ? mrq_random_below(&rng, site->data.n) : i;
        fprintf(f, "u%u,i%u,%g\n", user, site->item[taken],
                (double)(mischief == VALUES_TURNED ? 6 - site->rating[i] : site->rating[i]));
    }
    assert_int_equal(fclose(f), 0);
}

static mrq_outcome rebuild(const mrq_rebuild_options *options, int night)
{
    mrq_rebuild_report r;
    const mrq_status status = mrq_rebuild(options, NULL, &r, &err);
    const mrq_outcome outcome = r.outcome;
    if ((status == MRQ_OK) != (outcome == MRQ_PUBLISHED))
        fail_msg("night %d: %s", night, err.msg);
    if (night) {
        assert_in_range(r.comparison.users, 30, 600);
        assert_true(r.comparison.low <= r.comparison.gain && r.comparison.gain <= r.comparison.high);
        assert_int_equal(r.gate[MRQ_GATE_QUALITY].verdict, outcome == MRQ_PUBLISHED ? MRQ_PASSES : MRQ_FAILS);
    }
    mrq_rebuild_report_clear(&r);
    return outcome;
}

/* By a ranking and by a model of ratings. */
static void every_night_is_published(const char *of_model, uint32_t items, uint64_t seed, enum mischief mischief)
{
    char path[200], store[200];
    snprintf(path, sizeof path, "%s/site", folder);
    snprintf(store, sizeof store, "%s/store-%.4s-%d", folder, strrchr(of_model, '/') ? "tiny" : of_model, (int)seed);
    small_data *site = taste_new((uint32_t)(FIRST * pow(1.1, NIGHTS)), items, seed);
    const mrq_rebuild_options options = {.data = path,
                                         .store = store,
                                         .model = of_model,
                                         .index = "Flat",
                                         .recall = 0.99,
                                         .min_recall = NAN,
                                         .max_shrink = 0.1,
                                         .keep = 2,
                                         .seed = seed,
                                         .threads = 1,
                                         .test = 0.1};
    for (int night = 0; night < NIGHTS; night++) {
        put_site(path, site, night, NONE);
        if (rebuild(&options, night) != MRQ_PUBLISHED)
            fail_msg("%s, seed %d, night %d: %s", of_model, (int)seed, night, err.msg);
        if (night == 0 || night == NIGHTS / 2) { /* the next night brings nonsense */
            put_site(path, site, night + 1, mischief);
            if (rebuild(&options, night + 1) != MRQ_REFUSED)
                fail_msg("%s, seed %d, night %d: nonsense is published", of_model, (int)seed, night + 1);
        }
    }
    small_data_free(site);
}

static void a_ranking_is_published_every_night(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        every_night_is_published("retrieval", ITEMS, seed, ITEMS_MIXED);
}

/* Of more items, so that a user rates fewer of them twice: only his last rating of an item counts. */
static void a_model_of_ratings_is_published_every_night(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        every_night_is_published(model, MORE_ITEMS, seed, VALUES_TURNED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ranking_is_published_every_night),
        cmocka_unit_test(a_model_of_ratings_is_published_every_night),
    };
    static const char text[] = "{\"name\":\"tiny\",\"score\":{\"kind\":\"dot\",\"bias\":true},\"joint\":{\"kind\":\"sum\",\"size\":"
                               "8},\"towers\":{\"user\":["
                               "{\"feature\":\"id\",\"kind\":\"id\"}],\"item\":[{\"feature\":\"id\",\"kind\":\"id\"}]},"
                               "\"train\":{\"lr\":0.02,\"batch\":64,\"epochs\":10,\"l2\":0.02,\"validation\":0.05}}";
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    snprintf(model, sizeof model, "%s/tiny.json", folder);
    write_bytes(model, text, sizeof text - 1);
    char path[200];
    snprintf(path, sizeof path, "%s/site", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
