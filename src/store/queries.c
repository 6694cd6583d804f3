/* The queries that an index is tuned and measured with: vectors from the user tower, because recall and time depend on where the
 * queries lie, and random directions lie elsewhere. Half of them are users of the data, half strangers, who have the unknown user's
 * row and age, gender and job at random: that is how a store is asked. Nobody's ratings are needed, and so an index that is read
 * from a model file alone can be measured, too. */
#include "store/queries.h"

#include <string.h>

#include "base/random.h"

#define SEED 0x6d72715f

static void stranger(const mrq_folded *tower, mrq_random *rng, uint32_t *value)
{
    for (uint32_t b = 0; b < tower->n_branches; b++)
        value[b] = strcmp(tower->branch[b].feature, "id") == 0 ? 0 : (uint32_t)mrq_random_below(rng, tower->branch[b].n_rows);
}

mrq_status mrq_store_queries(const mrq_folded *tower, const mrq_table *users, uint32_t *n, float **out, mrq_error *err)
{
    const uint32_t most = MRQ_QUERIES_MAX / 2, known = users->rows < 2 ? 2 : users->rows < most ? users->rows / 2 * 2 : most;
    float *vectors = mrq_array((size_t)2 * known * tower->dim, sizeof *vectors);
    if (!vectors)
        return mrq_fail_memory(err, "measuring an index");
    mrq_random rng;
    mrq_random_init(&rng, SEED, 0);
    for (uint32_t i = 0; i < 2 * known; i++) {
        uint32_t value[MRQ_BRANCHES_MAX];
        mrq_line line;
        /* of the known users the first half of the list has every other one, and so is spread over the table like the second */
        const uint32_t in_half = i % known, number = in_half / 2 * 2 + i / known;
        if (in_half % 2)
            stranger(tower, &rng, value);
        else
            mrq_folded_values(tower, users, (uint32_t)((uint64_t)number * users->rows / known), value);
        mrq_folded_vector(tower, value, vectors + (size_t)i * tower->dim, &line);
    }
    *n = 2 * known;
    *out = vectors;
    return MRQ_OK;
}
