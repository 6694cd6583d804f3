/* A schema for a folder that has none: which file is what, and what its columns are, from looking at them. */
#ifndef MRQ_GUESS_GUESS_H
#define MRQ_GUESS_GUESS_H

#include "base/table.h"
#include "base/writer.h"

/* Looks at the files of a folder, or at `n` of them by their names there (0: all), at most some megabytes of each, and writes a
 * schema as JSON and a report of a line for each decision into two open writers. `noun` is what items are called; NULL: what the
 * names of columns and files say. MRQ_NOT_FOUND when there is no such folder or file, or no file in it; MRQ_BAD_FILE when no file
 * holds events. */
MRQ_CHECKED mrq_status mrq_guess(const char *folder, const char *const *files, uint32_t n, const mrq_noun *noun, mrq_writer *schema,
                                 mrq_writer *report, mrq_error *err);

#endif
