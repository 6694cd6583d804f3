/* How much a model had to learn from, in figures that are stored with it, and what is to be said of that. */
#ifndef MRQ_MODEL_EVIDENCE_H
#define MRQ_MODEL_EVIDENCE_H

#include "base/json.h"
#include "base/table.h"

/* Figures of the data set. Of a model that predicts ratings, each event counts as a like. */
typedef struct mrq_evidence {
    bool ranks;
    uint64_t events, likes;  /* events 0: not known, as in older files */
    double like;             /* the least value that is a like; -INFINITY: all are */
    uint64_t busiest_user;   /* most events of one user */
    uint64_t most_liked;     /* most likes of one item */
    uint64_t users_with_two; /* users with two likes or more */
    double value;            /* the value of all events, if they have values and these are equal; else NaN */
} mrq_evidence;

/* Limits of the checks: below these, or at these shares, a model of almost nothing is told. */
#define MRQ_EVIDENCE_LIKES      100  /* likes */
#define MRQ_EVIDENCE_SHARE      0.05 /* of the events that are likes */
#define MRQ_EVIDENCE_USER       0.5  /* of the events that are one user's */
#define MRQ_EVIDENCE_ITEM       0.5  /* of the likes that are one item's */
#define MRQ_EVIDENCE_MOST_LIKED 5    /* likes of the item that has most */
#define MRQ_EVIDENCE_PAIRS      10   /* users with two likes */

/* What is said of the figures: a name, and a sentence with the numbers and advice. */
typedef struct mrq_doubt {
    const char *check;
    char text[300];
} mrq_doubt;
enum { MRQ_DOUBTS_MAX = 8 };

/* Fills `out` with what gives reason to doubt a model, and returns how many. `noun` is of the items. */
uint32_t mrq_evidence_doubts(const mrq_evidence *evidence, const mrq_noun *noun, mrq_doubt out[MRQ_DOUBTS_MAX]);

/* As JSON, and back; `object` NULL: not known. MRQ_BAD_FILE. */
cJSON *mrq_evidence_json(const mrq_evidence *evidence);
MRQ_CHECKED mrq_status mrq_evidence_parse(const cJSON *object, const char *path, mrq_evidence *out, mrq_error *err);

#endif
