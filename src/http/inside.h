/* Inside the HTTP room: a server, its workers and its clients. */
#ifndef MRQ_HTTP_INSIDE_H
#define MRQ_HTTP_INSIDE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "http/mhd.h"
#include "http/route.h"
#include "http/server.h"

/* A connection and the request on it. */
typedef struct mrq_client {
    struct mrq_client *previous, *next;
    const struct mrq_http_worker *worker;
    struct MHD_Connection *connection;
    int socket;
    _Atomic double since; /* when it was accepted or its last request came to its end */
    bool under_way;       /* a request; what follows is its own */
    const char *uri;      /* (uri_size) the request's target, in libmicrohttpd's memory */
    size_t uri_size;
    bool blank;  /* the target holds a blank; some readers end it there */
    char *query; /* in libmicrohttpd's memory; NULL: none */
    char hidden; /* its first character */
    mrq_match match;
    const char *origin; /* of the page that asks, if it is one that may; or NULL */
    unsigned refused;   /* with this status; 0: not */
    char *body;
    size_t size, capacity, discarded;
    size_t sending; /* bytes of an answer */
} mrq_client;

typedef struct mrq_http_worker {
    struct mrq_server *server;
    struct MHD_Daemon *daemon; /* the thread's alone while it runs */
    uint32_t connections;      /* at most */
    pthread_t thread;
    bool running;
    bool short_of_files; /* an accept4() failed: the next look leaves its sockets out */
} mrq_http_worker;

struct mrq_server {
    mrq_service service;
    mrq_http_worker workers[MRQ_WORKERS_MAX];
    atomic_bool stopping;
    sem_t deaf; /* posted by each worker that listens no more */
    const mrq_listener *listener;
    const mrq_secret *token;
    const mrq_texts *hosts, *origins;
    mrq_access *access;
    atomic_uint pending;
    atomic_size_t bodies, answers; /* bytes of them all */
    uint32_t request_seconds;
    pthread_mutex_t lock; /* of the list */
    mrq_client *clients;
};

/* Of the request that a connection is at; NULL: it has none of the name. */
static inline const char *mrq_header(struct MHD_Connection *connection, const char *name)
{
    return mrq_mhd.lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* The path of a target, also of one that is written as a proxy is asked, "http://host/path". */
const char *mrq_admit_path(const char *target);

/* The status with which a request is answered after its first lines, or 0. */
unsigned mrq_admit_judge(const mrq_server *server, const mrq_client *client, struct MHD_Connection *connection, const char *method,
                         const char *version);

/* The answer to a request that was refused, with what client->refused says. */
void mrq_admit_refuse(const mrq_client *client, struct MHD_Connection *connection, const char *method, const char *path,
                      mrq_reply *reply);

/* A worker's thread, until server->stopping: `arg` is the worker. */
void *mrq_http_worker_run(void *arg);

/* libmicrohttpd's log; `cls` is the worker. */
void mrq_http_worker_message(void *cls, const char *format, va_list args);

#endif
