/* Events of a site that does not exist, of any number, as CSV.
 *
 * Few users have many events, and few items: as in Gowalla's check-ins (29,858 users, 40,981 places, a million events), by the
 * Zipf-Mandelbrot law that fits the shares of all events that the first thousandth, hundredth, tenth and half of its users have
 * (2, 10, 39, 80 %) and of its items (4, 13, 40, 76 %). A user or item of rank x, as a share of all, is drawn with a density of
 * (x + q)^-s: users with s 0.7 and q 0.003, items with s 0.6 and q 0.0003. Both are drawn independently, so nobody has a taste: for
 * times and memory, not for quality. A pair may be drawn again, as an event of a later second. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/option.h"
#include "base/random.h"
#include "bench.h"

struct arguments {
    int64_t users, items, events, seed;
};

/* A law of so many ranks, and 1 - s. */
struct law {
    double n, q, power, first, last;
};

static struct law law_of(int64_t n, double s, double q)
{
    const double power = 1 - s;
    return (struct law){(double)n, q, power, pow(q, power), pow(1 + q, power)};
}

/* The rank, from 0, below which a share of `unit` of all events is. */
static uint64_t draw(const struct law *law, double unit)
{
    const double x = pow(law->first + unit * (law->last - law->first), 1 / law->power) - law->q;
    return (uint64_t)fmin(fmax(x * law->n, 0), law->n - 1);
}

/* Where a rank stands among the ids: popular ones are not the first ones. A step that has no divisor with n reaches all. */
static uint64_t step_of(uint64_t n)
{
    uint64_t step = (uint64_t)((double)n * 0.618);
    for (;; step++) {
        uint64_t a = n, b = step;
        while (b) {
            const uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1)
            return step;
    }
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.users = 20000, .items = 1000, .events = 1000000, .seed = 1};
    const mrq_option options[] = {
        {"users", 'u', MRQ_OPT_INT, &a.users, 1, 1000000000, "N", "users"},
        {"items", 'i', MRQ_OPT_INT, &a.items, 1, 1000000000, "N", "items"},
        {"events", 'n', MRQ_OPT_INT, &a.events, 1, 4000000000, "N", "events"},
        {"seed", 's', MRQ_OPT_INT, &a.seed, 0, INT32_MAX, "N", "the same seed makes the same events"},
        {0},
    };
    const mrq_command command = {"make_events",
                                 "[option...]",
                                 "Writes invented events to standard output, as CSV: user,item,at.",
                                 options,
                                 0,
                                 0,
                                 "  make_events --users 2000000 --items 100000 --events 100000000 >events.csv\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    const struct law users = law_of(a.users, 0.7, 0.003), items = law_of(a.items, 0.6, 0.0003);
    const uint64_t n_users = (uint64_t)a.users, n_items = (uint64_t)a.items;
    const uint64_t user_step = step_of(n_users), item_step = step_of(n_items);
    mrq_random random;
    mrq_random_init(&random, (uint64_t)a.seed, 0);
    puts("user,item,at");
    for (int64_t i = 0; i < a.events && !ferror(stdout); i++) {
        const uint64_t user = draw(&users, mrq_random_unit(&random)), item = draw(&items, mrq_random_unit(&random));
        printf("%" PRIu64 ",%" PRIu64 ",%" PRId64 "\n", 1 + user * user_step % n_users, 1 + item * item_step % n_items,
               1500000000 + i);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? MRQ_OK : mrq_fail_errno(err, "cannot write");
}

int main(int argc, char **argv)
{
    return mrq_bench_main("make_events", MRQ_LOG_WARN, run, argc, argv);
}
