/* A folder that marquee init looks at. For tests that put files into it. */
#ifndef MRQ_TESTS_GUESS_FOLDER_H
#define MRQ_TESTS_GUESS_FOLDER_H

#include "unit/put_files.h"

#include "dataset/dataset.h"
#include "guess/guess.h"

static mrq_writer schema, report;

static int fresh(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    return 0;
}

static int clear(void **state)
{
    (void)state;
    mrq_writer_close(&report);
    mrq_writer_close(&schema);
    temporary_remove(folder);
    return 0;
}

/* Fills `schema` and `report` anew. */
static mrq_status guess(void)
{
    mrq_writer_close(&report);
    mrq_writer_close(&schema);
    schema = report = (mrq_writer){0};
    mrq_writer_open(&schema);
    mrq_writer_open(&report);
    return mrq_guess(folder, NULL, 0, NULL, &schema, &report, &err);
}

/* The folder is guessed and then loaded. */
static mrq_dataset *load(void)
{
    mrq_schema *parsed = NULL;
    mrq_dataset *data = NULL;
    assert_ok(guess());
    assert_ok(mrq_schema_parse(schema.data, schema.size, "schema.json", &parsed, &err));
    const mrq_status status = mrq_dataset_load(folder, parsed, &data, &err);
    mrq_schema_free(parsed);
    if (status != MRQ_OK)
        fail_msg("%s\n%s%s", err.msg, report.data, schema.data);
    return data;
}

#endif
