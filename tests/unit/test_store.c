/* The store room: a generation round trip, every kind of damage, and exports that fail, race or are killed. */
#include "unit/small_world.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>

#include "base/json.h"
#include "model/network.h"
#include "store/manifest.h"
#include "store/write.h"

#define PATH 4096

enum { USERS = 50, MOVIES = 40, DIM = 16 };

static mrq_error err;
static char folder[PATH], model_path[PATH + 20];
static mrq_table *users, *movies;
static mrq_model *model;

static mrq_model *make_model(const char *text)
{
    static uint32_t user[200], movie[200], train[200];
    static float rating[200];
    for (uint32_t i = 0; i < 200; i++) {
        rating[i] = (float)(1 + i % 5);
        user[i] = i * 7 % USERS;
        movie[i] = i * 13 % MOVIES;
        train[i] = i;
    }
    mrq_description description;
    mrq_model *made = NULL;
    assert_ok(mrq_description_parse(text, strlen(text), "small.json", &description, &err));
    const mrq_model_source source = {users, movies, user, movie, rating, train, 200, 200, 11};
    assert_ok(mrq_model_new(&description, &source, &made, &err));
    return made;
}

/* A small model, as if trained, and its file. */
static int make_world(void **state)
{
    (void)state;
    static const char text[] =
        "{\"name\":\"small\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":16,\"activation\":\"tanh\"},"
        "\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4},"
        "{\"feature\":\"age\",\"kind\":\"category\",\"embedding\":4}],"
        "\"movie\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4},"
        "{\"feature\":\"title\",\"kind\":\"text\",\"embedding\":4,\"window\":3,\"filters\":4}]},\"train\":{}}";
    users = small_users(USERS, 3);
    movies = small_movies(MOVIES, 3);
    model = make_model(text);
    model->results = (mrq_model_results){.seed = 11,
                                         .data_fingerprint = 0x123456789abcdef0,
                                         .train_rmse = 0.8,
                                         .valid_rmse = (double)NAN,
                                         .test_rmse = 0.9,
                                         .schema = "small",
                                         .split = "random"};
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    snprintf(model_path, sizeof model_path, "%s/m.mrq", folder);
    assert_ok(mrq_model_save(model, model_path, &err));
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    mrq_model_free(model);
    mrq_table_free(users);
    mrq_table_free(movies);
    char disk[PATH + 20];
    snprintf(disk, sizeof disk, "%.4000s/disk", folder);
    umount2(disk, MNT_DETACH); /* in case the test of a full disk has failed half-way */
    temporary_remove(folder);
    return 0;
}

/* The path of a new store, not made yet. */
static const char *new_store(char out[PATH])
{
    static int n;
    snprintf(out, PATH, "%.4000s/store%d", folder, n++);
    return out;
}

static void export_to(const char *store, char name[MRQ_GENERATION_NAME])
{
    uint32_t n = 0;
    assert_ok(mrq_store_export(store, model_path, "Flat", name, &n, &err));
    assert_int_equal(n, MOVIES);
}

static mrq_status try_open(const char *store)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    const mrq_status status = mrq_generation_open(store, &g, &err);
    assert_true((g != NULL) == (status == MRQ_OK));
    return status;
}

/* What a shell command prints. */
static void shell(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void shell(char *out, size_t size, const char *format, ...)
{
    char command[3 * PATH];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t n = fread(out, 1, size - 1, pipe);
    out[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
}

/* Everything in a store: names, digests of the files, the link. */
#define STATE 20000
static void take_state(const char *store, char out[STATE])
{
    shell(out, STATE, "cd '%s' && find . | sort && find . -type f -exec sha256sum {} + | sort && readlink current", store);
}

static void assert_state(const char *store, const char *want)
{
    static char now[STATE];
    take_state(store, now);
    assert_string_equal(now, want);
}

static unsigned char *read_bytes(const char *path, size_t *size)
{
    mrq_map map;
    assert_ok(mrq_map_open(&map, path, &err));
    unsigned char *bytes = mrq_array(map.size + 1, 1);
    assert_non_null(bytes);
    memcpy(bytes, map.data, map.size);
    *size = map.size;
    mrq_map_close(&map);
    return bytes;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void current_path(const char *store, const char *file, char out[PATH])
{
    assert_true(snprintf(out, PATH, "%s/current/%s", store, file) < PATH);
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
    assert_true(g->tower->scale == 5);
    assert_int_equal(g->movies->rows, MOVIES);
    assert_int_equal(g->users->rows, USERS);
    assert_memory_equal(g->movies->id, movies->id, MOVIES * sizeof(int64_t));
    assert_string_equal(mrq_strings_at(&mrq_table_column(g->movies, "title")->text, 17), "Title 017");
    assert_memory_equal(g->seen.offset, model->seen.offset, (USERS + 1) * sizeof *g->seen.offset);
    assert_memory_equal(g->seen.item, model->seen.item, model->seen.offset[USERS] * sizeof *g->seen.item);

    /* the folded tower is the network, and the index holds the network's movies */
    static float user[USERS * DIM], movie[MOVIES * DIM];
    assert_ok(mrq_model_user_vectors(model, user, &err));
    assert_ok(mrq_model_movie_vectors(model, movie, &err));
    for (uint32_t u = 0; u < USERS; u++) {
        uint32_t value[MRQ_BRANCHES_MAX], found = 0;
        float vector[DIM];
        mrq_line line;
        mrq_hit hits[MOVIES];
        mrq_folded_values(g->tower, g->users, u, value);
        mrq_folded_vector(g->tower, value, vector, &line);
        assert_true(line.slope == 5 && line.intercept == 0);
        for (uint32_t j = 0; j < DIM; j++)
            assert_true(fabsf(vector[j] - user[u * DIM + j]) < 1e-5f);
        assert_ok(mrq_index_search(g->index, vector, MOVIES, hits, &found, &err));
        assert_int_equal(found, MOVIES);
        for (uint32_t i = 0; i < MOVIES; i++) {
            float score = 0;
            for (uint32_t j = 0; j < DIM; j++)
                score += vector[j] * movie[hits[i].row * DIM + j];
            assert_true(fabsf(score - hits[i].score) < 1e-5f);
        }
    }
    MRQ_CLEANUP(mrq_model_free) mrq_model *copy = NULL;
    current_path(store, "model.mrq", path);
    assert_ok(mrq_model_load(path, &copy, &err));
}

/* Scores that are no cosines come back from the index along each user's line, in the order of the network's. */
static void inner_products_are_served(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SMALL(SMALL_DOT, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_MOVIE, ""),
        SMALL(SMALL_BIASED, SMALL_SUM ",\"activation\":\"tanh\"", SMALL_SUM_USER, SMALL_SUM_MOVIE, "")};
    for (int k = 0; k < 2; k++) {
        char store[PATH], name[MRQ_GENERATION_NAME], path[PATH + 20];
        uint32_t n = 0;
        MRQ_CLEANUP(mrq_model_free) mrq_model *dot = make_model(texts[k]);
        snprintf(path, sizeof path, "%.4000s/dot.mrq", folder);
        assert_ok(mrq_model_save(dot, path, &err));
        assert_ok(mrq_store_export(new_store(store), path, "Flat", name, &n, &err));
        MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
        assert_ok(mrq_generation_open(store, &g, &err));
        const mrq_description *d = &dot->description;
        const uint32_t width = mrq_description_width(d);
        assert_int_equal(g->tower->dim, width + 1);
        MRQ_AUTOFREE float *user = mrq_array((size_t)USERS * width, sizeof *user),
                           *movie = mrq_array((size_t)MOVIES * width, sizeof *movie);
        assert_ok(mrq_model_user_vectors(dot, user, &err));
        assert_ok(mrq_model_movie_vectors(dot, movie, &err));
        for (uint32_t u = 0; u < USERS; u++) {
            uint32_t value[MRQ_BRANCHES_MAX], found = 0;
            float vector[32];
            mrq_line line;
            mrq_hit hits[MOVIES];
            mrq_folded_values(g->tower, g->users, u, value);
            mrq_folded_vector(g->tower, value, vector, &line);
            assert_ok(mrq_index_search(g->index, vector, MOVIES, hits, &found, &err));
            assert_int_equal(found, MOVIES);
            double last = (double)INFINITY;
            for (uint32_t i = 0; i < MOVIES; i++) {
                const float *a = user + u * width, *b = movie + hits[i].row * width;
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

static void manifest_tells_the_truth(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH], text[200];
    export_to(new_store(store), name);
    current_path(store, MRQ_MANIFEST, path);
    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    mrq_manifest m;
    assert_ok(mrq_manifest_parse((const char *)bytes, size, path, &m, &err));
    shell(text, sizeof text, "sha256sum '%s' | cut -c1-12 | tr -d '\\n'", path);
    assert_string_equal(strchr(name, '-') + 1, text);
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
    assert_memory_equal(m.created, name, 4);
}

static void modes_ignore_a_lax_umask(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], text[STATE];
    const mode_t old = umask(0);
    export_to(new_store(store), name);
    umask(old);
    shell(text, sizeof text, "find '%s' ! -type l -perm /022", store);
    assert_string_equal(text, "");
    shell(text, sizeof text, "find '%s' -type f ! -perm -444 -o -type d ! -perm -555", store);
    assert_string_equal(text, "");
}

static void a_failed_export_leaves_nothing(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME] = "untouched", before[STATE], path[PATH + 40];
    uint32_t n = 12345;
    for (int had = 0; had < 2; had++) { /* a store that is not there yet, and one that serves */
        new_store(store);
        if (had) {
            export_to(store, name);
            take_state(store, before);
        }
        char other[MRQ_GENERATION_NAME] = "untouched";
        assert_fails(mrq_store_export(store, "/nowhere/m.mrq", "Flat", other, &n, &err), MRQ_NOT_FOUND, "/nowhere/m.mrq");
        assert_fails(mrq_store_export(store, "/dev/null", "Flat", other, &n, &err), MRQ_BAD_FILE,
                     "/dev/null is not a regular file");
        assert_fails(mrq_store_export(store, model_path, "nonsense", other, &n, &err), MRQ_USAGE, "index \"nonsense\"");
        assert_fails(mrq_store_export(store, model_path, "IVF100,Flat", other, &n, &err), MRQ_USAGE,
                     "cannot be trained on 40 vectors");
        assert_fails(mrq_store_export(store, model_path, "IVF10000000000000000000000000000000000000000000000000000000,Flat", other,
                                      &n, &err),
                     MRQ_USAGE, "want at most 63");
        size_t size;
        MRQ_AUTOFREE unsigned char *bytes = read_bytes(model_path, &size);
        bytes[size / 2] ^= 1;
        snprintf(path, sizeof path, "%.4000s/damaged.mrq", folder);
        write_bytes(path, bytes, size);
        assert_fails(mrq_store_export(store, path, "Flat", other, &n, &err), MRQ_BAD_FILE,
                     "damaged.mrq: the checksum does not match");
        assert_string_equal(other, "untouched");
        assert_int_equal(n, 12345);
        if (had)
            assert_state(store, before);
        else
            assert_false(mrq_file_exists(store));
    }
    snprintf(path, sizeof path, "%.4000s/no/where", folder);
    assert_fails(mrq_store_export(path, model_path, "Flat", name, &n, &err), MRQ_NOT_FOUND, "cannot make folder");
    assert_fails(mrq_store_export(model_path, model_path, "Flat", name, &n, &err), MRQ_NOT_FOUND, "m.mrq/lock: Not a directory");
}

/* `current` is a folder, so that the last step fails: the generation that was already in its place goes, too. */
static void a_failed_swap_removes_the_generation(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], before[STATE];
    uint32_t n = 0;
    new_store(store);
    shell(before, sizeof before, "mkdir -p '%s/current/x' && ln -s x '%s/.tmp-current'", store, store);
    assert_fails(mrq_store_export(store, model_path, "Flat", name, &n, &err), MRQ_FAILED, "cannot rename");
    shell(before, sizeof before, "cd '%s' && find . | sort", store);
    assert_string_equal(before, ".\n./current\n./current/x\n");
}

static void a_generation_of_parts_that_do_not_fit_is_not_published(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], before[STATE];
    export_to(new_store(store), name);
    take_state(store, before);
    static float vectors[MOVIES * DIM];
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *tower = NULL;
    assert_ok(mrq_model_fold(model, 1, &tower, &err));
    const struct {
        uint32_t n, dim;
        const char *sentence;
    } wrong[] = {{MOVIES, DIM / 2, "movies.faiss: an index of 8 dimensions, want 16"},
                 {MOVIES - 1, DIM, "movies.faiss: an index of 39 vectors, want 40"}};
    for (int i = 0; i < 2; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        mrq_draft *draft = NULL;
        assert_ok(mrq_index_build("Flat", vectors, wrong[i].n, wrong[i].dim, &index, &err));
        const mrq_generation_parts parts = {model, tower, index, "Flat"};
        assert_ok(mrq_draft_open(store, &draft, &err));
        assert_fails(mrq_draft_publish(draft, &parts, name, &err), MRQ_BAD_FILE, wrong[i].sentence);
        assert_state(store, before);
    }
}

static void two_exports_in_one_second(void **state)
{
    (void)state;
    char store[PATH], name[4][MRQ_GENERATION_NAME], text[100];
    new_store(store);
    for (int i = 0; i < 4; i++) {
        export_to(store, name[i]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(name[i], name[j]);
        MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
        assert_ok(mrq_generation_open(store, &g, &err));
        assert_string_equal(g->name, name[i]);
    }
    shell(text, sizeof text, "ls -A '%s/generations' | wc -l", store);
    assert_int_equal(atoi(text), 4);
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
    assert_string_equal(mrq_strings_at(&mrq_table_column(g->movies, "title")->text, 39), "Title 039");
    uint32_t value[MRQ_BRANCHES_MAX] = {0}, found = 0;
    float vector[DIM];
    mrq_line line;
    mrq_hit hits[5];
    mrq_folded_vector(g->tower, value, vector, &line);
    assert_ok(mrq_index_search(g->index, vector, 5, hits, &found, &err));
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
    static const char *const files[] = {"MANIFEST.json", "movies.faiss", "catalogue.mrq", "users.mrq", "seen.mrq", "model.mrq"};
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    for (int f = 0; f < 6; f++) {
        size_t size;
        current_path(store, files[f], path);
        MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
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

/* Puts a manifest into the current generation with a name that vouches for it, as a foreign or newer writer would. */
static void put_manifest(const char *store, const char *text, size_t size)
{
    char name[MRQ_GENERATION_NAME], made[MRQ_GENERATION_NAME], path[PATH], out[10];
    assert_ok(mrq_store_current(store, name, &err));
    current_path(store, MRQ_MANIFEST, path);
    write_bytes(path, text, size);
    mrq_generation_name(1700000000, text, size, made);
    shell(out, sizeof out, "cd '%s' && mv -T generations/%s generations/%s && ln -sfn generations/%s current", store, name, made,
          made);
}

static cJSON *get_manifest(const char *store)
{
    char path[PATH];
    size_t size;
    cJSON *json = NULL;
    current_path(store, MRQ_MANIFEST, path);
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    assert_ok(mrq_json_parse((const char *)bytes, size, path, &json, &err));
    return json;
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
        {NULL, "format", "3", "MANIFEST.json: format version 3, this program reads version 2"},
        {NULL, "format", NULL, "MANIFEST.json: format: missing"},
        {NULL, "format", "\"1\"", "MANIFEST.json: format: \"1\", want a whole number"},
        {NULL, "shoes", "1", "MANIFEST.json: shoes: unknown key"},
        {NULL, "created", NULL, "MANIFEST.json: created: missing"},
        {NULL, "model", "\"a name that is far longer than any feature's name may be\"", "model: 56 bytes, want less than 32"},
        {NULL, "index", "7", "MANIFEST.json: index: 7, want a string"},
        {NULL, "scale", "5", "MANIFEST.json: scale: unknown key"},
        {NULL, "movies", "0", "MANIFEST.json: movies: 0, want a whole number"},
        {NULL, "movies", "1.5", "MANIFEST.json: movies: 1.5, want a whole number"},
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
    MRQ_AUTOFREE char *text = cJSON_Print(good);
    put_manifest(store, text, strlen(text));
    assert_int_equal(try_open(store), MRQ_OK);
}

static void put_json(const char *store, const cJSON *json)
{
    MRQ_AUTOFREE char *text = cJSON_Print(json);
    put_manifest(store, text, strlen(text));
}

/* Vouches for a file of the current generation as it is now. */
static void vouch_for(const char *store, const char *file)
{
    char path[PATH], hex[17];
    size_t size;
    current_path(store, file, path);
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)mrq_checksum(bytes, size));
    MRQ_CLEANUP(cJSON_Delete) cJSON *json = get_manifest(store);
    cJSON *entry = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "files"), file);
    cJSON_ReplaceItemInObjectCaseSensitive(entry, "size", cJSON_CreateNumber((double)size));
    cJSON_ReplaceItemInObjectCaseSensitive(entry, "checksum", cJSON_CreateString(hex));
    put_json(store, json);
}

static void counts_must_agree(void **state)
{
    (void)state;
    static const char *const keys[] = {"movies", "users", "dim"};
    static const char *const sentences[] = {"catalogue.mrq: 40 movies, the manifest says 7",
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
    static const float vectors[MOVIES * 8];
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build("Flat", vectors, MOVIES, 8, &index, &err));
    current_path(store, "movies.faiss", path);
    assert_ok(mrq_index_save(index, path, &err));
    vouch_for(store, "movies.faiss");
    assert_fails(try_open(store), MRQ_BAD_FILE, "movies.faiss: an index of 8 dimensions, want 16");
}

static void seen_movies_must_be_in_the_catalogue(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], path[PATH];
    export_to(new_store(store), name);
    const uint32_t item[] = {MOVIES};
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

/* An export on a file system with ever more room: every failure leaves the store as it was, until one succeeds. */
static void a_full_disk_leaves_the_store_serving(void **state)
{
    (void)state;
    char disk[PATH + 20], store[PATH + 40], filler[PATH + 40], name[MRQ_GENERATION_NAME], before[STATE];
    snprintf(disk, sizeof disk, "%.4000s/disk", folder);
    snprintf(store, sizeof store, "%s/store", disk);
    snprintf(filler, sizeof filler, "%s/filler", disk);
    assert_int_equal(mkdir(disk, 0755), 0);
    if (mount("none", disk, "tmpfs", 0, "size=4m") != 0)
        skip_test("a tmpfs cannot be mounted here");
    export_to(store, name);
    take_state(store, before);
    int failures = 0;
    mrq_status status = MRQ_FAILED;
    for (size_t room = 0; status != MRQ_OK; room += 4096) {
        struct statvfs fs;
        assert_int_equal(statvfs(disk, &fs), 0);
        const off_t fill = (off_t)(fs.f_bavail * fs.f_bsize) - (off_t)room;
        const int fd = open(filler, O_WRONLY | O_CREAT, 0644);
        assert_true(fd >= 0 && fill > 0);
        assert_int_equal(posix_fallocate(fd, 0, fill), 0);
        close(fd);
        char other[MRQ_GENERATION_NAME];
        uint32_t n;
        status = mrq_store_export(store, model_path, "Flat", other, &n, &err);
        if (status != MRQ_OK) {
            failures++;
            assert_int_equal(status, MRQ_FAILED);
            if (!strstr(err.msg, "No space left on device"))
                fail_msg("with %zu bytes: %s", room, err.msg);
            assert_state(store, before);
            assert_int_equal(try_open(store), MRQ_OK);
        }
        unlink(filler);
    }
    assert_int_equal(umount(disk), 0);
    assert_true(failures > 10);
}

/* Children must not run cmocka's code; they tell by their exit status. */
static pid_t child(void (*run)(const char *), const char *store)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run(store);
        _exit(0);
    }
    return pid;
}

static void export_for_ever(const char *store)
{
    char name[MRQ_GENERATION_NAME];
    uint32_t n;
    for (;;)
        if (mrq_store_export(store, model_path, "Flat", name, &n, NULL) != MRQ_OK)
            _exit(1);
}

static void read_for_ever(const char *store)
{
    for (;;) {
        mrq_error e;
        mrq_generation *g = NULL;
        if (mrq_generation_open(store, &g, &e) != MRQ_OK) {
            fprintf(stderr, "reader: %s\n", e.msg);
            _exit(1);
        }
        mrq_generation_close(g);
    }
}

static void a_killed_export_harms_nobody(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], text[STATE];
    export_to(new_store(store), name);
    const pid_t reader = child(read_for_ever, store);
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    for (int i = 0; i < 60; i++) {
        const pid_t pid = child(export_for_ever, store);
        const struct timespec pause = {0, (long)mrq_random_below(&rng, 25000000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* had not failed by itself: no lock was left behind */
        assert_int_equal(try_open(store), MRQ_OK);
    }
    int status = 0;
    assert_int_equal(waitpid(reader, &status, WNOHANG), 0);
    kill(reader, SIGKILL);
    waitpid(reader, &status, 0);
    export_to(store, name);
    shell(text, sizeof text, "cd '%s' && find . -name '.tmp*' -o -name lock", store);
    assert_string_equal(text, "");
}

/* What a killed export can leave, all at once. */
static void leftovers_are_swept(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], text[STATE];
    new_store(store);
    shell(text, sizeof text,
          "mkdir -p '%s' && cd '%s' && mkdir -p generations/.tmp-1 generations/.tmp-99999 && echo half > "
          "generations/.tmp-1/users.mrq.aB3xYz && "
          "echo 99999 > lock && ln -s generations/nothing .tmp-current",
          store, store);
    export_to(store, name);
    shell(text, sizeof text, "cd '%s' && find . -maxdepth 2 | sort", store);
    char want[200];
    snprintf(want, sizeof want, ".\n./current\n./generations\n./generations/%s\n", name);
    assert_string_equal(text, want);
}

static void export_once(const char *store)
{
    char name[MRQ_GENERATION_NAME];
    uint32_t n;
    mrq_error e = {0};
    for (int i = 0; i < 20; i++)
        if (mrq_store_export(store, model_path, "Flat", name, &n, &e) != MRQ_OK && !strstr(e.msg, "is locked")) {
            fprintf(stderr, "export: %s\n", e.msg);
            _exit(1);
        }
}

static void one_export_at_a_time(void **state)
{
    (void)state;
    char store[PATH], name[MRQ_GENERATION_NAME], want[100], text[100];
    uint32_t n;
    new_store(store);
    mrq_draft *draft = NULL;
    assert_ok(mrq_draft_open(store, &draft, &err));
    snprintf(want, sizeof want, "is locked: the export of process %ld is running", (long)getpid());
    assert_fails(mrq_store_export(store, model_path, "Flat", name, &n, &err), MRQ_FAILED, want);
    shell(text, sizeof text, ": > '%s/lock'", store); /* its owner has not yet written its number */
    assert_fails(mrq_store_export(store, model_path, "Flat", name, &n, &err), MRQ_FAILED, "is locked: another export is running");
    mrq_draft_discard(draft);
    assert_false(mrq_file_exists(store));

    pid_t pid[3];
    for (int i = 0; i < 3; i++)
        pid[i] = child(export_once, store);
    for (int i = 0; i < 3; i++) {
        int status = 0;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(try_open(store), MRQ_OK);
    shell(text, sizeof text, "cd '%s' && find . -name '.tmp*' -o -name lock", store);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(inner_products_are_served),
        cmocka_unit_test(manifest_tells_the_truth),
        cmocka_unit_test(modes_ignore_a_lax_umask),
        cmocka_unit_test(a_failed_export_leaves_nothing),
        cmocka_unit_test(a_failed_swap_removes_the_generation),
        cmocka_unit_test(a_generation_of_parts_that_do_not_fit_is_not_published),
        cmocka_unit_test(two_exports_in_one_second),
        cmocka_unit_test(a_reader_is_never_disturbed),
        cmocka_unit_test(every_damage_is_found),
        cmocka_unit_test(current_is_a_link_to_a_generation),
        cmocka_unit_test(manifests_are_read_strictly),
        cmocka_unit_test(counts_must_agree),
        cmocka_unit_test(an_index_of_another_dimension_is_refused),
        cmocka_unit_test(seen_movies_must_be_in_the_catalogue),
        cmocka_unit_test(a_full_disk_leaves_the_store_serving),
        cmocka_unit_test(a_killed_export_harms_nobody),
        cmocka_unit_test(leftovers_are_swept),
        cmocka_unit_test(one_export_at_a_time),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
