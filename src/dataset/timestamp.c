#include "dataset/timestamp.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/c_locale.h"
#include "base/parse.h"

/* Years 1 to 9999, so that every time can be printed. */
#define TIME_MIN (-62135596800)
#define TIME_MAX 253402300799

static const char *const wants[] = {[MRQ_TIME_SECONDS] = "seconds since 1970",
                                    [MRQ_TIME_MILLISECONDS] = "milliseconds since 1970",
                                    [MRQ_TIME_MICROSECONDS] = "microseconds since 1970",
                                    [MRQ_TIME_ISO] = "a time such as 2026-01-31T02:00:00Z"};

/* Exactly `n` digits at `*at`, which moves behind them. */
static bool digits(mrq_span text, size_t *at, int n, int most, int *out)
{
    int value = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (*at >= text.size || text.text[*at] < '0' || text.text[*at] > '9')
            return false;
        value = 10 * value + (text.text[*at] - '0');
    }
    *out = value;
    return value <= most;
}

static bool skip(mrq_span text, size_t *at, const char *any)
{
    for (; *any; any++)
        if (*at < text.size && text.text[*at] == *any) {
            (*at)++;
            return true;
        }
    return false;
}

/* Seconds east of Greenwich. */
static bool parse_zone(mrq_span text, size_t *at, int *east)
{
    int hours = 0, minutes = 0;
    *east = 0;
    if (*at == text.size || skip(text, at, "Zz"))
        return *at == text.size;
    const bool west = text.text[*at] == '-';
    if (!skip(text, at, "+-") || !digits(text, at, 2, 18, &hours))
        return false;
    if (*at < text.size) {
        skip(text, at, ":");
        if (!digits(text, at, 2, 59, &minutes))
            return false;
    }
    *east = (west ? -1 : 1) * (3600 * hours + 60 * minutes);
    return *at == text.size;
}

static bool parse_clock(mrq_span text, size_t *at, struct tm *tm)
{
    int ignored;
    if (!digits(text, at, 2, 24, &tm->tm_hour) || !skip(text, at, ":") || !digits(text, at, 2, 59, &tm->tm_min))
        return false;
    if (skip(text, at, ":") && !digits(text, at, 2, 60, &tm->tm_sec))
        return false;
    if (skip(text, at, ".,") && !digits(text, at, 1, 9, &ignored))
        return false;
    while (digits(text, at, 1, 9, &ignored))
        ;
    return true;
}

static bool parse_iso(mrq_span text, int64_t *out)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct tm tm = {0};
    size_t at = 0;
    int year, month, east = 0;
    if (!digits(text, &at, 4, 9999, &year) || !skip(text, &at, "-") || !digits(text, &at, 2, 12, &month) || !skip(text, &at, "-") ||
        !digits(text, &at, 2, 31, &tm.tm_mday) || year < 1 || month < 1 || tm.tm_mday < 1 || tm.tm_mday > days[month - 1])
        return false;
    if (month == 2 && tm.tm_mday == 29 && (year % 4 || (year % 100 == 0 && year % 400)))
        return false;
    if (at < text.size && (!skip(text, &at, "Tt ") || !parse_clock(text, &at, &tm) || !parse_zone(text, &at, &east)))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    *out = (int64_t)timegm(&tm) - east;
    return true;
}

bool mrq_time_parse(mrq_span text, mrq_time_unit unit, int64_t *out)
{
    static const int64_t parts[] = {[MRQ_TIME_SECONDS] = 1, [MRQ_TIME_MILLISECONDS] = 1000, [MRQ_TIME_MICROSECONDS] = 1000000};
    if (unit == MRQ_TIME_ISO)
        return parse_iso(text, out) && *out >= TIME_MIN && *out <= TIME_MAX;
    const int64_t of = parts[unit];
    int64_t whole;
    double real;
    if (mrq_parse_int(text.text, text.size, TIME_MIN * of, TIME_MAX * of + of - 1, &whole)) {
        *out = whole / of - (whole % of < 0);
        return true;
    }
    if (!mrq_parse_real(text.text, text.size, (double)(TIME_MIN * of), (double)(TIME_MAX * of), &real))
        return false;
    *out = (int64_t)floor(real / (double)of);
    return true;
}

#define FORMAT_BYTES 64 /* of a format, and of a time by it */

bool mrq_time_knows(const char *format)
{
    bool year = false;
    if (strlen(format) >= FORMAT_BYTES)
        return false;
    for (const char *p = format; *p; p++) {
        if (*p < ' ' || *p > '~')
            return false;
        if (*p != '%')
            continue;
        if (!*++p || !strchr(MRQ_TIME_CONVERSIONS, *p))
            return false;
        year |= strchr("YyDF", *p) != NULL;
    }
    return year;
}

/* strptime() takes the 31st of every month, which timegm() makes the first of the next. */
static bool is_real_day(const struct tm *tm)
{
    struct tm day = *tm;
    day.tm_sec = 0; /* 60 is a leap second */
    timegm(&day);
    return day.tm_mday == tm->tm_mday && day.tm_mon == tm->tm_mon;
}

static bool parse_format(mrq_span text, const char *format, int64_t *out)
{
    char copy[FORMAT_BYTES];
    struct tm tm = {.tm_mday = 1};
    if (!text.size || text.size >= sizeof copy)
        return false;
    memcpy(copy, text.text, text.size);
    copy[text.size] = '\0';
    const char *end = strptime_l(copy, format, &tm, mrq_c_locale());
    if (!end || *end || !is_real_day(&tm))
        return false;
    const long east = tm.tm_gmtoff;
    *out = (int64_t)timegm(&tm) - east;
    return *out >= TIME_MIN && *out <= TIME_MAX;
}

bool mrq_time_read(mrq_span text, const mrq_field *field, int64_t *out)
{
    return field->format ? parse_format(text, field->format, out) : mrq_time_parse(text, field->unit, out);
}

const char *mrq_time_want(const mrq_field *field, char out[MRQ_TIME_WANT])
{
    if (field->format)
        snprintf(out, MRQ_TIME_WANT, "a time written as \"%s\"", field->format);
    else
        snprintf(out, MRQ_TIME_WANT, "%s", wants[field->unit]);
    return out;
}
