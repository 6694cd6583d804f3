/* What `marquee eval` prints: tables for a person, or one JSON document. */
#ifndef MRQ_TOOLS_PRINT_EVAL_H
#define MRQ_TOOLS_PRINT_EVAL_H

#include "eval/experiment.h"
#include "index_check.h"

#define EVAL_CANDIDATES_MAX 24
#define EVAL_NOTES_MAX      16

/* One experiment, its candidates' results and notes about it. */
typedef struct eval_report {
    mrq_experiment experiment;
    mrq_candidate candidate[EVAL_CANDIDATES_MAX];
    mrq_experiment_result result[EVAL_CANDIDATES_MAX];
    mrq_contrast contrast; /* if experiment.contrast points here */
    uint32_t n_notes;
    char note[EVAL_NOTES_MAX][256];
    const index_check *index; /* or NULL */
} eval_report;

void add_note(eval_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

void print_reports(const eval_report *report, uint32_t n);

/* Where the data came from, as it was named; members may be NULL. */
typedef struct eval_source {
    const char *folder, *train, *test;
} eval_source;

MRQ_CHECKED mrq_status print_reports_json(const mrq_dataset *data, eval_source source, const eval_report *report, uint32_t n,
                                          mrq_error *err);

#endif
