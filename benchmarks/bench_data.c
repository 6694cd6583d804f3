/* How fast a data set is read: from its files, or a database, into memory, and nothing else. One line; the process's peak of memory
 * is that of one reading, since each repeat gives its data back. */
#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/option.h"
#include "bench.h"
#include "dataset/dataset.h"

enum { REPEATS_MAX = 100 };

struct arguments {
    const char *data, *schema;
    int64_t repeats;
    bool json, smoke;
};

/* Seconds that the processors have worked for this process. */
static double cpu_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static mrq_status measure(const struct arguments *a, const mrq_schema *schema, mrq_error *err)
{
    double seconds[REPEATS_MAX], cpu[REPEATS_MAX];
    const size_t n = a->smoke ? 1 : (size_t)a->repeats;
    unsigned long long events = 0;
    struct rusage before, after = {0};
    for (size_t i = 0; i < n; i++) {
        MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = NULL;
        getrusage(RUSAGE_SELF, &before);
        const double start = mrq_clock();
        MRQ_TRY(mrq_dataset_load(a->data, schema, &data, err));
        seconds[i] = mrq_clock() - start;
        getrusage(RUSAGE_SELF, &after);
        cpu[i] = cpu_seconds(&after) - cpu_seconds(&before);
        events = data->n;
    }
    const double middle = mrq_bench_median(seconds, n), worked = mrq_bench_median(cpu, n);
    if (!a->json) {
        printf("%llu events: %.3f s (%.3f to %.3f), CPU %.3f s, %.0f events/s, peak %ld MB\n", events, middle, seconds[0],
               seconds[n - 1], worked, (double)events / middle, after.ru_maxrss / 1024);
        return MRQ_OK;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "events", (double)events);
    cJSON_AddNumberToObject(line, "seconds", middle);
    cJSON_AddNumberToObject(line, "least", seconds[0]);
    cJSON_AddNumberToObject(line, "most", seconds[n - 1]);
    cJSON_AddNumberToObject(line, "cpu_seconds", worked);
    cJSON_AddNumberToObject(line, "peak_bytes", (double)after.ru_maxrss * 1024);
    mrq_bench_print(line);
    return MRQ_OK;
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {.repeats = 5};
    const mrq_option options[] = {
        {"data", 'd', MRQ_OPT_TEXT, &a.data, 0, 0, "DIR", "the data set, a folder or a database"},
        {"schema", 0, MRQ_OPT_TEXT, &a.schema, 0, 0, "NAME", "its schema, as for `marquee train` [recognised]"},
        {"repeats", 'n', MRQ_OPT_INT, &a.repeats, 1, REPEATS_MAX, "N", "readings; the middle one counts"},
        {"json", 'j', MRQ_OPT_FLAG, &a.json, 0, 0, NULL, "a JSON document"},
        {"smoke", 0, MRQ_OPT_FLAG, &a.smoke, 0, 0, NULL, "one reading, to see that it runs"},
        {0},
    };
    const mrq_command command = {"bench_data",
                                 "--data DIR [option...]",
                                 "Measures how fast a data set is read.",
                                 options,
                                 0,
                                 0,
                                 "  bench_data --data ../shared/data/ml-1m\n"};
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (!a.data)
        return mrq_fail(err, MRQ_USAGE, "--data DIR is missing");
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    if (a.schema)
        MRQ_TRY(mrq_schema_load(a.schema, &schema, err));
    return measure(&a, schema, err);
}

int main(int argc, char **argv)
{
    return mrq_bench_main("bench_data", MRQ_LOG_WARN, run, argc, argv);
}
