/* marquee export: a model file into a store. The generation is opened again as a query opens it, so what is printed is what is
 * there. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "command.h"
#include "store/write.h"

static mrq_status export_model(const char *store, const char *model, const mrq_export_options *options, mrq_error *err)
{
    const double start = mrq_clock();
    char name[MRQ_GENERATION_NAME];
    mrq_choice choice;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    MRQ_TRY(mrq_store_export(store, model, options, name, &choice, err));
    mrq_free(choice.trial);
    MRQ_TRY(mrq_generation_open(store, &generation, err));
    printf("published generation %s in %s\n%u movies, %u dimensions, %.2f seconds\n", name, store, generation->movies->rows,
           generation->tower->dim, mrq_clock() - start);
    printf("index %s", choice.best.settings.factory);
    if (choice.best.settings.effort || choice.best.settings.depth)
        printf(", effort %u, depth %u", choice.best.settings.effort, choice.best.settings.depth);
    printf(": recall@%d %.4f, p50 %.1f us, p99 %.1f us over %u queries; %u setting%s tried\n", MRQ_RECALL_K, choice.best.recall,
           1e6 * choice.best.p50, 1e6 * choice.best.p99, choice.best.n_queries, choice.n, choice.n == 1 ? "" : "s");
    return MRQ_OK;
}

mrq_status cmd_export(int argc, char **argv, mrq_error *err)
{
    const char *model = NULL, *store = NULL;
    mrq_export_options how = {"auto", MRQ_RECALL_DEFAULT};
    const mrq_option options[] = {
        {"model", 'm', MRQ_OPT_TEXT, &model, 0, 0, "FILE", "the model that `marquee train` wrote"},
        STORE_OPTION(store),
        {"index", 0, MRQ_OPT_TEXT, &how.index, 0, 0, "KIND",
         "auto measures and takes the fastest that reaches\nthe recall; or a FAISS factory string such as\nFlat or HNSW32; `list` "
         "explains the kinds"},
        {"recall", 0, MRQ_OPT_REAL, &how.recall, 0.01, 1, "R", "share of the exact best 10 that the index finds"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee export",
        .synopsis = "--model FILE [option...]",
        .about = "Turns a model into a generation of the store: the movies' vectors in an index, the folded user\n"
                 "tower, the catalogue and the movies each user has seen. Then makes it the current one.",
        .options = options,
        .examples = "  marquee export --model model.mrq --store store\n  marquee export --model model.mrq --index HNSW32\n"
                    "  marquee export --index list\n",
    };
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (strcmp(how.index, "list") == 0) {
        fputs(mrq_index_kinds, stdout);
        return MRQ_OK;
    }
    if (!model)
        return mrq_fail(err, MRQ_USAGE, "--model is missing: want the file that `marquee train` wrote");
    return export_model(mrq_default_store(store), model, &how, err);
}
