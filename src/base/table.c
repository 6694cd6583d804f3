/* Tables in a container: one section per array, named PREFIX.N.WHAT for column N, without JSON. Loading trusts nothing: the
 * container's checksum detects damage; the checks here detect a faulty or hostile writer. */
#include "base/table.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "base/parse.h"
#include "base/utf8.h"

mrq_table *mrq_table_new(void)
{
    mrq_table *table = calloc(1, sizeof *table);
    if (table && !(table->arena = mrq_arena_new())) {
        free(table);
        return NULL;
    }
    if (table)
        table->noun = (mrq_noun){"item", "items"};
    return table;
}

void mrq_table_free(mrq_table *table)
{
    if (!table)
        return;
    mrq_arena_free(table->arena);
    free(table);
}

uint32_t mrq_table_find(const mrq_table *table, const char *id, size_t size)
{
    return mrq_id_find(&table->id, id, size);
}

const mrq_column *mrq_table_column(const mrq_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->n_columns; i++)
        if (strcmp(table->column[i].name, name) == 0)
            return &table->column[i];
    return NULL;
}

const mrq_column *mrq_table_first(const mrq_table *table, mrq_column_kind kind)
{
    for (uint32_t i = 0; i < table->n_columns; i++)
        if (table->column[i].kind == kind)
            return &table->column[i];
    return NULL;
}

const mrq_column *mrq_table_year(const mrq_table *items)
{
    const mrq_column *year = mrq_table_column(items, "year");
    return year && year->kind == MRQ_NUMBER ? year : NULL;
}

const char *mrq_table_columns(const mrq_table *table, char *out, size_t size)
{
    size_t used = 0;
    *out = '\0';
    for (uint32_t c = 0; c < table->n_columns && used < size; c++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", table->column[c].name);
    return out;
}

/* Writes "M (male), F (female), ..." into `out`, shortened with dots when it is too long. */
static void list_values(const mrq_column *column, char *out, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < column->dict.n; i++) {
        const char *label = column->label.n ? mrq_strings_at(&column->label, i) : "";
        char item[128];
        const char *value = mrq_strings_at(&column->dict, i);
        const bool blank = *value == ' ' || (*value && value[strlen(value) - 1] == ' '); /* which would not be seen */
        const int n = snprintf(item, sizeof item, "%s%s%s%s%s%s%s", i ? ", " : "", blank ? "\"" : "", value, blank ? "\"" : "",
                               *label ? " (" : "", label, *label ? ")" : "");
        if ((size_t)n >= sizeof item || used + (size_t)n + sizeof ", ..." > size) {
            snprintf(out + used, size - used, ", ...");
            return;
        }
        memcpy(out + used, item, (size_t)n + 1);
        used += (size_t)n;
    }
}

#define BOUND_MAX 1e15

static mrq_status code_by_bound(const mrq_column *column, const char *text, uint32_t *code, mrq_error *err)
{
    double value;
    const uint32_t last = column->dict.n - 1;
    if (column->bound[last] >= DBL_MAX && strcmp(text, mrq_strings_at(&column->dict, last)) == 0) {
        *code = last; /* "unknown", which is in no range */
        return MRQ_OK;
    }
    if (mrq_is_number(text, strlen(text)) && *text != '-' && !mrq_parse_real(text, strlen(text), 0, BOUND_MAX, &value))
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a number, %g at most", column->name, text, BOUND_MAX);
    if (!mrq_parse_real(text, strlen(text), column->bound[0], BOUND_MAX, &value))
        return column->bound[0] <= -DBL_MAX
                   ? mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a number", column->name, text)
                   : mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a number, %g or more", column->name, text, column->bound[0]);
    uint32_t i = column->dict.n - 1;
    while (value < column->bound[i])
        i--;
    *code = i;
    return MRQ_OK;
}

mrq_status mrq_column_code(const mrq_column *column, const char *text, bool numbered, uint32_t *code, mrq_error *err)
{
    if (column->bound)
        return code_by_bound(column, text, code, err);
    uint32_t found = mrq_strings_find(&column->dict, text);
    if (found == MRQ_NONE)
        found = mrq_strings_find(&column->label, text);
    int64_t place;
    if (found == MRQ_NONE && numbered && mrq_parse_int(text, strlen(text), 0, (int64_t)column->dict.n - 1, &place))
        found = (uint32_t)place;
    if (found == MRQ_NONE) {
        char values[440] = "";
        list_values(column, values, sizeof values);
        if (!numbered)
            return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want one of %s", column->name, text, values);
        return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want 0 to %u, or one of %s", column->name, text, column->dict.n - 1, values);
    }
    *code = found;
    return MRQ_OK;
}

static int compare_items(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void mrq_list_sort(uint32_t *item, uint64_t n)
{
    qsort(item, n, sizeof *item, compare_items);
}

int mrq_list_group(const uint32_t *item, uint64_t n, const uint32_t *group, uint32_t groups, uint64_t *offset, uint32_t *out)
{
    MRQ_AUTOFREE uint64_t *next = mrq_array((size_t)groups + 1, sizeof *next);
    if (!next)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        offset[group[item ? item[i] : i] + 1]++;
    for (uint32_t g = 0; g < groups; g++)
        next[g + 1] = offset[g + 1] += offset[g];
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t it = item ? item[i] : (uint32_t)i;
        out[next[group[it]]++] = it;
    }
    return 0;
}

static void save_strings(const mrq_strings *strings, mrq_container_writer *writer, const char *prefix, const char *name)
{
    mrq_container_add(writer, strings->offset, strings->n ? (size_t)strings->n + 1 : 0, sizeof *strings->offset, "%s.%s_at", prefix,
                      name);
    mrq_container_add(writer, strings->bytes, strings->n ? strings->offset[strings->n] : 0, 1, "%s.%s", prefix, name);
}

/* `*n` is the expected number of strings, or MRQ_ANY. */
static mrq_status load_strings(const mrq_container *container, const char *prefix, const char *name, size_t n, mrq_strings *out,
                               mrq_error *err)
{
    static const uint32_t empty[1];
    size_t offsets = MRQ_ANY, bytes = MRQ_ANY;
    const void *offset, *text;
    MRQ_TRY(mrq_container_get(container, sizeof(uint32_t), &offsets, &offset, err, "%s.%s_at", prefix, name));
    MRQ_TRY(mrq_container_get(container, 1, &bytes, &text, err, "%s.%s", prefix, name));
    const size_t held = offsets ? offsets - 1 : 0;
    if (held >= MRQ_NONE || (n != MRQ_ANY && n != held))
        return mrq_container_bad(container, err, "%s.%s: %zu texts, want %zu", prefix, name, held, n);
    const mrq_strings s = {(uint32_t)held, held ? offset : empty, text};
    if (s.offset[0] != 0 || s.offset[s.n] != bytes)
        return mrq_container_bad(container, err, "%s.%s: offsets do not fit the text", prefix, name);
    for (uint32_t i = 0; i < s.n; i++)
        if (s.offset[i + 1] <= s.offset[i] || s.offset[i + 1] > bytes ||
            strnlen(s.bytes + s.offset[i], s.offset[i + 1] - s.offset[i]) != mrq_strings_size(&s, i))
            return mrq_container_bad(container, err, "%s.%s: text %u is not well formed", prefix, name, i);
    if (mrq_utf8_bad(s.bytes, bytes))
        return mrq_container_bad(container, err, "%s.%s: a text is not UTF-8", prefix, name);
    *out = s;
    return MRQ_OK;
}

void mrq_lists_save(const mrq_lists *lists, size_t rows, mrq_container_writer *writer, const char *prefix)
{
    mrq_container_add(writer, lists->offset, rows + 1, sizeof *lists->offset, "%s.at", prefix);
    mrq_container_add(writer, lists->item, lists->offset[rows], sizeof *lists->item, "%s.item", prefix);
}

mrq_status mrq_lists_load(const mrq_container *container, const char *prefix, size_t rows, uint32_t limit, mrq_lists *out,
                          mrq_error *err)
{
    size_t offsets = rows + 1, items = MRQ_ANY;
    const void *offset, *item;
    MRQ_TRY(mrq_container_get(container, sizeof *out->offset, &offsets, &offset, err, "%s.at", prefix));
    MRQ_TRY(mrq_container_get(container, sizeof *out->item, &items, &item, err, "%s.item", prefix));
    const mrq_lists lists = {offset, item};
    if (lists.offset[0] != 0 || lists.offset[rows] != items)
        return mrq_container_bad(container, err, "%s: offsets do not fit the items", prefix);
    for (size_t i = 0; i < rows; i++)
        if (lists.offset[i + 1] < lists.offset[i])
            return mrq_container_bad(container, err, "%s: offset %zu is less than the one before", prefix, i + 1);
    uint32_t outside = 0;
    for (size_t i = 0; i < items; i++) /* without an early exit, which is three times as fast */
        outside |= lists.item[i] >= limit;
    for (size_t i = 0; outside && i < items; i++)
        if (lists.item[i] >= limit)
            return mrq_container_bad(container, err, "%s: item %u, want less than %u", prefix, lists.item[i], limit);
    *out = lists;
    return MRQ_OK;
}

uint64_t mrq_lists_find(const mrq_lists *lists, uint32_t row, uint32_t item)
{
    uint64_t low = lists->offset[row], high = lists->offset[row + 1];
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (lists->item[middle] == item)
            return middle;
        if (lists->item[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return UINT64_MAX;
}

void mrq_links_save(const mrq_links *links, size_t rows, mrq_container_writer *writer, const char *prefix)
{
    mrq_lists_save(&links->list, rows, writer, prefix);
    mrq_container_add(writer, links->strength, links->list.offset[rows], sizeof *links->strength, "%s.strength", prefix);
}

mrq_status mrq_links_load(const mrq_container *container, const char *prefix, size_t rows, uint32_t limit, mrq_links *out,
                          mrq_error *err)
{
    mrq_lists list;
    MRQ_TRY(mrq_lists_load(container, prefix, rows, limit, &list, err));
    size_t count = list.offset[rows];
    const void *strength;
    MRQ_TRY(mrq_container_get(container, sizeof(float), &count, &strength, err, "%s.strength", prefix));
    if (!mrq_all_finite(strength, count))
        return mrq_container_bad(container, err, "%s: a strength is not finite", prefix);
    *out = (mrq_links){list, strength};
    return MRQ_OK;
}

/* A column as stored in the section PREFIX.columns. */
struct stored_column {
    char name[MRQ_COLUMN_NAME];
    uint32_t kind, has_bound;
};

void mrq_table_save(const mrq_table *table, mrq_container_writer *writer, const char *prefix)
{
    /* The writer borrows this until it writes, so it is allocated in the table's arena. */
    struct stored_column *stored = mrq_arena_array(table->arena, table->n_columns, sizeof *stored);
    save_strings(&table->id, writer, prefix, "id");
    mrq_container_add(writer, &table->noun, 1, sizeof table->noun, "%s.noun", prefix);
    mrq_container_add(writer, stored, stored ? table->n_columns : SIZE_MAX, sizeof *stored, "%s.columns", prefix);
    for (uint32_t i = 0; stored && i < table->n_columns; i++) {
        const mrq_column *column = &table->column[i];
        memcpy(stored[i].name, column->name, sizeof stored[i].name);
        stored[i].kind = (uint32_t)column->kind;
        stored[i].has_bound = column->bound != NULL;
        char at[MRQ_CONTAINER_NAME];
        snprintf(at, sizeof at, "%s.%u", prefix, i);
        if (column->kind != MRQ_NUMBER)
            save_strings(&column->dict, writer, at, "dict");
        switch (column->kind) {
        case MRQ_CATEGORY:
            save_strings(&column->label, writer, at, "label");
            mrq_container_add(writer, column->code, table->rows, sizeof *column->code, "%s.code", at);
            if (column->bound)
                mrq_container_add(writer, column->bound, column->dict.n, sizeof *column->bound, "%s.bound", at);
            break;
        case MRQ_TEXT:
            save_strings(&column->text, writer, at, "text");
            mrq_lists_save(&column->list, table->rows, writer, at);
            break;
        case MRQ_SET:
            mrq_lists_save(&column->list, table->rows, writer, at);
            break;
        case MRQ_NUMBER:
            mrq_container_add(writer, column->number, table->rows, sizeof *column->number, "%s.number", at);
            break;
        }
    }
}

static mrq_status load_category(const mrq_container *container, const char *at, uint32_t rows, bool has_bound, mrq_column *column,
                                mrq_error *err)
{
    size_t count = rows;
    const void *data;
    MRQ_TRY(load_strings(container, at, "label", MRQ_ANY, &column->label, err));
    if (column->label.n && column->label.n != column->dict.n)
        return mrq_container_bad(container, err, "%s: %u labels, want %u", at, column->label.n, column->dict.n);
    MRQ_TRY(mrq_container_get(container, sizeof *column->code, &count, &data, err, "%s.code", at));
    column->code = data;
    for (uint32_t i = 0; i < rows; i++)
        if (column->code[i] >= column->dict.n)
            return mrq_container_bad(container, err, "%s: code %u, want less than %u", at, column->code[i], column->dict.n);
    if (!has_bound)
        return MRQ_OK;
    count = column->dict.n;
    MRQ_TRY(mrq_container_get(container, sizeof *column->bound, &count, &data, err, "%s.bound", at));
    column->bound = data;
    for (uint32_t i = 0; i < column->dict.n; i++)
        if (!isfinite(column->bound[i]) || (i && column->bound[i] <= column->bound[i - 1]))
            return mrq_container_bad(container, err, "%s: bounds do not ascend", at);
    return count ? MRQ_OK : mrq_container_bad(container, err, "%s: no bounds", at);
}

static mrq_status load_column(const mrq_container *container, const char *prefix, uint32_t index,
                              const struct stored_column *stored, uint32_t rows, mrq_column *column, mrq_error *err)
{
    char at[MRQ_CONTAINER_NAME];
    snprintf(at, sizeof at, "%s.%u", prefix, index);
    if (!memchr(stored->name, '\0', sizeof stored->name) || mrq_utf8_bad(stored->name, strlen(stored->name)) ||
        stored->kind > MRQ_NUMBER)
        return mrq_container_bad(container, err, "%s: unknown column", at);
    memcpy(column->name, stored->name, sizeof column->name);
    column->kind = (mrq_column_kind)stored->kind;
    if (column->kind != MRQ_NUMBER)
        MRQ_TRY(load_strings(container, at, "dict", MRQ_ANY, &column->dict, err));
    size_t count = rows;
    const void *data;
    switch (column->kind) {
    case MRQ_CATEGORY:
        return load_category(container, at, rows, stored->has_bound, column, err);
    case MRQ_TEXT:
        MRQ_TRY(load_strings(container, at, "text", rows, &column->text, err));
        return mrq_lists_load(container, at, rows, column->dict.n, &column->list, err);
    case MRQ_SET:
        return mrq_lists_load(container, at, rows, column->dict.n, &column->list, err);
    case MRQ_NUMBER:
        MRQ_TRY(mrq_container_get(container, sizeof *column->number, &count, &data, err, "%s.number", at));
        column->number = data;
        for (uint32_t i = 0; i < rows; i++)
            if (isinf(column->number[i]))
                return mrq_container_bad(container, err, "%s: number %u is infinite", at, i);
        return MRQ_OK;
    }
    return MRQ_OK;
}

static mrq_status load_ids(const mrq_container *container, const char *prefix, mrq_table *table, mrq_error *err)
{
    MRQ_TRY(load_strings(container, prefix, "id", MRQ_ANY, &table->id, err));
    table->rows = table->id.n;
    if (!table->rows)
        return mrq_container_bad(container, err, "%s: no rows", prefix);
    for (uint32_t i = 0; i < table->rows; i++)
        if (!mrq_id_is_valid(mrq_table_id(table, i), mrq_strings_size(&table->id, i)))
            return mrq_container_bad(container, err, "%s: the id of row %u, want " MRQ_ID_WANT, prefix, i);
    const uint32_t at = mrq_ids_out_of_order(&table->id);
    return at == table->rows ? MRQ_OK : mrq_container_bad(container, err, "%s: ids do not ascend at row %u", prefix, at);
}

static mrq_status load_noun(const mrq_container *container, const char *prefix, mrq_table *table, mrq_error *err)
{
    size_t n = 1;
    const void *noun;
    MRQ_TRY(mrq_container_get(container, sizeof table->noun, &n, &noun, err, "%s.noun", prefix));
    memcpy(&table->noun, noun, sizeof table->noun);
    const char *const words[] = {table->noun.one, table->noun.many};
    for (int i = 0; i < 2; i++)
        if (!memchr(words[i], '\0', MRQ_NOUN) || !*words[i] || !mrq_utf8_is_plain(words[i]))
            return mrq_container_bad(container, err, "%s: the noun is not well formed", prefix);
    return MRQ_OK;
}

mrq_status mrq_table_load(const mrq_container *container, const char *prefix, mrq_table **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_table_free) mrq_table *table = mrq_table_new();
    if (!table)
        return mrq_fail_memory(err, "reading a table");
    size_t columns = MRQ_ANY;
    const void *stored;
    MRQ_TRY(load_ids(container, prefix, table, err));
    MRQ_TRY(load_noun(container, prefix, table, err));
    MRQ_TRY(mrq_container_get(container, sizeof(struct stored_column), &columns, &stored, err, "%s.columns", prefix));
    if (columns > MRQ_COLUMNS_MAX)
        return mrq_container_bad(container, err, "%s: %zu columns, want at most %d", prefix, columns, MRQ_COLUMNS_MAX);
    table->n_columns = (uint32_t)columns;
    table->column = mrq_arena_array(table->arena, columns, sizeof *table->column);
    if (!table->column)
        return mrq_fail_memory(err, "reading a table");
    for (uint32_t i = 0; i < table->n_columns; i++) {
        MRQ_TRY(load_column(container, prefix, i, (const struct stored_column *)stored + i, table->rows, &table->column[i], err));
        if (mrq_table_column(table, table->column[i].name) != &table->column[i])
            return mrq_container_bad(container, err, "%s: two columns \"%s\"", prefix, table->column[i].name);
    }
    *out = table;
    table = NULL;
    return MRQ_OK;
}
