/* Ratings: by far the largest file, read in one pass into arrays whose size is the number of its lines.
 *
 * Ids are mapped to rows by dictionaries filled from the tables. If the schema has no users file, the dictionary numbers users in
 * order of arrival; at the end they are sorted by id and renumbered, so that the users' table is in ascending order like any
 * other. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/parse.h"
#include "dataset/read.h"
#include "dataset/reader.h"

/* years 1 to 9999, so that every time can be printed */
#define TIME_MIN (-62135596800)
#define TIME_MAX 253402300799

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading ratings");
}

/* The columns of the file, the output arrays, and the known ids. */
struct ratings {
    mrq_reader reader;
    const mrq_field *user_field, *item_field, *rating_field, *time_field; /* the last may be NULL */
    const mrq_schema *schema;
    mrq_dict *users, *items; /* known ids; with a table in the order of its rows */
    uint32_t *user, *item;
    float *rating;
    int64_t *time;
    size_t room; /* capacity in ratings */
};

static void clear_ratings_cleanup(struct ratings *r)
{
    mrq_reader_close(&r->reader);
    mrq_dict_free(r->users);
    mrq_dict_free(r->items);
}

static mrq_dict *ids_of(const mrq_table *table)
{
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *ids = mrq_dict_new();
    for (uint32_t row = 0; ids && table && row < table->rows; row++)
        if (mrq_dict_add(ids, mrq_table_id(table, row), mrq_strings_size(&table->id, row)) == MRQ_NONE)
            return NULL;
    mrq_dict *full = ids;
    ids = NULL;
    return full;
}

/* Finds the row of the id in a field. An unknown id is added if there is no file of users; otherwise it is an error. */
static mrq_status find_row(struct ratings *r, const mrq_field *field, mrq_dict *ids, const char *file, uint32_t *row,
                           mrq_error *err)
{
    char scratch[MRQ_ID_SCRATCH], shown[MRQ_SHOWN];
    const mrq_span id = mrq_reader_id(&r->reader, field, scratch);
    *row = mrq_dict_find(ids, id.text, id.size);
    if (*row != MRQ_NONE)
        return MRQ_OK;
    MRQ_TRY(mrq_reader_check_id(&r->reader, field, id, err));
    if (file)
        return mrq_reader_fail(&r->reader, err, "%s %s does not stand in %s", field->name, mrq_show(id, shown), file);
    *row = mrq_dict_add(ids, id.text, id.size);
    return *row == MRQ_NONE ? fail_memory(err) : MRQ_OK;
}

/* Checks that the fields for ids of the current record are valid ids, known or not. */
static mrq_status check_ids(const struct ratings *r, mrq_error *err)
{
    const mrq_field *const fields[] = {r->user_field, r->item_field};
    for (int i = 0; i < 2; i++) {
        char scratch[MRQ_ID_SCRATCH];
        MRQ_TRY(mrq_reader_check_id(&r->reader, fields[i], mrq_reader_id(&r->reader, fields[i], scratch), err));
    }
    return MRQ_OK;
}

/* Reads the current record into index `i`. */
static mrq_status add_rating(struct ratings *r, uint64_t i, bool first, mrq_error *err)
{
    double rating;
    char shown[MRQ_SHOWN];
    const mrq_reader *reader = &r->reader;
    const mrq_span value = reader->field[r->rating_field->place];
    if (!mrq_parse_real(value.text, value.size, r->rating_field->min, r->rating_field->max, &rating))
        return mrq_reader_fail(reader, err, "rating %s, want %g to %g", mrq_show(value, shown), r->rating_field->min,
                               r->rating_field->max);
    r->rating[i] = (float)rating;
    if (r->time_field) {
        const mrq_span time = reader->field[r->time_field->place];
        if (!mrq_parse_int(time.text, time.size, TIME_MIN, TIME_MAX, &r->time[i]))
            return mrq_reader_fail(reader, err, "%s %s, want seconds since 1970", r->time_field->name, mrq_show(time, shown));
    }
    if (first)
        return check_ids(r, err);
    MRQ_TRY(find_row(r, r->user_field, r->users, r->schema->users.file, &r->user[i], err));
    return find_row(r, r->item_field, r->items, r->schema->items.file, &r->item[i], err);
}

/* Makes a table of the users in the ratings, without columns, and renumbers the users. */
static mrq_status make_users(struct ratings *r, uint64_t n, mrq_table **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = mrq_table_new();
    MRQ_AUTOFREE uint32_t *rank = mrq_array(mrq_dict_strings(r->users).n, sizeof *rank);
    if (!table || !rank || mrq_dict_sort(r->users, mrq_id_compare, rank))
        return fail_memory(err);
    const mrq_strings sorted = mrq_dict_strings(r->users);
    if (mrq_strings_copy(table->arena, &sorted, &table->id))
        return fail_memory(err);
    table->rows = sorted.n;
    for (uint64_t i = 0; i < n; i++)
        r->user[i] = rank[r->user[i]];
    *out = table;
    table = NULL;
    return MRQ_OK;
}

static mrq_status start(struct ratings *r, const char *folder, const mrq_schema *schema, bool first, mrq_dataset *data,
                        mrq_error *err)
{
    const mrq_file_schema *file = &schema->ratings;
    r->schema = schema;
    r->user_field = mrq_schema_field(file, MRQ_FIELD_ID, "user");
    r->item_field = mrq_schema_item(file);
    r->rating_field = mrq_schema_field(file, MRQ_FIELD_RATING, NULL);
    r->time_field = mrq_schema_field(file, MRQ_FIELD_TIMESTAMP, NULL);
    MRQ_TRY(mrq_reader_open(&r->reader, folder, file, err));
    const size_t room = r->room = first ? 1 : mrq_reader_bound(&r->reader);
    r->users = ids_of(data->users);
    r->items = ids_of(data->items);
    r->user = mrq_arena_array(data->arena, room, sizeof *r->user);
    r->item = mrq_arena_array(data->arena, room, sizeof *r->item);
    r->rating = mrq_arena_array(data->arena, room, sizeof *r->rating);
    r->time = r->time_field ? mrq_arena_array(data->arena, room, sizeof *r->time) : NULL;
    if (!r->users || !r->items || !r->user || !r->item || !r->rating || (r->time_field && !r->time))
        return fail_memory(err);
    return MRQ_OK;
}

mrq_status mrq_read_ratings(const char *folder, const mrq_schema *schema, bool first, mrq_dataset *data, uint64_t *checksum,
                            mrq_error *err)
{
    MRQ_CLEANUP(clear_ratings) struct ratings r = {0};
    MRQ_TRY(start(&r, folder, schema, first, data, err));
    uint64_t n = 0;
    for (bool more; !first || !n; n++) {
        MRQ_TRY(mrq_reader_next(&r.reader, &more, err));
        if (!more)
            break;
        if (n == r.room)
            return mrq_reader_changed(&r.reader, err);
        if (n == UINT32_MAX)
            return mrq_reader_fail(&r.reader, err, "more than %u ratings", UINT32_MAX);
        MRQ_TRY(add_rating(&r, n, first, err));
    }
    if (!n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: no rows", schema->ratings.file);
    if (!schema->users.file && !first)
        MRQ_TRY(make_users(&r, n, &data->users, err));
    data->n = n;
    data->user = r.user;
    data->item = r.item;
    data->rating = r.rating;
    data->time = r.time;
    data->rating_min = r.rating_field->min;
    data->rating_max = r.rating_field->max;
    *checksum = mrq_checksum(r.reader.map.data, r.reader.map.size);
    return MRQ_OK;
}
