/* Inside the store room: a generation's manifest. */
#ifndef MRQ_STORE_MANIFEST_H
#define MRQ_STORE_MANIFEST_H

#include "base/digest.h"
#include "store/layout.h"

#define MRQ_MANIFEST_FORMAT 2

typedef struct mrq_manifest {
    char created[32]; /* UTC, with microseconds */
    char model_name[MRQ_FEATURE_NAME];
    char index_kind[64];
    uint32_t movies, users, dim;
    struct {
        int64_t size;
        char sha256[MRQ_SHA256_HEX];
        uint64_t checksum; /* mrq_checksum() of the whole file */
    } part[MRQ_PARTS];
} mrq_manifest;

/* The manifest as JSON with the model's description and results, for a person; freed with mrq_free(). NULL when out of memory. */
char *mrq_manifest_text(const mrq_manifest *manifest, const mrq_model *model);

/* Reads what mrq_manifest_text() wrote. MRQ_BAD_FILE names `path` and the key; another format version is refused by its number. */
MRQ_CHECKED mrq_status mrq_manifest_parse(const char *text, size_t size, const char *path, mrq_manifest *out, mrq_error *err);

#endif
