/* Operations that all indexes share, whether FAISS or a server keeps them; the search is in search.c. */
#include "index/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "index/inside.h"
#include "index/kernels.h"

const char *mrq_index_parameter_name(const char *factory)
{
    return strstr(factory, "IVF") ? "nprobe" : strstr(factory, "HNSW") ? "efSearch" : NULL;
}

void mrq_index_settings_text(const mrq_index_settings *settings, char *out, size_t size)
{
    const char *name = mrq_index_parameter_name(settings->factory);
    int used = snprintf(out, size, "%s", settings->factory);
    if (name)
        used += snprintf(out + used, size - (size_t)used, ", %s %u", name, settings->parameter);
    if (settings->rerank)
        snprintf(out + used, size - (size_t)used, ", rerank %u", settings->rerank);
}

mrq_index *mrq_index_new(const mrq_searcher *searcher, const float *vectors, uint32_t n, uint32_t dim)
{
    mrq_index *index = calloc(1, sizeof *index);
    if (!index)
        return NULL;
    index->searcher = searcher;
    index->vectors = vectors;
    index->n = n;
    index->dim = dim;
    return index;
}

mrq_status mrq_index_check_vectors(const float *vectors, uint32_t n, uint32_t dim, mrq_error *err)
{
    if (n == 0 || dim == 0 || dim > MRQ_DIM_MAX)
        return mrq_fail(err, MRQ_USAGE, "cannot index %u vectors of %u dimensions, want 1 or more, and 1 to %d", n, dim,
                        MRQ_DIM_MAX);
    for (uint32_t i = 0; i < n; i++)
        if (!mrq_all_finite(vectors + (size_t)i * dim, dim))
            return mrq_fail(err, MRQ_USAGE, "vector %u holds a number that is not finite", i);
    return MRQ_OK;
}

mrq_status mrq_index_sketch(mrq_index *index, mrq_error *err)
{
    if (index->way != MRQ_WAY_SCAN || index->sketch || !mrq_distances_best()->quick_bytes)
        return MRQ_OK;
    return mrq_sketch_new(index->vectors, index->n, index->dim, &index->sketch, err);
}

void mrq_index_free(mrq_index *index)
{
    if (!index)
        return;
    index->searcher->close(index);
    mrq_sketch_free(index->sketch);
    free(index);
}

mrq_status mrq_index_count(const mrq_index *index, uint32_t *n, mrq_error *err)
{
    return index->searcher->count(index, n, err);
}

const mrq_index_settings *mrq_index_settings_of(const mrq_index *index)
{
    return &index->settings;
}

const float *mrq_index_vectors(const mrq_index *index)
{
    return index->vectors;
}
