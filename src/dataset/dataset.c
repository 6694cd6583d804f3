/* A data set: the tables first, then the ratings that refer to them. */
#include "dataset/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "dataset/read.h"

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
    data->users->noun = (mrq_noun){"user", "users"};
    data->items->noun = schema->noun;
    MRQ_TRY(join(&from, &schema->users, data->users, &checksum[0], err));
    MRQ_TRY(join(&from, &schema->items, data->items, &checksum[1], err));
    MRQ_TRY(mrq_bucket_users(data->users, err));
    memcpy(data->schema, schema->name, sizeof data->schema);
    data->fingerprint = mrq_checksum(checksum, sizeof checksum);
    *out = data;
    data = NULL;
    return MRQ_OK;
}

const char *mrq_dataset_tell(const mrq_dataset *data, char out[MRQ_DATASET_TOLD])
{
    char from[32] = "all", more[80] = "";
    if (!isinf(data->like_from))
        snprintf(from, sizeof from, "%g", data->like_from);
    if (data->repeated)
        snprintf(more, sizeof more, " repeated=%llu", (unsigned long long)data->repeated);
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
