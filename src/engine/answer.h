/* Makes the public mrq_answer, and gives the program's own commands access to its contents. */
#ifndef MRQ_ENGINE_ANSWER_H
#define MRQ_ENGINE_ANSWER_H

#include "engine/options.h"
#include "engine/snapshot.h"

/* Takes over the caller's reference to `cached`, also on failure. NULL: out of memory. */
mrq_answer *mrq_answer_new(mrq_cached_answer *cached, bool from_memory);

/* The answer's contents and their generation; both live as long as the answer. */
const mrq_content *mrq_answer_content(const mrq_answer *answer);
const mrq_generation *mrq_answer_source(const mrq_answer *answer);

/* Opens a store for one RECOMMEND, SIMILAR or SEARCH: without a cache of answers, and with the users' history only if the answer
 * depends on it. Statuses as of mrq_recommender_open(). */
MRQ_CHECKED mrq_status mrq_recommender_open_for(const mrq_options *options, mrq_ask what, const mrq_query *query,
                                                mrq_recommender **out, mrq_error *err);

/* Closes it, unless the host name of Redis is still being looked up: closing would wait for that thread, which ends with the
 * process. */
void mrq_recommender_leave(mrq_recommender *recommender);

#endif
