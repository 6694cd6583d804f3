/* What must hold of a table of users or items and of its lists, wherever they come from. */
#ifndef MRQ_TESTS_FUZZ_TABLE_H
#define MRQ_TESTS_FUZZ_TABLE_H

#include <math.h>

#include "base/table.h"
#include "fuzz/fuzz.h"

/* From a file of ours; from data, by a schema that says what values there are; from data alone. Each is held to more. */
typedef enum fuzz_origin { FUZZ_STORED, FUZZ_GIVEN, FUZZ_READ } fuzz_origin;

/* UTF-8; where it is `plain`, without control characters. */
static inline void fuzz_check_strings(const mrq_strings *strings, bool plain)
{
    for (uint32_t i = 0; i < strings->n; i++) {
        const char *text = mrq_strings_at(strings, i);
        FUZZ_CHECK(strlen(text) == mrq_strings_size(strings, i));
        fuzz_check_text(text);
        for (const char *p = text; plain && *p; p++)
            FUZZ_CHECK((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
}

static inline void fuzz_check_lists(const mrq_lists *lists, uint32_t rows, uint32_t limit, bool ascending)
{
    FUZZ_CHECK(lists->offset[0] == 0);
    for (uint32_t row = 0; row < rows; row++) {
        FUZZ_CHECK(lists->offset[row + 1] >= lists->offset[row]);
        for (uint64_t i = lists->offset[row]; i < lists->offset[row + 1]; i++)
            FUZZ_CHECK(lists->item[i] < limit && (!ascending || i == lists->offset[row] || lists->item[i] > lists->item[i - 1]));
    }
}

static inline void fuzz_check_column(const mrq_column *column, uint32_t rows, fuzz_origin origin)
{
    fuzz_check_text(column->name);
    if (column->kind == MRQ_NUMBER) {
        for (uint32_t i = 0; i < rows; i++)
            FUZZ_CHECK(!isinf(column->number[i]));
        return;
    }
    fuzz_check_strings(&column->dict, origin == FUZZ_READ);
    if (column->kind == MRQ_CATEGORY) {
        for (uint32_t i = 0; i < rows; i++)
            FUZZ_CHECK(column->code[i] < column->dict.n);
        for (uint32_t i = 0; column->bound && i < column->dict.n; i++)
            FUZZ_CHECK(isfinite(column->bound[i]) && (!i || column->bound[i] > column->bound[i - 1]));
        FUZZ_CHECK(!column->label.n || column->label.n == column->dict.n);
        fuzz_check_strings(&column->label, false);
        return;
    }
    fuzz_check_lists(&column->list, rows, column->dict.n, column->kind == MRQ_SET && origin != FUZZ_STORED);
    if (column->kind == MRQ_TEXT) {
        FUZZ_CHECK(column->text.n == rows);
        fuzz_check_strings(&column->text, origin != FUZZ_STORED);
    }
}

static inline void fuzz_check_table(const mrq_table *table, fuzz_origin origin)
{
    FUZZ_CHECK(table->rows > 0 && table->n_columns <= MRQ_COLUMNS_MAX);
    for (uint32_t i = 0; i < table->rows; i++) {
        const char *id = mrq_table_id(table, i);
        const size_t size = mrq_strings_size(&table->id, i);
        FUZZ_CHECK(mrq_id_is_valid(id, size) && mrq_table_find(table, id, size) == i);
        FUZZ_CHECK(!i || mrq_id_compare(mrq_table_id(table, i - 1), mrq_strings_size(&table->id, i - 1), id, size) < 0);
    }
    for (uint32_t c = 0; c < table->n_columns; c++) {
        FUZZ_CHECK(mrq_table_column(table, table->column[c].name) == &table->column[c]);
        fuzz_check_column(&table->column[c], table->rows, origin);
    }
}

#endif
