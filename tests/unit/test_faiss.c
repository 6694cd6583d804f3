/* What is made of FAISS's answers: each of its calls fails, in words of ours and of its own; its threads, its standard error and
 * what it leaves are watched. */
#include "unit/index_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/log.h"
#include "index/faiss_api.h"
#include "index/faiss_parts.h"
#include "index/inside.h"
#include "unit/failing_memory.h"

enum { N = 40, DIM = 8 };

int omp_get_max_threads(void);
void omp_set_num_threads(int threads);

static mrq_error err;
static char folder[128];
static float x[N * DIM];
static const char *failing, *reason; /* the call that fails, and FAISS's last words; NULL: none */
static const char *says;             /* on standard error, while it trains */
static bool takes_all;               /* any kind is made, as one that costs nothing */
static int64_t counts = -1;          /* what it says it holds; -1: the truth */
static const int64_t *finds;         /* instead of what it finds */
static uint32_t n_asked;

static bool fails(const char *call)
{
    return failing && strcmp(failing, call) == 0;
}

const char *__wrap_faiss_get_last_error(void);
const char *__real_faiss_get_last_error(void);
const char *__wrap_faiss_get_last_error(void)
{
    return failing ? reason : __real_faiss_get_last_error();
}

FaissIndex *__real_mrq_faiss_make(const char *factory, int dim);
FaissIndex *__wrap_mrq_faiss_make(const char *factory, int dim);
FaissIndex *__wrap_mrq_faiss_make(const char *factory, int dim)
{
    return takes_all ? __real_mrq_faiss_make("HNSW4", dim) : __real_mrq_faiss_make(factory, dim);
}

bool __real_mrq_faiss_fill(FaissIndex *index, uint32_t n, const float *vectors, char *problem, size_t size);
bool __wrap_mrq_faiss_fill(FaissIndex *index, uint32_t n, const float *vectors, char *problem, size_t size);
bool __wrap_mrq_faiss_fill(FaissIndex *index, uint32_t n, const float *vectors, char *problem, size_t size)
{
    assert_int_equal(omp_get_max_threads(), 1);
    if (says && write(2, says, strlen(says)) < 0)
        return false;
    if (fails("fill")) {
        snprintf(problem, size, "%s", reason);
        return false;
    }
    return __real_mrq_faiss_fill(index, n, vectors, problem, size);
}

int __real_faiss_Index_search(const FaissIndex *index, idx_t n, const float *query, idx_t k, float *distances, idx_t *labels);
int __wrap_faiss_Index_search(const FaissIndex *index, idx_t n, const float *query, idx_t k, float *distances, idx_t *labels);
int __wrap_faiss_Index_search(const FaissIndex *index, idx_t n, const float *query, idx_t k, float *distances, idx_t *labels)
{
    assert_int_equal(omp_get_max_threads(), 1);
    n_asked = (uint32_t)k;
    if (fails("search"))
        return -1;
    for (idx_t i = 0; finds && i < k; i++)
        labels[i] = finds[i];
    return finds ? 0 : __real_faiss_Index_search(index, n, query, k, distances, labels);
}

idx_t __real_faiss_Index_ntotal(const FaissIndex *index);
idx_t __wrap_faiss_Index_ntotal(const FaissIndex *index);
idx_t __wrap_faiss_Index_ntotal(const FaissIndex *index)
{
    return counts >= 0 ? counts : __real_faiss_Index_ntotal(index);
}

#define FAILING(result, call, parameters, arguments, otherwise)                                                                    \
    result __real_##call parameters;                                                                                               \
    result __wrap_##call parameters;                                                                                               \
    result __wrap_##call parameters                                                                                                \
    {                                                                                                                              \
        return fails(#call) ? (otherwise) : __real_##call arguments;                                                               \
    }
FAILING(int, faiss_index_factory, (FaissIndex * *out, int d, const char *text, FaissMetricType metric), (out, d, text, metric), -1)
FAILING(int, faiss_ParameterSpace_new, (FaissParameterSpace * *space), (space), -1)
FAILING(int, faiss_ParameterSpace_set_index_parameter,
        (const FaissParameterSpace *space, FaissIndex *index, const char *name, double value), (space, index, name, value), -1)
FAILING(int, faiss_write_index, (const FaissIndex *index, FILE *f), (index, f), -1)
FAILING(int, faiss_read_index, (FILE * f, int flags, FaissIndex **out), (f, flags, out), -1)
FAILING(int, memfd_create, (const char *name, unsigned flags), (name, flags), (errno = EIO, -1))
FAILING(FILE *, fdopen, (int fd, const char *mode), (fd, mode), (errno = EIO, (FILE *)NULL))
FAILING(FILE *, open_memstream, (char **text, size_t *size), (text, size), NULL)
FAILING(FILE *, fmemopen, (void *at, size_t size, const char *mode), (at, size, mode), (errno = EIO, (FILE *)NULL))

static const char *in_folder(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int make(void **state)
{
    (void)state;
    for (int i = 0; i < N * DIM; i++)
        x[i] = (float)((i * 37 + i / DIM * 11) % 101) / 101 - 0.5f;
    failing = reason = says = NULL;
    takes_all = false;
    counts = -1;
    finds = NULL;
    omp_set_num_threads(3);
    return 0;
}

static int look(void **state)
{
    (void)state;
    assert_int_equal(omp_get_max_threads(), 3); /* as it was */
    return 0;
}

static mrq_status build(const char *kind)
{
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    return mrq_index_build(kind, x, N, DIM, &index, &err);
}

static mrq_index *built(const char *kind)
{
    mrq_index *index = NULL;
    assert_ok(mrq_index_build(kind, x, N, DIM, &index, &err));
    return index;
}

/* --- kinds --- */

static void every_size_has_its_least_and_its_most(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *why; /* NULL: it may be */
    } rows[] = {
        {"Flat", NULL},
        {"HNSW2", NULL},
        {"HNSW512,SQ8", NULL},
        {"HNSW1", "a graph of 1 links, want 2 to 512"},
        {"HNSW513", "a graph of 513 links, want 2 to 512"},
        {"IVF1,Flat", NULL},
        {"IVF1048576,Flat", NULL},
        {"IVF0,Flat", "size 0, want 1 to 1048576"},
        {"IVF1048577,Flat", "size 1048577, want 1 to 1048576"},
        {"PQ8x1np", NULL},
        {"PQ8x16np", NULL},
        {"PQ8x17np", "size 17, want 1 to 16"},
        {"PQ8x0np", "size 0, want 1 to 16"},
        {"PCA1,Flat", NULL},
        {"PCA65536,Flat", NULL},
        {"PCA65537,Flat", "size 65537, want 1 to 65536"},
        {"PCA0,Flat", "size 0, want 1 to 65536"},
        {"16,Flat", NULL},
        {"V16,Flat", NULL}, /* shorter than what sizes stand behind */
        {"Flat,99999999999999999999", "size 99999999999999999999, want 1 to 65536"},
        {"NSG4", "index \"NSG4\": FAISS may never finish an NSG graph; use another kind, such as HNSW32"},
        {"IVF4,NSG4", "FAISS may never finish an NSG graph"},
        {"PQ8", "index \"PQ8\": FAISS would permute PQ8's codes for minutes, want PQ8np"},
        {"PQ8x4", "FAISS would permute PQ8x4's codes for minutes, want PQ8x4np"},
        {"PQ8np", NULL},
        {"PQ8x4fs", NULL},
        {"PCA4,PQ8", "FAISS would permute PQ8's codes for minutes, want PQ8np"},
        {"PQ8,RFlat", "FAISS would permute PQ8's codes for minutes, want PQ8np"},
        {"PQ8np,PQ4", "FAISS would permute PQ4's codes for minutes, want PQ4np"},
        {"PQ8,SQnp", "FAISS would permute PQ8's codes"},
        {"PQ8,SQfs", "FAISS would permute PQ8's codes"},
        {"OPQ4,PQ4np", NULL},
        {"IVF4,PQ8", NULL},
        {"PQ8,IVF4", NULL},
        {"auto", NULL},
    };
    takes_all = true;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].why)
            assert_ok(mrq_index_check_kind(rows[i].kind, DIM, &err));
        else
            assert_fails(mrq_index_check_kind(rows[i].kind, DIM, &err), MRQ_USAGE, rows[i].why);
    }
    char longest[] = "Flat-------------------------------------------------------------";
    assert_int_equal(strlen(longest), MRQ_FACTORY_SIZE + 1);
    assert_fails(mrq_index_check_kind(longest, DIM, &err), MRQ_USAGE,
                 "index \"Flat------------------------------------...\": 65 bytes, want less than 64");
    longest[64] = '\0';
    assert_fails(mrq_index_check_kind(longest, DIM, &err), MRQ_USAGE, ": 64 bytes, want less than 64");
    longest[63] = '\0';
    assert_ok(mrq_index_check_kind(longest, DIM, &err));
    takes_all = false;
    assert_fails(mrq_index_check_kind(longest, DIM, &err), MRQ_USAGE, "could not parse index string");
}

static void vectors_have_1_to_65536_dimensions(void **state)
{
    (void)state;
    static float wide[65537];
    mrq_index *index = NULL;
    assert_ok(mrq_index_build("Flat", wide, 1, 65536, &index, &err));
    mrq_index_free(index);
    index = NULL;
    assert_fails(mrq_index_build("Flat", wide, 1, 65537, &index, &err), MRQ_USAGE,
                 "cannot index 1 vectors of 65537 dimensions, want 1 or more, and 1 to 65536");
    wide[65535] = INFINITY;
    assert_fails(mrq_index_build("Flat", wide, 1, 65536, &index, &err), MRQ_USAGE, "vector 0 holds a number that is not finite");
    assert_null(index);
}

/* --- what FAISS says --- */

static void faiss_is_quoted_without_its_sources(void **state)
{
    (void)state;
    static const struct {
        const char *said, *told;
    } rows[] = {
        {"Error in void f(int) at /x/y.cpp:12: Error: 'n > 0' failed: want more", "want more"},
        {"Error in f at y.cpp:1: went wrong", "went wrong"},
        {"a::b at y.cpp:99: std::c: 7", "std::c: 7"},
        {"plain", "plain"},
        {"a: b", "a: b"},
        {"a:1 b:23: c", "c"},
        {"a:1:b", "a:1:b"},
        {"x failed: y failed: z", "y failed: z"},
        {"it failed: ", "it failed: "},
        {"", ""},
        {"std::bad_alloc of another", "std::bad_alloc of another"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char want[300];
        reason = rows[i].said;
        failing = "fill";
        snprintf(want, sizeof want, "index \"SQ8\" cannot be made of 40 vectors of 8 dimensions: %s", rows[i].told);
        assert_fails(build("SQ8"), MRQ_USAGE, "");
        assert_string_equal(err.msg, want);
        failing = "faiss_index_factory";
        snprintf(want, sizeof want, "index \"SQ8\": %s; want a FAISS factory string such as Flat, HNSW32 or IVF16,Flat",
                 rows[i].told);
        assert_fails(build("SQ8"), MRQ_USAGE, "");
        assert_string_equal(err.msg, want);
    }
    reason = NULL;
    failing = "faiss_index_factory";
    assert_fails(build("SQ8"), MRQ_USAGE, "index \"SQ8\": unknown error; want");
}

static void memory_that_faiss_lacks_is_nobodys_fault(void **state)
{
    (void)state;
    mrq_index *index = built("IVF2,SQ8"), *loaded = NULL;
    const char *path = in_folder("ivf");
    assert_ok(mrq_index_save(index, path, &err));
    reason = "std::bad_alloc";
    failing = "faiss_index_factory";
    assert_fails(build("SQ8"), MRQ_FAILED, "out of memory while making an index");
    assert_fails(load_from(path, mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_FAILED,
                 "ivf: out of memory while making");
    failing = "fill";
    assert_fails(build("SQ8"), MRQ_FAILED, "out of memory while building an index");
    failing = "faiss_read_index";
    assert_fails(load_from(path, mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_FAILED,
                 "out of memory while reading an index");
    failing = "faiss_ParameterSpace_new";
    assert_fails(mrq_index_tune(index, 2, 3, &err), MRQ_FAILED, "out of memory while tuning an index");
    assert_fails(load_from(path, mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_FAILED,
                 "ivf: out of memory while tuning");
    failing = "faiss_ParameterSpace_set_index_parameter";
    assert_fails(mrq_index_tune(index, 2, 3, &err), MRQ_FAILED, "out of memory while tuning an index");
    assert_null(loaded);
    mrq_index_free(index);
}

static void memory_that_a_search_lacks_is_told(void **state)
{
    (void)state;
    enum { MANY = 200 }; /* all of fewer rows are scanned */
    static const char *const kinds[] = {"IVF2,Flat", "SQ8", "HNSW4"};
    static float many[MANY * DIM];
    for (int i = 0; i < MANY * DIM; i++)
        many[i] = (float)((i * 37 + i / DIM * 11) % 101) / 101 - 0.5f;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        mrq_index *index = NULL;
        assert_ok(mrq_index_build(kinds[i], many, MANY, DIM, &index, &err));
        mrq_status status = MRQ_FAILED;
        mrq_hit hit[1];
        uint32_t found = 0;
        int n = 0;
        assert_ok(mrq_index_tune(index, index->settings.parameter ? 1 : 0, 1, &err));
        one_fails_alone = true;
        for (n_asked = 0; status != MRQ_OK; n++) {
            atomic_store(&allocations_left, n);
            status = mrq_index_search(index, x, 1, NULL, hit, &found, &err);
            atomic_store(&allocations_left, INT_MAX);
            if (status != MRQ_OK)
                assert_string_equal(err.msg, "out of memory while searching an index");
        }
        one_fails_alone = false;
        assert_in_range(n, 2, 20);
        assert_true(index->way == MRQ_WAY_WALK || n_asked == 10);
        mrq_index_free(index);
    }
}

static void what_faiss_refuses_is_told(void **state)
{
    (void)state;
    mrq_index *index = built("IVF2,SQ8"), *loaded = NULL;
    uint32_t row[4], found = 99;
    const char *path = in_folder("ivf");
    assert_ok(mrq_index_save(index, path, &err));
    reason = "no";
    failing = "faiss_read_index";
    assert_fails(load_from(path, mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_BAD_FILE,
                 "ivf: not an index that FAISS can read: no");
    failing = "faiss_ParameterSpace_set_index_parameter";
    assert_fails(mrq_index_tune(index, 2, 3, &err), MRQ_USAGE, "index \"IVF2,SQ8\" does not take nprobe 2: no");
    assert_fails(load_from(path, mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_BAD_FILE,
                 "ivf: index \"IVF2,SQ8\" does not take nprobe 64: no");
    failing = "faiss_ParameterSpace_new";
    assert_fails(mrq_index_tune(index, 2, 3, &err), MRQ_USAGE, "index \"IVF2,SQ8\" does not take nprobe 2: no");
    assert_true(mrq_index_settings_of(index)->parameter == 64 && mrq_index_settings_of(index)->rerank == 64);
    failing = "search";
    assert_fails(index->searcher->search(index, x, 4, NULL, row, &found, &err), MRQ_FAILED, "the index cannot be searched: no");
    failing = "faiss_write_index";
    assert_fails(mrq_index_save(index, in_folder("out"), &err), MRQ_FAILED, "out: no");
    errno = ENOENT; /* of something before, which says nothing of this */
    assert_fails(mrq_index_save(index, in_folder("out"), &err), MRQ_FAILED, "out: no");
    assert_fails(load_from(in_folder("ivf"), mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_FAILED,
                 "out of memory while loading an index");
    failing = "open_memstream";
    assert_fails(load_from(in_folder("ivf"), mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_FAILED,
                 "out of memory while loading an index");
    failing = "fmemopen";
    assert_fails(load_from(in_folder("ivf"), mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_FAILED,
                 "ivf: Input/output error");
    const int descriptors = descriptors_of_process();
    failing = "fdopen";
    assert_fails(mrq_index_save(index, in_folder("out"), &err), MRQ_FAILED, "out: Input/output error");
    assert_int_equal(descriptors_of_process(), descriptors);
    failing = NULL;
    counts = 39;
    uint32_t n = 0;
    assert_ok(mrq_index_count(index, &n, &err));
    assert_int_equal(n, 39);
    assert_fails(build("SQ8"), MRQ_USAGE, "index \"SQ8\" took 39 of 40 vectors");
    counts = -1;
    assert_null(loaded);
    mrq_index_free(index);
}

/* --- its standard error --- */

static void what_it_says_while_it_trains_goes_to_the_log(void **state)
{
    (void)state;
    char long_line[400];
    memset(long_line, 'l', sizeof long_line - 1);
    long_line[sizeof long_line - 1] = '\0';
    const struct {
        const char *says;
        const char *logged; /* NULL: nothing */
    } rows[] = {{NULL, NULL},
                {"", NULL},
                {"\nsecond line", NULL},
                {"a word", "WARN index factory=Flat a word\n"},
                {"one\ntwo\n", "WARN index factory=Flat one\n"},
                {long_line, "WARN index factory=Flat llll"}};
    struct stat before, after;
    assert_int_equal(fstat(2, &before), 0);
    const int descriptors = descriptors_of_process();
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            char *text = NULL;
            size_t size;
            FILE *log = open_memstream(&text, &size);
            mrq_log_open(log, MRQ_LOG_WARN);
            says = turn && rows[i].says ? "" : rows[i].says;
            failing = turn ? "memfd_create" : NULL; /* then it says what it says, and trains */
            const mrq_status status = build("Flat");
            mrq_log_open(NULL, MRQ_LOG_WARN);
            fclose(log);
            assert_int_equal(status, MRQ_OK);
            const char *have = strstr(text, "WARN");
            if (!rows[i].logged || turn)
                assert_null(have);
            else
                assert_memory_equal(have, rows[i].logged, strlen(rows[i].logged));
            if (rows[i].says == long_line && !turn)
                assert_int_equal(strlen(have), strlen("WARN index factory=Flat ") + 255 + 1);
            free(text);
            assert_int_equal(descriptors_of_process(), descriptors);
            assert_true(fstat(2, &after) == 0 && after.st_ino == before.st_ino && after.st_dev == before.st_dev);
        }
    failing = NULL;
    says = NULL;
    const int input = dup(0); /* the smallest number there is */
    close(0);
    assert_ok(build("Flat"));
    assert_int_equal(descriptors_of_process(), descriptors);
    assert_int_equal(dup2(input, 0), 0);
    close(input);
    const int kept = dup(2); /* without a standard error at all */
    close(2);
    const mrq_status status = build("Flat");
    const int free_one = dup(kept);
    assert_int_equal(free_one, 2);
    close(kept);
    assert_int_equal(status, MRQ_OK);
    assert_int_equal(descriptors_of_process(), descriptors);
}

/* --- parameters and rows --- */

static void a_search_parameter_is_what_the_kind_has(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        uint32_t parameter, rerank; /* at first */
        mrq_way way;
    } rows[] = {{"Flat", 0, 0, MRQ_WAY_SCAN},       {"SQ8", 0, 64, MRQ_WAY_ASK},
                {"HNSW4", 64, 64, MRQ_WAY_WALK},    {"HNSW4,SQ8", 64, 64, MRQ_WAY_WALK},
                {"IVF2,Flat", 64, 64, MRQ_WAY_ASK}, {"IVF2_HNSW4,Flat", 64, 64, MRQ_WAY_ASK},
                {"PCA4,Flat", 0, 64, MRQ_WAY_ASK},  {"PCA4,HNSW4,SQ8", 64, 64, MRQ_WAY_WALK}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mrq_index *index = built(rows[i].kind), *loaded = NULL;
        const mrq_index_settings *set = mrq_index_settings_of(index);
        uint32_t n = 0;
        assert_string_equal(set->factory, rows[i].kind);
        assert_true(set->parameter == rows[i].parameter && set->rerank == rows[i].rerank && index->way == rows[i].way);
        assert_fails(mrq_index_tune(index, rows[i].parameter ? 0 : 1, 5, &err), MRQ_USAGE,
                     rows[i].parameter ? " 0, want 1 or more" : "search parameter 1, want 0: this kind has none");
        assert_ok(mrq_index_tune(index, rows[i].parameter ? 7 : 0, 5, &err));
        assert_true(set->parameter == (rows[i].parameter ? 7 : 0) && set->rerank == 5);
        assert_ok(mrq_index_save(index, in_folder("kind"), &err));
        assert_ok(load_from(in_folder("kind"), set, x, N, DIM, &loaded, &err));
        assert_int_equal(loaded->way, index->way);
        assert_memory_equal(mrq_index_settings_of(loaded), set, sizeof *set);
        assert_ok(mrq_index_count(loaded, &n, &err));
        assert_int_equal(n, N);
        assert_ok(mrq_index_count(index, &n, &err));
        assert_int_equal(n, N);
        mrq_index_free(loaded);
        mrq_index_free(index);
    }
}

static void rows_that_are_none_are_not_taken(void **state)
{
    (void)state;
    static const int64_t labels[] = {-1, 2, N, 0, N - 1, INT64_MAX};
    mrq_index *index = built("SQ8");
    uint32_t row[6], found = 0;
    finds = labels;
    assert_ok(index->searcher->search(index, x, 6, NULL, row, &found, &err));
    assert_int_equal(n_asked, 6);
    assert_true(found == 3 && row[0] == 2 && row[1] == 0 && row[2] == N - 1);
    mrq_index_free(index);
}

/* So many candidates are asked for last, in rounds of 10 to 50 places, four times as many, and so on: the places or the rerank,
 * twice as many with a filter, the more the smaller the share is that qualifies; none where a scan of what qualifies takes no
 * longer. */
static void candidates_enough_are_asked_for(void **state)
{
    (void)state;
    enum { MANY = 4000 };
    static float many[MANY * DIM];
    static uint64_t keep[MANY / 64 + 1];
    static const struct {
        uint32_t k, rerank, kept, asked; /* 0: it is scanned */
    } rows[] = {{1, 0, MANY, 10},    {10, 0, MANY, 10},   {11, 0, MANY, 40},   {40, 0, MANY, 40},    {41, 0, MANY, 160},
                {160, 0, MANY, 160}, {161, 0, MANY, 160}, {10, 9, MANY, 10},   {11, 11, MANY, 11},   {12, 11, MANY, 44},
                {10, 64, MANY, 64},  {50, 64, MANY, 64},  {51, 64, MANY, 200}, {200, 64, MANY, 200}, {201, 64, MANY, 200},
                {10, 0, 2000, 40},   {10, 0, 1132, 70},   {10, 0, 1131, 0},    {1, 0, 1131, 0},      {11, 0, 2262, 35},
                {11, 0, 2263, 141},  {10, 30, 1960, 122}, {10, 30, 1959, 0}};
    for (int i = 0; i < MANY * DIM; i++)
        many[i] = (float)((i * 37 + i / DIM * 11) % 101) / 101 - 0.5f;
    mrq_index *index = NULL;
    assert_ok(mrq_index_build("SQ8", many, MANY, DIM, &index, &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static mrq_hit hits[MANY];
        uint32_t found = 0;
        memset(keep, 0, sizeof keep);
        for (uint32_t r = 0; r < rows[i].kept; r++)
            keep[r / 64] |= UINT64_C(1) << r % 64;
        const mrq_filter filter = {keep, rows[i].kept, NULL};
        n_asked = 0;
        assert_ok(mrq_index_tune(index, 0, rows[i].rerank, &err));
        assert_ok(mrq_index_search(index, many, rows[i].k, rows[i].kept < MANY ? &filter : NULL, hits, &found, &err));
        assert_int_equal(found, rows[i].k);
        if (n_asked != rows[i].asked)
            fail_msg("row %zu: asked %u, want %u", i, n_asked, rows[i].asked);
    }
    mrq_index_free(index);
}

/* --- memory --- */

static mrq_status do_all(const char *kind)
{
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *loaded = NULL;
    mrq_hit hits[3];
    uint32_t found = 0;
    MRQ_TRY(mrq_index_check_kind(kind, DIM, &err));
    MRQ_TRY(mrq_index_build(kind, x, N, DIM, &index, &err));
    MRQ_TRY(mrq_index_save(index, in_folder("kind"), &err));
    MRQ_TRY(load_from(in_folder("kind"), mrq_index_settings_of(index), x, N, DIM, &loaded, &err));
    MRQ_TRY(mrq_index_sketch(loaded, &err));
    MRQ_TRY(mrq_index_search(loaded, x, 1, NULL, hits, &found, &err));
    assert_true(found == 1 && hits[0].row < N);
    mrq_sketch *sketch = NULL;
    mrq_top top = {hits, 3, 0};
    MRQ_TRY(mrq_sketch_new(x, N, DIM, &sketch, &err));
    const mrq_status status = mrq_sketch_scan(sketch, x, NULL, &top, &err);
    mrq_sketch_free(sketch);
    return status;
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    static const char *const kinds[] = {"Flat", "SQ8", "HNSW4", "HNSW4,SQ8", "PCA4,HNSW4,SQ8"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        mrq_status status = MRQ_FAILED;
        int n = 0;
        for (; status != MRQ_OK && n < 500; n++) {
            err = (mrq_error){0};
            atomic_store(&allocations_left, n);
            status = do_all(kinds[k]);
            const bool failed = atomic_exchange(&allocations_left, INT_MAX) < 0;
            if (status == MRQ_OK ? failed : status != MRQ_FAILED || !strstr(err.msg, "out of memory"))
                fail_msg("%s, allocation %d fails: got %d, \"%s\"", kinds[k], n, (int)status, err.msg);
        }
        assert_in_range(n, 5, 499);
    }
    mrq_sketch_free(NULL);
    mrq_index_free(NULL);
}

/* The same where one allocation fails alone: that it did is not found out by the next one. */
static void memory_that_is_short_for_a_moment_is_told(void **state)
{
    one_fails_alone = true;
    memory_that_runs_out_is_told(state);
    one_fails_alone = false;
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_size_has_its_least_and_its_most, make, look),
        cmocka_unit_test_setup_teardown(vectors_have_1_to_65536_dimensions, make, look),
        cmocka_unit_test_setup_teardown(faiss_is_quoted_without_its_sources, make, look),
        cmocka_unit_test_setup_teardown(memory_that_faiss_lacks_is_nobodys_fault, make, look),
        cmocka_unit_test_setup_teardown(memory_that_a_search_lacks_is_told, make, look),
        cmocka_unit_test_setup_teardown(what_faiss_refuses_is_told, make, look),
        cmocka_unit_test_setup_teardown(what_it_says_while_it_trains_goes_to_the_log, make, look),
        cmocka_unit_test_setup_teardown(a_search_parameter_is_what_the_kind_has, make, look),
        cmocka_unit_test_setup_teardown(rows_that_are_none_are_not_taken, make, look),
        cmocka_unit_test_setup_teardown(candidates_enough_are_asked_for, make, look),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_told, make, look),
        cmocka_unit_test_setup_teardown(memory_that_is_short_for_a_moment_is_told, make, look),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
