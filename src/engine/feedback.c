/* Feedback: the items that a query likes and dislikes, as strengths of rows of the tower's history. Where the order of likes counts
 * (model/recency.h), the query names the newest last, and its likes make those of the history older.
 *
 * As with features, the query overrides the data: if the user's row already contains an item, only the difference of the strengths
 * is added. So liking an item that the user has rated well changes almost nothing, and disliking it removes it from the sum. */
#include <stdlib.h>

#include "base/parse.h"
#include "engine/json.h"
#include "engine/resolve.h"
#include "model/recency.h"

void mrq_query_feedback_clear(mrq_query_feedback *feedback)
{
    mrq_free(feedback->item);
    mrq_free(feedback->by);
    mrq_free(feedback->had);
    mrq_free(feedback->given);
    mrq_free(feedback->net);
    mrq_free(feedback->order);
    mrq_free(feedback->aged);
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

mrq_feedback mrq_person_history(const mrq_generation *generation, const mrq_resolved *resolved)
{
    mrq_feedback history = mrq_user_history(generation, resolved->user);
    if (resolved->feedback.aged)
        history.strength = resolved->feedback.aged;
    return history;
}

/* An item of which a live event or the query says something. */
struct named {
    uint32_t row;
    uint32_t place; /* among all that are named: first by live events, then by the query */
    uint32_t rank;  /* by row */
    float strength; /* MRQ_LIKES, MRQ_DISLIKES or 0 */
    mrq_sayer by;
};

static int by_row(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return x->row != y->row ? (x->row > y->row) - (x->row < y->row) : (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return (x->place > y->place) - (x->place < y->place);
}

/* Appends the items of a field to the `*n` named ones. */
static mrq_status find_named(const mrq_table *items, const mrq_query *query, mrq_field_index field, struct named *named,
                             uint32_t *n, mrq_error *err)
{
    mrq_query_value value;
    for (size_t at = mrq_query_begin(query, field); mrq_query_next(query, field, &at, &value);) {
        const uint32_t row = mrq_table_find(items, value.text, value.size);
        if (row == MRQ_NONE)
            return mrq_fail(err, MRQ_NOT_FOUND, "%s %.40s: not among the %u %s of the data; want the id of one",
                            mrq_query_fields[field].name, value.text, items->rows, mrq_table_noun(items, items->rows));
        named[*n] = (struct named){.row = row, .place = *n, .strength = field == MRQ_Q_LIKED ? MRQ_LIKES : MRQ_DISLIKES};
        ++*n;
    }
    return MRQ_OK;
}

/* Sorts by row and keeps each item once, where it was named last. */
static mrq_status distinct(const mrq_table *items, struct named *named, uint32_t *n, mrq_error *err)
{
    uint32_t kept = 0;
    qsort(named, *n, sizeof *named, by_row);
    for (uint32_t i = 0; i < *n; i++) {
        if (kept && named[kept - 1].row == named[i].row && named[kept - 1].by == MRQ_BY_QUERY &&
            (named[kept - 1].strength > 0) != (named[i].strength > 0))
            return mrq_fail(err, MRQ_USAGE, "liked %.40s: disliked as well, want one or the other",
                            mrq_table_id(items, named[i].row));
        kept += !kept || named[kept - 1].row != named[i].row;
        named[kept - 1] = named[i];
        named[kept - 1].rank = kept - 1;
    }
    *n = kept;
    return MRQ_OK;
}

/* Writes the items, which are sorted by place, and what each says, which depends on the order of the query if `recency`. Returns
 * the number of likes. */
static uint32_t give(const struct named *named, uint32_t n, bool recency, mrq_query_feedback *out)
{
    uint32_t age[2] = {0}; /* of the next older one that is no like, and like */
    for (uint32_t i = n; i-- > 0;) {
        const struct named *of = &named[i];
        const bool likes = of->strength > 0;
        out->item[of->rank] = of->row;
        out->by[of->rank] = of->by;
        out->given[of->rank] = of->strength * (recency ? (float)mrq_recency(age[likes]) : 1);
        out->order[recency ? i : of->rank] = of->rank;
        age[likes] += of->strength != 0; /* NOLINT: it is exact */
    }
    return age[true];
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

/* Appends what live events say. Those of which nothing follows but that the person had the item are kept apart; so are all if
 * the model does not learn from what a person likes. */
static mrq_status find_live(const mrq_live_person *live, bool history, struct named *named, uint32_t *n, mrq_query_feedback *out,
                            mrq_error *err)
{
    out->had = mrq_array(live->n, sizeof *out->had);
    if (!out->had)
        return mrq_fail_memory(err, "reading the query");
    for (uint32_t i = 0; i < live->n; i++) {
        const mrq_said *said = &live->said[i];
        if (said->opinion == MRQ_HAD || (!history && said->opinion != MRQ_FORGOTTEN)) {
            out->had[out->n_had++] = said->row;
            continue;
        }
        named[*n] = (struct named){.row = said->row,
                                   .place = *n,
                                   .strength = said->opinion == MRQ_LIKED      ? MRQ_LIKES
                                               : said->opinion == MRQ_DISLIKED ? MRQ_DISLIKES
                                                                               : 0,
                                   .by = said->opinion == MRQ_FORGOTTEN ? MRQ_BY_ERASE : MRQ_BY_EVENT};
        ++*n;
    }
    return MRQ_OK;
}

mrq_status mrq_feedback_resolve(const mrq_generation *generation, const mrq_query *query, uint32_t user,
                                const mrq_live_person *live, mrq_query_feedback *out, mrq_error *err)
{
    MRQ_TRY(check(generation, query, MRQ_Q_LIKED, err));
    MRQ_TRY(check(generation, query, MRQ_Q_DISLIKED, err));
    uint32_t n = query->n[MRQ_Q_LIKED] + query->n[MRQ_Q_DISLIKED] + (live ? live->n : 0);
    if (!n)
        return MRQ_OK;
    MRQ_AUTOFREE struct named *named = mrq_array(n, sizeof *named);
    out->item = mrq_array(n, sizeof *out->item);
    out->given = mrq_array(n, sizeof *out->given);
    out->net = mrq_array(n, sizeof *out->net);
    out->order = mrq_array(n, sizeof *out->order);
    out->by = mrq_array(n, sizeof *out->by);
    if (!named || !out->by || !out->item || !out->given || !out->net || !out->order)
        return mrq_fail_memory(err, "reading the query");
    n = 0;
    if (live && live->n)
        MRQ_TRY(find_live(live, generation->tower->has_history, named, &n, out, err));
    MRQ_TRY(find_named(generation->items, query, MRQ_Q_LIKED, named, &n, err));
    MRQ_TRY(find_named(generation->items, query, MRQ_Q_DISLIKED, named, &n, err));
    MRQ_TRY(distinct(generation->items, named, &n, err));
    qsort(named, n, sizeof *named, by_place);
    const uint32_t likes = give(named, n, generation->tower->age != NULL, out);
    out->n = n;
    mrq_feedback history = mrq_user_history(generation, user);
    if (generation->tower->age && history.n && likes) {
        out->n_aged = history.n;
        out->aged = mrq_array(history.n, sizeof *out->aged);
        if (!out->aged)
            return mrq_fail_memory(err, "reading the query");
        mrq_folded_age(generation->tower, user, likes, out->aged);
        history.strength = out->aged;
    }
    subtract(&history, out);
    return MRQ_OK;
}

void mrq_print_feedback(mrq_print *print, const mrq_query_feedback *feedback, const mrq_table *items, bool likes)
{
    bool begun = false;
    for (uint32_t o = 0; o < feedback->n; o++) {
        const uint32_t i = feedback->order[o];
        if ((feedback->given[i] > 0) != likes || feedback->by[i] != MRQ_BY_QUERY)
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
