#include "dataset/timestamp.h"

#include <math.h>
#include <time.h>

#include "base/parse.h"

/* Years 1 to 9999, so that every time can be printed. */
#define TIME_MIN (-62135596800)
#define TIME_MAX 253402300799

const char *const mrq_time_wants[] = {[MRQ_TIME_SECONDS] = "seconds since 1970",
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
