#include "train/succession.h"

#define NEXT 0.1353352832366127 /* exp(-2): 0 (only the very next) and exp(-1) were as good on three sets, exp(-1/3) worse */

_Static_assert(MRQ_RECENCY_TERMS == 3, "mrq_together() adds three");

int mrq_succession_make(uint32_t ages, mrq_arena *arena, mrq_succession *out)
{
    out->power = mrq_arena_array(arena, (size_t)ages * MRQ_RECENCY_TERMS, sizeof(float));
    out->sum = mrq_arena_array(arena, (size_t)ages * MRQ_RECENCY_TERMS, sizeof(float));
    out->next = mrq_arena_array(arena, ages, sizeof(float));
    if (!out->power || !out->sum || !out->next)
        return -1;
    double power[MRQ_RECENCY_TERMS] = {1, 1, 1}, sum[MRQ_RECENCY_TERMS] = {0}, next = 0;
    for (uint32_t age = 0; age < ages; age++) {
        const double recency = mrq_recency(age);
        out->next[age] = (float)(next = NEXT * next + recency);
        for (uint32_t i = 0; i < MRQ_RECENCY_TERMS; i++) {
            const mrq_recency_term *term = &mrq_recency_terms[i];
            out->power[age * MRQ_RECENCY_TERMS + i] = (float)power[i];
            out->sum[age * MRQ_RECENCY_TERMS + i] = (float)(term->weight * sum[i]);
            sum[i] += recency * power[i];
            power[i] *= term->factor;
        }
    }
    return 0;
}
