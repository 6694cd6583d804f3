/* Ratings: by far the largest file, read in one pass into arrays that are sized by its number of lines.
 *
 * Ids become rows through hash maps filled from the tables. Where the schema has no file of users, the map numbers users as they
 * come, and once all are known their ids are sorted and the numbers changed, so that the table of users ascends by id like any
 * other. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/parse.h"
#include "dataset/read.h"
#include "dataset/reader.h"

/* Years 1 to 9999, so that every time can be printed. */
#define TIME_MIN (-62135596800)
#define TIME_MAX 253402300799

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading ratings");
}

/* Columns of the file, places to put them, and what is known about ids. */
struct ratings {
    mrq_reader reader;
    const mrq_field *user_field, *item_field, *rating_field, *time_field; /* the last may be NULL */
    const mrq_schema *schema;
    mrq_idmap *users, *items;
    int64_t *new_user; /* ids in order of arrival, where the ratings make the users */
    size_t new_users, new_user_room;
    uint32_t *user, *item;
    float *rating;
    int64_t *time;
    size_t room; /* for ratings */
};

static void clear_ratings_cleanup(struct ratings *r)
{
    mrq_reader_close(&r->reader);
    mrq_idmap_free(r->users);
    mrq_idmap_free(r->items);
    mrq_free(r->new_user);
}

static mrq_idmap *map_ids(const mrq_table *table)
{
    MRQ_CLEANUP(mrq_idmap_free) mrq_idmap *map = mrq_idmap_new();
    for (uint32_t row = 0; map && table && row < table->rows; row++)
        if (mrq_idmap_add(map, table->id[row], row) == MRQ_NONE)
            return NULL;
    mrq_idmap *full = map;
    map = NULL;
    return full;
}

static mrq_status fail_unknown(const struct ratings *r, const mrq_field *field, int64_t id, const char *file, mrq_error *err)
{
    return mrq_reader_fail(&r->reader, err, "%s %lld does not stand in %s", field->name, (long long)id, file);
}

static mrq_status find_user(struct ratings *r, int64_t id, uint32_t *row, mrq_error *err)
{
    if (r->schema->users.file) {
        *row = mrq_idmap_find(r->users, id);
        return *row == MRQ_NONE ? fail_unknown(r, r->user_field, id, r->schema->users.file, err) : MRQ_OK;
    }
    *row = mrq_idmap_add(r->users, id, (uint32_t)r->new_users);
    if (*row == MRQ_NONE || mrq_grow(&r->new_user, &r->new_user_room, r->new_users + 1, sizeof *r->new_user))
        return fail_memory(err);
    if (*row == r->new_users)
        r->new_user[r->new_users++] = id;
    return MRQ_OK;
}

/* The current record into place `i`. */
static mrq_status add_rating(struct ratings *r, uint64_t i, bool first, mrq_error *err)
{
    int64_t user, item;
    double rating;
    char shown[MRQ_SHOWN];
    const mrq_reader *reader = &r->reader;
    MRQ_TRY(mrq_reader_id(reader, r->user_field, &user, err));
    MRQ_TRY(mrq_reader_id(reader, r->item_field, &item, err));
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
        return MRQ_OK;
    MRQ_TRY(find_user(r, user, &r->user[i], err));
    r->item[i] = mrq_idmap_find(r->items, item);
    return r->item[i] == MRQ_NONE ? fail_unknown(r, r->item_field, item, r->schema->items.file, err) : MRQ_OK;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A table of the users that the ratings named, without columns; numbers them anew. */
static mrq_status make_users(struct ratings *r, uint64_t n, mrq_table **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = mrq_table_new();
    int64_t *id = table ? mrq_arena_array(table->arena, r->new_users, sizeof *id) : NULL;
    MRQ_AUTOFREE uint32_t *rank = mrq_array(r->new_users, sizeof *rank);
    if (!id || !rank)
        return fail_memory(err);
    memcpy(id, r->new_user, r->new_users * sizeof *id);
    qsort(id, r->new_users, sizeof *id, compare_ids);
    table->rows = (uint32_t)r->new_users;
    table->id = id;
    for (uint32_t i = 0; i < table->rows; i++)
        rank[i] = mrq_table_find(table, r->new_user[i]);
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
    r->item_field = mrq_schema_field(file, MRQ_FIELD_ID, "item");
    r->rating_field = mrq_schema_field(file, MRQ_FIELD_RATING, NULL);
    r->time_field = mrq_schema_field(file, MRQ_FIELD_TIMESTAMP, NULL);
    MRQ_TRY(mrq_reader_open(&r->reader, folder, file, err));
    const size_t room = r->room = first ? 1 : mrq_reader_bound(&r->reader);
    r->users = map_ids(data->users);
    r->items = map_ids(data->items);
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
