/* The rebuild: gates each way, warm starts, what the reports say, and that nothing but a publish changes what serves. On the sample
 * data with a model that learns in a moment. */
#include "job/job.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "base/json.h"
#include "unit/asked.h"
#include "unit/redis_server.h"

static mrq_error err;
static char folder[160], sample[512], tiny[200], worse[200], other[200], judged[200], misfit[200];
static redis_server server;

#define TINY(size, lr, validation)                                                                                                 \
    "{\"name\":\"tiny <b>&\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":" size "},\"towers\":{\"user\":["     \
    "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4,\"dropout\":0.1},{\"feature\":\"gender\",\"kind\":\"category\","          \
    "\"embedding\":2},"                                                                                                            \
    "{\"feature\":\"age\",\"kind\":\"category\",\"embedding\":2},{\"feature\":\"job\",\"kind\":\"category\",\"embedding\":2}],"    \
    "\"item\":["                                                                                                                   \
    "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4},{\"feature\":\"genres\",\"kind\":\"set\",\"embedding\":4}]},"            \
    "\"train\":{\"lr\":" lr ",\"batch\":256,\"epochs\":3,\"validation\":" validation "}}"

static void put(char path[200], const char *name, const char *text)
{
    snprintf(path, 200, "%s/%s", folder, name);
    assert_ok(mrq_file_write(path, text, strlen(text), &err));
}

/* A store of its own for each test. */
static const char *store(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static mrq_rebuild_options usual(const char *where)
{
    return (mrq_rebuild_options){.data = sample,
                                 .store = where,
                                 .model = tiny,
                                 .index = "Flat",
                                 .recall = 0.99,
                                 .min_recall = NAN,
                                 .max_shrink = 0.1,
                                 .keep = 7,
                                 .warm = 100,
                                 .seed = 1,
                                 .threads = 1,
                                 .test = 0.1};
}

static char *read_text(const char *where, const char *name)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", where, name);
    size_t size;
    return (char *)read_bytes(path, &size);
}

/* report.json at its latest, freed with cJSON_Delete(). */
static cJSON *read_report(const char *where)
{
    char *text = read_text(where, "report.json");
    cJSON *root = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "report.json", &root, &err));
    mrq_free(text);
    return root;
}

static const char *text_of(const cJSON *root, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, key));
    return text ? text : "";
}

static const cJSON *member(const cJSON *root, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(root, key);
    assert_non_null(found);
    return found;
}

static const char *verdict(const cJSON *root, int gate)
{
    return text_of(cJSON_GetArrayItem(member(root, "gates"), gate), "verdict");
}

static void assert_current(const char *where, const char *name)
{
    mrq_generation *generation = NULL;
    assert_ok(mrq_generation_open(where, &generation, &err));
    assert_string_equal(generation->name, name);
    mrq_generation_close(generation);
}

/* How many generations there are; and nothing else in the store but what belongs there. */
static uint32_t generations(const char *where)
{
    mrq_generation_info *info = NULL;
    uint32_t n = 0;
    assert_ok(mrq_store_list(where, &info, &n, &err));
    mrq_free(info);
    DIR *stream = opendir(where);
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, "current") != 0 && strcmp(entry->d_name, "generations") != 0 &&
            strcmp(entry->d_name, "report.json") != 0 && strcmp(entry->d_name, "report.html") != 0 &&
            strcmp(entry->d_name, "lock") != 0)
            fail_msg("%s is left in the store", entry->d_name);
    closedir(stream);
    return n;
}

/* Rebuilds, and the generation serves. Its name stays valid until the next call. */
static const char *publish(const mrq_rebuild_options *options)
{
    static char name[MRQ_GENERATION_NAME];
    mrq_rebuild_report r;
    assert_ok(mrq_rebuild(options, NULL, &r, &err));
    assert_int_equal(r.outcome, MRQ_PUBLISHED);
    snprintf(name, sizeof name, "%s", r.made.generation);
    mrq_rebuild_report_clear(&r);
    assert_current(options->store, name);
    return name;
}

/* The gates alone */

static mrq_facts facts(uint32_t items, double quality, bool ranks)
{
    return (mrq_facts){.items = items,
                       .noun = {"item", "items"},
                       .results = {.seed = 1,
                                   .test_share = 0.1,
                                   .ranks = ranks,
                                   .test_rmse = ranks ? NAN : quality,
                                   .test_ndcg = ranks ? quality : NAN,
                                   .schema = "ml-1m",
                                   .split = "hash"}};
}

static void each_gate_judges(void **state)
{
    (void)state;
    static const struct {
        int gate;
        double recall, min_recall;
        uint32_t items, old_items;
        mrq_comparison comparison;
        const char *note;
        mrq_verdict want;
        const char *says;
        double value, limit;
        bool ranks;
    } cases[] = {
        {MRQ_GATE_RECALL,
         0.97,
         NAN,
         9,
         9,
         {0},
         "",
         MRQ_PASSES,
         "recall@10 of the index is 0.9700, want at least 0.9700",
         0.97,
         0.97,
         false},
        {MRQ_GATE_RECALL,
         0.9699,
         NAN,
         9,
         9,
         {0},
         "",
         MRQ_FAILS,
         "recall@10 of the index is 0.9699, want at least 0.9700",
         0.9699,
         0.97,
         false},
        {MRQ_GATE_RECALL,
         0.97,
         0.98,
         9,
         9,
         {0},
         "",
         MRQ_FAILS,
         "recall@10 of the index is 0.9700, want at least 0.9800",
         0.97,
         0.98,
         false},
        {MRQ_GATE_QUALITY,
         1,
         NAN,
         9,
         9,
         {12, 30, 0.25, 0.3, -0.05, -0.1, 0},
         "",
         MRQ_PASSES,
         "test NDCG@10 of the same 12 users is 0.2500, the serving model's 0.3000: the gain of -0.0500 is between -0.1000 and "
         "+0.0000",
         0.25,
         0.25,
         true},
        {MRQ_GATE_QUALITY,
         1,
         NAN,
         9,
         9,
         {12, 30, 0.25, 0.3, -0.05, -0.1, -1e-6},
         "",
         MRQ_FAILS,
         "test NDCG@10 of the same 12 users is 0.2500, the serving model's 0.3000: the gain of -0.0500 is between -0.1000 and "
         "-0.0000, so it is worse",
         0.25,
         0.250001,
         true},
        {MRQ_GATE_QUALITY,
         1,
         NAN,
         9,
         9,
         {500, 900, 0.9, 0.8, -0.1, -0.13, -0.07},
         "",
         MRQ_FAILS,
         "test RMSE of the same 500 users is 0.9000, the serving model's 0.8000: the gain of -0.1000 is between -0.1300 and "
         "-0.0700, so it is worse",
         0.9,
         0.83,
         false},
        {MRQ_GATE_QUALITY,
         1,
         NAN,
         9,
         9,
         {500, 900, 0.9, 0.8, -0.1, -0.23, 0.03},
         "",
         MRQ_PASSES,
         "test RMSE of the same 500 users is 0.9000, the serving model's 0.8000: the gain of -0.1000 is between -0.2300 and "
         "+0.0300",
         0.9,
         0.93,
         false},
        {MRQ_GATE_QUALITY,
         1,
         NAN,
         9,
         9,
         {11, 30, NAN, NAN, NAN, NAN, NAN},
         "",
         MRQ_SKIPS,
         "11 users have test events that the serving model can be measured on, too: too few to tell, want 12",
         0.7,
         NAN,
         true},
        {MRQ_GATE_QUALITY,
         1,
         NAN,
         9,
         9,
         {1, 1, NAN, NAN, NAN, NAN, NAN},
         "",
         MRQ_SKIPS,
         "1 user has test events that the serving model can be measured on, too: too few to tell, want 12",
         0.7,
         NAN,
         false},
        {MRQ_GATE_QUALITY,
         1,
         NAN,
         9,
         9,
         {0},
         "its seed is 2",
         MRQ_SKIPS,
         "not comparable with the serving generation: its seed is 2",
         0.7,
         NAN,
         true},
        {MRQ_GATE_ITEMS,
         1,
         NAN,
         900,
         1000,
         {0},
         "",
         MRQ_PASSES,
         "900 of the 1000 serving items are left, want at least 900, all but 10 %",
         900,
         900,
         false},
        {MRQ_GATE_ITEMS,
         1,
         NAN,
         899,
         1000,
         {0},
         "",
         MRQ_FAILS,
         "899 of the 1000 serving items are left, want at least 900, all but 10 %",
         899,
         900,
         false},
        {MRQ_GATE_ITEMS,
         1,
         NAN,
         5000,
         1000,
         {0},
         "",
         MRQ_PASSES,
         "1000 of the 1000 serving items are left, want at least 900, all but 10 %",
         1000,
         900,
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mrq_rebuild_options options = {.recall = 0.99, .min_recall = cases[i].min_recall, .max_shrink = 0.1};
        mrq_rebuild_report r = {.has_serving = true,
                                .made = facts(cases[i].items, 0.7, cases[i].ranks),
                                .serving = facts(cases[i].old_items, 0.1, cases[i].ranks), /* long ago, of other users */
                                .choice.best.recall = cases[i].recall,
                                .comparison = cases[i].comparison};
        r.made.kept = r.made.items < r.serving.items ? r.made.items : r.serving.items;
        snprintf(r.comparison_note, sizeof r.comparison_note, "%s", cases[i].note);
        mrq_gates_judge(&options, &r);
        const mrq_gate *gate = &r.gate[cases[i].gate];
        if (gate->verdict != cases[i].want || strcmp(gate->text, cases[i].says) != 0)
            fail_msg("case %zu: %s, \"%s\"", i, mrq_verdict_names[gate->verdict], gate->text);
        if (fabs(gate->value - cases[i].value) > 1e-9 || isnan(gate->limit) != isnan(cases[i].limit) ||
            fabs(gate->limit - cases[i].limit) > 1e-9)
            fail_msg("case %zu: %g, limit %g", i, gate->value, gate->limit);
        r.has_serving = false;
        mrq_gates_judge(&options, &r);
        for (int other_gate = MRQ_GATE_QUALITY; other_gate <= MRQ_GATE_ITEMS; other_gate++) {
            assert_int_equal(r.gate[other_gate].verdict, MRQ_SKIPS);
            assert_string_equal(r.gate[other_gate].text, "nothing to compare with");
        }
    }
}

static void another_protocol_is_not_compared(void **state)
{
    (void)state;
    const char *where = store("protocols");
    static const struct {
        const char *model;
        uint64_t seed;
        double test;
        const char *says;
    } nights[] = {{"mf-bias", 1, 0.1, "nothing to compare with"},
                  {"mf-bias", 2, 0.1, "not comparable with the serving generation: its seed is 1, this one's 2"},
                  {"mf-bias", 2, 0, "not comparable with the serving generation: its test share is 0.1, this one's 0"},
                  {"mf-bias", 2, 0, "not comparable with the serving generation: it has kept no test ratings"},
                  {"mf-bias", 2, 0.0001, "not comparable with the serving generation: its test share is 0, this one's 0.0001"},
                  {"mf-bias", 2, 0.0001, "too few to tell, want 12"},
                  {"retrieval", 2, 0.0001, "not comparable with the serving generation: its quality is RMSE, this one's NDCG@10"}};
    for (size_t i = 0; i < sizeof nights / sizeof *nights; i++) {
        mrq_rebuild_options options = usual(where);
        mrq_rebuild_report r;
        options.model = nights[i].model;
        options.epochs = i < 6;
        options.seed = nights[i].seed;
        options.test = nights[i].test;
        assert_ok(mrq_rebuild(&options, NULL, &r, &err));
        assert_int_equal(r.gate[MRQ_GATE_QUALITY].verdict, MRQ_SKIPS);
        if (!strstr(r.gate[MRQ_GATE_QUALITY].text, nights[i].says))
            fail_msg("night %zu: %s", i, r.gate[MRQ_GATE_QUALITY].text);
        mrq_rebuild_report_clear(&r);
        MRQ_CLEANUP(cJSON_Delete) cJSON *report = read_report(where);
        assert_true(cJSON_IsNull(member(report, "comparison")));
    }
    const mrq_model_results made = facts(9, 5, false).results;
    mrq_model_results serving[3] = {made, made, made};
    static const char *const says[] = {"", "its data has schema ml-100k, this one's ml-1m",
                                       "its test part was split by random, this one's by hash"};
    strcpy(serving[1].schema, "ml-100k");
    strcpy(serving[2].split, "random");
    for (int i = 0; i < 3; i++) {
        char text[120] = "";
        assert_int_equal(mrq_protocols_differ(&made, &serving[i], text, sizeof text), i > 0);
        assert_string_equal(text, says[i]);
    }
}

/* Publishing */

struct steps {
    char names[200];
};

static void note_step(void *context, mrq_step step)
{
    struct steps *steps = context;
    const size_t size = strlen(steps->names);
    snprintf(steps->names + size, sizeof steps->names - size, "%s ", mrq_step_names[step]);
}

static void a_rebuild_publishes(void **state)
{
    (void)state;
    const char *where = store("publish");
    mrq_rebuild_options options = usual(where);
    struct steps steps = {""};
    const mrq_rebuild_watch watch = {.train = {.context = &steps}, .step = note_step};
    mrq_rebuild_report r;
    assert_ok(mrq_rebuild(&options, &watch, &r, &err));
    assert_string_equal(steps.names, "load train export gates warm publish prune ");
    assert_int_equal(r.outcome, MRQ_PUBLISHED);
    assert_false(r.has_serving);
    assert_int_equal(r.n_epochs, 3);
    assert_int_equal(r.items, 400);
    assert_current(where, r.made.generation);
    char first[MRQ_GENERATION_NAME];
    strcpy(first, r.made.generation);
    mrq_rebuild_report_clear(&r);
    mrq_rebuild_report_clear(&r);

    MRQ_CLEANUP(cJSON_Delete) cJSON *one = read_report(where);
    assert_int_equal(member(one, "schema")->valueint, 1);
    assert_string_equal(text_of(one, "outcome"), "published");
    assert_true(cJSON_IsNull(member(one, "serving")) && cJSON_IsNull(member(one, "reason")));
    assert_string_equal(text_of(member(one, "made"), "generation"), first);
    assert_string_equal(text_of(member(member(one, "made"), "results"), "split"), "hash");
    assert_int_equal(cJSON_GetArraySize(member(one, "steps")), 7);
    assert_int_equal(cJSON_GetArraySize(member(one, "curve")), 3);
    assert_int_equal(member(member(one, "data"), "ratings")->valueint, 19705);
    assert_int_equal(member(member(one, "settings"), "seed")->valueint, 1);
    assert_string_equal(text_of(member(member(one, "index"), "chosen"), "factory"), "Flat");
    assert_string_equal(verdict(one, 0), "passed");
    assert_string_equal(verdict(one, 1), "skipped");
    assert_string_equal(verdict(one, 2), "skipped");

    options.keep = 1; /* the same again: equal quality passes, and the old one goes */
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_string_equal(r.serving.generation, first);
    assert_true(fabs(r.serving.results.test_rmse - r.made.results.test_rmse) < 1e-12); /* JSON may lose the last bit */
    assert_int_equal(r.pruned, 1);
    assert_current(where, r.made.generation);
    mrq_rebuild_report_clear(&r);
    assert_int_equal(generations(where), 1);
    MRQ_CLEANUP(cJSON_Delete) cJSON *two = read_report(where);
    assert_string_equal(text_of(member(two, "serving"), "generation"), first);
    for (int gate = 0; gate < MRQ_GATES; gate++)
        assert_string_equal(verdict(two, gate), "passed");

    char *page = read_text(where, "report.html");
    static const char *const parts[] = {"<!DOCTYPE html>",
                                        "<span class=\"good\">Published</span>",
                                        "name=\"viewport\"",
                                        "prefers-color-scheme: dark",
                                        "<svg ",
                                        "recall@10",
                                        ">quality</th>",
                                        "tiny &#60;b&#62;&#38;",
                                        "</html>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(page, parts[i]))
            fail_msg("no \"%s\" in report.html", parts[i]);
    static const char *const never[] = {"<script", "tiny <b>", "nan", "http://", "https://"}; /* but for the name of SVG */
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        for (const char *at = page; (at = strstr(at, never[i])); at++)
            if (strncmp(at, "http://www.w3.org/2000/svg", 26) != 0)
                fail_msg("\"%.60s\" in report.html", at);
    mrq_free(page);
}

/* Refusals */

static void a_worse_model_is_refused(void **state)
{
    (void)state;
    const char *where = store("worse");
    mrq_rebuild_options options = usual(where);
    char serving[MRQ_GENERATION_NAME];
    strcpy(serving, publish(&options));
    options.model = worse;
    mrq_rebuild_report r;
    assert_fails(mrq_rebuild(&options, NULL, &r, &err), MRQ_FAILED, "not published: test RMSE of the same 517 users is ");
    assert_non_null(strstr(err.msg, "; --force publishes it anyway"));
    assert_int_equal(r.outcome, MRQ_REFUSED);
    assert_true(isnan(r.step[MRQ_STEP_PUBLISH]));
    mrq_rebuild_report_clear(&r);
    assert_current(where, serving);
    assert_int_equal(generations(where), 1);
    MRQ_CLEANUP(cJSON_Delete) cJSON *refused = read_report(where);
    assert_string_equal(text_of(refused, "outcome"), "refused");
    assert_non_null(strstr(text_of(refused, "reason"), "test RMSE of the same 517 users is "));
    assert_string_equal(verdict(refused, MRQ_GATE_QUALITY), "failed");
    assert_int_equal(cJSON_GetArraySize(member(refused, "steps")), 4);
    char *page = read_text(where, "report.html");
    assert_non_null(strstr(page, "<span class=\"bad\">Not published</span>"));
    assert_non_null(strstr(page, "still serves"));
    mrq_free(page);

    options.force = true;
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_int_equal(r.outcome, MRQ_PUBLISHED);
    assert_non_null(strstr(r.reason, "forced, although test RMSE of the same 517 users is "));
    assert_string_equal(r.serving.generation, serving);
    assert_current(where, r.made.generation);
    mrq_rebuild_report_clear(&r);
}

/* Copies the sample without every `n`-th item. */
static const char *fewer_items(int64_t n)
{
    static char path[300];
    char command[4000];
    snprintf(path, sizeof path, "%s/fewer-%d", folder, (int)n);
    snprintf(command, sizeof command,
             "mkdir '%s' && cp '%s/users.dat' '%s' && awk -F:: '$1 %% %d' '%s/movies.dat' >'%s/movies.dat' && "
             "awk -F:: '$2 %% %d' '%s/ratings.dat' >'%s/ratings.dat'",
             path, sample, path, (int)n, sample, path, (int)n, sample, path);
    assert_int_equal(system(command), 0);
    return path;
}

static void a_smaller_catalogue_is_refused(void **state)
{
    (void)state;
    const char *where = store("fewer");
    mrq_rebuild_options options = usual(where);
    char serving[MRQ_GENERATION_NAME];
    strcpy(serving, publish(&options));
    options.data = fewer_items(4);
    mrq_rebuild_report r;
    assert_fails(mrq_rebuild(&options, NULL, &r, &err), MRQ_FAILED, "of the 400 serving movies are left, want at least 360");
    assert_int_equal(r.gate[MRQ_GATE_ITEMS].verdict, MRQ_FAILS);
    assert_true(r.gate[MRQ_GATE_ITEMS].value == r.items && r.items < 360);
    mrq_rebuild_report_clear(&r);
    assert_current(where, serving);
    options.max_shrink = 0.5;
    publish(&options);
    options.data = sample; /* more items are always welcome */
    options.max_shrink = 0;
    publish(&options);
}

static void low_recall_is_refused_even_in_a_new_store(void **state)
{
    (void)state;
    const char *where = store("recall");
    mrq_rebuild_options options = usual(where);
    options.min_recall = 1.1; /* more than there is */
    mrq_rebuild_report r;
    assert_fails(mrq_rebuild(&options, NULL, &r, &err), MRQ_FAILED, "recall@10 of the index is 1.0000, want at least 1.1000");
    assert_int_equal(r.outcome, MRQ_REFUSED);
    mrq_rebuild_report_clear(&r);
    mrq_generation *generation = NULL;
    assert_fails(mrq_generation_open(where, &generation, &err), MRQ_NOT_FOUND, where);
    MRQ_CLEANUP(cJSON_Delete) cJSON *report = read_report(where);
    assert_string_equal(verdict(report, MRQ_GATE_RECALL), "failed");
}

static void a_ranking_is_judged_by_its_ndcg(void **state)
{
    (void)state;
    const char *where = store("ranking");
    mrq_rebuild_options options = usual(where);
    options.model = "retrieval";
    mrq_rebuild_report r;
    for (int night = 0; night < 2; night++) {
        options.warm_start = night; /* of which there is none */
        assert_ok(mrq_rebuild(&options, NULL, &r, &err));
        assert_int_equal(r.outcome, MRQ_PUBLISHED);
        assert_int_equal(r.n_epochs, 0);
        assert_true(isnan(r.made.results.test_rmse) && r.made.results.test_ndcg > 0.05);
        assert_int_equal(r.gate[MRQ_GATE_QUALITY].verdict, night ? MRQ_PASSES : MRQ_SKIPS);
        assert_true(!night || strstr(r.gate[MRQ_GATE_QUALITY].text, "test NDCG@10 of the same 511 users is 0."));
        assert_true(!night || strstr(r.warm_note, "closed form"));
        mrq_rebuild_report_clear(&r);
    }
    size_t size;
    char path[400];
    snprintf(path, sizeof path, "%s/report.html", where);
    MRQ_AUTOFREE char *page = (char *)read_bytes(path, &size);
    assert_non_null(strstr(page, "test NDCG@10"));
    assert_null(strstr(page, "RMSE"));
    options.warm_start = false;
    options.model = tiny; /* stars again: not comparable, so it passes */
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_non_null(strstr(r.gate[MRQ_GATE_QUALITY].text, "its quality is NDCG@10, this one's RMSE"));
    mrq_rebuild_report_clear(&r);
}

/* Warm starts */

static void a_warm_start_goes_on(void **state)
{
    (void)state;
    const char *where = store("warm");
    mrq_rebuild_options options = usual(where);
    mrq_rebuild_report r;
    options.warm_start = true; /* nothing to go on from */
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_false(r.warm_started);
    assert_non_null(strstr(r.warm_note, where));
    const double first = r.epoch[0].test_rmse, last = r.made.results.test_rmse;
    mrq_rebuild_report_clear(&r);
    assert_true(first > last + 0.005);
    options.epochs = 1;
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_true(r.warm_started && !*r.warm_note);
    assert_true(r.epoch[0].test_rmse < first - 0.005); /* better after one pass than a fresh one */
    mrq_rebuild_report_clear(&r);
    MRQ_CLEANUP(cJSON_Delete) cJSON *report = read_report(where);
    assert_string_equal(text_of(report, "start"), "warm");

    /* Ratings to choose the best pass by that the serving model has learned from; another network; a part to test that it has
     * learned from: from scratch, and it says why. */
    options.force = true;
    options.model = judged;
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_false(r.warm_started);
    assert_non_null(strstr(r.warm_note, "its validation share is 0.02, this one's 0.03"));
    mrq_rebuild_report_clear(&r);
    options.model = tiny; /* fewer of them are some of the same */
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_true(r.warm_started);
    mrq_rebuild_report_clear(&r);
    options.model = other;
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_false(r.warm_started);
    assert_non_null(strstr(r.warm_note, "cannot start from that model: its size of vectors is 8, this one's is 9"));
    mrq_rebuild_report_clear(&r);
    options.seed = 2;
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_false(r.warm_started);
    assert_non_null(strstr(r.warm_note, "may have been trained on what is tested now: its seed is 1, this one's 2"));
    mrq_rebuild_report_clear(&r);
}

/* Failures */

/* The rebuild fails so, what serves goes on serving, and the report says why. */
static void check_failure(const mrq_rebuild_options *options, const mrq_rebuild_watch *watch, mrq_status want, const char *says,
                          const char *serving)
{
    mrq_rebuild_report r;
    assert_fails(mrq_rebuild(options, watch, &r, &err), want, says);
    assert_int_equal(r.outcome, MRQ_NOT_DONE);
    mrq_rebuild_report_clear(&r);
    assert_current(options->store, serving);
    assert_int_equal(generations(options->store), 1);
    MRQ_CLEANUP(cJSON_Delete) cJSON *report = read_report(options->store);
    assert_string_equal(text_of(report, "outcome"), "failed");
    assert_non_null(strstr(text_of(report, "reason"), says));
    char *page = read_text(options->store, "report.html");
    assert_non_null(strstr(page, "<span class=\"bad\">Failed</span>"));
    mrq_free(page);
}

static volatile sig_atomic_t stop;

static void stop_at_once(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    (void)context, (void)epoch, (void)done, (void)total, (void)rmse, (void)samples_per_second;
    stop = 1;
}

static void a_failing_step_changes_nothing(void **state)
{
    (void)state;
    const char *where = store("failing");
    const mrq_rebuild_options good = usual(where);
    char serving[MRQ_GENERATION_NAME];
    strcpy(serving, publish(&good));
    mrq_rebuild_options options = good;
    options.data = "/no/such/<data>";
    check_failure(&options, NULL, MRQ_NOT_FOUND, "/no/such/<data>", serving);
    char *page = read_text(where, "report.html");
    assert_null(strstr(page, "<data>"));
    assert_non_null(strstr(page, "/no/such/&#60;data&#62;"));
    mrq_free(page);
    options = good;
    options.model = misfit;
    check_failure(&options, NULL, MRQ_BAD_FILE, "needs a feature \"height\"", serving);
    options = good;
    const mrq_rebuild_watch watch = {.train = {.batch = stop_at_once, .stop = &stop}};
    check_failure(&options, &watch, MRQ_FAILED, "stopped in epoch 1 of 3; nothing has changed", serving);
    stop = 0;

    /* What is wrong before the lock is taken leaves no report of its own. */
    mrq_rebuild_report r;
    options.model = "nosuch";
    assert_fails(mrq_rebuild(&options, NULL, &r, &err), MRQ_NOT_FOUND, "nosuch");
    options = good;
    options.schema = "nosuch";
    assert_fails(mrq_rebuild(&options, NULL, &r, &err), MRQ_NOT_FOUND, "nosuch");
    options = good;
    options.index = "HSNW32";
    assert_fails(mrq_rebuild(&options, NULL, &r, &err), MRQ_USAGE, "HSNW32");
    assert_true(isnan(r.step[MRQ_STEP_LOAD]));
    MRQ_CLEANUP(cJSON_Delete) cJSON *report = read_report(where);
    assert_non_null(strstr(text_of(report, "reason"), "stopped in epoch 1"));
    const cJSON *training = cJSON_GetArrayItem(member(report, "steps"), MRQ_STEP_TRAIN);
    assert_true(member(training, "seconds")->valuedouble > 0); /* a step that fails has taken its time, too */
}

/* From the publish on the store's folder cannot be synced, which fails the sync behind the new link and nothing before. */
static const char *unsynced;
mrq_status __real_mrq_folder_sync(const char *path, mrq_error *error);
mrq_status __wrap_mrq_folder_sync(const char *path, mrq_error *error);

mrq_status __wrap_mrq_folder_sync(const char *path, mrq_error *error)
{
    if (unsynced && strcmp(path, unsynced) == 0)
        return mrq_fail(error, MRQ_FAILED, "cannot sync folder %s", path);
    return __real_mrq_folder_sync(path, error);
}

static void end_syncing(void *context, mrq_step step)
{
    unsynced = step == MRQ_STEP_PUBLISH ? context : NULL;
}

static void a_publish_that_fails_at_the_end_has_published(void **state)
{
    (void)state;
    const char *where = store("unsynced");
    mrq_rebuild_options options = usual(where);
    char before[MRQ_GENERATION_NAME];
    strcpy(before, publish(&options));
    options.model = worse;
    options.force = true;
    const mrq_rebuild_watch watch = {.train = {.context = (void *)(uintptr_t)where}, .step = end_syncing};
    mrq_rebuild_report r;
    const mrq_status status = mrq_rebuild(&options, &watch, &r, &err);
    unsynced = NULL;
    assert_int_equal(status, MRQ_FAILED);
    assert_non_null(strstr(err.msg, " serves, but a power cut may undo that: cannot sync folder "));
    assert_int_equal(r.outcome, MRQ_PUBLISHED);
    assert_current(where, r.made.generation);
    assert_string_not_equal(r.made.generation, before);
    assert_true(strncmp(r.reason, "forced, although test RMSE", 26) == 0 && strstr(r.reason, " serves, but "));
    assert_true(r.step[MRQ_STEP_PUBLISH] > 0 && isnan(r.step[MRQ_STEP_PRUNE]));
    mrq_writer page MRQ_CLEANUP(mrq_writer_close) = {0};
    mrq_writer_open(&page);
    assert_ok(mrq_report_html(&options, &r, &page, &err));
    char *text = strndup(page.data, page.size);
    assert_non_null(strstr(text, "<span class=\"good\">Published</span>"));
    assert_null(strstr(text, "removed again"));
    mrq_free(text);
    mrq_rebuild_report_clear(&r);
    assert_int_equal(generations(where), 2);
}

static void what_a_killed_one_left_is_swept_out(void **state)
{
    (void)state;
    const char *where = store("killed");
    const mrq_rebuild_options options = usual(where);
    publish(&options);
    char left[400];
    snprintf(left, sizeof left, "%s/report.json.tmp-99999", where);
    assert_ok(mrq_file_write(left, "{", 1, &err));
    publish(&options);
    assert_false(mrq_file_exists(left));
    assert_int_equal(generations(where), 2);
}

static void a_report_that_cannot_be_written_is_no_failure(void **state)
{
    (void)state;
    const char *where = store("unwritable");
    const mrq_rebuild_options options = usual(where);
    publish(&options);
    char path[400];
    snprintf(path, sizeof path, "%s/report.json", where);
    unlink(path);
    assert_int_equal(mkdir(path, 0755), 0);
    publish(&options);
}

static void one_rebuild_at_a_time(void **state)
{
    (void)state;
    const char *where = store("locked");
    const mrq_rebuild_options options = usual(where);
    mrq_publication *publication = NULL;
    assert_ok(mrq_publication_open(where, "export", &publication, &err));
    mrq_rebuild_report r;
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_fails(mrq_rebuild(&options, NULL, &r, &err), MRQ_FAILED, "export");
    assert_non_null(strstr(err.msg, pid));
    mrq_rebuild_report_clear(&r);
    char path[400];
    snprintf(path, sizeof path, "%s/report.json", where);
    assert_false(mrq_file_exists(path)); /* it is the other one's to report */
    mrq_publication_discard(publication);
    publish(&options);
}

/* A store whose current generation is damaged gets a new one, whatever the gates would have said. */
static void a_damaged_generation_is_replaced(void **state)
{
    (void)state;
    static const char *const files[] = {"users.mrq", "items.faiss", "model.mrq", "MANIFEST.json"};
    const char *where = store("damaged");
    mrq_rebuild_options options = usual(where);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        options.model = tiny;
        options.force = true;
        char path[500];
        snprintf(path, sizeof path, "%s/generations/%s/%s", where, publish(&options), files[i]);
        damage_file(path);
        options.model = worse;
        options.force = false;
        options.warm_start = true;
        mrq_rebuild_report r;
        assert_ok(mrq_rebuild(&options, NULL, &r, &err));
        assert_false(r.has_serving || r.warm_started);
        if (!strstr(r.serving_note, files[i]))
            fail_msg("\"%s\" does not name %s", r.serving_note, files[i]);
        assert_int_equal(r.gate[MRQ_GATE_QUALITY].verdict, MRQ_SKIPS);
        assert_current(where, r.made.generation);
        mrq_rebuild_report_clear(&r);
        MRQ_CLEANUP(cJSON_Delete) cJSON *report = read_report(where);
        assert_non_null(strstr(text_of(report, "serving_note"), files[i]));
    }
}

/* Redis */

static const question hot[] = {{.age = "25", .gender = "F", .job = "12", .user = -1, .k = 5}, {.user = 4, .k = 3}};

/* Asks what is hot of what serves, again where a busy machine let Redis miss its limit. `want` OFF: hit or miss. */
static void ask(const char *where, mrq_cache *cache, mrq_cache_state want)
{
    mrq_generation *generation = NULL;
    assert_ok(mrq_generation_open(where, &generation, &err));
    for (size_t q = 0; q < sizeof hot / sizeof *hot; q++) {
        mrq_content answer = {0};
        for (int tries = 0; tries < 10; tries++) {
            mrq_content_clear(&answer);
            assert_ok(asked_recommend(generation, cache, &hot[q], &answer, &err));
            if (answer.cache != MRQ_CACHE_DOWN)
                break;
            usleep(300000);
        }
        assert_true(answer.cache == want || (want == MRQ_CACHE_OFF && answer.cache != MRQ_CACHE_DOWN));
        mrq_content_clear(&answer);
    }
    mrq_generation_close(generation);
}

/* Rebuilds until both have been answered, for the same reason. */
static void rebuild_warm(const mrq_rebuild_options *options)
{
    uint32_t warmed = 0;
    for (int tries = 0; tries < 5 && warmed != 2; tries++) {
        mrq_rebuild_report r;
        if (tries) {
            usleep(300000);
            ask(options->store, options->cache, MRQ_CACHE_OFF);
        }
        assert_ok(mrq_rebuild(options, NULL, &r, &err));
        warmed = r.warmed;
        mrq_rebuild_report_clear(&r);
    }
    assert_int_equal(warmed, 2);
}

static void hot_queries_are_answered_beforehand(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&server);
    const char *where = store("with-redis");
    mrq_rebuild_options options = usual(where);
    publish(&options);
    options.cache = cache;
    options.force = true;
    for (int round = 0; round < 3; round++) { /* answer, rebuild, and the next generation has the answer */
        ask(where, cache, round ? MRQ_CACHE_HIT : MRQ_CACHE_MISS);
        options.model = round == 1 ? other : tiny;
        rebuild_warm(&options);
    }
    redis_stop(&server); /* and without it a rebuild is none the worse */
    mrq_rebuild_report r;
    assert_ok(mrq_rebuild(&options, NULL, &r, &err));
    assert_int_equal(r.warmed, 0);
    mrq_rebuild_report_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gate_judges),
        cmocka_unit_test(another_protocol_is_not_compared),
        cmocka_unit_test(a_rebuild_publishes),
        cmocka_unit_test(a_worse_model_is_refused),
        cmocka_unit_test(a_smaller_catalogue_is_refused),
        cmocka_unit_test(low_recall_is_refused_even_in_a_new_store),
        cmocka_unit_test(a_ranking_is_judged_by_its_ndcg),
        cmocka_unit_test(a_warm_start_goes_on),
        cmocka_unit_test(a_failing_step_changes_nothing),
        cmocka_unit_test(a_publish_that_fails_at_the_end_has_published),
        cmocka_unit_test(what_a_killed_one_left_is_swept_out),
        cmocka_unit_test(a_report_that_cannot_be_written_is_no_failure),
        cmocka_unit_test(one_rebuild_at_a_time),
        cmocka_unit_test(a_damaged_generation_is_replaced),
        cmocka_unit_test(hot_queries_are_answered_beforehand),
    };
    const char *source = getenv("MRQ_SOURCE");
    snprintf(sample, sizeof sample, "%s/data/sample", source ? source : ".");
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    put(tiny, "tiny.json", TINY("8", "0.01", "0.02"));
    put(worse, "worse.json", TINY("8", "1e-9", "0.02"));
    put(other, "other.json", TINY("9", "0.01", "0.02"));
    put(judged, "judged.json", TINY("8", "0.01", "0.03"));
    put(misfit, "misfit.json",
        "{\"name\":\"misfit\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":8},\"towers\":{\"user\":["
        "{\"feature\":\"height\",\"kind\":\"category\",\"embedding\":2}],\"item\":["
        "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4}]},\"train\":{\"lr\":0.1,\"epochs\":1}}");
    server = redis_try(folder);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_stop(&server);
    temporary_remove(folder);
    return failed;
}
