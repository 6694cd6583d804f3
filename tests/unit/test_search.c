/* Search with filters, for every kind of index; choosing an index by measurement; graphs that lead nowhere. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/choose.h"
#include "index/inside.h"
#include "index/kernels.h"
#include "index/sketch.h"
#include "unit/index_file.h"

enum { N = 4000, DIM = 32, K = 10, QUERIES = 40 };

static mrq_error err;
static char folder[128];
static const char *const kinds[] = {"Flat", "HNSW32", "HNSW32,SQ8", "PCA16,HNSW32,SQ8", "IVF32,Flat", "IVF32,PQ8np",
                                    "SQ8",  "SQfp16", "HNSW8"};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *in_folder(const char *name)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Unit vectors about a mean of half their length, most of what they vary by in a few directions, as trained ones do. */
static float *vectors(uint32_t n, uint32_t dim, uint64_t seed)
{
    float *x = mrq_array((size_t)n * dim, sizeof *x);
    assert_non_null(x);
    mrq_random rng;
    mrq_random_init(&rng, seed, 0);
    for (uint32_t i = 0; i < n; i++) {
        double norm = 0;
        for (uint32_t d = 0; d < dim; d++) {
            double sum = d == 0 ? 1 : 0; /* the mean */
            for (int j = 0; j < 4; j++)
                sum += ((double)mrq_random_below(&rng, 2001) / 1000 - 1) / (1 + 0.3 * d);
            x[(size_t)i * dim + d] = (float)sum;
            norm += sum * sum;
        }
        for (uint32_t d = 0; d < dim; d++)
            x[(size_t)i * dim + d] /= (float)sqrt(norm);
    }
    return x;
}

/* A filter that keeps `kept` rows of `n`, spread at random; freed with mrq_free(). */
static uint64_t *spread(uint32_t n, uint32_t kept, uint64_t seed)
{
    uint64_t *keep = mrq_array(n / 64 + 1, sizeof *keep);
    assert_non_null(keep);
    mrq_random rng;
    mrq_random_init(&rng, seed, 0);
    for (uint32_t i = 0; i < n; i++)
        if (mrq_random_below(&rng, n - i) < kept) {
            keep[i / 64] |= UINT64_C(1) << (i % 64);
            kept--;
        }
    return keep;
}

static bool keeps(const uint64_t *keep, uint32_t row)
{
    return !keep || keep[row / 64] >> (row % 64) & 1;
}

/* The exact answer in double: row numbers of the best `k` that qualify. */
static uint32_t best(const float *x, const float *query, const uint64_t *keep, uint32_t k, mrq_hit *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < N; i++) {
        if (!keeps(keep, i))
            continue;
        double sum = 0;
        for (uint32_t d = 0; d < DIM; d++)
            sum += (double)x[(size_t)i * DIM + d] * (double)query[d];
        uint32_t at = n < k ? n++ : k;
        for (; at > 0 && out[at - 1].score < (float)sum; at--)
            if (at < k)
                out[at] = out[at - 1];
        if (at < k)
            out[at] = (mrq_hit){i, (float)sum};
    }
    return n;
}

/* Whatever share a filter keeps: `k` rows when so many qualify, each of them qualifying, in order, scores exact; and for Flat the
 * very best. Returns the share of the best that was found. */
static double check_filter(const mrq_index *index, const float *x, const float *queries, uint32_t kept)
{
    MRQ_AUTOFREE uint64_t *keep = spread(N, kept, kept + 1);
    const mrq_filter filter = {.keep = keep, .n_kept = kept};
    const uint32_t want = kept < K ? kept : K;
    uint32_t right = 0;
    for (uint32_t q = 0; q < QUERIES; q++) {
        const float *query = queries + (size_t)q * DIM;
        mrq_hit hits[K], exact[K];
        uint32_t found = 77;
        assert_ok(mrq_index_search(index, query, K, kept == N ? NULL : &filter, hits, &found, &err));
        assert_int_equal(found, want);
        assert_int_equal(best(x, query, keep, K, exact), want);
        for (uint32_t i = 0; i < found; i++) {
            float score = 0;
            for (uint32_t d = 0; d < DIM; d++)
                score += query[d] * x[(size_t)hits[i].row * DIM + d];
            assert_true(keeps(keep, hits[i].row));
            assert_true(fabsf(hits[i].score - score) < 1e-5f);
            assert_true(i == 0 || hits[i - 1].score > hits[i].score ||
                        (hits[i - 1].score == hits[i].score && hits[i - 1].row < hits[i].row));
            for (uint32_t j = 0; j < want; j++)
                right += exact[j].row == hits[i].row;
        }
    }
    return want ? (double)right / (QUERIES * want) : 1;
}

static void filters_leave_k_rows_when_k_qualify(void **state)
{
    (void)state;
    static const uint32_t shares[] = {0, 1, 2, 9, 10, 11, 63, 64, 65, 200, 400, 1000, 2000, 3900, 3999, N};
    MRQ_AUTOFREE float *x = vectors(N, DIM, 1), *queries = vectors(QUERIES, DIM, 2);
    for (size_t kind = 0; kind < KINDS; kind++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        assert_ok(mrq_index_build(kinds[kind], x, N, DIM, &index, &err));
        for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
            const double recall = check_filter(index, x, queries, shares[i]);
            const double floor = kind == 0 || shares[i] <= 200 ? 1 : kind == 5 ? 0.7 : 0.9; /* few qualify: exact */
            if (recall < floor)
                fail_msg("%s, %u of %d qualify: recall %.3f, want %.3f", kinds[kind], shares[i], N, recall, floor);
        }
    }
}

/* What qualifies lies opposite to the query: no walk of the graph near the query can find it. */
static void what_qualifies_may_lie_far_away(void **state)
{
    (void)state;
    MRQ_AUTOFREE float *x = vectors(N, DIM, 3);
    MRQ_AUTOFREE uint64_t *keep = mrq_array(N / 64 + 1, sizeof *keep);
    const float *query = x; /* row 0 */
    mrq_hit order[N];
    assert_int_equal(best(x, query, NULL, N, order), N);
    for (uint32_t i = N / 2; i < N; i++)
        keep[order[i].row / 64] |= UINT64_C(1) << (order[i].row % 64);
    const mrq_filter filter = {.keep = keep, .n_kept = N - N / 2};
    for (size_t kind = 0; kind < KINDS; kind++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        mrq_hit hits[K];
        uint32_t found = 0;
        assert_ok(mrq_index_build(kinds[kind], x, N, DIM, &index, &err));
        assert_ok(mrq_index_search(index, query, K, &filter, hits, &found, &err));
        assert_int_equal(found, K);
        for (uint32_t i = 0; i < K; i++)
            assert_true(fabsf(hits[i].score - order[N / 2 + i].score) < 1e-5f);
    }
}

/* All-zero vectors tie at 0 and come by row; an all-zero query finds the first rows; a catalogue may have one item. */
static void zeros_and_a_single_row(void **state)
{
    (void)state;
    MRQ_AUTOFREE float *x = vectors(200, DIM, 4);
    memset(x + (size_t)20 * DIM, 0, sizeof(float) * 60 * DIM);
    const float zero[DIM] = {0};
    static const char *const some[] = {"Flat", "HNSW32", "HNSW32,SQ8", "PCA8,HNSW32,SQ8", "SQ8", "IVF1,Flat"};
    for (size_t kind = 0; kind < sizeof some / sizeof *some; kind++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *single = NULL;
        mrq_hit hits[200];
        uint32_t found = 0;
        assert_ok(mrq_index_build(some[kind], x, 200, DIM, &index, &err));
        assert_ok(mrq_index_search(index, zero, 200, NULL, hits, &found, &err));
        assert_int_equal(found, 200);
        for (uint32_t i = 0; i < 200; i++)
            assert_true(hits[i].row == i && hits[i].score == 0);
        assert_ok(mrq_index_search(index, x, 5, NULL, hits, &found, &err));
        assert_int_equal(found, 5);
        assert_int_equal(hits[0].row, 0);
        if (kind == 3)
            continue; /* FAISS wants as many vectors as dimensions for PCA */
        assert_ok(mrq_index_build(some[kind], x, 1, DIM, &single, &err));
        assert_ok(mrq_index_search(single, x, 5, NULL, hits, &found, &err));
        assert_true(found == 1 && hits[0].row == 0);
    }
}

/* FAISS's own PCA takes the mean off, which changes the order of inner products. */
static void rotation_keeps_inner_products(void **state)
{
    (void)state;
    MRQ_AUTOFREE float *x = vectors(N, DIM, 5), *queries = vectors(QUERIES, DIM, 6);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build("PCA32,HNSW32", x, N, DIM, &index, &err));
    assert_true(index->way == MRQ_WAY_WALK && index->parts.rotation);
    for (uint32_t i = 0; i < 50; i++)
        for (uint32_t j = 0; j < QUERIES; j++) {
            double turned = 0, plain = 0;
            for (uint32_t d = 0; d < DIM; d++) {
                double q = 0;
                for (uint32_t e = 0; e < DIM; e++)
                    q += (double)index->parts.rotation[d * DIM + e] * (double)queries[j * DIM + e];
                turned += q * (double)index->parts.rows[i * DIM + d];
                plain += (double)x[i * DIM + d] * (double)queries[j * DIM + d];
            }
            assert_true(fabs(turned - plain) < 1e-4);
        }
}

/* How many of the best K an index finds for each of `n` queries, at the mean. */
static double recall_of(const mrq_index *index, const float *x, const float *queries, uint32_t n)
{
    uint32_t right = 0;
    for (uint32_t q = 0; q < n; q++) {
        mrq_hit hits[K], exact[K];
        uint32_t found = 0;
        best(x, queries + (size_t)q * DIM, NULL, K, exact);
        assert_ok(mrq_index_search(index, queries + (size_t)q * DIM, K, NULL, hits, &found, &err));
        for (uint32_t a = 0; a < K; a++)
            for (uint32_t b = 0; b < found; b++)
                right += exact[a].row == hits[b].row;
    }
    return right / ((double)K * n);
}

/* An index that was chosen by queries that it happens to answer well is judged by others. */
static void recall_is_judged_by_queries_that_took_no_part_in_the_choice(void **state)
{
    (void)state;
    enum { HALF = 50 };
    MRQ_AUTOFREE float *x = vectors(N, DIM, 7), *queries = vectors(2 * HALF, DIM, 8);
    memset(queries + (size_t)HALF * DIM, 0, HALF * DIM * sizeof *x); /* hard: all rows are equal, and the first are the best */
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    mrq_choice choice;
    assert_ok(mrq_index_choose("IVF64,Flat", 0.2, x, N, DIM, queries, 2 * HALF, &index, &choice, &err));
    mrq_free(choice.trial);
    const double easy = recall_of(index, x, queries, HALF), hard = recall_of(index, x, queries + (size_t)HALF * DIM, HALF);
    if (easy - hard < 0.2)
        fail_msg("the halves do not differ: %.3f and %.3f", easy, hard);
    assert_true(fabs(choice.best.recall - hard) < 0.003); /* sums in float may order equals otherwise */
}

static void an_index_is_chosen_by_measurement(void **state)
{
    (void)state;
    MRQ_AUTOFREE float *x = vectors(N, DIM, 7), *queries = vectors(200, DIM, 8);
    static const struct {
        const char *kind, *made;
        double recall;
    } cases[] = {{"auto", "Flat", 0.99},
                 {"HNSW32", "HNSW32", 0.99},
                 {"HNSW32,SQ8", "HNSW32,SQ8", 0.99},
                 {"IVF32,Flat", "IVF32,Flat", 0.9},
                 {"IVF32,PQ8np", "IVF32,PQ8np", 0.95},
                 {"SQ8", "SQ8", 0.99}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
        mrq_choice choice = {.n = 0};
        assert_ok(mrq_index_choose(cases[i].kind, cases[i].recall, x, N, DIM, queries, 200, &index, &choice, &err));
        MRQ_AUTOFREE mrq_trial *trial = choice.trial;
        assert_string_equal(mrq_index_settings_of(index)->factory, cases[i].made);
        assert_string_equal(choice.best.settings.factory, cases[i].made);
        assert_int_equal(choice.best.n_queries, 100);
        assert_true(choice.best.p50 > 0 && choice.best.p50 <= choice.best.p99);
        assert_true(fabs(choice.best.recall - recall_of(index, x, queries + (size_t)100 * DIM, 100)) < 0.0015); /* as above */
        bool chosen = false;
        for (uint32_t t = 0; t < choice.n; t++)
            chosen |= trial[t].recall >= cases[i].recall && trial[t].settings.parameter == choice.best.settings.parameter &&
                      trial[t].settings.rerank == choice.best.settings.rerank;
        assert_true(chosen);
    }
}

static void auto_measures_what_fits_the_vectors(void **state)
{
    (void)state;
    const char *some[MRQ_AUTOMATIC];
    assert_int_equal(mrq_index_automatic(3883, 200, some), 1);  /* 3 MB: scanned */
    assert_int_equal(mrq_index_automatic(100000, 33, some), 2); /* too short for PCA to 64 */
    assert_int_equal(mrq_index_automatic(100, 40000, some), 2);
    assert_int_equal(mrq_index_automatic(62000, 200, some), 3);
    MRQ_AUTOFREE float *x = vectors(N, DIM, 15), *queries = vectors(100, DIM, 16);
    static const char *const both[] = {"PQ1x1np", "Flat", "HNSW32,SQ8"}; /* the first reaches the recall by scanning, slowly */
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    mrq_choice choice;
    assert_ok(mrq_index_choose_among(both, 3, 0.9, x, N, DIM, queries, 100, &index, &choice, &err));
    MRQ_AUTOFREE mrq_trial *trial = choice.trial;
    double fastest = INFINITY;
    const char *kind = "";
    bool met[3] = {false};
    for (uint32_t i = 0; i < choice.n; i++) {
        for (int j = 0; j < 3; j++)
            met[j] |= strcmp(trial[i].settings.factory, both[j]) == 0;
        if (trial[i].recall >= 0.9 && trial[i].p50 < fastest) {
            fastest = trial[i].p50;
            kind = trial[i].settings.factory;
        }
    }
    assert_true(met[0] && met[1] && met[2]);
    assert_string_equal(mrq_index_settings_of(index)->factory, kind);
}

/* Wherever its rows stand, however they are reached: equal vectors have equal scores, and come by row. */
static void equal_vectors_tie(void **state)
{
    (void)state;
    enum { ROWS = 67, LONG = 203, COPIES = 5 };
    static const uint32_t copy[COPIES] = {3, 17, 40, 64, 66};
    MRQ_AUTOFREE float *x = vectors(ROWS, LONG, 17), *queries = vectors(100, LONG, 18);
    for (int i = 1; i < COPIES; i++)
        memcpy(x + (size_t)copy[i] * LONG, x + (size_t)copy[0] * LONG, LONG * sizeof *x);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build("Flat", x, ROWS, LONG, &index, &err));
    for (uint32_t q = 0; q < 100; q++) {
        uint64_t keep[2] = {~(UINT64_C(1) << (q % 3)), 7};
        const mrq_filter filter = {.keep = keep, .n_kept = ROWS - 1};
        mrq_hit hits[ROWS];
        uint32_t found, at = 0;
        assert_ok(mrq_index_search(index, queries + (size_t)q * LONG, ROWS, q % 2 ? &filter : NULL, hits, &found, &err));
        while (hits[at].row != copy[0])
            at++;
        for (uint32_t i = 0; i < COPIES; i++)
            assert_true(hits[at + i].row == copy[i] && hits[at + i].score == hits[at].score);
    }
}

static void a_recall_that_no_setting_reaches_is_an_error(void **state)
{
    (void)state;
    enum { MANY = 12000 }; /* so many that a scan does not come cheaper */
    MRQ_AUTOFREE float *x = vectors(MANY, DIM, 9), *queries = vectors(20, DIM, 10);
    mrq_index *index = NULL;
    mrq_choice choice;
    assert_fails(mrq_index_choose("PQ1x1np", 0.99, x, MANY, DIM, queries, 20, &index, &choice, &err), MRQ_FAILED,
                 "of the best 10, want 0.9900");
    assert_null(index);
    assert_fails(mrq_index_choose("HNSW0", 0.99, x, N, DIM, queries, 20, &index, &choice, &err), MRQ_USAGE,
                 "a graph of 0 links, want 2 to 512");
    x[5] = NAN;
    assert_fails(mrq_index_choose("auto", 0.99, x, N, DIM, queries, 20, &index, &choice, &err), MRQ_USAGE, "vector 0 holds");
}

static void one_item_and_two_queries_are_enough_to_choose(void **state)
{
    (void)state;
    MRQ_AUTOFREE float *x = vectors(1, DIM, 11), *queries = vectors(2, DIM, 12);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    mrq_choice choice;
    assert_ok(mrq_index_choose("auto", 1, x, 1, DIM, queries, 2, &index, &choice, &err));
    mrq_free(choice.trial);
    assert_true(choice.best.recall == 1 && choice.best.n_queries == 1);
}

static void the_search_parameter_is_checked(void **state)
{
    (void)state;
    MRQ_AUTOFREE float *x = vectors(200, DIM, 13);
    MRQ_CLEANUP(mrq_index_free) mrq_index *flat = NULL, *graph = NULL;
    assert_ok(mrq_index_build("Flat", x, 200, DIM, &flat, &err));
    assert_ok(mrq_index_build("HNSW32", x, 200, DIM, &graph, &err));
    assert_fails(mrq_index_tune(flat, 3, 0, &err), MRQ_USAGE, "\"Flat\": search parameter 3, want 0: this kind has none");
    assert_fails(mrq_index_tune(graph, 0, 0, &err), MRQ_USAGE, "\"HNSW32\": efSearch 0, want 1 or more");
    assert_ok(mrq_index_tune(graph, 1, 0, &err));
    mrq_hit hits[7];
    uint32_t found = 0;
    assert_ok(mrq_index_search(graph, x, 7, NULL, hits, &found, &err)); /* k above the parameter */
    assert_int_equal(found, 7);
}

/* A file whose checksum was made to fit may still hold links that lead out of the graph. */
static void graphs_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    enum { ROWS = 300 };
    MRQ_AUTOFREE float *x = vectors(ROWS, DIM, 14);
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL, *flat = NULL, *loaded = NULL;
    assert_ok(mrq_index_build("HNSW4,SQ8", x, ROWS, DIM, &index, &err));
    const mrq_faiss_parts sound = index->parts;
    assert_true(mrq_graph_sound(&sound, ROWS));
    assert_false(mrq_graph_sound(&sound, ROWS - 1));
    assert_false(mrq_graph_sound(&sound, ROWS + 1));
    mrq_faiss_parts bad = sound;
    bad.entry = ROWS;
    assert_false(mrq_graph_sound(&bad, ROWS));
    bad.entry = -1;
    assert_false(mrq_graph_sound(&bad, ROWS));
    bad = sound;
    bad.top_level = (int)sound.n_level_starts;
    assert_false(mrq_graph_sound(&bad, ROWS));
    bad.top_level = -1;
    assert_false(mrq_graph_sound(&bad, ROWS));
    bad = sound;
    bad.n_links--;
    assert_false(mrq_graph_sound(&bad, ROWS));

    bad = sound;
    bad.codes = NULL; /* which look_inside() leaves out when they are of another length */
    assert_false(mrq_graph_sound(&bad, ROWS));

    static const int32_t wrong[] = {ROWS, -2, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) { /* in the file, too: the first link is searched for by its neighbours */
        MRQ_AUTOFREE int32_t *link = mrq_array(sound.n_links, sizeof *link);
        memcpy(link, sound.link, sound.n_links * sizeof *link);
        link[sound.n_links / 2] = wrong[i];
        bad = sound;
        bad.link = link;
        assert_false(mrq_graph_sound(&bad, ROWS));
    }
    assert_ok(mrq_index_save(index, in_folder("graph"), &err));
    mrq_map map;
    assert_ok(mrq_map_open(&map, in_folder("graph"), &err));
    MRQ_AUTOFREE unsigned char *bytes = mrq_array(map.size, 1);
    memcpy(bytes, map.data, map.size);
    unsigned char *links = memmem(bytes, map.size, sound.link, sound.n_links * sizeof *sound.link);
    assert_non_null(links);
    links[3] = 0x7f;
    assert_ok(mrq_file_write(in_folder("bent"), bytes, map.size, &err));
    assert_fails(load_from(in_folder("bent"), mrq_index_settings_of(index), x, ROWS, DIM, &loaded, &err), MRQ_BAD_FILE,
                 "bent: a graph with links to rows that do not exist");
    memcpy(bytes, map.data, map.size);
    bytes[4] = 8; /* the dimension of the whole, behind the mark; the storage inside keeps its own */
    assert_ok(mrq_file_write(in_folder("bent"), bytes, map.size, &err));
    mrq_map_close(&map);
    assert_fails(load_from(in_folder("bent"), mrq_index_settings_of(index), x, ROWS, 8, &loaded, &err), MRQ_BAD_FILE,
                 "bent: an index of 32 dimensions, want 8");
    assert_ok(mrq_index_build("Flat", x, ROWS, DIM, &flat, &err));
    assert_ok(mrq_index_save(flat, in_folder("flat"), &err));
    assert_fails(load_from(in_folder("flat"), mrq_index_settings_of(index), x, ROWS, DIM, &loaded, &err), MRQ_BAD_FILE,
                 "flat: an index of kind \"IxFI\", want \"IHNs\"");
    assert_null(loaded);
}

/* Through a sketch the very best come, ties included, whatever the vectors and queries are. */
static void a_sketch_finds_what_a_scan_finds(void **state)
{
    (void)state;
    static const uint32_t dims[] = {1, 2, 5, 32, 67, 200};
    mrq_random rng;
    mrq_random_init(&rng, 77, 0);
    for (size_t c = 0; c < 6 * (sizeof dims / sizeof *dims); c++) {
        const uint32_t dim = dims[c / 6], n = c % 6 == 0 ? 1 : c % 6 == 1 ? 64 : 1000 + (uint32_t)c;
        MRQ_AUTOFREE float *x = vectors(n, dim, c);
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t d = 0; d < dim; d++) {
                float *at = &x[(size_t)i * dim + d];
                if (c % 6 == 2) /* lengths that differ by much, which the last number makes good */
                    *at = d + 1 < dim ? *at / (float)(1 + i * i % 997) : 0.9f + 0.1f / (float)(1 + i % 7);
                else if (c % 6 == 3) /* many alike, to the bit */
                    *at = (float)((i % 5 + d) % 3) - 1;
                else if (c % 6 == 5 && i) /* closer to each other than bytes can tell */
                    *at = x[d] + 1e-3f * *at;
                else if (c % 6 == 4) /* tiny, zero and huge */
                    *at *= i % 3 == 0 ? 1e-38f : i % 3 == 1 ? 0 : 1e15f;
            }
        mrq_sketch *sketch = NULL;
        assert_ok(mrq_sketch_new(x, n, dim, &sketch, &err)); /* also where the CPU gains nothing by it */
        for (int q = 0; q < 30; q++) {
            MRQ_AUTOFREE float *query = vectors(1, dim, 1000 + (uint64_t)q);
            if (q % 3 == 1)
                query[dim - 1] = 0;
            if (q % 7 == 6)
                memset(query, 0, dim * sizeof *query);
            const uint32_t kept = q % 4 == 0 ? n : q % 4 == 1 ? n * 9 / 10 : q % 4 == 2 ? n / 20 + 1 : 0;
            MRQ_AUTOFREE uint64_t *keep = spread(n, kept, (uint64_t)q);
            const mrq_filter filter = {.keep = keep, .n_kept = kept};
            const uint32_t k = q % 5 == 0 ? n : 1 + (uint32_t)q % 20;
            MRQ_AUTOFREE mrq_hit *want = mrq_array(n, sizeof *want);
            MRQ_AUTOFREE mrq_hit *have = mrq_array(n, sizeof *have);
            mrq_top found = {have, k < kept ? k : kept, 0};
            mrq_top top = {want, k < kept ? k : kept, 0};
            for (uint32_t i = 0; i < n; i++)
                if (keep[i / 64] >> i % 64 & 1)
                    mrq_top_push(&top, (mrq_hit){i, mrq_distances_best()->inner_product(query, x + (size_t)i * dim, dim)});
            mrq_top_sort(&top);
            assert_ok(mrq_sketch_scan(sketch, query, q % 4 ? &filter : NULL, &found, &err));
            for (uint32_t i = 0; i < found.n; i++) /* as mrq_index_search() does */
                have[i].score = mrq_distances_best()->inner_product(query, x + (size_t)have[i].row * dim, dim);
            mrq_top_sort(&found);
            assert_int_equal(found.n, top.n);
            for (uint32_t i = 0; i < top.n; i++) {
                assert_int_equal(have[i].row, want[i].row);
                assert_true(have[i].score == want[i].score); /* NOLINT: to the bit */
            }
        }
        mrq_sketch_free(sketch);
    }
}

/* A sum of floats strays from what it stands for, and further than the bounds of rows that bytes tell well: here each row is one
 * number all along, so that its roundings go the same way. The rows lie closer together than that, and nothing is lost. */
static void a_sketch_allows_for_the_rounding_of_sums(void **state)
{
    (void)state;
    enum { ROWS = 256, SIZE = 4097 };
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    MRQ_AUTOFREE float *x = mrq_array((size_t)ROWS * SIZE, sizeof *x), *query = mrq_array(SIZE, sizeof *query);
    for (uint32_t d = 0; d + 1 < SIZE; d++)
        query[d] = 1;
    for (int turn = 0; turn < 10; turn++) {
        for (uint32_t i = 0; i < ROWS; i++) {
            const float number = 1 + (float)mrq_random_below(&rng, 256) * 0x1p-23f;
            for (uint32_t d = 0; d + 1 < SIZE; d++)
                x[(size_t)i * SIZE + d] = number;
        }
        mrq_sketch *sketch = NULL;
        mrq_hit want[ROWS], have[ROWS];
        mrq_top top = {want, K, 0}, found = {have, K, 0};
        assert_ok(mrq_sketch_new(x, ROWS, SIZE, &sketch, &err));
        for (uint32_t i = 0; i < ROWS; i++)
            mrq_top_push(&top, (mrq_hit){i, mrq_distances_best()->inner_product(query, x + (size_t)i * SIZE, SIZE)});
        mrq_top_sort(&top);
        assert_ok(mrq_sketch_scan(sketch, query, NULL, &found, &err));
        mrq_sketch_free(sketch);
        mrq_top_sort(&found);
        for (uint32_t i = 0; i < K; i++)
            assert_int_equal(have[i].row, want[i].row);
    }
}

/* A sketch is not trusted where floats end: vectors and queries of every size. */
static void a_sketch_holds_at_the_ends_of_the_range(void **state)
{
    (void)state;
    enum { ROWS = 300, SIZE = 40 };
    for (int power = -40; power <= 18; power++) {
        MRQ_AUTOFREE float *x = vectors(ROWS, SIZE, 3);
        MRQ_AUTOFREE float *query = vectors(1, SIZE, 4);
        for (size_t i = 0; i < ROWS * SIZE; i++)
            x[i] = i % SIZE == SIZE - 1 ? 0 : x[i] * (float)pow(10, power);
        for (size_t d = 0; d < SIZE; d++)
            query[d] *= (float)pow(10, power);
        MRQ_CLEANUP(mrq_index_free) mrq_index *plain = NULL;
        assert_ok(mrq_index_build("Flat", x, ROWS, SIZE, &plain, &err));
        mrq_sketch *sketch = NULL;
        assert_ok(mrq_sketch_new(x, ROWS, SIZE, &sketch, &err));
        mrq_hit want[K], have[K];
        uint32_t n = 0;
        mrq_top found = {have, K, 0};
        assert_ok(mrq_index_search(plain, query, K, NULL, want, &n, &err));
        assert_ok(mrq_sketch_scan(sketch, query, NULL, &found, &err));
        mrq_top_sort(&found);
        assert_int_equal(found.n, n);
        for (uint32_t i = 0; power > -18 && i < n; i++)
            assert_int_equal(have[i].row, want[i].row);
        mrq_sketch_free(sketch);
    }
}

/* Near the largest float the bound of a row overflows that itself does not. Last numbers that are large as well, of either sign, do
 * not make up for it. */
static void a_sketch_is_not_trusted_where_only_its_bounds_overflow(void **state)
{
    (void)state;
    enum { ROWS = 2 * MRQ_SKETCHED, SIZE = 5, LARGE = MRQ_SKETCHED, BEST = MRQ_SKETCHED + 16 };
    static const float best_row[SIZE] = {127, 125.6f, 125.6f, 125.6f, 0}; /* in bytes 127, 126, 126, 126 */
    for (int sign = -1; sign <= 1; sign += 2) {
        float x[ROWS * SIZE], query[SIZE] = {1e19f, 1e19f, 1e19f, 1e19f, 1e20f};
        for (int i = 0; i < ROWS; i++)
            for (int d = 0; d < SIZE; d++)
                x[i * SIZE + d] = i == BEST ? -6.7408e16f * best_row[d] : d == SIZE - 1 ? 0 : -8.5e18f; /* -3.396e38 and -3.4e38 */
        memset(x + LARGE * SIZE, 0, SIZE * sizeof *x);
        x[LARGE * SIZE + SIZE - 1] = -1e20f;
        query[SIZE - 1] = (float)sign * 1e20f;
        mrq_sketch *sketch = NULL;
        mrq_hit have[2];
        mrq_top found = {have, 2, 0};
        assert_ok(mrq_sketch_new(x, ROWS, SIZE, &sketch, &err));
        assert_ok(mrq_sketch_scan(sketch, query, NULL, &found, &err));
        mrq_sketch_free(sketch);
        mrq_top_sort(&found);
        assert_int_equal(found.n, 2);
        assert_int_equal(have[0].row, sign < 0 ? LARGE : BEST);
        assert_int_equal(have[1].row, sign < 0 ? BEST : 0);
        assert_true(isfinite(have[sign < 0].score));
    }
}

/* Every instruction set comes to the same bounds, but for rounding. */
static void bounds_are_the_formulas(void **state)
{
    (void)state;
    enum { BYTES = 36 };
    mrq_random rng;
    mrq_random_init(&rng, 5, 0);
    static uint8_t code[MRQ_SKETCHED * BYTES];
    static int8_t x[BYTES];
    mrq_bound bound;
    const mrq_bound_query query = {0.5f, 0.25f, 2, 0.75f, 1e-6f, 1000};
    for (size_t i = 0; i < sizeof code; i++)
        code[i] = (uint8_t)mrq_random_below(&rng, 256);
    for (size_t i = 0; i < BYTES; i++)
        x[i] = (int8_t)((int)mrq_random_below(&rng, 255) - 127);
    for (int i = 0; i < MRQ_SKETCHED; i++) {
        bound.scale[i] = (float)mrq_random_unit(&rng);
        bound.error[i] = (float)mrq_random_unit(&rng);
        bound.length[i] = (float)mrq_random_unit(&rng);
        bound.last[i] = (float)mrq_random_unit(&rng) - 0.5f;
    }
    for (const mrq_distances *const *set = mrq_distances_usable(); *set; set++) {
        float out[MRQ_SKETCHED], most = -INFINITY;
        const float largest = (*set)->bounds(out, &query, &bound, x, code, BYTES);
        for (int i = 0; i < MRQ_SKETCHED; i++) {
            int32_t product = 0;
            for (int d = 0; d < BYTES; d++)
                product += x[d] * code[(d / 4 * MRQ_SKETCHED + i) * 4 + d % 4];
            const double want = 0.5 * (double)bound.scale[i] * (product - 1000) + 0.75 * (double)bound.last[i] +
                                2 * (double)bound.error[i] + 0.25 * (double)bound.length[i] + 1e-6 * fabs((double)bound.last[i]);
            assert_true(fabs((double)out[i] - want) <= 1e-5 * (1 + fabs(want)));
            most = fmaxf(most, out[i]);
        }
        assert_true(largest == most); /* NOLINT: one of them */
    }
}

static unsigned char *built(const char *kind, const float *x, uint32_t n, size_t *size)
{
    MRQ_CLEANUP(mrq_index_free) mrq_index *index = NULL;
    assert_ok(mrq_index_build(kind, x, n, DIM, &index, &err));
    assert_ok(mrq_index_save(index, in_folder("built"), &err));
    return read_bytes(in_folder("built"), size);
}

/* What is made without FAISS's factory is what that makes of another text that means the same; and no more is made so. */
static void kinds_are_made_as_faiss_makes_them(void **state)
{
    (void)state;
    enum { ROWS = 200 };
    static const char *const quick[] = {"HNSW8", "HNSW08,SQ8", "PCA16,HNSW8,SQ8", "PCA16,HNSW8"},
                             *const same[] = {"HNSW8,Flat", "HNSW8_SQ8", "PCA16,HNSW8_SQ8", "PCA16,HNSW8,Flat"},
                             *const none[] = {"HNSW 8", "HNSW+8", "HNSW8 ,SQ8", "HNSW8,SQ88", "HNSW8,SQ8,", "PCA 8,HNSW4"};
    MRQ_AUTOFREE float *x = vectors(ROWS, DIM, 3);
    for (int i = 0; i < 4; i++) {
        size_t size[2];
        MRQ_AUTOFREE unsigned char *ours = built(quick[i], x, ROWS, &size[0]);
        MRQ_AUTOFREE unsigned char *its = built(same[i], x, ROWS, &size[1]);
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(ours, its, size[0]);
    }
    for (int i = 0; i < 6; i++)
        assert_fails(mrq_index_check_kind(none[i], DIM, &err), MRQ_USAGE, "want a FAISS factory string");
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sketch_finds_what_a_scan_finds),
        cmocka_unit_test(a_sketch_allows_for_the_rounding_of_sums),
        cmocka_unit_test(a_sketch_holds_at_the_ends_of_the_range),
        cmocka_unit_test(a_sketch_is_not_trusted_where_only_its_bounds_overflow),
        cmocka_unit_test(bounds_are_the_formulas),
        cmocka_unit_test(filters_leave_k_rows_when_k_qualify),
        cmocka_unit_test(what_qualifies_may_lie_far_away),
        cmocka_unit_test(zeros_and_a_single_row),
        cmocka_unit_test(rotation_keeps_inner_products),
        cmocka_unit_test(recall_is_judged_by_queries_that_took_no_part_in_the_choice),
        cmocka_unit_test(an_index_is_chosen_by_measurement),
        cmocka_unit_test(auto_measures_what_fits_the_vectors),
        cmocka_unit_test(equal_vectors_tie),
        cmocka_unit_test(a_recall_that_no_setting_reaches_is_an_error),
        cmocka_unit_test(one_item_and_two_queries_are_enough_to_choose),
        cmocka_unit_test(the_search_parameter_is_checked),
        cmocka_unit_test(graphs_that_lead_nowhere_are_refused),
        cmocka_unit_test(kinds_are_made_as_faiss_makes_them),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
