/* Model room: descriptions, kernels, towers against the reference, folding, the model file. */
#include "base/digest.h"
#include "unit/reference.h"
#include "unit/small_world.h"

static mrq_error err;

#define TOWERS(user, movie)                                                                                                        \
    "{\"name\":\"t\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":24,\"activation\":\"tanh\"},\"towers\":{"     \
    "\"user\":[" user "],\"movie\":[" movie "]},\"train\":{}}"
#define USER_ID  "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":8,\"fc\":8,\"dropout\":0.1}"
#define MOVIE_ID "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":8,\"fc\":8}"

static mrq_status parse(const char *text, mrq_description *out)
{
    return mrq_description_parse(text, strlen(text), "t.json", out, &err);
}

static void test_description_refuses(void **state)
{
    (void)state;
    mrq_description d;
    assert_fails(parse("", &d), MRQ_BAD_FILE, "t.json:1: not valid JSON");
    assert_fails(parse("{} x", &d), MRQ_BAD_FILE, "not valid JSON");
    assert_fails(parse("[]", &d), MRQ_BAD_FILE, "want a JSON object");
    assert_fails(parse("{}", &d), MRQ_BAD_FILE, "t.json: name: missing");
    assert_fails(parse("{\"foo\":1}", &d), MRQ_BAD_FILE, "t.json: foo: unknown key");
    assert_fails(parse("{\"name\":\"a\",\"name\":\"b\"}", &d), MRQ_BAD_FILE, "name: stands there twice");
    assert_fails(parse(TOWERS("", MOVIE_ID), &d), MRQ_BAD_FILE, "towers.user: 0 branches, want 1 to 16");
    assert_fails(parse(TOWERS(USER_ID ",{\"feature\":\"x\",\"kind\":\"foo\"}", MOVIE_ID), &d), MRQ_BAD_FILE,
                 "t.json: towers.user[1].kind: \"foo\", want one of id, category, set, text");
    assert_fails(parse(TOWERS(USER_ID "," USER_ID, MOVIE_ID), &d), MRQ_BAD_FILE,
                 "towers.user[1].feature: \"id\" stands in towers.user[0] already");
    assert_fails(parse(TOWERS("{\"feature\":\"g\",\"kind\":\"set\",\"embedding\":8}", MOVIE_ID), &d), MRQ_BAD_FILE,
                 "towers.user[0].kind: \"set\", want one of id, category on the user's side");
    assert_fails(parse(TOWERS("{\"feature\":\"g\",\"kind\":\"id\",\"embedding\":8}", MOVIE_ID), &d), MRQ_BAD_FILE,
                 "cannot be of kind \"id\"");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"text\",\"embedding\":8}"), &d), MRQ_BAD_FILE, "needs both");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"text\",\"embedding\":8,\"window\":2,\"filters\":4}"), &d),
                 MRQ_BAD_FILE, "towers.movie[0].window: 2, want an odd number");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"set\",\"embedding\":0}"), &d), MRQ_BAD_FILE,
                 "towers.movie[0].embedding: 0, want a whole number, 1 to 1024");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"set\",\"embedding\":1.5}"), &d), MRQ_BAD_FILE,
                 "embedding: 1.5, want");
    assert_fails(parse(TOWERS(USER_ID, "{\"feature\":\"t\",\"kind\":\"set\"}"), &d), MRQ_BAD_FILE,
                 "towers.movie[0].embedding: missing");
    assert_fails(mrq_description_load("nope", &d, &err), MRQ_NOT_FOUND, "no model \"nope\": want one of fusion");
    assert_fails(mrq_description_load("/nowhere/x.json", &d, &err), MRQ_NOT_FOUND, "/nowhere/x.json");
}

static void test_description_round_trip(void **state)
{
    (void)state;
    mrq_description d, back;
    assert_ok(mrq_description_load("fusion", &d, &err));
    assert_int_equal(d.dim, 200);
    assert_int_equal(d.user.n, 4);
    assert_int_equal(d.movie.n, 3);
    cJSON *json = mrq_description_json(&d);
    char *text = cJSON_Print(json);
    assert_ok(parse(text, &back));
    assert_memory_equal(&d, &back, sizeof d);
    mrq_free(text);
    cJSON_Delete(json);
}

static void assert_near(const float *got, const double *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(fabs((double)got[i] - want[i]) <= 1e-6 * (1 + fabs(want[i])));
}

/* The kernels that treat each number alone, against their definitions in double. */
static void check_elementwise(const mrq_kernels *k, const float *x, const float *y, size_t n)
{
    enum { MOST = 304 };
    float a[MOST], b[MOST], m[MOST] = {0}, v[MOST] = {0};
    double want[MOST], pooled[MOST];
    memcpy(a, x, n * sizeof *a);
    k->add(a, y, n);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)x[i] + (double)y[i];
    assert_near(a, want, n);
    k->add_scaled(a, -0.5f, y, n);
    k->scale(a, 3, n);
    for (size_t i = 0; i < n; i++)
        want[i] = 3 * (want[i] - 0.5 * (double)y[i]);
    assert_near(a, want, n);
    memcpy(a, x, n * sizeof *a);
    k->sgd(a, y, 0.1f, n);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)x[i] - 0.1 * (double)y[i];
    assert_near(a, want, n);
    memcpy(a, x, n * sizeof *a);
    memcpy(b, y, n * sizeof *b);
    k->tanh_pool(a, b, n);
    for (size_t i = 0; i < n; i++) {
        want[i] = tanh((double)x[i]);
        pooled[i] = (double)y[i] + want[i];
    }
    assert_near(a, want, n);
    assert_near(b, pooled, n);
    k->tanh_pool_backward(a, y, n);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)y[i] * (1 - want[i] * want[i]);
    assert_near(a, want, n);
    memcpy(a, x, n * sizeof *a);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)x[i];
    double dm[MOST] = {0}, dv[MOST] = {0};
    for (int t = 0; t < 3; t++) {
        const mrq_adam_step step = {0.01f, 0.9f, 0.999f, 1e-8f};
        k->adam(a, y, m, v, &step, n);
        for (size_t i = 0; i < n; i++) {
            dm[i] = 0.9 * dm[i] + 0.1 * (double)y[i];
            dv[i] = 0.999 * dv[i] + 0.001 * (double)y[i] * (double)y[i];
            want[i] -= 0.01 * dm[i] / (sqrt(dv[i]) + 1e-8);
        }
    }
    for (size_t i = 0; i < n; i++) /* the step itself, to a thousandth */
        assert_true(fabs((double)a[i] - want[i]) <= 1e-3 * fabs(want[i] - (double)x[i]) + 1e-6);
}

/* Each instruction set against plain C and libm, at every length and at odd addresses. */
static void test_kernels(void **state)
{
    (void)state;
    enum { N = 301 };
    float x[N + 3], y[N + 3], a[N + 3], b[N + 3];
    mrq_random rng;
    mrq_random_init(&rng, 7, 0);
    for (int i = 0; i < N + 3; i++) {
        x[i] = (float)(8 * mrq_random_unit(&rng) - 4);
        y[i] = (float)(2 * mrq_random_unit(&rng) - 1);
    }
    const mrq_kernels *plain = mrq_kernels_usable()[0];
    for (const mrq_kernels *const *k = mrq_kernels_usable(); *k; k++)
        for (size_t n = 0; n <= N; n++) {
            const size_t at = n % 4;
            double exact = 0, size = 0;
            for (size_t i = 0; i < n; i++) {
                exact += (double)x[at + i] * (double)y[at + i];
                size += fabs((double)x[at + i] * (double)y[at + i]);
            }
            assert_true(fabs((double)(*k)->dot(x + at, y + at, n) - exact) <= 1e-5 * size);
            memcpy(a, x, sizeof a);
            memcpy(b, x, sizeof b);
            (*k)->tanh(a + at, n);
            for (size_t i = 0; i < n; i++)
                assert_true(fabs((double)a[at + i] - tanh((double)x[at + i])) < 2e-7);
            assert_memory_equal(a + at + n, x + at + n, (N + 3 - at - n) * sizeof *a);
            memcpy(a, x, sizeof a);
            (*k)->unit_backward(a + at, y + at, 1.5f, 1, n);
            plain->unit_backward(b + at, y + at, 1.5f, 1, n);
            for (size_t i = 0; i < n; i++)
                assert_true(fabsf(a[at + i] - b[at + i]) <= 1e-4f * (1 + fabsf(b[at + i])));
            check_elementwise(*k, x + at, y + at, n);
        }
    const float edge[] = {0.0f, -0.0f, 1e-30f, 50.0f, -50.0f, 1e30f, -INFINITY};
    for (const mrq_kernels *const *k = mrq_kernels_usable(); *k; k++) {
        memcpy(a, edge, sizeof edge);
        (*k)->tanh(a, 7);
        for (int i = 0; i < 7; i++)
            assert_true(fabs((double)a[i] - tanh((double)edge[i])) < 2e-7);
        for (int i = 0; i < 40; i++)
            a[i] = NAN;
        (*k)->tanh(a, 40);
        for (int i = 0; i < 40; i++)
            assert_true(isnan(a[i])); /* or a run that has lost its way would never be noticed */
    }
}

/* A model over the small world; half of the movies are not in training. */
struct small {
    mrq_table *users, *movies;
    mrq_model *model;
};

static struct small small_model(const char *preset)
{
    struct small s = {small_users(50, 3), small_movies(40, 3), NULL};
    static uint32_t user[200], movie[200], train[200];
    for (uint32_t i = 0; i < 200; i++) {
        user[i] = i % 45;
        movie[i] = i % 20;
        train[i] = i;
    }
    mrq_description d;
    assert_ok(preset[0] == '{' ? parse(preset, &d) : mrq_description_load(preset, &d, &err));
    const mrq_model_source source = {s.users, s.movies, user, movie, train, 200, 200, 11};
    assert_ok(mrq_model_new(&d, &source, &s.model, &err));
    return s;
}

static void small_free(struct small *s)
{
    mrq_model_free(s->model);
    mrq_table_free(s->users);
    mrq_table_free(s->movies);
}

static void test_vectors_equal_reference(void **state)
{
    (void)state;
    struct small s = small_model("fusion");
    const uint32_t dim = s.model->description.dim;
    double *param = mrq_array(s.model->tensors.size, sizeof *param), want[1024];
    float *users = mrq_array((size_t)s.users->rows * dim, sizeof *users),
          *movies = mrq_array((size_t)s.movies->rows * dim, sizeof *movies);
    for (size_t i = 0; i < s.model->tensors.size; i++)
        param[i] = (double)s.model->param[i];
    assert_ok(mrq_model_user_vectors(s.model, users, &err));
    assert_ok(mrq_model_movie_vectors(s.model, movies, &err));
    for (uint32_t u = 0; u < s.users->rows; u++) {
        reference_vector(&s.model->user, param, u, false, want);
        for (uint32_t d = 0; d < dim; d++)
            assert_true(fabs((double)users[u * dim + d] - want[d]) < 1e-5);
    }
    for (uint32_t m = 0; m < s.movies->rows; m++) {
        reference_vector(&s.model->movie, param, m, false, want);
        for (uint32_t d = 0; d < dim; d++)
            assert_true(fabs((double)movies[m * dim + d] - want[d]) < 1e-5);
    }
    mrq_free(param);
    mrq_free(users);
    mrq_free(movies);
    small_free(&s);
}

static void check_folded(const struct small *s, const mrq_folded *folded)
{
    const uint32_t dim = s->model->description.dim;
    float *users = mrq_array((size_t)s->users->rows * dim, sizeof *users), got[1024];
    assert_ok(mrq_model_user_vectors(s->model, users, &err));
    for (uint32_t u = 0; u < s->users->rows; u++) {
        uint32_t value[MRQ_BRANCHES_MAX];
        mrq_folded_values(folded, s->users, u, value);
        mrq_folded_vector(folded, value, got);
        for (uint32_t d = 0; d < dim; d++)
            assert_true(fabsf(got[d] - users[u * dim + d]) < 1e-5f);
    }
    mrq_free(users);
}

static void test_fold(void **state)
{
    (void)state;
    struct small s = small_model("fusion");
    mrq_folded *folded = NULL, *loaded = NULL;
    assert_ok(mrq_model_fold(s.model, &folded, &err));
    check_folded(&s, folded);

    char path[256];
    char *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/users.mrq", folder);
    mrq_container_writer *writer = mrq_container_writer_new("users", 1);
    mrq_table_save(s.users, writer, "users");
    mrq_folded_save(folded, s.users, writer);
    assert_ok(mrq_container_write(writer, path, &err));
    mrq_container_writer_free(writer);
    mrq_container *container = NULL;
    assert_ok(mrq_container_open(path, "users", 1, &container, &err));
    assert_ok(mrq_folded_load(container, s.users, &loaded, &err));
    check_folded(&s, loaded);
    mrq_folded_free(loaded);
    mrq_table *fewer = small_users(10, 3);
    assert_fails(mrq_folded_load(container, fewer, &loaded, &err), MRQ_BAD_FILE, "users.mrq");
    mrq_table_free(fewer);
    mrq_container_close(container);
    mrq_folded_free(folded);
    small_free(&s);
    temporary_remove(folder);
}

static void test_untrained_share_the_unknown(void **state)
{
    (void)state;
    struct small s = small_model("fusion");
    assert_int_equal(s.model->user_row[0], 1);
    assert_int_equal(s.model->user_row[44], 45);
    assert_int_equal(s.model->user_row[45], 0);
    assert_int_equal(s.model->movie_row[19], 20);
    assert_int_equal(s.model->movie_row[20], 0);
    small_free(&s);
}

static void test_missing_features(void **state)
{
    (void)state;
    struct small s =
        small_model(TOWERS(USER_ID ",{\"feature\":\"shoe\",\"kind\":\"category\",\"embedding\":4,\"optional\":true}", MOVIE_ID));
    assert_int_equal(s.model->user.n, 1);
    mrq_description d;
    mrq_model *model = NULL;
    const uint32_t none = 0;
    const mrq_model_source source = {s.users, s.movies, &none, &none, &none, 1, 1, 11};
    assert_ok(parse(TOWERS("{\"feature\":\"shoe\",\"kind\":\"category\",\"embedding\":4}", MOVIE_ID), &d));
    assert_fails(mrq_model_new(&d, &source, &model, &err), MRQ_BAD_FILE, "wants a feature \"shoe\", which the data does not have");
    assert_ok(parse(TOWERS(USER_ID, "{\"feature\":\"year\",\"kind\":\"set\",\"embedding\":4}"), &d));
    assert_fails(mrq_model_new(&d, &source, &model, &err), MRQ_BAD_FILE, "which the data has as another kind");
    small_free(&s);
}

static void read_whole(const char *path, unsigned char **bytes, size_t *size)
{
    mrq_map map;
    assert_ok(mrq_map_open(&map, path, &err));
    *bytes = mrq_array(map.size, 1);
    memcpy(*bytes, map.data, map.size);
    *size = map.size;
    mrq_map_close(&map);
}

static void test_file_round_trip(void **state)
{
    (void)state;
    struct small s = small_model("fusion");
    char one[256], two[256], *folder = temporary_folder();
    snprintf(one, sizeof one, "%s/one.mrq", folder);
    snprintf(two, sizeof two, "%s/two.mrq", folder);
    s.model->results = (mrq_model_results){.seed = 5,
                                           .train_rmse = 0.5,
                                           .valid_rmse = NAN,
                                           .test_rmse = 0.75,
                                           .data_fingerprint = 77,
                                           .split = "random",
                                           .schema = "x"};
    assert_ok(mrq_model_save(s.model, one, &err));
    mrq_model *loaded = NULL;
    assert_ok(mrq_model_load(one, &loaded, &err));
    assert_true(isnan(loaded->results.valid_rmse) && loaded->results.test_rmse == 0.75 && loaded->results.data_fingerprint == 77);
    assert_ok(mrq_model_save(loaded, two, &err));
    unsigned char *a, *b;
    size_t na, nb;
    read_whole(one, &a, &na);
    read_whole(two, &b, &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    mrq_free(a);
    mrq_free(b);
    mrq_model_free(loaded);
    small_free(&s);
    temporary_remove(folder);
}

static void put(FILE *file, size_t at, const void *bytes, size_t size)
{
    fseek(file, (long)at, SEEK_SET);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
}

/* The file with bit i % 8 of byte `i` flipped and the checksum made right again. */
static void reseal(FILE *file, const unsigned char *bytes, size_t size, size_t i)
{
    enum { CHECKSUM = 40 }; /* its place in the header, container.h */
    unsigned char *copy = mrq_array(size, 1);
    memcpy(copy, bytes, size);
    copy[i] ^= (unsigned char)(1 << i % 8);
    memset(copy + CHECKSUM, 0, 8);
    const uint64_t sum = mrq_checksum(copy, size);
    memcpy(copy + CHECKSUM, &sum, 8);
    put(file, 0, copy, size);
    mrq_free(copy);
}

/* Every truncation and every flipped byte of a small model file is refused. */
static void test_file_damage(void **state)
{
    (void)state;
    struct small s = small_model(TOWERS("{\"feature\":\"gender\",\"kind\":\"category\",\"embedding\":2}",
                                        "{\"feature\":\"genres\",\"kind\":\"set\",\"embedding\":2}"));
    char path[256], *folder = temporary_folder();
    snprintf(path, sizeof path, "%s/m.mrq", folder);
    assert_ok(mrq_model_save(s.model, path, &err));
    unsigned char *bytes;
    size_t size;
    read_whole(path, &bytes, &size);
    mrq_model *model = NULL;
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    setvbuf(file, NULL, _IONBF, 0);
    for (size_t i = 0; i < size; i++) {
        fseek(file, (long)i, SEEK_SET);
        fputc(bytes[i] ^ (1 << i % 8), file);
        assert_fails(mrq_model_load(path, &model, &err), MRQ_BAD_FILE, "m.mrq");
        reseal(file, bytes, size, i);
        if (mrq_model_load(path, &model, &err) == MRQ_OK) /* a hostile writer's file may be taken or refused, but does no harm */
            mrq_model_free(model);
        put(file, 0, bytes, size);
    }
    assert_ok(mrq_model_load(path, &model, &err));
    mrq_model_free(model);
    for (size_t i = size; i-- > 0;) {
        assert_int_equal(ftruncate(fileno(file), (long)i), 0);
        assert_fails(mrq_model_load(path, &model, &err), MRQ_BAD_FILE, "m.mrq");
    }
    fclose(file);
    mrq_free(bytes);
    small_free(&s);
    temporary_remove(folder);
    assert_fails(mrq_model_load("/nowhere/m.mrq", &model, &err), MRQ_NOT_FOUND, "/nowhere/m.mrq");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description_refuses),
        cmocka_unit_test(test_description_round_trip),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_vectors_equal_reference),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_untrained_share_the_unknown),
        cmocka_unit_test(test_missing_features),
        cmocka_unit_test(test_file_round_trip),
        cmocka_unit_test(test_file_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
