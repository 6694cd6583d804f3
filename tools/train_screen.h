/* A training on the screen: progress bar, log and learning curve, and the signals that end it in order. For every command that
 * trains. */
#ifndef MRQ_TOOLS_TRAIN_SCREEN_H
#define MRQ_TOOLS_TRAIN_SCREEN_H

#include "base/progress.h"
#include "train/train.h"

#define MRQ_SCREEN_PATH 4096

typedef struct mrq_screen {
    mrq_progress progress;
    char label[32];
    int64_t epoch;
    const char *model;                               /* above the curve */
    char csv[MRQ_SCREEN_PATH], svg[MRQ_SCREEN_PATH]; /* where the curve grows; both "": nowhere */
    mrq_train_epoch *behind;                         /* (n_behind) what the curve has yet to be drawn of, or NULL */
    uint32_t n_behind;
} mrq_screen;

/* Shows a training; `screen`, zeroed but for model and files, must outlive the watch. */
mrq_train_watch mrq_screen_watch(mrq_screen *screen);

/* When the training has ended, in whatever way: wipes the bar, brings the curve up to date. */
void mrq_screen_end(mrq_screen *screen);

/* SIGINT and SIGTERM set the watch's stop flag from here on, once: the second one is the system's. */
void mrq_signals_catch(void);
/* Both do again what they did; one that has come meanwhile does it now: what called us learns of the signal. */
void mrq_signals_release(void);
/* The same for a command that has failed, be it because of the signal, whose sentence is printed before. */
void mrq_signals_end(const char *command, const mrq_error *why);

/* As many as there are processors to run on. */
uint32_t mrq_threads_default(void);

#endif
