/* Model room, what a description and results may say: each number at the ends of its range and beyond, each text as long as it may
 * be and longer, each document to the letter. */
#include "model/network.h"
#include "unit/small_world.h"

static mrq_error err;

static mrq_status parse(const char *text, mrq_description *out)
{
    return mrq_description_parse(text, strlen(text), "t.json", out, &err);
}

/* Numbers */

#define OTHERS                                                                                                                     \
    ",\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":8}],\"item\":[{\"feature\":\"id\",\"kind\":\"id\","  \
    "\"embedding\":8}]}"
#define SCORE "\"name\":\"t\",\"score\":{%s},\"joint\":{\"size\":9},\"train\":{}" OTHERS
#define JOINT "\"name\":\"t\",\"score\":{},\"joint\":{%s},\"train\":{}" OTHERS
#define TRAIN "\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"train\":{\"validation\":0.1,%s}" OTHERS
#define PART  "\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"train\":{%s}" OTHERS
#define RANKING                                                                                                                    \
    "\"name\":\"t\",\"score\":{\"kind\":\"dot\"},\"joint\":{\"kind\":\"sum\",\"size\":9},\"train\":{\"objective\":\"ranking\",%s}" \
    ","                                                                                                                            \
    "\"towers\":{\"user\":[{\"feature\":\"history\",\"kind\":\"history\"}],\"item\":[{\"feature\":\"id\",\"kind\":\"id\"}]}"
#define BRANCH(kind, rest)                                                                                                         \
    "\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"train\":{},\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\","   \
    "\"embedding\":8}],\"item\":[{" kind "," rest "%s}]}"
#define ID   "\"feature\":\"id\",\"kind\":\"id\""
#define TEXT "\"feature\":\"t\",\"kind\":\"text\""

/* `format` has a place for the member: `key` with `least`, `most`, and what lies just outside. */
struct number {
    const char *format, *key, *least, *most, *below, *above, *sentence;
};

static const struct number described[] = {
    {SCORE, "scale", "0.001", "1000", "0.00099", "1000.01", "t.json: score.scale: %s, want a number, 0.001 to 1000"},
    {SCORE, "shift", "-1000000", "1000000", "-1000000.5", "1000000.5",
     "t.json: score.shift: %s, want a number, -1000000 to 1000000"},
    {JOINT, "size", "1", "1024", "0", "1025", "t.json: joint.size: %s, want a whole number, 1 to 1024"},
    {TRAIN, "lr", "1e-09", "1000", "9e-10", "1000.5", "t.json: train.lr: %s, want a number, 1e-09 to 1000"},
    {TRAIN, "l2", "0", "10000", "-0.5", "10000.5", "t.json: train.l2: %s, want a number, 0 to 10000"},
    {TRAIN, "clip", "0", "1000000", "-0.5", "1000000.5", "t.json: train.clip: %s, want a number, 0 to 1000000"},
    {TRAIN, "batch", "1", "1000000", "0", "1000001", "t.json: train.batch: %s, want a whole number, 1 to 1000000"},
    {TRAIN, "epochs", "1", "10000", "0", "10001", "t.json: train.epochs: %s, want a whole number, 1 to 10000"},
    {TRAIN, "patience", "0", "10000", "-1", "10001", "t.json: train.patience: %s, want a whole number, 0 to 10000"},
    {PART, "validation", "0", "0.5", "-0.5", "0.75", "t.json: train.validation: %s, want a number, 0 to 0.5"},
    {RANKING, "l2", "0.001", "10000", "0.00099", "10000.5", "t.json: train.l2: %s, want a number, 0.001 to 10000"},
    {BRANCH(ID, ""), "embedding", "1", "1024", "0", "1025", "t.json: towers.item[0].embedding: %s, want a whole number, 1 to 1024"},
    {BRANCH(ID, "\"embedding\":8,"), "fc", "1", "1024", "0", "1025",
     "t.json: towers.item[0].fc: %s, want a whole number, 1 to 1024"},
    {BRANCH(ID, "\"embedding\":8,"), "dropout", "0", "0.9", "-0.5", "0.91",
     "t.json: towers.item[0].dropout: %s, want a number, 0 to 0.9"},
    {BRANCH(ID, "\"embedding\":8,"), "lr", "0.001", "100", "0.00099", "100.5",
     "t.json: towers.item[0].lr: %s, want a number, 0.001 to 100"},
    {BRANCH(TEXT, "\"embedding\":8,\"filters\":3,"), "window", "1", "1023", "0", "1025",
     "t.json: towers.item[0].window: %s, want a whole number, 1 to 1024"},
    {BRANCH(TEXT, "\"embedding\":8,\"window\":3,"), "filters", "1", "1024", "0", "1025",
     "t.json: towers.item[0].filters: %s, want a whole number, 1 to 1024"},
};

/* The value of a member, wherever it stands in a document. */
static bool has_value(const cJSON *json, const char *key, double value)
{
    bool found = false;
    for (const cJSON *item = json->child; item; item = item->next)
        found = found || has_value(item, key, value) ||
                (item->string && strcmp(item->string, key) == 0 && fabs(item->valuedouble - value) <= 1e-12 * fabs(value));
    return found;
}

static void fill_in(char *out, size_t size, const char *format, const char *key, const char *value)
{
    const char *place = strstr(format, "%s");
    assert_non_null(place);
    assert_true(snprintf(out, size, "{%.*s\"%s\":%s%s}", (int)(place - format), format, key, value, place + 2) < (int)size);
}

static void assert_refused(const struct number *n, const char *value, mrq_status read(const char *text))
{
    char text[1000], sentence[200];
    const char *place = strstr(n->sentence, "%s");
    fill_in(text, sizeof text, n->format, n->key, value);
    snprintf(sentence, sizeof sentence, "%.*s%s%s", (int)(place - n->sentence), n->sentence, value, place + 2);
    assert_fails(read(text), MRQ_BAD_FILE, sentence);
    assert_string_equal(err.msg, sentence);
}

static mrq_status read_description(const char *text)
{
    mrq_description d;
    return parse(text, &d);
}

static void each_number_of_a_description_has_its_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof described / sizeof *described; i++) {
        const struct number *n = &described[i];
        for (int end = 0; end < 2; end++) {
            char text[1000];
            mrq_description d;
            fill_in(text, sizeof text, n->format, n->key, end ? n->most : n->least);
            assert_ok(parse(text, &d));
            MRQ_CLEANUP(cJSON_Delete) cJSON *json = mrq_description_json(&d);
            const double value = atof(end ? n->most : n->least);
            assert_true(value == 0 || has_value(json, n->key, value));
        }
        assert_refused(n, n->below, read_description);
        assert_refused(n, n->above, read_description);
        assert_refused(n, "true", read_description);
    }
}

/* Texts and lists */

static void names_and_lists_end_where_they_must(void **state)
{
    (void)state;
    static const struct {
        const char *format, *sentence;
        size_t most;
    } texts[] = {
        {"{\"name\":\"%s\"}", "t.json: name: \"%.40s\", want 1 to 31 bytes", 31},
        {"{\"name\":\"t\",\"about\":\"%s\"}", "t.json: about: want one line of less than 256 bytes", 255},
    };
    char name[300], text[6000], sentence[400];
    mrq_description d;
    for (size_t i = 0; i < 2; i++)
        for (size_t more = 0; more < 2; more++) {
            memset(name, 'x', sizeof name);
            name[texts[i].most + more] = '\0';
            const char *place = strstr(texts[i].format, "%s"), *hole = strstr(texts[i].sentence, "%.40s");
            snprintf(text, sizeof text, "%.*s%s%s", (int)(place - texts[i].format), texts[i].format, name, place + 2);
            snprintf(sentence, sizeof sentence, "%.*s%.40s%s", hole ? (int)(hole - texts[i].sentence) : 0, texts[i].sentence,
                     hole ? name : "", hole ? hole + 5 : texts[i].sentence);
            assert_fails(parse(text, &d), MRQ_BAD_FILE, more ? sentence : "t.json: score: missing"); /* what comes next */
        }
    assert_fails(parse("{\"name\":\"\"}", &d), MRQ_BAD_FILE, "t.json: name: \"\", want 1 to 31 bytes");
    assert_fails(parse("{\"name\":\"a\\u0007\"}", &d), MRQ_BAD_FILE, "want no control characters");
    assert_fails(parse("{\"name\":\"a\",\"about\":\"a\\nb\"}", &d), MRQ_BAD_FILE, "about: want one line");
    for (int n = MRQ_BRANCHES_MAX; n <= MRQ_BRANCHES_MAX + 1; n++) {
        int at = snprintf(text, sizeof text,
                          "{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"train\":{},\"towers\":{\"user\":[{" ID
                          ",\"embedding\":8}],\"item\":[");
        for (int b = 0; b < n; b++)
            at += snprintf(text + at, sizeof text - (size_t)at, "%s{\"feature\":\"f%d\",\"kind\":\"set\",\"embedding\":%d}",
                           b ? "," : "", b, b + 1);
        snprintf(text + at, sizeof text - (size_t)at, "]}}");
        if (n > MRQ_BRANCHES_MAX) {
            assert_fails(parse(text, &d), MRQ_BAD_FILE, "t.json: towers.item: 17 branches, want 1 to 16");
            continue;
        }
        assert_ok(parse(text, &d));
        assert_int_equal(d.item.n, n);
        for (int b = 0; b < n; b++)
            assert_int_equal(d.item.branch[b].embedding, b + 1);
    }
}

/* Whatever is missing is named, and so is what is not known. */
static void what_is_missing_or_unknown_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } wrong[] = {
        {"{\"name\":\"t\",\"score\":{}}", "t.json: joint: missing"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9}}", "t.json: towers: missing"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"towers\":{}}", "t.json: towers.user: missing"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"towers\":{\"user\":[{" ID ",\"embedding\":8}]}}",
         "t.json: towers.item: missing"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9}" OTHERS "}", "t.json: train: missing"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"towers\":{\"film\":[]}}",
         "t.json: towers.film: unknown key, want one of user, item"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"towers\":{\"user\":[1],\"item\":[]}}",
         "t.json: towers.user[0]: want an object"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"towers\":{\"user\":[{}],\"item\":[]}}",
         "t.json: towers.user[0].feature: missing"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"towers\":{\"user\":[{\"feature\":\"id\"}],\"item\":[]}}",
         "t.json: towers.user[0].kind: missing, want one of id, category, set, text, ratings, history"},
        {"{\"name\":\"t\",\"score\":{},\"joint\":{\"size\":9},\"towers\":{\"user\":[{\"feature\":\"id\",\"shoe\":1}],\"item\":[]}"
         "}",
         "t.json: towers.user[0].shoe: unknown key, want one of feature, kind, "},
        {"{\"name\":\"t\",\"about\":1}", "t.json: about: 1, want a string"},
        {"{\"name\":1}", "t.json: name: 1, want a string"},
    };
    mrq_description d;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_fails(parse(wrong[i].text, &d), MRQ_BAD_FILE, wrong[i].sentence);
}

/* A file is called by its name in messages, wherever it lies. */
static void a_file_is_called_by_its_name(void **state)
{
    (void)state;
    char path[200], *folder = temporary_folder();
    mrq_description d;
    snprintf(path, sizeof path, "%s/bad.json", folder);
    write_bytes(path, "{}", 2);
    assert_fails(mrq_description_load(path, &d, &err), MRQ_BAD_FILE, "");
    assert_string_equal(err.msg, "bad.json: name: missing");
    temporary_remove(folder);
}

/* Documents */

static void assert_printed(cJSON *json, const char *want)
{
    MRQ_AUTOFREE char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    assert_string_equal(text, want);
}

static void descriptions_are_written_to_the_letter(void **state)
{
    (void)state;
    static const char *const same[] = {
        "{\"name\":\"t\",\"about\":\"one\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"kind\":\"dense\",\"size\":9,"
        "\"activation\":\"tanh\",\"user_activation\":\"linear\"},\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\","
        "\"embedding\":8,\"fc\":7,\"dropout\":0.25,\"lr\":0.5},{\"feature\":\"g\",\"kind\":\"category\",\"optional\":true,"
        "\"embedding\":3,"
        "\"lr\":2}],\"item\":[{\"feature\":\"t\",\"kind\":\"text\",\"unit\":\"character\",\"pool\":\"average\",\"embedding\":4,"
        "\"window\":3,"
        "\"filters\":5},{\"feature\":\"ratings\",\"kind\":\"ratings\",\"embedding\":2,\"dropout\":0.5}]},\"train\":{\"optimizer\":"
        "\"sgd\","
        "\"schedule\":\"cosine\",\"order\":\"item\",\"lr\":0.5,\"l2\":0.25,\"clip\":3,\"batch\":7,\"epochs\":9,\"patience\":2,"
        "\"validation\":0.125}}",
        "{\"name\":\"t\",\"about\":\"\",\"score\":{\"kind\":\"dot\",\"shift\":-2,\"bias\":true},\"joint\":{\"kind\":\"sum\","
        "\"size\":9,"
        "\"activation\":\"linear\",\"user_activation\":\"linear\"},\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\"},"
        "{\"feature\":\"g\",\"kind\":\"category\",\"bias_only\":true}],\"item\":[{\"feature\":\"id\",\"kind\":\"id\","
        "\"embedding\":3},"
        "{\"feature\":\"t\",\"kind\":\"text\",\"embedding\":4,\"window\":3},{\"feature\":\"s\",\"kind\":\"set\"}]},\"train\":{"
        "\"optimizer\":\"adam\",\"schedule\":\"constant\",\"order\":\"random\",\"lr\":0.001,\"epochs\":10}}",
        "{\"name\":\"t\",\"about\":\"\",\"score\":{\"kind\":\"dot\",\"shift\":0},\"joint\":{\"kind\":\"sum\",\"size\":9,"
        "\"activation\":\"linear\",\"user_activation\":\"linear\"},\"towers\":{\"user\":[{\"feature\":\"history\",\"kind\":"
        "\"history\"}],"
        "\"item\":[{\"feature\":\"id\",\"kind\":\"id\"},{\"feature\":\"s\",\"kind\":\"set\"}]},\"train\":{\"objective\":"
        "\"ranking\",\"l2\":1,\"parts\":\"chosen\",\"recency\":\"chosen\"}}",
        "{\"name\":\"t\",\"about\":\"\",\"score\":{\"kind\":\"cosine\",\"scale\":1,\"shift\":0.5},\"joint\":{\"kind\":\"dense\","
        "\"size\":9,"
        "\"activation\":\"tanh\",\"user_activation\":\"tanh\"},\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\","
        "\"embedding\":8}],"
        "\"item\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":8}]},\"train\":{\"optimizer\":\"momentum\",\"schedule\":"
        "\"linear\","
        "\"order\":\"random\",\"lr\":0.001,\"epochs\":10}}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        mrq_description d;
        assert_ok(parse(same[i], &d));
        assert_printed(mrq_description_json(&d), same[i]);
    }
}

/* Results of a training, each number another. */
static const mrq_model_results results = {.seed = 9007199254740992,
                                          .train_ratings = 1,
                                          .valid_ratings = 2,
                                          .test_ratings = 3,
                                          .data_fingerprint = 0xfedcba9876543210,
                                          .threads = 4,
                                          .epochs = 5,
                                          .best_epoch = 6,
                                          .rating_min = -7,
                                          .rating_max = 8,
                                          .train_rmse = 0.5,
                                          .valid_rmse = 0.75,
                                          .test_rmse = 0.875,
                                          .ranks = true,
                                          .test_recall = 0.25,
                                          .test_ndcg = 0.125,
                                          .schema = "a",
                                          .split = "hash",
                                          .test_share = 0.0625,
                                          .blas_core = "Some",
                                          .blas_chosen_by = "cpu"};
#define WRITTEN                                                                                                                    \
    "{\"schema\":\"a\",\"data\":\"fedcba9876543210\",\"split\":\"hash\",\"seed\":9007199254740992,\"test_share\":0.0625,"          \
    "\"threads\":4,\"epochs\":5,\"best_epoch\":6,\"train_ratings\":1,\"valid_ratings\":2,\"test_ratings\":3,\"rating_min\":-7,"    \
    "\"rating_max\":8,\"train_rmse\":0.5,\"valid_rmse\":0.75,\"test_rmse\":0.875,\"test_recall\":0.25,\"test_ndcg\":0.125,"        \
    "\"blas_core\":\"Some\",\"blas_chosen_by\":\"cpu\",\"ranks\":true}"

static mrq_status parse_results(const char *text, mrq_model_results *out)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, strlen(text), "r", &json, &err));
    return mrq_model_training_parse(json, "r:", out, NULL, &err);
}

static void results_are_written_and_read_to_the_letter(void **state)
{
    (void)state;
    mrq_model_results back;
    assert_printed(mrq_model_results_json(&results), WRITTEN);
    assert_ok(parse_results(WRITTEN, &back));
    assert_printed(mrq_model_results_json(&back), WRITTEN);
    const char *const least = "{\"schema\":\"\",\"data\":\"0\",\"split\":\"\"}";
    assert_ok(parse_results(least, &back));
    assert_true(isnan(back.train_rmse) && isnan(back.valid_rmse) && isnan(back.test_rmse) && isnan(back.test_recall) &&
                isnan(back.test_ndcg) && !back.ranks);
    assert_true(isinf(back.rating_min) && back.rating_min < 0 && isinf(back.rating_max) && back.rating_max > 0);
    assert_printed(
        mrq_model_results_json(&back),
        "{\"schema\":\"\",\"data\":\"0000000000000000\",\"split\":\"\",\"seed\":0,\"test_share\":0,\"threads\":0,\"epochs\":0,"
        "\"best_epoch\":0,\"train_ratings\":0,\"valid_ratings\":0,\"test_ratings\":0}");
    const mrq_quality ranks = mrq_quality_of(&results),
                      rates = mrq_quality_of(&(mrq_model_results){.test_rmse = 0.875, .test_ndcg = 0.125});
    assert_true(strcmp(ranks.name, "NDCG@10") == 0 && ranks.value == 0.125 && ranks.more_is_better);
    assert_true(strcmp(rates.name, "RMSE") == 0 && rates.value == 0.875 && !rates.more_is_better);
}

#define RESULTS "\"schema\":\"a\",\"data\":\"0\",\"split\":\"b\",%s"
#define WHOLE   "want a whole number, 0 to 9007199254740992"

static mrq_status read_results(const char *text)
{
    mrq_model_results r;
    return parse_results(text, &r);
}

static void each_number_of_results_has_its_range(void **state)
{
    (void)state;
    static const struct number numbers[] = {
        {RESULTS, "seed", "0", "9007199254740992", "-1", "9007199254740994", "r: seed: %s, " WHOLE},
        {RESULTS, "threads", "0", "9007199254740992", "-1", "9007199254740994", "r: threads: %s, " WHOLE},
        {RESULTS, "epochs", "0", "9007199254740992", "-1", "9007199254740994", "r: epochs: %s, " WHOLE},
        {RESULTS, "best_epoch", "0", "9007199254740992", "-1", "9007199254740994", "r: best_epoch: %s, " WHOLE},
        {RESULTS, "train_ratings", "0", "9007199254740992", "-1", "9007199254740994", "r: train_ratings: %s, " WHOLE},
        {RESULTS, "valid_ratings", "0", "9007199254740992", "-1", "9007199254740994", "r: valid_ratings: %s, " WHOLE},
        {RESULTS, "test_ratings", "0", "9007199254740992", "-1", "9007199254740994", "r: test_ratings: %s, " WHOLE},
        {RESULTS, "test_share", "0", "1", "-0.5", "1.5", "r: test_share: %s, want a number, 0 to 1"},
        {RESULTS, "rating_min", "-1000000", "1000000", "-1000000.5", "1000000.5",
         "r: rating_min: %s, want a number, -1000000 to 1000000"},
        {RESULTS, "rating_max", "-1000000", "1000000", "-1000000.5", "1000000.5",
         "r: rating_max: %s, want a number, -1000000 to 1000000"},
        {RESULTS, "train_rmse", "0", "1000000000", "-0.5", "1000000000.5", "r: train_rmse: %s, want a number, 0 to 1000000000"},
        {RESULTS, "valid_rmse", "0", "1000000000", "-0.5", "1000000000.5", "r: valid_rmse: %s, want a number, 0 to 1000000000"},
        {RESULTS, "test_rmse", "0", "1000000000", "-0.5", "1000000000.5", "r: test_rmse: %s, want a number, 0 to 1000000000"},
        {RESULTS, "test_recall", "0", "1", "-0.5", "1.5", "r: test_recall: %s, want a number, 0 to 1"},
        {RESULTS, "test_ndcg", "0", "1", "-0.5", "1.5", "r: test_ndcg: %s, want a number, 0 to 1"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct number *n = &numbers[i];
        for (int end = 0; end < 2; end++) {
            char text[300];
            mrq_model_results r;
            fill_in(text, sizeof text, n->format, n->key, end ? n->most : n->least);
            assert_ok(parse_results(text, &r));
            MRQ_CLEANUP(cJSON_Delete) cJSON *json = mrq_model_results_json(&r);
            MRQ_AUTOFREE char *printed = cJSON_PrintUnformatted(json); /* a seed is only a number once it has been read */
            MRQ_CLEANUP(cJSON_Delete) cJSON *again = cJSON_Parse(printed);
            assert_true(has_value(again, n->key, atof(end ? n->most : n->least)));
        }
        assert_refused(n, n->below, read_results);
        assert_refused(n, n->above, read_results);
        assert_refused(n, "true", read_results);
    }
}

/* Each text of results is required or not, and as long as it may be. */
static void each_text_of_results_has_its_length(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t most;
        bool required;
    } texts[] = {
        {"schema", 31, true}, {"split", 15, true}, {"blas_core", 23, false}, {"blas_chosen_by", 23, false}, {"data", 0, true}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t n = texts[i].most; n <= texts[i].most + 1; n++) {
            MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_Parse(WRITTEN);
            char value[40] = "", sentence[200];
            mrq_model_results r;
            memset(value, 'x', n);
            cJSON_ReplaceItemInObjectCaseSensitive(json, texts[i].key, cJSON_CreateString(value));
            snprintf(sentence, sizeof sentence, "r: %s: \"%s\", want less than %zu bytes and no control characters", texts[i].key,
                     value, texts[i].most + 1);
            if (texts[i].most && n > texts[i].most)
                assert_fails(mrq_model_training_parse(json, "r:", &r, NULL, &err), MRQ_BAD_FILE, sentence);
            else
                assert_ok(mrq_model_training_parse(json, "r:", &r, NULL, &err));
            cJSON_DeleteItemFromObjectCaseSensitive(json, texts[i].key);
            snprintf(sentence, sizeof sentence, "r: %s: missing", texts[i].key);
            if (texts[i].required)
                assert_fails(mrq_model_training_parse(json, "r:", &r, NULL, &err), MRQ_BAD_FILE, sentence);
            else
                assert_ok(mrq_model_training_parse(json, "r:", &r, NULL, &err));
        }
    mrq_model_results r;
    assert_fails(parse_results("{\"schema\":\"a\",\"data\":\"0\",\"split\":\"b\",\"ranks\":1}", &r), MRQ_BAD_FILE,
                 "r: ranks: 1, want true or false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_of_a_description_has_its_range), cmocka_unit_test(names_and_lists_end_where_they_must),
        cmocka_unit_test(what_is_missing_or_unknown_is_named),        cmocka_unit_test(a_file_is_called_by_its_name),
        cmocka_unit_test(descriptions_are_written_to_the_letter),     cmocka_unit_test(results_are_written_and_read_to_the_letter),
        cmocka_unit_test(each_number_of_results_has_its_range),       cmocka_unit_test(each_text_of_results_has_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
