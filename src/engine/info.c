/* Describes the serving generation in JSON: model, measured quality, the values that a query may use, the store's generations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/json.h"
#include "engine/snapshot.h"

static bool add_time(cJSON *object, const char *key, int64_t seconds)
{
    char text[MRQ_UTC_TEXT];
    return mrq_utc_text(seconds, text) && cJSON_AddStringToObject(object, key, text);
}

static bool add_quality(cJSON *object, const mrq_quality *quality)
{
    cJSON *json = cJSON_AddObjectToObject(object, "quality");
    return mrq_json_add_clean(json, "name", quality->name) && mrq_json_add_rounded(json, "value", quality->value, 6) &&
           cJSON_AddBoolToObject(json, "more_is_better", quality->more_is_better);
}

static bool add_index(cJSON *document, const mrq_generation *generation)
{
    cJSON *json = cJSON_AddObjectToObject(document, "index");
    return mrq_json_add_clean(json, "factory", generation->index_kind) && mrq_json_add_whole(json, "dim", generation->tower->dim) &&
           mrq_json_add_rounded(json, "recall", generation->recall, 4) &&
           mrq_json_add_rounded(json, "p50_us", 1e6 * generation->p50, 1) &&
           mrq_json_add_rounded(json, "p99_us", 1e6 * generation->p99, 1) &&
           mrq_json_add_whole(json, "bytes", generation->index_bytes);
}

static int by_name(const void *a, const void *b)
{
    const mrq_column *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* The columns of either of two kinds, sorted by name; returns their number. */
static uint32_t find_columns(const mrq_table *users, mrq_column_kind one, mrq_column_kind other,
                             const mrq_column *out[MRQ_COLUMNS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < users->n_columns && n < MRQ_COLUMNS_MAX; i++)
        if (users->column[i].kind == one || users->column[i].kind == other)
            out[n++] = &users->column[i];
    qsort(out, n, sizeof(mrq_column *), by_name);
    return n;
}

/* [{"value":"25","label":"25-34"},...] for each category and set of the users, by name. */
static bool add_choices(cJSON *document, const mrq_table *users)
{
    const mrq_column *column[MRQ_COLUMNS_MAX];
    cJSON *choices = cJSON_AddObjectToObject(document, "choices");
    bool ok = choices != NULL;
    const uint32_t n = find_columns(users, MRQ_CATEGORY, MRQ_SET, column);
    for (uint32_t i = 0; i < n; i++) {
        const mrq_column *c = column[i];
        cJSON *values = cJSON_AddArrayToObject(choices, c->name);
        ok = ok && values;
        for (uint32_t code = 0; ok && code < c->dict.n; code++) {
            cJSON *value = mrq_json_append_object(values);
            ok = mrq_json_add_clean(value, "value", mrq_strings_at(&c->dict, code)) &&
                 (!c->label.n || mrq_json_add_clean(value, "label", mrq_strings_at(&c->label, code)));
        }
    }
    return ok;
}

/* The names of the features that are numbers. */
static bool add_numbers(cJSON *document, const mrq_table *users)
{
    const mrq_column *column[MRQ_COLUMNS_MAX];
    cJSON *names = cJSON_AddArrayToObject(document, "numbers");
    bool ok = names != NULL;
    const uint32_t n = find_columns(users, MRQ_NUMBER, MRQ_NUMBER, column);
    for (uint32_t i = 0; ok && i < n; i++)
        ok = mrq_json_append_clean(names, column[i]->name);
    return ok;
}

/* {"title":"text","price":"number",...}: the items' columns, which conditions can name. */
static bool add_item_columns(cJSON *document, const mrq_table *items)
{
    static const char *const kinds[] = {
        [MRQ_CATEGORY] = "category", [MRQ_SET] = "set", [MRQ_TEXT] = "text", [MRQ_NUMBER] = "number"};
    cJSON *columns = cJSON_AddObjectToObject(document, "columns");
    bool ok = columns != NULL;
    for (uint32_t c = 0; ok && c < items->n_columns; c++)
        ok = mrq_json_add_clean(columns, items->column[c].name, kinds[items->column[c].kind]);
    return ok;
}

/* "genres", and "years": the first and the last year of the items. */
static bool add_filters(cJSON *document, const mrq_table *items)
{
    const mrq_column *genres = mrq_table_first(items, MRQ_SET), *year = mrq_table_year(items);
    cJSON *names = cJSON_AddArrayToObject(document, "genres");
    bool ok = names != NULL;
    for (uint32_t g = 0; ok && genres && g < genres->dict.n; g++)
        ok = mrq_json_append_clean(names, mrq_strings_at(&genres->dict, g));
    double range[2] = {INFINITY, -INFINITY};
    for (uint32_t i = 0; year && i < items->rows; i++) {
        range[0] = fmin(range[0], year->number[i]); /* fmin() and fmax() skip NaN */
        range[1] = fmax(range[1], year->number[i]);
    }
    return ok &&
           mrq_json_add_made(document, "years", range[0] <= range[1] ? cJSON_CreateDoubleArray(range, 2) : cJSON_CreateNull());
}

/* The generations of the store; none if the store was removed, because the serving generation stays open. The message does not show
 * clients where the store is. */
static mrq_status list_generations(const char *store, mrq_generation_info **list, uint32_t *n, mrq_error *err)
{
    mrq_status status = mrq_store_list_plain(store, list, n, NULL);
    for (uint32_t i = 0; i < *n && status == MRQ_OK; i++)
        status = (*list)[i].state == MRQ_FAILED ? MRQ_FAILED : MRQ_OK;
    return status == MRQ_OK || status == MRQ_NOT_FOUND
               ? MRQ_OK
               : mrq_fail(err, status, "cannot list the store's generations now; try again");
}

static bool add_generations(cJSON *document, const mrq_generation_info *list, uint32_t n, const mrq_generation *generation)
{
    cJSON *array = cJSON_AddArrayToObject(document, "generations");
    bool ok = array != NULL;
    for (uint32_t i = 0; ok && i < n; i++) {
        if (list[i].state != MRQ_OK) /* damaged ones are not listed */
            continue;
        cJSON *json = mrq_json_append_object(array);
        ok = mrq_json_add_clean(json, "name", list[i].name) && add_time(json, "created", list[i].created) &&
             mrq_json_add_clean(json, "model", list[i].model) && mrq_json_add_whole(json, "items", list[i].items) &&
             mrq_json_add_rounded(json, "recall", list[i].recall, 4) && add_quality(json, &list[i].quality) &&
             cJSON_AddBoolToObject(json, "current", strcmp(list[i].name, generation->name) == 0);
    }
    return ok;
}

static bool add_noun(cJSON *document, const mrq_noun *noun)
{
    cJSON *array = cJSON_AddArrayToObject(document, "noun");
    return array && mrq_json_append_clean(array, noun->one) && mrq_json_append_clean(array, noun->many);
}

mrq_status mrq_tell_generation(mrq_snapshot *snapshot, const char *store, mrq_cached_answer **out, mrq_error *err)
{
    const mrq_generation *g = snapshot->generation;
    uint32_t n = 0;
    MRQ_AUTOFREE mrq_generation_info *list = NULL;
    MRQ_TRY(list_generations(store, &list, &n, err));
    MRQ_CLEANUP(cJSON_Delete) cJSON *document = cJSON_CreateObject();
    const bool ok = mrq_json_add_whole(document, "schema", 1) && mrq_json_add_clean(document, "version", MRQ_VERSION) &&
                    mrq_json_add_clean(document, "generation", g->name) && add_time(document, "created", g->created) &&
                    mrq_json_add_clean(document, "model", g->model_name) &&
                    cJSON_AddStringToObject(document, "score", g->quality.more_is_better ? "affinity" : "rating") &&
                    mrq_json_add_whole(document, "items", g->items->rows) && add_noun(document, &g->items->noun) &&
                    mrq_json_add_whole(document, "users", g->users->rows) && add_index(document, g) &&
                    add_quality(document, &g->quality) &&
                    mrq_json_add_made(document, "training", mrq_model_results_json(&g->results)) &&
                    mrq_json_add_made(document, "curve", mrq_model_curve_json(&g->curve)) && add_choices(document, g->users) &&
                    add_numbers(document, g->users) && add_filters(document, g->items) && add_item_columns(document, g->items) &&
                    cJSON_AddBoolToObject(document, "feedback", g->tower->liked != NULL) && add_generations(document, list, n, g);
    char *text = ok ? cJSON_PrintUnformatted(document) : NULL;
    mrq_print print = {.failed = !text};
    if (text) {
        text[strlen(text) - 1] = '\0'; /* mrq_answer_json() adds the closing brace */
        mrq_print_raw(&print, text);
    }
    cJSON_free(text);
    return mrq_cached_answer_new(snapshot, &(mrq_content){.query = {.user = MRQ_NONE, .item = MRQ_NONE}}, &print, false, out, err);
}
