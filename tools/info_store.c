/* marquee info of a store: a table of its generations, and the current one in detail. All files of all generations are verified, so
 * that rollback can use any generation shown without a problem. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "info.h"
#include "store/store.h"

/* "45 s", "12 min", "3 h", "8 d" */
static void age_text(int64_t seconds, char *out, size_t size)
{
    static const struct {
        const char *unit;
        int64_t seconds;
    } units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
    size_t i = 0;
    seconds = seconds > 0 ? seconds : 0; /* negative if the clock was set back since */
    while (i < 3 && seconds < 2 * units[i].seconds)
        i++;
    snprintf(out, size, "%lld %s", (long long)(seconds / units[i].seconds), units[i].unit);
}

/* "0.8480", or "-" for an unknown value. */
static void measure_text(double value, char *out, size_t size)
{
    if (isnan(value))
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.4f", value);
}

static void size_text(int64_t bytes, char *out, size_t size)
{
    if (bytes < 1000000)
        snprintf(out, size, "%.1f kB", (double)bytes / 1e3);
    else
        snprintf(out, size, "%.1f MB", (double)bytes / 1e6);
}

static void print_line(const mrq_generation_info *g, int64_t now)
{
    char age[32], recall[32], value[32], quality[64], bytes[32];
    age_text(now - g->created, age, sizeof age);
    measure_text(g->recall, recall, sizeof recall);
    measure_text(g->quality.value, value, sizeof value);
    snprintf(quality, sizeof quality, "%s%s%s", isnan(g->quality.value) ? "" : g->quality.name, isnan(g->quality.value) ? "" : " ",
             value);
    size_text(g->bytes, bytes, sizeof bytes);
    printf("%s %-29s %7s %8u  %-12s %-14s %7s %14s %10s\n", g->current ? "*" : " ", g->name, age, g->items, g->model, g->index,
           recall, quality, bytes);
    if (g->state != MRQ_OK)
        printf("  %s: %s\n", g->state == MRQ_FAILED ? "cannot be verified" : "damaged", g->problem);
}

static mrq_status print_current(const char *path, mrq_error *err)
{
    MRQ_CLEANUP(mrq_generation_close) mrq_generation *generation = NULL;
    MRQ_CLEANUP(mrq_model_free) mrq_model *model = NULL;
    MRQ_TRY(mrq_generation_audit(path, &generation, &model, err));
    char settings[MRQ_SETTINGS_TEXT];
    mrq_index_settings_text(mrq_index_settings_of(generation->index), settings, sizeof settings);
    printf("\n%-14s%s (current, verified)\n%-14s%u\n%-14s%u\n%-14s%s, %u dimensions", "generation", generation->name,
           generation->items->noun.many, generation->items->rows, "users", generation->users->rows, "index", settings,
           generation->tower->dim);
    printf("; recall %.4f, p50 %.1f us, p99 %.1f us\n\n", generation->recall, 1e6 * generation->p50, 1e6 * generation->p99);
    mrq_info_results(model);
    return MRQ_OK;
}

mrq_status mrq_info_store(const char *path, mrq_error *err)
{
    uint32_t n = 0;
    MRQ_AUTOFREE mrq_generation_info *list = NULL;
    MRQ_TRY(mrq_store_list(path, &list, &n, err));
    printf("  %-29s %7s %8s  %-12s %-14s %7s %14s %10s\n", "generation", "age", "items", "model", "index", "recall", "quality",
           "size");
    const mrq_generation_info *unknown = NULL;
    for (uint32_t i = 0; i < n; i++) {
        print_line(&list[i], (int64_t)time(NULL));
        unknown = list[i].state == MRQ_FAILED ? &list[i] : unknown;
    }
    MRQ_TRY(print_current(path, err));
    return unknown ? mrq_fail(err, MRQ_FAILED, "generation %s cannot be verified: %s", unknown->name, unknown->problem) : MRQ_OK;
}
