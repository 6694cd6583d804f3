/* Shows a training: progress bar, log and learning curve. For every command that trains. */
#ifndef MRQ_TOOLS_TRAIN_SCREEN_H
#define MRQ_TOOLS_TRAIN_SCREEN_H

#include "base/progress.h"
#include "train/train.h"

#define MRQ_SCREEN_PATH 4096

typedef struct mrq_screen {
    mrq_progress progress;
    char label[32];
    int64_t epoch;
    const char *model;                               /* title of the curve */
    char csv[MRQ_SCREEN_PATH], svg[MRQ_SCREEN_PATH]; /* files of the curve; both "": none */
    mrq_train_epoch *behind;                         /* (n_behind) epochs, if the drawn curve is out of date; or NULL */
    uint32_t n_behind;
} mrq_screen;

/* Shows a training; `screen`, zeroed but for model and files, must outlive the watch. */
mrq_train_watch mrq_screen_watch(mrq_screen *screen);

/* To be called when the training has ended or failed: clears the bar, draws the curve if it is out of date. */
void mrq_screen_end(mrq_screen *screen);

#endif
