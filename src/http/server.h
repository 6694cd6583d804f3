/* The HTTP server: answers requests on listening sockets with a recommender's answers. */
#ifndef MRQ_HTTP_SERVER_H
#define MRQ_HTTP_SERVER_H

#include "base/option.h"
#include "http/access.h"
#include "http/listen.h"
#include "http/token.h"
#include "marquee/marquee.h"

#define MRQ_WORKERS_MAX         256
#define MRQ_CONNECTIONS_MIN     16
#define MRQ_CONNECTIONS_MAX     100000
#define MRQ_CONNECTIONS_DEFAULT 10000
#define MRQ_IDLE_SECONDS        30
#define MRQ_REQUEST_SECONDS     60

typedef struct mrq_server mrq_server;

/* Everything pointed to must outlive the server. */
typedef struct mrq_server_options {
    mrq_recommender *recommender;
    const mrq_listener *listener; /* owned by the caller, who closes it after mrq_server_stop() */
    bool writes;                  /* the recommender has something live, which requests may change */
    uint32_t workers;             /* threads, 1 .. MRQ_WORKERS_MAX */
    uint32_t connections;         /* open at the same time; more wait to be accepted */
    uint32_t idle_seconds;        /* time-out of a silent connection */
    uint32_t request_seconds;     /* time-out of a connection that completes no request, even if bytes arrive or leave */
    const mrq_secret *token;      /* that clients must send; NULL: none */
    mrq_access *access;           /* NULL: no access log */
    const mrq_texts *hosts;       /* names that a Host may have besides localhost and loopback addresses; NULL: any */
    const mrq_texts *origins;     /* of pages on other servers that may read the answers; NULL: none */
} mrq_server_options;

/* Starts the threads. Each answers the requests of the connections that it accepted. MRQ_FAILED. */
MRQ_CHECKED mrq_status mrq_server_start(const mrq_server_options *options, mrq_server **out, mrq_error *err);

/* Closes connections that have completed no request for request_seconds. To be called every few seconds. */
void mrq_server_sweep(mrq_server *server);

/* Accepts the connections that wait already and no more, and closes every connection after its next answer. Returns when all
 * workers have stopped listening, which each does after its current answer. To be called once. */
void mrq_server_drain(mrq_server *server);

uint32_t mrq_server_pending(const mrq_server *server);  /* requests under way */
uint64_t mrq_server_answered(const mrq_server *server); /* requests since the start */

/* Closes all connections, ends the threads and frees the server. NULL is legal. */
void mrq_server_stop(mrq_server *server);

#endif
