/* The store room, reading: a generation round trip in every kind, every damage, and who reads while another writes. */
#include "unit/store_world.h"

#include <time.h>

/* The best `k` items for a user of the generation, whose vector comes along. */
static mrq_line find(const mrq_generation *g, uint32_t user, float *vector, uint32_t k, mrq_hit *hits)
{
    uint32_t value[MRQ_BRANCHES_MAX], found = 0;
    mrq_line line;
    mrq_folded_values(g->tower, g->users, user, value);
    mrq_folded_vector(g->tower, value, vector, &line);
    assert_ok(mrq_index_search(g->index, vector, k, NULL, hits, &found, &err));
    assert_int_equal(found, k);
    return line;
}

static void round_trip(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    assert_int_equal(strlen(name), 16 + 1 + 12);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    assert_string_equal(g->name, name);
    assert_string_equal(g->model_name, "small");
    assert_string_equal(g->index_kind, "Flat");
    assert_true(g->recall >= 1 && g->p50 > 0 && g->p99 >= g->p50 && fabs(g->quality.value - 0.9) < 1e-9);
    assert_true(llabs((long long)g->created - (long long)time(NULL)) < 60);
    assert_true(g->tower->scale == 5);
    assert_int_equal(g->items->rows, ITEMS);
    assert_int_equal(g->users->rows, USERS);
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_string_equal(mrq_table_id(g->items, i), mrq_table_id(items, i));
    assert_string_equal(mrq_strings_at(&mrq_table_column(g->items, "title")->text, 17), "Title 017");
    assert_memory_equal(g->seen.offset, model->seen.offset, (USERS + 1) * sizeof *g->seen.offset);
    assert_memory_equal(g->seen.item, model->seen.item, model->seen.offset[USERS] * sizeof *g->seen.item);

    /* the folded tower is the network, and the index holds the network's items */
    static float user[USERS * DIM], item[ITEMS * DIM];
    assert_ok(mrq_model_user_vectors(model, user, &err));
    assert_ok(mrq_model_item_vectors(model, item, &err));
    for (uint32_t u = 0; u < USERS; u++) {
        float vector[DIM];
        mrq_hit hits[ITEMS];
        const mrq_line line = find(g, u, vector, ITEMS, hits);
        assert_true(line.slope == 5 && line.intercept == 0);
        for (uint32_t j = 0; j < DIM; j++)
            assert_true(fabsf(vector[j] - user[u * DIM + j]) < 1e-5f);
        for (uint32_t i = 0; i < ITEMS; i++) {
            float score = 0;
            for (uint32_t j = 0; j < DIM; j++)
                score += vector[j] * item[hits[i].row * DIM + j];
            assert_true(fabsf(score - hits[i].score) < 1e-5f);
        }
    }
    MRQ_CLEANUP(mrq_model_free) mrq_model *copy = NULL;
    current_path(store, "model.mrq", path);
    assert_ok(mrq_model_load(path, &copy, &err));
}

/* What the training came to comes along, to the last pass. */
static void the_training_comes_along(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open_plain(store, &g, &err));
    assert_int_equal(g->index_bytes, ITEMS * DIM * sizeof(float)); /* Flat: items.faiss is not read */
    assert_true(g->results.seed == 11 && g->results.data_fingerprint == 0x123456789abcdef0 && !g->results.ranks);
    assert_true(fabs(g->results.test_rmse - 0.9) < 1e-12 && isnan(g->results.valid_rmse) && isnan(g->results.test_ndcg));
    assert_string_equal(g->results.schema, "small");
    assert_int_equal(g->curve.n, 3);
    assert_true(g->curve.epoch[0].train_rmse == 1.25 && g->curve.epoch[0].test_rmse == 1.5);
    assert_true(g->curve.epoch[2].test_rmse == 1.123456 && isnan(g->curve.epoch[2].valid_rmse));
    mrq_generation_close(g);
    g = NULL;
    const mrq_export_options coded = {.index = "SQ8", .recall = 0.5};
    struct stat st;
    assert_ok(mrq_store_export(store, model_path, &coded, name, NULL, NULL, &err));
    assert_ok(mrq_generation_open(store, &g, &err));
    current_path(store, "items.faiss", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(g->index_bytes, ITEMS * DIM * (int64_t)sizeof(float) + st.st_size);
}

/* As many passes as a description may ask for, and numbers as long as they get. */
static void the_longest_curve_is_exported(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    MRQ_CLEANUP(mrq_model_free) mrq_model *long_model = model_of(STORE_MODEL, users, items);
    long_model->results = model->results;
    long_model->curve = (mrq_model_curve){MRQ_EPOCHS_MAX, mrq_array(MRQ_EPOCHS_MAX, sizeof(mrq_model_epoch))};
    for (uint32_t i = 0; i < MRQ_EPOCHS_MAX; i++)
        long_model->curve.epoch[i] = (mrq_model_epoch){123456789.123456 + i, 987654321.654321 - i, 111111111.111111 + i};
    assert_true(snprintf(path, sizeof path, "%.4000s/long.mrq", folder) < PATH);
    assert_ok(mrq_model_save(long_model, path, &err));
    assert_ok(mrq_store_export(new_store(store), path, &flat, name, NULL, NULL, &err));
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    assert_int_equal(g->curve.n, MRQ_EPOCHS_MAX);
    assert_memory_equal(g->curve.epoch, long_model->curve.epoch, MRQ_EPOCHS_MAX * sizeof(mrq_model_epoch));
}

/* Scores that are no cosines come back from the index along each user's line, in the order of the network's. */
static void inner_products_are_served(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SMALL(SMALL_DOT, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, ""),
        SMALL(SMALL_BIASED, SMALL_SUM ",\"activation\":\"tanh\"", SMALL_SUM_USER, SMALL_SUM_ITEM, "")};
    for (int k = 0; k < 2; k++) {
        char store[PATH], name[MRQ_GENERATION_NAME], path[PATH + 20];
        MRQ_CLEANUP(mrq_model_free) mrq_model *dot = model_of(texts[k], users, items);
        snprintf(path, sizeof path, "%.4000s/dot.mrq", folder);
        assert_ok(mrq_model_save(dot, path, &err));
        assert_ok(mrq_store_export(new_store(store), path, &flat, name, NULL, NULL, &err));
        MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
        assert_ok(mrq_generation_open(store, &g, &err));
        const mrq_description *d = &dot->description;
        const uint32_t width = mrq_description_width(d);
        assert_int_equal(g->tower->dim, width + 1);
        MRQ_AUTOFREE float *user = mrq_array((size_t)USERS * width, sizeof *user),
                           *item = mrq_array((size_t)ITEMS * width, sizeof *item);
        assert_ok(mrq_model_user_vectors(dot, user, &err));
        assert_ok(mrq_model_item_vectors(dot, item, &err));
        for (uint32_t u = 0; u < USERS; u++) {
            float vector[32];
            mrq_hit hits[ITEMS];
            const mrq_line line = find(g, u, vector, ITEMS, hits);
            double last = (double)INFINITY;
            for (uint32_t i = 0; i < ITEMS; i++) {
                const float *a = user + u * width, *b = item + hits[i].row * width;
                double want = d->shift + (d->bias ? (double)a[d->dim] + (double)b[d->dim] : 0);
                for (uint32_t j = 0; j < d->dim; j++)
                    want += (double)a[j] * (double)b[j];
                assert_true(fabs(line.slope * (double)hits[i].score + line.intercept - want) < 1e-4 * (1 + fabs(want)));
                assert_true(want < last + 1e-4);
                last = want;
            }
        }
    }
}

/* Whatever the kind, the vectors lie beside the index, and it answers as the exact scan does. */
static void kinds_come_back(void **state)
{
    (void)state;
    static const char *const kinds[] = {"Flat", "HNSW32", "HNSW32,SQ8", "IVF4,Flat", "IVF4,SQ8", "SQ8", "SQfp16", "auto"};
    char store[PATH];
    new_store(store);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char name[MRQ_GENERATION_NAME];
        mrq_choice choice;
        const mrq_export_options options = {.index = kinds[i], .recall = 1};
        assert_ok(mrq_store_export(store, model_path, &options, name, &choice, NULL, &err));
        mrq_free(choice.trial);
        MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
        assert_ok(mrq_generation_open(store, &g, &err));
        assert_string_equal(g->index_kind, strcmp(kinds[i], "auto") == 0 ? "Flat" : kinds[i]);
        assert_memory_equal(mrq_index_settings_of(g->index), &choice.best.settings, sizeof choice.best.settings);
        assert_true(choice.n > 0 && fabs(choice.best.recall - g->recall) < 1e-6);
        for (uint32_t u = 0; u < USERS; u++) {
            float vector[DIM], best = -2;
            mrq_hit hits[3];
            find(g, u, vector, 3, hits);
            for (uint32_t m = 0; m < ITEMS; m++) {
                float sum = 0;
                for (uint32_t j = 0; j < DIM; j++)
                    sum += vector[j] * mrq_index_vectors(g->index)[m * DIM + j];
                best = sum > best ? sum : best;
            }
            assert_true(fabsf(best - hits[0].score) < 1e-5f);
        }
    }
}

static void manifest_tells_the_truth(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH], text[200];
    export_to(new_store(store), name);
    current_path(store, MRQ_MANIFEST, path);
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    mrq_manifest m;
    assert_ok(mrq_manifest_parse((const char *)bytes, size, path, &m, NULL, &err));
    shell(text, sizeof text, "sha256sum '%s' | cut -c1-12 | tr -d '\\n'", path);
    assert_string_equal(strchr(name, '-') + 1, text);
    assert_string_equal(m.index.settings.factory, "Flat");
    assert_int_equal(m.index.n_queries, USERS);
    assert_true(fabs(m.quality.value - 0.9) < 1e-9);
    for (int i = 0; i < MRQ_PARTS; i++) {
        current_path(store, mrq_part_names[i], path);
        shell(text, sizeof text, "sha256sum '%s' | cut -d' ' -f1 | tr -d '\\n'", path);
        assert_string_equal(m.part[i].sha256, text);
        shell(text, sizeof text, "stat -c %%s '%s'", path);
        assert_int_equal(m.part[i].size, atoll(text));
    }
    assert_non_null(strstr((const char *)bytes, "\"data\":\t\"123456789abcdef0\""));
    assert_non_null(strstr((const char *)bytes, "\"test_rmse\":\t0.9"));
    assert_null(strstr((const char *)bytes, "valid_rmse")); /* was not measured */
    assert_non_null(strstr((const char *)bytes, "\"towers\":"));
    assert_true(llabs(mrq_generation_time(name) - m.created_us / 1000000) <= 1);
}

/* An open generation outlives its folder. */
static void a_reader_is_never_disturbed(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], text[100];
    export_to(new_store(store), name);
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    shell(text, sizeof text, "rm -r '%s'", store);
    assert_string_equal(mrq_strings_at(&mrq_table_column(g->items, "title")->text, 39), "Title 039");
    uint32_t value[MRQ_BRANCHES_MAX] = {0}, found = 0;
    float vector[DIM];
    mrq_line line;
    mrq_hit hits[5];
    mrq_folded_vector(g->tower, value, vector, &line);
    assert_ok(mrq_index_search(g->index, vector, 5, NULL, hits, &found, &err));
    assert_int_equal(found, 5);
}

/* The file at `path` holds these bytes: opening fails with its name. Or, for the model, reading the model does. */
static void assert_damage_found(const char *store, const char *path, const char *file, const unsigned char *bytes, size_t size)
{
    write_bytes(path, bytes, size);
    mrq_status status = try_open(store);
    if (status == MRQ_OK && strcmp(file, "model.mrq") == 0) {
        mrq_model *m = NULL;
        status = mrq_model_load(path, &m, &err);
        mrq_model_free(m);
    }
    if (status != MRQ_BAD_FILE || !strstr(err.msg, file))
        fail_msg("%s, %zu bytes: got %d, \"%s\"", file, size, (int)status, err.msg);
}

static void every_damage_is_found(void **state)
{
    (void)state;
    static const char *const files[] = {"MANIFEST.json", "items.faiss", "catalogue.mrq", "users.mrq",
                                        "seen.mrq",      "model.mrq",   "vectors.mrq"};
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        size_t size;
        current_path(store, files[f], path);
        MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
        assert_true(f != 0 || size >= 2000);
        const size_t step = f == 0 ? 1 : size / 97 + 1; /* every byte of the manifest */
        for (size_t i = 0; i < size; i += step) {
            bytes[i] ^= (unsigned char)(1 << i % 8);
            assert_damage_found(store, path, files[f], bytes, size);
            bytes[i] ^= (unsigned char)(1 << i % 8);
        }
        for (size_t i = 0; i < size; i += size / 23 + 1)
            assert_damage_found(store, path, files[f], bytes, i);
        assert_damage_found(store, path, files[f], bytes, size - 1);
        assert_damage_found(store, path, files[f], bytes, size + 1);
        assert_int_equal(unlink(path), 0);
        assert_fails(try_open(store), MRQ_BAD_FILE, "is missing");
        assert_non_null(strstr(err.msg, files[f]));
        assert_int_equal(mkdir(path, 0755), 0);
        assert_fails(try_open(store), MRQ_BAD_FILE, "is not a regular file");
        assert_non_null(strstr(err.msg, files[f]));
        assert_int_equal(rmdir(path), 0);
        write_bytes(path, bytes, size);
        assert_int_equal(try_open(store), MRQ_OK);
    }
}

static void assert_link_refused(const char *store, const char *target, mrq_status status, const char *sentence)
{
    char link[PATH + 20];
    snprintf(link, sizeof link, "%s/current", store);
    unlink(link);
    assert_int_equal(symlink(target, link), 0);
    assert_fails(try_open(store), status, sentence);
}

static void current_is_a_link_to_a_generation(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], target[PATH + 200], link[PATH + 20];
    new_store(store);
    assert_fails(try_open(store), MRQ_NOT_FOUND, "has no current generation: `marquee export` makes one");
    assert_fails(try_open(model_path), MRQ_NOT_FOUND, "Not a directory");
    export_to(store, name);
    const char *const bad[] = {"/etc",
                               "..",
                               "generations",
                               "generations/",
                               "generations/..",
                               "generations/../generations",
                               "generations/20260131T020000Z",
                               "generations/20260131T020000Z-0123456789AB",
                               "generations/20260131T020000Z-0123456789ab/",
                               "generations/20260131T020000Z-0123456789abc",
                               "generations/20260131t020000Z-0123456789ab",
                               "other/20260131T020000Z-0123456789ab",
                               "./generations/20260131T020000Z-0123456789ab"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_link_refused(store, bad[i], MRQ_BAD_FILE, "want generations/TIME-DIGITS");
    snprintf(target, sizeof target, "%s/generations/%s", store, name);
    assert_link_refused(store, target, MRQ_BAD_FILE, "want generations/TIME-DIGITS");
    snprintf(target, sizeof target, "generations/../generations/%s", name);
    assert_link_refused(store, target, MRQ_BAD_FILE, "want generations/TIME-DIGITS");
    assert_link_refused(store, "generations/20260131T020000Z-0123456789ab", MRQ_BAD_FILE,
                        "20260131T020000Z-0123456789ab/MANIFEST.json is missing");
    snprintf(link, sizeof link, "%s/current", store);
    assert_int_equal(unlink(link), 0);
    assert_fails(try_open(store), MRQ_NOT_FOUND, "has no current generation");
    write_bytes(link, name, strlen(name));
    assert_fails(try_open(store), MRQ_BAD_FILE, "current is not a symbolic link");
    unlink(link);
    assert_int_equal(mkdir(link, 0755), 0);
    assert_fails(try_open(store), MRQ_BAD_FILE, "current is not a symbolic link");
    rmdir(link);
    snprintf(target, sizeof target, "generations/%s", name);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(try_open(store), MRQ_OK);
}

static void assert_manifest_refused(const char *store, const cJSON *json, const char *sentence)
{
    MRQ_AUTOFREE char *text = cJSON_Print(json);
    put_manifest(store, text, strlen(text));
    assert_fails(try_open(store), MRQ_BAD_FILE, sentence);
    assert_non_null(strstr(err.msg, "MANIFEST.json"));
}

static void manifests_are_read_strictly(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME];
    export_to(new_store(store), name);
    MRQ_CLEANUP(cJSON_Delete) cJSON *good = get_manifest(store);
    const struct {
        const char *object, *key, *value; /* value NULL: the key is left out */
        const char *sentence;
    } wrong[] = {
        {NULL, "format", "4", "MANIFEST.json: format version 4, this program reads version 5"},
        {NULL, "format", "6", "MANIFEST.json: format version 6, this program reads version 5"},
        {NULL, "format", NULL, "MANIFEST.json: format: missing"},
        {NULL, "format", "\"1\"", "MANIFEST.json: format: \"1\", want a whole number"},
        {NULL, "shoes", "1", "MANIFEST.json: shoes: unknown key"},
        {NULL, "created", NULL, "MANIFEST.json: created: missing"},
        {NULL, "model", "\"a name that is far longer than any feature's name may be\"", "model: 56 bytes, want less than 32"},
        {NULL, "created", "\"yesterday\"", "created: \"yesterday\", want a time like 2026-01-31T02:00:00.000000Z"},
        {NULL, "created", "\"2026-01-31T02:00:00Z\"", "want a time like"},
        {NULL, "created", "\"2026-01-31T02:00:00.00000xZ\"", "want a time like"},
        {NULL, "index", "\"Flat\"", "MANIFEST.json: index: \"Flat\", want an object"},
        {NULL, "results", NULL, "MANIFEST.json: results: missing"},
        {"results", "test_rmse", "-1", "MANIFEST.json: results: test_rmse: -1, want a number"},
        {"results", "schema", NULL, "MANIFEST.json: results: schema: missing"},
        {"results", "curve", "3", "MANIFEST.json: results: curve: 3, want an array"},
        {"results", "curve", "[[1,null,2],[1,2]]", "MANIFEST.json: results: curve[1]: want [train, valid, test]"},
        {"index", "factory", NULL, "MANIFEST.json: index: factory: missing"},
        {"index", "factory", "\"0123456789012345678901234567890123456789012345678901234567890123\"",
         "index: factory: 64 bytes, want less than 64"},
        {"index", "efSearch", "7", "index: efSearch: unknown key"}, /* of a flat one */
        {"index", "rerank", NULL, "index: rerank: missing"},
        {"index", "rerank", "1048577", "index: rerank: 1048577, want a whole number"},
        {"index", "recall", "1.5", "index: recall: 1.5, want a number"},
        {"index", "p50_us", NULL, "index: p50_us: missing"},
        {"index", "shoes", "1", "index: shoes: unknown key"},
        {NULL, "scale", "5", "MANIFEST.json: scale: unknown key"},
        {NULL, "items", "0", "MANIFEST.json: items: 0, want a whole number"},
        {NULL, "items", "1.5", "MANIFEST.json: items: 1.5, want a whole number"},
        {NULL, "users", NULL, "MANIFEST.json: users: missing"},
        {NULL, "dim", "-1", "MANIFEST.json: dim: -1, want"},
        {NULL, "files", "[]", "MANIFEST.json: files: [], want an object"},
        {"files", "seen.mrq", NULL, "seen.mrq: missing"},
        {"files", "../../x", "{}", "../../x: unknown key"},
        {"files", "users.mrq", "{}", "files.users.mrq: size: missing"},
        {"files", "users.mrq", "{\"size\":1,\"sha256\":\"\",\"checksum\":\"12\"}",
         "files.users.mrq: checksum: \"12\", want 16 hexadecimal digits"},
        {"files", "users.mrq", "{\"size\":1,\"sha256\":\"\",\"checksum\":\"0x12345678abcdef\"}", "want 16 hexadecimal digits"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_Duplicate(good, 1);
        cJSON *object = wrong[i].object ? cJSON_GetObjectItemCaseSensitive(json, wrong[i].object) : json;
        cJSON_DeleteItemFromObjectCaseSensitive(object, wrong[i].key);
        if (wrong[i].value)
            cJSON_AddItemToObject(object, wrong[i].key, cJSON_CreateRaw(wrong[i].value));
        assert_manifest_refused(store, json, wrong[i].sentence);
    }
    put_manifest(store, "", 0);
    assert_fails(try_open(store), MRQ_BAD_FILE, "MANIFEST.json:1: not valid JSON");
    MRQ_AUTOFREE char *huge = mrq_array((size_t)2 << 20, 1);
    put_manifest(store, huge, (size_t)2 << 20);
    assert_fails(try_open(store), MRQ_BAD_FILE, "MANIFEST.json: 2097152 bytes, want at most 1048576");
    MRQ_CLEANUP(cJSON_Delete) cJSON *older = cJSON_Duplicate(good, 1); /* of before there was a curve */
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(older, "results"), "curve");
    MRQ_AUTOFREE char *older_text = cJSON_Print(older);
    put_manifest(store, older_text, strlen(older_text));
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    assert_true(g->curve.n == 0 && g->results.seed == 11);
    MRQ_AUTOFREE char *text = cJSON_Print(good);
    put_manifest(store, text, strlen(text));
    assert_int_equal(try_open(store), MRQ_OK);
}

/* What only the SHA-256 tells: opening does not look at it; list and rollback do. */
static void assert_audit_refuses(const char *store, const char *file)
{
    char name[MRQ_GENERATION_NAME], back[MRQ_GENERATION_NAME], want[PATH];
    uint32_t n;
    mrq_generation *g = NULL;
    mrq_model *loaded = NULL;
    vouch_for(store, file);
    assert_int_equal(try_open(store), MRQ_OK);
    assert_ok(mrq_store_current(store, name, &err));
    snprintf(want, sizeof want, "%s/%s: its SHA-256 begins with", name, file);
    assert_fails(mrq_generation_check(store, name, &err), MRQ_BAD_FILE, want);
    assert_fails(mrq_generation_audit(store, &g, &loaded, &err), MRQ_BAD_FILE, want);
    assert_non_null(strstr(err.msg, "; try `marquee rollback"));
    assert_true(!g && !loaded);
    assert_fails(mrq_store_rollback(store, name, back, &err), MRQ_BAD_FILE, want);
    MRQ_AUTOFREE mrq_generation_info *list = NULL;
    assert_ok(mrq_store_list(store, &list, &n, &err));
    assert_true(n == 2 && list[0].current && list[0].state == MRQ_BAD_FILE && list[1].state == MRQ_OK);
    assert_memory_equal(list[0].problem, file, strlen(file));
}

static void every_sha256_is_compared(void **state)
{
    (void)state;
    static const char *const files[] = {"items.faiss", "vectors.mrq", "model.mrq"};
    static const float zeros[ITEMS * DIM];
    for (int i = 0; i < 3; i++) {
        char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
        export_to(new_store(store), name);
        export_to(store, name);
        assert_ok(mrq_generation_check(store, name, &err));
        current_path(store, files[i], path);
        if (i == 0)
            damage(store, name, files[i]); /* of the kind Flat: FAISS does not read it */
        else if (i == 1) {
            MRQ_CLEANUP(mrq_container_writer_free)
            mrq_container_writer *writer = mrq_container_writer_new(MRQ_KIND_VECTORS, MRQ_PARTS_FORMAT);
            mrq_container_add(writer, zeros, (size_t)ITEMS * DIM, sizeof *zeros, MRQ_KIND_VECTORS);
            assert_ok(mrq_container_write(writer, path, &err));
        } else {
            MRQ_CLEANUP(mrq_model_free) mrq_model *other = model_of(STORE_MODEL, users, items);
            other->param[0] += 1;
            assert_ok(mrq_model_save(other, path, &err));
        }
        assert_audit_refuses(store, files[i]);
    }
}

/* A manifest that vouches for settings which its kind of index does not take. */
static void a_manifest_at_odds_with_itself_is_refused(void **state)
{
    (void)state;
    char store[PATH], name[2][MRQ_GENERATION_NAME], want[PATH + 100];
    new_store(store);
    const mrq_export_options graph = {.index = "HNSW4", .recall = 0.5};
    for (int i = 0; i < 2; i++)
        assert_ok(mrq_store_export(store, model_path, &graph, name[i], NULL, NULL, &err));
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = get_manifest(store);
    cJSON *index = cJSON_GetObjectItemCaseSensitive(json, "index");
    cJSON_ReplaceItemInObjectCaseSensitive(index, "efSearch", cJSON_CreateNumber(0));
    put_json(store, json);
    snprintf(want, sizeof want, "; try `marquee rollback --store %s`: %s looks intact", store, name[0]);
    assert_fails(try_open(store), MRQ_BAD_FILE, want);
    assert_non_null(strstr(err.msg, "/items.faiss: "));
    assert_non_null(strstr(err.msg, "efSearch 0"));
}

static void counts_must_agree(void **state)
{
    (void)state;
    static const char *const keys[] = {"items", "users", "dim"};
    static const char *const sentences[] = {"catalogue.mrq: 40 items, the manifest says 7",
                                            "users.mrq: 50 users, the manifest says 7",
                                            "users.mrq: 16 dimensions, the manifest says 7"};
    char store[PATH], name[MRQ_GENERATION_NAME];
    export_to(new_store(store), name);
    MRQ_CLEANUP(cJSON_Delete) cJSON *good = get_manifest(store);
    for (int i = 0; i < 3; i++) {
        MRQ_CLEANUP(cJSON_Delete) cJSON *json = cJSON_Duplicate(good, 1);
        cJSON_ReplaceItemInObjectCaseSensitive(json, keys[i], cJSON_CreateNumber(7));
        put_json(store, json);
        assert_fails(try_open(store), MRQ_BAD_FILE, sentences[i]);
    }
}

static void an_index_of_another_dimension_is_refused(void **state)
{
    (void)state;
    static const float vectors[ITEMS * 8];
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    const mrq_export_options options = {.index = "SQfp16", .recall = 0.5};
    assert_ok(mrq_store_export(new_store(store), model_path, &options, name, NULL, NULL, &err));
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build("SQfp16", vectors, ITEMS, 8, &index, &err));
    current_path(store, "items.faiss", path);
    assert_ok(mrq_index_save(index, path, &err));
    vouch_for(store, "items.faiss");
    assert_fails(try_open(store), MRQ_BAD_FILE, "items.faiss: an index of 8 dimensions, want 16");
}

static void seen_items_must_be_in_the_catalogue(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    const uint32_t item[] = {ITEMS};
    uint64_t offset[USERS + 1] = {0};
    offset[USERS] = 1;
    const mrq_lists lists = {offset, item};
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new(MRQ_KIND_SEEN, MRQ_PARTS_FORMAT);
    mrq_lists_save(&lists, USERS, writer, MRQ_KIND_SEEN);
    current_path(store, "seen.mrq", path);
    assert_ok(mrq_container_write(writer, path, &err));
    vouch_for(store, "seen.mrq");
    assert_fails(try_open(store), MRQ_BAD_FILE, "seen.mrq: seen: item 40, want less than 40");
}

static void vectors_belong_to_the_generation(void **state)
{
    (void)state;
    static const mrq_export_options coded = {.index = "SQ8", .recall = 0.5};
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    assert_ok(mrq_store_export(new_store(store), model_path, &coded, name, NULL, NULL, &err));
    damage(store, name, "vectors.mrq");
    assert_fails(try_open(store), MRQ_BAD_FILE, "vectors.mrq: the checksum does not match: the file is damaged");
    damage(store, name, "vectors.mrq"); /* undone */
    assert_int_equal(try_open(store), MRQ_OK);

    static const float zeros[ITEMS * DIM];
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("vectors", MRQ_PARTS_FORMAT);
    mrq_container_add(writer, zeros, (size_t)ITEMS * DIM, sizeof *zeros, "vectors");
    current_path(store, "vectors.mrq", path);
    assert_ok(mrq_container_write(writer, path, &err));
    assert_fails(try_open(store), MRQ_BAD_FILE,
                 "vectors.mrq: the checksum differs from the manifest's: the file is damaged, or of another generation");
    assert_int_equal(unlink(path), 0);
    assert_fails(try_open(store), MRQ_BAD_FILE, "vectors.mrq is missing");
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = get_manifest(store);
    cJSON *entry = cJSON_DetachItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "files"), "vectors.mrq");
    put_json(store, json);
    assert_fails(try_open(store), MRQ_BAD_FILE, "vectors.mrq: missing");
    cJSON_Delete(entry);
}

/* A part or a model of a later version is refused by its number, also when everything vouches for it. */
static void newer_versions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *file, *kind;
        uint32_t version;
        const char *sentence;
    } newer[] = {{"seen.mrq", MRQ_KIND_SEEN, MRQ_PARTS_FORMAT + 1, "seen.mrq: format version 3, this program reads version 2"},
                 {"model.mrq", "model", MRQ_MODEL_VERSION + 1, "model.mrq: format version 3, this program reads version 2"}};
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    for (int i = 0; i < 2; i++) {
        MRQ_CLEANUP(mrq_container_writer_free)
        mrq_container_writer *writer = mrq_container_writer_new(newer[i].kind, newer[i].version);
        mrq_container_add(writer, "x", 1, 1, "something");
        current_path(store, newer[i].file, path);
        assert_ok(mrq_container_write(writer, path, &err));
        vouch_for(store, newer[i].file);
        mrq_model *loaded = NULL;
        if (i == 0)
            assert_fails(try_open(store), MRQ_BAD_FILE, newer[i].sentence);
        else
            assert_fails(mrq_store_model(store, &loaded, &err), MRQ_BAD_FILE, newer[i].sentence);
    }
    assert_fails(mrq_store_export(store, path, &flat, name, NULL, NULL, &err), MRQ_BAD_FILE,
                 "model.mrq: format version 3, this program reads version 2");
}

/* Cuts the last byte of a generation's file off. */
static void shorten(const char *store, const char *name, const char *file)
{
    char path[PATH + 100];
    struct stat st;
    snprintf(path, sizeof path, "%.4000s/generations/%s/%s", store, name, file);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 1), 0);
}

/* A damaged generation's sentence names its file and the newest older one that looks intact. */
static void a_fallback_is_offered(void **state)
{
    (void)state;
    char store[PATH], name[4][MRQ_GENERATION_NAME], want[PATH + 200], path[PATH];
    new_store(store);
    for (int i = 0; i < 4; i++)
        export_to(store, name[i]);
    damage(store, name[3], "users.mrq");
    shorten(store, name[2], "model.mrq");
    snprintf(want, sizeof want, "; try `marquee rollback --store %s`: %s looks intact", store, name[1]);
    assert_fails(try_open(store), MRQ_BAD_FILE, want);
    assert_non_null(strstr(err.msg, "users.mrq: the checksum does not match"));
    mrq_model *loaded = NULL;
    mrq_generation *unasked = NULL; /* by who does not ask why not */
    assert_int_equal(mrq_generation_open(store, &unasked, NULL), MRQ_BAD_FILE);
    assert_int_equal(mrq_generation_open("/nowhere", &unasked, NULL), MRQ_NOT_FOUND);
    assert_null(unasked);
    damage(store, name[3], "model.mrq");
    assert_fails(mrq_store_model(store, &loaded, &err), MRQ_BAD_FILE, want);
    assert_non_null(strstr(err.msg, "model.mrq: "));
    damage(store, name[1], MRQ_MANIFEST);
    damage(store, name[0], MRQ_MANIFEST);
    assert_fails(try_open(store), MRQ_BAD_FILE, "users.mrq");
    assert_null(strstr(err.msg, "rollback"));
    damage(store, name[0], MRQ_MANIFEST); /* undone */
    shorten(store, name[3], "users.mrq");
    current_path(store, "", path);
    path[strlen(path) - 1] = '\0';
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc", path), 0);
    snprintf(want, sizeof want, ": %s looks intact", name[0]);
    assert_fails(try_open(store), MRQ_BAD_FILE, want);

    /* a long path leaves room for both */
    char far[PATH], deep[221] = "";
    memset(deep, 'd', sizeof deep - 1);
    snprintf(far, sizeof far, "%.3000s/%s", folder, deep);
    export_to(far, name[0]);
    export_to(far, name[1]);
    damage(far, name[1], "catalogue.mrq");
    snprintf(want, sizeof want, "; try `marquee rollback`: %s looks intact", name[0]);
    assert_fails(try_open(far), MRQ_BAD_FILE, want);
    assert_non_null(strstr(err.msg, "catalogue.mrq: the checksum"));
}

/* A service of another user reads what a night has written. */
static void a_store_may_be_read_by_all(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH + 100];
    struct stat st;
    const mode_t before = umask(022);
    new_store(store);
    export_to(store, name);
    umask(before);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%.4000s%s%s%s", store, i ? "/generations/" : "", i > 1 ? name : "", i > 2 ? "/users.mrq" : "");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, i < 3 ? 0755 : 0644);
    }
}

/* A generation without one of its files is as bad as one with a wrong file: offers and rollback go on to an older one. */
static void what_lacks_a_file_is_passed_over(void **state)
{
    (void)state;
    char store[PATH], name[3][MRQ_GENERATION_NAME], want[100], found[MRQ_GENERATION_NAME], path[PATH + 100];
    new_store(store);
    for (int i = 0; i < 3; i++)
        export_to(store, name[i]);
    snprintf(path, sizeof path, "%.4000s/generations/%s/users.mrq", store, name[1]);
    assert_int_equal(unlink(path), 0);
    damage(store, name[2], "users.mrq");
    snprintf(want, sizeof want, ": %s looks intact", name[0]);
    assert_fails(try_open(store), MRQ_BAD_FILE, want);
    assert_ok(mrq_store_rollback(store, NULL, found, &err));
    assert_string_equal(found, name[0]);
}

/* The path of the store is told where the offer takes less than half the room of a sentence, and left out beyond: half a command
 * is none. */
static void an_offer_is_told_whole(void **state)
{
    (void)state;
    static const char others[] = "; try `marquee rollback --store `: 20260131T020000Z-0123456789ab looks intact";
    MRQ_AUTOFREE char *before = mrq_array(PATH, 1);
    assert_non_null(getcwd(before, PATH));
    assert_int_equal(chdir(folder), 0); /* for paths as short as that */
    for (int longer = 0; longer < 2; longer++) {
        char deep[sizeof err.msg] = "", name[2][MRQ_GENERATION_NAME], want[sizeof err.msg];
        memset(deep, 'd', sizeof err.msg / 2 - sizeof others + (size_t)longer);
        export_to(deep, name[0]);
        export_to(deep, name[1]);
        damage(deep, name[1], "catalogue.mrq");
        snprintf(want, sizeof want, "; try `marquee rollback%s%.200s`: %s looks intact", longer ? "" : " --store ",
                 longer ? "" : deep, name[0]);
        assert_fails(try_open(deep), MRQ_BAD_FILE, want);
        assert_memory_equal(err.msg, deep, strlen(deep)); /* of the sentence itself what there is room for */
        assert_string_equal(strchr(err.msg, ';'), want);
    }
    assert_int_equal(chdir(before), 0);
}

/* An open that fails is as quick as its own files let it be: what it offers is looked at by manifest and sizes, and rollback, which
 * reads all of it, goes on to an older one. */
static void an_open_reads_no_older_generation(void **state)
{
    (void)state;
    char store[PATH], name[3][MRQ_GENERATION_NAME], found[MRQ_GENERATION_NAME], want[100];
    new_store(store);
    for (int i = 0; i < 3; i++)
        export_to(store, name[i]);
    damage(store, name[2], "users.mrq");
    damage(store, name[1], "model.mrq");
    snprintf(want, sizeof want, ": %s looks intact", name[1]);
    assert_fails(try_open(store), MRQ_BAD_FILE, want);
    assert_ok(mrq_store_rollback(store, NULL, found, &err));
    assert_string_equal(found, name[0]);
}

/* Worlds at the edge: exported, opened and searched. */
static void assert_serves(const mrq_model *odd, const char *kind)
{
    char store[PATH];
    MRQ_CLEANUP(mrq_publication_discard) mrq_publication *publication = NULL;
    const mrq_export_options options = {.index = kind, .recall = 0.1};
    assert_ok(mrq_publication_open(new_store(store), "test", &publication, &err));
    assert_ok(mrq_publication_write(publication, odd, &options, NULL, &err));
    assert_ok(mrq_publication_publish(publication, &err));
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    assert_ok(mrq_generation_open(store, &g, &err));
    uint32_t value[MRQ_BRANCHES_MAX] = {0}, found = 0;
    float vector[32];
    mrq_line line;
    mrq_hit hits[ITEMS + 1];
    mrq_folded_vector(g->tower, value, vector, &line);
    assert_ok(mrq_index_search(g->index, vector, g->items->rows + 1, NULL, hits, &found, &err));
    assert_int_equal(found, g->items->rows);
    for (uint32_t i = 0; i < found; i++)
        assert_true(isfinite(hits[i].score) && hits[i].row < found);
}

static void odd_worlds_are_served(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_table_free) mrq_table *one_user = small_users(1, 3);
    MRQ_CLEANUP(mrq_table_free) mrq_table *one_item = small_items(1, 3);
    static const char *const kinds[] = {"auto", "Flat", "HNSW32", "HNSW32,SQ8", "IVF1,Flat"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        MRQ_CLEANUP(mrq_model_free) mrq_model *tiny = model_of(STORE_MODEL, one_user, one_item);
        assert_serves(tiny, kinds[i]);
        /* all embeddings zero, so all vectors are */
        MRQ_CLEANUP(mrq_model_free) mrq_model *zero = model_of(STORE_MODEL, users, items);
        memset(zero->param, 0, zero->tensors.size * sizeof *zero->param);
        assert_serves(zero, kinds[i]);
    }
    /* without an id of users, and without anything but it */
    static const char *const texts[] = {
        SMALL(SMALL_COSINE, SMALL_DENSE, "{\"feature\":\"gender\",\"kind\":\"category\",\"embedding\":3}", SMALL_DENSE_ITEM, ""),
        SMALL(SMALL_DOT, SMALL_DENSE, "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":5}", SMALL_DENSE_ITEM, "")};
    for (int i = 0; i < 2; i++) {
        MRQ_CLEANUP(mrq_model_free) mrq_model *narrow = model_of(texts[i], users, items);
        assert_serves(narrow, "auto");
    }
}

static void a_vector_that_is_not_finite_is_refused(void **state)
{
    (void)state;
    char store[PATH], path[PATH];
    static const char text[] = SMALL(SMALL_DOT, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, "");
    const float bad[] = {NAN, INFINITY};
    for (int i = 0; i < 2; i++) {
        MRQ_CLEANUP(mrq_model_free) mrq_model *broken = model_of(text, users, items);
        for (size_t k = 0; k < broken->tensors.size; k++)
            broken->param[k] = bad[i];
        MRQ_CLEANUP(mrq_publication_discard) mrq_publication *publication = NULL;
        assert_ok(mrq_publication_open(new_store(store), "test", &publication, &err));
        assert_fails(mrq_publication_write(publication, broken, &flat, NULL, &err), MRQ_BAD_FILE,
                     "model small: the vector of item 10 is not finite");
        snprintf(path, sizeof path, "%.4000s/broken.mrq", folder);
        assert_ok(mrq_model_save(broken, path, &err));
        mrq_publication_discard(publication);
        publication = NULL;
        char name[MRQ_GENERATION_NAME];
        assert_fails(mrq_store_export(store, path, &flat, name, NULL, NULL, &err), MRQ_BAD_FILE, "broken.mrq: ");
        assert_false(mrq_file_exists(store));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(the_training_comes_along),
        cmocka_unit_test(the_longest_curve_is_exported),
        cmocka_unit_test(inner_products_are_served),
        cmocka_unit_test(kinds_come_back),
        cmocka_unit_test(manifest_tells_the_truth),
        cmocka_unit_test(a_reader_is_never_disturbed),
        cmocka_unit_test(every_damage_is_found),
        cmocka_unit_test(current_is_a_link_to_a_generation),
        cmocka_unit_test(manifests_are_read_strictly),
        cmocka_unit_test(every_sha256_is_compared),
        cmocka_unit_test(a_manifest_at_odds_with_itself_is_refused),
        cmocka_unit_test(counts_must_agree),
        cmocka_unit_test(an_index_of_another_dimension_is_refused),
        cmocka_unit_test(seen_items_must_be_in_the_catalogue),
        cmocka_unit_test(vectors_belong_to_the_generation),
        cmocka_unit_test(newer_versions_are_refused),
        cmocka_unit_test(a_fallback_is_offered),
        cmocka_unit_test(what_lacks_a_file_is_passed_over),
        cmocka_unit_test(a_store_may_be_read_by_all),
        cmocka_unit_test(an_offer_is_told_whole),
        cmocka_unit_test(an_open_reads_no_older_generation),
        cmocka_unit_test(odd_worlds_are_served),
        cmocka_unit_test(a_vector_that_is_not_finite_is_refused),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
