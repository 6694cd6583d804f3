/* Events, one line each: `2026-01-31T02:00:00Z INFO train epoch=3 loss=0.7412`. Silent until a sink is set; thread-safe. If the
 * sink accepts nothing for a second (a pipe whose reader stalled), lines are dropped; the next accepted line is preceded by their
 * number. */
#ifndef MRQ_BASE_LOG_H
#define MRQ_BASE_LOG_H

#include <stdio.h>

typedef enum mrq_log_level { MRQ_LOG_ERROR, MRQ_LOG_WARN, MRQ_LOG_INFO, MRQ_LOG_DEBUG } mrq_log_level;

/* Writes events up to `level` to `sink`; NULL turns the log off. Call before threads start. */
void mrq_log_open(FILE *sink, mrq_log_level level);
void mrq_log(mrq_log_level level, const char *room, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
