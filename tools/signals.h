/* SIGINT and SIGTERM as a request to stop long work cleanly. */
#ifndef MRQ_TOOLS_SIGNALS_H
#define MRQ_TOOLS_SIGNALS_H

#include <signal.h>

#include "base/error.h"

/* 0, or the signal that was received: the stop flag of a training. */
extern volatile sig_atomic_t mrq_stop_signal;

/* Before data is read: if it is a database, the first SIGINT or SIGTERM cancels the query, and reading fails. */
void mrq_signals_catch_for(const char *data);
/* From here on the first SIGINT or SIGTERM sets mrq_stop_signal; a second one has the default action. */
void mrq_signals_catch(void);
/* Restores the default actions. Raises again a signal that was received, so that the parent process sees it. */
void mrq_signals_release(void);
/* The same for a command that has failed; if a signal was received, prints the error first. */
void mrq_signals_end(const char *command, const mrq_error *why);

#endif
