/* Recency: how much a like counts by its age, the number of likes of the same person that came after it. The newest counts 1, and
 * what is older less, first quickly and then slowly: a sum of three decays, which comes near a power of the age. */
#ifndef MRQ_MODEL_RECENCY_H
#define MRQ_MODEL_RECENCY_H

#include <stdint.h>

/* recency(age) = Σ weight × factor^age. */
typedef struct mrq_recency_term {
    double weight, factor;
} mrq_recency_term;
#define MRQ_RECENCY_TERMS 3
extern const mrq_recency_term mrq_recency_terms[MRQ_RECENCY_TERMS];

double mrq_recency(uint32_t age);

#endif
