/* marquee predict: the score of a user and an item, interactively or for a list of pairs. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"
#include "command.h"
#include "store/store.h"
#include "train/evaluate.h"

struct predictor {
    mrq_model *model;
    mrq_arena *arena;
    mrq_vectors vectors;
};

static mrq_status open_predictor(const char *model, const char *store, struct predictor *p, mrq_error *err)
{
    MRQ_TRY(model ? mrq_model_load(model, &p->model, err) : mrq_store_model(mrq_default_store(store), &p->model, err));
    if (mrq_model_results_of(p->model)->ranks)
        mrq_log(MRQ_LOG_WARN, "predict", "model=%s ranks: its scores order %s, they are not ratings; train fusion for ratings",
                mrq_model_description(p->model)->name, p->model->items->noun.many);
    if (!(p->arena = mrq_arena_new()))
        return mrq_fail_memory(err, "preparing scores");
    MRQ_TRY(mrq_vectors_make(p->model, p->arena, &p->vectors, err));
    return mrq_vectors_update(p->model, &p->vectors, err);
}

static mrq_status find_row(const mrq_table *table, const char *id, size_t size, uint32_t *row, mrq_error *err)
{
    *row = mrq_id_is_valid(id, size) ? mrq_table_find(table, id, size) : MRQ_NONE;
    if (*row == MRQ_NONE)
        return mrq_fail(err, MRQ_NOT_FOUND, "no %s \"%.*s\" in the model", table->noun.one, (int)(size < 40 ? size : 40), id);
    return MRQ_OK;
}

static double score(const struct predictor *p, uint32_t user, uint32_t item)
{
    return mrq_score(p->model, &p->vectors, user, item);
}

/* A line of input without its newline, long enough for any pair of ids. */
struct line {
    char text[2 * MRQ_ID_BYTES + 16];
    size_t size;
    bool end; /* the input has ended: there is no line */
};

static mrq_status next_line(FILE *file, struct line *line, mrq_error *err)
{
    line->end = !fgets(line->text, sizeof line->text, file);
    if (line->end)
        return ferror(file) ? mrq_fail_errno(err, "cannot read the input") : MRQ_OK;
    line->size = strcspn(line->text, "\r\n");
    if (!line->text[line->size] && !feof(file))
        return mrq_fail(err, MRQ_USAGE, "\"%.40s\": want a line of text of less than %zu bytes", line->text, sizeof line->text);
    line->text[line->size] = '\0';
    return MRQ_OK;
}

/* Asks for an id until a valid one is typed or the input ends. Outside a terminal an invalid id is an error. */
static mrq_status ask(const mrq_table *table, uint32_t *row, bool *end, mrq_error *err)
{
    for (;;) {
        printf("Input %s_id: ", table->noun.one);
        fflush(stdout);
        struct line line;
        mrq_error local = {MRQ_OK, ""};
        mrq_status status = next_line(stdin, &line, &local);
        *end = status == MRQ_OK && line.end;
        if (status == MRQ_OK && !line.end)
            status = find_row(table, line.text, line.size, row, &local);
        if (*end)
            putchar('\n');
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
    for (;;) {
        uint32_t user = 0, item = 0;
        bool end = false;
        MRQ_TRY(ask(p->model->items, &item, &end, err));
        if (!end)
            MRQ_TRY(ask(p->model->users, &user, &end, err));
        if (end)
            return MRQ_OK;
        printf("Prediction Score is %.2f\n", score(p, user, item));
    }
}

static mrq_status predict_line(const struct predictor *p, const struct line *line, mrq_error *err)
{
    const char *blanks = strchr(line->text, '\t') ? "\t" : " "; /* ids separated by tabs may contain blanks */
    const size_t first = strcspn(line->text, blanks), gap = strspn(line->text + first, blanks);
    const char *second = line->text + first + gap;
    if (!first || !*second)
        return mrq_fail(err, MRQ_USAGE, "\"%.40s\": want a user and %s, with a blank or a tab between them", line->text,
                        p->model->items->noun.one);
    uint32_t user, item;
    MRQ_TRY(find_row(p->model->users, line->text, first, &user, err));
    MRQ_TRY(find_row(p->model->items, second, line->size - first - gap, &item, err));
    printf("%.*s%c%s%c%.4f\n", (int)first, line->text, *blanks, second, *blanks, score(p, user, item));
    return MRQ_OK;
}

static mrq_status predict_pairs(const struct predictor *p, const char *path, mrq_error *err)
{
    const bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file)
        return mrq_fail_errno(err, "cannot open %s", path);
    struct line line = {.end = false};
    mrq_status status = MRQ_OK;
    for (unsigned long number = 1; status == MRQ_OK && !line.end; number++) {
        mrq_error local = {MRQ_OK, ""};
        status = next_line(file, &line, &local);
        if (status == MRQ_OK && !line.end && line.size)
            status = predict_line(p, &line, &local);
        if (status != MRQ_OK) /* a malformed line makes a bad file; an unknown id stays MRQ_NOT_FOUND */
            status = mrq_fail(err, status == MRQ_USAGE ? MRQ_BAD_FILE : status, "%s:%lu: %s", standard ? "standard input" : path,
                              number, local.msg);
    }
    if (!standard)
        fclose(file);
    return status;
}

mrq_status cmd_predict(int argc, char **argv, mrq_error *err)
{
    const char *model = NULL, *store = NULL, *pairs = NULL;
    const mrq_option options[] = {
        {"model", 'm', MRQ_OPT_TEXT, &model, 0, 0, "FILE", "a model file [the model of the store]"},
        STORE_OPTION(store),
        {"pairs", 'p', MRQ_OPT_TEXT, &pairs, 0, 0, "FILE",
         "file of lines `user item` to score, - for standard input;\nprints `user item score` for each line"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee predict",
        .synopsis = "[--model FILE | --store DIR] [--pairs FILE|-]",
        .about = "Predicts how a user of the data would rate an item. Without --pairs it asks for ids until the input ends.",
        .options = options,
        .examples = "  marquee predict --model model.mrq\n"
                    "  echo 1 1962 | marquee predict --model model.mrq --pairs -\n",
    };
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (model && store)
        return mrq_fail(err, MRQ_USAGE, "--model and --store: want one of them");
    struct predictor p = {0};
    mrq_status status = open_predictor(model, store, &p, err);
    if (status == MRQ_OK)
        status = pairs ? predict_pairs(&p, pairs, err) : converse(&p, err);
    mrq_model_free(p.model);
    mrq_arena_free(p.arena);
    return status;
}
