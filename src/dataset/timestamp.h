/* Times as files write them. Private to the dataset room. */
#ifndef MRQ_DATASET_TIMESTAMP_H
#define MRQ_DATASET_TIMESTAMP_H

#include "dataset/reader.h"

/* The seconds since 1970 (UTC) that a text says in this unit, fractions dropped towards the past; years 1 to 9999. False for
 * anything else. ISO 8601: 2026-01-31, 2026-01-31T02:00, 2026-01-31 02:00:00.5, then nothing, Z, +02, +0200 or +02:00. */
bool mrq_time_parse(mrq_span text, mrq_time_unit unit, int64_t *out);

/* The same for a field of kind timestamp, which may have a format. */
bool mrq_time_read(mrq_span text, const mrq_field *field, int64_t *out);

/* Whether a format is one that mrq_time_read() can use: up to 63 bytes of printable ASCII with a year, of the conversions below. */
#define MRQ_TIME_CONVERSIONS "YymdHMSBbhaAejpIzTDFRnt%"
bool mrq_time_knows(const char *format);

/* What is wanted: "seconds since 1970". */
#define MRQ_TIME_WANT 120
const char *mrq_time_want(const mrq_field *field, char out[MRQ_TIME_WANT]);

#endif
