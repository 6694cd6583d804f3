/* Which file is what.
 *
 * Of the files with columns, the events are the largest that has a user and an item in each line; names of columns tell which is
 * which, or else the file's name, or else their places. Then a file is a table of items, or of users, if one of its columns has no
 * value twice and holds all ids of the events: "all" because training asks for it, and because numbers from 1 on are in every
 * other column of numbers from 1 on. */
#include <stdio.h>
#include <string.h>

#include "guess/folder.h"
/* --- events --- */

/* Whether a column of events can be an id. */
static bool is_like_id(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *c = &look->column[i];
    return c->n && !c->nameless && !c->lists && !c->empty && !c->dates && !c->addresses && c->longest <= MRQ_ID_BYTES &&
           c->bytes <= 48 * c->n && (c->numbers < c->n || c->wholes == c->numbers) &&
           (mrq_dict_strings(c->values).n > 1 || look->rows < 10);
}

static uint32_t find_role(const mrq_look *look, mrq_role role)
{
    for (uint32_t i = 0; i < look->columns; i++)
        if (look->column[i].role == role)
            return i;
    return look->columns;
}

/* The first column from `i` on that can be an id and is not `other`. */
static uint32_t next_id(const mrq_look *look, uint32_t i, uint32_t other)
{
    while (i < look->columns && (i == other || !is_like_id(look, i) || look->column[i].role > MRQ_ROLE_ITEM))
        i++;
    return i;
}

static const char by_place[] = "by its place: nothing names it; exchange \"user\" and \"item\" in the schema if that is wrong";

/* The columns of the user and the item, without names for both. */
static bool find_nameless(mrq_look *look, mrq_found *out)
{
    mrq_role roles[2];
    mrq_noun noun = {"", ""};
    out->user = find_role(look, MRQ_ROLE_USER);
    out->item = find_role(look, MRQ_ROLE_ITEM);
    const bool user = out->user < look->columns, item = out->item < look->columns;
    if (user || item) {
        uint32_t *other = user ? &out->item : &out->user;
        *other = next_id(look, 0, user ? out->user : out->item);
        out->how = user ? "the first column that can be one, beside the user" : "the first column that can be one, beside the item";
        if (mrq_guess_is_unique(look, user ? out->user : out->item))
            return false;
    } else {
        out->user = next_id(look, 0, UINT32_MAX);
        out->item = next_id(look, out->user + 1, UINT32_MAX);
        out->how = by_place;
        mrq_hint_file(look->file, roles, &noun);
        if (roles[0] != MRQ_ROLE_NONE && roles[1] != MRQ_ROLE_NONE && roles[0] != roles[1])
            out->how = "by its place, as the file's name has it";
        if (roles[0] == MRQ_ROLE_ITEM && roles[1] == MRQ_ROLE_USER) {
            const uint32_t first = out->user;
            out->user = out->item;
            out->item = first;
        }
    }
    if (out->user >= look->columns || out->item >= look->columns)
        return false;
    if (!user && !item && look->column[out->user].digits < look->rows && look->column[out->item].digits < look->rows)
        return false; /* two words are no user and no item */
    /* Who is there once only has one event; then it is a table of what users or items are. */
    return look->rows < 10 || (!mrq_guess_is_unique(look, out->user) && !mrq_guess_is_unique(look, out->item));
}

/* Whether a file can be events. `*named`: its columns say so. */
static bool find_events(mrq_look *look, mrq_found *out, bool *named)
{
    *out = (mrq_found){.look = look, .item = 1};
    *named = look->lists;
    out->how = "by its place in the line";
    if (look->lists)
        return true;
    if (look->matrix)
        return false;
    out->user = find_role(look, MRQ_ROLE_USER);
    out->item = find_role(look, MRQ_ROLE_ITEM);
    *named = out->user < look->columns && out->item < look->columns;
    out->how = "by its name";
    if (*named)
        return look->column[out->user].n && look->column[out->item].n && (look->rows < 10 || !mrq_guess_is_unique(look, out->item));
    return find_nameless(look, out);
}

static bool is_larger(const mrq_look *a, const mrq_look *b)
{
    const uint64_t rows = mrq_look_rows(a), others = mrq_look_rows(b);
    return rows > others || (rows == others && a->all > b->all);
}

/* The largest matrix. */
static mrq_status choose_matrix(mrq_folder *f, mrq_findings *findings, mrq_error *err)
{
    mrq_look *best = NULL;
    for (uint32_t i = 0; i < f->n; i++) {
        mrq_look *look = &f->look[i];
        if (!*look->why_not && look->matrix && (!best || is_larger(look, best)))
            best = look;
    }
    for (uint32_t i = 0; i < f->n; i++)
        f->larger[i] = !*f->look[i].why_not && f->look[i].matrix && &f->look[i] != best;
    findings->events = (mrq_found){.look = best, .item = 1, .how = "by its place in the line"};
    return best ? mrq_look_as_matrix(best, err) : MRQ_OK;
}

/* The largest file of those that say they are events, or else of those that can be, or else a matrix. */
mrq_status mrq_choose_events(mrq_folder *f, const char *path, mrq_findings *findings, mrq_error *err)
{
    bool best_named = false, several = false;
    for (uint32_t i = 0; i < f->n; i++) {
        mrq_found found;
        bool named;
        mrq_look *look = &f->look[i];
        if (*look->why_not || !find_events(look, &found, &named))
            continue;
        const mrq_look *best = findings->events.look;
        if (!best || (named && !best_named) || (named == best_named && is_larger(look, best))) {
            findings->events = found;
            best_named = named;
        }
    }
    if (!findings->events.look)
        return choose_matrix(f, findings, err);
    MRQ_TRY(mrq_folder_unite(f, path, (uint32_t)(findings->events.look - f->look), &several, err));
    mrq_found all;
    if (several && find_events(findings->events.look, &all, &best_named))
        findings->events = all;
    for (uint32_t i = 0; i < f->n; i++) {
        mrq_found found;
        bool named;
        mrq_look *look = &f->look[i];
        f->larger[i] = look != findings->events.look && !f->part[i] && !*look->why_not && find_events(look, &found, &named);
    }
    return MRQ_OK;
}

/* --- users and items --- */

/* How a column of a file fits the ids of the events. */
typedef struct fit {
    uint32_t file, column;
    bool items;
    double score; /* below 0: it does not */
} fit;

/* Columns beside the ids that may tell something: of two tables with all ids the one that tells more is the main one. */
static uint32_t count_useful(const mrq_look *look, uint32_t id)
{
    char why[120];
    uint32_t n = 0;
    for (uint32_t i = 0; i < look->columns; i++)
        n += i != id && !mrq_guess_no_use(look, i, why);
    return n;
}

static fit fit_column(mrq_folder *f, const mrq_found *events, uint32_t file, uint32_t column, bool items)
{
    mrq_noun noun = {"", ""};
    const mrq_look *look = &f->look[file];
    const mrq_look_column *values = &look->column[column], *ids = &events->look->column[items ? events->item : events->user];
    const mrq_role want = items ? MRQ_ROLE_ITEM : MRQ_ROLE_USER, other = items ? MRQ_ROLE_USER : MRQ_ROLE_ITEM;
    const mrq_role of_file = mrq_guess_file_role(look, &noun);
    fit out = {file, column, items, -1};
    const char *missing;
    if (values->nameless || !mrq_guess_is_unique(look, column) || values->empty || values->unknown ||
        values->longest > MRQ_ID_BYTES || values->role == other || (of_file == other && values->role != want))
        return out;
    const uint32_t all = mrq_dict_strings(ids->values).n, known = mrq_dict_strings(values->values).n;
    const uint32_t found = mrq_guess_contained(ids, values, &missing);
    const bool agrees = of_file == want || values->role == want, same = *values->name && strcmp(values->name, ids->name) == 0;
    const double share = (double)found / all, used = (double)found / known;
    if (found < all && (share >= 0.5 || agrees) && !*f->why[file])
        snprintf(f->why[file], sizeof f->why[file], "it lacks %u of the %u %s of %.80s, such as \"%.60s\"", all - found, all,
                 items ? "items" : "users", events->look->file, missing);
    /* Without names only a close fit is no chance. */
    if (mrq_look_whole(look) ? found < all && !((values->role == want || same) && share >= 0.9) : !agrees && !same)
        return out;
    if (!agrees && !same && mrq_look_whole(events->look) && used < 0.5)
        return out;
    out.score = 4 * agrees + 2 * same + share + used + 0.01 * count_useful(look, column);
    return out;
}

/* The best column for users or items in any file but those of the events and of `taken`. */
static fit find_table(mrq_folder *f, const mrq_findings *findings, bool items, const mrq_look *taken)
{
    fit best = {.score = -1, .items = items};
    for (uint32_t i = 0; i < f->n; i++) {
        const mrq_look *look = &f->look[i];
        if (*look->why_not || look->lists || f->part[i] || look == findings->events.look || look == taken || look->columns < 2)
            continue;
        if (mrq_guess_broken(look)) {
            snprintf(f->why[i], sizeof f->why[i], "%llu of its %llu lines do not have %u columns or have wrong quotes",
                     (unsigned long long)look->bad, (unsigned long long)(look->bad + look->rows), look->columns);
            continue;
        }
        for (uint32_t k = 0; k < look->columns; k++) {
            const fit found = fit_column(f, &findings->events, i, k, items);
            f->fits[i] |= found.score >= 0;
            if (found.score > best.score)
                best = found;
        }
    }
    return best;
}

static void use_table(mrq_folder *f, mrq_findings *findings, const fit *found)
{
    mrq_found *table = found->items ? &findings->items : &findings->users;
    table->look = found->score < 0 ? NULL : &f->look[found->file];
    table->id = found->column;
}

/* The surer of the two is chosen first. Returns how well they fit. */
static double fit_tables(mrq_folder *f, mrq_findings *findings)
{
    memset(f->why, 0, sizeof f->why);
    memset(f->fits, 0, sizeof f->fits);
    fit items = find_table(f, findings, true, NULL), users = find_table(f, findings, false, NULL);
    if (items.score >= 0 && users.score >= 0 && items.file == users.file) {
        if (items.score >= users.score)
            users = find_table(f, findings, false, &f->look[items.file]);
        else
            items = find_table(f, findings, true, &f->look[users.file]);
    }
    use_table(f, findings, &items);
    use_table(f, findings, &users);
    return (items.score > 0 ? items.score : 0) + (users.score > 0 ? users.score : 0);
}

static void exchange(mrq_found *events)
{
    const uint32_t user = events->user;
    events->user = events->item;
    events->item = user;
}

/* The tables, and which id of the events is whose where only their places told: that way round which fits the tables better. */
void mrq_choose_tables(mrq_folder *f, mrq_findings *findings)
{
    mrq_found *events = &findings->events;
    const double fits = fit_tables(f, findings);
    if (events->how != by_place)
        return;
    exchange(events);
    const double other = fit_tables(f, findings);
    if (other <= fits) {
        exchange(events);
        (void)fit_tables(f, findings);
    }
    if (other != fits)
        events->how = "because so it fits the other files";
}
