/* From what a column looks like to a field of the schema, or to a line of the report that says why it is none.
 *
 * Names that the shipped models know (gender, age, job, genres, title) are given to columns that mean the same. A column whose values
 * are all different tells nothing that could be learned, unless it is a number or the title. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "dataset/guess_private.h"

#define CATEGORY_MAX 1000 /* values of a category */
#define MEMBERS_MAX  5000 /* members of a set */
#define FIELDS       48   /* of a table; MRQ_COLUMNS_MAX with what titles add */

void mrq_guess_quote(mrq_writer *out, const char *text)
{
    mrq_writer_put(out, "\"");
    for (; *text; text++)
        mrq_writer_put(out,
                       (unsigned char)*text < 0x20     ? "\\u%04x"
                       : *text == '"' || *text == '\\' ? "\\%c"
                                                       : "%c",
                       (unsigned char)*text);
    mrq_writer_put(out, "\"");
}

/* --- names --- */

/* A table in the making. */
typedef struct table {
    mrq_findings *findings;
    const mrq_look *look;
    bool items;
    uint32_t n; /* fields so far */
    char name[FIELDS + 2][MRQ_COLUMN_NAME];
} table;

/* What people see of a column: its name, or its place. */
static const char *shown(const mrq_look *look, uint32_t i, char out[MRQ_HEADER_NAME + 16])
{
    if (*look->column[i].name)
        snprintf(out, MRQ_HEADER_NAME + 16, "%s", look->column[i].name);
    else
        snprintf(out, MRQ_HEADER_NAME + 16, "column %u", i + 1);
    return out;
}

static void say(const mrq_findings *findings, const mrq_look *look, uint32_t i, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say(const mrq_findings *findings, const mrq_look *look, uint32_t i, const char *format, ...)
{
    char what[400], name[MRQ_HEADER_NAME + 16];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    mrq_writer_put(findings->report, "%s: %s: %s\n", look->file, shown(look, i, name), what);
}

/* A field's name: that of its role, else the column's own in small letters, and another one where that is taken. */
static const char *name_field(table *t, uint32_t i, const char *role)
{
    const mrq_look_column *column = &t->look->column[i];
    char *name = t->name[t->n], base[MRQ_COLUMN_NAME - 4];
    size_t n = 0;
    for (const char *p = role ? role : column->name; *p && n + 1 < sizeof base; p++) {
        const bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'), digit = *p >= '0' && *p <= '9';
        if (letter || digit)
            base[n++] = letter ? (char)(*p | 0x20) : *p;
        else if (n && base[n - 1] != '_')
            base[n++] = '_';
    }
    while (n && base[n - 1] == '_')
        n--;
    base[n] = '\0';
    if (n)
        snprintf(name, MRQ_COLUMN_NAME, "%s", base);
    else
        snprintf(name, MRQ_COLUMN_NAME, "column%u", i + 1);
    for (uint32_t k = 0, copy = 1; k < t->n; k++)
        if (strcmp(t->name[k], name) == 0) {
            snprintf(name, MRQ_COLUMN_NAME, "%s_%u", n ? base : "column", ++copy);
            k = UINT32_MAX; /* and from the first again */
        }
    t->n++;
    return name;
}

static bool is_taken(const table *t, const char *name)
{
    for (uint32_t k = 0; k < t->n; k++)
        if (strcmp(t->name[k], name) == 0)
            return true;
    return false;
}

/* --- files and fields as JSON --- */

/* Whether the schema can name all columns of the file that it uses. */
static bool by_column(const mrq_look *look)
{
    bool all = look->header;
    for (uint32_t i = 0; i < look->columns; i++)
        all &= look->column[i].findable || !*look->column[i].name;
    return all;
}

static void open_file(const mrq_findings *f, const char *key, const mrq_look *look)
{
    mrq_writer_put(f->schema, ",\n \"%s\": {\"file\": ", key);
    mrq_guess_quote(f->schema, look->file);
    if (look->lists)
        mrq_writer_put(f->schema, ", \"format\": \"lists\"");
    mrq_writer_put(f->schema, ", \"delimiter\": ");
    mrq_guess_quote(f->schema, look->delimiter);
    mrq_writer_put(f->schema, "%s%s", look->header ? ", \"header\": true" : "", look->quoted ? ", \"quoted\": true" : "");
    if (look->encoding)
        mrq_writer_put(f->schema, ", \"encoding\": \"%s\"", look->encoding);
}

/* The fields of one file, from left to right. */
typedef struct fields {
    const mrq_findings *findings;
    const mrq_look *look;
    uint32_t written; /* columns that were */
    bool any;
} fields;

static void put_ignored(fields *f, uint32_t to)
{
    for (; !by_column(f->look) && f->written < to; f->written++, f->any = true)
        mrq_writer_put(f->findings->schema, "%s\n   {\"kind\": \"ignore\"}", f->any ? "," : ", \"fields\": [");
    f->written = to;
}

/* Begins a field of column `i`, which end_field() ends. */
static void put_field(fields *f, uint32_t i, const char *name, const char *kind)
{
    put_ignored(f, i);
    mrq_writer_put(f->findings->schema, "%s\n   {\"name\": \"%s\", \"kind\": \"%s\"", f->any ? "," : ", \"fields\": [", name, kind);
    if (by_column(f->look)) {
        mrq_writer_put(f->findings->schema, ", \"column\": ");
        mrq_guess_quote(f->findings->schema, f->look->column[i].name);
    }
    f->written = i + 1;
    f->any = true;
}

static void end_field(const fields *f)
{
    mrq_writer_put(f->findings->schema, "}");
}

static void close_file(fields *f)
{
    put_ignored(f, f->look->columns);
    mrq_writer_put(f->findings->schema, f->look->lists ? "}" : "]}");
}

/* The texts of a column that mean unknown, and `more` unless NULL. */
static void put_null(const fields *f, uint32_t i, const char *more)
{
    const mrq_look_column *column = &f->look->column[i];
    const char *between = ", \"null\": [";
    for (int k = 0; mrq_unknown_texts[k]; k++)
        if (column->unknown_texts >> k & 1) {
            mrq_writer_put(f->findings->schema, "%s", between);
            mrq_guess_quote(f->findings->schema, mrq_unknown_texts[k]);
            between = ", ";
        }
    if (more)
        mrq_writer_put(f->findings->schema, "%s\"%s\"", between, more);
    if (more || column->unknown_texts)
        mrq_writer_put(f->findings->schema, "]");
}

/* ", 3 unknown" */
static const char *unknown_ones(const mrq_look_column *column, char out[48])
{
    const uint64_t n = column->empty + column->unknown;
    *out = '\0';
    if (n)
        snprintf(out, 48, "; %llu unknown", (unsigned long long)n);
    return out;
}

/* --- a file's first line of the report --- */

static void say_file(const mrq_findings *f, const mrq_look *look, const char *what)
{
    const char *d = look->delimiter;
    mrq_writer_put(f->report, "%s: %s%llu %s; %s, columns divided by %s%s%s%s%s\n", look->file,
                   mrq_look_whole(look) ? "" : "about ", (unsigned long long)mrq_look_rows(look), what,
                   look->encoding ? look->encoding : "utf-8",
                   *d == '\t'  ? "a tab"
                   : *d == ' ' ? "a blank"
                               : "\"",
                   *d == '\t' || *d == ' ' ? "" : d, *d == '\t' || *d == ' ' ? "" : "\"",
                   look->lists    ? ", a line for each user"
                   : look->header ? ", with a header"
                                  : ", without a header",
                   look->quoted ? ", in quotes where needed" : "");
    if (look->bad) {
        char where[48] = "";
        if (mrq_look_whole(look))
            snprintf(where, sizeof where, ", the first is line %llu", (unsigned long long)look->broken);
        mrq_writer_put(
            f->report, "%s: note: %llu of %llu lines do not have %u columns or have wrong quotes%s; training refuses the file\n",
            look->file, (unsigned long long)look->bad, (unsigned long long)(look->bad + look->rows), look->columns, where);
    }
}

/* --- events --- */

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

/* Whether the values, some zeros apart, are times, going by them alone. */
static bool looks_like_time(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    if (column->n && column->dates == column->n)
        return true;
    if (!mrq_look_numeric(column) || !unit_of(column) || column->max < SURELY_TIME)
        return false;
    return mrq_look_median(look, i) >= SURELY_TIME;
}

/* The column of the time, or look->columns. */
static uint32_t find_time(const mrq_look *look, uint32_t user, uint32_t item)
{
    for (int named = 1; named >= 0; named--)
        for (uint32_t i = 0; i < look->columns; i++)
            if (i != user && i != item && (named ? look->column[i].role == MRQ_ROLE_TIME : looks_like_time(look, i)))
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
            if (i == user || i == item || i == time || !column->numbers || column->role == MRQ_ROLE_USER ||
                column->role == MRQ_ROLE_ITEM)
                continue;
            if (named ? known : mrq_look_numeric(column) && !mrq_hint_is_id(column->name) && !counter)
                return i;
        }
    return look->columns;
}

/* Why a column cannot be the value of events; NULL when it can. */
static const char *no_value(const mrq_look *look, const mrq_look_column *column, char out[120])
{
    if (column->empty || column->unknown)
        snprintf(out, 120, "%llu of the events have none, which a value may not lack",
                 (unsigned long long)(column->empty + column->unknown));
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
static bool counts(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    if (column->role == MRQ_ROLE_COUNT)
        return true;
    return column->min >= 0 && column->max > 20 && column->max >= 8 * mrq_look_median(look, i);
}

/* The like, and what the report says of the value; whether the field is to be written. */
static bool guess_value(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    static const char all[] = "each event is a like, \"like\": \"all\"";
    char why[120];
    const mrq_look_column *column = i < look->columns ? &look->column[i] : NULL;
    const char *wrong = column ? no_value(look, column, why) : NULL;
    const bool count = column && !wrong && counts(look, i);
    if (!column || wrong || count)
        mrq_writer_put(f->schema, ",\n \"like\": \"all\"");
    if (!column) {
        mrq_writer_put(f->report, "%s: no column of values, so %s\n", look->file, all);
        return false;
    }
    if (wrong)
        say(f, look, i, "not used as the value: %s; so %s", wrong, all);
    else if (count)
        say(f, look, i, "the value, %g to %g, which counts or measures: %s", column->min, column->max, all);
    else
        say(f, look, i, "the value, %g to %g; a like is %g or more, the middle; \"like\": {\"from\": ...} changes that",
            column->min, column->max, (column->min + column->max) / 2);
    if (!wrong && !count && column->min == 0 && column->max > 2)
        say(f, look, i, "note: 0 stands there too: if it means that nothing was said, leave those lines out of the file");
    return !wrong;
}

/* The unit for the schema, or NULL when the time cannot be used; the report says which. */
static const char *guess_time(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    char from[16], to[16];
    if (column->empty || column->unknown) {
        say(f, look, i, "not used as the time: %llu of the events have none",
            (unsigned long long)(column->empty + column->unknown));
        return NULL;
    }
    if (column->dates == column->n) {
        say(f, look, i, "the time, as dates such as %.24s", column->word);
        return "iso";
    }
    const struct unit *unit = mrq_look_numeric(column) ? unit_of(column) : NULL;
    if (!unit) {
        say(f, look, i, "not used as the time: \"%s\" is neither a number of seconds since 1970 nor such as 2026-01-31T02:00:00Z",
            *column->word ? column->word : "the numbers");
        return NULL;
    }
    say(f, look, i, "the time, %s since 1970: %s to %s", unit->name, day(column->min / unit->parts, from),
        day(column->max / unit->parts, to));
    return unit->name;
}

/* "the user, 610 of them, by its name" */
static void say_id(const mrq_findings *f, const mrq_found *events, uint32_t i, const char *what)
{
    const mrq_look *look = events->look;
    say(f, look, i, "the %s, %s%u different ones, %s", what, mrq_look_whole(look) ? "" : "at least ",
        mrq_dict_strings(look->column[i].values).n, events->how);
    if (look->column[i].empty)
        say(f, look, i, "note: empty in %llu lines; training refuses the file", (unsigned long long)look->column[i].empty);
}

void mrq_guess_events(mrq_findings *f)
{
    const mrq_found *events = &f->events;
    const mrq_look *look = events->look;
    fields out = {.findings = f, .look = look};
    say_file(f, look, "events");
    say_id(f, events, events->user, "user");
    say_id(f, events, events->item, "item");
    const uint32_t time = look->lists ? look->columns : find_time(look, events->user, events->item);
    const uint32_t value = look->lists ? look->columns : find_value(look, events->user, events->item, time);
    const bool valued = guess_value(f, look, value);
    const char *unit = time < look->columns ? guess_time(f, look, time) : NULL;
    open_file(f, "events", look);
    for (uint32_t i = 0; !look->lists && i < look->columns; i++) {
        if (i == events->user || i == events->item) {
            put_field(&out, i, i == events->user ? "user" : "item", "id");
        } else if (i == value && valued) {
            put_field(&out, i, "rating", "rating");
        } else if (i == time && unit) {
            put_field(&out, i, "timestamp", "timestamp");
            mrq_writer_put(f->schema, ", \"unit\": \"%s\"", unit);
        } else {
            if (i != value && i != time)
                say(f, look, i, "not used: neither the user, the item, the value nor the time");
            continue;
        }
        end_field(&out);
    }
    if (look->lists)
        mrq_writer_put(f->schema, "}");
    else
        close_file(&out);
}

/* --- users and items --- */

static const struct range {
    double from;
    const char *label;
} ages[] = {{0, "under 18"}, {18, "18-24"}, {25, "25-34"}, {35, "35-44"}, {45, "45-54"}, {55, "55+"}};
#define N_AGES (sizeof ages / sizeof *ages)

static void put_ages(fields *out, uint32_t i, const char *name)
{
    mrq_writer *schema = out->findings->schema;
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    put_field(out, i, name, "category");
    for (size_t k = 0; k < N_AGES; k++)
        mrq_writer_put(schema, "%s%g", k ? ", " : ", \"buckets\": [", !k && column->min < 0 ? floor(column->min) : ages[k].from);
    for (size_t k = 0; k < N_AGES; k++)
        mrq_writer_put(schema, "%s\"%s\"", k ? ", " : "], \"labels\": [", ages[k].label);
    mrq_writer_put(schema, "]");
    put_null(out, i, NULL);
    end_field(out);
    say(out->findings, out->look, i, "a number from %g to %g, in %zu ranges%s", column->min, column->max, N_AGES,
        unknown_ones(column, unknown));
}

static void put_number(table *t, fields *out, uint32_t i, bool year)
{
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    const bool zero = year && column->min <= 0;
    const char *name = name_field(t, i, year && !is_taken(t, "year") ? "year" : NULL);
    put_field(out, i, name, "number");
    put_null(out, i, zero ? "0" : NULL);
    end_field(out);
    say(out->findings, out->look, i, "%s from %g to %g, called %s%s%s", year ? "a year" : "a number", column->min, column->max,
        name, zero ? "; 0 means unknown" : "", unknown_ones(column, unknown));
}

static void put_category(table *t, fields *out, uint32_t i, const char *role)
{
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    const char *name = name_field(t, i, role);
    put_field(out, i, name, "category");
    put_null(out, i, NULL);
    end_field(out);
    say(out->findings, out->look, i, "one of %u values, called %s%s", mrq_dict_strings(column->values).n, name,
        unknown_ones(column, unknown));
}

/* The members of a column by the delimiter that most values have; NULL when they have none whose members come again. One of no
 * letter at all, as in "a,,b", is refused by the reader. */
static const mrq_look_set *set_of(const mrq_look_column *column)
{
    const mrq_look_set *best = NULL;
    for (int k = 0; k < MRQ_LOOK_SETS; k++) {
        const mrq_look_set *set = &column->set[k];
        const uint32_t n = mrq_dict_strings(set->dict).n;
        if (10 * set->texts >= column->n && n && n <= MEMBERS_MAX && set->members >= 4 * (uint64_t)n &&
            mrq_dict_find(set->dict, "", 0) == MRQ_NONE && (!best || set->texts > best->texts))
            best = set;
    }
    return best;
}

static void put_set(table *t, fields *out, uint32_t i, const mrq_look_set *set, bool genres)
{
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    const char *name = name_field(t, i, genres && !is_taken(t, "genres") ? "genres" : NULL);
    put_field(out, i, name, "set");
    mrq_writer_put(out->findings->schema, ", \"delimiter\": \"%s\"", set ? set->delimiter : "|");
    put_null(out, i, NULL);
    end_field(out);
    say(out->findings, out->look, i, "a set of %u members, divided by \"%s\", called %s%s",
        mrq_dict_strings(set ? set->dict : column->values).n, set ? set->delimiter : "|", name, unknown_ones(column, unknown));
}

static void put_title(table *t, fields *out, uint32_t i)
{
    const mrq_look_column *column = &out->look->column[i];
    bool years = 2 * column->years > column->n;
    for (uint32_t k = 0; k < out->look->columns; k++)
        years &= out->look->column[k].role != MRQ_ROLE_YEAR;
    put_field(out, i, name_field(t, i, "title"), "text");
    if (years) {
        snprintf(t->name[t->n++], MRQ_COLUMN_NAME, "year");
        mrq_writer_put(out->findings->schema, ", \"extract\": {\"year\": \" *\\\\(([0-9]{4})\\\\) *$\"}");
    }
    end_field(out);
    say(out->findings, out->look, i, "the title%s", years ? ", with the year in brackets at its end" : "");
}

/* The title of items: of the columns that are called so, or else of all that are texts, the one with most different values. */
static uint32_t find_title(const mrq_look *look, uint32_t id)
{
    for (int named = 1; named >= 0; named--) {
        uint32_t best = look->columns, most = 1;
        for (uint32_t i = 0; i < look->columns; i++) {
            const mrq_look_column *column = &look->column[i];
            const uint32_t n = mrq_dict_strings(column->values).n;
            const bool text = column->numbers < column->n && !column->addresses && !column->dates && column->bytes > 2 * column->n;
            const bool fits = named ? column->role == MRQ_ROLE_TITLE && column->n
                                    : text && column->role == MRQ_ROLE_NONE && !mrq_hint_is_id(column->name) &&
                                          2 * n > look->rows && !set_of(column);
            if (i != id && fits && (n > most || (named && best == look->columns))) {
                best = i;
                most = n;
            }
        }
        if (best < look->columns)
            return best;
    }
    return look->columns;
}

static bool is_gender(const mrq_look_column *column)
{
    static const char *const words[] = {"M", "F", "m", "f", "male", "female", "Male", "Female"};
    uint32_t known = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        known += mrq_dict_find(column->values, words[i], strlen(words[i])) != MRQ_NONE;
    return known >= 2 && known == mrq_dict_strings(column->values).n;
}

static const char *first_value(const mrq_look_column *column)
{
    const mrq_strings values = mrq_dict_strings(column->values);
    return mrq_strings_at(&values, 0);
}

/* Why a column of a table tells nothing; NULL when it may. */
static const char *no_use(const table *t, uint32_t i, char out[120])
{
    const mrq_look_column *column = &t->look->column[i];
    const uint32_t n = mrq_dict_strings(column->values).n;
    const char *why = NULL;
    if (!column->n)
        why = "it is empty";
    else if (2 * column->addresses > column->n)
        why = "addresses";
    else if (2 * column->dates > column->n)
        why = "dates, which no kind of field holds";
    else if (column->brackets)
        why = "some values stand in brackets, [...], as programs write lists; want members with one character between them";
    else if (t->n >= FIELDS)
        why = "there are as many fields as a table can hold";
    else if ((mrq_hint_is_id(column->name) || (!t->look->header && mrq_look_whole_numbers(column))) && n == column->n && n > 9)
        why = "an id of its own for each line";
    else if (mrq_hint_is_id(column->name) && column->role != MRQ_ROLE_USER && column->role != MRQ_ROLE_ITEM && n > CATEGORY_MAX)
        why = "ids";
    if (why)
        snprintf(out, 120, "%s", why);
    else if (n == 1 && t->look->rows > 1 && column->n == t->look->rows)
        snprintf(out, 120, "it is \"%.40s\" everywhere", first_value(column));
    else
        return NULL;
    return out;
}

static bool is_year(const mrq_look_column *column)
{
    return mrq_look_whole_numbers(column) && column->max >= 1500 && column->max <= 2100 &&
           (column->min == 0 || column->min >= 1000);
}

static bool few(const mrq_look *look, uint32_t n)
{
    return n <= CATEGORY_MAX && 2 * (uint64_t)n <= look->rows;
}

static void guess_column(table *t, fields *out, uint32_t i)
{
    const mrq_look *look = t->look;
    const mrq_look_column *column = &look->column[i];
    const uint32_t n = mrq_dict_strings(column->values).n;
    const mrq_look_set *set = set_of(column);
    const bool numeric = mrq_look_numeric(column);
    char why[120];
    if (no_use(t, i, why)) {
        say(t->findings, look, i, "not used: %s", why);
        return;
    }
    if (column->role == MRQ_ROLE_AGE && numeric && !t->items)
        put_ages(out, i, name_field(t, i, "age"));
    else if (!t->items && (column->role == MRQ_ROLE_GENDER || is_gender(column)) && few(look, n))
        put_category(t, out, i, "gender");
    else if (!t->items && column->role == MRQ_ROLE_JOB && few(look, n))
        put_category(t, out, i, "job");
    else if (t->items && column->role == MRQ_ROLE_GENRES && !numeric && (set || 10 * (uint64_t)n <= 9 * look->rows))
        put_set(t, out, i, set, true);
    else if (is_year(column) && (column->role == MRQ_ROLE_YEAR || !*column->name))
        put_number(t, out, i, t->items);
    else if (numeric && (look->header || column->wholes < column->n || !few(look, n)) && !mrq_hint_is_id(column->name))
        put_number(t, out, i, false);
    else if (set)
        put_set(t, out, i, set, false);
    else if (few(look, n))
        put_category(t, out, i, NULL);
    else
        say(t->findings, look, i, "not used: %u different %s in %llu lines: too many for a category%s", n,
            column->numbers < column->n ? "texts" : "codes", (unsigned long long)look->rows, t->items ? ", and not the title" : "");
}

void mrq_guess_table(mrq_findings *f, const mrq_found *found, bool items)
{
    const mrq_look *look = found->look;
    table t = {.findings = f, .look = look, .items = items, .n = 1, .name = {"id"}};
    fields out = {.findings = f, .look = look};
    say_file(f, look, items ? f->noun.many : "users");
    open_file(f, items ? "items" : "users", look);
    const uint32_t title = items ? find_title(look, found->id) : look->columns;
    for (uint32_t i = 0; i < look->columns; i++) {
        if (i == found->id) {
            put_field(&out, i, "id", "id");
            end_field(&out);
            say(f, look, i, "the id");
        } else if (i == title) {
            put_title(&t, &out, i);
        } else {
            guess_column(&t, &out, i);
        }
    }
    close_file(&out);
}
