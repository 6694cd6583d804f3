/* Model room, files that are whole and say what cannot be: each section of a model and of a folded tower missing, short, or with a
 * number at the end of its range and beyond. */
#include "model/network.h"
#include "unit/small_world.h"

static mrq_error err;
static char folder[128], path[200];

enum { USERS = 12, ITEMS = 8, RATINGS = 60, SIZE = 3, MOST = 80 };

#define ID      "{\"feature\":\"id\",\"kind\":\"id\"}"
#define HISTORY "{\"feature\":\"history\",\"kind\":\"history\"}"
#define GENDER  "{\"feature\":\"gender\",\"kind\":\"category\"}"
static const char rates[] =
    SMALL(SMALL_BIASED, "\"kind\":\"sum\",\"size\":3", ID "," GENDER, ID ",{\"feature\":\"ratings\",\"kind\":\"ratings\"}", "");
static const char ranks[] = SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":3", HISTORY "," GENDER,
                                  ID ",{\"feature\":\"genres\",\"kind\":\"set\"}", "\"objective\":\"ranking\"");

static mrq_model *make(const small_data *s, const char *text)
{
    uint32_t train[RATINGS];
    for (uint32_t i = 0; i < RATINGS; i++)
        train[i] = i;
    const mrq_description d = describe(text);
    const mrq_model_source source = {s->data.users, s->data.items, s->user, s->item, s->rating, train,
                                     RATINGS,       RATINGS,       11,      3,       NULL};
    mrq_model *model = NULL;
    assert_ok(mrq_model_new(&d, &source, &model, &err));
    model->results = (mrq_model_results){.schema = "x", .split = "random"};
    return model;
}

/* A container's sections, to be written again with a change. */
struct sections {
    char kind[8];
    uint32_t n;
    struct {
        char name[MRQ_CONTAINER_NAME];
        void *data;
        size_t size;
    } of[MOST];
};

static void read_sections(struct sections *s, const char *kind, const char *from)
{
    enum { TABLE = 48, ENTRY = MRQ_CONTAINER_NAME + 16 }; /* base/container.h */
    MRQ_CLEANUP(mrq_container_close) mrq_container *file = NULL;
    size_t size;
    assert_ok(mrq_container_open(from, kind, 2, &file, &err));
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(from, &size);
    *s = (struct sections){0};
    strcpy(s->kind, kind);
    memcpy(&s->n, bytes + 24, sizeof s->n);
    assert_true(s->n <= MOST);
    for (uint32_t i = 0; i < s->n; i++) {
        const void *data;
        memcpy(s->of[i].name, bytes + TABLE + i * ENTRY, MRQ_CONTAINER_NAME);
        s->of[i].size = MRQ_ANY;
        assert_ok(mrq_container_get(file, 1, &s->of[i].size, &data, &err, "%s", s->of[i].name));
        s->of[i].data = mrq_array(s->of[i].size, 1);
        memcpy(s->of[i].data, data, s->of[i].size);
    }
}

static void free_sections(struct sections *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        mrq_free(s->of[i].data);
}

static uint32_t find(const struct sections *s, const char *name)
{
    uint32_t i = 0;
    while (i < s->n && strcmp(s->of[i].name, name) != 0)
        i++;
    assert_true(i < s->n);
    return i;
}

/* Writes them with another section `which`, or without it. */
static void write_with(const struct sections *s, uint32_t which, const void *data, size_t size)
{
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new(s->kind, 2);
    for (uint32_t i = 0; i < s->n; i++)
        if (i != which)
            mrq_container_add(writer, s->of[i].data, s->of[i].size, 1, "%s", s->of[i].name);
        else if (data)
            mrq_container_add(writer, data, size, 1, "%s", s->of[i].name);
    assert_ok(mrq_container_write(writer, path, &err));
}

/* With one number of a section another: `size` bytes at `at`, from the end where that is below 0. */
static void write_number(const struct sections *s, const char *name, long at, const void *number, size_t size)
{
    const uint32_t which = find(s, name);
    unsigned char *data = s->of[which].data, was[8];
    unsigned char *const place = data + (at < 0 ? (long)s->of[which].size : 0) + at;
    memcpy(was, place, size);
    memcpy(place, number, size);
    write_with(s, UINT32_MAX, NULL, 0);
    memcpy(place, was, size);
}

/* Loads twice, of which one does not ask why not. */
static mrq_status load(void)
{
    mrq_model *model = NULL, *unasked = NULL;
    const mrq_status status = mrq_model_load(path, &model, &err);
    assert_int_equal(status == MRQ_OK, model != NULL);
    mrq_model_free(model);
    assert_int_equal(mrq_model_load(path, &unasked, NULL), status);
    mrq_model_free(unasked);
    return status;
}

static void each_section_of_a_model_is_there_and_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {rates, ranks};
    for (int k = 0; k < 2; k++) {
        small_data *s = small_data_new(USERS, ITEMS, RATINGS);
        MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, texts[k]);
        struct sections all;
        assert_ok(mrq_model_save(model, path, &err));
        read_sections(&all, "model", path);
        for (uint32_t i = 0; i < all.n; i++) {
            char sentence[60];
            snprintf(sentence, sizeof sentence, "section \"%s\"", all.of[i].name);
            write_with(&all, i, NULL, 0);
            assert_fails(load(), MRQ_BAD_FILE, sentence);
            if (strncmp(all.of[i].name, "users", 5) == 0 || strncmp(all.of[i].name, "items", 6) == 0)
                continue; /* the tables' own affair */
            write_with(&all, i, all.of[i].data, all.of[i].size - 4);
            assert_fails(load(), MRQ_BAD_FILE,
                         strncmp(all.of[i].name, "tensor", 6) == 0 || strstr(all.of[i].name, "_row") ? sentence : "");
        }
        for (uint32_t i = 0; i < model->tensors.n; i++) {
            static const float wrong[] = {NAN, INFINITY};
            char name[20], sentence[80];
            snprintf(name, sizeof name, "tensor.%u", i);
            snprintf(sentence, sizeof sentence, "%s holds a value that is not finite", model->tensors.tensor[i].name);
            for (int end = 0; end < 2; end++) {
                write_number(&all, name, end ? -4 : 0, &wrong[end], sizeof *wrong);
                assert_fails(load(), MRQ_BAD_FILE, sentence);
            }
        }
        write_with(&all, UINT32_MAX, NULL, 0);
        assert_ok(load());
        free_sections(&all);
        small_data_free(s);
    }
}

/* A row of an id may be any up to the number of those who have one. */
static void rows_of_ids_are_no_more_than_there_are(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, rates);
    struct sections all;
    assert_int_equal(model->user_rows, USERS + 1);
    assert_int_equal(model->item_rows, ITEMS + 1);
    assert_ok(mrq_model_save(model, path, &err));
    read_sections(&all, "model", path);
    for (int items = 0; items < 2; items++)
        for (uint32_t more = 0; more < 2; more++) {
            const uint32_t row = (items ? ITEMS : USERS) + more;
            const char *name = items ? "item_row" : "user_row";
            char sentence[60];
            snprintf(sentence, sizeof sentence, "%s: row %u of %u", name, row, row - more);
            write_number(&all, name, 0, &row, sizeof row);
            if (more)
                assert_fails(load(), MRQ_BAD_FILE, sentence);
            else
                assert_ok(load());
        }
    free_sections(&all);
    small_data_free(s);
}

static void replace(const struct sections *all, const char *section, const char *from, const char *to)
{
    const uint32_t which = find(all, section);
    char text[4000], changed[4100];
    snprintf(text, sizeof text, "%.*s", (int)all->of[which].size, (const char *)all->of[which].data);
    const char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    write_with(all, which, changed, strlen(changed));
}

static void a_models_documents_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *section, *from, *to, *sentence;
    } cases[] = {
        {"description", "{", "[", "m.mrq:1: not valid JSON"},
        {"description", "\"size\":3", "\"size\":0", "m.mrq: joint.size: 0, want"},
        {"description", "\"shift\":", "\"bias\":true}, \"x\":{\"y\":", "unknown key"},
        {"description", "gender", "gander",
         "m.mrq: the model's user tower needs a feature \"gander\", which the data does not have"},
        {"results", "{", "[", "m.mrq:1: not valid JSON"},
        {"results", "\"seed\":0", "\"seed\":-1", "m.mrq: results: seed: -1, want"},
        {"results", "\"data\"", "\"date\"", "m.mrq: results: data: missing"},
    };
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, rates);
    struct sections all;
    assert_ok(mrq_model_save(model, path, &err));
    read_sections(&all, "model", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        replace(&all, cases[i].section, cases[i].from, cases[i].to);
        assert_fails(load(), MRQ_BAD_FILE, cases[i].sentence);
    }
    free_sections(&all);
    model->description.shift = NAN; /* what a training fills in */
    assert_ok(mrq_model_save(model, path, &err));
    assert_fails(load(), MRQ_BAD_FILE, "m.mrq: score.shift: missing");
    small_data_free(s);
}

/* The folded tower of a model, with its history, in the file and in `all`. */
static void fold(const mrq_model *model, struct sections *all)
{
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = NULL;
    MRQ_CLEANUP(mrq_container_writer_free) mrq_container_writer *writer = mrq_container_writer_new("users", 2);
    assert_ok(mrq_model_fold(model, 2, &folded, &err));
    mrq_folded_save(folded, model->users, writer);
    mrq_folded_save_history(folded, USERS, ITEMS, writer);
    assert_ok(mrq_container_write(writer, path, &err));
    read_sections(all, "users", path);
}

static mrq_status load_tower(const mrq_table *users)
{
    MRQ_CLEANUP(mrq_container_close) mrq_container *file = NULL;
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = NULL;
    assert_ok(mrq_container_open(path, "users", 2, &file, &err));
    MRQ_TRY(mrq_folded_load(file, users, &folded, &err));
    return mrq_folded_load_history(file, USERS, ITEMS, folded, &err);
}

static void each_section_of_a_tower_is_there_and_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {rates, ranks};
    for (int k = 0; k < 2; k++) {
        small_data *s = small_data_new(USERS, ITEMS, RATINGS);
        MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, texts[k]);
        struct sections all;
        fold(model, &all);
        assert_ok(load_tower(s->data.users));
        for (uint32_t i = 0; i < all.n; i++) {
            char sentence[60];
            snprintf(sentence, sizeof sentence, "section \"%s\"", all.of[i].name);
            write_with(&all, i, NULL, 0);
            assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
            write_with(&all, i, all.of[i].data, all.of[i].size - 4);
            assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, "");
        }
        free_sections(&all);
        small_data_free(s);
    }
}

/* Rows of a branch: of an id up to one more than there are users, of a category exactly its values. */
static void rows_of_a_tower_fit_the_users(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, rates);
    struct sections all;
    fold(model, &all);
    const uint32_t width = model->user.width, id = find(&all, "tower.0"), gender = find(&all, "tower.1"),
                   row = find(&all, "tower.user_row");
    static float rows[(USERS + 2) * (SIZE + 1)];
    static const uint32_t nobody[USERS];
    char sentence[80];
    for (uint32_t n = 0; n <= USERS + 2; n++) {
        const bool fine = n >= 1 && n <= USERS + 1;
        snprintf(sentence, sizeof sentence, "%u rows for %u users", n, USERS);
        void *const was = all.of[row].data; /* whose rows all are */
        all.of[row].data = (void *)(uintptr_t)nobody;
        write_with(&all, id, rows, n * width * sizeof *rows);
        all.of[row].data = was;
        if (fine)
            assert_ok(load_tower(s->data.users));
        else
            assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
    }
    for (uint32_t n = 1; n <= 3; n++) {
        snprintf(sentence, sizeof sentence, "branch \"gender\" has %u rows, the users' column 2 values", n);
        write_with(&all, gender, rows, n * width * sizeof *rows);
        if (n == 2)
            assert_ok(load_tower(s->data.users));
        else
            assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
    }
    for (uint32_t more = 0; more < 2; more++) {
        const uint32_t last = USERS + more;
        snprintf(sentence, sizeof sentence, "user row %u, want less than %u", last, USERS + 1);
        write_number(&all, "tower.user_row", -4, &last, sizeof last);
        if (more)
            assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
        else
            assert_ok(load_tower(s->data.users));
    }
    static const float wrong[] = {NAN, INFINITY};
    for (int end = 0; end < 2; end++)
        for (int b = 0; b < 3; b++) {
            write_number(&all, b == 2 ? "tower.start" : b ? "tower.1" : "tower.0", end ? -4 : 0, &wrong[end], sizeof *wrong);
            snprintf(sentence, sizeof sentence,
                     b == 2 ? "tower.start holds a number that is not finite" : "branch %d holds a number that is not finite", b);
            assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
        }
    free_sections(&all);
    small_data_free(s);
}

/* A history wants rows of users and a linear tower, whatever else is right. */
static void a_history_wants_a_linear_tower(void **state)
{
    (void)state;
    enum { SCORE = 16, ACTIVATION = 20, SHAPE = 28, HAS_HISTORY = 40, BRANCHES = 32, FEATURE = 48 };
    const uint32_t one = 1, two = 2, nothing = 0, large[] = {65536, 65537};
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, ranks);
    struct sections all;
    fold(model, &all);
    const char sentence[] = "a history needs rows of users and a linear tower";
    write_number(&all, "tower", ACTIVATION, &one, 4);
    assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
    write_number(&all, "tower", SCORE, &nothing, 4); /* a cosine */
    assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
    write_number(&all, "tower", HAS_HISTORY, &two, 4);
    assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, sentence);
    write_number(&all, "tower", HAS_HISTORY, &nothing, 4); /* without one it is a tower like others */
    assert_ok(load_tower(s->data.users));
    for (int i = 0; i < 2; i++) { /* as wide as may be, and wider */
        write_number(&all, "tower", SHAPE, &large[i], 4);
        assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, i ? "65537 dimensions, " : "section \"tower.start\"");
    }
    uint32_t branches = MRQ_BRANCHES_MAX;
    write_number(&all, "tower", BRANCHES, &branches, 4);
    assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, "section \"tower.2\"");
    branches++;
    write_number(&all, "tower", BRANCHES, &branches, 4);
    assert_fails(load_tower(s->data.users), MRQ_BAD_FILE, "17 branches, ");
    free_sections(&all);
    small_data_free(s);
}

/* The mean row of a category is that over the users, of an id the stranger's. */
static void nothing_known_is_the_average_user(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, rates);
    struct sections all;
    fold(model, &all);
    mrq_random rng;
    mrq_random_init(&rng, 1, 0);
    float rows[2 * (SIZE + 1)];
    for (int i = 0; i < 2 * (SIZE + 1); i++)
        rows[i] = (float)mrq_random_unit(&rng);
    write_with(&all, find(&all, "tower.1"), rows, sizeof rows);
    MRQ_CLEANUP(mrq_container_close) mrq_container *file = NULL;
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *loaded = NULL;
    assert_ok(mrq_container_open(path, "users", 2, &file, &err));
    assert_ok(mrq_folded_load(file, s->data.users, &loaded, &err));
    assert_ptr_equal(mrq_folded_row(loaded, 0, MRQ_NONE), loaded->branch[0].rows);
    for (uint32_t j = 0; j <= SIZE; j++) {
        double want = 0;
        for (uint32_t u = 0; u < USERS; u++)
            want += (double)rows[s->data.users->column[0].code[u] * (SIZE + 1) + j] / USERS;
        assert_true(fabs((double)mrq_folded_row(loaded, 1, MRQ_NONE)[j] - want) < 1e-6);
    }
    free_sections(&all);
    small_data_free(s);
}

/* A tower none of whose features the data has is refused, whichever it is. */
static void a_tower_without_features_is_refused(void **state)
{
    (void)state;
#define SHOE(kind, rest) "{\"feature\":\"shoe\",\"kind\":\"" kind "\",\"optional\":true,\"embedding\":2" rest "}"
#define WIDE             "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":2}"
    static const char *const texts[] = {SMALL(SMALL_COSINE, SMALL_DENSE, SHOE("category", ""), WIDE, ""),
                                        SMALL(SMALL_COSINE, SMALL_DENSE, WIDE, SHOE("set", ""), "")};
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    const uint32_t train = 0;
    const mrq_model_source source = {s->data.users, s->data.items, s->user, s->item, s->rating, &train, RATINGS, 1, 11, 3, NULL};
    for (int i = 0; i < 2; i++) {
        const mrq_description d = describe(texts[i]);
        mrq_model *model = NULL;
        assert_fails(mrq_model_new(&d, &source, &model, &err), MRQ_BAD_FILE,
                     i ? "the data has none of the features of the item tower"
                       : "the data has none of the features of the user tower");
    }
    small_data_free(s);
}

/* The vectors of more users than are computed at once: a user's is the sum of what the liked items add. */
static void vectors_of_a_history_are_its_sum(void **state)
{
    (void)state;
    enum { MANY = 600 };
    small_data *s = small_data_new(MANY, ITEMS, 3 * MANY);
    MRQ_AUTOFREE uint32_t *train = mrq_array(3 * MANY, sizeof *train);
    for (uint32_t i = 0; i < 3 * MANY; i++)
        train[i] = i;
    const mrq_description d = describe(ranks);
    const mrq_model_source source = {s->data.users, s->data.items, s->user, s->item, s->rating, train,
                                     3 * MANY,      3 * MANY,      11,      3,       NULL};
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    assert_ok(mrq_model_new(&d, &source, &model, &err));
    static float got[MANY * SIZE];
    assert_ok(mrq_model_user_vectors(model, got, &err));
    const float *liked = model->param + mrq_tensor_at(&model->tensors, model->user.plan[0].embedding, 0),
                *gender = model->param + mrq_tensor_at(&model->tensors, model->user.plan[1].embedding, 0);
    for (uint32_t u = 0; u < MANY; u++)
        for (uint32_t j = 0; j < SIZE; j++) {
            double want = (double)gender[s->data.users->column[0].code[u] * SIZE + j];
            for (uint64_t i = model->likes.list.offset[u]; i < model->likes.list.offset[u + 1]; i++)
                want += (double)model->likes.strength[i] * (double)liked[model->likes.list.item[i] * SIZE + j];
            assert_true(fabs((double)got[u * SIZE + j] - want) < 1e-5);
        }
    small_data_free(s);
}

/* Loaded, the parameters stay where they are in the map. */
static void a_loaded_models_parameters_are_not_copied(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = make(s, rates), *loaded = NULL;
    assert_ok(mrq_model_save(model, path, &err));
    assert_ok(mrq_model_load(path, &loaded, &err));
    for (uint32_t i = 0; i < loaded->tensors.n; i++) {
        size_t size = MRQ_ANY;
        const void *data;
        assert_ok(mrq_container_get(loaded->file, 1, &size, &data, &err, "tensor.%u", i));
        assert_ptr_equal(data, loaded->param + loaded->tensors.tensor[i].offset);
    }
    small_data_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_section_of_a_model_is_there_and_whole),
        cmocka_unit_test(rows_of_ids_are_no_more_than_there_are),
        cmocka_unit_test(a_models_documents_are_read_strictly),
        cmocka_unit_test(each_section_of_a_tower_is_there_and_whole),
        cmocka_unit_test(rows_of_a_tower_fit_the_users),
        cmocka_unit_test(a_history_wants_a_linear_tower),
        cmocka_unit_test(nothing_known_is_the_average_user),
        cmocka_unit_test(a_loaded_models_parameters_are_not_copied),
        cmocka_unit_test(a_tower_without_features_is_refused),
        cmocka_unit_test(vectors_of_a_history_are_its_sum),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    snprintf(path, sizeof path, "%s/m.mrq", folder);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
