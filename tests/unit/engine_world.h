/* A generation of any model description, in memory, with random parameters; and its scores by the definition, in doubles. */
#ifndef MRQ_TESTS_ENGINE_WORLD_H
#define MRQ_TESTS_ENGINE_WORLD_H

#include "unit/small_world.h"

#include "engine/engine.h"
#include "model/network.h"
#include "unit/asked.h"

enum { WORLD_USERS = 50, WORLD_RATINGS = 900, WORLD_WIDTH = 20 };

typedef struct engine_world {
    mrq_generation g;
    mrq_model *model;
    float *item;    /* (items, width) of the item tower */
    float *vectors; /* (items, dim) of the index */
} engine_world;

static mrq_error err;

#define WORLD_RETRIEVAL                                                                                                            \
    SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":9",                                                                       \
          "{\"feature\":\"gender\",\"kind\":\"category\"},{\"feature\":\"history\",\"kind\":\"history\"},"                         \
          "{\"feature\":\"age\",\"kind\":\"category\"},{\"feature\":\"job\",\"kind\":\"category\"}",                               \
          "{\"feature\":\"id\",\"kind\":\"id\"},{\"feature\":\"genres\",\"kind\":\"set\"}", "\"objective\":\"ranking\"")
#define WORLD_HISTORY_ALONE                                                                                                        \
    SMALL("\"kind\":\"dot\"", "\"kind\":\"sum\",\"size\":9", "{\"feature\":\"history\",\"kind\":\"history\"}",                     \
          "{\"feature\":\"id\",\"kind\":\"id\"}", "\"objective\":\"ranking\"")
#define WORLD_BIASED SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, "{\"feature\":\"id\",\"kind\":\"id\"}", "")
#define WORLD_TANH                                                                                                                 \
    SMALL(SMALL_BIASED, "\"kind\":\"sum\",\"size\":19,\"activation\":\"tanh\"", SMALL_SUM_USER,                                    \
          "{\"feature\":\"id\",\"kind\":\"id\"}", "")
#define WORLD_COSINE SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, "")

/* The last two of the users, who become the world's, have rated nothing, and nobody has rated the last item. User i has the id
 * i + 1, item i the id 10 + 3 i. */
static inline engine_world *engine_world_of(const char *description_text, mrq_table *users, uint32_t items)
{
    static uint32_t user[WORLD_RATINGS], item[WORLD_RATINGS], train[WORLD_RATINGS];
    static float rating[WORLD_RATINGS];
    mrq_random rng;
    mrq_random_init(&rng, 5, items);
    for (uint32_t i = 0; i < WORLD_RATINGS; i++) {
        user[i] = (uint32_t)mrq_random_below(&rng, WORLD_USERS - 2);
        item[i] = (uint32_t)mrq_random_below(&rng, items - 1);
        rating[i] = (float)(1 + mrq_random_below(&rng, 5));
        train[i] = i;
    }
    engine_world *w = calloc(1, sizeof *w);
    mrq_description description;
    assert_ok(mrq_description_parse(description_text, strlen(description_text), "small.json", &description, &err));
    strcpy(w->g.name, "20260131T020000Z-0123456789ab");
    strcpy(w->g.model_name, "toy");
    w->g.users = users;
    w->g.items = small_items(items, 3);
    const mrq_model_source source = {.users = w->g.users,
                                     .items = w->g.items,
                                     .rating_user = user,
                                     .rating_item = item,
                                     .rating = rating,
                                     .train = train,
                                     .n_ratings = WORLD_RATINGS,
                                     .n_train = WORLD_RATINGS,
                                     .like = 3,
                                     .seed = 11};
    assert_ok(mrq_model_new(&description, &source, &w->model, &err));
    for (size_t i = 0; i < w->model->tensors.size; i++)
        w->model->param[i] = (float)(mrq_random_unit(&rng) - 0.5);
    double reach;
    const uint32_t dim = mrq_description_dim(&description);
    w->item = mrq_array((size_t)items * mrq_description_width(&description), sizeof *w->item);
    w->vectors = mrq_array((size_t)items * dim, sizeof *w->vectors);
    assert_ok(mrq_model_item_vectors(w->model, w->item, &err));
    assert_ok(mrq_model_export_items(w->model, w->vectors, &reach, &err));
    assert_ok(mrq_model_fold(w->model, reach, &w->g.tower, &err));
    assert_true(w->g.tower->width <= WORLD_WIDTH);
    w->g.seen = *mrq_model_seen(w->model);
    assert_ok(mrq_index_build("Flat", w->vectors, items, dim, &w->g.index, &err));
    return w;
}

static inline engine_world *engine_world_new(const char *description_text, uint32_t items)
{
    return engine_world_of(description_text, small_users(WORLD_USERS, 3), items);
}

static inline void engine_world_free(engine_world *w)
{
    mrq_index_free(w->g.index);
    mrq_folded_free(w->g.tower);
    mrq_model_free(w->model);
    mrq_table_free(w->g.users);
    mrq_table_free(w->g.items);
    mrq_free(w->item);
    mrq_free(w->vectors);
    free(w);
}

/* What goes into the tower's activation. */
typedef struct world_sum {
    double at[WORLD_WIDTH];
} world_sum;

static inline void world_add(const engine_world *w, world_sum *sum, const float *row, double factor)
{
    for (uint32_t d = 0; d < w->g.tower->width; d++)
        sum->at[d] += factor * (double)row[d];
}

static inline uint32_t world_branch(const engine_world *w, const char *feature)
{
    for (uint32_t b = 0; b < w->g.tower->n_branches; b++)
        if (strcmp(w->g.tower->branch[b].feature, feature) == 0)
            return b;
    fail_msg("no branch %s", feature);
    return 0;
}

static inline const float *world_row(const engine_world *w, const char *feature, uint32_t value)
{
    return w->g.tower->branch[world_branch(w, feature)].rows + (size_t)value * w->g.tower->width;
}

static inline const float *world_liked(const engine_world *w, uint32_t item)
{
    return w->g.tower->liked + (size_t)item * w->g.tower->width;
}

/* Adds a feature's average: a row a user. */
static inline void world_add_average(const engine_world *w, world_sum *sum, const char *feature)
{
    const mrq_column *column = mrq_table_column(w->g.users, feature);
    for (uint32_t u = 0; u < WORLD_USERS; u++)
        world_add(w, sum, world_row(w, feature, column->code[u]), 1.0 / WORLD_USERS);
}

/* Where everybody starts. */
static inline world_sum world_start(const engine_world *w)
{
    world_sum sum = {{0}};
    world_add(w, &sum, w->g.tower->start, 1);
    return sum;
}

/* The score that the network gives. */
static inline double world_score(const engine_world *w, const world_sum *sum, uint32_t item)
{
    const mrq_folded *tower = w->g.tower;
    const mrq_description *d = mrq_model_description(w->model);
    const float *m = w->item + (size_t)item * tower->width;
    double product = 0, own = 0, its = 0;
    for (uint32_t i = 0; i < tower->size; i++) {
        const double y = tower->activation == MRQ_TANH ? tanh(sum->at[i]) : sum->at[i];
        product += y * (double)m[i];
        own += y * y;
        its += (double)m[i] * (double)m[i];
    }
    if (tower->score == MRQ_COSINE)
        return d->scale * product / sqrt(own * its) + d->shift;
    return product + d->shift + (tower->bias ? sum->at[tower->size] + (double)m[tower->size] : 0);
}

static inline mrq_content world_answer(const engine_world *w, const question *query)
{
    mrq_content answer = {0};
    assert_ok(asked_recommend(&w->g, NULL, query, &answer, &err));
    return answer;
}

#endif
