/* Ids that are whole numbers, as tests like to write them. */
#ifndef MRQ_TESTS_IDS_H
#define MRQ_TESTS_IDS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/table.h"

/* The id of a row, -1 where it is no number. */
static inline int64_t id_number(const mrq_table *table, uint32_t row)
{
    char *end;
    const long long number = strtoll(mrq_table_id(table, row), &end, 10);
    return *end ? -1 : number;
}

static inline uint32_t find_number(const mrq_table *table, int64_t id)
{
    char text[24];
    const int size = snprintf(text, sizeof text, "%" PRId64, id);
    return mrq_table_find(table, text, (size_t)size);
}

/* The ids of `n` rows; { 0 } when out of memory. */
static inline mrq_strings number_ids(mrq_arena *arena, const int64_t *id, uint32_t n)
{
    mrq_dict *dict = mrq_dict_new();
    mrq_strings ids = {0};
    for (uint32_t i = 0; dict && i < n; i++) {
        char text[24];
        const int size = snprintf(text, sizeof text, "%" PRId64, id[i]);
        mrq_dict_push(dict, text, (size_t)size);
    }
    const mrq_strings all = dict ? mrq_dict_strings(dict) : ids;
    if (mrq_strings_copy(arena, &all, &ids) != 0)
        ids = (mrq_strings){0};
    mrq_dict_free(dict);
    return ids;
}

#endif
