/* A hash table in front of Redis and of the search, in shards with a lock each, held for a look-up and no longer: about 50 ns,
 * while an answer by HTTP takes 10 µs or more. Within a shard the least recently asked go first.
 *
 * An entry without an answer is being computed by one thread; others who want it wait on the shard's condition. Such an entry is
 * in the table, but not in the order of going: it stays as long as one of those is there. Its answer goes to them all, and the
 * last one settles whether there is room to keep it; where the computation fails, the first of them tries in its turn.
 *
 * The hash is keyed at random: who can choose questions could otherwise make them all fall into one bucket. */
#include "engine/answers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARDS   16
#define TYPICAL  1024 /* bytes of an answer with five movies, its document and its key */
#define OVERHEAD 128  /* what the allocator takes for an answer's pieces */

typedef struct entry {
    struct entry *next;          /* of the bucket */
    struct entry *newer, *older; /* in the order of asking; only of what is kept */
    uint64_t hash;
    mrq_finished *finished; /* NULL: it is computed, or to be computed by one of those who wait */
    bool under_way;         /* some thread computes it */
    uint32_t waiting;       /* threads; while there are any it is not in the order */
    size_t bytes, size;     /* what it takes; of the key */
    unsigned char key[];
} entry;

typedef struct shard {
    _Alignas(MRQ_ALIGN) pthread_mutex_t lock;
    pthread_cond_t computed;
    entry **bucket, *newest, *oldest;
    uint64_t entries; /* that are kept */
    size_t bytes;
    bool closed;
} shard;

struct mrq_answers {
    shard shard[SHARDS];
    uint64_t secret[2];
    atomic_ullong *evicted;
    uint32_t buckets; /* of a shard, a power of two */
    size_t limit;     /* bytes of a shard */
};

/* Two words at a time, multiplied to 128 bits of which the halves are folded: who does not know the secret words cannot tell which
 * keys meet. (Of the kind of Wang Yi's wyhash.) */
__extension__ typedef unsigned __int128 wide;

static uint64_t fold(uint64_t x, uint64_t y)
{
    const wide product = (wide)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const mrq_answers *answers, const unsigned char *key, size_t size)
{
    const uint64_t *secret = answers->secret;
    uint64_t hash = fold(size ^ secret[0], secret[1]);
    for (size_t at = 0; at < size; at += 16) {
        uint64_t word[2] = {0, 0};
        memcpy(word, key + at, size - at < sizeof word ? size - at : sizeof word);
        hash = fold(word[0] ^ secret[0] ^ hash, word[1] ^ secret[1]);
    }
    return fold(hash ^ secret[1], secret[0]);
}

mrq_answers *mrq_answers_new(size_t bytes, atomic_ullong *evicted)
{
    mrq_answers *answers = mrq_array(1, sizeof *answers);
    if (!answers)
        return NULL;
    answers->limit = bytes / SHARDS;
    answers->buckets = 16;
    while (answers->buckets < answers->limit / TYPICAL && answers->buckets < 1u << 24)
        answers->buckets *= 2;
    answers->evicted = evicted;
    if (getrandom(answers->secret, sizeof answers->secret, GRND_NONBLOCK) < 0)
        answers->secret[0] = (uint64_t)(uintptr_t)answers; /* as good as the system's layout */
    answers->secret[0] |= 1;
    answers->secret[1] |= 1;
    bool ok = true;
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&answers->shard[i].lock, NULL);
        pthread_cond_init(&answers->shard[i].computed, NULL);
        answers->shard[i].bucket = mrq_array(answers->buckets, sizeof(entry *));
        ok = ok && answers->shard[i].bucket;
    }
    if (ok)
        return answers;
    mrq_answers_free(answers);
    return NULL;
}

static shard *shard_of(mrq_answers *answers, uint64_t hash)
{
    return &answers->shard[hash >> 60];
}

static entry **find(const mrq_answers *answers, shard *s, uint64_t hash, const void *key, size_t size)
{
    entry **at = &s->bucket[hash & (answers->buckets - 1)];
    while (*at && !((*at)->hash == hash && (*at)->size == size && memcmp((*at)->key, key, size) == 0))
        at = &(*at)->next;
    return at;
}

static void unlink_order(shard *s, entry *e)
{
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void link_newest(shard *s, entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

/* Takes an entry that is not in the order out of the shard. */
static void forget(mrq_answers *answers, shard *s, entry *e)
{
    *find(answers, s, e->hash, e->key, e->size) = e->next;
    mrq_finished_release(e->finished);
    free(e);
}

/* The same for the one that goes first. */
static void drop_oldest(mrq_answers *answers, shard *s)
{
    entry *e = s->oldest;
    unlink_order(s, e);
    s->bytes -= e->bytes;
    s->entries--;
    forget(answers, s, e);
}

/* Keeps an entry for which nobody waits any more, or lets it go. */
static void settle(mrq_answers *answers, shard *s, entry *e)
{
    if (!e->finished || s->closed || e->bytes > answers->limit) {
        forget(answers, s, e);
        return;
    }
    while (s->oldest && s->bytes + e->bytes > answers->limit) {
        drop_oldest(answers, s);
        atomic_fetch_add_explicit(answers->evicted, 1, memory_order_relaxed);
    }
    s->bytes += e->bytes;
    s->entries++;
    link_newest(s, e);
}

void mrq_answers_close(mrq_answers *answers)
{
    for (int i = 0; answers && i < SHARDS; i++) {
        shard *s = &answers->shard[i];
        pthread_mutex_lock(&s->lock);
        s->closed = true;
        while (s->oldest)
            drop_oldest(answers, s);
        pthread_mutex_unlock(&s->lock);
    }
}

void mrq_answers_free(mrq_answers *answers)
{
    for (int i = 0; answers && i < SHARDS; i++) {
        shard *s = &answers->shard[i];
        while (s->oldest)
            drop_oldest(answers, s);
        pthread_mutex_destroy(&s->lock);
        pthread_cond_destroy(&s->computed);
        mrq_free(s->bucket);
    }
    mrq_free(answers);
}

/* Holds an entry's answer, for which there may be others who wait; NULL: the caller is to compute it. */
static mrq_finished *take(mrq_answers *answers, shard *s, entry *e, bool *waited)
{
    *waited = e->under_way;
    e->waiting += e->under_way;
    while (e->under_way)
        pthread_cond_wait(&s->computed, &s->lock);
    e->waiting -= *waited;
    if (!e->finished) {
        e->under_way = true;
        return NULL;
    }
    mrq_finished *found = mrq_finished_hold(e->finished);
    atomic_fetch_add_explicit(&found->asked, 1, memory_order_relaxed);
    if (*waited && !e->waiting) {
        settle(answers, s, e);
    } else if (!e->waiting && s->newest != e) {
        unlink_order(s, e);
        link_newest(s, e);
    }
    return found;
}

mrq_finished *mrq_answers_take(mrq_answers *answers, const void *key, size_t size, bool *waited)
{
    const uint64_t hash = hash_of(answers, key, size);
    shard *s = shard_of(answers, hash);
    mrq_finished *found = NULL;
    *waited = false;
    pthread_mutex_lock(&s->lock);
    entry **at = find(answers, s, hash, key, size);
    if (*at) {
        found = take(answers, s, *at, waited);
    } else if (!s->closed) {
        entry *e = *at = malloc(sizeof *e + size);
        if (e) { /* without it nobody waits, that is all */
            *e = (entry){.hash = hash, .size = size, .under_way = true};
            memcpy(e->key, key, size);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

void mrq_answers_give(mrq_answers *answers, const void *key, size_t size, mrq_finished *finished)
{
    const uint64_t hash = hash_of(answers, key, size);
    shard *s = shard_of(answers, hash);
    pthread_mutex_lock(&s->lock);
    entry *e = *find(answers, s, hash, key, size);
    if (e && e->under_way) {
        e->under_way = false;
        e->finished = finished ? mrq_finished_hold(finished) : NULL;
        e->bytes = finished ? sizeof *e + size + mrq_finished_bytes(finished) + OVERHEAD : 0;
        if (e->waiting)
            pthread_cond_broadcast(&s->computed);
        else
            settle(answers, s, e);
    }
    pthread_mutex_unlock(&s->lock);
}

mrq_answers_size mrq_answers_measure(mrq_answers *answers)
{
    mrq_answers_size all = {0};
    for (int i = 0; i < SHARDS; i++) {
        shard *s = &answers->shard[i];
        pthread_mutex_lock(&s->lock);
        all.entries += s->entries;
        all.bytes += s->bytes;
        pthread_mutex_unlock(&s->lock);
    }
    return all;
}

void mrq_answers_asked(mrq_answers *answers, void (*tell)(void *context, const char *query, uint32_t count), void *context)
{
    for (int i = 0; i < SHARDS; i++) {
        shard *s = &answers->shard[i];
        uint64_t n = 0;
        pthread_mutex_lock(&s->lock);
        MRQ_AUTOFREE mrq_finished **list = mrq_array(s->entries, sizeof(mrq_finished *));
        for (entry *e = s->newest; list && e; e = e->older)
            if (e->finished->counts && atomic_load_explicit(&e->finished->asked, memory_order_relaxed))
                list[n++] = mrq_finished_hold(e->finished);
        pthread_mutex_unlock(&s->lock);
        for (uint64_t j = 0; j < n; j++) {
            tell(context, list[j]->answer.query.text, atomic_exchange(&list[j]->asked, 0));
            mrq_finished_release(list[j]);
        }
    }
}
