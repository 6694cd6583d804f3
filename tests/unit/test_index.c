/* The index room: exactness of Flat with ties, round trips of several kinds with a floor for recall, every refusal. */
#include "unit/index_file.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/random.h"

/* FAISS forgets its half-read index when reading fails; that leak is not ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:faiss::read_\n";
}

static const mrq_index_settings sq_settings = {.factory = "SQfp16"};

static mrq_error err;
static char folder[4096];

static const char *in_folder(const char *name)
{
    static char path[2][4400];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* (n, dim) unit vectors around a few centres, as items lie. */
static float *clustered(uint32_t n, uint32_t dim, uint64_t seed)
{
    float *x = mrq_array((size_t)n * dim, sizeof *x), centre[8][64];
    assert_non_null(x);
    assert_true(dim <= 64);
    mrq_random rng;
    mrq_random_init(&rng, seed, 0);
    for (int c = 0; c < 8; c++)
        for (uint32_t j = 0; j < dim; j++)
            centre[c][j] = (float)mrq_random_unit(&rng) - 0.5f;
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < dim; j++) {
            float *v = &x[(size_t)i * dim + j];
            *v = centre[i % 8][j] + (float)mrq_random_unit(&rng) - 0.5f;
            sum += (double)*v * *v;
        }
        for (uint32_t j = 0; j < dim; j++)
            x[(size_t)i * dim + j] /= (float)sqrt(sum);
    }
    return x;
}

static int by_score_then_row(const void *a, const void *b)
{
    const mrq_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->row > y->row ? 1 : -1;
}

/* The exhaustive answer: all n rows in order. */
static mrq_hit *scan(const float *x, uint32_t n, uint32_t dim, const float *query)
{
    mrq_hit *hits = mrq_array(n, sizeof *hits);
    assert_non_null(hits);
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;
        for (uint32_t j = 0; j < dim; j++)
            sum += (double)x[(size_t)i * dim + j] * query[j];
        hits[i] = (mrq_hit){i, (float)sum};
    }
    qsort(hits, n, sizeof *hits, by_score_then_row);
    return hits;
}

/* Small whole numbers: sums are exact in any order, and hundreds of rows tie. */
static void flat_is_the_scan_also_where_scores_tie(void **state)
{
    (void)state;
    enum { N = 1000, DIM = 12 };
    MRQ_AUTOFREE float *x = mrq_array((size_t)N * DIM, sizeof *x);
    mrq_random rng;
    mrq_random_init(&rng, 11, 0);
    for (size_t i = 0; i < (size_t)N * DIM; i++)
        x[i] = (float)mrq_random_below(&rng, 3) - 1;
    for (size_t i = 0; i < (size_t)300 * DIM; i++)
        x[(size_t)600 * DIM + i] = x[i % (3 * DIM)]; /* a hundred copies of each of the first three rows */
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build("Flat", x, N, DIM, &index, &err));
    static const uint32_t ks[] = {1, 2, 5, 10, 50, 99, 100, 101, 500, 999, 1000, 5000};
    for (uint32_t q = 0; q < 40; q++) {
        const float *query = x + (size_t)(q * 17 % N) * DIM;
        MRQ_AUTOFREE mrq_hit *want = scan(x, N, DIM, query);
        for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
            mrq_hit got[5000];
            uint32_t found = 0;
            assert_ok(mrq_index_search(index, query, ks[i], NULL, got, &found, &err));
            assert_int_equal(found, ks[i] < N ? ks[i] : N);
            for (uint32_t r = 0; r < found; r++) {
                assert_int_equal(got[r].row, want[r].row);
                assert_true(got[r].score == want[r].score);
            }
        }
    }
}

static void flat_is_the_scan_on_unit_vectors(void **state)
{
    (void)state;
    enum { N = 2000, DIM = 48 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 1);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build("Flat", x, N, DIM, &index, &err));
    for (uint32_t q = 0; q < 200; q++) {
        mrq_hit got[20];
        uint32_t found = 0;
        const float *query = x + (size_t)q * DIM;
        MRQ_AUTOFREE mrq_hit *want = scan(x, N, DIM, query);
        assert_ok(mrq_index_search(index, query, 20, NULL, got, &found, &err));
        assert_int_equal(found, 20);
        assert_int_equal(got[0].row, q);
        for (uint32_t r = 0; r < found; r++)
            assert_true(fabsf(got[r].score - want[r].score) < 1e-5f);
    }
}

static void assert_same_files(const char *a, const char *b)
{
    size_t n, m;
    MRQ_AUTOFREE unsigned char *x = read_bytes(a, &n), *y = read_bytes(b, &m);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
}

/* Builds, saves, loads; the files of two builds, and of a load, are the same; recall@10 over 100 queries reaches the floor. */
static void check_kind(const char *factory, double floor)
{
    enum { N = 1500, DIM = 32, K = 10 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 2);
    MRQ_AUTOFREE float *queries = clustered(100, DIM, 2); /* the same centres */
    MRQ_CLEANUP(mrq_index_free) mrq_index *built = NULL, *again = NULL, *loaded = NULL;
    assert_ok(mrq_index_build(factory, x, N, DIM, &built, &err));
    assert_ok(mrq_index_build(factory, x, N, DIM, &again, &err));
    assert_ok(mrq_index_save(built, in_folder("a"), &err));
    assert_ok(mrq_index_save(again, in_folder("b"), &err));
    assert_same_files(in_folder("a"), in_folder("b"));
    assert_ok(load_from(in_folder("a"), mrq_index_settings_of(built), x, N, DIM, &loaded, &err));
    if (strcmp(factory, "Flat") != 0) /* of which the file is not read */
        assert_ok(mrq_index_save(loaded, in_folder("b"), &err));
    assert_same_files(in_folder("a"), in_folder("b"));
    uint32_t right = 0;
    for (uint32_t q = 0; q < 100; q++) {
        mrq_hit got[K], before[K];
        uint32_t found = 0, found_before = 0;
        const float *query = queries + (size_t)q * DIM;
        assert_ok(mrq_index_search(built, query, K, NULL, before, &found_before, &err));
        assert_ok(mrq_index_search(loaded, query, K, NULL, got, &found, &err));
        assert_int_equal(found, found_before);
        assert_memory_equal(got, before, found * sizeof *got);
        MRQ_AUTOFREE mrq_hit *want = scan(x, N, DIM, query);
        for (uint32_t r = 0; r < found; r++) {
            assert_true(r == 0 || got[r - 1].score > got[r].score ||
                        (got[r - 1].score == got[r].score && got[r - 1].row < got[r].row));
            for (uint32_t i = 0; i < K; i++)
                right += want[i].row == got[r].row;
        }
    }
    if (right < floor * 100 * K)
        fail_msg("%s: recall %.3f, want %.3f", factory, right / (100.0 * K), floor);
}

static void kinds_round_trip_with_recall(void **state)
{
    (void)state;
    check_kind("Flat", 1.0);
    check_kind("HNSW32", 0.95);
    check_kind("IVF16,Flat", 0.5); /* looks into one list of 16 */
    check_kind("SQ8", 0.95);
    check_kind("SQfp16", 0.99);
    check_kind("IVF16,SQ8", 0.5);
    check_kind("HNSW16,SQ8", 0.9);
    check_kind("PCA16,Flat", 0.3);
    check_kind("PQ8x4np", 0.1);
    check_kind("PQ8x4np,RFlat", 0.2);
}

static void assert_refused(const char *factory, const char *sentence)
{
    enum { N = 200, DIM = 16 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 3);
    mrq_index *index = NULL;
    assert_fails(mrq_index_build(factory, x, N, DIM, &index, &err), MRQ_USAGE, sentence);
    assert_null(index);
}

static void bad_factories_are_refused(void **state)
{
    (void)state;
    assert_refused("nonsense", "index \"nonsense\": could not parse index string nonsense");
    assert_refused("nonsense", "want a FAISS factory string such as Flat, HNSW32 or IVF16,Flat");
    assert_refused("", "index \"\": could not parse");
    assert_refused("Flat,", "index \"Flat,\":");
    assert_refused("IVF16", "index \"IVF16\":");
    assert_refused("IVF99999999999999999999,Flat", "size 99999999999999999999, want 1 to 1048576");
    assert_refused("IVF1048577,Flat", "size 1048577, want 1 to 1048576"); /* FAISS takes 48 bytes a list before it has one */
    assert_refused("PQ8x24np", "size 24, want 1 to 16");                  /* FAISS takes 1 GiB before it has a vector */
    assert_refused("PCA65537,Flat", "size 65537, want 1 to 65536");
    assert_refused("IVF0,Flat", "index \"IVF0,Flat\": size 0, want 1 to"); /* FAISS aborts */
    assert_refused("PQ0", "size 0");                                       /* FAISS divides by it */
    assert_refused("HNSW0", "a graph of 0 links, want 2 to 512");          /* FAISS crashes */
    assert_refused("HNSW1", "a graph of 1 links, want 2 to 512");          /* FAISS takes all memory */
    assert_refused("HNSW100000000", "a graph of 100000000 links, want 2 to 512");
    assert_refused("NSG4", "index \"NSG4\": FAISS may never finish an NSG graph");
    assert_refused("PQ4", "want PQ4np"); /* minutes of simulated annealing */
    assert_refused("OPQ4,PQ4", "want PQ4np");
    assert_refused("PQ7np", "multiple of the number of subquantizers");
    assert_refused("IDMap,Flat", "cannot be made of 200 vectors");
    assert_refused("LSH", "index \"LSH\":");
    assert_refused("HNSW16_PQ4", "index \"HNSW16_PQ4\" cannot search by inner product");
    char huge[4000];
    memset(huge, 'x', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    assert_refused(huge, "index \"xxxx");
}

static void too_few_vectors_to_train_on(void **state)
{
    (void)state;
    assert_refused("IVF300,Flat",
                   "index \"IVF300,Flat\" cannot be made of 200 vectors of 16 dimensions: Number of training points (200) should "
                   "be at least as large as number of clusters (300)");
    assert_refused("PQ4np", "index \"PQ4np\" cannot be made of 200 vectors");
    assert_refused("PCA17,Flat", "cannot be made of");
}

/* FAISS advises on stderr; we say it in the log, and stderr is as it was. */
static void advice_goes_to_the_log(void **state)
{
    (void)state;
    enum { N = 100, DIM = 16 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 3);
    const int real = dup(2), file = open(in_folder("stderr"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    FILE *log = fopen(in_folder("log"), "w+");
    assert_true(real >= 0 && file >= 0 && log);
    mrq_log_open(log, MRQ_LOG_WARN);
    dup2(file, 2);
    mrq_index *index = NULL;
    const mrq_status status = mrq_index_build("IVF16,Flat", x, N, DIM, &index, &err);
    fprintf(stderr, "after");
    dup2(real, 2);
    close(real);
    mrq_log_open(NULL, MRQ_LOG_WARN);
    fclose(log);
    mrq_index_free(index);
    assert_int_equal(status, MRQ_OK);
    char text[512] = "";
    assert_int_equal(pread(file, text, sizeof text - 1, 0), 5);
    assert_string_equal(text, "after");
    close(file);
    size_t size;
    MRQ_AUTOFREE char *logged = (char *)read_bytes(in_folder("log"), &size);
    assert_non_null(strstr(
        logged, " WARN index factory=IVF16,Flat WARNING clustering 100 points to 16 centroids: please provide at least 624"));
    assert_int_equal(strchr(logged, '\n') - logged, (ptrdiff_t)size - 1);
}

static void vectors_are_checked(void **state)
{
    (void)state;
    enum { N = 50, DIM = 8 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 4);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_fails(mrq_index_build("Flat", x, 0, DIM, &index, &err), MRQ_USAGE, "cannot index 0 vectors of 8 dimensions");
    assert_fails(mrq_index_build("Flat", x, N, 0, &index, &err), MRQ_USAGE, "cannot index 50 vectors of 0 dimensions");
    assert_fails(mrq_index_build("Flat", x, N, UINT32_MAX, &index, &err), MRQ_USAGE, "of 4294967295 dimensions");
    const float wrong[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        const float right = x[17u * DIM + 3];
        x[17u * DIM + 3] = wrong[i];
        assert_fails(mrq_index_build("Flat", x, N, DIM, &index, &err), MRQ_USAGE, "vector 17 holds a number that is not finite");
        assert_null(index);
        x[17u * DIM + 3] = right;
    }
    assert_ok(mrq_index_build("Flat", x, N, DIM, &index, &err));
    float query[DIM] = {0};
    mrq_hit hits[100];
    uint32_t found = 12345;
    for (int i = 0; i < 3; i++) {
        query[DIM - 1] = wrong[i];
        assert_fails(mrq_index_search(index, query, 5, NULL, hits, &found, &err), MRQ_USAGE,
                     "query vector holds a number that is not finite");
    }
    assert_int_equal(found, 12345);
    query[DIM - 1] = 0; /* a zero query: all tie, so the rows come in order */
    assert_ok(mrq_index_search(index, query, 100, NULL, hits, &found, &err));
    assert_int_equal(found, N);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(hits[i].row, i);
    assert_ok(mrq_index_search(index, query, 0, NULL, hits, &found, &err));
    assert_int_equal(found, 0);
}

/* Scores that overflow: infinities rank, what is not a number is left out. */
static void scores_that_are_not_numbers_are_left_out(void **state)
{
    (void)state;
    const float x[] = {3e38f, 3e38f, 0, 1, 3e38f, -3e38f}, query[] = {3e38f, 3e38f};
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build("Flat", x, 3, 2, &index, &err));
    mrq_hit hits[3];
    uint32_t found = 0;
    assert_ok(mrq_index_search(index, query, 3, NULL, hits, &found, &err));
    assert_true(found >= 2);
    assert_true(isinf(hits[0].score) && hits[0].row == 0);
    for (uint32_t i = 0; i < found; i++)
        assert_true(!isnan(hits[i].score));
}

/* Where the graph or the lists end, a scan goes on: every row is in the list of all, once. The list of k is the beginning of it,
 * and in order but for the rows that were missed, which are its end. */
static void an_approximate_index_is_never_short(void **state)
{
    (void)state;
    enum { N = 5000, DIM = 16 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 5);
    static const char *const kinds[] = {"IVF16,Flat", "HNSW4", "HNSW4,SQ8", "PCA8,IVF16,Flat"};
    static mrq_hit hits[N], all[N + 1];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        assert_ok(mrq_index_build(kinds[i], x, N, DIM, &index, &err));
        for (int filtered = 0; filtered < 2; filtered++) {
            static uint64_t keep[N / 64 + 1];
            const uint32_t n = filtered ? N / 2 : N;
            for (uint32_t r = 0; r < n; r++)
                keep[r / 64] |= UINT64_C(1) << r % 64;
            const mrq_filter filter = {keep, n, NULL};
            uint32_t found = 0, ordered = 1;
            assert_ok(mrq_index_search(index, x, N + 1, filtered ? &filter : NULL, all, &found, &err));
            assert_int_equal(found, n);
            static bool seen[N];
            memset(seen, 0, sizeof seen);
            for (uint32_t h = 0; h < n; h++) {
                assert_true(all[h].row < n && !seen[all[h].row]);
                seen[all[h].row] = true;
            }
            while (ordered < n && (all[ordered - 1].score > all[ordered].score ||
                                   (all[ordered - 1].score == all[ordered].score && all[ordered - 1].row < all[ordered].row)))
                ordered++;
            assert_true(ordered > n - n / 20); /* those that were missed are few */
            for (uint32_t k = 1; k < n; k += k < 60 ? 1 : k / 7) {
                assert_ok(mrq_index_search(index, x, k, filtered ? &filter : NULL, hits, &found, &err));
                assert_int_equal(found, k);
                assert_memory_equal(hits, all, k * sizeof *hits);
            }
            memset(keep, 0, sizeof keep);
        }
    }
}

/* Which of two rows that differ by rounding only is kept, is the same for every k: copies of a few vectors, in any place. */
static void almost_equal_rows_have_one_order(void **state)
{
    (void)state;
    enum { N = 700, DIM = 37 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 6), *query = clustered(1, DIM, 7);
    static mrq_hit hits[N], all[N];
    for (uint32_t r = 3; r < N; r++) {
        memcpy(x + (size_t)r * DIM, x + (size_t)(r % 3) * DIM, DIM * sizeof *x);
        x[(size_t)r * DIM + r % DIM] *= 1 + (float)(r % 5) * 0x1p-23f;
    }
    for (int sketched = 0; sketched < 2; sketched++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        uint32_t found = 0;
        assert_ok(mrq_index_build("Flat", x, N, DIM, &index, &err));
        if (sketched)
            assert_ok(mrq_index_sketch(index, &err));
        assert_ok(mrq_index_search(index, query, N, NULL, all, &found, &err));
        for (uint32_t k = 1; k < N; k++) {
            assert_ok(mrq_index_search(index, query, k, NULL, hits, &found, &err));
            assert_int_equal(found, k);
            assert_memory_equal(hits, all, k * sizeof *hits);
        }
    }
}

static void loading_checks_what_it_gets(void **state)
{
    (void)state;
    enum { N = 60, DIM = 8 };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 6);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *loaded = NULL;
    assert_ok(mrq_index_build("SQfp16", x, N, DIM, &index, &err));
    const char *path = in_folder("coded");
    assert_ok(mrq_index_save(index, path, &err));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0022, 0);
    assert_fails(load_from(path, &sq_settings, x, N, 9, &loaded, &err), MRQ_BAD_FILE, "coded: an index of 8 dimensions, want 9");
    assert_fails(load_from(path, &sq_settings, x, N + 1, DIM, &loaded, &err), MRQ_BAD_FILE,
                 "coded: an index of 60 vectors, want 61");
    assert_fails(load_from(in_folder("none"), &sq_settings, x, N, DIM, &loaded, &err), MRQ_NOT_FOUND, "none: No such file");
    assert_fails(load_from(folder, &sq_settings, x, N, DIM, &loaded, &err), MRQ_BAD_FILE, "not a regular file");

    size_t size;
    MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
    path = in_folder("damaged");
    bytes[33] = 1; /* the metric: behind mark, dimension, count, two spare numbers and a flag */
    write_bytes(path, bytes, size);
    assert_fails(load_from(path, &sq_settings, x, N, DIM, &loaded, &err), MRQ_BAD_FILE,
                 "an index of metric 1, want 0, the inner product");
    bytes[33] = 0;
    write_bytes(path, bytes, size + 1);
    assert_fails(load_from(path, &sq_settings, x, N, DIM, &loaded, &err), MRQ_BAD_FILE, "bytes after the end of the index");
    assert_null(loaded);
}

/* Also of a kind whose parts we do not walk to the end, so that only FAISS knows where it ends. */
static void bytes_behind_the_end_of_any_kind_are_refused(void **state)
{
    (void)state;
    enum { N = 80, DIM = 8 };
    static const char *const kinds[] = {"SQ8", "ITQ4,SQ8", "RQ2x4", "Pad16,SQ8"};
    MRQ_AUTOFREE float *x = clustered(N, DIM, 6);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *loaded = NULL;
        const char *path = in_folder("longer");
        size_t size;
        assert_ok(mrq_index_build(kinds[i], x, N, DIM, &index, &err));
        assert_ok(mrq_index_save(index, path, &err));
        MRQ_AUTOFREE unsigned char *bytes = read_bytes(path, &size);
        write_bytes(path, bytes, size + 1);
        assert_fails(load_from(path, mrq_index_settings_of(index), x, N, DIM, &loaded, &err), MRQ_BAD_FILE,
                     "longer: bytes after the end of the index");
    }
}

/* What is within each other in many ways is looked at before it is read, and found to be right. */
static void kinds_within_each_other_are_read(void **state)
{
    (void)state;
    enum { N = 80, DIM = 8 };
    static const char *const kinds[] = {"IVF4_HNSW4,Flat",      "IVF2,PQ4x4",       "RR8,SQ8", "L2norm,SQ4", "ITQ4,SQ8",
                                        "PCAR4,IVF2,SQ8,RFlat", "IVF2(SQ8),SQfp16", "RQ2x4",   "Pad16,SQ8",  "PQ2x5np"};
    MRQ_AUTOFREE float *x = clustered(N, DIM, 6);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *loaded = NULL;
        const char *path = in_folder("within");
        assert_ok(mrq_index_build(kinds[i], x, N, DIM, &index, &err));
        assert_ok(mrq_index_save(index, path, &err));
        assert_ok(load_from(path, mrq_index_settings_of(index), x, N, DIM, &loaded, &err));
        assert_fails(load_from(path, mrq_index_settings_of(index), x, N - 1, DIM, &loaded, &err), MRQ_BAD_FILE,
                     "within: an index of 80 vectors, want 79");
    }
}

/* A file that is whole and its manifest's, but not what the manifest says it is: FAISS does not get to read it. */
static void crafted_files_are_refused(void **state)
{
    (void)state;
    enum { N = 60, DIM = 8, HEAD = 37 };
    static const struct {
        const char *kind;
        size_t at; /* a number of `bytes` bytes */
        int bytes;
        int64_t value;
        const char *sentence;
    } crafted[] = {
        {"SQfp16", 0, 4, 0x49465849, "crafted: an index of kind \"IXFI\", want \"IxSQ\""},
        {"SQfp16", 0, 4, 0x49785351, "crafted: not an index that FAISS can read: written on a machine of another byte order"},
        {"SQfp16", 4, 4, 9, "crafted: an index of 9 dimensions, want 8"},
        {"SQfp16", 8, 8, 61, "crafted: an index of 61 vectors, want 60"},
        {"SQfp16", 8, 8, -1, "crafted: an index of 18446744073709551615 vectors, want 60"},
        {"SQfp16", 32, 1, 0, "it is not trained"},
        {"SQfp16", HEAD, 4, 0, "an index of 0 type of code, want 4"},
        {"SQfp16", HEAD + 20, 8, 1, "an index of 1 bytes a code, want 16"},
        {"SQfp16", HEAD + 28, 8, 1, "an index of 1 trained numbers, want 0"},
        {"SQfp16", HEAD + 36, 8, (int64_t)1 << 39, "a length that is beyond its end"}, /* FAISS would take so much memory first */
        {"SQfp16", HEAD + 36, 8, 959, "an index of 959 bytes of codes, want 960"},
        {"HNSW4", HEAD, 8, (int64_t)1 << 60, "a length that is beyond its end"},
        {"IVF2,SQ8", HEAD, 8, 3, "an index of 3 lists or bytes a code, want 2"},
        {"IVF2,SQ8", HEAD + 16, 4, 0x46497849, "an index of kind \"IxIF\", want \"IxFI\""},
        {"IVF2,SQ8", HEAD + 24, 8, 1, "an index of 1 vectors, want 2"}, /* the centroids */
        {"PCA4,SQ8", HEAD, 4, 2, "an index of 2 transforms, want 1"},
        {"PCA4,SQ8", HEAD + 21, 8, -1, "a length that is beyond its end"},
        {"PQ4x4np,RFlat", HEAD + HEAD, 8, 16, "an index of 16 numbers a code, want 8"},
    };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 6);
    for (size_t i = 0; i < sizeof crafted / sizeof *crafted; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *loaded = NULL;
        assert_ok(mrq_index_build(crafted[i].kind, x, N, DIM, &index, &err));
        assert_ok(mrq_index_save(index, in_folder("whole"), &err));
        assert_ok(load_from(in_folder("whole"), mrq_index_settings_of(index), x, N, DIM, &loaded, &err));
        size_t size;
        MRQ_AUTOFREE unsigned char *bytes = read_bytes(in_folder("whole"), &size);
        memcpy(bytes + crafted[i].at, &crafted[i].value, (size_t)crafted[i].bytes);
        write_bytes(in_folder("crafted"), bytes, size);
        mrq_index *none = NULL;
        assert_fails(load_from(in_folder("crafted"), mrq_index_settings_of(index), x, N, DIM, &none, &err), MRQ_BAD_FILE,
                     crafted[i].sentence);
        assert_null(none);
    }
}

/* Of a manifest's factory string that makes no index, or not this one. */
static void another_kind_is_refused(void **state)
{
    (void)state;
    enum { N = 60, DIM = 8 };
    static const char *const kinds[] = {"SQ8", "HNSW4", "HNSW4,SQ8", "IVF2,Flat", "IVF2,SQ8", "PCA4,SQ8", "PQ4x4np,RFlat"};
    enum { KINDS = sizeof kinds / sizeof *kinds };
    MRQ_AUTOFREE float *x = clustered(N, DIM, 6);
    for (size_t i = 0; i < KINDS; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *loaded = NULL;
        assert_ok(mrq_index_build(kinds[i], x, N, DIM, &index, &err));
        assert_ok(mrq_index_save(index, in_folder("kind"), &err));
        for (size_t j = 0; j < KINDS; j++) {
            mrq_index_settings settings = *mrq_index_settings_of(index);
            strcpy(settings.factory, kinds[j]);
            if (j != i)
                assert_fails(load_from(in_folder("kind"), &settings, x, N, DIM, &loaded, &err), MRQ_BAD_FILE, "kind: an index of ");
        }
        mrq_index_settings settings = {.factory = "HNSW1"};
        assert_fails(load_from(in_folder("kind"), &settings, x, N, DIM, &loaded, &err), MRQ_BAD_FILE,
                     "kind: index \"HNSW1\": a graph of 1 links, want 2 to 512");
    }
}

static void cut_files_and_garbage_are_refused(void **state)
{
    (void)state;
    enum { N = 40, DIM = 4 };
    static const char *const kinds[] = {"PCA2,Flat", "HNSW4", "IVF1,Flat", "SQ8"};
    MRQ_AUTOFREE float *x = clustered(N, DIM, 7);
    mrq_index *loaded = NULL;
    const char *path = in_folder("cut");
    for (int i = 0; i < 4; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        assert_ok(mrq_index_build(kinds[i], x, N, DIM, &index, &err));
        assert_ok(mrq_index_save(index, path, &err));
        const mrq_index_settings settings = *mrq_index_settings_of(index);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        for (off_t size = st.st_size; size-- > 0;) {
            assert_int_equal(truncate(path, size), 0);
            assert_fails(load_from(path, &settings, x, N, DIM, &loaded, &err), MRQ_BAD_FILE, "not an index that FAISS can read");
        }
    }
    mrq_random rng;
    mrq_random_init(&rng, 8, 0);
    unsigned char bytes[400];
    for (int i = 0; i < 200; i++) {
        for (size_t j = 0; j < 400; j++)
            bytes[j] = (unsigned char)mrq_random_below(&rng, 256);
        write_bytes(path, bytes, 400);
        assert_fails(load_from(path, &sq_settings, x, N, DIM, &loaded, &err), MRQ_BAD_FILE, "an index of kind \"");
    }
    assert_null(loaded);
}

/* Small enough for the stream's buffer, so that only the last write fails; and larger, so that FAISS sees it. Nor is a link
 * followed. */
static void a_file_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    MRQ_AUTOFREE float *x = clustered(1000, 32, 9);
    const uint32_t counts[] = {2, 1000};
    for (int i = 0; i < 2; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        assert_ok(mrq_index_build("Flat", x, counts[i], 32, &index, &err));
        assert_fails(mrq_index_save(index, "/dev/full", &err), MRQ_FAILED, "cannot write /dev/full: No space left on device");
        assert_fails(mrq_index_save(index, in_folder("no/where"), &err), MRQ_NOT_FOUND, "cannot write");
        assert_int_equal(symlink("target", in_folder("link")), 0);
        assert_fails(mrq_index_save(index, in_folder("link"), &err), MRQ_FAILED,
                     "link: it is a symbolic link, which is not followed");
        assert_int_equal(unlink(in_folder("link")), 0);
        assert_false(mrq_file_exists(in_folder("target")));
    }
}

struct work {
    const mrq_index *index;
    const float *x;
    uint32_t n, dim, wrong;
};

static void *search_all(void *data)
{
    struct work *work = data;
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t q = 0; q < work->n; q++) {
            mrq_hit hits[7];
            uint32_t found = 0;
            const mrq_status status = mrq_index_search(work->index, work->x + (size_t)q * work->dim, 7, NULL, hits, &found, NULL);
            work->wrong += status != MRQ_OK || found != 7 || hits[0].row != q;
        }
    return NULL;
}

static void threads_search_side_by_side(void **state)
{
    (void)state;
    enum { N = 800, DIM = 24 };
    static const char *const kinds[] = {"Flat", "HNSW32", "SQ8"};
    MRQ_AUTOFREE float *x = clustered(N, DIM, 10);
    for (int i = 0; i < 3; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        const int before = threads_of_process();
        assert_ok(mrq_index_build(kinds[i], x, N, DIM, &index, &err));
        struct work work[2] = {{index, x, N, DIM, 0}, {index, x, N, DIM, 0}};
        search_all(&work[0]);
        assert_int_equal(threads_of_process(), before); /* neither building nor searching starts any */
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, search_all, &work[1]), 0);
        search_all(&work[0]);
        pthread_join(thread, NULL);
        assert_int_equal(work[0].wrong + work[1].wrong, 0);
    }
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_is_the_scan_also_where_scores_tie),
        cmocka_unit_test(flat_is_the_scan_on_unit_vectors),
        cmocka_unit_test(kinds_round_trip_with_recall),
        cmocka_unit_test(bad_factories_are_refused),
        cmocka_unit_test(too_few_vectors_to_train_on),
        cmocka_unit_test(advice_goes_to_the_log),
        cmocka_unit_test(vectors_are_checked),
        cmocka_unit_test(scores_that_are_not_numbers_are_left_out),
        cmocka_unit_test(an_approximate_index_is_never_short),
        cmocka_unit_test(almost_equal_rows_have_one_order),
        cmocka_unit_test(loading_checks_what_it_gets),
        cmocka_unit_test(bytes_behind_the_end_of_any_kind_are_refused),
        cmocka_unit_test(kinds_within_each_other_are_read),
        cmocka_unit_test(crafted_files_are_refused),
        cmocka_unit_test(another_kind_is_refused),
        cmocka_unit_test(cut_files_and_garbage_are_refused),
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_error),
        cmocka_unit_test(threads_search_side_by_side),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
