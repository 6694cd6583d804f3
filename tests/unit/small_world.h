/* A small world for tests: users and items with every kind of column, made from a seed. */
#ifndef MRQ_TESTS_SMALL_WORLD_H
#define MRQ_TESTS_SMALL_WORLD_H

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "base/table.h"
#include "dataset/dataset.h"
#include "model/description.h"
#include "unit/ids.h"
#include "unit/testing.h"

static inline mrq_strings small_strings(mrq_arena *arena, const char *prefix, uint32_t n)
{
    mrq_dict *dict = mrq_dict_new();
    for (uint32_t i = 0; i < n; i++) {
        char text[40];
        const int size = snprintf(text, sizeof text, "%s%03u", prefix, i);
        assert_int_equal(mrq_dict_add(dict, text, (size_t)size), i);
    }
    const mrq_strings from = mrq_dict_strings(dict);
    mrq_strings to = {0};
    assert_int_equal(mrq_strings_copy(arena, &from, &to), 0);
    mrq_dict_free(dict);
    return to;
}

static inline void small_category(mrq_table *table, mrq_random *rng, const char *name, uint32_t values)
{
    mrq_column *column = &table->column[table->n_columns++];
    uint32_t *code = mrq_arena_array(table->arena, table->rows, sizeof *code);
    for (uint32_t i = 0; i < table->rows; i++)
        code[i] = (uint32_t)mrq_random_below(rng, values);
    *column = (mrq_column){.kind = MRQ_CATEGORY, .dict = small_strings(table->arena, name, values), .code = code};
    column->label = small_strings(table->arena, "", 0);
    snprintf(column->name, sizeof column->name, "%s", name);
}

/* Of a `set` the members ascend, each once. */
static inline mrq_lists small_lists(mrq_table *table, mrq_random *rng, uint32_t values, uint32_t longest, bool set)
{
    uint64_t *offset = mrq_arena_array(table->arena, (size_t)table->rows + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(table->arena, (size_t)table->rows * longest, sizeof *item);
    for (uint32_t i = 0; i < table->rows; i++) {
        const uint64_t n = mrq_random_below(rng, longest + 1); /* also none */
        uint32_t *row = item + offset[i];
        uint64_t kept = 0;
        for (uint64_t j = 0; j < n; j++)
            row[j] = (uint32_t)mrq_random_below(rng, values);
        if (set)
            mrq_list_sort(row, n);
        for (uint64_t j = 0; j < n; j++)
            if (!set || !j || row[j] != row[kept - 1])
                row[kept++] = row[j];
        offset[i + 1] = offset[i] + kept;
    }
    return (mrq_lists){offset, item};
}

static inline mrq_table *small_table(uint32_t rows, int64_t first_id, int64_t step)
{
    mrq_table *table = mrq_table_new();
    MRQ_AUTOFREE int64_t *id = mrq_array(rows, sizeof *id);
    for (uint32_t i = 0; i < rows; i++)
        id[i] = first_id + step * i;
    table->rows = rows;
    table->id = number_ids(table->arena, id, rows);
    table->column = mrq_arena_array(table->arena, 8, sizeof *table->column);
    return table;
}

/* gender (2), age (7), job (11) */
static inline mrq_table *small_users(uint32_t rows, uint64_t seed)
{
    mrq_random rng;
    mrq_random_init(&rng, seed, 1);
    mrq_table *table = small_table(rows, 1, 1);
    small_category(table, &rng, "gender", 2);
    small_category(table, &rng, "age", 7);
    small_category(table, &rng, "job", 11);
    return table;
}

/* genres (set), title (text), year (number) */
static inline mrq_table *small_items(uint32_t rows, uint64_t seed)
{
    mrq_random rng;
    mrq_random_init(&rng, seed, 2);
    mrq_table *table = small_table(rows, 10, 3);
    mrq_column *genres = &table->column[0], *title = &table->column[1], *year = &table->column[2];
    table->n_columns = 3;
    *genres = (mrq_column){.name = "genres", .kind = MRQ_SET, .dict = small_strings(table->arena, "genre", 6)};
    genres->list = small_lists(table, &rng, 6, 3, true);
    *title = (mrq_column){.name = "title", .kind = MRQ_TEXT, .dict = small_strings(table->arena, "word", 23)};
    title->list = small_lists(table, &rng, 23, 5, false);
    title->text = small_strings(table->arena, "Title ", rows);
    double *number = mrq_arena_array(table->arena, rows, sizeof *number);
    for (uint32_t i = 0; i < rows; i++)
        number[i] = i % 7 ? 1950.0 + i % 50 : (double)NAN;
    *year = (mrq_column){.name = "year", .kind = MRQ_NUMBER, .number = number};
    return table;
}

/* A data set whose ratings, 1 to 5, follow a rule of gender and item. */
typedef struct small_data {
    mrq_dataset data;
    uint32_t *user, *item; /* (ratings) what `data` reads, free to change */
    float *rating;
} small_data;

static inline small_data *small_data_new(uint32_t users, uint32_t items, uint32_t ratings)
{
    small_data *s = calloc(1, sizeof *s);
    mrq_random rng;
    mrq_random_init(&rng, 9, 0);
    s->user = mrq_array(ratings, sizeof *s->user);
    s->item = mrq_array(ratings, sizeof *s->item);
    s->rating = mrq_array(ratings, sizeof *s->rating);
    s->data = (mrq_dataset){.users = small_users(users, 5),
                            .items = small_items(items, 5),
                            .n = ratings,
                            .user = s->user,
                            .item = s->item,
                            .rating = s->rating,
                            .like = 3,
                            .rating_min = 1,
                            .rating_max = 5,
                            .fingerprint = 0xfeed,
                            .schema = "small"};
    for (uint32_t i = 0; i < ratings; i++) {
        s->user[i] = (uint32_t)mrq_random_below(&rng, users);
        s->item[i] = (uint32_t)mrq_random_below(&rng, items);
        s->rating[i] = (float)(1 + (s->data.users->column[0].code[s->user[i]] + s->item[i]) % 5);
    }
    return s;
}

static inline void small_data_free(small_data *s)
{
    mrq_table_free(s->data.users);
    mrq_table_free(s->data.items);
    mrq_free(s->user);
    mrq_free(s->item);
    mrq_free(s->rating);
    free(s);
}

/* Descriptions for it: SMALL(score, joint, user branches, item branches, train). Odd sizes, so that no kernel runs even. */
#define SMALL(score, joint, user, item, train)                                                                                     \
    "{\"name\":\"small\",\"score\":{" score "},\"joint\":{" joint "},\"towers\":{\"user\":[" user "],\"item\":[" item              \
    "]},\"train\":{" train "}}"
#define SMALL_COSINE "\"kind\":\"cosine\",\"scale\":5"
#define SMALL_DOT    "\"kind\":\"dot\",\"shift\":3"
#define SMALL_BIASED "\"kind\":\"dot\",\"bias\":true"
#define SMALL_DENSE  "\"size\":19"
#define SMALL_SUM    "\"kind\":\"sum\",\"size\":19"
#define SMALL_DENSE_USER                                                                                                           \
    "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":5,\"fc\":7,\"dropout\":0.3},"                                               \
    "{\"feature\":\"gender\",\"kind\":\"category\",\"embedding\":3,\"lr\":0.25},"                                                  \
    "{\"feature\":\"job\",\"kind\":\"category\",\"embedding\":4,\"fc\":3}"
#define SMALL_DENSE_ITEM                                                                                                           \
    "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":6},"                                                                        \
    "{\"feature\":\"genres\",\"kind\":\"set\",\"embedding\":3},"                                                                   \
    "{\"feature\":\"title\",\"kind\":\"text\",\"embedding\":4,\"window\":3,\"filters\":5}"
#define SMALL_SUM_USER                                                                                                             \
    "{\"feature\":\"id\",\"kind\":\"id\",\"dropout\":0.3},"                                                                        \
    "{\"feature\":\"gender\",\"kind\":\"category\",\"lr\":0.25},"                                                                  \
    "{\"feature\":\"job\",\"kind\":\"category\",\"embedding\":4}"
#define SMALL_SUM_ITEM                                                                                                             \
    "{\"feature\":\"id\",\"kind\":\"id\",\"dropout\":0.3},"                                                                        \
    "{\"feature\":\"ratings\",\"kind\":\"ratings\",\"dropout\":0.4},"                                                              \
    "{\"feature\":\"genres\",\"kind\":\"set\"},"                                                                                   \
    "{\"feature\":\"title\",\"kind\":\"text\",\"embedding\":4,\"window\":3,\"unit\":\"character\",\"pool\":\"average\"}"

static inline mrq_description describe(const char *text)
{
    mrq_error err;
    mrq_description d;
    assert_ok(mrq_description_parse(text, strlen(text), "small.json", &d, &err));
    return d;
}

/* What the shipped model "rating" looks like. */
#define SMALL_RATING_USER "{\"feature\":\"id\",\"kind\":\"id\"},{\"feature\":\"gender\",\"kind\":\"category\",\"bias_only\":true}"
#define SMALL_RATING_ITEM                                                                                                          \
    "{\"feature\":\"ratings\",\"kind\":\"ratings\",\"dropout\":0.5},"                                                              \
    "{\"feature\":\"id\",\"kind\":\"id\",\"dropout\":0.3,\"bias_only\":true},"                                                     \
    "{\"feature\":\"genres\",\"kind\":\"set\",\"bias_only\":true},"                                                                \
    "{\"feature\":\"title\",\"kind\":\"text\",\"embedding\":3,\"window\":1,\"bias_only\":true}"

#endif
