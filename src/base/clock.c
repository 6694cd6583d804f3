#include "base/clock.h"

#include <time.h>

void mrq_time_text(char out[MRQ_TIME_TEXT])
{
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, MRQ_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

double mrq_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
