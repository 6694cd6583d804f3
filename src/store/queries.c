/* The queries that an index is tuned and measured with: vectors from the user tower, because recall and time depend on where the
 * queries lie, and random directions lie elsewhere. Half of them are users of the data, half strangers, who have the unknown user's
 * row and age, gender and job at random: that is how a store is asked. A tower that knows users by their id alone has one vector
 * for all strangers, which nobody can ask for, and so is measured with users of the data only. Nobody's ratings are needed, and so
 * an index that is read from a model file alone can be measured, too.
 *
 * Settings are chosen by one half of the list and reported by the other, and there are few strangers, 294 on MovieLens: each is
 * drawn for one half only, as the black and white squares of a board. Rejected: halves by a hash, one of which a small tower could
 * find empty. */
#include "store/queries.h"

#include "base/random.h"

#define SEED 0x6d72715f

/* Whether strangers can say anything of themselves. */
static bool has_strangers(const mrq_folded *tower)
{
    for (uint32_t b = 0; b < tower->n_branches; b++)
        if (!mrq_folded_is_id(&tower->branch[b]))
            return true;
    return false;
}

/* A stranger for half 0 or 1 of the list, by whether the values add up to an even number; any when there is but one. */
static void stranger(const mrq_folded *tower, uint32_t half, mrq_random *rng, uint32_t *value)
{
    uint32_t sum;
    bool several = false;
    do {
        sum = 0;
        for (uint32_t b = 0; b < tower->n_branches; b++) {
            const uint32_t n = mrq_folded_is_id(&tower->branch[b]) ? 1 : tower->branch[b].n_rows;
            several = several || n > 1;
            value[b] = (uint32_t)mrq_random_below(rng, n);
            sum += value[b];
        }
    } while (several && sum % 2 != half);
}

mrq_status mrq_store_queries(const mrq_folded *tower, const mrq_table *users, uint32_t *n, float **out, mrq_error *err)
{
    const uint32_t turn = has_strangers(tower) ? 2 : 1, most = MRQ_QUERIES_MAX / turn;
    const uint32_t known = users->rows < 2 ? 2 : users->rows < most ? users->rows / 2 * 2 : most, size = turn * known / 2;
    float *vectors = mrq_array((size_t)2 * size * tower->dim, sizeof *vectors);
    if (!vectors)
        return mrq_fail_memory(err, "measuring an index");
    mrq_random rng;
    mrq_random_init(&rng, SEED, 0);
    for (uint32_t i = 0; i < 2 * size; i++) {
        uint32_t value[MRQ_BRANCHES_MAX];
        mrq_line line;
        /* of the known users the first half of the list has every other one, and so is spread over the table like the second */
        const uint32_t half = i / size, in_half = i % size, number = in_half / turn * 2 + half;
        if (in_half % turn)
            stranger(tower, half, &rng, value);
        else
            mrq_folded_values(tower, users, (uint32_t)((uint64_t)number * users->rows / known), value);
        mrq_folded_vector(tower, value, vectors + (size_t)i * tower->dim, &line);
    }
    *n = 2 * size;
    *out = vectors;
    return MRQ_OK;
}
