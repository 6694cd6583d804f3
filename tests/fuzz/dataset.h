/* What the fuzz targets of data sets share: three files of bytes, read through a schema, and what must hold of what is taken. */
#ifndef MRQ_TESTS_FUZZ_DATASET_H
#define MRQ_TESTS_FUZZ_DATASET_H

#include "dataset/read.h"
#include "fuzz/table.h"

static inline void fuzz_check_ratings(const mrq_dataset *data)
{
    FUZZ_CHECK(data->n > 0 && data->rating_min < data->rating_max);
    for (uint64_t i = 0; i < data->n; i++) {
        FUZZ_CHECK(data->user[i] < data->users->rows && data->item[i] < data->items->rows);
        FUZZ_CHECK(data->rating[i] >= (float)data->rating_min && data->rating[i] <= (float)data->rating_max);
    }
}

/* What the whole is taken for, its first lines are taken for, too. */
static inline void fuzz_check_first(const mrq_schema *schema)
{
    const mrq_origin from = {.folder = "/proc/self/fd"};
    mrq_error err = {0};
    uint64_t checksum[3];
    const mrq_file_schema *files[] = {&schema->users, &schema->items};
    for (int i = 0; i < 2; i++) {
        mrq_table *table = NULL;
        if (!files[i]->file)
            continue;
        FUZZ_CHECK(mrq_read_table(&from, files[i], false, true, NULL, &table, &checksum[i], &err) == MRQ_OK);
        mrq_table_free(table);
    }
    mrq_dataset first = {.arena = mrq_arena_new()};
    FUZZ_CHECK(first.arena && mrq_read_events(&from, schema, true, &first, checksum, &err) == MRQ_OK);
    mrq_arena_free(first.arena);
}

/* Leaving out what does not fit: where all fits nothing is left out, and else what is left is a data set like any other. */
static inline void fuzz_leave_out(const mrq_schema *schema, const mrq_dataset *whole, fuzz_origin origin)
{
    mrq_error err = {0};
    mrq_dataset *read = NULL;
    mrq_bad bad = {.share = 1};
    const mrq_status status = mrq_dataset_load_most("/proc/self/fd", schema, &bad, &read, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE) | (origin == FUZZ_GIVEN ? FUZZ_ALLOW(MRQ_NOT_FOUND) : 0));
    FUZZ_CHECK(!whole || (read && read->n == whole->n && !mrq_bad_total(&bad.all) && read->fingerprint == whole->fingerprint));
    FUZZ_CHECK(!read || whole || mrq_bad_total(&bad.all));
    if (read) {
        fuzz_check_table(read->users, origin);
        fuzz_check_table(read->items, origin);
        fuzz_check_ratings(read);
    }
    mrq_dataset_free(read);
    mrq_bad_clear(&bad);
}

/* Users, items and ratings stand in the input one behind the other, with marks between them (fuzz_part()). They are the files 200,
 * 201 and 202 of the schema; one without users has no first part. */
static inline void fuzz_dataset(const mrq_schema *schema, const uint8_t *data, size_t size, fuzz_origin origin)
{
    size_t at = 0, part_size;
    for (int i = schema->users.file ? 0 : 1; i < 3; i++) {
        const char *part = fuzz_part(data, size, &at, &part_size);
        fuzz_file(i, part ? part : "", part_size);
    }
    mrq_error err = {0};
    mrq_dataset *read = NULL;
    const mrq_status status = mrq_dataset_load("/proc/self/fd", schema, &read, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE) | (origin == FUZZ_GIVEN ? FUZZ_ALLOW(MRQ_NOT_FOUND) : 0));
    FUZZ_CHECK((read != NULL) == (status == MRQ_OK));
    fuzz_leave_out(schema, read, origin);
    if (!read)
        return;
    fuzz_check_table(read->users, origin);
    fuzz_check_table(read->items, origin);
    fuzz_check_ratings(read);
    fuzz_check_first(schema);
    mrq_dataset_free(read);
}

/* The same through a schema's text. */
static inline void fuzz_through(const char *text, const uint8_t *data, size_t size)
{
    static mrq_schema *schema;
    if (!schema)
        FUZZ_CHECK(mrq_schema_parse(text, strlen(text), "fuzz.json", &schema, NULL) == MRQ_OK);
    fuzz_dataset(schema, data, size, FUZZ_READ);
}

/* The same through a shipped schema, its files renamed. */
static inline void fuzz_shipped(const char *name, const uint8_t *data, size_t size)
{
    static mrq_schema *schema;
    if (!schema) {
        FUZZ_CHECK(mrq_schema_load(name, &schema, NULL) == MRQ_OK);
        schema->users.file = schema->users.file ? "200" : NULL;
        schema->items.file = "201";
        schema->events.file = "202";
    }
    fuzz_dataset(schema, data, size, FUZZ_READ);
}

#endif
