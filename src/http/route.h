/* The table of routes: which requests there are, and the function that answers each. Knows nothing of sockets. */
#ifndef MRQ_HTTP_ROUTE_H
#define MRQ_HTTP_ROUTE_H

#include "http/metrics.h"
#include "http/params.h"
#include "http/reply.h"
#include "http/write.h"

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
    const char *body;       /* (body_size) of a POST or PUT */
    size_t body_size;
    const char *id[2]; /* of a path of a write: the decoded segments at each "{id}" */
} mrq_request;

/* What a client must send. */
typedef enum mrq_guard {
    MRQ_GUARD_TOKEN, /* the token, if the service has one; otherwise a Host that is a name of the service */
    MRQ_GUARD_NAME,  /* a Host that is a name of the service, if it has no token: the answer holds nothing personal */
    MRQ_GUARD_NONE,  /* nothing: health probes may use any Host */
} mrq_guard;

typedef enum mrq_method { MRQ_GET, MRQ_POST, MRQ_PUT, MRQ_DELETE, MRQ_METHODS } mrq_method; /* MRQ_GET: HEAD as well */

#define MRQ_PATH_IDS 2

typedef struct mrq_route {
    const char *label; /* in the metrics */
    const char *path;  /* may hold up to MRQ_PATH_IDS "{id}" */
    mrq_method method;
    mrq_guard guard;
    int what;           /* a mrq_ask, MRQ_ROUTE_PLAIN or MRQ_ROUTE_LENIENT */
    mrq_field_index id; /* the query's field that the path's "{id}" sets; MRQ_Q_FIELDS: none */
    const char *asset;  /* the file of the page that is sent; NULL: none */
    mrq_status (*answer)(const mrq_request *request, mrq_reply *reply, mrq_error *err); /* fills `reply` on success only */
    mrq_status (*write)(const mrq_request *request, mrq_changes *changes,
                        mrq_error *err); /* in place of `answer`, of a request that changes what is live */
} mrq_route;

static inline bool mrq_route_has_body(const mrq_route *route)
{
    return route->method == MRQ_POST || route->method == MRQ_PUT;
}

#define MRQ_ROUTE_PLAIN   (-1) /* asks the recommender nothing; a parameter is an error */
#define MRQ_ROUTE_LENIENT (-2) /* asks the recommender nothing; parameters are ignored, as probes and links to the page add some */

/* Reserves up to `want` of the free helper threads and returns how many it got; gives them back. */
uint32_t mrq_helpers_take(mrq_service *service, uint32_t want);
void mrq_helpers_give(mrq_service *service, uint32_t n);

#define MRQ_ROUTES 23
extern const mrq_route mrq_routes[MRQ_ROUTES];
#define MRQ_ROUTE_NONE MRQ_ROUTES /* in the metrics: requests without a route */

/* The route of a path and a method, both undecoded as in the request line. */
typedef struct mrq_match {
    unsigned status; /* 200; or 404, or 405: then `route` is MRQ_ROUTE_NONE */
    unsigned route;
    unsigned n_ids;
    struct {
        const char *text; /* (size) the path's segment at an "{id}", undecoded */
        size_t size;
    } id[MRQ_PATH_IDS];
    char allow[40]; /* of a 405: the methods that the path has; else "" */
} mrq_match;
mrq_match mrq_route_find(const char *method, const char *path);

/* Sets a query from a request's path and its query string (NULL: none), which is split and decoded in place. The caller clears
 * `query`, also after a failure. MRQ_USAGE. */
MRQ_CHECKED mrq_status mrq_route_query(const mrq_match *match, char *text, mrq_query *query, mrq_error *err);

/* Decodes the ids of a path. MRQ_USAGE. */
MRQ_CHECKED mrq_status mrq_route_ids(const mrq_match *match, char id[MRQ_PATH_IDS][MRQ_ID_BYTES + 1], mrq_error *err);

#endif
