/* The users of a generation and their folded tower: every user's values have their rows, and all numbers are finite. */
#include "fuzz/container.h"
#include "store/layout.h"

static void check(const mrq_table *users, const mrq_folded *tower)
{
    uint32_t value[MRQ_BRANCHES_MAX];
    float *vector = calloc(tower->dim, sizeof *vector);
    mrq_line line;
    FUZZ_CHECK(vector && tower->n_branches >= 1 && tower->n_branches <= MRQ_BRANCHES_MAX && isfinite(tower->scale));
    fuzz_check_table(users, FUZZ_STORED);
    fuzz_check_finite(tower->start, tower->width);
    for (uint32_t b = 0; b < tower->n_branches; b++)
        fuzz_check_finite(tower->branch[b].rows, (size_t)tower->branch[b].n_rows * tower->width);
    for (uint32_t u = 0; u <= users->rows; u++) {
        for (uint32_t b = 0; u == users->rows && b < tower->n_branches; b++)
            value[b] = MRQ_NONE; /* the average */
        if (u < users->rows)
            mrq_folded_values(tower, users, u, value);
        for (uint32_t b = 0; b < tower->n_branches; b++)
            FUZZ_CHECK(value[b] == MRQ_NONE ||
                       value[b] < (mrq_folded_is_set(&tower->branch[b]) ? users->rows : tower->branch[b].n_rows));
        mrq_folded_vector(tower, value, vector, &line);
    }
    free(vector);
}

static void target(const char *path)
{
    mrq_error err = {0};
    mrq_container *file = NULL;
    mrq_table *users = NULL;
    mrq_folded *tower = NULL;
    mrq_status status = mrq_container_open(path, MRQ_KIND_USERS, MRQ_PARTS_FORMAT, &file, &err);
    if (status == MRQ_OK)
        status = mrq_table_load(file, MRQ_KIND_USERS, &users, &err);
    if (status == MRQ_OK)
        status = mrq_folded_load(file, users, &tower, &err);
    fuzz_check_status(status, &err, FUZZ_ALLOW(MRQ_BAD_FILE));
    FUZZ_CHECK((tower != NULL) == (status == MRQ_OK));
    if (tower)
        check(users, tower);
    mrq_folded_free(tower);
    mrq_table_free(users);
    mrq_container_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_container(data, size, target);
    return 0;
}
