/* Makes a query from options, and rewrites the engine's errors in terms of the options. */
#include "query_options.h"

#include <stdio.h>
#include <string.h>

#define OPTION_NAME     32
#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

/* The long name of each field's option, made once: '-' for '_'. */
static const char *option_name(unsigned field)
{
    static char names[MRQ_Q_FIELDS][OPTION_NAME];
    const mrq_query_field *f = &mrq_query_fields[field];
    snprintf(names[field], OPTION_NAME, "%s", f->option ? f->option : f->name);
    for (char *c = names[field]; (c = strchr(c, '_'));)
        *c = '-';
    return names[field];
}

uint32_t add_query_options(query_options *options, mrq_ask what, mrq_option row[MRQ_Q_FIELDS])
{
    uint32_t n = 0;
    for (unsigned i = 0; i < MRQ_Q_FIELDS; i++) {
        const mrq_query_field *f = &mrq_query_fields[i];
        if (!(f->asks & MRQ_ASKS(what)) || i == MRQ_Q_ITEM)
            continue;
        mrq_option *option = &row[n++];
        if (i == MRQ_Q_K)
            options->text[i] = what == MRQ_ASK_SEARCH ? TEXT(MRQ_LIST_DEFAULT) : TEXT(MRQ_K_DEFAULT);
        *option = (mrq_option){.name = option_name(i), .letter = f->letter, .meta = f->meta, .help = f->help};
        if (!f->meta) {
            option->type = MRQ_OPT_FLAG;
            option->value = &options->flag[i];
        } else if (f->most > 1) {
            option->type = MRQ_OPT_LIST;
            option->value = &options->texts[i];
            option->max = mrq_query_is_list((mrq_field_index)i) ? 0 : f->most;
        } else {
            option->type = MRQ_OPT_TEXT;
            option->value = &options->text[i];
        }
    }
    return n;
}

mrq_status read_query_options(const query_options *options, mrq_query *query, mrq_error *err)
{
    mrq_error inner = {0};
    mrq_status status = MRQ_OK;
    for (unsigned i = 0; i < MRQ_Q_FIELDS && status == MRQ_OK; i++) {
        const mrq_field_index field = (mrq_field_index)i;
        if (options->flag[i])
            status = mrq_query_put(query, field, mrq_query_fields[i].type == MRQ_QT_PARTS ? "all" : "true", &inner);
        if (options->text[i])
            status = mrq_query_put(query, field, options->text[i], &inner);
        for (uint32_t t = 0; t < options->texts[i].n && status == MRQ_OK; t++)
            status = mrq_query_put_list(query, field, options->texts[i].text[t], &inner);
    }
    return status == MRQ_OK ? MRQ_OK : fail_in_options(options, &inner, err);
}

/* Whether --with gives the column of this name. */
static bool is_given_with(const query_options *options, const char *name, size_t size)
{
    const mrq_texts *with = &options->texts[MRQ_Q_WITH];
    for (uint32_t i = 0; i < with->n; i++)
        if (strncmp(with->text[i], name, size) == 0 && with->text[i][size] == '=')
            return true;
    return false;
}

mrq_status fail_in_options(const query_options *options, const mrq_error *engine, mrq_error *err)
{
    const size_t size = strcspn(engine->msg, " :");
    unsigned i = 0;
    while (i < MRQ_Q_FIELDS && (i == MRQ_Q_ITEM || strlen(mrq_query_fields[i].name) != size ||
                                strncmp(engine->msg, mrq_query_fields[i].name, size) != 0))
        i++;
    const mrq_query_field *f = i < MRQ_Q_FIELDS ? &mrq_query_fields[i] : NULL;
    if (is_given_with(options, engine->msg, size) && (!f || (f->type == MRQ_QT_FEATURE && !options->text[i])))
        return mrq_fail(err, engine->status, "--with %s", engine->msg);
    if (f && f->letter)
        return mrq_fail(err, engine->status, "-%c%s", f->letter, engine->msg + size);
    if (f)
        return mrq_fail(err, engine->status, "--%s%s", option_name(i), engine->msg + size);
    return mrq_fail(err, engine->status, "%s", engine->msg);
}
