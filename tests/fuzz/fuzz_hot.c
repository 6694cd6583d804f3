/* Hot queries as they come back from Redis: what reads as a query and means something is told by a text that reads as the same
 * one, so that an answer is never kept under a key that nobody asks for. */
#include "engine/warm.c" /* its reader is its own */

#include "fuzz/world.h"

/* Whether the text means something; `out` is to be cleared. */
static bool understand(const mrq_generation *generation, const char *text, size_t size, mrq_resolved *out)
{
    mrq_error problem = {0};
    mrq_query query = {0};
    mrq_status status = read_query(text, size, &query, &problem);
    fuzz_check_status(status, &problem, FUZZ_ALLOW(MRQ_BAD_FILE) | FUZZ_ALLOW(MRQ_USAGE));
    if (status == MRQ_OK) {
        status = mrq_query_resolve(generation, MRQ_ASK_RECOMMEND, &query, NULL, out, &problem);
        fuzz_check_status(status, &problem, FUZZ_ALLOW(MRQ_USAGE) | FUZZ_ALLOW(MRQ_NOT_FOUND));
    }
    mrq_query_clear(&query);
    return status == MRQ_OK;
}

static bool same_rows(const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m)
{
    return n == m && (!n || memcmp(a, b, n * sizeof *a) == 0);
}

static bool same_conditions(const mrq_selection *s, const mrq_selection *t)
{
    bool same = s->n == t->n && s->n_genre == t->n_genre && s->n_year == t->n_year;
    for (uint32_t i = 0; same && i < s->n; i++) {
        const mrq_condition *a = &s->condition[i], *b = &t->condition[i];
        same = a->column == b->column && a->compare == b->compare && a->n == b->n &&
               (a->number ? memcmp(a->number, b->number, a->n * sizeof *a->number) == 0 : same_rows(a->code, a->n, b->code, b->n));
    }
    return same;
}

static bool same_members(const mrq_members *a, const mrq_members *b, uint32_t branches)
{
    bool same = true;
    for (uint32_t i = 0; same && i < branches; i++)
        same = same_rows(a[i].row, a[i].n, b[i].row, b[i].n);
    return same;
}

static bool same(const mrq_resolved *a, const mrq_resolved *b, uint32_t branches)
{
    const mrq_selection *s = &a->selection, *t = &b->selection;
    return strcmp(a->text, b->text) == 0 && a->user == b->user && a->k == b->k && a->include_seen == b->include_seen &&
           same_rows(a->value, branches, b->value, branches) && same_members(a->members, b->members, branches) &&
           same_rows(a->feedback.item, a->feedback.n, b->feedback.item, b->feedback.n) && same_conditions(s, t) &&
           same_rows(s->exclude, s->n_exclude, t->exclude, t->n_exclude);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mrq_generation *generation;
    if (!generation)
        fuzz_world(NULL, &generation);
    mrq_resolved once = {0}, twice = {0};
    if (understand(generation, (const char *)data, size, &once)) {
        FUZZ_CHECK(understand(generation, once.text, strlen(once.text), &twice));
        FUZZ_CHECK(same(&once, &twice, generation->tower->n_branches));
    }
    mrq_resolved_clear(&once);
    mrq_resolved_clear(&twice);
    return 0;
}
