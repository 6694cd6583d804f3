/* Which requests there are, and what answers them. Knows nothing of sockets. */
#ifndef MRQ_HTTP_ROUTE_H
#define MRQ_HTTP_ROUTE_H

#include "http/metrics.h"
#include "http/params.h"
#include "http/reply.h"

/* What all requests share. */
typedef struct mrq_service {
    mrq_recommender *recommender;
    uint32_t workers;
    atomic_uint helpers;  /* threads that batches may start yet, beside the worker that each has */
    atomic_bool draining; /* is about to stop */
    mrq_metrics metrics;
} mrq_service;

typedef struct mrq_request {
    mrq_service *service;
    const struct mrq_route *route;
    const mrq_query *query; /* of path and query string */
    const char *body;       /* (body_size) of a POST */
    size_t body_size;
} mrq_request;

/* Who may ask. */
typedef enum mrq_guard {
    MRQ_GUARD_TOKEN, /* who tells the token, where there is one, and knows the service by its name, where there is none */
    MRQ_GUARD_NAME,  /* the same without the token: it tells nothing of anybody */
    MRQ_GUARD_NONE,  /* anybody: what looks whether the service lives may call it anything */
} mrq_guard;

typedef struct mrq_route {
    const char *label; /* in the metrics */
    const char *path;  /* may hold one "{id}" */
    bool post;         /* POST; else GET and HEAD */
    mrq_guard guard;
    int what;           /* a mrq_ask, or MRQ_ROUTE_PLAIN: no parameters */
    mrq_field_index id; /* the field that the path's "{id}" is */
    const char *asset;
    mrq_status (*answer)(const mrq_request *request, mrq_reply *reply, mrq_error *err); /* fills `reply` on success only */
} mrq_route;

#define MRQ_ROUTE_PLAIN (-1)

/* Takes up to `want` of the helpers that are left, and gives them back. */
uint32_t mrq_helpers_take(mrq_service *service, uint32_t want);
void mrq_helpers_give(mrq_service *service, uint32_t n);

#define MRQ_ROUTES 15
extern const mrq_route mrq_routes[MRQ_ROUTES];
#define MRQ_ROUTE_NONE MRQ_ROUTES /* in the metrics: all that has no route */

/* A path and a method, as they stand in the request line, and what they lead to. */
typedef struct mrq_match {
    unsigned status; /* 200; 404, or 405 with `allow`: there `route` is MRQ_ROUTE_NONE */
    unsigned route;
    const char *id; /* (id_size) the segment of the path that stands for it */
    size_t id_size;
    const char *allow;
} mrq_match;
mrq_match mrq_route_find(const char *method, const char *path);

/* What a request asks for, from its path and its query string (NULL: none), which is split where it lies; `query` is to be cleared
 * whatever comes of it. MRQ_USAGE. */
MRQ_CHECKED mrq_status mrq_route_query(const mrq_match *match, char *text, mrq_query *query, mrq_error *err);

#endif
