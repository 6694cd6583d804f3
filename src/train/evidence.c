/* The figures of model/evidence.h, counted in one pass over the events. */
#include <math.h>

#include "train/train.h"

static uint64_t highest(const uint32_t *count, uint32_t n)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < n; i++)
        most = count[i] > most ? count[i] : most;
    return most;
}

mrq_status mrq_evidence_count(const mrq_dataset *data, bool ranks, mrq_evidence *out, mrq_error *err)
{
    MRQ_AUTOFREE uint32_t *events = mrq_array(data->users->rows, sizeof *events);
    MRQ_AUTOFREE uint32_t *liked = mrq_array(data->users->rows, sizeof *liked);
    MRQ_AUTOFREE uint32_t *likes = mrq_array(data->items->rows, sizeof *likes);
    if (!events || !liked || !likes)
        return mrq_fail_memory(err, "counting likes");
    mrq_evidence e = {.ranks = ranks, .events = data->n, .like = ranks ? data->like : -INFINITY, .value = NAN};
    bool same = data->n > 0;
    for (uint64_t i = 0; i < data->n; i++) {
        events[data->user[i]]++;
        same = same && data->rating[i] == data->rating[0]; /* NOLINT: the very same */
        if ((double)data->rating[i] < e.like)
            continue;
        e.likes++;
        liked[data->user[i]]++;
        likes[data->item[i]]++;
    }
    /* Events without a value are all 1, in a range of that alone. So are those whose column says 1 for "yes". */
    if (same && (data->rating_min < data->rating_max || data->rating_min < 1 || data->rating_min > 1))
        e.value = (double)data->rating[0];
    e.busiest_user = highest(events, data->users->rows);
    e.most_liked = highest(likes, data->items->rows);
    for (uint32_t u = 0; u < data->users->rows; u++)
        e.users_with_two += liked[u] > 1;
    *out = e;
    return MRQ_OK;
}
