/* What the doors of the .mrq files share. Almost every change of such a file is found by its checksum, so each input is tried
 * twice: as it is, and with a header that vouches for the rest. */
#ifndef MRQ_TESTS_FUZZ_CONTAINER_H
#define MRQ_TESTS_FUZZ_CONTAINER_H

#include <math.h>

#include "base/container.h"
#include "base/digest.h"
#include "base/table.h"
#include "fuzz/fuzz.h"

/* A file of tests/fixtures; the tests and tools/fuzz run where it is found. */
static inline const char *fuzz_fixture(const char *name)
{
    static char path[4096];
    const char *source = getenv("MRQ_SOURCE");
    snprintf(path, sizeof path, "%s/tests/fixtures/%s", source ? source : ".", name);
    return path;
}

/* The file as it is, and as if its writer had meant it so: magic, byte order, format, size and checksum are right; kind and version
 * are left, because the seeds have them. */
static inline void fuzz_container(const uint8_t *data, size_t size, void (*door)(const char *path))
{
    static const uint32_t order = 0x01020304, format = 1;
    door(fuzz_file(0, data, size));
    if (size < MRQ_ALIGN)
        return;
    uint8_t *mended = malloc(size);
    FUZZ_CHECK(mended);
    const uint64_t bytes = size, zero = 0;
    memcpy(mended, data, size);
    memcpy(mended, "MARQUEE\n", 8);
    memcpy(mended + 20, &order, sizeof order);
    memcpy(mended + 28, &format, sizeof format);
    memcpy(mended + 32, &bytes, sizeof bytes);
    memcpy(mended + 40, &zero, sizeof zero);
    const uint64_t checksum = mrq_checksum(mended, size);
    memcpy(mended + 40, &checksum, sizeof checksum);
    door(fuzz_file(0, mended, size));
    free(mended);
}

static inline void fuzz_check_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        FUZZ_CHECK(isfinite(x[i]));
}

static inline void fuzz_check_strings(const mrq_strings *strings)
{
    for (uint32_t i = 0; i < strings->n; i++) {
        FUZZ_CHECK(strlen(mrq_strings_at(strings, i)) == mrq_strings_size(strings, i));
        fuzz_check_text(mrq_strings_at(strings, i));
    }
}

static inline void fuzz_check_items(const mrq_lists *lists, uint32_t rows, uint32_t limit)
{
    FUZZ_CHECK(lists->offset[0] == 0);
    for (uint32_t row = 0; row < rows; row++) {
        FUZZ_CHECK(lists->offset[row + 1] >= lists->offset[row]);
        for (uint64_t i = lists->offset[row]; i < lists->offset[row + 1]; i++)
            FUZZ_CHECK(lists->item[i] < limit);
    }
}

/* As safe as one that was read from a data set. */
static inline void fuzz_check_columns(const mrq_table *table)
{
    FUZZ_CHECK(table->rows > 0 && table->n_columns <= MRQ_COLUMNS_MAX);
    for (uint32_t i = 0; i < table->rows; i++)
        FUZZ_CHECK(table->id[i] >= 0 && mrq_table_find(table, table->id[i]) == i);
    for (uint32_t c = 0; c < table->n_columns; c++) {
        const mrq_column *column = &table->column[c];
        fuzz_check_text(column->name);
        FUZZ_CHECK(mrq_table_column(table, column->name) == column);
        if (column->kind != MRQ_NUMBER)
            fuzz_check_strings(&column->dict);
        for (uint32_t i = 0; column->kind == MRQ_CATEGORY && i < table->rows; i++)
            FUZZ_CHECK(column->code[i] < column->dict.n);
        for (uint32_t i = 1; column->kind == MRQ_CATEGORY && column->bound && i < column->dict.n; i++)
            FUZZ_CHECK(isfinite(column->bound[i]) && column->bound[i] > column->bound[i - 1]);
        if (column->kind == MRQ_CATEGORY && column->label.n) {
            FUZZ_CHECK(column->label.n == column->dict.n);
            fuzz_check_strings(&column->label);
        }
        for (uint32_t i = 0; column->kind == MRQ_NUMBER && i < table->rows; i++)
            FUZZ_CHECK(!isinf(column->number[i]));
        if (column->kind == MRQ_SET || column->kind == MRQ_TEXT)
            fuzz_check_items(&column->list, table->rows, column->dict.n);
        if (column->kind == MRQ_TEXT) {
            FUZZ_CHECK(column->text.n == table->rows);
            fuzz_check_strings(&column->text);
        }
    }
}

#endif
