/* Access to options and counts by name: two tables of names and offsets in the struct. */
#include "engine/options.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/parse.h"
#include "live/live.h"

#define DEADLINE_MAX 60000 /* milliseconds */

enum kind { TEXT, SIZE, WHOLE, COUNT, MOMENT, FLAG };

static const struct option {
    const char *name;
    size_t at;
    enum kind kind;
    int64_t min, max;
} options[] = {
    {"store", offsetof(struct mrq_options, store), TEXT, 0, 0},
    {"redis", offsetof(struct mrq_options, redis), TEXT, 0, 0},
    {"backend", offsetof(struct mrq_options, backend), TEXT, 0, 0},
    {"backend_token", offsetof(struct mrq_options, backend_token), TEXT, 0, 0},
    {"backend_ca", offsetof(struct mrq_options, backend_ca), TEXT, 0, 0},
    {"live", offsetof(struct mrq_options, live), TEXT, 0, 0},
    {"live_size", offsetof(struct mrq_options, live_size), COUNT, (int64_t)MRQ_LIVE_BYTES_MIN, INT64_MAX},
    {"live_strict", offsetof(struct mrq_options, live_strict), FLAG, 0, 0},
    {"memory", offsetof(struct mrq_options, memory), SIZE, 0, INT64_MAX},
    {"redis_ttl", offsetof(struct mrq_options, redis_ttl), WHOLE, 1, INT32_MAX},
    {"deadline", offsetof(struct mrq_options, deadline), WHOLE, 1, DEADLINE_MAX},
};
enum { OPTIONS = sizeof options / sizeof *options };

static const struct count {
    const char *name;
    size_t at;
    enum kind kind;
} counts[] = {
    {"generation", offsetof(struct mrq_stats, generation), TEXT},
    {"redis_problem", offsetof(struct mrq_stats, redis_problem), TEXT},
    {"created", offsetof(struct mrq_stats, created), MOMENT},
    {"items", offsetof(struct mrq_stats, items), WHOLE},
    {"users", offsetof(struct mrq_stats, users), WHOLE},
    {"index_bytes", offsetof(struct mrq_stats, index_bytes), COUNT},
    {"memory_hits", offsetof(struct mrq_stats, memory_hits), COUNT},
    {"redis_hits", offsetof(struct mrq_stats, redis_hits), COUNT},
    {"computed", offsetof(struct mrq_stats, computed), COUNT},
    {"shared", offsetof(struct mrq_stats, shared), COUNT},
    {"redis_errors", offsetof(struct mrq_stats, redis_errors), COUNT},
    {"memory_entries", offsetof(struct mrq_stats, memory_entries), COUNT},
    {"memory_bytes", offsetof(struct mrq_stats, memory_bytes), COUNT},
    {"memory_evicted", offsetof(struct mrq_stats, memory_evicted), COUNT},
    {"live_events", offsetof(struct mrq_stats, live_events), COUNT},
    {"live_users", offsetof(struct mrq_stats, live_users), COUNT},
    {"live_items", offsetof(struct mrq_stats, live_items), COUNT},
    {"live_changes", offsetof(struct mrq_stats, live_changes), COUNT},
    {"live_commits", offsetof(struct mrq_stats, live_commits), COUNT},
    {"live_failed", offsetof(struct mrq_stats, live_failed), COUNT},
    {"live_bytes", offsetof(struct mrq_stats, live_bytes), COUNT},
    {"live_newest", offsetof(struct mrq_stats, live_newest), MOMENT},
    {"reloads", offsetof(struct mrq_stats, reloads), COUNT},
    {"reloads_refused", offsetof(struct mrq_stats, reloads_refused), COUNT},
};
enum { COUNTS = sizeof counts / sizeof *counts };

mrq_options *mrq_options_new(void)
{
    mrq_options *made = calloc(1, sizeof *made);
    if (made && !(made->arena = mrq_arena_new())) {
        free(made);
        return NULL;
    }
    return made;
}

static void *member_of(mrq_options *opened, const struct option *option)
{
    return (char *)opened + option->at;
}

/* Clears a text, which may contain a password. */
static void wipe(const char *text)
{
    if (text)
        explicit_bzero((char *)(uintptr_t)text, strlen(text));
}

void mrq_options_free(mrq_options *opened)
{
    for (const struct option *o = options; opened && o < options + OPTIONS; o++)
        if (o->kind == TEXT)
            wipe(*(const char **)member_of(opened, o));
    if (opened)
        mrq_arena_free(opened->arena);
    free(opened);
}

static mrq_status set_text(mrq_arena *arena, const char **text, const char *value, mrq_error *err)
{
    const size_t size = strlen(value) + 1;
    char *copy = mrq_arena_array(arena, size, 1);
    if (!copy)
        return mrq_fail_memory(err, "setting an option");
    memcpy(copy, value, size);
    wipe(*text);
    *text = copy;
    return MRQ_OK;
}

mrq_status mrq_options_set(mrq_options *opened, const char *name, const char *value, mrq_error *err)
{
    MRQ_TRY(mrq_argument_check(opened, "options", err));
    MRQ_TRY(mrq_argument_check(name, "name", err));
    MRQ_TRY(mrq_argument_check(value, "value", err));
    const struct option *o = options;
    while (o < options + OPTIONS && strcmp(o->name, name) != 0)
        o++;
    if (o == options + OPTIONS)
        return mrq_fail(err, MRQ_USAGE, "\"%.40s\" is not an option", name);
    if (o->kind == TEXT)
        return set_text(opened->arena, member_of(opened, o), value, err);
    void *member = member_of(opened, o);
    int64_t number;
    if (o->kind == FLAG) {
        const bool is_true = strcmp(value, "true") == 0;
        if (!is_true && strcmp(value, "false") != 0)
            return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want true or false", name, value);
        memcpy(member, &is_true, sizeof is_true);
        return MRQ_OK;
    }
    if (!mrq_parse_int(value, strlen(value), o->min, o->max, &number))
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a whole number from %" PRId64 " to %" PRId64, name, value, o->min,
                        o->max);
    if (o->kind == SIZE)
        memcpy(member, &(size_t){(size_t)number}, sizeof(size_t));
    else if (o->kind == COUNT)
        memcpy(member, &(uint64_t){(uint64_t)number}, sizeof(uint64_t));
    else
        memcpy(member, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
    return MRQ_OK;
}

mrq_stats *mrq_recommender_stats(mrq_recommender *recommender)
{
    mrq_stats *stats = recommender ? calloc(1, sizeof *stats) : NULL;
    if (stats)
        mrq_recommender_measure(recommender, stats);
    return stats;
}

void mrq_stats_free(mrq_stats *stats)
{
    free(stats);
}

/* The address of the count of this name, if it is a text or a number as `text` says; else NULL. */
static const char *find_count(const mrq_stats *stats, const char *name, bool text, enum kind *kind)
{
    for (int i = 0; stats && name && i < COUNTS; i++)
        if (strcmp(counts[i].name, name) == 0 && (counts[i].kind == TEXT) == text) {
            *kind = counts[i].kind;
            return (const char *)stats + counts[i].at;
        }
    return NULL;
}

const char *mrq_stats_text(const mrq_stats *stats, const char *name)
{
    enum kind kind;
    const char *text = find_count(stats, name, true, &kind);
    return text ? text : "";
}

double mrq_stats_number(const mrq_stats *stats, const char *name)
{
    enum kind kind;
    const char *member = find_count(stats, name, false, &kind);
    uint32_t whole;
    uint64_t count;
    int64_t moment;
    if (!member)
        return NAN;
    memcpy(&whole, member, sizeof whole);
    if (kind == WHOLE)
        return whole;
    memcpy(&count, member, sizeof count);
    memcpy(&moment, member, sizeof moment);
    return kind == MOMENT ? (double)moment : (double)count;
}
