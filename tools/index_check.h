/* Whether the index of a generation answers as its model ranks. */
#ifndef MRQ_TOOLS_INDEX_CHECK_H
#define MRQ_TOOLS_INDEX_CHECK_H

#include "store/store.h"

/* How often the index of a store gives the same answer as an exact ranking by its model. */
typedef struct index_check {
    uint32_t users;     /* users of the data that were compared, spread over the table */
    double sets, lists; /* share of them whose top 10 by the index has the same items, and the same order, as the exact ranking */
} index_check;

MRQ_CHECKED mrq_status check_index(const mrq_generation *generation, const mrq_model *model, uint32_t threads, index_check *out,
                                   mrq_error *err);

#endif
