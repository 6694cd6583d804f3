/* The fold of a live database in memory. Private to the room. Not thread-safe: live.c has a lock. */
#ifndef MRQ_LIVE_STATE_H
#define MRQ_LIVE_STATE_H

#include "base/dict.h"
#include "live/live.h"

/* An event takes 32 bytes, in blocks of MRQ_LIVE_BLOCK that never move. */
typedef struct mrq_live_event {
    int64_t time;
    uint64_t seq;
    uint32_t item, kind; /* places in the dictionaries; kind MRQ_NONE: none */
    float value;         /* or NaN */
    uint32_t next;       /* the user's next newer event, or MRQ_NONE */
} mrq_live_event;

typedef struct mrq_live_user {
    uint64_t version;
    char *features;       /* a JSON object; NULL: none */
    uint32_t first, last; /* events, oldest first by number; MRQ_NONE: none */
    uint32_t n;           /* of them, at most MRQ_LIVE_OF_USER, so that no user holds up the others */
} mrq_live_user;

typedef struct mrq_live_item {
    bool hidden;
    int64_t expires;
} mrq_live_item;

typedef struct mrq_state {
    mrq_dict *users, *items, *kinds; /* ids and names */
    mrq_dict *erased;                /* of erased users, mrq_live_erased_id() */
    uint64_t *erasure;               /* (erased) the number of each erasure */
    mrq_live_user *user;             /* (users) */
    mrq_live_item *item;             /* (items) */
    size_t user_room, item_room, erasure_room;
    mrq_live_event **block;
    size_t block_room;
    uint64_t n_events; /* places used in the blocks */
    uint64_t dropped;  /* of them, no longer in a user's list */
    uint64_t versions; /* the last that was given */
    uint64_t items_version;
    int64_t next_expiry; /* the first time at which an item will expire; INT64_MAX: none */
    int64_t newest;
} mrq_state;

int mrq_state_init(mrq_state *state); /* -1 when out of memory */
void mrq_state_clear(mrq_state *state);

/* Folds an erasure of which only the number is left. -1 when out of memory. */
int mrq_state_erase(mrq_state *state, const char *erased_id, uint64_t seq);

/* Folds a change that is on disk; `seq` is its number, of MRQ_DROP_EVENT that of the event. -1 when out of memory. */
int mrq_state_apply(mrq_state *state, const mrq_change *change, uint64_t seq, int64_t now);

/* Gives what has expired by now a new version. */
void mrq_state_expire(mrq_state *state, int64_t now);

#define MRQ_LIVE_BLOCK 8192
static inline mrq_live_event *mrq_state_event(const mrq_state *state, uint32_t i)
{
    return &state->block[i / MRQ_LIVE_BLOCK][i % MRQ_LIVE_BLOCK];
}

MRQ_CHECKED mrq_status mrq_state_look(const mrq_state *state, uint64_t mark, const mrq_meaning *meaning, const mrq_table *items,
                                      const char *user, mrq_live_person *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_state_hidden(const mrq_state *state, const mrq_table *items, int64_t now, uint32_t **row, uint32_t *n,
                                        mrq_error *err);

#endif
