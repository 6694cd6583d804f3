/* A server on a unix socket that says what it is told to, whatever it is asked: for replies that no Redis would give. */
#ifndef MRQ_TESTS_SCRIPTED_REDIS_H
#define MRQ_TESTS_SCRIPTED_REDIS_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct scripted_redis {
    int listener;
    char path[108], address[120]; /* of the socket; "unix:" and that */
    const void *first, *reply;    /* what it says at first, unless that is NULL, and then always; changed between questions only */
    size_t first_size, size;
} scripted_redis;

/* One connection: a question is waited for, answered, and no other; then until the client has had enough. */
static inline void *scripted_redis_serve(void *context)
{
    scripted_redis *server = context;
    char asked[65536];
    for (int fd; (fd = accept(server->listener, NULL, NULL)) >= 0; close(fd)) {
        if (recv(fd, asked, sizeof asked, 0) <= 0)
            continue;
        const char *reply = server->first ? server->first : server->reply;
        size_t left = server->first ? server->first_size : server->size;
        server->first = NULL;
        for (ssize_t n; left && (n = send(fd, reply, left, MSG_NOSIGNAL)) > 0; left -= (size_t)n)
            reply += n;
        shutdown(fd, SHUT_WR);
        while (recv(fd, asked, sizeof asked, 0) > 0)
            ;
    }
    return NULL;
}

/* Listens in the folder until the process ends. */
static inline void scripted_redis_start(scripted_redis *server, const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;
    static int n;
    snprintf(server->path, sizeof server->path, "%.80s/scripted%d", folder, n++);
    snprintf(server->address, sizeof server->address, "unix:%s", server->path);
    memcpy(address.sun_path, server->path, sizeof address.sun_path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listener < 0 || bind(server->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listener, 8) != 0 || pthread_create(&thread, NULL, scripted_redis_serve, server) != 0) {
        perror(server->path);
        exit(1);
    }
    pthread_detach(thread);
}

#endif
