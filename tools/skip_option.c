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
