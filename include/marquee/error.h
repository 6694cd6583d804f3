/* The one error type of Marquee: a status that is also a process's exit code, and a sentence for a person. */
#ifndef MARQUEE_ERROR_H
#define MARQUEE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* Before a function whose status is not to be ignored. */
#ifdef __GNUC__
#define MRQ_CHECKED __attribute__((warn_unused_result))
#else
#define MRQ_CHECKED
#endif

/* What a call came to. The values are the exit codes of the commands. */
typedef enum mrq_status {
    MRQ_OK = 0,
    MRQ_FAILED = 1,      /* the system said no: out of memory, disk full, permission */
    MRQ_USAGE = 2,       /* an argument is wrong */
    MRQ_NOT_FOUND = 3,   /* a file, user or item that is not there */
    MRQ_BAD_FILE = 4,    /* a damaged, malformed or incompatible file */
    MRQ_UNAVAILABLE = 5, /* another server is gone */
} mrq_status;

/* Filled where a failure happens; `msg` is one sentence without a line end. Owned by the caller; every function takes NULL. */
typedef struct mrq_error {
    mrq_status status;
    char msg[512];
} mrq_error;

#ifdef __cplusplus
}
#endif
#endif
