/* Walks of a graph, beside a plain walk that is written down here once more; graphs that lead nowhere; the heap of the best; the
 * scan. Numbers are small and whole, so that sums are exact and many are equal. */
#include "index/graph.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/kernels.h"
#include "index/scan.h"
#include "unit/failing_memory.h"
#include "unit/testing.h"

enum { N = 130, DIM = 6, LEVELS = 3, LINKS_MAX = N * 8 };

static mrq_error err;

/* A graph whose rows are on 1 to 3 levels, with 4, 2 and 2 links. */
static struct world {
    mrq_faiss_parts parts;
    float rows[N * DIM], rotation[DIM * DIM], low[DIM], range[DIM], query[DIM];
    uint8_t codes[N * DIM];
    int32_t link[LINKS_MAX];
    size_t offset[N + 1];
} w;
static const int level_start[LEVELS + 1] = {0, 4, 6, 8};

static void make_world(uint64_t seed, uint32_t row_dim, bool coded, bool rotated)
{
    mrq_random rng;
    mrq_random_init(&rng, seed, 0);
    memset(&w, 0, sizeof w);
    for (uint32_t i = 0; i < N * row_dim; i++) {
        w.rows[i] = (float)mrq_random_below(&rng, 7) - 3;
        w.codes[i] = (uint8_t)mrq_random_below(&rng, 256);
    }
    for (uint32_t d = 0; d < DIM; d++) {
        w.range[d] = 1;
        w.query[d] = (float)mrq_random_below(&rng, 255) - 127;
    }
    w.query[1 + mrq_random_below(&rng, row_dim - 1)] = mrq_random_below(&rng, 2) ? 127 : -127;
    for (uint32_t d = 0; rotated && d < row_dim; d++)
        w.rotation[d * DIM + (d + 1) % DIM] = 1; /* takes the next number */
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t levels = i % 16 == 0 ? 3 : i % 4 == 0 ? 2 : 1;
        w.offset[i + 1] = w.offset[i] + (size_t)level_start[levels];
        for (uint32_t l = 0; l < levels; l++) {
            const uint32_t step = l == 2 ? 16 : l == 1 ? 4 : 1; /* to rows of the same level, for the most part */
            bool ended = false;
            for (int s = level_start[l]; s < level_start[l + 1]; s++) {
                const uint32_t to = mrq_random_below(&rng, 20) ? (uint32_t)mrq_random_below(&rng, N / step) * step
                                                               : (uint32_t)mrq_random_below(&rng, N);
                ended = ended || mrq_random_below(&rng, 8) == 0;
                w.link[w.offset[i] + (size_t)s] = ended ? -1 : (int32_t)to;
            }
        }
    }
    w.parts = (mrq_faiss_parts){.rotation = rotated ? w.rotation : NULL,
                                .row_dim = row_dim,
                                .rows = coded ? NULL : w.rows,
                                .codes = coded ? w.codes : NULL,
                                .low = w.low,
                                .range = w.range,
                                .link = w.link,
                                .offset = w.offset,
                                .level_start = level_start,
                                .n_links = w.offset[N],
                                .n_offsets = N + 1,
                                .n_level_starts = LEVELS + 1,
                                .entry = 16 * (int32_t)mrq_random_below(&rng, N / 16),
                                .top_level = 2};
}

/* By what rows are ordered. */
static double score_of(uint32_t row)
{
    double sum = 0;
    for (uint32_t d = 0; d < w.parts.row_dim; d++) {
        const double q = (double)(w.parts.rotation ? w.query[(d + 1) % DIM] : w.query[d]);
        sum += q * (w.parts.codes ? (double)w.codes[row * w.parts.row_dim + d] : (double)w.rows[row * w.parts.row_dim + d]);
    }
    return sum;
}

static uint32_t neighbours(uint32_t row, int level, uint32_t out[8])
{
    uint32_t n = 0;
    if (w.offset[row] + (size_t)level_start[level + 1] > w.offset[row + 1])
        return 0;
    for (int s = level_start[level]; s < level_start[level + 1] && w.link[w.offset[row] + (size_t)s] >= 0; s++)
        out[n++] = (uint32_t)w.link[w.offset[row] + (size_t)s];
    return n;
}

/* The same walk without any haste. */
static uint32_t plain_walk(uint32_t ef, uint32_t *out)
{
    static bool seen[N], looked[N];
    uint32_t row = (uint32_t)w.parts.entry, list[N], n = 0, next[8];
    memset(seen, 0, sizeof seen);
    memset(looked, 0, sizeof looked);
    for (int level = w.parts.top_level; level > 0; level--)
        for (bool moved = true; moved;) {
            const uint32_t count = neighbours(row, level, next);
            moved = false;
            for (uint32_t i = 0; i < count; i++)
                if (score_of(next[i]) > score_of(row)) {
                    row = next[i];
                    moved = true;
                }
        }
    list[n++] = row;
    seen[row] = true;
    for (;;) {
        uint32_t at = 0;
        while (at < n && looked[list[at]])
            at++;
        if (at == n)
            break;
        looked[list[at]] = true;
        const uint32_t count = neighbours(list[at], 0, next);
        for (uint32_t i = 0; i < count; i++) {
            if (seen[next[i]])
                continue;
            seen[next[i]] = true;
            uint32_t place = n; /* behind all that are as good */
            while (place > 0 && score_of(list[place - 1]) < score_of(next[i]))
                place--;
            if (place == ef)
                continue;
            n += n < ef;
            for (uint32_t j = n - 1; j > place; j--)
                list[j] = list[j - 1];
            list[place] = next[i];
        }
    }
    memcpy(out, list, n * sizeof *list);
    return n;
}

static void a_walk_is_the_plain_walk(void **state)
{
    (void)state;
    static const uint32_t efs[] = {1, 2, 5, 20, N - 1, N, N + 50};
    uint32_t most = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        const uint32_t row_dim = seed % 3 == 0 ? DIM : 4;
        make_world(seed, row_dim, seed % 2, row_dim < DIM);
        assert_true(mrq_graph_sound(&w.parts, N));
        for (size_t e = 0; e < sizeof efs / sizeof *efs; e++) {
            uint32_t want[N], have[N + 50], found = 0;
            const uint32_t n = plain_walk(efs[e], want);
            assert_ok(mrq_graph_walk(&w.parts, N, DIM, w.query, efs[e], have, &found, &err));
            assert_int_equal(found, n);
            assert_memory_equal(have, want, n * sizeof *want);
            most = n > most ? n : most;
        }
    }
    assert_true(most > N / 2); /* the worlds hang together */
}

/* Whatever the size of a query, its bytes say the same; of one that is zero or beyond all floats they say nothing. */
static void a_query_in_bytes_has_no_size(void **state)
{
    (void)state;
    uint32_t want[N], have[N], found = 0, n = 0;
    make_world(5, 4, true, true);
    assert_ok(mrq_graph_walk(&w.parts, N, DIM, w.query, 30, want, &n, &err));
    for (int power = -60; power <= 60; power += 4) {
        float kept[DIM];
        memcpy(kept, w.query, sizeof kept);
        for (uint32_t d = 0; d < DIM; d++) {
            w.range[d] = ldexpf(1, power / 2);
            w.query[d] = ldexpf(kept[d], power / 2);
        }
        assert_ok(mrq_graph_walk(&w.parts, N, DIM, w.query, 30, have, &found, &err));
        memcpy(w.query, kept, sizeof kept);
        assert_int_equal(found, n);
        assert_memory_equal(have, want, n * sizeof *want);
    }
    for (int turn = 0; turn < 2; turn++) {
        for (uint32_t d = 0; d < DIM; d++) {
            w.range[d] = 3e38f;
            w.query[d] = turn ? 3e38f : 0;
        }
        assert_ok(mrq_graph_walk(&w.parts, N, DIM, w.query, N, have, &found, &err));
        assert_true(found > 0);
        memset(w.query, 0, sizeof w.query);
        n = plain_walk(N, want); /* all are equal */
        assert_int_equal(found, n);
        assert_memory_equal(have, want, n * sizeof *want);
    }
}

/* The range of each number weighs, with its sign and its rounding. */
static void ranges_weigh(void **state)
{
    (void)state;
    uint32_t have[N], found = 0;
    make_world(6, DIM, true, false);
    static const float query[DIM] = {10, -4, 1, 0, 3, 2}, range[DIM] = {1, 2, 12.7f, 5, -1, 0.01f}; /* largest: 12.7 */
    static const int bytes[DIM] = {100, -80, 127, 0, -30, 0};
    memcpy(w.query, query, sizeof query);
    memcpy(w.range, range, sizeof range);
    assert_ok(mrq_graph_walk(&w.parts, N, DIM, w.query, 40, have, &found, &err));
    for (uint32_t d = 0; d < DIM; d++)
        w.query[d] = (float)bytes[d];
    uint32_t want[N];
    const uint32_t n = plain_walk(40, want);
    assert_int_equal(found, n);
    assert_memory_equal(have, want, n * sizeof *want);
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    mrq_status status = MRQ_FAILED;
    uint32_t have[N], found = 0;
    int n = 0;
    make_world(7, 4, true, true);
    one_fails_alone = true;
    for (; status != MRQ_OK; n++) {
        atomic_store(&allocations_left, n);
        status = mrq_graph_walk(&w.parts, N, DIM, w.query, N, have, &found, &err);
        atomic_store(&allocations_left, INT_MAX);
        if (status != MRQ_OK)
            assert_string_equal(err.msg, "out of memory while searching an index");
    }
    assert_int_equal(n, 7);
}

/* --- graphs that lead nowhere --- */

static void every_place_of_a_graph_is_looked_at(void **state)
{
    (void)state;
    make_world(8, DIM, false, false);
    const mrq_faiss_parts good = w.parts;
    int starts[LEVELS + 1];
    size_t offsets[N + 2];
    int32_t links[LINKS_MAX];
#define REFUSED(change)                                                                                                            \
    do {                                                                                                                           \
        mrq_faiss_parts parts = good;                                                                                              \
        memcpy(starts, level_start, sizeof starts);                                                                                \
        memcpy(offsets, w.offset, sizeof w.offset);                                                                                \
        memcpy(links, w.link, sizeof links);                                                                                       \
        parts.level_start = starts;                                                                                                \
        parts.offset = offsets;                                                                                                    \
        parts.link = links;                                                                                                        \
        assert_true(mrq_graph_sound(&parts, N));                                                                                   \
        change;                                                                                                                    \
        if (mrq_graph_sound(&parts, N))                                                                                            \
            fail_msg("%s: is taken for sound", #change);                                                                           \
    } while (0)
#define TAKEN(change)                                                                                                              \
    do {                                                                                                                           \
        mrq_faiss_parts parts = good;                                                                                              \
        memcpy(starts, level_start, sizeof starts);                                                                                \
        memcpy(offsets, w.offset, sizeof w.offset);                                                                                \
        memcpy(links, w.link, sizeof links);                                                                                       \
        parts.level_start = starts;                                                                                                \
        parts.offset = offsets;                                                                                                    \
        parts.link = links;                                                                                                        \
        change;                                                                                                                    \
        if (!mrq_graph_sound(&parts, N))                                                                                           \
            fail_msg("%s: is refused", #change);                                                                                   \
    } while (0)
    REFUSED(parts.rows = NULL);
    TAKEN((parts.rows = NULL, parts.codes = w.codes));
    REFUSED(parts.entry = -1);
    REFUSED(parts.entry = N);
    TAKEN(parts.entry = N - 1);
    TAKEN(parts.entry = 0);
    REFUSED(parts.n_offsets = N);
    REFUSED(parts.n_offsets = N + 2);
    REFUSED(parts.top_level = -1);
    REFUSED(parts.top_level = 3);
    TAKEN(parts.top_level = 0);
    REFUSED(parts.n_level_starts = 3);
    REFUSED((parts.n_level_starts = 1, parts.top_level = 0));
    REFUSED(starts[0] = 1);
    REFUSED(starts[0] = -1);
    REFUSED(starts[2] = 3);
    TAKEN(starts[2] = 4);
    REFUSED(starts[3] = 5);
    TAKEN(starts[3] = 6);
    REFUSED(starts[1] = -1);
    REFUSED(offsets[1] = offsets[2] + 1);
    REFUSED(offsets[N] = parts.n_links + 1);
    REFUSED(parts.n_links = offsets[N] - 1);
    REFUSED(offsets[3] = offsets[2] + 3); /* less than the lowest level takes */
    REFUSED(offsets[0] = 1 + offsets[1]);
    TAKEN((offsets[1] = offsets[2] - 4));
    REFUSED(links[0] = -2);
    REFUSED(links[parts.n_links - 1] = -2);
    REFUSED(links[parts.n_links - 1] = N);
    REFUSED(links[0] = INT32_MAX);
    TAKEN(links[parts.n_links - 1] = N - 1);
    TAKEN(links[0] = -1);
    TAKEN((memset(starts, 0, sizeof starts), memset(offsets, 0, sizeof offsets), parts.n_links = 0)); /* no links at all */
    static size_t huge_offsets[2] = {0, 8};
    mrq_faiss_parts huge = good; /* rows whose highest bit is taken; it is not read */
    huge.offset = huge_offsets;
    huge.n_offsets = ((size_t)1 << 31) + 1;
    assert_false(mrq_graph_sound(&huge, UINT32_C(1) << 31));
}

/* --- the best of many --- */

static int best_first(const void *a, const void *b)
{
    const mrq_hit *p = a, *q = b;
    if (p->score != q->score)
        return p->score > q->score ? -1 : 1;
    return p->row < q->row ? -1 : 1;
}

static void the_best_are_kept_in_any_order_of_coming(void **state)
{
    (void)state;
    enum { MANY = 40 };
    mrq_random rng;
    mrq_random_init(&rng, 3, 0);
    for (int turn = 0; turn < 400; turn++) {
        mrq_hit all[MANY], hits[MANY + 1];
        const uint32_t n = (uint32_t)mrq_random_below(&rng, MANY + 1), k = (uint32_t)mrq_random_below(&rng, MANY + 1);
        mrq_top top = {hits, k, 0};
        hits[k] = (mrq_hit){77, 77};
        for (uint32_t i = 0; i < n; i++) {
            all[i] = (mrq_hit){i, turn % 3 ? (float)mrq_random_below(&rng, 9) - 4 : (float)mrq_random_unit(&rng)};
            if (i % 11 == 7 && turn % 2)
                all[i].score = i % 2 ? INFINITY : -INFINITY;
        }
        for (uint32_t i = 0; i < n; i++) {
            mrq_top_push(&top, all[i]);
            mrq_top_push(&top, (mrq_hit){1000, NAN});
        }
        mrq_top_sort(&top);
        qsort(all, n, sizeof *all, best_first);
        assert_int_equal(top.n, n < k ? n : k);
        for (uint32_t i = 0; i < top.n; i++)
            assert_true(hits[i].row == all[i].row && hits[i].score == all[i].score);
        assert_true(hits[k].row == 77);
    }
}

/* Whatever qualifies, in blocks that are full, half full, sparse, empty and cut short. */
static void a_scan_offers_what_qualifies(void **state)
{
    (void)state;
    static float x[300 * 3];
    static const uint32_t sizes[] = {1, 31, 32, 63, 64, 65, 127, 128, 129, 200, 300};
    mrq_random rng;
    mrq_random_init(&rng, 4, 0);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)mrq_random_below(&rng, 9) - 4;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (uint32_t share = 0; share <= 16; share++)
            for (uint32_t k = 0; k < 12; k += 3) {
                const uint32_t n = sizes[s];
                const float query[] = {1, -2, 3};
                uint64_t keep[6] = {0};
                mrq_hit want[12], have[12];
                mrq_top top = {have, k, 0}, all = {want, k, 0}, some = {have, k, 0};
                uint32_t rows[300], n_rows = 0;
                for (uint32_t i = 0; i < n; i++)
                    if (mrq_random_below(&rng, 16) < share) {
                        keep[i / 64] |= UINT64_C(1) << i % 64;
                        rows[n_rows++] = i;
                        mrq_top_push(&all, (mrq_hit){i, x[3 * i] - 2 * x[3 * i + 1] + 3 * x[3 * i + 2]});
                    }
                const mrq_filter filter = {keep, n_rows, NULL};
                mrq_scan(x, n, 3, query, share < 16 ? &filter : NULL, 1e-5f, &top);
                mrq_top_sort(&top);
                mrq_top_sort(&all);
                assert_int_equal(top.n, all.n);
                if (all.n)
                    assert_memory_equal(have, want, all.n * sizeof *want);
                mrq_scan_rows(x, 3, query, rows, n_rows, &some);
                mrq_top_sort(&some);
                assert_int_equal(some.n, all.n);
                if (all.n)
                    assert_memory_equal(have, want, all.n * sizeof *want);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_is_the_plain_walk),
        cmocka_unit_test(a_query_in_bytes_has_no_size),
        cmocka_unit_test(ranges_weigh),
        cmocka_unit_test(memory_that_runs_out_is_told),
        cmocka_unit_test(every_place_of_a_graph_is_looked_at),
        cmocka_unit_test(the_best_are_kept_in_any_order_of_coming),
        cmocka_unit_test(a_scan_offers_what_qualifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
