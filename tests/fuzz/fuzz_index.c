/* An index file that the manifest's checksum vouches for, behind a line with its factory string, up to where FAISS would read it:
 * what is let through has its kind, dimensions and count, and nothing in it is longer than the file. FAISS's own reader is behind
 * this target. */
#include "index/faiss.c" /* its look at a file is its own */

#include "fuzz/fuzz.h"

enum { ITEMS = 12, DIM = 5 }; /* of the seeds */

/* The empty index of one of these factory strings, made once, as that takes FAISS long; of any other none. */
static mrq_map empty(const char *factory)
{
    static struct {
        const char *factory;
        char *bytes;
        size_t size;
    } kinds[] = {{.factory = "HNSW4"},           {.factory = "HNSW2"},           {.factory = "HNSW4,SQ8"},
                 {.factory = "PCAR3,HNSW4,SQ8"}, {.factory = "IVF2,Flat"},       {.factory = "IVF2,SQ8"},
                 {.factory = "IVF2,PQ5x2"},      {.factory = "IVF2_HNSW2,Flat"}, {.factory = "SQ8"},
                 {.factory = "SQfp16"},          {.factory = "PCA3,SQ8"},        {.factory = "RR5,SQ4"},
                 {.factory = "L2norm,SQ8"},      {.factory = "PQ5x2np,RFlat"},   {.factory = "PQ5x2np,Refine(SQ8)"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].factory, factory) != 0)
            continue;
        if (!kinds[i].bytes)
            FUZZ_CHECK(write_empty(factory, DIM, &kinds[i].bytes, &kinds[i].size, NULL) == MRQ_OK);
        return (mrq_map){(const unsigned char *)kinds[i].bytes, kinds[i].size};
    }
    return (mrq_map){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_error err = {0};
    char factory[MRQ_FACTORY_SIZE] = "";
    const uint8_t *end = memchr(data, '\n', size < MRQ_FACTORY_SIZE ? size : MRQ_FACTORY_SIZE);
    if (!end || memchr(data, '\0', (size_t)(end - data)))
        return 0;
    memcpy(factory, data, (size_t)(end - data));
    const mrq_map like = empty(factory);
    if (!like.data)
        return 0;
    const size_t left = size - (size_t)(end + 1 - data);
    unsigned char *bytes = malloc(left ? left : 1);
    FUZZ_CHECK(bytes);
    memcpy(bytes, end + 1, left);
    const mrq_map file = {bytes, left};
    const mrq_status status = mrq_faiss_file_check(&file, &like, ITEMS, "items.faiss", &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    FUZZ_CHECK(status != MRQ_OK || (left > 36 && memcmp(bytes + 4, &(uint32_t){DIM}, 4) == 0 &&
                                    memcmp(bytes + 8, &(uint64_t){ITEMS}, 8) == 0 && bytes[32] == 1));
    free(bytes);
    return 0;
}
