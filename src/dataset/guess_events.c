/* The value and the time of events. What names do not tell, the values do: a time is a number of seconds between 1973 and 2100, as
 * most numbers are not, and the value is the first column of numbers that is neither that nor an id. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "dataset/guess_private.h"

static const char *day(double seconds, char out[16])
{
    const time_t time = (time_t)seconds;
    struct tm tm;
    if (!gmtime_r(&time, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        snprintf(out, 16, "?");
    return out;
}

/* Years 1970 to 2100 in each unit. */
static const struct unit {
    const char *name;
    double parts;
} units[] = {{"seconds", 1}, {"milliseconds", 1e3}, {"microseconds", 1e6}};
#define YEAR_2100   4102444800.0
#define SURELY_TIME 1e8 /* seconds: 1973. Less may be anything, unless the name says that it is a time */

/* The unit of a column of numbers; NULL when they cannot be times. */
static const struct unit *unit_of(const mrq_look_column *column)
{
    for (int i = 0; i < 3; i++)
        if (column->min >= 0 && column->max <= YEAR_2100 * units[i].parts)
            return &units[i];
    return NULL;
}

/* Without memory the writers fail, and with them all. */
static double median(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const double number = mrq_look_median(look, i);
    f->report->failed |= isnan(number);
    return number;
}

/* Whether the values, some zeros apart, are times, going by them alone. */
static bool looks_like_time(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    if (column->n && column->dates == column->n)
        return true;
    if (!mrq_look_numeric(column) || !unit_of(column) || column->max < SURELY_TIME)
        return false;
    return median(f, look, i) >= SURELY_TIME;
}

/* The column of the time, or look->columns: named so and with times in it, only named so, or only with times. */
static uint32_t find_time(const mrq_findings *f, const mrq_look *look, uint32_t user, uint32_t item)
{
    for (int way = 0; way < 3; way++)
        for (uint32_t i = 0; i < look->columns; i++)
            if (i != user && i != item && !look->column[i].nameless && (way == 2 || look->column[i].role == MRQ_ROLE_TIME) &&
                (way == 1 || looks_like_time(f, look, i)))
                return i;
    return look->columns;
}

/* The column of the value, or look->columns: a known name, else the first that is numbers and not an id. */
static uint32_t find_value(const mrq_look *look, uint32_t user, uint32_t item, uint32_t time)
{
    for (int named = 1; named >= 0; named--)
        for (uint32_t i = 0; i < look->columns; i++) {
            const mrq_look_column *column = &look->column[i];
            const bool known = column->role == MRQ_ROLE_VALUE || column->role == MRQ_ROLE_COUNT;
            const bool counter = column->values && mrq_look_whole_numbers(column) &&
                                 mrq_dict_strings(column->values).n == look->rows && look->rows > 9;
            if (i == user || i == item || i == time || column->nameless || column->role == MRQ_ROLE_USER ||
                column->role == MRQ_ROLE_ITEM)
                continue;
            if (named ? known : mrq_look_numeric(column) && !mrq_hint_is_id(column->name) && !counter)
                return i;
        }
    return look->columns;
}

#define ACTIONS_MAX 20

/* Whether each value is the name of an action, or some are and the column's name says so. */
static bool has_actions(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    const mrq_strings values = mrq_dict_strings(column->values);
    uint32_t known = 0;
    bool liked = false;
    if (column->nameless || column->lists || !column->n || column->n < look->rows || values.n > ACTIONS_MAX)
        return false;
    for (uint32_t k = 0; k < values.n; k++) {
        const double weight = mrq_hint_action(mrq_strings_at(&values, k));
        known += weight < 0 || weight > 0;
        liked |= weight > 0;
    }
    return liked && (known == values.n || mrq_hint_has_actions(column->name));
}

/* The column of what was done, or look->columns. */
static uint32_t find_action(const mrq_look *look, uint32_t user, uint32_t item)
{
    for (uint32_t i = 0; i < look->columns; i++)
        if (i != user && i != item && has_actions(look, i))
            return i;
    return look->columns;
}

/* The weights of actions: "view": 1, "cart": 3. */
static void put_weights(mrq_writer *out, const mrq_look_column *column)
{
    const mrq_strings values = mrq_dict_strings(column->values);
    for (uint32_t k = 0; k < values.n; k++) {
        mrq_writer_put(out, k ? ", " : "");
        mrq_guess_quote(out, mrq_strings_at(&values, k));
        mrq_writer_put(out, ": %g", mrq_hint_action(mrq_strings_at(&values, k)));
    }
}

/* Why a column cannot be the value of events; NULL when it can. */
static const char *no_value(const mrq_look *look, const mrq_look_column *column, char out[120])
{
    if (column->empty || column->unknown)
        snprintf(out, 120, "%llu of the events have none, which a value may not lack",
                 (unsigned long long)column->empty + column->unknown);
    else if (column->numbers < column->n)
        snprintf(out, 120, "\"%s\" is no number", column->word);
    else if (fabs(column->min) > 1e9 || fabs(column->max) > 1e9)
        snprintf(out, 120, "%g to %g is more than 1e9", column->min, column->max);
    else if (column->min >= column->max && look->rows > 1)
        snprintf(out, 120, "it is %g everywhere", column->min);
    else
        return NULL;
    return out;
}

/* Whether a value says how much or how often, so that even the smallest is a like. */
static bool counts(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    if (column->min < 0)
        return false;
    return column->role == MRQ_ROLE_COUNT || (column->max > 20 && column->max >= 8 * median(f, look, i));
}

/* Says what kind of field the value is, and the report what it is; NULL when there is none to be written. */
static const char *guess_value(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    static const char all[] = "each event is a like, \"like\": \"all\"";
    char why[120];
    const mrq_look_column *column = i < look->columns ? &look->column[i] : NULL;
    const char *wrong = column ? no_value(look, column, why) : NULL;
    if (!column || wrong)
        mrq_writer_put(f->schema, ",\n \"like\": \"all\"");
    if (!column) {
        mrq_writer_put(f->report, "%s: no column of values, so %s\n", look->file, all);
        return NULL;
    }
    if (wrong) {
        mrq_say_column(f, look, i, "not used as the value: %s; so %s", wrong, all);
        return NULL;
    }
    if (counts(f, look, i)) {
        mrq_say_column(f, look, i, "a count, %g to %g: each event is a like, and counts of one user and item are added",
                       column->min, column->max);
        return "count";
    }
    mrq_say_column(f, look, i, "the value, %g to %g; a like is %g or more, the middle; \"like\": {\"from\": ...} changes that",
                   column->min, column->max, (column->min + column->max) / 2);
    if (column->min == 0 && column->max > 2)
        mrq_say_column(f, look, i,
                       "note: 0 stands there too: if it means that nothing was said, add \"null\": [\"0\"] to the field");
    return "rating";
}

static const char *say_action(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    MRQ_CLEANUP(mrq_writer_close) mrq_writer weights = {0};
    mrq_writer_open(&weights);
    put_weights(&weights, &look->column[i]);
    f->report->failed |= weights.failed;
    if (!weights.failed)
        mrq_say_column(f, look, i, "what was done, and its weight: %.300s; \"weights\" changes that", weights.data);
    return "action";
}

/* The unit for the schema, or NULL when the time cannot be used; the report says which. */
static const char *guess_time(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    char from[16], to[16];
    if (column->empty || column->unknown) {
        mrq_say_column(f, look, i, "not used as the time: %llu of the events have none",
                       (unsigned long long)column->empty + column->unknown);
        return NULL;
    }
    if (column->dates == column->n) {
        mrq_say_column(f, look, i, "the time, as dates such as %.24s", column->word);
        return "iso";
    }
    const struct unit *unit = mrq_look_numeric(column) ? unit_of(column) : NULL;
    if (!unit) {
        mrq_say_column(f, look, i,
                       "not used as the time: \"%s\" is neither a number of seconds since 1970 nor such as 2026-01-31T02:00:00Z",
                       *column->word ? column->word : "the numbers");
        return NULL;
    }
    mrq_say_column(f, look, i, "the time, %s since 1970: %s to %s", unit->name, day(column->min / unit->parts, from),
                   day(column->max / unit->parts, to));
    return unit->name;
}

/* "the user, 610 of them, by its name" */
static void say_id(const mrq_findings *f, const mrq_found *events, uint32_t i, const char *what)
{
    const mrq_look *look = events->look;
    mrq_say_column(f, look, i, "the %s, %s%u different ones, %s", what, mrq_look_whole(look) ? "" : "at least ",
                   mrq_dict_strings(look->column[i].values).n, events->how);
    if (look->column[i].empty)
        mrq_say_column(f, look, i, "note: empty in %llu lines; training refuses the file",
                       (unsigned long long)look->column[i].empty);
}

/* The cells of a matrix are events. */
static void guess_matrix(mrq_findings *f, const mrq_look *look)
{
    const mrq_look_matrix *matrix = look->matrix;
    const char *name = *matrix->name ? matrix->name : "column 1";
    if (matrix->user)
        mrq_writer_put(f->report, "%s: %s: the user, different in each line\n", look->file, name);
    else if (matrix->lead)
        mrq_writer_put(f->report, "%s: %s: not used: it counts the values of its line\n", look->file, name);
    mrq_writer_put(f->report, "%s: %s%s\n", look->file, matrix->user ? "" : "users have the numbers of their lines, ",
                   look->header ? "items the names of their columns" : "items the numbers of their columns");
    if (*matrix->none)
        mrq_writer_put(f->report, "%s: \"%s\" stands where there is no value\n", look->file, matrix->none);
    const char *kind = guess_value(f, look, 2);
    mrq_writer_put(f->schema, ",\n \"events\": {");
    mrq_fields_open(f, look);
    if (*matrix->none) {
        mrq_writer_put(f->schema, ", \"none\": ");
        mrq_guess_quote(f->schema, matrix->none);
    }
    mrq_writer_put(f->schema, ", \"fields\": [%s\n   {\"name\": \"%s\", \"kind\": \"%s\"}]}",
                   matrix->user   ? "\n   {\"name\": \"user\", \"kind\": \"id\"},"
                   : matrix->lead ? "\n   {\"kind\": \"ignore\"},"
                                  : "",
                   kind ? kind : "rating", kind ? kind : "rating");
}

void mrq_guess_events(mrq_findings *f)
{
    const mrq_found *events = &f->events;
    const mrq_look *look = events->look;
    mrq_fields out = {.findings = f, .look = look};
    mrq_say_file(f, look, "events");
    if (look->matrix && look->matrix->used) {
        guess_matrix(f, look);
        return;
    }
    say_id(f, events, events->user, "user");
    say_id(f, events, events->item, "item");
    const uint32_t time = look->lists ? look->columns : find_time(f, look, events->user, events->item);
    const uint32_t action = look->lists ? look->columns : find_action(look, events->user, events->item);
    uint32_t value = look->lists ? look->columns : find_value(look, events->user, events->item, time);
    const bool acted = action < look->columns && (value == look->columns || look->column[value].role == MRQ_ROLE_NONE);
    if (acted)
        value = action;
    const char *kind = acted ? say_action(f, look, action) : guess_value(f, look, value);
    const char *unit = time < look->columns ? guess_time(f, look, time) : NULL;
    mrq_writer_put(f->schema, ",\n \"events\": {");
    mrq_fields_open(f, look);
    for (uint32_t i = 0; !look->lists && i < look->columns; i++) {
        if (i == events->user || i == events->item) {
            mrq_fields_put(&out, i, i == events->user ? "user" : "item", "id");
        } else if (i == value && kind) {
            mrq_fields_put(&out, i, kind, kind);
            if (acted) {
                mrq_writer_put(f->schema, ", \"weights\": {");
                put_weights(f->schema, &look->column[i]);
                mrq_writer_put(f->schema, "}");
            }
        } else if (i == time && unit) {
            mrq_fields_put(&out, i, "timestamp", "timestamp");
            mrq_writer_put(f->schema, ", \"unit\": \"%s\"", unit);
        } else {
            if (i != value && i != time)
                mrq_say_column(f, look, i, "not used: %s",
                               look->column[i].unfit ? look->column[i].unfit
                                                     : "neither the user, the item, the value nor the time");
            continue;
        }
        mrq_fields_end(&out);
    }
    if (!look->lists)
        mrq_fields_close(&out);
    mrq_writer_put(f->schema, "}");
}
