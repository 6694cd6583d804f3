/* Where the items that should be found stand among all that were ranked. Items with the same score stand in any order with the same
 * probability, so every measure is an expectation over these orders: a model that scores all items alike gets what chance would. */
#ifndef MRQ_EVAL_PLACES_H
#define MRQ_EVAL_PLACES_H

#include <stdint.h>

#include "base/error.h"

/* Items with the same score, of which some are wanted. */
typedef struct mrq_place {
    uint32_t above;  /* items with a higher score */
    uint32_t size;   /* items with this score */
    uint32_t wanted; /* > 0 of them */
} mrq_place;

typedef struct mrq_places {
    uint32_t ranked; /* items */
    uint32_t wanted; /* of them, > 0 */
    uint32_t n;      /* places, best first */
    mrq_place *place;
} mrq_places;

/* Finds the places of `n` > 0 different items by the scores of all; those of -INFINITY are not ranked, and no wanted one is among
 * them. `place` (n) holds the result. */
MRQ_CHECKED mrq_status mrq_places_find(const float *score, uint32_t items, const uint32_t *wanted, uint32_t n, mrq_place *place,
                                       mrq_places *out, mrq_error *err);

enum { MRQ_RECALL, MRQ_NDCG, MRQ_MRR, MRQ_HIT, MRQ_PRECISION, MRQ_RECALL_MIN, MRQ_MEASURES };

/* By the enum; NULL ends. Each is 0 .. 1:
 * recall      share of the wanted items that are among the first k
 * ndcg        Σ 1/log2(1 + rank) over those found, divided by the largest sum that min(k, wanted) places can have
 * mrr         1 / rank of the first one found; 0: none found
 * hit         1 when one is found
 * precision   share of the k places that hold a wanted item
 * recall_min  the number found, divided by min(k, wanted) */
extern const char *const mrq_measure_names[];

/* The measures of the first `k` > 0 items. */
void mrq_places_measure(const mrq_places *places, uint32_t k, double out[MRQ_MEASURES]);

/* The probability that a wanted item stands before one that is not; 0.5 if all ranked ones are wanted. */
double mrq_places_auc(const mrq_places *places);

#endif
