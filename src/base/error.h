/* Filling a mrq_error at the place where something fails. */
#ifndef MRQ_BASE_ERROR_H
#define MRQ_BASE_ERROR_H

#include "marquee/error.h"

/* Returns from the calling function when `call` does not give MRQ_OK. */
#define MRQ_TRY(call)                                                                                                              \
    do {                                                                                                                           \
        const mrq_status try_status = (call);                                                                                      \
        if (try_status != MRQ_OK)                                                                                                  \
            return try_status;                                                                                                     \
    } while (0)

/* Writes the message and the status into `err` (may be NULL); returns `status`. A message too long for `msg` is cut; control
 * characters and invalid UTF-8 become '?'. */
mrq_status mrq_fail(mrq_error *err, mrq_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, followed by ": " and the text of `errno`. The status is MRQ_NOT_FOUND for ENOENT and ENOTDIR, else MRQ_FAILED. */
mrq_status mrq_fail_errno(mrq_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes "out of memory while `what`", for instance "reading ratings". Returns MRQ_FAILED. */
mrq_status mrq_fail_memory(mrq_error *err, const char *what);

/* MRQ_USAGE for an argument that is NULL, with its name. */
MRQ_CHECKED mrq_status mrq_argument_check(const void *argument, const char *name, mrq_error *err);

#ifdef MRQ_ANALYSER /* an analyser that sees one file at a time does not know that these never return MRQ_OK
                       (tests/lint/analyser.sh) */
#define mrq_fail(err, status, ...) ((void)mrq_fail(err, status, __VA_ARGS__), (status) ? (status) : MRQ_FAILED)
#define mrq_fail_errno(...)        ((void)mrq_fail_errno(__VA_ARGS__), MRQ_FAILED)
#define mrq_fail_memory(err, what) ((void)mrq_fail_memory(err, what), MRQ_FAILED)
#endif

#endif
