/* marquee init: looks at a folder and writes the schema that the other commands read. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/asset.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "command.h"
#include "dataset/schema.h"
#include "guess/guess.h"

/* "movie,movies" */
static mrq_status read_noun(const char *text, mrq_noun *noun, mrq_error *err)
{
    const size_t one = strcspn(text, ","), many = text[one] ? strlen(text + one + 1) : 0;
    if (!one || !many || one >= MRQ_NOUN || many >= MRQ_NOUN || strchr(text + one + 1, ',') || !mrq_utf8_is_plain(text))
        return mrq_fail(err, MRQ_USAGE, "--noun \"%.80s\": want two words, for one and for many, such as book,books", text);
    memcpy(noun->one, text, one);
    memcpy(noun->many, text + one + 1, many);
    return MRQ_OK;
}

/* Prints what a schema may say: a part of data/README.md. */
static mrq_status explain(mrq_error *err)
{
    const char *text = mrq_guides[0].text, *from = strstr(text, "\n## Schemas\n"), *to = strstr(text, "\n## Ids\n");
    if (!from || !to || to < from)
        return mrq_fail(err, MRQ_FAILED, "this program was built without its guide; read data/README.md");
    printf("%.*s", (int)(to - from - 1), from + 1);
    return MRQ_OK;
}

/* What is to be looked at: a folder, or files of one. */
typedef struct target {
    char folder[4096];
    const char **file; /* (n) names in the folder */
    uint32_t n;        /* 0: all */
} target;

/* Several files are of one folder, as a schema tells of the files beside it. */
static mrq_status find_target(char **argument, uint32_t n, target *out, mrq_error *err)
{
    struct stat st;
    if (n == 1 && (stat(argument[0], &st) != 0 || S_ISDIR(st.st_mode)))
        return (size_t)snprintf(out->folder, sizeof out->folder, "%s", argument[0]) < sizeof out->folder
                   ? MRQ_OK
                   : mrq_fail(err, MRQ_USAGE, "the path %.60s... is too long", argument[0]);
    for (uint32_t i = 0; i < n; i++) {
        const char *slash = strrchr(argument[i], '/');
        const int size = slash ? (int)(slash - argument[i]) : 0;
        char folder[4096];
        snprintf(folder, sizeof folder, "%.*s", slash ? size ? size : 1 : 1, slash ? argument[i] : ".");
        if (i && strcmp(folder, out->folder) != 0)
            return mrq_fail(err, MRQ_USAGE, "%.80s is not in %.80s, as %.80s is; want files of one folder", argument[i],
                            out->folder, argument[0]);
        snprintf(out->folder, sizeof out->folder, "%s", folder);
        out->file[out->n++] = slash ? slash + 1 : argument[i];
    }
    return MRQ_OK;
}

static mrq_status write_schema(const target *from, const mrq_noun *noun, const char *path, bool beside, mrq_error *err)
{
    const char *folder = from->folder;
    MRQ_CLEANUP(mrq_writer_close) mrq_writer schema = {0};
    MRQ_CLEANUP(mrq_writer_close) mrq_writer report = {0};
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *parsed = NULL;
    mrq_writer_open(&schema);
    mrq_writer_open(&report);
    MRQ_TRY(mrq_guess(folder, from->file, from->n, noun, &schema, &report, err));
    mrq_writer_put(&schema, "\n");
    MRQ_TRY(mrq_schema_parse(schema.data, schema.size, "schema.json", &parsed, err));
    MRQ_TRY(mrq_writer_save(&schema, path, err));
    printf("%s\nwrote %s: read it, and change what is wrong\n", report.data, path);
    if (beside)
        printf("next: marquee info %s; marquee train --data %s --out model.mrq\n", folder, folder);
    else
        printf("next: marquee info %s --schema %s; marquee train --data %s --schema %s --out model.mrq\n", folder, path, folder,
               path);
    return MRQ_OK;
}

mrq_status cmd_init(int argc, char **argv, mrq_error *err)
{
    const char *words = NULL, *out = NULL;
    bool force = false, guide = false;
    const mrq_option options[] = {
        {"noun", 0, MRQ_OPT_TEXT, &words, 0, 0, "WORDS", "what one item and several are called: book,books; else the names tell"},
        {"out", 'o', MRQ_OPT_TEXT, &out, 0, 0, "FILE", "where to write the schema [schema.json in DIR]"},
        {"force", 0, MRQ_OPT_FLAG, &force, 0, 0, NULL, "write over a schema that is there"},
        {"explain", 0, MRQ_OPT_FLAG, &guide, 0, 0, NULL, "print what a schema may say, with an example for each layout"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee init",
        .synopsis = "DIR|FILE... [--noun ONE,MANY] [--out FILE] [--force]; --explain",
        .about = "Looks at the files of a folder, or at some of them, and writes a schema, which says what they hold: which has\n"
                 "the events (who had what, with a value and a time where there are any), which tell of items and of users, how\n"
                 "they are encoded and divided, and what each column is. What stands in several files is joined by ids; files\n"
                 "that were cut by year, events-2019.csv and events-2020.csv, are one, events-*.csv. Prints a line for each\n"
                 "decision, and for each file and column that is not used, why. train, eval, rebuild and info then read\n"
                 "DIR/schema.json. It is a proposal: a text file to be changed; --explain prints what it may say.\n"
                 "A file of events has a line for each event, or for each user with all items, 7 12 31 44, or is a matrix of\n"
                 "users and items. A line may be an object of JSON. Columns may be divided by commas, semicolons, tabs, bars, ::\n"
                 "or blanks; files may be compressed by gzip or zstd.",
        .options = options,
        .arguments_min = 0,
        .arguments_max = 1000,
        .examples = "  $ head -n 2 shop/orders.csv\n"
                    "  customer;isbn;stars\n"
                    "  7;0000010086;4\n"
                    "  $ marquee init shop --noun book,books\n"
                    "  orders.csv: 5210 events; utf-8, columns divided by \";\", with a header\n"
                    "  orders.csv: customer: the user, 610 different ones, by its name\n"
                    "  orders.csv: isbn: the item, 972 different ones, by its name\n"
                    "  orders.csv: stars: the value, 1 to 5; a like is 3 or more, the middle; ...\n"
                    "  $ marquee info shop\n"
                    "  $ marquee train --data shop --out shop.mrq\n",
    };
    int first;
    bool done = false;
    mrq_noun noun = {"", ""};
    char path[4096];
    MRQ_TRY(mrq_options_read(&command, argc, argv, &first, &done, err));
    if (done)
        return MRQ_OK;
    if (guide)
        return explain(err);
    if (first == argc)
        return mrq_fail(err, MRQ_USAGE, "want a folder, or files of one");
    if (words)
        MRQ_TRY(read_noun(words, &noun, err));
    MRQ_AUTOFREE const char **files = mrq_array((size_t)(argc - first), sizeof *files);
    target from = {.file = files};
    if (!files)
        return mrq_fail_memory(err, "looking at a folder");
    MRQ_TRY(find_target(argv + first, (uint32_t)(argc - first), &from, err));
    MRQ_TRY(mrq_path_join(path, sizeof path, from.folder, "schema.json", err));
    const char *to = out ? out : path;
    if (!force && mrq_file_exists(to))
        return mrq_fail(err, MRQ_USAGE, "%.200s is there already; --force writes over it, --out FILE elsewhere", to);
    return write_schema(&from, words ? &noun : NULL, to, !out, err);
}
