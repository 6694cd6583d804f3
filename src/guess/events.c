/* The value of events. What names do not tell, the values do: it is the first column of numbers that is neither a time nor an
 * id. */
#include <math.h>
#include <stdio.h>

#include "base/parse.h"
#include "guess/findings.h"

double mrq_guess_median(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const double number = mrq_look_median(look, i);
    f->report->failed |= isnan(number);
    return number;
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

/* Lines that say no value. */
static uint64_t without_value(const mrq_look_column *column)
{
    return column->empty + column->unknown;
}

/* Why a column cannot be the value of events; NULL when it can. Lines without one are no events then, so that most must have one,
 * and nearly all where only the numbers say that it is a value. */
static const char *no_value(const mrq_look *look, const mrq_look_column *column, char out[120])
{
    const uint64_t none = without_value(column);
    if (none > column->n || (column->role == MRQ_ROLE_NONE && 10 * none > column->n))
        snprintf(out, 120, "%llu of the %llu lines have none", (unsigned long long)none, (unsigned long long)(none + column->n));
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
    return column->role == MRQ_ROLE_COUNT || (column->max > 20 && column->max >= 8 * mrq_guess_median(f, look, i));
}

/* The least number above 0 of a column where 0 means that nothing was said: at least a third of the values are 0, and the others
 * are from 1 on to 5 or to 10, in steps of a half. 0 for any other column. */
static double least_rated(const mrq_look_column *column)
{
    const mrq_strings values = mrq_dict_strings(column->values);
    double least = column->max;
    if (column->role == MRQ_ROLE_COUNT || column->min != 0 || (column->max != 5 && column->max != 10) ||
        3 * column->zeros < column->numbers)
        return 0;
    for (uint32_t k = 0; k < values.n; k++) {
        double number;
        if (!mrq_parse_real(mrq_strings_at(&values, k), mrq_strings_size(&values, k), 0, 10, &number) ||
            2 * number != floor(2 * number) || (number > 0 && number < 1))
            return 0;
        least = number > 0 && number < least ? number : least;
    }
    return least < column->max ? least : 0;
}

/* Adds a text to "null", which the first one begins. */
static void put_null(mrq_writer *out, uint32_t *n, const char *text)
{
    mrq_writer_put(out, (*n)++ ? ", " : ", \"null\": [");
    mrq_guess_quote(out, text);
}

/* The texts of a value that mean that nothing was said: "", "NULL", "0", "0.0". */
static void put_nulls(mrq_writer *out, const mrq_look_column *column)
{
    const mrq_strings values = mrq_dict_strings(column->values);
    const bool zeros = least_rated(column) > 0;
    uint32_t n = 0;
    double number;
    if (column->empty)
        put_null(out, &n, "");
    for (int k = 0; mrq_unknown_texts[k]; k++)
        if (column->unknown_texts >> k & 1)
            put_null(out, &n, mrq_unknown_texts[k]);
    for (uint32_t k = 0; zeros && k < values.n; k++)
        if (mrq_parse_real(mrq_strings_at(&values, k), mrq_strings_size(&values, k), 0, 0, &number))
            put_null(out, &n, mrq_strings_at(&values, k));
    mrq_writer_put(out, n ? "]" : "");
}

/* Says what kind of field the value is, and the report what it is; NULL when there is none to be written. */
static const char *guess_number(const mrq_findings *f, const mrq_look *look, uint32_t i)
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
    const double rated = least_rated(column), least = rated > 0 ? rated : column->min;
    mrq_say_column(f, look, i, "the value, %g to %g; a like is %g or more, the middle; \"like\": {\"from\": ...} changes that",
                   least, column->max, (least + column->max) / 2);
    if (rated > 0)
        mrq_say_column(f, look, i,
                       "note: 0, in %llu%% of the lines, is taken for \"not rated\", which is no event; without \"null\" it is the "
                       "worst rating",
                       (unsigned long long)(100 * column->zeros / column->numbers));
    else if (column->min == 0 && column->max > 2)
        mrq_say_column(f, look, i,
                       "note: 0 stands there too: if it means that nothing was said, add \"null\": [\"0\"] to the field");
    return "rating";
}

static const char *guess_value(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const char *kind = guess_number(f, look, i);
    const uint64_t none = kind ? without_value(&look->column[i]) : 0;
    if (none)
        mrq_say_column(f, look, i, "note: %llu of the %llu lines have none, and are no events", (unsigned long long)none,
                       (unsigned long long)(none + look->column[i].n));
    return kind;
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

/* "the user, 610 of them, by its name" */
static void say_id(const mrq_findings *f, const mrq_found *events, uint32_t i, const char *what)
{
    const mrq_look *look = events->look;
    mrq_say_column(f, look, i, "the %s, %s%u different ones, %s%s", what, mrq_look_whole(look) ? "" : "at least ",
                   mrq_dict_strings(look->column[i].values).n, events->how,
                   mrq_look_pointed(&look->column[i]) ? MRQ_SAY_POINTED : "");
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
    if (matrix->user && mrq_hint_column(matrix->name) == MRQ_ROLE_ITEM)
        mrq_writer_put(f->report, "%s: note: a line of a matrix is a user; if these are items, exchange lines and columns\n",
                       look->file);
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
    mrq_writer_put(f->schema, ", \"fields\": [%s\n   {\"name\": \"%s\", \"kind\": \"%s\"",
                   matrix->user   ? "\n   {\"name\": \"user\", \"kind\": \"id\"},"
                   : matrix->lead ? "\n   {\"kind\": \"ignore\"},"
                                  : "",
                   kind ? kind : "rating", kind ? kind : "rating");
    put_nulls(f->schema, &look->column[2]);
    mrq_writer_put(f->schema, "}]}");
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
    const uint32_t time = look->lists ? look->columns : mrq_guess_find_time(f, look, events->user, events->item);
    const uint32_t action = look->lists ? look->columns : find_action(look, events->user, events->item);
    uint32_t value = look->lists ? look->columns : find_value(look, events->user, events->item, time);
    const bool acted = action < look->columns && (value == look->columns || look->column[value].role == MRQ_ROLE_NONE);
    if (acted)
        value = action;
    const char *kind = acted ? say_action(f, look, action) : guess_value(f, look, value);
    char unit[MRQ_GUESS_UNIT];
    const bool timed = time < look->columns && mrq_guess_time(f, look, time, unit);
    mrq_writer_put(f->schema, ",\n \"events\": {");
    mrq_fields_open(f, look);
    for (uint32_t i = 0; !look->lists && i < look->columns; i++) {
        if (i == events->user || i == events->item) {
            mrq_fields_put(&out, i, i == events->user ? "user" : "item", "id");
        } else if (i == value && kind) {
            mrq_fields_put(&out, i, kind, kind);
            if (!acted)
                put_nulls(f->schema, &look->column[i]);
            if (acted) {
                mrq_writer_put(f->schema, ", \"weights\": {");
                put_weights(f->schema, &look->column[i]);
                mrq_writer_put(f->schema, "}");
            }
        } else if (i == time && timed) {
            mrq_fields_put(&out, i, "timestamp", "timestamp");
            mrq_writer_put(f->schema, ", \"unit\": %s", unit);
            mrq_fields_null(&out, i, NULL);
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
