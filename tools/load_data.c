#include "load_data.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dataset/database.h"
#include "signals.h"
#include "skip_option.h"

static mrq_status load(const char *data, const mrq_schema *schema, const char *train, const char *test, const char *skip_bad,
                       const char *list, mrq_dataset **out, mrq_error *err)
{
    mrq_bad bad = {.list = list};
    MRQ_TRY(read_skip(skip_bad, list, &bad.share, err));
    const mrq_status status = mrq_dataset_load_two(data, schema, train, test, &bad, out, err);
    mrq_bad_clear(&bad);
    return status;
}

/* Whether the first line of a file has one; what can be read but once is not read for that. */
static bool has_tab(const char *path)
{
    struct stat about;
    FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "re") : NULL;
    int c = 0;
    while (file && (c = getc(file)) != EOF && c != '\n' && c != '\t')
        ;
    if (file)
        fclose(file);
    return c == '\t';
}

mrq_status mrq_load_two(const char *folder, const mrq_schema *schema, const char *train, const char *test, const char *skip_bad,
                        const char *bad, mrq_dataset **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *lists = NULL;
    char text[160], own[4096];
    const char *slash = strrchr(train, '/');
    snprintf(text, sizeof text, "{\"name\":\"lists\",\"events\":{\"file\":\"train\",\"format\":\"lists\",\"delimiter\":\"%s\"}}",
             has_tab(train) ? "\\t" : " ");
    snprintf(own, sizeof own, "%.*s", slash ? (int)(slash - train) : 1, slash ? train : ".");
    if (!schema)
        MRQ_TRY(mrq_schema_parse(text, strlen(text), "lists", &lists, err));
    return load(folder ? folder : own, schema ? schema : lists, train, test, skip_bad, bad, out, err);
}

mrq_status mrq_load_data(const char *command, const char *data, const mrq_schema *schema, const char *skip_bad, const char *bad,
                         mrq_dataset **out, mrq_error *err)
{
    mrq_signals_catch_for(data);
    const mrq_status status = load(data, schema, NULL, NULL, skip_bad, bad, out, err);
    if (status != MRQ_OK && mrq_database_is(data))
        mrq_signals_end(command, err);
    else if (mrq_database_is(data))
        mrq_signals_release();
    return status;
}
