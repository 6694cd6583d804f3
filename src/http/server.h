/* The HTTP server: a recommender's answers on a listening socket. */
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

/* All that is pointed to outlives the server. */
typedef struct mrq_server_options {
    mrq_recommender *recommender;
    const mrq_listener *listener; /* the caller's, who closes it after mrq_server_stop() */
    uint32_t workers;             /* threads, 1 .. MRQ_WORKERS_MAX */
    uint32_t connections;         /* at once; more wait to be accepted */
    uint32_t idle_seconds;        /* a connection that is silent for so long is closed */
    uint32_t request_seconds;     /* and one on which no request comes to its end for so long, whatever trickles in or out */
    const mrq_secret *token;      /* that clients have to tell; NULL: none */
    mrq_access *access;           /* NULL: no access log */
    const mrq_texts *hosts;       /* names that a request's Host may say beside localhost and loopback addresses; NULL: any */
    const mrq_texts *origins;     /* of pages elsewhere that may read the answers; NULL: none */
} mrq_server_options;

/* Starts the threads. Each answers requests in turn on the connections that it accepted. MRQ_FAILED. */
MRQ_CHECKED mrq_status mrq_server_start(const mrq_server_options *options, mrq_server **out, mrq_error *err);

/* Cuts connections on which no request has come to its end for too long. To be called every few seconds. */
void mrq_server_sweep(mrq_server *server);

/* Accepts no more, but for those that wait already, and lets every connection end with its next answer. Returns when no worker
 * listens any more: each first ends the answer that it is busy with. To be called once. */
void mrq_server_drain(mrq_server *server);

uint32_t mrq_server_pending(const mrq_server *server);  /* requests under way */
uint64_t mrq_server_answered(const mrq_server *server); /* requests since the start */

/* Closes all connections, ends the threads and frees the server. NULL is legal. */
void mrq_server_stop(mrq_server *server);

#endif
