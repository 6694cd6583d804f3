/* Which file of a folder is what.
 *
 * First each file is looked at (look.c). Of those with columns, the events are the largest file that has a user and an item in each
 * line; names of columns tell which is which, or else the file's name, or else their places. Then a file is a table of items, or of
 * users, if one of its columns has no value twice and holds all ids of the events: "all" because training asks for it, and because
 * numbers from 1 on are in every other column of numbers from 1 on. What the columns are is decided in guess_events.c and
 * guess_table.c. */
#include "dataset/guess.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/utf8.h"
#include "dataset/guess_private.h"
#include "dataset/schema.h"

#define FILES_MAX 200

typedef struct folder {
    uint32_t n;
    char file[FILES_MAX][256];
    mrq_look look[FILES_MAX];
    bool fits[FILES_MAX];     /* it could be a table of users or items */
    bool larger[FILES_MAX];   /* another file of events is */
    char why[FILES_MAX][300]; /* a file is no table of users or items */
    uint32_t folders;
    char inside[256]; /* one of the folders */
} folder;

static void clear_folder(folder *f)
{
    for (uint32_t i = 0; f && i < f->n; i++)
        mrq_look_close(&f->look[i]);
    mrq_free(f);
}
MRQ_DEFINE_CLEANUP(folder, clear_folder)

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The folder's own files, by name; what begins with a dot, and a schema, is none. */
static mrq_status list_files(const char *path, folder *f, mrq_error *err)
{
    DIR *stream = opendir(path);
    if (!stream)
        return mrq_fail_errno(err, "cannot open %s", path);
    mrq_status status = MRQ_OK;
    for (const struct dirent *entry; status == MRQ_OK && (entry = readdir(stream));) {
        char inside[4096];
        struct stat st;
        const bool ours = strcmp(entry->d_name, "schema.json") == 0;
        if (*entry->d_name == '.' || ours || mrq_path_join(inside, sizeof inside, path, entry->d_name, NULL) != MRQ_OK ||
            stat(inside, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            f->folders++;
            snprintf(f->inside, sizeof f->inside, "%s", entry->d_name);
        } else if (S_ISREG(st.st_mode) && f->n == FILES_MAX) {
            status =
                mrq_fail(err, MRQ_BAD_FILE, "%s: more than %d files; want a folder with those of one data set", path, FILES_MAX);
        } else if (S_ISREG(st.st_mode)) {
            snprintf(f->file[f->n++], sizeof *f->file, "%s", entry->d_name);
        }
    }
    closedir(stream);
    qsort(f->file, f->n, sizeof *f->file, compare_names);
    return status;
}

/* The files that are named. */
static mrq_status take_files(const char *path, const char *const *files, uint32_t n, folder *f, mrq_error *err)
{
    if (n > FILES_MAX)
        return mrq_fail(err, MRQ_USAGE, "%u files, want at most %d", n, FILES_MAX);
    for (uint32_t i = 0; i < n; i++) {
        char inside[4096];
        struct stat st;
        MRQ_TRY(mrq_path_join(inside, sizeof inside, path, files[i], err));
        if (stat(inside, &st) != 0)
            return mrq_fail_errno(err, "cannot open %s", inside);
        if (!S_ISREG(st.st_mode))
            return mrq_fail(err, MRQ_USAGE, "%.200s is no file; want files of one folder, or one folder", inside);
        snprintf(f->file[f->n++], sizeof *f->file, "%s", files[i]);
    }
    qsort(f->file, f->n, sizeof *f->file, compare_names);
    for (uint32_t i = 1; i < f->n; i++)
        if (strcmp(f->file[i], f->file[i - 1]) == 0)
            return mrq_fail(err, MRQ_USAGE, "%.200s is given twice", f->file[i]);
    return MRQ_OK;
}

/* --- events --- */

/* Whether a column of events can be an id. */
static bool is_like_id(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *c = &look->column[i];
    return c->n && !c->nameless && !c->lists && !c->empty && !c->dates && !c->addresses && c->longest <= MRQ_ID_BYTES &&
           c->bytes <= 48 * c->n && (c->numbers < c->n || c->wholes == c->numbers) &&
           (mrq_dict_strings(c->values).n > 1 || look->rows < 10);
}

bool mrq_guess_is_unique(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *c = &look->column[i];
    return !c->lists && c->n + c->unknown == look->rows && mrq_dict_strings(c->values).n + c->unknown == look->rows;
}

static uint32_t find_role(const mrq_look *look, mrq_role role)
{
    for (uint32_t i = 0; i < look->columns; i++)
        if (look->column[i].role == role)
            return i;
    return look->columns;
}

/* The first column from `i` on that can be an id and is not `other`. */
static uint32_t next_id(const mrq_look *look, uint32_t i, uint32_t other)
{
    while (i < look->columns && (i == other || !is_like_id(look, i) || look->column[i].role > MRQ_ROLE_ITEM))
        i++;
    return i;
}

static const char by_place[] = "by its place: nothing names it; exchange \"user\" and \"item\" in the schema if that is wrong";

/* The columns of the user and the item, without names for both. */
static bool find_nameless(mrq_look *look, mrq_found *out)
{
    mrq_role roles[2];
    mrq_noun noun = {"", ""};
    out->user = find_role(look, MRQ_ROLE_USER);
    out->item = find_role(look, MRQ_ROLE_ITEM);
    const bool user = out->user < look->columns, item = out->item < look->columns;
    if (user || item) {
        uint32_t *other = user ? &out->item : &out->user;
        *other = next_id(look, 0, user ? out->user : out->item);
        out->how = user ? "the first column that can be one, beside the user" : "the first column that can be one, beside the item";
        if (mrq_guess_is_unique(look, user ? out->user : out->item))
            return false;
    } else {
        out->user = next_id(look, 0, UINT32_MAX);
        out->item = next_id(look, out->user + 1, UINT32_MAX);
        out->how = by_place;
        mrq_hint_file(look->file, roles, &noun);
        if (roles[0] != MRQ_ROLE_NONE && roles[1] != MRQ_ROLE_NONE && roles[0] != roles[1])
            out->how = "by its place, as the file's name has it";
        if (roles[0] == MRQ_ROLE_ITEM && roles[1] == MRQ_ROLE_USER) {
            const uint32_t first = out->user;
            out->user = out->item;
            out->item = first;
        }
    }
    if (out->user >= look->columns || out->item >= look->columns)
        return false;
    if (!user && !item && look->column[out->user].digits < look->rows && look->column[out->item].digits < look->rows)
        return false; /* two words are no user and no item */
    /* Who is there once only has one event; then it is a table of what users or items are. */
    return look->rows < 10 || (!mrq_guess_is_unique(look, out->user) && !mrq_guess_is_unique(look, out->item));
}

/* Whether a file can be events. `*named`: its columns say so. */
static bool find_events(mrq_look *look, mrq_found *out, bool *named)
{
    *out = (mrq_found){.look = look, .item = 1};
    *named = look->lists;
    out->how = "by its place in the line";
    if (look->lists)
        return true;
    if (look->matrix)
        return false;
    out->user = find_role(look, MRQ_ROLE_USER);
    out->item = find_role(look, MRQ_ROLE_ITEM);
    *named = out->user < look->columns && out->item < look->columns;
    out->how = "by its name";
    if (*named)
        return look->column[out->user].n && look->column[out->item].n && (look->rows < 10 || !mrq_guess_is_unique(look, out->item));
    return find_nameless(look, out);
}

static bool is_larger(const mrq_look *a, const mrq_look *b)
{
    const uint64_t rows = mrq_look_rows(a), others = mrq_look_rows(b);
    return rows > others || (rows == others && a->all > b->all);
}

/* The largest matrix. */
static mrq_status choose_matrix(folder *f, mrq_findings *findings, mrq_error *err)
{
    mrq_look *best = NULL;
    for (uint32_t i = 0; i < f->n; i++) {
        mrq_look *look = &f->look[i];
        if (!*look->why_not && look->matrix && (!best || is_larger(look, best)))
            best = look;
    }
    for (uint32_t i = 0; i < f->n; i++)
        f->larger[i] = !*f->look[i].why_not && f->look[i].matrix && &f->look[i] != best;
    findings->events = (mrq_found){.look = best, .item = 1, .how = "by its place in the line"};
    return best ? mrq_look_as_matrix(best, err) : MRQ_OK;
}

/* The largest file of those that say they are events, or else of those that can be, or else a matrix. */
static mrq_status choose_events(folder *f, mrq_findings *findings, mrq_error *err)
{
    bool best_named = false;
    for (uint32_t i = 0; i < f->n; i++) {
        mrq_found found;
        bool named;
        mrq_look *look = &f->look[i];
        if (*look->why_not || !find_events(look, &found, &named))
            continue;
        const mrq_look *best = findings->events.look;
        if (!best || (named && !best_named) || (named == best_named && is_larger(look, best))) {
            findings->events = found;
            best_named = named;
        }
    }
    if (!findings->events.look)
        return choose_matrix(f, findings, err);
    for (uint32_t i = 0; i < f->n; i++) {
        mrq_found found;
        bool named;
        mrq_look *look = &f->look[i];
        f->larger[i] = look != findings->events.look && !*look->why_not && find_events(look, &found, &named);
    }
    return MRQ_OK;
}

/* --- users and items --- */

/* How a column of a file fits the ids of the events. */
typedef struct fit {
    uint32_t file, column;
    bool items;
    double score; /* below 0: it does not */
} fit;

mrq_role mrq_guess_file_role(const mrq_look *look, mrq_noun *noun)
{
    mrq_role roles[2];
    mrq_hint_file(look->file, roles, noun);
    return roles[1] == MRQ_ROLE_NONE || roles[1] == roles[0] ? roles[0] : MRQ_ROLE_NONE;
}

/* Whether an id is a value of a column; 39.0 is 39 where all of a column are written so. */
static bool holds(const mrq_look_column *values, const char *id, size_t size)
{
    char pointed[MRQ_ID_BYTES + 3];
    if (!mrq_look_pointed(values))
        return mrq_dict_find(values->values, id, size) != MRQ_NONE;
    if (size > MRQ_ID_BYTES)
        return false;
    memcpy(pointed, id, size);
    memcpy(pointed + size, ".0", 2);
    return mrq_dict_find(values->values, pointed, size + 2) != MRQ_NONE;
}

uint32_t mrq_guess_contained(const mrq_look_column *ids, const mrq_look_column *values, const char **missing)
{
    const mrq_strings id = mrq_dict_strings(ids->values);
    uint32_t found = 0;
    *missing = "";
    for (uint32_t i = 0; i < id.n; i++) {
        const size_t size = mrq_strings_size(&id, i);
        const bool there = holds(values, mrq_strings_at(&id, i), mrq_look_pointed(ids) ? size - 2 : size);
        found += there;
        if (!there && !**missing)
            *missing = mrq_strings_at(&id, i);
    }
    return found;
}

/* Columns beside the ids that may tell something: of two tables with all ids the one that tells more is the main one. */
static uint32_t count_useful(const mrq_look *look, uint32_t id)
{
    char why[120];
    uint32_t n = 0;
    for (uint32_t i = 0; i < look->columns; i++)
        n += i != id && !mrq_guess_no_use(look, i, why);
    return n;
}

static fit fit_column(folder *f, const mrq_found *events, uint32_t file, uint32_t column, bool items)
{
    mrq_noun noun = {"", ""};
    const mrq_look *look = &f->look[file];
    const mrq_look_column *values = &look->column[column], *ids = &events->look->column[items ? events->item : events->user];
    const mrq_role want = items ? MRQ_ROLE_ITEM : MRQ_ROLE_USER, other = items ? MRQ_ROLE_USER : MRQ_ROLE_ITEM;
    const mrq_role of_file = mrq_guess_file_role(look, &noun);
    fit out = {file, column, items, -1};
    const char *missing;
    if (values->nameless || !mrq_guess_is_unique(look, column) || values->empty || values->unknown ||
        values->longest > MRQ_ID_BYTES || values->role == other || (of_file == other && values->role != want))
        return out;
    const uint32_t all = mrq_dict_strings(ids->values).n, known = mrq_dict_strings(values->values).n;
    const uint32_t found = mrq_guess_contained(ids, values, &missing);
    const bool agrees = of_file == want || values->role == want, same = *values->name && strcmp(values->name, ids->name) == 0;
    const double share = (double)found / all, used = (double)found / known;
    if (found < all && (share >= 0.5 || agrees) && !*f->why[file])
        snprintf(f->why[file], sizeof f->why[file], "it lacks %u of the %u %s of %.80s, such as \"%.60s\"", all - found, all,
                 items ? "items" : "users", events->look->file, missing);
    /* Without names only a close fit is no chance. */
    if (mrq_look_whole(look) ? found < all && !((values->role == want || same) && share >= 0.9) : !agrees && !same)
        return out;
    if (!agrees && !same && mrq_look_whole(events->look) && used < 0.5)
        return out;
    out.score = 4 * agrees + 2 * same + share + used + 0.01 * count_useful(look, column);
    return out;
}

/* The best column for users or items in any file but those of the events and of `taken`. */
static fit find_table(folder *f, const mrq_findings *findings, bool items, const mrq_look *taken)
{
    fit best = {.score = -1, .items = items};
    for (uint32_t i = 0; i < f->n; i++) {
        const mrq_look *look = &f->look[i];
        if (*look->why_not || look->lists || look == findings->events.look || look == taken || look->columns < 2)
            continue;
        if (mrq_guess_broken(look)) {
            snprintf(f->why[i], sizeof f->why[i], "%llu of its %llu lines do not have %u columns or have wrong quotes",
                     (unsigned long long)look->bad, (unsigned long long)(look->bad + look->rows), look->columns);
            continue;
        }
        for (uint32_t k = 0; k < look->columns; k++) {
            const fit found = fit_column(f, &findings->events, i, k, items);
            f->fits[i] |= found.score >= 0;
            if (found.score > best.score)
                best = found;
        }
    }
    return best;
}

static void use_table(folder *f, mrq_findings *findings, const fit *found)
{
    mrq_found *table = found->items ? &findings->items : &findings->users;
    table->look = found->score < 0 ? NULL : &f->look[found->file];
    table->id = found->column;
}

/* The surer of the two is chosen first. Returns how well they fit. */
static double choose_tables(folder *f, mrq_findings *findings)
{
    memset(f->why, 0, sizeof f->why);
    memset(f->fits, 0, sizeof f->fits);
    fit items = find_table(f, findings, true, NULL), users = find_table(f, findings, false, NULL);
    if (items.score >= 0 && users.score >= 0 && items.file == users.file) {
        if (items.score >= users.score)
            users = find_table(f, findings, false, &f->look[items.file]);
        else
            items = find_table(f, findings, true, &f->look[users.file]);
    }
    use_table(f, findings, &items);
    use_table(f, findings, &users);
    return (items.score > 0 ? items.score : 0) + (users.score > 0 ? users.score : 0);
}

static void exchange(mrq_found *events)
{
    const uint32_t user = events->user;
    events->user = events->item;
    events->item = user;
}

/* The tables, and which id of the events is whose where only their places told: that way round which fits the tables better. */
static void choose_sides(folder *f, mrq_findings *findings)
{
    mrq_found *events = &findings->events;
    const double fits = choose_tables(f, findings);
    if (events->how != by_place)
        return;
    exchange(events);
    const double other = choose_tables(f, findings);
    if (other <= fits) {
        exchange(events);
        (void)choose_tables(f, findings);
    }
    if (other != fits)
        events->how = "because so it fits the other files";
}

/* --- the report and the schema --- */

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

uint32_t mrq_guess_lacking(const mrq_findings *findings, bool items, const char **missing)
{
    const mrq_found *events = &findings->events, *table = items ? &findings->items : &findings->users;
    const mrq_look_column *ids = &events->look->column[items ? events->item : events->user];
    if (!mrq_look_whole(table->look))
        return 0;
    return mrq_dict_strings(ids->values).n - mrq_guess_contained(ids, &table->look->column[table->id], missing);
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

static void say_unused(const folder *f, const mrq_findings *findings)
{
    for (uint32_t i = 0; i < f->n; i++) {
        const mrq_look *look = &f->look[i];
        if (look == findings->events.look || look == findings->items.look || look == findings->users.look ||
            is_joined(findings, look))
            continue;
        if (f->larger[i])
            mrq_writer_put(findings->report, "%s: not used: it could be events too, but %s is larger or says so by its names\n",
                           look->file, findings->events.look->file);
        else
            mrq_writer_put(findings->report, "%s: not used: %s\n", look->file,
                           *look->why_not ? look->why_not
                           : f->fits[i]   ? "another file fits better"
                           : *f->why[i]   ? f->why[i]
                                          : "no column of it has all ids of the users or of the items, each once");
    }
    if (f->folders)
        mrq_writer_put(findings->report, "%s: not used: a folder\n", f->inside);
}

static void write_all(const folder *f, mrq_findings *findings, const mrq_noun *noun)
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
static mrq_status fail_without_events(const char *path, const folder *f, mrq_error *err)
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
    MRQ_CLEANUP(clear_folder) folder *f = mrq_array(1, sizeof *f);
    char name[MRQ_COLUMN_NAME];
    mrq_findings findings = {.name = name, .schema = schema, .report = report};
    if (!f)
        return mrq_fail_memory(err, "looking at a folder");
    MRQ_TRY(n ? take_files(path, files, n, f, err) : list_files(path, f, err));
    if (!f->n && f->folders)
        return mrq_fail(err, MRQ_NOT_FOUND, "%.200s: no files, only folders, such as %.200s", path, f->inside);
    if (!f->n)
        return mrq_fail(err, MRQ_NOT_FOUND, "%.200s: no files", path);
    for (uint32_t i = 0; i < f->n; i++)
        MRQ_TRY(mrq_look_open(&f->look[i], path, f->file[i], err));
    name_schema(path, name);
    MRQ_TRY(choose_events(f, &findings, err));
    if (!findings.events.look)
        return fail_without_events(path, f, err);
    choose_sides(f, &findings);
    mrq_guess_joins(f->look, f->larger, f->n, &findings);
    write_all(f, &findings, noun);
    if (schema->failed || report->failed)
        return mrq_fail_memory(err, "looking at a folder");
    return MRQ_OK;
}
