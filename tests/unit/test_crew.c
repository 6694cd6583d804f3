/* Base room, threads that stay: who does which share, what they see, and what happens when some do not run. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/crew.h"
#include "base/parallel.h"
#include "unit/failing_memory.h"
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

/* How many threads there are */

static atomic_int started; /* threads so far */
static int start_fails;    /* the one that cannot be started, from 1 */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    return ++started == start_fails ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

static atomic_int asleep; /* calls that wait for a condition */

int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    atomic_fetch_add(&asleep, 1);
    const int code = __real_pthread_cond_wait(condition, mutex);
    atomic_fetch_sub(&asleep, 1);
    return code;
}

/* Instead of keeping cores busy for nothing. */
static void who_has_nothing_to_do_falls_asleep(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_crew_free) mrq_crew *crew = NULL;
    assert_ok(mrq_crew_new(4, &crew, &err));
    for (int ms = 0; atomic_load(&asleep) < 3 && ms < 10000; ms++)
        usleep(1000);
    assert_int_equal(atomic_load(&asleep), 3);
}

static void count(void *context, uint32_t i)
{
    atomic_fetch_add((atomic_int *)context + i, 1);
}

static void a_crew_has_up_to_64_threads(void **state)
{
    (void)state;
    static const uint32_t cases[][2] = {{1, 1}, {2, 2}, {MRQ_THREADS_MAX, MRQ_THREADS_MAX}, {MRQ_THREADS_MAX + 1, MRQ_THREADS_MAX}};
    const int before = threads_of_process();
    for (int i = 0; i < 4; i++) {
        atomic_int done[MRQ_THREADS_MAX + 1] = {0};
        mrq_crew *crew = NULL;
        assert_ok(mrq_crew_new(cases[i][0], &crew, &err));
        assert_threads(before + (int)cases[i][1] - 1);
        mrq_crew_run(crew, count, done);
        for (uint32_t k = 0; k <= MRQ_THREADS_MAX; k++)
            assert_int_equal(done[k], k < cases[i][1]);
        mrq_crew_free(crew);
        assert_threads(before);
    }
    mrq_crew_free(NULL);
}

static void a_thread_that_cannot_be_started_is_told(void **state)
{
    (void)state;
    const int before = threads_of_process();
    mrq_crew *crew = NULL;
    started = 0;
    start_fails = 3;
    assert_fails(mrq_crew_new(5, &crew, &err), MRQ_FAILED, "cannot start thread 4 of 5: Resource temporarily unavailable");
    start_fails = 0;
    assert_null(crew);
    assert_threads(before);
    atomic_store(&allocations_left, 0);
    const mrq_status status = mrq_crew_new(2, &crew, &err);
    atomic_store(&allocations_left, INT_MAX);
    assert_true(status == MRQ_FAILED && !crew);
    assert_string_equal(err.msg, "out of memory while starting threads");
}

static atomic_int pieces[200], last_piece;

static void note_piece(void *context, uint64_t i)
{
    assert_ptr_equal(context, pieces);
    atomic_fetch_add(&pieces[i], 1);
    if (!started)
        assert_int_equal(atomic_exchange(&last_piece, (int)i), (int)i - 1); /* one thread: in ascending order */
}

/* As many threads as there are pieces, are asked for, and can be: 64. Where fewer are given the work is done all the same. */
static void pieces_are_done_once_by_as_many_as_there_are(void **state)
{
    (void)state;
    static const struct {
        uint32_t threads;
        uint64_t n;
        int fails, started;
    } cases[] = {{1, 5, 0, 0}, {2, 1, 0, 0},     {2, 2, 0, 1},     {5, 3, 0, 2}, {3, 5, 0, 2}, {0, 3, 0, 0},
                 {4, 0, 0, 0}, {64, 200, 0, 63}, {65, 200, 0, 63}, {5, 9, 3, 3}, {5, 9, 1, 1}};
    const int before = threads_of_process();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(pieces, 0, sizeof pieces);
        atomic_store(&last_piece, -1);
        started = 0;
        start_fails = cases[i].fails;
        mrq_parallel(cases[i].threads, cases[i].n, note_piece, pieces);
        assert_int_equal(started, cases[i].started);
        for (uint64_t k = 0; k < 200; k++)
            assert_int_equal(pieces[k], k < cases[i].n);
        assert_threads(before);
    }
    start_fails = 0;
}

static volatile sig_atomic_t stop;

/* Counts the pieces, and stops at the fourth. */
static void stop_at_three(void *context, uint64_t i)
{
    ++*(uint32_t *)context;
    if (i == 3)
        stop = 1;
}

static void pieces_are_left_out_once_it_is_stopped(void **state)
{
    (void)state;
    uint32_t done = 0;
    stop = 0;
    mrq_parallel_stop(&stop);
    assert_false(mrq_parallel_stopped());
    mrq_parallel(1, 100, stop_at_three, &done);
    assert_int_equal(done, 4);
    assert_true(mrq_parallel_stopped());
    mrq_parallel(1, 100, stop_at_three, &done);
    assert_int_equal(done, 4);
    mrq_parallel_stop(NULL);
    assert_false(mrq_parallel_stopped());
    mrq_parallel(1, 100, stop_at_three, &done);
    assert_int_equal(done, 104);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_share_is_done_once_after_all_of_the_phase_before),
        cmocka_unit_test(pieces_are_left_out_once_it_is_stopped),
        cmocka_unit_test(a_run_ends_when_every_share_has_ended),
        cmocka_unit_test(nobody_waits_for_a_thread_that_does_not_run),
        cmocka_unit_test(who_has_nothing_to_do_falls_asleep),
        cmocka_unit_test(a_crew_has_up_to_64_threads),
        cmocka_unit_test(a_thread_that_cannot_be_started_is_told),
        cmocka_unit_test(pieces_are_done_once_by_as_many_as_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
