#include "index/top.h"

#include <math.h>
#include <stdlib.h>

static bool worse(mrq_hit a, mrq_hit b)
{
    return a.score != b.score ? a.score < b.score : a.row > b.row;
}

/* Fills the hole at `i` with `hit`, after moving worse children up. */
static void sink(mrq_hit *heap, uint32_t n, uint32_t i, mrq_hit hit)
{
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && worse(heap[child + 1], heap[child]);
        if (!worse(heap[child], hit))
            break;
        heap[i] = heap[child];
    }
    heap[i] = hit;
}

void mrq_top_push(mrq_top *top, mrq_hit hit)
{
    if (isnan(hit.score) || top->k == 0)
        return;
    if (top->n == top->k) {
        if (worse(top->hit[0], hit))
            sink(top->hit, top->n, 0, hit);
        return;
    }
    uint32_t i = top->n++;
    for (; i && worse(hit, top->hit[(i - 1) / 2]); i = (i - 1) / 2)
        top->hit[i] = top->hit[(i - 1) / 2];
    top->hit[i] = hit;
}

static int best_first(const void *a, const void *b)
{
    const mrq_hit *x = a, *y = b;
    return worse(*x, *y) ? 1 : -worse(*y, *x);
}

void mrq_top_sort(mrq_top *top)
{
    qsort(top->hit, top->n, sizeof *top->hit, best_first);
}
