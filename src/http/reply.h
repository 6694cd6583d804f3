/* The reply to a request, before it is sent. */
#ifndef MRQ_HTTP_REPLY_H
#define MRQ_HTTP_REPLY_H

#include <stddef.h>

#include "marquee/marquee.h"

#define MRQ_TYPE_JSON "application/json"

typedef struct mrq_reply {
    unsigned status; /* HTTP status */
    const char *type;
    const char *data;
    size_t size;
    void (*release)(void *owner); /* frees `data`; NULL where that is static */
    void *owner;
    const char *cache; /* the answer's state of the cache: "memory", "hit", "miss", "down" or "off"; "-" without an answer */
    const char *allow; /* the methods that the path has, of a 405 or a preflight; or NULL */
    bool page;         /* a file of the page, which gets the headers for browsers */
    bool last;         /* the connection closes after it */
} mrq_reply;

/* Replies with an answer's document. The reply owns the answer. Out of memory makes the reply an error. */
void mrq_reply_result(mrq_reply *reply, mrq_answer *result);

/* Replies with an error of the library, whose status chooses the HTTP status. */
void mrq_reply_error(mrq_reply *reply, const mrq_error *error);

/* Replies with an error of the HTTP server: {"schema":1,"error":{"code":CODE,"message":...}}. */
void mrq_reply_refuse(mrq_reply *reply, unsigned status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Reply with a static text; and with a text that the reply owns and frees with mrq_free(). */
void mrq_reply_static(mrq_reply *reply, const char *type, const char *text, size_t size);
void mrq_reply_owned(mrq_reply *reply, const char *type, char *text, size_t size);

/* Frees a reply that is not sent. Legal on a zeroed one. */
void mrq_reply_clear(mrq_reply *reply);

#endif
