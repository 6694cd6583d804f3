/* Looks up an item, items by their titles, or a user.
 *
 * A search compares all titles, word by word: 4,000 titles in 0.1 ms; repeated queries are answered from memory. Each word of the
 * query must be a prefix of a word of the title, so that "matrix the" finds "Matrix, The", and each typed letter narrows the
 * result. ASCII letters match in either case; other characters match only themselves. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/filter.h"
#include "engine/json.h"
#include "engine/snapshot.h"

#define TEXT_MAX  200 /* bytes of a query */
#define WORDS_MAX 20

/* An item, its number of ratings, and what else the list is ordered by. `list` may be NULL. */
static void print_item(mrq_print *print, const mrq_snapshot *snapshot, uint32_t row, const mrq_resolved *list)
{
    const mrq_times *times = &snapshot->generation->times;
    mrq_print_open(print, '{');
    mrq_print_item(print, snapshot->generation->items, row);
    mrq_print_columns(print, snapshot->generation->items, row, list ? list->shown : NULL, list ? list->n_shown : 0);
    mrq_print_key(print, "ratings");
    mrq_print_whole(print, snapshot->ratings[row]);
    if (list && list->order == MRQ_RECENT && times->first) {
        char time[MRQ_UTC_TEXT];
        mrq_print_key(print, "first");
        if (mrq_utc_text(times->first[row], time))
            mrq_print_text(print, time);
        else
            mrq_print_raw(print, "null");
    }
    if (list && list->order == MRQ_TRENDING) {
        mrq_print_key(print, "trend");
        mrq_print_real(print, times->trend[row], 4);
    }
    mrq_print_close(print, '}');
}

/* Makes an answer of the document, which is taken from `print`. Its hits are these rows; `user` is the user it is about, or
 * MRQ_NONE. */
static mrq_status finish(mrq_snapshot *snapshot, uint32_t user, mrq_print *print, const uint32_t *row, uint32_t n,
                         mrq_cached_answer **out, mrq_error *err)
{
    mrq_content answer = {.n = n, .hit = calloc(n ? n : 1, sizeof *answer.hit), .query = {.user = user, .item = MRQ_NONE}};
    for (uint32_t i = 0; answer.hit && i < n; i++)
        answer.hit[i] = (mrq_recommendation){row[i], NAN};
    print->failed |= !answer.hit;
    return mrq_cached_answer_new(snapshot, &answer, print, false, out, err);
}

/* The same, after adding the items as "results". */
static mrq_status finish_list(mrq_snapshot *snapshot, uint32_t user, mrq_print *print, const uint32_t *row, uint32_t n,
                              mrq_cached_answer **out, mrq_error *err)
{
    mrq_print_key(print, "results");
    mrq_print_open(print, '[');
    for (uint32_t i = 0; i < n; i++)
        print_item(print, snapshot, row[i], NULL);
    mrq_print_close(print, ']');
    return finish(snapshot, user, print, row, n, out, err);
}

mrq_status mrq_find_item(mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live, mrq_cached_answer **out,
                         mrq_error *err)
{
    const mrq_table *items = snapshot->generation->items;
    const char *id = mrq_query_text(query, MRQ_Q_ITEM);
    const uint32_t row = mrq_table_find(items, id, strlen(id));
    if (row == MRQ_NONE || mrq_live_gone(live, row))
        return mrq_fail(err, MRQ_NOT_FOUND, "%s %.40s: not among the %u %s of the data", items->noun.one, id, items->rows,
                        mrq_table_noun(items, items->rows));
    mrq_print print = {0};
    mrq_print_begin(&print, snapshot->generation);
    mrq_print_key(&print, "item");
    print_item(&print, snapshot, row, NULL);
    return finish(snapshot, MRQ_NONE, &print, &row, 1, out, err);
}

/* Whether a byte belongs to a word: an ASCII letter or digit, or a byte of a non-ASCII character. */
static bool in_word(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80);
}

/* The first word at or after `text`, and its size; NULL if there is none. */
static const char *next_word(const char *text, size_t *size)
{
    while (*text && !in_word(*text))
        text++;
    *size = 0;
    while (in_word(text[*size]))
        ++*size;
    return *size ? text : NULL;
}

typedef struct word {
    const char *text;
    size_t size;
} word;

/* Whether some word of the title begins with this one. */
static bool has_word(const char *title, const word *w)
{
    const char first = w->text[0], other = first ^ ((first | 0x20) >= 'a' && (first | 0x20) <= 'z' ? 0x20 : 0);
    for (const char *at = title; *at; at++)
        if ((*at == first || *at == other) && (at == title || !in_word(at[-1])) && strncasecmp(at, w->text, w->size) == 0)
            return true;
    return false;
}

typedef struct found {
    uint32_t row, ratings;
    bool first;   /* ranked before the others: the title begins with the whole text, or the user likes the item */
    double value; /* of the list's order, the largest first; 0 for a list in no order of its own */
} found;

static int by_rank(const void *a, const void *b)
{
    const found *x = a, *y = b;
    if (x->first != y->first)
        return x->first ? -1 : 1;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    if (x->ratings != y->ratings)
        return x->ratings > y->ratings ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Sorts the list and writes the rows of its first `k` to `row`; returns their number. */
static uint32_t rank_rows(found *list, uint32_t n, uint32_t k, uint32_t *row)
{
    qsort(list, n, sizeof *list, by_rank);
    const uint32_t kept = n < k ? n : k;
    for (uint32_t i = 0; i < kept; i++)
        row[i] = list[i].row;
    return kept;
}

static mrq_status read_words(const char *text, word *words, uint32_t *n, mrq_error *err)
{
    if (strlen(text) > TEXT_MAX)
        return mrq_fail(err, MRQ_USAGE, "query: %zu bytes, want at most %d", strlen(text), TEXT_MAX);
    for (const char *at = text; (at = next_word(at, &words[*n].size)); at += words[*n - 1].size) {
        words[*n].text = at;
        if (++*n > WORDS_MAX)
            return mrq_fail(err, MRQ_USAGE, "query: more than %d words", WORDS_MAX);
    }
    return MRQ_OK;
}

/* MRQ_USAGE if the generation does not know what the order is by. */
static mrq_status check_order(const mrq_generation *generation, mrq_order order, mrq_error *err)
{
    static const char none[] =
        "the data's events have no times, or all the same one, or the model was trained before they were kept";
    if (order == MRQ_TRENDING && !generation->times.trend)
        return mrq_fail(err, MRQ_USAGE, "order \"trending\": %s; want popular", none);
    if (order == MRQ_RECENT && !generation->times.first && !mrq_table_year(generation->items))
        return mrq_fail(err, MRQ_USAGE, "order \"recent\": %s, and its %s have no column year; want popular", none,
                        generation->items->noun.many);
    return MRQ_OK;
}

/* What the list is ordered by; what is unknown comes last. */
static double value_of(const mrq_snapshot *snapshot, mrq_order order, uint32_t row)
{
    const mrq_times *times = &snapshot->generation->times;
    switch (order) {
    case MRQ_POPULAR:
        return snapshot->ratings[row];
    case MRQ_RECENT:
        if (times->first)
            return times->first[row] == MRQ_NEVER ? -HUGE_VAL : (double)times->first[row];
        const double year = mrq_table_year(snapshot->generation->items)->number[row];
        return isfinite(year) ? year : -HUGE_VAL;
    case MRQ_TRENDING:
        return times->trend[row];
    default:
        return 0;
    }
}

/* Finds the items that the filters (`keep` NULL: none) and the words allow; returns their number. */
static uint32_t find(const mrq_snapshot *snapshot, const mrq_resolved *query, const char *text, const uint64_t *keep,
                     const word *words, uint32_t n_words, found *list)
{
    const mrq_table *items = snapshot->generation->items;
    const mrq_column *title = mrq_table_first(items, MRQ_TEXT);
    const bool by_title = query->order == MRQ_BY_TITLE;
    const size_t size = strlen(text);
    uint32_t n = 0;
    for (uint32_t i = 0; i < items->rows; i++) {
        const char *name = title ? mrq_strings_at(&title->text, i) : "";
        uint32_t w = 0;
        if (keep && !(keep[i / 64] >> i % 64 & 1))
            continue;
        while (w < n_words && has_word(name, &words[w]))
            w++;
        if (w == n_words && (n_words || !*text))
            list[n++] = (found){i, snapshot->ratings[i], by_title && strncasecmp(name, text, size) == 0,
                                by_title ? 0 : value_of(snapshot, query->order, i)};
    }
    return n;
}

static void print_query(mrq_print *print, const mrq_table *items, const mrq_resolved *query, const char *text)
{
    mrq_print_key(print, "query");
    mrq_print_open(print, '{');
    mrq_print_key(print, "text");
    mrq_print_text(print, text);
    mrq_print_key(print, "k");
    mrq_print_whole(print, query->k);
    if (query->offset) {
        mrq_print_key(print, "offset");
        mrq_print_whole(print, query->offset);
    }
    for (unsigned field = 0; field < MRQ_Q_FIELDS; field++)
        mrq_print_selection(print, &query->selection, items, field);
    if (query->order) {
        mrq_print_key(print, "order");
        mrq_print_text(print, mrq_order_names[query->order]);
    }
    mrq_print_close(print, '}');
}

/* Sorts the list and makes an answer of its page. Takes over `query`, also on failure. */
static mrq_status finish_page(mrq_snapshot *snapshot, mrq_resolved *query, const char *text, found *list, uint32_t n,
                              mrq_cached_answer **out, mrq_error *err)
{
    qsort(list, n, sizeof *list, by_rank);
    const uint32_t first = query->offset < n ? query->offset : n, left = n - first, kept = left < query->k ? left : query->k;
    mrq_content answer = {.n = kept, .hit = mrq_array(kept, sizeof *answer.hit), .query = *query};
    mrq_print print = {.failed = !answer.hit};
    mrq_print_begin(&print, snapshot->generation);
    print_query(&print, snapshot->generation->items, query, text);
    mrq_print_key(&print, "results");
    mrq_print_open(&print, '[');
    for (uint32_t i = 0; answer.hit && i < kept; i++) {
        const found *item = &list[first + i];
        answer.hit[i] = (mrq_recommendation){item->row, query->order && isfinite(item->value) ? item->value : NAN};
        print_item(&print, snapshot, item->row, query);
    }
    mrq_print_close(&print, ']');
    return mrq_cached_answer_new(snapshot, &answer, &print, false, out, err);
}

mrq_status mrq_find_titles(mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live, mrq_cached_answer **out,
                           mrq_error *err)
{
    const char *given = mrq_query_text(query, MRQ_Q_TEXT), *text = given ? given : "";
    const mrq_table *items = snapshot->generation->items;
    __attribute__((cleanup(mrq_resolved_clear))) mrq_resolved resolved = {0};
    __attribute__((cleanup(mrq_bitmap_clear))) mrq_bitmap bitmap = {0};
    word words[WORDS_MAX + 1];
    uint32_t n_words = 0;
    MRQ_TRY(read_words(text, words, &n_words, err));
    if (*text && !mrq_table_first(items, MRQ_TEXT))
        return mrq_fail(err, MRQ_USAGE, "query: the data's %s have no titles", items->noun.many);
    MRQ_TRY(mrq_query_resolve(snapshot->generation, MRQ_ASK_SEARCH, query, live, &resolved, err));
    MRQ_TRY(check_order(snapshot->generation, resolved.order, err));
    const uint32_t gone = live ? live->n_gone : 0;
    if (resolved.selection.n || resolved.selection.n_exclude || gone)
        MRQ_TRY(mrq_selection_bitmap(&resolved.selection, items, gone ? live->gone : NULL, gone, &bitmap, err));
    MRQ_AUTOFREE found *list = mrq_array(items->rows, sizeof *list);
    if (!list)
        return mrq_fail_memory(err, "searching titles");
    const uint32_t n = find(snapshot, &resolved, text, bitmap.keep, words, n_words, list);
    mrq_resolved taken = resolved;
    resolved = (mrq_resolved){0};
    return finish_page(snapshot, &taken, text, list, n, out, err);
}

/* "age":{"value":"25","label":"25-34"} for each category of the user, except those with the name of another member. */
static void print_features(mrq_print *print, const mrq_table *users, uint32_t user)
{
    for (uint32_t c = 0; c < users->n_columns; c++) {
        const mrq_column *column = &users->column[c];
        const char *name = column->name;
        if (column->kind != MRQ_CATEGORY || strcmp(name, "id") == 0 || strcmp(name, "ratings") == 0 || strcmp(name, "likes") == 0)
            continue;
        mrq_print_key(print, column->name);
        mrq_print_open(print, '{');
        mrq_print_value(print, column, column->code[user]);
        mrq_print_close(print, '}');
    }
}

/* Lists what a user has had: by the data, then by live events, which have the last word. `said` (items) is zero. */
static uint32_t list_had(const mrq_snapshot *snapshot, uint32_t user, const mrq_live_person *person, bool *said, found *list)
{
    const mrq_generation *generation = snapshot->generation;
    const mrq_lists *likes = generation->tower->liked ? &generation->tower->history.list : NULL;
    const uint64_t *offset = user == MRQ_NONE ? (const uint64_t[]){0, 0} : generation->seen.offset + user;
    uint32_t n = 0;
    for (uint32_t i = 0; i < person->n; i++) {
        const uint32_t item = person->said[i].row;
        said[item] = true;
        if (person->said[i].opinion != MRQ_FORGOTTEN)
            list[n++] = (found){item, snapshot->ratings[item], likes && person->said[i].opinion == MRQ_LIKED, 0};
    }
    for (uint64_t i = offset[0]; i < offset[1]; i++) {
        const uint32_t item = generation->seen.item[i];
        if (!said[item])
            list[n++] = (found){item, snapshot->ratings[item], likes && mrq_lists_find(likes, user, item) != UINT64_MAX, 0};
    }
    return n;
}

mrq_status mrq_find_user(mrq_snapshot *snapshot, const mrq_query *query, const mrq_live_view *live, mrq_cached_answer **out,
                         mrq_error *err)
{
    static const mrq_live_person nothing = {0};
    const char *id = mrq_query_text(query, MRQ_Q_USER);
    const uint32_t k = (uint32_t)mrq_query_number(query, MRQ_Q_K, mrq_k_default(MRQ_ASK_USER));
    const mrq_generation *generation = snapshot->generation;
    const mrq_live_person *person = live ? &live->person : &nothing;
    const mrq_table *users = generation->users;
    const uint32_t user = person->erased ? MRQ_NONE : mrq_table_find(users, id, strlen(id));
    if (user == MRQ_NONE && !person->n && !person->n_features)
        return mrq_fail(err, MRQ_NOT_FOUND, "user %.40s: not among the %u users of the data", id, users->rows);
    const uint64_t rated = user == MRQ_NONE ? 0 : generation->seen.offset[user + 1] - generation->seen.offset[user];
    MRQ_AUTOFREE found *list = mrq_array(rated + person->n, sizeof *list);
    MRQ_AUTOFREE uint32_t *row = mrq_array(rated + person->n, sizeof *row);
    MRQ_AUTOFREE bool *said = mrq_array(generation->items->rows, sizeof *said);
    if (!list || !row || !said)
        return mrq_fail_memory(err, "answering");
    const uint32_t n = list_had(snapshot, user, person, said, list);
    mrq_print print = {0};
    mrq_print_begin(&print, generation);
    mrq_print_key(&print, "user");
    mrq_print_open(&print, '{');
    mrq_print_key(&print, "id");
    mrq_print_text(&print, id);
    if (user != MRQ_NONE)
        print_features(&print, users, user);
    mrq_print_key(&print, "ratings");
    mrq_print_whole(&print, n);
    if (generation->tower->liked) {
        int64_t liked = 0;
        for (uint32_t i = 0; i < n; i++)
            liked += list[i].first;
        mrq_print_key(&print, "likes");
        mrq_print_whole(&print, liked);
    }
    mrq_print_close(&print, '}');
    return finish_list(snapshot, user, &print, row, rank_rows(list, n, k, row), out, err);
}
