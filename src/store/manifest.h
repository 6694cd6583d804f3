/* Inside the store room: a generation's manifest. */
#ifndef MRQ_STORE_MANIFEST_H
#define MRQ_STORE_MANIFEST_H

#include "base/digest.h"
#include "index/choose.h"
#include "store/layout.h"

#define MRQ_MANIFEST_FORMAT 5

typedef struct mrq_manifest {
    int64_t created_us; /* microseconds since 1970, UTC */
    char model_name[MRQ_COLUMN_NAME];
    mrq_trial index; /* its settings and what they came to when they were measured */
    uint32_t items, users, dim;
    mrq_model_results results; /* mrq_manifest_text() takes them from the model, as */
    mrq_quality quality;       /* what follows from them */
    struct {
        int64_t size;
        char sha256[MRQ_SHA256_HEX];
        uint64_t checksum; /* a container's own; of items.faiss mrq_checksum() */
    } part[MRQ_PARTS];
} mrq_manifest;

/* Notes size and digests of a part as it is on disk. */
MRQ_CHECKED mrq_status mrq_manifest_note(mrq_manifest *manifest, mrq_part part, const char *path, mrq_error *err);

/* What a backend's collection of such a generation is named after: the first digits of the SHA-256 of those of catalogue.mrq and
 * vectors.mrq, as text, one behind the other. */
void mrq_manifest_content(const mrq_manifest *manifest, char out[MRQ_CONTENT_SIZE]);

/* The manifest as JSON, and in it for people the settings tried and the model's description; freed with mrq_free(). NULL when out
 * of memory. */
char *mrq_manifest_text(const mrq_manifest *manifest, const mrq_model *model, const mrq_choice *choice);

/* Reads what mrq_manifest_text() wrote. `curve` may be NULL; else `curve->epoch` is freed with mrq_free(). MRQ_BAD_FILE names
 * `path` and the key; another format version is refused by its number. */
MRQ_CHECKED mrq_status mrq_manifest_parse(const char *text, size_t size, const char *path, mrq_manifest *out,
                                          mrq_model_curve *curve, mrq_error *err);

/* The manifest of a generation, verified by the generation's name. */
MRQ_CHECKED mrq_status mrq_manifest_read(const char *folder, const char *name, mrq_manifest *out, mrq_model_curve *curve,
                                         mrq_error *err);

#endif
