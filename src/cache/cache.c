/* Connects when first needed, logs in, and performs one operation at a time: sends its commands in one write, then reads their
 * replies. A get returns the first reply; the commands after it count queries, and their failure is reported but does not change
 * the first reply.
 *
 * Invariant: a connection is kept only while commands and replies are in step. Any time-out, hang-up, reply of a wrong type or
 * unexpected data closes it, because a late reply would answer the next command. An error reply (LOADING, NOAUTH, OOM...) is in
 * step and does not close it. WRONGTYPE for a key that is read counts as a miss; a set then overwrites the key. After a failed or
 * closed connection the server is not tried for a pause that doubles from 50 ms to 5 s; during the pause every operation returns
 * DOWN at once. A connection that broke while it was idle (the server was restarted) is replaced without a pause. AUTH and SELECT
 * are sent together with the first command, so they need no round trip of their own.
 *
 * Nodes of a Redis Cluster and replicas are not supported. They also close the connection, so that the host name is looked up again
 * in case it has moved to another server. A cluster node would accept the keys of its own slots and seem to work in between, so
 * after a reconnect it is asked first whether it still is one.
 *
 * One operation takes at most CONNECT_MS to connect, and COMMAND_MS after that. Messages contain no secrets: of the reply to AUTH
 * only the error code is used, because Redis repeats the arguments of an unknown command. */
#include "cache/cache.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/wire.h"

#define PAUSE_MIN   0.05 /* seconds */
#define PAUSE_MAX   5.0
#define REPLY_BYTES (MRQ_CACHE_VALUE_MAX + 1024) /* a value, its frame and the two short replies to a login */

const char *const mrq_cache_state_names[] = {"off", "hit", "miss", "down"};

struct mrq_cache {
    mrq_address address;
    uint32_t ttl;
    mrq_wire *wire;      /* NULL: not connected */
    mrq_lookup *lookup;  /* a slow look-up of the host name; or NULL */
    double pause, retry; /* the last pause in seconds, 0 after a success; when it ends */
    mrq_cache_counts counts;
    uint64_t tallies; /* queries counted over this connection */
    bool cluster;     /* the server was a cluster node when last asked */
    mrq_error problem;
};

/* Members counted in one batch. They block Redis for less than a millisecond, and their commands and replies roughly fit into the
 * buffers of a socket. */
#define ADD_MAX    256
#define BATCH_MAX  (ADD_MAX + 2)
#define TYPE(name) (1 << REDIS_REPLY_##name)

/* Commands, encoded for the protocol. */
typedef struct batch {
    char *bytes;
    size_t size;
    bool failed; /* out of memory */
    int n;
    unsigned char wanted[BATCH_MAX]; /* accepted types of each reply, besides an error */
    uint32_t most;                   /* most elements of an array reply */
} batch;

static void batch_clear(batch *b)
{
    redisFreeCommand(b->bytes);
}
#define BATCH __attribute__((cleanup(batch_clear))) batch

/* Adds a command. */
static void add(batch *b, unsigned char wanted, const char *format, ...)
{
    char *bytes = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int size = redisvFormatCommand(&bytes, format, arguments);
    va_end(arguments);
    char *all = size > 0 ? realloc(b->bytes, b->size + (size_t)size) : NULL;
    if (all) {
        memcpy(all + b->size, bytes, (size_t)size);
        b->bytes = all;
        b->size += (size_t)size;
    }
    b->failed |= !all;
    b->wanted[b->n++] = wanted;
    redisFreeCommand(bytes);
}

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
    mrq_lookup_end(cache->lookup);
    free(cache);
}

bool mrq_cache_looks_up(const mrq_cache *cache)
{
    return cache->lookup != NULL;
}

static void drop(mrq_cache *cache)
{
    mrq_wire_close(cache->wire);
    cache->wire = NULL;
    cache->tallies = 0;
}

static mrq_status send_batch(mrq_cache *cache, const batch *b, double deadline, mrq_error *err)
{
    if (b->failed)
        return mrq_fail_memory(err, "writing a command");
    return mrq_wire_send(cache->wire, b->bytes, b->size, deadline, err);
}

/* Adds AUTH and SELECT if the address needs them. Between them READWRITE, if the server was a cluster node when last asked: a node
 * replies OK and changes nothing, other servers reply with an error. */
static void add_login(const mrq_cache *cache, batch *login)
{
    const mrq_address *address = &cache->address;
    if (*address->user)
        add(login, TYPE(STATUS), "AUTH %s %s", address->user, address->password);
    else if (*address->password)
        add(login, TYPE(STATUS), "AUTH %s", address->password);
    if (cache->cluster)
        add(login, TYPE(STATUS) | TYPE(ERROR), "READWRITE");
    if (address->database)
        add(login, TYPE(STATUS), "SELECT %u", address->database);
}

/* A message if the error says that the server is a cluster node or a replica, which retrying cannot fix; NULL for other errors. */
static const char *wrong_server(mrq_cache *cache, const char *text)
{
    static const char *const of_cluster[] = {"MOVED ", "ASK ", "CROSSSLOT ", "CLUSTERDOWN ", "TRYAGAIN "};
    static const char *const of_replica[] = {"READONLY ", "MASTERDOWN "};
    for (size_t i = 0; i < sizeof of_cluster / sizeof *of_cluster; i++)
        if (strncmp(text, of_cluster[i], strlen(of_cluster[i])) == 0)
            cache->cluster = true;
    if (cache->cluster)
        return "a node of a Redis Cluster, which is not supported: use a single Redis or a proxy in front of the cluster";
    for (size_t i = 0; i < sizeof of_replica / sizeof *of_replica; i++)
        if (strncmp(text, of_replica[i], strlen(of_replica[i])) == 0)
            return "a read-only replica: use the address of its master";
    return NULL;
}

static mrq_status login_refused(mrq_cache *cache, bool select, const redisReply *reply, mrq_error *err)
{
    const char *text = reply->type == REDIS_REPLY_ERROR ? reply->str : "";
    if (select && strstr(text, "cluster mode")) /* a cluster has only database 0 */
        return mrq_fail(err, MRQ_UNAVAILABLE, "%s", wrong_server(cache, "MOVED "));
    if (select)
        return mrq_fail(err, MRQ_UNAVAILABLE, "database %u refused: %.120s", cache->address.database, text);
    const size_t letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return mrq_fail(err, MRQ_UNAVAILABLE, "login refused (%.*s)", letters < 20 ? (int)letters : 20, text);
}

/* Reads the replies to add_login(). */
static mrq_status log_in(mrq_cache *cache, const batch *login, double deadline, size_t *budget, mrq_error *err)
{
    for (int i = 0; i < login->n; i++) {
        REPLY *answer = NULL;
        MRQ_TRY(mrq_wire_receive(cache->wire, deadline, budget, 0, &answer, err));
        const bool ok = answer->type == REDIS_REPLY_STATUS;
        if (login->wanted[i] & TYPE(ERROR)) {
            cache->cluster = ok;
            if (ok)
                return mrq_fail(err, MRQ_UNAVAILABLE, "%s", wrong_server(cache, answer->str));
        } else if (!ok) {
            return login_refused(cache, i == login->n - 1 && cache->address.database, answer, err);
        }
    }
    return MRQ_OK;
}

/* Stores the last problem, with the server's name before it. */
static void remember(mrq_cache *cache, const char *what)
{
    mrq_fail(&cache->problem, MRQ_UNAVAILABLE, "Redis at %s: %.180s", cache->address.label, what);
}

/* Whether a reply is an error. WRONGTYPE is not one for a command that accepts nil: the key counts as missing. */
static bool is_error(const redisReply *reply, unsigned char wanted)
{
    return reply->type == REDIS_REPLY_ERROR && !(wanted & TYPE(NIL) && strncmp(reply->str, "WRONGTYPE ", 10) == 0);
}

/* One exchange: connects if necessary, sends the commands and reads their replies. Each reply must have an accepted type or be an
 * error; the first error is stored, and `*refused` is set. `*first` gets the first reply, unless it is an error, also if the
 * exchange fails after it. */
static mrq_status exchange(mrq_cache *cache, const batch *b, redisReply **first, bool *refused, mrq_error *err)
{
    static const char *const type_names[] = {"nothing", "a string", "an array", "an integer", "nil", "a status", "an error"};
    BATCH login = {0};
    double deadline = mrq_clock() + MRQ_CACHE_CONNECT_MS * 1e-3;
    if (cache->wire && !mrq_wire_quiet(cache->wire))
        drop(cache);
    if (!cache->wire) {
        MRQ_TRY(mrq_wire_open(&cache->address, &cache->lookup, deadline, &cache->wire, err));
        add_login(cache, &login);
    }
    deadline = mrq_clock() + MRQ_CACHE_COMMAND_MS * 1e-3;
    MRQ_TRY(send_batch(cache, &login, deadline, err));
    MRQ_TRY(send_batch(cache, b, deadline, err));
    size_t budget = REPLY_BYTES;
    MRQ_TRY(log_in(cache, &login, deadline, &budget, err));
    for (int i = 0; i < b->n; i++) {
        REPLY *answer = NULL;
        MRQ_TRY(mrq_wire_receive(cache->wire, deadline, &budget, b->most, &answer, err));
        if (!((b->wanted[i] | TYPE(ERROR)) >> answer->type & 1))
            return mrq_fail(err, MRQ_UNAVAILABLE, "the server answered with %s", type_names[answer->type]);
        if (is_error(answer, b->wanted[i])) {
            const char *wrong = wrong_server(cache, answer->str);
            if (wrong)
                return mrq_fail(err, MRQ_UNAVAILABLE, "%s", wrong);
            if (!*refused)
                remember(cache, answer->str);
            *refused = true;
        } else if (i == 0) {
            *first = answer;
            answer = NULL;
        }
    }
    return MRQ_OK;
}

/* Closes the connection and starts a pause. */
static void give_up(mrq_cache *cache, const char *why)
{
    const double twice = 2 * cache->pause;
    remember(cache, why);
    drop(cache);
    cache->pause = twice < PAUSE_MIN ? PAUSE_MIN : twice > PAUSE_MAX ? PAUSE_MAX : twice;
    cache->retry = mrq_clock() + cache->pause;
}

/* Returns whether all commands succeeded; otherwise counts one error. `*first` gets the reply to the first command; it stays NULL
 * if that command failed. */
static bool ask(mrq_cache *cache, const batch *b, redisReply **first)
{
    mrq_error err = {0};
    bool wrong = mrq_clock() < cache->retry, refused = false;
    if (!wrong) {
        wrong = exchange(cache, b, first, &refused, &err) != MRQ_OK;
        if (wrong)
            give_up(cache, err.msg);
        else
            cache->pause = 0;
    }
    wrong = wrong || refused;
    cache->counts.errors += wrong;
    return !wrong;
}

/* Adds commands that renew a sorted set's time to live and limit its size. */
static void add_bounds(batch *b, const char *set)
{
    add(b, TYPE(INTEGER), "EXPIRE %s %d", set, MRQ_CACHE_TALLY_TTL);
    add(b, TYPE(INTEGER), "ZREMRANGEBYRANK %s 0 %d", set, -MRQ_CACHE_TALLY_MAX - 1);
}

mrq_cache_state mrq_cache_get(mrq_cache *cache, const char *key, const mrq_tally *tally, void **value, size_t *size)
{
    BATCH get = {0};
    add(&get, TYPE(STRING) | TYPE(NIL), "GET %b", key, strlen(key));
    if (tally) {
        add(&get, TYPE(STRING), "ZINCRBY %s 1 %b", tally->set, tally->member, strlen(tally->member));
        if (cache->tallies++ % MRQ_CACHE_TALLY_EACH == 0)
            add_bounds(&get, tally->set);
    }
    REPLY *reply = NULL;
    ask(cache, &get, &reply);
    if (!reply)
        return MRQ_CACHE_DOWN;
    if (reply->type != REDIS_REPLY_STRING) {
        cache->counts.misses++;
        return MRQ_CACHE_MISS;
    }
    void *copy = mrq_array(reply->len, 1);
    if (!copy) {
        remember(cache, "out of memory while reading a value");
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
    BATCH set = {0};
    if (size > MRQ_CACHE_VALUE_MAX) {
        remember(cache, "the value is too large for the cache");
        cache->counts.errors++;
        return MRQ_CACHE_DOWN;
    }
    add(&set, TYPE(STATUS), "SET %b %b EX %u", key, strlen(key), value, size, cache->ttl);
    REPLY *reply = NULL;
    return ask(cache, &set, &reply) ? MRQ_CACHE_MISS : MRQ_CACHE_DOWN;
}

mrq_cache_state mrq_cache_add(mrq_cache *cache, const char *set, const mrq_addend *addend, uint32_t n)
{
    mrq_cache_state state = MRQ_CACHE_MISS;
    for (uint32_t done = 0; done < n && state == MRQ_CACHE_MISS;) {
        BATCH counts = {0};
        REPLY *reply = NULL;
        for (int i = 0; i < ADD_MAX && done < n; i++, done++)
            add(&counts, TYPE(STRING), "ZINCRBY %s %llu %b", set, (unsigned long long)addend[done].count, addend[done].member,
                strlen(addend[done].member));
        add_bounds(&counts, set);
        state = ask(cache, &counts, &reply) ? MRQ_CACHE_MISS : MRQ_CACHE_DOWN;
    }
    return state;
}

mrq_cache_state mrq_cache_top(mrq_cache *cache, const char *set, uint32_t first, uint32_t n, mrq_dict *members)
{
    BATCH top = {.most = n};
    REPLY *reply = NULL;
    add(&top, TYPE(ARRAY), "ZREVRANGE %s %u %llu", set, first, (unsigned long long)first + n - 1);
    if (n && !ask(cache, &top, &reply))
        return MRQ_CACHE_DOWN;
    const size_t found = n ? reply->elements : 0;
    for (size_t i = 0; i < found; i++) {
        const redisReply *member = reply->element[i];
        if (member->type == REDIS_REPLY_STRING && mrq_dict_push(members, member->str, member->len) != MRQ_NONE)
            continue;
        remember(cache, member->type == REDIS_REPLY_STRING ? "out of memory while reading a list"
                                                           : "a list with members that are not strings");
        cache->counts.errors++;
        return MRQ_CACHE_DOWN;
    }
    return found ? MRQ_CACHE_HIT : MRQ_CACHE_MISS;
}

mrq_cache_state mrq_cache_age(mrq_cache *cache, const char *set)
{
    BATCH age = {0};
    REPLY *reply = NULL;
    add(&age, TYPE(INTEGER), "ZREMRANGEBYRANK %s 0 %d", set, -MRQ_CACHE_TALLY_MAX / 2 - 1);
    add(&age, TYPE(INTEGER), "ZUNIONSTORE %s 1 %s WEIGHTS 0.5", set, set);
    add(&age, TYPE(INTEGER), "ZREMRANGEBYSCORE %s -inf 0.1", set);
    add(&age, TYPE(INTEGER), "EXPIRE %s %d", set, MRQ_CACHE_TALLY_TTL);
    return ask(cache, &age, &reply) ? MRQ_CACHE_MISS : MRQ_CACHE_DOWN;
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
