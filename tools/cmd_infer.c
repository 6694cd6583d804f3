/* marquee infer: the top movies for a person, as a table or as JSON. The engine's sentences begin with the name of what is wrong in
 * the query; here that becomes the option. With --json an error is a document on stdout too, so `--json` is looked for before the
 * options are read: the one that is wrong may stand first. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/option.h"
#include "base/utf8.h"
#include "command.h"
#include "engine/engine.h"

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

/* "Top 5 for age 25-34, female, programmer, user 4 (21 rated movies left out)". */
static mrq_status print_head(const mrq_generation *generation, const mrq_answer *answer, int64_t user, mrq_error *err)
{
    MRQ_CLEANUP(cJSON_Delete) cJSON *query = NULL;
    MRQ_TRY(mrq_json_parse(answer->query, strlen(answer->query), "query", &query, err));
    printf(answer->n ? "Top %u for " : "Nothing is left for ", answer->n);
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
        printf("%s%s%s%s", comma, alone ? "" : feature->string, alone ? "" : " ", word);
        comma = ", ";
    }
    if (user >= 0) {
        const uint64_t *offset = generation->seen.offset + mrq_table_find(generation->users, user);
        const unsigned long long seen = offset[1] - offset[0];
        printf("%suser %lld (%llu rated movie%s left out)", comma, (long long)user, seen, seen == 1 ? "" : "s");
    }
    putchar('\n');
    return MRQ_OK;
}

static mrq_status print_answer(const mrq_generation *generation, const mrq_answer *answer, int64_t user, bool json, mrq_error *err)
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

/* The cache at the address that `option` or else $MARQUEE_REDIS gives; NULL without one. */
static mrq_status open_cache(const char *option, mrq_cache **cache, mrq_error *err)
{
    const char *variable = getenv("MARQUEE_REDIS"), *address = option ? option : variable;
    if (!address || !*address)
        return MRQ_OK;
    mrq_error inner = {0};
    const mrq_status status = mrq_cache_new(address, MRQ_CACHE_TTL_DEFAULT, cache, &inner);
    return status == MRQ_OK ? MRQ_OK : mrq_fail(err, status, "%s: %s", option ? "--redis" : "$MARQUEE_REDIS", inner.msg);
}

/* mrq_recommend(), its complaints about the query in terms of the options. */
static mrq_status recommend(const mrq_generation *generation, mrq_cache *cache, const mrq_query *query, mrq_answer *answer,
                            mrq_error *err)
{
    static const struct {
        const char *name, *option;
    } words[] = {{"age ", "-a"}, {"gender ", "-g"}, {"job ", "-j"}, {"user ", "-i"}};
    mrq_error inner = {0};
    const mrq_status status = mrq_recommend(generation, cache, query, answer, &inner);
    if (status == MRQ_OK)
        return MRQ_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t size = strlen(words[i].name);
        if (strncmp(inner.msg, words[i].name, size) == 0)
            return mrq_fail(err, status, "%s %s", words[i].option, inner.msg + size);
    }
    return mrq_fail(err, status, "%s", inner.msg);
}

static mrq_status infer(int argc, char **argv, bool *json, mrq_error *err)
{
    const char *store = NULL, *redis = NULL;
    bool no_cache = false;
    int64_t k = MRQ_K_DEFAULT;
    mrq_query query = {.user = -1};
    const mrq_option options[] = {
        {"age", 'a', MRQ_OPT_TEXT, &query.age, 0, 0, "AGE", "age in years"},
        {"gender", 'g', MRQ_OPT_TEXT, &query.gender, 0, 0, "GENDER", "M or F, male or female, or a number from 0"},
        {"job", 'j', MRQ_OPT_TEXT, &query.job, 0, 0, "JOB", "an occupation of the data, or its number"},
        {"user", 'i', MRQ_OPT_INT, &query.user, 0, 0x1p63, "USER",
         "a user of the data: fills in what is not given,\nand leaves out the movies he or she has rated"},
        {"top", 'k', MRQ_OPT_INT, &k, 1, MRQ_K_MAX, "K", "so many movies"},
        {"store", 's', MRQ_OPT_TEXT, &store, 0, 0, "DIR", "the store [$MARQUEE_STORE, else ./store]"},
        {"redis", 'r', MRQ_OPT_TEXT, &redis, 0, 0, "ADDRESS",
         "keeps answers there: unix:/path, host:port or\nredis://[user][:password@]host[:port][/database]\n[$MARQUEE_REDIS, else "
         "none]"},
        {"no-cache", 0, MRQ_OPT_FLAG, &no_cache, 0, 0, NULL, "asks no Redis, whatever else says so"},
        {"json", 0, MRQ_OPT_FLAG, json, 0, 0, NULL, "one JSON document instead of the table, errors included"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee infer",
        .synopsis = "-a AGE -g GENDER -j JOB [-i USER] [option...]",
        .about = "The movies that a person is likely to enjoy most, from the store's current generation.",
        .options = options,
        .examples = "  infer -a 25 -g F -j programmer\n  infer -i 4 -k 10 --json\n",
    };
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    query.k = (uint32_t)k;

    MRQ_CLEANUP(mrq_cache_free) mrq_cache *cache = NULL;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    __attribute__((cleanup(mrq_answer_clear))) mrq_answer answer = {0};
    if (!no_cache)
        MRQ_TRY(open_cache(redis, &cache, err));
    MRQ_TRY(mrq_generation_open(mrq_default_store(store), &generation, err));
    MRQ_TRY(recommend(generation, cache, &query, &answer, err));
    if (answer.cache == MRQ_CACHE_DOWN)
        mrq_log(MRQ_LOG_WARN, "infer", "cache=down problem=\"%s\"", mrq_cache_problem(cache));
    return print_answer(generation, &answer, query.user, *json, err);
}

mrq_status cmd_infer(int argc, char **argv, mrq_error *err)
{
    bool json = false; /* also when an option before it is wrong */
    for (int i = 1; i < argc; i++)
        json = json || strcmp(argv[i], "--json") == 0;
    mrq_error error = {0};
    const mrq_status status = infer(argc, argv, &json, &error);
    if (status == MRQ_OK)
        return MRQ_OK;
    MRQ_AUTOFREE char *text = json ? mrq_error_json(&error) : NULL;
    if (text)
        fputs(text, stdout);
    return mrq_fail(err, status, "%s", error.msg);
}
