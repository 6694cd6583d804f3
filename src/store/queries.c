/* The queries that an index is tuned and measured with. They are vectors of the user tower, because recall and latency depend on
 * the directions of the queries, and random directions differ from those of users. Like real queries, half of them are users of the
 * data and half are strangers: the unknown user's row with random features such as age, gender and job. If the tower's only input
 * is the user id, all strangers have the same vector and no query uses it; then only users of the data are taken. No ratings are
 * needed, so an index can be measured with a model file alone.
 *
 * Settings are chosen with one half of the list and reported with the other. There are few different strangers, 294 on MovieLens,
 * so each is used in one half only, depending on the parity of the sum of its values. Rejected: halves by a hash, because with a
 * small tower one half could be empty. */
#include "store/queries.h"

#include "base/random.h"

#define SEED 0x6d72715f

/* Whether the tower has features, so that strangers can differ. */
static bool has_strangers(const mrq_folded *tower)
{
    for (uint32_t b = 0; b < tower->n_branches; b++)
        if (!mrq_folded_is_id(&tower->branch[b]))
            return true;
    return false;
}

/* A stranger for half 0 or 1 of the list: the sum of its values is even or odd. Its sets are those of some users. If there is only
 * one stranger, it is in both. */
static void stranger(const mrq_folded *tower, uint32_t users, uint32_t half, mrq_random *rng, uint32_t *value)
{
    uint32_t sum;
    bool several = false;
    do {
        sum = 0;
        for (uint32_t b = 0; b < tower->n_branches; b++) {
            const mrq_folded_branch *branch = &tower->branch[b];
            const uint32_t n = mrq_folded_is_id(branch) ? 1 : mrq_folded_is_set(branch) ? users : branch->n_rows;
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
        /* the halves of the list take known users in turn, so that both are spread over the table */
        const uint32_t half = i / size, in_half = i % size, number = in_half / turn * 2 + half;
        if (in_half % turn)
            stranger(tower, users->rows, half, &rng, value);
        else
            mrq_folded_values(tower, users, (uint32_t)((uint64_t)number * users->rows / known), value);
        mrq_folded_vector(tower, value, vectors + (size_t)i * tower->dim, &line);
    }
    *n = 2 * size;
    *out = vectors;
    return MRQ_OK;
}
