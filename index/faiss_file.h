/* What a FAISS index file says of itself, read without FAISS. */
#ifndef MRQ_INDEX_FAISS_FILE_H
#define MRQ_INDEX_FAISS_FILE_H

#include "base/file.h"

/* Whether `file` is an index of `n` vectors in the form of `like`, the file of an empty index of the kind that is wanted: the same
 * kinds within each other, the same dimensions, metric and sizes of codes, trained, and as many codes and ids as that makes, to the
 * last byte. Where a graph's links lead is not looked at. Of a kind whose inside is not known here only the head is compared.
 * MRQ_BAD_FILE begins with `path` and names both values. */
MRQ_CHECKED mrq_status mrq_faiss_file_check(const mrq_map *file, const mrq_map *like, uint32_t n, const char *path, mrq_error *err);

#endif
