/* The nightly rebuild: from a folder of ratings to a published generation, or to a report that says why not. */
#ifndef MRQ_JOB_JOB_H
#define MRQ_JOB_JOB_H

#include "base/clock.h"
#include "base/writer.h"
#include "engine/engine.h"
#include "store/write.h"
#include "train/train.h"

#define MRQ_WARM_DEFAULT       1000
#define MRQ_MAX_LOSS_DEFAULT   0.01
#define MRQ_MAX_SHRINK_DEFAULT 0.1
#define MRQ_RECALL_SLACK       0.02 /* by default the recall gate stands so far below what the index was chosen for */

typedef struct mrq_rebuild_options {
    const char *data, *schema; /* a folder; a schema's name or file, NULL: recognised */
    const char *store;
    const char *model;    /* a preset or a description's file */
    int64_t epochs;       /* 0: the model's; of a ranking always */
    bool warm_start;      /* go on from the serving generation's model, where that is honest and possible; else from scratch */
    const char *index;    /* as for an export */
    double recall;        /* that the index is chosen for */
    double min_recall;    /* gate: measured on queries that took no part in the choice; NaN: MRQ_RECALL_SLACK below `recall` */
    double max_loss;      /* gate: quality (RMSE, or NDCG@10 of a ranking) at most so much worse than the serving generation's */
    double max_shrink;    /* gate: share of the serving generation's items that may be missing */
    bool force;           /* publishes whatever the gates say */
    uint32_t keep;        /* generations */
    mrq_cache *cache;     /* whose hottest queries are answered before the generation is published; NULL: none */
    uint32_t warm;        /* so many of them; no more than MRQ_CACHE_TALLY_MAX are counted */
    mrq_backend *backend; /* that gets the index, too, before the generation is published; NULL: none */
    uint64_t seed;        /* up to MRQ_SEED_MAX */
    uint32_t threads;     /* 1 .. MRQ_THREADS_MAX */
    double test;          /* share of the ratings, divided by MRQ_SPLIT_HASH: every night the same ones, and new ones */
} mrq_rebuild_options;

typedef enum mrq_step {
    MRQ_STEP_LOAD,
    MRQ_STEP_TRAIN, /* and evaluate: the test part is looked at after each epoch, and decides nothing */
    MRQ_STEP_EXPORT,
    MRQ_STEP_GATES,
    MRQ_STEP_UPLOAD, /* only where there is a backend */
    MRQ_STEP_WARM,
    MRQ_STEP_PUBLISH,
    MRQ_STEP_PRUNE,
    MRQ_STEPS
} mrq_step;
extern const char *const mrq_step_names[]; /* "load", ..., NULL */

typedef enum mrq_outcome { MRQ_PUBLISHED, MRQ_REFUSED, MRQ_NOT_DONE, MRQ_RUNNING } mrq_outcome;
extern const char *const
    mrq_outcome_names[]; /* "published", "refused" (by a gate), "failed", "running": so it stays in the report of a killed one */

typedef enum mrq_verdict {
    MRQ_PASSES,
    MRQ_FAILS,
    MRQ_SKIPS, /* there is nothing to compare with: passes */
} mrq_verdict;
extern const char *const mrq_verdict_names[]; /* "passed", "failed", "skipped" */

typedef struct mrq_gate {
    const char *name;
    mrq_verdict verdict;
    double value, limit; /* NaN where unknown */
    char text[200];      /* a sentence with both */
} mrq_gate;
enum { MRQ_GATE_RECALL, MRQ_GATE_QUALITY, MRQ_GATE_ITEMS, MRQ_GATES };

/* What a generation is judged by, the new one and the serving one. */
typedef struct mrq_facts {
    char generation[MRQ_GENERATION_NAME]; /* "" before the export */
    uint32_t items;
    mrq_noun noun;             /* of the items */
    uint32_t kept;             /* of the new generation: so many of the serving one's items are still there */
    mrq_model_results results; /* how its quality was measured, and what it is */
} mrq_facts;

/* What a rebuild has come to, as far as it got; all that its report tells. */
typedef struct mrq_rebuild_report {
    mrq_outcome outcome;
    char reason[sizeof((mrq_error *)0)->msg]; /* remarks, and why not, with "; " between; "" */
    char started[MRQ_TIME_TEXT];
    double seconds, step[MRQ_STEPS]; /* NaN: not begun */
    char schema[MRQ_COLUMN_NAME];    /* of the data */
    mrq_noun noun;                   /* of the items, as the next four of the data */
    uint32_t users, items;
    uint64_t ratings, fingerprint;
    bool has_serving; /* there was a generation that could be read */
    mrq_facts serving, made;
    bool warm_started;
    char warm_note[sizeof((mrq_error *)0)->msg], serving_note[sizeof((mrq_error *)0)->msg]; /* why not; "" */
    mrq_description description;
    uint32_t n_epochs;
    mrq_train_epoch *epoch; /* (n_epochs) */
    mrq_choice choice;      /* choice.trial NULL before the export */
    mrq_gate gate[MRQ_GATES];
    bool judged; /* the gates were */
    uint32_t warmed, pruned;
    mrq_uploaded uploaded; /* to the backend; zeroed without one */
} mrq_rebuild_report;
void mrq_rebuild_report_clear(mrq_rebuild_report *report); /* frees what it holds; legal on a zeroed one */

/* What goes on. Members may be NULL. */
typedef struct mrq_rebuild_watch {
    mrq_train_watch train;
    void (*step)(void *context, mrq_step step); /* begins; `context` is the one of `train` */
    void (*upload)(void *context, uint32_t done, uint32_t of);
} mrq_rebuild_watch;

/* Rebuilds: takes the store's lock, loads, trains, exports, judges, uploads, warms, publishes and prunes, with a line of log a
 * step. Nothing a reader sees changes before the publish, and a killed run is swept out by the next. Once the lock is held,
 * STORE/report.json and STORE/report.html are written, each at once, however the rebuild ends, unless the process is killed: by
 * SIGKILL, or by SIGTERM where the caller does not make it watch->train.stop, which the training alone looks at. The reports then
 * say "running", as they do from the lock on, even where this one has published. `*out` is filled whatever is returned, and cleared
 * by the caller. MRQ_FAILED: a gate refused (out->outcome is MRQ_REFUSED), watch->train.stop stopped it, somebody else holds the
 * lock, or the system said no; if it did so in the publish's last sync, the new generation serves and out->outcome is
 * MRQ_PUBLISHED. MRQ_USAGE for an index that FAISS does not make, before the lock is taken. Other statuses as of
 * mrq_dataset_load(), mrq_description_load() mrq_publication_write() and mrq_store_upload(). */
MRQ_CHECKED mrq_status mrq_rebuild(const mrq_rebuild_options *options, const mrq_rebuild_watch *watch, mrq_rebuild_report *out,
                                   mrq_error *err);

/* The parts, for tests. */

/* Judges a generation; `serving` NULL: there is none to compare with, for the reason given. */
void mrq_gates_judge(const mrq_rebuild_options *options, const mrq_facts *made, double recall, const mrq_facts *serving,
                     const char *reason, mrq_gate gate[MRQ_GATES]);

/* In which way two generations' qualities were measured differently, as a part of a sentence; false when in the same way. */
bool mrq_protocols_differ(const mrq_model_results *made, const mrq_model_results *serving, char *out, size_t size);

/* The report as a page, added to `out`. */
MRQ_CHECKED mrq_status mrq_report_html(const mrq_rebuild_options *options, const mrq_rebuild_report *report, mrq_writer *out,
                                       mrq_error *err);

/* Writes both into the store's folder. Only with the store's lock held. */
MRQ_CHECKED mrq_status mrq_report_save(const mrq_rebuild_options *options, const mrq_rebuild_report *report, mrq_error *err);

#endif
