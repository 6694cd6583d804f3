/* A progress bar on a terminal; elsewhere it does nothing, and the log reports progress. */
#ifndef MRQ_BASE_PROGRESS_H
#define MRQ_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mrq_progress {
    bool on;
    double next; /* no redraw before this time */
    double start;
    uint64_t total;
    const char *label;
} mrq_progress;

/* Starts a bar over `total` steps on stderr, if that is a terminal. `label` must live as long as the bar. */
void mrq_progress_start(mrq_progress *progress, const char *label, uint64_t total);
/* Redraws, at most ten times a second: label, bar, percentage, the note, time left. */
void mrq_progress_step(mrq_progress *progress, uint64_t done, const char *note, ...) __attribute__((format(printf, 3, 4)));
/* Erases the bar. */
void mrq_progress_end(mrq_progress *progress);

#endif
