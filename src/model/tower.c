/* The joint layer over the branches. A branch is in one of two modes, chosen for each batch:
 * - direct: its output is computed for every entity, into its columns of `joined` (n, inputs); neighbouring columns are multiplied
 *   by W in one product, or added if there is no W.
 * - table: for a category whose distinct values in the batch are at most half as many as the entities. Each value's output is
 *   multiplied by W once, (values, width), and an entity adds the row of its value. In backward, the gradients of a value's
 *   entities are summed first.
 * Ids, sets and texts are never in table mode: a batch holds every entity once. */
#include "model/tower.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/gemm.h"

/* State of a branch in addition to its work memory. */
struct branch_state {
    mrq_branch_work work;
    bool table;
    uint32_t values;     /* table mode: number of distinct values in the batch */
    uint32_t *value;     /* (capacity) rows of the embedding, or entities for set, text, ratings; table mode: (values) the
                            distinct ones */
    uint32_t *slot;      /* category: (n_values) index of a value in `value`; may be stale, so check `value` */
    float *output, *row; /* category: output (capacity / 2, branch's width); row = output times W (capacity / 2, tower's
                            width), or the same as output without W; in backward their gradients */
};

struct mrq_pass {
    const mrq_tower *tower;
    const mrq_kernels *kernels;
    uint32_t capacity, n;
    uint64_t salt;          /* of mrq_rating_kept() */
    const uint32_t *entity; /* (n), the caller's */
    struct branch_state branch[MRQ_BRANCHES_MAX];
    float *joined;   /* (n, inputs) outputs of the direct branches; in backward their gradients */
    float *vector;   /* (n, width) */
    float *norm;     /* (n) norm of the vector before normalisation */
    float *gradient; /* (n, width) of the vector, then of the joint layer's sum */
};

static int compare_down(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* The number of words in the `n` longest texts: the most that a batch can hold. */
static mrq_status longest_items(const mrq_branch_plan *plan, uint32_t entities, uint32_t n, size_t *total, mrq_error *err)
{
    *total = 0;
    if (plan->branch->kind != MRQ_BRANCH_TEXT)
        return MRQ_OK;
    MRQ_AUTOFREE uint64_t *count = mrq_array(entities, sizeof *count);
    if (!count)
        return mrq_fail_memory(err, "preparing a tower");
    for (uint32_t i = 0; i < entities; i++)
        count[i] = plan->list.offset[i + 1] - plan->list.offset[i];
    qsort(count, entities, sizeof *count, compare_down);
    for (uint32_t i = 0; i < n; i++) /* an entity may be twice in a batch, once with MRQ_DROPPED */
        *total += entities ? count[i / 2 < entities ? i / 2 : entities - 1] : 0;
    return MRQ_OK;
}

mrq_status mrq_pass_make(const mrq_tower *tower, uint32_t capacity, mrq_arena *arena, mrq_pass **out, mrq_error *err)
{
    MRQ_TRY(mrq_blas_check(err));
    MRQ_TRY(mrq_blas_reserve(1, err));
    mrq_blas_alone(); /* the products are small: cores are shared by workers, not by BLAS */
    mrq_pass *pass = mrq_arena_array(arena, 1, sizeof *pass);
    if (!pass)
        return mrq_fail_memory(err, "preparing a tower");
    *pass = (mrq_pass){.tower = tower, .kernels = mrq_kernels_best(), .capacity = capacity};
    const size_t vectors = (size_t)capacity * tower->width;
    bool ok = (pass->joined = mrq_arena_array(arena, (size_t)capacity * tower->inputs, sizeof(float))) &&
              (pass->vector = mrq_arena_array(arena, vectors, sizeof(float))) &&
              (pass->gradient = mrq_arena_array(arena, vectors, sizeof(float))) &&
              (pass->norm = mrq_arena_array(arena, capacity, sizeof(float)));
    for (uint32_t b = 0; ok && b < tower->n; b++) {
        const mrq_branch_plan *plan = &tower->plan[b];
        struct branch_state *state = &pass->branch[b];
        size_t tokens;
        MRQ_TRY(longest_items(plan, tower->entities, capacity, &tokens, err));
        MRQ_TRY(mrq_branch_work_make(plan, capacity, tokens, arena, &state->work, err));
        ok = (state->value = mrq_arena_array(arena, capacity, sizeof *state->value)) != NULL;
        if (ok && plan->branch->kind == MRQ_BRANCH_CATEGORY)
            ok = (state->slot = mrq_arena_array(arena, plan->n_values, sizeof *state->slot)) &&
                 (state->output = mrq_arena_array(arena, (size_t)capacity / 2 * plan->width, sizeof(float))) &&
                 (state->row = tower->weight == MRQ_NONE
                                   ? state->output
                                   : mrq_arena_array(arena, (size_t)capacity / 2 * tower->width, sizeof(float)));
    }
    if (!ok)
        return mrq_fail_memory(err, "preparing a tower");
    *out = pass;
    return MRQ_OK;
}

void mrq_pass_salt(mrq_pass *pass, uint64_t salt)
{
    pass->salt = salt;
}

const float *mrq_pass_vector(const mrq_pass *pass)
{
    return pass->vector;
}

float *mrq_pass_gradient(mrq_pass *pass)
{
    return pass->gradient;
}

static const float *joint_weight(const mrq_tower *tower, const float *param, uint32_t row)
{
    return param + mrq_tensor_at(tower->tensors, tower->weight, row);
}

static mrq_branch_call branch_call(mrq_pass *pass, uint32_t b, const float *param)
{
    const mrq_tower *tower = pass->tower;
    return (mrq_branch_call){tower->tensors, &tower->plan[b], &pass->branch[b].work, param, pass->kernels, pass->salt};
}

/* The value of each entity, for a direct branch. */
static void entity_values(const mrq_branch_plan *plan, const uint32_t *entity, uint32_t n, uint32_t *value)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t row = entity[i] & ~MRQ_DROPPED;
        if (plan->branch->kind == MRQ_BRANCH_ID)
            value[i] = entity[i] & MRQ_DROPPED ? 0 : plan->value[row];
        else
            value[i] = plan->branch->kind == MRQ_BRANCH_CATEGORY ? plan->value[row] : row;
    }
}

/* Finds the next run of neighbouring direct branches, from branch *b on, and its columns. Returns false at the end. */
static bool next_run(const mrq_pass *pass, uint32_t *b, uint32_t *first, uint32_t *width)
{
    const mrq_tower *tower = pass->tower;
    while (*b < tower->n && pass->branch[*b].table)
        ++*b;
    if (*b == tower->n)
        return false;
    *first = tower->plan[*b].first;
    *width = 0;
    for (; *b < tower->n && !pass->branch[*b].table; ++*b)
        *width += tower->plan[*b].width;
    return true;
}

/* Collects the distinct values of a category; false when there are more than half as many as entities. */
static bool find_distinct(const mrq_pass *pass, const mrq_branch_plan *plan, struct branch_state *state)
{
    state->values = 0;
    for (uint32_t i = 0; i < pass->n; i++) {
        const uint32_t value = plan->value[pass->entity[i] & ~MRQ_DROPPED], slot = state->slot[value];
        if (slot < state->values && state->value[slot] == value)
            continue;
        if (state->values == pass->n / 2)
            return false;
        state->slot[value] = state->values;
        state->value[state->values++] = value;
    }
    return true;
}

/* Table mode: computes the rows of the distinct values. */
static void table_forward(mrq_pass *pass, uint32_t b, const float *param)
{
    const mrq_tower *tower = pass->tower;
    const mrq_branch_plan *plan = &tower->plan[b];
    struct branch_state *state = &pass->branch[b];
    const mrq_branch_call call = branch_call(pass, b, param);
    mrq_branch_forward(&call, state->value, state->values, state->output, plan->width);
    if (tower->weight != MRQ_NONE)
        mrq_gemm(state->values, tower->width, plan->width, state->output, plan->width, joint_weight(tower, param, plan->first),
                 tower->width, 0, state->row, tower->width);
}

/* Table mode: the row of an entity's value. */
static float *value_row(const mrq_pass *pass, uint32_t b, uint32_t entity)
{
    const struct branch_state *state = &pass->branch[b];
    return state->row + (size_t)state->slot[pass->tower->plan[b].value[entity & ~MRQ_DROPPED]] * pass->tower->width;
}

/* vector = bias + the rows of the branches in table mode. */
static void start_vectors(mrq_pass *pass, const float *param)
{
    const mrq_tower *tower = pass->tower;
    const uint32_t width = tower->width;
    const float *bias = tower->bias == MRQ_NONE ? NULL : param + mrq_tensor_at(tower->tensors, tower->bias, 0);
    for (uint32_t i = 0; i < pass->n; i++) {
        float *y = pass->vector + (size_t)i * width;
        if (bias)
            memcpy(y, bias, width * sizeof *y);
        else
            memset(y, 0, width * sizeof *y);
        for (uint32_t b = 0; b < tower->n; b++)
            if (pass->branch[b].table)
                pass->kernels->add(y, value_row(pass, b, pass->entity[i]), width);
    }
}

/* vector += W times the outputs of the direct branches, or their sum. */
static void add_direct(mrq_pass *pass, const float *param)
{
    const mrq_tower *tower = pass->tower;
    const uint32_t width = tower->width, n = pass->n;
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch_plan *plan = &tower->plan[b];
        struct branch_state *state = &pass->branch[b];
        if (state->table)
            continue;
        const mrq_branch_call call = branch_call(pass, b, param);
        entity_values(plan, pass->entity, n, state->value);
        mrq_branch_forward(&call, state->value, n, pass->joined + plan->first, tower->inputs);
        if (tower->weight == MRQ_NONE && !plan->branch->bias_only)
            pass->kernels->add(pass->vector, pass->joined, (size_t)n * width);
        for (size_t i = 0; i < n && plan->branch->bias_only; i++)
            pass->vector[i * width + plan->first] += pass->joined[i * width + plan->first];
    }
    uint32_t first, columns;
    for (uint32_t b = 0; tower->weight != MRQ_NONE && next_run(pass, &b, &first, &columns);)
        mrq_gemm(n, width, columns, pass->joined + first, tower->inputs, joint_weight(tower, param, first), width, 1, pass->vector,
                 width);
}

/* Applies the activation, not to biases, and the norm. */
static void finish_vectors(mrq_pass *pass)
{
    const mrq_tower *tower = pass->tower;
    const uint32_t dim = tower->dim, width = tower->width;
    if (tower->activation == MRQ_TANH && dim == width)
        pass->kernels->tanh(pass->vector, (size_t)pass->n * dim);
    for (uint32_t i = 0; i < pass->n; i++) {
        float *y = pass->vector + (size_t)i * width;
        if (tower->activation == MRQ_TANH && dim < width)
            pass->kernels->tanh(y, dim);
        if (!tower->unit)
            continue;
        pass->norm[i] = sqrtf(pass->kernels->dot(y, y, dim));
        pass->kernels->scale(y, pass->norm[i] > 0 ? 1 / pass->norm[i] : 0, dim);
    }
}

void mrq_pass_forward(mrq_pass *pass, const float *param, const uint32_t *entity, uint32_t n)
{
    const mrq_tower *tower = pass->tower;
    pass->entity = entity;
    pass->n = n;
    for (uint32_t b = 0; b < tower->n; b++) {
        const mrq_branch *branch = tower->plan[b].branch;
        pass->branch[b].table =
            branch->kind == MRQ_BRANCH_CATEGORY && !branch->bias_only && find_distinct(pass, &tower->plan[b], &pass->branch[b]);
        if (pass->branch[b].table)
            table_forward(pass, b, param);
    }
    start_vectors(pass, param);
    add_direct(pass, param);
    finish_vectors(pass);
    memset(pass->gradient, 0, (size_t)n * tower->width * sizeof *pass->gradient);
}

/* Turns the gradient of the vectors into that of the joint layer's sum. */
static void unfinish_vectors(mrq_pass *pass)
{
    const mrq_tower *tower = pass->tower;
    const bool is_tanh = tower->activation == MRQ_TANH;
    for (uint32_t i = 0; i < pass->n && (is_tanh || tower->unit); i++) {
        float *g = pass->gradient + (size_t)i * tower->width;
        const float *y = pass->vector + (size_t)i * tower->width;
        if (tower->unit)
            pass->kernels->unit_backward(g, y, pass->norm[i], is_tanh, tower->dim);
        else
            pass->kernels->tanh_backward(g, y, tower->dim);
    }
}

/* A branch in table mode: sums the gradient of each value's entities, then goes back through W and the branch. */
static void table_backward(mrq_pass *pass, uint32_t b, const float *param, mrq_gradient *gradient)
{
    const mrq_tower *tower = pass->tower;
    const mrq_branch_plan *plan = &tower->plan[b];
    struct branch_state *state = &pass->branch[b];
    const uint32_t width = tower->width;
    const bool dense = tower->weight != MRQ_NONE;
    memset(state->row, 0, (size_t)state->values * width * sizeof *state->row);
    for (uint32_t i = 0; i < pass->n; i++)
        pass->kernels->add(value_row(pass, b, pass->entity[i]), pass->gradient + (size_t)i * width, width);
    if (dense) {
        float *dweight = gradient->block + mrq_tensor_at(tower->tensors, tower->weight, plan->first);
        mrq_gemm_at(plan->width, width, state->values, state->output, plan->width, state->row, width, dweight, width);
        mrq_gemm_bt(state->values, plan->width, width, state->row, width, joint_weight(tower, param, plan->first), width,
                    state->output, plan->width);
    }
    const mrq_branch_call call = branch_call(pass, b, param);
    mrq_branch_backward(&call, state->value, state->values, state->output, plan->width, gradient);
}

/* The direct branches: `joined` becomes the gradient of their outputs; without W that is the gradient of the vectors. */
static void direct_backward(mrq_pass *pass, const float *param, mrq_gradient *gradient)
{
    const mrq_tower *tower = pass->tower;
    const uint32_t width = tower->width, n = pass->n;
    const bool dense = tower->weight != MRQ_NONE;
    uint32_t first, columns;
    for (uint32_t b = 0; dense && next_run(pass, &b, &first, &columns);) {
        float *dweight = gradient->block + mrq_tensor_at(tower->tensors, tower->weight, first);
        mrq_gemm_at(columns, width, n, pass->joined + first, tower->inputs, pass->gradient, width, dweight, width);
        mrq_gemm_bt(n, columns, width, pass->gradient, width, joint_weight(tower, param, first), width, pass->joined + first,
                    tower->inputs);
    }
    for (uint32_t b = 0; b < tower->n; b++) {
        if (pass->branch[b].table)
            continue;
        const mrq_branch_call call = branch_call(pass, b, param);
        const float *dout = (dense ? pass->joined : pass->gradient) + tower->plan[b].first;
        mrq_branch_backward(&call, pass->branch[b].value, n, dout, tower->inputs, gradient);
    }
}

void mrq_pass_backward(mrq_pass *pass, const float *param, mrq_gradient *gradient)
{
    const mrq_tower *tower = pass->tower;
    unfinish_vectors(pass);
    if (tower->bias != MRQ_NONE) {
        float *dbias = gradient->block + mrq_tensor_at(tower->tensors, tower->bias, 0);
        memset(dbias, 0, tower->width * sizeof *dbias);
        for (uint32_t i = 0; i < pass->n; i++)
            pass->kernels->add(dbias, pass->gradient + (size_t)i * tower->width, tower->width);
    }
    direct_backward(pass, param, gradient);
    for (uint32_t b = 0; b < tower->n; b++)
        if (pass->branch[b].table)
            table_backward(pass, b, param, gradient);
}

/* In chunks of rows: the outputs of all rows would be as large as the embedding. */
/* Writes what the values `first` .. `first + n - 1` of a branch put out, (n, branch's width). A set puts out its members' rows. */
static void put_out(const mrq_branch_call *call, uint32_t first, uint32_t n, uint32_t *value, float *output)
{
    const mrq_branch_plan *plan = call->plan;
    if (plan->branch->kind == MRQ_BRANCH_SET) {
        memcpy(output, call->param + mrq_tensor_at(call->tensors, plan->embedding, first),
               (size_t)n * plan->width * sizeof *output);
        return;
    }
    for (uint32_t v = 0; v < n; v++)
        value[v] = first + v;
    mrq_branch_forward(call, value, n, output, plan->width);
}

mrq_status mrq_tower_fold(const mrq_tower *tower, uint32_t b, const float *param, float *rows, mrq_error *err)
{
    enum { AT_ONCE = 512 };
    const mrq_branch_plan *plan = &tower->plan[b];
    const uint32_t most = plan->n_values < AT_ONCE ? plan->n_values : AT_ONCE;
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    float *output = arena ? mrq_arena_array(arena, (size_t)most * plan->width, sizeof *output) : NULL;
    uint32_t *value = output ? mrq_arena_array(arena, most, sizeof *value) : NULL;
    if (!value)
        return mrq_fail_memory(err, "folding a tower");
    mrq_branch_work work;
    MRQ_TRY(mrq_branch_work_make(plan, most, 0, arena, &work, err));
    const mrq_branch_call call = {tower->tensors, plan, &work, param, mrq_kernels_best(), 0};
    for (uint32_t n, first = 0; first < plan->n_values; first += n, rows += (size_t)n * tower->width) {
        n = plan->n_values - first < most ? plan->n_values - first : most;
        put_out(&call, first, n, value, output);
        for (size_t v = 0; v < n && tower->weight == MRQ_NONE; v++)
            memcpy(rows + v * tower->width + plan->first, output + v * plan->width, plan->width * sizeof *rows);
        if (tower->weight != MRQ_NONE)
            mrq_gemm(n, tower->width, plan->width, output, plan->width, joint_weight(tower, param, plan->first), tower->width, 0,
                     rows, tower->width);
    }
    return MRQ_OK;
}
