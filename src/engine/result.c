/* Results: a finished answer, which many may share, and for this caller where it came from. The document is put together when it is
 * asked for: the shared text and its own end. */
#include "engine/result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/filter.h"

struct mrq_result {
    mrq_finished *finished; /* held */
    bool from_memory;
    char *json; /* NULL: not asked for yet */
    size_t size;
};

mrq_result *mrq_result_new(mrq_finished *finished, bool from_memory)
{
    mrq_result *result = calloc(1, sizeof *result);
    if (!result) {
        mrq_finished_release(finished);
        return NULL;
    }
    result->finished = finished;
    result->from_memory = from_memory;
    return result;
}

void mrq_result_free(mrq_result *result)
{
    if (!result)
        return;
    mrq_finished_release(result->finished);
    free(result->json);
    free(result);
}

const char *mrq_result_cache(const mrq_result *result)
{
    if (!result)
        return "";
    return result->from_memory ? "memory" : mrq_cache_state_names[result->finished->answer.cache];
}

const char *mrq_result_json(mrq_result *result, size_t *size)
{
    if (size)
        *size = 0;
    if (!result)
        return NULL;
    const mrq_finished *finished = result->finished;
    if (!result->json) {
        char end[32];
        const int room = finished->tells_cache ? snprintf(end, sizeof end, ",\"cache\":\"%s\"}\n", mrq_result_cache(result))
                                               : snprintf(end, sizeof end, "}\n");
        char *json = malloc(finished->size + (size_t)room + 1);
        if (!json)
            return NULL;
        memcpy(json, finished->open, finished->size);
        memcpy(json + finished->size, end, (size_t)room + 1);
        result->json = json;
        result->size = finished->size + (size_t)room;
    }
    if (size)
        *size = result->size;
    return result->json;
}

const mrq_answer *mrq_result_content(const mrq_result *result)
{
    return &result->finished->answer;
}

const mrq_generation *mrq_result_source(const mrq_result *result)
{
    return result->finished->serving->generation;
}

const char *mrq_result_generation(const mrq_result *result)
{
    return result ? mrq_result_source(result)->name : "";
}

uint32_t mrq_result_size(const mrq_result *result)
{
    return result ? result->finished->answer.n : 0;
}

mrq_movie mrq_result_movie(const mrq_result *result, uint32_t i)
{
    if (i >= mrq_result_size(result))
        return (mrq_movie){.id = -1, .title = "", .score = NAN};
    const mrq_table *movies = mrq_result_source(result)->movies;
    const mrq_recommendation *item = &result->finished->answer.item[i];
    const mrq_column *title = mrq_table_first(movies, MRQ_TEXT), *genres = mrq_table_first(movies, MRQ_SET);
    const mrq_column *year = mrq_table_year(movies);
    mrq_movie movie = {.id = movies->id[item->movie], .title = "", .score = item->score};
    if (title)
        movie.title = mrq_strings_at(&title->text, item->movie);
    if (genres)
        movie.n_genres = (uint32_t)(genres->list.offset[item->movie + 1] - genres->list.offset[item->movie]);
    if (year && fabs(year->number[item->movie]) <= MRQ_YEAR_MAX) /* false of NaN */
        movie.year = (int)year->number[item->movie];
    return movie;
}

const char *mrq_result_genre(const mrq_result *result, uint32_t i, uint32_t g)
{
    if (g >= mrq_result_movie(result, i).n_genres)
        return "";
    const mrq_column *genres = mrq_table_first(mrq_result_source(result)->movies, MRQ_SET);
    const uint64_t first = genres->list.offset[result->finished->answer.item[i].movie];
    return mrq_strings_at(&genres->dict, genres->list.item[first + g]);
}

uint32_t mrq_result_reasons(const mrq_result *result, uint32_t i, double *base, double *rest)
{
    const mrq_explanation *why = i < mrq_result_size(result) ? &result->finished->answer.why : NULL;
    const bool told = why && why->base;
    if (base)
        *base = told ? why->base[i] : NAN;
    if (rest)
        *rest = !told ? NAN : why->rest ? why->rest[i] : 0;
    return told ? why->n : 0;
}

mrq_reason mrq_result_reason(const mrq_result *result, uint32_t i, uint32_t r)
{
    if (r >= mrq_result_reasons(result, i, NULL, NULL))
        return (mrq_reason){.input = "", .value = "", .id = -1, .score = NAN};
    const mrq_generation *generation = mrq_result_source(result);
    const mrq_explanation *why = &result->finished->answer.why;
    const mrq_score_part *part = &why->part[(size_t)i * why->n + r];
    const mrq_column *title = mrq_table_first(generation->movies, MRQ_TEXT);
    const mrq_column *column = mrq_table_column(generation->users, part->input);
    mrq_reason reason = {.input = part->input, .value = "", .id = -1, .score = part->score};
    if (part->kind == MRQ_PART_FEATURE)
        reason.value = mrq_strings_at(column->label.n ? &column->label : &column->dict, part->value);
    else
        reason.id = (part->kind == MRQ_PART_USER ? generation->users : generation->movies)->id[part->value];
    if (part->kind == MRQ_PART_MOVIE && title)
        reason.value = mrq_strings_at(&title->text, part->value);
    return reason;
}
