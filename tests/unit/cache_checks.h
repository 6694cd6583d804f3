/* What the tests of the cache share: operations that must come to something, in time. */
#ifndef MRQ_TESTS_CACHE_CHECKS_H
#define MRQ_TESTS_CACHE_CHECKS_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "cache/cache.h"
#include "unit/testing.h"

/* What an operation may take, plus what a busy machine may add. */
#define LIMIT ((MRQ_CACHE_CONNECT_MS + MRQ_CACHE_COMMAND_MS) * 1e-3 + 0.4)

static mrq_error err;
static const char *folder;

static inline mrq_cache *cache_at(const char *address)
{
    mrq_cache *cache = NULL;
    assert_ok(mrq_cache_new(address, 60, &cache, &err));
    return cache;
}

/* Longer than the first pauses of the back-off. */
static inline void wait_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

/* How an operation ended, against what a test wants: the state and, when that is DOWN, a piece of mrq_cache_problem(). A busy
 * machine can make any operation run out of its 40 ms: one that should not is to be tried again, up to ten times in a test. */
static int retries;
static inline bool try_again(const mrq_cache *cache, const char *what, mrq_cache_state got, mrq_cache_state want,
                             const char *problem, int line)
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

static inline void assert_in_time(double start, int line)
{
    const double spent = mrq_clock() - start;
    if (spent > LIMIT)
        fail_msg("line %d: %.0f ms, want at most %.0f", line, 1e3 * spent, 1e3 * LIMIT);
}

/* A get that must keep to the limit and come to `want`; `text` is the value wanted of a hit, or a piece of the problem when it is
 * down. Unless `member` is NULL, it is counted in the sorted set "hot". */
static inline void get_at(mrq_cache *cache, const char *key, const char *member, mrq_cache_state want, const void *text,
                          size_t text_size, int line)
{
    const mrq_tally tally = {"hot", member};
    void *value = NULL;
    size_t size = 0;
    mrq_cache_state state;
    do {
        const double start = mrq_clock();
        state = mrq_cache_get(cache, key, member ? &tally : NULL, &value, &size);
        assert_in_time(start, line);
    } while (try_again(cache, "get", state, want, text, line));
    if (state == MRQ_CACHE_HIT && (size != text_size || memcmp(value, text, size) != 0))
        fail_msg("line %d: got \"%.*s\", want \"%s\"", line, (int)size, (const char *)value, (const char *)text);
    if (state != MRQ_CACHE_HIT)
        assert_null(value);
    mrq_free(value);
}
#define hits(cache, key, text)                 get_at(cache, key, NULL, MRQ_CACHE_HIT, text, strlen(text), __LINE__)
#define misses(cache, key)                     get_at(cache, key, NULL, MRQ_CACHE_MISS, "", 0, __LINE__)
#define is_down(cache, key, problem)           get_at(cache, key, NULL, MRQ_CACHE_DOWN, problem, 0, __LINE__)
#define counts(cache, key, member, want, text) get_at(cache, key, member, want, text, strlen(text), __LINE__)

static inline void set_at(mrq_cache *cache, const char *key, const void *value, size_t size, mrq_cache_state want,
                          const char *problem, int line)
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

/* A socket that listens on a free port of the loopback. */
static inline int listen_tcp(int backlog, int *port)
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

static inline int free_port(void)
{
    int port;
    close(listen_tcp(1, &port));
    return port;
}

/* The members from place `first` on, joined by blanks. */
static inline void top_at(mrq_cache *cache, const char *set, uint32_t first, uint32_t n, mrq_cache_state want, const char *text,
                          int line)
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

static inline void ages_at(mrq_cache *cache, const char *set, mrq_cache_state want, const char *problem, int line)
{
    mrq_cache_state state;
    do {
        const double start = mrq_clock();
        state = mrq_cache_age(cache, set);
        assert_in_time(start, line);
    } while (try_again(cache, "age", state, want, problem, line));
}
#define ages(cache, set, want, problem) ages_at(cache, set, want, problem, __LINE__)

enum { MANY = 600 }; /* three round trips */
static char many_names[MANY][16];
static mrq_addend many[MANY];

static inline void fill_many(void)
{
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(many_names[i], sizeof many_names[i], "m%u", i);
        many[i] = (mrq_addend){many_names[i], i + 1};
    }
}

static inline void adds_at(mrq_cache *cache, const char *set, const mrq_addend *addend, uint32_t n, mrq_cache_state want,
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

static inline int begin(void **state)
{
    (void)state;
    retries = 0;
    return 0;
}

#endif
