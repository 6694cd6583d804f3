/* The vector index over FAISS's C API.
 *
 * Order. FAISS breaks ties as its heap falls, and at the k-th place it keeps any of the equal ones. We ask for one hit more than
 * wanted; while that last hit scores the same as the k-th, others equal to it may have been dropped, so we ask for twice as many.
 * Once it scores less (or there are no more), every row that belongs is in hand, and sorting by score and row makes the answer
 * of an exhaustive index exact. An approximate index gets the same treatment; there it is merely orderly.
 *
 * Completeness. A graph or a few inverted lists hold only so many rows that a query can reach, whatever number is asked for. Who
 * asks for more gets them from a scan over all vectors: slower, which is rare, but never short.
 *
 * Threads. FAISS opens OpenMP regions in search, which oversubscribe a server that already has a thread a core. OpenMP keeps the
 * wanted number of threads for each thread of the program, so setting 1 around a call, and the old value back, disturbs nobody.
 * Building is also done with one: a graph that several threads grow depends on their timing, and a file should not.
 *
 * Streams, not paths, go to FAISS: its own path functions drop the error of the closing write, which is where a full disk shows.
 *
 * FAISS prints advice about small training sets on stderr with no switch to stop it. Standard error goes into a memory file while
 * an index trains, and what was said goes to our log. Another thread that writes to stderr at that moment is logged with it. */
#include "index/index.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <faiss/c_api/index_io_c.h>

#include "base/log.h"
#include "base/parse.h"

/* Of OpenMP's interface; its header comes with the compiler that makes the code, and not every compiler has one. */
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

struct mrq_index {
    FaissIndex *faiss;
    uint32_t n, dim;
};

/* FAISS's last error without the C++ function and source line it begins with: "Error in F at FILE:LINE: Error: 'X' failed: WHY". */
static const char *faiss_reason(void)
{
    const char *text = faiss_get_last_error();
    if (!text)
        return "unknown error";
    for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
        const size_t digits = strspn(colon + 1, "0123456789");
        if (digits && strncmp(colon + 1 + digits, ": ", 2) == 0) {
            text = colon + 1 + digits + 2;
            break;
        }
    }
    const char *failed = strstr(text, "failed: ");
    return failed && failed[8] ? failed + 8 : text;
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* Trains with stderr turned into a memory file, and logs its first line. Without a stderr or the memory file it just trains. */
static int train_quietly(FaissIndex *faiss, const char *factory, uint32_t n, const float *vectors)
{
    const int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), said = memfd_create("faiss-stderr", MFD_CLOEXEC);
    if (saved >= 0 && said >= 0)
        dup2(said, STDERR_FILENO);
    const int code = faiss_Index_train(faiss, n, vectors);
    if (saved >= 0 && said >= 0) {
        dup2(saved, STDERR_FILENO);
        char text[256];
        const ssize_t size = pread(said, text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        if (*text)
            mrq_log(MRQ_LOG_WARN, "index", "factory=%s %s", factory, text);
    }
    if (saved >= 0)
        close(saved);
    if (said >= 0)
        close(said);
    return code;
}

#define LINKS_MIN 2
#define LINKS_MAX 512

/* FAISS 1.7.3 crashes, hangs or fills the memory on these instead of refusing them: a size of 0, a graph of 1 or of very many
 * links, an NSG graph whose nodes run out of free links. And a plain PQ spends minutes on permuting its codes for a kind of search
 * that we do not use. */
static mrq_status check_factory(const char *factory, mrq_error *err)
{
    if (strstr(factory, "NSG"))
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": FAISS may never finish an NSG graph, want another such as HNSW32",
                        factory);
    for (const char *p = factory; *p;) {
        const size_t digits = strspn(p, "0123456789");
        if (!digits) {
            p++;
            continue;
        }
        int64_t size;
        if (!mrq_parse_int(p, digits, 1, INT32_MAX, &size))
            return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": size %.*s, want 1 to %d", factory, (int)digits, p, INT32_MAX);
        if (p - factory >= 4 && strncmp(p - 4, "HNSW", 4) == 0 && (size < LINKS_MIN || size > LINKS_MAX))
            return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": a graph of %lld links, want %d to %d", factory, (long long)size,
                            LINKS_MIN, LINKS_MAX);
        p += digits;
    }
    for (const char *p = factory; *p && !strstr(factory, "IVF"); p += strcspn(p, ",") + (strchr(p, ',') != NULL)) {
        const size_t size = strcspn(p, ",");
        if (strncmp(p, "PQ", 2) == 0 && !memmem(p, size, "np", 2) && !memmem(p, size, "fs", 2))
            return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": FAISS would permute %.*s's codes for minutes, want %.*snp", factory,
                            (int)size, p, (int)size, p);
    }
    return MRQ_OK;
}

/* Makes, trains and fills the index; MRQ_USAGE in FAISS's own words when it refuses. */
static mrq_status fill(mrq_index *index, const char *factory, const float *vectors, mrq_error *err)
{
    MRQ_TRY(check_factory(factory, err));
    if (faiss_index_factory(&index->faiss, (int)index->dim, factory, METRIC_INNER_PRODUCT) != 0)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": %s; want a FAISS factory string such as Flat, HNSW32 or IVF16,Flat",
                        factory, faiss_reason());
    if (faiss_Index_metric_type(index->faiss) != METRIC_INNER_PRODUCT)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\" cannot search by inner product", factory);
    if (train_quietly(index->faiss, factory, index->n, vectors) != 0)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\" cannot be trained on %u vectors of %u dimensions: %s", factory, index->n,
                        index->dim, faiss_reason());
    if (faiss_Index_add(index->faiss, index->n, vectors) != 0)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\" does not take the %u vectors: %s", factory, index->n, faiss_reason());
    if (faiss_Index_ntotal(index->faiss) != index->n)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\" took %lld of %u vectors", factory,
                        (long long)faiss_Index_ntotal(index->faiss), index->n);
    return MRQ_OK;
}

mrq_status mrq_index_build(const char *factory, const float *vectors, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *err)
{
    if (n == 0 || dim == 0 || dim > INT_MAX)
        return mrq_fail(err, MRQ_USAGE, "cannot index %u vectors of %u dimensions", n, dim);
    for (uint32_t i = 0; i < n; i++)
        if (!all_finite(vectors + (size_t)i * dim, dim))
            return mrq_fail(err, MRQ_USAGE, "vector %u holds a number that is not finite", i);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = calloc(1, sizeof *index);
    if (!index)
        return mrq_fail_memory(err, "building an index");
    index->n = n;
    index->dim = dim;
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const mrq_status status = fill(index, factory, vectors, err);
    omp_set_num_threads(threads);
    if (status != MRQ_OK)
        return status;
    *out = index;
    index = NULL;
    return MRQ_OK;
}

void mrq_index_free(mrq_index *index)
{
    if (!index)
        return;
    if (index->faiss)
        faiss_Index_free(index->faiss);
    free(index);
}

mrq_status mrq_index_save(const mrq_index *index, const char *path, mrq_error *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "wb");
    if (!stream) {
        const mrq_status status = mrq_fail_errno(err, "cannot write %s", path);
        if (fd >= 0)
            close(fd);
        return status;
    }
    errno = 0;
    mrq_status status = MRQ_OK;
    if (faiss_write_index(index->faiss, stream) != 0)
        status = errno ? mrq_fail_errno(err, "cannot write %s", path)
                       : mrq_fail(err, MRQ_FAILED, "cannot write %s: %s", path, faiss_reason());
    if (fclose(stream) != 0 && status == MRQ_OK)
        status = mrq_fail_errno(err, "cannot write %s", path);
    return status;
}

/* Reads what FAISS wrote, to the last byte. */
static mrq_status read_all(const char *path, FaissIndex **faiss, mrq_error *err)
{
    FILE *stream = fopen(path, "rbe");
    if (!stream)
        return mrq_fail_errno(err, "cannot open %s", path);
    mrq_status status = MRQ_OK;
    if (faiss_read_index(stream, 0, faiss) != 0)
        status = mrq_fail(err, MRQ_BAD_FILE, "%s: not an index that FAISS can read: %s", path, faiss_reason());
    else if (getc(stream) != EOF)
        status = mrq_fail(err, MRQ_BAD_FILE, "%s: bytes behind the end of the index", path);
    fclose(stream);
    return status;
}

mrq_status mrq_index_load(const char *path, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = calloc(1, sizeof *index);
    if (!index)
        return mrq_fail_memory(err, "loading an index");
    MRQ_TRY(read_all(path, &index->faiss, err));
    const int held_dim = faiss_Index_d(index->faiss);
    const long long held = faiss_Index_ntotal(index->faiss);
    if (held_dim < 0 || (uint32_t)held_dim != dim)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: an index of %d dimensions, want %u", path, held_dim, dim);
    if (held != n)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: an index of %lld vectors, want %u", path, held, n);
    if (faiss_Index_metric_type(index->faiss) != METRIC_INNER_PRODUCT)
        return mrq_fail(err, MRQ_BAD_FILE, "%s: an index of metric %d, want %d, the inner product", path,
                        (int)faiss_Index_metric_type(index->faiss), (int)METRIC_INNER_PRODUCT);
    index->n = n;
    index->dim = dim;
    *out = index;
    index = NULL;
    return MRQ_OK;
}

uint32_t mrq_index_count(const mrq_index *index)
{
    return index->n;
}

static int better_first(const void *a, const void *b)
{
    const mrq_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* One search for `ask` hits; sorts what was found into `hits` (ask). */
static mrq_status ask_faiss(const mrq_index *index, const float *query, uint32_t ask, mrq_hit *hits, uint32_t *found,
                            mrq_error *err)
{
    MRQ_AUTOFREE idx_t *label = mrq_array(ask, sizeof *label);
    MRQ_AUTOFREE float *score = mrq_array(ask, sizeof *score);
    if (!label || !score)
        return mrq_fail_memory(err, "searching an index");
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const int code = faiss_Index_search(index->faiss, 1, query, ask, score, label);
    omp_set_num_threads(threads);
    if (code != 0)
        return mrq_fail(err, MRQ_FAILED, "the index cannot be searched: %s", faiss_reason());
    *found = 0;
    for (uint32_t i = 0; i < ask; i++)
        if (label[i] >= 0 && label[i] < index->n && !isnan(score[i]))
            hits[(*found)++] = (mrq_hit){(uint32_t)label[i], score[i]};
    qsort(hits, *found, sizeof *hits, better_first);
    return MRQ_OK;
}

/* Every row, best first, from vectors that the index gives back, a block at a time. None from an index that cannot. */
static mrq_status scan(const mrq_index *index, const float *query, mrq_hit *hits, uint32_t *found, mrq_error *err)
{
    enum { BLOCK = 4096 };
    MRQ_AUTOFREE float *block = mrq_array(index->n < BLOCK ? index->n : BLOCK, index->dim * sizeof *block);
    if (!block)
        return mrq_fail_memory(err, "searching an index");
    *found = 0;
    for (uint32_t start = 0; start < index->n; start += BLOCK) {
        const uint32_t n = index->n - start < BLOCK ? index->n - start : BLOCK;
        if (faiss_Index_reconstruct_n(index->faiss, start, n, block) != 0)
            return MRQ_OK; /* refused at the first block or never */
        for (uint32_t i = 0; i < n; i++) {
            float score = 0;
            for (uint32_t d = 0; d < index->dim; d++)
                score += query[d] * block[(size_t)i * index->dim + d];
            if (!isnan(score))
                hits[(*found)++] = (mrq_hit){start + i, score};
        }
    }
    qsort(hits, *found, sizeof *hits, better_first);
    return MRQ_OK;
}

/* What FAISS finds: at most `k` hits. */
static mrq_status search(const mrq_index *index, const float *query, uint32_t k, mrq_hit *hits, uint32_t *found, mrq_error *err)
{
    for (uint32_t ask = k < index->n ? k + 1 : k;; ask = ask < index->n / 2 ? 2 * ask : index->n) {
        MRQ_AUTOFREE mrq_hit *got = mrq_array(ask, sizeof *got);
        if (!got)
            return mrq_fail_memory(err, "searching an index");
        uint32_t n = 0;
        MRQ_TRY(ask_faiss(index, query, ask, got, &n, err));
        if (ask == index->n || n < ask || got[n - 1].score < got[k - 1].score) {
            *found = n < k ? n : k;
            memcpy(hits, got, *found * sizeof *hits);
            return MRQ_OK;
        }
    }
}

mrq_status mrq_index_search(const mrq_index *index, const float *query, uint32_t k, mrq_hit *hits, uint32_t *found, mrq_error *err)
{
    if (!all_finite(query, index->dim))
        return mrq_fail(err, MRQ_USAGE, "the query vector holds a number that is not finite");
    if (k > index->n)
        k = index->n;
    uint32_t n = 0;
    if (k > 0)
        MRQ_TRY(search(index, query, k, hits, &n, err));
    if (n < k) {
        MRQ_AUTOFREE mrq_hit *all = mrq_array(index->n, sizeof *all);
        uint32_t n_all = 0;
        if (!all)
            return mrq_fail_memory(err, "searching an index");
        MRQ_TRY(scan(index, query, all, &n_all, err));
        if (n_all > n) {
            n = n_all < k ? n_all : k;
            memcpy(hits, all, n * sizeof *hits);
        }
    }
    *found = n;
    return MRQ_OK;
}
