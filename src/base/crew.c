/* A share of work takes less than a millisecond, so a waiting thread spins before it sleeps; this is fastest when every thread has
 * a core. When other programs use the cores, a thread may not run for many milliseconds. Shares that it has not begun are then done
 * by the running threads, so they wait for it only if it was stopped in the middle of a share.
 *
 * `phase` counts the calls of mrq_crew_run(). A thread takes a share by moving the share's own count from the previous phase to
 * this one; a thread that slept through some phases cannot do that. A thread that took a share may read `work` and `context`, which
 * do not change until the share is done.
 *
 * Rejected: a barrier for all threads (on a busy machine each wait takes a time slice of another program, thousands of times);
 * yielding instead of sleeping (a thread that yields is not woken when its share is ready). */
#include "base/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/parallel.h"

enum { SPINS = 5000 }; /* about 100 us */

struct member {
    mrq_crew *crew;
    uint32_t number; /* number of the share that it takes first */
    pthread_t id;
};

struct count {
    atomic_uint value, asleep; /* `asleep`: number of threads that wait for `changed` */
    pthread_cond_t changed;
};

struct mrq_crew {
    uint32_t threads, started; /* including the caller's thread */
    void (*work)(void *context, uint32_t i);
    void *context;
    atomic_bool quit;
    struct count phase, done; /* `done`: finished shares of this phase */
    pthread_mutex_t lock;     /* used only for sleeping */
    atomic_uint taken[MRQ_THREADS_MAX];
    struct member member[MRQ_THREADS_MAX];
};

static void sleep_while(mrq_crew *c, struct count *count, unsigned value)
{
    pthread_mutex_lock(&c->lock);
    atomic_fetch_add(&count->asleep, 1); /* before the last check of the value: the thread that changes it checks `asleep`
                                            afterwards */
    while (atomic_load(&count->value) == value)
        pthread_cond_wait(&count->changed, &c->lock);
    atomic_fetch_sub(&count->asleep, 1);
    pthread_mutex_unlock(&c->lock);
}

/* Waits until the count differs from `value`; returns the new count. */
static unsigned wait_while(mrq_crew *c, struct count *count, unsigned value)
{
    for (int i = 0; i < SPINS && atomic_load(&count->value) == value; i++) {
#ifdef __x86_64__
        __builtin_ia32_pause();
#endif
    }
    if (atomic_load(&count->value) == value)
        sleep_while(c, count, value);
    return atomic_load(&count->value);
}

static unsigned add_one(mrq_crew *c, struct count *count)
{
    const unsigned now = atomic_fetch_add(&count->value, 1) + 1;
    if (atomic_load(&count->asleep)) {
        pthread_mutex_lock(&c->lock);
        pthread_cond_broadcast(&count->changed);
        pthread_mutex_unlock(&c->lock);
    }
    return now;
}

/* Does its own share, then all shares that no thread has taken. */
static void take_shares(mrq_crew *c, uint32_t number, unsigned phase)
{
    for (uint32_t i = 0; i < c->threads; i++) {
        const uint32_t share = (number + i) % c->threads;
        unsigned before = phase - 1;
        if (!atomic_compare_exchange_strong(&c->taken[share], &before, phase))
            continue;
        c->work(c->context, share);
        add_one(c, &c->done);
    }
}

static void *live(void *argument)
{
    const struct member *self = argument;
    mrq_crew *c = self->crew;
    for (unsigned phase = 0;;) {
        phase = wait_while(c, &c->phase, phase);
        if (atomic_load(&c->quit))
            return NULL;
        take_shares(c, self->number, phase);
    }
}

mrq_status mrq_crew_new(uint32_t threads, mrq_crew **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_crew_free) mrq_crew *c = mrq_array(1, sizeof *c);
    if (!c)
        return mrq_fail_memory(err, "starting threads");
    c->threads = threads < MRQ_THREADS_MAX ? threads : MRQ_THREADS_MAX;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->phase.changed, NULL);
    pthread_cond_init(&c->done.changed, NULL);
    for (c->started = 1; c->started < c->threads; c->started++) {
        struct member *member = &c->member[c->started];
        *member = (struct member){.crew = c, .number = c->started};
        if ((errno = mrq_thread_start(&member->id, live, member)) != 0)
            return mrq_fail_errno(err, "cannot start thread %u of %u", c->started + 1, c->threads);
    }
    *out = c;
    c = NULL;
    return MRQ_OK;
}

void mrq_crew_free(mrq_crew *c)
{
    if (!c)
        return;
    atomic_store(&c->quit, true);
    add_one(c, &c->phase);
    for (uint32_t i = 1; i < c->started; i++)
        pthread_join(c->member[i].id, NULL);
    pthread_cond_destroy(&c->phase.changed);
    pthread_cond_destroy(&c->done.changed);
    pthread_mutex_destroy(&c->lock);
    mrq_free(c);
}

void mrq_crew_run(mrq_crew *c, void (*work)(void *context, uint32_t i), void *context)
{
    c->work = work;
    c->context = context;
    atomic_store(&c->done.value, 0);
    take_shares(c, 0, add_one(c, &c->phase));
    for (unsigned done; (done = atomic_load(&c->done.value)) < c->threads;)
        wait_while(c, &c->done, done);
}
