/* When the events of items happened: the first of each, and which items are trending. */
#include "model/times.h"

#include <math.h>
#include <string.h>

#include "testing.h"
#include "unit/failing_memory.h"

static mrq_error err;

/* A hundred events, one a second; item 0 has every second one, item 1 the other ones of the first half, item 2 those of the last
 * 20, item 3 the rest, item 4 none. */
enum { EVENTS = 100, ITEMS = 5 };
static uint32_t item[EVENTS];
static int64_t when[EVENTS];

static void make_events(void)
{
    for (uint32_t i = 0; i < EVENTS; i++) {
        item[i] = i % 2 == 0 ? 0 : i < 50 ? 1 : i >= 80 ? 2 : 3;
        when[i] = 1000 + i;
    }
}

static void the_first_event_and_the_trend_are_found(void **state)
{
    (void)state;
    make_events();
    mrq_arena *arena = mrq_arena_new();
    mrq_times times = {0};
    assert_int_equal(mrq_times_make(arena, item, when, EVENTS, ITEMS, &times), 0);
    const int64_t first[] = {1000, 1001, 1081, 1051, MRQ_NEVER};
    for (int i = 0; i < ITEMS; i++)
        assert_true(times.first[i] == first[i]);
    /* The last twentieth of the events are five, from the first of which to the last it is four seconds. */
    double late[ITEMS] = {0}, all = 0, count[ITEMS] = {0};
    for (int i = 0; i < EVENTS; i++) {
        const double weight = pow(0.5, (EVENTS - 1 - i) / 4.0);
        late[item[i]] += weight;
        all += weight;
        count[item[i]]++;
    }
    for (int i = 0; i < ITEMS; i++) {
        const double expected = count[i] * all / EVENTS;
        assert_true(fabs(times.trend[i] - (late[i] - expected) / sqrt(expected + 1)) < 0.02);
    }
    assert_true(times.trend[2] > 1 && times.trend[1] < -0.5 && fabs(times.trend[0]) < 0.2 && times.trend[4] == 0);
    /* The order of the events makes no difference. */
    mrq_times other = {0};
    for (uint32_t i = 0; i < EVENTS / 2; i++) {
        const uint32_t j = EVENTS - 1 - i, was = item[i];
        const int64_t then = when[i];
        item[i] = item[j], item[j] = was;
        when[i] = when[j], when[j] = then;
    }
    assert_int_equal(mrq_times_make(arena, item, when, EVENTS, ITEMS, &other), 0);
    for (int i = 0; i < ITEMS; i++)
        assert_true(other.first[i] == first[i] && fabs(other.trend[i] - times.trend[i]) < 1e-12);
    mrq_arena_free(arena);
}

static void without_two_times_there_is_nothing(void **state)
{
    (void)state;
    make_events();
    mrq_arena *arena = mrq_arena_new();
    mrq_times times = {when, NULL};
    assert_int_equal(mrq_times_make(arena, item, NULL, EVENTS, ITEMS, &times), 0);
    assert_true(!times.first && !times.trend);
    for (int i = 0; i < EVENTS; i++)
        when[i] = i % 3 ? 77 : 0; /* the others are unknown */
    assert_int_equal(mrq_times_make(arena, item, when, EVENTS, ITEMS, &times), 0);
    assert_true(!times.first && !times.trend);
    when[1] = 78;
    assert_int_equal(mrq_times_make(arena, item, when, EVENTS, ITEMS, &times), 0);
    assert_true(times.first && times.trend && times.first[1] == 77 && times.first[4] == MRQ_NEVER);
    when[1] = -62135596800; /* the first and the last second that a file can say */
    when[2] = 253402300799;
    assert_int_equal(mrq_times_make(arena, item, when, EVENTS, ITEMS, &times), 0);
    assert_true(times.first[1] == when[1]);
    for (int i = 0; i < ITEMS; i++)
        assert_true(isfinite(times.trend[i]));
    mrq_arena_free(arena);
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    make_events();
    bool failed = true;
    int n = 0;
    for (; failed; n++) {
        mrq_arena *arena = mrq_arena_new();
        mrq_times times = {0};
        atomic_store(&allocations_left, n);
        const int status = mrq_times_make(arena, item, when, EVENTS, ITEMS, &times);
        failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
        assert_int_equal(status, failed ? -1 : 0);
        assert_true(!times.first == failed);
        mrq_arena_free(arena);
    }
    assert_in_range(n, 3, 10);
}

/* A file gives them back; one without them, as older ones are, has none; one that is wrong is refused. */
static void a_file_holds_them_or_not(void **state)
{
    (void)state;
    char folder[] = "/tmp/marquee-times-XXXXXX", path[100];
    const int64_t first[] = {1, MRQ_NEVER, 3};
    double trend[] = {0.5, 0, -1};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    for (int i = 0; i < 5; i++) {
        mrq_container_writer *writer = mrq_container_writer_new("times", 1);
        mrq_container *file = NULL;
        mrq_times back = {first, trend};
        trend[2] = i == 4 ? (double)INFINITY : -1;
        if (i == 1 || i == 4)
            mrq_times_save(&(mrq_times){first, trend}, 3, writer);
        else
            mrq_times_save(&(mrq_times){0}, 3, writer);
        if (i == 2)
            mrq_container_add(writer, first, 3, sizeof *first, "first");
        if (i == 3)
            mrq_container_add(writer, trend, 3, sizeof *trend, "trend");
        mrq_container_add(writer, trend, 3, sizeof *trend, "other");
        assert_ok(mrq_container_write(writer, path, &err));
        mrq_container_writer_free(writer);
        assert_ok(mrq_container_open(path, "times", 1, &file, &err));
        assert_true(mrq_container_has(file, "other") && !mrq_container_has(file, "othe"));
        if (i < 2) {
            assert_ok(mrq_times_load(file, 3, &back, &err));
            assert_true(!back.first == !i && !back.trend == !i);
            assert_true(!i || (memcmp(back.first, first, sizeof first) == 0 && memcmp(back.trend, trend, sizeof trend) == 0));
        } else {
            static const char *const says[] = {"no section \"trend\"", "no section \"first\"",
                                               "section \"trend\": number 2 is not finite"};
            assert_fails(mrq_times_load(file, 3, &back, &err), MRQ_BAD_FILE, says[i - 2]);
            assert_true(!back.first && !back.trend);
        }
        if (i == 1)
            assert_fails(mrq_times_load(file, 4, &back, &err), MRQ_BAD_FILE, "section \"first\" has 24 bytes, want 32");
        mrq_container_close(file);
    }
    remove(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_event_and_the_trend_are_found),
        cmocka_unit_test(without_two_times_there_is_nothing),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(a_file_holds_them_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
