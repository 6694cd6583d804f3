#include "skip_option.h"

mrq_status read_skip(const char *skip_bad, const char *bad, double *share, mrq_error *err)
{
    *share = 0;
    if (skip_bad)
        MRQ_TRY(mrq_bad_share(skip_bad, share, err));
    if (bad && !(*share > 0))
        return mrq_fail(err, MRQ_USAGE, "--bad %.100s: want --skip-bad SHARE too, without which no row is left out", bad);
    return MRQ_OK;
}

mrq_status load_data(const char *folder, const mrq_schema *schema, const char *skip_bad, const char *list, mrq_dataset **out,
                     mrq_error *err)
{
    mrq_bad bad = {.list = list};
    MRQ_TRY(read_skip(skip_bad, list, &bad.share, err));
    const mrq_status status = mrq_dataset_load_most(folder, schema, &bad, out, err);
    mrq_bad_clear(&bad);
    return status;
}
