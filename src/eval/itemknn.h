/* Item-item neighbours (Sarwar et al. 2001): the cosines between items' lists of the people who like them. */
#ifndef MRQ_EVAL_ITEMKNN_H
#define MRQ_EVAL_ITEMKNN_H

#include "base/table.h"

/* How many additions it takes: the sum of the squares of the users' numbers of likes. */
uint64_t mrq_itemknn_work(const mrq_lists *likes, uint32_t users);

/* The `k` nearest items of each by cosine, where `shrinkage` is added to the product of the norms. For each item `out` lists those
 * that it is one of the nearest of, ascending, and the cosines. `likes` by user. The result does not depend on `threads`. */
MRQ_CHECKED mrq_status mrq_itemknn_make(const mrq_lists *likes, uint32_t users, uint32_t items, uint32_t k, float shrinkage,
                                        uint32_t threads, mrq_arena *arena, mrq_links *out, mrq_error *err);

#endif
