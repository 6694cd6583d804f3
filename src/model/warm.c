/* A warm start copies the parameters of an older model to the matching places of a new model over other tables. Rows of embeddings
 * are matched by what they stand for: users and items by id; categories, members of sets and words by text; characters by code
 * point. Row numbers cannot be used, because they change whenever anything is added. The shape of all other tensors follows from
 * the description alone, so both descriptions must make the same network; training settings may differ. Biases and vectors stay
 * relative to the mean of the ratings, which is the new model's: it changes little from one night to the next. */
#include "model/warm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/network.h"

/* MRQ_USAGE unless the two numbers (or texts) are equal. */
static mrq_status same_count(const char *what, uint32_t now, uint32_t then, mrq_error *err)
{
    return now == then ? MRQ_OK
                       : mrq_fail(err, MRQ_USAGE, "cannot start from that model: its %s is %u, this one's is %u", what, then, now);
}

static mrq_status same_text(const char *what, const char *now, const char *then, mrq_error *err)
{
    return strcmp(now, then) == 0
               ? MRQ_OK
               : mrq_fail(err, MRQ_USAGE, "cannot start from that model: its %s is %s, this one's is %s", what, then, now);
}

static mrq_status check_branch(const char *side, uint32_t place, const mrq_branch *now, const mrq_branch *then, mrq_error *err)
{
    static const char *const units[] = {"words", "characters"}, *const targets[] = {"vector", "bias"};
    char what[80];
    snprintf(what, sizeof what, "%s tower's branch %u", side, place + 1);
    MRQ_TRY(same_text(what, now->feature, then->feature, err));
#define OF(property) (snprintf(what, sizeof what, "%s of %s.%s", property, side, now->feature), what)
    MRQ_TRY(same_text(OF("kind"), mrq_branch_kind_names[now->kind], mrq_branch_kind_names[then->kind], err));
    MRQ_TRY(same_text(OF("target"), targets[now->bias_only], targets[then->bias_only], err));
    MRQ_TRY(same_count(OF("embedding"), now->embedding, then->embedding, err));
    MRQ_TRY(same_count(OF("fc"), now->fc, then->fc, err));
    if (now->kind != MRQ_BRANCH_TEXT)
        return MRQ_OK;
    MRQ_TRY(same_count(OF("window"), now->window, then->window, err));
    MRQ_TRY(same_count(OF("filters"), now->filters, then->filters, err));
    MRQ_TRY(same_text(OF("unit"), units[now->unit], units[then->unit], err));
    return same_text(OF("pool"), mrq_pool_names[now->pool], mrq_pool_names[then->pool], err);
#undef OF
}

static mrq_status check_tower(const char *side, const mrq_tower_description *now, const mrq_tower_description *then, mrq_error *err)
{
    char what[40];
    snprintf(what, sizeof what, "number of %s branches", side);
    MRQ_TRY(same_count(what, now->n, then->n, err));
    for (uint32_t b = 0; b < now->n; b++)
        MRQ_TRY(check_branch(side, b, &now->branch[b], &then->branch[b], err));
    snprintf(what, sizeof what, "activation of the %s tower", side);
    return same_text(what, mrq_activation_names[now->activation], mrq_activation_names[then->activation], err);
}

static mrq_status check_descriptions(const mrq_description *now, const mrq_description *then, mrq_error *err)
{
    static const char *const no[] = {"off", "on"};
    MRQ_TRY(same_text("score", mrq_score_names[now->score], mrq_score_names[then->score], err));
    MRQ_TRY(same_text("joint layer", mrq_joint_names[now->joint], mrq_joint_names[then->joint], err));
    MRQ_TRY(same_count("size of vectors", now->dim, then->dim, err));
    MRQ_TRY(same_text("bias", no[now->bias], no[then->bias], err));
    if (now->score == MRQ_COSINE && (fabs(now->scale - then->scale) > 0 || fabs(now->shift - then->shift) > 0))
        return mrq_fail(err, MRQ_USAGE, "cannot start from that model: its score is %g x cosine %+g, this one's is %g x cosine %+g",
                        then->scale, then->shift, now->scale, now->shift);
    MRQ_TRY(check_tower("user", &now->user, &then->user, err));
    return check_tower("item", &now->item, &then->item, err);
}

/* One branch of both models. `from` (plan->n_values): for each row of the new embedding the matching row of the old one; all
 * MRQ_NONE on entry. */
struct match {
    const mrq_branch_plan *now, *then;
    const mrq_table *table, *old_table;
    uint32_t *from;
};

static void match_ids(const struct match *m)
{
    m->from[0] = 0; /* the unknown id */
    for (uint32_t i = 0; i < m->table->rows; i++) {
        const uint32_t old = mrq_table_find(m->old_table, mrq_table_id(m->table, i), mrq_strings_size(&m->table->id, i));
        if (m->now->value[i] && old != MRQ_NONE && m->then->value[old])
            m->from[m->now->value[i]] = m->then->value[old];
    }
}

static void match_raters(const struct match *m, const mrq_table *users, const mrq_table *old_users)
{
    for (uint32_t i = 0; i < users->rows; i++)
        m->from[i] = mrq_table_find(old_users, mrq_table_id(users, i), mrq_strings_size(&users->id, i));
}

static mrq_status match_texts(const struct match *m, mrq_error *err)
{
    const mrq_strings *now = &mrq_table_column(m->table, m->now->branch->feature)->dict,
                      *then = &mrq_table_column(m->old_table, m->then->branch->feature)->dict;
    MRQ_CLEANUP(mrq_dict_free) mrq_dict *dict = mrq_dict_new();
    if (!dict)
        return mrq_fail_memory(err, "starting from a model");
    for (uint32_t i = 0; i < then->n; i++)
        if (mrq_dict_add(dict, mrq_strings_at(then, i), mrq_strings_size(then, i)) != i)
            return mrq_fail_memory(err, "starting from a model");
    for (uint32_t i = 0; i < now->n; i++)
        m->from[i] = mrq_dict_find(dict, mrq_strings_at(now, i), mrq_strings_size(now, i));
    return MRQ_OK;
}

static bool is_number(const mrq_table *table, const mrq_branch_plan *plan)
{
    return mrq_table_column(table, plan->branch->feature)->kind == MRQ_NUMBER;
}

/* The buckets of a number, from the lowest on. */
static void match_buckets(const struct match *m)
{
    for (uint32_t i = 0; i < m->now->n_values && i < m->then->n_values; i++)
        m->from[i] = i;
}

/* Both lists of code points are ascending. */
static void match_characters(const struct match *m)
{
    for (uint32_t i = 0, j = 0; i < m->now->n_values; i++) {
        while (j < m->then->n_values && m->then->character[j] < m->now->character[i])
            j++;
        if (j < m->then->n_values && m->then->character[j] == m->now->character[i])
            m->from[i] = j;
    }
}

static mrq_status copy_embedding(mrq_model *model, const mrq_model *old, const struct match *match, mrq_error *err)
{
    struct match m = *match;
    MRQ_AUTOFREE uint32_t *from = mrq_array(m.now->n_values, sizeof *from);
    if (!from)
        return mrq_fail_memory(err, "starting from a model");
    memset(from, 0xff, m.now->n_values * sizeof *from);
    m.from = from;
    if (m.now->branch->kind == MRQ_BRANCH_ID)
        match_ids(&m);
    else if (m.now->branch->kind == MRQ_BRANCH_RATINGS)
        match_raters(&m, model->users, old->users);
    else if (m.now->character)
        match_characters(&m);
    else if (is_number(m.table, m.now) && is_number(m.old_table, m.then))
        match_buckets(&m);
    else
        MRQ_TRY(match_texts(&m, err));
    const size_t cols = model->tensors.tensor[m.now->embedding].cols;
    for (uint32_t i = 0; i < m.now->n_values; i++)
        if (from[i] != MRQ_NONE)
            memcpy(model->param + mrq_tensor_at(&model->tensors, m.now->embedding, i),
                   old->param + mrq_tensor_at(&old->tensors, m.then->embedding, from[i]), cols * sizeof *model->param);
    return MRQ_OK;
}

mrq_status mrq_model_warm(mrq_model *model, const mrq_model *old, mrq_error *err)
{
    MRQ_TRY(check_descriptions(&model->description, &old->description, err));
    for (uint32_t b = 0; b < model->user.n; b++) {
        const struct match match = {&model->user.plan[b], &old->user.plan[b], model->users, old->users, NULL};
        MRQ_TRY(copy_embedding(model, old, &match, err));
    }
    for (uint32_t b = 0; b < model->item.n; b++) {
        const struct match match = {&model->item.plan[b], &old->item.plan[b], model->items, old->items, NULL};
        MRQ_TRY(copy_embedding(model, old, &match, err));
    }
    for (uint32_t i = 0; i < model->tensors.n; i++) {
        const mrq_tensor *now = &model->tensors.tensor[i], *then = &old->tensors.tensor[i];
        if (!now->sparse)
            memcpy(model->param + now->offset, old->param + then->offset, (size_t)now->rows * now->cols * sizeof *model->param);
    }
    return MRQ_OK;
}
