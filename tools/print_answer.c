/* Prints answers as a table: a line that describes the query as it was understood, then a row for each item. */
#include "print_answer.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend_option.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/writer.h"
#include "command.h"
#include "engine/answer.h"
#include "engine/json.h"
#include "query_options.h"

struct row {
    const char *title, *genres, *shown[MRQ_SHOW_MAX];
};

/* Prints the text in exactly `width` columns: padded, or cut and ended with "…". Control characters are printed as '?'. */
static void print_cell(const char *text, size_t width)
{
    const size_t all = mrq_utf8_columns(text), limit = all > width ? width - 1 : all;
    size_t n = 0;
    for (; *text; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
        if (n > limit)
            break;
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    }
    if (all > width)
        fputs("…", stdout);
    printf("%*s", all < width ? (int)(width - all) : 0, "");
}

/* The members of a set, separated by commas, in the arena; NULL if out of memory. */
static const char *join(const mrq_column *column, uint32_t row, mrq_arena *arena)
{
    size_t size = 1;
    const uint64_t first = column->list.offset[row], end = column->list.offset[row + 1];
    for (uint64_t i = first; i < end; i++)
        size += mrq_strings_size(&column->dict, column->list.item[i]) + 2;
    char *text = mrq_arena_array(arena, size, 1), *at = text;
    for (uint64_t i = first; text && i < end; i++)
        at += sprintf(at, "%s%s", i > first ? ", " : "", mrq_strings_at(&column->dict, column->list.item[i]));
    return text;
}

/* A value as text; NULL if out of memory. */
static const char *text_of(const mrq_column *column, uint32_t row, mrq_arena *arena)
{
    const mrq_strings *words = column->label.n ? &column->label : &column->dict;
    switch (column->kind) {
    case MRQ_CATEGORY:
        return column->code[row] == MRQ_NONE ? "" : mrq_strings_at(words, column->code[row]);
    case MRQ_SET:
        return join(column, row, arena);
    case MRQ_TEXT:
        return mrq_strings_at(&column->text, row);
    case MRQ_NUMBER:
        break;
    }
    char *text = mrq_arena_array(arena, MRQ_EXACT_TEXT, 1);
    if (text && isfinite(column->number[row]))
        mrq_exact_text(column->number[row], text);
    return text;
}

/* Columns of the terminal; 0 if stdout is not a terminal. */
static size_t terminal_width(void)
{
    struct winsize window;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

/* Reduces the widths of the two text columns so that a row fits the terminal: genres first, down to a third of what the two share.
 * Without a terminal, or on a very narrow one, nothing is reduced. */
static void fit(size_t others, size_t *title, size_t *genres)
{
    const size_t columns = terminal_width();
    if (columns < others + 30)
        return;
    const size_t both = columns - others;
    if (*title + *genres <= both)
        return;
    if (*genres > both / 3)
        *genres = both > *title + both / 3 ? both - *title : both / 3;
    if (*title > both - *genres)
        *title = both - *genres;
}

/* Whether a category's value needs the column's name before it: 25-34, "under 1.5" and "unknown" do, "female" does not. */
static bool needs_name(const mrq_column *column, const char *word)
{
    return column->bound || strcmp(column->name, "age") == 0 || isdigit((unsigned char)*word) || strcmp(word, "unknown") == 0;
}

/* Rounds to four decimals, as scores are printed; never -0. */
static double rounded(double score)
{
    return round(score * 1e4) / 1e4 + 0.0;
}

/* ", age 25-34 +0.0200", ", pets cat,dog +0.0100", ", no pets -0.0100", ", user 4 +0.1000". */
static void write_part(mrq_writer *out, const mrq_generation *generation, const mrq_resolved *query, const mrq_score_part *part)
{
    if (part->kind == MRQ_PART_USER) {
        mrq_writer_put(out, ", user %s %+.4f", mrq_table_id(generation->users, part->value), rounded(part->score));
        return;
    }
    const mrq_column *column = mrq_table_column(generation->users, part->input);
    if (column->kind == MRQ_SET) {
        const char *words = query->feature[part->value].words;
        mrq_writer_put(out, ", %s%s%s%s %+.4f", *words ? "" : "no ", part->input, *words ? " " : "", words, rounded(part->score));
        return;
    }
    const char *word = mrq_strings_at(column->label.n ? &column->label : &column->dict, part->value);
    const bool named = needs_name(column, word);
    mrq_writer_put(out, ", %s%s%s %+.4f", named ? part->input : "", named ? " " : "", word, rounded(part->score));
}

/* "because you liked A (+0.1100), B (+0.0800), C (+0.0700) and 40 others (+0.3100)": the liked items that add most to the score,
 * then the sum of the others. */
static void write_liked(mrq_writer *out, const mrq_generation *generation, const mrq_score_part *part, uint32_t n)
{
    enum { NAMED = 3 };
    const mrq_column *title = mrq_table_first(generation->items, MRQ_TEXT);
    uint32_t liked = 0, best = 0;
    double rest = 0;
    for (uint32_t i = 0; i < n; i++)
        if (part[i].kind == MRQ_PART_ITEM && strcmp(part[i].input, "disliked") != 0) {
            liked++;
            best += best < NAMED && part[i].score > 0;
            rest += part[i].score;
        }
    if (liked && !best)
        mrq_writer_put(out, ", %u liked %s %+.4f", liked, mrq_table_noun(generation->items, liked), rounded(rest));
    uint32_t named = 0;
    for (uint32_t i = 0; named < best; i++) {
        if (part[i].kind != MRQ_PART_ITEM || strcmp(part[i].input, "disliked") == 0 || part[i].score <= 0)
            continue;
        const bool last = ++named == best && best == liked;
        mrq_writer_put(out, "%s", named == 1 ? ", because you liked " : last ? " and " : ", ");
        mrq_writer_put(out, "%s",
                       title ? mrq_strings_at(&title->text, part[i].value) : mrq_table_id(generation->items, part[i].value));
        mrq_writer_put(out, " (%+.4f)", rounded(part[i].score));
        rest -= part[i].score;
    }
    if (best && best < liked)
        mrq_writer_put(out, " and %u other%s (%+.4f)", liked - best, liked - best == 1 ? "" : "s", rounded(rest));
}

/* Prints words, indented by `indent` columns; on a terminal wrapped to its width. */
static void print_paragraph(char *text, int indent)
{
    const size_t columns = terminal_width();
    size_t at = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        const size_t width = mrq_utf8_columns(word);
        if (!at || (columns && at + 1 + width > columns)) {
            printf("%s%*s", at ? "\n" : "", indent, "");
            at = (size_t)indent;
        } else {
            putchar(' ');
            at++;
        }
        print_cell(word, width);
        at += width;
    }
    putchar('\n');
}

/* "base 0.1200, age 25-34 +0.0200, female -0.0100, 2 disliked items -0.0300, because you liked ...": the sum is the score. */
static mrq_status print_why(const mrq_generation *generation, const mrq_content *answer, uint32_t place, mrq_error *err)
{
    const mrq_explanation *why = &answer->why;
    const mrq_score_part *part = why->part + (size_t)place * why->n;
    MRQ_CLEANUP(mrq_writer_close) mrq_writer out = {0};
    mrq_writer_open(&out);
    mrq_writer_put(&out, "base %.4f", rounded(why->base[place]));
    uint32_t disliked = 0;
    double sum = 0;
    for (uint32_t i = 0; i < why->n; i++) {
        if (part[i].kind != MRQ_PART_ITEM) {
            write_part(&out, generation, &answer->query, &part[i]);
        } else if (strcmp(part[i].input, "disliked") == 0) {
            disliked++;
            sum += part[i].score;
        }
    }
    if (disliked)
        mrq_writer_put(&out, ", %u disliked %s %+.4f", disliked, mrq_table_noun(generation->items, disliked), rounded(sum));
    write_liked(&out, generation, part, why->n);
    if (out.failed)
        return mrq_fail_memory(err, "printing the answer");
    print_paragraph(out.data, 6);
    return MRQ_OK;
}

/* What the table's columns hold, and how wide they are. */
typedef struct table {
    struct row *row; /* (n) */
    uint32_t n_shown;
    const mrq_column *const *shown; /* (n_shown) */
    size_t id, title, genres, width[MRQ_SHOW_MAX];
} table;

static void widen(size_t *width, const char *text)
{
    const size_t columns = mrq_utf8_columns(text);
    *width = columns > *width ? columns : *width;
}

/* Fills a row, in the arena; false if out of memory. */
static bool fill_row(const mrq_table *items, uint32_t item, mrq_arena *arena, table *t, struct row *row)
{
    const mrq_column *title = mrq_table_first(items, MRQ_TEXT), *genres = mrq_table_first(items, MRQ_SET);
    row->title = title ? mrq_strings_at(&title->text, item) : "";
    row->genres = genres ? join(genres, item, arena) : "";
    if (!row->genres)
        return false;
    widen(&t->id, mrq_table_id(items, item));
    widen(&t->title, row->title);
    widen(&t->genres, row->genres);
    for (uint32_t s = 0; s < t->n_shown; s++) {
        row->shown[s] = text_of(t->shown[s], item, arena);
        if (!row->shown[s])
            return false;
        widen(&t->width[s], row->shown[s]);
    }
    return true;
}

static mrq_status lay_out(const mrq_generation *generation, const mrq_content *answer, mrq_arena *arena, table *t, mrq_error *err)
{
    *t = (table){.n_shown = answer->query.n_shown, .shown = answer->query.shown, .id = 2, .title = 5, .genres = 6};
    t->row = mrq_arena_array(arena, answer->n, sizeof *t->row);
    size_t others = 2 * 2;
    for (uint32_t i = 0; i < answer->n; i++)
        if (!t->row || !fill_row(generation->items, answer->hit[i].item, arena, t, &t->row[i]))
            return mrq_fail_memory(err, "printing the answer");
    for (uint32_t s = 0; s < t->n_shown; s++) {
        widen(&t->width[s], t->shown[s]->name);
        others += 2 + t->width[s];
    }
    fit(others + 4 + t->id + 2 + 1 + 7, &t->title, &t->genres);
    return MRQ_OK;
}

/* Prints the cells after the id; `row` NULL: their names. */
static void print_cells(const table *t, const struct row *row)
{
    print_cell(row ? row->title : "title", t->title);
    fputs("  ", stdout);
    print_cell(row ? row->genres : "genres", t->genres);
    for (uint32_t s = 0; s < t->n_shown; s++) {
        fputs("  ", stdout);
        print_cell(row ? row->shown[s] : t->shown[s]->name, t->width[s]);
    }
}

/* The head of the last column, by the list's order. */
static const char *const value_names[] = {
    [MRQ_BY_TITLE] = "   score", [MRQ_POPULAR] = "  events", [MRQ_RECENT] = "  first     ", [MRQ_TRENDING] = "   trend"};

/* Prints the last column: a score, a number of events, the day of the first event (`dated`) or a year, or a trend. */
static void print_value(mrq_order order, bool dated, double value)
{
    char day[MRQ_UTC_TEXT] = "unknown";
    if (order == MRQ_RECENT && isfinite(value) && !dated)
        snprintf(day, sizeof day, "%.0f", value);
    else if (order == MRQ_RECENT && isfinite(value))
        mrq_utc_text((int64_t)value, day);
    if (order == MRQ_RECENT)
        printf("  %.10s\n", day);
    else
        printf(order == MRQ_POPULAR ? " %7.0f\n" : order == MRQ_TRENDING ? " %7.2f\n" : " %7.4f\n", value);
}

static mrq_status print_rows(const mrq_generation *generation, const mrq_content *answer, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    table t;
    if (!arena)
        return mrq_fail_memory(err, "printing the answer");
    MRQ_TRY(lay_out(generation, answer, arena, &t, err));
    printf("rank  %*s  ", (int)t.id, "id");
    print_cells(&t, NULL);
    puts(value_names[answer->query.order]);
    for (uint32_t i = 0; i < answer->n; i++) {
        const char *id = mrq_table_id(generation->items, answer->hit[i].item);
        printf("%4u  %*s%s  ", answer->query.offset + i + 1, (int)(t.id - mrq_utf8_columns(id)), "", id);
        print_cells(&t, &t.row[i]);
        print_value(answer->query.order, generation->times.first != NULL, answer->hit[i].score);
        if (answer->why.base)
            MRQ_TRY(print_why(generation, answer, i, err));
    }
    return MRQ_OK;
}

/* Prints text with its control characters replaced. */
static void print_plain(const char *text)
{
    print_cell(text, mrq_utf8_columns(text));
}

/* Prints `before` and "likes 3 items". Returns false, and prints nothing, if there are no such items. */
static bool print_liking(const mrq_query_feedback *feedback, const mrq_table *items, bool likes, const char *before)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < feedback->n; i++)
        n += (feedback->given[i] > 0) == likes;
    if (n)
        printf("%s%s %u %s", before, likes ? "likes" : "dislikes", n, mrq_table_noun(items, n));
    return n > 0;
}

/* "age 25-34", "female", "height 1.8", "pets cat,dog". */
static void print_feature(const mrq_feature *feature)
{
    const mrq_column *column = feature->column;
    const mrq_strings *words = column->label.n ? &column->label : &column->dict;
    const char *word = column->kind == MRQ_CATEGORY ? mrq_strings_at(words, feature->code) : NULL;
    const bool named = !word || needs_name(column, word);
    if (named)
        print_plain(column->name);
    if (word) {
        fputs(named ? " " : "", stdout);
        print_plain(word);
    }
    if (column->kind == MRQ_NUMBER)
        printf(" %.15g", feature->number);
    if (column->kind == MRQ_SET) {
        putchar(' ');
        print_plain(feature->words);
    }
}

/* "age 25-34, female, programmer, user 4 (21 rated items left out), likes 3 items"; or "someone who likes 3 items and dislikes 1
 * item"; or, if the query says nothing about the person, "someone". */
static void print_person(const mrq_generation *generation, const mrq_resolved *query)
{
    const char *comma = "";
    for (uint32_t i = 0; i < query->n_features; i++) {
        const mrq_feature *feature = &query->feature[i];
        if (feature->column->kind == MRQ_SET && !feature->n_members)
            continue;
        fputs(comma, stdout);
        print_feature(feature);
        comma = ", ";
    }
    if (query->user != MRQ_NONE) {
        const uint64_t *offset = generation->seen.offset + query->user;
        const unsigned long long seen = offset[1] - offset[0];
        printf("%suser %s (%llu rated %s %s)", comma, mrq_table_id(generation->users, query->user), seen,
               mrq_table_noun(generation->items, seen), query->include_seen ? "included" : "left out");
        comma = ", ";
    }
    if (query->stranger) {
        printf("%suser ", comma);
        print_plain(query->stranger);
        printf(" (not in the data%s)", *comma || query->feedback.n ? "" : ", and nothing else is known: the answer for anybody");
        comma = ", ";
    }
    const bool someone = !*comma;
    if (someone)
        fputs("someone", stdout);
    if (print_liking(&query->feedback, generation->items, true, someone ? " who " : comma))
        comma = someone ? " and " : ", ";
    print_liking(&query->feedback, generation->items, false, *comma ? comma : " who ");
}

/* "Comedy or Drama"; "Comedy and Drama". */
static void print_values(const mrq_condition *c, const char *between)
{
    for (uint32_t i = 0; i < c->n; i++) {
        fputs(i ? between : "", stdout);
        if (c->column->kind == MRQ_NUMBER) {
            char number[MRQ_EXACT_TEXT];
            mrq_exact_text(c->number[i], number);
            fputs(number, stdout);
        } else {
            print_plain(mrq_strings_at(c->column->kind == MRQ_TEXT ? &c->column->text : &c->column->dict, c->code[i]));
        }
    }
}

/* "language en or fr", "author not King", "price < 20". */
static void print_condition(const mrq_condition *c)
{
    static const char *const signs[] = {[MRQ_IS] = "",       [MRQ_IS_NOT] = "not ", [MRQ_IS_ALL] = "", [MRQ_BELOW] = "< ",
                                        [MRQ_UP_TO] = "<= ", [MRQ_ABOVE] = "> ",    [MRQ_FROM] = ">= "};
    print_plain(c->column->name);
    printf(" %s", signs[c->compare]);
    print_values(c, " or ");
}

/* "; Comedy or Drama, 1990-1999, language en, without 2 items". */
static void print_filters(const mrq_generation *generation, const mrq_selection *s)
{
    const char *before = "; ";
    char years[MRQ_YEARS_TEXT];
    uint32_t n;
    const mrq_condition *where = mrq_selection_where(s, &n);
    if (s->n_genre) {
        fputs(before, stdout);
        print_values(s->condition, s->condition->compare == MRQ_IS_ALL ? " and " : " or ");
        before = ", ";
    }
    mrq_years_print(s, years);
    if (*years) {
        printf("%s%s", before, years);
        before = ", ";
    }
    for (uint32_t i = 0; i < n; i++) {
        fputs(before, stdout);
        print_condition(&where[i]);
        before = ", ";
    }
    if (s->n_exclude)
        printf("%swithout %u %s", before, s->n_exclude, mrq_table_noun(generation->items, s->n_exclude));
}

/* "Top 5 for ..." or "Top 5 like Toy Story (1995)". */
static void print_head(const mrq_generation *generation, const mrq_content *answer)
{
    const mrq_resolved *query = &answer->query;
    if (answer->n && query->offset)
        printf("Places %u to %u ", query->offset + 1, query->offset + answer->n);
    else
        printf(answer->n ? "Top %u " : "Nothing is left ", answer->n);
    if (query->order) {
        static const char *const words[] = {[MRQ_POPULAR] = "most popular", [MRQ_RECENT] = "newest", [MRQ_TRENDING] = "trending"};
        printf("of the %s %s", words[query->order], generation->items->noun.many);
    } else if (query->item == MRQ_NONE) {
        fputs("for ", stdout);
        print_person(generation, query);
    } else {
        const mrq_column *title = mrq_table_first(generation->items, MRQ_TEXT);
        fputs("like ", stdout);
        print_plain(title ? mrq_strings_at(&title->text, query->item) : mrq_table_id(generation->items, query->item));
    }
    print_filters(generation, &query->selection);
    putchar('\n');
}

static mrq_status print_answer(mrq_answer *result, bool json, mrq_error *err)
{
    const mrq_generation *generation = mrq_answer_source(result);
    const mrq_content *answer = mrq_answer_content(result);
    if (json) {
        const char *text = mrq_answer_json(result, NULL);
        if (!text)
            return mrq_fail_memory(err, "printing the answer");
        fputs(text, stdout);
        return MRQ_OK;
    }
    print_head(generation, answer);
    return answer->n ? print_rows(generation, answer, err) : MRQ_OK;
}

static void leave(mrq_recommender **recommender)
{
    mrq_recommender_leave(*recommender);
}

static void result_free(mrq_answer **result)
{
    mrq_answer_free(*result);
}

static mrq_status answer_query(mrq_ask what, const query_options *given, const mrq_query *query, const answer_source *from,
                               bool json, mrq_error *err)
{
    __attribute__((cleanup(leave))) mrq_recommender *recommender = NULL;
    __attribute__((cleanup(result_free))) mrq_answer *result = NULL;
    mrq_backend_options where;
    mrq_error inner = {0};
    const char *address = NULL;
    if (!from->no_cache)
        MRQ_TRY(mrq_default_redis(from->redis, &address, err));
    MRQ_TRY(default_backend(from->backend, &where, err));
    const mrq_options options = {.store = mrq_default_store(from->store),
                                 .redis = address,
                                 .backend = where.address,
                                 .backend_token = where.token,
                                 .backend_ca = where.ca};
    if (mrq_recommender_open_for(&options, what, query, &recommender, &inner) != MRQ_OK)
        return mrq_fail_to_open(&inner, from->redis, err);
    if (mrq_recommender_ask(recommender, what, query, &result, &inner) != MRQ_OK)
        return fail_in_options(given, &inner, err);
    mrq_stats stats;
    mrq_recommender_measure(recommender, &stats);
    if (stats.redis_errors) /* also if the answer was found, but counting or storing it failed */
        mrq_log(MRQ_LOG_WARN, "infer", "cache=%s problem=\"%s\"", mrq_answer_cache_state(result), stats.redis_problem);
    return print_answer(result, json, err);
}

mrq_status answer_command(const mrq_command *command, mrq_ask what, const query_options *given, const answer_source *from, int argc,
                          char **argv, bool json, mrq_error *err)
{
    __attribute__((cleanup(mrq_query_clear))) mrq_query query = {0};
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    MRQ_TRY(read_query_options(given, &query, err));
    if (command->arguments_max)
        MRQ_TRY(mrq_query_put(&query, MRQ_Q_ITEM, argv[first], err));
    return answer_query(what, given, &query, from, json, err);
}

mrq_status run_json_command(json_command *command, int argc, char **argv, mrq_error *err)
{
    bool json = false; /* searched for before the options are read, because a wrong option may come before it */
    for (int i = 1; i < argc; i++)
        json = json || strcmp(argv[i], "--json") == 0;
    mrq_error error = {0};
    const mrq_status status = command(argc, argv, &json, &error);
    if (status == MRQ_OK)
        return MRQ_OK;
    MRQ_AUTOFREE char *text = json ? mrq_error_json(&error) : NULL;
    if (text)
        fputs(text, stdout);
    return mrq_fail(err, status, "%s", error.msg);
}
