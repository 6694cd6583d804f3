/* The table of routes: which requests there are, and the function that answers each. Knows nothing of sockets. */
#ifndef MRQ_HTTP_ROUTE_H
#define MRQ_HTTP_ROUTE_H

#include "http/metrics.h"
#include "http/params.h"
#include "http/reply.h"

/* What all requests share. */
typedef struct mrq_service {
    mrq_recommender *recommender;
    uint32_t workers;
    atomic_uint helpers;  /* threads that batches may still start, in addition to the worker that answers each */
    atomic_bool draining; /* the server is about to stop */
    mrq_metrics metrics;
} mrq_service;

typedef struct mrq_request {
    mrq_service *service;
    const struct mrq_route *route;
    const mrq_query *query; /* from the path and the query string */
    const char *body;       /* (body_size) of a POST */
    size_t body_size;
} mrq_request;

/* What a client must send. */
typedef enum mrq_guard {
    MRQ_GUARD_TOKEN, /* the token, if the service has one; otherwise a Host that is a name of the service */
    MRQ_GUARD_NAME,  /* a Host that is a name of the service, if it has no token: the answer holds nothing personal */
    MRQ_GUARD_NONE,  /* nothing: health probes may use any Host */
} mrq_guard;

typedef struct mrq_route {
    const char *label; /* in the metrics */
    const char *path;  /* may hold one "{id}" */
    bool post;         /* POST; else GET and HEAD */
    mrq_guard guard;
    int what;           /* a mrq_ask, MRQ_ROUTE_PLAIN or MRQ_ROUTE_LENIENT */
    mrq_field_index id; /* the query's field that the path's "{id}" sets; MRQ_Q_FIELDS: the path has none */
    const char *asset;  /* the file of the page that is sent; NULL: none */
    mrq_status (*answer)(const mrq_request *request, mrq_reply *reply, mrq_error *err); /* fills `reply` on success only */
} mrq_route;

#define MRQ_ROUTE_PLAIN   (-1) /* asks the recommender nothing; a parameter is an error */
#define MRQ_ROUTE_LENIENT (-2) /* asks the recommender nothing; parameters are ignored, as probes and links to the page add some */

/* Reserves up to `want` of the free helper threads and returns how many it got; gives them back. */
uint32_t mrq_helpers_take(mrq_service *service, uint32_t want);
void mrq_helpers_give(mrq_service *service, uint32_t n);

#define MRQ_ROUTES 15
extern const mrq_route mrq_routes[MRQ_ROUTES];
#define MRQ_ROUTE_NONE MRQ_ROUTES /* in the metrics: requests without a route */

/* The route of a path and a method, both undecoded as in the request line. */
typedef struct mrq_match {
    unsigned status; /* 200; or 404, or 405: then `route` is MRQ_ROUTE_NONE */
    unsigned route;
    const char *id; /* (id_size) the path's segment at "{id}", undecoded */
    size_t id_size;
    const char *allow; /* of a 405: the methods that the path has */
} mrq_match;
mrq_match mrq_route_find(const char *method, const char *path);

/* Sets a query from a request's path and its query string (NULL: none), which is split and decoded in place. The caller clears
 * `query`, also after a failure. MRQ_USAGE. */
MRQ_CHECKED mrq_status mrq_route_query(const mrq_match *match, char *text, mrq_query *query, mrq_error *err);

#endif
