#include "base/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"

#define NUMBER 64 /* bytes of a number, with a NUL */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool mrq_parse_int(const char *text, size_t size, int64_t min, int64_t max, int64_t *out)
{
    const bool negative = size > 0 && text[0] == '-';
    size_t i = negative;
    if (i == size)
        return false;
    int64_t value = 0; /* built as a negative number, as INT64_MIN has no positive counterpart */
    for (; i < size; i++) {
        if (!is_digit(text[i]) || __builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return false;
    if (value < min || value > max)
        return false;
    *out = value;
    return true;
}

/* digits [. digits] [e [sign] digits]: what strtod() accepts, except hexadecimal, infinities, NaN and blanks */
static bool is_decimal(const char *text, size_t size)
{
    size_t i = size > 0 && text[0] == '-', digits = 0;
    for (; i < size && is_digit(text[i]); i++)
        digits++;
    if (i < size && text[i] == '.')
        for (i++; i < size && is_digit(text[i]); i++)
            digits++;
    if (!digits)
        return false;
    if (i < size && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        i += i < size && (text[i] == '-' || text[i] == '+');
        const size_t start = i;
        while (i < size && is_digit(text[i]))
            i++;
        if (i == start)
            return false;
    }
    return i == size;
}

bool mrq_is_number(const char *text, size_t size)
{
    return size < NUMBER && is_decimal(text, size);
}

/* digits [. digits] in up to 15 bytes: nearly every rating. The digits as a number and the power of ten are exact, so the quotient
 * is rounded once, as strtod() does. */
static bool parse_short(const char *text, size_t size, double *out)
{
    const bool negative = size > 0 && text[0] == '-';
    const size_t start = negative;
    double power = 1, number = 0;
    bool point = false, digit = false;
    if (size - start > 15)
        return false;
    for (size_t i = start; i < size; i++) {
        if (is_digit(text[i])) {
            number = 10 * number + (text[i] - '0');
            power = point ? 10 * power : 1;
            digit = true;
        } else if (text[i] == '.' && !point) {
            point = true;
        } else {
            return false;
        }
    }
    *out = (negative ? -number : number) / power;
    return digit;
}

bool mrq_parse_real(const char *text, size_t size, double min, double max, double *out)
{
    double value;
    if (!parse_short(text, size, &value)) {
        char copy[NUMBER];
        if (!mrq_is_number(text, size))
            return false;
        memcpy(copy, text, size);
        copy[size] = '\0';
        value = strtod_l(copy, NULL, mrq_c_locale());
    }
    if (!isfinite(value) || value < min || value > max)
        return false;
    *out = value;
    return true;
}

char *mrq_parse_value(const char **at, char *out)
{
    const char *from = *at + strspn(*at, " ");
    char *end = out, *kept = out; /* what is before it stays */
    for (; *from && *from != ','; from++) {
        const bool coded = *from == '\\' && from[1] && strchr(",\\ ", from[1]);
        from += coded;
        *end++ = *from;
        kept = coded ? end : kept;
    }
    while (end > kept && end[-1] == ' ')
        end--;
    *end++ = '\0';
    *at = from;
    return end;
}
