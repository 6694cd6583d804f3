/* The time. */
#ifndef MRQ_BASE_CLOCK_H
#define MRQ_BASE_CLOCK_H

/* Writes the current time as "2026-01-31T02:00:00Z", 21 bytes. */
#define MRQ_TIME_TEXT 21
void mrq_time_text(char out[MRQ_TIME_TEXT]);

/* Seconds on a monotonic clock. */
double mrq_clock(void);

#endif
