/* The terms decay by 1/e in 1, 8 and 60 likes and weigh 1, 0.4 and 0.1. Chosen on validation parts of four sets
 * (benchmarks/README.md); 0.3 to 0.5, 5 to 10 and 50 to 80 are as good. */
#include "model/recency.h"

#include <math.h>
#include <pthread.h>

const mrq_recency_term mrq_recency_terms[MRQ_RECENCY_TERMS] = {
    {1 / 1.5, 0.36787944117144233}, {0.4 / 1.5, 0.88249690258459546}, {0.1 / 1.5, 0.98347145382161749}};

static double compute(uint32_t age)
{
    double sum = 0;
    for (int i = 0; i < MRQ_RECENCY_TERMS; i++)
        sum += mrq_recency_terms[i].weight * pow(mrq_recency_terms[i].factor, age);
    return sum;
}

/* Most ages are small, and an answer needs hundreds. */
enum { COMPUTED = 1024 };
static double computed[COMPUTED];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void)
{
    for (uint32_t age = 0; age < COMPUTED; age++)
        computed[age] = compute(age);
}

double mrq_recency(uint32_t age)
{
    pthread_once(&once, fill);
    return age < COMPUTED ? computed[age] : compute(age);
}
