/* Data sets of a test's own folder, by a schema that is written in the test. */
#ifndef MRQ_TESTS_LOAD_AS_H
#define MRQ_TESTS_LOAD_AS_H

#include "unit/put_files.h"

#include "dataset/dataset.h"

/* ' stands for ". */
static mrq_status load_as(const char *quoted, mrq_dataset **out)
{
    char schema[4000];
    mrq_schema *parsed = NULL;
    snprintf(schema, sizeof schema, "%s", quoted);
    for (char *p = schema; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    err = (mrq_error){0};
    *out = NULL;
    MRQ_TRY(mrq_schema_parse(schema, strlen(schema), "s.json", &parsed, &err));
    const mrq_status status = mrq_dataset_load(folder, parsed, out, &err);
    mrq_schema_free(parsed);
    return status;
}

static mrq_dataset *load(const char *quoted)
{
    mrq_dataset *data;
    assert_ok(load_as(quoted, &data));
    return data;
}

/* "u1 a 3, u2 b 5": the events by their ids. */
static const char *events_of(const mrq_dataset *data)
{
    static char text[600];
    int used = 0;
    for (uint64_t i = 0; i < data->n; i++)
        used +=
            snprintf(text + used, sizeof text - (size_t)used, "%s%s %s %g", i ? ", " : "", mrq_table_id(data->users, data->user[i]),
                     mrq_table_id(data->items, data->item[i]), (double)data->rating[i]);
    return text;
}

#endif
