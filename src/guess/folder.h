/* The files of a folder, each as it looks, and what was found of each. Private to the guess room. */
#ifndef MRQ_GUESS_FOLDER_H
#define MRQ_GUESS_FOLDER_H

#include "guess/findings.h"

#define MRQ_FOLDER_FILES 200

typedef struct mrq_folder {
    uint32_t n;
    char file[MRQ_FOLDER_FILES][256];
    mrq_look look[MRQ_FOLDER_FILES];
    bool fits[MRQ_FOLDER_FILES];     /* it could be a table of users or items */
    bool larger[MRQ_FOLDER_FILES];   /* another file of events is */
    bool part[MRQ_FOLDER_FILES];     /* it is one of several that are the events together */
    char why[MRQ_FOLDER_FILES][300]; /* a file is no table of users or items */
    uint32_t folders;
    char inside[256]; /* one of the folders */
} mrq_folder;

/* Looks at the files of a folder, or at `n` of them by their names there (0: all). `folder` is zeroed. */
MRQ_CHECKED mrq_status mrq_folder_look(const char *path, const char *const *files, uint32_t n, mrq_folder *folder, mrq_error *err);
void mrq_folder_free(mrq_folder *folder);
MRQ_DEFINE_CLEANUP(mrq_folder, mrq_folder_free)

/* Finds the events; findings->events.look is NULL when no file can be them. */
MRQ_CHECKED mrq_status mrq_choose_events(mrq_folder *folder, const char *path, mrq_findings *findings, mrq_error *err);

/* Makes one look of the file `main` and those that are like it, as events-2019.csv and events-2020.csv; `*several` when there are
 * any. Its file is events-*.csv, which no other file of the folder at `path` fits. */
MRQ_CHECKED mrq_status mrq_folder_unite(mrq_folder *folder, const char *path, uint32_t main, bool *several, mrq_error *err);

/* Finds the tables of users and items, and which id of the events is whose where only their places told. */
void mrq_choose_tables(mrq_folder *folder, mrq_findings *findings);

#endif
