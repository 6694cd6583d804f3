/* Ids that are texts of every kind, for tables that have had whole numbers. */
#ifndef MRQ_TESTS_TEXT_IDS_H
#define MRQ_TESTS_TEXT_IDS_H

#include <inttypes.h>

#include "base/id.h"
#include "base/table.h"
#include "unit/testing.h"

#define ID_OF_15  "xxxxxxxxxxxxxxx"
#define ID_OF_75  ID_OF_15 ID_OF_15 ID_OF_15 ID_OF_15 ID_OF_15
#define ID_OF_255 ID_OF_75 ID_OF_75 ID_OF_75 ID_OF_15 ID_OF_15 /* as long as may be */

enum { TEXT_IDS = 14 };
static const char *const text_ids[TEXT_IDS] = {" 1",  "-1",   "007",       "1.5",  "9 ",      "a\"b", "a,b",
                                               "a\\", "null", "tt0111161", "user", ID_OF_255, "é",    "😀"};

/* What no id can be: nothing, too long, a control character, no UTF-8. */
static const char *const wrong_ids[] = {"",         ID_OF_255 "x", "\x1b[1m",  "a\nb",         "tab\t",   "\x7f",
                                        "\xc2\x85", "\xff",        "cut \xc3", "\xed\xa0\x80", "\xc0\x80"};
enum { WRONG_IDS = sizeof wrong_ids / sizeof *wrong_ids };

/* Gives the rows other ids: 0, 7, 14 and so on, and the last ones texts. Returns those that they had. */
static inline mrq_strings take_text_ids(mrq_table *table)
{
    const mrq_strings before = table->id;
    mrq_dict *dict = mrq_dict_new();
    assert_true(table->rows > TEXT_IDS + 2);
    const uint32_t numbers = table->rows - TEXT_IDS;
    for (uint32_t i = 0; i < table->rows; i++) {
        char number[24];
        snprintf(number, sizeof number, "%" PRIu32, 7 * i);
        const char *id = i < numbers ? number : text_ids[i - numbers];
        assert_int_equal(mrq_dict_push(dict, id, strlen(id)), i);
    }
    const mrq_strings all = mrq_dict_strings(dict);
    assert_int_equal(mrq_strings_copy(table->arena, &all, &table->id), 0);
    mrq_dict_free(dict);
    for (uint32_t i = 1; i < table->rows; i++)
        assert_true(mrq_id_compare(mrq_table_id(table, i - 1), mrq_strings_size(&table->id, i - 1), mrq_table_id(table, i),
                                   mrq_strings_size(&table->id, i)) < 0);
    return before;
}

/* The row of an id, which is there. */
static inline uint32_t row_of(const mrq_table *table, const char *id)
{
    const uint32_t row = mrq_table_find(table, id, strlen(id));
    if (row == MRQ_NONE)
        fail_msg("no row %s", id);
    return row;
}

#endif
