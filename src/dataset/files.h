/* The files that a schema's "file" stands for. Private to the dataset room. */
#ifndef MRQ_DATASET_FILES_H
#define MRQ_DATASET_FILES_H

#include <stdbool.h>

#include "base/dict.h"
#include "base/error.h"

#define MRQ_FILES_MAX 10000

/* Whether a name stands for several: * in it is any number of characters, ? is one. */
bool mrq_files_several(const char *name);

/* The names of a folder's files that fit, sorted by their bytes: `name` itself, be it there or not, unless it stands for several.
 * Names that begin with a dot fit only if the pattern does. MRQ_NOT_FOUND when none fits. */
MRQ_CHECKED mrq_status mrq_files_find(const char *folder, const char *name, mrq_dict **out, mrq_error *err);

#endif
