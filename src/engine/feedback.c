/* Feedback: the items that a query likes and dislikes, as strengths of rows of the tower's history.
 *
 * As with features, the query overrides the data: if the user's row already contains an item, only the difference of the strengths
 * is added. So liking an item that the user has rated well changes almost nothing, and disliking it removes it from the sum. */
#include <stdlib.h>

#include "base/parse.h"
#include "engine/json.h"
#include "engine/resolve.h"

void mrq_query_feedback_clear(mrq_query_feedback *feedback)
{
    mrq_free(feedback->item);
    mrq_free(feedback->given);
    mrq_free(feedback->net);
    *feedback = (mrq_query_feedback){0};
}

mrq_status mrq_history_check(const mrq_generation *generation, mrq_error *err)
{
    return generation->tower->has_history && !generation->tower->liked
               ? mrq_fail(err, MRQ_FAILED, "generation %s was opened without its history", generation->name)
               : MRQ_OK;
}

mrq_feedback mrq_user_history(const mrq_generation *generation, uint32_t user)
{
    const mrq_folded *tower = generation->tower;
    if (user == MRQ_NONE || !tower->liked || !tower->user_row[user]) /* row 0 is the unknown user's */
        return (mrq_feedback){0};
    const mrq_links *history = &tower->history;
    const uint64_t first = history->list.offset[user];
    return (mrq_feedback){(uint32_t)(history->list.offset[user + 1] - first), history->list.item + first,
                          history->strength + first};
}

/* Rows of the ids of a field, ascending and distinct, and their number `*kept`. */
static mrq_status find_rows(const mrq_table *items, const mrq_query *query, mrq_field_index field, uint32_t *row, uint32_t *kept,
                            mrq_error *err)
{
    mrq_query_value value;
    uint32_t n = 0;
    for (size_t at = mrq_query_begin(query, field); mrq_query_next(query, field, &at, &value);) {
        row[n] = mrq_table_find(items, value.text, value.size);
        if (row[n++] == MRQ_NONE)
            return mrq_fail(err, MRQ_NOT_FOUND, "%s %.40s: not among the %u %s of the data; want the id of one",
                            mrq_query_fields[field].name, value.text, items->rows, mrq_table_noun(items, items->rows));
    }
    *kept = mrq_rows_sort(row, n);
    return MRQ_OK;
}

/* Merges two ascending lists. */
static mrq_status merge(const mrq_table *items, const uint32_t *liked, uint32_t n_liked, const uint32_t *disliked,
                        uint32_t n_disliked, mrq_query_feedback *out, mrq_error *err)
{
    for (uint32_t i = 0, j = 0; i < n_liked || j < n_disliked;) {
        if (i < n_liked && j < n_disliked && liked[i] == disliked[j])
            return mrq_fail(err, MRQ_USAGE, "liked %.40s: disliked as well, want one or the other", mrq_table_id(items, liked[i]));
        const bool likes = j == n_disliked || (i < n_liked && liked[i] < disliked[j]);
        out->item[out->n] = likes ? liked[i++] : disliked[j++];
        out->given[out->n++] = likes ? MRQ_LIKES : MRQ_DISLIKES;
    }
    return MRQ_OK;
}

static void subtract(const mrq_feedback *history, mrq_query_feedback *out)
{
    for (uint32_t i = 0, h = 0; i < out->n; i++) {
        while (h < history->n && history->item[h] < out->item[i])
            h++;
        out->net[i] = out->given[i] - (h < history->n && history->item[h] == out->item[i] ? history->strength[h] : 0);
    }
}

static mrq_status check(const mrq_generation *generation, const mrq_query *query, mrq_field_index field, mrq_error *err)
{
    if (query->n[field] && !generation->tower->has_history)
        return mrq_fail(err, MRQ_USAGE, "%s: model \"%s\" does not learn from what a person likes; train with --model retrieval",
                        mrq_query_fields[field].name, generation->model_name);
    return MRQ_OK;
}

mrq_status mrq_feedback_resolve(const mrq_generation *generation, const mrq_query *query, uint32_t user, mrq_query_feedback *out,
                                mrq_error *err)
{
    MRQ_TRY(check(generation, query, MRQ_Q_LIKED, err));
    MRQ_TRY(check(generation, query, MRQ_Q_DISLIKED, err));
    uint32_t n_liked = query->n[MRQ_Q_LIKED], n_disliked = query->n[MRQ_Q_DISLIKED];
    const uint32_t n = n_liked + n_disliked;
    if (!n)
        return MRQ_OK;
    MRQ_AUTOFREE uint32_t *liked = mrq_array(n_liked, sizeof *liked);
    MRQ_AUTOFREE uint32_t *disliked = mrq_array(n_disliked, sizeof *disliked);
    out->item = mrq_array(n, sizeof *out->item);
    out->given = mrq_array(n, sizeof *out->given);
    out->net = mrq_array(n, sizeof *out->net);
    if (!liked || !disliked || !out->item || !out->given || !out->net)
        return mrq_fail_memory(err, "reading the query");
    MRQ_TRY(find_rows(generation->items, query, MRQ_Q_LIKED, liked, &n_liked, err));
    MRQ_TRY(find_rows(generation->items, query, MRQ_Q_DISLIKED, disliked, &n_disliked, err));
    MRQ_TRY(merge(generation->items, liked, n_liked, disliked, n_disliked, out, err));
    const mrq_feedback history = mrq_user_history(generation, user);
    subtract(&history, out);
    return MRQ_OK;
}

void mrq_print_feedback(mrq_print *print, const mrq_query_feedback *feedback, const mrq_table *items, bool likes)
{
    bool begun = false;
    for (uint32_t i = 0; i < feedback->n; i++) {
        if ((feedback->given[i] > 0) != likes)
            continue;
        if (!begun) {
            mrq_print_key(print, likes ? "liked" : "disliked");
            mrq_print_open(print, '[');
        }
        begun = true;
        mrq_print_text(print, mrq_table_id(items, feedback->item[i]));
    }
    if (begun)
        mrq_print_close(print, ']');
}
