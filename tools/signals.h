/* The signals that end long work in order. */
#ifndef MRQ_TOOLS_SIGNALS_H
#define MRQ_TOOLS_SIGNALS_H

#include <signal.h>

#include "base/error.h"

/* 0, or the signal that has come: the stop flag of a training. */
extern volatile sig_atomic_t mrq_stop_signal;

/* SIGINT and SIGTERM set mrq_stop_signal from here on, once: the second one is the system's. */
void mrq_signals_catch(void);
/* Both do again what they did; one that has come meanwhile does it now: what called us learns of the signal. */
void mrq_signals_release(void);
/* The same for a command that has failed, be it because of the signal, whose sentence is printed before. */
void mrq_signals_end(const char *command, const mrq_error *why);

#endif
