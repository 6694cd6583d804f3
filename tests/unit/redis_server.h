/* A private redis-server on a unix socket in a folder of the test's, for tests that need a real one. */
#ifndef MRQ_TESTS_REDIS_SERVER_H
#define MRQ_TESTS_REDIS_SERVER_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cache/cache.h"
#include "cache/wire.h"
#include "unit/testing.h"

typedef struct redis_server {
    pid_t pid;
    char path[108]; /* of the socket */
} redis_server;

static inline bool redis_installed(void)
{
    return system("command -v redis-server >/dev/null 2>&1") == 0;
}

/* Whether the server at `path` answers PING; one that wants a password says so, which will do. */
static inline bool redis_answers(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path); /* as long as server.path at most */
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char reply[8] = "";
    const bool ok = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 && write(fd, "PING\r\n", 6) == 6 &&
                    read(fd, reply, sizeof reply - 1) > 0 && (strncmp(reply, "+PONG", 5) == 0 || strncmp(reply, "-NOAUTH", 7) == 0);
    close(fd);
    return ok;
}

/* Starts a server whose socket is FOLDER/NAME, and with a port of 127.0.0.1 unless that is 0, and waits until it answers.
 * `password` may be NULL. Exits with a message if it does not start. */
static inline redis_server redis_start(const char *folder, const char *name, int port, const char *password)
{
    redis_server server = {0};
    if ((size_t)snprintf(server.path, sizeof server.path, "%s/%s", folder, name) >= sizeof server.path) {
        fprintf(stderr, "%s/%s is too long for a socket\n", folder, name);
        exit(1);
    }
    char port_text[16];
    snprintf(port_text, sizeof port_text, "%d", port);
    server.pid = fork();
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves no server behind */
        if (!freopen("/dev/null", "w", stdout))
            _exit(126);
        execlp("redis-server", "redis-server", "--port", port_text, "--bind", "127.0.0.1", "--unixsocket", server.path, "--save",
               "", "--appendonly", "no", "--daemonize", "no", "--dir", folder, password ? "--requirepass" : (char *)NULL, password,
               (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000; i++) {
        if (redis_answers(server.path))
            return server;
        if (waitpid(server.pid, NULL, WNOHANG) == server.pid)
            break;
        usleep(10000);
    }
    fprintf(stderr, "redis-server did not start on %s\n", server.path);
    exit(1);
}

static inline void redis_stop(redis_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    unlink(server->path);
    server->pid = 0;
}

/* One command past the cache, in hiredis's format, after AUTH if there is a password; the caller frees the reply. An array may have
 * up to 100,000 elements. */
static inline redisReply *redis_raw(const redis_server *server, const char *password, const char *format, ...)
{
    mrq_error err;
    mrq_address address = {.local = true};
    snprintf(address.place, sizeof address.place, "%s", server->path);
    mrq_wire *wire = NULL;
    mrq_lookup *lookup = NULL;
    const double deadline = mrq_clock() + 5;
    size_t budget = 1 << 24;
    assert_ok(mrq_wire_open(&address, &lookup, deadline, &wire, &err));
    char *command = NULL;
    redisReply *reply = NULL;
    if (password) {
        const int login = redisFormatCommand(&command, "AUTH %s", password);
        assert_ok(mrq_wire_send(wire, command, (size_t)login, deadline, &err));
        assert_ok(mrq_wire_receive(wire, deadline, &budget, 0, &reply, &err));
        assert_int_equal(reply->type, REDIS_REPLY_STATUS);
        freeReplyObject(reply);
        redisFreeCommand(command);
    }
    va_list arguments;
    va_start(arguments, format);
    const int size = redisvFormatCommand(&command, format, arguments);
    va_end(arguments);
    assert_ok(mrq_wire_send(wire, command, (size_t)size, deadline, &err));
    assert_ok(mrq_wire_receive(wire, deadline, &budget, 100000, &reply, &err));
    redisFreeCommand(command);
    mrq_wire_close(wire);
    return reply;
}

/* The same for a command that answers with a whole number, or with a text that is a number. */
#define redis_number(server, ...) redis_take_number(redis_raw(server, NULL, __VA_ARGS__))
static inline double redis_take_number(redisReply *reply)
{
    const double number = reply->type == REDIS_REPLY_INTEGER  ? (double)reply->integer
                          : reply->type == REDIS_REPLY_STRING ? strtod(reply->str, NULL)
                                                              : -1;
    freeReplyObject(reply);
    return number;
}

/* The same without a port or a password, and zeroed where redis-server is not installed, for need_redis(). */
static inline redis_server redis_try(const char *folder)
{
    return redis_installed() ? redis_start(folder, "redis", 0, NULL) : (redis_server){0};
}

/* Skips the running test when the server could not be started. */
static inline void need_redis(const redis_server *server)
{
    if (!server->pid)
        skip_test("redis-server is not installed");
}

/* The server's address. */
static inline const char *redis_address(const redis_server *server)
{
    static char address[sizeof server->path + 5];
    snprintf(address, sizeof address, "unix:%s", server->path);
    return address;
}

/* A cache at the server; without one the running test is skipped. */
static inline mrq_cache *redis_cache(const redis_server *server)
{
    mrq_error err;
    mrq_cache *cache = NULL;
    need_redis(server);
    assert_ok(mrq_cache_new(redis_address(server), 60, &cache, &err));
    return cache;
}

#endif
