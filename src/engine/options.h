/* The contents of the public types mrq_options and mrq_stats. */
#ifndef MRQ_ENGINE_OPTIONS_H
#define MRQ_ENGINE_OPTIONS_H

#include "base/memory.h"
#include "marquee/marquee.h"

/* Zeroed: the defaults. The texts are borrowed. */
struct mrq_options {
    mrq_arena *arena; /* of the texts set by mrq_options_set(); NULL if made without mrq_options_new() */
    const char *store, *redis, *backend, *backend_token, *backend_ca; /* NULL: not set */
    size_t memory;                                                    /* bytes */
    uint32_t redis_ttl;                                               /* seconds; 0: the default */
    uint32_t deadline;                                                /* milliseconds; 0: the default */
};

struct mrq_stats {
    char generation[64];
    char redis_problem[256];
    int64_t created;
    uint32_t items, users;
    uint64_t index_bytes;
    uint64_t memory_hits, redis_hits, computed, shared;
    uint64_t redis_errors;
    uint64_t memory_entries, memory_bytes, memory_evicted;
    uint64_t reloads, reloads_refused;
};

/* Like mrq_recommender_stats(), into the caller's struct. */
void mrq_recommender_measure(mrq_recommender *recommender, mrq_stats *out);

#endif
