/* From the files of a folder to a schema and a report: each file is looked at (look.c), choose.c and join.c say which is what, and
 * events.c and table.c what the columns are. */
#include "guess/guess.h"

#include <stdio.h>
#include <string.h>

#include "guess/folder.h"

static void find_noun(mrq_findings *findings)
{
    const mrq_found *events = &findings->events, *items = &findings->items;
    mrq_noun *noun = &findings->noun;
    mrq_role roles[2];
    snprintf(noun->one, sizeof noun->one, "item");
    snprintf(noun->many, sizeof noun->many, "items");
    mrq_hint_file(events->look->file, roles, noun);
    if (items->look) {
        mrq_hint_file(items->look->file, roles, noun);
        mrq_hint_noun(items->look->column[items->id].name, noun);
    }
    mrq_hint_noun(events->look->column[events->item].name, noun);
    for (uint32_t i = 0; i < findings->n_joined; i++)
        if (findings->joined[i].items && strcmp(noun->one, "item") == 0)
            mrq_hint_file(findings->joined[i].look->file, roles, noun);
}

/* That a table lacks ids, which "unlisted" takes in. */
static void say_missing(const mrq_findings *findings, const mrq_found *table, bool items)
{
    const mrq_found *events = &findings->events;
    const char *missing = "";
    const uint32_t lacking = mrq_guess_lacking(findings, items, &missing);
    if (lacking)
        mrq_writer_put(findings->report,
                       "%s: note: it lacks %u of the %u ids of %s, such as \"%s\"; \"unlisted\": \"take\" takes them in, though "
                       "nothing is known of them\n",
                       table->look->file, lacking,
                       mrq_dict_strings(events->look->column[items ? events->item : events->user].values).n, events->look->file,
                       missing);
}

static bool is_joined(const mrq_findings *findings, const mrq_look *look)
{
    for (uint32_t i = 0; i < findings->n_joined; i++)
        if (findings->joined[i].look == look)
            return true;
    return false;
}

/* Why a file lists neither users nor items: by the column that has most of their ids. */
static void say_no_table(const mrq_findings *findings, const mrq_look *look)
{
    const mrq_found *events = &findings->events;
    double most = 0;
    uint32_t column = 0, all = 0, known = 0;
    bool items = false;
    char shown[MRQ_GUESS_SHOWN];
    for (uint32_t k = 0; !look->lists && k < 2 * look->columns; k++) {
        const bool of_items = k < look->columns;
        const mrq_look_column *ids = &events->look->column[of_items ? events->item : events->user];
        const char *missing;
        const uint32_t n = mrq_dict_strings(ids->values).n;
        const uint32_t found = mrq_guess_contained(ids, &look->column[k % look->columns], &missing);
        if (found <= most * n)
            continue;
        most = (double)found / n;
        column = k % look->columns;
        items = of_items;
        all = n;
        known = found;
    }
    const char *what = items ? findings->noun.many : "users", *name = mrq_guess_shown(look, column, shown);
    if (!known)
        mrq_writer_put(findings->report, "%s: not used: no column of it has ids of the users or of the %s\n", look->file,
                       findings->noun.many);
    else if (known < all)
        mrq_writer_put(findings->report, "%s: not used: its column %s has %u of the %u ids of the %s, and no other has more\n",
                       look->file, name, known, all, what);
    else
        mrq_writer_put(findings->report,
                       "%s: not used: its column %s has all ids of the %s%s, but no name says that it is about them\n", look->file,
                       name, what, mrq_guess_is_unique(look, column) ? "" : ", some several times");
}

static void say_unused(const mrq_folder *f, const mrq_findings *findings)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const mrq_look *look = &f->look[i];
        if (look == findings->events.look || look == findings->items.look || look == findings->users.look || f->part[i] ||
            is_joined(findings, look))
            continue;
        if (f->larger[i])
            mrq_writer_put(findings->report, "%s: not used: it could be events too, but %s is larger or says so by its names\n",
                           look->file, findings->events.look->file);
        else if (*look->why_not || f->fits[i] || *f->why[i])
            mrq_writer_put(findings->report, "%s: not used: %s\n", look->file,
                           *look->why_not ? look->why_not
                           : f->fits[i]   ? "another file fits better"
                                          : f->why[i]);
        else
            say_no_table(findings, look);
    }
    if (f->folders)
        mrq_writer_put(findings->report, "%s: not used: a folder\n", f->inside);
}

static void write_all(const mrq_folder *f, mrq_findings *findings, const mrq_noun *noun)
{
    mrq_writer *schema = findings->schema;
    find_noun(findings);
    if (noun)
        findings->noun = *noun;
    mrq_writer_put(schema, "{\"name\": \"%s\", \"about\": \"Written by marquee init\",\n \"noun\": [", findings->name);
    mrq_guess_quote(schema, findings->noun.one);
    mrq_writer_put(schema, ", ");
    mrq_guess_quote(schema, findings->noun.many);
    mrq_writer_put(schema, "]");
    mrq_guess_events(findings);
    for (int items = 1; items >= 0; items--) {
        const mrq_found *found = items ? &findings->items : &findings->users;
        mrq_guess_table(findings, items);
        if (found->look)
            say_missing(findings, found, items);
    }
    mrq_writer_put(schema, "}\n");
    for (int items = 1; items >= 0; items--)
        if (!(items ? findings->items.look : findings->users.look))
            mrq_writer_put(findings->report, "%s: no file lists them; they are those of the events\n",
                           items ? findings->noun.many : "users");
    say_unused(f, findings);
}

/* No events: why each file has none. */
static mrq_status fail_without_events(const char *path, const mrq_folder *f, mrq_error *err)
{
    char why[400] = "";
    for (uint32_t i = 0; i < f->n; i++) {
        const size_t used = strlen(why);
        snprintf(why + used, sizeof why - used, "%s%.60s: %s", used ? "; " : "", f->look[i].file,
                 *f->look[i].why_not ? f->look[i].why_not : "no column of users beside one of items");
    }
    return mrq_fail(err, MRQ_BAD_FILE, "%.60s: no file of events (who had what): %s", path, why);
}

/* A name for the schema: the folder's, as far as a name may hold its letters. */
static void name_schema(const char *path, char out[MRQ_COLUMN_NAME])
{
    size_t size = strlen(path), n = 0;
    while (size > 1 && path[size - 1] == '/')
        size--;
    size_t from = size;
    while (from && path[from - 1] != '/')
        from--;
    for (; from < size && n + 1 < MRQ_COLUMN_NAME; from++) {
        const char c = path[from];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (plain)
            out[n++] = c;
    }
    out[n] = '\0';
    if (!n)
        snprintf(out, MRQ_COLUMN_NAME, "data");
}

mrq_status mrq_guess(const char *path, const char *const *files, uint32_t n, const mrq_noun *noun, mrq_writer *schema,
                     mrq_writer *report, mrq_error *err)
{
    MRQ_CLEANUP(mrq_folder_free) mrq_folder *f = mrq_array(1, sizeof *f);
    char name[MRQ_COLUMN_NAME];
    mrq_findings findings = {.name = name, .schema = schema, .report = report};
    if (!f)
        return mrq_fail_memory(err, "looking at a folder");
    MRQ_TRY(mrq_folder_look(path, files, n, f, err));
    name_schema(path, name);
    MRQ_TRY(mrq_choose_events(f, path, &findings, err));
    if (!findings.events.look)
        return fail_without_events(path, f, err);
    mrq_choose_tables(f, &findings);
    mrq_guess_joins(f->look, f->larger, f->n, &findings);
    write_all(f, &findings, noun);
    if (schema->failed || report->failed)
        return mrq_fail_memory(err, "looking at a folder");
    return MRQ_OK;
}
