/* The options --skip-bad and --bad. For every command that reads data. */
#ifndef MRQ_TOOLS_SKIP_OPTION_H
#define MRQ_TOOLS_SKIP_OPTION_H

#include "dataset/dataset.h"

/* The share of --skip-bad, 0 when it is NULL. MRQ_USAGE also for --bad without it. */
MRQ_CHECKED mrq_status read_skip(const char *skip_bad, const char *bad, double *share, mrq_error *err);

#endif
