/* A data set: the tables first, then the ratings that refer to them. */
#include "dataset/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "dataset/read.h"

mrq_status mrq_dataset_load(const char *folder, const mrq_schema *schema, mrq_dataset **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *found = NULL;
    if (!schema)
        MRQ_TRY(mrq_schema_recognise(folder, &found, err));
    schema = schema ? schema : found;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = calloc(1, sizeof *data);
    if (!data || !(data->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "reading a data set");
    const mrq_origin from = {.folder = folder};
    uint64_t checksum[3] = {0}; /* of users, items, ratings */
    if (schema->users.file)
        MRQ_TRY(mrq_read_table(&from, &schema->users, false, &data->users, &checksum[0], err));
    if (schema->items.file)
        MRQ_TRY(mrq_read_table(&from, &schema->items, false, &data->items, &checksum[1], err));
    MRQ_TRY(mrq_read_events(&from, schema, false, data, &checksum[2], err));
    MRQ_TRY(mrq_bucket_users(data->users, err));
    data->users->noun = (mrq_noun){"user", "users"};
    data->items->noun = schema->noun;
    data->like = isnan(schema->like_from) ? (data->rating_min + data->rating_max) / 2 : schema->like_from;
    memcpy(data->schema, schema->name, sizeof data->schema);
    data->fingerprint = mrq_checksum(checksum, sizeof checksum);
    *out = data;
    data = NULL;
    return MRQ_OK;
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
