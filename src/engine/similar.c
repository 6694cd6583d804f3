/* Movies like a movie: where the tower knows what liking a movie adds to a person, those whose scores that raises most; else the
 * nearest by the cosine of the movie tower's vectors.
 *
 * Where the score is a cosine, the index holds those vectors and answers. Where it is an inner product, an exported vector is the
 * tower's, then its bias and the coordinate that makes all equally long (model/folded.h): inner products of these say which movies
 * are loved alike, not which are alike. There all rows are gone through, with the tower's part alone: 1 ms for 62,000 movies. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "engine/json.h"
#include "engine/query.h"
#include "index/top.h"
#include "model/kernels.h"

enum { NOTHING, PART, WITHOUT_YEAR, WHOLE }; /* how well a title matches */

static int match(const char *title, const char *text)
{
    const size_t size = strlen(text), whole = strlen(title);
    if (strcasecmp(title, text) == 0)
        return WHOLE;
    const bool year_follows = whole == size + 7 && title[size] == ' ' && title[size + 1] == '(' && title[whole - 1] == ')' &&
                              strspn(title + size + 2, "0123456789") == 4;
    if (year_follows && strncasecmp(title, text, size) == 0)
        return WITHOUT_YEAR;
    return strcasestr(title, text) ? PART : NOTHING;
}

/* "movie "x": 3 titles match, want one's id: 1 Toy Story (1995), 7 ..." */
static mrq_status ambiguous(const mrq_table *movies, const mrq_strings *titles, const char *text, int level, uint32_t n,
                            mrq_error *err)
{
    enum { TOLD = 5 };
    char list[TOLD * 90] = "";
    uint32_t told = 0;
    for (uint32_t i = 0; i < titles->n && told < TOLD; i++)
        if (match(mrq_strings_at(titles, i), text) == level)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%lld %.60s", told++ ? ", " : "", (long long)movies->id[i],
                     mrq_strings_at(titles, i));
    return mrq_fail(err, MRQ_USAGE, "movie \"%.40s\": %u titles match, want one's id: %s%s", text, n, list,
                    n > told ? ", ..." : "");
}

static mrq_status find_movie(const mrq_table *movies, const char *text, uint32_t *row, mrq_error *err)
{
    const mrq_column *title = mrq_table_first(movies, MRQ_TEXT);
    int64_t id;
    if (mrq_parse_int(text, strlen(text), 0, INT64_MAX, &id) && (*row = mrq_table_find(movies, id)) != MRQ_NONE)
        return MRQ_OK;
    int level = NOTHING;
    uint32_t n = 0;
    for (uint32_t i = 0; title && *text && i < movies->rows; i++) {
        const int how = match(mrq_strings_at(&title->text, i), text);
        if (how > level) {
            level = how;
            n = 0;
            *row = i;
        }
        n += how == level;
    }
    if (level == NOTHING)
        return mrq_fail(err, MRQ_NOT_FOUND, "movie \"%.40s\": want the id of one of the %u movies%s", text, movies->rows,
                        title ? ", or its title or a part of it" : "");
    return n == 1 ? MRQ_OK : ambiguous(movies, &title->text, text, level, n, err);
}

/* {"movie":{"id":1,"title":"Toy Story (1995)"},"k":5,"genre":[...],...}; NULL when out of memory. */
static char *describe(const mrq_table *movies, uint32_t movie, uint32_t k, const mrq_selection *selection)
{
    mrq_print print = {0};
    mrq_print_raw(&print, "{\"movie\":");
    mrq_print_open(&print, '{');
    mrq_print_name(&print, movies, movie);
    mrq_print_close(&print, '}');
    mrq_print_key(&print, "k");
    mrq_print_whole(&print, k);
    mrq_print_selection(&print, selection, movies);
    mrq_print_close(&print, '}');
    return mrq_print_take(&print, NULL);
}

/* Goes through all vectors with their first `size` numbers. A vector of length 0 is like nothing: 0. */
static void scan(const mrq_generation *generation, uint32_t movie, const mrq_filter *filter, mrq_top *top)
{
    const mrq_kernels *kernels = mrq_kernels_best();
    const uint32_t dim = generation->tower->dim, size = generation->tower->size;
    const float *vectors = mrq_index_vectors(generation->index), *query = vectors + (size_t)movie * dim;
    const float square = kernels->dot(query, query, size);
    for (uint32_t row = 0; row < generation->movies->rows; row++) {
        if (!(filter->keep[row / 64] >> row % 64 & 1))
            continue;
        const float *vector = vectors + (size_t)row * dim;
        const double lengths = sqrt((double)square * (double)kernels->dot(vector, vector, size));
        const double cosine = lengths > 0 ? (double)kernels->dot(query, vector, size) / lengths : 0;
        mrq_top_push(top, (mrq_hit){row, (float)cosine});
    }
    mrq_top_sort(top);
}

/* What liking the movie adds to a person's vector, as a unit vector (dim) and the factor taken out of the scores; 0 where that is
 * not known. Rejected there: the cosine, which finds rare movies of the same words, as their length does not count. */
static double liking(const mrq_folded *tower, uint32_t movie, float *out)
{
    const mrq_kernels *kernels = mrq_kernels_best();
    if (!tower->liked)
        return 0;
    memset(out, 0, tower->dim * sizeof *out);
    memcpy(out, tower->liked + (size_t)movie * tower->width, tower->size * sizeof *out);
    const float norm = sqrtf(kernels->dot(out, out, tower->size));
    kernels->scale(out, norm > 0 ? 1 / norm : 0, tower->size);
    return (double)norm * tower->scale;
}

/* The best `room` rows of those that the filter keeps. */
static mrq_status search(const mrq_generation *generation, uint32_t movie, const mrq_filter *filter, uint32_t room, mrq_hit *hits,
                         uint32_t *n, mrq_error *err)
{
    MRQ_AUTOFREE float *vector = mrq_array(generation->tower->dim, sizeof *vector);
    if (!vector)
        return mrq_fail_memory(err, "searching");
    const double factor = liking(generation->tower, movie, vector);
    if (factor > 0) {
        MRQ_TRY(mrq_index_search(generation->index, vector, room, filter, hits, n, err));
        for (uint32_t i = 0; i < *n; i++)
            hits[i].score = (float)(factor * (double)hits[i].score);
        return MRQ_OK;
    }
    if (generation->tower->score == MRQ_COSINE)
        return mrq_index_search(generation->index, mrq_index_vectors(generation->index) + (size_t)movie * generation->tower->dim,
                                room, filter, hits, n, err);
    mrq_top top = {hits, room, 0};
    scan(generation, movie, filter, &top);
    *n = top.n;
    return MRQ_OK;
}

static mrq_status answer(const mrq_generation *generation, uint32_t movie, uint32_t k, const mrq_selection *selection,
                         mrq_answer *out, mrq_error *err)
{
    __attribute__((cleanup(mrq_bitmap_clear))) mrq_bitmap bitmap = {0};
    MRQ_TRY(mrq_selection_bitmap(selection, generation->movies, &movie, 1, &bitmap, err));
    const uint32_t room = k < bitmap.filter.n_kept ? k : bitmap.filter.n_kept;
    MRQ_AUTOFREE mrq_hit *hits = mrq_array(room, sizeof *hits);
    MRQ_AUTOFREE mrq_recommendation *item = mrq_array(room, sizeof *item);
    MRQ_AUTOFREE char *query = describe(generation->movies, movie, k, selection);
    uint32_t n = 0;
    if (!hits || !item || !query)
        return mrq_fail_memory(err, "answering");
    MRQ_TRY(search(generation, movie, &bitmap.filter, room, hits, &n, err));
    for (uint32_t i = 0; i < n; i++)
        item[i] = (mrq_recommendation){hits[i].row, (double)hits[i].score};
    *out = (mrq_answer){.n = n, .item = item, .cache = MRQ_CACHE_OFF, .query = query};
    item = NULL;
    query = NULL;
    return MRQ_OK;
}

mrq_status mrq_similar(const mrq_generation *generation, const char *movie, uint32_t k, const mrq_filters *filters, mrq_answer *out,
                       mrq_error *err)
{
    MRQ_TRY(mrq_k_check(k, err));
    MRQ_TRY(mrq_history_check(generation, err));
    uint32_t row;
    __attribute__((cleanup(mrq_selection_clear))) mrq_selection selection = {0};
    MRQ_TRY(find_movie(generation->movies, movie, &row, err));
    MRQ_TRY(mrq_selection_resolve(generation->movies, filters, &selection, err));
    return answer(generation, row, k, &selection, out, err);
}
