/* What `marquee eval` prints: tables for a person, or one JSON document. */
#ifndef MRQ_TOOLS_PRINT_EVAL_H
#define MRQ_TOOLS_PRINT_EVAL_H

#include "eval/study.h"

#define EVAL_CONTENDERS_MAX 24
#define EVAL_NOTES_MAX      16

/* Whether the index of a store answers as its model does. */
typedef struct index_check {
    uint32_t users;     /* known ones, spread over the table */
    double sets, lists; /* share of them whose top 10 by the index has the same movies, and the same order, as the exact ranking */
} index_check;

/* One study, its contenders' results and what there is to say about it. */
typedef struct eval_report {
    mrq_study study;
    mrq_contender contender[EVAL_CONTENDERS_MAX];
    mrq_result result[EVAL_CONTENDERS_MAX];
    uint32_t n_notes;
    char note[EVAL_NOTES_MAX][256];
    const index_check *index; /* or NULL */
} eval_report;

void add_note(eval_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));

void print_reports(const eval_report *report, uint32_t n);

/* "data" is the folder as it was named. */
MRQ_CHECKED mrq_status print_reports_json(const mrq_dataset *data, const char *folder, const eval_report *report, uint32_t n,
                                          mrq_error *err);

#endif
