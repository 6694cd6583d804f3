/* Values are drawn from what the generation knows, so that every query can be answered. Each is written as a path first, which
 * tells whether there is one like it already, and is what the service will be asked. */
#include "queries.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"

enum { LIKED = 3, PATH_MAX_SIZE = 1000, TRIES = 50 };

/* What a query is drawn from. */
struct source {
    const mrq_generation *generation;
    const mrq_column *age, *gender, *job, *genre; /* NULL where the data does not tell */
    int year_from, year_to;                       /* 0: unknown */
    mrq_random random;
};

/* What was drawn; a NULL or a 0 is not asked for. */
struct drawn {
    const char *age, *gender, *job, *genre;
    const char *user, *liked[LIKED];
    uint32_t k;
    int year_from, year_to;
};

void mrq_bench_queries_free(mrq_bench_queries *queries)
{
    if (!queries)
        return;
    for (uint32_t i = 0; queries->query && i < queries->n; i++)
        mrq_query_clear(&queries->query[i]);
    mrq_arena_free(queries->arena);
    mrq_dict_free(queries->path);
    free(queries);
}

static uint32_t draw(struct source *s, uint32_t n)
{
    return (uint32_t)mrq_random_below(&s->random, n);
}

static const mrq_column *category(const mrq_table *users, const char *name)
{
    const mrq_column *column = mrq_table_column(users, name);
    return column && column->kind == MRQ_CATEGORY && column->dict.n ? column : NULL;
}

static void find_years(struct source *s)
{
    const mrq_table *items = s->generation->items;
    const mrq_column *year = mrq_table_column(items, "year");
    for (uint32_t m = 0; year && year->kind == MRQ_NUMBER && m < items->rows; m++) {
        if (!isfinite(year->number[m]) || year->number[m] < 1 || year->number[m] > MRQ_YEAR_MAX)
            continue;
        const int y = (int)year->number[m];
        s->year_from = !s->year_from || y < s->year_from ? y : s->year_from;
        s->year_to = y > s->year_to ? y : s->year_to;
    }
}

static const char *value(struct source *s, const mrq_column *column)
{
    return mrq_strings_at(&column->dict, draw(s, column->dict.n));
}

/* Who asks. */
static void draw_person(struct source *s, struct drawn *q)
{
    const mrq_table *users = s->generation->users, *items = s->generation->items;
    const uint32_t kind = draw(s, 8); /* 0 to 3: a user; 4 to 6: age, gender and job; 7: liked items */
    const bool features = s->age && s->gender && s->job, feedback = s->generation->tower->has_history;
    if (kind < 4 || (!features && !feedback)) {
        q->user = mrq_table_id(users, draw(s, users->rows));
    } else if (features && (kind < 7 || !feedback)) {
        q->age = value(s, s->age);
        q->gender = value(s, s->gender);
        q->job = value(s, s->job);
    } else {
        for (int i = 0; i < LIKED; i++)
            q->liked[i] = mrq_table_id(items, draw(s, items->rows));
    }
}

static void draw_query(struct source *s, struct drawn *q)
{
    *q = (struct drawn){.user = NULL};
    draw_person(s, q);
    q->k = draw(s, 2) ? MRQ_K_DEFAULT : 1 + draw(s, 10);
    if (s->genre && draw(s, 4) == 0)
        q->genre = value(s, s->genre);
    if (s->year_to && draw(s, 8) == 0) {
        q->year_from = s->year_from + (int)draw(s, (uint32_t)(s->year_to - s->year_from) + 1);
        q->year_to = q->year_from + (int)draw(s, 20);
    }
}

/* A query and the path that asks the same. */
struct writing {
    mrq_query *query;
    char *path; /* (PATH_MAX_SIZE) */
    mrq_status status;
    mrq_error *err;
};

/* "&key=text", the text with percent signs where it needs them. */
static void add(struct writing *w, mrq_field_index field, const char *text)
{
    char *path = w->path;
    size_t n = strlen(path);
    n += (size_t)snprintf(path + n, PATH_MAX_SIZE - n, "%s%s=", path[n - 1] == '?' ? "" : "&", mrq_query_fields[field].name);
    for (const char *p = text; *p && n + 4 < PATH_MAX_SIZE; p++)
        n += (size_t)snprintf(path + n, PATH_MAX_SIZE - n, isalnum((unsigned char)*p) || strchr("-,", *p) ? "%c" : "%%%02X",
                              (unsigned char)*p);
    if (w->status == MRQ_OK)
        w->status = mrq_query_put_list(w->query, field, text, w->err);
}

static mrq_status write_query(const struct drawn *q, mrq_query *query, char path[PATH_MAX_SIZE], mrq_error *err)
{
    struct writing w = {query, path, MRQ_OK, err};
    char text[3 * MRQ_ID_BYTES + 3];
    snprintf(path, PATH_MAX_SIZE, "/v1/recommendations?");
    if (q->age) {
        add(&w, MRQ_Q_AGE, q->age);
        add(&w, MRQ_Q_GENDER, q->gender);
        add(&w, MRQ_Q_JOB, q->job);
    }
    if (q->user)
        add(&w, MRQ_Q_USER, q->user);
    if (q->liked[0]) {
        snprintf(text, sizeof text, "%s,%s,%s", q->liked[0], q->liked[1], q->liked[2]);
        add(&w, MRQ_Q_LIKED, text);
    }
    snprintf(text, sizeof text, "%u", q->k);
    add(&w, MRQ_Q_K, text);
    if (q->genre)
        add(&w, MRQ_Q_GENRE, q->genre);
    if (q->year_from) {
        snprintf(text, sizeof text, "%d-%d", q->year_from, q->year_to);
        add(&w, MRQ_Q_YEAR, text);
    }
    return w.status;
}

mrq_status mrq_bench_queries_make(const mrq_generation *generation, uint32_t n, mrq_bench_queries **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_bench_queries_free) mrq_bench_queries *queries = calloc(1, sizeof *queries);
    if (!queries || !(queries->arena = mrq_arena_new()) || !(queries->path = mrq_dict_new()) ||
        !(queries->query = mrq_arena_array(queries->arena, n, sizeof *queries->query)))
        return mrq_fail_memory(err, "making queries");
    struct source s = {.generation = generation,
                       .age = category(generation->users, "age"),
                       .gender = category(generation->users, "gender"),
                       .job = category(generation->users, "job"),
                       .genre = mrq_table_first(generation->items, MRQ_SET)};
    mrq_random_init(&s.random, 1, 0);
    find_years(&s);
    for (uint64_t tries = 0; queries->n < n; tries++) {
        char path[PATH_MAX_SIZE];
        struct drawn drawn;
        mrq_query *q = &queries->query[queries->n];
        if (tries == (uint64_t)n * TRIES)
            return mrq_fail(err, MRQ_USAGE, "the store has %u different queries, want %u", queries->n, n);
        draw_query(&s, &drawn);
        mrq_query_clear(q);
        MRQ_TRY(write_query(&drawn, q, path, err));
        const uint32_t at = mrq_dict_add(queries->path, path, strlen(path));
        if (at == MRQ_NONE)
            return mrq_fail_memory(err, "making queries");
        queries->n += at == queries->n; /* else there is one like it */
    }
    *out = queries;
    queries = NULL;
    return MRQ_OK;
}

mrq_status mrq_bench_queries_write(const mrq_bench_queries *queries, const char *path, mrq_error *err)
{
    const mrq_strings paths = mrq_dict_strings(queries->path);
    char *text = mrq_array(paths.offset[paths.n] + (size_t)1, 1); /* a NUL each becomes a line end */
    if (!text)
        return mrq_fail_memory(err, "writing queries");
    for (uint32_t i = 0; i < paths.n; i++)
        sprintf(text + paths.offset[i], "%s\n", mrq_strings_at(&paths, i));
    const mrq_status status = mrq_file_write(path, text, paths.offset[paths.n], err);
    mrq_free(text);
    return status;
}
