/* Answers: a cached answer, which many may share, and for this caller where it came from. The document is put together when it is
 * asked for: the shared text and its own end. */
#include "engine/answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/filter.h"

struct mrq_answer {
    mrq_cached_answer *cached; /* held */
    bool from_memory;
    char *json; /* NULL: not asked for yet */
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
        const int room = cached->tells_cache ? snprintf(end, sizeof end, ",\"cache\":\"%s\"}\n", mrq_answer_cache_state(answer))
                                             : snprintf(end, sizeof end, "}\n");
        char *json = malloc(cached->size + (size_t)room + 1);
        if (!json)
            return NULL;
        memcpy(json, cached->open, cached->size);
        memcpy(json + cached->size, end, (size_t)room + 1);
        answer->json = json;
        answer->size = cached->size + (size_t)room;
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

const char *mrq_answer_generation(const mrq_answer *answer)
{
    return answer ? mrq_answer_source(answer)->name : "";
}

uint32_t mrq_answer_size(const mrq_answer *answer)
{
    return answer ? answer->cached->content.n : 0;
}

mrq_item mrq_answer_item(const mrq_answer *answer, uint32_t i)
{
    if (i >= mrq_answer_size(answer))
        return (mrq_item){.id = -1, .title = "", .score = NAN};
    const mrq_table *items = mrq_answer_source(answer)->items;
    const mrq_recommendation *hit = &answer->cached->content.hit[i];
    const mrq_column *title = mrq_table_first(items, MRQ_TEXT), *genres = mrq_table_first(items, MRQ_SET);
    const mrq_column *year = mrq_table_year(items);
    mrq_item item = {.id = items->id[hit->item], .title = "", .score = hit->score};
    if (title)
        item.title = mrq_strings_at(&title->text, hit->item);
    if (genres)
        item.n_genres = (uint32_t)(genres->list.offset[hit->item + 1] - genres->list.offset[hit->item]);
    if (year && fabs(year->number[hit->item]) <= MRQ_YEAR_MAX) /* false of NaN */
        item.year = (int)year->number[hit->item];
    return item;
}

const char *mrq_answer_genre(const mrq_answer *answer, uint32_t i, uint32_t g)
{
    if (g >= mrq_answer_item(answer, i).n_genres)
        return "";
    const mrq_column *genres = mrq_table_first(mrq_answer_source(answer)->items, MRQ_SET);
    const uint64_t first = genres->list.offset[answer->cached->content.hit[i].item];
    return mrq_strings_at(&genres->dict, genres->list.item[first + g]);
}

uint32_t mrq_answer_reasons(const mrq_answer *answer, uint32_t i, double *base, double *rest)
{
    const mrq_explanation *why = i < mrq_answer_size(answer) ? &answer->cached->content.why : NULL;
    const bool told = why && why->base;
    if (base)
        *base = told ? why->base[i] : NAN;
    if (rest)
        *rest = !told ? NAN : why->rest ? why->rest[i] : 0;
    return told ? why->n : 0;
}

mrq_reason mrq_answer_reason(const mrq_answer *answer, uint32_t i, uint32_t r)
{
    if (r >= mrq_answer_reasons(answer, i, NULL, NULL))
        return (mrq_reason){.input = "", .value = "", .id = -1, .score = NAN};
    const mrq_generation *generation = mrq_answer_source(answer);
    const mrq_explanation *why = &answer->cached->content.why;
    const mrq_score_part *part = &why->part[(size_t)i * why->n + r];
    const mrq_column *title = mrq_table_first(generation->items, MRQ_TEXT);
    const mrq_column *column = mrq_table_column(generation->users, part->input);
    mrq_reason reason = {.input = part->input, .value = "", .id = -1, .score = part->score};
    if (part->kind == MRQ_PART_FEATURE)
        reason.value = mrq_strings_at(column->label.n ? &column->label : &column->dict, part->value);
    else
        reason.id = (part->kind == MRQ_PART_USER ? generation->users : generation->items)->id[part->value];
    if (part->kind == MRQ_PART_ITEM && title)
        reason.value = mrq_strings_at(&title->text, part->value);
    return reason;
}
