/* Times as files write them. Private to the dataset room. */
#ifndef MRQ_DATASET_TIMESTAMP_H
#define MRQ_DATASET_TIMESTAMP_H

#include "dataset/reader.h"

/* The seconds since 1970 (UTC) that a text says in this unit, fractions dropped towards the past; years 1 to 9999. False for
 * anything else. ISO 8601: 2026-01-31, 2026-01-31T02:00, 2026-01-31 02:00:00.5, then nothing, Z, +02, +0200 or +02:00. */
bool mrq_time_parse(mrq_span text, mrq_time_unit unit, int64_t *out);

/* What is wanted: "seconds since 1970". */
extern const char *const mrq_time_wants[];

#endif
