/* Answers as a table: a line that says what was asked, as it was understood, and a row a movie. */
#include "print_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/utf8.h"

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

/* Cuts the two text columns to what the terminal leaves them; genres give way first, down to a third. Elsewhere nothing is cut. */
static void fit(size_t others, size_t *title, size_t *genres)
{
    struct winsize window;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col < others + 30)
        return;
    const size_t room = window.ws_col - others;
    if (*title + *genres <= room)
        return;
    if (*genres > room / 3)
        *genres = room > *title + room / 3 ? room - *title : room / 3;
    if (*title > room - *genres)
        *title = room - *genres;
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
    }
    return MRQ_OK;
}

/* Prints text that is not for a terminal to obey. */
static void print_plain(const char *text)
{
    print_cell(text, mrq_utf8_columns(text));
}

/* "age 25-34, female, programmer, user 4 (21 rated movies left out)". */
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
        const bool alone = strcmp(feature->string, "age") != 0 && !isdigit((unsigned char)*word); /* "female" says what it is */
        printf("%s%s%s", comma, alone ? "" : feature->string, alone ? "" : " ");
        print_plain(word);
        comma = ", ";
    }
    if (user >= 0) {
        const uint64_t *offset = generation->seen.offset + mrq_table_find(generation->users, user);
        const unsigned long long seen = offset[1] - offset[0];
        const bool included = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(query, "include_seen"));
        printf("%suser %lld (%llu rated movie%s %s)", comma, (long long)user, seen, seen == 1 ? "" : "s",
               included ? "included" : "left out");
    }
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
