/* Protocols: what is learned from, what is hidden and what is asked, when a recommender is judged.
 *
 * A like is a rating of at least the middle of the schema's range. Whoever is judged learns from the training part alone; a model
 * that chooses its best epoch does that on a share of the training part that it sets aside itself. */
#ifndef MRQ_EVAL_PROTOCOL_H
#define MRQ_EVAL_PROTOCOL_H

#include "dataset/split.h"
#include "model/model.h"

typedef enum mrq_protocol {
    MRQ_PROTOCOL_RATING,
    MRQ_PROTOCOL_TOPN,
    MRQ_PROTOCOL_TIME,
    MRQ_PROTOCOL_COLD_USERS,
    MRQ_PROTOCOL_COLD_ITEMS,
    MRQ_PROTOCOL_OWN, /* of a trained model */
} mrq_protocol;
#define MRQ_PROTOCOLS MRQ_PROTOCOL_OWN /* those that are chosen by name */

extern const char *const mrq_protocol_names[]; /* by the enum; NULL ends */

/* A protocol's definition, a sentence, in the words of the data. */
#define MRQ_PROTOCOL_MEANING 300
void mrq_protocol_meaning(mrq_protocol protocol, const mrq_noun *noun, char out[MRQ_PROTOCOL_MEANING]);

typedef struct mrq_parts {
    mrq_arena *arena;               /* owns the lists below */
    double least;                   /* a rating of at least so much is a like */
    mrq_split split;                /* ratings of each part; `test` is what stars are predicted of */
    mrq_links likes;                /* by user: liked items of the training part, strength 1 */
    uint32_t n_users;               /* users who are ranked for: those with relevant items. None in the protocol "rating" */
    const uint32_t *user;           /* (n_users) rows, ascending */
    mrq_lists relevant, hidden;     /* by user row, ascending: what should be found, what is not ranked; nothing is in both */
    const unsigned char *candidate; /* (items) 1: is ranked; NULL: all are */
} mrq_parts;

/* Divides the data for a protocol other than MRQ_PROTOCOL_OWN; the same seed gives the same parts. With `on_valid`, for
 * MRQ_PROTOCOL_TOPN alone, the validation part is what should be found, and nobody learns from it or from the test part. MRQ_USAGE
 * when the data cannot support it. */
MRQ_CHECKED mrq_status mrq_parts_make(const mrq_dataset *data, mrq_protocol protocol, bool on_valid, uint64_t seed, mrq_parts *out,
                                      mrq_error *err);

/* The parts that a trained model was made with, judged on its test part. MRQ_USAGE when it kept none, MRQ_BAD_FILE
 * when it was trained on other data. */
MRQ_CHECKED mrq_status mrq_parts_of_model(const mrq_dataset *data, const mrq_model *model, mrq_parts *out, mrq_error *err);

void mrq_parts_clear(mrq_parts *parts); /* legal on a zeroed struct */

#endif
