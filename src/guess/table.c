/* From what a column of users or items looks like to a field of the schema, or to a line of the report that says why it is none.
 *
 * Names that the shipped models know (gender, age, job, genres, title) are given to columns that mean the same. A column whose
 * values are all different tells nothing that could be learned, unless it is a number or the title. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "guess/findings.h"

#define USER_VALUES_MAX 1000    /* of a category */
#define ITEM_VALUES_MAX 1000000 /* the same */
#define CODES_MAX       1000    /* more whole numbers without a name are no codes but measures */
#define MEMBERS_MAX     5000    /* members of a set */
#define FIELDS          48      /* of a table; MRQ_COLUMNS_MAX with what titles add */

/* A table in the making. */
typedef struct table {
    mrq_findings *findings;
    const mrq_look *look;
    bool items;
    char word[MRQ_COLUMN_NAME]; /* that names the only column of a file without a header; or "" */
    uint32_t n;                 /* fields so far */
    char name[FIELDS + 2][MRQ_COLUMN_NAME];
} table;

/* A field's name: that of its role, else the column's own in small letters, and another one where that is taken. */
static const char *name_field(table *t, uint32_t i, const char *role)
{
    const mrq_look_column *column = &t->look->column[i];
    char *name = t->name[t->n], base[MRQ_COLUMN_NAME - 4];
    size_t n = 0;
    for (const char *p = role ? role : column->name; *p && n + 1 < sizeof base; p++) {
        const bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z'), digit = *p >= '0' && *p <= '9';
        if (letter || digit)
            base[n++] = letter ? (char)(*p | 0x20) : *p;
        else if (n && base[n - 1] != '_')
            base[n++] = '_';
    }
    while (n && base[n - 1] == '_')
        n--;
    base[n] = '\0';
    if (n)
        snprintf(name, MRQ_COLUMN_NAME, "%s", base);
    else
        snprintf(name, MRQ_COLUMN_NAME, "column%u", i + 1);
    for (uint32_t k = 0, copy = 1; k < t->n; k++)
        if (strcmp(t->name[k], name) == 0) {
            snprintf(name, MRQ_COLUMN_NAME, "%s_%u", n ? base : "column", ++copy);
            k = UINT32_MAX; /* and from the first again */
        }
    t->n++;
    return name;
}

static bool is_taken(const table *t, const char *name)
{
    for (uint32_t k = 0; k < t->n; k++)
        if (strcmp(t->name[k], name) == 0)
            return true;
    return false;
}

/* --- fields --- */

static const struct range {
    double from;
    const char *label;
} ages[] = {{0, "under 18"}, {18, "18-24"}, {25, "25-34"}, {35, "35-44"}, {45, "45-54"}, {55, "55+"}};
#define N_AGES (sizeof ages / sizeof *ages)

static void put_ages(mrq_fields *out, uint32_t i, const char *name)
{
    mrq_writer *schema = out->findings->schema;
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    mrq_fields_put(out, i, name, "category");
    for (size_t k = 0; k < N_AGES; k++)
        mrq_writer_put(schema, "%s%g", k ? ", " : ", \"buckets\": [", !k && column->min < 0 ? floor(column->min) : ages[k].from);
    for (size_t k = 0; k < N_AGES; k++)
        mrq_writer_put(schema, "%s\"%s\"", k ? ", " : "], \"labels\": [", ages[k].label);
    mrq_writer_put(schema, "]");
    mrq_fields_null(out, i, NULL);
    mrq_fields_end(out);
    mrq_say_column(out->findings, out->look, i, "a number from %g to %g, in %zu ranges%s", column->min, column->max, N_AGES,
                   mrq_guess_unknown(column, unknown));
}

static void put_number(table *t, mrq_fields *out, uint32_t i, bool year)
{
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    const bool zero = year && column->min <= 0;
    const char *name = name_field(t, i, year && !is_taken(t, "year") ? "year" : NULL);
    mrq_fields_put(out, i, name, "number");
    mrq_fields_null(out, i, zero ? "0" : NULL);
    mrq_fields_end(out);
    mrq_say_column(out->findings, out->look, i, "%s from %g to %g, called %s%s%s", year ? "a year" : "a number", column->min,
                   column->max, name, zero ? "; 0 means unknown" : "", mrq_guess_unknown(column, unknown));
}

static void put_category(table *t, mrq_fields *out, uint32_t i, const char *role)
{
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    const char *name = name_field(t, i, role);
    mrq_fields_put(out, i, name, "category");
    mrq_fields_null(out, i, NULL);
    mrq_fields_end(out);
    mrq_say_column(out->findings, out->look, i, "one of %u values, called %s%s", mrq_dict_strings(column->values).n, name,
                   mrq_guess_unknown(column, unknown));
}

/* The members of a column by the delimiter that most values have; NULL when they have none whose members come again. One of no
 * letter at all, as in "a,,b", is refused by the reader. */
static const mrq_look_set *set_of(const mrq_look_column *column)
{
    const mrq_look_set *best = NULL;
    if (column->lists)
        return mrq_dict_strings(column->set->dict).n <= MEMBERS_MAX ? column->set : NULL;
    for (int k = 0; k < MRQ_LOOK_SETS; k++) {
        const mrq_look_set *set = &column->set[k];
        const uint32_t n = mrq_dict_strings(set->dict).n;
        if (10 * set->texts >= column->n && n && n <= MEMBERS_MAX && set->members >= 4 * (uint64_t)n &&
            mrq_dict_find(set->dict, "", 0) == MRQ_NONE && (!best || set->texts > best->texts))
            best = set;
    }
    return best;
}

static void put_set(table *t, mrq_fields *out, uint32_t i, const mrq_look_set *set, bool genres)
{
    const mrq_look_column *column = &out->look->column[i];
    char unknown[48];
    const char *name = name_field(t, i, genres && !is_taken(t, "genres") ? "genres" : NULL);
    mrq_fields_put(out, i, name, "set");
    char divided[32] = "listed";
    if (!column->lists) {
        mrq_writer_put(out->findings->schema, ", \"delimiter\": \"%s\"", set ? set->delimiter : "|");
        snprintf(divided, sizeof divided, "divided by \"%s\"", set ? set->delimiter : "|");
    }
    mrq_fields_null(out, i, NULL);
    mrq_fields_end(out);
    mrq_say_column(out->findings, out->look, i, "a set of %u members, %s, called %s%s",
                   mrq_dict_strings(set ? set->dict : column->values).n, divided, name, mrq_guess_unknown(column, unknown));
}

static void put_title(table *t, mrq_fields *out, uint32_t i)
{
    const mrq_look_column *column = &out->look->column[i];
    bool years = 2 * column->years > column->n;
    for (uint32_t k = 0; k < out->look->columns; k++)
        years &= out->look->column[k].role != MRQ_ROLE_YEAR;
    mrq_fields_put(out, i, name_field(t, i, "title"), "text");
    if (years) {
        snprintf(t->name[t->n++], MRQ_COLUMN_NAME, "year");
        mrq_writer_put(out->findings->schema, ", \"extract\": {\"year\": \" *\\\\(([0-9]{4})\\\\) *$\"}");
    }
    mrq_fields_end(out);
    mrq_say_column(out->findings, out->look, i, "the title%s", years ? ", with the year in brackets at its end" : "");
}

/* The title of items: of the columns that are called so, or else of all that are texts, the one with most different values. */
static uint32_t find_title(const mrq_look *look, uint32_t id)
{
    for (int named = 1; named >= 0; named--) {
        uint32_t best = look->columns, most = 1;
        for (uint32_t i = 0; i < look->columns; i++) {
            const mrq_look_column *column = &look->column[i];
            const uint32_t n = mrq_dict_strings(column->values).n;
            const bool text = !column->lists && !column->nameless && column->numbers < column->n && !column->addresses &&
                              !column->dates && column->bytes > 2 * column->n;
            const bool fits = named ? column->role == MRQ_ROLE_TITLE && column->n && !column->lists
                                    : text && column->role == MRQ_ROLE_NONE && !mrq_hint_is_id(column->name) &&
                                          2 * n > look->rows && !set_of(column);
            if (i != id && fits && (n > most || (named && best == look->columns))) {
                best = i;
                most = n;
            }
        }
        if (best < look->columns)
            return best;
    }
    return look->columns;
}

static bool is_gender(const mrq_look_column *column)
{
    static const char *const words[] = {"M", "F", "m", "f", "male", "female", "Male", "Female"};
    uint32_t known = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        known += mrq_dict_find(column->values, words[i], strlen(words[i])) != MRQ_NONE;
    return known >= 2 && known == mrq_dict_strings(column->values).n;
}

static bool is_year(const mrq_look_column *column)
{
    return mrq_look_whole_numbers(column) && column->max >= 1500 && column->max <= 2100 &&
           (column->min == 0 || column->min >= 1000);
}

/* Whether rows have values in common that can be learned; the values of users make a matrix. */
static bool few(const table *t, uint32_t n)
{
    return n <= (t->items ? ITEM_VALUES_MAX : USER_VALUES_MAX) && 2 * (uint64_t)n <= t->look->rows;
}

/* Writes a column of a table with a row each. */
static void guess_column(table *t, mrq_fields *out, uint32_t i)
{
    const mrq_look *look = t->look;
    const mrq_look_column *column = &look->column[i];
    const uint32_t n = mrq_dict_strings(column->values).n;
    const mrq_look_set *set = set_of(column);
    const bool numeric = mrq_look_numeric(column), code = *t->word || n <= CODES_MAX;
    if (column->role == MRQ_ROLE_AGE && numeric && !t->items)
        put_ages(out, i, name_field(t, i, "age"));
    else if (!t->items && (column->role == MRQ_ROLE_GENDER || is_gender(column)) && few(t, n))
        put_category(t, out, i, "gender");
    else if (!t->items && column->role == MRQ_ROLE_JOB && few(t, n))
        put_category(t, out, i, "job");
    else if (t->items && column->role == MRQ_ROLE_GENRES && !numeric && (set || 10 * (uint64_t)n <= 9 * look->rows))
        put_set(t, out, i, set, true);
    else if (mrq_look_whole_numbers(column) && (column->role == MRQ_ROLE_YEAR || (!*column->name && is_year(column))))
        put_number(t, out, i, t->items);
    else if (numeric && (look->header || column->wholes < column->n || !code || !few(t, n)) && !mrq_hint_is_id(column->name))
        put_number(t, out, i, false);
    else if (set)
        put_set(t, out, i, set, t->items && !look->header);
    else if (few(t, n) && !column->lists)
        put_category(t, out, i, *t->word ? t->word : NULL);
    else
        mrq_say_column(t->findings, look, i, "not used: %u different %s in %llu lines: too many for a category%s", n,
                       column->numbers < column->n ? "texts" : "codes", (unsigned long long)look->rows,
                       t->items ? ", and not the title" : "");
}

/* Writes a column of a file with several rows an id: each row has a member, or a text of members. */
static void guess_members(table *t, mrq_fields *out, uint32_t i)
{
    const mrq_look_column *column = &t->look->column[i];
    const mrq_look_set *set = set_of(column);
    const char *name = name_field(t, i, *t->word ? t->word : NULL);
    char unknown[48];
    mrq_fields_put(out, i, name, "set");
    if (set)
        mrq_writer_put(out->findings->schema, ", \"delimiter\": \"%s\"", set->delimiter);
    mrq_fields_null(out, i, NULL);
    mrq_fields_end(out);
    mrq_say_column(t->findings, t->look, i, "a set of %u members, called %s%s",
                   mrq_dict_strings(set ? set->dict : column->values).n, name, mrq_guess_unknown(column, unknown));
}

/* Writes the fields of a file; `id` is its column of ids. */
static void guess_file(table *t, uint32_t id, bool several)
{
    const mrq_look *look = t->look;
    mrq_fields out = {.findings = t->findings, .look = look};
    mrq_noun noun = {"", ""};
    const uint32_t title = t->items && !several && !is_taken(t, "title") ? find_title(look, id) : look->columns;
    *t->word = '\0';
    if (!look->header && look->columns == 2 && mrq_guess_file_role(look, &noun) != MRQ_ROLE_NONE)
        mrq_guess_file_word(look->file, t->word);
    mrq_fields_open(t->findings, look);
    for (uint32_t i = 0; i < look->columns; i++) {
        char why[120];
        if (i == id) {
            mrq_fields_put(&out, i, "id", "id");
            mrq_fields_end(&out);
            mrq_say_column(t->findings, look, i, "the id%s", mrq_look_pointed(&look->column[i]) ? MRQ_SAY_POINTED : "");
        } else if (i == title && t->n < FIELDS) {
            put_title(t, &out, i);
        } else if (t->n >= FIELDS) {
            mrq_say_column(t->findings, look, i, "not used: there are as many fields as a table can hold");
        } else if (mrq_guess_no_use(look, i, why)) {
            mrq_say_column(t->findings, look, i, "not used: %s", why);
        } else if (!several) {
            guess_column(t, &out, i);
        } else if (mrq_guess_many(look, i)) {
            guess_members(t, &out, i);
        } else {
            mrq_say_column(t->findings, look, i, "not used: several rows of one id, and no members that several of them have");
        }
    }
    mrq_fields_close(&out);
}

/* That rows of a joined file are of other ids. */
static void say_others(const mrq_findings *f, const mrq_found_join *join)
{
    const mrq_look_column *ids = mrq_guess_ids(f, join->items), *values = &join->look->column[join->id];
    const char *missing;
    const uint32_t all = mrq_dict_strings(values->values).n, known = mrq_guess_contained(values, ids, &missing);
    if (known < all && mrq_look_whole(join->look) && mrq_look_whole(f->events.look))
        mrq_writer_put(f->report, "%s: note: %u of its %u ids, such as \"%s\", are those of no %s; their rows are left alone\n",
                       join->look->file, all - known, all, missing, join->items ? f->noun.one : "user");
}

void mrq_guess_table(mrq_findings *f, bool items)
{
    const mrq_found *found = items ? &f->items : &f->users;
    const char *what = items ? f->noun.many : "users", *before = "";
    table t = {.findings = f, .look = found->look, .items = items, .n = 1, .name = {"id"}};
    uint32_t joined = 0;
    for (uint32_t i = 0; i < f->n_joined; i++)
        joined += f->joined[i].items == items;
    if (!found->look && !joined)
        return;
    mrq_writer_put(f->schema, ",\n \"%s\": {", items ? "items" : "users");
    if (found->look) {
        const char *missing;
        if (mrq_guess_lacking(f, items, &missing))
            mrq_writer_put(f->schema, "\"unlisted\": \"take\", ");
        mrq_say_file(f, found->look, what);
        guess_file(&t, found->id, false);
    }
    if (joined)
        mrq_writer_put(f->schema, "%s\"join\": [", found->look ? ",\n  " : "");
    for (uint32_t i = 0; i < f->n_joined; i++) {
        const mrq_found_join *join = &f->joined[i];
        char rows[MRQ_NOUN + 32];
        if (join->items != items)
            continue;
        t.look = join->look;
        snprintf(rows, sizeof rows, "rows about %s", what);
        mrq_say_file(f, join->look, rows);
        mrq_writer_put(f->schema, "%s{", before);
        say_others(f, join);
        guess_file(&t, join->id, join->several);
        mrq_writer_put(f->schema, "}");
        before = ",\n  ";
    }
    mrq_writer_put(f->schema, joined ? "]}" : "}");
}
