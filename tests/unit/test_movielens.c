/* The real data sets, where they are: a program of their own, as it is skipped where they are not. */
#include "testing.h"

#include <math.h>

#include "dataset/dataset.h"

static const mrq_column *item_column(const mrq_dataset *data, const char *name)
{
    const mrq_column *column = mrq_table_column(data->items, name);
    assert_non_null(column);
    return column;
}

/* The real sets: $MARQUEE_DATA, else the folder shared beside the sources. Skips where it is not there. */
static mrq_dataset *load_real(const char *name)
{
    char path[4096];
    const char *data_dir = getenv("MARQUEE_DATA"), *source = getenv("MRQ_SOURCE");
    if (data_dir)
        snprintf(path, sizeof path, "%s/%s", data_dir, name);
    else
        snprintf(path, sizeof path, "%s/../shared/data/%s", source ? source : ".", name);
    mrq_error err;
    if (!mrq_file_exists(path)) {
        char why[5000];
        snprintf(why, sizeof why, "%s is not there", path);
        skip_test(why);
    }
    mrq_dataset *data = NULL;
    assert_ok(mrq_dataset_load(path, NULL, &data, &err));
    return data;
}

static double mean_rating(const mrq_dataset *data)
{
    double sum = 0;
    for (uint64_t i = 0; i < data->n; i++)
        sum += (double)data->rating[i];
    return sum / (double)data->n;
}

static void test_ml1m(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = load_real("ml-1m");
    assert_string_equal(data->schema, "ml-1m");
    assert_int_equal(data->users->rows, 6040);
    assert_int_equal(data->items->rows, 3883);
    assert_int_equal(data->n, 1000209);
    uint64_t stars[6] = {0}, rated = 0;
    bool seen[3883] = {0};
    for (uint64_t i = 0; i < data->n; i++) {
        stars[(int)data->rating[i]]++;
        seen[data->item[i]] = true;
    }
    for (int i = 0; i < 3883; i++)
        rated += seen[i];
    assert_int_equal(rated, 3706);
    static const uint64_t want[6] = {0, 56174, 107557, 261197, 348971, 226310};
    assert_memory_equal(stars, want, sizeof want);
    assert_true(fabs(mean_rating(data) - 3.581564) < 1e-6);
    assert_int_equal(item_column(data, "genres")->dict.n, 18);
    for (uint32_t row = 0; row < 3883; row++) {
        const double year = item_column(data, "year")->number[row];
        assert_true(year >= 1919 && year <= 2000);
    }
    static const uint32_t sizes[] = {2, 7, 21};
    static const char *const names[] = {"gender", "age", "job"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(mrq_table_column(data->users, names[i])->dict.n, sizes[i]);
}

static void test_ml100k(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = load_real("ml-100k");
    assert_string_equal(data->schema, "ml-100k");
    assert_int_equal(data->users->rows, 943);
    assert_int_equal(data->items->rows, 1682);
    assert_int_equal(data->n, 100000);
    assert_true(fabs(mean_rating(data) - 3.52986) < 1e-6);
    assert_int_equal(mrq_table_column(data->users, "job")->dict.n, 21);
    uint32_t unknown = 0;
    for (uint32_t row = 0; row < 1682; row++)
        if (isnan(item_column(data, "year")->number[row]))
            unknown++;
    assert_int_equal(unknown, 1);
}

static void test_ml_latest(void **state)
{
    (void)state;
    MRQ_CLEANUP(mrq_dataset_free) mrq_dataset *data = load_real("ml-latest-small");
    assert_string_equal(data->schema, "ml-latest");
    assert_int_equal(data->users->rows, 610);
    assert_int_equal(data->items->rows, 9742);
    assert_int_equal(data->n, 100836);
    assert_int_equal(item_column(data, "genres")->dict.n, 19);
    assert_true(data->rating_min == 0.5 && fabs(mean_rating(data) - 3.501557) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ml1m),
        cmocka_unit_test(test_ml100k),
        cmocka_unit_test(test_ml_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
