/* What users have seen: lists of as many users as there are, of items that there are. */
#include "fuzz/container.h"
#include "store/layout.h"

enum { USERS = 16, ITEMS = 12 }; /* of the seeds */

static void target(const char *path)
{
    mrq_error err = {0};
    mrq_container *file = NULL;
    mrq_lists seen;
    mrq_status status = mrq_container_open(path, MRQ_KIND_SEEN, MRQ_PARTS_FORMAT, &file, &err);
    if (status == MRQ_OK)
        status = mrq_lists_load(file, MRQ_KIND_SEEN, USERS, ITEMS, &seen, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    if (status == MRQ_OK)
        fuzz_check_lists(&seen, USERS, ITEMS, false);
    mrq_container_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_container(data, size, target);
    return 0;
}
