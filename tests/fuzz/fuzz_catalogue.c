/* The catalogue of a generation: a table of items that is as safe as one from a data set. */
#include <math.h>

#include "fuzz/container.h"
#include "store/layout.h"

static void target(const char *path)
{
    mrq_error err = {0};
    mrq_container *file = NULL;
    mrq_table *table = NULL;
    mrq_status status = mrq_container_open(path, MRQ_KIND_ITEMS, MRQ_PARTS_FORMAT, &file, &err);
    if (status == MRQ_OK)
        status = mrq_table_load(file, MRQ_KIND_ITEMS, &table, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    FUZZ_CHECK((table != NULL) == (status == MRQ_OK));
    mrq_times times = {0};
    if (table) {
        fuzz_check_table(table, FUZZ_STORED);
        status = mrq_times_load(file, table->rows, &times, &err);
        fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
        FUZZ_CHECK(!times.first == !times.trend && (status == MRQ_OK || !times.first));
        for (uint32_t i = 0; times.first && i < table->rows; i++)
            FUZZ_CHECK(isfinite(times.trend[i]) && (times.first[i] || true));
    }
    mrq_table_free(table);
    mrq_container_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_container(data, size, target);
    return 0;
}
