/* An index kept by FAISS, over its C API: a searcher of inside.h.
 *
 * Threads. FAISS opens OpenMP regions in search, which oversubscribe a server that already has a thread per core. OpenMP keeps the
 * number of threads separately for each thread of the program, so setting 1 around a call and then the old value has no effect on
 * others. Building uses one thread, too: a graph built by several threads depends on their timing, and its file must not.
 *
 * FAISS gets streams, not paths: its path functions ignore the error of the closing write, where a full disk shows.
 *
 * FAISS prints advice about small training sets on stderr and cannot be told not to. Stderr is redirected to a memory file while an
 * index trains, and what FAISS printed goes to our log, together with anything that another thread writes to stderr meanwhile. */
#include "index/index.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/finite.h"
#include "base/log.h"
#include "base/parse.h"
#include "index/faiss_api.h"
#include "index/faiss_file.h"
#include "index/inside.h"
#include "index/kernels.h"

/* From OpenMP's interface. Its header belongs to the compiler, and not every compiler has one. */
int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

/* FAISS's error without the C++ function and source line it begins with: "Error in F at FILE:LINE: Error: 'X' failed: WHY". */
static const char *reason_in(const char *text)
{
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

/* Compares with the what() of C++'s exception. */
static bool out_of_memory(const char *reason)
{
    return strcmp(reason, "std::bad_alloc") == 0;
}

static const char *faiss_reason(void)
{
    const char *text = faiss_get_last_error();
    return text ? reason_in(text) : "unknown error";
}

/* Fills the index with stderr redirected to a memory file, and logs the first line of that. If redirecting fails, it only fills. */
static bool fill_quietly(mrq_index *index, char *problem, size_t problem_size)
{
    const int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), captured = memfd_create("faiss-stderr", MFD_CLOEXEC);
    if (saved >= 0 && captured >= 0)
        dup2(captured, STDERR_FILENO);
    const bool filled = mrq_faiss_fill(index->faiss, index->n, index->vectors, problem, problem_size);
    if (saved >= 0 && captured >= 0) {
        dup2(saved, STDERR_FILENO);
        char text[256];
        const ssize_t size = pread(captured, text, sizeof text - 1, 0);
        text[size > 0 ? size : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        if (*text)
            mrq_log(MRQ_LOG_WARN, "index", "factory=%s %s", index->settings.factory, text);
    }
    if (saved >= 0)
        close(saved);
    if (captured >= 0)
        close(captured);
    return filled;
}

static const mrq_searcher searcher;

#define PARAMETER_DEFAULT 64
#define RERANK_DEFAULT    64

#define LINKS_MIN 2
#define LINKS_MAX 512
#define LISTS_MAX (1 << 20)
#define BITS_MAX  16 /* per part of a code */

/* Whether the text before `at` ends in `name`. */
static bool follows(const char *factory, const char *at, const char *name)
{
    const size_t size = strlen(name);
    return (size_t)(at - factory) >= size && strncmp(at - size, name, size) == 0;
}

/* Refuses what makes FAISS 1.7.3 crash, hang or exhaust the memory: a size of 0, a graph of 1 or of very many links, billions of
 * lists or centroids, an NSG graph whose nodes run out of free links. A plain PQ is refused because it spends minutes on permuting
 * its codes for a kind of search that we do not use. */
static mrq_status check_factory(const char *factory, mrq_error *err)
{
    if (strstr(factory, "NSG"))
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": FAISS may never finish an NSG graph; use another kind, such as HNSW32",
                        factory);
    for (const char *p = factory; *p;) {
        const size_t digits = strspn(p, "0123456789");
        if (!digits) {
            p++;
            continue;
        }
        int64_t size;
        const bool graph = follows(factory, p, "HNSW");
        const int least = graph ? LINKS_MIN : 1;
        const int most = graph                        ? LINKS_MAX
                         : follows(factory, p, "IVF") ? LISTS_MAX
                         : follows(factory, p, "x")   ? BITS_MAX
                                                      : MRQ_DIM_MAX;
        if (!mrq_parse_int(p, digits, least, most, &size))
            return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": %s %.*s%s, want %d to %d", factory, graph ? "a graph of" : "size",
                            (int)digits, p, graph ? " links" : "", least, most);
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

/* Makes an empty index; MRQ_USAGE with FAISS's message when it refuses. */
static mrq_status make(mrq_index *index, const char *factory, mrq_error *err)
{
    if (strlen(factory) >= MRQ_FACTORY_SIZE)
        return mrq_fail(err, MRQ_USAGE, "index \"%.40s...\": %zu bytes, want less than %d", factory, strlen(factory),
                        MRQ_FACTORY_SIZE);
    strcpy(index->settings.factory, factory);
    MRQ_TRY(check_factory(factory, err));
    index->faiss = mrq_faiss_make(factory, (int)index->dim);
    const int code = index->faiss ? 0 : faiss_index_factory(&index->faiss, (int)index->dim, factory, METRIC_INNER_PRODUCT);
    if (code != 0 && out_of_memory(faiss_reason()))
        return mrq_fail_memory(err, "making an index");
    if (code != 0)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\": %s; want a FAISS factory string such as Flat, HNSW32 or IVF16,Flat",
                        factory, faiss_reason());
    if (faiss_Index_metric_type(index->faiss) != METRIC_INNER_PRODUCT)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\" cannot search by inner product", factory);
    return MRQ_OK;
}

/* Trains and fills an empty index. */
static mrq_status fill(mrq_index *index, mrq_error *err)
{
    const char *const factory = index->settings.factory;
    char problem[400];
    const bool filled = fill_quietly(index, problem, sizeof problem);
    if (!filled && out_of_memory(problem))
        return mrq_fail_memory(err, "building an index");
    if (!filled)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\" cannot be made of %u vectors of %u dimensions: %s", factory, index->n,
                        index->dim, reason_in(problem));
    if (faiss_Index_ntotal(index->faiss) != index->n)
        return mrq_fail(err, MRQ_USAGE, "index \"%.80s\" took %lld of %u vectors", factory,
                        (long long)faiss_Index_ntotal(index->faiss), index->n);
    return MRQ_OK;
}

/* Finds the parts of the index after it is built or read, and how to search it. */
static mrq_status look_inside(mrq_index *index, const char *name, mrq_error *err)
{
    const bool seen = mrq_faiss_look_inside(index->faiss, &index->parts);
    index->way = !seen ? MRQ_WAY_ASK : index->parts.link ? MRQ_WAY_WALK : MRQ_WAY_SCAN;
    if (index->way == MRQ_WAY_WALK && !mrq_graph_sound(&index->parts, index->n))
        return mrq_fail(err, MRQ_BAD_FILE, "%s: a graph with links to rows that do not exist", name);
    return MRQ_OK;
}

mrq_status mrq_index_check_kind(const char *kind, uint32_t dim, mrq_error *err)
{
    if (strcmp(kind, "auto") == 0)
        return MRQ_OK;
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = mrq_index_new(&searcher, NULL, 0, dim);
    if (!index)
        return mrq_fail_memory(err, "checking an index");
    return make(index, kind, err);
}

mrq_status mrq_index_build(const char *factory, const float *vectors, uint32_t n, uint32_t dim, mrq_index **out, mrq_error *err)
{
    MRQ_TRY(mrq_index_check_vectors(vectors, n, dim, err));
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = mrq_index_new(&searcher, vectors, n, dim);
    if (!index)
        return mrq_fail_memory(err, "building an index");
    MRQ_TRY(make(index, factory, err));
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const mrq_status status = fill(index, err);
    omp_set_num_threads(threads);
    MRQ_TRY(status);
    MRQ_TRY(look_inside(index, factory, err));
    MRQ_TRY(mrq_index_tune(index, mrq_index_parameter_name(factory) ? PARAMETER_DEFAULT : 0,
                           index->way == MRQ_WAY_SCAN ? 0 : RERANK_DEFAULT, err));
    *out = index;
    index = NULL;
    return MRQ_OK;
}

mrq_status mrq_index_save(const mrq_index *index, const char *path, mrq_error *err)
{
    assert(index->faiss);
    int fd;
    MRQ_TRY(mrq_file_open(path, O_WRONLY | O_TRUNC, &fd, err));
    FILE *stream = fdopen(fd, "wb");
    if (!stream) {
        const mrq_status status = mrq_fail_errno(err, "cannot write %s", path);
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

/* Writes the file of an empty index of this kind, into memory. */
static mrq_status write_empty(const char *factory, uint32_t dim, char **bytes, size_t *size, mrq_error *err)
{
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = mrq_index_new(&searcher, NULL, 0, dim);
    if (!index)
        return mrq_fail_memory(err, "loading an index");
    MRQ_TRY(make(index, factory, err));
    FILE *stream = open_memstream(bytes, size);
    if (!stream)
        return mrq_fail_memory(err, "loading an index");
    errno = 0; /* when memory runs out, the stream loses bytes and sets only errno */
    const int code = faiss_write_index(index->faiss, stream);
    return fclose(stream) == 0 && code == 0 && errno != ENOMEM ? MRQ_OK : mrq_fail_memory(err, "loading an index");
}

/* Refuses a file of another form before FAISS reads it. */
static mrq_status check_file(const mrq_index *index, const mrq_map *file, const char *path, mrq_error *err)
{
    MRQ_AUTOFREE char *bytes = NULL;
    size_t size = 0;
    mrq_error refused = {0};
    const mrq_status status = write_empty(index->settings.factory, index->dim, &bytes, &size, &refused);
    if (status != MRQ_OK)
        return mrq_fail(err, status == MRQ_USAGE ? MRQ_BAD_FILE : status, "%s: %s", path, refused.msg);
    const mrq_map like = {(const unsigned char *)bytes, size};
    return mrq_faiss_file_check(file, &like, index->n, path, err);
}

/* Reads the index to its last byte, from the bytes that were checked and not from the path, which may be another file by now. */
static mrq_status read_all(const mrq_map *file, const char *path, FaissIndex **faiss, mrq_error *err)
{
    FILE *stream = fmemopen((void *)(uintptr_t)file->data, file->size, "rb"); /* fmemopen() only reads */
    if (!stream)
        return mrq_fail_errno(err, "cannot read %s", path);
    mrq_status status = MRQ_OK;
    const int code = faiss_read_index(stream, 0, faiss);
    if (code != 0 && out_of_memory(faiss_reason()))
        status = mrq_fail_memory(err, "reading an index");
    else if (code != 0)
        status = mrq_fail(err, MRQ_BAD_FILE, "%s: not an index that FAISS can read: %s", path, faiss_reason());
    else if (getc(stream) != EOF)
        status = mrq_fail(err, MRQ_BAD_FILE, "%s: bytes after the end of the index", path);
    fclose(stream);
    return status;
}

mrq_status mrq_index_load(const mrq_map *file, const char *path, const mrq_index_settings *settings, const float *vectors,
                          uint32_t n, uint32_t dim, mrq_index **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = mrq_index_new(&searcher, vectors, n, dim);
    if (!index)
        return mrq_fail_memory(err, "loading an index");
    strcpy(index->settings.factory, settings->factory);
    index->way = MRQ_WAY_SCAN;
    if (strcmp(settings->factory, "Flat") != 0) {
        MRQ_TRY(check_file(index, file, path, err));
        MRQ_TRY(read_all(file, path, &index->faiss, err));
        MRQ_TRY(look_inside(index, path, err));
    }
    mrq_error refused = {0};
    const mrq_status status = mrq_index_tune(index, settings->parameter, settings->rerank, &refused);
    if (status != MRQ_OK)
        return mrq_fail(err, status == MRQ_USAGE ? MRQ_BAD_FILE : status, "%s: %s", path, refused.msg);
    *out = index;
    index = NULL;
    return MRQ_OK;
}

mrq_status mrq_index_tune(mrq_index *index, uint32_t parameter, uint32_t rerank, mrq_error *err)
{
    const char *name = mrq_index_parameter_name(index->settings.factory);
    if (!name != !parameter)
        return mrq_fail(err, MRQ_USAGE, "index \"%s\": %s %u, want %s", index->settings.factory, name ? name : "search parameter",
                        parameter, name ? "1 or more" : "0: this kind has none");
    if (name) {
        FaissParameterSpace *space = NULL;
        int code = faiss_ParameterSpace_new(&space);
        if (code == 0)
            code = faiss_ParameterSpace_set_index_parameter(space, index->faiss, name, parameter);
        faiss_ParameterSpace_free(space);
        if (code != 0 && out_of_memory(faiss_reason()))
            return mrq_fail_memory(err, "tuning an index");
        if (code != 0)
            return mrq_fail(err, MRQ_USAGE, "index \"%s\" does not take %s %u: %s", index->settings.factory, name, parameter,
                            faiss_reason());
    }
    index->settings.parameter = parameter;
    index->settings.rerank = rerank;
    return MRQ_OK;
}

static mrq_status search(const mrq_index *index, const float *query, uint32_t ask, const mrq_terms *terms, uint32_t *row,
                         uint32_t *found, mrq_error *err)
{
    (void)terms;
    if (index->way == MRQ_WAY_WALK)
        return mrq_graph_walk(&index->parts, index->n, index->dim, query, ask, row, found, err);
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
        if (label[i] >= 0 && label[i] < index->n)
            row[(*found)++] = (uint32_t)label[i];
    return MRQ_OK;
}

static mrq_status count(const mrq_index *index, uint32_t *n, mrq_error *err)
{
    (void)err;
    *n = index->faiss ? (uint32_t)faiss_Index_ntotal(index->faiss) : index->n;
    return MRQ_OK;
}

static void close_index(mrq_index *index)
{
    if (index->faiss)
        faiss_Index_free(index->faiss);
}

static const mrq_searcher searcher = {search, count, close_index, false};
