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
    atomic_bool draining; /* is about to stop */
    mrq_metrics metrics;
} mrq_service;

typedef struct mrq_request {
    mrq_service *service;
    const char *asset;  /* of the route */
    int64_t id;         /* of the path, where it has one */
    mrq_params *params; /* of the query string */
    const char *body;   /* (body_size) of a POST */
    size_t body_size;
} mrq_request;

typedef struct mrq_route {
    const char *label; /* in the metrics */
    const char *path;  /* may hold one "{id}" */
    bool post;         /* POST; else GET and HEAD */
    bool open;         /* needs no token */
    uint32_t params;   /* set of mrq_param */
    uint32_t k;        /* movies without k */
    const char *asset;
    mrq_status (*answer)(const mrq_request *request, mrq_reply *reply, mrq_error *err); /* fills `reply` on success only */
} mrq_route;

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

#endif
