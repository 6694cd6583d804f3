/* A model: the description of two towers, their parameters, and the users and items they speak of. */
#ifndef MRQ_MODEL_MODEL_H
#define MRQ_MODEL_MODEL_H

#include "base/table.h"
#include "model/description.h"
#include "model/folded.h"

#define MRQ_MODEL_VERSION 2

/* What training reports; kept in the model file. NaN where not measured. */
typedef struct mrq_model_results {
    uint64_t seed, train_ratings, valid_ratings, test_ratings;
    uint64_t data_fingerprint;
    int64_t threads, epochs, best_epoch;
    double rating_min, rating_max; /* of the training ratings; predictions are held within them */
    double train_rmse, valid_rmse, test_rmse;
    bool ranks;                    /* predicts no ratings: its RMSEs are NaN */
    double test_recall, test_ndcg; /* of a ranking: @10 over the likes of the test part, those of the training part left out */
    char schema[MRQ_COLUMN_NAME];
    char split[16];
    double test_share;
    char blas_core[24], blas_chosen_by[24]; /* of mrq_blas_core() and mrq_blas_chosen_by(); "" in files of before they were kept */
} mrq_model_results;

/* The learning curve: what each epoch of the training that made a model came to, epoch i + 1 at place i. NaN where there is no such
 * part. Empty for a ranking, which has no epochs, and in files of before there was one. */
typedef struct mrq_model_epoch {
    double train_rmse, valid_rmse, test_rmse; /* to six decimals, once they come from a file */
} mrq_model_epoch;
typedef struct mrq_model_curve {
    uint32_t n; /* up to MRQ_EPOCHS_MAX */
    mrq_model_epoch *epoch;
} mrq_model_curve;

/* What a model is judged by: test NDCG@10 where it ranks, else test RMSE. */
typedef struct mrq_quality {
    const char *name; /* "RMSE", "NDCG@10" */
    double value;     /* NaN where not measured */
    bool more_is_better;
} mrq_quality;
mrq_quality mrq_quality_of(const mrq_model_results *results);

typedef struct mrq_model mrq_model;

void mrq_model_free(mrq_model *model);
MRQ_DEFINE_CLEANUP(mrq_model, mrq_model_free)

/* Writes the file, at once or not at all. */
MRQ_CHECKED mrq_status mrq_model_save(const mrq_model *model, const char *path, mrq_error *err);
/* Reads one, whose tables, lists and parameters stay mapped while the model lives. MRQ_NOT_FOUND when it is not there, MRQ_BAD_FILE
 * when it is no model, damaged or of another version, or when what it holds does not fit together. */
MRQ_CHECKED mrq_status mrq_model_load(const char *path, mrq_model **out, mrq_error *err);

/* MRQ_BAD_FILE when the file that the model was loaded from has been written into since, so that what was computed may be of two
 * models. */
MRQ_CHECKED mrq_status mrq_model_check_again(const mrq_model *model, mrq_error *err);

/* What these return is the model's. A model is read-only once made or loaded, and may be shared by threads. */
const mrq_description *mrq_model_description(const mrq_model *model);
const mrq_model_results *mrq_model_results_of(const mrq_model *model);
const mrq_model_curve *mrq_model_curve_of(const mrq_model *model);
/* As JSON, without what is NaN; freed with cJSON_Delete(). NULL when out of memory. The results are an object, the curve for who
 * shows it an array of {"epoch":1,"train":0.9,"valid":0.91,"test":0.92}. */
cJSON *mrq_model_results_json(const mrq_model_results *results);
cJSON *mrq_model_curve_json(const mrq_model_curve *curve);
/* Both as files have them: the results with "curve", unless that is empty, an array of [0.9,0.91,0.92], null for NaN. */
cJSON *mrq_model_training_json(const mrq_model *model);
/* Reads that, strictly but for members that it does not know. `path` names the object in messages. `curve` may be NULL; else
 * `curve->epoch` is freed with mrq_free(). MRQ_BAD_FILE. */
MRQ_CHECKED mrq_status mrq_model_training_parse(const cJSON *object, const char *path, mrq_model_results *results,
                                                mrq_model_curve *curve, mrq_error *err);
const mrq_table *mrq_model_users(const mrq_model *model);
const mrq_table *mrq_model_items(const mrq_model *model);
const mrq_lists *mrq_model_seen(const mrq_model *model); /* items (rows, ascending) that each user has rated in the data set */

/* What the towers give for all items, (items, width) row-major, and all users, (users, width), by the full network; width is
 * mrq_description_width(). */
MRQ_CHECKED mrq_status mrq_model_item_vectors(const mrq_model *model, float *out, mrq_error *err);
MRQ_CHECKED mrq_status mrq_model_user_vectors(const mrq_model *model, float *out, mrq_error *err);

/* The unit vectors of all items for an index, (items, mrq_description_dim()) row-major. `*reach` is the factor that was taken out
 * of them, the length of the longest; 1 where the score is a cosine. */
MRQ_CHECKED mrq_status mrq_model_export_items(const mrq_model *model, float *out, double *reach, mrq_error *err);

/* Folds the user tower; `reach` comes from mrq_model_export_items(). The result owns its memory and may outlive the model. */
MRQ_CHECKED mrq_status mrq_model_fold(const mrq_model *model, double reach, mrq_folded **out, mrq_error *err);

#endif
