/* Answers as a table: a line that says what was asked, as it was understood, and a row a movie. */
#include "print_answer.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"
#include "base/writer.h"

struct row {
    const char *title, *genres;
};

/* The text in exactly `width` columns: padded, or cut with dots. Control characters are not for the terminal. */
static void print_cell(const char *text, size_t width)
{
    const size_t all = mrq_utf8_columns(text), room = all > width ? width - 1 : all;
    size_t n = 0;
    for (; *text; text++) {
        n += ((unsigned char)*text & 0xc0) != 0x80;
        if (n > room)
            break;
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    }
    if (all > width)
        fputs("…", stdout);
    printf("%*s", all < width ? (int)(width - all) : 0, "");
}

/* The members of a set, with commas, in the arena; NULL when out of memory. */
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

/* Columns of the terminal; 0 where stdout is none. */
static size_t terminal_width(void)
{
    struct winsize window;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

/* Cuts the two text columns to what the terminal leaves them; genres give way first, down to a third. Elsewhere nothing is cut. */
static void fit(size_t others, size_t *title, size_t *genres)
{
    const size_t columns = terminal_width();
    if (columns < others + 30)
        return;
    const size_t room = columns - others;
    if (*title + *genres <= room)
        return;
    if (*genres > room / 3)
        *genres = room > *title + room / 3 ? room - *title : room / 3;
    if (*title > room - *genres)
        *title = room - *genres;
}

/* Whether a feature's value does not say what it is: 25-34 does not, "female" does. */
static bool needs_name(const char *feature, const char *word)
{
    return strcmp(feature, "age") == 0 || isdigit((unsigned char)*word);
}

/* Four decimals, as a score has; never -0. */
static double rounded(double score)
{
    return round(score * 1e4) / 1e4 + 0.0;
}

/* ", age 25-34 +0.0200", ", user 4 +0.1000". */
static void write_part(mrq_writer *out, const mrq_generation *generation, const mrq_score_part *part)
{
    if (part->kind == MRQ_PART_USER) {
        mrq_writer_put(out, ", user %lld %+.4f", (long long)generation->users->id[part->value], rounded(part->score));
        return;
    }
    const mrq_column *column = mrq_table_column(generation->users, part->input);
    const char *word = mrq_strings_at(column->label.n ? &column->label : &column->dict, part->value);
    const bool named = needs_name(part->input, word);
    mrq_writer_put(out, ", %s%s%s %+.4f", named ? part->input : "", named ? " " : "", word, rounded(part->score));
}

/* "because you liked A (+0.1100), B (+0.0800), C (+0.0700) and 40 others (+0.3100)": those that speak most for it, and the rest
 * together. */
static void write_liked(mrq_writer *out, const mrq_generation *generation, const mrq_score_part *part, uint32_t n)
{
    enum { TOLD = 3 };
    const mrq_column *title = mrq_table_first(generation->movies, MRQ_TEXT);
    uint32_t liked = 0, best = 0;
    double rest = 0;
    for (uint32_t i = 0; i < n; i++)
        if (part[i].kind == MRQ_PART_MOVIE && strcmp(part[i].input, "disliked") != 0) {
            liked++;
            best += best < TOLD && part[i].score > 0;
            rest += part[i].score;
        }
    if (liked && !best)
        mrq_writer_put(out, ", %u liked movie%s %+.4f", liked, liked == 1 ? "" : "s", rounded(rest));
    uint32_t told = 0;
    for (uint32_t i = 0; told < best; i++) {
        if (part[i].kind != MRQ_PART_MOVIE || strcmp(part[i].input, "disliked") == 0 || part[i].score <= 0)
            continue;
        const bool last = ++told == best && best == liked;
        mrq_writer_put(out, "%s", told == 1 ? ", because you liked " : last ? " and " : ", ");
        if (title)
            mrq_writer_put(out, "%s", mrq_strings_at(&title->text, part[i].value));
        else
            mrq_writer_put(out, "%lld", (long long)generation->movies->id[part[i].value]);
        mrq_writer_put(out, " (%+.4f)", rounded(part[i].score));
        rest -= part[i].score;
    }
    if (best && best < liked)
        mrq_writer_put(out, " and %u other%s (%+.4f)", liked - best, liked - best == 1 ? "" : "s", rounded(rest));
}

/* Prints words, on a terminal broken between them, `indent` columns from the left. */
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

/* "base 0.1200, age 25-34 +0.0200, female -0.0100, 2 disliked movies -0.0300, because you liked ...": the sum is the score. */
static mrq_status print_why(const mrq_generation *generation, const mrq_explanation *why, uint32_t place, mrq_error *err)
{
    const mrq_score_part *part = why->part + (size_t)place * why->n;
    MRQ_CLEANUP(mrq_writer_close) mrq_writer out = {0};
    mrq_writer_open(&out);
    mrq_writer_put(&out, "base %.4f", rounded(why->base[place]));
    uint32_t disliked = 0;
    double sum = 0;
    for (uint32_t i = 0; i < why->n; i++) {
        if (part[i].kind != MRQ_PART_MOVIE) {
            write_part(&out, generation, &part[i]);
        } else if (strcmp(part[i].input, "disliked") == 0) {
            disliked++;
            sum += part[i].score;
        }
    }
    if (disliked)
        mrq_writer_put(&out, ", %u disliked movie%s %+.4f", disliked, disliked == 1 ? "" : "s", rounded(sum));
    write_liked(&out, generation, part, why->n);
    if (out.failed)
        return mrq_fail_memory(err, "printing the answer");
    print_paragraph(out.data, 6);
    return MRQ_OK;
}

static mrq_status print_rows(const mrq_generation *generation, const mrq_answer *answer, mrq_error *err)
{
    const mrq_table *movies = generation->movies;
    const mrq_column *title = mrq_table_first(movies, MRQ_TEXT), *genres = mrq_table_first(movies, MRQ_SET);
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    struct row *rows = arena ? mrq_arena_array(arena, answer->n, sizeof *rows) : NULL;
    if (!rows)
        return mrq_fail_memory(err, "printing the answer");
    size_t id_width = 2, title_width = 5, genres_width = 6;
    for (uint32_t i = 0; i < answer->n; i++) {
        const uint32_t movie = answer->item[i].movie;
        rows[i].title = title ? mrq_strings_at(&title->text, movie) : "";
        rows[i].genres = genres ? join(genres, movie, arena) : "";
        if (!rows[i].genres)
            return mrq_fail_memory(err, "printing the answer");
        const size_t widths[] = {(size_t)snprintf(NULL, 0, "%lld", (long long)movies->id[movie]), mrq_utf8_columns(rows[i].title),
                                 mrq_utf8_columns(rows[i].genres)};
        id_width = widths[0] > id_width ? widths[0] : id_width;
        title_width = widths[1] > title_width ? widths[1] : title_width;
        genres_width = widths[2] > genres_width ? widths[2] : genres_width;
    }
    fit(4 + 2 + id_width + 2 + 2 + 1 + 7, &title_width, &genres_width);
    printf("rank  %*s  ", (int)id_width, "id");
    print_cell("title", title_width);
    fputs("  ", stdout);
    print_cell("genres", genres_width);
    puts("   score");
    for (uint32_t i = 0; i < answer->n; i++) {
        printf("%4u  %*lld  ", i + 1, (int)id_width, (long long)movies->id[answer->item[i].movie]);
        print_cell(rows[i].title, title_width);
        fputs("  ", stdout);
        print_cell(rows[i].genres, genres_width);
        printf(" %7.4f\n", answer->item[i].score);
        if (answer->why.base)
            MRQ_TRY(print_why(generation, &answer->why, i, err));
    }
    return MRQ_OK;
}

/* Prints text that is not for a terminal to obey. */
static void print_plain(const char *text)
{
    print_cell(text, mrq_utf8_columns(text));
}

/* "likes 3 movies", after what there is in front of it. Returns whether it said something. */
static bool print_liking(const cJSON *query, const char *key, const char *verb, const char *before)
{
    const int n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(query, key));
    if (n)
        printf("%s%s %d movie%s", before, verb, n, n == 1 ? "" : "s");
    return n > 0;
}

/* "age 25-34, female, programmer, user 4 (21 rated movies left out), likes 3 movies" or "someone who likes 3 movies and dislikes 1
 * movie". A dislike alone never stands first: a stranger has to tell more. */
static void print_person(const mrq_generation *generation, const cJSON *query, int64_t user)
{
    const char *comma = "";
    const cJSON *feature;
    cJSON_ArrayForEach(feature, query)
    {
        const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(feature, "value"));
        const char *label = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(feature, "label"));
        if (!value)
            continue;
        const char *word = label ? label : value;
        const bool named = needs_name(feature->string, word);
        printf("%s%s%s", comma, named ? feature->string : "", named ? " " : "");
        print_plain(word);
        comma = ", ";
    }
    if (user >= 0) {
        const uint64_t *offset = generation->seen.offset + mrq_table_find(generation->users, user);
        const unsigned long long seen = offset[1] - offset[0];
        const bool included = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(query, "include_seen"));
        printf("%suser %lld (%llu rated movie%s %s)", comma, (long long)user, seen, seen == 1 ? "" : "s",
               included ? "included" : "left out");
        comma = ", ";
    }
    const bool someone = !*comma;
    if (print_liking(query, "liked", "likes", someone ? "someone who " : comma))
        comma = someone ? " and " : ", ";
    print_liking(query, "disliked", "dislikes", comma);
}

/* "; Comedy or Drama, 1990-1999, without 2 movies". */
static void print_filters(const cJSON *query)
{
    const char *before = "; ";
    const cJSON *genre, *genres = cJSON_GetObjectItemCaseSensitive(query, "genre");
    const bool all = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(query, "all_genres"));
    cJSON_ArrayForEach(genre, genres)
    {
        fputs(before, stdout);
        print_plain(genre->valuestring);
        before = all ? " and " : " or ";
    }
    before = genres ? ", " : "; ";
    const char *years = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(query, "year"));
    if (years)
        printf("%s%s", before, years);
    before = genres || years ? ", " : "; ";
    const int excluded = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(query, "exclude"));
    if (excluded)
        printf("%swithout %d movie%s", before, excluded, excluded == 1 ? "" : "s");
}

/* "Top 5 for ..." or "Top 5 like Toy Story (1995)". */
static mrq_status print_head(const mrq_generation *generation, const mrq_answer *answer, int64_t user, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *query = NULL;
    MRQ_TRY(mrq_json_parse(answer->query, strlen(answer->query), "query", &query, err));
    const cJSON *movie = cJSON_GetObjectItemCaseSensitive(query, "movie");
    const char *title = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(movie, "title"));
    printf(answer->n ? "Top %u " : "Nothing is left ", answer->n);
    fputs(movie ? "like " : "for ", stdout);
    if (!movie)
        print_person(generation, query, user);
    else
        print_plain(title ? title : "the movie");
    print_filters(query);
    putchar('\n');
    return MRQ_OK;
}

mrq_status print_answer(const mrq_generation *generation, const mrq_answer *answer, int64_t user, bool json, mrq_error *err)
{
    if (json) {
        MRQ_AUTOFREE char *text = mrq_answer_json(generation, answer);
        if (!text)
            return mrq_fail_memory(err, "printing the answer");
        fputs(text, stdout);
        return MRQ_OK;
    }
    MRQ_TRY(print_head(generation, answer, user, err));
    return answer->n ? print_rows(generation, answer, err) : MRQ_OK;
}

mrq_status run_json_command(json_command *command, int argc, char **argv, mrq_error *err)
{
    bool json = false; /* looked for before the options are read: the one that is wrong may stand first */
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
