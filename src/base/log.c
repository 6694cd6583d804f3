/* A reader that sleeps must not stop the program: a sink that takes nothing for a while loses lines, until it takes one again. A
 * line is shorter than PIPE_BUF, so a pipe that poll() finds ready takes it whole. */
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <time.h>

#include "base/utf8.h"

#define PATIENCE_MS 1000

static struct {
    pthread_mutex_t lock;
    FILE *sink;
    mrq_log_level level;
    unsigned lost; /* lines since the last that was written */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

void mrq_log_open(FILE *sink, mrq_log_level level)
{
    state.sink = sink;
    state.level = level;
}

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

void mrq_log(mrq_log_level level, const char *room, const char *format, ...)
{
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    if (!state.sink || level > state.level)
        return;
    char when[MRQ_TIME_TEXT], what[1024];
    mrq_time_text(when);
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    mrq_utf8_clean(what); /* one line an event, whatever a file name holds */
    pthread_mutex_lock(&state.lock);
    struct pollfd takes = {fileno(state.sink), POLLOUT, 0};
    if (takes.fd >= 0 && poll(&takes, 1, state.lost ? 0 : PATIENCE_MS) == 0) {
        state.lost++;
    } else {
        if (state.lost)
            fprintf(state.sink, "%s WARN log lost=%u: nobody read them\n", when, state.lost);
        fprintf(state.sink, "%s %s %s %s\n", when, names[level], room, what);
        fflush(state.sink);
        state.lost = 0;
    }
    pthread_mutex_unlock(&state.lock);
}
