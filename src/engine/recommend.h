/* Inside the engine: the steps from a resolved query to its hits. */
#ifndef MRQ_ENGINE_RECOMMEND_H
#define MRQ_ENGINE_RECOMMEND_H

#include "engine/engine.h"

/* The person's unit vector (tower->dim), freed with mrq_free(), and what makes inner products with it ratings. MRQ_BAD_FILE when
 * they are not finite. */
MRQ_CHECKED mrq_status mrq_person_vector(const mrq_generation *generation, const mrq_resolved *resolved, float **out,
                                         mrq_line *line, mrq_error *err);

/* The best items for the vector that qualify: `*hits`, freed with mrq_free(), and their number. */
MRQ_CHECKED mrq_status mrq_person_search(const mrq_generation *generation, const mrq_resolved *resolved, const float *vector,
                                         mrq_hit **hits, uint32_t *n, mrq_error *err);

/* Why `n` items have their scores by this person, with up to `told` parts each: `out` for mrq_content.why. MRQ_USAGE beyond
 * MRQ_PARTS_MAX and MRQ_SHAPLEY_MAX. */
MRQ_CHECKED mrq_status mrq_person_explain(const mrq_generation *generation, const mrq_resolved *resolved,
                                          const mrq_recommendation *hit, uint32_t n, uint32_t told, mrq_explanation *out,
                                          mrq_error *err);

#endif
