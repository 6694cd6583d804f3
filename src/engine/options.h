/* The contents of the public types mrq_options and mrq_stats. */
#ifndef MRQ_ENGINE_OPTIONS_H
#define MRQ_ENGINE_OPTIONS_H

#include "base/memory.h"
#include "marquee/marquee.h"

/* Zeroed: the defaults. The texts are borrowed. */
struct mrq_options {
    mrq_arena *arena; /* of the texts set by mrq_options_set(); NULL if made without mrq_options_new() */
    const char *store, *redis, *backend, *backend_token, *backend_ca, *live; /* NULL: not set */
    size_t memory;                                                           /* bytes */
    uint64_t live_size;                                                      /* bytes; 0: the default */
    bool live_strict;
    uint32_t redis_ttl; /* seconds; 0: the default */
    uint32_t deadline;  /* milliseconds; 0: the default */
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
    bool live; /* whether the following are known */
    uint64_t live_events, live_users, live_items, live_changes, live_commits, live_failed, live_bytes;
    int64_t live_newest; /* unix seconds; 0: no event */
};

/* Like mrq_recommender_stats(), into the caller's struct. */
void mrq_recommender_measure(mrq_recommender *recommender, mrq_stats *out);

#endif
