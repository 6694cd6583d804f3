/* The cache against a private Redis, and against servers that misbehave in every way we could think of. */
#include "cache/cache.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cache/address.h"
#include "redis_server.h"
#include "testing.h"

/* What an operation may take, plus what a busy machine may add. */
#define LIMIT ((MRQ_CACHE_CONNECT_MS + MRQ_CACHE_COMMAND_MS) * 1e-3 + 0.4)

static mrq_error err;
static const char *folder;

static mrq_cache *cache_at(const char *address)
{
    mrq_cache *cache = NULL;
    assert_ok(mrq_cache_new(address, 60, &cache, &err));
    return cache;
}

/* Longer than the first pauses of the back-off. */
static void wait_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

/* How an operation ended, against what a test wants: the state and, when that is DOWN, a piece of mrq_cache_problem(). A busy
 * machine can make any operation run out of its 40 ms: one that should not is to be tried again, up to ten times in a test. */
static int retries;
static bool try_again(const mrq_cache *cache, const char *what, mrq_cache_state got, mrq_cache_state want, const char *problem,
                      int line)
{
    const char *told = mrq_cache_problem(cache);
    if (got == want && (got != MRQ_CACHE_DOWN || strstr(told, problem)))
        return false;
    if (got != MRQ_CACHE_DOWN || !strstr(told, "timed out") || ++retries > 10)
        fail_msg("line %d: %s came to %s, want %s \"%s\"; the problem: \"%s\"", line, what, mrq_cache_state_names[got],
                 mrq_cache_state_names[want], problem, told);
    wait_ms(300);
    return true;
}

static void assert_in_time(double start, int line)
{
    const double spent = mrq_clock() - start;
    if (spent > LIMIT)
        fail_msg("line %d: %.0f ms, want at most %.0f", line, 1e3 * spent, 1e3 * LIMIT);
}

/* A get that must keep to the limit and come to `want`; `text` is the value wanted of a hit, or a piece of the problem when it is
 * down. */
static void get_at(mrq_cache *cache, const char *key, mrq_cache_state want, const void *text, size_t text_size, int line)
{
    void *value = NULL;
    size_t size = 0;
    mrq_cache_state state;
    do {
        const double start = mrq_clock();
        state = mrq_cache_get(cache, key, NULL, &value, &size);
        assert_in_time(start, line);
    } while (try_again(cache, "get", state, want, text, line));
    if (state == MRQ_CACHE_HIT && (size != text_size || memcmp(value, text, size) != 0))
        fail_msg("line %d: got \"%.*s\", want \"%s\"", line, (int)size, (const char *)value, (const char *)text);
    if (state != MRQ_CACHE_HIT)
        assert_null(value);
    mrq_free(value);
}
#define hits(cache, key, text)       get_at(cache, key, MRQ_CACHE_HIT, text, strlen(text), __LINE__)
#define misses(cache, key)           get_at(cache, key, MRQ_CACHE_MISS, "", 0, __LINE__)
#define is_down(cache, key, problem) get_at(cache, key, MRQ_CACHE_DOWN, problem, 0, __LINE__)

static void set_at(mrq_cache *cache, const char *key, const void *value, size_t size, mrq_cache_state want, const char *problem,
                   int line)
{
    mrq_cache_state state;
    do {
        const double start = mrq_clock();
        state = mrq_cache_set(cache, key, value, size);
        assert_in_time(start, line);
    } while (try_again(cache, "set", state, want, problem, line));
}
#define sets(cache, key, value)               set_at(cache, key, value, strlen(value), MRQ_CACHE_MISS, "", __LINE__)
#define set_fails(cache, key, value, problem) set_at(cache, key, value, strlen(value), MRQ_CACHE_DOWN, problem, __LINE__)

/* Addresses */

static void reads_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *port, *user, *password, *label;
        uint32_t database;
    } cases[] = {
        {"unix:/run/redis.sock", "/run/redis.sock", "", "", "", "unix:/run/redis.sock", 0},
        {"localhost", "localhost", "6379", "", "", "localhost:6379", 0},
        {"redis-1.example.com:7000", "redis-1.example.com", "7000", "", "", "redis-1.example.com:7000", 0},
        {"[::1]:7000", "::1", "7000", "", "", "[::1]:7000", 0},
        {"[fe80::1%eth0]", "fe80::1%eth0", "6379", "", "", "[fe80::1%eth0]:6379", 0},
        {"redis://h", "h", "6379", "", "", "h:6379", 0},
        {"redis://h/", "h", "6379", "", "", "h:6379", 0},
        {"redis://h:1/3", "h", "1", "", "", "h:1", 3},
        {"redis://:s3cret@h:1/15", "h", "1", "", "s3cret", "h:1", 15},
        {"redis://ann:s3cret@[::1]:1", "::1", "1", "ann", "s3cret", "[::1]:1", 0},
        {"redis://ann:@h", "h", "6379", "ann", "", "h:6379", 0},
        {"redis://:p%40s%2Fs%25:w@x@h", "h", "6379", "", "p@s/s%:w@x", "h:6379", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_address a;
        assert_ok(mrq_address_parse(cases[i].text, &a, &err));
        assert_string_equal(a.place, cases[i].place);
        assert_string_equal(a.port, cases[i].port);
        assert_string_equal(a.user, cases[i].user);
        assert_string_equal(a.password, cases[i].password);
        assert_string_equal(a.label, cases[i].label);
        assert_int_equal(a.database, cases[i].database);
        assert_int_equal(a.local, cases[i].text[0] == 'u');
    }
}

static void refuses_addresses(void **state)
{
    (void)state;
    static const char forms[] = "want unix:/path, host:port or redis://", port[] = "want a port from 1 to 65535";
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", forms},
        {"unix:", "a path of 0 bytes, want 1 to 107"},
        {":6379", forms},
        {"host:", port},
        {"host:0", port},
        {"host:65536", port},
        {"host:-1", port},
        {"host:63x", port},
        {"host 1", "\"host 1\": want unix:/path"},
        {"/tmp/redis.sock", forms},
        {"::1", "write an IPv6 address in brackets"},
        {"fe80::1", "write an IPv6 address in brackets"},
        {"[::1", "the bracket is never closed"},
        {"[::1]6379", port},
        {"[]:1", forms},
        {"redis://", forms},
        {"redis:///1", forms},
        {"redis://:hush@", forms},
        {"redis://:hush", forms},
        {"redis://h:hush", port},
        {"redis://hush@h", "a user needs a password"},
        {"redis://:hu%sh@h", "two hexadecimal digits"},
        {"redis://:hush%@h", "two hexadecimal digits"},
        {"redis://:hush%00@h", "no NUL byte"},
        {"redis://:hush@h/x", "want a database number"},
        {"redis://:hush@h/-1", "want a database number"},
        {"redis://:hush@h/1/2", "want a database number"},
        {"redis://:hush@h:x", port},
        {"rediss://:hush@h", forms},
        {"ann:hush@h", port},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_cache *cache = NULL;
        err = (mrq_error){0};
        const mrq_status status = mrq_cache_new(cases[i].text, 60, &cache, &err);
        if (status != MRQ_USAGE || !strstr(err.msg, cases[i].sentence) || strstr(err.msg, "hush"))
            fail_msg("\"%s\": status %d, \"%s\", want \"%s\"", cases[i].text, (int)status, err.msg, cases[i].sentence);
        assert_null(cache);
    }
    mrq_cache *cache = NULL;
    char path[5 + 108 + 1] = "unix:/";
    memset(path + strlen(path), 'x', 107);
    assert_fails(mrq_cache_new(path, 60, &cache, &err), MRQ_USAGE, "a path of 108 bytes, want 1 to 107");
    path[5 + 107] = '\0';
    assert_ok(mrq_cache_new(path, 60, &cache, &err));
    mrq_cache_free(cache);
    char long_login[1200] = "redis://:";
    memset(long_login + strlen(long_login), 'x', 1000);
    strcat(long_login, "@h");
    assert_fails(mrq_cache_new(long_login, 60, &cache, &err), MRQ_USAGE, "too long");
    assert_fails(mrq_cache_new("h", 0, &cache, &err), MRQ_USAGE, "want 1 or more");
}

/* A real server */

static redis_server redis, locked; /* without and with a password */

#define raw(server, ...) redis_raw(server, NULL, __VA_ARGS__)

static void keeps_values(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    assert_string_equal(mrq_cache_problem(cache), "");
    misses(cache, "none");
    sets(cache, "key", "first");
    hits(cache, "key", "first");
    sets(cache, "key", "second");
    hits(cache, "key", "second");
    sets(cache, "key", "");
    hits(cache, "key", "");
    sets(cache, "a key with blanks\r\n%s%b", "x");
    hits(cache, "a key with blanks\r\n%s%b", "x");
    const mrq_cache_counts counts = mrq_cache_counted(cache);
    assert_int_equal(counts.hits, 4);
    assert_int_equal(counts.misses, 1);
    assert_int_equal(counts.errors, retries);
    redisReply *ttl = raw(&redis, "TTL key");
    assert_int_equal(ttl->type, REDIS_REPLY_INTEGER);
    assert_in_range(ttl->integer, 50, 60);
    freeReplyObject(ttl);
}

static void keeps_binary_values(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    MRQ_AUTOFREE unsigned char *bytes = mrq_array(MRQ_CACHE_VALUE_MAX + 1, 1);
    for (size_t i = 0; i <= MRQ_CACHE_VALUE_MAX; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 256);
    const size_t sizes[] = {1, 256, 16383, 16384, 100000, MRQ_CACHE_VALUE_MAX / 4};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        set_at(cache, "bytes", bytes, sizes[i], MRQ_CACHE_MISS, "", __LINE__);
        get_at(cache, "bytes", MRQ_CACHE_HIT, bytes, sizes[i], __LINE__);
    }
    set_at(cache, "bytes", bytes, MRQ_CACHE_VALUE_MAX + 1, MRQ_CACHE_DOWN, "larger than the cache takes", __LINE__);
}

static void refuses_a_larger_value(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "SETRANGE big %d x", (int)MRQ_CACHE_VALUE_MAX + 4000));
    is_down(cache, "big", ""); /* too large, or too slow when the machine is busy */
    wait_ms(300);
    misses(cache, "none");
    freeReplyObject(raw(&redis, "DEL big"));
}

/* A key that holds something else misses, and a set makes it good; what the server as a whole refuses is told. */
static void one_key_of_another_type_is_a_miss(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "RPUSH list x"));
    misses(cache, "list");
    assert_int_equal(mrq_cache_counted(cache).misses, 1);
    assert_int_equal(mrq_cache_counted(cache).errors, retries);
    sets(cache, "list", "x");
    hits(cache, "list", "x");
    freeReplyObject(raw(&redis, "CONFIG SET maxmemory 1"));
    set_fails(cache, "key", "x", "OOM");
    assert_non_null(strstr(mrq_cache_problem(cache), redis.path));
    hits(cache, "list", "x"); /* at once: the connection is in step */
    freeReplyObject(raw(&redis, "CONFIG SET maxmemory 0"));
    sets(cache, "key", "x");
    assert_int_equal(mrq_cache_counted(cache).errors, 1 + retries);
}

/* A socket that listens on a free port of the loopback. */
static int listen_tcp(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, backlog) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        perror("listening");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static int free_port(void)
{
    int port;
    close(listen_tcp(1, &port));
    return port;
}

static int locked_port;
#define PASSWORD "p@ss/w%rd: \"1\""
#define ENCODED  "p%40ss%2Fw%25rd%3A%20%221%22"

static void logs_in(void **state)
{
    (void)state;
    need_redis(&redis);
    char address[300];
    static const char *const logins[] = {":" ENCODED "@", "default:" ENCODED "@", "ann:hush@"};
    freeReplyObject(redis_raw(&locked, PASSWORD, "ACL SETUSER ann on >hush ~* +@all"));
    for (size_t i = 0; i < sizeof logins / sizeof *logins; i++) {
        snprintf(address, sizeof address, "redis://%s127.0.0.1:%d/3", logins[i], locked_port);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
        misses(cache, "key");
        sets(cache, "key", "in three");
        hits(cache, "key", "in three");
        snprintf(address, sizeof address, "redis://%s127.0.0.1:%d", logins[i], locked_port);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *other = cache_at(address);
        misses(other, "key"); /* another database */
        redisReply *keys = redis_raw(&locked, PASSWORD, "FLUSHALL");
        assert_int_equal(keys->type, REDIS_REPLY_STATUS);
        freeReplyObject(keys);
    }
}

static void refused_logins_tell_no_secret(void **state)
{
    (void)state;
    need_redis(&redis);
    static const struct {
        const char *login, *tail, *problem;
    } cases[] = {
        {"", "", "NOAUTH"},
        {":wrong-hush@", "", "login refused (WRONGPASS)"},
        {"nobody:wrong-hush@", "/3", "login refused (WRONGPASS)"},
        {":" ENCODED "@", "/99", "database 99 refused: ERR DB index is out of range"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char address[300];
        snprintf(address, sizeof address, "redis://%s127.0.0.1:%d%s", cases[i].login, locked_port, cases[i].tail);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
        is_down(cache, "key", cases[i].problem);
        assert_null(strstr(mrq_cache_problem(cache), "hush"));
        assert_null(strstr(mrq_cache_problem(cache), "ss/w"));
        set_fails(cache, "key", "x", "");
    }
}

static void survives_a_restart(void **state)
{
    (void)state;
    need_redis(&redis);
    redis_server server = redis_start(folder, "restarted", 0, NULL);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&server);
    misses(cache, "key");
    redis_stop(&server);
    is_down(cache, "key", "");
    is_down(cache, "key", "");
    server = redis_start(folder, "restarted", 0, NULL);
    wait_ms(250);
    misses(cache, "key");
    redis_stop(&server);
    server = redis_start(folder, "restarted", 0, NULL);
    sets(cache, "key", "x"); /* found closed, connected anew at once */
    hits(cache, "key", "x");
    redis_stop(&server);
}

static void survives_idle_hang_up(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    misses(cache, "none");
    freeReplyObject(raw(&redis, "CLIENT KILL TYPE normal SKIPME yes"));
    misses(cache, "none");
    assert_int_equal(mrq_cache_counted(cache).errors, retries);
}

/* Counting */

#define TALLY_LIMIT (MRQ_CACHE_TALLY_MAX / 2)

/* A get that counts `member` in the sorted set "hot". */
static void counts_at(mrq_cache *cache, const char *key, const char *member, mrq_cache_state want, const char *text, int line)
{
    const mrq_tally tally = {"hot", member};
    void *value = NULL;
    size_t size = 0;
    mrq_cache_state state;
    do {
        const double start = mrq_clock();
        state = mrq_cache_get(cache, key, &tally, &value, &size);
        assert_in_time(start, line);
    } while (try_again(cache, "get", state, want, text, line));
    if (state == MRQ_CACHE_HIT && (size != strlen(text) || memcmp(value, text, size) != 0))
        fail_msg("line %d: got \"%.*s\", want \"%s\"", line, (int)size, (const char *)value, text);
    mrq_free(value);
}
#define counts(cache, key, member, want, text) counts_at(cache, key, member, want, text, __LINE__)

/* The members from place `first` on, joined by blanks. */
static void top_at(mrq_cache *cache, const char *set, uint32_t first, uint32_t n, mrq_cache_state want, const char *text, int line)
{
    char all[400] = "";
    mrq_cache_state state;
    do {
        MRQ_CLEANUP(mrq_dict_free) mrq_dict *members = mrq_dict_new();
        const double start = mrq_clock();
        state = mrq_cache_top(cache, set, first, n, members);
        assert_in_time(start, line);
        const mrq_strings list = mrq_dict_strings(members);
        *all = '\0';
        for (uint32_t i = 0; i < list.n; i++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", mrq_strings_at(&list, i));
    } while (try_again(cache, "top", state, want, text, line));
    if (state != MRQ_CACHE_DOWN && strcmp(all, text) != 0)
        fail_msg("line %d: got \"%s\", want \"%s\"", line, all, text);
}
#define tops(cache, set, first, n, text)            top_at(cache, set, first, n, MRQ_CACHE_HIT, text, __LINE__)
#define top_is(cache, set, first, n, want, problem) top_at(cache, set, first, n, want, problem, __LINE__)

static void ages_at(mrq_cache *cache, const char *set, mrq_cache_state want, const char *problem, int line)
{
    mrq_cache_state state;
    do {
        const double start = mrq_clock();
        state = mrq_cache_age(cache, set);
        assert_in_time(start, line);
    } while (try_again(cache, "age", state, want, problem, line));
}
#define ages(cache, set, want, problem) ages_at(cache, set, want, problem, __LINE__)

static void counts_what_is_asked(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "DEL hot key none"));
    counts(cache, "none", "a", MRQ_CACHE_MISS, "");
    sets(cache, "key", "value");
    counts(cache, "key", "a", MRQ_CACHE_HIT, "value");
    counts(cache, "key", "a \r\n b", MRQ_CACHE_HIT, "value");
    counts(cache, "key", "a", MRQ_CACHE_HIT, "value");
    hits(cache, "key", "value"); /* without counting */
    if (retries)
        return; /* one that timed out may have counted */
    assert_true(redis_number(&redis, "ZSCORE hot a") == 3);
    assert_true(redis_number(&redis, "ZSCORE hot %s", "a \r\n b") == 1);
    assert_true(redis_number(&redis, "ZCARD hot") == 2);
    const double left = redis_number(&redis, "TTL hot");
    assert_true(left > MRQ_CACHE_TALLY_TTL - 60 && left <= MRQ_CACHE_TALLY_TTL);
    const mrq_cache_counts told = mrq_cache_counted(cache);
    assert_int_equal(told.hits, 4);
    assert_int_equal(told.misses, 1);
    assert_int_equal(told.errors, 0);
}

/* The sorted set keeps its bound, and ageing halves. */
static void counts_do_not_grow_for_ever(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "DEL hot"));
    freeReplyObject(raw(&redis, "EVAL %s 0", "for i = 1, 20010 do redis.call('zadd', 'hot', i, 'm' .. i) end"));
    assert_true(redis_number(&redis, "ZCARD hot") == 20010);
    wait_ms(300); /* the server has been busy */
    counts(cache, "none", "m20000", MRQ_CACHE_MISS, "");
    assert_true(redis_number(&redis, "ZCARD hot") == MRQ_CACHE_TALLY_MAX);
    assert_true(redis_number(&redis, "ZSCORE hot m10") == -1);
    assert_true(redis_number(&redis, "ZSCORE hot m11") == 11);
    freeReplyObject(raw(&redis, "PERSIST hot"));
    ages(cache, "hot", MRQ_CACHE_MISS, "");
    if (!retries) {
        assert_true(redis_number(&redis, "ZCARD hot") == TALLY_LIMIT);
        assert_true(redis_number(&redis, "ZSCORE hot m20010") == 10005);
        assert_true(redis_number(&redis, "ZSCORE hot m10010") == -1);
        assert_true(redis_number(&redis, "ZSCORE hot m10011") == 5005.5);
    }
    assert_true(redis_number(&redis, "TTL hot") > MRQ_CACHE_TALLY_TTL - 60);
    freeReplyObject(raw(&redis, "DEL hot"));
    freeReplyObject(raw(&redis, "ZADD hot 1 once 8 often"));
    for (int night = 1; night <= 4; night++) {
        assert_true(redis_number(&redis, "ZCARD hot") == 2);
        ages(cache, "hot", MRQ_CACHE_MISS, "");
    }
    if (!retries)
        assert_true(redis_number(&redis, "ZCARD hot") == 1 && redis_number(&redis, "ZSCORE hot often") == 0.5);
    ages(cache, "nothing", MRQ_CACHE_MISS, "");
    assert_true(redis_number(&redis, "EXISTS nothing") == 0);
}

static void lists_the_top(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "DEL hot"));
    freeReplyObject(raw(&redis, "ZADD hot 1 a 5 b 3 c -inf d +inf e 2 f"));
    tops(cache, "hot", 0, 1, "e");
    tops(cache, "hot", 0, 3, "e b c");
    tops(cache, "hot", 3, 2, "f a");
    tops(cache, "hot", 4, 100, "a d");
    tops(cache, "hot", 0, UINT32_MAX, "e b c f a d");
    top_is(cache, "hot", 6, 10, MRQ_CACHE_MISS, "");
    top_is(cache, "hot", UINT32_MAX, UINT32_MAX, MRQ_CACHE_MISS, "");
    top_is(cache, "hot", 0, 0, MRQ_CACHE_MISS, "");
    top_is(cache, "nothing", 0, 10, MRQ_CACHE_MISS, "");
    freeReplyObject(raw(&redis, "ZADD hot 9 %b", "x\0y", (size_t)3));
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *members = mrq_dict_new();
    assert_int_equal(mrq_cache_top(cache, "hot", 1, 1, members), MRQ_CACHE_HIT);
    const mrq_strings list = mrq_dict_strings(members);
    assert_int_equal(mrq_strings_size(&list, 0), 3);
    assert_memory_equal(mrq_strings_at(&list, 0), "x\0y", 4);
    const mrq_cache_counts told = mrq_cache_counted(cache);
    assert_int_equal(told.hits + told.misses, 0); /* those are of values */
}

/* What is not a sorted set costs the count and nothing else. */
static void a_count_that_fails_leaves_the_value(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "SET hot x"));
    sets(cache, "key", "value");
    for (int i = 1; i <= 6; i++) {
        if (i % 2)
            counts(cache, "key", "a", MRQ_CACHE_HIT, "value");
        else
            counts(cache, "none", "a", MRQ_CACHE_MISS, "");
        assert_non_null(strstr(mrq_cache_problem(cache), "WRONGTYPE"));
        assert_int_equal(mrq_cache_counted(cache).errors, i + retries);
    }
    top_is(cache, "hot", 0, 10, MRQ_CACHE_DOWN, "WRONGTYPE");
    ages(cache, "hot", MRQ_CACHE_DOWN, "WRONGTYPE");
    counts(cache, "key", "a", MRQ_CACHE_HIT, "value"); /* at once: the connection is in step */
    freeReplyObject(raw(&redis, "DEL hot"));
    freeReplyObject(raw(&redis, "CONFIG SET maxmemory 1"));
    counts(cache, "key", "a", MRQ_CACHE_HIT, "value");
    assert_non_null(strstr(mrq_cache_problem(cache), "OOM"));
    counts(cache, "none", "a", MRQ_CACHE_MISS, "");
    ages(cache, "hot", MRQ_CACHE_DOWN, "OOM"); /* although its first command is none that needs memory */
    freeReplyObject(raw(&redis, "CONFIG SET maxmemory 0"));
    counts(cache, "key", "a", MRQ_CACHE_HIT, "value");
    assert_true(redis_number(&redis, "ZSCORE hot a") >= 1);
}

/* Many counts at once */

enum { MANY = 600 }; /* three round trips */
static char many_names[MANY][16];
static mrq_addend many[MANY];

static void fill_many(void)
{
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(many_names[i], sizeof many_names[i], "m%u", i);
        many[i] = (mrq_addend){many_names[i], i + 1};
    }
}

static void adds_at(mrq_cache *cache, const char *set, const mrq_addend *addend, uint32_t n, mrq_cache_state want,
                    const char *problem, int line)
{
    mrq_cache_state state;
    do {
        const double start = mrq_clock();
        state = mrq_cache_add(cache, set, addend, n);
        if (want == MRQ_CACHE_DOWN)
            assert_in_time(start, line); /* however many round trips there were left */
    } while (try_again(cache, "add", state, want, problem, line));
}
#define adds(cache, set, addend, n)               adds_at(cache, set, addend, n, MRQ_CACHE_MISS, "", __LINE__)
#define add_fails(cache, set, addend, n, problem) adds_at(cache, set, addend, n, MRQ_CACHE_DOWN, problem, __LINE__)

static void adds_many_counts(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    const mrq_addend odd[] = {{"a \r\n b", 3}, {"", 1}, {"twice", 2}, {"%s", 9007199254740991}, {"twice", 5}};
    freeReplyObject(raw(&redis, "DEL hot"));
    adds(cache, "hot", many, MANY);
    adds(cache, "hot", many, 1);
    adds(cache, "hot", odd, 5);
    adds(cache, "hot", NULL, 0);
    const double left = redis_number(&redis, "TTL hot");
    assert_true(left > MRQ_CACHE_TALLY_TTL - 60 && left <= MRQ_CACHE_TALLY_TTL);
    assert_true(redis_number(&redis, "ZCARD hot") == MANY + 4);
    if (retries)
        return; /* one that timed out may have counted */
    for (uint32_t i = 1; i < MANY; i++)
        assert_true(redis_number(&redis, "ZSCORE hot m%d", (int)i) == i + 1);
    assert_true(redis_number(&redis, "ZSCORE hot m0") == 2);
    assert_true(redis_number(&redis, "ZSCORE hot %s", "a \r\n b") == 3 && redis_number(&redis, "ZSCORE hot %s", "") == 1);
    assert_true(redis_number(&redis, "ZSCORE hot twice") == 7);
    assert_true(redis_number(&redis, "ZSCORE hot %s", "%s") == 9007199254740991);
    const mrq_cache_counts told = mrq_cache_counted(cache);
    assert_int_equal(told.hits + told.misses + told.errors, 0);
}

/* The sorted set keeps its bound: those of the lowest counts go. */
static void added_counts_keep_to_the_bound(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "DEL hot"));
    freeReplyObject(raw(&redis, "EVAL %s 0", "for i = 1, 20000 do redis.call('zadd', 'hot', 300, 'old' .. i) end"));
    wait_ms(300); /* the server has been busy */
    adds(cache, "hot", many, MANY);
    assert_true(redis_number(&redis, "ZCARD hot") == MRQ_CACHE_TALLY_MAX);
    assert_true(redis_number(&redis, "ZSCORE hot m599") >= 600);
    if (!retries) /* one that timed out may have counted */
        assert_true(redis_number(&redis, "ZSCORE hot m100") == -1);
    freeReplyObject(raw(&redis, "DEL hot"));
}

/* Where one round trip fails the others are not tried, and it is one error. */
static void adding_to_what_takes_nothing_fails(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&redis);
    freeReplyObject(raw(&redis, "SET hot x"));
    add_fails(cache, "hot", many, MANY, "WRONGTYPE");
    assert_int_equal(mrq_cache_counted(cache).errors, 1 + retries);
    misses(cache, "none"); /* at once: the connection is in step */
    freeReplyObject(raw(&redis, "DEL hot"));
    freeReplyObject(raw(&redis, "CONFIG SET maxmemory 1"));
    add_fails(cache, "hot", many, MANY, "OOM");
    assert_int_equal(mrq_cache_counted(cache).errors, 2 + retries);
    misses(cache, "none");
    freeReplyObject(raw(&redis, "CONFIG SET maxmemory 0"));
    assert_true(redis_number(&redis, "EXISTS hot") == 0);
    adds(cache, "hot", many, MANY);
    assert_true(redis_number(&redis, "ZCARD hot") == MANY);
}

static void adding_survives_a_paused_and_a_killed_server(void **state)
{
    (void)state;
    need_redis(&redis);
    redis_server server = redis_start(folder, "paused", 0, NULL);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&server);
    adds(cache, "hot", many, MANY);
    kill(server.pid, SIGSTOP);
    add_fails(cache, "hot", many, MANY, "timed out");
    add_fails(cache, "hot", many, MANY, "");
    assert_true(mrq_cache_counted(cache).errors >= 2);
    kill(server.pid, SIGCONT);
    wait_ms(400);
    adds(cache, "hot", many, MANY);
    assert_true(redis_number(&server, "ZCARD hot") == MANY);
    redis_stop(&server);
    add_fails(cache, "hot", many, MANY, "");
    server = redis_start(folder, "paused", 0, NULL);
    wait_ms(400);
    adds(cache, "hot", many, MANY);
    assert_true(redis_number(&server, "ZSCORE hot m599") >= 600);
    redis_stop(&server);
}

/* Servers that misbehave, each a child process of its own */

typedef struct fake {
    pid_t pid;
    int port; /* 0: a unix socket */
    char address[300];
} fake;

static int *connections; /* accepted by the fakes, shared with them */

typedef void behaviour(int client, int number); /* `number` counts connections from 1 */

static fake fake_start(const char *name, behaviour *behave)
{
    fake f = {0};
    int fd;
    if (name) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        assert_in_range(snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name), 1, sizeof address.sun_path - 1);
        snprintf(f.address, sizeof f.address, "unix:%s", address.sun_path);
        unlink(address.sun_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(fd, 16), 0);
    } else {
        fd = listen_tcp(16, &f.port);
        snprintf(f.address, sizeof f.address, "127.0.0.1:%d", f.port);
    }
    *connections = 0;
    f.pid = fork();
    if (f.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no fake behind */
        signal(SIGPIPE, SIG_IGN);
        for (;;) {
            const int client = accept(fd, NULL, NULL);
            if (client < 0)
                _exit(1);
            behave(client, ++*connections);
            close(client);
        }
    }
    close(fd);
    return f;
}

static void fake_stop(fake *f)
{
    kill(f->pid, SIGKILL);
    waitpid(f->pid, NULL, 0);
}

static void say(int client, const char *text)
{
    if (write(client, text, strlen(text)) < 0)
        return; /* the other side has given up: as it should */
}

/* Reads one command, or what comes of it. */
static bool hear(int client)
{
    char bytes[4096];
    return read(client, bytes, sizeof bytes) > 0;
}

static void hang(int client)
{
    while (hear(client))
        ;
}

static void hangs(int client, int number)
{
    (void)number;
    hang(client);
}

static void hangs_up(int client, int number)
{
    (void)client;
    (void)number;
}

static void drips(int client, int number)
{
    (void)number;
    say(client, "$100000\r\n");
    for (;;) {
        if (write(client, "x", 1) < 0)
            return;
        usleep(3000);
    }
}

static void floods(int client, int number)
{
    (void)number;
    static char bytes[1 << 16];
    say(client, "$1073741824\r\n");
    while (write(client, bytes, sizeof bytes) > 0)
        ;
}

static void floods_a_line(int client, int number)
{
    (void)number;
    static char bytes[1 << 16];
    memset(bytes, 'x', sizeof bytes);
    say(client, "+");
    while (write(client, bytes, sizeof bytes) > 0)
        ;
}

/* Answers each command with the text that the test has set. */
static const char *answer;
static void answers(int client, int number)
{
    (void)number;
    while (hear(client))
        say(client, answer);
}

static void answers_and_hangs_up(int client, int number)
{
    (void)number;
    hear(client);
    say(client, answer);
}

static void answers_once(int client, int number)
{
    (void)number;
    hear(client);
    say(client, answer);
    hang(client);
}

static void answers_late(int client, int number)
{
    hear(client);
    if (number == 1) {
        usleep(150000);
        say(client, "$4\r\nlate\r\n");
        usleep(50000);
    } else {
        say(client, "$5\r\nfresh\r\n");
        hang(client);
    }
}

/* The late reply comes only when the next command is there, should that come over the same connection. */
static void answers_later_still(int client, int number)
{
    hear(client);
    if (number > 1)
        say(client, "$5\r\nfresh\r\n");
    while (hear(client))
        say(client, "$4\r\nlate\r\n");
}

static void says_more_than_asked(int client, int number)
{
    (void)number;
    while (hear(client))
        say(client, "$5\r\nfirst\r\n$6\r\nsecond\r\n");
}

static void speaks_unasked(int client, int number)
{
    (void)number;
    while (hear(client)) {
        say(client, "$5\r\nasked\r\n");
        usleep(30000);
        say(client, "$7\r\nunasked\r\n");
    }
}

static void misbehaving_servers_are_down(void **state)
{
    (void)state;
    static const struct {
        behaviour *behave;
        const char *answer, *problem;
    } cases[] = {
        {hangs, "", "timed out"},
        {hangs_up, "", ""}, /* noticed while writing or while reading */
        {drips, "", "timed out"},
        {floods, "", ""}, /* too large, or too slow when the machine is busy */
        {answers_once, "$10\r\nhal", "timed out"},
        {answers_once, "$10", "timed out"},
        {answers_once, "$", "timed out"},
        {answers_and_hangs_up, "$10\r\nhal", "closed the connection"},
        {answers_and_hangs_up, "", "closed the connection"},
        {answers, "HTTP/1.1 400 Bad Request\r\n\r\n", "not the Redis protocol"},
        {answers, "\x1b[31m\r\n", "not the Redis protocol"},
        {answers, "$-5\r\n", "not the Redis protocol"},
        {answers, "$99999999999999999999\r\n", "not the Redis protocol"},
        {answers, "*0\r\n", "an array"},
        {answers, "*2147483647\r\n", "an array"},
        {answers, "*-1\r\n", "an array"},
        {answers, ":1\r\n", "an integer"},
        {answers, ":x\r\n", "not the Redis protocol"},
        {answers, "-MOVED 3999 127.0.0.1:6381\r\n", "MOVED 3999"},
        {answers, "-LOADING Redis is loading the dataset in memory\r\n", "LOADING"},
        {answers, "-ERR \x1b[31mred\r\n", "ERR ?[31mred"},
        {answers, "-\r\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int tcp = 0; tcp < 2; tcp++) {
            answer = cases[i].answer;
            fake f = fake_start(tcp ? NULL : "fake", cases[i].behave);
            for (int writing = 0; writing < 2; writing++) { /* the fakes serve one client at a time */
                MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
                retries = 0;
                if (writing)
                    set_fails(cache, "key", "value", cases[i].problem);
                else
                    is_down(cache, "key", cases[i].problem);
                assert_non_null(strstr(mrq_cache_problem(cache), f.address));
                assert_int_equal(mrq_cache_counted(cache).errors, 1 + retries);
            }
            fake_stop(&f);
        }
    }
}

/* Answers only what came in one piece and counts; only the first, and after MRQ_CACHE_TALLY_EACH more the next, looks after the
 * set. */
static void answers_all_at_once(int client, int number)
{
    (void)number;
    char bytes[4097];
    ssize_t n;
    for (int count = 0; (n = read(client, bytes, sizeof bytes - 1)) > 0; count++) {
        bytes[n] = '\0';
        const bool looks = strstr(bytes, "\r\nEXPIRE\r\n") && strstr(bytes, "\r\nZREMRANGEBYRANK\r\n");
        if (!strstr(bytes, "\r\nGET\r\n") || !strstr(bytes, "\r\nZINCRBY\r\n") || looks != (count % MRQ_CACHE_TALLY_EACH == 0))
            return;
        say(client, looks ? "$5\r\nvalue\r\n$1\r\n7\r\n:1\r\n:0\r\n" : "$5\r\nvalue\r\n$1\r\n7\r\n");
    }
}

static void counting_costs_no_round_trip(void **state)
{
    (void)state;
    fake f = fake_start("fake", answers_all_at_once);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
    for (int i = 0; i < 2 * MRQ_CACHE_TALLY_EACH + 1; i++)
        counts(cache, "key", "member", MRQ_CACHE_HIT, "value");
    assert_int_equal(*connections, 1 + retries);
    assert_int_equal(mrq_cache_counted(cache).errors, retries);
    fake_stop(&f);
}

/* A server whose value is right and whose other replies are not: the value counts, and the connection is given up unless it is in
 * step. */
static void bad_counts_leave_a_good_value(void **state)
{
    (void)state;
    static const struct {
        const char *rest, *problem;
        bool in_step;
    } cases[] = {
        {"-ERR no\r\n:1\r\n:0\r\n", "ERR no", true},
        {"$1\r\n1\r\n:1\r\n-ERR \x1b no\r\n", "ERR ? no", true},
        {"-ERR 1\r\n-ERR 2\r\n-ERR 3\r\n", "ERR 1", true},
        {"", "timed out", false},
        {"$1\r\n1\r\n:1\r\n", "timed out", false},
        {":1\r\n:1\r\n:0\r\n", "an integer", false},
        {"$-1\r\n:1\r\n:0\r\n", "nil", false},
        {"*1\r\n:1\r\n:1\r\n:0\r\n", "an array", false},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "not the Redis protocol", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char all[200];
        snprintf(all, sizeof all, "$5\r\nvalue\r\n%s", cases[i].rest);
        answer = all;
        retries = 0;
        fake f = fake_start("fake", answers);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        counts(cache, "key", "member", MRQ_CACHE_HIT, "value");
        if (!strstr(mrq_cache_problem(cache), cases[i].problem))
            fail_msg("case %zu: \"%s\", want \"%s\"", i, mrq_cache_problem(cache), cases[i].problem);
        assert_int_equal(mrq_cache_counted(cache).errors, 1 + retries);
        if (cases[i].in_step) {
            counts(cache, "key", "member", MRQ_CACHE_HIT, "value");
            assert_int_equal(*connections, 1 + retries);
        } else {
            is_down(cache, "key", cases[i].problem); /* the pause */
        }
        fake_stop(&f);
    }
    answer = "-ERR\r\n$1\r\n1\r\n:1\r\n:0\r\n";
    fake f = fake_start("fake", answers);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
    counts(cache, "key", "member", MRQ_CACHE_DOWN, "ERR");
    fake_stop(&f);
}

static void misbehaving_servers_take_no_counts(void **state)
{
    (void)state;
    static const struct {
        behaviour *behave;
        const char *answer, *problem; /* NULL: none */
    } cases[] = {
        {answers, "$1\r\n1\r\n$1\r\n2\r\n:1\r\n:0\r\n", NULL},
        {answers, "$1\r\n1\r\n-ERR no\r\n:1\r\n:0\r\n", "ERR no"},
        {answers, "$1\r\n1\r\n$1\r\n2\r\n-ERR 1\r\n-ERR 2\r\n", "ERR 1"},
        {answers, "$1\r\n1\r\n$1\r\n2\r\n:1\r\n", "timed out"},
        {answers, "$1\r\n1\r\n:2\r\n:1\r\n:0\r\n", "an integer"},
        {answers, "$1\r\n1\r\n$-1\r\n:1\r\n:0\r\n", "nil"},
        {answers, "$1\r\n1\r\n$1\r\n2\r\n+OK\r\n:0\r\n", "a status"},
        {answers, "*4\r\n$1\r\n1\r\n$1\r\n2\r\n:1\r\n:0\r\n", "an array"},
        {answers, "HTTP/1.1 400 Bad Request\r\n\r\n", "not the Redis protocol"},
        {answers_and_hangs_up, "$1\r\n1\r\n", "closed the connection"},
        {answers_and_hangs_up, "", "closed the connection"},
        {hangs, "", "timed out"},
        {hangs_up, "", ""},
        {drips, "", "timed out"},
        {floods, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer = cases[i].answer;
        retries = 0;
        fake f = fake_start("fake", cases[i].behave);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        if (cases[i].problem)
            add_fails(cache, "hot", many, 2, cases[i].problem);
        else
            adds(cache, "hot", many, 2);
        assert_int_equal(mrq_cache_counted(cache).errors, retries + (cases[i].problem != NULL));
        fake_stop(&f);
    }
}

/* Says the text that the test has set each time when it has heard the last of a batch's commands, and nothing before. */
static void answers_a_whole_batch(int client, int number)
{
    (void)number;
    static const char last[] = "ZREMRANGEBYRANK";
    char bytes[70000];
    size_t size = 0;
    ssize_t n;
    while ((n = read(client, bytes + size, sizeof bytes - size)) > 0) {
        size += (size_t)n;
        if (memmem(bytes, size, last, sizeof last - 1)) {
            say(client, answer);
            size = 0;
        }
    }
}

/* 512 members in two round trips over one connection. */
static void adding_waits_for_no_single_reply(void **state)
{
    (void)state;
    enum { TRIP = 256 };
    char all[TRIP * 8 + 20] = "";
    for (int i = 0; i < TRIP; i++)
        memcpy(all + 7 * i, "$1\r\n7\r\n", 8);
    strcat(all, ":1\r\n:0\r\n");
    answer = all;
    fake f = fake_start("fake", answers_a_whole_batch);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
    adds(cache, "hot", many, 2 * TRIP);
    assert_int_equal(*connections, 1 + retries);
    fake_stop(&f);
}

/* Writes the answer byte by byte. */
static void answers_in_pieces(int client, int number)
{
    (void)number;
    while (hear(client))
        for (const char *p = answer; *p && write(client, p, 1) == 1; p++)
            ;
}

static void floods_in_an_array(int client, int number)
{
    say(client, "*2\r\n$1\r\nm\r\n");
    floods(client, number);
}

static void reads_arrays(void **state)
{
    (void)state;
    static const struct {
        behaviour *behave;
        const char *answer;
        mrq_cache_state state;
        const char *text;
    } cases[] = {
        {answers, "*0\r\n", MRQ_CACHE_MISS, ""},
        {answers, "*1\r\n$1\r\nm\r\n", MRQ_CACHE_HIT, "m"},
        {answers, "*3\r\n$5\r\nfirst\r\n$0\r\n\r\n$2\r\n*1\r\n", MRQ_CACHE_HIT, "first  *1"},
        {answers_in_pieces, "*3\r\n$5\r\nfirst\r\n$0\r\n\r\n$2\r\n*1\r\n", MRQ_CACHE_HIT, "first  *1"},
        {answers, "*10\r\n+a\r\n", MRQ_CACHE_DOWN, "timed out"},
        {answers, "*-1\r\n", MRQ_CACHE_DOWN, "an array of -1, want at most 10"},
        {answers, "*11\r\n", MRQ_CACHE_DOWN, "an array of 11, want at most 10"},
        {answers, "*2147483647\r\n", MRQ_CACHE_DOWN, "an array of 2147483647, want at most 10"},
        {answers, "*99999999999999999999\r\n", MRQ_CACHE_DOWN, "not the Redis protocol: an array without a length"},
        {answers, "*\r\n", MRQ_CACHE_DOWN, "an array without a length"},
        {answers, "*1x\r\n", MRQ_CACHE_DOWN, "an array without a length"},
        {answers, "*1111111111111111111111111111111111111", MRQ_CACHE_DOWN, "an array without a length"},
        {answers_once, "*", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*1", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*1\r", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*2\r\n$1\r\nm\r\n", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*2\r\n$1\r\nm\r\n$3\r\nab", MRQ_CACHE_DOWN, "timed out"},
        {answers_and_hangs_up, "*2\r\n$1\r\nm\r\n", MRQ_CACHE_DOWN, "closed the connection"},
        {answers, "*1\r\n*1\r\n$1\r\nm\r\n", MRQ_CACHE_DOWN, "an array"},
        {answers, "*2\r\n$1\r\nm\r\n*0\r\n", MRQ_CACHE_DOWN, "an array"},
        {answers, "*1\r\n:5\r\n", MRQ_CACHE_DOWN, "other than strings"},
        {answers, "*1\r\n$-1\r\n", MRQ_CACHE_DOWN, "other than strings"},
        {answers, "*1\r\n-ERR\r\n", MRQ_CACHE_DOWN, "other than strings"},
        {answers, "*1\r\nm\r\n", MRQ_CACHE_DOWN, "not the Redis protocol"},
        {answers, "$1\r\nm\r\n", MRQ_CACHE_DOWN, "a string"},
        {answers, ":1\r\n", MRQ_CACHE_DOWN, "an integer"},
        {answers, "-NOAUTH\r\n", MRQ_CACHE_DOWN, "NOAUTH"},
        {drips, "", MRQ_CACHE_DOWN, "timed out"},
        {floods_in_an_array, "", MRQ_CACHE_DOWN, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer = cases[i].answer;
        retries = 0;
        fake f = fake_start("fake", cases[i].behave);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        top_is(cache, "hot", 0, 10, cases[i].state, cases[i].text);
        assert_int_equal(mrq_cache_counted(cache).errors, retries + (cases[i].state == MRQ_CACHE_DOWN));
        fake_stop(&f);
    }
}

static void set_wants_a_status(void **state)
{
    (void)state;
    static const char *const wrong[] = {"$2\r\nOK\r\n", "$-1\r\n", ":1\r\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        answer = wrong[i];
        fake f = fake_start("fake", answers);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        set_fails(cache, "key", "value", "the server answered with");
        fake_stop(&f);
    }
    answer = "+OK\r\n";
    fake f = fake_start("fake", answers);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
    sets(cache, "key", "value");
    is_down(cache, "key", "a status"); /* a status is no value */
    fake_stop(&f);
}

/* More than asked for is not read, however much time there is. */
static void a_reply_keeps_to_its_budget(void **state)
{
    (void)state;
    static behaviour *const floods_of[] = {floods, floods_a_line};
    for (int i = 0; i < 2; i++) {
        fake f = fake_start("fake", floods_of[i]);
        mrq_address address;
        mrq_wire *wire = NULL;
        mrq_lookup *lookup = NULL;
        redisReply *reply = NULL;
        size_t budget = 100000;
        assert_ok(mrq_address_parse(f.address, &address, &err));
        assert_ok(mrq_wire_open(&address, &lookup, mrq_clock() + 10, &wire, &err));
        assert_fails(mrq_wire_receive(wire, mrq_clock() + 10, &budget, 0, &reply, &err), MRQ_UNAVAILABLE, "the reply is too large");
        assert_null(reply);
        mrq_wire_close(wire);
        fake_stop(&f);
    }
}

static void a_flood_takes_no_memory(void **state)
{
    (void)state;
    static behaviour *const floods_of[] = {floods, floods_a_line};
    for (size_t i = 0; i < 2; i++) {
        struct rusage before, after;
        getrusage(RUSAGE_SELF, &before);
        fake f = fake_start("fake", floods_of[i]);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        is_down(cache, "key", "");
        fake_stop(&f);
        getrusage(RUSAGE_SELF, &after);
        assert_true(after.ru_maxrss - before.ru_maxrss < 65536); /* KB */
    }
}

/* A write to a server that has hung up would raise SIGPIPE, whose default ends this process. */
static void a_hang_up_while_writing_kills_nobody(void **state)
{
    (void)state;
    MRQ_AUTOFREE char *value = mrq_array(MRQ_CACHE_VALUE_MAX, 1);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < 10; i++) {
        fake f = fake_start(i % 2 ? NULL : "fake", hangs_up);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        set_at(cache, "key", value, MRQ_CACHE_VALUE_MAX, MRQ_CACHE_DOWN, "", __LINE__);
        fake_stop(&f);
    }
}

static void a_server_that_reads_nothing_is_down(void **state)
{
    (void)state;
    MRQ_AUTOFREE char *value = mrq_array(MRQ_CACHE_VALUE_MAX, 1);
    int port;
    const int fd = listen_tcp(16, &port);
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
    set_at(cache, "key", value, MRQ_CACHE_VALUE_MAX, MRQ_CACHE_DOWN, "timed out", __LINE__);
    close(fd);
}

static void nobody_there_is_down(void **state)
{
    (void)state;
    char address[300];
    snprintf(address, sizeof address, "unix:%s/nothing", folder);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *none = cache_at(address);
    is_down(none, "key", "No such file or directory");
    snprintf(address, sizeof address, "127.0.0.1:%d", free_port());
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *refused = cache_at(address);
    is_down(refused, "key", "Connection refused");
}

/* A listener whose queue is full drops what comes: connecting hangs. */
static void a_connection_that_hangs_is_down(void **state)
{
    (void)state;
    int port, waiting[8];
    const int fd = listen_tcp(0, &port);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    for (int i = 0; i < 8; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(waiting[i], (const struct sockaddr *)&to, sizeof to) != 0)
            assert_int_equal(errno, EINPROGRESS);
    }
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
    is_down(cache, "key", "timed out");
    for (int i = 0; i < 8; i++)
        close(waiting[i]);
    close(fd);
}

static void a_late_reply_answers_nothing_else(void **state)
{
    (void)state;
    static behaviour *const late[] = {answers_late, answers_later_still};
    for (int i = 0; i < 2; i++) {
        fake f = fake_start("fake", late[i]);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        retries = 0;
        is_down(cache, "first", "timed out");
        wait_ms(300);
        hits(cache, "second", "fresh");
        assert_int_equal(*connections, 2 + retries);
        fake_stop(&f);
    }
}

static void what_was_not_asked_answers_nothing(void **state)
{
    (void)state;
    static behaviour *const talkers[] = {says_more_than_asked, speaks_unasked};
    static const char *const wants[] = {"first", "asked"};
    for (int i = 0; i < 2; i++) {
        fake f = fake_start("fake", talkers[i]);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
        for (int turn = 1; turn <= 3; turn++) {
            hits(cache, "key", wants[i]);
            assert_int_equal(*connections, turn + retries);
            wait_ms(50);
        }
        fake_stop(&f);
    }
}

static void backs_off(void **state)
{
    (void)state;
    fake f = fake_start("fake", hangs);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
    is_down(cache, "key", "");
    const double start = mrq_clock();
    int calls = 0;
    for (; mrq_clock() < start + 0.7; calls++) { /* pauses of 50, 100, 200, 400 ms with time-outs of 40 ms between them */
        is_down(cache, "key", "");
        usleep(200);
    }
    assert_true(calls > 20);
    assert_in_range(*connections, 2, 4);
    assert_int_equal(mrq_cache_counted(cache).errors, calls + 1);
    fake_stop(&f);
    answer = "$5\r\nthere\r\n";
    f = fake_start("fake", answers);
    wait_ms(1000); /* the pause that has begun */
    hits(cache, "key", "there");
    assert_int_equal(*connections, 1 + retries);
    fake_stop(&f);
}

/* Redis repeats the arguments of a command that it does not know: a server without AUTH tells the password to whoever asked. */
static void an_echoed_password_is_not_told(void **state)
{
    (void)state;
    answer = "-ERR unknown command 'AUTH', with args beginning with: 'hush' \r\n";
    fake f = fake_start(NULL, answers);
    char address[300];
    snprintf(address, sizeof address, "redis://:hush@127.0.0.1:%d", f.port);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
    is_down(cache, "key", "login refused (ERR)");
    assert_null(strstr(mrq_cache_problem(cache), "hush"));
    fake_stop(&f);
}

/* Names: getaddrinfo() as the program finds it, with three names of our own */

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    if (!strstr(host, ".test") || hints->ai_flags & AI_NUMERICHOST)
        return real(host, port, hints, found);
    if (strcmp(host, "slow.test") == 0)
        usleep(400000);
    if (strcmp(host, "unknown.test") == 0)
        return EAI_NONAME;
    return real("127.0.0.1", port, hints, found);
}

static void a_slow_name_is_waited_for_later(void **state)
{
    (void)state;
    answer = "$5\r\nthere\r\n";
    fake f = fake_start(NULL, answers);
    char address[64];
    snprintf(address, sizeof address, "quick.test:%d", f.port);
    mrq_cache *quick = cache_at(address);
    hits(quick, "key", "there");
    mrq_cache_free(quick); /* the fake serves one client at a time */
    snprintf(address, sizeof address, "unknown.test:%d", f.port);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *unknown = cache_at(address);
    is_down(unknown, "key", "Name or service not known");
    snprintf(address, sizeof address, "slow.test:%d", f.port);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *slow = cache_at(address);
    is_down(slow, "key", "still being looked up");
    mrq_cache *abandoned = cache_at(address);
    is_down(abandoned, "key", "");
    mrq_cache_free(abandoned);
    wait_ms(600);
    hits(slow, "key", "there");
    fake_stop(&f);
}

static void null_is_freed(void **state)
{
    (void)state;
    mrq_cache_free(NULL);
}

static int begin(void **state)
{
    (void)state;
    retries = 0;
    return 0;
}

int main(void)
{
    fill_many();
    folder = temporary_folder();
    connections = mmap(NULL, sizeof *connections, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (redis_installed()) {
        redis = redis_start(folder, "redis", 0, NULL);
        locked_port = free_port();
        locked = redis_start(folder, "locked", locked_port, PASSWORD);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reads_addresses, begin),
        cmocka_unit_test_setup(refuses_addresses, begin),
        cmocka_unit_test_setup(keeps_values, begin),
        cmocka_unit_test_setup(keeps_binary_values, begin),
        cmocka_unit_test_setup(refuses_a_larger_value, begin),
        cmocka_unit_test_setup(one_key_of_another_type_is_a_miss, begin),
        cmocka_unit_test_setup(logs_in, begin),
        cmocka_unit_test_setup(refused_logins_tell_no_secret, begin),
        cmocka_unit_test_setup(survives_a_restart, begin),
        cmocka_unit_test_setup(survives_idle_hang_up, begin),
        cmocka_unit_test_setup(counts_what_is_asked, begin),
        cmocka_unit_test_setup(counts_do_not_grow_for_ever, begin),
        cmocka_unit_test_setup(lists_the_top, begin),
        cmocka_unit_test_setup(a_count_that_fails_leaves_the_value, begin),
        cmocka_unit_test_setup(adds_many_counts, begin),
        cmocka_unit_test_setup(added_counts_keep_to_the_bound, begin),
        cmocka_unit_test_setup(adding_to_what_takes_nothing_fails, begin),
        cmocka_unit_test_setup(adding_survives_a_paused_and_a_killed_server, begin),
        cmocka_unit_test_setup(misbehaving_servers_take_no_counts, begin),
        cmocka_unit_test_setup(adding_waits_for_no_single_reply, begin),
        cmocka_unit_test_setup(misbehaving_servers_are_down, begin),
        cmocka_unit_test_setup(counting_costs_no_round_trip, begin),
        cmocka_unit_test_setup(bad_counts_leave_a_good_value, begin),
        cmocka_unit_test_setup(reads_arrays, begin),
        cmocka_unit_test_setup(set_wants_a_status, begin),
        cmocka_unit_test_setup(a_reply_keeps_to_its_budget, begin),
        cmocka_unit_test_setup(a_flood_takes_no_memory, begin),
        cmocka_unit_test_setup(a_hang_up_while_writing_kills_nobody, begin),
        cmocka_unit_test_setup(a_server_that_reads_nothing_is_down, begin),
        cmocka_unit_test_setup(nobody_there_is_down, begin),
        cmocka_unit_test_setup(a_connection_that_hangs_is_down, begin),
        cmocka_unit_test_setup(a_late_reply_answers_nothing_else, begin),
        cmocka_unit_test_setup(what_was_not_asked_answers_nothing, begin),
        cmocka_unit_test_setup(backs_off, begin),
        cmocka_unit_test_setup(an_echoed_password_is_not_told, begin),
        cmocka_unit_test_setup(null_is_freed, begin),
        cmocka_unit_test_setup(a_slow_name_is_waited_for_later, begin), /* last: it starts threads, and the others fork */
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_stop(&redis);
    redis_stop(&locked);
    temporary_remove(folder);
    return failed;
}
