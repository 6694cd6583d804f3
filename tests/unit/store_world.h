/* A small model and stores of it, for the tests of the store room. */
#ifndef MRQ_TESTS_STORE_WORLD_H
#define MRQ_TESTS_STORE_WORLD_H

#include "unit/small_world.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "model/network.h"
#include "store/publication.h"
#include "unit/forge.h"

enum { USERS = 50, ITEMS = 40, DIM = 16 };

static char folder[PATH], model_path[PATH + 20];
static mrq_table *users, *items;
static mrq_model *model;
static const mrq_export_options flat = {.index = "Flat", .recall = 1};

/* A model of these tables with starting parameters. */
static inline mrq_model *model_of(const char *text, const mrq_table *its_users, const mrq_table *its_items)
{
    static uint32_t user[200], item[200], train[200];
    static float rating[200];
    for (uint32_t i = 0; i < 200; i++) {
        rating[i] = (float)(1 + i % 5);
        user[i] = i * 7 % its_users->rows;
        item[i] = i * 13 % its_items->rows;
        train[i] = i;
    }
    mrq_description description;
    mrq_model *made = NULL;
    assert_ok(mrq_description_parse(text, strlen(text), "small.json", &description, &err));
    const mrq_model_source source = {its_users, its_items, user, item, rating, train, 200, 200, 11, 3, NULL};
    assert_ok(mrq_model_new(&description, &source, &made, &err));
    return made;
}

/* What `model` is made from. */
#define STORE_MODEL                                                                                                                \
    "{\"name\":\"small\",\"score\":{\"kind\":\"cosine\",\"scale\":5},\"joint\":{\"size\":16,\"activation\":\"tanh\"},"             \
    "\"towers\":{\"user\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4},"                                                  \
    "{\"feature\":\"age\",\"kind\":\"category\",\"embedding\":4}],"                                                                \
    "\"item\":[{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":4},"                                                              \
    "{\"feature\":\"title\",\"kind\":\"text\",\"embedding\":4,\"window\":3,\"filters\":4}]},\"train\":{}}"

/* A small model, as if trained, and its file. */
static inline int make_world(void **state)
{
    (void)state;
    users = small_users(USERS, 3);
    items = small_items(ITEMS, 3);
    model = model_of(STORE_MODEL, users, items);
    model->results = (mrq_model_results){.seed = 11,
                                         .data_fingerprint = 0x123456789abcdef0,
                                         .train_rmse = 0.8,
                                         .valid_rmse = (double)NAN,
                                         .test_rmse = 0.9,
                                         .test_recall = NAN,
                                         .test_ndcg = NAN,
                                         .schema = "small",
                                         .split = "random"};
    mrq_model_epoch *epoch = mrq_array(3, sizeof *epoch);
    epoch[0] = (mrq_model_epoch){1.25, (double)NAN, 1.5};
    epoch[1] = (mrq_model_epoch){0.8, (double)NAN, 0.9};
    epoch[2] = (mrq_model_epoch){0.75, (double)NAN, 1.123456};
    model->curve = (mrq_model_curve){3, epoch};
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    snprintf(model_path, sizeof model_path, "%s/m.mrq", folder);
    assert_ok(mrq_model_save(model, model_path, &err));
    return 0;
}

static inline int free_world(void **state)
{
    (void)state;
    mrq_model_free(model);
    mrq_table_free(users);
    mrq_table_free(items);
    temporary_remove(folder);
    return 0;
}

/* The path of a new store, not made yet. */
static inline const char *new_store(char out[PATH])
{
    static int n;
    snprintf(out, PATH, "%.4000s/store%d", folder, n++);
    return out;
}

static inline void export_to(const char *store, char name[MRQ_GENERATION_NAME])
{
    assert_ok(mrq_store_export(store, model_path, &flat, name, NULL, NULL, &err));
}

static inline mrq_status try_open(const char *store)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *g = NULL;
    const mrq_status status = mrq_generation_open(store, &g, &err);
    assert_true((g != NULL) == (status == MRQ_OK));
    return status;
}

/* Everything in a store: names, digests of the files, the link. */
#define STATE 20000
static inline void take_state(const char *store, char out[STATE])
{
    shell(out, STATE, "cd '%s' && find . | sort && find . -type f -exec sha256sum {} + | sort && readlink current", store);
}

static inline void assert_state(const char *store, const char *want)
{
    static char now[STATE];
    take_state(store, now);
    assert_string_equal(now, want);
}

/* damage_file() of a generation. */
static inline void damage(const char *store, const char *name, const char *file)
{
    char path[PATH + 100];
    snprintf(path, sizeof path, "%.4000s/generations/%s/%s", store, name, file);
    damage_file(path);
}

/* Children must not run cmocka's code; they tell by their exit status. */
static inline pid_t child(void (*run)(const char *), const char *store)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run(store);
        _exit(0);
    }
    return pid;
}

#endif
