/* A data set: the tables first, then the ratings that refer to them. */
#include "dataset/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "dataset/database.h"
#include "dataset/read.h"

/* A schema asks a database, or it reads files. `name` says which part of it this is. */
static mrq_status check_file(const mrq_file_schema *file, const char *name, const mrq_origin *from, mrq_error *err)
{
    if (file->file && from->database && !file->query)
        return mrq_fail(err, MRQ_BAD_FILE, "%s.file: the data is a database, want a \"query\"", name);
    if (file->query && !from->database)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: %s is a folder, want --data " MRQ_DATABASE_FORMS, file->file, from->folder);
    return MRQ_OK;
}

static mrq_status check_origin(const mrq_file_schema *file, const char *name, const mrq_origin *from, mrq_error *err)
{
    MRQ_TRY(check_file(file, name, from, err));
    for (uint32_t i = 0; i < file->n_joined; i++) {
        char joined[64];
        snprintf(joined, sizeof joined, "%.20s.join[%u]", name, i);
        MRQ_TRY(check_file(&file->joined[i], joined, from, err));
    }
    return MRQ_OK;
}

/* The files that are joined to a table; their checksums are mixed into its own. */
static mrq_status join(const mrq_origin *from, const mrq_file_schema *schema, mrq_table *table, uint64_t *checksum, mrq_error *err)
{
    for (uint32_t i = 0; i < schema->n_joined; i++) {
        uint64_t both[2] = {*checksum};
        MRQ_TRY(mrq_read_join(from, &schema->joined[i], table, &both[1], err));
        *checksum = mrq_checksum(both, sizeof both);
    }
    return MRQ_OK;
}

static mrq_status load(const char *folder, const mrq_schema *schema, const char *train, const char *test, mrq_bad *bad,
                       const mrq_newer *newer, mrq_dataset **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *found = NULL;
    if (!schema)
        MRQ_TRY(mrq_schema_recognise(folder, &found, err));
    schema = schema ? schema : found;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = calloc(1, sizeof *data);
    if (!data || !(data->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "reading a data set");
    MRQ_CLEANUP(mrq_database_close) mrq_database *database = NULL;
    if (mrq_database_is(folder) && train)
        return mrq_fail(err, MRQ_USAGE, "%s is a database, and %s a file: want the users and items in files, too", folder, train);
    if (mrq_database_is(folder))
        MRQ_TRY(mrq_database_open(folder, &database, err));
    const mrq_origin from = {folder, database, bad && bad->share > 0 ? bad : NULL, train, test, newer};
    MRQ_TRY(check_origin(&schema->users, "users", &from, err));
    MRQ_TRY(check_origin(&schema->items, "items", &from, err));
    MRQ_TRY(check_origin(&schema->events, "events", &from, err));
    uint64_t checksum[3] = {0}; /* of users, items, ratings */
    if (schema->users.file && !schema->users.take)
        MRQ_TRY(mrq_read_table(&from, &schema->users, true, false, NULL, &data->users, &checksum[0], err));
    if (schema->items.file && !schema->items.take)
        MRQ_TRY(mrq_read_table(&from, &schema->items, false, false, NULL, &data->items, &checksum[1], err));
    MRQ_TRY(mrq_read_events(&from, schema, false, data, checksum, err));
    data->users->noun = (mrq_noun){"user", "users"};
    data->items->noun = schema->noun;
    MRQ_TRY(join(&from, &schema->users, data->users, &checksum[0], err));
    MRQ_TRY(join(&from, &schema->items, data->items, &checksum[1], err));
    MRQ_TRY(mrq_bucket_users(data->users, err));
    memcpy(data->schema, schema->name, sizeof data->schema);
    if (newer) {
        data->live_mark = newer->mark;
        checksum[2] ^= newer->mark;
    }
    data->fingerprint = mrq_checksum(checksum, sizeof checksum);
    *out = data;
    data = NULL;
    return MRQ_OK;
}

mrq_status mrq_dataset_load(const char *folder, const mrq_schema *schema, mrq_dataset **out, mrq_error *err)
{
    return load(folder, schema, NULL, NULL, NULL, NULL, out, err);
}

mrq_status mrq_dataset_load_most(const char *folder, const mrq_schema *schema, mrq_bad *bad, mrq_dataset **out, mrq_error *err)
{
    return mrq_dataset_load_two(folder, schema, NULL, NULL, bad, out, err);
}

/* Loads, and tells and saves what was left out. */
static mrq_status load_and_tell(const char *folder, const mrq_schema *schema, const char *train, const char *test, mrq_bad *bad,
                                const mrq_newer *newer, mrq_dataset **out, mrq_error *err)
{
    char told[MRQ_BAD_TOLD];
    mrq_dataset *data = NULL;
    if (bad && bad->list)
        MRQ_TRY(mrq_bad_check_list(bad->list, err));
    const mrq_status status = load(folder, schema, train, test, bad, newer, &data, err);
    const uint64_t total = bad ? mrq_bad_total(&bad->all) : 0;
    if (status == MRQ_OK && total)
        mrq_log(MRQ_LOG_WARN, "data", "left out %llu of %llu rows that do not fit: %s", (unsigned long long)total,
                (unsigned long long)bad->all.rows, mrq_bad_tell(&bad->all, told));
    mrq_error why = {0};
    const mrq_status saved = bad && bad->share > 0 ? mrq_bad_save(bad, &why) : MRQ_OK;
    if (status != MRQ_OK || saved != MRQ_OK) {
        mrq_dataset_free(data);
        return status != MRQ_OK ? status : mrq_fail(err, saved, "%s", why.msg);
    }
    *out = data;
    return MRQ_OK;
}

mrq_status mrq_dataset_load_two(const char *folder, const mrq_schema *schema, const char *train, const char *test, mrq_bad *bad,
                                mrq_dataset **out, mrq_error *err)
{
    return load_and_tell(folder, schema, train, test, bad, NULL, out, err);
}

mrq_status mrq_dataset_load_newer(const char *folder, const mrq_schema *schema, mrq_bad *bad, const mrq_newer *newer,
                                  mrq_dataset **out, mrq_error *err)
{
    return load_and_tell(folder, schema, NULL, NULL, bad, newer, out, err);
}

const char *mrq_dataset_tell(const mrq_dataset *data, char out[MRQ_DATASET_TOLD])
{
    char from[32] = "all", more[80] = "";
    if (!isinf(data->like_from))
        snprintf(from, sizeof from, "%g", data->like_from);
    if (data->repeated)
        snprintf(more, sizeof more, " repeated=%llu", (unsigned long long)data->repeated);
    if (data->live_mark)
        snprintf(more + strlen(more), sizeof more - strlen(more), " live=%llu", (unsigned long long)data->newer);
    if (data->left_out)
        snprintf(more + strlen(more), sizeof more - strlen(more), " left_out=%llu", (unsigned long long)data->left_out);
    snprintf(out, MRQ_DATASET_TOLD, "schema=%s users=%u items=%u ratings=%llu like_from=%s likes=%llu%s", data->schema,
             data->users->rows, data->items->rows, (unsigned long long)data->n, from, (unsigned long long)data->likes, more);
    return out;
}

void mrq_dataset_free(mrq_dataset *data)
{
    if (!data)
        return;
    mrq_table_free(data->users);
    mrq_table_free(data->items);
    mrq_arena_free(data->arena);
    free(data);
}
