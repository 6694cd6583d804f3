/* Folding: in y = act(bias + Σ W_b branch_b(value_b)) each summand depends on one value, or on one member of a set, so all
 * summands are computed in advance. */
#include "model/folded.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "model/likes.h"
#include "model/recency.h"

#define AGES "history.age"

void mrq_folded_free(mrq_folded *folded)
{
    if (!folded)
        return;
    mrq_arena_free(folded->arena);
    free(folded);
}

static mrq_folded *folded_new(void)
{
    mrq_folded *folded = calloc(1, sizeof *folded);
    if (folded && (!(folded->arena = mrq_arena_new()) ||
                   !(folded->branch = mrq_arena_array(folded->arena, MRQ_BRANCHES_MAX, sizeof *folded->branch)))) {
        mrq_folded_free(folded);
        return NULL;
    }
    return folded;
}

/* Adds what a value of branch `b` adds. */
static void add_value(const mrq_folded *folded, uint32_t b, const uint32_t *value, const mrq_members *given, float *out)
{
    static const uint32_t none = MRQ_NONE;
    const mrq_members members = *value == MRQ_NONE ? (mrq_members){1, &none} : mrq_folded_members(folded, b, value, given);
    for (uint32_t i = 0; i < members.n; i++)
        mrq_kernels_best()->add(out, mrq_folded_row(folded, b, members.row[i]), folded->width);
}

void mrq_folded_vector_of(const mrq_folded *folded, const uint32_t *value, const mrq_members *given, const mrq_feedback *feedback,
                          uint32_t n, float *out, mrq_line *line)
{
    const mrq_kernels *kernels = mrq_kernels_best();
    memcpy(out, folded->start, folded->width * sizeof *out);
    for (uint32_t b = 0; b < folded->n_branches; b++)
        add_value(folded, b, &value[b], given, out);
    for (uint32_t l = 0; l < n; l++)
        for (uint32_t i = 0; i < feedback[l].n; i++)
            kernels->add_scaled(out, feedback[l].strength[i], folded->liked + (size_t)feedback[l].item[i] * folded->width,
                                folded->width);
    if (folded->activation == MRQ_TANH)
        kernels->tanh(out, folded->size);
    *line = (mrq_line){folded->scale, folded->shift};
    if (folded->bias) {
        line->intercept += (double)out[folded->size];
        out[folded->size] = 1;
    }
    if (folded->score == MRQ_DOT)
        out[folded->width] = 0;
    const float norm = sqrtf(kernels->dot(out, out, folded->dim));
    kernels->scale(out, norm > 0 ? 1 / norm : 0, folded->dim);
    if (folded->score == MRQ_DOT)
        line->slope *= norm > 0 ? (double)norm : 1;
}

void mrq_folded_forget(const mrq_folded *folded, uint32_t *value)
{
    for (uint32_t b = 0; b < folded->n_branches; b++)
        if (mrq_folded_is_id(&folded->branch[b]))
            value[b] = 0;
}

void mrq_folded_age(const mrq_folded *folded, uint32_t user, uint32_t newer, float *out)
{
    const mrq_links *history = &folded->history;
    const uint64_t first = history->list.offset[user], n = history->list.offset[user + 1] - first;
    memcpy(out, history->strength + first, n * sizeof *out);
    for (uint64_t i = 0; folded->age && i < n; i++)
        out[i] *= (float)(mrq_recency(folded->age[first + i] + newer) / mrq_recency(folded->age[first + i]));
}

void mrq_folded_vector(const mrq_folded *folded, const uint32_t *value, float *out, mrq_line *line)
{
    mrq_folded_vector_of(folded, value, NULL, NULL, 0, out, line);
}

void mrq_folded_values(const mrq_folded *folded, const mrq_table *users, uint32_t user, uint32_t *value)
{
    for (uint32_t b = 0; b < folded->n_branches; b++) {
        const mrq_folded_branch *branch = &folded->branch[b];
        value[b] = mrq_folded_is_id(branch)    ? folded->user_row[user]
                   : mrq_folded_is_set(branch) ? user
                                               : mrq_table_column(users, branch->feature)->code[user];
    }
}

static void set_shape(mrq_folded *folded, const mrq_description *d, double reach)
{
    folded->score = d->score;
    folded->activation = d->user.activation;
    folded->bias = d->bias;
    folded->size = d->dim;
    folded->width = mrq_description_width(d);
    folded->dim = mrq_description_dim(d);
    folded->scale = d->score == MRQ_COSINE ? d->scale : reach;
    folded->shift = d->shift;
}

/* Computes the branches' means. They are not stored in files: the users' table is loaded and counting takes microseconds. */
static mrq_status average_rows(mrq_folded *folded, const mrq_table *users, mrq_error *err)
{
    for (uint32_t b = 0; b < folded->n_branches; b++) {
        mrq_folded_branch *branch = &folded->branch[b];
        branch->mean = branch->rows;
        if (mrq_folded_is_id(branch))
            continue;
        const mrq_lists *set = mrq_folded_is_set(branch) ? &branch->set : NULL;
        const uint32_t *code = set ? set->item : mrq_table_column(users, branch->feature)->code;
        const uint64_t values = set ? set->offset[users->rows] : users->rows;
        MRQ_AUTOFREE uint32_t *count = mrq_array(branch->n_rows, sizeof *count);
        float *mean = mrq_arena_array(folded->arena, folded->width, sizeof *mean);
        if (!count || !mean)
            return mrq_fail_memory(err, "averaging a tower");
        for (uint64_t i = 0; i < values; i++)
            count[code[i]]++;
        for (uint32_t r = 0; r < branch->n_rows; r++)
            if (count[r])
                mrq_kernels_best()->add_scaled(mean, (float)count[r] / (float)users->rows, mrq_folded_row(folded, b, r),
                                               folded->width);
        branch->mean = mean;
    }
    return MRQ_OK;
}

static mrq_status copy_neighbours(const mrq_model *model, mrq_folded *folded, mrq_error *err)
{
    const mrq_links *from = &model->neighbours;
    const uint32_t items = model->items->rows;
    if (!from->strength)
        return MRQ_OK;
    const size_t n = from->list.offset[items];
    uint64_t *offset = mrq_arena_array(folded->arena, (size_t)items + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(folded->arena, n, sizeof *item);
    float *strength = mrq_arena_array(folded->arena, n, sizeof *strength);
    if (!offset || !item || !strength)
        return mrq_fail_memory(err, "folding a tower");
    memcpy(offset, from->list.offset, ((size_t)items + 1) * sizeof *offset);
    memcpy(item, from->list.item, n * sizeof *item);
    memcpy(strength, from->strength, n * sizeof *strength);
    folded->has_neighbours = true;
    folded->neighbours = (mrq_links){{offset, item}, strength};
    return MRQ_OK;
}

/* Folds a history: each user's sum becomes the user's own row; row 0 stays zero. */
static mrq_status fold_history(const mrq_model *model, const mrq_branch_plan *plan, mrq_folded *folded, float *rows, mrq_error *err)
{
    const uint32_t width = folded->width, users = model->users->rows;
    const size_t likes = model->likes.list.offset[users];
    const float *embedding = model->param + mrq_tensor_at(&model->tensors, plan->embedding, 0);
    float *liked = mrq_arena_array(folded->arena, (size_t)plan->n_values * width, sizeof *liked);
    uint64_t *offset = mrq_arena_array(folded->arena, (size_t)users + 1, sizeof *offset);
    uint32_t *item = mrq_arena_array(folded->arena, likes, sizeof *item);
    float *strength = mrq_arena_array(folded->arena, likes, sizeof *strength);
    if (!liked || !offset || !item || !strength)
        return mrq_fail_memory(err, "folding a tower");
    for (size_t m = 0; m < plan->n_values; m++)
        memcpy(liked + m * width + plan->first, embedding + m * plan->width, plan->width * sizeof *liked);
    memcpy(offset, model->likes.list.offset, ((size_t)users + 1) * sizeof *offset);
    memcpy(item, model->likes.list.item, likes * sizeof *item);
    memcpy(strength, model->likes.strength, likes * sizeof *strength);
    for (uint32_t u = 0; u < users; u++)
        for (uint64_t i = offset[u]; model->user_row[u] && i < offset[u + 1]; i++)
            mrq_kernels_best()->add_scaled(rows + (size_t)model->user_row[u] * width, strength[i], liked + (size_t)item[i] * width,
                                           width);
    if (model->like_age) {
        uint32_t *age = mrq_arena_array(folded->arena, likes, sizeof *age);
        if (!age)
            return mrq_fail_memory(err, "folding a tower");
        memcpy(age, model->like_age, likes * sizeof *age);
        folded->age = age;
    }
    MRQ_TRY(copy_neighbours(model, folded, err));
    folded->has_history = true;
    folded->liked = liked;
    folded->history = (mrq_links){{offset, item}, strength};
    return MRQ_OK;
}

static void find_set(const mrq_table *users, mrq_folded_branch *branch)
{
    const mrq_column *column = mrq_table_column(users, branch->feature);
    if (column->kind == MRQ_SET)
        branch->set = column->list;
}

mrq_status mrq_model_fold(const mrq_model *model, double reach, mrq_folded **out, mrq_error *err)
{
    const mrq_tower *tower = &model->user;
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = folded_new();
    if (!folded)
        return mrq_fail_memory(err, "folding a tower");
    set_shape(folded, &model->description, reach);
    folded->n_branches = tower->n;
    float *start = mrq_arena_array(folded->arena, tower->width, sizeof *start);
    uint32_t *user_row = mrq_arena_array(folded->arena, model->users->rows, sizeof *user_row);
    if (!start || !user_row)
        return mrq_fail_memory(err, "folding a tower");
    if (tower->bias != MRQ_NONE)
        memcpy(start, model->param + mrq_tensor_at(tower->tensors, tower->bias, 0), tower->width * sizeof *start);
    memcpy(user_row, model->user_row, model->users->rows * sizeof *user_row);
    folded->start = start;
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch_plan *plan = &tower->plan[b];
        const bool history = plan->branch->kind == MRQ_BRANCH_HISTORY;
        const uint32_t n_rows = history ? model->user_rows : plan->n_values;
        float *rows = mrq_arena_array(folded->arena, (size_t)n_rows * tower->width, sizeof *rows);
        if (!rows)
            return mrq_fail_memory(err, "folding a tower");
        MRQ_TRY(history ? fold_history(model, plan, folded, rows, err) : mrq_tower_fold(tower, b, model->param, rows, err));
        strcpy(folded->branch[b].feature, history ? "id" : plan->branch->feature);
        if (!mrq_folded_is_id(&folded->branch[b]))
            find_set(model->users, &folded->branch[b]);
        folded->branch[b].n_rows = n_rows;
        folded->branch[b].rows = rows;
        if (history || plan->branch->kind == MRQ_BRANCH_ID)
            folded->user_row = user_row;
    }
    MRQ_TRY(average_rows(folded, model->users, err));
    *out = folded;
    folded = NULL;
    return MRQ_OK;
}

/* The content of the section "tower". */
struct stored_tower {
    double scale, shift;
    uint32_t score, activation, bias, size, n_branches, has_user_row, has_history, has_neighbours;
    char feature[MRQ_BRANCHES_MAX][MRQ_COLUMN_NAME];
};

void mrq_folded_save(const mrq_folded *folded, const mrq_table *users, mrq_container_writer *writer)
{
    struct stored_tower *stored = mrq_arena_array(folded->arena, 1, sizeof *stored); /* lives until the writer has written it */
    mrq_container_add(writer, stored, stored ? 1 : SIZE_MAX, sizeof *stored, "tower");
    if (!stored)
        return; /* the impossible size makes the write fail */
    *stored = (struct stored_tower){.scale = folded->scale,
                                    .shift = folded->shift,
                                    .score = (uint32_t)folded->score,
                                    .activation = (uint32_t)folded->activation,
                                    .bias = folded->bias,
                                    .size = folded->size,
                                    .n_branches = folded->n_branches,
                                    .has_user_row = folded->user_row != NULL,
                                    .has_history = folded->has_history,
                                    .has_neighbours = folded->has_neighbours};
    mrq_container_add(writer, folded->start, folded->width, sizeof(float), "tower.start");
    if (folded->user_row)
        mrq_container_add(writer, folded->user_row, users->rows, sizeof *folded->user_row, "tower.user_row");
    for (uint32_t b = 0; b < folded->n_branches; b++) {
        memcpy(stored->feature[b], folded->branch[b].feature, MRQ_COLUMN_NAME);
        mrq_container_add(writer, folded->branch[b].rows, (size_t)folded->branch[b].n_rows * folded->width, sizeof(float),
                          "tower.%u", b);
    }
}

void mrq_folded_save_history(const mrq_folded *folded, uint32_t users, uint32_t items, mrq_container_writer *writer)
{
    if (!folded->liked)
        return;
    mrq_container_add(writer, folded->liked, (size_t)items * folded->width, sizeof(float), "liked");
    mrq_links_save(&folded->history, users, writer, "history");
    if (folded->age)
        mrq_container_add(writer, folded->age, folded->history.list.offset[users], sizeof *folded->age, AGES);
    if (folded->has_neighbours)
        mrq_links_save(&folded->neighbours, items, writer, "neighbours");
}

/* Loads the rows of a branch, checked against the users' dictionary. */
static mrq_status load_branch(const mrq_container *container, const mrq_table *users, const struct stored_tower *stored,
                              uint32_t width, uint32_t b, mrq_folded_branch *branch, mrq_error *err)
{
    if (!memchr(stored->feature[b], '\0', sizeof stored->feature[b]))
        return mrq_container_bad(container, err, "branch %u has no name", b);
    strcpy(branch->feature, stored->feature[b]);
    size_t count = MRQ_ANY;
    const void *data;
    MRQ_TRY(mrq_container_get(container, width * sizeof(float), &count, &data, err, "tower.%u", b));
    branch->rows = data;
    branch->n_rows = (uint32_t)count;
    if (!mrq_all_finite(branch->rows, count * width))
        return mrq_container_bad(container, err, "branch %u holds a number that is not finite", b);
    if (mrq_folded_is_id(branch))
        return count >= 1 && count <= (size_t)users->rows + 1 && stored->has_user_row
                   ? MRQ_OK
                   : mrq_container_bad(container, err, "%zu rows for %u users", count, users->rows);
    const mrq_column *column = mrq_table_column(users, branch->feature);
    if (!column || (column->kind != MRQ_CATEGORY && column->kind != MRQ_SET) || column->dict.n != count)
        return mrq_container_bad(container, err, "branch \"%s\" has %zu rows, the users' column %u values", branch->feature, count,
                                 column ? column->dict.n : 0);
    find_set(users, branch);
    return MRQ_OK;
}

static mrq_status load_neighbours(const mrq_container *container, uint32_t items, mrq_folded *folded, mrq_error *err)
{
    MRQ_TRY(mrq_links_load(container, "neighbours", items, items, &folded->neighbours, err));
    const mrq_lists *list = &folded->neighbours.list;
    for (uint32_t m = 0; m < items; m++)
        for (uint64_t i = list->offset[m] + 1; i < list->offset[m + 1]; i++)
            if (list->item[i - 1] >= list->item[i])
                return mrq_container_bad(container, err, "the neighbours of item %u are not in ascending order", m);
    return MRQ_OK;
}

mrq_status mrq_folded_load_history(const mrq_container *container, uint32_t users, uint32_t items, mrq_folded *folded,
                                   mrq_error *err)
{
    if (!folded->has_history)
        return MRQ_OK;
    size_t count = (size_t)items * folded->width;
    const void *liked;
    mrq_links history;
    MRQ_TRY(mrq_container_get(container, sizeof(float), &count, &liked, err, "liked"));
    if (!mrq_all_finite(liked, count))
        return mrq_container_bad(container, err, "a row of \"liked\" holds a number that is not finite");
    MRQ_TRY(mrq_links_load(container, "history", users, items, &history, err));
    for (uint32_t u = 0; u < users; u++)
        for (uint64_t i = history.list.offset[u] + 1; i < history.list.offset[u + 1]; i++)
            if (history.list.item[i - 1] >= history.list.item[i])
                return mrq_container_bad(container, err, "the history of user %u is not in ascending order", u);
    if (mrq_container_has(container, AGES))
        MRQ_TRY(mrq_ages_load(container, AGES, &history.list, users, &folded->age, err));
    if (folded->has_neighbours)
        MRQ_TRY(load_neighbours(container, items, folded, err));
    folded->liked = liked;
    folded->history = history;
    return MRQ_OK;
}

mrq_status mrq_folded_load(const mrq_container *container, const mrq_table *users, mrq_folded **out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_folded_free) mrq_folded *folded = folded_new();
    if (!folded)
        return mrq_fail_memory(err, "reading a tower");
    size_t count = 1;
    const void *data;
    MRQ_TRY(mrq_container_get(container, sizeof(struct stored_tower), &count, &data, err, "tower"));
    const struct stored_tower *stored = data;
    if (!stored->size || stored->size > 65536 || stored->activation > MRQ_TANH || !stored->n_branches ||
        stored->n_branches > MRQ_BRANCHES_MAX || stored->score > MRQ_DOT || stored->bias > (stored->score == MRQ_DOT))
        return mrq_container_bad(container, err, "%u dimensions, activation %u, %u branches, score %u, bias %u: not a tower",
                                 stored->size, stored->activation, stored->n_branches, stored->score, stored->bias);
    if (!isfinite(stored->scale) || !isfinite(stored->shift) || !(stored->scale > 0))
        return mrq_container_bad(container, err, "scale %g and shift %g: not a score", stored->scale, stored->shift);
    const mrq_description shape = {.dim = stored->size,
                                   .user.activation = (mrq_activation)stored->activation,
                                   .score = (mrq_score_kind)stored->score,
                                   .bias = stored->bias,
                                   .scale = stored->scale,
                                   .shift = stored->shift};
    set_shape(folded, &shape, stored->scale);
    folded->n_branches = stored->n_branches;
    count = folded->width;
    MRQ_TRY(mrq_container_get(container, sizeof(float), &count, &data, err, "tower.start"));
    folded->start = data;
    if (!mrq_all_finite(folded->start, folded->width))
        return mrq_container_bad(container, err, "tower.start holds a number that is not finite");
    for (uint32_t b = 0; b < folded->n_branches; b++) {
        MRQ_TRY(load_branch(container, users, stored, folded->width, b, &folded->branch[b], err));
        if (strcmp(folded->branch[b].feature, "id") != 0)
            continue;
        count = users->rows;
        MRQ_TRY(mrq_container_get(container, sizeof *folded->user_row, &count, &data, err, "tower.user_row"));
        folded->user_row = data;
        for (uint32_t u = 0; u < users->rows; u++)
            if (folded->user_row[u] >= folded->branch[b].n_rows)
                return mrq_container_bad(container, err, "user row %u, want less than %u", folded->user_row[u],
                                         folded->branch[b].n_rows);
    }
    const bool linear = folded->score == MRQ_DOT && folded->activation == MRQ_LINEAR;
    if (stored->has_history > (linear && folded->user_row))
        return mrq_container_bad(container, err, "a history needs rows of users and a linear tower");
    if (stored->has_neighbours > stored->has_history)
        return mrq_container_bad(container, err, "neighbours need a history");
    folded->has_history = stored->has_history;
    folded->has_neighbours = stored->has_neighbours;
    MRQ_TRY(average_rows(folded, users, err));
    *out = folded;
    folded = NULL;
    return MRQ_OK;
}
