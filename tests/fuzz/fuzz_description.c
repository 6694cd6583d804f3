/* Model descriptions: what is taken is within the limits that the header names, and is the same once printed and read again, as a
 * model file keeps it. */
#include <math.h>

#include "fuzz/fuzz.h"
#include "model/description.h"

/* But for the 15 digits that are printed. */
static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-14 * fabs(a) || (isnan(a) && isnan(b));
}

static void check_branch(const mrq_branch *branch)
{
    FUZZ_CHECK(branch->embedding >= 1 && branch->embedding <= 1025 && branch->fc <= 1025 && branch->filters <= 1025);
    FUZZ_CHECK((branch->kind == MRQ_BRANCH_TEXT) == (branch->window % 2 == 1));
    FUZZ_CHECK(branch->dropout >= 0 && branch->dropout <= 0.9 && branch->lr >= 0.001 && branch->lr <= 100);
    FUZZ_CHECK(*branch->feature && strlen(branch->feature) < sizeof branch->feature);
    fuzz_check_text(branch->feature);
}

static void check_same_tower(const mrq_tower_description *a, const mrq_tower_description *b)
{
    FUZZ_CHECK(a->n == b->n && a->n >= 1 && a->n <= MRQ_BRANCHES_MAX && a->activation == b->activation);
    for (uint32_t i = 0; i < a->n; i++) {
        const mrq_branch *x = &a->branch[i], *y = &b->branch[i];
        check_branch(x);
        FUZZ_CHECK(strcmp(x->feature, y->feature) == 0 && x->kind == y->kind && x->optional == y->optional &&
                   x->embedding == y->embedding && x->fc == y->fc && x->window == y->window && x->filters == y->filters &&
                   x->unit == y->unit && x->pool == y->pool && same(x->dropout, y->dropout) && same(x->lr, y->lr) &&
                   x->bias_only == y->bias_only);
    }
}

static void check_same(const mrq_description *a, const mrq_description *b)
{
    const mrq_training *t = &a->train, *u = &b->train;
    FUZZ_CHECK(strcmp(a->name, b->name) == 0 && strcmp(a->about, b->about) == 0 && a->joint == b->joint && a->dim == b->dim &&
               a->score == b->score && same(a->scale, b->scale) && same(a->shift, b->shift) && a->bias == b->bias);
    FUZZ_CHECK(a->dim >= 1 && a->dim <= 1024 && !isinf(a->shift) && isfinite(a->scale));
    check_same_tower(&a->user, &b->user);
    check_same_tower(&a->item, &b->item);
    FUZZ_CHECK(t->objective == u->objective && t->optimizer == u->optimizer && same(t->lr, u->lr) && t->schedule == u->schedule &&
               same(t->l2, u->l2) && same(t->clip, u->clip) && t->order == u->order && t->batch == u->batch &&
               t->epochs == u->epochs && t->patience == u->patience && same(t->validation, u->validation));
    FUZZ_CHECK(t->batch >= 0 && t->batch <= MRQ_BATCH_MAX && t->epochs >= 0 && t->epochs <= MRQ_EPOCHS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_error err = {0};
    mrq_description description, again;
    fuzz_mark(&description, sizeof description);
    const mrq_status status = mrq_description_parse((const char *)data, size, "fuzz.json", &description, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    if (status != MRQ_OK) {
        fuzz_check_untouched(&description, sizeof description);
        return 0;
    }
    cJSON *json = mrq_description_json(&description);
    char *printed = cJSON_Print(json);
    FUZZ_CHECK(printed);
    if (mrq_description_parse(printed, strlen(printed), "again.json", &again, &err) != MRQ_OK) {
        fprintf(stderr, "%s\n%s\n", err.msg, printed);
        abort();
    }
    check_same(&description, &again);
    cJSON_free(printed);
    cJSON_Delete(json);
    return 0;
}
