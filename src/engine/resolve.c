/* Resolves a query: finds a value for each branch of the folded user tower.
 *
 * The value of a feature is the query's if given, else that of the query's user, else the average of all users. A feature of the
 * data that the tower does not use is checked and described, but changes nothing.
 *
 * The text of a resolved query identifies it, and the cache key is made of it. So it has the values of codes rather than the
 * spelling of the query, and filters are sorted and left out if they have no effect. The text is also sufficient to answer the
 * query again (warm.c). It is written by a loop over the table of fields, so that no field can be missing. */
#include "engine/resolve.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "engine/json.h"

void mrq_resolved_clear(mrq_resolved *resolved)
{
    for (uint32_t i = 0; i < resolved->n_features; i++) {
        mrq_free(resolved->feature[i].member);
        mrq_free(resolved->feature[i].words);
    }
    mrq_free(resolved->feature);
    mrq_free(resolved->value);
    mrq_free(resolved->members);
    mrq_free(resolved->text);
    mrq_free(resolved->stranger);
    mrq_query_feedback_clear(&resolved->feedback);
    mrq_selection_clear(&resolved->selection);
    *resolved = (mrq_resolved){0};
}

size_t mrq_resolved_bytes(const mrq_resolved *resolved)
{
    size_t bytes = resolved->n_features * sizeof *resolved->feature +
                   resolved->n_values * (sizeof *resolved->value + sizeof *resolved->members) +
                   resolved->feedback.n * (2 * sizeof *resolved->feedback.item + 2 * sizeof *resolved->feedback.given +
                                           sizeof *resolved->feedback.by) +
                   resolved->feedback.n_had * sizeof *resolved->feedback.had +
                   resolved->feedback.n_aged * sizeof *resolved->feedback.aged + mrq_selection_bytes(&resolved->selection) +
                   strlen(resolved->text) + 1 + (resolved->stranger ? strlen(resolved->stranger) + 1 : 0);
    for (uint32_t i = 0; i < resolved->n_features; i++)
        bytes += resolved->feature[i].n_members * sizeof *resolved->feature[i].member +
                 (resolved->feature[i].words ? strlen(resolved->feature[i].words) + 1 : 0);
    return bytes;
}

uint32_t mrq_resolved_page(const mrq_resolved *resolved, mrq_hit *hits, uint32_t n)
{
    const uint32_t left = n > resolved->offset ? n - resolved->offset : 0;
    if (resolved->offset && left)
        memmove(hits, hits + resolved->offset, left * sizeof *hits);
    return left;
}

bool mrq_live_gone(const mrq_live_view *live, uint32_t row)
{
    uint32_t first = 0, end = live ? live->n_gone : 0;
    while (first < end) {
        const uint32_t middle = first + (end - first) / 2;
        if (live->gone[middle] == row)
            return true;
        if (live->gone[middle] < row)
            first = middle + 1;
        else
            end = middle;
    }
    return false;
}

/* A user that the data does not have, or who has been erased, is answered by what else the query says, as nobody's id is. */
static mrq_status find_user(const mrq_table *users, const mrq_query *query, bool erased, mrq_resolved *out, mrq_error *err)
{
    const char *id = mrq_query_text(query, MRQ_Q_USER);
    out->user = id && !erased ? mrq_table_find(users, id, strlen(id)) : MRQ_NONE;
    if (!id || out->user != MRQ_NONE)
        return MRQ_OK;
    out->stranger = mrq_array(strlen(id) + 1, 1);
    if (!out->stranger)
        return mrq_fail_memory(err, "reading the query");
    strcpy(out->stranger, id);
    return MRQ_OK;
}

/* The columns to show, each once. */
static mrq_status find_shown(const mrq_table *items, const mrq_query *query, mrq_resolved *out, mrq_error *err)
{
    mrq_query_value value;
    for (size_t at = mrq_query_begin(query, MRQ_Q_SHOW); mrq_query_next(query, MRQ_Q_SHOW, &at, &value);) {
        const mrq_column *column = mrq_table_column(items, value.text);
        char names[300];
        if (!column)
            return mrq_fail(err, MRQ_USAGE, "show \"%.40s\": the data's %s have no column of this name; %s%s", value.text,
                            items->noun.many, items->n_columns ? "want one of " : "they have none",
                            mrq_table_columns(items, names, sizeof names));
        bool known = false;
        for (uint32_t i = 0; i < out->n_shown; i++)
            known = known || out->shown[i] == column;
        if (!known)
            out->shown[out->n_shown++] = column;
    }
    return MRQ_OK;
}

/* Whether a query can name the column. */
static bool is_feature(const mrq_column *column)
{
    return column->kind != MRQ_TEXT;
}

/* The value in the user's row; `*known` is false if there is none. */
static mrq_status own_feature(const mrq_column *column, uint32_t user, mrq_feature *out, bool *known, mrq_error *err)
{
    *out = (mrq_feature){.column = column};
    *known = true;
    if (column->kind == MRQ_CATEGORY) {
        out->code = column->code[user];
        *known = out->code != MRQ_NONE;
    } else if (column->kind == MRQ_NUMBER) {
        out->number = column->number[user];
        *known = isfinite(out->number);
    } else {
        const uint64_t first = column->list.offset[user], n = column->list.offset[user + 1] - first;
        out->member = mrq_array(n, sizeof *out->member);
        if (!out->member)
            return mrq_fail_memory(err, "reading the query");
        memcpy(out->member, column->list.item + first, n * sizeof *out->member);
        out->n_members = (uint32_t)n;
    }
    return MRQ_OK;
}

/* Reads the members of a set, with commas between them. */
static mrq_status read_members(const char *text, mrq_feature *out, mrq_error *err)
{
    const mrq_column *column = out->column;
    MRQ_AUTOFREE char *copy = mrq_array(strlen(text) + 1, 1);
    out->member = mrq_array(strlen(text) / 2 + 1, sizeof *out->member);
    if (!copy || !out->member)
        return mrq_fail_memory(err, "reading the query");
    for (const char *at = text; *at; at += *at == ',') {
        mrq_parse_value(&at, copy);
        const uint32_t code = *copy ? mrq_strings_find(&column->dict, copy) : MRQ_NONE;
        if (*copy && code == MRQ_NONE)
            return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": not among the %u values of the data", column->name, copy,
                            column->dict.n);
        if (*copy)
            out->member[out->n_members++] = code;
    }
    out->n_members = mrq_rows_sort(out->member, out->n_members);
    return MRQ_OK;
}

static mrq_status read_value(const mrq_column *column, const char *text, mrq_feature *out, mrq_error *err)
{
    *out = (mrq_feature){.column = column};
    if (column->kind == MRQ_CATEGORY)
        return mrq_column_code(column, text, mrq_query_field_find(column->name) != MRQ_Q_FIELDS, &out->code, err);
    if (column->kind == MRQ_SET)
        return read_members(text, out, err);
    if (!mrq_parse_real(text, strlen(text), -DBL_MAX, DBL_MAX, &out->number))
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a number%s", column->name, text,
                        mrq_is_number(text, strlen(text)) ? "; this one is too large" : "");
    return MRQ_OK;
}

/* Writes the members of a set as a query names them. */
static mrq_status write_words(mrq_feature *feature, mrq_error *err)
{
    mrq_print print = {0};
    mrq_print_add(&print, "");
    for (uint32_t i = 0; i < feature->n_members; i++) {
        mrq_print_add(&print, i ? "," : "");
        mrq_print_member(&print, mrq_strings_at(&feature->column->dict, feature->member[i]));
    }
    feature->words = mrq_print_take(&print, NULL);
    return feature->words ? MRQ_OK : mrq_fail_memory(err, "reading the query");
}

/* The value that a query gives for a column, or NULL. */
static const char *given_value(const char *const *pair, uint32_t n, const char *name)
{
    const size_t size = strlen(name);
    for (uint32_t i = 0; i < n; i++)
        if (strncmp(pair[i], name, size) == 0 && pair[i][size] == '=')
            return pair[i] + size + 1;
    return NULL;
}

/* Whether a column has the name of a field that is not a feature, so that only "with" can name it. */
static bool is_hidden(const char *name)
{
    const mrq_field_index field = mrq_query_field_find(name);
    return field != MRQ_Q_FIELDS && mrq_query_fields[field].type != MRQ_QT_FEATURE;
}

/* Reports a pair whose name is not a column. */
static mrq_status fail_unknown(const mrq_table *users, const char *pair, mrq_error *err)
{
    const int size = (int)strcspn(pair, "=");
    char names[300] = "none", name[MRQ_COLUMN_NAME];
    size_t used = 0;
    snprintf(name, sizeof name, "%.*s", size, pair);
    if (is_hidden(name))
        return mrq_fail(err, MRQ_USAGE, "with \"%.40s\": the users have no column %s", pair, name);
    for (uint32_t c = 0; c < users->n_columns; c++)
        if (is_feature(&users->column[c]) && used < sizeof names - 1)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", users->column[c].name);
    return mrq_fail(err, MRQ_USAGE, "%.*s \"%.40s\": neither a field of a query nor a column of the users; the columns: %s", size,
                    pair, pair + size + 1, names);
}

/* Checks that each pair names a column of the users. */
static mrq_status check_pairs(const mrq_table *users, const char *const *pair, uint32_t n, mrq_error *err)
{
    for (uint32_t i = 0; i < n; i++) {
        bool known = false;
        for (uint32_t c = 0; c < users->n_columns && !known; c++)
            known = is_feature(&users->column[c]) && given_value(&pair[i], 1, users->column[c].name);
        if (!known)
            return fail_unknown(users, pair[i], err);
    }
    return MRQ_OK;
}

/* Moves the last feature to its place in the order of names. */
static void sort_last(mrq_feature *feature, uint32_t n)
{
    const mrq_feature last = feature[n - 1];
    uint32_t i = n - 1;
    for (; i && strcmp(feature[i - 1].column->name, last.column->name) > 0; i--)
        feature[i] = feature[i - 1];
    feature[i] = last;
}

/* An error message begins with the field that names the column. */
static mrq_status read_feature(const mrq_column *column, const char *text, mrq_feature *out, mrq_error *err)
{
    mrq_error problem = {0};
    const mrq_status status = read_value(column, text, out, &problem);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s%s", is_hidden(column->name) ? "with " : "", problem.msg);
}

/* Reads a value that is newly known of the user. One that this generation does not have is left out: the next may have it. */
static bool live_feature(const mrq_live_person *live, const mrq_column *column, mrq_feature *out)
{
    const char *text = live ? given_value((const char *const *)live->feature, live->n_features, column->name) : NULL;
    mrq_error ignored;
    if (text && read_value(column, text, out, &ignored) == MRQ_OK)
        return true;
    mrq_free(text ? out->member : NULL);
    return false;
}

/* All features that the query gives or the user has, sorted by name. */
static mrq_status find_features(const mrq_table *users, const mrq_query *query, const mrq_live_person *live, mrq_resolved *out,
                                mrq_error *err)
{
    const char *pair[MRQ_FEATURES_MAX];
    const uint32_t n = query->n[MRQ_Q_WITH];
    mrq_query_texts(query, MRQ_Q_WITH, pair);
    MRQ_TRY(check_pairs(users, pair, n, err));
    out->feature = mrq_array(users->n_columns, sizeof *out->feature);
    if (!out->feature)
        return mrq_fail_memory(err, "reading the query");
    for (uint32_t c = 0; c < users->n_columns; c++) {
        const mrq_column *column = &users->column[c];
        if (!is_feature(column))
            continue;
        const char *text = given_value(pair, n, column->name);
        bool known = text != NULL;
        mrq_feature *feature = &out->feature[out->n_features];
        const bool newly = !text && live_feature(live, column, feature);
        if (text || newly || out->user != MRQ_NONE) {
            out->n_features++;
            if (newly)
                known = true;
            else
                MRQ_TRY(text ? read_feature(column, text, feature, err) : own_feature(column, out->user, feature, &known, err));
            if (column->kind == MRQ_SET)
                MRQ_TRY(write_words(feature, err));
            if (known)
                sort_last(out->feature, out->n_features);
            else
                out->n_features--;
        }
    }
    return MRQ_OK;
}

/* Finds a value for each branch. */
static void find_values(const mrq_generation *generation, mrq_resolved *resolved)
{
    uint32_t *value = resolved->value;
    const mrq_folded *tower = generation->tower;
    if (resolved->user != MRQ_NONE)
        mrq_folded_values(tower, generation->users, resolved->user, value);
    for (uint32_t b = 0; b < tower->n_branches; b++) {
        const mrq_folded_branch *branch = &tower->branch[b];
        if (mrq_folded_is_id(branch))
            continue; /* the user's, else 0, the unknown user's */
        uint32_t i = 0;
        while (i < resolved->n_features && strcmp(resolved->feature[i].column->name, branch->feature) != 0)
            i++;
        const mrq_feature *feature = i < resolved->n_features ? &resolved->feature[i] : NULL;
        if (feature && mrq_folded_is_set(branch)) {
            value[b] = MRQ_GIVEN;
            resolved->members[b] = (mrq_members){feature->n_members, feature->member};
        } else if (feature) {
            value[b] = feature->code;
        } else if (resolved->user == MRQ_NONE) {
            value[b] = MRQ_NONE;
        }
    }
}

static void print_feature(mrq_print *print, const mrq_feature *feature)
{
    mrq_print_key(print, feature->column->name);
    mrq_print_open(print, '{');
    if (feature->column->kind == MRQ_CATEGORY) {
        mrq_print_value(print, feature->column, feature->code);
    } else if (feature->column->kind == MRQ_NUMBER) {
        mrq_print_key(print, "value");
        mrq_print_real(print, feature->number, 9);
    } else {
        mrq_print_members(print, feature);
    }
    mrq_print_close(print, '}');
}

/* Features whose names are hidden by fields are printed under "with". */
static void print_features(mrq_print *print, const mrq_resolved *resolved)
{
    uint32_t hidden = 0;
    for (uint32_t i = 0; i < resolved->n_features; i++)
        if (is_hidden(resolved->feature[i].column->name))
            hidden++;
        else
            print_feature(print, &resolved->feature[i]);
    if (!hidden)
        return;
    mrq_print_key(print, mrq_query_fields[MRQ_Q_WITH].name);
    mrq_print_open(print, '{');
    for (uint32_t i = 0; i < resolved->n_features; i++)
        if (is_hidden(resolved->feature[i].column->name))
            print_feature(print, &resolved->feature[i]);
    mrq_print_close(print, '}');
}

/* A field without a case of its own: prints its values as they were set. */
static void print_values(mrq_print *print, const mrq_query *query, unsigned field)
{
    mrq_query_value value;
    mrq_print_key(print, mrq_query_fields[field].name);
    mrq_print_open(print, '[');
    for (size_t at = mrq_query_begin(query, field); mrq_query_next(query, field, &at, &value);)
        mrq_print_text(print, value.text);
    mrq_print_close(print, ']');
}

static void print_field(mrq_print *print, const mrq_generation *generation, const mrq_query *query, const mrq_resolved *resolved,
                        unsigned field)
{
    switch (field) {
    case MRQ_Q_WITH:
        print_features(print, resolved);
        break;
    case MRQ_Q_USER:
        mrq_print_key(print, "user");
        if (resolved->user != MRQ_NONE)
            mrq_print_text(print, mrq_table_id(generation->users, resolved->user));
        else if (resolved->stranger)
            mrq_print_text(print, resolved->stranger);
        else
            mrq_print_raw(print, "null");
        break;
    case MRQ_Q_ITEM:
        mrq_print_key(print, "item");
        mrq_print_open(print, '{');
        mrq_print_name(print, generation->items, resolved->item);
        mrq_print_close(print, '}');
        break;
    case MRQ_Q_LIKED:
    case MRQ_Q_DISLIKED:
        mrq_print_feedback(print, &resolved->feedback, generation->items, field == MRQ_Q_LIKED);
        break;
    case MRQ_Q_K:
        mrq_print_key(print, "k");
        mrq_print_whole(print, resolved->k);
        break;
    case MRQ_Q_OFFSET:
        if (resolved->offset) {
            mrq_print_key(print, "offset");
            mrq_print_whole(print, resolved->offset);
        }
        break;
    case MRQ_Q_GENRE:
    case MRQ_Q_ALL_GENRES:
    case MRQ_Q_YEAR:
    case MRQ_Q_WHERE:
    case MRQ_Q_EXCLUDE:
        mrq_print_selection(print, &resolved->selection, generation->items, field);
        break;
    case MRQ_Q_INCLUDE_SEEN:
        if (resolved->include_seen) {
            mrq_print_key(print, "include_seen");
            mrq_print_raw(print, "true");
        }
        break;
    case MRQ_Q_SHOW: /* these two do not change the hits */
    case MRQ_Q_EXPLAIN:
        break;
    default:
        if (query->n[field])
            print_values(print, query, field);
    }
}

/* {"age":{"value":"25","label":"25-34"},...,"user":"4","liked":["1","260"],"k":5,"genre":["Drama"],...}, without unknown features;
 * NULL if out of memory. */
static char *describe(const mrq_generation *generation, mrq_ask what, const mrq_query *query, const mrq_resolved *resolved)
{
    mrq_print print = {0};
    mrq_print_open(&print, '{');
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++)
        if (mrq_query_fields[i].asks & MRQ_ASKS(what))
            print_field(&print, generation, query, resolved, i);
    mrq_print_close(&print, '}');
    return mrq_print_take(&print, NULL);
}

/* Resolves the person: user, features and feedback. */
static mrq_status resolve_person(const mrq_generation *generation, const mrq_query *query, const mrq_live_person *live,
                                 mrq_resolved *out, mrq_error *err)
{
    if (query->n[MRQ_Q_LIKED] || query->n[MRQ_Q_DISLIKED] || query->n[MRQ_Q_EXPLAIN])
        MRQ_TRY(mrq_history_check(generation, err));
    MRQ_TRY(find_user(generation->users, query, live && live->erased, out, err));
    MRQ_TRY(find_features(generation->users, query, live, out, err));
    out->n_values = generation->tower->n_branches;
    out->value = mrq_array(out->n_values, sizeof *out->value);
    out->members = mrq_array(out->n_values, sizeof *out->members);
    if (!out->value || !out->members)
        return mrq_fail_memory(err, "reading the query");
    MRQ_TRY(mrq_feedback_resolve(generation, query, out->user, live, &out->feedback, err));
    find_values(generation, out);
    return MRQ_OK;
}

/* On failure the caller must clear `out`. */
static mrq_status resolve(const mrq_generation *generation, mrq_ask what, const mrq_query *query, const mrq_live_view *live,
                          mrq_resolved *out, mrq_error *err)
{
    const char *order = mrq_query_text(query, MRQ_Q_ORDER);
    out->k = (uint32_t)mrq_query_number(query, MRQ_Q_K, mrq_k_default(what));
    out->order = order ? mrq_order_find(order) : MRQ_BY_TITLE;
    out->offset = (uint32_t)mrq_query_number(query, MRQ_Q_OFFSET, 0);
    out->explain = (uint32_t)mrq_query_number(query, MRQ_Q_EXPLAIN, 0);
    if (what == MRQ_ASK_RECOMMEND)
        MRQ_TRY(resolve_person(generation, query, live ? &live->person : NULL, out, err));
    else if (what == MRQ_ASK_SIMILAR)
        MRQ_TRY(mrq_title_find(generation->items, mrq_query_text(query, MRQ_Q_ITEM), &out->item, err));
    if (out->item != MRQ_NONE && mrq_live_gone(live, out->item))
        return mrq_fail(err, MRQ_NOT_FOUND, "%s %.40s: hidden", generation->items->noun.one,
                        mrq_table_id(generation->items, out->item));
    out->met = live && (live->person.n || live->person.n_features);
    if (live)
        out->live = live->person.digest ^ live->gone_digest;
    MRQ_TRY(find_shown(generation->items, query, out, err));
    MRQ_TRY(mrq_selection_resolve(generation->items, query, &out->selection, err));
    out->include_seen = query->n[MRQ_Q_INCLUDE_SEEN] && (out->user != MRQ_NONE || out->feedback.n || out->feedback.n_had);
    out->text = what == MRQ_ASK_SEARCH ? mrq_array(1, 1) : describe(generation, what, query, out); /* a list tells its own query */
    return out->text ? MRQ_OK : mrq_fail_memory(err, "reading the query");
}

mrq_status mrq_query_resolve(const mrq_generation *generation, mrq_ask what, const mrq_query *query, const mrq_live_view *live,
                             mrq_resolved *out, mrq_error *err)
{
    MRQ_TRY(mrq_query_check(query, what, err));
    mrq_resolved resolved = {.user = MRQ_NONE, .item = MRQ_NONE};
    const mrq_status status = resolve(generation, what, query, live, &resolved, err);
    if (status != MRQ_OK) {
        mrq_resolved_clear(&resolved);
        return status;
    }
    *out = resolved;
    return MRQ_OK;
}
