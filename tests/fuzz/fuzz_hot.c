/* Hot queries as they come back from Redis: what reads as a query and means something is told by a text that reads as the same
 * one, so that an answer is never kept under a key that nobody asks for. */
#include "engine/warm.c" /* its reader is its own */

#include "fuzz/world.h"

/* The text of the query as it was understood; NULL for none. */
static char *understand(const mrq_generation *generation, const char *text, size_t size)
{
    mrq_error problem = {0};
    reading r = {0};
    mrq_resolved resolved = {0};
    char *told = NULL;
    mrq_status status = read_query(text, size, &r, &problem);
    fuzz_check_status(status, &problem, FUZZ_ALLOW(MRQ_BAD_FILE) | FUZZ_ALLOW(MRQ_USAGE));
    if (status == MRQ_OK) {
        status = mrq_query_resolve(generation, &r.query, &resolved, &problem);
        fuzz_check_status(status, &problem, FUZZ_ALLOW(MRQ_USAGE) | FUZZ_ALLOW(MRQ_NOT_FOUND));
    }
    if (status == MRQ_OK)
        told = fuzz_text(resolved.text, strlen(resolved.text));
    mrq_resolved_clear(&resolved);
    reading_clear(&r);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mrq_generation *generation;
    if (!generation)
        fuzz_world(NULL, &generation);
    char *once = understand(generation, (const char *)data, size);
    if (!once)
        return 0;
    char *twice = understand(generation, once, strlen(once));
    FUZZ_CHECK(twice && strcmp(once, twice) == 0);
    free(once);
    free(twice);
    return 0;
}
