/* The folded user tower: a trained user tower as sums of precomputed rows. This works when each branch depends on one feature
 * value.
 *
 * vector = act(bias + Σ_b rows_b[value_b]), normalised to length 1; exact. A set adds a row for each of its members. A query
 * takes a few row additions, an activation and a norm. If the score is an inner product, two coordinates follow the vector: 1 for
 * the items' biases, if there are any, and 0 for the coordinate that makes the items equally long.
 *
 * A "history" branch is a sum over the items that a user liked. Each user's sum is stored as the user's row of the branch "id". The
 * rows of single items are stored too, for users who are not in the data and for explanations. */
#ifndef MRQ_MODEL_FOLDED_H
#define MRQ_MODEL_FOLDED_H

#include <stdbool.h>
#include <string.h>

#include "base/table.h"
#include "model/description.h"

typedef struct mrq_folded_branch {
    char feature[MRQ_COLUMN_NAME]; /* "id", or a category or set column of the users */
    uint32_t n_rows;   /* id: 1 + number of users with a row of their own, row 0 being the unknown user; else the size of the
                          dictionary */
    const float *rows; /* (n_rows, width) row-major */
    const float *mean; /* (width) mean over the users of the data of what each adds; for an id, row 0 */
    mrq_lists set;     /* each user's members, in the users' table, which must outlive the tower; empty if it is no set */
} mrq_folded_branch;

static inline bool mrq_folded_is_id(const mrq_folded_branch *branch)
{
    return strcmp(branch->feature, "id") == 0;
}

typedef struct mrq_folded {
    mrq_arena *arena; /* owns the memory that is not in a container */
    mrq_score_kind score;
    mrq_activation activation;
    bool bias;
    uint32_t size;       /* length of the tower's vector */
    uint32_t width;      /* length of a row: size, plus 1 with a bias */
    uint32_t dim;        /* length of the unit vector: size for a cosine, else width + 1 */
    double scale, shift; /* cosine: score = scale × inner product + shift; else scale is the factor that the items were
                            divided by */
    uint32_t n_branches;
    mrq_folded_branch *branch;
    const float *start;       /* (width) the rows are added to this */
    const uint32_t *user_row; /* (users) each user's row of the "id" branch; 0: unknown. NULL without such a branch */
    bool has_history;         /* the id's rows are sums over the items that each user liked */
    const float *liked;       /* (items, width) what a like of strength 1 adds; NULL if not loaded */
    bool has_neighbours;
    mrq_links neighbours; /* with `liked`: (items) what a like of strength 1 adds to the scores of other items (rows,
                                 ascending), beside the vectors; not in this tower's unit vectors */
    mrq_links history;    /* with `liked`: the items (rows, ascending) that each user's row is a sum of */
    const uint32_t *age;  /* of each like of the history, whose strength contains its recency (model/recency.h); NULL: the order
                             of likes does not count */
} mrq_folded;

void mrq_folded_free(mrq_folded *folded);
MRQ_DEFINE_CLEANUP(mrq_folded, mrq_folded_free)

/* Turns the inner product of two unit vectors into the score. */
typedef struct mrq_line {
    double slope, intercept;
} mrq_line;

static inline bool mrq_folded_is_set(const mrq_folded_branch *branch)
{
    return branch->set.offset != NULL;
}

/* The members of a set: (n) rows of its branch, ascending. */
typedef struct mrq_members {
    uint32_t n;
    const uint32_t *row;
} mrq_members;
#define MRQ_GIVEN (MRQ_NONE - 1) /* a set's value: the members that are given beside the values */

/* The row (width) of a value of branch `b`, less than its n_rows, or of a member of a set; MRQ_NONE (unknown) gives the mean. */
static inline const float *mrq_folded_row(const mrq_folded *folded, uint32_t b, uint32_t value)
{
    const mrq_folded_branch *branch = &folded->branch[b];
    return value == MRQ_NONE ? branch->mean : branch->rows + (size_t)value * folded->width;
}

/* The rows that a known value of branch `b` adds. A set's value is a user's row in the table, whose members it has, or MRQ_GIVEN.
 * `*value` and `given` (n_branches) must live as long as what is returned; `given` may be NULL without a MRQ_GIVEN. */
static inline mrq_members mrq_folded_members(const mrq_folded *folded, uint32_t b, const uint32_t *value, const mrq_members *given)
{
    const mrq_lists *set = &folded->branch[b].set;
    if (!mrq_folded_is_set(&folded->branch[b]))
        return (mrq_members){1, value};
    if (*value == MRQ_GIVEN)
        return given ? given[b] : (mrq_members){0, NULL};
    return (mrq_members){(uint32_t)(set->offset[*value + 1] - set->offset[*value]), set->item + set->offset[*value]};
}

/* Computes the unit vector (dim) for one value per branch (n_branches), each as for mrq_folded_members() or MRQ_NONE, and the line
 * that gives this user's scores. All zero if the sum is zero. Does not allocate; thread-safe. */
void mrq_folded_vector(const mrq_folded *folded, const uint32_t *value, float *out, mrq_line *line);

/* Likes and dislikes in a query, in addition to the data. */
typedef struct mrq_feedback {
    uint32_t n;
    const uint32_t *item;  /* (n) rows */
    const float *strength; /* (n) MRQ_LIKES or MRQ_DISLIKES, times the recency where the order counts */
} mrq_feedback;
#define MRQ_LIKES 1.0f
#define MRQ_DISLIKES                                                                                                               \
    (-0.25f) /* on ml-1m's validation part, in a prototype, -0.1 to -0.5 gave the same quality, and -1 was
                worse than 0 */

/* The same with members of sets, and with `n` lists of feedback; one that is not empty needs a tower with `liked`. */
void mrq_folded_vector_of(const mrq_folded *folded, const uint32_t *value, const mrq_members *given, const mrq_feedback *feedback,
                          uint32_t n, float *out, mrq_line *line);

/* Makes the user's own row, a history's sum, zero among the `value`s, for who gives the whole history as feedback. */
void mrq_folded_forget(const mrq_folded *folded, uint32_t *value);

/* The strengths of a user's history after `newer` more likes: out (number of his likes). */
void mrq_folded_age(const mrq_folded *folded, uint32_t user, uint32_t newer, float *out);

/* The values of a known user, a row of `users`: the row of the id, the categories in the table, and for sets the row itself. */
void mrq_folded_values(const mrq_folded *folded, const mrq_table *users, uint32_t user, uint32_t *value);

/* Saves to and loads from a container that also holds the users' table; loading checks rows against the table and its dictionaries.
 * MRQ_BAD_FILE when they do not match. A loaded tower points into the container, which must outlive it. The history has a container
 * of its own, as plain queries do not need it; it is empty for a tower without a history. */
void mrq_folded_save(const mrq_folded *folded, const mrq_table *users, mrq_container_writer *writer);
MRQ_CHECKED mrq_status mrq_folded_load(const mrq_container *container, const mrq_table *users, mrq_folded **out, mrq_error *err);
void mrq_folded_save_history(const mrq_folded *folded, uint32_t users, uint32_t items, mrq_container_writer *writer);
MRQ_CHECKED mrq_status mrq_folded_load_history(const mrq_container *container, uint32_t users, uint32_t items, mrq_folded *folded,
                                               mrq_error *err);

#endif
