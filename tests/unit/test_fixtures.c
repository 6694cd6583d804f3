/* The files of tests/fixtures, as the program once wrote them: each is read for ever, and means what it meant. Another version of
 * each is refused by its number, and one from a machine of another byte order by that. */
#include "unit/forge.h"
#include "unit/scripted_redis.h"

#include <dirent.h>
#include <math.h>

#include "dataset/dataset.h"
#include "engine/query.h"
#include "engine/redis_answers.h"
#include "train/evaluate.h"
#include "train/train.h"
#include "unit/asked.h"
#include "unit/ids.h"

enum { USERS = 16, ITEMS = 12, GENERATIONS = 4, QUESTIONS = 4 };

static char folder[200];

static const char *fixture(const char *name)
{
    static char path[PATH];
    const char *source = getenv("MRQ_SOURCE");
    snprintf(path, sizeof path, "%s/tests/fixtures/%s", source ? source : ".", name);
    return path;
}

/* A copy that may be changed. */
static const char *copied(const char *name)
{
    static char path[300];
    char out[10];
    const char *slash = strrchr(name, '/');
    snprintf(path, sizeof path, "%s/%s", folder, slash ? slash + 1 : name);
    shell(out, sizeof out, "rm -rf '%s' && cp -a '%s' '%s'", path, fixture(name), path);
    return path;
}

static cJSON *json_of(const char *text, size_t size)
{
    cJSON *json = NULL;
    assert_ok(mrq_json_parse(text, size, "fixture", &json, &err));
    return json;
}

/* What tests/fixtures/make asked, in that order. */
static question asked(int i)
{
    static const char *const genres[] = {"Comedy", "Drama"};
    static const int64_t liked[] = {13, 21}, disliked[] = {55}, excluded[] = {5};
    question query = QUESTION;
    switch (i) {
    case 0:
        query.age = "20", query.gender = "F", query.job = "baker", query.k = 12;
        return query;
    case 1:
        query.user = 4, query.k = 5;
        return query;
    case 2:
        query.user = 6, query.k = 3;
        query.filters = (question_filters){.genre = genres, .n_genres = 2, .all_genres = true, .include_seen = true};
        return query;
    default:
        query.liked = liked, query.n_liked = 2, query.disliked = disliked, query.n_disliked = 1, query.k = 4;
        query.filters = (question_filters){.year_from = 1954, .year_to = 1990, .exclude = excluded, .n_exclude = 1};
        return query;
    }
}

/* The answer is the one that was recorded, item by item. */
static void assert_answer(const mrq_generation *g, mrq_cache *cache, int i, const char *line, size_t size)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *recorded = json_of(line, size);
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(recorded, "results"), *result;
    const question query = asked(i);
    __attribute__((cleanup(mrq_content_clear))) mrq_content answer = {0};
    assert_ok(asked_recommend(g, cache, &query, &answer, &err));
    assert_int_equal(answer.n, cJSON_GetArraySize(results));
    assert_int_equal(answer.cache, cache ? MRQ_CACHE_HIT : MRQ_CACHE_OFF);
    uint32_t rank = 0;
    cJSON_ArrayForEach(result, results)
    {
        const mrq_recommendation *item = &answer.hit[rank++];
        assert_string_equal(mrq_table_id(g->items, item->item), cJSON_GetObjectItemCaseSensitive(result, "id")->valuestring);
        assert_true(fabs(item->score - cJSON_GetObjectItemCaseSensitive(result, "score")->valuedouble) < 2e-6);
        const char *title = mrq_strings_at(&mrq_table_column(g->items, "title")->text, item->item);
        assert_string_equal(title, cJSON_GetObjectItemCaseSensitive(result, "title")->valuestring);
    }
    MRQ_CLEANUP(cJSON_Delete) cJSON *understood = json_of(answer.query.text, strlen(answer.query.text));
    assert_true(cJSON_Compare(understood, cJSON_GetObjectItemCaseSensitive(recorded, "query"), true));
}

static void assert_answers(const mrq_generation *g, mrq_cache *cache, scripted_redis *server, const char *const *reply)
{
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(fixture("answers.jsonl"), &size);
    const char *line = (const char *)bytes;
    for (int i = 0; i < QUESTIONS; i++) {
        if (server) {
            server->reply = reply[i];
            server->size = strlen(reply[i]);
        }
        assert_answer(g, cache, i, line, strcspn(line, "\n"));
        line += strcspn(line, "\n") + 1;
    }
    assert_int_equal(*line, '\0');
}

static void assert_tables(const mrq_generation *g)
{
    const mrq_column *title = mrq_table_column(g->items, "title"), *genres = mrq_table_column(g->items, "genres"),
                     *year = mrq_table_column(g->items, "year"), *job = mrq_table_column(g->users, "job"),
                     *age = mrq_table_column(g->users, "age");
    assert_true(g->items->rows == ITEMS && g->users->rows == USERS && g->tower->dim == 5);
    assert_true(id_number(g->items, 0) == 3 && id_number(g->items, 11) == 610 && id_number(g->users, 0) == 2 &&
                id_number(g->users, 15) == 32);
    assert_string_equal(mrq_strings_at(&title->text, 4), "Caf\303\251 Second Quiet (1966)");
    assert_true(year->number[4] == 1966 && isnan(year->number[7]));
    assert_int_equal(genres->list.offset[1], 1);
    assert_string_equal(mrq_strings_at(&genres->dict, genres->list.item[0]), "Musical");
    assert_string_equal(mrq_strings_at(&job->label, job->code[4]), "baker");
    assert_true(age->bound[2] == 35 && age->code[2] == 2);
    assert_int_equal(g->seen.offset[1], 7);
    assert_int_equal(g->seen.offset[USERS], 112);
    assert_true(g->tower->has_history && g->tower->liked && g->tower->history.list.offset[USERS] > 0);
}

static void generations_are_read_and_answer(void **state)
{
    (void)state;
    static const char *const kinds[GENERATIONS] = {"Flat", "HNSW4", "HNSW4,SQ8", "IVF2,Flat"};
    uint32_t n;
    char store[PATH], path[PATH];
    snprintf(store, sizeof store, "%s", fixture("store"));
    MRQ_AUTOFREE mrq_name *names = NULL;
    assert_ok(mrq_store_names(store, &names, &n, &err));
    assert_int_equal(n, GENERATIONS);
    for (uint32_t i = 0; i < n; i++) {
        MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
        assert_ok(mrq_generation_check(store, names[i].text, &err));
        assert_ok(mrq_generation_path(store, names[i].text, path, &err));
        assert_ok(mrq_generation_open_in(path, names[i].text, NULL, true, &g, &err));
        assert_string_equal(g->index_kind, kinds[n - 1 - i]);
        assert_string_equal(g->model_name, "tiny-retrieval");
        assert_true(g->recall >= 1 && g->results.ranks && g->results.seed == 1 && fabs(g->results.test_recall - 1) < 1e-12);
        assert_tables(g);
        assert_answers(g, NULL, NULL, NULL);
    }
}

static void models_are_read_and_predict(void **state)
{
    (void)state;
    FILE *file = fopen(fixture("predictions"), "r");
    assert_non_null(file);
    char name[32], path[64];
    long long user, item;
    double want;
    int lines = 0;
    for (; fscanf(file, "%31s %lld %lld %lf", name, &user, &item, &want) == 4; lines++) {
        MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
        MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
        mrq_vectors vectors;
        snprintf(path, sizeof path, "%s.mrq", name);
        assert_ok(mrq_model_load(fixture(path), &model, &err));
        assert_true(model->results.threads == 2 && model->curve.n == model->results.epochs);
        assert_ok(mrq_vectors_make(model, arena, &vectors, &err));
        assert_ok(mrq_vectors_update(model, &vectors, &err));
        const uint32_t u = find_number(model->users, user), m = find_number(model->items, item);
        assert_true(u != MRQ_NONE && m != MRQ_NONE);
        assert_true(fabs(mrq_score(model, &vectors, u, m) - want) < 1e-4);
    }
    fclose(file);
    assert_int_equal(lines, 8);
}

/* The training that was stopped goes on, for one batch. */
static mrq_status resume(const char *checkpoint, mrq_train_result *result)
{
    static const volatile sig_atomic_t stop = 1;
    mrq_schema *schema = NULL;
    mrq_dataset *data = NULL;
    mrq_description description;
    assert_ok(mrq_schema_load(fixture("schema.json"), &schema, &err));
    assert_ok(mrq_dataset_load(fixture("data"), schema, &data, &err));
    assert_ok(mrq_description_load(fixture("resume.json"), &description, &err));
    const mrq_train_options options = {.split = MRQ_SPLIT_RANDOM,
                                       .test = 0.1,
                                       .seed = 1,
                                       .threads = 2,
                                       .checkpoint = checkpoint,
                                       .checkpoint_seconds = 60,
                                       .resume = true};
    const mrq_train_watch watch = {.stop = &stop};
    err = (mrq_error){0};
    const mrq_status status = mrq_train(data, &description, &options, &watch, result, &err);
    mrq_dataset_free(data);
    mrq_schema_free(schema);
    return status;
}

static void a_checkpoint_is_gone_on_from(void **state)
{
    (void)state;
    mrq_train_result result = {0};
    const mrq_status status = resume(copied("resume.checkpoint"), &result);
    if (status != MRQ_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(result.end, MRQ_TRAIN_INTERRUPTED);
    const mrq_model_results *r = mrq_model_results_of(result.model);
    const mrq_model_curve *curve = mrq_model_curve_of(result.model);
    assert_true(result.epoch == 3 && r->best_epoch == 2 && curve->n == 2);
    assert_true(fabs(r->test_rmse - 2.381408586) < 1e-9 && fabs(curve->epoch[0].train_rmse - 3.331657576) < 1e-9);
    mrq_model_free(result.model);
}

static void schemas_and_descriptions_are_read(void **state)
{
    (void)state;
    static const char *const files[] = {"schema.json", "retrieval.json", "rating.json", "cosine.json", "resume.json"};
    for (int i = 0; i < 5; i++) {
        size_t size;
        MRQ_AUTOFREE unsigned char *bytes = read_bytes(fixture(files[i]), &size);
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = json_of((const char *)bytes, size);
        for (int later = 0; later < 2; later++) { /* what they do not know they refuse by its name */
            mrq_schema *schema = NULL;
            mrq_description description;
            if (later)
                cJSON_AddNumberToObject(json, "version", 2);
            MRQ_AUTOFREE char *text = cJSON_Print(json);
            err = (mrq_error){0};
            const mrq_status status = i == 0 ? mrq_schema_parse(text, strlen(text), "its", &schema, &err)
                                             : mrq_description_parse(text, strlen(text), "its", &description, &err);
            assert_int_equal(status, later ? MRQ_BAD_FILE : MRQ_OK);
            assert_true(!later || strstr(err.msg, "its: version: unknown key"));
            mrq_schema_free(schema);
        }
    }
}

/* The number at `at` becomes `value`, and the checksum is mended. */
static void forge(const char *path, size_t at, uint32_t value)
{
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    memcpy(bytes + at, &value, sizeof value);
    memset(bytes + 40, 0, sizeof(uint64_t));
    const uint64_t checksum = mrq_checksum(bytes, size);
    memcpy(bytes + 40, &checksum, sizeof checksum);
    write_bytes(path, bytes, size);
}

/* Containers: version, byte order and the container's own format stand at 16, 20 and 28. */
static const struct forgery {
    size_t at;
    uint32_t value;
    const char *sentence;
} forgeries[] = {{16, 1, "format version 1, this program reads version 2; make it anew"},
                 {20, 0x04030201, "written on a machine of another byte order"},
                 {28, 2, "container format 2, this program reads format 1"}};
enum { FORGERIES = 3 };

static mrq_status open_store(const char *store)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    return mrq_generation_open(store, &g, &err);
}

static void other_parts_are_refused(void **state)
{
    (void)state;
    static const char *const parts[] = {"catalogue.mrq", "users.mrq", "seen.mrq", "vectors.mrq", "history.mrq", "model.mrq"};
    char path[PATH], want[200];
    for (int p = 0; p < 6; p++)
        for (int f = 0; f < FORGERIES; f++) {
            const char *store = copied("store");
            mrq_model *model = NULL;
            current_path(store, parts[p], path);
            forge(path, forgeries[f].at, forgeries[f].value);
            vouch_for(store, parts[p]);
            snprintf(want, sizeof want, "%s: %s", parts[p], forgeries[f].sentence);
            if (strcmp(parts[p], "model.mrq") == 0)
                assert_fails(mrq_store_model(store, &model, &err), MRQ_BAD_FILE, want);
            else
                assert_fails(open_store(store), MRQ_BAD_FILE, want);
        }
}

static void other_models_and_checkpoints_are_refused(void **state)
{
    (void)state;
    char want[200];
    for (int f = 0; f < FORGERIES; f++) {
        mrq_model *model = NULL;
        mrq_train_result result = {0};
        const char *path = copied("cosine.mrq");
        forge(path, forgeries[f].at, forgeries[f].value);
        snprintf(want, sizeof want, "cosine.mrq: %s", forgeries[f].sentence);
        assert_fails(mrq_model_load(path, &model, &err), MRQ_BAD_FILE, want);
        path = copied("resume.checkpoint");
        forge(path, forgeries[f].at, forgeries[f].value);
        snprintf(want, sizeof want, "resume.checkpoint: %s", forgeries[f].sentence);
        assert_fails(resume(path, &result), MRQ_BAD_FILE, want);
    }
}

static void other_manifests_are_refused(void **state)
{
    (void)state;
    for (int format = 1; format <= MRQ_MANIFEST_FORMAT + 1; format++) {
        if (format == MRQ_MANIFEST_FORMAT)
            continue;
        const char *store = copied("store");
        char want[100];
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = get_manifest(store);
        cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "format"), format);
        put_json(store, json);
        snprintf(want, sizeof want, "MANIFEST.json: format version %d, this program reads version 5", format);
        assert_fails(open_store(store), MRQ_BAD_FILE, want);
    }
}

/* What older versions wrote is refused by its version, and told how to be made anew. */
static void what_older_versions_wrote_is_refused(void **state)
{
    (void)state;
    mrq_model *model = NULL;
    mrq_train_result result = {0};
    assert_fails(mrq_model_load(fixture("old/rating.mrq"), &model, &err), MRQ_BAD_FILE,
                 "rating.mrq: format version 1, this program reads version 2; make it anew: `marquee train`");
    assert_fails(resume(copied("old/resume.checkpoint"), &result), MRQ_BAD_FILE, "resume.checkpoint: format version 1,");
    assert_fails(open_store(fixture("old/store")), MRQ_BAD_FILE,
                 "MANIFEST.json: format version 4, this program reads version 5; make it anew: `marquee train`");
}

/* FAISS numbers its formats by the letters of the kind. */
static void other_indexes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *mark, *sentence;
    } marks[] = {{"IwFm", "items.faiss: an index of kind \"IwFm\", want \"IwFl\""},
                 {"lFwI", "items.faiss: not an index that FAISS can read: written on a machine of another byte order"}};
    for (int i = 0; i < 2; i++) {
        const char *store = copied("store");
        char path[PATH];
        size_t size;
        current_path(store, "items.faiss", path);
        MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
        memcpy(bytes, marks[i].mark, 4);
        write_bytes(path, bytes, size);
        vouch_for(store, "items.faiss");
        assert_fails(open_store(store), MRQ_BAD_FILE, marks[i].sentence);
    }
}

/* What a server says that keeps the values of redis.values: to a GET, and to what counts behind it. */
static void make_reply(const mrq_generation *g, int i, const char *values, char *out, size_t size)
{
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    char key[MRQ_REDIS_KEY];
    const question query = asked(i);
    assert_ok(asked_resolve(g, &query, &resolved, &err));
    mrq_redis_answers_key(g, &resolved, key);
    const char *value = strstr(values, key);
    assert_non_null(value);
    value += strlen(key) + 1;
    const size_t first = strcspn(value, "\n") + 1, whole = first + strcspn(value + first, "\n");
    snprintf(out, size, "$%zu\r\n%.*s\r\n$1\r\n1\r\n:1\r\n:0\r\n", whole, (int)whole, value);
}

static void cached_answers_are_believed(void **state)
{
    (void)state;
    static char reply[QUESTIONS][2000];
    static scripted_redis server;
    const char *replies[QUESTIONS];
    size_t size;
    MRQ_AUTOFREE unsigned char *values = read_bytes(fixture("redis.values"), &size);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = NULL;
    assert_ok(mrq_generation_open(fixture("store"), &g, &err));
    for (int i = 0; i < QUESTIONS; i++) {
        make_reply(g, i, (const char *)values, reply[i], sizeof reply[i]);
        replies[i] = reply[i];
    }
    scripted_redis_start(&server, folder);
    assert_ok(mrq_cache_new(server.address, 60, &cache, &err));
    assert_answers(g, cache, &server, replies);
}

/* The queries of redis.hot make sense: each is answered. */
static void hot_queries_are_read(void **state)
{
    (void)state;
    static char reply[4000];
    static scripted_redis server;
    size_t size;
    uint32_t warmed = 0;
    MRQ_AUTOFREE unsigned char *members = read_bytes(fixture("redis.hot"), &size);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = NULL;
    assert_ok(mrq_generation_open(fixture("store"), &g, &err));
    size_t used = (size_t)snprintf(reply, sizeof reply, "*%d\r\n", QUESTIONS);
    for (const char *line = strtok((char *)members, "\n"); line; line = strtok(NULL, "\n"))
        used += (size_t)snprintf(reply + used, sizeof reply - used, "$%zu\r\n%s\r\n", strlen(line), line);
    server = (scripted_redis){.first = reply, .first_size = used, .reply = "+OK\r\n", .size = 5};
    scripted_redis_start(&server, folder);
    assert_ok(mrq_cache_new(server.address, 60, &cache, &err));
    assert_ok(mrq_warm(g, cache, 10, &warmed, &err));
    assert_int_equal(warmed, QUESTIONS);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    temporary_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generations_are_read_and_answer),
        cmocka_unit_test(models_are_read_and_predict),
        cmocka_unit_test(a_checkpoint_is_gone_on_from),
        cmocka_unit_test(schemas_and_descriptions_are_read),
        cmocka_unit_test(what_older_versions_wrote_is_refused),
        cmocka_unit_test(other_parts_are_refused),
        cmocka_unit_test(other_models_and_checkpoints_are_refused),
        cmocka_unit_test(other_manifests_are_refused),
        cmocka_unit_test(other_indexes_are_refused),
        cmocka_unit_test(cached_answers_are_believed),
        cmocka_unit_test(hot_queries_are_read),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
