/* Events, one line each: `2026-01-31T02:00:00Z INFO train epoch=3 loss=0.7412`. Silent until a sink is set; thread-safe. A
 * sink that takes nothing for a second, a pipe that nobody reads, loses lines; the next one that it takes is told how many. */
#ifndef MRQ_BASE_LOG_H
#define MRQ_BASE_LOG_H

#include <stdio.h>

typedef enum mrq_log_level { MRQ_LOG_ERROR, MRQ_LOG_WARN, MRQ_LOG_INFO, MRQ_LOG_DEBUG } mrq_log_level;

/* Events up to `level` go to `sink`; NULL silences. Call before threads start. */
void mrq_log_open(FILE *sink, mrq_log_level level);
void mrq_log(mrq_log_level level, const char *room, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
