/* marquee export: a model file into a store. The generation is opened again as a query opens it, so what is printed is what is
 * there. */
#include <stdio.h>

#include "base/log.h"
#include "base/option.h"
#include "command.h"
#include "store/store.h"

mrq_status cmd_export(int argc, char **argv, mrq_error *err)
{
    const char *model = NULL, *store = NULL, *factory = "Flat";
    const mrq_option options[] = {
        {"model", 'm', MRQ_OPT_TEXT, &model, 0, 0, "FILE", "the model that `marquee train` wrote"},
        {"store", 's', MRQ_OPT_TEXT, &store, 0, 0, "DIR", "the store [$MARQUEE_STORE, else ./store]"},
        {"index", 0, MRQ_OPT_TEXT, &factory, 0, 0, "FACTORY",
         "a FAISS factory string: Flat searches exactly,\nHNSW32 or IVF64,Flat approximately and faster"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee export",
        .synopsis = "--model FILE [option...]",
        .about = "Turns a model into a generation of the store: the movies' vectors in an index, the folded user\n"
                 "tower, the catalogue and the movies each user has seen. Then makes it the current one.",
        .options = options,
        .examples = "  marquee export --model model.mrq --store store\n  marquee export --model model.mrq --index HNSW32\n",
    };
    int first = 0;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (!model)
        return mrq_fail(err, MRQ_USAGE, "--model is missing: want the file that `marquee train` wrote");
    store = mrq_default_store(store);

    const double start = mrq_clock();
    char name[MRQ_GENERATION_NAME];
    uint32_t movies = 0;
    MRQ_TRY(mrq_store_export(store, model, factory, name, &movies, err));
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    MRQ_TRY(mrq_generation_open(store, &generation, err));
    printf("published generation %s in %s\n%u movies, %u dimensions, index %s, %.2f seconds\n", name, store, movies,
           generation->tower->dim, generation->index_kind, mrq_clock() - start);
    return MRQ_OK;
}
