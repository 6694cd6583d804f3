/* The vector index: inner-product search over item vectors.
 *
 * FAISS or a server (backend.h) builds and keeps the index; callers of the search need not know which. With FAISS there are three
 * ways to search. Flat: a scan of all vectors, exact. A graph (HNSW...) over floats or bytes (SQ8): our own walk of FAISS's graph
 * (graph.h). Any other kind: FAISS's own search. The last two, and a server, give candidates, which are sorted by exact inner
 * products with the vectors. */
#ifndef MRQ_INDEX_INDEX_H
#define MRQ_INDEX_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/table.h"

#define MRQ_FACTORY_SIZE 64 /* size of a factory string, including the NUL */

typedef struct mrq_index mrq_index;

/* The kind of an index, and its search parameter (efSearch, nprobe). */
typedef struct mrq_index_settings {
    char factory[MRQ_FACTORY_SIZE]; /* a FAISS factory string: "Flat", "HNSW32,SQ8", "IVF64,Flat" */
    uint32_t parameter;             /* FAISS's search parameter; 0 for a kind without one */
    uint32_t rerank;                /* rerank at least this many candidates by exact scores; 0 for Flat, which needs none */
} mrq_index_settings;

/* FAISS's name for the search parameter of a kind: "efSearch" for a graph, "nprobe" for inverted lists; NULL for a kind without
 * one. */
const char *mrq_index_parameter_name(const char *factory);

/* The kind and its settings: "HNSW32,SQ8, efSearch 48, rerank 20". */
#define MRQ_SETTINGS_TEXT (MRQ_FACTORY_SIZE + 64)
void mrq_index_settings_text(const mrq_index_settings *settings, char *out, size_t size);

/* Builds an index of `n` finite vectors (n, dim), row-major. The vectors are borrowed for the life of the index. The same input
 * makes the same index. While it trains, FAISS's output on stderr goes to the log. MRQ_USAGE when a vector is not finite, or when
 * FAISS refuses the string, needs more vectors for training, or would crash or hang (a size of 0, an NSG graph). */
MRQ_CHECKED mrq_status mrq_index_build(const char *factory, const float *vectors, uint32_t n, uint32_t dim, mrq_index **out,
                                       mrq_error *err);

/* MRQ_USAGE for a kind that FAISS cannot make for vectors of `dim` dimensions; "auto" is allowed. Whether there are enough vectors
 * to train on is only known when the index is built. */
MRQ_CHECKED mrq_status mrq_index_check_kind(const char *kind, uint32_t dim, mrq_error *err);

void mrq_index_free(mrq_index *index);
MRQ_DEFINE_CLEANUP(mrq_index, mrq_index_free)

/* Writes a file that FAISS can read; not allowed for a Flat index that was loaded. The caller makes the write durable and
 * atomic. */
MRQ_CHECKED mrq_status mrq_index_save(const mrq_index *index, const char *path, mrq_error *err);

/* Loads the index in `file`. The caller has verified the bytes and may unmap them after the call; `path` names the file in
 * messages. `vectors` (n, dim) are the exact vectors, borrowed for the life of the index; Flat needs nothing else, so its file is
 * not read. MRQ_BAD_FILE, before FAISS reads a byte, for a file that does not hold exactly `n` vectors of `dim` under the inner
 * product in the form of the factory string (faiss_file.h), or when FAISS cannot read it; the message gives both values. */
MRQ_CHECKED mrq_status mrq_index_load(const mrq_map *file, const char *path, const mrq_index_settings *settings,
                                      const float *vectors, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *err);

/* The number of rows that the index holds now; on a server it may be less than was uploaded. MRQ_UNAVAILABLE when the server is
 * down. */
MRQ_CHECKED mrq_status mrq_index_count(const mrq_index *index, uint32_t *n, mrq_error *err);

const mrq_index_settings *mrq_index_settings_of(const mrq_index *index);
const float *mrq_index_vectors(const mrq_index *index); /* (n, dim) exact */

/* Sets the search parameter (efSearch, nprobe); mrq_index_save() saves it. Not while another thread searches. MRQ_USAGE for a
 * parameter that this kind does not have. */
MRQ_CHECKED mrq_status mrq_index_tune(mrq_index *index, uint32_t parameter, uint32_t rerank, mrq_error *err);

/* Makes searches of a Flat index faster, with the same answers, if the CPU supports it. Takes about a millisecond, so it pays for
 * many searches, and about n × (dim + 18) bytes. Not while another thread searches. MRQ_FAILED: out of memory. */
MRQ_CHECKED mrq_status mrq_index_sketch(mrq_index *index, mrq_error *err);

/* How a condition compares. */
typedef enum mrq_operator {
    MRQ_IS,     /* the row's value is one of the values; of a set, one of its members is */
    MRQ_IS_NOT, /* the opposite, and so also true of an unknown value */
    MRQ_IS_ALL, /* sets: all of the values are members */
    MRQ_BELOW,  /* this and the following are for numbers, and false of an unknown number */
    MRQ_UP_TO,
    MRQ_ABOVE,
    MRQ_FROM,
} mrq_operator;

/* A condition on a column of the catalogue. */
typedef struct mrq_condition {
    const mrq_column *column;
    mrq_operator compare;
    uint32_t n;     /* values, at least 1; 1 from MRQ_BELOW on */
    uint32_t *code; /* (n) distinct; category and set: codes, ascending; text: a row that has the text for each, ordered by text */
    double *number; /* (n) number: ascending, distinct, finite */
} mrq_condition;

/* A filter in terms of the catalogue, for a server, which does not have the rows' bits: an item must meet every condition, and not
 * be among the rows that are left out one by one. */
typedef struct mrq_terms {
    const mrq_condition *condition; /* (n) */
    uint32_t n;
    uint64_t n_without; /* number of rows left out, or more */
} mrq_terms;

/* The rows that qualify: bit r % 64 of keep[r / 64] for row r; bits after the last row are zero. */
typedef struct mrq_filter {
    const uint64_t *keep;
    uint32_t n_kept;        /* number of bits set */
    const mrq_terms *terms; /* describe the same rows, or a superset; NULL: no description */
} mrq_filter;

typedef struct mrq_hit {
    uint32_t row;
    float score; /* inner product with the exact vector */
} mrq_hit;

/* Finds the best `k` rows for a query (dim) among those that qualify (`filter` NULL: all), best first, equal scores by row.
 * `*found` is `k`, or the number of qualifying rows if that is less, for every kind: if an approximate search finds too few, the
 * qualifying rows are scanned. Exact for Flat, and whenever few rows qualify.
 *
 * The first k of more are the k, to the bit and for every kind, so that a list can be read page after page. Rows that an
 * approximate search has missed come last, if all rows are asked for, and are the only ones out of order. MRQ_USAGE for a query
 * that is not finite; MRQ_UNAVAILABLE when the server that keeps the index is down. Thread-safe; uses only the calling thread. */
MRQ_CHECKED mrq_status mrq_index_search(const mrq_index *index, const float *query, uint32_t k, const mrq_filter *filter,
                                        mrq_hit *hits, uint32_t *found, mrq_error *err);

#endif
