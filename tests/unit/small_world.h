/* A small world for tests: users and movies with every kind of column, made from a seed. */
#ifndef MRQ_TESTS_SMALL_WORLD_H
#define MRQ_TESTS_SMALL_WORLD_H

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "base/table.h"
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

static inline mrq_lists small_lists(mrq_table *table, mrq_random *rng, uint32_t values, uint32_t longest)
{
    uint64_t *offset = mrq_arena_array(table->arena, (size_t)table->rows + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(table->arena, (size_t)table->rows * longest, sizeof *item);
    for (uint32_t i = 0; i < table->rows; i++) {
        const uint64_t n = mrq_random_below(rng, longest + 1); /* also none */
        for (uint64_t j = 0; j < n; j++)
            item[offset[i] + j] = (uint32_t)mrq_random_below(rng, values);
        offset[i + 1] = offset[i] + n;
    }
    return (mrq_lists){offset, item};
}

static inline mrq_table *small_table(uint32_t rows, int64_t first_id, int64_t step)
{
    mrq_table *table = mrq_table_new();
    int64_t *id = mrq_arena_array(table->arena, rows, sizeof *id);
    for (uint32_t i = 0; i < rows; i++)
        id[i] = first_id + step * i;
    table->rows = rows;
    table->id = id;
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
static inline mrq_table *small_movies(uint32_t rows, uint64_t seed)
{
    mrq_random rng;
    mrq_random_init(&rng, seed, 2);
    mrq_table *table = small_table(rows, 10, 3);
    mrq_column *genres = &table->column[0], *title = &table->column[1], *year = &table->column[2];
    table->n_columns = 3;
    *genres = (mrq_column){.name = "genres", .kind = MRQ_SET, .dict = small_strings(table->arena, "genre", 6)};
    genres->list = small_lists(table, &rng, 6, 3);
    *title = (mrq_column){.name = "title", .kind = MRQ_TEXT, .dict = small_strings(table->arena, "word", 23)};
    title->list = small_lists(table, &rng, 23, 5);
    title->text = small_strings(table->arena, "Title ", rows);
    double *number = mrq_arena_array(table->arena, rows, sizeof *number);
    for (uint32_t i = 0; i < rows; i++)
        number[i] = i % 7 ? 1950.0 + i % 50 : (double)NAN;
    *year = (mrq_column){.name = "year", .kind = MRQ_NUMBER, .number = number};
    return table;
}

#endif
