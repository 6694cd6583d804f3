/* A hash table in front of Redis and of the search. It is split into shards with a lock each, which is held only for a look-up:
 * about 50 ns, while an answer by HTTP takes 10 µs or more. Each shard evicts its least recently used entries first.
 *
 * An entry without an answer is being computed by one thread; other threads that need it wait on the shard's condition. Such an
 * entry is in the table but not in the LRU list, so it cannot be evicted while threads wait for it. All of them get its answer, and
 * the last one keeps the entry or removes it, depending on its size. If the computation fails, the first waiting thread computes it
 * again.
 *
 * The hash has a random key: otherwise a client could choose queries that all fall into one bucket. */
#include "engine/answer_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARDS   16
#define TYPICAL  1024 /* bytes of an answer with five items, its document and its key */
#define OVERHEAD 128  /* bytes that the allocator adds for an answer's blocks */

typedef struct entry {
    struct entry *next;          /* of the bucket */
    struct entry *newer, *older; /* in the LRU list; only entries that are kept */
    uint64_t hash;
    mrq_cached_answer *cached; /* NULL: being computed, or to be computed by a waiting thread */
    bool under_way;            /* a thread is computing it */
    uint32_t waiting;          /* threads; while there are any, the entry is not in the LRU list */
    size_t bytes, size;        /* of the whole entry; of the key */
    unsigned char key[];
} entry;

typedef struct shard {
    _Alignas(MRQ_ALIGN) pthread_mutex_t lock;
    pthread_cond_t computed;
    entry **bucket, *newest, *oldest;
    uint64_t entries; /* in the LRU list */
    size_t bytes;
} shard;

struct mrq_answer_cache {
    shard shard[SHARDS];
    uint64_t secret[2];
    atomic_ullong *evicted;
    uint32_t buckets; /* per shard, a power of two */
    size_t limit;     /* bytes of a shard */
};

/* Multiplies two words at a time to 128 bits and folds the halves, as Wang Yi's wyhash does. Without the secret words nobody can
 * predict which keys collide. */
__extension__ typedef unsigned __int128 wide;

static uint64_t fold(uint64_t x, uint64_t y)
{
    const wide product = (wide)x * y;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const mrq_answer_cache *cache, const unsigned char *key, size_t size)
{
    const uint64_t *secret = cache->secret;
    uint64_t hash = fold(size ^ secret[0], secret[1]);
    for (size_t at = 0; at < size; at += 16) {
        uint64_t word[2] = {0, 0};
        memcpy(word, key + at, size - at < sizeof word ? size - at : sizeof word);
        hash = fold(word[0] ^ secret[0] ^ hash, word[1] ^ secret[1]);
    }
    return fold(hash ^ secret[1], secret[0]);
}

mrq_answer_cache *mrq_answer_cache_new(size_t bytes, atomic_ullong *evicted)
{
    mrq_answer_cache *cache = mrq_array(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->limit = bytes / SHARDS;
    cache->buckets = 16;
    while (cache->buckets < cache->limit / TYPICAL && cache->buckets < 1u << 24)
        cache->buckets *= 2;
    cache->evicted = evicted;
    if (getrandom(cache->secret, sizeof cache->secret, GRND_NONBLOCK) < 0)
        cache->secret[0] = (uint64_t)(uintptr_t)cache; /* as random as the address space layout */
    cache->secret[0] |= 1;
    cache->secret[1] |= 1;
    bool ok = true;
    for (int i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&cache->shard[i].lock, NULL);
        pthread_cond_init(&cache->shard[i].computed, NULL);
        cache->shard[i].bucket = mrq_array(cache->buckets, sizeof(entry *));
        ok = ok && cache->shard[i].bucket;
    }
    if (ok)
        return cache;
    mrq_answer_cache_free(cache);
    return NULL;
}

static shard *shard_of(mrq_answer_cache *cache, uint64_t hash)
{
    return &cache->shard[hash >> 60];
}

static entry **find(const mrq_answer_cache *cache, shard *s, uint64_t hash, const void *key, size_t size)
{
    entry **at = &s->bucket[hash & (cache->buckets - 1)];
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

/* Removes an entry that is not in the LRU list from the shard. */
static void forget(mrq_answer_cache *cache, shard *s, entry *e)
{
    *find(cache, s, e->hash, e->key, e->size) = e->next;
    mrq_cached_answer_release(e->cached);
    free(e);
}

/* Removes the least recently used entry. */
static void drop_oldest(mrq_answer_cache *cache, shard *s)
{
    entry *e = s->oldest;
    unlink_order(s, e);
    s->bytes -= e->bytes;
    s->entries--;
    forget(cache, s, e);
}

/* Adds an entry that no thread waits for to the LRU list, or removes it if it is too large. */
static void settle(mrq_answer_cache *cache, shard *s, entry *e)
{
    if (!e->cached || e->bytes > cache->limit) {
        forget(cache, s, e);
        return;
    }
    while (s->oldest && s->bytes + e->bytes > cache->limit) {
        drop_oldest(cache, s);
        atomic_fetch_add_explicit(cache->evicted, 1, memory_order_relaxed);
    }
    s->bytes += e->bytes;
    s->entries++;
    link_newest(s, e);
}

void mrq_answer_cache_free(mrq_answer_cache *cache)
{
    for (int i = 0; cache && i < SHARDS; i++) {
        shard *s = &cache->shard[i];
        while (s->oldest)
            drop_oldest(cache, s);
        pthread_mutex_destroy(&s->lock);
        pthread_cond_destroy(&s->computed);
        mrq_free(s->bucket);
    }
    mrq_free(cache);
}

/* Returns a new reference to an entry's answer, waiting for it if another thread computes it; NULL: the caller must compute it. */
static mrq_cached_answer *take(mrq_answer_cache *cache, shard *s, entry *e, bool *waited)
{
    *waited = e->under_way;
    e->waiting += e->under_way;
    while (e->under_way)
        pthread_cond_wait(&s->computed, &s->lock);
    e->waiting -= *waited;
    if (!e->cached) {
        e->under_way = true;
        return NULL;
    }
    mrq_cached_answer *found = mrq_cached_answer_acquire(e->cached);
    atomic_fetch_add_explicit(&found->asked, 1, memory_order_relaxed);
    if (*waited && !e->waiting) {
        settle(cache, s, e);
    } else if (!e->waiting && s->newest != e) {
        unlink_order(s, e);
        link_newest(s, e);
    }
    return found;
}

mrq_cached_answer *mrq_answer_cache_take(mrq_answer_cache *cache, const void *key, size_t size, bool *waited)
{
    const uint64_t hash = hash_of(cache, key, size);
    shard *s = shard_of(cache, hash);
    mrq_cached_answer *found = NULL;
    *waited = false;
    pthread_mutex_lock(&s->lock);
    entry **at = find(cache, s, hash, key, size);
    if (*at) {
        found = take(cache, s, *at, waited);
    } else {
        entry *e = *at = malloc(sizeof *e + size);
        if (e) { /* without an entry other threads compute the same answer */
            *e = (entry){.hash = hash, .size = size, .under_way = true};
            memcpy(e->key, key, size);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

void mrq_answer_cache_give(mrq_answer_cache *cache, const void *key, size_t size, mrq_cached_answer *cached)
{
    const uint64_t hash = hash_of(cache, key, size);
    shard *s = shard_of(cache, hash);
    pthread_mutex_lock(&s->lock);
    entry *e = *find(cache, s, hash, key, size);
    if (e && e->under_way) {
        e->under_way = false;
        e->cached = cached ? mrq_cached_answer_acquire(cached) : NULL;
        e->bytes = cached ? sizeof *e + size + mrq_cached_answer_bytes(cached) + OVERHEAD : 0;
        if (e->waiting)
            pthread_cond_broadcast(&s->computed);
        else
            settle(cache, s, e);
    }
    pthread_mutex_unlock(&s->lock);
}

mrq_answer_cache_size mrq_answer_cache_measure(mrq_answer_cache *cache)
{
    mrq_answer_cache_size all = {0};
    for (int i = 0; i < SHARDS; i++) {
        shard *s = &cache->shard[i];
        pthread_mutex_lock(&s->lock);
        all.entries += s->entries;
        all.bytes += s->bytes;
        pthread_mutex_unlock(&s->lock);
    }
    return all;
}

void mrq_answer_cache_asked(mrq_answer_cache *cache, void (*add)(void *context, const char *query, uint32_t count), void *context)
{
    for (int i = 0; i < SHARDS; i++) {
        shard *s = &cache->shard[i];
        uint64_t n = 0;
        pthread_mutex_lock(&s->lock);
        MRQ_AUTOFREE mrq_cached_answer **list = mrq_array(s->entries, sizeof(mrq_cached_answer *));
        for (entry *e = s->newest; list && e; e = e->older)
            if (e->cached->counts && atomic_load_explicit(&e->cached->asked, memory_order_relaxed))
                list[n++] = mrq_cached_answer_acquire(e->cached);
        pthread_mutex_unlock(&s->lock);
        for (uint64_t j = 0; j < n; j++) {
            add(context, list[j]->content.query.text, atomic_exchange(&list[j]->asked, 0));
            mrq_cached_answer_release(list[j]);
        }
    }
}
