#include "index_check.h"

#include "engine/neighbours.h"
#include "engine/resolve.h"
#include "train/ranking.h"

enum { INDEX_USERS = 1000, INDEX_TOP = 10 };

/* Compares a generation's index with an exact ranking by its model, for users spread over the table. */
mrq_status check_index(const mrq_generation *generation, const mrq_model *model, uint32_t threads, index_check *out, mrq_error *err)
{
    MRQ_CLEANUP(mrq_arena_free) mrq_arena *arena = mrq_arena_new();
    const mrq_folded *tower = generation->tower;
    const uint32_t rows = generation->users->rows, n = rows < INDEX_USERS ? rows : INDEX_USERS;
    uint32_t *user = arena ? mrq_arena_array(arena, n, sizeof *user) : NULL;
    uint32_t *top = arena ? mrq_arena_array(arena, n, INDEX_TOP * sizeof *top) : NULL;
    float *query = arena ? mrq_arena_array(arena, tower->dim, sizeof *query) : NULL;
    mrq_vectors vectors;
    if (!user || !top || !query)
        return mrq_fail_memory(err, "checking the index");
    for (uint32_t i = 0; i < n; i++)
        user[i] = (uint32_t)((uint64_t)i * rows / n);
    MRQ_TRY(mrq_vectors_make(model, arena, &vectors, err));
    MRQ_TRY(mrq_vectors_update(model, &vectors, err));
    const mrq_rank_task task = {.items = generation->items->rows, .user = user, .n_users = n, .k = INDEX_TOP, .threads = threads};
    MRQ_TRY(mrq_rank(&task, mrq_score_items, &(mrq_model_scorer){model, &vectors}, top, err));
    const uint32_t wanted = task.items < INDEX_TOP ? task.items : INDEX_TOP;
    *out = (index_check){.users = n};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t value[MRQ_BRANCHES_MAX], found, same = 0, in_place = 0;
        mrq_line line;
        mrq_hit hit[INDEX_TOP];
        mrq_folded_values(tower, generation->users, user[i], value);
        mrq_folded_vector(tower, value, query, &line);
        const mrq_feedback history = mrq_user_history(generation, user[i]);
        MRQ_TRY(mrq_neighbours_search(generation, query, line.slope, &history, 1, INDEX_TOP, NULL, hit, &found, err));
        for (uint32_t j = 0; j < found; j++) {
            in_place += hit[j].row == top[i * INDEX_TOP + j];
            for (uint32_t k = 0; k < INDEX_TOP; k++)
                same += hit[j].row == top[i * INDEX_TOP + k];
        }
        out->sets += (same == wanted) / (double)n;
        out->lists += (in_place == wanted) / (double)n;
    }
    return MRQ_OK;
}
