/* The address of a Redis server, and its login. */
#ifndef MRQ_CACHE_ADDRESS_H
#define MRQ_CACHE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct mrq_address {
    bool local;         /* a unix socket */
    char place[256];    /* its path, or the host */
    char port[6];       /* digits; "" for a unix socket */
    char user[256];     /* "": none */
    char password[512]; /* "" without a user: no login */
    uint32_t database;
    char label[300]; /* the server's name in messages, without secrets */
} mrq_address;

/* Parses one of the forms that mrq_cache_new() lists. The message of MRQ_USAGE quotes the text only if it cannot contain a
 * password. */
MRQ_CHECKED mrq_status mrq_address_parse(const char *text, mrq_address *out, mrq_error *err);

#endif
