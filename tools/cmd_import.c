/* marquee import: writes the events of a file to a live database that no service has open.
 *
 * An event's id is made of what it says and of how many equal ones came before it in the file. So an import that was cut off can be
 * repeated, and adds what is missing. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/progress.h"
#include "command.h"
#include "dataset/dataset.h"
#include "engine/changes.h"
#include "engine/options.h"
#include "skip_option.h"

#define GROUP 10000 /* events in a commit */

struct import {
    mrq_recommender *recommender;
    const mrq_field *value; /* of the schema's events, or NULL */
    mrq_changes *group;     /* that is not written yet */
    mrq_dict *seen;         /* digests of events, as bytes without a NUL */
    uint32_t *times;        /* (seen) how often */
    size_t room;
    uint64_t read, added;
    mrq_progress progress;
};

/* Which event of its kind this is, from 0; MRQ_NONE when out of memory. */
static uint32_t count_same(struct import *im, uint64_t digest)
{
    char key[17];
    snprintf(key, sizeof key, "%016" PRIx64, digest);
    const uint32_t at = mrq_dict_add(im->seen, key, 16);
    if (at == MRQ_NONE || mrq_grow(&im->times, &im->room, (size_t)at + 1, sizeof *im->times))
        return MRQ_NONE;
    return im->times[at]++;
}

static uint64_t digest_of(const mrq_read_event *e)
{
    mrq_sum sum;
    mrq_sum_init(&sum);
    mrq_sum_update(&sum, e->user, strlen(e->user) + 1);
    mrq_sum_update(&sum, e->item, strlen(e->item) + 1);
    mrq_sum_update(&sum, &e->value, sizeof e->value);
    mrq_sum_update(&sum, &e->time, sizeof e->time);
    return mrq_sum_value(&sum);
}

static mrq_status write_group(struct import *im, mrq_error *err)
{
    uint32_t added = 0;
    if (im->group->post.n)
        MRQ_TRY(mrq_recommender_write_now(im->recommender, im->group, &added, err));
    im->added += added;
    mrq_changes_free(im->group);
    im->group = mrq_changes_new();
    mrq_progress_step(&im->progress, im->read, "%" PRIu64 " events", im->read);
    return im->group ? MRQ_OK : mrq_fail_memory(err, "importing events");
}

/* The name of an action of this weight: equal weights mean the same. */
static const char *action_of(const mrq_field *field, double weight)
{
    for (uint32_t i = 0; i < field->values.n; i++)
        if (!(field->weight[i] < weight) && !(field->weight[i] > weight))
            return mrq_strings_at(&field->values, i);
    return NULL;
}

static mrq_status take(void *context, const mrq_read_event *e, mrq_error *err)
{
    struct import *im = context;
    char id[40];
    const uint64_t digest = digest_of(e);
    const uint32_t same = count_same(im, digest);
    if (same == MRQ_NONE)
        return mrq_fail_memory(err, "importing events");
    snprintf(id, sizeof id, "import-%016" PRIx64 "-%u", digest, same);
    const bool action = im->value && im->value->kind == MRQ_FIELD_ACTION;
    const mrq_change change = {.what = MRQ_ADD_EVENT,
                               .user = e->user,
                               .item = e->item,
                               .kind = action ? action_of(im->value, e->value) : NULL,
                               .value = im->value && !action ? e->value : (double)NAN,
                               .time = e->time ? e->time : MRQ_NO_TIME,
                               .id = id};
    mrq_error problem = {0};
    const mrq_status status = mrq_changes_add(im->group, &change, &problem);
    if (status != MRQ_OK)
        return mrq_fail(err, status, "event %" PRIu64 ", of user %.40s and item %.40s: %s", im->read + 1, e->user, e->item,
                        problem.msg);
    im->read++;
    return im->group->post.n < GROUP ? MRQ_OK : write_group(im, err);
}

static mrq_status import(struct import *im, const char *file, const mrq_schema *schema, mrq_bad *bad, mrq_error *err)
{
    im->value = mrq_schema_value(&schema->events);
    im->group = mrq_changes_new();
    im->seen = mrq_dict_new();
    if (!im->group || !im->seen)
        return mrq_fail_memory(err, "importing events");
    MRQ_TRY(mrq_events_read(file, schema, bad, take, im, err));
    return write_group(im, err);
}

/* The schema that an option names, or schema.json beside the file. */
static mrq_status find_schema(const char *name, const char *file, mrq_schema **out, mrq_error *err)
{
    char beside[4096];
    const char *slash = strrchr(file, '/');
    if (name)
        return mrq_schema_load(name, out, err);
    if ((size_t)snprintf(beside, sizeof beside, "%.*s/schema.json", slash ? (int)(slash - file) : 1, slash ? file : ".") >=
        sizeof beside)
        return mrq_fail(err, MRQ_USAGE, "the path %.60s... is too long", file);
    mrq_error problem = {0};
    const mrq_status status = mrq_schema_load(beside, out, &problem);
    if (status == MRQ_NOT_FOUND)
        return mrq_fail(err, MRQ_USAGE, "%s: no schema.json beside it; name one with --schema, or make one: marquee init %s", file,
                        file);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s", problem.msg);
}

mrq_status cmd_import(int argc, char **argv, mrq_error *err)
{
    const char *store = NULL, *live = NULL, *schema_name = NULL, *skip_bad = NULL;
    bool strict = false, done = false;
    mrq_bad bad = {0};
    const mrq_option options[] = {
        STORE_OPTION(store),
        {"live", 0, MRQ_OPT_TEXT, &live, 0, 0, "FILE", "the live database; made if it does not exist"},
        {"schema", 0, MRQ_OPT_TEXT, &schema_name, 0, 0, "NAME",
         "a schema whose events describe the file [schema.json beside\nthe file]"},
        {"skip-bad", 0, MRQ_OPT_TEXT, &skip_bad, 0, 0, "SHARE", "leave out rows that do not fit, up to this share, such as 1%"},
        {"bad", 0, MRQ_OPT_TEXT, &bad.list, 0, 0, "FILE", "list the first 1000 rows that were left out, with the reasons"},
        {"strict", 0, MRQ_OPT_FLAG, &strict, 0, 0, NULL, "refuse users and items that the data do not have"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee import",
        .synopsis = "FILE --live FILE [--schema NAME] [option...]",
        .about = "Writes the events of a file, in any format of a schema, to a live database, 10,000 in a commit. An import that\n"
                 "was cut off can be repeated: events that are there already are not added again. While a service has the\n"
                 "database, it is the one to tell: POST /v1/events.",
        .options = options,
        .arguments_min = 1,
        .arguments_max = 1,
        .examples = "  marquee import today.csv --schema shop/schema.json --store store --live live.db\n",
    };
    int first = 0;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (!live)
        return mrq_fail(err, MRQ_USAGE, "--live FILE is missing");
    MRQ_TRY(read_skip(skip_bad, bad.list, &bad.share, err));
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *schema = NULL;
    MRQ_TRY(find_schema(schema_name, argv[first], &schema, err));
    struct import im = {.read = 0};
    const mrq_options where = {.store = mrq_default_store(store), .live = live, .live_strict = strict};
    MRQ_TRY(mrq_recommender_open(&where, &im.recommender, err));
    mrq_progress_start(&im.progress, "import", 0);
    const mrq_status status = import(&im, argv[first], schema, &bad, err);
    mrq_progress_end(&im.progress);
    mrq_error ignored;
    if (bad.share > 0 && mrq_bad_save(&bad, &ignored) != MRQ_OK)
        mrq_log(MRQ_LOG_WARN, "import", "%s", ignored.msg);
    const uint64_t left_out = mrq_bad_total(&bad.all);
    mrq_bad_clear(&bad);
    mrq_changes_free(im.group);
    mrq_dict_free(im.seen);
    mrq_free(im.times);
    mrq_recommender_close(im.recommender);
    if (status != MRQ_OK) {
        const mrq_error why = *err;
        return mrq_fail(err, status, "%.300s; %" PRIu64 " events were added before", why.msg, im.added);
    }
    printf("%" PRIu64 " events added", im.added);
    if (im.read > im.added)
        printf(", %" PRIu64 " were there already", im.read - im.added);
    if (left_out)
        printf(", %" PRIu64 " rows left out", left_out);
    printf("\n");
    return MRQ_OK;
}
