/* Warm start: what an older model has learned lands where the same things stand in other tables, and nowhere else. */
#include "model/warm.h"

#include "train/evaluate.h"
#include "train/train.h"
#include "unit/ids.h"
#include "unit/small_world.h"

static mrq_error err;

enum { USERS = 20, ITEMS = 15, RATINGS = 400 };

#define TRAIN "\"lr\":0.01,\"batch\":16,\"epochs\":4,\"validation\":0.1"
static const char *const sorts[] = {
    SMALL(SMALL_COSINE, SMALL_DENSE, SMALL_DENSE_USER, SMALL_DENSE_ITEM, TRAIN),
    SMALL(SMALL_BIASED, SMALL_SUM, SMALL_SUM_USER, SMALL_SUM_ITEM, TRAIN),
    SMALL(SMALL_BIASED, SMALL_SUM ",\"activation\":\"tanh\"", SMALL_RATING_USER, SMALL_RATING_ITEM, TRAIN),
};
enum { SORTS = sizeof sorts / sizeof *sorts };

static mrq_model *learn(const mrq_dataset *data, const mrq_description *d, const mrq_model *warm, mrq_status want)
{
    const mrq_train_options options = {.split = MRQ_SPLIT_HASH, .test = 0.2, .seed = 4, .threads = 1, .warm = warm};
    mrq_train_result result = {0};
    if (want == MRQ_OK)
        assert_ok(mrq_train(data, d, &options, NULL, &result, &err));
    else
        assert_fails(mrq_train(data, d, &options, NULL, &result, &err), want, "cannot start from that model: ");
    return result.model;
}

/* The model before its first pass, learning from all ratings. */
static mrq_model *start(const mrq_dataset *data, const mrq_description *d, const mrq_model *warm)
{
    MRQ_AUTOFREE uint32_t *all = mrq_array(data->n, sizeof *all);
    for (uint32_t i = 0; i < data->n; i++)
        all[i] = i;
    mrq_model_source source = mrq_train_source(data, all, data->n);
    source.seed = 6;
    mrq_model *model = NULL;
    assert_ok(mrq_model_new(d, &source, &model, &err));
    if (warm)
        assert_ok(mrq_model_warm(model, warm, &err));
    return model;
}

/* The world a day later: every fifth is gone, and new ones stand before, between and behind the others. */

static mrq_strings shuffled(mrq_arena *arena, const mrq_strings *old, const char *added)
{
    mrq_dict *dict = mrq_dict_new();
    mrq_dict_add(dict, added, strlen(added));
    for (uint32_t i = old->n; i-- > 1;) /* the first is gone */
        mrq_dict_add(dict, mrq_strings_at(old, i), mrq_strings_size(old, i));
    const mrq_strings from = mrq_dict_strings(dict);
    mrq_strings to = {0};
    assert_int_equal(mrq_strings_copy(arena, &from, &to), 0);
    mrq_dict_free(dict);
    return to;
}

/* Numbers, and behind them texts that say numbers: "7", "007", "tt0007". */
static void name_ids(mrq_table *table)
{
    mrq_dict *dict = mrq_dict_new();
    for (uint32_t i = 0; i < table->rows; i++) {
        char text[40];
        const uint32_t third = 3 * i / table->rows;
        const int size = third ? snprintf(text, sizeof text, third == 1 ? "%03lld" : "tt%04lld", (long long)id_number(table, i))
                               : snprintf(text, sizeof text, "%s", mrq_table_id(table, i));
        assert_int_equal(mrq_dict_push(dict, text, (size_t)size), i);
    }
    const mrq_strings all = mrq_dict_strings(dict);
    assert_int_equal(mrq_strings_copy(table->arena, &all, &table->id), 0);
    mrq_dict_free(dict);
}

static mrq_table *day_later(const mrq_table *old, uint64_t seed)
{
    mrq_random rng;
    mrq_random_init(&rng, seed, 0);
    mrq_table *table = small_table(2 * old->rows, 0, 1);
    int64_t *id = mrq_arena_array(table->arena, table->rows, sizeof *id);
    table->rows = 0;
    for (int64_t i = 0; table->rows < old->rows + 4; i++)
        if (i % 5 || i == 0)
            id[table->rows++] = i;
    table->id = number_ids(table->arena, id, table->rows);
    table->n_columns = old->n_columns;
    for (uint32_t c = 0; c < old->n_columns; c++) {
        mrq_column *column = &table->column[c];
        *column = old->column[c];
        column->dict = shuffled(table->arena, &old->column[c].dict, "added");
        uint32_t *code = mrq_arena_array(table->arena, table->rows, sizeof *code);
        for (uint32_t i = 0; i < table->rows; i++)
            code[i] = (uint32_t)mrq_random_below(&rng, column->dict.n ? column->dict.n : 1);
        column->code = column->kind == MRQ_CATEGORY ? code : NULL;
        if (column->kind == MRQ_SET || column->kind == MRQ_TEXT)
            column->list = small_lists(table, &rng, column->dict.n, 4, column->kind == MRQ_SET);
        if (column->kind == MRQ_TEXT)
            column->text = small_strings(table->arena, "Étile ", table->rows);
    }
    return table;
}

static small_data *next_day(const small_data *old)
{
    small_data *s = small_data_new(4, 4, RATINGS);
    mrq_table_free(s->data.users);
    mrq_table_free(s->data.items);
    s->data.users = day_later(old->data.users, 1);
    s->data.items = day_later(old->data.items, 2);
    for (uint32_t i = 0; i < RATINGS; i++) { /* the last of each is known to the new model by its row alone */
        s->user[i] = i % (s->data.users->rows - 1);
        s->item[i] = i / 7 % (s->data.items->rows - 1);
    }
    return s;
}

/* What a row of an embedding stands for, in words. */
static void name_row(const mrq_model *model, const mrq_tower *tower, const mrq_branch_plan *plan, uint32_t row, char out[80])
{
    const mrq_table *table = tower == &model->user ? model->users : model->items;
    strcpy(out, "unknown");
    if (plan->branch->kind == MRQ_BRANCH_RATINGS)
        snprintf(out, 80, "rater %s", mrq_table_id(model->users, row));
    else if (plan->character)
        snprintf(out, 80, "character %u", plan->character[row]);
    else if (plan->branch->kind != MRQ_BRANCH_ID)
        snprintf(out, 80, "text %s", mrq_strings_at(&mrq_table_column(table, plan->branch->feature)->dict, row));
    for (uint32_t i = 0; row && plan->branch->kind == MRQ_BRANCH_ID && i < table->rows; i++)
        if (plan->value[i] == row)
            snprintf(out, 80, "id %s", mrq_table_id(table, i));
}

/* Each row of `warm` is that of `old` with the same name, or else that of `fresh`. */
static void check_rows(const mrq_model *warm, const mrq_model *old, const mrq_model *fresh, bool user, uint32_t *kept,
                       uint32_t *added)
{
    const mrq_tower *now = user ? &warm->user : &warm->item, *then = user ? &old->user : &old->item;
    for (uint32_t b = 0; b < now->n; b++) {
        const size_t bytes = warm->tensors.tensor[now->plan[b].embedding].cols * sizeof(float);
        for (uint32_t i = 0; i < now->plan[b].n_values; i++) {
            const size_t at = mrq_tensor_at(&warm->tensors, now->plan[b].embedding, i);
            const float *want = fresh->param + at;
            char name[80], other[80];
            name_row(warm, now, &now->plan[b], i, name);
            *added += 1;
            for (uint32_t j = 0; j < then->plan[b].n_values; j++) {
                name_row(old, then, &then->plan[b], j, other);
                if (strcmp(name, other) == 0) {
                    want = old->param + mrq_tensor_at(&old->tensors, then->plan[b].embedding, j);
                    *kept += 1;
                    *added -= 1;
                }
            }
            if (memcmp(warm->param + at, want, bytes) != 0)
                fail_msg("%s %s: another row", now->plan[b].branch->feature, name);
        }
    }
}

static void rows_follow_what_they_stand_for(void **state)
{
    (void)state;
    small_data *today = small_data_new(USERS, ITEMS, RATINGS), *tomorrow = next_day(today);
    for (size_t k = 0; k < 2 * SORTS; k++) {
        const mrq_description d = describe(sorts[k % SORTS]);
        if (k == SORTS) { /* once more with ids that are texts */
            name_ids(today->data.users);
            name_ids(today->data.items);
            name_ids(tomorrow->data.users);
            name_ids(tomorrow->data.items);
        }
        mrq_model *old = learn(&today->data, &d, NULL, MRQ_OK), *fresh = start(&tomorrow->data, &d, NULL),
                  *warm = start(&tomorrow->data, &d, old);
        uint32_t kept = 0, added = 0;
        check_rows(warm, old, fresh, true, &kept, &added);
        check_rows(warm, old, fresh, false, &kept, &added);
        assert_true(kept > 30 && added > 10);
        for (uint32_t i = 0; i < warm->tensors.n; i++) {
            const mrq_tensor *tensor = &warm->tensors.tensor[i], *was = &old->tensors.tensor[i];
            if (!tensor->sparse)
                assert_memory_equal(warm->param + tensor->offset, old->param + was->offset,
                                    (size_t)tensor->rows * tensor->cols * sizeof(float));
        }
        mrq_model_free(old);
        mrq_model_free(fresh);
        mrq_model_free(warm);
    }
    small_data_free(today);
    small_data_free(tomorrow);
}

static double rmse_of(const mrq_model *model, const mrq_dataset *data, const mrq_split *split)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    mrq_vectors vectors;
    assert_ok(mrq_vectors_make(model, arena, &vectors, &err));
    assert_ok(mrq_vectors_update(model, &vectors, &err));
    return mrq_rmse(model, &vectors, data, split->test, split->n_test);
}

/* The same data: the first pass starts where the old model ended, and not where a fresh one does. */
static void a_warm_start_begins_at_the_old_rmse(void **state)
{
    (void)state;
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t k = 0; k < SORTS; k++) {
        mrq_description d = describe(sorts[k]);
        d.train.epochs = 30;
        mrq_split split;
        assert_ok(mrq_split_make(&s->data, MRQ_SPLIT_HASH, 0.2, d.train.validation, 4, &split, &err));
        mrq_model *old = learn(&s->data, &d, NULL, MRQ_OK);
        mrq_model_source source = mrq_train_source(&s->data, split.train, split.n_train);
        source.seed = 6;
        mrq_model *fresh = NULL, *warm = NULL;
        assert_ok(mrq_model_new(&d, &source, &fresh, &err));
        assert_ok(mrq_model_new(&d, &source, &warm, &err));
        assert_ok(mrq_model_warm(warm, old, &err));
        const double was = old->results.test_rmse, begins = rmse_of(warm, &s->data, &split);
        assert_true(fabs(begins - was) < 1e-6);
        assert_true(rmse_of(fresh, &s->data, &split) > was + 0.1);
        d.train.epochs = 1; /* and mrq_train() starts there */
        d.train.lr = 1e-9;
        mrq_model *again = learn(&s->data, &d, old, MRQ_OK);
        assert_true(fabs(again->results.test_rmse - was) < 1e-4);
        mrq_model_free(again);
        mrq_model_free(warm);
        mrq_model_free(fresh);
        mrq_model_free(old);
        mrq_split_clear(&split);
    }
    small_data_free(s);
}

/* `text` with one occurrence of `from` replaced. */
static mrq_description altered(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    char all[4096];
    snprintf(all, sizeof all, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return describe(all);
}

static void another_network_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t sort;
        const char *from, *to, *says;
    } cases[] = {
        {0, "\"size\":19", "\"size\":20", "its size of vectors is 19, this one's is 20"},
        {0, "\"scale\":5", "\"scale\":6", "its score is 5 x cosine +0, this one's is 6 x cosine +0"},
        {0, "\"embedding\":5,\"fc\":7", "\"embedding\":6,\"fc\":7", "its embedding of user.id is 5, this one's is 6"},
        {0, "\"fc\":3", "\"fc\":4", "its fc of user.job is 3, this one's is 4"},
        {0, "\"job\"", "\"age\"", "its user tower's branch 3 is job, this one's is age"},
        {0, "\"window\":3", "\"window\":5", "its window of item.title is 3, this one's is 5"},
        {0, "\"filters\":5", "\"filters\":6", "its filters of item.title is 5, this one's is 6"},
        {1, "\"unit\":\"character\"", "\"unit\":\"word\"", "its unit of item.title is characters, this one's is words"},
        {1, "\"pool\":\"average\"", "\"pool\":\"sum\"", "its pool of item.title is average, this one's is sum"},
        {1, "{\"feature\":\"genres\",\"kind\":\"set\"},", "", "its number of item branches is 4, this one's is 3"},
        {1, "\"kind\":\"dot\",\"bias\":true", "\"kind\":\"dot\"", "its bias is on, this one's is off"},
        {2, "\"activation\":\"tanh\"", "\"activation\":\"linear\"",
         "its activation of the user tower is tanh, this one's is linear"},
        {0, "\"scale\":5", "\"scale\":5,\"shift\":0.5", "its score is 5 x cosine +0, this one's is 5 x cosine +0.5"},
        {0, "\"kind\":\"cosine\",\"scale\":5", "\"kind\":\"dot\"", "its score is cosine, this one's is dot"},
        {0, "\"kind\":\"text\",\"embedding\":4,\"window\":3,\"filters\":5", "\"kind\":\"set\",\"embedding\":4",
         "its kind of item.title is text, this one's is set"},
        {0, "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":6}", "{\"feature\":\"id\",\"kind\":\"id\",\"embedding\":7}",
         "its embedding of item.id is 6, this one's is 7"},
        {0, "\"embedding\":3,\"lr\":0.25}", "\"embedding\":3,\"fc\":2}", "its fc of user.gender is 0, this one's is 2"},
        {2, "\"activation\":\"tanh\"", "\"activation\":\"linear\",\"user_activation\":\"tanh\"",
         "its activation of the item tower is tanh, this one's is linear"},
        {2, "\"bias_only\":true}", "\"bias_only\":false}", "its target of user.gender is bias, this one's is vector"},
    };
    small_data *s = small_data_new(USERS, ITEMS, RATINGS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const mrq_description d = describe(sorts[cases[i].sort]), other = altered(sorts[cases[i].sort], cases[i].from, cases[i].to);
        mrq_model *old = start(&s->data, &d, NULL), *now = start(&s->data, &other, NULL);
        assert_fails(mrq_model_warm(now, old, &err), MRQ_USAGE, cases[i].says);
        mrq_model_free(now);
        mrq_model_free(old);
    }
    /* The trainer passes the refusal on. How a model is trained is no part of the network. */
    const mrq_description d = describe(sorts[0]), other = altered(sorts[0], "\"size\":19", "\"size\":20"),
                          slower = altered(sorts[0], "\"lr\":0.01", "\"lr\":0.02");
    mrq_model *old = start(&s->data, &d, NULL);
    assert_null(learn(&s->data, &other, old, MRQ_USAGE));
    mrq_model_free(learn(&s->data, &slower, old, MRQ_OK));
    mrq_model_free(old);
    small_data_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_follow_what_they_stand_for),
        cmocka_unit_test(a_warm_start_begins_at_the_old_rmse),
        cmocka_unit_test(another_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
