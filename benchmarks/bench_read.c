/* How fast data is read, on one core: events in each format, of one and the same million of invented events, cut into records and
 * loaded as a data set. Times are those of the processor, so that other programs disturb them little. Prints a line a format:
 * bytes, and medians of megabytes a second. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/option.h"
#include "base/random.h"
#include "bench.h"
#include "dataset/dataset.h"
#include "dataset/reader.h"

enum { REPEATS = 5 };
#define USERS 40000
#define ITEMS 9000

struct arguments {
    bool json, smoke;
};

/* A format: what its schema says, and a line. */
struct format {
    const char *name, *schema;
    void (*put)(FILE *file, uint32_t user, uint32_t item, unsigned value, uint32_t time);
};

#define FIELD(name, kind, column) "{\"name\": \"" name "\", \"kind\": \"" kind "\"" column "}"
#define PLACES                                                                                                                     \
    FIELD("user", "id", "") ", " FIELD("item", "id", "") ", " FIELD("rating", "rating", "") ", " FIELD("at", "timestamp", "")
#define PATH(path) ", \"column\": \"" path "\""

static void put_csv(FILE *file, uint32_t user, uint32_t item, unsigned value, uint32_t time)
{
    fprintf(file, "%u,%u,%u,%u\n", user, item, value, time);
}

static void put_texts(FILE *file, uint32_t user, uint32_t item, unsigned value, uint32_t time)
{
    fprintf(file, "A%013u,B%09u,%u.0,%u\n", user, item, value, time);
}

static void put_quoted(FILE *file, uint32_t user, uint32_t item, unsigned value, uint32_t time)
{
    fprintf(file, "\"A%013u\",\"B%09u\",\"%u\",\"%u\"\n", user, item, value, time);
}

static void put_json(FILE *file, uint32_t user, uint32_t item, unsigned value, uint32_t time)
{
    fprintf(file, "{\"user\": \"A%013u\", \"item\": \"B%09u\", \"rating\": %u.0, \"at\": %u}\n", user, item, value, time);
}

static void put_review(FILE *file, uint32_t user, uint32_t item, unsigned value, uint32_t time)
{
    fprintf(file,
            "{\"reviewerID\": \"A%013u\", \"asin\": \"B%09u\", \"reviewerName\": \"N. \\\"%u\\\"\", \"helpful\": [%u, 5], "
            "\"reviewText\": "
            "\"Just what I wanted: the strings hold their tune, the sound is good, and the price was fair. I'd buy it again.\", "
            "\"overall\": %u.0, \"summary\": \"Good\", \"unixReviewTime\": %u, \"reviewTime\": \"02 28, 2014\"}\n",
            user, item, user, value, value, time);
}

static const struct format formats[] = {
    {"csv, numbers as ids", "\"delimiter\": \",\", \"fields\": [" PLACES "]", put_csv},
    {"csv, texts as ids", "\"delimiter\": \",\", \"fields\": [" PLACES "]", put_texts},
    {"csv, in quotes", "\"delimiter\": \",\", \"quoted\": true, \"fields\": [" PLACES "]", put_quoted},
    {"json lines, short",
     "\"format\": \"json-lines\", \"fields\": [" FIELD("user", "id", PATH("user")) ", " FIELD(
         "item", "id", PATH("item")) ", " FIELD("rating", "rating", PATH("rating")) ", " FIELD("at", "timestamp", PATH("at")) "]",
     put_json},
    {"json lines, reviews",
     "\"format\": \"json-lines\", \"fields\": [" FIELD("user", "id", PATH("reviewerID")) ", " FIELD(
         "item", "id", PATH("asin")) ", " FIELD("rating", "rating", PATH("overall")) ", " FIELD("at", "timestamp",
                                                                                                PATH("unixReviewTime")) "]",
     put_review},
};

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static mrq_status make_file(const char *folder, const struct format *format, uint32_t lines, double *bytes, mrq_error *err)
{
    char path[300];
    snprintf(path, sizeof path, "%s/events", folder);
    FILE *file = fopen(path, "w");
    if (!file)
        return mrq_fail_errno(err, "cannot write %s", path);
    mrq_random random;
    mrq_random_init(&random, 1, 0);
    for (uint32_t i = 0; i < lines; i++) {
        const uint32_t user = (uint32_t)mrq_random_below(&random, USERS), item = (uint32_t)mrq_random_below(&random, ITEMS);
        format->put(file, user, item, 1 + (unsigned)mrq_random_below(&random, 5), 1300000000 + i);
    }
    *bytes = (double)ftell(file);
    return fclose(file) == 0 ? MRQ_OK : mrq_fail_errno(err, "cannot write %s", path);
}

static mrq_status cut_all(const char *folder, const mrq_schema *schema, mrq_error *err)
{
    MRQ_CLEANUP(mrq_reader_close) mrq_reader reader = {0};
    const mrq_origin from = {.folder = folder};
    bool more = true;
    MRQ_TRY(mrq_reader_open(&reader, &from, &schema->events, false, err));
    while (more)
        MRQ_TRY(mrq_reader_next(&reader, &more, err));
    return MRQ_OK;
}

static mrq_status load_all(const char *folder, const mrq_schema *schema, mrq_error *err)
{
    mrq_dataset *data = NULL;
    MRQ_TRY(mrq_dataset_load(folder, schema, &data, err));
    mrq_dataset_free(data);
    return MRQ_OK;
}

static mrq_status run_format(const struct arguments *a, const char *folder, const struct format *format, mrq_error *err)
{
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    char text[2000];
    double bytes = 0, cut[REPEATS], load[REPEATS];
    const int repeats = a->smoke ? 1 : REPEATS;
    const int size = snprintf(text, sizeof text, "{\"name\": \"bench\", \"events\": {\"file\": \"events\", %s}}", format->schema);
    MRQ_TRY(mrq_schema_parse(text, (size_t)size, "bench", &schema, err));
    MRQ_TRY(make_file(folder, format, a->smoke ? 1000 : 1000000, &bytes, err));
    for (int i = 0; i < repeats; i++) {
        const double start = processor_seconds();
        MRQ_TRY(cut_all(folder, schema, err));
        const double middle = processor_seconds();
        MRQ_TRY(load_all(folder, schema, err));
        cut[i] = bytes / 1e6 / (middle - start);
        load[i] = bytes / 1e6 / (processor_seconds() - middle);
    }
    const double of_cut = mrq_bench_median(cut, (size_t)repeats), of_load = mrq_bench_median(load, (size_t)repeats);
    if (!a->json) {
        printf("%-20s %8.1f %8.0f %8.0f\n", format->name, bytes / 1e6, of_cut, of_load);
        return MRQ_OK;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "format", format->name);
    cJSON_AddNumberToObject(line, "megabytes", bytes / 1e6);
    cJSON_AddNumberToObject(line, "cut_megabytes_per_second", of_cut);
    cJSON_AddNumberToObject(line, "load_megabytes_per_second", of_load);
    mrq_bench_print(line);
    return MRQ_OK;
}

static mrq_status run(int argc, char **argv, mrq_error *err)
{
    struct arguments a = {0};
    const mrq_option options[] = {
        {"json", 0, MRQ_OPT_FLAG, &a.json, 0, 0, NULL, "print a JSON document a line"},
        {"smoke", 0, MRQ_OPT_FLAG, &a.smoke, 0, 0, NULL, "read a thousand events once, to see that it works"},
        {0},
    };
    const mrq_command command = {
        .name = "bench_read",
        .synopsis = "[--json] [--smoke]",
        .about = "Measures how fast events are read, in megabytes a second of one core: cut into records, and loaded.",
        .options = options,
    };
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    char folder[] = "/tmp/bench-read-XXXXXX", path[60];
    if (!mkdtemp(folder))
        return mrq_fail_errno(err, "cannot make %s", folder);
    if (!a.json)
        printf("%-20s %8s %8s %8s\n", "format", "MB", "cut", "load");
    mrq_status status = MRQ_OK;
    for (size_t i = 0; i < sizeof formats / sizeof *formats && status == MRQ_OK; i++)
        status = run_format(&a, folder, &formats[i], err);
    snprintf(path, sizeof path, "%s/events", folder);
    unlink(path);
    rmdir(folder);
    return status;
}

int main(int argc, char **argv)
{
    return mrq_bench_main("bench_read", MRQ_LOG_WARN, run, argc, argv);
}
