/* Users and items: reads a file into a table, with rows in ascending order of ids whatever the order of the file.
 *
 * Two passes over the file, which stays mapped or in memory. The first splits the records and takes their ids, which are sorted to
 * get the rows. The second reads the records in that order, so every column is built from front to back in its final place. Only
 * dictionary numbers are changed afterwards, when the dictionary is sorted. Rejected: building columns in the order of the file and
 * then permuting each by its kind: more code, for files that are small. */
#include <assert.h>

#include "dataset/read.h"
#include "dataset/table_builder.h"

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading users or items");
}

/* Adds the id of the current record, number `n`, to the dictionary. */
static mrq_status add_id(mrq_reader *reader, const mrq_field *field, const mrq_mark *record, uint32_t n, mrq_dict *ids,
                         mrq_error *err)
{
    char shown[MRQ_SHOWN];
    const mrq_span id = reader->field[field->place];
    MRQ_TRY(mrq_reader_check_id(reader, field, id, err));
    const uint32_t index = mrq_dict_add(ids, id.text, id.size);
    if (index == MRQ_NONE)
        return fail_memory(err);
    char place[MRQ_PLACE];
    if (index != n && (record[index].part != reader->now || reader->from.database))
        return mrq_reader_refuse(reader, MRQ_BAD_TWICE, err, "id %s is already in %s", mrq_show(id, shown),
                                 mrq_reader_place(reader, record[index].part, record[index].line, place));
    if (index != n)
        return mrq_reader_refuse(reader, MRQ_BAD_TWICE, err, "id %s is already in line %llu", mrq_show(id, shown),
                                 (unsigned long long)record[index].line);
    return MRQ_OK;
}

/* Adds the current record, number `n`; where rows may be left out, after its values were tried. */
static mrq_status add_record(mrq_reader *reader, mrq_table_builder *trial, const mrq_field *field, const mrq_mark *record,
                             uint32_t n, mrq_dict *ids, mrq_error *err)
{
    if (trial)
        MRQ_TRY(mrq_builder_try(trial, err));
    return add_id(reader, field, record, n, ids, err);
}

/* Finds all records, in the order of the file, and their ids. */
static mrq_status find_records(mrq_reader *reader, bool users, bool first, mrq_table_builder *trial, mrq_dict *ids, mrq_mark **out,
                               mrq_error *err)
{
    const mrq_field *field = mrq_schema_field(reader->schema, MRQ_FIELD_ID, NULL);
    size_t room = 0;
    mrq_error why;
    MRQ_AUTOFREE mrq_mark *record = NULL;
    uint32_t n = 0;
    for (bool more; !first || !n;) {
        MRQ_TRY(mrq_reader_next(reader, &more, err));
        if (!more)
            break;
        if (mrq_grow(&record, &room, (size_t)n + 1, sizeof *record))
            return fail_memory(err);
        if (n == MRQ_NONE - 1)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: more than %u rows", mrq_reader_name(reader), n);
        if (users && mrq_is_erased(&reader->from, reader->field[field->place].text, reader->field[field->place].size))
            continue;
        record[n] = mrq_reader_mark(reader);
        const mrq_status status = add_record(reader, trial, field, record, n, ids, &why);
        if (status != MRQ_OK)
            MRQ_TRY(mrq_reader_leave_out(reader, status, &why, err));
        else
            n++;
    }
    MRQ_TRY(mrq_reader_judge(reader, err));
    if (!n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: no rows", mrq_reader_name(reader));
    *out = record;
    record = NULL;
    return MRQ_OK;
}

/* Adds the ids of `more` that are new. */
static mrq_status add_more(const mrq_table *more, mrq_dict *ids, mrq_error *err)
{
    for (uint32_t i = 0; more && i < more->rows; i++)
        if (mrq_dict_add(ids, mrq_table_id(more, i), mrq_strings_size(&more->id, i)) == MRQ_NONE)
            return fail_memory(err);
    return MRQ_OK;
}

/* Finds all records, sorted by id, and sets the table's ids. A row without a record has a mark of nothing. */
static mrq_status first_pass(mrq_reader *reader, bool users, bool first, mrq_table_builder *trial, const mrq_table *more,
                             mrq_table *table, mrq_mark **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *ids = mrq_dict_new();
    MRQ_AUTOFREE mrq_mark *found = NULL;
    if (!ids)
        return fail_memory(err);
    MRQ_TRY(find_records(reader, users, first, trial, ids, &found, err));
    assert(found);
    const uint32_t listed = mrq_dict_strings(ids).n;
    MRQ_TRY(add_more(more, ids, err));
    const uint32_t n = mrq_dict_strings(ids).n;
    MRQ_AUTOFREE uint32_t *rank = mrq_array(n, sizeof *rank);
    MRQ_AUTOFREE mrq_mark *record = mrq_array(n, sizeof *record);
    if (!rank || !record || mrq_dict_sort(ids, mrq_id_compare, rank))
        return fail_memory(err);
    for (uint32_t i = 0; i < listed; i++)
        record[rank[i]] = found[i];
    const mrq_strings sorted = mrq_dict_strings(ids);
    if (mrq_strings_copy(table->arena, &sorted, &table->id))
        return fail_memory(err);
    table->rows = n;
    *out = record;
    record = NULL;
    return MRQ_OK;
}

mrq_status mrq_read_table(const mrq_origin *from, const mrq_file_schema *schema, bool users, bool first, const mrq_table *more,
                          mrq_table **out, uint64_t *checksum, mrq_error *err)
{
    MRQ_CLEANUP(mrq_reader_close) mrq_reader reader = {0};
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = mrq_table_new();
    MRQ_CLEANUP(mrq_builder_clear) mrq_table_builder builder = {.reader = &reader, .table = table};
    MRQ_AUTOFREE mrq_mark *record = NULL;
    if (!table)
        return fail_memory(err);
    MRQ_TRY(mrq_reader_open(&reader, from, schema, !first, err));
    MRQ_CLEANUP(mrq_table_free) mrq_table *one = NULL;
    MRQ_CLEANUP(mrq_builder_clear) mrq_table_builder trial = {.reader = &reader};
    if (from->bad)
        MRQ_TRY(mrq_builder_start_trial(&trial, &one, err));
    MRQ_TRY(first_pass(&reader, users, first, one ? &trial : NULL, more, table, &record, err));
    assert(record);
    MRQ_TRY(mrq_builder_start(&builder, err));
    for (uint32_t row = 0; row < table->rows; row++)
        MRQ_TRY(mrq_builder_row(&builder, &record[row], record[row].at != NULL, err));
    MRQ_TRY(mrq_builder_finish(&builder, err));
    *checksum = mrq_sum_value(&reader.sum);
    *out = table;
    table = NULL;
    return MRQ_OK;
}
