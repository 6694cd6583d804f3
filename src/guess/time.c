/* The time of events. What names do not tell, the values do: a time is a number of seconds between 1973 and 2100, as most numbers
 * are not, a date of ISO 8601, or one in a common format that all values have. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "dataset/timestamp.h"
#include "guess/findings.h"

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

/* Dates, each with all clocks. Where two fit, as the 3rd of April does the 4th of March, the first is taken. */
static const char *const dates[] = {"%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",  "%d.%m.%Y", "%Y/%m/%d",
                                    "%Y.%m.%d", "%Y-%m-%d", "%d/%m/%y", "%m/%d/%y",  "%d-%m-%y", "%m-%d-%y",
                                    "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y", "%b %d %Y", "%m %d, %Y"};
static const char *const clocks[] = {"", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"};
static const char *const others[] = {"%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z",
                                     "%d/%b/%Y:%H:%M:%S %z"};
static const struct compact {
    const char *format;
    size_t digits;
} compacts[] = {{"%Y%m%d", 8}, {"%Y%m%d%H%M", 12}, {"%Y%m%d%H%M%S", 14}};
#define N(array)  (sizeof(array) / sizeof *(array))
#define FORMATS   (N(dates) * N(clocks) + N(others))
#define YEAR_1900 (-2208988800)

static const char *format_at(size_t k, char out[MRQ_TIME_WANT])
{
    if (k < N(dates) * N(clocks))
        snprintf(out, MRQ_TIME_WANT, "%s%s", dates[k / N(clocks)], clocks[k % N(clocks)]);
    else
        snprintf(out, MRQ_TIME_WANT, "%s", others[k - N(dates) * N(clocks)]);
    return out;
}

/* Whether all values are times from 1900 to 2100 in a format; %Y alone would take 17 for a year of the Romans. */
static bool has_format(const mrq_strings *values, const char *format)
{
    const mrq_field field = {.format = format};
    int64_t time;
    for (uint32_t i = 0; i < values->n; i++)
        if (!mrq_time_read((mrq_span){mrq_strings_at(values, i), mrq_strings_size(values, i)}, &field, &time) || time < YEAR_1900 ||
            (double)time > YEAR_2100)
            return false;
    return values->n > 0;
}

/* The first format from number `k` on that all values have; FORMATS when there is none. */
static size_t find_format(const mrq_look_column *column, size_t k)
{
    char format[MRQ_TIME_WANT];
    const mrq_strings values = mrq_dict_strings(column->values);
    if (column->lists || column->numbers || column->digits < column->n)
        return FORMATS;
    while (k < FORMATS && !has_format(&values, format_at(k, format)))
        k++;
    return k;
}

/* The format of dates without anything between their parts, such as 20190301; NULL when the values are no such dates. */
static const char *find_compact(const mrq_look_column *column)
{
    const mrq_strings values = mrq_dict_strings(column->values);
    for (size_t k = 0; k < N(compacts); k++)
        if (column->numbers == column->n && column->longest == compacts[k].digits &&
            column->bytes == compacts[k].digits * column->n && has_format(&values, compacts[k].format))
            return compacts[k].format;
    return NULL;
}

/* Whether the values, some zeros apart, are times, going by them alone. */
static bool looks_like_time(const mrq_findings *f, const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    if ((column->n && column->dates == column->n) || find_compact(column))
        return true;
    if (!mrq_look_numeric(column) || !unit_of(column) || column->max < SURELY_TIME)
        return false;
    return mrq_guess_median(f, look, i) >= SURELY_TIME;
}

/* Named so and with numbers or dates of ISO 8601 in it, named so and with a format, only named so; not named so, but with either
 * of these. */
uint32_t mrq_guess_find_time(const mrq_findings *f, const mrq_look *look, uint32_t user, uint32_t item)
{
    enum { PLAIN, FORMATTED, ANY, WAYS = ANY + 1 + ANY };
    for (int way = 0; way < WAYS; way++)
        for (uint32_t i = 0; i < look->columns; i++) {
            const mrq_look_column *column = &look->column[i];
            const int like = way % (ANY + 1);
            if (i != user && i != item && !column->nameless && (way > ANY || column->role == MRQ_ROLE_TIME) &&
                (like == ANY || (like == PLAIN ? looks_like_time(f, look, i) : find_format(column, 0) < FORMATS)))
                return i;
        }
    return look->columns;
}

/* Dates in a format; false when no known one fits. */
static bool guess_format(const mrq_findings *f, const mrq_look *look, uint32_t i, char out[MRQ_GUESS_UNIT])
{
    char format[MRQ_TIME_WANT], unknown[48];
    const mrq_look_column *column = &look->column[i];
    const mrq_strings values = mrq_dict_strings(column->values);
    const char *compact = find_compact(column);
    const size_t k = compact ? FORMATS : find_format(column, 0);
    if (!compact && k == FORMATS)
        return false;
    if (compact)
        snprintf(format, sizeof format, "%s", compact);
    else
        format_at(k, format);
    snprintf(out, MRQ_GUESS_UNIT, "{\"format\": \"%.60s\"}", format);
    mrq_say_column(f, look, i, "the time, as dates such as %s, in the format \"%s\"%s",
                   compact ? mrq_strings_at(&values, 0) : column->word, format, mrq_guess_unknown(column, unknown));
    const size_t other = find_format(column, k + 1);
    if (other < FORMATS)
        mrq_say_column(f, look, i, "note: all of them could be in the format \"%s\" too; change \"format\" if they are",
                       format_at(other, format));
    return true;
}

bool mrq_guess_time(const mrq_findings *f, const mrq_look *look, uint32_t i, char out[MRQ_GUESS_UNIT])
{
    const mrq_look_column *column = &look->column[i];
    char from[16], to[16], unknown[48];
    if (!column->n) {
        mrq_say_column(f, look, i, "not used as the time: %llu of the events have none",
                       (unsigned long long)column->empty + column->unknown);
        return false;
    }
    if (column->dates == column->n) {
        mrq_say_column(f, look, i, "the time, as dates such as %.24s%s", column->word, mrq_guess_unknown(column, unknown));
        snprintf(out, MRQ_GUESS_UNIT, "\"iso\"");
        return true;
    }
    if (guess_format(f, look, i, out))
        return true;
    const struct unit *unit = mrq_look_numeric(column) ? unit_of(column) : NULL;
    if (!unit) {
        mrq_say_column(f, look, i,
                       "not used as the time: \"%s\" is neither a number of seconds since 1970 nor a date in a known format; "
                       "\"unit\": {\"format\": ...} can tell another",
                       *column->word ? column->word : "the numbers");
        return false;
    }
    mrq_say_column(f, look, i, "the time, %s since 1970: %s to %s%s", unit->name, day(column->min / unit->parts, from),
                   day(column->max / unit->parts, to), mrq_guess_unknown(column, unknown));
    snprintf(out, MRQ_GUESS_UNIT, "\"%s\"", unit->name);
    return true;
}
