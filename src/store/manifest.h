/* Inside the store: a generation's manifest. */
#ifndef MRQ_STORE_MANIFEST_H
#define MRQ_STORE_MANIFEST_H

#include "base/digest.h"
#include "index/choose.h"
#include "store/layout.h"

#define MRQ_MANIFEST_FORMAT 5

typedef struct mrq_manifest {
    int64_t created_us; /* microseconds since 1970, UTC */
    char model_name[MRQ_COLUMN_NAME];
    mrq_trial index; /* settings and their measured recall and latency */
    uint32_t items, users, dim;
    mrq_model_results results; /* set by mrq_manifest_parse(); mrq_manifest_text() takes them from the model */
    mrq_quality quality;       /* computed from the results */
    struct {
        int64_t size;
        char sha256[MRQ_SHA256_HEX];
        uint64_t checksum; /* a container's own; of items.faiss mrq_checksum() */
    } part[MRQ_PARTS];
} mrq_manifest;

/* Records the size and digests of a part's file. */
MRQ_CHECKED mrq_status mrq_manifest_note(mrq_manifest *manifest, mrq_part part, const char *path, mrq_error *err);

/* The name of the generation's content, used in the name of a backend's collection: the first digits of the SHA-256 of the digests
 * of catalogue.mrq and vectors.mrq, as text, and of MRQ_BACKEND_FIELDS, one after the other. */
void mrq_manifest_content(const mrq_manifest *manifest, char out[MRQ_CONTENT_SIZE]);

/* The manifest as JSON, with the measured trials and the model's description for people; freed with mrq_free(). NULL if out of
 * memory. */
char *mrq_manifest_text(const mrq_manifest *manifest, const mrq_model *model, const mrq_choice *choice);

/* Reads what mrq_manifest_text() wrote. `curve` may be NULL; else `curve->epoch` is freed with mrq_free(). The message of
 * MRQ_BAD_FILE names `path` and the key, or the version if the format is not MRQ_MANIFEST_FORMAT. */
MRQ_CHECKED mrq_status mrq_manifest_parse(const char *text, size_t size, const char *path, mrq_manifest *out,
                                          mrq_model_curve *curve, mrq_error *err);

/* Reads the manifest of a generation and verifies it by the generation's name. */
MRQ_CHECKED mrq_status mrq_manifest_read(const char *folder, const char *name, mrq_manifest *out, mrq_model_curve *curve,
                                         mrq_error *err);

#endif
