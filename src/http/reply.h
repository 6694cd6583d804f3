/* An answer to a request, before it is sent. */
#ifndef MRQ_HTTP_REPLY_H
#define MRQ_HTTP_REPLY_H

#include <stddef.h>

#include "marquee/marquee.h"

#define MRQ_TYPE_JSON "application/json"

typedef struct mrq_reply {
    unsigned status; /* of HTTP */
    const char *type;
    const char *data;
    size_t size;
    void (*release)(void *owner); /* frees `data`; NULL where that is static */
    void *owner;
    const char *cache; /* "memory", "hit", "miss", "down", "off"; "-" where there is nothing of the sort */
    const char *allow; /* methods, of a 405 */
    bool page;         /* is for a browser to show */
    bool last;         /* of its connection */
} mrq_reply;

/* A result's document; the result is the reply's from now on. Without memory for it the reply is an error. */
void mrq_reply_result(mrq_reply *reply, mrq_answer *result);

/* A library's error: its status makes the reply's. */
void mrq_reply_error(mrq_reply *reply, const mrq_error *error);

/* An error of HTTP's own: {"schema":1,"error":{"code":CODE,"message":...}}. */
void mrq_reply_refuse(mrq_reply *reply, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A text that lives as long as the program; and one that is the reply's from now on, freed with mrq_free(). */
void mrq_reply_static(mrq_reply *reply, const char *type, const char *text, size_t size);
void mrq_reply_owned(mrq_reply *reply, const char *type, char *text, size_t size);

/* For a reply that is not sent. Legal on a zeroed one. */
void mrq_reply_clear(mrq_reply *reply);

#endif
