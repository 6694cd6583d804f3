/* The first line: names of columns, or data. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "dataset/text.h"
#include "guess/cut.h"

static bool is_number(mrq_span span)
{
    double number;
    return mrq_parse_real(span.text, span.size, -HUGE_VAL, HUGE_VAL, &number);
}

static bool is_same(mrq_span a, mrq_span b)
{
    return a.size == b.size && memcmp(a.text, b.text, a.size) == 0;
}

/* Whether the numbers behind the first field ascend by 1 from 0 or 1, as programs number columns. */
static bool are_counted(const mrq_cutter *line)
{
    double number, before = -1;
    for (uint32_t i = 1; i < line->n; i++, before = number)
        if (!mrq_parse_real(line->field[i].text, line->field[i].size, 0, 1e6, &number) ||
            (i == 1 ? number != 0 && number != 1 : number != before + 1))
            return false;
    return true;
}

/* Whether the fields behind the first can be the items of a matrix: all different, and numbers whole ones. */
static bool are_items(const mrq_cutter *line)
{
    double number;
    for (uint32_t i = 1; i < line->n; i++) {
        const mrq_span name = line->field[i];
        if (!name.size || (mrq_parse_real(name.text, name.size, -HUGE_VAL, HUGE_VAL, &number) &&
                           (memchr(name.text, '.', name.size) || number != floor(number))))
            return false;
        for (uint32_t k = 1; k < i; k++)
            if (is_same(name, line->field[k]))
                return false;
    }
    return line->n > MRQ_LOOK_ITEMS;
}

/* Whether a first line names the columns of a matrix, though numbers may be among them. Its corner is empty or a name. */
typedef enum titles { NO_ITEMS, ITEMS_ABOVE_NUMBERS, ITEMS } titles;

static titles titles_of(const mrq_cutter *line)
{
    char corner[MRQ_HEADER_NAME + 1];
    const mrq_span first = line->field[0];
    snprintf(corner, sizeof corner, "%.*s", (int)(first.size < sizeof corner ? first.size : 0), first.text);
    if (!first.size && line->n > 2 && are_counted(line))
        return ITEMS;
    if (!are_items(line))
        return NO_ITEMS;
    if (is_number(first))
        return strcmp(corner, "0") == 0 && are_counted(line) ? ITEMS : NO_ITEMS;
    return !first.size || mrq_hint_column(corner) != MRQ_ROLE_NONE ? ITEMS : ITEMS_ABOVE_NUMBERS;
}

/* The lines below the first. */
typedef struct below {
    uint32_t lines, numbers[MRQ_FIELDS_MAX]; /* numbers: in each column */
    uint64_t cells, measured;                /* those behind the first column that say something; numbers of them */
    bool empty_last;
} below;

static below look_below(const mrq_look *look, mrq_cutter *c)
{
    below b = {.empty_last = true};
    while (b.lines < MRQ_TRIAL && mrq_cut(c)) {
        if (c->n != look->columns)
            continue;
        b.lines++;
        b.empty_last &= !c->field[c->n - 1].size;
        for (uint32_t i = 0; i < c->n; i++) {
            const bool number = is_number(c->field[i]);
            b.numbers[i] += number;
            b.measured += i && number;
            b.cells += i && c->field[i].size && mrq_look_unknown(c->field[i]) < 0;
        }
    }
    return b;
}

/* The first line is one of names: no number in it, and a column is numbers below, or a name is known; or it names the columns of a
 * matrix. */
void mrq_look_header(mrq_look *look)
{
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    if (!mrq_cut(&c) || c.broken || c.n > MRQ_FIELDS_MAX)
        return;
    const uint32_t names = c.n;
    const titles kind = titles_of(&c);
    bool numbered = false;
    for (uint32_t i = 0; i < names; i++) {
        if (mrq_look_is_date(c.field[i]))
            return;
        numbered |= is_number(c.field[i]);
    }
    if (numbered && kind == NO_ITEMS)
        return;
    const below b = look_below(look, &c);
    if (numbered && kind == ITEMS_ABOVE_NUMBERS && 10 * b.numbers[0] < 9 * b.lines)
        return;
    if (names != look->columns && !(b.empty_last && names + 1 == look->columns))
        return;
    look->tail = b.lines && names + 1 == look->columns;
    look->columns = names;
    for (uint32_t i = 0; i < names; i++)
        look->header |= b.lines && 10 * b.numbers[i] >= 9 * b.lines;
    look->header |= kind == ITEMS_ABOVE_NUMBERS && b.cells && 10 * b.measured >= 9 * b.cells;
    look->header |= look->tail || kind == ITEMS || mrq_look_names(look);
}

/* Where most columns are called items, as Item1, Item2 and so on, they are those of a matrix, and none has the ids of items. */
static void forget_items(mrq_look *look)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < look->columns; i++)
        n += look->column[i].role == MRQ_ROLE_ITEM;
    for (uint32_t i = 0; n > MRQ_LOOK_ITEMS - 1 && 2 * n > look->columns && i < look->columns; i++)
        if (look->column[i].role == MRQ_ROLE_ITEM)
            look->column[i].role = MRQ_ROLE_NONE;
}

void mrq_look_names_of(mrq_look *look)
{
    mrq_cutter c = mrq_cutter_of(look, look->delimiter, look->quoted);
    mrq_cut(&c);
    for (uint32_t i = 0; i < look->columns && i < c.n; i++) {
        mrq_look_column *column = &look->column[i];
        char name[2 * MRQ_HEADER_NAME + 1], unquoted[MRQ_LOOK_VALUE];
        column->nameless = !c.field[i].size || c.field[i].size > MRQ_HEADER_NAME;
        if (column->nameless)
            continue;
        const mrq_span text = mrq_look_plain(look, c.field[i], unquoted);
        mrq_text_decode(text.text, text.size, name);
        snprintf(column->name, sizeof column->name, "%.*s", MRQ_HEADER_NAME, name);
        column->findable = *name != '\0';
        column->role = *name ? mrq_hint_column(name) : MRQ_ROLE_NONE;
    }
    for (uint32_t i = 0; i < look->columns; i++)
        for (uint32_t k = 0; k < look->columns; k++)
            if (i != k && strcmp(look->column[i].name, look->column[k].name) == 0)
                look->column[i].findable = false;
    forget_items(look);
}
