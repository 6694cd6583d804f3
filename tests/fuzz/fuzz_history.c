/* What users have liked, and what that adds: lists in ascending order, of items that there are, and finite numbers. */
#include "fuzz/container.h"
#include "store/layout.h"

enum { USERS = 16, ITEMS = 12 }; /* of the seeds */

/* The tower that the seeds belong to; it stays open. */
static mrq_folded *tower(void)
{
    static mrq_folded *folded;
    static mrq_container *file;
    mrq_table *users = NULL;
    if (!folded)
        FUZZ_CHECK(
            mrq_container_open(fuzz_fixture("store/current/users.mrq"), MRQ_KIND_USERS, MRQ_PARTS_FORMAT, &file, NULL) == MRQ_OK &&
            mrq_table_load(file, MRQ_KIND_USERS, &users, NULL) == MRQ_OK && mrq_folded_load(file, users, &folded, NULL) == MRQ_OK);
    mrq_table_free(users);
    return folded;
}

static void target(const char *path)
{
    mrq_error err = {0};
    mrq_container *file = NULL;
    mrq_folded folded = *tower();
    mrq_status status = mrq_container_open(path, MRQ_KIND_HISTORY, MRQ_PARTS_FORMAT, &file, &err);
    if (status == MRQ_OK)
        status = mrq_folded_load_history(file, USERS, ITEMS, &folded, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    FUZZ_CHECK((folded.liked != NULL) == (status == MRQ_OK));
    if (folded.liked) {
        const mrq_lists *list = &folded.history.list;
        fuzz_check_lists(list, USERS, ITEMS, true);
        fuzz_check_finite(folded.liked, (size_t)ITEMS * folded.width);
        fuzz_check_finite(folded.history.strength, list->offset[USERS]);
        for (uint32_t u = 0; u < USERS; u++)
            for (uint64_t i = list->offset[u]; i < list->offset[u + 1]; i++)
                FUZZ_CHECK(mrq_lists_find(list, u, list->item[i]) == i);
    }
    mrq_container_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_container(data, size, target);
    return 0;
}
