/* Every delimiter is tried, with quotes and without; the one wins that gives most lines one and the same number of columns, and of
 * several the one with most columns. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "guess/cut.h"

/* How many of the first records have the most frequent number of columns. */
typedef struct trial {
    const char *delimiter;
    bool quoted;
    char escape;
    uint32_t columns;
    double share;
} trial;

static trial try_delimiter(const mrq_look *look, const char *delimiter, bool quoted, char escape)
{
    uint32_t count[MRQ_FIELDS_MAX + 2] = {0}, best = 0, n = 0;
    mrq_cutter c = mrq_cutter_of(look, delimiter, quoted);
    c.escape = escape;
    for (; n < MRQ_TRIAL && mrq_cut(&c); n++)
        if (!c.broken)
            count[c.n <= MRQ_FIELDS_MAX ? c.n : MRQ_FIELDS_MAX + 1]++;
    for (uint32_t i = 1; i <= MRQ_FIELDS_MAX + 1; i++)
        best = count[i] > count[best] ? i : best;
    const bool needless = quoted && !c.any;
    return (trial){delimiter, quoted, escape, best, needless || !n ? 0 : (double)count[best] / n};
}

static bool is_better(const trial *a, const trial *b)
{
    if (a->columns < 2 || a->columns > MRQ_FIELDS_MAX)
        return false;
    if (*a->delimiter == ' ' && b->share > 0.9)
        return false; /* texts may all have as many words */
    if (fabs(a->share - b->share) > 0.02)
        return a->share > b->share;
    return a->columns > b->columns;
}

/* Whether the text is one word that holds a digit and can be an id. */
static bool is_token(mrq_span span)
{
    bool digit = false;
    for (size_t i = 0; i < span.size; i++) {
        const char c = span.text[i];
        digit |= c >= '0' && c <= '9';
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' && c != '-')
            return false;
    }
    return digit;
}

/* Lines of a user and any number of items. */
static bool are_lists(const mrq_look *look, const char *delimiter)
{
    uint64_t lines = 0, tokens = 0, all = 0, long_ones = 0;
    mrq_cutter c = mrq_cutter_of(look, delimiter, false);
    for (; lines < MRQ_TRIAL && mrq_cut(&c); lines++) {
        long_ones += c.n > 2;
        for (uint32_t i = 0; i < c.n && i < MRQ_FIELDS_MAX; i++)
            if (c.field[i].size) {
                all++;
                tokens += is_token(c.field[i]);
            }
    }
    const trial t = try_delimiter(look, delimiter, false, 0);
    return lines && all > lines && tokens == all && t.share < 0.97 && 10 * long_ones > lines;
}

bool mrq_look_names(const mrq_look *look)
{
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    char name[MRQ_HEADER_NAME + 1];
    if (!mrq_cut(&c) || c.n > MRQ_FIELDS_MAX)
        return false;
    for (uint32_t i = 0; i < c.n; i++) {
        snprintf(name, sizeof name, "%.*s", (int)(c.field[i].size < sizeof name ? c.field[i].size : 0), c.field[i].text);
        if (*name && mrq_hint_column(name) != MRQ_ROLE_NONE)
            return true;
    }
    return false;
}

/* The best way of quoting with a delimiter. */
static trial try_quotes(const mrq_look *look, const char *delimiter)
{
    trial best = try_delimiter(look, delimiter, false, 0);
    const trial quoted = try_delimiter(look, delimiter, true, 0);
    if (quoted.columns > 1 && quoted.share > best.share - 0.02)
        best = quoted;
    if (!strstr(look->sample, "\\\""))
        return best;
    const trial escaped = try_delimiter(look, delimiter, true, '\\');
    return escaped.columns > 1 && escaped.share > best.share ? escaped : best;
}

/* Records of the whole sample that do not fit. */
static uint64_t count_broken(const mrq_look *look, char escape)
{
    uint64_t n = 0;
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    c.escape = escape;
    while (mrq_cut(&c))
        n += c.broken || c.n != look->columns;
    return n;
}

bool mrq_look_layout(mrq_look *look)
{
    static const char *const delimiters[] = {"::", "\t", ";", "|", ",", " "}, *const between[] = {" ", "\t", ","};
    trial best = {0};
    bool wide = false;
    for (int i = 0; i < 3; i++)
        if (are_lists(look, between[i])) {
            look->delimiter = between[i];
            return look->lists = true;
        }
    for (int i = 0; i < 6; i++) {
        const trial t = try_quotes(look, delimiters[i]);
        if (is_better(&t, &best))
            best = t;
        wide |= t.columns > MRQ_FIELDS_MAX && t.share > 0.85 && *t.delimiter != ' ';
    }
    if (!best.delimiter && wide)
        snprintf(look->why_not, sizeof look->why_not,
                 "more than %d columns; if they are items and its lines are users, write a schema with \"format\": \"matrix\"",
                 MRQ_FIELDS_MAX);
    if (!best.delimiter)
        return false;
    look->delimiter = best.delimiter;
    look->quoted = best.quoted;
    look->columns = best.columns;
    look->escape = best.escape;
    if (best.quoted && !best.escape && strstr(look->sample, "\\\"") && count_broken(look, '\\') < count_broken(look, 0))
        look->escape = '\\'; /* of rare quotes, behind the first lines */
    return best.share >= (*best.delimiter != ' ' && mrq_look_names(look) ? 0.6 : 0.85);
}
