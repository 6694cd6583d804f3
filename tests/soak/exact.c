/* What a generation says, in doubles and without any shortcut: exact FOLDER NAME, asked by exact.py a line at a time.
 *
 * The store room opens and verifies the generation; of what it holds only the numbers are used: the tower's rows, which items each
 * user likes, the items' vectors. Vectors are summed and multiplied here, for every item there is. Neither the engine's code nor
 * its kernels, sketch, filters or caches have a part in it; filters, order and documents are exact.py's.
 *
 * Beside each number stands a bound of what single precision may have made of it: SLACK times the lengths of all that was summed,
 * which is ten times what was seen of the worst.
 *
 * The first line says what there is, as JSON. Then each line asks, and is answered by a line "ok COUNT" and so many doubles:
 *   score USER CODES FEEDBACK           a score of each item, then the bound of each; USER is a row or -, CODES a number or - for
 *                                    each feature of the tower, FEEDBACK row:strength,... or -
 *   similar ROW                      the same of the items like one
 *   explain USER CODES FEEDBACK ROWS    of each of these items: the base, its bound; each part, its bound
 *   user ROW                         the rows of items that a user has rated, -1, and those that the user likes
 * Only a linear tower under an inner product, and only an index that scans, has one right answer that is told here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/print.h"
#include "store/layout.h"

#define SLACK      2e-7
#define LINE_SIZE  65536
#define INPUTS_MAX 10000

/* A summand of the person's vector. */
typedef struct summand {
    const float *row; /* (width) */
    double strength;
    double *less;  /* the average in whose place it stands; NULL: nothing */
    uint32_t item; /* whose row it is, and whose neighbours add to scores; MRQ_NONE: no item's */
} summand;

typedef struct person {
    uint32_t n;
    summand part[INPUTS_MAX];
} person;

static mrq_generation *generation;
static const mrq_folded *tower;
static const float *vectors;               /* (items, dim) */
static double *mean[MRQ_BRANCHES_MAX];     /* (width) each; NULL for the id's */
static uint32_t feature[MRQ_BRANCHES_MAX]; /* branches but the id's, in their order */
static uint32_t n_features;

static void die(const char *what)
{
    fprintf(stderr, "exact: %s\n", what);
    exit(1);
}

static double *doubles(size_t n)
{
    double *array = mrq_array(n, sizeof *array);
    if (!array)
        die("out of memory");
    return array;
}

static double length(const float *row)
{
    double sum = 0;
    for (uint32_t d = 0; d < tower->size; d++)
        sum += (double)row[d] * (double)row[d];
    return sqrt(sum);
}

static const float *vector(uint32_t item)
{
    return vectors + (size_t)item * tower->dim;
}

static double inner(const float *row, uint32_t item)
{
    const float *v = vector(item);
    double sum = 0;
    for (uint32_t d = 0; d < tower->size; d++)
        sum += (double)row[d] * (double)v[d];
    return tower->scale * sum;
}

static double inner_mean(const double *row, uint32_t item)
{
    const float *v = vector(item);
    double sum = 0;
    for (uint32_t d = 0; d < tower->size; d++)
        sum += row[d] * (double)v[d];
    return tower->scale * sum;
}

/* What a like of an item adds to another item's score beside the vectors. */
static double near(uint32_t from, uint32_t to)
{
    const mrq_links *all = &tower->neighbours;
    if (!all->strength || from == MRQ_NONE)
        return 0;
    for (uint64_t i = all->list.offset[from]; i < all->list.offset[from + 1]; i++)
        if (all->list.item[i] == to)
            return (double)all->strength[i];
    return 0;
}

/* The average row of a feature over the users. */
static double *average(const mrq_folded_branch *branch)
{
    const mrq_table *users = generation->users;
    const uint32_t *code = mrq_table_column(users, branch->feature)->code;
    double *sum = doubles(tower->width);
    for (uint32_t u = 0; u < users->rows; u++)
        for (uint32_t d = 0; d < tower->width; d++)
            sum[d] += (double)branch->rows[(size_t)code[u] * tower->width + d] / users->rows;
    return sum;
}

static void open_generation(const char *folder, const char *name)
{
    mrq_error err = {0};
    if (mrq_generation_open_in(folder, name, NULL, true, &generation, &err) != MRQ_OK)
        die(err.msg);
    tower = generation->tower;
    vectors = mrq_index_vectors(generation->index);
    if (!tower->liked || tower->bias || strcmp(generation->index_kind, "Flat") != 0) /* with likes, it is linear */
        die("want a model that learns from likes, without biases, and an index that scans");
    for (uint32_t b = 0; b < tower->n_branches; b++) {
        const mrq_folded_branch *branch = &tower->branch[b];
        if (strcmp(branch->feature, "id") == 0) {
            if (length(branch->rows) > 0)
                die("the unknown user's row is not empty");
            continue;
        }
        if (mrq_folded_is_set(branch))
            die("want users without sets");
        mean[b] = average(branch);
        feature[n_features++] = b;
    }
}

static void print_strings(mrq_print *out, const char *key, const mrq_strings *strings)
{
    mrq_print_key(out, key);
    mrq_print_open(out, '[');
    for (uint32_t i = 0; i < strings->n; i++)
        mrq_print_text(out, mrq_strings_at(strings, i));
    mrq_print_close(out, ']');
}

/* {"name":"age","values":[...],"labels":[...],"bounds":[...],"codes":[a row each]} */
static void print_category(mrq_print *out, const mrq_column *column)
{
    mrq_print_open(out, '{');
    mrq_print_key(out, "name");
    mrq_print_text(out, column->name);
    print_strings(out, "values", &column->dict);
    print_strings(out, "labels", &column->label);
    mrq_print_key(out, "bounds");
    mrq_print_open(out, '[');
    for (uint32_t i = 0; column->bound && i < column->dict.n; i++)
        mrq_print_real(out, column->bound[i], 6);
    mrq_print_close(out, ']');
    mrq_print_key(out, "codes");
    mrq_print_open(out, '[');
    for (uint32_t u = 0; u < generation->users->rows; u++)
        mrq_print_whole(out, column->code[u]);
    mrq_print_close(out, ']');
    mrq_print_close(out, '}');
}

static void print_users(mrq_print *out)
{
    const mrq_table *users = generation->users;
    mrq_print_key(out, "users");
    mrq_print_open(out, '[');
    for (uint32_t u = 0; u < users->rows; u++)
        mrq_print_text(out, mrq_table_id(users, u));
    mrq_print_close(out, ']');
    mrq_print_key(out, "categories");
    mrq_print_open(out, '[');
    for (uint32_t c = 0; c < users->n_columns; c++)
        if (users->column[c].kind == MRQ_CATEGORY)
            print_category(out, &users->column[c]);
    mrq_print_close(out, ']');
    mrq_print_key(out, "features");
    mrq_print_open(out, '[');
    for (uint32_t f = 0; f < n_features; f++)
        mrq_print_text(out, tower->branch[feature[f]].feature);
    mrq_print_close(out, ']');
}

/* [id, title, year, [genre...], ratings] of each. */
static void print_items(mrq_print *out)
{
    const mrq_table *items = generation->items;
    const mrq_column *title = mrq_table_first(items, MRQ_TEXT), *genres = mrq_table_first(items, MRQ_SET);
    const mrq_column *year = mrq_table_column(items, "year");
    if (!title || !genres || !year)
        die("want items with titles, genres and years");
    uint32_t *ratings = mrq_array(items->rows, sizeof *ratings);
    if (!ratings)
        die("out of memory");
    for (uint64_t i = 0; i < generation->seen.offset[generation->users->rows]; i++)
        ratings[generation->seen.item[i]]++;
    print_strings(out, "genres", &genres->dict);
    mrq_print_key(out, "items");
    mrq_print_open(out, '[');
    for (uint32_t m = 0; m < items->rows; m++) {
        mrq_print_open(out, '[');
        mrq_print_text(out, mrq_table_id(items, m));
        mrq_print_text(out, mrq_strings_at(&title->text, m));
        mrq_print_real(out, year->number[m], 3);
        mrq_print_open(out, '[');
        for (uint64_t i = genres->list.offset[m]; i < genres->list.offset[m + 1]; i++)
            mrq_print_whole(out, genres->list.item[i]);
        mrq_print_close(out, ']');
        mrq_print_whole(out, ratings[m]);
        mrq_print_close(out, ']');
    }
    mrq_print_close(out, ']');
    mrq_free(ratings);
}

static void tell(void)
{
    mrq_print out = {0};
    mrq_print_open(&out, '{');
    mrq_print_key(&out, "model");
    mrq_print_text(&out, generation->model_name);
    print_users(&out);
    print_items(&out);
    mrq_print_close(&out, '}');
    char *text = mrq_print_take(&out, NULL);
    if (!text)
        die("out of memory");
    puts(text);
    mrq_free(text);
}

static void add(person *p, const float *row, double strength, double *less, uint32_t item)
{
    if (p->n == INPUTS_MAX)
        die("a history that is too long");
    p->part[p->n++] = (summand){row, strength, less, item};
}

static uint32_t number(const char *text, uint32_t limit)
{
    char *end;
    const unsigned long n = strtoul(text, &end, 10);
    if (end == text || n >= limit)
        die("a number that is none, or out of range");
    return (uint32_t)n;
}

/* What the items that are told, and those of the user's history that are not, add: in the order of the rows. */
static void add_items(person *p, const char *user, char *feedback)
{
    static double told[INPUTS_MAX];
    static uint32_t item[INPUTS_MAX];
    uint32_t n = 0;
    char *save;
    for (char *word = strcmp(feedback, "-") == 0 ? NULL : strtok_r(feedback, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        if (n == INPUTS_MAX)
            die("feedback that is too long");
        item[n] = number(word, generation->items->rows);
        told[n++] = strtod(strchr(word, ':') + 1, NULL);
    }
    const uint32_t row = strcmp(user, "-") == 0 ? MRQ_NONE : number(user, generation->users->rows);
    const uint64_t *offset = tower->history.list.offset + (row == MRQ_NONE ? 0 : row);
    for (uint32_t m = 0; m < generation->items->rows; m++) {
        double strength = 0;
        bool has = false;
        if (row != MRQ_NONE && tower->user_row[row])
            for (uint64_t i = offset[0]; i < offset[1]; i++)
                if (tower->history.list.item[i] == m)
                    strength = (double)tower->history.strength[i], has = true;
        for (uint32_t i = 0; i < n; i++)
            if (item[i] == m)
                strength = told[i], has = true;
        if (has)
            add(p, tower->liked + (size_t)m * tower->width, strength, NULL, m);
    }
}

static void read_person(person *p, const char *user, char *codes, char *feedback)
{
    char *save, *word = strtok_r(codes, ",", &save);
    p->n = 0;
    for (uint32_t f = 0; f < n_features; f++, word = strtok_r(NULL, ",", &save)) {
        const mrq_folded_branch *branch = &tower->branch[feature[f]];
        if (word && strcmp(word, "-") != 0)
            add(p, branch->rows + (size_t)number(word, branch->n_rows) * tower->width, 1, mean[feature[f]], MRQ_NONE);
    }
    add_items(p, user, feedback);
}

/* What anybody scores, and what the person's inputs change of it. */
static double base(uint32_t item)
{
    double sum = tower->shift + inner(tower->start, item);
    for (uint32_t f = 0; f < n_features; f++)
        sum += inner_mean(mean[feature[f]], item);
    return sum;
}

static double part(const summand *s, uint32_t item)
{
    return s->strength * (inner(s->row, item) + near(s->item, item)) - (s->less ? inner_mean(s->less, item) : 0);
}

static double norm(const double *row)
{
    double sum = 0;
    for (uint32_t d = 0; d < tower->size; d++)
        sum += row[d] * row[d];
    return sqrt(sum);
}

static double part_bound(const summand *s)
{
    return SLACK * tower->scale * (fabs(s->strength) * length(s->row) + (s->less ? norm(s->less) : 0));
}

static double base_bound(void)
{
    double sum = length(tower->start);
    for (uint32_t f = 0; f < n_features; f++)
        sum += norm(mean[feature[f]]);
    return SLACK * tower->scale * sum;
}

static void send_doubles(const double *data, size_t n)
{
    printf("ok %zu\n", n);
    fwrite(data, sizeof *data, n, stdout);
}

/* One sum a coordinate, then one inner product an item. */
static void score(const person *p)
{
    const uint32_t n = generation->items->rows;
    double *sum = doubles(tower->width), *out = doubles(2 * (size_t)n), bound = base_bound();
    for (uint32_t d = 0; d < tower->width; d++) {
        sum[d] = (double)tower->start[d];
        for (uint32_t f = 0; f < n_features; f++)
            sum[d] += mean[feature[f]][d];
        for (uint32_t i = 0; i < p->n; i++)
            sum[d] += p->part[i].strength * (double)p->part[i].row[d] - (p->part[i].less ? p->part[i].less[d] : 0);
    }
    for (uint32_t i = 0; i < p->n; i++)
        bound += part_bound(&p->part[i]);
    for (uint32_t m = 0; m < n; m++) {
        out[m] = tower->shift + inner_mean(sum, m);
        out[n + m] = bound;
        for (uint32_t i = 0; i < p->n; i++) {
            const double beside = p->part[i].strength * near(p->part[i].item, m);
            out[m] += beside;
            out[n + m] += SLACK * fabs(beside);
        }
    }
    send_doubles(out, 2 * (size_t)n);
    mrq_free(sum);
    mrq_free(out);
}

/* By what liking an item adds; where nobody does, by the cosine of the items' vectors. */
static void similar(uint32_t item)
{
    const uint32_t n = generation->items->rows;
    const float *liked = tower->liked + (size_t)item * tower->width;
    const bool known = length(liked) > 0;
    double *out = doubles(2 * (size_t)n);
    for (uint32_t m = 0; m < n; m++) {
        const double lengths = length(vector(item)) * length(vector(m));
        const double product = inner(known ? liked : vector(item), m) / tower->scale;
        const double beside = known ? near(item, m) : 0;
        out[m] = known ? tower->scale * product + beside : lengths > 0 ? product / lengths : 0;
        out[n + m] = SLACK * (known ? tower->scale * length(liked) + fabs(beside) : 1);
    }
    send_doubles(out, 2 * (size_t)n);
    mrq_free(out);
}

static void explain(const person *p, char *rows)
{
    char *save;
    size_t n = 1;
    for (const char *at = rows; *at; at++)
        n += *at == ',';
    double *out = doubles(2 * n * (1 + (size_t)p->n));
    n = 0;
    for (char *word = strtok_r(rows, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        const uint32_t item = number(word, generation->items->rows);
        out[n++] = base(item);
        out[n++] = base_bound();
        for (uint32_t i = 0; i < p->n; i++) {
            out[n++] = part(&p->part[i], item);
            out[n++] = part_bound(&p->part[i]) + SLACK * fabs(p->part[i].strength * near(p->part[i].item, item));
        }
    }
    send_doubles(out, n);
    mrq_free(out);
}

static void user(uint32_t row)
{
    const mrq_lists *lists[] = {&generation->seen, &tower->history.list};
    double *out = doubles(2 * (size_t)generation->items->rows + 1);
    size_t n = 0;
    for (int l = 0; l < 2; l++) {
        for (uint64_t i = lists[l]->offset[row]; i < lists[l]->offset[row + 1]; i++)
            out[n++] = lists[l]->item[i];
        if (l == 0)
            out[n++] = -1;
    }
    send_doubles(out, n);
    mrq_free(out);
}

int main(int argc, char **argv)
{
    static char line[LINE_SIZE];
    static person who;
    if (argc != 3)
        die("want exact FOLDER NAME");
    open_generation(argv[1], argv[2]);
    tell();
    while (fflush(stdout) == 0 && fgets(line, sizeof line, stdin)) {
        char *word[5] = {NULL}, *save;
        for (int i = 0; i < 5; i++)
            word[i] = strtok_r(i ? NULL : line, " \n", &save);
        if (word[3])
            read_person(&who, word[1], word[2], word[3]);
        if (word[3] && strcmp(word[0], "score") == 0)
            score(&who);
        else if (word[4] && strcmp(word[0], "explain") == 0)
            explain(&who, word[4]);
        else if (word[1] && strcmp(word[0], "similar") == 0)
            similar(number(word[1], generation->items->rows));
        else if (word[1] && strcmp(word[0], "user") == 0)
            user(number(word[1], generation->users->rows));
        else
            die("want score, similar, explain or user");
    }
    mrq_generation_close(generation);
    return 0;
}
