/* marquee init: looks at a folder and writes the schema that the other commands read. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "command.h"
#include "dataset/guess.h"
#include "dataset/schema.h"

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

static mrq_status write_schema(const char *folder, const mrq_noun *noun, const char *path, bool beside, mrq_error *err)
{
    MRQ_CLEANUP(mrq_writer_close) mrq_writer schema = {0};
    MRQ_CLEANUP(mrq_writer_close) mrq_writer report = {0};
    MRQ_CLEANUP(mrq_schema_free) mrq_schema *parsed = NULL;
    mrq_writer_open(&schema);
    mrq_writer_open(&report);
    MRQ_TRY(mrq_guess(folder, noun, &schema, &report, err));
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
    bool force = false;
    const mrq_option options[] = {
        {"noun", 0, MRQ_OPT_TEXT, &words, 0, 0, "WORDS", "what one item and several are called: book,books; else the names tell"},
        {"out", 'o', MRQ_OPT_TEXT, &out, 0, 0, "FILE", "where to write the schema [schema.json in DIR]"},
        {"force", 0, MRQ_OPT_FLAG, &force, 0, 0, NULL, "write over a schema that is there"},
        {0},
    };
    const mrq_command command = {
        .name = "marquee init",
        .synopsis = "DIR [--noun ONE,MANY] [--out FILE] [--force]",
        .about =
            "Looks at the files of a folder and writes a schema, which says what they hold: which file has the events (who had\n"
            "what, with a value and a time where there are any), which tell of items and of users, how they are encoded and\n"
            "divided, and what each column is. Prints a line for each decision, and for each file and column that is not used,\n"
            "why. train, eval, rebuild and info then read DIR/schema.json. It is a proposal: a text file to be changed.\n"
            "A file of events has a line for each event, or for each user with all items, 7 12 31 44, or is a matrix of users and\n"
            "items. A line may be an object of JSON. Columns may be divided by commas, semicolons, tabs, bars, :: or blanks; "
            "files\n"
            "may be compressed by gzip or zstd.",
        .options = options,
        .arguments_min = 1,
        .arguments_max = 1,
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
    if (words)
        MRQ_TRY(read_noun(words, &noun, err));
    MRQ_TRY(mrq_path_join(path, sizeof path, argv[first], "schema.json", err));
    const char *to = out ? out : path;
    if (!force && mrq_file_exists(to))
        return mrq_fail(err, MRQ_USAGE, "%.200s is there already; --force writes over it, --out FILE elsewhere", to);
    return write_schema(argv[first], words ? &noun : NULL, to, !out, err);
}
