/* Which files tell more of users or items that another file, or the events, list: those with a column that is called or, by the
 * file's name, is known to be their ids, if half of its ids are known. Numbers from 1 on are in every other column of numbers from
 * 1 on, so that without a name nothing is joined. */
#include <stdio.h>
#include <string.h>

#include "dataset/schema.h"
#include "guess/findings.h"

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
