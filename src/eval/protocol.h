/* Protocols: how ratings are divided to judge a recommender: into what is learned from, what is hidden, and what should be found.
 *
 * What a like is says the data set. Every candidate learns from the training part alone. A model
 * that chooses its best epoch sets a share of the training part aside for that. */
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
    MRQ_PROTOCOL_LAST,
    MRQ_PROTOCOL_NEXT,
    MRQ_PROTOCOL_OWN,   /* a trained model's own test part */
    MRQ_PROTOCOL_GIVEN, /* data that was read in two parts, to train and to test */
} mrq_protocol;
#define MRQ_PROTOCOLS MRQ_PROTOCOL_OWN /* the protocols that are chosen by name */

extern const char *const mrq_protocol_names[]; /* by the enum; NULL ends */

/* A protocol's definition, a sentence, with the data's noun. */
#define MRQ_PROTOCOL_MEANING 300
void mrq_protocol_meaning(mrq_protocol protocol, const mrq_noun *noun, char out[MRQ_PROTOCOL_MEANING]);

typedef struct mrq_parts {
    mrq_arena *arena;           /* owns the lists below */
    double least;               /* ratings of this value or more are likes */
    mrq_split split;            /* ratings of each part; stars are predicted for `test` */
    mrq_links likes;            /* by user: liked items of the training part, all of strength 1 */
    uint32_t n_users;           /* users to rank items for: those with relevant items. None in the protocol "rating"; in "next" a
                                       user once for each item that is asked for */
    const uint32_t *user;       /* (n_users) rows, ascending */
    mrq_lists relevant, hidden; /* by user row, ascending: items that should be found, and items that are not ranked;
                                       never both */
    mrq_lists known;            /* by user row, in order: likes that the training has not, and which are known when the user is
                                       asked; offset NULL: none. In "next" all relevant items */
    const uint32_t *place;      /* "next": (n_users) the place of the item to find among the user's known ones, of which those
                                       before it are known then and not ranked; else NULL */
    uint64_t n_all;             /* "next": items that could be asked for */
    const unsigned char *candidate; /* (items) 1: rank it; NULL: rank all */
} mrq_parts;

/* Some items. */
typedef struct mrq_items {
    const uint32_t *item; /* (n) rows */
    uint32_t n;
} mrq_items;

/* What user `i` of the n_users should find, and what is known of him by then that the training has not. */
mrq_items mrq_parts_wanted(const mrq_parts *parts, uint32_t i);
mrq_items mrq_parts_known(const mrq_parts *parts, uint32_t i);

bool mrq_protocol_has_valid(mrq_protocol protocol); /* whether it has a validation part */
bool mrq_protocol_by_time(mrq_protocol protocol);   /* whether it asks for what comes after the training part */

/* Divides the data for a protocol other than MRQ_PROTOCOL_OWN; the same seed gives the same parts. With `on_valid`, if the protocol
 * has a validation part, the items to find are those of it, and the test part is not used at all. MRQ_USAGE when the data does not
 * suffice. */
MRQ_CHECKED mrq_status mrq_parts_make(const mrq_dataset *data, mrq_protocol protocol, bool on_valid, uint64_t seed, mrq_parts *out,
                                      mrq_error *err);

/* The parts that a trained model was made with, to judge it on its test part. MRQ_USAGE when it has none, MRQ_BAD_FILE when it was
 * trained on other data. */
MRQ_CHECKED mrq_status mrq_parts_of_model(const mrq_dataset *data, const mrq_model *model, mrq_parts *out, mrq_error *err);

void mrq_parts_clear(mrq_parts *parts); /* a zeroed struct is allowed */

#endif
