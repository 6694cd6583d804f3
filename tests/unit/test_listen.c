/* Sockets that listen and the access log, as a person sees them from outside: rights, flags, limits, whole lines. */
#include "unit/checked_locks.h"
#include "unit/testing.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "http/access.h"
#include "http/listen.h"
#include "http/systemd.h"

static mrq_error err;
static char folder[200];

static int (*real_getaddrinfo(void))(const char *, const char *, const struct addrinfo *, struct addrinfo **)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real;
}

/* N.test has N addresses, from 127.0.0.1 on, both.test has that and ::1, all.test all of
 * either kind; error.test is unknown in a way of its own. */
static int lookup_error;
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **out)
{
    if (strcmp(host, "error.test") == 0)
        return lookup_error;
    if (!strstr(host, ".test"))
        return real_getaddrinfo()(host, port, hints, out);
    struct addrinfo **end = out;
    if (*host == 'b' || *host == 'a') {
        assert_int_equal(real_getaddrinfo()(*host == 'b' ? "127.0.0.1" : "0.0.0.0", port, hints, out), 0);
        return real_getaddrinfo()(*host == 'b' ? "::1" : "::", port, hints, &(*out)->ai_next);
    }
    for (int i = 1; i <= *host - '0'; i++, end = &(*end)->ai_next) {
        char address[20];
        snprintf(address, sizeof address, "127.0.0.%d", i);
        assert_int_equal(real_getaddrinfo()(address, port, hints, end), 0);
    }
    return 0;
}

static int flag_of(int fd, int level, int option)
{
    int value = -1;
    assert_int_equal(getsockopt(fd, level, option, &value, &(socklen_t){sizeof value}), 0);
    return value;
}

static int try_connect(const mrq_listener *listener)
{
    struct sockaddr_storage to = {0};
    socklen_t size = sizeof to;
    assert_int_equal(getsockname(listener->socket[0], (struct sockaddr *)&to, &size), 0);
    const int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int code = connect(fd, (struct sockaddr *)&to, size) == 0 ? 0 : errno;
    close(fd);
    return code;
}

static void sockets_have_the_flags_that_threads_and_children_need(void **state)
{
    static const char *const where[] = {"127.0.0.1:0", "localhost:0", "unix"};
    (void)state;
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) {
        char address[300];
        mrq_listener a;
        struct stat st;
        const int before = descriptors_of_process();
        snprintf(address, sizeof address, "unix:%s/flags", folder);
        assert_ok(mrq_listener_open(i < 2 ? where[i] : address, false, &a, &err));
        for (unsigned s = 0; s < a.n; s++) {
            assert_int_equal(fcntl(a.socket[s], F_GETFD), FD_CLOEXEC);
            assert_true(fcntl(a.socket[s], F_GETFL) & O_NONBLOCK);
            assert_int_equal(flag_of(a.socket[s], SOL_SOCKET, SO_ACCEPTCONN), 1);
            assert_int_equal(flag_of(a.socket[s], SOL_SOCKET, SO_REUSEADDR), i < 2);
        }
        if (i == 2) {
            assert_int_equal(lstat(a.path, &st), 0);
            assert_int_equal(st.st_mode & 0777, 0600);
            assert_true(a.device == st.st_dev && a.inode == st.st_ino);
        }
        assert_int_equal(try_connect(&a), 0);
        mrq_listener_shut(&a);
        assert_int_equal(try_connect(&a), ECONNREFUSED);
        mrq_listener_close(&a);
        assert_int_equal(*a.path, '\0');
        assert_int_equal(descriptors_of_process(), before);
    }
}

static void a_socket_of_anothers_is_taken_as_it_is(void **state)
{
    mrq_listener a, b;
    (void)state;
    assert_ok(mrq_listener_open("127.0.0.1:0", false, &a, &err));
    const int before = descriptors_of_process();
    const int passed = dup(a.socket[0]);
    assert_int_equal(fcntl(passed, F_SETFL, 0), 0);
    assert_ok(mrq_listener_adopt(passed, false, &b, &err));
    assert_int_equal(fcntl(passed, F_GETFD), FD_CLOEXEC);
    assert_true(fcntl(passed, F_GETFL) & O_NONBLOCK);
    assert_string_equal(b.address[0], a.address[0]);
    mrq_listener_shut(&b); /* it is the other's too */
    assert_int_equal(try_connect(&b), 0);
    mrq_listener_close(&b);
    assert_int_equal(descriptors_of_process(), before);

    const int idle = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    int wrong[] = {idle, datagram, open("/dev/null", O_RDONLY), -1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char says[100];
        snprintf(says, sizeof says, "descriptor %d, which the service was started with, is not a listening stream socket",
                 wrong[i]);
        assert_fails(mrq_listener_adopt(wrong[i], true, &b, &err), MRQ_USAGE, says);
    }
    const int sequence = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof un.sun_path, "%.80s/sequence", folder);
    assert_int_equal(bind(sequence, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(sequence, 1), 0);
    assert_fails(mrq_listener_adopt(sequence, true, &b, &err), MRQ_USAGE, "is not a listening stream socket");
    assert_int_equal(descriptors_of_process(), before); /* each was closed */
    mrq_listener_close(&a);
}

static void a_name_may_have_eight_addresses(void **state)
{
    mrq_listener a;
    (void)state;
    const int before = descriptors_of_process();
    assert_ok(mrq_listener_open("8.test:0", false, &a, &err));
    assert_int_equal(a.n, 8);
    mrq_listener_close(&a);
    assert_fails(mrq_listener_open("9.test:0", false, &a, &err), MRQ_USAGE, "9.test:0 has more than 8 addresses");
    lookup_error = EAI_NONAME;
    assert_fails(mrq_listener_open("error.test:0", false, &a, &err), MRQ_USAGE, "\"error.test:0\": Name or service not known");
    lookup_error = EAI_MEMORY;
    assert_fails(mrq_listener_open("error.test:0", false, &a, &err), MRQ_FAILED, "\"error.test:0\": Memory allocation failure");
    lookup_error = EAI_SYSTEM;
    assert_fails(mrq_listener_open("error.test:0", false, &a, &err), MRQ_FAILED, "\"error.test:0\": System error");
    assert_int_equal(descriptors_of_process(), before);
}

/* "[::]" alone is every address, of IPv4 as well, where the machine has it so; beside one of IPv4 it is not. */
static void one_address_of_all_is_that_of_ipv4_too(void **state)
{
    mrq_listener a;
    (void)state;
    if (mrq_listener_open("[::]:0", true, &a, &err) != MRQ_OK)
        return; /* a machine without IPv6 */
    const int plain = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(flag_of(a.socket[0], IPPROTO_IPV6, IPV6_V6ONLY), flag_of(plain, IPPROTO_IPV6, IPV6_V6ONLY));
    close(plain);
    mrq_listener_close(&a);
    static const char *const both[] = {"both.test:0", "all.test:0"};
    for (int i = 0; i < 2; i++) { /* of "::" the system lets one choose, of "::1" not */
        assert_ok(mrq_listener_open(both[i], true, &a, &err));
        assert_int_equal(a.n, 2);
        assert_int_equal(flag_of(a.socket[1], IPPROTO_IPV6, IPV6_V6ONLY), 1);
        mrq_listener_close(&a);
    }
}

static void only_loopback_is_ours_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool alone;
    } cases[] = {{"127.0.0.0", true},
                 {"127.255.255.255", true},
                 {"126.255.255.255", false},
                 {"128.0.0.0", false},
                 {"0.0.0.0", false},
                 {"::1", true},
                 {"::2", false},
                 {"::", false},
                 {"::ffff:127.0.0.1", true},
                 {"::ffff:128.0.0.1", false},
                 {"::ffff:126.0.0.1", false},
                 {"::127.0.0.1", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        const bool six = strchr(cases[i].text, ':') != NULL;
        assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, cases[i].text, six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr),
                         1);
        if (mrq_is_loopback(six ? (struct sockaddr *)&in6 : (struct sockaddr *)&in) != cases[i].alone)
            fail_msg("%s", cases[i].text);
    }
    assert_true(mrq_is_loopback(&(struct sockaddr){.sa_family = AF_UNIX}));
    struct sockaddr_in6 odd = {.sin6_family = AF_PACKET, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    assert_false(mrq_is_loopback((struct sockaddr *)&odd));
}

/* Each field has its width; the whole line is as the header shows it, but for the time. */
static void a_line_of_the_log_holds_what_it_may(void **state)
{
    mrq_access *log = NULL;
    char path[300], big[3000], whole[1025], want[3000];
    struct stat st;
    size_t size;
    (void)state;
    snprintf(path, sizeof path, "%s/access", folder);
    const mode_t mask = umask(0);
    assert_ok(mrq_access_open(path, &log, &err));
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    mrq_access_add(log, "::1", "GET", "/!~ \x7f%", 200, 18446744073709551615u, 18446744073709551615u, "memory");
    mrq_access_add(log, big, big, big, 4294967295u, 0, 0, big);
    memset(whole, 'a', sizeof whole - 1);
    whole[sizeof whole - 1] = '\0';
    big[1023] = ' ';
    mrq_access_add(log, "::1", "G T", big, 1, 1, 1, "-");
    mrq_access_close(log);
    MRQ_AUTOFREE unsigned char *text = read_bytes(path, &size);
    static const char *const starts[] = {" ::1 GET /!~%20%7F% 200 18446744073709551615 18446744073709551615 memory", NULL, NULL};
    char *at = (char *)text;
    for (int i = 0; i < 3; i++) {
        char *end = strchr(at, '\n');
        assert_non_null(end);
        *end = '\0';
        if (i == 0)
            snprintf(want, sizeof want, "%s", starts[0]);
        else if (i == 1)
            snprintf(want, sizeof want, " %.60s %.20s %.1024s 4294967295 0 0 %.10s", whole, whole, whole, whole);
        else
            snprintf(want, sizeof want, " ::1 G%%20T %.1023s%%20 1 1 1 -", big);
        assert_string_equal(at + strlen("2026-01-31T02:00:00Z"), want);
        at = end + 1;
    }
    assert_int_equal(*at, '\0');
    mrq_access_close(NULL);
}

/* Nobody waits for the second to be over: what does not fit any more is written at once, and nothing twice. */
static void a_full_buffer_is_written_at_once(void **state)
{
    mrq_access *log = NULL;
    char path[300];
    struct stat st;
    size_t size;
    (void)state;
    snprintf(path, sizeof path, "%s/full", folder);
    assert_ok(mrq_access_open(path, &log, &err));
    const size_t line = strlen("2026-01-31T02:00:00Z local GET /0000 200 1 1 -\n"), fits = 65536 / line;
    for (size_t i = 0; i < 3 * fits; i++) {
        char shown[20];
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal((size_t)st.st_size, i ? (i - 1) / fits * fits * line : 0);
        snprintf(shown, sizeof shown, "/%04zu", i);
        mrq_access_add(log, "local", "GET", shown, 200, 1, 1, "-");
    }
    assert_int_equal(mrq_access_dropped(log), 0);
    mrq_access_close(log);
    MRQ_AUTOFREE unsigned char *text = read_bytes(path, &size);
    assert_int_equal(size, 3 * fits * line);
    for (size_t i = 0; i < 3 * fits; i++)
        assert_int_equal(strtoul((char *)text + i * line + strlen("2026-01-31T02:00:00Z local GET /"), NULL, 10), i);
}

/* "-" is standard output, which stays open afterwards. */
static void a_dash_is_standard_output(void **state)
{
    mrq_access *log = NULL;
    char path[300];
    size_t size;
    (void)state;
    snprintf(path, sizeof path, "%s/output", folder);
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO), file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    const mrq_status status = mrq_access_open("-", &log, &err);
    mrq_access_add(log, "local", "GET", "/", 200, 1, 1, "-");
    const mrq_status again = mrq_access_reopen(log, &err);
    mrq_access_close(log);
    const ssize_t written = write(STDOUT_FILENO, "open\n", 5);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    close(kept);
    close(file);
    assert_true(status == MRQ_OK && again == MRQ_OK && written == 5);
    MRQ_AUTOFREE unsigned char *text = read_bytes(path, &size);
    assert_string_equal(strchr((char *)text, ' '), " local GET / 200 1 1 -\nopen\n");
}

/* A datagram, to the name that is given, of any length that fits. */
static void systemd_is_told_at_any_name_that_fits(void **state)
{
    (void)state;
    char name[120] = "@", text[20];
    memset(name + 1, 'n', sizeof name - 1);
    const int before = descriptors_of_process();
    for (size_t size = 107; size <= 108; size++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        name[size] = '\0';
        memcpy(address.sun_path + 1, name + 1, size - 1);
        const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)), 0);
        setenv("NOTIFY_SOCKET", name, 1);
        mrq_systemd_notify("READY=1");
        const ssize_t n = recv(fd, text, sizeof text, MSG_DONTWAIT);
        assert_int_equal(n, size == 107 ? 7 : -1);
        close(fd);
        name[size] = 'n';
    }
    setenv("NOTIFY_SOCKET", "@", 1);
    mrq_systemd_notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(descriptors_of_process(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_have_the_flags_that_threads_and_children_need),
        cmocka_unit_test(a_socket_of_anothers_is_taken_as_it_is),
        cmocka_unit_test(a_name_may_have_eight_addresses),
        cmocka_unit_test(one_address_of_all_is_that_of_ipv4_too),
        cmocka_unit_test(only_loopback_is_ours_alone),
        cmocka_unit_test(a_line_of_the_log_holds_what_it_may),
        cmocka_unit_test(a_full_buffer_is_written_at_once),
        cmocka_unit_test(a_dash_is_standard_output),
        cmocka_unit_test(systemd_is_told_at_any_name_that_fits),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
