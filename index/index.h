/* The vector index: inner-product search over item vectors.
 *
 * FAISS builds and keeps the index, or a server does (backend.h), and who searches does not know which. With FAISS rows are
 * searched in one of three ways. Flat: a scan of all vectors, exact. A graph (HNSW...) over plain floats or bytes (SQ8): a walk of
 * FAISS's graph by code of ours (graph.h). Any other kind: FAISS's own search. The last two, and a server, give candidates, which
 * are put in order by exact inner products with the vectors themselves. */
#ifndef MRQ_INDEX_INDEX_H
#define MRQ_INDEX_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dict.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#define MRQ_FACTORY_SIZE 64 /* bytes of a factory string, its NUL among them */

typedef struct mrq_index mrq_index;

/* What an index is and how thoroughly it searches. */
typedef struct mrq_index_settings {
    char factory[MRQ_FACTORY_SIZE]; /* a FAISS factory string: "Flat", "HNSW32,SQ8", "IVF64,Flat" */
    uint32_t parameter;             /* FAISS's search parameter; 0 for a kind that has none */
    uint32_t rerank;                /* at least so many candidates are reranked by exact scores; 0 for Flat, which needs none */
} mrq_index_settings;

/* What FAISS calls the search parameter of a kind: "efSearch" of a graph, "nprobe" of inverted lists; NULL for one that has none.
 * */
const char *mrq_index_parameter_name(const char *factory);

/* "HNSW32,SQ8, efSearch 48, rerank 20": the kind and its settings. */
#define MRQ_SETTINGS_TEXT (MRQ_FACTORY_SIZE + 64)
void mrq_index_settings_text(const mrq_index_settings *settings, char *out, size_t size);

/* Builds an index of `n` vectors (n, dim) row-major, finite; row i is answered as i. The vectors are borrowed for the life
 * of the index. The same input makes the same index. While it trains, what FAISS writes to stderr goes to the log. MRQ_USAGE when a
 * vector is not finite, or when FAISS refuses the string, needs more vectors to train on than there are, or would crash or hang on
 * it (a size of 0, an NSG graph). */
MRQ_CHECKED mrq_status mrq_index_build(const char *factory, const float *vectors, uint32_t n, uint32_t dim, mrq_index **out,
                                       mrq_error *err);

/* MRQ_USAGE for a kind that FAISS will not make for vectors of `dim` dimensions; "auto" passes. Whether there are enough of them to
 * train on shows when the index is built. */
MRQ_CHECKED mrq_status mrq_index_check_kind(const char *kind, uint32_t dim, mrq_error *err);

void mrq_index_free(mrq_index *index);
MRQ_DEFINE_CLEANUP(mrq_index, mrq_index_free)

/* Writes a file that FAISS reads; not of a Flat index that was loaded. The caller makes it durable and atomic. */
MRQ_CHECKED mrq_status mrq_index_save(const mrq_index *index, const char *path, mrq_error *err);

/* The index in `file`, whose bytes the caller has verified and, when this returns, may unmap; `path` names it in messages.
 * `vectors` (n, dim) are the exact vectors, borrowed for the life of the index; for Flat they are all there is to it, and the file
 * is left alone. MRQ_BAD_FILE, before FAISS reads a byte, for a file that does not hold exactly `n` vectors of `dim` under the
 * inner product in the form that the factory string stands for (faiss_file.h), or when FAISS cannot read it: the sentence names
 * both values. */
MRQ_CHECKED mrq_status mrq_index_load(const mrq_map *file, const char *path, const mrq_index_settings *settings,
                                      const float *vectors, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *err);

/* How many of its rows the index holds now, which of one that a server keeps may be fewer than it was made of. MRQ_UNAVAILABLE when
 * that is gone. */
MRQ_CHECKED mrq_status mrq_index_count(const mrq_index *index, uint32_t *n, mrq_error *err);

const mrq_index_settings *mrq_index_settings_of(const mrq_index *index);
const float *mrq_index_vectors(const mrq_index *index); /* (n, dim) the exact ones */

/* Changes how thoroughly it searches; kept by mrq_index_save(). Not while another thread searches. MRQ_USAGE for an parameter that
 * this kind does not have. */
MRQ_CHECKED mrq_status mrq_index_tune(mrq_index *index, uint32_t parameter, uint32_t rerank, mrq_error *err);

/* Makes the searches of a Flat index quicker, with the same answers, where the CPU can: worth a millisecond for who asks often.
 * Takes about n × (dim + 18) bytes. Not while another thread searches. MRQ_FAILED: out of memory. */
MRQ_CHECKED mrq_status mrq_index_sketch(mrq_index *index, mrq_error *err);

/* The same rows in terms of the catalogue, for an index that is kept where the rows' bits are not: an item must have one of the
 * genres, or `all` of them, and a year between the two, and not be among some rows that were left out one by one. */
typedef struct mrq_terms {
    const mrq_strings *genres; /* the names by code */
    const uint32_t *genre;     /* (n_genres) codes */
    uint32_t n_genres;
    bool all;
    int year_from, year_to; /* 0: open */
    uint64_t n_without;     /* rows left out, or more */
} mrq_terms;

/* Which rows qualify: bit r % 64 of keep[r / 64] for row r, bits behind the last row zero. */
typedef struct mrq_filter {
    const uint64_t *keep;
    uint32_t n_kept;        /* bits set */
    const mrq_terms *terms; /* that say the same, or less; NULL: not known */
} mrq_filter;

typedef struct mrq_hit {
    uint32_t row;
    float score; /* the inner product with the exact vector */
} mrq_hit;

/* The best `k` rows for a query (dim) among those that qualify (`filter` NULL: all), best first, equal scores by row. `*found` is
 * `k`, or the number of qualifying rows when that is less, whatever the kind: where an approximate search comes back short, what
 * qualifies is scanned. Exact for Flat, and wherever few qualify. MRQ_USAGE for a query that is not finite. Thread-safe; uses the
 * calling thread alone. MRQ_UNAVAILABLE when the server that keeps the index is gone. */
MRQ_CHECKED mrq_status mrq_index_search(const mrq_index *index, const float *query, uint32_t k, const mrq_filter *filter,
                                        mrq_hit *hits, uint32_t *found, mrq_error *err);

#endif
