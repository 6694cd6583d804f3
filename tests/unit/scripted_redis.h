/* A server on a unix socket that says what it is told to, whatever it is asked: for replies that no Redis would give. */
#ifndef MRQ_TESTS_SCRIPTED_REDIS_H
#define MRQ_TESTS_SCRIPTED_REDIS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
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
    bool hangs_up; /* once it has said it */
    sem_t done;    /* connections that have ended */
} scripted_redis;

/* Waits for what it is asked, and says it. False when the client has hung up. */
static inline bool scripted_redis_answer(scripted_redis *server, int fd)
{
    char asked[65536];
    if (recv(fd, asked, sizeof asked, 0) <= 0)
        return false;
    const char *reply = server->first ? server->first : server->reply;
    size_t left = server->first ? server->first_size : server->size;
    server->first = NULL;
    for (ssize_t n; left && (n = send(fd, reply, left, MSG_NOSIGNAL)) > 0; left -= (size_t)n)
        reply += n;
    if (server->hangs_up)
        shutdown(fd, SHUT_WR);
    while (server->hangs_up && recv(fd, asked, sizeof asked, 0) > 0)
        ;
    return !server->hangs_up;
}

/* One connection after the other. */
static inline void *scripted_redis_serve(void *context)
{
    scripted_redis *server = context;
    for (int fd; (fd = accept(server->listener, NULL, NULL)) >= 0; close(fd), sem_post(&server->done))
        while (scripted_redis_answer(server, fd))
            ;
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
    if (sem_init(&server->done, 0, 0) != 0 || server->listener < 0 ||
        bind(server->listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(server->listener, 8) != 0 ||
        pthread_create(&thread, NULL, scripted_redis_serve, server) != 0) {
        perror(server->path);
        exit(1);
    }
    pthread_detach(thread);
}

#endif
