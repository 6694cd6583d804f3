/* Base room, threads that stay: who does which share, what they see, and what happens when some do not run. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/crew.h"
#include "unit/testing.h"

static mrq_error err;

enum { MOST = 7, PHASES = 2000 };

/* Each share adds to its own number what its neighbour's was before: a share left out, done twice or too early shows. */
struct sums {
    uint32_t n;
    unsigned before[MOST], now[MOST];
};

static void add_neighbour(void *context, uint32_t i)
{
    struct sums *s = context;
    s->now[i] += s->before[(i + 1) % s->n] + 1;
}

static void each_share_is_done_once_after_all_of_the_phase_before(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= MOST; n += 3) {
        MRQ_CLEANUP(mrq_crew_free) mrq_crew *crew = NULL;
        struct sums s = {.n = n}, want = {.n = n};
        assert_ok(mrq_crew_new(n, &crew, &err));
        for (int phase = 0; phase < PHASES; phase++) {
            memcpy(s.before, s.now, sizeof s.now);
            memcpy(want.before, want.now, sizeof want.now);
            mrq_crew_run(crew, add_neighbour, &s);
            for (uint32_t i = 0; i < n; i++)
                add_neighbour(&want, i);
            assert_memory_equal(s.now, want.now, sizeof want.now);
            if (phase % 500 == 0)
                usleep(5000); /* so that they fall asleep */
        }
    }
}

/* A thread that does not run: held in a signal's handler, as the system holds it back for others. */

enum { THREADS = 3, HELD_MS = 100, ATTEMPTS = 20 };

static atomic_int held, released;

static void hold(int number)
{
    (void)number;
    atomic_fetch_add(&held, 1);
    for (int i = 0; i < HELD_MS && !atomic_load(&released); i++)
        usleep(1000);
    atomic_fetch_sub(&held, 1);
}

struct meeting {
    atomic_int come;
    pthread_t id[THREADS];
    bool by_caller[THREADS], ended[THREADS];
};

/* Ends when all have come, so each share is another thread's. */
static void meet(void *context, uint32_t i)
{
    struct meeting *m = context;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    m->id[i] = pthread_self();
    atomic_fetch_add(&m->come, 1);
    while (atomic_load(&m->come) < THREADS)
        usleep(100);
}

static pthread_t caller;

static void end_late(void *context, uint32_t i)
{
    struct meeting *m = context;
    meet(m, i);
    if (!pthread_equal(m->id[i], caller))
        usleep(2000 * (i + 1));
    m->ended[i] = true;
}

static void a_run_ends_when_every_share_has_ended(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_crew_free) mrq_crew *crew = NULL;
    struct meeting m = {.come = 0};
    caller = pthread_self();
    assert_ok(mrq_crew_new(THREADS, &crew, &err));
    mrq_crew_run(crew, end_late, &m);
    for (uint32_t i = 0; i < THREADS; i++)
        assert_true(m.ended[i]);
}

static void note_who(void *context, uint32_t i)
{
    struct meeting *m = context;
    m->by_caller[i] = pthread_equal(pthread_self(), caller);
}

static bool caller_does_all(mrq_crew *crew)
{
    struct meeting m = {.come = 0};
    mrq_crew_run(crew, meet, &m);
    atomic_store(&released, 0);
    for (uint32_t i = 0; i < THREADS; i++)
        if (!pthread_equal(m.id[i], caller))
            pthread_kill(m.id[i], SIGUSR1);
    for (int i = 0; i < HELD_MS && atomic_load(&held) < THREADS - 1; i++)
        usleep(1000);
    mrq_crew_run(crew, note_who, &m);
    atomic_store(&released, 1);
    while (atomic_load(&held))
        usleep(1000);
    return m.by_caller[0] && m.by_caller[1] && m.by_caller[2];
}

static void nobody_waits_for_a_thread_that_does_not_run(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_crew_free) mrq_crew *crew = NULL;
    caller = pthread_self();
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = hold}, NULL);
    assert_ok(mrq_crew_new(THREADS, &crew, &err));
    int attempt = 0;
    while (attempt < ATTEMPTS && !caller_does_all(crew)) /* again, when one came too soon or was held with the lock in its hand */
        attempt++;
    assert_true(attempt < ATTEMPTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_share_is_done_once_after_all_of_the_phase_before),
        cmocka_unit_test(a_run_ends_when_every_share_has_ended),
        cmocka_unit_test(nobody_waits_for_a_thread_that_does_not_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
