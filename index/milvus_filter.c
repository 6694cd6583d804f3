/* Conditions as a filter expression of Milvus.
 *
 * The caller drops rows that pass wrongly, so what cannot be told is left out: names with characters that need escaping, texts as
 * long as those that were cut, columns that are no fields, and numbers that are not to be: for a row without a field servers answer
 * "field != 1" in different ways. Equal numbers are told one by one, because a server wants all numbers of a list to be of one
 * type, and only a few: the depth of an expression is limited. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "index/milvus.h"

#define NUMBERS_MAX 8                      /* told of one condition */
#define LONGEST     (MRQ_MILVUS_TEXT - 10) /* a text that was cut is longer */

bool mrq_milvus_has_field(const mrq_column *column)
{
    static const char *const others[] = {"id",   "row", "key",    "vector", "and",  "or",   "not",  "in",
                                         "like", "is",  "exists", "nan",    "true", "null", "false"};
    const char *name = column->name;
    if (!isalpha((unsigned char)*name) || strncasecmp(name, "json_", 5) == 0 || strncasecmp(name, "array_", 6) == 0)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(name, others[i]) == 0)
            return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return !*name;
}

/* The i-th value of a condition that is not about numbers. */
static const char *value_of(const mrq_condition *c, uint32_t i)
{
    return mrq_strings_at(c->column->kind == MRQ_TEXT ? &c->column->text : &c->column->dict, c->code[i]);
}

/* Whether a value needs no escaping between quotes. */
static bool plain(const char *value)
{
    const char *at = value;
    while (*at >= ' ' && *at <= '~' && *at != '"' && *at != '\\')
        at++;
    return !*at && at - value <= LONGEST;
}

static uint32_t count_plain(const mrq_condition *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        n += plain(value_of(c, i));
    return n;
}

/* Whether the expression of the condition lets all rows pass that meet it. */
static bool can_be_told(const mrq_condition *c)
{
    if (!mrq_milvus_has_field(c->column))
        return false;
    if (c->column->kind == MRQ_NUMBER)
        return c->compare >= MRQ_BELOW || (c->compare == MRQ_IS && c->n <= NUMBERS_MAX);
    const uint32_t n = count_plain(c);
    return c->compare == MRQ_IS ? n == c->n : n > 0; /* one that cannot be told: any of the others is not enough */
}

static void tell_list(mrq_print *out, const mrq_condition *c)
{
    const char *before = "[\"";
    for (uint32_t i = 0; i < c->n; i++) {
        const char *value = value_of(c, i);
        if (!plain(value))
            continue;
        mrq_print_add(out, before);
        mrq_print_add(out, value);
        before = "\", \"";
    }
    mrq_print_add(out, "\"]");
}

static void tell_numbers(mrq_print *out, const mrq_condition *c)
{
    static const char *const signs[] = {
        [MRQ_IS] = "==", [MRQ_BELOW] = "<", [MRQ_UP_TO] = "<=", [MRQ_ABOVE] = ">", [MRQ_FROM] = ">="};
    char number[MRQ_EXACT_TEXT], text[MRQ_COLUMN_NAME + MRQ_EXACT_TEXT + 16];
    mrq_print_add(out, c->n > 1 ? "(" : "");
    for (uint32_t i = 0; i < c->n; i++) {
        mrq_exact_text(c->number[i], number);
        snprintf(text, sizeof text, "%s%s %s %s", i ? " or " : "", c->column->name, signs[c->compare], number);
        mrq_print_add(out, text);
    }
    mrq_print_add(out, c->n > 1 ? ")" : "");
}

static void tell(mrq_print *out, const mrq_condition *c)
{
    const bool set = c->column->kind == MRQ_SET;
    if (c->column->kind == MRQ_NUMBER) {
        tell_numbers(out, c);
        return;
    }
    mrq_print_add(out, set && c->compare == MRQ_IS_NOT ? "not " : "");
    mrq_print_add(out, !set ? "" : c->compare == MRQ_IS_ALL ? "json_contains_all(" : "json_contains_any(");
    mrq_print_add(out, c->column->name);
    mrq_print_add(out, set ? ", " : c->compare == MRQ_IS_NOT ? " not in " : " in ");
    tell_list(out, c);
    mrq_print_add(out, set ? ")" : "");
}

char *mrq_milvus_filter(const mrq_terms *terms)
{
    mrq_print out = {0};
    mrq_print_add(&out, "");
    for (uint32_t i = 0; terms && i < terms->n; i++) {
        if (!can_be_told(&terms->condition[i]))
            continue;
        mrq_print_add(&out, out.size ? " and " : "");
        tell(&out, &terms->condition[i]);
    }
    return mrq_print_take(&out, NULL);
}
