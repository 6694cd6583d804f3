/* A file that tells more of users or items that another file, or the events, list: its rows are found by their ids.
 *
 * The first pass notes where the records are and to which row of the table each belongs, the second reads them in the order of the
 * table's rows, as read_table.c does. */
#include "base/log.h"
#include "dataset/read.h"
#include "dataset/table_builder.h"

/* The records whose ids the table has. */
struct found {
    size_t n, room[2];
    mrq_mark *record;
    uint32_t *row;    /* of the table */
    uint64_t others;  /* records of other ids */
    uint64_t *first;  /* (rows + 1) */
    uint32_t *order;  /* (n) the records by rows: those of row r are first[r] .. first[r + 1] - 1 */
    mrq_mark *sorted; /* (n) */
};

static void clear_found_cleanup(struct found *f)
{
    mrq_free(f->record);
    mrq_free(f->row);
    mrq_free(f->first);
    mrq_free(f->order);
    mrq_free(f->sorted);
}

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "joining a file");
}

/* Whether the current record fits; its values are looked at only where rows may be left out. */
static mrq_status check(const mrq_reader *reader, mrq_table_builder *trial, const mrq_field *field, mrq_error *err)
{
    if (trial)
        MRQ_TRY(mrq_builder_try(trial, err));
    return mrq_reader_check_id(reader, field, reader->field[field->place], err);
}

static mrq_status find_records(mrq_reader *reader, mrq_table_builder *trial, const mrq_table *table, struct found *f,
                               mrq_error *err)
{
    const mrq_field *field = mrq_schema_field(reader->schema, MRQ_FIELD_ID, NULL);
    mrq_error why;
    for (bool more;;) {
        MRQ_TRY(mrq_reader_next(reader, &more, err));
        if (!more)
            return mrq_reader_judge(reader, err);
        const mrq_status status = check(reader, trial, field, &why);
        if (status != MRQ_OK) {
            MRQ_TRY(mrq_reader_leave_out(reader, status, &why, err));
            continue;
        }
        const mrq_span id = reader->field[field->place];
        const uint32_t row = mrq_table_find(table, id.text, id.size);
        if (row == MRQ_NONE) {
            f->others++;
            continue;
        }
        if (f->n == UINT32_MAX)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: more than %u rows", mrq_reader_name(reader), UINT32_MAX);
        if (mrq_grow(&f->record, &f->room[0], f->n + 1, sizeof *f->record) ||
            mrq_grow(&f->row, &f->room[1], f->n + 1, sizeof *f->row))
            return fail_memory(err);
        f->record[f->n] = mrq_reader_mark(reader);
        f->row[f->n++] = row;
    }
}

static mrq_status sort_records(const mrq_table *table, struct found *f, mrq_error *err)
{
    f->first = mrq_array((size_t)table->rows + 1, sizeof *f->first);
    f->order = mrq_array(f->n, sizeof *f->order);
    f->sorted = mrq_array(f->n, sizeof *f->sorted);
    if (!f->first || !f->order || !f->sorted || mrq_list_group(NULL, f->n, f->row, table->rows, f->first, f->order))
        return fail_memory(err);
    for (size_t i = 0; i < f->n; i++)
        f->sorted[i] = f->record[f->order[i]];
    return MRQ_OK;
}

/* Several rows of one id make sets; of any other kind a column has one value. */
static mrq_status check_several(mrq_reader *reader, const mrq_table *table, const struct found *f, mrq_error *err)
{
    const mrq_field *one = NULL;
    for (uint32_t i = 0; i < reader->schema->n_fields && !one; i++) {
        const mrq_field *field = &reader->schema->field[i];
        if (field->kind != MRQ_FIELD_ID && field->kind != MRQ_FIELD_SET && field->kind != MRQ_FIELD_IGNORE)
            one = field;
    }
    for (uint32_t row = 0; one && row < table->rows; row++) {
        const uint64_t at = f->first[row];
        char shown[MRQ_SHOWN];
        bool more;
        if (f->first[row + 1] - at < 2)
            continue;
        mrq_reader_seek(reader, &f->sorted[at + 1]);
        MRQ_TRY(mrq_reader_next(reader, &more, err));
        const mrq_span id = {mrq_table_id(table, row), mrq_strings_size(&table->id, row)};
        return mrq_reader_fail(reader, err, "id %s is already in %s:%llu; where an id has several rows, %s must be of kind set",
                               mrq_show(id, shown), f->sorted[at].part->name, (unsigned long long)f->sorted[at].line, one->name);
    }
    return MRQ_OK;
}

mrq_status mrq_read_join(const mrq_origin *from, const mrq_file_schema *schema, mrq_table *table, uint64_t *checksum,
                         mrq_error *err)
{
    MRQ_CLEANUP(mrq_reader_close) mrq_reader reader = {0};
    MRQ_CLEANUP(clear_found) struct found found = {0};
    MRQ_CLEANUP(mrq_builder_clear) mrq_table_builder builder = {.reader = &reader, .table = table};
    MRQ_TRY(mrq_reader_open(&reader, from, schema, true, err));
    MRQ_CLEANUP(mrq_table_free) mrq_table *one = NULL;
    MRQ_CLEANUP(mrq_builder_clear) mrq_table_builder trial = {.reader = &reader};
    if (from->bad)
        MRQ_TRY(mrq_builder_start_trial(&trial, &one, err));
    MRQ_TRY(find_records(&reader, one ? &trial : NULL, table, &found, err));
    const unsigned long long others = found.others, all = found.n + found.others;
    if (!all)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: no rows", mrq_reader_name(&reader));
    if (!found.n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: none of its %llu rows has an id of the %u %s, want ids such as \"%.40s\"",
                        schema->file, all, table->rows, table->noun.many, mrq_table_id(table, 0));
    if (others)
        mrq_log(MRQ_LOG_INFO, "data", "%s: %llu of %llu rows are of ids that no %s has, and are left alone", schema->file, others,
                all, table->noun.one);
    MRQ_TRY(sort_records(table, &found, err));
    MRQ_TRY(check_several(&reader, table, &found, err));
    MRQ_TRY(mrq_builder_start(&builder, err));
    for (uint32_t row = 0; row < table->rows; row++)
        MRQ_TRY(mrq_builder_row(&builder, &found.sorted[found.first[row]], found.first[row + 1] - found.first[row], err));
    MRQ_TRY(mrq_builder_finish(&builder, err));
    *checksum = mrq_sum_value(&reader.sum);
    return MRQ_OK;
}
