#include "signals.h"

#include <stdio.h>

#include "command.h"
#include "dataset/database.h"

volatile sig_atomic_t mrq_stop_signal;

static void on_signal(int number)
{
    mrq_stop_signal = number;
}

void mrq_signals_catch(void)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void mrq_signals_catch_for(const char *data)
{
    if (!mrq_database_is(data))
        return;
    mrq_keep_secret(); /* libpq may read a password */
    mrq_database_watch(&mrq_stop_signal);
    mrq_signals_catch();
}

void mrq_signals_release(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (mrq_stop_signal)
        raise(mrq_stop_signal);
}

void mrq_signals_end(const char *command, const mrq_error *why)
{
    if (mrq_stop_signal)
        fprintf(stderr, "marquee %s: %s\n", command, why->msg);
    mrq_signals_release();
}
