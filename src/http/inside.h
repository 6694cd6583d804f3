/* What the files of the HTTP server share: the server, its workers and its clients. */
#ifndef MRQ_HTTP_INSIDE_H
#define MRQ_HTTP_INSIDE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "http/mhd.h"
#include "http/route.h"
#include "http/server.h"

/* A connection, and the request that it is at. */
typedef struct mrq_client {
    struct mrq_client *previous, *next;
    const struct mrq_http_worker *worker;
    struct MHD_Connection *connection;
    int socket;
    _Atomic double since; /* when the connection was accepted or its last request was completed */
    bool under_way;       /* a request is; the members below are the request's */
    const char *uri;      /* (uri_size) the request's target, in libmicrohttpd's memory */
    size_t uri_size;
    bool blank;  /* the target has a blank, where some readers end it */
    char *query; /* the query string, in libmicrohttpd's memory; NULL: none */
    char hidden; /* its first character, which a NUL replaces */
    mrq_match match;
    const char *origin; /* the origin of the page that sent the request, if it is allowed; or NULL */
    unsigned refused;   /* the status of the refusal; 0: not refused */
    char *body;
    size_t size, capacity, discarded;
    size_t sending;       /* bytes of the answer that count towards server->answers */
    mrq_changes *changes; /* of a write; NULL: none yet */
    bool suspended;       /* the request waits until its changes are on disk */
    double start;         /* when the whole request had been read */
} mrq_client;

typedef struct mrq_http_worker {
    struct mrq_server *server;
    struct MHD_Daemon *daemon; /* only the worker's thread uses it while it runs */
    uint32_t connections;      /* at most */
    pthread_t thread;
    bool running;
    bool short_of_files; /* accept4() failed, so the next wait leaves its sockets out */
} mrq_http_worker;

struct mrq_server {
    mrq_service service;
    mrq_http_worker workers[MRQ_WORKERS_MAX];
    atomic_bool stopping;
    sem_t quiesced; /* posted by each worker that has stopped listening */
    const mrq_listener *listener;
    const mrq_secret *token;
    const mrq_texts *hosts, *origins;
    mrq_access *access;
    bool writes;                   /* something is live */
    atomic_uint pending;           /* requests under way */
    atomic_uint suspended;         /* requests that wait for the disk */
    atomic_size_t bodies, answers; /* bytes of all that are held */
    uint32_t request_seconds;
    pthread_mutex_t lock; /* protects the list of clients */
    mrq_client *clients;
};

/* A header of the connection's current request; NULL when the request does not have it. */
static inline const char *mrq_header(struct MHD_Connection *connection, const char *name)
{
    return mrq_mhd.lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The path of a target; the target may be an absolute URL, as a proxy gets it: "http://host/path". */
const char *mrq_admit_path(const char *target);

/* The status with which a request is refused because of its head, or 0. */
unsigned mrq_admit_judge(const mrq_server *server, const mrq_client *client, struct MHD_Connection *connection, const char *method,
                         const char *version);

/* Makes the reply to a request that is refused with the status client->refused. */
void mrq_admit_refuse(const mrq_client *client, struct MHD_Connection *connection, const char *method, const char *path,
                      mrq_reply *reply);

/* Sends a reply, which libmicrohttpd then frees; counts and logs it. `start` is when the whole request had been read. */
enum MHD_Result mrq_http_respond(mrq_client *client, struct MHD_Connection *connection, const char *method, const char *path,
                                 mrq_reply *reply, double start);

/* The thread of a worker, `arg`, until server->stopping. */
void *mrq_http_worker_run(void *arg);

/* The callbacks of libmicrohttpd. `cls` is the worker in the first two, and the server in the others.
 * Its log: */
void mrq_http_worker_message(void *cls, const char *format, va_list args);
/* A connection was opened or closed; `*context` is its client. */
void mrq_http_connection_changed(void *cls, struct MHD_Connection *connection, void **context,
                                 enum MHD_ConnectionNotificationCode what);
/* The target of a request, undecoded, is the first that is known of it. Returns the client, which libmicrohttpd passes on. */
void *mrq_http_request_uri(void *cls, const char *uri, struct MHD_Connection *connection);
/* Percent-decodes `text` in place and returns its size. */
size_t mrq_http_request_unescape(void *cls, struct MHD_Connection *connection, char *text);
/* Called with the head, then with each piece of the body, then at the end of the request. */
enum MHD_Result mrq_http_request_handle(void *cls, struct MHD_Connection *connection, const char *path, const char *method,
                                        const char *version, const char *data, size_t *size, void **context);
/* The answer was sent, or the connection broke. */
void mrq_http_request_completed(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why);

#endif
