/* Checks a FAISS index file without FAISS. */
#ifndef MRQ_INDEX_FAISS_FILE_H
#define MRQ_INDEX_FAISS_FILE_H

#include "base/file.h"

/* Checks that `file` is a trained index of `n` vectors with the structure of `like`, the file of an empty index of the wanted kind:
 * the same nested kinds, dimensions, metric and sizes of codes, and as many codes and ids as `n` vectors need, to the last byte. A
 * graph's links are not checked. For a kind of unknown structure only the head is compared. The message of MRQ_BAD_FILE begins with
 * `path` and gives both values. */
MRQ_CHECKED mrq_status mrq_faiss_file_check(const mrq_map *file, const mrq_map *like, uint32_t n, const char *path, mrq_error *err);

#endif
