/* Queries: from what a person writes to one value for each branch of the folded user tower.
 *
 * A feature that is given counts; one that is not is the user's own; a branch that has neither is an error, because a guessed
 * gender gives a wrong answer without a word. Liked movies say enough of a stranger to do without: then the average stands in. A
 * feature of the data that the tower does not use is checked and told, but changes nothing.
 *
 * The text of a resolved query is its identity: the cache's key is made of it, so it holds codes' values and not the person's
 * spelling, and filters sorted and only where they filter. It is also enough to ask the query again (warm.c). */
#include "engine/query.h"

#include <stdio.h>
#include <string.h>

#include "engine/json.h"

const char *const mrq_feature_names[MRQ_FEATURES] = {"age", "gender", "job"};

void mrq_resolved_clear(mrq_resolved *resolved)
{
    mrq_free(resolved->value);
    mrq_free(resolved->text);
    mrq_opinion_clear(&resolved->opinion);
    mrq_selection_clear(&resolved->selection);
    *resolved = (mrq_resolved){0};
}

const mrq_column *mrq_feature_column(const mrq_table *users, int feature)
{
    const mrq_column *column = mrq_table_column(users, mrq_feature_names[feature]);
    return column && column->kind == MRQ_CATEGORY ? column : NULL;
}

mrq_status mrq_k_check(uint32_t k, mrq_error *err)
{
    return k >= 1 && k <= MRQ_K_MAX ? MRQ_OK : mrq_fail(err, MRQ_USAGE, "k %u: want 1 to %d", k, MRQ_K_MAX);
}

static mrq_status find_user(const mrq_table *users, int64_t id, uint32_t *row, mrq_error *err)
{
    *row = MRQ_NONE;
    if (id == -1)
        return MRQ_OK;
    if (id < 0)
        return mrq_fail(err, MRQ_USAGE, "user %lld: want 0 or more", (long long)id);
    *row = mrq_table_find(users, id);
    if (*row == MRQ_NONE)
        return mrq_fail(err, MRQ_NOT_FOUND, "user %lld: not in the data, which has %u users from %lld to %lld", (long long)id,
                        users->rows, (long long)users->id[0], (long long)users->id[users->rows - 1]);
    return MRQ_OK;
}

/* Codes of the three features, given or the user's own; MRQ_NONE where neither is. */
static mrq_status find_codes(const mrq_table *users, const mrq_query *query, uint32_t user, uint32_t code[MRQ_FEATURES],
                             mrq_error *err)
{
    const char *const text[MRQ_FEATURES] = {query->age, query->gender, query->job};
    for (int i = 0; i < MRQ_FEATURES; i++) {
        const mrq_column *column = mrq_feature_column(users, i);
        code[i] = column && user != MRQ_NONE ? column->code[user] : MRQ_NONE;
        if (text[i] && !column)
            return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": the data does not tell its users' %s, so leave it out",
                            mrq_feature_names[i], text[i], mrq_feature_names[i]);
        if (text[i])
            MRQ_TRY(mrq_column_code(column, text[i], &code[i], err));
    }
    return MRQ_OK;
}

/* What to say when nothing is known for a branch. */
static mrq_status lacks(const mrq_folded *tower, const char *feature, bool can_be_given, mrq_error *err)
{
    const char *or_liked = tower->has_history ? ", or liked movies" : "";
    if (!can_be_given)
        return mrq_fail(err, MRQ_USAGE, "user is missing: this model asks for %s, which only users of the data have%s", feature,
                        or_liked);
    char wanted[200] = "";
    for (uint32_t b = 0; b < tower->n_branches; b++)
        if (!mrq_folded_is_id(&tower->branch[b]))
            snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s%s", *wanted ? ", " : "",
                     tower->branch[b].feature);
    return mrq_fail(err, MRQ_USAGE, "%s is missing: want %s, or a user of the data%s", feature, wanted, or_liked);
}

/* A value for each branch; `likes` is whether the query names a movie that the person likes. */
static mrq_status find_values(const mrq_generation *generation, uint32_t user, bool likes, const uint32_t code[MRQ_FEATURES],
                              uint32_t *value, mrq_error *err)
{
    const mrq_folded *tower = generation->tower;
    const bool known = user != MRQ_NONE;
    bool by_id_alone = true;
    if (known)
        mrq_folded_values(tower, generation->users, user, value);
    for (uint32_t b = 0; b < tower->n_branches; b++) {
        const mrq_folded_branch *branch = &tower->branch[b];
        if (mrq_folded_is_id(branch))
            continue; /* 0, the unknown user, unless known */
        by_id_alone = false;
        int i = 0;
        while (i < MRQ_FEATURES && strcmp(mrq_feature_names[i], branch->feature) != 0)
            i++;
        if (i < MRQ_FEATURES && code[i] != MRQ_NONE)
            value[b] = code[i];
        else if (!known && !likes)
            return lacks(tower, branch->feature, i < MRQ_FEATURES, err);
        else if (!known)
            value[b] = MRQ_NONE;
    }
    if (by_id_alone && !known && !likes && tower->has_history)
        return mrq_fail(err, MRQ_USAGE, "user is missing: want a user of the data, or liked movies");
    if (by_id_alone && !known && !likes)
        return mrq_fail(err, MRQ_USAGE, "user is missing: this model knows people by their id alone, want a user of the data");
    return MRQ_OK;
}

/* {"age":{"value":"25","label":"25-34"},...,"user":4,"liked":[1,260],"k":5,"genre":["Drama"],...}, without the features that
 * nobody tells; NULL when out of memory. */
static char *describe(const mrq_generation *generation, const mrq_query *query, const uint32_t code[MRQ_FEATURES],
                      const mrq_resolved *resolved)
{
    mrq_print print = {0};
    mrq_print_open(&print, '{');
    for (int i = 0; i < MRQ_FEATURES; i++) {
        if (code[i] == MRQ_NONE)
            continue;
        mrq_print_key(&print, mrq_feature_names[i]);
        mrq_print_open(&print, '{');
        mrq_print_value(&print, mrq_feature_column(generation->users, i), code[i]);
        mrq_print_close(&print, '}');
    }
    mrq_print_key(&print, "user");
    if (query->user < 0)
        mrq_print_raw(&print, "null");
    else
        mrq_print_whole(&print, query->user);
    mrq_print_opinion(&print, &resolved->opinion, generation->movies);
    mrq_print_key(&print, "k");
    mrq_print_whole(&print, query->k);
    mrq_print_selection(&print, &resolved->selection, generation->movies);
    if (resolved->include_seen) {
        mrq_print_key(&print, "include_seen");
        mrq_print_raw(&print, "true");
    }
    mrq_print_close(&print, '}');
    return mrq_print_take(&print, NULL);
}

/* Everything but k; what it has found by the time it fails is in `out` and to be cleared. */
static mrq_status resolve(const mrq_generation *generation, const mrq_query *query, mrq_resolved *out, mrq_error *err)
{
    uint32_t code[MRQ_FEATURES];
    MRQ_TRY(find_user(generation->users, query->user, &out->user, err));
    MRQ_TRY(find_codes(generation->users, query, out->user, code, err));
    out->value = mrq_array(generation->tower->n_branches, sizeof *out->value);
    if (!out->value)
        return mrq_fail_memory(err, "reading the query");
    MRQ_TRY(mrq_opinion_resolve(generation, query, out->user, &out->opinion, err));
    MRQ_TRY(find_values(generation, out->user, query->n_liked > 0, code, out->value, err));
    MRQ_TRY(mrq_selection_resolve(generation->movies, &query->filters, &out->selection, err));
    out->include_seen = query->filters.include_seen && (out->user != MRQ_NONE || out->opinion.n);
    out->text = describe(generation, query, code, out);
    return out->text ? MRQ_OK : mrq_fail_memory(err, "reading the query");
}

mrq_status mrq_query_resolve(const mrq_generation *generation, const mrq_query *query, mrq_resolved *out, mrq_error *err)
{
    MRQ_TRY(mrq_k_check(query->k, err));
    if (query->n_liked || query->n_disliked || query->explain)
        MRQ_TRY(mrq_history_check(generation, err));
    mrq_resolved resolved = {.k = query->k};
    const mrq_status status = resolve(generation, query, &resolved, err);
    if (status != MRQ_OK) {
        mrq_resolved_clear(&resolved);
        return status;
    }
    *out = resolved;
    return MRQ_OK;
}
