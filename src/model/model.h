/* A model: the description of two towers, their parameters, and the tables of users and items. */
#ifndef MRQ_MODEL_MODEL_H
#define MRQ_MODEL_MODEL_H

#include "base/meaning.h"
#include "base/table.h"
#include "model/description.h"
#include "model/evidence.h"
#include "model/folded.h"
#include "model/times.h"

#define MRQ_MODEL_VERSION 2

/* The results of a training; stored in the model file. NaN where not measured. */
typedef struct mrq_model_results {
    uint64_t seed, train_ratings, valid_ratings, test_ratings;
    uint64_t data_fingerprint;
    int64_t threads, epochs, best_epoch;
    double rating_min, rating_max; /* of the training ratings; predictions are limited to this range */
    double train_rmse, valid_rmse, test_rmse;
    bool ranks;                    /* predicts no ratings: its RMSEs are NaN */
    double test_recall, test_ndcg; /* of a ranking: @10 over the likes of the test part, without items liked in the training
                                      part */
    /* The parts of a ranking (train/components.h); all 0 in older files, which have vectors alone. */
    uint64_t neighbours;                       /* entries */
    bool recency;                              /* what a person liked lately counts more */
    int64_t score_directions, like_directions; /* the numbers of each in the vectors */
    double score_weight, like_weight;          /* of the two, beside the neighbours' 1 */
    double parts_ndcg;                         /* @100 over likes held out, by which they were chosen */
    int64_t parts_tested;                      /* users for whom; 0: too few, so the usual numbers and weights are used */
    uint64_t tested;                           /* number of test events in the model's file, for mrq_compare(); 0: none */
    mrq_evidence evidence;                     /* how much there was to learn from */
    uint64_t live_mark;                        /* changes of a live database up to this number were among the data; 0: none */
    mrq_meaning meaning;                       /* what the events say that it learned from */
    char schema[MRQ_COLUMN_NAME];
    char split[16];
    double test_share;
    char blas_core[24], blas_chosen_by[24]; /* mrq_blas_core() and mrq_blas_chosen_by(); "" in older files */
} mrq_model_results;

/* The learning curve of the training that made the model: epoch i + 1 is at index i. NaN where a part is empty. Empty for a
 * ranking, which has no epochs, and in older files. */
typedef struct mrq_model_epoch {
    double train_rmse, valid_rmse, test_rmse; /* rounded to six decimals when they come from a file */
} mrq_model_epoch;
typedef struct mrq_model_curve {
    uint32_t n; /* up to MRQ_EPOCHS_MAX */
    mrq_model_epoch *epoch;
} mrq_model_curve;

/* The quality of a model: test NDCG@10 if it ranks, else test RMSE. */
typedef struct mrq_quality {
    const char *name; /* "RMSE", "NDCG@10" */
    double value;     /* NaN where not measured */
    bool more_is_better;
} mrq_quality;
mrq_quality mrq_quality_of(const mrq_model_results *results);

typedef struct mrq_model mrq_model;

void mrq_model_free(mrq_model *model);
MRQ_DEFINE_CLEANUP(mrq_model, mrq_model_free)

/* Writes the file, completely or not at all. */
MRQ_CHECKED mrq_status mrq_model_save(const mrq_model *model, const char *path, mrq_error *err);
/* Loads a file; its tables, lists and parameters stay mapped as long as the model lives. MRQ_NOT_FOUND when it does not exist,
 * MRQ_BAD_FILE when it is not a model, is damaged, has another version or is inconsistent. */
MRQ_CHECKED mrq_status mrq_model_load(const char *path, mrq_model **out, mrq_error *err);

/* MRQ_BAD_FILE when the model's file has been written to since it was loaded: results computed from it may mix two models. */
MRQ_CHECKED mrq_status mrq_model_check_again(const mrq_model *model, mrq_error *err);

/* The model owns what these return. A model is read-only once made or loaded, and may be shared by threads. */
const mrq_description *mrq_model_description(const mrq_model *model);
const mrq_model_results *mrq_model_results_of(const mrq_model *model);
const mrq_model_curve *mrq_model_curve_of(const mrq_model *model);
/* As JSON, without values that are NaN; free it with cJSON_Delete(). NULL when out of memory. The results are an object; the curve,
 * for display, is an array of {"epoch":1,"train":0.9,"valid":0.91,"test":0.92}. */
cJSON *mrq_model_results_json(const mrq_model_results *results);
cJSON *mrq_model_curve_json(const mrq_model_curve *curve);
/* Results and curve in the form stored in files: the results, with "tested", "evidence", "events" and, unless it is empty,
 * "curve": an array of [0.9,0.91,0.92] with null for NaN. */
cJSON *mrq_model_training_json(const mrq_model *model);
/* Parses that form; unknown members are ignored. `path` names the object in messages. `curve` may be NULL; else free `curve->epoch`
 * with mrq_free(). MRQ_BAD_FILE. */
MRQ_CHECKED mrq_status mrq_model_training_parse(const cJSON *object, const char *path, mrq_model_results *results,
                                                mrq_model_curve *curve, mrq_error *err);
const mrq_table *mrq_model_users(const mrq_model *model);
const mrq_table *mrq_model_items(const mrq_model *model);
const mrq_lists *mrq_model_seen(const mrq_model *model); /* items (rows, ascending) that each user has rated in the data set */

const mrq_times *mrq_model_times(const mrq_model *model); /* of the events of each item, in the data set */

/* Outputs of the full network for all items, (items, width) row-major, or all users, (users, width); width is
 * mrq_description_width(). */
MRQ_CHECKED mrq_status mrq_model_item_vectors(const mrq_model *model, float *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_model_user_vectors(const mrq_model *model, float *out, mrq_error *err);

/* The unit vectors of all items for an index, (items, mrq_description_dim()) row-major. `*reach` is the factor that they were
 * divided by, the length of the longest vector; 1 if the score is a cosine. */
MRQ_CHECKED mrq_status mrq_model_export_items(const mrq_model *model, float *out, double *reach, mrq_error *err);

/* Folds the user tower; `reach` comes from mrq_model_export_items(). The result owns its memory and may outlive the model. */
MRQ_CHECKED mrq_status mrq_model_fold(const mrq_model *model, double reach, mrq_folded **out, mrq_error *err);

#endif
