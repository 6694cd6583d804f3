/* Finds an item by its id, or by its title or a part of it; ASCII letters match in either case. */
#include <stdio.h>
#include <string.h>

#include "engine/resolve.h"

enum { NOTHING, PART, WITHOUT_YEAR, WHOLE }; /* how well a title matches */

static int match(const char *title, const char *text)
{
    const size_t size = strlen(text), whole = strlen(title);
    if (strcasecmp(title, text) == 0)
        return WHOLE;
    const bool year_follows = whole == size + 7 && title[size] == ' ' && title[size + 1] == '(' && title[whole - 1] == ')' &&
                              strspn(title + size + 2, "0123456789") == 4;
    if (year_follows && strncasecmp(title, text, size) == 0)
        return WITHOUT_YEAR;
    return strcasestr(title, text) ? PART : NOTHING;
}

/* "item "x": 3 titles match, want the id of one: 1 Toy Story (1995), 7 ..." */
static mrq_status ambiguous(const mrq_table *items, const mrq_strings *titles, const char *text, int level, uint32_t n,
                            mrq_error *err)
{
    enum { LISTED = 5 };
    char list[LISTED * 110] = "";
    uint32_t listed = 0;
    for (uint32_t i = 0; i < titles->n && listed < LISTED; i++)
        if (match(mrq_strings_at(titles, i), text) == level)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.40s %.60s", listed++ ? ", " : "", mrq_table_id(items, i),
                     mrq_strings_at(titles, i));
    return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": %u titles match, want the id of one: %s%s", items->noun.one, text, n, list,
                    n > listed ? ", ..." : "");
}

mrq_status mrq_title_find(const mrq_table *items, const char *text, uint32_t *row, mrq_error *err)
{
    const mrq_column *title = mrq_table_first(items, MRQ_TEXT);
    if ((*row = mrq_table_find(items, text, strlen(text))) != MRQ_NONE)
        return MRQ_OK;
    int level = NOTHING;
    uint32_t n = 0;
    for (uint32_t i = 0; title && *text && i < items->rows; i++) {
        const int how = match(mrq_strings_at(&title->text, i), text);
        if (how > level) {
            level = how;
            n = 0;
            *row = i;
        }
        n += how == level;
    }
    if (level == NOTHING)
        return mrq_fail(err, MRQ_NOT_FOUND, "%s \"%.40s\": want the id of one of the %u %s%s", items->noun.one, text, items->rows,
                        mrq_table_noun(items, items->rows), title ? ", or its title or a part of it" : "");
    return n == 1 ? MRQ_OK : ambiguous(items, &title->text, text, level, n, err);
}
