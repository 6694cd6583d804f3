/* marquee predict: the score of a user and a movie, by dialogue or from a list of pairs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/option.h"
#include "base/parse.h"
#include "command.h"
#include "store/store.h"
#include "train/evaluate.h"

#define PATH_SIZE 4096

struct predictor {
    mrq_model *model;
    mrq_arena *arena;
    mrq_vectors vectors;
};

static mrq_status open_predictor(const char *path, struct predictor *p, mrq_error *err)
{
    MRQ_TRY(mrq_model_load(path, &p->model, err));
    if (!(p->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "preparing scores");
    MRQ_TRY(mrq_vectors_make(p->model, p->arena, &p->vectors, err));
    return mrq_vectors_update(p->model, &p->vectors, err);
}

static mrq_status find_row(const mrq_table *table, const char *what, const char *text, size_t size, uint32_t *row, mrq_error *err)
{
    int64_t id;
    if (!mrq_parse_int(text, size, 0, INT64_MAX, &id))
        return mrq_fail(err, MRQ_USAGE, "%s \"%.*s\": want an id, a whole number", what, (int)(size < 40 ? size : 40), text);
    *row = mrq_table_find(table, id);
    if (*row == MRQ_NONE)
        return mrq_fail(err, MRQ_NOT_FOUND, "no %s %lld in the model", what, (long long)id);
    return MRQ_OK;
}

static double score(const struct predictor *p, uint32_t user, uint32_t movie)
{
    return mrq_score(p->model, &p->vectors, user, movie);
}

/* The next line without its end; false at the end of the input. */
static bool next_line(FILE *file, char **line, size_t *room, size_t *size)
{
    const ssize_t n = getline(line, room, file);
    if (n < 0)
        return false;
    *size = (size_t)n;
    while (*size && ((*line)[*size - 1] == '\n' || (*line)[*size - 1] == '\r'))
        --*size;
    return true;
}

/* Asks until the answer is good; a script's first bad answer ends it. */
static mrq_status ask(const mrq_table *table, const char *what, char **line, size_t *room, uint32_t *row, bool *end, mrq_error *err)
{
    for (;;) {
        printf("Input %s_id: ", what);
        fflush(stdout);
        size_t size;
        if (!next_line(stdin, line, room, &size)) {
            putchar('\n');
            *end = true;
            return MRQ_OK;
        }
        mrq_error local = {MRQ_OK, ""};
        const mrq_status status = find_row(table, what, *line, size, row, &local);
        if (status == MRQ_OK)
            return MRQ_OK;
        if (!isatty(STDIN_FILENO)) {
            putchar('\n');
            return mrq_fail(err, status, "%s", local.msg);
        }
        printf("%s\n", local.msg);
    }
}

static mrq_status converse(const struct predictor *p, mrq_error *err)
{
    MRQ_AUTOFREE char *line = NULL;
    size_t room = 0;
    for (bool end = false;;) {
        uint32_t user, movie;
        MRQ_TRY(ask(p->model->movies, "movie", &line, &room, &movie, &end, err));
        if (!end)
            MRQ_TRY(ask(p->model->users, "user", &line, &room, &user, &end, err));
        if (end)
            return MRQ_OK;
        printf("Prediction Score is %.2f\n", score(p, user, movie));
    }
}

static mrq_status predict_line(const struct predictor *p, const char *line, size_t size, mrq_error *err)
{
    const size_t first = strcspn(line, " \t"), gap = strspn(line + first, " \t");
    if (strlen(line) < size || !first || !gap || !line[first + gap])
        return mrq_fail(err, MRQ_USAGE, "\"%.40s\": want a user and a movie", line);
    uint32_t user, movie;
    MRQ_TRY(find_row(p->model->users, "user", line, first, &user, err));
    MRQ_TRY(find_row(p->model->movies, "movie", line + first + gap, size - first - gap, &movie, err));
    printf("%.*s %s %.4f\n", (int)first, line, line + first + gap, score(p, user, movie));
    return MRQ_OK;
}

static mrq_status predict_pairs(const struct predictor *p, const char *path, mrq_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file)
        return mrq_fail_errno(err, "cannot open %s", path);
    MRQ_AUTOFREE char *line = NULL;
    size_t room = 0, size;
    mrq_status status = MRQ_OK;
    for (unsigned long number = 1; status == MRQ_OK && next_line(file, &line, &room, &size); number++) {
        line[size] = '\0';
        mrq_error local = {MRQ_OK, ""};
        status = size ? predict_line(p, line, size, &local) : MRQ_OK;
        if (status != MRQ_OK) /* a wrong line makes a bad file; an id that is not there stays what it is */
            status = mrq_fail(err, status == MRQ_USAGE ? MRQ_BAD_FILE : status, "%s:%lu: %s", standard ? "standard input" : path,
                              number, local.msg);
    }
    if (status == MRQ_OK && ferror(file))
        status = mrq_fail_errno(err, "cannot read %s", path);
    if (!standard)
        fclose(file);
    return status;
}

mrq_status cmd_predict(int argc, char **argv, mrq_error *err)
{
    const char *model = NULL, *store = NULL, *pairs = NULL;
    const mrq_option options[] = {
        {"model", 'm', MRQ_OPT_TEXT, &model, 0, 0, "FILE", "a model file; without it, the model of the store"},
        {"store", 's', MRQ_OPT_TEXT, &store, 0, 0, "DIR", "the store [$MARQUEE_STORE, else ./store]"},
        {"pairs", 'p', MRQ_OPT_TEXT, &pairs, 0, 0, "FILE",
         "lines `user movie` to score, - for standard input;\nprints `user movie score` for each"},
        {0},
    };
    const mrq_command command = {
        "marquee predict",
        "[--model FILE | --store DIR] [--pairs FILE|-]",
        "Predicts how a user of the data would rate a movie. Without --pairs it asks for ids until the input ends.",
        options,
        0,
        0,
        "  marquee predict --model model.mrq\n"
        "  echo 1 1962 | marquee predict --model model.mrq --pairs -\n",
    };
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (model && store)
        return mrq_fail(err, MRQ_USAGE, "--model and --store: want one of them");
    char path[PATH_SIZE];
    if (!model)
        MRQ_TRY(mrq_store_path(mrq_default_store(store), "model.mrq", path, sizeof path, err));
    struct predictor p = {0};
    mrq_status status = open_predictor(model ? model : path, &p, err);
    if (status == MRQ_OK)
        status = pairs ? predict_pairs(&p, pairs, err) : converse(&p, err);
    mrq_model_free(p.model);
    mrq_arena_free(p.arena);
    return status;
}
