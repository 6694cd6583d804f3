/* What a column beside the ids, or a file's name, is good for. */
#include <stdio.h>
#include <string.h>

#include "guess/findings.h"

mrq_role mrq_guess_file_role(const mrq_look *look, mrq_noun *noun)
{
    mrq_role roles[2];
    mrq_hint_file(look->file, roles, noun);
    return roles[1] == MRQ_ROLE_NONE || roles[1] == roles[0] ? roles[0] : MRQ_ROLE_NONE;
}

void mrq_guess_file_word(const char *file, char out[MRQ_COLUMN_NAME])
{
    size_t n = 0;
    *out = '\0';
    for (const char *p = file; *p && *p != '.';) {
        const size_t size = strcspn(p, "_-. ");
        char word[64];
        mrq_role roles[2];
        mrq_noun noun = {"", ""};
        snprintf(word, sizeof word, "%.*s", (int)size, p);
        mrq_hint_file(word, roles, &noun);
        if (roles[0] == MRQ_ROLE_NONE && size && n + size + 1 < MRQ_COLUMN_NAME - 4)
            n += (size_t)snprintf(out + n, MRQ_COLUMN_NAME - n, "%s%s", n ? "_" : "", word);
        p += size + strspn(p + size, "_- ");
    }
    for (char *p = out; *p; p++) {
        const bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'), digit = *p >= '0' && *p <= '9';
        *p = letter ? (char)(*p | 0x20) : digit || *p == '_' ? *p : '_';
    }
}

static const char *first_value(const mrq_look_column *column)
{
    const mrq_strings values = mrq_dict_strings(column->values);
    return mrq_strings_at(&values, 0);
}

const char *mrq_guess_no_use(const mrq_look *look, uint32_t i, char out[120])
{
    const mrq_look_column *column = &look->column[i];
    const uint32_t n = mrq_dict_strings(column->values).n;
    const char *why = NULL;
    if (column->unfit)
        why = column->unfit;
    else if (column->nameless)
        why = "it has no name";
    else if (!column->n)
        why = "it is empty";
    else if (2 * column->addresses > column->n)
        why = "addresses";
    else if (2 * column->dates > column->n)
        why = "dates, which no kind of field holds";
    else if (column->role == MRQ_ROLE_TIME && mrq_look_numeric(column) && column->min >= 1e8)
        why = "times, which no kind of field holds";
    else if (column->brackets)
        why = "some values stand in brackets, [...], as programs write lists; want members with one character between them";
    else if ((mrq_hint_is_id(column->name) || (!look->header && mrq_look_whole_numbers(column))) && n == column->n && n > 9)
        why = "an id of its own for each line";
    else if (mrq_hint_is_id(column->name) && (column->role == MRQ_ROLE_USER || column->role == MRQ_ROLE_ITEM))
        why = "ids";
    if (why)
        snprintf(out, 120, "%s", why);
    else if (n == 1 && look->rows > 1 && column->n == look->rows)
        snprintf(out, 120, "it is \"%.40s\" everywhere", first_value(column));
    else
        return NULL;
    return out;
}

bool mrq_guess_many(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *column = &look->column[i];
    const uint32_t n = mrq_dict_strings(column->values).n;
    char why[120];
    if (mrq_guess_no_use(look, i, why) || column->lists || column->role == MRQ_ROLE_USER || column->role == MRQ_ROLE_ITEM ||
        column->role == MRQ_ROLE_VALUE || column->role == MRQ_ROLE_COUNT || column->role == MRQ_ROLE_TIME)
        return false;
    const bool code = !look->header && look->columns == 2 && mrq_look_whole_numbers(column);
    return (code || column->numbers < column->n) && n > 1 && 2 * (uint64_t)n <= column->n;
}
