/* What events say: which value they have in the data, and which are likes. It is stored with a model, so that events that come in
 * while the model serves mean the same as those it has learned from. */
#ifndef MRQ_BASE_MEANING_H
#define MRQ_BASE_MEANING_H

#include "base/json.h"

#define MRQ_ACTIONS_MAX 64
#define MRQ_ACTION_NAME 32

/* Kinds of events that there always are, beside the actions of the data. */
#define MRQ_KIND_LIKE    "like"
#define MRQ_KIND_DISLIKE "dislike"
#define MRQ_KIND_FORGET  "forget" /* of a live database: what was known of user and item does not count; no kind that comes in */

typedef enum mrq_value_kind {
    MRQ_VALUE_UNKNOWN, /* the model is of an older version, which did not say */
    MRQ_VALUE_NONE,    /* events have no value: each is a like */
    MRQ_VALUE_RATING,  /* the newest of a user and an item counts */
    MRQ_VALUE_COUNT,   /* those of a user and an item are added */
    MRQ_VALUE_ACTION,  /* the weights of those of a user and an item are added */
} mrq_value_kind;

typedef struct mrq_action {
    char name[MRQ_ACTION_NAME];
    double weight;
} mrq_action;

typedef struct mrq_meaning {
    mrq_value_kind value;
    double min, max;    /* of a rating */
    double like_from;   /* events of this value or more, in the units of the data's files, are likes; -INFINITY: all */
    uint32_t n_actions; /* those of the schema that have names of up to MRQ_ACTION_NAME - 1 bytes, the first MRQ_ACTIONS_MAX */
    mrq_action action[MRQ_ACTIONS_MAX];
} mrq_meaning;

/* The place of an action, or n_actions. */
uint32_t mrq_action_find(const mrq_meaning *meaning, const char *name);

/* As JSON, and back; `object` NULL: MRQ_VALUE_UNKNOWN. NULL when out of memory; MRQ_BAD_FILE. */
cJSON *mrq_meaning_json(const mrq_meaning *meaning);
MRQ_CHECKED mrq_status mrq_meaning_parse(const cJSON *object, const char *path, mrq_meaning *out, mrq_error *err);

#endif
