/* The description of a model: its towers, score and training settings, read from JSON. */
#ifndef MRQ_MODEL_DESCRIPTION_H
#define MRQ_MODEL_DESCRIPTION_H

#include "base/json.h"
#include "base/table.h"

#define MRQ_MODEL_DEFAULT "retrieval" /* the preset with the best recommendations: benchmarks/README.md */
#define MRQ_BRANCHES_MAX  16
#define MRQ_LR_MIN        1e-9
#define MRQ_LR_MAX        1e3
#define MRQ_L2_MAX        1e4
#define MRQ_BATCH_MAX     1000000
#define MRQ_EPOCHS_MAX    10000

typedef enum mrq_activation { MRQ_LINEAR, MRQ_TANH } mrq_activation;
typedef enum mrq_branch_kind {
    MRQ_BRANCH_ID,
    MRQ_BRANCH_CATEGORY,
    MRQ_BRANCH_SET,
    MRQ_BRANCH_TEXT,
    MRQ_BRANCH_RATINGS,
    MRQ_BRANCH_HISTORY
} mrq_branch_kind;
typedef enum mrq_joint_kind { MRQ_DENSE, MRQ_SUM } mrq_joint_kind;
typedef enum mrq_score_kind { MRQ_COSINE, MRQ_DOT } mrq_score_kind;
typedef enum mrq_text_unit { MRQ_WORDS, MRQ_CHARACTERS } mrq_text_unit;
typedef enum mrq_pool { MRQ_POOL_SUM, MRQ_POOL_AVERAGE } mrq_pool;
typedef enum mrq_objective { MRQ_RATING, MRQ_RANKING } mrq_objective;
typedef enum mrq_optimizer { MRQ_SGD, MRQ_MOMENTUM, MRQ_RMSPROP, MRQ_ADAM } mrq_optimizer;
typedef enum mrq_schedule { MRQ_CONSTANT, MRQ_LINEAR_DECAY, MRQ_COSINE_DECAY } mrq_schedule;
typedef enum mrq_shuffle { MRQ_SHUFFLE_RANDOM, MRQ_SHUFFLE_ITEM } mrq_shuffle;

/* The parts of a ranking's scores (train/components.h): chosen by measurement, or prescribed. */
typedef enum mrq_parts_kind { MRQ_PARTS_CHOSEN, MRQ_PARTS_VECTORS, MRQ_PARTS_NEIGHBOURS, MRQ_PARTS_BOTH } mrq_parts_kind;

/* Whether what a person liked lately counts more (model/recency.h). */
typedef enum mrq_recency_use { MRQ_RECENCY_CHOSEN, MRQ_RECENCY_ON, MRQ_RECENCY_OFF } mrq_recency_use;

/* Properties of an objective. How its settings are read and checked is a table in description.c; how it is trained, one in
 * train/train.c. */
typedef struct mrq_objective_traits {
    const char *name;
    bool ranks;       /* scores order items; false: they predict ratings */
    bool closed_form; /* solved directly: no epochs, and l2, parts and recency are the only settings in use */
    double l2_min;
} mrq_objective_traits;
extern const mrq_objective_traits mrq_objectives[]; /* by mrq_objective; the last one has no name */

/* One branch: how a feature enters the joint layer. */
typedef struct mrq_branch {
    char feature[MRQ_COLUMN_NAME]; /* "id", "ratings", "history" or a column of the table */
    mrq_branch_kind kind;
    bool optional;      /* if the data has no such column, leave the branch out instead of failing */
    uint32_t embedding; /* width of the embedding, 1 .. 1025 */
    uint32_t fc;        /* id, category: outputs of a linear layer after the embedding; 0: no such layer */
    uint32_t window;    /* text: words or characters that the convolution sees at once, odd */
    uint32_t filters;   /* text: outputs of the convolution */
    mrq_text_unit unit; /* text: a sequence of words or characters */
    mrq_pool pool;      /* text: over the positions */
    double dropout;     /* id: share of training examples that use the unknown row instead; ratings: share of ratings left out */
    double lr;          /* learning rate of its embedding, times the training's: 0.001 .. 100 */
    bool bias_only;     /* with a joint layer that sums: adds only to the bias, not to the vector */
} mrq_branch;

typedef struct mrq_tower_description {
    uint32_t n;
    mrq_activation activation; /* of the joint layer */
    mrq_branch branch[MRQ_BRANCHES_MAX];
} mrq_tower_description;

/* Training settings; the ones that `marquee train` does not override are used as they are. */
typedef struct mrq_training {
    mrq_objective objective; /* ratings by squared error and gradients, or rankings of likes in closed form */
    mrq_optimizer optimizer;
    double lr;
    mrq_schedule schedule; /* constant, or falling from lr at the first batch to 0 after the last */
    double l2;             /* adds l2 / batch × parameter to the gradient of each parameter that a batch updates */
    double clip;           /* limit of the gradient's norm; 0: none */
    mrq_shuffle order;     /* of the ratings: random, or item by item */
    int64_t batch;         /* ratings per step; 0: a 200th of the training ratings, 64 to 4096 */
    int64_t epochs;
    int64_t patience;        /* stop after this many epochs without a better one; 0: never */
    mrq_parts_kind parts;    /* of a ranking */
    mrq_recency_use recency; /* of a ranking */
    double validation;       /* share of the training ratings set aside to choose the best epoch */
} mrq_training;

typedef struct mrq_description {
    char name[MRQ_COLUMN_NAME];
    char about[256];
    mrq_tower_description user, item;
    mrq_joint_kind joint; /* dense: a matrix over all branches; sum: branches are as wide as the vector and are added */
    uint32_t dim;         /* of both towers' vectors */
    mrq_score_kind score; /* scale × cosine + shift, or inner product + shift */
    double scale;         /* cosine only */
    double shift;         /* NAN, the default of an inner product: the model uses the mean of the training ratings */
    bool bias;            /* dot: one bias per user and one per item, computed from the same features as the vectors */
    mrq_training train;
} mrq_description;

static inline const mrq_objective_traits *mrq_objective_of(const mrq_description *description)
{
    return &mrq_objectives[description->train.objective];
}

/* By their enum; NULL ends each. */
extern const char *const mrq_branch_kind_names[], *const mrq_joint_names[], *const mrq_score_names[], *const mrq_pool_names[];
extern const char *const mrq_activation_names[], *const mrq_optimizer_names[], *const mrq_schedule_names[];

bool mrq_description_has(const mrq_tower_description *tower, mrq_branch_kind kind);

/* Numbers in a tower's output: its vector, followed by the bias if there is one. */
uint32_t mrq_description_width(const mrq_description *description);

/* Numbers in an exported unit vector. Cosine: the tower's vector. Inner product: the bias, if any, and one more coordinate, which
 * makes all items equally long. */
uint32_t mrq_description_dim(const mrq_description *description);

/* Reads a description; `source` names it in messages ("fusion.json"). MRQ_BAD_FILE quotes the path of the offending key and its
 * value. */
MRQ_CHECKED mrq_status mrq_description_parse(const char *text, size_t size, const char *source, mrq_description *out,
                                             mrq_error *err);

/* Loads a shipped preset by name ("fusion"), or else a JSON file by path. MRQ_NOT_FOUND lists the presets. */
MRQ_CHECKED mrq_status mrq_description_load(const char *name, mrq_description *out, mrq_error *err);

/* The description as JSON that mrq_description_parse() can read; free it with cJSON_Delete(). NULL when out of memory. */
cJSON *mrq_description_json(const mrq_description *description);

#endif
