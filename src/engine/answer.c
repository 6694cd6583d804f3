/* An answer refers to a cached answer, which several answers may share, and records where this one came from. Its JSON document is
 * made at the first call of mrq_answer_json(): the shared text and an end of its own. */
#include "engine/answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/filter.h"

struct mrq_answer {
    mrq_cached_answer *cached; /* a reference */
    bool from_memory;
    char *json; /* NULL: not made yet */
    size_t size;
};

mrq_answer *mrq_answer_new(mrq_cached_answer *cached, bool from_memory)
{
    mrq_answer *answer = calloc(1, sizeof *answer);
    if (!answer) {
        mrq_cached_answer_release(cached);
        return NULL;
    }
    answer->cached = cached;
    answer->from_memory = from_memory;
    return answer;
}

void mrq_answer_free(mrq_answer *answer)
{
    if (!answer)
        return;
    mrq_cached_answer_release(answer->cached);
    free(answer->json);
    free(answer);
}

const char *mrq_answer_cache_state(const mrq_answer *answer)
{
    if (!answer)
        return "";
    return answer->from_memory ? "memory" : mrq_cache_state_names[answer->cached->content.cache];
}

const char *mrq_answer_json(mrq_answer *answer, size_t *size)
{
    if (size)
        *size = 0;
    if (!answer)
        return NULL;
    const mrq_cached_answer *cached = answer->cached;
    if (!answer->json) {
        char end[32];
        const int length = cached->tells_cache ? snprintf(end, sizeof end, ",\"cache\":\"%s\"}\n", mrq_answer_cache_state(answer))
                                               : snprintf(end, sizeof end, "}\n");
        char *json = malloc(cached->size + (size_t)length + 1);
        if (!json)
            return NULL;
        memcpy(json, cached->open, cached->size);
        memcpy(json + cached->size, end, (size_t)length + 1);
        answer->json = json;
        answer->size = cached->size + (size_t)length;
    }
    if (size)
        *size = answer->size;
    return answer->json;
}

const mrq_content *mrq_answer_content(const mrq_answer *answer)
{
    return &answer->cached->content;
}

const mrq_generation *mrq_answer_source(const mrq_answer *answer)
{
    return answer->cached->snapshot->generation;
}

static const mrq_table *items_of(const mrq_answer *answer)
{
    return mrq_answer_source(answer)->items;
}

const char *mrq_answer_info_text(const mrq_answer *answer, const char *name)
{
    if (!answer || !name)
        return "";
    const mrq_generation *g = mrq_answer_source(answer);
    const struct {
        const char *name, *text;
    } facts[] = {{"generation", g->name},        {"model", g->model_name},     {"noun", g->items->noun.one},
                 {"nouns", g->items->noun.many}, {"quality", g->quality.name}, {"index", g->index_kind}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (strcmp(facts[i].name, name) == 0)
            return facts[i].text;
    return "";
}

double mrq_answer_info_number(const mrq_answer *answer, const char *name)
{
    if (!answer || !name)
        return NAN;
    const mrq_generation *g = mrq_answer_source(answer);
    const struct {
        const char *name;
        double number;
    } facts[] = {{"created", (double)g->created}, {"items", g->items->rows}, {"users", g->users->rows},
                 {"dimensions", g->tower->dim},   {"recall", g->recall},     {"quality", g->quality.value}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (strcmp(facts[i].name, name) == 0)
            return facts[i].number;
    return NAN;
}

/* A column's value as text: a text, or a category's label, or its value if it has no label. "" for other kinds. */
static const char *text_in(const mrq_table *table, uint32_t row, const char *name)
{
    if (strcmp(name, "id") == 0)
        return mrq_table_id(table, row);
    const mrq_column *column = mrq_table_column(table, name);
    if (column && column->kind == MRQ_TEXT)
        return mrq_strings_at(&column->text, row);
    if (column && column->kind == MRQ_CATEGORY)
        return mrq_strings_at(column->label.n ? &column->label : &column->dict, column->code[row]);
    return "";
}

static double number_in(const mrq_table *table, uint32_t row, const char *name)
{
    const mrq_column *column = mrq_table_column(table, name);
    return column && column->kind == MRQ_NUMBER ? column->number[row] : NAN;
}

/* The row of the user that the query named, or MRQ_NONE. */
static uint32_t user_of(const mrq_answer *answer)
{
    return answer ? answer->cached->content.query.user : MRQ_NONE;
}

const char *mrq_answer_user_text(const mrq_answer *answer, const char *column)
{
    const uint32_t user = user_of(answer);
    return user == MRQ_NONE || !column ? "" : text_in(mrq_answer_source(answer)->users, user, column);
}

double mrq_answer_user_number(const mrq_answer *answer, const char *column)
{
    const uint32_t user = user_of(answer);
    return user == MRQ_NONE || !column ? (double)NAN : number_in(mrq_answer_source(answer)->users, user, column);
}

uint32_t mrq_answer_size(const mrq_answer *answer)
{
    return answer ? answer->cached->content.n : 0;
}

/* Hit i, or NULL. */
static const mrq_recommendation *hit_of(const mrq_answer *answer, uint32_t i)
{
    return i < mrq_answer_size(answer) ? &answer->cached->content.hit[i] : NULL;
}

const char *mrq_answer_id(const mrq_answer *answer, uint32_t i)
{
    const mrq_recommendation *hit = hit_of(answer, i);
    return hit ? mrq_table_id(items_of(answer), hit->item) : "";
}

double mrq_answer_score(const mrq_answer *answer, uint32_t i)
{
    const mrq_recommendation *hit = hit_of(answer, i);
    return hit ? hit->score : (double)NAN;
}

const char *mrq_answer_text(const mrq_answer *answer, uint32_t i, const char *column)
{
    const mrq_recommendation *hit = hit_of(answer, i);
    return hit && column ? text_in(items_of(answer), hit->item, column) : "";
}

double mrq_answer_number(const mrq_answer *answer, uint32_t i, const char *column)
{
    const mrq_recommendation *hit = hit_of(answer, i);
    return hit && column ? number_in(items_of(answer), hit->item, column) : (double)NAN;
}

/* The members of hit i in a set column: their codes in `*set`, and their number; 0 if the column is not a set. */
static uint32_t members_of(const mrq_answer *answer, uint32_t i, const char *name, const mrq_column **set, const uint32_t **member)
{
    const mrq_recommendation *hit = hit_of(answer, i);
    *set = hit && name ? mrq_table_column(items_of(answer), name) : NULL;
    if (!*set || (*set)->kind != MRQ_SET)
        return 0;
    const uint64_t *offset = (*set)->list.offset + hit->item;
    *member = (*set)->list.item + offset[0];
    return (uint32_t)(offset[1] - offset[0]);
}

uint32_t mrq_answer_members(const mrq_answer *answer, uint32_t i, const char *column)
{
    const mrq_column *set = NULL;
    const uint32_t *member = NULL;
    return members_of(answer, i, column, &set, &member);
}

const char *mrq_answer_member(const mrq_answer *answer, uint32_t i, const char *column, uint32_t m)
{
    const mrq_column *set = NULL;
    const uint32_t *member = NULL;
    const uint32_t n = members_of(answer, i, column, &set, &member);
    return set && m < n ? mrq_strings_at(&set->dict, member[m]) : "";
}

uint32_t mrq_answer_parts(const mrq_answer *answer, uint32_t i, double *base, double *rest)
{
    const mrq_explanation *why = i < mrq_answer_size(answer) ? &answer->cached->content.why : NULL;
    const bool explained = why && why->base;
    if (base)
        *base = explained ? why->base[i] : NAN;
    if (rest)
        *rest = !explained ? NAN : why->rest ? why->rest[i] : 0;
    return explained ? why->n : 0;
}

/* A part of hit i's score, or NULL. */
static const mrq_score_part *part_of(const mrq_answer *answer, uint32_t i, uint32_t part)
{
    const uint32_t n = mrq_answer_parts(answer, i, NULL, NULL);
    return part < n ? &answer->cached->content.why.part[(size_t)i * n + part] : NULL;
}

const char *mrq_answer_part_input(const mrq_answer *answer, uint32_t i, uint32_t part)
{
    const mrq_score_part *p = part_of(answer, i, part);
    return p ? p->input : "";
}

const char *mrq_answer_part_value(const mrq_answer *answer, uint32_t i, uint32_t part)
{
    const mrq_score_part *p = part_of(answer, i, part);
    if (!p || p->kind == MRQ_PART_USER)
        return "";
    if (p->kind == MRQ_PART_ITEM) {
        const mrq_column *title = mrq_table_first(items_of(answer), MRQ_TEXT);
        return title ? mrq_strings_at(&title->text, p->value) : "";
    }
    const mrq_column *column = mrq_table_column(mrq_answer_source(answer)->users, p->input);
    if (column->kind == MRQ_SET)
        return answer->cached->content.query.feature[p->value].words;
    return mrq_strings_at(column->label.n ? &column->label : &column->dict, p->value);
}

const char *mrq_answer_part_id(const mrq_answer *answer, uint32_t i, uint32_t part)
{
    const mrq_score_part *p = part_of(answer, i, part);
    if (!p || p->kind == MRQ_PART_FEATURE)
        return "";
    return mrq_table_id(p->kind == MRQ_PART_USER ? mrq_answer_source(answer)->users : items_of(answer), p->value);
}

double mrq_answer_part_score(const mrq_answer *answer, uint32_t i, uint32_t part)
{
    const mrq_score_part *p = part_of(answer, i, part);
    return p ? p->score : (double)NAN;
}
