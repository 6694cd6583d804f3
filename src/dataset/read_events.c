/* Events: by far the largest file, read in one pass into arrays that grow, since a stream does not say how long it is.
 *
 * Ids are mapped to rows by dictionaries filled from the tables. If the schema has no file of users, or of items, the dictionary
 * numbers them in order of arrival; at the end they are sorted by id and renumbered, so that the table is in ascending order like
 * any other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "dataset/read.h"
#include "dataset/reader.h"
#include "dataset/timestamp.h"
#include "dataset/value.h"

static mrq_status fail_memory(mrq_error *err)
{
    return mrq_fail_memory(err, "reading events");
}

/* The columns of the file, the output arrays, and the known ids. */
struct events {
    mrq_reader reader;
    const mrq_field *user_field, *item_field, *value_field, *time_field; /* the last two may be NULL */
    const mrq_schema *schema;
    mrq_dict *users, *items; /* known ids; with a table in the order of its rows */
    uint32_t *user, *item;
    float *rating;
    int64_t *time;
    uint64_t left_out;   /* records whose value says that there was no event */
    uint64_t erased;     /* records of users who are erased, counted there, too */
    uint64_t n, newer;   /* events, while newer ones are taken, and how many of these */
    double best;         /* the highest rating of the files */
    double worst;        /* and the lowest */
    mrq_dict *forgotten; /* "row row" of pairs whose older events do not count */
    uint64_t *until;     /* (forgotten) those before this one */
    size_t until_room;
    size_t room;       /* capacity in events */
    char folder[4096]; /* of a file that is not the schema's, and its form */
    mrq_file_schema file;
};

static void clear_events_cleanup(struct events *r)
{
    mrq_reader_close(&r->reader);
    mrq_dict_free(r->users);
    mrq_dict_free(r->items);
    mrq_free(r->user);
    mrq_free(r->item);
    mrq_free(r->rating);
    mrq_free(r->time);
    mrq_dict_free(r->forgotten);
    mrq_free(r->until);
}

/* Makes room for event number `n`. */
static mrq_status make_room(struct events *r, uint64_t n, mrq_error *err)
{
    if (n < r->room)
        return MRQ_OK;
    size_t room[4] = {r->room, r->room, r->room, r->room};
    const size_t need = (size_t)n + 1;
    if (mrq_grow_lazily(&r->user, &room[0], need, sizeof *r->user) || mrq_grow_lazily(&r->item, &room[1], need, sizeof *r->item) ||
        mrq_grow_lazily(&r->rating, &room[2], need, sizeof *r->rating) ||
        (r->time_field && mrq_grow_lazily(&r->time, &room[3], need, sizeof *r->time)))
        return fail_memory(err);
    r->room = room[0];
    return MRQ_OK;
}

/* Makes the data set the owner of the arrays, without the room behind the last event. */
static mrq_status hand_over(struct events *r, uint64_t n, mrq_dataset *data, mrq_error *err)
{
    mrq_shrink(&r->user, n, sizeof *r->user);
    mrq_shrink(&r->item, n, sizeof *r->item);
    mrq_shrink(&r->rating, n, sizeof *r->rating);
    mrq_shrink(&r->time, n, sizeof *r->time);
    data->n = n;
    data->user = r->user;
    data->item = r->item;
    data->rating = r->rating;
    data->time = r->time;
    void *const arrays[] = {r->user, r->item, r->rating, r->time};
    r->user = r->item = NULL;
    r->rating = NULL;
    r->time = NULL;
    int failed = 0;
    for (int i = 0; i < 4; i++)
        if (mrq_arena_own(data->arena, arrays[i])) {
            mrq_free(arrays[i]);
            failed = -1;
        }
    return failed ? fail_memory(err) : MRQ_OK;
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

/* The name of the file that lists all such ids; NULL when the events may have others. */
static const char *list_of(const mrq_file_schema *table)
{
    return table->take ? NULL : table->file;
}

/* Finds the row of the id in a field, or MRQ_NONE for a new id that may be added. */
static mrq_status find_row(const struct events *r, const mrq_field *field, const mrq_dict *ids, const mrq_file_schema *table,
                           uint32_t *row, mrq_error *err)
{
    char shown[MRQ_SHOWN];
    const mrq_span id = r->reader.field[field->place];
    *row = mrq_dict_find(ids, id.text, id.size);
    if (*row != MRQ_NONE)
        return MRQ_OK;
    MRQ_TRY(mrq_reader_check_id(&r->reader, field, id, err));
    return list_of(table) ? mrq_reader_refuse(&r->reader, MRQ_BAD_UNLISTED, err, "%s %s is not in %s", field->name,
                                              mrq_show(id, shown), list_of(table))
                          : MRQ_OK;
}

static mrq_status add_id(const struct events *r, const mrq_field *field, mrq_dict *ids, uint32_t *row, mrq_error *err)
{
    const mrq_span id = r->reader.field[field->place];
    if (*row == MRQ_NONE)
        *row = mrq_dict_add(ids, id.text, id.size);
    return *row == MRQ_NONE ? fail_memory(err) : MRQ_OK;
}

/* Checks that the fields for ids of the current record are valid ids, known or not. */
static mrq_status check_ids(const struct events *r, mrq_error *err)
{
    const mrq_field *const fields[] = {r->user_field, r->item_field};
    for (int i = 0; i < 2; i++)
        MRQ_TRY(mrq_reader_check_id(&r->reader, fields[i], r->reader.field[fields[i]->place], err));
    return MRQ_OK;
}

/* An unknown time is 0. */
static mrq_status read_time(const struct events *r, int64_t *out, mrq_error *err)
{
    char shown[MRQ_SHOWN], want[MRQ_TIME_WANT];
    const mrq_span time = r->reader.field[r->time_field->place];
    *out = 0;
    if (mrq_reader_is_null(&r->reader, r->time_field) || mrq_time_read(time, r->time_field, out))
        return MRQ_OK;
    return mrq_reader_refuse(&r->reader, MRQ_BAD_TIME, err, "%s %s, want %s", r->time_field->name, mrq_show(time, shown),
                             mrq_time_want(r->time_field, want));
}

static void expect(const struct events *r, const mrq_field *field, const mrq_dict *ids)
{
    const mrq_span id = r->reader.field[field->place];
    mrq_dict_expect(ids, id.text, id.size);
}

/* Reads the current record into index `i`, unless it is no event. */
static mrq_status add_event(struct events *r, uint64_t i, bool first, bool *event, mrq_error *err)
{
    expect(r, r->user_field, r->users);
    expect(r, r->item_field, r->items);
    MRQ_TRY(mrq_value_read(&r->reader, r->value_field, &r->rating[i], event, err));
    if (!*event)
        return MRQ_OK;
    if (r->time_field)
        MRQ_TRY(read_time(r, &r->time[i], err));
    if (first)
        return check_ids(r, err);
    const mrq_span user = r->reader.field[r->user_field->place];
    if (mrq_is_erased(&r->reader.from, user.text, user.size)) {
        r->erased++;
        *event = false;
        return MRQ_OK;
    }
    MRQ_TRY(find_row(r, r->user_field, r->users, &r->schema->users, &r->user[i], err));
    MRQ_TRY(find_row(r, r->item_field, r->items, &r->schema->items, &r->item[i], err));
    MRQ_TRY(add_id(r, r->user_field, r->users, &r->user[i], err)); /* not before all is known to fit */
    return add_id(r, r->item_field, r->items, &r->item[i], err);
}

/* Makes a table of the ids in the events, without columns, and renumbers the events' rows. */
static mrq_status make_table(mrq_dict *ids, uint32_t *row, uint64_t n, mrq_table **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = mrq_table_new();
    MRQ_AUTOFREE uint32_t *rank = mrq_array(mrq_dict_strings(ids).n, sizeof *rank);
    if (!table || !rank || mrq_dict_sort(ids, mrq_id_compare, rank))
        return fail_memory(err);
    const mrq_strings sorted = mrq_dict_strings(ids);
    if (mrq_strings_copy(table->arena, &sorted, &table->id))
        return fail_memory(err);
    table->rows = sorted.n;
    for (uint64_t i = 0; i < n; i++)
        row[i] = rank[row[i]];
    *out = table;
    table = NULL;
    return MRQ_OK;
}

static mrq_status start(struct events *r, const mrq_schema *schema, mrq_dataset *data, mrq_error *err)
{
    const mrq_file_schema *file = &schema->events;
    r->schema = schema;
    r->user_field = mrq_schema_field(file, MRQ_FIELD_ID, "user");
    r->item_field = mrq_schema_item(file);
    r->value_field = mrq_schema_value(file);
    r->time_field = mrq_schema_field(file, MRQ_FIELD_TIMESTAMP, NULL);
    r->users = ids_of(data->users);
    r->items = ids_of(data->items);
    return r->users && r->items ? MRQ_OK : fail_memory(err);
}

/* Opens the schema's file of events, or another of its form, unless `path` is NULL. */
static mrq_status open_file(struct events *r, const mrq_origin *from, const char *path, mrq_error *err)
{
    if (!path)
        return mrq_reader_open(&r->reader, from, &r->schema->events, false, err);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t size = slash ? (size_t)(slash - path) : 1;
    if (size >= sizeof r->folder)
        return mrq_fail(err, MRQ_FAILED, "the path %.60s... is too long", path);
    memcpy(r->folder, slash ? path : ".", size);
    r->folder[size] = '\0';
    r->file = r->schema->events;
    r->file.file = name;
    return mrq_reader_open(&r->reader, &(mrq_origin){.folder = r->folder, .bad = from->bad}, &r->file, false, err);
}

/* What events of this data say, for those to come. */
static void mean(const mrq_field *field, mrq_dataset *data)
{
    mrq_meaning *m = &data->meaning;
    *m = (mrq_meaning){MRQ_VALUE_NONE, .min = data->rating_min, .max = data->rating_max, .like_from = data->like_from};
    if (field)
        m->value = field->kind == MRQ_FIELD_RATING  ? MRQ_VALUE_RATING
                   : field->kind == MRQ_FIELD_COUNT ? MRQ_VALUE_COUNT
                                                    : MRQ_VALUE_ACTION;
    for (uint32_t i = 0; m->value == MRQ_VALUE_ACTION && i < field->values.n && m->n_actions < MRQ_ACTIONS_MAX; i++)
        if (mrq_strings_size(&field->values, i) < MRQ_ACTION_NAME) {
            strcpy(m->action[m->n_actions].name, mrq_strings_at(&field->values, i));
            m->action[m->n_actions++].weight = field->weight[i];
        }
}

/* What the values say: one for each user and item, their range, and which are likes. */
static void judge(const struct events *r, uint64_t n, mrq_dataset *data)
{
    const mrq_field *field = r->value_field;
    double min = INFINITY, max = -INFINITY;
    for (uint64_t i = 0; i < n; i++) {
        const double seen = (double)(r->rating[i] = mrq_value_seen(field, (double)r->rating[i]));
        min = seen < min ? seen : min;
        max = seen > max ? seen : max;
    }
    const bool ranged = field && field->kind == MRQ_FIELD_RATING && !isnan(field->min);
    data->rating_min = ranged ? field->min : min;
    data->rating_max = ranged ? field->max : max;
    const double from = r->schema->like_from;
    data->like_from = isnan(from) ? mrq_value_like(field, data->rating_min, data->rating_max) : from;
    data->like = isinf(data->like_from) ? data->like_from : mrq_value_seen(field, data->like_from);
    for (uint64_t i = 0; i < n; i++)
        data->likes += (double)r->rating[i] >= data->like;
    mean(field, data);
}

/* The table of a file that need not list all ids, with a row for each of the events' too; renumbers the events' rows. */
static mrq_status take_unlisted(const mrq_origin *from, const mrq_file_schema *schema, bool users, mrq_table **table, uint32_t *row,
                                uint64_t n, uint64_t *checksum, mrq_error *err)
{
    MRQ_CLEANUP(mrq_table_free) mrq_table *ids = *table;
    *table = NULL;
    MRQ_TRY(mrq_read_table(from, schema, users, false, ids, table, checksum, err));
    MRQ_AUTOFREE uint32_t *at = mrq_array(ids->rows, sizeof *at);
    if (!at)
        return fail_memory(err);
    for (uint32_t i = 0; i < ids->rows; i++)
        at[i] = mrq_table_find(*table, mrq_table_id(ids, i), mrq_strings_size(&ids->id, i));
    for (uint64_t i = 0; i < n; i++)
        row[i] = at[row[i]];
    return MRQ_OK;
}

/* Makes the table of one side from the events' ids, if its file does not list them. */
static mrq_status finish_table(const mrq_origin *from, const mrq_file_schema *schema, bool users, mrq_dict *ids, uint32_t *row,
                               uint64_t n, mrq_table **table, uint64_t *checksum, mrq_error *err)
{
    if (list_of(schema) && mrq_dict_strings(ids).n == (*table)->rows)
        return MRQ_OK; /* no newer event has brought another */
    mrq_table_free(*table);
    *table = NULL;
    MRQ_TRY(make_table(ids, row, n, table, err));
    return schema->file ? take_unlisted(from, schema, users, table, row, n, checksum, err) : MRQ_OK;
}

/* Makes one event of several of one user and item, of the `n` events from number `first` on, and moves them to number `to`. */
static mrq_status merge(struct events *r, uint64_t first, uint64_t *n, uint64_t to, const mrq_dataset *data, mrq_error *err)
{
    mrq_event_list list = {*n,
                           data->users->rows,
                           data->items->rows,
                           r->user + first,
                           r->item + first,
                           r->rating + first,
                           r->time ? r->time + first : NULL};
    MRQ_TRY(mrq_value_merge(&list, mrq_value_adds(r->value_field), err));
    memmove(r->user + to, list.user, list.n * sizeof *r->user);
    memmove(r->item + to, list.item, list.n * sizeof *r->item);
    memmove(r->rating + to, list.value, list.n * sizeof *r->rating);
    if (r->time)
        memmove(r->time + to, list.time, list.n * sizeof *r->time);
    *n = list.n;
    return MRQ_OK;
}

/* Finishes the tables; the first `n_train` of the `n` events are of another file than the rest. */
static mrq_status finish(struct events *r, const mrq_origin *from, uint64_t n, uint64_t n_train, mrq_dataset *data,
                         uint64_t checksum[3], mrq_error *err)
{
    MRQ_TRY(finish_table(from, &r->schema->users, true, r->users, r->user, n, &data->users, &checksum[0], err));
    MRQ_TRY(finish_table(from, &r->schema->items, false, r->items, r->item, n, &data->items, &checksum[1], err));
    uint64_t n_test = n - n_train;
    data->n_train = n_train;
    MRQ_TRY(merge(r, 0, &data->n_train, 0, data, err));
    MRQ_TRY(merge(r, n_train, &n_test, data->n_train, data, err));
    data->repeated = n - data->n_train - n_test;
    data->left_out = r->left_out - r->erased;
    data->newer = r->newer;
    judge(r, data->n_train + n_test, data);
    return hand_over(r, data->n_train + n_test, data, err);
}

/* Why there is no event. */
static mrq_status fail_empty(const struct events *r, mrq_error *err)
{
    const char *name = mrq_reader_name(&r->reader);
    if (r->left_out)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: no events: the values of all %llu rows are null or 0", name,
                        (unsigned long long)r->left_out);
    return mrq_fail(err, MRQ_BAD_FILE, "%s: no rows", name);
}

/* Reads a file behind the `n` events that there are. */
static mrq_status read_file(struct events *r, bool first, uint64_t *n, uint64_t *checksum, mrq_error *err)
{
    const uint64_t before = *n;
    mrq_error why;
    for (bool more; !first || *n == before;) {
        bool event = false;
        MRQ_TRY(mrq_reader_next(&r->reader, &more, err));
        if (!more)
            break;
        if (*n == UINT32_MAX)
            return mrq_fail(err, MRQ_BAD_FILE, "%s: more than %u events", mrq_reader_name(&r->reader), UINT32_MAX);
        MRQ_TRY(make_room(r, *n, err));
        const mrq_status status = add_event(r, *n, first, &event, &why);
        if (status != MRQ_OK)
            MRQ_TRY(mrq_reader_leave_out(&r->reader, status, &why, err));
        else if (event)
            ++*n;
        else
            r->left_out++;
    }
    MRQ_TRY(mrq_reader_judge(&r->reader, err));
    *checksum = mrq_sum_value(&r->reader.sum);
    return *n == before ? fail_empty(r, err) : MRQ_OK;
}

/* --- Newer events --- */

/* The value of a newer event in the units of the file; false when it is none. */
static bool newer_value(const struct events *r, const mrq_newer_event *event, float *out)
{
    const mrq_field *field = r->value_field;
    const bool likes = event->kind && strcmp(event->kind, MRQ_KIND_LIKE) == 0,
               dislikes = event->kind && strcmp(event->kind, MRQ_KIND_DISLIKE) == 0;
    double value = event->value;
    if (field && field->kind == MRQ_FIELD_ACTION) {
        const uint32_t code = event->kind ? mrq_strings_find(&field->values, event->kind) : MRQ_NONE;
        value = code != MRQ_NONE ? field->weight[code]
                : likes          ? mrq_value_like(field, 0, 0)
                : dislikes       ? -mrq_value_like(field, 0, 0)
                                 : 0;
        *out = (float)value;
        return value < 0 || value > 0;
    }
    if (!field || field->kind == MRQ_FIELD_COUNT) {
        value = likes || (!field && !event->kind) ? 1 : field && !event->kind ? value : 0;
        *out = (float)value;
        return value > 0;
    }
    if (likes || dislikes)
        value = likes ? r->best : r->worst;
    *out = (float)value;
    return (likes || dislikes || !event->kind) && value >= (isnan(field->min) ? -INFINITY : field->min) &&
           value <= (isnan(field->max) ? INFINITY : field->max);
}

/* The row of an id, which is added if it is new and may be; MRQ_NONE: it may not. */
static mrq_status newer_row(mrq_dict *ids, const char *id, bool takes, uint32_t *row, mrq_error *err)
{
    *row = mrq_dict_find(ids, id, strlen(id));
    if (*row != MRQ_NONE || !takes)
        return MRQ_OK;
    *row = mrq_dict_add(ids, id, strlen(id));
    return *row == MRQ_NONE ? fail_memory(err) : MRQ_OK;
}

static mrq_status forget(struct events *r, uint32_t user, uint32_t item, mrq_error *err)
{
    char pair[24];
    const int size = snprintf(pair, sizeof pair, "%x %x", user, item);
    const uint32_t at = mrq_dict_add(r->forgotten, pair, (size_t)size);
    if (at == MRQ_NONE || mrq_grow(&r->until, &r->until_room, (size_t)at + 1, sizeof *r->until))
        return fail_memory(err);
    r->until[at] = r->n;
    return MRQ_OK;
}

static mrq_status take_newer(void *to, const mrq_newer_event *event, mrq_error *err)
{
    struct events *r = to;
    uint32_t user, item;
    MRQ_TRY(newer_row(r->items, event->item, !list_of(&r->schema->items), &item, err));
    if (item == MRQ_NONE)
        return MRQ_OK;
    if (event->forgets) {
        user = mrq_dict_find(r->users, event->user, strlen(event->user));
        return user == MRQ_NONE ? MRQ_OK : forget(r, user, item, err);
    }
    MRQ_TRY(make_room(r, r->n, err));
    if (r->n == UINT32_MAX || !newer_value(r, event, &r->rating[r->n]))
        return MRQ_OK;
    MRQ_TRY(newer_row(r->users, event->user, true, &user, err));
    r->user[r->n] = user;
    r->item[r->n] = item;
    if (r->time)
        r->time[r->n] = event->time;
    r->n++;
    r->newer++;
    return MRQ_OK;
}

/* Removes the events that are forgotten. */
static void drop_forgotten(struct events *r)
{
    uint64_t kept = 0;
    for (uint64_t i = 0; i < r->n; i++) {
        char pair[24];
        const int size = snprintf(pair, sizeof pair, "%x %x", r->user[i], r->item[i]);
        const uint32_t at = mrq_dict_find(r->forgotten, pair, (size_t)size);
        if (at != MRQ_NONE && i < r->until[at])
            continue;
        r->user[kept] = r->user[i];
        r->item[kept] = r->item[i];
        r->rating[kept] = r->rating[i];
        if (r->time)
            r->time[kept] = r->time[i];
        kept++;
    }
    r->n = kept;
}

/* Adds newer events behind the `n` of the files. */
static mrq_status read_newer(struct events *r, const mrq_newer *newer, uint64_t *n, mrq_error *err)
{
    const mrq_field *field = r->value_field;
    r->forgotten = mrq_dict_new();
    if (!r->forgotten)
        return fail_memory(err);
    r->best = -INFINITY;
    r->worst = INFINITY;
    for (uint64_t i = 0; i < *n; i++) {
        r->best = fmax(r->best, (double)r->rating[i]);
        r->worst = fmin(r->worst, (double)r->rating[i]);
    }
    if (field && field->kind == MRQ_FIELD_RATING && !isnan(field->min)) {
        r->best = field->max;
        r->worst = field->min;
    }
    r->n = *n;
    MRQ_TRY(newer->read(newer->context, take_newer, r, err));
    if (mrq_dict_strings(r->forgotten).n)
        drop_forgotten(r);
    *n = r->n;
    return MRQ_OK;
}

mrq_status mrq_read_events(const mrq_origin *from, const mrq_schema *schema, bool first, mrq_dataset *data, uint64_t checksum[3],
                           mrq_error *err)
{
    MRQ_CLEANUP(clear_events) struct events r = {0};
    MRQ_TRY(start(&r, schema, data, err));
    MRQ_TRY(open_file(&r, from, from->train, err));
    uint64_t n = 0, sum[2];
    MRQ_TRY(read_file(&r, first, &n, &checksum[2], err));
    const uint64_t n_train = from->test ? n : 0;
    if (from->test) {
        mrq_reader_close(&r.reader);
        MRQ_TRY(open_file(&r, from, from->test, err));
        sum[0] = checksum[2];
        MRQ_TRY(read_file(&r, first, &n, &sum[1], err));
        checksum[2] = mrq_checksum(sum, sizeof sum);
    }
    if (!first && from->newer)
        MRQ_TRY(read_newer(&r, from->newer, &n, err));
    return first ? MRQ_OK : finish(&r, from, n, n_train, data, checksum, err);
}

/* --- One by one --- */

/* Copies an id of the current record with a NUL. */
static mrq_status copy_id(const struct events *r, const mrq_field *field, char out[MRQ_ID_BYTES + 1], mrq_error *err)
{
    const mrq_span id = r->reader.field[field->place];
    MRQ_TRY(mrq_reader_check_id(&r->reader, field, id, err));
    memcpy(out, id.text, id.size);
    out[id.size] = '\0';
    return MRQ_OK;
}

static mrq_status read_one(const struct events *r, mrq_read_event *out, char user[MRQ_ID_BYTES + 1], char item[MRQ_ID_BYTES + 1],
                           bool *event, mrq_error *err)
{
    float value;
    MRQ_TRY(mrq_value_read(&r->reader, r->value_field, &value, event, err));
    if (!*event)
        return MRQ_OK;
    *out = (mrq_read_event){user, item, (double)value, 0};
    if (r->time_field)
        MRQ_TRY(read_time(r, &out->time, err));
    MRQ_TRY(copy_id(r, r->user_field, user, err));
    return copy_id(r, r->item_field, item, err);
}

mrq_status mrq_events_read(const char *path, const mrq_schema *schema, mrq_bad *bad,
                           mrq_status (*take)(void *context, const mrq_read_event *event, mrq_error *err), void *context,
                           mrq_error *err)
{
    MRQ_CLEANUP(clear_events) struct events r = {0};
    mrq_dataset none = {0};
    mrq_error why;
    char user[MRQ_ID_BYTES + 1], item[MRQ_ID_BYTES + 1];
    MRQ_TRY(start(&r, schema, &none, err));
    MRQ_TRY(open_file(&r, &(mrq_origin){.folder = ".", .bad = bad && bad->share > 0 ? bad : NULL}, path, err));
    for (bool more;;) {
        mrq_read_event event;
        bool is_event = false;
        MRQ_TRY(mrq_reader_next(&r.reader, &more, err));
        if (!more)
            break;
        const mrq_status status = read_one(&r, &event, user, item, &is_event, &why);
        if (status != MRQ_OK)
            MRQ_TRY(mrq_reader_leave_out(&r.reader, status, &why, err));
        else if (is_event)
            MRQ_TRY(take(context, &event, err));
    }
    return mrq_reader_judge(&r.reader, err);
}
