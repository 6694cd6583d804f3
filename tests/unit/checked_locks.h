/* Locks that are watched: whoever lets go of one that it does not hold, or ends the program with one held, is stopped. A lock that
 * is never taken is hard to see by its harm. Programs that include this are linked with --wrap for both functions
 * (tests/meson.build). */
#ifndef MRQ_TESTS_CHECKED_LOCKS_H
#define MRQ_TESTS_CHECKED_LOCKS_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

/* Of this thread, in the order of taking. */
static _Thread_local const pthread_mutex_t *locks_held[8];
static _Thread_local unsigned n_locks_held;

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    const int code = __real_pthread_mutex_lock(mutex);
    if (n_locks_held == sizeof locks_held / sizeof *locks_held)
        abort();
    locks_held[n_locks_held++] = mutex;
    return code;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    unsigned i = n_locks_held;
    while (i > 0 && locks_held[i - 1] != mutex)
        i--;
    if (!i) {
        fprintf(stderr, "a lock is let go that was not taken\n");
        abort();
    }
    n_locks_held--;
    for (i--; i < n_locks_held; i++)
        locks_held[i] = locks_held[i + 1];
    return __real_pthread_mutex_unlock(mutex);
}

__attribute__((destructor)) static void no_lock_is_held(void)
{
    if (!n_locks_held)
        return;
    fprintf(stderr, "a lock is still held\n");
    abort();
}

#endif
