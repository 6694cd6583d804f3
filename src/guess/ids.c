/* Ids of users and items: whose they are, and how many of one column are in another. */
#include <string.h>

#include "guess/findings.h"

bool mrq_guess_is_unique(const mrq_look *look, uint32_t i)
{
    const mrq_look_column *c = &look->column[i];
    return !c->lists && c->n + c->unknown == look->rows && mrq_dict_strings(c->values).n + c->unknown == look->rows;
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

const mrq_look_column *mrq_guess_ids(const mrq_findings *f, bool items)
{
    const mrq_found *table = items ? &f->items : &f->users;
    return table->look ? &table->look->column[table->id] : &f->events.look->column[items ? f->events.item : f->events.user];
}

uint32_t mrq_guess_lacking(const mrq_findings *findings, bool items, const char **missing)
{
    const mrq_found *events = &findings->events, *table = items ? &findings->items : &findings->users;
    const mrq_look_column *ids = &events->look->column[items ? events->item : events->user];
    if (!mrq_look_whole(table->look))
        return 0;
    return mrq_dict_strings(ids->values).n - mrq_guess_contained(ids, &table->look->column[table->id], missing);
}
