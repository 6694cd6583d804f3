/* The profile of a column: each value adds to it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/utf8.h"
#include "dataset/timestamp.h"
#include "guess/look.h"

const char *const mrq_unknown_texts[] = {"NULL", "null", "\\N",  "-",       "NaN",     "nan", "NA",  "N/A",
                                         "n/a",  "None", "none", "Unknown", "unknown", "?",   "nil", "(no genres listed)",
                                         NULL};

int mrq_look_unknown(mrq_span span)
{
    for (int i = 0; mrq_unknown_texts[i]; i++)
        if (strlen(mrq_unknown_texts[i]) == span.size && memcmp(mrq_unknown_texts[i], span.text, span.size) == 0)
            return i;
    return -1;
}

bool mrq_look_is_date(mrq_span span)
{
    int64_t time;
    return span.size >= 10 && mrq_time_parse(span, MRQ_TIME_ISO, &time);
}

static bool has_digit(mrq_span span)
{
    for (size_t i = 0; i < span.size; i++)
        if (span.text[i] >= '0' && span.text[i] <= '9')
            return true;
    return false;
}

/* A year in brackets at the end. */
static bool ends_in_year(mrq_span span)
{
    while (span.size && span.text[span.size - 1] == ' ')
        span.size--;
    const char *p = span.text + span.size - 6;
    return span.size >= 6 && p[0] == '(' && p[5] == ')' && strspn(p + 1, "0123456789") == 4 && (p[1] == '1' || p[1] == '2');
}

static bool begins(mrq_span span, const char *with)
{
    return span.size >= strlen(with) && memcmp(span.text, with, strlen(with)) == 0;
}

static int add_members(mrq_look_set *set, mrq_span span)
{
    const char *end = span.text + span.size;
    set->texts += memchr(span.text, *set->delimiter, span.size) != NULL;
    for (const char *p = span.text; p <= end;) {
        const char *stop = memchr(p, *set->delimiter, (size_t)(end - p));
        const char *to = stop ? stop : end;
        while (p < to && *p == ' ')
            p++;
        const char *last = to;
        while (last > p && last[-1] == ' ')
            last--;
        set->members++;
        if (mrq_dict_add(set->dict, p, (size_t)(last - p)) == MRQ_NONE)
            return -1;
        p = to + 1;
    }
    return 0;
}

static void add_number(mrq_look_column *column, mrq_span span)
{
    double number;
    const bool minus = span.size && *span.text == '-';
    if (!mrq_parse_real(span.text, span.size, -HUGE_VAL, HUGE_VAL, &number)) {
        if (!*column->word)
            snprintf(column->word, sizeof column->word, "%.*s", (int)(span.size < 31 ? span.size : 31), span.text);
        mrq_utf8_clean(column->word);
        return;
    }
    column->min = column->numbers && column->min < number ? column->min : number;
    column->max = column->numbers && column->max > number ? column->max : number;
    column->numbers++;
    column->zeros += number == 0;
    column->points += mrq_whole_size(span) + 2 == span.size;
    column->wholes += fabs(number) < 9e18 && number == floor(number);
    column->codes += span.size > (size_t)minus + 1 && span.text[minus] == '0' && span.text[minus + 1] != '.';
}

/* A list of JSON's: its members, with a NUL behind each, are the values. */
static int add_list(mrq_look_column *column, mrq_span span)
{
    column->n++;
    column->lists++;
    for (const char *p = span.text; p < span.text + span.size; p += strlen(p) + 1) {
        column->set[0].members++;
        if (mrq_dict_add(column->set[0].dict, p, strlen(p)) == MRQ_NONE || mrq_dict_add(column->values, p, strlen(p)) == MRQ_NONE)
            return -1;
    }
    return 0;
}

int mrq_look_value(mrq_look_column *column, mrq_span span, bool sets)
{
    if (span.size && !span.text[span.size - 1])
        return add_list(column, span);
    const int unknown = mrq_look_unknown(span);
    column->empty += !span.size;
    column->unknown += unknown >= 0;
    if (unknown >= 0)
        column->unknown_texts |= 1u << unknown;
    if (!span.size || unknown >= 0)
        return 0;
    column->n++;
    column->bytes += span.size;
    column->longest = span.size > column->longest ? span.size : column->longest;
    add_number(column, span);
    column->digits += has_digit(span);
    column->dates += mrq_look_is_date(span);
    column->years += ends_in_year(span);
    column->addresses += begins(span, "http://") || begins(span, "https://");
    column->brackets += *span.text == '[' && span.text[span.size - 1] == ']';
    const mrq_span kept = {span.text, span.size < MRQ_LOOK_VALUE ? span.size : MRQ_LOOK_VALUE};
    if (mrq_dict_add(column->values, kept.text, kept.size) == MRQ_NONE)
        return -1;
    for (int i = 0; sets && column->numbers < column->n && i < MRQ_LOOK_SETS; i++)
        if (add_members(&column->set[i], kept))
            return -1;
    return 0;
}

mrq_status mrq_look_columns(mrq_look *look, uint32_t n, mrq_error *err)
{
    static const char delimiters[MRQ_LOOK_SETS] = {'|', ',', ';'};
    look->columns = n;
    look->column = mrq_array(n, sizeof *look->column);
    if (!look->column)
        return mrq_fail_memory(err, "looking at a file");
    for (uint32_t i = 0; i < n; i++) {
        mrq_look_column *column = &look->column[i];
        bool made = (column->values = mrq_dict_new()) != NULL;
        for (int k = 0; k < MRQ_LOOK_SETS; k++) {
            column->set[k].delimiter[0] = delimiters[k];
            made &= (column->set[k].dict = mrq_dict_new()) != NULL;
        }
        if (!made)
            return mrq_fail_memory(err, "looking at a file");
    }
    return MRQ_OK;
}

void mrq_look_columns_free(mrq_look *look)
{
    for (uint32_t i = 0; look->column && i < look->columns; i++) {
        mrq_dict_free(look->column[i].values);
        for (int k = 0; k < MRQ_LOOK_SETS; k++)
            mrq_dict_free(look->column[i].set[k].dict);
    }
    mrq_free(look->column);
    look->column = NULL;
}
