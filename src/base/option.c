/* Options over getopt_long(), whose tables are made from ours. */
#include "base/option.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define OPTIONS_MAX 40
#define HELP_VALUE  1000 /* getopt's value for --help; option i has i + 1 */

static void print_default(const mrq_option *option)
{
    const char *text = NULL;
    switch (option->type) {
    case MRQ_OPT_FLAG:
    case MRQ_OPT_LIST:
        break;
    case MRQ_OPT_TEXT:
        memcpy(&text, option->value, sizeof text);
        if (text)
            printf(" [%s]", text);
        break;
    case MRQ_OPT_INT: {
        const int64_t value = *(const int64_t *)option->value;
        if ((double)value >= option->min && (double)value <= option->max)
            printf(" [%lld]", (long long)value);
        break;
    }
    case MRQ_OPT_REAL: {
        const double value = *(const double *)option->value;
        if (value >= option->min && value <= option->max)
            printf(" [%g]", value);
        break;
    }
    }
}

static void print_help(const mrq_command *command)
{
    printf("usage: %s %s\n\n%s\n\noptions:\n", command->name, command->synopsis, command->about);
    for (const mrq_option *option = command->options; option->name; option++) {
        char head[80];
        const int n = option->letter ? snprintf(head, sizeof head, "-%c, --%s", option->letter, option->name)
                                     : snprintf(head, sizeof head, "    --%s", option->name);
        if (option->meta)
            snprintf(head + n, sizeof head - (size_t)n, " %s", option->meta);
        printf("  %-24s", head);
        if (strlen(head) >= 24)
            printf("\n%26s", "");
        fputs(" ", stdout);
        for (const char *c = option->help; *c; c++) {
            putchar(*c);
            if (*c == '\n')
                printf("%27s", "");
        }
        print_default(option);
        putchar('\n');
    }
    printf("      --help               this text\n");
    if (command->examples)
        printf("\nexamples:\n%s\n", command->examples);
}

/* A limit of 2^63 means 2^63 - 1, which a double cannot represent. */
static int64_t whole_max(const mrq_option *option)
{
    return option->max < 0x1p63 ? (int64_t)option->max : INT64_MAX;
}

static mrq_status read_text(const mrq_option *option, const char *name, const char *text, mrq_error *err)
{
    mrq_texts *list = option->value;
    const uint32_t most = option->max > 0 ? (uint32_t)option->max : MRQ_TEXTS_MAX;
    if (!*text)
        return mrq_fail(err, MRQ_USAGE, "%s: empty, want %s", name, option->meta);
    if (option->type == MRQ_OPT_TEXT)
        memcpy(option->value, &text, sizeof text);
    else if (list->n < most)
        list->text[list->n++] = text;
    else
        return mrq_fail(err, MRQ_USAGE, "%s: given more than %u times", name, most);
    return MRQ_OK;
}

/* `letter`: the option was given in its short form, which messages then use. */
static mrq_status read_value(const mrq_option *option, bool letter, const char *text, mrq_error *err)
{
    char name[64] = {'-', option->letter};
    if (!letter)
        snprintf(name, sizeof name, "--%s", option->name);
    switch (option->type) {
    case MRQ_OPT_FLAG:
        *(bool *)option->value = true;
        break;
    case MRQ_OPT_TEXT:
    case MRQ_OPT_LIST:
        return read_text(option, name, text, err);
    case MRQ_OPT_INT:
        if (!mrq_parse_int(text, strlen(text), (int64_t)option->min, whole_max(option), option->value))
            return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a whole number, %.0f to %lld", name, text, option->min,
                            (long long)whole_max(option));
        break;
    case MRQ_OPT_REAL:
        if (!mrq_parse_real(text, strlen(text), option->min, option->max, option->value))
            return mrq_fail(err, MRQ_USAGE, "%s \"%.40s\": want a number, %g to %g", name, text, option->min, option->max);
        break;
    }
    return MRQ_OK;
}

mrq_status mrq_options_read(const mrq_command *command, int argc, char **argv, int *first, bool *done, mrq_error *err)
{
    struct option longs[OPTIONS_MAX + 2] = {{0}};
    char shorts[2 * OPTIONS_MAX + 2] = ":"; /* a leading colon distinguishes a missing argument from an unknown option */
    int n = 0, letters = 1;
    for (; command->options[n].name; n++) {
        const mrq_option *option = &command->options[n];
        assert(n < OPTIONS_MAX);
        const int has = option->type == MRQ_OPT_FLAG ? no_argument : required_argument;
        longs[n] = (struct option){option->name, has, NULL, n + 1};
        if (option->letter)
            shorts[letters++] = option->letter;
        if (option->letter && has == required_argument)
            shorts[letters++] = ':';
    }
    longs[n] = (struct option){"help", no_argument, NULL, HELP_VALUE};

    optind = 0; /* restart getopt, for a second command in one process */
    opterr = 0;
    int c;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (c == HELP_VALUE) {
            print_help(command);
            *done = true;
            return MRQ_OK;
        }
        if (c == ':' || c == '?') {
            const bool known = (optopt > 0 && optopt <= n) || optopt == HELP_VALUE; /* long options: their number */
            const char *what = c == ':' ? "needs an argument" : known ? "takes no argument" : "unknown option";
            if (optopt > n && optopt != HELP_VALUE)
                return mrq_fail(err, MRQ_USAGE, "-%c: %s", optopt, what);
            return mrq_fail(err, MRQ_USAGE, "%.60s: %s", argv[optind - 1], what);
        }
        const mrq_option *option = command->options;
        if (c <= n)
            option += c - 1;
        else
            while (option->letter != c)
                option++;
        MRQ_TRY(read_value(option, c > n, optarg, err));
    }
    const int arguments = argc - optind;
    if (arguments < command->arguments_min)
        return mrq_fail(err, MRQ_USAGE, "too few arguments, want %s", command->synopsis);
    if (arguments > command->arguments_max)
        return mrq_fail(err, MRQ_USAGE, "unexpected argument \"%.60s\"", argv[optind + command->arguments_max]);
    *first = optind;
    return MRQ_OK;
}
