/* Finds the schema of a folder: its own schema.json, or else the shipped one that it follows: by file names, then by the first
 * record of each file, because data sets may have files of the same names with different content (ml-100k's *.dat are named like
 * ml-1m's). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/asset.h"
#include "base/file.h"
#include "dataset/read.h"

/* MRQ_NOT_FOUND when a file is missing. */
static mrq_status fits(const char *folder, const mrq_schema *schema, mrq_error *err)
{
    const mrq_file_schema *files[] = {&schema->users, &schema->items, &schema->events};
    for (int i = 0; i < 3; i++) {
        char path[4096];
        if (!files[i]->file)
            continue;
        MRQ_TRY(mrq_path_join(path, sizeof path, folder, files[i]->file, err));
        if (!mrq_file_exists(path))
            return errno == ENOENT ? mrq_fail(err, MRQ_NOT_FOUND, "no %s", files[i]->file)
                                   : mrq_fail_errno(err, "cannot open %s", path);
    }
    const mrq_origin from = {.folder = folder};
    uint64_t checksum[3];
    for (int i = 0; i < 2; i++) {
        MRQ_CLEANUP(mrq_table_free) mrq_table *table = NULL;
        if (files[i]->file)
            MRQ_TRY(mrq_read_table(&from, files[i], false, true, NULL, &table, &checksum[i], err));
    }
    mrq_dataset first = {.arena = mrq_arena_new()};
    const mrq_status status =
        first.arena ? mrq_read_events(&from, schema, true, &first, checksum, err) : mrq_fail_memory(err, "reading a data set");
    mrq_arena_free(first.arena);
    return status;
}

/* A database has its schema beside it, if it is a file. */
static mrq_status of_database(const char *data, mrq_schema **out, mrq_error *err)
{
    char folder[4096], own[4096 + 16];
    mrq_error why = {0};
    if (mrq_database_folder(data, folder, sizeof folder)) {
        snprintf(own, sizeof own, "%s/schema.json", folder);
        const mrq_status status = mrq_schema_load(own, out, &why);
        if (status != MRQ_NOT_FOUND)
            return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", why.msg);
    }
    return mrq_fail(err, MRQ_USAGE, "a database wants --schema FILE, whose queries say what to read%s",
                    *why.msg ? ", or a schema.json beside it" : "");
}

mrq_status mrq_schema_recognise(const char *folder, mrq_schema **out, mrq_error *err)
{
    struct stat st;
    if (mrq_database_is(folder))
        return of_database(folder, out, err);
    if (stat(folder, &st) != 0)
        return mrq_fail_errno(err, "cannot open %s", folder);
    if (!S_ISDIR(st.st_mode))
        return mrq_fail(err, MRQ_NOT_FOUND, "%s is not a folder", folder);
    char own[4096];
    MRQ_TRY(mrq_path_join(own, sizeof own, folder, "schema.json", err));
    const mrq_status own_status = mrq_schema_load(own, out, err);
    if (own_status != MRQ_NOT_FOUND)
        return own_status;
    char tried[400] = "";
    mrq_error only = {0}; /* the error of the first schema whose files are all in the folder */
    int complete = 0;
    for (const mrq_asset *asset = mrq_schemas; asset->name; asset++) {
        MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
        mrq_error why = {0};
        MRQ_TRY(mrq_schema_load(asset->name, &schema, err));
        const mrq_status status = fits(folder, schema, &why);
        if (status == MRQ_OK) {
            *out = schema;
            schema = NULL;
            return MRQ_OK;
        }
        if (status == MRQ_FAILED) /* this failure says nothing about the layout */
            return mrq_fail(err, status, "%s", why.msg);
        if (status == MRQ_BAD_FILE && ++complete == 1)
            only = why;
        const size_t used = strlen(tried);
        snprintf(tried + used, sizeof tried - used, "%s%s: %.100s", used ? "; " : "", asset->name, why.msg);
    }
    if (complete == 1) /* only one schema matches by files: report its error */
        return mrq_fail(err, MRQ_BAD_FILE, "%s", only.msg);
    return mrq_fail(err, complete ? MRQ_BAD_FILE : MRQ_NOT_FOUND,
                    "%.60s is no data set known here (%s); --schema FILE.json describes another layout", folder, tried);
}
