/* The k largest of many keys: a heap with the smallest of them on top. An offer that is equal to the smallest is not kept. */
#ifndef MRQ_TRAIN_LARGEST_H
#define MRQ_TRAIN_LARGEST_H

#include <stdint.h>

typedef struct mrq_largest {
    uint32_t k, n;
    uint32_t *number; /* (k) of the n that are kept, in no order */
    float *key;       /* (k) */
} mrq_largest;

static inline void mrq_largest_offer(mrq_largest *h, uint32_t number, float key)
{
    uint32_t at = 0;
    if (h->n < h->k) {
        for (at = h->n++; at && h->key[(at - 1) / 2] > key; at = (at - 1) / 2) {
            h->key[at] = h->key[(at - 1) / 2];
            h->number[at] = h->number[(at - 1) / 2];
        }
    } else if (key <= h->key[0]) {
        return;
    } else {
        for (uint32_t child; (child = 2 * at + 1) < h->n; at = child) {
            child += child + 1 < h->n && h->key[child + 1] < h->key[child];
            if (h->key[child] >= key)
                break;
            h->key[at] = h->key[child];
            h->number[at] = h->number[child];
        }
    }
    h->key[at] = key;
    h->number[at] = number;
}

#endif
