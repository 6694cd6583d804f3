/* A host and its port, as a person writes them: "localhost:8080", "10.0.0.1", "[::1]:6379". */
#ifndef MRQ_BASE_HOST_H
#define MRQ_BASE_HOST_H

#include <stddef.h>
#include <stdint.h>

typedef struct mrq_host {
    char name[256];  /* without brackets */
    char port[6];    /* "" where none was written */
    char label[270]; /* "name:port", an IPv6 address in brackets */
} mrq_host;

/* Reads the `size` bytes at `text`. `port` is what stands for a missing one, "" where one has to be there; `least` the smallest
 * that may be written, 0 or 1. Returns what is wrong, the end of a sentence, or NULL; mrq_host_missing for what is no host at
 * all. */
const char *mrq_host_parse(const char *text, size_t size, const char *port, int64_t least, mrq_host *out);
extern const char mrq_host_missing[];

#endif
