/* An index from a file, as the store loads one. */
#ifndef MRQ_TESTS_INDEX_FILE_H
#define MRQ_TESTS_INDEX_FILE_H

#include "index/index.h"
#include "unit/testing.h"

static inline mrq_status load_from(const char *path, const mrq_index_settings *settings, const float *vectors, uint32_t n,
                                   uint32_t dim, mrq_index **out, mrq_error *err)
{
    mrq_map file = {0};
    MRQ_TRY(mrq_map_open(&file, path, err));
    const mrq_status status = mrq_index_load(&file, path, settings, vectors, n, dim, out, err);
    mrq_map_close(&file);
    return status;
}

#endif
