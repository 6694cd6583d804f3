/* marquee export: builds a generation from a model file. The published generation is opened again, as a query opens it, and what is
 * printed comes from there. */
#include <stdio.h>
#include <string.h>

#include "backend_option.h"
#include "base/clock.h"
#include "command.h"
#include "store/write.h"

static void print_uploaded(const mrq_backend *backend, const mrq_generation *generation, const char *name, const mrq_uploaded *u)
{
    printf("generation %s is on %s: %u %s, %u sent\n", name, mrq_backend_label(backend), u->rows,
           mrq_table_noun(generation->items, u->rows), u->sent);
    printf("recall@%d %.4f, p50 %.1f us, p99 %.1f us over %u queries; %u old collection%s dropped%s\n", MRQ_RECALL_K,
           u->measured.recall, 1e6 * u->measured.p50, 1e6 * u->measured.p99, u->measured.n_queries, u->removed,
           u->removed == 1 ? "" : "s", u->aliased ? "; the alias points to it" : "");
}

static mrq_status export_current(const char *store, const mrq_export_options *options, mrq_error *err)
{
    char name[MRQ_GENERATION_NAME];
    mrq_uploaded uploaded;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    const mrq_status status = mrq_store_export_current(store, options, name, &uploaded, err);
    mrq_progress_end(options->watch.context);
    MRQ_TRY(status);
    MRQ_TRY(mrq_generation_open(store, &generation, err));
    print_uploaded(options->backend, generation, name, &uploaded);
    return MRQ_OK;
}

static mrq_status export_model(const char *store, const char *model, const mrq_export_options *options, mrq_error *err)
{
    const double start = mrq_clock();
    char name[MRQ_GENERATION_NAME];
    mrq_choice choice;
    mrq_uploaded uploaded;
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    const mrq_status status = mrq_store_export(store, model, options, name, &choice, &uploaded, err);
    mrq_progress_end(options->watch.context);
    MRQ_TRY(status);
    mrq_free(choice.trial);
    MRQ_TRY(mrq_generation_open(store, &generation, err));
    printf("published generation %s in %s\n%u %s, %u dimensions, %.2f seconds\n", name, store, generation->items->rows,
           mrq_table_noun(generation->items, generation->items->rows), generation->tower->dim, mrq_clock() - start);
    char settings[MRQ_SETTINGS_TEXT];
    mrq_index_settings_text(&choice.best.settings, settings, sizeof settings);
    printf("index %s: recall@%d %.4f, p50 %.1f us, p99 %.1f us over %u queries; %u setting%s tried\n", settings, MRQ_RECALL_K,
           choice.best.recall, 1e6 * choice.best.p50, 1e6 * choice.best.p99, choice.best.n_queries, choice.n,
           choice.n == 1 ? "" : "s");
    if (options->backend)
        print_uploaded(options->backend, generation, name, &uploaded);
    return MRQ_OK;
}

mrq_status cmd_export(int argc, char **argv, mrq_error *err)
{
    const char *model = NULL, *store = NULL, *to = NULL;
    mrq_progress progress = {.on = false};
    mrq_export_options how = {.index = "auto", .recall = MRQ_RECALL_DEFAULT};
    const mrq_option options[] = {
        {"model", 'm', MRQ_OPT_TEXT, &model, 0, 0, "FILE", "the model that `marquee train` wrote"},
        STORE_OPTION(store),
        {"index", 0, MRQ_OPT_TEXT, &how.index, 0, 0, "KIND",
         "auto measures several kinds and takes the fastest that\nreaches --recall; or a FAISS factory string such as Flat\n"
         "or HNSW32; `list` describes the kinds"},
        {"to", 0, MRQ_OPT_TEXT, &to, 0, 0, "ADDRESS",
         "also upload the index to a server:\n" MRQ_BACKEND_FORMS ".\nThe token is read from $MARQUEE_MILVUS_TOKEN, or from the\n"
         "file named by $MARQUEE_MILVUS_TOKEN_FILE. Without --model,\nthe current generation's index is uploaded"},
        {"recall", 0, MRQ_OPT_REAL, &how.recall, 0.01, 1, "R",
         "recall@10, compared with an exact scan, that the index\nmust reach"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee export",
        .synopsis = "--model FILE [option...] | --to ADDRESS [option...]",
        .about = "Builds a generation in the store from a model: an index of the items' vectors, the folded user tower,\n"
                 "the catalogue, and the items that each user has rated. Then makes it the current generation.\n"
                 "With --to, the items' vectors are also uploaded to a Milvus server, into a collection of their own. An\n"
                 "interrupted upload is resumed: items already on the server are not sent again. The generation becomes\n"
                 "current after the server has all its items and reaches the recall. Collections of generations that are\n"
                 "no longer in the store are dropped.",
        .options = options,
        .examples = "  marquee export --model model.mrq --store store\n  marquee export --model model.mrq --index HNSW32\n"
                    "  marquee export --index list\n"
                    "  marquee export --store store --to milvus://127.0.0.1:19530/movies\n",
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
    MRQ_CLEANUP(mrq_backend_close) mrq_backend *backend = NULL;
    if (to)
        MRQ_TRY(open_backend(to, &backend, err));
    how.backend = backend;
    how.watch = (mrq_upload_watch){show_upload, &progress};
    if (!model && backend)
        return export_current(mrq_default_store(store), &how, err);
    if (!model)
        return mrq_fail(err, MRQ_USAGE, "--model is missing: want the file that `marquee train` wrote");
    return export_model(mrq_default_store(store), model, &how, err);
}
