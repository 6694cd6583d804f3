/* What `marquee eval` prints: tables for a person, or one JSON document. */
#ifndef MRQ_TOOLS_PRINT_EVAL_H
#define MRQ_TOOLS_PRINT_EVAL_H

#include "eval/experiment.h"

#define EVAL_CANDIDATES_MAX 24
#define EVAL_NOTES_MAX      16

/* How often the index of a store gives the same answer as an exact ranking by its model. */
typedef struct index_check {
    uint32_t users;     /* users of the data that were compared, spread over the table */
    double sets, lists; /* share of them whose top 10 by the index has the same items, and the same order, as the exact ranking */
} index_check;

/* One experiment, its candidates' results and notes about it. */
typedef struct eval_report {
    mrq_experiment experiment;
    mrq_candidate candidate[EVAL_CANDIDATES_MAX];
    mrq_experiment_result result[EVAL_CANDIDATES_MAX];
    uint32_t n_notes;
    char note[EVAL_NOTES_MAX][256];
    const index_check *index; /* or NULL */
} eval_report;

void add_note(eval_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

void print_reports(const eval_report *report, uint32_t n);

/* `folder` is printed as "folder" of "data". */
MRQ_CHECKED mrq_status print_reports_json(const mrq_dataset *data, const char *folder, const eval_report *report, uint32_t n,
                                          mrq_error *err);

#endif
