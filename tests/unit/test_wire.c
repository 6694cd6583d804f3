/* The cache to the letter: each byte that a Redis is sent, each limit on both sides, and system calls that fail once. The clock
 * stands still and is moved by waiting alone, so that no busy machine makes anything time out. */
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/parallel.h"
#include "cache/address.h"
#include "cache/cache.h"
#include "cache/wire.h"
#include "unit/failing_memory.h"
#include "unit/testing.h"

static mrq_error err;
static char *folder;

/* Calls that fail when their turn has come: once with an error that is none, then with one that is. */
typedef enum call { SOCKET, CONNECT, GETSOCKOPT, PPOLL, SEND, RECV, REALLOC, THREAD, CALLS } call;
static int left[CALLS], code_of[CALLS];
static double now = 1e8, waited[8]; /* seconds: the clock, beyond the system's own, and what was waited for */
static int waits, peeks, undelayed;
static size_t at_once = SIZE_MAX; /* bytes that are sent by one call */
static bool nobody_answers;       /* a connection is never made */

static bool fails(call which)
{
    const bool turn = left[which] > 0 && --left[which] == 0;
    if (turn)
        errno = code_of[which];
    return turn;
}

static void fail_next(call which, int code)
{
    left[which] = 1;
    code_of[which] = code;
}

double __wrap_mrq_clock(void);
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __real_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);
int __real_mrq_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);
int __wrap_mrq_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

double __wrap_mrq_clock(void)
{
    return now;
}

int __wrap_socket(int domain, int type, int protocol)
{
    return fails(SOCKET) ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    if (nobody_answers)
        errno = EINPROGRESS;
    return nobody_answers || fails(CONNECT) ? -1 : __real_connect(fd, address, size);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    return fails(GETSOCKOPT) ? -1 : __real_getsockopt(fd, level, name, value, size);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    undelayed += level == IPPROTO_TCP && name == TCP_NODELAY && *(const int *)value == 1;
    return __real_setsockopt(fd, level, name, value, size);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask)
{
    waited[waits++ % 8] = (double)limit->tv_sec + 1e-9 * (double)limit->tv_nsec;
    if (fails(PPOLL))
        return -1;
    const int ready = nobody_answers ? 0 : __real_ppoll(fds, n, &(struct timespec){20, 0}, mask);
    if (ready != 0)
        return ready;
    now += waited[(waits - 1) % 8] + 1e-7;
    return 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    if (!(flags & MSG_NOSIGNAL))
        return __real_send(fd, bytes, size, flags);
    return fails(SEND) ? -1 : __real_send(fd, bytes, size < at_once ? size : at_once, flags);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    peeks += (flags & MSG_PEEK) != 0;
    return !(flags & MSG_PEEK) && fails(RECV) ? -1 : __real_recv(fd, bytes, size, flags);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails(REALLOC) ? NULL : __real_realloc(p, size);
}

int __wrap_mrq_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    return fails(THREAD) ? EAGAIN : __real_mrq_thread_start(thread, run, argument);
}

/* Names: two.test has two addresses, none.test has none. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    static const char *const places[] = {"127.0.0.1", "127.0.0.2"};
    const bool number = strcmp(host, "127.0.0.1") == 0;
    if (!number && (strcmp(host, "two.test") != 0 || hints->ai_flags & AI_NUMERICHOST))
        return EAI_NONAME;
    *found = NULL;
    for (int i = 1; i >= 0; i--) {
        struct addrinfo *one = calloc(1, sizeof *one + sizeof(struct sockaddr_in));
        struct sockaddr_in *address = (struct sockaddr_in *)(void *)(one + 1);
        *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
        address->sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(strcmp(places[i], "127.0.0.2") == 0));
        *one = (struct addrinfo){.ai_family = AF_INET,
                                 .ai_socktype = hints->ai_socktype,
                                 .ai_addrlen = sizeof *address,
                                 .ai_addr = (struct sockaddr *)address,
                                 .ai_next = *found};
        *found = one;
    }
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list);
        list = next;
    }
}

const char *gai_strerror(int code)
{
    return code == EAI_NONAME ? "Name or service not known" : "?";
}

/* A server that notes what it is sent, and answers each command by its name. */
static struct {
    int listener, tcp, port;
    char address[200], tcp_address[64];
    pthread_mutex_t lock;
    char heard[200000];
    size_t size, parsed;
    const char *get; /* what GET is answered; the others always say what they should */
    size_t get_size;
    const char *login;
    int connections, ended;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Bytes of the command that begins there, or 0 when it is not whole; its name. */
static size_t command_size(const char *text, size_t size, char name[32])
{
    const char *end = memchr(text, '\n', size);
    size_t at = end ? (size_t)(end - text) + 1 : 0;
    for (int n = at ? atoi(text + 1) : 0, i = 0; i < n; i++) {
        end = memchr(text + at, '\n', size - at);
        if (!end)
            return 0;
        const size_t length = (size_t)atoll(text + at + 1);
        at = (size_t)(end - text) + 1;
        if (at + length + 2 > size)
            return 0;
        if (i == 0)
            snprintf(name, 32, "%.*s", (int)length, text + at);
        at += length + 2;
    }
    return at;
}

static void answer(int fd, const char *name)
{
    static const char *const replies[][2] = {{"SET", "+OK\r\n"},
                                             {"ZINCRBY", "$1\r\n7\r\n"},
                                             {"EXPIRE", ":1\r\n"},
                                             {"ZREMRANGEBYRANK", ":0\r\n"},
                                             {"ZREMRANGEBYSCORE", ":0\r\n"},
                                             {"ZUNIONSTORE", ":1\r\n"},
                                             {"ZREVRANGE", "*2\r\n$1\r\na\r\n$2\r\nbc\r\n"},
                                             {"SELECT", "+OK\r\n"},
                                             {"READWRITE", "-ERR no cluster\r\n"}};
    const char *text = strcmp(name, "GET") == 0 ? server.get : strcmp(name, "AUTH") == 0 ? server.login : NULL;
    size_t size = text == server.get ? server.get_size : text ? strlen(text) : 0;
    for (size_t i = 0; !text && i < sizeof replies / sizeof *replies; i++)
        if (strcmp(name, replies[i][0]) == 0)
            size = strlen(text = replies[i][1]);
    for (ssize_t n; size && (n = __real_send(fd, text, size, MSG_NOSIGNAL)) > 0; size -= (size_t)n)
        text += n;
}

static void *serve(void *listener)
{
    for (int fd; (fd = accept(*(int *)listener, NULL, NULL)) >= 0; close(fd)) {
        pthread_mutex_lock(&server.lock);
        server.connections++;
        server.parsed = server.size;
        pthread_mutex_unlock(&server.lock);
        for (ssize_t n;;) {
            char bytes[65536];
            if ((n = read(fd, bytes, sizeof bytes)) <= 0)
                break;
            pthread_mutex_lock(&server.lock);
            if (server.size + (size_t)n > sizeof server.heard)
                server.size = server.parsed = 0;
            memcpy(server.heard + server.size, bytes, (size_t)n);
            server.size += (size_t)n;
            char name[32];
            for (size_t took; server.parsed < server.size &&
                              (took = command_size(server.heard + server.parsed, server.size - server.parsed, name));) {
                server.parsed += took;
                answer(fd, name);
            }
            pthread_mutex_unlock(&server.lock);
        }
        pthread_mutex_lock(&server.lock);
        server.ended++;
        pthread_mutex_unlock(&server.lock);
    }
    return NULL;
}

static void start(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct sockaddr_in tcp = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof tcp;
    pthread_t thread;
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/wire", folder);
    snprintf(server.address, sizeof server.address, "unix:%s", address.sun_path);
    server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    server.tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(server.listener, 8) != 0 ||
        bind(server.tcp, (const struct sockaddr *)&tcp, sizeof tcp) != 0 || listen(server.tcp, 8) != 0 ||
        getsockname(server.tcp, (struct sockaddr *)&tcp, &size) != 0 ||
        pthread_create(&thread, NULL, serve, &server.listener) != 0 || pthread_create(&thread, NULL, serve, &server.tcp) != 0) {
        perror("listening");
        exit(1);
    }
    server.port = ntohs(tcp.sin_port);
}

/* Waits until the server has seen the end of each connection but `open`; what it has heard is forgotten. */
static void forget(int open)
{
    for (int ms = 0, there = open + 1; there > open && ms < 5000; ms++, usleep(1000)) {
        pthread_mutex_lock(&server.lock);
        there = server.connections - server.ended;
        server.size = server.parsed = 0;
        pthread_mutex_unlock(&server.lock);
    }
}

static int begin(void **state)
{
    (void)state;
    forget(0);
    memset(left, 0, sizeof left);
    at_once = SIZE_MAX;
    nobody_answers = false;
    now += 100;
    server.get = "$5\r\nvalue\r\n";
    server.get_size = strlen(server.get);
    server.login = "+OK\r\n";
    pthread_mutex_lock(&server.lock);
    server.connections = server.ended = 0;
    pthread_mutex_unlock(&server.lock);
    return 0;
}

static mrq_cache *cache_at(const char *address)
{
    mrq_cache *cache = NULL;
    assert_ok(mrq_cache_new(address, 60, &cache, &err));
    return cache;
}

/* The words of what was sent since the last look, commands on lines of their own. */
static void assert_heard(const char *want)
{
    static char words[20000];
    char name[32];
    size_t used = 0;
    pthread_mutex_lock(&server.lock);
    assert_int_equal(server.parsed, server.size); /* nothing but whole commands */
    for (size_t at = 0, n; at < server.size && (n = command_size(server.heard + at, server.size - at, name)); at += n) {
        char *text = server.heard + at;
        const int count = atoi(text + 1);
        text = strchr(text, '\n') + 1;
        for (int i = 0; i < count; i++) {
            const size_t length = (size_t)atoll(text + 1);
            text = strchr(text, '\n') + 1;
            used += (size_t)snprintf(words + used, sizeof words - used, "%.*s%s", (int)length, text, i + 1 < count ? " " : "\n");
            text += length + 2;
        }
    }
    server.size = server.parsed = 0;
    pthread_mutex_unlock(&server.lock);
    words[used] = '\0';
    assert_string_equal(words, want);
}

static mrq_cache_state get(mrq_cache *cache, const mrq_tally *tally, size_t want)
{
    void *value = NULL;
    size_t size = 0;
    const mrq_cache_state state = mrq_cache_get(cache, "key", tally, &value, &size);
    if (state == MRQ_CACHE_HIT)
        assert_int_equal(size, want);
    else
        assert_true(!value && size == 0);
    mrq_free(value);
    return state;
}

static void assert_down(mrq_cache *cache, const char *problem)
{
    if (get(cache, NULL, 5) != MRQ_CACHE_DOWN || !strstr(mrq_cache_problem(cache), problem))
        fail_msg("\"%s\", want \"%s\"", mrq_cache_problem(cache), problem);
    now += 60; /* past any pause */
}

/* What is sent */

static void redis_is_sent_these_commands(void **state)
{
    (void)state;
    static const mrq_addend addends[] = {{"one", 1}, {"", 18446744073709551615u}};
    const mrq_tally tally = {"hot", "mem ber"};
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *members = mrq_dict_new();
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
    assert_heard("GET key\n");
    assert_int_equal(get(cache, &tally, 5), MRQ_CACHE_HIT);
    assert_heard("GET key\nZINCRBY hot 1 mem ber\nEXPIRE hot 2592000\nZREMRANGEBYRANK hot 0 -20001\n");
    for (int i = 1; i < MRQ_CACHE_TALLY_EACH; i++) {
        assert_int_equal(get(cache, &tally, 5), MRQ_CACHE_HIT);
        assert_heard("GET key\nZINCRBY hot 1 mem ber\n");
    }
    assert_int_equal(get(cache, &tally, 5), MRQ_CACHE_HIT);
    assert_heard("GET key\nZINCRBY hot 1 mem ber\nEXPIRE hot 2592000\nZREMRANGEBYRANK hot 0 -20001\n");
    assert_int_equal(mrq_cache_set(cache, "a key", "some value", 10), MRQ_CACHE_MISS);
    assert_heard("SET a key some value EX 60\n");
    assert_int_equal(mrq_cache_add(cache, "hot", addends, 2), MRQ_CACHE_MISS);
    assert_heard("ZINCRBY hot 1 one\nZINCRBY hot 18446744073709551615 \nEXPIRE hot 2592000\nZREMRANGEBYRANK hot 0 -20001\n");
    assert_int_equal(mrq_cache_add(cache, "hot", NULL, 0), MRQ_CACHE_MISS);
    assert_heard("");
    assert_int_equal(mrq_cache_top(cache, "hot", 5, 2, members), MRQ_CACHE_HIT);
    assert_heard("ZREVRANGE hot 5 6\n");
    assert_int_equal(mrq_cache_top(cache, "hot", 5, 0, members), MRQ_CACHE_MISS);
    assert_heard("");
    assert_int_equal(mrq_dict_strings(members).n, 2);
    assert_int_equal(mrq_cache_top(cache, "hot", UINT32_MAX, UINT32_MAX, members), MRQ_CACHE_HIT);
    assert_heard("ZREVRANGE hot 4294967295 8589934589\n");
    assert_int_equal(mrq_cache_top(cache, "hot", 0, 1, members), MRQ_CACHE_DOWN); /* two are more than that */
    assert_non_null(strstr(mrq_cache_problem(cache), "an array of 2, want at most 1"));
    assert_heard("ZREVRANGE hot 0 0\n");
    now += 1;
    assert_int_equal(mrq_cache_age(cache, "hot"), MRQ_CACHE_MISS);
    assert_heard("ZREMRANGEBYRANK hot 0 -10001\nZUNIONSTORE hot 1 hot WEIGHTS 0.5\nZREMRANGEBYSCORE hot -inf 0.1\n"
                 "EXPIRE hot 2592000\n");
    mrq_cache_refuse(cache);
    const mrq_cache_counts counts = mrq_cache_counted(cache);
    assert_int_equal(counts.hits, MRQ_CACHE_TALLY_EACH + 1);
    assert_int_equal(counts.misses, 1);
    assert_int_equal(counts.errors, 1);
    assert_int_equal(server.connections, 2);
}

/* A round trip counts so many members at most. */
static void many_counts_go_in_batches(void **state)
{
    (void)state;
    static mrq_addend addends[513];
    static const uint32_t cases[][2] = {{255, 1}, {256, 1}, {257, 2}, {512, 2}, {513, 3}};
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
    for (int i = 0; i < 513; i++)
        addends[i] = (mrq_addend){"m", 1};
    for (int i = 0; i < 5; i++) {
        forget(1);
        assert_int_equal(mrq_cache_add(cache, "s", addends, cases[i][0]), MRQ_CACHE_MISS);
        pthread_mutex_lock(&server.lock);
        server.heard[server.size] = '\0';
        const uint32_t counts = count_text(server.heard, "ZINCRBY"), ends = count_text(server.heard, "EXPIRE");
        pthread_mutex_unlock(&server.lock);
        assert_int_equal(counts, cases[i][0]);
        assert_int_equal(ends, cases[i][1]);
    }
}

static void a_login_comes_first_and_once(void **state)
{
    (void)state;
    static const struct {
        const char *login, *path, *heard;
    } cases[] = {{"", "", ""},
                 {":pass@", "", "AUTH pass\n"},
                 {"ann:pass@", "/3", "AUTH ann pass\nSELECT 3\n"},
                 {"ann:@", "/0", "AUTH ann \n"},
                 {"", "/2147483647", "SELECT 2147483647\n"}};
    char address[200], heard[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(address, sizeof address, "redis://%stwo.test:%d%s", cases[i].login, server.port, cases[i].path);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
        if (get(cache, NULL, 5) != MRQ_CACHE_HIT)
            fail_msg("%s: %s", address, mrq_cache_problem(cache));
        snprintf(heard, sizeof heard, "%sGET key\n", cases[i].heard);
        assert_heard(heard);
        assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
        assert_heard("GET key\n");
        assert_false(mrq_cache_looks_up(cache));
    }
    snprintf(address, sizeof address, "redis://:pass@two.test:%d/3", server.port);
    static const char *const refusals[][2] = {{"-WRONGPASS no hush\r\n", "login refused (WRONGPASS)"},
                                              {"-ABCDEFGHIJKLMNOPQRSTUVW hush\r\n", "login refused (ABCDEFGHIJKLMNOPQRST)"},
                                              {":1\r\n", "login refused ()"},
                                              {"-err\r\n", "login refused ()"}};
    for (size_t i = 0; i < 4; i++) {
        server.login = refusals[i][0];
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
        assert_down(cache, refusals[i][1]);
        server.login = "+OK\r\n";
    }
    /* A node of a cluster is asked what it is when it comes back. */
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
    begin(NULL);
    server.get = "-MOVED 1 h:1\r\n";
    server.get_size = strlen(server.get);
    assert_down(cache, "a node of a Redis Cluster");
    assert_heard("AUTH pass\nSELECT 3\nGET key\n");
    server.get = "$5\r\nvalue\r\n";
    server.get_size = strlen(server.get);
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
    assert_heard("AUTH pass\nREADWRITE\nSELECT 3\nGET key\n");
}

/* What is read */

/* A value of 4 MiB, and a frame: more is not read. */
static void a_value_may_have_4_mebibytes(void **state)
{
    (void)state;
    enum { BUDGET = (4 << 20) + 1024 };
    MRQ_AUTOFREE char *reply = mrq_array(BUDGET + 100, 1);
    for (int more = -1; more < 2; more++) {
        const int frame = snprintf(reply, 40, "$%d\r\n", BUDGET - 12 + more), size = BUDGET - 12 + more;
        memset(reply + frame, 'x', (size_t)size);
        memcpy(reply + frame + size, "\r\n", 2);
        server.get = reply;
        server.get_size = (size_t)(frame + size + 2); /* the budget at 0 */
        assert_int_equal(server.get_size, BUDGET + more - (12 - frame - 2));
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
        if (server.get_size <= BUDGET)
            assert_int_equal(get(cache, NULL, (size_t)size), MRQ_CACHE_HIT);
        else
            assert_down(cache, "the reply is too large");
    }
    begin(NULL);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
    assert_int_equal(mrq_cache_set(cache, "key", reply, MRQ_CACHE_VALUE_MAX + 1), MRQ_CACHE_DOWN);
    assert_non_null(strstr(mrq_cache_problem(cache), "the value is too large for the cache"));
    assert_int_equal(mrq_cache_counted(cache).errors, 1);
    assert_heard(""); /* not even asked */
}

/* Replies of each kind, taken or refused by name. */
static void each_kind_of_reply_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *problem; /* NULL: a miss */
    } cases[] = {{"$-1\r\n", NULL},
                 {"-WRONGTYPE of key\r\n", NULL},
                 {"-WRONGTYPE\r\n", "Redis at unix:"},
                 {"-ERR x\r\n", ": ERR x"},
                 {":1\r\n", "the server answered with an integer"},
                 {"+OK\r\n", "the server answered with a status"},
                 {"*1\r\n$1\r\na\r\n", "the server answered with an array"},
                 {"x\r\n", "not the Redis protocol: a reply that begins with byte 0x78"},
                 {"_\r\n", "byte 0x5f"},
                 {"$x\r\n", "not the Redis protocol: "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        server.get = cases[i].reply;
        server.get_size = strlen(server.get);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
        if (cases[i].problem) {
            assert_down(cache, cases[i].problem);
            assert_non_null(strstr(mrq_cache_problem(cache), server.address));
            assert_int_equal(mrq_cache_counted(cache).errors, 1);
            assert_int_equal(mrq_cache_counted(cache).misses, 0);
        } else {
            assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_MISS);
            assert_int_equal(mrq_cache_counted(cache).misses, 1);
            assert_int_equal(mrq_cache_counted(cache).errors, 0);
        }
    }
    static const char *const arrays[] = {"*0\r\n", "*1\r\n$1\r\na\r\n",
                                         "*x\r\n"}; /* where none is wanted, its length is not read */
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        server.get = arrays[i];
        server.get_size = strlen(server.get);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
        assert_down(cache, "the server answered with an array");
        assert_null(strstr(mrq_cache_problem(cache), "array of"));
    }
    server.get = "\0\r\n";
    server.get_size = 3;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
    assert_down(cache, "byte 0x00");
}

/* System calls that fail */

static void a_call_that_fails_is_told_and_leaves_nothing_open(void **state)
{
    (void)state;
    static const struct {
        call call;
        int code;
        bool tcp;
        const char *problem; /* NULL: it is called again, or nobody minds */
    } cases[] = {{SOCKET, EMFILE, false, ": Too many open files"},
                 {SOCKET, EMFILE, true, NULL}, /* the next address does */
                 {CONNECT, ECONNREFUSED, false, ": Connection refused"},
                 {CONNECT, EACCES, false, ": Permission denied"},
                 {PPOLL, EINTR, false, NULL},
                 {PPOLL, ENOMEM, false, ": Cannot allocate memory"},
                 {SEND, EINTR, false, NULL},
                 {SEND, EAGAIN, false, NULL},
                 {SEND, EPIPE, false, ": Broken pipe"},
                 {RECV, EINTR, false, NULL},
                 {RECV, EAGAIN, false, NULL},
                 {RECV, ECONNRESET, false, ": Connection reset by peer"},
                 {REALLOC, ENOMEM, false, "out of memory while writing a command"},
                 {THREAD, EAGAIN, true, "out of memory while looking up a host"}};
    char tcp[100];
    snprintf(tcp, sizeof tcp, "two.test:%d", server.port);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int before = descriptors_of_process();
        mrq_cache *cache = cache_at(cases[i].tcp ? tcp : server.address);
        fail_next(cases[i].call, cases[i].code);
        if (cases[i].problem) {
            assert_down(cache, cases[i].problem);
            assert_int_equal(mrq_cache_counted(cache).errors, 1);
        } else if (cases[i].call == SOCKET) {
            get(cache, NULL, 5); /* nobody listens at the second */
            now += 60;
        } else {
            assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
        }
        if (left[cases[i].call])
            fail_msg("case %zu: not called", i);
        if (get(cache, NULL, 5) != MRQ_CACHE_HIT) /* it goes on */
            fail_msg("case %zu: %s", i, mrq_cache_problem(cache));
        mrq_cache_free(cache);
        for (int ms = 0; descriptors_of_process() > before && ms < 2000; ms++)
            usleep(1000); /* the server closes its end when it sees it */
        assert_int_equal(descriptors_of_process(), before);
    }
    at_once = 1; /* a byte at a time */
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
    begin(NULL);
    at_once = 1;
    assert_int_equal(mrq_cache_set(cache, "key", "value", 5), MRQ_CACHE_MISS);
    assert_heard("SET key value EX 60\n");
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    const int before = descriptors_of_process();
    mrq_cache *none = NULL;
    atomic_store(&allocations_left, 0);
    const mrq_status status = mrq_cache_new(server.address, 60, &none, &err);
    atomic_store(&allocations_left, INT_MAX);
    assert_true(status == MRQ_FAILED && !none && strstr(err.msg, "out of memory while setting up the cache"));
    assert_fails(mrq_cache_new(server.address, 0, &none, &err), MRQ_USAGE, "Redis: a time to live of 0 seconds, want 1 or more");
    for (int what = 0; what < 2; what++) {
        mrq_cache_state got = MRQ_CACHE_DOWN;
        int n = 0;
        for (; got != MRQ_CACHE_HIT; n++) {
            mrq_cache *cache = cache_at(server.address);
            mrq_dict *members = mrq_dict_new();
            void *value = NULL;
            size_t size;
            atomic_store(&allocations_left, n);
            got = what ? mrq_cache_top(cache, "s", 0, 9, members) : mrq_cache_get(cache, "key", NULL, &value, &size);
            atomic_store(&allocations_left, INT_MAX);
            if (got != MRQ_CACHE_HIT) {
                assert_int_equal(got, MRQ_CACHE_DOWN);
                assert_non_null(strstr(mrq_cache_problem(cache), ": out of memory while "));
                assert_int_equal(mrq_cache_counted(cache).errors, 1);
            }
            mrq_free(value);
            mrq_dict_free(members);
            mrq_cache_free(cache);
        }
        assert_int_equal(n, what ? 6 : 3);
    }
    for (int ms = 0; descriptors_of_process() > before && ms < 2000; ms++)
        usleep(1000);
    assert_int_equal(descriptors_of_process(), before);
}

/* Time */

/* Of two addresses that never answer the first gets half of the time, the other the rest; then all of it is over. */
static void connecting_takes_its_forty_milliseconds(void **state)
{
    (void)state;
    char tcp[100];
    snprintf(tcp, sizeof tcp, "two.test:%d", server.port);
    mrq_cache *cache = cache_at(tcp);
    nobody_answers = true;
    waits = 0;
    const double began = now;
    void *value = NULL;
    size_t size;
    assert_int_equal(mrq_cache_get(cache, "key", NULL, &value, &size), MRQ_CACHE_DOWN);
    assert_non_null(strstr(mrq_cache_problem(cache), "timed out"));
    assert_int_equal(waits, 2);
    assert_true(fabs(waited[0] - 0.02) < 1e-6 && fabs(waited[1] - 0.02) < 1e-6);
    assert_true(fabs(now - began - 0.04) < 1e-6);
    mrq_cache_free(cache);

    cache = cache_at(server.address);
    nobody_answers = false;
    begin(NULL);
    waits = 0;
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
    for (int i = 0; i < waits; i++)
        assert_true(fabs(waited[i] - 0.04) < 1e-6); /* for a command */
    undelayed = 0;
    mrq_cache_free(cache);
    cache = cache_at(tcp);
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
    assert_int_equal(undelayed, 1);
    peeks = 0;
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
    assert_int_equal(peeks, 1); /* whether it has said something meanwhile */
    mrq_cache_free(cache);
    snprintf(tcp, sizeof tcp, "127.0.0.1:%d", server.port);
    cache = cache_at(tcp);
    fail_next(THREAD, EAGAIN);
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
    assert_int_equal(left[THREAD], 1); /* a number needs no thread that looks it up */
    left[THREAD] = 0;
    mrq_cache_free(cache);
    cache = cache_at("none.test:1");
    assert_down(cache, "Redis at none.test:1: Name or service not known");
    mrq_cache_free(cache);
}

/* 50 ms, and then twice as long each time, up to five seconds; a success ends that. */
static void pauses_double(void **state)
{
    (void)state;
    static const double pauses[] = {0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 0.05};
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(server.address);
    void *value = NULL;
    size_t size;
    for (int i = 0; i < 10; i++) {
        if (i == 9) {
            assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
            mrq_cache_free(cache);
            cache = cache_at(server.address);
        }
        fail_next(SOCKET, EMFILE);
        assert_int_equal(mrq_cache_get(cache, "key", NULL, &value, &size), MRQ_CACHE_DOWN);
        assert_int_equal(left[SOCKET], 0);
        fail_next(SOCKET, EMFILE);
        now += pauses[i] - 1e-4;
        assert_int_equal(mrq_cache_get(cache, "key", NULL, &value, &size), MRQ_CACHE_DOWN);
        assert_int_equal(left[SOCKET], 1); /* not even tried */
        left[SOCKET] = 0;
        now += 2e-4;
    }
    assert_int_equal(mrq_cache_counted(cache).errors, 2);
    fail_next(RECV, ECONNRESET); /* a wire that was good and breaks: the first pause again */
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_DOWN);
    now += 0.06;
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_DOWN);
    now += 0.06;
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
    fail_next(RECV, ECONNRESET);
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_DOWN);
    now += 0.051;
    assert_int_equal(get(cache, NULL, 5), MRQ_CACHE_HIT);
}

/* Addresses at their limits; what is refused fills nothing. */
static void an_address_keeps_to_its_limits(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        size_t n; /* letters between the two */
        const char *behind, *says;
    } cases[] = {{"unix:/", 106, "", NULL},
                 {"unix:/", 107, "", "a path of 108 bytes, want 1 to 107"},
                 {"redis://", 255, ":p@h", NULL},
                 {"redis://", 256, ":p@h", "the user or password is too long"},
                 {"redis://:", 511, "@h", NULL},
                 {"redis://:", 512, "@h", "the user or password is too long"},
                 {"redis://u:%4", 1, "@h", NULL},
                 {"redis://u:%", 1, "@h", "must be followed by two hexadecimal digits"},
                 {"redis://u:%0x", 1, "@h", "must be followed by two hexadecimal digits"},
                 {"redis://u:%x0", 1, "@h", "must be followed by two hexadecimal digits"},
                 {"redis://u:%00", 1, "@h", "must not contain a NUL byte"},
                 {"redis://u:", 1, "%00@h", "must not contain a NUL byte"},
                 {"redis://", 1, "@h", "a user needs a password"},
                 {"redis://h/2147483647", 0, "", NULL},
                 {"redis://h/2147483648", 0, "", "want a database number, 0 or more, after the last slash"},
                 {"redis://h/-1", 0, "", "want a database number"},
                 {"redis://h/", 0, "", NULL},
                 {"http://h", 0, "", "Redis address: want unix:/path"},
                 {"", 255, ":1", NULL},
                 {"", 256, ":1", "want unix:/path"}};
    char text[700];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mrq_address address = {.database = 77};
        const size_t n = (size_t)snprintf(text, sizeof text, "%s", cases[i].before);
        memset(text + n, 'e', cases[i].n);
        snprintf(text + n + cases[i].n, sizeof text - n - cases[i].n, "%s", cases[i].behind);
        if (cases[i].says) {
            assert_fails(mrq_address_parse(text, &address, &err), MRQ_USAGE, cases[i].says);
            assert_int_equal(address.database, 77);
        } else {
            assert_ok(mrq_address_parse(text, &address, &err));
        }
    }
    mrq_address address;
    assert_ok(mrq_address_parse("redis://%41%5a%61%7A:%fF%01@h", &address, &err));
    assert_string_equal(address.user, "AZaz");
    assert_string_equal(address.password, "\xff\x01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(redis_is_sent_these_commands, begin),
        cmocka_unit_test_setup(many_counts_go_in_batches, begin),
        cmocka_unit_test_setup(a_login_comes_first_and_once, begin),
        cmocka_unit_test_setup(a_value_may_have_4_mebibytes, begin),
        cmocka_unit_test_setup(each_kind_of_reply_is_told, begin),
        cmocka_unit_test_setup(a_call_that_fails_is_told_and_leaves_nothing_open, begin),
        cmocka_unit_test_setup(memory_that_runs_out_is_told, begin),
        cmocka_unit_test_setup(connecting_takes_its_forty_milliseconds, begin),
        cmocka_unit_test_setup(pauses_double, begin),
        cmocka_unit_test_setup(an_address_keeps_to_its_limits, begin),
    };
    folder = temporary_folder();
    start();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
