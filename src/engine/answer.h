/* Inside: what a caller of the library gets, and what the program's own commands see of it. */
#ifndef MRQ_ENGINE_ANSWER_H
#define MRQ_ENGINE_ANSWER_H

#include "engine/options.h"
#include "engine/snapshot.h"

/* Takes over the hold on `cached`, also on failure, which is NULL: out of memory. */
mrq_answer *mrq_answer_new(mrq_cached_answer *cached, bool from_memory);

/* What it is made of; both live as long as the answer. */
const mrq_content *mrq_answer_content(const mrq_answer *answer);
const mrq_generation *mrq_answer_source(const mrq_answer *answer);

/* Opens a store for this question alone, with what it needs and no more: no memory of answers, and the history only where the
 * answer depends on it. Statuses as of mrq_recommender_open(). */
MRQ_CHECKED mrq_status mrq_recommender_open_for(const mrq_options *options, mrq_ask what, const mrq_query *query,
                                                mrq_recommender **out, mrq_error *err);

/* Closes it unless the name of Redis is still being looked up: that thread ends with the process. */
void mrq_recommender_leave(mrq_recommender *recommender);

#endif
