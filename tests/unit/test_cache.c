/* The cache against a private Redis. (Against servers that misbehave: test_fakes.c.) */
#include "unit/redis_server.h" /* first: the other has an err of its own */

#include "cache/address.h"
#include "unit/cache_checks.h"

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
        {"redis://:hush%00@h", "not contain a NUL byte"},
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
        get_at(cache, "bytes", NULL, MRQ_CACHE_HIT, bytes, sizes[i], __LINE__);
    }
    set_at(cache, "bytes", bytes, MRQ_CACHE_VALUE_MAX + 1, MRQ_CACHE_DOWN, "too large for the cache", __LINE__);
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

/* A master that has become a replica: what it has is read, nothing is kept, and the connection is made anew, since the name may
 * stand for another server by then. */
static void a_replica_takes_nothing(void **state)
{
    (void)state;
    need_redis(&redis);
    redis_server server = redis_start(folder, "replica", 0, NULL);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = redis_cache(&server);
    sets(cache, "key", "value");
    freeReplyObject(raw(&server, "CONFIG SET replica-serve-stale-data yes"));
    freeReplyObject(raw(&server, "REPLICAOF 127.0.0.1 1"));
    counts(cache, "key", "a", MRQ_CACHE_HIT, "value");
    assert_non_null(strstr(mrq_cache_problem(cache), "a read-only replica: use the address of its master"));
    wait_ms(250);
    set_fails(cache, "key", "other", "a read-only replica");
    freeReplyObject(raw(&server, "REPLICAOF NO ONE"));
    wait_ms(250);
    sets(cache, "key", "other");
    hits(cache, "key", "other");
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

static void null_is_freed(void **state)
{
    (void)state;
    mrq_cache_free(NULL);
}

int main(void)
{
    fill_many();
    folder = temporary_folder();
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
        cmocka_unit_test_setup(a_replica_takes_nothing, begin),
        cmocka_unit_test_setup(survives_idle_hang_up, begin),
        cmocka_unit_test_setup(counts_what_is_asked, begin),
        cmocka_unit_test_setup(counts_do_not_grow_for_ever, begin),
        cmocka_unit_test_setup(lists_the_top, begin),
        cmocka_unit_test_setup(a_count_that_fails_leaves_the_value, begin),
        cmocka_unit_test_setup(adds_many_counts, begin),
        cmocka_unit_test_setup(added_counts_keep_to_the_bound, begin),
        cmocka_unit_test_setup(adding_to_what_takes_nothing_fails, begin),
        cmocka_unit_test_setup(adding_survives_a_paused_and_a_killed_server, begin),
        cmocka_unit_test_setup(null_is_freed, begin),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redis_stop(&redis);
    redis_stop(&locked);
    temporary_remove(folder);
    return failed;
}
