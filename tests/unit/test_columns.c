/* Columns of users and items: numbers in buckets, and which columns a model learns from. */
#include "testing.h"

#include <math.h>

#include "base/buckets.h"
#include "dataset/dataset.h"
#include "model/columns.h"
#include "unit/put_files.h"

/* "0 3 7": the bounds of these numbers, NaN left out. */
static const char *bounds_of(const double *number, size_t n)
{
    static char text[200];
    double bound[MRQ_BUCKETS_MAX];
    uint32_t buckets;
    size_t used = 0;
    *text = '\0';
    assert_ok(mrq_buckets_find(number, n, bound, &buckets, &err));
    for (uint32_t i = 0; i < buckets; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%g", i ? " " : "", bound[i]);
    return text;
}

static void buckets_hold_equally_many(void **state)
{
    (void)state;
    double number[80];
    for (int i = 0; i < 80; i++)
        number[i] = (i * 37) % 80;
    assert_string_equal(bounds_of(number, 80), "0 10 20 30 40 50 60 70");
    assert_string_equal(bounds_of(number, 8), "0 19 25 31 37 62 68 74"); /* as many numbers as buckets */
    for (int i = 0; i < 40; i++)
        number[i] = 5; /* half of all: a bucket, and seven for the others */
    for (int i = 40; i < 80; i++)
        number[i] = i;
    assert_string_equal(bounds_of(number, 80), "5 40 45 50 56 62 68 74");
    for (int i = 0; i < 80; i++)
        number[i] = i < 72 ? 9 : i - 80;
    assert_string_equal(bounds_of(number, 80), "-8 9"); /* nine distinct ones */
    for (int i = 0; i < 80; i++)
        number[i] = i % 3 ? (double)NAN : i % 2;
    assert_string_equal(bounds_of(number, 80), "0 1");
    for (int i = 0; i < 80; i++)
        number[i] = NAN;
    assert_string_equal(bounds_of(number, 80), "");
    assert_string_equal(bounds_of(number, 0), "");
}

static void buckets_are_named(void **state)
{
    (void)state;
    static const double bound[] = {-3, 0, 1, 25, 60}, real[] = {0.5, 1.25, 2500000}, one[] = {7};
    static const char *const want[] = {"under 0", "0", "1 to 24", "25 to 59", "60 or more"}, *const reals[] = {"under 1.25",
                                                                                                               "1.25 to 2500000",
                                                                                                               "2500000 or more"};
    char label[MRQ_BUCKET_LABEL];
    for (uint32_t i = 0; i < 5; i++)
        assert_string_equal(mrq_bucket_label(bound, 5, i, true, label), want[i]);
    for (uint32_t i = 0; i < 3; i++)
        assert_string_equal(mrq_bucket_label(real, 3, i, false, label), reals[i]);
    assert_string_equal(mrq_bucket_label(one, 1, 0, true, label), "any");
    static const struct {
        double number;
        uint32_t bucket;
    } cases[] = {{-99, 0}, {-3, 0}, {-0.5, 0}, {0, 1}, {0.5, 1}, {1, 2}, {24.9, 2}, {25, 3}, {59, 3}, {60, 4}, {1e300, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(mrq_bucket_of(bound, 5, cases[i].number), cases[i].bucket);
}

static const char schema_text[] =
    "{\"name\":\"s\",\"users\":{\"file\":\"u\",\"delimiter\":\";\",\"fields\":[{\"name\":\"id\",\"kind\":\"id\"},"
    "{\"name\":\"age\",\"kind\":\"number\"},{\"name\":\"height\",\"kind\":\"number\"},{\"name\":\"none\",\"kind\":\"number\"},"
    "{\"name\":\"town\",\"kind\":\"category\"},{\"name\":\"street\",\"kind\":\"category\"},{\"name\":\"city\",\"kind\":"
    "\"category\"},"
    "{\"name\":\"planet\",\"kind\":\"category\"},{\"name\":\"nothing\",\"kind\":\"category\"},"
    "{\"name\":\"pets\",\"kind\":\"set\",\"delimiter\":\"|\"}]},"
    "\"items\":{\"file\":\"i\",\"delimiter\":\";\",\"fields\":[{\"name\":\"id\",\"kind\":\"id\"},{\"name\":\"name\",\"kind\":"
    "\"text\"},"
    "{\"name\":\"price\",\"kind\":\"number\"},{\"name\":\"tags\",\"kind\":\"set\",\"delimiter\":\"|\"},"
    "{\"name\":\"shelf\",\"kind\":\"category\"}]},"
    "\"events\":{\"file\":\"e\",\"delimiter\":\";\",\"fields\":[{\"name\":\"user\",\"kind\":\"id\"},{\"name\":\"item\",\"kind\":"
    "\"id\"}]}}";

/* 20 users and 20 items. */
static mrq_dataset *load(void)
{
    char users[4000] = "", items[4000] = "", events[1000] = "";
    for (int i = 0; i < 20; i++) {
        char *u = users + strlen(users), *m = items + strlen(items), *e = events + strlen(events);
        if (i == 7)
            sprintf(u, "7;;;;Ulm;s7;c7;Earth;;cat\n");
        else
            sprintf(u, "%d;%d;%.3f;;%s;s%d;c%d;Earth;;cat|dog\n", i, 20 + i % 4 * 10, 1.5 + i / 1000.0, i % 2 ? "Ulm" : "Bonn", i,
                    i < 8 ? 0 : i);
        sprintf(m, "%d;The same %s;%s;%s;%d\n", i, i % 2 ? "book" : "film", i % 5 ? "9.5" : "", i % 2 ? "old|red" : "new", i % 3);
        sprintf(e, "%d;%d\n", i, i);
    }
    put("u", users);
    put("i", items);
    put("e", events);
    mrq_schema *schema = NULL;
    mrq_dataset *data = NULL;
    assert_ok(mrq_schema_parse(schema_text, strlen(schema_text), "s.json", &schema, &err));
    assert_ok(mrq_dataset_load(folder, schema, &data, &err));
    mrq_schema_free(schema);
    return data;
}

static void numbers_of_users_are_ranges(void **state)
{
    (void)state;
    mrq_dataset *data = load();
    const mrq_column *age = mrq_table_column(data->users, "age"), *height = mrq_table_column(data->users, "height");
    static const char *const values[] = {"20", "30", "40", "50", "unknown"}, *const labels[] = {"under 30", "30 to 39", "40 to 49",
                                                                                                "50 or more", "unknown"};
    assert_int_equal(age->kind, MRQ_CATEGORY);
    assert_int_equal(age->dict.n, 5);
    assert_int_equal(age->label.n, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_string_equal(mrq_strings_at(&age->dict, i), values[i]);
        assert_string_equal(mrq_strings_at(&age->label, i), labels[i]);
    }
    static const struct {
        const char *said;
        uint32_t code;
    } cases[] = {{"-5", 0}, {"0", 0}, {"29.9", 0}, {"30", 1}, {"37", 1}, {"49", 2}, {"50", 3}, {"120", 3}, {"unknown", 4}};
    uint32_t code;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(mrq_column_code(age, cases[i].said, true, &code, &err));
        assert_int_equal(code, cases[i].code);
    }
    assert_fails(mrq_column_code(age, "old", true, &code, &err), MRQ_USAGE, "age \"old\": want a number");
    assert_int_equal(age->code[mrq_table_find(data->users, "7", 1)], 4);
    assert_int_equal(age->code[mrq_table_find(data->users, "19", 2)], 3);
    /* The text of a bound is in the range that it begins. */
    for (uint32_t i = 0; i + 1 < height->dict.n; i++) {
        assert_ok(mrq_column_code(height, mrq_strings_at(&height->dict, i), true, &code, &err));
        assert_int_equal(code, i);
    }
    assert_string_equal(mrq_strings_at(&height->dict, 1), "1.502");
    const mrq_column *none = mrq_table_column(data->users, "none"); /* nobody has one */
    assert_int_equal(none->kind, MRQ_CATEGORY);
    assert_true(none->dict.n == 1 && !none->bound && none->code[0] == 0);
    assert_string_equal(mrq_strings_at(&none->dict, 0), "unknown");
    assert_int_equal(mrq_table_column(data->items, "price")->kind, MRQ_NUMBER); /* filters look at it */
    mrq_dataset_free(data);
}

static void columns_that_tell_nothing_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *column, *why;
    } users[] = {{"age", ""},
                 {"height", ""},
                 {"none", "no values"},
                 {"town", ""},
                 {"street", "every row another value"},
                 {"city", "14 values, 13 of which have one user"},
                 {"planet", "the same value everywhere"},
                 {"nothing", "no values"},
                 {"pets", ""}},
      items[] = {{"name", ""}, {"price", ""}, {"tags", ""}, {"shelf", ""}};
    mrq_dataset *data = load();
    char why[MRQ_COLUMN_WHY];
    bool tells;
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        assert_ok(mrq_column_tells(data->users, mrq_table_column(data->users, users[i].column), &tells, why, &err));
        assert_string_equal(why, users[i].why);
        assert_int_equal(tells, !*users[i].why);
    }
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        assert_ok(mrq_column_tells(data->items, mrq_table_column(data->items, items[i].column), &tells, why, &err));
        assert_string_equal(why, items[i].why);
    }
    static const char *const taken[] = {"id", "history", "ratings"};
    mrq_column *age = &data->users->column[0];
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        strcpy(age->name, taken[i]);
        assert_ok(mrq_column_tells(data->users, age, &tells, why, &err));
        assert_string_equal(why, "models have a feature of this name; call the column otherwise");
        assert_false(tells);
    }
    mrq_dataset_free(data);
}

/* "id:id name:set": the branches of a tower. */
static const char *branches_of(const mrq_tower_description *tower)
{
    static char text[600];
    size_t used = 0;
    for (uint32_t b = 0; b < tower->n; b++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:%s", b ? " " : "", tower->branch[b].feature,
                                 mrq_branch_kind_names[tower->branch[b].kind]);
    return text;
}

static void all_columns_get_branches(void **state)
{
    (void)state;
    mrq_dataset *data = load();
    mrq_description d;
    assert_ok(mrq_description_load("retrieval", &d, &err));
    assert_ok(mrq_columns_resolve(&d, true, data->users, &err));
    assert_ok(mrq_columns_resolve(&d, false, data->items, &err));
    assert_string_equal(branches_of(&d.user), "history:history age:category height:category town:category pets:set");
    assert_string_equal(branches_of(&d.item), "id:id name:set price:set tags:set shelf:set");
    assert_ok(mrq_description_load("fusion", &d, &err));
    assert_ok(mrq_columns_resolve(&d, false, data->items, &err));
    assert_string_equal(branches_of(&d.item), "id:id tags:set price:category shelf:category name:text");
    assert_int_equal(d.item.branch[2].embedding, 16);
    /* A branch of a column's own comes first, and the users' values have a limit in a ranking. */
    assert_ok(mrq_description_load("retrieval", &d, &err));
    d.user.branch[d.user.n] = d.user.branch[1];
    strcpy(d.user.branch[d.user.n++].feature, "age");
    assert_ok(mrq_columns_resolve(&d, true, data->users, &err));
    assert_string_equal(branches_of(&d.user), "history:history height:category town:category pets:set age:category");
    assert_ok(mrq_description_load("retrieval", &d, &err));
    mrq_column *age = &data->users->column[0];
    const uint32_t n = age->dict.n;
    age->dict.n = MRQ_USER_VALUES - 9 - 2; /* with those of height and town as many as there may be */
    mrq_description full = d;
    age->dict.n -= 2;
    assert_ok(mrq_columns_resolve(&full, true, data->users, &err));
    assert_string_equal(branches_of(&full.user), "history:history age:category height:category town:category pets:set");
    age->dict.n += 2;
    full = d;
    assert_ok(mrq_columns_resolve(&full, true, data->users, &err));
    assert_string_equal(branches_of(&full.user), "history:history age:category height:category town:category");
    age->dict.n++;
    full = d;
    assert_ok(mrq_columns_resolve(&full, true, data->users, &err));
    assert_string_equal(branches_of(&full.user), "history:history age:category height:category");
    age->dict.n = n;
    mrq_dataset_free(data);
}

/* What a plan holds of each kind of column. */
static void plans_hold_values_or_lists(void **state)
{
    (void)state;
    mrq_dataset *data = load();
    const mrq_branch one = {.kind = MRQ_BRANCH_CATEGORY}, set = {.kind = MRQ_BRANCH_SET};
    const mrq_column *price = mrq_table_column(data->items, "price"), *shelf = mrq_table_column(data->items, "shelf");
    mrq_branch_plan plan = {.branch = &one};
    assert_ok(mrq_column_plan(data->items, price, data->arena, &plan, &err));
    assert_int_equal(plan.n_values, 2); /* 9.5 and unknown */
    assert_true(plan.value[0] == 1 && plan.value[1] == 0 && plan.value[5] == 1);
    plan = (mrq_branch_plan){.branch = &set};
    assert_ok(mrq_column_plan(data->items, shelf, data->arena, &plan, &err));
    assert_null(plan.value);
    assert_int_equal(plan.n_values, 3);
    for (uint32_t row = 0; row < 20; row++) {
        assert_int_equal(plan.list.offset[row + 1], row + 1);
        assert_int_equal(plan.list.item[row], shelf->code[row]);
    }
    mrq_dataset_free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_hold_equally_many),   cmocka_unit_test(buckets_are_named),
        cmocka_unit_test(numbers_of_users_are_ranges), cmocka_unit_test(columns_that_tell_nothing_are_told),
        cmocka_unit_test(all_columns_get_branches),    cmocka_unit_test(plans_hold_values_or_lists),
    };
    snprintf(folder, sizeof folder, "%s", temporary_folder());
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temporary_remove(folder);
    return failed;
}
