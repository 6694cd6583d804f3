/* A host and its port in text form: "localhost:8080", "10.0.0.1", "[::1]:6379". */
#ifndef MRQ_BASE_HOST_H
#define MRQ_BASE_HOST_H

#include <stddef.h>
#include <stdint.h>

typedef struct mrq_host {
    char name[256];  /* without brackets */
    char port[6];    /* "" if none was given */
    char label[270]; /* "name:port", with brackets around an IPv6 address */
} mrq_host;

/* Parses `size` bytes of `text`. `port` is the default port, "" if a port is required; `least` is the smallest allowed port, 0 or
 * 1. Returns NULL, or the end of a sentence that says what is wrong; mrq_host_missing if there is no host. */
const char *mrq_host_parse(const char *text, size_t size, const char *port, int64_t least, mrq_host *out);
extern const char mrq_host_missing[];

#endif
