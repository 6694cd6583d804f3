/* A manifest that its generation's name vouches for: what is taken is complete and within its ranges. */
#include <math.h>

#include "base/finite.h"
#include "fuzz/fuzz.h"
#include "store/manifest.h"

static void check(const mrq_manifest *m, const mrq_model_curve *curve)
{
    FUZZ_CHECK(m->items >= 1 && m->users >= 1 && m->dim >= 1);
    FUZZ_CHECK(strlen(m->model_name) < sizeof m->model_name);
    FUZZ_CHECK(strlen(m->index.settings.factory) < sizeof m->index.settings.factory);
    FUZZ_CHECK(m->index.recall >= 0 && m->index.recall <= 1 && m->index.p50 >= 0 && m->index.p99 >= 0);
    FUZZ_CHECK(isfinite(m->index.p50) && isfinite(m->index.p99) && curve->n <= MRQ_EPOCHS_MAX && (!curve->n || curve->epoch));
    FUZZ_CHECK(m->quality.name && !isinf(m->quality.value));
    for (int i = 0; i < MRQ_PARTS; i++)
        FUZZ_CHECK(m->part[i].size >= 0 && strlen(m->part[i].sha256) < sizeof m->part[i].sha256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mrq_error err = {0};
    mrq_manifest manifest;
    mrq_model_curve curve = {0};
    char name[MRQ_GENERATION_NAME];
    mrq_generation_name(1700000000, (const char *)data, size, name);
    FUZZ_CHECK(mrq_generation_named(name) && mrq_generation_vouches(name, (const char *)data, size));
    const mrq_status status = mrq_manifest_parse((const char *)data, size, MRQ_MANIFEST, &manifest, &curve, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    if (status == MRQ_OK)
        check(&manifest, &curve);
    mrq_free(curve.epoch);
    return 0;
}
