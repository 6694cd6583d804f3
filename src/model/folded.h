/* The folded user tower: what a trained user tower comes to when each branch depends on one feature value.
 *
 * vector = act(bias + Σ_b rows_b[value_b]), brought to unit length; exact. A query is a few row additions, an activation and a
 * norm. Where the score is an inner product, the vector is followed by 1 for the items' biases, where there are any, and by 0 for
 * the coordinate that makes the items equally long.
 *
 * A "history" branch is a sum over the items that a user liked, so each user's sum is the user's own row of the branch "id"; what
 * one liked item adds is kept too, for those who are not in the data and for explanations. */
#ifndef MRQ_MODEL_FOLDED_H
#define MRQ_MODEL_FOLDED_H

#include <stdbool.h>
#include <string.h>

#include "base/table.h"
#include "model/description.h"

typedef struct mrq_folded_branch {
    char feature[MRQ_COLUMN_NAME]; /* "id", or a category column of the users */
    uint32_t n_rows;   /* id: 1 + users with a row of their own, row 0 is the unknown user; else the dictionary's size */
    const float *rows; /* (n_rows, width) row-major */
    const float *mean; /* (width) their average over the users of the data; of an id, row 0 */
} mrq_folded_branch;

static inline bool mrq_folded_is_id(const mrq_folded_branch *branch)
{
    return strcmp(branch->feature, "id") == 0;
}

typedef struct mrq_folded {
    mrq_arena *arena; /* owns what is not in a container */
    mrq_score_kind score;
    mrq_activation activation;
    bool bias;
    uint32_t size;       /* of the tower's vector */
    uint32_t width;      /* of rows: size, and one more where there is a bias */
    uint32_t dim;        /* of the unit vector: size for a cosine, else width + 1 */
    double scale, shift; /* cosine: score = scale × inner product + shift; else scale is the factor taken out of the items */
    uint32_t n_branches;
    mrq_folded_branch *branch;
    const float *start;       /* (width) what the rows are added to */
    const uint32_t *user_row; /* (users) row of the "id" branch of each user of the table; 0: unknown. NULL without such a branch */
    bool has_history;         /* the id's rows are sums over the items that each user liked: */
    const float *liked;       /* (items, width) what a liked item adds, times its strength; NULL also where it is not loaded */
    mrq_links history;        /* with `liked`: the items (rows, ascending) that each user's own row is the sum of */
} mrq_folded;

void mrq_folded_free(mrq_folded *folded);
MRQ_DEFINE_CLEANUP(mrq_folded, mrq_folded_free)

/* From the inner product of two unit vectors to the score. */
typedef struct mrq_line {
    double slope, intercept;
} mrq_line;

/* The row (width) of a value of branch `b`, below its n_rows; MRQ_NONE, where nothing is known, is the average user's. */
static inline const float *mrq_folded_row(const mrq_folded *folded, uint32_t b, uint32_t value)
{
    const mrq_folded_branch *branch = &folded->branch[b];
    return value == MRQ_NONE ? branch->mean : branch->rows + (size_t)value * folded->width;
}

/* The unit vector (dim) of one value a branch (n_branches), as of mrq_folded_row(), and this user's line. All zero if the sum is.
 * No allocation; thread-safe. */
void mrq_folded_vector(const mrq_folded *folded, const uint32_t *value, float *out, mrq_line *line);

/* What a person says of items, beside what the data knows. */
typedef struct mrq_feedback {
    uint32_t n;
    const uint32_t *item;  /* (n) rows */
    const float *strength; /* (n) MRQ_LIKES or MRQ_DISLIKES */
} mrq_feedback;
#define MRQ_LIKES    1.0f
#define MRQ_DISLIKES (-0.25f) /* in a prototype on ml-1m's validation part -0.1 to -0.5 were alike, and -1 worse than nothing */

/* The same with feedback; only for a tower with `liked`, unless it is empty. */
void mrq_folded_vector_of(const mrq_folded *folded, const uint32_t *value, const mrq_feedback *feedback, float *out,
                          mrq_line *line);

/* The values of a known user, a row of `users`: own id row and the categories of the table. */
void mrq_folded_values(const mrq_folded *folded, const mrq_table *users, uint32_t user, uint32_t *value);

/* To and from a container that also holds the users' table, whose rows and dictionaries it is checked against; MRQ_BAD_FILE when it
 * does not fit. A loaded tower points into the container, which must outlive it. The history stands in a container of its own, as
 * plain queries do not need it; empty for a tower without one. */
void mrq_folded_save(const mrq_folded *folded, const mrq_table *users, mrq_container_writer *writer);
MRQ_CHECKED mrq_status mrq_folded_load(const mrq_container *container, const mrq_table *users, mrq_folded **out, mrq_error *err);
void mrq_folded_save_history(const mrq_folded *folded, uint32_t users, uint32_t items, mrq_container_writer *writer);
MRQ_CHECKED mrq_status mrq_folded_load_history(const mrq_container *container, uint32_t users, uint32_t items, mrq_folded *folded,
                                               mrq_error *err);

#endif
