/* The items' vectors: as many as there are to be, of finite numbers, among which a search finds what it is asked for. */
#include "fuzz/container.h"
#include "store/layout.h"

enum { ITEMS = 12, DIM = 5 }; /* of the seeds */

static void search(const float *vectors)
{
    static const mrq_index_settings flat = {.factory = "Flat"};
    static const float query[DIM] = {0.5f, -0.5f, 0.5f, -0.5f, 0};
    mrq_error err = {0};
    mrq_index *index = NULL;
    mrq_hit hits[ITEMS];
    uint32_t found = 0;
    FUZZ_CHECK(mrq_index_load(NULL, "", &flat, vectors, ITEMS, DIM, &index, &err) == MRQ_OK);
    for (int sketched = 0; sketched < 2; sketched++) {
        FUZZ_CHECK(!sketched || mrq_index_sketch(index, &err) == MRQ_OK);
        FUZZ_CHECK(mrq_index_search(index, query, ITEMS / 2, NULL, hits, &found, &err) == MRQ_OK && found <= ITEMS / 2);
        for (uint32_t i = 0; i < found; i++)
            for (uint32_t j = 0; j <= i; j++)
                FUZZ_CHECK(hits[i].row < ITEMS && (i == j || hits[i].row != hits[j].row));
    }
    mrq_index_free(index);
}

static void target(const char *path)
{
    mrq_error err = {0};
    mrq_container *file = NULL;
    const float *vectors = NULL;
    mrq_status status = mrq_container_open(path, MRQ_KIND_VECTORS, MRQ_PARTS_FORMAT, &file, &err);
    if (status == MRQ_OK)
        status = mrq_generation_vectors(file, ITEMS, DIM, &vectors, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    if (status == MRQ_OK) {
        fuzz_check_finite(vectors, (size_t)ITEMS * DIM);
        search(vectors);
    }
    mrq_container_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_container(data, size, target);
    return 0;
}
