/* Shows a training. After 100 epochs the curve is drawn only every fifty epochs and at the end, from a copy of the epochs. */
#include "train_screen.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "signals.h"
#include "train/curve.h"

static void show_batch(void *context, int64_t epoch, uint64_t done, uint64_t total, double rmse, double samples_per_second)
{
    mrq_screen *screen = context;
    if (screen->epoch != epoch) {
        screen->epoch = epoch;
        snprintf(screen->label, sizeof screen->label, "epoch %lld", (long long)epoch);
        mrq_progress_start(&screen->progress, screen->label, total);
    }
    mrq_progress_step(&screen->progress, done, "rmse %.4f  %.0f samples/s", rmse, samples_per_second);
}

static void show_stage(void *context, const char *doing, uint32_t done, uint32_t of)
{
    mrq_screen *screen = context;
    if (!done)
        mrq_progress_start(&screen->progress, "solving", of);
    mrq_progress_step(&screen->progress, done, "%s", doing);
}

/* " name=0.8612", or "" if the value is NaN: that part does not exist. */
static const char *measure(char *out, size_t size, const char *name, double value)
{
    *out = '\0';
    if (!isnan(value))
        snprintf(out, size, " %s=%.4f", name, value);
    return out;
}

static void draw(const mrq_screen *screen, const mrq_train_epoch *all, uint32_t n)
{
    mrq_error err = {MRQ_OK, ""};
    mrq_status status = mrq_curve_csv(screen->csv, all, n, &err);
    if (status == MRQ_OK)
        status = mrq_curve_svg(screen->svg, screen->model, all, n, &err);
    if (status != MRQ_OK) /* the training goes on without a curve */
        mrq_log(MRQ_LOG_WARN, "train", "no learning curve: %s", err.msg);
}

static void show_epoch(void *context, const mrq_train_epoch *all, uint32_t n)
{
    mrq_screen *screen = context;
    const mrq_train_epoch *e = &all[n - 1];
    mrq_progress_end(&screen->progress);
    char valid[32], test[32];
    mrq_log(MRQ_LOG_INFO, "train", "epoch=%lld/%lld train_rmse=%.4f%s%s seconds=%.2f samples_per_second=%.0f%s",
            (long long)e->epoch, (long long)e->epochs, e->train_rmse, measure(valid, sizeof valid, "valid_rmse", e->valid_rmse),
            measure(test, sizeof test, "test_rmse", e->test_rmse), e->seconds, e->samples_per_second, e->best ? " best" : "");
    mrq_free(screen->behind);
    screen->behind = NULL;
    if (!*screen->csv)
        return;
    if (n > 100 && n % 50 && (screen->behind = mrq_array(n, sizeof *all))) {
        memcpy(screen->behind, all, n * sizeof *all);
        screen->n_behind = n;
    } else {
        draw(screen, all, n);
    }
}

static void show_warning(void *context, const mrq_error *problem)
{
    mrq_screen *screen = context;
    mrq_progress_end(&screen->progress);
    mrq_log(MRQ_LOG_WARN, "train", "%s", problem->msg);
}

mrq_train_watch mrq_screen_watch(mrq_screen *screen)
{
    return (mrq_train_watch){screen, show_batch, show_epoch, show_stage, show_warning, &mrq_stop_signal};
}

void mrq_screen_end(mrq_screen *screen)
{
    mrq_progress_end(&screen->progress);
    if (screen->behind)
        draw(screen, screen->behind, screen->n_behind);
    mrq_free(screen->behind);
    screen->behind = NULL;
}
