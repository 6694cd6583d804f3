/* marquee info: detects whether the path is a data folder, a model file or a store, and prints its contents. */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "command.h"
#include "dataset/database.h"
#include "info.h"

static mrq_status look_for_store(const char *path, bool *store, mrq_error *err)
{
    char inside[4096];
    struct stat st;
    MRQ_TRY(mrq_path_join(inside, sizeof inside, path, "generations", err));
    *store = stat(inside, &st) == 0;
    return *store || errno == ENOENT || errno == ENOTDIR ? MRQ_OK : mrq_fail_errno(err, "cannot open %s", inside);
}

mrq_status cmd_info(int argc, char **argv, mrq_error *err)
{
    const char *schema = NULL;
    const mrq_option options[] = {
        {"schema", 0, MRQ_OPT_TEXT, &schema, 0, 0, "NAME",
         "format of a data folder: a shipped schema or a FILE.json;\nrecognised from the folder if not given"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee info",
        .synopsis = "PATH [--schema NAME]",
        .about = "Prints what PATH contains.\n"
                 "  data folder: counts, ranges, columns with their values, first rows; so of a database, sqlite:FILE or\n"
                 "               postgresql://..., by the queries of --schema\n"
                 "  model file:  settings, results, the network layer by layer\n"
                 "  store:       a table of its generations, all their files verified, and details of the current one",
        .options = options,
        .arguments_min = 1,
        .arguments_max = 1,
        .examples = "  marquee info data/sample\n  marquee info model.mrq\n  marquee info store\n",
    };
    int first;
    bool done = false;
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    const char *path = argv[first];
    struct stat st;
    if (mrq_database_is(path))
        return mrq_info_data(path, schema, err);
    if (stat(path, &st) != 0)
        return mrq_fail_errno(err, "cannot open %s", path);
    if (!S_ISDIR(st.st_mode))
        return mrq_info_model(path, err);
    bool store;
    MRQ_TRY(look_for_store(path, &store, err));
    return store ? mrq_info_store(path, err) : mrq_info_data(path, schema, err);
}
