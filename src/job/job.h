/* The nightly rebuild: makes and publishes a generation from a folder of ratings, or reports why it did not. */
#ifndef MRQ_JOB_JOB_H
#define MRQ_JOB_JOB_H

#include "base/clock.h"
#include "base/writer.h"
#include "engine/engine.h"
#include "store/write.h"
#include "train/compare.h"
#include "train/train.h"

#define MRQ_WARM_DEFAULT       1000
#define MRQ_MAX_SHRINK_DEFAULT 0.1
#define MRQ_RECALL_SLACK       0.02 /* default difference between the recall the index is chosen for and the recall gate */

typedef struct mrq_rebuild_options {
    const char *data, *schema; /* a folder; a schema's name or file, NULL: recognised */
    const char *live;          /* a live database, whose events are learned from beside the data's; NULL: none */
    double skip_bad;           /* share of each file's rows that may be left out because they do not fit */
    const char *bad;           /* the file to list them in, or NULL */
    const char *store;
    const char *model;    /* a preset or a description's file */
    int64_t epochs;       /* 0: the model's; must be 0 for a model without epochs */
    bool warm_start;      /* start from the serving generation's model, if allowed and possible; else from scratch */
    const char *index;    /* as for an export */
    double recall;        /* the recall that the index is chosen for */
    double min_recall;    /* gate: recall on queries that were not used for the choice; NaN: MRQ_RECALL_SLACK below `recall` */
    double max_shrink;    /* gate: share of the serving generation's items that may be missing */
    bool force;           /* publish even if a gate fails */
    uint32_t keep;        /* generations */
    mrq_cache *cache;     /* its hottest queries are answered before the generation is published; NULL: none */
    uint32_t warm;        /* number of hot queries to answer; at most MRQ_CACHE_TALLY_MAX are counted */
    mrq_backend *backend; /* server to upload the index to before the generation is published; NULL: none */
    uint64_t seed;        /* up to MRQ_SEED_MAX */
    uint32_t threads;     /* 1 .. MRQ_THREADS_MAX */
    double test;          /* share of the ratings, split by MRQ_SPLIT_HASH: every night the same ratings, plus new ones */
} mrq_rebuild_options;

typedef enum mrq_step {
    MRQ_STEP_LOAD,
    MRQ_STEP_TRAIN, /* and evaluate: the test part is measured after each epoch, but decides nothing */
    MRQ_STEP_EXPORT,
    MRQ_STEP_GATES,
    MRQ_STEP_UPLOAD, /* only with a backend */
    MRQ_STEP_WARM,
    MRQ_STEP_PUBLISH,
    MRQ_STEP_PRUNE,
    MRQ_STEPS
} mrq_step;
extern const char *const mrq_step_names[]; /* "load", ..., NULL */

typedef enum mrq_outcome { MRQ_PUBLISHED, MRQ_REFUSED, MRQ_NOT_DONE, MRQ_RUNNING } mrq_outcome;
extern const char
    *const mrq_outcome_names[]; /* "published", "refused" (by a gate), "failed", "running" (also in the report of a killed run) */

typedef enum mrq_verdict {
    MRQ_PASSES,
    MRQ_FAILS,
    MRQ_SKIPS, /* nothing to compare with; counts as passed */
} mrq_verdict;
extern const char *const mrq_verdict_names[]; /* "passed", "failed", "skipped" */

typedef struct mrq_gate {
    const char *name;
    mrq_verdict verdict;
    double value, limit; /* NaN if unknown */
    char text[250];      /* a message with both */
} mrq_gate;
enum { MRQ_GATE_RECALL, MRQ_GATE_QUALITY, MRQ_GATE_ITEMS, MRQ_GATES };

/* The properties of a generation that the gates compare, of the new one and the serving one. */
typedef struct mrq_facts {
    char generation[MRQ_GENERATION_NAME]; /* "" before the export */
    uint32_t items;
    mrq_noun noun;             /* of the items */
    uint32_t kept;             /* new generation: number of the serving one's items that it still has */
    mrq_model_results results; /* its quality, and how it was measured */
} mrq_facts;

/* The state and results of a rebuild: everything in its report. */
typedef struct mrq_rebuild_report {
    mrq_outcome outcome;
    char reason[sizeof((mrq_error *)0)->msg]; /* remarks and the error, separated by "; "; or "" */
    char started[MRQ_TIME_TEXT];
    double seconds, step[MRQ_STEPS]; /* NaN: not begun */
    char schema[MRQ_COLUMN_NAME];    /* of the data, like the next five members */
    mrq_noun noun;                   /* of the items */
    uint32_t users, items;
    uint64_t ratings, fingerprint;
    mrq_bad_count bad; /* rows that were left out */
    bool has_serving;  /* the store had a current generation that could be read */
    mrq_facts serving, made;
    bool warm_started;
    char warm_note[sizeof((mrq_error *)0)->msg], serving_note[sizeof((mrq_error *)0)->msg]; /* why not, or "" */
    mrq_description description;
    uint32_t n_epochs;
    mrq_train_epoch *epoch;                            /* (n_epochs) */
    mrq_choice choice;                                 /* choice.trial NULL before the export */
    mrq_comparison comparison;                         /* of the made model with the serving one; users 0: none was made */
    char comparison_note[sizeof((mrq_error *)0)->msg]; /* why it could not be made, or "" */
    mrq_gate gate[MRQ_GATES];
    bool judged; /* the gates were checked */
    uint32_t warmed, pruned;
    mrq_uploaded uploaded; /* to the backend; zeroed without one */
} mrq_rebuild_report;
void mrq_rebuild_report_clear(mrq_rebuild_report *report); /* frees its parts; legal on a zeroed struct */

/* Reports progress. Members may be NULL. */
typedef struct mrq_rebuild_watch {
    mrq_train_watch train;
    void (*step)(void *context, mrq_step step); /* a step begins; `context` is train.context */
    void (*upload)(void *context, uint32_t done, uint32_t of);
} mrq_rebuild_watch;

/* Takes the store's lock, loads, trains, exports, checks the gates, uploads, warms, publishes and prunes, and logs a line for each
 * step. Readers see no change before the publish; the next run removes what a killed one left.
 *
 * When the lock is taken, STORE/report.json and STORE/report.html are written with the outcome "running", and at the end they are
 * replaced, each atomically, whether the rebuild succeeds or fails; if the disk has no room even in their place, they are removed.
 * If the process is killed they still say "running", even if it has published. Only the training checks watch->train.stop.
 *
 * `*out` is always filled, and cleared by the caller. MRQ_FAILED: a gate failed (out->outcome is MRQ_REFUSED), watch->train.stop
 * stopped it, another process holds the lock, or a system call failed; if that was the last sync of the publish, the new generation
 * serves and out->outcome is MRQ_PUBLISHED. MRQ_USAGE for an index that FAISS cannot make, before the lock is taken. Other statuses
 * as of mrq_dataset_load(), mrq_description_load(), mrq_publication_write() and mrq_store_upload(). */
MRQ_CHECKED mrq_status mrq_rebuild(const mrq_rebuild_options *options, const mrq_rebuild_watch *watch, mrq_rebuild_report *out,
                                   mrq_error *err);

/* The steps, for tests. */

/* Fills report->gate from the rest of the report. */
void mrq_gates_judge(const mrq_rebuild_options *options, mrq_rebuild_report *report);

/* Whether two generations' models were trained or measured in different ways; `out` gets the difference, as part of a sentence. */
bool mrq_protocols_differ(const mrq_model_results *made, const mrq_model_results *serving, char *out, size_t size);

/* The report as a page, added to `out`. */
MRQ_CHECKED mrq_status mrq_report_html(const mrq_rebuild_options *options, const mrq_rebuild_report *report, mrq_writer *out,
                                       mrq_error *err);

/* Writes both reports to the store's folder. The caller must hold the store's lock. */
MRQ_CHECKED mrq_status mrq_report_save(const mrq_rebuild_options *options, const mrq_rebuild_report *report, mrq_error *err);
void mrq_report_remove(const mrq_rebuild_options *options); /* but not a link that somebody has put there */

#endif
