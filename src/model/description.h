/* The description of a model: its towers, score and training settings, read from JSON. */
#ifndef MRQ_MODEL_DESCRIPTION_H
#define MRQ_MODEL_DESCRIPTION_H

#include "base/json.h"

#define MRQ_BRANCHES_MAX 16
#define MRQ_LR_MIN       1e-9
#define MRQ_LR_MAX       1e3
#define MRQ_BATCH_MAX    1000000
#define MRQ_EPOCHS_MAX   10000
#define MRQ_FEATURE_NAME 32

typedef enum mrq_activation { MRQ_LINEAR, MRQ_TANH } mrq_activation;
typedef enum mrq_branch_kind { MRQ_BRANCH_ID, MRQ_BRANCH_CATEGORY, MRQ_BRANCH_SET, MRQ_BRANCH_TEXT } mrq_branch_kind;
typedef enum mrq_optimizer { MRQ_SGD, MRQ_ADAM } mrq_optimizer;

/* One branch: a feature's way to the joint layer. */
typedef struct mrq_branch {
    char feature[MRQ_FEATURE_NAME]; /* "id" or a column of the table */
    mrq_branch_kind kind;
    bool optional;      /* left out, not refused, when the data has no such column */
    uint32_t embedding; /* width of the embedding, 1 .. 1024 */
    uint32_t fc;        /* id, category: outputs of a linear layer behind the embedding; 0: none */
    uint32_t window;    /* text: words that the convolution sees, odd */
    uint32_t filters;   /* text: outputs of the convolution */
    double dropout;     /* id: share of the training examples that use the unknown row instead */
} mrq_branch;

typedef struct mrq_tower_description {
    uint32_t n;
    mrq_branch branch[MRQ_BRANCHES_MAX];
} mrq_tower_description;

typedef struct mrq_description {
    char name[MRQ_FEATURE_NAME];
    char about[256];
    mrq_tower_description user, movie;
    uint32_t dim;              /* of both towers' vectors */
    mrq_activation activation; /* of the joint layer */
    double scale;              /* score = scale × cosine */
    struct {
        mrq_optimizer optimizer;
        double lr;
        int64_t batch, epochs;
        double validation; /* share of the training ratings that chooses the best pass */
    } train;
} mrq_description;

/* Reads a description; `source` names it in messages ("fusion.json"). MRQ_BAD_FILE quotes the path of the offending key and its
 * value. */
MRQ_CHECKED mrq_status mrq_description_parse(const char *text, size_t size, const char *source, mrq_description *out,
                                             mrq_error *err);

/* A shipped preset by name ("fusion"), or else a JSON file by path. MRQ_NOT_FOUND lists the presets. */
MRQ_CHECKED mrq_status mrq_description_load(const char *name, mrq_description *out, mrq_error *err);

/* The description as JSON that mrq_description_parse() reads back; freed with cJSON_Delete(). NULL when out of memory. */
cJSON *mrq_description_json(const mrq_description *description);

#endif
