/* A stalled reader must not stop the program: if the sink accepts nothing for a while, lines are dropped and counted until it
 * accepts one again. A line is shorter than PIPE_BUF, so a pipe that poll() reports ready accepts it whole. */
#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "marquee/marquee.h"

#define PATIENCE_MS 1000

static struct {
    pthread_mutex_t lock;
    FILE *sink;
    void (*report)(void *context, int level, const char *line); /* replaces the sink, unless NULL */
    void *context;
    mrq_log_level level;
    unsigned lost; /* lines dropped since the last one written */
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

void mrq_log_open(FILE *sink, mrq_log_level level)
{
    state.sink = sink;
    state.level = level;
}

void mrq_log_to(void (*report)(void *context, int level, const char *line), void *context)
{
    pthread_mutex_lock(&state.lock);
    state.report = report;
    state.context = context;
    state.level = MRQ_LOG_INFO;
    pthread_mutex_unlock(&state.lock);
}

static void write_line(mrq_log_level level, const char *room, const char *what)
{
    static const char *const names[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    char when[MRQ_TIME_TEXT];
    struct pollfd takes = {fileno(state.sink), POLLOUT, 0};
    if (takes.fd >= 0 && poll(&takes, 1, state.lost ? 0 : PATIENCE_MS) == 0) {
        state.lost++;
        return;
    }
    mrq_time_text(when);
    if (state.lost)
        fprintf(state.sink, "%s WARN log lost=%u: the log's reader stalled\n", when, state.lost);
    fprintf(state.sink, "%s %s %s %s\n", when, names[level], room, what);
    fflush(state.sink);
    state.lost = 0;
}

void mrq_log(mrq_log_level level, const char *room, const char *format, ...)
{
    if (!(state.sink || state.report) || level > state.level)
        return;
    char what[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    mrq_utf8_clean(what); /* keep one event on one line, even if a file name contains line ends */
    pthread_mutex_lock(&state.lock);
    if (state.report) {
        char line[1100];
        snprintf(line, sizeof line, "%s %s", room, what);
        state.report(state.context, (int)level, line);
    } else if (state.sink) {
        write_line(level, room, what);
    }
    pthread_mutex_unlock(&state.lock);
}
