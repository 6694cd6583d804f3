#include "load_data.h"

#include "dataset/database.h"
#include "signals.h"
#include "skip_option.h"

static mrq_status load(const char *data, const mrq_schema *schema, const char *skip_bad, const char *list, mrq_dataset **out,
                       mrq_error *err)
{
    mrq_bad bad = {.list = list};
    MRQ_TRY(read_skip(skip_bad, list, &bad.share, err));
    const mrq_status status = mrq_dataset_load_most(data, schema, &bad, out, err);
    mrq_bad_clear(&bad);
    return status;
}

mrq_status mrq_load_data(const char *command, const char *data, const mrq_schema *schema, const char *skip_bad, const char *bad,
                         mrq_dataset **out, mrq_error *err)
{
    mrq_signals_catch_for(data);
    const mrq_status status = load(data, schema, skip_bad, bad, out, err);
    if (status != MRQ_OK && mrq_database_is(data))
        mrq_signals_end(command, err);
    else if (mrq_database_is(data))
        mrq_signals_release();
    return status;
}
