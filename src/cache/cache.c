/* The cache proper: connect when first needed, log in, one command and its reply at a time.
 *
 * Invariant: a wire is kept only while it is in step, every reply asked for read and nothing else. Any time-out, hang-up or reply
 * of a wrong kind closes it, because a late reply would answer the next command; so does anything that arrives unasked. An error
 * reply (WRONGTYPE, LOADING, NOAUTH...) is in step and keeps it. After a failed connection or a closed wire the server is left
 * alone for a pause that doubles from 50 ms to 5 s; meanwhile every operation is DOWN at once. A wire that went bad while it lay
 * idle (the server was restarted) is replaced without a pause. AUTH and SELECT go out with the first command and cost no round trip
 * of their own.
 *
 * One operation spends at most CONNECT_MS until it is connected and COMMAND_MS from then on. Secrets stay out of messages: of the
 * answer to AUTH only the code word is told, since Redis repeats the arguments of a command that it does not know. */
#include "cache/cache.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cache/wire.h"

#define PAUSE_MIN   0.05 /* seconds */
#define PAUSE_MAX   5.0
#define REPLY_BYTES (MRQ_CACHE_VALUE_MAX + 1024) /* a value, its frame and the two short answers to a login */

const char *const mrq_cache_state_names[] = {"off", "hit", "miss", "down"};

struct mrq_cache {
    mrq_address address;
    uint32_t ttl;
    mrq_wire *wire;      /* NULL: not connected */
    mrq_lookup *lookup;  /* of the host's name, while it takes long */
    double pause, retry; /* the last pause in seconds, 0 after a success; when it ends */
    mrq_cache_counts counts;
    mrq_error problem;
};

/* A command in the protocol's form; a negative size stands for out of memory. */
typedef struct command {
    char *bytes;
    int size;
} command;

static void command_clear(command *c)
{
    redisFreeCommand(c->bytes);
}
#define COMMAND __attribute__((cleanup(command_clear))) command

static void reply_clear(redisReply **reply)
{
    freeReplyObject(*reply);
}
#define REPLY __attribute__((cleanup(reply_clear))) redisReply

mrq_status mrq_cache_new(const char *address, uint32_t ttl, mrq_cache **out, mrq_error *err)
{
    mrq_address parsed;
    MRQ_TRY(mrq_address_parse(address, &parsed, err));
    if (ttl == 0)
        return mrq_fail(err, MRQ_USAGE, "Redis: a time to live of 0 seconds, want 1 or more");
    mrq_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return mrq_fail_memory(err, "setting up the cache");
    cache->address = parsed;
    cache->ttl = ttl;
    *out = cache;
    return MRQ_OK;
}

void mrq_cache_free(mrq_cache *cache)
{
    if (!cache)
        return;
    mrq_wire_close(cache->wire);
    mrq_lookup_abandon(cache->lookup);
    free(cache);
}

static void drop(mrq_cache *cache)
{
    mrq_wire_close(cache->wire);
    cache->wire = NULL;
}

static mrq_status send_command(mrq_cache *cache, const command *c, double deadline, mrq_error *err)
{
    if (c->size < 0)
        return mrq_fail_memory(err, "writing a command");
    return mrq_wire_send(cache->wire, c->bytes, (size_t)c->size, deadline, err);
}

/* Sends AUTH and SELECT, as far as the address asks for them; `*replies` counts the answers to come. */
static mrq_status send_login(mrq_cache *cache, double deadline, int *replies, mrq_error *err)
{
    const mrq_address *a = &cache->address;
    *replies = 0;
    if (*a->user || *a->password) {
        COMMAND auth = {0};
        if (*a->user)
            auth.size = redisFormatCommand(&auth.bytes, "AUTH %s %s", a->user, a->password);
        else
            auth.size = redisFormatCommand(&auth.bytes, "AUTH %s", a->password);
        MRQ_TRY(send_command(cache, &auth, deadline, err));
        ++*replies;
    }
    if (a->database) {
        COMMAND select = {0};
        select.size = redisFormatCommand(&select.bytes, "SELECT %u", a->database);
        MRQ_TRY(send_command(cache, &select, deadline, err));
        ++*replies;
    }
    return MRQ_OK;
}

static mrq_status login_refused(const mrq_cache *cache, bool select, const redisReply *reply, mrq_error *err)
{
    const char *text = reply->type == REDIS_REPLY_ERROR ? reply->str : "";
    if (select)
        return mrq_fail(err, MRQ_UNAVAILABLE, "database %u refused: %.120s", cache->address.database, text);
    const size_t letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return mrq_fail(err, MRQ_UNAVAILABLE, "login refused (%.*s)", letters < 20 ? (int)letters : 20, text);
}

/* One exchange: connects if need be, sends the command, reads its reply. */
static mrq_status exchange(mrq_cache *cache, const command *c, redisReply **out, mrq_error *err)
{
    int logins = 0;
    double deadline = mrq_clock() + MRQ_CACHE_CONNECT_MS * 1e-3;
    if (cache->wire && !mrq_wire_quiet(cache->wire))
        drop(cache);
    const bool fresh = !cache->wire;
    if (fresh)
        MRQ_TRY(mrq_wire_open(&cache->address, &cache->lookup, deadline, &cache->wire, err));
    deadline = mrq_clock() + MRQ_CACHE_COMMAND_MS * 1e-3;
    if (fresh)
        MRQ_TRY(send_login(cache, deadline, &logins, err));
    MRQ_TRY(send_command(cache, c, deadline, err));
    size_t budget = REPLY_BYTES;
    for (; logins; logins--) {
        REPLY *reply = NULL;
        MRQ_TRY(mrq_wire_receive(cache->wire, deadline, &budget, &reply, err));
        if (reply->type != REDIS_REPLY_STATUS)
            return login_refused(cache, logins == 1 && cache->address.database, reply, err);
    }
    return mrq_wire_receive(cache->wire, deadline, &budget, out, err);
}

/* Remembers what is wrong, with the server's name before it and nothing that a terminal would obey. */
static void remember(mrq_cache *cache, const char *what)
{
    mrq_fail(&cache->problem, MRQ_UNAVAILABLE, "Redis at %s: %.180s", cache->address.label, what);
    for (char *p = cache->problem.msg; *p; p++)
        if (iscntrl((unsigned char)*p))
            *p = '?';
}

/* The reply to a command, of one of two types, or NULL: then the operation is DOWN. */
static redisReply *ask(mrq_cache *cache, const command *c, int wanted, int or_wanted)
{
    static const char *const type_names[] = {"nothing", "a string", "an array", "an integer", "nil", "a status", "an error"};
    if (mrq_clock() < cache->retry)
        return NULL;
    mrq_error err = {0};
    REPLY *reply = NULL;
    mrq_status status = exchange(cache, c, &reply, &err);
    if (status == MRQ_OK && reply->type != REDIS_REPLY_ERROR && reply->type != wanted && reply->type != or_wanted)
        status = mrq_fail(&err, MRQ_UNAVAILABLE, "the server answered with %s", type_names[reply->type]);
    if (status != MRQ_OK) {
        remember(cache, err.msg);
        drop(cache);
        const double twice = 2 * cache->pause;
        cache->pause = twice < PAUSE_MIN ? PAUSE_MIN : twice > PAUSE_MAX ? PAUSE_MAX : twice;
        cache->retry = mrq_clock() + cache->pause;
        return NULL;
    }
    cache->pause = 0;
    if (reply->type == REDIS_REPLY_ERROR) {
        remember(cache, reply->str);
        return NULL;
    }
    redisReply *result = reply;
    reply = NULL;
    return result;
}

mrq_cache_state mrq_cache_get(mrq_cache *cache, const char *key, void **value, size_t *size)
{
    COMMAND get = {0};
    get.size = redisFormatCommand(&get.bytes, "GET %b", key, strlen(key));
    REPLY *reply = ask(cache, &get, REDIS_REPLY_STRING, REDIS_REPLY_NIL);
    if (reply && reply->type == REDIS_REPLY_NIL) {
        cache->counts.misses++;
        return MRQ_CACHE_MISS;
    }
    void *copy = reply ? mrq_array(reply->len, 1) : NULL;
    if (reply && !copy)
        remember(cache, "out of memory while reading a value");
    if (!copy) {
        cache->counts.errors++;
        return MRQ_CACHE_DOWN;
    }
    memcpy(copy, reply->str, reply->len);
    *value = copy;
    *size = reply->len;
    cache->counts.hits++;
    return MRQ_CACHE_HIT;
}

mrq_cache_state mrq_cache_set(mrq_cache *cache, const char *key, const void *value, size_t size)
{
    COMMAND set = {0};
    REPLY *reply = NULL;
    if (size > MRQ_CACHE_VALUE_MAX) {
        remember(cache, "a value larger than the cache takes");
    } else {
        set.size = redisFormatCommand(&set.bytes, "SET %b %b EX %u", key, strlen(key), value, size, cache->ttl);
        reply = ask(cache, &set, REDIS_REPLY_STATUS, REDIS_REPLY_STATUS);
    }
    if (!reply) {
        cache->counts.errors++;
        return MRQ_CACHE_DOWN;
    }
    return MRQ_CACHE_MISS;
}

void mrq_cache_refuse(mrq_cache *cache)
{
    cache->counts.hits--;
    cache->counts.misses++;
}

mrq_cache_counts mrq_cache_counted(const mrq_cache *cache)
{
    return cache->counts;
}

const char *mrq_cache_problem(const mrq_cache *cache)
{
    return cache->problem.msg;
}
