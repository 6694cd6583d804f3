/* Stores and reads bytes in Redis. A failure is counted and treated like a miss; it never makes the caller fail. */
#ifndef MRQ_CACHE_CACHE_H
#define MRQ_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dict.h"
#include "base/error.h"
#include "base/memory.h"

typedef enum mrq_cache_state {
    MRQ_CACHE_OFF, /* none configured */
    MRQ_CACHE_HIT,
    MRQ_CACHE_MISS,
    MRQ_CACHE_DOWN, /* refused, timed out, invalid reply or error; or not tried, during the pause after one of these */
} mrq_cache_state;
extern const char *const mrq_cache_state_names[]; /* "off", "hit", "miss", "down" */

/* Limits in milliseconds. One operation, including connecting and logging in, never takes longer than the first two together. */
#define MRQ_CACHE_CONNECT_MS  40
#define MRQ_CACHE_COMMAND_MS  40
#define MRQ_CACHE_TTL_DEFAULT 86400             /* seconds */
#define MRQ_CACHE_VALUE_MAX   ((size_t)4 << 20) /* bytes */

/* Counts are stored in a sorted set. */
#define MRQ_CACHE_TALLY_TTL  (30 * 86400) /* seconds from the last count until the set expires */
#define MRQ_CACHE_TALLY_MAX  20000        /* most members; ageing keeps half of that */
#define MRQ_CACHE_TALLY_EACH 64           /* each connection enforces both at its first count and at every 64th */

typedef struct mrq_cache_counts {
    uint64_t hits, misses, errors;
} mrq_cache_counts;

typedef struct mrq_cache mrq_cache;

/* `address` is unix:/path, host:port, host, [v6]:port, or redis://[user][:password@]host[:port][/database]. Does not connect.
 * MRQ_USAGE for an invalid address; the message never contains a password. Not thread-safe: each thread needs its own. */
MRQ_CHECKED mrq_status mrq_cache_new(const char *address, uint32_t ttl, mrq_cache **out, mrq_error *err);
/* If a look-up of the server's host name is running (mrq_cache_looks_up()), waits for it. NULL is legal. */
void mrq_cache_free(mrq_cache *cache);
bool mrq_cache_looks_up(const mrq_cache *cache);
MRQ_DEFINE_CLEANUP(mrq_cache, mrq_cache_free)

/* A member of a sorted set whose score is raised by one. */
typedef struct mrq_tally {
    const char *set, *member;
} mrq_tally;

/* Reads the value of a key: MRQ_CACHE_HIT with bytes that the caller frees with mrq_free(); MISS, also for a key of another type;
 * or DOWN. `tally`, if not NULL, is counted in the same round trip. A failure of that counts as an error, but does not affect the
 * value. */
mrq_cache_state mrq_cache_get(mrq_cache *cache, const char *key, const mrq_tally *tally, void **value, size_t *size);

/* A member of a sorted set, NUL-terminated, and how much its score is raised: 1 or more. */
typedef struct mrq_addend {
    const char *member;
    uint64_t count;
} mrq_addend;

/* Counts `n` members of a sorted set, some hundreds in each round trip, which keeps to the limits above. A member may occur twice.
 * MRQ_CACHE_MISS; DOWN if a round trip failed: then the round trips before it have been counted, those after it were not sent, and
 * its own members may or may not have been counted. */
mrq_cache_state mrq_cache_add(mrq_cache *cache, const char *set, const mrq_addend *addend, uint32_t n);

/* Sets a key and its time to live, with one command. MRQ_CACHE_DOWN if that failed, else MRQ_CACHE_MISS. */
mrq_cache_state mrq_cache_set(mrq_cache *cache, const char *key, const void *value, size_t size);

/* Adds the members of a sorted set at the places `first` to `first + n - 1` to a list, in that order; place 0 has the highest
 * score. MRQ_CACHE_HIT; MISS if there are none; DOWN: then the list is not valid. */
mrq_cache_state mrq_cache_top(mrq_cache *cache, const char *set, uint32_t first, uint32_t n, mrq_dict *members);

/* Ages a sorted set: keeps the MRQ_CACHE_TALLY_MAX / 2 highest scores, halves all scores and removes those of a tenth or less.
 * MRQ_CACHE_DOWN if that failed, else MRQ_CACHE_MISS. */
mrq_cache_state mrq_cache_age(mrq_cache *cache, const char *set);

/* Counts the last hit as a miss, because its value was not valid. */
void mrq_cache_refuse(mrq_cache *cache);

mrq_cache_counts mrq_cache_counted(const mrq_cache *cache);
const char *mrq_cache_problem(const mrq_cache *cache); /* the last error, or "" */

#endif
