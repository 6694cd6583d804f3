/* Which files tell more of users or items that another file, or the events, list: those with a column that is called or, by the
 * file's name, is known to be their ids, if half of its ids are known. Numbers from 1 on are in every other column of numbers from
 * 1 on, so that without a name nothing is joined. */
#include <stdio.h>
#include <string.h>

#include "dataset/guess_private.h"
#include "dataset/schema.h"

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

/* Whether a joined file has a column that a schema can use. */
static bool has_use(const mrq_look *look, uint32_t id, bool several)
{
    char why[120];
    for (uint32_t i = 0; i < look->columns; i++)
        if (i != id && (several ? mrq_guess_many(look, i)
                                : !mrq_guess_no_use(look, i, why) && look->column[i].role != MRQ_ROLE_USER &&
                                      look->column[i].role != MRQ_ROLE_ITEM))
            return true;
    return false;
}

const mrq_look_column *mrq_guess_ids(const mrq_findings *f, bool items)
{
    const mrq_found *table = items ? &f->items : &f->users;
    return table->look ? &table->look->column[table->id] : &f->events.look->column[items ? f->events.item : f->events.user];
}

/* How surely column `k` has ids of these; below 0: it has not. */
static double fit(const mrq_findings *f, const mrq_look *look, uint32_t k, bool items)
{
    const mrq_look_column *values = &look->column[k], *ids = mrq_guess_ids(f, items);
    const mrq_role want = items ? MRQ_ROLE_ITEM : MRQ_ROLE_USER;
    mrq_noun noun = {"", ""};
    const char *missing;
    const bool of_file = mrq_guess_file_role(look, &noun) == want && (look->header ? values->role == MRQ_ROLE_ID : !k);
    const bool same = *values->name && strcmp(values->name, ids->name) == 0;
    if (values->nameless || !values->n || values->empty || values->unknown || values->longest > MRQ_ID_BYTES ||
        !(values->role == want || same || of_file))
        return -1;
    const double share = (double)mrq_guess_contained(values, ids, &missing) / mrq_dict_strings(values->values).n;
    return share < (mrq_look_whole(look) && mrq_look_whole(f->events.look) ? 0.5 : 0.1) ? -1
                                                                                        : 2 * same + (values->role == want) + share;
}

/* What could be events without saying so is joined only if its name says that it is of one side: "item_tag.dat" with two
 * columns. */
static bool may_be_joined(const mrq_look *look, bool events_too)
{
    mrq_noun noun = {"", ""};
    char word[MRQ_COLUMN_NAME];
    if (*look->why_not || look->lists || look->columns < 2 || mrq_guess_broken(look))
        return false;
    mrq_guess_file_word(look->file, word);
    return !events_too || look->header || (look->columns == 2 && mrq_guess_file_role(look, &noun) != MRQ_ROLE_NONE && *word);
}

/* What fits both, as what users wrote of items, tells of the items. */
void mrq_guess_joins(mrq_look *look, const bool *events_too, uint32_t n, mrq_findings *f)
{
    uint32_t joined[2] = {0};
    for (uint32_t i = 0; i < n; i++) {
        mrq_found_join best = {.look = NULL};
        double most = -1;
        if (&look[i] == f->events.look || &look[i] == f->items.look || &look[i] == f->users.look ||
            !may_be_joined(&look[i], events_too[i]))
            continue;
        for (uint32_t k = 0; k < 2 * look[i].columns; k++) {
            const uint32_t id = k % look[i].columns;
            const bool items = k < look[i].columns, several = !mrq_guess_is_unique(&look[i], id);
            const double found = fit(f, &look[i], id, items);
            if (found > most && joined[items] < MRQ_JOINS_MAX && has_use(&look[i], id, several)) {
                most = found;
                best = (mrq_found_join){&look[i], id, items, several};
            }
        }
        if (!best.look)
            continue;
        joined[best.items]++;
        f->joined[f->n_joined++] = best;
    }
}
