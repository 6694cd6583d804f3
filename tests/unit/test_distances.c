/* The index's kernels: every set against sums in double, and that FAISS runs on them. */
#include "index/kernels.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "testing.h"

enum { DIM_MAX = 300, ROWS = 9, OFFSETS = 4 };

static float x_room[DIM_MAX + OFFSETS], y_room[DIM_MAX * ROWS + OFFSETS];

static void fill(float *out, size_t n, uint64_t stream)
{
    mrq_random rng;
    mrq_random_init(&rng, 5, stream);
    for (size_t i = 0; i < n; i++)
        out[i] = (float)mrq_random_below(&rng, 2001) / 1000 - 1;
}

/* Within 1e-5 of the sum of what was added up, signs aside. */
static void assert_near(float got, const float *x, const float *y, size_t dim, int squared)
{
    double sum = 0, size = 0;
    for (size_t i = 0; i < dim; i++) {
        const double d = (double)x[i] - (double)y[i], term = squared ? d * d : (double)x[i] * (double)y[i];
        sum += term;
        size += fabs(term);
    }
    assert_true(fabs((double)got - sum) <= 1e-5 * size);
}

static void check_dim(const mrq_distances *k, const float *x, const float *y, size_t dim)
{
    float out[ROWS + 1];
    uint32_t row[ROWS];
    assert_near(k->inner_product(x, y, dim), x, y, dim, 0);
    assert_near(k->squared_distance(x, y, dim), x, y, dim, 1);
    for (uint32_t rows = 0; rows <= ROWS; rows++) {
        out[rows] = 77;
        k->inner_products(out, x, y, dim, rows);
        for (uint32_t r = 0; r < rows; r++)
            assert_near(out[r], x, y + r * dim, dim, 0);
        k->inner_products_streamed(out, x, y, dim, rows);
        for (uint32_t r = 0; r < rows; r++)
            assert_near(out[r], x, y + r * dim, dim, 0);
        k->squared_distances(out, x, y, dim, rows);
        for (uint32_t r = 0; r < rows; r++)
            assert_near(out[r], x, y + r * dim, dim, 1);
        for (uint32_t r = 0; r < rows; r++)
            row[r] = (r * 5 + 2) % ROWS;
        k->inner_products_of(out, x, y, dim, row, rows);
        for (uint32_t r = 0; r < rows; r++)
            assert_near(out[r], x, y + row[r] * dim, dim, 0);
        assert_true(out[rows] == 77);
    }
}

static void every_set_sums_every_dimension(void **state)
{
    (void)state;
    fill(x_room, sizeof x_room / sizeof *x_room, 1);
    fill(y_room, sizeof y_room / sizeof *y_room, 2);
    for (const mrq_distances *const *set = mrq_distances_usable(); *set; set++)
        for (size_t dim = 1; dim <= DIM_MAX; dim++)
            for (size_t offset = 0; offset < OFFSETS; offset++)
                check_dim(*set, x_room + offset, y_room + (OFFSETS - offset), dim);
}

static void products_of_bytes_are_the_same_on_every_set(void **state)
{
    (void)state;
    static int8_t x[DIM_MAX + 1];
    static uint8_t y[DIM_MAX * ROWS + 1];
    mrq_random rng;
    mrq_random_init(&rng, 6, 0);
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = (int8_t)((int)mrq_random_below(&rng, 255) - 127);
    for (size_t i = 0; i < sizeof y; i++)
        y[i] = (uint8_t)mrq_random_below(&rng, 256);
    memset(x, 127, 60); /* the largest sums */
    memset(y, 255, 120);
    const uint32_t row[ROWS] = {8, 0, 3, 3, 1, 7, 2, 6, 5};
    for (const mrq_distances *const *set = mrq_distances_usable(); *set; set++)
        for (size_t dim = 1; dim <= DIM_MAX; dim++) {
            int32_t out[ROWS];
            (*set)->code_products_of(out, x + 1, y + 1, dim, row, ROWS);
            for (uint32_t r = 0; r < ROWS; r++) {
                int32_t want = 0;
                for (size_t d = 0; d < dim; d++)
                    want += x[1 + d] * y[1 + row[r] * dim + d];
                assert_int_equal(out[r], want);
            }
        }
}

static void the_best_set_is_the_last_usable_one(void **state)
{
    (void)state;
    const mrq_distances *const *set = mrq_distances_usable();
    assert_string_equal(set[0]->name, "plain");
    while (set[1])
        set++;
    assert_ptr_equal(*set, mrq_distances_best());
}

#ifdef MRQ_OWN_FAISS_KERNELS
/* FAISS's C++ functions under their names in the object file. */
float faiss_inner_product(const float *x, const float *y, size_t d) __asm__("_ZN5faiss18fvec_inner_productEPKfS1_m");
float faiss_squared_distance(const float *x, const float *y, size_t d) __asm__("_ZN5faiss10fvec_L2sqrEPKfS1_m");

/* To the last bit, which FAISS's own order of additions does not give. */
static void faiss_runs_on_them(void **state)
{
    (void)state;
    fill(x_room, DIM_MAX, 3);
    fill(y_room, DIM_MAX, 4);
    const mrq_distances *k = mrq_distances_best();
    int differ = 0;
    for (size_t dim = 1; dim <= DIM_MAX; dim++) {
        float in_order = 0;
        for (size_t i = 0; i < dim; i++)
            in_order += x_room[i] * y_room[i];
        assert_true(faiss_inner_product(x_room, y_room, dim) == k->inner_product(x_room, y_room, dim));
        assert_true(faiss_squared_distance(x_room, y_room, dim) == k->squared_distance(x_room, y_room, dim));
        differ += in_order != k->inner_product(x_room, y_room, dim);
    }
    assert_true(differ > DIM_MAX / 2);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_sums_every_dimension),
        cmocka_unit_test(products_of_bytes_are_the_same_on_every_set),
        cmocka_unit_test(the_best_set_is_the_last_usable_one),
#ifdef MRQ_OWN_FAISS_KERNELS
        cmocka_unit_test(faiss_runs_on_them),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
