/* The order in which people liked things: by time, equal times and data without times in the order of the file. */
#ifndef MRQ_EVAL_SEQUENCE_H
#define MRQ_EVAL_SEQUENCE_H

#include "eval/protocol.h"

enum { MRQ_PART_TRAIN, MRQ_PART_VALID, MRQ_PART_TEST, MRQ_PART_NOWHERE };
enum { MRQ_ASKED_MAX = 20000 }; /* likes that the protocol "next" asks for; of more a random choice */

/* The protocol "last": of each user with at least three likes the last one is for the test and the one before it for validation.
 * What else he rated from then on is nowhere. `part` (data->n) gets the part of each rating. */
MRQ_CHECKED mrq_status mrq_sequence_divide(const mrq_dataset *data, unsigned char *part, mrq_error *err);

/* The protocol "next": makes each relevant item of `parts` a question of its own, to which the user's relevant items before it are
 * known. `seed` chooses those that are asked if they are too many. */
MRQ_CHECKED mrq_status mrq_sequence_ask(const mrq_dataset *data, uint64_t seed, mrq_parts *parts, mrq_error *err);

#endif
