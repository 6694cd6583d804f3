/* The time. */
#ifndef MRQ_BASE_CLOCK_H
#define MRQ_BASE_CLOCK_H

/* "2026-01-31T02:00:00Z" for now, into 21 bytes. */
#define MRQ_TIME_TEXT 21
void mrq_time_text(char out[MRQ_TIME_TEXT]);

/* Seconds on a clock that never steps back. */
double mrq_clock(void);

#endif
