/* The steps from a resolved query to its hits. */
#ifndef MRQ_ENGINE_RECOMMEND_H
#define MRQ_ENGINE_RECOMMEND_H

#include "engine/engine.h"

/* The person's unit vector (tower->dim), freed with mrq_free(), and the line that turns inner products with it into scores.
 * MRQ_BAD_FILE if they are not finite. */
MRQ_CHECKED mrq_status mrq_person_vector(const mrq_generation *generation, const mrq_resolved *resolved, float **out,
                                         mrq_line *line, mrq_error *err);

/* The best items for the vector and its line that pass the filters, with neighbours (neighbours.h): `*hits`, freed with mrq_free(),
 * and their number. */
MRQ_CHECKED mrq_status mrq_person_search(const mrq_generation *generation, const mrq_resolved *resolved, const mrq_live_view *live,
                                         const float *vector, const mrq_line *line, mrq_hit **hits, uint32_t *n, mrq_error *err);

/* Explains the scores of `n` hits for this person, with up to `parts` parts each; `out` is for mrq_content.why. MRQ_USAGE beyond
 * MRQ_PARTS_MAX and MRQ_SHAPLEY_MAX. */
MRQ_CHECKED mrq_status mrq_person_explain(const mrq_generation *generation, const mrq_resolved *resolved,
                                          const mrq_recommendation *hit, uint32_t n, uint32_t parts, mrq_explanation *out,
                                          mrq_error *err);

#endif
