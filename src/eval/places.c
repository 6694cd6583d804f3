/* For each score of a wanted item the scores above it and equal to it are counted: additions without branches, for blocks of scores
 * that stay in the CPU cache. A binary search of each score among the wanted ones took ten times as long, as half of its branches
 * were guessed wrongly. Measures for any k follow from the counts, without a list of the best items. */
#include "eval/places.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCK = 4096 }; /* scores */

const char *const mrq_measure_names[] = {"recall", "ndcg", "mrr", "hit", "precision", "recall_min", NULL};

static int by_score(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static void count(const float *score, uint32_t n, float value, mrq_place *place)
{
    uint32_t above = 0, equal = 0;
    for (uint32_t i = 0; i < n; i++) {
        above += score[i] > value;
        equal += score[i] == value;
    }
    place->above += above;
    place->size += equal;
}

mrq_status mrq_places_find(const float *score, uint32_t items, const uint32_t *wanted, uint32_t n, mrq_place *place,
                           mrq_places *out, mrq_error *err)
{
    MRQ_AUTOFREE float *value = mrq_array(n, sizeof *value); /* the different scores of the wanted items, descending */
    if (!value)
        return mrq_fail_memory(err, "measuring");
    for (uint32_t i = 0; i < n; i++)
        value[i] = score[wanted[i]];
    qsort(value, n, sizeof *value, by_score);
    uint32_t m = 0;
    memset(place, 0, n * sizeof *place);
    for (uint32_t i = 0; i < n; i++) {
        m += i > 0 && value[i] < value[m];
        value[m] = value[i];
        place[m].wanted++;
    }
    m++;
    mrq_place all = {0};
    for (uint32_t first = 0; first < items; first += BLOCK) {
        const uint32_t size = items - first < BLOCK ? items - first : BLOCK;
        count(score + first, size, -INFINITY, &all);
        for (uint32_t j = 0; j < m; j++)
            count(score + first, size, value[j], &place[j]);
    }
    *out = (mrq_places){all.above, n, m, place};
    return MRQ_OK;
}

/* How many of the first `k` items have this place's score. */
static uint32_t slots_of(const mrq_place *p, uint32_t k)
{
    return k <= p->above ? 0 : k - p->above < p->size ? k - p->above : p->size;
}

/* The mean of 1 / rank of the first wanted item of the best place, where one beyond `slots` counts 0; the probability that none is
 * within them is left in `*none`. */
static double first_rank(const mrq_place *p, uint32_t slots, double *none)
{
    double sum = 0;
    *none = 1;
    for (uint32_t i = 1; i <= slots; i++) {
        const double left = p->size - i + 1.0, without = *none * fmax(0, left - p->wanted) / left;
        sum += (*none - without) / (p->above + (double)i);
        *none = without;
    }
    return sum;
}

void mrq_places_measure(const mrq_places *places, uint32_t k, double out[MRQ_MEASURES])
{
    const uint32_t reachable = k < places->wanted ? k : places->wanted;
    double found = 0, gain = 0, most = 0, none = 1;
    for (uint32_t i = 0; i < reachable; i++)
        most += 1 / log2(2.0 + i);
    for (uint32_t j = 0; j < places->n; j++) {
        const mrq_place *p = &places->place[j];
        const uint32_t slots = slots_of(p, k);
        const double share = p->wanted / (double)p->size;
        found += share * slots;
        for (uint32_t i = 0; i < slots; i++)
            gain += share / log2(2.0 + p->above + i);
    }
    /* Where the best place does not end within the first k, no other begins there; where it does, its wanted items are found. */
    out[MRQ_MRR] = first_rank(places->place, slots_of(places->place, k), &none);
    out[MRQ_RECALL] = found / places->wanted;
    out[MRQ_NDCG] = gain / most;
    out[MRQ_HIT] = 1 - none;
    out[MRQ_PRECISION] = found / k;
    out[MRQ_RECALL_MIN] = found / reachable;
}

double mrq_places_auc(const mrq_places *places)
{
    const double others = (double)places->ranked - places->wanted;
    double better = 0; /* pairs in which the wanted item stands before the other */
    uint32_t wanted_above = 0;
    for (uint32_t j = 0; j < places->n; j++) {
        const mrq_place *p = &places->place[j];
        const double others_above = (double)p->above - wanted_above, beside = (double)p->size - p->wanted;
        better += p->wanted * (others - others_above - beside / 2);
        wanted_above += p->wanted;
    }
    return others > 0 ? better / (places->wanted * others) : 0.5;
}
