/* Bytes in and out of Redis. A cache never makes its caller fail: whatever goes wrong counts, and is a miss. */
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
    MRQ_CACHE_DOWN, /* refused, timed out, answered with garbage or an error; or not asked, a moment after one of these */
} mrq_cache_state;
extern const char *const mrq_cache_state_names[]; /* "off", "hit", "miss", "down" */

/* Limits in milliseconds. One operation, connecting and logging in included, never takes longer than the first two together. */
#define MRQ_CACHE_CONNECT_MS  40
#define MRQ_CACHE_COMMAND_MS  40
#define MRQ_CACHE_TTL_DEFAULT 86400             /* seconds */
#define MRQ_CACHE_VALUE_MAX   ((size_t)4 << 20) /* bytes */

/* What is counted lives in a sorted set: this many seconds after the last count, with no more members than this, of which ageing
 * leaves half. */
#define MRQ_CACHE_TALLY_TTL  (30 * 86400)
#define MRQ_CACHE_TALLY_MAX  20000
#define MRQ_CACHE_TALLY_EACH 64 /* counts over a connection from one such look to the next; the first one looks */

typedef struct mrq_cache_counts {
    uint64_t hits, misses, errors;
} mrq_cache_counts;

typedef struct mrq_cache mrq_cache;

/* `address` is unix:/path, host:port, host, [v6]:port, or redis://[user][:password@]host[:port][/database]. Does not connect.
 * MRQ_USAGE for an address that makes no sense; the sentence never quotes a password. Not thread-safe: one a thread. */
MRQ_CHECKED mrq_status mrq_cache_new(const char *address, uint32_t ttl, mrq_cache **out, mrq_error *err);
/* Waits for a look-up of the server's name that is under way, as mrq_cache_looks_up() says. NULL is legal. */
void mrq_cache_free(mrq_cache *cache);
bool mrq_cache_looks_up(const mrq_cache *cache);
MRQ_DEFINE_CLEANUP(mrq_cache, mrq_cache_free)

/* A member of a sorted set whose score goes up by one. */
typedef struct mrq_tally {
    const char *set, *member;
} mrq_tally;

/* The value of a key: MRQ_CACHE_HIT with bytes that the caller frees with mrq_free(), else MISS, also for a key of another type, or
 * DOWN. `tally`, unless NULL, is counted in the same round trip, whatever comes of it: that it failed is an error to be counted and
 * told, but the value stands. */
mrq_cache_state mrq_cache_get(mrq_cache *cache, const char *key, const mrq_tally *tally, void **value, size_t *size);

/* A member of a sorted set, NUL-terminated, and by how much its score goes up: 1 or more. */
typedef struct mrq_addend {
    const char *member;
    uint64_t count;
} mrq_addend;

/* Counts `n` members of a sorted set at once, some hundreds in a round trip, each of which keeps to the limits above; a member may
 * stand there twice. MRQ_CACHE_MISS; DOWN when a round trip failed: then no other was tried, what came before it is counted, and of
 * what was in it nobody knows. */
mrq_cache_state mrq_cache_add(mrq_cache *cache, const char *set, const mrq_addend *addend, uint32_t n);

/* Sets a key with the time to live, with one command. MRQ_CACHE_DOWN when that failed, else MRQ_CACHE_MISS. */
mrq_cache_state mrq_cache_set(mrq_cache *cache, const char *key, const void *value, size_t size);

/* Adds the members of a sorted set at the places `first`, 0 being the highest score, to `first + n - 1` to a list, in that order.
 * MRQ_CACHE_HIT; MISS when there are none; DOWN, and the list is of no use. */
mrq_cache_state mrq_cache_top(mrq_cache *cache, const char *set, uint32_t first, uint32_t n, mrq_dict *members);

/* Ages a sorted set: keeps the better half of MRQ_CACHE_TALLY_MAX, halves all scores and drops those that fall to a tenth or less.
 * MRQ_CACHE_DOWN when that failed, else MRQ_CACHE_MISS. */
mrq_cache_state mrq_cache_age(mrq_cache *cache, const char *set);

/* The value of the last hit was none of ours: it counts as a miss. */
void mrq_cache_refuse(mrq_cache *cache);

mrq_cache_counts mrq_cache_counted(const mrq_cache *cache);
const char *mrq_cache_problem(const mrq_cache *cache); /* the last error, or "" */

#endif
