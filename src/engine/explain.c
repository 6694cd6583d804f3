/* Explanations: Shapley values of the inputs of the folded tower (engine.h has the definition and its source).
 *
 * A linear tower with an inner product needs no subsets: in every order an input adds the same, its inner product with the item
 * minus the average's. So a history of thousands of items takes a few thousand inner products for each hit. Any other tower has at
 * most one input for each branch, and the vector of each of the 2^n subsets is computed once for all items. A score f(S) is added
 * to the part of input i, weighted for |S|-1 inputs before it, if i is in S, and subtracted, weighted for |S| before it, if i is
 * not in S.
 *
 * An item that is in both the user's history and the query makes one part, with the query's feedback. Rejected: sampled orders
 * (Strumbelj and Kononenko's own algorithm), because with few inputs the exact sum is cheaper. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/neighbours.h"
#include "engine/recommend.h"
#include "model/kernels.h"

typedef struct input {
    mrq_score_part part;
    uint32_t branch; /* of a feature or the user; MRQ_NONE: an item */
    float strength;  /* of an item: how much it is liked */
} input;

static bool is_linear(const mrq_folded *tower)
{
    return tower->score == MRQ_DOT && tower->activation == MRQ_LINEAR;
}

/* Appends the items of the user's history and of the query, each once, to the `n` inputs; returns the new number. */
static uint32_t add_items(const mrq_feedback *history, const mrq_query_feedback *feedback, input *in, uint32_t n)
{
    for (uint32_t h = 0, o = 0; h < history->n || o < feedback->n;) {
        if (o == feedback->n || (h < history->n && history->item[h] < feedback->item[o])) {
            in[n++] = (input){{"history", MRQ_PART_ITEM, history->item[h], 0}, MRQ_NONE, history->strength[h]};
            h++;
            continue;
        }
        h += h < history->n && history->item[h] == feedback->item[o];
        const bool likes = feedback->given[o] > 0, by_event = feedback->by[o] != MRQ_BY_QUERY;
        const char *name = !likes ? "disliked" : by_event ? "history" : "liked";
        if (likes || feedback->given[o] < 0)
            in[n++] = (input){{name, MRQ_PART_ITEM, feedback->item[o], 0}, MRQ_NONE, feedback->given[o]};
        o++;
    }
    return n;
}

/* The place of a column among the query's features, which has it. */
static uint32_t place_of(const mrq_resolved *resolved, const char *column)
{
    uint32_t i = 0;
    while (strcmp(resolved->feature[i].column->name, column) != 0)
        i++;
    return i;
}

/* The known inputs of the person, and their number. `in` has space for all branches and all items of history and feedback. */
static uint32_t find_inputs(const mrq_folded *tower, const mrq_resolved *resolved, const mrq_feedback *history, input *in)
{
    uint32_t n = 0;
    for (uint32_t b = 0; b < tower->n_branches; b++) {
        const bool id = mrq_folded_is_id(&tower->branch[b]);
        if (resolved->value[b] == MRQ_NONE || (id && (!resolved->value[b] || tower->liked)))
            continue; /* unknown, or split into items */
        const char *name = tower->branch[b].feature;
        const uint32_t value = id                                     ? resolved->user
                               : mrq_folded_is_set(&tower->branch[b]) ? place_of(resolved, name)
                                                                      : resolved->value[b];
        in[n++] = (input){{name, id ? MRQ_PART_USER : MRQ_PART_FEATURE, value, 0}, b, 1};
    }
    return add_items(history, &resolved->feedback, in, n);
}

/* What a row of a linear tower adds to the score of the item with this unit vector. */
static double product(const mrq_folded *tower, const float *row, const float *item)
{
    const double own = tower->bias ? (double)row[tower->size] : 0;
    return tower->scale * (double)mrq_kernels_best()->dot(row, item, tower->size) + own;
}

/* What the query's value of branch `b` adds to the score beyond the average. */
static double beyond_average(const mrq_folded *tower, const mrq_resolved *resolved, uint32_t b, const float *item)
{
    const mrq_members members = mrq_folded_members(tower, b, &resolved->value[b], resolved->members);
    double sum = -product(tower, tower->branch[b].mean, item);
    for (uint32_t i = 0; i < members.n; i++)
        sum += product(tower, mrq_folded_row(tower, b, members.row[i]), item);
    return sum;
}

static void explain_linear(const mrq_generation *generation, const mrq_resolved *resolved, const input *in,
                           const mrq_recommendation *hit, uint32_t n, mrq_explanation *out)
{
    const mrq_folded *tower = generation->tower;
    const float *vectors = mrq_index_vectors(generation->index);
    for (uint32_t m = 0; m < n; m++) {
        const float *item = vectors + (size_t)hit[m].item * tower->dim;
        out->base[m] = tower->shift + product(tower, tower->start, item);
        if (tower->bias)
            out->base[m] += tower->scale * (double)item[tower->size]; /* the item's own */
        for (uint32_t b = 0; b < tower->n_branches; b++)
            out->base[m] += product(tower, tower->branch[b].mean, item);
    }
    for (uint32_t i = 0; i < out->n; i++)
        for (uint32_t m = 0; m < n; m++) { /* the inner loop, so that each row is read once */
            const float *item = vectors + (size_t)hit[m].item * tower->dim;
            mrq_score_part *part = &out->part[(size_t)m * out->n + i];
            *part = in[i].part;
            if (in[i].branch == MRQ_NONE)
                part->score = (double)in[i].strength * (product(tower, tower->liked + (size_t)part->value * tower->width, item) +
                                                        (double)mrq_neighbours_weight(generation, part->value, hit[m].item));
            else
                part->score = beyond_average(tower, resolved, in[i].branch, item);
        }
}

/* The scores of the items if only the inputs in `set` are known. */
static void score_subset(const mrq_generation *generation, const mrq_resolved *resolved, const input *in, uint32_t n_inputs,
                         uint32_t set, const mrq_recommendation *hit, uint32_t n, float *vector, double *score)
{
    const mrq_folded *tower = generation->tower;
    uint32_t value[MRQ_BRANCHES_MAX];
    mrq_line line;
    for (uint32_t b = 0; b < tower->n_branches; b++)
        value[b] = MRQ_NONE;
    for (uint32_t i = 0; i < n_inputs; i++)
        if (set >> i & 1)
            value[in[i].branch] = resolved->value[in[i].branch];
    mrq_folded_vector_of(tower, value, resolved->members, NULL, 0, vector, &line);
    for (uint32_t m = 0; m < n; m++) {
        const float *item = mrq_index_vectors(generation->index) + (size_t)hit[m].item * tower->dim;
        score[m] = line.slope * (double)mrq_kernels_best()->dot(vector, item, tower->dim) + line.intercept;
    }
}

static mrq_status explain_subsets(const mrq_generation *generation, const mrq_resolved *resolved, const input *in,
                                  const mrq_recommendation *hit, uint32_t n, mrq_explanation *out, mrq_error *err)
{
    MRQ_AUTOFREE float *vector = mrq_array(generation->tower->dim, sizeof *vector);
    MRQ_AUTOFREE double *score = mrq_array(n, sizeof *score);
    if (!vector || !score)
        return mrq_fail_memory(err, "explaining");
    double weight[MRQ_SHAPLEY_MAX + 1] = {out->n ? 1.0 / out->n : 0}; /* s! (n-1-s)! / n! of s inputs before one of n */
    for (uint32_t s = 1; s < out->n; s++)
        weight[s] = weight[s - 1] * s / (out->n - s);
    for (uint32_t m = 0; m < n; m++)
        for (uint32_t i = 0; i < out->n; i++)
            out->part[(size_t)m * out->n + i] = in[i].part;
    for (uint32_t set = 0; set < 1u << out->n; set++) {
        const uint32_t size = (uint32_t)__builtin_popcount(set);
        score_subset(generation, resolved, in, out->n, set, hit, n, vector, score);
        for (uint32_t m = 0; m < n; m++) {
            mrq_score_part *part = out->part + (size_t)m * out->n;
            if (!set)
                out->base[m] = score[m];
            for (uint32_t i = 0; i < out->n; i++)
                part[i].score += set >> i & 1 ? weight[size - 1] * score[m] : -weight[size] * score[m];
        }
    }
    return MRQ_OK;
}

/* The largest first; equal ones in the generation's order. */
static int by_size(const void *a, const void *b)
{
    const mrq_score_part *x = a, *y = b;
    const double sizes[] = {fabs(x->score), fabs(y->score)};
    if (sizes[0] < sizes[1] || sizes[0] > sizes[1])
        return sizes[0] < sizes[1] ? 1 : -1;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : (x->value > y->value) - (x->value < y->value);
}

/* `out` has space for all parts. */
static mrq_status explain(const mrq_generation *generation, const mrq_resolved *resolved, const input *in,
                          const mrq_recommendation *hit, uint32_t n, mrq_explanation *out, mrq_error *err)
{
    if (is_linear(generation->tower))
        explain_linear(generation, resolved, in, hit, n, out);
    else
        MRQ_TRY(explain_subsets(generation, resolved, in, hit, n, out, err));
    for (uint32_t m = 0; m < n; m++)
        qsort(out->part + (size_t)m * out->n, out->n, sizeof *out->part, by_size);
    return MRQ_OK;
}

/* Keeps `kept` parts of each item and the sum of the others, because an answer may stay in memory for long. */
static mrq_status shorten(mrq_explanation *why, uint32_t n, uint32_t kept, mrq_error *err)
{
    if (kept >= why->n)
        return MRQ_OK;
    mrq_score_part *part = mrq_array((size_t)n * kept, sizeof *part);
    why->rest = mrq_array(n, sizeof *why->rest);
    if (!part || !why->rest) {
        mrq_free(part);
        return mrq_fail_memory(err, "explaining");
    }
    for (uint32_t m = 0; m < n; m++) {
        const mrq_score_part *all = why->part + (size_t)m * why->n;
        memcpy(part + (size_t)m * kept, all, kept * sizeof *part);
        for (uint32_t i = kept; i < why->n; i++)
            why->rest[m] += all[i].score;
    }
    mrq_free(why->part);
    why->part = part;
    why->n = kept;
    return MRQ_OK;
}

mrq_status mrq_person_explain(const mrq_generation *generation, const mrq_resolved *resolved, const mrq_recommendation *hit,
                              uint32_t n, uint32_t parts, mrq_explanation *out, mrq_error *err)
{
    const mrq_folded *tower = generation->tower;
    const mrq_feedback history = mrq_person_history(generation, resolved);
    MRQ_AUTOFREE input *in = mrq_array((size_t)tower->n_branches + history.n + resolved->feedback.n, sizeof *in);
    if (!in)
        return mrq_fail_memory(err, "explaining");
    mrq_explanation why = {.n = find_inputs(tower, resolved, &history, in)};
    if (!is_linear(tower) && why.n > MRQ_SHAPLEY_MAX)
        return mrq_fail(err, MRQ_USAGE,
                        "explain: model \"%s\" has %u inputs for this person, want at most %d because it is not linear",
                        generation->model_name, why.n, MRQ_SHAPLEY_MAX);
    if ((uint64_t)why.n * n > MRQ_PARTS_MAX)
        return mrq_fail(err, MRQ_USAGE, "explain: %u %s with %u parts each, want at most %d in all; ask for fewer %s", n,
                        mrq_table_noun(generation->items, n), why.n, MRQ_PARTS_MAX, generation->items->noun.many);
    why.base = mrq_array(n, sizeof *why.base);
    why.part = mrq_array((size_t)why.n * n, sizeof *why.part);
    mrq_status status =
        why.base && why.part ? explain(generation, resolved, in, hit, n, &why, err) : mrq_fail_memory(err, "explaining");
    if (status == MRQ_OK)
        status = shorten(&why, n, parts, err);
    if (status != MRQ_OK) {
        mrq_free(why.base);
        mrq_free(why.rest);
        mrq_free(why.part);
        return status;
    }
    *out = why;
    return MRQ_OK;
}
