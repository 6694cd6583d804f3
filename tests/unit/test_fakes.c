/* The cache against servers that misbehave in every way we could think of. */
#include "unit/cache_checks.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "cache/wire.h"
#include "unit/slow_names.h"

/* One of them, a child process. */
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
        {answers, "-MOVED 3999 127.0.0.1:6381\r\n", "a node of a Redis Cluster"},
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
        {answers_once, "*11111111111111111111111", MRQ_CACHE_DOWN, "an array without a length"}, /* 24 bytes */
        {answers_once, "*1111111111111111111111", MRQ_CACHE_DOWN, "timed out"},
        {answers, "*-9223372036854775808\r\n", MRQ_CACHE_DOWN, "an array of -9223372036854775808, want at most 10"},
        {answers, "*-9223372036854775809\r\n", MRQ_CACHE_DOWN, "an array without a length"},
        {answers, "*9223372036854775807\r\n", MRQ_CACHE_DOWN, "an array of 9223372036854775807, want at most 10"},
        {answers, "*9223372036854775808\r\n", MRQ_CACHE_DOWN, "an array without a length"},
        {answers_once, "*", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*1", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*1\r", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*2\r\n$1\r\nm\r\n", MRQ_CACHE_DOWN, "timed out"},
        {answers_once, "*2\r\n$1\r\nm\r\n$3\r\nab", MRQ_CACHE_DOWN, "timed out"},
        {answers_and_hangs_up, "*2\r\n$1\r\nm\r\n", MRQ_CACHE_DOWN, "closed the connection"},
        {answers, "*1\r\n*1\r\n$1\r\nm\r\n", MRQ_CACHE_DOWN, "an array"},
        {answers, "*2\r\n$1\r\nm\r\n*0\r\n", MRQ_CACHE_DOWN, "an array"},
        {answers, "*1\r\n:5\r\n", MRQ_CACHE_DOWN, "members that are not strings"},
        {answers, "*1\r\n$-1\r\n", MRQ_CACHE_DOWN, "members that are not strings"},
        {answers, "*1\r\n-ERR\r\n", MRQ_CACHE_DOWN, "members that are not strings"},
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

/* The time that the cache sees, so that no test has to wait for a pause to end. */
static double frozen; /* 0: it goes on */
double __real_mrq_clock(void);
double __wrap_mrq_clock(void);

double __wrap_mrq_clock(void)
{
    return frozen > 0 ? frozen : __real_mrq_clock();
}

static int thaw(void **state)
{
    frozen = 0;
    return begin(state);
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
    frozen = mrq_clock() + 6; /* past the pause that has begun, and nothing times out */
    hits(cache, "key", "there");
    assert_int_equal(*connections, 1 + retries);
    fake_stop(&f);
}

/* However long a server was away, it is asked again within five seconds. */
static void pauses_grow_to_five_seconds(void **state)
{
    (void)state;
    char address[300];
    snprintf(address, sizeof address, "unix:%s/away", folder);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
    for (frozen = 1; frozen < 30e6; frozen += 1e6)
        is_down(cache, "key", "No such file");
    const double last = frozen;
    is_down(cache, "key", "No such file");
    answer = "$5\r\nthere\r\n";
    fake f = fake_start("away", answers);
    frozen = last + 4.99;
    is_down(cache, "key", "No such file");
    assert_int_equal(*connections, 0);
    frozen = last + 5.01;
    hits(cache, "key", "there");
    fake_stop(&f);
}

/* Reads until the bytes hold the text. */
static void hear_of(int client, const char *text)
{
    char bytes[4096] = "";
    size_t size = 0;
    for (ssize_t n = 1; n > 0 && size + 1 < sizeof bytes && !memmem(bytes, size, text, strlen(text)); size += (size_t)n)
        n = read(client, bytes + size, sizeof bytes - 1 - size);
}

/* A node of a cluster twice, and then none any more. */
static void leaves_its_cluster(int client, int number)
{
    hear_of(client, number == 2 ? "READWRITE" : "GET");
    say(client, number == 1   ? "-MOVED 866 127.0.0.1:7001\r\n"
                : number == 2 ? "+OK\r\n"
                              : "-ERR This instance has cluster support disabled\r\n$5\r\nthere\r\n");
    hang(client);
}

/* It would take the keys of its own slots: once known for what it is, it is asked that first. */
static void a_node_of_a_cluster_is_known_again(void **state)
{
    (void)state;
    static const char sentence[] = "a node of a Redis Cluster, which is not supported";
    fake f = fake_start("fake", leaves_its_cluster);
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(f.address);
    is_down(cache, "key", sentence);
    is_down(cache, "key", sentence); /* not asked */
    assert_int_equal(*connections, 1);
    wait_ms(60);
    is_down(cache, "key", sentence);
    assert_int_equal(*connections, 2);
    wait_ms(120);
    hits(cache, "key", "there");
    fake_stop(&f);
}

/* Each in one sentence, with the server's name and without the command that it refused. */
static void the_wrong_kind_of_server_is_told_by_name(void **state)
{
    (void)state;
    static const char cluster[] = "a node of a Redis Cluster", replica[] = "a read-only replica", database[] = "/3";
    static const struct {
        const char *answer, *sentence, *path;
    } cases[] = {
        {"-MOVED 3999 127.0.0.1:6381\r\n", cluster, ""},
        {"-ASK 3999 127.0.0.1:6381\r\n", cluster, ""},
        {"-CROSSSLOT Keys in request don't hash to the same slot\r\n", cluster, ""},
        {"-CLUSTERDOWN Hash slot not served\r\n", cluster, ""},
        {"-TRYAGAIN Multiple keys request during rehashing of slot\r\n", cluster, ""},
        {"-ERR SELECT is not allowed in cluster mode\r\n", cluster, database},
        {"-READONLY You can't write against a read only replica.\r\n", replica, ""},
        {"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n", replica, ""},
        {"-MOVEDX\r\n", ": MOVEDX", ""},
        {"-ERR MOVED \r\n", ": ERR MOVED", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        answer = cases[i].answer;
        fake f = fake_start(NULL, answers);
        char address[300];
        snprintf(address, sizeof address, "redis://127.0.0.1:%d%s", f.port, cases[i].path);
        MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at(address);
        is_down(cache, "key", cases[i].sentence);
        assert_non_null(strstr(mrq_cache_problem(cache), f.address));
        set_fails(cache, "key", "value", "");
        top_is(cache, "hot", 0, 10, MRQ_CACHE_DOWN, "");
        fake_stop(&f);
    }
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

/* Names */

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
    wait_ms(600);
    hits(slow, "key", "there");
    fake_stop(&f);
}

/* Whoever frees a cache may unload its code. */
static void a_freed_cache_leaves_no_thread(void **state)
{
    (void)state;
    const int threads = threads_of_process();
    mrq_cache *cache = cache_at("slow.test:1");
    is_down(cache, "key", "");
    mrq_cache_free(cache);
    assert_int_equal(names_under_way, 0);
    assert_threads(threads);
}

/* As long as a look-up takes, so long may freeing take. */
static void a_name_server_gets_two_seconds(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = cache_at("quick.test:1");
    is_down(cache, "key", "");
    assert_in_range(names_patience, 1, 2);
    assert_int_equal(res_init(), 0);
    assert_true(_res.retrans * _res.retry > 2 || getenv("RES_OPTIONS")); /* this thread's resolver is as it was */
}

int main(void)
{
    fill_many();
    folder = temporary_folder();
    connections = mmap(NULL, sizeof *connections, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test_setup_teardown(backs_off, begin, thaw),
        cmocka_unit_test_setup_teardown(pauses_grow_to_five_seconds, begin, thaw),
        cmocka_unit_test_setup(a_node_of_a_cluster_is_known_again, begin),
        cmocka_unit_test_setup(the_wrong_kind_of_server_is_told_by_name, begin),
        cmocka_unit_test_setup(an_echoed_password_is_not_told, begin),
        cmocka_unit_test_setup(a_slow_name_is_waited_for_later, begin), /* these last: they start threads, and the others fork */
        cmocka_unit_test_setup(a_freed_cache_leaves_no_thread, begin),
        cmocka_unit_test_setup(a_name_server_gets_two_seconds, begin),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
