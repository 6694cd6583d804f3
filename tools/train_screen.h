/* A training on the screen: progress bar, log and learning curve. For every command that trains. */
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

#endif
