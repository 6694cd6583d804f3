#include "http/metrics.h"

#include <stdio.h>
#include <unistd.h>

#include "base/writer.h"

static const unsigned codes[MRQ_METRICS_CODES] = {200, 204, 400, 401, 404, 405, 413, 414, 415, 421, 500, 503, 0}; /* 0: any other */
static const double bounds[MRQ_METRICS_BUCKETS] = {25e-6, 50e-6, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3,
                                                   0.01,  0.02,  0.05, 0.1,  0.2,  0.5,  1,    2};

static void add(atomic_ulong *counter, unsigned long n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static unsigned long get(const atomic_ulong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void mrq_metrics_count(mrq_metrics *metrics, unsigned route, unsigned status, double seconds)
{
    unsigned code = 0, bucket = 0;
    while (code < MRQ_METRICS_CODES - 1 && codes[code] != status)
        code++;
    while (bucket < MRQ_METRICS_BUCKETS && seconds > bounds[bucket])
        bucket++;
    add(&metrics->route[route].requests[code], 1);
    add(&metrics->route[route].within[bucket], 1);
    add(&metrics->route[route].nanoseconds, (unsigned long)(seconds * 1e9));
}

uint64_t mrq_metrics_requests(const mrq_metrics *metrics)
{
    uint64_t n = 0;
    for (unsigned r = 0; r < MRQ_METRICS_ROUTES; r++)
        for (unsigned c = 0; c < MRQ_METRICS_CODES; c++)
            n += get(&metrics->route[r].requests[c]);
    return n;
}

static void put_head(mrq_writer *w, const char *name, const char *type, const char *help)
{
    mrq_writer_put(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_one(mrq_writer *w, const char *name, const char *type, const char *help, double value)
{
    put_head(w, name, type, help);
    mrq_writer_put(w, "%s %.17g\n", name, value);
}

static void put_requests(mrq_writer *w, const mrq_metrics *m, const char *const *route, unsigned n)
{
    put_head(w, "marquee_requests_total", "counter", "Requests answered, by route and status.");
    for (unsigned r = 0; r < n; r++) {
        for (unsigned c = 0; c < MRQ_METRICS_CODES; c++) {
            const unsigned long count = get(&m->route[r].requests[c]);
            char code[12] = "other";
            if (codes[c])
                snprintf(code, sizeof code, "%u", codes[c]);
            if (count)
                mrq_writer_put(w, "marquee_requests_total{route=\"%s\",code=\"%s\"} %lu\n", route[r], code, count);
        }
    }
}

/* The histogram of a route. A bucket counts all requests that took at most its bound. */
static void put_histogram(mrq_writer *w, const mrq_metrics *m, unsigned r, const char *route)
{
    unsigned long sum = 0;
    for (unsigned b = 0; b <= MRQ_METRICS_BUCKETS; b++) {
        char bound[24] = "+Inf";
        sum += get(&m->route[r].within[b]);
        if (b < MRQ_METRICS_BUCKETS)
            snprintf(bound, sizeof bound, "%g", bounds[b]);
        mrq_writer_put(w, "marquee_request_seconds_bucket{route=\"%s\",le=\"%s\"} %lu\n", route, bound, sum);
    }
    mrq_writer_put(w, "marquee_request_seconds_sum{route=\"%s\"} %.9f\n", route, 1e-9 * (double)get(&m->route[r].nanoseconds));
    mrq_writer_put(w, "marquee_request_seconds_count{route=\"%s\"} %lu\n", route, sum);
}

static void put_seconds(mrq_writer *w, const mrq_metrics *m, const char *const *route, unsigned n)
{
    put_head(w, "marquee_request_seconds", "histogram", "Time from a whole request to its finished answer.");
    for (unsigned r = 0; r < n; r++) {
        unsigned long any = 0;
        for (unsigned b = 0; b <= MRQ_METRICS_BUCKETS; b++)
            any |= get(&m->route[r].within[b]);
        if (any)
            put_histogram(w, m, r, route[r]);
    }
}

static double resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%*s %ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void put_live(mrq_writer *w, const mrq_stats *s)
{
    put_one(w, "marquee_live_events", "gauge", "Live events that the serving generation does not know.", (double)s->live_events);
    put_one(w, "marquee_live_users", "gauge", "Users of whom something is newly known.", (double)s->live_users);
    put_one(w, "marquee_live_items", "gauge", "Items of live events, or that were hidden.", (double)s->live_items);
    put_one(w, "marquee_live_changes_total", "counter", "Changes that are on disk.", (double)s->live_changes);
    put_one(w, "marquee_live_commits_total", "counter", "Commits that they took.", (double)s->live_commits);
    put_one(w, "marquee_live_failed_total", "counter", "Requests to change something that failed on disk.", (double)s->live_failed);
    put_one(w, "marquee_live_bytes", "gauge", "Bytes of the live database.", (double)s->live_bytes);
    put_one(w, "marquee_live_newest_seconds", "gauge", "Time of the newest live event, in unix time; 0: none.",
            (double)s->live_newest);
}

static void put_recommender(mrq_writer *w, const mrq_stats *s)
{
    put_head(w, "marquee_answers_total", "counter", "Answers of the recommender, by where they came from.");
    mrq_writer_put(w, "marquee_answers_total{source=\"memory\"} %llu\n", (unsigned long long)s->memory_hits);
    mrq_writer_put(w, "marquee_answers_total{source=\"redis\"} %llu\n", (unsigned long long)s->redis_hits);
    mrq_writer_put(w, "marquee_answers_total{source=\"computed\"} %llu\n", (unsigned long long)s->computed);
    put_one(w, "marquee_answers_shared_total", "counter",
            "Answers from memory that waited until another request had computed them.", (double)s->shared);
    put_one(w, "marquee_redis_errors_total", "counter", "Operations on Redis that failed, or were skipped just after a failure.",
            (double)s->redis_errors);
    put_one(w, "marquee_memory_entries", "gauge", "Answers kept in memory.", (double)s->memory_entries);
    put_one(w, "marquee_memory_bytes", "gauge", "Bytes of the answers kept in memory.", (double)s->memory_bytes);
    put_one(w, "marquee_memory_evicted_total", "counter", "Answers evicted from memory to make space for others.",
            (double)s->memory_evicted);
    if (s->live)
        put_live(w, s);
    put_head(w, "marquee_generation_info", "gauge", "The serving generation.");
    mrq_writer_put(w, "marquee_generation_info{generation=\"%s\"} 1\n", s->generation);
    put_one(w, "marquee_generation_created_seconds", "gauge", "When the serving generation was created, in unix time.",
            (double)s->created);
    put_one(w, "marquee_items", "gauge", "Items in the serving generation.", s->items);
    put_one(w, "marquee_users", "gauge", "Users in the serving generation.", s->users);
    put_one(w, "marquee_index_bytes", "gauge", "Bytes of the vectors and their index.", (double)s->index_bytes);
    put_head(w, "marquee_reloads_total", "counter", "New generations found, by result.");
    mrq_writer_put(w, "marquee_reloads_total{result=\"served\"} %llu\n", (unsigned long long)s->reloads);
    mrq_writer_put(w, "marquee_reloads_total{result=\"refused\"} %llu\n", (unsigned long long)s->reloads_refused);
}

mrq_status mrq_metrics_text(const mrq_metrics *metrics, const char *const *route, unsigned n, const mrq_stats *stats, char **out,
                            size_t *size, mrq_error *err)
{
    MRQ_CLEANUP(mrq_writer_close) mrq_writer w = {0};
    mrq_writer_open(&w);
    put_requests(&w, metrics, route, n);
    put_seconds(&w, metrics, route, n);
    put_recommender(&w, stats);
    put_one(&w, "marquee_connections", "gauge", "Open connections.", (double)get(&metrics->connections));
    put_head(&w, "marquee_build_info", "gauge", "The running version.");
    mrq_writer_put(&w, "marquee_build_info{version=\"%s\"} 1\n", mrq_version());
    put_one(&w, "process_start_time_seconds", "gauge", "When the process began to serve, in unix time.", metrics->started);
    put_one(&w, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    if (w.failed)
        return mrq_fail_memory(err, "writing metrics");
    *out = w.data;
    *size = w.size;
    w.data = NULL;
    return MRQ_OK;
}
